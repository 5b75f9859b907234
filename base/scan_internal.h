/*
 * What the three halves of the scanner share: eight bytes of a string looked at in one go.
 *
 * Each test below leaves the high bit set in the bytes it means. A borrow can only disturb bytes
 * above the first one that was found, so the lowest hit is always right, and only it is used.
 */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/scan.h"

#define SCAN_ONES  UINT64_C(0x0101010101010101)
#define SCAN_HIGHS UINT64_C(0x8080808080808080)

/* The byte at the lowest address is the lowest one on every machine. */
static inline uint64_t scan_load(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return le64toh(word);
}

static inline uint64_t scan_bytes_equal(uint64_t word, unsigned char byte)
{
	uint64_t difference = word ^ (SCAN_ONES * byte);

	return (difference - SCAN_ONES) & ~difference & SCAN_HIGHS;
}

static inline uint64_t scan_bytes_control(uint64_t word)
{
	return (word - SCAN_ONES * 0x20) & ~word & SCAN_HIGHS;
}

/* Which byte of the word was the first that a test found; the hits must not be 0. */
static inline unsigned scan_first_hit(uint64_t hits)
{
	return (unsigned)__builtin_ctzll(hits) / 8;
}

static inline bool scan_is_blank(char byte)
{
	return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static inline const char *scan_skip_blanks(const char *at, const char *end)
{
	while (at < end && scan_is_blank(*at))
		at++;
	return at;
}

/* The first quote or backslash at or after `at`; `end` when there is none. */
static inline const char *scan_plain_end(const char *at, const char *end)
{
	uint64_t word, hits;

	for (; end - at >= 8; at += 8) {
		word = scan_load(at);
		hits = scan_bytes_equal(word, '"') | scan_bytes_equal(word, '\\');
		if (hits)
			return at + scan_first_hit(hits);
	}
	while (at < end && *at != '"' && *at != '\\')
		at++;
	return at;
}

/* The value of one hexadecimal digit, or -1. */
static inline int scan_hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

/*
 * What a checked string says, piece by piece, without a buffer: plain runs are borrowed from the
 * string, an escape is decoded into `decoded`. Strings of any length can so be compared.
 */
struct scan_pieces {
	const char *at, *end;
	char decoded[4];
};

struct scan_pieces scan_pieces_open(struct span string);
/* False at the end. The piece lives until the next call. */
bool scan_pieces_next(struct scan_pieces *pieces, struct span *piece);

/* Order of what two checked strings say, byte for byte. */
int scan_compare_said(struct span a, struct span b);
