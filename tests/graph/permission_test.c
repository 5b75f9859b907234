/* Which permission a refused call lacks: contract 9.1 and 9.3, written down a second time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph/graph_internal.h"

#define ID     "aaaaaaaa-0000-4000-8000-000000000001"
#define TARGET "bbbbbbbb-0000-4000-8000-000000000001"
#define GROUP  "/groups/" ID

static void every_call_of_the_contract_names_what_it_needs(void **state UNUSED)
{
	static const struct {
		const char *method, *path;
		const char *least, *also; /* NULL: nothing else works */
	} calls[] = {
		{ "GET", "/users", "User.Read.All", "Directory.Read.All" },
		{ "GET", "/users?$select=id&$top=999", "User.Read.All", "Directory.Read.All" },
		{ "GET", "/users/" ID "?$select=id", "User.Read.All", "Directory.Read.All" },
		{ "GET", "/users/delta?$select=id", "User.Read.All", "Directory.Read.All" },
		{ "GET", "/users/" ID "/manager?$select=id", "User.Read.All",
			"Directory.Read.All" },
		{ "GET", "/users/" ID "/memberOf", "User.Read.All", "Directory.Read.All" },
		{ "GET", "/groups?$top=999", "GroupMember.Read.All", "Group.Read.All" },
		{ "GET", "/groups/delta", "GroupMember.Read.All", "Directory.Read.All" },
		{ "GET", GROUP "/members?$select=id", "GroupMember.Read.All",
			"Member.Read.Hidden" },
		{ "GET", GROUP "/transitiveMembers", "GroupMember.Read.All", "Member.Read.Hidden" },
		{ "GET", GROUP "/owners", "GroupMember.Read.All", "Directory.Read.All" },
		{ "GET", "/contacts", "OrgContact.Read.All", "Directory.Read.All" },
		{ "GET", "/contacts/delta", "OrgContact.Read.All", "Directory.Read.All" },
		{ "GET", "/devices", "Device.Read.All", "Directory.Read.All" },
		{ "GET", "/organization?$select=id,displayName,onPremisesLastSyncDateTime",
			"Organization.Read.All", "Directory.Read.All" },
		{ "GET", "/directory/deletedItems/microsoft.graph.user?$select=id", "User.Read.All",
			"Directory.Read.All" },
		{ "GET", "/directory/deletedItems/microsoft.graph.group", "Group.Read.All",
			"Directory.Read.All" },
		{ "GET", "/directory/deletedItems/" ID, "User.Read.All", "Group.Read.All" },
		{ "POST", "/directory/deletedItems/" ID "/restore", "User.DeleteRestore.All",
			"Group.ReadWrite.All for a group" },
		{ "GET", "/auditLogs/directoryAudits?$top=999", "AuditLog.Read.All",
			"and Directory.Read.All" },
		{ "POST", "/directoryObjects/getAvailableExtensionProperties", "Directory.Read.All",
			NULL },
		{ "PATCH", "/users/" ID, "User.ReadWrite.All", "User.ReadUpdate.All" },
		{ "PATCH", "/users/" ID, "User-Phone.ReadWrite.All for phones",
			"User-Mail.ReadWrite.All for otherMails" },
		{ "PATCH", "/users/" ID, "User.EnableDisableAccount.All for accountEnabled", NULL },
		{ "PUT", "/users/" ID "/manager/$ref", "User.ReadWrite.All", NULL },
		{ "DELETE", "/users/" ID "/manager/$ref", "User.ReadWrite.All", NULL },
		{ "DELETE", "/users/" ID, "User.ReadWrite.All", "User.DeleteRestore.All" },
		{ "PATCH", GROUP, "Group.ReadWrite.All", "Directory.ReadWrite.All" },
		{ "DELETE", GROUP, "Group.ReadWrite.All", "Directory.ReadWrite.All" },
		{ "PATCH", GROUP, "Group.ReadWrite.All",
			"RoleManagement.ReadWrite.Directory for a role-assignable group" },
		{ "POST", GROUP "/members/$ref", "GroupMember.ReadWrite.All",
			"Group.ReadWrite.All" },
		{ "DELETE", GROUP "/members/" TARGET "/$ref", "GroupMember.ReadWrite.All",
			"RoleManagement.ReadWrite.Directory" },
		{ "POST", GROUP "/owners/$ref", "Group.ReadWrite.All",
			"RoleManagement.ReadWrite.Directory" },
		{ "DELETE", GROUP "/owners/" TARGET "/$ref", "Group.ReadWrite.All",
			"RoleManagement.ReadWrite.Directory" },
		{ "GET", "/users/" ID "/onPremisesSyncBehavior?$select=isCloudManaged",
			"User-OnPremisesSyncBehavior.ReadWrite.All", NULL },
		{ "PATCH", GROUP "/onPremisesSyncBehavior",
			"Group-OnPremisesSyncBehavior.ReadWrite.All", NULL },
		{ "GET", "/contacts/" ID "/onPremisesSyncBehavior",
			"Contacts-OnPremisesSyncBehavior.ReadWrite.All", NULL },
		{ "GET", "/directory/recovery/snapshots", "EntraBackup.Read.All", NULL },
		{ "GET", "/directory/recovery/jobs", "EntraBackup.Read.All", NULL },
		{ "GET", "/directory/onPremisesSynchronization", "applications may not", NULL },
		{ "GET", "/roleManagement/directory/roleAssignments?$select=id",
			"RoleManagement.Read.Directory", "Directory.Read.All" },
		{ "GET", "/roleManagement/directory/roleDefinitions",
			"RoleManagement.Read.Directory", "Directory.Read.All" },
		{ "GET", "/roleManagement/directory/roleEligibilityScheduleInstances",
			"RoleEligibilitySchedule.Read.Directory", "RoleManagement.Read.Directory" },
	};

	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		const char *permission = permission_for(calls[i].method, calls[i].path);

		if (!permission)
			fail_msg("nothing for %s %s", calls[i].method, calls[i].path);
		if (!strstr(permission, calls[i].least) ||
			(calls[i].also && !strstr(permission, calls[i].also)))
			fail_msg("%s %s: %s", calls[i].method, calls[i].path, permission);
	}
}

static void every_write_that_we_can_send_names_one(void **state UNUSED)
{
	static const enum kind_id kinds[] = { KIND_USER, KIND_GROUP };
	char root[] = "https://graph.microsoft.com/v1.0";
	const struct graph graph = { .root = root };
	size_t writes = 0;

	for (int operation = 0; operation < GRAPH_OPERATION_COUNT; operation++) {
		for (size_t k = 0; k < COUNT_OF(kinds); k++) {
			CLEANUP(buf_release) struct buf path = BUF_UP_TO(NET_URL_MAX);
			CLEANUP(buf_release) struct buf body = BUF_UP_TO(GRAPH_WRITE_BODY_MAX);
			struct graph_write write = {
				.operation = (enum graph_operation)operation,
				.kind = kind_get(kinds[k]),
				.id = ID,
				.target = TARGET,
			};
			struct error err = { 0 };

			if (operation == GRAPH_SET)
				write.body = SPAN_LITERAL("{}");
			/* Not every kind has every operation. */
			if (!write_check(&write, 1, &err))
				continue;
			write_add_request(&write, &graph, &path, &body);
			if (!permission_for(write_method(&write), buf_text(&path)))
				fail_msg(
					"nothing for %s %s", write_method(&write), buf_text(&path));
			writes++;
		}
	}
	assert_true(writes >= GRAPH_OPERATION_COUNT);
}

static void a_call_that_nobody_described_names_none(void **state UNUSED)
{
	assert_null(permission_for("GET", "/me"));
	assert_null(permission_for("POST", "/users"));
	assert_null(permission_for("GET", "/usersAndMore"));
	assert_null(permission_for("POST", "/$batch"));
	assert_null(permission_for("PUT", "/users/not-a-guid/manager/$ref"));
	assert_null(permission_for("get", "/users"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_of_the_contract_names_what_it_needs),
		cmocka_unit_test(every_write_that_we_can_send_names_one),
		cmocka_unit_test(a_call_that_nobody_described_names_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
