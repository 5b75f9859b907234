#include "base/text.h"

#include <stdlib.h>
#include <sys/random.h>

/* Ranges of scalars that do something to the reader instead of being seen [T33]. */
struct range {
	uint32_t first, last;
};

static const struct range unprintable[] = {
	{0x0000, 0x001f},
	{0x007f, 0x009f},
	{0x00ad, 0x00ad},
	{0x034f, 0x034f},
	{0x061c, 0x061c},
	{0x115f, 0x1160},
	{0x17b4, 0x17b5},
	{0x180b, 0x180f},
	{0x200b, 0x200f},
	{0x2028, 0x202e},
	{0x2060, 0x206f},
	{0x3164, 0x3164},
	{0xd800, 0xdfff},
	{0xfe00, 0xfe0f},
	{0xfeff, 0xfeff},
	{0xffa0, 0xffa0},
	{0xfff0, 0xfffb},
	{0xfffe, 0xffff},
	{0x1bca0, 0x1bca3},
	{0x1d173, 0x1d17a},
	{0xe0000, 0xe0fff},
	{0xf0000, 0x10ffff},
};

/* East Asian wide and full-width, and pictures: two columns (Unicode 15, the blocks in use). */
static const struct range wide[] = {
	{0x1100, 0x115f},
	{0x231a, 0x231b},
	{0x2329, 0x232a},
	{0x23e9, 0x23ec},
	{0x25fd, 0x25fe},
	{0x2614, 0x2615},
	{0x2648, 0x2653},
	{0x26ce, 0x26ce},
	{0x2705, 0x2705},
	{0x270a, 0x270b},
	{0x274c, 0x274c},
	{0x2795, 0x2797},
	{0x2b1b, 0x2b1c},
	{0x2e80, 0x303e},
	{0x3041, 0x33ff},
	{0x3400, 0x4dbf},
	{0x4e00, 0x9fff},
	{0xa000, 0xa4cf},
	{0xa960, 0xa97f},
	{0xac00, 0xd7a3},
	{0xf900, 0xfaff},
	{0xfe30, 0xfe6f},
	{0xff00, 0xff60},
	{0xffe0, 0xffe6},
	{0x1f300, 0x1f64f},
	{0x1f680, 0x1f6ff},
	{0x1f900, 0x1f9ff},
	{0x20000, 0x3fffd},
};

static const struct range combining[] = {
	{0x0300, 0x036f},
	{0x0483, 0x0489},
	{0x0591, 0x05bd},
	{0x064b, 0x065f},
	{0x0e31, 0x0e31},
	{0x0e34, 0x0e3a},
	{0x1ab0, 0x1aff},
	{0x1dc0, 0x1dff},
	{0x20d0, 0x20ff},
	{0x3099, 0x309a},
	{0xfe20, 0xfe2f},
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

/* Length of the sequence a first byte announces, and the least scalar it may spell. */
static unsigned sequence_length(uint8_t first, uint32_t *least)
{
	if (first < 0x80) {
		*least = 0;
		return 1;
	}
	if (first >= 0xc2 && first <= 0xdf) {
		*least = 0x80;
		return 2;
	}
	if (first >= 0xe0 && first <= 0xef) {
		*least = 0x800;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*least = 0x10000;
		return 4;
	}
	return 0;
}

bool text_scalar(struct span text, size_t *at, uint32_t *scalar)
{
	uint8_t first = (uint8_t)text.data[*at];
	uint32_t least = 0, value;
	unsigned length = sequence_length(first, &least);

	*scalar = first;
	if (!length || text.length - *at < length) {
		++*at;
		return false;
	}
	value = length == 1 ? first : first & (0x7fu >> length);
	for (unsigned i = 1; i < length; i++) {
		uint8_t byte = (uint8_t)text.data[*at + i];

		if ((byte & 0xc0) != 0x80) {
			++*at;
			return false;
		}
		value = value << 6 | (byte & 0x3f);
	}
	if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
		++*at;
		return false;
	}
	*at += length;
	*scalar = value;
	return true;
}

bool text_is_utf8(struct span text)
{
	uint32_t scalar;

	for (size_t at = 0; at < text.length;) {
		if (!text_scalar(text, &at, &scalar))
			return false;
	}
	return true;
}

static const char *short_escape(uint32_t scalar)
{
	switch (scalar) {
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

/* The next character as it is shown; returns its columns. Moves `at`. */
static unsigned add_next(struct buf *out, struct span text, size_t *at)
{
	size_t start = *at, before = out->length;
	uint32_t scalar;
	bool valid = text_scalar(text, at, &scalar);
	const char *escape = valid ? short_escape(scalar) : NULL;

	if (escape) {
		buf_add_text(out, escape);
	} else if (!valid || scalar < 0x20 || scalar == 0x7f) {
		buf_addf(out, "\\x%02x", (unsigned)scalar);
	} else if (in_ranges(unprintable, COUNT_OF(unprintable), scalar)) {
		buf_addf(out, "\\u{%x}", (unsigned)scalar);
	} else {
		buf_add(out, text.data + start, *at - start);
		if (in_ranges(combining, COUNT_OF(combining), scalar))
			return 0;
		return in_ranges(wide, COUNT_OF(wide), scalar) ? 2 : 1;
	}
	return (unsigned)(out->length - before);
}

void text_printable(struct buf *out, struct span text)
{
	for (size_t at = 0; at < text.length;)
		add_next(out, text, &at);
}

enum { SHOWN_MAX = 16 }; /* bytes of one character as it is shown */

unsigned text_columns(struct span text)
{
	unsigned columns = 0;

	for (size_t at = 0; at < text.length;) {
		CLEANUP(buf_release) struct buf shown = BUF_UP_TO(SHOWN_MAX);

		columns += add_next(&shown, text, &at);
	}
	return columns;
}

void text_fit(struct buf *out, struct span text, unsigned columns, bool pad)
{
	bool cut = text_columns(text) > columns;
	unsigned room = cut && columns ? columns - 1 : columns, used = 0;

	for (size_t at = 0; at < text.length;) {
		CLEANUP(buf_release) struct buf shown = BUF_UP_TO(SHOWN_MAX);
		unsigned more = add_next(&shown, text, &at);

		if (used + more > room)
			break;
		buf_add_span(out, buf_span(&shown));
		used += more;
	}
	if (cut && columns) {
		buf_add_text(out, "…");
		used++;
	}
	for (; pad && used < columns; used++)
		buf_add_byte(out, ' ');
}

void text_line(FILE *file, const char *format, ...)
{
	enum { LINE_MAX_BYTES = 64 << 10 };
	CLEANUP(buf_release) struct buf raw = BUF_UP_TO(LINE_MAX_BYTES);
	CLEANUP(buf_release) struct buf shown = BUF_UP_TO(8 * LINE_MAX_BYTES);
	va_list arguments;
	char *text = NULL;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) >= 0)
		buf_add_text(&raw, text);
	va_end(arguments);
	free(text);
	text_printable(&shown, buf_span(&raw));
	fprintf(file, "%s\n", buf_text(&shown));
}

/* Simple case folding (Unicode's C and S rows) of the scripts that directories of our users hold.
 */
static uint32_t fold(uint32_t scalar)
{
	if (scalar < 0x80)
		return scalar >= 'A' && scalar <= 'Z' ? scalar + 32 : scalar;
	if (scalar >= 0xc0 && scalar <= 0xde && scalar != 0xd7)
		return scalar + 32;
	if ((scalar >= 0x100 && scalar <= 0x12f) || (scalar >= 0x132 && scalar <= 0x137) ||
		(scalar >= 0x14a && scalar <= 0x177))
		return scalar | 1;
	if ((scalar >= 0x139 && scalar <= 0x148) || (scalar >= 0x179 && scalar <= 0x17e))
		return scalar + (scalar & 1);
	if (scalar == 0x178)
		return 0xff;
	if (scalar >= 0x391 && scalar <= 0x3a9 && scalar != 0x3a2)
		return scalar + 32;
	if (scalar == 0x3c2)
		return 0x3c3;
	if (scalar >= 0x410 && scalar <= 0x42f)
		return scalar + 32;
	if (scalar >= 0x400 && scalar <= 0x40f)
		return scalar + 80;
	return scalar;
}

int text_compare_caseless(struct span a, struct span b)
{
	size_t at_a = 0, at_b = 0;

	if (!a.data || !b.data)
		return (a.data != NULL) - (b.data != NULL);
	while (at_a < a.length && at_b < b.length) {
		uint32_t scalar_a, scalar_b;
		bool valid_a = text_scalar(a, &at_a, &scalar_a),
		     valid_b = text_scalar(b, &at_b, &scalar_b);

		/* An invalid byte is no letter, whatever its number. */
		scalar_a = valid_a ? fold(scalar_a) : 0x110000 + scalar_a;
		scalar_b = valid_b ? fold(scalar_b) : 0x110000 + scalar_b;
		if (scalar_a != scalar_b)
			return scalar_a < scalar_b ? -1 : 1;
	}
	return (at_a < a.length) - (at_b < b.length);
}

static bool is_hex(char byte)
{
	char lower = text_lower(byte);

	return (byte >= '0' && byte <= '9') || (lower >= 'a' && lower <= 'f');
}

bool text_is_guid(struct span text)
{
	if (text.length != GUID_TEXT_BYTES - 1)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text.data[i] != '-' : !is_hex(text.data[i]))
			return false;
	}
	return true;
}

char *text_new_guid(char text[static GUID_TEXT_BYTES])
{
	uint8_t random[16];

	/* 16 bytes never come in part once the kernel's pool is ready (getrandom(2)). */
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		abort();
	random[6] = (random[6] & 0x0f) | 0x40;
	random[8] = (random[8] & 0x3f) | 0x80;
	snprintf(text, GUID_TEXT_BYTES,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", random[0],
		random[1], random[2], random[3], random[4], random[5], random[6], random[7],
		random[8], random[9], random[10], random[11], random[12], random[13], random[14],
		random[15]);
	return text;
}
