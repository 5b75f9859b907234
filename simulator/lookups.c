/*
 * Looking up across kinds: POST /directoryObjects/getByIds and getAvailableExtensionProperties
 * (contract 2.1, 3). They are reads, whatever their method says.
 */
#include <stdio.h>

#include "base/memory.h"
#include "simulator/endpoint.h"

enum { BY_IDS_MAX = 1000 };

static const char *const permissions_to_read[OBJECT_KINDS] = {
	[OBJECT_USER] = (READ_USERS),
	[OBJECT_GROUP] = (READ_GROUPS),
	[OBJECT_CONTACT] = (READ_CONTACTS),
};

bool exchange_may_read(const struct exchange *exchange, enum object_kind kind)
{
	return permission_any(exchange->simulator, permissions_to_read[kind]);
}

json_t *exchange_show_typed(const struct exchange *exchange, const struct selection *selection,
	const struct object_row *row)
{
	json_t *shown = selection_show(selection, exchange->simulator, row, true);
	const char *name;
	json_t *value;

	if (exchange_may_read(exchange, row->kind))
		return shown;
	json_object_foreach(shown, name, value) if (strcmp(name, "id") != 0 &&
		strcmp(name, "@odata.type") != 0) json_object_set_new(shown, name, json_null());
	json_object_set_new(shown, "id", json_string(row->id));
	return shown;
}

/* ---- getByIds ---------------------------------------------------------------------------------- */

/* The ids in lower case, each once; false with the answer. */
static bool parse_ids(struct exchange *exchange, const json_t *ids, json_t *wanted)
{
	if (!json_is_array(ids) || json_array_size(ids) == 0 || json_array_size(ids) > BY_IDS_MAX)
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"The number of ids must be between 1 and %d.", BY_IDS_MAX);
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		char lower[GUID_TEXT_BYTES] = "";

		if (!id || !text_is_guid(span_of(id)))
			return !exchange_refuse(exchange, 400, "Request_BadRequest",
				"Invalid GUID:%s", id ? id : "null");
		for (size_t at = 0; id[at]; at++)
			lower[at] = text_lower(id[at]);
		if (!json_array_holds(wanted, lower))
			json_array_append_new(wanted, json_string(lower));
	}
	return true;
}

static bool parse_types(struct exchange *exchange, const json_t *types)
{
	static const char *const known[] = { "user", "group", "orgContact", "device",
		"servicePrincipal", "application", "administrativeUnit", "directoryRole",
		"directoryObject", NULL };

	if (types && !json_is_array(types))
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"Invalid value specified for property 'types'.");
	for (size_t i = 0; i < json_array_size(types); i++) {
		const char *type = json_string_value(json_array_get(types, i));
		size_t at = 0;

		while (type && known[at] && strcmp(known[at], type) != 0)
			at++;
		if (!type || !known[at])
			return !exchange_refuse(exchange, 400, "Request_BadRequest",
				"Invalid resource type '%s'.", type ? type : "null");
	}
	return true;
}

static bool type_wanted(const json_t *types, enum object_kind kind)
{
	const char *name = kind == OBJECT_CONTACT ? "orgContact" : object_kind_name(kind);

	return json_array_size(types) == 0 || json_array_holds(types, name) ||
		json_array_holds(types, "directoryObject");
}

/* What is not there is left out without a word; the order is the service's own. */
static json_t *found_objects(struct exchange *exchange, const struct selection *selection,
	const json_t *ids, const json_t *types)
{
	json_t *found = json_array();

	for (size_t i = 0; i < json_array_size(ids); i++) {
		CLEANUP(object_row_release) struct object_row row = { 0 };
		const char *id = json_string_value(json_array_get(ids, i));

		if (object_load_visible(exchange->simulator, id, &row) &&
			row.state == OBJECT_LIVE && type_wanted(types, row.kind))
			json_array_append_new(
				found, exchange_show_typed(exchange, selection, &row));
	}
	simulator_shuffle(exchange->simulator, found);
	return found;
}

static bool answer_list_take(struct exchange *exchange, const char *context, json_t *items)
{
	CLEANUP(query_page_release) struct page page = { .exchange = exchange, .items = items };

	return page_answer(&page, context, -1);
}

bool answer_by_ids(struct exchange *exchange, struct error *err UNUSED)
{
	static const char *const options[] = { "$select", NULL };
	CLEANUP(json_freep) json_t *body = exchange_body(exchange);
	CLEANUP(json_freep) json_t *ids = json_array();
	CLEANUP(query_selection_release) struct selection selection = { .everything = true };
	const json_t *types = json_object_get(body, "types");

	exchange->is_write = false;
	if (!body || !exchange_allows(exchange, options) ||
		!query_selection_init(&selection, exchange, schema_of(OBJECT_USER), true) ||
		!parse_ids(exchange, json_object_get(body, "ids"), ids) ||
		!parse_types(exchange, types))
		return true;
	return answer_list_take(
		exchange, "directoryObjects", found_objects(exchange, &selection, ids, types));
}

/* ---- getAvailableExtensionProperties ----------------------------------------------------------- */

static json_t *extension_property(struct simulator *simulator, const char *name)
{
	char id[GUID_TEXT_BYTES];

	return json_pack("{s:s, s:n, s:s, s:s, s:s, s:b, s:b, s:[s, s]}", "id",
		simulator_fixed_guid(simulator, name, id), "deletedDateTime", "appDisplayName",
		"Tenant Schema Extension App", "name", name, "dataType", "String", "isMultiValued",
		0, "isSyncedFromOnPremises", 1, "targetObjects", "User", "Group");
}

bool answer_extension_properties(struct exchange *exchange, struct error *err)
{
	CLEANUP(json_freep) json_t *body = exchange_body(exchange);
	CLEANUP(json_freep) json_t *names = NULL;
	const json_t *synced = json_object_get(body, "isSyncedFromOnPremises");
	json_t *all;

	exchange->is_write = false;
	if (!body)
		return true;
	if (synced && !json_is_boolean(synced))
		return exchange_refuse(exchange, 400, "Request_BadRequest",
			"Invalid value specified for property 'isSyncedFromOnPremises'.");
	names = tenant_extensions(exchange->simulator, err);
	if (!names)
		return false;
	all = json_array();
	/* All of ours came with the synchronisation. */
	for (size_t i = 0; !json_is_false(synced) && i < json_array_size(names); i++)
		json_array_append_new(all,
			extension_property(
				exchange->simulator, json_string_value(json_array_get(names, i))));
	return answer_list_take(exchange, "directoryObjects/getAvailableExtensionProperties", all);
}
