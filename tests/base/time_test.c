/* Instants: known ones, round trips over four centuries, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/time.h"

enum { DAY_MS = 86400000 };

static int64_t parsed(const char *text)
{
	int64_t ms = TIME_NONE;

	if (!time_parse(span_of(text), &ms))
		fail_msg("%s is an instant", text);
	return ms;
}

static int64_t parsed_ticks(const char *text)
{
	int64_t ticks = TIME_NONE;

	if (!time_parse_ticks(span_of(text), &ticks))
		fail_msg("%s is an instant", text);
	return ticks;
}

static void known_instants_have_their_number(void **state)
{
	(void)state;
	assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
	assert_int_equal(parsed("2026-03-04T02:17:41Z"), INT64_C(1772590661000));
	assert_int_equal(parsed("2026-03-04T02:17:41.551Z"), INT64_C(1772590661551));
	assert_int_equal(parsed("2000-02-29T12:00:00Z"), INT64_C(951825600000));
	assert_int_equal(parsed("2024-02-29T23:59:59Z"), INT64_C(1709251199000));
	assert_int_equal(parsed("2038-01-19T03:14:08Z"), INT64_C(2147483648000));
	/* What Graph writes for "never", and the first tick of Active Directory's clock. */
	assert_int_equal(parsed("0001-01-01T00:00:00Z"), INT64_C(-62135596800000));
	assert_int_equal(parsed("1601-01-01T00:00:00Z"), INT64_C(-11644473600000));
	assert_int_equal(parsed("9999-12-31T23:59:59.999Z"), INT64_C(253402300799999));
}

static void before_1970_counts_downwards(void **state)
{
	(void)state;
	assert_int_equal(parsed("1969-12-31T23:59:59Z"), -1000);
	assert_int_equal(parsed("1969-12-31T23:59:59.999Z"), -1);
	/* Dropping digits goes back in time here too, and not towards 1970. */
	assert_int_equal(parsed("1969-12-31T23:59:59.9999999Z"), -1);
	assert_int_equal(parsed("1969-12-31T23:59:59.9990001Z"), -1);
	assert_int_equal(parsed("1969-12-31T23:59:59.9980001Z"), -2);
	assert_int_equal(parsed_ticks("1969-12-31T23:59:59.9999999Z"), -1);
}

static void fractions_have_any_number_of_digits(void **state)
{
	(void)state;
	assert_int_equal(parsed("1970-01-01T00:00:00.5Z"), 500);
	assert_int_equal(parsed("1970-01-01T00:00:00.05Z"), 50);
	assert_int_equal(parsed("1970-01-01T00:00:00.0019999Z"), 1);
	assert_int_equal(parsed_ticks("1970-01-01T00:00:00.1234567Z"), 1234567);
	assert_int_equal(parsed_ticks("1970-01-01T00:00:00.12345678999999999999999999Z"), 1234567);
	assert_int_equal(parsed_ticks("1970-01-01T00:00:00.0000001Z"), 1);
}

static void the_same_instant_has_the_same_ticks_however_it_is_written(void **state)
{
	int64_t ticks = parsed_ticks("2026-03-04T02:17:41Z");

	(void)state;
	assert_int_equal(parsed_ticks("2026-03-04T02:17:41.0000000Z"), ticks);
	assert_int_equal(parsed_ticks("2026-03-04T03:17:41+01:00"), ticks);
	assert_int_equal(parsed_ticks("2026-03-03T18:47:41-07:30"), ticks);
	assert_int_equal(parsed_ticks("2026-03-04t02:17:41z"), ticks);
	assert_int_equal(parsed_ticks("2026-03-04 02:17:41-00:00"), ticks);
	assert_int_not_equal(parsed_ticks("2026-03-04T02:17:41.0000001Z"), ticks);
}

static void an_offset_may_change_the_day_and_the_year(void **state)
{
	(void)state;
	assert_int_equal(parsed("2026-01-01T00:30:00+01:00"), parsed("2025-12-31T23:30:00Z"));
	assert_int_equal(parsed("2023-12-31T23:30:00-14:00"), parsed("2024-01-01T13:30:00Z"));
	assert_int_equal(parsed("2024-03-01T00:00:00+05:45"), parsed("2024-02-29T18:15:00Z"));
}

static void a_date_alone_is_its_midnight(void **state)
{
	(void)state;
	assert_int_equal(parsed("2026-03-04"), parsed("2026-03-04T00:00:00Z"));
}

static void seconds_may_be_left_out_as_in_odata(void **state)
{
	(void)state;
	assert_int_equal(parsed("2026-03-04T02:17Z"), parsed("2026-03-04T02:17:00Z"));
}

static void a_leap_second_is_the_next_minute(void **state)
{
	(void)state;
	assert_int_equal(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01T00:00:00Z"));
}

static void what_is_no_instant_is_refused(void **state)
{
	static const char *const wrong[] = { "", "now", "2026", "2026-3-4", "2026-00-01",
		"2026-13-01", "2026-01-00", "2026-01-32", "2026-04-31", "2025-02-29", "1900-02-29",
		"2100-02-29", "2024-02-30", "+2026-01-01", "-026-01-01", "12026-01-01",
		"2026/03/04", "2026-03-04T", "2026-03-04Z", "2026-03-04T02", "2026-03-04T02:17:41",
		"2026-03-04T24:00:00Z", "2026-03-04T02:60:00Z", "2026-03-04T02:17:61Z",
		"2026-03-04T02:17:4Z", "2026-03-04T02:17:Z", "2026-03-04T02:17:41.Z",
		"2026-03-04T02:17.5Z", "2026-03-04T02:17:41,5Z", "2026-03-04T02:17:41 Z",
		"2026-03-04T02:17:41+1:00", "2026-03-04T02:17:41+0100", "2026-03-04T02:17:41+24:00",
		"2026-03-04T02:17:41+01:60", "2026-03-04T02:17:41+", "2026-03-04T02:17:41ZZ",
		"2026-03-04T02:17:41Z ", " 2026-03-04T02:17:41Z", "2026-03-04X02:17:41Z",
		"0x26-03-04", "２０２６-03-04T02:17:41Z", "2026-03-04T-1:17:41Z" };
	int64_t ms = 7, ticks = 7;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		if (time_parse(span_of(wrong[i]), &ms) ||
			time_parse_ticks(span_of(wrong[i]), &ticks))
			fail_msg("'%s' is no instant", wrong[i]);
	assert_false(time_parse(SPAN_NONE, &ms));
	assert_false(time_parse(SPAN_LITERAL("2026-03-04\0"), &ms));
	assert_int_equal(ms, 7);
	assert_int_equal(ticks, 7);
}

static void a_beginning_of_an_instant_is_read_within_its_bounds(void **state)
{
	const struct span whole = SPAN_LITERAL("2026-03-04T02:17:41.551+01:00");
	int64_t ms;

	(void)state;
	for (size_t length = 0; length < whole.length; length++) {
		char *exact = malloc(length ? length : 1); /* so that a sanitizer sees its end */

		assert_non_null(exact);
		memcpy(exact, whole.data, length);
		assert_int_equal(time_parse((struct span){ exact, length }, &ms), length == 10);
		free(exact);
	}
}

static void every_day_of_four_centuries_comes_back(void **state)
{
	const int64_t first = parsed("1800-01-01T00:00:00Z");
	char text[TIME_TEXT_BYTES];

	(void)state;
	for (int64_t day = 0; day < 146097; day++) {
		/* A different time of the day each day. */
		int64_t ms = first + day * DAY_MS + day * 977231 % DAY_MS;

		assert_ptr_equal(time_text(ms, text), text);
		assert_int_equal(parsed(text), ms);
	}
	assert_int_equal(first + INT64_C(146097) * DAY_MS, parsed("2200-01-01"));
}

static void text_has_milliseconds_only_where_there_are_some(void **state)
{
	char text[TIME_TEXT_BYTES];

	(void)state;
	assert_string_equal(time_text(0, text), "1970-01-01T00:00:00Z");
	assert_string_equal(time_text(7, text), "1970-01-01T00:00:00.007Z");
	assert_string_equal(time_text(-1, text), "1969-12-31T23:59:59.999Z");
	assert_string_equal(time_text(-1000, text), "1969-12-31T23:59:59Z");
	assert_string_equal(time_text(INT64_C(1772590661551), text), "2026-03-04T02:17:41.551Z");
}

static void early_years_keep_their_zeroes(void **state)
{
	char text[TIME_TEXT_BYTES];

	(void)state;
	assert_string_equal(
		time_text(parsed("0001-01-01T00:00:00Z"), text), "0001-01-01T00:00:00Z");
	assert_string_equal(
		time_text(parsed("0987-06-05T04:03:02.001Z"), text), "0987-06-05T04:03:02.001Z");
}

static void any_number_has_a_text_that_fits(void **state)
{
	char text[TIME_TEXT_BYTES];

	(void)state;
	assert_string_equal(time_text(INT64_MAX, text), "292278994-08-17T07:12:55.807Z");
	assert_string_equal(time_text(TIME_NONE, text), "-292275055-05-16T16:47:04.192Z");
	assert_true(strlen(time_text_http(INT64_MAX, text)) < TIME_TEXT_BYTES);
	assert_true(strlen(time_text_http(TIME_NONE, text)) < TIME_TEXT_BYTES);
}

/* ---- HTTP ------------------------------------------------------------------------------ */

static int64_t parsed_http(const char *text)
{
	int64_t ms = TIME_NONE;

	if (!time_parse_http(text, &ms))
		fail_msg("%s is a date of HTTP", text);
	return ms;
}

static void a_date_of_http_is_read(void **state)
{
	(void)state;
	assert_int_equal(parsed_http("Wed, 04 Mar 2026 02:17:41 GMT"), INT64_C(1772590661000));
	assert_int_equal(parsed_http("Sun, 06 Nov 1994 08:49:37 GMT"), INT64_C(784111777000));
	assert_int_equal(parsed_http("Thu, 29 Feb 2024 00:00:00 GMT"), INT64_C(1709164800000));
	assert_int_equal(parsed_http("Wed, 31 Dec 1969 23:59:59 GMT"), -1000);
}

static void a_date_of_http_comes_back_for_every_day(void **state)
{
	char text[TIME_TEXT_BYTES];

	(void)state;
	for (int64_t day = 0; day < 40000; day++) {
		int64_t ms = (day * DAY_MS + day * 977000 % DAY_MS) / 1000 * 1000;

		assert_ptr_equal(time_text_http(ms, text), text);
		assert_int_equal(strlen(text), 29);
		assert_int_equal(parsed_http(text), ms);
	}
	assert_string_equal(
		time_text_http(INT64_C(784111777999), text), "Sun, 06 Nov 1994 08:49:37 GMT");
}

static void what_is_no_date_of_http_is_refused(void **state)
{
	static const char *const wrong[] = { "", "120", "Wed", "Wed, 04 Mar 2026 02:17:41",
		"Wed, 04 Mar 2026 02:17:41 UTC", "Wed, 04 Mar 2026 02:17:41 GMT ",
		"Wed, 4 Mar 2026 02:17:41 GMT", "Wed, 04 mar 2026 02:17:41 GMT",
		"Wed 04 Mar 2026 02:17:41 GMT", "Wed, 04 Mar 26 02:17:41 GMT",
		"Wed, 04 Mar 2026 02:17 GMT", "Wed, 04 Mar 2026 02:17: GMT",
		"Wed, 04 Mar 2026 24:17:41 GMT", "Wed, 32 Mar 2026 02:17:41 GMT",
		"Wed, 00 Mar 2026 02:17:41 GMT", "Thu, 29 Feb 2025 02:17:41 GMT",
		"Xyz, 04 Mar 2026 02:17:41 GMT", "Wed, 04 Xyz 2026 02:17:41 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
		"2026-03-04T02:17:41Z" };
	int64_t ms = 7;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		if (time_parse_http(wrong[i], &ms))
			fail_msg("'%s' is no date of HTTP", wrong[i]);
	assert_false(time_parse_http(NULL, &ms));
	assert_int_equal(ms, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_instants_have_their_number),
		cmocka_unit_test(before_1970_counts_downwards),
		cmocka_unit_test(fractions_have_any_number_of_digits),
		cmocka_unit_test(the_same_instant_has_the_same_ticks_however_it_is_written),
		cmocka_unit_test(an_offset_may_change_the_day_and_the_year),
		cmocka_unit_test(a_date_alone_is_its_midnight),
		cmocka_unit_test(seconds_may_be_left_out_as_in_odata),
		cmocka_unit_test(a_leap_second_is_the_next_minute),
		cmocka_unit_test(what_is_no_instant_is_refused),
		cmocka_unit_test(a_beginning_of_an_instant_is_read_within_its_bounds),
		cmocka_unit_test(every_day_of_four_centuries_comes_back),
		cmocka_unit_test(text_has_milliseconds_only_where_there_are_some),
		cmocka_unit_test(early_years_keep_their_zeroes),
		cmocka_unit_test(any_number_has_a_text_that_fits),
		cmocka_unit_test(a_date_of_http_is_read),
		cmocka_unit_test(a_date_of_http_comes_back_for_every_day),
		cmocka_unit_test(what_is_no_date_of_http_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
