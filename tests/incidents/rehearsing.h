/* What is seen of a generated incident's things in a snapshot, held against the incident's book. */
#pragma once

#include "rollback/rollback.h"
#include "tests/reconcile/incident_judge.h"

/* A rehearsed incident. */
struct rehearsed {
	uint64_t seed;
	struct incident *incident;
	const struct plan *plan;
	const enum step_state *states; /* of the steps, as they were told last */
	struct snapshot *end;
	size_t left; /* steps that the checker could not do either: somebody is in their way */
};

/* What the book says of the end. */
struct verdicts {
	size_t put_back;  /* values and whole objects that stand as they must */
	size_t left;      /* must go back, and wait for a person, as the plan says */
	size_t taken;     /* must go back, and somebody else rightly has it now */
	size_t unproved;  /* must go back by the book, and no evidence can tell */
	size_t untouched; /* values that nobody may touch, and nobody did */
};

/*
 * Fails the test where a value that must go back has not, or another has changed, be it of an object that
 * the history does not even know.
 */
void judge_end(const struct rehearsed *rehearsed, struct verdicts *verdicts);

/* For people who look into a seed. */
void print_plan(const struct plan *plan, const enum step_state *states);

/* Does the step stand as the plan wants it? */
bool step_stands(enum step_state state);
