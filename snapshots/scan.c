/*
 * Looking at all the text of a snapshot, a frame at a time, in several threads: for who knows how to
 * look at lines without parsing them. Frames are handed out in their order, whoever looked at them.
 */
#include "base/memory.h"
#include "snapshots/snapshots_internal.h"

struct scan_job {
	const struct snapshot_scanner *scanner;
	uint32_t frame;
	struct buf plain;
	void *looked;
	bool failed;
	struct error err;
};

struct scanning {
	const struct snapshot *snapshot;
	const struct snapshot_scanner *scanner;
	struct crew *crew;
	struct unpacker unpackers[CREW_MAX];
};

uint32_t snapshot_frames(const struct snapshot *snapshot)
{
	return snapshot->entry_count;
}

static void scan_job_release(void *released)
{
	struct scan_job *job = released;

	if (job->looked)
		job->scanner->release(job->looked);
	buf_release(&job->plain);
	memory_free(job->looked);
}

static void scanning_release(struct scanning *scanning)
{
	crew_free(scanning->crew, scan_job_release);
	for (size_t i = 0; i < CREW_MAX; i++)
		unpacker_release(&scanning->unpackers[i]);
}

static bool look(const struct scanning *scanning, struct scan_job *job, struct unpacker *unpacker)
{
	const struct snapshot_scanner *scanner = scanning->scanner;
	struct error *err = &job->err;

	if (!unpacker->zstd && !unpacker_init(unpacker, err))
		return false;
	if (!frame_read(scanning->snapshot, unpacker, job->frame, &job->plain, err))
		return false;
	if (scanner->look(scanner->context, job->looked, job->frame, buf_span(&job->plain), err))
		return true;
	return error_prefix(err, "a bucket at offset %llu of %s",
		(unsigned long long)snapshot_entry(scanning->snapshot, job->frame).offset,
		scanning->snapshot->path);
}

static void scan_job_work(void *context, unsigned worker, void *worked)
{
	struct scanning *scanning = context;
	struct scan_job *job = worked;

	if (!job->looked) {
		job->scanner = scanning->scanner;
		job->looked = memory_new(scanning->scanner->size);
		job->plain = (struct buf)BUF_UP_TO(SNAPSHOT_BUCKET_MAX);
	}
	scanning->scanner->begin(job->looked);
	job->failed = !look(scanning, job, &scanning->unpackers[worker]);
}

static bool hand_out_oldest(const struct scanning *scanning, struct error *err)
{
	const struct snapshot_scanner *scanner = scanning->scanner;
	struct scan_job *job = crew_oldest(scanning->crew);

	if (job->failed) {
		*err = job->err;
		return false;
	}
	if (!scanner->hand_out(scanner->context, job->looked, err))
		return false;
	crew_drop(scanning->crew);
	return true;
}

bool snapshot_scan(
	struct snapshot *snapshot, const struct snapshot_scanner *scanner, struct error *err)
{
	CLEANUP(scanning_release)
	struct scanning scanning = { .snapshot = snapshot, .scanner = scanner };

	scanning.crew = crew_new(
		snapshot->workers, sizeof(struct scan_job), scan_job_work, &scanning);
	for (uint32_t frame = 1; frame < snapshot->entry_count; frame++) {
		struct scan_job *job;

		if (scanner->only && !scanner->only[frame])
			continue;
		while (!(job = crew_vacant(scanning.crew)))
			if (!hand_out_oldest(&scanning, err))
				return false;
		job->frame = frame;
		crew_give(scanning.crew);
	}
	while (crew_oldest(scanning.crew))
		if (!hand_out_oldest(&scanning, err))
			return false;
	return true;
}
