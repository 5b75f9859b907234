/* When somebody writes: in a cycle, once, in a cycle and besides it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "reconcile/evidence_internal.h"

enum { MINUTE_MS = 60 * 1000, BURSTS_MAX = 64 };

static const int64_t begin_ms = INT64_C(1772582400000);

struct bursts {
	struct burst at[BURSTS_MAX];
	size_t count;
};

/* A burst of `facts` that begins so many minutes after the first instant, and lasts ten seconds. */
static void burst_at(struct bursts *bursts, double minutes, uint64_t facts)
{
	int64_t from_ms = begin_ms + (int64_t)(minutes * MINUTE_MS);

	bursts->at[bursts->count++] = (struct burst){ from_ms, from_ms + 10000, facts };
}

static void a_server_that_exports_every_half_hour_writes_in_a_cycle(void **state UNUSED)
{
	static const double minutes[] = { 0, 30, 60.5, 120, 149, 300, 330 };
	struct bursts bursts = { 0 };
	struct rhythm rhythm;

	for (size_t i = 0; i < COUNT_OF(minutes); i++)
		burst_at(&bursts, minutes[i], 3);
	rhythm = rhythm_of(bursts.at, bursts.count);
	assert_int_equal(rhythm.sort, RHYTHM_CYCLE);
	assert_int_equal(rhythm.cycle_ms, 30 * MINUTE_MS);
	assert_int_equal(rhythm.bursts, COUNT_OF(minutes));
	assert_int_equal(rhythm.beside, 0);
}

static void a_cycle_of_another_length_is_found(void **state UNUSED)
{
	struct bursts bursts = { 0 };
	struct rhythm rhythm;

	for (int i = 0; i < 6; i++)
		burst_at(&bursts, i * 180.0, 3);
	rhythm = rhythm_of(bursts.at, bursts.count);
	assert_int_equal(rhythm.sort, RHYTHM_CYCLE);
	assert_int_equal(rhythm.cycle_ms, 180 * MINUTE_MS);
}

static void one_export_is_one_burst(void **state UNUSED)
{
	struct bursts bursts = { 0 };
	struct rhythm rhythm;

	burst_at(&bursts, 17, 273);
	rhythm = rhythm_of(bursts.at, bursts.count);
	assert_int_equal(rhythm.sort, RHYTHM_BURST);
	assert_int_equal(rhythm.densest_facts, 273);
	assert_int_equal(rhythm.densest_from_ms, begin_ms + INT64_C(17) * MINUTE_MS);
}

static void an_export_that_was_tried_again_is_no_cycle(void **state UNUSED)
{
	struct bursts bursts = { 0 };

	burst_at(&bursts, 0, 200);
	burst_at(&bursts, 11, 70);
	burst_at(&bursts, 30, 3);
	assert_int_equal(rhythm_of(bursts.at, bursts.count).sort, RHYTHM_BURSTS);
}

static void a_few_exports_besides_each_other_are_no_cycle(void **state UNUSED)
{
	struct bursts bursts = { 0 };

	for (int i = 0; i < 4; i++)
		burst_at(&bursts, i * 30.0, 3);
	burst_at(&bursts, 103, 273);
	assert_int_equal(rhythm_of(bursts.at, bursts.count).sort, RHYTHM_BURSTS);
}

static void times_without_any_order_are_no_cycle(void **state UNUSED)
{
	static const double minutes[] = { 0, 17, 41, 52, 88, 131, 139, 204, 221, 257, 263 };
	struct bursts bursts = { 0 };

	for (size_t i = 0; i < COUNT_OF(minutes); i++)
		burst_at(&bursts, minutes[i], 3);
	assert_int_equal(rhythm_of(bursts.at, bursts.count).sort, RHYTHM_BURSTS);
}

static void an_export_between_two_cycles_is_seen_besides_them(void **state UNUSED)
{
	struct bursts bursts = { 0 };
	struct rhythm rhythm;

	for (int i = 0; i < 4; i++)
		burst_at(&bursts, i * 30.0, 3);
	burst_at(&bursts, 102, 273);
	burst_at(&bursts, 108, 20); /* and tried again */
	for (int i = 4; i < 9; i++)
		burst_at(&bursts, i * 30.0, 3);
	rhythm = rhythm_of(bursts.at, bursts.count);
	assert_int_equal(rhythm.sort, RHYTHM_BOTH);
	assert_int_equal(rhythm.cycle_ms, 30 * MINUTE_MS);
	assert_int_equal(rhythm.beside, 2);
	assert_int_equal(rhythm.beside_ms, begin_ms + INT64_C(102) * MINUTE_MS);
	assert_int_equal(rhythm.densest_facts, 273);
}

static void an_export_behind_the_last_cycle_is_seen_besides_them(void **state UNUSED)
{
	struct bursts bursts = { 0 };

	for (int i = 0; i < 6; i++)
		burst_at(&bursts, i * 30.0, 3);
	burst_at(&bursts, 163, 273);
	assert_int_equal(rhythm_of(bursts.at, bursts.count).sort, RHYTHM_BOTH);
}

static void a_server_that_was_started_again_writes_in_one_cycle(void **state UNUSED)
{
	struct bursts bursts = { 0 };
	struct rhythm rhythm;

	for (int i = 0; i < 5; i++)
		burst_at(&bursts, i * 30.0, 3);
	for (int i = 5; i < 10; i++)
		burst_at(&bursts, 14 + i * 30.0, 3);
	rhythm = rhythm_of(bursts.at, bursts.count);
	assert_int_equal(rhythm.sort, RHYTHM_CYCLE);
	assert_int_equal(rhythm.beside, 0);
}

static void who_wrote_nothing_has_no_rhythm(void **state UNUSED)
{
	assert_int_equal(rhythm_of(NULL, 0).sort, RHYTHM_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_exports_every_half_hour_writes_in_a_cycle),
		cmocka_unit_test(a_cycle_of_another_length_is_found),
		cmocka_unit_test(one_export_is_one_burst),
		cmocka_unit_test(an_export_that_was_tried_again_is_no_cycle),
		cmocka_unit_test(a_few_exports_besides_each_other_are_no_cycle),
		cmocka_unit_test(times_without_any_order_are_no_cycle),
		cmocka_unit_test(an_export_between_two_cycles_is_seen_besides_them),
		cmocka_unit_test(an_export_behind_the_last_cycle_is_seen_besides_them),
		cmocka_unit_test(a_server_that_was_started_again_writes_in_one_cycle),
		cmocka_unit_test(who_wrote_nothing_has_no_rhythm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
