/* What a text looks like, by ICU (Unicode UTS 39): the only file that knows ICU is looks.c. */
#pragma once

#include "report/report.h"

enum { LOOKS_KEYS = 2 };

struct looks;

MUST_CHECK struct looks *looks_new(struct error *err);
void looks_free(struct looks *looks);
DEFINE_CLEANUP(struct looks *, looks_free);

/*
 * Texts that look alike have a key in common, of the same number: 0 as they are written, 1 without
 * regard to case and width. `text` has at most LOOKS_TEXT_MAX bytes.
 */
MUST_CHECK bool looks_add_key(
	struct looks *looks, struct buf *out, struct span text, unsigned number, struct error *err);

/* Appends the names of the scripts where they are mixed as no language does; else nothing. */
MUST_CHECK bool looks_add_scripts(
	struct looks *looks, struct buf *out, struct span text, struct error *err);
