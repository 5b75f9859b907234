#include "tests/base/base_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

enum { CONTENT_MAX = 1 << 20 };

size_t encode_utf8(uint32_t scalar, char out[static 4])
{
	if (scalar < 0x80) {
		out[0] = (char)scalar;
		return 1;
	}
	if (scalar < 0x800) {
		out[0] = (char)(0xc0 | scalar >> 6);
		out[1] = (char)(0x80 | (scalar & 0x3f));
		return 2;
	}
	if (scalar < 0x10000) {
		out[0] = (char)(0xe0 | scalar >> 12);
		out[1] = (char)(0x80 | (scalar >> 6 & 0x3f));
		out[2] = (char)(0x80 | (scalar & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | scalar >> 18);
	out[1] = (char)(0x80 | (scalar >> 12 & 0x3f));
	out[2] = (char)(0x80 | (scalar >> 6 & 0x3f));
	out[3] = (char)(0x80 | (scalar & 0x3f));
	return 4;
}

int enter_folder(void **state)
{
	char *folder = memory_text("/tmp/unstage-file-test.XXXXXX");

	*state = folder;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static void remove_all(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		CLEANUP(memory_freep) char *inside = file_path(path, entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (entry->d_type == DT_DIR)
			remove_all(inside);
		else
			unlink(inside);
	}
	if (folder)
		closedir(folder);
	rmdir(path);
}

int leave_folder(void **state)
{
	bool left = chdir("/") == 0;

	remove_all(*state);
	memory_free(*state);
	return left ? 0 : -1;
}

size_t names_in(const char *path)
{
	DIR *folder = opendir(path);
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;
}

void put(const char *path, const char *content, mode_t mode)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, content, strlen(content)), strlen(content));
	assert_int_equal(fchmod(descriptor, mode), 0);
	close(descriptor);
}

void assert_content(const char *path, const char *expected)
{
	CLEANUP(buf_release) struct buf content = BUF_UP_TO(CONTENT_MAX);
	struct error err = { 0 };

	if (!file_load(path, CONTENT_MAX, &content, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&content), expected);
}
