/* getByIds and getAvailableExtensionProperties: contract 2.1 and 3. */
#include "tests/simulator/tenant_fixture.h"

#define BY_IDS     "/v1.0/directoryObjects/getByIds"
#define EXTENSIONS "/v1.0/directoryObjects/getAvailableExtensionProperties"

static struct reply by_ids(struct tenant *tenant, const char *path, const char *first,
	const char *second, const char *types)
{
	char body[512];

	snprintf(
		body, sizeof(body), "{\"ids\":[\"%s\",\"%s\"],\"types\":%s}", first, second, types);
	return call(tenant, "POST", path, body);
}

static const json_t *of_type(const struct reply *reply, const char *type)
{
	const json_t *value = json_object_get(reply->body, "value");

	for (size_t i = 0; i < json_array_size(value); i++)
		if (strcmp(json_text_or_null(json_array_get(value, i), "@odata.type"), type) == 0)
			return json_array_get(value, i);
	return NULL;
}

static void objects_of_all_kinds_come_with_their_types(void **state)
{
	char ada[GUID_TEXT_BYTES], crew[GUID_TEXT_BYTES];

	make_user(*state, "ada", ada);
	make_security_group(*state, "crew", crew);
	{
		CLEANUP(reply_release)
		struct reply reply = by_ids(*state, BY_IDS, ada, crew, "[\"user\",\"group\"]");
		const json_t *user = of_type(&reply, "#microsoft.graph.user");

		assert_int_equal(reply.status, 200);
		assert_int_equal(value_count(&reply), 2);
		assert_string_equal(json_text_or_null(user, "id"), ada);
		/* The short default set: eleven, and the type. */
		assert_int_equal(json_object_size(user), 12);
		assert_non_null(of_type(&reply, "#microsoft.graph.group"));
	}
	{
		CLEANUP(reply_release)
		struct reply reply = by_ids(*state, BY_IDS "?$select=id,proxyAddresses", ada, crew,
			"[\"directoryObject\"]");
		const json_t *user = of_type(&reply, "#microsoft.graph.user");

		assert_int_equal(json_array_size(json_object_get(user, "proxyAddresses")), 1);
		assert_null(json_object_get(user, "displayName"));
	}
}

static void what_is_not_there_or_of_another_type_is_left_out(void **state)
{
	char ada[GUID_TEXT_BYTES], gone[GUID_TEXT_BYTES];
	struct tenant *tenant = *state;
	struct error err = { 0 };

	make_user(tenant, "ada", ada);
	make_user(tenant, "gone", gone);
	assert_true(simulator_hand_delete(tenant->simulator, gone, &err));
	{
		CLEANUP(reply_release)
		struct reply reply = by_ids(tenant, BY_IDS, gone, NOBODY, "[\"user\"]");

		assert_int_equal(reply.status, 200);
		assert_int_equal(value_count(&reply), 0);
	}
	{
		CLEANUP(reply_release)
		struct reply reply = by_ids(tenant, BY_IDS, ada, ada, "[\"group\"]");

		assert_int_equal(value_count(&reply), 0);
	}
	{
		CLEANUP(reply_release)
		struct reply reply = by_ids(tenant, BY_IDS, ada, ada, "[]");

		assert_int_equal(value_count(&reply), 1);
	}
}

static void a_malformed_look_up_is_400(void **state)
{
	static const char *const bodies[] = { "{}", "{\"ids\":[]}", "{\"ids\":[\"5\"]}",
		"{\"ids\":\"" NOBODY "\"}", "{\"ids\":[\"" NOBODY "\"],\"types\":[\"person\"]}",
		"{\"ids\":[\"" NOBODY "\"],\"types\":\"user\"}" };

	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		CLEANUP(reply_release) struct reply reply = call(*state, "POST", BY_IDS, bodies[i]);

		if (reply.status != 400)
			fail_msg("%s: %d", bodies[i], reply.status);
	}
}

static void a_thousand_ids_are_the_most(void **state)
{
	CLEANUP(buf_release) struct buf body = BUF_UP_TO(64 << 10);

	buf_add_text(&body, "{\"ids\":[\"" NOBODY "\"");
	for (size_t i = 1; i < 1001; i++)
		buf_add_text(&body, ",\"" NOBODY "\"");
	buf_add_text(&body, "]}");
	{
		CLEANUP(reply_release)
		struct reply reply = call(*state, "POST", BY_IDS, buf_text(&body));

		assert_refused(reply, 400, "Request_BadRequest");
	}
}

static void of_a_kind_that_may_not_be_read_only_type_and_id_are_told(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){
		.deny = "User.Read.All User.ReadWrite.All Directory.Read.All" });
	char ada[GUID_TEXT_BYTES], crew[GUID_TEXT_BYTES], path[512];

	make_user(tenant, "ada", ada);
	make_security_group(tenant, "crew", crew);
	link_as_admin(tenant, crew, RELATION_MEMBERS, ada);
	{
		CLEANUP(reply_release)
		struct reply found = by_ids(tenant, BY_IDS, ada, crew, "[]");
		CLEANUP(reply_release)
		struct reply members = get(
			tenant, at(path, "/v1.0/groups/{}/members?$select=id,displayName", crew));
		const json_t *user = of_type(&found, "#microsoft.graph.user");
		const json_t *member = of_type(&members, "#microsoft.graph.user");

		assert_string_equal(json_text_or_null(user, "id"), ada);
		assert_true(json_is_null(json_object_get(user, "displayName")));
		assert_string_equal(json_text_or_null(member, "id"), ada);
		assert_true(json_is_null(json_object_get(member, "displayName")));
		assert_string_equal(
			json_text_or_null(of_type(&found, "#microsoft.graph.group"), "displayName"),
			"crew");
	}
}

static void synced_extensions_are_discovered(void **state)
{
	struct tenant *tenant = *state;
	struct error err = { 0 };

	assert_true(tenant_register_extension(
		tenant->simulator, "extension_00112233445566778899aabbccddeeff_badge", &err));
	{
		CLEANUP(reply_release)
		struct reply reply = call(
			tenant, "POST", EXTENSIONS, "{\"isSyncedFromOnPremises\":true}");
		const json_t *found = json_array_get(json_object_get(reply.body, "value"), 0);

		assert_int_equal(reply.status, 200);
		assert_int_equal(value_count(&reply), 1);
		assert_string_equal(json_text_or_null(found, "name"),
			"extension_00112233445566778899aabbccddeeff_badge");
		assert_string_equal(json_text_or_null(found, "dataType"), "String");
		assert_true(json_is_true(json_object_get(found, "isSyncedFromOnPremises")));
	}
	{
		CLEANUP(reply_release)
		struct reply reply = call(
			tenant, "POST", EXTENSIONS, "{\"isSyncedFromOnPremises\":false}");

		assert_int_equal(value_count(&reply), 0);
	}
}

static bool count_writes(void *context, const struct request_row *row, struct error *err UNUSED)
{
	*(unsigned *)context += row->is_write;
	return true;
}

static void a_look_up_is_no_write_whatever_its_method(void **state)
{
	struct tenant *tenant = *state;
	struct error err = { 0 };
	unsigned writes = 0;
	CLEANUP(reply_release) struct reply found = by_ids(tenant, BY_IDS, NOBODY, NOBODY, "[]");
	CLEANUP(reply_release) struct reply known = call(tenant, "POST", EXTENSIONS, "{}");

	assert_int_equal(found.status, 200);
	assert_int_equal(known.status, 200);
	assert_true(requests_each(tenant->simulator, 0, count_writes, &writes, &err));
	assert_int_equal(writes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(objects_of_all_kinds_come_with_their_types),
		FRESH(what_is_not_there_or_of_another_type_is_left_out),
		FRESH(a_malformed_look_up_is_400),
		FRESH(a_thousand_ids_are_the_most),
		cmocka_unit_test(of_a_kind_that_may_not_be_read_only_type_and_id_are_told),
		FRESH(synced_extensions_are_discovered),
		FRESH(a_look_up_is_no_write_whatever_its_method),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
