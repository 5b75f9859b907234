#include "base/memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Exit status 9, "this machine": no formatting here, it may need memory itself. */
static NORETURN void out_of_memory(void)
{
	static const char text[] = "unstage: out of memory\n";
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)written;
	_exit(9);
}

void *memory_array(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);

	if (!memory)
		out_of_memory();
	return memory;
}

void *memory_new(size_t size)
{
	return memory_array(1, size);
}

void *memory_resize(void *memory, size_t count, size_t size)
{
	void *resized = reallocarray(memory, count ? count : 1, size ? size : 1);

	if (!resized)
		out_of_memory();
	return resized;
}

void *memory_copy(const void *data, size_t size)
{
	void *copy = memory_new(size);

	if (size)
		memcpy(copy, data, size);
	return copy;
}

char *memory_text_span(const char *data, size_t length)
{
	char *copy = memory_new(length + 1);

	if (length)
		memcpy(copy, data, length);
	return copy;
}

char *memory_text(const char *text)
{
	return text ? memory_text_span(text, strlen(text)) : NULL;
}

void memory_free(void *memory)
{
	free(memory);
}

void memory_free_wiped(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

/* realloc() may leave the old bytes behind, so it is never asked. */
void *memory_resize_wiped(void *memory, size_t size)
{
	size_t old = memory ? malloc_usable_size(memory) : 0;
	void *moved;

	if (memory && !size) {
		memory_free_wiped(memory);
		return NULL;
	}
	moved = malloc(size);
	if (moved && memory) {
		memcpy(moved, memory, old < size ? old : size);
		memory_free_wiped(memory);
	}
	return moved;
}
