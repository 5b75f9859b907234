/*
 * What reconcile says of a generated incident, held against what its history knows:
 *
 *	precision  nothing goes back that must not, and nothing to another value than stood there
 *	recall     all goes back that the evidence at hand can prove, by the history's own rules
 *	the rest   where a declared gap may hide a writer, what staging wrote last is suspect
 */
#pragma once

#include "tests/reconcile/incident.h"

/* What there is to go by. */
struct given {
	const char *name;
	struct window windows[2]; /* of the log */
	size_t window_count;      /* 0: there is none */
	bool lossy;               /* records of staging's are lost, and nobody says so */
	bool files;               /* both servers' connector spaces */
	bool rebuilt;             /* the base is made of the evidence: only precision is judged */
};

/* The evidence of it, in another order each time. */
struct evidence *given_evidence(struct incident *incident, const struct given *given);

/* Fails the test where the findings are not what they must be; how much goes back. */
size_t judge_findings(uint64_t seed, struct incident *incident, const struct given *given,
	const struct findings *findings);
