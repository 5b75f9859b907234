#include "imports/kept.h"

#include "base/memory.h"

enum { FIRST_PLACES = 64 };

/* FNV-1a. Who builds texts that collide makes his own file slow to read, no more. */
static uint64_t hash_of(struct span text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < text.length; i++)
		hash = (hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* Where the text is, or belongs. A NUL inside of it ends what is compared and kept. */
static char **place_of(const struct kept *kept, struct span text)
{
	size_t place = hash_of(text) & (kept->places - 1);

	while (kept->texts[place] && !span_is(text, kept->texts[place]))
		place = (place + 1) & (kept->places - 1);
	return &kept->texts[place];
}

static void grow(struct kept *kept)
{
	struct kept wider = { .count = kept->count,
		.places = kept->places ? kept->places * 2 : FIRST_PLACES };

	wider.texts = memory_array(wider.places, sizeof(char *));
	for (size_t i = 0; i < kept->places; i++)
		if (kept->texts[i])
			*place_of(&wider, span_of(kept->texts[i])) = kept->texts[i];
	memory_free(kept->texts);
	*kept = wider;
}

const char *kept_add(struct kept *kept, struct span text)
{
	char **place;

	if (!text.data)
		return NULL;
	text.length = strnlen(text.data, text.length);
	if (kept->count >= kept->places / 2)
		grow(kept);
	place = place_of(kept, text);
	if (!*place) {
		*place = memory_text_span(text.data, text.length);
		kept->count++;
	}
	return *place;
}

void kept_release(struct kept *kept)
{
	for (size_t i = 0; i < kept->places; i++)
		memory_free(kept->texts[i]);
	memory_free(kept->texts);
}
