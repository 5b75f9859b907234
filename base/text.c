#include "base/text.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/text_internal.h"

static bool is_continuation(char byte)
{
	return ((uint8_t)byte & 0xc0) == 0x80;
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

		if (!is_continuation((char)byte)) {
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

size_t text_whole(struct span text, size_t most)
{
	size_t at = most;

	if (text.length <= most)
		return text.length;
	/* More than three of these in a row are no UTF-8: any place is as good as another. */
	while (at > 0 && most - at < 3 && is_continuation(text.data[at]))
		at--;
	return is_continuation(text.data[at]) ? most : at;
}

static const char cut_mark[] = "…";

/* A character as it is shown. The longest is "\\u{10ffff}". */
struct shown {
	char bytes[16];
	size_t length;
	unsigned columns;
};

static struct shown show_plain(const char *bytes, size_t length, uint32_t scalar)
{
	struct shown shown = { .length = length, .columns = unicode_columns(scalar) };

	memcpy(shown.bytes, bytes, length);
	return shown;
}

static const char short_escapes[] = { ['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r' };

/* The character at `*at`, which moves behind it. */
static struct shown show_next(struct span text, size_t *at)
{
	struct shown shown = { 0 };
	size_t start = *at, size = sizeof(shown.bytes);
	uint32_t scalar;
	bool valid = text_scalar(text, at, &scalar);
	int length;

	if (scalar < sizeof(short_escapes) && short_escapes[scalar])
		length = snprintf(shown.bytes, size, "\\%c", short_escapes[scalar]);
	else if (!valid || scalar < 0x20 || scalar == 0x7f)
		length = snprintf(shown.bytes, size, "\\x%02x", scalar);
	else if (unicode_is_unprintable(scalar))
		length = snprintf(shown.bytes, size, "\\u{%x}", scalar);
	else
		return show_plain(text.data + start, *at - start, scalar);
	shown.length = (size_t)length;
	shown.columns = (unsigned)length;
	return shown;
}

/* Behind the printable ASCII at `at`: nearly all text is nothing else, and shows as it stands. */
static size_t plain_end(struct span text, size_t at)
{
	while (at < text.length && (unsigned char)(text.data[at] - ' ') <= '~' - ' ')
		at++;
	return at;
}

void text_printable(struct buf *out, struct span text)
{
	for (size_t at = 0; at < text.length;) {
		size_t start = at;

		at = plain_end(text, at);
		if (at > start)
			buf_add(out, text.data + start, at - start);
		if (at < text.length) {
			struct shown shown = show_next(text, &at);

			buf_add(out, shown.bytes, shown.length);
		}
	}
}

unsigned text_columns(struct span text)
{
	unsigned columns = 0;

	for (size_t at = 0; at < text.length;)
		columns += show_next(text, &at).columns;
	return columns;
}

void text_fit(struct buf *out, struct span text, unsigned columns, bool pad)
{
	bool cut = text_columns(text) > columns;
	unsigned room = cut && columns ? columns - 1 : columns, used = 0;

	for (size_t at = 0; at < text.length && columns;) {
		struct shown shown = show_next(text, &at);

		if (used + shown.columns > room)
			break;
		buf_add(out, shown.bytes, shown.length);
		used += shown.columns;
	}
	if (cut && columns) {
		buf_add_text(out, cut_mark);
		used++;
	}
	for (; pad && used < columns; used++)
		buf_add_byte(out, ' ');
}

void text_wrap(struct buf *out, struct span paragraph, unsigned indent, unsigned columns)
{
	struct buf shown = BUF_UP_TO(out->limit);
	unsigned column = indent;

	text_printable(&shown, paragraph);
	for (const char *word = buf_text(&shown); *word;) {
		size_t length = strcspn(word, " ");
		unsigned wide = text_columns((struct span){ word, length });

		if (column > indent && column + 1 + wide > columns) {
			buf_addf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			buf_add_byte(out, ' ');
			column++;
		}
		buf_add(out, word, length);
		column += wide;
		word += length + (word[length] == ' ');
	}
	buf_add_byte(out, '\n');
	buf_release(&shown);
}

void text_line(FILE *file, const char *format, ...)
{
	enum { LINE_BYTES_MAX = 64 << 10, SHOWN_A_BYTE = 4 };
	CLEANUP(buf_release)
	struct buf shown = BUF_UP_TO(SHOWN_A_BYTE * LINE_BYTES_MAX + sizeof(cut_mark));
	struct span line;
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	line = span_of(text);
	text_printable(&shown, (struct span){ line.data, text_whole(line, LINE_BYTES_MAX) });
	if (line.length > LINE_BYTES_MAX)
		buf_add_text(&shown, cut_mark);
	fprintf(file, "%s\n", buf_text(&shown));
	free(text);
}

int text_compare_caseless(struct span a, struct span b)
{
	size_t at_a = 0, at_b = 0;

	if (!a.data || !b.data)
		return (a.data != NULL) - (b.data != NULL);
	/* Addresses are ASCII nearly always, and sorted and looked up by the hundred thousand. */
	while (at_a < a.length && at_b < b.length && !((a.data[at_a] | b.data[at_a]) & 0x80)) {
		char byte_a = text_lower(a.data[at_a++]), byte_b = text_lower(b.data[at_b++]);

		if (byte_a != byte_b)
			return byte_a < byte_b ? -1 : 1;
	}
	while (at_a < a.length && at_b < b.length) {
		uint32_t scalar_a, scalar_b;
		bool valid_a = text_scalar(a, &at_a, &scalar_a),
		     valid_b = text_scalar(b, &at_b, &scalar_b);

		/* An invalid byte is no letter, whatever its number. */
		scalar_a = valid_a ? unicode_fold(scalar_a) : 0x110000 + scalar_a;
		scalar_b = valid_b ? unicode_fold(scalar_b) : 0x110000 + scalar_b;
		if (scalar_a != scalar_b)
			return scalar_a < scalar_b ? -1 : 1;
	}
	return (at_a < a.length) - (at_b < b.length);
}

static size_t ascii_end(struct span text, size_t at)
{
	while (at < text.length && (unsigned char)text.data[at] < 0x80)
		at++;
	return at;
}

static void add_lowered(struct buf *out, struct span ascii)
{
	char *room = ascii.length ? buf_room(out, ascii.length) : NULL;

	if (!room)
		return;
	for (size_t i = 0; i < ascii.length; i++)
		room[i] = text_lower(ascii.data[i]);
	buf_grew(out, ascii.length);
}

void text_add_folded(struct buf *out, struct span text)
{
	uint32_t scalar, folded;

	for (size_t at = 0; at < text.length;) {
		/* Nearly all of it. */
		size_t start = ascii_end(text, at);

		add_lowered(out, (struct span){ text.data + at, start - at });
		at = start;
		if (at == text.length)
			return;
		folded = text_scalar(text, &at, &scalar) ? unicode_fold(scalar) : scalar;
		/* What folding moves has one byte or two; the rest stays as it is written. */
		if (folded == scalar || folded >= 0x800) {
			buf_add(out, text.data + start, at - start);
		} else if (folded < 0x80) {
			buf_add_byte(out, (char)folded);
		} else {
			buf_add_byte(out, (char)(0xc0 | folded >> 6));
			buf_add_byte(out, (char)(0x80 | (folded & 0x3f)));
		}
	}
}

/* Every object of a directory has some: without branches, since hexadecimal digits are random. */
bool text_is_guid(struct span text)
{
	static const char shape[GUID_TEXT_BYTES] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	unsigned wrong = 0;

	if (text.length != GUID_TEXT_BYTES - 1)
		return false;
	for (size_t i = 0; i < GUID_TEXT_BYTES - 1; i++) {
		unsigned byte = (unsigned char)text.data[i];
		unsigned digit = (byte - '0' < 10) | ((byte | 0x20) - 'a' < 6);

		wrong |= shape[i] == '-' ? byte != '-' : !digit;
	}
	return !wrong;
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
