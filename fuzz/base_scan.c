/*
 * The scanner on any bytes: it may refuse them, but what it accepts can be walked, says the same as
 * jansson says, and survives quoting.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "base/scan.h"

enum { SPLIT_MAX = 2048 }; /* longer texts are not tried at every byte */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_string(struct span string)
{
	struct buf said = BUF_UP_TO(SCAN_STRING_MAX), quoted = BUF_UP_TO(SCAN_STRING_MAX * 6 + 2);
	struct buf back = BUF_UP_TO(SCAN_STRING_MAX);
	struct span direct = scan_text_direct(string);
	struct error err = { 0 };
	bool good;

	scan_text(string, &said);
	scan_quote(buf_span(&said), &quoted);
	scan_text(buf_span(&quoted), &back);
	good = scan_check(buf_span(&quoted), &err);
	assert(good);
	assert(span_equal(buf_span(&said), buf_span(&back)));
	assert(scan_compare(string, buf_span(&quoted)) == 0);
	assert(scan_is_canonical_string(buf_span(&quoted)));
	assert(!direct.data || span_equal(direct, buf_span(&said)));
	buf_release(&said);
	buf_release(&quoted);
	buf_release(&back);
}

/* At most SCAN_DEPTH_MAX deep. */
static void walk(struct span value)
{
	struct scan scan = { 0 };
	struct span key, inner;

	assert(value.length);
	switch (scan_type(value)) {
	case SCAN_OBJECT:
		for (scan = scan_open(value); scan_member(&scan, &key, &inner);) {
			try_string(key);
			walk(inner);
		}
		break;
	case SCAN_ARRAY:
		for (scan = scan_open(value); scan_element(&scan, &inner);)
			walk(inner);
		break;
	case SCAN_STRING:
		try_string(value);
		break;
	default:
		break;
	}
}

/* Slots by the first byte of a key, those of inner members beside them. */
static unsigned slot_of(void *context, unsigned outer, struct span key)
{
	(void)context;
	if (!key.length || (key.data[0] & 1))
		return SCAN_NO_SLOT;
	return (outer == SCAN_OUTERMOST ? 0 : SCAN_SLOTS / 2) + (unsigned char)key.data[0] % 64;
}

struct reading {
	bool good;
	size_t taken;
	struct error err;
	struct scan_slots slots;
};

static struct scan_slots slots = { .slot_of = slot_of };

static struct reading read_prefix(struct span text, struct scan_shape *shape)
{
	struct reading reading = { .taken = SIZE_MAX };

	reading.good = scan_prefix(text, shape, &slots, &reading.taken, &reading.err);
	assert(reading.good == (reading.err.kind == ERROR_NONE));
	reading.slots = slots;
	return reading;
}

static void assert_same(const struct reading *a, const struct reading *b)
{
	const struct scan_found *one = a->slots.found, *other = b->slots.found;

	assert(a->good == b->good && a->taken == b->taken);
	assert(strcmp(a->err.text, b->err.text) == 0);
	if (!a->good || !a->taken)
		return;
	assert(memcmp(a->slots.present, b->slots.present, sizeof(slots.present)) == 0);
	assert(memcmp(a->slots.null, b->slots.null, sizeof(slots.null)) == 0);
	for (size_t i = 0; i < SCAN_SLOTS; i++)
		if ((a->slots.present[i / 64] & ~a->slots.null[i / 64]) >> i % 64 & 1)
			assert(one[i].key == other[i].key &&
				span_equal(one[i].value, other[i].value) &&
				one[i].escaped == other[i].escaped &&
				one[i].joined == other[i].joined);
}

/* A shape, fresh or not, changes nothing. */
static struct reading check_shapes(struct span text)
{
	struct scan_shape *shape = scan_shape_new();
	struct reading without = read_prefix(text, NULL), with = read_prefix(text, shape);
	struct reading again = read_prefix(text, shape);

	assert_same(&without, &with);
	assert_same(&without, &again);
	scan_shape_free(shape);
	return without;
}

/*
 * Every beginning of the text: what is whole is so from its last byte on, what is refused is
 * refused with the same words; and before that nothing is wrong.
 */
static void check_splits(struct span text, const struct reading *whole)
{
	for (size_t cut = 0; cut < text.length; cut++) {
		struct error err = { 0 };
		size_t taken = SIZE_MAX;
		bool good = scan_prefix((struct span){ text.data, cut }, NULL, NULL, &taken, &err);

		if (!good)
			assert(!whole->good && strcmp(err.text, whole->err.text) == 0);
		else if (taken)
			assert(whole->good && taken == whole->taken);
		else
			assert(!whole->good || !whole->taken || cut <= whole->taken);
	}
}

static bool is_limit(const struct error *err)
{
	static const char *const limits[] = { "nested too deeply",
		"the object has too many members", "the array has too many elements",
		"the string is too long" };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (strstr(err->text, limits[i]))
			return true;
	return false;
}

/* The table of differences, with its reasons, is in tests/base/scan_oracle_test.c. */
static void compare_with_jansson(struct span text, bool ours, const struct error *err)
{
	json_error_t why;
	json_t *oracle = json_loadb(text.data, text.length,
		JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);

	if (ours)
		assert(oracle || json_error_code(&why) == json_error_numeric_overflow ||
			json_error_code(&why) == json_error_null_byte_in_key);
	else
		assert(!oracle || memchr(text.data, 0, text.length) || is_limit(err));
	json_decref(oracle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	struct error err = { 0 };
	struct reading whole;
	bool good;

	if (!size)
		return 0;
	good = scan_check(text, &err);
	assert(good == (err.kind == ERROR_NONE));
	if (good)
		walk(scan_trim(text));
	whole = check_shapes(text);
	/* Of what is wrong before its end as of what is whole, the beginning says the same. */
	assert(good || !whole.good || whole.taken < size);
	if (size <= SPLIT_MAX)
		check_splits(text, &whole);
	compare_with_jansson(text, good, &err);
	return 0;
}
