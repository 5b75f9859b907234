/* Which permission opens which call: contract 9.1, row by row. */
#include <sodium.h>

#include "tests/simulator/tenant_fixture.h"

#define ALL_READS                                                                                  \
	"User.Read.All GroupMember.Read.All OrgContact.Read.All Organization.Read.All "            \
	"AuditLog.Read.All Directory.Read.All "
#define ALL_WRITES                                                                                 \
	"User.ReadWrite.All User.DeleteRestore.All User.EnableDisableAccount.All "                 \
	"User-LifeCycleInfo.ReadWrite.All Group.ReadWrite.All GroupMember.ReadWrite.All "          \
	"User-OnPremisesSyncBehavior.ReadWrite.All Group-OnPremisesSyncBehavior.ReadWrite.All "    \
	"Contacts-OnPremisesSyncBehavior.ReadWrite.All"

/* A tenant whose application holds these permissions and no others. */
static struct tenant *tenant_holding(const char *permissions)
{
	CLEANUP(buf_release) struct buf deny = BUF_UP_TO(4096);
	CLEANUP(memory_freep) char *all = memory_text(ALL_READS ALL_WRITES);
	char *at_name = all, *name;

	while ((name = strsep(&at_name, " ")) != NULL) {
		CLEANUP(buf_release) struct buf word = BUF_UP_TO(256);
		CLEANUP(buf_release) struct buf held = BUF_UP_TO(4096);

		buf_addf(&word, " %s ", name);
		buf_addf(&held, " %s ", permissions);
		if (!strstr(buf_text(&held), buf_text(&word)))
			buf_addf(&deny, "%s ", name);
	}
	return tenant_with(
		(struct simulator_options){ .deny = buf_text(&deny), .grant = permissions });
}

struct call_case {
	const char *permissions;
	const char *method, *path, *body; /* {U}, {G}: the user, the group */
	bool allowed;
};

static const struct call_case cases[] = {
	{ "User.Read.All", "GET", "/v1.0/users", NULL, true },
	{ "Directory.Read.All", "GET", "/v1.0/users", NULL, true },
	{ "GroupMember.Read.All", "GET", "/v1.0/users", NULL, false },
	{ "User.Read.All", "GET", "/v1.0/users/delta", NULL, true },
	{ "OrgContact.Read.All", "GET", "/v1.0/users/delta", NULL, false },
	{ "User.Read.All", "GET", "/v1.0/users?$select=employeeLeaveDateTime", NULL, false },
	{ "User.Read.All User-LifeCycleInfo.Read.All", "GET",
		"/v1.0/users?$select=employeeLeaveDateTime", NULL, true },
	{ "User.Read.All", "GET", "/v1.0/users/delta?$select=employeeLeaveDateTime", NULL, false },
	{ "GroupMember.Read.All", "GET", "/v1.0/groups", NULL, true },
	{ "Group.Read.All", "GET", "/v1.0/groups", NULL, true },
	{ "Group.Read.All", "GET", "/v1.0/groups/delta", NULL, true },
	{ "User.Read.All", "GET", "/v1.0/groups/delta", NULL, false },
	{ "GroupMember.Read.All", "GET", "/v1.0/groups/{G}/members", NULL, true },
	{ "OrgContact.Read.All", "GET", "/v1.0/contacts/delta", NULL, true },
	{ "User.Read.All", "GET", "/v1.0/contacts/delta", NULL, false },
	{ "Organization.Read.All", "GET", "/v1.0/organization", NULL, true },
	{ "User.Read.All", "GET", "/v1.0/organization", NULL, false },
	{ "User.Read.All", "GET", "/v1.0/directory/deletedItems/microsoft.graph.user", NULL, true },
	{ "Group.Read.All", "GET", "/v1.0/directory/deletedItems/microsoft.graph.group", NULL,
		true },
	{ "User.Read.All", "GET", "/v1.0/directory/deletedItems/microsoft.graph.group", NULL,
		false },
	{ "AuditLog.Read.All", "GET", "/v1.0/auditLogs/directoryAudits", NULL, false },
	{ "AuditLog.Read.All Directory.Read.All", "GET", "/v1.0/auditLogs/directoryAudits", NULL,
		true },
	{ "User.Read.All", "PATCH", "/v1.0/users/{U}", "{\"jobTitle\":\"x\"}", false },
	{ "User.ReadUpdate.All", "PATCH", "/v1.0/users/{U}", "{\"jobTitle\":\"x\"}", true },
	{ "Directory.ReadWrite.All", "PATCH", "/v1.0/users/{U}", "{\"jobTitle\":\"x\"}", true },
	{ "User-Phone.ReadWrite.All", "PATCH", "/v1.0/users/{U}", "{\"mobilePhone\":\"1\"}", true },
	{ "User-Phone.ReadWrite.All", "PATCH", "/v1.0/users/{U}", "{\"jobTitle\":\"x\"}", false },
	{ "User-Mail.ReadWrite.All", "PATCH", "/v1.0/users/{U}", "{\"otherMails\":[\"a@b.c\"]}",
		true },
	{ "User.ReadWrite.All", "PATCH", "/v1.0/users/{U}", "{\"accountEnabled\":false}", false },
	{ "User.EnableDisableAccount.All", "PATCH", "/v1.0/users/{U}", "{\"accountEnabled\":false}",
		false },
	{ "User.EnableDisableAccount.All User.Read.All", "PATCH", "/v1.0/users/{U}",
		"{\"accountEnabled\":false}", true },
	{ "Directory.ReadWrite.All", "PATCH", "/v1.0/groups/{G}", "{\"description\":\"x\"}", true },
	{ "GroupMember.ReadWrite.All", "PATCH", "/v1.0/groups/{G}", "{\"description\":\"x\"}",
		false },
	{ "Group.ReadWrite.All", "PATCH", "/v1.0/groups/{R}", "{\"description\":\"x\"}", false },
	{ "Group.ReadWrite.All RoleManagement.ReadWrite.Directory", "PATCH", "/v1.0/groups/{R}",
		"{\"description\":\"x\"}", true },
	{ "Directory.ReadWrite.All", "DELETE", "/v1.0/groups/{G}", NULL, true },
	{ "User.Read.All", "DELETE", "/v1.0/users/{U}", NULL, false },
	{ "User.DeleteRestore.All", "DELETE", "/v1.0/users/{U}", NULL, true },
};

static void fill_in(char room[static 512], const char *path, const char *mark, const char *id)
{
	const char *found = strstr(path, mark);
	char whole[512];

	snprintf(whole, sizeof(whole), "%s", path);
	if (found)
		snprintf(whole, sizeof(whole), "%.*s%s%s", (int)(found - path), path, id,
			found + strlen(mark));
	memcpy(room, whole, sizeof(whole));
}

static void every_call_opens_with_its_permission_and_with_no_other(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct call_case *one = &cases[i];
		CLEANUP(tenant_freep) struct tenant *tenant = tenant_holding(one->permissions);
		char user[GUID_TEXT_BYTES], group[GUID_TEXT_BYTES], roles[GUID_TEXT_BYTES];
		char path[512];

		make_user(tenant, "ada", user);
		make_security_group(tenant, "crew", group);
		make(tenant, OBJECT_GROUP,
			"{\"displayName\":\"R\",\"mailEnabled\":false,\"securityEnabled\":true,"
			"\"isAssignableToRole\":true}",
			roles);
		fill_in(path, one->path, "{U}", user);
		fill_in(path, path, "{G}", group);
		fill_in(path, path, "{R}", roles);
		{
			CLEANUP(reply_release)
			struct reply reply = call(tenant, one->method, path, one->body);

			if ((reply.status < 300) != one->allowed ||
				(!one->allowed && reply.status != 403))
				fail_msg("%s with %s: %d", one->path, one->permissions,
					reply.status);
		}
	}
}

static void a_token_names_what_it_holds(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){
		.deny = "AuditLog.Read.All", .grant = "EntraBackup.Read.All" });
	const char *claims = strchr(tenant->authorization, '.') + 1;
	unsigned char text[4096];
	size_t length;

	assert_int_equal(sodium_base642bin(text, sizeof(text), claims, strcspn(claims, "."), NULL,
				 &length, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
		0);
	{
		CLEANUP(json_freep) json_t *json = json_loadb((char *)text, length, 0, NULL);
		const json_t *roles = json_object_get(json, "roles");
		bool backup = false, audit = false;

		for (size_t i = 0; i < json_array_size(roles); i++) {
			const char *role = json_string_value(json_array_get(roles, i));

			backup |= strcmp(role, "EntraBackup.Read.All") == 0;
			audit |= strcmp(role, "AuditLog.Read.All") == 0;
		}
		assert_true(backup);
		assert_false(audit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_opens_with_its_permission_and_with_no_other),
		cmocka_unit_test(a_token_names_what_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
