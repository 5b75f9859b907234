/*
 * $select, $expand and what an object looks like in an answer: exactly the properties asked for,
 * null where there is nothing, [] for an empty collection.
 */
#include "base/memory.h"
#include "simulator/endpoint.h"

void query_selection_release(struct selection *selection)
{
	memory_free(selection->text);
	memory_free(selection->manager);
	*selection = (struct selection){ 0 };
}

static bool known_to_any(const char *name)
{
	for (int kind = 0; kind < OBJECT_KINDS; kind++)
		if (schema_property(schema_of((enum object_kind)kind), name, strlen(name)))
			return true;
	return false;
}

/* False, with the answer, for a name that this list can't show. */
static bool check_name(struct exchange *exchange, const struct selection *selection,
	const struct schema *schema, const char *name, bool in_collection)
{
	const struct property *property = schema_property(schema, name, strlen(name));
	struct simulator *simulator = exchange->simulator;

	if (!property &&
		(tenant_has_extension(simulator, name) ||
			(selection->everything && known_to_any(name))))
		return true;
	if (!property)
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"Parsing OData Select and Expand failed: Could not find a property named '%s' on type '%s'.",
			name, schema->type);
	if (property->flags & P_SINGLE && in_collection)
		return !exchange_refuse(exchange, 501, "NotImplemented",
			"The property '%s' can't be selected in a collection.", name);
	if (strcmp(name, "employeeLeaveDateTime") == 0 &&
		!permission_any(
			simulator, "User-LifeCycleInfo.Read.All User-LifeCycleInfo.ReadWrite.All"))
		return !exchange_refuse_denied(exchange);
	return true;
}

static bool parse_names(struct exchange *exchange, struct selection *selection,
	const struct schema *schema, bool in_collection)
{
	char *at = selection->text;

	while (at) {
		char *name = strsep(&at, ",");

		name += strspn(name, " ");
		name[strcspn(name, " ")] = '\0';
		if (selection->count == SELECT_MAX)
			return !exchange_refuse(exchange, 400, "Request_BadRequest",
				"Too many properties are selected.");
		if (!check_name(exchange, selection, schema, name, in_collection))
			return false;
		selection->names[selection->count++] = name;
	}
	return true;
}

static bool check_expanded(
	struct exchange *exchange, const char *names, const struct schema *schema)
{
	CLEANUP(memory_freep) char *copy = memory_text(names);
	const struct selection none = { 0 };
	char *at = copy;

	while (at)
		if (!check_name(exchange, &none, schema, strsep(&at, ","), true))
			return false;
	return true;
}

/* The one expansion that is offered: manager of users and contacts (contract 2.4, 2.8), with a
 * $select of its own or none. */
static bool parse_expand(struct exchange *exchange, struct selection *selection,
	const struct schema *schema, const char *text)
{
	static const char opening[] = "manager($select=";
	size_t length = strlen(text);

	if (schema->kind != OBJECT_GROUP && !exchange->eventual && strcmp(text, "manager") == 0) {
		selection->manager = memory_text("");
		return true;
	}
	if (schema->kind == OBJECT_GROUP || exchange->eventual ||
		strncmp(text, opening, sizeof(opening) - 1) != 0 || text[length - 1] != ')')
		return !exchange_refuse(exchange, 400, "Request_UnsupportedQuery",
			"The expansion '%s' is not supported for the current query.", text);
	selection->manager = memory_text_span(text + sizeof(opening) - 1, length - sizeof(opening));
	return check_expanded(exchange, selection->manager, schema);
}

bool query_selection_of(struct selection *selection, struct exchange *exchange,
	const struct schema *schema, const char *select, bool in_collection)
{
	selection->all_defaults = !select || !select[0];
	if (selection->all_defaults)
		return true;
	selection->text = memory_text(select);
	return parse_names(exchange, selection, schema, in_collection);
}

bool query_selection_init(struct selection *selection, struct exchange *exchange,
	const struct schema *schema, bool in_collection)
{
	const char *expand = exchange_option(exchange, "$expand");

	if (!query_selection_of(selection, exchange, schema, exchange_option(exchange, "$select"),
		    in_collection))
		return false;
	return !expand || parse_expand(exchange, selection, schema, expand);
}

/* ---- showing --------------------------------------------------------------------------------- */

static json_t *shown_value(const struct property *property, json_t *stored)
{
	const char *const *members = property_members(property);
	json_t *value;

	if (!members || (!stored && strcmp(property->type, "graph.employeeOrgData") == 0))
		return stored                              ? json_incref(stored)
			: property_is_collection(property) ? json_array()
							   : json_null();
	value = json_object();
	for (; *members; members++) {
		json_t *member = json_object_get(stored, *members);

		json_object_set_new(value, *members, member ? json_incref(member) : json_null());
	}
	return value;
}

static void show_named(
	json_t *shown, const struct schema *schema, const struct object_row *row, const char *name)
{
	const struct property *property = schema_property(schema, name, strlen(name));
	json_t *stored = json_object_get(row->json, name);

	if (property)
		json_object_set_new(shown, name, shown_value(property, stored));
	else if (stored)
		json_object_set(shown, name, stored); /* an extension: absent when unset */
}

static void show_defaults(json_t *shown, const struct schema *schema, const struct object_row *row)
{
	for (size_t i = 0; i < schema->property_count; i++) {
		const struct property *property = &schema->properties[i];

		if (property->flags & P_DEFAULT)
			json_object_set_new(shown, property->name,
				shown_value(property, json_object_get(row->json, property->name)));
	}
}

static void show_type(json_t *shown, const struct schema *schema)
{
	json_object_set_new(shown, "@odata.type", json_sprintf("#%s", schema->type));
}

/* The manager's row, when there is one that can be seen. */
static bool load_manager(struct simulator *simulator, const char *id, struct object_row *manager)
{
	CLEANUP(id_list_release) struct id_list ids = { 0 };
	struct error err = { 0 };

	return links_visible(simulator, id, RELATION_MANAGER, "", &ids, &err) && ids.count > 0 &&
		object_load_visible(simulator, ids.ids[0], manager) &&
		manager->state == OBJECT_LIVE;
}

static void show_manager(const struct selection *selection, struct simulator *simulator,
	const struct object_row *row, json_t *shown)
{
	CLEANUP(object_row_release) struct object_row manager = { 0 };
	CLEANUP(memory_freep) char *names = memory_text(selection->manager);
	json_t *inner = json_object();
	char *at = names;

	if (!load_manager(simulator, row->id, &manager)) {
		json_decref(inner);
		return;
	}
	show_type(inner, schema_of(manager.kind));
	if (!names[0])
		show_defaults(inner, schema_of(manager.kind), &manager);
	while (names[0] && at)
		show_named(inner, schema_of(manager.kind), &manager, strsep(&at, ","));
	json_object_set_new(shown, "manager", inner);
}

json_t *selection_show(const struct selection *selection, struct simulator *simulator,
	const struct object_row *row, bool typed)
{
	const struct schema *schema = schema_of(row->kind);
	json_t *shown = json_object();

	if (typed)
		show_type(shown, schema);
	if (selection->all_defaults)
		show_defaults(shown, schema, row);
	for (size_t i = 0; i < selection->count; i++)
		show_named(shown, schema, row, selection->names[i]);
	if (selection->manager)
		show_manager(selection, simulator, row, shown);
	return shown;
}
