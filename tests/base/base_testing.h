/* What these tests share: a folder for each of them, and a character's bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The bytes of a scalar value in UTF-8. */
size_t encode_utf8(uint32_t scalar, char out[static 4]);

/* Runs a test in an empty folder of its own, whose path is `*state`. */
#define TEST_IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)
int enter_folder(void **state);
int leave_folder(void **state);

/* How many names the folder has: a temporary file left behind is one. */
size_t names_in(const char *path);
void put(const char *path, const char *content, mode_t mode);
void assert_content(const char *path, const char *expected);
