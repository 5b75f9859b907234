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
#include <stdlib.h>

#include "rollback/check_internal.h"

static const char parking_prefix[] = "unstage-parking-";

enum progress_of { PROGRESS_OPEN, PROGRESS_DONE, PROGRESS_WAITS, PROGRESS_LEFT, PROGRESS_OMITTED };

/* An object as the walk has it. */
struct now_object {
	enum check_state state;
	size_t owners;
	bool removed_by_us;
};

/* A step of production waits for an address. */
struct waiting {
	size_t step, next; /* of the same address; SIZE_MAX: the last */
	enum check_place place;
};

struct walker {
	struct check *check;
	const struct check_walk *how;
	struct check_result *result;
	enum progress_of *progress; /* of each step */
	size_t *missing;            /* addresses that a step of production still waits for */
	struct span *now;           /* values; borrowed */
	struct now_object *objects;
	struct check_hold *holds;
	size_t hold_count, hold_capacity;
	size_t *first_hold, *first_of_object;
	struct waiting *waiting; /* in no order */
	size_t waiting_count, waiting_capacity;
	size_t *first_waiting; /* of each address */
};

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

static bool PRINTF_LIKE(3, 4) wrong(struct walker *walker, size_t index, const char *format, ...)
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

static const struct plan_step *plan_step_of(const struct walker *walker, size_t index)
{
	return &walker->check->plan->steps[index];
}

static const char *address_text(const struct walker *walker, uint32_t address)
{
	return walker->check->addresses.texts[address].data;
}

static const char *id_text_of(const struct walker *walker, uint32_t object)
{
	return walker->check->ids.texts[object].data;
}

static bool by_production(const struct plan_step *step)
{
	return step->door == DOOR_SYNC || step->door == DOOR_DIRECTORY;
}

/* ---- who holds what ----------------------------------------------------------------------- */

static void hold(struct walker *walker, uint32_t address, uint32_t object, enum check_place place)
{
	MEMORY_GROW(walker->holds, walker->hold_count, walker->hold_capacity);
	walker->holds[walker->hold_count] = (struct check_hold){
		.address = address,
		.object = object,
		.place = place,
		.next = walker->first_hold[address],
		.next_of_object = walker->first_of_object[object],
	};
	walker->first_of_object[object] = walker->hold_count;
	walker->first_hold[address] = walker->hold_count++;
}

static void let_go(struct walker *walker, uint32_t address, uint32_t object, enum check_place place)
{
	size_t *link = &walker->first_hold[address];

	while (*link != SIZE_MAX) {
		struct check_hold *at = &walker->holds[*link];

		at->gone |= at->object == object && at->place == place;
		if (at->gone)
			*link = at->next;
		else
			link = &at->next;
	}
}

static bool holds_itself(const struct walker *walker, uint32_t address, uint32_t object)
{
	size_t at = walker->first_hold[address];

	while (at != SIZE_MAX && walker->holds[at].object != object)
		at = walker->holds[at].next;
	return at != SIZE_MAX;
}

/* The sign-in name of what is deleted is free. */
static bool keeps(const struct walker *walker, const struct check_hold *at, bool strict)
{
	const struct now_object *object = &walker->objects[at->object];

	if (object->state == CHECK_LIVE)
		return true;
	return object->state == CHECK_DELETED && at->place == CHECK_ADDRESSES &&
		(strict || !object->removed_by_us);
}

/* Another object that keeps it; CHECK_NONE: nobody. */
static uint32_t keeper(const struct walker *walker, uint32_t address, uint32_t object, bool strict)
{
	for (size_t at = walker->first_hold[address]; at != SIZE_MAX; at = walker->holds[at].next)
		if (walker->holds[at].object != object && keeps(walker, &walker->holds[at], strict))
			return walker->holds[at].object;
	return CHECK_NONE;
}

/* Whose step waits for it; CHECK_NONE: nobody's. */
static uint32_t waiting_object(const struct walker *walker, uint32_t address)
{
	size_t at = walker->first_waiting[address];

	return at == SIZE_MAX ? CHECK_NONE : walker->check->steps[walker->waiting[at].step].object;
}

/* What production waited for is free now: for one object, in whatever places. */
static void give_on(struct walker *walker, uint32_t address)
{
	uint32_t object = waiting_object(walker, address);

	if (object == CHECK_NONE || keeper(walker, address, object, false) != CHECK_NONE)
		return;
	for (size_t at = walker->first_waiting[address]; at != SIZE_MAX;
		at = walker->waiting[at].next) {
		size_t step = walker->waiting[at].step;

		hold(walker, address, object, walker->waiting[at].place);
		if (--walker->missing[step] == 0)
			walker->progress[step] = PROGRESS_DONE;
	}
	walker->first_waiting[address] = SIZE_MAX;
}

static void wait_for(struct walker *walker, size_t step, uint32_t address, enum check_place place)
{
	MEMORY_GROW(walker->waiting, walker->waiting_count, walker->waiting_capacity);
	walker->waiting[walker->waiting_count] = (struct waiting){
		.step = step, .place = place, .next = walker->first_waiting[address]
	};
	walker->first_waiting[address] = walker->waiting_count++;
	walker->missing[step]++;
}

/* ---- taking ------------------------------------------------------------------------------- */

enum taking { TAKEN, LATER, NOT_NOW, WRONG };

static enum taking may_take(struct walker *walker, size_t index, uint32_t address)
{
	const struct plan_step *step = plan_step_of(walker, index);
	const struct check_step *at = &walker->check->steps[index];
	bool strict = step->operation == GRAPH_SET && step->door == DOOR_GRAPH &&
		strcmp(step->attribute->name, "mail") == 0;
	uint32_t other = keeper(walker, address, at->object, strict);
	uint32_t waiting = waiting_object(walker, address);
	bool wanted_twice = waiting != CHECK_NONE && waiting != at->object;

	if (other == CHECK_NONE && !wanted_twice)
		return TAKEN;
	if (by_production(step))
		return wanted_twice ? NOT_NOW : LATER;
	if (step->door == DOOR_MANUAL)
		return NOT_NOW;
	if (other == CHECK_NONE)
		wrong(walker, index, "it takes %s, which a step about %s wants too",
			address_text(walker, address), id_text_of(walker, waiting));
	else
		wrong(walker, index, "it takes %s, which %s %s", address_text(walker, address),
			id_text_of(walker, other),
			walker->objects[other].state == CHECK_LIVE ? "still holds"
								   : "holds in deleted items");
	return WRONG;
}

/* Before anything is changed: NOT_NOW leaves the step as a whole. */
static enum taking may_take_all(struct walker *walker, size_t index)
{
	const struct check_step *at = &walker->check->steps[index];
	enum taking worst = TAKEN;

	for (size_t i = 0; i < at->take_count; i++) {
		enum taking taking = holds_itself(walker, at->takes[i], at->object)
			? TAKEN
			: may_take(walker, index, at->takes[i]);

		if (taking > worst)
			worst = taking;
		if (worst == WRONG)
			break;
	}
	return worst;
}

static void move_addresses(struct walker *walker, size_t index)
{
	const struct check_step *at = &walker->check->steps[index];

	for (size_t i = 0; i < at->drop_count; i++)
		let_go(walker, at->drops[i], at->object, at->place);
	for (size_t i = 0; i < at->take_count; i++) {
		uint32_t address = at->takes[i];

		if (keeper(walker, address, at->object, false) == CHECK_NONE) {
			let_go(walker, address, at->object, at->place);
			hold(walker, address, at->object, at->place);
		} else {
			wait_for(walker, index, address, at->place);
		}
	}
	for (size_t i = 0; i < at->drop_count; i++)
		give_on(walker, at->drops[i]);
}

/* ---- whole objects ------------------------------------------------------------------------ */

/* What is held meanwhile: production's waits, a person's stops it, ours is wrong. */
static bool restore_address(struct walker *walker, size_t index, struct check_hold at)
{
	const struct plan_step *step = plan_step_of(walker, index);
	uint32_t other = keeper(walker, at.address, at.object, false);

	if (other == CHECK_NONE)
		return true;
	if (by_production(step) && waiting_object(walker, at.address) == CHECK_NONE) {
		let_go(walker, at.address, at.object, at.place);
		wait_for(walker, index, at.address, at.place);
		walker->progress[index] = PROGRESS_WAITS;
		return true;
	}
	if (step->door != DOOR_GRAPH && step->door != DOOR_EXCHANGE) {
		walker->progress[index] = PROGRESS_LEFT;
		return true;
	}
	return wrong(walker, index, "it restores with %s, which %s holds",
		address_text(walker, at.address), id_text_of(walker, other));
}

static bool restore(struct walker *walker, size_t index)
{
	const struct plan_step *step = plan_step_of(walker, index);
	uint32_t object = walker->check->steps[index].object;
	struct now_object *now = &walker->objects[object];

	if (now->state == CHECK_LIVE)
		return wrong(walker, index, "it restores what is there");
	if (now->state == CHECK_ABSENT && step->door == DOOR_GRAPH)
		return wrong(walker, index, "it restores what is not in deleted items");
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
			return wrong(walker, index,
				"it deletes what step %zu has not taken the reference from",
				known->leading[i] + 1);
	walker->objects[object].state = CHECK_DELETED;
	walker->objects[object].removed_by_us = true;
	for (size_t i = walker->first_of_object[object]; walker->holds && i != SIZE_MAX;
		i = walker->holds[i].next_of_object)
		if (!walker->holds[i].gone)
			give_on(walker, walker->holds[i].address);
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
	return wrong(walker, index, "%s of %s is not what the step starts from",
		step->attribute->name, step->id);
}

static bool refers_to_something(struct walker *walker, size_t index)
{
	uint32_t target = walker->check->steps[index].target;

	/* What was never in live may be a device, or an application: no object of ours. */
	if (target == CHECK_NONE || walker->objects[target].state != CHECK_DELETED)
		return true;
	return wrong(
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
	return now->owners > 0 || wrong(walker, index, "it takes the last owner from %s", step->id);
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
	taking = may_take_all(walker, index);
	if (taking == WRONG)
		return false;
	if (taking == NOT_NOW) {
		walker->progress[index] = PROGRESS_LEFT;
		return true;
	}
	if (at->moves_addresses)
		move_addresses(walker, index);
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

static bool do_step(struct walker *walker, size_t index)
{
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
			wrong(walker, index, "it writes to %s, which is not there", step->id));
	else if (step->operation == GRAPH_REMOVE)
		good = remove_object(walker, index);
	else
		good = set_value(walker, index);
	if (good && *progress == PROGRESS_OPEN)
		*progress = PROGRESS_DONE;
	return good;
}

/* ---- orders ------------------------------------------------------------------------------- */

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
static bool walk_at_random(struct walker *walker)
{
	const struct plan *plan = walker->check->plan;
	CLEANUP(successors_release) struct successors all;
	uint64_t random = walker->how->seed;
	size_t ready = 0;

	successors_init(&all, plan);
	for (size_t i = 0; i < plan->step_count; i++)
		if (!all.waiting[i])
			all.ready[ready++] = i;
	while (ready) {
		size_t at = random_below(&random, ready), step = all.ready[at];

		all.ready[at] = all.ready[--ready];
		if (!do_step(walker, step))
			return false;
		for (size_t i = all.starts[step + 1]; i < all.starts[step + 2]; i++)
			if (--all.waiting[all.items[i]] == 0)
				all.ready[ready++] = all.items[i];
	}
	return true;
}

static bool walk_by_number(struct walker *walker)
{
	for (size_t i = 0; i < walker->check->plan->step_count; i++)
		if (!do_step(walker, i))
			return false;
	return true;
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
		return wrong(walker, index, "it was never its turn");
	case PROGRESS_DONE:
	case PROGRESS_OMITTED:
		break;
	}
	if (step->operation == GRAPH_RESTORE)
		return state == CHECK_LIVE || wrong(walker, index, "%s is not restored", step->id);
	if (step->operation == GRAPH_REMOVE)
		return state != CHECK_LIVE || wrong(walker, index, "%s is not deleted", step->id);
	if (step->until)
		return walker->progress[index] != PROGRESS_OMITTED ||
			wrong(walker, index, "nothing was parked, and nobody needed it");
	return same_value(step, walker->now[at->value], step->to) ||
		wrong(walker, index, "%s of %s is not what the step wants", step->attribute->name,
			step->id);
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
			return wrong(walker, i,
				"it parks a value that stays so: step %zu may never be done",
				step->until);
		for (size_t j = 0; step->until && j < check->steps[i].take_count; j++) {
			uint32_t address = check->steps[i].takes[j];

			if (strncmp(address_text(walker, address), parking_prefix,
				    sizeof(parking_prefix) - 1) == 0 &&
				walker->progress[step->until - 1] == PROGRESS_DONE &&
				holds_itself(walker, address, check->steps[i].object))
				return wrong(walker, i, "%s stays", address_text(walker, address));
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
		hold(walker, check->holds[i].address, check->holds[i].object,
			check->holds[i].place);
}

bool check_walk(struct check *check, const struct check_walk *how, struct check_result *result)
{
	CLEANUP(walker_release)
	struct walker walker = { .check = check, .how = how, .result = result };

	*result = (struct check_result){ 0 };
	walker_init(&walker);
	return (how->seed ? walk_at_random(&walker) : walk_by_number(&walker)) &&
		ends_well(&walker);
}
