/*
 * The query of a delta chain: $select and $filter of the first call. Later calls bring only a
 * token, which has the query baked in: by digest, under which the database keeps its text.
 */
#include <sodium.h>
#include <stdio.h>

#include "base/memory.h"
#include "simulator/delta.h"

void delta_query_release(struct delta_query *query)
{
	query_selection_release(&query->selection);
	id_list_release(&query->ids);
	memory_free(query->select);
	memory_free(query->filter);
	*query = (struct delta_query){ 0 };
}

/* ---- $select ----------------------------------------------------------------------------------- */

static const char *relation_of(const struct schema *schema)
{
	return schema->kind == OBJECT_GROUP ? "members" : "manager";
}

/* Takes the relation out of the names: what is left are properties, with `id` always. */
static void split_select(struct delta_query *query, struct buf *properties)
{
	CLEANUP(memory_freep) char *names = memory_text(query->select);
	char *at = names;

	buf_add_text(properties, "id");
	while (at) {
		char *name = strsep(&at, ",");

		name += strspn(name, " ");
		name[strcspn(name, " ")] = '\0';
		if (strcmp(name, relation_of(query->schema)) == 0)
			query->has_relation = true;
		else if (strcmp(name, "id") != 0)
			buf_addf(properties, ",%s", name);
	}
}

static bool parse_select(struct delta_query *query, struct exchange *exchange)
{
	CLEANUP(buf_release) struct buf properties = BUF_UP_TO(PATH_MAX_BYTES);

	query->relation = query->schema->kind == OBJECT_GROUP ? RELATION_MEMBERS : RELATION_MANAGER;
	if (!query->select || !query->select[0]) {
		query->has_relation = query->schema->kind == OBJECT_GROUP;
		return query_selection_of(&query->selection, exchange, query->schema, NULL, true);
	}
	split_select(query, &properties);
	return query_selection_of(
		&query->selection, exchange, query->schema, buf_text(&properties), true);
}

/* ---- $filter ----------------------------------------------------------------------------------- */

/* "id eq 'GUID'" at the beginning; its length, or 0. */
static size_t parse_condition(const char *text, char id[static GUID_TEXT_BYTES])
{
	static const char opening[] = "id eq '";
	size_t start = sizeof(opening) - 1, length = GUID_TEXT_BYTES - 1;

	if (strncmp(text, opening, start) != 0 || strlen(text + start) <= length ||
		text[start + length] != '\'' ||
		!text_is_guid((struct span){ text + start, length }))
		return 0;
	for (size_t i = 0; i < length; i++)
		id[i] = text_lower(text[start + i]);
	id[length] = '\0';
	return start + length + 1;
}

static bool parse_filter(struct delta_query *query, struct exchange *exchange)
{
	static const char or_text[] = " or ";
	const char *at = query->filter;

	while (at) {
		char id[GUID_TEXT_BYTES];
		size_t length = parse_condition(at, id);

		if (!length || (at[length] && strncmp(at + length, or_text, 4) != 0))
			return !exchange_refuse(exchange, 400, "Request_UnsupportedQuery",
				"Unsupported or invalid query filter clause specified for delta: only id eq is.");
		if (query->ids.count == DELTA_FILTER_MAX)
			return !exchange_refuse(exchange, 400, "Request_UnsupportedQuery",
				"Too many object ids: at most %d can be filtered for.",
				DELTA_FILTER_MAX);
		id_list_add(&query->ids, id);
		at = at[length] ? at + length + sizeof(or_text) - 1 : NULL;
	}
	return true;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static json_t *to_json(const struct delta_query *query)
{
	return json_pack("{s:s, s:s?, s:s?}", "collection", query->schema->collection, "select",
		query->select, "filter", query->filter);
}

static bool complete(struct delta_query *query, struct exchange *exchange)
{
	CLEANUP(json_freep) json_t *json = to_json(query);
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(4 * PATH_MAX_BYTES);

	json_add(&text, json);
	crypto_generichash(query->digest, sizeof(query->digest),
		(const unsigned char *)buf_text(&text), text.length, NULL, 0);
	return parse_select(query, exchange) && parse_filter(query, exchange);
}

static char *copy_or_null(const char *text)
{
	return text ? memory_text(text) : NULL;
}

bool delta_query_parse(struct delta_query *query, struct exchange *exchange)
{
	query->schema = schema_by_collection(exchange->segments[0]);
	query->select = copy_or_null(exchange_option(exchange, "$select"));
	query->filter = copy_or_null(exchange_option(exchange, "$filter"));
	return complete(query, exchange);
}

static void setting_name(const uint8_t digest[static DELTA_DIGEST_BYTES], char name[static 64])
{
	size_t length = (size_t)snprintf(name, 64, "delta/");

	sodium_bin2hex(name + length, 64 - length, digest, DELTA_DIGEST_BYTES);
}

bool delta_query_keep(
	const struct delta_query *query, struct simulator *simulator, struct error *err)
{
	CLEANUP(json_freep) json_t *json = to_json(query);
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(4 * PATH_MAX_BYTES);
	char name[64];

	json_add(&text, json);
	setting_name(query->digest, name);
	return store_set_setting(simulator, name, buf_text(&text), err);
}

bool delta_query_find(struct delta_query *query, struct exchange *exchange,
	const uint8_t digest[static DELTA_DIGEST_BYTES])
{
	CLEANUP(memory_freep) char *kept = NULL;
	CLEANUP(json_freep) json_t *json = NULL;
	const char *collection;
	char name[64];

	setting_name(digest, name);
	kept = store_setting(exchange->simulator, name);
	json = kept ? json_loads(kept, 0, NULL) : NULL;
	collection = json_text_or_null(json, "collection");
	/* A token of /users/delta is none for /groups/delta. */
	if (!collection || strcmp(collection, exchange->segments[0]) != 0)
		return !exchange_refuse(exchange, 400, "Request_BadRequest", "Badly formed token.");
	query->schema = schema_by_collection(collection);
	query->select = copy_or_null(json_text_or_null(json, "select"));
	query->filter = copy_or_null(json_text_or_null(json, "filter"));
	return complete(query, exchange);
}

static bool selects(const struct selection *selection, const char *name)
{
	for (size_t i = 0; i < selection->count; i++)
		if (strcmp(selection->names[i], name) == 0)
			return true;
	return false;
}

bool delta_query_tracks(const struct delta_query *query, const char *name)
{
	const struct property *property;

	if (strcmp(name, relation_name(query->relation)) == 0)
		return query->has_relation;
	if (!query->selection.all_defaults)
		return selects(&query->selection, name);
	property = schema_property(query->schema, name, strlen(name));
	return property && property->flags & P_DEFAULT;
}

bool delta_query_wants(const struct delta_query *query, const char *id)
{
	for (size_t i = 0; i < query->ids.count; i++)
		if (strcmp(query->ids.ids[i], id) == 0)
			return true;
	return query->ids.count == 0;
}
