/*
 * The bytes of unstage-snapshot/1 that are not zstd's and not JSON: little-endian numbers,
 * index entries, the footer, ids and buckets.
 *
 * An entry: bucket u32, offset u64, packed u32, plain u32, lines u32, BLAKE3 of the plain bytes,
 * BLAKE3 of the frame. The footer: offset u64 and length u64 of the index, its BLAKE3, and eight bytes
 * that end every snapshot.
 */
#include <blake3.h>
#include <endian.h>

#include "snapshots/snapshots_internal.h"

void put_u32(struct buf *out, uint32_t number)
{
	uint32_t little = htole32(number);

	buf_add(out, &little, sizeof(little));
}

void put_u64(struct buf *out, uint64_t number)
{
	uint64_t little = htole64(number);

	buf_add(out, &little, sizeof(little));
}

void put_entry(struct buf *out, const struct entry *entry)
{
	put_u32(out, entry->bucket);
	put_u64(out, entry->offset);
	put_u32(out, entry->packed);
	put_u32(out, entry->plain);
	put_u32(out, entry->lines);
	buf_add(out, entry->plain_digest, DIGEST_BYTES);
	buf_add(out, entry->packed_digest, DIGEST_BYTES);
}

void put_footer(struct buf *out, const struct footer *footer)
{
	put_u64(out, footer->offset);
	put_u64(out, footer->length);
	buf_add(out, footer->digest, DIGEST_BYTES);
	buf_add_text(out, FOOTER_MAGIC);
}

bool get_footer(const uint8_t at[static FOOTER_BYTES], struct footer *footer)
{
	footer->offset = get_u64(at);
	footer->length = get_u64(at + 8);
	memcpy(footer->digest, at + 16, DIGEST_BYTES);
	return memcmp(at + 48, FOOTER_MAGIC, sizeof(FOOTER_MAGIC) - 1) == 0;
}

/* log2(count / 64), rounded: 64 times the square root of two is 90.5. */
unsigned bits_for(uint64_t count)
{
	unsigned bits = 0;

	while (bits < BITS_MAX && count > (UINT64_C(181) << bits) / 2)
		bits++;
	return bits;
}

uint32_t bucket_of(const uint8_t id[static ID_BINARY_BYTES], unsigned bits)
{
	uint32_t leading = (uint32_t)id[0] << 8 | id[1];

	return leading >> (BITS_MAX - bits);
}

void digest_of(uint8_t digest[static DIGEST_BYTES], const void *data, size_t length)
{
	blake3_hasher hasher;

	blake3_hasher_init(&hasher);
	blake3_hasher_update(&hasher, data, length);
	blake3_hasher_finalize(&hasher, digest, DIGEST_BYTES);
}
