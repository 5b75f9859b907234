/* Members of objects that are alike are found while the objects are checked, to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/members.h"
#include "base/memory.h"
#include "base/scan.h"

enum { ID, NAME, SET, COUNT };

static const char *const names[COUNT] = { [ID] = "id", [NAME] = "name", [SET] = "set" };

static void assert_member(const struct members *members, size_t place, const char *text)
{
	struct span value = members_value(members, place);

	if (!span_equal(value, span_of(text)))
		fail_msg("%s is %.*s", names[place], SPAN_FORMAT(value));
}

static void read_good(struct members *members, const char *text)
{
	struct error err = { 0 };

	if (!members_read(members, span_of(text), &err))
		fail_msg("%s: %s", text, err.text);
}

static void members_are_found_whatever_came_before(void **state UNUSED)
{
	CLEANUP(members_freep) struct members *members = members_new(names, COUNT);

	for (int i = 0; i < 3; i++) {
		read_good(members, "{\"a\":1,\"id\":\"x\",\"name\":\"n\",\"set\":[\"s\"]}");
		assert_member(members, ID, "\"x\"");
		assert_member(members, NAME, "\"n\"");
		assert_member(members, SET, "[\"s\"]");
		read_good(members, "{\"set\":[],\"z\":{\"id\":\"inner\"}}");
		assert_member(members, ID, NULL);
		assert_member(members, NAME, NULL);
		assert_member(members, SET, "[]");
		read_good(members, "{\"id\":null,\"n\\u0061me\":\"\\u0041\"}");
		assert_member(members, ID, NULL);
		assert_true(members_came(members, ID));
		assert_member(members, NAME, "\"\\u0041\"");
		assert_false(members_came(members, SET));
		read_good(members, " {\"id\" : \"x\" } ");
		assert_member(members, ID, "\"x\"");
		assert_member(members, SET, NULL);
		read_good(members, "{}");
		assert_false(members_came(members, ID));
	}
}

/* Each cut and each changed byte of an object has the verdict of scan_check(), also once a shape is known. */
static void what_is_no_object_is_refused_as_ever(void **state UNUSED)
{
	static const char good[] =
		"{\"id\":\"x\",\"name\":\"\\u0041\",\"set\":[\"s\",{\"a\":[1,true,null]}]}";
	static const char bytes[] = "{}[]\",:\\ x1\n\xff";
	CLEANUP(members_freep) struct members *members = members_new(names, COUNT);
	size_t refused = 0;

	read_good(members, good);
	for (size_t at = 0; at < sizeof(good) - 1; at++)
		for (size_t i = 0; i < sizeof(bytes); i++) {
			struct error ours = { 0 }, oracle = { 0 };
			char text[sizeof(good)];
			struct span span = { text, i ? sizeof(good) - 1 : at };
			bool valid;

			memcpy(text, good, sizeof(good));
			text[at] = i ? bytes[i - 1] : text[at];
			valid = scan_check(span, &oracle) &&
				scan_type(scan_trim(span)) == SCAN_OBJECT;
			assert_int_equal(members_read(members, span, &ours), valid);
			if (!valid)
				assert_int_equal(ours.kind, ERROR_FORMAT);
			refused += !valid;
		}
	assert_true(refused > 100);
}

static void what_comes_twice_or_is_no_object_is_refused(void **state UNUSED)
{
	static const char *const bad[] = { "{\"id\":\"x\",\"id\":\"y\"}",
		"{\"id\":\"x\",\"\\u0069d\":\"y\"}", "[\"id\"]", "\"id\"", "1", "",
		"{\"id\":\"x\"}{}", "{\"a\":[}],\"id\":\"x\"}" };
	CLEANUP(members_freep) struct members *members = members_new(names, COUNT);

	read_good(members, "{\"id\":\"x\"}");
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct error err = { 0 };

		assert_false(members_read(members, span_of(bad[i]), &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found_whatever_came_before),
		cmocka_unit_test(what_is_no_object_is_refused_as_ever),
		cmocka_unit_test(what_comes_twice_or_is_no_object_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
