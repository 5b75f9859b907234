/*
 * The text of a file as Windows writes it, read piece by piece as UTF-8: UTF-8 with or without its
 * mark, or UTF-16 (what `>` and Out-File of Windows PowerShell write) in either order of bytes.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

struct text_file;

/* ERROR_SYSTEM: can't be opened, or is no regular file. */
MUST_CHECK struct text_file *text_file_open(const char *path, struct error *err);
void text_file_close(struct text_file *file);
DEFINE_CLEANUP(struct text_file *, text_file_close);

/*
 * Appends the next piece of the text; `*ended`: nothing follows it.
 *   ERROR_SYSTEM  can't be read
 *   ERROR_FORMAT  not the encoding that it begins with (file, byte)
 */
MUST_CHECK bool text_file_read(
	struct text_file *file, struct buf *out, bool *ended, struct error *err);

/* How many bytes of the file a piece of its text took. */
uint64_t text_file_bytes(const struct text_file *file, struct span text);
/* The bytes of the mark at its beginning. */
uint64_t text_file_mark(const struct text_file *file);
const char *text_file_path(const struct text_file *file);
