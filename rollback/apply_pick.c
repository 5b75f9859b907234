/* Which steps may go together in a batch: nobody is asked for it, so a forecast picks the same ones. */
#include "rollback/apply_internal.h"

struct batch *batch_new(void)
{
	return memory_new(sizeof(struct batch));
}

static void flight_let_go(struct apply *apply, struct flight *flight)
{
	flight->record->under_way = false;
	step_objects_let_go(&apply->objects, flight->index);
	apply->under_way--;
	apply->let_go++;
	object_free(flight->object);
	buf_release(&flight->body);
}

void batch_forget(struct apply *apply, struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		flight_let_go(apply, &batch->flights[i]);
	memory_free(batch);
}

void batch_keep(struct apply *apply, struct batch *batch,
	bool (*keep)(struct apply *apply, struct batch *batch, struct flight *flight))
{
	size_t kept = 0;

	for (size_t i = 0; i < batch->count; i++) {
		if (keep(apply, batch, &batch->flights[i]))
			batch->flights[kept++] = batch->flights[i];
		else
			flight_let_go(apply, &batch->flights[i]);
	}
	batch->count = kept;
}

enum readiness step_readiness(
	const struct apply *apply, const struct plan_step *step, size_t *blocker)
{
	enum readiness readiness = READY;

	for (size_t i = 0; i < step->after_count; i++) {
		enum step_state state = apply->records[step->after[i] - 1].state;

		*blocker = step->after[i];
		if (state == STEP_OPEN)
			readiness = NOT_YET;
		else if (!step_is_done(state))
			return NEVER;
	}
	return readiness;
}

void batch_add(struct apply *apply, struct batch *batch, size_t index, bool canary)
{
	batch->flights[batch->count++] = (struct flight){
		.index = index,
		.step = &apply->plan->steps[index],
		.record = &apply->records[index],
		.body = BUF_UP_TO(APPLY_BODY_MAX),
		.canary = canary,
	};
	apply->records[index].under_way = true;
	step_objects_take(&apply->objects, index);
	apply->under_way++;
}

/* True where the batch is complete: a canary flies alone, and waits until nothing else does. */
static bool batch_offer(struct apply *apply, struct batch *batch, size_t index)
{
	const struct plan_step *step = &apply->plan->steps[index];
	bool canary = apply->proven[step->operation] < apply->canary;
	size_t blocker = 0;

	switch (step_readiness(apply, step, &blocker)) {
	case NEVER:
		apply_decide(apply, index, STEP_HELD_BACK, "it needs step %zu, which is %s",
			blocker, step_state_name(apply->records[blocker - 1].state));
		return false;
	case NOT_YET:
		return false;
	case READY:
		break;
	}
	if ((canary && batch->count) || !step_objects_free(&apply->objects, index))
		return false;
	if (canary && apply->under_way)
		return true;
	batch_add(apply, batch, index, canary);
	return canary || batch->count == GRAPH_BATCH_MAX;
}

void batch_pick(struct apply *apply, struct batch *batch)
{
	const struct step_record *records = apply->records;
	size_t count = apply->plan->step_count, looked = 0;

	while (apply->first_open < count && records[apply->first_open].state != STEP_OPEN)
		apply->first_open++;
	/*
	 * A step waits only for earlier ones, so with nothing under way the first open one is ready or held
	 * back.
	 */
	for (size_t i = apply->first_open; i < count; i++) {
		if (records[i].state != STEP_OPEN || records[i].under_way)
			continue;
		if (batch_offer(apply, batch, i))
			return;
		looked += records[i].state == STEP_OPEN;
		if (looked >= APPLY_LOOK_AHEAD)
			return;
	}
}
