/*
 * What to grant, and for what: the README's table is this one, row by row. The least permission of
 * each write is also what graph/ names after a 403.
 */
#include <string.h>

#include "online/doctor.h"

#define BIT(grant)  (1U << (grant))
#define LOOK_TENANT BIT(GRANT_ORGANIZATION)
#define LOOK_OBJECTS                                                                               \
	BIT(GRANT_USERS) | BIT(GRANT_GROUPS) | BIT(GRANT_CONTACTS) | BIT(GRANT_DIRECTORY)
#define AN_ID "00000000-0000-4000-8000-000000000000"

static const struct grant grants[GRANT_COUNT] = {
	[GRANT_USERS] = { .permission = "User.Read.All",
		.what_for = "users and their managers",
		.needed = true },
	[GRANT_GROUPS] = { .permission = "GroupMember.Read.All",
		.what_for = "groups, members and owners",
		.needed = true },
	[GRANT_CONTACTS] = { .permission = "OrgContact.Read.All",
		.what_for = "contacts",
		.needed = true },
	[GRANT_DIRECTORY] = { .permission = "Directory.Read.All",
		.what_for = "deleted groups, audit log, extensions; covers those above",
		.needed = true },
	[GRANT_ORGANIZATION] = { .permission = "Organization.Read.All",
		.what_for = "which tenant this is",
		.needed = true },
	[GRANT_AUDITS] = { .permission = "AuditLog.Read.All",
		.what_for = "who wrote what",
		.needed = true },
	[GRANT_HIDDEN] = { .permission = "Member.Read.Hidden",
		.what_for = "members of groups that hide them" },
	[GRANT_ROLES] = { .permission = "RoleManagement.Read.Directory",
		.what_for = "who is an administrator" },
	[GRANT_APPLICATIONS] = { .permission = "Application.Read.All",
		.what_for = "which applications may synchronise" },
	[GRANT_USER_BEHAVIOR] = { .permission = "User-OnPremisesSyncBehavior.ReadWrite.All",
		.what_for = "users switched to the cloud" },
	[GRANT_GROUP_BEHAVIOR] = { .permission = "Group-OnPremisesSyncBehavior.ReadWrite.All",
		.what_for = "groups switched to the cloud" },
	[GRANT_CONTACT_BEHAVIOR] = { .permission = "Contacts-OnPremisesSyncBehavior.ReadWrite.All",
		.what_for = "contacts switched to the cloud" },
	[GRANT_RECOVERY] = { .permission = "EntraBackup.Read.All",
		.what_for = "Entra's own backups, as a second witness" },
	[GRANT_WRITE_USERS] = { .permission = "User.ReadWrite.All",
		.what_for = "users: everything apply writes",
		.needed = true,
		.to_apply = true },
	[GRANT_WRITE_GROUPS] = { .permission = "Group.ReadWrite.All",
		.what_for = "groups: everything apply writes",
		.needed = true,
		.to_apply = true },
};

static const struct ability all_abilities[] = {
	{ "snapshot, status", LOOK_TENANT | LOOK_OBJECTS, NULL, NULL, NULL },
	{ "evidence", LOOK_TENANT | BIT(GRANT_AUDITS) | BIT(GRANT_DIRECTORY), NULL, NULL, NULL },
	{ "find, diff, plan, sign", 0, NULL, NULL, NULL },
	{ "apply: user attributes", LOOK_TENANT | LOOK_OBJECTS, "PATCH", "/users/" AN_ID,
		"User.ReadUpdate.All User.ReadWrite.All Directory.ReadWrite.All" },
	{ "apply: enable users", LOOK_TENANT | LOOK_OBJECTS, "PATCH", "/users/" AN_ID,
		"User.EnableDisableAccount.All User.ReadWrite.All" },
	{ "apply: managers", LOOK_TENANT | LOOK_OBJECTS, "PUT", "/users/" AN_ID "/manager/$ref",
		"User.ReadWrite.All Directory.ReadWrite.All" },
	{ "apply: restore users", LOOK_TENANT | LOOK_OBJECTS, "POST",
		"/directory/deletedItems/" AN_ID "/restore",
		"User.DeleteRestore.All User.ReadWrite.All" },
	{ "apply: delete users", LOOK_TENANT | LOOK_OBJECTS, "DELETE", "/users/" AN_ID,
		"User.DeleteRestore.All User.ReadWrite.All" },
	{ "apply: members", LOOK_TENANT | LOOK_OBJECTS, "POST", "/groups/" AN_ID "/members/$ref",
		"GroupMember.ReadWrite.All Group.ReadWrite.All Directory.ReadWrite.All" },
	{ "apply: owners", LOOK_TENANT | LOOK_OBJECTS, "POST", "/groups/" AN_ID "/owners/$ref",
		"Group.ReadWrite.All Directory.ReadWrite.All" },
	{ "apply: groups", LOOK_TENANT | LOOK_OBJECTS, "PATCH", "/groups/" AN_ID,
		"Group.ReadWrite.All Directory.ReadWrite.All" },
};

const struct grant *grant_of(enum grant_id id)
{
	return &grants[id];
}

const struct ability *abilities(size_t *count)
{
	*count = COUNT_OF(all_abilities);
	return all_abilities;
}

/* ---- what is there ----------------------------------------------------------------------- */

/* Whether one of the names in `wanted` is among those in `list`; both divided by blanks. */
static bool has_any(const char *list, const char *wanted)
{
	for (; *wanted; wanted += strcspn(wanted, " "), wanted += strspn(wanted, " ")) {
		size_t length = strcspn(wanted, " ");

		for (const char *at = list; *at; at += strcspn(at, " "), at += strspn(at, " "))
			if (strcspn(at, " ") == length && memcmp(at, wanted, length) == 0)
				return true;
	}
	return false;
}

enum mark token_mark(const struct doctor *doctor, const char *any_of)
{
	if (!doctor->permissions)
		return MARK_UNKNOWN;
	return has_any(doctor->permissions, any_of) ? MARK_OK : MARK_MISSING;
}

enum mark grant_mark(const struct doctor *doctor, enum grant_id id)
{
	bool asked = false, unknown = false;

	for (size_t i = 0; i < doctor->count; i++) {
		const struct check *check = &doctor->checks[i];

		if (check->grant != id)
			continue;
		if (check->mark == MARK_MISSING)
			return MARK_MISSING;
		asked = true;
		unknown |= check->mark != MARK_OK;
	}
	if (asked && !unknown)
		return MARK_OK;
	return asked ? MARK_UNKNOWN : token_mark(doctor, grants[id].permission);
}

/* ---- what can be done ----------------------------------------------------------------------- */

static void add_reason(struct buf *why, const char *reason)
{
	buf_addf(why, "%s%s", why->length ? ", " : "", reason);
}

static enum mark worse(enum mark a, enum mark b)
{
	if (a == MARK_MISSING || b == MARK_MISSING)
		return MARK_MISSING;
	return a == MARK_OK ? b : a;
}

/* What stands in the way of apply on this machine, and not in the tenant. */
static enum mark machine_mark(const struct doctor *doctor, struct buf *why)
{
	enum mark mark = MARK_OK;

	for (size_t i = 0; i < doctor->count; i++) {
		const struct check *check = &doctor->checks[i];

		if (!check->needed || check->grant != GRANT_NONE || check->mark != MARK_MISSING)
			continue;
		mark = MARK_MISSING;
		add_reason(why, check->name);
	}
	return mark;
}

enum mark ability_mark(const struct doctor *doctor, const struct ability *ability, struct buf *why)
{
	enum mark mark = MARK_OK, write;

	for (enum grant_id id = GRANT_NONE + 1; id < GRANT_COUNT; id++) {
		enum mark one;

		if (!(ability->needs & BIT(id)))
			continue;
		one = grant_mark(doctor, id);
		if (one != MARK_OK)
			add_reason(why, grants[id].permission);
		mark = worse(mark, one);
	}
	if (!ability->method)
		return mark;
	mark = worse(mark, machine_mark(doctor, why));
	write = token_mark(doctor, ability->any_of);
	if (write == MARK_MISSING) {
		CLEANUP(memory_freep)
		char *least = memory_text_span(ability->any_of, strcspn(ability->any_of, " "));

		add_reason(why, least);
	} else if (write == MARK_UNKNOWN) {
		add_reason(why, "a write can't be tried, and the token is not readable");
	}
	return worse(mark, write);
}
