/*
 * Comparing two snapshots costs what changed: buckets with the same lines have the same digests
 * and are not read at all. Where the two have buckets of different width (one directory is much
 * larger than it was), the buckets of one are put together under the wider bucket of the other.
 *
 * A bucket that is not equal is a job of its own for a crew: both sides are read, checked, unpacked
 * and merged, and what differs waits there for its turn. Only a bucket of several frames, which may
 * be as large as a group, is left to the one who hands out, a frame at a time: memory stays flat.
 */
#include <inttypes.h>
#include <strings.h>

#include "base/memory.h"
#include "snapshots/snapshots_internal.h"

struct side {
	struct cursor cursor;
	struct span lines; /* the object that waits for its turn; absent: none does */
};

/* ---- merging both sides of a bucket ------------------------------------------------------ */

struct merge {
	struct side base, live;
	snapshot_pair_function *pair;
	void *context;
};

static void merge_release(struct merge *merge)
{
	cursor_release(&merge->base.cursor);
	cursor_release(&merge->live.cursor);
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
static bool step(struct merge *merge, struct error *err)
{
	int order = sides_order(&merge->base, &merge->live);
	struct span base = order <= 0 ? side_take(&merge->base) : SPAN_NONE;
	struct span live = order >= 0 ? side_take(&merge->live) : SPAN_NONE;

	if (span_equal(base, live))
		return true;
	return merge->pair(merge->context, base, live, err);
}

static bool merge_all(struct merge *merge, struct error *err)
{
	struct side *base = &merge->base, *live = &merge->live;

	for (;;) {
		if (!base->lines.data && !live->lines.data)
			cursor_skip_equal(&base->cursor, &live->cursor);
		if (!side_next(base, err) || !side_next(live, err))
			return false;
		if (!base->lines.data && !live->lines.data)
			return true;
		if (!step(merge, err))
			return false;
	}
}

/* ---- buckets ------------------------------------------------------------------------------ */

/* Frames [first, end) of one snapshot: those of one bucket. */
struct range {
	struct snapshot *snapshot;
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

/* Of each side one frame, no larger than a writer makes them. */
static bool fits_a_job(const struct range *range)
{
	return range->end == range->first ||
		(range->end == range->first + 1 &&
			snapshot_entry(range->snapshot, range->first).plain <= SPLIT_BYTES);
}

/* ---- jobs --------------------------------------------------------------------------------- */

struct pair {
	struct span base, live; /* in the frames that the job's cursors hold */
};

struct job {
	struct range base, live;
	struct merge merge;
	struct unpacker unpacker;
	struct pair *pairs;
	size_t count, capacity;
	bool large, failed;
	struct error err;
};

static void job_release(void *released)
{
	struct job *job = released;

	merge_release(&job->merge);
	unpacker_release(&job->unpacker);
	memory_free(job->pairs);
}

static bool keep_pair(void *context, struct span base, struct span live, struct error *err)
{
	struct job *job = context;

	(void)err;
	MEMORY_GROW(job->pairs, job->count, job->capacity);
	job->pairs[job->count++] = (struct pair){ base, live };
	return true;
}

static void seek(struct merge *merge, const struct range *base, const struct range *live)
{
	cursor_seek(&merge->base.cursor, base->first, base->end);
	cursor_seek(&merge->live.cursor, live->first, live->end);
}

static bool job_prepare(struct job *job, struct error *err)
{
	if (job->unpacker.zstd)
		return true;
	if (!unpacker_init(&job->unpacker, err))
		return false;
	cursor_init(&job->merge.base.cursor, job->base.snapshot);
	cursor_init(&job->merge.live.cursor, job->live.snapshot);
	job->merge.base.cursor.unpacker = &job->unpacker;
	job->merge.live.cursor.unpacker = &job->unpacker;
	job->merge.pair = keep_pair;
	job->merge.context = job;
	return true;
}

static void job_work(void *context, void *worked)
{
	struct job *job = worked;

	(void)context;
	job->count = 0;
	job->failed = !job_prepare(job, &job->err);
	if (job->failed || job->large)
		return;
	seek(&job->merge, &job->base, &job->live);
	job->failed = !merge_all(&job->merge, &job->err);
}

/* ---- comparing ---------------------------------------------------------------------------- */

struct comparison {
	struct crew *crew;
	struct merge large;
};

static void comparison_release(struct comparison *comparison)
{
	crew_free(comparison->crew, job_release);
	merge_release(&comparison->large);
}

static uint64_t offset_of(const struct range *range)
{
	uint32_t last = range->snapshot->entry_count - 1;

	return snapshot_entry(range->snapshot, range->first < last ? range->first : last).offset;
}

/* Who looks into the lines may find that they are none; where they lie is known here. */
static bool add_place(const struct job *job, struct error *err)
{
	if (err->kind != ERROR_FORMAT)
		return false;
	return error_prefix(err,
		"a bucket at offset %" PRIu64 " of %s and offset %" PRIu64 " of %s",
		offset_of(&job->base), job->base.snapshot->path, offset_of(&job->live),
		job->live.snapshot->path);
}

static bool hand_out_pairs(struct merge *to, const struct job *job, struct error *err)
{
	for (size_t i = 0; i < job->count; i++)
		if (!to->pair(to->context, job->pairs[i].base, job->pairs[i].live, err))
			return add_place(job, err);
	return true;
}

/* What was found before a fault is handed out before the fault is told, whoever worked on it. */
static bool hand_out(struct comparison *comparison, const struct job *job, struct error *err)
{
	struct merge *large = &comparison->large;

	if (!hand_out_pairs(large, job, err))
		return false;
	if (job->failed) {
		*err = job->err;
		return false;
	}
	if (!job->large)
		return true;
	seek(large, &job->base, &job->live);
	return merge_all(large, err);
}

static bool hand_out_oldest(struct comparison *comparison, struct error *err)
{
	if (!hand_out(comparison, crew_oldest(comparison->crew), err))
		return false;
	crew_drop(comparison->crew);
	return true;
}

static bool give(struct comparison *comparison, const struct range *base, const struct range *live,
	struct error *err)
{
	struct job *job;

	while (!(job = crew_vacant(comparison->crew)))
		if (!hand_out_oldest(comparison, err))
			return false;
	job->base = *base;
	job->live = *live;
	job->large = !fits_a_job(base) || !fits_a_job(live);
	crew_give(comparison->crew);
	return true;
}

static bool compare_buckets(
	struct comparison *comparison, struct range base, struct range live, struct error *err)
{
	unsigned bits = base.snapshot->bits < live.snapshot->bits ? base.snapshot->bits
								  : live.snapshot->bits;

	for (;;) {
		uint32_t base_prefix = range_prefix(&base, bits);
		uint32_t live_prefix = range_prefix(&live, bits);
		uint32_t prefix = base_prefix < live_prefix ? base_prefix : live_prefix;

		if (prefix == UINT32_MAX)
			break;
		range_take(&base, prefix, bits);
		range_take(&live, prefix, bits);
		if (!ranges_equal(&base, &live) && !give(comparison, &base, &live, err))
			return false;
		base.first = base.end;
		live.first = live.end;
	}
	while (crew_oldest(comparison->crew))
		if (!hand_out_oldest(comparison, err))
			return false;
	return true;
}

bool snapshot_compare(struct snapshot *base, struct snapshot *live, snapshot_pair_function *pair,
	void *context, struct error *err)
{
	unsigned workers = base->workers < live->workers ? base->workers : live->workers;
	CLEANUP(comparison_release)
	struct comparison comparison = { .large = { .pair = pair, .context = context } };

	cursor_init(&comparison.large.base.cursor, base);
	cursor_init(&comparison.large.live.cursor, live);
	if (strcasecmp(base->header.tenant, live->header.tenant) != 0)
		return error_set(err, ERROR_REFUSED,
			"%s is of tenant %s, %s of tenant %s: name two snapshots of one tenant",
			base->path, base->header.tenant, live->path, live->header.tenant);
	comparison.crew = crew_new(workers, sizeof(struct job), job_work, NULL);
	return compare_buckets(
		&comparison, (struct range){ base, 1, 1 }, (struct range){ live, 1, 1 }, err);
}
