/*
 * The receiving half of an exchange, with the limits of T30: bytes of headers, bytes of body
 * after decompression, and how far a body may swell while it is unpacked. A limit ends the
 * transfer at once; nothing is cut silently.
 */
#include <string.h>

#include "base/text.h"
#include "net/net_internal.h"

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct span trimmed(const char *from, const char *to)
{
	while (from < to && is_blank(*from))
		from++;
	while (to > from && is_blank(to[-1]))
		to--;
	return (struct span){ from, (size_t)(to - from) };
}

static void add_header(struct buf *headers, const char *line, const char *end)
{
	const char *colon = memchr(line, ':', (size_t)(end - line));

	/* A line that begins with a blank continues another one: long abolished, never ours. */
	if (!colon || colon == line || is_blank(*line))
		return;
	for (const char *at = line; at < colon; at++)
		buf_add_byte(headers, text_lower(*at));
	buf_add_text(headers, ": ");
	buf_add_span(headers, trimmed(colon + 1, end));
	buf_add_byte(headers, '\n');
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
	struct answer *answer = context;
	struct buf *headers = &answer->response->headers;
	size_t length = size * count;

	/* A status line begins an answer; what an interim one (1xx) said is not kept. */
	if (length >= 5 && memcmp(data, "HTTP/", 5) == 0)
		buf_cut(headers, 0);
	else
		add_header(headers, data, data + length);
	if (buf_check(headers, "the answer's header", answer->err))
		return length;
	answer->failed = true;
	return 0;
}

/* `slack`: what one read of libcurl holds may swell more than the rest. */
static bool check_body(struct answer *answer, uint64_t slack)
{
	if (answer->body_bytes > NET_BODY_MAX)
		return error_set(answer->err, ERROR_FORMAT,
			"the answer is larger than %d bytes once unpacked", NET_BODY_MAX);
	if (answer->body_bytes > (answer->wire_bytes + slack) * NET_RATIO_MAX)
		return error_set(answer->err, ERROR_FORMAT,
			"the answer swells to more than %d times what came over the wire",
			NET_RATIO_MAX);
	return true;
}

static bool hand_on(void *context, struct span piece, struct error *err)
{
	struct answer *answer = context;
	const struct net_request *request = answer->request;
	long status = 0;

	answer->body_bytes += piece.length;
	if (!check_body(answer, CURL_MAX_WRITE_SIZE))
		return false;
	curl_easy_getinfo(answer->curl, CURLINFO_RESPONSE_CODE, &status);
	if (request->sink && status >= 200 && status < 300) {
		*answer->heard = true;
		return request->sink(request->sink_context, piece, err);
	}
	buf_add_span(&answer->response->body, piece);
	return buf_check(&answer->response->body, "the answer", err);
}

/* The body begins: is it packed, and in the one way that was offered? */
static bool learn_packing(struct answer *answer)
{
	struct span coding = net_response_header(answer->response, "content-encoding");

	if (!coding.length || text_compare_caseless(coding, SPAN_LITERAL("identity")) == 0)
		return true;
	if (text_compare_caseless(coding, SPAN_LITERAL("gzip")) != 0)
		return error_set(answer->err, ERROR_FORMAT,
			"the answer is packed as '%.*s', and gzip was offered",
			SPAN_FORMAT(coding));
	answer->unpack = unpack_new();
	return true;
}

static bool take_packed(struct answer *answer, struct span piece)
{
	if (!answer->wire_bytes && !learn_packing(answer))
		return false;
	answer->wire_bytes += piece.length;
	if (answer->unpack)
		return unpack_take(answer->unpack, piece, hand_on, answer, answer->err);
	return hand_on(answer, piece, answer->err);
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct answer *answer = context;
	size_t length = size * count;

	if (!length || take_packed(answer, (struct span){ data, length }))
		return length;
	answer->failed = true;
	return 0; /* not `length`, so that libcurl stops */
}

/* Called by libcurl when connected, and before a byte of the request itself leaves. */
static int note_departure(
	void *context, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
	struct answer *answer = context;

	(void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
	answer->response->sent = true;
	return CURL_PREREQFUNC_OK;
}

CURLcode answer_listen(struct answer *answer)
{
	CURLcode code = curl_easy_setopt(answer->curl, CURLOPT_HEADERFUNCTION, take_header);

	if (code == CURLE_OK)
		code = curl_easy_setopt(answer->curl, CURLOPT_HEADERDATA, answer);
	if (code == CURLE_OK)
		code = curl_easy_setopt(answer->curl, CURLOPT_WRITEFUNCTION, take_body);
	if (code == CURLE_OK)
		code = curl_easy_setopt(answer->curl, CURLOPT_WRITEDATA, answer);
	if (code == CURLE_OK)
		code = curl_easy_setopt(answer->curl, CURLOPT_PREREQFUNCTION, note_departure);
	if (code == CURLE_OK)
		code = curl_easy_setopt(answer->curl, CURLOPT_PREREQDATA, answer);
	return code;
}

bool answer_finish(struct answer *answer)
{
	if (answer->unpack && !unpack_is_whole(answer->unpack))
		return error_set(answer->err, ERROR_FORMAT,
			"the answer can't be unpacked: it ends before its end");
	return check_body(answer, 0);
}

void answer_forget(struct answer *answer)
{
	unpack_free(TAKE(answer->unpack));
}
