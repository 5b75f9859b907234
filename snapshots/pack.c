/*
 * Writing the file: the header line's frame, a frame for each bucket, and the skippable frame with
 * the index, all to a temporary file. A frame is a job for a crew: compressed, unpacked again and
 * compared with its lines. At the end the file is read back, index and every frame's bytes, before
 * it gets its name [T32].
 */
#include <inttypes.h>
#include <sodium.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/time.h"
#include "snapshots/snapshots_internal.h"

/*
 * In frames of some 60 objects matches of four or five bytes are mostly chance: from six on, frames are
 * half a percent smaller and a tenth faster to unpack. Level 3 would make them 0.8 % smaller and take a
 * quarter longer.
 */
enum {
	LEVEL = 2,
	MATCH_MIN = 6,
};

/* Frames that were copied: checked on the way, and not read back. */
struct copied {
	uint32_t first, end;
};

/* What a thread packs with. */
struct tools {
	ZSTD_CCtx *packing;
	ZSTD_DCtx *unpacking;
	struct buf again;
};

/* A frame to be packed; or, with `copied`, frames of another snapshot, with their entries. */
struct job {
	struct buf plain, packed, copied;
	struct entry entry;
	bool failed;
	struct error err;
};

struct packer {
	char *path;
	struct file *file;
	struct crew *crew;
	struct tools tools[CREW_MAX];
	struct job *job;               /* whose `plain` is being filled */
	struct snapshot_header counts; /* numbers; at the end, what `header` says of its origin */
	const struct snapshot_header *header;
	unsigned bits, workers;
	uint32_t bucket; /* of the lines in the job */
	struct buf entries, quarantined;
	uint64_t offset; /* where the next frame begins */
	uint64_t objects;
	uint32_t frames; /* given out, the header line's too */
	struct copied *copied;
	size_t copied_count, copied_capacity;
};

static void job_release(void *released)
{
	struct job *job = released;

	buf_release(&job->copied);
	buf_release(&job->plain);
	buf_release(&job->packed);
}

static void tools_release(struct tools *tools)
{
	ZSTD_freeCCtx(tools->packing);
	ZSTD_freeDCtx(tools->unpacking);
	buf_release(&tools->again);
}

void packer_free(struct packer *packer)
{
	if (!packer)
		return;
	file_abandon(packer->file);
	crew_free(packer->crew, job_release);
	for (size_t i = 0; i < CREW_MAX; i++)
		tools_release(&packer->tools[i]);
	buf_release(&packer->entries);
	buf_release(&packer->quarantined);
	memory_free(packer->copied);
	memory_free(packer->path);
	memory_free(packer);
}

/* ---- frames -------------------------------------------------------------------------------- */

static bool tools_prepare(struct tools *tools, struct error *err)
{
	static const struct {
		ZSTD_cParameter parameter;
		int value;
	} parameters[] = {
		{ ZSTD_c_compressionLevel, LEVEL },
		{ ZSTD_c_minMatch, MATCH_MIN },
		{ ZSTD_c_checksumFlag, 1 },
	};

	if (tools->packing)
		return true;
	tools->again.limit = SNAPSHOT_BUCKET_MAX;
	tools->packing = ZSTD_createCCtx();
	tools->unpacking = ZSTD_createDCtx();
	if (!tools->packing || !tools->unpacking)
		return error_set(err, ERROR_SYSTEM, "libzstd can't start");
	for (size_t i = 0; i < COUNT_OF(parameters); i++) {
		size_t result = ZSTD_CCtx_setParameter(
			tools->packing, parameters[i].parameter, parameters[i].value);

		if (ZSTD_isError(result))
			return error_set(err, ERROR_SYSTEM, "libzstd can't be set up: %s",
				ZSTD_getErrorName(result));
	}
	return true;
}

static bool job_compress(struct job *job, struct tools *tools, struct span plain)
{
	size_t bound = ZSTD_compressBound(plain.length), packed;
	char *room;

	job->packed.limit = PACKED_MAX;
	buf_cut(&job->packed, 0);
	room = buf_room(&job->packed, bound);
	if (!buf_check(&job->packed, "a frame", &job->err))
		return false;
	packed = ZSTD_compress2(tools->packing, room, bound, plain.data, plain.length);
	if (ZSTD_isError(packed))
		return error_set(
			&job->err, ERROR_SYSTEM, "can't compress: %s", ZSTD_getErrorName(packed));
	buf_grew(&job->packed, packed);
	return true;
}

/* While the lines are still here to be compared with, and in the processor's cache. */
static bool job_unpacks_again(struct job *job, struct tools *tools, struct span plain)
{
	size_t unpacked;
	char *room;

	buf_cut(&tools->again, 0);
	room = buf_room(&tools->again, plain.length);
	if (!buf_check(&tools->again, "a frame", &job->err))
		return false;
	unpacked = ZSTD_decompressDCtx(
		tools->unpacking, room, plain.length, job->packed.data, job->packed.length);
	return (unpacked == plain.length && memcmp(room, plain.data, unpacked) == 0) ||
		error_set(&job->err, ERROR_SYSTEM,
			"zstd does not unpack to what was compressed; is this machine's memory "
			"damaged?");
}

static void job_describe(struct job *job, struct span plain)
{
	job->entry.packed = (uint32_t)job->packed.length;
	job->entry.plain = (uint32_t)plain.length;
	job->entry.lines = line_count(plain);
	digest_of(job->entry.plain_digest, plain.data, plain.length);
	digest_of(job->entry.packed_digest, job->packed.data, job->packed.length);
}

static void job_work(void *context, unsigned worker, void *worked)
{
	struct tools *tools = &((struct tools *)context)[worker];
	struct job *job = worked;
	struct span plain = buf_span(&job->plain);

	if (job->copied.length)
		return;
	job->failed = !tools_prepare(tools, &job->err) || !job_compress(job, tools, plain) ||
		!job_unpacks_again(job, tools, plain);
	if (!job->failed)
		job_describe(job, plain);
}

static void put_job(struct packer *packer, struct job *job)
{
	const uint8_t *at = (const uint8_t *)buf_text(&job->copied);

	for (size_t done = 0; done < job->copied.length; done += ENTRY_BYTES) {
		struct entry entry = get_entry(at + done);

		entry.offset += packer->offset;
		put_entry(&packer->entries, &entry);
	}
	if (!job->copied.length) {
		job->entry.offset = packer->offset;
		put_entry(&packer->entries, &job->entry);
	}
	packer->offset += job->packed.length;
}

/* Writes the frame that was given first, once it is compressed. */
static bool write_oldest(struct packer *packer, struct error *err)
{
	struct job *job = crew_oldest(packer->crew);

	if (job->failed) {
		*err = job->err;
		return error_prefix(err, "%s", packer->path);
	}
	put_job(packer, job);
	if (!file_write(packer->file, job->packed.data, job->packed.length, err))
		return false;
	crew_drop(packer->crew);
	return true;
}

static bool next_job(struct packer *packer, struct error *err)
{
	while (!(packer->job = crew_vacant(packer->crew)))
		if (!write_oldest(packer, err))
			return false;
	packer->job->plain.limit = SNAPSHOT_BUCKET_MAX;
	buf_cut(&packer->job->plain, 0);
	buf_cut(&packer->job->copied, 0);
	packer->job->failed = false;
	return true;
}

/* Gives out the lines collected so far as the next frame. */
static bool write_frame(struct packer *packer, struct error *err)
{
	if (!packer->job->plain.length)
		return true;
	packer->job->entry.bucket = packer->bucket;
	packer->frames++;
	crew_give(packer->crew);
	return next_job(packer, err);
}

/* Every frame is in the file. */
static bool write_all_frames(struct packer *packer, struct error *err)
{
	if (!write_frame(packer, err))
		return false;
	while (crew_oldest(packer->crew))
		if (!write_oldest(packer, err))
			return false;
	return true;
}

static bool write_header(
	struct packer *packer, const struct snapshot_header *header, struct error *err)
{
	char instant[TIME_TEXT_BYTES];
	CLEANUP(json_freep)
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "format", SNAPSHOT_FORMAT,
		"tenant", header->tenant, "cloud", header->cloud, "source", header->source,
		"takenFrom", time_text(header->taken_from_ms, instant), "attributes",
		description_attributes(header));

	if (!json)
		return error_set(err, ERROR_FORMAT, "%s: tenant, cloud or source is no UTF-8 text",
			packer->path);
	json_add(&packer->job->plain, json);
	buf_add_byte(&packer->job->plain, '\n');
	if (packer->job->plain.length > HEADER_MAX)
		return error_set(err, ERROR_FORMAT, "%s: header too large", packer->path);
	return write_frame(packer, err);
}

struct packer *packer_new(const char *path, const struct snapshot_header *header, unsigned bits,
	unsigned workers, struct error *err)
{
	CLEANUP(packer_freep) struct packer *packer = memory_new(sizeof(*packer));

	packer->path = memory_text(path);
	packer->bits = bits;
	packer->workers = workers;
	packer->header = header;
	packer->entries.limit = INDEX_MAX;
	packer->quarantined.limit = INDEX_MAX;
	packer->crew = crew_new(workers, sizeof(struct job), job_work, packer->tools);
	packer->file = file_create(path, err);
	if (!packer->file || !next_job(packer, err) || !write_header(packer, header, err))
		return NULL;
	return TAKE(packer);
}

/* ---- objects ------------------------------------------------------------------------------- */

/* Starts a new frame where `length` more bytes would make this one too large. */
static bool make_room(struct packer *packer, size_t length, struct error *err)
{
	size_t filled = packer->job->plain.length;

	if (!filled || filled + length <= SPLIT_BYTES)
		return true;
	return write_frame(packer, err);
}

void packer_take_counts(struct packer *packer, const struct snapshot_header *counts)
{
	memcpy(packer->counts.objects, counts->objects, sizeof(counts->objects));
	packer->counts.deleted = counts->deleted;
}

void packer_tally(struct packer *packer, const struct line_facts *facts, int by)
{
	uint64_t *count = facts->deleted ? &packer->counts.deleted
					 : &packer->counts.objects[facts->kind->id];

	*count += (uint64_t)by; /* down, too: modulo 2^64 */
}

void packer_add_quarantined(struct packer *packer, const uint8_t id[static ID_BINARY_BYTES])
{
	buf_add(&packer->quarantined, id, ID_BINARY_BYTES);
}

bool packer_add_lines(struct packer *packer, const uint8_t id[static ID_BINARY_BYTES],
	struct span lines, struct error *err)
{
	uint32_t bucket = bucket_of(id, packer->bits);

	if (bucket != packer->bucket && !write_frame(packer, err))
		return false;
	packer->bucket = bucket;
	packer->objects++;
	packer->counts.bytes += lines.length;
	if (!make_room(packer, lines.length, err))
		return false;
	if (lines.length <= SPLIT_BYTES) {
		buf_add_span(&packer->job->plain, lines);
		return true;
	}
	while (lines.length) {
		struct span rest = line_rest(lines);
		struct span line = { lines.data, lines.length - rest.length };

		if (!make_room(packer, line.length, err))
			return false;
		buf_add_span(&packer->job->plain, line);
		lines = rest;
	}
	return true;
}

bool packer_add(struct packer *packer, const uint8_t id[static ID_BINARY_BYTES], struct span lines,
	const struct line_facts *facts, struct error *err)
{
	packer_tally(packer, facts, 1);
	if (facts->quarantined)
		packer_add_quarantined(packer, id);
	return packer_add_lines(packer, id, lines, err);
}

/* ---- frames of another snapshot -------------------------------------------------------- */

static void note_copied(struct packer *packer, uint32_t frames)
{
	uint32_t first = packer->frames;

	MEMORY_GROW(packer->copied, packer->copied_count, packer->copied_capacity);
	packer->copied[packer->copied_count++] = (struct copied){ first, first + frames };
	packer->frames += frames;
}

/* A job with nothing to do but to be written when it is its turn. */
static bool copy_piece(struct packer *packer, struct snapshot *from, uint32_t first, uint32_t end,
	size_t bytes, struct error *err)
{
	struct job *job = packer->job;
	uint64_t offset = 0;

	job->copied.limit = INDEX_MAX;
	job->packed.limit = PACKED_MAX;
	if (!frames_load(from, first, end, bytes, &job->packed, err))
		return false;
	for (uint32_t i = first; i < end; i++) {
		struct entry entry = snapshot_entry(from, i);

		entry.offset = offset;
		offset += entry.packed;
		packer->counts.bytes += entry.plain;
		put_entry(&job->copied, &entry);
	}
	crew_give(packer->crew);
	return next_job(packer, err);
}

bool packer_copy(struct packer *packer, struct snapshot *from, uint32_t first, uint32_t end,
	struct error *err)
{
	size_t bytes;

	if (first == end)
		return true;
	if (!write_frame(packer, err))
		return false;
	note_copied(packer, end - first);
	for (uint32_t next; first < end; first = next) {
		next = frames_piece(from, first, end, &bytes);
		if (!copy_piece(packer, from, first, next, bytes, err))
			return false;
	}
	return true;
}

uint64_t packer_count(const struct packer *packer)
{
	return packer->objects;
}

unsigned packer_bits(const struct packer *packer)
{
	return packer->bits;
}

/* ---- the end ------------------------------------------------------------------------------- */

static void take_origin(struct snapshot_header *counts, const struct snapshot_header *header)
{
	memcpy(counts->previous, header->previous, sizeof(counts->previous));
	memcpy(counts->links, header->links, sizeof(counts->links)); /* borrowed */
	counts->sequence = header->sequence;
	counts->relations_ms = header->relations_ms;
}

static void add_index(struct buf *index, const struct packer *packer)
{
	CLEANUP(buf_release) struct buf meta = BUF_UP_TO(META_MAX);

	description_add(&meta, &packer->counts, packer->bits);
	buf_add_text(index, INDEX_MAGIC);
	put_u32(index, (uint32_t)meta.length);
	buf_add_span(index, buf_span(&meta));
	put_u32(index, (uint32_t)(packer->entries.length / ENTRY_BYTES));
	buf_add_span(index, buf_span(&packer->entries));
	put_u32(index, (uint32_t)(packer->quarantined.length / ID_BINARY_BYTES));
	buf_add_span(index, buf_span(&packer->quarantined));
}

static bool write_index(struct packer *packer, int64_t until_ms, struct error *err)
{
	CLEANUP(buf_release) struct buf index = BUF_UP_TO(INDEX_MAX);
	CLEANUP(buf_release) struct buf around = BUF_UP_TO(SKIPPABLE_BYTES + FOOTER_BYTES);
	struct footer footer = { .offset = packer->offset + SKIPPABLE_BYTES };

	take_origin(&packer->counts, packer->header);
	packer->counts.taken_until_ms = until_ms;
	add_index(&index, packer);
	if (!buf_check(&packer->entries, "the index", err) ||
		!buf_check(&packer->quarantined, "the list of quarantined objects", err) ||
		!buf_check(&index, "the index", err))
		return error_prefix(err, "%s", packer->path);
	footer.length = index.length;
	digest_of(footer.digest, index.data, index.length);

	put_u32(&around, SKIPPABLE_MAGIC);
	put_u32(&around, (uint32_t)(index.length + FOOTER_BYTES));
	if (!file_write(packer->file, around.data, around.length, err) ||
		!file_write(packer->file, index.data, index.length, err))
		return false;
	buf_cut(&around, 0);
	put_footer(&around, &footer);
	return file_write(packer->file, around.data, around.length, err);
}

/* By its descriptor: what is renamed is what was checked. */
static struct snapshot *open_written(const struct packer *packer, struct error *err)
{
	int descriptor = dup(file_descriptor(packer->file));

	if (descriptor < 0) {
		error_errno(err, "%s: can't read back", packer->path);
		return NULL;
	}
	return snapshot_open_descriptor_take(descriptor, packer->path, err);
}

/* Where frames were copied, only those between them: the others were checked when they were read. */
static bool check_new(const struct packer *packer, struct snapshot *snapshot, struct error *err)
{
	uint32_t first = 1;

	for (size_t i = 0; i < packer->copied_count; first = packer->copied[i++].end)
		if (first < packer->copied[i].first &&
			!snapshot_check_bytes(snapshot, first, packer->copied[i].first, err))
			return false;
	return first >= snapshot->entry_count ||
		snapshot_check_bytes(snapshot, first, snapshot->entry_count, err);
}

static bool read_back(const struct packer *packer, struct error *err)
{
	CLEANUP(snapshot_closep) struct snapshot *snapshot = open_written(packer, err);

	/* Few frames between many that were copied are not worth a thread. */
	if (snapshot)
		snapshot_use_workers(snapshot, packer->copied_count ? 0 : packer->workers);
	return (snapshot && check_new(packer, snapshot, err)) ||
		error_prefix(err, "reading back what was written");
}

bool packer_finish(struct packer *packer, int64_t until_ms, struct error *err)
{
	return write_all_frames(packer, err) && write_index(packer, until_ms, err) &&
		read_back(packer, err) && file_commit(TAKE(packer->file), err);
}

struct snapshot *packer_reopen(struct packer *packer, struct error *err)
{
	if (!write_all_frames(packer, err) || !write_index(packer, 0, err))
		return NULL;
	return open_written(packer, err);
}
