/* $batch: contract 6. */
#include "tests/simulator/tenant_fixture.h"

static struct reply batch(struct tenant *tenant, const char *requests)
{
	char body[16384];

	snprintf(body, sizeof(body), "{\"requests\":[%s]}", requests);
	return call(tenant, "POST", "/v1.0/$batch", body);
}

static const json_t *response_of(const struct reply *reply, const char *id)
{
	const json_t *responses = json_object_get(reply->body, "responses");

	for (size_t i = 0; i < json_array_size(responses); i++)
		if (strcmp(json_text_or_null(json_array_get(responses, i), "id"), id) == 0)
			return json_array_get(responses, i);
	fail_msg("no answer for item %s", id);
	return NULL;
}

static int status_of(const struct reply *reply, const char *id)
{
	return (int)json_integer_value(json_object_get(response_of(reply, id), "status"));
}

static void each_item_has_its_own_outcome(void **state)
{
	char id[GUID_TEXT_BYTES], text[2048];

	make_user(*state, "ada", id);
	snprintf(text, sizeof(text),
		"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users/%s?$select=id\"},"
		"{\"id\":\"2\",\"method\":\"GET\",\"url\":\"/users/" NOBODY "\"},"
		"{\"id\":\"3\",\"method\":\"PATCH\",\"url\":\"/users/%s\",\"headers\":{\"content-type\":\"application/json\"},"
		"\"body\":{\"department\":\"Sales\"}},"
		"{\"id\":\"4\",\"method\":\"GET\",\"url\":\"/nonsense\"}",
		id, id);
	{
		CLEANUP(reply_release) struct reply reply = batch(*state, text);
		const json_t *body = json_object_get(response_of(&reply, "1"), "body");

		assert_int_equal(reply.status, 200);
		assert_int_equal(json_array_size(json_object_get(reply.body, "responses")), 4);
		assert_int_equal(status_of(&reply, "1"), 200);
		assert_string_equal(json_text_or_null(body, "id"), id);
		assert_int_equal(status_of(&reply, "2"), 404);
		assert_int_equal(status_of(&reply, "3"), 204);
		assert_null(json_object_get(response_of(&reply, "3"), "body"));
		assert_int_equal(status_of(&reply, "4"), 400);
	}
	assert_stored(*state, id, "department", "\"Sales\"");
}

static void a_json_body_needs_its_own_content_type(void **state)
{
	char id[GUID_TEXT_BYTES], text[1024];

	make_user(*state, "ada", id);
	snprintf(text, sizeof(text),
		"{\"id\":\"1\",\"method\":\"PATCH\",\"url\":\"/users/%s\",\"body\":{\"department\":\"Sales\"}}",
		id);
	{
		CLEANUP(reply_release) struct reply reply = batch(*state, text);

		assert_int_equal(status_of(&reply, "1"), 400);
	}
	assert_stored(*state, id, "department", "null");
}

static void twenty_items_are_the_most(void **state)
{
	char text[4096] = "";

	for (unsigned i = 0; i < 21; i++) {
		char item[128];

		snprintf(item, sizeof(item),
			"%s{\"id\":\"%u\",\"method\":\"GET\",\"url\":\"/users?$top=1\"}",
			i ? "," : "", i);
		strcat(text, item);
		if (i == 19) {
			CLEANUP(reply_release) struct reply reply = batch(*state, text);

			assert_int_equal(reply.status, 200);
		}
	}
	{
		CLEANUP(reply_release) struct reply reply = batch(*state, text);

		assert_refused(reply, 400, "BadRequest");
	}
}

static void a_malformed_envelope_is_refused_as_a_whole(void **state)
{
	static const char *const wrong[] = { "", "{\"method\":\"GET\",\"url\":\"/users\"}",
		"{\"id\":\"1\",\"url\":\"/users\"}", "{\"id\":\"1\",\"method\":\"GET\"}",
		"{\"id\":1,\"method\":\"GET\",\"url\":\"/users\"}",
		"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"" TEST_GRAPH "/v1.0/users\"}",
		"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/v1.0/users\"}",
		"{\"id\":\"1\",\"method\":\"POST\",\"url\":\"/$batch\"}",
		"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users\"},{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/groups\"}",
		"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users\",\"dependsOn\":[\"2\"]}" };

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		CLEANUP(reply_release) struct reply reply = batch(*state, wrong[i]);

		assert_refused(reply, 400, "BadRequest");
	}
}

static void who_depends_on_a_failure_gets_424(void **state)
{
	CLEANUP(reply_release)
	struct reply reply = batch(*state,
		"{\"id\":\"a\",\"method\":\"GET\",\"url\":\"/users/" NOBODY "\"},"
		"{\"id\":\"b\",\"method\":\"GET\",\"url\":\"/users\",\"dependsOn\":[\"a\"]},"
		"{\"id\":\"c\",\"method\":\"GET\",\"url\":\"/users\",\"dependsOn\":[\"b\"]},"
		"{\"id\":\"d\",\"method\":\"GET\",\"url\":\"/users\"}");

	assert_int_equal(status_of(&reply, "a"), 404);
	assert_int_equal(status_of(&reply, "b"), 424);
	assert_int_equal(status_of(&reply, "c"), 424);
	assert_int_equal(status_of(&reply, "d"), 200);
}

static void answers_come_in_any_order(void **state)
{
	char text[4096] = "";
	bool shuffled = false;

	for (unsigned i = 0; i < 20; i++) {
		char item[128];

		snprintf(item, sizeof(item),
			"%s{\"id\":\"%u\",\"method\":\"GET\",\"url\":\"/organization\"}",
			i ? "," : "", i);
		strcat(text, item);
	}
	{
		CLEANUP(reply_release) struct reply reply = batch(*state, text);
		const json_t *responses = json_object_get(reply.body, "responses");

		for (size_t i = 0; i < json_array_size(responses); i++) {
			char id[32];

			snprintf(id, sizeof(id), "%zu", i);
			if (strcmp(json_text_or_null(json_array_get(responses, i), "id"), id) != 0)
				shuffled = true;
		}
	}
	assert_true(shuffled);
}

static void an_item_can_be_throttled_alone(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .throttle_items = 2 });
	CLEANUP(reply_release)
	struct reply reply = batch(tenant,
		"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users\"},"
		"{\"id\":\"2\",\"method\":\"GET\",\"url\":\"/users\"},"
		"{\"id\":\"3\",\"method\":\"GET\",\"url\":\"/users\"}");
	const json_t *headers = json_object_get(response_of(&reply, "2"), "headers");

	assert_int_equal(reply.status, 200);
	assert_int_equal(status_of(&reply, "1"), 200);
	assert_int_equal(status_of(&reply, "2"), 429);
	assert_non_null(json_text_or_null(headers, "Retry-After"));
	assert_int_equal(status_of(&reply, "3"), 200);
}

static void the_link_of_an_item_is_followed_outside(void **state)
{
	char id[GUID_TEXT_BYTES], path[4096];

	make_user(*state, "ada", id);
	make_user(*state, "bob", id);
	{
		CLEANUP(reply_release)
		struct reply reply = batch(*state,
			"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users?$select=id&$top=1\"}");
		const json_t *body = json_object_get(response_of(&reply, "1"), "body");
		const char *link = json_text_or_null(body, "@odata.nextLink");

		assert_non_null(link);
		snprintf(path, sizeof(path), "%s", link + strlen(TEST_GRAPH));
	}
	{
		CLEANUP(reply_release) struct reply rest = get(*state, path);

		assert_int_equal(rest.status, 200);
		assert_int_equal(value_count(&rest), 1);
	}
}

static void consistency_level_is_said_per_item(void **state)
{
	CLEANUP(reply_release)
	struct reply reply = batch(*state,
		"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users/$count\"},"
		"{\"id\":\"2\",\"method\":\"GET\",\"url\":\"/users/$count\",\"headers\":{\"ConsistencyLevel\":\"eventual\"}}");

	assert_int_equal(status_of(&reply, "1"), 400);
	assert_int_equal(status_of(&reply, "2"), 200);
}

struct seen {
	unsigned items, writes, envelopes;
};

static bool count_request(void *context, const struct request_row *row, struct error *err UNUSED)
{
	struct seen *seen = context;

	seen->items += row->is_batch_item;
	seen->writes += row->is_write;
	seen->envelopes += strcmp(row->path, "/v1.0/$batch") == 0;
	return true;
}

static void every_item_is_recorded(void **state)
{
	struct tenant *tenant = *state;
	struct error err = { 0 };
	struct seen seen = { 0 };
	CLEANUP(reply_release)
	struct reply reply = batch(tenant,
		"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users\"},"
		"{\"id\":\"2\",\"method\":\"DELETE\",\"url\":\"/users/" NOBODY "\"}");

	assert_int_equal(reply.status, 200);
	assert_true(requests_each(tenant->simulator, 0, count_request, &seen, &err));
	assert_int_equal(seen.items, 2);
	assert_int_equal(seen.writes, 1);
	assert_int_equal(seen.envelopes, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(each_item_has_its_own_outcome),
		FRESH(a_json_body_needs_its_own_content_type),
		FRESH(twenty_items_are_the_most),
		FRESH(a_malformed_envelope_is_refused_as_a_whole),
		FRESH(who_depends_on_a_failure_gets_424),
		FRESH(answers_come_in_any_order),
		cmocka_unit_test(an_item_can_be_throttled_alone),
		FRESH(the_link_of_an_item_is_followed_outside),
		FRESH(consistency_level_is_said_per_item),
		FRESH(every_item_is_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
