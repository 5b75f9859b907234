/*
 * Looking at every object of a snapshot, or at some, in several threads: a bucket is a job for a crew,
 * its objects are told apart by a cursor, with the checks of one, and what they came to is handed out in
 * the order of the ids. An object's lines are there while it is looked at and no longer, so that memory
 * stays flat whatever lies in the bucket.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "snapshots/snapshots_internal.h"

struct binary_id {
	uint8_t bytes[ID_BINARY_BYTES];
};

struct visit_job {
	const struct snapshot_visitor *visitor;
	uint32_t first, end; /* frames: those of one bucket */
	struct cursor cursor;
	void *looked;
	bool failed;
	struct error err;
};

struct visiting {
	struct snapshot *snapshot;
	const struct snapshot_visitor *visitor;
	struct crew *crew;
	struct unpacker unpackers[CREW_MAX];
	struct binary_id *only; /* sorted; NULL: all */
	size_t only_count;
};

static void visit_job_release(void *released)
{
	struct visit_job *job = released;

	if (!job->looked)
		return;
	job->visitor->release(job->looked);
	cursor_release(&job->cursor);
	memory_free(job->looked);
}

static void visiting_release(struct visiting *visiting)
{
	crew_free(visiting->crew, visit_job_release);
	for (size_t i = 0; i < CREW_MAX; i++)
		unpacker_release(&visiting->unpackers[i]);
	memory_free(visiting->only);
}

/* ---- which objects --------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, ID_BINARY_BYTES);
}

/* What is no id is of no object. */
static void take_ids(struct visiting *visiting)
{
	const struct snapshot_visitor *visitor = visiting->visitor;

	if (!visitor->only)
		return;
	visiting->only = memory_array(visitor->only_count + 1, sizeof(*visiting->only));
	for (size_t i = 0; i < visitor->only_count; i++)
		visiting->only_count += id_parse(
			visitor->only[i], visiting->only[visiting->only_count].bytes);
	if (visiting->only_count)
		qsort(visiting->only, visiting->only_count, sizeof(*visiting->only), by_bytes);
}

static bool is_wanted(const struct visiting *visiting, const struct cursor *cursor)
{
	return !visiting->only ||
		(visiting->only_count &&
			bsearch(cursor->id, visiting->only, visiting->only_count,
				sizeof(*visiting->only), by_bytes));
}

/* Passes over the ids before the bucket; false where none of it is wanted. */
static bool bucket_is_wanted(const struct visiting *visiting, uint32_t bucket, size_t *at)
{
	unsigned bits = visiting->snapshot->bits;

	while (visiting->only && *at < visiting->only_count &&
		bucket_of(visiting->only[*at].bytes, bits) < bucket)
		++*at;
	return !visiting->only ||
		(*at < visiting->only_count &&
			bucket_of(visiting->only[*at].bytes, bits) == bucket);
}

/* ---- one bucket ------------------------------------------------------------------------------- */

static bool look(const struct visiting *visiting, struct visit_job *job, struct error *err)
{
	const struct snapshot_visitor *visitor = visiting->visitor;
	struct span lines;

	for (;;) {
		if (!cursor_next(&job->cursor, &lines, err))
			return false;
		if (!lines.data)
			return true;
		if (!is_wanted(visiting, &job->cursor) ||
			visitor->look(visitor->context, job->looked, lines, err))
			continue;
		return error_prefix(err, "a bucket at offset %llu of %s",
			(unsigned long long)snapshot_entry(visiting->snapshot, job->first).offset,
			visiting->snapshot->path);
	}
}

static void visit_job_work(void *context, unsigned worker, void *worked)
{
	struct visiting *visiting = context;
	struct unpacker *unpacker = &visiting->unpackers[worker];
	struct visit_job *job = worked;

	if (!job->looked) {
		job->visitor = visiting->visitor;
		job->looked = memory_new(visiting->visitor->size);
		cursor_init(&job->cursor, visiting->snapshot);
	}
	visiting->visitor->begin(job->looked);
	job->cursor.unpacker = unpacker;
	cursor_seek(&job->cursor, job->first, job->end);
	job->failed = (!unpacker->zstd && !unpacker_init(unpacker, &job->err)) ||
		!look(visiting, job, &job->err);
}

/* ---- all of them ------------------------------------------------------------------------------ */

static bool hand_out_oldest(const struct visiting *visiting, struct error *err)
{
	const struct snapshot_visitor *visitor = visiting->visitor;
	struct visit_job *job = crew_oldest(visiting->crew);

	if (job->failed) {
		*err = job->err;
		return false;
	}
	if (!visitor->hand_out(visitor->context, job->looked, err))
		return false;
	crew_drop(visiting->crew);
	return true;
}

static bool give(const struct visiting *visiting, uint32_t first, uint32_t end, struct error *err)
{
	struct visit_job *job;

	while (!(job = crew_vacant(visiting->crew)))
		if (!hand_out_oldest(visiting, err))
			return false;
	job->first = first;
	job->end = end;
	crew_give(visiting->crew);
	return true;
}

bool snapshot_visit(
	struct snapshot *snapshot, const struct snapshot_visitor *visitor, struct error *err)
{
	CLEANUP(visiting_release)
	struct visiting visiting = { .snapshot = snapshot, .visitor = visitor };
	size_t at = 0;

	take_ids(&visiting);
	visiting.crew = crew_new(
		snapshot->workers, sizeof(struct visit_job), visit_job_work, &visiting);
	for (uint32_t first = 1, end; first < snapshot->entry_count; first = end) {
		end = bucket_end(snapshot, first, snapshot->bits);
		if (bucket_is_wanted(&visiting, snapshot_entry_bucket(snapshot, first), &at) &&
			!give(&visiting, first, end, err))
			return false;
	}
	while (crew_oldest(visiting.crew))
		if (!hand_out_oldest(&visiting, err))
			return false;
	return true;
}
