/*
 * Texts that live as long as the thing that was read from a file. The same text is kept once: error
 * lists repeat themselves run after run.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

struct kept {
	char **texts; /* a table by hash, of a power of two places; NULL: free */
	size_t count, places;
};

/* A copy with a NUL behind it; absent gives NULL. */
const char *kept_add(struct kept *kept, struct span text);
void kept_release(struct kept *kept);
