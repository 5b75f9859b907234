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
 * half a percent smaller and a tenth faster to unpack.
 */
enum { LEVEL = 3, MATCH_MIN = 6 };

struct job {
	struct buf plain, packed, again;
	struct entry entry;
	ZSTD_CCtx *packing;
	ZSTD_DCtx *unpacking;
	bool failed;
	struct error err;
};

struct packer {
	char *path;
	struct file *file;
	struct crew *crew;
	struct job *job;               /* whose `plain` is being filled */
	struct snapshot_header counts; /* only the numbers */
	unsigned bits, workers;
	uint32_t bucket; /* of the lines in the job */
	struct buf entries, quarantined;
	uint64_t offset; /* where the next frame begins */
	uint64_t objects;
};

static void job_release(void *released)
{
	struct job *job = released;

	ZSTD_freeCCtx(job->packing);
	ZSTD_freeDCtx(job->unpacking);
	buf_release(&job->plain);
	buf_release(&job->packed);
	buf_release(&job->again);
}

void packer_free(struct packer *packer)
{
	if (!packer)
		return;
	file_abandon(packer->file);
	crew_free(packer->crew, job_release);
	buf_release(&packer->entries);
	buf_release(&packer->quarantined);
	memory_free(packer->path);
	memory_free(packer);
}

/* ---- frames -------------------------------------------------------------------------------- */

static bool job_prepare(struct job *job)
{
	static const struct {
		ZSTD_cParameter parameter;
		int value;
	} parameters[] = {
		{ ZSTD_c_compressionLevel, LEVEL },
		{ ZSTD_c_minMatch, MATCH_MIN },
		{ ZSTD_c_checksumFlag, 1 },
	};

	if (job->packing)
		return true;
	job->packed.limit = PACKED_MAX;
	job->again.limit = SNAPSHOT_BUCKET_MAX;
	job->packing = ZSTD_createCCtx();
	job->unpacking = ZSTD_createDCtx();
	if (!job->packing || !job->unpacking)
		return error_set(&job->err, ERROR_SYSTEM, "libzstd can't start");
	for (size_t i = 0; i < COUNT_OF(parameters); i++) {
		size_t result = ZSTD_CCtx_setParameter(
			job->packing, parameters[i].parameter, parameters[i].value);

		if (ZSTD_isError(result))
			return error_set(&job->err, ERROR_SYSTEM, "libzstd can't be set up: %s",
				ZSTD_getErrorName(result));
	}
	return true;
}

static bool job_compress(struct job *job, struct span plain)
{
	size_t bound = ZSTD_compressBound(plain.length), packed;
	char *room;

	buf_cut(&job->packed, 0);
	room = buf_room(&job->packed, bound);
	if (!buf_check(&job->packed, "a frame", &job->err))
		return false;
	packed = ZSTD_compress2(job->packing, room, bound, plain.data, plain.length);
	if (ZSTD_isError(packed))
		return error_set(
			&job->err, ERROR_SYSTEM, "can't compress: %s", ZSTD_getErrorName(packed));
	buf_grew(&job->packed, packed);
	return true;
}

/* While the lines are still here to be compared with, and in the processor's cache. */
static bool job_unpacks_again(struct job *job, struct span plain)
{
	size_t unpacked;
	char *room;

	buf_cut(&job->again, 0);
	room = buf_room(&job->again, plain.length);
	if (!buf_check(&job->again, "a frame", &job->err))
		return false;
	unpacked = ZSTD_decompressDCtx(
		job->unpacking, room, plain.length, job->packed.data, job->packed.length);
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

static void job_work(void *context, void *worked)
{
	struct job *job = worked;
	struct span plain = buf_span(&job->plain);

	(void)context;
	job->failed = !job_prepare(job) || !job_compress(job, plain) ||
		!job_unpacks_again(job, plain);
	if (!job->failed)
		job_describe(job, plain);
}

/* Writes the frame that was given first, once it is compressed. */
static bool write_oldest(struct packer *packer, struct error *err)
{
	struct job *job = crew_oldest(packer->crew);

	if (job->failed) {
		*err = job->err;
		return error_prefix(err, "%s", packer->path);
	}
	job->entry.offset = packer->offset;
	put_entry(&packer->entries, &job->entry);
	packer->offset += job->entry.packed;
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
	return true;
}

/* Gives out the lines collected so far as the next frame. */
static bool write_frame(struct packer *packer, struct error *err)
{
	if (!packer->job->plain.length)
		return true;
	packer->job->entry.bucket = packer->bucket;
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

/* {"contact":["displayName",…],…}: what this program asked for, so that a later one knows. */
static json_t *attributes_json(void)
{
	json_t *kinds = json_object();

	for (int id = 0; id < KIND_COUNT; id++) {
		const struct kind *kind = kind_get(id);
		json_t *names = json_array();

		for (size_t i = 0; i < kind->attribute_count; i++)
			json_array_append_new(names, json_string(kind->attributes[i].name));
		json_object_set_new(kinds, kind->name, names);
	}
	return kinds;
}

static bool write_header(
	struct packer *packer, const struct snapshot_header *header, struct error *err)
{
	char instant[TIME_TEXT_BYTES];
	CLEANUP(json_freep)
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "format", SNAPSHOT_FORMAT,
		"tenant", header->tenant, "cloud", header->cloud, "source", header->source,
		"takenFrom", time_text(header->taken_from_ms, instant), "attributes",
		attributes_json());

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
	packer->entries.limit = INDEX_MAX;
	packer->quarantined.limit = INDEX_MAX;
	packer->crew = crew_new(workers, sizeof(struct job), job_work, NULL);
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

static void count_object(struct packer *packer, const uint8_t *id, const struct line_facts *facts)
{
	packer->objects++;
	if (facts->deleted)
		packer->counts.deleted++;
	else
		packer->counts.objects[facts->kind->id]++;
	if (facts->quarantined)
		buf_add(&packer->quarantined, id, ID_BINARY_BYTES);
}

bool packer_add(struct packer *packer, const uint8_t id[static ID_BINARY_BYTES], struct span lines,
	const struct line_facts *facts, struct error *err)
{
	uint32_t bucket = bucket_of(id, packer->bits);

	if (bucket != packer->bucket && !write_frame(packer, err))
		return false;
	packer->bucket = bucket;
	count_object(packer, id, facts);
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

uint64_t packer_count(const struct packer *packer)
{
	return packer->objects;
}

unsigned packer_bits(const struct packer *packer)
{
	return packer->bits;
}

/* ---- the end ------------------------------------------------------------------------------- */

static json_t *objects_json(const struct snapshot_header *counts)
{
	json_t *objects = json_object();

	for (int kind = 0; kind < KIND_COUNT; kind++)
		json_object_set_new(objects, kind_get(kind)->name,
			json_integer((json_int_t)counts->objects[kind]));
	return objects;
}

static void add_meta(struct buf *out, const struct packer *packer, int64_t until_ms)
{
	const struct snapshot_header *counts = &packer->counts;
	char instant[TIME_TEXT_BYTES];
	CLEANUP(json_freep)
	json_t *meta = json_pack("{s:i, s:I, s:I, s:{}, s:o, s:n, s:i, s:s}", "bits",
		(int)packer->bits, "bytes", (json_int_t)counts->bytes, "deleted",
		(json_int_t)counts->deleted, "deltaLinks", "objects", objects_json(counts),
		"previous", "sequence", 0, "takenUntil", time_text(until_ms, instant));

	json_add(out, meta);
}

static void add_index(struct buf *index, const struct packer *packer, int64_t until_ms)
{
	CLEANUP(buf_release) struct buf meta = BUF_UP_TO(META_MAX);

	add_meta(&meta, packer, until_ms);
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

	add_index(&index, packer, until_ms);
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

static bool read_back(const struct packer *packer, struct error *err)
{
	CLEANUP(snapshot_closep) struct snapshot *snapshot = open_written(packer, err);

	if (snapshot)
		snapshot_use_workers(snapshot, packer->workers);
	return (snapshot && snapshot_check_bytes(snapshot, 1, snapshot->entry_count, err)) ||
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
