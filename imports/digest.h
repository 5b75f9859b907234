/* The digest of a file that is being read, by a thread of its own: see import_digest(). */
#pragma once

#include "imports/imports.h"

struct digest;

/* Begins with the first byte of the file; the descriptor's place in it is left alone. ERROR_SYSTEM. */
MUST_CHECK struct digest *digest_begin(int descriptor, const char *path, struct error *err);
/* Waits for it. Once. */
MUST_CHECK bool digest_end(
	struct digest *digest, char text[static IMPORT_DIGEST_TEXT], struct error *err);
void digest_free(struct digest *digest); /* does not wait until the end of the file */
DEFINE_CLEANUP(struct digest *, digest_free);
