/* What of a plan a person has to look at first, and at twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "report/report.h"

#define ADA   "a0000000-0000-4000-8000-000000000001"
#define BOB   "a0000000-0000-4000-8000-000000000002"
#define GROUP "b0000000-0000-4000-8000-000000000001"

static struct plan_step set_step(const char *id, const char *name, enum kind_id kind,
	const char *attribute, const char *from, const char *to)
{
	return (struct plan_step){ .operation = GRAPH_SET,
		.door = DOOR_GRAPH,
		.kind = kind_get(kind),
		.id = id,
		.name = name,
		.attribute = attribute_find(kind_get(kind), span_of(attribute)),
		.from = span_of(from),
		.to = span_of(to),
		.why = "" };
}

static struct plan plan_of(struct plan_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		steps[i].number = i + 1;
	return (struct plan){ .steps = steps, .step_count = count };
}

static struct marks *marks_in(const struct plan *plan)
{
	struct error err = { 0 };
	struct marks *marks = marks_new(plan, &err);

	assert_string_equal(err.text, "");
	assert_non_null(marks);
	return marks;
}

static const struct mark *find_mark(
	const struct marks *marks, size_t item, enum mark_kind kind, enum mark_place place)
{
	size_t count;
	const struct mark *found = marks_of(marks, item, &count);

	for (size_t i = 0; i < count; i++)
		if (found[i].kind == kind && found[i].place == place)
			return &found[i];
	return NULL;
}

/* ---- danger ----------------------------------------------------------------------------- */

static enum danger danger_of(const char *attribute, const char *from, const char *to)
{
	struct plan_step step = set_step(ADA, "Ada", KIND_USER, attribute, from, to);

	assert_non_null(step.attribute);
	return plan_step_danger(&step);
}

static void what_locks_people_out_comes_before_what_describes_them(void **state)
{
	struct plan_step deletion = { .operation = GRAPH_REMOVE };
	struct plan_step member = { .operation = GRAPH_REMOVE_MEMBER };
	struct plan_step role = set_step(
		GROUP, "Admins", KIND_GROUP, "isAssignableToRole", "true", "false");
	enum danger worst_first[] = {
		plan_step_danger(&deletion),
		danger_of("userPrincipalName", "\"a@x\"", "\"b@x\""),
		danger_of("mail", "\"a@x\"", "\"b@x\""),
		danger_of("accountEnabled", "true", "false"),
		plan_step_danger(&role),
		plan_step_danger(&member),
		danger_of("otherMails", "[\"a@x\"]", NULL),
		danger_of("department", "\"Lab\"", "\"Sales\""),
	};

	(void)state;
	for (size_t i = 1; i < COUNT_OF(worst_first); i++)
		assert_true(worst_first[i - 1] < worst_first[i]);
}

static void an_address_is_more_dangerous_where_it_is_the_primary_one(void **state)
{
	(void)state;
	assert_int_equal(danger_of("proxyAddresses", "[\"SMTP:a@x\",\"smtp:b@x\"]",
				 "[\"SMTP:b@x\",\"smtp:a@x\"]"),
		DANGER_PRIMARY);
	assert_int_equal(danger_of("proxyAddresses", "[\"SMTP:a@x\"]", NULL), DANGER_PRIMARY);
	assert_int_equal(
		danger_of("proxyAddresses", "[\"SMTP:a@x\",\"smtp:b@x\"]", "[\"SMTP:a@x\"]"),
		DANGER_ADDRESS);
}

/* ---- marks ------------------------------------------------------------------------------ */

static void a_cyrillic_letter_in_a_latin_name_is_marked_with_both_scripts(void **state)
{
	struct plan_step steps[] = { set_step(
		ADA, "p\u0430ul@x.org", KIND_USER, "department", NULL, "\"Lab\"") };
	struct plan plan = plan_of(steps, COUNT_OF(steps));
	CLEANUP(marks_freep) struct marks *marks = marks_in(&plan);
	const struct mark *mark = find_mark(marks, 0, MARK_SCRIPTS, PLACE_NAME);

	(void)state;
	assert_non_null(mark);
	assert_string_equal(mark->text, "Latin, Cyrillic");
	assert_int_equal(marks->count, 1);
}

static void scripts_that_a_language_mixes_are_not_marked(void **state)
{
	struct plan_step steps[] = { set_step(ADA, "\u0418\u0432\u0430\u043d 2", KIND_USER,
		"displayName", "\"\u6771\u4eac\u30bf\u30ef\u30fc Tokyo\"",
		"\"Zo\u00eb O'Brien-\u00c5\"") };
	struct plan plan = plan_of(steps, COUNT_OF(steps));
	CLEANUP(marks_freep) struct marks *marks = marks_in(&plan);

	(void)state;
	assert_int_equal(marks->count, 0);
}

/* Each pair of names, of two objects. */
static void two_names_that_look_alike_point_at_each_other(void **state)
{
	static const char *const pairs[][2] = {
		{ "paul@x.org", "p\u0430ul@x.org" }, /* Cyrillic */
		{ "paul@x.org", "PAU1@x.org" },      /* a digit, and case */
		{ "bob@x.org", "b0b@x.org" },        /* a zero */
		{ "ada@x.org", "\uff41da@x.org" },   /* full width */
		{ "modern@x.org", "modem@x.org" },   /* r and n */
		{ "\u0430\u0441\u0435", "ace" },     /* a whole word of another script */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		struct plan_step steps[] = {
			set_step(ADA, pairs[i][0], KIND_USER, "department", NULL, "\"Lab\""),
			set_step(BOB, pairs[i][1], KIND_USER, "department", NULL, "\"Lab\""),
		};
		struct plan plan = plan_of(steps, COUNT_OF(steps));
		CLEANUP(marks_freep) struct marks *marks = marks_in(&plan);
		const struct mark *first = find_mark(marks, 0, MARK_LOOKS_LIKE, PLACE_NAME);
		const struct mark *second = find_mark(marks, 1, MARK_LOOKS_LIKE, PLACE_NAME);

		assert_non_null(first);
		assert_non_null(second);
		assert_string_equal(first->text, pairs[i][1]);
		assert_ptr_equal(first->other.step, &steps[1]);
		assert_string_equal(second->text, pairs[i][0]);
	}
}

static void a_value_that_looks_like_another_ones_name_is_marked(void **state)
{
	struct plan_step steps[] = {
		set_step(ADA, "paul@x.org", KIND_USER, "department", NULL, "\"Lab\""),
		set_step(BOB, "Bob", KIND_USER, "proxyAddresses", "[\"SMTP:bob@x.org\"]",
			"[\"SMTP:bob@x.org\",\"smtp:p\u0430ul@x.org\"]"),
	};
	struct plan plan = plan_of(steps, COUNT_OF(steps));
	CLEANUP(marks_freep) struct marks *marks = marks_in(&plan);
	const struct mark *mark = find_mark(marks, 1, MARK_LOOKS_LIKE, PLACE_TO);

	(void)state;
	assert_non_null(mark);
	assert_string_equal(mark->text, "paul@x.org");
	assert_null(find_mark(marks, 1, MARK_LOOKS_LIKE, PLACE_FROM));
}

static void an_address_that_only_moves_looks_like_nothing_else(void **state)
{
	struct plan_step steps[] = {
		set_step(ADA, "ada@x.org", KIND_USER, "userPrincipalName", "\"ada@x.org\"",
			"\"bob@x.org\""),
		set_step(BOB, "bob@x.org", KIND_USER, "proxyAddresses", "[\"SMTP:Bob@x.org\"]",
			"[\"SMTP:Ada@x.org\"]"),
	};
	struct plan plan = plan_of(steps, COUNT_OF(steps));
	CLEANUP(marks_freep) struct marks *marks = marks_in(&plan);

	(void)state;
	assert_int_equal(marks->count, 0);
}

static void a_text_that_names_nobody_is_compared_with_nothing(void **state)
{
	struct plan_step steps[] = {
		set_step(ADA, "Ada", KIND_USER, "department", NULL, "\"Lab l\""),
		set_step(BOB, "Bob", KIND_USER, "department", NULL, "\"Lab 1\""),
	};
	struct plan plan = plan_of(steps, COUNT_OF(steps));
	CLEANUP(marks_freep) struct marks *marks = marks_in(&plan);

	(void)state;
	assert_int_equal(marks->count, 0);
}

static void two_objects_of_one_name_are_marked_and_one_object_is_not(void **state)
{
	struct plan_step steps[] = {
		set_step(ADA, "Sales", KIND_USER, "department", NULL, "\"Lab\""),
		set_step(ADA, "Sales", KIND_USER, "city", NULL, "\"Rome\""),
		set_step(GROUP, "SALES", KIND_GROUP, "description", NULL, "\"x\""),
	};
	struct plan plan = plan_of(steps, 2);
	CLEANUP(marks_freep) struct marks *one = marks_in(&plan);
	CLEANUP(marks_freep) struct marks *two = NULL;

	(void)state;
	assert_int_equal(one->count, 0);
	plan = plan_of(steps, 3);
	two = marks_in(&plan);
	for (size_t i = 0; i < 3; i++)
		assert_non_null(find_mark(two, i, MARK_SAME_NAME, PLACE_NAME));
	assert_ptr_equal(find_mark(two, 2, MARK_SAME_NAME, PLACE_NAME)->other.step, &steps[0]);
}

static void what_a_screen_would_hide_is_marked(void **state)
{
	struct plan_step steps[] = {
		set_step(ADA, "ada\u202e", KIND_USER, "department", "\"a\\u001b[2J\"", "\"b\""),
		set_step(BOB, "Bob", KIND_USER, "jobTitle", NULL, "\"pa\u200bul\""),
	};
	struct plan plan = plan_of(steps, COUNT_OF(steps));
	CLEANUP(marks_freep) struct marks *marks = marks_in(&plan);

	(void)state;
	assert_non_null(find_mark(marks, 0, MARK_HIDDEN, PLACE_NAME));
	assert_non_null(find_mark(marks, 0, MARK_HIDDEN, PLACE_FROM));
	assert_null(find_mark(marks, 0, MARK_HIDDEN, PLACE_TO));
	assert_non_null(find_mark(marks, 1, MARK_HIDDEN, PLACE_TO));
}

static void a_change_of_case_alone_is_marked(void **state)
{
	struct plan_step steps[] = {
		set_step(ADA, "Ada", KIND_USER, "department", "\"LAB\"", "\"Lab\""),
		set_step(BOB, "Bob", KIND_USER, "department", "\"LAB\"", "\"Labs\""),
	};
	struct plan plan = plan_of(steps, COUNT_OF(steps));
	CLEANUP(marks_freep) struct marks *marks = marks_in(&plan);

	(void)state;
	assert_non_null(find_mark(marks, 0, MARK_ONLY_CASE, PLACE_TO));
	assert_int_equal(marks->count, 1);
}

static void a_name_too_long_to_compare_says_so(void **state)
{
	CLEANUP(buf_release) struct buf name = BUF_UP_TO(LOOKS_TEXT_MAX * 2);
	struct plan plan;
	struct plan_step step;

	(void)state;
	/* The longest name that is compared, of the scalar that folds to the most. */
	while (name.length + 3 <= LOOKS_TEXT_MAX)
		buf_add_text(&name, "\ufdfa");
	for (int more = 0; more < 2; more++) {
		CLEANUP(marks_freep) struct marks *marks = NULL;

		step = set_step(ADA, buf_text(&name), KIND_USER, "department", NULL, "\"Lab\"");
		plan = plan_of(&step, 1);
		marks = marks_in(&plan);
		assert_int_equal(find_mark(marks, 0, MARK_TOO_LONG, PLACE_NAME) != NULL, more);
		buf_add_text(&name, "xxx");
	}
}

static void what_is_blocked_is_compared_too(void **state)
{
	struct plan_step steps[] = { set_step(
		ADA, "paul@x.org", KIND_USER, "department", NULL, "\"Lab\"") };
	struct plan_blocked blocked = {
		.kind = kind_get(KIND_USER), .id = BOB, .name = "pau1@x.org"
	};
	struct plan plan = plan_of(steps, COUNT_OF(steps));
	CLEANUP(marks_freep) struct marks *marks = NULL;

	(void)state;
	plan.blocked = &blocked;
	plan.blocked_count = 1;
	marks = marks_in(&plan);
	assert_ptr_equal(find_mark(marks, 0, MARK_LOOKS_LIKE, PLACE_NAME)->other.blocked, &blocked);
	assert_ptr_equal(find_mark(marks, 1, MARK_LOOKS_LIKE, PLACE_NAME)->other.step, &steps[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_locks_people_out_comes_before_what_describes_them),
		cmocka_unit_test(an_address_is_more_dangerous_where_it_is_the_primary_one),
		cmocka_unit_test(a_cyrillic_letter_in_a_latin_name_is_marked_with_both_scripts),
		cmocka_unit_test(scripts_that_a_language_mixes_are_not_marked),
		cmocka_unit_test(two_names_that_look_alike_point_at_each_other),
		cmocka_unit_test(a_value_that_looks_like_another_ones_name_is_marked),
		cmocka_unit_test(an_address_that_only_moves_looks_like_nothing_else),
		cmocka_unit_test(a_text_that_names_nobody_is_compared_with_nothing),
		cmocka_unit_test(two_objects_of_one_name_are_marked_and_one_object_is_not),
		cmocka_unit_test(what_a_screen_would_hide_is_marked),
		cmocka_unit_test(a_change_of_case_alone_is_marked),
		cmocka_unit_test(a_name_too_long_to_compare_says_so),
		cmocka_unit_test(what_is_blocked_is_compared_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
