/*
 * Checking everything: both digests of every frame, the order of the objects, every line, and what the
 * objects add up to. A bucket, or a piece of the file, is a job for a crew; the sums do not care in which order they come.
 */
#include "base/scan.h"
#include "snapshots/snapshots_internal.h"

struct job {
	struct snapshot *snapshot;
	uint32_t first, end;       /* frames: those of one bucket, or a piece of the file */
	size_t bytes;              /* only the digests of these; 0: the objects in them */
	struct unpacker *unpacker; /* of the thread that works on it */
	struct cursor cursor;
	uint64_t objects[KIND_COUNT], deleted;
	bool failed;
	struct error err;
};

static void job_release(void *released)
{
	struct job *job = released;

	cursor_release(&job->cursor);
}

static bool damaged(struct job *job, const char *what)
{
	return frame_damaged(job->snapshot, job->cursor.loaded, &job->err, what);
}

static bool line_damaged(struct job *job, struct span id, const char *fault)
{
	CLEANUP(buf_release) struct buf what = BUF_UP_TO(sizeof(job->err.text));

	buf_addf(&what, "object %.*s: %s", SPAN_FORMAT(id), fault);
	return damaged(job, buf_text(&what));
}

/* Each line is strict JSON; one is the object's own and comes first, the others are its parts. */
static bool check_lines(struct job *job, struct span lines)
{
	for (struct span rest = lines; rest.length; rest = line_rest(rest)) {
		struct error fault = { 0 };
		bool is_first = rest.data == lines.data;

		if (!scan_check(line_first(rest), &fault))
			return line_damaged(job, line_id(line_first(lines)), fault.text);
		if (line_is_part(line_first(rest)) == is_first)
			return damaged(job,
				is_first ? "an object that begins with a part of it"
					 : "an object that is there twice");
	}
	return true;
}

static bool count_object(struct job *job, struct span lines)
{
	struct line_facts facts;

	if (!check_lines(job, lines))
		return false;
	if (!line_read(line_first(lines), &facts))
		return damaged(job, "an object of no known kind");
	if (facts.deleted)
		job->deleted++;
	else
		job->objects[facts.kind->id]++;
	return true;
}

static bool job_prepare(struct job *job, struct unpacker *unpacker)
{
	if (!unpacker->zstd && !unpacker_init(unpacker, &job->err))
		return false;
	if (!job->cursor.snapshot) {
		cursor_init(&job->cursor, job->snapshot);
		job->cursor.thorough = true;
	}
	job->unpacker = job->cursor.unpacker = unpacker;
	return true;
}

static bool check_bytes(struct job *job, struct unpacker *unpacker)
{
	unpacker->packed.limit = PACKED_MAX;
	return frames_load(
		job->snapshot, job->first, job->end, job->bytes, &unpacker->packed, &job->err);
}

static bool check_objects(struct job *job)
{
	struct span lines;

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

static void job_work(void *context, unsigned worker, void *worked)
{
	struct unpacker *unpackers = context;
	struct job *job = worked;

	memset(job->objects, 0, sizeof(job->objects));
	job->deleted = 0;
	job->failed = job->bytes ? !check_bytes(job, &unpackers[worker])
				 : !job_prepare(job, &unpackers[worker]) || !check_objects(job);
}

struct checking {
	struct snapshot *snapshot;
	const struct progress *progress;
	struct crew *crew;
	struct unpacker unpackers[CREW_MAX];
	bool bytes_only;             /* the digests of the frames, without unpacking them */
	struct snapshot_header sums; /* only the numbers */
};

static void checking_release(struct checking *checking)
{
	crew_free(checking->crew, job_release);
	for (size_t i = 0; i < CREW_MAX; i++)
		unpacker_release(&checking->unpackers[i]);
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

static bool give(
	struct checking *checking, uint32_t first, uint32_t end, size_t bytes, struct error *err)
{
	struct job *job;

	while (!(job = crew_vacant(checking->crew)))
		if (!add_up_oldest(checking, err))
			return false;
	job->snapshot = checking->snapshot;
	job->first = first;
	job->end = end;
	job->bytes = bytes;
	crew_give(checking->crew);
	return true;
}

static bool check_buckets(
	struct checking *checking, uint32_t first, uint32_t last, struct error *err)
{
	const struct snapshot *snapshot = checking->snapshot;
	size_t bytes = 0;

	checking->crew = crew_new(
		snapshot->workers, sizeof(struct job), job_work, checking->unpackers);
	for (uint32_t end; first < last; first = end) {
		end = checking->bytes_only ? frames_piece(snapshot, first, last, &bytes)
					   : bucket_end(snapshot, first, snapshot->bits);
		if (!give(checking, first, end, bytes, err))
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

	return check_buckets(&checking, 1, snapshot->entry_count, err) &&
		(sums_match(&snapshot->header, &checking.sums) ||
			error_set(err, ERROR_FORMAT,
				"%s: index: the objects are not as many as it says",
				snapshot->path));
}

bool snapshot_check_bytes(
	struct snapshot *snapshot, uint32_t first, uint32_t end, struct error *err)
{
	CLEANUP(checking_release)
	struct checking checking = { .snapshot = snapshot, .bytes_only = true };

	return check_buckets(&checking, first, end, err);
}
