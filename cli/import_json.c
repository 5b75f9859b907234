/* What an import found, as one document: all of it, where the screen has the last of it. */
#include <string.h>

#include "base/text.h"
#include "cli/import.h"

static const char *const type_names[] = {
	[IMPORT_SPACE] = "connector-space",
	[IMPORT_RUNS_JSON] = "run-history",
	[IMPORT_RUNS_XML] = "run-history",
	[IMPORT_CONFIGURATION] = "server-configuration",
};

static const char *const counter_names[RUN_COUNTERS] = {
	[RUN_ADDS] = "adds",
	[RUN_UPDATES] = "updates",
	[RUN_RENAMES] = "renames",
	[RUN_DELETES] = "deletes",
	[RUN_DELETE_ADDS] = "delete_adds",
	[RUN_FAILURES] = "failures",
};

static json_t *instant(int64_t ms)
{
	char text[TIME_TEXT_BYTES];

	return ms == TIME_NONE ? json_null() : json_string(time_text(ms, text));
}

static json_t *known_number(int64_t number)
{
	return number < 0 ? json_null() : json_integer(number);
}

/* Paths and directories' texts need not be UTF-8, and JSON can't say that. */
static json_t *printable(const char *text)
{
	CLEANUP(buf_release) struct buf shown = BUF_UP_TO(64 << 10);

	if (!text)
		return json_null();
	text_printable(&shown, span_of(text));
	return json_string(buf_text(&shown));
}

static json_t *files_json(const struct import *import)
{
	json_t *files = json_array();

	for (size_t i = 0; i < import->file_count; i++)
		json_array_append_new(files,
			json_pack("{s:o, s:s, s:o}", "path", printable(import->files[i].path),
				"type", type_names[import->files[i].type], "space",
				import->files[i].space ? import_space_json(import->files[i].space)
						       : json_null()));
	return files;
}

static json_t *counters_json(const uint64_t counters[static RUN_COUNTERS])
{
	json_t *object = json_object();

	for (size_t i = 0; i < RUN_COUNTERS; i++)
		json_object_set_new(
			object, counter_names[i], json_integer((json_int_t)counters[i]));
	return object;
}

static json_t *export_json(const struct export_run *export)
{
	return json_pack("{s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o}", "connector",
		printable(export->connector ? export->connector : export->connector_id), "entra",
		export->entra, "run", known_number(export->number), "step",
		known_number(export->step), "from", instant(export->start_ms), "until",
		instant(export->end_ms), "result", printable(export->result), "by",
		printable(export->by), "by_hand", export->by_hand, "wrote",
		export_may_have_written(export), "counters",
		export->counted ? counters_json(export->counters) : json_null());
}

static json_t *exports_json(const struct run_history *runs)
{
	size_t count;
	const struct export_run *exports = run_history_exports(runs, &count);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, export_json(&exports[i]));
	return list;
}

static json_t *error_json(const struct run_error *error)
{
	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o, s:o}",
		"kind", run_error_kind_name(error->kind), "entra", error->entra, "run",
		known_number(error->number), "step", known_number(error->step), "when",
		instant(error->when_ms), "first", instant(error->first_ms), "retries",
		known_number(error->retries), "type", printable(error->type), "name",
		printable(error->name), "dn", printable(error->dn), "code", printable(error->code),
		"literal", printable(error->literal), "detail", printable(error->detail), "object",
		printable(error->object), "other", printable(error->other), "attribute",
		printable(error->attribute), "value", printable(error->value));
}

static json_t *errors_json(const struct run_history *runs)
{
	size_t count;
	const struct run_error *errors = run_history_errors(runs, &count);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, error_json(&errors[i]));
	return list;
}

static json_t *gaps_json(const struct run_history *runs)
{
	size_t count;
	const struct run_gap *gaps = run_history_gaps(runs, &count);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list,
			json_pack("{s:I, s:I}", "from", (json_int_t)gaps[i].from, "until",
				(json_int_t)gaps[i].until));
	return list;
}

static json_t *runs_json(const struct run_history *runs)
{
	const struct run_history_summary *summary = run_history_summary(runs);

	if (!summary->runs && !summary->steps)
		return json_null();
	return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o}",
		"runs", (json_int_t)summary->runs, "steps", (json_int_t)summary->steps, "from",
		instant(summary->first_ms), "until", instant(summary->last_ms), "window_from",
		instant(summary->window_from_ms), "window_until", instant(summary->window_until_ms),
		"counters", counters_json(summary->counters), "exports", exports_json(runs), "gaps",
		gaps_json(runs), "uncounted", (json_int_t)summary->uncounted, "strays",
		(json_int_t)summary->strays, "cut", (json_int_t)summary->cut_lists, "errors",
		errors_json(runs));
}

static json_t *evidence_json(const struct import *import)
{
	if (!import->arguments->common.output)
		return json_null();
	return json_pack("{s:o, s:s, s:I, s:I}", "path",
		printable(import->arguments->common.output), "identity",
		evidence_identity(import->evidence), "facts",
		(json_int_t)evidence_count(import->evidence), "new",
		(json_int_t)(evidence_count(import->evidence) - import->facts_before));
}

void import_add_json(struct screen *screen, const struct import *import)
{
	json_t *document = json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "format",
		"unstage-import/1", "server", printable(import->server), "role",
		import_role_name(import->role), "tenant", printable(import->tenant), "files",
		files_json(import), "configuration",
		import->configuration ? configuration_json(import->configuration) : json_null(),
		"runs", runs_json(import->runs), "evidence", evidence_json(import), "base",
		printable(import->arguments->base));

	if (document)
		json_add(&screen->text, document);
	json_decref(document);
	buf_add_byte(&screen->text, '\n');
}
