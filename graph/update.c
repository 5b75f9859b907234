/*
 * Reads what changed since a snapshot, so that with it the whole is what a full read would give.
 *
 * Delta tells which objects changed, and those are read again by id, as after a full read
 * (quiet.c). What it does not tell are the others whose lines change with them: groups and reports
 * show a member, owner or manager only while he lives (contract 2.9). Who mentioned somebody that
 * was deleted is found in what was read before, all of it in one pass; who mentions somebody
 * that was restored is asked of Graph.
 *
 * The first round comes before anything is handed on, so that a lost link costs one request.
 */
#include "graph/collect.h"

#include "base/scan.h"

/* A row for each way in which others mention an object: what they have in a line, what Graph is asked. */
static const struct mention {
	const char *begin; /* in a line, up to the first id's quote */
	const char *path;  /* behind /{kind}/{id}/: who mentions it */
	bool of_groups;    /* groups are mentioned so, too */
} mentions[] = {
	{ "\"members\":[", "memberOf?$select=id&$top=999", true },
	{ "\"owners\":[", "ownedObjects?$select=id&$top=999", false },
	{ "\"manager\":", "directReports?$select=id&$top=999", false },
};

struct update {
	struct collector *collector;
	const struct graph_previous *previous;
	bool first_round;
	bool everything;        /* the pass looks for what no change tells of, too */
	struct id_index hidden; /* deleted: who mentioned them? */
	struct id_index shown;  /* created or restored: who mentions them? */
	const struct kind **shown_kinds;
	size_t shown_capacity;
	struct again *again; /* of the round */
};

static void forget_noted(struct update *update)
{
	id_index_release(&update->hidden);
	id_index_release(&update->shown);
	memory_free(update->shown_kinds);
	update->shown_kinds = NULL;
	update->shown_capacity = 0;
}

void update_note(struct update *update, const struct graph_change *change)
{
	bool is_new;
	size_t at;

	if (change->sort != GRAPH_CHANGED) {
		id_index_add(&update->hidden, id_of(change->id), &is_new);
		return;
	}
	at = id_index_add(&update->shown, id_of(change->id), &is_new);
	if (update->shown_capacity != update->shown.capacity) {
		update->shown_capacity = update->shown.capacity;
		update->shown_kinds = memory_resize(
			update->shown_kinds, update->shown_capacity, sizeof(*update->shown_kinds));
	}
	update->shown_kinds[at] = change->kind;
}

/* ---- what was read before -------------------------------------------------------------- */

/* The object of the line around `at` is to be read again, but for one that was `listed` just now. */
static bool add_line(
	struct update *update, struct span lines, const char *at, bool listed, struct error *err)
{
	const char *begin = memrchr(lines.data, '\n', (size_t)(at - lines.data));
	const char *end = memchr(at, '\n', lines.length - (size_t)(at - lines.data));
	const struct kind *kind;
	struct span line, id;

	begin = begin ? begin + 1 : lines.data;
	line = (struct span){ begin, (size_t)((end ? end : lines.data + lines.length) - begin) };
	if (!scan_check(line, err))
		return error_prefix(err, "a line of the snapshot");
	id = scan_text_direct(scan_find(line, "id"));
	kind = kind_find(scan_text_direct(scan_find(line, "kind")));
	if (!kind || !text_is_guid(id))
		return error_set(err, ERROR_FORMAT, "a line of the snapshot has no id or kind");
	if (!listed || id_index_find(&update->collector->deleted, id_of_span(id)) == ID_NONE)
		again_add(update->again, kind, id_of_span(id));
	return true;
}

/* Whether one of the ids behind `*at`, in quotes with commas between, is of somebody deleted. */
static bool names_hidden(const struct update *update, const char **at, const char *end)
{
	enum { QUOTED = ID_BYTES + 2 };
	struct id id;

	while (end - *at >= QUOTED && **at == '"') {
		if (id_parse((struct span){ *at + 1, ID_BYTES }, id.bytes) &&
			id_index_find(&update->hidden, id) != ID_NONE)
			return true;
		*at += QUOTED;
		*at += *at < end && **at == ',';
	}
	return false;
}

static bool add_mentions(
	struct update *update, struct span lines, const struct mention *mention, struct error *err)
{
	const char *end = lines.data + lines.length, *at = lines.data;
	size_t length = strlen(mention->begin);

	while ((at = memmem(at, (size_t)(end - at), mention->begin, length))) {
		at += length;
		if (names_hidden(update, &at, end) && !add_line(update, lines, at, false, err))
			return false;
	}
	return true;
}

/* Objects whose lines hold `text`, but for those that deleted items were just listed with. */
static bool add_holders(
	struct update *update, struct span lines, const char *text, struct error *err)
{
	const char *end = lines.data + lines.length, *at = lines.data;
	size_t length = strlen(text);

	while ((at = memmem(at, (size_t)(end - at), text, length))) {
		if (!add_line(update, lines, at, true, err))
			return false;
		at += length;
	}
	return true;
}

static bool look_through(void *context, struct span lines, struct error *err)
{
	struct update *update = context;

	if (interrupted())
		return error_set(err, ERROR_SYSTEM, "interrupted; nothing was kept");
	for (size_t i = 0; update->hidden.count && i < COUNT_OF(mentions); i++)
		if (!add_mentions(update, lines, &mentions[i], err))
			return false;
	/* Who lay in deleted items and does not any more is told by delta; if it was not, here it ends. */
	return add_holders(update, lines, "\"deleted\":true", err) &&
		(!update->everything || add_holders(update, lines, "\"isCloudManaged\"", err));
}

/* ---- asking Graph ---------------------------------------------------------------------- */

/* A request about who mentions an object. */
struct question {
	char path[160];
};

static bool take_mentioning(void *context, struct span item, struct error *err)
{
	struct update *update = context;
	struct span type = scan_text_direct(scan_find(item, "@odata.type"));
	char id[ID_BYTES + 1];

	if (!item_id(item, id, err))
		return error_prefix(err, "who mentions it");
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (type.length && *type.data == '#' &&
			span_is((struct span){ type.data + 1, type.length - 1 },
				kind_get(kind)->type))
			again_add(update->again, kind_get(kind), id_of(id));
	return true;
}

static void nothing_to_forget(void *context)
{
	(void)context;
}

static bool take_answer(struct update *update, const struct batch_item *item, struct error *err)
{
	const struct list_job job = {
		.path = item->path,
		.item = take_mentioning,
		.restart = nothing_to_forget,
		.context = update,
	};
	struct failure failure;

	if (item->status / 100 == 2)
		return list_go_on(update->collector->graph, &job, buf_span(&item->answer), err);
	/* Deleted again: the next round tells. */
	if (item->status == 404)
		return true;
	batch_item_failure(item, &failure);
	return failure_set(&failure, "GET", item->path, err);
}

static bool ask_some(
	struct update *update, struct question *questions, size_t count, struct error *err)
{
	CLEANUP(memory_freep) struct batch_item *items = memory_array(count, sizeof(*items));
	bool good;

	for (size_t i = 0; i < count; i++)
		batch_item_init(&items[i], "GET", questions[i].path, SPAN_NONE);
	good = batch_read(update->collector->graph, items, count, false, err);
	for (size_t i = 0; i < count; i++) {
		good = good &&
			(take_answer(update, &items[i], err) ||
				error_prefix(err, "GET %.*s",
					SPAN_FORMAT(path_without_query(questions[i].path))));
		batch_item_release(&items[i]);
	}
	return good;
}

/* Whether somebody may mention an object that was told as new. */
static bool may_be_mentioned(
	const struct update *update, const char *id, bool *may_be, struct error *err)
{
	const struct graph_previous *previous = update->previous;

	*may_be = true;
	/* Whoever mentions one that was created since was told of, or is one whose owners are. */
	return !update->first_round || previous->has(previous->context, id, may_be, err);
}

static void add_questions(
	const struct kind *kind, const char *id, struct question *questions, size_t *count)
{
	for (size_t i = 0; i < COUNT_OF(mentions); i++) {
		struct question *question = &questions[*count];

		if (kind->id == KIND_GROUP && !mentions[i].of_groups)
			continue;
		snprintf(question->path, sizeof(question->path), "/%s/%s/%s", kind->path, id,
			mentions[i].path);
		++*count;
	}
}

static bool ask_of_shown(struct update *update, struct error *err)
{
	enum { AT_ONCE = 5 * GRAPH_BATCH_MAX };
	CLEANUP(memory_freep)
	struct question *questions = memory_array(AT_ONCE + COUNT_OF(mentions), sizeof(*questions));
	size_t count = 0;

	for (size_t i = 0; i < update->shown.count; i++) {
		char id[ID_BYTES + 1];
		bool may_be;

		id_text(update->shown.ids[i].bytes, id);
		if (!update->shown_kinds[i]->soft_deleted)
			continue;
		if (!may_be_mentioned(update, id, &may_be, err))
			return false;
		if (may_be)
			add_questions(update->shown_kinds[i], id, questions, &count);
		if (count >= AT_ONCE) {
			if (!ask_some(update, questions, count, err))
				return false;
			count = 0;
		}
	}
	return ask_some(update, questions, count, err);
}

bool update_add_mentions(struct update *update, struct again *again, struct error *err)
{
	const struct graph_previous *previous = update->previous;
	bool good = true;

	update->again = again;
	if (update->hidden.count || update->everything)
		good = previous->each(previous->context, look_through, update, err);
	good = good && ask_of_shown(update, err);
	forget_noted(update);
	update->first_round = update->everything = false;
	return good;
}

/* ---- all of it ------------------------------------------------------------------------- */

static void update_release(struct update *update)
{
	forget_noted(update);
}

/* Why all has to be read; NULL: it need not. */
static const char *missing_link(const struct graph_links *links)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (!links->of[kind])
			return kind_get(kind)->path;
	return NULL;
}

static bool is_too_much(const struct update *update, const struct again *again)
{
	return again->ids.count > GRAPH_UPDATE_FEW &&
		again->ids.count > update->previous->objects / GRAPH_UPDATE_SHARE;
}

static bool read_changes(struct update *update, struct again *again,
	const struct graph_audit_window *audits, struct error *err)
{
	const bool wanted[KIND_COUNT] = { [KIND_GROUP] = update->previous->relations_due };
	struct collector *collector = update->collector;

	return collector_begin_audits(collector, audits, err) &&
		collector_begin(collector, wanted, err) && flow_run(&collector->flow, err) &&
		update_add_mentions(update, again, err) && again_read(again, err);
}

static enum graph_delta update_all(struct update *update, const struct graph_audit_window *audits,
	struct graph_links *links, struct error *err)
{
	struct collector *collector = update->collector;
	const struct graph *graph = collector->graph;
	CLEANUP(again_release) struct again again = { .collector = collector, .kept = true };
	const struct kind *kind;

	if (!again_ask(&again, links, &kind, err)) {
		error_prefix(err, "what changed since the last snapshot");
		return GRAPH_DELTA_FAILED;
	}
	if (kind) {
		progress_warn(graph->progress,
			"Graph does not know any more what changed of %s since the last snapshot: "
			"everything is read",
			kind->path);
		return GRAPH_DELTA_LOST;
	}
	if (is_too_much(update, &again)) {
		progress_warn(graph->progress,
			"%zu of %llu objects changed since the last snapshot: everything is read, "
			"which is faster",
			again.ids.count, (unsigned long long)update->previous->objects);
		return GRAPH_DELTA_LOST;
	}
	return read_changes(update, &again, audits, err) &&
			collect_until_quiet(collector, links, err)
		? GRAPH_DELTA_TOLD
		: GRAPH_DELTA_FAILED;
}

enum graph_delta graph_update(struct graph *graph, const struct graph_previous *previous,
	const struct graph_taker *taker, const struct graph_audit_window *audits,
	struct graph_links *links, struct error *err)
{
	CLEANUP(collector_release) struct collector collector;
	CLEANUP(update_release)
	struct update update = { .collector = &collector,
		.previous = previous,
		.first_round = true,
		.everything = previous->relations_due };
	const char *missing = missing_link(links);

	collector_init(&collector, graph, taker);
	collector.update = &update;
	quota_tenant_has(&graph->quota, previous->users);
	if (missing) {
		progress_warn(graph->progress,
			"the last snapshot does not say where changes of %s are told: everything is "
			"read",
			missing);
		return GRAPH_DELTA_LOST;
	}
	return update_all(&update, audits, links, err);
}
