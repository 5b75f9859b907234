/*
 * $select, $expand and what an object looks like in an answer: exactly the properties asked for,
 * null where there is nothing, [] for an empty collection.
 */
#include "base/memory.h"
#include "simulator/endpoint.h"

void query_selection_release(struct selection *selection)
{
	memory_free(selection->text);
	memory_free(selection->expanded_names);
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

/* The relations that can be expanded; objects of any kind stand in those of groups. */
static const struct expansion {
	const char *name;
	enum relation relation;
	bool of_groups;
} expansions[] = {
	{ "manager", RELATION_MANAGER, false },
	{ "members", RELATION_MEMBERS, true },
	{ "owners", RELATION_OWNERS, true },
};

static const struct expansion *find_expansion(const struct schema *schema, struct span name)
{
	for (size_t i = 0; i < COUNT_OF(expansions); i++)
		if (expansions[i].of_groups == (schema->kind == OBJECT_GROUP) &&
			span_is(name, expansions[i].name))
			return &expansions[i];
	return NULL;
}

static bool check_expanded(struct exchange *exchange, const char *names,
	const struct schema *schema, const struct expansion *expansion)
{
	CLEANUP(memory_freep) char *copy = memory_text(names[0] ? names : NULL);
	const struct selection any = { .everything = expansion->of_groups };
	char *at = copy;

	while (at)
		if (!check_name(exchange, &any, schema, strsep(&at, ","), true))
			return false;
	return true;
}

static bool refuse_expand(struct exchange *exchange, const char *text)
{
	return !exchange_refuse(exchange, 400, "Request_UnsupportedQuery",
		"The expansion '%s' is not supported for the current query.", text);
}

/* One relation, with a $select of its own or none, and not in advanced mode (contract 2.4, 2.8). */
static bool parse_expand(struct exchange *exchange, struct selection *selection,
	const struct schema *schema, const char *text)
{
	static const char opening[] = "($select=";
	struct span name = { text, strcspn(text, "(") };
	const struct expansion *expansion = find_expansion(schema, name);
	const char *inside = text + name.length;
	size_t length = strlen(inside);

	if (!expansion || exchange->eventual)
		return refuse_expand(exchange, text);
	selection->expanded = expansion->relation;
	selection->expanded_names = memory_text("");
	if (!length)
		return true;
	if (strncmp(inside, opening, sizeof(opening) - 1) != 0 || length == sizeof(opening) ||
		strcspn(inside + 1, "()") != length - 2 || inside[length - 1] != ')')
		return refuse_expand(exchange, text);
	memory_free(selection->expanded_names);
	selection->expanded_names = memory_text_span(
		inside + sizeof(opening) - 1, length - sizeof(opening));
	return check_expanded(exchange, selection->expanded_names, schema, expansion);
}

static bool expands_twice(const struct exchange *exchange)
{
	size_t count = 0;

	for (size_t i = 0; i < exchange->option_count; i++)
		count += strcmp(exchange->options[i].name, "$expand") == 0;
	return count > 1;
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
	if (expands_twice(exchange))
		return refuse_expand(exchange, expand);
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

static json_t *show_expanded(const struct selection *selection, const struct object_row *row)
{
	const struct schema *schema = schema_of(row->kind);
	const char *names = selection->expanded_names;
	CLEANUP(memory_freep) char *copy = memory_text(names[0] ? names : NULL);
	json_t *shown = json_object();
	char *at = copy;

	show_type(shown, schema);
	if (!copy)
		show_defaults(shown, schema, row);
	while (at)
		show_named(shown, schema, row, strsep(&at, ","));
	return shown;
}

/* The first of the relation's objects that can be seen: there is no link to more of them. */
static json_t *show_relation(const struct selection *selection, struct simulator *simulator,
	const struct object_row *row)
{
	CLEANUP(id_list_release) struct id_list ids = { 0 };
	struct error err = { 0 };
	json_t *shown = json_array();

	if (!links_visible(simulator, row->id, selection->expanded, "", &ids, &err))
		return shown;
	for (size_t i = 0; i < ids.count && json_array_size(shown) < EXPANDED_MAX; i++) {
		CLEANUP(object_row_release) struct object_row target = { 0 };

		if (object_load_visible(simulator, ids.ids[i], &target) &&
			target.state == OBJECT_LIVE)
			json_array_append_new(shown, show_expanded(selection, &target));
	}
	return shown;
}

/* A manager is a single object, and absent where there is none. */
static void add_relation(const struct selection *selection, struct simulator *simulator,
	const struct object_row *row, json_t *shown)
{
	CLEANUP(json_freep) json_t *list = show_relation(selection, simulator, row);
	const char *name = relation_name(selection->expanded);

	if (selection->expanded != RELATION_MANAGER)
		json_object_set(shown, name, list);
	else if (json_array_size(list) > 0)
		json_object_set(shown, name, json_array_get(list, 0));
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
	if (selection->expanded_names)
		add_relation(selection, simulator, row, shown);
	return shown;
}
