/*
 * Who may synchronise, whatever the name (facts 2): holders of the two roles of sync accounts, and of
 * the app role of the sync service. And who holds any other role, because damage to them comes first.
 * The permissions for it are wished, not needed.
 */
#include "online/holders.h"

#include <string.h>

#include "base/scan.h"
#include "base/text.h"

enum {
	APPLICATIONS_MAX = 64, /* a tenant has at most 20 sync accounts (contract 4.4) */
	NAME_MAX_BYTES = 512,
};

static const char *const sync_roles[] = {
	"d29b2b05-8046-44ba-8758-1e26182fcf32", /* Directory Synchronization Accounts */
	"a92aed5d-d78a-4d16-b381-09adb37eb3b0", /* On Premises Directory Sync Account */
};

/* An application is known to the audit log by its app id, and to these lists by its principal's. */
struct application {
	char id[ID_BYTES + 1], role[ID_BYTES + 1];
	enum holding holding;
};

struct collecting {
	struct graph *graph;
	struct evidence *evidence;
	char service[ID_BYTES + 1], service_role[ID_BYTES + 1];
	struct application applications[APPLICATIONS_MAX];
	size_t application_count;
	const struct application *asked; /* whose app id is being read */
	bool found;
};

/* An id, in lower case as everywhere. */
static bool take_id(struct span item, const char *key, char id[static ID_BYTES + 1])
{
	struct span text = scan_text_direct(scan_find(item, key));

	if (!text_is_guid(text))
		return false;
	for (size_t i = 0; i < ID_BYTES; i++)
		id[i] = text_lower(text.data[i]);
	id[ID_BYTES] = '\0';
	return true;
}

static bool is_sync_role(const char *role)
{
	for (size_t i = 0; i < COUNT_OF(sync_roles); i++)
		if (strcmp(sync_roles[i], role) == 0)
			return true;
	return false;
}

static void look_up_later(
	struct collecting *collecting, const char *id, const char *role, enum holding holding)
{
	struct application *application;

	if (collecting->application_count == APPLICATIONS_MAX)
		return;
	application = &collecting->applications[collecting->application_count++];
	memcpy(application->id, id, sizeof(application->id));
	memcpy(application->role, role, sizeof(application->role));
	application->holding = holding;
}

static bool take_role(void *context, struct span item, struct error *err UNUSED)
{
	struct collecting *collecting = context;
	char id[ID_BYTES + 1], role[ID_BYTES + 1];
	struct evidence_holder holder = { .id = id, .role = role };

	if (!take_id(item, "principalId", id) || !take_id(item, "roleDefinitionId", role))
		return true;
	holder.holding = is_sync_role(role) ? HOLDING_SYNC_ROLE : HOLDING_ROLE;
	evidence_add_holder(collecting->evidence, &holder);
	if (holder.holding == HOLDING_SYNC_ROLE)
		look_up_later(collecting, id, role, HOLDING_SYNC_ROLE);
	return true;
}

static bool take_service(void *context, struct span item, struct error *err UNUSED)
{
	struct collecting *collecting = context;
	struct span roles = scan_find(item, "appRoles"), role;
	struct scan scan = scan_open(roles);

	(void)take_id(item, "id", collecting->service);
	while (scan_type(roles) == SCAN_ARRAY && scan_element(&scan, &role))
		if (span_is(scan_text_direct(scan_find(role, "value")), SYNC_PERMISSION))
			(void)take_id(role, "id", collecting->service_role);
	return true;
}

static bool take_assignment(void *context, struct span item, struct error *err UNUSED)
{
	struct collecting *collecting = context;
	char id[ID_BYTES + 1], role[ID_BYTES + 1];

	if (take_id(item, "principalId", id) && take_id(item, "appRoleId", role) &&
		strcmp(role, collecting->service_role) == 0)
		look_up_later(collecting, id, role, HOLDING_SYNC_APPLICATION);
	return true;
}

static bool take_principal(void *context, struct span item, struct error *err UNUSED)
{
	struct collecting *collecting = context;
	CLEANUP(buf_release) struct buf name = BUF_UP_TO(NAME_MAX_BYTES);
	struct span text = scan_find(item, "displayName");
	char app_id[ID_BYTES + 1];
	struct evidence_holder holder = {
		.holding = collecting->asked->holding,
		.id = collecting->asked->id,
		.role = collecting->asked->role,
	};

	if (take_id(item, "appId", app_id))
		holder.app_id = app_id;
	if (scan_type(text) == SCAN_STRING)
		scan_text(text, &name);
	holder.name = name.length && !name.overflowed ? buf_text(&name) : NULL;
	evidence_add_holder(collecting->evidence, &holder);
	collecting->found = true;
	return true;
}

/* ---- asking ----------------------------------------------------------------------------- */

/* Asks for one list. What is refused is told in the evidence, and is no error. */
static bool ask(struct collecting *collecting, enum holder_list list, const char *what,
	const char *path, graph_item_function *item, struct error *err)
{
	CLEANUP(buf_release) struct buf why = BUF_UP_TO(NAME_MAX_BYTES);
	const char *needs = graph_permission("GET", path);

	if (evidence_list(collecting->evidence, list, NULL) == LIST_NOT_READ)
		return true;
	if (graph_list(collecting->graph, path, item, NULL, collecting, err)) {
		evidence_set_list(collecting->evidence, list, LIST_READ, NULL);
		return true;
	}
	if (err->kind != ERROR_DENIED && err->kind != ERROR_FORMAT && err->kind != ERROR_NETWORK)
		return false;
	if (interrupted())
		return false;
	if (err->kind == ERROR_DENIED)
		buf_addf(&why, "denied: needs %s", needs ? needs : "a permission");
	else
		buf_addf(&why, "%s", error_kind_name(err->kind));
	evidence_set_list(collecting->evidence, list, LIST_NOT_READ, buf_text(&why));
	progress_warn(talk(), "%s could not be read (%s): unknown, not none", what, buf_text(&why));
	*err = (struct error){ 0 };
	return true;
}

static bool ask_applications(struct collecting *collecting, struct error *err)
{
	for (size_t i = 0; i < collecting->application_count; i++) {
		CLEANUP(buf_release) struct buf path = BUF_UP_TO(512);

		collecting->asked = &collecting->applications[i];
		collecting->found = false;
		buf_addf(&path,
			"/servicePrincipals?$filter=id%%20eq%%20'%s'&$select=id,appId,displayName",
			collecting->asked->id);
		if (!ask(collecting, HOLDERS_OF_SYNC, "the applications of sync servers",
			    buf_text(&path), take_principal, err))
			return false;
		if (!collecting->found && collecting->asked->holding == HOLDING_SYNC_APPLICATION) {
			struct evidence_holder holder = { .holding = HOLDING_SYNC_APPLICATION,
				.id = collecting->asked->id,
				.role = collecting->asked->role };

			evidence_add_holder(collecting->evidence, &holder);
		}
	}
	return true;
}

bool holders_collect(struct graph *graph, struct evidence *evidence, struct error *err)
{
	struct collecting collecting = { .graph = graph, .evidence = evidence };
	CLEANUP(buf_release) struct buf path = BUF_UP_TO(512);

	if (!ask(&collecting, HOLDERS_OF_ROLES, "who holds a role of the directory",
		    "/roleManagement/directory/roleAssignments"
		    "?$select=principalId,roleDefinitionId",
		    take_role, err) ||
		!ask(&collecting, HOLDERS_OF_SYNC, "the applications of sync servers",
			"/servicePrincipals?$filter=appId%20eq%20'" SYNC_SERVICE_APP
			"'&$select=id,appRoles",
			take_service, err))
		return false;
	if (*collecting.service) {
		buf_addf(&path, "/servicePrincipals/%s/appRoleAssignedTo", collecting.service);
		if (!ask(&collecting, HOLDERS_OF_SYNC, "the applications of sync servers",
			    buf_text(&path), take_assignment, err))
			return false;
	}
	return ask_applications(&collecting, err);
}
