/*
 * Objects in the order in which they come, handed back in id order, in memory that does not grow
 * with their number. What comes is collected up to a limit, sorted, and put into an unnamed file
 * in the target's folder (a crash leaves nothing behind) as a run: records of a head and lines. The
 * runs are merged while they are read; where there are too many for that, neighbours are merged to
 * longer ones first. Of an id that comes twice the last one counts: later runs win.
 *
 * The last run stays in memory, so that few objects never see the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "snapshots/snapshots_internal.h"

enum {
	READ_BYTES = 64 << 10,   /* of each of them in memory */
	WRITE_BYTES = 256 << 10, /* collected before they are written */
	FOLDER_PATH_MAX = 64 << 10,
};

/* As in the file, which no other program reads. No length: the object is not to be there. */
struct record {
	uint32_t length, number; /* number: in the order of coming, within the run */
	uint8_t id[ID_BINARY_BYTES];
	uint8_t kind;
	bool deleted, quarantined;
	uint8_t unused;
};

/* One object of the run in memory. */
struct held {
	struct record record;
	uint32_t offset; /* of its lines */
};

struct run {
	uint64_t begin, end; /* in the file */
};

/* A run being read: one in the file, or the one in memory. */
struct source {
	uint64_t at, end; /* in the file: what is not in `buffer` yet */
	struct buf buffer;
	size_t used; /* of the buffer: the records handed out */
	const struct held *held, *held_end;
	const char *held_lines;
	struct record record;
	const char *lines;
};

struct runs {
	char *path; /* of the snapshot, for messages */
	struct runs_limits limits;
	int file;
	uint64_t file_end;
	struct buf pending; /* comes behind file_end */
	struct run *runs;
	size_t run_count, run_capacity;
	uint64_t record_count;
	/* the run in memory */
	struct buf lines;
	struct held *held;
	size_t held_count, held_capacity;
	uint32_t next_number;
	bool in_order; /* everything since the start came in id order, each once */
	uint8_t last[ID_BINARY_BYTES];
	/* reading */
	struct source *sources;
	size_t source_count;
	size_t *heap, heap_count; /* of sources: the least record first */
	struct source *handed_out;
};

/* ---- the file ------------------------------------------------------------------------------ */

/* For file systems without O_TMPFILE: a name for the moment between two calls. */
static int named_and_unlinked(const char *path)
{
	CLEANUP(buf_release) struct buf template = BUF_UP_TO(FOLDER_PATH_MAX);
	int descriptor;

	buf_addf(&template, "%s.XXXXXX", path);
	descriptor = template.overflowed ? -1 : mkostemp(template.data, O_CLOEXEC);
	if (descriptor >= 0)
		unlink(template.data);
	return descriptor;
}

static int file_without_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(memory_freep)
	char *folder = slash ? memory_text_span(path, slash == path ? 1 : (size_t)(slash - path))
			     : memory_text(".");
	int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return descriptor >= 0 ? descriptor : named_and_unlinked(path);
}

static bool write_all(struct runs *runs, struct span bytes, struct error *err)
{
	while (bytes.length) {
		ssize_t written = pwrite(
			runs->file, bytes.data, bytes.length, (off_t)runs->file_end);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return error_errno(err, "%s: can't write its temporary file", runs->path);
		bytes.data += written;
		bytes.length -= (size_t)written;
		runs->file_end += (uint64_t)written;
	}
	return true;
}

static bool flush(struct runs *runs, struct error *err)
{
	if (!write_all(runs, buf_span(&runs->pending), err))
		return false;
	buf_cut(&runs->pending, 0);
	return true;
}

static bool write_bytes(struct runs *runs, struct span bytes, struct error *err)
{
	if (bytes.length > WRITE_BYTES - runs->pending.length && !flush(runs, err))
		return false;
	if (bytes.length > WRITE_BYTES)
		return write_all(runs, bytes, err);
	buf_add_span(&runs->pending, bytes);
	return true;
}

static bool write_record(
	struct runs *runs, const struct record *record, const char *lines, struct error *err)
{
	return write_bytes(runs, (struct span){ (const char *)record, sizeof(*record) }, err) &&
		write_bytes(runs, (struct span){ lines, record->length }, err);
}

/* The run that began at `begin` and ends here. */
static bool end_run(struct runs *runs, uint64_t begin, struct error *err)
{
	if (!flush(runs, err))
		return false;
	MEMORY_GROW(runs->runs, runs->run_count, runs->run_capacity);
	runs->runs[runs->run_count++] = (struct run){ begin, runs->file_end };
	return true;
}

/* ---- the run in memory --------------------------------------------------------------------- */

/* By id; of equal ids the one that came first is first. */
static int held_order(const void *left, const void *right)
{
	const struct record *a = &((const struct held *)left)->record;
	const struct record *b = &((const struct held *)right)->record;
	int order = memcmp(a->id, b->id, ID_BINARY_BYTES);

	return order ? order : (a->number > b->number) - (a->number < b->number);
}

static void sort_held(struct runs *runs)
{
	struct held *held = runs->held;
	size_t kept = 0;

	if (runs->in_order || !runs->held_count)
		return;
	qsort(held, runs->held_count, sizeof(*held), held_order);
	for (size_t i = 0; i < runs->held_count; i++) {
		bool again = i + 1 < runs->held_count &&
			memcmp(held[i].record.id, held[i + 1].record.id, ID_BINARY_BYTES) == 0;

		if (!again)
			held[kept++] = held[i];
	}
	runs->record_count -= runs->held_count - kept;
	runs->held_count = kept;
}

static void forget_held(struct runs *runs)
{
	runs->held_count = 0;
	buf_cut(&runs->lines, 0);
}

static bool spill(struct runs *runs, struct error *err)
{
	uint64_t begin = runs->file_end;

	if (!runs->held_count)
		return true;
	sort_held(runs);
	for (size_t i = 0; i < runs->held_count; i++)
		if (!write_record(runs, &runs->held[i].record,
			    buf_text(&runs->lines) + runs->held[i].offset, err))
			return false;
	forget_held(runs);
	return end_run(runs, begin, err);
}

static void note_order(struct runs *runs, const struct change *change)
{
	if (runs->record_count && memcmp(runs->last, change->id, ID_BINARY_BYTES) >= 0)
		runs->in_order = false;
	if (!change->lines.length)
		runs->in_order = false;
	memcpy(runs->last, change->id, ID_BINARY_BYTES);
}

static struct record record_of(const struct change *change)
{
	struct record record = { .length = (uint32_t)change->lines.length };

	memcpy(record.id, change->id, ID_BINARY_BYTES);
	if (!record.length)
		return record;
	record.kind = (uint8_t)change->facts.kind->id;
	record.deleted = change->facts.deleted;
	record.quarantined = change->facts.quarantined;
	return record;
}

bool runs_full(const struct runs *runs, const struct change *change)
{
	return runs->held_count == runs->limits.records ||
		(runs->held_count &&
			runs->lines.length + change->lines.length > runs->limits.bytes);
}

bool runs_add(struct runs *runs, const struct change *change, struct error *err)
{
	struct held held = { .record = record_of(change) };

	if (runs_full(runs, change) && !spill(runs, err))
		return false;
	note_order(runs, change);
	held.record.number = runs->next_number++;
	held.offset = (uint32_t)runs->lines.length;
	buf_add_span(&runs->lines, change->lines);
	MEMORY_GROW(runs->held, runs->held_count, runs->held_capacity);
	runs->held[runs->held_count++] = held;
	runs->record_count++;
	return true;
}

bool runs_in_order(const struct runs *runs)
{
	return runs->in_order;
}

bool runs_all_held(const struct runs *runs)
{
	return !runs->run_count;
}

void runs_last(const struct runs *runs, uint8_t id[static ID_BINARY_BYTES])
{
	memcpy(id, runs->last, ID_BINARY_BYTES);
}

uint64_t runs_count(const struct runs *runs)
{
	return runs->record_count;
}

/* ---- reading a run ------------------------------------------------------------------------- */

static struct change change_of(const struct source *source)
{
	const struct record *record = &source->record;
	struct change change = { .lines = { source->lines, record->length } };

	memcpy(change.id, record->id, ID_BINARY_BYTES);
	if (!record->length) {
		change.lines = SPAN_NONE;
		return change;
	}
	change.facts = (struct line_facts){
		.kind = kind_get(record->kind),
		.deleted = record->deleted,
		.quarantined = record->quarantined,
	};
	return change;
}

/* Makes sure that `length` bytes are in the buffer behind what is used. */
static bool source_fill(struct runs *runs, struct source *source, size_t length, struct error *err)
{
	size_t left = source->buffer.length - source->used, want;
	char *room;

	if (left >= length)
		return true;
	want = length > READ_BYTES ? length - left : READ_BYTES - left;
	if (want > source->end - source->at)
		want = (size_t)(source->end - source->at);
	if (left)
		memmove(source->buffer.data, source->buffer.data + source->used, left);
	buf_cut(&source->buffer, left);
	source->used = 0;
	room = buf_room(&source->buffer, want);
	if (!buf_check(&source->buffer, "an object", err) ||
		!read_at(runs->file, runs->path, source->at, room, want, err))
		return false;
	buf_grew(&source->buffer, want);
	source->at += want;
	return true;
}

static bool next_in_file(struct runs *runs, struct source *source, bool *there, struct error *err)
{
	*there = source->at < source->end || source->used < source->buffer.length;
	if (!*there)
		return true;
	if (!source_fill(runs, source, sizeof(source->record), err))
		return false;
	memcpy(&source->record, source->buffer.data + source->used, sizeof(source->record));
	source->used += sizeof(source->record);
	if (!source_fill(runs, source, source->record.length, err))
		return false;
	source->lines = buf_text(&source->buffer) + source->used;
	source->used += source->record.length;
	return true;
}

static bool source_next(struct runs *runs, struct source *source, bool *there, struct error *err)
{
	if (!source->held_lines)
		return next_in_file(runs, source, there, err);
	*there = source->held < source->held_end;
	if (!*there)
		return true;
	source->record = source->held->record;
	source->lines = source->held_lines + source->held->offset;
	source->held++;
	return true;
}

/* ---- merging ------------------------------------------------------------------------------- */

/* By id; of equal ids the one of the earlier run is first. */
static bool comes_before(const struct runs *runs, size_t a, size_t b)
{
	int order = memcmp(runs->sources[a].record.id, runs->sources[b].record.id, ID_BINARY_BYTES);

	return order ? order < 0 : a < b;
}

static void sink(struct runs *runs, size_t at)
{
	size_t moving = runs->heap[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < runs->heap_count &&
			comes_before(runs, runs->heap[child + 1], runs->heap[child]))
			child++;
		if (child >= runs->heap_count || !comes_before(runs, runs->heap[child], moving))
			break;
		runs->heap[at] = runs->heap[child];
		at = child;
	}
	runs->heap[at] = moving;
}

static void sources_release(struct runs *runs)
{
	for (size_t i = 0; i < runs->source_count; i++)
		buf_release(&runs->sources[i].buffer);
	memory_free(TAKE(runs->sources));
	memory_free(TAKE(runs->heap));
	runs->source_count = runs->heap_count = 0;
	runs->handed_out = NULL;
}

static bool heap_build(struct runs *runs, struct error *err)
{
	for (size_t i = 0; i < runs->source_count; i++) {
		bool there;

		if (!source_next(runs, &runs->sources[i], &there, err))
			return false;
		if (there)
			runs->heap[runs->heap_count++] = i;
	}
	for (size_t at = runs->heap_count / 2; at-- > 0;)
		sink(runs, at);
	return true;
}

/* To read runs [first, end), and what is in memory when `with_held`. */
static bool sources_open(
	struct runs *runs, size_t first, size_t end, bool with_held, struct error *err)
{
	sources_release(runs);
	runs->source_count = end - first + with_held;
	runs->sources = memory_array(runs->source_count, sizeof(*runs->sources));
	runs->heap = memory_array(runs->source_count, sizeof(*runs->heap));
	for (size_t i = first; i < end; i++)
		runs->sources[i - first] = (struct source){
			.at = runs->runs[i].begin,
			.end = runs->runs[i].end,
			.buffer = BUF_UP_TO(SNAPSHOT_OBJECT_MAX + READ_BYTES),
		};
	if (with_held)
		runs->sources[end - first] = (struct source){
			.held = runs->held,
			.held_end = runs->held + runs->held_count,
			.held_lines = buf_text(&runs->lines),
		};
	return heap_build(runs, err);
}

/* The source at the top goes on to its next record, or leaves. */
static bool advance_top(struct runs *runs, struct error *err)
{
	bool there;

	if (!source_next(runs, &runs->sources[runs->heap[0]], &there, err))
		return false;
	if (!there)
		runs->heap[0] = runs->heap[--runs->heap_count];
	if (runs->heap_count)
		sink(runs, 0);
	return true;
}

/* True where another run has the object of the top, too. */
static bool top_is_replaced(const struct runs *runs)
{
	const uint8_t *id = runs->sources[runs->heap[0]].record.id;

	for (size_t child = 1; child <= 2 && child < runs->heap_count; child++)
		if (memcmp(runs->sources[runs->heap[child]].record.id, id, ID_BINARY_BYTES) == 0)
			return true;
	return false;
}

/* What was handed out last is still at the top, so that its lines stay until now. */
static bool merge_next(struct runs *runs, struct source **source, struct error *err)
{
	*source = NULL;
	if (runs->handed_out && !advance_top(runs, err))
		return false;
	runs->handed_out = NULL;
	while (runs->heap_count && top_is_replaced(runs))
		if (!advance_top(runs, err))
			return false;
	if (runs->heap_count)
		*source = runs->handed_out = &runs->sources[runs->heap[0]];
	return true;
}

static bool merge_to_one(struct runs *runs, size_t first, size_t end, struct error *err)
{
	uint64_t begin = runs->file_end;
	struct source *source;

	if (!sources_open(runs, first, end, false, err))
		return false;
	for (;;) {
		if (!merge_next(runs, &source, err))
			return false;
		if (!source)
			return end_run(runs, begin, err);
		if (!write_record(runs, &source->record, source->lines, err))
			return false;
	}
}

/* The disk gets back what the longer run holds; a file system that can't keeps it until the end. */
static void give_back(struct runs *runs, const struct run *first, const struct run *last)
{
	int done = fallocate(runs->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		(off_t)first->begin, (off_t)(last->end - first->begin));

	(void)done;
}

/* As many neighbours as are merged at once become one. */
static bool merge_neighbours(struct runs *runs, struct error *err)
{
	size_t count = runs->run_count, merged = 0;

	for (size_t first = 0; first < count; first += runs->limits.fan_in) {
		size_t end = count - first < runs->limits.fan_in ? count
								 : first + runs->limits.fan_in;
		struct run before[2] = { runs->runs[first], runs->runs[end - 1] };

		if (!merge_to_one(runs, first, end, err))
			return false;
		give_back(runs, &before[0], &before[1]);
		runs->runs[merged++] = runs->runs[--runs->run_count];
	}
	runs->run_count = merged;
	return true;
}

bool runs_rewind(struct runs *runs, struct error *err)
{
	sort_held(runs);
	while (runs->run_count > runs->limits.fan_in)
		if (!merge_neighbours(runs, err))
			return false;
	return sources_open(runs, 0, runs->run_count, true, err);
}

bool runs_next(struct runs *runs, struct change *change, bool *there, struct error *err)
{
	struct source *source;

	if (!merge_next(runs, &source, err))
		return false;
	*there = source != NULL;
	if (source)
		*change = change_of(source);
	return true;
}

/* ---- a life --------------------------------------------------------------------------------- */

struct runs *runs_open(const char *path, const struct runs_limits *limits, struct error *err)
{
	CLEANUP(runs_closep) struct runs *runs = memory_new(sizeof(*runs));

	runs->path = memory_text(path);
	runs->limits = *limits;
	runs->pending.limit = WRITE_BYTES;
	runs->lines.limit = SNAPSHOT_OBJECT_MAX;
	runs->in_order = true;
	runs->file = file_without_name(path);
	if (runs->file < 0) {
		error_errno(err, "%s: can't create a temporary file beside it", path);
		return NULL;
	}
	return TAKE(runs);
}

void runs_clear(struct runs *runs)
{
	sources_release(runs);
	forget_held(runs);
	runs->record_count = 0;
	runs->run_count = 0;
}

void runs_close(struct runs *runs)
{
	if (!runs)
		return;
	sources_release(runs);
	if (runs->file >= 0)
		close(runs->file);
	buf_release(&runs->pending);
	buf_release(&runs->lines);
	memory_free(runs->held);
	memory_free(runs->runs);
	memory_free(runs->path);
	memory_free(runs);
}
