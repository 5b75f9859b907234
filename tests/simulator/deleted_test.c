/* Deleting, deleted items, restoring: contract 2.10, 5.4, 5.7. */
#include "tests/simulator/tenant_fixture.h"

static void assert_status(struct reply reply, int status)
{
	if (reply.status != status)
		fail_msg("%d instead of %d: %s", reply.status, status,
			reply.body ? error_message(&reply) : "");
	reply_release(&reply);
}

static struct reply remove_object(struct tenant *tenant, const char *format, const char *id)
{
	char path[512];

	return call(tenant, "DELETE", at(path, format, id), NULL);
}

static struct reply restore(struct tenant *tenant, const char *id, const char *body)
{
	char path[512];

	return call(tenant, "POST", at(path, "/v1.0/directory/deletedItems/{}/restore", id), body);
}

static void delete_as_admin(struct tenant *tenant, const char *id)
{
	struct actor admin = an_admin();
	struct error err = { 0 };

	if (!tenant_delete(tenant->simulator, &admin, id, &err))
		fail_msg("%s", err.text);
}

static void a_deleted_user_lies_in_deleted_items(void **state)
{
	char id[GUID_TEXT_BYTES], path[512];

	make_user(*state, "ada", id);
	assert_status(remove_object(*state, "/v1.0/users/{}", id), 204);
	assert_status(get(*state, at(path, "/v1.0/users/{}", id)), 404);
	assert_status(remove_object(*state, "/v1.0/users/{}", id), 404);
	{
		CLEANUP(reply_release)
		struct reply list = get(*state,
			"/v1.0/directory/deletedItems/microsoft.graph.user?$select=id,deletedDateTime");
		CLEANUP(reply_release)
		struct reply one = get(*state, at(path, "/v1.0/directory/deletedItems/{}", id));
		const json_t *item = json_array_get(json_object_get(list.body, "value"), 0);

		assert_int_equal(value_count(&list), 1);
		assert_string_equal(json_text_or_null(item, "id"), id);
		assert_string_equal(
			json_text_or_null(item, "deletedDateTime"), "2026-03-04T02:17:41Z");
		assert_int_equal(one.status, 200);
	}
}

static void the_cast_is_compulsory(void **state)
{
	static const char *const paths[] = { "/v1.0/directory/deletedItems",
		"/v1.0/directory/deletedItems/microsoft.graph.orgContact",
		"/v1.0/directory/deletedItems/microsoft.graph.thing" };

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		CLEANUP(reply_release) struct reply reply = get(*state, paths[i]);

		assert_refused(reply, 400, "Request_BadRequest");
	}
}

static void groups_are_recoverable_by_kind(void **state)
{
	static const struct {
		const char *properties;
		bool recoverable;
	} kinds[] = {
		{ "{\"displayName\":\"S\",\"securityEnabled\":true}", true },
		{ "{\"displayName\":\"U\",\"mailEnabled\":true,\"groupTypes\":[\"Unified\"]}",
			true },
		{ "{\"displayName\":\"L\",\"mailEnabled\":true}", false },
		{ "{\"displayName\":\"M\",\"mailEnabled\":true,\"securityEnabled\":true}", false },
		{ "{\"displayName\":\"P\",\"securityEnabled\":true,\"onPremisesSyncEnabled\":true}",
			false },
	};
	struct tenant *tenant = *state;
	char id[GUID_TEXT_BYTES], path[512];

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		make(tenant, OBJECT_GROUP, kinds[i].properties, id);
		delete_as_admin(tenant, id);
		assert_status(get(tenant, at(path, "/v1.0/directory/deletedItems/{}", id)),
			kinds[i].recoverable ? 200 : 404);
	}
}

static void a_contact_goes_at_once_and_not_through_graph(void **state)
{
	char id[GUID_TEXT_BYTES], path[512];

	make(*state, OBJECT_CONTACT, "{\"displayName\":\"Supplier\"}", id);
	{
		CLEANUP(reply_release)
		struct reply reply = remove_object(*state, "/v1.0/contacts/{}", id);

		assert_refused(reply, 400, "Request_BadRequest");
		assert_non_null(strstr(error_message(&reply),
			"Data contract version does not allow 'Delete' operations"));
	}
	delete_as_admin(*state, id);
	assert_status(get(*state, at(path, "/v1.0/contacts/{}", id)), 404);
	assert_status(get(*state, at(path, "/v1.0/directory/deletedItems/{}", id)), 404);
}

static void objects_mastered_elsewhere_are_not_deleted(void **state)
{
	char user[GUID_TEXT_BYTES], list[GUID_TEXT_BYTES];

	make_synced_user(*state, "ada", user);
	make(*state, OBJECT_GROUP, "{\"displayName\":\"L\",\"mailEnabled\":true}", list);
	assert_status(remove_object(*state, "/v1.0/users/{}", user), 400);
	assert_status(remove_object(*state, "/v1.0/groups/{}", list), 400);
}

static void purging_is_not_for_applications(void **state)
{
	char id[GUID_TEXT_BYTES];

	make_user(*state, "ada", id);
	delete_as_admin(*state, id);
	{
		CLEANUP(reply_release)
		struct reply reply = remove_object(*state, "/v1.0/directory/deletedItems/{}", id);

		assert_refused(reply, 403, "Authorization_RequestDenied");
	}
}

static void a_restored_user_is_back_with_its_memberships(void **state)
{
	char group[GUID_TEXT_BYTES], user[GUID_TEXT_BYTES], path[512];

	make_security_group(*state, "crew", group);
	make_user(*state, "ada", user);
	link_as_admin(*state, group, RELATION_MEMBERS, user);
	delete_as_admin(*state, user);
	{
		CLEANUP(reply_release)
		struct reply meanwhile = get(*state, at(path, "/v1.0/groups/{}/members", group));
		CLEANUP(reply_release) struct reply restored = restore(*state, user, NULL);
		CLEANUP(reply_release)
		struct reply members = get(*state, at(path, "/v1.0/groups/{}/members", group));

		assert_int_equal(value_count(&meanwhile), 0);
		assert_int_equal(restored.status, 200);
		assert_string_equal(json_text_or_null(restored.body, "id"), user);
		assert_int_equal(value_count(&members), 1);
	}
	assert_stored(*state, user, "deletedDateTime", "null");
	assert_status(restore(*state, user, NULL), 404);
}

static void only_the_container_restores(void **state)
{
	char id[GUID_TEXT_BYTES], path[512];

	make_user(*state, "ada", id);
	assert_status(restore(*state, id, NULL), 404);
	delete_as_admin(*state, id);
	assert_status(call(*state, "POST", at(path, "/v1.0/users/{}/restore", id), NULL), 404);
}

static void an_address_taken_meanwhile_stops_the_restore(void **state)
{
	char ada[GUID_TEXT_BYTES], thief[GUID_TEXT_BYTES];

	make_user(*state, "ada", ada);
	set_as_admin(*state, ada, "proxyAddresses",
		"[\"SMTP:ada@contoso.com\",\"smtp:sales@contoso.com\"]");
	delete_as_admin(*state, ada);
	make(*state, OBJECT_GROUP,
		"{\"displayName\":\"T\",\"mailEnabled\":true,\"proxyAddresses\":[\"SMTP:SALES@contoso.com\"]}",
		thief);
	{
		CLEANUP(reply_release) struct reply conflict = restore(*state, ada, NULL);
		const json_t *details = json_object_get(
			json_object_get(conflict.body, "error"), "details");
		char target[64];

		snprintf(target, sizeof(target), "Group_%s", thief);
		assert_refused(conflict, 400, "Request_BadRequest");
		assert_string_equal(
			json_text_or_null(json_array_get(details, 1), "target"), target);
	}
	assert_status(restore(*state, ada, "{\"autoReconcileProxyConflict\":true}"), 200);
	assert_stored(*state, ada, "proxyAddresses", "[\"SMTP:ada@contoso.com\"]");
}

static void a_taken_name_needs_a_new_one(void **state)
{
	char ada[GUID_TEXT_BYTES], thief[GUID_TEXT_BYTES];

	make(*state, OBJECT_USER, "{\"userPrincipalName\":\"ada@contoso.com\"}", ada);
	delete_as_admin(*state, ada);
	make(*state, OBJECT_USER, "{\"userPrincipalName\":\"ada@contoso.com\"}", thief);
	assert_status(restore(*state, ada, NULL), 400);
	assert_status(restore(*state, ada, "{\"newUserPrincipalName\":\"ada2@contoso.com\"}"), 200);
	assert_stored(*state, ada, "userPrincipalName", "\"ada2@contoso.com\"");
}

static void the_options_of_a_restore_are_for_users(void **state)
{
	char group[GUID_TEXT_BYTES], user[GUID_TEXT_BYTES];

	make_security_group(*state, "crew", group);
	make_user(*state, "ada", user);
	delete_as_admin(*state, group);
	delete_as_admin(*state, user);
	assert_status(restore(*state, group, "{\"autoReconcileProxyConflict\":true}"), 400);
	assert_status(restore(*state, user, "{\"autoReconcileProxyConflict\":\"yes\"}"), 400);
	assert_status(restore(*state, user, "{\"nonsense\":true}"), 400);
	assert_status(restore(*state, group, "{}"), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_deleted_user_lies_in_deleted_items),
		FRESH(the_cast_is_compulsory),
		FRESH(groups_are_recoverable_by_kind),
		FRESH(a_contact_goes_at_once_and_not_through_graph),
		FRESH(objects_mastered_elsewhere_are_not_deleted),
		FRESH(purging_is_not_for_applications),
		FRESH(a_restored_user_is_back_with_its_memberships),
		FRESH(only_the_container_restores),
		FRESH(an_address_taken_meanwhile_stops_the_restore),
		FRESH(a_taken_name_needs_a_new_one),
		FRESH(the_options_of_a_restore_are_for_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
