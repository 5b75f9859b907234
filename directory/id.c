/* Object ids as their sixteen bytes: directories have millions of them. */
#include "directory/directory.h"

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
