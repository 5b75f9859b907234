/*
 * Comparing two snapshots costs what changed: buckets with the same lines have the same digests
 * and are not read at all. Where the two have buckets of different width (one directory is much
 * larger than it was), the buckets of one are put together under the wider bucket of the other.
 */
#include <strings.h>

#include "snapshots/snapshots_internal.h"

struct side {
	struct cursor cursor;
	struct span lines; /* the object that waits for its turn; absent: none does */
};

struct comparison {
	struct side base, live;
	snapshot_pair_function *pair;
	void *context;
};

static void comparison_release(struct comparison *comparison)
{
	cursor_release(&comparison->base.cursor);
	cursor_release(&comparison->live.cursor);
}

static bool side_next(struct side *side, struct error *err)
{
	return side->lines.data || cursor_next(&side->cursor, &side->lines, err);
}

/* Which side's object comes first; a side without one comes last. */
static int sides_order(const struct side *base, const struct side *live)
{
	if (!base->lines.data || !live->lines.data)
		return !base->lines.data - !live->lines.data;
	return memcmp(base->cursor.id, live->cursor.id, ID_BINARY_BYTES);
}

static struct span side_take(struct side *side)
{
	struct span lines = side->lines;

	side->lines = SPAN_NONE;
	return lines;
}

/* Hands out the first object, or both where it is the same object and differs. */
static bool step(struct comparison *comparison, struct error *err)
{
	int order = sides_order(&comparison->base, &comparison->live);
	struct span base = order <= 0 ? side_take(&comparison->base) : SPAN_NONE;
	struct span live = order >= 0 ? side_take(&comparison->live) : SPAN_NONE;

	if (span_equal(base, live))
		return true;
	return comparison->pair(comparison->context, base, live, err);
}

static bool merge(struct comparison *comparison, struct error *err)
{
	struct side *base = &comparison->base, *live = &comparison->live;

	for (;;) {
		if (!base->lines.data && !live->lines.data)
			cursor_skip_equal(&base->cursor, &live->cursor);
		if (!side_next(base, err) || !side_next(live, err))
			return false;
		if (!base->lines.data && !live->lines.data)
			return true;
		if (!step(comparison, err))
			return false;
	}
}

/* Frames [first, end) of one snapshot: those of one bucket. */
struct range {
	const struct snapshot *snapshot;
	uint32_t first, end;
};

static bool ranges_equal(const struct range *a, const struct range *b)
{
	if (a->snapshot->bits != b->snapshot->bits || a->end - a->first != b->end - b->first)
		return false;
	for (uint32_t i = 0; i < a->end - a->first; i++)
		if (!snapshot_entry_equal(a->snapshot, a->first + i, b->snapshot, b->first + i))
			return false;
	return true;
}

/* The bucket at range->first, as `bits` wide; behind the last one: more than any bucket. */
static uint32_t range_prefix(const struct range *range, unsigned bits)
{
	if (range->first == range->snapshot->entry_count)
		return UINT32_MAX;
	return snapshot_entry_bucket(range->snapshot, range->first) >>
		(range->snapshot->bits - bits);
}

/* Sets the range's end: empty where this side has no such bucket. */
static void range_take(struct range *range, uint32_t prefix, unsigned bits)
{
	range->end = range_prefix(range, bits) == prefix
		? bucket_end(range->snapshot, range->first, bits)
		: range->first;
}

static bool compare_buckets(struct comparison *comparison, struct error *err)
{
	struct range base = { comparison->base.cursor.snapshot, 1, 1 };
	struct range live = { comparison->live.cursor.snapshot, 1, 1 };
	unsigned bits = base.snapshot->bits < live.snapshot->bits ? base.snapshot->bits
								  : live.snapshot->bits;

	for (;;) {
		uint32_t base_prefix = range_prefix(&base, bits);
		uint32_t live_prefix = range_prefix(&live, bits);
		uint32_t prefix = base_prefix < live_prefix ? base_prefix : live_prefix;

		if (prefix == UINT32_MAX)
			return true;
		range_take(&base, prefix, bits);
		range_take(&live, prefix, bits);
		if (!ranges_equal(&base, &live)) {
			cursor_seek(&comparison->base.cursor, base.first, base.end);
			cursor_seek(&comparison->live.cursor, live.first, live.end);
			if (!merge(comparison, err))
				return false;
		}
		base.first = base.end;
		live.first = live.end;
	}
}

bool snapshot_compare(struct snapshot *base, struct snapshot *live, snapshot_pair_function *pair,
	void *context, struct error *err)
{
	CLEANUP(comparison_release)
	struct comparison comparison = { .pair = pair, .context = context };

	cursor_init(&comparison.base.cursor, base);
	cursor_init(&comparison.live.cursor, live);
	if (strcasecmp(base->header.tenant, live->header.tenant) != 0)
		return error_set(err, ERROR_REFUSED,
			"%s is of tenant %s, %s of tenant %s: name two snapshots of one tenant",
			base->path, base->header.tenant, live->path, live->header.tenant);
	return compare_buckets(&comparison, err);
}
