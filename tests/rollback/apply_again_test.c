/* What goes again: after a 429, after a permission was granted, and never without reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/rollback/apply_fixture.h"

static void users(struct fixture *fixture, size_t count)
{
	for (size_t i = 1; i <= count; i++) {
		tiny_add(&fixture->tiny, "users", i, "{\"department\":\"bad\"}");
		fixture_set(fixture, i, "department", "\"bad\"", "\"good\"");
	}
}

/* ---- throttled -------------------------------------------------------------------------- */

static void somebody_decides(struct tiny_graph *tiny)
{
	tiny_set(tiny, 1, "department", "\"decided by a person\"");
}

static void what_somebody_wrote_while_we_were_throttled_is_not_overwritten(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 2);
	fixture->tiny.throttle = 1;
	fixture->tiny.throttled = somebody_decides;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_STALE);
	assert_int_equal(fixture->told[2], STEP_DONE);
	assert_true(tiny_property_is(&fixture->tiny, 1, "department", "\"decided by a person\""));
	assert_int_equal(fixture_effects(fixture), 1);
}

static void somebody_helps(struct tiny_graph *tiny)
{
	tiny_set(tiny, 1, "department", "\"good\"");
}

static void what_somebody_put_back_while_we_were_throttled_is_not_our_work(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 1);
	fixture->tiny.throttle = 1;
	fixture->tiny.throttled = somebody_helps;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_ALREADY);
	assert_int_equal(fixture_effects(fixture), 0);
}

static void a_plan_that_expires_while_we_are_throttled_sends_nothing_more(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 2);
	fixture->plan.expires_ms = FIXTURE_NOW_MS + 500;
	fixture->tiny.throttle = 1; /* for a second */
	assert_true(fixture_apply(fixture));
	assert_true(fixture->result.interrupted);
	assert_non_null(strstr(fixture->result.why, "expired"));
	assert_int_equal(fixture->tiny.writes, 1);
	assert_int_equal(fixture->result.by_state[STEP_OPEN], 2);
}

static void each_throttled_attempt_has_an_intent_of_its_own(void **state)
{
	struct fixture *fixture = *state;
	struct step_record *records;
	struct error err = { 0 };
	struct journal *journal;

	users(fixture, 1);
	fixture->tiny.throttle = 5;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_DONE);
	records = step_records_new(&fixture->plan);
	journal = journal_open_to_read(fixture->journal, &fixture->plan, &err);
	assert_non_null(journal);
	assert_true(journal_load(journal, &fixture->plan, records, &err));
	assert_int_equal(records[0].attempts, 6);
	/* Graph said of the five that nothing was done. */
	assert_false(records[0].doubtful);
	journal_close(journal);
	step_records_free(records, 1);
}

static void throttled_often_and_then_lost_it_may_still_go_once_more(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 1);
	fixture->tiny.throttle = 5;
	fixture->tiny.fault = TINY_LOST_BEFORE;
	fixture->tiny.fault_at = 13; /* organization, six times read and write */
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_DONE);
	assert_int_equal(fixture_effects(fixture), 1);
}

/* ---- denied -------------------------------------------------------------------------------- */

static void deny(struct fixture *fixture, const char *id)
{
	fixture->tiny.refuse_id = id;
	fixture->tiny.refuse_status = 403;
	fixture->tiny.refuse_code = "Authorization_RequestDenied";
}

static void what_was_denied_goes_again_once_the_permission_is_there(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 3);
	fixture_after(fixture, &fixture->steps[2], 1);
	deny(fixture, "users");
	assert_false(fixture_apply(fixture));
	assert_true(fixture_error_says(fixture, ERROR_DENIED, "run again"));
	/* It is tried again by each run, and stays denied as long as it is. */
	assert_false(fixture_apply(fixture));
	assert_true(fixture_error_says(fixture, ERROR_DENIED, "run again"));
	deny(fixture, NULL);
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 3);
	assert_int_equal(fixture_effects(fixture), 3);
}

static void a_plan_whose_last_step_was_denied_is_not_finished(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 2);
	deny(fixture, tiny_id(2));
	assert_true(fixture_apply(fixture));
	assert_true(fixture->result.stopped);
	assert_int_equal(fixture->told[2], STEP_REFUSED);
	deny(fixture, NULL);
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->result.by_state[STEP_DONE], 2);
}

static void what_graph_refused_is_not_asked_again(void **state)
{
	struct fixture *fixture = *state;

	users(fixture, 2);
	deny(fixture, tiny_id(2));
	fixture->tiny.refuse_status = 400;
	fixture->tiny.refuse_code = "Request_BadRequest";
	assert_true(fixture_apply(fixture));
	fixture->tiny.writes = 0;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[2], STEP_REFUSED);
	assert_int_equal(fixture->tiny.writes, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_somebody_wrote_while_we_were_throttled_is_not_overwritten),
		TEST(what_somebody_put_back_while_we_were_throttled_is_not_our_work),
		TEST(a_plan_that_expires_while_we_are_throttled_sends_nothing_more),
		TEST(each_throttled_attempt_has_an_intent_of_its_own),
		TEST(throttled_often_and_then_lost_it_may_still_go_once_more),
		TEST(what_was_denied_goes_again_once_the_permission_is_there),
		TEST(a_plan_whose_last_step_was_denied_is_not_finished),
		TEST(what_graph_refused_is_not_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
