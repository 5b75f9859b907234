/* Texts that live as long as the thing that was read from a file. */
#pragma once

#include "base/span.h"

struct kept {
	char **texts;
	size_t count, capacity;
};

/* A copy with a NUL behind it; absent gives NULL. */
const char *kept_add(struct kept *kept, struct span text);
void kept_release(struct kept *kept);
