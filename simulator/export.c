/*
 * A sync server's export: the cloud is brought to the server's picture, object by object. What
 * another object still holds is tried again when everything else is done, and quarantined when
 * it is held even then (facts 4.1): the rest of the object is written, the export succeeds. In a ring
 * of objects that pass their addresses on, that very quarantine lets the first address go; so
 * what was left out is tried once more in the end.
 */
#include <sqlite3.h>

#include "base/memory.h"
#include "simulator/space.h"

enum { WRITE_TAKES_MS = 40, MS_A_SECOND = 1000 };

struct export_row {
	char *anchor, *cloud_id; /* cloud_id NULL: to be created */
	enum object_kind kind;
	bool present;
	json_t *wanted;
	enum space_operation written; /* what became of the object */
	bool refused;
};

struct export
{
	struct simulator *simulator;
	const char *server;
	struct actor actor;
	struct export_row *rows;
	size_t count, capacity;
	bool last_round; /* what is refused now goes to quarantine */
	bool once_more;  /* what went there is tried again, for the last time */
};

static void export_release(struct export *export)
{
	for (size_t i = 0; i < export->count; i++) {
		memory_free(export->rows[i].anchor);
		memory_free(export->rows[i].cloud_id);
		json_decref(export->rows[i].wanted);
	}
	memory_free(export->rows);
}

static void add_row(struct export *export, sqlite3_stmt *statement)
{
	struct export_row *row;

	MEMORY_GROW(export->rows, export->count, export->capacity);
	row = &export->rows[export->count++];
	*row = (struct export_row){ 0 };
	row->anchor = memory_text((const char *)sqlite3_column_text(statement, 0));
	row->cloud_id = memory_text((const char *)sqlite3_column_text(statement, 1));
	row->kind = (enum object_kind)sqlite3_column_int(statement, 2);
	row->present = sqlite3_column_int(statement, 3) != 0;
	row->wanted = json_from_span(span_of((const char *)sqlite3_column_text(statement, 4)));
}

/* Deletes go first, as a cycle's import finds scope changes before attribute changes. */
static bool read_rows(struct export *export, struct error *err)
{
	static const char sql[] = "SELECT anchor, cloud_id, kind, present, wanted FROM connector"
				  " WHERE server = ?1 ORDER BY present, cloud_id IS NULL, anchor";
	sqlite3 *database = simulator_database(export->simulator);
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
		return error_set(err, ERROR_SYSTEM, "simulator: %s", sqlite3_errmsg(database));
	sqlite3_bind_text(statement, 1, export->server, -1, SQLITE_STATIC);
	while (sqlite3_step(statement) == SQLITE_ROW)
		add_row(export, statement);
	sqlite3_finalize(statement);
	return true;
}

/* ---- one object ------------------------------------------------------------------------------- */

static const char *update_activity(enum object_kind kind)
{
	static const char *const activities[] = {
		[OBJECT_USER] = "Update user",
		[OBJECT_GROUP] = "Update group",
		[OBJECT_CONTACT] = "Update contact",
	};

	return activities[kind];
}

/* The taken sign-in name is noted, and another one stands in its place, once (contract 5.3). */
static bool quarantine_name(
	struct export *export, const char *id, const char *upn, struct error *err)
{
	CLEANUP(json_freep) json_t *instead = NULL;

	if (quarantine_has(export->simulator, id, upn))
		return true;
	instead = quarantine_replacement_upn(export->simulator, upn);
	return quarantine_note(
		       export->simulator, &export->actor, id, "UserPrincipalName", upn, err) &&
		tenant_set(
			export->simulator, &export->actor, id, "userPrincipalName", instead, err);
}

/* Refused because somebody holds it: a later round, or quarantine. `wrote` tells whether anything changed. */
static bool export_value(struct export *export, const char *id, const char *name,
	const json_t *wanted, bool *again, struct error *err)
{
	struct error refused = { 0 };

	if (tenant_set(export->simulator, &export->actor, id, name, wanted, &refused))
		return !export->once_more ||
			quarantine_end(export->simulator, &export->actor, id, wanted, err);
	if (refused.kind != ERROR_REFUSED) {
		*err = refused;
		return false;
	}
	*again = true;
	if (!export->last_round)
		return true;
	if (strcmp(name, "proxyAddresses") == 0) {
		CLEANUP(json_freep)
		json_t *left = quarantine_without_taken(
			export->simulator, &export->actor, id, wanted, err);

		return left && tenant_set(export->simulator, &export->actor, id, name, left, err);
	}
	return quarantine_name(
		export, id, json_is_string(wanted) ? json_string_value(wanted) : "", err);
}

static bool stamp(struct export *export, const char *id, struct error *err)
{
	char when[TIME_TEXT_BYTES];
	int64_t now = simulator_now_ms(export->simulator);
	CLEANUP(json_freep) json_t *value = json_string(time_text(now - now % MS_A_SECOND, when));

	return tenant_set(
		export->simulator, &export->actor, id, "onPremisesLastSyncDateTime", value, err);
}

static bool export_values(struct export *export, const struct export_row *row, const json_t *object,
	bool *again, struct error *err)
{
	const char *name;
	json_t *wanted;
	int64_t before = writes_last(export->simulator);

	audit_begin(export->simulator, update_activity(row->kind));
	json_object_foreach(row->wanted, name, wanted)
	{
		if (space_same_value(story_property(object, name), wanted))
			continue;
		if (!export_value(export, row->cloud_id, name, wanted, again, err))
			return false;
	}
	if (writes_last(export->simulator) != before) {
		story_wait_ms(export->simulator, WRITE_TAKES_MS);
		if (!stamp(export, row->cloud_id, err))
			return false;
	}
	return audit_end(export->simulator, err);
}

/* ---- references ---------------------------------------------------------------------------------- */

static bool flows(struct export *export, const char *id, enum relation relation)
{
	sqlite3_stmt *statement = NULL;
	bool does = false;

	if (sqlite3_prepare_v2(simulator_database(export->simulator),
		    "SELECT 1 FROM connector_flow WHERE server = ?1 AND cloud_id = ?2 AND relation = ?3",
		    -1, &statement, NULL) == SQLITE_OK) {
		sqlite3_bind_text(statement, 1, export->server, -1, SQLITE_STATIC);
		sqlite3_bind_text(statement, 2, id, -1, SQLITE_STATIC);
		sqlite3_bind_int(statement, 3, (int)relation);
		does = sqlite3_step(statement) == SQLITE_ROW;
	}
	sqlite3_finalize(statement);
	return does;
}

static bool read_links(struct export *export, const char *id, enum relation relation,
	struct id_list *list, struct error *err)
{
	sqlite3 *database = simulator_database(export->simulator);
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(database,
		    "SELECT target FROM connector_link WHERE server = ?1 AND cloud_id = ?2 AND relation = ?3"
		    " ORDER BY target",
		    -1, &statement, NULL) != SQLITE_OK)
		return error_set(err, ERROR_SYSTEM, "simulator: %s", sqlite3_errmsg(database));
	sqlite3_bind_text(statement, 1, export->server, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, id, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 3, (int)relation);
	while (sqlite3_step(statement) == SQLITE_ROW)
		id_list_add(list, (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	return true;
}

static bool listed(const struct id_list *list, const char *id)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->ids[i], id) == 0)
			return true;
	}
	return false;
}

static bool is_live(struct simulator *simulator, const char *id)
{
	enum object_state state = OBJECT_GONE;
	json_t *object = id ? tenant_get(simulator, id, NULL, &state) : NULL;

	json_decref(object);
	return object && state == OBJECT_LIVE;
}

static bool export_relation(
	struct export *export, const char *id, enum relation relation, struct error *err)
{
	CLEANUP(id_list_release) struct id_list wanted = { 0 };
	CLEANUP(id_list_release) struct id_list now = { 0 };

	if (!flows(export, id, relation))
		return true;
	if (!read_links(export, id, relation, &wanted, err) ||
		!tenant_references(export->simulator, id, relation, &now, err))
		return false;
	for (size_t i = 0; i < now.count; i++) {
		/* Deleted people stay members until they are purged; nobody exports that (contract 2.9). */
		if (listed(&wanted, now.ids[i]) || !is_live(export->simulator, now.ids[i]))
			continue;
		story_wait_ms(export->simulator, WRITE_TAKES_MS);
		if (!tenant_remove_reference(
			    export->simulator, &export->actor, id, relation, now.ids[i], err))
			return false;
	}
	for (size_t i = 0; i < wanted.count; i++) {
		if (listed(&now, wanted.ids[i]) || !is_live(export->simulator, wanted.ids[i]))
			continue;
		story_wait_ms(export->simulator, WRITE_TAKES_MS);
		if (!tenant_add_reference(
			    export->simulator, &export->actor, id, relation, wanted.ids[i], err))
			return false;
	}
	return true;
}

static bool export_relations(struct export *export, const struct export_row *row, struct error *err)
{
	static const enum relation relations[] = { RELATION_MEMBERS, RELATION_OWNERS,
		RELATION_MANAGER };

	for (size_t i = 0; i < COUNT_OF(relations); i++) {
		if (!export_relation(export, row->cloud_id, relations[i], err))
			return false;
	}
	return true;
}

/* ---- creating, deleting ------------------------------------------------------------------------ */

static bool learn_id(
	struct export *export, struct export_row *row, const char *id, struct error *err)
{
	sqlite3 *database = simulator_database(export->simulator);
	sqlite3_stmt *statement = NULL;
	bool done;

	memory_free(row->cloud_id);
	row->cloud_id = memory_text(id);
	done = sqlite3_prepare_v2(database,
		       "UPDATE connector SET cloud_id = ?3 WHERE server = ?1 AND anchor = ?2", -1,
		       &statement, NULL) == SQLITE_OK;
	if (done) {
		sqlite3_bind_text(statement, 1, export->server, -1, SQLITE_STATIC);
		sqlite3_bind_text(statement, 2, row->anchor, -1, SQLITE_STATIC);
		sqlite3_bind_text(statement, 3, id, -1, SQLITE_STATIC);
		done = sqlite3_step(statement) == SQLITE_DONE;
	}
	sqlite3_finalize(statement);
	return done || error_set(err, ERROR_SYSTEM, "simulator: %s", sqlite3_errmsg(database));
}

/* What of the picture can be written at birth: taken names are replaced, taken addresses left out. */
static json_t *birth_properties(
	struct export *export, const struct export_row *row, struct error *err)
{
	json_t *properties = json_deep_copy(row->wanted);
	const char *upn = json_text_or_null(properties, "userPrincipalName");
	json_t *addresses = json_object_get(properties, "proxyAddresses");

	json_object_set_new(properties, "onPremisesSyncEnabled", json_true());
	if (row->kind == OBJECT_USER)
		json_object_set_new(properties, "onPremisesImmutableId", json_string(row->anchor));
	if (upn && !quarantine_is_free(export->simulator, upn, NULL))
		json_object_set_new(properties, "userPrincipalName",
			quarantine_replacement_upn(export->simulator, upn));
	if (addresses)
		json_object_set_new(properties, "proxyAddresses",
			quarantine_without_taken(
				export->simulator, &export->actor, "", addresses, err));
	return properties;
}

static bool note_birth_conflicts(
	struct export *export, const struct export_row *row, struct error *err)
{
	const char *upn = json_text_or_null(row->wanted, "userPrincipalName");
	json_t *addresses = json_object_get(row->wanted, "proxyAddresses");

	if (upn && !quarantine_is_free(export->simulator, upn, row->cloud_id) &&
		!quarantine_note(export->simulator, &export->actor, row->cloud_id,
			"UserPrincipalName", upn, err))
		return false;
	if (addresses) {
		CLEANUP(json_freep)
		json_t *left = quarantine_without_taken(
			export->simulator, &export->actor, row->cloud_id, addresses, err);

		return left != NULL;
	}
	return true;
}

/* The group that holds an address of somebody who is not born yet. */
static const char *clash_with_group(
	struct export *export, const struct export_row *row, char group[static GUID_TEXT_BYTES])
{
	size_t index;
	json_t *address;

	json_array_foreach(json_object_get(row->wanted, "proxyAddresses"), index, address)
	{
		enum object_state state = OBJECT_GONE;
		enum object_kind kind = OBJECT_USER;

		if (!tenant_find_address(
			    export->simulator, json_string_value(address), NULL, group, &state))
			continue;
		json_decref(tenant_get(export->simulator, group, &kind, NULL));
		if (state == OBJECT_LIVE && kind == OBJECT_GROUP)
			return json_string_value(address);
	}
	return NULL;
}

static bool refuse(struct export *export, struct export_row *row, const char *address,
	const char *group, struct error *err)
{
	CLEANUP(json_freep)
	json_t *refusal = json_pack("{s:s, s:s, s:s, s:s, s:I}", "error",
		"AttributeValueMustBeUnique", "attribute", "ProxyAddresses", "value", address,
		"holder", group, "at", (json_int_t)simulator_now_ms(export->simulator));

	row->refused = true;
	return space_refused(export->simulator, export->server, row->anchor, refusal, err);
}

static bool create(struct export *export, struct export_row *row, struct error *err)
{
	char id[GUID_TEXT_BYTES];
	/* Between two people the newcomer's is quarantined; against a group it is an error (facts 4.1). */
	const char *clash = clash_with_group(export, row, id);
	CLEANUP(json_freep) json_t *properties = NULL;
	bool staging = export->actor.role == ACTOR_STAGING;

	if (clash)
		return refuse(export, row, clash, id, err);
	properties = birth_properties(export, row, err);
	story_wait_ms(export->simulator, WRITE_TAKES_MS);
	if (!tenant_create(export->simulator, &export->actor, row->kind, properties, id, err) ||
		!learn_id(export, row, id, err) || !note_birth_conflicts(export, row, err))
		return false;
	return !staging || cast_add(export->simulator, CAST_CREATED, id, err);
}

static bool remove_object(struct export *export, const struct export_row *row,
	enum object_state state, struct error *err)
{
	if (!row->cloud_id || state != OBJECT_LIVE)
		return true;
	story_wait_ms(export->simulator, WRITE_TAKES_MS);
	return tenant_delete(export->simulator, &export->actor, row->cloud_id, err);
}

static bool export_row(
	struct export *export, struct export_row *row, bool *again, struct error *err)
{
	enum object_state state = OBJECT_GONE;
	CLEANUP(json_freep)
	json_t *object = row->cloud_id ? tenant_get(export->simulator, row->cloud_id, NULL, &state)
				       : NULL;

	if (json_is_true(json_object_get(object, "isCloudManaged")))
		return true; /* blockOnPremisesSync: logged as event 6956, nothing exported (contract 5.6) */
	if (!row->present)
		return remove_object(export, row, state, err);
	if (!object || state == OBJECT_GONE)
		return create(export, row, err);
	/* The same anchor brings a deleted person back (facts 7.4). */
	if (state == OBJECT_DELETED &&
		!tenant_restore(export->simulator, &export->actor, row->cloud_id, err))
		return false;
	return export_values(export, row, object, again, err) && export_relations(export, row, err);
}

/* Whatever was written makes the object one of the export's: it waits to be read back. */
static bool export_row_and_note(
	struct export *export, struct export_row *row, bool *again, struct error *err)
{
	int64_t before = writes_last(export->simulator);
	bool was_there = is_live(export->simulator, row->cloud_id);

	if (!export_row(export, row, again, err))
		return false;
	if (writes_last(export->simulator) == before)
		return true;
	if (!row->written)
		row->written = !was_there ? SPACE_ADD : row->present ? SPACE_UPDATE : SPACE_DELETE;
	return space_sent(export->simulator, export->server, row->anchor, row->written, err);
}

static bool export_round(struct export *export, bool *again, struct error *err)
{
	*again = false;
	for (size_t i = 0; i < export->count; i++) {
		if (!export_row_and_note(export, &export->rows[i], again, err))
			return error_prefix(
				err, "%s: export of %s", export->server, export->rows[i].anchor);
	}
	return true;
}

static bool export_all(struct export *export, struct error *err)
{
	bool again;

	if (!read_rows(export, err) || !export_round(export, &again, err))
		return false;
	if (!again)
		return true;
	export->last_round = true;
	if (!export_round(export, &again, err))
		return false;
	export->last_round = false;
	export->once_more = true;
	return !again || export_round(export, &again, err);
}

bool connector_export(struct simulator *simulator, const char *server, struct error *err)
{
	CLEANUP(export_release)
	struct export export = {
		.simulator = simulator,
		.server = server,
		.actor = story_server(server),
	};
	/* No scheduler exports from a staging server: somebody pressed Run there (facts 1.1). */
	struct schedule_export run = {
		.server = server,
		.by_hand = export.actor.role == ACTOR_STAGING,
	};
	struct space_counts counts = { 0 };

	if (!schedule_export_begin(simulator, &run, err) || !export_all(&export, err))
		return false;
	for (size_t i = 0; i < export.count; i++) {
		space_count(&counts, export.rows[i].written);
		counts.failures += export.rows[i].refused;
	}
	return schedule_export_end(simulator, &run, &counts, err) &&
		tenant_set_last_sync_ms(simulator, simulator_now_ms(simulator), err);
}
