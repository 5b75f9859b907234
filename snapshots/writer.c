/*
 * Objects come in the order in which Graph sends them; a snapshot has them in id order. Lines go
 * to an unnamed file in the target's folder (a crash leaves nothing behind), memory keeps 32
 * bytes an object: id, place, and what the index counts. At the end these are sorted, and lines
 * are fetched back one object at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "snapshots/snapshots_internal.h"

enum { SPILL_BYTES = 1 << 20 }; /* collected before they are written */

struct spilled {
	uint64_t offset;
	uint32_t length;
	uint8_t id[ID_BINARY_BYTES];
	uint8_t kind;
	bool deleted, quarantined;
};

struct snapshot_writer {
	char *path;
	struct snapshot_header header;
	int spill;
	uint64_t spilled; /* bytes in the file; `pending` comes behind them */
	struct buf pending;
	struct spilled *objects;
	size_t count, capacity;
	struct snapshot *previous; /* it is made from; NULL: from nothing */
	/* reading back what was added, once it is sorted */
	size_t next;
	struct buf lines;
};

void snapshot_writer_close(struct snapshot_writer *writer)
{
	if (!writer)
		return;
	if (writer->spill >= 0)
		close(writer->spill);
	snapshot_header_release(&writer->header);
	buf_release(&writer->pending);
	buf_release(&writer->lines);
	memory_free(writer->objects);
	memory_free(writer->path);
	memory_free(writer);
}

/* For file systems without O_TMPFILE: a name for the moment between two calls. */
static int named_and_unlinked(const char *path)
{
	CLEANUP(buf_release) struct buf template = BUF_UP_TO(64 << 10);
	int descriptor;

	buf_addf(&template, "%s.XXXXXX", path);
	descriptor = template.overflowed ? -1 : mkostemp(template.data, O_CLOEXEC);
	if (descriptor >= 0)
		unlink(template.data);
	return descriptor;
}

static int spill_open(const char *path)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(memory_freep)
	char *folder = slash ? memory_text_span(path, slash == path ? 1 : (size_t)(slash - path))
			     : memory_text(".");
	int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return descriptor >= 0 ? descriptor : named_and_unlinked(path);
}

struct snapshot_writer *snapshot_writer_open(
	const char *path, const struct snapshot_header *header, struct error *err)
{
	CLEANUP(snapshot_writer_closep)
	struct snapshot_writer *writer = memory_new(sizeof(*writer));

	writer->spill = -1;
	writer->path = memory_text(path);
	writer->pending.limit = SPILL_BYTES;
	writer->lines.limit = OBJECT_LINES_MAX;
	writer->header = (struct snapshot_header){
		.tenant = memory_text(header->tenant),
		.cloud = memory_text(header->cloud),
		.source = memory_text(header->source),
		.taken_from_ms = header->taken_from_ms,
	};
	if (!text_is_guid(span_of(header->tenant))) {
		error_set(err, ERROR_FORMAT, "%s: the tenant %s is no GUID", path, header->tenant);
		return NULL;
	}
	if (sodium_init() < 0) {
		error_set(err, ERROR_SYSTEM, "%s: libsodium can't start", path);
		return NULL;
	}
	writer->spill = spill_open(path);
	if (writer->spill < 0) {
		error_errno(err, "%s: can't create a temporary file beside it", path);
		return NULL;
	}
	return TAKE(writer);
}

/* Whether the two are of one directory, and read in the same way. */
static bool check_previous(
	const struct snapshot_writer *writer, const struct snapshot *previous, struct error *err)
{
	const struct snapshot_header *before = &previous->header, *header = &writer->header;

	if (strcasecmp(before->tenant, header->tenant) != 0 ||
		strcmp(before->cloud, header->cloud) != 0)
		return error_set(err, ERROR_REFUSED,
			"%s is of the tenant %s (%s), and this one is %s (%s): take one without it",
			previous->path, before->tenant, before->cloud, header->tenant,
			header->cloud);
	return strcmp(before->source, header->source) == 0 ||
		error_set(err, ERROR_REFUSED,
			"%s comes from %s and not from %s: take one without it", previous->path,
			before->source, header->source);
}

bool snapshot_writer_follow(
	struct snapshot_writer *writer, struct snapshot *previous, bool update, struct error *err)
{
	if (!check_previous(writer, previous, err))
		return false;
	memcpy(writer->header.previous, previous->identity, sizeof(writer->header.previous));
	writer->header.sequence = previous->header.sequence + 1;
	writer->previous = update ? previous : NULL;
	return true;
}

bool snapshot_writer_set_links(
	struct snapshot_writer *writer, char *const links[static KIND_COUNT], struct error *err)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (links[kind] && strlen(links[kind]) > SNAPSHOT_LINK_MAX)
			return error_set(err, ERROR_FORMAT,
				"%s: the link to changes of %s has more than %d bytes",
				writer->path, kind_get(kind)->path, SNAPSHOT_LINK_MAX);
		memory_free(writer->header.links[kind]);
		writer->header.links[kind] = links[kind] ? memory_text(links[kind]) : NULL;
	}
	return true;
}

void snapshot_writer_set_relations(struct snapshot_writer *writer, int64_t when_ms)
{
	writer->header.relations_ms = when_ms;
}

static bool spill_write(struct snapshot_writer *writer, struct span bytes, struct error *err)
{
	while (bytes.length) {
		ssize_t written = write(writer->spill, bytes.data, bytes.length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return error_errno(err, "%s: can't write its temporary file", writer->path);
		bytes.data += written;
		bytes.length -= (size_t)written;
		writer->spilled += (uint64_t)written;
	}
	return true;
}

static bool spill_flush(struct snapshot_writer *writer, struct error *err)
{
	if (!spill_write(writer, buf_span(&writer->pending), err))
		return false;
	buf_cut(&writer->pending, 0);
	return true;
}

static bool spill_add(struct snapshot_writer *writer, struct span lines, struct error *err)
{
	if (lines.length > SPILL_BYTES - writer->pending.length && !spill_flush(writer, err))
		return false;
	if (lines.length > SPILL_BYTES)
		return spill_write(writer, lines, err);
	buf_add_span(&writer->pending, lines);
	return true;
}

/* What is wrong with the lines of one object; NULL when nothing is. */
static const char *lines_fault(struct span lines, struct line_facts *facts, uint8_t *id)
{
	if (!lines.length || lines.data[lines.length - 1] != '\n')
		return "lines that do not end";
	if (lines.length > OBJECT_LINES_MAX)
		return "an object larger than a snapshot takes";
	if (!line_read(line_first(lines), facts))
		return "a line without id or with an unknown kind";
	if (!id_parse(facts->id, id))
		return "an id that is no GUID in lower case";
	for (struct span rest = lines; rest.length; rest = line_rest(rest)) {
		if (line_first(rest).length > DIRECTORY_LINE_MAX)
			return "a line longer than a snapshot takes";
		if (rest.data != lines.data && !span_equal(line_id(line_first(rest)), facts->id))
			return "a part line of another object";
	}
	return NULL;
}

bool snapshot_writer_add(struct snapshot_writer *writer, struct span lines, struct error *err)
{
	struct spilled object = { .offset = writer->spilled + writer->pending.length };
	struct line_facts facts = { 0 };
	const char *fault = lines_fault(lines, &facts, object.id);

	if (fault)
		return error_set(err, ERROR_FORMAT, "%s: object %.*s: %s", writer->path,
			SPAN_FORMAT(facts.id), fault);
	object.length = (uint32_t)lines.length;
	object.kind = (uint8_t)facts.kind->id;
	object.deleted = facts.deleted;
	object.quarantined = facts.quarantined;
	if (!spill_add(writer, lines, err))
		return false;
	MEMORY_GROW(writer->objects, writer->count, writer->capacity);
	writer->objects[writer->count++] = object;
	return true;
}

/* Nothing in the file: what was added of this object before is not to be in the snapshot. */
bool snapshot_writer_remove(struct snapshot_writer *writer, const char *id, struct error *err)
{
	struct spilled object = { .offset = writer->spilled + writer->pending.length };

	if (!id_parse(span_of(id), object.id))
		return error_set(err, ERROR_FORMAT,
			"%s: object %s: an id that is no GUID in lower case", writer->path, id);
	MEMORY_GROW(writer->objects, writer->count, writer->capacity);
	writer->objects[writer->count++] = object;
	return true;
}

/* By id; of equal ids the one that came first is first. */
static int spilled_order(const void *left, const void *right)
{
	const struct spilled *a = left, *b = right;
	int order = memcmp(a->id, b->id, ID_BINARY_BYTES);

	if (!order)
		order = (a->offset > b->offset) - (a->offset < b->offset);
	/* A removal takes no bytes, so that what follows it has the same offset. */
	return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* Of objects that came more than once the last one stays (an object moves between pages). */
static void keep_last(struct snapshot_writer *writer)
{
	struct spilled *objects = writer->objects;
	size_t kept = 0;

	if (writer->count)
		qsort(objects, writer->count, sizeof(*objects), spilled_order);
	for (size_t i = 0; i < writer->count; i++) {
		bool again = i + 1 < writer->count &&
			memcmp(objects[i].id, objects[i + 1].id, ID_BINARY_BYTES) == 0;

		if (!again)
			objects[kept++] = objects[i];
	}
	writer->count = kept;
}

static bool fetch_lines(
	struct snapshot_writer *writer, const struct spilled *object, struct error *err)
{
	char *room;

	buf_cut(&writer->lines, 0);
	room = buf_room(&writer->lines, object->length);
	if (!buf_check(&writer->lines, "an object", err) ||
		!read_at(writer->spill, writer->path, object->offset, room, object->length, err))
		return false;
	buf_grew(&writer->lines, object->length);
	return true;
}

bool writer_next_change(
	struct snapshot_writer *writer, struct change *change, bool *failed, struct error *err)
{
	const struct spilled *object = &writer->objects[writer->next];

	if (writer->next == writer->count)
		return false;
	writer->next++;
	memcpy(change->id, object->id, ID_BINARY_BYTES);
	change->lines = SPAN_NONE;
	if (!object->length)
		return true;
	*failed = !fetch_lines(writer, object, err);
	change->lines = buf_span(&writer->lines);
	change->facts = (struct line_facts){
		.kind = kind_get(object->kind),
		.deleted = object->deleted,
		.quarantined = object->quarantined,
	};
	return !*failed;
}

void writer_rewind(struct snapshot_writer *writer)
{
	writer->next = 0;
}

uint64_t writer_change_count(const struct snapshot_writer *writer)
{
	return writer->count;
}

/* What was removed at last is in no new snapshot. */
static uint64_t count_added(const struct snapshot_writer *writer)
{
	uint64_t count = 0;

	for (size_t i = 0; i < writer->count; i++)
		count += writer->objects[i].length != 0;
	return count;
}

static bool write_all(struct snapshot_writer *writer, int64_t until_ms, struct error *err)
{
	CLEANUP(packer_freep)
	struct packer *packer = packer_new(
		writer->path, &writer->header, bits_for(count_added(writer)), err);
	struct change change;
	bool failed = false;

	if (!packer)
		return false;
	while (writer_next_change(writer, &change, &failed, err))
		if (change.lines.data &&
			!packer_add(packer, change.id, change.lines, &change.facts, err))
			return false;
	return !failed && packer_finish(packer, until_ms, err);
}

bool snapshot_writer_finish(struct snapshot_writer *finished, int64_t until_ms, struct error *err)
{
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = finished;

	if (!spill_flush(writer, err))
		return false;
	keep_last(writer);
	if (writer->previous)
		return update_write(
			writer, writer->previous, writer->path, &writer->header, until_ms, err);
	return write_all(writer, until_ms, err);
}
