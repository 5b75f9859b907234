/* What a plan takes, as it is foretold without asking anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "rollback/rollback.h"

enum { STEPS = 100, HALF_OF_A_WINDOW = 1485, BURST = 297 };

struct sketch {
	struct plan_step steps[STEPS];
	char ids[STEPS][ID_BYTES + 1];
	size_t after[STEPS];
	struct plan plan;
};

/* Steps on objects of their own, all of one operation. */
static void sketch_init(struct sketch *sketch, size_t count)
{
	*sketch = (struct sketch){ .plan.steps = sketch->steps, .plan.step_count = count };
	for (size_t i = 0; i < count; i++) {
		snprintf(sketch->ids[i], sizeof(sketch->ids[i]), "c1d7e7a2-3b55-4a8e-b7be-%012x",
			(unsigned)i);
		sketch->steps[i] = (struct plan_step){
			.number = i + 1,
			.operation = GRAPH_SET,
			.door = DOOR_GRAPH,
			.kind = kind_get(KIND_USER),
			.id = sketch->ids[i],
		};
	}
}

static void after_the_one_before(struct sketch *sketch, size_t index)
{
	sketch->after[index] = index;
	sketch->steps[index].after = &sketch->after[index];
	sketch->steps[index].after_count = 1;
}

static void the_first_goes_alone_and_the_others_twenty_by_twenty(void **state UNUSED)
{
	struct sketch sketch;
	struct plan_forecast forecast;

	sketch_init(&sketch, STEPS);
	forecast = plan_forecast(&sketch.plan, 1);
	assert_int_equal(forecast.writes, STEPS);
	assert_int_equal(forecast.reads, 2 * STEPS);
	assert_int_equal(forecast.batches, 1 + 5); /* a canary; 20, 20, 20, 20, 19 */
	assert_int_equal(forecast.requests, 3 * 6);
	/* The canary, two batches beside each other, and the other three. */
	assert_int_equal(forecast.lasts_ms, (3 * 3 + 2) * FORECAST_REQUEST_MS);
}

static void each_operation_has_a_first(void **state UNUSED)
{
	struct sketch sketch;

	sketch_init(&sketch, 40);
	sketch.steps[30].operation = GRAPH_REMOVE;
	assert_int_equal(plan_forecast(&sketch.plan, 1).batches, 2 + 2);
}

static void what_waits_for_another_goes_in_a_batch_of_its_own(void **state UNUSED)
{
	struct sketch sketch;

	sketch_init(&sketch, 10);
	for (size_t i = 1; i < 10; i++)
		after_the_one_before(&sketch, i);
	assert_int_equal(plan_forecast(&sketch.plan, 1).batches, 10);
}

static void what_other_doors_do_is_counted_and_takes_no_requests(void **state UNUSED)
{
	struct sketch sketch;
	struct plan_forecast forecast;

	sketch_init(&sketch, 10);
	sketch.steps[3].door = DOOR_SYNC;
	sketch.steps[4].door = DOOR_MANUAL;
	after_the_one_before(&sketch, 5);
	forecast = plan_forecast(&sketch.plan, 0);
	assert_int_equal(forecast.by_door[DOOR_SYNC], 1);
	assert_int_equal(forecast.by_door[DOOR_MANUAL], 1);
	assert_int_equal(forecast.writes, 8);
	assert_int_equal(forecast.batches, 2);
	assert_true(forecast.share == GRAPH_QUOTA_SHARE);
}

static void a_plan_without_steps_takes_nothing(void **state UNUSED)
{
	const struct plan plan = { 0 };
	struct plan_forecast forecast = plan_forecast(&plan, 1);

	assert_int_equal(forecast.batches, 0);
	assert_int_equal(forecast.lasts_ms, 0);
}

static void more_than_a_window_allows_waits_for_the_next(void **state UNUSED)
{
	static const struct {
		uint64_t writes;
		int64_t least_ms, most_ms;
	} rows[] = {
		{ 0, 0, 0 },
		{ GRAPH_BATCH_MAX, 0, 0 },
		{ BURST, 0, 0 },
		{ HALF_OF_A_WINDOW, 117000, 119000 },
		{ HALF_OF_A_WINDOW + GRAPH_BATCH_MAX, 150000, 150000 },
		{ 2 * HALF_OF_A_WINDOW + GRAPH_BATCH_MAX, 300000, 300000 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t takes_ms = graph_writes_take_ms(rows[i].writes, 0.5);

		assert_in_range(takes_ms, rows[i].least_ms, rows[i].most_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_goes_alone_and_the_others_twenty_by_twenty),
		cmocka_unit_test(each_operation_has_a_first),
		cmocka_unit_test(what_waits_for_another_goes_in_a_batch_of_its_own),
		cmocka_unit_test(what_other_doors_do_is_counted_and_takes_no_requests),
		cmocka_unit_test(a_plan_without_steps_takes_nothing),
		cmocka_unit_test(more_than_a_window_allows_waits_for_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
