/*
 * Reading a list. One walk over the text of an object checks it and fills its rows (base/scan); from
 * these the line is written, and what was asked for and did not come is a difference of bits.
 * Since the objects of a list are alike, nothing is allocated for one but its line.
 */
#include <string.h>

#include "base/memory.h"
#include "directory/directory_internal.h"

struct line_reader {
	struct rows rows;
	struct scan_shape *shape;
	bool deleted;
	struct row_set selected;
	struct row_set unknown;  /* in every object */
	struct row_set behavior; /* where it matters who masters the object */
	bool extensions_unknown;
	unsigned sync_enabled, marks[2]; /* slots of what only synced objects have */
	struct line_object facts;
	/* The names that were unknown last: mostly those that are unknown next. */
	struct row_set named;
	struct buf names;
};

/* ---- sets of rows -------------------------------------------------------------------- */

static bool set_has(const struct row_set *set, size_t row)
{
	return set->words[row / 64] >> row % 64 & 1;
}

static void select_all(struct row_set *set, const struct kind *kind)
{
	for (size_t row = 0; row < kind->attribute_count; row = attribute_next_outer(kind, row))
		if (kind->attributes[row].source == SOURCE_SELECT)
			row_set_put(set, row, true);
}

/* The id is no row: an object without one is refused anyhow. */
static void add_named(struct row_set *set, const struct line_reader *reader, const char *name)
{
	size_t row = attribute_lookup(&reader->rows.lookup, span_of(name));

	assert(row != ATTRIBUTE_NONE || strcmp(name, "id") == 0);
	if (row != ATTRIBUTE_NONE)
		row_set_put(set, row, true);
}

/* ---- names of what is unknown ---------------------------------------------------------- */

static void write_name(struct buf *names, struct span name)
{
	buf_add_byte(names, names->length ? ',' : '[');
	scan_quote(name, names);
}

/* In the order in which a line has them. */
static void write_names(struct line_reader *reader)
{
	const struct kind *kind = reader->rows.kind;
	bool extensions = reader->extensions_unknown;

	buf_cut(&reader->names, 0);
	for (size_t row = 0; row < kind->attribute_count; row++) {
		if (extensions && strcmp(UNKNOWN_EXTENSIONS, kind->attributes[row].name) < 0) {
			write_name(&reader->names, SPAN_LITERAL(UNKNOWN_EXTENSIONS));
			extensions = false;
		}
		if (set_has(&reader->named, row))
			write_name(&reader->names, attribute_outer_name(&kind->attributes[row]));
	}
	if (extensions)
		write_name(&reader->names, SPAN_LITERAL(UNKNOWN_EXTENSIONS));
	if (reader->names.length)
		buf_add_byte(&reader->names, ']');
}

/* ---- opening ------------------------------------------------------------------------- */

static void add_unknown(struct line_reader *reader, const char *name)
{
	const struct attribute *attribute = attribute_find(reader->rows.kind, span_of(name));
	bool behavior = attribute && attribute->source == SOURCE_BEHAVIOR;

	if (strcmp(name, UNKNOWN_EXTENSIONS) == 0) {
		reader->extensions_unknown = true;
		return;
	}
	add_named(behavior ? &reader->behavior : &reader->unknown, reader, name);
}

struct line_reader *line_reader_new(const struct line_list *list)
{
	struct line_reader *reader = memory_new(sizeof(*reader));

	*reader = (struct line_reader){
		.shape = scan_shape_new(),
		.deleted = list->deleted,
		.names = BUF_UP_TO(DIRECTORY_LINE_MAX),
	};
	rows_init(&reader->rows, list->kind);
	reader->rows.beside = list->beside;
	reader->sync_enabled = rows_slot(&reader->rows, SPAN_LITERAL("onPremisesSyncEnabled"));
	reader->marks[0] = rows_slot(&reader->rows, SPAN_LITERAL("onPremisesImmutableId"));
	reader->marks[1] = rows_slot(&reader->rows, SPAN_LITERAL("onPremisesSecurityIdentifier"));
	if (!list->selected)
		select_all(&reader->selected, list->kind);
	for (const char *const *name = list->selected; name && *name; name++)
		add_named(&reader->selected, reader, *name);
	for (const char *const *name = list->unknown; name && *name; name++)
		add_unknown(reader, *name);
	write_names(reader);
	return reader;
}

void line_reader_free(struct line_reader *reader)
{
	if (!reader)
		return;
	scan_shape_free(reader->shape);
	buf_release(&reader->names);
	memory_free(reader);
}

/* ---- one object ---------------------------------------------------------------------- */

/* Absent also where the kind has no such row. */
static struct span value_in(const struct line_reader *reader, unsigned slot)
{
	return slot == SCAN_NO_SLOT ? SPAN_NONE : rows_value(&reader->rows, slot);
}

static bool learn_facts(struct line_reader *reader, struct error *err)
{
	struct span enabled = value_in(reader, reader->sync_enabled);
	struct line_object *facts = &reader->facts;

	if (!id_read(rows_value(&reader->rows, SLOT_ID), facts->id, err))
		return false;
	facts->sync_enabled = scan_type(enabled) == SCAN_TRUE;
	facts->was_synced = enabled.data != NULL;
	for (size_t i = 0; i < COUNT_OF(reader->marks); i++)
		facts->was_synced |= value_in(reader, reader->marks[i]).data != NULL;
	facts->behavior_matters = facts->was_synced && !facts->sync_enabled;
	return true;
}

static struct row_set unknown_rows(const struct line_reader *reader)
{
	struct row_set unknown = rows_that_came(&reader->rows);

	for (size_t i = 0; i < SLOT_WORDS; i++) {
		unknown.words[i] = (reader->selected.words[i] & ~unknown.words[i]) |
			reader->unknown.words[i];
		if (reader->facts.behavior_matters)
			unknown.words[i] |= reader->behavior.words[i];
	}
	return unknown;
}

/* The names of the rows as a JSON array; absent when there is none. */
static struct span name_rows(struct line_reader *reader, struct row_set rows)
{
	if (memcmp(&rows, &reader->named, sizeof(rows)) != 0) {
		reader->named = rows;
		write_names(reader);
	}
	return reader->names.length ? buf_span(&reader->names) : SPAN_NONE;
}

static bool add_line(
	struct line_reader *reader, struct buf *out, struct span object, struct error *err)
{
	/* The rows are in the order of their names. */
	struct line_own own = { .deleted = reader->deleted, .unknown_sorted = true };

	if (!rows_check(&reader->rows, object, err) || !learn_facts(reader, err))
		return false;
	memcpy(own.id, reader->facts.id, sizeof(own.id));
	own.unknown = name_rows(reader, unknown_rows(reader));
	return line_add_rows(
		out, &reader->rows, &own, object.length + own.unknown.length + LINE_OWN_BYTES, err);
}

bool line_take_object(struct line_reader *reader, struct buf *out, struct span text, size_t *taken,
	struct error *err)
{
	size_t length;

	if (!scan_prefix(text, reader->shape, &reader->rows.slots, &length, err))
		return false;
	reader->rows.text_end = text.data + text.length;
	if (length && !add_line(reader, out, (struct span){ text.data, length }, err))
		return false;
	*taken = length;
	return true;
}

/* ---- asking -------------------------------------------------------------------------- */

const struct line_object *line_reader_object(const struct line_reader *reader)
{
	return &reader->facts;
}

struct span line_reader_value(const struct line_reader *reader, const char *name)
{
	unsigned slot = rows_slot(&reader->rows, span_of(name));

	if (slot == SCAN_NO_SLOT || !rows_has(&reader->rows, slot))
		return SPAN_NONE;
	return rows_is_null(&reader->rows, slot) ? SPAN_LITERAL("null")
						 : reader->rows.slots.found[slot].value;
}
