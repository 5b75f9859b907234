/*
 * PATCH of users, groups, contacts and of onPremisesSyncBehavior (contract 5.1 to 5.6). A PATCH
 * is all or nothing: every property is checked before the first is written.
 */
#include <stdio.h>

#include "base/memory.h"
#include "simulator/patch.h"

enum { BIND_MAX = 20, ADDRESS_TEXT_MAX = 512 };

static const char bind_members[] = "members@odata.bind";

static bool is_annotation(const char *name)
{
	return name[0] == '@';
}

static bool values_fit(struct exchange *exchange, const struct schema *schema, const json_t *body)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)body, name, value)
	{
		if (is_annotation(name) ||
			(schema->kind == OBJECT_GROUP && strcmp(name, bind_members) == 0))
			continue;
		if (!patch_value_fits(exchange, schema, name, value))
			return false;
	}
	return true;
}

/* ---- who masters it -------------------------------------------------------------------------- */

static bool was_synced(const struct object_row *row)
{
	static const char *const marks[] = { "onPremisesSecurityIdentifier",
		"onPremisesLastSyncDateTime", "isCloudManaged" };

	for (size_t i = 0; i < COUNT_OF(marks); i++)
		if (json_object_get(row->json, marks[i]))
			return true;
	return false;
}

/* False, with the answer, when one of the properties is mastered elsewhere. */
static bool user_is_ours(
	struct exchange *exchange, const struct object_row *row, const json_t *body)
{
	const struct schema *schema = schema_of(OBJECT_USER);
	const char *name;
	json_t *value;

	if (json_is_true(json_object_get(row->json, "isManagementRestricted")))
		return !exchange_refuse_denied(exchange);
	json_object_foreach((json_t *)body, name, value)
	{
		const struct property *property = schema_property(schema, name, strlen(name));
		unsigned flags = property ? property->flags : 0;

		if (is_annotation(name))
			continue;
		if (object_is_synced(row) && !(flags & P_CLOUD))
			return !exchange_refuse_synced(exchange);
		if (flags & P_EXCHANGE && was_synced(row))
			return !exchange_refuse(
				exchange, 400, "Request_BadRequest", "%s", EXTERNAL_SERVICE_TEXT);
	}
	return true;
}

bool exchange_group_is_ours(struct exchange *exchange, const struct object_row *group, bool members)
{
	const json_t *types = json_object_get(group->json, "groupTypes");

	if (object_is_synced(group))
		return !exchange_refuse_synced(exchange);
	if (json_is_true(json_object_get(group->json, "mailEnabled")) &&
		!json_array_holds(types, "Unified"))
		return !exchange_refuse(exchange, 400, "Request_BadRequest", "%s", MAIL_GROUP_TEXT);
	/* Or an owner, which this application is of no group (contract 9.1, 9.2). */
	if ((json_is_true(json_object_get(group->json, "isAssignableToRole")) &&
		    !permission_granted(
			    exchange->simulator, "RoleManagement.ReadWrite.Directory")) ||
		json_is_true(json_object_get(group->json, "isManagementRestricted")))
		return !exchange_refuse_denied(exchange);
	if (members && json_array_holds(types, "DynamicMembership"))
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"Insufficient privileges or invalid operation: the members of a dynamic membership group are computed and cannot be changed.");
	return true;
}

/* What a property of a user needs (contract 9.1): one of each list. The last row is all others. */
static const struct patch_need {
	const char *property, *permissions, *also;
} needs[] = {
	{ "accountEnabled", "User.EnableDisableAccount.All", READ_USERS },
	{ "employeeLeaveDateTime", "User-LifeCycleInfo.ReadWrite.All", NULL },
	{ "businessPhones", "User-Phone.ReadWrite.All User.ReadWrite.All", NULL },
	{ "mobilePhone", "User-Phone.ReadWrite.All User.ReadWrite.All", NULL },
	{ "otherMails", "User-Mail.ReadWrite.All User.ReadWrite.All", NULL },
	{ NULL, "User.ReadUpdate.All User.ReadWrite.All Directory.ReadWrite.All", NULL },
};

static bool is_permitted(struct exchange *exchange, const json_t *body)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)body, name, value)
	{
		const struct patch_need *need = &needs[0];

		if (is_annotation(name))
			continue;
		while (need->property && strcmp(need->property, name) != 0)
			need++;
		if (!permission_any(exchange->simulator, need->permissions) ||
			(need->also && !permission_any(exchange->simulator, need->also)))
			return !exchange_refuse_denied(exchange);
	}
	return true;
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* False, with the answer, when another object holds the new mail or sign-in name. */
static bool addresses_fit(
	struct exchange *exchange, const struct object_row *row, const json_t *body)
{
	struct simulator *simulator = exchange->simulator;
	const char *upn = json_text_or_null(body, "userPrincipalName");
	const char *mail = json_text_or_null(body, "mail");
	char holder[GUID_TEXT_BYTES];
	enum object_state state;

	/* A sign-in name in deleted items may be taken over; an address there is still reserved. */
	if (upn && tenant_find_address(simulator, upn, row->id, holder, &state) &&
		state == OBJECT_LIVE)
		return !exchange_refuse_conflict(exchange, "userPrincipalName", holder);
	if (mail && tenant_find_address(simulator, mail, row->id, holder, &state))
		return !exchange_refuse_conflict(exchange, "proxyAddresses", holder);
	return true;
}

/* The addresses with `mail` as the primary: the one before becomes a secondary. */
static json_t *with_primary(const json_t *addresses, const char *mail)
{
	json_t *result = json_array();
	char text[ADDRESS_TEXT_MAX];

	snprintf(text, sizeof(text), "SMTP:%s", mail);
	json_array_append_new(result, json_string(text));
	for (size_t i = 0; i < json_array_size(addresses); i++) {
		const char *address = json_string_value(json_array_get(addresses, i));

		if (strncasecmp(address, "smtp:", 5) == 0 && strcasecmp(address + 5, mail) == 0)
			continue;
		if (strncmp(address, "SMTP:", 5) == 0)
			json_array_append_new(result, json_sprintf("smtp:%s", address + 5));
		else
			json_array_append_new(result, json_string(address));
	}
	return result;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool write_members_of(struct exchange *exchange, const struct actor *actor, const char *id,
	const char *outer, const json_t *value, struct error *err)
{
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)value, name, member)
	{
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", outer, name);
		if (!tenant_set(exchange->simulator, actor, id, path, member, err))
			return false;
	}
	return true;
}

static bool write_one(struct exchange *exchange, const struct actor *actor,
	const struct object_row *row, const char *name, const json_t *value, struct error *err)
{
	struct simulator *simulator = exchange->simulator;
	CLEANUP(json_freep) json_t *addresses = NULL;

	/* Extension attributes merge; employeeOrgData is replaced as a whole (contract 2.2). */
	if (strcmp(name, "onPremisesExtensionAttributes") == 0 && json_is_object(value))
		return write_members_of(exchange, actor, row->id, name, value, err);
	if (!tenant_set(simulator, actor, row->id, name, value, err))
		return false;
	if (row->kind != OBJECT_USER || strcmp(name, "mail") != 0)
		return true;
	addresses = with_primary(
		json_object_get(row->json, "proxyAddresses"), json_string_value(value));
	return tenant_set(simulator, actor, row->id, "proxyAddresses", addresses, err);
}

static bool write_all(struct exchange *exchange, const struct object_row *row, const json_t *body,
	struct error *err)
{
	struct simulator *simulator = exchange->simulator;
	struct actor us = simulator_actor_us(simulator);
	bool done = true;
	const char *name;
	json_t *value;

	audit_begin(simulator, NULL);
	json_object_foreach((json_t *)body, name,
		value) if (done && !is_annotation(name) && strcmp(name, bind_members) != 0)
		done = write_one(exchange, &us, row, name, value, err);
	if (!audit_end(simulator, err) || !done)
		return false;
	return exchange_answer_take(exchange, 204, NULL);
}

bool answer_patch_user(struct exchange *exchange, struct error *err)
{
	CLEANUP(json_freep) json_t *body = exchange_body(exchange);
	CLEANUP(object_row_release) struct object_row row = { 0 };

	if (!body || !is_permitted(exchange, body) ||
		!exchange_load(exchange, exchange->segments[1], OBJECT_USER, true, &row) ||
		!values_fit(exchange, schema_of(OBJECT_USER), body) ||
		!user_is_ours(exchange, &row, body) || !addresses_fit(exchange, &row, body))
		return true;
	return write_all(exchange, &row, body, err);
}

/* False, with the answer: what a group is can't be changed by PATCH. */
static bool group_stays_what_it_is(
	struct exchange *exchange, const struct object_row *row, const json_t *body)
{
	const json_t *types = json_object_get(body, "groupTypes");
	const json_t *mail = json_object_get(body, "mailEnabled");
	bool unified = json_array_holds(json_object_get(row->json, "groupTypes"), "Unified");

	if (types && json_array_holds(types, "Unified") != unified)
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"Invalid value specified for property 'groupTypes' of resource 'Group'.");
	if (mail && json_is_true(mail) != json_is_true(json_object_get(row->json, "mailEnabled")))
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.");
	return true;
}

/* The objects of members@odata.bind, all of them there and none a member yet (contract 5.5). */
static bool parse_bind(struct exchange *exchange, const struct object_row *group,
	const json_t *bind, struct id_list *ids)
{
	if (!json_is_array(bind) || json_array_size(bind) == 0 || json_array_size(bind) > BIND_MAX)
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"At most %d references can be added in one request.", BIND_MAX);
	for (size_t i = 0; i < json_array_size(bind); i++) {
		CLEANUP(object_row_release) struct object_row target = { 0 };
		const char *url = json_string_value(json_array_get(bind, i));
		char id[GUID_TEXT_BYTES];

		if (!url || !reference_id(url, id))
			return !exchange_refuse(exchange, 400, "Request_BadRequest",
				"Invalid URL format specified in payload.");
		if (!object_load(exchange->simulator, id, &target) || target.state != OBJECT_LIVE)
			return !exchange_refuse_absent(exchange, id);
		if (tenant_has_reference(exchange->simulator, group->id, RELATION_MEMBERS, id))
			return !exchange_refuse(exchange, 400, "Request_BadRequest",
				"One or more added object references already exist for the following modified properties: 'members'.");
		id_list_add(ids, id);
	}
	return true;
}

bool answer_patch_group(struct exchange *exchange, struct error *err)
{
	CLEANUP(json_freep) json_t *body = exchange_body(exchange);
	CLEANUP(object_row_release) struct object_row row = { 0 };
	CLEANUP(id_list_release) struct id_list ids = { 0 };
	struct actor us = simulator_actor_us(exchange->simulator);
	const json_t *bind = json_object_get(body, bind_members);

	if (!body || !exchange_load(exchange, exchange->segments[1], OBJECT_GROUP, true, &row) ||
		!values_fit(exchange, schema_of(OBJECT_GROUP), body) ||
		!exchange_group_is_ours(exchange, &row, bind != NULL) ||
		!group_stays_what_it_is(exchange, &row, body) ||
		(bind && !parse_bind(exchange, &row, bind, &ids)))
		return true;
	for (size_t i = 0; i < ids.count; i++)
		if (!tenant_add_reference(
			    exchange->simulator, &us, row.id, RELATION_MEMBERS, ids.ids[i], err))
			return false;
	return write_all(exchange, &row, body, err);
}

/* All of orgContact is read-only: the source is on-premises or Exchange (contract 5.4). */
bool answer_patch_contact(struct exchange *exchange, struct error *err UNUSED)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };

	if (!exchange_load(exchange, exchange->segments[1], OBJECT_CONTACT, true, &row))
		return true;
	if (object_is_synced(&row))
		return exchange_refuse_synced(exchange);
	return exchange_refuse(exchange, 400, "Request_BadRequest", "%s", EXTERNAL_SERVICE_TEXT);
}

bool answer_patch_behavior(struct exchange *exchange, struct error *err)
{
	CLEANUP(json_freep) json_t *body = exchange_body(exchange);
	CLEANUP(object_row_release) struct object_row row = { 0 };
	enum object_kind kind = exchange_kind(exchange);
	struct actor us = simulator_actor_us(exchange->simulator);
	const json_t *value = json_object_get(body, "isCloudManaged");

	if (!body || !exchange_load(exchange, exchange->segments[1], kind, true, &row))
		return true;
	if (!json_is_boolean(value))
		return exchange_refuse(exchange, 400, "Request_BadRequest",
			"Invalid value specified for property 'isCloudManaged' of resource 'onPremisesSyncBehavior'.");
	if (!object_is_synced(&row) && !json_object_get(row.json, "isCloudManaged"))
		return exchange_refuse(exchange, 400, "Request_BadRequest",
			"The object is not synchronized from on-premises.");
	if (json_is_true(value) != json_is_true(json_object_get(row.json, "isCloudManaged")) &&
		!tenant_set_cloud_managed(
			exchange->simulator, &us, row.id, json_is_true(value), err))
		return false;
	return exchange_answer_take(exchange, 204, NULL);
}
