/* Records of the audit log that nobody should have to expect: refused with their id, or not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/scan.h"
#include "reconcile/reconcile_internal.h"

enum { TEXT_MAX = 32 << 20 };

#define TENANT "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"
#define ADA    "c1d7e7a2-3b55-4a8e-b7be-0d9b0f4c2f66"

static struct evidence *evidence_empty(void)
{
	struct evidence_header header = { .tenant = TENANT, .from_ms = 1, .until_ms = 2 };

	return evidence_new(&header);
}

/* A record whose targets are this text. */
static void add_record_text(struct buf *out, const char *targets)
{
	buf_addf(out,
		"{\"id\":\"Directory_7\",\"activityDisplayName\":\"Update user\",\"result\":\"success\","
		"\"activityDateTime\":\"2026-03-04T02:17:41Z\",\"loggedByService\":\"Core Directory\","
		"\"initiatedBy\":{\"user\":{\"id\":\"1\",\"userPrincipalName\":\"Sync_SYNC02_"
		"7be1c04d9a31@contoso.com\"}},\"targetResources\":%s}",
		targets);
}

/* Of a user with one property of which `value` is the new value. */
static void add_record_of(struct buf *out, const char *name, struct span value)
{
	CLEANUP(buf_release) struct buf targets = BUF_UP_TO(TEXT_MAX);

	buf_addf(&targets, "[{\"id\":\"%s\",\"type\":\"User\",\"modifiedProperties\":[", ADA);
	buf_addf(&targets, "{\"displayName\":\"%s\",\"oldValue\":\"[]\",\"newValue\":", name);
	scan_quote(value, &targets);
	buf_add_text(&targets, "}]}]");
	add_record_text(out, buf_text(&targets));
}

static void expect_refused(const char *targets)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_empty();
	CLEANUP(buf_release) struct buf record = BUF_UP_TO(TEXT_MAX);
	struct error err = { 0 };

	add_record_text(&record, targets);
	assert_false(evidence_add_audit(evidence, buf_span(&record), &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "audit record Directory_7"));
	assert_int_equal(evidence_count(evidence), 0);
}

static void a_record_without_an_object_is_refused_with_its_id(void **state UNUSED)
{
	expect_refused("[]");
	expect_refused("[{}]");
	expect_refused("[null]");
	expect_refused("[{\"id\":null}]");
	expect_refused("[{\"id\":\"not an id\"}]");
	expect_refused("\"text\"");
	expect_refused("null");
}

/* What such a value leaves: a fact, and in it the value or not. */
static void expect_reading(const char *name, const char *value, bool known)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_empty();
	CLEANUP(evidence_freep) struct evidence *again = NULL;
	CLEANUP(buf_release) struct buf record = BUF_UP_TO(TEXT_MAX);
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(TEXT_MAX);
	struct error err = { 0 };

	add_record_of(&record, name, span_of(value));
	if (!evidence_add_audit(evidence, buf_span(&record), &err))
		fail_msg("%s: %s", value, err.text);
	assert_int_equal(evidence_count(evidence), 1);
	if (evidence_fact(evidence, 0)->new_known != known)
		fail_msg("%s: %s", value, known ? "not known" : "known");
	evidence_add_file(&file, evidence);
	again = evidence_parse(buf_span(&file), "file", &err);
	if (!again)
		fail_msg("%s: %s", value, err.text);
}

static void json_in_texts_is_read_strictly_and_otherwise_not_known(void **state UNUSED)
{
	expect_reading("Department", "[\"Lab\"]", true);
	expect_reading("Department", "[[\"Lab\"]]", false);
	expect_reading("Department", "[\"Lab\",\"Lab2\"]", false);
	expect_reading("Department", "{\"a\":1}", false);
	expect_reading("Department", "[\"Lab\"", false);
	expect_reading("Department", "\"Lab", false);
	expect_reading("Department", "[\"Lab\"] ]", false);
	expect_reading("Department", "[\"\\ud800\"]", false);
	expect_reading("Department", "[1e999]", true);
	expect_reading("AccountEnabled", "[\"perhaps\"]", false);
	expect_reading("AccountEnabled", "[1]", false);
	expect_reading("Manager", "[\"ada\"]", false);
	expect_reading("ProxyAddresses", "[\"SMTP:a@b\",{\"smtp\":1}]", false);
	expect_reading("ProxyAddresses", "[[]]", false);
	expect_reading("ProxyAddresses", "[\"SMTP:a@b\",null]", true);
}

static void what_a_long_value_was_cut_to_is_not_known(void **state UNUSED)
{
	expect_reading("Department", "[\"Laborator…\"]", false);
	expect_reading("Department", "Laborator…", false);
	expect_reading("Department", "[\"Laborator\\u2026\"]", false);
	expect_reading("Department", "[\"Laborator...\"]", false);
	expect_reading("Department", "[\"... of Physics\"]", true);
	expect_reading("ProxyAddresses", "[\"SMTP:a@b\",\"smtp:c@d…\"]", false);
}

static void depth_is_not_followed_to_its_end(void **state UNUSED)
{
	CLEANUP(buf_release) struct buf value = BUF_UP_TO(TEXT_MAX);

	for (size_t i = 0; i < 200000; i++)
		buf_add_byte(&value, '[');
	expect_reading("Department", buf_text(&value), false);
	for (size_t i = 0; i < 200000; i++)
		buf_add_byte(&value, ']');
	expect_reading("Department", buf_text(&value), false);
}

static void a_record_of_almost_eight_mebibytes_is_read(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_empty();
	CLEANUP(buf_release) struct buf value = BUF_UP_TO(TEXT_MAX);
	CLEANUP(buf_release) struct buf record = BUF_UP_TO(TEXT_MAX);
	struct error err = { 0 };

	for (size_t i = 0; value.length < (7 << 20); i++)
		buf_addf(&value, "%s\"smtp:a%zu@contoso.com\"", i ? "," : "[", i);
	buf_add_byte(&value, ']');
	add_record_of(&record, "ProxyAddresses", buf_span(&value));
	assert_in_range(record.length, 7 << 20, AUDIT_RECORD_MAX);
	if (!evidence_add_audit(evidence, buf_span(&record), &err))
		fail_msg("%s", err.text);
	assert_true(evidence_fact(evidence, 0)->new_known);
	assert_in_range(evidence_fact(evidence, 0)->new_value.length, 6 << 20, 8 << 20);
}

static void a_longer_record_is_refused(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_empty();
	CLEANUP(buf_release) struct buf value = BUF_UP_TO(TEXT_MAX);
	CLEANUP(buf_release) struct buf record = BUF_UP_TO(TEXT_MAX);
	struct error err = { 0 };

	while (value.length <= AUDIT_RECORD_MAX)
		buf_add_text(&value, "a long text ");
	add_record_of(&record, "Department", buf_span(&value));
	assert_false(evidence_add_audit(evidence, buf_span(&record), &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_int_equal(evidence_count(evidence), 0);
}

static void more_names_than_an_object_has_are_refused(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_empty();
	CLEANUP(buf_release) struct buf names = BUF_UP_TO(TEXT_MAX);
	CLEANUP(buf_release) struct buf record = BUF_UP_TO(TEXT_MAX);
	CLEANUP(buf_release) struct buf targets = BUF_UP_TO(TEXT_MAX);
	struct error err = { 0 };

	buf_add_byte(&names, '"');
	for (size_t i = 0; i < 1000000; i++)
		buf_addf(&names, "N%zu,", i % 10);
	buf_add_byte(&names, '"');
	add_record_of(&record, "Included Updated Properties", buf_span(&names));
	assert_false(evidence_add_audit(evidence, buf_span(&record), &err));
	assert_non_null(strstr(
		err.text, "audit record Directory_7: Included Updated Properties: more than"));

	buf_addf(&targets, "[{\"id\":\"%s\",\"modifiedProperties\":[{}", ADA);
	for (size_t i = 0; i < 200000; i++)
		buf_add_text(&targets, ",{\"displayName\":\"N\"}");
	buf_add_text(&targets, "]}]");
	buf_cut(&record, 0);
	add_record_text(&record, buf_text(&targets));
	assert_false(evidence_add_audit(evidence, buf_span(&record), &err));
	assert_non_null(
		strstr(err.text, "audit record Directory_7: modifiedProperties: more than"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_without_an_object_is_refused_with_its_id),
		cmocka_unit_test(json_in_texts_is_read_strictly_and_otherwise_not_known),
		cmocka_unit_test(what_a_long_value_was_cut_to_is_not_known),
		cmocka_unit_test(depth_is_not_followed_to_its_end),
		cmocka_unit_test(a_record_of_almost_eight_mebibytes_is_read),
		cmocka_unit_test(a_longer_record_is_refused),
		cmocka_unit_test(more_names_than_an_object_has_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
