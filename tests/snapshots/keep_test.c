/*
 * Which snapshots are kept. The cases named after restic say what restic 0.14 keeps of the same times;
 * the program's tests ask restic itself where it is installed.
 */
#include "snapshots_testing.h"

#include "base/time.h"

enum { MOMENTS_MAX = 32 };

/* Moments from the newest on, and for each the letters of the rules that keep it: l h d w m y, upper
 * case where a rule keeps it for being the oldest, W within; "" where nothing does. */
struct moment {
	const char *taken, *kept_by;
};

static int64_t ms_of(const char *text)
{
	int64_t ms;

	assert_true(time_parse(span_of(text), &ms));
	return ms;
}

static void add_reasons(struct buf *out, const struct keep_reasons *reasons)
{
	static const char small[] = "lhdwmy", large[] = "LHDXMY";

	if (reasons->within)
		buf_add_byte(out, 'W');
	for (int rule = 0; rule < KEEP_RULES; rule++) {
		if (reasons->rules[rule])
			buf_add_byte(out, small[rule]);
		if (reasons->oldest[rule])
			buf_add_byte(out, large[rule]);
	}
}

static void expect_kept(const struct keep_policy *policy, const struct moment *moments)
{
	int64_t taken_ms[MOMENTS_MAX];
	struct keep_reasons reasons[MOMENTS_MAX];
	size_t count = 0;

	for (; moments[count].taken; count++)
		taken_ms[count] = ms_of(moments[count].taken);
	snapshots_keep(policy, taken_ms, count, ms_of("2026-12-31"), reasons);
	for (size_t i = 0; i < count; i++) {
		CLEANUP(buf_release) struct buf found = BUF_UP_TO(32);

		add_reasons(&found, &reasons[i]);
		if (strcmp(buf_text(&found), moments[i].kept_by) != 0)
			fail_msg("%s: kept by \"%s\", expected \"%s\"", moments[i].taken,
				buf_text(&found), moments[i].kept_by);
		assert_int_equal(keep_reasons_any(&reasons[i]), moments[i].kept_by[0] != '\0');
	}
}

static void an_empty_policy_keeps_nothing_and_says_that_it_is_empty(void **state)
{
	struct keep_policy policy = { 0 };

	(void)state;
	assert_true(keep_policy_is_empty(&policy));
	expect_kept(&policy, (struct moment[]){ { "2026-11-28T00:00:00Z", "" }, { 0 } });
	policy.counts[KEEP_YEARLY] = 1;
	assert_false(keep_policy_is_empty(&policy));
	policy = (struct keep_policy){ .within.hours = 1 };
	assert_false(keep_policy_is_empty(&policy));
	snapshots_keep(&policy, NULL, 0, 0, NULL);
}

static void last_keeps_as_many_as_it_is_told(void **state)
{
	(void)state;
	expect_kept(&(struct keep_policy){ .counts[KEEP_LAST] = 2 },
		(struct moment[]){ { "2026-11-28T10:00:00Z", "l" }, { "2026-11-28T10:00:00Z", "l" },
			{ "2026-11-28T09:59:59Z", "" }, { 0 } });
	expect_kept(&(struct keep_policy){ .counts[KEEP_LAST] = KEEP_ALL },
		(struct moment[]){
			{ "2026-11-28T10:00:00Z", "l" }, { "2020-11-28T10:00:00Z", "l" }, { 0 } });
}

static void a_rule_keeps_the_newest_of_each_of_its_periods(void **state)
{
	(void)state;
	expect_kept(&(struct keep_policy){ .counts[KEEP_HOURLY] = 2 },
		(struct moment[]){ { "2026-11-28T10:30:00Z", "h" }, { "2026-11-28T10:00:00Z", "" },
			{ "2026-11-28T09:59:59Z", "h" }, { "2026-11-28T08:00:00Z", "" }, { 0 } });
	expect_kept(&(struct keep_policy){ .counts[KEEP_DAILY] = 2 },
		(struct moment[]){ { "2026-11-28T00:00:00Z", "d" }, { "2026-11-27T23:59:59Z", "d" },
			{ "2026-11-27T00:00:00Z", "" }, { "2026-11-26T12:00:00Z", "" }, { 0 } });
	expect_kept(&(struct keep_policy){ .counts[KEEP_MONTHLY] = 2 },
		(struct moment[]){ { "2026-11-01T00:00:00Z", "m" }, { "2026-10-31T23:00:00Z", "m" },
			{ "2026-10-01T00:00:00Z", "" }, { "2026-09-30T00:00:00Z", "" }, { 0 } });
	expect_kept(&(struct keep_policy){ .counts[KEEP_YEARLY] = 2 },
		(struct moment[]){ { "2026-01-01T00:00:00Z", "y" }, { "2025-12-31T23:59:59Z", "y" },
			{ "2025-01-01T00:00:00Z", "" }, { "2024-06-01T00:00:00Z", "" }, { 0 } });
}

static void a_period_without_a_snapshot_does_not_count(void **state)
{
	(void)state;
	expect_kept(&(struct keep_policy){ .counts[KEEP_DAILY] = 3 },
		(struct moment[]){ { "2026-11-28T10:00:00Z", "d" }, { "2026-07-01T10:00:00Z", "d" },
			{ "2024-02-29T10:00:00Z", "d" }, { "2024-02-28T10:00:00Z", "" }, { 0 } });
}

/* 2027-01-01 is a Friday, of week 53 of 2026; 2025-12-29, a Monday, begins week 1 of 2026. */
static void weeks_begin_on_mondays_and_go_over_the_turn_of_a_year(void **state)
{
	(void)state;
	expect_kept(&(struct keep_policy){ .counts[KEEP_WEEKLY] = 3 },
		(struct moment[]){ { "2027-01-03T23:59:59Z", "w" }, { "2027-01-01T00:00:00Z", "" },
			{ "2026-12-28T00:00:00Z", "" }, { "2026-12-27T23:59:59Z", "w" },
			{ "2025-12-29T00:00:00Z", "w" }, { "2025-12-28T00:00:00Z", "" }, { 0 } });
}

static void what_a_rule_has_left_keeps_the_oldest(void **state)
{
	(void)state;
	expect_kept(&(struct keep_policy){ .counts[KEEP_DAILY] = 3, .counts[KEEP_LAST] = 1 },
		(struct moment[]){ { "2026-11-28T12:00:00Z", "ld" }, { "2026-11-28T11:00:00Z", "" },
			{ "2026-11-28T10:00:00Z", "D" }, { 0 } });
	/* It has none left. */
	expect_kept(&(struct keep_policy){ .counts[KEEP_DAILY] = 1 },
		(struct moment[]){ { "2026-11-28T12:00:00Z", "d" }, { "2026-11-28T11:00:00Z", "" },
			{ "2026-11-28T10:00:00Z", "" }, { 0 } });
}

static void rules_do_not_know_of_each_other(void **state)
{
	const struct keep_policy policy = { .counts = { [KEEP_LAST] = 1,
						    [KEEP_DAILY] = 2,
						    [KEEP_WEEKLY] = 2,
						    [KEEP_MONTHLY] = 2,
						    [KEEP_YEARLY] = KEEP_ALL } };

	(void)state;
	expect_kept(&policy,
		(struct moment[]){ { "2026-11-28T12:00:00Z", "ldwmy" },
			{ "2026-11-27T12:00:00Z", "d" }, { "2026-11-26T12:00:00Z", "" },
			{ "2026-11-20T12:00:00Z", "w" }, { "2026-10-31T12:00:00Z", "m" },
			{ "2026-10-30T12:00:00Z", "" }, { "2025-10-31T12:00:00Z", "y" },
			{ "2025-10-30T12:00:00Z", "Y" }, { 0 } });
}

static void within_counts_from_the_newest_and_by_the_calendar(void **state)
{
	(void)state;
	expect_kept(&(struct keep_policy){ .within = { .days = 1, .hours = 12 } },
		(struct moment[]){ { "2026-11-28T12:00:00Z", "W" }, { "2026-11-27T00:00:01Z", "W" },
			{ "2026-11-27T00:00:00Z", "" }, { 0 } });
	/* A month before March 31 is February 31, which is March 3. */
	expect_kept(&(struct keep_policy){ .within.months = 1 },
		(struct moment[]){ { "2026-03-31T12:00:00Z", "W" }, { "2026-03-03T12:00:01Z", "W" },
			{ "2026-03-03T12:00:00Z", "" }, { 0 } });
	expect_kept(&(struct keep_policy){ .within.years = 2 },
		(struct moment[]){ { "2026-11-28T12:00:00Z", "W" }, { "2024-11-28T12:00:01Z", "W" },
			{ "2024-11-28T12:00:00Z", "" }, { 0 } });
}

static void a_snapshot_from_the_future_makes_no_other_look_old(void **state)
{
	(void)state;
	expect_kept(&(struct keep_policy){ .within.days = 1 },
		(struct moment[]){ { "2038-01-19T03:14:08Z", "W" }, { "2026-11-28T12:00:00Z", "W" },
			{ "2026-11-28T00:00:00Z", "W" }, { "2026-11-27T00:00:00Z", "" }, { 0 } });
}

static void a_span_is_years_months_days_and_hours(void **state)
{
	static const struct {
		const char *text;
		struct keep_span span;
	} good[] = {
		{ "1y6m", { 1, 6, 0, 0 } },
		{ "30d", { 0, 0, 30, 0 } },
		{ "2d12h", { 0, 0, 2, 12 } },
		{ "1y2m3d4h", { 1, 2, 3, 4 } },
		{ "999999h", { 0, 0, 0, 999999 } },
		{ "0y1h", { 0, 0, 0, 1 } },
	};
	static const char *const bad[] = { "", "d", "1", "1w", "1d1y", "1d1d", "1h30", "-1d", "1 d",
		"1000000h", "0d", "1D", "d1", "1y6m " };
	struct keep_span span;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		if (!keep_span_parse(good[i].text, &span))
			fail_msg("%s was to be a span", good[i].text);
		assert_memory_equal(&span, &good[i].span, sizeof(span));
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (keep_span_parse(bad[i], &span))
			fail_msg("'%s' was to be none", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_policy_keeps_nothing_and_says_that_it_is_empty),
		cmocka_unit_test(last_keeps_as_many_as_it_is_told),
		cmocka_unit_test(a_rule_keeps_the_newest_of_each_of_its_periods),
		cmocka_unit_test(a_period_without_a_snapshot_does_not_count),
		cmocka_unit_test(weeks_begin_on_mondays_and_go_over_the_turn_of_a_year),
		cmocka_unit_test(what_a_rule_has_left_keeps_the_oldest),
		cmocka_unit_test(rules_do_not_know_of_each_other),
		cmocka_unit_test(within_counts_from_the_newest_and_by_the_calendar),
		cmocka_unit_test(a_snapshot_from_the_future_makes_no_other_look_old),
		cmocka_unit_test(a_span_is_years_months_days_and_hours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
