/*
 * What the files of decisions share: the collection, and reading one line of it.
 */
#pragma once

#include "reconcile/reconcile_internal.h"

enum {
	DECISIONS_FILE_MAX = 16 << 20,
	DECISIONS_LINE_MAX = 1 << 20,
	DECISIONS_MAX = 65536, /* lines that decide */
	BECAUSE_MAX = 1024,    /* bytes */
	DECISIONS_DIGEST_BYTES = 32,
};

/* A decision, and what no other line may decide. */
struct decided {
	struct decision decision; /* first: results point here */
	struct span target;
};

struct decisions {
	struct texts *texts;
	const char *path, *tenant;
	char digest[2 * DECISIONS_DIGEST_BYTES + 1];
	struct decided *items;
	size_t count, capacity;
	const struct decision **by_fingerprint, **by_place; /* sorted */
	size_t fingerprint_count, place_count;
};

/* decisions_read.c: one line behind the header, without its place. */
MUST_CHECK bool decision_read(
	struct decided *decided, struct texts *texts, const json_t *line, struct error *err);
