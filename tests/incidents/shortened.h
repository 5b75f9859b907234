/* A plan as if nobody had thought of one of its steps; what waited for it does not. */
#pragma once

#include "rollback/rollback.h"

struct shortened {
	struct plan plan; /* all but its steps is the whole plan's own */
	struct plan_step *steps;
	size_t *after; /* of all steps, one behind the other */
};

/* `out` is the number of the step that goes: no half of a parking. */
void shorten(struct shortened *shortened, const struct plan *plan, size_t out);
void shortened_release(struct shortened *shortened);
