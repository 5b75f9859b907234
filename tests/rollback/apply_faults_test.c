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

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/rollback/apply_fixture.h"

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

/* ---- kills ------------------------------------------------------------------------------------
 */

/* Where a child dies: at the commit with this number, before or after it is durable. */
static struct kill_at {
	const struct tiny_graph *tiny;
	size_t commit, commits;
	bool after;
} kill_at;

static void kill_now(void)
{
	tiny_dump(kill_at.tiny);
	_exit(TINY_KILLED);
}

static int before_commit(void *context)
{
	(void)context;
	if (!kill_at.after && ++kill_at.commits == kill_at.commit)
		kill_now();
	return 0;
}

/* SQLite sets its own WAL hook behind us, so the end of the statement has to tell. */
static int after_statement(unsigned event, void *context, void *statement, void *nanoseconds)
{
	(void)event, (void)context, (void)nanoseconds;
	if (kill_at.after && strcmp(sqlite3_sql(statement), "COMMIT") == 0 &&
		++kill_at.commits == kill_at.commit)
		kill_now();
	return 0;
}

static int watch_commits(sqlite3 *database, char **error, const struct sqlite3_api_routines *api)
{
	(void)error, (void)api;
	sqlite3_commit_hook(database, before_commit, NULL);
	sqlite3_trace_v2(database, SQLITE_TRACE_PROFILE, after_statement, NULL);
	return SQLITE_OK;
}

/* [I3] No effect without an INTENT that was durable before it. */
static bool count_attempt(void *context, const struct journal_attempt *attempt, struct error *err)
{
	(void)attempt, (void)err;
	++*(size_t *)context;
	return true;
}

static void assert_intents_cover_effects(struct fixture *fixture)
{
	struct error err = { 0 };
	CLEANUP(journal_closep) struct journal *journal = NULL;
	size_t attempts = 0;

	if (!fixture_effects(fixture))
		return;
	journal = journal_open_to_read(fixture->journal, &fixture->plan, &err);
	assert_non_null(journal);
	assert_true(journal_attempts(journal, count_attempt, &attempts, &err));
	assert_true(attempts >= fixture_effects(fixture));
}

/* Runs in a child that may die; true when it did, with its state taken over. */
static bool run_killed(struct fixture *fixture)
{
	pid_t child = fork();
	int status;

	if (!child) {
		if (kill_at.commit)
			sqlite3_auto_extension((void (*)(void))watch_commits);
		_exit(fixture_apply(fixture) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == TINY_KILLED);
	if (WEXITSTATUS(status) == 0)
		return false;
	tiny_load(&fixture->tiny);
	return true;
}

static void resume(struct fixture *fixture)
{
	assert_intents_cover_effects(fixture);
	fixture->tiny.fault = TINY_NO_FAULT;
	if (!fixture_apply(fixture))
		fail_msg("%s", fixture->err.text);
	assert_all_done_once(fixture);
}

static void kill_at_each_request(struct fixture *fixture, enum tiny_fault fault)
{
	size_t requests = count_requests(fixture, 0);

	kill_at = (struct kill_at){ 0 };
	for (size_t n = 1; n <= requests; n++) {
		begin(fixture);
		fixture->tiny.fault = fault;
		fixture->tiny.fault_at = n;
		assert_true(run_killed(fixture));
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
		kill_at = (struct kill_at){ .tiny = &fixture->tiny, .commit = ++n, .after = after };
		killed = run_killed(fixture);
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

/* ---- what reading can't settle
 * -------------------------------------------------------------------- */

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
	kill_at = (struct kill_at){ 0 };
	fixture->tiny.fault = TINY_KILL_AFTER;
	fixture->tiny.fault_at = 3; /* organization, read, write */
	assert_true(run_killed(fixture));
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
