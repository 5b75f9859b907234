/*
 * A snapshot made from the one before it: what that one has, with the changes of a writer. The cost
 * is what changed. Frames of buckets that no change touches are copied byte for byte, their
 * digests checked on the way; a bucket that is touched is merged, and where all of it is as it was, copied
 * too (deleted items are read again each time, and hardly ever differ).
 *
 * The lines are those of a snapshot that was written whole. So is the number of buckets: where as
 * many objects would be put into more or fewer, all is packed anew.
 */
#include <string.h>

#include "base/memory.h"
#include "snapshots/snapshots_internal.h"

/* All changes of one bucket: what a group of six million members has, and its neighbours. */
#define CHANGES_MAX ((size_t)2 * SNAPSHOT_OBJECT_MAX)

/* The changes of one bucket of `previous`. */
struct bucket_change {
	uint8_t id[ID_BINARY_BYTES];
	size_t offset, length; /* in `lines`; no length: removed */
	struct line_facts facts;
};

struct update {
	struct runs *runs;
	struct snapshot *previous;
	struct packer *packer;
	struct cursor cursor;
	uint32_t frame; /* of `previous`: the first that is not passed yet */
	size_t quarantined;
	bool copies;  /* frames may be taken as they are */
	bool differs; /* the present bucket */
	uint64_t objects;
	/* one bucket's changes */
	uint32_t bucket;
	struct bucket_change *changes;
	size_t count, capacity;
	struct buf lines;
	/* the change that comes after them */
	struct change ahead;
	bool is_ahead;
};

static void update_release(struct update *update)
{
	packer_free(update->packer);
	cursor_release(&update->cursor);
	memory_free(update->changes);
	buf_release(&update->lines);
}

/* ---- the changes, a bucket at a time --------------------------------------------------- */

static bool look_ahead(struct update *update, struct error *err)
{
	return runs_next(update->runs, &update->ahead, &update->is_ahead, err);
}

static bool rewind_changes(struct update *update, struct error *err)
{
	return runs_rewind(update->runs, err) && look_ahead(update, err);
}

static bool keep_change(struct update *update, struct error *err)
{
	const struct change *change = &update->ahead;
	struct bucket_change *kept;

	MEMORY_GROW(update->changes, update->count, update->capacity);
	kept = &update->changes[update->count++];
	memcpy(kept->id, change->id, sizeof(kept->id));
	kept->offset = update->lines.length;
	kept->length = change->lines.length;
	kept->facts = change->facts;
	buf_add_span(&update->lines, change->lines);
	return buf_check(&update->lines, "the changes of a bucket", err);
}

/* Takes all changes of the next bucket that has any. */
static bool take_bucket(struct update *update, struct error *err)
{
	unsigned bits = update->previous->bits;

	update->count = 0;
	buf_cut(&update->lines, 0);
	update->bucket = bucket_of(update->ahead.id, bits);
	while (update->is_ahead && bucket_of(update->ahead.id, bits) == update->bucket)
		if (!keep_change(update, err) || !look_ahead(update, err))
			return false;
	return true;
}

static struct span lines_of(const struct update *update, const struct bucket_change *change)
{
	if (!change->length)
		return SPAN_NONE;
	return (struct span){ update->lines.data + change->offset, change->length };
}

/* ---- walking both sides ---------------------------------------------------------------- */

/* What stood there, what is to stand there; absent where nothing is. */
typedef bool pair_function(struct update *update, const uint8_t id[static ID_BINARY_BYTES],
	struct span before, struct span after, const struct bucket_change *change,
	struct error *err);

/* The objects of the frames and the changes, in id order. */
static bool walk(
	struct update *update, uint32_t first, uint32_t end, pair_function *pair, struct error *err)
{
	struct cursor *cursor = &update->cursor;
	struct span before;
	size_t at = 0;

	cursor_seek(cursor, first, end);
	cursor->started = false;
	if (!cursor_next(cursor, &before, err))
		return false;
	while (before.data || at < update->count) {
		const struct bucket_change *change = at < update->count ? &update->changes[at]
									: NULL;
		int order = !before.data ? 1
			: !change        ? -1
					 : memcmp(cursor->id, change->id, ID_BINARY_BYTES);

		if (order < 0) {
			if (!pair(update, cursor->id, before, before, NULL, err))
				return false;
		} else {
			if (!pair(update, change->id, order ? SPAN_NONE : before,
				    lines_of(update, change), change, err))
				return false;
			at++;
		}
		if (order <= 0 && !cursor_next(cursor, &before, err))
			return false;
	}
	return true;
}

/* ---- how many there will be ------------------------------------------------------------ */

static uint64_t count_before(const struct snapshot *previous)
{
	uint64_t count = previous->header.deleted;

	for (int kind = 0; kind < KIND_COUNT; kind++)
		count += previous->header.objects[kind];
	return count;
}

/* The frames of the present bucket: none where `end` is `first`. Frames before `first` have no changes. */
static void find_frames(const struct update *update, uint32_t *first, uint32_t *end)
{
	const struct snapshot *previous = update->previous;

	*first = update->frame;
	while (*first < previous->entry_count &&
		snapshot_entry_bucket(previous, *first) < update->bucket)
		++*first;
	*end = *first;
	if (*first < previous->entry_count &&
		snapshot_entry_bucket(previous, *first) == update->bucket)
		*end = bucket_end(previous, *first, previous->bits);
}

static bool count_pair(struct update *update, const uint8_t *id, struct span before,
	struct span after, const struct bucket_change *change, struct error *err)
{
	(void)id, (void)change, (void)err;
	update->objects += after.data != NULL;
	update->objects -= before.data != NULL;
	return true;
}

/*
 * How many bits this many objects have. Nearly always it is plain without looking: changes add
 * and remove no more than there are.
 */
static bool find_bits(struct update *update, unsigned *bits, struct error *err)
{
	uint64_t before = count_before(update->previous);
	uint64_t most = runs_count(update->runs);
	uint32_t first, end;

	*bits = update->previous->bits;
	if (bits_for(before > most ? before - most : 0) == *bits &&
		bits_for(before + most) == *bits)
		return true;
	update->objects = before;
	if (!rewind_changes(update, err))
		return false;
	while (update->is_ahead) {
		if (!take_bucket(update, err))
			return false;
		find_frames(update, &first, &end);
		if (!walk(update, first, end, count_pair, err))
			return false;
		update->frame = end;
	}
	update->frame = 1;
	*bits = bits_for(update->objects);
	return true;
}

/* ---- quarantined ids ------------------------------------------------------------------- */

/* Those of `previous` before `id` (NULL: all that are left), which no change touches. */
static void keep_quarantined(struct update *update, const uint8_t *id)
{
	const struct snapshot *previous = update->previous;
	uint8_t kept[ID_BINARY_BYTES];

	for (; update->quarantined < previous->quarantined_count; update->quarantined++) {
		if (!id_parse(span_of(previous->quarantined[update->quarantined]), kept))
			continue;
		if (id && memcmp(kept, id, sizeof(kept)) >= 0)
			break;
		packer_add_quarantined(update->packer, kept);
	}
}

static void settle_quarantined(struct update *update, const struct bucket_change *change)
{
	const struct snapshot *previous = update->previous;
	uint8_t kept[ID_BINARY_BYTES];

	keep_quarantined(update, change->id);
	if (update->quarantined < previous->quarantined_count &&
		id_parse(span_of(previous->quarantined[update->quarantined]), kept) &&
		memcmp(kept, change->id, sizeof(kept)) == 0)
		update->quarantined++;
	if (change->length && change->facts.quarantined)
		packer_add_quarantined(update->packer, change->id);
}

/* ---- writing --------------------------------------------------------------------------- */

static bool note_difference(struct update *update, const uint8_t *id, struct span before,
	struct span after, const struct bucket_change *change, struct error *err)
{
	(void)id, (void)change, (void)err;
	update->differs = update->differs || !before.data != !after.data ||
		!span_equal(before, after);
	return true;
}

static bool count_replaced(struct update *update, struct span before, struct error *err)
{
	struct line_facts facts;

	if (!line_read(line_first(before), &facts))
		return frame_damaged(
			update->previous, update->cursor.loaded, err, "an object of no known kind");
	packer_tally(update->packer, &facts, -1);
	return true;
}

static bool pack_pair(struct update *update, const uint8_t *id, struct span before,
	struct span after, const struct bucket_change *change, struct error *err)
{
	if (change && before.data && !count_replaced(update, before, err))
		return false;
	if (change && after.data)
		packer_tally(update->packer, &change->facts, 1);
	return !after.data || packer_add_lines(update->packer, id, after, err);
}

static bool take_over(struct update *update, uint32_t first, uint32_t end, struct error *err)
{
	if (update->copies)
		return packer_copy(update->packer, update->previous, first, end, err);
	update->count = 0;
	return walk(update, first, end, pack_pair, err);
}

static bool write_bucket(struct update *update, uint32_t first, uint32_t end, struct error *err)
{
	update->differs = false;
	if (update->copies && !walk(update, first, end, note_difference, err))
		return false;
	if (update->copies && !update->differs)
		return packer_copy(update->packer, update->previous, first, end, err);
	return walk(update, first, end, pack_pair, err);
}

/* What lies before the bucket is taken over first; its changes are put aside meanwhile. */
static bool write_next(struct update *update, struct error *err)
{
	uint32_t first, end;

	update->bucket = bucket_of(update->ahead.id, update->previous->bits);
	find_frames(update, &first, &end);
	if (!take_over(update, update->frame, first, err) || !take_bucket(update, err))
		return false;
	for (size_t i = 0; i < update->count; i++)
		settle_quarantined(update, &update->changes[i]);
	update->frame = end;
	return write_bucket(update, first, end, err);
}

static bool write_objects(struct update *update, struct error *err)
{
	packer_take_counts(update->packer, &update->previous->header);
	if (!rewind_changes(update, err))
		return false;
	while (update->is_ahead)
		if (!write_next(update, err))
			return false;
	keep_quarantined(update, NULL);
	return take_over(update, update->frame, update->previous->entry_count, err);
}

bool update_write(struct runs *runs, struct snapshot *previous, const char *path,
	const struct snapshot_header *header, unsigned workers, int64_t until_ms, struct error *err)
{
	CLEANUP(update_release)
	struct update update = {
		.runs = runs, .previous = previous, .frame = 1, .lines = BUF_UP_TO(CHANGES_MAX)
	};
	unsigned bits;

	cursor_init(&update.cursor, previous);
	if (!find_bits(&update, &bits, err))
		return false;
	update.copies = bits == previous->bits;
	update.packer = packer_new(path, header, bits, workers, err);
	return update.packer && write_objects(&update, err) &&
		packer_finish(update.packer, until_ms, err);
}
