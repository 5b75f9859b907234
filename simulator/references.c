/*
 * $ref calls: members, owners, manager (contract 5.5). A DELETE of a member without "/$ref" is
 * not a $ref call: it deletes the member itself, as the real service does.
 */
#include <stdio.h>

#include "simulator/endpoint.h"

enum { OWNERS_MAX = 100 };

bool reference_id(const char *url, char id[static GUID_TEXT_BYTES])
{
	static const char *const collections[] = { "/v1.0/directoryObjects/", "/v1.0/users/",
		"/v1.0/groups/", "/v1.0/contacts/" };
	const char *path = strstr(url, "://");

	path = path ? strchr(path + 3, '/') : NULL;
	for (size_t i = 0; path && i < COUNT_OF(collections); i++) {
		const char *rest = path + strlen(collections[i]);

		if (strncmp(path, collections[i], strlen(collections[i])) != 0 ||
			!text_is_guid(span_of(rest)))
			continue;
		for (size_t at = 0; at < GUID_TEXT_BYTES; at++)
			id[at] = text_lower(rest[at]);
		return true;
	}
	return false;
}

/* The live object that the body names; false with the answer. */
static bool load_target(struct exchange *exchange, struct object_row *target)
{
	CLEANUP(json_freep) json_t *body = exchange_body(exchange);
	const char *url = json_text_or_null(body, "@odata.id");
	char id[GUID_TEXT_BYTES];

	if (!body)
		return false;
	if (!url || !reference_id(url, id))
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"Invalid URL format specified in payload.");
	if (!object_load(exchange->simulator, id, target) || target->state != OBJECT_LIVE)
		return !exchange_refuse_absent(exchange, id);
	return true;
}

static enum relation relation_of(const struct exchange *exchange)
{
	return strcmp(exchange->segments[2], "owners") == 0 ? RELATION_OWNERS : RELATION_MEMBERS;
}

static bool is_unified(const struct object_row *group)
{
	return json_array_holds(json_object_get(group->json, "groupTypes"), "Unified");
}

/* False, with the answer: who can't be a member or owner of this group. */
static bool target_fits(struct exchange *exchange, const struct object_row *group,
	enum relation relation, const struct object_row *target, struct error *err)
{
	CLEANUP(id_list_release) struct id_list owners = { 0 };

	if (relation == RELATION_OWNERS &&
		!tenant_references(exchange->simulator, group->id, relation, &owners, err))
		return false;
	if (owners.count >= OWNERS_MAX)
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"The group has %d owners already.", OWNERS_MAX);
	if (target->kind != OBJECT_USER && (relation == RELATION_OWNERS || is_unified(group)))
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"Invalid object type for the property '%s': '%s'.", relation_name(relation),
			schema_of(target->kind)->resource);
	if (strcmp(group->id, target->id) == 0)
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"A group can't be a member of itself.");
	return true;
}

bool answer_add_reference(struct exchange *exchange, struct error *err)
{
	CLEANUP(object_row_release) struct object_row group = { 0 }, target = { 0 };
	struct simulator *simulator = exchange->simulator;
	struct actor us = simulator_actor_us(simulator);
	enum relation relation = relation_of(exchange);

	if (!exchange_load(exchange, exchange->segments[1], OBJECT_GROUP, true, &group) ||
		!load_target(exchange, &target) ||
		!exchange_group_is_ours(exchange, &group, relation == RELATION_MEMBERS))
		return true;
	if (tenant_has_reference(simulator, group.id, relation, target.id))
		return exchange_refuse(exchange, 400, "Request_BadRequest",
			"One or more added object references already exist for the following modified properties: '%s'.",
			relation_name(relation));
	if (!target_fits(exchange, &group, relation, &target, err))
		return err->kind == ERROR_NONE;
	return tenant_add_reference(simulator, &us, group.id, relation, target.id, err) &&
		exchange_answer_take(exchange, 204, NULL);
}

/* The last user owner can't leave (contract 5.5). */
static bool is_last_owner(
	struct exchange *exchange, const struct object_row *group, struct error *err)
{
	CLEANUP(id_list_release) struct id_list owners = { 0 };

	return tenant_references(exchange->simulator, group->id, RELATION_OWNERS, &owners, err) &&
		owners.count == 1;
}

bool answer_remove_reference(struct exchange *exchange, struct error *err)
{
	CLEANUP(object_row_release) struct object_row group = { 0 };
	struct simulator *simulator = exchange->simulator;
	struct actor us = simulator_actor_us(simulator);
	enum relation relation = relation_of(exchange);
	const char *target = exchange->segments[3];

	if (!exchange_load(exchange, exchange->segments[1], OBJECT_GROUP, true, &group) ||
		!exchange_group_is_ours(exchange, &group, relation == RELATION_MEMBERS))
		return true;
	if (!tenant_has_reference(simulator, group.id, relation, target))
		return exchange_refuse_absent(exchange, target);
	if (relation == RELATION_OWNERS && is_last_owner(exchange, &group, err))
		return exchange_refuse(exchange, 400, "Request_BadRequest",
			"The group must have at least one owner, hence this owner cannot be removed.");
	return err->kind == ERROR_NONE &&
		tenant_remove_reference(simulator, &us, group.id, relation, target, err) &&
		exchange_answer_take(exchange, 204, NULL);
}

/* ---- manager --------------------------------------------------------------------------------- */

bool answer_set_manager(struct exchange *exchange, struct error *err)
{
	CLEANUP(object_row_release) struct object_row user = { 0 }, target = { 0 };
	struct actor us = simulator_actor_us(exchange->simulator);

	if (!exchange_load(exchange, exchange->segments[1], OBJECT_USER, true, &user) ||
		!load_target(exchange, &target))
		return true;
	if (object_is_synced(&user))
		return exchange_refuse_synced(exchange);
	if (target.kind == OBJECT_GROUP || strcmp(user.id, target.id) == 0)
		return exchange_refuse(exchange, 400, "Request_BadRequest",
			"Invalid object for the property 'manager'.");
	return tenant_add_reference(
		       exchange->simulator, &us, user.id, RELATION_MANAGER, target.id, err) &&
		exchange_answer_take(exchange, 204, NULL);
}

bool answer_clear_manager(struct exchange *exchange, struct error *err)
{
	CLEANUP(object_row_release) struct object_row user = { 0 };
	CLEANUP(id_list_release) struct id_list managers = { 0 };
	struct actor us = simulator_actor_us(exchange->simulator);

	if (!exchange_load(exchange, exchange->segments[1], OBJECT_USER, true, &user))
		return true;
	if (object_is_synced(&user))
		return exchange_refuse_synced(exchange);
	if (!tenant_references(exchange->simulator, user.id, RELATION_MANAGER, &managers, err))
		return false;
	if (managers.count == 0)
		return exchange_refuse_absent(exchange, "manager");
	return tenant_remove_reference(
		       exchange->simulator, &us, user.id, RELATION_MANAGER, managers.ids[0], err) &&
		exchange_answer_take(exchange, 204, NULL);
}
