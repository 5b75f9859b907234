/* The code by which a person says which plan is meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "report/report.h"

/* BLAKE2b-256 of "abc": bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319. */
static const char of_abc[] = "QQER2-F3388-WQ4CB-HXWZY";

static void it_is_the_first_hundred_bits_of_the_hash_in_base32(void **state)
{
	char text[PLAN_FINGERPRINT_BYTES];

	(void)state;
	assert_string_equal(plan_fingerprint(SPAN_LITERAL("abc"), text), of_abc);
	assert_int_equal(strlen(text), PLAN_FINGERPRINT_BYTES - 1);
}

static void every_bit_of_the_plan_changes_it(void **state)
{
	char plan[] = "{\"format\":\"unstage-plan/1\"}";
	char first[PLAN_FINGERPRINT_BYTES], other[PLAN_FINGERPRINT_BYTES];

	(void)state;
	plan_fingerprint(span_of(plan), first);
	for (size_t bit = 0; bit < (sizeof(plan) - 1) * 8; bit++) {
		plan[bit / 8] ^= (char)(1 << bit % 8);
		plan_fingerprint((struct span){ plan, sizeof(plan) - 1 }, other);
		plan[bit / 8] ^= (char)(1 << bit % 8);
		assert_string_not_equal(first, other);
	}
}

static void what_people_type_is_forgiven_and_nothing_else(void **state)
{
	static const char *const good[] = { "QQER2-F3388-WQ4CB-HXWZY", "qqer2f3388wq4cbhxwzy",
		" qqer2 f3388 wq4cb hxwzy\n", "q-q-e-r-2f3388wq4cbhxwzy--" };
	static const char *const bad[] = { "", "-", "QQER2-F3388-WQ4CB-HXWZ",
		"QQER2-F3388-WQ4CB-HXWZYY", "QQER2-F3388-WQ4CB-HXWZZ", "QQER2",
		"ZQER2-F3388-WQ4CB-HXWZY", "QQER2_F3388_WQ4CB_HXWZY" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(plan_fingerprint_is(of_abc, good[i]));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(plan_fingerprint_is(of_abc, bad[i]));
}

static void a_letter_that_looks_like_a_digit_is_the_digit(void **state)
{
	static const char code[PLAN_FINGERPRINT_BYTES] = "10101-22222-33333-44444";

	(void)state;
	assert_true(plan_fingerprint_is(code, "IOlol-22222-33333-44444"));
	assert_false(plan_fingerprint_is(code, "U0101-22222-33333-44444"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_first_hundred_bits_of_the_hash_in_base32),
		cmocka_unit_test(every_bit_of_the_plan_changes_it),
		cmocka_unit_test(what_people_type_is_forgiven_and_nothing_else),
		cmocka_unit_test(a_letter_that_looks_like_a_digit_is_the_digit),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
