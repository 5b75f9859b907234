/* From run history to evidence: what has to be explained, and what a server was refused. */
#include <string.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/time.h"
#include "imports/runs_internal.h"
#include "imports/space_internal.h"

enum { NAME_JSON_MAX = 64 << 10, REFERENCE_MAX = 1 << 10 };

static int64_t or_none(int64_t ms)
{
	return ms == TIME_NONE ? 0 : ms;
}

static void add_runs(const struct run_history *history, struct evidence *evidence,
	const struct run_import *import)
{
	for (size_t i = 0; i < history->export_count; i++) {
		const struct export_run *export = &history->exports[i];
		struct evidence_run run = {
			.server = import->server,
			.connector = export->connector,
			.cloud = export->entra,
			.type = "export",
			.by = export->by,
			.result = export->result,
			.number = export->number < 0 ? 0 : export->number,
			.step = export->step < 0 ? 0 : export->step,
			.start_ms = or_none(export->start_ms),
			.end_ms = or_none(export->end_ms),
		};

		/* Of strays it is not told where they wrote, of the uncounted not how much. */
		if (!export->counted || !export_may_have_written(export) ||
			(!export->connector && !export->connector_id))
			continue;
		memcpy(run.counters, export->counters, sizeof(run.counters));
		evidence_add_run(evidence, &run);
	}
}

/* ---- refusals ----------------------------------------------------------------------------- */

/* As the service named it, else by its name in the connector space; "": it is not known. */
static bool find_object(const struct run_error *error, const struct run_import *import,
	char text[static ID_BYTES + 1], struct error *err)
{
	enum space_match match = MATCH_NONE;
	uint8_t id[ID_BINARY_BYTES];

	snprintf(text, ID_BYTES + 1, "%s", error->object ? error->object : "");
	if (error->object || !error->dn || !error->entra || !import->ids)
		return true;
	if (!space_ids_find_dn(import->ids, span_of(error->dn), &match, id, err))
		return false;
	if (match == MATCH_ONE)
		id_text(id, text);
	return true;
}

/* The object's kind, from the line of the live snapshot; NULL: it is not there. */
static bool find_kind(
	struct snapshot *live, const char *id, const struct kind **kind, struct error *err)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(SNAPSHOT_BUCKET_MAX);
	CLEANUP(object_freep) struct object *object = NULL;

	*kind = NULL;
	if (!*id)
		return true;
	if (!snapshot_object(live, span_of(id), &lines, err))
		return false;
	if (!lines.length)
		return true;
	object = object_parse(buf_span(&lines), err);
	if (object)
		*kind = object_kind(object);
	return object != NULL;
}

/* What it wanted to write. False: that is not known. */
static bool add_refused(struct buf *out, const struct attribute *attribute, const char *value)
{
	bool is_set = attribute && attribute->shape == SHAPE_SET;

	if (!value || (attribute && attribute->type != TYPE_TEXT))
		return false;
	if (is_set)
		buf_add_byte(out, '[');
	scan_quote(span_of(value), out);
	if (is_set)
		buf_add_byte(out, ']');
	return true;
}

static bool add_refusal(struct evidence *evidence, const struct run_error *error, const char *id,
	const struct kind *kind, const struct run_import *import, struct error *err)
{
	CLEANUP(buf_release) struct buf value = BUF_UP_TO(NAME_JSON_MAX);
	CLEANUP(buf_release) struct buf reference = BUF_UP_TO(REFERENCE_MAX);
	const struct writer who = { .name = import->identity, .server = import->server };
	struct fact fact = {
		.when_ms = error->when_ms,
		.source = FROM_EXPORT_ERROR,
		.who = &who,
		.kind = kind,
		.id = id,
		.attribute_name = error->name ? error->name : error->type,
		.operation = FACT_NAMED,
	};

	if (error->attribute)
		fact.attribute = attribute_find_audit(kind, span_of(error->attribute));
	fact.new_known = add_refused(&value, fact.attribute, error->value);
	fact.new_value = fact.new_known ? buf_span(&value) : SPAN_NONE;
	buf_addf(&reference, "%s %s", error->file, error->dn ? error->dn : "");
	fact.reference = buf_text(&reference);
	return evidence_add_fact(evidence, &fact, err);
}

static bool add_refusals(const struct run_history *history, struct evidence *evidence,
	const struct run_import *import, size_t *refusals, struct error *err)
{
	for (size_t i = 0; i < history->error_count; i++) {
		const struct run_error *error = &history->errors[i];
		const struct kind *kind;
		char id[ID_BYTES + 1];

		if (error->kind != RUN_ERROR_EXPORT || error->when_ms == TIME_NONE)
			continue;
		if (!find_object(error, import, id, err) ||
			!find_kind(import->live, id, &kind, err))
			return false;
		if (!kind)
			continue;
		if (!add_refusal(evidence, error, id, kind, import, err))
			return error_prefix(err, "the export error of %s", id);
		(*refusals)++;
	}
	return true;
}

static void add_sources(const struct run_history *history, struct evidence *evidence,
	const struct run_import *import, enum fact_source source)
{
	for (size_t i = 0; i < history->file_count; i++)
		evidence_add_source(evidence,
			&(struct evidence_source){ .source = source,
				.server = import->server,
				.file = history->files[i].name,
				.digest = history->files[i].digest,
				.from_ms = or_none(history->summary.first_ms),
				.until_ms = or_none(history->summary.last_ms) });
}

bool run_history_add_to(const struct run_history *history, struct evidence *evidence,
	const struct run_import *import, size_t *refusals, struct error *err)
{
	*refusals = 0;
	add_runs(history, evidence, import);
	if (import->live && !add_refusals(history, evidence, import, refusals, err))
		return false;
	add_sources(history, evidence, import, FROM_RUNS);
	if (*refusals)
		add_sources(history, evidence, import, FROM_EXPORT_ERROR);
	return true;
}
