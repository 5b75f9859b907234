/* Snapshots that were made from each other form a chain [T13]; this looks one link back. */
#pragma once

#include "cli/cli.h"

enum chain_state {
	CHAIN_FIRST,       /* made from no other */
	CHAIN_NOT_AT_HAND, /* neither in the profile's state folder nor beside the file */
	CHAIN_FOLLOWS,
};

/* ERROR_REFUSED: it does not follow the one that it names. */
MUST_CHECK bool chain_verify(enum chain_state *state, const struct snapshot *snapshot,
	const char *profile_name, struct error *err);

/* "number 3, follows the one before it (83f71dbf50bdd170…)". */
void chain_add(struct screen *screen, enum chain_state state, const struct snapshot *snapshot);
/* The word for --json: "first", "not-at-hand", "follows". */
const char *chain_state_name(enum chain_state state);
