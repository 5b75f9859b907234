/*
 * A snapshot nobody signed: any bytes. Opening, checking, walking, searching and comparing must end
 * with an answer or an error, within bounds. The digest of the index is put right first where a
 * footer is recognised, or no change would ever reach what lies behind it.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "snapshots/snapshots_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct snapshot *open_bytes(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	int descriptor = memfd_create("snapshot", MFD_CLOEXEC);

	if (descriptor < 0 || write(descriptor, data, size) != (ssize_t)size)
		__builtin_trap();
	return snapshot_open_descriptor_take(descriptor, "fuzz", &err);
}

static bool count(void *context, struct span lines, struct error *err)
{
	(void)err;
	*(size_t *)context += lines.length;
	return true;
}

static bool count_pair(void *context, struct span base, struct span live, struct error *err)
{
	(void)err;
	*(size_t *)context += base.length + live.length;
	return true;
}

static void read_all(struct snapshot *snapshot)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(SNAPSHOT_OBJECT_MAX);
	struct error err = { 0 };
	size_t ids, bytes = 0;
	const char *const *quarantined = snapshot_quarantined(snapshot, &ids);

	if (!snapshot_check(snapshot, NULL, &err))
		err = (struct error){ 0 };
	if (!snapshot_each(snapshot, count, &bytes, &err))
		err = (struct error){ 0 };
	if (!snapshot_search(snapshot, SPAN_LITERAL("contoso"), count, &bytes, &err))
		err = (struct error){ 0 };
	if (ids && !snapshot_object(snapshot, span_of(quarantined[0]), &lines, &err))
		err = (struct error){ 0 };
}

/* Sets the digests in the footer and the index to what the bytes say. */
static void seal(uint8_t *data, size_t size)
{
	struct footer footer;
	uint8_t *tail = data + size - FOOTER_BYTES;

	if (size < FOOTER_BYTES || !get_footer(tail, &footer) || footer.offset > size ||
		footer.length > size - footer.offset)
		return;
	digest_of(tail + 16, data + footer.offset, footer.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(snapshot_closep) struct snapshot *as_it_is = open_bytes(data, size);
	CLEANUP(memory_freep) uint8_t *copy = memory_copy(data, size);
	CLEANUP(snapshot_closep) struct snapshot *sealed = NULL;
	struct error err = { 0 };
	size_t bytes = 0;

	if (as_it_is)
		read_all(as_it_is);
	seal(copy, size);
	sealed = open_bytes(copy, size);
	if (!sealed)
		return 0;
	read_all(sealed);
	if (!snapshot_compare(sealed, sealed, count_pair, &bytes, &err) || bytes)
		__builtin_trap(); /* a snapshot differs from itself */
	return 0;
}
