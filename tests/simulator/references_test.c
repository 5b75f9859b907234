/* $ref calls: contract 5.5. */
#include "tests/simulator/tenant_fixture.h"

static struct reply send_reference(struct tenant *tenant, const char *method, const char *format,
	const char *id, const char *target)
{
	char path[512], body[256];

	snprintf(body, sizeof(body), "{\"@odata.id\":\"" TEST_GRAPH "/v1.0/directoryObjects/%s\"}",
		target);
	return call(tenant, method, at(path, format, id), body);
}

static struct reply drop_reference(
	struct tenant *tenant, const char *format, const char *id, const char *target)
{
	char path[512], whole[512];

	snprintf(path, sizeof(path), "%s", at(whole, format, id));
	return call(tenant, "DELETE", at(whole, path, target), NULL);
}

static void assert_status(struct reply reply, int status)
{
	if (reply.status != status)
		fail_msg("%d instead of %d: %s", reply.status, status,
			reply.body ? error_message(&reply) : "");
	reply_release(&reply);
}

static bool has(struct tenant *tenant, const char *id, enum relation relation, const char *target)
{
	return tenant_has_reference(tenant->simulator, id, relation, target);
}

static void a_member_is_added_and_removed(void **state)
{
	char group[GUID_TEXT_BYTES], user[GUID_TEXT_BYTES];

	make_security_group(*state, "crew", group);
	make_user(*state, "ada", user);
	assert_status(
		send_reference(*state, "POST", "/v1.0/groups/{}/members/$ref", group, user), 204);
	assert_true(has(*state, group, RELATION_MEMBERS, user));
	assert_status(drop_reference(*state, "/v1.0/groups/{}/members/{}/$ref", group, user), 204);
	assert_false(has(*state, group, RELATION_MEMBERS, user));
}

static void adding_twice_is_400_and_removing_twice_404(void **state)
{
	char group[GUID_TEXT_BYTES], user[GUID_TEXT_BYTES];

	make_security_group(*state, "crew", group);
	make_user(*state, "ada", user);
	link_as_admin(*state, group, RELATION_MEMBERS, user);
	{
		CLEANUP(reply_release)
		struct reply again = send_reference(
			*state, "POST", "/v1.0/groups/{}/members/$ref", group, user);

		assert_refused(again, 400, "Request_BadRequest");
		assert_non_null(strstr(error_message(&again),
			"One or more added object references already exist"));
	}
	assert_status(drop_reference(*state, "/v1.0/groups/{}/members/{}/$ref", group, user), 204);
	assert_status(drop_reference(*state, "/v1.0/groups/{}/members/{}/$ref", group, user), 404);
}

static void a_missing_group_or_member_is_404(void **state)
{
	char group[GUID_TEXT_BYTES];

	make_security_group(*state, "crew", group);
	assert_status(
		send_reference(*state, "POST", "/v1.0/groups/{}/members/$ref", group, NOBODY), 404);
	assert_status(
		send_reference(*state, "POST", "/v1.0/groups/{}/members/$ref", NOBODY, group), 404);
}

static void a_body_without_a_proper_reference_is_400(void **state)
{
	static const char *const bodies[] = { "{}", "{\"@odata.id\":1}", "{\"@odata.id\":\"\"}",
		"{\"@odata.id\":\"" NOBODY "\"}",
		"{\"@odata.id\":\"http://x/v1.0/devices/" NOBODY "\"}",
		"{\"@odata.id\":\"http://x/v1.0/directoryObjects/" NOBODY "/x\"}" };
	char group[GUID_TEXT_BYTES], path[512];

	make_security_group(*state, "crew", group);
	for (size_t i = 0; i < COUNT_OF(bodies); i++)
		assert_status(call(*state, "POST", at(path, "/v1.0/groups/{}/members/$ref", group),
				      bodies[i]),
			400);
}

static void members_of_groups_mastered_elsewhere_are_refused(void **state)
{
	static const struct {
		const char *property, *value, *words;
	} cases[] = {
		{ "onPremisesSyncEnabled", "true", "on-premises mastered Directory Sync objects" },
		{ "mailEnabled", "true", "Cannot Update a mail-enabled security groups" },
		{ "groupTypes", "[\"DynamicMembership\"]", "dynamic" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char group[GUID_TEXT_BYTES], member[GUID_TEXT_BYTES], user[GUID_TEXT_BYTES],
			name[16];

		make_security_group(*state, "crew", group);
		snprintf(name, sizeof(name), "ada%zu", i);
		make_user(*state, name, user);
		snprintf(name, sizeof(name), "bob%zu", i);
		make_user(*state, name, member);
		link_as_admin(*state, group, RELATION_MEMBERS, member);
		set_as_admin(*state, group, cases[i].property, cases[i].value);
		{
			CLEANUP(reply_release)
			struct reply add = send_reference(
				*state, "POST", "/v1.0/groups/{}/members/$ref", group, user);
			CLEANUP(reply_release)
			struct reply drop = drop_reference(
				*state, "/v1.0/groups/{}/members/{}/$ref", group, member);

			assert_refused(add, 400, "Request_BadRequest");
			assert_non_null(strstr(error_message(&add), cases[i].words));
			assert_refused(drop, 400, "Request_BadRequest");
			assert_true(has(*state, group, RELATION_MEMBERS, member));
		}
	}
}

static void without_ref_the_member_itself_is_deleted(void **state)
{
	struct tenant *tenant = *state;
	char group[GUID_TEXT_BYTES], user[GUID_TEXT_BYTES];
	enum object_state where;

	make_security_group(tenant, "crew", group);
	make_user(tenant, "ada", user);
	link_as_admin(tenant, group, RELATION_MEMBERS, user);
	assert_status(drop_reference(tenant, "/v1.0/groups/{}/members/{}", group, user), 204);
	{
		CLEANUP(json_freep)
		json_t *gone = tenant_get(tenant->simulator, user, NULL, &where);

		assert_non_null(gone);
		assert_int_equal(where, OBJECT_DELETED);
	}
}

static void many_members_are_added_at_once_or_not_at_all(void **state)
{
	char group[GUID_TEXT_BYTES], users[3][GUID_TEXT_BYTES], path[512], body[512];

	make_security_group(*state, "crew", group);
	make_user(*state, "ada", users[0]);
	make_user(*state, "bob", users[1]);
	snprintf(body, sizeof(body),
		"{\"members@odata.bind\":[\"" TEST_GRAPH "/v1.0/users/%s\",\"" TEST_GRAPH
		"/v1.0/users/%s\"]}",
		users[0], NOBODY);
	assert_status(call(*state, "PATCH", at(path, "/v1.0/groups/{}", group), body), 404);
	assert_false(has(*state, group, RELATION_MEMBERS, users[0]));
	snprintf(body, sizeof(body),
		"{\"members@odata.bind\":[\"" TEST_GRAPH "/v1.0/users/%s\",\"" TEST_GRAPH
		"/v1.0/users/%s\"]}",
		users[0], users[1]);
	assert_status(call(*state, "PATCH", at(path, "/v1.0/groups/{}", group), body), 204);
	assert_true(has(*state, group, RELATION_MEMBERS, users[0]));
	assert_true(has(*state, group, RELATION_MEMBERS, users[1]));
}

static void the_last_owner_cannot_leave(void **state)
{
	char group[GUID_TEXT_BYTES], ada[GUID_TEXT_BYTES], bob[GUID_TEXT_BYTES];

	make_security_group(*state, "crew", group);
	make_user(*state, "ada", ada);
	make_user(*state, "bob", bob);
	assert_status(
		send_reference(*state, "POST", "/v1.0/groups/{}/owners/$ref", group, ada), 204);
	assert_status(
		send_reference(*state, "POST", "/v1.0/groups/{}/owners/$ref", group, bob), 204);
	assert_status(drop_reference(*state, "/v1.0/groups/{}/owners/{}/$ref", group, ada), 204);
	assert_status(drop_reference(*state, "/v1.0/groups/{}/owners/{}/$ref", group, bob), 400);
	assert_true(has(*state, group, RELATION_OWNERS, bob));
}

static void a_manager_is_set_replaced_and_cleared(void **state)
{
	char ada[GUID_TEXT_BYTES], boss[GUID_TEXT_BYTES], chief[GUID_TEXT_BYTES], path[512];

	make_user(*state, "ada", ada);
	make_user(*state, "boss", boss);
	make_user(*state, "chief", chief);
	assert_status(
		call(*state, "DELETE", at(path, "/v1.0/users/{}/manager/$ref", ada), NULL), 404);
	assert_status(send_reference(*state, "PUT", "/v1.0/users/{}/manager/$ref", ada, boss), 204);
	assert_status(
		send_reference(*state, "PUT", "/v1.0/users/{}/manager/$ref", ada, chief), 204);
	assert_false(has(*state, ada, RELATION_MANAGER, boss));
	{
		CLEANUP(reply_release)
		struct reply reply = get(
			*state, at(path, "/v1.0/users/{}/manager?$select=id", ada));

		assert_string_equal(json_text_or_null(reply.body, "id"), chief);
	}
	assert_status(
		call(*state, "DELETE", at(path, "/v1.0/users/{}/manager/$ref", ada), NULL), 204);
	assert_status(get(*state, at(path, "/v1.0/users/{}/manager", ada)), 404);
}

static void the_manager_of_a_synced_user_is_ads(void **state)
{
	char ada[GUID_TEXT_BYTES], boss[GUID_TEXT_BYTES], path[512];

	make_synced_user(*state, "ada", ada);
	make_user(*state, "boss", boss);
	link_as_admin(*state, ada, RELATION_MANAGER, boss);
	assert_status(send_reference(*state, "PUT", "/v1.0/users/{}/manager/$ref", ada, boss), 400);
	assert_status(
		call(*state, "DELETE", at(path, "/v1.0/users/{}/manager/$ref", ada), NULL), 400);
}

static void a_microsoft_365_group_takes_users_only(void **state)
{
	char group[GUID_TEXT_BYTES], inner[GUID_TEXT_BYTES];

	make(*state, OBJECT_GROUP,
		"{\"displayName\":\"U\",\"mailEnabled\":true,\"groupTypes\":[\"Unified\"]}", group);
	make_security_group(*state, "crew", inner);
	assert_status(
		send_reference(*state, "POST", "/v1.0/groups/{}/members/$ref", group, inner), 400);
	assert_status(
		send_reference(*state, "POST", "/v1.0/groups/{}/members/$ref", inner, group), 204);
	assert_status(
		send_reference(*state, "POST", "/v1.0/groups/{}/owners/$ref", group, inner), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_member_is_added_and_removed),
		FRESH(adding_twice_is_400_and_removing_twice_404),
		FRESH(a_missing_group_or_member_is_404),
		FRESH(a_body_without_a_proper_reference_is_400),
		FRESH(members_of_groups_mastered_elsewhere_are_refused),
		FRESH(without_ref_the_member_itself_is_deleted),
		FRESH(many_members_are_added_at_once_or_not_at_all),
		FRESH(the_last_owner_cannot_leave),
		FRESH(a_manager_is_set_replaced_and_cleared),
		FRESH(the_manager_of_a_synced_user_is_ads),
		FRESH(a_microsoft_365_group_takes_users_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
