/*
 * The questions to Graph: harmless GETs, a table of them. What may not be read says 403 and which
 * permission is missing; everything else that is no success is "unknown". Rows stand in the order
 * in which they are asked: what one finds, a later one may need.
 */
#include <string.h>

#include "base/scan.h"
#include "online/doctor_questions.h"
#include "online/holders.h"

enum { ADDRESS_MAX = 4096, SILENCES_MAX = 3 };

/* ---- one question --------------------------------------------------------------------------- */

static void describe_refusal(struct check *check, const struct graph_probe *probe)
{
	if (probe->status == 403 && check->needs)
		check_set(check, MARK_MISSING, "needs %s (403 %s, request-id %s)", check->needs,
			probe->code, *probe->request_id ? probe->request_id : "none");
	else if (probe->status == 403)
		check_set(check, MARK_MISSING, "403 %s: %s", probe->code, probe->text);
	else if (probe->status && probe->kind != ERROR_NONE)
		check_set(check, MARK_UNKNOWN, "could not tell: %ld%s%s: %s%s%s", probe->status,
			*probe->code ? " " : "", probe->code,
			*probe->text ? probe->text : "no words with it",
			*probe->retry_after ? "; to be asked again after s: " : "",
			probe->retry_after);
	else
		check_set(check, MARK_UNKNOWN, "could not tell: %s", probe->text);
}

/* Nobody wants to wait for thirty questions, each of them twice, that a dead service gets. */
static bool is_silence(const struct graph_probe *probe)
{
	return probe->status == 0 || probe->status == 429 || probe->status >= 500;
}

static struct check *skip(
	struct doctor *doctor, enum section section, const char *name, struct graph_probe *probe)
{
	struct check *check = doctor_add(doctor, section, name, MARK_UNKNOWN,
		interrupted() ? "not asked: interrupted" : "not asked: Graph is silent or busy");

	check->kind = probe->kind = ERROR_NETWORK;
	return check;
}

struct check *doctor_ask(struct doctor *doctor, enum section section, const char *name,
	const char *path, struct graph_probe *probe)
{
	struct check *check;

	graph_probe_init(probe, path);
	if (doctor->silences >= SILENCES_MAX || interrupted())
		return skip(doctor, section, name, probe);
	graph_probe(doctor->session->graph, probe);
	doctor->silences = is_silence(probe) ? doctor->silences + 1 : 0;
	check = doctor_add(doctor, section, name, MARK_OK, "can be read");
	if (probe->http)
		doctor->http = probe->http;
	check->needs = graph_permission("GET", path);
	check->kind = probe->kind;
	check->status = probe->status;
	memcpy(check->code, probe->code, sizeof(check->code));
	memcpy(check->request_id, probe->request_id, sizeof(check->request_id));
	if (probe->kind != ERROR_NONE)
		describe_refusal(check, probe);
	return check;
}

/* ---- the table --------------------------------------------------------------------------------- */

enum { NEEDED = true, WISHED = false };

static const struct question {
	enum section section;
	const char *name;
	const char *path; /* {user} and the like: found by a row before it */
	enum grant_id grant;
	bool needed;
	learn_function *learn; /* of an answer that can be used */
	learn_function *always;
} questions[] = {
	{ SECTION_TENANT, "tenant", "/organization?$select=id,displayName", GRANT_ORGANIZATION,
		NEEDED, learn_organization, NULL },
	{ SECTION_TENANT, "hybrid sync",
		"/organization?$select=id,onPremisesSyncEnabled,onPremisesLastSyncDateTime",
		GRANT_NONE, WISHED, learn_sync, NULL },

	{ SECTION_READING, "users", "/users?$select=id&$top=1", GRANT_USERS, NEEDED, learn_user,
		NULL },
	{ SECTION_READING, "managers", "/users?$select=id&$expand=manager($select=id)&$top=1",
		GRANT_USERS, NEEDED, NULL, NULL },
	{ SECTION_READING, "groups", "/groups?$select=id&$top=1", GRANT_GROUPS, NEEDED, learn_group,
		NULL },
	{ SECTION_READING, "members", "/groups/{group}/members?$select=id&$top=1", GRANT_GROUPS,
		NEEDED, NULL, NULL },
	{ SECTION_READING, "owners", "/groups/{group}/owners?$select=id&$top=1", GRANT_GROUPS,
		NEEDED, NULL, NULL },
	{ SECTION_READING, "contacts", "/contacts?$select=id&$top=1", GRANT_CONTACTS, NEEDED,
		learn_contact, NULL },
	{ SECTION_READING, "deleted users",
		"/directory/deletedItems/microsoft.graph.user?$select=id&$top=1", GRANT_USERS,
		NEEDED, NULL, NULL },
	{ SECTION_READING, "deleted groups",
		"/directory/deletedItems/microsoft.graph.group?$select=id&$top=1", GRANT_DIRECTORY,
		NEEDED, NULL, NULL },

	{ SECTION_WISHED, "cloud mastery, users", "/users/{user}/onPremisesSyncBehavior",
		GRANT_USER_BEHAVIOR, WISHED, NULL, NULL },
	{ SECTION_WISHED, "cloud mastery, groups", "/groups/{group}/onPremisesSyncBehavior",
		GRANT_GROUP_BEHAVIOR, WISHED, NULL, NULL },
	{ SECTION_WISHED, "cloud mastery, contact", "/contacts/{contact}/onPremisesSyncBehavior",
		GRANT_CONTACT_BEHAVIOR, WISHED, NULL, NULL },
	{ SECTION_WISHED, "administrators",
		"/roleManagement/directory/roleAssignments?$select=principalId,roleDefinitionId",
		GRANT_ROLES, WISHED, learn_roles, NULL },
	{ SECTION_WISHED, "schema extensions",
		"/applications?$filter=displayName%20eq%20'Tenant%20Schema%20Extension%20App'"
		"&$select=id",
		GRANT_APPLICATIONS, WISHED, learn_extensions, NULL },
	{ SECTION_WISHED, "sync service",
		"/servicePrincipals?$filter=appId%20eq%20'" SYNC_SERVICE_APP
		"'&$select=id,appRoles",
		GRANT_APPLICATIONS, WISHED, learn_service, NULL },
	{ SECTION_WISHED, "sync applications", "/servicePrincipals/{principal}/appRoleAssignedTo",
		GRANT_APPLICATIONS, WISHED, learn_principals, NULL },
	{ SECTION_WISHED, "Entra's backups", "/directory/recovery/snapshots", GRANT_RECOVERY,
		WISHED, learn_backups, NULL },
	{ SECTION_WISHED, "sync features", "/directory/onPremisesSynchronization", GRANT_NONE,
		WISHED, NULL, learn_synchronization },

	{ SECTION_OPEN, "contacts $top=999", "/contacts?$select=id&$top=999", GRANT_NONE, WISHED,
		learn_page_size, NULL },
	{ SECTION_OPEN, "find sync conflicts",
		"/users?$filter=onPremisesProvisioningErrors/"
		"any(o:o/category%20eq%20'PropertyConflict')&$select=id&$top=1",
		GRANT_NONE, WISHED, NULL, NULL },
	{ SECTION_OPEN, "find addresses",
		"/users?$filter=proxyAddresses/any(p:startswith(p,'SMTP:'))"
		"&$select=id,proxyAddresses&$top=1",
		GRANT_NONE, WISHED, learn_address, NULL },
	{ SECTION_OPEN, "smtp: means SMTP:",
		"/users?$filter=proxyAddresses/any(p:p%20eq%20{address})&$select=id&$top=1",
		GRANT_NONE, WISHED, learn_case, NULL },
	{ SECTION_OPEN, "expand owners", "/groups?$select=id&$expand=owners($select=id)&$top=1",
		GRANT_NONE, WISHED, NULL, NULL },
	{ SECTION_OPEN, "changes of users", "/users/delta?$deltatoken=latest&$select=id",
		GRANT_NONE, WISHED, learn_delta, NULL },
	{ SECTION_OPEN, "changes of groups", "/groups/delta?$deltatoken=latest&$select=id",
		GRANT_NONE, WISHED, learn_delta, NULL },
	{ SECTION_OPEN, "changes of contacts", "/contacts/delta?$deltatoken=latest&$select=id",
		GRANT_NONE, WISHED, learn_delta, NULL },
};

/* ---- asking --------------------------------------------------------------------------------------- */

/* What stands for a placeholder; false where nothing was found that could. */
static bool add_found(const struct doctor *doctor, struct span placeholder, struct buf *path)
{
	const struct {
		const char *name, *id;
	} ids[] = { { "{user}", doctor->user }, { "{group}", doctor->group },
		{ "{contact}", doctor->contact }, { "{principal}", doctor->principal } };

	if (span_is(placeholder, "{address}") && doctor->address) {
		CLEANUP(buf_release) struct buf address = BUF_UP_TO(ADDRESS_MAX);

		buf_addf(&address, "smtp:%s", doctor->address);
		graph_add_filter_text(path, buf_span(&address));
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		if (!span_is(placeholder, ids[i].name) || !*ids[i].id)
			continue;
		buf_add_text(path, ids[i].id);
		return true;
	}
	return false;
}

static bool make_path(const struct doctor *doctor, const char *pattern, struct buf *path)
{
	while (*pattern) {
		size_t plain = strcspn(pattern, "{"), length;

		buf_add(path, pattern, plain);
		pattern += plain;
		length = *pattern ? strcspn(pattern, "}") + 1 : 0;
		if (length && !add_found(doctor, (struct span){ pattern, length }, path))
			return false;
		pattern += length;
	}
	return true;
}

/* The documentation is silent, and Graph has spoken. */
static void settle_open(const struct graph_probe *probe, struct check *check)
{
	bool refused = probe->status == 501 ||
		(probe->status == 400 &&
			(strcmp(probe->code, "Request_UnsupportedQuery") == 0 ||
				strcmp(probe->code, "Request_BadRequest") == 0));

	if (probe->kind == ERROR_NONE && check->mark == MARK_OK)
		check_set(check, MARK_YES, "works");
	else if (refused)
		check_set(check, MARK_NO, "%ld %s: %s", probe->status, probe->code, probe->text);
	else if (check->mark == MARK_MISSING)
		check->mark = MARK_UNKNOWN;
}

static void ask(struct doctor *doctor, const struct question *question)
{
	CLEANUP(buf_release) struct buf path = BUF_UP_TO(NET_URL_MAX / 2);
	CLEANUP(graph_probe_release) struct graph_probe probe;
	struct check *check;

	graph_probe_init(&probe, "");
	if (!make_path(doctor, question->path, &path)) {
		check = doctor_add(doctor, question->section, question->name, MARK_UNKNOWN,
			"could not tell: there is nothing to try it on");
		check->grant = question->grant;
		return;
	}
	check = doctor_ask(doctor, question->section, question->name, buf_text(&path), &probe);
	check->grant = question->grant;
	check->needed = question->needed;
	if (probe.kind == ERROR_NONE && question->learn)
		question->learn(doctor, &probe, check);
	if (question->always)
		question->always(doctor, &probe, check);
	if (question->section == SECTION_OPEN)
		settle_open(&probe, check);
}

static void look_at_version(struct doctor *doctor)
{
	if (!doctor->http)
		doctor_add(doctor, SECTION_OPEN, "HTTP/2", MARK_UNKNOWN, "could not tell");
	else
		doctor_add(doctor, SECTION_OPEN, "HTTP/2", doctor->http == 20 ? MARK_YES : MARK_NO,
			"HTTP/%u.%u was spoken", doctor->http / 10, doctor->http % 10);
}

void doctor_ask_all(struct doctor *doctor)
{
	for (size_t i = 0; i < COUNT_OF(questions); i++) {
		progress_step(talk(), "questions", i, COUNT_OF(questions));
		ask(doctor, &questions[i]);
	}
	look_at_version(doctor);
}
