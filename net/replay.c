/*
 * A transport that plays a written conversation, for tests. Blocks are separated by an empty
 * line; each is one exchange, in order:
 *
 *	> POST https://login.example/t/oauth2/v2.0/token
 *	> content-type: application/x-www-form-urlencoded
 *	> grant_type=client_credentials
 *	< 429
 *	< retry-after: 1
 *	<
 *	{"error":"temporarily_unavailable"}
 *
 * "> METHOD URL" must be equal. "> name: value" (name in lower case) must be among the
 * request's headers, the bearer token as "> authorization: Bearer TOKEN". Any other ">" line
 * must occur in its body. Then comes the answer: status, headers, and after a lone "<" the body
 * to the end of the block. "< reset" instead of a status breaks the connection after the
 * request was sent, "< unreachable" before.
 *
 * A sink gets its body in small pieces, as from a slow network.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "net/net_internal.h"

enum { REPLAY_LINES = 32, REPLAY_PIECE = 37 };

enum outcome { OUTCOME_STATUS, OUTCOME_RESET, OUTCOME_UNREACHABLE };

struct exchange {
	struct span method, url;
	struct span wanted[REPLAY_LINES]; /* headers and pieces of the body */
	size_t wanted_count;
	enum outcome outcome;
	long status;
	struct span headers[REPLAY_LINES];
	size_t header_count;
	struct span body;
	char *sent_body;
};

struct replay {
	char *script;
	struct exchange *exchanges;
	size_t count, capacity, used;
	struct buf trouble;
	struct buf left_over;
};

/* ---- reading the script -------------------------------------------------------------- */

static struct span next_line(const char **at)
{
	const char *end = strchrnul(*at, '\n');
	struct span line = { *at, (size_t)(end - *at) };

	*at = *end ? end + 1 : end;
	return line;
}

/* What stands behind "> " or "< "; a lone mark gives the empty text. */
static struct span line_rest(struct span line)
{
	size_t skip = line.length > 1 && line.data[1] == ' ' ? 2 : 1;

	return (struct span){ line.data + skip, line.length - skip };
}

static bool begins_with(struct span line, char mark)
{
	return line.length && line.data[0] == mark;
}

static bool read_outcome(struct exchange *exchange, struct span text)
{
	char *end;

	if (span_is(text, "reset") || span_is(text, "unreachable")) {
		exchange->outcome = span_is(text, "reset") ? OUTCOME_RESET : OUTCOME_UNREACHABLE;
		return true;
	}
	exchange->outcome = OUTCOME_STATUS;
	exchange->status = strtol(text.data, &end, 10);
	return end == text.data + text.length && exchange->status >= 100 && exchange->status <= 599;
}

static bool read_request(struct exchange *exchange, struct span first, const char **at)
{
	struct span text;
	const char *blank;

	if (!begins_with(first, '>'))
		return false;
	text = line_rest(first);
	blank = memchr(text.data, ' ', text.length);
	if (!blank)
		return false;
	exchange->method = (struct span){ text.data, (size_t)(blank - text.data) };
	exchange->url = (struct span){ blank + 1, text.length - exchange->method.length - 1 };
	while (**at == '>') {
		if (exchange->wanted_count == REPLAY_LINES)
			return false;
		exchange->wanted[exchange->wanted_count++] = line_rest(next_line(at));
	}
	return true;
}

static bool read_answer(struct exchange *exchange, const char **at)
{
	struct span line = next_line(at);
	const char *body;

	if (!begins_with(line, '<') || !read_outcome(exchange, line_rest(line)))
		return false;
	while (**at == '<') {
		line = line_rest(next_line(at));
		if (!line.length)
			break;
		if (exchange->header_count == REPLAY_LINES)
			return false;
		exchange->headers[exchange->header_count++] = line;
	}
	body = *at;
	for (line = SPAN_NONE; **at && **at != '\n';)
		line = next_line(at);
	if (line.data)
		exchange->body = (struct span){ body, (size_t)(line.data + line.length - body) };
	return true;
}

static bool read_script(struct replay *replay)
{
	const char *at = replay->script;

	for (;;) {
		struct exchange *exchange;

		while (*at == '\n')
			at++;
		if (!*at)
			return true;
		MEMORY_GROW(replay->exchanges, replay->count, replay->capacity);
		exchange = &replay->exchanges[replay->count++];
		*exchange = (struct exchange){ 0 };
		if (!read_request(exchange, next_line(&at), &at) || !read_answer(exchange, &at))
			return false;
	}
}

static void count_left_over(struct replay *replay)
{
	buf_cut(&replay->left_over, 0);
	if (replay->used < replay->count) {
		const struct exchange *next = &replay->exchanges[replay->used];

		buf_addf(&replay->left_over,
			"%zu of %zu exchanges were not used; next is %.*s %.*s",
			replay->count - replay->used, replay->count, SPAN_FORMAT(next->method),
			SPAN_FORMAT(next->url));
	}
}

struct replay *replay_new(const char *script)
{
	struct replay *replay = memory_new(sizeof(*replay));

	replay->trouble.limit = 1 << 20;
	replay->left_over.limit = 1 << 20;
	replay->script = memory_text(script);
	if (!read_script(replay))
		buf_addf(
			&replay->trouble, "the script's exchange %zu can't be read", replay->count);
	count_left_over(replay);
	return replay;
}

void replay_free(struct replay *replay)
{
	if (!replay)
		return;
	for (size_t i = 0; i < replay->count; i++)
		memory_free(replay->exchanges[i].sent_body);
	memory_free(replay->exchanges);
	memory_free(replay->script);
	buf_release(&replay->trouble);
	buf_release(&replay->left_over);
	memory_free(replay);
}

/* ---- playing it ---------------------------------------------------------------------- */

static bool looks_like_header(struct span wanted)
{
	size_t name = 0;

	while (name < wanted.length &&
		strchr("abcdefghijklmnopqrstuvwxyz0123456789-", wanted.data[name]))
		name++;
	return name && name + 1 < wanted.length && memcmp(wanted.data + name, ": ", 2) == 0;
}

static bool line_equal(struct span wanted, const char *name, const char *before, const char *value)
{
	CLEANUP(buf_wipe) struct buf line = BUF_UP_TO(NET_HEADERS_MAX);

	buf_addf(&line, "%s: %s%s", name, before, value);
	return span_equal(wanted, buf_span(&line));
}

static bool has_header(const struct net_request *request, struct span wanted)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (line_equal(wanted, request->headers[i].name, "", request->headers[i].value))
			return true;
	return request->bearer && line_equal(wanted, "authorization", "Bearer ", request->bearer);
}

static bool has_wanted(const struct net_request *request, struct span wanted)
{
	if (looks_like_header(wanted))
		return has_header(request, wanted);
	return request->body.data &&
		memmem(request->body.data, request->body.length, wanted.data, wanted.length);
}

static bool mismatch(struct replay *replay, struct error *err)
{
	return error_set(err, ERROR_FORMAT, "replay: %s", buf_text(&replay->trouble));
}

static bool match(struct replay *replay, const struct net_request *request, struct error *err)
{
	const struct exchange *exchange = &replay->exchanges[replay->used];

	if (replay->used == replay->count) {
		buf_addf(&replay->trouble, "after the last exchange came %s %s", request->method,
			request->url);
		return mismatch(replay, err);
	}
	if (!span_is(exchange->method, request->method) || !span_is(exchange->url, request->url)) {
		buf_addf(&replay->trouble, "exchange %zu: wanted %.*s %.*s, got %s %s",
			replay->used + 1, SPAN_FORMAT(exchange->method), SPAN_FORMAT(exchange->url),
			request->method, request->url);
		return mismatch(replay, err);
	}
	for (size_t i = 0; i < exchange->wanted_count; i++) {
		if (has_wanted(request, exchange->wanted[i]))
			continue;
		buf_addf(&replay->trouble, "exchange %zu: the request lacks: %.*s",
			replay->used + 1, SPAN_FORMAT(exchange->wanted[i]));
		return mismatch(replay, err);
	}
	return true;
}

static bool feed_sink(const struct net_request *request, struct span body, struct error *err)
{
	while (body.length) {
		struct span piece = body;

		if (piece.length > REPLAY_PIECE)
			piece.length = REPLAY_PIECE;
		if (!request->sink(request->sink_context, piece, err))
			return false;
		body.data += piece.length;
		body.length -= piece.length;
	}
	return true;
}

static bool answer(const struct exchange *exchange, const struct net_request *request,
	struct net_response *response, struct error *err)
{
	response->sent = exchange->outcome != OUTCOME_UNREACHABLE;
	if (exchange->outcome != OUTCOME_STATUS)
		return error_set(err, ERROR_NETWORK, "%s %.*s: %s", request->method,
			url_shown_length(request->url), request->url,
			response->sent ? "the connection broke" : "could not connect to host");
	response->status = exchange->status;
	for (size_t i = 0; i < exchange->header_count; i++) {
		buf_add_span(&response->headers, exchange->headers[i]);
		buf_add_byte(&response->headers, '\n');
	}
	if (request->sink && exchange->status < 300)
		return feed_sink(request, exchange->body, err);
	buf_add_span(&response->body, exchange->body);
	return true;
}

static bool send_request(void *context, const struct net_request *request,
	struct net_response *response, struct error *err)
{
	struct replay *replay = context;
	struct exchange *exchange;

	/* After the first mismatch nothing is as written any more. */
	if (replay->trouble.length)
		return mismatch(replay, err);
	if (!match(replay, request, err))
		return false;
	exchange = &replay->exchanges[replay->used++];
	if (request->body.data)
		exchange->sent_body = memory_text_span(request->body.data, request->body.length);
	count_left_over(replay);
	return answer(exchange, request, response, err);
}

struct transport replay_transport(struct replay *replay)
{
	return (struct transport){ .send = send_request, .context = replay };
}

const char *replay_trouble(const struct replay *replay)
{
	if (replay->trouble.length)
		return buf_text(&replay->trouble);
	return replay->left_over.length ? buf_text(&replay->left_over) : NULL;
}

const char *replay_sent_body(const struct replay *replay, size_t exchange)
{
	return exchange < replay->count ? replay->exchanges[exchange].sent_body : NULL;
}
