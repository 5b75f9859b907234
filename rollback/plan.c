/*
 * A plan is built once and never changed, so all its memory lies in a chain of blocks that go
 * together: a plan of a million steps is some hundred blocks.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "rollback/plan_internal.h"

enum { BLOCK_BYTES = 64 << 10 };

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

struct plan_memory {
	struct plan plan; /* first: plan_begin() hands out its address */
	struct block *blocks;
};

struct plan *plan_begin(void)
{
	struct plan_memory *memory = memory_new(sizeof(*memory));

	return &memory->plan;
}

void plan_free(struct plan *plan)
{
	struct plan_memory *memory = (struct plan_memory *)plan;

	while (memory && memory->blocks) {
		struct block *block = memory->blocks;

		memory->blocks = block->next;
		memory_free(block);
	}
	memory_free(memory);
}

static void *take(struct plan *plan, size_t size)
{
	struct plan_memory *memory = (struct plan_memory *)plan;
	size_t alignment = _Alignof(max_align_t);
	size_t needed = (size + alignment - 1) / alignment * alignment;
	struct block *block = memory->blocks;
	void *room;

	if (!block || block->size - block->used < needed) {
		size_t bytes = needed > BLOCK_BYTES ? needed : BLOCK_BYTES;

		block = memory_new(sizeof(*block) + bytes);
		block->size = bytes;
		block->next = memory->blocks;
		memory->blocks = block;
	}
	room = block->bytes + block->used;
	block->used += needed;
	return room;
}

void *plan_room(struct plan *plan, size_t count, size_t size)
{
	/* Everything counted here stands in a file or in memory already, and has limits. */
	assert(!size || count <= PTRDIFF_MAX / 2 / size);
	return take(plan, count * size);
}

const char *plan_keep_span(struct plan *plan, struct span text)
{
	char *copy = take(plan, text.length + 1);

	if (text.length)
		memcpy(copy, text.data, text.length);
	return copy; /* the block was zeroed */
}

const char *plan_keep_text(struct plan *plan, const char *text)
{
	return text ? plan_keep_span(plan, span_of(text)) : NULL;
}

struct span plan_keep_value(struct plan *plan, struct span value)
{
	return value.data ? (struct span){ plan_keep_span(plan, value), value.length } : SPAN_NONE;
}

/* ---- counting --------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t count_objects(const struct plan_step *steps, size_t count)
{
	CLEANUP(memory_freep) const char **ids = memory_array(count + 1, sizeof(*ids));
	size_t objects = 0;

	for (size_t i = 0; i < count; i++)
		ids[i] = steps[i].id;
	qsort(ids, count, sizeof(*ids), by_id);
	for (size_t i = 0; i < count; i++)
		objects += i == 0 || strcmp(ids[i - 1], ids[i]) != 0;
	return objects;
}

struct plan_counts plan_count(const struct plan_step *steps, size_t count)
{
	struct plan_counts counts = { .steps = count, .objects = count_objects(steps, count) };

	for (size_t i = 0; i < count; i++) {
		counts.deletes += steps[i].operation == GRAPH_REMOVE;
		counts.member_removals += steps[i].operation == GRAPH_REMOVE_MEMBER;
		counts.by_door[steps[i].door]++;
	}
	return counts;
}
