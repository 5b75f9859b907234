/*
 * What became of what was sent. The directory is read until the effect is visible or the lag
 * limit has passed, because a replica may be older than our own write [T3]; an attempt whose
 * answer was lost is never sent again before that [T5].
 *
 *	answer               reads `to`       still `from` at the limit    anything else
 *	done, already        done             unknown: stop                unknown: stop
 *	none, 5xx, no match  done             open again, once in a run    unknown: stop
 *	refused, conflict    (not read, unless an earlier attempt is in doubt: then done, or refused)
 *	throttled, not sent  (not read: it is open as before)
 */
#include <assert.h>

#include "rollback/apply_internal.h"

enum { SETTLE_FIRST_WAIT_MS = 1000, SETTLE_WAIT_MAX_MS = 15000 };

enum effect {
	EFFECT_NONE,     /* certainly not done, may be sent again */
	EFFECT_REFUSED,  /* certainly not done by this attempt, and asking again is no use */
	EFFECT_GONE,     /* there was nothing to do it to; perhaps because it is done */
	EFFECT_EXPECTED, /* done, says Graph */
	EFFECT_UNKNOWN,
};

static const enum effect effects[] = {
	[GRAPH_NOT_SENT] = EFFECT_NONE,
	[GRAPH_DONE] = EFFECT_EXPECTED,
	[GRAPH_ALREADY] = EFFECT_EXPECTED,
	[GRAPH_THROTTLED] = EFFECT_NONE,
	[GRAPH_CONFLICT] = EFFECT_REFUSED,
	[GRAPH_REFUSED] = EFFECT_REFUSED,
	[GRAPH_DENIED] = EFFECT_REFUSED,
	[GRAPH_ABSENT] = EFFECT_GONE,
	[GRAPH_UNKNOWN] = EFFECT_UNKNOWN,
};

static enum effect record_effect(const struct step_record *record)
{
	assert((size_t)record->outcome < COUNT_OF(effects));
	return effects[record->outcome];
}

static bool needs_reading(const struct step_record *record)
{
	enum effect effect = record_effect(record);

	return effect >= EFFECT_GONE || (effect == EFFECT_REFUSED && record->doubtful);
}

/* Whether an old-looking read can be a lagging replica. */
static bool may_lag(const struct step_record *record)
{
	return record_effect(record) >= EFFECT_EXPECTED || record->doubtful;
}

/* ---- deciding ------------------------------------------------------------------------------ */

static void decide_reached(struct apply *apply, size_t index)
{
	struct step_record *record = &apply->records[index];
	bool before_us = !record->doubtful &&
		(record->outcome == GRAPH_ALREADY || record->outcome == GRAPH_ABSENT);

	if (before_us)
		apply_decide(apply, index, STEP_ALREADY,
			"somebody else did it between our reading and our writing");
	else if (record->outcome == GRAPH_DONE)
		apply_decide(apply, index, STEP_DONE, "written and read back");
	else
		apply_decide(
			apply, index, STEP_DONE, "no answer said so, but the directory shows it");
}

static void decide_unknown(struct apply *apply, size_t index, const char *value)
{
	const struct plan_step *step = &apply->plan->steps[index];

	apply_decide(apply, index, STEP_UNKNOWN,
		"it was sent, the answer was \"%s\", and what stands there is %.*s: look at %s %s",
		graph_outcome_name(apply->records[index].outcome),
		TEXT_UP_TO(VALUE_SHOWN_MAX, value), step->kind->name, step->id);
	apply_stop(apply, "step %zu: %s", step->number, apply->records[index].text);
}

static void decide_refused(struct apply *apply, size_t index)
{
	struct step_record *record = &apply->records[index];
	CLEANUP(memory_freep) char *words = memory_text(record->text);

	apply_decide(
		apply, index, STEP_REFUSED, "%s", words && *words ? words : "Graph refused it");
	if (record->outcome != GRAPH_DENIED)
		return;
	apply_stop(apply, "step %zu: %s", apply->plan->steps[index].number, record->text);
}

/* The effect was not seen, and waiting is over or of no use. */
static void decide_missed(
	struct apply *apply, size_t index, enum standing standing, const char *value)
{
	const struct step_record *record = &apply->records[index];

	switch (record_effect(record)) {
	case EFFECT_NONE:
		apply_decide(apply, index, STEP_OPEN, "attempt %u was not done", record->attempts);
		return;
	case EFFECT_REFUSED:
	case EFFECT_GONE:
		decide_refused(apply, index);
		return;
	case EFFECT_UNKNOWN:
		if (standing == STANDING_FROM && record->sent_now < APPLY_SENDS_MAX) {
			apply_decide(apply, index, STEP_OPEN,
				"attempt %u had no effect, says the directory", record->attempts);
			return;
		}
		break;
	case EFFECT_EXPECTED:
		break;
	}
	decide_unknown(apply, index, value);
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool canary_held(enum step_state state)
{
	/* Open again: it had no effect, and goes once more, alone. */
	return step_is_done(state) || state == STEP_STALE || state == STEP_OPEN;
}

static void note_settled(struct apply *apply, struct batch *batch, const struct flight *flight)
{
	struct step_record *record = flight->record;

	record->settled = record->attempts;
	batch->troubled |= record->state != STEP_DONE;
	if (flight->canary && !canary_held(record->state))
		apply_stop(apply, "the first \"%s\" (step %zu) failed: %s",
			graph_operation_name(flight->step->operation), flight->step->number,
			record->text);
}

static bool keep_if_undecided(struct apply *apply, struct batch *batch, struct flight *flight)
{
	CLEANUP(buf_release) struct buf value = BUF_UP_TO(APPLY_VALUE_MAX);
	struct step_record *record = flight->record;
	enum standing standing = step_standing(flight->step, flight->object, &value);

	if (standing != STANDING_UNREADABLE)
		step_record_set_text(&record->after, buf_span(&value));
	if (standing == STANDING_TO)
		decide_reached(apply, flight->index);
	else if (batch->patient && may_lag(record))
		return true;
	else
		decide_missed(apply, flight->index, standing, buf_text(&value));
	note_settled(apply, batch, flight);
	return false;
}

static void take_objects(struct batch *batch, struct object **objects)
{
	for (size_t i = 0; i < batch->count; i++) {
		object_free(batch->flights[i].object);
		batch->flights[i].object = objects[i];
	}
}

bool batch_judge(struct apply *apply, struct batch *batch, struct error *err)
{
	struct object *objects[GRAPH_BATCH_MAX];
	bool good = graph_task_finish(TAKE(batch->task), err);
	int64_t now_ms = apply_clock_ms(apply);

	if (!objects_take(batch->reads, batch->count, good, objects, err))
		return error_prefix(err, "reading after step %zu", batch->flights[0].step->number);
	take_objects(batch, objects);
	batch_keep(apply, batch, keep_if_undecided);
	batch->again_ms = now_ms + batch->wait_ms < batch->deadline_ms ? now_ms + batch->wait_ms
								       : batch->deadline_ms;
	batch->wait_ms = batch->wait_ms * 2 < SETTLE_WAIT_MAX_MS ? batch->wait_ms * 2
								 : SETTLE_WAIT_MAX_MS;
	return true;
}

void batch_look_again(struct apply *apply, struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		step_read_init(batch->flights[i].step, false, &batch->reads[i]);
	batch->patient = apply_clock_ms(apply) < batch->deadline_ms;
	batch->task = graph_begin_reading(apply->options->graph, batch->reads, batch->count);
}

/* ---- beginning ------------------------------------------------------------------------------- */

/* How long replicas may still be behind the youngest of these attempts. */
static int64_t lag_left_ms(const struct apply *apply, const struct batch *batch)
{
	int64_t limit_ms = apply->options->lag_limit_ms ? apply->options->lag_limit_ms
							: APPLY_LAG_LIMIT_MS;
	int64_t now_ms = apply_now_ms(apply), left_ms = 0;

	for (size_t i = 0; i < batch->count; i++) {
		int64_t step_ms = batch->flights[i].record->begun_ms + limit_ms - now_ms;

		/* An INTENT from the future is a clock that was set back: the whole window again. */
		if (step_ms > limit_ms)
			step_ms = limit_ms;
		if (step_ms > left_ms)
			left_ms = step_ms;
	}
	return left_ms;
}

static bool keep_if_read(struct apply *apply, struct batch *batch, struct flight *flight)
{
	struct step_record *record = flight->record;

	if (needs_reading(record))
		return true;
	if (record->sent_now && record_effect(record) == EFFECT_NONE)
		record->sent_now--;
	decide_missed(apply, flight->index, STANDING_FROM, "not read");
	note_settled(apply, batch, flight);
	return false;
}

void batch_settle(struct apply *apply, struct batch *batch)
{
	batch->stage = BATCH_SETTLING;
	batch_keep(apply, batch, keep_if_read);
	batch->wait_ms = SETTLE_FIRST_WAIT_MS;
	batch->deadline_ms = apply_clock_ms(apply) + lag_left_ms(apply, batch);
	batch->again_ms = apply_clock_ms(apply);
}
