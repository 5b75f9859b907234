/*
 * When writes may leave: after the wait that Graph asked for, and within our share of what a tenant
 * is given (quota.c) [T8].
 *
 * The wait comes before the objects are read. To send again after minutes what was read before
 * them would overwrite what somebody wrote meanwhile [T2].
 */
#include "graph/graph_internal.h"

void pace_free(struct graph *graph)
{
	graph->pace.held_by = NULL;
	attempt_init(&graph->pace.attempt, graph);
}

void pace_hold(struct graph *graph, const struct ruling *ruling, struct span retry_after,
	const struct error *trouble)
{
	struct write_pace *pace = &graph->pace;

	pace->held_by = ruling;
	pace->trouble = *trouble;
	copy_printable(pace->retry_after, sizeof(pace->retry_after), retry_after);
}

static bool wait_until_freed(struct graph *graph, struct error *err)
{
	struct write_pace *pace = &graph->pace;
	struct span retry_after = *pace->retry_after ? span_of(pace->retry_after) : SPAN_NONE;

	if (!pace->held_by)
		return true;
	*err = pace->trouble;
	if (!attempt_again(&pace->attempt, graph, pace->held_by, retry_after, err)) {
		pace_free(graph);
		return false;
	}
	*err = (struct error){ 0 };
	pace->held_by = NULL;
	return true;
}

/* For a full batch, since how many will be sent is not known before the objects are read. */
static void wait_for_quota(struct graph *graph)
{
	CLEANUP(buf_release) struct buf why = BUF_UP_TO(256);
	struct cost cost = {
		.needs = { [METER_UNITS] = GRAPH_BATCH_MAX, [METER_WRITES] = GRAPH_BATCH_MAX }
	};
	int64_t now_ms = graph->clock_ms();
	int64_t opens_ms = quota_opens_ms(&graph->quota, &cost, now_ms, &why);

	graph_sleep(graph, opens_ms - now_ms, buf_text(&why));
}

bool graph_write_pause(struct graph *graph, struct error *err)
{
	if (!wait_until_freed(graph, err))
		return false;
	wait_for_quota(graph);
	return true;
}
