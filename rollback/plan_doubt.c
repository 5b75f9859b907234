/*
 * Steps that may never come true: a person must decide about them first, or production would have to take
 * what somebody else holds or wants; and whatever waits for one of these, however far. Such a step may
 * wait, but its value must not be parked meanwhile: it might stay so.
 */
#include "rollback/plan_internal.h"

static bool is_doubtful(const struct draft *draft)
{
	return draft->doubtful || (draft->cause && !draft->by_hand);
}

/* What comes after each draft, one list behind the other. */
struct followers {
	size_t *starts, *items;
};

static void followers_release(struct followers *followers)
{
	memory_free(followers->starts);
	memory_free(followers->items);
}

static void followers_init(
	struct followers *followers, size_t count, const struct order *const orders[static 2])
{
	size_t total = orders[0]->edge_count + orders[1]->edge_count;

	followers->starts = memory_array(count + 2, sizeof(size_t));
	followers->items = memory_array(total + 1, sizeof(size_t));
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < orders[i]->edge_count; j++)
			followers->starts[orders[i]->edges[j].first + 2]++;
	for (size_t i = 2; i < count + 2; i++)
		followers->starts[i] += followers->starts[i - 1];
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < orders[i]->edge_count; j++) {
			const struct order_edge *edge = &orders[i]->edges[j];

			followers->items[followers->starts[edge->first + 1]++] = edge->then;
		}
}

void drafts_doubt(const struct draft *drafts, size_t count, const struct order *order,
	const struct order *unordered, bool *doubted)
{
	const struct order *const orders[] = { order, unordered };
	CLEANUP(followers_release) struct followers followers;
	CLEANUP(memory_freep) size_t *queue = memory_array(count + 1, sizeof(*queue));
	size_t queued = 0;

	followers_init(&followers, count, orders);
	for (size_t i = 0; i < count; i++) {
		doubted[i] = is_doubtful(&drafts[i]);
		if (doubted[i])
			queue[queued++] = i;
	}
	for (size_t at = 0; at < queued; at++)
		for (size_t i = followers.starts[queue[at]]; i < followers.starts[queue[at] + 1];
			i++) {
			size_t then = followers.items[i];

			if (doubted[then])
				continue;
			doubted[then] = true;
			queue[queued++] = then;
		}
}
