/*
 * Puts things in an order where some must come before others, and takes circles apart.
 *
 * Things that nothing undone comes before are done, first come, first served. When nothing is left
 * that could be done, a walk from thing to predecessor must end in a circle. There one thing is
 * parked: it is split into a front, which is what others wait for, and the rest, which waits as
 * before. A circle in which nothing can be parked loses an edge instead, and who waited there is
 * `broken`. The walk is kept between circles, so each edge is walked about once.
 *
 * In the end each parking is tried without: one that other parkings made needless is taken back.
 * No recursion: a chain may be as long as the plan.
 */
#include <assert.h>
#include <stdlib.h>

#include "rollback/order_internal.h"

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
	memory_free(order->things);
	memory_free(order->sequence);
	memory_free(order->parked);
	memory_free(order->broken);
	*order = (struct order){ 0 };
}

/* ---- edges, each pair of things once ------------------------------------------------------ */

static int compare_numbers(size_t a, size_t b)
{
	return (a > b) - (a < b);
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

static void tidy_edges(struct order *order)
{
	size_t kept = 0;

	if (order->edge_count)
		qsort(order->edges, order->edge_count, sizeof(*order->edges), by_then);
	for (size_t i = 0; i < order->edge_count; i++) {
		const struct order_edge *edge = &order->edges[i];

		if (!kept || order->edges[kept - 1].then != edge->then ||
			order->edges[kept - 1].first != edge->first)
			order->edges[kept++] = *edge;
	}
	order->edge_count = kept;
}

/* ---- doing things as they become possible ------------------------------------------------- */

/* Nodes 0 … count - 1 are the things, count … 2 count - 1 their fronts. */
static void solver_init(struct order_solver *solver, struct order *order)
{
	size_t count = order->count, edges = order->edge_count;

	*solver = (struct order_solver){
		.order = order,
		.succ_start = memory_array(count + 2, sizeof(size_t)),
		.succ = memory_array(edges + 1, sizeof(size_t)),
		.pred_start = memory_array(count + 2, sizeof(size_t)),
		.pred = memory_array(edges + 1, sizeof(size_t)),
		.waiting = memory_array(2 * count + 1, sizeof(size_t)),
		.done = memory_array(2 * count + 1, sizeof(bool)),
		.split = memory_array(count + 1, sizeof(bool)),
		.dropped = memory_array(edges + 1, sizeof(bool)),
		.queue = memory_array(2 * count + 1, sizeof(size_t)),
	};
	for (size_t i = 0; i < edges; i++) {
		solver->succ_start[order->edges[i].first + 1]++;
		solver->pred_start[order->edges[i].then + 1]++;
		solver->waiting[order->edges[i].then]++;
	}
	for (size_t i = 0; i < count; i++) {
		solver->succ_start[i + 1] += solver->succ_start[i];
		solver->pred_start[i + 1] += solver->pred_start[i];
	}
	for (size_t i = 0; i < edges; i++) {
		solver->succ[solver->succ_start[order->edges[i].first]++] = i;
		solver->pred[solver->pred_start[order->edges[i].then]++] = i;
	}
	/* Filling moved each start to its end, which is where the next one begins. */
	memmove(solver->succ_start + 1, solver->succ_start, count * sizeof(size_t));
	memmove(solver->pred_start + 1, solver->pred_start, count * sizeof(size_t));
	solver->succ_start[0] = solver->pred_start[0] = 0;
}

static void solver_release(struct order_solver *solver)
{
	memory_free(solver->succ_start);
	memory_free(solver->succ);
	memory_free(solver->pred_start);
	memory_free(solver->pred);
	memory_free(solver->waiting);
	memory_free(solver->done);
	memory_free(solver->split);
	memory_free(solver->dropped);
	memory_free(solver->queue);
}

size_t solver_source(const struct order_solver *solver, size_t edge)
{
	const struct order_edge *at = &solver->order->edges[edge];

	return at->breakable && solver->split[at->first] ? solver->order->count + at->first
							 : at->first;
}

static void count_down(struct order_solver *solver, size_t node)
{
	assert(solver->waiting[node]);
	if (--solver->waiting[node] == 0)
		solver->queue[solver->queued++] = node;
}

static void arrive(struct order_solver *solver, size_t edge)
{
	const struct order_edge *at = &solver->order->edges[edge];

	count_down(solver, at->then);
	if (!at->breakable && solver->split[at->then])
		count_down(solver, solver->order->count + at->then);
}

static void finish(struct order_solver *solver, size_t node)
{
	size_t count = solver->order->count, thing = node < count ? node : node - count;

	solver->done[node] = true;
	for (size_t i = solver->succ_start[thing]; i < solver->succ_start[thing + 1]; i++)
		if (!solver->dropped[solver->succ[i]] &&
			solver_source(solver, solver->succ[i]) == node)
			arrive(solver, solver->succ[i]);
	if (node >= count)
		count_down(solver, thing);
	else
		solver->finished++;
}

static void do_what_can_be(struct order_solver *solver)
{
	while (solver->begun < solver->queued)
		finish(solver, solver->queue[solver->begun++]);
}

static void park(struct order_solver *solver, size_t thing)
{
	size_t front = solver->order->count + thing, waits = 0;

	for (size_t i = solver->pred_start[thing]; i < solver->pred_start[thing + 1]; i++) {
		size_t edge = solver->pred[i];

		waits += !solver->order->edges[edge].breakable && !solver->dropped[edge] &&
			!solver->done[solver_source(solver, edge)];
	}
	solver->split[thing] = true;
	solver->waiting[thing]++;
	solver->waiting[front] = waits;
	if (!waits)
		solver->queue[solver->queued++] = front;
}

/* ---- circles ------------------------------------------------------------------------------ */

/* A walk from node to predecessor; `via` is the edge from the node to the one before it. */
struct walk {
	struct {
		size_t node, via;
	} * steps;
	size_t length;
	size_t *place; /* of each node on the walk, from 1 */
	size_t lowest; /* things before this one are done */
	bool *parked_owner;
};

static void walk_push(struct walk *walk, size_t node, size_t via)
{
	walk->steps[walk->length].node = node;
	walk->steps[walk->length++].via = via;
	walk->place[node] = walk->length;
}

static void walk_cut(struct walk *walk, size_t length)
{
	while (walk->length > length)
		walk->place[walk->steps[--walk->length].node] = 0;
}

/* Something undone that the node waits for, and by which edge; SIZE_MAX: by being its front. */
static size_t undone_before(const struct order_solver *solver, size_t node, size_t *via)
{
	size_t count = solver->order->count, thing = node < count ? node : node - count;

	for (size_t i = solver->pred_start[thing]; i < solver->pred_start[thing + 1]; i++) {
		size_t edge = solver->pred[i], source = solver_source(solver, edge);

		*via = edge;
		if (!solver->dropped[edge] && !solver->done[source] &&
			(node < count || !solver->order->edges[edge].breakable))
			return source;
	}
	*via = SIZE_MAX;
	assert(node < count && solver->split[node]);
	return node + count;
}

/* Walks until a node comes again; returns its place. `via` closes the circle. */
static size_t walk_round(const struct order_solver *solver, struct walk *walk, size_t *via)
{
	while (walk->length && solver->done[walk->steps[walk->length - 1].node])
		walk_cut(walk, walk->length - 1);
	if (!walk->length) {
		while (solver->done[walk->lowest])
			walk->lowest++;
		walk_push(walk, walk->lowest, SIZE_MAX);
	}
	while (true) {
		size_t next = undone_before(solver, walk->steps[walk->length - 1].node, via);

		if (walk->place[next])
			return walk->place[next] - 1;
		walk_push(walk, next, *via);
	}
}

/* Of what can be parked there, the best: of an owner that is parked anyway, of the best rank. */
static size_t choose(
	const struct order_solver *solver, const struct walk *walk, size_t from, size_t closing)
{
	const struct order *order = solver->order;
	size_t best = walk->length, best_worth = 0;

	for (size_t i = from; i < walk->length; i++) {
		size_t node = walk->steps[i].node, out = i == from ? closing : walk->steps[i].via;
		size_t worth;

		if (node >= order->count || out == SIZE_MAX || !order->edges[out].breakable ||
			solver->split[node] || !order->things[node].rank)
			continue;
		worth = 2 * order->things[node].rank +
			(size_t)(walk->parked_owner[order->things[node].owner] ? 1000 : 0);
		if (worth > best_worth || (worth == best_worth && node < walk->steps[best].node)) {
			best = i;
			best_worth = worth;
		}
	}
	return best;
}

static void drop_edge(struct order_solver *solver, struct walk *walk, size_t from, size_t closing)
{
	for (size_t i = from; i < walk->length; i++) {
		size_t edge = i == from ? closing : walk->steps[i].via;

		if (edge == SIZE_MAX || !solver->order->edges[edge].breakable)
			continue;
		solver->dropped[edge] = true;
		solver->order->broken[solver->order->edges[edge].then] = true;
		count_down(solver, solver->order->edges[edge].then);
		walk_cut(walk, from);
		return;
	}
	assert(!"what can't be broken forms no circle");
}

static void break_circle(struct order_solver *solver, struct walk *walk)
{
	size_t closing, from = walk_round(solver, walk, &closing);
	size_t best = choose(solver, walk, from, closing);
	size_t thing;

	if (best == walk->length) {
		drop_edge(solver, walk, from, closing);
		return;
	}
	thing = walk->steps[best].node;
	walk_cut(walk, best);
	walk->parked_owner[solver->order->things[thing].owner] = true;
	park(solver, thing);
}

static void do_everything(struct order_solver *solver)
{
	size_t count = solver->order->count;
	CLEANUP(memory_freep) size_t *place = memory_array(2 * count + 1, sizeof(*place));
	CLEANUP(memory_freep) bool *parked_owner = memory_array(count + 1, sizeof(bool));
	CLEANUP(memory_freep) void *steps = memory_array(2 * count + 1, 2 * sizeof(size_t));
	struct walk walk = { .steps = steps, .place = place, .parked_owner = parked_owner };

	for (size_t i = 0; i < count; i++)
		if (!solver->waiting[i])
			solver->queue[solver->queued++] = i;
	do_what_can_be(solver);
	while (solver->finished < count) {
		break_circle(solver, &walk);
		do_what_can_be(solver);
	}
}

/* ---- the result --------------------------------------------------------------------------- */

/* Fronts become things of their own, behind the others. */
static void split_edges(struct order *order, const struct order_solver *solver)
{
	CLEANUP(memory_freep) size_t *front = memory_array(order->count + 1, sizeof(*front));
	size_t count = order->count, edges = order->edge_count, kept = 0;

	order->parked = memory_array(count + 1, sizeof(*order->parked));
	for (size_t i = 0; i < count; i++) {
		if (!solver->split[i])
			continue;
		front[i] = count + order->parked_count;
		order->parked[order->parked_count++] = i;
	}
	for (size_t i = 0; i < edges; i++) {
		struct order_edge edge = order->edges[i];

		if (solver->dropped[i])
			continue;
		if (edge.breakable && solver->split[edge.first])
			edge.first = front[edge.first];
		order->edges[kept++] = edge;
	}
	order->edge_count = kept;
	for (size_t i = 0; i < kept; i++) {
		struct order_edge edge = order->edges[i];

		if (!edge.breakable && solver->split[edge.then])
			order_add(order, edge.first, front[edge.then], false);
	}
	for (size_t i = 0; i < order->parked_count; i++)
		order_add(order, front[order->parked[i]], order->parked[i], false);
	order->count += order->parked_count;
}

static void sequence_of(struct order *order)
{
	CLEANUP(solver_release) struct order_solver solver;

	solver_init(&solver, order);
	for (size_t i = 0; i < order->count; i++)
		if (!solver.waiting[i])
			solver.queue[solver.queued++] = i;
	do_what_can_be(&solver);
	assert(solver.finished == order->count);
	order->sequence = memory_array(order->count + 1, sizeof(*order->sequence));
	memcpy(order->sequence, solver.queue, order->count * sizeof(*order->sequence));
}

void order_solve(struct order *order)
{
	CLEANUP(solver_release) struct order_solver solver;

	tidy_edges(order);
	if (!order->things)
		order->things = memory_array(order->count + 1, sizeof(*order->things));
	order->broken = memory_array(order->count + 1, sizeof(*order->broken));
	solver_init(&solver, order);
	do_everything(&solver);
	order_prune(&solver);
	split_edges(order, &solver);
	tidy_edges(order);
	sequence_of(order);
}
