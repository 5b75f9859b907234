/*
 * The simulator's own record: every write with its actor, and every request. It is never shown
 * over Graph; the final proof and the tests read it.
 */
#include "simulator/store.h"

static const char *const role_names[] = {
	[ACTOR_APP_US] = "app",
	[ACTOR_ADMIN] = "admin",
	[ACTOR_EXCHANGE] = "exchange",
	[ACTOR_PRODUCTION] = "production",
	[ACTOR_STAGING] = "staging",
	[ACTOR_SERVICE] = "service",
};

const char *actor_role_name(enum actor_role role)
{
	return role_names[role];
}

static void bind_json(sqlite3_stmt *statement, int position, const json_t *value)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(SIMULATOR_OBJECT_MAX);

	if (!value)
		return;
	json_add(&text, value);
	store_bind_text(statement, position, buf_text(&text));
}

bool book_write(struct simulator *simulator, const struct write_entry *entry, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_WRITE_INSERT);

	sqlite3_bind_int64(statement, 1, simulator->now_ms);
	store_bind_text(statement, 2, actor_role_name(entry->actor->role));
	store_bind_text(statement, 3, entry->actor->name);
	store_bind_text(statement, 4, entry->actor->door ? entry->actor->door : "");
	store_bind_text(statement, 5, entry->id);
	store_bind_text(statement, 6, object_kind_name(entry->kind));
	store_bind_text(statement, 7, entry->operation);
	store_bind_text(statement, 8, entry->attribute);
	bind_json(statement, 9, entry->old_value);
	bind_json(statement, 10, entry->new_value);
	return store_run(simulator, statement, "record a write", err) &&
		changes_note(simulator, entry, err);
}

bool book_request(struct simulator *simulator, const char *method, const char *path, int status,
	bool is_write, bool is_batch_item, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_REQUEST_INSERT);

	sqlite3_bind_int64(statement, 1, simulator->now_ms);
	store_bind_text(statement, 2, method);
	store_bind_text(statement, 3, path);
	sqlite3_bind_int(statement, 4, status);
	sqlite3_bind_int(statement, 5, is_write);
	sqlite3_bind_int(statement, 6, is_batch_item);
	return store_run(simulator, statement, "record a request", err);
}

bool writes_each(struct simulator *simulator, int64_t after,
	bool (*visit)(void *context, const struct write_row *row, struct error *err), void *context,
	struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_WRITE_EACH);

	sqlite3_bind_int64(statement, 1, after);
	while (store_row(simulator, statement, "read the writes", err)) {
		struct write_row row = {
			.sequence = sqlite3_column_int64(statement, 0),
			.at_ms = sqlite3_column_int64(statement, 1),
			.role = store_text(statement, 2),
			.actor = store_text(statement, 3),
			.door = store_text(statement, 4),
			.object = store_text(statement, 5),
			.kind = store_text(statement, 6),
			.operation = store_text(statement, 7),
			.attribute = store_text(statement, 8),
			.old_json = store_text(statement, 9),
			.new_json = store_text(statement, 10),
		};

		if (!visit(context, &row, err)) {
			sqlite3_reset(statement);
			return false;
		}
	}
	return err->kind == ERROR_NONE;
}

int64_t writes_last(struct simulator *simulator)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_WRITE_LAST);
	int64_t last = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0)
							     : 0;

	sqlite3_reset(statement);
	return last;
}

int64_t book_objects_between(struct simulator *simulator, int64_t after_ms, int64_t until_ms)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_WRITE_OBJECTS);
	int64_t count;

	sqlite3_bind_int64(statement, 1, after_ms);
	sqlite3_bind_int64(statement, 2, until_ms);
	count = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_reset(statement);
	return count;
}

bool requests_each(struct simulator *simulator, int64_t after,
	bool (*visit)(void *context, const struct request_row *row, struct error *err),
	void *context, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_REQUEST_EACH);

	sqlite3_bind_int64(statement, 1, after);
	while (store_row(simulator, statement, "read the requests", err)) {
		struct request_row row = {
			.sequence = sqlite3_column_int64(statement, 0),
			.at_ms = sqlite3_column_int64(statement, 1),
			.method = store_text(statement, 2),
			.path = store_text(statement, 3),
			.status = sqlite3_column_int(statement, 4),
			.is_write = sqlite3_column_int(statement, 5) != 0,
			.is_batch_item = sqlite3_column_int(statement, 6) != 0,
		};

		if (!visit(context, &row, err)) {
			sqlite3_reset(statement);
			return false;
		}
	}
	return err->kind == ERROR_NONE;
}

int64_t simulator_writes(struct simulator *simulator)
{
	int64_t last;

	simulator_lock(simulator);
	last = writes_last(simulator);
	simulator_unlock(simulator);
	return last;
}
