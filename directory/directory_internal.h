/*
 * What the files of this folder share: how rows are found by their names, and the writing of
 * canonical values into room that was reserved for them.
 */
#pragma once

#include <assert.h>

#include "directory/directory.h"

enum {
	KIND_ATTRIBUTES_MAX = 96, /* rows of one kind; a test holds the table to it */
	ATTRIBUTE_NONE = KIND_ATTRIBUTES_MAX,
	ROW_WORDS = (KIND_ATTRIBUTES_MAX + 63) / 64,
};

/*
 * Finds rows by outer names, whatever their order: a small hash table. For a complex value with
 * inner rows the first of them is given.
 */
enum { LOOKUP_SLOTS = 128 };

struct attribute_lookup {
	const struct kind *kind;
	uint8_t first[LOOKUP_SLOTS];       /* the first row of each slot, or ATTRIBUTE_NONE */
	uint8_t next[KIND_ATTRIBUTES_MAX]; /* the next row of the same slot, or ATTRIBUTE_NONE */
};

void attribute_lookup_init(struct attribute_lookup *lookup, const struct kind *kind);
size_t attribute_lookup(
	const struct attribute_lookup *lookup, struct span key); /* or ATTRIBUTE_NONE */

/* memcmp() is a call for lengths that the compiler does not know; names are short and many. */
static inline bool name_equal(const char *a, const char *b, size_t length)
{
	uint64_t a_word, b_word;

	if (length < sizeof(uint64_t))
		return memcmp(a, b, length) == 0;
	for (size_t at = 0; at + sizeof(uint64_t) < length; at += sizeof(uint64_t)) {
		memcpy(&a_word, a + at, sizeof(a_word));
		memcpy(&b_word, b + at, sizeof(b_word));
		if (a_word != b_word)
			return false;
	}
	memcpy(&a_word, a + length - sizeof(a_word), sizeof(a_word));
	memcpy(&b_word, b + length - sizeof(b_word), sizeof(b_word));
	return a_word == b_word;
}

/* The row behind all inner rows of the same complex value. */
size_t attribute_next_outer(const struct kind *kind, size_t row);

/*
 * One object in rows: each value as it stands in its source, canonical or not; null is absent. The
 * members that only lines have are beside them, not looked at.
 */
struct rows {
	const struct kind *kind;
	struct span id, kind_name, deleted, part, unknown;
	struct span values[KIND_ATTRIBUTES_MAX];
	uint64_t present[ROW_WORDS]; /* a bit for each row with a value */
	/* A bit for each row whose value stands right behind `"name":` and has no escapes. */
	uint64_t plain[ROW_WORDS];
	struct attribute_lookup lookup;
};

/*
 * Reads a checked object. ERROR_FORMAT: a complex value with inner rows is no object.
 * rows_read_unchecked() checks the text while it reads; ERROR_FORMAT also where it is no object.
 */
MUST_CHECK bool rows_read(
	struct rows *rows, const struct kind *kind, struct span object, struct error *err);
MUST_CHECK bool rows_read_unchecked(
	struct rows *rows, const struct kind *kind, struct span text, struct error *err);

static inline bool row_is_plain(const struct rows *rows, size_t row)
{
	return rows->plain[row / 64] >> row % 64 & 1;
}

/* Puts the value of a row, or of all inner rows of an outer name. False where there is none. */
MUST_CHECK bool rows_put(struct rows *rows, struct span name, struct span value, struct error *err);

/* The id in lower case. ERROR_FORMAT: it is none. */
MUST_CHECK bool id_read(struct span value, char id[static ID_BYTES], struct error *err);

/*
 * Writes into room that was reserved before: the canonical form is never longer than its source,
 * so that one question for room is enough for a whole line.
 */
struct pen {
	char *at;
	const char *end;
};

static inline void pen_add(struct pen *pen, const char *data, size_t length)
{
	assert((size_t)(pen->end - pen->at) >= length);
	if (length)
		memcpy(pen->at, data, length);
	pen->at += length;
}

static inline void pen_add_byte(struct pen *pen, char byte)
{
	assert(pen->at < pen->end);
	*pen->at++ = byte;
}

/*
 * Writes the canonical form of a checked value; writes nothing where it is null or empty.
 * `attribute` may be NULL. ERROR_FORMAT: the wrong type for the attribute.
 */
MUST_CHECK bool pen_add_value(
	struct pen *pen, const struct attribute *attribute, struct span value, struct error *err);

/* A text where the attribute holds one text. */
static inline bool value_is_text(const struct attribute *attribute, struct span value)
{
	return attribute->shape == SHAPE_ONE &&
		(attribute->type == TYPE_TEXT || attribute->type == TYPE_INSTANT) && value.length &&
		value.data[0] == '"';
}

/* Whether a canonical value (or nothing) is what the attribute holds. ERROR_FORMAT where not. */
MUST_CHECK bool value_check(
	const struct attribute *attribute, struct span value, struct error *err);

/* Sorts by bytes and drops doubles; returns how many stay. */
size_t spans_sort(struct span *spans, size_t count);
