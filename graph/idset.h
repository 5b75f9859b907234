/* Object ids, compact: sets of them, and members by group (idset.c). */
#pragma once

#include "graph/graph.h"

struct id {
	uint8_t bytes[ID_BINARY_BYTES];
};

struct id id_of(const char *text); /* of a GUID in lower case */
struct id id_of_span(struct span text);
bool id_equal(struct id a, struct id b);

#define ID_NONE SIZE_MAX

/* Ids, each once, numbered as they came. Empty when zero. */
struct id_index {
	struct id *ids;
	size_t count, capacity;
	size_t *places, place_count;
};
void id_index_release(struct id_index *index);
size_t id_index_add(struct id_index *index, struct id id, bool *is_new); /* its number */
size_t id_index_find(const struct id_index *index, struct id id);        /* or ID_NONE */

struct member_list {
	struct id *ids;
	size_t count, capacity;
};
void member_list_add(struct member_list *list, struct id member);
void member_list_remove(struct member_list *list, struct id member);
/* A graph_item_function: adds the id of a reference. */
bool member_list_take(void *list, struct span item, struct error *err);

/* Members by group: 16 bytes each, and as much again in the worst case. Empty when zero. */
struct members {
	struct id_index groups;
	struct member_list *lists; /* by the group's number */
};
void members_release(struct members *members);
struct member_list *members_of(struct members *members, struct id group); /* made when needed */
const struct member_list *members_find(const struct members *members, struct id group);
