/* Playing by hand: single writes of an administrator, for tests that choose their moment. */
#include <stdio.h>

#include "base/memory.h"
#include "simulator/story.h"

static bool kind_named(const char *name, enum object_kind *kind)
{
	for (int i = 0; i < OBJECT_KINDS; i++)
		if (strcmp(object_kind_name((enum object_kind)i), name) == 0) {
			*kind = (enum object_kind)i;
			return true;
		}
	return false;
}

static bool relation_named(const char *name, enum relation *relation)
{
	for (int i = RELATION_MEMBERS; i <= RELATION_MANAGER; i++)
		if (strcmp(relation_name((enum relation)i), name) == 0) {
			*relation = (enum relation)i;
			return true;
		}
	return false;
}

static json_t *parse(struct span text, struct error *err)
{
	json_error_t where;
	json_t *json = json_loadb(text.data ? text.data : "", text.length, JSON_DECODE_ANY, &where);

	if (!json)
		error_set(err, ERROR_USAGE, "simulator: by hand: %s", where.text);
	return json;
}

bool simulator_hand_create(struct simulator *simulator, const char *kind, struct span properties,
	char id_out[static GUID_TEXT_BYTES], struct error *err)
{
	CLEANUP(json_freep) json_t *json = parse(properties, err);
	struct actor admin = story_admin();
	enum object_kind which;
	bool done;

	if (!json)
		return false;
	if (!kind_named(kind, &which))
		return error_set(err, ERROR_USAGE, "simulator: by hand: no kind %s", kind);
	simulator_lock(simulator);
	done = tenant_create(simulator, &admin, which, json, id_out, err);
	simulator_unlock(simulator);
	return done;
}

bool simulator_hand_set(struct simulator *simulator, const char *id, const char *property,
	struct span value, struct error *err)
{
	CLEANUP(json_freep) json_t *json = parse(value, err);
	struct actor admin = story_admin();
	bool done;

	if (!json)
		return false;
	simulator_lock(simulator);
	done = tenant_set(simulator, &admin, id, property, json, err);
	simulator_unlock(simulator);
	return done;
}

bool simulator_hand_link(struct simulator *simulator, const char *id, const char *relation,
	const char *target, bool there, struct error *err)
{
	struct actor admin = story_admin();
	enum relation which;
	bool done;

	if (!relation_named(relation, &which))
		return error_set(err, ERROR_USAGE, "simulator: by hand: no relation %s", relation);
	simulator_lock(simulator);
	done = there ? tenant_add_reference(simulator, &admin, id, which, target, err)
		     : tenant_remove_reference(simulator, &admin, id, which, target, err);
	simulator_unlock(simulator);
	return done;
}

typedef bool life_function(
	struct simulator *simulator, const struct actor *actor, const char *id, struct error *err);

static bool change_life(
	struct simulator *simulator, life_function *change, const char *id, struct error *err)
{
	struct actor admin = story_admin();
	bool done;

	simulator_lock(simulator);
	done = change(simulator, &admin, id, err);
	simulator_unlock(simulator);
	return done;
}

bool simulator_hand_delete(struct simulator *simulator, const char *id, struct error *err)
{
	return change_life(simulator, tenant_delete, id, err);
}

bool simulator_hand_restore(struct simulator *simulator, const char *id, struct error *err)
{
	return change_life(simulator, tenant_restore, id, err);
}

bool simulator_hand_purge(struct simulator *simulator, const char *id, struct error *err)
{
	return change_life(simulator, tenant_purge, id, err);
}

bool simulator_hand_pick(struct simulator *simulator, const char *kind, size_t index,
	char id[static GUID_TEXT_BYTES])
{
	CLEANUP(id_list_release) struct id_list list = { 0 };
	struct error err = { 0 };
	enum object_kind which;
	bool found;

	if (!kind_named(kind, &which))
		return false;
	simulator_lock(simulator);
	found = tenant_list(simulator, which, OBJECT_LIVE, &list, &err) && index < list.count;
	simulator_unlock(simulator);
	if (found)
		snprintf(id, GUID_TEXT_BYTES, "%s", list.ids[index]);
	return found;
}

bool simulator_hand_add_sync_application(
	struct simulator *simulator, const char *server, struct error *err)
{
	bool done;

	simulator_lock(simulator);
	done = tenant_add_sync_application(simulator, server, err);
	simulator_unlock(simulator);
	return done;
}
