/* Who holds a role of the directory and who may synchronise, into evidence. */
#pragma once

#include "online/online.h"

/* The service that sync applications are given a role of, and that role (facts 2). */
#define SYNC_SERVICE_APP "6bf85cfa-ac8a-4be5-b5de-425a0d0dc016"
#define SYNC_PERMISSION  "ADSynchronization.ReadWrite.All"

/*
 * Asks Graph for both lists. One that may not be read is no failure: the evidence says so, and a
 * warning names the permission. Errors: what ends every other question, too.
 */
MUST_CHECK bool holders_collect(struct graph *graph, struct evidence *evidence, struct error *err);
