/* Canonical lines: what Graph sends in any form comes out in one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "directory/directory.h"

#define ID       "0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10"
#define ID_UPPER "0F7C9A54-6E11-4A39-8F1B-9A3F5F3B2C10"
#define OTHER    "c1d7e7a2-3b55-4a8e-b7be-0d9b0f4c2f66"

/* The line of an object, and the line of that line: nothing may change any more. */
static void assert_line(enum kind_id kind, bool deleted, const char *object, const char *line)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	CLEANUP(buf_release) struct buf again = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct error err = { 0 };

	if (!line_add_object(&out, kind_get(kind), span_of(object), deleted, NULL, 0, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&out), line);
	assert_true(
		line_add_object(&again, kind_get(kind), buf_span(&out), deleted, NULL, 0, &err));
	assert_string_equal(buf_text(&again), line);
}

static void assert_refused(const char *object, const char *why)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct error err = { 0 };

	assert_false(
		line_add_object(&out, kind_get(KIND_USER), span_of(object), false, NULL, 0, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_string_equal(err.text, why);
	assert_int_equal(out.length, 0);
}

/* ---- objects -------------------------------------------------------------------------- */

static void keys_are_sorted_and_blanks_go(void **state)
{
	(void)state;
	assert_line(KIND_USER, false,
		" { \"surname\" : \"L\" ,\n\"id\":\"" ID_UPPER "\", \"accountEnabled\": true } ",
		"{\"accountEnabled\":true,\"id\":\"" ID "\",\"kind\":\"user\",\"surname\":\"L\"}");
	assert_line(KIND_GROUP, true, "{\"visibility\":\"Private\",\"id\":\"" ID "\"}",
		"{\"deleted\":true,\"id\":\"" ID
		"\",\"kind\":\"group\",\"visibility\":\"Private\"}");
	assert_line(KIND_CONTACT, false,
		"{\"id\":\"" ID "\",\"addresses\":[{\"b\":1,\"a\":\"x\"}]}",
		"{\"addresses\":[{\"a\":\"x\",\"b\":1}],\"id\":\"" ID "\",\"kind\":\"contact\"}");
}

static void nothing_is_left_out_but_an_empty_text_stays(void **state)
{
	(void)state;
	assert_line(KIND_USER, false,
		"{\"id\":\"" ID "\",\"city\":null,\"otherMails\":[],\"mail\":\"\","
		"\"businessPhones\":[null],\"employeeOrgData\":{\"division\":null},"
		"\"onPremisesExtensionAttributes\":null,\"manager\":null}",
		"{\"id\":\"" ID "\",\"kind\":\"user\",\"mail\":\"\"}");
	assert_line(KIND_CONTACT, false,
		"{\"id\":\"" ID
		"\",\"addresses\":[{\"city\":null},{},{\"city\":\"B\",\"x\":[],\"y\":{}}]}",
		"{\"addresses\":[{\"city\":\"B\"}],\"id\":\"" ID "\",\"kind\":\"contact\"}");
}

static void sets_are_sorted_and_have_no_doubles(void **state)
{
	(void)state;
	assert_line(KIND_USER, false,
		"{\"id\":\"" ID "\",\"proxyAddresses\":[\"smtp:b@x\",\"SMTP:a@x\",\"smtp:b@x\","
		"\"smtp:\\u0061@x\"]}",
		"{\"id\":\"" ID "\",\"kind\":\"user\","
		"\"proxyAddresses\":[\"SMTP:a@x\",\"smtp:a@x\",\"smtp:b@x\"]}");
	assert_line(KIND_USER, false,
		"{\"id\":\"" ID
		"\",\"onPremisesProvisioningErrors\":[{\"value\":\"b\",\"category\":"
		"\"P\"},{\"category\":\"P\",\"value\":\"a\"},{\"category\":\"P\",\"value\":\"b\"}]}",
		"{\"id\":\"" ID "\",\"kind\":\"user\",\"onPremisesProvisioningErrors\":["
		"{\"category\":\"P\",\"value\":\"a\"},{\"category\":\"P\",\"value\":\"b\"}]}");
}

static void strings_have_the_fewest_escapes(void **state)
{
	(void)state;
	assert_line(KIND_USER, false,
		"{\"id\":\"" ID
		"\",\"displayName\":\"\\u0041\\/\\u00e9\\ud83d\\ude00\\u000a\\u001F\"}",
		"{\"displayName\":\"A/\xc3\xa9\xf0\x9f\x98\x80\\n\\u001f\",\"id\":\"" ID
		"\",\"kind\":\"user\"}");
}

static void what_the_table_does_not_know_is_dropped(void **state)
{
	(void)state;
	assert_line(KIND_USER, false,
		"{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"" ID "\",\"skills\":[\"x\"],"
		"\"city@odata.type\":\"#String\",\"employeeOrgData/division\":\"x\","
		"\"employeeOrgData\":{\"@odata.type\":\"#x\",\"division\":\"d\",\"other\":1},"
		"\"memberOf\":[{\"id\":1}],\"kind\":\"group\",\"part\":\"x\",\"unknown\":3}",
		"{\"employeeOrgData\":{\"division\":\"d\"},\"id\":\"" ID "\",\"kind\":\"user\"}");
	assert_line(KIND_CONTACT, false,
		"{\"id\":\"" ID "\",\"phones\":[{\"@odata.type\":\"#x\",\"number\":\"1\","
		"\"@odata\\u002eid\":\"y\"}]}",
		"{\"id\":\"" ID "\",\"kind\":\"contact\",\"phones\":[{\"number\":\"1\"}]}");
}

static void keys_spelled_with_escapes_are_the_keys_they_say(void **state)
{
	(void)state;
	assert_line(KIND_USER, false,
		"{\"\\u0069d\":\"" ID "\",\"c\\u0069ty\":\"B\","
		"\"employeeOrgData\":{\"divisi\\u006fn\":\"d\"}}",
		"{\"city\":\"B\",\"employeeOrgData\":{\"division\":\"d\"},\"id\":\"" ID
		"\",\"kind\":\"user\"}");
}

static void a_manager_is_its_id_alone(void **state)
{
	(void)state;
	assert_line(KIND_USER, false,
		"{\"id\":\"" ID "\",\"manager\":{\"@odata.type\":\"#microsoft.graph.user\",\"id\":"
		"\"C1D7E7A2-3B55-4A8E-B7BE-0D9B0F4C2F66\"}}",
		"{\"id\":\"" ID "\",\"kind\":\"user\",\"manager\":\"" OTHER "\"}");
}

static void members_never_stand_in_the_line_of_their_group(void **state)
{
	(void)state;
	assert_line(KIND_GROUP, false,
		"{\"id\":\"" ID "\",\"members\":[{\"id\":\"" OTHER "\"}],\"owners\":[]}",
		"{\"id\":\"" ID "\",\"kind\":\"group\"}");
}

static void inner_values_are_rows_in_the_order_of_bytes(void **state)
{
	(void)state;
	assert_line(KIND_USER, false,
		"{\"onPremisesExtensionAttributes\":{\"extensionAttribute2\":\"2\","
		"\"extensionAttribute1\":\"1\",\"extensionAttribute3\":null,"
		"\"extensionAttribute15\":\"15\"},\"id\":\"" ID "\"}",
		"{\"id\":\"" ID "\",\"kind\":\"user\",\"onPremisesExtensionAttributes\":{"
		"\"extensionAttribute1\":\"1\",\"extensionAttribute15\":\"15\","
		"\"extensionAttribute2\":\"2\"}}");
}

static void numbers_stay_as_they_are_written(void **state)
{
	(void)state;
	assert_line(KIND_CONTACT, false, "{\"id\":\"" ID "\",\"phones\":[{\"n\":-0.10E+400}]}",
		"{\"id\":\"" ID "\",\"kind\":\"contact\",\"phones\":[{\"n\":-0.10E+400}]}");
}

static void unknown_names_are_listed_in_order(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	const struct span names[] = { SPAN_LITERAL("otherMails"), SPAN_LITERAL("isCloudManaged"),
		SPAN_LITERAL("otherMails") };
	struct error err = { 0 };

	(void)state;
	assert_true(line_add_object(&out, kind_get(KIND_GROUP),
		SPAN_LITERAL("{\"id\":\"" ID "\",\"visibility\":\"Public\"}"), false, names, 3,
		&err));
	assert_string_equal(buf_text(&out),
		"{\"id\":\"" ID "\",\"kind\":\"group\",\"unknown\":[\"isCloudManaged\","
		"\"otherMails\"],\"visibility\":\"Public\"}");
}

static void wrong_types_are_errors_and_leave_nothing_behind(void **state)
{
	(void)state;
	assert_refused("{\"id\":\"" ID "\",\"mail\":1}", "mail: a number where a text belongs");
	assert_refused("{\"id\":\"" ID "\",\"accountEnabled\":\"true\"}",
		"accountEnabled: a text where true or false belongs");
	assert_refused("{\"id\":\"" ID "\",\"otherMails\":\"a\"}",
		"otherMails: a text where an array belongs");
	assert_refused("{\"id\":\"" ID "\",\"otherMails\":[\"a\",{}]}",
		"otherMails: an object where a text belongs");
	assert_refused("{\"id\":\"" ID "\",\"onPremisesProvisioningErrors\":[1]}",
		"onPremisesProvisioningErrors: a number where an object belongs");
	assert_refused(
		"{\"id\":\"" ID "\",\"employeeOrgData\":\"x\"}", "employeeOrgData: not an object");
	assert_refused("{\"id\":\"" ID "\",\"employeeOrgData\":{\"division\":false}}",
		"employeeOrgData/division: false where a text belongs");
	assert_refused("{\"id\":\"" ID "\",\"manager\":{\"id\":\"x\"}}",
		"manager: a text that is no object id");
}

static void objects_without_an_id_are_refused(void **state)
{
	(void)state;
	assert_refused("{\"displayName\":\"x\"}", "id: missing");
	assert_refused("{\"id\":7}", "id: not a GUID");
	assert_refused("{\"id\":\"0f7c9a54\"}", "id: not a GUID");
	assert_refused("[]", "byte 0: not a JSON object");
	assert_refused("{\"id\":\"" ID "\"", "byte 44: the object does not end");
}

static void a_line_that_outgrows_its_buffer_is_an_error(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(40), exact = BUF_UP_TO(59);
	struct span object = SPAN_LITERAL("{\"id\":\"" ID "\"}");
	struct error err = { 0 };

	(void)state;
	assert_false(line_add_object(&out, kind_get(KIND_USER), object, false, NULL, 0, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_true(line_add_object(&exact, kind_get(KIND_USER), object, false, NULL, 0, &err));
	assert_int_equal(exact.length, 59);
}

/* ---- changed lines ----------------------------------------------------------------------- */

static void assert_changed(
	const char *line, const char *name, struct span value, const char *expected)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct span names = span_of(name);
	struct error err = { 0 };

	if (!line_add_changed(&out, span_of(line), &names, &value, 1, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&out), expected);
}

static void a_value_is_added_replaced_or_taken_away(void **state)
{
	(void)state;
	assert_changed("{\"id\":\"" ID "\",\"kind\":\"user\"}", "isCloudManaged",
		SPAN_LITERAL("true"),
		"{\"id\":\"" ID "\",\"isCloudManaged\":true,\"kind\":\"user\"}");
	assert_changed("{\"city\":\"A\",\"deleted\":true,\"id\":\"" ID "\",\"kind\":\"user\"}",
		"city", SPAN_LITERAL("\"B\""),
		"{\"city\":\"B\",\"deleted\":true,\"id\":\"" ID "\",\"kind\":\"user\"}");
	assert_changed("{\"city\":\"A\",\"id\":\"" ID "\",\"kind\":\"user\"}", "city", SPAN_NONE,
		"{\"id\":\"" ID "\",\"kind\":\"user\"}");
}

static void inner_values_are_changed_alone_or_together(void **state)
{
	static const char line[] = "{\"employeeOrgData\":{\"costCenter\":\"c\",\"division\":\"d\"},"
				   "\"id\":\"" ID "\",\"kind\":\"user\"}";

	(void)state;
	assert_changed(line, "employeeOrgData/division", SPAN_LITERAL("\"e\""),
		"{\"employeeOrgData\":{\"costCenter\":\"c\",\"division\":\"e\"},\"id\":\"" ID
		"\",\"kind\":\"user\"}");
	assert_changed(line, "employeeOrgData", SPAN_LITERAL("{\"division\":\"e\"}"),
		"{\"employeeOrgData\":{\"division\":\"e\"},\"id\":\"" ID "\",\"kind\":\"user\"}");
	assert_changed(line, "employeeOrgData", SPAN_NONE, "{\"id\":\"" ID "\",\"kind\":\"user\"}");
}

static void what_a_second_request_brought_is_no_longer_unknown(void **state)
{
	(void)state;
	assert_changed("{\"id\":\"" ID "\",\"kind\":\"user\",\"unknown\":[\"isCloudManaged\","
		       "\"mail\"]}",
		"isCloudManaged", SPAN_LITERAL("false"),
		"{\"id\":\"" ID "\",\"isCloudManaged\":false,\"kind\":\"user\",\"unknown\":"
		"[\"mail\"]}");
	assert_changed("{\"id\":\"" ID "\",\"kind\":\"user\",\"unknown\":[\"mail\"]}", "mail",
		SPAN_NONE, "{\"id\":\"" ID "\",\"kind\":\"user\"}");
}

static void a_change_that_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *line, *name, *value, *why;
	} cases[] = {
		{ "{\"id\":\"" ID "\",\"kind\":\"user\"}", "colour", "1",
			"colour: a user has no such attribute" },
		{ "{\"id\":\"" ID "\",\"kind\":\"user\"}", "city", "1",
			"city: a number where a text belongs" },
		{ "{\"id\":\"" ID "\",\"kind\":\"user\"}", "city", "\"",
			"city: byte 1: the string does not end" },
		{ "{\"id\":\"" ID "\",\"kind\":\"plant\"}", "city", "\"B\"",
			"kind: missing, or none that is known" },
		{ "{\"id\":\"" ID "\",\"kind\":\"group\",\"part\":\"members:\"}", "mail", "\"B\"",
			"part: a part line has no attributes" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
		struct span name = span_of(cases[i].name), value = span_of(cases[i].value);
		struct error err = { 0 };

		assert_false(
			line_add_changed(&out, span_of(cases[i].line), &name, &value, 1, &err));
		assert_string_equal(err.text, cases[i].why);
	}
}

/* ---- parts ---------------------------------------------------------------------------------- */

static void few_members_are_one_part_sorted_without_doubles(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct span ids[] = { SPAN_LITERAL(OTHER), SPAN_LITERAL(ID_UPPER), SPAN_LITERAL(ID) };
	struct error err = { 0 };

	(void)state;
	assert_true(line_add_parts(&out, SPAN_LITERAL(ID_UPPER), "members", ids, 3, &err));
	assert_true(line_add_parts(&out, SPAN_LITERAL(ID), "owners", ids, 1, &err));
	assert_true(line_add_parts(&out, SPAN_LITERAL(ID), "owners", ids, 0, &err));
	assert_string_equal(buf_text(&out),
		"{\"id\":\"" ID "\",\"kind\":\"group\",\"members\":[\"" ID "\",\"" OTHER
		"\"],\"part\":\"members:\"}\n"
		"{\"id\":\"" ID "\",\"kind\":\"group\",\"owners\":[\"" OTHER
		"\"],\"part\":\"owners:\"}\n");
}

enum { MANY = 20000 };

static void add_numbered_parts(struct buf *out, unsigned count)
{
	CLEANUP(memory_freep) char *texts = memory_array(count, 40);
	CLEANUP(memory_freep) struct span *ids = memory_array(count, sizeof(*ids));
	struct error err = { 0 };

	for (unsigned i = 0; i < count; i++) {
		/* Spread as real ids are. */
		snprintf(texts + (size_t)i * 40, 40, "%08x-0000-4000-8000-%012x", i * 2654435761U,
			i);
		ids[i] = span_of(texts + (size_t)i * 40);
	}
	assert_true(line_add_parts(out, SPAN_LITERAL(ID), "members", ids, count, &err));
}

static void many_members_are_split_by_the_first_digits_of_their_ids(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO((size_t)MANY * 64);
	size_t members = 0;
	struct error err = { 0 };

	(void)state;
	add_numbered_parts(&out, MANY);
	for (const char *at = buf_text(&out), *end; *at; at = end + 1) {
		struct span line, element, prefix, last = SPAN_NONE;
		struct scan scan;
		size_t count = 0;

		end = strchr(at, '\n');
		line = (struct span){ at, (size_t)(end - at) };
		assert_true(scan_check(line, &err));
		prefix = scan_text_direct(scan_find(line, "part"));
		prefix = (struct span){ prefix.data + strlen("members:"),
			prefix.length - strlen("members:") };
		for (scan = scan_open(scan_find(line, "members")); scan_element(&scan, &element);
			count++) {
			assert_memory_equal(element.data + 1, prefix.data, prefix.length);
			assert_true(span_compare(last, element) < 0);
			last = element;
		}
		assert_in_range(count, 1, DIRECTORY_PART_IDS);
		members += count;
	}
	assert_int_equal(members, MANY);
}

static unsigned lines_that_are_new(const char *before, const char *after)
{
	unsigned count = 0;

	for (const char *at = after, *end; *at; at = end + 1) {
		end = strchr(at, '\n');
		count += memmem(before, strlen(before), at, (size_t)(end - at)) == NULL;
	}
	return count;
}

static void one_more_member_changes_one_part(void **state)
{
	CLEANUP(buf_release) struct buf before = BUF_UP_TO((size_t)MANY * 64);
	CLEANUP(buf_release) struct buf after = BUF_UP_TO((size_t)MANY * 64);

	(void)state;
	add_numbered_parts(&before, MANY - 1);
	add_numbered_parts(&after, MANY);
	assert_int_equal(lines_that_are_new(buf_text(&before), buf_text(&after)), 1);
}

static void members_that_are_no_ids_are_refused(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct span ids[] = { SPAN_LITERAL("\"},{") };
	struct error err = { 0 };

	(void)state;
	assert_false(line_add_parts(&out, SPAN_LITERAL(ID), "members", ids, 1, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_string_equal(err.text, "group " ID ": members: not an object id");
	assert_int_equal(out.length, 0);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void a_value_of_no_attribute_keeps_the_order_of_its_arrays(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(1000);
	struct error err = { 0 };

	(void)state;
	assert_true(value_add_canonical(
		&out, NULL, SPAN_LITERAL(" {\"b\":[3,1,{\"z\":null}],\"a\":\"\\u0062\"} "), &err));
	assert_string_equal(buf_text(&out), "{\"a\":\"b\",\"b\":[3,1]}");
	buf_cut(&out, 0);
	assert_true(value_add_canonical(&out, NULL, SPAN_LITERAL("{\"a\":null}"), &err));
	assert_true(value_add_canonical(&out, NULL, SPAN_LITERAL(" null"), &err));
	assert_true(value_add_canonical(&out, NULL, SPAN_NONE, &err));
	assert_int_equal(out.length, 0);
	assert_false(value_add_canonical(&out, NULL, SPAN_LITERAL("{"), &err));
}

static void a_large_object_is_sorted_too(void **state)
{
	CLEANUP(buf_release) struct buf in = BUF_UP_TO(100000), out = BUF_UP_TO(100000);
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(100000);
	struct error err = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		buf_addf(&in, "%c\"k%03d\": %d", i ? ',' : '{', 999 - i, i);
		buf_addf(&expected, "%c\"k%03d\":%d", i ? ',' : '{', i, 999 - i);
	}
	buf_add_byte(&in, '}');
	buf_add_byte(&expected, '}');
	assert_true(value_add_canonical(&out, NULL, buf_span(&in), &err));
	assert_string_equal(buf_text(&out), buf_text(&expected));
}

static void a_set_of_references_is_lower_case_and_sorted(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(1000);
	const struct attribute *members = attribute_find(kind_get(KIND_GROUP), span_of("members"));
	struct error err = { 0 };

	(void)state;
	assert_true(value_add_canonical(
		&out, members, SPAN_LITERAL("[\"" OTHER "\",{\"id\":\"" ID_UPPER "\"}]"), &err));
	assert_string_equal(buf_text(&out), "[\"" ID "\",\"" OTHER "\"]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_sorted_and_blanks_go),
		cmocka_unit_test(nothing_is_left_out_but_an_empty_text_stays),
		cmocka_unit_test(sets_are_sorted_and_have_no_doubles),
		cmocka_unit_test(strings_have_the_fewest_escapes),
		cmocka_unit_test(what_the_table_does_not_know_is_dropped),
		cmocka_unit_test(keys_spelled_with_escapes_are_the_keys_they_say),
		cmocka_unit_test(a_manager_is_its_id_alone),
		cmocka_unit_test(members_never_stand_in_the_line_of_their_group),
		cmocka_unit_test(inner_values_are_rows_in_the_order_of_bytes),
		cmocka_unit_test(numbers_stay_as_they_are_written),
		cmocka_unit_test(unknown_names_are_listed_in_order),
		cmocka_unit_test(wrong_types_are_errors_and_leave_nothing_behind),
		cmocka_unit_test(objects_without_an_id_are_refused),
		cmocka_unit_test(a_line_that_outgrows_its_buffer_is_an_error),
		cmocka_unit_test(a_value_is_added_replaced_or_taken_away),
		cmocka_unit_test(inner_values_are_changed_alone_or_together),
		cmocka_unit_test(what_a_second_request_brought_is_no_longer_unknown),
		cmocka_unit_test(a_change_that_makes_no_sense_is_refused),
		cmocka_unit_test(few_members_are_one_part_sorted_without_doubles),
		cmocka_unit_test(many_members_are_split_by_the_first_digits_of_their_ids),
		cmocka_unit_test(one_more_member_changes_one_part),
		cmocka_unit_test(members_that_are_no_ids_are_refused),
		cmocka_unit_test(a_value_of_no_attribute_keeps_the_order_of_its_arrays),
		cmocka_unit_test(a_large_object_is_sorted_too),
		cmocka_unit_test(a_set_of_references_is_lower_case_and_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
