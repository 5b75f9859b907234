/*
 * The transport of the program: libcurl, held as the threat model wants it [T19, T23, T25].
 *
 * Every request passes the gate first. Each pair of origin and secret has a handle of its own,
 * so that no connection, cached name or buffer is shared between a credential's requests and a
 * token's. Redirects are answers like any other. Nothing is sent twice: libcurl would repeat a
 * request on its own when a kept connection dies under it, and a write that may have arrived
 * must be read back instead; so a body can't be read a second time, and a write without a body
 * gets a new connection, which libcurl never retries.
 */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/time.h"
#include "net/net_internal.h"

struct lane {
	size_t row;
	enum net_secret secret;
	CURL *curl;
};

struct curl_transport {
	const struct net_origins *origins; /* borrowed */
	char *proxy;                       /* "" for none */
	char *proxy_shown;                 /* without user and password */
	char *ca_file;
	FILE *trace;
	struct lane *lanes;
	size_t lane_count, lane_capacity;
};

/* ---- handles ------------------------------------------------------------------------- */

static const struct {
	CURLoption option;
	long value;
} fixed_options[] = {
	{ CURLOPT_NOSIGNAL, 1 },
	{ CURLOPT_CONNECTTIMEOUT_MS, NET_CONNECT_MS },
	{ CURLOPT_TIMEOUT_MS, NET_TOTAL_MS },
	{ CURLOPT_LOW_SPEED_LIMIT, 1 },
	{ CURLOPT_LOW_SPEED_TIME, NET_STALL_MS / 1000 },
	{ CURLOPT_SSL_VERIFYPEER, 1 },
	{ CURLOPT_SSL_VERIFYHOST, 2 },
	{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	{ CURLOPT_PROXY_SSL_VERIFYPEER, 1 },
	{ CURLOPT_PROXY_SSL_VERIFYHOST, 2 },
	{ CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS },
	{ CURLOPT_DISALLOW_USERNAME_IN_URL, 1 },
	{ CURLOPT_PATH_AS_IS, 1 },
	{ CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
};

struct text_option {
	CURLoption option;
	const char *value; /* NULL: libcurl's own */
};

static CURLcode set_texts(CURL *curl, const struct text_option *options, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CURLcode code = curl_easy_setopt(curl, options[i].option, options[i].value);

		if (code != CURLE_OK)
			return code;
	}
	return CURLE_OK;
}

static CURLcode set_fixed(CURL *curl)
{
	for (size_t i = 0; i < COUNT_OF(fixed_options); i++) {
		CURLcode code = curl_easy_setopt(
			curl, fixed_options[i].option, fixed_options[i].value);

		if (code != CURLE_OK)
			return code;
	}
	return CURLE_OK;
}

static CURLcode handle_configure(
	CURL *curl, const struct curl_transport *transport, const struct net_origin *origin)
{
	/* The simulator on this machine is no business of a proxy. */
	const struct text_option texts[] = {
		{ CURLOPT_PROTOCOLS_STR, origin->scheme },
		{ CURLOPT_PROXY, origin_is_loopback(origin) ? "" : transport->proxy },
		{ CURLOPT_NOPROXY, "" },
		{ CURLOPT_ACCEPT_ENCODING, "gzip" },
		{ CURLOPT_USERAGENT, "unstage/" UNSTAGE_VERSION },
	};
	const struct text_option ca_files[] = {
		{ CURLOPT_CAINFO, transport->ca_file },
		{ CURLOPT_PROXY_CAINFO, transport->ca_file },
	};
	CURLcode code = set_fixed(curl);

	if (code == CURLE_OK)
		code = set_texts(curl, texts, COUNT_OF(texts));
	if (code == CURLE_OK && transport->ca_file)
		code = set_texts(curl, ca_files, COUNT_OF(ca_files));
	return code;
}

/* The handle of this origin and secret, made when first needed. */
static struct lane *lane_find(
	struct curl_transport *transport, size_t row, enum net_secret secret, struct error *err)
{
	struct lane *lane;
	CURLcode code;

	for (size_t i = 0; i < transport->lane_count; i++) {
		lane = &transport->lanes[i];
		if (lane->row == row && lane->secret == secret)
			return lane;
	}
	MEMORY_GROW(transport->lanes, transport->lane_count, transport->lane_capacity);
	lane = &transport->lanes[transport->lane_count];
	*lane = (struct lane){ .row = row, .secret = secret, .curl = curl_easy_init() };
	code = lane->curl
		? handle_configure(lane->curl, transport, origins_row(transport->origins, row))
		: CURLE_OUT_OF_MEMORY;
	if (code != CURLE_OK) {
		curl_easy_cleanup(lane->curl);
		error_set(err, ERROR_SYSTEM, "libcurl can't be set up safely: %s",
			curl_easy_strerror(code));
		return NULL;
	}
	transport->lane_count++;
	return lane;
}

/*
 * The buffers of a handle still hold what it sent. A credential is sent about once an hour, so
 * its handle goes after each use; freed memory is wiped (start.c).
 */
static void lane_settle(struct curl_transport *transport, struct lane *lane)
{
	if (lane->secret != NET_SECRET_CREDENTIAL)
		return;
	curl_easy_cleanup(lane->curl);
	*lane = transport->lanes[--transport->lane_count];
}

/* ---- one exchange -------------------------------------------------------------------- */

struct exchange {
	struct curl_transport *transport;
	const struct net_request *request;
	struct answer answer;
	struct lane *lane;
	struct curl_slist *headers;
	struct span unsent; /* of the body */
	const char *url;    /* as libcurl spells it */
	char words[CURL_ERROR_SIZE];
};

static void headers_wipe(struct curl_slist *headers)
{
	for (struct curl_slist *at = headers; at; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(headers);
}

static bool header_add(struct exchange *exchange, const char *name, const char *before,
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
	longer = curl_slist_append(exchange->headers, buf_text(&line));
	if (!longer)
		return error_set(err, ERROR_SYSTEM, "libcurl: out of memory");
	exchange->headers = longer;
	return true;
}

static bool headers_build(struct exchange *exchange, struct error *err)
{
	const struct net_request *request = exchange->request;

	/* "Expect:" without a value: no waiting for "100 Continue" before the body. */
	if (!header_add(exchange, "Expect", ":", "", err))
		return false;
	for (size_t i = 0; i < request->header_count; i++) {
		const struct net_header *header = &request->headers[i];

		if (!header_add(exchange, header->name, ": ", header->value, err))
			return false;
	}
	if (!request->bearer)
		return true;
	return header_add(exchange, "authorization", ": Bearer ", request->bearer, err);
}

static size_t give_body(char *room, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	size_t length = size * count;

	if (length > exchange->unsent.length)
		length = exchange->unsent.length;
	if (length)
		memcpy(room, exchange->unsent.data, length);
	exchange->unsent.data += length;
	exchange->unsent.length -= length;
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

/* Handles are used again, so each request sets all of it. */
static CURLcode method_configure(struct exchange *exchange)
{
	CURL *curl = exchange->lane->curl;
	enum method_shape shape = method_shape(exchange->request);
	bool bodyless_write = shape == SHAPE_BARE ||
		(shape == SHAPE_BODY && !exchange->unsent.length);
	CURLcode code = curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);

	if (code == CURLE_OK && shape == SHAPE_HEAD)
		code = curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	if (code == CURLE_OK && shape == SHAPE_BODY)
		code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
	if (code == CURLE_OK && shape == SHAPE_BODY)
		code = curl_easy_setopt(
			curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->unsent.length);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST,
			shape == SHAPE_HEAD ? NULL : exchange->request->method);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, bodyless_write ? 1L : 0L);
	return code;
}

static CURLcode request_configure(struct exchange *exchange)
{
	CURL *curl = exchange->lane->curl;
	CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, exchange->url);

	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, exchange->headers);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->words);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_READDATA, exchange);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, refuse_rewind);
	if (code == CURLE_OK)
		code = method_configure(exchange);
	if (code == CURLE_OK)
		code = answer_listen(&exchange->answer);
	return code;
}

/* The handle outlives the exchange; what it was lent does not. */
static void request_forget(struct exchange *exchange)
{
	curl_easy_setopt(exchange->lane->curl, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(exchange->lane->curl, CURLOPT_ERRORBUFFER, NULL);
	headers_wipe(exchange->headers);
	exchange->headers = NULL;
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

static bool explain(const struct exchange *exchange, CURLcode code, struct error *err)
{
	const struct curl_trouble *trouble = NULL;
	char hint[512] = "";

	for (size_t i = 0; i < COUNT_OF(curl_troubles); i++)
		if (curl_troubles[i].code == code)
			trouble = &curl_troubles[i];
	if (trouble && trouble->hint) {
		const char *mark = strstr(trouble->hint, "%s");

		snprintf(hint, sizeof(hint), ". %.*s%.200s%s", (int)(mark - trouble->hint),
			trouble->hint, exchange->transport->proxy_shown, mark + 2);
	}
	return error_set(err, code == CURLE_OUT_OF_MEMORY ? ERROR_SYSTEM : ERROR_NETWORK,
		"%s: %s%s", trouble ? trouble->what : "no usable answer",
		exchange->words[0] ? exchange->words : curl_easy_strerror(code), hint);
}

static bool conclude(struct exchange *exchange, CURLcode code, struct error *err)
{
	struct answer *answer = &exchange->answer;

	curl_easy_getinfo(answer->curl, CURLINFO_RESPONSE_CODE, &answer->response->status);
	if (answer->failed)
		return false;
	if (code != CURLE_OK)
		return explain(exchange, code, err);
	if (!answer->response->status)
		return error_set(err, ERROR_NETWORK, "the answer has no status");
	return answer_finish(answer);
}

static bool perform(struct exchange *exchange, struct error *err)
{
	struct net_response *response = exchange->answer.response;
	int64_t begun_ms = time_monotonic_ms();
	CURLcode code = request_configure(exchange);
	bool good;

	if (code == CURLE_OK)
		code = curl_easy_perform(exchange->lane->curl);
	response->took_ms = time_monotonic_ms() - begun_ms;
	good = conclude(exchange, code, err);
	request_forget(exchange);
	if (!good)
		error_prefix(err, "%s %.*s", exchange->request->method,
			url_shown_length(exchange->url), exchange->url);
	trace_exchange(exchange->transport->trace, exchange->request, exchange->url, response,
		good ? NULL : error_kind_name(err->kind));
	return good;
}

static bool send_request(void *context, const struct net_request *request,
	struct net_response *response, struct error *err)
{
	struct curl_transport *transport = context;
	CLEANUP(gate_pass_release) struct gate_pass pass = { 0 };
	struct exchange exchange = {
		.transport = transport,
		.request = request,
		.unsent = request->body,
		.answer = { .request = request, .response = response, .err = err },
	};
	bool good;

	if (!gate_open(transport->origins, request->url, request->secret, &pass, err))
		return false;
	exchange.url = pass.url;
	exchange.lane = lane_find(transport, pass.row, request->secret, err);
	if (!exchange.lane)
		return false;
	exchange.answer.curl = exchange.lane->curl;
	good = headers_build(&exchange, err) && perform(&exchange, err);
	headers_wipe(exchange.headers);
	lane_settle(transport, exchange.lane);
	return good;
}

/* ---- life ---------------------------------------------------------------------------- */

static void close_transport(void *context)
{
	struct curl_transport *transport = context;

	if (!transport)
		return;
	for (size_t i = 0; i < transport->lane_count; i++)
		curl_easy_cleanup(transport->lanes[i].curl);
	if (transport->proxy)
		explicit_bzero(transport->proxy, strlen(transport->proxy));
	memory_free(transport->proxy);
	memory_free(transport->proxy_shown);
	memory_free(transport->ca_file);
	memory_free(transport->lanes);
	memory_free(transport);
}

static void close_transportp(struct curl_transport **transport)
{
	close_transport(*transport);
}

/* Reads the proxy's URL once, to refuse a wrong one early and to know it without its password. */
static bool proxy_read(struct curl_transport *transport, const char *proxy, struct error *err)
{
	CURLU *url = curl_url();
	char *shown = NULL;
	CURLUcode code = curl_url_set(url, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME);

	if (code == CURLUE_OK)
		code = curl_url_set(url, CURLUPART_USER, NULL, 0);
	if (code == CURLUE_OK)
		code = curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_URL, &shown, 0);
	transport->proxy_shown = memory_text(shown);
	curl_free(shown);
	curl_url_cleanup(url);
	if (code == CURLUE_OK)
		return true;
	return error_set(err, ERROR_USAGE, "proxy: %s. Write it as http://host:port",
		curl_url_strerror(code));
}

bool transport_curl(struct transport *transport, const struct net_origins *origins,
	const struct net_options *options, struct error *err)
{
	CLEANUP(close_transportp) struct curl_transport *curl = memory_new(sizeof(*curl));
	const char *proxy = options->proxy ? options->proxy : "";

	*curl = (struct curl_transport){
		.origins = origins,
		.trace = options->trace,
		.proxy = memory_text(proxy),
		.ca_file = memory_text(options->ca_file),
	};
	if (!*proxy)
		curl->proxy_shown = memory_text("none");
	else if (!proxy_read(curl, proxy, err))
		return false;
	if (options->ca_file && access(options->ca_file, R_OK) != 0)
		return error_errno(err, "ca_file = %s", options->ca_file);
	*transport = (struct transport){
		.send = send_request,
		.close = close_transport,
		.context = TAKE(curl),
	};
	return true;
}
