#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/rollback/apply_fixture.h"

static void user(struct fixture *fixture, size_t id, enum door door, const char *department)
{
	tiny_add(&fixture->tiny, "users", id, "{}");
	tiny_set(&fixture->tiny, id, "department", department);
	fixture_set(fixture, id, "department", "\"staging\"", "\"before\"")->door = door;
}

/* An audit record: `who` wrote the department of user `id`. */
static void audit(struct fixture *fixture, const char *who, size_t id, const char *value)
{
	char text[128];

	snprintf(text, sizeof(text), "[\"%s\"]", value);
	json_array_append_new(fixture->tiny.audits,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:n, s:{s:s, s:s, s:s}},"
			  " s:[{s:s, s:s, s:[{s:s, s:n, s:s}]}]}",
			"id", "Directory_1_2_3", "category", "UserManagement", "result", "success",
			"activityDisplayName", "Update user", "activityDateTime",
			"2026-03-04T02:17:41.5512345Z", "loggedByService", "Core Directory",
			"operationType", "Update", "initiatedBy", "app", "user", "id", tiny_id(90),
			"displayName", "somebody", "userPrincipalName", who, "targetResources",
			"id", tiny_id(id), "type", "User", "modifiedProperties", "displayName",
			"Department", "oldValue", "newValue", text));
}

static void told_is(
	const struct fixture *fixture, size_t number, enum step_state state, const char *words)
{
	assert_int_equal(fixture->told_times[number], 1);
	assert_string_equal(step_state_name(fixture->told[number]), step_state_name(state));
	if (!strstr(fixture->text[number], words))
		fail_msg("step %zu: \"%s\" lacks \"%s\"", number, fixture->text[number], words);
}

static void without_a_journal_the_directory_speaks_alone(void **state)
{
	struct fixture *fixture = *state;

	user(fixture, 1, DOOR_GRAPH, "\"staging\"");
	user(fixture, 2, DOOR_GRAPH, "\"before\"");
	user(fixture, 3, DOOR_GRAPH, "\"else\"");
	assert_true(fixture_status(fixture, NULL));
	told_is(fixture, 1, STEP_OPEN, "");
	told_is(fixture, 2, STEP_ALREADY, "");
	told_is(fixture, 3, STEP_STALE, "else");
	assert_int_equal(fixture->result.by_state[STEP_OPEN], 1);
	assert_int_equal(fixture->tiny.audit_reads, 0);
	assert_int_equal(fixture->tiny.writes, 0);
}

static void what_we_did_and_holds_is_done(void **state)
{
	struct fixture *fixture = *state;

	user(fixture, 1, DOOR_GRAPH, "\"staging\"");
	user(fixture, 2, DOOR_GRAPH, "\"before\"");
	assert_true(fixture_apply(fixture));
	assert_true(fixture_status(fixture, NULL));
	told_is(fixture, 1, STEP_DONE, "");
	told_is(fixture, 2, STEP_ALREADY, "");
}

/* The record's time is 02:17:41; the plan of the fixture was made at 02:05:40. */
static void what_the_next_sync_cycle_left_alone_is_held(void **state)
{
	struct fixture *fixture = *state;

	user(fixture, 1, DOOR_GRAPH, "\"staging\"");
	user(fixture, 2, DOOR_SYNC, "\"before\"");
	user(fixture, 3, DOOR_MANUAL, "\"before\"");
	assert_true(fixture_apply(fixture));
	audit(fixture, "Sync_PROD01_aa11bb22cc33@contoso.onmicrosoft.com", 2, "before");
	fixture->tiny.last_sync = "2026-03-04T02:00:00Z";
	assert_true(fixture_status(fixture, NULL));
	told_is(fixture, 1, STEP_DONE, "no sync cycle came after it yet");
	told_is(fixture, 2, STEP_SETTLED, "");
	/* A cycle that was under way when we wrote (02:06:40) may have passed it by already. */
	fixture->tiny.last_sync = "2026-03-04T02:12:00Z";
	assert_true(fixture_status(fixture, NULL));
	told_is(fixture, 1, STEP_DONE, "no sync cycle came after it yet");
	/* The cycle that put it back is not the one after it. */
	fixture->tiny.last_sync = "2026-03-04T02:22:41Z";
	assert_true(fixture_status(fixture, NULL));
	told_is(fixture, 1, STEP_HELD, "2026-03-04T02:22:41");
	told_is(fixture, 2, STEP_SETTLED, "");
	fixture->tiny.last_sync = "2026-03-04T02:52:41Z";
	assert_true(fixture_status(fixture, NULL));
	told_is(fixture, 1, STEP_HELD, "");
	told_is(fixture, 2, STEP_HELD, "2026-03-04T02:52:41");
	told_is(fixture, 3, STEP_SETTLED, ""); /* by whom and when is in no record */
}

static void what_waited_and_is_written_again_is_overwritten(void **state)
{
	struct fixture *fixture = *state;

	user(fixture, 1, DOOR_SYNC, "\"staging\"");
	user(fixture, 2, DOOR_MANUAL, "\"staging\"");
	user(fixture, 3, DOOR_SYNC, "\"staging\"");
	audit(fixture, "Sync_STAGE02_7be1c04d9a31@contoso.onmicrosoft.com", 1, "staging");
	audit(fixture, "ada@contoso.example", 2, "staging");
	json_object_set_new(
		json_array_get(fixture->tiny.audits, 1), "id", json_string("Directory_2"));
	assert_true(fixture_status(fixture, NULL));
	told_is(fixture, 1, STEP_OVERWRITTEN, "STAGE02");
	told_is(fixture, 2, STEP_OVERWRITTEN, "ada@contoso.example");
	told_is(fixture, 3, STEP_WAITING, "");
}

static void what_we_did_and_is_gone_is_overwritten_by_somebody_with_a_name(void **state)
{
	struct fixture *fixture = *state;

	user(fixture, 1, DOOR_GRAPH, "\"staging\"");
	user(fixture, 2, DOOR_GRAPH, "\"staging\"");
	assert_true(fixture_apply(fixture));
	tiny_set(&fixture->tiny, 1, "department", "\"third\"");
	tiny_set(&fixture->tiny, 2, "department", "\"staging\"");
	audit(fixture, "ada@contoso.example", 1, "third");
	assert_true(fixture_status(fixture, NULL));
	told_is(fixture, 1, STEP_OVERWRITTEN, "ada@contoso.example");
	told_is(fixture, 2, STEP_OVERWRITTEN, "not in the audit log");
	assert_int_equal(fixture->tiny.audit_reads, 1);
}

static void an_unreadable_audit_log_takes_only_the_name(void **state)
{
	struct fixture *fixture = *state;

	user(fixture, 1, DOOR_GRAPH, "\"staging\"");
	assert_true(fixture_apply(fixture));
	tiny_set(&fixture->tiny, 1, "department", "\"third\"");
	fixture->tiny.audits_denied = true;
	assert_true(fixture_status(fixture, NULL));
	told_is(fixture, 1, STEP_OVERWRITTEN, "audit log not readable");
}

static void a_sync_step_is_settled_when_production_wrote_last(void **state)
{
	struct fixture *fixture = *state;

	user(fixture, 1, DOOR_SYNC, "\"before\"");
	user(fixture, 2, DOOR_SYNC, "\"staging\"");
	user(fixture, 3, DOOR_SYNC, "\"newer\"");
	user(fixture, 4, DOOR_SYNC, "\"other\"");
	user(fixture, 5, DOOR_SYNC, "\"again\"");
	audit(fixture, "Sync_PROD01_aa11bb22cc33@contoso.onmicrosoft.com", 3, "newer");
	audit(fixture, "ada@contoso.example", 4, "other");
	audit(fixture, "Sync_STAGE02_7be1c04d9a31@contoso.onmicrosoft.com", 5, "again");
	for (size_t i = 0; i < 3; i++)
		json_object_set_new(json_array_get(fixture->tiny.audits, i), "id",
			json_sprintf("Directory_%zu", i));
	assert_true(fixture_status(fixture, NULL));
	told_is(fixture, 1, STEP_SETTLED, "");
	told_is(fixture, 2, STEP_WAITING, "");
	told_is(fixture, 3, STEP_SETTLED, "production decided otherwise since");
	told_is(fixture, 4, STEP_STALE, "ada@contoso.example");
	told_is(fixture, 5, STEP_STALE, "STAGE02");
	assert_int_equal(fixture->tiny.audit_reads, 1);
}

static void only_the_named_production_server_settles(void **state)
{
	struct fixture *fixture = *state;

	user(fixture, 1, DOOR_SYNC, "\"newer\"");
	audit(fixture, "Sync_PROD01_aa11bb22cc33@contoso.onmicrosoft.com", 1, "newer");
	assert_true(fixture_status(fixture, "PROD09"));
	told_is(fixture, 1, STEP_STALE, "PROD01");
	assert_true(fixture_status(fixture, "prod01"));
	told_is(fixture, 1, STEP_SETTLED, "production");
}

static void other_doors_wait_until_it_is_done(void **state)
{
	struct fixture *fixture = *state;

	user(fixture, 1, DOOR_MANUAL, "\"before\"");
	user(fixture, 2, DOOR_MANUAL, "\"else\"");
	tiny_add(&fixture->tiny, "users", 3, "{}");
	tiny_add(&fixture->tiny, "users", 4, "{}");
	tiny_delete(&fixture->tiny, 4);
	fixture_step(fixture, GRAPH_REMOVE, KIND_USER, 3)->door = DOOR_ADSYNC;
	fixture_step(fixture, GRAPH_REMOVE, KIND_USER, 4)->door = DOOR_ADSYNC;
	fixture_step(fixture, GRAPH_REMOVE, KIND_USER, 5)->door = DOOR_ADSYNC;
	assert_true(fixture_status(fixture, NULL));
	told_is(fixture, 1, STEP_SETTLED, "manual");
	told_is(fixture, 2, STEP_WAITING, "manual");
	told_is(fixture, 3, STEP_WAITING, "adsync");
	told_is(fixture, 4, STEP_SETTLED, "adsync");
	told_is(fixture, 5, STEP_SETTLED, "adsync");
}

static void many_steps_on_few_objects_are_read_in_few_requests(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 1; i <= 25; i++)
		user(fixture, i, DOOR_GRAPH, "\"staging\"");
	for (size_t i = 1; i <= 25; i++)
		fixture_set(fixture, i, "city", NULL, "\"x\"");
	assert_true(fixture_status(fixture, NULL));
	assert_int_equal(fixture->result.by_state[STEP_OPEN], 50);
	assert_int_equal(fixture->tiny.requests, 3); /* and the tenant */
}

static void another_tenant_is_not_looked_at(void **state)
{
	struct fixture *fixture = *state;

	user(fixture, 1, DOOR_GRAPH, "\"staging\"");
	fixture->tiny.organization = "99999999-0000-4000-8000-000000000009";
	assert_false(fixture_status(fixture, NULL));
	assert_true(
		fixture_error_says(fixture, ERROR_REFUSED, "99999999-0000-4000-8000-000000000009"));
	assert_int_equal(fixture->tiny.requests, 1);
}

static void the_journal_of_another_plan_is_refused(void **state)
{
	struct fixture *fixture = *state;

	user(fixture, 1, DOOR_GRAPH, "\"staging\"");
	assert_true(fixture_apply(fixture));
	fixture->plan.id = "cccccccc-0000-4000-8000-000000000009";
	assert_false(fixture_status(fixture, NULL));
	assert_true(fixture_error_says(fixture, ERROR_REFUSED, "another plan"));
}

/* Signed anew under the same id: its steps have the numbers of others. */
static void the_journal_of_other_bytes_with_the_same_id_is_refused(void **state)
{
	struct fixture *fixture = *state;

	user(fixture, 1, DOOR_GRAPH, "\"staging\"");
	assert_true(fixture_apply(fixture));
	fixture->plan_bytes = "unstage-plan/1 of somebody else";
	assert_false(fixture_status(fixture, NULL));
	assert_true(fixture_error_says(fixture, ERROR_REFUSED, "its hash is"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_journal_the_directory_speaks_alone),
		TEST(what_we_did_and_holds_is_done),
		TEST(what_the_next_sync_cycle_left_alone_is_held),
		TEST(what_waited_and_is_written_again_is_overwritten),
		TEST(what_we_did_and_is_gone_is_overwritten_by_somebody_with_a_name),
		TEST(an_unreadable_audit_log_takes_only_the_name),
		TEST(a_sync_step_is_settled_when_production_wrote_last),
		TEST(only_the_named_production_server_settles),
		TEST(other_doors_wait_until_it_is_done),
		TEST(many_steps_on_few_objects_are_read_in_few_requests),
		TEST(another_tenant_is_not_looked_at),
		TEST(the_journal_of_another_plan_is_refused),
		TEST(the_journal_of_other_bytes_with_the_same_id_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
