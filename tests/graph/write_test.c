#include "tests/graph/script.h"

#include "graph/flow.h"

#define ID     "aaaaaaaa-0000-4000-8000-000000000001"
#define OTHER  "aaaaaaaa-0000-4000-8000-000000000002"
#define TARGET "bbbbbbbb-0000-4000-8000-000000000001"

static struct graph_write write_of(enum graph_operation operation, enum kind_id kind)
{
	struct graph_write write = {
		.operation = operation,
		.kind = kind_get(kind),
		.id = ID,
		.target = TARGET,
	};

	if (operation == GRAPH_SET)
		write.body = SPAN_LITERAL("{\"department\":\"Sales\"}");
	return write;
}

/* Sends one write and returns what Graph saw of it. */
static void assert_request(struct graph_write write, const char *expected)
{
	static const struct reply reply = { 200,
		"{\"responses\":[{\"id\":\"1\",\"status\":204}]}" };
	CLEANUP(world_release) struct world world;
	struct error err = { 0 };
	char body[1024];

	world_init(&world, &reply, 1);
	if (!graph_write_batch(world.graph, &write, 1, &err))
		fail_msg("%s", err.text);
	assert_int_equal(write.outcome, GRAPH_DONE);
	snprintf(body, sizeof(body), "{\"requests\":[{\"id\":\"1\",%s}]}", expected);
	assert_string_equal(world.script.asked[0].url, BATCH);
	assert_string_equal(world.script.asked[0].body, body);
}

#define JSON_HEADER "\"headers\":{\"Content-Type\":\"application/json\"}"
#define REFERENCE   JSON_HEADER ",\"body\":{\"@odata.id\":\"" ROOT "/directoryObjects/" TARGET "\"}"

static void every_operation_has_its_exact_method_path_and_body(void **state)
{
	struct graph_write restore = write_of(GRAPH_RESTORE, KIND_USER);

	(void)state;
	assert_request(write_of(GRAPH_SET, KIND_USER),
		"\"method\":\"PATCH\",\"url\":\"/users/" ID "\"," JSON_HEADER
		",\"body\":{\"department\":\"Sales\"}");
	assert_request(write_of(GRAPH_SET, KIND_GROUP),
		"\"method\":\"PATCH\",\"url\":\"/groups/" ID "\"," JSON_HEADER
		",\"body\":{\"department\":\"Sales\"}");
	assert_request(
		restore, "\"method\":\"POST\",\"url\":\"/directory/deletedItems/" ID "/restore\"");
	restore.body = SPAN_LITERAL("{\"autoReconcileProxyConflict\":true}");
	assert_request(restore,
		"\"method\":\"POST\",\"url\":\"/directory/deletedItems/" ID
		"/restore\"," JSON_HEADER ",\"body\":{\"autoReconcileProxyConflict\":true}");
	assert_request(write_of(GRAPH_RESTORE, KIND_GROUP),
		"\"method\":\"POST\",\"url\":\"/directory/deletedItems/" ID "/restore\"");
	assert_request(write_of(GRAPH_REMOVE, KIND_USER),
		"\"method\":\"DELETE\",\"url\":\"/users/" ID "\"");
	assert_request(write_of(GRAPH_REMOVE, KIND_GROUP),
		"\"method\":\"DELETE\",\"url\":\"/groups/" ID "\"");
	assert_request(write_of(GRAPH_ADD_MEMBER, KIND_GROUP),
		"\"method\":\"POST\",\"url\":\"/groups/" ID "/members/$ref\"," REFERENCE);
	assert_request(write_of(GRAPH_REMOVE_MEMBER, KIND_GROUP),
		"\"method\":\"DELETE\",\"url\":\"/groups/" ID "/members/" TARGET "/$ref\"");
	assert_request(write_of(GRAPH_ADD_OWNER, KIND_GROUP),
		"\"method\":\"POST\",\"url\":\"/groups/" ID "/owners/$ref\"," REFERENCE);
	assert_request(write_of(GRAPH_REMOVE_OWNER, KIND_GROUP),
		"\"method\":\"DELETE\",\"url\":\"/groups/" ID "/owners/" TARGET "/$ref\"");
	assert_request(write_of(GRAPH_SET_MANAGER, KIND_USER),
		"\"method\":\"PUT\",\"url\":\"/users/" ID "/manager/$ref\"," REFERENCE);
	assert_request(write_of(GRAPH_CLEAR_MANAGER, KIND_USER),
		"\"method\":\"DELETE\",\"url\":\"/users/" ID "/manager/$ref\"");
}

static void only_what_the_table_has_passes_the_guard(void **state)
{
	static const struct {
		const char *method, *path;
		bool passes;
	} cases[] = {
		{ "DELETE", "/users/" ID, true },
		{ "DELETE", "/groups/" ID, true },
		{ "DELETE", "/groups/" ID "/members/" TARGET "/$ref", true },
		{ "DELETE", "/groups/" ID "/owners/" TARGET "/$ref", true },
		{ "DELETE", "/users/" ID "/manager/$ref", true },
		{ "GET", "/anything?$select=id", true },
		/* Without "/$ref" it would delete the member itself. */
		{ "DELETE", "/groups/" ID "/members/" TARGET, false },
		{ "DELETE", "/groups/" ID "/owners/" TARGET, false },
		{ "DELETE", "/users/" ID "/manager", false },
		{ "DELETE", "/groups/" ID "/members/" TARGET "/$ref/", false },
		{ "DELETE", "/groups/" ID "/members/" TARGET "/$ref?x", false },
		{ "DELETE", "/groups/" ID "/members/$ref", false },
		{ "DELETE", "/groups/" ID "/members//$ref", false },
		{ "DELETE", "/groups/" ID "/members/../$ref", false },
		/* Purging. */
		{ "DELETE", "/directory/deletedItems/" ID, false },
		{ "DELETE", "/directory/deletedItems/microsoft.graph.user/" ID, false },
		{ "DELETE", "/directoryObjects/" ID, false },
		{ "DELETE", "/contacts/" ID, false },
		{ "DELETE", "/devices/" ID, false },
		{ "DELETE", "/users/ada@contoso.com", false },
		{ "DELETE", "/users/" ID "?x=/$ref", false },
		{ "DELETE", "/users/", false },
		{ "DELETE", "", false },
		{ "DELETE", "users/" ID, false },
		{ "DELETE", "/Users/" ID, false },
		{ "delete", "/users/" ID, false },
		{ "POST", "/users", false },
		{ "POST", "/groups", false },
		{ "POST", "/users/" ID "/restore", false },
		{ "POST", "/directory/deletedItems/" ID "/restore/", false },
		{ "POST", "/$batch", false },
		{ "PATCH", "/contacts/" ID, false },
		{ "PATCH", "/users/" ID "/onPremisesSyncBehavior", false },
		{ "PUT", "/users/" ID, false },
		{ "OPTIONS", "/users/" ID, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = { 0 };

		if (write_guard(cases[i].method, cases[i].path, &err) != cases[i].passes)
			fail_msg("%s %s", cases[i].method, cases[i].path);
		if (!cases[i].passes)
			assert_int_equal(err.kind, ERROR_REFUSED);
	}
}

static void a_batch_item_that_fails_the_guard_keeps_the_whole_batch_back(void **state)
{
	static const struct call_owner nobody = { 0 };
	CLEANUP(world_release) struct world world;
	CLEANUP(flow_release) struct flow flow;
	struct batch_item good, bad, *items[] = { &good, &bad };
	struct error err = { 0 };

	(void)state;
	world_init(&world, NULL, 0);
	flow_init(&flow, world.graph);
	batch_item_init(&good, "GET", "/users", SPAN_NONE);
	batch_item_init(&bad, "DELETE", "/directory/deletedItems/" ID, SPAN_NONE);
	assert_null(batch_call(&flow, items, 2, &nobody, NULL, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_int_equal(world.script.used, 0);
}

static void a_write_never_leaves_outside_of_a_batch(void **state)
{
	static struct graph_request requests[] = {
		{ .method = "DELETE", .url = ROOT "/users/" ID },
		{ .method = "PATCH", .url = ROOT "/users/" ID },
		{ .method = "POST", .url = ROOT "/groups/" ID "/members/$ref" },
		{ .method = "POST", .url = ROOT "/$batch/" },
		{ .method = "POST", .url = "https://evil.example/v1.0/$batch" },
	};
	CLEANUP(world_release) struct world world;

	(void)state;
	world_init(&world, NULL, 0);
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		CLEANUP(net_response_release) struct net_response response;
		struct error err = { 0 };

		net_response_init(&response);
		assert_false(graph_send(world.graph, &requests[i], &response, &err));
		assert_int_equal(err.kind, ERROR_REFUSED);
	}
	assert_int_equal(world.script.tokens, 0);
}

static void a_write_that_makes_no_sense_is_refused_and_nothing_is_sent(void **state)
{
	struct graph_write bad[] = {
		write_of(GRAPH_SET, KIND_CONTACT),
		write_of(GRAPH_REMOVE, KIND_CONTACT),
		write_of(GRAPH_ADD_MEMBER, KIND_USER),
		write_of(GRAPH_SET_MANAGER, KIND_GROUP),
		write_of(GRAPH_SET, KIND_USER),
		write_of(GRAPH_SET, KIND_USER),
		write_of(GRAPH_SET, KIND_USER),
		write_of(GRAPH_REMOVE, KIND_USER),
		write_of(GRAPH_REMOVE, KIND_USER),
		write_of(GRAPH_REMOVE_MEMBER, KIND_GROUP),
		write_of(GRAPH_ADD_OWNER, KIND_GROUP),
	};
	CLEANUP(world_release) struct world world;

	(void)state;
	bad[4].body = SPAN_NONE;
	bad[5].body = SPAN_LITERAL("[1]");
	bad[6].body = SPAN_LITERAL("{\"a\":1,\"a\":2}");
	bad[7].body = SPAN_LITERAL("{}");
	strcpy(bad[8].id, "../groups/x");
	strcpy(bad[9].target, "");
	strcpy(bad[10].target, "aaaaaaaa-0000-4000-8000-00000000000x");
	world_init(&world, NULL, 0);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct error err = { 0 };

		if (graph_write_batch(world.graph, &bad[i], 1, &err))
			fail_msg("case %zu was sent", i);
		assert_true(err.kind == ERROR_REFUSED || err.kind == ERROR_FORMAT);
	}
	assert_int_equal(world.script.tokens, 0);
}

static void the_same_write_twice_or_too_many_are_refused(void **state)
{
	struct graph_write writes[GRAPH_BATCH_MAX + 1];
	CLEANUP(world_release) struct world world;
	struct error err = { 0 };

	(void)state;
	world_init(&world, NULL, 0);
	for (size_t i = 0; i < COUNT_OF(writes); i++)
		writes[i] = write_of(GRAPH_REMOVE, KIND_USER);
	assert_false(graph_write_batch(world.graph, writes, 2, &err));
	assert_contains(err.text, "twice");
	assert_false(graph_write_batch(world.graph, writes, COUNT_OF(writes), &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static void every_answer_has_its_outcome(void **state)
{
	static const char conflict[] =
		"{\"error\":{\"code\":\"Request_BadRequest\",\"message\":\"Another object with the "
		"same value for property mail already exists.\",\"details\":[{\"code\":"
		"\"ObjectConflict\",\"target\":\"mail\"},{\"code\":\"ConflictingObjects\","
		"\"target\":\"User_" OTHER "\"}]}}";
	static const char already[] =
		"{\"error\":{\"code\":\"Request_BadRequest\",\"message\":\"One or more added object "
		"references already exist for the following modified properties: 'members'.\"}}";
	static const char mastered[] =
		"{\"error\":{\"code\":\"Request_BadRequest\",\"message\":\"Unable to update the "
		"specified properties for on-premises mastered Directory Sync objects or objects "
		"currently undergoing migration.\"}}";
	static const struct {
		enum graph_operation operation;
		enum kind_id kind;
		int status;
		const char *body;
		enum graph_outcome outcome;
		const char *text;
	} cases[] = {
		{ GRAPH_SET, KIND_USER, 204, "null", GRAPH_DONE, "" },
		{ GRAPH_RESTORE, KIND_USER, 200, "{\"id\":\"" ID "\"}", GRAPH_DONE, "" },
		{ GRAPH_SET, KIND_USER, 400, conflict, GRAPH_CONFLICT, "User_" OTHER },
		{ GRAPH_SET, KIND_USER, 409, "{}", GRAPH_CONFLICT, "holds the value" },
		{ GRAPH_SET, KIND_USER, 400, mastered, GRAPH_REFUSED, "production sync server" },
		{ GRAPH_SET, KIND_USER, 400, already, GRAPH_REFUSED, "" },
		{ GRAPH_ADD_MEMBER, KIND_GROUP, 400, already, GRAPH_ALREADY, "read the object" },
		{ GRAPH_ADD_OWNER, KIND_GROUP, 400, already, GRAPH_ALREADY, "" },
		{ GRAPH_ADD_MEMBER, KIND_GROUP, 400, mastered, GRAPH_REFUSED, "" },
		{ GRAPH_ADD_MEMBER, KIND_GROUP, 404, "{}", GRAPH_ABSENT, "deleted items" },
		{ GRAPH_REMOVE_MEMBER, KIND_GROUP, 404, "{}", GRAPH_ALREADY, "" },
		{ GRAPH_REMOVE_OWNER, KIND_GROUP, 404, "{}", GRAPH_ALREADY, "" },
		{ GRAPH_CLEAR_MANAGER, KIND_USER, 404, "{}", GRAPH_ALREADY, "" },
		{ GRAPH_SET_MANAGER, KIND_USER, 404, "{}", GRAPH_ABSENT, "" },
		{ GRAPH_REMOVE, KIND_USER, 404, "{}", GRAPH_ABSENT, "" },
		{ GRAPH_RESTORE, KIND_USER, 404, "{}", GRAPH_ABSENT, "" },
		{ GRAPH_REMOVE, KIND_GROUP, 403, "{}", GRAPH_DENIED, "Group.ReadWrite.All" },
		{ GRAPH_ADD_MEMBER, KIND_GROUP, 403, "{}", GRAPH_DENIED,
			"GroupMember.ReadWrite.All" },
		{ GRAPH_ADD_OWNER, KIND_GROUP, 403, "{}", GRAPH_DENIED, "Group.ReadWrite.All" },
		{ GRAPH_SET, KIND_USER, 403, "{}", GRAPH_DENIED, "User.ReadWrite.All" },
		{ GRAPH_RESTORE, KIND_USER, 403, "{}", GRAPH_DENIED, "User.DeleteRestore.All" },
		{ GRAPH_SET_MANAGER, KIND_USER, 403, "{}", GRAPH_DENIED, "User.ReadWrite.All" },
		{ GRAPH_SET, KIND_USER, 405, "{}", GRAPH_REFUSED, "" },
		{ GRAPH_SET, KIND_USER, 412, "{}", GRAPH_REFUSED, "" },
		{ GRAPH_SET, KIND_USER, 423, "{}", GRAPH_UNKNOWN, "read the object" },
		{ GRAPH_SET, KIND_USER, 408, "{}", GRAPH_UNKNOWN, "read the object" },
		{ GRAPH_SET, KIND_USER, 424, "{}", GRAPH_UNKNOWN, "read the object" },
		{ GRAPH_SET, KIND_USER, 500, "{}", GRAPH_UNKNOWN, "read the object" },
		{ GRAPH_SET, KIND_USER, 501, "{}", GRAPH_UNKNOWN, "read the object" },
		{ GRAPH_SET, KIND_USER, 503, "{}", GRAPH_UNKNOWN, "read the object" },
		{ GRAPH_SET, KIND_USER, 507, "{}", GRAPH_UNKNOWN, "read the object" },
		{ GRAPH_SET, KIND_USER, 302, "{}", GRAPH_UNKNOWN, "read the object" },
		{ GRAPH_SET, KIND_USER, 100, "{}", GRAPH_UNKNOWN, "read the object" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct graph_write write = write_of(cases[i].operation, cases[i].kind);
		char body[1024];
		struct reply reply = { .status = 200, .body = body };
		CLEANUP(world_release) struct world world;
		struct error err = { 0 };

		snprintf(body, sizeof(body),
			"{\"responses\":[{\"id\":\"1\",\"status\":%d,\"headers\":{\"request-id\":"
			"\"r-1\"},\"body\":%s}]}",
			cases[i].status, cases[i].body);
		world_init(&world, &reply, 1);
		assert_true(graph_write_batch(world.graph, &write, 1, &err));
		if (write.outcome != cases[i].outcome || !strstr(write.text, cases[i].text))
			fail_msg("case %zu: %s: %s", i, graph_outcome_name(write.outcome),
				write.text);
		assert_int_equal(write.status, cases[i].status);
		assert_string_equal(write.request_id, "r-1");
	}
}

static void a_batch_that_may_have_been_done_is_unknown_and_not_sent_again(void **state)
{
	static const struct reply replies[] = {
		{ .fault = REPLY_LOST },
		{ .fault = REPLY_TOO_LARGE },
		{ 500, "" },
		{ 502, "<html>" },
		{ 503, "{\"error\":{\"code\":\"Directory_ReplicaUnavailable\"}}" },
		{ 504, "" },
		{ 408, "{\"error\":{\"code\":\"Timeout\"}}" },
		{ 424, "{\"error\":{\"code\":\"FailedDependency\"}}" },
		{ 403, "<html>a proxy</html>" },
		{ 302, "" },
		{ 200, "" },
		{ 200, "{}" },
		{ 200, "{\"responses\":[]}" },
		{ 200, "{\"responses\":[{\"id\":\"1\",\"status\":204},{\"id\":\"1\",\"status\":204}]}" },
		{ 200, "{\"responses\":[{\"id\":\"7\",\"status\":204}]}" },
		{ 200, "{\"responses\":[{\"id\":\"1\",\"status\":\"204\"}]}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(replies); i++) {
		struct graph_write write = write_of(GRAPH_SET, KIND_USER);
		CLEANUP(world_release) struct world world;
		struct error err = { 0 };

		world_init(&world, &replies[i], 1);
		if (!graph_write_batch(world.graph, &write, 1, &err))
			fail_msg("case %zu: %s", i, err.text);
		if (write.outcome != GRAPH_UNKNOWN)
			fail_msg("case %zu: %s", i, graph_outcome_name(write.outcome));
		assert_contains(write.text, "read the object");
		world_is_used_up(&world);
	}
}

static void a_batch_that_graph_refused_as_a_whole_was_not_done(void **state)
{
	static const struct {
		struct reply reply;
		enum graph_outcome outcome;
	} cases[] = {
		{ { 400, "{\"error\":{\"code\":\"BadRequest\"}}" }, GRAPH_REFUSED },
		{ { 403, "{\"error\":{\"code\":\"Authorization_RequestDenied\"}}" }, GRAPH_DENIED },
		/* Not the member is missing, but the batch's address. */
		{ { 404, "{\"error\":{\"code\":\"ResourceNotFound\"}}" }, GRAPH_REFUSED },
		{ { 413, "{\"error\":{\"code\":\"TooLarge\"}}" }, GRAPH_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct graph_write write = write_of(GRAPH_REMOVE_MEMBER, KIND_GROUP);
		CLEANUP(world_release) struct world world;
		struct error err = { 0 };

		world_init(&world, &cases[i].reply, 1);
		assert_true(graph_write_batch(world.graph, &write, 1, &err));
		assert_int_equal(write.outcome, cases[i].outcome);
	}
}

static void a_throttled_batch_was_not_done_and_is_left_to_its_owner(void **state)
{
	WORLD(world, { 429, "", "retry-after: 9\n" },
		{ 200, "{\"responses\":[{\"id\":\"1\",\"status\":204}]}" });
	struct graph_write write = write_of(GRAPH_SET, KIND_USER);
	struct error err = { 0 };

	(void)state;
	assert_true(graph_write_batch(world.graph, &write, 1, &err));
	assert_int_equal(write.outcome, GRAPH_THROTTLED);
	assert_int_equal(world.script.used, 1);
	assert_int_equal(script_sleeps, 0);
	assert_true(graph_write_pause(world.graph, &err));
	assert_true(script_longest_sleep_ms >= 9000);
	/* It was waited for. */
	assert_true(graph_write_pause(world.graph, &err));
	assert_int_equal(script_sleeps, 1);
	assert_true(graph_write_batch(world.graph, &write, 1, &err));
	assert_int_equal(write.outcome, GRAPH_DONE);
}

static void throttled_writes_wait_for_the_longest_of_their_times(void **state)
{
	WORLD(world,
		{ 200,
			"{\"responses\":[{\"id\":\"2\",\"status\":429,\"headers\":{\"Retry-After\":"
			"\"11\"}},{\"id\":\"3\",\"status\":429,\"headers\":{\"Retry-After\":\"2\"}},"
			"{\"id\":\"1\",\"status\":204}]}" });
	struct graph_write writes[] = { write_of(GRAPH_SET, KIND_USER),
		write_of(GRAPH_REMOVE, KIND_USER), write_of(GRAPH_REMOVE, KIND_GROUP) };
	struct error err = { 0 };

	(void)state;
	strcpy(writes[1].id, OTHER);
	assert_true(graph_write_batch(world.graph, writes, 3, &err));
	assert_int_equal(writes[0].outcome, GRAPH_DONE);
	assert_int_equal(writes[1].outcome, GRAPH_THROTTLED);
	assert_int_equal(writes[2].outcome, GRAPH_THROTTLED);
	assert_true(graph_write_pause(world.graph, &err));
	assert_true(script_longest_sleep_ms >= 11000);
}

static void writes_that_never_get_through_are_given_up(void **state)
{
	static const struct reply throttled = { 200,
		"{\"responses\":[{\"id\":\"1\",\"status\":429}]}" };
	static const struct reply away = { .fault = REPLY_UNREACHABLE };
	const struct {
		const struct reply *reply;
		enum graph_outcome outcome;
		const char *words;
	} cases[] = {
		{ &throttled, GRAPH_THROTTLED, "throttled by Graph: given up after try 10: 429" },
		{ &away, GRAPH_NOT_SENT, "no answer: given up after try 10: POST" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct reply replies[NET_TRIES_MAX];
		struct graph_write write = write_of(GRAPH_SET, KIND_USER);
		CLEANUP(world_release) struct world world;
		struct error err = { 0 };

		for (size_t try = 0; try < NET_TRIES_MAX; try++)
			replies[try] = *cases[i].reply;
		world_init(&world, replies, NET_TRIES_MAX);
		world.graph->service_time_ms = 0; /* it was there before */
		for (size_t try = 0; try < NET_TRIES_MAX; try++) {
			if (!graph_write_pause(world.graph, &err))
				fail_msg("%s", err.text);
			assert_true(graph_write_batch(world.graph, &write, 1, &err));
			assert_int_equal(write.outcome, cases[i].outcome);
			assert_true(*write.text);
		}
		assert_false(graph_write_pause(world.graph, &err));
		assert_int_equal(err.kind, ERROR_NETWORK);
		assert_contains(err.text, cases[i].words);
	}
}

static void a_write_that_gets_through_makes_tries_count_anew(void **state)
{
	static const struct reply half = { 200,
		"{\"responses\":[{\"id\":\"1\",\"status\":429},{\"id\":\"2\",\"status\":204}]}" };
	struct reply replies[3 * NET_TRIES_MAX];
	struct graph_write writes[] = { write_of(GRAPH_SET, KIND_USER),
		write_of(GRAPH_REMOVE, KIND_USER) };
	CLEANUP(world_release) struct world world;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(replies); i++)
		replies[i] = half;
	world_init(&world, replies, COUNT_OF(replies));
	strcpy(writes[1].id, OTHER);
	for (size_t i = 0; i < COUNT_OF(replies); i++) {
		assert_true(graph_write_pause(world.graph, &err));
		assert_true(graph_write_batch(world.graph, writes, 2, &err));
	}
	world_is_used_up(&world);
}

/* [T8] No more than 1,500 in any 150 seconds, which is half of what Graph takes. */
static void writes_stay_at_half_of_the_tenants_quota(void **state)
{
	enum { BATCHES = 60, WINDOW_MS = 150000, QUOTA = 1500, SMALL_PLAN = 200 };
	struct buf body = BUF_UP_TO(8192);
	struct reply replies[BATCHES];
	struct graph_write writes[GRAPH_BATCH_MAX];
	int64_t sent_ms[BATCHES];
	CLEANUP(world_release) struct world world;
	struct error err = { 0 };

	(void)state;
	buf_add_text(&body, "{\"responses\":[");
	for (size_t i = 0; i < GRAPH_BATCH_MAX; i++) {
		writes[i] = write_of(GRAPH_SET, KIND_USER);
		snprintf(writes[i].id + 24, 13, "%012zu", i);
		buf_addf(&body, "%s{\"id\":\"%zu\",\"status\":204}", i ? "," : "", i + 1);
	}
	buf_add_text(&body, "]}");
	for (size_t i = 0; i < BATCHES; i++)
		replies[i] = (struct reply){ 200, buf_text(&body) };
	world_init(&world, replies, BATCHES);
	for (size_t i = 0; i < BATCHES; i++) {
		assert_true(graph_write_pause(world.graph, &err));
		sent_ms[i] = script_now_ms;
		assert_true(graph_write_batch(world.graph, writes, GRAPH_BATCH_MAX, &err));
	}
	for (size_t i = 0, first = 0; i < BATCHES; i++) {
		while (sent_ms[i] - sent_ms[first] > WINDOW_MS)
			first++;
		assert_true((i - first + 1) * GRAPH_BATCH_MAX <= QUOTA + 2 * GRAPH_BATCH_MAX);
	}
	/* Small plans are not slowed down. */
	assert_int_equal(sent_ms[SMALL_PLAN / GRAPH_BATCH_MAX - 1], sent_ms[0]);
	assert_true(sent_ms[BATCHES - 1] - sent_ms[0] >= 85000);
	buf_release(&body);
}

static void a_write_denied_for_its_token_is_sent_again_once(void **state)
{
	WORLD(world, { 200, "{\"responses\":[{\"id\":\"1\",\"status\":401}]}" },
		{ 200, "{\"responses\":[{\"id\":\"1\",\"status\":204}]}" });
	WORLD(never, { 200, "{\"responses\":[{\"id\":\"1\",\"status\":401}]}" },
		{ 200, "{\"responses\":[{\"id\":\"1\",\"status\":401}]}" });
	struct graph_write write = write_of(GRAPH_SET, KIND_USER);
	struct error err = { 0 };

	(void)state;
	assert_true(graph_write_batch(world.graph, &write, 1, &err));
	assert_int_equal(write.outcome, GRAPH_DONE);
	assert_string_equal(world.script.asked[1].bearer, "token-2");

	assert_true(graph_write_batch(never.graph, &write, 1, &err));
	assert_int_equal(write.outcome, GRAPH_DENIED);
	world_is_used_up(&never);
}

static void without_a_token_nothing_is_sent(void **state)
{
	WORLD(world, { 401, "" });
	WORLD(twice, { 401, "" }, { 401, "" });
	struct graph_write write = write_of(GRAPH_SET, KIND_USER);
	struct error err = { 0 };

	(void)state;
	world.script.refuse_tokens = true;
	assert_false(graph_write_batch(world.graph, &write, 1, &err));
	assert_int_equal(err.kind, ERROR_AUTH);
	assert_int_equal(write.outcome, GRAPH_NOT_SENT);
	assert_false(graph_write_batch(twice.graph, &write, 1, &err));
	assert_int_equal(err.kind, ERROR_AUTH);
}

static void graphs_words_and_codes_are_kept_printable(void **state)
{
	WORLD(world,
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":400,\"body\":{\"error\":{\"code\":"
			"\"Odd\\u001bCode\",\"message\":\"say \\u202ethis\",\"innererror\":"
			"{\"request-id\":\"r-9\"}}}}]}" });
	struct graph_write write = write_of(GRAPH_SET, KIND_USER);
	struct error err = { 0 };

	(void)state;
	assert_true(graph_write_batch(world.graph, &write, 1, &err));
	assert_string_equal(write.code, "Odd\\x1bCode");
	assert_string_equal(write.request_id, "r-9");
	assert_contains(write.text, "say \\u{202e}this");
}

static void operations_and_outcomes_have_names(void **state)
{
	(void)state;
	assert_string_equal(graph_operation_name(GRAPH_ADD_MEMBER), "add-member");
	for (int i = 0; i < GRAPH_OPERATION_COUNT; i++)
		assert_non_null(graph_operation_name((enum graph_operation)i));
	for (int i = GRAPH_NOT_SENT; i <= GRAPH_UNKNOWN; i++)
		assert_non_null(graph_outcome_name((enum graph_outcome)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_has_its_exact_method_path_and_body),
		cmocka_unit_test(only_what_the_table_has_passes_the_guard),
		cmocka_unit_test(a_batch_item_that_fails_the_guard_keeps_the_whole_batch_back),
		cmocka_unit_test(a_write_never_leaves_outside_of_a_batch),
		cmocka_unit_test(a_write_that_makes_no_sense_is_refused_and_nothing_is_sent),
		cmocka_unit_test(the_same_write_twice_or_too_many_are_refused),
		cmocka_unit_test(every_answer_has_its_outcome),
		cmocka_unit_test(a_batch_that_may_have_been_done_is_unknown_and_not_sent_again),
		cmocka_unit_test(a_batch_that_graph_refused_as_a_whole_was_not_done),
		cmocka_unit_test(a_throttled_batch_was_not_done_and_is_left_to_its_owner),
		cmocka_unit_test(throttled_writes_wait_for_the_longest_of_their_times),
		cmocka_unit_test(writes_that_never_get_through_are_given_up),
		cmocka_unit_test(a_write_that_gets_through_makes_tries_count_anew),
		cmocka_unit_test(writes_stay_at_half_of_the_tenants_quota),
		cmocka_unit_test(a_write_denied_for_its_token_is_sent_again_once),
		cmocka_unit_test(without_a_token_nothing_is_sent),
		cmocka_unit_test(graphs_words_and_codes_are_kept_printable),
		cmocka_unit_test(operations_and_outcomes_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
