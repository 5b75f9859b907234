#include "simulator/story_sql.h"

#include "base/memory.h"

static bool refuse(struct simulator *simulator, struct error *err)
{
	return error_set(
		err, ERROR_SYSTEM, "simulator: %s", sqlite3_errmsg(simulator_database(simulator)));
}

static void bind_json(sqlite3_stmt *statement, int position, const json_t *json)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(STORY_STATE_MAX);

	if (json)
		json_add(&text, json);
	else
		buf_add_text(&text, "null");
	sqlite3_bind_text(statement, position, buf_text(&text), (int)text.length, SQLITE_TRANSIENT);
}

static void bind_all(sqlite3_stmt *statement, const char *types, va_list arguments)
{
	for (int i = 0; types[i]; i++) {
		if (types[i] == 't')
			sqlite3_bind_text(statement, i + 1, va_arg(arguments, const char *), -1,
				SQLITE_TRANSIENT);
		else if (types[i] == 'i')
			sqlite3_bind_int64(statement, i + 1, va_arg(arguments, int64_t));
		else
			bind_json(statement, i + 1, va_arg(arguments, const json_t *));
	}
}

bool story_prepare(struct simulator *simulator, sqlite3_stmt **statement, struct error *err,
	const char *sql, const char *types, ...)
{
	va_list arguments;

	if (sqlite3_prepare_v2(simulator_database(simulator), sql, -1, statement, NULL) !=
		SQLITE_OK)
		return refuse(simulator, err);
	va_start(arguments, types);
	bind_all(*statement, types, arguments);
	va_end(arguments);
	return true;
}

bool story_run(
	struct simulator *simulator, struct error *err, const char *sql, const char *types, ...)
{
	sqlite3_stmt *statement = store_kept(simulator, sql);
	va_list arguments;
	bool done;

	if (!statement)
		return refuse(simulator, err);
	va_start(arguments, types);
	bind_all(statement, types, arguments);
	va_end(arguments);
	done = sqlite3_step(statement) == SQLITE_DONE || refuse(simulator, err);
	sqlite3_reset(statement);
	return done;
}

bool story_row(struct simulator *simulator, sqlite3_stmt *statement, struct error *err)
{
	int status = sqlite3_step(statement);

	return status == SQLITE_ROW || (status != SQLITE_DONE && refuse(simulator, err));
}

const char *story_text(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column);
}

json_t *story_json(sqlite3_stmt *statement, int column)
{
	const char *text = story_text(statement, column);
	json_t *json = text ? json_from_span(span_of(text)) : NULL;

	if (!json_is_null(json))
		return json;
	json_decref(json);
	return NULL;
}
