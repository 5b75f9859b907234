/*
 * What the tenant knows besides its objects: who holds which directory role, which sync servers
 * have an application of their own, which directory extensions exist.
 */
#include <sodium.h>
#include <stdio.h>

#include "base/memory.h"
#include "simulator/store.h"

static const char role_assignments[] = "role-assignments",
		  sync_applications[] = "sync-applications";

static json_t *kept_array(struct simulator *simulator, const char *name)
{
	CLEANUP(memory_freep) char *text = store_setting(simulator, name);

	return text ? json_loads(text, 0, NULL) : json_array();
}

static bool append_take(
	struct simulator *simulator, const char *name, json_t *entry, struct error *err)
{
	CLEANUP(json_freep) json_t *array = kept_array(simulator, name);
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(SIMULATOR_OBJECT_MAX);

	json_array_append_new(array, entry);
	json_add(&text, array);
	return store_set_setting(simulator, name, buf_text(&text), err);
}

/* Entra's are no GUIDs: 43 characters that say who and what. */
static void assignment_id(const char *principal, const char *role, char id[static 64])
{
	unsigned char digest[32];
	char text[2 * GUID_TEXT_BYTES];

	snprintf(text, sizeof(text), "%s %s", principal, role);
	crypto_generichash(
		digest, sizeof(digest), (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2base64(id, 64, digest, sizeof(digest), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool tenant_assign_role(struct simulator *simulator, const struct actor *principal,
	const char *role_definition, struct error *err)
{
	char id[64];

	assignment_id(principal->id, role_definition, id);
	return append_take(simulator, role_assignments,
		json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s}}", "id", id, "principalId",
			principal->id, "roleDefinitionId", role_definition, "directoryScopeId", "/",
			"principal", "@odata.type",
			principal->is_app ? "#microsoft.graph.servicePrincipal"
					  : "#microsoft.graph.user",
			"id", principal->id, "displayName",
			principal->display_name ? principal->display_name : principal->name,
			principal->is_app ? "appId" : "userPrincipalName",
			principal->is_app ? principal->app_id : principal->name),
		err);
}

bool tenant_add_sync_application(struct simulator *simulator, const char *server, struct error *err)
{
	char id[GUID_TEXT_BYTES], app_id[GUID_TEXT_BYTES], purpose[128];

	snprintf(purpose, sizeof(purpose), "sync application %s", server);
	simulator_fixed_guid(simulator, purpose, app_id);
	snprintf(purpose, sizeof(purpose), "sync principal %s", server);
	simulator_fixed_guid(simulator, purpose, id);
	/* The 12 hex digits behind the server's name are the end of a GUID. */
	return append_take(simulator, sync_applications,
		json_pack("{s:s, s:s, s:o}", "id", id, "appId", app_id, "displayName",
			json_sprintf(
				"ConnectSyncProvisioning_%s_%s", server, strrchr(app_id, '-') + 1)),
		err);
}

json_t *tenant_role_assignments(struct simulator *simulator)
{
	return kept_array(simulator, role_assignments);
}

json_t *tenant_sync_applications(struct simulator *simulator)
{
	return kept_array(simulator, sync_applications);
}

json_t *tenant_extensions(struct simulator *simulator, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_SETTING_EXTENSIONS);
	CLEANUP(json_freep) json_t *names = json_array();

	while (store_row(simulator, statement, "list extensions", err))
		json_array_append_new(names, json_string(store_text(statement, 0)));
	return err->kind == ERROR_NONE ? TAKE(names) : NULL;
}
