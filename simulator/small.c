/*
 * Small collections: a few entries that are not objects of the tenant (roles, applications). The
 * same rules hold for all of them: unknown names and options are refused, pages are pages.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "simulator/endpoint.h"

static const struct small_field *field_named(
	const struct small_collection *collection, const char *name)
{
	for (size_t i = 0; i < collection->count; i++)
		if (strcmp(collection->fields[i].name, name) == 0)
			return &collection->fields[i];
	return NULL;
}

static bool filter_field(const void *context, struct simulator *simulator UNUSED, const char *path,
	const char **type, unsigned *capabilities)
{
	const struct small_field *field = field_named(context, path);

	if (!field)
		return false;
	*type = field->type;
	*capabilities = field->filters ? F_EQ : 0;
	return true;
}

/* False, with the answer, for a name that entries of this collection have not. */
static bool check_select(struct exchange *exchange, const struct small_collection *collection)
{
	const char *select = exchange_option(exchange, "$select");
	CLEANUP(memory_freep) char *names = memory_text(select && select[0] ? select : NULL);
	char *at = names;

	while (at) {
		const char *name = strsep(&at, ",");

		if (!field_named(collection, name))
			return !exchange_refuse(exchange, 400, "Request_BadRequest",
				"Parsing OData Select and Expand failed: Could not find a property named '%s' on type '%s'.",
				name, collection->type);
	}
	return true;
}

static bool check_expand(struct exchange *exchange, const struct small_collection *collection)
{
	const char *expand = exchange_option(exchange, "$expand");

	if (!expand || (collection->expand && strcmp(expand, collection->expand) == 0))
		return true;
	return !exchange_refuse(exchange, 400, "Request_UnsupportedQuery",
		"The expansion '%s' is not supported for the current query.", expand);
}

/* The entry as asked for: the names of $select, and what was expanded. */
static json_t *show(
	struct exchange *exchange, const struct small_collection *collection, const json_t *item)
{
	const char *select = exchange_option(exchange, "$select");
	CLEANUP(memory_freep) char *names = memory_text(select && select[0] ? select : NULL);
	json_t *shown = json_object();
	char *at = names;

	for (size_t i = 0; !names && i < collection->count; i++)
		json_object_set(shown, collection->fields[i].name,
			json_object_get(item, collection->fields[i].name));
	while (at) {
		const char *name = strsep(&at, ",");

		json_object_set(shown, name, json_object_get(item, name));
	}
	if (exchange_option(exchange, "$expand"))
		json_object_set(
			shown, collection->expand, json_object_get(item, collection->expand));
	return shown;
}

static bool fill_and_answer(struct page *page, const struct small_collection *collection,
	const struct filter *filter, const json_t *items)
{
	size_t first = page->position[0] ? strtoul(page->position, NULL, 10) : 0;

	for (size_t i = first; i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);
		char position[32];

		snprintf(position, sizeof(position), "%zu", i + 1);
		if (filter_matches(filter, item) &&
			!page_take(page, show(page->exchange, collection, item), position))
			break;
	}
	return page_answer(page, collection->context, -1);
}

bool small_answer_take(
	struct exchange *exchange, const struct small_collection *collection, json_t *items)
{
	static const char *const options[] = { "$select", "$filter", "$expand", "$top",
		"$skiptoken", NULL };
	CLEANUP(json_freep) json_t *owned = items;
	CLEANUP(query_page_release) struct page page = { 0 };
	CLEANUP(filter_freep) struct filter *filter = NULL;
	const char *text = exchange_option(exchange, "$filter");

	if (!exchange_allows(exchange, options) || !check_select(exchange, collection) ||
		!check_expand(exchange, collection) ||
		!query_page_init(&page, exchange, PAGE_DEFAULT, PAGE_MAX))
		return true;
	if (text) {
		filter = filter_parse(exchange, text, filter_field, collection);
		if (!filter)
			return true;
	}
	return fill_and_answer(&page, collection, filter, owned);
}
