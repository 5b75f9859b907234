/* How the table is looked up, and how errors are read; its rows are in answers_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph/graph_internal.h"

static void a_new_code_is_decided_by_its_status(void **state)
{
	(void)state;
	for (long status = 100; status < 600; status++)
		assert_ptr_equal(ruling_find(status, "Brand_New"), ruling_find(status, NULL));
}

static void a_status_nobody_documented_is_decided_by_its_hundred(void **state)
{
	(void)state;
	assert_int_equal(ruling_find(418, NULL)->write, GRAPH_REFUSED);
	assert_int_equal(ruling_find(418, NULL)->read, READING_STOP);
	assert_int_equal(ruling_find(599, NULL)->write, GRAPH_UNKNOWN);
	assert_int_equal(ruling_find(302, NULL)->write, GRAPH_UNKNOWN);
	assert_int_equal(ruling_find(302, NULL)->read, READING_STOP);
	assert_int_equal(ruling_find(100, NULL)->write, GRAPH_UNKNOWN);
	assert_int_equal(ruling_find(999, NULL)->write, GRAPH_UNKNOWN);
	assert_int_equal(ruling_find(-1, NULL)->write, GRAPH_UNKNOWN);
}

static void no_doubtful_write_may_be_sent_again(void **state)
{
	(void)state;
	for (long status = 100; status < 600; status++) {
		enum graph_outcome outcome = ruling_find(status, NULL)->write;

		assert_int_equal(outcome == GRAPH_THROTTLED, status == 429);
		assert_int_equal(outcome == GRAPH_DONE, status / 100 == 2);
		if (status >= 500)
			assert_int_equal(outcome, GRAPH_UNKNOWN);
	}
}

static void a_success_stays_one_whatever_its_body_says(void **state)
{
	static const long successes[] = { 200, 201, 202, 204 };
	struct failure failure;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(successes); i++) {
		assert_int_equal(ruling_find(successes[i], NULL)->read, READING_DONE);
		assert_int_equal(ruling_find(successes[i], "")->write, GRAPH_DONE);
		assert_int_equal(ruling_find(successes[i], "Brand_New")->kind, ERROR_NONE);
	}
	failure_read(&failure, 200, SPAN_LITERAL("{\"error\":{\"code\":\"resyncRequired\"}}"),
		SPAN_NONE);
	assert_int_equal(failure.ruling->read, READING_DONE);
}

static void every_row_says_what_to_do_next(void **state)
{
	(void)state;
	for (long status = 300; status < 600; status++) {
		assert_true(strlen(ruling_find(status, NULL)->meaning) > 0);
		assert_true(strlen(ruling_find(status, NULL)->advice) > 0);
	}
}

static void error_bodies_of_any_form_are_read(void **state)
{
	static const char *const bodies[] = { "", "<html>", "null", "[]", "{}", "{\"error\":1}",
		"{\"error\":{}}", "{\"error\":{\"code\":7,\"message\":[],\"details\":{}}}",
		"{\"error\":{\"details\":[1,{},{\"code\":1},{\"code\":\"ConflictingObjects\"}]}}",
		"{\"error\":{\"innerError\":[]}}", "\xff\xfe" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct failure failure;
		struct error err = { 0 };

		failure_read(&failure, 403, span_of(bodies[i]), SPAN_LITERAL("from-header"));
		assert_string_equal(failure.code, "");
		assert_string_equal(failure.request_id, "from-header");
		assert_int_equal(failure.ruling->write, GRAPH_DENIED);
		assert_false(failure_set(&failure, "GET", "/users", &err));
		assert_non_null(strstr(err.text, "403 (request-id from-header)"));
	}
}

static void a_long_message_leaves_room_for_the_advice(void **state)
{
	CLEANUP(buf_release) struct buf body = BUF_UP_TO(8192);
	struct failure failure;
	struct error err = { 0 };

	(void)state;
	buf_add_text(&body, "{\"error\":{\"message\":\"");
	for (size_t i = 0; i < 1000; i++)
		buf_add_text(&body, "é");
	buf_add_text(&body, "\"}}");
	failure_read(&failure, 403, buf_span(&body), SPAN_NONE);
	assert_int_equal(strlen(failure.message) % 2, 0);
	assert_false(failure_set(&failure, "GET", "/users", &err));
	assert_non_null(strstr(err.text, "consent"));
}

static void words_choose_the_hint(void **state)
{
	(void)state;
	assert_non_null(strstr(ruling_hint("Unable to update the specified properties for "
					   "on-premises mastered Directory Sync objects"),
		"production"));
	assert_non_null(strstr(ruling_hint("… for objects that have originated within an external "
					   "service."),
		"Exchange"));
	assert_non_null(ruling_hint("Property 'proxyAddresses' is read-only and cannot be set."));
	assert_non_null(ruling_hint(
		"Cannot Update a mail-enabled security groups and or distribution list."));
	assert_non_null(ruling_hint(
		"Data contract version does not allow 'Delete' operations on 'Contact'"));
	assert_null(ruling_hint("something new"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_code_is_decided_by_its_status),
		cmocka_unit_test(a_status_nobody_documented_is_decided_by_its_hundred),
		cmocka_unit_test(no_doubtful_write_may_be_sent_again),
		cmocka_unit_test(a_success_stays_one_whatever_its_body_says),
		cmocka_unit_test(every_row_says_what_to_do_next),
		cmocka_unit_test(error_bodies_of_any_form_are_read),
		cmocka_unit_test(a_long_message_leaves_room_for_the_advice),
		cmocka_unit_test(words_choose_the_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
