/*
 * The bytes of unstage-snapshot/1 that are not zstd's and not JSON: little-endian numbers,
 * index entries, the footer, ids and buckets.
 *
 * An entry: bucket u32, offset u64, packed u32, plain u32, lines u32, BLAKE2b-256 of the plain
 * bytes, BLAKE2b-256 of the frame. The footer: offset u64 and length u64 of the index, its
 * BLAKE2b-256, and eight bytes that end every snapshot.
 */
#include <endian.h>
#include <sodium.h>

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

uint32_t get_u32(const uint8_t *at)
{
	uint32_t little;

	memcpy(&little, at, sizeof(little));
	return le32toh(little);
}

static uint64_t get_u64(const uint8_t *at)
{
	uint64_t little;

	memcpy(&little, at, sizeof(little));
	return le64toh(little);
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

struct entry get_entry(const uint8_t at[static ENTRY_BYTES])
{
	struct entry entry = {
		.bucket = get_u32(at),
		.offset = get_u64(at + 4),
		.packed = get_u32(at + 12),
		.plain = get_u32(at + 16),
		.lines = get_u32(at + 20),
	};

	memcpy(entry.plain_digest, at + ENTRY_PLAIN_DIGEST, DIGEST_BYTES);
	memcpy(entry.packed_digest, at + 56, DIGEST_BYTES);
	return entry;
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

static bool hyphen_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

/* Every object's id passes here, and its digits are random: looked up, since a branch would guess. */
bool id_parse(struct span text, uint8_t id[static ID_BINARY_BYTES])
{
	enum { DIGIT = 0x10 }; /* beside the value: what is not named is none */
	static const uint8_t digits[UINT8_MAX + 1] = {
		['0'] = DIGIT | 0,
		['1'] = DIGIT | 1,
		['2'] = DIGIT | 2,
		['3'] = DIGIT | 3,
		['4'] = DIGIT | 4,
		['5'] = DIGIT | 5,
		['6'] = DIGIT | 6,
		['7'] = DIGIT | 7,
		['8'] = DIGIT | 8,
		['9'] = DIGIT | 9,
		['a'] = DIGIT | 10,
		['b'] = DIGIT | 11,
		['c'] = DIGIT | 12,
		['d'] = DIGIT | 13,
		['e'] = DIGIT | 14,
		['f'] = DIGIT | 15,
	};
	const uint8_t *at = (const uint8_t *)text.data;
	unsigned all = DIGIT, high, low;

	if (text.length != ID_BYTES)
		return false;
	for (size_t i = 0; i < ID_BINARY_BYTES; i++) {
		if (hyphen_before(i) && *at++ != '-')
			return false;
		high = digits[*at++];
		low = digits[*at++];
		all &= high & low;
		id[i] = (uint8_t)(high << 4 | (low & 15));
	}
	return all == DIGIT;
}

void id_text(const uint8_t id[static ID_BINARY_BYTES], char text[static ID_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < ID_BINARY_BYTES; i++) {
		if (hyphen_before(i))
			*text++ = '-';
		*text++ = digits[id[i] >> 4];
		*text++ = digits[id[i] & 15];
	}
	*text = '\0';
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
	crypto_generichash(digest, DIGEST_BYTES, data, length, NULL, 0);
}
