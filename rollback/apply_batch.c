/*
 * One batch on its way: which of its steps the directory still allows, and sending them. INTENT is
 * durable before the batch leaves, OUTCOME before anything follows.
 */
#include <string.h>

#include "rollback/apply_internal.h"

static void give_back(struct apply *apply, struct batch *batch)
{
	if (batch->reserved)
		graph_write_give_back(apply->options->graph);
	batch->reserved = false;
}

void batch_free(struct apply *apply, struct batch *batch)
{
	graph_task_drop(batch->task);
	give_back(apply, batch);
	batch_forget(apply, batch);
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

void batch_look(struct apply *apply, struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		step_read_init(batch->flights[i].step, true, &batch->reads[i]);
	batch->stage = BATCH_READING;
	batch->read_ms = apply_clock_ms(apply);
	batch->task = graph_begin_reading(apply->options->graph, batch->reads, batch->count);
}

static bool take_read(struct batch *batch, struct error *err)
{
	struct object *objects[GRAPH_BATCH_MAX];
	bool good = graph_task_finish(TAKE(batch->task), err);

	if (!objects_take(batch->reads, batch->count, good, objects, err))
		return error_prefix(err, "reading before step %zu", batch->flights[0].step->number);
	for (size_t i = 0; i < batch->count; i++)
		batch->flights[i].object = objects[i];
	return true;
}

static bool keep_if_it_may_go(struct apply *apply, struct batch *batch, struct flight *flight)
{
	CLEANUP(buf_release) struct buf value = BUF_UP_TO(APPLY_VALUE_MAX);

	if (flight_may_go(apply, flight, &value))
		return true;
	batch->unplanned |= !step_is_done(flight->record->state);
	return false;
}

bool batch_compare(struct apply *apply, struct batch *batch, struct error *err)
{
	if (!take_read(batch, err))
		return false;
	batch_keep(apply, batch, keep_if_it_may_go);
	batch->stage = BATCH_READY;
	return true;
}

/* ---- sending -------------------------------------------------------------------------------- */

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

/* The lines of a transaction for all flights of several batches. */
struct entries {
	struct journal_entry *items;
	size_t count;
};

static void entries_init(struct entries *entries, struct batch *const *batches, size_t count)
{
	*entries = (struct entries){ .count = 0 };
	entries->items = memory_array(count * GRAPH_BATCH_MAX + 1, sizeof(*entries->items));
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < batches[i]->count; j++)
			entries->items[entries->count++] = (struct journal_entry){
				.number = batches[i]->flights[j].step->number,
				.attempt = batches[i]->flights[j].record->attempts,
				.write = &batches[i]->writes[j],
				.record = batches[i]->flights[j].record,
			};
}

static void entries_release(struct entries *entries)
{
	memory_free(entries->items);
}

static void begin_attempts(struct batch *batch, int64_t now_ms)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct step_record *record = batch->flights[i].record;

		write_init(&batch->flights[i], &batch->writes[i]);
		step_record_begin_attempt(record, now_ms);
		record->sent_now++;
	}
}

bool batches_intend(
	struct apply *apply, struct batch *const *batches, size_t count, struct error *err)
{
	CLEANUP(entries_release) struct entries entries;
	int64_t now_ms = apply_now_ms(apply);

	for (size_t i = 0; i < count; i++) {
		begin_attempts(batches[i], now_ms);
		batches[i]->stage = BATCH_INTENDED;
	}
	entries_init(&entries, batches, count);
	return journal_add_intents(apply->journal, entries.items, entries.count, now_ms, err);
}

void batch_leave(struct apply *apply, struct batch *batch)
{
	give_back(apply, batch);
	batch->stage = BATCH_WRITING;
	batch->task = graph_begin_writing(apply->options->graph, batch->writes, batch->count);
}

/* What came back, in words for the steps. */
static void take_outcomes(struct batch *batch, struct error *err)
{
	bool sent = graph_task_finish(TAKE(batch->task), err);

	for (size_t i = 0; i < batch->count; i++) {
		struct step_record *record = batch->flights[i].record;

		/* Nothing left this machine, and the journal should say so rather than make us read. */
		if (!sent)
			batch->writes[i].outcome = GRAPH_NOT_SENT;
		record->outcome = batch->writes[i].outcome;
		batch->troubled |= record->outcome != GRAPH_DONE;
		step_record_set_text(&record->text, span_of(batch->writes[i].text));
	}
	if (!sent)
		error_prefix(err, "sending step %zu", batch->flights[0].step->number);
}

bool batches_note(struct apply *apply, struct batch *const *batches, size_t count,
	struct error *unsent, struct error *err)
{
	CLEANUP(entries_release) struct entries entries;
	struct error ignored = { 0 };

	for (size_t i = 0; i < count; i++)
		take_outcomes(batches[i], unsent->kind ? &ignored : unsent);
	entries_init(&entries, batches, count);
	if (journal_add_outcomes(
		    apply->journal, entries.items, entries.count, apply_now_ms(apply), err))
		return true;
	return unsent->kind ? error_prefix(err, "%s; and then", unsent->text) : false;
}
