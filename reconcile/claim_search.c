/*
 * The first pass: every address of a directory is hashed, a frame of lines in each thread, and what comes
 * twice is found by its hash.
 */
#include "base/memory.h"
#include "reconcile/claimants_internal.h"

struct span claim_next_line(struct span *lines)
{
	const char *end = memchr(lines->data, '\n', lines->length);
	struct span line = { lines->data, end ? (size_t)(end - lines->data) : lines->length };
	size_t taken = line.length + (end != NULL);

	lines->data += taken;
	lines->length -= taken;
	return line;
}

enum { RECENT = 32 }; /* of one object; should it have more, some are looked at in vain */

struct gathered {
	struct claim_room room;
	bool begun;
	const struct claim_hasher *hasher;
	uint32_t frame;
	size_t of_object; /* in items: where those of this object begin */
	struct hashed_claim *items;
	size_t count, capacity;
};

static void gathered_begin(void *looked)
{
	struct gathered *gathered = looked;

	if (!gathered->begun)
		claim_room_init(&gathered->room);
	gathered->begun = true;
	gathered->count = 0;
}

static void gathered_release(void *looked)
{
	struct gathered *gathered = looked;

	claim_room_release(&gathered->room);
	memory_free(gathered->items);
}

static enum hash_weight weight_of(enum claim_place place)
{
	if (BIT(place) & PLACES_WAITING)
		return HASH_WANTED;
	return BIT(place) & PLACES_HELD ? HASH_HELD : HASH_TOLD;
}

/* A person's mail, sign-in name and primary address are one and the same, nearly always. */
static void gather(void *context, enum claim_place place, struct span key)
{
	struct gathered *gathered = context;
	struct hashed_claim claim = { claim_hash(gathered->hasher, key), gathered->frame,
		weight_of(place) };
	size_t least = gathered->count > RECENT ? gathered->count - RECENT : 0;

	if (least < gathered->of_object)
		least = gathered->of_object;
	for (size_t i = gathered->count; i > least; i--)
		if (gathered->items[i - 1].hash == claim.hash &&
			gathered->items[i - 1].weight == claim.weight)
			return;
	MEMORY_GROW(gathered->items, gathered->count, gathered->capacity);
	gathered->items[gathered->count++] = claim;
}

struct search {
	struct claim_rows *rows;
	struct hashes *hashes;
	const struct progress *progress;
	uint64_t done;
};

static bool search_frame(
	void *context, void *looked, uint32_t frame, struct span lines, struct error *err)
{
	const struct search *search = context;
	struct gathered *gathered = looked;

	gathered->hasher = &search->rows->hasher;
	gathered->frame = frame;
	while (lines.length) {
		gathered->of_object = gathered->count;
		if (!claims_of_line(
			    &gathered->room, claim_next_line(&lines), gather, gathered, err))
			return false;
	}
	return true;
}

static bool search_hand_out(void *context, void *looked, struct error *err)
{
	struct search *search = context;
	const struct gathered *gathered = looked;

	(void)err;
	for (size_t i = 0; i < gathered->count; i++)
		hashes_add(search->hashes, &gathered->items[i]);
	search->done += gathered->count;
	progress_step(search->progress, "addresses", search->done, 0);
	return true;
}

bool claim_rows_search(struct claim_rows *rows, struct snapshot *live, bool *frames,
	const struct progress *progress, struct error *err)
{
	CLEANUP(hashes_freep) struct hashes *hashes = hashes_new();
	struct search search = { .rows = rows, .hashes = hashes, .progress = progress };
	struct snapshot_scanner scanner = { .size = sizeof(struct gathered),
		.begin = gathered_begin,
		.look = search_frame,
		.hand_out = search_hand_out,
		.release = gathered_release,
		.context = &search };

	if (!snapshot_scan(live, &scanner, err))
		return false;
	hashes_find(hashes, &rows->wanted, frames);
	return true;
}
