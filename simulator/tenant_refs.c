/*
 * References between objects: members and owners of groups, managers of users. A reference that
 * was removed stays as a row, so that a lagging read can still show it.
 */
#include <assert.h>
#include <stdio.h>

#include "simulator/store.h"

static const char *const relation_names[] = { "members", "owners", "manager" };

const char *relation_name(enum relation relation)
{
	return relation_names[relation];
}

bool tenant_has_reference(
	struct simulator *simulator, const char *id, enum relation relation, const char *target)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_LINK_GET);
	bool present;

	store_bind_text(statement, 1, id);
	sqlite3_bind_int(statement, 2, relation);
	store_bind_text(statement, 3, target);
	present = sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) != 0;
	sqlite3_reset(statement);
	return present;
}

static bool link_put(struct simulator *simulator, const struct actor *actor, const char *id,
	enum relation relation, const char *target, bool present, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_LINK_PUT);

	store_bind_text(statement, 1, id);
	sqlite3_bind_int(statement, 2, relation);
	store_bind_text(statement, 3, target);
	sqlite3_bind_int(statement, 4, present);
	sqlite3_bind_int64(statement, 5, store_change_ms(simulator, actor));
	return store_run(simulator, statement, "write a reference", err);
}

static bool write_link(struct simulator *simulator, const struct actor *actor,
	const struct object_row *source, enum relation relation, const struct object_row *target,
	bool present, struct error *err)
{
	CLEANUP(json_freep) json_t *value = json_string(target->id);
	struct write_entry entry = { actor, source->id, source->kind, present ? "add" : "remove",
		relation_name(relation), present ? NULL : value, present ? value : NULL };

	return link_put(simulator, actor, source->id, relation, target->id, present, err) &&
		book_write(simulator, &entry, err) &&
		audit_reference(simulator, actor, source, relation, target, present, err);
}

static bool change_link(struct simulator *simulator, const struct actor *actor, const char *id,
	enum relation relation, const char *target_id, bool present, struct error *err)
{
	CLEANUP(object_row_release) struct object_row source = { 0 }, target = { 0 };

	if (!object_load(simulator, id, &source) || source.state == OBJECT_GONE ||
		!object_load(simulator, target_id, &target) || target.state == OBJECT_GONE)
		return error_set(err, ERROR_STALE, "simulator: %s of %s: %s: no such object",
			relation_name(relation), id, target_id);
	if (!simulator_begin(simulator, err))
		return false;
	if (!write_link(simulator, actor, &source, relation, &target, present, err)) {
		simulator_rollback(simulator);
		return error_prefix(err, "%s of %s", relation_name(relation), id);
	}
	return simulator_commit(simulator, err);
}

/* One manager at a time: the one before goes. */
static bool drop_managers(
	struct simulator *simulator, const struct actor *actor, const char *id, struct error *err)
{
	CLEANUP(id_list_release) struct id_list managers = { 0 };

	if (!tenant_references(simulator, id, RELATION_MANAGER, &managers, err))
		return false;
	for (size_t i = 0; i < managers.count; i++)
		if (!change_link(
			    simulator, actor, id, RELATION_MANAGER, managers.ids[i], false, err))
			return false;
	return true;
}

bool tenant_add_reference(struct simulator *simulator, const struct actor *actor, const char *id,
	enum relation relation, const char *target, struct error *err)
{
	if (tenant_has_reference(simulator, id, relation, target))
		return true;
	if (relation == RELATION_MANAGER && !drop_managers(simulator, actor, id, err))
		return false;
	return change_link(simulator, actor, id, relation, target, true, err);
}

bool tenant_remove_reference(struct simulator *simulator, const struct actor *actor, const char *id,
	enum relation relation, const char *target, struct error *err)
{
	if (!tenant_has_reference(simulator, id, relation, target))
		return true;
	return change_link(simulator, actor, id, relation, target, false, err);
}

bool tenant_references(struct simulator *simulator, const char *id, enum relation relation,
	struct id_list *list, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_LINK_TARGETS);

	store_bind_text(statement, 1, id);
	sqlite3_bind_int(statement, 2, relation);
	while (store_row(simulator, statement, "list references", err))
		id_list_add(list, store_text(statement, 0));
	return err->kind == ERROR_NONE;
}

static bool list_links(struct simulator *simulator, enum statement which, const char *id,
	enum relation relation, const char *after, struct id_list *list, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, which);

	sqlite3_bind_int64(statement, 1, store_horizon_ms(simulator));
	store_bind_text(statement, 2, id);
	sqlite3_bind_int(statement, 3, relation);
	store_bind_text(statement, 4, after);
	while (store_row(simulator, statement, "list references", err))
		id_list_add(list, store_text(statement, 0));
	return err->kind == ERROR_NONE;
}

bool links_visible(struct simulator *simulator, const char *id, enum relation relation,
	const char *after, struct id_list *list, struct error *err)
{
	return list_links(simulator, STATEMENT_LINK_PAGE, id, relation, after, list, err);
}

bool links_visible_to(struct simulator *simulator, const char *id, enum relation relation,
	const char *after, struct id_list *list, struct error *err)
{
	return list_links(simulator, STATEMENT_LINK_SOURCES, id, relation, after, list, err);
}
