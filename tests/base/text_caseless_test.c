/* Names without regard to case: an order, whatever the bytes; and GUIDs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <wctype.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/base/base_testing.h"

enum { TEXT_MAX = 4096 };

static struct span span_at(const void *data, size_t length)
{
	return (struct span){ data, length };
}

/* The generator of these tests: the same numbers on every machine. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static int compare(const char *a, const char *b)
{
	return text_compare_caseless(span_of(a), span_of(b));
}

static void case_does_not_count(void **state)
{
	(void)state;
	assert_int_equal(compare("Zoe@Contoso.COM", "zOE@cONTOSO.com"), 0);
	assert_int_equal(compare("ÀÉÎÕÜŸŁŐ", "àéîõüÿłő"), 0);
	assert_int_equal(compare("ΆΈΌΏΑΣΩΪ", "άέόώασωϊ"), 0);
	assert_int_equal(compare("ΟΔΟΣ", "οδος"), 0);
	assert_int_equal(compare("ЁЖЩҐӀӁ", "ёжщґӏӂ"), 0);
}

static void what_only_looks_alike_stays_different(void **state)
{
	(void)state;
	assert_int_not_equal(compare("straße", "strasse"), 0);
	assert_int_not_equal(compare("İ", "i"), 0);
	assert_int_not_equal(compare("ı", "I"), 0);
	assert_int_not_equal(compare("ſ", "s"), 0);
	assert_int_not_equal(compare("×", "÷"), 0);
	assert_int_not_equal(compare("\u212a", "k"), 0); /* the Kelvin sign */
	assert_int_not_equal(compare("А", "A"), 0);      /* Cyrillic, Latin */
	assert_int_not_equal(compare("@", "`"), 0);
	assert_int_not_equal(compare("[", "{"), 0);
}

static void an_invalid_byte_is_no_letter(void **state)
{
	(void)state;
	assert_int_not_equal(compare("\xe4", "\xc4"), 0);
	assert_int_not_equal(compare("\xe4", "ä"), 0);
	assert_int_equal(compare("\xe4", "\xe4"), 0);
}

static void absent_comes_before_empty_and_a_beginning_before_the_whole(void **state)
{
	(void)state;
	assert_int_equal(text_compare_caseless(SPAN_NONE, SPAN_NONE), 0);
	assert_true(text_compare_caseless(SPAN_NONE, SPAN_LITERAL("")) < 0);
	assert_true(text_compare_caseless(SPAN_LITERAL(""), SPAN_NONE) > 0);
	assert_true(compare("ab", "ABC") < 0);
	assert_true(compare("", "a") < 0);
	assert_true(compare("B", "a") > 0);
}

/* The letters that the header names agree with the C library's idea of lower case. */
static void letters_fold_as_the_c_library_lowers_them(void **state)
{
	static const struct {
		uint32_t first, last;
	} letters[] = { { 0x41, 0x5a }, { 0xc0, 0x12f }, { 0x132, 0x17e }, { 0x386, 0x3cb },
		{ 0x400, 0x481 }, { 0x48a, 0x52f } };

	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		print_message("skipped: there is no locale C.UTF-8\n");
		skip();
	}
	for (size_t i = 0; i < COUNT_OF(letters); i++) {
		for (uint32_t scalar = letters[i].first; scalar <= letters[i].last; scalar++) {
			uint32_t lower = (uint32_t)towlower((wint_t)scalar);
			char a[4], b[4];

			if (text_compare_caseless(span_at(a, encode_utf8(scalar, a)),
				    span_at(b, encode_utf8(lower, b))) != 0)
				fail_msg("U+%04x is not U+%04x", lower, scalar);
		}
	}
}

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

enum { WORDS = 120 };

static void make_words(struct buf words[static WORDS])
{
	static const char *const pieces[] = { "a", "A", "b", "B", "z", "ä", "Ä", "Ÿ", "ÿ", "ς", "Σ",
		"σ", "ж", "Ж", "µ", "μ", "日", "🙂", "\xc3", "\xff", "\x80", "\xe6\x97" };
	uint64_t random = 7;

	for (size_t i = 0; i < WORDS; i++)
		for (uint32_t left = next_random(&random) % 4; left; left--)
			buf_add_text(&words[i], pieces[next_random(&random) % COUNT_OF(pieces)]);
}

static void check_triples(size_t i, size_t j, int8_t order[static WORDS][WORDS])
{
	for (size_t k = 0; k < WORDS; k++)
		if (order[i][j] <= 0 && order[j][k] <= 0)
			assert_true(order[i][k] <= 0);
}

static void the_caseless_order_is_an_order(void **state)
{
	static int8_t order[WORDS][WORDS];
	struct buf words[WORDS];

	(void)state;
	for (size_t i = 0; i < WORDS; i++)
		words[i] = (struct buf)BUF_UP_TO(TEXT_MAX);
	make_words(words);
	for (size_t i = 0; i < WORDS; i++)
		for (size_t j = 0; j < WORDS; j++)
			order[i][j] = (int8_t)sign(
				text_compare_caseless(buf_span(&words[i]), buf_span(&words[j])));
	for (size_t i = 0; i < WORDS; i++) {
		assert_int_equal(order[i][i], 0);
		for (size_t j = 0; j < WORDS; j++) {
			assert_int_equal(order[i][j], -order[j][i]);
			check_triples(i, j, order);
		}
	}
	for (size_t i = 0; i < WORDS; i++)
		buf_release(&words[i]);
}

static void folded_bytes_are_equal_exactly_where_the_order_says_so(void **state)
{
	struct buf words[WORDS], folded[WORDS];

	(void)state;
	for (size_t i = 0; i < WORDS; i++)
		words[i] = folded[i] = (struct buf)BUF_UP_TO(TEXT_MAX);
	make_words(words);
	for (size_t i = 0; i < WORDS; i++)
		text_add_folded(&folded[i], buf_span(&words[i]));
	for (size_t i = 0; i < WORDS; i++)
		for (size_t j = 0; j < WORDS; j++)
			assert_int_equal(span_equal(buf_span(&folded[i]), buf_span(&folded[j])),
				text_compare_caseless(buf_span(&words[i]), buf_span(&words[j])) ==
					0);
	for (size_t i = 0; i < WORDS; i++) {
		buf_release(&words[i]);
		buf_release(&folded[i]);
	}
}

/* ---- GUIDs ----------------------------------------------------------------------------- */

static void a_guid_is_36_characters_in_five_groups(void **state)
{
	(void)state;
	assert_true(text_is_guid(span_of("7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30")));
	assert_true(text_is_guid(span_of("7C9E1B52-4A0D-4F3E-9B61-2F8D5C6A1E30")));
	assert_true(text_is_guid(span_of("00000000-0000-0000-0000-000000000000")));
}

static void what_is_almost_a_guid_is_none(void **state)
{
	static const char *const almost[] = { "", "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e3",
		"7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e300", "7c9e1b524-a0d-4f3e-9b61-2f8d5c6a1e30",
		"7c9e1b52-4a0d-4f3e-9b61_2f8d5c6a1e30", "{7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e}",
		"7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e3g", "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e3/",
		"7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e3:", " 7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e3",
		"7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1\xc3\xa9",
		"../../users?$select=id&a=b-c-d-e-f-g" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(almost); i++)
		if (text_is_guid(span_of(almost[i])))
			fail_msg("%s is no GUID", almost[i]);
	assert_false(text_is_guid(SPAN_NONE));
	assert_false(text_is_guid(span_at("7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e3\0", 36)));
}

static void a_new_guid_is_random_and_of_version_4(void **state)
{
	char one[GUID_TEXT_BYTES], other[GUID_TEXT_BYTES];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		assert_ptr_equal(text_new_guid(one), one);
		assert_true(text_is_guid(span_of(one)));
		assert_int_equal(one[14], '4');
		assert_non_null(strchr("89ab", one[19]));
		assert_string_not_equal(one, text_new_guid(other));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(case_does_not_count),
		cmocka_unit_test(what_only_looks_alike_stays_different),
		cmocka_unit_test(an_invalid_byte_is_no_letter),
		cmocka_unit_test(absent_comes_before_empty_and_a_beginning_before_the_whole),
		cmocka_unit_test(letters_fold_as_the_c_library_lowers_them),
		cmocka_unit_test(the_caseless_order_is_an_order),
		cmocka_unit_test(folded_bytes_are_equal_exactly_where_the_order_says_so),
		cmocka_unit_test(a_guid_is_36_characters_in_five_groups),
		cmocka_unit_test(what_is_almost_a_guid_is_none),
		cmocka_unit_test(a_new_guid_is_random_and_of_version_4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
