/*
 * Reads objects by id: the live ones in batches, those that were not found again among the
 * deleted items, and then their relations. Not found in both places is an answer; everything
 * else that is not the object is an error.
 */
#include "graph/tasks.h"

#include <strings.h>

#include "base/scan.h"
#include "base/text.h"

/* One reading. Arrays run parallel to the reads. */
struct reader {
	struct graph *graph;
	struct flow *flow;
	struct graph_read *reads;
	size_t count;
	struct line_reader *readers[KIND_COUNT][2]; /* of live and of deleted ones */
	struct found *found;
	bool *is_found;
	/* what is being looked for, among live or among deleted objects */
	bool deleted;
	struct batch_item *items;
	char **paths;
	size_t *indices;
	size_t asked, batches_left;
	struct asking asking;
};

static void forget_items(struct reader *reader)
{
	for (size_t i = 0; i < reader->asked; i++) {
		batch_item_release(&reader->items[i]);
		memory_free(reader->paths[i]);
	}
	reader->asked = 0;
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		line_reader_free(reader->readers[kind][false]);
		line_reader_free(reader->readers[kind][true]);
	}
	for (size_t i = 0; reader->found && i < reader->count; i++)
		found_release(&reader->found[i]);
	forget_items(reader);
	asking_release(&reader->asking);
	memory_free(reader->found);
	memory_free(reader->is_found);
	memory_free(reader->items);
	memory_free(reader->paths);
	memory_free(reader->indices);
	memory_free(reader);
}

static struct line_reader *reader_of(struct reader *reader, const struct kind *kind, bool deleted)
{
	struct line_reader **found = &reader->readers[kind->id][deleted];

	if (!*found)
		*found = objects_reader(reader->graph, kind, deleted);
	return *found;
}

/* Deleted items are one container for all kinds: the type must be the one we look for. */
static bool is_of_kind(struct span object, const struct kind *kind)
{
	struct span type = scan_find(object, "@odata.type");

	if (scan_type(type) != SCAN_STRING)
		return true;
	type = scan_text_direct(type);
	if (type.length && type.data[0] == '#')
		type = (struct span){ type.data + 1, type.length - 1 };
	return span_is(type, kind->type);
}

/* The object's line; what stands behind the object is an error. */
static bool take_line(
	struct line_reader *lines, struct span object, struct buf *line, struct error *err)
{
	size_t taken;

	if (!line_take_object(lines, line, object, &taken, err))
		return false;
	if (!taken || taken != object.length)
		return error_set(err, ERROR_FORMAT, "the answer is not one object");
	return buf_check(line, "an object's line", err);
}

static bool take_object(struct reader *reader, size_t index, const struct batch_item *item,
	bool deleted, struct error *err)
{
	const struct graph_read *read = &reader->reads[index];
	struct line_reader *lines = reader_of(reader, read->kind, deleted);
	struct span object = scan_trim(buf_span(&item->answer));
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct failure failure;

	if (item->status == 404)
		return true;
	if (item->status / 100 != 2) {
		batch_item_failure(item, &failure);
		return failure_set(&failure, "GET", item->path, err);
	}
	if (scan_type(object) != SCAN_OBJECT)
		return error_set(err, ERROR_FORMAT, "the answer is no object");
	if (deleted && !is_of_kind(object, read->kind))
		return true;
	if (!take_line(lines, object, &line, err))
		return false;
	if (strcasecmp(line_reader_object(lines)->id, read->id) != 0)
		return error_set(err, ERROR_FORMAT, "the answer is another object, %s",
			line_reader_object(lines)->id);
	found_init(&reader->found[index], read->kind, deleted, buf_span(&line),
		line_reader_object(lines));
	reader->is_found[index] = true;
	return true;
}

static char *path_of(const struct graph *graph, const struct graph_read *read, bool deleted)
{
	struct buf path = BUF_UP_TO(NET_URL_MAX);

	buf_addf(&path, "/%s/%s?", deleted ? "directory/deletedItems" : read->kind->path, read->id);
	objects_add_query(graph, read->kind, deleted, false, &path);
	return buf_detach(&path);
}

static void choose_items(struct reader *reader)
{
	for (size_t i = 0; i < reader->count; i++) {
		const struct graph_read *read = &reader->reads[i];

		if (reader->is_found[i] || (reader->deleted && !read->kind->soft_deleted))
			continue;
		reader->indices[reader->asked] = i;
		reader->paths[reader->asked] = path_of(reader->graph, read, reader->deleted);
		batch_item_init(&reader->items[reader->asked], "GET", reader->paths[reader->asked],
			SPAN_NONE);
		reader->asked++;
	}
}

static bool take_objects(struct reader *reader, struct error *err)
{
	for (size_t i = 0; i < reader->asked; i++) {
		if (!take_object(
			    reader, reader->indices[i], &reader->items[i], reader->deleted, err))
			return error_prefix(
				err, "GET %.*s", SPAN_FORMAT(path_without_query(reader->paths[i])));
	}
	forget_items(reader);
	return true;
}

static bool look_on(struct reader *reader, struct error *err);

static bool has_looked(void *context, struct error *err)
{
	struct reader *reader = context;

	if (--reader->batches_left)
		return true;
	return take_objects(reader, err) && look_on(reader, err);
}

/* Asks for what was not found yet, among live or among deleted objects. */
static bool look_in(struct reader *reader, bool deleted, struct error *err)
{
	reader->deleted = deleted;
	choose_items(reader);
	reader->batches_left = (reader->asked + GRAPH_BATCH_MAX - 1) / GRAPH_BATCH_MAX;
	for (size_t done = 0; done < reader->asked; done += GRAPH_BATCH_MAX) {
		size_t left = reader->asked - done;

		if (!batch_begin(reader->flow, reader->items + done,
			    left < GRAPH_BATCH_MAX ? left : GRAPH_BATCH_MAX, false, has_looked,
			    reader, err))
			return false;
	}
	return reader->asked || look_on(reader, err);
}

static unsigned wanted_of(const struct found *found, unsigned flags)
{
	if (found->deleted)
		return 0;
	if (found->kind->id != KIND_GROUP)
		flags &= ~(unsigned)(GRAPH_READ_MEMBERS | GRAPH_READ_OWNERS);
	if (!found->behavior_matters)
		flags &= ~(unsigned)GRAPH_READ_BEHAVIOR;
	return flags;
}

/* Relations of those that live; what is not asked for is unknown in the line, and not empty. */
static bool ask_relations(struct reader *reader, struct error *err)
{
	for (size_t i = 0; i < reader->count; i++) {
		if (reader->is_found[i])
			reader->found[i].wanted = wanted_of(
				&reader->found[i], reader->reads[i].flags);
	}
	return asking_begin(&reader->asking, reader->flow, reader->found, reader->count, err);
}

static bool look_on(struct reader *reader, struct error *err)
{
	return reader->deleted ? ask_relations(reader, err) : look_in(reader, true, err);
}

static bool make_lines(struct reader *reader, char **lines, struct error *err)
{
	for (size_t i = 0; i < reader->count; i++) {
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(GRAPH_LINES_MAX);

		if (!reader->is_found[i])
			continue;
		if (!found_add_lines(&reader->found[i], &text, err) ||
			!buf_check(&text, "the lines of an object", err))
			return false;
		lines[i] = buf_detach(&text);
	}
	return true;
}

static bool check_reads(const struct graph_read *reads, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!text_is_guid(span_of(reads[i].id)))
			return error_set(err, ERROR_REFUSED,
				"read of a %s: its id is no GUID; nothing was sent",
				reads[i].kind->name);
	}
	return true;
}

struct reader *reader_new(struct graph *graph, struct graph_read *reads, size_t count)
{
	struct reader *reader = memory_new(sizeof(*reader));

	*reader = (struct reader){ .graph = graph, .reads = reads, .count = count };
	reader->found = memory_array(count, sizeof(*reader->found));
	reader->is_found = memory_array(count, sizeof(*reader->is_found));
	reader->items = memory_array(count, sizeof(*reader->items));
	reader->paths = memory_array(count, sizeof(*reader->paths));
	reader->indices = memory_array(count, sizeof(*reader->indices));
	return reader;
}

bool reader_begin(struct reader *reader, struct flow *flow, struct error *err)
{
	reader->flow = flow;
	return check_reads(reader->reads, reader->count, err) && look_in(reader, false, err);
}

bool reader_end(struct reader *reader, struct error *err)
{
	CLEANUP(memory_freep) char **lines = memory_array(reader->count, sizeof(*lines));
	bool done = make_lines(reader, lines, err);

	for (size_t i = 0; i < reader->count; i++) {
		/* Every read gets its answer, or none does. */
		if (done)
			reader->reads[i].lines = lines[i];
		else
			memory_free(lines[i]);
	}
	return done;
}

void reader_forget(struct reader *reader)
{
	for (size_t i = 0; i < reader->count; i++) {
		memory_free(reader->reads[i].lines);
		reader->reads[i].lines = NULL;
	}
}

bool graph_read_objects(
	struct graph *graph, struct graph_read *reads, size_t count, struct error *err)
{
	return graph_task_finish(graph_begin_reading(graph, reads, count), err);
}
