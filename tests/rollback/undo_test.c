/* The inverse of what was applied: it is a plan that can be signed, and leaves nothing out unsaid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/rollback/apply_fixture.h"

/* The inverse, as its file is read again. */
static struct plan *undone(struct fixture *fixture)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(1 << 20);
	struct undo_options options = { .journal_path = fixture->journal,
		.plan_bytes = span_of(fixture->plan_bytes),
		.now_ms = FIXTURE_NOW_MS };
	struct error err = { 0 };
	struct plan *read;

	fixture->plan.base = fixture->plan.live =
		"1111111111111111111111111111111111111111111111111111111111111111";
	fixture->plan.tool = "unstage";
	CLEANUP(plan_freep) struct plan *back = plan_undo(&fixture->plan, &options, &err);

	if (!back)
		fail_msg("%s", err.text);
	plan_add_json(&bytes, back);
	read = plan_parse(buf_span(&bytes), &err);
	if (!read)
		fail_msg("%s", err.text);
	return read;
}

static void what_took_effect_late_goes_back_to_what_stood_there_before(void **state)
{
	struct fixture *fixture = *state;

	tiny_add(&fixture->tiny, "users", 1, "{\"department\":\"bad\"}");
	fixture_set(fixture, 1, "department", "\"bad\"", "\"good\"");
	/* The answer is lost, and the replicas show the write only when it is to go again. */
	fixture->tiny.fault = TINY_LOST_AFTER;
	fixture->tiny.fault_at = 3; /* organization, read, write */
	fixture->tiny.lag_reads = 2;
	fixture->options.lag_limit_ms = 1;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_DONE);
	assert_int_equal(fixture_effects(fixture), 1);
	CLEANUP(plan_freep) struct plan *back = undone(fixture);

	assert_int_equal(back->step_count, 1);
	assert_true(span_is(back->steps[0].from, "\"good\""));
	assert_true(span_is(back->steps[0].to, "\"bad\""));
}

/* Graph can't clear a name that was empty: the paragraph has its file, as the plan says. */
static void what_no_door_takes_back_is_a_paragraph_with_its_file(void **state)
{
	struct fixture *fixture = *state;

	tiny_add(&fixture->tiny, "users", 1, "{}");
	fixture_set(fixture, 1, "displayName", NULL, "\"Ada\"");
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_DONE);
	CLEANUP(plan_freep) struct plan *back = undone(fixture);

	assert_int_equal(back->steps[0].door, DOOR_MANUAL);
	assert_int_equal(back->file_count, 1);
	assert_string_equal(back->files[0].name, "manual.txt");
}

/* Sent, and what stands there is neither: it may be our work, so a person is told to look. */
static void what_nobody_knows_is_a_paragraph_and_not_left_out(void **state)
{
	struct fixture *fixture = *state;

	tiny_add(&fixture->tiny, "users", 1, "{\"department\":\"bad\"}");
	tiny_add(&fixture->tiny, "users", 2, "{\"department\":\"bad\"}");
	fixture_set(fixture, 1, "department", "\"bad\"", "\"good\"");
	fixture_set(fixture, 2, "department", "\"bad\"", "\"good\"");
	fixture->tiny.refuse_id = tiny_id(2);
	fixture->tiny.refuse_status = 503;
	fixture->tiny.refuse_code = "serviceUnavailable";
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[2], STEP_UNKNOWN);
	CLEANUP(plan_freep) struct plan *back = undone(fixture);

	assert_int_equal(back->step_count, 2);
	assert_int_equal(back->by_door[DOOR_MANUAL], 1);
	assert_int_equal(back->steps[0].door, DOOR_MANUAL);
	assert_string_equal(back->steps[0].id, tiny_id(2));
	assert_non_null(strstr(back->steps[0].manual, "not known"));
	assert_true(span_is(back->steps[0].to, "\"bad\""));
	assert_int_equal(back->steps[1].door, DOOR_GRAPH);
}

/* No effect was seen in time, and the plan expired before it could go again: it may show up yet. */
static void what_was_sent_and_not_seen_is_a_paragraph_too(void **state)
{
	struct fixture *fixture = *state;

	tiny_add(&fixture->tiny, "users", 1, "{\"department\":\"bad\"}");
	fixture_set(fixture, 1, "department", "\"bad\"", "\"good\"");
	fixture->tiny.fault = TINY_LOST_BEFORE;
	fixture->tiny.fault_at = 3; /* organization, read, write */
	fixture->options.lag_limit_ms = 1000;
	fixture->plan.expires_ms = FIXTURE_NOW_MS + 500;
	assert_true(fixture_apply(fixture));
	assert_int_equal(fixture->told[1], STEP_OPEN);
	fixture->plan.expires_ms = FIXTURE_NOW_MS + 60000;
	CLEANUP(plan_freep) struct plan *back = undone(fixture);

	assert_int_equal(back->step_count, 1);
	assert_int_equal(back->steps[0].door, DOOR_MANUAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_took_effect_late_goes_back_to_what_stood_there_before),
		TEST(what_no_door_takes_back_is_a_paragraph_with_its_file),
		TEST(what_nobody_knows_is_a_paragraph_and_not_left_out),
		TEST(what_was_sent_and_not_seen_is_a_paragraph_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
