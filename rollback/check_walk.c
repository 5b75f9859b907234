/*
 * The walk: each step is done on the model as the directory would do it, or refused as it would.
 *
 *	an address has one live holder, whatever attribute and kind (contract 5.3); an object may
 *	    hold it in two places
 *	what lies in deleted items keeps its addresses against whoever wants them, but for one that this
 *	    plan put there: production and administrators may take those, Graph's `mail` may not
 *	a value is what `from` says, or the step is not done
 *	an object is there while it is written, and what refers to it does so before it goes
 *	a group that had an owner has one
 *	in the end every value is the last step's `to`, and nothing is parked
 *
 * Production's steps are different: what is held is left out, waits on the object, and is applied when
 * the holder has let go (facts 4.1). Steps of people that can't be done are left to them.
 */
#include <stdarg.h>
#include <stdio.h>

#include "rollback/check_walk.h"

static const char parking_prefix[] = "unstage-parking-";

static void walker_release(struct walker *walker)
{
	memory_free(walker->progress);
	memory_free(walker->missing);
	memory_free(walker->now);
	memory_free(walker->objects);
	memory_free(walker->holds);
	memory_free(walker->first_hold);
	memory_free(walker->first_of_object);
	memory_free(walker->waiting);
	memory_free(walker->first_waiting);
}

bool walker_wrong(struct walker *walker, size_t index, const char *format, ...)
{
	struct error text = { 0 };
	va_list arguments;

	va_start(arguments, format);
	error_set_v(&text, ERROR_REFUSED, format, arguments);
	va_end(arguments);
	walker->result->step = index == SIZE_MAX ? 0 : index + 1;
	snprintf(walker->result->text, sizeof(walker->result->text), "%.*s",
		TEXT_UP_TO(sizeof(walker->result->text) - 1, text.text));
	return false;
}

/* ---- whole objects ------------------------------------------------------------------------ */

/* What is held meanwhile: production's waits, a person's stops it, ours is wrong. */
static bool restore_address(struct walker *walker, size_t index, struct check_hold at)
{
	const struct plan_step *step = plan_step_of(walker, index);
	uint32_t other = walker_keeper(walker, at.address, at.object, false);

	if (other == CHECK_NONE)
		return true;
	if (by_production(step) && walker_waiting_object(walker, at.address) == CHECK_NONE) {
		walker_let_go(walker, at.address, at.object, at.place);
		walker_wait_for(walker, index, at.address, at.place);
		walker->progress[index] = PROGRESS_WAITS;
		return true;
	}
	if (step->door != DOOR_GRAPH && step->door != DOOR_EXCHANGE) {
		walker->progress[index] = PROGRESS_LEFT;
		return true;
	}
	return walker_wrong(walker, index, "it restores with %s, which %s holds",
		address_text(walker, at.address), id_text_of(walker, other));
}

static bool restore(struct walker *walker, size_t index)
{
	const struct plan_step *step = plan_step_of(walker, index);
	uint32_t object = walker->check->steps[index].object;
	struct now_object *now = &walker->objects[object];

	if (now->state == CHECK_LIVE)
		return walker_wrong(walker, index, "it restores what is there");
	if (now->state == CHECK_ABSENT && step->door == DOOR_GRAPH)
		return walker_wrong(walker, index, "it restores what is not in deleted items");
	for (size_t i = walker->first_of_object[object]; walker->holds && i != SIZE_MAX;
		i = walker->holds[i].next_of_object)
		if (!walker->holds[i].gone && !restore_address(walker, index, walker->holds[i]))
			return false;
	if (walker->progress[index] != PROGRESS_LEFT)
		now->state = CHECK_LIVE;
	return true;
}

static bool is_over(enum progress_of progress)
{
	return progress == PROGRESS_DONE || progress == PROGRESS_LEFT ||
		progress == PROGRESS_OMITTED;
}

static bool remove_object(struct walker *walker, size_t index)
{
	uint32_t object = walker->check->steps[index].object;
	const struct check_object *known = &walker->check->objects[object];

	for (size_t i = 0; i < known->leading_count; i++)
		if (!is_over(walker->progress[known->leading[i]]))
			return walker_wrong(walker, index,
				"it deletes what step %zu has not taken the reference from",
				known->leading[i] + 1);
	walker->objects[object].state = CHECK_DELETED;
	walker->objects[object].removed_by_us = true;
	for (size_t i = walker->first_of_object[object]; walker->holds && i != SIZE_MAX;
		i = walker->holds[i].next_of_object)
		if (!walker->holds[i].gone)
			walker_give_on(walker, walker->holds[i].address);
	return true;
}

/* ---- values ------------------------------------------------------------------------------- */

static bool same_value(const struct plan_step *step, struct span a, struct span b)
{
	if (step->attribute->source == SOURCE_RELATION)
		return a.data && b.data ? text_compare_caseless(a, b) == 0 : a.data == b.data;
	return attribute_equal(step->attribute, a, b);
}

static bool starts_from(struct walker *walker, size_t index)
{
	const struct plan_step *step = plan_step_of(walker, index);
	size_t value = walker->check->steps[index].value;

	if (!walker->check->values[value].known || same_value(step, walker->now[value], step->from))
		return true;
	return walker_wrong(walker, index, "%s of %s is not what the step starts from",
		step->attribute->name, step->id);
}

static bool refers_to_something(struct walker *walker, size_t index)
{
	uint32_t target = walker->check->steps[index].target;

	/* What was never in live may be a device, or an application: no object of ours. */
	if (target == CHECK_NONE || walker->objects[target].state != CHECK_DELETED)
		return true;
	return walker_wrong(
		walker, index, "it refers to %s, which is deleted", id_text_of(walker, target));
}

static bool leaves_an_owner(struct walker *walker, size_t index)
{
	const struct plan_step *step = plan_step_of(walker, index);
	uint32_t object = walker->check->steps[index].object;
	struct now_object *now = &walker->objects[object];

	now->owners += step->operation == GRAPH_ADD_OWNER;
	if (step->operation != GRAPH_REMOVE_OWNER || !walker->check->objects[object].owners_known)
		return true;
	now->owners--;
	return now->owners > 0 ||
		walker_wrong(walker, index, "it takes the last owner from %s", step->id);
}

/* Steps of people may be impossible; then they are theirs to decide. */
static bool leave_or_wrong(struct walker *walker, size_t index, bool good)
{
	if (good || plan_step_of(walker, index)->door != DOOR_MANUAL)
		return good;
	walker->result->step = 0;
	walker->result->text[0] = '\0';
	walker->progress[index] = PROGRESS_LEFT;
	return true;
}

static bool set_value(struct walker *walker, size_t index)
{
	const struct check_step *at = &walker->check->steps[index];
	enum taking taking;

	if (!leave_or_wrong(walker, index,
		    starts_from(walker, index) && refers_to_something(walker, index) &&
			    leaves_an_owner(walker, index)))
		return false;
	if (walker->progress[index] == PROGRESS_LEFT)
		return true;
	taking = walker_may_take(walker, index);
	if (taking == WRONG)
		return false;
	if (taking == NOT_NOW) {
		walker->progress[index] = PROGRESS_LEFT;
		return true;
	}
	if (at->moves_addresses)
		walker_move_addresses(walker, index);
	walker->now[at->value] = plan_step_of(walker, index)->to;
	if (walker->missing[index])
		walker->progress[index] = PROGRESS_WAITS;
	return true;
}

/* ---- one step ----------------------------------------------------------------------------- */

static bool is_held_back(const struct walker *walker, const struct plan_step *step)
{
	for (size_t i = 0; i < step->after_count; i++)
		if (walker->progress[step->after[i] - 1] == PROGRESS_LEFT)
			return true;
	return false;
}

static bool do_step(void *context, size_t index)
{
	struct walker *walker = context;
	const struct plan_step *step = plan_step_of(walker, index);
	const struct now_object *object = &walker->objects[walker->check->steps[index].object];
	enum progress_of *progress = &walker->progress[index];
	bool good;

	if (walker->how->without == index + 1) {
		*progress = PROGRESS_OMITTED;
		return true;
	}
	if (is_held_back(walker, step)) {
		*progress = PROGRESS_LEFT;
		return true;
	}
	if (step->operation == GRAPH_RESTORE)
		good = restore(walker, index);
	else if (object->state != CHECK_LIVE)
		good = leave_or_wrong(walker, index,
			walker_wrong(
				walker, index, "it writes to %s, which is not there", step->id));
	else if (step->operation == GRAPH_REMOVE)
		good = remove_object(walker, index);
	else
		good = set_value(walker, index);
	if (good && *progress == PROGRESS_OPEN)
		*progress = PROGRESS_DONE;
	return good;
}

/* ---- the end ------------------------------------------------------------------------------ */

static bool ends_where_it_should(struct walker *walker, size_t index)
{
	const struct plan_step *step = plan_step_of(walker, index);
	const struct check_step *at = &walker->check->steps[index];
	enum check_state state = walker->objects[at->object].state;

	switch (walker->progress[index]) {
	case PROGRESS_WAITS:
	case PROGRESS_LEFT:
		walker->result->left++;
		return true;
	case PROGRESS_OPEN:
		return walker_wrong(walker, index, "it was never its turn");
	case PROGRESS_DONE:
	case PROGRESS_OMITTED:
		break;
	}
	if (step->operation == GRAPH_RESTORE)
		return state == CHECK_LIVE ||
			walker_wrong(walker, index, "%s is not restored", step->id);
	if (step->operation == GRAPH_REMOVE)
		return state != CHECK_LIVE ||
			walker_wrong(walker, index, "%s is not deleted", step->id);
	if (step->until)
		return walker->progress[index] != PROGRESS_OMITTED ||
			walker_wrong(walker, index, "nothing was parked, and nobody needed it");
	return same_value(step, walker->now[at->value], step->to) ||
		walker_wrong(walker, index, "%s of %s is not what the step wants",
			step->attribute->name, step->id);
}

/*
 * What may never be done: what is left to somebody, what production still waits for in the end, and, since
 * nobody begins before all that come first are done, whatever comes after these.
 */
static bool *never_done(const struct walker *walker)
{
	const struct plan *plan = walker->check->plan;
	bool *never = memory_array(plan->step_count + 1, sizeof(*never));

	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		never[i] = walker->progress[i] == PROGRESS_LEFT ||
			walker->progress[i] == PROGRESS_WAITS;
		for (size_t j = 0; j < step->after_count; j++)
			never[i] = never[i] || never[step->after[j] - 1];
	}
	return never;
}

static bool nothing_stays_parked(struct walker *walker)
{
	const struct check *check = walker->check;
	CLEANUP(memory_freep) bool *never = never_done(walker);

	for (size_t i = 0; i < check->plan->step_count; i++) {
		const struct plan_step *step = &check->plan->steps[i];

		if (step->until && !never[i] && never[step->until - 1])
			return walker_wrong(walker, i,
				"it parks a value that stays so: step %zu may never be done",
				step->until);
		for (size_t j = 0; step->until && j < check->steps[i].take_count; j++) {
			uint32_t address = check->steps[i].takes[j];

			if (strncmp(address_text(walker, address), parking_prefix,
				    sizeof(parking_prefix) - 1) == 0 &&
				walker->progress[step->until - 1] == PROGRESS_DONE &&
				walker_holds(walker, address, check->steps[i].object))
				return walker_wrong(
					walker, i, "%s stays", address_text(walker, address));
		}
	}
	return true;
}

static bool ends_well(struct walker *walker)
{
	for (size_t i = 0; i < walker->check->plan->step_count; i++)
		if (!ends_where_it_should(walker, i))
			return false;
	return nothing_stays_parked(walker);
}

static void walker_init(struct walker *walker)
{
	const struct check *check = walker->check;
	size_t steps = check->plan->step_count, addresses = check->addresses.count;

	walker->progress = memory_array(steps + 1, sizeof(*walker->progress));
	walker->missing = memory_array(steps + 1, sizeof(*walker->missing));
	walker->now = memory_array(check->value_count + 1, sizeof(*walker->now));
	walker->objects = memory_array(check->object_count + 1, sizeof(*walker->objects));
	walker->first_hold = memory_array(addresses + 1, sizeof(*walker->first_hold));
	walker->first_waiting = memory_array(addresses + 1, sizeof(*walker->first_waiting));
	for (size_t i = 0; i < check->value_count; i++)
		walker->now[i] = check->values[i].before;
	for (size_t i = 0; i < check->object_count; i++)
		walker->objects[i] = (struct now_object){ .state = check->objects[i].before,
			.owners = check->objects[i].owners };
	walker->first_of_object = memory_array(check->object_count + 1, sizeof(size_t));
	for (size_t i = 0; i < check->object_count; i++)
		walker->first_of_object[i] = SIZE_MAX;
	for (size_t i = 0; i < addresses; i++)
		walker->first_hold[i] = walker->first_waiting[i] = SIZE_MAX;
	for (size_t i = 0; i < check->hold_count; i++)
		walker_hold(walker, check->holds[i].address, check->holds[i].object,
			check->holds[i].place);
}

bool check_walk(struct check *check, const struct check_walk *how, struct check_result *result)
{
	CLEANUP(walker_release)
	struct walker walker = { .check = check, .how = how, .result = result };

	*result = (struct check_result){ 0 };
	walker_init(&walker);
	return check_each_step(check->plan, how->seed, do_step, &walker) && ends_well(&walker);
}
