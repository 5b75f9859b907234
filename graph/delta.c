/*
 * What changed since a link was given (contract 2.9). Delta tells that an object changed, and of
 * memberships which; it may tell things twice and out of order, and late. So a change is taken as
 * "look at this object again", except where whole lists of members are read in bulk.
 */
#include "graph/delta.h"

#include "base/scan.h"

static void add_path(struct buf *out, const struct graph *graph, const struct kind *kind)
{
	buf_addf(out, "/%s/delta?$select=", kind->path);
	kind_add_select(kind, out);
	extensions_add_select(graph, kind, out);
	/* Relations that delta tells of: those that the kind's row has, but for owners. */
	for (size_t i = 0; i < kind->attribute_count; i++) {
		const struct attribute *attribute = &kind->attributes[i];

		if (attribute->source == SOURCE_EXPAND || strcmp(attribute->name, "members") == 0)
			buf_addf(out, ",%s", attribute->name);
	}
}

/* ---- from now on ---------------------------------------------------------------------- */

static bool ignore_item(void *context, struct span item, struct error *err)
{
	(void)context, (void)item, (void)err;
	return true;
}

static bool keep_link(void *context, char **delta_link, struct error *err)
{
	char **link = context;

	if (!*delta_link)
		return error_set(err, ERROR_FORMAT, "the last page has no @odata.deltaLink");
	*link = TAKE(*delta_link);
	return true;
}

static bool is_not_offered(void *context, const struct failure *failure, struct error *err)
{
	(void)context, (void)err;
	/* No permission, or a cloud without it: what follows is then not closed by delta. */
	return failure->status / 100 == 4 && failure->status != 401;
}

bool graph_delta_now(struct graph *graph, struct graph_links *links, struct error *err)
{
	struct buf paths[KIND_COUNT];
	struct list_job jobs[KIND_COUNT];
	struct list lists[KIND_COUNT] = { 0 };
	struct flow flow;
	bool good = true;

	flow_init(&flow, graph);
	for (int id = 0; id < KIND_COUNT; id++) {
		paths[id] = (struct buf)BUF_UP_TO(NET_URL_MAX);
		add_path(&paths[id], graph, kind_get(id));
		buf_add_text(&paths[id], "&$deltatoken=latest");
		jobs[id] = (struct list_job){
			.path = buf_text(&paths[id]),
			.item = ignore_item,
			.refused = is_not_offered,
			.ended = keep_link,
			.context = &links->of[id],
		};
		list_init(&lists[id], &flow, &jobs[id]);
		good = good && list_begin(&lists[id], err);
	}
	good = good && flow_run(&flow, err);
	for (int id = 0; id < KIND_COUNT; id++) {
		list_release(&lists[id]);
		buf_release(&paths[id]);
	}
	flow_release(&flow);
	return good;
}

void graph_links_release(struct graph_links *links)
{
	for (int id = 0; id < KIND_COUNT; id++)
		memory_free(links->of[id]);
	*links = (struct graph_links){ 0 };
}

/* ---- what changed --------------------------------------------------------------------- */

static bool read_reason(struct span removed, enum graph_change_sort *sort, struct error *err)
{
	struct span reason = scan_find(removed, "reason");

	if (scan_type(removed) != SCAN_OBJECT || scan_type(reason) != SCAN_STRING)
		return error_set(err, ERROR_FORMAT, "@removed without a reason");
	reason = scan_text_direct(reason);
	/* A reason that is new to us is looked at like the milder one. */
	*sort = span_is(reason, "deleted") ? GRAPH_GONE : GRAPH_DELETED;
	return true;
}

static bool take_change(void *context, struct span item, struct error *err)
{
	struct delta *delta = context;
	struct graph_change change = { .kind = delta->kind };
	struct span removed = scan_find(item, "@removed");

	if (!item_id(item, change.id, err) ||
		(removed.data && !read_reason(removed, &change.sort, err)))
		return error_prefix(err, "a change of a %s", delta->kind->name);
	/* It never changes, so that only whole objects bring it. */
	change.anew = scan_find(item, "createdDateTime").data != NULL;
	return delta->change(delta->context, &change, err);
}

static bool is_lost(void *context, const struct failure *failure, struct error *err)
{
	struct delta *delta = context;

	(void)err;
	/* What was kept in a file may be no link of today's service at all. */
	delta->lost = failure->ruling->read == READING_RESTART ||
		(delta->kept && (failure->status == 400 || failure->status == 404));
	return delta->lost;
}

static bool keep_next(void *context, char **delta_link, struct error *err)
{
	struct delta *delta = context;

	return keep_link(&delta->next_link, delta_link, err);
}

bool delta_begin(struct delta *delta, struct flow *flow, const struct kind *kind, const char *link,
	graph_change_function *change, void *context, struct error *err)
{
	delta->kind = kind;
	delta->change = change;
	delta->context = context;
	delta->path = (struct buf)BUF_UP_TO(NET_URL_MAX);
	buf_addf(&delta->path, "/%s/delta", kind->path);
	delta->job = (struct list_job){
		.path = buf_text(&delta->path),
		.link = link,
		.minimal = true,
		.item = take_change,
		.refused = is_lost,
		.ended = keep_next,
		.context = delta,
	};
	list_init(&delta->list, flow, &delta->job);
	return list_begin(&delta->list, err);
}

void delta_release(struct delta *delta)
{
	list_release(&delta->list);
	buf_release(&delta->path);
	memory_free(delta->next_link);
	*delta = (struct delta){ 0 };
}

enum graph_delta graph_delta(struct graph *graph, const struct kind *kind, const char *link,
	graph_change_function *change, void *context, char **next_link, struct error *err)
{
	CLEANUP(flow_release) struct flow flow;
	CLEANUP(delta_release) struct delta delta = { 0 };

	flow_init(&flow, graph);
	if (!delta_begin(&delta, &flow, kind, link, change, context, err) || !flow_run(&flow, err))
		return GRAPH_DELTA_FAILED;
	if (delta.lost)
		return GRAPH_DELTA_LOST;
	*next_link = TAKE(delta.next_link);
	return GRAPH_DELTA_TOLD;
}
