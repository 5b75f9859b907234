/*
 * Opening: footer, index, header line. What is checked here once holds for everything behind:
 * frames lie one behind the other from the first byte to the index, buckets ascend, every size
 * is within our limits. The cost is the index: 88 bytes for each of some 16,000 frames in a
 * directory of a million objects, read with one pread and kept as it is.
 */
#include <assert.h>
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
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		memory_free(header->links[kind]);
		memory_free(header->extensions[kind].at);
	}
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

bool snapshot_is_identity(const char *text)
{
	return strlen(text) == SNAPSHOT_ID_TEXT - 1 &&
		strspn(text, "0123456789abcdef") == SNAPSHOT_ID_TEXT - 1;
}

bool snapshot_sees_cloud(const struct snapshot *snapshot)
{
	return strcmp(snapshot->header.source, SNAPSHOT_CSEXPORT) != 0;
}

bool snapshot_asked_for_all(const struct snapshot *snapshot)
{
	return snapshot->asked_for_all;
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

/* What the entries promise each other; NULL when they keep it. */
static const char *entries_fault(const struct snapshot *snapshot, uint64_t index_offset)
{
	uint64_t offset = 0, bytes = 0;
	uint32_t bucket = 0;

	if (!snapshot->entry_count)
		return "it does not name the header line";
	for (uint32_t i = 0; i < snapshot->entry_count; i++) {
		struct entry entry = get_entry(entry_at(snapshot, i));

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
	if (!description_read((struct span){ (const char *)meta, meta_length }, &snapshot->header,
		    &snapshot->bits, err))
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

static void read_extensions(
	const json_t *attributes, enum kind_id kind, struct snapshot_extensions *extensions)
{
	const json_t *names = json_object_get(attributes, kind_get(kind)->name), *name;
	size_t index, capacity = 0;

	json_array_foreach(names, index, name)
	{
		const struct attribute *attribute = json_is_string(name)
			? attribute_find(kind_get(kind), span_of(json_string_value(name)))
			: NULL;

		if (!attribute || !attribute_is_extension(attribute))
			continue;
		MEMORY_GROW(extensions->at, extensions->count, capacity);
		extensions->at[extensions->count++] = attribute;
	}
	extensions_sort(extensions);
}

static bool attributes_are_ours(const json_t *attributes, const struct snapshot_header *header)
{
	CLEANUP(json_freep) json_t *ours = description_attributes(header);

	return json_equal(attributes, ours);
}

static bool header_parse(struct snapshot *snapshot, struct span line, struct error *err)
{
	CLEANUP(json_freep) json_t *json = json_parse(line, HEADER_MAX, err);
	struct snapshot_header *header = &snapshot->header;
	const char *format = json ? json_text(json, "format", err) : NULL;
	const char *tenant, *cloud, *source;
	const json_t *attributes;

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
	attributes = json_object_get(json, "attributes");
	for (int kind = 0; kind < KIND_COUNT; kind++)
		read_extensions(attributes, (enum kind_id)kind, &header->extensions[kind]);
	snapshot->asked_for_all = attributes_are_ours(attributes, header);
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

/* ---- several at once ---------------------------------------------------------------------- */

static void opening_work(void *context, unsigned worker, void *job)
{
	struct snapshot_opening *opening = *(struct snapshot_opening **)job;

	(void)context;
	(void)worker;
	opening->snapshot = snapshot_open(opening->path, &opening->err);
}

static void opening_release(void *job)
{
	(void)job; /* what was opened is the caller's */
}

void snapshot_open_all(struct snapshot_opening *openings, size_t count, unsigned workers)
{
	struct crew *crew;

	assert(count <= CREW_JOBS);
	crew = crew_new(workers, sizeof(struct snapshot_opening *), opening_work, NULL);
	for (size_t i = 0; i < count; i++) {
		struct snapshot_opening **job = crew_vacant(crew);

		if (!job) { /* without threads there is room for one, which is done */
			crew_drop(crew);
			job = crew_vacant(crew);
		}
		assert(job);
		*job = &openings[i];
		crew_give(crew);
	}
	while (crew_oldest(crew))
		crew_drop(crew);
	crew_free(crew, opening_release);
}
