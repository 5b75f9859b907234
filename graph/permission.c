/*
 * Which application permission a request needs (contract 9.1 and 9.3), the least one first, for
 * the sentence that follows a 403. First match wins; a row matches what stands below its path, too.
 */
#include "graph/graph_internal.h"

#define READ_USERS    "User.Read.All or Directory.Read.All"
#define READ_GROUPS   "GroupMember.Read.All, Group.Read.All or Directory.Read.All"
#define READ_HIDDEN   READ_GROUPS ", and Member.Read.Hidden for hidden memberships"
#define ROLE_GROUPS   ", and RoleManagement.ReadWrite.Directory for a role-assignable group"
#define WRITE_GROUPS  "Group.ReadWrite.All or Directory.ReadWrite.All" ROLE_GROUPS
#define WRITE_MEMBERS "GroupMember.ReadWrite.All or Group.ReadWrite.All" ROLE_GROUPS
#define WRITE_OWNERS  "Group.ReadWrite.All" ROLE_GROUPS
#define READ_ROLES    "RoleManagement.Read.Directory or Directory.Read.All"

static const struct {
	const char *method, *path, *permission;
} rows[] = {
	{ "GET", "/users/{id}/onPremisesSyncBehavior",
		"User-OnPremisesSyncBehavior.ReadWrite.All" },
	{ "GET", "/groups/{id}/onPremisesSyncBehavior",
		"Group-OnPremisesSyncBehavior.ReadWrite.All" },
	{ "GET", "/contacts/{id}/onPremisesSyncBehavior",
		"Contacts-OnPremisesSyncBehavior.ReadWrite.All" },
	{ "GET", "/users", READ_USERS },
	{ "GET", "/groups/{id}/members", READ_HIDDEN },
	{ "GET", "/groups/{id}/transitiveMembers", READ_HIDDEN },
	{ "GET", "/groups", READ_GROUPS },
	{ "GET", "/contacts", "OrgContact.Read.All or Directory.Read.All" },
	{ "GET", "/devices", "Device.Read.All or Directory.Read.All" },
	{ "GET", "/organization", "Organization.Read.All or Directory.Read.All" },
	{ "GET", "/directory/deletedItems/microsoft.graph.user", READ_USERS },
	{ "GET", "/directory/deletedItems/microsoft.graph.group",
		"Group.Read.All or Directory.Read.All" },
	{ "GET", "/directory/deletedItems",
		"User.Read.All or Group.Read.All, by kind, or Directory.Read.All" },
	{ "GET", "/directory/recovery", "EntraBackup.Read.All" },
	{ "GET", "/directory/onPremisesSynchronization",
		"a signed-in Global Administrator: applications may not" },
	{ "GET", "/auditLogs/directoryAudits", "AuditLog.Read.All and Directory.Read.All" },
	{ "GET", "/roleManagement/directory/roleEligibilityScheduleInstances",
		"RoleEligibilitySchedule.Read.Directory or RoleManagement.Read.Directory" },
	{ "GET", "/roleManagement", READ_ROLES },
	{ "GET", "/directoryObjects", "Directory.Read.All" },
	{ "GET", "/applications", "Application.Read.All" },
	{ "GET", "/servicePrincipals", "Application.Read.All or Directory.Read.All" },
	{ "POST", "/directoryObjects/getAvailableExtensionProperties", "Directory.Read.All" },
	{ "POST", "/directoryObjects/getByIds", "Directory.Read.All" },
	{ "POST", "/directory/deletedItems/{id}/restore",
		"User.DeleteRestore.All or User.ReadWrite.All for a user, Group.ReadWrite.All for a "
		"group" },
	{ "PATCH", "/users/{id}/onPremisesSyncBehavior",
		"User-OnPremisesSyncBehavior.ReadWrite.All" },
	{ "PATCH", "/groups/{id}/onPremisesSyncBehavior",
		"Group-OnPremisesSyncBehavior.ReadWrite.All" },
	{ "PATCH", "/contacts/{id}/onPremisesSyncBehavior",
		"Contacts-OnPremisesSyncBehavior.ReadWrite.All" },
	/* ReadUpdate alone leaves out what is sensitive (contract 9.2). */
	{ "PATCH", "/users",
		"User.ReadWrite.All, or User.ReadUpdate.All and what the property wants: "
		"User.EnableDisableAccount.All for accountEnabled, User-Phone.ReadWrite.All for phones, "
		"User-Mail.ReadWrite.All for otherMails" },
	{ "PUT", "/users/{id}/manager", "User.ReadWrite.All" },
	{ "DELETE", "/users/{id}/manager", "User.ReadWrite.All" },
	{ "DELETE", "/users", "User.ReadWrite.All or User.DeleteRestore.All" },
	{ "POST", "/groups/{id}/members", WRITE_MEMBERS },
	{ "DELETE", "/groups/{id}/members", WRITE_MEMBERS },
	{ "POST", "/groups/{id}/owners", WRITE_OWNERS },
	{ "DELETE", "/groups/{id}/owners", WRITE_OWNERS },
	{ "DELETE", "/groups", WRITE_GROUPS },
	{ "PATCH", "/groups", WRITE_GROUPS },
};

const char *graph_permission(const char *method, const char *path)
{
	return permission_for(method, path);
}

const char *permission_for(const char *method, const char *path)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strcmp(rows[i].method, method) == 0 && path_matches(rows[i].path, path, true))
			return rows[i].permission;
	}
	return NULL;
}
