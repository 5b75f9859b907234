/*
 * Which application permission a request needs at least (contract 9.1), for the sentence that
 * follows a 403. First match wins; a row matches what stands below its path, too.
 */
#include "graph/graph_internal.h"

static const struct {
	const char *method, *path, *permission;
} rows[] = {
	{ "GET", "/users/{id}/onPremisesSyncBehavior",
		"User-OnPremisesSyncBehavior.ReadWrite.All" },
	{ "GET", "/groups/{id}/onPremisesSyncBehavior",
		"Group-OnPremisesSyncBehavior.ReadWrite.All" },
	{ "GET", "/contacts/{id}/onPremisesSyncBehavior",
		"Contacts-OnPremisesSyncBehavior.ReadWrite.All" },
	{ "GET", "/users", "User.Read.All" },
	{ "GET", "/groups/{id}/members",
		"GroupMember.Read.All, and Member.Read.Hidden for hidden memberships" },
	{ "GET", "/groups", "GroupMember.Read.All" },
	{ "GET", "/contacts", "OrgContact.Read.All" },
	{ "GET", "/devices", "Device.Read.All" },
	{ "GET", "/organization", "Organization.Read.All" },
	{ "GET", "/directory/deletedItems/microsoft.graph.user", "User.Read.All" },
	{ "GET", "/directory/deletedItems/microsoft.graph.group", "Group.Read.All" },
	{ "GET", "/directory/deletedItems", "User.Read.All or Group.Read.All, by kind" },
	{ "GET", "/auditLogs/directoryAudits", "AuditLog.Read.All and Directory.Read.All" },
	{ "GET", "/roleManagement", "RoleManagement.Read.Directory" },
	{ "GET", "/directoryObjects", "Directory.Read.All" },
	{ "GET", "/applications", "Application.Read.All" },
	{ "POST", "/directory/deletedItems/{id}/restore",
		"User.DeleteRestore.All for a user, Group.ReadWrite.All for a group" },
	{ "PUT", "/users/{id}/manager", "User.ReadWrite.All" },
	{ "DELETE", "/users", "User.ReadWrite.All or User.DeleteRestore.All" },
	{ "PATCH", "/users", "User.ReadWrite.All or User.ReadUpdate.All" },
	{ "POST", "/groups/{id}/members", "GroupMember.ReadWrite.All" },
	{ "DELETE", "/groups/{id}/members", "GroupMember.ReadWrite.All" },
	{ "POST", "/groups/{id}/owners", "Group.ReadWrite.All" },
	{ "DELETE", "/groups", "Group.ReadWrite.All" },
	{ "PATCH", "/groups", "Group.ReadWrite.All" },
};

const char *permission_for(const char *method, const char *path)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strcmp(rows[i].method, method) == 0 && path_matches(rows[i].path, path, true))
			return rows[i].permission;
	}
	return NULL;
}
