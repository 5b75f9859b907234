/*
 * $batch: up to 20 requests in one round trip. The answers come in any order and are matched by
 * id; an id of ours that does not come exactly once leaves its answer unknown [T18], and an id
 * that is not ours makes the whole envelope unbelievable. Each item is throttled, denied and
 * refused alone inside an envelope of status 200 (contract 6).
 */
#include "graph/flow.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#include "base/scan.h"
#include "base/time.h"

void batch_item_init(
	struct batch_item *item, const char *method, const char *path, struct span body)
{
	*item = (struct batch_item){
		.method = method,
		.path = path,
		.body = body,
		.answer = BUF_UP_TO(NET_BODY_MAX),
	};
}

void batch_item_release(struct batch_item *item)
{
	buf_release(&item->answer);
}

static void forget_answer(struct batch_item *item)
{
	item->status = 0;
	item->retry_after[0] = item->request_id[0] = '\0';
	item->report = (struct quota_report){ 0 };
	buf_cut(&item->answer, 0);
}

/* ---- the request --------------------------------------------------------------------- */

static bool add_item(
	struct buf *out, const struct batch_item *item, size_t number, struct error *err)
{
	if (!write_guard(item->method, item->path, err))
		return false;
	buf_addf(out, "%s{\"id\":\"%zu\",\"method\":\"%s\",\"url\":", number > 1 ? "," : "", number,
		item->method);
	scan_quote(span_of(item->path), out);
	if (item->body.data) {
		buf_add_text(out, ",\"headers\":{\"Content-Type\":\"application/json\"},\"body\":");
		buf_add_span(out, item->body);
	}
	buf_add_byte(out, '}');
	return true;
}

static bool add_request(
	struct buf *out, struct batch_item *const *items, size_t count, struct error *err)
{
	buf_add_text(out, "{\"requests\":[");
	for (size_t i = 0; i < count; i++) {
		if (!add_item(out, items[i], i + 1, err))
			return false;
	}
	buf_add_text(out, "]}");
	if (out->overflowed)
		return error_set(err, ERROR_REFUSED,
			"the requests are larger than the %d bytes that Graph takes; nothing was "
			"sent",
			GRAPH_BATCH_BODY_MAX);
	return true;
}

/* ---- the answer ---------------------------------------------------------------------- */

/* Which of our items an answer is for; `count` when it is none. */
static size_t answered_item(struct span answer, size_t count)
{
	struct span id = scan_find(answer, "id");
	char expected[24];

	if (scan_type(id) != SCAN_STRING)
		return count;
	id = scan_text_direct(id);
	for (size_t i = 0; i < count; i++) {
		snprintf(expected, sizeof(expected), "%zu", i + 1);
		if (span_is(id, expected))
			return i;
	}
	return count;
}

/* Three digits and nothing else; 0 where it is no status. */
static long status_of(struct span value)
{
	long status = 0;

	if (value.length != 3)
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return 0;
		status = status * 10 + (value.data[i] - '0');
	}
	return status >= 100 && status <= 599 ? status : 0;
}

static bool is_header(struct span key, const char *name)
{
	return key.length == strlen(name) && strncasecmp(key.data, name, key.length) == 0;
}

static void take_quota_header(struct batch_item *item, struct span key, struct span text)
{
	static const char *const names[] = { "x-ms-resource-unit", "x-ms-throttle-limit-percentage",
		"x-ms-throttle-information" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (is_header(key, names[i]))
			quota_report_header(&item->report, span_of(names[i]), text);
}

static void take_headers(struct batch_item *item, struct span headers)
{
	struct scan scan;
	struct span key, value;

	if (scan_type(headers) != SCAN_OBJECT)
		return;
	scan = scan_open(headers);
	while (scan_member(&scan, &key, &value)) {
		/* Some gateways write the seconds as a number. */
		struct span text = scan_type(value) == SCAN_STRING ? scan_text_direct(value)
								   : value;

		if (!text.data)
			continue;
		if (is_header(key, "retry-after"))
			copy_printable(item->retry_after, sizeof(item->retry_after), text);
		else if (is_header(key, "request-id"))
			copy_printable(item->request_id, sizeof(item->request_id), text);
		else
			take_quota_header(item, key, text);
	}
}

static bool take_answer(struct batch_item *const *items, size_t count, struct span answer,
	unsigned *seen, struct error *err)
{
	struct span body;
	size_t which;

	if (scan_type(answer) != SCAN_OBJECT)
		return error_set(err, ERROR_FORMAT, "an answer in the batch is no object");
	which = answered_item(answer, count);
	if (which == count)
		return error_set(
			err, ERROR_FORMAT, "an answer in the batch is for no request of ours");
	forget_answer(items[which]);
	if (++seen[which] > 1)
		return true;
	items[which]->status = status_of(scan_trim(scan_find(answer, "status")));
	take_headers(items[which], scan_find(answer, "headers"));
	items[which]->report.throttled = items[which]->status == 429;
	body = scan_find(answer, "body");
	if (body.data && scan_type(body) != SCAN_NULL)
		buf_add_span(&items[which]->answer, body);
	return true;
}

static bool take_answers(
	struct batch_item *const *items, size_t count, struct span envelope, struct error *err)
{
	unsigned seen[GRAPH_BATCH_MAX] = { 0 };
	struct span answers, answer;
	struct scan scan;

	if (!scan_check(envelope, err))
		return error_prefix(err, "the batch's answer");
	if (scan_type(scan_trim(envelope)) != SCAN_OBJECT)
		return error_set(err, ERROR_FORMAT, "the batch's answer is no object");
	answers = scan_find(scan_trim(envelope), "responses");
	if (!answers.data || scan_type(answers) != SCAN_ARRAY)
		return error_set(err, ERROR_FORMAT, "the batch's answer has no \"responses\"");
	scan = scan_open(answers);
	while (scan_element(&scan, &answer)) {
		if (!take_answer(items, count, answer, seen, err))
			return false;
	}
	return true;
}

/* ---- one post ------------------------------------------------------------------------- */

static struct cost cost_of_all(struct batch_item *const *items, size_t count)
{
	struct cost cost = { 0 };

	for (size_t i = 0; i < count; i++)
		cost_add(&cost, cost_of(items[i]->method, items[i]->path));
	return cost;
}

/* Items are counted alone (contract 6), so what the envelope costs is what they do. */
static void learn_from_items(
	struct graph *graph, const struct cost *cost, struct batch_item *const *items, size_t count)
{
	struct quota_report report = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct quota_report *item = &items[i]->report;

		report.units += item->units;
		report.used = item->used > report.used ? item->used : report.used;
		if (!item->throttled)
			continue;
		report.throttled = true;
		memcpy(report.information, item->information, sizeof(report.information));
	}
	quota_learn(&graph->quota, cost, &report, graph->clock_ms());
}

static bool take_envelope(struct graph *graph, const struct cost *cost,
	struct batch_item *const *items, size_t count, const struct net_response *response,
	struct error *err)
{
	if (graph_check_json(response, err) &&
		take_answers(items, count, buf_span(&response->body), err)) {
		learn_from_items(graph, cost, items, count);
		return true;
	}
	for (size_t i = 0; i < count; i++)
		forget_answer(items[i]);
	return false;
}

struct call *batch_call(struct flow *flow, struct batch_item *const *items, size_t count,
	const struct call_owner *owner, void *context, struct error *err)
{
	struct graph *graph = flow->graph;
	CLEANUP(buf_release) struct buf url = BUF_UP_TO(NET_URL_MAX);
	CLEANUP(buf_release) struct buf body = BUF_UP_TO(GRAPH_BATCH_BODY_MAX);
	struct call *call;

	assert(count && count <= GRAPH_BATCH_MAX);
	for (size_t i = 0; i < count; i++)
		forget_answer(items[i]);
	if (!add_request(&body, items, count, err))
		return NULL;
	buf_addf(&url, "%s/$batch", graph->root);
	call = call_new(graph, "POST", buf_text(&url), owner, context, "POST /$batch");
	buf_release(&call->body);
	call->body = body;
	body = (struct buf){ 0 };
	call->request.cost = cost_of_all(items, count);
	flow_add(flow, call);
	return call;
}

bool batch_take(struct call *call, struct batch_item *const *items, size_t count, struct error *err)
{
	const struct net_exchange *exchange = &call->exchange;
	struct failure failure;

	if (!exchange->good) {
		*err = exchange->error;
		return false;
	}
	if (exchange->response.status / 100 == 2)
		return take_envelope(call->flow->graph, &call->request.cost, items, count,
			&exchange->response, err);
	failure_read(&failure, exchange->response.status, buf_span(&exchange->response.body),
		net_response_header(&exchange->response, "request-id"));
	return failure_set(&failure, "POST", "/$batch", err);
}

void batch_item_failure(const struct batch_item *item, struct failure *failure)
{
	failure_read(failure, item->status, buf_span(&item->answer), span_of(item->request_id));
}

/* ---- waiting ------------------------------------------------------------------------- */

/* Seconds that a Retry-After asks for; a date counts from the service's own clock. */
static double wait_seconds(const struct graph *graph, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);
	int64_t until_ms;

	if (end != text && !*end)
		return seconds;
	if (!time_parse_http(text, &until_ms))
		return 0;
	if (graph->service_time_ms == TIME_NONE)
		return NET_RETRY_MAX_MS / 1000.0;
	return (double)(until_ms - graph->service_time_ms) / 1000.0;
}

const char *batch_longer_wait(const struct graph *graph, const char *a, const char *b)
{
	if (!*a || !*b)
		return *a ? a : b;
	return wait_seconds(graph, a) >= wait_seconds(graph, b) ? a : b;
}

/* ---- reading ------------------------------------------------------------------------- */

/* Up to twenty reads on their way, in one batch after another until all answers are final. */
struct chunk {
	struct batch_item *open[GRAPH_BATCH_MAX];
	size_t count;
	bool bulk, renewed;
	batch_done_function *done;
	void *context;
};

/* What the items that are asked for again wait for. */
struct again {
	const struct ruling *ruling; /* the one with the fewest tries; NULL: nothing but a token */
	char retry_after[48];
	bool token;
};

static bool is_final(
	const struct chunk *chunk, const struct call *call, const struct ruling *ruling)
{
	switch (ruling->read) {
	case READING_AGAIN:
		return false;
	case READING_AGAIN_FEW:
		return call->attempt.few + 1 >= GRAPH_FEW_TRIES;
	case READING_TOKEN:
		return chunk->renewed;
	case READING_DONE:
	case READING_RESTART:
	case READING_STOP:
		break;
	}
	return true;
}

/* Keeps the items that are not final; says in `again` what they wait for, and in `err` why. */
static void keep_open(
	struct chunk *chunk, const struct call *call, struct again *again, struct error *err)
{
	const struct graph *graph = call->flow->graph;
	size_t kept = 0;

	*again = (struct again){ 0 };
	for (size_t i = 0; i < chunk->count; i++) {
		struct batch_item *item = chunk->open[i];
		struct failure failure;

		batch_item_failure(item, &failure);
		if (is_final(chunk, call, failure.ruling))
			continue;
		chunk->open[kept++] = item;
		if (failure.ruling->read == READING_TOKEN) {
			again->token = true;
			continue;
		}
		if (!again->ruling || again->ruling->read == READING_AGAIN)
			again->ruling = failure.ruling;
		snprintf(again->retry_after, sizeof(again->retry_after), "%s",
			batch_longer_wait(graph, again->retry_after, item->retry_after));
		failure_set(&failure, item->method, item->path, err);
		error_prefix(
			err, "%s %.*s", item->method, SPAN_FORMAT(path_without_query(item->path)));
	}
	chunk->count = kept;
}

static bool chunk_post(struct flow *flow, struct chunk *chunk, const struct attempt *attempt,
	int64_t pause_ms, struct error *err);

/* The envelope was accepted, and some inside of it were not: only these go again. */
static bool post_again(
	struct call *call, struct chunk *chunk, const struct again *again, struct error *err)
{
	struct graph *graph = call->flow->graph;
	struct span retry_after = *again->retry_after ? span_of(again->retry_after) : SPAN_NONE;
	int64_t pause_ms = 0;

	graph->troubles += again->ruling != NULL;
	if (again->token) {
		chunk->renewed = true;
		/* Another request may have seen to it meanwhile. */
		if (call->token_number == graph->token_number) {
			if (!auth_token(graph->auth, true, err))
				return false;
			graph->token_number++;
		}
	}
	if (again->ruling &&
		!attempt_pause(&call->attempt, graph, again->ruling, retry_after, &pause_ms, err))
		return false;
	if (again->ruling && again->ruling->status == 429)
		quota_hold(&graph->quota, graph->clock_ms() + pause_ms, again->ruling->meaning);
	*err = (struct error){ 0 };
	call->context = NULL; /* handed over */
	call->attempt.why = again->ruling ? again->ruling->meaning : NULL;
	return chunk_post(call->flow, chunk, &call->attempt, pause_ms, err);
}

static bool chunk_taken(struct call *call, struct error *err)
{
	struct chunk *chunk = call->context;
	struct again again;

	if (!take_envelope(call->flow->graph, &call->request.cost, chunk->open, chunk->count,
		    &call->exchange.response, err))
		return false;
	keep_open(chunk, call, &again, err);
	if (chunk->count)
		return post_again(call, chunk, &again, err);
	return !chunk->done || chunk->done(chunk->context, err);
}

static void chunk_freed(struct call *call)
{
	memory_free(call->context);
}

static const struct call_owner chunk_owner = {
	.taken = chunk_taken,
	.freed = chunk_freed,
};

/* Takes the chunk, also where it can't be sent. */
static bool chunk_post(struct flow *flow, struct chunk *chunk, const struct attempt *attempt,
	int64_t pause_ms, struct error *err)
{
	struct call *call = batch_call(flow, chunk->open, chunk->count, &chunk_owner, chunk, err);

	if (!call) {
		memory_free(chunk);
		return false;
	}
	if (attempt)
		call->attempt = *attempt;
	call->not_before_ms = pause_ms ? flow->graph->clock_ms() + pause_ms : 0;
	call->request.bulk = chunk->bulk;
	return true;
}

bool batch_begin(struct flow *flow, struct batch_item *items, size_t count, bool bulk,
	batch_done_function *done, void *context, struct error *err)
{
	struct chunk *chunk = memory_new(sizeof(*chunk));

	assert(count && count <= GRAPH_BATCH_MAX);
	*chunk = (struct chunk){ .bulk = bulk, .done = done, .context = context };
	for (size_t i = 0; i < count; i++)
		chunk->open[chunk->count++] = &items[i];
	return chunk_post(flow, chunk, NULL, 0, err);
}

bool batch_read(
	struct graph *graph, struct batch_item *items, size_t count, bool bulk, struct error *err)
{
	CLEANUP(flow_release) struct flow flow;

	flow_init(&flow, graph);
	for (size_t done = 0; done < count; done += GRAPH_BATCH_MAX) {
		size_t some = count - done < GRAPH_BATCH_MAX ? count - done : GRAPH_BATCH_MAX;

		if (!batch_begin(&flow, items + done, some, bulk, NULL, NULL, err))
			return false;
	}
	return flow_run(&flow, err);
}
