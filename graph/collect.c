/*
 * Reads everything that directory sync can touch, as one state of the directory.
 *
 * Delta links are taken first. Then the lists of all kinds, live and deleted, and the members of
 * all groups run beside each other in one flow: an object goes from the network's bytes to its line
 * and on, with no page in memory. Groups wait for the members of all groups, up to
 * GRAPH_HELD_MAX bytes of them; then their list waits instead. What needs more than its list
 * gives (isCloudManaged, more owners than are expanded) is asked for twenty at a time.
 *
 * At last delta says what was created, changed, renamed, restored or deleted meanwhile, and that
 * is read again by id (quiet.c). A list that starts again, a page that breaks off, and an object
 * that moves between pages hand an object on twice: the last one counts.
 */
#include "graph/collect.h"

#include "base/scan.h"

enum { TELL_EVERY = 1000 }; /* objects */

/* Up to twenty objects that wait for what is asked about them. */
struct pending {
	struct pending *next;
	struct collector *collector;
	struct found found[GRAPH_BATCH_MAX];
	size_t count;
	struct asking asking;
};

/* ---- handing on ------------------------------------------------------------------------ */

static bool hand_on(struct collector *collector, struct span lines, struct error *err)
{
	if (++collector->count % TELL_EVERY == 0)
		progress_step(collector->graph->progress, "objects", collector->count, 0);
	return collector->taker->lines(collector->taker->context, lines, err);
}

static bool hand_on_found(struct collector *collector, const struct found *found, struct error *err)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(GRAPH_LINES_MAX);

	for (size_t i = 0; i < found->owners.count; i++)
		member_list_add(
			members_of(&collector->owners, id_of(found->id)), found->owners.ids[i]);
	return found_add_lines(found, &lines, err) &&
		buf_check(&lines, "the lines of an object", err) &&
		hand_on(collector, buf_span(&lines), err);
}

/* ---- what needs more ------------------------------------------------------------------- */

static void pending_free(struct pending *pending)
{
	for (size_t i = 0; i < pending->count; i++)
		found_release(&pending->found[i]);
	asking_release(&pending->asking);
	memory_free(pending);
}

static bool pending_done(void *context, struct error *err)
{
	struct pending *pending = context;

	struct pending **at = &pending->collector->asked;

	for (size_t i = 0; i < pending->count; i++)
		if (!hand_on_found(pending->collector, &pending->found[i], err))
			return false;
	while (*at != pending)
		at = &(*at)->next;
	*at = pending->next;
	pending_free(pending);
	return true;
}

/* Asks about the objects that wait. */
static bool ask_pending(struct collector *collector, struct error *err)
{
	struct pending *pending = TAKE(collector->filling);

	if (!pending)
		return true;
	pending->next = collector->asked;
	collector->asked = pending;
	pending->asking = (struct asking){
		.bulk = true,
		.done = pending_done,
		.context = pending,
	};
	return asking_begin(
		&pending->asking, &collector->flow, pending->found, pending->count, err);
}

/* Takes what `found` holds. */
static bool add_pending(struct collector *collector, struct found *found, struct error *err)
{
	struct pending *pending = collector->filling;

	if (!pending) {
		pending = collector->filling = memory_new(sizeof(*pending));
		pending->collector = collector;
	}
	pending->found[pending->count++] = *found;
	*found = (struct found){ 0 };
	return pending->count < GRAPH_BATCH_MAX || ask_pending(collector, err);
}

static bool finish(struct collector *collector, struct found *found, struct error *err)
{
	if (found->wanted)
		return add_pending(collector, found, err);
	return hand_on_found(collector, found, err);
}

/* ---- groups ---------------------------------------------------------------------------- */

/* Lists do not show the membership of those who lie in deleted items, and delta does (contract 2.9). */
static void add_members(
	const struct collector *collector, struct found *found, const struct member_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (id_index_find(&collector->deleted, list->ids[i]) == ID_NONE)
			member_list_add(&found->members, list->ids[i]);
	found->known |= GRAPH_READ_MEMBERS;
}

static bool finish_group(struct collector *collector, struct found *found, struct error *err)
{
	const struct member_list *list = members_find(&collector->members, id_of(found->id));

	/* Who sees no hidden members gets none from delta; asked for, they are denied. */
	if (collector->members_usable && list && !found->hidden_members)
		add_members(collector, found, list);
	else
		found->wanted |= GRAPH_READ_MEMBERS;
	return finish(collector, found, err);
}

/* Takes what `found` holds. */
static bool hold_group(struct collector *collector, struct found *found, struct error *err)
{
	collector->held_bytes += found->line.length + sizeof(*found);
	MEMORY_GROW(collector->held, collector->held_count, collector->held_capacity);
	collector->held[collector->held_count++] = *found;
	*found = (struct found){ 0 };
	return collector->held_bytes < GRAPH_HELD_MAX ||
		list_hold(&collector->lists[KIND_GROUP].list, true, err);
}

static bool release_groups(struct collector *collector, struct error *err)
{
	for (size_t i = 0; i < collector->held_count; i++) {
		if (!finish_group(collector, &collector->held[i], err))
			return false;
		found_release(&collector->held[i]);
	}
	collector->held_count = collector->held_bytes = 0;
	return ask_pending(collector, err) &&
		list_hold(&collector->lists[KIND_GROUP].list, false, err);
}

/* One of those lists has ended that groups wait for. */
static bool awaited_ended(struct collector *collector, struct error *err)
{
	return --collector->awaited || release_groups(collector, err);
}

/* ---- the members of all groups --------------------------------------------------------- */

static bool take_member(struct member_list *list, struct span item, struct error *err)
{
	char id[ID_BYTES + 1];

	if (!item_id(item, id, err))
		return error_prefix(err, "a member");
	if (scan_find(item, "@removed").data)
		member_list_remove(list, id_of(id));
	else
		member_list_add(list, id_of(id));
	return true;
}

/* The same group comes again with more of its members. */
static bool take_membership(void *context, struct span item, struct error *err)
{
	struct collector *collector = context;
	struct span members = scan_find(item, "members@delta"), member;
	char id[ID_BYTES + 1];
	struct member_list *list;
	struct scan scan;

	if (!item_id(item, id, err))
		return error_prefix(err, "a group's members");
	if (scan_find(item, "@removed").data)
		return true;
	list = members_of(&collector->members, id_of(id));
	if (!members.data)
		return true;
	if (scan_type(members) != SCAN_ARRAY)
		return error_set(err, ERROR_FORMAT, "group %s: members@delta is no array", id);
	scan = scan_open(members);
	while (scan_element(&scan, &member))
		if (!take_member(list, member, err))
			return error_prefix(err, "group %s", id);
	return true;
}

static void forget_memberships(void *context)
{
	struct collector *collector = context;

	members_release(&collector->members);
}

/* No permission, or a cloud that has no delta: each group is asked for its members then. */
static bool memberships_refused(void *context, const struct failure *failure, struct error *err)
{
	struct collector *collector = context;

	if (failure->status / 100 != 4 && failure->status != 501)
		return false;
	collector->members_usable = false;
	return awaited_ended(collector, err);
}

static bool memberships_ended(void *context, char **delta_link, struct error *err)
{
	struct collector *collector = context;

	(void)delta_link;
	return awaited_ended(collector, err);
}

static bool begin_members(struct collector *collector, struct error *err)
{
	collector->members_usable = true;
	collector->members_job = (struct list_job){
		.path = "/groups/delta?$select=members",
		.bulk = true,
		.item = take_membership,
		.restart = forget_memberships,
		.refused = memberships_refused,
		.ended = memberships_ended,
		.context = collector,
	};
	list_init(&collector->members_list, &collector->flow, &collector->members_job);
	return list_begin(&collector->members_list, err);
}

/* ---- lists of objects ------------------------------------------------------------------ */

/* Owners that came with their group, where they can be all of them. */
static bool take_expanded_owners(
	const struct line_reader *reader, struct found *found, struct error *err)
{
	struct span owners = line_reader_value(reader, "owners"), owner;
	struct scan scan;

	if (!owners.data || scan_type(owners) != SCAN_ARRAY) {
		found->wanted |= GRAPH_READ_OWNERS;
		return true;
	}
	scan = scan_open(owners);
	while (scan_element(&scan, &owner))
		if (!member_list_take(&found->owners, owner, err))
			return false;
	if (found->owners.count < GRAPH_EXPANDED_MAX) {
		found->known |= GRAPH_READ_OWNERS;
		return true;
	}
	found->owners.count = 0;
	found->wanted |= GRAPH_READ_OWNERS;
	return true;
}

static bool take_group(struct object_list *list, struct found *found, struct error *err)
{
	struct collector *collector = list->collector;
	struct span visibility = line_reader_value(list->reader, "visibility");

	found->hidden_members = span_is(visibility, "\"HiddenMembership\"");
	if (!take_expanded_owners(list->reader, found, err))
		return false;
	if (collector->awaited)
		return hold_group(collector, found, err);
	return finish_group(collector, found, err);
}

static bool take_found(struct object_list *list, struct error *err)
{
	const struct line_object *said = line_reader_object(list->reader);
	struct found found;
	bool good;

	found_init(&found, list->kind, list->deleted, buf_span(&list->line), said);
	if (!list->deleted && found.behavior_matters)
		found.wanted = GRAPH_READ_BEHAVIOR;
	if (!list->deleted && list->kind->id == KIND_GROUP)
		good = take_group(list, &found, err);
	else
		good = finish(list->collector, &found, err);
	found_release(&found);
	return good;
}

void reports_add(struct reports *reports, struct id who, struct span manager)
{
	struct id id;

	if (manager.length != ID_BYTES)
		return;
	MEMORY_GROW(reports->rows, reports->count, reports->capacity);
	id = id_of_span(manager);
	memcpy(reports->rows[reports->count].manager, id.bytes,
		sizeof(reports->rows[reports->count].manager));
	reports->rows[reports->count++].who = who;
}

/* The manager as the line has him. */
static void note_manager(struct object_list *list, const char *who)
{
	struct span manager = line_reader_value(list->reader, "manager");

	if (scan_type(manager) != SCAN_OBJECT)
		return;
	manager = scan_text_direct(scan_find(buf_span(&list->line), "manager"));
	reports_add(&list->collector->reports[list->kind->id], id_of(who), manager);
}

/* One object from the bytes of its page: `*taken` is 0 where it goes on in the next piece. */
static bool take_object(void *context, struct span text, size_t *taken, struct error *err)
{
	struct object_list *list = context;
	struct collector *collector = list->collector;
	const struct line_object *said;
	bool is_new;

	buf_cut(&list->line, 0);
	if (!line_take_object(list->reader, &list->line, text, taken, err) ||
		!buf_check(&list->line, "an object's line", err))
		return false;
	if (!*taken)
		return true;
	/* Ctrl-C: what was read so far is no snapshot, and reading on would take minutes. */
	if (interrupted())
		return error_set(err, ERROR_SYSTEM, "interrupted; nothing was kept");
	said = line_reader_object(list->reader);
	list->count++;
	if (list->deleted)
		id_index_add(&collector->deleted, id_of(said->id), &is_new);
	else if (list->kind->id != KIND_GROUP)
		note_manager(list, said->id);
	if (list->kind->id == KIND_GROUP || (said->behavior_matters && !list->deleted))
		return take_found(list, err);
	buf_add_byte(&list->line, '\n');
	return hand_on(collector, buf_span(&list->line), err);
}

static void nothing_to_forget(void *context)
{
	(void)context;
}

static bool list_ended(void *context, char **delta_link, struct error *err)
{
	struct object_list *list = context;
	struct collector *collector = list->collector;

	(void)delta_link;
	if (list->kind->id == KIND_USER && !list->deleted && !list->count)
		return error_set(err, ERROR_FORMAT,
			"GET /users: no user at all, which no tenant has: may these credentials "
			"read users, and is this the right tenant?");
	if (list->kind->id == KIND_USER && !list->deleted)
		quota_tenant_has(&collector->graph->quota, list->count);
	if (!ask_pending(collector, err))
		return false;
	return !list->deleted || awaited_ended(collector, err);
}

static bool begin_list(struct collector *collector, struct object_list *list,
	const struct kind *kind, bool deleted, struct error *err)
{
	list->collector = collector;
	list->kind = kind;
	list->deleted = deleted;
	list->line = (struct buf)BUF_UP_TO(DIRECTORY_LINE_MAX + 1);
	list->path = (struct buf)BUF_UP_TO(NET_URL_MAX);
	list->reader = objects_reader(collector->graph, kind, deleted);
	if (deleted)
		buf_addf(&list->path, "/directory/deletedItems/%s?", kind->type);
	else
		buf_addf(&list->path, "/%s?", kind->path);
	objects_add_query(collector->graph, kind, deleted, true, &list->path);
	buf_addf(&list->path, "&$top=%d", GRAPH_PAGE_TOP);
	if (!buf_check(&list->path, "the request for a list", err))
		return false;
	list->job = (struct list_job){
		.path = buf_text(&list->path),
		.bulk = true,
		.streaming = true,
		.take = take_object,
		.restart = nothing_to_forget,
		.ended = list_ended,
		.context = list,
	};
	list_init(&list->list, &collector->flow, &list->job);
	return list_begin(&list->list, err);
}

static void object_list_release(struct object_list *list)
{
	list_release(&list->list);
	line_reader_free(list->reader);
	buf_release(&list->line);
	buf_release(&list->path);
}

/* ---- all of it ------------------------------------------------------------------------- */

void collector_release(struct collector *collector)
{
	for (int id = 0; id < KIND_COUNT; id++) {
		object_list_release(&collector->lists[id]);
		object_list_release(&collector->deleted_lists[id]);
	}
	list_release(&collector->members_list);
	list_release(&collector->audit_list);
	buf_release(&collector->audit_path);
	flow_release(&collector->flow);
	for (size_t i = 0; i < collector->held_count; i++)
		found_release(&collector->held[i]);
	memory_free(collector->held);
	if (collector->filling)
		pending_free(collector->filling);
	while (collector->asked) {
		struct pending *next = collector->asked->next;

		pending_free(collector->asked);
		collector->asked = next;
	}
	members_release(&collector->members);
	members_release(&collector->owners);
	for (int id = 0; id < KIND_COUNT; id++)
		memory_free(collector->reports[id].rows);
	id_index_release(&collector->deleted);
}

/* The longest list first: what waits for a connection waits behind it. */
bool collector_begin(
	struct collector *collector, const bool wanted[static KIND_COUNT], struct error *err)
{
	collector->awaited = wanted[KIND_GROUP]; /* the members */
	for (int id = 0; id < KIND_COUNT; id++)
		collector->awaited += kind_get(id)->soft_deleted;
	for (int id = 0; id < KIND_COUNT; id++)
		if (wanted[id] &&
			!begin_list(collector, &collector->lists[id], kind_get(id), false, err))
			return false;
	if (wanted[KIND_GROUP] && !begin_members(collector, err))
		return false;
	for (int id = 0; id < KIND_COUNT; id++)
		if (kind_get(id)->soft_deleted &&
			!begin_list(
				collector, &collector->deleted_lists[id], kind_get(id), true, err))
			return false;
	return true;
}

/* First of all: its quota is the smallest, and what it may ask for every few seconds it should. */
bool collector_begin_audits(
	struct collector *collector, const struct graph_audit_window *audits, struct error *err)
{
	if (!audits)
		return true;
	collector->audit_path = (struct buf)BUF_UP_TO(1024);
	if (!audit_path(audits, &collector->audit_path, err))
		return false;
	collector->audit_job = (struct list_job){
		.path = buf_text(&collector->audit_path),
		.bulk = true,
		.item = audits->record,
		.context = audits->context,
	};
	list_init(&collector->audit_list, &collector->flow, &collector->audit_job);
	return list_begin(&collector->audit_list, err);
}

void collector_init(
	struct collector *collector, struct graph *graph, const struct graph_taker *taker)
{
	*collector = (struct collector){ .graph = graph, .taker = taker };
	flow_init(&collector->flow, graph);
}

bool graph_collect(struct graph *graph, const struct graph_taker *taker,
	const struct graph_audit_window *audits, struct graph_links *links, struct error *err)
{
	static const bool all[KIND_COUNT] = { true, true, true };
	CLEANUP(collector_release) struct collector collector;

	collector_init(&collector, graph, taker);
	return graph_find_extensions(graph, err) && graph_delta_now(graph, links, err) &&
		collector_begin_audits(&collector, audits, err) &&
		collector_begin(&collector, all, err) && flow_run(&collector.flow, err) &&
		collect_until_quiet(&collector, links, err);
}
