/*
 * The incident: what SYNC02's edited rules, filters and stale import make of its picture, and the
 * export that writes it over the cloud.
 */
#include "base/memory.h"
#include "simulator/space.h"

enum { NIGHT_MS = 8 * 3600 * 1000 };

static bool stage_text(struct simulator *simulator, const char *id, const char *property,
	const char *text, struct error *err)
{
	CLEANUP(json_freep) json_t *value = text ? json_string(text) : json_null();

	return connector_set(simulator, SERVER_STAGING, id, property, value, err);
}

static bool stage_third(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	return stage_text(simulator, id, story_move(index)->property, "n/a (imported)", err);
}

static bool stage_suffix(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	CLEANUP(json_freep) json_t *wanted = connector_wanted(simulator, SERVER_STAGING, id);
	const char *upn = json_text_or_null(wanted, "userPrincipalName");
	CLEANUP(json_freep) json_t *value = NULL;

	(void)index;
	if (!upn)
		return true;
	value = json_sprintf("%.*s@old." TENANT_DOMAIN, (int)strcspn(upn, "@"), upn);
	return connector_set(simulator, SERVER_STAGING, id, "userPrincipalName", value, err);
}

/* The addresses of SYNC02's picture: primary first, the alias last. */
static json_t *staged_addresses(struct simulator *simulator, const char *id)
{
	CLEANUP(json_freep) json_t *wanted = connector_wanted(simulator, SERVER_STAGING, id);

	return json_deep_copy(json_object_get(wanted, "proxyAddresses"));
}

static bool stage_alias_gone(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	CLEANUP(json_freep) json_t *addresses = staged_addresses(simulator, id);

	(void)index;
	if (!addresses)
		return true;
	json_array_remove(addresses, json_array_size(addresses) - 1);
	return connector_set(simulator, SERVER_STAGING, id, "proxyAddresses", addresses, err);
}

static bool stage_primary_swapped(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	CLEANUP(json_freep) json_t *addresses = staged_addresses(simulator, id);
	const char *primary = json_string_value(json_array_get(addresses, 0));
	const char *alias = json_string_value(json_array_get(addresses, 1));
	CLEANUP(json_freep) json_t *swapped = NULL;
	CLEANUP(json_freep) json_t *mail = NULL;

	(void)index;
	if (!primary || !alias)
		return true;
	swapped = json_pack(
		"[o, o]", json_sprintf("smtp:%s", primary + 5), json_sprintf("SMTP:%s", alias + 5));
	mail = json_string(alias + 5);
	return connector_set(simulator, SERVER_STAGING, id, "proxyAddresses", swapped, err) &&
		connector_set(simulator, SERVER_STAGING, id, "mail", mail, err);
}

/* The even one's alias goes to the odd one. */
static bool stage_alias_moved(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	CLEANUP(json_freep) json_t *theirs = NULL;
	CLEANUP(json_freep) json_t *addresses = staged_addresses(simulator, id);
	char other[GUID_TEXT_BYTES];

	if (index % 2)
		return true;
	if (!addresses || !cast_get(simulator, CAST_PERSON, PEOPLE_MOVED + index + 1, other))
		return true;
	theirs = staged_addresses(simulator, other);
	json_array_append(theirs, json_array_get(addresses, json_array_size(addresses) - 1));
	return stage_alias_gone(simulator, id, index, err) &&
		connector_set(simulator, SERVER_STAGING, other, "proxyAddresses", theirs, err);
}

static bool stage_disabled(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	(void)index;
	return connector_set(simulator, SERVER_STAGING, id, "accountEnabled", json_false(), err);
}

static bool stage_dropped(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	(void)index;
	return connector_drop(simulator, SERVER_STAGING, id, err);
}

static bool stage_manager(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	CLEANUP(id_list_release) struct id_list now = { 0 };
	char manager[GUID_TEXT_BYTES];

	if (!tenant_references(simulator, id, RELATION_MANAGER, &now, err))
		return false;
	for (size_t i = 0; i < now.count; i++) {
		if (!connector_link(simulator, SERVER_STAGING, id, RELATION_MANAGER, now.ids[i],
			    false, err))
			return false;
	}
	for (size_t i = index;; i++) {
		if (!cast_get(simulator, CAST_PERSON, PEOPLE_NEEDED + i, manager))
			return error_set(err, ERROR_SYSTEM, "simulator: no manager is left");
		if (!now.count || strcmp(now.ids[0], manager) != 0)
			break;
	}
	return connector_link(simulator, SERVER_STAGING, id, RELATION_MANAGER, manager, true, err);
}

static bool stage_fate(struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	switch ((enum switched_fate)(index % FATE_COUNT)) {
	case FATE_DEPARTMENT:
		return stage_text(simulator, id, "department", "Department of yesterday", err);
	case FATE_DISABLED:
		return stage_disabled(simulator, id, index, err);
	case FATE_OTHER_MANAGER:
	case FATE_NEW_MANAGER:
		return stage_manager(simulator, id, index, err);
	case FATE_SIGN_IN_NAME:
		return stage_suffix(simulator, id, index, err);
	case FATE_TITLE_CLEARED:
		return stage_text(simulator, id, "jobTitle", NULL, err) &&
			stage_text(simulator, id, STORY_EXTENSION, "n/a (imported)", err);
	case FATE_COUNT:
		break;
	}
	return true;
}

static bool stage_department(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	(void)index;
	return stage_text(simulator, id, "department", "Department of yesterday", err);
}

/* A switched group gets every write that the graph door knows for a group. */
static bool stage_group(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	CLEANUP(id_list_release) struct id_list members = { 0 };
	CLEANUP(id_list_release) struct id_list owners = { 0 };
	char person[GUID_TEXT_BYTES];

	if (!tenant_references(simulator, id, RELATION_MEMBERS, &members, err) ||
		!tenant_references(simulator, id, RELATION_OWNERS, &owners, err) ||
		!stage_text(simulator, id, "description", "Described by an edited rule", err))
		return false;
	for (size_t i = 0; i < 2 && i < members.count; i++) {
		if (!connector_link(simulator, SERVER_STAGING, id, RELATION_MEMBERS, members.ids[i],
			    false, err))
			return false;
	}
	if (!cast_get(simulator, CAST_PERSON, PEOPLE_NEEDED + 10 + index, person))
		return true;
	return connector_link(simulator, SERVER_STAGING, id, RELATION_MEMBERS, person, true, err) &&
		connector_link(simulator, SERVER_STAGING, id, RELATION_OWNERS, person, true, err) &&
		(!owners.count ||
			connector_link(simulator, SERVER_STAGING, id, RELATION_OWNERS,
				owners.ids[0], false, err));
}

/* Exchange Online will master it by the morning: values that its cmdlets take, and one they don't. */
static bool stage_list(struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	CLEANUP(id_list_release) struct id_list members = { 0 };

	(void)index;
	if (!tenant_references(simulator, id, RELATION_MEMBERS, &members, err))
		return false;
	return (!members.count ||
		       connector_link(simulator, SERVER_STAGING, id, RELATION_MEMBERS,
			       members.ids[0], false, err)) &&
		stage_text(simulator, id, "displayName", "n/a (imported)", err) &&
		stage_text(simulator, id, "description", "n/a (imported)", err);
}

static bool stage_contact(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	(void)index;
	return stage_text(simulator, id, "companyName", "n/a (imported)", err);
}

/* Test accounts of an organisational unit that production's filter leaves out, some in conflict. */
static bool stage_wider_scope(struct simulator *simulator, struct error *err)
{
	for (size_t i = 0; i < CREATED_COUNT; i++) {
		CLEANUP(json_freep)
		json_t *wanted = json_pack("{s:o, s:o, s:o, s:o, s:b}", "displayName",
			json_sprintf("Test account %zu", i), "userPrincipalName",
			json_sprintf("test.account%zu@" TENANT_DOMAIN, i), "mailNickname",
			json_sprintf("test.account%zu", i), "proxyAddresses",
			json_pack("[o]", json_sprintf("SMTP:test.account%zu@" TENANT_DOMAIN, i)),
			"accountEnabled", 1);
		CLEANUP(json_freep) json_t *victim = NULL;
		char id[GUID_TEXT_BYTES], anchor[32];

		snprintf(anchor, sizeof(anchor), "VGVzdEFjY291bnQ%zuAAAAAA==", i);
		if (!cast_get(simulator, CAST_PERSON, PEOPLE_NEEDED + 20 + i, id))
			return error_set(err, ERROR_SYSTEM,
				"simulator: nobody is left to be in conflict with");
		victim = tenant_get(simulator, id, NULL, NULL);
		if (i < 2) /* quarantined address */
			json_array_append(json_object_get(wanted, "proxyAddresses"),
				json_array_get(json_object_get(victim, "proxyAddresses"), 1));
		else if (i < 4) /* sign-in name with four digits */
			json_object_set(wanted, "userPrincipalName",
				json_object_get(victim, "userPrincipalName"));
		if (!connector_add(
			    simulator, SERVER_STAGING, anchor, NULL, OBJECT_USER, wanted, err))
			return false;
	}
	return true;
}

/* One of them has the address of a distribution list: no quarantine for that, an error (facts 4.1). */
static bool stage_clash(struct simulator *simulator, struct error *err)
{
	CLEANUP(json_freep)
	json_t *wanted = json_pack("{s:s, s:s, s:s, s:[s], s:b}", "displayName",
		"Test account for lists", "userPrincipalName", "dl-8@" TENANT_DOMAIN,
		"mailNickname", "dl-8", "proxyAddresses", "SMTP:dl-8@" TENANT_DOMAIN,
		"accountEnabled", 1);

	return connector_add(simulator, SERVER_STAGING, "VGVzdEFjY291bnQ9AAAAAA==", NULL,
		OBJECT_USER, wanted, err);
}

/* A maintenance window: while both servers are patched, their schedulers rest. */
static bool suspend_schedulers(struct simulator *simulator, struct error *err)
{
	return schedule_set(simulator, SERVER_STAGING, false, err) &&
		schedule_set(simulator, SERVER_PRODUCTION, false, err);
}

static const struct cast_change incident_rows[] = {
	{ CAST_PERSON, PEOPLE_THIRD, PEOPLE_THIRD_COUNT, stage_third },
	{ CAST_PERSON, PEOPLE_SUFFIX, PEOPLE_SUFFIX_COUNT, stage_suffix },
	{ CAST_PERSON, PEOPLE_ALIAS, PEOPLE_ALIAS_COUNT, stage_alias_gone },
	{ CAST_PERSON, PEOPLE_PRIMARY, PEOPLE_PRIMARY_COUNT, stage_primary_swapped },
	{ CAST_PERSON, PEOPLE_MOVED, PEOPLE_MOVED_COUNT, stage_alias_moved },
	{ CAST_PERSON, PEOPLE_DISABLED, PEOPLE_DISABLED_COUNT, stage_disabled },
	{ CAST_PERSON, PEOPLE_DELETED, PEOPLE_DELETED_COUNT, stage_dropped },
	{ CAST_PERSON, PEOPLE_SWITCHED, PEOPLE_SWITCHED_COUNT, stage_fate },
	{ CAST_PERSON, PEOPLE_EXCHANGE, PEOPLE_EXCHANGE_COUNT, stage_alias_gone },
	{ CAST_PERSON, PEOPLE_CORRECTED, PEOPLE_CORRECTED_COUNT, stage_department },
	{ CAST_PERSON, PEOPLE_AGREED, 1, stage_department },
	{ CAST_SYNCED_GROUP, GROUPS_SWITCHED, GROUPS_SWITCHED_COUNT, stage_group },
	{ CAST_LIST, 0, LISTS_SWITCHED_COUNT, stage_list },
	{ CAST_CONTACT, 0, CONTACTS_SWITCHED_COUNT, stage_contact },
};

bool story_incident(struct simulator *simulator, struct error *err)
{
	if (!story_mark_once(simulator, MARK_INCIDENT,
		    "\"export SYNC02\" writes once more what the staging server holds", err) ||
		!story_change_cast(simulator, incident_rows, COUNT_OF(incident_rows), err))
		return false;
	story_wait_ms(simulator, NIGHT_MS);
	return stage_wider_scope(simulator, err) && stage_clash(simulator, err) &&
		stage_rings(simulator, err) && suspend_schedulers(simulator, err) &&
		connector_export(simulator, SERVER_STAGING, err);
}
