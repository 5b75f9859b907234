/* The objects that steps name, as numbers: what may go beside what is asked for every step that is looked at. */
#include <assert.h>

#include "rollback/apply_internal.h"

/* One mention of an object: where its number goes. */
struct mention {
	const char *id;
	size_t *number;
};

static int by_id(const void *a, const void *b)
{
	const struct mention *left = a, *right = b;

	return text_compare_caseless(span_of(left->id), span_of(right->id));
}

void step_objects_init(struct step_objects *objects, const struct plan *plan)
{
	size_t room = plan->step_count + 1, count = 0, number = 0;
	CLEANUP(memory_freep) struct mention *mentions = memory_array(2 * room, sizeof(*mentions));

	objects->ids = memory_array(room, sizeof(*objects->ids));
	objects->targets = memory_array(room, sizeof(*objects->targets));
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		mentions[count++] = (struct mention){ step->id, &objects->ids[i] };
		if (step->target)
			mentions[count++] = (struct mention){ step->target, &objects->targets[i] };
	}
	if (count)
		qsort(mentions, count, sizeof(*mentions), by_id);
	for (size_t i = 0; i < count; i++) {
		number += !i || by_id(&mentions[i - 1], &mentions[i]) != 0;
		*mentions[i].number = number;
	}
	objects->as_id = memory_array(number + 1, sizeof(*objects->as_id));
	objects->as_target = memory_array(number + 1, sizeof(*objects->as_target));
}

void step_objects_release(struct step_objects *objects)
{
	memory_free(objects->ids);
	memory_free(objects->targets);
	memory_free(objects->as_id);
	memory_free(objects->as_target);
	*objects = (struct step_objects){ 0 };
}

bool step_objects_free(const struct step_objects *objects, size_t index)
{
	size_t id = objects->ids[index], target = objects->targets[index];

	return !objects->as_id[id] && !objects->as_target[id] &&
		(!target || !objects->as_id[target]);
}

void step_objects_take(struct step_objects *objects, size_t index)
{
	objects->as_id[objects->ids[index]]++;
	if (objects->targets[index])
		objects->as_target[objects->targets[index]]++;
}

void step_objects_let_go(struct step_objects *objects, size_t index)
{
	assert(objects->as_id[objects->ids[index]]);
	objects->as_id[objects->ids[index]]--;
	if (objects->targets[index])
		objects->as_target[objects->targets[index]]--;
}
