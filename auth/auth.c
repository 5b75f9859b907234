/*
 * From a client secret to an access token (contract 1.2), renewed ahead of its expiry. The
 * secret stands in locked memory twice, plain (to be kept out of what is quoted) and inside the
 * form that is posted; the token in locked memory once.
 */
#include "auth/auth.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "auth/auth_internal.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"

enum {
	ANSWER_MAX = 64 << 10,
	SECRET_MAX = 16 << 10,
	NAME_MAX_BYTES = 512, /* of tenant, client id, origins */
	RENEW_AHEAD_MS = 5 * 60 * 1000,
	RENEW_AHEAD_DIVISOR = 10, /* or a tenth of the lifetime, if that is more */
	STILL_GOOD_MS = 60 * 1000,
	RENEW_AGAIN_MS = 30 * 1000, /* after a renewal that could wait has failed */
};

struct auth {
	const struct transport *transport;
	const struct progress *progress;
	char *url;
	struct locked_text secret;
	struct locked_text form;
	struct span encoded_secret; /* inside the form */
	struct locked_text token;
	char *tenant;                       /* that the token names, or NULL */
	int64_t renew_at_ms, expires_at_ms; /* monotonic */
	int64_t (*clock_ms)(void);
	void (*sleep_ms)(int64_t);
};

/* ---- what was configured ------------------------------------------------------------- */

static bool check_present(const struct auth_options *options, struct error *err)
{
	const struct {
		const char *value, *what, *how;
	} needed[] = {
		{ options->tenant, "tenant", "AZURE_TENANT_ID, or tenant in the profile" },
		{ options->client_id, "client id", "AZURE_CLIENT_ID, or client_id in the profile" },
		{ options->secret.length ? options->secret.data : NULL, "client secret",
			"AZURE_CLIENT_SECRET, or client_secret_file in the profile" },
		{ options->authority, "sign-in address",
			"cloud in the profile, or AZURE_AUTHORITY_HOST" },
		{ options->graph, "address of Graph", "cloud in the profile" },
	};

	for (size_t i = 0; i < COUNT_OF(needed); i++)
		if (!needed[i].value || !needed[i].value[0])
			return error_set(err, ERROR_AUTH, "no %s is configured. Set %s",
				needed[i].what, needed[i].how);
	return true;
}

static bool check_sizes(const struct auth_options *options, struct error *err)
{
	const char *const names[] = { options->tenant, options->client_id, options->authority,
		options->graph };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strlen(names[i]) > NAME_MAX_BYTES)
			return error_set(err, ERROR_AUTH,
				"tenant, client id or an address is longer than %d bytes",
				NAME_MAX_BYTES);
	if (options->secret.length > SECRET_MAX)
		return error_set(err, ERROR_AUTH,
			"the client secret is longer than %d bytes. Does AZURE_CLIENT_SECRET or "
			"client_secret_file hold something else?",
			SECRET_MAX);
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

/* ---- the request, which is the same every time ---------------------------------------- */

static int origin_length(const char *origin)
{
	size_t length = strlen(origin);

	return (int)(length && origin[length - 1] == '/' ? length - 1 : length);
}

static char *make_url(const struct auth_options *options)
{
	CLEANUP(buf_release) struct buf url = BUF_UP_TO(NET_URL_MAX);

	buf_addf(&url, "%.*s/%s/oauth2/v2.0/token", origin_length(options->authority),
		options->authority, options->tenant);
	return buf_detach(&url);
}

static bool make_form(struct auth *auth, const struct auth_options *options, struct error *err)
{
	const struct span begin = SPAN_LITERAL("grant_type=client_credentials&client_id=");
	struct span client = span_of(options->client_id);
	struct span graph = { options->graph, (size_t)origin_length(options->graph) };
	struct locked_text *form = &auth->form;
	size_t room = 128 +
		locked_text_encoded_max(client.length + graph.length + options->secret.length);
	size_t secret_at;

	if (!locked_text_init(form, room, "client secret", err))
		return false;
	locked_text_add(form, begin);
	if (!locked_text_add_encoded(form, client, err))
		return false;
	locked_text_add(form, SPAN_LITERAL("&scope="));
	if (!locked_text_add_encoded(form, graph, err))
		return false;
	locked_text_add(form, SPAN_LITERAL("%2F.default&client_secret="));
	secret_at = form->length;
	if (!locked_text_add_encoded(form, options->secret, err))
		return false;
	auth->encoded_secret = (struct span){ form->data + secret_at, form->length - secret_at };
	return true;
}

struct auth *auth_open(const struct auth_options *options, const struct transport *transport,
	const struct progress *progress, struct error *err)
{
	CLEANUP(auth_closep) struct auth *auth = memory_new(sizeof(*auth));

	auth->transport = transport;
	auth->progress = progress;
	auth->clock_ms = time_monotonic_ms;
	if (!check_present(options, err) || !check_sizes(options, err) ||
		!check_tenant(options->tenant, err))
		return NULL;
	auth->url = make_url(options);
	if (!locked_text_init(&auth->secret, options->secret.length, "client secret", err))
		return NULL;
	locked_text_add(&auth->secret, options->secret);
	if (!make_form(auth, options, err))
		return NULL;
	return TAKE(auth);
}

void auth_close(struct auth *auth)
{
	if (!auth)
		return;
	locked_text_release(&auth->secret);
	locked_text_release(&auth->form);
	locked_text_release(&auth->token);
	memory_free(auth->url);
	memory_free(auth->tenant);
	memory_free(auth);
}

void auth_use_clock(struct auth *auth, int64_t (*clock_ms)(void), void (*sleep_ms)(int64_t))
{
	auth->clock_ms = clock_ms;
	auth->sleep_ms = sleep_ms;
}

/* ---- asking -------------------------------------------------------------------------- */

enum outcome { OUTCOME_TOKEN, OUTCOME_FAILED, OUTCOME_LATER };

static void response_wipe(struct net_response *response)
{
	buf_wipe(&response->body);
	net_response_release(response);
}

static void forget_token(struct auth *auth)
{
	locked_text_release(&auth->token);
	memory_free(TAKE(auth->tenant));
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Ahead of the end, but never for more than half of a life that is short. */
static int64_t renew_ahead_ms(int64_t lifetime_ms)
{
	int64_t tenth = lifetime_ms / RENEW_AHEAD_DIVISOR;

	return smaller(tenth > RENEW_AHEAD_MS ? tenth : RENEW_AHEAD_MS, lifetime_ms / 2);
}

/* `asked_ms`: when the request left; the token's life began after that. */
static bool keep_token(struct auth *auth, struct span body, int64_t asked_ms, struct error *err)
{
	struct token_answer answer;
	struct locked_text fresh = { 0 };

	if (!token_answer_read(body, &answer, err))
		return error_prefix(err, "POST %s: 200", auth->url);
	if (!locked_text_init(&fresh, answer.text.length, "access token", err))
		return false;
	locked_text_add(&fresh, answer.text);
	forget_token(auth);
	auth->token = fresh;
	auth->tenant = token_tenant(answer.text);
	auth->expires_at_ms = asked_ms + answer.lifetime_ms;
	auth->renew_at_ms = auth->expires_at_ms - renew_ahead_ms(answer.lifetime_ms);
	return true;
}

/* Any answer but 200. */
static enum outcome refused(
	const struct auth *auth, const struct net_response *response, struct error *err)
{
	struct error ignored = { 0 };
	CLEANUP(json_freep)
	json_t *answer = json_parse(buf_span(&response->body), ANSWER_MAX, &ignored);
	struct refusal_secret secret = { { auth->secret.data, auth->secret.length },
		auth->encoded_secret };

	if (response->status == 429 || response->status >= 500 || refusal_is_temporary(answer))
		return OUTCOME_LATER;
	if (json_text_or_null(answer, "error"))
		refusal_explain(answer, response->status, secret, err);
	else
		error_set(err, ERROR_NETWORK,
			"%ld, but not in Entra's words. Is this the address of a sign-in service, or is a "
			"captive portal or proxy in between?",
			response->status);
	error_prefix(err, "POST %s", auth->url);
	return OUTCOME_FAILED;
}

static enum outcome ask(struct auth *auth, struct net_response *response, struct error *err)
{
	char attempt[GUID_TEXT_BYTES];
	int64_t asked_ms = auth->clock_ms();
	const struct net_request request = {
		.method = "POST",
		.url = auth->url,
		.headers =
			{
				{"content-type", "application/x-www-form-urlencoded"},
				{"accept", "application/json"},
				{"client-request-id", text_new_guid(attempt)},
			},
		.header_count = 3,
		.body = {auth->form.data, auth->form.length},
		.secret = NET_SECRET_CREDENTIAL,
	};

	if (!transport_send(auth->transport, &request, response, err))
		return OUTCOME_FAILED;
	if (response->status != 200)
		return refused(auth, response, err);
	return keep_token(auth, buf_span(&response->body), asked_ms, err) ? OUTCOME_TOKEN
									  : OUTCOME_FAILED;
}

/* `patient`: waits and tries again while the service says "later". */
static bool ask_until_answered(struct auth *auth, bool patient, struct error *err)
{
	CLEANUP(response_wipe) struct net_response response;
	struct retry retry = {
		.clock_ms = auth->clock_ms,
		.sleep_ms = auth->sleep_ms,
	};

	net_response_init(&response);
	/* All of the room at once: a body that grows leaves pieces of a token behind. */
	response.body.limit = ANSWER_MAX;
	buf_room(&response.body, ANSWER_MAX);
	for (;;) {
		enum outcome outcome = ask(auth, &response, err);
		char why[64];

		if (outcome != OUTCOME_LATER)
			return outcome == OUTCOME_TOKEN;
		snprintf(why, sizeof(why), "Entra's token endpoint said later (%ld)",
			response.status);
		if (!patient)
			return error_set(err, ERROR_NETWORK, "POST %s: %s", auth->url, why);
		if (!retry_wait(&retry, net_response_header(&response, "retry-after"), why,
			    auth->progress, err))
			return error_prefix(err, "POST %s", auth->url);
	}
}

const char *auth_token(struct auth *auth, bool renew, struct error *err)
{
	int64_t now_ms = auth->clock_ms();
	bool usable;

	if (renew)
		forget_token(auth);
	if (auth->token.data && now_ms < auth->renew_at_ms)
		return auth->token.data;
	usable = auth->token.data && now_ms < auth->expires_at_ms - STILL_GOOD_MS;
	if (ask_until_answered(auth, !usable, err))
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
