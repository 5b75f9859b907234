/*
 * Answers that come packed. libcurl would unpack them with zlib, which takes two thirds of the
 * processor time of reading a directory; ISA-L is seven times as fast (docs/performance.md), and
 * with the packed bytes in our hands the limits on swelling [T30] are exact.
 */
#include <string.h>

#include <isa-l/igzip_lib.h>

#include "base/memory.h"
#include "net/net_internal.h"

enum { PIECE_BYTES = 64 << 10 };

struct unpack {
	struct inflate_state inflate; /* keeps the window of what came before */
	uint8_t piece[PIECE_BYTES];
};

struct unpack *unpack_new(void)
{
	struct unpack *unpack = memory_new(sizeof(*unpack));

	isal_inflate_init(&unpack->inflate);
	unpack->inflate.crc_flag = ISAL_GZIP; /* header, checksum and length are checked there */
	return unpack;
}

void unpack_free(struct unpack *unpack)
{
	if (!unpack)
		return;
	/* A token may have come this way. */
	explicit_bzero(unpack, sizeof(*unpack));
	memory_free(unpack);
}

bool unpack_is_whole(const struct unpack *unpack)
{
	return unpack->inflate.block_state == ISAL_BLOCK_FINISH;
}

static const char *damage_of(int result)
{
	switch (result) {
	case ISAL_INCORRECT_CHECKSUM:
		return "its checksum or length is wrong";
	case ISAL_INVALID_WRAPPER:
	case ISAL_UNSUPPORTED_METHOD:
		return "it does not begin like gzip";
	default:
		return "its data is damaged";
	}
}

bool unpack_take(struct unpack *unpack, struct span packed,
	bool (*take)(void *context, struct span piece, struct error *err), void *context,
	struct error *err)
{
	struct inflate_state *inflate = &unpack->inflate;
	size_t length, left;

	inflate->next_in = (uint8_t *)packed.data;
	inflate->avail_in = (uint32_t)packed.length;
	do {
		int result = ISAL_DECOMP_OK;

		left = inflate->avail_in;
		inflate->next_out = unpack->piece;
		inflate->avail_out = PIECE_BYTES;
		if (!unpack_is_whole(unpack))
			result = isal_inflate(inflate);
		if (result != ISAL_DECOMP_OK)
			return error_set(err, ERROR_FORMAT, "the answer can't be unpacked: %s",
				damage_of(result));
		length = PIECE_BYTES - inflate->avail_out;
		if (length && !take(context, (struct span){ (char *)unpack->piece, length }, err))
			return false;
	} while (length || inflate->avail_in < left);
	if (inflate->avail_in)
		return error_set(err, ERROR_FORMAT, "the answer can't be unpacked: %s",
			"more follows its end");
	return true;
}
