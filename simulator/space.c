/*
 * What a server has imported, sent and is to import, beside its picture in table `connector`:
 *	seen     what it imported and synchronised; NULL: the same as the picture, as at the base
 *	arrived  what it imported since, as arrived_as says
 *	sent     what it exported and has not read back, as sent_as says
 * and table `shadow`: what sync last wrote of each object, where that was after the base.
 */
#include "simulator/space.h"

#include "base/memory.h"
#include "simulator/space_row.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS shadow ("
	" anchor TEXT PRIMARY KEY, cloud_id TEXT, kind INTEGER, state TEXT, changed_ms INTEGER,"
	" sequence INTEGER) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS shadow_sequence ON shadow (sequence);"
	"CREATE TABLE IF NOT EXISTS sync_server ("
	" server TEXT PRIMARY KEY, scheduled INTEGER, cycle_ms INTEGER, imported INTEGER,"
	" synchronised INTEGER, imported_ms INTEGER, cloud_runs INTEGER, directory_runs INTEGER)"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS sync_run ("
	" sequence INTEGER PRIMARY KEY, server TEXT, connector INTEGER, step INTEGER,"
	" number INTEGER, start_ms INTEGER, end_ms INTEGER, who TEXT, result TEXT,"
	" adds INTEGER, updates INTEGER, deletes INTEGER, failures INTEGER);";

bool space_prepare(struct simulator *simulator, struct error *err)
{
	sqlite3 *database = simulator_database(simulator);

	if (sqlite3_exec(database, schema, NULL, NULL, NULL) != SQLITE_OK)
		return error_set(
			err, ERROR_SYSTEM, "simulator: sync servers: %s", sqlite3_errmsg(database));
	return true;
}

/* ---- states ---------------------------------------------------------------------------------- */

void space_count(struct space_counts *counts, enum space_operation operation)
{
	counts->adds += operation == SPACE_ADD;
	counts->updates += operation == SPACE_UPDATE;
	counts->deletes += operation == SPACE_DELETE;
}

static bool has_element(const json_t *set, const json_t *element)
{
	size_t index;
	json_t *other;

	json_array_foreach(set, index, other)
	{
		if (json_equal(other, element))
			return true;
	}
	return false;
}

static bool is_nothing(const json_t *value)
{
	return !value || json_is_null(value) || (json_is_array(value) && !json_array_size(value));
}

bool space_same_value(const json_t *a, const json_t *b)
{
	size_t index;
	json_t *element;

	if (is_nothing(a) || is_nothing(b))
		return is_nothing(a) && is_nothing(b);
	if (!json_is_array(a) || !json_is_array(b))
		return json_equal(a, b) == 1;
	if (json_array_size(a) != json_array_size(b))
		return false;
	json_array_foreach(a, index, element)
	{
		if (!has_element(b, element))
			return false;
	}
	return true;
}

static bool holds_all(const json_t *state, const json_t *other)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)other, name, value)
	{
		if (!space_same_value(json_object_get(state, name), value))
			return false;
	}
	return true;
}

bool space_same(const json_t *a, const json_t *b)
{
	if (!a || !b)
		return !a && !b;
	return holds_all(a, b) && holds_all(b, a);
}

enum space_operation space_change(const json_t *from, const json_t *to)
{
	if (space_same(from, to))
		return SPACE_NONE;
	return !from ? SPACE_ADD : !to ? SPACE_DELETE : SPACE_UPDATE;
}

static bool add_links(struct simulator *simulator, const char *server, const char *cloud_id,
	json_t *state, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *statement = NULL;

	if (!story_prepare(simulator, &statement, err,
		    "SELECT relation, target FROM connector_link WHERE server = ?1 AND cloud_id = ?2"
		    " ORDER BY relation, target",
		    "tt", server, cloud_id))
		return false;
	while (story_row(simulator, statement, err)) {
		const char *name = relation_name((enum relation)sqlite3_column_int(statement, 0));
		json_t *targets = json_object_get(state, name);

		if (!targets) {
			targets = json_array();
			json_object_set_new(state, name, targets);
		}
		json_array_append_new(targets, json_string(story_text(statement, 1)));
	}
	return err->kind == ERROR_NONE;
}

/* A relation that a server flows is there even when nobody is left in it. */
static bool add_flowed(struct simulator *simulator, const char *server, const char *cloud_id,
	json_t *state, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *statement = NULL;

	if (!story_prepare(simulator, &statement, err,
		    "SELECT relation FROM connector_flow WHERE server = ?1 AND cloud_id = ?2", "tt",
		    server, cloud_id))
		return false;
	while (story_row(simulator, statement, err))
		json_object_set_new(state,
			relation_name((enum relation)sqlite3_column_int(statement, 0)),
			json_array());
	return err->kind == ERROR_NONE;
}

static json_t *without_nothing(const json_t *state)
{
	json_t *left = json_object(), *value;
	const char *name;

	json_object_foreach((json_t *)state, name, value)
	{
		if (!is_nothing(value))
			json_object_set(left, name, value);
	}
	return left;
}

json_t *space_picture(struct simulator *simulator, const char *server, const char *cloud_id,
	const json_t *wanted, const json_t *over, struct error *err)
{
	CLEANUP(json_freep) json_t *state = json_copy((json_t *)wanted);

	if (cloud_id &&
		(!add_flowed(simulator, server, cloud_id, state, err) ||
			!add_links(simulator, server, cloud_id, state, err)))
		return NULL;
	if (over)
		json_object_update_missing(state, (json_t *)over);
	return without_nothing(state);
}

/* ---- what a server holds of one object ----------------------------------------------------- */

void space_object_release(struct space_object *object)
{
	json_decref(object->seen);
	json_decref(object->arrived);
	json_decref(object->sent);
	json_decref(object->wanted);
	json_decref(object->refusal);
}

bool space_object_read(struct simulator *simulator, const char *server, sqlite3_stmt *row,
	struct space_object *object, struct error *err)
{
	CLEANUP(json_freep) json_t *wanted = story_json(row, 4);
	const char *cloud_id = story_text(row, 1);
	CLEANUP(json_freep)
	json_t *alone = space_picture(simulator, server, cloud_id, wanted, NULL, err);

	if (!alone)
		return false;
	*object = (struct space_object){
		.anchor = story_text(row, 0),
		.cloud_id = cloud_id ? cloud_id : "",
		.kind = (enum object_kind)sqlite3_column_int(row, 2),
		.joined = true,
		.arrived = story_json(row, 7),
		.arrived_as = (enum space_operation)sqlite3_column_int(row, 8),
		.sent = story_json(row, 9),
		.sent_as = (enum space_operation)sqlite3_column_int(row, 10),
		.seen_ms = sqlite3_column_int64(row, 11),
		.sent_ms = sqlite3_column_int64(row, 12),
		.refusal = story_json(row, 13),
	};
	if (sqlite3_column_type(row, 6) == SQLITE_NULL) {
		object->seen = json_copy(alone);
		if (sqlite3_column_int(row, 5))
			json_object_set_new(object->seen, SPACE_BLOCKED, json_true());
	} else {
		object->seen = story_json(row, 6);
	}
	if (sqlite3_column_int(row, 3)) {
		object->wanted = space_picture(simulator, server, cloud_id, wanted,
			object->sent_as ? object->sent : object->seen, err);
		if (!object->wanted)
			return false;
	}
	if (json_object_get(object->seen, SPACE_BLOCKED))
		return true; /* nothing is exported to it: event 6956 (facts 1.7) */
	object->wanted_as = space_change(
		object->sent_as ? object->sent : object->seen, object->wanted);
	return true;
}

/* The row of one object; false without err where the server has none. `key`: "anchor", "cloud_id". */
static bool find_row(struct simulator *simulator, const char *server, bool by_anchor,
	const char *key, sqlite3_stmt **row, struct error *err)
{
	return story_prepare(simulator, row, err,
		       by_anchor ? "SELECT " SPACE_ROW
				   " FROM connector WHERE server = ?1 AND anchor = ?2"
				 : "SELECT " SPACE_ROW
				   " FROM connector WHERE server = ?1 AND cloud_id = ?2",
		       "tt", server, key) &&
		story_row(simulator, *row, err);
}

bool space_freeze(
	struct simulator *simulator, const char *server, const char *cloud_id, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;
	CLEANUP(space_object_release) struct space_object object = { 0 };

	if (!story_mark(simulator, MARK_BASE))
		return true;
	if (!find_row(simulator, server, false, cloud_id, &row, err))
		return err->kind == ERROR_NONE;
	if (sqlite3_column_type(row, 6) != SQLITE_NULL)
		return true;
	return space_object_read(simulator, server, row, &object, err) &&
		story_run(simulator, err,
			"UPDATE connector SET seen = ?3 WHERE server = ?1 AND anchor = ?2", "ttj",
			server, object.anchor, object.seen);
}

/* ---- sending --------------------------------------------------------------------------------- */

static bool shadow_put(struct simulator *simulator, const struct space_object *object,
	const json_t *state, struct error *err)
{
	return story_run(simulator, err,
		"INSERT OR REPLACE INTO shadow (anchor, cloud_id, kind, state, changed_ms, sequence)"
		" VALUES (?1, ?2, ?3, ?4, ?5, (SELECT ifnull(max(sequence), 0) + 1 FROM shadow))",
		"ttiji", object->anchor, object->cloud_id, (int64_t)object->kind, state,
		simulator_now_ms(simulator));
}

bool space_sent(struct simulator *simulator, const char *server, const char *anchor,
	enum space_operation operation, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;
	CLEANUP(space_object_release) struct space_object object = { 0 };
	const json_t *state;

	if (!find_row(simulator, server, true, anchor, &row, err) ||
		!space_object_read(simulator, server, row, &object, err))
		return false;
	state = operation == SPACE_DELETE ? NULL : object.wanted;
	return story_run(simulator, err,
		       "UPDATE connector SET seen = ?3, sent = ?4, sent_as = ?5, sent_ms = ?6,"
		       " refusal = NULL WHERE server = ?1 AND anchor = ?2",
		       "ttjjii", server, anchor, object.seen, state, (int64_t)operation,
		       simulator_now_ms(simulator)) &&
		shadow_put(simulator, &object, state, err);
}

bool space_refused(struct simulator *simulator, const char *server, const char *anchor,
	const json_t *refusal, struct error *err)
{
	return story_run(simulator, err,
		"UPDATE connector SET refusal = ?3 WHERE server = ?1 AND anchor = ?2", "ttj",
		server, anchor, refusal);
}

/* ---- what the cloud holds for sync ---------------------------------------------------------- */

/* The shadow of an object, or, where nobody wrote it since the base, what a server saw then. */
static bool shadow_get(struct simulator *simulator, const char *cloud_id,
	struct space_object *object, sqlite3_stmt **row, struct error *err)
{
	static const char *const servers[] = { SERVER_PRODUCTION, SERVER_STAGING };
	CLEANUP(statement_finalize) sqlite3_stmt *shadow = NULL;

	for (size_t i = 0; i < COUNT_OF(servers) && !object->anchor; i++) {
		statement_finalize(row);
		*row = NULL;
		if (find_row(simulator, servers[i], false, cloud_id, row, err)) {
			if (!space_object_read(simulator, servers[i], *row, object, err))
				return false;
		} else if (err->kind) {
			return false;
		}
	}
	if (!object->anchor)
		return true;
	if (!story_prepare(simulator, &shadow, err, "SELECT state FROM shadow WHERE anchor = ?1",
		    "t", object->anchor))
		return false;
	if (story_row(simulator, shadow, err)) {
		json_decref(object->seen);
		object->seen = story_json(shadow, 0);
	}
	return err->kind == ERROR_NONE;
}

bool space_blocked(struct simulator *simulator, const char *cloud_id, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;
	CLEANUP(space_object_release) struct space_object object = { 0 };

	/* Long before the base: both servers have imported it. */
	if (!story_mark(simulator, MARK_BASE))
		return story_run(simulator, err,
			"UPDATE connector SET blocked = 1 WHERE cloud_id = ?1", "t", cloud_id);
	if (!shadow_get(simulator, cloud_id, &object, &row, err))
		return false;
	if (!object.seen)
		return true;
	json_object_set_new(object.seen, SPACE_BLOCKED, json_true());
	return shadow_put(simulator, &object, object.seen, err);
}

bool space_removed(struct simulator *simulator, const char *cloud_id, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;
	CLEANUP(space_object_release) struct space_object object = { 0 };

	return shadow_get(simulator, cloud_id, &object, &row, err) &&
		(!object.seen || shadow_put(simulator, &object, NULL, err));
}

/* ---- importing ------------------------------------------------------------------------------ */

static bool import_object(struct simulator *simulator, const char *server, const char *anchor,
	const json_t *state, int64_t now_ms, struct space_counts *counts, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;
	CLEANUP(space_object_release) struct space_object object = { 0 };
	enum space_operation operation;

	/* Nobody's here: what another server created. It stands in `shadow`. */
	if (!find_row(simulator, server, true, anchor, &row, err)) {
		space_count(counts, state ? SPACE_ADD : SPACE_DELETE);
		return err->kind == ERROR_NONE;
	}
	if (!space_object_read(simulator, server, row, &object, err))
		return false;
	operation = space_change(object.seen, state);
	space_count(counts, operation);
	if (object.sent_as && space_same(object.sent, state))
		return story_run(simulator, err,
			"UPDATE connector SET seen = ?3, seen_ms = ?4, sent = NULL, sent_as = 0"
			" WHERE server = ?1 AND anchor = ?2",
			"ttji", server, anchor, state, now_ms);
	return story_run(simulator, err,
		"UPDATE connector SET seen = ?3, arrived = ?4, arrived_as = ?5, seen_ms = ?6,"
		" sent = NULL, sent_as = 0 WHERE server = ?1 AND anchor = ?2",
		"ttjjii", server, anchor, object.seen, state, (int64_t)operation, now_ms);
}

bool space_receive(struct simulator *simulator, const char *server, int64_t until_ms,
	struct space_counts *counts, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *shadow = NULL;
	int64_t last = 0;

	if (!story_prepare(simulator, &shadow, err,
		    "SELECT anchor, state, sequence FROM shadow WHERE changed_ms <= ?2 AND sequence >"
		    " (SELECT imported FROM sync_server WHERE server = ?1) ORDER BY sequence",
		    "ti", server, until_ms))
		return false;
	while (story_row(simulator, shadow, err)) {
		CLEANUP(json_freep) json_t *state = story_json(shadow, 1);

		if (!import_object(
			    simulator, server, story_text(shadow, 0), state, until_ms, counts, err))
			return false;
		last = sqlite3_column_int64(shadow, 2);
	}
	return err->kind == ERROR_NONE &&
		story_run(simulator, err,
			"UPDATE sync_server SET imported = max(imported, ?2), imported_ms = ?3"
			" WHERE server = ?1",
			"tii", server, last, until_ms);
}

bool space_synchronise(struct simulator *simulator, const char *server, struct error *err)
{
	return story_run(simulator, err,
		       "UPDATE connector SET seen = arrived, arrived = NULL, arrived_as = 0"
		       " WHERE server = ?1 AND arrived_as <> 0",
		       "t", server) &&
		story_run(simulator, err,
			"UPDATE sync_server SET synchronised = imported WHERE server = ?1", "t",
			server);
}
