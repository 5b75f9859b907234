/*
 * Puts things in an order where some must come before others, and takes circles apart.
 *
 * Peeling from the front (what nothing comes before, then what only that came before, …)
 * gives the order, level by level. What can be peeled neither from the front nor from the
 * back lies on a circle, or between two; the breakable edges in there are dropped.
 * No recursion: a chain may be as long as the plan.
 */
#include <assert.h>
#include <stdlib.h>

#include "rollback/plan_internal.h"

void order_add(struct order *order, size_t first, size_t then, bool breakable)
{
	MEMORY_GROW(order->edges, order->edge_count, order->edge_capacity);
	order->edges[order->edge_count++] = (struct order_edge){
		.first = first, .then = then, .breakable = breakable
	};
}

void order_release(struct order *order)
{
	memory_free(order->edges);
	*order = (struct order){ 0 };
}

static int compare_numbers(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int by_first(const void *a, const void *b)
{
	const struct order_edge *left = a, *right = b;
	int order = compare_numbers(left->first, right->first);

	return order ? order : compare_numbers(left->then, right->then);
}

/* Between the same two, the edge that can't be broken comes first and stays. */
static int by_then(const void *a, const void *b)
{
	const struct order_edge *left = a, *right = b;
	int order = compare_numbers(left->then, right->then);

	if (!order)
		order = compare_numbers(left->first, right->first);
	return order ? order : left->breakable - right->breakable;
}

static void sort_edges(
	struct order_edge *edges, size_t count, int (*compare)(const void *, const void *))
{
	if (count)
		qsort(edges, count, sizeof(*edges), compare);
}

static void drop_doubles(struct order *order)
{
	size_t kept = 0;

	sort_edges(order->edges, order->edge_count, by_then);
	for (size_t i = 0; i < order->edge_count; i++) {
		const struct order_edge *edge = &order->edges[i];

		if (!kept || order->edges[kept - 1].then != edge->then ||
			order->edges[kept - 1].first != edge->first)
			order->edges[kept++] = *edge;
	}
	order->edge_count = kept;
}

/* The edges turned round, so that one function peels from both ends. */
static void turn_round(struct order_edge *edges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t first = edges[i].first;

		edges[i].first = edges[i].then;
		edges[i].then = first;
	}
}

/* Where the edges of each thing begin, edges being sorted by `first`; one more for the end. */
static size_t *edge_starts(const struct order *order)
{
	size_t *starts = memory_array(order->count + 1, sizeof(*starts));

	for (size_t i = 0; i < order->edge_count; i++)
		starts[order->edges[i].first + 1]++;
	for (size_t i = 0; i < order->count; i++)
		starts[i + 1] += starts[i];
	return starts;
}

/*
 * Peels things that are not `gone` from the front, into `sequence`; returns how many. Sorts the
 * edges by `first`.
 */
static size_t peel(struct order *order, const bool *gone, size_t *sequence)
{
	CLEANUP(memory_freep) size_t *waiting = memory_array(order->count + 1, sizeof(*waiting));
	CLEANUP(memory_freep) size_t *starts = NULL;
	size_t done = 0, found = 0;

	sort_edges(order->edges, order->edge_count, by_first);
	starts = edge_starts(order);
	for (size_t i = 0; i < order->edge_count; i++)
		waiting[order->edges[i].then] += !gone[order->edges[i].first];
	for (size_t i = 0; i < order->count; i++) {
		if (!gone[i] && !waiting[i])
			sequence[found++] = i;
	}
	for (; done < found; done++) {
		size_t thing = sequence[done];

		for (size_t i = starts[thing]; i < starts[thing + 1]; i++) {
			size_t then = order->edges[i].then;

			if (!gone[then] && --waiting[then] == 0)
				sequence[found++] = then;
		}
	}
	return found;
}

static void mark(bool *gone, const size_t *sequence, size_t count)
{
	for (size_t i = 0; i < count; i++)
		gone[sequence[i]] = true;
}

static void break_circles(struct order *order, const bool *gone, bool *broken)
{
	size_t kept = 0;

	for (size_t i = 0; i < order->edge_count; i++) {
		struct order_edge edge = order->edges[i];

		if (edge.breakable && !gone[edge.first] && !gone[edge.then])
			broken[edge.first] = broken[edge.then] = true;
		else
			order->edges[kept++] = edge;
	}
	order->edge_count = kept;
}

void order_solve(struct order *order, size_t *sequence, bool *broken)
{
	CLEANUP(memory_freep) bool *gone = memory_array(order->count + 1, sizeof(*gone));
	size_t found;

	drop_doubles(order);
	found = peel(order, gone, sequence);
	if (found < order->count) {
		mark(gone, sequence, found);
		turn_round(order->edges, order->edge_count);
		found = peel(order, gone, sequence);
		mark(gone, sequence, found);
		turn_round(order->edges, order->edge_count);
		break_circles(order, gone, broken);
		memset(gone, 0, order->count * sizeof(*gone));
		found = peel(order, gone, sequence);
	}
	assert(found == order->count); /* what can't be broken forms no circle */
	sort_edges(order->edges, order->edge_count, by_then);
}
