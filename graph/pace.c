/*
 * When writes may leave: after the wait that Graph asked for, and within our share of what a tenant
 * is given (quota.c) [T8].
 *
 * The wait comes before the objects are read. To send again after minutes what was read before
 * them would overwrite what somebody wrote meanwhile [T2].
 */
#include "graph/graph_internal.h"

static void forget(struct graph *graph)
{
	graph->pace.held_by = NULL;
	attempt_init(&graph->pace.attempt, graph);
}

void pace_free(struct graph *graph, unsigned holds)
{
	if (holds == graph->pace.holds)
		forget(graph);
}

void pace_hold(struct graph *graph, const struct ruling *ruling, struct span retry_after,
	const struct error *trouble)
{
	struct write_pace *pace = &graph->pace;
	char asked[sizeof(pace->retry_after)];
	const char *longest;

	copy_printable(asked, sizeof(asked), retry_after);
	/* Of several that were under way together, the longest wait counts. */
	longest = pace->held_by ? batch_longer_wait(graph, pace->retry_after, asked) : asked;
	if (longest == asked)
		memcpy(pace->retry_after, asked, sizeof(asked));
	pace->held_by = ruling;
	pace->trouble = *trouble;
	pace->holds++;
}

static bool wait_until_freed(struct graph *graph, struct error *err)
{
	struct write_pace *pace = &graph->pace;
	struct span retry_after = *pace->retry_after ? span_of(pace->retry_after) : SPAN_NONE;

	if (!pace->held_by)
		return true;
	*err = pace->trouble;
	if (!attempt_again(&pace->attempt, graph, pace->held_by, retry_after, err)) {
		forget(graph);
		return false;
	}
	*err = (struct error){ 0 };
	pace->held_by = NULL;
	return true;
}

/* How many of a batch will be sent is not known before the objects are read. */
static const struct cost full_batch = {
	.needs = { [METER_UNITS] = GRAPH_BATCH_MAX, [METER_WRITES] = GRAPH_BATCH_MAX },
};

/* No resource units: its own reading needs some first, and must not wait for itself. */
static const struct cost reserved_batch = { .needs = { [METER_WRITES] = GRAPH_BATCH_MAX } };

void graph_write_reserve(struct graph *graph)
{
	quota_reserve(&graph->quota, &reserved_batch);
}

void graph_write_give_back(struct graph *graph)
{
	quota_give_back(&graph->quota, &reserved_batch);
}

int64_t graph_write_wait_ms(struct graph *graph)
{
	CLEANUP(buf_release) struct buf why = BUF_UP_TO(256);
	int64_t now_ms = graph->clock_ms();
	int64_t wait_ms = quota_opens_ms(&graph->quota, &full_batch, now_ms, &why) - now_ms;

	return wait_ms > 0 ? wait_ms : 0;
}

unsigned graph_troubles(const struct graph *graph)
{
	return graph->troubles;
}

static void wait_for_quota(struct graph *graph)
{
	CLEANUP(buf_release) struct buf why = BUF_UP_TO(256);
	int64_t now_ms = graph->clock_ms();
	int64_t opens_ms = quota_opens_ms(&graph->quota, &full_batch, now_ms, &why);

	graph_sleep(graph, opens_ms - now_ms, buf_text(&why));
}

bool graph_write_pause(struct graph *graph, struct error *err)
{
	if (!wait_until_freed(graph, err))
		return false;
	wait_for_quota(graph);
	return true;
}
