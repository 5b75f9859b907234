/*
 * The second pass: of live only the frames in which something comes twice, or the lines that hold a
 * piece of the one address; of the base only what live says otherwise. Lines are picked in the
 * threads of the snapshot, and read in the caller's.
 */
#include "base/memory.h"
#include "reconcile/claimants_internal.h"

struct picking {
	const struct claim_rows *rows;
	bool found;
};

static void is_wanted(void *context, enum claim_place place, struct span key)
{
	struct picking *picking = context;

	(void)place;
	picking->found = picking->found ||
		hash_set_has(&picking->rows->wanted, claim_hash(&picking->rows->hasher, key));
}

static bool pick(const struct claim_rows *rows, struct claim_room *room, struct span line,
	bool *found, struct error *err)
{
	struct picking picking = { .rows = rows };

	if (!claims_of_line(room, line, is_wanted, &picking, err))
		return false;
	*found = picking.found;
	return true;
}

/* Lines of a frame, borrowed. */
struct picked {
	struct claim_room room;
	bool begun;
	struct span *lines;
	size_t count, capacity;
	struct buf lowered;
};

static void picked_begin(void *looked)
{
	struct picked *picked = looked;

	if (!picked->begun) {
		claim_room_init(&picked->room);
		picked->lowered = (struct buf)BUF_UP_TO(SNAPSHOT_BUCKET_MAX);
	}
	picked->begun = true;
	picked->count = 0;
}

static void picked_release(void *looked)
{
	struct picked *picked = looked;

	claim_room_release(&picked->room);
	buf_release(&picked->lowered);
	memory_free(picked->lines);
}

struct collecting {
	struct claim_rows *rows;
	struct claim_room room;
	struct buf needle; /* each byte with the bit set that small letters have */
};

static void collecting_release(struct collecting *collecting)
{
	claim_room_release(&collecting->room);
	buf_release(&collecting->needle);
}

static bool pick_line(const struct collecting *collecting, struct picked *picked, struct span line,
	struct error *err)
{
	bool found;

	if (!pick(collecting->rows, &picked->room, line, &found, err))
		return false;
	if (!found)
		return true;
	MEMORY_GROW(picked->lines, picked->count, picked->capacity);
	picked->lines[picked->count++] = line;
	return true;
}

static bool pick_all(const struct collecting *collecting, struct picked *picked, struct span lines,
	struct error *err)
{
	while (lines.length)
		if (!pick_line(collecting, picked, claim_next_line(&lines), err))
			return false;
	return true;
}

enum { SMALL = 0x20 };

static void add_small(struct buf *out, struct span text)
{
	char *to = buf_room(out, text.length);

	for (size_t i = 0; to && i < text.length; i++)
		to[i] = (char)(text.data[i] | SMALL);
	if (to)
		buf_grew(out, text.length);
}

/* What is equal whatever the case is found here, and other things, too: lines are looked at. */
static bool pick_by_needle(const struct collecting *collecting, struct picked *picked,
	struct span lines, struct error *err)
{
	const char *at, *end, *hit;

	buf_cut(&picked->lowered, 0);
	add_small(&picked->lowered, lines);
	at = picked->lowered.data;
	end = at + picked->lowered.length;
	while (at < end &&
		(hit = memmem(at, (size_t)(end - at), collecting->needle.data,
			 collecting->needle.length))) {
		size_t place = (size_t)(hit - picked->lowered.data);
		const char *before = memrchr(lines.data, '\n', place);
		struct span rest = { before ? before + 1 : lines.data, 0 };
		struct span line;

		rest.length = (size_t)(lines.data + lines.length - rest.data);
		line = claim_next_line(&rest);
		if (!pick_line(collecting, picked, line, err))
			return false;
		at = picked->lowered.data + (rest.data - lines.data);
	}
	return true;
}

static bool collect_frame(
	void *context, void *looked, uint32_t frame, struct span lines, struct error *err)
{
	const struct collecting *collecting = context;

	(void)frame;
	return collecting->needle.length ? pick_by_needle(collecting, looked, lines, err)
					 : pick_all(collecting, looked, lines, err);
}

static bool collect_hand_out(void *context, void *looked, struct error *err)
{
	struct collecting *collecting = context;
	const struct picked *picked = looked;

	for (size_t i = 0; i < picked->count; i++)
		if (!claim_rows_add_line(
			    collecting->rows, &collecting->room, picked->lines[i], false, err))
			return false;
	return true;
}

bool claim_rows_collect(struct claim_rows *rows, struct snapshot *live, const bool *frames,
	struct span needle, struct error *err)
{
	CLEANUP(collecting_release)
	struct collecting collecting = { .rows = rows, .needle = BUF_UP_TO(DIRECTORY_LINE_MAX) };
	struct snapshot_scanner scanner = { .size = sizeof(struct picked),
		.begin = picked_begin,
		.look = collect_frame,
		.hand_out = collect_hand_out,
		.release = picked_release,
		.only = frames,
		.context = &collecting };

	claim_room_init(&collecting.room);
	add_small(&collecting.needle, needle);
	return !rows->wanted.count || snapshot_scan(live, &scanner, err);
}

/* ---- what the base says otherwise ------------------------------------------------------------ */

/* Objects of which one side or the other has something to do with what is wanted. */
struct pairs {
	struct claim_room room;
	bool begun;
	struct {
		struct span base, live;
	} * items;
	size_t count, capacity;
};

static void pairs_begin(void *looked)
{
	struct pairs *pairs = looked;

	if (!pairs->begun)
		claim_room_init(&pairs->room);
	pairs->begun = true;
	pairs->count = 0;
}

static void pairs_release(void *looked)
{
	struct pairs *pairs = looked;

	claim_room_release(&pairs->room);
	memory_free(pairs->items);
}

/* Part lines come behind the object's own. */
static struct span first_line(struct span lines)
{
	return lines.length ? claim_next_line(&lines) : SPAN_NONE;
}

static bool look_at_pair(
	void *context, void *looked, struct span base, struct span live, struct error *err)
{
	const struct collecting *collecting = context;
	struct pairs *pairs = looked;
	struct span was = first_line(base), is = first_line(live);
	bool before = false, now = false;

	if ((was.data && !pick(collecting->rows, &pairs->room, was, &before, err)) ||
		(is.data && !pick(collecting->rows, &pairs->room, is, &now, err)))
		return false;
	if (!before && !now)
		return true;
	MEMORY_GROW(pairs->items, pairs->count, pairs->capacity);
	pairs->items[pairs->count].base = was;
	pairs->items[pairs->count++].live = is;
	return true;
}

static bool add_pair(
	struct collecting *collecting, struct span base, struct span live, struct error *err)
{
	struct claim_rows *rows = collecting->rows;
	CLEANUP(object_freep) struct object *object = object_parse(base.data ? base : live, err);

	if (!object)
		return false;
	MEMORY_GROW(rows->changed, rows->changed_count, rows->changed_capacity);
	rows->changed[rows->changed_count++] = texts_keep(rows->texts, object_id(object));
	return !base.data || claim_rows_add_line(rows, &collecting->room, base, true, err);
}

static bool base_hand_out(void *context, void *looked, struct error *err)
{
	const struct pairs *pairs = looked;

	for (size_t i = 0; i < pairs->count; i++)
		if (!add_pair(context, pairs->items[i].base, pairs->items[i].live, err))
			return false;
	return true;
}

bool claim_rows_collect_base(
	struct claim_rows *rows, struct snapshot *base, struct snapshot *live, struct error *err)
{
	CLEANUP(collecting_release) struct collecting collecting = { .rows = rows };
	struct snapshot_looker looker = { .size = sizeof(struct pairs),
		.begin = pairs_begin,
		.look = look_at_pair,
		.hand_out = base_hand_out,
		.release = pairs_release,
		.context = &collecting };

	claim_room_init(&collecting.room);
	/* Objects come in order of their ids. */
	return !rows->wanted.count || snapshot_look(base, live, &looker, err);
}
