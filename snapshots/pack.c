/*
 * Writing the file: the header line's frame, a frame for each bucket, and the skippable frame with
 * the index, all to a temporary file. It is read back, every digest and every object, before
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

enum {
	LEVEL = 3,
	COPY_BYTES = 1 << 20, /* of frames that are copied with one call */
};

/* Frames that were copied: checked on the way, and not read back. */
struct run {
	uint32_t first, end;
};

struct packer {
	char *path;
	struct file *file;
	ZSTD_CCtx *zstd;
	struct snapshot_header counts; /* numbers, and of the writer's header how it came to be */
	unsigned bits;
	uint32_t bucket; /* of the lines in `plain` */
	struct buf plain, packed;
	struct buf entries, quarantined;
	uint64_t offset;  /* where the next frame begins */
	uint64_t objects; /* that were packed here and not copied */
	struct run *copied;
	size_t copied_count, copied_capacity;
};

void packer_free(struct packer *packer)
{
	if (!packer)
		return;
	file_abandon(packer->file);
	ZSTD_freeCCtx(packer->zstd);
	buf_release(&packer->plain);
	buf_release(&packer->packed);
	buf_release(&packer->entries);
	buf_release(&packer->quarantined);
	memory_free(packer->copied);
	memory_free(packer->path);
	memory_free(packer);
}

/* Compresses what is in `plain` and writes it as the next frame. */
static bool write_frame(struct packer *packer, struct error *err)
{
	struct span plain = buf_span(&packer->plain);
	struct entry entry = { .bucket = packer->bucket, .offset = packer->offset };
	size_t bound = ZSTD_compressBound(plain.length), packed;
	char *room;

	if (!plain.length)
		return true;
	buf_cut(&packer->packed, 0);
	room = buf_room(&packer->packed, bound);
	if (!buf_check(&packer->packed, packer->path, err))
		return false;
	packed = ZSTD_compress2(packer->zstd, room, bound, plain.data, plain.length);
	if (ZSTD_isError(packed))
		return error_set(err, ERROR_SYSTEM, "%s: can't compress: %s", packer->path,
			ZSTD_getErrorName(packed));
	entry.packed = (uint32_t)packed;
	entry.plain = (uint32_t)plain.length;
	entry.lines = line_count(plain);
	digest_of(entry.plain_digest, plain.data, plain.length);
	digest_of(entry.packed_digest, room, packed);
	put_entry(&packer->entries, &entry);
	packer->offset += packed;
	buf_cut(&packer->plain, 0);
	return file_write(packer->file, room, packed, err);
}

static bool write_header(
	struct packer *packer, const struct snapshot_header *header, struct error *err)
{
	char instant[TIME_TEXT_BYTES];
	CLEANUP(json_freep)
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "format", SNAPSHOT_FORMAT,
		"tenant", header->tenant, "cloud", header->cloud, "source", header->source,
		"takenFrom", time_text(header->taken_from_ms, instant), "attributes",
		description_attributes());

	if (!json)
		return error_set(err, ERROR_FORMAT, "%s: tenant, cloud or source is no UTF-8 text",
			packer->path);
	json_add(&packer->plain, json);
	buf_add_byte(&packer->plain, '\n');
	if (packer->plain.length > HEADER_MAX)
		return error_set(err, ERROR_FORMAT, "%s: header too large", packer->path);
	return write_frame(packer, err);
}

/* The header is the writer's, and lives as long as the packer; of the links nothing is freed here. */
static void take_origin(struct snapshot_header *counts, const struct snapshot_header *header)
{
	memcpy(counts->previous, header->previous, sizeof(counts->previous));
	memcpy(counts->links, header->links, sizeof(counts->links));
	counts->sequence = header->sequence;
	counts->relations_ms = header->relations_ms;
}

struct packer *packer_new(
	const char *path, const struct snapshot_header *header, unsigned bits, struct error *err)
{
	CLEANUP(packer_freep) struct packer *packer = memory_new(sizeof(*packer));

	packer->path = memory_text(path);
	packer->bits = bits;
	take_origin(&packer->counts, header);
	packer->plain.limit = SNAPSHOT_BUCKET_MAX;
	packer->packed.limit = PACKED_MAX;
	packer->entries.limit = INDEX_MAX;
	packer->quarantined.limit = INDEX_MAX;
	packer->zstd = ZSTD_createCCtx();
	if (!packer->zstd ||
		ZSTD_isError(
			ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, LEVEL)) ||
		ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_checksumFlag, 1))) {
		error_set(err, ERROR_SYSTEM, "%s: libzstd can't start", path);
		return NULL;
	}
	packer->file = file_create(path, err);
	if (!packer->file || !write_header(packer, header, err))
		return NULL;
	return TAKE(packer);
}

/* ---- objects --------------------------------------------------------------------------- */

/* Starts a new frame where `length` more bytes would make this one too large. */
static bool make_room(struct packer *packer, size_t length, struct error *err)
{
	if (!packer->plain.length || packer->plain.length + length <= SPLIT_BYTES)
		return true;
	return write_frame(packer, err);
}

void packer_take_counts(struct packer *packer, const struct snapshot_header *counts)
{
	memcpy(packer->counts.objects, counts->objects, sizeof(counts->objects));
	packer->counts.deleted = counts->deleted;
}

void packer_count(struct packer *packer, const struct line_facts *facts, int by)
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
	packer->counts.bytes += lines.length;
	packer->objects++;
	if (!make_room(packer, lines.length, err))
		return false;
	if (lines.length <= SPLIT_BYTES) {
		buf_add_span(&packer->plain, lines);
		return true;
	}
	while (lines.length) {
		struct span rest = line_rest(lines);
		struct span line = { lines.data, lines.length - rest.length };

		if (!make_room(packer, line.length, err))
			return false;
		buf_add_span(&packer->plain, line);
		lines = rest;
	}
	return true;
}

bool packer_add(struct packer *packer, const uint8_t id[static ID_BINARY_BYTES], struct span lines,
	const struct line_facts *facts, struct error *err)
{
	packer_count(packer, facts, 1);
	if (facts->quarantined)
		packer_add_quarantined(packer, id);
	return packer_add_lines(packer, id, lines, err);
}

/* ---- frames of another snapshot -------------------------------------------------------- */

static void note_copied(struct packer *packer, uint32_t frames)
{
	uint32_t first = (uint32_t)(packer->entries.length / ENTRY_BYTES);

	MEMORY_GROW(packer->copied, packer->copied_count, packer->copied_capacity);
	packer->copied[packer->copied_count++] = (struct run){ first, first + frames };
}

/* Frames from `first` on that make a piece worth a call: one at least. */
static uint32_t piece_end(const struct snapshot *from, uint32_t first, uint32_t end, size_t *bytes)
{
	uint32_t at = first + 1;

	*bytes = snapshot_entry(from, first).packed;
	for (; at < end; at++) {
		size_t packed = snapshot_entry(from, at).packed;

		if (*bytes + packed > COPY_BYTES)
			break;
		*bytes += packed;
	}
	return at;
}

static bool copy_piece(struct packer *packer, struct snapshot *from, uint32_t first, uint32_t end,
	size_t bytes, struct error *err)
{
	struct span packed;

	if (!frames_load(from, first, end, bytes, &packed, err))
		return false;
	for (uint32_t i = first; i < end; i++) {
		struct entry entry = snapshot_entry(from, i);

		entry.offset = packer->offset;
		packer->offset += entry.packed;
		packer->counts.bytes += entry.plain;
		put_entry(&packer->entries, &entry);
	}
	return file_write(packer->file, packed.data, packed.length, err);
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
		next = piece_end(from, first, end, &bytes);
		if (!copy_piece(packer, from, first, next, bytes, err))
			return false;
	}
	return true;
}

/* ---- the end --------------------------------------------------------------------------- */

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

static bool write_index(struct packer *packer, struct error *err)
{
	CLEANUP(buf_release) struct buf index = BUF_UP_TO(INDEX_MAX);
	CLEANUP(buf_release) struct buf around = BUF_UP_TO(SKIPPABLE_BYTES + FOOTER_BYTES);
	struct footer footer = { .offset = packer->offset + SKIPPABLE_BYTES };

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

static bool check_new(const struct packer *packer, struct snapshot *snapshot, struct error *err)
{
	uint64_t objects = 0;
	uint32_t first = 1;

	for (size_t i = 0; i <= packer->copied_count; i++) {
		uint32_t end = i < packer->copied_count ? packer->copied[i].first
							: snapshot->entry_count;

		if (!snapshot_check_frames(snapshot, first, end, &objects, err))
			return false;
		if (i < packer->copied_count)
			first = packer->copied[i].end;
	}
	return objects == packer->objects ||
		error_set(
			err, ERROR_FORMAT, "%s: not as many objects as were written", packer->path);
}

/* Reads the temporary file by its descriptor: what is renamed is what was checked. */
static bool read_back(const struct packer *packer, struct error *err)
{
	CLEANUP(snapshot_closep) struct snapshot *snapshot = NULL;
	int descriptor = dup(file_descriptor(packer->file));

	if (descriptor < 0)
		return error_errno(err, "%s: can't read back", packer->path);
	snapshot = snapshot_open_descriptor_take(descriptor, packer->path, err);
	return (snapshot &&
		       (packer->copied_count ? check_new(packer, snapshot, err)
					     : snapshot_check(snapshot, NULL, err))) ||
		error_prefix(err, "reading back what was written");
}

bool packer_finish(struct packer *packer, int64_t until_ms, struct error *err)
{
	packer->counts.taken_until_ms = until_ms;
	return write_frame(packer, err) && write_index(packer, err) && read_back(packer, err) &&
		file_commit(TAKE(packer->file), err);
}
