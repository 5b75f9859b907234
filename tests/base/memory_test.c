/* Memory: zeroed, checked products, growth, and the one end for the lack of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

/* The address sanitizer ends a program that asks for too much; the C library says no. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void new_memory_is_zeroed(void **state)
{
	CLEANUP(memory_freep) char *one = memory_new(1000), *many = memory_array(100, 10);

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(one[i] | many[i], 0);
}

static void nothing_can_be_allocated_too(void **state)
{
	CLEANUP(memory_freep) void *none = memory_new(0), *no_items = memory_array(0, 8);
	CLEANUP(memory_freep) void *no_size = memory_array(8, 0), *copy = memory_copy(NULL, 0);

	(void)state;
	assert_non_null(none);
	assert_non_null(no_items);
	assert_non_null(no_size);
	assert_non_null(copy);
	none = memory_resize(none, 0, 8);
	assert_non_null(none);
	none = memory_resize(none, 8, 0);
	assert_non_null(none);
	memory_free(NULL);
}

static void a_resized_array_keeps_what_it_had(void **state)
{
	CLEANUP(memory_freep) uint32_t *numbers = memory_resize(NULL, 2, sizeof(*numbers));

	(void)state;
	numbers[0] = 1;
	numbers[1] = 2;
	numbers = memory_resize(numbers, 100000, sizeof(*numbers));
	assert_int_equal(numbers[0], 1);
	assert_int_equal(numbers[1], 2);
}

static void a_growing_array_makes_room_before_each_item(void **state)
{
	CLEANUP(memory_freep) size_t *numbers = NULL;
	size_t count = 0, capacity = 0;

	(void)state;
	for (; count < 1000; count++) {
		MEMORY_GROW(numbers, count, capacity);
		assert_true(capacity > count);
		numbers[count] = count;
	}
	for (size_t i = 0; i < count; i++)
		assert_int_equal(numbers[i], i);
	assert_int_equal(capacity, 1024);
}

static void texts_and_spans_are_copied_with_a_nul_behind(void **state)
{
	CLEANUP(memory_freep) char *text = memory_text("Zoë"), *none = memory_text(NULL);
	CLEANUP(memory_freep) char *span = memory_text_span("a\0bc", 3);
	CLEANUP(memory_freep) char *empty = memory_text_span(NULL, 0);
	CLEANUP(memory_freep) char *bytes = memory_copy("\1\2", 2);

	(void)state;
	assert_string_equal(text, "Zoë");
	assert_null(none);
	assert_memory_equal(span, "a\0b", 4);
	assert_string_equal(empty, "");
	assert_memory_equal(bytes, "\1\2", 2);
}

static void what_was_handed_over_is_not_freed_twice(void **state)
{
	CLEANUP(memory_freep) char *text = memory_text("a");
	CLEANUP(memory_freep) char *taken = TAKE(text);

	(void)state;
	assert_null(text);
	assert_string_equal(taken, "a");
}

/* ---- the end --------------------------------------------------------------------------- */

static void take_too_many(void)
{
	memory_free(
		memory_array(SIZE_MAX / 4, 8)); /* the product wraps around to something small */
}

static void take_too_much(void)
{
	memory_free(memory_new(SIZE_MAX / 2));
}

static void grow_too_far(void)
{
	memory_free(memory_resize(NULL, SIZE_MAX / 4, 8));
}

/* Runs it in a child; its exit status, and what it said on stderr. */
static int status_of(void (*run)(void), char *said, size_t size)
{
	int pipe_ends[2], status;
	size_t length = 0;
	ssize_t got;
	pid_t child;

	assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(pipe_ends[1], STDERR_FILENO);
		run();
		_exit(0);
	}
	close(pipe_ends[1]);
	while (length < size - 1 &&
		(got = read(pipe_ends[0], said + length, size - 1 - length)) > 0)
		length += (size_t)got;
	said[length] = '\0';
	close(pipe_ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_lack_of_memory_ends_the_program_with_9_and_a_word(void **state)
{
	static void (*const runs[])(void) = { take_too_many, take_too_much, grow_too_far };
	char said[4096];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(runs); i++) {
		assert_int_equal(status_of(runs[i], said, sizeof(said)), 9);
		assert_non_null(strstr(said, "unstage: out of memory\n"));
	}
}

static void what_libraries_resize_keeps_its_bytes(void **state)
{
	char *text = memory_resize_wiped(NULL, 4);

	(void)state;
	assert_non_null(text);
	memcpy(text, "abc", 4);
	text = memory_resize_wiped(text, 100000);
	assert_non_null(text);
	assert_string_equal(text, "abc");
	text = memory_resize_wiped(text, 2);
	assert_non_null(text);
	assert_memory_equal(text, "ab", 2);
	assert_null(memory_resize_wiped(text, 0));
	memory_free_wiped(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_memory_is_zeroed),
		cmocka_unit_test(nothing_can_be_allocated_too),
		cmocka_unit_test(a_resized_array_keeps_what_it_had),
		cmocka_unit_test(a_growing_array_makes_room_before_each_item),
		cmocka_unit_test(texts_and_spans_are_copied_with_a_nul_behind),
		cmocka_unit_test(what_was_handed_over_is_not_freed_twice),
		cmocka_unit_test(the_lack_of_memory_ends_the_program_with_9_and_a_word),
		cmocka_unit_test(what_libraries_resize_keeps_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
