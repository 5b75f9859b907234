/*
 * The ledger: every plan id this state folder ever began to apply, so that a used plan can be
 * resumed and never restarted [T11], and so that a clock that went back is noticed [T12].
 *
 * It outlives journals: a plan whose journal was lost is refused, not applied a second time.
 */
#include <string.h>

#include "rollback/apply_internal.h"

enum { LEDGER_VERSION = 1 };

static const char ledger_schema[] =
	"CREATE TABLE IF NOT EXISTS plan (id TEXT PRIMARY KEY, hash TEXT NOT NULL,"
	" tenant TEXT NOT NULL, first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,"
	" finished_ms INTEGER) STRICT, WITHOUT ROWID";

struct ledger {
	sqlite3 *database;
};

struct ledger *ledger_open(const char *state_folder, struct error *err)
{
	CLEANUP(memory_freep) char *path = file_path(state_folder, "ledger.sqlite");
	CLEANUP(database_closep)
	sqlite3 *database = database_open(path, DATABASE_WRITE, LEDGER_VERSION, err);
	struct ledger *ledger;

	if (!database || !database_run(database, ledger_schema, err)) {
		error_prefix(err, "ledger");
		return NULL;
	}
	ledger = memory_new(sizeof(*ledger));
	ledger->database = TAKE(database);
	return ledger;
}

void ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return;
	database_close(ledger->database);
	memory_free(ledger);
}

static bool ledger_check_clock(struct ledger *ledger, int64_t now_ms, struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *newest = database_prepare(
		ledger->database, "SELECT max(last_seen_ms) FROM plan", err);
	char then[TIME_TEXT_BYTES], now[TIME_TEXT_BYTES];
	bool row;
	int64_t newest_ms;

	if (!newest || !database_row(newest, &row, err))
		return false;
	if (!row || sqlite3_column_type(newest, 0) == SQLITE_NULL)
		return true;
	newest_ms = sqlite3_column_int64(newest, 0);
	if (now_ms >= newest_ms - APPLY_CLOCK_SLACK_MS)
		return true;
	return error_set(err, ERROR_REFUSED,
		"this machine's clock says %s, but a plan was applied at %s: set the clock right",
		time_text(now_ms, now), time_text(newest_ms, then));
}

static bool ledger_find(struct ledger *ledger, const struct plan *plan, const char *hash,
	struct ledger_entry *entry, struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *find = database_prepare(
		ledger->database, "SELECT hash, finished_ms FROM plan WHERE id = ?", err);
	bool row;

	if (!find)
		return false;
	database_bind_text(find, 1, plan->id);
	if (!database_row(find, &row, err))
		return false;
	if (row && strcmp(database_text(find, 0), hash) != 0)
		return error_set(err, ERROR_REFUSED,
			"the plan id %s was used by a plan with the hash %s, this one's is %s: make a new plan",
			plan->id, database_text(find, 0), hash);
	entry->known = row;
	entry->finished = row && sqlite3_column_type(find, 1) != SQLITE_NULL;
	return true;
}

bool ledger_look(struct ledger *ledger, const struct plan *plan, const char *hash, int64_t now_ms,
	struct ledger_entry *entry, struct error *err)
{
	if (!ledger_check_clock(ledger, now_ms, err) ||
		!ledger_find(ledger, plan, hash, entry, err))
		return error_prefix(err, "ledger");
	return true;
}

bool ledger_enter(struct ledger *ledger, const struct plan *plan, const char *hash, int64_t now_ms,
	struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *add = database_prepare(ledger->database,
		"INSERT INTO plan VALUES (?1, ?2, ?3, ?4, ?4, NULL)"
		" ON CONFLICT (id) DO UPDATE SET last_seen_ms = max(last_seen_ms, ?4)",
		err);

	if (!add)
		return error_prefix(err, "ledger");
	database_bind_text(add, 1, plan->id);
	database_bind_text(add, 2, hash);
	database_bind_text(add, 3, plan->tenant);
	database_bind_number(add, 4, now_ms);
	return database_step(add, err) || error_prefix(err, "ledger");
}

bool ledger_leave(struct ledger *ledger, const struct plan *plan, bool finished, int64_t now_ms,
	struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *set = database_prepare(ledger->database,
		"UPDATE plan SET last_seen_ms = max(last_seen_ms, ?2),"
		" finished_ms = coalesce(finished_ms, iif(?3, ?2, NULL)) WHERE id = ?1",
		err);

	if (!set)
		return error_prefix(err, "ledger");
	database_bind_text(set, 1, plan->id);
	database_bind_number(set, 2, now_ms);
	database_bind_number(set, 3, finished);
	return database_step(set, err) || error_prefix(err, "ledger");
}
