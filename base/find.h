/*
 * Looking for a short text in a longer one, many places in one step. A place is looked at closely where
 * the text's first byte and its last stand as far apart as they do in it: with a key in its quotes
 * and its colon that is hardly ever anywhere else.
 */
#pragma once

#include <string.h>

#include "base/scan_internal.h"
#include "base/span.h"

#ifdef SCAN_SSE2
enum { FIND_STEP = 16 };

/* A bit for each place of the step where it may begin. */
static inline uint32_t find_places(const char *at, struct span text)
{
	const char *last = at + text.length - 1;
	__m128i begins = _mm_cmpeq_epi8(
		_mm_loadu_si128((const __m128i *)(const void *)at), _mm_set1_epi8(text.data[0]));
	__m128i ends = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)last),
		_mm_set1_epi8(text.data[text.length - 1]));

	return (uint32_t)_mm_movemask_epi8(_mm_and_si128(begins, ends));
}

/* Behind the last place that was looked at in steps, or, with `found`, where it is. */
static inline const char *find_in_steps(
	const char *at, const char *end, struct span text, bool *found)
{
	for (; (size_t)(end - at) >= FIND_STEP - 1 + text.length; at += FIND_STEP)
		for (uint32_t places = find_places(at, text); places; places &= places - 1) {
			const char *place = at + __builtin_ctz(places);

			if (memcmp(place, text.data, text.length) == 0) {
				*found = true;
				return place;
			}
		}
	return at;
}
#endif

/* Where `text`, of two bytes at least, begins first between `at` and `end`; NULL where it is not. */
static inline const char *find_text(const char *at, const char *end, struct span text)
{
#ifdef SCAN_SSE2
	bool found = false;

	at = find_in_steps(at, end, text, &found);
	if (found)
		return at;
#endif
	return at < end ? memmem(at, (size_t)(end - at), text.data, text.length) : NULL;
}
