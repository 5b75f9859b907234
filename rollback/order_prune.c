/*
 * A parking is needless when nothing that waits for its front comes before its rest: then the
 * thing itself can be waited for. Found by a walk backwards from the thing.
 */
#include "rollback/order_internal.h"

/* Edges looked at in all. Rings of any plan need far less; beyond it a parking may be one too many. */
enum { PRUNE_WORK_MAX = 64 << 20 };

struct prune {
	struct order_solver *solver;
	size_t *stack;
	size_t *met; /* nodes, by the round in which they were met */
	size_t round;
	size_t work;
};

static void push(struct prune *prune, size_t *depth, size_t node)
{
	if (prune->met[node] == prune->round)
		return;
	prune->met[node] = prune->round;
	prune->stack[(*depth)++] = node;
}

/* Marks all that comes before the thing, its own front apart. */
static void mark_before(struct prune *prune, size_t thing)
{
	const struct order_solver *solver = prune->solver;
	size_t count = solver->order->count, depth = 0;

	push(prune, &depth, thing);
	while (depth) {
		size_t node = prune->stack[--depth], at = node < count ? node : node - count;

		for (size_t i = solver->pred_start[at]; i < solver->pred_start[at + 1]; i++) {
			size_t edge = solver->pred[i];

			prune->work++;
			if (!solver->dropped[edge] &&
				(node < count || !solver->order->edges[edge].breakable))
				push(prune, &depth, solver_source(solver, edge));
		}
		if (node < count && solver->split[node] && node != thing)
			push(prune, &depth, node + count);
	}
}

static bool is_needed(struct prune *prune, size_t thing)
{
	const struct order_solver *solver = prune->solver;

	prune->round++;
	mark_before(prune, thing);
	for (size_t i = solver->succ_start[thing]; i < solver->succ_start[thing + 1]; i++) {
		const struct order_edge *edge = &solver->order->edges[solver->succ[i]];

		if (edge->breakable && !solver->dropped[solver->succ[i]] &&
			prune->met[edge->then] == prune->round)
			return true;
	}
	return false;
}

void order_prune(struct order_solver *solver)
{
	size_t count = solver->order->count;
	CLEANUP(memory_freep) size_t *stack = memory_array(2 * count + 1, sizeof(*stack));
	CLEANUP(memory_freep) size_t *met = memory_array(2 * count + 1, sizeof(*met));
	struct prune prune = { .solver = solver, .stack = stack, .met = met };

	for (size_t i = count; i-- > 0 && prune.work < PRUNE_WORK_MAX;)
		if (solver->split[i])
			solver->split[i] = is_needed(&prune, i);
}
