/* The sync servers' connector spaces, in two tables beside the tenant, and their changes. */
#include <sqlite3.h>

#include "base/memory.h"
#include "simulator/space.h"
#include "simulator/story_sql.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS connector ("
	" server TEXT, anchor TEXT, cloud_id TEXT, kind INTEGER, present INTEGER, wanted TEXT,"
	" blocked INTEGER NOT NULL DEFAULT 0, seen TEXT, seen_ms INTEGER, arrived TEXT,"
	" arrived_as INTEGER NOT NULL DEFAULT 0, sent TEXT, sent_as INTEGER NOT NULL DEFAULT 0,"
	" sent_ms INTEGER, refusal TEXT, directory TEXT,"
	" PRIMARY KEY (server, anchor)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS connector_cloud ON connector (server, cloud_id);"
	"CREATE TABLE IF NOT EXISTS connector_flow ("
	" server TEXT, cloud_id TEXT, relation INTEGER, PRIMARY KEY (server, cloud_id, relation))"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS connector_link ("
	" server TEXT, cloud_id TEXT, relation INTEGER, target TEXT,"
	" PRIMARY KEY (server, cloud_id, relation, target)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS cast_member ("
	" role INTEGER, number INTEGER, id TEXT, PRIMARY KEY (role, number)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS story_mark (mark INTEGER PRIMARY KEY, sequence INTEGER);";

bool connector_prepare(struct simulator *simulator, struct error *err)
{
	sqlite3 *database = simulator_database(simulator);

	if (sqlite3_exec(database, schema, NULL, NULL, NULL) != SQLITE_OK)
		return error_set(err, ERROR_SYSTEM, "simulator: connector spaces: %s",
			sqlite3_errmsg(database));
	return space_prepare(simulator, err) && on_premises_prepare(simulator, err);
}

/* Runs one statement with up to four texts and one number; the number is bound last. */
static bool run(struct simulator *simulator, const char *sql, const char *const *texts,
	int text_count, int number, struct error *err)
{
	sqlite3 *database = simulator_database(simulator);
	sqlite3_stmt *statement = store_kept(simulator, sql);
	bool done;

	for (int i = 0; i < text_count; i++)
		sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_TRANSIENT);
	if (sqlite3_bind_parameter_count(statement) > text_count)
		sqlite3_bind_int(statement, text_count + 1, number);
	/* One that can't be prepared is NULL, which no step completes. */
	done = sqlite3_step(statement) == SQLITE_DONE ||
		error_set(err, ERROR_SYSTEM, "simulator: %s", sqlite3_errmsg(database));
	sqlite3_reset(statement);
	return done;
}

bool connector_add(struct simulator *simulator, const char *server, const char *anchor,
	const char *cloud_id, enum object_kind kind, const json_t *wanted, struct error *err)
{
	/* What an export is to create was never imported; everything else is as at the founding. */
	return story_run(simulator, err,
		"INSERT INTO connector (server, anchor, cloud_id, kind, present, wanted, seen, seen_ms)"
		" VALUES (?1, ?2, ?3, ?4, 1, ?5, CASE WHEN ?3 IS NULL THEN 'null' END, ?6)",
		"tttiji", server, anchor, cloud_id, (int64_t)kind, wanted,
		simulator_now_ms(simulator));
}

bool connector_drop(
	struct simulator *simulator, const char *server, const char *cloud_id, struct error *err)
{
	const char *texts[] = { server, cloud_id };

	return space_freeze(simulator, server, cloud_id, err) &&
		run(simulator,
			"UPDATE connector SET present = 0 WHERE server = ?1 AND cloud_id = ?2",
			texts, 2, 0, err);
}

json_t *connector_wanted(struct simulator *simulator, const char *server, const char *cloud_id)
{
	sqlite3_stmt *statement = store_kept(
		simulator, "SELECT wanted FROM connector WHERE server = ?1 AND cloud_id = ?2");
	const char *text;
	json_t *wanted;

	sqlite3_bind_text(statement, 1, server, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(statement, 2, cloud_id, -1, SQLITE_TRANSIENT);
	text = sqlite3_step(statement) == SQLITE_ROW
		? (const char *)sqlite3_column_text(statement, 0)
		: NULL;
	wanted = text ? json_from_span(span_of(text)) : NULL;
	sqlite3_reset(statement);
	return wanted;
}

/*
 * The picture is flat: "outer/inner" is a key like any other, as a connector space has
 * extensionAttribute1 beside department.
 */
bool connector_set(struct simulator *simulator, const char *server, const char *cloud_id,
	const char *property, const json_t *value, struct error *err)
{
	CLEANUP(json_freep) json_t *wanted = connector_wanted(simulator, server, cloud_id);
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	const char *texts[] = { server, cloud_id, NULL };

	if (!wanted)
		return error_set(
			err, ERROR_STALE, "simulator: %s has no object %s", server, cloud_id);
	json_object_set_new(wanted, property, json_deep_copy(value));
	json_add(&text, wanted);
	texts[2] = buf_text(&text);
	return space_freeze(simulator, server, cloud_id, err) &&
		run(simulator,
			"UPDATE connector SET wanted = ?3 WHERE server = ?1 AND cloud_id = ?2",
			texts, 3, 0, err);
}

bool connector_link(struct simulator *simulator, const char *server, const char *cloud_id,
	enum relation relation, const char *target, bool there, struct error *err)
{
	const char *texts[] = { server, cloud_id, target };

	return space_freeze(simulator, server, cloud_id, err) &&
		run(simulator,
			"INSERT OR IGNORE INTO connector_flow (server, cloud_id, relation)"
			" VALUES (?1, ?2, ?3)",
			texts, 2, (int)relation, err) &&
		run(simulator,
			there ? "INSERT OR IGNORE INTO connector_link (server, cloud_id, target, relation)"
				" VALUES (?1, ?2, ?3, ?4)"
			      : "DELETE FROM connector_link WHERE server = ?1 AND cloud_id = ?2 AND"
				" target = ?3 AND relation = ?4",
			texts, 3, (int)relation, err);
}

bool directory_set(struct simulator *simulator, const char *cloud_id, const char *property,
	const json_t *value, bool staging_sees, struct error *err)
{
	return (staging_sees || space_freeze_directory(simulator, SERVER_STAGING, cloud_id, err)) &&
		on_premises_corrected(simulator, cloud_id, property, err) &&
		connector_set(simulator, SERVER_PRODUCTION, cloud_id, property, value, err) &&
		(!staging_sees ||
			connector_set(simulator, SERVER_STAGING, cloud_id, property, value, err));
}

bool directory_link(struct simulator *simulator, const char *cloud_id, enum relation relation,
	const char *target, bool there, bool staging_sees, struct error *err)
{
	return (staging_sees || space_freeze_directory(simulator, SERVER_STAGING, cloud_id, err)) &&
		connector_link(
			simulator, SERVER_PRODUCTION, cloud_id, relation, target, there, err) &&
		(!staging_sees ||
			connector_link(
				simulator, SERVER_STAGING, cloud_id, relation, target, there, err));
}

json_t *story_property(const json_t *object, const char *name)
{
	const char *slash = strchr(name, '/');
	CLEANUP(memory_freep) char *outer = NULL;

	if (!slash)
		return json_object_get(object, name);
	outer = memory_text_span(name, (size_t)(slash - name));
	return json_object_get(json_object_get(object, outer), slash + 1);
}

/* ---- the cast and the marks --------------------------------------------------------------- */

bool cast_add(struct simulator *simulator, enum cast_role role, const char *id, struct error *err)
{
	const char *texts[] = { id };

	return run(simulator,
		"INSERT INTO cast_member (id, role, number) SELECT ?1, ?2,"
		" (SELECT count(*) FROM cast_member WHERE role = ?2)",
		texts, 1, (int)role, err);
}

static int64_t query_number(
	struct simulator *simulator, const char *sql, int first, int64_t otherwise)
{
	sqlite3_stmt *statement = store_kept(simulator, sql);
	int64_t number = otherwise;

	sqlite3_bind_int(statement, 1, first);
	if (sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return number;
}

size_t cast_count(struct simulator *simulator, enum cast_role role)
{
	return (size_t)query_number(
		simulator, "SELECT count(*) FROM cast_member WHERE role = ?1", (int)role, 0);
}

bool cast_get(struct simulator *simulator, enum cast_role role, size_t index,
	char id[static GUID_TEXT_BYTES])
{
	CLEANUP(statement_finalize) sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(simulator_database(simulator),
		    "SELECT id FROM cast_member WHERE role = ?1 AND number = ?2", -1, &statement,
		    NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_int(statement, 1, (int)role);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)index);
	if (sqlite3_step(statement) != SQLITE_ROW)
		return false;
	snprintf(id, GUID_TEXT_BYTES, "%s", (const char *)sqlite3_column_text(statement, 0));
	return true;
}

bool story_set_mark(struct simulator *simulator, enum story_mark mark, struct error *err)
{
	char sequence[32];
	const char *texts[] = { sequence };

	snprintf(sequence, sizeof(sequence), "%lld", (long long)writes_last(simulator));
	return run(simulator, "INSERT OR REPLACE INTO story_mark (sequence, mark) VALUES (?1, ?2)",
		texts, 1, (int)mark, err);
}

int64_t story_mark(struct simulator *simulator, enum story_mark mark)
{
	return query_number(
		simulator, "SELECT sequence FROM story_mark WHERE mark = ?1", (int)mark, 0);
}

bool story_mark_once(
	struct simulator *simulator, enum story_mark mark, const char *again, struct error *err)
{
	if (story_mark(simulator, mark))
		return error_set(err, ERROR_USAGE, "it was played already; %s", again);
	return story_set_mark(simulator, mark, err);
}

void story_wait_ms(struct simulator *simulator, int64_t duration_ms)
{
	simulator_set_now_ms(simulator, simulator_now_ms(simulator) + duration_ms);
}

/* ---- the actors ----------------------------------------------------------------------------- */

struct actor story_server(const char *server)
{
	bool production = strcmp(server, SERVER_PRODUCTION) == 0;

	return (struct actor){
		.role = production ? ACTOR_PRODUCTION : ACTOR_STAGING,
		.id = production ? "5a000001-77aa-4b11-9c01-000000000001"
				 : "5a000002-77aa-4b11-9c01-000000000002",
		.name = production ? "Sync_SYNC01_e3c03195e061@" TENANT_INITIAL_DOMAIN
				   : "Sync_SYNC02_7be1c04d9a31@" TENANT_INITIAL_DOMAIN,
		.display_name = "On-Premises Directory Synchronization Service Account",
		.door = production ? "sync" : "staging",
	};
}

struct actor story_admin(void)
{
	return (struct actor){
		.role = ACTOR_ADMIN,
		.id = "5a000003-77aa-4b11-9c01-000000000003",
		.name = "nora.admin@" TENANT_DOMAIN,
		.display_name = "Nora (administrator)",
		.ip_address = "203.0.113.7",
		.door = "people",
	};
}

struct actor story_help_desk(void)
{
	return (struct actor){
		.role = ACTOR_EXCHANGE,
		.id = "5a000004-77aa-4b11-9c01-000000000004",
		.name = "helpdesk@" TENANT_DOMAIN,
		.display_name = "Help desk",
		.ip_address = "203.0.113.9",
		.door = "people",
	};
}

struct actor story_service(void)
{
	return (struct actor){
		.role = ACTOR_SERVICE,
		.is_app = true,
		.id = "5a000005-77aa-4b11-9c01-000000000005",
		.app_id = "5a000006-77aa-4b11-9c01-000000000006",
		.name = "Microsoft Entra ID",
		.door = "sync",
	};
}
