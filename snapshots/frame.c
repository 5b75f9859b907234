/*
 * One zstd frame, from disk to plain lines. Nothing of the frame is believed: its digest is
 * checked before zstd sees it, its header must be one our writer makes, and what comes out must
 * have the length and the number of lines that the index names. Sizes come from the index, which
 * is digest-checked and held to our own limits by open.c [T28].
 *
 * The digest of the lines is not checked with every read. The frame's digest fixes the frame's bytes,
 * and those can only unpack to one text, so that nothing is found by it but an index that lies; and
 * who can write such an index gains more where equal digests keep us from reading a bucket at all.
 * The writer's reading back and `unstage verify` check it, and a signature says whose index it is.
 * It would make comparing two snapshots a quarter longer.
 */
#define ZSTD_STATIC_LINKING_ONLY /* names the parameter that leaves checksums alone */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "snapshots/snapshots_internal.h"

enum { PIECE_BYTES = 1 << 20 }; /* of frames that are read with one call */

bool read_at(int descriptor, const char *path, uint64_t offset, void *data, size_t length,
	struct error *err)
{
	char *at = data;

	while (length) {
		ssize_t got = pread(descriptor, at, length, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "%s: can't read at offset %" PRIu64, path, offset);
		if (!got)
			return error_set(err, ERROR_FORMAT,
				"%s: the file ends at offset %" PRIu64
				", in the middle of its data",
				path, offset);
		at += got;
		offset += (uint64_t)got;
		length -= (size_t)got;
	}
	return true;
}

bool frame_damaged(
	const struct snapshot *snapshot, uint32_t number, struct error *err, const char *what)
{
	struct entry entry = snapshot_entry(snapshot, number);

	if (!number)
		return error_set(err, ERROR_FORMAT, "%s: header at offset %" PRIu64 ": %s",
			snapshot->path, entry.offset, what);
	return error_set(err, ERROR_FORMAT, "%s: bucket %" PRIu32 " at offset %" PRIu64 ": %s",
		snapshot->path, entry.bucket, entry.offset, what);
}

static bool digest_matches(const uint8_t expected[static DIGEST_BYTES], struct span data)
{
	uint8_t digest[DIGEST_BYTES];

	digest_of(digest, data.data, data.length);
	return memcmp(digest, expected, DIGEST_BYTES) == 0;
}

/*
 * RFC 8878, 3.1.1.1: the descriptor byte behind the magic must ask for a checksum and no
 * dictionary, and a window, where one is named, may have at most 2^27 bytes: zstd's own programs
 * read no larger one.
 */
static bool header_is_ours(struct span frame)
{
	enum { DICTIONARY = 0x03, CHECKSUM = 0x04, RESERVED = 0x08, SINGLE_SEGMENT = 0x20 };
	enum { WINDOW_LOG_MIN = 10, WINDOW_LOG_MAX = 27 };
	uint8_t descriptor, window;

	if (frame.length < 6)
		return false;
	descriptor = (uint8_t)frame.data[4];
	window = (uint8_t)frame.data[5];
	if ((descriptor & (DICTIONARY | RESERVED)) || !(descriptor & CHECKSUM))
		return false;
	return (descriptor & SINGLE_SEGMENT) || window <= (WINDOW_LOG_MAX - WINDOW_LOG_MIN) << 3;
}

/* What is wrong with the frame before it is unpacked; NULL when nothing is. */
static const char *frame_fault(const struct entry *entry, struct span frame)
{
	if (!digest_matches(entry->packed_digest, frame))
		return "damaged: its bytes are not those the index was made for; "
		       "take the file from a copy";
	if (ZSTD_findFrameCompressedSize(frame.data, frame.length) != frame.length)
		return "not exactly one zstd frame";
	if (!header_is_ours(frame))
		return "a zstd frame of a kind that no snapshot has";
	if (ZSTD_getFrameContentSize(frame.data, frame.length) != entry->plain)
		return "the frame's length is not the index's";
	return NULL;
}

/* The same for what came out. */
static const char *plain_fault(const struct entry *entry, struct span plain)
{
	if (plain.data[plain.length - 1] != '\n')
		return "the last line does not end";
	if (line_count(plain) != entry->lines)
		return "the number of lines is not the index's";
	return NULL;
}

bool unpacker_init(struct unpacker *unpacker, struct error *err)
{
	unpacker->packed.limit = PACKED_MAX;
	unpacker->zstd = ZSTD_createDCtx();
	if (!unpacker->zstd)
		return error_set(err, ERROR_SYSTEM, "libzstd can't start");
	/*
	 * The frame's digest has fixed its bytes; zstd's checksum of 32 bits, which the writer has checked, finds
	 * nothing beyond that and is an eighth of unpacking. A libzstd that knows no such parameter checks it.
	 */
	(void)ZSTD_DCtx_setParameter(
		unpacker->zstd, ZSTD_d_forceIgnoreChecksum, ZSTD_d_ignoreChecksum);
	return true;
}

void unpacker_release(struct unpacker *unpacker)
{
	ZSTD_freeDCtx(unpacker->zstd);
	buf_release(&unpacker->packed);
}

uint32_t frames_piece(const struct snapshot *snapshot, uint32_t first, uint32_t end, size_t *bytes)
{
	uint32_t at = first + 1;

	*bytes = snapshot_entry(snapshot, first).packed;
	for (; at < end; at++) {
		size_t packed = snapshot_entry(snapshot, at).packed;

		if (*bytes + packed > PIECE_BYTES)
			break;
		*bytes += packed;
	}
	return at;
}

bool frames_load(const struct snapshot *snapshot, uint32_t first, uint32_t end, size_t bytes,
	struct buf *packed, struct error *err)
{
	const char *fault;
	char *room;

	buf_cut(packed, 0);
	room = buf_room(packed, bytes);
	if (!room)
		return frame_damaged(snapshot, first, err, "larger than a frame may be");
	if (!read_at(snapshot->descriptor, snapshot->path, snapshot_entry(snapshot, first).offset,
		    room, bytes, err))
		return false;
	buf_grew(packed, bytes);
	for (uint32_t i = first; i < end; i++) {
		struct entry entry = snapshot_entry(snapshot, i);

		fault = frame_fault(&entry, (struct span){ room, entry.packed });
		if (fault)
			return frame_damaged(snapshot, i, err, fault);
		room += entry.packed;
	}
	return true;
}

bool frame_read(const struct snapshot *snapshot, struct unpacker *unpacker, uint32_t number,
	struct buf *plain, struct error *err)
{
	struct entry entry = snapshot_entry(snapshot, number);
	const char *fault;
	size_t unpacked;
	char *room;

	buf_cut(plain, 0);
	if (!frames_load(snapshot, number, number + 1, entry.packed, &unpacker->packed, err))
		return false;
	room = buf_room(plain, entry.plain);
	if (!room)
		return frame_damaged(snapshot, number, err, "more lines than a frame may have");
	unpacked = ZSTD_decompressDCtx(
		unpacker->zstd, room, entry.plain, unpacker->packed.data, unpacker->packed.length);
	if (ZSTD_isError(unpacked) || unpacked != entry.plain)
		return frame_damaged(snapshot, number, err, "zstd can't unpack it");
	buf_grew(plain, unpacked);
	fault = plain_fault(&entry, buf_span(plain));
	return !fault || frame_damaged(snapshot, number, err, fault);
}

bool frame_check_lines(
	const struct snapshot *snapshot, uint32_t number, struct span plain, struct error *err)
{
	struct entry entry = snapshot_entry(snapshot, number);

	return digest_matches(entry.plain_digest, plain) ||
		frame_damaged(
			snapshot, number, err, "the unpacked lines are not those the index names");
}
