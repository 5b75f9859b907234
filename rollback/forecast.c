/*
 * What a plan will take: its batches are picked as apply picks them, without asking anybody, as if every
 * step came out as planned; the time is what the tenant's write quota and the way there and back leave.
 */
#include "rollback/apply_internal.h"

enum {
	REQUESTS_A_BATCH = 3, /* read, write, read again */
	REQUESTS_BEFORE = 2,  /* which tenant, which extensions */
};

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

static void fly(struct apply *apply, struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		batch->flights[i].record->state = STEP_DONE;
		apply->proven[batch->flights[i].step->operation]++;
	}
	batch_forget(apply, batch);
}

/* One round: as many batches as may be under way together. Their number. */
static size_t fly_together(struct apply *apply, size_t width)
{
	struct batch *batches[APPLY_BATCHES_MAX];
	size_t count = 0;

	while (count < width) {
		struct batch *batch = batch_new();
		bool alone;

		batch_pick(apply, batch);
		if (!batch->count) {
			batch_forget(apply, batch);
			break;
		}
		alone = batch->flights[0].canary;
		batches[count++] = batch;
		if (alone)
			break;
	}
	for (size_t i = 0; i < count; i++)
		fly(apply, batches[i]);
	return count;
}

/* Each round lets twice as many go (apply_fleet.c). */
static void count_batches(const struct plan *plan, struct plan_forecast *forecast, uint64_t *rounds)
{
	struct apply apply = { .plan = plan, .canary = 1 };
	size_t width = 1, count;

	apply.records = step_records_new(plan);
	step_objects_init(&apply.objects, plan);
	let_others_finish(&apply);
	while ((count = fly_together(&apply, width)) > 0) {
		forecast->batches += count;
		width = width + count < APPLY_BATCHES_MAX ? width + count : APPLY_BATCHES_MAX;
		++*rounds;
	}
	step_records_free(apply.records, plan->step_count);
	step_objects_release(&apply.objects);
	memory_free(apply.changed);
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
	uint64_t rounds = 0;
	int64_t requests_ms;

	for (size_t i = 0; i < plan->step_count; i++)
		count(&forecast, &plan->steps[i]);
	forecast.writes = forecast.by_door[DOOR_GRAPH];
	forecast.reads = 2 * forecast.writes;
	count_batches(plan, &forecast, &rounds);
	forecast.requests = REQUESTS_A_BATCH * forecast.batches;
	requests_ms = rounds
		? (int64_t)(REQUESTS_A_BATCH * rounds + REQUESTS_BEFORE) * FORECAST_REQUEST_MS
		: 0;
	forecast.lasts_ms = graph_writes_take_ms(forecast.writes, forecast.share);
	if (forecast.lasts_ms < requests_ms)
		forecast.lasts_ms = requests_ms;
	return forecast;
}
