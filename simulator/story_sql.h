/* SQL for the story's own tables: a statement per call, bound by a letter for each parameter. */
#pragma once

#include <sqlite3.h>

#include "simulator/story.h"

enum { STORY_STATE_MAX = 8 << 20 }; /* the JSON of one object with its references */

static inline void statement_finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

/*
 * A statement that was prepared before, or is now, and stays the simulator's: whoever runs it resets it, and
 * runs no other in between. NULL: it can't be prepared.
 */
sqlite3_stmt *store_kept(struct simulator *simulator, const char *sql);

/*
 * `types` has a letter for each parameter: 't' text (NULL binds NULL), 'i' int64_t, 'j' a json_t
 * (NULL binds the text null). ERROR_SYSTEM.
 */
MUST_CHECK bool story_prepare(struct simulator *simulator, sqlite3_stmt **statement,
	struct error *err, const char *sql, const char *types, ...);
/* To its end, without rows. */
MUST_CHECK bool story_run(
	struct simulator *simulator, struct error *err, const char *sql, const char *types, ...);
/* True while there is a row; false at the end, or with err->kind set. */
bool story_row(struct simulator *simulator, sqlite3_stmt *statement, struct error *err);

const char *story_text(sqlite3_stmt *statement, int column); /* NULL for NULL */
/* A new reference; NULL for NULL and for JSON null. */
json_t *story_json(sqlite3_stmt *statement, int column);
