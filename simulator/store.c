/*
 * The database: tables, prepared statements, transactions. Nothing here needs to survive a power
 * cut (the tenant is a toy), so SQLite may skip every synchronisation: that is what makes a tenant
 * of thousands of people a matter of milliseconds.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/time.h"
#include "simulator/store.h"
#include "simulator/story_sql.h"

static const char tables[] =
	"PRAGMA journal_mode = MEMORY;"
	"PRAGMA synchronous = OFF;"
	"PRAGMA temp_store = MEMORY;"
	"CREATE TABLE IF NOT EXISTS settings(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	/* old_*: what a read still sees while a write of the client replicates. */
	"CREATE TABLE IF NOT EXISTS objects(id TEXT PRIMARY KEY, kind INTEGER NOT NULL,"
	" state INTEGER NOT NULL, json TEXT NOT NULL, old_state INTEGER, old_json TEXT,"
	" changed_ms INTEGER NOT NULL);"
	"CREATE INDEX IF NOT EXISTS objects_by_kind ON objects(kind, id);"
	"CREATE TABLE IF NOT EXISTS addresses(value TEXT NOT NULL, object TEXT NOT NULL,"
	" source TEXT NOT NULL, PRIMARY KEY(value, object, source)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS addresses_by_object ON addresses(object);"
	"CREATE TABLE IF NOT EXISTS links(source TEXT NOT NULL, relation INTEGER NOT NULL,"
	" target TEXT NOT NULL, present INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
	" PRIMARY KEY(source, relation, target)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS links_by_target ON links(target, relation);"
	"CREATE TABLE IF NOT EXISTS writes(sequence INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
	" role TEXT NOT NULL, actor TEXT NOT NULL, door TEXT NOT NULL, object TEXT NOT NULL,"
	" kind TEXT NOT NULL, operation TEXT NOT NULL, attribute TEXT, old TEXT, new TEXT);"
	/* What delta tells (changes.c); made_ms as in objects and links. */
	"CREATE TABLE IF NOT EXISTS changes(sequence INTEGER PRIMARY KEY, object TEXT NOT NULL,"
	" kind INTEGER NOT NULL, operation TEXT NOT NULL, attribute TEXT, target TEXT,"
	" made_ms INTEGER NOT NULL);"
	"CREATE INDEX IF NOT EXISTS changes_by_kind ON changes(kind, sequence);"
	"CREATE INDEX IF NOT EXISTS changes_by_object ON changes(object, sequence);"
	"CREATE TABLE IF NOT EXISTS requests(sequence INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
	" method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL, is_write INTEGER NOT NULL,"
	" is_batch_item INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS audits(sequence INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
	" json TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS tokens(token TEXT PRIMARY KEY, expires_ms INTEGER NOT NULL,"
	" expires_monotonic_ms INTEGER NOT NULL) WITHOUT ROWID;";

#define VISIBLE_STATE "CASE WHEN changed_ms > ?1 THEN old_state ELSE state END"
#define VISIBLE_JSON  "CASE WHEN changed_ms > ?1 THEN old_json ELSE json END"
#define VISIBLE_LINK  "CASE WHEN changed_ms > ?1 THEN 1 - present ELSE present END"

static const char *const texts[STATEMENT_COUNT] = {
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_ROLLBACK] = "ROLLBACK",
	[STATEMENT_SETTING_GET] = "SELECT value FROM settings WHERE name = ?1",
	[STATEMENT_SETTING_PUT] = "INSERT INTO settings VALUES(?1, ?2)"
				  " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
	[STATEMENT_SETTING_EXTENSIONS] = "SELECT name FROM settings WHERE value = 'extension'"
					 " AND name LIKE 'extension@_%' ESCAPE '@' ORDER BY name",
	[STATEMENT_OBJECT_INSERT] = "INSERT INTO objects VALUES(?1, ?2, ?3, ?4, 2, NULL, ?5)",
	/* ?4: the horizon, ?5: now, ?6: whether anything lags at all */
	[STATEMENT_OBJECT_UPDATE] =
		"UPDATE objects SET"
		" old_json = CASE WHEN NOT ?6 THEN NULL WHEN changed_ms > ?4 THEN old_json ELSE json END,"
		" old_state = CASE WHEN changed_ms > ?4 THEN old_state ELSE state END,"
		" state = ?2, json = ?3, changed_ms = ?5 WHERE id = ?1",
	[STATEMENT_OBJECT_GET] = "SELECT id, kind, " VISIBLE_STATE ", " VISIBLE_JSON
				 " FROM objects WHERE id = ?2",
	[STATEMENT_OBJECT_PAGE] = "SELECT id, kind, " VISIBLE_STATE ", " VISIBLE_JSON
				  " FROM objects WHERE kind = ?2 AND id > ?3 ORDER BY id",
	[STATEMENT_OBJECT_IDS] =
		"SELECT id FROM objects WHERE kind = ?1 AND state = ?2 ORDER BY id",
	/* ?3: no need to count further */
	[STATEMENT_OBJECT_COUNT] =
		"SELECT count(*) FROM"
		" (SELECT 1 FROM objects WHERE kind = ?1 AND state = ?2 LIMIT ?3)",
	[STATEMENT_ADDRESS_INSERT] = "INSERT OR IGNORE INTO addresses VALUES(?1, ?2, ?3)",
	[STATEMENT_ADDRESS_CLEAR] = "DELETE FROM addresses WHERE object = ?1",
	[STATEMENT_ADDRESS_FIND] =
		"SELECT object, state FROM addresses JOIN objects ON id = object"
		" WHERE value = ?1 AND object IS NOT ?2 ORDER BY state, object LIMIT 1",
	[STATEMENT_UPN_FIND] = "SELECT object FROM addresses JOIN objects ON id = object"
			       " WHERE value = ?1 AND source = 'upn' AND state = 0",
	[STATEMENT_LINK_PUT] = "INSERT INTO links VALUES(?1, ?2, ?3, ?4, ?5)"
			       " ON CONFLICT(source, relation, target) DO UPDATE"
			       " SET present = excluded.present, changed_ms = excluded.changed_ms",
	[STATEMENT_LINK_GET] = "SELECT present FROM links WHERE source = ?1 AND relation = ?2"
			       " AND target = ?3",
	[STATEMENT_LINK_TARGETS] = "SELECT target FROM links JOIN objects ON id = target"
				   " WHERE source = ?1 AND relation = ?2 AND present AND state < 2"
				   " ORDER BY target",
	[STATEMENT_LINK_PAGE] = "SELECT target FROM links WHERE source = ?2 AND relation = ?3"
				" AND target > ?4 AND (" VISIBLE_LINK ") ORDER BY target",
	[STATEMENT_LINK_SOURCES] = "SELECT source FROM links WHERE target = ?2 AND relation = ?3"
				   " AND source > ?4 AND (" VISIBLE_LINK ") ORDER BY source",
	[STATEMENT_WRITE_INSERT] = "INSERT INTO writes VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
				   " ?9, ?10)",
	[STATEMENT_WRITE_EACH] = "SELECT * FROM writes WHERE sequence > ?1 ORDER BY sequence",
	[STATEMENT_WRITE_LAST] = "SELECT coalesce(max(sequence), 0) FROM writes",
	[STATEMENT_CHANGE_INSERT] = "INSERT INTO changes VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6)",
	/* Whoever refers to an object that is gone for good does not any more. */
	[STATEMENT_CHANGE_LEAVE] =
		"INSERT INTO changes SELECT NULL, source, kind, 'remove',"
		" CASE relation WHEN 0 THEN 'members' WHEN 1 THEN 'owners' ELSE 'manager' END, target, ?2"
		" FROM links JOIN objects ON id = source WHERE target = ?1 AND present AND state < 2"
		" ORDER BY source",
	[STATEMENT_CHANGE_LAST] = "SELECT coalesce(max(sequence), 0) FROM changes",
	[STATEMENT_CHANGE_HIDDEN] = "SELECT min(sequence) FROM changes WHERE made_ms > ?1",
	[STATEMENT_CHANGE_OBJECTS] =
		"SELECT object, max(sequence) FROM changes"
		" WHERE kind = ?1 AND sequence > ?2 AND sequence <= ?3"
		" GROUP BY object HAVING max(sequence) > ?4 OR (?5 AND max(sequence) = ?4)"
		" ORDER BY 2 LIMIT ?6",
	[STATEMENT_CHANGE_NAMES] = "SELECT DISTINCT operation, attribute FROM changes"
				   " WHERE object = ?1 AND sequence > ?2 AND sequence <= ?3",
	/* The last word on each target: SQLite takes the other columns from the row of max(). */
	[STATEMENT_CHANGE_TARGETS] =
		"SELECT target, objects.kind, operation = 'add', max(sequence)"
		" FROM changes JOIN objects ON objects.id = target"
		" WHERE object = ?1 AND sequence > ?2 AND sequence <= ?3 AND attribute = ?4"
		" AND target > ?5 GROUP BY target ORDER BY target LIMIT ?6",
	/*
	 * Who lies in deleted items is still a member here (contract 2.9). Beside those who are
	 * there come those who left after ?6, up to ?7. A link that ended stays as a row.
	 */
	[STATEMENT_CHANGE_LINKS] =
		"SELECT * FROM (SELECT target, objects.kind,"
		" CASE WHEN links.changed_ms > ?1 THEN 1 - present ELSE present END"
		" AND CASE WHEN objects.changed_ms > ?1 THEN old_state ELSE state END < 2 AS there"
		" FROM links JOIN objects ON objects.id = target"
		" WHERE source = ?2 AND relation = ?3 AND target > ?4)"
		" WHERE there OR target IN (SELECT target FROM changes WHERE object = ?2"
		" AND sequence > ?6 AND sequence <= ?7 AND attribute = ?8)"
		" ORDER BY target LIMIT ?5",
	[STATEMENT_CHANGE_ALL] = "SELECT id, 0 FROM objects WHERE kind = ?1"
				 " AND (id > ?2 OR (?3 AND id = ?2)) ORDER BY id LIMIT ?4",
	[STATEMENT_WRITE_OBJECTS] = "SELECT count(DISTINCT object) FROM writes"
				    " WHERE at_ms > ?1 AND at_ms <= ?2",
	[STATEMENT_REQUEST_INSERT] = "INSERT INTO requests VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6)",
	[STATEMENT_REQUEST_EACH] = "SELECT * FROM requests WHERE sequence > ?1 ORDER BY sequence",
	[STATEMENT_AUDIT_INSERT] = "INSERT INTO audits VALUES(NULL, ?1, ?2)",
	[STATEMENT_AUDIT_NEWEST_FIRST] = "SELECT sequence, json FROM audits WHERE at_ms >= ?1"
					 " AND (?2 = 0 OR sequence < ?2) ORDER BY sequence DESC",
	[STATEMENT_AUDIT_OLDEST_FIRST] = "SELECT sequence, json FROM audits WHERE at_ms >= ?1"
					 " AND sequence > ?2 ORDER BY sequence",
	[STATEMENT_TOKEN_INSERT] = "INSERT OR REPLACE INTO tokens VALUES(?1, ?2, ?3)",
	[STATEMENT_TOKEN_GET] =
		"SELECT expires_ms, expires_monotonic_ms FROM tokens WHERE token = ?1",
};

static bool store_error(struct simulator *simulator, const char *what, struct error *err)
{
	return error_set(err, ERROR_SYSTEM, "simulator: %s: %s", what,
		simulator->database ? sqlite3_errmsg(simulator->database) : "out of memory");
}

bool store_open(struct simulator *simulator, struct error *err)
{
	const char *path = simulator->options.database;

	if (sqlite3_open_v2(path ? path : ":memory:", &simulator->database,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
		return store_error(simulator, path ? path : "memory", err);
	if (sqlite3_exec(simulator->database, tables, NULL, NULL, NULL) != SQLITE_OK)
		return store_error(simulator, "make tables", err);
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(simulator->database, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &simulator->statements[i], NULL) != SQLITE_OK)
			return store_error(simulator, texts[i], err);
	return true;
}

/* FNV-1a. */
static uint32_t hash_of(const char *text)
{
	uint32_t hash = 2166136261U;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash;
}

sqlite3_stmt *store_kept(struct simulator *simulator, const char *sql)
{
	sqlite3_stmt **place = &simulator->kept[hash_of(sql) % STATEMENTS_KEPT];

	if (*place && strcmp(sqlite3_sql(*place), sql) == 0) {
		sqlite3_reset(*place);
		sqlite3_clear_bindings(*place);
		return *place;
	}
	sqlite3_finalize(*place);
	*place = NULL;
	sqlite3_prepare_v3(simulator->database, sql, -1, SQLITE_PREPARE_PERSISTENT, place, NULL);
	return *place;
}

void store_close(struct simulator *simulator)
{
	for (size_t i = 0; i < STATEMENTS_KEPT; i++)
		sqlite3_finalize(simulator->kept[i]);
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(simulator->statements[i]);
	/* v2 waits for statements that the story has not finalised yet. */
	sqlite3_close_v2(simulator->database);
}

sqlite3_stmt *store_statement(struct simulator *simulator, enum statement which)
{
	sqlite3_stmt *statement = simulator->statements[which];

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return statement;
}

void store_bind_text(sqlite3_stmt *statement, int position, const char *text)
{
	if (text)
		sqlite3_bind_text(statement, position, text, -1, SQLITE_TRANSIENT);
}

bool store_row(
	struct simulator *simulator, sqlite3_stmt *statement, const char *what, struct error *err)
{
	int result = sqlite3_step(statement);

	if (result == SQLITE_ROW)
		return true;
	if (result != SQLITE_DONE)
		store_error(simulator, what, err);
	sqlite3_reset(statement);
	return false;
}

bool store_run(
	struct simulator *simulator, sqlite3_stmt *statement, const char *what, struct error *err)
{
	int result = sqlite3_step(statement);

	if (result != SQLITE_DONE && result != SQLITE_ROW) {
		store_error(simulator, what, err);
		sqlite3_reset(statement);
		return false;
	}
	sqlite3_reset(statement);
	return true;
}

const char *store_text(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column);
}

char *store_setting(struct simulator *simulator, const char *name)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_SETTING_GET);
	char *value = NULL;

	store_bind_text(statement, 1, name);
	if (sqlite3_step(statement) == SQLITE_ROW)
		value = memory_text(store_text(statement, 0));
	sqlite3_reset(statement);
	return value;
}

bool store_set_setting(
	struct simulator *simulator, const char *name, const char *value, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_SETTING_PUT);

	store_bind_text(statement, 1, name);
	store_bind_text(statement, 2, value);
	return store_run(simulator, statement, "keep a setting", err);
}

bool simulator_begin(struct simulator *simulator, struct error *err)
{
	if (simulator->transaction_depth == 0 &&
		!store_run(simulator, store_statement(simulator, STATEMENT_BEGIN), "begin", err))
		return false;
	simulator->transaction_depth++;
	return true;
}

bool simulator_commit(struct simulator *simulator, struct error *err)
{
	/* A rollback further in has taken the outer ones with it. */
	if (simulator->transaction_depth == 0)
		return error_set(err, ERROR_SYSTEM, "simulator: commit: it was rolled back");
	if (--simulator->transaction_depth > 0)
		return true;
	return store_run(simulator, store_statement(simulator, STATEMENT_COMMIT), "commit", err);
}

void simulator_rollback(struct simulator *simulator)
{
	if (simulator->transaction_depth == 0)
		return;
	simulator->transaction_depth = 0;
	audit_forget(simulator);
	sqlite3_exec(simulator->database, "ROLLBACK", NULL, NULL, NULL);
}

int64_t store_horizon_ms(const struct simulator *simulator)
{
	if (simulator->options.lag_ms <= 0)
		return INT64_MAX;
	return time_monotonic_ms() - simulator->options.lag_ms;
}

int64_t store_change_ms(const struct simulator *simulator, const struct actor *actor)
{
	/* What the story's people wrote happened hours ago on the virtual clock. */
	return simulator->options.lag_ms > 0 && actor->role == ACTOR_APP_US ? time_monotonic_ms()
									    : 0;
}
