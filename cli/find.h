/* What the files of `unstage find` share. */
#pragma once

#include "cli/cli.h"

struct find_arguments {
	struct common common;
	struct comparison_arguments comparison;
};

/* What was typed, for what is to be typed next. */
struct find_typed {
	const struct find_arguments *find;
	const char *const *operands; /* BASE and LIVE */
	size_t operand_count;
	bool taken; /* "live" was taken, and is "latest" now */
};

/* ---- find_say.c: words and times --------------------------------------------------------- */

/* "s" behind numbers other than 1. */
const char *plural(uint64_t number);
/* "30 minutes", "9 seconds": a whole number of the largest unit that says it well. */
void screen_duration(struct screen *screen, int64_t duration_ms);
/* "30 times, every 30 minutes" */
void screen_rhythm(struct screen *screen, const struct sync_identity *identity);
/*
 * `unstage COMMAND BASE LIVE --evidence FILE …` as it was typed, and a newline; words that a shell would
 * take apart are quoted. `staging` (NULL: as given) and `output` (NULL: none) are added.
 */
void screen_command(struct screen *screen, const char *command, const struct find_typed *typed,
	const char *staging, const char *output);

/* ---- find_candidates.c: who synchronises ---------------------------------------------------- */

/*
 * The sync identities of the evidence; `staging` and `production` as given, or NULL. Returns the
 * exit status, or -1.
 */
int find_candidates(const struct find_typed *typed, struct evidence *evidence, const char *staging,
	const char *production, struct error *err);
/* ,"identities":[…],"flipFlops":[…],"lists":{…} */
void screen_identities_json(struct screen *screen, struct evidence *evidence);
/* What the evidence can't know, a line each; nothing where there is nothing. */
void screen_doubts(struct screen *screen, struct evidence *evidence);

/* ---- find_blast.c ------------------------------------------------------------------------------ */

/* From mail flow to what is not certain. */
void screen_blast(
	struct screen *screen, const struct comparison *comparison, const char *profile_name);
/* ,"objectsBy":{…}, … ,"identities":[…], … */
void screen_blast_json(struct screen *screen, const struct comparison *comparison);

/* ---- find_apply.c ------------------------------------------------------------------------------ */

/* How many requests `unstage apply` would make, and how long at this tenant's write quota: a line. */
void screen_apply(
	struct screen *screen, const struct comparison *comparison, const char *profile_name);
/* ,"apply":{…} */
void screen_apply_json(
	struct screen *screen, const struct comparison *comparison, const char *profile_name);

/* ---- find_accounts.c -------------------------------------------------------------------------- */

/* A paragraph each; nothing where there is nothing to tell. */
void screen_accounts(struct screen *screen, const struct findings *findings);
void screen_forecast(struct screen *screen, const struct findings_summary *summary);
/* ,"exports":[…],"forecast":… */
void screen_accounts_json(struct screen *screen, const struct findings *findings);
