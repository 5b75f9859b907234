/* A lock names the process that holds it, and dies with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "tests/base/base_testing.h"

enum { OWNER_MAX = 4096 };

struct holder {
	pid_t process;
	int release; /* closing it ends the process */
};

/* Another process that holds the lock. */
static struct holder hold(const char *path, const char *owner)
{
	int ready[2], release[2];
	struct error err = { 0 };
	struct holder holder;
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(release, O_CLOEXEC), 0);
	holder = (struct holder){ fork(), release[1] };
	assert_true(holder.process >= 0);
	if (holder.process == 0) {
		close(release[1]);
		if (file_lock(path, owner, &err) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(release[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	close(release[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return holder;
}

static void end(struct holder holder, int signal_number)
{
	int status;

	if (signal_number)
		kill(holder.process, signal_number);
	close(holder.release);
	assert_int_equal(waitpid(holder.process, &status, 0), holder.process);
}

static void assert_held(const char *path, const char *why)
{
	struct error err = { 0 };

	assert_int_equal(file_lock(path, "we", &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_string_equal(err.text, why);
	assert_true(text_is_utf8(span_of(err.text)));
}

static void a_lock_names_the_process_that_holds_it_and_dies_with_it(void **state)
{
	struct holder holder = hold("lock", "apply of plan 7, process 4711");
	struct error err = { 0 };
	int descriptor;

	(void)state;
	assert_held("lock",
		"lock: another run holds it (apply of plan 7, process 4711); wait for its end");
	end(holder, 0);
	descriptor = file_lock("lock", "we", &err);
	assert_true(descriptor >= 0);
	assert_content("lock", "we\n");
	close(descriptor);
}

static void a_lock_dies_with_a_process_that_is_killed(void **state)
{
	struct holder holder = hold("lock", "somebody");
	struct error err = { 0 };
	int descriptor;

	(void)state;
	end(holder, SIGKILL);
	descriptor = file_lock("lock", "we", &err);
	assert_true(descriptor >= 0);
	close(descriptor);
}

static void a_lock_holds_within_one_process_too(void **state)
{
	struct error err = { 0 };
	int first = file_lock("lock", "we ourselves", &err), second;

	(void)state;
	assert_true(first >= 0);
	assert_held("lock", "lock: another run holds it (we ourselves); wait for its end");
	close(first);
	second = file_lock("lock", "x", &err);
	assert_true(second >= 0);
	assert_content("lock", "x\n"); /* nothing of the longer line before */
	close(second);
}

static void a_holder_who_has_not_said_who_it_is_is_told_as_such(void **state)
{
	struct error err = { 0 };
	int descriptor = file_lock("lock", "", &err);

	(void)state;
	assert_true(descriptor >= 0);
	assert_held(
		"lock", "lock: another run holds it (it has not said who it is); wait for its end");
	close(descriptor);
}

static void a_long_owner_is_quoted_up_to_a_whole_character(void **state)
{
	struct error err = { 0 };

	(void)state;
	for (size_t before = 0; before < 4; before++) {
		CLEANUP(buf_release)
		struct buf owner = BUF_UP_TO(OWNER_MAX), expected = BUF_UP_TO(OWNER_MAX);
		int descriptor;

		for (size_t i = 0; i < before; i++)
			buf_add_byte(&owner, 'a');
		for (size_t i = 0; i < 100; i++)
			buf_add_text(&owner, "🙂");
		descriptor = file_lock("lock", buf_text(&owner), &err);
		assert_true(descriptor >= 0);
		buf_addf(&expected, "lock: another run holds it (%.*s); wait for its end",
			(int)(before + (255 - before) / 4 * 4), buf_text(&owner));
		assert_held("lock", buf_text(&expected));
		close(descriptor);
	}
}

static void a_lock_that_can_t_be_opened_is_an_error_of_this_machine(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(file_lock("nowhere/lock", "we", &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	put("file", "content", 0600);
	assert_int_equal(symlink("file", "link"), 0);
	assert_int_equal(file_lock("link", "we", &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_content("file", "content");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_IN_FOLDER(a_lock_names_the_process_that_holds_it_and_dies_with_it),
		TEST_IN_FOLDER(a_lock_dies_with_a_process_that_is_killed),
		TEST_IN_FOLDER(a_lock_holds_within_one_process_too),
		TEST_IN_FOLDER(a_holder_who_has_not_said_who_it_is_is_told_as_such),
		TEST_IN_FOLDER(a_long_owner_is_quoted_up_to_a_whole_character),
		TEST_IN_FOLDER(a_lock_that_can_t_be_opened_is_an_error_of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
