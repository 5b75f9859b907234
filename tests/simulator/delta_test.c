/* What delta tells: contract 2.9, point by point. */
#include "tests/simulator/delta_fixture.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

static void a_first_round_tells_every_live_object_and_ends_in_a_delta_link(void **state)
{
	char ada[GUID_TEXT_BYTES], bob[GUID_TEXT_BYTES], gone[GUID_TEXT_BYTES];
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(*state, "/v1.0/users/delta?$select=displayName");

	make_user(*state, "ada", ada);
	make_user(*state, "bob", bob);
	make_user(*state, "gone", gone);
	hand_life(*state, simulator_hand_delete, gone);
	follow(&mirror);
	assert_int_equal(mirror.told, 2);
	assert_told(&mirror, ada, "{\"displayName\":\"ada\"}");
	assert_told(&mirror, bob, "{\"displayName\":\"bob\"}");
	assert_non_null(strstr(mirror.link, "/v1.0/users/delta?$deltatoken="));
}

static void a_round_after_no_change_is_empty(void **state)
{
	char ada[GUID_TEXT_BYTES];
	CLEANUP(mirror_release) struct mirror mirror = mirror_of(*state, "/v1.0/users/delta");

	make_user(*state, "ada", ada);
	follow(&mirror);
	follow(&mirror);
	assert_int_equal(mirror.told, 0);
	assert_int_equal(mirror.pages, 1);
}

static void latest_tells_nothing_but_what_comes_after(void **state)
{
	char ada[GUID_TEXT_BYTES], bob[GUID_TEXT_BYTES];
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(
		*state, "/v1.0/users/delta?$deltatoken=latest&$select=jobTitle");

	make_user(*state, "ada", ada);
	make_user(*state, "bob", bob);
	follow(&mirror);
	assert_int_equal(mirror.told, 0);
	hand_set(*state, bob, "jobTitle", "\"Chef\"");
	follow(&mirror);
	assert_int_equal(mirror.told, 1);
	assert_told(&mirror, bob, "{\"jobTitle\":\"Chef\"}");
}

static void only_selected_properties_are_tracked(void **state)
{
	char ada[GUID_TEXT_BYTES];
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(*state, "/v1.0/users/delta?$select=jobTitle");

	make_user(*state, "ada", ada);
	follow(&mirror);
	hand_set(*state, ada, "city", "\"Bonn\"");
	follow(&mirror);
	assert_int_equal(mirror.told, 0);
}

static void without_prefer_unchanged_selected_properties_come_too(void **state)
{
	char ada[GUID_TEXT_BYTES];
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(*state, "/v1.0/users/delta?$select=jobTitle,displayName");

	make_user(*state, "ada", ada);
	follow(&mirror);
	hand_set(*state, ada, "jobTitle", "\"Chef\"");
	follow(&mirror);
	assert_told(&mirror, ada, "{\"jobTitle\":\"Chef\",\"displayName\":\"ada\"}");
}

static void a_minimal_round_tells_changed_properties_and_resets_as_null(void **state)
{
	char ada[GUID_TEXT_BYTES], bob[GUID_TEXT_BYTES];
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(*state,
		"/v1.0/users/delta?$select=jobTitle,displayName,onPremisesExtensionAttributes");

	make_user(*state, "ada", ada);
	make_user(*state, "bob", bob);
	hand_set(*state, bob, "jobTitle", "\"Chef\"");
	mirror.minimal = true;
	follow(&mirror);
	hand_set(*state, ada, "displayName", "\"Ada L.\"");
	hand_set(*state, bob, "jobTitle", "null");
	follow(&mirror);
	assert_int_equal(mirror.told, 2);
	assert_told(&mirror, ada, "{\"displayName\":\"Ada L.\"}");
	assert_told(&mirror, bob, "{\"jobTitle\":null}");
	hand_set(*state, ada, "onPremisesExtensionAttributes/extensionAttribute3", "\"x\"");
	follow(&mirror);
	assert_int_equal(json_object_size(told(&mirror, ada)), 2);
	assert_non_null(json_object_get(told(&mirror, ada), "onPremisesExtensionAttributes"));
}

static void prefer_is_confirmed(void **state)
{
	CLEANUP(reply_release) struct reply reply = get_minimal(*state, "/v1.0/users/delta");

	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(buf_text(&reply.headers), "Preference-Applied: return=minimal\r\n"));
}

static void a_change_of_one_extension_tells_all_of_them_and_a_reset_as_null(void **state)
{
	char ada[GUID_TEXT_BYTES];
	struct error err = { 0 };
	struct tenant *tenant = *state;
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(
		*state, "/v1.0/users/delta?$select=jobTitle,extension_0123_a,extension_0123_b");

	assert_true(tenant_register_extension(tenant->simulator, "extension_0123_a", &err));
	assert_true(tenant_register_extension(tenant->simulator, "extension_0123_b", &err));
	make_user(*state, "ada", ada);
	hand_set(*state, ada, "extension_0123_a", "\"1\"");
	hand_set(*state, ada, "extension_0123_b", "\"2\"");
	mirror.minimal = true;
	follow(&mirror);
	hand_set(*state, ada, "extension_0123_a", "null");
	follow(&mirror);
	assert_told(&mirror, ada, "{\"extension_0123_a\":null,\"extension_0123_b\":\"2\"}");
}

/* ---- life -------------------------------------------------------------------------------------- */

static void the_deleted_are_removed_as_changed_and_the_purged_as_deleted(void **state)
{
	char ada[GUID_TEXT_BYTES], bob[GUID_TEXT_BYTES];
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(*state, "/v1.0/users/delta?$select=displayName");

	make_user(*state, "ada", ada);
	make_user(*state, "bob", bob);
	follow(&mirror);
	hand_life(*state, simulator_hand_delete, ada);
	hand_life(*state, simulator_hand_purge, bob);
	follow(&mirror);
	assert_told(&mirror, ada, "{\"@removed\":{\"reason\":\"changed\"}}");
	assert_told(&mirror, bob, "{\"@removed\":{\"reason\":\"deleted\"}}");
	hand_life(*state, simulator_hand_purge, ada);
	follow(&mirror);
	assert_told(&mirror, ada, "{\"@removed\":{\"reason\":\"deleted\"}}");
}

static void a_restored_object_appears_as_new(void **state)
{
	char crew[GUID_TEXT_BYTES], ada[GUID_TEXT_BYTES];
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(
		*state, "/v1.0/groups/delta?$select=displayName,description,members");

	make_security_group(*state, "crew", crew);
	make_user(*state, "ada", ada);
	hand_link(*state, crew, "members", ada, true);
	mirror.minimal = true;
	follow(&mirror);
	hand_life(*state, simulator_hand_delete, crew);
	follow(&mirror);
	hand_life(*state, simulator_hand_restore, crew);
	follow(&mirror);
	assert_int_equal(mirror.told, 1);
	assert_string_equal(json_text_or_null(told(&mirror, crew), "displayName"), "crew");
	assert_true(json_is_null(json_object_get(told(&mirror, crew), "description")));
	assert_int_equal(json_array_size(json_object_get(told(&mirror, crew), "members@delta")), 1);
}

/* ---- members and managers ---------------------------------------------------------------------- */

static void members_come_and_go(void **state)
{
	char crew[GUID_TEXT_BYTES], ada[GUID_TEXT_BYTES], bob[GUID_TEXT_BYTES];
	char wanted[512];
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(*state, "/v1.0/groups/delta?$select=members");

	make_security_group(*state, "crew", crew);
	make_user(*state, "ada", ada);
	make_user(*state, "bob", bob);
	hand_link(*state, crew, "members", ada, true);
	follow(&mirror);
	snprintf(wanted, sizeof(wanted),
		"{\"members@delta\":[{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"%s\"}]}",
		ada);
	assert_told(&mirror, crew, wanted);
	hand_link(*state, crew, "members", ada, false);
	follow(&mirror);
	snprintf(wanted, sizeof(wanted),
		"{\"members@delta\":[{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"%s\","
		"\"@removed\":{\"reason\":\"deleted\"}}]}",
		ada);
	assert_told(&mirror, crew, wanted);
	hand_link(*state, crew, "members", bob, true);
	hand_link(*state, crew, "members", bob, false);
	hand_link(*state, crew, "members", bob, true);
	follow(&mirror);
	snprintf(wanted, sizeof(wanted),
		"{\"members@delta\":[{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"%s\"}]}",
		bob);
	assert_told(&mirror, crew, wanted);
}

static void members_of_groups_come_by_default_and_not_when_others_are_selected(void **state)
{
	char crew[GUID_TEXT_BYTES], ada[GUID_TEXT_BYTES];
	CLEANUP(mirror_release) struct mirror whole = mirror_of(*state, "/v1.0/groups/delta");
	CLEANUP(mirror_release)
	struct mirror names = mirror_of(*state, "/v1.0/groups/delta?$select=displayName");

	make_security_group(*state, "crew", crew);
	make_user(*state, "ada", ada);
	hand_link(*state, crew, "members", ada, true);
	follow(&whole);
	follow(&names);
	assert_non_null(json_object_get(told(&whole, crew), "members@delta"));
	assert_told(&names, crew, "{\"displayName\":\"crew\"}");
	hand_link(*state, crew, "members", ada, false);
	follow(&names);
	assert_int_equal(names.told, 0);
}

static void a_soft_deleted_member_stays_here_until_it_is_purged(void **state)
{
	char crew[GUID_TEXT_BYTES], ada[GUID_TEXT_BYTES], path[512];
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(*state, "/v1.0/groups/delta?$select=members");
	CLEANUP(mirror_release)
	struct mirror late = mirror_of(*state, "/v1.0/groups/delta?$select=members");

	make_security_group(*state, "crew", crew);
	make_user(*state, "ada", ada);
	hand_link(*state, crew, "members", ada, true);
	follow(&mirror);
	hand_life(*state, simulator_hand_delete, ada);
	follow(&mirror);
	assert_int_equal(mirror.told, 0);
	follow(&late);
	assert_int_equal(json_array_size(json_object_get(told(&late, crew), "members@delta")), 1);
	{
		CLEANUP(reply_release)
		struct reply list = get(*state, at(path, "/v1.0/groups/{}/members", crew));

		assert_int_equal(value_count(&list), 0);
	}
	hand_life(*state, simulator_hand_purge, ada);
	follow(&mirror);
	assert_int_equal(mirror.told, 1);
	assert_int_equal(
		json_object_size(json_object_get(json_object_get(mirror.objects, crew), "members")),
		0);
	assert_non_null(json_object_get(
		json_array_get(json_object_get(told(&mirror, crew), "members@delta"), 0),
		"@removed"));
}

static void a_replaced_manager_is_one_who_goes_and_one_who_comes(void **state)
{
	char ada[GUID_TEXT_BYTES], bob[GUID_TEXT_BYTES], eve[GUID_TEXT_BYTES];
	const json_t *managers;
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(*state, "/v1.0/users/delta?$select=displayName,manager");

	make_user(*state, "ada", ada);
	make_user(*state, "bob", bob);
	make_user(*state, "eve", eve);
	hand_link(*state, ada, "manager", bob, true);
	follow(&mirror);
	assert_null(json_object_get(told(&mirror, bob), "manager@delta"));
	hand_link(*state, ada, "manager", eve, true);
	follow(&mirror);
	assert_int_equal(mirror.told, 1);
	assert_int_equal(json_array_size(json_object_get(told(&mirror, ada), "manager@delta")), 2);
	managers = json_object_get(json_object_get(mirror.objects, ada), "manager");
	assert_int_equal(json_object_size(managers), 1);
	assert_non_null(json_object_get(managers, eve));
}

/* ---- filters, refusals ------------------------------------------------------------------------- */

static void a_filter_names_ids(void **state)
{
	char ada[GUID_TEXT_BYTES], bob[GUID_TEXT_BYTES], eve[GUID_TEXT_BYTES], path[512];
	CLEANUP(mirror_release) struct mirror mirror = mirror_of(*state, "");

	make_user(*state, "ada", ada);
	make_user(*state, "bob", bob);
	make_user(*state, "eve", eve);
	snprintf(path, sizeof(path),
		"/v1.0/users/delta?$select=displayName&$filter=id%%20eq%%20'%s'%%20or%%20id%%20eq%%20'%s'",
		ada, eve);
	snprintf(mirror.link, sizeof(mirror.link), "%s", path);
	follow(&mirror);
	assert_int_equal(mirror.told, 2);
	assert_null(told(&mirror, bob));
	hand_set(*state, bob, "displayName", "\"Bob B.\"");
	hand_set(*state, eve, "displayName", "\"Eve E.\"");
	follow(&mirror);
	assert_int_equal(mirror.told, 1);
	assert_told(&mirror, eve, "{\"displayName\":\"Eve E.\"}");
}

static void at_most_50_ids_are_filtered_for(void **state)
{
	CLEANUP(buf_release) struct buf path = BUF_UP_TO(16 << 10);

	buf_add_text(&path, "/v1.0/users/delta?$filter=id+eq+'" NOBODY "'");
	for (size_t i = 1; i < 50; i++)
		buf_add_text(&path, "+or+id+eq+'" NOBODY "'");
	{
		CLEANUP(reply_release) struct reply fifty = get(*state, buf_text(&path));

		assert_int_equal(fifty.status, 200);
	}
	buf_add_text(&path, "+or+id+eq+'" NOBODY "'");
	{
		CLEANUP(reply_release) struct reply more = get(*state, buf_text(&path));

		assert_refused(more, 400, "Request_UnsupportedQuery");
	}
}

static void what_delta_does_not_offer_is_400(void **state)
{
	static const char *const paths[] = { "/v1.0/users/delta?$top=5",
		"/v1.0/users/delta?$orderby=displayName", "/v1.0/groups/delta?$expand=members",
		"/v1.0/users/delta?$search=%22displayName:ada%22",
		"/v1.0/users/delta?$filter=displayName%20eq%20'ada'",
		"/v1.0/users/delta?$filter=id%20eq%20'" NOBODY "'%20and%20id%20eq%20'" NOBODY "'",
		"/v1.0/users/delta?$filter=id%20eq%20'5'", "/v1.0/users/delta?$select=nonsense",
		"/v1.0/users/delta?$select=members", "/v1.0/groups/delta?$select=manager",
		"/v1.0/users/delta?$deltatoken=nonsense", "/v1.0/users/delta?$skiptoken=nonsense" };

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		CLEANUP(reply_release) struct reply reply = get(*state, paths[i]);

		if (reply.status != 400)
			fail_msg("%s: %d", paths[i], reply.status);
	}
}

static void a_token_serves_its_own_list_alone_and_bears_its_options_itself(void **state)
{
	char path[1100];
	CLEANUP(mirror_release) struct mirror mirror = mirror_of(*state, "/v1.0/users/delta");

	follow(&mirror);
	snprintf(path, sizeof(path), "%s&$select=displayName", mirror.link);
	{
		CLEANUP(reply_release) struct reply more = get(*state, path);

		assert_int_equal(more.status, 400);
	}
	snprintf(path, sizeof(path), "/v1.0/groups/%s", strstr(mirror.link, "delta?"));
	{
		CLEANUP(reply_release) struct reply other = get(*state, path);

		assert_int_equal(other.status, 400);
	}
	snprintf(path, sizeof(path), "/v1.0/users/delta?$skiptoken=%s",
		strstr(mirror.link, "$deltatoken=") + strlen("$deltatoken="));
	{
		CLEANUP(reply_release) struct reply skip = get(*state, path);

		assert_int_equal(skip.status, 400);
	}
}

static void a_denied_list_has_no_delta_either(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with(
		(struct simulator_options){ .deny = "OrgContact.Read.All Directory.Read.All" });
	CLEANUP(reply_release) struct reply contacts = get(tenant, "/v1.0/contacts/delta");
	CLEANUP(reply_release) struct reply users = get(tenant, "/v1.0/users/delta");

	assert_refused(contacts, 403, "Authorization_RequestDenied");
	assert_int_equal(users.status, 200);
}

/* ---- tokens that nobody knows any more ---------------------------------------------------------- */

static void a_token_lives_seven_days_and_then_the_first_call_is_due_again(void **state)
{
	struct tenant *tenant = *state;
	char ada[GUID_TEXT_BYTES];
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(*state, "/v1.0/users/delta?$select=displayName");

	make_user(*state, "ada", ada);
	follow(&mirror);
	simulator_set_now_ms(tenant->simulator, NOW_MS + 7 * DAY_MS - 1);
	sign_in(tenant);
	{
		CLEANUP(reply_release) struct reply alive = get(tenant, mirror.link);

		assert_int_equal(alive.status, 200);
	}
	simulator_set_now_ms(tenant->simulator, NOW_MS + 7 * DAY_MS);
	{
		CLEANUP(reply_release) struct reply lost = get(tenant, mirror.link);

		assert_refused(lost, 410, "syncStateNotFound");
		assert_non_null(strstr(buf_text(&lost.headers),
			"Location: " TEST_GRAPH
			"/v1.0/users/delta?$deltatoken=&$select=displayName\r\n"));
	}
	snprintf(mirror.link, sizeof(mirror.link),
		"/v1.0/users/delta?$deltatoken=&$select=displayName");
	follow(&mirror);
	assert_told(&mirror, ada, "{\"displayName\":\"ada\"}");
}

static void a_lost_token_can_be_a_400_that_asks_for_a_resync(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with(
		(struct simulator_options){ .delta_lost_at = 2, .delta_lost_as_400 = true });
	CLEANUP(mirror_release) struct mirror mirror = mirror_of(tenant, "/v1.0/users/delta");

	follow(&mirror);
	follow(&mirror);
	{
		CLEANUP(reply_release) struct reply lost = get(tenant, mirror.link);

		assert_refused(lost, 400, "resyncRequired");
		assert_null(strstr(buf_text(&lost.headers), "Location:"));
	}
	follow(&mirror);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_first_round_tells_every_live_object_and_ends_in_a_delta_link),
		FRESH(a_round_after_no_change_is_empty),
		FRESH(latest_tells_nothing_but_what_comes_after),
		FRESH(only_selected_properties_are_tracked),
		FRESH(without_prefer_unchanged_selected_properties_come_too),
		FRESH(a_minimal_round_tells_changed_properties_and_resets_as_null),
		FRESH(prefer_is_confirmed),
		FRESH(a_change_of_one_extension_tells_all_of_them_and_a_reset_as_null),
		FRESH(the_deleted_are_removed_as_changed_and_the_purged_as_deleted),
		FRESH(a_restored_object_appears_as_new),
		FRESH(members_come_and_go),
		FRESH(members_of_groups_come_by_default_and_not_when_others_are_selected),
		FRESH(a_soft_deleted_member_stays_here_until_it_is_purged),
		FRESH(a_replaced_manager_is_one_who_goes_and_one_who_comes),
		FRESH(a_filter_names_ids),
		FRESH(at_most_50_ids_are_filtered_for),
		FRESH(what_delta_does_not_offer_is_400),
		FRESH(a_token_serves_its_own_list_alone_and_bears_its_options_itself),
		cmocka_unit_test(a_denied_list_has_no_delta_either),
		FRESH(a_token_lives_seven_days_and_then_the_first_call_is_due_again),
		cmocka_unit_test(a_lost_token_can_be_a_400_that_asks_for_a_resync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
