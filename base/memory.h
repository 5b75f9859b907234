/*
 * Memory, and the one place where the program ends for the lack of it: buffers have
 * limits, and the journal makes an end at any moment safe, so no caller checks.
 */
#pragma once

#include <stddef.h>

#include "base/attributes.h"

void *memory_new(size_t size);                 /* zeroed */
void *memory_array(size_t count, size_t size); /* zeroed; the product is checked */
/* Grows or shrinks to `count` elements; what is new is not zeroed. */
void *memory_resize(void *memory, size_t count, size_t size);
char *memory_text(const char *text);                     /* a copy; NULL stays NULL */
char *memory_text_span(const char *data, size_t length); /* a copy with a NUL behind it */
void *memory_copy(const void *data, size_t size);
void memory_free(void *memory);

/*
 * free() and realloc() for libraries that hold secrets: what is given back was wiped, also where memory
 * moved. These return NULL for want of memory, as a library expects.
 */
void memory_free_wiped(void *memory);
void *memory_resize_wiped(void *memory, size_t size);

/* Makes room for one more in a growing array: capacity doubles when `count` reaches it. */
#define MEMORY_GROW(array, count, capacity)                                                        \
	do {                                                                                       \
		if ((count) == (capacity)) {                                                       \
			(capacity) = (capacity) ? (capacity)*2 : 16;                               \
			(array) = memory_resize((array), (capacity), sizeof(*(array)));            \
		}                                                                                  \
	} while (0)

static inline void memory_freep(void *variable)
{
	memory_free(*(void **)variable);
}
