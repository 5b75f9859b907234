/*
 * From what Graph sends to canonical lines: what was selected, what came, and what has to be
 * asked for separately (members, owners, isCloudManaged).
 *
 * What Graph was asked for and did not send is unknown, never empty: query options may be
 * ignored silently (contract 2.1), and an absent property read as "nothing" would become a
 * difference, and then a step of a plan. So the line that is read first lists all that no list
 * can tell as unknown, and what is learned afterwards is taken off.
 */
#include "graph/list.h"

#include <assert.h>

#include "base/scan.h"
#include "base/text.h"

/* ---- what to ask for ----------------------------------------------------------------- */

void objects_add_query(const struct graph *graph, const struct kind *kind, bool deleted,
	bool owners, struct buf *path)
{
	buf_add_text(path, "$select=");
	kind_add_select(kind, path);
	extensions_add_select(graph, kind, path);
	for (size_t i = 0; !deleted && i < kind->attribute_count; i++) {
		/* One relationship a request is all that Graph expands. */
		if (kind->attributes[i].source == SOURCE_EXPAND)
			buf_addf(path, "&$expand=%s($select=id)", kind->attributes[i].name);
		else if (owners && strcmp(kind->attributes[i].name, "owners") == 0)
			buf_add_text(path, "&$expand=owners($select=id)");
	}
}

/* Whether the list itself can't tell an attribute. */
static bool is_beyond_list(const struct attribute *attribute, bool deleted)
{
	switch (attribute->source) {
	case SOURCE_EXPAND:
		return deleted;
	case SOURCE_RELATION:
	case SOURCE_BEHAVIOR:
		return true;
	case SOURCE_SELECT:
		break;
	}
	return false;
}

struct line_reader *objects_reader(const struct graph *graph, const struct kind *kind, bool deleted)
{
	const char *unknown[UNKNOWN_MAX + 1] = { NULL };
	struct line_list list = { .kind = kind, .deleted = deleted, .unknown = unknown };
	size_t count = 0;

	if (extensions_unknown(graph, kind))
		unknown[count++] = UNKNOWN_EXTENSIONS;
	for (size_t i = 0; i < kind->attribute_count; i++) {
		if (!is_beyond_list(&kind->attributes[i], deleted))
			continue;
		assert(count < UNKNOWN_MAX);
		unknown[count++] = kind->attributes[i].name;
	}
	return line_reader_new(&list);
}

/* ---- what came ----------------------------------------------------------------------- */

bool item_id(struct span item, char id[static ID_BYTES + 1], struct error *err)
{
	struct span value = scan_find(item, "id");

	value = scan_type(value) == SCAN_STRING ? scan_text_direct(value) : SPAN_NONE;
	if (!value.data || !text_is_guid(value))
		return error_set(err, ERROR_FORMAT, "an item whose id is no GUID");
	for (size_t i = 0; i < ID_BYTES; i++)
		id[i] = text_lower(value.data[i]);
	id[ID_BYTES] = '\0';
	return true;
}

void found_init(struct found *found, const struct kind *kind, bool deleted, struct span line,
	const struct line_object *said)
{
	*found = (struct found){
		.kind = kind,
		.deleted = deleted,
		.behavior_matters = said->behavior_matters,
		.line = BUF_UP_TO(DIRECTORY_LINE_MAX),
	};
	memcpy(found->id, said->id, sizeof(found->id));
	buf_add_span(&found->line, line);
}

void found_release(struct found *found)
{
	buf_release(&found->line);
	memory_free(found->members.ids);
	memory_free(found->owners.ids);
	found->members = found->owners = (struct member_list){ 0 };
}

/* ---- what is asked for separately ---------------------------------------------------- */

bool member_list_take(void *list, struct span item, struct error *err)
{
	char id[ID_BYTES + 1];

	if (!item_id(item, id, err))
		return error_prefix(err, "a reference");
	member_list_add(list, id_of(id));
	return true;
}

static void forget_members(void *context)
{
	struct member_list *list = context;

	list->count = 0;
}

/* The first page came in a batch. */
static bool take_list(struct graph *graph, struct member_list *list, const struct batch_item *item,
	bool bulk, struct error *err)
{
	const struct list_job job = {
		.path = item->path,
		.bulk = bulk,
		.item = member_list_take,
		.restart = forget_members,
		.context = list,
	};

	return list_go_on(graph, &job, buf_span(&item->answer), err);
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

/* One of the requests that an asking makes. */
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
	struct member_list *list = request->part->flag == GRAPH_READ_MEMBERS ? &found->members
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

static void add_requests(struct asking *asking, struct found *found, size_t count)
{
	/* All members first, then all owners: batches of one sort. */
	for (size_t i = 0; i < count * COUNT_OF(parts); i++) {
		const struct part *part = &parts[i / count];
		struct part_request *request = &asking->requests[asking->count];

		if (!(found[i % count].wanted & part->flag))
			continue;
		request->found = &found[i % count];
		request->part = part;
		snprintf(request->path, sizeof(request->path), "/%s/%s/%s",
			request->found->kind->path, request->found->id, part->path);
		batch_item_init(&asking->items[asking->count++], "GET", request->path, SPAN_NONE);
	}
}

void asking_release(struct asking *asking)
{
	for (size_t i = 0; i < asking->count; i++)
		batch_item_release(&asking->items[i]);
	memory_free(asking->requests);
	memory_free(asking->items);
	*asking = (struct asking){ 0 };
}

static bool take_parts(struct asking *asking, struct error *err)
{
	for (size_t i = 0; i < asking->count; i++) {
		const struct batch_item *item = &asking->items[i];

		if (!take_part(asking->graph, &asking->requests[i], item, asking->bulk, err))
			return error_prefix(
				err, "GET %.*s", SPAN_FORMAT(path_without_query(item->path)));
	}
	return true;
}

/* `done` may free the asking. */
static bool batch_is_done(void *context, struct error *err)
{
	struct asking *asking = context;

	if (--asking->batches_left)
		return true;
	return take_parts(asking, err) && (!asking->done || asking->done(asking->context, err));
}

bool asking_begin(struct asking *asking, struct flow *flow, struct found *found, size_t count,
	struct error *err)
{
	asking->graph = flow->graph;
	asking->requests = memory_array(count * COUNT_OF(parts), sizeof(*asking->requests));
	asking->items = memory_array(count * COUNT_OF(parts), sizeof(*asking->items));
	if (count)
		add_requests(asking, found, count);
	asking->batches_left = (asking->count + GRAPH_BATCH_MAX - 1) / GRAPH_BATCH_MAX;
	for (size_t i = 0; i < asking->count; i += GRAPH_BATCH_MAX) {
		size_t left = asking->count - i;

		if (!batch_begin(flow, asking->items + i,
			    left < GRAPH_BATCH_MAX ? left : GRAPH_BATCH_MAX, asking->bulk,
			    batch_is_done, asking, err))
			return false;
	}
	return true;
}

bool found_ask(struct graph *graph, struct found *found, size_t count, bool bulk, struct error *err)
{
	CLEANUP(asking_release) struct asking asking = { .bulk = bulk };
	CLEANUP(flow_release) struct flow flow;

	flow_init(&flow, graph);
	return asking_begin(&asking, &flow, found, count, err) && flow_run(&flow, err);
}

/* ---- lines --------------------------------------------------------------------------- */

/* What was learned of an object beyond its list: no longer unknown, with these values. */
struct learned {
	struct span names[UNKNOWN_MAX], values[UNKNOWN_MAX];
	size_t count;
};

static void learn(struct learned *learned, const char *name, struct span value)
{
	assert(learned->count < UNKNOWN_MAX);
	learned->names[learned->count] = span_of(name);
	learned->values[learned->count++] = value;
}

static bool add_line(const struct found *found, struct buf *out, struct error *err)
{
	struct learned learned = { 0 };

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		struct span value = SPAN_NONE; /* members and owners have lines of their own */

		if (!(found->known & parts[i].flag))
			continue;
		if (parts[i].flag == GRAPH_READ_BEHAVIOR)
			value = found->cloud_managed ? SPAN_LITERAL("true") : SPAN_LITERAL("false");
		learn(&learned, parts[i].name, value);
	}
	if (learned.count)
		return line_add_changed(out, buf_span(&found->line), learned.names, learned.values,
			learned.count, err);
	buf_add_span(out, buf_span(&found->line));
	return true;
}

static bool add_parts(const struct found *found, const char *relation,
	const struct member_list *list, struct buf *out, struct error *err)
{
	CLEANUP(memory_freep) struct span *ids = memory_array(list->count, sizeof(*ids));
	CLEANUP(memory_freep)
	char(*texts)[ID_BYTES + 1] = memory_array(list->count, sizeof(*texts));

	for (size_t i = 0; i < list->count; i++) {
		id_text(list->ids[i].bytes, texts[i]);
		ids[i] = (struct span){ texts[i], ID_BYTES };
	}
	return line_add_parts(out, span_of(found->id), relation, ids, list->count, err);
}

bool found_add_lines(const struct found *found, struct buf *out, struct error *err)
{
	if (!add_line(found, out, err))
		return error_prefix(err, "%s %s", found->kind->name, found->id);
	buf_add_byte(out, '\n');
	return (!found->members.count || add_parts(found, "members", &found->members, out, err)) &&
		(!found->owners.count || add_parts(found, "owners", &found->owners, out, err));
}
