/* Objects read one after the other from the pages of a list: lines, and what did not come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/scan.h"
#include "directory/directory.h"

#define ID       "0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10"
#define ID_UPPER "0F7C9A54-6E11-4A39-8F1B-9A3F5F3B2C10"
#define OTHER    "c1d7e7a2-3b55-4a8e-b7be-0d9b0f4c2f66"

static const char *const three[] = { "id", "mail", "onPremisesSyncEnabled", NULL };

static const char *const only_id[] = { "id", NULL };

static const struct line_list of_users = { .selected = three };

static struct line_reader *reader_of(struct line_list list, enum kind_id kind)
{
	list.kind = kind_get(kind);
	return line_reader_new(&list);
}

static size_t take(struct line_reader *reader, struct buf *out, struct span text)
{
	/* A heap block of exactly this size: the address sanitizer watches its end. */
	CLEANUP(memory_freep) char *copy = memory_copy(text.data, text.length ? text.length : 1);
	struct error err = { 0 };
	size_t taken = SIZE_MAX;

	if (!line_take_object(reader, out, (struct span){ copy, text.length }, &taken, &err))
		fail_msg("%s", err.text);
	return taken;
}

static void assert_line(struct line_reader *reader, const char *object, const char *line)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);

	assert_int_equal(take(reader, &out, span_of(object)), strlen(object));
	assert_string_equal(buf_text(&out), line);
}

static void assert_refused(struct line_reader *reader, const char *object, const char *why)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct error err = { 0 };
	size_t taken;

	buf_add_text(&out, "before");
	assert_false(line_take_object(reader, &out, span_of(object), &taken, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_string_equal(err.text, why);
	assert_string_equal(buf_text(&out), "before");
}

static void objects_are_taken_one_after_the_other_from_a_page(void **state)
{
	static const char page[] = "{\"id\":\"" ID_UPPER "\",\"mail\":\"a@x\","
				   "\"onPremisesSyncEnabled\":null} , {\"id\":\"" OTHER "\"}]}";
	CLEANUP(line_reader_freep) struct line_reader *reader = reader_of(of_users, KIND_USER);
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct span rest = span_of(page);
	size_t taken = take(reader, &out, rest);

	(void)state;
	assert_string_equal(
		buf_text(&out), "{\"id\":\"" ID "\",\"kind\":\"user\",\"mail\":\"a@x\"}");
	rest = (struct span){ page + taken + 2, sizeof(page) - 1 - taken - 2 };
	buf_cut(&out, 0);
	taken = take(reader, &out, rest);
	assert_string_equal(buf_text(&out),
		"{\"id\":\"" OTHER "\",\"kind\":\"user\",\"unknown\":["
		"\"mail\",\"onPremisesSyncEnabled\"]}");
	assert_int_equal(taken, rest.length - 2);
}

static void an_object_that_has_not_all_come_appends_nothing(void **state)
{
	struct span object = SPAN_LITERAL(
		" {\"id\":\"" ID "\",\"mail\":\"\\u00e4\xc3\xa4\",\"otherMails\":[\"b\",\"a\"],"
		"\"onPremisesSyncEnabled\":true,\"businessPhones\":[\"+49 30 1\"],"
		"\"onPremisesExtensionAttributes\":{\"extensionAttribute1\":\"x\"}}");
	CLEANUP(line_reader_freep) struct line_reader *reader = reader_of(of_users, KIND_USER);

	(void)state;
	for (size_t cut = 0; cut <= object.length; cut++) {
		CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
		size_t taken = take(reader, &out, (struct span){ object.data, cut });

		assert_int_equal(taken, cut < object.length ? 0 : cut);
		assert_int_equal(out.length != 0, cut == object.length);
	}
}

static void everything_is_selected_that_the_table_selects(void **state)
{
	CLEANUP(line_reader_freep)
	struct line_reader *reader = reader_of((struct line_list){ 0 }, KIND_CONTACT);

	(void)state;
	assert_line(reader,
		"{\"id\":\"" ID "\",\"addresses\":[],\"companyName\":null,\"mail\":\"a@x\"}",
		"{\"id\":\"" ID "\",\"kind\":\"contact\",\"mail\":\"a@x\",\"unknown\":["
		"\"department\",\"displayName\",\"givenName\",\"jobTitle\",\"mailNickname\","
		"\"onPremisesLastSyncDateTime\",\"onPremisesProvisioningErrors\","
		"\"onPremisesSyncEnabled\",\"phones\",\"proxyAddresses\","
		"\"serviceProvisioningErrors\",\"surname\"]}");
}

static void a_complex_value_is_selected_and_missed_by_its_outer_name(void **state)
{
	static const char *const names[] = { "employeeOrgData", "onPremisesExtensionAttributes",
		NULL };
	CLEANUP(line_reader_freep)
	struct line_reader *reader = reader_of((struct line_list){ .selected = names }, KIND_USER);

	(void)state;
	assert_line(reader, "{\"id\":\"" ID "\",\"employeeOrgData\":null}",
		"{\"id\":\"" ID
		"\",\"kind\":\"user\",\"unknown\":[\"onPremisesExtensionAttributes\"]}");
	assert_line(reader,
		"{\"onPremisesExtensionAttributes\":{\"extensionAttribute9\":\"9\","
		"\"extensionAttribute1\":\"1\"},\"id\":\"" ID
		"\",\"employeeOrgData\":{\"division\":\"d\"}}",
		"{\"employeeOrgData\":{\"division\":\"d\"},\"id\":\"" ID "\",\"kind\":\"user\","
		"\"onPremisesExtensionAttributes\":{\"extensionAttribute1\":\"1\","
		"\"extensionAttribute9\":\"9\"}}");
	assert_refused(reader, "{\"id\":\"" ID "\",\"employeeOrgData\":[{\"division\":\"d\"}]}",
		"employeeOrgData: not an object");
}

static void what_a_list_cannot_tell_is_unknown_in_every_line(void **state)
{
	static const char *const never[] = { "owners", "members", NULL };
	CLEANUP(line_reader_freep)
	struct line_reader *reader = reader_of(
		(struct line_list){ .selected = three, .unknown = never }, KIND_GROUP);

	(void)state;
	assert_line(reader,
		"{\"id\":\"" ID "\",\"onPremisesSyncEnabled\":null,\"owners\":[{\"id\":1}],"
		"\"visibility\":\"Public\"}",
		"{\"id\":\"" ID "\",\"kind\":\"group\",\"unknown\":[\"mail\",\"members\","
		"\"owners\"],\"visibility\":\"Public\"}");
}

static void is_cloud_managed_is_unknown_where_it_matters(void **state)
{
	static const char *const behavior[] = { "isCloudManaged", NULL };
	static const struct {
		const char *members;
		bool enabled, was, matters;
	} cases[] = {
		{ "\"onPremisesSyncEnabled\":true", true, true, false },
		{ "\"onPremisesSyncEnabled\":false", false, true, true },
		{ "\"onPremisesSyncEnabled\":null", false, false, false },
		{ "\"mail\":\"a\"", false, false, false },
		{ "\"onPremisesSyncEnabled\":null,\"onPremisesImmutableId\":\"x\"", false, true,
			true },
		{ "\"onPremisesSecurityIdentifier\":\"S-1\"", false, true, true },
		{ "\"onPremisesSecurityIdentifier\":null", false, false, false },
	};
	CLEANUP(line_reader_freep)
	struct line_reader *reader = reader_of(
		(struct line_list){ .selected = only_id, .unknown = behavior }, KIND_USER);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
		CLEANUP(buf_release) struct buf object = BUF_UP_TO(DIRECTORY_LINE_MAX);
		const struct line_object *facts = line_reader_object(reader);
		struct error err = { 0 };

		buf_addf(&object, "{\"id\":\"" ID_UPPER "\",%s}", cases[i].members);
		take(reader, &out, buf_span(&object));
		assert_int_equal(facts->sync_enabled, cases[i].enabled);
		assert_int_equal(facts->was_synced, cases[i].was);
		assert_int_equal(facts->behavior_matters, cases[i].matters);
		assert_string_equal(facts->id, ID);
		assert_int_equal(strstr(buf_text(&out), "\"unknown\":[\"isCloudManaged\"]") != NULL,
			cases[i].matters);
		/* What the whole object says, asked as everybody else asks. */
		CLEANUP(object_freep) struct object *parsed = object_parse(buf_span(&out), &err);

		assert_non_null(parsed);
		assert_int_equal(object_was_synced(parsed), cases[i].was);
	}
}

static void raw_values_are_there_for_those_who_ask(void **state)
{
	static const char *const beside[] = { "@removed", "members@delta", NULL };
	static const char object[] = "{\"@removed\":{\"reason\":\"changed\"},\"owners\":[ {} ],"
				     "\"id\":\"" ID "\",\"mail\":null,\"members@delta\":[1]}";
	CLEANUP(line_reader_freep)
	struct line_reader *reader = reader_of(
		(struct line_list){ .selected = only_id, .beside = beside }, KIND_GROUP);
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct error err = { 0 };
	size_t taken;

	(void)state;
	assert_true(line_take_object(reader, &out, span_of(object), &taken, &err));
	assert_true(span_is(line_reader_value(reader, "owners"), "[ {} ]"));
	assert_true(span_is(line_reader_value(reader, "@removed"), "{\"reason\":\"changed\"}"));
	assert_true(span_is(line_reader_value(reader, "members@delta"), "[1]"));
	assert_true(span_is(line_reader_value(reader, "id"), "\"" ID "\""));
	assert_true(span_is(line_reader_value(reader, "mail"), "null"));
	assert_null(line_reader_value(reader, "displayName").data);
	assert_string_equal(buf_text(&out), "{\"id\":\"" ID "\",\"kind\":\"group\"}");
}

static void a_deleted_object_says_so(void **state)
{
	struct line_list list = { .deleted = true, .selected = only_id };
	CLEANUP(line_reader_freep) struct line_reader *reader = reader_of(list, KIND_USER);

	(void)state;
	assert_line(reader, "{\"id\":\"" ID "\"}",
		"{\"deleted\":true,\"id\":\"" ID "\",\"kind\":\"user\"}");
}

static void refusals_leave_nothing_behind(void **state)
{
	CLEANUP(line_reader_freep) struct line_reader *reader = reader_of(of_users, KIND_USER);

	(void)state;
	assert_refused(reader, "[]", "byte 0: not a JSON object");
	assert_refused(reader, "{\"mail\":\"x\"}", "id: missing");
	assert_refused(reader, "{\"id\":\"x\"}", "id: not a GUID");
	assert_refused(
		reader, "{\"id\":\"" ID "\",\"mail\":1}", "mail: a number where a text belongs");
	assert_refused(reader, "{\"id\":1,\"id\":2", "byte 9: a duplicate key");
	assert_refused(reader, "{\"id\":1]", "byte 7: a comma or } belongs here");
}

/* Any members in any order: what the reader remembers of earlier objects changes no line. */
static void a_list_gives_the_lines_that_objects_give_one_by_one(void **state)
{
	static const char *const members[] = { "\"mail\":\"a@x\"", "\"mail\":null",
		"\"city\":\"M\\u00fcnchen\"", "\"displayName\" : \"B\"", "\"surname\":\"\"",
		"\"accountEnabled\":false", "\"proxyAddresses\":[\"smtp:b\",\"SMTP:a\"]",
		"\"otherMails\":[\"a\",\"b\"]", "\"businessPhones\":[]", "\"city\":1",
		"\"imAddresses\":[\"a\", \"b\"]", "\"skills\":{\"mail\":\"no\"}",
		"\"onPremisesExtensionAttributes\":{\"extensionAttribute1\":\"1\","
		"\"extensionAttribute10\":\"10\",\"extensionAttribute2\":\"2\"}",
		"\"employeeOrgData\":{\"division\":\"d\",\"x\":[{}],\"costCenter\":null}",
		"\"manager\":{\"id\":\"" OTHER "\"}", "\"\\u006dail\":\"escaped\"",
		"\"usageLocation\":\"DE\"", "\"userType\":\"Member\"" };
	CLEANUP(line_reader_freep)
	struct line_reader *reader = reader_of(
		(struct line_list){ .selected = only_id }, KIND_USER);
	size_t good = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		CLEANUP(buf_release) struct buf object = BUF_UP_TO(DIRECTORY_LINE_MAX);
		CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
		CLEANUP(buf_release) struct buf one = BUF_UP_TO(DIRECTORY_LINE_MAX);
		struct error list_err = { 0 }, err = { 0 };
		unsigned number = i * 2654435761u;
		size_t taken;
		bool same;

		buf_addf(&object, "{\"id\":\"" ID "\"");
		for (unsigned count = number >> 29; count; count--, number = number * 69069 + 5)
			buf_addf(&object, ",%s", members[(number >> 8) % COUNT_OF(members)]);
		buf_add_byte(&object, '}');
		same = line_take_object(reader, &out, buf_span(&object), &taken, &list_err) ==
			line_add_object(
				&one, kind_get(KIND_USER), buf_span(&object), false, NULL, 0, &err);
		if (!same || strcmp(buf_text(&out), buf_text(&one)) != 0 ||
			strcmp(list_err.text, err.text) != 0)
			fail_msg("%s: %s %s, but alone %s %s", buf_text(&object), buf_text(&out),
				list_err.text, buf_text(&one), err.text);
		good += err.kind == ERROR_NONE;
	}
	assert_in_range(good, 5000, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_taken_one_after_the_other_from_a_page),
		cmocka_unit_test(an_object_that_has_not_all_come_appends_nothing),
		cmocka_unit_test(everything_is_selected_that_the_table_selects),
		cmocka_unit_test(a_complex_value_is_selected_and_missed_by_its_outer_name),
		cmocka_unit_test(what_a_list_cannot_tell_is_unknown_in_every_line),
		cmocka_unit_test(is_cloud_managed_is_unknown_where_it_matters),
		cmocka_unit_test(raw_values_are_there_for_those_who_ask),
		cmocka_unit_test(a_deleted_object_says_so),
		cmocka_unit_test(refusals_leave_nothing_behind),
		cmocka_unit_test(a_list_gives_the_lines_that_objects_give_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
