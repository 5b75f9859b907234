/*
 * Who holds an address while the plan is walked, who waits for it, and what a step may take. An address
 * has one live holder, and what lies in deleted items keeps its own (check_walk.c).
 */
#include "rollback/check_walk.h"

/* ---- who holds what ----------------------------------------------------------------------- */

void walker_hold(struct walker *walker, uint32_t address, uint32_t object, enum check_place place)
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

void walker_let_go(struct walker *walker, uint32_t address, uint32_t object, enum check_place place)
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

bool walker_holds(const struct walker *walker, uint32_t address, uint32_t object)
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

uint32_t walker_keeper(const struct walker *walker, uint32_t address, uint32_t object, bool strict)
{
	for (size_t at = walker->first_hold[address]; at != SIZE_MAX; at = walker->holds[at].next)
		if (walker->holds[at].object != object && keeps(walker, &walker->holds[at], strict))
			return walker->holds[at].object;
	return CHECK_NONE;
}

uint32_t walker_waiting_object(const struct walker *walker, uint32_t address)
{
	size_t at = walker->first_waiting[address];

	return at == SIZE_MAX ? CHECK_NONE : walker->check->steps[walker->waiting[at].step].object;
}

/* For one object, in whatever places. */
void walker_give_on(struct walker *walker, uint32_t address)
{
	uint32_t object = walker_waiting_object(walker, address);

	if (object == CHECK_NONE || walker_keeper(walker, address, object, false) != CHECK_NONE)
		return;
	for (size_t at = walker->first_waiting[address]; at != SIZE_MAX;
		at = walker->waiting[at].next) {
		size_t step = walker->waiting[at].step;

		walker_hold(walker, address, object, walker->waiting[at].place);
		if (--walker->missing[step] == 0)
			walker->progress[step] = PROGRESS_DONE;
	}
	walker->first_waiting[address] = SIZE_MAX;
}

void walker_wait_for(struct walker *walker, size_t step, uint32_t address, enum check_place place)
{
	MEMORY_GROW(walker->waiting, walker->waiting_count, walker->waiting_capacity);
	walker->waiting[walker->waiting_count] = (struct waiting){
		.step = step, .place = place, .next = walker->first_waiting[address]
	};
	walker->first_waiting[address] = walker->waiting_count++;
	walker->missing[step]++;
}

/* ---- taking ------------------------------------------------------------------------------- */

static enum taking may_take(struct walker *walker, size_t index, uint32_t address)
{
	const struct plan_step *step = plan_step_of(walker, index);
	const struct check_step *at = &walker->check->steps[index];
	bool strict = step->operation == GRAPH_SET && step->door == DOOR_GRAPH &&
		strcmp(step->attribute->name, "mail") == 0;
	uint32_t other = walker_keeper(walker, address, at->object, strict);
	uint32_t waiting = walker_waiting_object(walker, address);
	bool wanted_twice = waiting != CHECK_NONE && waiting != at->object;

	if (other == CHECK_NONE && !wanted_twice)
		return TAKEN;
	if (by_production(step))
		return wanted_twice ? NOT_NOW : LATER;
	if (step->door == DOOR_MANUAL)
		return NOT_NOW;
	if (other == CHECK_NONE)
		walker_wrong(walker, index, "it takes %s, which a step about %s wants too",
			address_text(walker, address), id_text_of(walker, waiting));
	else
		walker_wrong(walker, index, "it takes %s, which %s %s",
			address_text(walker, address), id_text_of(walker, other),
			walker->objects[other].state == CHECK_LIVE ? "still holds"
								   : "holds in deleted items");
	return WRONG;
}

enum taking walker_may_take(struct walker *walker, size_t index)
{
	const struct check_step *at = &walker->check->steps[index];
	enum taking worst = TAKEN;

	for (size_t i = 0; i < at->take_count; i++) {
		enum taking taking = walker_holds(walker, at->takes[i], at->object)
			? TAKEN
			: may_take(walker, index, at->takes[i]);

		if (taking > worst)
			worst = taking;
		if (worst == WRONG)
			break;
	}
	return worst;
}

void walker_move_addresses(struct walker *walker, size_t index)
{
	const struct check_step *at = &walker->check->steps[index];

	for (size_t i = 0; i < at->drop_count; i++)
		walker_let_go(walker, at->drops[i], at->object, at->place);
	for (size_t i = 0; i < at->take_count; i++) {
		uint32_t address = at->takes[i];

		if (walker_keeper(walker, address, at->object, false) == CHECK_NONE) {
			walker_let_go(walker, address, at->object, at->place);
			walker_hold(walker, address, at->object, at->place);
		} else {
			walker_wait_for(walker, index, address, at->place);
		}
	}
	for (size_t i = 0; i < at->drop_count; i++)
		walker_give_on(walker, at->drops[i]);
}
