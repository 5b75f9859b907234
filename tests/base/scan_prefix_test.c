/* One value at the beginning of a text that goes on, or that has not come to its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/scan.h"
#include "tests/base/random_json.h"

enum { DOCUMENTS = 2000, MUTATIONS = 5000 };

/* A heap block of exactly this size: the address sanitizer watches its end. */
static bool prefix(struct span text, size_t *taken, struct error *err)
{
	CLEANUP(memory_freep) char *copy = memory_copy(text.data, text.length ? text.length : 1);
	bool good = scan_prefix((struct span){ copy, text.length }, NULL, NULL, taken, err);

	assert_int_equal(err->kind, good ? ERROR_NONE : ERROR_FORMAT);
	return good;
}

static void assert_takes(struct span text, size_t wanted)
{
	struct error err = { 0 };
	size_t taken = SIZE_MAX;

	if (!prefix(text, &taken, &err))
		fail_msg("%s: %.*s", err.text, SPAN_FORMAT(text));
	if (taken != wanted)
		fail_msg("took %zu and not %zu of %.*s", taken, wanted, SPAN_FORMAT(text));
}

static void what_follows_the_value_is_not_looked_at(void **state)
{
	static const struct {
		const char *text;
		size_t taken;
	} cases[] = {
		{ "{}", 2 },
		{ "{\"a\":[1,{}]},{\"b\"", 12 },
		{ " \n[ ] ]", 5 },
		{ "\"a\"\xff", 3 },
		{ "12,", 2 },
		{ "-1.5e3 ", 6 },
		{ "0x", 1 },
		{ "true]", 4 },
		{ "nulls", 4 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_takes(span_of(cases[i].text), cases[i].taken);
}

static void a_number_or_a_name_is_over_when_something_follows(void **state)
{
	static const char *const open[] = { "", "  ", "1", "-", "-1.", "1.5", "1e", "1e+", "1e+7",
		"t", "true", "fals", "null" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(open); i++)
		assert_takes(span_of(open[i]), 0);
}

static void a_text_cut_off_inside_a_character_or_an_escape_is_not_wrong_yet(void **state)
{
	static const char *const open[] = { "\"", "\"\\", "\"\\u", "\"\\u00e", "\"\\ud83d",
		"\"\\ud83d\\", "\"\\ud83d\\u", "\"\\ud83d\\ude0", "\"\xc3", "\"\xe2\x82",
		"\"\xf0\x9f\x98", "{\"a\":tru", "[1,", "{\"a\"", "{\"a\" ", "{\"a\":" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(open); i++)
		assert_takes(span_of(open[i]), 0);
}

static void what_is_wrong_is_refused_although_more_may_come(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "]", "byte 0: no JSON value begins like this" },
		{ "trx", "byte 0: no JSON value begins like this" },
		{ "{1", "byte 1: a key belongs here" },
		{ "[1 2", "byte 3: a comma or ] belongs here" },
		{ "01", "byte 1: a number with a leading zero" },
		{ "\"\\u12g", "byte 1: four hexadecimal digits belong behind \\u" },
		{ "\"\\udc00", "byte 1: half of a surrogate pair" },
		{ "\"\\ud800x", "byte 1: half of a surrogate pair" },
		{ "\"\xff", "byte 1: not UTF-8" },
		{ "\"\xe2x", "byte 1: not UTF-8" },
		{ "\"\n", "byte 1: a control character in a string" },
		{ "{\"a\":1,\"a\"", "byte 8: a duplicate key" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = { 0 };
		size_t taken;

		assert_false(prefix(span_of(cases[i].text), &taken, &err));
		assert_string_equal(err.text, cases[i].why);
	}
}

/* Wherever the network cuts a value, all of its beginnings are beginnings, and all of it is taken. */
static void a_value_is_taken_from_pieces_of_any_size(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	uint64_t seed = 20261128;
	size_t tried = 0;

	(void)state;
	for (int i = 0; i < DOCUMENTS; i++) {
		struct error err = { 0 };
		size_t length;

		buf_cut(&text, 0);
		if (i % 2)
			random_page(&text, &seed);
		else
			random_json(&text, &seed, 4);
		length = text.length;
		if (!scan_check(buf_span(&text), &err))
			continue;
		for (size_t cut = length > 400 ? length - 400 : 0; cut < length; cut++)
			assert_takes((struct span){ text.data, cut }, 0);
		buf_add_text(&text, ",\x01 behind it");
		assert_takes(buf_span(&text), length);
		tried++;
	}
	assert_true(tried > DOCUMENTS / 4);
}

/* Errors do not depend on how much of the text has come, once the wrong byte has. */
static void a_wrong_text_is_refused_with_the_same_words_wherever_it_is_cut(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	uint64_t seed = 1128;
	size_t refused = 0;

	(void)state;
	for (int i = 0; i < MUTATIONS; i++) {
		struct error whole = { 0 };
		size_t taken, length;

		buf_cut(&text, 0);
		random_json(&text, &seed, 4);
		random_mutate(&text, &seed);
		length = text.length;
		if (scan_prefix(buf_span(&text), NULL, NULL, &taken, &whole))
			continue;
		for (size_t cut = length > 200 ? length - 200 : 0; cut < length; cut++) {
			struct error err = { 0 };

			if (prefix((struct span){ text.data, cut }, &taken, &err))
				assert_int_equal(taken, 0);
			else
				assert_string_equal(err.text, whole.text);
		}
		refused++;
	}
	assert_true(refused > MUTATIONS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_follows_the_value_is_not_looked_at),
		cmocka_unit_test(a_number_or_a_name_is_over_when_something_follows),
		cmocka_unit_test(a_text_cut_off_inside_a_character_or_an_escape_is_not_wrong_yet),
		cmocka_unit_test(what_is_wrong_is_refused_although_more_may_come),
		cmocka_unit_test(a_value_is_taken_from_pieces_of_any_size),
		cmocka_unit_test(a_wrong_text_is_refused_with_the_same_words_wherever_it_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
