/*
 * Text from a directory is hostile: the one function that makes it printable (T33).
 * C0, DEL, C1, bidi controls, zero-width and tag characters, line and paragraph
 * separators and invalid UTF-8 appear as visible escapes: \n, \t, \x1b, \u{202e}.
 * A backslash is doubled only inside text_quote().
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

/* Writes the printable form of a formatted line, and a newline, to `file`. */
void text_line(FILE *file, const char *format, ...) PRINTF_LIKE(2, 3);

/* Decodes one scalar value at `*at`; returns false (and moves one byte) where it is not UTF-8 (RFC
 * 3629). */
bool text_scalar(struct span text, size_t *at, uint32_t *scalar);

/* True when all of it is UTF-8 as RFC 3629 wants it. */
bool text_is_utf8(struct span text);

/* ASCII lower case of one byte; Entra compares addresses and names without regard to case. */
static inline char text_lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte + 32) : byte;
}

/*
 * Order without regard to case: ASCII, Latin-1, Greek and Cyrillic letters are folded (simple
 * folding); everything else compares byte for byte. 0 when equal.
 */
int text_compare_caseless(struct span a, struct span b);

/* xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, hexadecimal of either case [T7]. */
bool text_is_guid(struct span text);

enum { GUID_TEXT_BYTES = 37 };

/* A random (version 4) GUID from the kernel's generator. Returns `text`. */
char *text_new_guid(char text[static GUID_TEXT_BYTES]);
