/*
 * An independent look at a plan: its steps are walked on a model of live, and the first one that
 * the directory would refuse, or that would not end where the plan says, is named.
 */
#pragma once

#include "rollback/rollback.h"

struct check;

struct check_live {
	/* As snapshot_visit() of live, deleted objects too. Called twice at most. */
	bool (*visit)(void *context, const struct snapshot_visitor *visitor, struct error *err);
	void *context;
};

/* The plan is borrowed. ERROR_FORMAT: live is not readable. */
MUST_CHECK struct check *check_new(
	const struct plan *plan, const struct check_live *live, struct error *err);
void check_free(struct check *check);
DEFINE_CLEANUP(struct check *, check_free);

struct check_walk {
	uint64_t seed; /* any order that `after` allows, by this seed; 0: by number */
	size_t without; /* the number of a step that is left out, as if it were not needed; 0: none */
};

struct check_result {
	size_t step; /* where it went wrong; 0: nowhere, or at the end */
	/*
	 * Steps of people and of production that could not be done, because somebody holds what they
	 * want, and what depends on them. The plan promises nothing there.
	 */
	size_t left;
	char text[512];
};

/* True when every step could be done and the end is what the plan says; else `result` says why not. */
bool check_walk(struct check *check, const struct check_walk *walk, struct check_result *result);

/*
 * Checks a plan that was just made, by number and in another order. ERROR_REFUSED: it would not
 * work, and must not be written; the error names the step.
 */
MUST_CHECK bool plan_check(
	const struct plan *plan, const struct check_live *live, struct error *err);
