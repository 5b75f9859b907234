/*
 * A packed answer, in pieces whose size the first byte says; the rest is deflate's data (RFC 1951). zlib
 * is the oracle: what it takes we take, and whatever we take comes out as zlib has it. (Of data with an
 * incomplete set of codes zlib takes less than ISA-L; the checksum is then all that decides.)
 * Gzip's header and the checksum are put around it here, since no mutation would hit the checksum.
 */
#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

#include "net/net_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 18, PACKED_MAX = 1 << 20 };

static bool append(void *context, struct span piece, struct error *err)
{
	struct buf *out = context;

	buf_add_span(out, piece);
	return buf_check(out, "the output", err);
}

static bool ours(struct span packed, size_t piece, struct buf *out)
{
	struct unpack *unpack = unpack_new();
	struct error err = { 0 };
	bool good = true;

	while (good && packed.length) {
		struct span next = { packed.data, packed.length < piece ? packed.length : piece };

		good = unpack_take(unpack, next, append, out, &err);
		packed.data += next.length;
		packed.length -= next.length;
	}
	good = good && unpack_is_whole(unpack);
	unpack_free(unpack);
	return good;
}

/* True where `deflated`, shortened to what was read of it, is whole. */
static bool theirs(struct span *deflated, struct buf *out)
{
	static unsigned char room[OUT_MAX + 1];
	z_stream stream = { .next_in = (unsigned char *)deflated->data,
		.avail_in = (unsigned)deflated->length,
		.next_out = room,
		.avail_out = sizeof(room) };
	int result;

	if (inflateInit2(&stream, -15) != Z_OK)
		abort();
	result = inflate(&stream, Z_FINISH);
	buf_add_span(out, (struct span){ (char *)room, sizeof(room) - stream.avail_out });
	inflateEnd(&stream);
	deflated->length -= stream.avail_in;
	return result == Z_STREAM_END;
}

static void add_number(struct buf *out, uint32_t number)
{
	for (unsigned shift = 0; shift < 32; shift += 8)
		buf_add_byte(out, (char)(number >> shift & 0xff));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_release) struct buf packed = BUF_UP_TO(PACKED_MAX);
	CLEANUP(buf_release) struct buf got = BUF_UP_TO(OUT_MAX);
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(OUT_MAX + 1);
	struct span deflated;
	bool whole, taken;

	if (size < 2 || size > PACKED_MAX / 2)
		return 0;
	deflated = (struct span){ (const char *)data + 1, size - 1 };
	whole = theirs(&deflated, &expected) && expected.length <= OUT_MAX;
	buf_add_span(&packed, SPAN_LITERAL("\x1f\x8b\x08\0\0\0\0\0\0\xff"));
	buf_add_span(&packed, deflated);
	add_number(&packed,
		(uint32_t)crc32(
			0, (const unsigned char *)expected.data, (unsigned)expected.length));
	add_number(&packed, (uint32_t)expected.length);
	taken = ours(buf_span(&packed), data[0] ? data[0] : 65536, &got);
	assert(taken || !whole);
	assert(!taken || span_equal(buf_span(&got), buf_span(&expected)));
	return 0;
}
