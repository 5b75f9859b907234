/* Who holds a role of the directory and who may synchronise, into evidence. */
#pragma once

#include "cli/cli.h"

/*
 * Asks Graph for both lists. One that may not be read is no failure: the evidence says so, and a
 * warning names the permission. Errors: what ends every other question, too.
 */
MUST_CHECK bool holders_collect(struct graph *graph, struct evidence *evidence, struct error *err);
