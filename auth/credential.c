/*
 * Which way to sign in: the one that the profile names, or else the first that the variables
 * offer, in the order of the Azure SDKs (contract 1.7): a secret wins over a certificate. Variables
 * that hold secrets are taken out of the environment whether they are used or not [T21].
 */
#include <string.h>

#include "auth/auth_internal.h"

static const struct credential_kind *const kinds[] = { &credential_secret, &credential_certificate,
	&credential_federated, &credential_identity, &credential_pasted };

/* ---- the variables --------------------------------------------------------------------- */

static bool source_init(struct credential_source *source, const struct auth_options *options,
	const struct progress *progress, struct error *err)
{
	const struct {
		const char *name, *what;
		struct locked_text *place;
	} secrets[] = {
		{ "AZURE_CLIENT_SECRET", "client secret", &source->client_secret },
		{ "AZURE_CLIENT_CERTIFICATE_PASSWORD", "certificate's password",
			&source->certificate_password },
		{ "IDENTITY_HEADER", "managed identity's header", &source->identity_header },
	};
	bool done = true;

	*source = (struct credential_source){
		.options = options,
		.progress = progress,
		.now_ms = time_now_ms(),
	};
	/* All of them, also behind a failure: each is wiped. */
	for (size_t i = 0; options->environment && i < COUNT_OF(secrets); i++)
		done = secret_take_variable(
			       secrets[i].name, secrets[i].what, secrets[i].place, err) &&
			done;
	return done;
}

static void source_release(struct credential_source *source)
{
	locked_text_release(&source->client_secret);
	locked_text_release(&source->certificate_password);
	locked_text_release(&source->identity_header);
}

/* ---- choosing --------------------------------------------------------------------------- */

/* Sets `count` to how many the profile names; `kind` is the one. */
static bool choose_named(const struct auth_options *options, const struct credential_kind **kind,
	size_t *count, struct error *err)
{
	*count = 0;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (!kinds[i]->named(options))
			continue;
		if (++*count == 2)
			return error_set(err, ERROR_USAGE,
				"two ways to sign in are named: %s and %s. Keep one",
				(*kind)->named(options), kinds[i]->named(options));
		*kind = kinds[i];
	}
	return true;
}

static bool choose_offered(
	const struct credential_source *source, const struct credential_kind **kind)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (!kinds[i]->offered(source))
			continue;
		*kind = kinds[i];
		return true;
	}
	return false;
}

static bool refuse_none(struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(sizeof(err->text));

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		buf_addf(&text, "%s%s (%s)", i ? "; " : "", kinds[i]->choices, kinds[i]->name);
	return error_set(
		err, ERROR_AUTH, "no credential is configured. Set one of: %s", buf_text(&text));
}

static bool check_present(const struct auth_options *options, struct error *err)
{
	const struct {
		const char *value, *what, *how;
	} needed[] = {
		{ options->tenant, "tenant", "AZURE_TENANT_ID, or tenant in the profile" },
		{ options->client_id, "client id", "AZURE_CLIENT_ID, or client_id in the profile" },
		{ options->authority, "sign-in address",
			"cloud in the profile, or AZURE_AUTHORITY_HOST" },
	};

	for (size_t i = 0; i < COUNT_OF(needed); i++)
		if (!needed[i].value || !needed[i].value[0])
			return error_set(err, ERROR_AUTH, "no %s is configured. Set %s",
				needed[i].what, needed[i].how);
	return true;
}

static bool choose(
	struct credential *credential, struct credential_source *source, struct error *err)
{
	size_t named;

	if (!choose_named(source->options, &credential->kind, &named, err))
		return false;
	if (!named && !choose_offered(source, &credential->kind))
		return check_present(source->options, err) && refuse_none(err);
	return !credential->kind->signs_in || check_present(source->options, err);
}

bool credential_open(struct credential *credential, const struct auth_options *options,
	const struct progress *progress, struct error *err)
{
	CLEANUP(source_release) struct credential_source source;

	*credential = (struct credential){ 0 };
	if (!source_init(&source, options, progress, err) || !choose(credential, &source, err))
		return false;
	credential->state = credential->kind->open(&source, err);
	return credential->state != NULL;
}

void credential_close(struct credential *credential)
{
	if (credential->state)
		credential->kind->close(credential->state);
	*credential = (struct credential){ 0 };
}
