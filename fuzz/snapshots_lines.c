/*
 * Hostile lines inside two snapshots whose digests are right: what a walk over objects and the
 * merge of a comparison must survive. The input is the plain text of both, parted by a NUL.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "snapshots/snapshots_internal.h"

enum { TEXT_MAX = 1 << 20 };

static const char header[] =
	"{\"cloud\":\"global\",\"format\":\"unstage-snapshot/1\",\"source\":\"graph\","
	"\"takenFrom\":\"2026-03-04T02:17:41Z\","
	"\"tenant\":\"11111111-2222-4333-8444-555555555555\"}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_frame(struct buf *file, struct buf *entries, struct span plain)
{
	size_t bound = ZSTD_compressBound(plain.length);
	struct entry entry = {
		.offset = file->length,
		.plain = (uint32_t)plain.length,
		.lines = line_count(plain),
	};
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	char *room = buf_room(file, bound);

	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	entry.packed = (uint32_t)ZSTD_compress2(zstd, room, bound, plain.data, plain.length);
	ZSTD_freeCCtx(zstd);
	digest_of(entry.plain_digest, plain.data, plain.length);
	digest_of(entry.packed_digest, room, entry.packed);
	buf_grew(file, entry.packed);
	put_entry(entries, &entry);
}

static void add_index(struct buf *file, const struct buf *entries, size_t bytes)
{
	CLEANUP(buf_release) struct buf index = BUF_UP_TO(TEXT_MAX);
	CLEANUP(buf_release) struct buf meta = BUF_UP_TO(META_MAX);
	struct footer footer;

	buf_addf(&meta,
		"{\"bits\":0,\"bytes\":%zu,\"deleted\":0,\"deltaLinks\":{},"
		"\"objects\":{\"contact\":0,\"group\":0,"
		"\"user\":0},\"previous\":null,\"sequence\":0,"
		"\"takenUntil\":\"2026-03-04T02:18:09Z\"}",
		bytes);
	buf_add_text(&index, INDEX_MAGIC);
	put_u32(&index, (uint32_t)meta.length);
	buf_add_span(&index, buf_span(&meta));
	put_u32(&index, (uint32_t)(entries->length / ENTRY_BYTES));
	buf_add_span(&index, buf_span(entries));
	put_u32(&index, 0);
	put_u32(file, SKIPPABLE_MAGIC);
	put_u32(file, (uint32_t)(index.length + FOOTER_BYTES));
	footer = (struct footer){ .offset = file->length, .length = index.length };
	digest_of(footer.digest, index.data, index.length);
	buf_add_span(file, buf_span(&index));
	put_footer(file, &footer);
}

/* The text in one frame, or in two of the same bucket where it has a byte 1. */
static struct snapshot *snapshot_around(struct span text)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(4 * TEXT_MAX);
	CLEANUP(buf_release) struct buf entries = BUF_UP_TO(TEXT_MAX);
	const char *cut = text.length ? memchr(text.data, 1, text.length) : NULL;
	size_t first = cut ? (size_t)(cut - text.data) : text.length;
	int descriptor = memfd_create("snapshot", MFD_CLOEXEC);
	struct error err = { 0 };

	add_frame(&file, &entries, span_of(header));
	if (first)
		add_frame(&file, &entries, (struct span){ text.data, first });
	if (first + 1 < text.length)
		add_frame(&file, &entries,
			(struct span){ text.data + first + 1, text.length - first - 1 });
	add_index(&file, &entries, text.length - (cut != NULL));
	if (descriptor < 0 || write(descriptor, file.data, file.length) != (ssize_t)file.length)
		__builtin_trap();
	return snapshot_open_descriptor_take(descriptor, "fuzz", &err);
}

static bool differs(void *context, struct span base, struct span live, struct error *err)
{
	(void)context;
	(void)err;
	if (span_equal(base, live))
		__builtin_trap();
	return true;
}

static bool count(void *context, struct span lines, struct error *err)
{
	(void)err;
	*(size_t *)context += lines.length;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = size ? memchr(data, 0, size) : NULL;
	size_t first = cut ? (size_t)(cut - data) : size;
	struct span base_text = { (const char *)data, first };
	struct span live_text = { (const char *)data + first, size - first };
	CLEANUP(snapshot_closep) struct snapshot *base = NULL;
	CLEANUP(snapshot_closep) struct snapshot *live = NULL;
	struct error err = { 0 };
	size_t bytes = 0;

	if (live_text.length) {
		live_text.data++;
		live_text.length--;
	}
	if (size > TEXT_MAX)
		return 0;
	base = snapshot_around(base_text);
	live = snapshot_around(live_text);
	if (!base || !live)
		__builtin_trap(); /* opening does not look into buckets */
	if (!snapshot_check(base, NULL, &err))
		err = (struct error){ 0 };
	if (!snapshot_search(base, SPAN_LITERAL("a"), count, &bytes, &err))
		err = (struct error){ 0 };
	if (!snapshot_compare(base, live, differs, NULL, &err))
		err = (struct error){ 0 };
	return 0;
}
