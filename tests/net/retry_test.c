/* Waiting, with a clock that only moves when somebody sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "net/net.h"

static int64_t now_ms, slept_ms;

static int64_t clock_of_test(void)
{
	return now_ms;
}

static void sleep_of_test(int64_t duration_ms)
{
	slept_ms = duration_ms;
	now_ms += duration_ms;
}

static struct retry fresh_retry(void)
{
	now_ms = 1000;
	slept_ms = 0;
	return (struct retry){ .clock_ms = clock_of_test, .sleep_ms = sleep_of_test };
}

/* How long the first wait takes with this header. */
static int64_t first_wait(const char *retry_after)
{
	struct retry retry = fresh_retry();
	struct error err = { 0 };

	assert_true(retry_wait(&retry, span_of(retry_after), "throttled", NULL, &err));
	return slept_ms;
}

static void seconds_are_kept_and_never_shortened(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		assert_in_range(first_wait("10"), 10000, 12500);
		assert_in_range(first_wait("2.5"), 2500, 3125);
		assert_in_range(first_wait("0.25"), 250, 313);
		assert_in_range(first_wait("7."), 7000, 8750);
	}
}

static void what_is_no_wish_falls_back_to_the_pause(void **state)
{
	static const char *const odd[] = { NULL, "", "0", "-5", "soon", "1e9", "+3", " 4", "0x10",
		".5", "5 s", "Wed, 04 Mar 1998 02:17:41 GMT",
		"99999999999999999999999999999999999999999999999999999999999999999999" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(odd); i++)
		assert_in_range(first_wait(odd[i]), 3000, 3750);
}

static void an_absurd_wish_is_capped(void **state)
{
	(void)state;
	assert_int_equal(first_wait("86400"), NET_RETRY_MAX_MS);
	assert_int_equal(first_wait("9223372036854775808"), NET_RETRY_MAX_MS);
	assert_int_equal(first_wait("Fri, 04 Mar 2199 02:17:41 GMT"), NET_RETRY_MAX_MS);
}

static void the_pause_doubles_to_its_cap_and_tries_end(void **state)
{
	struct retry retry = fresh_retry();
	struct error err = { 0 };
	int64_t least = 3000;

	(void)state;
	for (unsigned i = 1; i < NET_TRIES_MAX; i++) {
		assert_true(retry_wait(&retry, SPAN_NONE, "503 from Graph", NULL, &err));
		assert_true(slept_ms >= least && slept_ms <= NET_RETRY_MAX_MS);
		assert_true(slept_ms <= least + least / 4);
		least = least * 2 < NET_RETRY_MAX_MS ? least * 2 : NET_RETRY_MAX_MS;
	}
	assert_false(retry_wait(&retry, SPAN_NONE, "503 from Graph", NULL, &err));
	assert_int_equal(err.kind, ERROR_NETWORK);
	assert_non_null(strstr(err.text, "503 from Graph: given up after try 10"));
}

static void nobody_sleeps_past_the_deadline(void **state)
{
	struct retry retry = fresh_retry();
	struct error err = { 0 };

	(void)state;
	retry.deadline_ms = now_ms + 9999;
	assert_false(retry_wait(&retry, SPAN_LITERAL("10"), "throttled", NULL, &err));
	assert_int_equal(err.kind, ERROR_NETWORK);
	assert_int_equal(slept_ms, 0);
	assert_non_null(strstr(err.text, "throttled: given up after try 1"));
}

struct heard {
	int64_t duration_ms;
	char why[64];
};

static void note_wait(void *context, const char *why, int64_t duration_ms)
{
	struct heard *heard = context;

	heard->duration_ms = duration_ms;
	strncpy(heard->why, why, sizeof(heard->why) - 1);
}

static void a_wait_is_announced_with_its_reason(void **state)
{
	struct heard heard = { 0 };
	const struct progress progress = { .context = &heard, .wait = note_wait };
	struct retry retry = fresh_retry();
	struct error err = { 0 };

	(void)state;
	assert_true(retry_wait(&retry, SPAN_LITERAL("5"), "throttled by Graph", &progress, &err));
	assert_int_equal(heard.duration_ms, slept_ms);
	assert_string_equal(heard.why, "throttled by Graph");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_are_kept_and_never_shortened),
		cmocka_unit_test(what_is_no_wish_falls_back_to_the_pause),
		cmocka_unit_test(an_absurd_wish_is_capped),
		cmocka_unit_test(the_pause_doubles_to_its_cap_and_tries_end),
		cmocka_unit_test(nobody_sleeps_past_the_deadline),
		cmocka_unit_test(a_wait_is_announced_with_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
