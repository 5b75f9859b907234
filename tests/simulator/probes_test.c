/* What tells a client where it is, what it may do and who else works here: contract 8, 9, facts 2. */
#include "tests/simulator/tenant_fixture.h"

#define SYNC_SERVICE "6bf85cfa-ac8a-4be5-b5de-425a0d0dc016"
#define PRINCIPALS   "/v1.0/servicePrincipals"
#define ASSIGNMENTS  "/v1.0/roleManagement/directory/roleAssignments"
#define DEFINITIONS  "/v1.0/roleManagement/directory/roleDefinitions"
#define SNAPSHOTS    "/v1.0/directory/recovery/snapshots"

#define GLOBAL_ADMINISTRATOR "62e90394-69f5-4237-9190-012177145e10"
#define SYNC_ACCOUNTS        "d29b2b05-8046-44ba-8758-1e26182fcf32"

static const json_t *item(const struct reply *reply, size_t index)
{
	return json_array_get(json_object_get(reply->body, "value"), index);
}

static const char *text_of(const struct reply *reply, size_t index, const char *name)
{
	const char *text = json_text_or_null(item(reply, index), name);

	assert_non_null(text);
	return text;
}

/* ---- organization ------------------------------------------------------------------------------ */

static void the_organisation_says_who_it_is_and_when_it_was_synced(void **state)
{
	struct tenant *tenant = *state;
	struct error err = { 0 };
	const json_t *domains;

	assert_true(tenant_set_last_sync_ms(tenant->simulator, NOW_MS, &err));
	{
		CLEANUP(reply_release)
		struct reply reply = get(tenant,
			"/v1.0/organization?$select=id,displayName,onPremisesSyncEnabled,"
			"onPremisesLastSyncDateTime,verifiedDomains,tenantType");

		assert_int_equal(reply.status, 200);
		assert_string_equal(text_of(&reply, 0, "id"), simulator_tenant(tenant->simulator));
		assert_string_equal(
			text_of(&reply, 0, "onPremisesLastSyncDateTime"), "2026-03-04T02:17:41Z");
		assert_string_equal(text_of(&reply, 0, "tenantType"), "AAD");
		assert_true(
			json_is_true(json_object_get(item(&reply, 0), "onPremisesSyncEnabled")));
		domains = json_object_get(item(&reply, 0), "verifiedDomains");
		assert_int_equal(json_array_size(domains), 2);
		assert_true(json_is_true(json_object_get(json_array_get(domains, 0), "isInitial")));
		assert_true(json_is_true(json_object_get(json_array_get(domains, 1), "isDefault")));
	}
}

/* ---- what applications may not, or not yet ------------------------------------------------------ */

static void no_permission_opens_on_premises_synchronization_to_an_application(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with(
		(struct simulator_options){ .grant = "OnPremDirectorySynchronization.Read.All" });
	CLEANUP(reply_release)
	struct reply reply = get(tenant, "/v1.0/directory/onPremisesSynchronization");

	assert_refused(reply, 403, "Authorization_RequestDenied");
}

static void snapshots_need_their_own_permission(void **state)
{
	CLEANUP(tenant_freep)
	struct tenant *granted = tenant_with(
		(struct simulator_options){ .grant = "EntraBackup.Read.All" });
	CLEANUP(reply_release) struct reply denied = get(*state, SNAPSHOTS);
	CLEANUP(reply_release) struct reply reply = get(granted, SNAPSHOTS);

	assert_refused(denied, 403, "Authorization_RequestDenied");
	assert_int_equal(reply.status, 200);
	assert_int_equal(value_count(&reply), 5);
	assert_string_equal(text_of(&reply, 0, "createdDateTime"), "2026-03-04T00:00:00Z");
	assert_string_equal(text_of(&reply, 4, "createdDateTime"), "2026-02-28T00:00:00Z");
}

static void a_snapshot_counts_the_objects_that_changed_since_the_one_before(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with(
		(struct simulator_options){ .grant = "EntraBackup.Read.All" });
	char ada[GUID_TEXT_BYTES], bob[GUID_TEXT_BYTES];

	make_user(tenant, "ada", ada);
	make_user(tenant, "bob", bob);
	set_as_admin(tenant, ada, "jobTitle", "\"Chef\"");
	simulator_set_now_ms(tenant->simulator, NOW_MS + INT64_C(86400000));
	sign_in(tenant);
	{
		CLEANUP(reply_release) struct reply reply = get(tenant, SNAPSHOTS);

		assert_int_equal(
			json_integer_value(json_object_get(item(&reply, 0), "totalChangedObjects")),
			2);
		assert_int_equal(
			json_integer_value(json_object_get(item(&reply, 1), "totalChangedObjects")),
			0);
	}
}

static void a_probe_without_its_permission_is_403(void **state UNUSED)
{
	static const struct {
		const char *deny, *method, *path, *body;
	} cases[] = {
		{ "Directory.Read.All", "GET", PRINCIPALS, NULL },
		{ "Directory.Read.All", "GET", PRINCIPALS "/" NOBODY "/appRoleAssignedTo", NULL },
		{ "Directory.Read.All", "GET", ASSIGNMENTS, NULL },
		{ "Directory.Read.All", "GET", DEFINITIONS, NULL },
		{ "Directory.Read.All", "POST",
			"/v1.0/directoryObjects/getAvailableExtensionProperties", "{}" },
		{ "Organization.Read.All Directory.Read.All", "GET", "/v1.0/organization", NULL },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_with(
			(struct simulator_options){ .deny = cases[i].deny });
		CLEANUP(reply_release)
		struct reply reply = call(tenant, cases[i].method, cases[i].path, cases[i].body);

		assert_refused(reply, 403, "Authorization_RequestDenied");
	}
}

static void the_least_permission_is_enough_for_a_probe(void **state UNUSED)
{
	static const struct {
		const char *grant, *path;
	} cases[] = {
		{ "Application.Read.All", PRINCIPALS },
		{ "RoleManagement.Read.Directory", ASSIGNMENTS },
		{ "RoleManagement.Read.All", DEFINITIONS },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_with((struct simulator_options){
			.deny = "Directory.Read.All", .grant = cases[i].grant });
		CLEANUP(reply_release) struct reply reply = get(tenant, cases[i].path);

		assert_int_equal(reply.status, 200);
	}
}

/* ---- applications of the sync servers ----------------------------------------------------------- */

static void applications_of_sync_servers_hold_the_role_of_the_sync_service(void **state)
{
	struct tenant *tenant = *state;
	struct error err = { 0 };
	char path[512];

	assert_true(simulator_hand_add_sync_application(tenant->simulator, "SYNC01", &err));
	assert_true(simulator_hand_add_sync_application(tenant->simulator, "SYNC-02", &err));
	{
		CLEANUP(reply_release)
		struct reply service = get(tenant,
			PRINCIPALS "?$filter=appId%20eq%20'" SYNC_SERVICE
				   "'&$select=id,displayName");

		assert_int_equal(value_count(&service), 1);
		assert_string_equal(text_of(&service, 0, "displayName"),
			"Microsoft Entra AD Synchronization Service");
		assert_int_equal(json_object_size(item(&service, 0)), 2);
		at(path, PRINCIPALS "/{}/appRoleAssignedTo", text_of(&service, 0, "id"));
	}
	{
		CLEANUP(reply_release) struct reply assigned = get(tenant, path);

		assert_int_equal(value_count(&assigned), 2);
		assert_memory_equal(text_of(&assigned, 0, "principalDisplayName"),
			"ConnectSyncProvisioning_SYNC01_", 31);
		assert_memory_equal(text_of(&assigned, 1, "principalDisplayName"),
			"ConnectSyncProvisioning_SYNC-02_", 32);
		assert_int_equal(strlen(text_of(&assigned, 0, "principalDisplayName")), 31 + 12);
		assert_string_equal(text_of(&assigned, 0, "principalType"), "ServicePrincipal");
	}
}

static void classic_servers_have_no_application(void **state)
{
	CLEANUP(reply_release)
	struct reply service = get(
		*state, PRINCIPALS "?$filter=appId%20eq%20'" SYNC_SERVICE "'&$select=id");
	char path[512];
	CLEANUP(reply_release)
	struct reply assigned = get(
		*state, at(path, PRINCIPALS "/{}/appRoleAssignedTo", text_of(&service, 0, "id")));
	CLEANUP(reply_release)
	struct reply stranger = get(*state, PRINCIPALS "/" NOBODY "/appRoleAssignedTo");

	assert_int_equal(assigned.status, 200);
	assert_int_equal(value_count(&assigned), 0);
	assert_refused(stranger, 404, "Request_ResourceNotFound");
}

static void what_small_collections_do_not_offer_is_400(void **state)
{
	static const char *const paths[] = { PRINCIPALS "?$select=nonsense",
		PRINCIPALS "?$filter=servicePrincipalType%20eq%20'Application'",
		PRINCIPALS "?$expand=owners", PRINCIPALS "?$orderby=displayName",
		ASSIGNMENTS "?$filter=directoryScopeId%20eq%20'/'", PRINCIPALS "?$top=0",
		DEFINITIONS "?$expand=principal" };

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		CLEANUP(reply_release) struct reply reply = get(*state, paths[i]);

		if (reply.status != 400)
			fail_msg("%s: %d", paths[i], reply.status);
	}
}

/* ---- directory roles ---------------------------------------------------------------------------- */

static struct tenant *with_roles(void)
{
	const struct simulator_size size = { .users = 450, .groups = 60, .contacts = 20 };
	struct tenant *tenant = tenant_with((struct simulator_options){ 0 });
	struct error err = { 0 };

	assert_true(simulator_populate(tenant->simulator, &size, &err));
	return tenant;
}

static void the_accounts_of_the_sync_servers_have_their_role(void **state UNUSED)
{
	CLEANUP(tenant_freep) struct tenant *tenant = with_roles();
	CLEANUP(reply_release)
	struct reply reply = get(tenant,
		ASSIGNMENTS "?$filter=roleDefinitionId%20eq%20'" SYNC_ACCOUNTS
			    "'&$expand=principal");

	assert_int_equal(value_count(&reply), 2);
	for (size_t i = 0; i < 2; i++) {
		const json_t *principal = json_object_get(item(&reply, i), "principal");

		assert_string_equal(text_of(&reply, i, "directoryScopeId"), "/");
		assert_memory_equal(
			json_text_or_null(principal, "userPrincipalName"), "Sync_SYNC0", 10);
		assert_string_equal(
			json_text_or_null(principal, "id"), text_of(&reply, i, "principalId"));
	}
}

static void role_assignments_page_and_show_their_principal_only_on_wish(void **state UNUSED)
{
	CLEANUP(tenant_freep) struct tenant *tenant = with_roles();
	CLEANUP(reply_release) struct reply first = get(tenant, ASSIGNMENTS "?$top=2");
	const char *next = next_path(&first);

	assert_int_equal(value_count(&first), 2);
	assert_null(json_object_get(item(&first, 0), "principal"));
	assert_string_equal(text_of(&first, 0, "roleDefinitionId"), GLOBAL_ADMINISTRATOR);
	assert_non_null(next);
	{
		CLEANUP(reply_release) struct reply second = get(tenant, next);

		assert_int_equal(value_count(&second), 1);
		assert_null(next_path(&second));
	}
}

static void built_in_roles_have_the_same_ids_everywhere(void **state)
{
	CLEANUP(reply_release)
	struct reply reply = get(*state, DEFINITIONS "?$select=id,displayName,templateId");
	bool found = false;

	assert_true(value_count(&reply) >= 4);
	for (size_t i = 0; i < value_count(&reply); i++) {
		assert_string_equal(text_of(&reply, i, "id"), text_of(&reply, i, "templateId"));
		found |= strcmp(text_of(&reply, i, "id"), GLOBAL_ADMINISTRATOR) == 0;
	}
	assert_true(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(the_organisation_says_who_it_is_and_when_it_was_synced),
		cmocka_unit_test(no_permission_opens_on_premises_synchronization_to_an_application),
		FRESH(snapshots_need_their_own_permission),
		cmocka_unit_test(a_snapshot_counts_the_objects_that_changed_since_the_one_before),
		cmocka_unit_test(a_probe_without_its_permission_is_403),
		cmocka_unit_test(the_least_permission_is_enough_for_a_probe),
		FRESH(applications_of_sync_servers_hold_the_role_of_the_sync_service),
		FRESH(classic_servers_have_no_application),
		FRESH(what_small_collections_do_not_offer_is_400),
		cmocka_unit_test(the_accounts_of_the_sync_servers_have_their_role),
		cmocka_unit_test(role_assignments_page_and_show_their_principal_only_on_wish),
		FRESH(built_in_roles_have_the_same_ids_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
