/*
 * From what Graph sends to canonical lines: what was selected, what came, and what has to be
 * asked for separately (members, owners, isCloudManaged).
 *
 * What Graph was asked for and did not send is unknown, never empty: query options may be
 * ignored silently (contract 2.1), and an absent property read as "nothing" would become a
 * difference, and then a step of a plan.
 */
#include "graph/graph_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/scan.h"
#include "base/text.h"

/* ---- what to ask for ----------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return span_compare(*(const struct span *)a, *(const struct span *)b);
}

void selection_init(struct selection *selection, const struct kind *kind)
{
	struct span rest;

	*selection = (struct selection){ .kind = kind, .select = BUF_UP_TO(GRAPH_ENVELOPE_MAX) };
	kind_add_select(kind, &selection->select);
	rest = buf_span(&selection->select);
	while (rest.length) {
		const char *comma = memchr(rest.data, ',', rest.length);
		size_t length = comma ? (size_t)(comma - rest.data) : rest.length;

		assert(selection->name_count < GRAPH_SELECT_MAX);
		selection->names[selection->name_count++] = (struct span){ rest.data, length };
		length += comma != NULL;
		rest = (struct span){ rest.data + length, rest.length - length };
	}
	qsort(selection->names, selection->name_count, sizeof(*selection->names), compare_names);
}

void selection_release(struct selection *selection)
{
	buf_release(&selection->select);
}

void selection_add_query(const struct selection *selection, bool deleted, struct buf *path)
{
	const struct kind *kind = selection->kind;

	buf_add_text(path, "$select=");
	buf_add_span(path, buf_span(&selection->select));
	for (size_t i = 0; !deleted && i < kind->attribute_count; i++) {
		/* One relationship a request is all that Graph expands, and only single values. */
		if (kind->attributes[i].source == SOURCE_EXPAND)
			buf_addf(path, "&$expand=%s($select=id)", kind->attributes[i].name);
	}
}

/* ---- what came ----------------------------------------------------------------------- */

static bool read_id(struct found *found, struct error *err)
{
	struct span id = scan_find(buf_span(&found->source), "id");

	id = scan_type(id) == SCAN_STRING ? scan_text_direct(id) : SPAN_NONE;
	if (!id.data || !text_is_guid(id))
		return error_set(err, ERROR_FORMAT, "a %s whose id is no GUID",
			found->selection->kind->name);
	for (size_t i = 0; i < ID_BYTES; i++)
		found->id[i] = text_lower(id.data[i]);
	found->id[ID_BYTES] = '\0';
	return true;
}

/* Not synced now, but once: then only isCloudManaged says who masters it (contract 5.6). */
static bool behavior_matters(const struct found *found, bool *matters, struct error *err)
{
	struct span source = buf_span(&found->source);
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(DIRECTORY_LINE_MAX);
	CLEANUP(object_freep) struct object *object = NULL;

	*matters = false;
	if (scan_type(scan_find(source, "onPremisesSyncEnabled")) == SCAN_TRUE)
		return true;
	if (!line_add_object(&line, found->selection->kind, source, found->deleted, NULL, 0, err) ||
		!buf_check(&line, "an object's line", err))
		return false;
	object = object_parse(buf_span(&line), err);
	if (!object)
		return false;
	*matters = object_was_synced(object);
	return true;
}

bool found_init(struct found *found, const struct selection *selection, struct span object,
	bool deleted, struct error *err)
{
	*found = (struct found){
		.selection = selection,
		.deleted = deleted,
		.source = BUF_UP_TO(GRAPH_ITEM_MAX),
	};
	buf_add_span(&found->source, object);
	if (!buf_check(&found->source, "an object", err) || !read_id(found, err))
		return false;
	if (!behavior_matters(found, &found->behavior_matters, err))
		return error_prefix(err, "%s %s", selection->kind->name, found->id);
	return true;
}

void found_release(struct found *found)
{
	buf_release(&found->source);
	memory_free(found->members.ids);
	memory_free(found->owners.ids);
	found->members = found->owners = (struct id_list){ 0 };
}

/* ---- what is asked for separately ---------------------------------------------------- */

static bool take_member(void *context, struct span item, struct error *err)
{
	struct id_list *list = context;
	struct span id = scan_find(item, "id");

	id = scan_type(id) == SCAN_STRING ? scan_text_direct(id) : SPAN_NONE;
	if (!id.data || !text_is_guid(id))
		return error_set(err, ERROR_FORMAT, "a reference whose id is no GUID");
	MEMORY_GROW(list->ids, list->count, list->capacity);
	memcpy(list->ids[list->count++], id.data, ID_BYTES);
	return true;
}

static void forget_members(void *context)
{
	struct id_list *list = context;

	list->count = 0;
}

/* The first page came in a batch; the others are followed one by one. */
static bool take_list(struct graph *graph, struct id_list *list, const struct batch_item *item,
	bool bulk, struct error *err)
{
	CLEANUP(page_release) struct page page;
	CLEANUP(page_links_release) struct page_links links = { 0 };
	struct list_job job = {
		.path = item->path,
		.bulk = bulk,
		.item = take_member,
		.restart = forget_members,
		.context = list,
	};

	page_init(&page, take_member, list);
	if (!page_feed(&page, buf_span(&item->answer), err) || !page_end(&page, &links, err))
		return false;
	job.link = links.next;
	return !links.next || list_run(graph, &job, err);
}

static bool take_behavior(struct found *found, const struct batch_item *item, struct error *err)
{
	struct span value = scan_find(buf_span(&item->answer), "isCloudManaged");
	enum scan_type type = scan_type(value);

	if (type != SCAN_TRUE && type != SCAN_FALSE)
		return error_set(err, ERROR_FORMAT, "isCloudManaged is neither true nor false");
	found->cloud_managed = type == SCAN_TRUE;
	return true;
}

/* A row for each thing that costs a request of its own. */
static const struct part {
	unsigned flag;
	const char *name; /* the attribute */
	const char *path; /* behind /{kind}/{id}/ */
	long unknown[3];  /* statuses that mean: it can't be known, and that stops nothing */
} parts[] = {
	{ GRAPH_READ_MEMBERS, "members", "members?$select=id&$top=999", { 403, 404 } },
	{ GRAPH_READ_OWNERS, "owners", "owners?$select=id&$top=999", { 403, 404 } },
	{ GRAPH_READ_BEHAVIOR, "isCloudManaged", "onPremisesSyncBehavior?$select=isCloudManaged",
		{ 400, 403, 404 } },
};

/* One of the requests that found_ask() makes. */
struct part_request {
	struct found *found;
	const struct part *part;
	char path[160];
};

static bool is_unknown(const struct part *part, long status)
{
	for (size_t i = 0; i < COUNT_OF(part->unknown); i++) {
		if (part->unknown[i] && part->unknown[i] == status)
			return true;
	}
	return false;
}

static bool take_part(struct graph *graph, const struct part_request *request,
	const struct batch_item *item, bool bulk, struct error *err)
{
	struct found *found = request->found;
	struct id_list *list = request->part->flag == GRAPH_READ_MEMBERS ? &found->members
									 : &found->owners;
	struct failure failure;

	if (is_unknown(request->part, item->status))
		return true;
	if (item->status / 100 != 2) {
		batch_item_failure(item, &failure);
		return failure_set(&failure, "GET", item->path, err);
	}
	if (request->part->flag == GRAPH_READ_BEHAVIOR) {
		if (!take_behavior(found, item, err))
			return false;
	} else if (!take_list(graph, list, item, bulk, err)) {
		return false;
	}
	found->known |= request->part->flag;
	return true;
}

static size_t add_requests(
	struct part_request *requests, struct batch_item *items, struct found *found, size_t count)
{
	size_t added = 0;

	for (size_t i = 0; i < count * COUNT_OF(parts); i++) {
		/* All members first, then all owners: batches of one sort. */
		const struct part *part = &parts[i / count];
		struct part_request *request = &requests[added];

		if (!(found[i % count].wanted & part->flag))
			continue;
		request->found = &found[i % count];
		request->part = part;
		snprintf(request->path, sizeof(request->path), "/%s/%s/%s",
			request->found->selection->kind->path, request->found->id, part->path);
		batch_item_init(&items[added++], "GET", request->path, SPAN_NONE);
	}
	return added;
}

bool found_ask(struct graph *graph, struct found *found, size_t count, bool bulk, struct error *err)
{
	CLEANUP(memory_freep)
	struct part_request *requests = memory_array(count * COUNT_OF(parts), sizeof(*requests));
	CLEANUP(memory_freep)
	struct batch_item *items = memory_array(count * COUNT_OF(parts), sizeof(*items));
	size_t asked = count ? add_requests(requests, items, found, count) : 0;
	bool done = batch_read(graph, items, asked, bulk, err);

	for (size_t i = 0; i < asked; i++) {
		if (done && !take_part(graph, &requests[i], &items[i], bulk, err))
			done = error_prefix(
				err, "GET %.*s", SPAN_FORMAT(path_without_query(items[i].path)));
		batch_item_release(&items[i]);
	}
	return done;
}

/* ---- lines --------------------------------------------------------------------------- */

/* Names that were selected and did not come. */
static size_t add_missing(const struct found *found, struct span *unknown)
{
	const struct selection *selection = found->selection;
	bool seen[GRAPH_SELECT_MAX] = { false };
	struct scan scan = scan_open(buf_span(&found->source));
	struct span key, value;
	size_t count = 0;

	while (scan_member(&scan, &key, &value)) {
		const struct span *name = bsearch(&key, selection->names, selection->name_count,
			sizeof(*selection->names), compare_names);

		if (name)
			seen[name - selection->names] = true;
	}
	for (size_t i = 0; i < selection->name_count; i++) {
		if (!seen[i])
			unknown[count++] = selection->names[i];
	}
	return count;
}

/* Whether an attribute that is not in the object itself was learned in another way. */
static bool is_known(const struct found *found, const struct attribute *attribute)
{
	switch (attribute->source) {
	case SOURCE_EXPAND:
		return !found->deleted;
	case SOURCE_BEHAVIOR:
		if (!found->behavior_matters)
			return true;
		break;
	case SOURCE_RELATION:
		break;
	case SOURCE_SELECT:
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (strcmp(parts[i].name, attribute->name) == 0)
			return found->known & parts[i].flag;
	}
	return false;
}

static bool add_line(const struct found *found, struct buf *out, struct error *err)
{
	const struct kind *kind = found->selection->kind;
	CLEANUP(memory_freep)
	struct span *unknown = memory_array(
		found->selection->name_count + kind->attribute_count, sizeof(*unknown));
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct span name = SPAN_LITERAL("isCloudManaged");
	struct span value = found->cloud_managed ? SPAN_LITERAL("true") : SPAN_LITERAL("false");
	size_t count = add_missing(found, unknown);

	for (size_t i = 0; i < kind->attribute_count; i++) {
		if (!is_known(found, &kind->attributes[i]))
			unknown[count++] = span_of(kind->attributes[i].name);
	}
	if (!(found->known & GRAPH_READ_BEHAVIOR))
		return line_add_object(
			out, kind, buf_span(&found->source), found->deleted, unknown, count, err);
	return line_add_object(&line, kind, buf_span(&found->source), found->deleted, unknown,
		       count, err) &&
		buf_check(&line, "an object's line", err) &&
		line_add_changed(out, buf_span(&line), &name, &value, 1, err);
}

static bool add_parts(const struct found *found, const char *relation, const struct id_list *list,
	struct buf *out, struct error *err)
{
	CLEANUP(memory_freep) struct span *ids = memory_array(list->count, sizeof(*ids));

	for (size_t i = 0; i < list->count; i++)
		ids[i] = (struct span){ list->ids[i], ID_BYTES };
	return line_add_parts(out, span_of(found->id), relation, ids, list->count, err);
}

bool found_add_lines(const struct found *found, struct buf *out, struct error *err)
{
	if (!add_line(found, out, err))
		return error_prefix(err, "%s %s", found->selection->kind->name, found->id);
	buf_add_byte(out, '\n');
	return (!found->members.count || add_parts(found, "members", &found->members, out, err)) &&
		(!found->owners.count || add_parts(found, "owners", &found->owners, out, err));
}
