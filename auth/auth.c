/*
 * The life of a token: asked for with a credential, kept in locked memory, renewed ahead of its
 * expiry. How a request is made is the credential's business (credential.c); what a refusal means
 * is a table (refusal_table.c).
 */
#include "auth/auth.h"

#include <assert.h>
#include <string.h>

#include "auth/auth_internal.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"

enum {
	ANSWER_MAX = 64 << 10,
	NAME_MAX_BYTES = 512, /* of tenant, client id, origins */
	RENEW_AHEAD_MS = 5 * 60 * 1000,
	RENEW_AHEAD_DIVISOR = 10, /* or a tenth of the lifetime, if that is more */
	STILL_GOOD_MS = 60 * 1000,
	RENEW_AGAIN_MS = 30 * 1000, /* after a renewal that could wait has failed */
	HALF_SECOND_MS = 500,       /* a Date is cut to whole seconds */
};

struct auth {
	const struct transport *transport;
	const struct progress *progress;
	struct credential credential;
	char *url, *client_id, *graph; /* what the target borrows */
	struct token_target target;
	struct locked_text token;
	char *tenant;                       /* that the token names, or NULL */
	int64_t renew_at_ms, expires_at_ms; /* monotonic */
	int64_t skew_ms;                    /* how far this clock is ahead of Entra's */
	bool skew_known;
	int64_t (*clock_ms)(void);
	int64_t (*wall_ms)(void);
	void (*sleep_ms)(int64_t);
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

/* ---- one request ---------------------------------------------------------------------- */

enum outcome { OUTCOME_TOKEN, OUTCOME_FAILED, OUTCOME_LATER, OUTCOME_ANOTHER_PROOF };

/* One way to the token: the tries, and what they have used up. */
struct asking {
	struct net_response response;
	struct retry retry;
	unsigned tries;
	int64_t waited_ms;
	bool proof_renewed;
	long code; /* of the last refusal; 0: none */
};

static void asking_release(struct asking *asking)
{
	buf_wipe(&asking->response.body);
	net_response_release(&asking->response);
}

static void token_request_release(struct token_request *request)
{
	locked_text_release(&request->form);
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

	if (!token_answer_read(body, auth->wall_ms(), &answer, err) ||
		!locked_text_init_copy(&fresh, answer.text, "access token", err))
		return false;
	forget_token(auth);
	auth->token = fresh;
	auth->tenant = token_tenant(answer.text);
	auth->expires_at_ms = asked_ms + answer.lifetime_ms;
	auth->renew_at_ms = auth->expires_at_ms - renew_ahead_ms(answer.lifetime_ms);
	/* Only earlier than we would: a service that says "at the end" does not know our runs. */
	if (answer.refresh_ms)
		auth->renew_at_ms = smaller(auth->renew_at_ms, asked_ms + answer.refresh_ms);
	return true;
}

static bool is_later(const struct auth *auth, long status, const struct refusal *refusal)
{
	if (auth->credential.kind->pause_ms)
		return auth->credential.kind->pause_ms(status, 1, 0) >= 0;
	return status == 429 || status >= 500 || (refusal->flags & REFUSAL_LATER);
}

static bool is_refusal(const struct auth *auth, const json_t *answer)
{
	/* App Service has forms of its own, such as {"statusCode":400,"message":"…"}. */
	return json_text_or_null(answer, "error") ||
		(!auth->credential.kind->signs_in && json_is_object(answer));
}

/* Any answer but 200. */
static enum outcome refused(const struct auth *auth, struct asking *asking,
	const struct token_request *request, struct error *err)
{
	long status = asking->response.status;
	struct error ignored = { 0 };
	CLEANUP(json_freep)
	json_t *answer = json_parse(buf_span(&asking->response.body), ANSWER_MAX, &ignored);
	const struct refusal *refusal = refusal_find(answer);
	const char *error = json_text_or_null(answer, "error");
	const struct refusal_context context = {
		.kind = auth->credential.kind,
		.proof = request->proof,
		.skew_ms = auth->skew_known ? &auth->skew_ms : NULL,
	};

	asking->code = refusal->code;
	if (is_later(auth, status, refusal))
		return OUTCOME_LATER;
	if (error && strcmp(error, "invalid_client") == 0 && context.kind->renews_proof &&
		!asking->proof_renewed)
		return OUTCOME_ANOTHER_PROOF;
	if (is_refusal(auth, answer))
		refusal_explain(answer, status, &context, err);
	else
		error_set(err, ERROR_NETWORK,
			"%ld, but not in the words of %s. Is this the right address, or is a "
			"captive portal or proxy in between?",
			status, context.kind->service);
	return OUTCOME_FAILED;
}

/* The Date of the answer, against the middle of the exchange [T12]. */
static void note_clock(struct auth *auth, const struct net_response *response, int64_t left_ms)
{
	struct span date = net_response_header(response, "date");
	char text[TIME_TEXT_BYTES + 8];
	int64_t theirs_ms;

	if (!auth->credential.kind->signs_in || !date.length || date.length >= sizeof(text))
		return;
	memcpy(text, date.data, date.length);
	text[date.length] = '\0';
	if (!time_parse_http(text, &theirs_ms))
		return;
	auth->skew_ms = left_ms + (auth->wall_ms() - left_ms) / 2 - (theirs_ms + HALF_SECOND_MS);
	auth->skew_known = true;
}

static enum outcome send(struct auth *auth, struct asking *asking,
	const struct token_request *request, struct error *err)
{
	char attempt[GUID_TEXT_BYTES];
	int64_t asked_ms = auth->clock_ms(), left_ms = auth->wall_ms();
	struct net_request wire = {
		.method = request->method,
		.url = request->url,
		.body = locked_text_span(&request->form),
		.secret = request->secret,
	};

	for (; wire.header_count < request->header_count; wire.header_count++)
		wire.headers[wire.header_count] = request->headers[wire.header_count];
	wire.headers[wire.header_count++] = (struct net_header){ "accept", "application/json" };
	wire.headers[wire.header_count++] = (struct net_header){ "client-request-id",
		text_new_guid(attempt) };
	if (!transport_send(auth->transport, &wire, &asking->response, err))
		return OUTCOME_FAILED;
	note_clock(auth, &asking->response, left_ms);
	if (asking->response.status != 200)
		return refused(auth, asking, request, err);
	return keep_token(auth, buf_span(&asking->response.body), asked_ms, err) ? OUTCOME_TOKEN
										 : OUTCOME_FAILED;
}

static enum outcome ask(struct auth *auth, struct asking *asking, struct error *err)
{
	CLEANUP(token_request_release) struct token_request request = { 0 };
	enum outcome outcome;

	auth->target.now_ms = auth->wall_ms();
	if (!auth->credential.kind->request(auth->credential.state, &auth->target, &request, err)) {
		error_prefix(err, "no token");
		return OUTCOME_FAILED;
	}
	outcome = send(auth, asking, &request, err);
	/* What could be sent at all names its address itself. */
	if (outcome == OUTCOME_FAILED && asking->response.status)
		error_prefix(err, "%s %.*s", request.method, (int)strcspn(request.url, "?"),
			request.url);
	return outcome;
}

/* ---- many requests --------------------------------------------------------------------- */

static void sleep_for(const struct auth *auth, int64_t duration_ms)
{
	int64_t end_ms = auth->clock_ms() + duration_ms;

	if (auth->sleep_ms) {
		auth->sleep_ms(duration_ms);
		return;
	}
	/* A signal ends a sleep early, and most signals are no reason to be early. */
	for (int64_t left = duration_ms; left > 0 && !interrupted();
		left = end_ms - auth->clock_ms())
		time_sleep_ms(left);
}

/* By the kind's own timetable. */
static bool wait_by_table(
	struct auth *auth, struct asking *asking, const char *why, struct error *err)
{
	int64_t pause = auth->credential.kind->pause_ms(
		asking->response.status, asking->tries, asking->waited_ms);

	if (pause < 0)
		return error_set(
			err, ERROR_NETWORK, "%s: given up after try %u", why, asking->tries);
	progress_wait(auth->progress, why, pause);
	sleep_for(auth, pause);
	asking->waited_ms += pause;
	if (interrupted())
		return error_set(err, ERROR_NETWORK, "%s: interrupted while waiting after try %u",
			why, asking->tries);
	return true;
}

static bool wait_for_later(
	struct auth *auth, struct asking *asking, bool patient, struct error *err)
{
	const struct credential_kind *kind = auth->credential.kind;
	char code[32] = "", why[128];

	if (asking->code)
		snprintf(code, sizeof(code), ", AADSTS%ld", asking->code);
	snprintf(why, sizeof(why), "%s%s said later (%ld%s)", kind->service,
		kind->signs_in ? "'s token endpoint" : "", asking->response.status, code);
	if (!patient)
		return error_set(err, ERROR_NETWORK, "%s", why);
	if (kind->pause_ms)
		return wait_by_table(auth, asking, why, err);
	return retry_wait(&asking->retry, net_response_header(&asking->response, "retry-after"),
		why, auth->progress, err);
}

/* `patient`: waits and tries again while the service says "later". */
static bool ask_until_answered(struct auth *auth, bool patient, struct error *err)
{
	CLEANUP(asking_release)
	struct asking asking = {
		.retry = { .clock_ms = auth->clock_ms, .sleep_ms = auth->sleep_ms },
	};

	net_response_init(&asking.response);
	/* All of the room at once: a body that grows leaves pieces of a token behind. */
	asking.response.body.limit = ANSWER_MAX;
	buf_room(&asking.response.body, ANSWER_MAX);
	for (;;) {
		enum outcome outcome = ask(auth, &asking, err);

		asking.tries++;
		if (outcome == OUTCOME_TOKEN || outcome == OUTCOME_FAILED)
			return outcome == OUTCOME_TOKEN;
		if (outcome == OUTCOME_ANOTHER_PROOF)
			asking.proof_renewed = true;
		else if (!wait_for_later(auth, &asking, patient, err))
			return error_prefix(err, "%s%s", auth->url ? "POST " : "no token",
				auth->url ? auth->url : "");
	}
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
