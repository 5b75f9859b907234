/* What conflicts and who share: opening what they look at, and one address on the screen. */
#pragma once

#include "cli/cli.h"
#include "reconcile/contests.h"

struct contesting {
	struct snapshot *base, *live; /* base: NULL where none was named */
	struct statement base_statement;
	struct evidence *evidence;
	struct profile *profile;
	const char *staging, *production;
};

/*
 * Opens "[BASE] LIVE", files or names, and the evidence. ERROR_REFUSED also: BASE has a statement that
 * is not its own.
 */
MUST_CHECK bool contesting_open(struct contesting *contesting,
	const struct comparison_arguments *arguments, const char *profile_name,
	const char *const *operands, size_t operand_count, struct error *err);
void contesting_close(struct contesting *contesting);

/* As contests_find() and contests_of() take it. */
struct contests_options contesting_options(const struct contesting *contesting);

/* The address without the scheme that nearly all have. */
struct span contest_plain(const struct contest *contest);
/* Claimants and what follows, below the address. */
void contest_show(struct screen *screen, const struct contest *contest);
/* "base: signed by …", or that there is none. */
void contest_show_sources(struct screen *screen, const struct contesting *contesting);
