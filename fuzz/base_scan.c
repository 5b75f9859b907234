/*
 * The scanner on any bytes: it may refuse them, but what it accepts can be walked, says the same as
 * jansson says, and survives quoting.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "base/scan.h"

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

/* Members handed out while the text is checked are those that a walk gives. */
static bool give_and_walk(void *context, const struct scan_found *found, struct error *err)
{
	struct scan *scan = context;
	struct span key, value;
	bool more = scan_member(scan, &key, &value);

	(void)err;
	assert(more);
	assert(span_equal(found->key, key) && span_equal(found->value, value));
	assert(found->key_escaped == !!memchr(key.data, '\\', key.length));
	assert(found->value_escaped == !!memchr(value.data, '\\', value.length));
	return true;
}

static void check_members(struct span text)
{
	struct scan scan = scan_open(text);
	struct error err = { 0 };
	struct span key, value;
	bool good = scan_check_members(text, give_and_walk, &scan, &err);

	assert(good);
	good = scan_type(scan_trim(text)) == SCAN_OBJECT && scan_member(&scan, &key, &value);
	assert(!good);
}

/*
 * jansson loses a raw NUL byte behind a name, refuses numbers out of its range and a NUL in a key,
 * and allows more depth and members than we do.
 */
static void compare_with_jansson(struct span text, bool ours)
{
	json_error_t why;
	json_t *oracle = json_loadb(text.data, text.length,
		JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);

	if (ours)
		assert(oracle || json_error_code(&why) == json_error_numeric_overflow ||
			json_error_code(&why) == json_error_null_byte_in_key);
	else
		assert(!oracle || memchr(text.data, 0, text.length) ||
			text.length > SCAN_DEPTH_MAX);
	json_decref(oracle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	struct error err = { 0 };
	bool good;

	if (!size)
		return 0;
	good = scan_check(text, &err);
	assert(good == (err.kind == ERROR_NONE));
	if (good) {
		walk(scan_trim(text));
		check_members(text);
	}
	compare_with_jansson(text, good);
	return 0;
}
