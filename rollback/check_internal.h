/*
 * What the files of the checker share. The checker is written from the rules of the directory
 * (docs/FORMAT-plan.md, "What holds after every step"), and not from the planner: it uses the kinds
 * table, the plan as a file has it, and live; nothing of order.c, plan_order.c, plan_obstacles.c.
 */
#pragma once

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "rollback/check.h"

#define CHECK_NONE UINT32_MAX

/* ---- texts, each once, without regard to case (check_names.c) -------------------------------- */

struct check_names {
	struct span *texts; /* folded, owned */
	size_t count, capacity;
	uint32_t *table; /* number + 1, by hash; 0: free */
	size_t table_size;
};

void check_names_release(struct check_names *names);
uint32_t check_name_find(const struct check_names *names, struct span text); /* or CHECK_NONE */
uint32_t check_name_add(struct check_names *names, struct span text);

/* ---- the model ---------------------------------------------------------------------------- */

/* Where an object holds an address. */
enum check_place { CHECK_SIGN_IN_NAME, CHECK_ADDRESSES };

enum check_state { CHECK_ABSENT, CHECK_DELETED, CHECK_LIVE };

struct check_object {
	enum check_state before;
	bool owners_known;
	size_t owners;
	/* Steps that take a reference to it away. */
	size_t *leading, leading_count, leading_capacity;
};

/* An object holds an address: in live, or by now. */
struct check_hold {
	uint32_t address, object;
	enum check_place place;
	/* While walking: the next of the same address, and of the same object; SIZE_MAX: the last. */
	size_t next, next_of_object;
	bool gone;
};

/* One value that steps are about: an attribute, a member, an owner. */
struct check_value {
	bool known;
	struct span before; /* owned */
};

/* What a step means, in numbers. */
struct check_step {
	uint32_t object, target, from_target; /* CHECK_NONE: none */
	size_t value;                         /* SIZE_MAX: the object itself */
	enum check_place place;
	uint32_t *drops, *takes; /* addresses of `from` and of `to` */
	size_t drop_count, take_count;
	bool moves_addresses;
};

struct check {
	const struct plan *plan;
	struct check_names ids, addresses;
	struct check_object *objects; /* by number of id */
	size_t object_count, object_capacity;
	struct check_step *steps; /* of the plan, in its order */
	struct check_value *values;
	size_t value_count;
	struct check_hold *holds; /* in live */
	size_t hold_count, hold_capacity;
	/* The steps, those about one object together. */
	size_t *by_object;
	size_t *owned_steps; /* where those of object i begin in by_object; one more for the end */
	size_t object_steps; /* objects that have steps are the first ones */
};

/* An address as it is held: a sign-in name, or an element with its scheme where that is not smtp. */
struct span check_address(struct span text, enum check_place place);

/* Reads live into the model (check_live.c). */
MUST_CHECK bool check_read_live(
	struct check *check, const struct check_live *live, struct error *err);
uint32_t check_add_object(struct check *check, struct span id);
/* The addresses of a canonical value of a place, as numbers; `count` of them, owned. */
uint32_t *check_addresses(
	struct check *check, struct span value, enum check_place place, size_t *count);
