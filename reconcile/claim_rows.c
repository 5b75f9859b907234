/*
 * From a whole directory to the rows of the few addresses that matter: one pass that hashes every
 * address, then another over those frames alone in which something comes twice, where lines are parsed
 * and keys are compared byte for byte.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/claimants_internal.h"

void claim_rows_init(struct claim_rows *rows)
{
	*rows = (struct claim_rows){ .texts = texts_new() };
	claim_hasher_init(&rows->hasher);
}

void claim_rows_release(struct claim_rows *rows)
{
	for (size_t i = 0; i < rows->object_count; i++)
		memory_free(rows->objects[i]);
	memory_free(rows->objects);
	memory_free(rows->items);
	memory_free(rows->changed);
	hash_set_release(&rows->wanted);
	texts_free(rows->texts);
}

/* Calls `each` for every line, without its newline. */
static struct span next_line(struct span *lines)
{
	const char *end = memchr(lines->data, '\n', lines->length);
	struct span line = { lines->data, end ? (size_t)(end - lines->data) : lines->length };
	size_t taken = line.length + (end != NULL);

	lines->data += taken;
	lines->length -= taken;
	return line;
}

/* ---- the first pass: hashes -------------------------------------------------------------- */

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
		if (!claims_of_line(&gathered->room, next_line(&lines), gather, gathered, err))
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

/* ---- rows -------------------------------------------------------------------------------- */

/* What in the kinds table a place is. */
static const char *const place_attributes[CLAIM_PLACES] = {
	[CLAIM_PRIMARY] = "proxyAddresses",
	[CLAIM_PROXY] = "proxyAddresses",
	[CLAIM_MAIL] = "mail",
	[CLAIM_SIGN_IN] = "userPrincipalName",
	[CLAIM_IM] = "imAddresses",
	[CLAIM_OTHER_MAIL] = "otherMails",
	[CLAIM_QUARANTINED_PROXY] = "proxyAddresses",
	[CLAIM_QUARANTINED_SIGN_IN] = "userPrincipalName",
};

static void find_doors(struct claim_object *kept, const struct object *object)
{
	for (int i = 0; i < CLAIM_PLACES; i++) {
		const struct attribute *attribute = place_attributes[i]
			? attribute_find(kept->kind, span_of(place_attributes[i]))
			: NULL;

		kept->doors[i] = DOOR_MANUAL;
		/* Another value stands there afterwards, so nothing has to be cleared. */
		if (attribute)
			kept->doors[i] = door_of_value(object, attribute,
				(struct known_value){ true, SPAN_LITERAL("\"\"") });
	}
}

const struct claim_object *claim_rows_keep_object(
	struct claim_rows *rows, const struct object *object)
{
	struct claim_object *kept = memory_new(sizeof(*kept));

	kept->kind = object_kind(object);
	kept->id = texts_keep(rows->texts, object_id(object));
	kept->name = texts_keep(rows->texts, object_name(object));
	kept->mastery = object_mastery(object);
	kept->deleted = object_deleted(object);
	find_doors(kept, object);
	MEMORY_GROW(rows->objects, rows->object_count, rows->object_capacity);
	rows->objects[rows->object_count++] = kept;
	return kept;
}

struct adding {
	struct claim_rows *rows;
	const struct object *object;
	const struct claim_object *kept; /* NULL until the first row needs it */
	bool of_base;
};

static void add_row(void *context, enum claim_place place, struct span key)
{
	struct adding *adding = context;
	struct claim_rows *rows = adding->rows;

	if (!hash_set_has(&rows->wanted, claim_hash(&rows->hasher, key)))
		return;
	if (!adding->kept)
		adding->kept = claim_rows_keep_object(rows, adding->object);
	MEMORY_GROW(rows->items, rows->count, rows->capacity);
	rows->items[rows->count++] = (struct claim_row){
		.key = texts_keep(rows->texts, key),
		.object = adding->kept,
		.place = place,
		.of_base = adding->of_base,
		.since_ms = TIME_NONE,
	};
}

/* Since when the values of this object are in quarantine: told beside them. */
static void add_times(struct adding *adding, size_t first)
{
	struct span errors = object_get_named(adding->object, "onPremisesProvisioningErrors"),
		    entry;
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(CLAIM_KEY_MAX);
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct scan scan;

	if (!errors.data || scan_type(errors) != SCAN_ARRAY)
		return;
	for (scan = scan_open(errors); scan_element(&scan, &entry);) {
		struct span value, when;
		int64_t ms;

		if (scan_type(entry) != SCAN_OBJECT)
			continue;
		value = scan_find(entry, "value");
		when = scan_find(entry, "occurredDateTime");
		if (!value.data || scan_type(value) != SCAN_STRING || !when.data ||
			scan_type(when) != SCAN_STRING || !time_parse(scan_text_direct(when), &ms))
			continue;
		buf_cut(&text, 0);
		buf_cut(&key, 0);
		scan_text(value, &text);
		claim_add_key(&key, buf_span(&text), true);
		for (size_t i = first; i < adding->rows->count; i++)
			if (BIT(adding->rows->items[i].place) & PLACES_WAITING &&
				span_equal(adding->rows->items[i].key, buf_span(&key)))
				adding->rows->items[i].since_ms = ms;
	}
}

static bool add_object(struct claim_rows *rows, struct claim_room *room, struct span line,
	bool of_base, struct error *err)
{
	CLEANUP(object_freep) struct object *object = object_parse(line, err);
	struct adding adding = { .rows = rows, .object = object, .of_base = of_base };
	size_t first = rows->count;

	if (!object || !claims_of_line(room, line, add_row, &adding, err))
		return false;
	if (adding.kept)
		add_times(&adding, first);
	return true;
}

/* ---- the second pass: the lines that matter ---------------------------------------------- */

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
		if (!pick_line(collecting, picked, next_line(&lines), err))
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
		line = next_line(&rest);
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
		if (!add_object(collecting->rows, &collecting->room, picked->lines[i], false, err))
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
	return lines.length ? next_line(&lines) : SPAN_NONE;
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
	return !base.data || add_object(rows, &collecting->room, base, true, err);
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
