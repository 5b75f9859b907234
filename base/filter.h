/*
 * A filter of texts: whether a text may be among those that were added, without regard to case as
 * text_compare_caseless() has it. It says so of a few that are not, and of each that is: for who looks
 * at millions of texts for some thousand of them, and then looks again, exactly.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

struct filter {
	uint64_t *words;
	size_t mask;       /* how many words, less one */
	bool beyond_ascii; /* some have letters beyond ASCII: all such may be among them */
};

/* For about so many texts; more of them make it worse, not wrong. */
void filter_init(struct filter *filter, size_t count);
void filter_release(struct filter *filter);

void filter_add(struct filter *filter, struct span text);
bool filter_may_have(const struct filter *filter, struct span text);
