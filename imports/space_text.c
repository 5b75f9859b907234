/* Texts of connector spaces, one at a time (facts 3.3, 3.5). */
#include <stdlib.h>

#include "base/text.h"
#include "base/time.h"
#include "imports/space_internal.h"

enum {
	SID_HEAD_BYTES = 8,
	SID_PARTS_MAX = 15,
	ANCHOR_HEAD_BYTES = 4,
	TIME_TEXT_LENGTH = 19, /* without a fraction */
	BASE64_BAD = 64,
	BASE64_END = 65,
	BASE64_BLANK = 66,
};

/* ---- base64 ------------------------------------------------------------------------- */

/* clang-format off */
static const uint8_t base64_digits[256] = {
	64, 64, 64, 64, 64, 64, 64, 64, 64, 66, 66, 64, 64, 66, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	66, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 64, 64, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 65, 64, 64,
	64,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 64,
	64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
};
/* clang-format on */

bool space_base64(struct span text, struct buf *out)
{
	char *room = buf_room(out, text.length / 4 * 3 + 3);
	size_t length = 0;
	unsigned bits = 0, held = 0, ends = 0;

	if (!room)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		unsigned digit = base64_digits[(unsigned char)text.data[i]];

		if (digit == BASE64_BLANK)
			continue;
		if (digit == BASE64_BAD || (ends && digit != BASE64_END))
			return false;
		if (digit == BASE64_END) {
			ends++;
			continue;
		}
		bits = bits << 6 | digit;
		held += 6;
		if (held >= 8) {
			held -= 8;
			room[length++] = (char)(bits >> held & 0xff);
			bits &= (1U << held) - 1;
		}
	}
	/* What is left is 0, 4 or 2 bits of nothing, and as many marks of the end. */
	if (bits || held == 6 || ends != held / 2)
		return false;
	buf_grew(out, length);
	return true;
}

void space_add_base64(struct buf *out, struct span bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *data = (const uint8_t *)bytes.data;

	for (size_t i = 0; i < bytes.length; i += 3) {
		size_t left = bytes.length - i;
		uint32_t word = (uint32_t)data[i] << 16 |
			(left > 1 ? (uint32_t)data[i + 1] << 8 : 0U) |
			(left > 2 ? data[i + 2] : 0U);
		char group[] = { digits[word >> 18], digits[word >> 12 & 63], '=', '=' };

		if (left > 1)
			group[2] = digits[word >> 6 & 63];
		if (left > 2)
			group[3] = digits[word & 63];
		buf_add(out, group, sizeof(group));
	}
}

/* ---- anchors and names -------------------------------------------------------------- */

/* UTF-16 with nothing but ASCII in it, and a NUL at its end; the text without it. */
static bool narrow(struct span wide, char *text, size_t size)
{
	size_t units = wide.length / 2;

	if (wide.length % 2 || !units || units > size)
		return false;
	for (size_t i = 0; i < units; i++) {
		text[i] = wide.data[2 * i];
		if (wide.data[2 * i + 1] || (text[i] <= 0) != (i == units - 1))
			return false;
	}
	return text[units - 1] == '\0';
}

bool space_anchor_parse(struct span bytes, struct space_anchor *anchor)
{
	const uint8_t *head = (const uint8_t *)bytes.data;
	char text[sizeof(anchor->type) + ID_BYTES + 1], *id;
	uint8_t parsed[ID_BINARY_BYTES];

	if (bytes.length < ANCHOR_HEAD_BYTES ||
		(head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24) !=
			bytes.length - ANCHOR_HEAD_BYTES)
		return false;
	bytes.data += ANCHOR_HEAD_BYTES;
	bytes.length -= ANCHOR_HEAD_BYTES;
	if (!narrow(bytes, text, sizeof(text)))
		return false;
	id = strchr(text, '_');
	if (!id || (size_t)(id - text) >= sizeof(anchor->type))
		return false;
	*id++ = '\0';
	for (char *at = id; *at; at++)
		*at = text_lower(*at);
	if (!id_parse(span_of(id), parsed))
		return false;
	memcpy(anchor->id, parsed, sizeof(parsed));
	memcpy(anchor->type, text, (size_t)(id - text));
	return true;
}

static int hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte = text_lower(byte);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* CN={6E69…}: the hexadecimal bytes of the source anchor's text. */
bool space_dn_source_anchor(struct span dn, struct buf *out)
{
	size_t start = out->length;

	if (dn.length < strlen("CN={00}") || dn.length % 2 == 0 ||
		text_compare_caseless((struct span){ dn.data, 4 }, SPAN_LITERAL("CN={")) != 0 ||
		dn.data[dn.length - 1] != '}')
		return false;
	for (size_t i = 4; i + 1 < dn.length; i += 2) {
		int high = hex_digit(dn.data[i]), low = hex_digit(dn.data[i + 1]);

		if (high < 0 || low < 0) {
			buf_cut(out, start);
			return false;
		}
		buf_add_byte(out, (char)(high << 4 | low));
	}
	return true;
}

/* ---- values ------------------------------------------------------------------------- */

bool space_time(struct span text, int64_t *ms)
{
	char iso[TIME_TEXT_BYTES];

	if (text.length < TIME_TEXT_LENGTH || text.length + 2 > sizeof(iso) || text.data[10] != ' ')
		return false;
	memcpy(iso, text.data, text.length);
	iso[10] = 'T';
	iso[text.length] = 'Z';
	return time_parse((struct span){ iso, text.length + 1 }, ms);
}

bool space_sid(struct span bytes, struct buf *out)
{
	const uint8_t *data = (const uint8_t *)bytes.data;
	uint64_t authority = 0;

	if (bytes.length < SID_HEAD_BYTES || data[1] > SID_PARTS_MAX ||
		bytes.length != SID_HEAD_BYTES + 4U * data[1])
		return false;
	for (size_t i = 2; i < SID_HEAD_BYTES; i++)
		authority = authority << 8 | data[i];
	buf_addf(out, "S-%u-%llu", data[0], (unsigned long long)authority);
	for (size_t i = SID_HEAD_BYTES; i < bytes.length; i += 4)
		buf_addf(out, "-%lu",
			(unsigned long)data[i] | (unsigned long)data[i + 1] << 8 |
				(unsigned long)data[i + 2] << 16 |
				(unsigned long)data[i + 3] << 24);
	return true;
}

bool space_integer(struct span text, int64_t *number)
{
	bool hex = text.length > 2 && text.data[0] == '0' && text_lower(text.data[1]) == 'x';
	bool negative = !hex && text.length > 1 && text.data[0] == '-';
	uint64_t value = 0, base = hex ? 16 : 10;
	size_t from = hex ? 2 : negative;

	if (from >= text.length)
		return false;
	for (size_t i = from; i < text.length; i++) {
		int digit = hex_digit(text.data[i]);

		if (digit < 0 || (uint64_t)digit >= base ||
			__builtin_mul_overflow(value, base, &value) ||
			__builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	/* Sixteen hexadecimal digits are a number of 64 bits with its sign. */
	if (!hex && value > INT64_MAX)
		return false;
	*number = negative ? -(int64_t)value : (int64_t)value;
	return true;
}
