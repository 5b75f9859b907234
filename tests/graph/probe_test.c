/* One question, and whatever comes is the answer. */
#include "tests/graph/script.h"

#define PATH "/users?$select=id&$top=1"

static void a_list_that_may_be_read_is_there(void **state UNUSED)
{
	WORLD(world,
		{ 200, "{\"value\":[{\"id\":\"a\"}]}", "request-id: r-1\n", .url = ROOT PATH });
	CLEANUP(graph_probe_release) struct graph_probe probe;

	graph_probe_init(&probe, PATH);
	assert_true(graph_probe(world.graph, &probe));
	assert_int_equal(probe.status, 200);
	assert_int_equal(probe.kind, ERROR_NONE);
	assert_string_equal(probe.request_id, "r-1");
	assert_true(span_is(graph_probe_value(&probe), "[{\"id\":\"a\"}]"));
	assert_string_equal(world.script.asked[0].method, "GET");
}

static void a_refusal_is_an_answer_and_not_repeated(void **state UNUSED)
{
	WORLD(world,
		{ 403,
			"{\"error\":{\"code\":\"Authorization_RequestDenied\",\"message\":\"No\\u001b[31m.\","
			"\"innerError\":{\"request-id\":\"r-2\"}}}" });
	CLEANUP(graph_probe_release) struct graph_probe probe;

	graph_probe_init(&probe, PATH);
	assert_true(graph_probe(world.graph, &probe));
	assert_int_equal(probe.status, 403);
	assert_int_equal(probe.kind, ERROR_DENIED);
	assert_string_equal(probe.code, "Authorization_RequestDenied");
	assert_string_equal(probe.request_id, "r-2");
	assert_string_equal(probe.text, "No\\x1b[31m.");
	assert_null(graph_probe_value(&probe).data);
	assert_int_equal(script_sleeps, 0);
	world_is_used_up(&world);
}

static void a_busy_service_is_asked_once_more_when_it_says(void **state UNUSED)
{
	WORLD(world, { 429, "{}", "retry-after: 2\n" }, { 200, "{\"value\":[]}" });
	CLEANUP(graph_probe_release) struct graph_probe probe;

	graph_probe_init(&probe, PATH);
	assert_true(graph_probe(world.graph, &probe));
	assert_int_equal(probe.status, 200);
	assert_int_equal(script_sleeps, 1);
	assert_true(script_now_ms >= 1000 + 2000);
}

static void and_no_more_than_once(void **state UNUSED)
{
	WORLD(world, { 503, "{}" }, { 503, "{}", "retry-after: 7\n" });
	CLEANUP(graph_probe_release) struct graph_probe probe;

	graph_probe_init(&probe, PATH);
	assert_true(graph_probe(world.graph, &probe));
	assert_int_equal(probe.status, 503);
	assert_int_equal(probe.kind, ERROR_NETWORK);
	assert_string_equal(probe.retry_after, "7");
	world_is_used_up(&world);
}

static void a_long_wait_is_the_answer(void **state UNUSED)
{
	WORLD(world, { 429, "{}", "retry-after: 120\n" });
	CLEANUP(graph_probe_release) struct graph_probe probe;

	graph_probe_init(&probe, PATH);
	assert_true(graph_probe(world.graph, &probe));
	assert_int_equal(probe.status, 429);
	assert_string_equal(probe.retry_after, "120");
	assert_int_equal(script_sleeps, 0);
}

static void no_answer_says_why(void **state UNUSED)
{
	WORLD(world, { .fault = REPLY_LOST }, { .fault = REPLY_LOST });
	CLEANUP(graph_probe_release) struct graph_probe probe;

	graph_probe_init(&probe, PATH);
	assert_false(graph_probe(world.graph, &probe));
	assert_int_equal(probe.status, 0);
	assert_int_equal(probe.kind, ERROR_NETWORK);
	assert_contains(probe.text, "the connection broke");
	world_is_used_up(&world);
}

static void what_is_no_object_is_not_believed(void **state UNUSED)
{
	static const char *const bodies[] = { "", "<html>", "[]", "{\"value\":[}", "null",
		"{\"a\":1,\"a\":2}" };

	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct reply reply = { .status = 200, .body = bodies[i] };
		CLEANUP(world_release) struct world world;
		CLEANUP(graph_probe_release) struct graph_probe probe;

		world_init(&world, &reply, 1);
		graph_probe_init(&probe, PATH);
		assert_true(graph_probe(world.graph, &probe));
		assert_int_equal(probe.status, 200);
		assert_int_equal(probe.kind, ERROR_FORMAT);
		assert_true(*probe.text);
		assert_int_equal(probe.body.length, 0);
	}
}

static void a_token_that_is_refused_is_renewed_once(void **state UNUSED)
{
	WORLD(world, { 401, "{}" }, { 401, "{}" });
	CLEANUP(graph_probe_release) struct graph_probe probe;

	graph_probe_init(&probe, PATH);
	assert_true(graph_probe(world.graph, &probe));
	assert_int_equal(probe.status, 401);
	assert_int_equal(probe.kind, ERROR_AUTH);
	assert_string_equal(world.script.asked[1].bearer, "token-2");
	world_is_used_up(&world);
}

static void counting_wants_the_advanced_mode(void **state UNUSED)
{
	WORLD(world, { 200, "{\"value\":[]}" });
	CLEANUP(graph_probe_release) struct graph_probe probe;

	graph_probe_init(&probe, "/users?$count=true&$top=1");
	assert_true(graph_probe(world.graph, &probe));
	assert_contains(buf_text(&world.script.asked[0].headers), "consistencylevel: eventual");
}

static void the_quota_tells_what_was_spent_and_how_much_is_used(void **state UNUSED)
{
	WORLD(world,
		{ 200, "{\"value\":[]}",
			"x-ms-resource-unit: 7\nx-ms-throttle-limit-percentage: 0.9\n" });
	struct graph_quota_state states[GRAPH_QUOTA_COUNT];
	CLEANUP(graph_probe_release) struct graph_probe probe;

	graph_quota_state(world.graph, states);
	assert_string_equal(states[0].name, "resource units");
	assert_false(states[0].learned);
	assert_true(states[0].limit > 0 && states[0].limit - states[0].published == 0);
	graph_probe_init(&probe, PATH);
	assert_true(graph_probe(world.graph, &probe));
	graph_quota_state(world.graph, states);
	/* In our first window somebody else may have used it: what a limit is will be learned later. */
	assert_false(states[0].learned);
	assert_true(states[0].share < states[0].limit);
	assert_true(states[0].used > 0.89 && states[0].used < 0.91);
	assert_true(states[0].spent > 6.9 && states[0].spent < 7.1);
	assert_true(graph_units_spent(world.graph) > 6.9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_that_may_be_read_is_there),
		cmocka_unit_test(a_refusal_is_an_answer_and_not_repeated),
		cmocka_unit_test(a_busy_service_is_asked_once_more_when_it_says),
		cmocka_unit_test(and_no_more_than_once),
		cmocka_unit_test(a_long_wait_is_the_answer),
		cmocka_unit_test(no_answer_says_why),
		cmocka_unit_test(what_is_no_object_is_not_believed),
		cmocka_unit_test(a_token_that_is_refused_is_renewed_once),
		cmocka_unit_test(counting_wants_the_advanced_mode),
		cmocka_unit_test(the_quota_tells_what_was_spent_and_how_much_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
