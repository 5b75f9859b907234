/* The simulated tenant as a transport: a request is answered before it could leave the process. */
#include <string.h>

#include "base/text.h"
#include "rehearsal/rehearsal.h"

enum { ANSWER_BYTES_MAX = 64 << 20, BEARER_MAX = 64 << 10 };

static struct span header_of(const struct net_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (strcmp(request->headers[i].name, name) == 0)
			return span_of(request->headers[i].value);
	return SPAN_NONE;
}

/* "Name: value\r\n" lines, as a transport hands them on: names in lower case, a line each. */
static void take_headers(struct net_response *response, const struct buf *headers)
{
	const char *at = buf_text(headers);

	while (*at) {
		const char *end = strstr(at, "\r\n");
		const char *colon = memchr(at, ':', (size_t)(end - at));

		for (const char *name = at; name < colon; name++)
			buf_add_byte(&response->headers, text_lower(*name));
		buf_add_span(&response->headers, (struct span){ colon, (size_t)(end - colon) });
		buf_add_byte(&response->headers, '\n');
		at = end + 2;
	}
}

bool rehearsal_answer(struct simulator *simulator, const struct net_request *request,
	struct net_response *response, struct error *err)
{
	CLEANUP(buf_release) struct buf bearer = BUF_UP_TO(BEARER_MAX);
	CLEANUP(simulator_response_release) struct simulator_response got = { 0 };
	struct simulator_request asked = {
		.method = request->method,
		.path = request->url + strlen(REHEARSAL_ORIGIN),
		.content_type = header_of(request, "content-type"),
		.consistency_level = header_of(request, "consistencylevel"),
		.client_request_id = header_of(request, "client-request-id"),
		.prefer = header_of(request, "prefer"),
		.body = request->body,
	};

	if (request->bearer) {
		buf_addf(&bearer, "Bearer %s", request->bearer);
		asked.authorization = buf_span(&bearer);
	}
	got.headers.limit = got.body.limit = ANSWER_BYTES_MAX;
	simulator_handle(simulator, &asked, &got);
	response->sent = true;
	if (got.cut)
		return error_set(err, ERROR_NETWORK, "the connection broke");
	response->status = got.status;
	take_headers(response, &got.headers);
	if (request->sink && got.status / 100 == 2)
		return request->sink(request->sink_context, buf_span(&got.body), err);
	buf_add_span(&response->body, buf_span(&got.body));
	return true;
}

/* ---- at once ------------------------------------------------------------------------------------ */

static bool send(void *context, const struct net_request *request, struct net_response *response,
	struct error *err)
{
	return rehearsal_answer(context, request, response, err);
}

static void begin(void *context, struct net_exchange *exchange)
{
	exchange->good = rehearsal_answer(
		context, &exchange->request, &exchange->response, &exchange->error);
	exchange->done = true;
}

static void wait(void *context, int64_t timeout_ms)
{
	(void)context;
	(void)timeout_ms;
}

static void cancel(void *context, struct net_exchange *exchange)
{
	(void)context;
	(void)exchange;
}

struct transport rehearsal_transport(struct simulator *simulator)
{
	return (struct transport){
		.send = send,
		.begin = begin,
		.wait = wait,
		.cancel = cancel,
		.context = simulator,
	};
}

/* ---- a client of it ----------------------------------------------------------------------------- */

bool rehearsal_client_open(struct rehearsal_client *client, struct simulator *simulator,
	const struct graph_options *options, struct error *err)
{
	const struct auth_options auth = {
		.authority = REHEARSAL_ORIGIN,
		.graph = REHEARSAL_ORIGIN,
		.tenant = simulator_tenant(simulator),
		.client_id = simulator_client_id(simulator),
		.secret = span_of(simulator_client_secret(simulator)),
	};
	struct graph_options graph = *options;

	client->origins = net_origins_new();
	if (!net_origins_add(client->origins, REHEARSAL_ORIGIN, NET_SECRET_TOKEN, "/v1.0/", err))
		return false;
	client->auth = auth_open(&auth, graph.transport, graph.progress, err);
	if (!client->auth)
		return false;
	graph.url = REHEARSAL_ORIGIN;
	graph.auth = client->auth;
	graph.origins = client->origins;
	client->graph = graph_open(&graph, err);
	return client->graph;
}

void rehearsal_client_close(struct rehearsal_client *client)
{
	graph_close(client->graph);
	auth_close(client->auth);
	net_origins_free(client->origins);
	*client = (struct rehearsal_client){ 0 };
}
