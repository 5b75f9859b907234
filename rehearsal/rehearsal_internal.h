/* What the files of a rehearsal share. */
#pragma once

#include "rehearsal/rehearsal.h"

struct rehearsal {
	char *folder; /* for journal, receipt, files and the end state; goes with it */
	struct simulator *simulator;
	struct transport transport;
	struct rehearsal_client client;
	const struct progress *progress;
};

/* ---- doors.c: who is not `apply` -------------------------------------------------------------- */

/* The plan's files, once, into the rehearsal's folder: the others play them. */
MUST_CHECK bool doors_write_files(
	const struct rehearsal *rehearsal, const struct plan *plan, struct error *err);
/* The LDIF file; then production's cycle, holding for the steps of door sync what they say. */
MUST_CHECK bool doors_play_production(const struct rehearsal *rehearsal, const struct plan *plan,
	struct rehearsal_others *others, struct error *err);
/* Remove-ADSyncToolsAadObject with the plan's CSV; the script for Exchange Online. */
MUST_CHECK bool doors_play_files(const struct rehearsal *rehearsal, const struct plan *plan,
	struct rehearsal_others *others, struct error *err);
/*
 * A person follows each paragraph once, in the plan's order: `followed` has a flag a step. What the
 * tenant refuses is told, and tried again in the next round.
 */
MUST_CHECK bool doors_follow_paragraphs(const struct rehearsal *rehearsal,
	const struct rehearsal_play *play, bool *followed, struct rehearsal_others *others,
	struct error *err);
