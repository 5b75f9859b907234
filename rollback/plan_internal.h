/*
 * What the files of planning share: the memory behind a plan, the rules a step obeys, the order
 * of steps. Applying and signing know nothing of it.
 */
#pragma once

#include "base/filter.h"
#include "base/memory.h"
#include "rollback/rollback.h"

/* ---- the plan and its memory (plan.c) --------------------------------------------------- */

/* An empty plan; everything it points to is taken from it and goes with plan_free(). */
struct plan *plan_begin(void);
void *plan_room(struct plan *plan, size_t count, size_t size); /* zeroed; the product is checked */
const char *plan_keep_text(struct plan *plan, const char *text); /* NULL stays NULL */
const char *plan_keep_span(struct plan *plan, struct span text); /* with a NUL behind it */
/* A canonical value; absent stays absent. */
struct span plan_keep_value(struct plan *plan, struct span value);

/* What the limits in force are compared with. */
struct plan_counts {
	size_t steps, deletes, member_removals, objects;
	size_t by_door[DOOR_COUNT];
};
struct plan_counts plan_count(const struct plan_step *steps, size_t count);

/* ---- what a step may be (plan_rules.c) -------------------------------------------------- */

/* What an operation needs beside its object. */
struct step_rule {
	bool value;            /* an attribute, `from` and `to` */
	bool target;           /* another object's id */
	const char *attribute; /* the only attribute it is about; NULL: any that is no reference */
	unsigned by_graph, by_others; /* bits (1 << kind id) of the kinds it is for */
};
const struct step_rule *step_rule(enum graph_operation operation);

/* The operations that add or set, and remove or clear, a reference; NULL for a plain attribute. */
struct reference_rule {
	const char *attribute;
	enum graph_operation add, remove;
};
const struct reference_rule *reference_rule(const struct attribute *attribute);

/* Why the step's own door can't take it, as a sentence; NULL when it can. */
const char *step_refusal(const struct plan_step *step);
/* The doors of a plan's steps. */
bool plan_has_door(enum door door);
/* True when Remove-ADSyncToolsAadObject can be handed this anchor in a CSV cell as it is. */
bool source_anchor_is_plain(struct span anchor);
/* The text of a canonical JSON string; empty where it is none. */
void value_add_text(struct buf *out, struct span value);

/* Why the hand-off files of these doors can't take the step, as a sentence; NULL when they can. */
const char *exchange_refusal(const struct plan_step *step);
const char *directory_refusal(const struct plan_step *step);

/* ---- hand-off files (handoff.c) ----------------------------------------------------------- */

/* Makes the files that the steps want and keeps their digests; the head is complete by then. */
MUST_CHECK bool plan_seal_files(struct plan *plan, struct error *err);
/* The name of the file at a place among those that the plan's doors want; NULL past the last. */
const char *plan_wanted_file(const struct plan *plan, size_t place);

/* Why a set of addresses can't stand as the step would leave it; NULL: it can. */
const char *addresses_refusal(const struct plan_step *step);

/* ---- sets (plan_sets.c) ------------------------------------------------------------------ */

/* Findings that lie together: of one object, or of one attribute of it, sorted by element. */
struct finding_group {
	const struct finding *const *items;
	size_t count;
};

/* The set `live` with the elements of the group put back; nothing appended: it becomes empty. */
MUST_CHECK bool plan_merge_set(struct buf *merged, struct finding_group group,
	const struct attribute *attribute, struct span live, struct error *err);
/* ERROR_FORMAT: the findings were made from another live snapshot. */
bool plan_another_live(const struct attribute *attribute, struct error *err);

/* ---- order (order.c) -------------------------------------------------------------------- */

struct order_edge {
	size_t first, then;
	bool breakable; /* `then` waits only for what `first` lets go */
};

struct order_thing {
	unsigned rank; /* 0: it can't be parked; the highest is parked first */
	size_t owner;  /* less than the count; one that is parked anyway goes first */
};

struct order {
	struct order_edge *edges;
	size_t edge_count, edge_capacity;
	size_t count;               /* of the things 0 … count - 1 */
	struct order_thing *things; /* NULL: nothing can be parked; owned */
	/* Filled by order_solve(); owned. */
	size_t *sequence; /* every thing once, each behind all that come first */
	size_t *parked;   /* the thing count + i is the front of parked[i] */
	size_t parked_count;
	bool *broken; /* something in a circle that it waited for is not waited for any more */
};

void order_add(struct order *order, size_t first, size_t then, bool breakable);
void order_release(struct order *order);

/*
 * Fills the results, in a way that depends on edges and things alone. Where edges form a circle,
 * a thing in it is parked: what waited for it by breakable edges waits for its front, which waits
 * only for what the thing waits for by others. No parking is made that the others make needless.
 * Where nothing can be parked, a breakable edge is dropped; edges that can't be broken must not form
 * a circle. `count` grows by the fronts. Afterwards the edges that hold are sorted by `then`,
 * `first`, without doubles.
 */
void order_solve(struct order *order);

/* ---- planning (planner.c) --------------------------------------------------------------- */

/* What a plan is made from, apart from the facts at its head. */
struct plan_input {
	const struct finding *const *findings; /* in any order, of any verdict */
	size_t count;
	/* As snapshot_visit() of live: some, and all where a step could meet an obstacle. */
	bool (*visit)(void *context, const struct snapshot_visitor *visitor, struct error *err);
	void *context;
};

/* ---- live objects (plan_live.c) ---------------------------------------------------------- */

/* Findings about one object, and what it is in live; NULL where it is nowhere. */
typedef bool plan_group_function(
	void *context, struct finding_group group, const struct object *object, struct error *err);
/* Findings sorted by kind and id: group by group in that order. */
MUST_CHECK bool plan_each_group(const struct plan_input *input, struct finding_group findings,
	plan_group_function *each, void *context, struct error *err);

/* Fills steps, blocked, counts and limits of a plan that has none. */
MUST_CHECK bool plan_add_steps(
	struct plan *plan, const struct plan_input *input, struct error *err);

/* A step before it has a number. */
struct draft {
	struct plan_step step;
	const char *cause; /* why a person must do it: a sentence; NULL: the door does */
	bool by_hand;      /* the cause is its door alone: a person can do it as it stands */
	bool doubtful;     /* nobody's turn of ours: somebody else holds, or wants, what it takes */
	/* Addresses it lets go and takes; borrowed from the plan. */
	struct span *releases, *claims;
	size_t release_count, claim_count;
	size_t until; /* a parking: 1 + the draft that takes the parking value away; 0: none */
};

struct drafts {
	struct draft *items;
	size_t count, capacity;
};

/* ---- doubts (plan_doubt.c) --------------------------------------------------------------- */

/*
 * Which of the drafts may never come true, by themselves or because of what they wait for: as they are
 * ordered and, of production's, as they take what others of production's let go.
 */
void drafts_doubt(const struct draft *drafts, size_t count, const struct order *order,
	const struct order *unordered, bool *doubted);

/* ---- addresses (plan_addresses.c) ------------------------------------------------------- */

/* Finds what the draft lets go and takes; `object` may be NULL. */
void draft_add_addresses(struct plan *plan, struct draft *draft, const struct object *object);
/* A sign-in name: an address held on its own. `mail` holds nothing: it follows the addresses. */
bool is_sign_in_name(const struct attribute *attribute);
/* Written by us or, as the plan says it, by an administrator of Exchange: not by production. */
bool draft_is_ours(const struct draft *draft);
/* The service puts the id before the name of a deleted user, so that the name is free. */
struct span without_deleted_prefix(struct span name, struct span id);

/* ---- parking (plan_parking.c) ----------------------------------------------------------- */

#define PARKING_PREFIX "unstage-parking-"

/* The numbers of the parking addresses that stand anywhere in live, in no order. */
struct parkings {
	uint32_t *items;
	size_t count, capacity;
};

void parkings_release(struct parkings *parkings);
void parkings_add(struct parkings *parkings, uint32_t number);
/* Notes each parking address that stands in an object's lines, in whatever attribute. */
void parkings_note(struct parkings *parkings, struct span lines);
/* How gladly the draft would be parked; 0: it can't be. */
unsigned draft_parking_rank(const struct draft *draft);
/* Adds the draft that parks the value of drafts->items[index], which then starts from there. */
void plan_park(struct plan *plan, struct drafts *drafts, size_t index, struct parkings *parkings);

/* ---- looking through live (plan_sights.c) ------------------------------------------------ */

enum plan_sight_kind {
	SIGHT_NAME,    /* an object holds the address as its sign-in name */
	SIGHT_ADDRESS, /* among its addresses */
	SIGHT_REFUSED, /* the service keeps the address from it */
	SIGHT_DELETED, /* it lies in deleted items */
};

struct plan_sight {
	enum plan_sight_kind kind;
	struct span id, text; /* borrowed during the call */
};

/* What is looked for; what is none of it may be seen, too. */
struct plan_wanted {
	struct filter addresses, targets; /* targets: ids of deleted objects */
	bool has_addresses;               /* without any, none is looked for */
	struct parkings *parkings;        /* where those that stand in live are noted then */
};

typedef void plan_sight_function(void *context, const struct plan_sight *sight);
/* Objects come in the order of their ids, with the name first. */
MUST_CHECK bool plan_look_through(const struct plan_input *input, const struct plan_wanted *wanted,
	plan_sight_function *each, void *context, struct error *err);

/* ---- the order of drafts (plan_order.c) ------------------------------------------------- */

/* Numbers the drafts, and those that park: fills plan->steps. */
void plan_order_drafts(struct plan *plan, struct drafts *drafts, struct parkings *parkings);

/*
 * Gives a cause to each draft of ours that something stands in the way of which the plan does not
 * move: a holder of the address (one that no object shows, too, where the service refused it to somebody), a
 * reference to what is deleted. Notes the parking addresses that
 * stand in live (plan_obstacles.c).
 */
MUST_CHECK bool drafts_meet_obstacles(const struct plan_input *input, struct draft *drafts,
	size_t count, struct parkings *parkings, struct error *err);

/*
 * Gives a cause to each draft for Exchange Online whose mail address would not follow from an
 * address that the same object gets in this plan (plan_follow.c).
 */
void drafts_follow_addresses(struct draft *drafts, size_t count);
/* Notes in a step of door directory where its object stands there; `object` may be NULL. */
void plan_name_in_directory(struct plan *plan, struct plan_step *step, const struct object *object);

/* The paragraph for a person (plan_manual.c); borrowed from the plan. */
const char *manual_paragraph(struct plan *plan, const struct plan_step *step, const char *cause);
