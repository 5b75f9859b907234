/*
 * What the files of sets share: the elements of a set by key, one set with all that is told of
 * it, and the question of the primary address.
 */
#pragma once

#include "reconcile/reconcile_internal.h"

/* ---- elements.c ---------------------------------------------------------------------- */

/* The elements of one set, by key. Keys stand one after the other in `keys`. */
struct element {
	size_t key_at, key_length;
	struct span key, value;
	const struct fact *fact; /* that adds or removes it; NULL: one of a set */
};

struct elements {
	struct buf keys;
	struct element *items;
	size_t count, capacity;
};

/* The elements of a set, sorted, each key once. */
void elements_init(struct elements *elements, const struct attribute *attribute, struct span set);
/* An empty collection for elements_add(); elements_sort() or elements_finish() ends it. */
void elements_begin(struct elements *elements);
void elements_add(struct elements *elements, const struct attribute *attribute, struct span value,
	const struct fact *fact);
void elements_sort(struct elements *elements);   /* by key, then by time */
void elements_finish(struct elements *elements); /* each key once */
void elements_release(struct elements *elements);
/* The element's canonical value; absent where it is not there. */
struct span elements_find(const struct elements *elements, struct span key);

/* ---- sets.c -------------------------------------------------------------------------- */

/* A fact about the whole set, with both its sides taken apart. */
struct whole {
	const struct fact *fact;
	struct elements old_elements, new_elements;
};

/* Facts that add or remove one element are kept by element: a group may have very many. */
struct set {
	struct reconciling *reconciling;
	const struct subject *subject;
	const struct attribute *attribute;
	struct known_value base_value, live_value;
	struct elements base, live;
	struct foresight next; /* of all of it */
	struct elements next_elements;
	struct whole *wholes;
	size_t whole_count, whole_capacity;
	struct elements singles;    /* in order of key, then of time */
	struct elements candidates; /* keys that may differ, or that facts name */
	size_t first_finding;       /* where this set's findings begin */
};

/* Adds the elements of `from` that are not in `not_in`; NULL: all. */
void candidates_add(struct set *set, const struct elements *from, const struct elements *not_in);

/* ---- primary.c ----------------------------------------------------------------------- */

/* `element` is a canonical address: "SMTP:…" */
bool element_is_primary(struct span element);
/* The service computes it: nobody puts it there or takes it away. */
bool element_is_computed(const struct set *set, struct span element);
/* After the elements: which address should be the primary one? Settles how elements come back. */
void primary_decide(struct set *set);
