/*
 * Run history as ConvertTo-Json writes it: runs, steps, or runs with their steps. Which it is, is
 * asked of each record, so that files may be put together.
 *
 * ConvertTo-Json goes two levels deep unless told otherwise, and puts the name of a .NET type where
 * it stopped: then the steps or their lists of errors are missing, and that is counted.
 */
#include <string.h>

#include "base/memory.h"
#include "base/time.h"
#include "imports/records.h"
#include "imports/runs_internal.h"

enum { STEP_XML_MAX = 1 << 20 };

static const struct member run_members[] = {
	{ "RunHistoryId", MEMBER_GUID, offsetof(struct run, id) },
	{ "ConnectorId", MEMBER_GUID, offsetof(struct run, connector_id) },
	{ "ConnectorName", MEMBER_TEXT, offsetof(struct run, connector) },
	{ "RunProfileName", MEMBER_TEXT, offsetof(struct run, profile) },
	{ "RunNumber", MEMBER_NUMBER, offsetof(struct run, number) },
	{ "Username", MEMBER_TEXT, offsetof(struct run, by) },
	{ "Result", MEMBER_TEXT, offsetof(struct run, result) },
	{ "StartDate", MEMBER_INSTANT, offsetof(struct run, start_ms) },
	{ "EndDate", MEMBER_INSTANT, offsetof(struct run, end_ms) },
};

static const struct member step_members[] = {
	{ "RunHistoryId", MEMBER_GUID, offsetof(struct step, run_id) },
	{ "StepNumber", MEMBER_NUMBER, offsetof(struct step, number) },
	{ "StepResult", MEMBER_TEXT, offsetof(struct step, result) },
	{ "StartDate", MEMBER_INSTANT, offsetof(struct step, start_ms) },
	{ "EndDate", MEMBER_INSTANT, offsetof(struct step, end_ms) },
};

static const char *const counter_members[RUN_COUNTERS] = {
	[RUN_ADDS] = "ExportAdd",
	[RUN_UPDATES] = "ExportUpdate",
	[RUN_RENAMES] = "ExportRename",
	[RUN_DELETES] = "ExportDelete",
	[RUN_DELETE_ADDS] = "ExportDeleteAdd",
	[RUN_FAILURES] = "ExportFailure",
};

/* ---- members ------------------------------------------------------------------------------ */

/*
 * A date to which Windows PowerShell tied notes is {"value":"\/Date(…)\/","DateTime":"…"}.
 */
static struct span without_notes(struct span value)
{
	struct span inner = SPAN_NONE;

	if (scan_type(value) == SCAN_OBJECT)
		inner = scan_find(value, "value");
	return inner.data ? inner : value;
}

static bool of_type(enum member_type member, enum scan_type type)
{
	return type == (member == MEMBER_NUMBER ? SCAN_NUMBER : SCAN_STRING);
}

static bool read_member(struct kept *kept, const struct member *member, void *into,
	struct span record, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(SCAN_STRING_MAX);
	struct span value = without_notes(scan_find(record, member->name));
	enum scan_type type = scan_type(value);

	if (type == SCAN_NOTHING || type == SCAN_NULL)
		return true;
	if (!of_type(member->type, type))
		return error_set(err, ERROR_FORMAT, "%s: a value of the wrong type", member->name);
	if (type == SCAN_NUMBER)
		return member_read(kept, member, into, value, err);
	scan_text(value, &text);
	return member_read(kept, member, into, buf_span(&text), err);
}

static bool read_members(struct kept *kept, const struct member *members, size_t count, void *into,
	struct span record, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (!read_member(kept, &members[i], into, record, err))
			return false;
	return true;
}

/* ---- steps -------------------------------------------------------------------------------- */

static bool read_counters(
	struct run_history *history, struct step *step, struct span record, struct error *err)
{
	for (size_t i = 0; i < RUN_COUNTERS; i++) {
		struct member member = { counter_members[i], MEMBER_NUMBER, 0 };
		int64_t count = -1;

		if (!read_member(&history->kept, &member, &count, record, err))
			return false;
		if (count < 0)
			continue;
		step->counters[i] = (uint64_t)count;
		step->counters_seen |= 1U << i;
	}
	return true;
}

struct found_type {
	struct kept *kept;
	struct step *step;
};

static bool find_step_type(void *context, unsigned depth, const char *name,
	const char *const *attributes, struct error *err)
{
	struct found_type *found = context;

	(void)depth, (void)err;
	if (strcmp(name, "step-type") == 0)
		found->step->type = kept_add(
			found->kept, span_of(xml_attribute(attributes, "type")));
	return !found->step->type; /* one is enough */
}

static bool pass_end(
	void *context, unsigned depth, const char *name, struct span text, struct error *err)
{
	(void)context, (void)depth, (void)name, (void)text, (void)err;
	return true;
}

/* <step-type type="export"/>, with more around it or beside it. */
static bool read_step_type(
	struct run_history *history, struct step *step, struct span record, struct error *err)
{
	static const struct xml_events events = { .start = find_step_type, .end = pass_end };
	CLEANUP(buf_release) struct buf xml = BUF_UP_TO(STEP_XML_MAX);
	struct found_type found = { &history->kept, step };
	struct span value = scan_find(record, "StepXml");

	if (scan_type(value) != SCAN_STRING)
		return true;
	buf_add_text(&xml, "<step>"); /* it may be several elements, and no document */
	scan_text(value, &xml);
	buf_add_text(&xml, "</step>");
	return buf_check(&xml, "StepXml", err) &&
		xml_read_text(buf_span(&xml), "<step>StepXml</step>", &events, &found, err);
}

/* {"SyncErrorsXml":"<synchronization-errors>…"}, and the same in other words beside it. */
static bool read_errors(
	struct run_history *history, const struct step *step, struct span record, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(SCAN_STRING_MAX);
	struct error_list list = {
		.history = history, .run_id = step->run_id, .step = step->number
	};
	struct span errors = scan_find(record, "SyncErrors"), xml = SPAN_NONE;

	if (scan_type(errors) == SCAN_STRING && scan_trim(errors).length > 2)
		history->cut_lists++;
	if (scan_type(errors) == SCAN_OBJECT)
		xml = scan_find(errors, "SyncErrorsXml");
	if (scan_type(xml) != SCAN_STRING)
		return true;
	scan_text(xml, &text);
	return !text.length || error_list_read(&list, buf_span(&text), err);
}

static bool read_step(struct run_history *history, struct span record, struct error *err)
{
	struct step *step = run_history_new_step(history, err);

	if (!step ||
		!read_members(
			&history->kept, step_members, COUNT_OF(step_members), step, record, err))
		return false;
	if (!step->run_id)
		return error_set(err, ERROR_FORMAT, "a step without RunHistoryId");
	return read_counters(history, step, record, err) &&
		read_step_type(history, step, record, err) &&
		read_errors(history, step, record, err);
}

/* ---- runs --------------------------------------------------------------------------------- */

static bool read_step_list(struct run_history *history, struct span list, struct error *err)
{
	struct scan steps = scan_open(list);
	struct span step;

	while (scan_element(&steps, &step)) {
		if (scan_type(step) == SCAN_NULL)
			continue;
		if (scan_type(step) == SCAN_STRING) {
			history->cut_lists++;
			continue;
		}
		if (scan_type(step) != SCAN_OBJECT)
			return error_set(err, ERROR_FORMAT, "RunStepResults: not a list of steps");
		if (!read_step(history, step, err))
			return error_prefix(err, "RunStepResults");
	}
	return true;
}

/* null unless -RunStepDetails; a list, or a lone step; what ConvertTo-Json cut off is a text. */
static bool read_steps(struct run_history *history, struct span record, struct error *err)
{
	struct span steps = without_notes(scan_find(record, "RunStepResults"));

	switch (scan_type(steps)) {
	case SCAN_ARRAY:
		return read_step_list(history, steps, err);
	case SCAN_OBJECT:
		return read_step(history, steps, err);
	case SCAN_STRING:
		history->cut_lists += scan_trim(steps).length > 2;
		return true;
	default:
		return true;
	}
}

static bool read_run(struct run_history *history, struct span record, struct error *err)
{
	struct run *run = run_history_new_run(history, err);

	if (!run ||
		!read_members(&history->kept, run_members, COUNT_OF(run_members), run, record, err))
		return false;
	if (!run->id)
		return error_set(err, ERROR_FORMAT, "a run without RunHistoryId");
	return read_steps(history, record, err);
}

/* A step has a number of its own, and a run one of the connector's. */
static bool read_record(struct run_history *history, struct span record, struct error *err)
{
	if (!scan_find(record, "RunHistoryId").data)
		return error_set(err, ERROR_FORMAT,
			"no RunHistoryId: this is not from Get-ADSyncRunProfileResult, nor from "
			"Get-ADSyncRunStepResult");
	if (scan_find(record, "StepNumber").data || scan_find(record, "StepResult").data)
		return read_step(history, record, err);
	return read_run(history, record, err);
}

bool run_history_add_json(struct run_history *history, const char *path, struct error *err)
{
	CLEANUP(records_closep) struct records *records = records_open(path, err);
	struct span record;

	if (!records || !run_history_begin_file(history, path, err))
		return false;
	for (;;) {
		if (!records_next(records, &record, err))
			return false;
		if (!record.data)
			return true;
		if (!read_record(history, record, err))
			return records_place(records, err);
	}
}
