#include "simulator/csexport.h"

#include "base/memory.h"

#define NEWLINE "\r\n"

static const char *const operation_names[] = {
	[SPACE_NONE] = "none",
	[SPACE_ADD] = "add",
	[SPACE_UPDATE] = "update",
	[SPACE_DELETE] = "delete",
};

/* ---- values ------------------------------------------------------------------------------- */

/* A string that XML has no form for is written as its UTF-8 in base64. */
static void add_value(struct buf *out, const char *type, const char *value, const char *operation)
{
	bool binary = strcmp(type, CELL_BINARY) == 0, plain = binary || markup_can_hold(value);

	buf_add_text(out, "<value");
	if (operation)
		buf_addf(out, " operation=\"%s\"", operation);
	buf_add_text(out, binary || !plain ? " encoding=\"base64\">" : ">");
	if (plain)
		markup_text(out, value);
	else
		add_base64(out, value, strlen(value));
	buf_add_text(out, "</value>" NEWLINE);
}

static void add_reference(struct buf *out, const struct cs_references *references, const char *id,
	const char *operation)
{
	CLEANUP(buf_release) struct buf dn = BUF_UP_TO(4096), anchor = BUF_UP_TO(4096);

	if (!references->find(references->context, id, &dn, &anchor))
		return;
	buf_add_text(out, "<dn-value");
	if (operation)
		buf_addf(out, " operation=\"%s\"", operation);
	buf_add_text(out, ">" NEWLINE "<dn>");
	markup_text(out, buf_text(&dn));
	buf_add_text(out, "</dn>" NEWLINE);
	if (anchor.length)
		buf_addf(out, "<anchor encoding=\"base64\">%s</anchor>" NEWLINE, buf_text(&anchor));
	buf_add_text(out, "</dn-value>" NEWLINE);
}

static bool is_reference(const json_t *cell)
{
	return strcmp(json_text_or_null(cell, "type"), CELL_REFERENCE) == 0;
}

/* Those of `cell` that `without` lacks; NULL: all. */
static void add_values(struct buf *out, const struct cs_references *references, const json_t *cell,
	const json_t *without, const char *operation)
{
	const char *type = json_text_or_null(cell, "type");
	size_t index;
	json_t *value;

	json_array_foreach(json_object_get(cell, "values"), index, value)
	{
		bool both = false;
		size_t other_index;
		json_t *other;

		json_array_foreach(json_object_get(without, "values"), other_index, other)
			both = both || json_equal(other, value);
		if (both)
			continue;
		if (is_reference(cell))
			add_reference(out, references, json_string_value(value), operation);
		else
			add_value(out, type, json_string_value(value), operation);
	}
}

/* <attr …> or <dn-attr …>; `operation` NULL: as in an entry. */
static void open_attribute(
	struct buf *out, const char *name, const json_t *cell, const char *operation)
{
	buf_addf(out, "<%s name=\"%s\"", is_reference(cell) ? "dn-attr" : "attr", name);
	if (operation)
		buf_addf(out, " operation=\"%s\"", operation);
	if (!is_reference(cell))
		buf_addf(out, " type=\"%s\"", json_text_or_null(cell, "type"));
	buf_addf(out, " multivalued=\"%s\"",
		json_is_true(json_object_get(cell, "multi")) ? "true" : "false");
}

static void close_attribute(struct buf *out, const json_t *cell)
{
	buf_add_text(out, is_reference(cell) ? "</dn-attr>" NEWLINE : "</attr>" NEWLINE);
}

static void add_attribute(struct buf *out, const struct cs_references *references, const char *name,
	const json_t *cell, const char *operation)
{
	size_t before = out->length, empty;

	open_attribute(out, name, cell, operation);
	buf_add_text(out, ">" NEWLINE);
	empty = out->length;
	add_values(out, references, cell, NULL, NULL);
	if (out->length == empty)
		buf_cut(out, before); /* it referred to somebody who is gone */
	else
		close_attribute(out, cell);
}

/* ---- entries and deltas ------------------------------------------------------------------ */

static void add_head(struct buf *out, const struct cs_object *object)
{
	size_t primary = 0;

	if (object->anchor)
		buf_addf(out, "<anchor encoding=\"base64\">%s</anchor>" NEWLINE, object->anchor);
	while (object->classes[primary + 1])
		primary++;
	markup_line(out, 0, "primary-objectclass", object->classes[primary]);
	buf_add_text(out, "<objectclass>" NEWLINE);
	for (size_t i = 0; object->classes[i]; i++)
		markup_line(out, 1, "oc-value", object->classes[i]);
	buf_add_text(out, "</objectclass>" NEWLINE);
}

static void add_all(struct buf *out, const struct cs_references *references, const json_t *cells)
{
	CLEANUP(json_freep) json_t *names = cells_names(cells, NULL);
	size_t index;
	json_t *name;

	json_array_foreach(names, index, name) add_attribute(out, references,
		json_string_value(name), json_object_get(cells, json_string_value(name)), NULL);
}

static void add_change(struct buf *out, const struct cs_references *references, const char *name,
	const json_t *from, const json_t *to)
{
	if (!to) {
		open_attribute(out, name, from, "delete");
		buf_add_text(out, "/>" NEWLINE);
		return;
	}
	if (!from || !json_is_true(json_object_get(to, "multi"))) {
		add_attribute(out, references, name, to, from ? "replace" : "add");
		return;
	}
	open_attribute(out, name, to, "update");
	buf_add_text(out, ">" NEWLINE);
	add_values(out, references, from, to, "delete");
	add_values(out, references, to, from, "add");
	close_attribute(out, to);
}

static void add_changes(struct buf *out, const struct cs_references *references, const json_t *from,
	const json_t *to)
{
	CLEANUP(json_freep) json_t *names = cells_names(from, to);
	size_t index;
	json_t *element;

	json_array_foreach(names, index, element)
	{
		const char *name = json_string_value(element);
		const json_t *before = json_object_get(from, name);
		const json_t *after = json_object_get(to, name);

		if (!space_same_value(
			    json_object_get(before, "values"), json_object_get(after, "values")))
			add_change(out, references, name, before, after);
	}
}

/* One kind of delta in its element; what an add brings has no operation of its own. */
static void add_delta(struct buf *out, const struct cs_object *object,
	const struct cs_references *references, const char *element, enum space_operation operation,
	const json_t *from, const json_t *to)
{
	if (operation == SPACE_NONE)
		return;
	buf_addf(out, "<%s>" NEWLINE "<delta operation=\"%s\" dn=\"", element,
		operation_names[operation]);
	markup_text(out, object->dn);
	if (operation == SPACE_DELETE) {
		buf_addf(out, "\"/>" NEWLINE "</%s>" NEWLINE, element);
		return;
	}
	buf_add_text(out, "\">" NEWLINE);
	if (operation == SPACE_ADD) {
		add_head(out, object);
		add_all(out, references, to);
	} else {
		if (object->anchor)
			buf_addf(out, "<anchor encoding=\"base64\">%s</anchor>" NEWLINE,
				object->anchor);
		add_changes(out, references, from, to);
	}
	buf_addf(out, "</delta>" NEWLINE "</%s>" NEWLINE, element);
}

static void add_hologram(struct buf *out, const struct cs_object *object,
	const struct cs_references *references, const char *element, const json_t *cells)
{
	if (!cells)
		return;
	buf_addf(out, "<%s>" NEWLINE "<entry dn=\"", element);
	markup_text(out, object->dn);
	buf_add_text(out, "\">" NEWLINE);
	add_head(out, object);
	add_all(out, references, cells);
	buf_addf(out, "</entry>" NEWLINE "</%s>" NEWLINE, element);
}

/* ---- the state ------------------------------------------------------------------------------ */

void csexport_refusal(struct buf *out, const json_t *refusal)
{
	CLEANUP(buf_release) struct buf details = BUF_UP_TO(4096);

	buf_add_text(out, "<cd-error>" NEWLINE);
	markup_line(out, 1, "error-name", json_text_or_null(refusal, "error"));
	markup_line(out, 1, "error-literal",
		"Unable to update this object because the following attributes associated with "
		"this object have values that may already be associated with another object.");
	buf_addf(&details,
		"[{\"Key\":\"ObjectIdInConflict\",\"Value\":[\"%s\"]},"
		"{\"Key\":\"AttributeConflictName\",\"Value\":[\"%s\"]},"
		"{\"Key\":\"AttributeConflictValues\",\"Value\":[\"%s\"]}]",
		json_text_or_null(refusal, "holder"), json_text_or_null(refusal, "attribute"),
		json_text_or_null(refusal, "value"));
	markup_line(out, 1, "extra-error-details", buf_text(&details));
	buf_add_text(out, "</cd-error>" NEWLINE);
}

static void add_refusal(struct buf *out, const json_t *refusal)
{
	char when[ENGINE_TIME_BYTES];
	json_int_t at = json_integer_value(json_object_get(refusal, "at"));

	if (!refusal)
		return;
	buf_add_text(out, " <export-errordetail>" NEWLINE);
	markup_line(out, 2, "first-occurred", engine_time(at, when));
	markup_line(out, 2, "date-occurred", engine_time(at, when));
	markup_line(out, 2, "retry-count", "0");
	markup_line(out, 2, "error-type", json_text_or_null(refusal, "error"));
	csexport_refusal(out, refusal);
	buf_add_text(out, " </export-errordetail>" NEWLINE);
}

static void add_flag(struct buf *out, const char *name, bool flag)
{
	markup_line(out, 1, name, flag ? "1" : "0");
}

static void add_lineage(struct buf *out, const struct cs_object *object)
{
	char when[ENGINE_TIME_BYTES];

	if (object->joined)
		buf_addf(out,
			" <mv-link lineage-id=\"%s\" lineage-time=\"%s\" lineage-type=\"%s\">%s</mv-link>" NEWLINE,
			object->connector_id, engine_time(object->seen_ms, when),
			object->account ? "projection-rule" : "provisioning-rules",
			object->metaverse_id);
}

static void add_times(struct buf *out, const struct cs_object *object)
{
	char when[ENGINE_TIME_BYTES];

	if (object->seen || object->arrived)
		markup_line(out, 1, "last-import-delta-time", engine_time(object->seen_ms, when));
	if (object->sent_ms)
		markup_line(out, 1, "last-export-delta-time", engine_time(object->sent_ms, when));
}

static void add_state(struct buf *out, const struct cs_object *object)
{
	enum space_operation exporting = object->wanted_as ? object->wanted_as : object->sent_as;

	if (object->anchor)
		buf_addf(out, " <anchor encoding=\"base64\">%s</anchor>" NEWLINE, object->anchor);
	add_flag(out, "connector", object->joined);
	markup_line(out, 1, "connector-state", "normal");
	add_flag(out, "seen-by-import", object->seen || object->arrived);
	add_flag(out, "rebuild-in-progress", false);
	add_flag(out, "obsoletion", false);
	add_flag(out, "need-full-sync", false);
	add_flag(out, "placeholder-parent", false);
	add_flag(out, "placeholder-link", false);
	add_flag(out, "placeholder-delete", false);
	add_flag(out, "pending", object->arrived_as != SPACE_NONE);
	add_flag(out, "ref-retry", false);
	add_flag(out, "rename-retry", false);
	add_flag(out, "pending-ref-delete", false);
	markup_line(out, 1, "import-delta-operation", operation_names[object->arrived_as]);
	markup_line(out, 1, "export-delta-operation", operation_names[exporting]);
	markup_line(out, 1, "ma-id", object->connector_id);
	markup_line(out, 1, "ma-name", object->connector_name);
	markup_line(out, 1, "partition-id", object->partition_id);
	markup_line(out, 1, "partition-name", object->partition_name);
	add_lineage(out, object);
	add_times(out, object);
	if (object->account)
		markup_line(out, 1, "account-name", object->account);
	if (object->domain) {
		markup_line(out, 1, "domain-name", object->domain);
		markup_line(out, 1, "fully-qualified-domain-name", DIRECTORY_NAME);
	}
	if (object->upn && markup_can_hold(object->upn))
		markup_line(out, 1, "user-principal-name", object->upn);
	add_refusal(out, object->refusal);
}

/* ---- the file ----------------------------------------------------------------------------- */

void csexport_begin(struct sheet *sheet)
{
	buf_addf(&sheet->text,
		"<?xml version=\"1.0\" encoding=\"%s\"?>" NEWLINE "<cs-objects>" NEWLINE,
		sheet->wide ? "UTF-16" : "UTF-8");
}

void csexport_end(struct sheet *sheet)
{
	buf_add_text(&sheet->text, "</cs-objects>" NEWLINE);
}

void csexport_object(
	struct sheet *sheet, const struct cs_object *object, const struct cs_references *references)
{
	struct buf *out = &sheet->text;
	const char *sent = object->escrowed ? "escrowed-export" : "unconfirmed-export";
	const char *sent_hologram = object->escrowed ? "escrowed-export-hologram"
						     : "unconfirmed-export-hologram";

	buf_add_text(out, "<cs-object cs-dn=\"");
	markup_text(out, object->dn);
	buf_addf(out, "\" id=\"%s\" object-type=\"%s\">" NEWLINE, object->id, object->type);
	add_delta(out, object, references, "unapplied-export", object->wanted_as,
		object->sent_as ? object->sent : object->seen, object->wanted);
	add_delta(out, object, references, sent, object->sent_as, object->seen, object->sent);
	add_delta(out, object, references, "pending-import", object->arrived_as, object->seen,
		object->arrived);
	add_hologram(out, object, references, "synchronized-hologram", object->seen);
	if (object->wanted_as)
		add_hologram(out, object, references, "unapplied-export-hologram", object->wanted);
	if (object->sent_as)
		add_hologram(out, object, references, sent_hologram, object->sent);
	if (object->arrived_as)
		add_hologram(out, object, references, "pending-import-hologram", object->arrived);
	add_state(out, object);
	buf_add_text(out, "</cs-object>" NEWLINE);
}
