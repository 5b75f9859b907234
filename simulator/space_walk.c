/* Walks over a server's connector spaces in the order of the anchors, one object at a time. */
#include "simulator/space_row.h"

/* ---- the cloud ------------------------------------------------------------------------------ */

typedef bool visit_function(void *context, const struct space_object *object, struct error *err);

/* What left the server's scope and is confirmed to be gone is no object of the space any more. */
static bool is_there(const struct space_object *object)
{
	return object->seen || object->sent_as || object->arrived_as || object->wanted_as;
}

static bool each_of_ours(struct simulator *simulator, const char *server, visit_function *visit,
	void *context, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;

	if (!story_prepare(simulator, &row, err,
		    "SELECT " SPACE_ROW " FROM connector WHERE server = ?1 ORDER BY anchor", "t",
		    server))
		return false;
	while (story_row(simulator, row, err)) {
		CLEANUP(space_object_release) struct space_object object = { 0 };

		if (!space_object_read(simulator, server, row, &object, err) ||
			(is_there(&object) && !visit(context, &object, err)))
			return false;
	}
	return err->kind == ERROR_NONE;
}

/* What another server created: imported, and joined to nothing. */
static bool each_disconnector(struct simulator *simulator, const char *server,
	visit_function *visit, void *context, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;

	if (!story_prepare(simulator, &row, err,
		    "SELECT s.anchor, s.cloud_id, s.kind, s.state, s.sequence > v.synchronised,"
		    " v.imported_ms FROM shadow s JOIN sync_server v ON v.server = ?1"
		    " WHERE s.sequence <= v.imported AND s.state <> 'null' AND NOT EXISTS"
		    " (SELECT 1 FROM connector c WHERE c.server = ?1 AND c.anchor = s.anchor)"
		    " ORDER BY s.anchor",
		    "t", server))
		return false;
	while (story_row(simulator, row, err)) {
		CLEANUP(json_freep) json_t *state = story_json(row, 3);
		bool pending = sqlite3_column_int(row, 4) != 0;
		struct space_object object = {
			.anchor = story_text(row, 0),
			.cloud_id = story_text(row, 1),
			.kind = (enum object_kind)sqlite3_column_int(row, 2),
			.seen = pending ? NULL : state,
			.arrived = pending ? state : NULL,
			.arrived_as = pending ? SPACE_ADD : SPACE_NONE,
			.seen_ms = sqlite3_column_int64(row, 5),
		};

		if (!visit(context, &object, err))
			return false;
	}
	return err->kind == ERROR_NONE;
}

bool space_each(struct simulator *simulator, const char *server, visit_function *visit,
	void *context, struct error *err)
{
	return each_of_ours(simulator, server, visit, context, err) &&
		each_disconnector(simulator, server, visit, context, err);
}

bool space_anchor(struct simulator *simulator, const char *server, const char *cloud_id,
	char anchor[static SPACE_ANCHOR_BYTES], enum object_kind *kind)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;
	struct error err = { 0 };

	if (!story_prepare(simulator, &row, &err,
		    "SELECT anchor, kind FROM connector WHERE server = ?1 AND cloud_id = ?2 AND"
		    " (present OR sent_as <> 0 OR seen IS NULL OR seen <> 'null')",
		    "tt", server, cloud_id) ||
		!story_row(simulator, row, &err))
		return false;
	snprintf(anchor, SPACE_ANCHOR_BYTES, "%s", story_text(row, 0));
	*kind = (enum object_kind)sqlite3_column_int(row, 1);
	return true;
}

int64_t space_last_sent_ms(struct simulator *simulator, const char *server)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;
	struct error err = { 0 };

	if (!story_prepare(simulator, &row, &err,
		    "SELECT max(sent_ms) FROM connector WHERE server = ?1 AND sent_as <> 0", "t",
		    server) ||
		!story_row(simulator, row, &err))
		return 0;
	return sqlite3_column_int64(row, 0);
}

/* ---- Active Directory ------------------------------------------------------------------------ */

bool space_freeze_directory(
	struct simulator *simulator, const char *server, const char *cloud_id, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;
	CLEANUP(space_object_release) struct space_object object = { 0 };

	if (!story_prepare(simulator, &row, err,
		    "SELECT " SPACE_ROW " FROM connector WHERE server = ?1 AND cloud_id = ?2", "tt",
		    SERVER_PRODUCTION, cloud_id))
		return false;
	if (!story_row(simulator, row, err))
		return err->kind == ERROR_NONE;
	return space_object_read(simulator, SERVER_PRODUCTION, row, &object, err) &&
		story_run(simulator, err,
			"UPDATE connector SET directory = ?3 WHERE server = ?1 AND anchor = ?2 AND"
			" directory IS NULL",
			"ttj", server, object.anchor, object.wanted);
}

/*
 * Active Directory is what production's picture says, as no rule of production is edited; and
 * what only staging's filter lets in. What staging has not imported any more, it holds frozen.
 */
static const char directory_rows[] =
	"SELECT p.anchor, p.cloud_id, p.kind, p.wanted, s.directory, ?2"
	" FROM connector p LEFT JOIN connector s ON s.server = ?1 AND s.anchor = p.anchor"
	" WHERE p.server = ?2 AND p.present"
	" UNION ALL SELECT anchor, cloud_id, kind, wanted, directory, ?1 FROM connector o"
	" WHERE server = ?1 AND ?1 <> ?2 AND present AND NOT EXISTS"
	" (SELECT 1 FROM connector p WHERE p.server = ?2 AND p.anchor = o.anchor)"
	" ORDER BY 1";

bool space_each_in_directory(struct simulator *simulator, const char *server,
	bool (*visit)(void *context, const struct directory_object *object, struct error *err),
	void *context, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;

	if (!story_prepare(simulator, &row, err, directory_rows, "tt", server, SERVER_PRODUCTION))
		return false;
	while (story_row(simulator, row, err)) {
		CLEANUP(json_freep) json_t *wanted = story_json(row, 3);
		CLEANUP(json_freep) json_t *state = story_json(row, 4);
		const char *cloud_id = story_text(row, 1);
		struct directory_object object = {
			.anchor = story_text(row, 0),
			.cloud_id = cloud_id ? cloud_id : "",
			.kind = (enum object_kind)sqlite3_column_int(row, 2),
			.only_of_staging = strcmp(story_text(row, 5), SERVER_PRODUCTION) != 0,
		};

		if (!state)
			state = space_picture(
				simulator, story_text(row, 5), cloud_id, wanted, NULL, err);
		object.seen = state;
		if (!state || !visit(context, &object, err))
			return false;
	}
	return err->kind == ERROR_NONE;
}
