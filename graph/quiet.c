/*
 * What changed while the lists were read: delta says which objects, and they are read again by id,
 * wherever they are now, or are told as gone. Rounds go on until delta tells nothing more, so
 * that the whole is one state of the directory; in a directory that never rests they end.
 */
#include "graph/collect.h"

#include "base/scan.h"

enum { READ_AT_ONCE = 5 * GRAPH_BATCH_MAX };

void again_release(struct again *again)
{
	id_index_release(&again->ids);
	memory_free(again->kinds);
}

void again_add(struct again *again, const struct kind *kind, struct id id)
{
	bool is_new;
	size_t at = id_index_add(&again->ids, id, &is_new);

	if (again->kind_capacity != again->ids.capacity) {
		again->kind_capacity = again->ids.capacity;
		again->kinds = memory_resize(
			again->kinds, again->kind_capacity, sizeof(*again->kinds));
	}
	if (is_new)
		again->kinds[at] = kind;
}

static bool holds(const struct member_list *list, struct id member)
{
	for (size_t i = 0; i < list->count; i++)
		if (id_equal(list->ids[i], member))
			return true;
	return false;
}

/*
 * A member, owner or manager who goes to deleted items, or comes back, is shown or not by the lists
 * of his groups and reports, and no delta of these tells that.
 */
static void add_reports_of(struct again *again, struct id manager)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const struct reports *reports = &again->collector->reports[kind];

		for (size_t i = 0; i < reports->count; i++)
			if (memcmp(reports->rows[i].manager, manager.bytes,
				    sizeof(reports->rows[i].manager)) == 0)
				again_add(again, kind_get(kind), reports->rows[i].who);
	}
}

static void add_groups_of(struct again *again, const struct members *members, struct id member)
{
	for (size_t i = 0; i < members->groups.count; i++)
		if (holds(&members->lists[i], member))
			again_add(again, kind_get(KIND_GROUP), members->groups.ids[i]);
}

static bool note_change(void *context, const struct graph_change *change, struct error *err)
{
	struct again *again = context;
	struct id id = id_of(change->id);

	(void)err;
	again_add(again, change->kind, id);
	if (change->sort != GRAPH_CHANGED || change->anew ||
		id_index_find(&again->collector->deleted, id) != ID_NONE) {
		add_groups_of(again, &again->collector->members, id);
		add_groups_of(again, &again->collector->owners, id);
		add_reports_of(again, id);
		if (again->collector->update)
			update_note(again->collector->update, change);
	}
	return true;
}

static void note_relation(struct members *members, const struct object *group, const char *relation)
{
	struct member_list *list = members_of(members, id_of_span(object_id(group)));
	struct scan scan = scan_open(object_get_named(group, relation));
	struct span member;

	while (scan_element(&scan, &member))
		member_list_add(list, id_of_span(scan_text_direct(member)));
}

/* Who is named here now may be deleted in the next round: then this is to be read once more. */
static bool note_relations(
	struct collector *collector, const struct graph_read *read, struct error *err)
{
	CLEANUP(object_freep) struct object *object = object_parse(span_of(read->lines), err);

	if (!object)
		return false;
	if (read->kind->id == KIND_GROUP) {
		note_relation(&collector->members, object, "members");
		note_relation(&collector->owners, object, "owners");
	} else {
		reports_add(&collector->reports[read->kind->id], id_of_span(object_id(object)),
			scan_text_direct(object_get_named(object, "manager")));
	}
	return true;
}

static bool hand_on(struct collector *collector, struct graph_read *read, struct error *err)
{
	const struct graph_taker *taker = collector->taker;

	if (!read->lines)
		return taker->gone(taker->context, read->id, err);
	if (!note_relations(collector, read, err))
		return false;
	return taker->lines(taker->context, span_of(read->lines), err);
}

static bool read_some(struct again *again, size_t from, size_t count, struct error *err)
{
	CLEANUP(memory_freep) struct graph_read *reads = memory_array(count, sizeof(*reads));
	bool good;

	for (size_t i = 0; i < count; i++) {
		reads[i].kind = again->kinds[from + i];
		id_text(again->ids.ids[from + i].bytes, reads[i].id);
		reads[i].flags = GRAPH_READ_MEMBERS | GRAPH_READ_OWNERS | GRAPH_READ_BEHAVIOR;
	}
	good = graph_read_objects(again->collector->graph, reads, count, err);
	for (size_t i = 0; i < count; i++) {
		good = good && hand_on(again->collector, &reads[i], err);
		memory_free(reads[i].lines);
	}
	return good;
}

bool again_read(struct again *again, struct error *err)
{
	for (size_t from = 0; from < again->ids.count; from += READ_AT_ONCE) {
		size_t left = again->ids.count - from;

		if (interrupted())
			return error_set(err, ERROR_SYSTEM, "interrupted; nothing was kept");
		if (!read_some(again, from, left < READ_AT_ONCE ? left : READ_AT_ONCE, err))
			return false;
		progress_step(again->collector->graph->progress, "objects read again",
			from + READ_AT_ONCE < again->ids.count ? from + READ_AT_ONCE
							       : again->ids.count,
			again->ids.count);
	}
	return true;
}

static void next_links(const struct delta *deltas, struct graph_links *links)
{
	for (int id = 0; id < KIND_COUNT; id++) {
		if (!links->of[id])
			continue;
		memory_free(links->of[id]);
		links->of[id] = memory_text(deltas[id].next_link);
	}
}

/* All kinds beside each other. */
bool again_ask(
	struct again *again, struct graph_links *links, const struct kind **lost, struct error *err)
{
	struct collector *collector = again->collector;
	struct delta deltas[KIND_COUNT] = { { 0 } };
	struct flow flow;
	bool good = true;

	*lost = NULL;
	flow_init(&flow, collector->graph);
	for (int id = 0; id < KIND_COUNT && good; id++) {
		deltas[id].kept = again->kept;
		good = !links->of[id] ||
			delta_begin(&deltas[id], &flow, kind_get(id), links->of[id], note_change,
				again, err);
	}
	good = good && flow_run(&flow, err);
	for (int id = 0; id < KIND_COUNT; id++)
		if (deltas[id].lost)
			*lost = kind_get(id);
	if (good && !*lost)
		next_links(deltas, links);
	for (int id = 0; id < KIND_COUNT; id++)
		delta_release(&deltas[id]);
	flow_release(&flow);
	return good;
}

/* One round: what changed since the last one. */
static bool ask_changes(struct again *again, struct graph_links *links, struct error *err)
{
	struct collector *collector = again->collector;
	const struct kind *lost;

	if (!again_ask(again, links, &lost, err))
		return error_prefix(err, "what changed while reading");
	if (lost)
		return error_set(err, ERROR_NETWORK,
			"the changes of %s since the beginning of this run are lost: run again",
			lost->path);
	return !collector->update || update_add_mentions(collector->update, again, err);
}

static void warn_of_untold(const struct graph *graph, const struct graph_links *links)
{
	for (int id = 0; id < KIND_COUNT; id++)
		if (!links->of[id])
			progress_warn(graph->progress,
				"Graph does not tell changes of %s here (delta): those made while reading "
				"may be half in this snapshot",
				kind_get(id)->path);
}

bool collect_until_quiet(struct collector *collector, struct graph_links *links, struct error *err)
{
	const struct graph *graph = collector->graph;
	size_t changed = 0;

	warn_of_untold(graph, links);
	for (int round = 0; round < GRAPH_QUIET_ROUNDS; round++) {
		CLEANUP(again_release) struct again again = { .collector = collector };

		if (!ask_changes(&again, links, err))
			return false;
		changed = again.ids.count;
		if (!changed)
			return true;
		if (!again_read(&again, err))
			return false;
	}
	progress_warn(graph->progress,
		"the directory does not rest: %zu objects changed in the last of %d rounds. They are "
		"as they were when they were read",
		changed, GRAPH_QUIET_ROUNDS);
	return true;
}
