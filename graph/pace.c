/*
 * When writes may leave: after the wait that Graph asked for, and at half of the rate that a
 * tenant is given, since others use the application too (contract 7.1) [T8].
 *
 * The wait comes before the objects are read. To send again after minutes what was read before
 * them would overwrite what somebody wrote meanwhile [T2].
 */
#include "graph/graph_internal.h"

#include "base/time.h"

void pace_pay(struct graph *graph, size_t writes)
{
	int64_t now_ms = graph->clock_ms();

	if (graph->pace.paid_until_ms < now_ms)
		graph->pace.paid_until_ms = now_ms;
	graph->pace.paid_until_ms += (int64_t)writes * GRAPH_WRITE_EVERY_MS;
}

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

static void wait_for_quota(const struct graph *graph)
{
	int64_t burst_ms = (int64_t)GRAPH_WRITE_BURST * GRAPH_WRITE_EVERY_MS;
	int64_t early_ms = graph->pace.paid_until_ms - burst_ms - graph->clock_ms();

	if (early_ms <= 0)
		return;
	progress_wait(graph->progress, "half of the tenant's quota of writes is used", early_ms);
	if (graph->sleep_ms)
		graph->sleep_ms(early_ms);
	else
		time_sleep_ms(early_ms);
}

bool graph_write_pause(struct graph *graph, struct error *err)
{
	if (!wait_until_freed(graph, err))
		return false;
	wait_for_quota(graph);
	return true;
}
