/*
 * The file of evidence, `unstage-evidence/1` (docs/FORMAT-evidence.md): JSON lines, a header, a
 * fact a line in order of time, a trailer that counts.
 *
 * There is one form of the same evidence. Loading writes what it understood once more and
 * compares: whatever a reader could understand differently (order, spelling, a key too many, a
 * line twice) is refused with its line, and the identity is the digest of the very file.
 */
#include <inttypes.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

static const char *const operation_names[] = {
	[FACT_SET] = "set",
	[FACT_ADD] = "add",
	[FACT_REMOVE] = "remove",
	[FACT_NAMED] = "named",
	[FACT_CREATE] = "create",
	[FACT_DELETE] = "delete",
	[FACT_PURGE] = "purge",
	[FACT_RESTORE] = "restore",
};

bool evidence_instant(const char *text, int64_t *ms)
{
	return time_parse(span_of(text), ms) && *ms >= 0 && *ms <= INSTANT_LAST_MS;
}

/* ---- writing
 * ------------------------------------------------------------------------------------- */

static void add_text_member(struct buf *out, const char *key, const char *text)
{
	buf_addf(out, "\"%s\":", key);
	scan_quote(span_of(text), out);
}

static void add_instant(struct buf *out, const char *key, int64_t ms)
{
	char text[TIME_TEXT_BYTES];

	buf_addf(out, "\"%s\":\"%s\"", key, time_text(ms, text));
}

static void add_value_member(struct buf *out, const char *key, bool known, struct span value)
{
	if (!known)
		return;
	buf_addf(out, "\"%s\":", key);
	buf_add_span(out, value.data ? value : SPAN_LITERAL("null"));
	buf_add_byte(out, ',');
}

static void add_header_line(struct buf *out, const struct evidence_header *header)
{
	buf_addf(out, "{\"format\":\"%s\",", EVIDENCE_FORMAT);
	add_text_member(out, "tenant", header->tenant);
	buf_add_byte(out, ',');
	add_instant(out, "collected", header->collected_ms);
	buf_addf(out, ",\"sources\":[{\"source\":\"%s\",\"covered\":[{", SOURCE_AUDIT);
	add_instant(out, "from", header->from_ms);
	buf_add_byte(out, ',');
	add_instant(out, "until", header->until_ms);
	buf_add_text(out, "}]}]}\n");
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

static void add_fact_line(struct buf *out, const struct fact *fact)
{
	buf_add_byte(out, '{');
	if (fact->attribute) {
		add_text_member(out, "attribute", fact->attribute->name);
		buf_add_byte(out, ',');
	}
	buf_addf(out, "\"id\":\"%s\",\"kind\":\"%s\",", fact->id, fact->kind->name);
	add_value_member(out, "new", fact->new_known, fact->new_value);
	add_value_member(out, "old", fact->old_known, fact->old_value);
	buf_addf(out, "\"operation\":\"%s\",", operation_names[fact->operation]);
	if (recorded_otherwise(fact)) {
		add_text_member(out, "recorded", fact->attribute_name);
		buf_add_byte(out, ',');
	}
	add_text_member(out, "reference", fact->reference);
	buf_add_byte(out, ',');
	add_text_member(out, "source", fact->source);
	buf_add_byte(out, ',');
	add_instant(out, "when", fact->when_ms);
	buf_add_byte(out, ',');
	add_writer(out, fact->who);
	buf_add_text(out, "}\n");
}

void evidence_add_file(struct buf *out, struct evidence *evidence)
{
	size_t count = evidence_count(evidence);

	add_header_line(out, evidence_header(evidence));
	for (size_t i = 0; i < count; i++)
		add_fact_line(out, evidence_fact(evidence, i));
	buf_addf(out, "{\"end\":true,\"facts\":%zu,\"records\":%zu}\n", count,
		evidence_records(evidence));
}

bool evidence_save(struct evidence *evidence, const char *path, struct error *err)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(EVIDENCE_FILE_MAX);

	evidence_add_file(&file, evidence);
	return buf_check(&file, path, err) && file_save(path, buf_span(&file), err);
}

/* ---- reading
 * --------------------------------------------------------------------------------------- */

static bool instant_of(const json_t *object, const char *key, int64_t *ms, struct error *err)
{
	const char *text = json_text(object, key, err);

	if (!text)
		return false;
	return evidence_instant(text, ms) ||
		error_set(err, ERROR_FORMAT, "%s: not an instant", key);
}

static const json_t *only_element(const json_t *object, const char *key, struct error *err)
{
	const json_t *array = json_array_of(object, key, err);

	if (!array)
		return NULL;
	if (json_array_size(array) != 1 || !json_is_object(json_array_get(array, 0))) {
		error_set(err, ERROR_FORMAT, "%s: one element expected", key);
		return NULL;
	}
	return json_array_get(array, 0);
}

static bool read_header(const json_t *line, struct evidence_header *header, struct error *err)
{
	const char *format = json_text(line, "format", err), *tenant, *source;
	const json_t *from, *covered;

	if (!format)
		return false;
	if (strcmp(format, EVIDENCE_FORMAT) != 0)
		return error_set(err, ERROR_FORMAT, "format \"%s\", expected \"%s\"", format,
			EVIDENCE_FORMAT);
	tenant = json_text(line, "tenant", err);
	if (!tenant)
		return false;
	if (!text_is_guid(span_of(tenant)))
		return error_set(err, ERROR_FORMAT, "tenant: not an id");
	memcpy(header->tenant, tenant, ID_BYTES + 1);
	from = only_element(line, "sources", err);
	source = from ? json_text(from, "source", err) : NULL;
	covered = source ? only_element(from, "covered", err) : NULL;
	return covered && instant_of(line, "collected", &header->collected_ms, err) &&
		instant_of(covered, "from", &header->from_ms, err) &&
		instant_of(covered, "until", &header->until_ms, err);
}

static bool read_operation(const json_t *line, enum fact_operation *operation, struct error *err)
{
	const char *name = json_text(line, "operation", err);

	for (size_t i = 0; name && i < COUNT_OF(operation_names); i++)
		if (strcmp(operation_names[i], name) == 0) {
			*operation = (enum fact_operation)i;
			return true;
		}
	return name && error_set(err, ERROR_FORMAT, "operation: \"%s\" is unknown", name);
}

static bool read_attribute(
	struct evidence *evidence, const json_t *line, struct fact *fact, struct error *err)
{
	const json_t *attribute = json_object_get(line, "attribute");
	const char *recorded = json_text_or_null(line, "recorded");

	if (attribute) {
		fact->attribute = json_is_string(attribute)
			? attribute_find(fact->kind, span_of(json_string_value(attribute)))
			: NULL;
		if (!fact->attribute)
			return error_set(
				err, ERROR_FORMAT, "attribute: not one of a %s", fact->kind->name);
		fact->attribute_name = fact->attribute->audit_name;
	}
	if (recorded)
		fact->attribute_name = evidence_keep(evidence, span_of(recorded)).data;
	return true;
}

static bool read_value(struct evidence *evidence, const json_t *line, const char *key,
	const struct attribute *attribute, bool *known, struct span *value, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(EVIDENCE_LINE_MAX);
	CLEANUP(buf_release) struct buf canonical = BUF_UP_TO(EVIDENCE_LINE_MAX);
	const json_t *json = json_object_get(line, key);

	*known = json != NULL;
	if (!json || json_is_null(json))
		return true;
	json_add(&text, json);
	if (!value_add_canonical(&canonical, attribute, buf_span(&text), err))
		return error_prefix(err, "%s", key);
	if (canonical.length)
		*value = evidence_keep(evidence, buf_span(&canonical));
	return true;
}

/* Members and owners are added and removed one at a time: their value is one id. */
static bool check_relation_value(const struct fact *fact, struct error *err)
{
	struct span value = fact->operation == FACT_ADD ? fact->new_value : fact->old_value;

	if (fact->operation != FACT_ADD && fact->operation != FACT_REMOVE)
		return true;
	if (fact->new_known != (fact->operation == FACT_ADD) || fact->new_known == fact->old_known)
		return error_set(err, ERROR_FORMAT, "%s: wrong side of the value",
			operation_names[fact->operation]);
	if (!fact->attribute || fact->attribute->compare != COMPARE_REFERENCE ||
		fact->attribute->shape != SHAPE_SET)
		return error_set(err, ERROR_FORMAT, "%s: not of a relation",
			operation_names[fact->operation]);
	if (!value.data || scan_type(value) != SCAN_STRING ||
		!text_is_guid(scan_text_direct(value)))
		return error_set(err, ERROR_FORMAT, "%s: its value is no id",
			operation_names[fact->operation]);
	return true;
}

static bool read_values(
	struct evidence *evidence, const json_t *line, struct fact *fact, struct error *err)
{
	bool one = fact->operation == FACT_ADD || fact->operation == FACT_REMOVE;
	const struct attribute *attribute = one ? NULL : fact->attribute;

	return read_value(
		       evidence, line, "old", attribute, &fact->old_known, &fact->old_value, err) &&
		read_value(evidence, line, "new", attribute, &fact->new_known, &fact->new_value,
			err) &&
		check_relation_value(fact, err);
}

static const struct writer *read_writer(
	struct evidence *evidence, const json_t *line, struct error *err)
{
	const json_t *who = json_object_of(line, "who", err);
	struct writer writer = { 0 };

	if (!who)
		return NULL;
	writer.id = json_text(who, "id", err);
	writer.name = writer.id ? json_text(who, "name", err) : NULL;
	writer.server = json_text_or_null(who, "server");
	return writer.name ? evidence_keep_writer(evidence, &writer) : NULL;
}

static bool read_fact(struct evidence *evidence, const json_t *line, struct error *err)
{
	struct fact fact = { .source = SOURCE_AUDIT };
	const char *kind = json_text(line, "kind", err), *id, *reference;

	if (!kind)
		return false;
	fact.kind = kind_find(span_of(kind));
	if (!fact.kind)
		return error_set(err, ERROR_FORMAT, "kind: \"%s\" is unknown", kind);
	id = json_text(line, "id", err);
	if (!id)
		return false;
	if (!text_is_guid(span_of(id)))
		return error_set(err, ERROR_FORMAT, "id: not an id");
	reference = json_text(line, "reference", err);
	if (!reference || !read_operation(line, &fact.operation, err) ||
		!read_attribute(evidence, line, &fact, err) ||
		!read_values(evidence, line, &fact, err) ||
		!instant_of(line, "when", &fact.when_ms, err))
		return false;
	fact.id = evidence_keep(evidence, span_of(id)).data;
	fact.reference = evidence_keep(evidence, span_of(reference)).data;
	fact.who = read_writer(evidence, line, err);
	if (!fact.who)
		return false;
	evidence_add_fact(evidence, &fact);
	return true;
}

/* The next line, parsed. `*rest` moves behind it. */
static json_t *next_line(struct span *rest, struct error *err)
{
	const char *newline = memchr(rest->data, '\n', rest->length);
	struct span line = { rest->data, newline ? (size_t)(newline - rest->data) : rest->length };
	json_t *json;

	if (!newline) {
		error_set(err, ERROR_FORMAT, "the line has no end: the file is incomplete");
		return NULL;
	}
	rest->data += line.length + 1;
	rest->length -= line.length + 1;
	json = json_parse(line, EVIDENCE_LINE_MAX, err);
	if (json && !json_is_object(json)) {
		json_decref(json);
		json = NULL;
		error_set(err, ERROR_FORMAT, "not an object");
	}
	return json;
}

static struct evidence *read_first_line(struct span *rest, struct error *err)
{
	CLEANUP(json_freep) json_t *line = next_line(rest, err);
	struct evidence_header header = { 0 };

	if (!line || !read_header(line, &header, err))
		return NULL;
	return evidence_new(&header);
}

/* What stands in the file must be what would be written. */
static bool check_form(struct evidence *evidence, struct span bytes, struct error *err)
{
	CLEANUP(buf_release) struct buf again = BUF_UP_TO(EVIDENCE_FILE_MAX);
	size_t line = 1, at = 0;

	evidence_add_file(&again, evidence);
	if (span_equal(buf_span(&again), bytes))
		return true;
	while (at < bytes.length && at < again.length && bytes.data[at] == again.data[at])
		line += bytes.data[at++] == '\n';
	return error_set(err, ERROR_FORMAT,
		"line %zu, byte %zu: not as it is written (order, form or count is wrong)", line,
		at);
}

struct evidence *evidence_parse(struct span bytes, const char *name, struct error *err)
{
	struct span rest = bytes;
	size_t number = 1;
	CLEANUP(evidence_freep) struct evidence *evidence = NULL;

	if (rest.length)
		evidence = read_first_line(&rest, err);
	else
		error_set(err, ERROR_FORMAT, "the file is empty");
	while (evidence && rest.length) {
		CLEANUP(json_freep) json_t *line = NULL;

		number++;
		line = next_line(&rest, err);
		if (line && json_object_get(line, "end")) {
			if (!check_form(evidence, bytes, err)) {
				error_prefix(err, "%s", name);
				return NULL;
			}
			return TAKE(evidence);
		}
		if (!line || !read_fact(evidence, line, err))
			evidence_free(TAKE(evidence));
	}
	if (evidence)
		error_set(err, ERROR_FORMAT, "no trailer: the file is incomplete");
	error_prefix(err, "%s: line %zu (byte %zu)", name, number, bytes.length - rest.length);
	return NULL;
}

struct evidence *evidence_load(const char *path, struct error *err)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(EVIDENCE_FILE_MAX);

	if (!file_load(path, EVIDENCE_FILE_MAX, &file, err))
		return NULL;
	return evidence_parse(buf_span(&file), path, err);
}
