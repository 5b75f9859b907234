/* The audit log: contract 4.1 to 4.5; and the simulator's own book of writes. */
#include "tests/simulator/tenant_fixture.h"

static struct reply audits(struct tenant *tenant, const char *query)
{
	char path[512];

	snprintf(path, sizeof(path), "/v1.0/auditLogs/directoryAudits%s", query);
	return get(tenant, path);
}

static const json_t *record_at(const struct reply *reply, size_t index)
{
	const json_t *record = json_array_get(json_object_get(reply->body, "value"), index);

	assert_non_null(record);
	return record;
}

static const json_t *target_at(const json_t *record, size_t index)
{
	return json_array_get(json_object_get(record, "targetResources"), index);
}

/* oldValue and newValue of one modified property; NULL in the text means JSON null. */
static void assert_modified(
	const json_t *record, const char *name, const char *old_value, const char *new_value)
{
	const json_t *properties = json_object_get(target_at(record, 0), "modifiedProperties");

	for (size_t i = 0; i < json_array_size(properties); i++) {
		const json_t *property = json_array_get(properties, i);
		const char *was = json_text_or_null(property, "oldValue");
		const char *is = json_text_or_null(property, "newValue");

		if (strcmp(json_text_or_null(property, "displayName"), name) != 0)
			continue;
		assert_int_equal(was == NULL, old_value == NULL);
		assert_int_equal(is == NULL, new_value == NULL);
		if (was)
			assert_string_equal(was, old_value);
		if (is)
			assert_string_equal(is, new_value);
		return;
	}
	fail_msg("%s is not among the modified properties", name);
}

static void set_as(struct tenant *tenant, const struct actor *actor, const char *id,
	const char *name, const char *value)
{
	struct error err = { 0 };
	CLEANUP(json_freep) json_t *json = json_loads(value, JSON_DECODE_ANY, NULL);

	if (!tenant_set(tenant->simulator, actor, id, name, json, &err))
		fail_msg("%s", err.text);
}

/* A minute later, what came before is out of the way of $top=1. */
static void export_one(struct tenant *tenant, char id[static GUID_TEXT_BYTES])
{
	struct actor staging = the_staging_server();
	struct error err = { 0 };

	make_synced_user(tenant, "ada", id);
	set_as_admin(tenant, id, "proxyAddresses",
		"[\"SMTP:ada@contoso.com\",\"smtp:a.l@contoso.com\"]");
	set_as_admin(tenant, id, "officeLocation", "\"18\"");
	audit_begin(tenant->simulator, "Update user");
	set_as(tenant, &staging, id, "proxyAddresses",
		"[\"SMTP:ada@contoso.com\",\"smtp:sales@contoso.com\"]");
	set_as(tenant, &staging, id, "officeLocation", "null");
	set_as(tenant, &staging, id, "businessPhones", "[\"+1 425\"]");
	set_as(tenant, &staging, id, "usageLocation", "\"GB\"");
	set_as(tenant, &staging, id, "onPremisesLastSyncDateTime", "\"2026-03-04T02:17:40Z\"");
	assert_true(audit_end(tenant->simulator, &err));
}

static void an_export_is_one_record_in_the_documented_shape(void **state)
{
	char id[GUID_TEXT_BYTES], correlated[128];

	export_one(*state, id);
	{
		CLEANUP(reply_release) struct reply reply = audits(*state, "?$top=1");
		const json_t *record = record_at(&reply, 0);
		const json_t *user = json_object_get(
			json_object_get(record, "initiatedBy"), "user");
		const json_t *target = target_at(record, 0);
		const json_t *detail = json_array_get(
			json_object_get(record, "additionalDetails"), 0);

		assert_string_equal(
			json_text_or_null(record, "activityDisplayName"), "Update user");
		assert_string_equal(json_text_or_null(record, "category"), "UserManagement");
		assert_string_equal(json_text_or_null(record, "loggedByService"), "Core Directory");
		assert_string_equal(json_text_or_null(record, "operationType"), "Update");
		assert_string_equal(json_text_or_null(record, "result"), "success");
		assert_string_equal(json_text_or_null(record, "resultReason"), "");
		snprintf(correlated, sizeof(correlated), "Directory_%s_",
			json_text_or_null(record, "correlationId"));
		assert_memory_equal(
			json_text_or_null(record, "id"), correlated, strlen(correlated));
		assert_memory_equal(json_text_or_null(record, "activityDateTime"),
			"2026-03-04T02:17:41.551", 23);
		assert_int_equal(strlen(json_text_or_null(record, "activityDateTime")), 28);
		assert_true(json_is_null(
			json_object_get(json_object_get(record, "initiatedBy"), "app")));
		assert_string_equal(json_text_or_null(user, "userPrincipalName"),
			"Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com");
		assert_string_equal(json_text_or_null(user, "ipAddress"), "203.0.113.24");
		assert_string_equal(json_text_or_null(target, "id"), id);
		assert_string_equal(json_text_or_null(target, "type"), "User");
		assert_string_equal(
			json_text_or_null(target, "userPrincipalName"), "ada@contoso.com");
		assert_true(json_is_null(json_object_get(target, "displayName")));
		assert_true(json_is_null(json_object_get(target, "groupType")));
		assert_string_equal(json_text_or_null(detail, "key"), "UserType");
		assert_string_equal(json_text_or_null(detail, "value"), "Member");
	}
}

static void properties_bear_the_directorys_inner_names(void **state)
{
	char id[GUID_TEXT_BYTES];

	export_one(*state, id);
	{
		CLEANUP(reply_release) struct reply reply = audits(*state, "?$top=1");
		const json_t *record = record_at(&reply, 0);

		assert_modified(record, "ProxyAddresses",
			"[\"SMTP:ada@contoso.com\",\"smtp:a.l@contoso.com\"]",
			"[\"SMTP:ada@contoso.com\",\"smtp:sales@contoso.com\"]");
		assert_modified(record, "PhysicalDeliveryOfficeName", "[\"18\"]", "[]");
		assert_modified(record, "TelephoneNumber", "[]", "[\"+1 425\"]");
		assert_modified(record, "LastDirSyncTime", "[]", "[\"2026-03-04T02:17:40Z\"]");
		assert_modified(record, "Included Updated Properties", NULL,
			"\"ProxyAddresses, PhysicalDeliveryOfficeName, TelephoneNumber, LastDirSyncTime\"");
		assert_modified(record, "Action Client Name", NULL, "DirectorySync");
		assert_modified(record, "TargetId.UserType", NULL, "\"Member\"");
		assert_int_equal(json_array_size(json_object_get(
					 target_at(record, 0), "modifiedProperties")),
			7);
	}
}

static void usage_location_is_never_logged(void **state)
{
	struct tenant *tenant = *state;
	char id[GUID_TEXT_BYTES];

	make_user(tenant, "ada", id);
	set_as_admin(tenant, id, "usageLocation", "\"GB\"");
	{
		CLEANUP(reply_release) struct reply reply = audits(tenant, "");

		assert_int_equal(value_count(&reply), 1);
		assert_string_equal(
			json_text_or_null(record_at(&reply, 0), "activityDisplayName"), "Add user");
	}
}

static void the_applications_own_writes_name_the_application(void **state)
{
	struct tenant *tenant = *state;
	char id[GUID_TEXT_BYTES], path[512];

	make_user(tenant, "ada", id);
	{
		CLEANUP(reply_release)
		struct reply patch = call(tenant, "PATCH", at(path, "/v1.0/users/{}", id),
			"{\"department\":\"Sales\",\"city\":\"Bath\"}");
		CLEANUP(reply_release) struct reply reply = audits(tenant, "?$top=1");
		const json_t *record = record_at(&reply, 0);
		const json_t *by = json_object_get(record, "initiatedBy");

		assert_int_equal(patch.status, 204);
		assert_true(json_is_null(json_object_get(by, "user")));
		assert_string_equal(json_text_or_null(json_object_get(by, "app"), "appId"),
			simulator_client_id(tenant->simulator));
		assert_modified(record, "Department", "[]", "[\"Sales\"]");
		assert_modified(record, "City", "[]", "[\"Bath\"]");
	}
}

static void a_membership_is_logged_on_the_member(void **state)
{
	struct tenant *tenant = *state;
	struct actor staging = the_staging_server();
	struct error err = { 0 };
	char group[GUID_TEXT_BYTES], user[GUID_TEXT_BYTES], quoted[64];

	make_security_group(tenant, "crew", group);
	make_user(tenant, "ada", user);
	link_as_admin(tenant, group, RELATION_MEMBERS, user);
	assert_true(tenant_remove_reference(
		tenant->simulator, &staging, group, RELATION_MEMBERS, user, &err));
	snprintf(quoted, sizeof(quoted), "\"%s\"", group);
	{
		CLEANUP(reply_release) struct reply reply = audits(tenant, "?$top=2");
		const json_t *removed = record_at(&reply, 0), *added = record_at(&reply, 1);

		assert_string_equal(
			json_text_or_null(added, "activityDisplayName"), "Add member to group");
		assert_string_equal(json_text_or_null(added, "category"), "GroupManagement");
		assert_string_equal(json_text_or_null(target_at(added, 0), "id"), user);
		assert_string_equal(json_text_or_null(target_at(added, 0), "type"), "User");
		assert_string_equal(json_text_or_null(target_at(added, 1), "id"), group);
		assert_string_equal(json_text_or_null(target_at(added, 1), "type"), "Group");
		assert_modified(added, "Group.ObjectID", NULL, quoted);
		assert_modified(added, "Group.DisplayName", NULL, "\"crew\"");
		assert_string_equal(json_text_or_null(removed, "activityDisplayName"),
			"Remove member from group");
		assert_modified(removed, "Group.ObjectID", quoted, NULL);
		assert_modified(removed, "Action Client Name", NULL, "DirectorySync");
	}
}

static void activities_follow_from_what_was_done(void **state)
{
	static const char *const newest_first[] = { "Hard Delete user", "Delete user",
		"Restore user", "Delete user", "Set user manager", "Enable account",
		"Disable account", "Add user", "Add user" };
	struct tenant *tenant = *state;
	struct actor admin = an_admin();
	struct error err = { 0 };
	char ada[GUID_TEXT_BYTES], boss[GUID_TEXT_BYTES];

	make_user(tenant, "boss", boss);
	make_user(tenant, "ada", ada);
	set_as_admin(tenant, ada, "accountEnabled", "false");
	set_as_admin(tenant, ada, "accountEnabled", "true");
	link_as_admin(tenant, ada, RELATION_MANAGER, boss);
	assert_true(tenant_delete(tenant->simulator, &admin, ada, &err));
	assert_true(tenant_restore(tenant->simulator, &admin, ada, &err));
	assert_true(tenant_delete(tenant->simulator, &admin, ada, &err));
	assert_true(tenant_purge(tenant->simulator, &admin, ada, &err));
	{
		CLEANUP(reply_release) struct reply reply = audits(tenant, "");

		assert_int_equal(value_count(&reply), COUNT_OF(newest_first));
		for (size_t i = 0; i < COUNT_OF(newest_first); i++)
			assert_string_equal(
				json_text_or_null(record_at(&reply, i), "activityDisplayName"),
				newest_first[i]);
	}
}

static void a_name_with_quotes_stays_json(void **state)
{
	struct tenant *tenant = *state;
	char group[GUID_TEXT_BYTES], user[GUID_TEXT_BYTES];

	make(tenant, OBJECT_GROUP, "{\"displayName\":\"The \\\"A\\\" team\"}", group);
	make_user(tenant, "ada", user);
	link_as_admin(tenant, group, RELATION_MEMBERS, user);
	{
		CLEANUP(reply_release) struct reply reply = audits(tenant, "?$top=1");

		assert_modified(
			record_at(&reply, 0), "Group.DisplayName", NULL, "\"The \\\"A\\\" team\"");
	}
}

static void filters_of_the_documentation_work(void **state)
{
	static const struct {
		const char *filter;
		size_t count;
	} filters[] = {
		{ "activityDisplayName%20eq%20'Update%20user'", 1 },
		{ "startswith(activityDisplayName,'Add')", 2 },
		{ "startswith(initiatedBy/user/userPrincipalName,'Sync_SYNC02_')", 1 },
		{ "initiatedBy/user/userPrincipalName%20eq%20'admin@contoso.com'", 2 },
		{ "activityDateTime%20ge%202026-03-04T02:18:00Z", 1 },
		{ "activityDateTime%20le%202026-03-04T02:18:00Z", 2 },
		{ "activityDateTime%20ge%202026-03-04T02:00:00Z%20and%20activityDateTime%20le%202026-03-04T03:00:00Z",
			3 },
		{ "initiatedBy/app/displayName%20eq%20'nobody'", 0 },
	};
	struct tenant *tenant = *state;
	struct actor staging = the_staging_server();
	char id[GUID_TEXT_BYTES], query[512];

	make_user(tenant, "boss", id);
	make_user(tenant, "ada", id);
	simulator_set_now_ms(tenant->simulator, NOW_MS + 60 * 1000);
	set_as(tenant, &staging, id, "department", "\"Sales\"");
	for (size_t i = 0; i < COUNT_OF(filters); i++) {
		snprintf(query, sizeof(query), "?$filter=%s", filters[i].filter);
		{
			CLEANUP(reply_release) struct reply reply = audits(tenant, query);

			if (reply.status != 200 || value_count(&reply) != filters[i].count)
				fail_msg("%s: status %d, %zu records", filters[i].filter,
					reply.status, value_count(&reply));
		}
	}
	snprintf(query, sizeof(query), "?$filter=targetResources/any(t:t/id%%20eq%%20'%s')", id);
	{
		CLEANUP(reply_release) struct reply reply = audits(tenant, query);

		assert_int_equal(value_count(&reply), 2);
	}
}

static void other_filters_and_orders_are_refused(void **state)
{
	static const char *const queries[] = { "?$filter=category%20eq%20'UserManagement'",
		"?$filter=result%20eq%20'success'", "?$filter=operationType%20eq%20'Update'",
		"?$orderby=category", "?$top=1001", "?$select=id" };

	for (size_t i = 0; i < COUNT_OF(queries); i++) {
		CLEANUP(reply_release) struct reply reply = audits(*state, queries[i]);

		assert_refused(reply, 400, "Request_UnsupportedQuery");
	}
}

static void pages_go_on_in_either_order(void **state)
{
	struct tenant *tenant = *state;
	static const char *const orders[] = { "?$top=2",
		"?$top=2&$orderby=activityDateTime%20asc" };
	char id[GUID_TEXT_BYTES], name[16], path[4096];

	for (unsigned i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		make_user(tenant, name, id);
	}
	for (size_t order = 0; order < COUNT_OF(orders); order++) {
		size_t seen = 0, pages = 0;
		char last[64] = "";

		snprintf(path, sizeof(path), "/v1.0/auditLogs/directoryAudits%s", orders[order]);
		while (path[0]) {
			CLEANUP(reply_release) struct reply reply = get(tenant, path);

			assert_int_equal(reply.status, 200);
			for (size_t i = 0; i < value_count(&reply); i++, seen++) {
				const char *now = json_text_or_null(
					record_at(&reply, i), "activityDateTime");

				assert_true(!last[0] ||
					(order ? strcmp(now, last) > 0 : strcmp(now, last) < 0));
				snprintf(last, sizeof(last), "%s", now);
			}
			pages++;
			snprintf(path, sizeof(path), "%s",
				next_path(&reply) ? next_path(&reply) : "");
		}
		assert_int_equal(seen, 5);
		assert_int_equal(pages, 3);
	}
}

static void records_are_kept_for_thirty_days(void **state)
{
	struct tenant *tenant = *state;
	char id[GUID_TEXT_BYTES];

	make_user(tenant, "ada", id);
	simulator_set_now_ms(tenant->simulator, NOW_MS + INT64_C(31) * 24 * 60 * 60 * 1000);
	sign_in(tenant);
	{
		CLEANUP(reply_release) struct reply reply = audits(tenant, "");

		assert_int_equal(value_count(&reply), 0);
	}
}

/* ---- the book ------------------------------------------------------------------------------- */

struct book {
	char lines[4096];
};

static bool note(void *context, const struct write_row *row, struct error *err UNUSED)
{
	struct book *book = context;
	size_t used = strlen(book->lines);

	snprintf(book->lines + used, sizeof(book->lines) - used, "%s %s %s %s %s>%s\n", row->role,
		row->door, row->operation, row->attribute ? row->attribute : "-",
		strcmp(row->operation, "set") == 0 && row->old_json ? row->old_json : "",
		strcmp(row->operation, "set") == 0 && row->new_json ? row->new_json : "");
	return true;
}

static void the_book_knows_every_write_and_its_writer(void **state)
{
	struct tenant *tenant = *state;
	struct actor staging = the_staging_server();
	struct error err = { 0 };
	struct book book = { "" };
	char group[GUID_TEXT_BYTES], id[GUID_TEXT_BYTES];

	make_user(tenant, "ada", id);
	make_security_group(tenant, "crew", group);
	set_as(tenant, &staging, id, "department", "\"Sales\"");
	set_as(tenant, &staging, id, "department", "\"Sales\"");
	set_as(tenant, &staging, id, "usageLocation", "\"GB\"");
	set_as(tenant, &staging, id, "department", "null");
	link_as_admin(tenant, group, RELATION_MEMBERS, id);
	assert_true(tenant_delete(tenant->simulator, &staging, id, &err));
	assert_true(writes_each(tenant->simulator, 0, note, &book, &err));
	assert_string_equal(book.lines,
		"admin graph create - >\n"
		"admin graph create - >\n"
		"staging sync set department >\"Sales\"\n"
		"staging sync set usageLocation >\"GB\"\n"
		"staging sync set department \"Sales\">\n"
		"admin graph add members >\n"
		"staging sync delete - >\n");
	assert_int_equal(writes_last(tenant->simulator), 7);
}

static void what_is_rolled_back_was_never_written(void **state)
{
	struct tenant *tenant = *state;
	struct error err = { 0 };
	char id[GUID_TEXT_BYTES];

	assert_true(simulator_begin(tenant->simulator, &err));
	make_user(tenant, "ada", id);
	simulator_rollback(tenant->simulator);
	assert_null(tenant_get(tenant->simulator, id, NULL, NULL));
	assert_int_equal(writes_last(tenant->simulator), 0);
	assert_false(simulator_commit(tenant->simulator, &err));
}

static void an_address_has_one_live_holder(void **state)
{
	struct tenant *tenant = *state;
	struct actor staging = the_staging_server();
	struct error err = { 0 };
	char ada[GUID_TEXT_BYTES], bob[GUID_TEXT_BYTES], holder[GUID_TEXT_BYTES];
	CLEANUP(json_freep) json_t *stolen = json_pack("[s]", "smtp:ADA@contoso.com");
	enum object_state where;

	make_user(tenant, "ada", ada);
	make_user(tenant, "bob", bob);
	assert_false(tenant_set(tenant->simulator, &staging, bob, "proxyAddresses", stolen, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	err = (struct error){ 0 };
	assert_true(
		tenant_find_address(tenant->simulator, "ada@CONTOSO.com", NULL, holder, &where));
	assert_string_equal(holder, ada);
	assert_true(tenant_delete(tenant->simulator, &staging, ada, &err));
	assert_true(tenant_set(tenant->simulator, &staging, bob, "proxyAddresses", stolen, &err));
	assert_true(tenant_find_address(
		tenant->simulator, "SMTP:ada@contoso.com", bob, holder, &where));
	assert_int_equal(where, OBJECT_DELETED);
	assert_false(tenant_restore(tenant->simulator, &staging, ada, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(an_export_is_one_record_in_the_documented_shape),
		FRESH(properties_bear_the_directorys_inner_names),
		FRESH(usage_location_is_never_logged),
		FRESH(the_applications_own_writes_name_the_application),
		FRESH(a_membership_is_logged_on_the_member),
		FRESH(activities_follow_from_what_was_done),
		FRESH(a_name_with_quotes_stays_json),
		FRESH(filters_of_the_documentation_work),
		FRESH(other_filters_and_orders_are_refused),
		FRESH(pages_go_on_in_either_order),
		FRESH(records_are_kept_for_thirty_days),
		FRESH(the_book_knows_every_write_and_its_writer),
		FRESH(what_is_rolled_back_was_never_written),
		FRESH(an_address_has_one_live_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
