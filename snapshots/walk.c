/* Reading a snapshot: one object, all of them, those that hold a text. */
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

bool snapshot_object(
	struct snapshot *snapshot, struct span id, struct buf *lines, struct error *err)
{
	CLEANUP(cursor_release) struct cursor cursor;
	uint8_t wanted[ID_BINARY_BYTES];
	uint32_t bucket, first;
	struct span found;

	cursor_init(&cursor, snapshot);
	buf_cut(lines, 0);
	if (!id_parse(id, wanted))
		return true;
	bucket = bucket_of(wanted, snapshot->bits);
	first = find_bucket(snapshot, bucket);
	if (first == snapshot->entry_count || snapshot_entry_bucket(snapshot, first) != bucket)
		return true;
	cursor_seek(&cursor, first, bucket_end(snapshot, first, snapshot->bits));
	do {
		if (!cursor_next(&cursor, &found, err))
			return false;
	} while (found.data && memcmp(cursor.id, wanted, sizeof(wanted)) < 0);
	if (!found.data || memcmp(cursor.id, wanted, sizeof(wanted)) != 0)
		return true;
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
