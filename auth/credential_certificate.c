/* A certificate with its key: each request carries an assertion signed for it (contract 1.3). */
#include <string.h>
#include <strings.h>

#include "auth/auth_internal.h"
#include "base/memory.h"

enum { FILE_MAX = 64 << 10, PASSWORD_MAX = 1024, ASSERTION_MAX = 96 << 10 };

#define VARIABLE_PATH     "AZURE_CLIENT_CERTIFICATE_PATH"
#define VARIABLE_PASSWORD "AZURE_CLIENT_CERTIFICATE_PASSWORD"
#define VARIABLE_CHAIN    "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"

static const char *named(const struct auth_options *options)
{
	return options->certificate_file ? "certificate_file" : NULL;
}

static bool offered(const struct credential_source *source)
{
	return variable_of(source->options, VARIABLE_PATH) != NULL;
}

/* ---- opening ----------------------------------------------------------------------------- */

static bool reads_input(const char *place)
{
	return place && strcmp(place, "-") == 0;
}

static bool read_password(
	struct credential_source *source, struct locked_text *password, struct error *err)
{
	const struct auth_options *options = source->options;

	if (!options->certificate_password_file)
		return !source->certificate_password.length ||
			locked_text_init_copy(password,
				locked_text_span(&source->certificate_password),
				"certificate's password", err);
	if (reads_input(options->certificate_password_file) &&
		reads_input(options->certificate_file))
		return error_set(err, ERROR_USAGE,
			"certificate_file and certificate_password_file are both -, and standard "
			"input is one");
	return secret_read(
		&(struct secret_place){
			.key = "certificate_password_file",
			.text = options->certificate_password_file,
			.what = "certificate's password",
			.max = PASSWORD_MAX,
			.trim = TRIM_LINE_END,
			.progress = source->progress,
		},
		password, err);
}

/* "1" and "true" as in the SDKs; "yes" as people write. */
static bool read_chain_switch(const struct auth_options *options, bool *on, struct error *err)
{
	static const struct {
		const char *word;
		bool on;
	} words[] = { { "1", true }, { "true", true }, { "yes", true }, { "0", false },
		{ "false", false }, { "no", false } };
	const char *text = options->send_certificate_chain;

	if (!text)
		text = variable_of(options, VARIABLE_CHAIN);
	*on = false;
	if (!text)
		return true;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (strcasecmp(words[i].word, text) != 0)
			continue;
		*on = words[i].on;
		return true;
	}
	return error_set(err, ERROR_USAGE,
		"send_certificate_chain (" VARIABLE_CHAIN ") is '%s'; it can be yes or no", text);
}

static bool read_file(
	struct credential_source *source, struct locked_text *bytes, struct error *err)
{
	const char *file = source->options->certificate_file;

	return secret_read(
		&(struct secret_place){
			.key = file ? "certificate_file" : VARIABLE_PATH,
			.text = file ? file : variable_of(source->options, VARIABLE_PATH),
			.what = "certificate",
			.max = FILE_MAX,
			.trim = TRIM_NOTHING,
			.progress = source->progress,
		},
		bytes, err);
}

static void *open_certificate(struct credential_source *source, struct error *err)
{
	const struct auth_options *options = source->options;
	CLEANUP(locked_text_release) struct locked_text bytes = { 0 }, password = { 0 };
	struct certificate_use use = {
		.name = options->certificate_file ? options->certificate_file
						  : variable_of(options, VARIABLE_PATH),
		.assertion = options->assertion,
		.now_ms = source->now_ms,
	};

	if (!read_chain_switch(options, &use.send_chain, err) ||
		!read_password(source, &password, err) || !read_file(source, &bytes, err))
		return NULL;
	use.password = locked_text_span(&password);
	return certificate_read(locked_text_span(&bytes), &use, err);
}

static void close_certificate(void *state)
{
	certificate_free(state);
}

/* ---- asking ------------------------------------------------------------------------------- */

static bool request_certificate(void *state, const struct token_target *target,
	struct token_request *request, struct error *err)
{
	CLEANUP(buf_wipe) struct buf assertion = BUF_UP_TO(ASSERTION_MAX);
	size_t at;

	if (!certificate_assert(state, target, &assertion, err) ||
		!form_begin(request, target, FORM_ASSERTION_HEAD_MAX + assertion.length, err))
		return false;
	form_add_assertion_head(request);
	at = request->form.length;
	/* base64url and dots need no percent-encoding. */
	locked_text_add(&request->form, buf_span(&assertion));
	request->proof.plain = (struct span){ request->form.data + at, assertion.length };
	return true;
}

static int64_t ends_ms(const void *state)
{
	return certificate_ends_ms(state);
}

const struct credential_kind credential_certificate = {
	.name = "certificate",
	.choices = VARIABLE_PATH ", or certificate_file in the profile",
	.check = "Check that this very certificate is registered on the application: its SHA-256 "
		 "thumbprint is what openssl x509 -fingerprint -sha256 shows",
	.service = "Entra",
	.signs_in = true,
	.renews_proof = true,
	.named = named,
	.offered = offered,
	.open = open_certificate,
	.close = close_certificate,
	.request = request_certificate,
	.ends_ms = ends_ms,
};
