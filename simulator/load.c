/*
 * A tenant that is known from a snapshot: its lines become rows as they are, unchecked and in nobody's
 * book, since a real directory may hold what the rules would not let anybody write. The production
 * server's picture of it holds what a plan hopes that it holds.
 */
#include "base/memory.h"
#include "simulator/space.h"
#include "simulator/store.h"
#include "simulator/story_sql.h"

static bool find_kind(const json_t *line, enum object_kind *kind, struct error *err)
{
	const char *name = json_text(line, "kind", err);

	for (int i = 0; name && i < OBJECT_KINDS; i++) {
		*kind = (enum object_kind)i;
		if (strcmp(name, object_kind_name(*kind)) == 0)
			return true;
	}
	return name && error_set(err, ERROR_FORMAT, "simulator: no objects of the kind %s", name);
}

static bool load_link(struct simulator *simulator, const char *id, enum relation relation,
	const json_t *target, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_LINK_PUT);

	store_bind_text(statement, 1, id);
	sqlite3_bind_int(statement, 2, relation);
	store_bind_text(statement, 3, json_string_value(target));
	sqlite3_bind_int(statement, 4, 1);
	sqlite3_bind_int64(statement, 5, 0);
	return store_run(simulator, statement, "load a reference", err);
}

/* One id, or a part of a list of them; and out of the line. */
static bool load_links(struct simulator *simulator, const char *id, enum relation relation,
	json_t *line, struct error *err)
{
	const json_t *value = json_object_get(line, relation_name(relation));
	const json_t *target;
	size_t index;

	if (json_is_string(value) && !load_link(simulator, id, relation, value, err))
		return false;
	json_array_foreach(value, index, target)
	{
		if (!load_link(simulator, id, relation, target, err))
			return false;
	}
	json_object_del(line, relation_name(relation));
	return true;
}

static bool load_row(struct simulator *simulator, struct object_row *row, struct error *err)
{
	struct actor service = story_service();
	const char *name;
	void *next;
	json_t *value;

	json_object_foreach_safe(row->json, next, name, value)
	{
		if (strncmp(name, "extension_", strlen("extension_")) == 0 &&
			!tenant_has_extension(simulator, name) &&
			!tenant_register_extension(simulator, name, err))
			return false;
	}
	return object_insert(simulator, &service, row, err) &&
		addresses_update(simulator, row, err);
}

/* The service puts a deleted user's id before its name (contract 2.10); here the name alone is kept. */
static void free_name(json_t *object, const char *id)
{
	const char *name = json_text_or_null(object, "userPrincipalName"), *rest = name;

	for (; rest && *id; id++) {
		if (*id == '-')
			continue;
		if (text_lower(*rest++) != *id)
			return;
	}
	if (rest && *rest)
		json_object_set_new(object, "userPrincipalName", json_string(rest));
}

/* What of a line describes the line and not the object. */
static const char *const of_the_line[] = { "kind", "deleted", "unknown" };

static bool load_line(struct simulator *simulator, struct span text, bool first, struct error *err)
{
	static const enum relation relations[] = { RELATION_MEMBERS, RELATION_OWNERS,
		RELATION_MANAGER };
	CLEANUP(json_freep) json_t *line = json_parse(text, SIMULATOR_OBJECT_MAX, err);
	struct object_row row = { .json = line };
	const char *id = line ? json_text(line, "id", err) : NULL;

	if (!id || !find_kind(line, &row.kind, err))
		return false;
	snprintf(row.id, sizeof(row.id), "%s", id);
	for (size_t i = 0; i < COUNT_OF(relations); i++) {
		if (!load_links(simulator, row.id, relations[i], line, err))
			return false;
	}
	if (!first)
		return true;
	row.state = json_is_true(json_object_get(line, "deleted")) ? OBJECT_DELETED : OBJECT_LIVE;
	if (row.state == OBJECT_DELETED)
		free_name(line, row.id);
	for (size_t i = 0; i < COUNT_OF(of_the_line); i++)
		json_object_del(line, of_the_line[i]);
	return load_row(simulator, &row, err);
}

bool simulator_load_begin(struct simulator *simulator, struct error *err)
{
	return simulator_begin(simulator, err);
}

bool simulator_load_end(struct simulator *simulator, struct error *err)
{
	/* Nobody asks for runs from before: none are made up. */
	return connector_prepare(simulator, err) &&
		schedule_prepare(simulator, simulator_now_ms(simulator), err) &&
		simulator_commit(simulator, err);
}

bool simulator_load_object(struct simulator *simulator, struct span lines, struct error *err)
{
	bool first = true;

	while (lines.length) {
		const char *end = memchr(lines.data, '\n', lines.length);
		size_t length = end ? (size_t)(end - lines.data) : lines.length;

		if (!load_line(simulator, (struct span){ lines.data, length }, first, err))
			return false;
		first = false;
		length += end != NULL;
		lines = (struct span){ lines.data + length, lines.length - length };
	}
	return true;
}

/* ---- the production server's picture ----------------------------------------------------------- */

static bool join(struct simulator *simulator, const char *id, struct error *err)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };
	CLEANUP(json_freep) json_t *wanted = connector_wanted(simulator, SERVER_PRODUCTION, id);
	CLEANUP(json_freep) json_t *nothing = json_object();
	const char *anchor;

	if (wanted)
		return true;
	if (!object_load(simulator, id, &row))
		return error_set(err, ERROR_STALE, "simulator: there is no object %s", id);
	anchor = json_text_or_null(row.json, "onPremisesImmutableId");
	return connector_add(
		simulator, SERVER_PRODUCTION, anchor ? anchor : id, id, row.kind, nothing, err);
}

/* It flows a whole relation or none of it: so all that is there first. */
static bool flow(
	struct simulator *simulator, const char *id, enum relation relation, struct error *err)
{
	return story_run(simulator, err,
		       "INSERT INTO connector_link (server, cloud_id, relation, target)"
		       " SELECT ?1, source, relation, target FROM links"
		       " WHERE source = ?2 AND relation = ?3 AND present AND NOT EXISTS"
		       " (SELECT 1 FROM connector_flow WHERE server = ?1 AND cloud_id = ?2"
		       " AND relation = ?3)",
		       "tti", SERVER_PRODUCTION, id, (int64_t)relation) &&
		story_run(simulator, err,
			"INSERT OR IGNORE INTO connector_flow (server, cloud_id, relation)"
			" VALUES (?1, ?2, ?3)",
			"tti", SERVER_PRODUCTION, id, (int64_t)relation);
}

static bool want_reference(struct simulator *simulator, const char *id, enum relation relation,
	const char *target, bool there, struct error *err)
{
	if (relation == RELATION_MANAGER &&
		!story_run(simulator, err,
			"DELETE FROM connector_link"
			" WHERE server = ?1 AND cloud_id = ?2 AND relation = ?3",
			"tti", SERVER_PRODUCTION, id, (int64_t)relation))
		return false;
	return connector_link(simulator, SERVER_PRODUCTION, id, relation, target, there, err);
}

/* One thing that it holds. */
struct wish {
	const char *id, *property, *target;
	struct span value;
	bool there;
};

static bool wish_value(struct simulator *simulator, const struct wish *wish, struct error *err)
{
	CLEANUP(json_freep) json_t *value = json_from_span(wish->value);

	return join(simulator, wish->id, err) &&
		connector_set(simulator, SERVER_PRODUCTION, wish->id, wish->property, value, err);
}

static bool wish_reference(struct simulator *simulator, const struct wish *wish, struct error *err)
{
	for (enum relation relation = RELATION_MEMBERS; relation <= RELATION_MANAGER; relation++) {
		if (strcmp(wish->property, relation_name(relation)) == 0)
			return join(simulator, wish->id, err) &&
				flow(simulator, wish->id, relation, err) &&
				want_reference(simulator, wish->id, relation, wish->target,
					wish->there, err);
	}
	return error_set(err, ERROR_USAGE, "simulator: there is no relation %s", wish->property);
}

static bool prepare_and(struct simulator *simulator, const struct wish *wish,
	bool (*grant)(struct simulator *simulator, const struct wish *wish, struct error *err),
	struct error *err)
{
	bool done;

	simulator_lock(simulator);
	done = simulator_begin(simulator, err) && grant(simulator, wish, err) &&
		simulator_commit(simulator, err);
	if (!done)
		simulator_rollback(simulator);
	simulator_unlock(simulator);
	return done;
}

bool simulator_production_holds(struct simulator *simulator, const char *id, const char *property,
	struct span value, struct error *err)
{
	const struct wish wish = { .id = id, .property = property, .value = value };

	return prepare_and(simulator, &wish, wish_value, err);
}

bool simulator_production_refers(struct simulator *simulator, const char *id, const char *relation,
	const char *target, bool there, struct error *err)
{
	const struct wish wish = {
		.id = id, .property = relation, .target = target, .there = there
	};

	return prepare_and(simulator, &wish, wish_reference, err);
}
