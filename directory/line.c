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

struct line {
	struct pen pen;
	const struct rows *rows;
	const struct line_own *own;
	size_t next_own; /* among own_members */
	bool any;        /* something was written: a comma comes first */
	/* Members that stand in the source as in the line, one behind the other: not yet copied. */
	struct span run;
};

/* Copies the run. Called before anything else is written. */
static void end_run(struct line *line)
{
	if (!line->run.data)
		return;
	pen_add(&line->pen, line->run.data, line->run.length);
	line->run = SPAN_NONE;
}

static void add_key(struct line *line, struct span key)
{
	end_run(line);
	pen_add_byte(&line->pen, line->any ? ',' : '{');
	pen_add_byte(&line->pen, '"');
	pen_add(&line->pen, key.data, key.length);
	pen_add(&line->pen, "\":", 2);
	line->any = true;
}

/* A key and its value, or nothing where the value is empty. */
static bool add_value(struct line *line, const struct attribute *attribute, struct span key,
	struct span value, struct error *err)
{
	char *before, *begin;
	bool any = line->any;

	if (!value.data)
		return true;
	end_run(line);
	before = line->pen.at;
	add_key(line, key);
	begin = line->pen.at;
	if (!pen_add_value(&line->pen, attribute, value, err))
		return false;
	if (line->pen.at == begin) {
		line->pen.at = before;
		line->any = any;
	}
	return true;
}

/* A member to be copied with its key. Between it and a run that ends before it is one comma. */
static void add_to_run(struct line *line, const char *begin, const char *end)
{
	if (line->run.data && line->run.data + line->run.length + 1 == begin) {
		line->run.length = (size_t)(end - line->run.data);
		return;
	}
	end_run(line);
	pen_add_byte(&line->pen, line->any ? ',' : '{');
	line->any = true;
	line->run = (struct span){ begin, (size_t)(end - begin) };
}

/* Whether the member of a row stands in its source as it will in the line, key and all. */
static inline bool is_in_place(const struct scan_found *found, struct span key)
{
	return !found->escaped && found->key + key.length + strlen("\"\":") == found->value.data;
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
	if (texts->canonical && is_in_place(found, key)) {
		add_to_run(line, found->key, found->value.data + found->value.length);
		return;
	}
	add_key(line, key);
	pen_add_texts(&line->pen, texts);
}

/* The value of a row that came, under `key`, its name in the object where it stands. */
static ALWAYS_INLINE bool add_row_value(
	struct line *line, size_t row, struct span key, struct error *err)
{
	const struct attribute *attribute = &line->rows->kind->attributes[row];
	const struct scan_found *found = &line->rows->slots.found[row];
	UNINITIALIZED struct texts texts;

	if (is_simple(attribute, found->value) && is_in_place(found, key)) {
		add_to_run(line, found->key, found->value.data + found->value.length);
		return true;
	}
	if (is_set_of_texts(attribute, found) && texts_read(&texts, found->value)) {
		add_texts(line, found, key, &texts);
		return true;
	}
	return add_value(line, attribute, key, rows_value(line->rows, (unsigned)row), err);
}

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
	return add_value(line, &unknown_names, SPAN_LITERAL("unknown"), line->own->unknown, err);
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

/* What every line has beside its kind's attributes, in the order of the keys. */
static const struct {
	const char *name;
	bool (*add)(struct line *line, struct error *err);
} own_members[] = {
	{ "deleted", add_deleted },
	{ UNKNOWN_EXTENSIONS, add_extensions },
	{ "id", add_id },
	{ "kind", add_kind },
	{ "unknown", add_unknown },
};

/* NULL is the end. The first letters mostly decide. */
static bool comes_before(const char *own, const char *name)
{
	return !name || own[0] < name[0] || (own[0] == name[0] && strcmp(own, name) < 0);
}

/* Adds those own members that come before `name`; all that are left when it is NULL. */
static inline bool add_own_before(struct line *line, const char *name, struct error *err)
{
	while (line->next_own < COUNT_OF(own_members) &&
		comes_before(own_members[line->next_own].name, name))
		if (!own_members[line->next_own++].add(line, err))
			return false;
	return true;
}

/* The inner rows of one complex value, as an object in the line. */
static bool add_complex(struct line *line, size_t first, size_t end, struct error *err)
{
	const struct attribute *attributes = line->rows->kind->attributes;
	size_t outer = attributes[first].outer_length;
	bool any = line->any, inner_any;
	char *before;

	end_run(line);
	before = line->pen.at;
	add_key(line, (struct span){ attributes[first].name, outer });
	line->any = false;
	for (size_t row = first; row < end; row++) {
		if (rows_has(line->rows, (unsigned)row) &&
			!add_row_value(line, row, attribute_inner_name(&attributes[row]), err))
			return false;
	}
	end_run(line);
	inner_any = line->any;
	line->any = any || inner_any;
	if (inner_any)
		pen_add_byte(&line->pen, '}');
	else
		line->pen.at = before;
	return true;
}

static bool add_row(struct line *line, size_t row, struct error *err)
{
	const struct kind *kind = line->rows->kind;
	const struct attribute *attribute = &kind->attributes[row];

	/* Members and owners have part lines of their own. */
	if (attribute->source == SOURCE_RELATION)
		return true;
	if (!add_own_before(line, attribute->name, err))
		return false;
	if (attribute->outer_length)
		return add_complex(line, row, rows_complex(line->rows, row)->end, err);
	return add_row_value(
		line, row, (struct span){ attribute->name, attribute->name_length }, err);
}

static bool write_line(struct line *line, struct error *err)
{
	struct row_set rows = rows_that_came(line->rows);

	for (size_t i = 0; i < SLOT_WORDS; i++)
		for (uint64_t bits = rows.words[i]; bits; bits &= bits - 1)
			if (!add_row(line, i * 64 + (size_t)__builtin_ctzll(bits), err))
				return false;
	if (!add_own_before(line, NULL, err))
		return false;
	end_run(line);
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
