/*
 * What the parts of the scanner share: many bytes of a string looked at in one go.
 *
 * Most strings of a directory are shorter than 32 bytes. Where a step covers that many, a string
 * is one step, which the processor foresees; that is worth more than the bytes saved. x86-64 always
 * has SSE2; elsewhere eight bytes are looked at in one word. SCAN_PORTABLE, which tests set, means
 * elsewhere.
 */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(SCAN_PORTABLE)
#define SCAN_SSE2
#include <emmintrin.h>
#endif

#include "base/scan.h"

#define SCAN_ONES  UINT64_C(0x0101010101010101)
#define SCAN_HIGHS UINT64_C(0x8080808080808080)

/* What ends a run of bytes. */
enum scan_stop {
	STOP_AT_QUOTE = 1,   /* `"` and `\`: enough to walk checked text */
	STOP_AT_CONTROL = 2, /* below 0x20 */
	STOP_AT_HIGH = 4,    /* above 0x7f */
};

static inline bool scan_stops(unsigned char byte, int stop)
{
	return byte == '"' || byte == '\\' || ((stop & STOP_AT_CONTROL) && byte < 0x20) ||
		((stop & STOP_AT_HIGH) && byte > 0x7f);
}

#ifdef SCAN_SSE2
enum { SCAN_STEP = 32 };

static inline uint32_t scan_hits_16(const char *at, int stop)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
	__m128i hits = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
		_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));

	if ((stop & STOP_AT_CONTROL) && (stop & STOP_AT_HIGH)) /* those above 0x7f are negative */
		hits = _mm_or_si128(hits, _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)));
	else if (stop & STOP_AT_CONTROL) /* the greatest of (byte, 0x1f) is 0x1f */
		hits = _mm_or_si128(hits,
			_mm_cmpeq_epi8(
				_mm_max_epu8(bytes, _mm_set1_epi8(0x1f)), _mm_set1_epi8(0x1f)));
	else if (stop & STOP_AT_HIGH) /* only the sign of a byte counts below */
		hits = _mm_or_si128(hits, bytes);
	return (uint32_t)_mm_movemask_epi8(hits);
}

/* The first byte of the step that stops, or SCAN_STEP. */
static inline unsigned scan_first_stop(const char *at, int stop)
{
	uint32_t hits = scan_hits_16(at, stop) | scan_hits_16(at + 16, stop) << 16;

	return hits ? (unsigned)__builtin_ctz(hits) : SCAN_STEP;
}

/* Whether the first bytes are the same: `length` of SCAN_STEP, which can be read at both. */
static inline bool scan_same(const char *a, const char *b, unsigned length)
{
	uint32_t mask = (uint32_t)((UINT64_C(1) << length) - 1);
	__m128i low = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)a),
		_mm_loadu_si128((const __m128i *)(const void *)b));
	__m128i high = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(a + 16)),
		_mm_loadu_si128((const __m128i *)(const void *)(b + 16)));
	uint32_t same = (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;

	return !(mask & ~same);
}
#else
enum { SCAN_STEP = 8 };

/*
 * Each test leaves the high bit set in the bytes it means. A borrow can only disturb bytes above
 * the first one that was found, so the lowest hit is always right, and only it is used.
 */
static inline uint64_t scan_bytes_equal(uint64_t word, unsigned char byte)
{
	uint64_t difference = word ^ (SCAN_ONES * byte);

	return (difference - SCAN_ONES) & ~difference & SCAN_HIGHS;
}

static inline unsigned scan_first_stop(const char *at, int stop)
{
	uint64_t word, hits;

	memcpy(&word, at, sizeof(word));
	word = le64toh(word); /* the byte at the lowest address is the lowest one */
	hits = scan_bytes_equal(word, '"') | scan_bytes_equal(word, '\\');
	if (stop & STOP_AT_CONTROL)
		hits |= (word - SCAN_ONES * 0x20) & ~word & SCAN_HIGHS;
	if (stop & STOP_AT_HIGH)
		hits |= word & SCAN_HIGHS;
	return hits ? (unsigned)__builtin_ctzll(hits) / 8 : SCAN_STEP;
}

static inline bool scan_same(const char *a, const char *b, unsigned length)
{
	return memcmp(a, b, length) == 0;
}
#endif

/* The first byte at or after `at` that stops; `end` when there is none. */
static inline const char *scan_run_end(const char *at, const char *end, int stop)
{
	unsigned first;

	while (end - at >= SCAN_STEP) {
		first = scan_first_stop(at, stop);
		at += first;
		if (first < SCAN_STEP)
			return at;
	}
	while (at < end && !scan_stops((unsigned char)*at, stop))
		at++;
	return at;
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
