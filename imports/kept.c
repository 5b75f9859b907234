#include "imports/kept.h"

#include "base/memory.h"

const char *kept_add(struct kept *kept, struct span text)
{
	if (!text.data)
		return NULL;
	MEMORY_GROW(kept->texts, kept->count, kept->capacity);
	return kept->texts[kept->count++] = memory_text_span(text.data, text.length);
}

void kept_release(struct kept *kept)
{
	for (size_t i = 0; i < kept->count; i++)
		memory_free(kept->texts[i]);
	memory_free(kept->texts);
}
