/*
 * The file of evidence, `unstage-evidence/1` (docs/FORMAT-evidence.md): JSON lines, a header, the
 * runs of sync servers, a fact a line in order of time, a trailer that counts.
 *
 * There is one form of the same evidence, and evidence_load.c takes no other.
 */
#include <inttypes.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/evidence_internal.h"

bool evidence_instant(const char *text, int64_t *ms)
{
	return time_parse(span_of(text), ms) && *ms >= 0 && *ms <= INSTANT_LAST_MS;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void add_key(struct buf *out, const char *key)
{
	buf_add_byte(out, '"');
	buf_add_text(out, key);
	buf_add_text(out, "\":");
}

static void add_text_member(struct buf *out, const char *key, const char *text)
{
	add_key(out, key);
	scan_quote(span_of(text), out);
}

static void add_instant(struct buf *out, const char *key, int64_t ms)
{
	char text[TIME_TEXT_BYTES];

	add_key(out, key);
	buf_add_byte(out, '"');
	buf_add_text(out, time_text(ms, text));
	buf_add_byte(out, '"');
}

static void add_value_member(struct buf *out, const char *key, bool known, struct span value)
{
	if (!known)
		return;
	add_key(out, key);
	buf_add_span(out, value.data ? value : SPAN_LITERAL("null"));
	buf_add_byte(out, ',');
}

static void add_text_where_known(struct buf *out, const char *key, const char *text)
{
	if (!text)
		return;
	buf_add_byte(out, ',');
	add_text_member(out, key, text);
}

static void add_instant_where_known(struct buf *out, const char *key, int64_t ms)
{
	if (!ms)
		return;
	buf_add_byte(out, ',');
	add_instant(out, key, ms);
}

static void add_not_logged(struct buf *out, const struct evidence *evidence)
{
	size_t count;
	const char *const *names = evidence_not_logged(evidence, &count);

	for (size_t i = 0; i < count; i++) {
		buf_add_text(out, i ? "," : ",\"notLogged\":[");
		scan_quote(span_of(names[i]), out);
	}
	if (count)
		buf_add_byte(out, ']');
}

static void add_covered(struct buf *out, const struct evidence *evidence,
	const struct covered *covered, size_t count)
{
	buf_addf(out, "{\"source\":\"%s\",\"covered\":[", fact_source_name(FROM_AUDIT));
	for (size_t i = 0; i < count; i++) {
		buf_add_text(out, i ? ",{" : "{");
		add_instant(out, "from", covered[i].from_ms);
		buf_add_byte(out, ',');
		add_instant(out, "until", covered[i].until_ms);
		buf_add_byte(out, '}');
	}
	buf_add_byte(out, ']');
	add_not_logged(out, evidence);
	buf_add_byte(out, '}');
}

static void add_source(struct buf *out, const struct evidence_source *source)
{
	buf_addf(out, "{\"source\":\"%s\"", fact_source_name(source->source));
	add_text_where_known(out, "server", source->server);
	add_text_where_known(out, "file", source->file);
	add_text_where_known(out, "digest", source->digest);
	add_instant_where_known(out, "from", source->from_ms);
	add_instant_where_known(out, "until", source->until_ms);
	if (source->pending_known) {
		buf_addf(out, ",\"pendingDeletes\":%" PRIu64, source->pending_deletes);
		add_instant_where_known(out, "pendingAt", source->pending_ms);
	}
	buf_add_byte(out, '}');
}

static void add_header_line(struct buf *out, struct evidence *evidence)
{
	const struct evidence_header *header = evidence_header(evidence);
	size_t covered_count, count;
	const struct covered *covered = evidence_covered(evidence, &covered_count);
	const struct evidence_source *sources = evidence_sources(evidence, &count);

	buf_addf(out, "{\"format\":\"%s\",", EVIDENCE_FORMAT);
	add_text_member(out, "tenant", header->tenant);
	buf_add_byte(out, ',');
	add_instant(out, "collected", header->collected_ms);
	buf_add_text(out, ",\"sources\":[");
	if (covered_count)
		add_covered(out, evidence, covered, covered_count);
	for (size_t i = 0; i < count; i++) {
		if (i || covered_count)
			buf_add_byte(out, ',');
		add_source(out, &sources[i]);
	}
	buf_add_text(out, "]}\n");
}

/* Written where they are not 0. */
static const char *const run_counter_names[RUN_COUNTERS] = {
	[RUN_ADDS] = "adds",
	[RUN_UPDATES] = "updates",
	[RUN_RENAMES] = "renames",
	[RUN_DELETES] = "deletes",
	[RUN_DELETE_ADDS] = "deleteAdds",
	[RUN_FAILURES] = "failures",
};

static void add_run_line(struct buf *out, const struct evidence_run *run)
{
	buf_addf(out, "{\"run\":%" PRId64 ",\"step\":%" PRId64 ",\"cloud\":%s", run->number,
		run->step, run->cloud ? "true" : "false");
	add_text_where_known(out, "server", run->server);
	add_text_where_known(out, "connector", run->connector);
	add_text_where_known(out, "type", run->type);
	add_text_where_known(out, "by", run->by);
	add_text_where_known(out, "result", run->result);
	add_instant_where_known(out, "from", run->start_ms);
	add_instant_where_known(out, "until", run->end_ms);
	for (size_t i = 0; i < RUN_COUNTERS; i++)
		if (run->counters[i])
			buf_addf(out, ",\"%s\":%" PRIu64, run_counter_names[i], run->counters[i]);
	buf_add_text(out, "}\n");
}

static void add_writer(struct buf *out, const struct writer *writer)
{
	buf_add_text(out, "\"who\":{");
	add_text_member(out, "id", writer->id);
	buf_add_byte(out, ',');
	add_text_member(out, "name", writer->name);
	if (writer->server) {
		buf_add_byte(out, ',');
		add_text_member(out, "server", writer->server);
	}
	buf_add_byte(out, '}');
}

/* The name in the record, where the attribute does not say it already. */
static bool recorded_otherwise(const struct fact *fact)
{
	if (!fact->attribute_name)
		return false;
	return !fact->attribute || !fact->attribute->audit_name ||
		strcmp(fact->attribute_name, fact->attribute->audit_name) != 0;
}

void evidence_add_fact_line(struct buf *out, const struct fact *fact)
{
	buf_add_byte(out, '{');
	if (fact->attribute) {
		add_text_member(out, "attribute", fact->attribute->name);
		buf_add_byte(out, ',');
	}
	if (fact->within_ms) {
		add_instant(out, "earliest", fact->when_ms - fact->within_ms);
		buf_add_byte(out, ',');
	}
	add_text_member(out, "id", fact->id);
	buf_add_byte(out, ',');
	add_text_member(out, "kind", fact->kind->name);
	buf_add_byte(out, ',');
	add_value_member(out, "new", fact->new_known, fact->new_value);
	add_value_member(out, "old", fact->old_known, fact->old_value);
	add_text_member(out, "operation", fact_operation_name(fact->operation));
	buf_add_byte(out, ',');
	if (recorded_otherwise(fact)) {
		add_text_member(out, "recorded", fact->attribute_name);
		buf_add_byte(out, ',');
	}
	add_text_member(out, "reference", fact->reference);
	buf_add_byte(out, ',');
	add_text_member(out, "source", fact_source_name(fact->source));
	buf_add_byte(out, ',');
	add_instant(out, "when", fact->when_ms);
	buf_add_byte(out, ',');
	add_writer(out, fact->who);
	buf_add_text(out, "}\n");
}

void evidence_add_head(struct buf *out, struct evidence *evidence)
{
	size_t count;
	const struct evidence_run *runs = evidence_runs(evidence, &count);

	add_header_line(out, evidence);
	for (size_t i = 0; i < count; i++)
		add_run_line(out, &runs[i]);
	holders_add_lines(out, evidence);
	flows_add_lines(out, evidence);
}

void evidence_add_trailer(struct buf *out, struct evidence *evidence)
{
	size_t run_count, holder_count, flow_lines = flows_add_lines(NULL, evidence);

	buf_addf(out, "{\"end\":true,\"facts\":%zu,\"records\":%zu", evidence_count(evidence),
		evidence_records(evidence));
	evidence_runs(evidence, &run_count);
	if (run_count)
		buf_addf(out, ",\"runs\":%zu", run_count);
	evidence_holders(evidence, &holder_count);
	if (holder_count)
		buf_addf(out, ",\"holders\":%zu", holder_count);
	if (flow_lines)
		buf_addf(out, ",\"flows\":%zu", flow_lines);
	buf_add_text(out, "}\n");
}

void evidence_add_file(struct buf *out, struct evidence *evidence)
{
	size_t count = evidence_count(evidence);

	evidence_add_head(out, evidence);
	for (size_t i = 0; i < count; i++)
		evidence_add_fact_line(out, evidence_fact(evidence, i));
	evidence_add_trailer(out, evidence);
}

bool evidence_save(struct evidence *evidence, const char *path, struct error *err)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(EVIDENCE_FILE_MAX);

	evidence_add_file(&file, evidence);
	return buf_check(&file, path, err) && file_save(path, buf_span(&file), err);
}

/* ---- reading -------------------------------------------------------------------------------- */

static bool instant_of(const json_t *object, const char *key, int64_t *ms, struct error *err)
{
	const char *text = json_text(object, key, err);

	if (!text)
		return false;
	return evidence_instant(text, ms) ||
		error_set(err, ERROR_FORMAT, "%s: not an instant", key);
}

/* A key that may be missing: then 0. */
static bool instant_where_known(
	const json_t *object, const char *key, int64_t *ms, struct error *err)
{
	*ms = 0;
	return !json_object_get(object, key) || instant_of(object, key, ms, err);
}

struct evidence *evidence_read_header(const json_t *line, struct error *err)
{
	const char *format = json_text(line, "format", err), *tenant;
	struct evidence_header header = { 0 };

	if (!format)
		return NULL;
	if (strcmp(format, EVIDENCE_FORMAT) != 0) {
		error_set(err, ERROR_FORMAT, "format \"%s\", expected \"%s\"", format,
			EVIDENCE_FORMAT);
		return NULL;
	}
	tenant = json_text(line, "tenant", err);
	if (!tenant)
		return NULL;
	if (!text_is_guid(span_of(tenant))) {
		error_set(err, ERROR_FORMAT, "tenant: not an id");
		return NULL;
	}
	memcpy(header.tenant, tenant, ID_BYTES + 1);
	return instant_of(line, "collected", &header.collected_ms, err) ? evidence_new(&header)
									: NULL;
}

static bool read_covered(struct evidence *evidence, const json_t *from, struct error *err)
{
	const json_t *windows = json_array_of(from, "covered", err), *window;
	size_t i;

	if (!windows)
		return false;
	json_array_foreach(windows, i, window)
	{
		struct evidence_source source = { .source = FROM_AUDIT };

		if (!instant_of(window, "from", &source.from_ms, err) ||
			!instant_of(window, "until", &source.until_ms, err))
			return error_prefix(err, "covered");
		evidence_add_source(evidence, &source);
	}
	return true;
}

static bool read_not_logged(struct evidence *evidence, const json_t *from, struct error *err)
{
	const json_t *name;
	size_t i;

	if (!json_object_get(from, "notLogged"))
		return true;
	if (!json_array_of(from, "notLogged", err))
		return false;
	json_array_foreach(json_object_get(from, "notLogged"), i, name)
	{
		if (!json_is_string(name))
			return error_set(err, ERROR_FORMAT, "notLogged: names expected");
		evidence_add_not_logged(evidence, json_string_value(name));
	}
	return true;
}

static bool read_pending(const json_t *from, struct evidence_source *source, struct error *err)
{
	const json_t *deletes = json_object_get(from, "pendingDeletes");

	if (!deletes)
		return true;
	if (!json_is_integer(deletes) || json_integer_value(deletes) < 0)
		return error_set(err, ERROR_FORMAT, "pendingDeletes: not a count");
	source->pending_known = true;
	source->pending_deletes = (uint64_t)json_integer_value(deletes);
	return instant_of(from, "pendingAt", &source->pending_ms, err);
}

static bool read_source(struct evidence *evidence, const json_t *from, struct error *err)
{
	const char *name = json_text(from, "source", err);
	struct evidence_source source = { 0 };

	if (!name)
		return false;
	if (!fact_source_find(name, &source.source))
		return error_set(err, ERROR_FORMAT, "source: \"%s\" is unknown", name);
	if (source.source == FROM_AUDIT)
		return read_covered(evidence, from, err) && read_not_logged(evidence, from, err);
	source.server = json_text_or_null(from, "server");
	source.file = json_text_or_null(from, "file");
	source.digest = json_text_or_null(from, "digest");
	if (!instant_where_known(from, "from", &source.from_ms, err) ||
		!instant_where_known(from, "until", &source.until_ms, err) ||
		!read_pending(from, &source, err))
		return false;
	evidence_add_source(evidence, &source);
	return true;
}

bool evidence_read_sources(struct evidence *evidence, const json_t *line, struct error *err)
{
	const json_t *sources = json_array_of(line, "sources", err), *source;
	size_t i;

	if (!sources)
		return false;
	json_array_foreach(sources, i, source)
	{
		if (!json_is_object(source))
			return error_set(err, ERROR_FORMAT, "sources: objects expected");
		if (!read_source(evidence, source, err))
			return false;
	}
	return true;
}

static bool read_number(const json_t *line, const char *key, int64_t *number, struct error *err)
{
	const json_t *json = json_object_get(line, key);

	if (json && !json_is_integer(json))
		return error_set(err, ERROR_FORMAT, "%s: not a number", key);
	*number = json ? json_integer_value(json) : 0;
	return true;
}

static bool read_counters(const json_t *line, struct evidence_run *run, struct error *err)
{
	for (size_t i = 0; i < RUN_COUNTERS; i++) {
		int64_t number;

		if (!read_number(line, run_counter_names[i], &number, err))
			return false;
		run->counters[i] = (uint64_t)number;
	}
	return true;
}

static bool read_run(struct evidence *evidence, const json_t *line, struct error *err)
{
	struct evidence_run run = {
		.server = json_text_or_null(line, "server"),
		.connector = json_text_or_null(line, "connector"),
		.cloud = json_is_true(json_object_get(line, "cloud")),
		.type = json_text_or_null(line, "type"),
		.by = json_text_or_null(line, "by"),
		.result = json_text_or_null(line, "result"),
	};

	if (!read_number(line, "run", &run.number, err) ||
		!read_number(line, "step", &run.step, err) ||
		!instant_where_known(line, "from", &run.start_ms, err) ||
		!instant_where_known(line, "until", &run.end_ms, err) ||
		!read_counters(line, &run, err))
		return false;
	evidence_add_run(evidence, &run);
	return true;
}

static bool read_names(const json_t *line, struct fact *fact, struct error *err)
{
	const char *kind = json_text(line, "kind", err), *operation, *source;

	if (!kind)
		return false;
	fact->kind = kind_find(span_of(kind));
	if (!fact->kind)
		return error_set(err, ERROR_FORMAT, "kind: \"%s\" is unknown", kind);
	operation = json_text(line, "operation", err);
	if (!operation)
		return false;
	if (!fact_operation_find(operation, &fact->operation))
		return error_set(err, ERROR_FORMAT, "operation: \"%s\" is unknown", operation);
	source = json_text(line, "source", err);
	return source &&
		(fact_source_find(source, &fact->source) ||
			error_set(err, ERROR_FORMAT, "source: \"%s\" is unknown", source));
}

static bool read_attribute(const json_t *line, struct fact *fact, struct error *err)
{
	const json_t *attribute = json_object_get(line, "attribute");

	fact->attribute_name = json_text_or_null(line, "recorded");
	if (!attribute)
		return true;
	fact->attribute = json_is_string(attribute)
		? attribute_find(fact->kind, span_of(json_string_value(attribute)))
		: NULL;
	return fact->attribute ||
		error_set(err, ERROR_FORMAT, "attribute: not one of a %s", fact->kind->name);
}

static void read_value(
	const json_t *line, const char *key, struct buf *text, bool *known, struct span *value)
{
	const json_t *json = json_object_get(line, key);

	*known = json != NULL;
	if (!json || json_is_null(json))
		return;
	json_add(text, json);
	*value = buf_span(text);
}

static bool read_time(const json_t *line, struct fact *fact, struct error *err)
{
	int64_t earliest_ms;

	if (!instant_of(line, "when", &fact->when_ms, err))
		return false;
	if (!json_object_get(line, "earliest"))
		return true;
	if (!instant_of(line, "earliest", &earliest_ms, err))
		return false;
	fact->within_ms = fact->when_ms - earliest_ms;
	return fact->within_ms > 0 || error_set(err, ERROR_FORMAT, "earliest: not before \"when\"");
}

static bool read_writer(const json_t *line, struct writer *writer, struct error *err)
{
	const json_t *who = json_object_of(line, "who", err);

	if (!who)
		return false;
	writer->id = json_text(who, "id", err);
	writer->name = writer->id ? json_text(who, "name", err) : NULL;
	writer->server = json_text_or_null(who, "server");
	return writer->name != NULL;
}

static bool read_fact(struct evidence *evidence, const json_t *line, struct error *err)
{
	CLEANUP(buf_release) struct buf old_text = BUF_UP_TO(EVIDENCE_LINE_MAX);
	CLEANUP(buf_release) struct buf new_text = BUF_UP_TO(EVIDENCE_LINE_MAX);
	struct writer who = { 0 };
	struct fact fact = { .who = &who };

	if (!read_names(line, &fact, err) || !read_attribute(line, &fact, err) ||
		!read_time(line, &fact, err) || !read_writer(line, &who, err))
		return false;
	fact.id = json_text(line, "id", err);
	fact.reference = fact.id ? json_text(line, "reference", err) : NULL;
	if (!fact.reference)
		return false;
	read_value(line, "old", &old_text, &fact.old_known, &fact.old_value);
	read_value(line, "new", &new_text, &fact.new_known, &fact.new_value);
	return evidence_add_fact(evidence, &fact, err);
}

bool evidence_read_line(struct evidence *evidence, const json_t *line, struct error *err)
{
	if (is_holder_line(line))
		return holders_read_line(evidence, line, err);
	if (is_flows_line(line))
		return flows_read_line(evidence, line, err);
	return json_object_get(line, "run") ? read_run(evidence, line, err)
					    : read_fact(evidence, line, err);
}
