/*
 * Reading: lists and single objects (contract 2). A list is in id order; its page token holds the
 * last id, so that what changes in between may be seen twice or not at all, as in the real one.
 */
#include <stdio.h>

#include "base/memory.h"
#include "simulator/endpoint.h"

static const char *const list_options[] = { "$select", "$expand", "$filter", "$top", "$count",
	"$skiptoken", NULL };
static const char *const one_options[] = { "$select", "$expand", NULL };
static const char *const relation_options[] = { "$select", "$top", "$skiptoken", "$count", NULL };

/* ---- lists of a kind ------------------------------------------------------------------------- */

struct walk {
	struct page *page; /* NULL: only counting */
	struct simulator *simulator;
	const struct filter *filter;
	int64_t count;
};

static bool take_row(void *context, struct object_row *row, bool *more, struct error *err UNUSED)
{
	struct walk *walk = context;
	struct page *page = walk->page;

	if (!filter_matches(walk->filter, row->json))
		return true;
	walk->count++;
	if (page)
		*more = page_take(page,
			selection_show(page->selection, walk->simulator, row, page->typed),
			row->id);
	return true;
}

/* How many match in all: only advanced mode is told, and only on the first page. */
static bool count_all(struct exchange *exchange, enum object_kind kind, enum object_state state,
	const struct filter *filter, int64_t *count, struct error *err)
{
	struct walk walk = { .simulator = exchange->simulator, .filter = filter };

	*count = -1;
	if (!exchange_is_advanced(exchange))
		return true;
	if (!object_page(exchange->simulator, kind, state, "", take_row, &walk, err))
		return false;
	*count = walk.count;
	return true;
}

static bool list_objects(struct exchange *exchange, const struct schema *schema,
	enum object_state state, struct error *err)
{
	CLEANUP(query_selection_release) struct selection selection = { 0 };
	CLEANUP(query_page_release) struct page page = { .selection = &selection };
	CLEANUP(filter_freep) struct filter *filter = NULL;
	CLEANUP(buf_release) struct buf context = BUF_UP_TO(PATH_MAX_BYTES);
	const char *text = exchange_option(exchange, "$filter");
	struct walk walk = { .page = &page, .simulator = exchange->simulator };
	int64_t count;

	if (!exchange_allows(exchange, list_options) ||
		!query_selection_init(&selection, exchange, schema, true) ||
		!query_page_init(&page, exchange, PAGE_DEFAULT, PAGE_MAX))
		return true;
	if (text) {
		filter = filter_parse(exchange, text, filter_schema_field, schema);
		if (!filter)
			return true;
		walk.filter = filter;
	}
	if (!object_page(exchange->simulator, schema->kind, state, page.position, take_row, &walk,
		    err) ||
		!count_all(exchange, schema->kind, state, filter, &count, err))
		return false;
	buf_add_text(&context, state == OBJECT_DELETED ? "directoryObjects" : schema->collection);
	if (!selection.all_defaults)
		buf_addf(&context, "(%s)", exchange_option(exchange, "$select"));
	return page_answer(&page, buf_text(&context), count);
}

bool answer_list(struct exchange *exchange, struct error *err)
{
	return list_objects(
		exchange, schema_by_collection(exchange->segments[0]), OBJECT_LIVE, err);
}

bool answer_count(struct exchange *exchange, struct error *err)
{
	static const char *const options[] = { "$filter", NULL };
	CLEANUP(filter_freep) struct filter *filter = NULL;
	const struct schema *schema = schema_by_collection(exchange->segments[0]);
	const char *text = exchange_option(exchange, "$filter");
	struct walk walk = { .simulator = exchange->simulator };
	char number[32];

	if (!exchange->eventual)
		return exchange_refuse(
			exchange, 400, "Request_BadRequest", "$count is not currently supported.");
	if (!exchange_allows(exchange, options))
		return true;
	if (text) {
		filter = filter_parse(exchange, text, filter_schema_field, schema);
		if (!filter)
			return true;
		walk.filter = filter;
	}
	if (!object_page(exchange->simulator, schema->kind, OBJECT_LIVE, "", take_row, &walk, err))
		return false;
	snprintf(number, sizeof(number), "%lld", (long long)walk.count);
	exchange->answer.status = 200;
	exchange->answer.text = memory_text(number);
	return true;
}

/* ---- one object ------------------------------------------------------------------------------ */

static bool answer_one(struct exchange *exchange, const struct object_row *row, bool typed)
{
	CLEANUP(query_selection_release) struct selection selection = { 0 };
	const struct schema *schema = schema_of(row->kind);
	const char *url = exchange->simulator->options.graph_url;
	CLEANUP(json_freep) json_t *shown = NULL;
	json_t *body;

	if (!exchange_allows(exchange, one_options) ||
		!query_selection_init(&selection, exchange, schema, false))
		return true;
	shown = selection_show(&selection, exchange->simulator, row, typed);
	body = json_object();
	json_object_set_new(body, "@odata.context",
		json_sprintf("%s/v1.0/$metadata#%s/$entity",
			url ? url : "https://graph.microsoft.com",
			typed ? "directoryObjects" : schema->collection));
	json_object_update(body, shown);
	return exchange_answer_take(exchange, 200, body);
}

bool answer_object(struct exchange *exchange, struct error *err UNUSED)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };

	return !exchange_load(
		       exchange, exchange->segments[1], exchange_kind(exchange), false, &row) ||
		answer_one(exchange, &row, false);
}

bool answer_manager(struct exchange *exchange, struct error *err)
{
	CLEANUP(object_row_release) struct object_row row = { 0 }, manager = { 0 };
	CLEANUP(id_list_release) struct id_list ids = { 0 };

	if (!exchange_load(exchange, exchange->segments[1], exchange_kind(exchange), false, &row))
		return true;
	if (!links_visible(exchange->simulator, row.id, RELATION_MANAGER, "", &ids, err))
		return false;
	if (ids.count == 0 || !object_load_visible(exchange->simulator, ids.ids[0], &manager) ||
		manager.state != OBJECT_LIVE)
		return exchange_refuse_absent(exchange, "manager");
	return answer_one(exchange, &manager, true);
}

bool answer_behavior(struct exchange *exchange, struct error *err UNUSED)
{
	static const char *const options[] = { "$select", NULL };
	CLEANUP(object_row_release) struct object_row row = { 0 };
	const char *select = exchange_option(exchange, "$select");
	const char *url = exchange->simulator->options.graph_url;

	if (!exchange_allows(exchange, options) ||
		!exchange_load(
			exchange, exchange->segments[1], exchange_kind(exchange), false, &row))
		return true;
	if (select && strcmp(select, "isCloudManaged") != 0 &&
		strcmp(select, "id,isCloudManaged") != 0)
		return exchange_refuse(exchange, 400, "Request_BadRequest",
			"Could not find a property named '%s' on type 'microsoft.graph.onPremisesSyncBehavior'.",
			select);
	return exchange_answer_take(exchange, 200,
		json_pack("{s:o, s:s, s:b}", "@odata.context",
			json_sprintf("%s/v1.0/$metadata#%s('%s')/onPremisesSyncBehavior/$entity",
				url ? url : "https://graph.microsoft.com", exchange->segments[0],
				row.id),
			"id", row.id, "isCloudManaged",
			json_is_true(json_object_get(row.json, "isCloudManaged"))));
}

/* ---- members and owners ---------------------------------------------------------------------- */

/* A row for each list of relations: from the object to others, or from others to it. */
static const struct relation_list {
	const char *segment;
	enum relation relation;
	bool backwards;
} relation_lists[] = {
	{ "members", RELATION_MEMBERS, false },
	{ "owners", RELATION_OWNERS, false },
	{ "memberOf", RELATION_MEMBERS, true },
	{ "ownedObjects", RELATION_OWNERS, true },
	{ "directReports", RELATION_MANAGER, true },
};

static const struct relation_list *relation_list_of(const struct exchange *exchange)
{
	const struct relation_list *list = relation_lists;

	while (strcmp(list->segment, exchange->segments[2]) != 0)
		list++; /* the router let no other pass */
	return list;
}

static bool list_related(struct exchange *exchange, const char *id, const char *after,
	struct id_list *ids, struct error *err)
{
	const struct relation_list *list = relation_list_of(exchange);

	if (list->backwards)
		return links_visible_to(exchange->simulator, id, list->relation, after, ids, err);
	return links_visible(exchange->simulator, id, list->relation, after, ids, err);
}

bool answer_related(struct exchange *exchange, struct error *err)
{
	CLEANUP(object_row_release) struct object_row object = { 0 };
	CLEANUP(query_selection_release) struct selection selection = { .everything = true };
	CLEANUP(query_page_release) struct page page = { .selection = &selection, .typed = true };
	CLEANUP(id_list_release) struct id_list ids = { 0 };

	if (!exchange_allows(exchange, relation_options) ||
		!exchange_load(
			exchange, exchange->segments[1], exchange_kind(exchange), false, &object) ||
		!query_selection_init(&selection, exchange, schema_of(OBJECT_USER), true) ||
		!query_page_init(&page, exchange, PAGE_DEFAULT, PAGE_MAX))
		return true;
	if (!list_related(exchange, object.id, page.position, &ids, err))
		return false;
	for (size_t i = 0; i < ids.count; i++) {
		CLEANUP(object_row_release) struct object_row row = { 0 };

		/* Who lies in deleted items comes back with the restore. */
		if (!object_load_visible(exchange->simulator, ids.ids[i], &row) ||
			row.state != OBJECT_LIVE)
			continue;
		if (!page_take(&page, exchange_show_typed(exchange, &selection, &row), row.id))
			break;
	}
	return page_answer(&page, "directoryObjects", -1);
}

/* ---- deleted items, organisation ------------------------------------------------------------- */

bool answer_deleted_list(struct exchange *exchange, struct error *err)
{
	const char *cast = exchange->segments[2];
	const struct schema *schema = cast ? schema_by_type(cast, strlen(cast)) : NULL;

	/* The cast is compulsory; kinds that are never recoverable have none (contract 2.10). */
	if (!schema || schema->kind == OBJECT_CONTACT)
		return exchange_refuse(exchange, 400, "Request_BadRequest",
			"The type of deleted items must be given, such as /directory/deletedItems/microsoft.graph.user.");
	if (!permission_any(exchange->simulator,
		    schema->kind == OBJECT_USER
			    ? READ_USERS
			    : "Group.Read.All Group.ReadWrite.All Directory.Read.All"))
		return exchange_refuse_denied(exchange);
	return list_objects(exchange, schema, OBJECT_DELETED, err);
}

bool answer_deleted_one(struct exchange *exchange, struct error *err)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };
	const char *id = exchange->segments[2];

	if (strncmp(id, "microsoft.graph.", strlen("microsoft.graph.")) == 0)
		return answer_deleted_list(exchange, err);
	if (!object_load_visible(exchange->simulator, id, &row) || row.state != OBJECT_DELETED)
		return exchange_refuse_absent(exchange, id);
	return answer_one(exchange, &row, true);
}

bool answer_organization(struct exchange *exchange, struct error *err UNUSED)
{
	struct simulator *simulator = exchange->simulator;
	CLEANUP(memory_freep) char *last_sync = store_setting(simulator, "last-sync");
	CLEANUP(query_page_release) struct page page = { 0 };
	const char *select = exchange_option(exchange, "$select");
	CLEANUP(json_freep)
	json_t *whole = json_pack(
		"{s:s, s:s, s:b, s:o, s:s, s:[{s:s, s:s, s:b, s:b, s:s}, {s:s, s:s, s:b, s:b, s:s}]}",
		"id", simulator->tenant_id, "displayName", TENANT_NAME, "onPremisesSyncEnabled", 1,
		"onPremisesLastSyncDateTime", last_sync ? json_string(last_sync) : json_null(),
		"tenantType", "AAD", "verifiedDomains", "capabilities",
		"Email, OfficeCommunicationsOnline", "name", TENANT_INITIAL_DOMAIN, "isDefault", 0,
		"isInitial", 1, "type", "Managed", "capabilities",
		"Email, OfficeCommunicationsOnline", "name", TENANT_DOMAIN, "isDefault", 1,
		"isInitial", 0, "type", "Managed");
	CLEANUP(memory_freep) char *names = memory_text(select && select[0] ? select : NULL);
	json_t *shown = names ? json_object() : json_incref(whole);
	char *at = names;

	while (at) {
		const char *name = strsep(&at, ",");
		json_t *value = json_object_get(whole, name);

		if (!value) {
			json_decref(shown);
			return exchange_refuse(exchange, 400, "Request_BadRequest",
				"Parsing OData Select and Expand failed: Could not find a property named '%s' on type 'microsoft.graph.organization'.",
				name);
		}
		json_object_set(shown, name, value);
	}
	page.exchange = exchange;
	page.items = json_pack("[o]", shown);
	return page_answer(&page, "organization", -1);
}
