/*
 * Run history as the XML of WMI's RunDetails() (facts 1.5), the way the engine has told it since
 * MIIS; and a list of errors alone, as it stands in SyncErrors.SyncErrorsXml.
 *
 * Steps come newest first, and a run has no id but its connector's and its number.
 */
#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "base/time.h"
#include "imports/runs_internal.h"

static const char errors_path[] = "run-history/run-details/step-details/synchronization-errors/";
static const char run_path[] = "run-history/run-details";
static const char in_run[] = "run-history/run-details/";
static const char step_path[] = "run-history/run-details/step-details";
static const char in_step[] = "run-history/run-details/step-details/";
static const char type_path[] = "run-history/run-details/step-details/step-description/step-type";
static const char counters_path[] = "run-history/run-details/step-details/export-counters/export-";

/* Below run-details, and below step-details. */
static const struct member run_members[] = {
	{ "ma-id", MEMBER_GUID, offsetof(struct run, connector_id) },
	{ "ma-name", MEMBER_TEXT, offsetof(struct run, connector) },
	{ "run-profile-name", MEMBER_TEXT, offsetof(struct run, profile) },
	{ "run-number", MEMBER_NUMBER, offsetof(struct run, number) },
	{ "security-id", MEMBER_TEXT, offsetof(struct run, by) },
};

static const struct member step_members[] = {
	{ "step-result", MEMBER_TEXT, offsetof(struct step, result) },
	{ "start-date", MEMBER_INSTANT, offsetof(struct step, start_ms) },
	{ "end-date", MEMBER_INSTANT, offsetof(struct step, end_ms) },
};

static const struct member step_number = { "step-number", MEMBER_NUMBER,
	offsetof(struct step, number) };

static const char *const counter_names[RUN_COUNTERS] = {
	[RUN_ADDS] = "add",
	[RUN_UPDATES] = "update",
	[RUN_RENAMES] = "rename",
	[RUN_DELETES] = "delete",
	[RUN_DELETE_ADDS] = "delete-add",
	[RUN_FAILURES] = "failure",
};

struct document {
	struct run_history *history;
	struct buf path;
	struct error_list list;
	size_t run, first_step, first_error; /* of the run being read, in the history */
};

static struct run *run_of(struct document *document)
{
	return &document->history->runs[document->run];
}

static struct step *last_step(struct document *document)
{
	return &document->history->steps[document->history->step_count - 1];
}

/* ---- runs and steps ----------------------------------------------------------------------- */

static bool begin_run(struct document *document, struct error *err)
{
	if (!run_history_new_run(document->history, err))
		return false;
	document->run = document->history->run_count - 1;
	document->first_step = document->history->step_count;
	document->first_error = document->history->listed_count;
	return true;
}

/* Its number and its connector's id, wherever in it they stood, are what its steps are found by. */
static bool end_run(struct document *document, struct error *err)
{
	CLEANUP(buf_release) struct buf id = BUF_UP_TO(XML_NAME_MAX);
	struct run_history *history = document->history;
	struct run *run = run_of(document);

	if (!run->connector_id || run->number < 0)
		return error_set(err, ERROR_FORMAT, "a run without ma-id or without run-number");
	buf_addf(&id, "%s#%" PRId64, run->connector_id, run->number);
	run->id = kept_add(&history->kept, buf_span(&id));
	for (size_t i = document->first_step; i < history->step_count; i++)
		history->steps[i].run_id = run->id;
	for (size_t i = document->first_error; i < history->listed_count; i++)
		history->listed[i].run_id = run->id;
	return true;
}

static bool begin_step(struct document *document, const char *const *attributes, struct error *err)
{
	const char *number = xml_attribute(attributes, "step-number");
	struct step *step = run_history_new_step(document->history, err);

	if (!step)
		return false;
	if (number &&
		!member_read(&document->history->kept, &step_number, step, span_of(number), err))
		return false;
	document->list = (struct error_list){ .history = document->history, .step = step->number };
	return true;
}

/* A run is as long as its steps are. */
static void end_step(struct document *document)
{
	struct run *run = run_of(document);
	const struct step *step = last_step(document);

	if (run->start_ms == TIME_NONE ||
		(step->start_ms != TIME_NONE && step->start_ms < run->start_ms))
		run->start_ms = step->start_ms;
	if (step->end_ms > run->end_ms) /* TIME_NONE is the least */
		run->end_ms = step->end_ms;
}

static bool read_counter(
	struct document *document, const char *name, struct span text, struct error *err)
{
	struct step *step = last_step(document);
	struct member member = { name, MEMBER_NUMBER, 0 };
	int64_t count;

	for (unsigned i = 0; i < RUN_COUNTERS; i++) {
		if (strcmp(name, counter_names[i]) != 0)
			continue;
		if (!member_read(&document->history->kept, &member, &count, text, err))
			return error_prefix(err, "export-%s", name);
		step->counters[i] = (uint64_t)count;
		step->counters_seen |= 1U << i;
	}
	return true;
}

/* ---- the document ------------------------------------------------------------------------- */

static bool root_is_known(const char *name, struct error *err)
{
	return strcmp(name, "run-history") == 0 || strcmp(name, "synchronization-errors") == 0 ||
		error_set(err, ERROR_FORMAT,
			"'%s': no run history (run-history) and no list of errors "
			"(synchronization-errors)",
			name);
}

static bool on_start(void *context, unsigned depth, const char *name, const char *const *attributes,
	struct error *err)
{
	struct document *document = context;
	const char *path, *in_list;

	if (depth == 1 && !root_is_known(name, err))
		return false;
	xml_path_down(&document->path, name);
	path = buf_text(&document->path);
	in_list = xml_path_behind(path, errors_path);
	if (!in_list)
		in_list = xml_path_behind(path, "synchronization-errors/");
	if (in_list)
		error_list_start(&document->list, in_list, attributes);
	if (strcmp(path, run_path) == 0)
		return begin_run(document, err);
	if (strcmp(path, step_path) == 0)
		return begin_step(document, attributes, err);
	if (strcmp(path, type_path) == 0 && xml_attribute(attributes, "type"))
		last_step(document)->type = kept_add(
			&document->history->kept, span_of(xml_attribute(attributes, "type")));
	return true;
}

/* A leaf, by its name and the table. */
static bool read_leaf(struct document *document, const char *name, const struct member *members,
	size_t count, void *into, struct span text, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, members[i].name) == 0)
			return member_read(&document->history->kept, &members[i], into, text, err);
	return true;
}

static bool end_element(struct document *document, struct span text, struct error *err)
{
	const char *path = buf_text(&document->path), *rest;

	if ((rest = xml_path_behind(path, errors_path)) ||
		(rest = xml_path_behind(path, "synchronization-errors/")))
		return error_list_end(&document->list, rest, text, err);
	if ((rest = xml_path_behind(path, counters_path)))
		return read_counter(document, rest, text, err);
	if (strcmp(path, run_path) == 0)
		return end_run(document, err);
	if (strcmp(path, step_path) == 0) {
		end_step(document);
		return true;
	}
	if ((rest = xml_path_behind(path, in_step)))
		return read_leaf(document, rest, step_members, COUNT_OF(step_members),
			last_step(document), text, err);
	if ((rest = xml_path_behind(path, in_run)))
		return read_leaf(document, rest, run_members, COUNT_OF(run_members),
			run_of(document), text, err);
	return true;
}

static bool on_end(
	void *context, unsigned depth, const char *name, struct span text, struct error *err)
{
	struct document *document = context;

	(void)depth;
	if (!end_element(document, text, err))
		return false;
	xml_path_up(&document->path, name);
	return true;
}

bool run_history_add_xml(struct run_history *history, const char *path, struct error *err)
{
	static const struct xml_events events = { .start = on_start, .end = on_end };
	struct document document = { .history = history,
		.path = BUF_UP_TO(XML_PATH_MAX),
		.list = { .history = history, .step = -1 } };
	bool read = run_history_begin_file(history, path, err) &&
		xml_read(path, &events, &document, err);

	buf_release(&document.path);
	return read;
}
