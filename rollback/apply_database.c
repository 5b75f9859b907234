/*
 * SQLite with one set of manners: full synchronisation, no links followed, damage told apart
 * from a machine in trouble.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rollback/apply_internal.h"

enum { DATABASE_BUSY_MS = 5000 };

bool database_failed(sqlite3 *database, const char *tried, struct error *err)
{
	int code = sqlite3_errcode(database);
	const char *path = sqlite3_db_filename(database, "main");
	bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

	return error_set(err, damaged ? ERROR_FORMAT : ERROR_SYSTEM, "%s: %s: %s%s",
		path ? path : "?", tried, sqlite3_errmsg(database),
		damaged ? " (the file is damaged)" : "");
}

/* The name of a new file must survive a power cut as its content does. */
static bool folder_sync(const char *path, struct error *err)
{
	CLEANUP(memory_freep) char *copy = memory_text(path);
	int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = folder >= 0 && fsync(folder) == 0;

	if (!good)
		error_errno(err, "%s: synchronise its folder", path);
	if (folder >= 0)
		close(folder);
	return good;
}

/* SQLite would follow a link and take the umask's word for who may read. */
static bool database_file(const char *path, enum database_access access, struct error *err)
{
	bool created = false;
	int file = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat facts;

	if (file < 0 && errno == ENOENT && access == DATABASE_WRITE) {
		file = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		created = true;
	}
	if (file < 0)
		return error_errno(err, "%s: open", path);
	if (fstat(file, &facts) || !S_ISREG(facts.st_mode)) {
		close(file);
		return error_set(err, ERROR_SYSTEM, "%s: is not a regular file", path);
	}
	close(file);
	return !created || folder_sync(path, err);
}

static bool database_number(sqlite3 *database, const char *sql, int64_t *number, struct error *err)
{
	CLEANUP(database_finalizep) sqlite3_stmt *statement = database_prepare(database, sql, err);
	bool row = false;

	if (!statement || !database_row(statement, &row, err))
		return false;
	*number = row ? sqlite3_column_int64(statement, 0) : 0;
	return true;
}

/* A trigger could make the journal forget what it was told, a view could tell it anything. */
static bool database_is_plain(sqlite3 *database, const char *path, struct error *err)
{
	int64_t others;

	if (!database_number(database,
		    "SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')",
		    &others, err))
		return false;
	return !others ||
		error_set(err, ERROR_FORMAT,
			"%s: it has triggers or views, which this program never makes", path);
}

/* A new file takes our version; a file of a newer program is not ours to write. */
static bool database_version(sqlite3 *database, const char *path, enum database_access access,
	int version, struct error *err)
{
	char sql[64];
	int64_t found, tables;

	if (!database_number(database, "PRAGMA user_version", &found, err) ||
		!database_number(database, "SELECT count(*) FROM sqlite_schema", &tables, err))
		return false;
	if (!found && tables)
		return error_set(err, ERROR_FORMAT, "%s: a database of another program", path);
	if (found > version)
		return error_set(err, ERROR_REFUSED,
			"%s: its format is version %lld, this program knows %d: use a newer unstage",
			path, (long long)found, version);
	if (found == version || access == DATABASE_READ)
		return true;
	sqlite3_snprintf((int)sizeof(sql), sql, "PRAGMA user_version = %d", version);
	return database_run(database, sql, err);
}

static bool database_check(sqlite3 *database, const char *path, struct error *err)
{
	CLEANUP(database_finalizep)
	sqlite3_stmt *statement = database_prepare(database, "PRAGMA integrity_check(1)", err);
	bool row = false;

	if (!statement || !database_row(statement, &row, err))
		return false;
	if (!row || strcmp(database_text(statement, 0), "ok") != 0)
		return error_set(err, ERROR_FORMAT, "%s: the file is damaged: %s", path,
			row ? database_text(statement, 0) : "no answer to the integrity check");
	return true;
}

sqlite3 *database_open(
	const char *path, enum database_access access, int version, struct error *err)
{
	CLEANUP(database_closep) sqlite3 *database = NULL;
	int flags = access == DATABASE_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;

	if (!database_file(path, access, err))
		return NULL;
	if (sqlite3_open_v2(path, &database, flags | SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK) {
		database_failed(database, "open", err);
		return NULL;
	}
	sqlite3_busy_timeout(database, DATABASE_BUSY_MS);
	if (!database_run(database, "PRAGMA trusted_schema = OFF", err) ||
		!database_run(database, "PRAGMA synchronous = FULL", err) ||
		!database_run(database, "PRAGMA foreign_keys = ON", err) ||
		!database_check(database, path, err) || !database_is_plain(database, path, err) ||
		!database_version(database, path, access, version, err))
		return NULL;
	return TAKE(database);
}

void database_close(sqlite3 *database)
{
	int code = sqlite3_close(database);

	assert(code == SQLITE_OK); /* a statement was left open */
}

bool database_run(sqlite3 *database, const char *sql, struct error *err)
{
	if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
		return database_failed(database, sql, err);
	return true;
}

bool database_begin(sqlite3 *database, struct error *err)
{
	return database_run(database, "BEGIN IMMEDIATE", err);
}

bool database_end(sqlite3 *database, bool good, struct error *err)
{
	struct error ignored = { 0 };

	if (good && database_run(database, "COMMIT", err))
		return true;
	/* The first error is the one to tell; without a transaction this fails and changes nothing.
	 */
	if (!sqlite3_get_autocommit(database) && !database_run(database, "ROLLBACK", &ignored))
		error_prefix(err, "%s", ignored.text);
	return false;
}

sqlite3_stmt *database_prepare(sqlite3 *database, const char *sql, struct error *err)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
		database_failed(database, sql, err);
	return statement;
}

void database_finalize(sqlite3_stmt *statement)
{
	sqlite3_finalize(statement); /* repeats the error of the last step, which was told */
}

bool database_row(sqlite3_stmt *statement, bool *row, struct error *err)
{
	int code = sqlite3_step(statement);

	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return database_failed(sqlite3_db_handle(statement), sqlite3_sql(statement), err);
	*row = code == SQLITE_ROW;
	return true;
}

bool database_step(sqlite3_stmt *statement, struct error *err)
{
	bool row, good = database_row(statement, &row, err);

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return good;
}

void database_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	int code = sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);

	assert(code == SQLITE_OK); /* the index is ours, and memory is not asked for */
}

void database_bind_number(sqlite3_stmt *statement, int index, int64_t number)
{
	int code = sqlite3_bind_int64(statement, index, number);

	assert(code == SQLITE_OK);
}

const char *database_text(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column);
}
