/*
 * The store: objects and their life. Values are kept in the shape Graph shows, without what is
 * null or empty; every change is booked with its actor and handed to the audit log before the
 * row is written, all inside one transaction of the caller's or of its own.
 */
#include <assert.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/time.h"
#include "simulator/store.h"

static const char *const kind_names[OBJECT_KINDS] = { "user", "group", "contact" };

const char *object_kind_name(enum object_kind kind)
{
	return kind_names[kind];
}

void id_list_add(struct id_list *list, const char *id)
{
	MEMORY_GROW(list->ids, list->count, list->capacity);
	snprintf(list->ids[list->count++], GUID_TEXT_BYTES, "%s", id);
}

void id_list_release(struct id_list *list)
{
	memory_free(list->ids);
	*list = (struct id_list){ 0 };
}

void object_row_release(struct object_row *row)
{
	json_decref(row->json);
	row->json = NULL;
}

bool json_array_holds(const json_t *array, const char *text)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *element = json_string_value(json_array_get(array, i));

		if (element && strcmp(element, text) == 0)
			return true;
	}
	return false;
}

bool object_is_synced(const struct object_row *row)
{
	return json_is_true(json_object_get(row->json, "onPremisesSyncEnabled"));
}

bool object_is_recoverable(const struct object_row *row)
{
	if (row->kind == OBJECT_USER)
		return true;
	if (row->kind != OBJECT_GROUP)
		return false;
	if (json_array_holds(json_object_get(row->json, "groupTypes"), "Unified"))
		return true;
	return !json_is_true(json_object_get(row->json, "mailEnabled")) && !object_is_synced(row);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static bool row_from(sqlite3_stmt *statement, struct object_row *row)
{
	const char *text = store_text(statement, 3);

	/* A row that a lagging read does not see yet has no earlier state. */
	if (!text)
		return false;
	snprintf(row->id, sizeof(row->id), "%s", store_text(statement, 0));
	row->kind = (enum object_kind)sqlite3_column_int(statement, 1);
	row->state = (enum object_state)sqlite3_column_int(statement, 2);
	row->json = json_loadb(text, (size_t)sqlite3_column_bytes(statement, 3), 0, NULL);
	return row->json != NULL;
}

static bool load(
	struct simulator *simulator, const char *id, int64_t horizon_ms, struct object_row *row)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_OBJECT_GET);
	bool found;

	sqlite3_bind_int64(statement, 1, horizon_ms);
	store_bind_text(statement, 2, id);
	found = sqlite3_step(statement) == SQLITE_ROW && row_from(statement, row);
	sqlite3_reset(statement);
	return found;
}

bool object_load(struct simulator *simulator, const char *id, struct object_row *row)
{
	return load(simulator, id, INT64_MAX, row);
}

bool object_load_visible(struct simulator *simulator, const char *id, struct object_row *row)
{
	return load(simulator, id, store_horizon_ms(simulator), row);
}

bool object_page(struct simulator *simulator, enum object_kind kind, enum object_state state,
	const char *after,
	bool (*visit)(void *context, struct object_row *row, bool *more, struct error *err),
	void *context, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_OBJECT_PAGE);
	bool more = true, right = true;

	sqlite3_bind_int64(statement, 1, store_horizon_ms(simulator));
	sqlite3_bind_int(statement, 2, kind);
	store_bind_text(statement, 3, after);
	while (more && right && store_row(simulator, statement, "list objects", err)) {
		CLEANUP(object_row_release) struct object_row row = { 0 };

		if (sqlite3_column_int(statement, 2) == (int)state && row_from(statement, &row))
			right = visit(context, &row, &more, err);
	}
	sqlite3_reset(statement);
	return right && err->kind == ERROR_NONE;
}

static char *dump(const json_t *json)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(SIMULATOR_OBJECT_MAX);

	json_add(&text, json);
	return buf_detach(&text);
}

bool object_insert(struct simulator *simulator, const struct actor *actor,
	const struct object_row *row, struct error *err)
{
	CLEANUP(memory_freep) char *text = dump(row->json);
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_OBJECT_INSERT);

	store_bind_text(statement, 1, row->id);
	sqlite3_bind_int(statement, 2, row->kind);
	sqlite3_bind_int(statement, 3, row->state);
	store_bind_text(statement, 4, text);
	sqlite3_bind_int64(statement, 5, store_change_ms(simulator, actor));
	return store_run(simulator, statement, "create an object", err);
}

bool object_store(struct simulator *simulator, const struct actor *actor,
	const struct object_row *row, struct error *err)
{
	CLEANUP(memory_freep) char *text = dump(row->json);
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_OBJECT_UPDATE);

	store_bind_text(statement, 1, row->id);
	sqlite3_bind_int(statement, 2, row->state);
	store_bind_text(statement, 3, text);
	sqlite3_bind_int64(statement, 4, store_horizon_ms(simulator));
	sqlite3_bind_int64(statement, 5, store_change_ms(simulator, actor));
	sqlite3_bind_int(statement, 6, simulator->options.lag_ms > 0);
	return store_run(simulator, statement, "store an object", err);
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool is_nothing(const json_t *value)
{
	return !value || json_is_null(value) ||
		(json_is_array(value) && json_array_size(value) == 0) ||
		(json_is_object(value) && json_object_size(value) == 0);
}

/* The value without what is null in a complex one; NULL when nothing is left. A new reference. */
static json_t *tidied(const json_t *value)
{
	json_t *copy, *member;
	const char *name;
	void *next;

	if (is_nothing(value))
		return NULL;
	copy = json_deep_copy(value);
	if (!json_is_object(copy))
		return copy;
	json_object_foreach_safe(copy, next, name, member) if (json_is_null(member))
		json_object_del(copy, name);
	if (json_object_size(copy) > 0)
		return copy;
	json_decref(copy);
	return NULL;
}

/* Puts `value` at "name" or "outer/inner"; what was there (or NULL) is a new reference. */
static json_t *replace(json_t *object, const char *name, const json_t *value)
{
	CLEANUP(json_freep) json_t *tidy = tidied(value);
	CLEANUP(json_freep) json_t *outer = NULL;
	const char *slash = strchr(name, '/');
	json_t *old;

	if (!slash) {
		old = json_incref(json_object_get(object, name));
		if (tidy)
			json_object_set(object, name, tidy);
		else
			json_object_del(object, name);
		return old;
	}
	{
		CLEANUP(memory_freep)
		char *outer_name = memory_text_span(name, (size_t)(slash - name));

		/* A copy: the caller keeps the value that was there before. */
		outer = json_is_object(json_object_get(object, outer_name))
			? json_deep_copy(json_object_get(object, outer_name))
			: json_object();
		old = replace(outer, slash + 1, tidy);
		json_decref(replace(object, outer_name, outer));
	}
	return old;
}

static json_t *value_at(const json_t *object, const char *name)
{
	const char *slash = strchr(name, '/');

	if (!slash)
		return json_object_get(object, name);
	{
		CLEANUP(memory_freep) char *outer = memory_text_span(name, (size_t)(slash - name));

		return json_object_get(json_object_get(object, outer), slash + 1);
	}
}

static bool same_value(const json_t *a, const json_t *b)
{
	if (is_nothing(a) || is_nothing(b))
		return is_nothing(a) && is_nothing(b);
	return json_equal(a, b);
}

static bool is_address(const char *name)
{
	return strcmp(name, "proxyAddresses") == 0 || strcmp(name, "userPrincipalName") == 0;
}

static void put_time(const struct simulator *simulator, json_t *object, const char *name)
{
	char text[TIME_TEXT_BYTES];

	/* Whole seconds, as the directory stores creation and deletion. */
	time_text(simulator->now_ms / 1000 * 1000, text);
	json_object_set_new(object, name, json_string(text));
}

/* ---- life ------------------------------------------------------------------------------------ */

static json_t *new_object(struct simulator *simulator, enum object_kind kind,
	const json_t *properties, char id[static GUID_TEXT_BYTES])
{
	const char *given = json_string_value(json_object_get(properties, "id"));
	json_t *object = json_object();
	const char *name;
	json_t *value;

	if (given)
		snprintf(id, GUID_TEXT_BYTES, "%s", given);
	else
		simulator_guid(simulator, id);
	if (kind != OBJECT_CONTACT)
		put_time(simulator, object, "createdDateTime");
	json_object_foreach((json_t *)properties, name, value)
		json_decref(replace(object, name, value));
	json_object_set_new(object, "id", json_string(id));
	return object;
}

bool tenant_create(struct simulator *simulator, const struct actor *actor, enum object_kind kind,
	const json_t *properties, char id_out[static GUID_TEXT_BYTES], struct error *err)
{
	CLEANUP(object_row_release) struct object_row row = { .kind = kind, .state = OBJECT_LIVE };

	row.json = new_object(simulator, kind, properties, row.id);
	if (!addresses_free(simulator, &row, err) || !simulator_begin(simulator, err))
		return error_prefix(err, "create %s", object_kind_name(kind));
	if (!object_insert(simulator, actor, &row, err) ||
		!addresses_update(simulator, &row, err) ||
		!book_write(simulator,
			&(struct write_entry){
				actor, row.id, kind, "create", NULL, NULL, row.json },
			err) ||
		!audit_object(simulator, actor, &row, AUDIT_ADD, err)) {
		simulator_rollback(simulator);
		return error_prefix(err, "create %s", object_kind_name(kind));
	}
	memcpy(id_out, row.id, GUID_TEXT_BYTES);
	return simulator_commit(simulator, err);
}

json_t *tenant_get(struct simulator *simulator, const char *id, enum object_kind *kind,
	enum object_state *state)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };

	if (!object_load(simulator, id, &row) || row.state == OBJECT_GONE)
		return NULL;
	if (kind)
		*kind = row.kind;
	if (state)
		*state = row.state;
	return TAKE(row.json);
}

static bool record_set(struct simulator *simulator, const struct actor *actor,
	const struct object_row *row, const char *name, const json_t *old, struct error *err)
{
	const json_t *now = value_at(row->json, name);

	return object_store(simulator, actor, row, err) &&
		(!is_address(name) || addresses_update(simulator, row, err)) &&
		book_write(simulator,
			&(struct write_entry){ actor, row->id, row->kind, "set", name, old, now },
			err) &&
		audit_change(simulator, actor, row, name, old, now, err);
}

bool tenant_set(struct simulator *simulator, const struct actor *actor, const char *id,
	const char *name, const json_t *value, struct error *err)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };
	CLEANUP(json_freep) json_t *old = NULL;

	assert(strcmp(name, "id") != 0);
	if (!object_load(simulator, id, &row) || row.state != OBJECT_LIVE)
		return error_set(
			err, ERROR_STALE, "simulator: set %s of %s: no such object", name, id);
	if (same_value(value_at(row.json, name), value))
		return true;
	old = replace(row.json, name, value);
	if ((is_address(name) && !addresses_free(simulator, &row, err)) ||
		!simulator_begin(simulator, err))
		return error_prefix(err, "set %s of %s", name, id);
	if (!record_set(simulator, actor, &row, name, old, err)) {
		simulator_rollback(simulator);
		return error_prefix(err, "set %s of %s", name, id);
	}
	return simulator_commit(simulator, err);
}

bool tenant_set_cloud_managed(struct simulator *simulator, const struct actor *actor,
	const char *id, bool cloud_managed, struct error *err)
{
	CLEANUP(json_freep) json_t *value = json_boolean(cloud_managed);
	bool done;

	audit_begin(simulator,
		cloud_managed ? "Change Source of Authority from AD to cloud"
			      : "Undo changes to Source of Authority from AD to cloud");
	done = tenant_set(simulator, actor, id, "isCloudManaged", value, err) &&
		tenant_set(simulator, actor, id, "onPremisesSyncEnabled", NULL, err);
	return audit_end(simulator, err) && done;
}

/* Changes the state of an object and tells everybody. */
static bool change_state(struct simulator *simulator, const struct actor *actor,
	const struct object_row *row, const char *operation, enum audit_event event,
	struct error *err)
{
	bool restored = event == AUDIT_RESTORE;

	if (!simulator_begin(simulator, err))
		return false;
	if (!object_store(simulator, actor, row, err) || !addresses_update(simulator, row, err) ||
		!book_write(simulator,
			&(struct write_entry){ actor, row->id, row->kind, operation, NULL,
				restored ? NULL : row->json, restored ? row->json : NULL },
			err) ||
		!audit_object(simulator, actor, row, event, err)) {
		simulator_rollback(simulator);
		return error_prefix(err, "%s %s", operation, row->id);
	}
	return simulator_commit(simulator, err);
}

static bool load_in(struct simulator *simulator, const char *id, enum object_state last_state,
	struct object_row *row, const char *operation, struct error *err)
{
	if (object_load(simulator, id, row) && row->state <= last_state)
		return true;
	return error_set(err, ERROR_STALE, "simulator: %s %s: no such object", operation, id);
}

bool tenant_delete(
	struct simulator *simulator, const struct actor *actor, const char *id, struct error *err)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };

	if (!load_in(simulator, id, OBJECT_LIVE, &row, "delete", err))
		return false;
	row.state = object_is_recoverable(&row) ? OBJECT_DELETED : OBJECT_GONE;
	if (row.state == OBJECT_DELETED)
		put_time(simulator, row.json, "deletedDateTime");
	return change_state(simulator, actor, &row, "delete", AUDIT_DELETE, err);
}

bool tenant_purge(
	struct simulator *simulator, const struct actor *actor, const char *id, struct error *err)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };

	if (!load_in(simulator, id, OBJECT_DELETED, &row, "purge", err))
		return false;
	row.state = OBJECT_GONE;
	return change_state(simulator, actor, &row, "purge", AUDIT_HARD_DELETE, err);
}

/* Leaves out the addresses that a live object holds now. */
static void strip_taken(struct simulator *simulator, struct object_row *row)
{
	CLEANUP(json_freep) json_t *free_ones = json_array();
	json_t *addresses = json_object_get(row->json, "proxyAddresses");
	char holder[GUID_TEXT_BYTES];
	enum object_state state;

	for (size_t i = 0; i < json_array_size(addresses); i++) {
		json_t *address = json_array_get(addresses, i);

		if (!tenant_find_address(
			    simulator, json_string_value(address), row->id, holder, &state) ||
			state != OBJECT_LIVE)
			json_array_append(free_ones, address);
	}
	json_decref(replace(row->json, "proxyAddresses", free_ones));
}

bool object_restore(struct simulator *simulator, const struct actor *actor, const char *id,
	const char *new_upn, bool strip_conflicts, struct error *err)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };

	if (!object_load(simulator, id, &row) || row.state != OBJECT_DELETED)
		return error_set(
			err, ERROR_STALE, "simulator: restore %s: not in deleted items", id);
	if (new_upn)
		json_object_set_new(row.json, "userPrincipalName", json_string(new_upn));
	if (strip_conflicts)
		strip_taken(simulator, &row);
	if (!addresses_free(simulator, &row, err))
		return error_prefix(err, "restore %s", id);
	row.state = OBJECT_LIVE;
	json_object_del(row.json, "deletedDateTime");
	return change_state(simulator, actor, &row, "restore", AUDIT_RESTORE, err);
}

bool tenant_restore(
	struct simulator *simulator, const struct actor *actor, const char *id, struct error *err)
{
	return object_restore(simulator, actor, id, NULL, false, err);
}

int64_t object_count(struct simulator *simulator, enum object_kind kind, int64_t enough)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_OBJECT_COUNT);
	int64_t count;

	sqlite3_bind_int(statement, 1, (int)kind);
	sqlite3_bind_int(statement, 2, OBJECT_LIVE);
	sqlite3_bind_int64(statement, 3, enough);
	count = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_reset(statement);
	return count;
}

bool tenant_list(struct simulator *simulator, enum object_kind kind, enum object_state state,
	struct id_list *list, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_OBJECT_IDS);

	sqlite3_bind_int(statement, 1, kind);
	sqlite3_bind_int(statement, 2, state);
	while (store_row(simulator, statement, "list ids", err))
		id_list_add(list, store_text(statement, 0));
	return err->kind == ERROR_NONE;
}

bool tenant_set_last_sync_ms(struct simulator *simulator, int64_t ms, struct error *err)
{
	char text[TIME_TEXT_BYTES];

	return store_set_setting(simulator, "last-sync", time_text(ms / 1000 * 1000, text), err);
}

bool tenant_register_extension(struct simulator *simulator, const char *name, struct error *err)
{
	return store_set_setting(simulator, name, "extension", err);
}

bool tenant_has_extension(struct simulator *simulator, const char *name)
{
	CLEANUP(memory_freep) char *kept = NULL;

	if (strncmp(name, "extension_", strlen("extension_")) != 0)
		return false;
	kept = store_setting(simulator, name);
	return kept != NULL;
}
