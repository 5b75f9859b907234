/*
 * Objects read into the rows of their kind: as Graph sends them, and as lines have them. Nothing is
 * copied; a row gets the value as it stands, and what no row knows is dropped. What Graph sends is
 * read while it is checked: every object of a directory passes here, and walking its text a second
 * time would cost as much as checking it.
 */
#include <string.h>

#include "base/scan.h"
#include "base/text.h"
#include "directory/directory_internal.h"

bool id_read(struct span value, char id[static ID_BYTES], struct error *err)
{
	struct span text = SPAN_NONE;

	if (!value.data)
		return error_set(err, ERROR_FORMAT, "id: missing");
	if (scan_type(value) == SCAN_STRING)
		text = scan_text_direct(value);
	if (!text.data || !text_is_guid(text))
		return error_set(err, ERROR_FORMAT, "id: not a GUID");
	for (size_t i = 0; i < ID_BYTES; i++)
		id[i] = text_lower(text.data[i]);
	return true;
}

static inline struct span null_is_nothing(struct span value)
{
	return value.length && value.data[0] == 'n' ? SPAN_NONE : value;
}

static inline void set_bit(uint64_t *words, size_t row, bool on)
{
	uint64_t bit = UINT64_C(1) << row % 64;

	words[row / 64] = on ? words[row / 64] | bit : words[row / 64] & ~bit;
}

static inline void set_value(struct rows *rows, size_t row, struct span value, bool plain)
{
	rows->values[row] = null_is_nothing(value);
	set_bit(rows->present, row, rows->values[row].data != NULL);
	set_bit(rows->plain, row, plain);
}

/* Keys and values that have nothing between them but `":`. */
static inline bool adjoin(struct span key, struct span value)
{
	return key.data + key.length + 2 == value.data;
}

/* The row of an inner name among those from `first` to `end`; `guess` is tried first. */
static size_t inner_row(
	const struct kind *kind, size_t first, size_t end, size_t guess, struct span key)
{
	size_t count = end - first, row;

	for (size_t i = 0; i < count; i++) {
		const struct attribute *attribute;

		row = first + (guess - first + i) % count;
		attribute = &kind->attributes[row];
		if (key.length == attribute->name_length - attribute->outer_length - 1 &&
			name_equal(attribute->name + attribute->outer_length + 1, key.data,
				key.length))
			return row;
	}
	return ATTRIBUTE_NONE;
}

/* The inner members of one complex value on their way to their rows. */
struct inner {
	struct rows *rows;
	size_t first, end, guess;
};

static void put_inner(struct inner *inner, struct span key, struct span value, bool plain)
{
	size_t row = inner_row(inner->rows->kind, inner->first, inner->end, inner->guess, key);

	if (row == ATTRIBUTE_NONE)
		return;
	set_value(inner->rows, row, value, plain);
	inner->guess = row + 1 < inner->end ? row + 1 : inner->first;
}

static void put_inner_escaped(struct inner *inner, struct span key, struct span value)
{
	CLEANUP(buf_release) struct buf said = BUF_UP_TO(key.length);

	scan_text(key, &said);
	put_inner(inner, buf_span(&said), value, false);
}

/* Inner members that have no row are dropped, as outer ones are. */
static bool read_inner(
	struct rows *rows, size_t first, struct span object, bool plain, struct error *err)
{
	const struct attribute *attribute = &rows->kind->attributes[first];
	struct inner inner = { rows, first, attribute_next_outer(rows->kind, first), first };
	struct scan scan = scan_open(object);
	struct span key, value;

	if (object.data && scan_type(object) != SCAN_OBJECT)
		return error_set(err, ERROR_FORMAT, "%.*s: not an object",
			(int)attribute->outer_length, attribute->name);
	for (size_t row = first; row < inner.end; row++)
		set_value(rows, row, SPAN_NONE, false);
	while (scan_member(&scan, &key, &value)) {
		if (!plain && memchr(key.data, '\\', key.length))
			put_inner_escaped(&inner, key, value);
		else
			put_inner(&inner, key, value, plain && adjoin(key, value));
	}
	return true;
}

static bool put_row(struct rows *rows, size_t row, struct span value, bool plain, struct error *err)
{
	if (rows->kind->attributes[row].outer_length)
		return read_inner(rows, row, null_is_nothing(value), plain, err);
	set_value(rows, row, value, plain);
	return true;
}

bool rows_put(struct rows *rows, struct span name, struct span value, struct error *err)
{
	const struct attribute *attribute = attribute_find(rows->kind, name);
	size_t row;

	if (attribute) {
		set_value(rows, (size_t)(attribute - rows->kind->attributes), value, false);
		return true;
	}
	row = attribute_lookup(&rows->lookup, name);
	if (row == ATTRIBUTE_NONE)
		return error_set(err, ERROR_FORMAT, "%.*s: a %s has no such attribute",
			SPAN_FORMAT(name), rows->kind->name);
	return put_row(rows, row, value, false, err);
}

/* The members that only lines have, and the id. */
static void put_own(struct rows *rows, struct span key, struct span value)
{
	const struct {
		struct span name, *value;
	} own[] = {
		{ SPAN_LITERAL("id"), &rows->id },
		{ SPAN_LITERAL("kind"), &rows->kind_name },
		{ SPAN_LITERAL("deleted"), &rows->deleted },
		{ SPAN_LITERAL("part"), &rows->part },
		{ SPAN_LITERAL("unknown"), &rows->unknown },
	};

	for (size_t i = 0; i < COUNT_OF(own); i++)
		if (span_equal(key, own[i].name)) {
			*own[i].value = value;
			return;
		}
}

/* A key that is spelled with escapes, which nobody does but the one who tries us. */
static bool put_escaped(struct rows *rows, struct span key, struct span value, struct error *err)
{
	CLEANUP(buf_release) struct buf said = BUF_UP_TO(key.length);
	size_t row;

	scan_text(key, &said);
	row = attribute_lookup(&rows->lookup, buf_span(&said));
	if (row != ATTRIBUTE_NONE)
		return put_row(rows, row, value, false, err);
	put_own(rows, buf_span(&said), value);
	return true;
}

/* A member that the kinds table does not know is dropped. */
static bool put_member(void *context, const struct scan_found *found, struct error *err)
{
	struct rows *rows = context;
	size_t row;

	if (found->key_escaped)
		return put_escaped(rows, found->key, found->value, err);
	row = attribute_lookup(&rows->lookup, found->key);
	if (row != ATTRIBUTE_NONE)
		return put_row(rows, row, found->value,
			!found->value_escaped && adjoin(found->key, found->value), err);
	put_own(rows, found->key, found->value);
	return true;
}

static void rows_init(struct rows *rows, const struct kind *kind)
{
	memset(rows, 0, sizeof(*rows));
	rows->kind = kind;
	attribute_lookup_init(&rows->lookup, kind);
}

bool rows_read(struct rows *rows, const struct kind *kind, struct span object, struct error *err)
{
	struct scan scan = scan_open(object);
	struct scan_found found;

	rows_init(rows, kind);
	while (scan_member(&scan, &found.key, &found.value)) {
		found.key_escaped = memchr(found.key.data, '\\', found.key.length) != NULL;
		found.value_escaped = memchr(found.value.data, '\\', found.value.length) != NULL;
		if (!put_member(rows, &found, err))
			return false;
	}
	return true;
}

bool rows_read_unchecked(
	struct rows *rows, const struct kind *kind, struct span text, struct error *err)
{
	rows_init(rows, kind);
	if (!scan_check_members(text, put_member, rows, err))
		return false;
	if (scan_type(scan_trim(text)) != SCAN_OBJECT)
		return error_set(err, ERROR_FORMAT, "byte 0: not a JSON object");
	return true;
}
