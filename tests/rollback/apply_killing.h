/* Runs in a child that dies: where the directory says so (its fault), or at a commit of the journal. */
#pragma once

#include "tests/rollback/apply_fixture.h"

/* At the commit with this number, before or after it is durable; 0: at none. */
void killing_at_commit(struct fixture *fixture, size_t commit, bool after);
/* Applies; true when the child died, with its state taken over. */
bool killing_run(struct fixture *fixture);
/* [I3] No effect without an INTENT that was durable before it. */
void killing_check_intents(struct fixture *fixture);
