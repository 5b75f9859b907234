/*
 * Applying a plan, or going on where it stopped: preflight, settle what an earlier run left in
 * flight, then batches in the order of the plan (apply_fleet.c).
 *
 * Memory is a record per step; an end at any instruction leaves a journal that the next run
 * takes up.
 */
#include <string.h>
#include <unistd.h>

#include "rollback/apply_internal.h"

static const char *const waiting_texts[DOOR_COUNT] = {
	[DOOR_NONE] = "nobody is named to do it",
	[DOOR_GRAPH] = "not begun",
	[DOOR_SYNC] = "the production server's next cycle puts it back",
	[DOOR_DIRECTORY] = "an administrator of the on-premises directory puts it back",
	[DOOR_EXCHANGE] = "an administrator of Exchange Online puts it back",
	[DOOR_ADSYNC] = "an administrator runs Remove-ADSyncToolsAadObject with the hand-off file",
	[DOOR_MANUAL] = "a person puts it back, as the hand-off text says",
};

/* ---- small things ------------------------------------------------------------------------ */

int64_t apply_clock_ms(const struct apply *apply)
{
	return apply->options->clock_ms ? apply->options->clock_ms() : time_monotonic_ms();
}

int64_t apply_now_ms(const struct apply *apply)
{
	return apply->options->now_ms + (apply_clock_ms(apply) - apply->clock_start_ms);
}

void apply_sleep(const struct apply *apply, int64_t duration_ms, const char *why)
{
	if (duration_ms <= 0)
		return;
	progress_wait(apply->options->progress, why, duration_ms);
	if (apply->options->sleep_ms)
		apply->options->sleep_ms(duration_ms);
	else
		time_sleep_ms(duration_ms);
}

static void PRINTF_LIKE(2, 0) apply_why(struct apply *apply, const char *format, va_list arguments)
{
	struct error text = { 0 }; /* cuts at a character, with a mark */

	error_set_v(&text, ERROR_NONE, format, arguments);
	snprintf(apply->result->why, sizeof(apply->result->why), "%.*s",
		TEXT_UP_TO(sizeof(apply->result->why) - 1, text.text));
}

void apply_stop(struct apply *apply, const char *format, ...)
{
	va_list arguments;

	if (apply->result->stopped)
		return; /* the first reason is the one to look at */
	apply->result->stopped = true;
	va_start(arguments, format);
	apply_why(apply, format, arguments);
	va_end(arguments);
}

static void PRINTF_LIKE(2, 3) apply_interrupt(struct apply *apply, const char *format, ...)
{
	va_list arguments;

	apply->result->interrupted = true;
	va_start(arguments, format);
	apply_why(apply, format, arguments);
	va_end(arguments);
}

bool apply_may_send(struct apply *apply)
{
	if (apply->result->stopped || apply->result->interrupted)
		return false;
	if (interrupted())
		apply_interrupt(apply, "interrupted: run the same command again to go on");
	else if (apply_now_ms(apply) >= apply->plan->expires_ms)
		apply_interrupt(apply, "the plan expired: make a new one for what is still open");
	return !apply->result->interrupted;
}

/* ---- deciding, saving, telling --------------------------------------------------------------- */

static void apply_tell(struct apply *apply, size_t index)
{
	const struct plan_step *step = &apply->plan->steps[index];
	struct step_record *record = &apply->records[index];

	if (record->told || !apply->options->told)
		return;
	record->told = true;
	apply->options->told(apply->options->told_context, step, record->state,
		record->text ? record->text : waiting_texts[step->door]);
}

bool apply_record(struct apply *apply, struct error *err)
{
	size_t count = apply->changed_count;
	CLEANUP(memory_freep)
	struct journal_entry *entries = memory_array(count + 1, sizeof(*entries));

	if (!count)
		return true;
	for (size_t i = 0; i < count; i++)
		entries[i] = (struct journal_entry){
			.number = apply->changed[i] + 1,
			.record = &apply->records[apply->changed[i]],
		};
	return journal_set_states(apply->journal, entries, count, apply_now_ms(apply), err);
}

void apply_tell_recorded(struct apply *apply)
{
	for (size_t i = 0; i < apply->changed_count; i++)
		if (apply->records[apply->changed[i]].state != STEP_OPEN)
			apply_tell(apply, apply->changed[i]);
	apply->changed_count = 0;
}

bool apply_save(struct apply *apply, struct error *err)
{
	if (!apply_record(apply, err))
		return false;
	apply_tell_recorded(apply);
	return true;
}

/* ---- taking up an earlier run --------------------------------------------------------------- */

static bool settle_others_batch(
	struct apply *apply, const size_t *indices, size_t count, struct error *err)
{
	CLEANUP(buf_release) struct buf value = BUF_UP_TO(APPLY_VALUE_MAX);
	struct graph_read reads[GRAPH_BATCH_MAX];
	struct object *objects[GRAPH_BATCH_MAX];

	for (size_t i = 0; i < count; i++)
		step_read_init(&apply->plan->steps[indices[i]], false, &reads[i]);
	if (!objects_read(apply->options->graph, reads, count, objects, err))
		return error_prefix(err, "reading what other doors did");
	for (size_t i = 0; i < count; i++) {
		const struct plan_step *step = &apply->plan->steps[indices[i]];

		if (step_standing(step, objects[i], &value) == STANDING_TO)
			apply_decide(apply, indices[i], STEP_SETTLED, "another door did it");
		object_free(objects[i]);
	}
	return apply_save(apply, err);
}

/* Steps of other doors are read only where a step of ours waits for them. */
static bool settle_others(struct apply *apply, struct error *err)
{
	const struct plan *plan = apply->plan;
	CLEANUP(memory_freep) bool *wanted = memory_array(plan->step_count + 1, sizeof(*wanted));
	size_t indices[GRAPH_BATCH_MAX], count = 0;

	for (size_t i = 0; i < plan->step_count; i++)
		for (size_t j = 0; j < plan->steps[i].after_count; j++)
			wanted[plan->steps[i].after[j] - 1] |= plan->steps[i].door == DOOR_GRAPH;
	for (size_t i = 0; i < plan->step_count; i++) {
		if (!wanted[i] || apply->records[i].state != STEP_WAITING)
			continue;
		indices[count++] = i;
		if (count < GRAPH_BATCH_MAX)
			continue;
		if (!settle_others_batch(apply, indices, count, err))
			return false;
		count = 0;
	}
	return !count || settle_others_batch(apply, indices, count, err);
}

/* What a permission was missing for is asked again; what it, or another door, held back may follow. */
static bool reopen(struct apply *apply, struct error *err)
{
	for (size_t i = 0; i < apply->plan->step_count; i++) {
		const struct plan_step *step = &apply->plan->steps[i];
		size_t blocker;

		if (step_was_denied(&apply->records[i]))
			apply_decide(apply, i, STEP_OPEN, "denied by an earlier run");
		else if (apply->records[i].state == STEP_HELD_BACK &&
			step_readiness(apply, step, &blocker) != NEVER)
			apply_decide(apply, i, STEP_OPEN, "what it waited for is done");
	}
	return apply_save(apply, err);
}

static bool apply_steps(struct apply *apply, struct error *err)
{
	return fleet_settle(apply, err) && settle_others(apply, err) && reopen(apply, err) &&
		fleet_apply(apply, err);
}

/* ---- beginning and ending ------------------------------------------------------------------- */

static void apply_release(struct apply *apply)
{
	journal_close(apply->journal);
	step_records_free(apply->records, apply->plan->step_count);
	step_objects_release(&apply->objects);
	memory_free(apply->changed);
}

/* A used plan whose journal is gone can't be taken up, and must not be begun again [T11]. */
static bool journal_gone(const struct apply *apply, const char *what, struct error *err)
{
	return error_set(err, ERROR_REFUSED,
		"plan %s was begun before, but its journal %s %s: bring it back, or make a new plan",
		apply->plan->id, apply->options->journal_path, what);
}

/* One that was emptied since, by a full disk or by hand, is as good as gone: it would look new. */
static bool check_begun(const struct apply *apply, struct error *err)
{
	int64_t begun_ms, ended_ms;

	if (!journal_times(apply->journal, &begun_ms, &ended_ms, err))
		return false;
	return begun_ms != TIME_NONE || journal_gone(apply, "knows nothing of it", err);
}

static bool apply_load(struct apply *apply, const char *hash, bool used, struct error *err)
{
	const struct plan *plan = apply->plan;
	int64_t now_ms = apply_now_ms(apply);

	apply->journal = journal_open(apply->options->journal_path, plan, hash, now_ms, err);
	if (!apply->journal || (used && !check_begun(apply, err)) ||
		!journal_load(apply->journal, plan, apply->records, err))
		return false;
	for (size_t i = 0; i < plan->step_count; i++) {
		apply->open += apply->records[i].state == STEP_OPEN;
		if (apply->records[i].state == STEP_DONE)
			apply->proven[plan->steps[i].operation]++;
	}
	return journal_begin_run(apply->journal, now_ms, err);
}

/* Nothing is left that a later run of this plan could do. */
static bool apply_finished(const struct apply *apply)
{
	const struct plan *plan = apply->plan;
	CLEANUP(memory_freep) bool *waits = memory_array(plan->step_count + 1, sizeof(*waits));

	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];
		enum step_state state = apply->records[i].state;

		waits[i] = state == STEP_WAITING || step_was_denied(&apply->records[i]);
		for (size_t j = 0; state == STEP_HELD_BACK && j < step->after_count; j++)
			waits[i] = waits[i] || waits[step->after[j] - 1];
		if (state == STEP_OPEN || step_in_flight(&apply->records[i]) ||
			(state != STEP_WAITING && waits[i]))
			return false;
	}
	return true;
}

static void apply_count(struct apply *apply)
{
	for (size_t i = 0; i < apply->plan->step_count; i++) {
		apply->result->by_state[apply->records[i].state]++;
		apply_tell(apply, i);
	}
}

static bool apply_close(
	struct apply *apply, struct ledger *ledger, const char *hash, struct error *err)
{
	int64_t now_ms = apply_now_ms(apply);

	return journal_end_run(apply->journal, now_ms, apply->result->why, err) &&
		receipt_write(apply, hash, err) &&
		ledger_leave(ledger, apply->plan, apply_finished(apply), now_ms, err);
}

/* A run that failed keeps its first error; what it sent is recorded all the same. */
static bool apply_close_failed(
	struct apply *apply, struct ledger *ledger, const char *hash, struct error *err)
{
	struct error second = { 0 };

	apply->result->interrupted = interrupted();
	snprintf(apply->result->why, sizeof(apply->result->why), "%.*s",
		TEXT_UP_TO(sizeof(apply->result->why) - 1, err->text));
	if (!apply_close(apply, ledger, hash, &second) && err->kind != ERROR_SYSTEM)
		return error_prefix(
			err, "%.*s; before that", TEXT_UP_TO(VALUE_SHOWN_MAX, second.text));
	return false;
}

/* Nothing was applied: then the reason is the answer. */
static bool apply_verdict(const struct apply *apply, struct error *err)
{
	const size_t *by_state = apply->result->by_state;
	size_t ours = 0;

	for (size_t i = 0; i < apply->plan->step_count; i++)
		ours += apply->plan->steps[i].door == DOOR_GRAPH;
	if (by_state[STEP_STALE] && by_state[STEP_STALE] + by_state[STEP_HELD_BACK] == ours)
		return error_set(err, ERROR_STALE,
			"nothing was applied: the directory is not what the plan saw any more: take a new "
			"snapshot and make a new plan");
	if (by_state[STEP_DONE])
		return true;
	for (size_t i = 0; i < apply->plan->step_count; i++) {
		const struct step_record *record = &apply->records[i];

		if (step_was_denied(record))
			return error_set(err, ERROR_DENIED, "nothing was applied: step %zu: %s",
				i + 1, record->text);
	}
	return true;
}

static bool check_used(
	const struct apply *apply, const struct ledger_entry *entry, struct error *err)
{
	if (!entry->known)
		return preflight_expiry(apply->plan, apply_now_ms(apply), err);
	return access(apply->options->journal_path, F_OK) == 0 ||
		journal_gone(apply, "is not there", err);
}

static bool apply_locked(struct apply *apply, struct error *err)
{
	const struct apply_options *options = apply->options;
	CLEANUP(ledger_closep) struct ledger *ledger = ledger_open(options->state_folder, err);
	struct ledger_entry entry = { 0 };
	char hash[APPLY_HASH_TEXT];
	bool good;

	plan_hash_text(options->plan_bytes, hash);
	if (!ledger || !ledger_look(ledger, apply->plan, hash, options->now_ms, &entry, err) ||
		!check_used(apply, &entry, err) || !preflight_service(apply, err) ||
		!apply_load(apply, hash, entry.known, err) ||
		!ledger_enter(ledger, apply->plan, hash, apply_now_ms(apply), err))
		return false;
	good = entry.finished || apply_steps(apply, err);
	apply_count(apply);
	if (!good)
		return apply_close_failed(apply, ledger, hash, err);
	return apply_close(apply, ledger, hash, err) && apply_verdict(apply, err);
}

static void close_descriptor(const int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
}

bool apply_run(const struct plan *plan, const struct apply_options *options,
	struct apply_result *result, struct error *err)
{
	CLEANUP(apply_release)
	struct apply apply = {
		.plan = plan,
		.options = options,
		.result = result,
		.canary = options->canary ? options->canary : 1,
	};
	CLEANUP(close_descriptor) int lock = -1;

	*result = (struct apply_result){ 0 };
	apply.clock_start_ms = apply_clock_ms(&apply);
	apply.records = step_records_new(plan);
	step_objects_init(&apply.objects, plan);
	if (!preflight_plan(plan, options, err))
		return false;
	lock = preflight_lock(plan, options->state_folder, err);
	return lock >= 0 && apply_locked(&apply, err);
}
