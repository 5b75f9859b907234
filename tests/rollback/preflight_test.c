#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/rollback/apply_fixture.h"

enum { MINUTE_MS = 60 * 1000 };

static int setup(void **state)
{
	struct fixture *fixture;
	int failed = fixture_setup(state);

	fixture = *state;
	tiny_add(&fixture->tiny, "users", 1, "{\"department\":\"bad\"}");
	fixture_set(fixture, 1, "department", "\"bad\"", "\"good\"");
	return failed;
}

/* Refused, for this reason, and not one write arrived. */
static void assert_refused(struct fixture *fixture, const char *words)
{
	assert_false(fixture_apply(fixture));
	assert_true(fixture_error_says(fixture, ERROR_REFUSED, words));
	assert_int_equal(fixture->tiny.writes, 0);
	assert_true(tiny_property_is(&fixture->tiny, 1, "department", "\"bad\""));
}

static void an_expired_plan_is_refused(void **state)
{
	struct fixture *fixture = *state;

	fixture->plan.expires_ms = FIXTURE_NOW_MS;
	assert_refused(fixture, "expired");
}

static void a_plan_from_the_future_is_refused(void **state)
{
	struct fixture *fixture = *state;

	fixture->plan.created_ms = FIXTURE_NOW_MS + 5 * MINUTE_MS + 1;
	assert_refused(fixture, "clock");
}

static void a_plan_that_lives_too_long_is_refused(void **state)
{
	struct fixture *fixture = *state;

	fixture->plan.expires_ms = fixture->plan.created_ms + INT64_C(1000) * PLAN_EXPIRES_MAX_S +
		1;
	assert_refused(fixture, "7 days");
}

static void another_tenant_is_refused_and_both_are_named(void **state)
{
	struct fixture *fixture = *state;

	fixture->tiny.organization = "aaaaaaaa-0000-4000-8000-000000000002";
	assert_refused(fixture, "aaaaaaaa-0000-4000-8000-000000000002");
	assert_true(fixture_error_says(fixture, ERROR_REFUSED, TINY_TENANT));
}

static void a_token_of_another_tenant_is_refused(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.token_tenant = "aaaaaaaa-0000-4000-8000-000000000003";
	assert_refused(fixture, "access token");
}

static void a_token_of_the_same_tenant_in_capitals_is_fine(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.token_tenant = "AAAAAAAA-0000-4000-8000-000000000001";
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 1);
}

static void a_clock_away_from_the_services_is_refused_in_both_directions(void **state)
{
	struct fixture *fixture = *state;

	fixture->tiny.date_ms = FIXTURE_NOW_MS + 6 * MINUTE_MS;
	assert_refused(fixture, "clock");
	fixture->tiny.date_ms = FIXTURE_NOW_MS - 6 * MINUTE_MS;
	assert_refused(fixture, "clock");
}

static void a_service_that_does_not_say_its_time_is_refused(void **state)
{
	struct fixture *fixture = *state;

	fixture->tiny.no_date = true;
	assert_refused(fixture, "what time");
}

static void each_limit_is_counted_again(void **state)
{
	struct fixture *fixture = *state;

	fixture_step(fixture, GRAPH_REMOVE, KIND_USER, 2);
	fixture_relate(fixture, GRAPH_REMOVE_MEMBER, 50, 1);
	fixture->plan.limits.steps = 2;
	assert_refused(fixture, "3 steps");
	fixture->plan.limits.steps = 3;
	fixture->plan.limits.deletes = 0;
	assert_refused(fixture, "1 deletions");
	fixture->plan.limits.deletes = 1;
	fixture->plan.limits.member_removals = 0;
	assert_refused(fixture, "1 removals of members");
	fixture->plan.limits.member_removals = 1;
	fixture->plan.limits.objects = 2;
	assert_refused(fixture, "3 objects");
}

static void steps_out_of_order_and_ids_that_are_none_are_refused(void **state)
{
	struct fixture *fixture = *state;

	fixture->steps[0].id = "../../me";
	assert_refused(fixture, "no GUID");
	fixture->steps[0].id = tiny_id(1);
	fixture_after(fixture, &fixture->steps[0], 1);
	assert_refused(fixture, "does not come before");
	fixture->steps[0].after_count = 0;
	fixture->steps[0].number = 7;
	assert_refused(fixture, "numbered 7");
}

static void a_set_that_no_patch_can_carry_is_refused(void **state)
{
	struct fixture *fixture = *state;

	fixture->steps[0].attribute = attribute_find(kind_get(KIND_USER), span_of("manager"));
	assert_refused(fixture, "no PATCH");
}

static void a_second_apply_at_the_same_time_is_refused(void **state)
{
	struct fixture *fixture = *state;
	int pipes[2], status;
	struct error err = { 0 };
	char byte;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (!child) {
		int lock = preflight_lock(&fixture->plan, fixture->folder, &err);

		if (lock < 0 || write(pipes[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_refused(fixture, "pid");
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(pipes[0]);
	close(pipes[1]);
	/* The lock died with its process. */
	assert_true(fixture_apply(fixture));
}

static void a_plan_id_used_with_another_hash_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_true(fixture_apply(fixture));
	tiny_set(&fixture->tiny, 1, "department", "\"bad\"");
	fixture->tiny.writes = 0;
	fixture->plan_bytes = "unstage-plan/1 altered";
	assert_refused(fixture, "used by a plan with the hash");
}

static void a_used_plan_whose_journal_is_gone_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_true(fixture_apply(fixture));
	tiny_set(&fixture->tiny, 1, "department", "\"bad\"");
	fixture->tiny.writes = 0;
	assert_int_equal(unlink(fixture->journal), 0);
	assert_refused(fixture, "journal");
}

static void a_used_plan_whose_journal_was_emptied_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_true(fixture_apply(fixture));
	tiny_set(&fixture->tiny, 1, "department", "\"bad\"");
	fixture->tiny.writes = 0;
	assert_int_equal(truncate(fixture->journal, 0), 0);
	assert_refused(fixture, "journal");
	/* Also the second time, when it has its tables again. */
	assert_refused(fixture, "bring it back");
}

static void a_plan_for_another_cloud_is_refused(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.cloud = "usgov";
	assert_refused(fixture, "cloud usgov");
	assert_int_equal(fixture->tiny.requests, 0);
}

static void a_state_folder_that_others_may_write_to_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(chmod(fixture->folder, 0770), 0);
	assert_refused(fixture, "chmod go-w");
	assert_int_equal(chmod(fixture->folder, 0755), 0);
	assert_true(fixture_apply(fixture));
}

static void a_clock_before_the_ledgers_newest_time_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_true(fixture_apply(fixture));
	tiny_set(&fixture->tiny, 1, "department", "\"bad\"");
	fixture->tiny.writes = 0;
	fixture->plan.id = "cccccccc-0000-4000-8000-000000000002";
	fixture->options.now_ms -= 6 * MINUTE_MS;
	fixture->plan.created_ms -= 60 * MINUTE_MS;
	assert_refused(fixture, "a plan was applied at");
}

static void a_directory_that_can_not_be_reached_leaves_no_ledger_entry(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(ledger_closep) struct ledger *ledger = NULL;
	struct ledger_entry entry = { .known = true };
	char hash[APPLY_HASH_TEXT];
	struct error err = { 0 };

	fixture->tiny.organization = "no id at all";
	assert_false(fixture_apply(fixture));
	assert_int_equal(fixture->tiny.writes, 0);
	plan_hash_text(span_of(fixture->plan_bytes), hash);
	ledger = ledger_open(fixture->folder, &err);
	assert_non_null(ledger);
	assert_true(ledger_look(ledger, &fixture->plan, hash, FIXTURE_NOW_MS, &entry, &err));
	assert_false(entry.known);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_expired_plan_is_refused),
		TEST(a_plan_from_the_future_is_refused),
		TEST(a_plan_that_lives_too_long_is_refused),
		TEST(another_tenant_is_refused_and_both_are_named),
		TEST(a_token_of_another_tenant_is_refused),
		TEST(a_token_of_the_same_tenant_in_capitals_is_fine),
		TEST(a_clock_away_from_the_services_is_refused_in_both_directions),
		TEST(a_service_that_does_not_say_its_time_is_refused),
		TEST(each_limit_is_counted_again),
		TEST(steps_out_of_order_and_ids_that_are_none_are_refused),
		TEST(a_set_that_no_patch_can_carry_is_refused),
		TEST(a_second_apply_at_the_same_time_is_refused),
		TEST(a_plan_id_used_with_another_hash_is_refused),
		TEST(a_used_plan_whose_journal_is_gone_is_refused),
		TEST(a_used_plan_whose_journal_was_emptied_is_refused),
		TEST(a_plan_for_another_cloud_is_refused),
		TEST(a_state_folder_that_others_may_write_to_is_refused),
		TEST(a_clock_before_the_ledgers_newest_time_is_refused),
		TEST(a_directory_that_can_not_be_reached_leaves_no_ledger_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
