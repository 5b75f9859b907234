/* JSON that is small: strict on the way in, canonical on the way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scan.h"
#include "tests/base/base_testing.h"

enum { LIMIT = 1 << 20 };

static json_t *parsed(const char *text)
{
	struct error err = { 0 };
	json_t *json = json_parse(span_of(text), LIMIT, &err);

	if (!json)
		fail_msg("%s: %s", text, err.text);
	return json;
}

static void assert_refused(struct span text, const char *why)
{
	struct error err = { 0 };
	CLEANUP(json_freep) json_t *json = json_parse(text, LIMIT, &err);

	assert_null(json);
	assert_int_equal(err.kind, ERROR_FORMAT);
	if (!strstr(err.text, why))
		fail_msg("'%s' does not say '%s'", err.text, why);
}

static void assert_canonical(const char *text, const char *expected)
{
	CLEANUP(json_freep) json_t *json = parsed(text);
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(LIMIT);

	json_add(&out, json);
	assert_string_equal(buf_text(&out), expected);
}

/* ---- parsing --------------------------------------------------------------------------- */

static void any_value_is_a_document(void **state)
{
	static const char *const documents[] = { "{}", "[]", "\"\"", "0", "-1.5e3", "true", "false",
		"null", " \t\r\n{ } \n" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(documents); i++) {
		CLEANUP(json_freep) json_t *json = parsed(documents[i]);

		assert_non_null(json);
	}
}

static void duplicate_keys_are_refused_however_they_are_spelled(void **state)
{
	(void)state;
	assert_refused(span_of("{\"a\":1,\"a\":1}"), "duplicate key");
	assert_refused(span_of("{\"a\":1,\"\\u0061\":2}"), "duplicate key");
	assert_refused(span_of("[{\"b\":{\"a\":1,\"c\":2,\"a\":null}}]"), "duplicate key");
}

static void nul_is_refused_in_texts_keys_and_between(void **state)
{
	(void)state;
	assert_refused(span_of("\"a\\u0000b\""), "\\u0000");
	assert_refused(span_of("{\"a\\u0000\":1}"), "NUL");
	assert_refused(SPAN_LITERAL("\"a\0b\""), "byte 2: a control character");
	assert_refused(SPAN_LITERAL("{}\0"), "byte 2: something follows");
	assert_refused(SPAN_LITERAL("\0{}"), "byte 0");
}

static void trailing_bytes_are_refused(void **state)
{
	(void)state;
	assert_refused(span_of("{}{}"), "byte 2: something follows the value");
	assert_refused(span_of("{} x"), "byte 3: something follows the value");
	assert_refused(span_of("{},"), "byte 2: something follows the value");
	assert_refused(span_of("\xef\xbb\xbf{}"), "byte 0");
}

static void what_ends_too_early_is_refused_at_every_byte(void **state)
{
	const struct span whole = SPAN_LITERAL(
		"{\"a\":[1,-2.5e+3,\"\\u00e4\\n日\",{\"b\":null}],\"c\":true}");

	(void)state;
	for (size_t length = 0; length < whole.length; length++) {
		CLEANUP(memory_freep) char *exact = memory_copy(whole.data, length);

		assert_refused((struct span){ exact, length }, "byte ");
	}
	assert_refused(SPAN_NONE, "byte 0");
}

static void nest(struct buf *text, unsigned depth)
{
	buf_cut(text, 0);
	for (unsigned i = 0; i < depth; i++)
		buf_add_byte(text, '[');
	for (unsigned i = 0; i < depth; i++)
		buf_add_byte(text, ']');
}

static void depth_is_limited_to_64(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(LIMIT);
	CLEANUP(json_freep) json_t *json = NULL;

	(void)state;
	nest(&text, 64);
	json = parsed(buf_text(&text));
	assert_non_null(json);
	nest(&text, 65);
	assert_refused(buf_span(&text), "byte 64: nested too deeply");
	nest(&text, 100000);
	assert_refused(buf_span(&text), "byte 64: nested too deeply");
}

static void size_is_limited_to_the_byte(void **state)
{
	struct error err = { 0 };
	CLEANUP(json_freep) json_t *fits = json_parse(span_of("[1,2]"), 5, &err);
	CLEANUP(json_freep) json_t *too_large = json_parse(span_of("[1,2]"), 4, &err);

	(void)state;
	assert_non_null(fits);
	assert_null(too_large);
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_string_equal(err.text, "5 bytes of JSON, more than the limit of 4");
}

static void numbers_that_would_change_are_refused(void **state)
{
	(void)state;
	assert_refused(span_of("[9223372036854775808]"), "integer");
	assert_refused(span_of("[1e999]"), "overflow");
}

static void text_that_is_no_utf8_is_refused(void **state)
{
	(void)state;
	assert_refused(span_of("\"\xff\""), "byte 1: not UTF-8");
	assert_refused(span_of("\"\xed\xa0\x80\""), "byte 1: not UTF-8");
	assert_refused(span_of("\"\\ud800\""), "surrogate");
	assert_refused(span_of("{\"\xc0\xaf\":1}"), "byte 2: not UTF-8");
}

/* ---- members --------------------------------------------------------------------------- */

static void members_of_the_right_type_are_given(void **state)
{
	CLEANUP(json_freep) json_t *json = parsed("{\"t\":\"Zoë\",\"a\":[1],\"o\":{},\"n\":-5}");
	struct error err = { 0 };
	int64_t number = 0;

	(void)state;
	assert_string_equal(json_text(json, "t", &err), "Zoë");
	assert_int_equal(json_array_size(json_array_of(json, "a", &err)), 1);
	assert_non_null(json_object_of(json, "o", &err));
	assert_true(json_number_of(json, "n", &number, &err));
	assert_int_equal(number, -5);
	assert_int_equal(err.kind, ERROR_NONE);
}

static void integers_keep_all_64_bits(void **state)
{
	CLEANUP(json_freep) json_t *json = parsed("[9223372036854775807,-9223372036854775808]");

	(void)state;
	assert_true(json_integer_value(json_array_get(json, 0)) == INT64_MAX);
	assert_true(json_integer_value(json_array_get(json, 1)) == INT64_MIN);
	assert_canonical("[9223372036854775807]", "[9223372036854775807]");
}

/* What a getter says when it is given the value of each other type. */
struct wrong_type {
	const char *key, *said;
};

static const struct wrong_type wrong_types[] = {
	{ "text", "\"text\" is a text" },
	{ "whole", "\"whole\" is a number" },
	{ "real", "\"real\" is a number" },
	{ "true", "\"true\" is true" },
	{ "false", "\"false\" is false" },
	{ "null", "\"null\" is null" },
	{ "array", "\"array\" is an array" },
	{ "object", "\"object\" is an object" },
	{ "nowhere", "\"nowhere\" is missing" },
};

static const char all_types[] =
	"{\"text\":\"\",\"whole\":0,\"real\":0.0,\"true\":true,\"false\":false,"
	"\"null\":null,\"array\":[],\"object\":{}}";

static void check_wrong(bool given, const struct error *err, const struct wrong_type *row,
	const char *right, const char *wanted)
{
	char expected[128];

	if (strcmp(row->key, right) == 0) {
		assert_true(given);
		return;
	}
	assert_false(given);
	assert_int_equal(err->kind, ERROR_FORMAT);
	snprintf(expected, sizeof(expected), "%s, %s was expected", row->said, wanted);
	assert_string_equal(err->text, expected);
}

static void a_wrong_type_is_an_error_that_names_key_and_types(void **state)
{
	CLEANUP(json_freep) json_t *json = parsed(all_types);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong_types); i++) {
		const struct wrong_type *row = &wrong_types[i];
		struct error text = { 0 }, array = { 0 }, object = { 0 }, number = { 0 };
		int64_t value = 7;

		check_wrong(json_text(json, row->key, &text), &text, row, "text", "a text");
		check_wrong(
			json_array_of(json, row->key, &array), &array, row, "array", "an array");
		check_wrong(json_object_of(json, row->key, &object), &object, row, "object",
			"an object");
		check_wrong(json_number_of(json, row->key, &value, &number), &number, row, "whole",
			"a whole number");
		assert_int_equal(value, strcmp(row->key, "whole") == 0 ? 0 : 7);
	}
}

static void what_is_no_object_has_no_members(void **state)
{
	CLEANUP(json_freep) json_t *array = parsed("[1]");
	struct error err = { 0 };

	(void)state;
	assert_null(json_text(array, "a", &err));
	assert_string_equal(err.text, "\"a\" is missing, a text was expected");
	assert_null(json_text(NULL, "a", &err));
}

static void a_text_or_null_is_null_for_everything_else(void **state)
{
	CLEANUP(json_freep) json_t *json = parsed(all_types);

	(void)state;
	assert_string_equal(json_text_or_null(json, "text"), "");
	for (size_t i = 1; i < COUNT_OF(wrong_types); i++)
		assert_null(json_text_or_null(json, wrong_types[i].key));
}

/* ---- writing --------------------------------------------------------------------------- */

static void keys_are_written_in_byte_order_without_blanks(void **state)
{
	(void)state;
	assert_canonical("{ \"b\" : 1, \"a\" : [ 1 , { \"z\":{}, \"y\" : [] } ] }",
		"{\"a\":[1,{\"y\":[],\"z\":{}}],\"b\":1}");
	assert_canonical(
		"{\"é\":1,\"z\":2,\"Z\":3,\"\":4,\"日\":5,\"ab\":6,\"a\":7,\"🙂\":8,\"\uff5e\":9}",
		"{\"\":4,\"Z\":3,\"a\":7,\"ab\":6,\"z\":2,\"é\":1,\"日\":5,\"\uff5e\":9,\"🙂\":8}");
	assert_canonical("[true,false,null,-0,12]", "[true,false,null,0,12]");
}

static void escapes_are_the_fewest(void **state)
{
	(void)state;
	assert_canonical(
		"\"\\/\\u00e4\\u65e5\\ud83d\\ude42\\u0041\\u007f\"", "\"/ä日🙂A\x7f\"");
	assert_canonical("\"\\u0008\\u000C\\u000A\\u000D\\u0009\\u0022\\u005C\"",
		"\"\\b\\f\\n\\r\\t\\\"\\\\\"");
	assert_canonical("\"\\u001F\\u000B\"", "\"\\u001f\\u000b\"");
	assert_canonical("{\"\\u001B[0m\":\"\\\\u001B\"}", "{\"\\u001b[0m\":\"\\\\u001B\"}");
	/* A text that looks like an escape is none. */
	assert_canonical("\"\\\\\\\\u00AB\\\\\\u001E\"", "\"\\\\\\\\u00AB\\\\\\u001e\"");
}

static void every_character_of_the_bmp_is_written_as_the_scanner_writes_it(void **state)
{
	CLEANUP(buf_release) struct buf ours = BUF_UP_TO(64), scanner = BUF_UP_TO(64);
	char bytes[6] = "<";

	(void)state;
	for (uint32_t scalar = 0; scalar < 0x10000; scalar++) {
		size_t length = encode_utf8(scalar, bytes + 1) + 2;
		CLEANUP(json_freep) json_t *json = NULL;

		if (scalar >= 0xd800 && scalar <= 0xdfff)
			continue;
		bytes[length - 1] = '>';
		json = json_stringn(bytes, length);
		assert_non_null(json);
		buf_cut(&ours, 0);
		buf_cut(&scanner, 0);
		json_add(&ours, json);
		scan_quote((struct span){ bytes, length }, &scanner);
		assert_string_equal(buf_text(&ours), buf_text(&scanner));
		assert_true(scan_is_canonical_string(buf_span(&ours)));
	}
}

static void what_was_in_the_buffer_before_stays_as_it_was(void **state)
{
	CLEANUP(json_freep) json_t *json = parsed("\"\\u001F\"");
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(64);

	(void)state;
	buf_add_text(&out, "\\u001F");
	json_add(&out, json);
	assert_string_equal(buf_text(&out), "\\u001F\"\\u001f\"");
}

static void a_document_too_large_for_its_buffer_is_noticed(void **state)
{
	CLEANUP(json_freep) json_t *json = parsed("[\"\\u001F\",\"\\u001F\"]");
	struct error err = { 0 };

	(void)state;
	for (size_t limit = 0; limit <= 20; limit++) {
		CLEANUP(buf_release) struct buf out = BUF_UP_TO(limit);

		json_add(&out, json);
		assert_int_equal(buf_check(&out, "it", &err), limit >= 19);
	}
}

static void what_is_written_is_read_as_the_same(void **state)
{
	static const char *const canonical[] = { "null", "\"\"", "[[],{}]",
		"{\"a\":{\"b\":[1,\"\\u0001\"]}}",
		"{\"accountEnabled\":true,\"displayName\":\"Zoë \\\"Zed\\\"\"}" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(canonical); i++) {
		CLEANUP(json_freep) json_t *parsed_one = parsed(canonical[i]);
		CLEANUP(json_freep) json_t *from_span = json_from_span(span_of(canonical[i]));

		assert_true(json_equal(parsed_one, from_span));
		assert_canonical(canonical[i], canonical[i]);
	}
}

static void a_span_of_nothing_is_null(void **state)
{
	CLEANUP(json_freep) json_t *json = json_from_span(SPAN_NONE);

	(void)state;
	assert_true(json_is_null(json));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_value_is_a_document),
		cmocka_unit_test(duplicate_keys_are_refused_however_they_are_spelled),
		cmocka_unit_test(nul_is_refused_in_texts_keys_and_between),
		cmocka_unit_test(trailing_bytes_are_refused),
		cmocka_unit_test(what_ends_too_early_is_refused_at_every_byte),
		cmocka_unit_test(depth_is_limited_to_64),
		cmocka_unit_test(size_is_limited_to_the_byte),
		cmocka_unit_test(numbers_that_would_change_are_refused),
		cmocka_unit_test(text_that_is_no_utf8_is_refused),
		cmocka_unit_test(members_of_the_right_type_are_given),
		cmocka_unit_test(integers_keep_all_64_bits),
		cmocka_unit_test(a_wrong_type_is_an_error_that_names_key_and_types),
		cmocka_unit_test(what_is_no_object_has_no_members),
		cmocka_unit_test(a_text_or_null_is_null_for_everything_else),
		cmocka_unit_test(keys_are_written_in_byte_order_without_blanks),
		cmocka_unit_test(escapes_are_the_fewest),
		cmocka_unit_test(every_character_of_the_bmp_is_written_as_the_scanner_writes_it),
		cmocka_unit_test(what_was_in_the_buffer_before_stays_as_it_was),
		cmocka_unit_test(a_document_too_large_for_its_buffer_is_noticed),
		cmocka_unit_test(what_is_written_is_read_as_the_same),
		cmocka_unit_test(a_span_of_nothing_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
