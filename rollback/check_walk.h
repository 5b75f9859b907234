/*
 * What the files of the walk share: the model as it is by now, and who holds what in it, or waits for it
 * (check_holds.c).
 */
#pragma once

#include <string.h>

#include "rollback/check_internal.h"

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

/* Says what is wrong with a step, by its index; SIZE_MAX: with the end. Returns false. */
bool PRINTF_LIKE(3, 4) walker_wrong(struct walker *walker, size_t index, const char *format, ...);

static inline const struct plan_step *plan_step_of(const struct walker *walker, size_t index)
{
	return &walker->check->plan->steps[index];
}

static inline const char *address_text(const struct walker *walker, uint32_t address)
{
	return walker->check->addresses.texts[address].data;
}

static inline const char *id_text_of(const struct walker *walker, uint32_t object)
{
	return walker->check->ids.texts[object].data;
}

static inline bool by_production(const struct plan_step *step)
{
	return step->door == DOOR_SYNC || step->door == DOOR_DIRECTORY;
}

/* ---- holding ------------------------------------------------------------------------------ */

void walker_hold(struct walker *walker, uint32_t address, uint32_t object, enum check_place place);
void walker_let_go(
	struct walker *walker, uint32_t address, uint32_t object, enum check_place place);
bool walker_holds(const struct walker *walker, uint32_t address, uint32_t object);
/* Another object that keeps it; CHECK_NONE: nobody. `strict`: also what this plan deleted. */
uint32_t walker_keeper(const struct walker *walker, uint32_t address, uint32_t object, bool strict);
/* Whose step waits for it; CHECK_NONE: nobody's. */
uint32_t walker_waiting_object(const struct walker *walker, uint32_t address);
void walker_wait_for(struct walker *walker, size_t step, uint32_t address, enum check_place place);
/* What production waited for is free now, perhaps. */
void walker_give_on(struct walker *walker, uint32_t address);

/* ---- taking ------------------------------------------------------------------------------- */

enum taking { TAKEN, LATER, NOT_NOW, WRONG };

/* All that a step takes, before anything is changed: NOT_NOW leaves the step as a whole. */
enum taking walker_may_take(struct walker *walker, size_t index);
void walker_move_addresses(struct walker *walker, size_t index);

/* ---- orders (check_order.c) --------------------------------------------------------------- */

typedef bool check_step_function(void *context, size_t index);
/* Each step once, by number or, with a seed, in any order that `after` allows. */
MUST_CHECK bool check_each_step(
	const struct plan *plan, uint64_t seed, check_step_function *each, void *context);
