/*
 * Where a plan stands now: every step's object is read again. What the journal says decides
 * only between words for the same sight; the directory decides what is.
 *
 *	door      live = to             live = from        neither
 *	graph     done, held, already   open; overwritten  stale; overwritten where we had done it
 *	sync      settled, held         waiting;           settled if production wrote it last, else
 *	                                overwritten        stale
 *	others    settled, held         waiting;           waiting
 *	                                overwritten
 *
 * Held: a sync cycle came after it and left it alone. Overwritten, of what waits: somebody wrote
 * what the plan saw once more since it was made. The audit log is read once, and only when it is
 * needed for one of them.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rollback/apply_internal.h"

struct status {
	const struct plan *plan;
	const struct status_options *options;
	struct step_record *records; /* from the journal, if there is one */
	struct step_record *seen;    /* what is told: state and text */
	struct evidence *evidence;   /* NULL until asked for, and where the log can't be read */
	bool audit_asked;
	int64_t last_sync_ms; /* of the organization; TIME_NONE: not known */
};

/*
 * The cycle that wrote a value, or that was under way when it was written, ends some minutes later, and
 * our clock may be five minutes off the service's: what is to be held needs one that began after that.
 * Cycles are half an hour apart at least (facts 1.2).
 */
enum { CYCLE_TAKES_MS = 15 * 60 * 1000 };

static void status_release(struct status *status)
{
	step_records_free(status->records, status->plan->step_count);
	step_records_free(status->seen, status->plan->step_count);
	evidence_free(status->evidence);
}

static void PRINTF_LIKE(4, 5)
	see(struct status *status, size_t index, enum step_state state, const char *format, ...)
{
	struct error text = { 0 };
	va_list arguments;

	va_start(arguments, format);
	error_set_v(&text, ERROR_NONE, format, arguments);
	va_end(arguments);
	status->seen[index].state = state;
	step_record_set_text(&status->seen[index].text, span_of(text.text));
}

/* ---- who wrote it last -------------------------------------------------------------------- */

static bool add_record(void *context, struct span record, struct error *err)
{
	return evidence_add_audit(context, record, err);
}

static bool read_audits(struct status *status, struct error *err)
{
	int64_t from_ms = status->plan->created_ms;
	int64_t now_ms = graph_service_time_ms(status->options->graph);
	struct evidence_header header = { .from_ms = from_ms, .collected_ms = now_ms };
	CLEANUP(evidence_freep) struct evidence *evidence = NULL;

	status->audit_asked = true;
	if (now_ms == TIME_NONE)
		return error_set(
			err, ERROR_FORMAT, "audit log: the service did not say what time it is");
	/* It says so in whole seconds, and the one that is under way has writes, too. */
	now_ms += 1000;
	header.until_ms = now_ms;
	snprintf(header.tenant, sizeof(header.tenant), "%s", status->plan->tenant);
	evidence = evidence_new(&header);
	if (graph_audits(status->options->graph, from_ms, now_ms, add_record, evidence, err)) {
		status->evidence = TAKE(evidence);
		return true;
	}
	if (err->kind != ERROR_DENIED)
		return error_prefix(err, "audit log");
	/* Names are missing then, and what stands in the directory is said all the same. */
	*err = (struct error){ 0 };
	return true;
}

static bool names_target(const struct plan_step *step, const struct fact *fact)
{
	struct span target = span_of(step->target);
	struct span values[] = { fact->old_value, fact->new_value };

	if (!step->target || fact->operation == FACT_NAMED)
		return true;
	for (size_t i = 0; i < COUNT_OF(values); i++)
		if (values[i].data &&
			memmem(values[i].data, values[i].length, target.data, target.length))
			return true;
	return false;
}

static bool is_about(const struct plan_step *step, const struct fact *fact)
{
	const struct attribute *attribute = step_attribute(step);

	return fact->attribute == attribute && (attribute || !fact->attribute_name) &&
		names_target(step, fact);
}

/* The last fact about what the step is about; NULL where the log has none, or can't be read. */
static bool last_writing(struct status *status, const struct plan_step *step,
	const struct fact **last, struct error *err)
{
	const struct fact *const *facts;
	size_t count;

	*last = NULL;
	if (!status->audit_asked && !read_audits(status, err))
		return false;
	if (!status->evidence)
		return true;
	facts = evidence_of(status->evidence, span_of(step->id), &count);
	for (size_t i = 0; i < count; i++)
		if (is_about(step, facts[i]))
			*last = facts[i];
	return true;
}

static void add_writing(struct buf *out, const struct status *status, const struct fact *last)
{
	char time[TIME_TEXT_BYTES];

	if (!status->evidence)
		buf_add_text(out, "by whom is not known: audit log not readable");
	else if (!last || !last->who)
		buf_add_text(out, "by whom is not in the audit log (yet)");
	else
		buf_addf(out, "by %s at %s", last->who->name ? last->who->name : last->who->id,
			time_text(last->when_ms, time));
}

/* A sync server's identity that is not the one whose work the plan takes back. */
static bool is_production(const struct status *status, const struct writer *writer)
{
	const char *production = status->options->production, *staging = status->plan->staging;
	char server[64];

	if (!writer->server)
		return false;
	if (production)
		return text_compare_caseless(span_of(writer->server), span_of(production)) == 0;
	if (!staging)
		return true;
	if (sync_identity_server(staging, server))
		staging = server;
	return text_compare_caseless(span_of(writer->server), span_of(staging)) != 0 &&
		!(writer->name &&
			text_compare_caseless(span_of(writer->name), span_of(staging)) == 0);
}

/* ---- one step ------------------------------------------------------------------------------ */

static bool see_overwritten(
	struct status *status, size_t index, const char *value, struct error *err)
{
	CLEANUP(buf_release) struct buf who = BUF_UP_TO(1024);
	const struct fact *last;

	if (!last_writing(status, &status->plan->steps[index], &last, err))
		return false;
	add_writing(&who, status, last);
	see(status, index, STEP_OVERWRITTEN, "now %.*s, overwritten %s",
		TEXT_UP_TO(VALUE_SHOWN_MAX, value), buf_text(&who));
	return true;
}

static void see_held(struct status *status, size_t index)
{
	char time[TIME_TEXT_BYTES];

	see(status, index, STEP_HELD, "it held through the sync cycle of %s",
		time_text(status->last_sync_ms, time));
}

static void see_reached(struct status *status, size_t index)
{
	const struct step_record *record = &status->records[index];

	/* What we sent and what stands there now is our work, however the run ended. */
	if (!record->attempts || record->state == STEP_ALREADY)
		see(status, index, STEP_ALREADY, "it stands there, not by this plan");
	else if (status->last_sync_ms != TIME_NONE &&
		status->last_sync_ms > record->begun_ms + CYCLE_TAKES_MS)
		see_held(status, index);
	else
		see(status, index, STEP_DONE, "it holds; no sync cycle came after it yet");
}

/* What another door did: since when it stands there, only the audit log knows. */
static bool see_settled(struct status *status, size_t index, const char *text, struct error *err)
{
	const struct fact *last = NULL;
	bool could_be_held = status->last_sync_ms != TIME_NONE &&
		status->last_sync_ms > status->plan->created_ms + CYCLE_TAKES_MS;

	if (could_be_held && !last_writing(status, &status->plan->steps[index], &last, err))
		return false;
	if (last && status->last_sync_ms > last->when_ms + CYCLE_TAKES_MS)
		see_held(status, index);
	else
		see(status, index, STEP_SETTLED, "%s", text);
	return true;
}

/* What the plan saw stands there: since then, or again. */
static bool see_waiting(struct status *status, size_t index, const char *text, struct error *err)
{
	CLEANUP(buf_release) struct buf who = BUF_UP_TO(1024);
	const struct fact *last;

	if (!last_writing(status, &status->plan->steps[index], &last, err))
		return false;
	if (!last) {
		see(status, index, STEP_WAITING, "%s", text);
		return true;
	}
	add_writing(&who, status, last);
	see(status, index, STEP_OVERWRITTEN, "what the plan saw stands there again, written %s",
		buf_text(&who));
	return true;
}

static bool see_graph(struct status *status, size_t index, enum standing standing,
	const char *value, struct error *err)
{
	const struct step_record *record = &status->records[index];
	enum step_state was = record->state;

	if (standing == STANDING_TO)
		see_reached(status, index);
	else if (was == STEP_DONE || was == STEP_ALREADY)
		return see_overwritten(status, index, value, err);
	else if (was == STEP_REFUSED || was == STEP_HELD_BACK || was == STEP_UNKNOWN)
		see(status, index, was, "%s", record->text ? record->text : "says the journal");
	else if (standing == STANDING_FROM)
		see(status, index, STEP_OPEN, "what the plan saw still stands there");
	else
		see(status, index, STEP_STALE, "neither what the plan saw nor what it wants: %.*s",
			TEXT_UP_TO(VALUE_SHOWN_MAX, value));
	return true;
}

static bool see_sync(struct status *status, size_t index, enum standing standing, const char *value,
	struct error *err)
{
	CLEANUP(buf_release) struct buf who = BUF_UP_TO(1024);
	const struct fact *last;

	if (standing == STANDING_TO)
		return see_settled(status, index, "production put it back", err);
	if (standing == STANDING_FROM)
		return see_waiting(status, index, "still what the staging server wrote", err);
	if (!last_writing(status, &status->plan->steps[index], &last, err))
		return false;
	add_writing(&who, status, last);
	if (last && last->who && is_production(status, last->who))
		see(status, index, STEP_SETTLED, "production decided otherwise since: %.*s, %s",
			TEXT_UP_TO(VALUE_SHOWN_MAX, value), buf_text(&who));
	else
		see(status, index, STEP_STALE,
			"neither what staging wrote nor what was before: %.*s, "
			"written %s",
			TEXT_UP_TO(VALUE_SHOWN_MAX, value), buf_text(&who));
	return true;
}

static bool see_other(
	struct status *status, size_t index, enum standing standing, struct error *err)
{
	const struct plan_step *step = &status->plan->steps[index];
	char text[64];

	snprintf(text, sizeof(text),
		standing == STANDING_TO ? "done through the door \"%s\""
					: "waits for the door \"%s\"",
		door_name(step->door));
	if (standing == STANDING_TO)
		return see_settled(status, index, text, err);
	if (standing == STANDING_FROM)
		return see_waiting(status, index, text, err);
	see(status, index, STEP_WAITING, "%s", text);
	return true;
}

static bool see_step(
	struct status *status, size_t index, const struct object *object, struct error *err)
{
	CLEANUP(buf_release) struct buf value = BUF_UP_TO(APPLY_VALUE_MAX);
	const struct plan_step *step = &status->plan->steps[index];
	enum standing standing = step_standing(step, object, &value);

	if (step_deleted_again(status->plan, step, object))
		standing = STANDING_NEITHER;

	if (standing == STANDING_UNREADABLE) {
		see(status, index, step->door == DOOR_GRAPH ? STEP_UNKNOWN : STEP_WAITING,
			"what stands there can't be read with these credentials");
		return true;
	}
	if (step->door == DOOR_GRAPH)
		return see_graph(status, index, standing, buf_text(&value), err);
	if (step->door == DOOR_SYNC)
		return see_sync(status, index, standing, buf_text(&value), err);
	return see_other(status, index, standing, err);
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* Steps in order of their objects, so that each object is read once. */
static int compare_places(const void *a, const void *b)
{
	const struct plan_step *left = *(const struct plan_step *const *)a;
	const struct plan_step *right = *(const struct plan_step *const *)b;
	int order = strcmp(left->id, right->id);

	return order ? order : (left->number > right->number) - (left->number < right->number);
}

/* Fills up to 20 reads; returns how many places they cover, and which read serves each. */
static size_t fill_reads(const struct plan_step *const *places, size_t count,
	struct graph_read *reads, size_t *read_count)
{
	size_t i;

	*read_count = 0;
	for (i = 0; i < count; i++) {
		bool again = i && strcmp(places[i]->id, places[i - 1]->id) == 0;
		struct graph_read read;

		step_read_init(places[i], false, &read);
		if (again)
			reads[*read_count - 1].flags |= read.flags;
		else if (*read_count == GRAPH_BATCH_MAX)
			break;
		else
			reads[(*read_count)++] = read;
	}
	return i;
}

static bool see_places(struct status *status, const struct plan_step *const *places, size_t count,
	struct object *const *objects, struct error *err)
{
	size_t read = 0;

	for (size_t i = 0; i < count; i++) {
		read += i && strcmp(places[i]->id, places[i - 1]->id) != 0;
		if (!see_step(status, places[i]->number - 1, objects[read], err))
			return error_prefix(err, "step %zu", places[i]->number);
	}
	return true;
}

static bool see_all(struct status *status, struct error *err)
{
	size_t count = status->plan->step_count;
	CLEANUP(memory_freep)
	const struct plan_step **places = memory_array(count + 1, sizeof(*places));
	struct graph_read reads[GRAPH_BATCH_MAX];
	struct object *objects[GRAPH_BATCH_MAX];

	for (size_t i = 0; i < count; i++)
		places[i] = &status->plan->steps[i];
	qsort(places, count, sizeof(*places), compare_places);
	for (size_t done = 0, read_count; done < count;) {
		size_t covered = fill_reads(places + done, count - done, reads, &read_count);
		bool good = objects_read(status->options->graph, reads, read_count, objects, err);

		if (!good)
			return false;
		good = see_places(status, places + done, covered, objects, err);
		for (size_t i = 0; i < read_count; i++)
			object_free(objects[i]);
		if (!good)
			return false;
		done += covered;
	}
	return true;
}

static bool load_journal(struct status *status, struct error *err)
{
	const char *path = status->options->journal_path;
	CLEANUP(journal_closep) struct journal *journal = NULL;

	if (!path || access(path, F_OK) != 0)
		return true;
	journal = journal_open_to_read(path, status->plan, err);
	return journal && journal_check_bytes(journal, status->options->plan_bytes, err) &&
		journal_load(journal, status->plan, status->records, err);
}

bool status_run(const struct plan *plan, const struct status_options *options,
	struct apply_result *result, struct error *err)
{
	CLEANUP(status_release) struct status status = { .plan = plan, .options = options };

	*result = (struct apply_result){ 0 };
	status.records = step_records_new(plan);
	status.seen = step_records_new(plan);
	if (!preflight_tenant(plan, options->graph, &status.last_sync_ms, err) ||
		!load_journal(&status, err) || !see_all(&status, err))
		return error_prefix(err, "status");
	for (size_t i = 0; i < plan->step_count; i++) {
		result->by_state[status.seen[i].state]++;
		if (options->told)
			options->told(options->told_context, &plan->steps[i], status.seen[i].state,
				status.seen[i].text);
	}
	return true;
}
