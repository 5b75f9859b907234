/*
 * Strings: undoing escapes, and writing the fewest of them. A string may be given with its quotes
 * or without them (as scan_member() gives a key): what stands between quotes never begins with one.
 */
#include <assert.h>

#include "base/scan_internal.h"

static struct span unquoted(struct span string)
{
	if (!string.data)
		return SPAN_LITERAL("");
	if (string.length >= 2 && string.data[0] == '"')
		return (struct span){ string.data + 1, string.length - 2 };
	return string;
}

/* The letter behind the backslash, or 0 where the byte needs \u00xx or no escape at all. */
static char short_escape(unsigned char byte)
{
	static const char letters[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
	};

	if (byte == '"' || byte == '\\')
		return (char)byte;
	return (char)(byte < sizeof(letters) ? letters[byte] : 0);
}

static uint32_t hex_of(const char *digits)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 4 | (uint32_t)(scan_hex_digit(digits[i]) & 15);
	return value;
}

static size_t encode_utf8(uint32_t scalar, char out[static 4])
{
	if (scalar < 0x80) {
		out[0] = (char)scalar;
		return 1;
	}
	if (scalar < 0x800) {
		out[0] = (char)(0xc0 | scalar >> 6);
		out[1] = (char)(0x80 | (scalar & 0x3f));
		return 2;
	}
	if (scalar < 0x10000) {
		out[0] = (char)(0xe0 | scalar >> 12);
		out[1] = (char)(0x80 | (scalar >> 6 & 0x3f));
		out[2] = (char)(0x80 | (scalar & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | scalar >> 18);
	out[1] = (char)(0x80 | (scalar >> 12 & 0x3f));
	out[2] = (char)(0x80 | (scalar >> 6 & 0x3f));
	out[3] = (char)(0x80 | (scalar & 0x3f));
	return 4;
}

/* Decodes the escape at `*at` (a backslash) and moves behind it; returns the bytes written. */
static size_t decode_escape(const char **at, const char *end, char out[static 4])
{
	static const char meaning[128] = {
		['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'
	};
	char letter;
	uint32_t scalar;

	assert(end - *at >= 2);
	letter = (*at)[1];
	if (letter != 'u') {
		*at += 2;
		out[0] = (char)(meaning[letter & 0x7f] ? meaning[letter & 0x7f] : letter);
		return 1;
	}
	assert(end - *at >= 6);
	scalar = hex_of(*at + 2);
	*at += 6;
	if (scalar < 0xd800 || scalar > 0xdfff)
		return encode_utf8(scalar, out);
	assert(end - *at >= 6);
	scalar = 0x10000 + ((scalar & 0x3ff) << 10) + (hex_of(*at + 2) & 0x3ff);
	*at += 6;
	return encode_utf8(scalar, out);
}

struct scan_pieces scan_pieces_open(struct span string)
{
	struct span said = unquoted(string);

	return (struct scan_pieces){ .at = said.data, .end = said.data + said.length };
}

bool scan_pieces_next(struct scan_pieces *pieces, struct span *piece)
{
	const char *plain_end;

	if (pieces->at == pieces->end)
		return false;
	if (*pieces->at == '\\') {
		piece->length = decode_escape(&pieces->at, pieces->end, pieces->decoded);
		piece->data = pieces->decoded;
		return true;
	}
	plain_end = scan_run_end(pieces->at, pieces->end, STOP_AT_QUOTE);
	assert(plain_end == pieces->end || *plain_end == '\\');
	*piece = (struct span){ pieces->at, (size_t)(plain_end - pieces->at) };
	pieces->at = plain_end;
	return true;
}

/* Refills `rest` from the pieces when it is used up. False at the end of both. */
static bool more_pieces(struct scan_pieces *pieces, struct span *rest)
{
	return rest->length || scan_pieces_next(pieces, rest);
}

int scan_compare(struct span a, struct span b)
{
	struct scan_pieces a_pieces = scan_pieces_open(a), b_pieces = scan_pieces_open(b);
	struct span a_rest = { 0 }, b_rest = { 0 };
	bool a_more, b_more;
	size_t common;
	int order;

	for (;;) {
		a_more = more_pieces(&a_pieces, &a_rest);
		b_more = more_pieces(&b_pieces, &b_rest);
		if (!a_more || !b_more)
			return a_more - b_more;
		common = a_rest.length < b_rest.length ? a_rest.length : b_rest.length;
		order = memcmp(a_rest.data, b_rest.data, common);
		if (order)
			return order;
		a_rest = (struct span){ a_rest.data + common, a_rest.length - common };
		b_rest = (struct span){ b_rest.data + common, b_rest.length - common };
	}
}

void scan_text(struct span string, struct buf *out)
{
	struct scan_pieces pieces = scan_pieces_open(string);
	struct span piece;

	while (scan_pieces_next(&pieces, &piece))
		buf_add_span(out, piece);
}

struct span scan_text_direct(struct span string)
{
	struct span said = unquoted(string);

	if (!string.data || memchr(said.data, '\\', said.length))
		return SPAN_NONE;
	return said;
}

void scan_quote(struct span text, struct buf *out)
{
	const char *at = text.data ? text.data : "", *end = at + text.length, *bare;
	char letter;

	buf_add_byte(out, '"');
	while (at < end) {
		bare = scan_run_end(at, end, STOP_AT_QUOTE | STOP_AT_CONTROL);
		buf_add(out, at, (size_t)(bare - at));
		at = bare;
		if (at == end)
			break;
		letter = short_escape((unsigned char)*at);
		if (letter)
			buf_add(out, (char[2]){ '\\', letter }, 2);
		else
			buf_addf(out, "\\u%04x", (unsigned)(unsigned char)*at);
		at++;
	}
	buf_add_byte(out, '"');
}

/* \u00xx in lower case, of a control that has no shorter escape. */
static bool is_canonical_hex(const char *escape)
{
	unsigned char byte;

	if (memcmp(escape + 2, "00", 2) != 0 || (escape[4] != '0' && escape[4] != '1'))
		return false;
	if (escape[5] >= 'A' && escape[5] <= 'F')
		return false;
	byte = (unsigned char)hex_of(escape + 2);
	return !short_escape(byte);
}

bool scan_is_canonical_string(struct span string)
{
	struct span said = unquoted(string);
	const char *at = said.data, *end = said.data + said.length;

	while (at < end) {
		at = memchr(at, '\\', (size_t)(end - at));
		if (!at)
			return true;
		assert(end - at >= 2);
		if (at[1] == '/')
			return false;
		if (at[1] != 'u') {
			at += 2;
			continue;
		}
		assert(end - at >= 6);
		if (!is_canonical_hex(at))
			return false;
		at += 6;
	}
	return true;
}
