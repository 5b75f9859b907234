/*
 * Objects read into the rows of their kind, as Graph sends them and as lines have them. Nothing is
 * copied: each row is a slot of the scanner, which fills it while it checks the text, so that
 * the text of an object is walked once. What no row knows is dropped.
 */
#include <string.h>

#include "base/scan.h"
#include "base/text.h"
#include "directory/directory_internal.h"

/* A GUID in lower case, with its quotes. Without branches, so that the compiler takes it in steps. */
static bool read_guid(const char *quoted, char id[static ID_BYTES])
{
	char read[ID_BYTES];
	unsigned wrong = 0, hyphens = 0;

	for (size_t i = 0; i < ID_BYTES; i++) {
		unsigned char byte = (unsigned char)quoted[i + 1];
		unsigned char lower = byte | 0x20;
		unsigned char digit = (unsigned char)(byte - '0') < 10;
		unsigned char letter = (unsigned char)(lower - 'a') < 6;
		unsigned char hyphen = byte == '-';

		wrong |= !(digit | letter | hyphen);
		hyphens += hyphen;
		read[i] = (char)lower; /* digits and hyphens have that bit */
	}
	if (wrong || hyphens != 4 || read[8] != '-' || read[13] != '-' || read[18] != '-' ||
		read[23] != '-')
		return false;
	memcpy(id, read, ID_BYTES);
	return true;
}

bool id_read(struct span value, char id[static ID_BYTES], struct error *err)
{
	if (!value.data)
		return error_set(err, ERROR_FORMAT, "id: missing");
	if (scan_type(value) != SCAN_STRING || value.length != ID_BYTES + strlen("\"\"") ||
		!read_guid(value.data, id))
		return error_set(err, ERROR_FORMAT, "id: not a GUID");
	return true;
}

/* ---- slots --------------------------------------------------------------------------- */

/* The row of an inner name of a complex value. */
static unsigned inner_slot(
	const struct kind *kind, const struct complex_rows *complex, struct span key)
{
	for (unsigned row = complex->first; row < complex->end; row++) {
		struct span inner = attribute_inner_name(&kind->attributes[row]);

		if (key.length == inner.length && name_equal(inner.data, key.data, key.length))
			return row;
	}
	return SCAN_NO_SLOT;
}

static unsigned complex_slot(const struct rows *rows, size_t first)
{
	return rows_complex_slot(rows, rows_complex(rows, first));
}

/* What is no attribute: the members that only lines have, the id, and what a reader asks for. */
static unsigned own_slot(const struct rows *rows, struct span key)
{
	const struct span own[] = { SPAN_LITERAL("id"), SPAN_LITERAL("kind"),
		SPAN_LITERAL("deleted"), SPAN_LITERAL("part"), SPAN_LITERAL("unknown") };

	for (unsigned i = 0; i < COUNT_OF(own); i++)
		if (span_equal(key, own[i]))
			return SLOT_ID + i;
	for (unsigned i = 0; rows->beside && rows->beside[i]; i++)
		if (span_is(key, rows->beside[i]))
			return SLOT_BESIDE + i;
	return SCAN_NO_SLOT;
}

unsigned rows_slot(const struct rows *rows, struct span name)
{
	size_t row = attribute_lookup(&rows->lookup, name);

	if (row == ATTRIBUTE_NONE)
		return own_slot(rows, name);
	return rows->kind->attributes[row].outer_length ? complex_slot(rows, row) : (unsigned)row;
}

/* As rows_slot(), and a directory extension that was not met before gets the next slot. */
static unsigned slot_to_fill(struct rows *rows, struct span name)
{
	unsigned slot = rows_slot(rows, name);
	const struct attribute *row = slot == SCAN_NO_SLOT ? attribute_extension(name) : NULL;

	if (!row)
		return slot;
	for (unsigned i = 0; i < rows->extension_count; i++)
		if (rows->extensions[i] == row)
			return SLOT_EXTENSION + i;
	rows->too_many_extensions |= rows->extension_count == OBJECT_EXTENSIONS_MAX;
	if (rows->too_many_extensions)
		return SCAN_NO_SLOT;
	rows->extensions[rows->extension_count] = row;
	return SLOT_EXTENSION + rows->extension_count++;
}

static unsigned slot_of(void *context, unsigned outer, struct span key)
{
	struct rows *rows = context;

	if (outer == SCAN_OUTERMOST)
		return slot_to_fill(rows, key);
	if (outer < SLOT_COMPLEX || outer >= SLOT_COMPLEX + rows->complex_count)
		return SCAN_NO_SLOT;
	return inner_slot(rows->kind, &rows->complex[outer - SLOT_COMPLEX], key);
}

/* Where in the order of the keys the own members of a line belong. */
static void place_own(struct rows *rows)
{
	static const char *const names[ROWS_OWN] = { "deleted", UNKNOWN_EXTENSIONS, "id", "kind",
		"unknown" };
	const struct kind *kind = rows->kind;
	size_t own = 0;

	/* The first letters mostly decide. */
	for (size_t row = 0; row < kind->attribute_count && own < ROWS_OWN; row++) {
		const char *name = kind->attributes[row].name;

		while (own < ROWS_OWN && names[own][0] <= name[0] && strcmp(names[own], name) < 0)
			rows->own_before[own++] = (uint8_t)row;
	}
	while (own < ROWS_OWN)
		rows->own_before[own++] = KIND_ATTRIBUTES_MAX;
}

void rows_init(struct rows *rows, const struct kind *kind)
{
	rows->kind = kind;
	rows->beside = NULL;
	rows->text_end = NULL;
	rows->slots.slot_of = slot_of;
	rows->slots.context = rows;
	attribute_lookup_init(&rows->lookup, kind);
	rows->complex_count = 0;
	rows->extension_count = 0;
	rows->too_many_extensions = false;
	rows->outer = (struct row_set){ 0 };
	for (size_t row = 0, end; row < kind->attribute_count; row = end) {
		end = attribute_next_outer(kind, row);
		if (!kind->attributes[row].outer_length) {
			row_set_put(&rows->outer, row, true);
			continue;
		}
		assert(rows->complex_count < KIND_COMPLEX_MAX);
		rows->complex[rows->complex_count++] = (struct complex_rows){ (uint8_t)row,
			(uint8_t)end };
	}
	place_own(rows);
}

/* ---- reading ------------------------------------------------------------------------- */

static bool check_complex(const struct rows *rows, struct error *err)
{
	for (unsigned i = 0; i < rows->complex_count; i++) {
		const struct attribute *attribute = &rows->kind->attributes[rows->complex[i].first];
		struct span value = rows_value(rows, SLOT_COMPLEX + i);

		if (value.data && scan_type(value) != SCAN_OBJECT)
			return error_set(err, ERROR_FORMAT, "%.*s: not an object",
				(int)attribute->outer_length, attribute->name);
	}
	return true;
}

bool rows_check(const struct rows *rows, struct span text, struct error *err)
{
	if (scan_type(scan_trim(text)) != SCAN_OBJECT)
		return error_set(err, ERROR_FORMAT, "byte 0: not a JSON object");
	if (rows->too_many_extensions)
		return error_set(err, ERROR_FORMAT, "more than %d directory extensions",
			OBJECT_EXTENSIONS_MAX);
	return check_complex(rows, err);
}

bool rows_read(struct rows *rows, const struct kind *kind, struct span text, struct error *err)
{
	rows_init(rows, kind);
	rows->text_end = text.data + text.length;
	return scan_check_slots(text, &rows->slots, err) && rows_check(rows, text, err);
}

struct row_set rows_that_came(const struct rows *rows)
{
	struct row_set came;

	for (size_t i = 0; i < SLOT_WORDS; i++)
		came.words[i] = rows->slots.present[i] & rows->outer.words[i];
	for (unsigned i = 0; i < rows->complex_count; i++)
		row_set_put(&came, rows->complex[i].first, rows_has(rows, SLOT_COMPLEX + i));
	return came;
}

unsigned rows_extensions(const struct rows *rows, uint8_t slots[static OBJECT_EXTENSIONS_MAX])
{
	unsigned count = 0, at;

	for (unsigned i = 0; i < rows->extension_count; i++) {
		if (!rows_value(rows, SLOT_EXTENSION + i).data)
			continue;
		for (at = count++; at &&
			strcmp(rows->extensions[slots[at - 1] - SLOT_EXTENSION]->name,
				rows->extensions[i]->name) > 0;
			at--)
			slots[at] = slots[at - 1];
		slots[at] = (uint8_t)(SLOT_EXTENSION + i);
	}
	return count;
}

struct row_set rows_with_values(const struct rows *rows)
{
	struct row_set with = rows_that_came(rows);

	for (size_t i = 0; i < SLOT_WORDS; i++)
		with.words[i] &= ~(rows->slots.null[i] & rows->outer.words[i]);
	for (unsigned i = 0; i < rows->complex_count; i++)
		if (rows_is_null(rows, SLOT_COMPLEX + i))
			row_set_put(&with, rows->complex[i].first, false);
	return with;
}

/* The kind that a line is likely to be of: it has to be known before members can find their rows. */
static const struct kind *guess_kind(struct span line)
{
	struct span key = SPAN_LITERAL("\"kind\":\"");
	const char *at = line.length ? memmem(line.data, line.length, key.data, key.length) : NULL;
	const struct kind *kind = NULL;
	const char *end;

	if (at) {
		at += key.length;
		end = memchr(at, '"', (size_t)(line.data + line.length - at));
		kind = end ? kind_find((struct span){ at, (size_t)(end - at) }) : NULL;
	}
	return kind ? kind : kind_get(KIND_USER);
}

bool rows_read_line(struct rows *rows, struct span line, struct error *err)
{
	const struct kind *guessed = guess_kind(line), *kind;

	rows_init(rows, guessed);
	rows->text_end = line.data + line.length;
	if (!scan_check_slots(line, &rows->slots, err))
		return false;
	kind = kind_find(scan_text_direct(rows_value(rows, SLOT_KIND)));
	if (!kind)
		return error_set(err, ERROR_FORMAT, "kind: missing, or none that is known");
	return kind == guessed ? rows_check(rows, line, err) : rows_read(rows, kind, line, err);
}

/* ---- replacing ------------------------------------------------------------------------ */

static void put(struct rows *rows, size_t row, struct span value)
{
	uint64_t bit = UINT64_C(1) << row % 64;

	rows->slots.present[row / 64] &= ~bit;
	rows->slots.null[row / 64] &= ~bit;
	if (value.data)
		rows->slots.present[row / 64] |= bit;
	if (scan_type(value) == SCAN_NULL)
		rows->slots.null[row / 64] |= bit;
	/* Escaped: as it does not stand behind its key, it cannot be copied together with it. */
	rows->slots.found[row] = (struct scan_found){ .value = value, .escaped = true };
}

static bool put_complex(struct rows *rows, size_t first, struct span object, struct error *err)
{
	const struct complex_rows *complex = rows_complex(rows, first);
	struct scan scan = scan_open(object);
	struct span key, value;
	unsigned slot;

	put(rows, complex_slot(rows, first), object);
	for (size_t row = first; row < complex->end; row++)
		put(rows, row, SPAN_NONE);
	if (!check_complex(rows, err))
		return false;
	while (object.data && scan_member(&scan, &key, &value)) {
		CLEANUP(buf_release) struct buf said = BUF_UP_TO(object.length);

		scan_text(key, &said);
		slot = inner_slot(rows->kind, complex, buf_span(&said));
		if (slot != SCAN_NO_SLOT)
			put(rows, slot, value);
	}
	return true;
}

bool rows_put(struct rows *rows, struct span name, struct span value, struct error *err)
{
	const struct attribute *attribute = attribute_find(rows->kind, name);
	size_t row;

	if (attribute) {
		row = attribute_is_extension(attribute)
			? slot_to_fill(rows, name)
			: (size_t)(attribute - rows->kind->attributes);
		if (row == SCAN_NO_SLOT)
			return error_set(err, ERROR_FORMAT, "more than %d directory extensions",
				OBJECT_EXTENSIONS_MAX);
		put(rows, row, value);
		if (attribute->outer_length && value.data)
			put(rows, rows_slot(rows, attribute_outer_name(attribute)),
				SPAN_LITERAL("{}"));
		return true;
	}
	row = attribute_lookup(&rows->lookup, name);
	if (row == ATTRIBUTE_NONE)
		return error_set(err, ERROR_FORMAT, "%.*s: a %s has no such attribute",
			SPAN_FORMAT(name), rows->kind->name);
	return put_complex(rows, row, value, err);
}
