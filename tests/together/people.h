/* People who work in the simulated tenant, by a seed: what they do is the same again with the same seed. */
#pragma once

#include "tests/together/virtual.h"

struct people {
	uint64_t random;
	bool untold;         /* they make owners and switch masters, too, which no change tells */
	unsigned acts;       /* that came to something */
	char deleted[4][64]; /* objects to be restored or purged; "" where there is none */
};

/* One act, or none where it makes no sense just now (already a member …). */
void people_act(struct people *people, struct simulator *simulator);
