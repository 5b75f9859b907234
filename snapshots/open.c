/*
 * Opening: footer, index, header line. What is checked here once holds for everything behind:
 * frames lie one behind the other from the first byte to the index, buckets ascend, every size
 * is within our limits. The cost is the index: 88 bytes for each of some 16,000 frames in a
 * directory of a million objects, read with one pread and kept as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "snapshots/snapshots_internal.h"

void snapshot_header_release(struct snapshot_header *header)
{
	memory_free(header->tenant);
	memory_free(header->cloud);
	memory_free(header->source);
	*header = (struct snapshot_header){ 0 };
}

void snapshot_close(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	if (snapshot->descriptor >= 0)
		close(snapshot->descriptor);
	unpacker_release(&snapshot->unpacker);
	buf_release(&snapshot->index);
	for (size_t i = 0; i < snapshot->quarantined_count; i++)
		memory_free(snapshot->quarantined[i]);
	memory_free(snapshot->quarantined);
	snapshot_header_release(&snapshot->header);
	memory_free(snapshot->path);
	memory_free(snapshot);
}

const struct snapshot_header *snapshot_header(const struct snapshot *snapshot)
{
	return &snapshot->header;
}

const char *snapshot_path(const struct snapshot *snapshot)
{
	return snapshot->path;
}

const char *snapshot_identity(const struct snapshot *snapshot)
{
	return snapshot->identity;
}

void snapshot_use_workers(struct snapshot *snapshot, unsigned workers)
{
	snapshot->workers = workers;
}

const char *const *snapshot_quarantined(const struct snapshot *snapshot, size_t *count)
{
	*count = snapshot->quarantined_count;
	return (const char *const *)snapshot->quarantined;
}

static const uint8_t *entry_at(const struct snapshot *snapshot, uint32_t number)
{
	return snapshot->entries + (size_t)number * ENTRY_BYTES;
}

struct entry snapshot_entry(const struct snapshot *snapshot, uint32_t number)
{
	return get_entry(entry_at(snapshot, number));
}

uint32_t snapshot_entry_bucket(const struct snapshot *snapshot, uint32_t number)
{
	return get_u32(entry_at(snapshot, number));
}

bool snapshot_entry_equal(
	const struct snapshot *a, uint32_t a_number, const struct snapshot *b, uint32_t b_number)
{
	return memcmp(entry_at(a, a_number) + ENTRY_PLAIN_DIGEST,
		       entry_at(b, b_number) + ENTRY_PLAIN_DIGEST, DIGEST_BYTES) == 0;
}

static bool index_damaged(const struct snapshot *snapshot, struct error *err, const char *what)
{
	return error_set(err, ERROR_FORMAT, "%s: index: %s", snapshot->path, what);
}

/* Where the index lies, once footer and skippable frame agree with the file's size. */
static bool footer_read(struct snapshot *snapshot, struct footer *footer, struct error *err)
{
	enum { SMALLEST = SKIPPABLE_BYTES + INDEX_MAGIC_BYTES + FOOTER_BYTES };
	uint8_t tail[FOOTER_BYTES], skippable[SKIPPABLE_BYTES];
	struct stat facts;
	uint64_t size;

	if (fstat(snapshot->descriptor, &facts) < 0)
		return error_errno(err, "%s: can't look at it", snapshot->path);
	if (!S_ISREG(facts.st_mode))
		return error_set(err, ERROR_SYSTEM, "%s: no regular file", snapshot->path);
	size = (uint64_t)facts.st_size;
	if (size < SMALLEST)
		return index_damaged(snapshot, err, "too short for a snapshot; was it cut off?");
	if (!read_at(snapshot->descriptor, snapshot->path, size - FOOTER_BYTES, tail, sizeof(tail),
		    err))
		return false;
	if (!get_footer(tail, footer))
		return index_damaged(snapshot, err,
			"its end is not that of a snapshot: the file was cut off, has something "
			"behind it, or is something else");
	if (footer->length > INDEX_MAX || footer->length < INDEX_MAGIC_BYTES ||
		footer->length > size - SKIPPABLE_BYTES - FOOTER_BYTES ||
		footer->offset != size - FOOTER_BYTES - footer->length)
		return index_damaged(snapshot, err, "the footer names another place than its own");
	if (!read_at(snapshot->descriptor, snapshot->path, footer->offset - SKIPPABLE_BYTES,
		    skippable, sizeof(skippable), err))
		return false;
	if (get_u32(skippable) != SKIPPABLE_MAGIC ||
		get_u32(skippable + 4) != footer->length + FOOTER_BYTES)
		return index_damaged(snapshot, err, "the frame around it is damaged");
	return true;
}

/* Bytes of the index that are not looked at yet. */
struct rest {
	const uint8_t *at;
	size_t length;
};

static const uint8_t *take(struct rest *rest, size_t length)
{
	const uint8_t *taken = rest->at;

	if (length > rest->length)
		return NULL;
	rest->at += length;
	rest->length -= length;
	return taken;
}

/* A u32 count, then that many records. */
static const uint8_t *take_records(struct rest *rest, size_t record, uint32_t *count)
{
	const uint8_t *number = take(rest, sizeof(uint32_t));

	if (!number)
		return NULL;
	*count = get_u32(number);
	if (*count > rest->length / record)
		return NULL;
	return take(rest, *count * record);
}

static bool count_of(const json_t *object, const char *key, uint64_t *count, struct error *err)
{
	int64_t number;

	if (!json_number_of(object, key, &number, err))
		return false;
	if (number < 0)
		return error_set(err, ERROR_FORMAT, "%s: less than nothing", key);
	*count = (uint64_t)number;
	return true;
}

static bool instant_of(const json_t *object, const char *key, int64_t *ms, struct error *err)
{
	const char *text = json_text(object, key, err);

	return text &&
		(time_parse(span_of(text), ms) ||
			error_set(err, ERROR_FORMAT, "%s: no instant", key));
}

static bool meta_read(struct snapshot *snapshot, struct span text, struct error *err)
{
	CLEANUP(json_freep) json_t *meta = json_parse(text, META_MAX, err);
	struct snapshot_header *header = &snapshot->header;
	const json_t *objects;
	uint64_t bits;

	if (!meta || !count_of(meta, "bits", &bits, err))
		return false;
	if (bits > BITS_MAX)
		return error_set(err, ERROR_FORMAT, "bits: more than %d", BITS_MAX);
	snapshot->bits = (unsigned)bits;
	objects = json_object_of(meta, "objects", err);
	if (!objects)
		return false;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (!count_of(objects, kind_get(kind)->name, &header->objects[kind], err))
			return error_prefix(err, "objects");
	return count_of(meta, "bytes", &header->bytes, err) &&
		count_of(meta, "deleted", &header->deleted, err) &&
		instant_of(meta, "takenUntil", &header->taken_until_ms, err);
}

/* What the entries promise each other; NULL when they keep it. */
static const char *entries_fault(const struct snapshot *snapshot, uint64_t index_offset)
{
	uint64_t offset = 0, bytes = 0;
	uint32_t bucket = 0;

	if (!snapshot->entry_count)
		return "it does not name the header line";
	for (uint32_t i = 0; i < snapshot->entry_count; i++) {
		struct entry entry = snapshot_entry(snapshot, i);

		if (entry.offset != offset || !entry.packed || entry.packed > PACKED_MAX)
			return "frames do not lie one behind the other";
		if (!entry.plain || entry.plain > (i ? SNAPSHOT_BUCKET_MAX : HEADER_MAX))
			return "a frame's length is outside the limits";
		if (entry.bucket < bucket || entry.bucket >> snapshot->bits)
			return "buckets do not ascend";
		offset += entry.packed;
		bucket = entry.bucket;
		bytes += i ? entry.plain : 0;
	}
	if (offset != index_offset - SKIPPABLE_BYTES)
		return "something lies between the last frame and the index";
	return bytes == snapshot->header.bytes ? NULL : "the frames' lengths are not the sum named";
}

static bool quarantined_read(struct snapshot *snapshot, const uint8_t *ids, uint32_t count)
{
	char text[ID_BYTES + 1];

	snapshot->quarantined = memory_array(count, sizeof(*snapshot->quarantined));
	for (uint32_t i = 0; i < count; i++, ids += ID_BINARY_BYTES) {
		if (i && memcmp(ids - ID_BINARY_BYTES, ids, ID_BINARY_BYTES) >= 0)
			return false;
		id_text(ids, text);
		snapshot->quarantined[snapshot->quarantined_count++] = memory_text(text);
	}
	return true;
}

static bool index_take_apart(
	struct snapshot *snapshot, const struct footer *footer, struct error *err)
{
	struct rest rest = { (const uint8_t *)buf_text(&snapshot->index), snapshot->index.length };
	const uint8_t *magic = take(&rest, INDEX_MAGIC_BYTES), *meta, *ids;
	uint32_t meta_length, id_count;
	const char *fault;

	if (memcmp(magic, INDEX_FAMILY, sizeof(INDEX_FAMILY) - 1) != 0)
		return index_damaged(snapshot, err, "it begins like no index");
	if (memcmp(magic, INDEX_MAGIC, INDEX_MAGIC_BYTES) != 0)
		return index_damaged(snapshot, err,
			"its version is not 1: a newer unstage wrote it; read it with that one");
	meta = take_records(&rest, 1, &meta_length);
	if (!meta || meta_length > META_MAX)
		return index_damaged(snapshot, err, "its description is cut off or too large");
	if (!meta_read(snapshot, (struct span){ (const char *)meta, meta_length }, err))
		return error_prefix(err, "%s: index", snapshot->path);
	snapshot->entries = take_records(&rest, ENTRY_BYTES, &snapshot->entry_count);
	ids = snapshot->entries ? take_records(&rest, ID_BINARY_BYTES, &id_count) : NULL;
	if (!ids || rest.length)
		return index_damaged(snapshot, err, "its length is not what its counts say");
	fault = entries_fault(snapshot, footer->offset);
	if (!fault && !quarantined_read(snapshot, ids, id_count))
		fault = "quarantined ids do not ascend";
	return !fault || index_damaged(snapshot, err, fault);
}

static bool index_read(struct snapshot *snapshot, struct error *err)
{
	uint8_t digest[DIGEST_BYTES];
	struct footer footer;
	char *room;

	if (!footer_read(snapshot, &footer, err))
		return false;
	room = buf_room(&snapshot->index, footer.length);
	if (!room)
		return index_damaged(snapshot, err, "larger than an index may be");
	if (!read_at(snapshot->descriptor, snapshot->path, footer.offset, room, footer.length, err))
		return false;
	buf_grew(&snapshot->index, footer.length);
	digest_of(digest, room, footer.length);
	if (memcmp(digest, footer.digest, DIGEST_BYTES) != 0)
		return index_damaged(snapshot, err,
			"damaged: its digest is not the footer's; take the file from a copy");
	sodium_bin2hex(snapshot->identity, sizeof(snapshot->identity), digest, sizeof(digest));
	return index_take_apart(snapshot, &footer, err);
}

static bool header_parse(struct snapshot *snapshot, struct span line, struct error *err)
{
	CLEANUP(json_freep) json_t *json = json_parse(line, HEADER_MAX, err);
	struct snapshot_header *header = &snapshot->header;
	const char *format = json ? json_text(json, "format", err) : NULL;
	const char *tenant, *cloud, *source;

	if (!format)
		return false;
	if (strcmp(format, SNAPSHOT_FORMAT) != 0)
		return error_set(err, ERROR_FORMAT,
			"format %s, where " SNAPSHOT_FORMAT " is the newest this program reads",
			format);
	tenant = json_text(json, "tenant", err);
	cloud = tenant ? json_text(json, "cloud", err) : NULL;
	source = cloud ? json_text(json, "source", err) : NULL;
	if (!source || !instant_of(json, "takenFrom", &header->taken_from_ms, err))
		return false;
	if (!text_is_guid(span_of(tenant)))
		return error_set(err, ERROR_FORMAT, "tenant: no GUID");
	header->tenant = memory_text(tenant);
	header->cloud = memory_text(cloud);
	header->source = memory_text(source);
	return true;
}

static bool header_read(struct snapshot *snapshot, struct error *err)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(HEADER_MAX);

	if (!frame_read(snapshot, &snapshot->unpacker, 0, &line, err) ||
		!frame_check_lines(snapshot, 0, buf_span(&line), err))
		return false;
	if (!header_parse(snapshot, buf_span(&line), err))
		return error_prefix(err, "%s: header at offset 0", snapshot->path);
	return true;
}

struct snapshot *snapshot_open_descriptor_take(int descriptor, const char *path, struct error *err)
{
	CLEANUP(snapshot_closep) struct snapshot *snapshot = memory_new(sizeof(*snapshot));

	snapshot->descriptor = descriptor;
	snapshot->path = memory_text(path);
	snapshot->index.limit = INDEX_MAX;
	if (sodium_init() < 0) {
		error_set(err, ERROR_SYSTEM, "%s: libsodium can't start", path);
		return NULL;
	}
	if (!unpacker_init(&snapshot->unpacker, err) || !index_read(snapshot, err) ||
		!header_read(snapshot, err))
		return NULL;
	return TAKE(snapshot);
}

struct snapshot *snapshot_open(const char *path, struct error *err)
{
	/* Without O_NONBLOCK a named pipe would hold us here for ever. */
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (descriptor < 0) {
		error_errno(err, "%s: can't open", path);
		return NULL;
	}
	return snapshot_open_descriptor_take(descriptor, path, err);
}
