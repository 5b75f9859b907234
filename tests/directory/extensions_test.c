/* Directory extensions: their names, their place in a line, their values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "directory/directory.h"

#define ID   "0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10"
#define APP  "extension_7be1c04d9a314c60b9a1e0d4b6f2e8c1"
#define COST APP "_costCentre"
#define SITE APP "_site"

static const struct kind *user(void)
{
	return kind_get(KIND_USER);
}

static void assert_line(const char *object, const char *line)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct error err = { 0 };

	if (!line_add_object(&out, user(), span_of(object), false, NULL, 0, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&out), line);
}

static void a_name_has_one_row_with_every_kind(void **state)
{
	const struct attribute *row = attribute_find(user(), SPAN_LITERAL(COST));

	(void)state;
	assert_non_null(row);
	assert_true(attribute_is_extension(row));
	assert_string_equal(row->name, COST);
	assert_ptr_equal(row, attribute_find(kind_get(KIND_GROUP), SPAN_LITERAL(COST)));
	assert_ptr_equal(row, attribute_find_audit(user(), SPAN_LITERAL(COST)));
	assert_ptr_equal(row, attribute_find_sync(user(), SPAN_LITERAL(COST)));
	assert_ptr_not_equal(row, attribute_find(user(), SPAN_LITERAL(SITE)));
}

static void what_only_looks_like_one_has_none(void **state)
{
	static const char *const names[] = { "extension_", APP, APP "_", APP "_a-b", APP "_a b",
		"extension_7BE1C04D9A314C60B9A1E0D4B6F2E8C1_x", "extension_7be1_costCentre",
		"Extension_7be1c04d9a314c60b9a1e0d4b6f2e8c1_x", APP "_\xc3\xa9" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_null(attribute_find(user(), span_of(names[i])));
}

static void they_stand_in_byte_order_among_the_others(void **state)
{
	(void)state;
	assert_line("{\"" SITE "\":\"B\",\"id\":\"" ID "\",\"externalUserState\":\"x\",\"" COST
		    "\":\"A\",\"employeeType\":\"e\"}",
		"{\"employeeType\":\"e\",\"" COST "\":\"A\",\"" SITE
		"\":\"B\",\"externalUserState\":\"x\",\"id\":\"" ID "\",\"kind\":\"user\"}");
}

static void values_are_texts_numbers_truth_or_a_set_of_them(void **state)
{
	(void)state;
	assert_line("{\"id\":\"" ID "\",\"" COST "\":17,\"" SITE "\":[\"b\",\"a\",\"b\"]}",
		"{\"" COST "\":17,\"" SITE "\":[\"a\",\"b\"],\"id\":\"" ID "\",\"kind\":\"user\"}");
	assert_line("{\"id\":\"" ID "\",\"" COST "\":true,\"" SITE "\":\"9007199254740993\"}",
		"{\"" COST "\":true,\"" SITE "\":\"9007199254740993\",\"id\":\"" ID
		"\",\"kind\":\"user\"}");
}

static void null_and_the_empty_set_are_nothing(void **state)
{
	(void)state;
	assert_line("{\"id\":\"" ID "\",\"" COST "\":null,\"" SITE "\":[]}",
		"{\"id\":\"" ID "\",\"kind\":\"user\"}");
}

static void an_object_in_one_is_refused(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct error err = { 0 };

	(void)state;
	assert_false(line_add_object(&out, user(),
		SPAN_LITERAL("{\"id\":\"" ID "\",\"" COST "\":{}}"), false, NULL, 0, &err));
	assert_string_equal(err.text, COST ": an object where one value belongs");
}

static void more_than_an_object_can_have_are_refused(void **state)
{
	CLEANUP(buf_release) struct buf object = BUF_UP_TO(1 << 20);
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct error err = { 0 };

	(void)state;
	buf_add_text(&object, "{\"id\":\"" ID "\"");
	for (int i = 0; i <= OBJECT_EXTENSIONS_MAX; i++)
		buf_addf(&object, ",\"" APP "_n%d\":1", i);
	buf_add_text(&object, "}");
	assert_false(line_add_object(&out, user(), buf_span(&object), false, NULL, 0, &err));
	assert_string_equal(err.text, "more than 128 directory extensions");
	assert_int_equal(out.length, 0);
}

static void an_object_lists_those_that_are_set(void **state)
{
	struct error err = { 0 };
	CLEANUP(object_freep)
	struct object *object = object_parse(
		SPAN_LITERAL("{\"" COST "\":\"A\",\"" SITE "\":[1,2],\"id\":\"" ID
			     "\",\"kind\":\"user\"}\n"),
		&err);

	(void)state;
	assert_non_null(object);
	assert_int_equal(object_extension_count(object), 2);
	assert_string_equal(object_extension(object, 0)->name, COST);
	assert_string_equal(object_extension(object, 1)->name, SITE);
	assert_true(span_is(object_get_named(object, COST), "\"A\""));
	assert_true(span_is(object_get(object, object_extension(object, 1)), "[1,2]"));
	assert_false(object_get_named(object, APP "_other").data);
	assert_false(object_unknown(object, object_extension(object, 0)));
}

static void all_of_them_can_be_unknown_at_once(void **state)
{
	struct error err = { 0 };
	CLEANUP(object_freep)
	struct object *object = object_parse(
		SPAN_LITERAL("{\"id\":\"" ID "\",\"kind\":\"user\",\"unknown\":["
			     "\"" UNKNOWN_EXTENSIONS "\"]}\n"),
		&err);

	(void)state;
	assert_non_null(object);
	assert_true(object_unknown(object, attribute_find(user(), SPAN_LITERAL(COST))));
	assert_false(object_unknown(object, attribute_find(user(), SPAN_LITERAL("city"))));
}

static void a_line_takes_a_new_value_for_one(void **state)
{
	const struct span names[] = { SPAN_LITERAL(SITE), SPAN_LITERAL(COST) };
	const struct span values[] = { SPAN_LITERAL("\"here\""), SPAN_NONE };
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct error err = { 0 };

	(void)state;
	assert_true(line_add_changed(&out,
		SPAN_LITERAL("{\"" COST "\":\"A\",\"id\":\"" ID "\",\"kind\":\"user\"}"), names,
		values, 2, &err));
	assert_string_equal(
		buf_text(&out), "{\"" SITE "\":\"here\",\"id\":\"" ID "\",\"kind\":\"user\"}");
}

/* A reader remembers where they came: other ones in the next object must not be taken for them. */
static void a_reader_tells_the_ones_of_each_object_apart(void **state)
{
	static const char *const selected[] = { NULL };
	static const char text[] = "{\"id\":\"" ID "\",\"" COST "\":\"A\",\"" SITE "\":\"B\"}"
				   "{\"id\":\"" ID "\",\"" SITE "\":\"C\"}"
				   "{\"id\":\"" ID "\",\"" APP "_new\":\"D\",\"" COST "\":\"E\"}"
				   "{\"id\":\"" ID "\"}";
	static const char *const lines[] = {
		"{\"" COST "\":\"A\",\"" SITE "\":\"B\",\"id\":\"" ID "\",\"kind\":\"user\"}",
		"{\"" SITE "\":\"C\",\"id\":\"" ID "\",\"kind\":\"user\"}",
		"{\"" COST "\":\"E\",\"" APP "_new\":\"D\",\"id\":\"" ID "\",\"kind\":\"user\"}",
		"{\"id\":\"" ID "\",\"kind\":\"user\"}",
	};
	struct line_list list = { .kind = kind_get(KIND_USER), .selected = selected };
	CLEANUP(line_reader_freep) struct line_reader *reader = line_reader_new(&list);
	struct span rest = span_of(text);
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		CLEANUP(buf_release) struct buf out = BUF_UP_TO(DIRECTORY_LINE_MAX);
		size_t taken;

		if (!line_take_object(reader, &out, rest, &taken, &err))
			fail_msg("%s", err.text);
		assert_string_equal(buf_text(&out), lines[i]);
		rest = (struct span){ rest.data + taken, rest.length - taken };
	}
}

static void the_same_value_may_be_written_in_several_ways(void **state)
{
	const struct attribute *row = attribute_find(user(), SPAN_LITERAL(COST));

	(void)state;
	assert_true(attribute_equal(row, SPAN_LITERAL("17"), SPAN_LITERAL("\"17\"")));
	assert_true(attribute_equal(row, SPAN_LITERAL("true"), SPAN_LITERAL("\"true\"")));
	assert_true(attribute_equal(row, SPAN_LITERAL("[\"a\"]"), SPAN_LITERAL("\"a\"")));
	assert_true(attribute_equal(row, SPAN_LITERAL("[10,9]"), SPAN_LITERAL("[\"10\",\"9\"]")));
	assert_false(attribute_equal(row, SPAN_LITERAL("17"), SPAN_LITERAL("\"170\"")));
	assert_false(attribute_equal(row, SPAN_LITERAL("\"a\""), SPAN_LITERAL("\"A\"")));
	assert_false(attribute_equal(row, SPAN_LITERAL("[\"a\",\"b\"]"), SPAN_LITERAL("\"a\"")));
	assert_false(attribute_equal(row, SPAN_LITERAL("[1,2]"), SPAN_LITERAL("[1,3]")));
	assert_false(attribute_equal(row, SPAN_LITERAL("1"), SPAN_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_has_one_row_with_every_kind),
		cmocka_unit_test(what_only_looks_like_one_has_none),
		cmocka_unit_test(they_stand_in_byte_order_among_the_others),
		cmocka_unit_test(values_are_texts_numbers_truth_or_a_set_of_them),
		cmocka_unit_test(null_and_the_empty_set_are_nothing),
		cmocka_unit_test(an_object_in_one_is_refused),
		cmocka_unit_test(more_than_an_object_can_have_are_refused),
		cmocka_unit_test(an_object_lists_those_that_are_set),
		cmocka_unit_test(all_of_them_can_be_unknown_at_once),
		cmocka_unit_test(a_line_takes_a_new_value_for_one),
		cmocka_unit_test(the_same_value_may_be_written_in_several_ways),
		cmocka_unit_test(a_reader_tells_the_ones_of_each_object_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
