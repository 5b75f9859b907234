#include "tests/incidents/shortened.h"

#include "base/memory.h"

static size_t renumbered(size_t number, size_t out)
{
	return number - (number > out);
}

static size_t count_after(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->step_count; i++)
		count += plan->steps[i].after_count;
	return count;
}

/* Its `after`, at `room`, without the one that goes. */
static void renumber_after(struct plan_step *step, size_t out, size_t *room)
{
	size_t kept = 0;

	for (size_t i = 0; i < step->after_count; i++)
		if (step->after[i] != out)
			room[kept++] = renumbered(step->after[i], out);
	step->after = room;
	step->after_count = kept;
}

void shorten(struct shortened *shortened, const struct plan *plan, size_t out)
{
	size_t *room = memory_array(count_after(plan) + 1, sizeof(*room));

	*shortened = (struct shortened){ .plan = *plan, .after = room };
	shortened->steps = memory_array(plan->step_count + 1, sizeof(*shortened->steps));
	shortened->plan.steps = shortened->steps;
	shortened->plan.step_count = 0;
	shortened->plan.by_door[plan->steps[out - 1].door]--;
	for (size_t i = 0; i < plan->step_count; i++) {
		struct plan_step *step = &shortened->steps[shortened->plan.step_count];

		if (plan->steps[i].number == out)
			continue;
		*step = plan->steps[i];
		step->number = ++shortened->plan.step_count;
		step->until = renumbered(step->until, out);
		step->parked_by = renumbered(step->parked_by, out);
		renumber_after(step, out, room);
		room += step->after_count;
	}
}

void shortened_release(struct shortened *shortened)
{
	memory_free(shortened->steps);
	memory_free(shortened->after);
}
