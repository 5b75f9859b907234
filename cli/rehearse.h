/* What the files of `unstage rehearse` share. */
#pragma once

#include "cli/plan_file.h"
#include "cli/rehearsal.h"

/* ---- rehearse_doors.c: who is not `apply` ------------------------------------------------------- */

/* The plan's files, once, into the rehearsal's folder: the others play them. */
MUST_CHECK bool rehearse_write_files(
	const struct rehearsal *rehearsal, const struct plan *plan, struct error *err);
/* The LDIF file; then production's cycle, holding for the steps of door sync what they say. */
MUST_CHECK bool rehearse_production(
	const struct rehearsal *rehearsal, const struct plan *plan, struct error *err);
/* Remove-ADSyncToolsAadObject with the plan's CSV; the script for Exchange Online. */
MUST_CHECK bool rehearse_files(
	const struct rehearsal *rehearsal, const struct plan *plan, struct error *err);
typedef void rehearse_refused_function(
	void *context, const struct plan_step *step, const char *text);
/*
 * A person follows each paragraph once, in the plan's order: `followed` has a flag a step. What the
 * tenant refuses is told, and tried again in the next round.
 */
MUST_CHECK bool rehearse_paragraphs(const struct rehearsal *rehearsal, const struct plan *plan,
	bool *followed, rehearse_refused_function *refused, void *context, struct error *err);

/* ---- rehearse_end.c: is the end what the plan wants, and nothing else? --------------------------- */

/* One value that is not as it should be. */
struct end_trouble {
	const struct kind *kind;
	char *id, *name;
	const struct attribute *attribute; /* NULL: the object */
	const struct plan_step *step;      /* NULL: no step is about it */
};

struct end_state {
	size_t wanted;  /* steps whose state stands there */
	size_t follows; /* values that changed with them, as the directory's own rules have it */
	struct end_trouble *troubles;
	size_t trouble_count, trouble_capacity;
};
void end_state_release(struct end_state *end);

/* Compares what was, what is and what the plan says. */
MUST_CHECK bool end_state_judge(struct end_state *end, const struct plan *plan,
	struct snapshot *before, struct snapshot *after, struct error *err);
