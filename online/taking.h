/*
 * Taking evidence from the audit log, which `evidence` does by itself and `snapshot --evidence`
 * beside the directory's lists; and the snapshot that is taken in passing.
 */
#pragma once

#include "online/online.h"

/*
 * Evidence of this window, empty: WHEN as moment_parse() has it; NULL is 7 days ago, and now. The
 * service's clock is asked, so Graph must have answered before. ERROR_USAGE.
 */
MUST_CHECK struct evidence *evidence_begin(struct graph *graph, const char *tenant,
	const char *from, const char *until, struct error *err);
/* A graph_item_function. */
bool evidence_take_record(void *evidence, struct span record, struct error *err);
/* Claims as covered what the log can have kept, warns of what is fresh, and saves it. */
MUST_CHECK bool evidence_end(struct evidence *evidence, const char *path, struct error *err);

/* The snapshot that `live` stands for: taken now, kept in the state folder, opened. */
MUST_CHECK struct snapshot *take_live(
	const char *word, const char *profile_name, struct error *err);
