/* Steps that Graph would refuse, or that would do more than they say: those go to a person. */
#include "tests/rollback/planning.h"

#define NAMED(id, upn)                                                                             \
	"{\"id\":" QUOTED(id) ",\"kind\":\"user\",\"userPrincipalName\":\"" upn "\"}\n"

static struct finding renamed(const char *id, struct span before, struct span live)
{
	return value_finding(KIND_USER, id, "userPrincipalName", before, live);
}

static void assert_manual(const struct plan_step *step, const char *says)
{
	assert_int_equal(step->door, DOOR_MANUAL);
	if (!strstr(step->manual, says))
		fail_msg("%s: does not say \"%s\"", step->manual, says);
}

/* ---- addresses that others hold --------------------------------------------------------- */

/* Staging renamed her; then a newcomer was rightly given the name that was free. */
static void sign_in_name_that_somebody_got_since_goes_to_a_person(void **state UNUSED)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"),
		NAMED(USER("2"), "A@X.org") } };
	struct finding finding = renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_int_equal(plan->step_count, 1);
	assert_manual(&plan->steps[0], "another object holds this address by now");
}

static void address_held_by_any_kind_and_in_deleted_items_stands_in_the_way(void **state UNUSED)
{
	static const char *const holders[] = {
		"{\"id\":" QUOTED(CONTACT(
			"1")) ",\"kind\":\"contact\",\"proxyAddresses\":[\"SMTP:a@x.org\"]}\n",
		"{\"id\":" QUOTED(
			GROUP("1")) ",\"kind\":\"group\",\"proxyAddresses\":[\"smtp:A@x.org\"]}\n",
		"{\"deleted\":true,\"id\":" QUOTED(
			USER("2")) ",\"kind\":\"user\",\"proxyAddresses\":[\"smtp:a@x.org\"]}\n",
	};
	struct finding finding = renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\""));

	for (size_t i = 0; i < COUNT_OF(holders); i++) {
		struct directory directory = { { NAMED(USER("1"), "b@x.org"), holders[i] } };
		CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

		assert_manual(&plan->steps[0], "another object holds this address by now");
	}
}

/* A mail-enabled public folder has a place in the namespace and none in Graph. */
static void address_whose_holder_no_object_shows_goes_to_a_person(void **state UNUSED)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"),
		"{\"id\":" QUOTED(USER("2")) ",\"kind\":\"user\",\"onPremisesProvisioningErrors\":"
					     "[{\"category\":\"PropertyConflict\","
					     "\"propertyCausingError\":\"ProxyAddresses\","
					     "\"value\":\"smtp:A@x.org\"}]}\n" } };
	struct finding finding = renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_int_equal(plan->step_count, 1);
	assert_manual(&plan->steps[0], "no object that Graph shows");
}

/* The service refused it to somebody because of her, who gives it up by another step of this plan. */
static void address_refused_for_a_holder_that_the_plan_moves_is_no_riddle(void **state UNUSED)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"), NAMED(USER("2"), "a@x.org"),
		"{\"id\":" QUOTED(USER("3")) ",\"kind\":\"user\",\"onPremisesProvisioningErrors\":"
					     "[{\"value\":\"a@x.org\"}]}\n" } };
	struct finding findings[] = {
		renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		renamed(USER("2"), VALUE("\"c@x.org\""), VALUE("\"a@x.org\"")),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	assert_int_equal(plan->step_count, 2);
	assert_int_equal(plan->steps[0].door, DOOR_GRAPH);
	assert_int_equal(plan->steps[1].door, DOOR_GRAPH);
}

static void object_that_changed_its_kind_is_refused_by_name(void **state UNUSED)
{
	struct directory directory = { { "{\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"contact\",\"department\":\"Lab\"}\n" } };
	struct finding finding = value_finding(
		KIND_USER, USER("1"), "department", VALUE("\"Sales\""), VALUE("\"Lab\""));
	struct error err = { 0 };
	CLEANUP(plan_freep) struct plan *plan = try_plan(&directory, &finding, 1, &err);

	assert_null(plan);
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.text, "the user " USER("1")));
	assert_non_null(strstr(err.text, "this is a contact"));
}

static void name_of_a_deleted_user_and_mail_of_a_second_account_are_free(void **state UNUSED)
{
	struct directory directory = {
		{ "{\"id\":" QUOTED(
			  USER("1")) ",\"kind\":\"user\",\"proxyAddresses\":[\"SMTP:a@x.org\"],"
				     "\"userPrincipalName\":\"b@x.org\"}\n",
			"{\"deleted\":true,\"id\":" QUOTED(
				USER("2")) ",\"kind\":\"user\",\"userPrincipalName\":"
					   "\"a0000000000040008000000000000002a@x.org\"}\n",
			"{\"id\":" QUOTED(USER("3")) ",\"kind\":\"user\",\"mail\":\"a@x.org\"}\n" }
	};
	struct finding finding = renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_int_equal(plan->steps[0].door, DOOR_GRAPH);
}

/* She lost it to staging, he was given it, and lost it to staging in his turn. */
static void address_that_two_steps_want_goes_to_nobody_unasked(void **state UNUSED)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"),
		NAMED(USER("2"), "c@x.org") } };
	struct finding findings[] = {
		renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		renamed(USER("2"), VALUE("\"a@x.org\""), VALUE("\"c@x.org\"")),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	assert_int_equal(plan->by_door[DOOR_MANUAL], 2);
	assert_manual(&plan->steps[0], "it changed hands");
	assert_manual(&plan->steps[1], "it changed hands");
}

static void holder_that_the_plan_moves_is_waited_for(void **state UNUSED)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"),
		NAMED(USER("2"), "a@x.org") } };
	struct finding findings[] = {
		renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		renamed(USER("2"), VALUE("\"c@x.org\""), VALUE("\"a@x.org\"")),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	assert_int_equal(plan->by_door[DOOR_GRAPH], 2);
	assert_true(waits_for(
		step_on(plan, GRAPH_SET, USER("1")), step_on(plan, GRAPH_SET, USER("2"))));
}

static void restored_user_whose_name_somebody_got_since_goes_to_a_person(void **state UNUSED)
{
	struct directory directory = {
		{ "{\"deleted\":true,\"id\":" QUOTED(
			  USER("1")) ",\"kind\":\"user\",\"userPrincipalName\":"
				     "\"a0000000000040008000000000000001a@x.org\"}\n",
			NAMED(USER("2"), "a@x.org") }
	};
	struct finding finding = object_finding(KIND_USER, USER("1"), CHANGE_DELETED);
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_manual(step_on(plan, GRAPH_RESTORE, USER("1")), "another object holds this address");
}

/* ---- references to what is gone --------------------------------------------------------- */

static void reference_to_a_user_in_deleted_items_goes_to_a_person(void **state UNUSED)
{
	struct directory directory = { { "{\"id\":" QUOTED(GROUP("1")) ",\"kind\":\"group\"}\n",
		"{\"id\":" QUOTED(USER("1")) ",\"kind\":\"user\"}\n",
		"{\"deleted\":true,\"id\":" QUOTED(USER("9")) ",\"kind\":\"user\"}\n" } };
	struct finding findings[] = {
		element_finding(KIND_GROUP, GROUP("1"), "members", USER("9"),
			VALUE(QUOTED(USER("9"))), NOTHING),
		element_finding(KIND_GROUP, GROUP("1"), "members", USER("1"),
			VALUE(QUOTED(USER("1"))), NOTHING),
		value_finding(KIND_USER, USER("1"), "manager", VALUE(QUOTED(USER("9"))), NOTHING),
		object_finding(KIND_USER, USER("9"), CHANGE_DELETED),
	};
	CLEANUP(plan_freep) struct plan *without = make_plan(&directory, findings, 3);
	CLEANUP(plan_freep) struct plan *with = make_plan(&directory, findings, 4);

	assert_int_equal(without->by_door[DOOR_GRAPH], 1);
	assert_manual(step_on(without, GRAPH_SET_MANAGER, USER("1")), "lies in deleted items");
	assert_int_equal(with->by_door[DOOR_GRAPH], 4);
}

static void member_of_a_dynamic_group_is_listed_as_blocked(void **state UNUSED)
{
	struct directory directory = { { "{\"groupTypes\":[\"DynamicMembership\"],\"id\":" QUOTED(
		GROUP("1")) ",\"kind\":\"group\"}\n" } };
	struct finding finding = element_finding(
		KIND_GROUP, GROUP("1"), "members", USER("2"), VALUE(QUOTED(USER("2"))), NOTHING);

	finding.door = DOOR_MANUAL;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_int_equal(plan->step_count, 0);
	assert_int_equal(plan->blocked_count, 1);
	assert_string_equal(plan->blocked[0].attribute->name, "members");
	assert_non_null(strstr(plan->blocked[0].why, "rule"));
}

/* ---- the last owner --------------------------------------------------------------------- */

#define OWNED(list)                                                                                \
	"{\"id\":" QUOTED(GROUP("1")) ",\"kind\":\"group\"}\n"                                     \
				      "{\"id\":" QUOTED(                                           \
					      GROUP("1")) ",\"kind\":\"group\",\"owners\":[" list  \
							  "],\"part\":\"owners:\"}\n"

static struct finding owner(const char *id, struct span before, struct span live)
{
	return element_finding(KIND_GROUP, GROUP("1"), "owners", id, before, live);
}

static void owner_comes_before_the_other_one_goes(void **state UNUSED)
{
	struct directory directory = { { OWNED(QUOTED(USER("1"))) } };
	struct finding findings[] = {
		owner(USER("1"), NOTHING, VALUE(QUOTED(USER("1")))),
		owner(USER("2"), VALUE(QUOTED(USER("2"))), NOTHING),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	assert_int_equal(plan->by_door[DOOR_GRAPH], 2);
	assert_true(waits_for(step_on(plan, GRAPH_REMOVE_OWNER, GROUP("1")),
		step_on(plan, GRAPH_ADD_OWNER, GROUP("1"))));
}

static void last_owner_goes_to_a_person(void **state UNUSED)
{
	struct directory directory = { { OWNED(QUOTED(USER("1"))) } };
	struct directory with_another = { { OWNED(QUOTED(USER("1")) "," QUOTED(USER("2"))) } };
	struct finding finding = owner(USER("1"), NOTHING, VALUE(QUOTED(USER("1"))));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);
	CLEANUP(plan_freep) struct plan *other = make_plan(&with_another, &finding, 1);

	assert_manual(&plan->steps[0], "the last owner");
	assert_int_equal(other->steps[0].door, DOOR_GRAPH);
}

/* ---- more than it says ------------------------------------------------------------------ */

#define MAILBOX(mail, list)                                                                        \
	"{\"id\":" QUOTED(USER("1")) ",\"kind\":\"user\",\"mail\":\"" mail                         \
				     "\",\"proxyAddresses\":[" list "]}\n"

static void mail_that_would_change_the_primary_address_goes_to_exchange(void **state UNUSED)
{
	static const struct {
		const char *line;
		enum door door;
	} cases[] = {
		{ MAILBOX("x@x.org", "\"SMTP:chosen@x.org\",\"smtp:a@x.org\""), DOOR_MANUAL },
		{ MAILBOX("x@x.org", "\"SMTP:A@x.org\""), DOOR_GRAPH },
		{ MAILBOX("x@x.org", "\"X500:/o=x\""), DOOR_GRAPH },
		{ "{\"id\":" QUOTED(USER("1")) ",\"kind\":\"user\",\"mail\":\"x@x.org\","
					       "\"unknown\":[\"proxyAddresses\"]}\n",
			DOOR_MANUAL },
	};
	struct finding finding = value_finding(
		KIND_USER, USER("1"), "mail", VALUE("\"a@x.org\""), VALUE("\"x@x.org\""));

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct directory directory = { { cases[i].line } };
		CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

		assert_int_equal(plan->steps[0].door, cases[i].door);
		if (cases[i].door == DOOR_MANUAL)
			assert_manual(&plan->steps[0], "Set-Mailbox");
	}
}

#define PROXIES(list)                                                                              \
	"{\"id\":" QUOTED(USER("1")) ",\"kind\":\"user\",\"proxyAddresses\":[" list "]}\n"

static struct finding address(const char *key, struct span before, struct span live)
{
	struct finding finding = element_finding(
		KIND_USER, USER("1"), "proxyAddresses", key, before, live);

	finding.door = DOOR_SYNC;
	return finding;
}

/* The address of staging goes, and which was primary before is not proved. */
static void addresses_without_a_primary_go_to_a_person(void **state UNUSED)
{
	struct directory directory = { { PROXIES("\"SMTP:x@x.org\",\"smtp:a@x.org\"") } };
	struct finding finding = address("smtp:x@x.org", NOTHING, VALUE("\"SMTP:x@x.org\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_value(plan->steps[0].to, "[\"smtp:a@x.org\"]");
	assert_manual(&plan->steps[0], "no address would be the primary one");
}

static void addresses_with_two_primaries_go_to_a_person(void **state UNUSED)
{
	struct directory directory = { { PROXIES("\"SMTP:x@x.org\"") } };
	struct finding findings[] = {
		address("smtp:a@x.org", VALUE("\"SMTP:a@x.org\""), NOTHING),
		address("smtp:b@x.org", VALUE("\"SMTP:b@x.org\""), NOTHING),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	assert_manual(&plan->steps[0], "more than one address");
}

static void addresses_that_all_go_need_no_primary(void **state UNUSED)
{
	struct directory directory = { { PROXIES("\"SMTP:x@x.org\"") } };
	struct finding finding = address("smtp:x@x.org", NOTHING, VALUE("\"SMTP:x@x.org\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_null(plan->steps[0].to.data);
	assert_int_equal(plan->steps[0].door, DOOR_SYNC);
}

/* Staging made the only address a secondary one: live has no primary to speak of. */
static void primary_comes_back_where_none_is_left(void **state UNUSED)
{
	struct directory directory = { { PROXIES("\"smtp:a@x.org\"") } };
	struct finding finding = address("smtp:a@x.org", VALUE("\"SMTP:a@x.org\""), NOTHING);
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_int_equal(plan->steps[0].door, DOOR_SYNC);
	assert_value(plan->steps[0].to, "[\"SMTP:a@x.org\"]");
}

static void second_business_phone_goes_to_a_person(void **state UNUSED)
{
	struct directory directory = { { "{\"businessPhones\":[\"1\"],\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\"}\n" } };
	struct finding finding = element_finding(
		KIND_USER, USER("1"), "businessPhones", "\"2\"", VALUE("\"2\""), NOTHING);
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_manual(&plan->steps[0], "one business phone only");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sign_in_name_that_somebody_got_since_goes_to_a_person),
		cmocka_unit_test(address_held_by_any_kind_and_in_deleted_items_stands_in_the_way),
		cmocka_unit_test(address_whose_holder_no_object_shows_goes_to_a_person),
		cmocka_unit_test(address_refused_for_a_holder_that_the_plan_moves_is_no_riddle),
		cmocka_unit_test(object_that_changed_its_kind_is_refused_by_name),
		cmocka_unit_test(name_of_a_deleted_user_and_mail_of_a_second_account_are_free),
		cmocka_unit_test(address_that_two_steps_want_goes_to_nobody_unasked),
		cmocka_unit_test(holder_that_the_plan_moves_is_waited_for),
		cmocka_unit_test(restored_user_whose_name_somebody_got_since_goes_to_a_person),
		cmocka_unit_test(reference_to_a_user_in_deleted_items_goes_to_a_person),
		cmocka_unit_test(member_of_a_dynamic_group_is_listed_as_blocked),
		cmocka_unit_test(owner_comes_before_the_other_one_goes),
		cmocka_unit_test(last_owner_goes_to_a_person),
		cmocka_unit_test(mail_that_would_change_the_primary_address_goes_to_exchange),
		cmocka_unit_test(addresses_without_a_primary_go_to_a_person),
		cmocka_unit_test(addresses_with_two_primaries_go_to_a_person),
		cmocka_unit_test(addresses_that_all_go_need_no_primary),
		cmocka_unit_test(primary_comes_back_where_none_is_left),
		cmocka_unit_test(second_business_phone_goes_to_a_person),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
