/*
 * One request to Graph: gate, guard, token, headers, and the one repetition after a 401. What
 * an answer means is said in outcome.c; who repeats what, by list.c, batch.c and write.c.
 */
#include "graph/graph_internal.h"

#include <assert.h>
#include <strings.h>

#include "base/text.h"
#include "base/time.h"

#define BATCH_PATH "/$batch"

struct graph *graph_open(const struct graph_options *options, struct error *err)
{
	CLEANUP(graph_closep) struct graph *graph = NULL;
	CLEANUP(buf_release) struct buf root = BUF_UP_TO(NET_URL_MAX);
	int64_t limit_ms = options->run_limit_ms ? options->run_limit_ms : GRAPH_RUN_LIMIT_MS;

	assert(options->transport && options->auth && options->origins && options->url);
	buf_add_text(&root, options->url);
	if (root.length && root.data[root.length - 1] == '/')
		buf_cut(&root, root.length - 1);
	buf_add_text(&root, "/v1.0");
	if (!buf_check(&root, "Graph's address", err))
		return NULL;
	graph = memory_new(sizeof(*graph));
	*graph = (struct graph){
		.transport = options->transport,
		.auth = options->auth,
		.origins = options->origins,
		.progress = options->progress,
		.root = buf_detach(&root),
		.service_time_ms = TIME_NONE,
		.clock_ms = options->clock_ms ? options->clock_ms : time_monotonic_ms,
		.sleep_ms = options->sleep_ms,
	};
	graph->deadline_ms = graph->clock_ms() + limit_ms;
	attempt_init(&graph->pace.attempt, graph);
	quota_init(&graph->quota, graph_quota_share(options->quota_share));
	return TAKE(graph);
}

void graph_close(struct graph *graph)
{
	if (!graph)
		return;
	extensions_release(&graph->extensions);
	memory_free(graph->root);
	memory_free(graph);
}

int64_t graph_service_time_ms(const struct graph *graph)
{
	return graph->service_time_ms;
}

static void note_service_time(struct graph *graph, const struct net_response *response)
{
	struct span date = net_response_header(response, "date");
	char text[64];
	int64_t ms;

	if (!date.data || date.length >= sizeof(text))
		return;
	memcpy(text, date.data, date.length);
	text[date.length] = '\0';
	if (time_parse_http(text, &ms))
		graph->service_time_ms = ms;
}

/* Writes leave inside a batch only, where write_guard() looks at each of them. */
static bool guard_request(
	const struct graph *graph, const struct graph_request *request, struct error *err)
{
	size_t root_length = strlen(graph->root);

	if (strcmp(request->method, "GET") == 0)
		return true;
	if (strcmp(request->method, "POST") == 0 &&
		strncmp(request->url, graph->root, root_length) == 0 &&
		strcmp(request->url + root_length, BATCH_PATH) == 0)
		return true;
	return error_set(err, ERROR_REFUSED,
		"%s: only GET, and POST of a batch, go to Graph by themselves; nothing was sent",
		request->method);
}

static void add_header(struct net_request *request, const char *name, const char *value)
{
	assert(request->header_count < NET_REQUEST_HEADERS);
	request->headers[request->header_count++] = (struct net_header){ name, value };
}

bool graph_check_request(
	const struct graph *graph, const struct graph_request *request, struct error *err)
{
	if (graph->clock_ms() > graph->deadline_ms)
		return error_set(err, ERROR_NETWORK,
			"the time for the whole run is used up; nothing more was sent. Run again to go on");
	return guard_request(graph, request, err) &&
		net_gate(graph->origins, request->url, NET_SECRET_TOKEN, err);
}

bool graph_make_wire(struct graph *graph, const struct graph_request *request, bool renew,
	char attempt_id[static GUID_TEXT_BYTES], struct net_request *wire, struct error *err)
{
	*wire = (struct net_request){
		.method = request->method,
		.url = request->url,
		.body = request->body,
		.secret = NET_SECRET_TOKEN,
		.sink = request->sink,
		.sink_context = request->sink_context,
	};
	wire->bearer = auth_token(graph->auth, renew, err);
	if (!wire->bearer)
		return false;
	graph->token_number += renew;
	add_header(wire, "client-request-id", text_new_guid(attempt_id));
	add_header(wire, "user-agent", "unstage/" UNSTAGE_VERSION);
	add_header(wire, "accept", "application/json");
	if (request->body.data)
		add_header(wire, "content-type", "application/json");
	if (request->advanced)
		add_header(wire, "consistencylevel", "eventual");
	if (request->minimal)
		add_header(wire, "prefer", "return=minimal");
	if (request->bulk)
		add_header(wire, "x-ms-throttle-priority", "low");
	return true;
}

void graph_note_answer(
	struct graph *graph, const struct cost *cost, const struct net_response *response)
{
	struct quota_report report = quota_report_of(response);

	note_service_time(graph, response);
	quota_learn(&graph->quota, cost, &report, graph->clock_ms());
}

static bool send_once(struct graph *graph, struct graph_request *request, bool renew,
	struct net_response *response, struct error *err)
{
	char attempt_id[GUID_TEXT_BYTES];
	struct net_request wire;

	if (!graph_make_wire(graph, request, renew, attempt_id, &wire, err))
		return false;
	net_response_release(response);
	net_response_init(response);
	quota_spend(&graph->quota, &request->cost, graph->clock_ms());
	if (!transport_send(graph->transport, &wire, response, err)) {
		response->status = 0;
		return false;
	}
	graph_note_answer(graph, &request->cost, response);
	return true;
}

bool graph_send(struct graph *graph, struct graph_request *request, struct net_response *response,
	struct error *err)
{
	net_response_release(response);
	net_response_init(response);
	if (!graph_check_request(graph, request, err) ||
		!send_once(graph, request, false, response, err))
		return false;
	if (response->status != 401)
		return true;
	return send_once(graph, request, true, response, err);
}

bool graph_check_json(const struct net_response *response, struct error *err)
{
	static const char json[] = "application/json";
	struct span type = net_response_header(response, "content-type");
	char shown[80];

	if (!type.data ||
		(type.length >= sizeof(json) - 1 &&
			strncasecmp(type.data, json, sizeof(json) - 1) == 0))
		return true;
	copy_printable(shown, sizeof(shown), type);
	return error_set(err, ERROR_FORMAT,
		"the answer is %s and not JSON; is there a proxy or a sign-in page in between?",
		shown);
}

void attempt_init(struct attempt *attempt, const struct graph *graph)
{
	*attempt = (struct attempt){ .retry = {
					     .deadline_ms = graph->deadline_ms,
					     .clock_ms = graph->clock_ms,
					     .sleep_ms = graph->sleep_ms,
				     } };
}

bool attempt_pause(struct attempt *attempt, const struct graph *graph, const struct ruling *ruling,
	struct span retry_after, int64_t *pause_ms, struct error *err)
{
	struct error given_up = { 0 };
	bool no_answer = ruling == ruling_find(0, NULL) && graph->service_time_ms == TIME_NONE;

	attempt->unanswered = no_answer ? attempt->unanswered + 1 : 0;
	if (ruling->read != READING_AGAIN && ruling->read != READING_AGAIN_FEW)
		return false;
	/* A host that never answered is rather a wrong name than a bad minute: say so soon. */
	if (attempt->unanswered >= GRAPH_FEW_TRIES)
		return error_prefix(err, "given up after %u tries", attempt->unanswered);
	if (ruling->read == READING_AGAIN_FEW && ++attempt->few >= GRAPH_FEW_TRIES)
		return false;
	if (retry_pause(&attempt->retry, retry_after, no_answer ? err->text : ruling->meaning,
		    pause_ms, &given_up))
		return true;
	if (no_answer) {
		*err = given_up;
		return false;
	}
	error_prefix(err, "%s", given_up.text);
	err->kind = given_up.kind;
	return false;
}

void graph_sleep(const struct graph *graph, int64_t duration_ms, const char *why)
{
	if (duration_ms <= 0)
		return;
	progress_wait(graph->progress, why, duration_ms);
	if (graph->sleep_ms)
		graph->sleep_ms(duration_ms);
	else
		net_sleep_ms(duration_ms);
}

bool attempt_again(struct attempt *attempt, const struct graph *graph, const struct ruling *ruling,
	struct span retry_after, struct error *err)
{
	bool no_answer = ruling == ruling_find(0, NULL) && graph->service_time_ms == TIME_NONE;
	int64_t pause_ms;

	if (!attempt_pause(attempt, graph, ruling, retry_after, &pause_ms, err))
		return false;
	graph_sleep(graph, pause_ms, no_answer ? err->text : ruling->meaning);
	return !interrupted() ||
		error_set(err, ERROR_NETWORK, "%s: interrupted while waiting", ruling->meaning);
}
