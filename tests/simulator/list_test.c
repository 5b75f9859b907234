/* Lists, single objects and pages: contract 2.1 to 2.4, 2.7, 2.8. */
#include "tests/simulator/tenant_fixture.h"

static void make_users(struct tenant *tenant, unsigned count)
{
	char name[32], id[GUID_TEXT_BYTES];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "person%u", i);
		make_user(tenant, name, id);
	}
}

static json_t *first(const struct reply *reply)
{
	return json_array_get(json_object_get(reply->body, "value"), 0);
}

static void without_select_the_default_set_comes(void **state)
{
	static const char *const defaults[] = { "id", "businessPhones", "displayName", "givenName",
		"jobTitle", "mail", "mobilePhone", "officeLocation", "preferredLanguage", "surname",
		"userPrincipalName" };
	char id[GUID_TEXT_BYTES];

	make_user(*state, "ada", id);
	{
		CLEANUP(reply_release) struct reply reply = get(*state, "/v1.0/users");

		assert_int_equal(reply.status, 200);
		assert_int_equal(value_count(&reply), 1);
		assert_int_equal(json_object_size(first(&reply)), COUNT_OF(defaults));
		for (size_t i = 0; i < COUNT_OF(defaults); i++)
			assert_non_null(json_object_get(first(&reply), defaults[i]));
	}
}

static void only_what_is_selected_comes(void **state)
{
	char id[GUID_TEXT_BYTES];

	make_user(*state, "ada", id);
	{
		CLEANUP(reply_release)
		struct reply reply = get(
			*state, "/v1.0/users?$select=department,otherMails,accountEnabled");
		const json_t *user = first(&reply);

		assert_int_equal(json_object_size(user), 3);
		assert_true(json_is_null(json_object_get(user, "department")));
		assert_int_equal(json_array_size(json_object_get(user, "otherMails")), 0);
		assert_true(json_is_array(json_object_get(user, "otherMails")));
		assert_true(json_is_true(json_object_get(user, "accountEnabled")));
	}
}

static void an_unknown_property_in_select_is_refused(void **state)
{
	static const char *const paths[] = { "/v1.0/users?$select=id,favouriteColour",
		"/v1.0/users?$select=isCloudManaged", "/v1.0/groups?$select=userPrincipalName",
		"/v1.0/contacts?$select=createdDateTime", "/v1.0/users?$select=ID",
		"/v1.0/users?$select=extension_00112233445566778899aabbccddeeff_stagingServer",
		"/v1.0/users?$expand=manager($select=nothing)" };

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		CLEANUP(reply_release) struct reply reply = get(*state, paths[i]);

		assert_refused(reply, 400, "Request_BadRequest");
	}
}

static void a_registered_extension_is_absent_while_unset(void **state)
{
	static const char name[] = "extension_00112233445566778899aabbccddeeff_stagingServer";
	struct tenant *tenant = *state;
	struct error err = { 0 };
	char id[GUID_TEXT_BYTES], path[512];

	assert_true(tenant_register_extension(tenant->simulator, name, &err));
	make_user(tenant, "ada", id);
	at(path, "/v1.0/users?$select={}", name);
	{
		CLEANUP(reply_release) struct reply unset = get(tenant, path);

		assert_int_equal(json_object_size(first(&unset)), 0);
		set_as_admin(tenant, id, name, "\"staging\"");
	}
	{
		CLEANUP(reply_release) struct reply set = get(tenant, path);

		assert_string_equal(json_text_or_null(first(&set), name), "staging");
	}
}

static void profile_properties_are_not_for_collections(void **state)
{
	CLEANUP(reply_release) struct reply reply = get(*state, "/v1.0/users?$select=aboutMe");

	assert_int_equal(reply.status, 501);
}

static void a_page_size_lies_between_1_and_999(void **state)
{
	static const char *const wrong[] = { "0", "1000", "-1", "x", "", "99999999999999999999" };
	char path[512];

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		CLEANUP(reply_release)
		struct reply reply = get(*state, at(path, "/v1.0/users?$top={}", wrong[i]));

		assert_refused(reply, 400, "Request_UnsupportedQuery");
	}
	{
		CLEANUP(reply_release) struct reply reply = get(*state, "/v1.0/users?$top=999");

		assert_int_equal(reply.status, 200);
	}
}

static void pages_follow_each_other_until_there_is_no_link(void **state)
{
	char path[4096] = "/v1.0/users?$select=id&$top=3";
	CLEANUP(id_list_release) struct id_list seen = { 0 };

	make_users(*state, 8);
	for (unsigned page = 0; page < 3; page++) {
		CLEANUP(reply_release) struct reply reply = get(*state, path);
		const json_t *items = json_object_get(reply.body, "value");

		assert_int_equal(reply.status, 200);
		assert_int_equal(json_array_size(items), page < 2 ? 3 : 2);
		for (size_t i = 0; i < json_array_size(items); i++)
			id_list_add(&seen, json_text_or_null(json_array_get(items, i), "id"));
		assert_int_equal(next_path(&reply) != NULL, page < 2);
		if (next_path(&reply))
			snprintf(path, sizeof(path), "%s", next_path(&reply));
	}
	for (size_t i = 1; i < seen.count; i++)
		assert_true(strcmp(seen.ids[i - 1], seen.ids[i]) < 0);
	assert_int_equal(seen.count, 8);
}

static void a_full_last_page_has_no_link(void **state)
{
	make_users(*state, 3);
	{
		CLEANUP(reply_release) struct reply reply = get(*state, "/v1.0/users?$top=3");

		assert_int_equal(value_count(&reply), 3);
		assert_null(json_object_get(reply.body, "@odata.nextLink"));
	}
}

static void a_page_token_is_for_its_list_only(void **state)
{
	char path[4096];
	const char *token;

	make_users(*state, 4);
	{
		CLEANUP(reply_release)
		struct reply reply = get(*state, "/v1.0/users?$select=id&$top=2");

		token = strstr(next_path(&reply), "$skiptoken=");
		assert_non_null(token);
		snprintf(path, sizeof(path), "/v1.0/users?$select=id,mail&$top=2&%s", token);
	}
	{
		CLEANUP(reply_release) struct reply other = get(*state, path);
		CLEANUP(reply_release)
		struct reply made_up = get(*state, "/v1.0/users?$skiptoken=AAAA");

		assert_refused(other, 400, "Directory_ExpiredPageToken");
		assert_refused(made_up, 400, "Directory_ExpiredPageToken");
	}
}

static void a_page_token_grows_old(void **state)
{
	struct tenant *tenant = *state;
	char path[4096];

	make_users(tenant, 4);
	{
		CLEANUP(reply_release) struct reply reply = get(tenant, "/v1.0/users?$top=2");

		snprintf(path, sizeof(path), "%s", next_path(&reply));
	}
	simulator_set_now_ms(tenant->simulator, NOW_MS + 2 * 60 * 60 * 1000);
	sign_in(tenant);
	{
		CLEANUP(reply_release) struct reply reply = get(tenant, path);

		assert_refused(reply, 400, "Directory_ExpiredPageToken");
	}
}

static void the_manager_can_be_expanded(void **state)
{
	char ada[GUID_TEXT_BYTES], boss[GUID_TEXT_BYTES], path[512];

	make_user(*state, "ada", ada);
	make_user(*state, "boss", boss);
	link_as_admin(*state, ada, RELATION_MANAGER, boss);
	{
		CLEANUP(reply_release)
		struct reply reply = get(*state,
			at(path,
				"/v1.0/users?$select=id&$expand=manager($select=id)&$filter=id%20eq%20'{}'",
				ada));
		const json_t *manager = json_object_get(first(&reply), "manager");

		assert_string_equal(json_text_or_null(manager, "id"), boss);
		assert_string_equal(
			json_text_or_null(manager, "@odata.type"), "#microsoft.graph.user");
	}
	{
		CLEANUP(reply_release)
		struct reply reply = get(*state,
			at(path,
				"/v1.0/users?$select=id&$expand=manager($select=id)&$filter=id%20eq%20'{}'",
				boss));

		assert_null(json_object_get(first(&reply), "manager"));
	}
}

/* The members and owners of a group with 25 members and one owner. */
static void make_crowd(struct tenant *tenant, char group[static GUID_TEXT_BYTES])
{
	make_security_group(tenant, "crowd", group);
	for (unsigned i = 0; i < 25; i++) {
		char name[32], user[GUID_TEXT_BYTES];

		snprintf(name, sizeof(name), "member%u", i);
		make_user(tenant, name, user);
		link_as_admin(tenant, group, RELATION_MEMBERS, user);
		if (i == 0)
			link_as_admin(tenant, group, RELATION_OWNERS, user);
	}
}

static void assert_only_id_and_type(const json_t *item)
{
	assert_int_equal(json_object_size(item), 2);
	assert_true(text_is_guid(span_of(json_text_or_null(item, "id"))));
	assert_string_equal(json_text_or_null(item, "@odata.type"), "#microsoft.graph.user");
}

static void an_expanded_relation_ends_at_20_and_says_nothing(void **state)
{
	static const char *const paths[] = { "/v1.0/groups?$select=id&$expand=members($select=id)",
		"/v1.0/groups/{}?$select=id&$expand=members($select=id)" };
	char group[GUID_TEXT_BYTES], path[512];

	make_crowd(*state, group);
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		CLEANUP(reply_release)
		struct reply reply = get(
			*state, strchr(paths[i], '{') ? at(path, paths[i], group) : paths[i]);
		const json_t *shown = json_object_get(reply.body, "value") ? first(&reply)
									   : reply.body;
		const json_t *members = json_object_get(shown, "members");

		assert_int_equal(reply.status, 200);
		assert_int_equal(json_array_size(members), 20);
		assert_only_id_and_type(json_array_get(members, 19));
		assert_null(json_object_get(shown, "members@odata.nextLink"));
		assert_null(json_object_get(shown, "owners"));
	}
}

static void owners_can_be_expanded(void **state)
{
	char group[GUID_TEXT_BYTES], alone[GUID_TEXT_BYTES], path[512];

	make_crowd(*state, group);
	make_security_group(*state, "alone", alone);
	{
		CLEANUP(reply_release)
		struct reply reply = get(
			*state, at(path, "/v1.0/groups/{}?$expand=owners($select=id)", group));
		CLEANUP(reply_release)
		struct reply none = get(
			*state, at(path, "/v1.0/groups/{}?$expand=owners($select=id)", alone));
		const json_t *owners = json_object_get(reply.body, "owners");

		assert_int_equal(json_array_size(owners), 1);
		assert_only_id_and_type(json_array_get(owners, 0));
		assert_true(json_is_array(json_object_get(none.body, "owners")));
		assert_int_equal(json_array_size(json_object_get(none.body, "owners")), 0);
	}
}

static void who_lies_in_deleted_items_is_not_expanded(void **state)
{
	struct tenant *tenant = *state;
	char group[GUID_TEXT_BYTES], user[GUID_TEXT_BYTES], path[512];
	struct actor admin = an_admin();
	struct error err = { 0 };

	make_security_group(tenant, "crew", group);
	make_user(tenant, "ada", user);
	link_as_admin(tenant, group, RELATION_MEMBERS, user);
	assert_true(tenant_delete(tenant->simulator, &admin, user, &err));
	{
		CLEANUP(reply_release)
		struct reply reply = get(
			tenant, at(path, "/v1.0/groups/{}?$expand=members($select=id)", group));

		assert_int_equal(reply.status, 200);
		assert_int_equal(json_array_size(json_object_get(reply.body, "members")), 0);
	}
}

static void an_expanded_relation_without_select_shows_the_default_set(void **state)
{
	char group[GUID_TEXT_BYTES];

	make_crowd(*state, group);
	{
		CLEANUP(reply_release)
		struct reply reply = get(*state, "/v1.0/groups?$expand=owners");
		const json_t *owner = json_array_get(json_object_get(first(&reply), "owners"), 0);

		assert_string_equal(json_text_or_null(owner, "displayName"), "member0");
		assert_null(json_object_get(owner, "department"));
	}
}

static void nothing_else_can_be_expanded(void **state)
{
	static const char *const paths[] = { "/v1.0/groups?$expand=manager",
		"/v1.0/groups?$expand=members,owners",
		"/v1.0/groups?$expand=members($select=id),owners($select=id)",
		"/v1.0/groups?$expand=members&$expand=owners",
		"/v1.0/groups?$expand=members($top=5)", "/v1.0/groups?$expand=members($select=)",
		"/v1.0/groups?$expand=members($select=id;$expand=manager)",
		"/v1.0/groups?$expand=members($select=nonsense)",
		"/v1.0/groups?$expand=members($select=id",
		"/v1.0/groups?$expand=", "/v1.0/users?$expand=members",
		"/v1.0/users?$expand=memberOf", "/v1.0/users?$expand=manager,memberOf",
		"/v1.0/users?$expand=onPremisesSyncBehavior" };

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		CLEANUP(reply_release) struct reply reply = get(*state, paths[i]);

		assert_int_equal(reply.status, 400);
	}
}

static void a_user_is_found_by_id_and_by_sign_in_name(void **state)
{
	char id[GUID_TEXT_BYTES], path[512];

	make_user(*state, "ada", id);
	{
		CLEANUP(reply_release)
		struct reply by_id = get(*state, at(path, "/v1.0/users/{}?$select=id", id));
		CLEANUP(reply_release)
		struct reply by_name = get(*state, "/v1.0/users/ADA%40contoso.com?$select=id");

		assert_string_equal(json_text_or_null(by_id.body, "id"), id);
		assert_string_equal(json_text_or_null(by_name.body, "id"), id);
	}
}

static void who_is_not_there_is_404(void **state)
{
	static const char *const paths[] = { "/v1.0/users/" NOBODY, "/v1.0/groups/" NOBODY,
		"/v1.0/contacts/" NOBODY, "/v1.0/users/nobody@contoso.com", "/v1.0/users/x",
		"/v1.0/groups/" NOBODY "/members", "/v1.0/directory/deletedItems/" NOBODY };

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		CLEANUP(reply_release) struct reply reply = get(*state, paths[i]);

		assert_refused(reply, 404, "Request_ResourceNotFound");
	}
}

static void a_user_is_no_group(void **state)
{
	char id[GUID_TEXT_BYTES], path[512];

	make_user(*state, "ada", id);
	{
		CLEANUP(reply_release)
		struct reply reply = get(*state, at(path, "/v1.0/groups/{}", id));

		assert_refused(reply, 404, "Request_ResourceNotFound");
	}
}

static void members_come_in_pages_with_their_type(void **state)
{
	char group[GUID_TEXT_BYTES], id[GUID_TEXT_BYTES], path[512], name[16];

	make_security_group(*state, "crew", group);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		make_user(*state, name, id);
		link_as_admin(*state, group, RELATION_MEMBERS, id);
	}
	{
		CLEANUP(reply_release)
		struct reply reply = get(
			*state, at(path, "/v1.0/groups/{}/members?$select=id&$top=2", group));
		CLEANUP(reply_release) struct reply rest = get(*state, next_path(&reply));

		assert_int_equal(value_count(&reply), 2);
		assert_string_equal(
			json_text_or_null(first(&reply), "@odata.type"), "#microsoft.graph.user");
		assert_int_equal(json_object_size(first(&reply)), 2);
		assert_int_equal(value_count(&rest), 1);
		assert_null(json_object_get(rest.body, "@odata.nextLink"));
	}
}

static void the_organisation_says_which_tenant_this_is(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(reply_release)
	struct reply reply = get(
		tenant, "/v1.0/organization?$select=id,displayName,verifiedDomains");
	CLEANUP(reply_release) struct reply unknown = get(tenant, "/v1.0/organization?$select=x");

	assert_int_equal(value_count(&reply), 1);
	assert_string_equal(
		json_text_or_null(first(&reply), "id"), simulator_tenant(tenant->simulator));
	assert_int_equal(json_object_size(first(&reply)), 3);
	assert_int_equal(unknown.status, 400);
}

static void a_count_needs_advanced_mode(void **state)
{
	make_users(*state, 3);
	{
		CLEANUP(reply_release) struct reply segment = get(*state, "/v1.0/users/$count");
		CLEANUP(reply_release)
		struct reply eventual = get_eventual(*state, "/v1.0/users/$count");
		CLEANUP(reply_release)
		struct reply ignored = get(*state, "/v1.0/users?$count=true&$top=1");
		CLEANUP(reply_release)
		struct reply counted = get_eventual(*state, "/v1.0/users?$count=true&$top=1");

		assert_refused(segment, 400, "Request_BadRequest");
		assert_int_equal(json_integer_value(eventual.body), 3);
		assert_null(json_object_get(ignored.body, "@odata.count"));
		assert_int_equal(
			json_integer_value(json_object_get(counted.body, "@odata.count")), 3);
	}
}

static void sync_behavior_is_read_one_by_one(void **state)
{
	char id[GUID_TEXT_BYTES], path[512];

	make_synced_user(*state, "ada", id);
	{
		CLEANUP(reply_release)
		struct reply reply = get(*state,
			at(path, "/v1.0/users/{}/onPremisesSyncBehavior?$select=isCloudManaged",
				id));

		assert_int_equal(reply.status, 200);
		assert_true(json_is_false(json_object_get(reply.body, "isCloudManaged")));
	}
}

static void options_nobody_knows_are_refused(void **state)
{
	static const char *const paths[] = { "/v1.0/users?$skip=1", "/v1.0/users?$search=x",
		"/v1.0/users?$orderby=createdDateTime", "/v1.0/users?$nonsense=1",
		"/v1.0/groups/" NOBODY "/members?$expand=manager" };

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		CLEANUP(reply_release) struct reply reply = get(*state, paths[i]);

		assert_refused(reply, 400, "Request_UnsupportedQuery");
	}
}

static void faults_of_pages_can_be_switched_on(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with(
		(struct simulator_options){ .page_max = 2, .foreign_link_at = 2 });
	char path[4096];

	make_users(tenant, 6);
	{
		CLEANUP(reply_release) struct reply reply = get(tenant, "/v1.0/users?$top=999");

		assert_int_equal(value_count(&reply), 2);
		snprintf(path, sizeof(path), "%s", next_path(&reply));
	}
	{
		CLEANUP(reply_release) struct reply reply = get(tenant, path);

		assert_null(next_path(&reply));
		assert_non_null(json_text_or_null(reply.body, "@odata.nextLink"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(without_select_the_default_set_comes),
		FRESH(only_what_is_selected_comes),
		FRESH(an_unknown_property_in_select_is_refused),
		FRESH(a_registered_extension_is_absent_while_unset),
		FRESH(profile_properties_are_not_for_collections),
		FRESH(a_page_size_lies_between_1_and_999),
		FRESH(pages_follow_each_other_until_there_is_no_link),
		FRESH(a_full_last_page_has_no_link),
		FRESH(a_page_token_is_for_its_list_only),
		FRESH(a_page_token_grows_old),
		FRESH(the_manager_can_be_expanded),
		FRESH(an_expanded_relation_ends_at_20_and_says_nothing),
		FRESH(owners_can_be_expanded),
		FRESH(who_lies_in_deleted_items_is_not_expanded),
		FRESH(an_expanded_relation_without_select_shows_the_default_set),
		FRESH(nothing_else_can_be_expanded),
		FRESH(a_user_is_found_by_id_and_by_sign_in_name),
		FRESH(who_is_not_there_is_404),
		FRESH(a_user_is_no_group),
		FRESH(members_come_in_pages_with_their_type),
		FRESH(the_organisation_says_which_tenant_this_is),
		FRESH(a_count_needs_advanced_mode),
		FRESH(sync_behavior_is_read_one_by_one),
		FRESH(options_nobody_knows_are_refused),
		cmocka_unit_test(faults_of_pages_can_be_switched_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
