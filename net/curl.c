/*
 * The transport of the program: libcurl, held as the threat model wants it [T19, T23, T25].
 *
 * Every request passes the gate first. Each pair of origin and secret has a lane of its own: a
 * multi handle with its connections, so that no connection, cached name or buffer is shared
 * between a credential's requests and a token's. What may write has one, too, since it speaks HTTP/1.1
 * (curl_request.c): with both versions in one multi handle of libcurl 7.88.1, pages came damaged in
 * two of five readings of a thousand. In a lane several exchanges run at once, over
 * one connection where HTTP/2 is spoken and over a few where it is not. Redirects are answers
 * like any other. How a request is kept from being sent twice is told in curl_request.c.
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
	long version; /* of HTTP, as libcurl names it */
	CURLM *multi;
	struct running *running; /* a list, the newest first */
	CURL **idle;             /* handles that wait for their next exchange */
	size_t idle_count, idle_capacity;
};

struct curl_transport {
	const struct net_origins *origins; /* borrowed */
	char *proxy;                       /* "" for none */
	char *proxy_shown;                 /* without user and password */
	char *ca_file;
	FILE *trace;
	struct lane **lanes;
	size_t lane_count, lane_capacity;
	bool heard; /* a sink got bytes, and its owner may want to act on them */
};

enum {
	CONNECTIONS_MAX = 16, /* to one host, where HTTP/2 is not spoken */
	POLL_SLICE_MS = 20,   /* with transfers on more than one lane, each waits its turn */
};

/* ---- lanes --------------------------------------------------------------------------- */

static void running_free(struct running *running);

static void lane_free(struct lane *lane)
{
	while (lane->running)
		running_free(lane->running);
	for (size_t i = 0; i < lane->idle_count; i++)
		curl_easy_cleanup(lane->idle[i]);
	curl_multi_cleanup(lane->multi);
	memory_free(lane->idle);
	memory_free(lane);
}

static struct lane *lane_new(size_t row, enum net_secret secret, long version)
{
	struct lane *lane = memory_new(sizeof(*lane));

	*lane = (struct lane){
		.row = row, .secret = secret, .version = version, .multi = curl_multi_init()
	};
	if (lane->multi &&
		curl_multi_setopt(lane->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX) ==
			CURLM_OK &&
		curl_multi_setopt(lane->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
			(long)CONNECTIONS_MAX) == CURLM_OK)
		return lane;
	lane_free(lane);
	return NULL;
}

/* The lane of these, made when first needed. NULL: libcurl has no memory. */
static struct lane *lane_find(
	struct curl_transport *transport, size_t row, enum net_secret secret, long version)
{
	struct lane *lane;

	for (size_t i = 0; i < transport->lane_count; i++) {
		lane = transport->lanes[i];
		if (lane->row == row && lane->secret == secret && lane->version == version)
			return lane;
	}
	lane = lane_new(row, secret, version);
	if (!lane)
		return NULL;
	MEMORY_GROW(transport->lanes, transport->lane_count, transport->lane_capacity);
	transport->lanes[transport->lane_count++] = lane;
	return lane;
}

static CURL *lane_take_handle(
	struct curl_transport *transport, struct lane *lane, struct error *err)
{
	CURL *curl;
	CURLcode code;

	if (lane->idle_count)
		return lane->idle[--lane->idle_count];
	curl = curl_easy_init();
	code = curl ? handle_configure(curl, origins_row(transport->origins, lane->row),
			      transport->proxy, transport->ca_file)
		    : CURLE_OUT_OF_MEMORY;
	if (code == CURLE_OK)
		return curl;
	curl_easy_cleanup(curl);
	error_set(
		err, ERROR_SYSTEM, "libcurl can't be set up safely: %s", curl_easy_strerror(code));
	return NULL;
}

/* Sent about once an hour, and worth more than the hour's token. */
static bool secret_is_rare(enum net_secret secret)
{
	return secret == NET_SECRET_CREDENTIAL || secret == NET_SECRET_IDENTITY;
}

static void lane_give_handle(struct lane *lane, CURL *curl)
{
	/* The buffers of a handle still hold what it sent; freed memory is wiped (start.c). */
	if (secret_is_rare(lane->secret)) {
		curl_easy_cleanup(curl);
		return;
	}
	MEMORY_GROW(lane->idle, lane->idle_count, lane->idle_capacity);
	lane->idle[lane->idle_count++] = curl;
}

/*
 * The connections of a lane hold buffers, too. A credential is sent about once an hour, so its
 * lane goes after each use.
 */
static void lane_settle(struct curl_transport *transport, struct lane *lane)
{
	if (!secret_is_rare(lane->secret) || lane->running)
		return;
	for (size_t i = 0; i < transport->lane_count; i++)
		if (transport->lanes[i] == lane)
			transport->lanes[i] = transport->lanes[--transport->lane_count];
	lane_free(lane);
}

/* ---- one exchange -------------------------------------------------------------------- */

static void running_free(struct running *running)
{
	struct running **at = &running->lane->running;

	if (running->joined)
		curl_multi_remove_handle(running->lane->multi, running->curl);
	if (running->curl) {
		running_forget(running);
		lane_give_handle(running->lane, running->curl);
	}
	while (*at && *at != running)
		at = &(*at)->next;
	if (*at)
		*at = running->next;
	running->exchange->own = NULL;
	gate_pass_release(&running->pass);
	answer_forget(&running->answer);
	memory_free(running);
}

static unsigned spoken_version(CURL *curl)
{
	static const struct {
		long curl;
		unsigned version;
	} versions[] = { { CURL_HTTP_VERSION_1_0, 10 }, { CURL_HTTP_VERSION_1_1, 11 },
		{ CURL_HTTP_VERSION_2_0, 20 } };
	long spoken = 0;

	curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &spoken);
	for (size_t i = 0; i < COUNT_OF(versions); i++)
		if (versions[i].curl == spoken)
			return versions[i].version;
	return 0;
}

static bool conclude(struct running *running, CURLcode code, struct error *err)
{
	struct answer *answer = &running->answer;

	curl_easy_getinfo(running->curl, CURLINFO_RESPONSE_CODE, &answer->response->status);
	answer->response->version = spoken_version(running->curl);
	if (answer->failed)
		return false;
	if (code != CURLE_OK)
		return running_explain(running, code, err);
	if (!answer->response->status)
		return error_set(err, ERROR_NETWORK, "the answer has no status");
	return answer_finish(answer);
}

/* The exchange is over; `running` is gone after this. */
static void finish(struct running *running, CURLcode code)
{
	struct curl_transport *transport = running->transport;
	struct net_exchange *exchange = running->exchange;
	struct lane *lane = running->lane;

	exchange->response.took_ms = time_monotonic_ms() - running->begun_ms;
	exchange->good = conclude(running, code, &exchange->error);
	exchange->done = true;
	if (!exchange->good)
		error_prefix(&exchange->error, "%s %.*s", exchange->request.method,
			url_shown_length(running->pass.url), running->pass.url);
	trace_exchange(transport->trace, &exchange->request, running->pass.url, &exchange->response,
		exchange->good ? NULL : error_kind_name(exchange->error.kind));
	running_free(running);
	lane_settle(transport, lane);
}

/* Finds the lane and readies a handle. */
static bool prepare(struct running *running, struct error *err)
{
	struct curl_transport *transport = running->transport;
	const struct net_request *request = &running->exchange->request;

	if (!gate_open(transport->origins, request->url, request->secret, &running->pass, err))
		return false;
	running->lane = lane_find(
		transport, running->pass.row, request->secret, request_version(request));
	if (!running->lane)
		return error_set(err, ERROR_SYSTEM, "libcurl: out of memory");
	running->next = running->lane->running;
	running->lane->running = running;
	running->curl = lane_take_handle(transport, running->lane, err);
	return running->curl && running_add_headers(running, err);
}

static void begin_exchange(void *context, struct net_exchange *exchange)
{
	struct running *running = memory_new(sizeof(*running));
	CURLcode code;

	*running = (struct running){
		.transport = context,
		.exchange = exchange,
		.unsent = exchange->request.body,
		.begun_ms = time_monotonic_ms(),
		.answer = { .request = &exchange->request,
			.response = &exchange->response,
			.err = &exchange->error },
	};
	running->answer.heard = &running->transport->heard;
	exchange->own = running;
	if (!prepare(running, &exchange->error)) {
		exchange->done = true;
		if (running->lane) {
			struct lane *lane = running->lane;

			running_free(running);
			lane_settle(context, lane);
		} else {
			gate_pass_release(&running->pass);
			memory_free(running);
		}
		return;
	}
	running->answer.curl = running->curl;
	running->proxy_shown = running->transport->proxy_shown;
	code = running_configure(running);
	if (code == CURLE_OK &&
		curl_multi_add_handle(running->lane->multi, running->curl) != CURLM_OK)
		code = CURLE_OUT_OF_MEMORY;
	running->joined = code == CURLE_OK;
	if (code != CURLE_OK)
		finish(running, code);
}

static void cancel_exchange(void *context, struct net_exchange *exchange)
{
	struct running *running = exchange->own;
	struct lane *lane;

	if (!running)
		return;
	lane = running->lane;
	running_free(running);
	lane_settle(context, lane);
}

/* ---- running them -------------------------------------------------------------------- */

/* Lets the lane's transfers go on as far as they can at once. True when one of them ended. */
static bool lane_run(struct lane *lane)
{
	bool ended = false;
	int count;
	CURLMsg *message;

	curl_multi_perform(lane->multi, &count);
	while ((message = curl_multi_info_read(lane->multi, &count))) {
		struct running *running = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&running);
		ended = true;
		if (!lane->running->next) { /* the last one may take its lane along */
			finish(running, message->data.result);
			return true;
		}
		finish(running, message->data.result);
	}
	return ended;
}

static size_t lanes_busy(const struct curl_transport *transport)
{
	size_t busy = 0;

	for (size_t i = 0; i < transport->lane_count; i++)
		busy += transport->lanes[i]->running != NULL;
	return busy;
}

static bool run_all(struct curl_transport *transport)
{
	bool ended = false;

	for (size_t i = transport->lane_count; i-- > 0;)
		if (transport->lanes[i]->running)
			ended |= lane_run(transport->lanes[i]);
	return ended;
}

static void wait_for_any(void *context, int64_t timeout_ms)
{
	struct curl_transport *transport = context;
	size_t busy = lanes_busy(transport);

	transport->heard = false;
	if (!busy || run_all(transport) || transport->heard)
		return;
	if (busy > 1 && timeout_ms > POLL_SLICE_MS)
		timeout_ms = POLL_SLICE_MS;
	for (size_t i = 0; i < transport->lane_count; i++)
		if (transport->lanes[i]->running)
			curl_multi_poll(transport->lanes[i]->multi, NULL, 0,
				(int)(timeout_ms > NET_TOTAL_MS ? NET_TOTAL_MS : timeout_ms), NULL);
	run_all(transport);
}

/* Others that are under way go on meanwhile. */
static bool send_request(void *context, const struct net_request *request,
	struct net_response *response, struct error *err)
{
	struct net_exchange exchange = { .request = *request, .response = *response };

	begin_exchange(context, &exchange);
	while (!exchange.done)
		wait_for_any(context, NET_TOTAL_MS);
	*response = exchange.response;
	if (!exchange.good)
		*err = exchange.error;
	return exchange.good;
}

/* ---- life ---------------------------------------------------------------------------- */

static void close_transport(void *context)
{
	struct curl_transport *transport = context;

	if (!transport)
		return;
	for (size_t i = 0; i < transport->lane_count; i++)
		lane_free(transport->lanes[i]);
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
		.begin = begin_exchange,
		.wait = wait_for_any,
		.cancel = cancel_exchange,
		.close = close_transport,
		.context = TAKE(curl),
	};
	return true;
}
