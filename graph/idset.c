/*
 * Sets of object ids, and members by group: tenants have millions, so an id is its sixteen bytes
 * and a set is one array, half empty at most.
 */
#include "graph/graph_internal.h"

#include <assert.h>

struct id id_of(const char *text)
{
	return id_of_span(span_of(text));
}

struct id id_of_span(struct span text)
{
	struct id id = { 0 };
	bool good = id_parse(text, id.bytes);

	assert(good); /* item_id() made it */
	(void)good;
	return id;
}

bool id_equal(struct id a, struct id b)
{
	return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

/* Ids are random but for the ones that somebody made; those still differ somewhere. */
static size_t place_of(struct id id)
{
	uint64_t head, tail;

	memcpy(&head, id.bytes, sizeof(head));
	memcpy(&tail, id.bytes + sizeof(head), sizeof(tail));
	return (size_t)(((head ^ tail * UINT64_C(0x9e3779b97f4a7c15)) *
				UINT64_C(0xbf58476d1ce4e5b9)) >>
		20);
}

/* ---- ids with a number each ----------------------------------------------------------- */

void id_index_release(struct id_index *index)
{
	memory_free(index->ids);
	memory_free(index->places);
	*index = (struct id_index){ 0 };
}

/* The place where the id is, or where it would be. */
static size_t *find_place(const struct id_index *index, struct id id)
{
	size_t mask = index->place_count - 1, at = place_of(id) & mask;

	while (index->places[at] && !id_equal(index->ids[index->places[at] - 1], id))
		at = (at + 1) & mask;
	return &index->places[at];
}

size_t id_index_find(const struct id_index *index, struct id id)
{
	return index->place_count ? *find_place(index, id) - 1 : ID_NONE;
}

static void grow(struct id_index *index)
{
	memory_free(index->places);
	index->place_count = index->place_count ? index->place_count * 2 : 64;
	index->places = memory_array(index->place_count, sizeof(*index->places));
	for (size_t i = 0; i < index->count; i++)
		*find_place(index, index->ids[i]) = i + 1;
}

size_t id_index_add(struct id_index *index, struct id id, bool *is_new)
{
	size_t *place;

	if (index->count * 2 >= index->place_count)
		grow(index);
	place = find_place(index, id);
	*is_new = !*place;
	if (*is_new) {
		MEMORY_GROW(index->ids, index->count, index->capacity);
		index->ids[index->count++] = id;
		*place = index->count;
	}
	return *place - 1;
}

/* ---- members by group ------------------------------------------------------------------ */

void members_release(struct members *members)
{
	for (size_t i = 0; i < members->groups.count; i++)
		memory_free(members->lists[i].ids);
	memory_free(members->lists);
	id_index_release(&members->groups);
	*members = (struct members){ 0 };
}

struct member_list *members_of(struct members *members, struct id group)
{
	size_t capacity = members->groups.capacity;
	bool is_new;
	size_t at = id_index_add(&members->groups, group, &is_new);

	if (members->groups.capacity != capacity)
		members->lists = memory_resize(
			members->lists, members->groups.capacity, sizeof(*members->lists));
	if (is_new)
		members->lists[at] = (struct member_list){ 0 };
	return &members->lists[at];
}

const struct member_list *members_find(const struct members *members, struct id group)
{
	size_t at = id_index_find(&members->groups, group);

	return at == ID_NONE ? NULL : &members->lists[at];
}

void member_list_add(struct member_list *list, struct id member)
{
	MEMORY_GROW(list->ids, list->count, list->capacity);
	list->ids[list->count++] = member;
}

void member_list_remove(struct member_list *list, struct id member)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (!id_equal(list->ids[i], member))
			list->ids[kept++] = list->ids[i];
	list->count = kept;
}
