/*
 * Sends writes, up to 20 in a batch, and says what became of each. A write is sent again only
 * after a 401, once, at once and with a new token. What was throttled is left to its owner, who
 * reads before it sends again [T2]. Everything that leaves a doubt is GRAPH_UNKNOWN [T5].
 */
#include "graph/tasks.h"

#include <assert.h>

struct outgoing {
	struct graph_write *write;
	struct batch_item item;
	struct buf path, body;
	bool renewed; /* sent again with a new token already */
};

static void prepare(struct outgoing *outgoing, struct graph_write *write, const struct graph *graph)
{
	*outgoing = (struct outgoing){
		.write = write,
		.path = BUF_UP_TO(NET_URL_MAX),
		.body = BUF_UP_TO(GRAPH_BATCH_BODY_MAX),
	};
	write_add_request(write, graph, &outgoing->path, &outgoing->body);
	assert(!outgoing->path.overflowed && !outgoing->body.overflowed);
	batch_item_init(&outgoing->item, write_method(write), buf_text(&outgoing->path),
		outgoing->body.length ? buf_span(&outgoing->body) : SPAN_NONE);
	write->outcome = GRAPH_NOT_SENT;
	write->status = 0;
	write->code[0] = write->request_id[0] = write->text[0] = '\0';
}

static void outgoing_release(struct outgoing *outgoing)
{
	batch_item_release(&outgoing->item);
	buf_release(&outgoing->path);
	buf_release(&outgoing->body);
}

/* ---- from an answer to an outcome ---------------------------------------------------- */

static const char doubt[] =
	"whether it was done is not known: read the object before anything else";

static void note_answer(struct graph_write *write, const struct failure *failure)
{
	write->status = failure->status;
	snprintf(write->code, sizeof(write->code), "%s", failure->code);
	snprintf(write->request_id, sizeof(write->request_id), "%s", failure->request_id);
	write->text[0] = '\0';
}

/* What the answer to this very write says. */
static void settle(struct outgoing *outgoing, const struct failure *failure)
{
	struct graph_write *write = outgoing->write;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(4 << 10);

	note_answer(write, failure);
	write->outcome = write_was_so(write, failure) ? GRAPH_ALREADY : failure->ruling->write;
	if (write->outcome == GRAPH_DONE)
		return;
	if (write->outcome == GRAPH_ALREADY)
		buf_addf(&text, "%s%sit was so before: read the object to confirm",
			failure->message, *failure->message ? " – " : "");
	else if (write->outcome == GRAPH_UNKNOWN)
		buf_addf(&text, "%s – %s",
			*failure->message ? failure->message : failure->ruling->meaning, doubt);
	else
		failure_describe(failure, outgoing->item.method, outgoing->item.path, &text);
	copy_printable(write->text, sizeof(write->text), buf_span(&text));
}

/*
 * What an answer to the whole batch says of each of its writes. It is about the batch: a 404
 * does not say that an object is absent. Without Graph's own words an error may come from
 * anything in between, and says nothing about what happened behind it.
 */
static enum graph_outcome outcome_of_whole(const struct failure *failure)
{
	if (failure->status / 100 != 4 || !*failure->code)
		return GRAPH_UNKNOWN;
	switch (failure->ruling->write) {
	case GRAPH_UNKNOWN:
	case GRAPH_DENIED:
		return failure->ruling->write;
	default:
		return GRAPH_REFUSED;
	}
}

static void settle_whole(struct outgoing *const *open, size_t count, const struct failure *failure,
	enum graph_outcome outcome, const char *text)
{
	CLEANUP(buf_release) struct buf said = BUF_UP_TO(4 << 10);

	/* The doubt first: a long text is cut at its end. */
	buf_addf(&said, "%s%s%s", outcome == GRAPH_UNKNOWN ? doubt : "",
		outcome == GRAPH_UNKNOWN ? ": " : "", text);
	for (size_t i = 0; i < count; i++) {
		struct graph_write *write = open[i]->write;

		note_answer(write, failure);
		write->outcome = outcome;
		copy_printable(write->text, sizeof(write->text), buf_span(&said));
	}
}

/* ---- sending ------------------------------------------------------------------------- */

struct writer {
	struct graph *graph;
	struct graph_write *writes;
	size_t write_count;
	struct outgoing outgoing[GRAPH_BATCH_MAX];
	struct outgoing *open[GRAPH_BATCH_MAX];    /* what has no final outcome */
	struct batch_item *items[GRAPH_BATCH_MAX]; /* of those, for the call that is under way */
	size_t count;
	unsigned holds; /* of the pace, when it left */
};

/* True when an answer to some of the writes was seen: then "nothing was sent" is not true. */
static bool any_outcome(const struct writer *writer)
{
	for (size_t i = 0; i < writer->write_count; i++) {
		if (writer->writes[i].outcome != GRAPH_NOT_SENT)
			return true;
	}
	return false;
}

/* What a batch that did not come back as one means for its writes. False: nothing was sent. */
static bool judge_whole(
	struct writer *writer, const struct net_response *response, const struct error *err)
{
	struct span retry_after = net_response_header(response, "retry-after");
	struct error named = *err;
	struct failure failure;

	if (response->status == 401)
		return false;
	error_prefix(&named, "POST /$batch");
	failure_read(&failure, response->status, buf_span(&response->body),
		net_response_header(response, "request-id"));
	if (!response->status && !response->sent) {
		if (err->kind != ERROR_NETWORK)
			return false;
		settle_whole(writer->open, writer->count, &failure, GRAPH_NOT_SENT, named.text);
		pace_hold(writer->graph, failure.ruling, retry_after, &named);
		return true;
	}
	if (response->status == 429) {
		settle_whole(writer->open, writer->count, &failure, GRAPH_THROTTLED, named.text);
		pace_hold(writer->graph, failure.ruling, retry_after, &named);
		return true;
	}
	settle_whole(writer->open, writer->count, &failure, outcome_of_whole(&failure), named.text);
	return true;
}

/* The longest wait that any of them asks for counts for all. */
static void hold_throttled(struct writer *writer)
{
	const char *longest = "";
	struct error trouble = { 0 };
	bool freed = false;

	for (size_t i = 0; i < writer->count; i++)
		freed |= writer->open[i]->item.status != 429;
	if (freed)
		pace_free(writer->graph, writer->holds);
	for (size_t i = 0; i < writer->count; i++) {
		const struct batch_item *item = &writer->open[i]->item;
		struct failure failure;

		if (item->status != 429)
			continue;
		batch_item_failure(item, &failure);
		failure_set(&failure, item->method, item->path, &trouble);
		longest = batch_longer_wait(writer->graph, longest, item->retry_after);
		pace_hold(writer->graph, failure.ruling, span_of(longest), &trouble);
	}
}

/* Settles every item, and keeps those that may go again at once, with a new token. */
static void judge_items(struct writer *writer)
{
	size_t kept = 0;

	hold_throttled(writer);
	for (size_t i = 0; i < writer->count; i++) {
		struct outgoing *outgoing = writer->open[i];
		struct failure failure;

		batch_item_failure(&outgoing->item, &failure);
		settle(outgoing, &failure);
		if (outgoing->item.status != 401 || outgoing->renewed)
			continue;
		outgoing->renewed = true;
		writer->open[kept++] = outgoing;
	}
	writer->count = kept;
}

/* Another request may have seen to it meanwhile. */
static bool renew_token(const struct call *call)
{
	struct graph *graph = call->flow->graph;
	struct error ignored = { 0 };

	if (call->token_number != graph->token_number)
		return true;
	if (!auth_token(graph->auth, true, &ignored))
		return false;
	graph->token_number++;
	return true;
}

static bool writer_post(struct writer *writer, struct flow *flow, struct error *err);

static bool writer_answered(struct call *call, struct error *err)
{
	struct writer *writer = call->context;
	struct error trouble = { 0 };

	if (!batch_take(call, writer->items, writer->count, &trouble)) {
		if (judge_whole(writer, &call->exchange.response, &trouble) || any_outcome(writer))
			return true;
		*err = trouble;
		return false;
	}
	judge_items(writer);
	/* Without a token their 401 stands. */
	if (!writer->count || interrupted() || !renew_token(call))
		return true;
	return writer_post(writer, call->flow, err);
}

static const struct call_owner writer_owner = { .answered = writer_answered };

static bool writer_post(struct writer *writer, struct flow *flow, struct error *err)
{
	for (size_t i = 0; i < writer->count; i++)
		writer->items[i] = &writer->open[i]->item;
	writer->holds = writer->graph->pace.holds;
	return batch_call(flow, writer->items, writer->count, &writer_owner, writer, err) != NULL;
}

struct writer *writer_new(struct graph *graph, struct graph_write *writes, size_t count)
{
	struct writer *writer = memory_new(sizeof(*writer));

	*writer = (struct writer){ .graph = graph, .writes = writes, .write_count = count };
	return writer;
}

void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	for (size_t i = 0; i < writer->write_count && writer->outgoing[i].write; i++)
		outgoing_release(&writer->outgoing[i]);
	memory_free(writer);
}

bool writer_begin(struct writer *writer, struct flow *flow, struct error *err)
{
	if (!write_check(writer->writes, writer->write_count, err))
		return false;
	for (size_t i = 0; i < writer->write_count; i++) {
		prepare(&writer->outgoing[i], &writer->writes[i], writer->graph);
		writer->open[writer->count++] = &writer->outgoing[i];
	}
	return writer_post(writer, flow, err);
}

bool graph_write_batch(
	struct graph *graph, struct graph_write *writes, size_t count, struct error *err)
{
	return graph_task_finish(graph_begin_writing(graph, writes, count), err);
}
