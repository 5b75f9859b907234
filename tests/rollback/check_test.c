/* The checker finds what the directory would refuse, in plans that no planner of ours makes. */
#include "rollback/check.h"
#include "tests/rollback/planning.h"

enum { STEPS = 8 };

/* A plan by hand. */
struct sheet {
	struct plan plan;
	struct plan_step steps[STEPS];
	size_t after[STEPS][STEPS];
	struct directory directory;
};

static struct plan_step *add(
	struct sheet *sheet, enum graph_operation operation, enum kind_id kind, const char *id)
{
	size_t index = sheet->plan.step_count++;
	struct plan_step *step = &sheet->steps[index];

	assert_true(index < STEPS);
	*step = (struct plan_step){
		.number = index + 1,
		.operation = operation,
		.door = DOOR_GRAPH,
		.kind = kind_get(kind),
		.id = id,
		.name = "somebody",
		.why = "",
		.after = sheet->after[index],
	};
	sheet->plan.steps = sheet->steps;
	return step;
}

static struct plan_step *set(struct sheet *sheet, const char *id, const char *attribute,
	const char *from, const char *to)
{
	struct plan_step *step = add(sheet, GRAPH_SET, KIND_USER, id);

	step->attribute = attribute_find(step->kind, span_of(attribute));
	step->from = span_of(from);
	step->to = span_of(to);
	if (strcmp(attribute, "proxyAddresses") == 0)
		step->door = DOOR_EXCHANGE;
	return step;
}

static struct plan_step *relate(struct sheet *sheet, enum graph_operation operation,
	const char *attribute, const char *from, const char *to)
{
	struct plan_step *step = add(sheet, operation, KIND_GROUP, GROUP("1"));

	step->attribute = attribute_find(step->kind, span_of(attribute));
	step->from = span_of(from);
	step->to = span_of(to);
	return step;
}

static void after(struct sheet *sheet, struct plan_step *step, size_t number)
{
	sheet->after[step->number - 1][step->after_count++] = number;
}

static struct check *look(struct sheet *sheet)
{
	struct check_live live = { directory_visit, &sheet->directory };
	struct error err = { 0 };
	struct check *check = check_new(&sheet->plan, &live, &err);

	if (!check)
		fail_msg("%s", err.text);
	return check;
}

static void assert_wrong(struct sheet *sheet, size_t step, const char *says)
{
	CLEANUP(check_freep) struct check *check = look(sheet);
	struct check_walk walk = { 0 };
	struct check_result result;

	if (check_walk(check, &walk, &result))
		fail_msg("nothing is wrong, and should be: %s", says);
	if (result.step != step || !strstr(result.text, says))
		fail_msg("step %zu: %s", result.step, result.text);
}

static void assert_good(struct sheet *sheet, size_t left)
{
	CLEANUP(check_freep) struct check *check = look(sheet);

	for (uint64_t seed = 0; seed < 20; seed++) {
		struct check_walk walk = { .seed = seed };
		struct check_result result;

		if (!check_walk(check, &walk, &result))
			fail_msg("seed %u: step %zu: %s", (unsigned)seed, result.step, result.text);
		assert_int_equal(result.left, left);
	}
}

#define NAMED(id, upn)                                                                             \
	"{\"id\":" QUOTED(id) ",\"kind\":\"user\",\"userPrincipalName\":\"" upn "\"}\n"
#define MAILED(id, list) "{\"id\":" QUOTED(id) ",\"kind\":\"user\",\"proxyAddresses\":[" list "]}\n"

static struct sheet swapped_names(void)
{
	return (struct sheet){
		.directory = { { NAMED(USER("1"), "b@x.org"), NAMED(USER("2"), "a@x.org") } }
	};
}

static void swap_without_parking_takes_what_is_held(void **state UNUSED)
{
	struct sheet sheet = swapped_names();

	set(&sheet, USER("1"), "userPrincipalName", "\"b@x.org\"", "\"A@x.org\"");
	set(&sheet, USER("2"), "userPrincipalName", "\"a@x.org\"", "\"b@x.org\"");
	assert_wrong(&sheet, 1, "which a0000000-0000-4000-8000-000000000002 still holds");
}

static void swap_with_parking_is_good_in_any_order(void **state UNUSED)
{
	struct sheet sheet = swapped_names();
	struct plan_step *step;

	set(&sheet, USER("1"), "userPrincipalName", "\"b@x.org\"",
		"\"unstage-parking-00000000@x.org\"")
		->until = 3;
	after(&sheet, set(&sheet, USER("2"), "userPrincipalName", "\"a@x.org\"", "\"b@x.org\""), 1);
	step = set(&sheet, USER("1"), "userPrincipalName", "\"unstage-parking-00000000@x.org\"",
		"\"a@x.org\"");
	step->parked_by = 1;
	after(&sheet, step, 1);
	after(&sheet, step, 2);
	assert_good(&sheet, 0);
}

static void value_is_not_parked_for_somebody_who_may_never_come(void **state UNUSED)
{
	struct sheet sheet = swapped_names();
	struct plan_step *step;

	sheet.directory.lines[2] = NAMED(USER("3"), "c@x.org");
	set(&sheet, USER("1"), "userPrincipalName", "\"b@x.org\"",
		"\"unstage-parking-00000000@x.org\"")
		->until = 4;
	step = set(&sheet, USER("3"), "userPrincipalName", "\"c@x.org\"", "\"b@x.org\"");
	step->door = DOOR_SYNC;
	after(&sheet, step, 1);
	step = set(&sheet, USER("2"), "userPrincipalName", "\"a@x.org\"", "\"b@x.org\"");
	step->door = DOOR_SYNC;
	after(&sheet, step, 1);
	step = set(&sheet, USER("1"), "userPrincipalName", "\"unstage-parking-00000000@x.org\"",
		"\"a@x.org\"");
	step->parked_by = 1;
	after(&sheet, step, 1);
	after(&sheet, step, 3);
	assert_wrong(&sheet, 1, "step 4 may never be done");
}

static void step_that_is_left_out_is_missed_in_the_end(void **state UNUSED)
{
	struct sheet sheet = swapped_names();
	CLEANUP(check_freep) struct check *check = NULL;
	struct check_walk walk = { .without = 1 };
	struct check_result result;

	set(&sheet, USER("1"), "department", NULL, "\"Lab\"");
	set(&sheet, USER("2"), "department", NULL, "\"Lab\"");
	check = look(&sheet);
	assert_false(check_walk(check, &walk, &result));
	assert_non_null(strstr(result.text, "is not what the step wants"));
}

/* Sign-in names and addresses are one namespace; two places must both be let go. */
static void address_held_in_two_places_is_held_until_both_are_free(void **state UNUSED)
{
	struct sheet sheet = {
		.directory = { { "{\"id\":" QUOTED(USER(
					 "1")) ",\"kind\":\"user\","
					       "\"proxyAddresses\":[\"SMTP:a@x.org\"],\"userPrincipalName\":\"a@x.org\"}\n",
			NAMED(USER("2"), "b@x.org") } }
	};

	set(&sheet, USER("1"), "userPrincipalName", "\"a@x.org\"", "\"c@x.org\"");
	set(&sheet, USER("2"), "userPrincipalName", "\"b@x.org\"", "\"a@x.org\"");
	assert_wrong(&sheet, 2, "still holds");
}

static void address_of_a_contact_and_one_of_another_scheme_are_held_too(void **state UNUSED)
{
	struct sheet sheet = {
		.directory = { { MAILED(USER("1"), "\"SMTP:own@x.org\""),
			"{\"id\":" QUOTED(CONTACT(
				"1")) ",\"kind\":\"contact\","
				      "\"proxyAddresses\":[\"X500:/o=x\",\"smtp:a@x.org\"]}\n" } }
	};
	struct sheet other = sheet;

	set(&sheet, USER("1"), "proxyAddresses", "[\"SMTP:own@x.org\"]",
		"[\"SMTP:own@x.org\",\"smtp:a@x.org\"]");
	assert_wrong(&sheet, 1, "still holds");
	set(&other, USER("1"), "proxyAddresses", "[\"SMTP:own@x.org\"]",
		"[\"SMTP:own@x.org\",\"x500:/o=x\"]");
	assert_wrong(&other, 1, "still holds");
}

static void address_in_deleted_items_is_held_and_the_name_there_is_free(void **state UNUSED)
{
	struct sheet sheet = {
		.directory = { { NAMED(USER("1"), "b@x.org"),
			"{\"deleted\":true,\"id\":" QUOTED(USER(
				"2")) ",\"kind\":\"user\","
				      "\"proxyAddresses\":[\"smtp:a@x.org\"],\"userPrincipalName\":"
				      "\"a0000000000040008000000000000002c@x.org\"}\n" } }
	};
	struct sheet other = sheet;

	set(&sheet, USER("1"), "userPrincipalName", "\"b@x.org\"", "\"a@x.org\"");
	assert_wrong(&sheet, 1, "in deleted items");
	set(&other, USER("1"), "userPrincipalName", "\"b@x.org\"", "\"c@x.org\"");
	assert_good(&other, 0);
}

static void mail_by_graph_does_not_get_what_the_plan_deletes(void **state UNUSED)
{
	struct sheet sheet = { .directory = { { MAILED(USER("1"), "\"SMTP:own@x.org\""),
				       MAILED(USER("2"), "\"SMTP:a@x.org\"") } } };
	struct sheet other = sheet;

	add(&sheet, GRAPH_REMOVE, KIND_USER, USER("2"));
	set(&sheet, USER("1"), "mail", NULL, "\"a@x.org\"");
	assert_wrong(&sheet, 2, "in deleted items");
	add(&other, GRAPH_REMOVE, KIND_USER, USER("2"));
	after(&other, set(&other, USER("1"), "userPrincipalName", NULL, "\"a@x.org\""), 1);
	assert_good(&other, 0);
}

static void value_that_is_not_from_is_not_written(void **state UNUSED)
{
	struct sheet sheet = { .directory = { { NAMED(USER("1"), "b@x.org") } } };

	set(&sheet, USER("1"), "userPrincipalName", "\"c@x.org\"", "\"a@x.org\"");
	assert_wrong(&sheet, 1, "not what the step starts from");
}

static void restored_is_only_what_is_deleted_and_free(void **state UNUSED)
{
	struct sheet sheet = {
		.directory = { { NAMED(USER("1"), "a@x.org"),
			"{\"deleted\":true,\"id\":" QUOTED(USER(
				"2")) ",\"kind\":\"user\","
				      "\"userPrincipalName\":\"a0000000000040008000000000000002a@x.org\"}\n" } }
	};
	struct sheet there = sheet, gone = sheet;

	add(&sheet, GRAPH_RESTORE, KIND_USER, USER("2"));
	assert_wrong(&sheet, 1, "it restores with a@x.org");
	add(&there, GRAPH_RESTORE, KIND_USER, USER("1"));
	assert_wrong(&there, 1, "it restores what is there");
	add(&gone, GRAPH_RESTORE, KIND_USER, USER("3"));
	assert_wrong(&gone, 1, "not in deleted items");
}

#define GROUP_OF(members, owners)                                                                  \
	"{\"id\":" QUOTED(GROUP("1")) ",\"kind\":\"group\"}\n{\"id\":" QUOTED(GROUP(               \
		"1")) ",\"kind\":\"group\",\"members\":[" members "],\"part\":\"members:\"}\n"     \
		      "{\"id\":" QUOTED(GROUP("1")) ",\"kind\":\"group\",\"owners\":[" owners      \
						    "],\"part\":\"owners:\"}\n"

static struct sheet group_of_two(void)
{
	return (struct sheet){
		.directory = { { NAMED(USER("1"), "a@x.org"),
			"{\"deleted\":true,\"id\":" QUOTED(USER("2")) ",\"kind\":\"user\"}\n",
			GROUP_OF(QUOTED(USER("1")), QUOTED(USER("1"))) } }
	};
}

static void reference_comes_after_the_restore_and_goes_before_the_removal(void **state UNUSED)
{
	struct sheet early = group_of_two(), late = group_of_two(), good = group_of_two();

	relate(&early, GRAPH_ADD_MEMBER, "members", NULL, QUOTED(USER("2")));
	add(&early, GRAPH_RESTORE, KIND_USER, USER("2"));
	assert_wrong(&early, 1, "which is deleted");
	add(&late, GRAPH_REMOVE, KIND_USER, USER("1"));
	relate(&late, GRAPH_REMOVE_MEMBER, "members", QUOTED(USER("1")), NULL);
	assert_wrong(&late, 1, "has not taken the reference from");
	add(&good, GRAPH_RESTORE, KIND_USER, USER("2"));
	after(&good, relate(&good, GRAPH_ADD_MEMBER, "members", NULL, QUOTED(USER("2"))), 1);
	assert_good(&good, 0);
}

static void last_owner_does_not_go(void **state UNUSED)
{
	struct sheet sheet = group_of_two(), other = group_of_two();

	relate(&sheet, GRAPH_REMOVE_OWNER, "owners", QUOTED(USER("1")), NULL);
	assert_wrong(&sheet, 1, "the last owner");
	relate(&other, GRAPH_ADD_OWNER, "owners", NULL, QUOTED(USER("3")));
	after(&other, relate(&other, GRAPH_REMOVE_OWNER, "owners", QUOTED(USER("1")), NULL), 1);
	assert_good(&other, 0);
}

static void written_is_only_what_is_there(void **state UNUSED)
{
	struct sheet sheet = { .directory = { { NAMED(USER("1"), "a@x.org") } } };

	add(&sheet, GRAPH_REMOVE, KIND_USER, USER("1"));
	set(&sheet, USER("1"), "department", NULL, "\"Lab\"");
	assert_wrong(&sheet, 2, "which is not there");
}

static void what_production_swaps_settles_by_itself(void **state UNUSED)
{
	struct sheet sheet = { .directory = { { MAILED(USER("1"), "\"smtp:b@x.org\""),
				       MAILED(USER("2"), "\"smtp:a@x.org\"") } } };

	set(&sheet, USER("1"), "proxyAddresses", "[\"smtp:b@x.org\"]", "[\"smtp:a@x.org\"]")
		->door = DOOR_SYNC;
	set(&sheet, USER("2"), "proxyAddresses", "[\"smtp:a@x.org\"]", "[\"smtp:b@x.org\"]")
		->door = DOOR_SYNC;
	assert_good(&sheet, 0);
}

static void what_people_and_production_can_not_do_is_left_with_what_waits_for_it(
	void **state UNUSED)
{
	struct sheet sheet = { .directory = {
				       { NAMED(USER("1"), "b@x.org"), NAMED(USER("2"), "c@x.org"),
					       NAMED(USER("3"), "a@x.org") } } };

	set(&sheet, USER("1"), "userPrincipalName", "\"b@x.org\"", "\"a@x.org\"")
		->door = DOOR_MANUAL;
	after(&sheet, set(&sheet, USER("2"), "userPrincipalName", "\"c@x.org\"", "\"b@x.org\""), 1);
	assert_good(&sheet, 2);
}

static void two_who_want_one_address_are_wrong(void **state UNUSED)
{
	struct sheet sheet = {
		.directory = { { NAMED(USER("1"), "b@x.org"), NAMED(USER("2"), "c@x.org") } }
	};

	set(&sheet, USER("1"), "userPrincipalName", "\"b@x.org\"", "\"a@x.org\"");
	set(&sheet, USER("2"), "userPrincipalName", "\"c@x.org\"", "\"a@x.org\"");
	assert_wrong(&sheet, 2, "still holds");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(swap_without_parking_takes_what_is_held),
		cmocka_unit_test(swap_with_parking_is_good_in_any_order),
		cmocka_unit_test(value_is_not_parked_for_somebody_who_may_never_come),
		cmocka_unit_test(step_that_is_left_out_is_missed_in_the_end),
		cmocka_unit_test(address_held_in_two_places_is_held_until_both_are_free),
		cmocka_unit_test(address_of_a_contact_and_one_of_another_scheme_are_held_too),
		cmocka_unit_test(address_in_deleted_items_is_held_and_the_name_there_is_free),
		cmocka_unit_test(mail_by_graph_does_not_get_what_the_plan_deletes),
		cmocka_unit_test(value_that_is_not_from_is_not_written),
		cmocka_unit_test(restored_is_only_what_is_deleted_and_free),
		cmocka_unit_test(reference_comes_after_the_restore_and_goes_before_the_removal),
		cmocka_unit_test(last_owner_does_not_go),
		cmocka_unit_test(written_is_only_what_is_there),
		cmocka_unit_test(what_production_swaps_settles_by_itself),
		cmocka_unit_test(
			what_people_and_production_can_not_do_is_left_with_what_waits_for_it),
		cmocka_unit_test(two_who_want_one_address_are_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
