/*
 * The sending half of an exchange: what a request sets on its handle, and what libcurl's failures
 * mean. Nothing is sent twice: libcurl would repeat a request on its own when a kept connection
 * dies under it, and a write that may have arrived must be read back instead; so a body can't be
 * read a second time, and a write without a body gets a new connection, which libcurl never
 * retries.
 */
#include <string.h>

#include "net/net_internal.h"

/* ---- headers and body ---------------------------------------------------------------- */

static void headers_wipe(struct curl_slist *headers)
{
	for (struct curl_slist *at = headers; at; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(headers);
}

static bool header_add(struct running *running, const char *name, const char *before,
	const char *value, struct error *err)
{
	/* The whole size at once: a buffer that grows leaves copies behind. */
	size_t size = strlen(name) + strlen(before) + strlen(value);
	CLEANUP(buf_wipe) struct buf line = BUF_UP_TO(size);
	struct curl_slist *longer;

	if (!buf_room(&line, size))
		return buf_check(&line, name, err);
	if (strpbrk(value, "\r\n"))
		return error_set(err, ERROR_REFUSED,
			"the value of the header %s holds a line end. Nothing was sent", name);
	buf_add_text(&line, name);
	buf_add_text(&line, before);
	buf_add_text(&line, value);
	longer = curl_slist_append(running->headers, buf_text(&line));
	if (!longer)
		return error_set(err, ERROR_SYSTEM, "libcurl: out of memory");
	running->headers = longer;
	return true;
}

bool running_add_headers(struct running *running, struct error *err)
{
	const struct net_request *request = &running->exchange->request;

	/* "Expect:" without a value: no waiting for "100 Continue" before the body. */
	if (!header_add(running, "Expect", ":", "", err))
		return false;
	for (size_t i = 0; i < request->header_count; i++) {
		const struct net_header *header = &request->headers[i];

		if (!header_add(running, header->name, ": ", header->value, err))
			return false;
	}
	if (!request->bearer)
		return true;
	return header_add(running, "authorization", ": Bearer ", request->bearer, err);
}

static size_t give_body(char *room, size_t size, size_t count, void *context)
{
	struct running *running = context;
	size_t length = size * count;

	if (length > running->unsent.length)
		length = running->unsent.length;
	if (length)
		memcpy(room, running->unsent.data, length);
	running->unsent.data += length;
	running->unsent.length -= length;
	return length;
}

/* Reading the body again would be sending the request again. */
static int refuse_rewind(void *context, curl_off_t offset, int origin)
{
	(void)context, (void)offset, (void)origin;
	return CURL_SEEKFUNC_FAIL;
}

enum method_shape { SHAPE_GET, SHAPE_HEAD, SHAPE_BODY, SHAPE_BARE };

static enum method_shape method_shape(const struct net_request *request)
{
	if (request->body.data || strcmp(request->method, "POST") == 0)
		return SHAPE_BODY;
	if (strcmp(request->method, "GET") == 0)
		return SHAPE_GET;
	return strcmp(request->method, "HEAD") == 0 ? SHAPE_HEAD : SHAPE_BARE;
}

/*
 * HTTP/2 is for reading. Debian 12's libcurl (7.88.1) ends every HTTP/2 exchange whose answer has no
 * Content-Length with a RST_STREAM, although the stream is closed. Servers that count these, as
 * many do since CVE-2023-44487, then refuse what is under way: what reads is sent again, of what writes
 * nobody knows whether it arrived. So each request that may write has a connection to itself.
 */
long request_version(const struct net_request *request)
{
	enum method_shape shape = method_shape(request);

	return shape == SHAPE_GET || shape == SHAPE_HEAD ? CURL_HTTP_VERSION_2TLS
							 : CURL_HTTP_VERSION_1_1;
}

static CURLcode method_configure(struct running *running)
{
	CURL *curl = running->curl;
	enum method_shape shape = method_shape(&running->exchange->request);
	bool bodyless_write = shape == SHAPE_BARE ||
		(shape == SHAPE_BODY && !running->unsent.length);
	CURLcode code = curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);

	if (code == CURLE_OK && shape == SHAPE_HEAD)
		code = curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	if (code == CURLE_OK && shape == SHAPE_BODY)
		code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
	if (code == CURLE_OK && shape == SHAPE_BODY)
		code = curl_easy_setopt(
			curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)running->unsent.length);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST,
			shape == SHAPE_HEAD ? NULL : running->exchange->request.method);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, bodyless_write ? 1L : 0L);
	if (code == CURLE_OK)
		code = curl_easy_setopt(
			curl, CURLOPT_HTTP_VERSION, request_version(&running->exchange->request));
	return code;
}

CURLcode running_configure(struct running *running)
{
	CURL *curl = running->curl;
	CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, running->pass.url);

	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_PRIVATE, running);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, running->headers);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, running->words);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_READDATA, running);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, refuse_rewind);
	if (code == CURLE_OK)
		code = method_configure(running);
	if (code == CURLE_OK)
		code = answer_listen(&running->answer);
	return code;
}

void running_forget(struct running *running)
{
	curl_easy_setopt(running->curl, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(running->curl, CURLOPT_ERRORBUFFER, NULL);
	headers_wipe(running->headers);
	running->headers = NULL;
}

/* ---- what went wrong ----------------------------------------------------------------- */

static const struct curl_trouble {
	CURLcode code;
	const char *what, *hint; /* hint: "%s" is the proxy */
} curl_troubles[] = {
	{ CURLE_COULDNT_CONNECT, "could not connect to host",
		"Is the network or the proxy (proxy = %s) right?" },
	{ CURLE_COULDNT_RESOLVE_HOST, "could not find the address of host",
		"Does name resolution work, or is a proxy needed (proxy = %s)?" },
	{ CURLE_COULDNT_RESOLVE_PROXY, "could not find the address of the proxy",
		"Is the proxy (proxy = %s) right?" },
	{ CURLE_OPERATION_TIMEDOUT, "no answer in time",
		"Is the network or the proxy (proxy = %s) right?" },
	{ CURLE_PEER_FAILED_VERIFICATION, "the server's certificate was not accepted",
		"Does a proxy inspect TLS here (proxy = %s)? Then name its CA with ca_file. Also "
		"check this machine's clock" },
	{ CURLE_SSL_CONNECT_ERROR, "no TLS connection",
		"Is something between here and there (proxy = %s) in the way?" },
	{ CURLE_PARTIAL_FILE, "the answer broke off", NULL },
	{ CURLE_RECV_ERROR, "the connection broke", NULL },
	{ CURLE_SEND_ERROR, "the connection broke", NULL },
	{ CURLE_GOT_NOTHING, "the server closed the connection without an answer", NULL },
	{ CURLE_SEND_FAIL_REWIND, "the connection broke", NULL },
};

bool running_explain(const struct running *running, CURLcode code, struct error *err)
{
	const struct curl_trouble *trouble = NULL;
	char hint[512] = "";

	for (size_t i = 0; i < COUNT_OF(curl_troubles); i++)
		if (curl_troubles[i].code == code)
			trouble = &curl_troubles[i];
	if (trouble && trouble->hint) {
		const char *mark = strstr(trouble->hint, "%s");

		snprintf(hint, sizeof(hint), ". %.*s%.200s%s", (int)(mark - trouble->hint),
			trouble->hint, running->proxy_shown, mark + 2);
	}
	return error_set(err, code == CURLE_OUT_OF_MEMORY ? ERROR_SYSTEM : ERROR_NETWORK,
		"%s: %s%s", trouble ? trouble->what : "no usable answer",
		running->words[0] ? running->words : curl_easy_strerror(code), hint);
}
