/* The tables, cut from Unicode 14's by hand: rows ascend, and are searched by halving. */
#include "base/text_internal.h"

#include <stddef.h>

#include "base/attributes.h"

struct range {
	uint32_t first, last;
};

/*
 * Controls, separators, everything that Unicode calls default ignorable, private use, and what
 * will never be a character. The planes from 4 on hold tags, private use and nothing else.
 */
static const struct range unprintable[] = { { 0x0000, 0x001f }, { 0x007f, 0x009f },
	{ 0x00ad, 0x00ad }, { 0x034f, 0x034f }, { 0x061c, 0x061c }, { 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
	{ 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xd800, 0xf8ff }, { 0xfdd0, 0xfdef },
	{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
	{ 0xfffe, 0xffff }, { 0x13430, 0x1345f }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
	{ 0x1fffe, 0x1ffff }, { 0x2fffe, 0x2ffff }, { 0x3fffe, 0x10ffff } };

/* East Asian wide and full-width, and pictures. What is not assigned between them counts too. */
static const struct range wide[] = { { 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x2329, 0x232a },
	{ 0x23e9, 0x23ec }, { 0x23f0, 0x23f0 }, { 0x23f3, 0x23f3 }, { 0x25fd, 0x25fe },
	{ 0x2614, 0x2615 }, { 0x2648, 0x2653 }, { 0x267f, 0x267f }, { 0x2693, 0x2693 },
	{ 0x26a1, 0x26a1 }, { 0x26aa, 0x26ab }, { 0x26bd, 0x26be }, { 0x26c4, 0x26c5 },
	{ 0x26ce, 0x26ce }, { 0x26d4, 0x26d4 }, { 0x26ea, 0x26ea }, { 0x26f2, 0x26f3 },
	{ 0x26f5, 0x26f5 }, { 0x26fa, 0x26fa }, { 0x26fd, 0x26fd }, { 0x2705, 0x2705 },
	{ 0x270a, 0x270b }, { 0x2728, 0x2728 }, { 0x274c, 0x274c }, { 0x274e, 0x274e },
	{ 0x2753, 0x2755 }, { 0x2757, 0x2757 }, { 0x2795, 0x2797 }, { 0x27b0, 0x27b0 },
	{ 0x27bf, 0x27bf }, { 0x2b1b, 0x2b1c }, { 0x2b50, 0x2b50 }, { 0x2b55, 0x2b55 },
	{ 0x2e80, 0x303e }, { 0x3040, 0xa4cf }, { 0xa960, 0xa97f }, { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff }, { 0xfe10, 0xfe19 }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 }, { 0x16fe0, 0x18d0f }, { 0x1aff0, 0x1b2ff }, { 0x1f004, 0x1f004 },
	{ 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e }, { 0x1f191, 0x1f19a }, { 0x1f200, 0x1f64f },
	{ 0x1f680, 0x1f6ff }, { 0x1f7e0, 0x1f7ff }, { 0x1f90c, 0x1f9ff }, { 0x1fa70, 0x1faff },
	{ 0x20000, 0x3fffd } };

/* Of the scripts in use. A mark that is missing counts one column: a line comes out short. */
static const struct range combining[] = { { 0x0300, 0x036f }, { 0x0483, 0x0489 },
	{ 0x0591, 0x05bd }, { 0x064b, 0x065f }, { 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a },
	{ 0x1ab0, 0x1ace }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20f0 }, { 0x3099, 0x309a },
	{ 0xfe20, 0xfe2f } };

/* Every `step`th scalar from first to last has its lower case `distance` further on. */
struct folding {
	uint32_t first, last, step;
	int32_t distance;
};

static const struct folding foldings[] = {
	/* Latin-1 (the micro sign is a Greek letter) and Latin Extended-A */
	{ 0x00b5, 0x00b5, 1, 775 },
	{ 0x00c0, 0x00d6, 1, 32 },
	{ 0x00d8, 0x00de, 1, 32 },
	{ 0x0100, 0x012e, 2, 1 },
	{ 0x0132, 0x0136, 2, 1 },
	{ 0x0139, 0x0147, 2, 1 },
	{ 0x014a, 0x0176, 2, 1 },
	{ 0x0178, 0x0178, 1, -121 },
	{ 0x0179, 0x017d, 2, 1 },
	/* Greek */
	{ 0x0386, 0x0386, 1, 38 },
	{ 0x0388, 0x038a, 1, 37 },
	{ 0x038c, 0x038c, 1, 64 },
	{ 0x038e, 0x038f, 1, 63 },
	{ 0x0391, 0x03a1, 1, 32 },
	{ 0x03a3, 0x03ab, 1, 32 },
	{ 0x03c2, 0x03c2, 1, 1 },
	/* Cyrillic */
	{ 0x0400, 0x040f, 1, 80 },
	{ 0x0410, 0x042f, 1, 32 },
	{ 0x0460, 0x0480, 2, 1 },
	{ 0x048a, 0x04be, 2, 1 },
	{ 0x04c0, 0x04c0, 1, 15 },
	{ 0x04c1, 0x04cd, 2, 1 },
	{ 0x04d0, 0x052e, 2, 1 },
};

static bool in_ranges(const struct range *ranges, size_t count, uint32_t scalar)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (scalar > ranges[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && scalar >= ranges[low].first;
}

bool unicode_is_unprintable(uint32_t scalar)
{
	return in_ranges(unprintable, COUNT_OF(unprintable), scalar);
}

unsigned unicode_columns(uint32_t scalar)
{
	if (scalar < combining[0].first)
		return 1;
	if (in_ranges(combining, COUNT_OF(combining), scalar))
		return 0;
	return in_ranges(wide, COUNT_OF(wide), scalar) ? 2 : 1;
}

uint32_t unicode_fold(uint32_t scalar)
{
	const struct folding *folding = foldings;

	if (scalar < 0x80)
		return scalar >= 'A' && scalar <= 'Z' ? scalar + 32 : scalar;
	while (folding < foldings + COUNT_OF(foldings) && scalar > folding->last)
		folding++;
	if (folding == foldings + COUNT_OF(foldings) || scalar < folding->first ||
		(scalar - folding->first) % folding->step)
		return scalar;
	return (uint32_t)((int32_t)scalar + folding->distance);
}
