/*
 * A plan of 25 steps over all nine operations, broken at every request and at every durable
 * transaction in turn, and taken up again. After each: every effect once, none missing, none
 * that the plan does not name; journal and summary agree; a further run sends nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/rollback/apply_fixture.h"
#include "tests/rollback/apply_killing.h"

enum { ALL_STEPS = 25 };

/* Users 1 to 30, groups 50 to 53. Numbers below are theirs. */
static void add_directory(struct tiny_graph *tiny)
{
	for (size_t i = 1; i <= 30; i++)
		tiny_add(tiny, "users", i,
			"{\"department\":\"bad\",\"otherMails\":[\"x@y.example\"]}");
	for (size_t i = 10; i <= 12; i++)
		tiny_delete(tiny, i);
	for (size_t i = 50; i <= 53; i++)
		tiny_add(tiny, "groups", i, "{\"securityEnabled\":true}");
	for (size_t i = 50; i <= 52; i++) {
		tiny_add_reference(tiny, i, "members", 20);
		tiny_add_reference(tiny, i, "owners", 21);
	}
	tiny_set_manager(tiny, 22, 24);
	tiny_set_manager(tiny, 25, 24);
}

static void add_plan(struct fixture *fixture)
{
	struct plan_step *step;

	for (size_t i = 1; i <= 5; i++)
		fixture_set(fixture, i, "department", "\"bad\"", "\"good\"");
	fixture_set(fixture, 6, "otherMails", "[\"x@y.example\"]", NULL);
	for (size_t i = 10; i <= 12; i++)
		fixture_step(fixture, GRAPH_RESTORE, KIND_USER, i);
	for (size_t i = 13; i <= 15; i++)
		fixture_step(fixture, GRAPH_REMOVE, KIND_USER, i);
	step = fixture_relate(fixture, GRAPH_ADD_MEMBER, 50, 10);
	fixture_after(fixture, step, 7);
	fixture_relate(fixture, GRAPH_ADD_MEMBER, 51, 1);
	fixture_relate(fixture, GRAPH_ADD_MEMBER, 52, 2);
	for (size_t i = 50; i <= 52; i++)
		fixture_relate(fixture, GRAPH_REMOVE_MEMBER, i, 20);
	fixture_relate(fixture, GRAPH_ADD_OWNER, 53, 23);
	fixture_relate(fixture, GRAPH_ADD_OWNER, 50, 23);
	fixture_relate(fixture, GRAPH_REMOVE_OWNER, 50, 21);
	fixture_relate(fixture, GRAPH_REMOVE_OWNER, 51, 21);
	step = fixture_relate(fixture, GRAPH_SET_MANAGER, 22, 23);
	step->from = SPAN_LITERAL("\"00000000-0000-4000-8000-000000000024\"");
	fixture_relate(fixture, GRAPH_SET_MANAGER, 26, 23);
	step = fixture_relate(fixture, GRAPH_CLEAR_MANAGER, 25, 0);
	step->from = SPAN_LITERAL("\"00000000-0000-4000-8000-000000000024\"");
	assert_int_equal(fixture->plan.step_count, ALL_STEPS);
}

static void begin(struct fixture *fixture)
{
	fixture_reset(fixture);
	add_directory(&fixture->tiny);
	add_plan(fixture);
}

static void assert_end_state(struct fixture *fixture)
{
	const struct tiny_graph *tiny = &fixture->tiny;

	for (size_t i = 1; i <= 5; i++)
		assert_true(tiny_property_is(tiny, i, "department", "\"good\""));
	assert_true(tiny_property_is(tiny, 6, "otherMails", "[]"));
	for (size_t i = 10; i <= 15; i++)
		assert_int_equal(tiny_is_deleted(tiny, i), i >= 13);
	assert_true(tiny_has_reference(tiny, 50, "members", 10));
	assert_true(tiny_has_reference(tiny, 51, "members", 1));
	assert_true(tiny_has_reference(tiny, 52, "members", 2));
	for (size_t i = 50; i <= 52; i++)
		assert_false(tiny_has_reference(tiny, i, "members", 20));
	assert_true(tiny_has_reference(tiny, 53, "owners", 23));
	assert_true(tiny_has_reference(tiny, 50, "owners", 23));
	assert_false(tiny_has_reference(tiny, 50, "owners", 21));
	assert_false(tiny_has_reference(tiny, 51, "owners", 21));
	assert_true(tiny_has_manager(tiny, 22, 23));
	assert_true(tiny_has_manager(tiny, 26, 23));
	assert_true(tiny_has_manager(tiny, 25, 0));
}

/* [I2, I4, I9, I10] */
static void assert_all_done_once(struct fixture *fixture)
{
	struct apply_result result = fixture->result;

	assert_int_equal(result.by_state[STEP_DONE], ALL_STEPS);
	assert_int_equal(fixture_effects(fixture), ALL_STEPS);
	assert_true(fixture_effects_differ(fixture));
	assert_end_state(fixture);
	for (size_t i = 1; i <= ALL_STEPS; i++)
		assert_int_equal(fixture->told[i], STEP_DONE);
	assert_int_equal(fixture_journal_state(fixture, ALL_STEPS), STEP_DONE);
	fixture->tiny.writes = 0;
	fixture->tiny.fault = TINY_NO_FAULT;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->tiny.writes, 0);
	assert_memory_equal(fixture->result.by_state, result.by_state, sizeof(result.by_state));
}

/* How many requests a run without faults makes. */
static size_t count_requests(struct fixture *fixture, unsigned lag_reads)
{
	begin(fixture);
	fixture->tiny.lag_reads = lag_reads;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], ALL_STEPS);
	return fixture->tiny.requests;
}

static void lose_each_answer(struct fixture *fixture, enum tiny_fault fault, unsigned lag_reads)
{
	size_t requests = count_requests(fixture, lag_reads);

	for (size_t n = 1; n <= requests; n++) {
		begin(fixture);
		fixture->tiny.lag_reads = lag_reads;
		fixture->tiny.fault = fault;
		fixture->tiny.fault_at = n;
		if (!fixture_apply(fixture))
			assert_true(fixture_apply(fixture));
		assert_all_done_once(fixture);
	}
}

static void an_answer_lost_after_its_effect_is_found_by_reading(void **state)
{
	lose_each_answer(*state, TINY_LOST_AFTER, 0);
}

static void a_request_lost_on_its_way_is_sent_once_more_after_reading(void **state)
{
	lose_each_answer(*state, TINY_LOST_BEFORE, 0);
}

static void a_lost_answer_and_a_lagging_replica_together_make_no_duplicate(void **state)
{
	lose_each_answer(*state, TINY_LOST_AFTER, 2);
}

/* ---- kills ---------------------------------------------------------------------------------- */

static void resume(struct fixture *fixture)
{
	killing_check_intents(fixture);
	fixture->tiny.fault = TINY_NO_FAULT;
	if (!fixture_apply(fixture))
		fail_msg("%s", fixture->err.text);
	assert_all_done_once(fixture);
}

static void kill_at_each_request(struct fixture *fixture, enum tiny_fault fault)
{
	size_t requests = count_requests(fixture, 0);

	killing_at_commit(fixture, 0, false);
	for (size_t n = 1; n <= requests; n++) {
		begin(fixture);
		fixture->tiny.fault = fault;
		fixture->tiny.fault_at = n;
		assert_true(killing_run(fixture));
		resume(fixture);
	}
}

static void killed_before_any_request_it_goes_on(void **state)
{
	kill_at_each_request(*state, TINY_KILL_BEFORE);
}

static void killed_after_any_request_it_goes_on(void **state)
{
	kill_at_each_request(*state, TINY_KILL_AFTER);
}

static void kill_at_each_commit(struct fixture *fixture, bool after)
{
	size_t n = 0;
	bool killed;

	do {
		begin(fixture);
		killing_at_commit(fixture, ++n, after);
		killed = killing_run(fixture);
		if (killed)
			resume(fixture);
	} while (killed);
	/* Three transactions at least for each of the nine canaries. */
	assert_true(n > 27);
}

static void killed_before_any_commit_it_goes_on(void **state)
{
	kill_at_each_commit(*state, false);
}

static void killed_after_any_commit_it_goes_on(void **state)
{
	kill_at_each_commit(*state, true);
}

/* ---- what reading can't settle -------------------------------------------------------------- */

static void two_lost_requests_for_one_step_are_enough(void **state)
{
	struct fixture *fixture = *state;

	tiny_add(&fixture->tiny, "users", 1, "{\"department\":\"bad\"}");
	tiny_add(&fixture->tiny, "users", 2, "{\"department\":\"bad\"}");
	fixture_set(fixture, 1, "department", "\"bad\"", "\"good\"");
	fixture_set(fixture, 2, "department", "\"bad\"", "\"good\"");
	fixture->tiny.refuse_id = "users";
	fixture->tiny.refuse_status = 503;
	fixture->tiny.refuse_code = "serviceUnavailable";
	assert_true(fixture_apply(fixture));
	assert_true(fixture->result.stopped);
	assert_int_equal(fixture->told[1], STEP_UNKNOWN);
	assert_int_equal(fixture->result.by_state[STEP_OPEN], 1);
	assert_int_equal(fixture->tiny.writes, APPLY_SENDS_MAX);
}

static void a_conflict_found_while_settling_stops_the_run(void **state)
{
	struct fixture *fixture = *state;

	tiny_add(&fixture->tiny, "users", 1, "{\"department\":\"bad\"}");
	tiny_add(&fixture->tiny, "users", 2, "{\"department\":\"bad\"}");
	fixture_set(fixture, 1, "department", "\"bad\"", "\"good\"");
	fixture_set(fixture, 2, "department", "\"bad\"", "\"good\"");
	killing_at_commit(fixture, 0, false);
	fixture->tiny.fault = TINY_KILL_AFTER;
	fixture->tiny.fault_at = 3; /* organization, read, write */
	assert_true(killing_run(fixture));
	assert_int_equal(fixture_effects(fixture), 1);
	tiny_set(&fixture->tiny, 1, "department", "\"a third one's\"");
	fixture->tiny.fault = TINY_NO_FAULT;
	assert_true(fixture_apply(fixture));
	assert_true(fixture->result.stopped);
	assert_int_equal(fixture->told[1], STEP_UNKNOWN);
	assert_int_equal(fixture->told[2], STEP_OPEN);
	assert_int_equal(fixture->tiny.writes, 0);
	assert_int_equal(fixture_effects(fixture), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_lost_after_its_effect_is_found_by_reading),
		TEST(a_request_lost_on_its_way_is_sent_once_more_after_reading),
		TEST(a_lost_answer_and_a_lagging_replica_together_make_no_duplicate),
		TEST(killed_before_any_request_it_goes_on),
		TEST(killed_after_any_request_it_goes_on),
		TEST(killed_before_any_commit_it_goes_on),
		TEST(killed_after_any_commit_it_goes_on),
		TEST(two_lost_requests_for_one_step_are_enough),
		TEST(a_conflict_found_while_settling_stops_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
