/*
 * The life of a token: kept in locked memory and renewed ahead of its expiry. How one is got is
 * told in ask.c.
 */
#include "auth/auth_state.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"

enum {
	NAME_MAX_BYTES = 512, /* of tenant, client id, origins */
	STILL_GOOD_MS = 60 * 1000,
	RENEW_AGAIN_MS = 30 * 1000, /* after a renewal that could wait has failed */
};

/* ---- what was configured ------------------------------------------------------------- */

static bool check_sizes(const struct auth_options *options, struct error *err)
{
	const char *const names[] = { options->tenant, options->client_id, options->authority,
		options->graph };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (names[i] && strlen(names[i]) > NAME_MAX_BYTES)
			return error_set(err, ERROR_AUTH,
				"tenant, client id or an address is longer than %d bytes",
				NAME_MAX_BYTES);
	return true;
}

static bool is_domain_or_id(const char *tenant)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";

	return tenant[0] != '.' && !strstr(tenant, "..") && !tenant[strspn(tenant, allowed)];
}

static bool check_tenant(const char *tenant, struct error *err)
{
	static const char *const shared[] = { "common", "organizations", "consumers" };

	for (size_t i = 0; i < COUNT_OF(shared); i++)
		if (text_compare_caseless(span_of(tenant), span_of(shared[i])) == 0)
			return error_set(err, ERROR_AUTH,
				"the tenant \"%s\" stands for all tenants, and an application signs in "
				"to one (AADSTS9001023). Set AZURE_TENANT_ID, or tenant in the profile, "
				"to the tenant's id",
				shared[i]);
	if (is_domain_or_id(tenant))
		return true;
	return error_set(err, ERROR_AUTH,
		"the tenant \"%s\" is neither an id nor a domain. Check AZURE_TENANT_ID, or tenant in "
		"the profile",
		tenant);
}

static int origin_length(const char *origin)
{
	size_t length = strlen(origin);

	return (int)(length && origin[length - 1] == '/' ? length - 1 : length);
}

/* Where the proof goes: the tenant's own token endpoint, and nothing beside it. */
static bool enter_authority(const struct auth_options *options, struct error *err)
{
	CLEANUP(buf_release) struct buf root = BUF_UP_TO(NET_URL_MAX);

	buf_addf(&root, "/%s/", options->tenant);
	return !options->origins ||
		net_origins_add(options->origins, options->authority, NET_SECRET_CREDENTIAL,
			buf_text(&root), err) ||
		error_prefix(err, "authority");
}

static bool make_target(struct auth *auth, const struct auth_options *options, struct error *err)
{
	CLEANUP(buf_release) struct buf url = BUF_UP_TO(NET_URL_MAX);

	if (!options->graph || !options->graph[0])
		return error_set(err, ERROR_AUTH,
			"no address of Graph is configured. Set cloud in the profile");
	auth->graph = memory_text_span(options->graph, (size_t)origin_length(options->graph));
	auth->client_id = memory_text(options->client_id);
	if (auth->credential.kind->signs_in) {
		buf_addf(&url, "%.*s/%s/oauth2/v2.0/token", origin_length(options->authority),
			options->authority, options->tenant);
		auth->url = buf_detach(&url);
	}
	auth->target = (struct token_target){
		.url = auth->url,
		.client_id = auth->client_id,
		.graph = auth->graph,
	};
	return !auth->url || enter_authority(options, err);
}

struct auth *auth_open(const struct auth_options *options, const struct transport *transport,
	const struct progress *progress, struct error *err)
{
	CLEANUP(auth_closep) struct auth *auth = memory_new(sizeof(*auth));

	auth->transport = transport;
	auth->progress = progress;
	auth->clock_ms = time_monotonic_ms;
	auth->wall_ms = time_now_ms;
	if (!check_sizes(options, err) ||
		(options->tenant && *options->tenant && !check_tenant(options->tenant, err)) ||
		!credential_open(&auth->credential, options, progress, err) ||
		!make_target(auth, options, err))
		return NULL;
	return TAKE(auth);
}

void auth_close(struct auth *auth)
{
	if (!auth)
		return;
	credential_close(&auth->credential);
	locked_text_release(&auth->token);
	memory_free(auth->url);
	memory_free(auth->client_id);
	memory_free(auth->graph);
	memory_free(auth->tenant);
	memory_free(auth);
}

void auth_use_clock(struct auth *auth, int64_t (*clock_ms)(void), void (*sleep_ms)(int64_t))
{
	auth->clock_ms = clock_ms;
	auth->sleep_ms = sleep_ms;
}

void auth_use_wall_clock(struct auth *auth, int64_t (*now_ms)(void))
{
	auth->wall_ms = now_ms;
}

/* ---- the token in hand --------------------------------------------------------------- */

void auth_forget_token(struct auth *auth)
{
	locked_text_release(&auth->token);
	memory_free(TAKE(auth->tenant));
}

/* A credential that is the token. */
static const char *take_given(struct auth *auth, bool refused, struct error *err)
{
	struct credential *credential = &auth->credential;
	struct span token;

	if (!credential->kind->hand_out(credential->state, refused, &token, err))
		return NULL;
	if (!auth->tenant)
		auth->tenant = token_tenant(token);
	return token.data;
}

const char *auth_token(struct auth *auth, bool renew, struct error *err)
{
	int64_t now_ms = auth->clock_ms();
	bool usable;

	if (auth->credential.kind->hand_out)
		return take_given(auth, renew, err);
	if (renew)
		auth_forget_token(auth);
	if (auth->token.data && now_ms < auth->renew_at_ms)
		return auth->token.data;
	usable = auth->token.data && now_ms < auth->expires_at_ms - STILL_GOOD_MS;
	if (auth_ask(auth, !usable, err))
		return auth->token.data;
	if (!usable || err->kind != ERROR_NETWORK)
		return NULL;
	/* The renewal can wait: the token at hand is still good. */
	progress_warn(auth->progress, "the token could not be renewed yet: %s", err->text);
	*err = (struct error){ 0 };
	auth->renew_at_ms = now_ms + RENEW_AGAIN_MS;
	return auth->token.data;
}

const char *auth_token_tenant(struct auth *auth)
{
	return auth->tenant;
}

const char *auth_credential_name(const struct auth *auth)
{
	return auth->credential.kind->name;
}

bool auth_signs_in(const struct auth *auth)
{
	return auth->credential.kind->signs_in;
}

int64_t auth_credential_ends_ms(const struct auth *auth)
{
	const struct credential *credential = &auth->credential;

	return credential->kind->ends_ms ? credential->kind->ends_ms(credential->state) : TIME_NONE;
}

bool auth_clock_skew_ms(const struct auth *auth, int64_t *skew_ms)
{
	if (auth->skew_known)
		*skew_ms = auth->skew_ms;
	return auth->skew_known;
}
