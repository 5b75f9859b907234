/* A value in two halves: parked, so that others can move, and then what is wanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/rollback/apply_fixture.h"

#define PARKED "\"unstage-parking-00000001@x.org\""

/* User 1 has b and should have a, user 2 the other way round; the middle step is of `door`. */
static void swap(struct fixture *fixture, enum door door)
{
	struct plan_step *step;

	tiny_add(&fixture->tiny, "users", 1, "{\"userPrincipalName\":\"b@x.org\"}");
	tiny_add(&fixture->tiny, "users", 2, "{\"userPrincipalName\":\"a@x.org\"}");
	fixture_set(fixture, 1, "userPrincipalName", "\"b@x.org\"", PARKED)->until = 3;
	step = fixture_set(fixture, 2, "userPrincipalName", "\"a@x.org\"", "\"b@x.org\"");
	step->door = door;
	fixture_after(fixture, step, 1);
	step = fixture_set(fixture, 1, "userPrincipalName", PARKED, "\"a@x.org\"");
	step->parked_by = 1;
	fixture_after(fixture, step, 1);
	fixture_after(fixture, step, 2);
}

static void all_are(const struct fixture *fixture, enum step_state state)
{
	for (size_t i = 1; i <= fixture->plan.step_count; i++)
		assert_string_equal(step_state_name(fixture->told[i]), step_state_name(state));
}

static void swap_is_applied_and_the_parking_counts_as_done_afterwards(void **state)
{
	struct fixture *fixture = *state;

	swap(fixture, DOOR_GRAPH);
	assert_true(fixture_apply(fixture));
	all_are(fixture, STEP_DONE);
	assert_true(tiny_property_is(&fixture->tiny, 1, "userPrincipalName", "\"a@x.org\""));
	assert_true(tiny_property_is(&fixture->tiny, 2, "userPrincipalName", "\"b@x.org\""));
	assert_int_equal(fixture_effects(fixture), 3);
	assert_true(fixture_status(fixture, NULL));
	all_are(fixture, STEP_DONE);
}

static void swap_holds_where_replicas_lag(void **state)
{
	struct fixture *fixture = *state;

	swap(fixture, DOOR_GRAPH);
	fixture->tiny.lag_reads = 2;
	assert_true(fixture_apply(fixture));
	all_are(fixture, STEP_DONE);
	assert_int_equal(fixture_effects(fixture), 3);
}

static void nothing_is_overwritten_that_stood_there_before_us(void **state)
{
	struct fixture *fixture = *state;

	swap(fixture, DOOR_GRAPH);
	tiny_set(&fixture->tiny, 1, "userPrincipalName", "\"a@x.org\"");
	tiny_set(&fixture->tiny, 2, "userPrincipalName", "\"b@x.org\"");
	assert_true(fixture_apply(fixture));
	all_are(fixture, STEP_ALREADY);
	assert_int_equal(fixture_effects(fixture), 0);
}

static void swap_with_another_door_in_it_goes_on_when_that_is_done(void **state)
{
	struct fixture *fixture = *state;

	swap(fixture, DOOR_EXCHANGE);
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_DONE);
	assert_int_equal(fixture->told[2], STEP_WAITING);
	assert_int_equal(fixture->told[3], STEP_HELD_BACK);
	assert_true(tiny_property_is(&fixture->tiny, 1, "userPrincipalName", PARKED));
	assert_true(fixture_status(fixture, NULL));
	assert_int_equal(fixture->told[1], STEP_DONE);
	assert_int_equal(fixture->told[3], STEP_HELD_BACK);

	tiny_set(&fixture->tiny, 2, "userPrincipalName", "\"b@x.org\"");
	assert_true(fixture_apply(fixture));
	assert_true(tiny_property_is(&fixture->tiny, 1, "userPrincipalName", "\"a@x.org\""));
	assert_true(fixture_status(fixture, NULL));
	assert_int_equal(fixture->told[1], STEP_DONE);
	assert_int_equal(fixture->told[2], STEP_SETTLED);
	assert_int_equal(fixture->told[3], STEP_DONE);
}

/* Both halves are undone, the second one first, and the file of it is a plan. */
static void swap_that_is_undone_stands_as_before(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(1 << 20);
	struct undo_options options = { .journal_path = fixture->journal,
		.plan_bytes = span_of(fixture->plan_bytes),
		.now_ms = FIXTURE_NOW_MS };
	struct error err = { 0 };

	swap(fixture, DOOR_GRAPH);
	assert_true(fixture_apply(fixture));
	fixture->plan.base = fixture->plan.live =
		"1111111111111111111111111111111111111111111111111111111111111111";
	fixture->plan.tool = "unstage";
	CLEANUP(plan_freep) struct plan *back = plan_undo(&fixture->plan, &options, &err);

	if (!back)
		fail_msg("%s", err.text);
	assert_int_equal(back->step_count, 3);
	assert_int_equal(back->steps[0].until, 3);
	assert_int_equal(back->steps[2].parked_by, 1);
	plan_add_json(&bytes, back);
	CLEANUP(plan_freep) struct plan *read = plan_parse(buf_span(&bytes), &err);

	if (!read)
		fail_msg("%s", err.text);
	assert_true(span_is(read->steps[2].to, "\"b@x.org\""));
}

/* Before the second half was written, the name stood there that the first one had parked. */
static void halves_between_which_it_was_turned_back_can_be_undone(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(1 << 20);
	struct undo_options options = { .journal_path = fixture->journal,
		.plan_bytes = span_of(fixture->plan_bytes),
		.now_ms = FIXTURE_NOW_MS };
	struct error err = { 0 };

	swap(fixture, DOOR_EXCHANGE);
	assert_true(fixture_apply(fixture));
	tiny_set(&fixture->tiny, 1, "userPrincipalName", "\"b@x.org\"");
	tiny_set(&fixture->tiny, 2, "userPrincipalName", "\"b@x.org\"");
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[3], STEP_DONE);
	fixture->plan.base = fixture->plan.live =
		"1111111111111111111111111111111111111111111111111111111111111111";
	fixture->plan.tool = "unstage";
	CLEANUP(plan_freep) struct plan *back = plan_undo(&fixture->plan, &options, &err);

	if (!back)
		fail_msg("%s", err.text);
	plan_add_json(&bytes, back);
	CLEANUP(plan_freep) struct plan *read = plan_parse(buf_span(&bytes), &err);

	if (!read)
		fail_msg("%s", err.text);
	assert_true(span_is(read->steps[1].to, "\"b@x.org\""));
}

static void without_a_journal_a_half_that_has_not_begun_is_open(void **state)
{
	struct fixture *fixture = *state;

	swap(fixture, DOOR_GRAPH);
	assert_true(fixture_status(fixture, NULL));
	all_are(fixture, STEP_OPEN);
}

static void somebody_elses_name_in_between_makes_the_second_half_stale(void **state)
{
	struct fixture *fixture = *state;

	swap(fixture, DOOR_EXCHANGE);
	assert_true(fixture_apply(fixture));
	tiny_set(&fixture->tiny, 2, "userPrincipalName", "\"b@x.org\"");
	tiny_set(&fixture->tiny, 1, "userPrincipalName", "\"chosen@x.org\"");
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[3], STEP_STALE);
	assert_true(tiny_property_is(&fixture->tiny, 1, "userPrincipalName", "\"chosen@x.org\""));
}

/* Whatever request meets whatever fault: run again, and it ends where it should. */
static void every_fault_at_every_request_ends_in_the_swap(void **state)
{
	struct fixture *fixture = *state;

	for (int fault = 0; fault <= TINY_KILL_AFTER; fault++) {
		if (fault == TINY_KILL_BEFORE || fault == TINY_KILL_AFTER)
			continue; /* apply_faults_test kills processes */
		for (size_t at = 1; at < 24; at++) {
			fixture_reset(fixture);
			swap(fixture, DOOR_GRAPH);
			fixture->tiny.fault = (enum tiny_fault)fault;
			fixture->tiny.fault_at = at;
			(void)fixture_apply(fixture);
			(void)fixture_apply(fixture);
			assert_true(tiny_property_is(
				&fixture->tiny, 1, "userPrincipalName", "\"a@x.org\""));
			assert_true(tiny_property_is(
				&fixture->tiny, 2, "userPrincipalName", "\"b@x.org\""));
			assert_true(fixture_effects_differ(fixture));
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(swap_is_applied_and_the_parking_counts_as_done_afterwards),
		TEST(swap_holds_where_replicas_lag),
		TEST(nothing_is_overwritten_that_stood_there_before_us),
		TEST(swap_with_another_door_in_it_goes_on_when_that_is_done),
		TEST(swap_that_is_undone_stands_as_before),
		TEST(halves_between_which_it_was_turned_back_can_be_undone),
		TEST(without_a_journal_a_half_that_has_not_begun_is_open),
		TEST(somebody_elses_name_in_between_makes_the_second_half_stale),
		TEST(every_fault_at_every_request_ends_in_the_swap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
