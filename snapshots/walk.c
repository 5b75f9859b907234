/* Reading a snapshot: one object, all of them, those that hold a text. */
#include "base/memory.h"
#include "snapshots/snapshots_internal.h"

/* The first frame of a bucket, or of the one behind it. Frame 0 is the header line. */
static uint32_t find_bucket(const struct snapshot *snapshot, uint32_t bucket)
{
	uint32_t low = 1, high = snapshot->entry_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (snapshot_entry_bucket(snapshot, middle) < bucket)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct snapshot_picker {
	struct snapshot *snapshot;
	struct cursor cursor;
	uint32_t bucket; /* that the cursor is in */
	bool begun;
	struct span reached; /* the object whose id is cursor.id; absent: the bucket is over */
};

struct snapshot_picker *snapshot_picker_new(struct snapshot *snapshot)
{
	struct snapshot_picker *picker = memory_new(sizeof(*picker));

	picker->snapshot = snapshot;
	cursor_init(&picker->cursor, snapshot);
	return picker;
}

void snapshot_picker_free(struct snapshot_picker *picker)
{
	if (!picker)
		return;
	cursor_release(&picker->cursor);
	memory_free(picker);
}

static bool picker_next(struct snapshot_picker *picker, struct error *err)
{
	return cursor_next(&picker->cursor, &picker->reached, err);
}

/* To the first object of the bucket; `reached` is absent where there is no such bucket. */
static bool picker_enter(struct snapshot_picker *picker, uint32_t bucket, struct error *err)
{
	const struct snapshot *snapshot = picker->snapshot;
	uint32_t first = find_bucket(snapshot, bucket);

	picker->begun = true;
	picker->bucket = bucket;
	picker->reached = SPAN_NONE;
	picker->cursor.started = false;
	if (first == snapshot->entry_count || snapshot_entry_bucket(snapshot, first) != bucket)
		return true;
	cursor_seek(&picker->cursor, first, bucket_end(snapshot, first, snapshot->bits));
	return picker_next(picker, err);
}

/* Is the object behind what was reached, in the same bucket? */
static bool lies_ahead(const struct snapshot_picker *picker, const uint8_t *id, uint32_t bucket)
{
	return picker->begun && picker->bucket == bucket &&
		(!picker->cursor.started || memcmp(picker->cursor.id, id, ID_BINARY_BYTES) <= 0);
}

/* To the object, or to where it would be. */
static bool picker_reach(struct snapshot_picker *picker, const uint8_t *id, struct error *err)
{
	uint32_t bucket = bucket_of(id, picker->snapshot->bits);

	if (!lies_ahead(picker, id, bucket) && !picker_enter(picker, bucket, err))
		return false;
	while (picker->reached.data && memcmp(picker->cursor.id, id, ID_BINARY_BYTES) < 0)
		if (!picker_next(picker, err))
			return false;
	return true;
}

bool snapshot_pick(
	struct snapshot_picker *picker, struct span id, struct span *lines, struct error *err)
{
	uint8_t wanted[ID_BINARY_BYTES];

	*lines = SPAN_NONE;
	if (!id_parse(id, wanted))
		return true;
	if (!picker_reach(picker, wanted, err)) {
		/* Who asks again is told again. */
		buf_cut(&picker->cursor.plain, 0);
		picker->begun = false;
		return false;
	}
	if (picker->reached.data && memcmp(picker->cursor.id, wanted, sizeof(wanted)) == 0)
		*lines = picker->reached;
	return true;
}

bool snapshot_object(
	struct snapshot *snapshot, struct span id, struct buf *lines, struct error *err)
{
	CLEANUP(snapshot_picker_freep)
	struct snapshot_picker *picker = snapshot_picker_new(snapshot);
	struct span found;

	buf_cut(lines, 0);
	if (!snapshot_pick(picker, id, &found, err))
		return false;
	if (found.data)
		buf_add_span(lines, found);
	return buf_check(lines, "an object of the snapshot", err);
}

bool snapshot_each(
	struct snapshot *snapshot, snapshot_each_function *each, void *context, struct error *err)
{
	CLEANUP(cursor_release) struct cursor cursor;
	struct span lines;

	cursor_init(&cursor, snapshot);
	cursor_seek(&cursor, 1, snapshot->entry_count);
	for (;;) {
		if (!cursor_next(&cursor, &lines, err))
			return false;
		if (!lines.data)
			return true;
		if (!each(context, lines, err))
			return false;
	}
}

bool snapshot_texts(
	struct snapshot *snapshot, snapshot_each_function *each, void *context, struct error *err)
{
	CLEANUP(buf_release) struct buf plain = BUF_UP_TO(SNAPSHOT_BUCKET_MAX);

	for (uint32_t i = 1; i < snapshot->entry_count; i++)
		if (!frame_read(snapshot, &snapshot->unpacker, i, &plain, err) ||
			!each(context, buf_span(&plain), err))
			return false;
	return true;
}

static bool holds(struct span lines, struct span text)
{
	return lines.length && memmem(lines.data, lines.length, text.data, text.length);
}

static bool search_bucket(struct cursor *cursor, struct span text, snapshot_each_function *each,
	void *context, struct error *err)
{
	struct span lines;

	do {
		if (!cursor_next(cursor, &lines, err))
			return false;
		if (holds(lines, text) && !each(context, lines, err))
			return false;
	} while (lines.data);
	return true;
}

bool snapshot_search(struct snapshot *snapshot, struct span text, snapshot_each_function *each,
	void *context, struct error *err)
{
	CLEANUP(cursor_release) struct cursor cursor;
	uint32_t end;

	cursor_init(&cursor, snapshot);
	for (uint32_t first = 1; first < snapshot->entry_count; first = end) {
		end = bucket_end(snapshot, first, snapshot->bits);
		cursor_seek(&cursor, first, end);
		if (!cursor_fill(&cursor, err))
			return false;
		/* Nearly every bucket ends here: its objects need not be told apart. */
		if (end == first + 1 && !holds(buf_span(&cursor.plain), text))
			continue;
		if (!search_bucket(&cursor, text, each, context, err))
			return false;
	}
	return true;
}
