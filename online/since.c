/* What changed since a snapshot, or everything, into the next one. */
#include "online/since.h"

#include "base/memory.h"
#include "base/time.h"

static bool add_lines(void *writer, struct span lines, struct error *err)
{
	return snapshot_writer_add(writer, lines, err);
}

static bool remove_object(void *writer, const char *id, struct error *err)
{
	return snapshot_writer_remove(writer, id, err);
}

bool since_init(
	struct since *since, struct snapshot *previous, const char *every, struct error *err)
{
	*since = (struct since){ .previous = previous };
	return duration_parse(every ? every : RELATIONS_EVERY, &since->relations_every_ms, err) ||
		error_prefix(err, "owners every");
}

/* ---- what was read before -------------------------------------------------------------- */

static bool has(void *snapshot, const char *id, bool *is_there, struct error *err)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(SNAPSHOT_OBJECT_MAX);

	if (!snapshot_object(snapshot, span_of(id), &lines, err))
		return false;
	*is_there = lines.length != 0;
	return true;
}

static bool each(void *snapshot, bool (*take)(void *, struct span, struct error *), void *taker,
	struct error *err)
{
	return snapshot_texts(snapshot, take, taker, err);
}

static bool relations_due(const struct since *since)
{
	int64_t read_ms = snapshot_header(since->previous)->relations_ms;

	/* A clock that went back makes no age. */
	return !read_ms || since->now_ms < read_ms ||
		since->now_ms - read_ms >= since->relations_every_ms;
}

static struct graph_previous previous_of(const struct since *since)
{
	const struct snapshot_header *header = snapshot_header(since->previous);
	struct graph_previous previous = {
		.has = has,
		.each = each,
		.context = since->previous,
		.users = header->objects[KIND_USER],
		.objects = header->deleted,
		.relations_due = relations_due(since),
	};

	for (int kind = 0; kind < KIND_COUNT; kind++)
		previous.objects += header->objects[kind];
	return previous;
}

static void take_links(const struct snapshot *snapshot, struct graph_links *links)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const char *link = snapshot_header(snapshot)->links[kind];

		links->of[kind] = link ? memory_text(link) : NULL;
	}
}

/* ---- reading --------------------------------------------------------------------------- */

static bool end(struct snapshot_writer *writer, const struct graph_links *links,
	int64_t relations_ms, struct error *err)
{
	snapshot_writer_set_relations(writer, relations_ms);
	return snapshot_writer_set_links(writer, links->of, err);
}

static bool read_everything(const struct since *since, struct session *session,
	const struct graph_taker *taker, const struct graph_audit_window *window, struct error *err)
{
	CLEANUP(graph_links_release) struct graph_links links = { { NULL } };

	return graph_collect(session->graph, taker, window, &links, err) &&
		end(taker->context, &links, since->now_ms, err);
}

static enum graph_delta read_changes(const struct since *since, struct session *session,
	const struct graph_taker *taker, const struct graph_audit_window *window, struct error *err)
{
	CLEANUP(graph_links_release) struct graph_links links = { { NULL } };
	const struct graph_previous previous = previous_of(since);
	enum graph_delta told;

	take_links(since->previous, &links);
	told = graph_update(session->graph, &previous, taker, window, &links, err);
	if (told == GRAPH_DELTA_TOLD &&
		!end(taker->context, &links,
			previous.relations_due ? since->now_ms
					       : snapshot_header(since->previous)->relations_ms,
			err))
		return GRAPH_DELTA_FAILED;
	return told;
}

bool since_follow_extensions(
	struct session *session, struct snapshot_writer *writer, struct error *err)
{
	const struct attribute *extensions[OBJECT_EXTENSIONS_MAX];

	if (!graph_find_extensions(session->graph, err))
		return false;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		size_t count = graph_extensions(session->graph, (enum kind_id)kind, extensions);

		if (!snapshot_writer_set_extensions(
			    writer, (enum kind_id)kind, extensions, count, err))
			return false;
	}
	return true;
}

/* Delta tells what the links were asked for: an extension that is new is not among it. */
static bool asked_for_the_same(const struct snapshot *previous, const struct session *session)
{
	const struct attribute *extensions[OBJECT_EXTENSIONS_MAX];
	bool same = snapshot_asked_for_all(previous);

	for (int kind = 0; kind < KIND_COUNT && same; kind++) {
		size_t count = graph_extensions(session->graph, (enum kind_id)kind, extensions);

		same = snapshot_asked_for_extensions(
			previous, (enum kind_id)kind, extensions, count);
	}
	return same;
}

static bool read_since(const struct since *since, struct session *session,
	const struct graph_taker *taker, const struct graph_audit_window *window, struct error *err)
{
	struct snapshot_writer *writer = taker->context;

	if (!snapshot_writer_follow(writer, since->previous, true, err))
		return false;
	if (asked_for_the_same(since->previous, session)) {
		enum graph_delta told = read_changes(since, session, taker, window, err);

		if (told != GRAPH_DELTA_LOST)
			return told == GRAPH_DELTA_TOLD;
	} else {
		progress_warn(talk(),
			"%s was asked for other attributes, or other directory extensions: "
			"everything is read",
			snapshot_path(since->previous));
	}
	return snapshot_writer_follow(writer, since->previous, false, err) &&
		read_everything(since, session, taker, window, err);
}

bool since_read(const struct since *since, struct session *session, struct snapshot_writer *writer,
	const struct graph_audit_window *window, struct error *err)
{
	const struct graph_taker taker = { add_lines, remove_object, writer };

	if (since->previous)
		return read_since(since, session, &taker, window, err);
	return read_everything(since, session, &taker, window, err);
}
