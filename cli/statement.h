/* The statement of a snapshot and its signature, as files beside it (docs/FORMAT-snapshot.md). */
#pragma once

#include "rollback/rollback.h"

struct screen;

#define STATEMENT_ENDING           ".statement"
#define STATEMENT_SIGNATURE_ENDING STATEMENT_ENDING ".minisig"

enum statement_state {
	STATEMENT_NONE,   /* nobody signed it: one of the two files is missing */
	STATEMENT_NO_KEY, /* there is one, and no public key to look at it with */
	STATEMENT_SIGNED,
};

struct statement {
	enum statement_state state;
	struct signature_facts signature; /* STATEMENT_SIGNED */
};

/*
 * Looks beside the snapshot's file. `key` may be NULL. `whole_file`: as snapshot_statement_check().
 * ERROR_REFUSED: they are there, and it is not this key's signature, or not this snapshot's statement.
 */
MUST_CHECK bool statement_verify(struct statement *statement, const struct snapshot *snapshot,
	const char *key, bool whole_file, struct error *err);

/* "signed by key …", "unsigned": for one line about the snapshot. */
void statement_add(struct screen *screen, const struct statement *statement);

/* The word for --json: "signed", "unsigned" or "no-key". */
const char *statement_state_name(enum statement_state state);
