/* The one error: who says what first, and texts that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

enum { TEXT_MAX = 8192 };

static void assert_whole_characters(const char *text)
{
	if (!text_is_utf8(span_of(text)))
		fail_msg("a character was cut: …%s", text + strlen(text) - 8);
}

static bool ends_with_mark(const char *text)
{
	size_t length = strlen(text), mark = strlen("…");

	return length >= mark && strcmp(text + length - mark, "…") == 0;
}

static void a_failure_has_its_kind_and_its_text(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_false(error_set(&err, ERROR_REFUSED, "%s is %d days old", "plan.json", 9));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_string_equal(err.text, "plan.json is 9 days old");
}

static void a_later_failure_replaces_an_earlier_one(void **state)
{
	struct error err = { 0 };

	(void)state;
	error_set(&err, ERROR_NETWORK, "a rather long text");
	error_set(&err, ERROR_STALE, "short");
	assert_int_equal(err.kind, ERROR_STALE);
	assert_string_equal(err.text, "short");
}

static void a_prefix_goes_before_the_text_and_keeps_the_kind(void **state)
{
	struct error err = { 0 };

	(void)state;
	error_set(&err, ERROR_DENIED, "403");
	assert_false(error_prefix(&err, "PATCH %s", "/groups/7"));
	assert_false(error_prefix(&err, "step %d", 4));
	assert_int_equal(err.kind, ERROR_DENIED);
	assert_string_equal(err.text, "step 4: PATCH /groups/7: 403");
}

static void a_system_error_says_what_the_system_said(void **state)
{
	struct error err = { 0 };

	(void)state;
	errno = ENOENT;
	assert_false(error_errno(&err, "%s: can't open", "x"));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_string_equal(err.text, "x: can't open: No such file or directory");
}

static void percent_signs_in_a_text_mean_nothing_later(void **state)
{
	struct error err = { 0 };

	(void)state;
	error_set(&err, ERROR_FORMAT, "%s", "100%s %n");
	error_prefix(&err, "%s", "%d");
	assert_string_equal(err.text, "%d: 100%s %n");
}

/* `units` times the character, after `before` letters. */
static void make_long(struct buf *text, size_t before, const char *character, size_t units)
{
	buf_cut(text, 0);
	for (size_t i = 0; i < before; i++)
		buf_add_byte(text, 'a');
	for (size_t i = 0; i < units; i++)
		buf_add_text(text, character);
}

static void a_text_that_just_fits_is_not_cut(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);
	struct error err = { 0 };

	(void)state;
	make_long(&text, sizeof(err.text) - 1, "", 0);
	error_set(&err, ERROR_FORMAT, "%s", buf_text(&text));
	assert_string_equal(err.text, buf_text(&text));
	buf_add_byte(&text, 'a');
	error_set(&err, ERROR_FORMAT, "%s", buf_text(&text));
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_true(ends_with_mark(err.text));
}

static const char *const characters[] = { "a", "ß", "日", "🙂" };

static void a_text_too_long_is_cut_with_a_mark_between_characters(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(characters); i++) {
		for (size_t before = 0; before < 5; before++) {
			make_long(&text, before, characters[i], 1100);
			error_set(&err, ERROR_FORMAT, "%s", buf_text(&text));
			assert_whole_characters(err.text);
			assert_true(ends_with_mark(err.text));
			assert_true(strlen(err.text) > sizeof(err.text) - 5);
		}
	}
}

static void a_prefix_too_long_leaves_room_for_the_cause(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);
	struct error err = { 0 };

	(void)state;
	for (size_t before = 0; before < 5; before++) {
		make_long(&text, before, "日", 1100);
		error_set(&err, ERROR_AUTH, "the cause");
		error_prefix(&err, "%s", buf_text(&text));
		assert_whole_characters(err.text);
		assert_non_null(strstr(err.text, "…: the cause"));
		errno = EACCES;
		error_errno(&err, "%s", buf_text(&text));
		assert_whole_characters(err.text);
		assert_non_null(strstr(err.text, "…: Permission denied"));
	}
}

static void prefixes_without_end_keep_the_outermost(void **state)
{
	struct error err = { 0 };

	(void)state;
	error_set(&err, ERROR_FORMAT, "innermost");
	for (unsigned i = 0; i < 300; i++) {
		error_prefix(&err, "Ebene %u für日", i);
		assert_whole_characters(err.text);
	}
	assert_int_equal(strncmp(err.text, "Ebene 299 für日: Ebene 298", 24), 0);
	assert_true(ends_with_mark(err.text));
}

static void bytes_that_are_no_characters_do_not_eat_the_text(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);
	struct error err = { 0 };

	(void)state;
	make_long(&text, 10, "\x80", 2000);
	error_set(&err, ERROR_FORMAT, "%s", buf_text(&text));
	assert_int_equal(strncmp(err.text, "aaaaaaaaaa\x80", 11), 0);
	assert_true(strlen(err.text) > sizeof(err.text) - 5);
}

static void every_kind_has_a_word_of_its_own(void **state)
{
	static const char *const words[] = { [ERROR_NONE] = "none",
		[ERROR_USAGE] = "usage",
		[ERROR_AUTH] = "authentication",
		[ERROR_DENIED] = "denied",
		[ERROR_STALE] = "stale",
		[ERROR_NETWORK] = "network",
		[ERROR_FORMAT] = "format",
		[ERROR_REFUSED] = "refused",
		[ERROR_SYSTEM] = "system" };

	(void)state;
	for (size_t kind = 0; kind < COUNT_OF(words); kind++)
		if (words[kind])
			assert_string_equal(error_kind_name((enum error_kind)kind), words[kind]);
	assert_string_equal(error_kind_name((enum error_kind)77), "unknown");
}

/* ---- warnings, which are cut the same way ---------------------------------------------- */

static void note_warning(void *context, const char *text)
{
	buf_add_text(context, text);
}

static void a_warning_too_long_is_cut_between_characters(void **state)
{
	CLEANUP(buf_release) struct buf told = BUF_UP_TO(TEXT_MAX), text = BUF_UP_TO(TEXT_MAX);
	const struct progress progress = { .context = &told, .warn = note_warning };

	(void)state;
	for (size_t before = 0; before < 5; before++) {
		buf_cut(&told, 0);
		make_long(&text, before, "🙂", 1100);
		progress_warn(&progress, "%s", buf_text(&text));
		assert_whole_characters(buf_text(&told));
		assert_true(ends_with_mark(buf_text(&told)));
	}
}

static void nobody_has_to_listen(void **state)
{
	const struct progress deaf = { 0 };

	(void)state;
	progress_step(NULL, "users", 1, 2);
	progress_wait(NULL, "throttled", 1);
	progress_warn(NULL, "%s", "x");
	progress_step(&deaf, "users", 1, 2);
	progress_wait(&deaf, "throttled", 1);
	progress_warn(&deaf, "%s", "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_has_its_kind_and_its_text),
		cmocka_unit_test(a_later_failure_replaces_an_earlier_one),
		cmocka_unit_test(a_prefix_goes_before_the_text_and_keeps_the_kind),
		cmocka_unit_test(a_system_error_says_what_the_system_said),
		cmocka_unit_test(percent_signs_in_a_text_mean_nothing_later),
		cmocka_unit_test(a_text_that_just_fits_is_not_cut),
		cmocka_unit_test(a_text_too_long_is_cut_with_a_mark_between_characters),
		cmocka_unit_test(a_prefix_too_long_leaves_room_for_the_cause),
		cmocka_unit_test(prefixes_without_end_keep_the_outermost),
		cmocka_unit_test(bytes_that_are_no_characters_do_not_eat_the_text),
		cmocka_unit_test(every_kind_has_a_word_of_its_own),
		cmocka_unit_test(a_warning_too_long_is_cut_between_characters),
		cmocka_unit_test(nobody_has_to_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
