/*
 * Canonical lines. An object is read into the rows of its kind, and the rows are written from the
 * first to the last, which is the order of the keys. Room for the whole line is asked for once;
 * an ordinary object costs no allocation.
 */
#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "directory/directory_internal.h"

/* The rule for the list of what the source could not see, which is no attribute itself. */
static const struct attribute unknown_names = { .name = "unknown",
	.name_length = 7,
	.type = TYPE_TEXT,
	.shape = SHAPE_SET,
	.compare = COMPARE_EXACT };

/* ---- writing ------------------------------------------------------------------------ */

/*
 * Every member is written with a comma before it; when its object ends, the first of these becomes
 * the bracket.
 */
struct line {
	struct pen pen;
	const struct rows *rows;
	const struct line_own *own;
	size_t own_count; /* of own_members, that are written */
	/* Members that stand in the source as in the line, one behind the other: not yet copied. */
	const char *run_begin, *run_end;
};

/* Copies the run. Called before anything else is written. */
static inline void end_run(struct line *line)
{
	if (!line->run_begin)
		return;
	pen_add_byte(&line->pen, ',');
	pen_add_near(&line->pen, line->run_begin, (size_t)(line->run_end - line->run_begin),
		line->rows->text_end);
	line->run_begin = line->run_end = NULL;
}

static void add_key(struct line *line, struct span key)
{
	end_run(line);
	pen_add_byte(&line->pen, ',');
	pen_add_byte(&line->pen, '"');
	pen_add(&line->pen, key.data, key.length);
	pen_add(&line->pen, "\":", 2);
}

/* A key and its value, or nothing where the value is empty. */
static bool add_value(struct line *line, const struct attribute *attribute, struct span key,
	struct span value, struct error *err)
{
	char *before, *begin;

	if (!value.data)
		return true;
	end_run(line);
	before = line->pen.at;
	add_key(line, key);
	begin = line->pen.at;
	if (!pen_add_value(&line->pen, attribute, value, err))
		return false;
	if (line->pen.at == begin)
		line->pen.at = before;
	return true;
}

/* A member to be copied with its key. Between it and a run that ends before it is one comma. */
static inline void add_to_run(struct line *line, const struct scan_found *found)
{
	const char *end = found->value.data + found->value.length;

	if (!line->run_begin || line->run_end + 1 != found->key) {
		end_run(line);
		line->run_begin = found->key;
	}
	line->run_end = end;
}

/* Whether a member stands in its source as it may in the line, key and all. */
static inline bool is_in_place(const struct scan_found *found)
{
	return found->joined && !found->escaped;
}

/* One text, or true or false, is then the same in the source and in the line. */
static inline bool is_simple(const struct attribute *attribute, struct span value)
{
	if (attribute->shape != SHAPE_ONE)
		return false;
	if (attribute->type == TYPE_TEXT || attribute->type == TYPE_INSTANT)
		return *value.data == '"';
	return attribute->type == TYPE_BOOLEAN && (*value.data == 't' || *value.data == 'f');
}

static bool is_set_of_texts(const struct attribute *attribute, const struct scan_found *found)
{
	return attribute->shape == SHAPE_SET && attribute->type == TYPE_TEXT && !found->escaped &&
		*found->value.data == '[';
}

static void add_texts(struct line *line, const struct scan_found *found, struct span key,
	const struct texts *texts)
{
	if (texts->canonical && is_in_place(found)) {
		add_to_run(line, found);
		return;
	}
	add_key(line, key);
	pen_add_texts(&line->pen, texts, line->rows->text_end);
}

/* The value of a row that came and is not null, under `key`, its name in the object where it stands. */
static ALWAYS_INLINE bool add_row_value(
	struct line *line, size_t row, struct span key, struct error *err)
{
	const struct attribute *attribute = &line->rows->kind->attributes[row];
	const struct scan_found *found = &line->rows->slots.found[row];
	UNINITIALIZED struct texts texts;

	if (is_simple(attribute, found->value) && is_in_place(found)) {
		add_to_run(line, found);
		return true;
	}
	if (is_set_of_texts(attribute, found) && texts_read(&texts, found->value)) {
		add_texts(line, found, key, &texts);
		return true;
	}
	return add_value(line, attribute, key, found->value, err);
}

/* ---- what every line has beside its attributes -------------------------------------------- */

static void add_own_text(struct line *line, struct span key, const char *text, size_t length)
{
	add_key(line, key);
	pen_add_byte(&line->pen, '"');
	pen_add(&line->pen, text, length);
	pen_add_byte(&line->pen, '"');
}

static bool add_deleted(struct line *line, UNUSED struct error *err)
{
	if (line->own->deleted) {
		add_key(line, SPAN_LITERAL("deleted"));
		pen_add(&line->pen, "true", strlen("true"));
	}
	return true;
}

static bool add_id(struct line *line, UNUSED struct error *err)
{
	add_own_text(line, SPAN_LITERAL("id"), line->own->id, ID_BYTES);
	return true;
}

static bool add_kind(struct line *line, UNUSED struct error *err)
{
	const char *name = line->rows->kind->name;

	add_own_text(line, SPAN_LITERAL("kind"), name, strlen(name));
	return true;
}

static bool add_unknown(struct line *line, struct error *err)
{
	struct span names = line->own->unknown;

	if (!names.data || !line->own->unknown_sorted)
		return add_value(line, &unknown_names, SPAN_LITERAL("unknown"), names, err);
	add_key(line, SPAN_LITERAL("unknown"));
	pen_add(&line->pen, names.data, names.length);
	return true;
}

/* They stand together, since no other name begins as theirs do. */
static bool add_extensions(struct line *line, struct error *err)
{
	const struct rows *rows = line->rows;
	uint8_t slots[OBJECT_EXTENSIONS_MAX];
	unsigned count = rows->extension_count ? rows_extensions(rows, slots) : 0;

	for (unsigned i = 0; i < count; i++) {
		const struct attribute *row = rows->extensions[slots[i] - SLOT_EXTENSION];

		if (!add_value(line, row, (struct span){ row->name, row->name_length },
			    rows_value(rows, slots[i]), err))
			return false;
	}
	return true;
}

/* In the order of rows_own_names. */
static bool (*const add_own[ROWS_OWN])(struct line *line, struct error *err) = { add_deleted,
	add_extensions, add_id, add_kind, add_unknown };

/* Adds those own members that come before the row. */
static inline bool add_own_before(struct line *line, size_t row, struct error *err)
{
	while (line->own_count < ROWS_OWN && line->rows->own_before[line->own_count] <= row)
		if (!add_own[line->own_count++](line, err))
			return false;
	return true;
}

/* ---- complex values -------------------------------------------------------------------------- */

/* Whether the inner rows that came stand in the source as in the line, and nothing but them. */
static bool is_complex_in_place(
	const struct line *line, const struct complex_rows *complex, const struct scan_found *whole)
{
	const struct rows *rows = line->rows;
	const char *at = whole->value.data + 1, *end = whole->value.data + whole->value.length;

	if (!is_in_place(whole))
		return false;
	for (size_t row = complex->first; row < complex->end; row++) {
		const struct scan_found *found = &rows->slots.found[row];

		if (!rows_has_value(rows, (unsigned)row))
			continue;
		if (found->key != at || !is_simple(&rows->kind->attributes[row], found->value) ||
			!is_in_place(found))
			return false;
		at = found->value.data + found->value.length + 1;
	}
	return at == end;
}

/* The inner rows of one complex value, as an object in the line. */
static bool add_inner(struct line *line, const struct complex_rows *complex, struct error *err)
{
	const struct attribute *attributes = line->rows->kind->attributes;
	char *before, *begin;

	end_run(line);
	before = line->pen.at;
	add_key(line, attribute_outer_name(&attributes[complex->first]));
	begin = line->pen.at;
	for (size_t row = complex->first; row < complex->end; row++)
		if (rows_has_value(line->rows, (unsigned)row) &&
			!add_row_value(line, row, attribute_inner_name(&attributes[row]), err))
			return false;
	end_run(line);
	if (line->pen.at == begin) {
		line->pen.at = before;
		return true;
	}
	*begin = '{';
	pen_add_byte(&line->pen, '}');
	return true;
}

static bool add_complex(struct line *line, size_t first, struct error *err)
{
	const struct complex_rows *complex = rows_complex(line->rows, first);
	const struct scan_found *whole = &line->rows->slots
						  .found[rows_complex_slot(line->rows, complex)];

	if (!is_complex_in_place(line, complex, whole))
		return add_inner(line, complex, err);
	add_to_run(line, whole);
	return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool add_row(struct line *line, size_t row, struct error *err)
{
	const struct attribute *attribute = &line->rows->kind->attributes[row];

	if (!add_own_before(line, row, err))
		return false;
	if (attribute->outer_length)
		return add_complex(line, row, err);
	/* Members and owners have part lines of their own. */
	return attribute->source == SOURCE_RELATION ||
		add_row_value(
			line, row, (struct span){ attribute->name, attribute->name_length }, err);
}

static bool write_line(struct line *line, struct error *err)
{
	struct row_set rows = rows_with_values(line->rows);
	char *begin = line->pen.at;

	for (size_t i = 0; i < SLOT_WORDS; i++)
		for (uint64_t bits = rows.words[i]; bits; bits &= bits - 1)
			if (!add_row(line, i * 64 + (size_t)__builtin_ctzll(bits), err))
				return false;
	if (!add_own_before(line, KIND_ATTRIBUTES_MAX, err))
		return false;
	end_run(line);
	*begin = '{';
	pen_add_byte(&line->pen, '}');
	return true;
}

static bool write_line_up_to(struct line *line, struct error *err)
{
	const char *begin = line->pen.at;

	if (!write_line(line, err))
		return false;
	if (line->pen.at - begin <= DIRECTORY_LINE_MAX)
		return true;
	return error_set(err, ERROR_FORMAT, "%s %.*s: its line is longer than %d bytes",
		line->rows->kind->name, ID_BYTES, line->own->id, DIRECTORY_LINE_MAX);
}

bool line_add_rows(struct buf *out, const struct rows *rows, const struct line_own *own,
	size_t most, struct error *err)
{
	/* Where `out` might be too small for the most, the line is made beside it. */
	bool roomy = !out->overflowed && most <= out->limit - out->length;
	CLEANUP(memory_freep) char *beside = roomy ? NULL : memory_new(most);
	char *room = roomy ? buf_room(out, most) : beside;
	struct line line = { .pen = { room, room + most }, .rows = rows, .own = own };
	bool good = write_line_up_to(&line, err);
	size_t length = good ? (size_t)(line.pen.at - room) : 0;

	if (roomy)
		buf_grew(out, length); /* also of nothing: the NUL behind it was overwritten */
	else
		buf_add(out, room, length);
	return good && buf_check(out, "the text that a line is added to", err);
}

/* ---- lines -------------------------------------------------------------------------- */

/* The names as a JSON array. */
static void add_names(struct buf *out, const struct span *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_add_byte(out, i ? ',' : '[');
		scan_quote(names[i], out);
	}
	if (count)
		buf_add_byte(out, ']');
}

bool line_add_object(struct buf *out, const struct kind *kind, struct span graph_object,
	bool deleted, const struct span *unknown, size_t unknown_count, struct error *err)
{
	CLEANUP(buf_release) struct buf names = BUF_UP_TO(DIRECTORY_LINE_MAX);
	UNINITIALIZED struct rows rows;
	struct line_own own = { .deleted = deleted };

	if (!rows_read(&rows, kind, graph_object, err) ||
		!id_read(rows_value(&rows, SLOT_ID), own.id, err))
		return false;
	if (unknown_count) {
		add_names(&names, unknown, unknown_count);
		if (!buf_check(&names, "the list of unknown names", err))
			return false;
		own.unknown = buf_span(&names);
	}
	return line_add_rows(
		out, &rows, &own, graph_object.length + names.length + LINE_OWN_BYTES, err);
}

/* ---- changed lines ------------------------------------------------------------------- */

static bool is_among(struct span string, const struct span *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (scan_compare(string, names[i]) == 0)
			return true;
	return false;
}

/* The unknown names of a line without those that are known now. */
static bool add_still_unknown(struct buf *out, struct span unknown, const struct span *names,
	size_t count, struct error *err)
{
	struct scan scan = scan_open(unknown);
	struct span name;

	if (unknown.data && scan_type(unknown) != SCAN_ARRAY)
		return error_set(err, ERROR_FORMAT, "unknown: not an array");
	while (scan_element(&scan, &name)) {
		if (is_among(name, names, count))
			continue;
		buf_add_byte(out, out->length ? ',' : '[');
		buf_add_span(out, name);
	}
	if (out->length)
		buf_add_byte(out, ']');
	return buf_check(out, "the list of unknown names", err);
}

static bool read_line(struct rows *rows, struct span line, struct error *err)
{
	if (!rows_read_line(rows, line, err))
		return false;
	if (rows_value(rows, SLOT_PART).data)
		return error_set(err, ERROR_FORMAT, "part: a part line has no attributes");
	return true;
}

bool line_add_changed(struct buf *out, struct span line, const struct span *names,
	const struct span *values, size_t count, struct error *err)
{
	CLEANUP(buf_release) struct buf unknown = BUF_UP_TO(line.length + 1);
	size_t most = line.length + LINE_OWN_BYTES;
	UNINITIALIZED struct rows rows;
	struct line_own changed = { 0 };

	if (!read_line(&rows, line, err) || !id_read(rows_value(&rows, SLOT_ID), changed.id, err) ||
		!add_still_unknown(&unknown, rows_value(&rows, SLOT_UNKNOWN), names, count, err))
		return false;
	changed.deleted = scan_type(rows_value(&rows, SLOT_DELETED)) == SCAN_TRUE;
	changed.unknown = unknown.length ? buf_span(&unknown) : SPAN_NONE;
	for (size_t i = 0; i < count; i++) {
		if (values[i].data && !scan_check(values[i], err))
			return error_prefix(err, "%.*s", SPAN_FORMAT(names[i]));
		if (!rows_put(&rows, names[i], scan_trim(values[i]), err))
			return false;
		most += names[i].length + values[i].length + strlen(",\"\":{\"\":}");
	}
	return line_add_rows(out, &rows, &changed, most, err);
}
