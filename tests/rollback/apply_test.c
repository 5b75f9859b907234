#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/rollback/apply_fixture.h"

static void users(struct fixture *fixture, size_t count)
{
	for (size_t i = 1; i <= count; i++) {
		tiny_add(&fixture->tiny, "users", i, "{\"department\":\"bad\"}");
		fixture_set(fixture, i, "department", "\"bad\"", "\"good\"");
	}
}

static json_t *receipt_of(const struct fixture *fixture)
{
	json_t *receipt = json_load_file(fixture->receipt, 0, NULL);

	assert_non_null(receipt);
	return receipt;
}

static void a_plan_without_steps_ends_well_and_leaves_a_receipt(void **state)
{
	struct fixture *fixture = *state;

	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->tiny.writes, 0);
	json_decref(receipt_of(fixture));
}

static void every_step_is_applied_verified_and_told_once(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 30);
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 30);
	assert_int_equal(fixture_effects(fixture), 30);
	for (size_t i = 1; i <= 30; i++) {
		assert_true(tiny_property_is(&fixture->tiny, i, "department", "\"good\""));
		assert_int_equal(fixture->told[i], STEP_DONE);
		assert_int_equal(fixture->told_times[i], 1);
	}
}

static void a_finished_plan_sends_nothing_and_says_the_same_again(void **state)
{
	struct fixture *fixture = *state;
	struct apply_result first;

	users(fixture, 3);
	tiny_set(&fixture->tiny, 2, "department", "\"somebody else's\"");
	assert_true(fixture_apply(fixture));
	first = fixture->result;
	tiny_set(&fixture->tiny, 1, "department", "\"bad\"");
	tiny_set(&fixture->tiny, 2, "department", "\"bad\"");
	fixture->tiny.writes = 0;
	for (int i = 0; i < 2; i++) {
		assert_true(fixture_apply(fixture));
		assert_int_equal(fixture->tiny.writes, 0);
		assert_memory_equal(
			fixture->result.by_state, first.by_state, sizeof(first.by_state));
		assert_int_equal(fixture->told[2], STEP_STALE);
	}
}

static void a_stale_step_is_skipped_and_what_depends_on_it_held_back(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 4);
	fixture_after(fixture, &fixture->steps[2], 2);
	fixture_after(fixture, &fixture->steps[3], 3);
	tiny_set(&fixture->tiny, 2, "department", "\"somebody else's\"");
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_DONE);
	assert_int_equal(fixture->told[2], STEP_STALE);
	assert_non_null(strstr(fixture->text[2], "somebody else's"));
	assert_int_equal(fixture->told[3], STEP_HELD_BACK);
	assert_int_equal(fixture->told[4], STEP_HELD_BACK);
	assert_true(tiny_property_is(&fixture->tiny, 2, "department", "\"somebody else's\""));
	assert_int_equal(fixture->tiny.writes, 1);
}

static void all_stale_is_the_error_stale(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 2);
	tiny_set(&fixture->tiny, 1, "department", "\"x\"");
	tiny_set(&fixture->tiny, 2, "department", "\"x\"");
	assert_false(fixture_apply(fixture));
	assert_true(fixture_error_says(fixture, ERROR_STALE, "nothing was applied"));
	assert_int_equal(fixture->result.by_state[STEP_STALE], 2);
	assert_int_equal(fixture->tiny.writes, 0);
}

static void what_stands_there_already_is_not_written(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 2);
	tiny_set(&fixture->tiny, 1, "department", "\"good\"");
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_ALREADY);
	assert_int_equal(fixture->told[2], STEP_DONE);
	assert_int_equal(fixture->tiny.writes, 1);
}

static void an_object_that_is_gone_makes_its_step_stale(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 2);
	tiny_delete(&fixture->tiny, 1);
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_STALE);
	assert_non_null(strstr(fixture->text[1], "deleted"));
}

static void the_first_of_a_kind_goes_alone(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 10);
	fixture->tiny.refuse_id = tiny_id(1);
	fixture->tiny.refuse_status = 400;
	fixture->tiny.refuse_code = "Request_BadRequest";
	assert_true(fixture_apply(fixture));
	assert_true(fixture->result.stopped);
	assert_non_null(strstr(fixture->result.why, "step 1"));
	assert_int_equal(fixture->told[1], STEP_REFUSED);
	assert_int_equal(fixture->result.by_state[STEP_OPEN], 9);
	assert_int_equal(fixture->tiny.writes, 1);
}

static void more_canaries_may_be_asked_for(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 10);
	fixture->options.canary = 3;
	fixture->tiny.refuse_id = tiny_id(3);
	fixture->tiny.refuse_status = 400;
	fixture->tiny.refuse_code = "Request_BadRequest";
	assert_true(fixture_apply(fixture));
	assert_true(fixture->result.stopped);
	assert_int_equal(fixture->result.by_state[STEP_DONE], 2);
	assert_int_equal(fixture->tiny.writes, 3);
}

static void a_refusal_behind_the_canary_is_recorded_and_the_rest_goes_on(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 5);
	fixture->tiny.refuse_id = tiny_id(3);
	fixture->tiny.refuse_status = 400;
	fixture->tiny.refuse_code = "Request_BadRequest";
	assert_true(fixture_apply(fixture));
	assert_false(fixture->result.stopped);
	assert_int_equal(fixture->told[3], STEP_REFUSED);
	assert_non_null(strstr(fixture->text[3], "refused by the test"));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 4);
}

static void a_403_before_anything_was_done_is_the_error_denied(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 5);
	fixture->tiny.refuse_id = "users";
	fixture->tiny.refuse_status = 403;
	fixture->tiny.refuse_code = "Authorization_RequestDenied";
	assert_false(fixture_apply(fixture));
	assert_true(fixture_error_says(fixture, ERROR_DENIED, "step 1"));
	assert_int_equal(fixture->tiny.writes, 1);
	json_decref(receipt_of(fixture));
}

static void a_403_after_something_was_done_stops_and_is_recorded(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 60);
	fixture->tiny.refuse_id = tiny_id(9);
	fixture->tiny.refuse_status = 403;
	fixture->tiny.refuse_code = "Authorization_RequestDenied";
	assert_true(fixture_apply(fixture));
	assert_true(fixture->result.stopped);
	assert_int_equal(fixture->told[9], STEP_REFUSED);
	/* The canary, and the two batches in flight; nothing new. */
	assert_int_equal(fixture->result.by_state[STEP_DONE], 40);
	assert_int_equal(fixture->result.by_state[STEP_OPEN], 19);
}

static void an_inner_429_is_sent_again_alone(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 8);
	fixture->tiny.throttle = 2;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 8);
	assert_int_equal(fixture_effects(fixture), 8);
	assert_int_equal(fixture->tiny.writes, 10);
}

static void throttled_beyond_the_limit_leaves_the_step_open_for_a_resume(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 2);
	fixture->tiny.throttle = 1000;
	assert_false(fixture_apply(fixture));
	assert_int_equal(fixture->err.kind, ERROR_NETWORK);
	assert_int_equal(fixture->result.by_state[STEP_OPEN], 2);
	fixture->tiny.throttle = 0;
	fixture->options.now_ms = FIXTURE_NOW_MS + tiny_clock_ms();
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 2);
	assert_int_equal(fixture_effects(fixture), 2);
}

static void a_lagging_replica_is_waited_out(void **state)
{
	struct fixture *fixture = *state;
	int64_t before_ms = tiny_clock_ms();

	users(fixture, 1);
	fixture->tiny.lag_reads = 4;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_DONE);
	assert_int_equal(fixture_effects(fixture), 1);
	assert_true(tiny_clock_ms() > before_ms);
	assert_true(tiny_clock_ms() < before_ms + APPLY_LAG_LIMIT_MS);
}

static void done_says_graph_and_never_visible_is_unknown_and_stops(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 3);
	fixture->tiny.lag_reads = 1000;
	assert_true(fixture_apply(fixture));
	assert_true(fixture->result.stopped);
	assert_int_equal(fixture->told[1], STEP_UNKNOWN);
	assert_int_equal(fixture->tiny.writes, 1);
	assert_int_equal(fixture->result.by_state[STEP_OPEN], 2);
	assert_int_equal(fixture_journal_state(fixture, 1), STEP_UNKNOWN);
}

static void an_object_that_went_to_directory_sync_is_not_written(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 2);
	tiny_set(&fixture->tiny, 1, "onPremisesSyncEnabled", "true");
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_REFUSED);
	assert_non_null(strstr(fixture->text[1], "directory sync"));
	assert_int_equal(fixture->told[2], STEP_DONE);
	assert_int_equal(fixture->tiny.writes, 1);
}

static void what_stays_the_clouds_of_a_synced_object_is_written(void **state)
{
	struct fixture *fixture = *state;

	tiny_add(&fixture->tiny, "users", 1, "{\"otherMails\":[\"bad@b.example\"]}");
	tiny_set(&fixture->tiny, 1, "onPremisesSyncEnabled", "true");
	fixture_set(fixture, 1, "otherMails", "[\"bad@b.example\"]", "[\"a@b.example\"]");
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_DONE);
	assert_int_equal(fixture->tiny.writes, 1);
}

static void a_sibling_that_patch_would_clear_is_sent_along(void **state)
{
	struct fixture *fixture = *state;

	tiny_add(&fixture->tiny, "users", 1,
		"{\"employeeOrgData\":{\"costCenter\":\"42\",\"division\":\"bad\"}}");
	tiny_add(&fixture->tiny, "users", 2,
		"{\"onPremisesExtensionAttributes\":"
		"{\"extensionAttribute1\":\"keep\",\"extensionAttribute3\":\"bad\"}}");
	tiny_add(&fixture->tiny, "users", 3, "{\"otherMails\":[\"a@b.example\"]}");
	fixture_set(fixture, 1, "employeeOrgData/division", "\"bad\"", "\"good\"");
	fixture_set(
		fixture, 2, "onPremisesExtensionAttributes/extensionAttribute3", "\"bad\"", NULL);
	fixture_set(fixture, 3, "otherMails", "[\"a@b.example\"]", NULL);
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 3);
	assert_true(tiny_property_is(&fixture->tiny, 1, "employeeOrgData",
		"{\"costCenter\":\"42\",\"division\":\"good\"}"));
	assert_true(tiny_property_is(&fixture->tiny, 2, "onPremisesExtensionAttributes",
		"{\"extensionAttribute1\":\"keep\",\"extensionAttribute3\":null}"));
	assert_true(tiny_property_is(&fixture->tiny, 3, "otherMails", "[]"));
}

static void steps_of_other_doors_wait_and_are_not_sent(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 3);
	fixture->steps[0].door = DOOR_SYNC;
	fixture->steps[1].door = DOOR_MANUAL;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_WAITING], 2);
	assert_int_equal(fixture->told[3], STEP_DONE);
	assert_int_equal(fixture->tiny.writes, 1);
}

static void a_step_behind_another_door_goes_once_that_door_is_done(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 2);
	fixture->steps[0].door = DOOR_SYNC;
	fixture_after(fixture, &fixture->steps[1], 1);
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[2], STEP_HELD_BACK);
	assert_int_equal(fixture->tiny.writes, 0);
	tiny_set(&fixture->tiny, 1, "department", "\"good\"");
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_SETTLED);
	assert_int_equal(fixture->told[2], STEP_DONE);
}

static void two_steps_on_one_object_go_one_after_the_other(void **state)
{
	struct fixture *fixture = *state;

	tiny_add(&fixture->tiny, "users", 1, "{\"department\":\"bad\",\"city\":\"bad\"}");
	tiny_add(&fixture->tiny, "users", 2, "{\"city\":\"bad\"}");
	fixture_set(fixture, 2, "city", "\"bad\"", "\"good\"");
	fixture_set(fixture, 1, "department", "\"bad\"", "\"good\"");
	fixture_set(fixture, 1, "city", "\"bad\"", "\"good\"");
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 3);
}

static void an_expiry_in_mid_run_sends_nothing_new(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 5);
	fixture->plan.expires_ms = FIXTURE_NOW_MS + 500;
	fixture->tiny.lag_reads = 1; /* the canary's second read comes a second later */
	assert_true(fixture_apply(fixture));
	assert_true(fixture->result.interrupted);
	assert_non_null(strstr(fixture->result.why, "expired"));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 1);
	assert_int_equal(fixture->result.by_state[STEP_OPEN], 4);
	/* And a resume of it settles, but sends nothing either. */
	fixture->options.now_ms = FIXTURE_NOW_MS + 10000;
	fixture->tiny.writes = 0;
	assert_true(fixture_apply(fixture));
	assert_true(fixture->result.interrupted);
	assert_int_equal(fixture->tiny.writes, 0);
}

static void a_signal_sends_nothing_new_and_a_resume_goes_on(void **state)
{
	struct fixture *fixture = *state;
	int status;
	pid_t child;

	users(fixture, 3);
	child = fork();
	if (!child) {
		interrupted_listen();
		raise(SIGINT);
		_exit(fixture_apply(fixture) && fixture->result.interrupted &&
					fixture->tiny.writes == 0 &&
					fixture->result.by_state[STEP_OPEN] == 3
				? 0
				: 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 3);
}

static void the_receipt_says_what_happened(void **state)
{
	struct fixture *fixture = *state;
	struct signature_facts signature = { "0123456789abcdef", "signed by Ada" };
	json_t *receipt, *step, *attempt;

	users(fixture, 2);
	tiny_set(&fixture->tiny, 2, "department", "\"x\"");
	fixture->options.signature = &signature;
	assert_true(fixture_apply(fixture));
	receipt = receipt_of(fixture);
	assert_string_equal(
		json_string_value(json_object_get(receipt, "format")), "unstage-receipt/1");
	assert_string_equal(json_string_value(json_object_get(receipt, "tenant")), TINY_TENANT);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(receipt, "signer"), "key_id")),
		"0123456789abcdef");
	assert_int_equal(json_array_size(json_object_get(receipt, "steps")), 2);
	step = json_array_get(json_object_get(receipt, "steps"), 0);
	assert_string_equal(json_string_value(json_object_get(step, "state")), "done");
	assert_string_equal(json_string_value(json_object_get(step, "before")), "bad");
	assert_string_equal(json_string_value(json_object_get(step, "after")), "good");
	attempt = json_array_get(json_object_get(step, "attempts"), 0);
	assert_string_equal(json_string_value(json_object_get(attempt, "outcome")),
		graph_outcome_name(GRAPH_DONE));
	assert_string_equal(json_string_value(json_object_get(attempt, "request_id")),
		"11111111-2222-4333-8444-555555555555");
	step = json_array_get(json_object_get(receipt, "steps"), 1);
	assert_string_equal(json_string_value(json_object_get(step, "state")), "stale");
	assert_string_equal(json_string_value(json_object_get(step, "before")), "x");
	assert_int_equal(json_array_size(json_object_get(step, "attempts")), 0);
	json_decref(receipt);
}

/* An administrator saw that the person is back, and deleted him because he left: the plan knows nothing of it. */
static void who_was_deleted_once_more_since_the_plan_stays_deleted(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 1; i <= 2; i++) {
		tiny_add(&fixture->tiny, "users", i, "{}");
		tiny_delete(&fixture->tiny, i);
		fixture_step(fixture, GRAPH_RESTORE, KIND_USER, i);
	}
	/* The plan was made at 02:05:40. */
	tiny_set(&fixture->tiny, 1, "deletedDateTime", "\"2026-03-04T01:00:00Z\"");
	tiny_set(&fixture->tiny, 2, "deletedDateTime", "\"2026-03-04T02:07:00Z\"");
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_DONE);
	assert_int_equal(fixture->told[2], STEP_STALE);
	assert_true(tiny_is_deleted(&fixture->tiny, 2));
	assert_true(fixture_status(fixture, NULL));
	assert_int_equal(fixture->told[2], STEP_STALE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_plan_without_steps_ends_well_and_leaves_a_receipt),
		TEST(every_step_is_applied_verified_and_told_once),
		TEST(a_finished_plan_sends_nothing_and_says_the_same_again),
		TEST(a_stale_step_is_skipped_and_what_depends_on_it_held_back),
		TEST(all_stale_is_the_error_stale),
		TEST(what_stands_there_already_is_not_written),
		TEST(an_object_that_is_gone_makes_its_step_stale),
		TEST(the_first_of_a_kind_goes_alone),
		TEST(more_canaries_may_be_asked_for),
		TEST(a_refusal_behind_the_canary_is_recorded_and_the_rest_goes_on),
		TEST(a_403_before_anything_was_done_is_the_error_denied),
		TEST(a_403_after_something_was_done_stops_and_is_recorded),
		TEST(an_inner_429_is_sent_again_alone),
		TEST(throttled_beyond_the_limit_leaves_the_step_open_for_a_resume),
		TEST(a_lagging_replica_is_waited_out),
		TEST(done_says_graph_and_never_visible_is_unknown_and_stops),
		TEST(an_object_that_went_to_directory_sync_is_not_written),
		TEST(what_stays_the_clouds_of_a_synced_object_is_written),
		TEST(a_sibling_that_patch_would_clear_is_sent_along),
		TEST(steps_of_other_doors_wait_and_are_not_sent),
		TEST(a_step_behind_another_door_goes_once_that_door_is_done),
		TEST(two_steps_on_one_object_go_one_after_the_other),
		TEST(an_expiry_in_mid_run_sends_nothing_new),
		TEST(a_signal_sends_nothing_new_and_a_resume_goes_on),
		TEST(the_receipt_says_what_happened),
		TEST(who_was_deleted_once_more_since_the_plan_stays_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
