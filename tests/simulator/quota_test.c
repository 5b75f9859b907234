/*
 * Quota (contract 7.1, 7.2): what a request costs, when it is too much, and what the headers say. On
 * a clock of the test's own.
 */
#include "tests/simulator/tenant_fixture.h"

/* Where the tests begin: the first moment of a window of either length. */
#define WINDOW_BEGIN INT64_C(300000)

static int64_t read_clock(void *context)
{
	return *(const int64_t *)context;
}

static struct tenant *tenant_on(int64_t *clock_ms, struct simulator_options options)
{
	*clock_ms = WINDOW_BEGIN;
	options.quota_clock_ms = read_clock;
	options.quota_clock_context = clock_ms;
	return tenant_with(options);
}

/* The value of a header, or "" when it is not there. Lives until the next call. */
static const char *header(const struct reply *reply, const char *name)
{
	static char value[256];
	char wanted[64];
	const char *found;

	snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
	found = strstr(buf_text(&reply->headers), wanted);
	if (!found)
		return "";
	found += strlen(wanted);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(found, "\r"), found);
	return value;
}

static bool has_header(const struct reply *reply, const char *name)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "\r\n%s:", name);
	return strstr(buf_text(&reply->headers), wanted) != NULL;
}

static int ask(struct tenant *tenant, const char *path)
{
	CLEANUP(reply_release) struct reply reply = get(tenant, path);

	return reply.status;
}

/* One unit each; how many of them were answered 200. */
static unsigned ask_times(struct tenant *tenant, unsigned times)
{
	unsigned good = 0;

	for (unsigned i = 0; i < times; i++)
		good += ask(tenant, "/v1.0/contacts") == 200;
	return good;
}

/* ---- cost ------------------------------------------------------------------------------------ */

static void every_answer_says_what_it_cost(void **state)
{
	static const struct {
		const char *method, *path, *units;
	} cases[] = {
		{ "GET", "/v1.0/users", "2" },
		{ "GET", "/v1.0/users?$select=id", "1" },
		{ "GET", "/v1.0/users?$top=19", "1" },
		{ "GET", "/v1.0/users?$top=20", "2" },
		{ "GET", "/v1.0/users?$top=999", "2" },
		{ "GET", "/v1.0/users?$select=id&$top=5", "1" },
		{ "GET", "/v1.0/users?$expand=manager", "3" },
		{ "GET", "/v1.0/users?$select=id&$expand=manager($select=id)", "2" },
		{ "GET", "/v1.0/users?$select=id&$expand=manager($select=id)&$top=5", "1" },
		{ "GET", "/v1.0/users/" NOBODY, "1" },
		{ "GET", "/v1.0/groups", "1" },
		{ "GET", "/v1.0/groups?$select=id", "1" },
		{ "GET", "/v1.0/groups?$expand=owners($select=id)", "2" },
		{ "GET", "/v1.0/groups/" NOBODY "/members", "3" },
		{ "GET", "/v1.0/groups/" NOBODY "/members?$select=id&$top=999", "2" },
		{ "GET", "/v1.0/groups/" NOBODY "/members?$select=id&$top=1", "1" },
		{ "GET", "/v1.0/groups/" NOBODY "/owners", "1" },
		{ "GET", "/v1.0/groups/" NOBODY "/transitiveMembers", "5" },
		{ "GET", "/v1.0/users/" NOBODY "/memberOf", "2" },
		{ "GET", "/v1.0/contacts", "1" },
		{ "GET", "/v1.0/directory/deletedItems/microsoft.graph.user", "1" },
		{ "GET", "/v1.0/auditLogs/directoryAudits", "1" },
		{ "GET", "/v1.0/organization", "1" },
		{ "GET", "/v1.0/subscribedSkus", "3" },
		{ "POST", "/v1.0/directoryObjects/getByIds", "5" },
		{ "POST", "/v1.0/users/" NOBODY "/checkMemberGroups", "4" },
		{ "PATCH", "/v1.0/users/" NOBODY, "1" },
		{ "DELETE", "/v1.0/users/" NOBODY, "1" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(reply_release)
		struct reply reply = call(*state, cases[i].method, cases[i].path, NULL);

		if (strcmp(header(&reply, "x-ms-resource-unit"), cases[i].units) != 0)
			fail_msg("%s %s costs %s", cases[i].method, cases[i].path,
				header(&reply, "x-ms-resource-unit"));
	}
}

static void who_is_not_signed_in_is_not_charged(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(reply_release)
	struct reply reply = exchange_with(
		tenant, &(struct simulator_request){ .method = "GET", .path = "/v1.0/users" });

	assert_int_equal(reply.status, 401);
	assert_false(has_header(&reply, "x-ms-resource-unit"));
	assert_int_equal(simulator_usage(tenant->simulator).requests, 0);
}

static void usage_counts_requests_units_writes_and_refusals(void **state UNUSED)
{
	int64_t clock_ms;
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_on(&clock_ms,
		(struct simulator_options){ .quota = SIMULATOR_QUOTA_WINDOW, .units_per_10s = 6 });
	struct simulator_usage usage;

	assert_int_equal(ask(tenant, "/v1.0/users"), 200);
	assert_int_equal(ask(tenant, "/v1.0/groups"), 200);
	{
		CLEANUP(reply_release)
		struct reply reply = call(
			tenant, "PATCH", "/v1.0/users/" NOBODY, "{\"department\":\"Sales\"}");

		assert_int_equal(reply.status, 404);
	}
	assert_int_equal(ask(tenant, "/v1.0/groups/" NOBODY "/members"), 429);
	usage = simulator_usage(tenant->simulator);
	assert_int_equal(usage.requests, 4);
	assert_int_equal(usage.units, 4);
	assert_int_equal(usage.writes, 1);
	assert_int_equal(usage.throttled, 1);
}

/* ---- batches --------------------------------------------------------------------------------- */

static const json_t *item_of(const struct reply *reply, const char *id)
{
	const json_t *responses = json_object_get(reply->body, "responses");

	for (size_t i = 0; i < json_array_size(responses); i++)
		if (strcmp(json_text_or_null(json_array_get(responses, i), "id"), id) == 0)
			return json_array_get(responses, i);
	return NULL;
}

static void each_item_of_a_batch_counts_and_the_batch_does_not(void **state UNUSED)
{
	int64_t clock_ms;
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_on(&clock_ms,
		(struct simulator_options){ .quota = SIMULATOR_QUOTA_WINDOW, .units_per_10s = 3 });
	CLEANUP(reply_release)
	struct reply reply = call(tenant, "POST", "/v1.0/$batch",
		"{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users\"},"
		"{\"id\":\"2\",\"method\":\"GET\",\"url\":\"/users?$select=id\"},"
		"{\"id\":\"3\",\"method\":\"GET\",\"url\":\"/groups\"}]}");
	const json_t *first = json_object_get(item_of(&reply, "1"), "headers");
	const json_t *second = json_object_get(item_of(&reply, "2"), "headers");
	const json_t *third = json_object_get(item_of(&reply, "3"), "headers");
	struct simulator_usage usage = simulator_usage(tenant->simulator);

	assert_int_equal(reply.status, 200);
	assert_false(has_header(&reply, "x-ms-resource-unit"));
	assert_string_equal(json_text_or_null(first, "x-ms-resource-unit"), "2");
	assert_string_equal(json_text_or_null(second, "x-ms-resource-unit"), "1");
	assert_null(json_object_get(first, "x-ms-throttle-limit-percentage"));
	assert_string_equal(json_text_or_null(second, "x-ms-throttle-limit-percentage"), "1.00");
	assert_int_equal(json_integer_value(json_object_get(item_of(&reply, "2"), "status")), 200);
	assert_int_equal(json_integer_value(json_object_get(item_of(&reply, "3"), "status")), 429);
	assert_string_equal(json_text_or_null(third, "Retry-After"), "10");
	assert_string_equal(
		json_text_or_null(third, "x-ms-throttle-information"), "ResourceUnitLimitExceeded");
	assert_int_equal(usage.requests, 3);
	assert_int_equal(usage.units, 3);
}

/* ---- windows --------------------------------------------------------------------------------- */

static void a_window_gives_its_limit_and_the_next_one_gives_it_again(void **state UNUSED)
{
	int64_t clock_ms;
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_on(&clock_ms,
		(struct simulator_options){ .quota = SIMULATOR_QUOTA_WINDOW, .units_per_10s = 10 });

	clock_ms += 4000;
	assert_int_equal(ask_times(tenant, 15), 10);
	clock_ms += 5999;
	assert_int_equal(ask_times(tenant, 1), 0);
	clock_ms += 1;
	assert_int_equal(ask_times(tenant, 15), 10);
}

static void a_windows_wait_is_until_its_end(void **state UNUSED)
{
	int64_t clock_ms;
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_on(&clock_ms,
		(struct simulator_options){ .quota = SIMULATOR_QUOTA_WINDOW, .units_per_10s = 1 });

	clock_ms += 7200;
	assert_int_equal(ask_times(tenant, 1), 1);
	{
		CLEANUP(reply_release) struct reply reply = get(tenant, "/v1.0/contacts");

		assert_refused(reply, 429, "TooManyRequests");
		assert_string_equal(header(&reply, "Retry-After"), "3");
	}
}

/* ---- buckets --------------------------------------------------------------------------------- */

static void a_bucket_fills_steadily_up_to_one_windows_worth(void **state UNUSED)
{
	int64_t clock_ms;
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_on(&clock_ms,
		(struct simulator_options){ .quota = SIMULATOR_QUOTA_BUCKET, .units_per_10s = 10 });

	assert_int_equal(ask_times(tenant, 10), 10);
	/* One unit a second, however the requests fall. */
	for (unsigned i = 0; i < 20; i++) {
		clock_ms += 1000;
		assert_int_equal(ask_times(tenant, 1), 1);
	}
	clock_ms += 3600 * 1000;
	assert_int_equal(ask_times(tenant, 10), 10);
	assert_int_equal(ask_times(tenant, 1), 0);
}

static void a_bucket_says_when_there_is_room(void **state UNUSED)
{
	int64_t clock_ms;
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_on(&clock_ms,
		(struct simulator_options){ .quota = SIMULATOR_QUOTA_BUCKET,
			.units_per_10s = 10,
			.retry_after = SIMULATOR_RETRY_DECIMAL });

	assert_int_equal(ask_times(tenant, 10), 10);
	clock_ms += 150;
	{
		CLEANUP(reply_release) struct reply reply = get(tenant, "/v1.0/users");

		assert_int_equal(reply.status, 429);
		/* What is there is -0.15 + 2 (this one) over the limit; 2 more must fit. */
		assert_string_equal(header(&reply, "Retry-After"), "3.850");
	}
	clock_ms += 3850;
	assert_int_equal(ask(tenant, "/v1.0/users"), 200);
}

static void who_asks_again_at_once_waits_the_longer(void **state UNUSED)
{
	int64_t clock_ms;
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_on(&clock_ms,
		(struct simulator_options){ .quota = SIMULATOR_QUOTA_BUCKET, .units_per_10s = 10 });

	assert_int_equal(ask_times(tenant, 10), 10);
	{
		CLEANUP(reply_release) struct reply early = get(tenant, "/v1.0/contacts");

		assert_string_equal(header(&early, "Retry-After"), "2");
	}
	assert_int_equal(ask_times(tenant, 3), 0);
	{
		CLEANUP(reply_release) struct reply late = get(tenant, "/v1.0/contacts");

		assert_string_equal(header(&late, "Retry-After"), "6");
		assert_string_equal(header(&late, "x-ms-throttle-limit-percentage"), "1.50");
	}
	/* The debt has an end. */
	assert_int_equal(ask_times(tenant, 100), 0);
	{
		CLEANUP(reply_release) struct reply last = get(tenant, "/v1.0/contacts");

		assert_string_equal(header(&last, "Retry-After"), "9");
		assert_string_equal(header(&last, "x-ms-throttle-limit-percentage"), "1.80");
	}
	clock_ms += 9000;
	assert_int_equal(ask_times(tenant, 1), 1);
}

/* ---- both ------------------------------------------------------------------------------------ */

static const enum simulator_quota models[] = { SIMULATOR_QUOTA_WINDOW, SIMULATOR_QUOTA_BUCKET };

static void the_percentage_is_told_from_80_percent_on(void **state UNUSED)
{
	static const char *const told[] = { "", "", "", "", "", "", "", "0.80", "0.90", "1.00",
		"1.10", "1.20", "1.30", "1.40", "1.50", "1.60", "1.70", "1.80", "1.80", "1.80" };

	for (size_t m = 0; m < COUNT_OF(models); m++) {
		int64_t clock_ms;
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_on(&clock_ms,
			(struct simulator_options){ .quota = models[m], .units_per_10s = 10 });

		for (size_t i = 0; i < COUNT_OF(told); i++) {
			CLEANUP(reply_release) struct reply reply = get(tenant, "/v1.0/contacts");

			assert_int_equal(reply.status, i < 10 ? 200 : 429);
			assert_string_equal(
				header(&reply, "x-ms-throttle-limit-percentage"), told[i]);
		}
	}
}

static void a_429_names_what_ran_out(void **state UNUSED)
{
	for (size_t m = 0; m < COUNT_OF(models); m++) {
		int64_t clock_ms;
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_on(&clock_ms,
			(struct simulator_options){ .quota = models[m], .units_per_10s = 1 });
		char scope[256];

		assert_int_equal(ask_times(tenant, 1), 1);
		{
			CLEANUP(reply_release) struct reply reply = get(tenant, "/v1.0/contacts");

			snprintf(scope, sizeof(scope), "Tenant_Application/ReadWrite/%s/%s",
				simulator_client_id(tenant->simulator),
				simulator_tenant(tenant->simulator));
			assert_string_equal(header(&reply, "x-ms-throttle-scope"), scope);
			assert_string_equal(header(&reply, "x-ms-throttle-information"),
				"ResourceUnitLimitExceeded");
			assert_string_equal(header(&reply, "x-ms-resource-unit"), "1");
		}
	}
}

static void writes_have_a_limit_of_their_own(void **state UNUSED)
{
	for (size_t m = 0; m < COUNT_OF(models); m++) {
		int64_t clock_ms;
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_on(&clock_ms,
			(struct simulator_options){ .quota = models[m], .writes_per_150s = 2 });

		for (unsigned i = 0; i < 3; i++) {
			CLEANUP(reply_release)
			struct reply reply = call(tenant, "PATCH", "/v1.0/users/" NOBODY,
				"{\"department\":\"Sales\"}");

			assert_int_equal(reply.status, i < 2 ? 404 : 429);
			if (i < 2)
				continue;
			assert_string_equal(
				header(&reply, "x-ms-throttle-information"), "WriteLimitExceeded");
			assert_memory_equal(header(&reply, "x-ms-throttle-scope"),
				"Tenant_Application/Write/", 25);
			assert_string_equal(header(&reply, "Retry-After"), "150");
		}
		/* Nothing was written, and reading goes on. */
		assert_int_equal(ask_times(tenant, 1), 1);
		clock_ms += 150000;
		{
			CLEANUP(reply_release)
			struct reply reply = call(tenant, "PATCH", "/v1.0/users/" NOBODY,
				"{\"department\":\"Sales\"}");

			assert_int_equal(reply.status, 404);
		}
	}
}

static void a_write_that_is_throttled_is_not_made(void **state UNUSED)
{
	int64_t clock_ms;
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_on(&clock_ms,
		(struct simulator_options){
			.quota = SIMULATOR_QUOTA_BUCKET, .writes_per_150s = 1 });
	char id[GUID_TEXT_BYTES], path[512];

	make_user(tenant, "ada", id);
	for (unsigned i = 0; i < 2; i++) {
		CLEANUP(reply_release)
		struct reply reply = call(tenant, "PATCH", at(path, "/v1.0/users/{}", id),
			i == 0 ? "{\"department\":\"First\"}" : "{\"department\":\"Second\"}");

		assert_int_equal(reply.status, i == 0 ? 204 : 429);
	}
	assert_stored(tenant, id, "department", "\"First\"");
}

static void the_audit_log_is_read_5_times_in_10_seconds(void **state UNUSED)
{
	for (size_t m = 0; m < COUNT_OF(models); m++) {
		int64_t clock_ms;
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_on(
			&clock_ms, (struct simulator_options){ .quota = models[m] });

		for (unsigned i = 0; i < 6; i++)
			assert_int_equal(ask(tenant, "/v1.0/auditLogs/directoryAudits?$top=1"),
				i < 5 ? 200 : 429);
		assert_int_equal(ask_times(tenant, 1), 1);
		clock_ms += 10000;
		assert_int_equal(ask(tenant, "/v1.0/auditLogs/directoryAudits?$top=1"), 200);
	}
}

static void the_limit_follows_the_size_of_the_tenant(void **state UNUSED)
{
	static const struct {
		unsigned users, limit;
	} sizes[] = { { 49, 3500 }, { 50, 5000 }, { 500, 5000 }, { 501, 8000 } };
	int64_t clock_ms;
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_on(
		&clock_ms, (struct simulator_options){ .quota = SIMULATOR_QUOTA_WINDOW });
	unsigned users = 0;

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		for (; users < sizes[i].users; users++) {
			char name[32], id[GUID_TEXT_BYTES];

			snprintf(name, sizeof(name), "user%u", users);
			make_user(tenant, name, id);
		}
		clock_ms += 20000;
		assert_int_equal(ask_times(tenant, sizes[i].limit + 1), sizes[i].limit);
	}
}

static void without_the_switch_nothing_is_too_much(void **state)
{
	assert_int_equal(ask_times(*state, 4000), 4000);
	{
		CLEANUP(reply_release) struct reply reply = get(*state, "/v1.0/contacts");

		assert_false(has_header(&reply, "x-ms-throttle-limit-percentage"));
	}
}

/* ---- Retry-After ----------------------------------------------------------------------------- */

static void retry_after_has_every_form_that_is_seen(void **state UNUSED)
{
	static const struct {
		enum simulator_retry_after form;
		const char *line; /* NULL: none */
	} cases[] = {
		{ SIMULATOR_RETRY_INTEGER, "\r\nRetry-After: 8\r\n" },
		{ SIMULATOR_RETRY_DECIMAL, "\r\nRetry-After: 7.872\r\n" },
		/* by the virtual clock, which stands at 02:17:41.551 */
		{ SIMULATOR_RETRY_DATE, "\r\nRetry-After: Wed, 04 Mar 2026 02:17:50 GMT\r\n" },
		{ SIMULATOR_RETRY_EMPTY, "\r\nRetry-After: \r\n" },
		{ SIMULATOR_RETRY_ABSENT, NULL },
		{ SIMULATOR_RETRY_NEGATIVE, "\r\nRetry-After: -120\r\n" },
		{ SIMULATOR_RETRY_ABSURD, "\r\nRetry-After: 315360000\r\n" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t clock_ms;
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_on(&clock_ms,
			(struct simulator_options){ .quota = SIMULATOR_QUOTA_WINDOW,
				.units_per_10s = 1,
				.retry_after = cases[i].form });

		clock_ms += 2128;
		assert_int_equal(ask_times(tenant, 1), 1);
		{
			CLEANUP(reply_release) struct reply reply = get(tenant, "/v1.0/contacts");

			assert_int_equal(reply.status, 429);
			assert_int_equal(has_header(&reply, "Retry-After"), cases[i].line != NULL);
			assert_non_null(strstr(
				buf_text(&reply.headers), cases[i].line ? cases[i].line : "\r\n"));
		}
	}
}

static void the_names_stand_at_the_places_of_the_enumerators(void **state UNUSED)
{
	assert_string_equal(simulator_quota_names[SIMULATOR_QUOTA_BUCKET], "bucket");
	assert_null(simulator_quota_names[SIMULATOR_QUOTA_BUCKET + 1]);
	assert_string_equal(simulator_retry_after_names[SIMULATOR_RETRY_ABSURD], "absurd");
	assert_null(simulator_retry_after_names[SIMULATOR_RETRY_ABSURD + 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(every_answer_says_what_it_cost),
		FRESH(who_is_not_signed_in_is_not_charged),
		cmocka_unit_test(usage_counts_requests_units_writes_and_refusals),
		cmocka_unit_test(each_item_of_a_batch_counts_and_the_batch_does_not),
		cmocka_unit_test(a_window_gives_its_limit_and_the_next_one_gives_it_again),
		cmocka_unit_test(a_windows_wait_is_until_its_end),
		cmocka_unit_test(a_bucket_fills_steadily_up_to_one_windows_worth),
		cmocka_unit_test(a_bucket_says_when_there_is_room),
		cmocka_unit_test(who_asks_again_at_once_waits_the_longer),
		cmocka_unit_test(the_percentage_is_told_from_80_percent_on),
		cmocka_unit_test(a_429_names_what_ran_out),
		cmocka_unit_test(writes_have_a_limit_of_their_own),
		cmocka_unit_test(a_write_that_is_throttled_is_not_made),
		cmocka_unit_test(the_audit_log_is_read_5_times_in_10_seconds),
		cmocka_unit_test(the_limit_follows_the_size_of_the_tenant),
		FRESH(without_the_switch_nothing_is_too_much),
		cmocka_unit_test(retry_after_has_every_form_that_is_seen),
		cmocka_unit_test(the_names_stand_at_the_places_of_the_enumerators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
