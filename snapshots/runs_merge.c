/*
 * Runs are merged while they are read: of each some records are in memory, and a heap knows which of them
 * comes first. Where there are too many runs for that, neighbours are merged to longer ones before.
 */
#include <fcntl.h>

#include "base/memory.h"
#include "snapshots/runs_internal.h"

enum { READ_BYTES = 64 << 10 }; /* of each run in memory */

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

void runs_sources_release(struct runs *runs)
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
	runs_sources_release(runs);
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
			return runs_end_run(runs, begin, err);
		if (!runs_write_record(runs, &source->record, source->lines, err))
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
	runs_sort_held(runs);
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
