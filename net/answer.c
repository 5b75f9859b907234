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

/*
 * What came over the wire. With chunked bodies libcurl counts a read after handing it on, so
 * while the transfer runs the figure may lag by one of its reads.
 */
static uint64_t wire_bytes(CURL *curl)
{
	curl_off_t bytes = 0;

	curl_easy_getinfo(curl, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	return bytes > 0 ? (uint64_t)bytes : 0;
}

static bool check_body(struct answer *answer, uint64_t wire)
{
	if (answer->body_bytes > NET_BODY_MAX)
		return error_set(answer->err, ERROR_FORMAT,
			"the answer is larger than %d bytes once unpacked", NET_BODY_MAX);
	if (answer->body_bytes > wire * NET_RATIO_MAX)
		return error_set(answer->err, ERROR_FORMAT,
			"the answer swells to more than %d times what came over the wire",
			NET_RATIO_MAX);
	return true;
}

static bool hand_on(struct answer *answer, struct span piece)
{
	const struct net_request *request = answer->request;
	long status = 0;

	curl_easy_getinfo(answer->curl, CURLINFO_RESPONSE_CODE, &status);
	if (request->sink && status >= 200 && status < 300) {
		*answer->heard = true;
		return request->sink(request->sink_context, piece, answer->err);
	}
	buf_add_span(&answer->response->body, piece);
	return buf_check(&answer->response->body, "the answer", answer->err);
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct answer *answer = context;
	size_t length = size * count;

	answer->body_bytes += length;
	if (check_body(answer, wire_bytes(answer->curl) + CURL_MAX_WRITE_SIZE) &&
		hand_on(answer, (struct span){ data, length }))
		return length;
	answer->failed = true;
	/* Not `length`, also when that is 0: only a difference stops libcurl. */
	return length ? 0 : 1;
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
	return check_body(answer, wire_bytes(answer->curl));
}
