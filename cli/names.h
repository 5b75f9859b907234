/*
 * What people write for a snapshot: a file, or a name of one that is kept in the state folder.
 *
 *	production  the one that was pinned
 *	latest      the newest
 *	@WHEN       the newest that was complete at that moment: @2026-11-22, @36h
 *	live        one that is taken now (where two are compared)
 *	audit       none: a base made of the evidence (likewise, as BASE)
 *
 * A name that is a file here, too, is refused: ./latest is the file, @latest the name.
 */
#pragma once

#include "cli/shelf.h"

bool names_is_name(const char *word);
/* One that is to be taken, or made of evidence: names_open() has no answer for these. */
bool names_is_live(const char *word);
bool names_is_audit(const char *word);
/* ERROR_USAGE: a file has this name. */
MUST_CHECK bool names_check(const char *word, struct error *err);

/*
 * Opens the snapshot that `word` stands for. A name needs the profile, and a file does not.
 *   ERROR_USAGE  a name that stands for nothing: what there is, and what to run; or an ambiguous one
 * and the errors of snapshot_open() and shelf_open_snapshot().
 */
MUST_CHECK struct snapshot *names_open(
	const char *word, const char *profile_name, struct error *err);

/* The answer to `unstage show snapshots`: a line for each that is kept. */
MUST_CHECK bool show_snapshots(
	struct screen *screen, const struct common *common, struct error *err);
