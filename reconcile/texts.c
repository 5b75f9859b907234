/*
 * Texts that live as long as the collection that holds them: copied one after the other into
 * blocks, freed all at once. Evidence and findings are many small texts with one end.
 */
#include "base/memory.h"
#include "reconcile/reconcile_internal.h"

enum { TEXTS_BLOCK = 64 << 10 };

struct texts_block {
	struct texts_block *next;
	size_t used, size;
	char data[];
};

struct texts {
	struct texts_block *blocks;
};

struct texts *texts_new(void)
{
	return memory_new(sizeof(struct texts));
}

static void free_blocks(struct texts_block *blocks)
{
	while (blocks) {
		struct texts_block *next = blocks->next;

		memory_free(blocks);
		blocks = next;
	}
}

/* One block is kept: a stream of findings fills and empties its texts for every bucket. */
void texts_empty(struct texts *texts)
{
	struct texts_block *kept = texts->blocks;

	if (!kept)
		return;
	free_blocks(TAKE(kept->next));
	kept->used = 0;
	if (kept->size > TEXTS_BLOCK)
		memory_free(TAKE(texts->blocks));
}

void texts_free(struct texts *texts)
{
	if (!texts)
		return;
	free_blocks(texts->blocks);
	memory_free(texts);
}

static struct texts_block *texts_room(struct texts *texts, size_t size)
{
	struct texts_block *block = texts->blocks;
	size_t block_size = size > TEXTS_BLOCK ? size : TEXTS_BLOCK;

	if (block && block->size - block->used >= size)
		return block;
	block = memory_resize(NULL, sizeof(*block) + block_size, 1);
	*block = (struct texts_block){ .size = block_size, .next = texts->blocks };
	texts->blocks = block;
	return block;
}

struct span texts_keep(struct texts *texts, struct span text)
{
	struct texts_block *block;
	char *copy;

	if (!text.data)
		return SPAN_NONE;
	block = texts_room(texts, text.length + 1);
	copy = block->data + block->used;
	memcpy(copy, text.data, text.length);
	copy[text.length] = '\0';
	block->used += text.length + 1;
	return (struct span){ copy, text.length };
}
