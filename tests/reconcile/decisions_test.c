/* The decisions file: what is read of it, and what is refused, with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

enum { PAGE_MAX = 1 << 20 };

#define HEADER                                                                                     \
	"{\"format\":\"unstage-decisions/1\",\"tenant\":\"7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30\"}\n"
#define KEEP(id)                                                                                   \
	"{\"decision\":\"keep\",\"id\":\"c1d7e7a2-3b55-4a8e-b7be-00000000000" id                   \
	"\",\"attribute\":\"department\",\"until\":\"2026-06-01\",\"because\":\"x\"}\n"

static void load_page(struct buf *page)
{
	struct error err = { 0 };

	if (!file_load(TEST_SOURCE "/docs/FORMAT-decisions.md", PAGE_MAX, page, &err))
		fail_msg("%s", err.text);
}

static struct decisions *parsed(struct span text)
{
	struct error err = { 0 };
	struct decisions *decisions = decisions_parse(text, "decisions.jsonl", &err);

	if (!decisions)
		fail_msg("%s", err.text);
	return decisions;
}

static void refused(struct span text, enum error_kind kind, const char *says)
{
	struct error err = { 0 };

	assert_null(decisions_parse(text, "decisions.jsonl", &err));
	assert_int_equal(err.kind, kind);
	assert_memory_equal(err.text, "decisions.jsonl: ", 17);
	if (!strstr(err.text, says))
		fail_msg("%s\nwas to say: %s", err.text, says);
}

/* ---- the page ----------------------------------------------------------------------------- */

static struct span block_of(const struct buf *page, const char *fence)
{
	const char *start = strstr(buf_text(page), fence), *end;

	assert_non_null(start);
	start = strchr(start, '\n') + 1;
	end = strstr(start, "```\n");
	assert_non_null(end);
	return (struct span){ start, (size_t)(end - start) };
}

static void the_documented_file_is_read_and_has_the_documented_digest(void **state UNUSED)
{
	CLEANUP(buf_release) struct buf page = BUF_UP_TO(PAGE_MAX);
	CLEANUP(decisions_freep) struct decisions *decisions = NULL;
	const struct decision *decision;
	int64_t ms;

	load_page(&page);
	decisions = parsed(block_of(&page, "```jsonl\n"));
	assert_non_null(strstr(buf_text(&page), decisions_digest(decisions)));
	assert_string_equal(decisions_tenant(decisions), "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30");
	assert_int_equal(decisions_count(decisions), 5);
	decision = decisions_get(decisions, 0);
	assert_int_equal(decision->kind, DECISION_BASE_IS_BEFORE);
	assert_int_equal(decision->line, 2);
	assert_int_equal(decision->byte, strlen(HEADER));
	assert_true(time_parse(SPAN_LITERAL("2026-03-03T00:00:00Z"), &ms));
	assert_int_equal(decision->to_ms, ms);
	assert_int_equal(decision->attribute_count, 2);
	assert_string_equal(decision->attributes[1], "jobTitle");
	assert_int_equal(decision->id_count, 0);
	decision = decisions_get(decisions, 1);
	assert_int_equal(decision->kind, DECISION_REVERT);
	assert_true(decision->by_fingerprint);
	assert_true(span_is(decision->live.value, "\"Clerk\""));
	assert_string_equal(decision->by, "bo@contoso.com");
	decision = decisions_get(decisions, 2);
	assert_true(decision->live.known && !decision->live.value.data);
	assert_true(span_is(decision->element, "smtp:c@contoso.com"));
	assert_null(decision->by);
	assert_true(span_is(decisions_get(decisions, 3)->change, "deleted"));
	decision = decisions_get(decisions, 4);
	assert_int_equal(decision->kind, DECISION_KEEP);
	assert_true(time_parse(SPAN_LITERAL("2026-06-01"), &ms));
	assert_int_equal(decision->until_ms, ms);
}

/* Two lines each: what stands behind a header, and what is said about it. */
static void the_documented_lines_are_refused_with_the_documented_words(void **state UNUSED)
{
	CLEANUP(buf_release) struct buf page = BUF_UP_TO(PAGE_MAX);
	struct span block;
	size_t count = 0;

	load_page(&page);
	block = block_of(&page, "```refused\n");
	for (const char *at = block.data; at < block.data + block.length; count++) {
		CLEANUP(buf_release) struct buf file = BUF_UP_TO(PAGE_MAX);
		CLEANUP(buf_release) struct buf says = BUF_UP_TO(PAGE_MAX);
		const char *middle = strchr(at, '\n') + 1, *end = strchr(middle, '\n');

		buf_add_text(&file, HEADER);
		buf_add(&file, at, (size_t)(middle - at));
		buf_add(&says, middle, (size_t)(end - middle));
		refused(buf_span(&file), ERROR_FORMAT, buf_text(&says));
		at = end + 1;
	}
	assert_int_equal(count, 13);
}

/* ---- files that are none ------------------------------------------------------------------- */

static void what_is_no_decisions_file_is_refused(void **state UNUSED)
{
	refused(SPAN_LITERAL(""), ERROR_FORMAT, "line 1 (byte 0): the file is empty");
	refused(SPAN_LITERAL("decisions\n"), ERROR_FORMAT, "line 1 (byte 0): ");
	refused(SPAN_LITERAL("[]\n"), ERROR_FORMAT, "not an object");
	refused(SPAN_LITERAL("{\"format\":\"unstage-evidence/1\",\"tenant\":\"x\"}\n"),
		ERROR_FORMAT, "wants \"format\":\"unstage-decisions/1\"");
	refused(SPAN_LITERAL("{\"format\":\"unstage-decisions/1\",\"tenant\":\"contoso\"}\n"),
		ERROR_FORMAT, "not a tenant's id");
	refused(SPAN_LITERAL("{\"format\":\"unstage-decisions/1\",\"tenant\":"
			     "\"7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30\",\"all\":true}\n"),
		ERROR_FORMAT, "the header has");
	refused(SPAN_LITERAL(HEADER "\n"), ERROR_FORMAT, "line 2 (byte 81)");
	refused(SPAN_LITERAL(HEADER "{\"decision\":\"keep\",\"decision\":\"revert\"}\n"),
		ERROR_FORMAT, "line 2 (byte 81)");
}

static void another_version_is_refused_and_not_called_damaged(void **state UNUSED)
{
	refused(SPAN_LITERAL("{\"format\":\"unstage-decisions/2\",\"tenant\":\"x\"}\n"),
		ERROR_REFUSED, "another version");
}

static void a_header_alone_decides_nothing(void **state UNUSED)
{
	CLEANUP(decisions_freep) struct decisions *decisions = parsed(SPAN_LITERAL(HEADER));

	assert_int_equal(decisions_count(decisions), 0);
}

/* A line that lost its end may have lost more. */
static void a_file_cut_within_a_line_is_refused(void **state UNUSED)
{
	static const char file[] = HEADER KEEP("1") KEEP("2");

	for (size_t length = 0; length < sizeof(file) - 1; length++) {
		struct error err = { 0 };
		struct span cut = { file, length };
		struct decisions *decisions = decisions_parse(cut, "cut", &err);
		bool whole = length && file[length - 1] == '\n';

		assert_int_equal(decisions != NULL, whole);
		decisions_free(decisions);
	}
}

/* ---- two lines about the same ---------------------------------------------------------------- */

static void two_lines_about_the_same_are_refused_whatever_they_say(void **state UNUSED)
{
	refused(SPAN_LITERAL(HEADER KEEP("1") KEEP("2") KEEP("1")), ERROR_FORMAT,
		"line 4 (byte 329): decides what line 2 decides");
	/* Other keys, another order, another decision: still the same finding. */
	refused(SPAN_LITERAL(HEADER KEEP("1") "{\"because\":\"y\",\"live\":1,\"before\":2,"
					      "\"attribute\":\"department\","
					      "\"decision\":\"revert\",\"id\":"
					      "\"c1d7e7a2-3b55-4a8e-b7be-000000000001\"}\n"),
		ERROR_FORMAT, "line 3 (byte 205): decides what line 2 decides");
}

static void blanks_and_order_of_keys_are_free(void **state UNUSED)
{
	CLEANUP(decisions_freep)
	struct decisions *decisions = parsed(SPAN_LITERAL(
		"{ \"tenant\" : \"7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30\", \"format\" : "
		"\"unstage-decisions/1\" }\r\n"
		"{ \"until\": \"2026-06-01T08:00:00Z\", \"because\": \"x\", "
		"\"fingerprint\": \"00112233445566778899aabbccddeeff\", \"decision\": \"keep\" }\r\n"));
	const struct decision *decision = decisions_get(decisions, 0);

	assert_true(decision->by_fingerprint);
	assert_int_equal(decision->fingerprint[1], 0x11);
	assert_int_equal(decision->fingerprint[15], 0xff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_documented_file_is_read_and_has_the_documented_digest),
		cmocka_unit_test(the_documented_lines_are_refused_with_the_documented_words),
		cmocka_unit_test(what_is_no_decisions_file_is_refused),
		cmocka_unit_test(another_version_is_refused_and_not_called_damaged),
		cmocka_unit_test(a_header_alone_decides_nothing),
		cmocka_unit_test(a_file_cut_within_a_line_is_refused),
		cmocka_unit_test(two_lines_about_the_same_are_refused_whatever_they_say),
		cmocka_unit_test(blanks_and_order_of_keys_are_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
