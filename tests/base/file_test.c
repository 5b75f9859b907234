/* Files: whole or not at all, limits, secrets and folders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/base/base_testing.h"

enum { LIMIT = 1 << 20 };

/* ---- writing --------------------------------------------------------------------------- */

static void a_file_appears_at_its_commit_and_not_before(void **state)
{
	struct error err = { 0 };
	struct file *file = file_create("new", &err);
	struct stat facts;

	(void)state;
	assert_non_null(file);
	assert_true(file_write(file, "half ", 5, &err));
	assert_true(access("new", F_OK) < 0);
	assert_true(file_write(file, "whole", 5, &err));
	assert_true(file_commit(file, &err));
	assert_content("new", "half whole");
	assert_int_equal(stat("new", &facts), 0);
	assert_int_equal(facts.st_mode & 0777, 0600);
	assert_int_equal(names_in("."), 1);
}

static void an_abandoned_file_leaves_the_old_one_and_nothing_else(void **state)
{
	struct error err = { 0 };
	struct file *file;

	(void)state;
	put("kept", "old", 0644);
	file = file_create("kept", &err);
	assert_non_null(file);
	assert_true(file_write(file, "new", 3, &err));
	file_abandon(file);
	assert_content("kept", "old");
	assert_int_equal(names_in("."), 1);
	file_abandon(NULL);
}

static void saving_replaces_a_file(void **state)
{
	struct error err = { 0 };

	(void)state;
	put("kept", "something longer", 0644);
	assert_true(file_save("kept", SPAN_LITERAL("new"), &err));
	assert_content("kept", "new");
	assert_true(file_save("kept", SPAN_LITERAL(""), &err));
	assert_content("kept", "");
	assert_int_equal(names_in("."), 1);
}

static void a_path_may_be_in_another_folder(void **state)
{
	CLEANUP(memory_freep) char *absolute = file_path(*state, "sub/file");
	struct error err = { 0 };

	assert_int_equal(mkdir("sub", 0700), 0);
	assert_true(file_save("sub/file", SPAN_LITERAL("1"), &err));
	assert_true(file_save("./sub//file", SPAN_LITERAL("2"), &err));
	assert_content("sub/file", "2");
	assert_true(file_save(absolute, SPAN_LITERAL("3"), &err));
	assert_content("sub/file", "3");
	assert_int_equal(names_in("sub"), 1);
	assert_int_equal(names_in("."), 1);
}

/* Nothing larger than this many bytes can be written from here on: a disk that is full. */
static void limit_files(rlim_t bytes, struct rlimit *before)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, before), 0);
	limit = *before;
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_write_that_fails_leaves_the_old_file(void **state)
{
	CLEANUP(buf_release) struct buf large = BUF_UP_TO(4096);
	struct error err = { 0 };
	struct rlimit before;
	bool saved;

	(void)state;
	memset(buf_room(&large, 4096), 'x', 4096);
	buf_grew(&large, 4096);
	put("kept", "old", 0600);
	limit_files(1000, &before);
	saved = file_save("kept", buf_span(&large), &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(saved);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_string_equal(err.text, "kept: can't write: File too large");
	assert_content("kept", "old");
	assert_int_equal(names_in("."), 1);
}

static void a_rename_that_fails_leaves_nothing_behind(void **state)
{
	struct error err = { 0 };
	struct file *file = file_create("taken", &err);

	(void)state;
	assert_non_null(file);
	assert_true(file_write(file, "x", 1, &err));
	assert_int_equal(mkdir("taken", 0700), 0); /* meanwhile */
	assert_false(file_commit(file, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_string_equal(err.text, "taken: can't put it in place: Is a directory");
	assert_int_equal(names_in("."), 1);
	assert_int_equal(names_in("taken"), 0);
}

static void a_process_that_ends_in_between_leaves_the_old_file(void **state)
{
	struct error err = { 0 };
	int status;
	pid_t child;

	(void)state;
	put("kept", "old", 0600);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct file *file = file_create("kept", &err);

		if (!file || !file_write(file, "new", 3, &err))
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_content("kept", "old");
}

static void assert_not_created(const char *path, const char *why)
{
	struct error err = { 0 };

	assert_null(file_create(path, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	if (!strstr(err.text, path) || !strstr(err.text, why))
		fail_msg("'%s' does not say '%s'", err.text, why);
	assert_false(file_save(path, SPAN_LITERAL("x"), &err));
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
	(void)state;
	assert_not_created("nowhere/file", "can't create a file beside it: No such file");
	assert_int_equal(names_in("."), 0);
}

static void only_a_regular_file_is_replaced(void **state)
{
	(void)state;
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	put("file", "old", 0600);
	assert_int_equal(symlink("file", "link"), 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_not_created("folder", "no regular file");
	assert_not_created("pipe", "no regular file");
	assert_not_created("link", "no regular file");
	assert_not_created("dangling", "no regular file");
	assert_content("file", "old");
	assert_int_equal(names_in("."), 5);
	/* As root, a rename would put a file where everybody's /dev/null was. */
	if (mknod("null", S_IFCHR | 0600, makedev(1, 3)) == 0)
		assert_not_created("null", "no regular file");
}

/* ---- reading --------------------------------------------------------------------------- */

static void a_file_is_read_up_to_its_limit_exactly(void **state)
{
	CLEANUP(buf_release) struct buf content = BUF_UP_TO(LIMIT), too_much = BUF_UP_TO(LIMIT);
	struct error err = { 0 };

	(void)state;
	put("ten", "0123456789", 0600);
	assert_true(file_load("ten", 10, &content, &err));
	assert_string_equal(buf_text(&content), "0123456789");
	assert_false(file_load("ten", 9, &too_much, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_string_equal(err.text, "ten: larger than 9 bytes");
}

static void the_buffer_s_own_limit_holds_too(void **state)
{
	CLEANUP(buf_release) struct buf small = BUF_UP_TO(9), just = BUF_UP_TO(10);
	struct error err = { 0 };

	(void)state;
	put("ten", "0123456789", 0600);
	assert_true(file_load("ten", LIMIT, &just, &err));
	assert_false(file_load("ten", LIMIT, &small, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_string_equal(err.text, "ten: larger than 9 bytes");
}

static void an_empty_file_is_an_empty_text(void **state)
{
	CLEANUP(buf_release) struct buf content = BUF_UP_TO(0);
	struct error err = { 0 };

	(void)state;
	put("empty", "", 0600);
	assert_true(file_load("empty", 0, &content, &err));
	assert_int_equal(content.length, 0);
}

static void a_large_file_is_read_in_pieces(void **state)
{
	CLEANUP(buf_release) struct buf written = BUF_UP_TO(LIMIT), content = BUF_UP_TO(LIMIT);
	struct error err = { 0 };

	(void)state;
	for (unsigned i = 0; written.length < 300000; i++)
		buf_addf(&written, "%u\n", i * 7919u);
	assert_true(file_save("large", buf_span(&written), &err));
	assert_true(file_load("large", written.length, &content, &err));
	assert_true(span_equal(buf_span(&content), buf_span(&written)));
}

static void a_link_to_a_file_is_followed_where_no_secret_is_read(void **state)
{
	(void)state;
	put("file", "content", 0644);
	assert_int_equal(symlink("file", "link"), 0);
	assert_content("link", "content");
}

static void assert_unreadable(const char *path, const char *why)
{
	CLEANUP(buf_release) struct buf content = BUF_UP_TO(LIMIT);
	struct error err = { 0 };

	assert_false(file_load(path, LIMIT, &content, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_string_equal(err.text, why);
}

static void what_is_no_file_is_an_error_and_never_waited_for(void **state)
{
	(void)state;
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_unreadable("nowhere", "nowhere: can't open: No such file or directory");
	assert_unreadable("folder", "folder: a folder, a regular file was expected");
	assert_unreadable("pipe", "pipe: a pipe or a device, a regular file was expected");
	assert_unreadable(
		"/dev/zero", "/dev/zero: a pipe or a device, a regular file was expected");
	assert_unreadable("loop", "loop: can't open: Too many levels of symbolic links");
	assert_unreadable("", ": can't open: No such file or directory");
}

/* ---- secrets --------------------------------------------------------------------------- */

static void assert_secret_refused(const char *path, enum error_kind kind, const char *why)
{
	CLEANUP(buf_wipe) struct buf secret = BUF_UP_TO(LIMIT);
	struct error err = { 0 };

	assert_false(file_load_secret(path, LIMIT, &secret, &err));
	assert_int_equal(err.kind, kind);
	if (!strstr(err.text, path) || !strstr(err.text, why))
		fail_msg("'%s' does not say '%s'", err.text, why);
	assert_int_equal(secret.length, 0);
}

static void a_secret_of_ours_alone_is_read(void **state)
{
	static const mode_t modes[] = { 0600, 0400, 0700 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		CLEANUP(buf_wipe) struct buf secret = BUF_UP_TO(LIMIT);
		struct error err = { 0 };

		put("secret", "hunter2", 0600);
		assert_int_equal(chmod("secret", modes[i]), 0);
		assert_true(file_load_secret("secret", LIMIT, &secret, &err));
		assert_string_equal(buf_text(&secret), "hunter2");
		unlink("secret");
	}
}

static void a_secret_that_others_may_touch_is_refused(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0610, 0601, 0666 };
	char said[16];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		put("secret", "hunter2", modes[i]);
		snprintf(said, sizeof(said), "(mode %03o)", (unsigned)modes[i]);
		assert_secret_refused("secret", ERROR_REFUSED, said);
		assert_secret_refused("secret", ERROR_REFUSED, "chmod 600 secret");
	}
}

static void a_link_to_a_secret_is_refused(void **state)
{
	(void)state;
	put("secret", "hunter2", 0600);
	assert_int_equal(symlink("secret", "link"), 0);
	assert_secret_refused("link", ERROR_REFUSED, "a link; name the file itself");
}

static void a_secret_of_another_user_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: only root can give a file away\n");
		skip();
	}
	put("secret", "hunter2", 0600);
	assert_int_equal(chown("secret", 1, 1), 0);
	assert_secret_refused("secret", ERROR_REFUSED, "belongs to another user");
}

static void a_secret_is_a_regular_file(void **state)
{
	(void)state;
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_secret_refused("folder", ERROR_REFUSED, "no regular file");
	assert_secret_refused("pipe", ERROR_REFUSED, "no regular file");
	assert_secret_refused("nowhere", ERROR_SYSTEM, "can't open");
}

static void a_secret_has_a_limit_too(void **state)
{
	CLEANUP(buf_wipe) struct buf secret = BUF_UP_TO(LIMIT);
	struct error err = { 0 };

	(void)state;
	put("secret", "hunter2", 0600);
	assert_false(file_load_secret("secret", 6, &secret, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

/* ---- folders and paths ----------------------------------------------------------------- */

static void a_folder_is_made_with_its_parents_for_us_alone(void **state)
{
	CLEANUP(memory_freep) char *absolute = file_path(*state, "x/y");
	struct error err = { 0 };
	struct stat facts;

	assert_true(file_make_folder("a/b/c", &err));
	assert_int_equal(stat("a", &facts), 0);
	assert_int_equal(facts.st_mode & 0777, 0700);
	assert_int_equal(stat("a/b/c", &facts), 0);
	assert_true(S_ISDIR(facts.st_mode));
	assert_true(file_make_folder("a/b/c", &err));
	assert_true(file_make_folder("d//e/", &err));
	assert_true(file_make_folder(absolute, &err));
	assert_int_equal(stat("x/y", &facts), 0);
	assert_true(file_make_folder("/", &err));
	assert_true(file_make_folder(".", &err));
}

static void assert_no_folder(const char *path, const char *why)
{
	struct error err = { 0 };

	assert_false(file_make_folder(path, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_string_equal(err.text, why);
}

static void a_file_in_the_way_of_a_folder_is_named(void **state)
{
	(void)state;
	put("file", "", 0600);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_no_folder("file", "file: it is there, and no folder");
	assert_no_folder("dangling", "dangling: it is there, and no folder");
	assert_no_folder("file/sub", "file/sub: can't make the folder: Not a directory");
	assert_no_folder("file/sub/more", "file/sub: can't make the folder: Not a directory");
	assert_no_folder("", ": can't make the folder: No such file or directory");
}

static void a_path_of_any_length_is_joined_whole(void **state)
{
	CLEANUP(buf_release) struct buf folder = BUF_UP_TO(LIMIT);
	CLEANUP(memory_freep) char *path = NULL;
	struct error err = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		buf_add_byte(&folder, 'a');
	path = file_path(buf_text(&folder), "name");
	assert_int_equal(strlen(path), 100005);
	assert_string_equal(path + 99998, "aa/name");
	assert_false(file_save(path, SPAN_LITERAL("x"), &err));
	assert_true(text_is_utf8(span_of(err.text)));
	assert_int_equal(names_in("."), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_IN_FOLDER(a_file_appears_at_its_commit_and_not_before),
		TEST_IN_FOLDER(an_abandoned_file_leaves_the_old_one_and_nothing_else),
		TEST_IN_FOLDER(saving_replaces_a_file),
		TEST_IN_FOLDER(a_path_may_be_in_another_folder),
		TEST_IN_FOLDER(a_write_that_fails_leaves_the_old_file),
		TEST_IN_FOLDER(a_rename_that_fails_leaves_nothing_behind),
		TEST_IN_FOLDER(a_process_that_ends_in_between_leaves_the_old_file),
		TEST_IN_FOLDER(a_folder_that_is_not_there_is_an_error),
		TEST_IN_FOLDER(only_a_regular_file_is_replaced),
		TEST_IN_FOLDER(a_file_is_read_up_to_its_limit_exactly),
		TEST_IN_FOLDER(the_buffer_s_own_limit_holds_too),
		TEST_IN_FOLDER(an_empty_file_is_an_empty_text),
		TEST_IN_FOLDER(a_large_file_is_read_in_pieces),
		TEST_IN_FOLDER(a_link_to_a_file_is_followed_where_no_secret_is_read),
		TEST_IN_FOLDER(what_is_no_file_is_an_error_and_never_waited_for),
		TEST_IN_FOLDER(a_secret_of_ours_alone_is_read),
		TEST_IN_FOLDER(a_secret_that_others_may_touch_is_refused),
		TEST_IN_FOLDER(a_link_to_a_secret_is_refused),
		TEST_IN_FOLDER(a_secret_of_another_user_is_refused),
		TEST_IN_FOLDER(a_secret_is_a_regular_file),
		TEST_IN_FOLDER(a_secret_has_a_limit_too),
		TEST_IN_FOLDER(a_folder_is_made_with_its_parents_for_us_alone),
		TEST_IN_FOLDER(a_file_in_the_way_of_a_folder_is_named),
		TEST_IN_FOLDER(a_path_of_any_length_is_joined_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
