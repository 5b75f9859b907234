#include "tests/graph/script.h"

struct seen {
	size_t items, restarts;
	bool stop;
};

static bool see(void *context, struct span item, struct error *err)
{
	struct seen *seen = context;

	(void)item;
	if (seen->stop)
		return error_set(err, ERROR_SYSTEM, "the disk is full");
	seen->items++;
	return true;
}

static void forget(void *context)
{
	struct seen *seen = context;

	seen->items = 0;
	seen->restarts++;
}

static void a_list_is_read_to_its_end(void **state)
{
	WORLD(world,
		{ 200,
			"{\"value\":[{\"id\":\"1\"},{\"id\":\"2\"}],"
			"\"@odata.nextLink\":\"" ROOT "/users?$skiptoken=a%2Fb\"}" },
		{ 200, "{\"value\":[],\"@odata.nextLink\":\"" ROOT "/users?$skiptoken=c\"}" },
		{ 200, "{\"value\":[{\"id\":\"3\"}]}" });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(graph_list(world.graph, "/users?$select=id", see, NULL, &seen, &err));
	assert_int_equal(seen.items, 3);
	world_is_used_up(&world);
	assert_string_equal(world.script.asked[0].url, ROOT "/users?$select=id");
	assert_string_equal(world.script.asked[1].url, ROOT "/users?$skiptoken=a%2Fb");
	assert_string_equal(world.script.asked[0].bearer, "token-1");
	assert_int_equal(world.script.tokens, 1);
}

static void every_request_says_who_asks_and_gives_way(void **state)
{
	WORLD(world, { 503, "" }, { 200, "{\"value\":[]}" });
	struct seen seen = { 0 };
	struct error err = { 0 };
	const char *first, *second;

	(void)state;
	assert_true(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	first = buf_text(&world.script.asked[0].headers);
	second = buf_text(&world.script.asked[1].headers);
	assert_contains(first, "user-agent: unstage/" UNSTAGE_VERSION "\n");
	assert_contains(first, "x-ms-throttle-priority: low\n");
	assert_null(strstr(first, "consistencylevel"));
	/* The id is new with each attempt, so that a lost one can be found in Graph's logs. */
	assert_memory_equal(first, "client-request-id: ", 19);
	assert_true(text_is_guid((struct span){ first + 19, 36 }));
	assert_memory_not_equal(first + 19, second + 19, 36);
}

static void the_advanced_mode_is_asked_for_on_every_page(void **state)
{
	WORLD(world, { 200, "{\"value\":[],\"@odata.nextLink\":\"" ROOT "/users?$skiptoken=a\"}" },
		{ 200, "{\"value\":[]}" });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(
		graph_list(world.graph, "/users?$filter=x&$count=true", see, NULL, &seen, &err));
	for (size_t i = 0; i < 2; i++)
		assert_contains(
			buf_text(&world.script.asked[i].headers), "consistencylevel: eventual\n");
}

static void a_foreign_next_link_is_refused_and_nothing_is_sent_there(void **state)
{
	static const char *const links[] = {
		"https://evil.example/v1.0/users",
		"https://graph.microsoft.com.evil.example/v1.0/users",
		"http://graph.microsoft.com/v1.0/users",
		"https://graph.microsoft.com/beta/users",
		"https://graph.microsoft.com/v1.0/%2e%2e/beta/users",
		"https://user@graph.microsoft.com/v1.0/users",
		"/v1.0/users?$skiptoken=a",
		"",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(links); i++) {
		char page[256];
		struct reply reply = { .status = 200, .body = page };
		CLEANUP(world_release) struct world world;
		struct seen seen = { 0 };
		struct error err = { 0 };

		snprintf(page, sizeof(page), "{\"value\":[{}],\"@odata.nextLink\":\"%s\"}",
			links[i]);
		world_init(&world, &reply, 1);
		assert_false(graph_list(world.graph, "/users", see, NULL, &seen, &err));
		assert_int_equal(err.kind, ERROR_REFUSED);
		assert_int_equal(world.script.used, 1);
	}
}

static void a_next_link_that_repeats_ends_the_list_with_an_error(void **state)
{
	WORLD(world, { 200, "{\"value\":[],\"@odata.nextLink\":\"" ROOT "/users?a\"}" },
		{ 200, "{\"value\":[],\"@odata.nextLink\":\"" ROOT "/users?b\"}" },
		{ 200, "{\"value\":[],\"@odata.nextLink\":\"" ROOT "/users?a\"}" });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_false(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_contains(err.text, "followed before");
	world_is_used_up(&world);
}

static void many_pages_are_remembered(void **state)
{
	char pages[SCRIPT_REQUESTS][128];
	struct reply replies[SCRIPT_REQUESTS] = { { 0 } };
	CLEANUP(world_release) struct world world;
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < SCRIPT_REQUESTS; i++) {
		/* The last link is that of page 3. */
		size_t next = i + 1 < SCRIPT_REQUESTS ? i : 3;

		snprintf(pages[i], sizeof(pages[i]),
			"{\"value\":[{}],\"@odata.nextLink\":\"" ROOT "/users?page=%zu\"}", next);
		replies[i] = (struct reply){ .status = 200, .body = pages[i] };
	}
	world_init(&world, replies, SCRIPT_REQUESTS);
	assert_false(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_contains(err.text, "followed before");
	/* The page with the bad link is not handed on. */
	assert_int_equal(seen.items, SCRIPT_REQUESTS - 1);
}

static void an_expired_page_token_starts_the_list_again_once(void **state)
{
	static const char expired[] = "{\"error\":{\"code\":\"Directory_ExpiredPageToken\"}}";
	WORLD(world, { 200, "{\"value\":[{}],\"@odata.nextLink\":\"" ROOT "/users?a\"}" },
		{ 400, expired },
		{ 200, "{\"value\":[{}],\"@odata.nextLink\":\"" ROOT "/users?a\"}" },
		{ 200, "{\"value\":[{}]}" });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(graph_list(world.graph, "/users", see, forget, &seen, &err));
	assert_int_equal(seen.items, 2);
	assert_int_equal(seen.restarts, 1);
	world_is_used_up(&world);
}

static void a_page_token_that_expires_again_is_an_error(void **state)
{
	static const char expired[] = "{\"error\":{\"code\":\"Directory_ExpiredPageToken\"}}";
	WORLD(world, { 400, expired }, { 400, expired });
	WORLD(unprepared, { 400, expired });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_false(graph_list(world.graph, "/users", see, forget, &seen, &err));
	assert_int_equal(seen.restarts, 1);
	assert_contains(err.text, "Directory_ExpiredPageToken");
	/* Who can't forget what came is not given it twice. */
	assert_false(graph_list(unprepared.graph, "/users", see, NULL, &seen, &err));
	world_is_used_up(&unprepared);
}

static void a_busy_service_is_asked_again_after_the_time_it_names(void **state)
{
	WORLD(world, { 503, "", "retry-after: 17\n" }, { 429, "", "retry-after: 2.5\n" },
		{ 504, "" }, { 0, NULL, .fault = REPLY_LOST }, { 200, "{\"value\":[{}]}" });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_int_equal(seen.items, 1);
	assert_int_equal(script_sleeps, 4);
	assert_true(script_longest_sleep_ms >= 17000);
}

static void a_page_that_breaks_off_is_asked_for_again_and_seen_once(void **state)
{
	WORLD(world, { 0, "{\"value\":[{\"id\":\"1\"},{\"id\":\"2\"},", .fault = REPLY_CUT },
		{ 200, "{\"value\":[{\"id\":\"1\"},{\"id\":\"2\"}]}" });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_int_equal(seen.items, 2);
}

static void a_service_that_stays_away_is_given_up(void **state)
{
	struct reply replies[NET_TRIES_MAX];
	CLEANUP(world_release) struct world world;
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < NET_TRIES_MAX; i++)
		replies[i] = (struct reply){ .status = 503, .body = "<html>" };
	world_init(&world, replies, NET_TRIES_MAX);
	assert_false(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_int_equal(err.kind, ERROR_NETWORK);
	assert_contains(err.text, "503");
	world_is_used_up(&world);
}

static void a_service_fault_is_tried_a_few_times_only(void **state)
{
	WORLD(world, { 500, "" }, { 502, "" }, { 500, "" });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_false(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_int_equal(err.kind, ERROR_NETWORK);
	world_is_used_up(&world);
}

static void the_whole_run_has_an_end(void **state)
{
	WORLD(world, { 503, "" });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	script_now_ms = 1000 + GRAPH_RUN_LIMIT_MS - 1;
	assert_false(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_int_equal(err.kind, ERROR_NETWORK);
	script_now_ms = 1001 + GRAPH_RUN_LIMIT_MS;
	assert_false(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_contains(err.text, "whole run");
	world_is_used_up(&world);
}

static void a_refused_token_is_renewed_once(void **state)
{
	WORLD(world, { 401, "{\"error\":{\"code\":\"InvalidAuthenticationToken\"}}" },
		{ 200, "{\"value\":[{}]}" });
	WORLD(never, { 401, "" }, { 401, "" });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_string_equal(world.script.asked[0].bearer, "token-1");
	assert_string_equal(world.script.asked[1].bearer, "token-2");

	assert_false(graph_list(never.graph, "/users", see, NULL, &seen, &err));
	assert_int_equal(err.kind, ERROR_AUTH);
	world_is_used_up(&never);
}

static void a_denied_list_names_the_permission_that_is_missing(void **state)
{
	static const struct {
		const char *path, *permission;
	} cases[] = {
		{ "/users?$select=id", "User.Read.All" },
		{ "/groups?$top=1", "GroupMember.Read.All" },
		{ "/contacts", "OrgContact.Read.All" },
		{ "/directory/deletedItems/microsoft.graph.user?$top=1", "User.Read.All" },
		{ "/directory/deletedItems/microsoft.graph.group?$top=1", "Group.Read.All" },
		{ "/auditLogs/directoryAudits", "AuditLog.Read.All and Directory.Read.All" },
	};
	static const struct reply reply = { 403,
		"{\"error\":{\"code\":\"Authorization_RequestDenied\",\"message\":\"Insufficient "
		"privileges\",\"innerError\":{\"request-id\":\"abc-1\"}}}" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(world_release) struct world world;
		struct seen seen = { 0 };
		struct error err = { 0 };

		world_init(&world, &reply, 1);
		assert_false(graph_list(world.graph, cases[i].path, see, NULL, &seen, &err));
		assert_int_equal(err.kind, ERROR_DENIED);
		assert_contains(err.text, cases[i].permission);
		assert_contains(err.text, "403 Authorization_RequestDenied");
		assert_contains(err.text, "Insufficient privileges");
		assert_contains(err.text, "abc-1");
		assert_null(strstr(err.text, "$select"));
	}
}

static void graphs_words_are_made_printable(void **state)
{
	WORLD(world, { 400, "{\"error\":{\"code\":\"x\\u001b[31m\",\"message\":\"a\\u202eb\"}}" });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_false(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_null(strchr(err.text, '\x1b'));
	assert_contains(err.text, "\\u{202e}");
}

static void an_answer_that_is_no_json_is_refused(void **state)
{
	WORLD(world, { 200, "{\"value\":[]}", "content-type: text/html\n" });
	WORLD(page, { 200, "<html>Sign in</html>", "content-type: text/html\n" });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_false(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_contains(err.text, "text/html");
	assert_false(graph_list(page.graph, "/users", see, NULL, &seen, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

static void the_readers_own_error_ends_the_list(void **state)
{
	WORLD(world, { 200, "{\"value\":[{}],\"@odata.nextLink\":\"" ROOT "/users?a\"}" });
	struct seen seen = { .stop = true };
	struct error err = { 0 };

	(void)state;
	assert_false(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_contains(err.text, "the disk is full");
}

static void the_service_says_what_time_it_is(void **state)
{
	WORLD(world, { 200, "{\"value\":[]}", "date: Wed, 04 Mar 2026 02:17:41 GMT\n" });
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(graph_service_time_ms(world.graph) == INT64_MIN);
	assert_true(graph_list(world.graph, "/users", see, NULL, &seen, &err));
	assert_true(graph_service_time_ms(world.graph) == INT64_C(1772590661000));
}

static void the_organization_says_which_tenant_this_is(void **state)
{
	WORLD(world,
		{ 200,
			"{\"value\":[{\"id\":\"AAAAAAAA-2222-3333-4444-555555555555\","
			"\"displayName\":\"Contoso \\u202e\"}]}" });
	struct graph_organization organization;
	struct error err = { 0 };

	(void)state;
	assert_true(graph_organization(world.graph, &organization, &err));
	assert_string_equal(organization.id, "aaaaaaaa-2222-3333-4444-555555555555");
	assert_string_equal(organization.name, "Contoso \\u{202e}");
	assert_string_equal(world.script.asked[0].url,
		ROOT "/organization?$select=id,displayName,onPremisesLastSyncDateTime");
}

static void no_or_two_organizations_are_an_error(void **state)
{
	WORLD(none, { 200, "{\"value\":[]}" });
	WORLD(odd, { 200, "{\"value\":[{\"id\":\"contoso\"}]}" });
	WORLD(two,
		{ 200,
			"{\"value\":[{\"id\":\"aaaaaaaa-2222-3333-4444-555555555555\"},"
			"{\"id\":\"bbbbbbbb-2222-3333-4444-555555555555\"}]}" });
	struct graph_organization organization = { .id = "untouched" };
	struct error err = { 0 };

	(void)state;
	assert_false(graph_organization(none.graph, &organization, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_false(graph_organization(odd.graph, &organization, &err));
	assert_false(graph_organization(two.graph, &organization, &err));
	assert_string_equal(organization.id, "untouched");
}

static void text_in_a_filter_can_not_end_its_quotes(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(256);

	(void)state;
	graph_add_filter_text(&out, SPAN_LITERAL("o'hara+x#EXT#@b&c d%é"));
	assert_string_equal(buf_text(&out), "'o''hara%2Bx%23EXT%23@b%26c%20d%25%C3%A9'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_read_to_its_end),
		cmocka_unit_test(every_request_says_who_asks_and_gives_way),
		cmocka_unit_test(the_advanced_mode_is_asked_for_on_every_page),
		cmocka_unit_test(a_foreign_next_link_is_refused_and_nothing_is_sent_there),
		cmocka_unit_test(a_next_link_that_repeats_ends_the_list_with_an_error),
		cmocka_unit_test(many_pages_are_remembered),
		cmocka_unit_test(an_expired_page_token_starts_the_list_again_once),
		cmocka_unit_test(a_page_token_that_expires_again_is_an_error),
		cmocka_unit_test(a_busy_service_is_asked_again_after_the_time_it_names),
		cmocka_unit_test(a_page_that_breaks_off_is_asked_for_again_and_seen_once),
		cmocka_unit_test(a_service_that_stays_away_is_given_up),
		cmocka_unit_test(a_service_fault_is_tried_a_few_times_only),
		cmocka_unit_test(the_whole_run_has_an_end),
		cmocka_unit_test(a_refused_token_is_renewed_once),
		cmocka_unit_test(a_denied_list_names_the_permission_that_is_missing),
		cmocka_unit_test(graphs_words_are_made_printable),
		cmocka_unit_test(an_answer_that_is_no_json_is_refused),
		cmocka_unit_test(the_readers_own_error_ends_the_list),
		cmocka_unit_test(the_service_says_what_time_it_is),
		cmocka_unit_test(the_organization_says_which_tenant_this_is),
		cmocka_unit_test(no_or_two_organizations_are_an_error),
		cmocka_unit_test(text_in_a_filter_can_not_end_its_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
