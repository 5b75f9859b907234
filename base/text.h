/*
 * Text from a directory is hostile: the one function that makes it printable (T33).
 * C0, DEL, C1, bidi controls, zero-width and tag characters, line and paragraph
 * separators, private use and invalid UTF-8 appear as visible escapes: \n, \t, \x1b, \u{202e}.
 * A backslash stays one, so printable text is for reading and not for reading back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/span.h"

/* Appends `text` with everything unprintable escaped. */
void text_printable(struct buf *out, struct span text);

/*
 * Appends the printable form, cut to `columns` terminal columns with "…" as the mark of a cut,
 * and padded with blanks to exactly `columns` when `pad`. Wide characters count two columns,
 * combining marks none.
 */
void text_fit(struct buf *out, struct span text, unsigned columns, bool pad);

/* Columns that the printable form takes on a terminal. */
unsigned text_columns(struct span text);

/*
 * Appends the printable form of a paragraph, wrapped at blanks to `columns`, and a newline. The
 * cursor stands at column `indent`, where further lines begin too. A word longer than a line
 * stays whole: it may be a value that somebody copies.
 */
void text_wrap(struct buf *out, struct span paragraph, unsigned indent, unsigned columns);

/* Writes the printable form of a formatted line, and a newline, to `file`. */
void text_line(FILE *file, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * Decodes one scalar value at `*at`, which moves behind it. Where it is not UTF-8 (RFC 3629): false,
 * `*at` moves one byte, and `*scalar` is that byte.
 */
bool text_scalar(struct span text, size_t *at, uint32_t *scalar);

/*
 * The length of the longest beginning of `text` that has at most `most` bytes and ends with a whole
 * character: how text is cut.
 */
size_t text_whole(struct span text, size_t most);
/* For "%.*s", which would cut a character. */
#define TEXT_UP_TO(most, text) (int)text_whole(span_of(text), (most)), (text)

/* True when all of it is UTF-8 as RFC 3629 wants it. */
bool text_is_utf8(struct span text);

/* ASCII lower case of one byte; Entra compares addresses and names without regard to case. */
static inline char text_lower(char byte)
{
	return (char)(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
}

/*
 * Order without regard to case: ASCII, Latin-1, Greek and Cyrillic letters are folded (simple
 * folding); everything else compares byte for byte. 0 when equal.
 */
int text_compare_caseless(struct span a, struct span b);

/* Appends the folded text: equal bytes exactly where text_compare_caseless() says 0. */
void text_add_folded(struct buf *out, struct span text);

/* xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, hexadecimal of either case [T7]. */
bool text_is_guid(struct span text);

enum { GUID_TEXT_BYTES = 37 };

/* A random (version 4) GUID from the kernel's generator. Returns `text`. */
char *text_new_guid(char text[static GUID_TEXT_BYTES]);
