/*
 * Several batches under way: a plan of 166 steps whose requests arrive and are answered in an order that
 * a seed decides. Broken at every request and every commit in turn and taken up again, it ends as a plan that
 * goes batch by batch does; what waits for what keeps its order; the first sign of trouble stops what has
 * not left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/rollback/apply_fixture.h"
#include "tests/rollback/apply_killing.h"

enum { USERS = 70, GROUP = 300, RING = 200, DELETED = 210, STEPS_ON_A_GROUP = 6, SEEDS = 12 };

static struct tiny_beside beside;

static uint32_t seed_of_run;

/* ---- a plan of everything that has an order --------------------------------------------------- */

/* Three users pass their names on in a ring: the first parks. */
static void add_ring(struct fixture *fixture)
{
	static const char *const names[] = { "\"a@x.org\"", "\"b@x.org\"", "\"c@x.org\"" };
	size_t first = fixture->plan.step_count + 1;
	struct plan_step *step;

	for (size_t i = 0; i < 3; i++) {
		char properties[80];

		snprintf(properties, sizeof(properties), "{\"userPrincipalName\":%s}", names[i]);
		tiny_add(&fixture->tiny, "users", RING + i, properties);
	}
	fixture_set(fixture, RING, "userPrincipalName", names[0], "\"parked@x.org\"")
		->until = first + 3;
	step = fixture_set(fixture, RING + 1, "userPrincipalName", names[1], names[0]);
	fixture_after(fixture, step, first);
	step = fixture_set(fixture, RING + 2, "userPrincipalName", names[2], names[1]);
	fixture_after(fixture, step, first + 1);
	step = fixture_set(fixture, RING, "userPrincipalName", "\"parked@x.org\"", names[2]);
	step->parked_by = first;
	fixture_after(fixture, step, first);
	fixture_after(fixture, step, first + 2);
}

/* Restored before it is referred to, a reference taken away before its object is deleted. */
static void add_references(struct fixture *fixture)
{
	for (size_t i = 0; i < 6; i++) {
		tiny_add(&fixture->tiny, "users", DELETED + i, "{}");
		tiny_delete(&fixture->tiny, DELETED + i);
		fixture_step(fixture, GRAPH_RESTORE, KIND_USER, DELETED + i);
	}
	for (size_t i = 0; i < 6; i++) {
		struct plan_step *step = fixture_relate(
			fixture, GRAPH_ADD_MEMBER, GROUP + i, DELETED + i);

		fixture_after(fixture, step, step->number - 6);
	}
	for (size_t i = 0; i < 6; i++)
		fixture_relate(fixture, GRAPH_REMOVE_MEMBER, GROUP + i, DELETED + 10 + i);
	for (size_t i = 0; i < 6; i++) {
		struct plan_step *step = fixture_step(
			fixture, GRAPH_REMOVE, KIND_USER, DELETED + 10 + i);

		fixture_after(fixture, step, step->number - 6);
	}
}

static void add_plan(struct fixture *fixture)
{
	for (size_t i = 0; i < 8; i++) {
		tiny_add(&fixture->tiny, "groups", GROUP + i, "{\"securityEnabled\":true}");
		tiny_add(&fixture->tiny, "users", DELETED + 10 + i, "{}");
		tiny_add_reference(&fixture->tiny, GROUP + i, "members", DELETED + 10 + i);
	}
	add_ring(fixture);
	for (size_t i = 1; i <= USERS; i++) {
		tiny_add(&fixture->tiny, "users", i, "{\"department\":\"bad\"}");
		fixture_set(fixture, i, "department", "\"bad\"", "\"good\"");
	}
	add_references(fixture);
	for (size_t i = 1; i <= STEPS_ON_A_GROUP; i++)
		fixture_relate(fixture, GRAPH_ADD_MEMBER, GROUP + 7, i);
}

static void begin(struct fixture *fixture)
{
	fixture_reset(fixture);
	tiny_go_beside(&fixture->tiny, &beside, seed_of_run);
	add_plan(fixture);
}

/* ---- what must be true ------------------------------------------------------------------------ */

/* Where the write of a step stands among the effects. */
static size_t effect_of(const struct fixture *fixture, const struct plan_step *step)
{
	static const char *const methods[GRAPH_OPERATION_COUNT] = { [GRAPH_SET] = "PATCH",
		[GRAPH_RESTORE] = "POST",
		[GRAPH_REMOVE] = "DELETE",
		[GRAPH_ADD_MEMBER] = "POST",
		[GRAPH_REMOVE_MEMBER] = "DELETE" };
	size_t i;
	json_t *item;

	json_array_foreach(fixture->tiny.effects, i, item)
	{
		const char *text = json_string_value(item);
		const char *at = strstr(text, "00000000-");

		if (!strncmp(text, methods[step->operation], strlen(methods[step->operation])) &&
			at && !strncmp(at, step->id, ID_BYTES) &&
			!strstr(text, "$ref") == !step->target &&
			(!step->target || strstr(text, step->target)) &&
			(!step->to.data ||
				memmem(text, strlen(text), step->to.data, step->to.length)))
			return i;
	}
	fail_msg("step %zu has no effect", step->number);
	return 0;
}

static void assert_order(const struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->plan.step_count; i++) {
		const struct plan_step *step = &fixture->plan.steps[i];

		for (size_t j = 0; j < step->after_count; j++) {
			const struct plan_step *first = &fixture->plan.steps[step->after[j] - 1];

			assert_true(effect_of(fixture, first) < effect_of(fixture, step));
		}
	}
}

static void assert_whole(struct fixture *fixture)
{
	struct apply_result result = fixture->result;

	assert_string_equal(fixture->result.why, "");
	assert_int_equal(result.by_state[STEP_DONE], fixture->plan.step_count);
	assert_int_equal(fixture_effects(fixture), fixture->plan.step_count);
	assert_order(fixture);
	for (size_t i = 1; i <= USERS; i++)
		assert_true(tiny_property_is(&fixture->tiny, i, "department", "\"good\""));
	assert_true(tiny_property_is(&fixture->tiny, RING, "userPrincipalName", "\"c@x.org\""));
	for (size_t i = 1; i <= STEPS_ON_A_GROUP; i++)
		assert_true(tiny_has_reference(&fixture->tiny, GROUP + 7, "members", i));
}

/* [I10] */
static void assert_nothing_is_sent_again(struct fixture *fixture)
{
	fixture->tiny.writes = 0;
	fixture->tiny.fault = TINY_NO_FAULT;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->tiny.writes, 0);
	assert_int_equal(fixture->result.by_state[STEP_DONE], fixture->plan.step_count);
}

/* ---- without a fault -------------------------------------------------------------------------- */

static void whatever_order_answers_come_in_the_plan_keeps_its_own(void **state)
{
	struct fixture *fixture = *state;
	size_t most = 0;

	for (seed_of_run = 1; seed_of_run <= SEEDS; seed_of_run++) {
		begin(fixture);
		if (!fixture_apply(fixture))
			fail_msg("%s", fixture->err.text);
		assert_whole(fixture);
		if (beside.most_writes > most)
			most = beside.most_writes;
		assert_nothing_is_sent_again(fixture);
	}
	assert_true(most >= 3);
}

/* ---- faults ----------------------------------------------------------------------------------- */

static size_t count_requests(struct fixture *fixture)
{
	begin(fixture);
	assert_true(fixture_apply(fixture));
	return fixture->tiny.requests;
}

static void lose_each(struct fixture *fixture, enum tiny_fault fault)
{
	size_t requests;

	seed_of_run = 7;
	requests = count_requests(fixture);
	for (size_t n = 1; n <= requests; n++) {
		begin(fixture);
		fixture->tiny.fault = fault;
		fixture->tiny.fault_at = n;
		if (!fixture_apply(fixture))
			assert_true(fixture_apply(fixture));
		assert_whole(fixture);
	}
}

static void a_request_lost_on_its_way_beside_others_is_sent_once_more_after_reading(void **state)
{
	lose_each(*state, TINY_LOST_BEFORE);
}

static void an_answer_lost_beside_others_is_found_by_reading(void **state)
{
	lose_each(*state, TINY_LOST_AFTER);
}

/* Its connections are gone with the process: the next run has a directory of its own seed. */
static void resume(struct fixture *fixture)
{
	killing_check_intents(fixture);
	fixture->tiny.fault = TINY_NO_FAULT;
	tiny_go_beside(&fixture->tiny, &beside, seed_of_run + 1);
	if (!fixture_apply(fixture))
		fail_msg("%s", fixture->err.text);
	assert_whole(fixture);
}

static void kill_at_each_request(struct fixture *fixture, enum tiny_fault fault)
{
	size_t requests;

	seed_of_run = 3;
	requests = count_requests(fixture);
	killing_at_commit(fixture, 0, false);
	for (size_t n = 1; n <= requests; n++) {
		begin(fixture);
		fixture->tiny.fault = fault;
		fixture->tiny.fault_at = n;
		assert_true(killing_run(fixture));
		resume(fixture);
	}
}

static void killed_before_any_request_arrives_all_that_is_unknown_is_settled(void **state)
{
	kill_at_each_request(*state, TINY_KILL_BEFORE);
}

static void killed_after_any_request_arrived_all_that_is_unknown_is_settled(void **state)
{
	kill_at_each_request(*state, TINY_KILL_AFTER);
}

static void kill_at_each_commit(struct fixture *fixture, bool after)
{
	size_t n = 0;
	bool killed;

	seed_of_run = 5;
	do {
		begin(fixture);
		killing_at_commit(fixture, ++n, after);
		killed = killing_run(fixture);
		if (killed)
			resume(fixture);
	} while (killed);
	assert_true(n > 20);
}

static void killed_before_any_commit_with_several_under_way_it_goes_on(void **state)
{
	kill_at_each_commit(*state, false);
}

static void killed_after_any_commit_with_several_under_way_it_goes_on(void **state)
{
	kill_at_each_commit(*state, true);
}

/* ---- how many, and when -------------------------------------------------------------------- */

static void users(struct fixture *fixture, size_t count)
{
	tiny_go_beside(&fixture->tiny, &beside, 11);
	for (size_t i = 1; i <= count; i++) {
		tiny_add(&fixture->tiny, "users", i, "{\"department\":\"bad\"}");
		fixture_set(fixture, i, "department", "\"bad\"", "\"good\"");
	}
}

static void it_begins_with_one_and_each_that_comes_back_lets_one_more_go(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 250);
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 250);
	assert_int_equal(beside.others[0], 0);
	for (size_t i = 0; i < beside.write_count; i++)
		assert_true(beside.others[i] <= i); /* at most as many as have come back, and it */
	assert_true(beside.most_writes >= 3);
}

static void refused_one_goes_alone_again(void **state)
{
	struct fixture *fixture = *state;
	size_t alone = 0;

	users(fixture, 250);
	fixture->tiny.refuse_id = tiny_id(90);
	fixture->tiny.refuse_status = 400;
	fixture->tiny.refuse_code = "Request_BadRequest";
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 249);
	assert_int_equal(fixture->told[90], STEP_REFUSED);
	for (size_t i = 1; i < beside.write_count; i++)
		alone += beside.others[i] == 0 && beside.others[i - 1] > 0;
	assert_true(alone >= 1);
}

static void begin_to_throttle(struct tiny_graph *tiny)
{
	tiny->throttle = 30;
}

static void throttled_nothing_leaves_before_the_time_it_asked_for_is_over(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 250);
	beside.slow_answer = 12;
	beside.meanwhile = begin_to_throttle;
	if (!fixture_apply(fixture))
		fail_msg("%s", fixture->err.text);
	assert_int_equal(fixture->tiny.throttle, 0);
	assert_int_equal(fixture->result.by_state[STEP_DONE], 250);
	assert_int_equal(fixture_effects(fixture), 250);
	assert_true(fixture_effects_differ(fixture));
}

static size_t writes_at_signal;

static void somebody_presses_ctrl_c(struct tiny_graph *tiny)
{
	writes_at_signal = tiny->beside->write_count;
	raise(SIGINT);
}

/* In a child, since the flag of the signal stays. */
static bool lands(struct fixture *fixture)
{
	interrupted_listen();
	return fixture_apply(fixture) && fixture->result.interrupted &&
		beside.write_count == writes_at_signal && beside.count == 0 &&
		fixture->result.by_state[STEP_DONE] == fixture_effects(fixture) &&
		fixture->result.by_state[STEP_OPEN] + fixture_effects(fixture) == 250;
}

static void after_a_signal_what_is_under_way_is_settled_and_nothing_new_leaves(void **state)
{
	struct fixture *fixture = *state;
	int status;
	pid_t child;

	users(fixture, 250);
	beside.slow_answer = 16;
	beside.meanwhile = somebody_presses_ctrl_c;
	child = fork();
	if (!child)
		_exit(lands(fixture) ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- freshness -------------------------------------------------------------------------------- */

static void somebody_decides(struct tiny_graph *tiny)
{
	for (size_t i = 1; i <= 20; i++)
		if (tiny_property_is(tiny, i, "department", "\"bad\""))
			tiny_set(tiny, i, "department", "\"chosen\"");
}

/* The answer of a reading is on its way for long; what it shows is not true any more when it comes. */
static void what_was_read_long_ago_is_read_again_before_it_is_written(void **state)
{
	struct fixture *fixture = *state;

	/* Organization, canary: read, write, read; then the first reading of a batch. */
	users(fixture, 20);
	beside.slow_answer = 5;
	beside.slow_ms = APPLY_FRESH_MS + 1000;
	beside.meanwhile = somebody_decides;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 1);
	assert_int_equal(fixture->result.by_state[STEP_STALE], 19);
	assert_int_equal(fixture_effects(fixture), 1);
}

static void where_every_reading_takes_too_long_nothing_is_written(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 20);
	beside.answer_takes_ms = APPLY_FRESH_MS + 1000;
	assert_false(fixture_apply(fixture));
	assert_true(fixture_error_says(fixture, ERROR_NETWORK, "read so long ago"));
	assert_int_equal(fixture->tiny.writes, 0);
	beside.answer_takes_ms = 0;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 20);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whatever_order_answers_come_in_the_plan_keeps_its_own),
		TEST(it_begins_with_one_and_each_that_comes_back_lets_one_more_go),
		TEST(refused_one_goes_alone_again),
		TEST(throttled_nothing_leaves_before_the_time_it_asked_for_is_over),
		TEST(after_a_signal_what_is_under_way_is_settled_and_nothing_new_leaves),
		TEST(what_was_read_long_ago_is_read_again_before_it_is_written),
		TEST(where_every_reading_takes_too_long_nothing_is_written),
		TEST(a_request_lost_on_its_way_beside_others_is_sent_once_more_after_reading),
		TEST(an_answer_lost_beside_others_is_found_by_reading),
		TEST(killed_before_any_request_arrives_all_that_is_unknown_is_settled),
		TEST(killed_after_any_request_arrived_all_that_is_unknown_is_settled),
		TEST(killed_before_any_commit_with_several_under_way_it_goes_on),
		TEST(killed_after_any_commit_with_several_under_way_it_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
