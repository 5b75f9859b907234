/*
 * Fact lines, read at a glance: nearly every line of a file of evidence is one as it is written,
 * with nothing escaped in it, so the scanner checks it and finds its members on one walk, and no tree
 * is made. It only ever says what the long way (evidence_file.c) would say: a line in which anything is
 * unusual, or wrong, goes that way, and there its fault gets its words.
 */
#include "base/memory.h"
#include "base/scan.h"
#include "reconcile/evidence_internal.h"

enum slot {
	SLOT_ATTRIBUTE,
	SLOT_EARLIEST,
	SLOT_ID,
	SLOT_KIND,
	SLOT_NEW,
	SLOT_OLD,
	SLOT_OPERATION,
	SLOT_RECORDED,
	SLOT_REFERENCE,
	SLOT_SOURCE,
	SLOT_WHEN,
	SLOT_WHO,
	/* Inside `who`. */
	SLOT_WHO_ID,
	SLOT_WHO_NAME,
	SLOT_WHO_SERVER,
	SLOT_COUNT,
	SLOT_OTHER = SLOT_COUNT, /* what a glance knows nothing of */
};

static const char *const names[SLOT_COUNT] = {
	[SLOT_ATTRIBUTE] = "attribute",
	[SLOT_EARLIEST] = "earliest",
	[SLOT_ID] = "id",
	[SLOT_KIND] = "kind",
	[SLOT_NEW] = "new",
	[SLOT_OLD] = "old",
	[SLOT_OPERATION] = "operation",
	[SLOT_RECORDED] = "recorded",
	[SLOT_REFERENCE] = "reference",
	[SLOT_SOURCE] = "source",
	[SLOT_WHEN] = "when",
	[SLOT_WHO] = "who",
	[SLOT_WHO_ID] = "id",
	[SLOT_WHO_NAME] = "name",
	[SLOT_WHO_SERVER] = "server",
};

struct glance_reader {
	struct evidence *evidence;
	struct scan_shape *shape;
	struct scan_slots slots;
	/* Names that a line may have, with a NUL behind them. */
	struct buf text;
	/* Of the last line; the next one often has the same. */
	const char *id, *reference;
	const struct kind *kind;
	const struct attribute *attribute;
	const struct writer *writer;
};

static unsigned slot_of(void *context, unsigned outer, struct span key)
{
	unsigned first = outer == SCAN_OUTERMOST ? 0 : SLOT_WHO_ID;
	unsigned end = outer == SCAN_OUTERMOST ? SLOT_WHO_ID : SLOT_COUNT;

	(void)context;
	if (outer != SCAN_OUTERMOST && outer != SLOT_WHO)
		return SCAN_NO_SLOT; /* inside a value */
	for (unsigned slot = first; slot < end; slot++)
		if (span_is(key, names[slot]))
			return slot;
	return SLOT_OTHER;
}

struct glance_reader *glance_reader_new(struct evidence *evidence)
{
	struct glance_reader *reader = memory_new(sizeof(*reader));

	reader->evidence = evidence;
	reader->shape = scan_shape_new();
	reader->slots.slot_of = slot_of;
	reader->text = (struct buf)BUF_UP_TO(EVIDENCE_LINE_MAX);
	return reader;
}

void glance_reader_free(struct glance_reader *reader)
{
	if (!reader)
		return;
	scan_shape_free(reader->shape);
	buf_release(&reader->text);
	memory_free(reader);
}

/* ---- members --------------------------------------------------------------------------- */

static bool came(const struct glance_reader *reader, enum slot slot)
{
	return reader->slots.present[slot / 64] >> slot % 64 & 1;
}

/* Null comes without a value, and texts with an escape are not for a glance. */
static bool is_plain(const struct glance_reader *reader, enum slot slot)
{
	return !(reader->slots.null[slot / 64] >> slot % 64 & 1) &&
		!reader->slots.found[slot].escaped;
}

/* False: it is no text, or one with an escape. */
static bool read_text(const struct glance_reader *reader, enum slot slot, struct span *text)
{
	struct span value = reader->slots.found[slot].value;

	if (!came(reader, slot) || !is_plain(reader, slot) || scan_type(value) != SCAN_STRING)
		return false;
	*text = (struct span){ value.data + 1, value.length - 2 };
	return true;
}

static bool read_text_where_there(
	const struct glance_reader *reader, enum slot slot, struct span *text)
{
	*text = SPAN_NONE;
	return !came(reader, slot) || read_text(reader, slot, text);
}

/* The same with a NUL behind it, until the next call. */
static const char *ended(struct glance_reader *reader, struct span text)
{
	buf_cut(&reader->text, 0);
	buf_add_span(&reader->text, text);
	return buf_text(&reader->text);
}

static bool read_instant(struct glance_reader *reader, enum slot slot, int64_t *ms)
{
	struct span text;

	return read_text(reader, slot, &text) && evidence_instant(ended(reader, text), ms);
}

/* ---- the parts of a fact ------------------------------------------------------------------ */

static bool read_names(struct glance_reader *reader, struct fact *fact)
{
	struct span kind, operation, source;

	if (!read_text(reader, SLOT_KIND, &kind) ||
		!read_text(reader, SLOT_OPERATION, &operation) ||
		!read_text(reader, SLOT_SOURCE, &source))
		return false;
	fact->kind = kind_find(kind);
	return fact->kind && fact_operation_find(ended(reader, operation), &fact->operation) &&
		fact_source_find(ended(reader, source), &fact->source);
}

static bool read_attribute(struct glance_reader *reader, struct fact *fact)
{
	struct span name, recorded;

	if (!read_text_where_there(reader, SLOT_ATTRIBUTE, &name) ||
		!read_text_where_there(reader, SLOT_RECORDED, &recorded))
		return false;
	fact->attribute_name = evidence_keep(reader->evidence, recorded).data;
	if (!name.data)
		return true;
	if (fact->kind != reader->kind || !reader->attribute ||
		!span_is(name, reader->attribute->name)) {
		reader->kind = fact->kind;
		reader->attribute = attribute_find(fact->kind, name);
	}
	fact->attribute = reader->attribute;
	return fact->attribute;
}

static bool read_time(struct glance_reader *reader, struct fact *fact)
{
	int64_t earliest_ms;

	if (!read_instant(reader, SLOT_WHEN, &fact->when_ms))
		return false;
	if (!came(reader, SLOT_EARLIEST))
		return true;
	if (!read_instant(reader, SLOT_EARLIEST, &earliest_ms))
		return false;
	fact->within_ms = fact->when_ms - earliest_ms;
	return fact->within_ms > 0;
}

static bool is_writer(
	const struct writer *writer, struct span id, struct span name, struct span server)
{
	return writer && span_is(id, writer->id) && span_is(name, writer->name) &&
		span_equal(server, span_of(writer->server));
}

static bool read_writer(struct glance_reader *reader, struct fact *fact)
{
	struct span id, name, server;
	struct writer writer;

	if (!came(reader, SLOT_WHO) ||
		scan_type(reader->slots.found[SLOT_WHO].value) != SCAN_OBJECT ||
		!read_text(reader, SLOT_WHO_ID, &id) || !read_text(reader, SLOT_WHO_NAME, &name) ||
		!read_text_where_there(reader, SLOT_WHO_SERVER, &server))
		return false;
	if (!is_writer(reader->writer, id, name, server)) {
		writer.id = evidence_keep(reader->evidence, id).data;
		writer.name = evidence_keep(reader->evidence, name).data;
		writer.server = evidence_keep(reader->evidence, server).data;
		reader->writer = evidence_keep_writer(reader->evidence, &writer);
	}
	fact->who = reader->writer;
	return true;
}

/* Texts, alone or in an array: what everybody writes in one way. */
static bool is_of_texts(struct span value)
{
	struct scan scan;
	struct span element;

	if (scan_type(value) != SCAN_ARRAY)
		return scan_type(value) == SCAN_STRING || scan_type(value) == SCAN_TRUE ||
			scan_type(value) == SCAN_FALSE;
	scan = scan_open(value);
	while (scan_element(&scan, &element))
		if (scan_type(element) != SCAN_STRING)
			return false;
	return true;
}

static bool read_value(
	const struct glance_reader *reader, enum slot slot, bool *known, struct span *value)
{
	*known = came(reader, slot);
	if (!*known || reader->slots.null[slot / 64] >> slot % 64 & 1)
		return true;
	*value = reader->slots.found[slot].value;
	return is_plain(reader, slot) && is_of_texts(*value);
}

static const char *keep(struct glance_reader *reader, const char *last, struct span text)
{
	return last && span_is(text, last) ? last : evidence_keep(reader->evidence, text).data;
}

static bool read_object(struct glance_reader *reader, struct fact *fact)
{
	struct span id, reference;

	if (!read_text(reader, SLOT_ID, &id) || !read_text(reader, SLOT_REFERENCE, &reference))
		return false;
	reader->id = fact->id = keep(reader, reader->id, id);
	reader->reference = fact->reference = keep(reader, reader->reference, reference);
	return true;
}

bool glance_reader_take(struct glance_reader *reader, struct span line)
{
	struct error unsaid = { 0 };
	struct fact fact = { 0 };
	size_t taken;

	if (line.length > EVIDENCE_LINE_MAX ||
		!scan_prefix(line, reader->shape, &reader->slots, &taken, &unsaid) ||
		taken != line.length || came(reader, SLOT_OTHER) || !read_names(reader, &fact) ||
		!read_attribute(reader, &fact) || !read_time(reader, &fact) ||
		!read_writer(reader, &fact) || !read_object(reader, &fact) ||
		!read_value(reader, SLOT_OLD, &fact.old_known, &fact.old_value) ||
		!read_value(reader, SLOT_NEW, &fact.new_known, &fact.new_value) ||
		!evidence_keep_values(reader->evidence, &fact, &unsaid))
		return false;
	evidence_add_kept(reader->evidence, &fact);
	return true;
}
