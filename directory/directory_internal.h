/*
 * What the files of this folder share: how rows are found by their names, and the writing of
 * canonical values into room that was reserved for them.
 */
#pragma once

#include <assert.h>

#include "base/scan.h"
#include "directory/directory.h"

enum {
	KIND_ATTRIBUTES_MAX = 96, /* rows of one kind; a test holds the table to it */
	KIND_COMPLEX_MAX = 4,     /* complex values with inner rows, of one kind */
	ATTRIBUTE_NONE = KIND_ATTRIBUTES_MAX,
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

/* True where `names`, the "unknown" of an object or absent, has the attribute, or what it is an inner one of. */
bool names_hold(struct span names, const struct attribute *attribute);

/* What an object says of itself. */
enum answer { ANSWER_NOTHING, ANSWER_UNKNOWN, ANSWER_TRUE, ANSWER_FALSE };

/* By onPremisesSyncEnabled, isCloudManaged, and object_was_synced(). */
enum mastery mastery_of(enum answer synced, enum answer switched, bool was_synced);

/* The row of a directory extension, or NULL: no such name, or too many of them. */
const struct attribute *attribute_extension(struct span name);

/* The row behind all inner rows of the same complex value. */
size_t attribute_next_outer(const struct kind *kind, size_t row);

static inline struct span attribute_outer_name(const struct attribute *attribute)
{
	return (struct span){ attribute->name,
		attribute->outer_length ? attribute->outer_length : attribute->name_length };
}

/* "inner" of "outer/inner". */
static inline struct span attribute_inner_name(const struct attribute *attribute)
{
	return (struct span){ attribute->name + attribute->outer_length + 1,
		attribute->name_length - attribute->outer_length - 1 };
}

/* The slots of an object: first its rows, then what is none. */
enum {
	SLOT_ID = KIND_ATTRIBUTES_MAX,
	SLOT_KIND, /* this and the next three are in lines only */
	SLOT_DELETED,
	SLOT_PART,
	SLOT_UNKNOWN,
	SLOT_COMPLEX, /* the whole values whose inner rows are slots of their own */
	SLOT_BESIDE = SLOT_COMPLEX + KIND_COMPLEX_MAX,
	SLOT_EXTENSION = SLOT_BESIDE + LINE_BESIDE_MAX, /* in the order in which they were met */
	SLOTS_END = SLOT_EXTENSION + OBJECT_EXTENSIONS_MAX,
	SLOT_WORDS = SCAN_SLOTS / 64,
};

_Static_assert((int)SLOTS_END <= (int)SCAN_SLOTS, "all slots have room");

/* A bit for each row. A complex value has that of its first inner row. */
struct row_set {
	uint64_t words[SLOT_WORDS];
};

static inline void row_set_put(struct row_set *set, size_t row, bool on)
{
	uint64_t bit = UINT64_C(1) << row % 64, *word = &set->words[row / 64];

	*word = on ? *word | bit : *word & ~bit;
}

/* The inner rows of one complex value. */
struct complex_rows {
	uint8_t first, end;
};

/* What a line has beside the rows: "deleted", directory extensions, "id", "kind", "unknown". */
enum { ROWS_OWN = 5 };

/* One object in rows: each value as it stands in its source, canonical or not. */
struct rows {
	const struct kind *kind;
	const char *const *beside; /* names for SLOT_BESIDE, or NULL */
	struct complex_rows complex[KIND_COMPLEX_MAX];
	unsigned complex_count;
	struct row_set outer; /* all that are no complex value's */
	/* Of each of rows_own_names the first row that stands behind it in a line. */
	uint8_t own_before[ROWS_OWN];
	const char *text_end; /* of the text that was read; behind it may be no memory */
	struct attribute_lookup lookup;
	const struct attribute *extensions[OBJECT_EXTENSIONS_MAX]; /* by slot */
	unsigned extension_count;
	bool too_many_extensions;
	struct scan_slots slots; /* refers to the rows: they must stay where they are */
};

void rows_init(struct rows *rows, const struct kind *kind);

/* The complex value of which `first` is the first inner row. */
static inline const struct complex_rows *rows_complex(const struct rows *rows, size_t first)
{
	const struct complex_rows *complex = rows->complex;

	while (complex->first != first)
		complex++;
	return complex;
}

/* The slot of the whole of it. */
static inline unsigned rows_complex_slot(
	const struct rows *rows, const struct complex_rows *complex)
{
	return SLOT_COMPLEX + (unsigned)(complex - rows->complex);
}

/* The slot of a member by its (outer) name, or SCAN_NO_SLOT; directory extensions apart. */
unsigned rows_slot(const struct rows *rows, struct span name);

/* The slots of the directory extensions that came, in order of their names; their number. */
unsigned rows_extensions(const struct rows *rows, uint8_t slots[static OBJECT_EXTENSIONS_MAX]);

static inline bool rows_has(const struct rows *rows, unsigned slot)
{
	return rows->slots.present[slot / 64] >> slot % 64 & 1;
}

static inline bool rows_is_null(const struct rows *rows, unsigned slot)
{
	return rows->slots.null[slot / 64] >> slot % 64 & 1;
}

/* It came, and is not null. */
static inline bool rows_has_value(const struct rows *rows, unsigned slot)
{
	return (rows->slots.present[slot / 64] & ~rows->slots.null[slot / 64]) >> slot % 64 & 1;
}

/* The value in a slot; absent where it did not come, or is null. */
static inline struct span rows_value(const struct rows *rows, unsigned slot)
{
	return rows_has_value(rows, slot) ? rows->slots.found[slot].value : SPAN_NONE;
}

/* The rows that came, null or not; and those that came and are not null. */
struct row_set rows_that_came(const struct rows *rows);
struct row_set rows_with_values(const struct rows *rows);

/*
 * Checks a text and reads it. ERROR_FORMAT: it is no strict JSON, no object, or a complex value with
 * inner rows is none. rows_read_line() learns the kind from the text; ERROR_FORMAT: from none.
 */
MUST_CHECK bool rows_read(
	struct rows *rows, const struct kind *kind, struct span text, struct error *err);
MUST_CHECK bool rows_read_line(struct rows *rows, struct span line, struct error *err);

/* The rest of these checks, of slots that were filled from a text that is JSON. */
MUST_CHECK bool rows_check(const struct rows *rows, struct span text, struct error *err);

/* Puts the value of a row, or of all inner rows of an outer name. False where there is none. */
MUST_CHECK bool rows_put(struct rows *rows, struct span name, struct span value, struct error *err);

/*
 * Appends the line of an object in rows. `most` is how long it can become. ERROR_FORMAT: the wrong type
 * for an attribute, or a line that is too long; `out` is then as it was.
 */
struct line_own {
	char id[ID_BYTES + 1];
	bool deleted;
	struct span unknown; /* a JSON array of names, or absent */
	bool unknown_sorted; /* these are as a line has them */
};

enum {
	/* {"deleted":true,"id":"…","kind":"contact","unknown":…}, and what punctuation may add. */
	LINE_OWN_BYTES = 128,
};

MUST_CHECK bool line_add_rows(struct buf *out, const struct rows *rows, const struct line_own *own,
	size_t most, struct error *err);

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

/*
 * The same from a text that can be read up to `end`. What is short is copied as a whole step, which
 * the processor foresees: its length is anything.
 */
static inline void pen_add_near(struct pen *pen, const char *data, size_t length, const char *end)
{
	enum { STEP = 64 };

	if (length <= STEP && end - data >= STEP && pen->end - pen->at >= STEP) {
		memcpy(pen->at, data, STEP);
		pen->at += length;
		return;
	}
	pen_add(pen, data, length);
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

/* A set of few texts, as most sets are: addresses, phones. */
enum { TEXTS_MAX = 24 };

struct texts {
	struct span at[TEXTS_MAX]; /* with their quotes, sorted, all different */
	size_t count;
	bool canonical; /* they stand so in the source */
};

/*
 * Reads a checked array without escapes. False where it has something else, blanks, or more texts
 * than that: pen_add_value() writes any set.
 */
bool texts_read(struct texts *texts, struct span array);
/* `end`: see pen_add_near(). */
void pen_add_texts(struct pen *pen, const struct texts *texts, const char *end);

/* Whether a canonical value (or nothing) is what the attribute holds. ERROR_FORMAT where not. */
MUST_CHECK bool value_check(
	const struct attribute *attribute, struct span value, struct error *err);

/* Sorts by bytes and drops doubles; returns how many stay. */
size_t spans_sort(struct span *spans, size_t count);
