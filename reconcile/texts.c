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

void texts_empty(struct texts *texts)
{
	while (texts->blocks) {
		struct texts_block *next = texts->blocks->next;

		memory_free(texts->blocks);
		texts->blocks = next;
	}
}

void texts_free(struct texts *texts)
{
	if (!texts)
		return;
	texts_empty(texts);
	memory_free(texts);
}

static struct texts_block *texts_room(struct texts *texts, size_t size)
{
	struct texts_block *block = texts->blocks;
	size_t block_size = size > TEXTS_BLOCK ? size : TEXTS_BLOCK;

	if (block && block->size - block->used >= size)
		return block;
	block = memory_new(sizeof(*block) + block_size);
	block->size = block_size;
	block->next = texts->blocks;
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
