/*
 * Reads everything that directory sync can touch. Each kind is one list (live, then deleted);
 * objects that need more than the list gives (a group's members and owners, isCloudManaged)
 * wait until twenty of them make full batches, and then go on with their lines together.
 *
 * A list that starts again hands objects on twice: the last one counts.
 */
#include "graph/graph_internal.h"

struct collector {
	struct graph *graph;
	graph_lines_function *lines;
	void *context;
	struct selection selection;
	bool deleted;
	size_t count;
	struct found waiting[GRAPH_BATCH_MAX];
	size_t waiting_count;
	struct buf text;
};

static void collector_release(struct collector *collector)
{
	for (size_t i = 0; i < collector->waiting_count; i++)
		found_release(&collector->waiting[i]);
	collector->waiting_count = 0;
	selection_release(&collector->selection);
	buf_release(&collector->text);
}

static bool hand_on(struct collector *collector, const struct found *found, struct error *err)
{
	buf_cut(&collector->text, 0);
	if (!found_add_lines(found, &collector->text, err) ||
		!buf_check(&collector->text, "the lines of an object", err))
		return false;
	collector->count++;
	return collector->lines(collector->context, buf_span(&collector->text), err);
}

static void forget_waiting(void *context)
{
	struct collector *collector = context;

	for (size_t i = 0; i < collector->waiting_count; i++)
		found_release(&collector->waiting[i]);
	collector->waiting_count = 0;
}

static bool finish_waiting(struct collector *collector, struct error *err)
{
	if (!found_ask(collector->graph, collector->waiting, collector->waiting_count, true, err))
		return false;
	for (size_t i = 0; i < collector->waiting_count; i++) {
		if (!hand_on(collector, &collector->waiting[i], err))
			return false;
	}
	forget_waiting(collector);
	return true;
}

/* What this object needs beyond the list, as the kinds table has it. */
static unsigned wanted_of(const struct found *found)
{
	const struct kind *kind = found->selection->kind;
	unsigned wanted = found->behavior_matters ? GRAPH_READ_BEHAVIOR : 0;

	if (found->deleted)
		return 0;
	for (size_t i = 0; i < kind->attribute_count; i++) {
		if (kind->attributes[i].source == SOURCE_RELATION)
			wanted |= GRAPH_READ_MEMBERS | GRAPH_READ_OWNERS;
	}
	return wanted;
}

static bool take_object(void *context, struct span item, struct error *err)
{
	struct collector *collector = context;
	struct found *found = &collector->waiting[collector->waiting_count++];

	if (!found_init(found, &collector->selection, item, collector->deleted, err))
		return false;
	/* Ctrl-C: what was read so far is no snapshot, and reading on would take minutes. */
	if (interrupted())
		return error_set(err, ERROR_SYSTEM, "interrupted; nothing was kept");
	found->wanted = wanted_of(found);
	if (found->wanted)
		return collector->waiting_count < GRAPH_BATCH_MAX || finish_waiting(collector, err);
	if (!hand_on(collector, found, err))
		return false;
	found_release(found);
	collector->waiting_count--;
	return true;
}

static bool collect_list(struct collector *collector, struct error *err)
{
	const struct kind *kind = collector->selection.kind;
	CLEANUP(buf_release) struct buf path = BUF_UP_TO(NET_URL_MAX);
	CLEANUP(buf_release) struct buf what = BUF_UP_TO(64);
	struct list_job job = {
		.bulk = true,
		.item = take_object,
		.restart = forget_waiting,
		.context = collector,
	};

	if (collector->deleted)
		buf_addf(&path, "/directory/deletedItems/%s?", kind->type);
	else
		buf_addf(&path, "/%s?", kind->path);
	selection_add_query(&collector->selection, collector->deleted, &path);
	buf_addf(&path, "&$top=%d", GRAPH_PAGE_TOP);
	buf_addf(&what, "%s%s", collector->deleted ? "deleted " : "", kind->path);
	if (!buf_check(&path, "the request for a list", err))
		return false;
	job.path = buf_text(&path);
	job.what = buf_text(&what);
	return list_run(collector->graph, &job, err) && finish_waiting(collector, err);
}

static bool collect_kind(struct graph *graph, const struct kind *kind, bool deleted,
	graph_lines_function *lines, void *context, struct error *err)
{
	CLEANUP(collector_release)
	struct collector collector = {
		.graph = graph,
		.lines = lines,
		.context = context,
		.deleted = deleted,
		.text = BUF_UP_TO(GRAPH_LINES_MAX),
	};

	selection_init(&collector.selection, kind);
	if (!collect_list(&collector, err))
		return false;
	if (kind->id == KIND_USER && !deleted && !collector.count)
		return error_set(err, ERROR_FORMAT,
			"GET /users: no user at all, which no tenant has: may these credentials "
			"read users, and is this the right tenant?");
	return true;
}

bool graph_collect(
	struct graph *graph, graph_lines_function *lines, void *context, struct error *err)
{
	for (int id = 0; id < KIND_COUNT; id++) {
		if (!collect_kind(graph, kind_get((enum kind_id)id), false, lines, context, err))
			return false;
	}
	for (int id = 0; id < KIND_COUNT; id++) {
		const struct kind *kind = kind_get((enum kind_id)id);

		if (kind->soft_deleted && !collect_kind(graph, kind, true, lines, context, err))
			return false;
	}
	return true;
}
