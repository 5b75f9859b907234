/*
 * Deleting and restoring (contract 2.10, 5.4, 5.5, 5.7). Purging is not for applications.
 */
#include "simulator/endpoint.h"

/* A live object that Graph may delete; false with the answer. */
static bool deletable(struct exchange *exchange, const struct object_row *row)
{
	if (row->kind == OBJECT_CONTACT)
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"Data contract version does not allow 'Delete' operations for this type of object.");
	if (row->kind == OBJECT_GROUP)
		return exchange_group_is_ours(exchange, row, false);
	if (json_is_true(json_object_get(row->json, "isManagementRestricted")))
		return !exchange_refuse_denied(exchange);
	if (object_is_synced(row))
		return !exchange_refuse_synced(exchange);
	return true;
}

static bool delete_row(struct exchange *exchange, const struct object_row *row, struct error *err)
{
	struct actor us = simulator_actor_us(exchange->simulator);

	if (!deletable(exchange, row))
		return true;
	return tenant_delete(exchange->simulator, &us, row->id, err) &&
		exchange_answer_take(exchange, 204, NULL);
}

bool answer_delete_object(struct exchange *exchange, struct error *err)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };

	return !exchange_load(
		       exchange, exchange->segments[1], exchange_kind(exchange), true, &row) ||
		delete_row(exchange, &row, err);
}

bool answer_delete_through_reference(struct exchange *exchange, struct error *err)
{
	CLEANUP(object_row_release) struct object_row group = { 0 }, row = { 0 };
	const char *target = exchange->segments[3];
	enum relation relation = strcmp(exchange->segments[2], "owners") == 0 ? RELATION_OWNERS
									      : RELATION_MEMBERS;

	if (!exchange_load(exchange, exchange->segments[1], OBJECT_GROUP, true, &group))
		return true;
	if (!tenant_has_reference(exchange->simulator, group.id, relation, target) ||
		!object_load(exchange->simulator, target, &row) || row.state != OBJECT_LIVE)
		return exchange_refuse_absent(exchange, target);
	if (!permission_any(exchange->simulator,
		    row.kind == OBJECT_USER ? "User.ReadWrite.All User.DeleteRestore.All"
					    : "Group.ReadWrite.All"))
		return exchange_refuse_denied(exchange);
	return delete_row(exchange, &row, err);
}

bool answer_purge(struct exchange *exchange, struct error *err UNUSED)
{
	return exchange_refuse_denied(exchange);
}

/* Who is deleted is no user any more: only the container restores (contract 2.10). */
bool answer_restore_elsewhere(struct exchange *exchange, struct error *err UNUSED)
{
	return exchange_refuse_absent(exchange, exchange->segments[1]);
}

/* ---- restore --------------------------------------------------------------------------------- */

struct restore_wish {
	const char *new_upn;
	bool strip_conflicts;
};

/* False, with the answer; both fields are for users only (contract 2.10). */
static bool parse_wish(struct exchange *exchange, const struct object_row *row, const json_t *body,
	struct restore_wish *wish)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)body, name, value)
	{
		bool is_upn = strcmp(name, "newUserPrincipalName") == 0;
		bool is_strip = strcmp(name, "autoReconcileProxyConflict") == 0;

		if (row->kind != OBJECT_USER || (!is_upn && !is_strip) ||
			(is_upn &&
				!(json_is_string(value) &&
					strchr(json_string_value(value), '@'))) ||
			(is_strip && !json_is_boolean(value)))
			return !exchange_refuse(exchange, 400, "Request_BadRequest",
				"Invalid value specified for property '%s' of resource 'DirectoryObject'.",
				name);
		if (is_upn)
			wish->new_upn = json_string_value(value);
		if (is_strip)
			wish->strip_conflicts = json_is_true(value);
	}
	return true;
}

static bool held_by_live(struct exchange *exchange, const struct object_row *row,
	const char *address, char holder[static GUID_TEXT_BYTES])
{
	enum object_state state;

	return address &&
		tenant_find_address(exchange->simulator, address, row->id, holder, &state) &&
		state == OBJECT_LIVE;
}

/* False, with the answer, when somebody took the name or an address meanwhile. */
static bool nothing_taken(
	struct exchange *exchange, const struct object_row *row, const struct restore_wish *wish)
{
	const json_t *addresses = json_object_get(row->json, "proxyAddresses");
	const char *upn = wish->new_upn ? wish->new_upn
					: json_text_or_null(row->json, "userPrincipalName");
	char holder[GUID_TEXT_BYTES];

	if (held_by_live(exchange, row, upn, holder))
		return !exchange_refuse_conflict(exchange, "userPrincipalName", holder);
	for (size_t i = 0; i < json_array_size(addresses) && !wish->strip_conflicts; i++)
		if (held_by_live(
			    exchange, row, json_string_value(json_array_get(addresses, i)), holder))
			return !exchange_refuse_conflict(exchange, "proxyAddresses", holder);
	return true;
}

static bool restore_permitted(struct exchange *exchange, enum object_kind kind)
{
	return permission_any(exchange->simulator,
		       kind == OBJECT_USER ? "User.DeleteRestore.All User.ReadWrite.All"
					   : "Group.ReadWrite.All") ||
		!exchange_refuse_denied(exchange);
}

bool answer_restore(struct exchange *exchange, struct error *err)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };
	CLEANUP(json_freep) json_t *body = NULL;
	struct simulator *simulator = exchange->simulator;
	struct actor us = simulator_actor_us(simulator);
	struct restore_wish wish = { 0 };
	const char *id = exchange->segments[2];
	json_t *shown;

	if (!object_load(simulator, id, &row) || row.state != OBJECT_DELETED)
		return exchange_refuse_absent(exchange, id);
	if (exchange->body.length > 0) {
		body = exchange_body(exchange);
		if (!body)
			return true;
	}
	if (!restore_permitted(exchange, row.kind) || !parse_wish(exchange, &row, body, &wish) ||
		!nothing_taken(exchange, &row, &wish))
		return true;
	if (!object_restore(simulator, &us, row.id, wish.new_upn, wish.strip_conflicts, err))
		return false;
	object_row_release(&row);
	if (!object_load(simulator, id, &row))
		return error_set(err, ERROR_SYSTEM, "simulator: %s vanished while restored", id);
	shown = selection_show(&(struct selection){ .all_defaults = true }, simulator, &row, true);
	return exchange_answer_take(exchange, 200, shown);
}
