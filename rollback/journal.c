/*
 * The journal: what was about to be sent, what came back, and what is in force, so that a run
 * that ends at any instruction can be taken up again (docs/FORMAT-journal.md).
 *
 *	intent   durable before the first byte of its request leaves
 *	outcome  durable before the next request that depends on it
 *	step     the state of a step, and up to which attempt its effect is known
 *
 * A crash leaves an intent above its step's `settled` mark: the next run reads the directory
 * to learn what became of it, and never sends it again blindly. WAL while a run goes on; at a
 * clean end the log is folded in and the file stands alone.
 */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "rollback/apply_internal.h"

enum { JOURNAL_VERSION = 1 };

static const char journal_format[] = "unstage-journal/1";

static const char journal_schema[] =
	"CREATE TABLE IF NOT EXISTS header (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
	"CREATE TABLE IF NOT EXISTS run (number INTEGER PRIMARY KEY, begun_ms INTEGER NOT NULL,"
	" ended_ms INTEGER, why TEXT) STRICT;"
	"CREATE TABLE IF NOT EXISTS intent (step INTEGER NOT NULL, attempt INTEGER NOT NULL,"
	" begun_ms INTEGER NOT NULL, PRIMARY KEY (step, attempt)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS outcome (step INTEGER NOT NULL, attempt INTEGER NOT NULL,"
	" outcome TEXT NOT NULL, status INTEGER NOT NULL, code TEXT NOT NULL,"
	" request_id TEXT NOT NULL, text TEXT NOT NULL, answered_ms INTEGER NOT NULL,"
	" PRIMARY KEY (step, attempt),"
	" FOREIGN KEY (step, attempt) REFERENCES intent (step, attempt)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS step (number INTEGER PRIMARY KEY, state TEXT NOT NULL,"
	" settled INTEGER NOT NULL, text TEXT, before TEXT, after TEXT,"
	" changed_ms INTEGER NOT NULL) STRICT;";

struct journal {
	sqlite3 *database;
	int64_t run;
	bool empty;           /* opened to look, and a crash came before its tables */
	bool together, begun; /* between journal_together() and journal_commit() */
};

void plan_hash_text(struct span plan_bytes, char hash[static APPLY_HASH_TEXT])
{
	uint8_t digest[crypto_generichash_BYTES];

	crypto_generichash(digest, sizeof(digest), (const uint8_t *)plan_bytes.data,
		plan_bytes.length, NULL, 0);
	sodium_bin2hex(hash, APPLY_HASH_TEXT, digest, sizeof(digest));
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	database_close(journal->database);
	memory_free(journal);
}

/* ---- opening ------------------------------------------------------------------------ */

static bool header_check(sqlite3 *database, const char *name, const char *value, struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *find = database_prepare(
		database, "SELECT value FROM header WHERE name = ?", err);
	const char *path = sqlite3_db_filename(database, "main");
	bool row;

	if (!find)
		return false;
	database_bind_text(find, 1, name);
	if (!database_row(find, &row, err))
		return false;
	if (!row)
		return error_set(err, ERROR_FORMAT, "%s: its header has no \"%s\"", path, name);
	if (strcmp(database_text(find, 0), value) != 0)
		return error_set(err, ERROR_REFUSED,
			"%s: is the journal of another plan: its %s is %s, this plan's is %s", path,
			name, database_text(find, 0), value);
	return true;
}

static bool header_add(sqlite3 *database, const char *name, const char *value, struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *add = database_prepare(database, "INSERT INTO header VALUES (?, ?)", err);

	if (!add)
		return false;
	database_bind_text(add, 1, name);
	database_bind_text(add, 2, value);
	return database_step(add, err);
}

static bool header_exists(sqlite3 *database, bool *exists, struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *find = database_prepare(database, "SELECT 1 FROM header LIMIT 1", err);

	return find && database_row(find, exists, err);
}

/* Tables and header come in one transaction: a journal without its plan's hash never exists. */
static bool journal_create(sqlite3 *database, const struct plan *plan, const char *hash,
	int64_t now_ms, struct error *err)
{
	char time[TIME_TEXT_BYTES];
	bool exists = false;
	bool good = database_run(database, journal_schema, err) &&
		header_exists(database, &exists, err);

	if (!good || exists)
		return good;
	return header_add(database, "format", journal_format, err) &&
		header_add(database, "plan", plan->id, err) &&
		header_add(database, "hash", hash, err) &&
		header_add(database, "tenant", plan->tenant, err) &&
		header_add(database, "tool", plan->tool, err) &&
		header_add(database, "created", time_text(now_ms, time), err);
}

/* Where the disk can't do WAL (some network mounts), SQLite says so only by its answer. */
static bool journal_mode(sqlite3 *database, const char *sql, const char *mode, struct error *err)
{
	CLEANUP(database_finalizep) sqlite3_stmt *set = database_prepare(database, sql, err);
	bool row;

	if (!set || !database_row(set, &row, err))
		return false;
	if (!row || strcmp(database_text(set, 0), mode) != 0)
		return error_set(err, ERROR_SYSTEM,
			"%s: this disk can't keep a journal in mode %s: put it on a local disk",
			sqlite3_db_filename(database, "main"), mode);
	return true;
}

static struct journal *journal_new(sqlite3 *database)
{
	struct journal *journal = memory_new(sizeof(*journal));

	journal->database = database;
	return journal;
}

struct journal *journal_open(const char *path, const struct plan *plan, const char *hash,
	int64_t now_ms, struct error *err)
{
	CLEANUP(database_closep)
	sqlite3 *database = database_open(path, DATABASE_WRITE, JOURNAL_VERSION, err);

	if (!database || !journal_mode(database, "PRAGMA journal_mode = WAL", "wal", err) ||
		!database_begin(database, err) ||
		!database_end(database, journal_create(database, plan, hash, now_ms, err), err) ||
		!header_check(database, "format", journal_format, err) ||
		!header_check(database, "plan", plan->id, err) ||
		!header_check(database, "hash", hash, err)) {
		error_prefix(err, "journal");
		return NULL;
	}
	return journal_new(TAKE(database));
}

static bool journal_is_empty(sqlite3 *database, bool *empty, struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *find = database_prepare(database, "SELECT 1 FROM sqlite_schema LIMIT 1", err);
	bool row;

	if (!find || !database_row(find, &row, err))
		return false;
	*empty = !row;
	return true;
}

struct journal *journal_open_to_read(const char *path, const struct plan *plan, struct error *err)
{
	CLEANUP(database_closep)
	sqlite3 *database = database_open(path, DATABASE_READ, JOURNAL_VERSION, err);
	struct journal *journal;
	bool empty = false;

	if (!database || !journal_is_empty(database, &empty, err) ||
		(!empty &&
			!(header_check(database, "format", journal_format, err) &&
				header_check(database, "plan", plan->id, err)))) {
		error_prefix(err, "journal");
		return NULL;
	}
	journal = journal_new(TAKE(database));
	journal->empty = empty;
	return journal;
}

bool journal_check_bytes(struct journal *journal, struct span plan_bytes, struct error *err)
{
	char hash[APPLY_HASH_TEXT];

	plan_hash_text(plan_bytes, hash);
	return journal->empty || header_check(journal->database, "hash", hash, err) ||
		error_prefix(err, "journal");
}

/* ---- loading ------------------------------------------------------------------------- */

static char *column_copy(sqlite3_stmt *statement, int column)
{
	return memory_text(database_text(statement, column));
}

/* The record that a row's first column numbers; NULL when the plan has no such step. */
static struct step_record *row_record(
	sqlite3_stmt *row, const struct plan *plan, struct step_record *records, struct error *err)
{
	int64_t number = sqlite3_column_int64(row, 0);

	if (number >= 1 && (uint64_t)number <= plan->step_count)
		return &records[number - 1];
	error_set(err, ERROR_FORMAT, "%s: step %lld is not in the plan",
		sqlite3_db_filename(sqlite3_db_handle(row), "main"), (long long)number);
	return NULL;
}

static bool load_step(sqlite3_stmt *row, struct step_record *record, struct error *err)
{
	const char *state = database_text(row, 1);

	if (!step_state_find(state, &record->state))
		return error_set(err, ERROR_FORMAT, "%s: step %lld: no such state \"%s\"",
			sqlite3_db_filename(sqlite3_db_handle(row), "main"),
			(long long)sqlite3_column_int64(row, 0), state);
	record->settled = (unsigned)sqlite3_column_int64(row, 2);
	record->text = column_copy(row, 3);
	record->before = column_copy(row, 4);
	record->after = column_copy(row, 5);
	return true;
}

static enum graph_outcome outcome_find(const char *name)
{
	for (int i = 0; name && i <= GRAPH_UNKNOWN; i++)
		if (strcmp(graph_outcome_name((enum graph_outcome)i), name) == 0)
			return (enum graph_outcome)i;
	return GRAPH_UNKNOWN; /* an answer nobody kept: read to know */
}

/* Rows come in order of attempts, so the last one stays. */
static bool load_attempt(sqlite3_stmt *row, struct step_record *record, struct error *err)
{
	int64_t attempt = sqlite3_column_int64(row, 1);

	if (attempt != (int64_t)record->attempts + 1)
		return error_set(err, ERROR_FORMAT, "%s: step %lld: attempt %lld is out of order",
			sqlite3_db_filename(sqlite3_db_handle(row), "main"),
			(long long)sqlite3_column_int64(row, 0), (long long)attempt);
	step_record_begin_attempt(record, sqlite3_column_int64(row, 2));
	record->outcome = outcome_find(database_text(row, 3));
	return true;
}

static bool load_rows(sqlite3 *database, const char *sql, const struct plan *plan,
	struct step_record *records,
	bool (*load)(sqlite3_stmt *row, struct step_record *record, struct error *err),
	struct error *err)
{
	CLEANUP(database_finalizep) sqlite3_stmt *rows = database_prepare(database, sql, err);
	bool row;

	if (!rows)
		return false;
	while (database_row(rows, &row, err)) {
		struct step_record *record;

		if (!row)
			return true;
		record = row_record(rows, plan, records, err);
		if (!record || !load(rows, record, err))
			return false;
	}
	return false;
}

bool journal_load(struct journal *journal, const struct plan *plan, struct step_record *records,
	struct error *err)
{
	if (journal->empty)
		return true;
	return load_rows(journal->database,
		       "SELECT number, state, settled, text, before, after FROM step", plan,
		       records, load_step, err) &&
		load_rows(journal->database,
			"SELECT step, attempt, begun_ms, outcome FROM intent LEFT JOIN outcome"
			" USING (step, attempt) ORDER BY step, attempt",
			plan, records, load_attempt, err);
}

/* ---- writing ------------------------------------------------------------------------- */

typedef void entry_bind_function(
	sqlite3_stmt *add, const struct journal_entry *entry, int64_t now_ms);

static void bind_intent(sqlite3_stmt *add, const struct journal_entry *entry, int64_t now_ms)
{
	database_bind_number(add, 1, (int64_t)entry->number);
	database_bind_number(add, 2, entry->attempt);
	database_bind_number(add, 3, now_ms);
}

static void bind_outcome(sqlite3_stmt *add, const struct journal_entry *entry, int64_t now_ms)
{
	const struct graph_write *write = entry->write;

	database_bind_number(add, 1, (int64_t)entry->number);
	database_bind_number(add, 2, entry->attempt);
	database_bind_text(add, 3, graph_outcome_name(write->outcome));
	database_bind_number(add, 4, write->status);
	database_bind_text(add, 5, write->code);
	database_bind_text(add, 6, write->request_id);
	database_bind_text(add, 7, write->text);
	database_bind_number(add, 8, now_ms);
}

static void bind_state(sqlite3_stmt *add, const struct journal_entry *entry, int64_t now_ms)
{
	const struct step_record *record = entry->record;

	database_bind_number(add, 1, (int64_t)entry->number);
	database_bind_text(add, 2, step_state_name(record->state));
	database_bind_number(add, 3, record->settled);
	database_bind_text(add, 4, record->text);
	database_bind_text(add, 5, record->before);
	database_bind_text(add, 6, record->after);
	database_bind_number(add, 7, now_ms);
}

static bool add_each(sqlite3 *database, const char *sql, entry_bind_function *bind,
	const struct journal_entry *entries, size_t count, int64_t now_ms, struct error *err)
{
	CLEANUP(database_finalizep) sqlite3_stmt *add = database_prepare(database, sql, err);

	if (!add)
		return false;
	for (size_t i = 0; i < count; i++) {
		bind(add, &entries[i], now_ms);
		if (!database_step(add, err))
			return false;
	}
	return true;
}

/* All or none of them, and durable [T4], or part of what will be. */
static bool add_all(struct journal *journal, const char *sql, entry_bind_function *bind,
	const struct journal_entry *entries, size_t count, int64_t now_ms, struct error *err)
{
	sqlite3 *database = journal->database;
	bool good;

	if (!journal->begun && !database_begin(database, err))
		return error_prefix(err, "journal");
	good = add_each(database, sql, bind, entries, count, now_ms, err);
	journal->begun = journal->together && good;
	if (journal->begun)
		return true;
	journal->together = false;
	return database_end(database, good, err) || error_prefix(err, "journal");
}

void journal_together(struct journal *journal)
{
	journal->together = true;
}

bool journal_commit(struct journal *journal, struct error *err)
{
	bool begun = journal->begun;

	journal->together = journal->begun = false;
	return !begun || database_end(journal->database, true, err) || error_prefix(err, "journal");
}

bool journal_add_intents(struct journal *journal, const struct journal_entry *entries, size_t count,
	int64_t now_ms, struct error *err)
{
	return add_all(journal, "INSERT INTO intent VALUES (?, ?, ?)", bind_intent, entries, count,
		now_ms, err);
}

bool journal_add_outcomes(struct journal *journal, const struct journal_entry *entries,
	size_t count, int64_t now_ms, struct error *err)
{
	return add_all(journal, "INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?)", bind_outcome,
		entries, count, now_ms, err);
}

bool journal_set_states(struct journal *journal, const struct journal_entry *entries, size_t count,
	int64_t now_ms, struct error *err)
{
	return add_all(journal, "INSERT OR REPLACE INTO step VALUES (?, ?, ?, ?, ?, ?, ?)",
		bind_state, entries, count, now_ms, err);
}

/* ---- runs ------------------------------------------------------------------------------ */

bool journal_begin_run(struct journal *journal, int64_t now_ms, struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *add = database_prepare(
		journal->database, "INSERT INTO run (begun_ms) VALUES (?)", err);

	if (!add)
		return error_prefix(err, "journal");
	database_bind_number(add, 1, now_ms);
	if (!database_step(add, err))
		return error_prefix(err, "journal");
	journal->run = sqlite3_last_insert_rowid(journal->database);
	return true;
}

static bool run_end(struct journal *journal, int64_t now_ms, const char *why, struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *end = database_prepare(
		journal->database, "UPDATE run SET ended_ms = ?, why = ? WHERE number = ?", err);

	if (!end)
		return false;
	database_bind_number(end, 1, now_ms);
	database_bind_text(end, 2, why);
	database_bind_number(end, 3, journal->run);
	return database_step(end, err);
}

bool journal_end_run(struct journal *journal, int64_t now_ms, const char *why, struct error *err)
{
	if (!run_end(journal, now_ms, why, err) ||
		!database_run(journal->database, "PRAGMA wal_checkpoint(TRUNCATE)", err) ||
		!journal_mode(journal->database, "PRAGMA journal_mode = DELETE", "delete", err))
		return error_prefix(err, "journal");
	return true;
}

bool journal_times(struct journal *journal, int64_t *begun_ms, int64_t *ended_ms, struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *times = database_prepare(
		journal->database, "SELECT min(begun_ms), max(ended_ms) FROM run", err);
	bool row;

	if (!times || !database_row(times, &row, err))
		return error_prefix(err, "journal");
	*begun_ms = sqlite3_column_type(times, 0) == SQLITE_NULL ? TIME_NONE
								 : sqlite3_column_int64(times, 0);
	*ended_ms = sqlite3_column_type(times, 1) == SQLITE_NULL ? TIME_NONE
								 : sqlite3_column_int64(times, 1);
	return true;
}

bool journal_attempts(
	struct journal *journal, journal_attempt_function *each, void *context, struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *rows = database_prepare(journal->database,
		"SELECT step, attempt, begun_ms, answered_ms, outcome, code, request_id, text, status"
		" FROM intent LEFT JOIN outcome USING (step, attempt) ORDER BY step, attempt",
		err);
	bool row;

	while (rows && database_row(rows, &row, err)) {
		struct journal_attempt attempt = { 0 };

		if (!row)
			return true;
		attempt.number = (size_t)sqlite3_column_int64(rows, 0);
		attempt.attempt = (unsigned)sqlite3_column_int64(rows, 1);
		attempt.begun_ms = sqlite3_column_int64(rows, 2);
		attempt.outcome = database_text(rows, 4);
		attempt.answered_ms = attempt.outcome ? sqlite3_column_int64(rows, 3) : TIME_NONE;
		attempt.code = database_text(rows, 5);
		attempt.request_id = database_text(rows, 6);
		attempt.text = database_text(rows, 7);
		attempt.status = (long)sqlite3_column_int64(rows, 8);
		if (!each(context, &attempt, err))
			return false;
	}
	return error_prefix(err, "journal");
}
