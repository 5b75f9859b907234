/*
 * Checking everything: both digests of every frame, the order of the objects, and what they add up to.
 * A bucket is a job for a crew; the sums do not care in which order they come.
 */
#include "snapshots/snapshots_internal.h"

struct job {
	struct snapshot *snapshot;
	uint32_t first, end; /* frames: those of one bucket */
	struct unpacker unpacker;
	struct cursor cursor;
	uint64_t objects[KIND_COUNT], deleted;
	bool failed;
	struct error err;
};

static void job_release(void *released)
{
	struct job *job = released;

	cursor_release(&job->cursor);
	unpacker_release(&job->unpacker);
}

static bool count_object(struct job *job, struct span lines)
{
	struct line_facts facts;

	if (!line_read(line_first(lines), &facts))
		return frame_damaged(
			job->snapshot, job->cursor.loaded, &job->err, "an object of no known kind");
	if (facts.deleted)
		job->deleted++;
	else
		job->objects[facts.kind->id]++;
	return true;
}

static bool check_bucket(struct job *job)
{
	struct span lines;

	if (!job->unpacker.zstd) {
		if (!unpacker_init(&job->unpacker, &job->err))
			return false;
		cursor_init(&job->cursor, job->snapshot);
		job->cursor.unpacker = &job->unpacker;
		job->cursor.thorough = true;
	}
	cursor_seek(&job->cursor, job->first, job->end);
	for (;;) {
		if (!cursor_next(&job->cursor, &lines, &job->err))
			return false;
		if (!lines.data)
			return true;
		if (!count_object(job, lines))
			return false;
	}
}

static void job_work(void *context, void *worked)
{
	struct job *job = worked;

	(void)context;
	memset(job->objects, 0, sizeof(job->objects));
	job->deleted = 0;
	job->failed = !check_bucket(job);
}

struct checking {
	struct snapshot *snapshot;
	const struct progress *progress;
	struct crew *crew;
	struct snapshot_header sums; /* only the numbers */
};

static void checking_release(struct checking *checking)
{
	crew_free(checking->crew, job_release);
}

static bool add_up_oldest(struct checking *checking, struct error *err)
{
	const struct job *job = crew_oldest(checking->crew);

	if (job->failed) {
		*err = job->err;
		return false;
	}
	for (int kind = 0; kind < KIND_COUNT; kind++)
		checking->sums.objects[kind] += job->objects[kind];
	checking->sums.deleted += job->deleted;
	progress_step(
		checking->progress, "frames", job->end - 1, checking->snapshot->entry_count - 1);
	crew_drop(checking->crew);
	return true;
}

static bool give(struct checking *checking, uint32_t first, uint32_t end, struct error *err)
{
	struct job *job;

	while (!(job = crew_vacant(checking->crew)))
		if (!add_up_oldest(checking, err))
			return false;
	job->snapshot = checking->snapshot;
	job->first = first;
	job->end = end;
	crew_give(checking->crew);
	return true;
}

static bool check_buckets(struct checking *checking, struct error *err)
{
	const struct snapshot *snapshot = checking->snapshot;
	uint32_t end;

	for (uint32_t first = 1; first < snapshot->entry_count; first = end) {
		end = bucket_end(snapshot, first, snapshot->bits);
		if (!give(checking, first, end, err))
			return false;
	}
	while (crew_oldest(checking->crew))
		if (!add_up_oldest(checking, err))
			return false;
	return true;
}

/* What the objects add up to, against what the index says. */
static bool sums_match(const struct snapshot_header *header, const struct snapshot_header *sums)
{
	return sums->deleted == header->deleted &&
		memcmp(sums->objects, header->objects, sizeof(sums->objects)) == 0;
}

bool snapshot_check(struct snapshot *snapshot, const struct progress *progress, struct error *err)
{
	CLEANUP(checking_release)
	struct checking checking = { .snapshot = snapshot, .progress = progress };

	checking.crew = crew_new(snapshot->workers, sizeof(struct job), job_work, NULL);
	return check_buckets(&checking, err) &&
		(sums_match(&snapshot->header, &checking.sums) ||
			error_set(err, ERROR_FORMAT,
				"%s: index: the objects are not as many as it says",
				snapshot->path));
}
