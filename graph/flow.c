/*
 * Requests beside each other, in one thread. A call waits until the quota lets it go and the
 * service's own waits are over, goes out, comes back, and is then taken by its owner, repeated, or
 * the end of it all. Owners are called from here and never from inside of a transfer; a sink is
 * called from inside, and may add calls, but nothing else.
 */
#include "graph/flow.h"

#include <assert.h>
#include <stdarg.h>

enum {
	WAIT_TOLD_MS = 1000, /* shorter waits are nobody's business */
	WHY_MAX = 256,
	WHAT_MAX = 512,
};

/* ---- calls --------------------------------------------------------------------------- */

struct call *call_new(const struct graph *graph, const char *method, const char *url,
	const struct call_owner *owner, void *context, const char *what, ...)
{
	struct call *call = memory_new(sizeof(*call));
	char text[WHAT_MAX];
	va_list arguments;

	va_start(arguments, what);
	vsnprintf(text, sizeof(text), what, arguments);
	va_end(arguments);
	*call = (struct call){
		.owner = owner,
		.context = context,
		.what = memory_text(text),
		.url = memory_text(url),
		.body = BUF_UP_TO(GRAPH_BATCH_BODY_MAX),
		.request = { .method = method },
	};
	call->request.url = call->url;
	call->request.cost = cost_of(method, graph_path_of(graph, url));
	attempt_init(&call->attempt, graph);
	net_response_init(&call->exchange.response);
	return call;
}

static void call_free(struct call *call)
{
	if (call->owner->freed)
		call->owner->freed(call);
	net_response_release(&call->exchange.response);
	buf_release(&call->body);
	memory_free(call->what);
	memory_free(call->url);
	memory_free(call);
}

void flow_init(struct flow *flow, struct graph *graph)
{
	*flow = (struct flow){ .graph = graph, .why = BUF_UP_TO(WHY_MAX) };
}

void flow_release(struct flow *flow)
{
	while (flow->first) {
		struct call *call = flow->first;

		flow->first = call->next;
		if (call->state == CALL_UNDER_WAY)
			transport_cancel(flow->graph->transport, &call->exchange);
		call_free(call);
	}
	buf_release(&flow->why);
	*flow = (struct flow){ 0 };
}

void flow_add(struct flow *flow, struct call *call)
{
	call->flow = flow;
	*(flow->first ? &flow->last->next : &flow->first) = call;
	flow->last = call;
}

void flow_drop(struct call *call)
{
	call->dropped = true;
}

/* Takes out what is over or dropped. */
static void sweep(struct flow *flow)
{
	struct call **at = &flow->first;

	flow->last = NULL;
	while (*at) {
		struct call *call = *at;

		if (call->dropped && call->state == CALL_UNDER_WAY) {
			transport_cancel(flow->graph->transport, &call->exchange);
			flow->under_way--;
			call->state = CALL_OVER;
		}
		if (call->dropped || call->state == CALL_OVER) {
			*at = call->next;
			call_free(call);
			continue;
		}
		flow->last = call;
		at = &call->next;
	}
}

/* ---- going out ------------------------------------------------------------------------ */

/* A sink's failure is not the network's, whatever its kind. */
static bool feed(void *context, struct span piece, struct error *err)
{
	struct call *call = context;

	if (call->dropped)
		return true;
	/* Before a byte of somebody's sign-in page is read as a list. */
	if (graph_check_json(&call->exchange.response, err) &&
		call->request.sink(call->request.sink_context, piece, err))
		return true;
	call->sink_failed = true;
	return false;
}

/* Of calls that met a 401 together, the first gets a new token and the others take it. */
static bool needs_new_token(const struct call *call)
{
	return call->renewed && call->token_number == call->flow->graph->token_number;
}

static bool begin(struct call *call, struct error *err)
{
	struct graph *graph = call->flow->graph;
	struct net_request *wire = &call->exchange.request;

	call->request.body = call->body.length ? buf_span(&call->body) : SPAN_NONE;
	if (!graph_check_request(graph, &call->request, err))
		return error_prefix(err, "%s", call->what);
	call->sink_failed = false;
	call->state = CALL_UNDER_WAY;
	call->flow->under_way++;
	if (!graph_make_wire(graph, &call->request, needs_new_token(call), call->attempt_id, wire,
		    &call->exchange.error)) {
		/* Judged like any other request that got no answer. */
		call->exchange.done = true;
		call->exchange.good = false;
		return true;
	}
	if (wire->sink) {
		wire->sink = feed;
		wire->sink_context = call;
	}
	call->token_number = graph->token_number;
	quota_spend(&graph->quota, &call->request.cost, graph->clock_ms());
	transport_begin(graph->transport, &call->exchange);
	return true;
}

/* Begins what may leave now; says when the next may, and why not before. */
static bool begin_all(struct flow *flow, int64_t *next_ms, struct error *err)
{
	struct graph *graph = flow->graph;
	CLEANUP(buf_release) struct buf why = BUF_UP_TO(WHY_MAX);

	*next_ms = INT64_MAX;
	for (struct call *call = flow->first; call; call = call->next) {
		int64_t now_ms = graph->clock_ms(), opens_ms;

		if (call->state != CALL_READY || call->dropped)
			continue;
		if (flow->under_way >= GRAPH_CALLS_MAX)
			return true;
		opens_ms = call->owner->answered
			? now_ms
			: quota_opens_ms(&graph->quota, &call->request.cost, now_ms, &why);
		if (call->not_before_ms > opens_ms)
			opens_ms = call->not_before_ms;
		if (opens_ms <= now_ms) {
			if (!begin(call, err))
				return false;
		} else if (opens_ms < *next_ms) {
			*next_ms = opens_ms;
			buf_cut(&flow->why, 0);
			buf_add_text(&flow->why,
				why.length                  ? buf_text(&why)
					: call->attempt.why ? call->attempt.why
							    : "");
		}
	}
	return true;
}

/* ---- coming back ---------------------------------------------------------------------- */

static void repeat(struct call *call, int64_t pause_ms)
{
	if (call->owner->again)
		call->owner->again(call);
	call->state = CALL_READY;
	call->not_before_ms = call->flow->graph->clock_ms() + pause_ms;
}

/* No answer, or one that is no success: again, or the end. */
static bool judge(struct call *call, const struct failure *failure, struct error *err)
{
	struct graph *graph = call->flow->graph;
	struct span retry_after = net_response_header(&call->exchange.response, "retry-after");
	int64_t pause_ms;

	if (failure->status == 401 && !call->renewed) {
		call->renewed = true;
		repeat(call, 0);
		return true;
	}
	graph->troubles++;
	if (attempt_pause(&call->attempt, graph, failure->ruling, retry_after, &pause_ms, err)) {
		call->attempt.why = failure->ruling->meaning;
		/* One is throttled, all of this application are (contract 7.2). */
		if (failure->status == 429)
			quota_hold(&graph->quota, graph->clock_ms() + pause_ms,
				failure->ruling->meaning);
		repeat(call, pause_ms);
		*err = (struct error){ 0 };
		return true;
	}
	if (failure->status && call->owner->refused && call->owner->refused(call, failure, err)) {
		*err = (struct error){ 0 };
		return true;
	}
	return false;
}

/* A new token is no second try: what met a 401 was not done. */
static bool settle_write(struct call *call, struct error *err)
{
	const struct net_exchange *exchange = &call->exchange;

	if (exchange->good && exchange->response.status == 401 && !call->renewed) {
		call->renewed = true;
		repeat(call, 0);
		return true;
	}
	return call->owner->answered(call, err);
}

static bool settle(struct call *call, struct error *err)
{
	struct graph *graph = call->flow->graph;
	struct net_exchange *exchange = &call->exchange;
	struct net_response *response = &exchange->response;
	struct failure failure;

	call->state = CALL_OVER; /* unless it is repeated */
	call->flow->under_way--;
	if (exchange->good)
		graph_note_answer(graph, &call->request.cost, response);
	if (call->owner->answered)
		return settle_write(call, err);
	if (!exchange->good) {
		*err = exchange->error;
		if (call->sink_failed || err->kind != ERROR_NETWORK)
			return false;
		failure_read(&failure, 0, SPAN_NONE, SPAN_NONE);
		return judge(call, &failure, err);
	}
	if (response->status / 100 == 2)
		return graph_check_json(response, err) && call->owner->taken(call, err);
	failure_read(&failure, response->status, buf_span(&response->body),
		net_response_header(response, "request-id"));
	failure_set(&failure, call->request.method, graph_path_of(graph, call->url), err);
	return judge(call, &failure, err);
}

/* With the id under which Microsoft can find it, where an answer came. */
static bool name_failure(const struct call *call, struct error *err)
{
	struct span id = net_response_header(&call->exchange.response, "request-id");
	char shown[GRAPH_REQUEST_ID_BYTES];

	copy_printable(shown, sizeof(shown), id);
	if (!*shown || strstr(err->text, shown))
		return error_prefix(err, "%s", call->what);
	return error_prefix(err, "%s (request-id %s)", call->what, shown);
}

/* Settles what came back; `any` says whether something did. */
static bool settle_all(struct flow *flow, bool *any, struct error *err)
{
	*any = false;
	for (struct call *call = flow->first; call; call = call->next) {
		if (call->state != CALL_UNDER_WAY || !call->exchange.done || call->dropped)
			continue;
		*any = true;
		if (!settle(call, err))
			return name_failure(call, err);
	}
	return true;
}

/* ---- the loop ------------------------------------------------------------------------- */

static void tell_wait(struct flow *flow, int64_t now_ms, int64_t until_ms)
{
	if (until_ms - now_ms < WAIT_TOLD_MS || until_ms <= flow->told_until_ms)
		return;
	flow->told_until_ms = until_ms;
	progress_wait(flow->graph->progress, buf_text(&flow->why), until_ms - now_ms);
}

static void wait_on(struct flow *flow, int64_t next_ms)
{
	const struct graph *graph = flow->graph;
	int64_t now_ms = graph->clock_ms(), left_ms;

	if (!flow->under_way) {
		if (next_ms != INT64_MAX)
			graph_sleep(graph, next_ms - now_ms, buf_text(&flow->why));
		return;
	}
	left_ms = next_ms == INT64_MAX ? FLOW_WAIT_MOST_MS : next_ms - now_ms;
	if (next_ms != INT64_MAX)
		tell_wait(flow, now_ms, next_ms);
	transport_wait(graph->transport, left_ms < FLOW_WAIT_MOST_MS ? left_ms : FLOW_WAIT_MOST_MS);
}

bool flow_turn(struct flow *flow, int64_t *next_ms, bool *any, struct error *err)
{
	if (!begin_all(flow, next_ms, err) || !settle_all(flow, any, err))
		return false;
	sweep(flow);
	return true;
}

bool flow_run(struct flow *flow, struct error *err)
{
	int64_t next_ms;
	bool any;

	while (flow->first) {
		if (!flow_turn(flow, &next_ms, &any, err))
			return false;
		if (any || !flow->first)
			continue;
		wait_on(flow, next_ms);
		/* What is under way is finished; nobody waits to begin more. */
		if (interrupted() && !flow->under_way)
			return error_set(err, ERROR_NETWORK, "interrupted while waiting: %s",
				buf_text(&flow->why));
	}
	return true;
}
