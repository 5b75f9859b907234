/*
 * What a client asks to find out whether it can do its job and who else works here: directory
 * roles (contract 9.3), the applications of the sync servers (facts 2), snapshots of Backup and
 * Recovery (contract 8.3), and the one resource that no application may read (contract 8.1).
 */
#include <sodium.h>
#include <stdio.h>

#include "base/time.h"
#include "simulator/endpoint.h"

#define SYNC_SERVICE_APP_ID "6bf85cfa-ac8a-4be5-b5de-425a0d0dc016"
#define SYNC_ROLE           "ADSynchronization.ReadWrite.All"
#define SYNC_SERVICE_NAME   "Microsoft Entra AD Synchronization Service"

enum { SNAPSHOT_DAYS = 5 };
static const int64_t day_ms = INT64_C(24) * 60 * 60 * 1000;

/* ---- directory roles --------------------------------------------------------------------------- */

bool answer_role_assignments(struct exchange *exchange, struct error *err UNUSED)
{
	static const struct small_field fields[] = { { "id", "Edm.String", false },
		{ "principalId", "Edm.String", true }, { "roleDefinitionId", "Edm.String", true },
		{ "directoryScopeId", "Edm.String", false } };
	static const struct small_collection collection = {
		"roleManagement/directory/roleAssignments", "microsoft.graph.unifiedRoleAssignment",
		fields, COUNT_OF(fields), "principal"
	};

	return small_answer_take(
		exchange, &collection, tenant_role_assignments(exchange->simulator));
}

static json_t *role_definition(const char *id, const char *name)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:b}", "id", id, "displayName", name, "templateId",
		id, "isBuiltIn", 1, "isEnabled", 1);
}

bool answer_role_definitions(struct exchange *exchange, struct error *err UNUSED)
{
	static const struct small_field fields[] = { { "id", "Edm.String", true },
		{ "displayName", "Edm.String", true }, { "templateId", "Edm.String", false },
		{ "isBuiltIn", "Edm.Boolean", true }, { "isEnabled", "Edm.Boolean", false } };
	static const struct small_collection collection = {
		"roleManagement/directory/roleDefinitions", "microsoft.graph.unifiedRoleDefinition",
		fields, COUNT_OF(fields), NULL
	};

	return small_answer_take(exchange, &collection,
		json_pack("[o, o, o, o]",
			role_definition(ROLE_GLOBAL_ADMINISTRATOR, "Global Administrator"),
			role_definition(
				ROLE_PRIVILEGED_ADMINISTRATOR, "Privileged Role Administrator"),
			role_definition(ROLE_SYNCHRONIZATION_ACCOUNTS,
				"Directory Synchronization Accounts"),
			role_definition(ROLE_ON_PREMISES_SYNC_ACCOUNT,
				"On Premises Directory Sync Account")));
}

/* ---- applications ------------------------------------------------------------------------------ */

static char *service_id(const struct simulator *simulator, char id[static GUID_TEXT_BYTES])
{
	return simulator_fixed_guid(simulator, "sync service", id);
}

static json_t *sync_roles(const struct simulator *simulator)
{
	char id[GUID_TEXT_BYTES];

	return json_pack("[{s:s, s:s, s:s, s:b}]", "id",
		simulator_fixed_guid(simulator, SYNC_ROLE, id), "displayName", SYNC_ROLE, "value",
		SYNC_ROLE, "isEnabled", 1);
}

static json_t *principal(const char *id, const char *app_id, const char *name, json_t *roles)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "id", id, "appId", app_id, "displayName",
		name, "servicePrincipalType", "Application", "accountEnabled", 1, "appRoles",
		roles);
}

static json_t *all_principals(struct simulator *simulator)
{
	CLEANUP(json_freep) json_t *applications = tenant_sync_applications(simulator);
	struct actor us = simulator_actor_us(simulator);
	char id[GUID_TEXT_BYTES];
	json_t *all = json_pack("[o, o]",
		principal(service_id(simulator, id), SYNC_SERVICE_APP_ID, SYNC_SERVICE_NAME,
			sync_roles(simulator)),
		principal(us.id, us.app_id, us.name, json_array()));

	for (size_t i = 0; i < json_array_size(applications); i++) {
		const json_t *application = json_array_get(applications, i);

		json_array_append_new(all,
			principal(json_text_or_null(application, "id"),
				json_text_or_null(application, "appId"),
				json_text_or_null(application, "displayName"), json_array()));
	}
	return all;
}

bool answer_service_principals(struct exchange *exchange, struct error *err UNUSED)
{
	static const struct small_field fields[] = { { "id", "Edm.String", true },
		{ "appId", "Edm.String", true }, { "displayName", "Edm.String", true },
		{ "servicePrincipalType", "Edm.String", false },
		{ "accountEnabled", "Edm.Boolean", true },
		{ "appRoles", "Collection(graph.appRole)", false } };
	static const struct small_collection collection = { "servicePrincipals",
		"microsoft.graph.servicePrincipal", fields, COUNT_OF(fields), NULL };

	return small_answer_take(exchange, &collection, all_principals(exchange->simulator));
}

static bool is_principal(struct simulator *simulator, const char *id)
{
	CLEANUP(json_freep) json_t *all = all_principals(simulator);

	for (size_t i = 0; i < json_array_size(all); i++)
		if (strcmp(json_text_or_null(json_array_get(all, i), "id"), id) == 0)
			return true;
	return false;
}

/* Every application of a sync server holds the one role of the sync service. */
static json_t *sync_assignments(struct simulator *simulator)
{
	CLEANUP(json_freep) json_t *applications = tenant_sync_applications(simulator);
	char service[GUID_TEXT_BYTES], role[GUID_TEXT_BYTES];
	json_t *all = json_array();

	service_id(simulator, service);
	simulator_fixed_guid(simulator, SYNC_ROLE, role);
	for (size_t i = 0; i < json_array_size(applications); i++) {
		const json_t *application = json_array_get(applications, i);
		const char *id = json_text_or_null(application, "id");
		char purpose[128], assignment[GUID_TEXT_BYTES];

		snprintf(purpose, sizeof(purpose), "assignment %s", id);
		simulator_fixed_guid(simulator, purpose, assignment);
		json_array_append_new(all,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", assignment,
				"appRoleId", role, "principalId", id, "principalType",
				"ServicePrincipal", "principalDisplayName",
				json_text_or_null(application, "displayName"), "resourceId",
				service, "resourceDisplayName", SYNC_SERVICE_NAME));
	}
	return all;
}

bool answer_app_role_assignments(struct exchange *exchange, struct error *err UNUSED)
{
	static const struct small_field fields[] = { { "id", "Edm.String", false },
		{ "appRoleId", "Edm.Guid", false }, { "principalId", "Edm.Guid", false },
		{ "principalType", "Edm.String", false },
		{ "principalDisplayName", "Edm.String", false },
		{ "resourceId", "Edm.Guid", false },
		{ "resourceDisplayName", "Edm.String", false } };
	static const struct small_collection collection = { "appRoleAssignments",
		"microsoft.graph.appRoleAssignment", fields, COUNT_OF(fields), NULL };
	struct simulator *simulator = exchange->simulator;
	const char *id = exchange->segments[1];
	char service[GUID_TEXT_BYTES];

	if (!is_principal(simulator, id))
		return exchange_refuse_absent(exchange, id);
	return small_answer_take(exchange, &collection,
		strcmp(id, service_id(simulator, service)) == 0 ? sync_assignments(simulator)
								: json_array());
}

/* ---- tenant-wide -------------------------------------------------------------------------------- */

/* Delegated tokens only: there is no permission that would help. */
bool answer_on_premises_synchronization(struct exchange *exchange, struct error *err UNUSED)
{
	return exchange_refuse_denied(exchange);
}

/* Its id is the time of it, in base64. */
static json_t *snapshot_of_day(struct simulator *simulator, int64_t taken_ms)
{
	char text[TIME_TEXT_BYTES], id[2 * TIME_TEXT_BYTES];

	time_text(taken_ms, text);
	sodium_bin2base64(id, sizeof(id), (const unsigned char *)text, strlen(text),
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return json_pack("{s:s, s:s, s:I}", "id", id, "createdDateTime", text,
		"totalChangedObjects",
		(json_int_t)book_objects_between(simulator, taken_ms - day_ms, taken_ms));
}

/* One a day, at midnight, kept for five. */
bool answer_recovery_snapshots(struct exchange *exchange, struct error *err UNUSED)
{
	static const struct small_field fields[] = { { "id", "Edm.String", false },
		{ "createdDateTime", "Edm.DateTimeOffset", false },
		{ "totalChangedObjects", "Edm.Int64", false } };
	static const struct small_collection collection = { "directory/recovery/snapshots",
		"microsoft.graph.entraRecoveryServices.snapshot", fields, COUNT_OF(fields), NULL };
	struct simulator *simulator = exchange->simulator;
	int64_t midnight_ms = simulator_now_ms(simulator) / day_ms * day_ms;
	json_t *all = json_array();

	for (int64_t i = 0; i < SNAPSHOT_DAYS; i++)
		json_array_append_new(all, snapshot_of_day(simulator, midnight_ms - i * day_ms));
	return small_answer_take(exchange, &collection, all);
}
