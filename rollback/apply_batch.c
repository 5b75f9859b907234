/*
 * One batch: which steps may go together, which of them the directory still allows, and
 * sending them. INTENT is durable before the batch leaves, OUTCOME before anything follows.
 */
#include <assert.h>
#include <string.h>

#include "rollback/apply_internal.h"

void batch_release(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		object_free(batch->flights[i].object);
		buf_release(&batch->flights[i].body);
	}
	batch->count = 0;
}

/* ---- picking ------------------------------------------------------------------------------ */

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

static bool same_id(const char *a, const char *b)
{
	return a && b && text_compare_caseless(span_of(a), span_of(b)) == 0;
}

/* Items of a batch run in any order, so none may touch an object that another one names. */
static bool goes_with(const struct batch *batch, const struct plan_step *step)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct plan_step *other = batch->flights[i].step;

		if (same_id(step->id, other->id) || same_id(step->id, other->target) ||
			same_id(step->target, other->id))
			return false;
	}
	return true;
}

static void batch_add(struct apply *apply, struct batch *batch, size_t index, bool canary)
{
	batch->flights[batch->count++] = (struct flight){
		.index = index,
		.step = &apply->plan->steps[index],
		.record = &apply->records[index],
		.body = BUF_UP_TO(APPLY_BODY_MAX),
		.canary = canary,
	};
}

/* True where the batch is complete with this step: a canary flies alone. */
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
	if ((canary && batch->count) || !goes_with(batch, step))
		return false;
	batch_add(apply, batch, index, canary);
	return canary || batch->count == GRAPH_BATCH_MAX;
}

void batch_pick(struct apply *apply, struct batch *batch)
{
	const struct step_record *records = apply->records;
	size_t count = apply->plan->step_count, looked = 0;

	while (apply->first_open < count && records[apply->first_open].state != STEP_OPEN)
		apply->first_open++;
	/* A step waits only for earlier ones, so the first open one is always ready or held back.
	 */
	for (size_t i = apply->first_open; i < count; i++) {
		if (records[i].state != STEP_OPEN)
			continue;
		if (batch_offer(apply, batch, i))
			return;
		if (batch->count && ++looked >= APPLY_LOOK_AHEAD)
			return;
	}
}

/* ---- comparing ------------------------------------------------------------------------------ */

static void decide_already(struct apply *apply, struct flight *flight)
{
	/* Our own earlier attempt, seen late, is our work. */
	if (step_may_be_our_work(flight->record))
		apply_decide(apply, flight->index, STEP_DONE,
			"attempt %u took effect, though its answer never came",
			flight->record->attempts);
	else
		apply_decide(apply, flight->index, STEP_ALREADY, "it stood there before");
}

/* Decides what must not be sent; true where the step may go. */
static bool flight_may_go(struct apply *apply, struct flight *flight, struct buf *value)
{
	enum standing standing = step_standing(flight->step, flight->object, value);
	struct error err = { 0 };
	/* What an earlier attempt of ours left there is not what stood there before it. */
	bool ours = standing == STANDING_TO && step_may_be_our_work(flight->record);
	const char *forbidden;

	if (standing != STANDING_UNREADABLE && !ours)
		step_record_set_text(&flight->record->before, buf_span(value));
	if (standing == STANDING_TO) {
		step_record_set_text(&flight->record->after, buf_span(value));
		decide_already(apply, flight);
		return false;
	}
	if (standing == STANDING_NEITHER) {
		apply_decide(apply, flight->index, STEP_STALE,
			"what stands there is neither what the plan saw nor what it wants: %.*s",
			TEXT_UP_TO(VALUE_SHOWN_MAX, buf_text(value)));
		return false;
	}
	if (step_deleted_again(apply->plan, flight->step, flight->object)) {
		apply_decide(apply, flight->index, STEP_STALE,
			"it was deleted once more since the plan was made: somebody meant it");
		return false;
	}
	forbidden = standing == STANDING_UNREADABLE
		? "the value can't be read with these credentials, so it can't be compared"
		: step_forbidden(flight->step, flight->object);
	if (forbidden) {
		apply_decide(apply, flight->index, STEP_REFUSED, "%s", forbidden);
		return false;
	}
	if (flight->step->operation == GRAPH_SET &&
		!step_add_body(&flight->body, flight->step, flight->object, &err)) {
		apply_decide(apply, flight->index, STEP_REFUSED, "%s", err.text);
		return false;
	}
	return true;
}

static bool batch_read(struct apply *apply, struct batch *batch, struct error *err)
{
	struct graph_read reads[GRAPH_BATCH_MAX];
	struct object *objects[GRAPH_BATCH_MAX];

	for (size_t i = 0; i < batch->count; i++)
		step_read_init(batch->flights[i].step, true, &reads[i]);
	if (!objects_read(apply->options->graph, reads, batch->count, objects, err))
		return error_prefix(err, "reading before step %zu", batch->flights[0].step->number);
	for (size_t i = 0; i < batch->count; i++)
		batch->flights[i].object = objects[i];
	return true;
}

bool batch_compare(struct apply *apply, struct batch *batch, struct error *err)
{
	CLEANUP(buf_release) struct buf value = BUF_UP_TO(APPLY_VALUE_MAX);
	size_t kept = 0;

	if (!batch_read(apply, batch, err))
		return false;
	for (size_t i = 0; i < batch->count; i++) {
		struct flight *flight = &batch->flights[i];

		if (flight_may_go(apply, flight, &value)) {
			batch->flights[kept++] = *flight;
			continue;
		}
		object_free(flight->object);
		buf_release(&flight->body);
	}
	batch->count = kept;
	return apply_save(apply, err);
}

/* ---- sending ----------------------------------------------------------------------------------
 */

static void write_init(const struct flight *flight, struct graph_write *write)
{
	const struct plan_step *step = flight->step;

	*write = (struct graph_write){ .operation = step->operation, .kind = step->kind };
	memcpy(write->id, step->id, ID_BYTES);
	if (step->target)
		memcpy(write->target, step->target, ID_BYTES);
	if (step->operation == GRAPH_SET)
		write->body = buf_span(&flight->body);
}

static void entries_init(
	const struct batch *batch, const struct graph_write *writes, struct journal_entry *entries)
{
	for (size_t i = 0; i < batch->count; i++)
		entries[i] = (struct journal_entry){
			.number = batch->flights[i].step->number,
			.attempt = batch->flights[i].record->attempts,
			.write = &writes[i],
			.record = batch->flights[i].record,
		};
}

static bool batch_intend(
	struct apply *apply, struct batch *batch, struct graph_write *writes, struct error *err)
{
	struct journal_entry entries[GRAPH_BATCH_MAX];
	int64_t now_ms = apply_now_ms(apply);

	for (size_t i = 0; i < batch->count; i++) {
		struct step_record *record = batch->flights[i].record;

		write_init(&batch->flights[i], &writes[i]);
		step_record_begin_attempt(record, now_ms);
		record->sent_now++;
	}
	entries_init(batch, writes, entries);
	return journal_add_intents(apply->journal, entries, batch->count, now_ms, err);
}

/* What came back, and in words for the steps. */
static bool batch_note(struct apply *apply, struct batch *batch, const struct graph_write *writes,
	struct error *err)
{
	struct journal_entry entries[GRAPH_BATCH_MAX];

	for (size_t i = 0; i < batch->count; i++) {
		struct step_record *record = batch->flights[i].record;

		record->outcome = writes[i].outcome;
		step_record_set_text(&record->text, span_of(writes[i].text));
	}
	entries_init(batch, writes, entries);
	return journal_add_outcomes(
		apply->journal, entries, batch->count, apply_now_ms(apply), err);
}

bool batch_send(struct apply *apply, struct batch *batch, struct error *err)
{
	struct graph_write writes[GRAPH_BATCH_MAX];
	struct error note = { 0 };

	/* Reading may have waited for long. */
	if (!batch->count || !apply_may_send(apply)) {
		batch_release(batch);
		return true;
	}
	if (!batch_intend(apply, batch, writes, err))
		return false;
	if (graph_write_batch(apply->options->graph, writes, batch->count, err))
		return batch_note(apply, batch, writes, err);
	/* Nothing left this machine, and the journal should say so rather than make us read. */
	for (size_t i = 0; i < batch->count; i++)
		writes[i].outcome = GRAPH_NOT_SENT;
	if (!batch_note(apply, batch, writes, &note))
		error_prefix(err, "%s; and before that", note.text);
	return error_prefix(err, "sending step %zu", batch->flights[0].step->number);
}
