/* What the audit log does not tell: declared in the header, and used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "reconcile/reconcile_internal.h"

enum { TEXT_MAX = 1 << 16 };

#define TENANT "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"

static struct evidence *evidence_covering(int64_t from_ms, int64_t until_ms)
{
	struct evidence_header header = {
		.from_ms = from_ms, .until_ms = until_ms, .collected_ms = 5000
	};

	snprintf(header.tenant, sizeof(header.tenant), "%s", TENANT);
	return evidence_new(&header);
}

static const struct attribute *attribute_of(enum kind_id kind, const char *name)
{
	const struct attribute *attribute = attribute_find(kind_get(kind), span_of(name));

	assert_non_null(attribute);
	return attribute;
}

static void what_is_never_logged_stands_in_the_header_and_is_read_again(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_covering(1000, 3000);
	CLEANUP(evidence_freep) struct evidence *again = NULL;
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(TEXT_MAX);
	struct error err = { 0 };
	size_t count;

	evidence_tell_limits(evidence);
	evidence_add_not_logged(evidence, "faxNumber");
	evidence_add_not_logged(evidence, "faxNumber");
	evidence_add_file(&file, evidence);
	assert_non_null(
		strstr(buf_text(&file), ",\"notLogged\":[\"faxNumber\",\"usageLocation\"]"));
	again = evidence_parse(buf_span(&file), "file", &err);
	if (!again)
		fail_msg("%s", err.text);
	assert_string_equal(evidence_not_logged(again, &count)[0], "faxNumber");
	assert_int_equal(count, 2);
	assert_false(audit_log_carries(again, attribute_of(KIND_USER, "faxNumber")));
}

static void names_out_of_order_are_refused(void **state UNUSED)
{
	static const char file[] =
		"{\"format\":\"unstage-evidence/1\",\"tenant\":\"" TENANT
		"\",\"collected\":\"2026-03-04T12:20:00Z\",\"sources\":[{\"source\":\"audit\","
		"\"covered\":[{\"from\":\"2026-03-01T00:00:00Z\",\"until\":\"2026-03-04T12:10:00Z\"}],"
		"\"notLogged\":[\"usageLocation\",\"faxNumber\"]}]}\n"
		"{\"end\":true,\"facts\":0,\"records\":0}\n";
	struct error err = { 0 };

	assert_null(evidence_parse(span_of(file), "file", &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

static void both_of_two_collections_have_their_limits(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *into = evidence_covering(1000, 3000);
	CLEANUP(evidence_freep) struct evidence *from = evidence_covering(1000, 3000);
	struct error err = { 0 };
	size_t count;

	evidence_add_not_logged(into, "usageLocation");
	evidence_add_not_logged(from, "city");
	assert_true(evidence_merge(into, from, &err));
	assert_string_equal(evidence_not_logged(into, &count)[0], "city");
	assert_int_equal(count, 2);
}

static void the_log_tells_of_what_has_a_name_there_of_members_and_of_extensions(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_covering(1000, 3000);

	assert_true(audit_log_carries(evidence, attribute_of(KIND_USER, "department")));
	assert_true(audit_log_carries(evidence, attribute_of(KIND_GROUP, "members")));
	assert_true(audit_log_carries(
		evidence, attribute_of(KIND_USER, "extension_0123456789abcdef0123456789abcdef_a")));
	assert_false(audit_log_carries(evidence, attribute_of(KIND_USER, "usageLocation")));
	assert_false(audit_log_carries(
		evidence, attribute_of(KIND_USER, "onPremisesDistinguishedName")));
}

static void expect_covered(struct evidence *evidence, size_t count, int64_t until_ms)
{
	size_t there;
	const struct covered *covered = evidence_covered(evidence, &there);

	assert_int_equal(there, count);
	assert_int_equal(covered[count - 1].until_ms, until_ms);
	assert_int_equal(evidence_header(evidence)->until_ms, until_ms);
}

static void what_the_log_may_still_receive_is_not_covered(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_covering(1000, 3000);

	evidence_add_source(evidence,
		&(struct evidence_source){
			.source = FROM_AUDIT, .from_ms = 4000, .until_ms = 5000 });
	evidence_cover_no_later(evidence, 6000);
	expect_covered(evidence, 2, 5000);
	evidence_cover_no_later(evidence, 4500);
	expect_covered(evidence, 2, 4500);
	evidence_cover_no_later(evidence, 3500);
	expect_covered(evidence, 1, 3000);
	/* The window that was asked for is younger than all that has come. */
	evidence_cover_no_later(evidence, 500);
	expect_covered(evidence, 1, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_never_logged_stands_in_the_header_and_is_read_again),
		cmocka_unit_test(names_out_of_order_are_refused),
		cmocka_unit_test(both_of_two_collections_have_their_limits),
		cmocka_unit_test(
			the_log_tells_of_what_has_a_name_there_of_members_and_of_extensions),
		cmocka_unit_test(what_the_log_may_still_receive_is_not_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
