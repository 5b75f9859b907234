/* In which order a plan is walked: by number, or in another one that `after` allows. */
#include "rollback/check_walk.h"

/* xorshift64*: any order will do, as long as a seed gives the same one again. */
static size_t random_below(uint64_t *random, size_t below)
{
	*random ^= *random >> 12;
	*random ^= *random << 25;
	*random ^= *random >> 27;
	return (size_t)((*random * UINT64_C(2685821657736338717) >> 11) % below);
}

struct successors {
	size_t *starts, *items, *waiting, *ready;
};

static void successors_release(struct successors *all)
{
	memory_free(all->starts);
	memory_free(all->items);
	memory_free(all->waiting);
	memory_free(all->ready);
}

static void successors_init(struct successors *all, const struct plan *plan)
{
	size_t count = plan->step_count, edges = 0;

	*all = (struct successors){
		.starts = memory_array(count + 2, sizeof(size_t)),
		.waiting = memory_array(count + 1, sizeof(size_t)),
		.ready = memory_array(count + 1, sizeof(size_t)),
	};
	for (size_t i = 0; i < count; i++) {
		all->waiting[i] = plan->steps[i].after_count;
		edges += plan->steps[i].after_count;
		for (size_t j = 0; j < plan->steps[i].after_count; j++)
			all->starts[plan->steps[i].after[j]]++;
	}
	all->items = memory_array(edges + 1, sizeof(size_t));
	for (size_t i = 0; i < count; i++)
		all->starts[i + 1] += all->starts[i];
	for (size_t i = count; i-- > 0;)
		for (size_t j = 0; j < plan->steps[i].after_count; j++)
			all->items[--all->starts[plan->steps[i].after[j]]] = i;
}

/* Of the steps that may be next, any. */
static bool each_at_random(
	const struct plan *plan, uint64_t random, check_step_function *each, void *context)
{
	CLEANUP(successors_release) struct successors all;
	size_t ready = 0;

	successors_init(&all, plan);
	for (size_t i = 0; i < plan->step_count; i++)
		if (!all.waiting[i])
			all.ready[ready++] = i;
	while (ready) {
		size_t at = random_below(&random, ready), step = all.ready[at];

		all.ready[at] = all.ready[--ready];
		if (!each(context, step))
			return false;
		for (size_t i = all.starts[step + 1]; i < all.starts[step + 2]; i++)
			if (--all.waiting[all.items[i]] == 0)
				all.ready[ready++] = all.items[i];
	}
	return true;
}

bool check_each_step(
	const struct plan *plan, uint64_t seed, check_step_function *each, void *context)
{
	if (seed)
		return each_at_random(plan, seed, each, context);
	for (size_t i = 0; i < plan->step_count; i++)
		if (!each(context, i))
			return false;
	return true;
}
