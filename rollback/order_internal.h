/* What order.c and order_prune.c share: things being done one after the other. */
#pragma once

#include "rollback/plan_internal.h"

struct order_solver {
	struct order *order;
	size_t *succ_start, *succ, *pred_start, *pred; /* edges of each thing */
	size_t *waiting;                               /* of each node: for how many others */
	bool *done;                                    /* nodes */
	bool *split;                                   /* things */
	bool *dropped;                                 /* edges */
	size_t *queue, begun, queued;
	size_t finished; /* things, not fronts */
};

/* The node at which an edge begins: the front of its thing, where it has one and lets others go. */
size_t solver_source(const struct order_solver *solver, size_t edge);

/* Takes back each split without which there is no circle either, the last ones first. */
void order_prune(struct order_solver *solver);
