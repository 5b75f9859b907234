/*
 * The log that delta reads: which object changed what, in the order of the writes. Every write
 * passes here on its way into the book. The log holds names, not values: delta shows objects as
 * they are now, and tells from here only that and what to show.
 */
#include <stdio.h>

#include "base/memory.h"
#include "simulator/store.h"

/* ---- writing ---------------------------------------------------------------------------------- */

/* Gone for good: who was a member is none any more (contract 2.9). */
static bool note_leaving(
	struct simulator *simulator, const struct write_entry *entry, struct error *err)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };
	sqlite3_stmt *statement;

	if (!object_load(simulator, entry->id, &row) || row.state != OBJECT_GONE)
		return true;
	statement = store_statement(simulator, STATEMENT_CHANGE_LEAVE);
	store_bind_text(statement, 1, entry->id);
	sqlite3_bind_int64(statement, 2, store_change_ms(simulator, entry->actor));
	return store_run(simulator, statement, "note who leaves", err);
}

/* The target of a change of references: the value that was added or removed. */
static const char *target_of(const struct write_entry *entry)
{
	if (strcmp(entry->operation, "add") != 0 && strcmp(entry->operation, "remove") != 0)
		return NULL;
	return json_string_value(entry->new_value ? entry->new_value : entry->old_value);
}

bool changes_note(struct simulator *simulator, const struct write_entry *entry, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_CHANGE_INSERT);
	bool ends = strcmp(entry->operation, "delete") == 0 ||
		strcmp(entry->operation, "purge") == 0;

	store_bind_text(statement, 1, entry->id);
	sqlite3_bind_int(statement, 2, entry->kind);
	store_bind_text(statement, 3, entry->operation);
	store_bind_text(statement, 4, entry->attribute);
	store_bind_text(statement, 5, target_of(entry));
	sqlite3_bind_int64(statement, 6, store_change_ms(simulator, entry->actor));
	return store_run(simulator, statement, "note a change", err) &&
		(!ends || note_leaving(simulator, entry, err));
}

/* ---- reading ---------------------------------------------------------------------------------- */

static int64_t one_number(sqlite3_stmt *statement)
{
	int64_t number = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0)
							       : 0;

	sqlite3_reset(statement);
	return number;
}

int64_t changes_until(struct simulator *simulator)
{
	int64_t horizon_ms = store_horizon_ms(simulator);
	sqlite3_stmt *statement;
	int64_t hidden = 0;

	if (horizon_ms != INT64_MAX) {
		statement = store_statement(simulator, STATEMENT_CHANGE_HIDDEN);
		sqlite3_bind_int64(statement, 1, horizon_ms);
		hidden = one_number(statement);
	}
	return hidden ? hidden - 1 : one_number(store_statement(simulator, STATEMENT_CHANGE_LAST));
}

static sqlite3_stmt *select_objects(struct simulator *simulator, enum object_kind kind,
	const struct change_span *span, const struct change_place *place, bool with_it,
	size_t limit)
{
	sqlite3_stmt *statement = store_statement(
		simulator, span ? STATEMENT_CHANGE_OBJECTS : STATEMENT_CHANGE_ALL);

	sqlite3_bind_int(statement, 1, kind);
	if (!span) {
		store_bind_text(statement, 2, place->id);
		sqlite3_bind_int(statement, 3, with_it);
		sqlite3_bind_int64(statement, 4, (sqlite3_int64)limit);
		return statement;
	}
	sqlite3_bind_int64(statement, 2, span->since);
	sqlite3_bind_int64(statement, 3, span->until);
	sqlite3_bind_int64(statement, 4, place->sequence);
	sqlite3_bind_int(statement, 5, with_it);
	sqlite3_bind_int64(statement, 6, (sqlite3_int64)limit);
	return statement;
}

bool changes_objects(struct simulator *simulator, enum object_kind kind,
	const struct change_span *span, const struct change_place *place, bool with_it,
	size_t limit, struct change_place *places, size_t *count, struct error *err)
{
	sqlite3_stmt *statement = select_objects(simulator, kind, span, place, with_it, limit);

	*count = 0;
	while (store_row(simulator, statement, "find what changed", err)) {
		struct change_place *found = &places[(*count)++];

		snprintf(found->id, sizeof(found->id), "%s", store_text(statement, 0));
		found->sequence = sqlite3_column_int64(statement, 1);
	}
	return err->kind == ERROR_NONE;
}

void change_summary_release(struct change_summary *summary)
{
	json_decref(summary->names);
	summary->names = NULL;
}

static void sum_up(struct change_summary *summary, const char *operation, const char *attribute)
{
	if (strcmp(operation, "create") == 0 || strcmp(operation, "restore") == 0)
		summary->is_new = true;
	if (attribute) {
		CLEANUP(memory_freep)
		char *outer = memory_text_span(attribute, strcspn(attribute, "/"));

		json_object_set_new(summary->names, outer, json_true());
	}
}

bool changes_summary(struct simulator *simulator, const char *id, const struct change_span *span,
	struct change_summary *summary, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_CHANGE_NAMES);

	summary->names = json_object();
	store_bind_text(statement, 1, id);
	sqlite3_bind_int64(statement, 2, span->since);
	sqlite3_bind_int64(statement, 3, span->until);
	while (store_row(simulator, statement, "sum up changes", err))
		sum_up(summary, store_text(statement, 0), store_text(statement, 1));
	return err->kind == ERROR_NONE;
}

static sqlite3_stmt *select_targets(struct simulator *simulator, const char *id,
	enum relation relation, const struct change_span *span, const char *after, size_t limit)
{
	sqlite3_stmt *statement = store_statement(
		simulator, span ? STATEMENT_CHANGE_TARGETS : STATEMENT_CHANGE_LINKS);

	if (!span) {
		sqlite3_bind_int64(statement, 1, store_horizon_ms(simulator));
		store_bind_text(statement, 2, id);
		sqlite3_bind_int(statement, 3, relation);
		store_bind_text(statement, 4, after);
		sqlite3_bind_int64(statement, 5, (sqlite3_int64)limit);
		return statement;
	}
	store_bind_text(statement, 1, id);
	sqlite3_bind_int64(statement, 2, span->since);
	sqlite3_bind_int64(statement, 3, span->until);
	store_bind_text(statement, 4, relation_name(relation));
	store_bind_text(statement, 5, after);
	sqlite3_bind_int64(statement, 6, (sqlite3_int64)limit);
	return statement;
}

bool changes_targets(struct simulator *simulator, const char *id, enum relation relation,
	const struct change_span *span, const char *after, size_t limit,
	bool (*visit)(void *context, const char *target, enum object_kind kind, bool present),
	void *context, struct error *err)
{
	sqlite3_stmt *statement = select_targets(simulator, id, relation, span, after, limit);

	while (store_row(simulator, statement, "list changed references", err))
		if (!visit(context, store_text(statement, 0),
			    (enum object_kind)sqlite3_column_int(statement, 1),
			    sqlite3_column_int(statement, 2) != 0)) {
			sqlite3_reset(statement);
			break;
		}
	return err->kind == ERROR_NONE;
}
