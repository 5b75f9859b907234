/*
 * Comparing two snapshots costs what changed: buckets with the same lines have the same digests
 * and are not read at all. Where the two have buckets of different width (one directory is much
 * larger than it was), the buckets of one are put together under the wider bucket of the other.
 *
 * A bucket that is not equal is a job of its own for a crew: both sides are read, checked, unpacked,
 * merged and looked at, and what came of it waits there for its turn. Only a bucket of several frames, which may
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

struct job {
	struct range base, live;
	struct merge merge;
	const struct snapshot_looker *looker;
	void *looked; /* what its pairs came to; they may point into the frames that the cursors hold */
	bool large, failed;
	struct error err;
};

static void *looked_new(const struct snapshot_looker *looker)
{
	return memory_new(looker->size);
}

static void looked_free(const struct snapshot_looker *looker, void *looked)
{
	if (looked)
		looker->release(looked);
	memory_free(looked);
}

static void job_release(void *released)
{
	struct job *job = released;

	merge_release(&job->merge);
	looked_free(job->looker, job->looked);
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

static bool job_look(void *context, struct span base, struct span live, struct error *err)
{
	struct job *job = context;

	return job->looker->look(job->looker->context, job->looked, base, live, err) ||
		add_place(job, err);
}

static void seek(struct merge *merge, const struct range *base, const struct range *live)
{
	cursor_seek(&merge->base.cursor, base->first, base->end);
	cursor_seek(&merge->live.cursor, live->first, live->end);
}

static bool job_prepare(struct job *job, const struct snapshot_looker *looker,
	struct unpacker *unpacker, struct error *err)
{
	struct merge *merge = &job->merge;

	if (!unpacker->zstd && !unpacker_init(unpacker, err))
		return false;
	if (!merge->pair) {
		cursor_init(&merge->base.cursor, job->base.snapshot);
		cursor_init(&merge->live.cursor, job->live.snapshot);
		merge->pair = job_look;
		merge->context = job;
		job->looker = looker;
		job->looked = looked_new(looker);
	}
	merge->base.cursor.unpacker = unpacker;
	merge->live.cursor.unpacker = unpacker;
	return true;
}

/* ---- comparing ---------------------------------------------------------------------------- */

struct comparison {
	struct crew *crew;
	struct unpacker unpackers[CREW_MAX];
	const struct snapshot_looker *looker;
	struct merge large;
	void *looked; /* of one pair of a large bucket */
};

static void comparison_release(struct comparison *comparison)
{
	crew_free(comparison->crew, job_release);
	for (size_t i = 0; i < CREW_MAX; i++)
		unpacker_release(&comparison->unpackers[i]);
	merge_release(&comparison->large);
	looked_free(comparison->looker, comparison->looked);
}

static void job_work(void *context, unsigned worker, void *worked)
{
	struct comparison *comparison = context;
	struct job *job = worked;

	job->failed = !job_prepare(
		job, comparison->looker, &comparison->unpackers[worker], &job->err);
	if (job->failed || job->large)
		return;
	comparison->looker->begin(job->looked);
	seek(&job->merge, &job->base, &job->live);
	job->failed = !merge_all(&job->merge, &job->err);
}

/* Of a bucket of several frames a pair at a time: it may be as large as a group. */
static bool look_and_hand_out(void *context, struct span base, struct span live, struct error *err)
{
	const struct comparison *comparison = context;
	const struct snapshot_looker *looker = comparison->looker;

	looker->begin(comparison->looked);
	return looker->look(looker->context, comparison->looked, base, live, err) &&
		looker->hand_out(looker->context, comparison->looked, err);
}

/* What was found before a fault is handed out before the fault is told, whoever worked on it. */
static bool hand_out(struct comparison *comparison, const struct job *job, struct error *err)
{
	const struct snapshot_looker *looker = comparison->looker;
	struct merge *large = &comparison->large;

	if (job->large && !job->failed) {
		seek(large, &job->base, &job->live);
		return merge_all(large, err);
	}
	if (job->looked && !job->large && !looker->hand_out(looker->context, job->looked, err))
		return add_place(job, err);
	if (job->failed)
		*err = job->err;
	return !job->failed;
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

bool snapshot_look(struct snapshot *base, struct snapshot *live,
	const struct snapshot_looker *looker, struct error *err)
{
	unsigned workers = base->workers < live->workers ? base->workers : live->workers;
	CLEANUP(comparison_release) struct comparison comparison = { .looker = looker };

	comparison.looked = looked_new(looker);
	comparison.large.pair = look_and_hand_out;
	comparison.large.context = &comparison;
	cursor_init(&comparison.large.base.cursor, base);
	cursor_init(&comparison.large.live.cursor, live);
	if (strcasecmp(base->header.tenant, live->header.tenant) != 0)
		return error_set(err, ERROR_REFUSED,
			"%s is of tenant %s, %s of tenant %s: name two snapshots of one tenant",
			base->path, base->header.tenant, live->path, live->header.tenant);
	comparison.crew = crew_new(workers, sizeof(struct job), job_work, &comparison);
	return compare_buckets(
		&comparison, (struct range){ base, 1, 1 }, (struct range){ live, 1, 1 }, err);
}

/* ---- pairs, for who does all in one thread ---------------------------------------------------- */

struct pairs {
	struct pair {
		struct span base, live;
	} * at;
	size_t count, capacity;
};

struct receiver {
	snapshot_pair_function *pair;
	void *context;
};

static void pairs_begin(void *looked)
{
	((struct pairs *)looked)->count = 0;
}

static bool keep_pair(
	void *context, void *looked, struct span base, struct span live, struct error *err)
{
	struct pairs *pairs = looked;

	(void)context;
	(void)err;
	MEMORY_GROW(pairs->at, pairs->count, pairs->capacity);
	pairs->at[pairs->count++] = (struct pair){ base, live };
	return true;
}

static bool hand_out_pairs(void *context, void *looked, struct error *err)
{
	const struct receiver *to = context;
	const struct pairs *pairs = looked;

	for (size_t i = 0; i < pairs->count; i++)
		if (!to->pair(to->context, pairs->at[i].base, pairs->at[i].live, err))
			return false;
	return true;
}

static void pairs_release(void *looked)
{
	memory_free(((struct pairs *)looked)->at);
}

bool snapshot_compare(struct snapshot *base, struct snapshot *live, snapshot_pair_function *pair,
	void *context, struct error *err)
{
	struct receiver receiver = { pair, context };
	struct snapshot_looker looker = { .size = sizeof(struct pairs),
		.begin = pairs_begin,
		.look = keep_pair,
		.hand_out = hand_out_pairs,
		.release = pairs_release,
		.context = &receiver };

	return snapshot_look(base, live, &looker, err);
}
