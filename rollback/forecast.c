/*
 * What a plan will take: its batches are picked as apply picks them, without asking anybody, as if every
 * step came out as planned; the time is what the tenant's write quota and the way there and back leave.
 */
#include "rollback/apply_internal.h"

enum { REQUESTS_A_BATCH = 3 /* read, write, read again */ };

static bool is_ours(const struct plan_step *step)
{
	return step->door == DOOR_GRAPH;
}

/* What other doors do is done for the moment: how long people take nobody can say. */
static void let_others_finish(struct apply *apply)
{
	for (size_t i = 0; i < apply->plan->step_count; i++)
		if (!is_ours(&apply->plan->steps[i]))
			apply->records[i].state = STEP_SETTLED;
}

static void fly(struct apply *apply, const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		batch->flights[i].record->state = STEP_DONE;
		apply->proven[batch->flights[i].step->operation]++;
	}
}

static uint64_t count_batches(const struct plan *plan)
{
	struct apply apply = { .plan = plan, .canary = 1 };
	uint64_t batches = 0;

	apply.records = step_records_new(plan);
	let_others_finish(&apply);
	for (;;) {
		CLEANUP(batch_release) struct batch batch = { 0 };

		batch_pick(&apply, &batch);
		if (!batch.count)
			break;
		fly(&apply, &batch);
		batches++;
	}
	step_records_free(apply.records, plan->step_count);
	memory_free(apply.changed);
	return batches;
}

static void count(struct plan_forecast *forecast, const struct plan_step *step)
{
	forecast->by_door[step->door]++;
	if (step->door == DOOR_SYNC)
		forecast->next[step->next]++;
}

struct plan_forecast plan_forecast(const struct plan *plan, double quota_share)
{
	struct plan_forecast forecast = { .share = graph_quota_share(quota_share) };
	int64_t requests_ms;

	for (size_t i = 0; i < plan->step_count; i++)
		count(&forecast, &plan->steps[i]);
	forecast.writes = forecast.by_door[DOOR_GRAPH];
	forecast.reads = 2 * forecast.writes;
	forecast.batches = count_batches(plan);
	forecast.requests = REQUESTS_A_BATCH * forecast.batches;
	requests_ms = (int64_t)forecast.requests * FORECAST_REQUEST_MS;
	forecast.lasts_ms = graph_writes_take_ms(forecast.writes, forecast.share);
	if (forecast.lasts_ms < requests_ms)
		forecast.lasts_ms = requests_ms;
	return forecast;
}
