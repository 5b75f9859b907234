/*
 * The scanner against the published suite of JSON cases, and its walkers and quoting by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scan.h"
#include "tests/shared.h"

#define CASES TEST_SHARED "/vectors/json"

static bool accepted(struct span text)
{
	struct error err = { 0 };
	bool good = scan_check(text, &err);

	if (good)
		assert_int_equal(err.kind, ERROR_NONE);
	else
		assert_int_equal(err.kind, ERROR_FORMAT);
	return good;
}

static void assert_refused(struct span text, const char *why)
{
	struct error err = { 0 };

	assert_false(scan_check(text, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_string_equal(err.text, why);
}

/* ---- the published cases ---------------------------------------------------------- */

/* Our scanner refuses duplicate keys on purpose: two readers may disagree on which one counts. */
static bool repeats_a_key(const char *name)
{
	return strncmp(name, "y_object_duplicated_key", strlen("y_object_duplicated_key")) == 0;
}

static void try_case(const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	CLEANUP(memory_freep) char *path = file_path(CASES, name);
	struct error err = { 0 };
	bool good;

	if (!file_load(path, 1 << 20, &text, &err))
		fail_msg("%s", err.text);
	good = accepted(buf_span(&text));
	if (name[0] == 'i')
		return;
	if (good != (name[0] == 'y' && !repeats_a_key(name)))
		fail_msg("%s was %s", name, good ? "accepted" : "refused");
}

static void published_cases_are_judged_as_their_names_say(void **state)
{
	struct dirent *entry;
	size_t tried = 0;
	DIR *folder = opendir(CASES);

	(void)state;
	if (!folder) {
		print_message("skipped: %s is not there\n", CASES);
		skip();
	}
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.' || !strstr(entry->d_name, ".json"))
			continue;
		try_case(entry->d_name);
		tried++;
	}
	closedir(folder);
	assert_true(tried > 200);
}

/* ---- limits and refusals ---------------------------------------------------------- */

static void add_repeated(struct buf *out, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_add_text(out, text);
}

static void a_hundred_thousand_open_brackets_are_refused(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);

	(void)state;
	add_repeated(&text, "[", 100000);
	assert_refused(buf_span(&text), "byte 64: nested too deeply");
}

static void depth_is_allowed_up_to_its_limit(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);

	(void)state;
	add_repeated(&text, "[", SCAN_DEPTH_MAX);
	add_repeated(&text, "]", SCAN_DEPTH_MAX);
	assert_true(accepted(buf_span(&text)));
	buf_cut(&text, 0);
	add_repeated(&text, "{\"a\":", SCAN_DEPTH_MAX);
	buf_add_text(&text, "{}");
	add_repeated(&text, "}", SCAN_DEPTH_MAX);
	assert_false(accepted(buf_span(&text)));
}

static void add_numbered_members(struct buf *out, unsigned count)
{
	buf_add_byte(out, '{');
	for (unsigned i = 0; i < count; i++)
		buf_addf(out, "%s\"member%05u\":%u", i ? "," : "", i * 7919 % 100000, i);
	buf_add_byte(out, '}');
}

static void members_are_allowed_up_to_their_limit(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);

	(void)state;
	add_numbered_members(&text, SCAN_MEMBERS_MAX);
	assert_true(accepted(buf_span(&text)));
	buf_cut(&text, 0);
	add_numbered_members(&text, SCAN_MEMBERS_MAX + 1);
	assert_false(accepted(buf_span(&text)));
}

static void strings_are_allowed_up_to_their_limit(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(SCAN_STRING_MAX + 16);
	char *room;

	(void)state;
	buf_add_byte(&text, '"');
	room = buf_room(&text, SCAN_STRING_MAX);
	memset(room, 'x', SCAN_STRING_MAX);
	buf_grew(&text, SCAN_STRING_MAX);
	buf_add_byte(&text, '"');
	assert_true(accepted(buf_span(&text)));
	buf_cut(&text, text.length - 1);
	buf_add_text(&text, "y\"");
	assert_refused(buf_span(&text), "byte 1: the string is too long");
}

static void elements_are_allowed_up_to_their_limit(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO((size_t)2 * SCAN_ELEMENTS_MAX + 16);

	(void)state;
	buf_add_text(&text, "[1");
	add_repeated(&text, ",1", SCAN_ELEMENTS_MAX - 1);
	buf_add_byte(&text, ']');
	assert_true(accepted(buf_span(&text)));
	buf_cut(&text, text.length - 1);
	buf_add_text(&text, ",1]");
	assert_false(accepted(buf_span(&text)));
}

static void refusals_name_the_byte_and_the_reason(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "byte 0: the text ends where a value belongs" },
		{ "[1,]", "byte 3: no JSON value begins like this" },
		{ "{\"a\":1,}", "byte 7: a key belongs here" },
		{ "{\"a\" 1}", "byte 5: a colon belongs here" },
		{ "[1 2]", "byte 3: a comma or ] belongs here" },
		{ "{\"a\":1]", "byte 6: a comma or } belongs here" },
		{ "[1", "byte 2: the array does not end" },
		{ "{\"a\":1", "byte 6: the object does not end" },
		{ "\"abc", "byte 4: the string does not end" },
		{ "\"a\nb\"", "byte 2: a control character in a string" },
		{ "\"\\x\"", "byte 1: an escape that JSON does not have" },
		{ "\"\\u12g4\"", "byte 1: four hexadecimal digits belong behind \\u" },
		{ "\"\\ud800\"", "byte 1: half of a surrogate pair" },
		{ "\"\\ud800\\ud800\"", "byte 1: half of a surrogate pair" },
		{ "\"\\udc00\"", "byte 1: half of a surrogate pair" },
		{ "\"abcdefgh\xff\"", "byte 9: not UTF-8" },
		{ "\"\xc0\xaf\"", "byte 1: not UTF-8" },
		{ "\"\xed\xa0\x80\"", "byte 1: not UTF-8" },
		{ "\"\xf4\x90\x80\x80\"", "byte 1: not UTF-8" },
		{ "\"\xe2\x82\"", "byte 1: not UTF-8" },
		{ "01", "byte 1: a number with a leading zero" },
		{ "1.", "byte 2: digits belong behind the decimal point" },
		{ "1e", "byte 2: digits belong in the exponent" },
		{ "-", "byte 1: no JSON value begins like this" },
		{ "nul", "byte 0: no JSON value begins like this" },
		{ "1 1", "byte 2: something follows the value" },
		{ "{\"a\":1,\"b\":2,\"a\":3}", "byte 14: a duplicate key" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_refused(span_of(cases[i].text), cases[i].why);
}

static void text_is_never_read_behind_its_end(void **state)
{
	static const char whole[] = "{\"key\":[\"va\\u00e4l\xc3\xa4ue\",-1.5e+7,true,null]}";

	(void)state;
	for (size_t length = 0; length < sizeof(whole) - 1; length++) {
		/* A heap block of exactly this size: the address sanitizer watches its end. */
		CLEANUP(memory_freep) char *cut = memory_copy(whole, length ? length : 1);

		assert_false(accepted((struct span){ cut, length }));
	}
	assert_true(accepted(span_of(whole)));
}

/* ---- duplicate keys --------------------------------------------------------------- */

static void a_key_repeated_through_an_escape_is_refused(void **state)
{
	(void)state;
	assert_refused(span_of("{\"mail\":1,\"m\\u0061il\":2}"), "byte 11: a duplicate key");
	assert_refused(span_of("{\"m\\u0061il\":1,\"mail\":2}"), "byte 16: a duplicate key");
	assert_refused(span_of("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"),
		"byte 19: a duplicate key");
	assert_false(accepted(span_of("{\"a/b\":1,\"a\\/b\":2}")));
	assert_true(accepted(span_of("{\"a\\u0000\":1,\"a\":2,\"\":3}")));
}

static void the_same_key_in_another_object_is_no_duplicate(void **state)
{
	(void)state;
	assert_true(accepted(
		span_of("{\"a\":{\"a\":{\"a\":1},\"b\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":1}]}")));
	assert_false(accepted(span_of("{\"a\":{\"b\":1},\"b\":{\"a\":{},\"c\":[],\"a\":0}}")));
}

static void a_duplicate_is_found_in_objects_of_every_size(void **state)
{
	static const unsigned sizes[] = { 2, 3, 40, 64, 65, 66, 190, 200, 1000, SCAN_MEMBERS_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);

		add_numbered_members(&text, sizes[i] - 1);
		buf_cut(&text, text.length - 1);
		buf_add_text(&text, ",\"member07919\":0}");
		assert_int_equal(accepted(buf_span(&text)), sizes[i] == 2);
	}
}

/* ---- walking ---------------------------------------------------------------------- */

static void a_walk_gives_members_in_their_order_without_blanks(void **state)
{
	struct scan scan = scan_open(span_of(
		" { \"a\" : [ 1 , \"]\" ] ,\"b\\\"\":\"x\\\\\", \"c\":{ \"}\": {} } ,\"\":-1.5e3 } "));
	static const char *const expected[][2] = {
		{ "a", "[ 1 , \"]\" ]" },
		{ "b\\\"", "\"x\\\\\"" },
		{ "c", "{ \"}\": {} }" },
		{ "", "-1.5e3" },
	};
	struct span key, value;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		assert_true(scan_member(&scan, &key, &value));
		assert_true(span_is(key, expected[i][0]));
		assert_true(span_is(value, expected[i][1]));
	}
	assert_false(scan_member(&scan, &key, &value));
	assert_false(scan_member(&scan, &key, &value));
}

static void a_walk_gives_the_elements_of_an_array(void **state)
{
	struct scan scan = scan_open(span_of("[true,[[]] , {\"a\":\"]\"},null\t,\"\"\n]"));
	static const char *const expected[] = { "true", "[[]]", "{\"a\":\"]\"}", "null", "\"\"" };
	struct span value;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		assert_true(scan_element(&scan, &value));
		assert_true(span_is(value, expected[i]));
	}
	assert_false(scan_element(&scan, &value));
}

static void empty_and_absent_containers_have_nothing_to_walk(void **state)
{
	static const char *const texts[] = { "{}", "[]", " [ ] ", "{\n}", NULL };
	struct span key, value;
	struct scan scan;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		scan = scan_open(span_of(texts[i]));
		assert_false(scan_element(&scan, &value));
		scan = scan_open(span_of(texts[i]));
		assert_false(scan_member(&scan, &key, &value));
	}
}

static void types_are_told_by_the_first_byte(void **state)
{
	static const struct {
		const char *text;
		enum scan_type type;
	} cases[] = {
		{ NULL, SCAN_NOTHING },
		{ "{}", SCAN_OBJECT },
		{ "[]", SCAN_ARRAY },
		{ "\"\"", SCAN_STRING },
		{ "-1", SCAN_NUMBER },
		{ "0", SCAN_NUMBER },
		{ "true", SCAN_TRUE },
		{ "false", SCAN_FALSE },
		{ "null", SCAN_NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(scan_type(span_of(cases[i].text)), cases[i].type);
}

static void a_member_is_found_by_what_its_key_says(void **state)
{
	struct span object = span_of(" {\"a\":{\"id\":1},\"i\\u0064\":\"x\", \"b\": [2] }");

	(void)state;
	assert_true(span_is(scan_find(object, "id"), "\"x\""));
	assert_true(span_is(scan_find(object, "b"), "[2]"));
	assert_null(scan_find(object, "c").data);
	assert_null(scan_find(span_of("[1]"), "a").data);
	assert_null(scan_find(SPAN_NONE, "a").data);
}

/* ---- strings ---------------------------------------------------------------------- */

static void escapes_are_undone(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(1000);

	(void)state;
	scan_text(
		span_of("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83D\\uDE00\\u0000z\""),
		&out);
	assert_true(span_equal(buf_span(&out),
		SPAN_LITERAL("a\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0z")));
}

static void a_string_without_escapes_is_borrowed(void **state)
{
	(void)state;
	assert_true(span_is(scan_text_direct(span_of("\"plain \xc3\xa4\"")), "plain \xc3\xa4"));
	assert_true(span_is(scan_text_direct(span_of("\"\"")), ""));
	assert_true(span_is(scan_text_direct(span_of("key")), "key"));
	assert_null(scan_text_direct(span_of("\"a\\u0062\"")).data);
	assert_null(scan_text_direct(SPAN_NONE).data);
}

static void quoting_writes_the_fewest_escapes(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(1000);

	(void)state;
	scan_quote(SPAN_LITERAL(
			   "a/\"\\\b\f\n\r\t\0\x1f\x7f\xc3\xa9\xe2\x80\xa8 long enough for words"),
		&out);
	assert_string_equal(buf_text(&out),
		"\"a/\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\xc3\xa9\xe2\x80\xa8 long enough for "
		"words\"");
}

static void the_canonical_form_is_recognised(void **state)
{
	static const char *const canonical[] = { "\"\"", "\"a/b\"", "\"\\\"\\\\\\b\\f\\n\\r\\t\"",
		"\"\\u0000\\u001f\\u000b\"", "\"\xc3\xa9\x7f\"", "\"\\\\u0041\"" };
	static const char *const other[] = { "\"\\/\"", "\"\\u0041\"", "\"\\u000a\"", "\"\\u001F\"",
		"\"\\u00e9\"", "\"\\u0022\"", "\"\\u005c\"", "\"\\ud83d\\ude00\"", "\"\\\\\\/\"" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(canonical); i++)
		assert_true(scan_is_canonical_string(span_of(canonical[i])));
	for (size_t i = 0; i < COUNT_OF(other); i++)
		assert_false(scan_is_canonical_string(span_of(other[i])));
}

static void every_scalar_value_survives_quoting(void **state)
{
	CLEANUP(buf_release)
	struct buf text = BUF_UP_TO(64), quoted = BUF_UP_TO(64), back = BUF_UP_TO(64);

	(void)state;
	for (unsigned scalar = 0; scalar <= 0x10ffff; scalar++) {
		char escaped[32];

		if (scalar >= 0xd800 && scalar <= 0xdfff)
			continue;
		if (scalar < 0x10000)
			snprintf(escaped, sizeof(escaped), "\"\\u%04X\"", scalar);
		else
			snprintf(escaped, sizeof(escaped), "\"\\u%04x\\u%04X\"",
				0xd800 + ((scalar - 0x10000) >> 10),
				0xdc00 + ((scalar - 0x10000) & 0x3ff));
		buf_cut(&text, 0);
		buf_cut(&quoted, 0);
		buf_cut(&back, 0);
		if (!accepted(span_of(escaped)))
			fail_msg("%s was refused", escaped);
		scan_text(span_of(escaped), &text);
		scan_quote(buf_span(&text), &quoted);
		if (!accepted(buf_span(&quoted)) || !scan_is_canonical_string(buf_span(&quoted)))
			fail_msg("%s is not canonical", buf_text(&quoted));
		scan_text(buf_span(&quoted), &back);
		if (!span_equal(buf_span(&text), buf_span(&back)))
			fail_msg("%s did not come back", escaped);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_cases_are_judged_as_their_names_say),
		cmocka_unit_test(a_hundred_thousand_open_brackets_are_refused),
		cmocka_unit_test(depth_is_allowed_up_to_its_limit),
		cmocka_unit_test(members_are_allowed_up_to_their_limit),
		cmocka_unit_test(strings_are_allowed_up_to_their_limit),
		cmocka_unit_test(elements_are_allowed_up_to_their_limit),
		cmocka_unit_test(refusals_name_the_byte_and_the_reason),
		cmocka_unit_test(text_is_never_read_behind_its_end),
		cmocka_unit_test(a_key_repeated_through_an_escape_is_refused),
		cmocka_unit_test(the_same_key_in_another_object_is_no_duplicate),
		cmocka_unit_test(a_duplicate_is_found_in_objects_of_every_size),
		cmocka_unit_test(a_walk_gives_members_in_their_order_without_blanks),
		cmocka_unit_test(a_walk_gives_the_elements_of_an_array),
		cmocka_unit_test(empty_and_absent_containers_have_nothing_to_walk),
		cmocka_unit_test(types_are_told_by_the_first_byte),
		cmocka_unit_test(a_member_is_found_by_what_its_key_says),
		cmocka_unit_test(escapes_are_undone),
		cmocka_unit_test(a_string_without_escapes_is_borrowed),
		cmocka_unit_test(quoting_writes_the_fewest_escapes),
		cmocka_unit_test(the_canonical_form_is_recognised),
		cmocka_unit_test(every_scalar_value_survives_quoting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
