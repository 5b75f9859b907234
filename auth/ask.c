/*
 * From a credential to a token: one request, or as many as the service makes of it. How a request
 * is made is the credential's business (credential.c); what a refusal means is a table
 * (refusal_table.c).
 */
#include <string.h>

#include "auth/auth_state.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"

enum {
	ANSWER_MAX = 64 << 10,
	RENEW_AHEAD_MS = 5 * 60 * 1000,
	RENEW_AHEAD_DIVISOR = 10, /* or a tenth of the lifetime, if that is more */
	HALF_SECOND_MS = 500,     /* a Date is cut to whole seconds */
};

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
	auth_forget_token(auth);
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
	if (!transport_send(auth->transport, &wire, &asking->response, err)) {
		/* Its address means nothing to people. */
		if (!auth->credential.kind->signs_in)
			error_prefix(err, "%s", auth->credential.kind->service);
		return OUTCOME_FAILED;
	}
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

bool auth_ask(struct auth *auth, bool patient, struct error *err)
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
