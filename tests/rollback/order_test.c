/* What comes before what, and circles. */
#include "tests/rollback/planning.h"

/* ---- the order of things ------------------------------------------------------------------------
 */

static void assert_order(const struct order *order, const size_t *sequence)
{
	size_t places[16] = { 0 };

	for (size_t i = 0; i < order->count; i++)
		places[sequence[i]] = i;
	for (size_t i = 0; i < order->edge_count; i++)
		assert_true(places[order->edges[i].first] < places[order->edges[i].then]);
}

static void chain_is_put_in_order_from_any_direction(void **state)
{
	CLEANUP(order_release) struct order order = { .count = 4 };
	size_t sequence[4];
	bool broken[4] = { false };

	(void)state;
	order_add(&order, 2, 1, false);
	order_add(&order, 3, 2, true);
	order_add(&order, 1, 0, false);
	order_add(&order, 1, 0, true);
	order_solve(&order, sequence, broken);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(sequence[i], 3 - i);
		assert_false(broken[i]);
	}
	assert_int_equal(order.edge_count, 3);
}

static void circle_is_broken_and_what_hangs_on_it_keeps_its_place(void **state)
{
	CLEANUP(order_release) struct order order = { .count = 5 };
	size_t sequence[5];
	bool broken[5] = { false };

	(void)state;
	order_add(&order, 1, 2, true);
	order_add(&order, 2, 3, true);
	order_add(&order, 3, 1, true);
	order_add(&order, 4, 1, true); /* before the circle */
	order_add(&order, 2, 0, true); /* behind it */
	order_solve(&order, sequence, broken);
	assert_true(broken[1] && broken[2] && broken[3]);
	assert_false(broken[0] || broken[4]);
	assert_int_equal(order.edge_count, 2);
	assert_order(&order, sequence);
}

static void nothing_to_order_is_fine(void **state)
{
	CLEANUP(order_release) struct order order = { 0 };
	size_t sequence[1];
	bool broken[1];

	(void)state;
	order_solve(&order, sequence, broken);
	assert_int_equal(order.edge_count, 0);
}

static void long_chain_needs_no_stack(void **state)
{
	enum { LENGTH = 200000 };
	CLEANUP(order_release) struct order order = { .count = LENGTH };
	CLEANUP(memory_freep) size_t *sequence = memory_array(LENGTH, sizeof(*sequence));
	CLEANUP(memory_freep) bool *broken = memory_array(LENGTH, sizeof(*broken));

	(void)state;
	for (size_t i = 1; i < LENGTH; i++)
		order_add(&order, i, i - 1, true);
	order_solve(&order, sequence, broken);
	assert_int_equal(sequence[0], LENGTH - 1);
	assert_int_equal(sequence[LENGTH - 1], 0);
}

/* ---- the order of steps ----------------------------------------------------------------- */

#define NAMED(id, upn)                                                                             \
	"{\"id\":" QUOTED(id) ",\"kind\":\"user\",\"userPrincipalName\":\"" upn "\"}\n"

static struct finding renamed(const char *id, struct span before, struct span live)
{
	return value_finding(KIND_USER, id, "userPrincipalName", before, live);
}

static void object_is_restored_before_anything_refers_to_it(void **state)
{
	struct directory directory = { { "{\"deleted\":true,\"department\":\"Lab\",\"id\":" QUOTED(
						 USER("9")) ",\"kind\":\"user\"}\n",
		"{\"id\":" QUOTED(USER("1")) ",\"kind\":\"user\"}\n",
		"{\"id\":" QUOTED(GROUP("1")) ",\"kind\":\"group\"}\n" } };
	struct finding findings[] = {
		value_finding(KIND_USER, USER("1"), "manager", VALUE(QUOTED(USER("9"))), NOTHING),
		value_finding(
			KIND_USER, USER("9"), "department", VALUE("\"Sales\""), VALUE("\"Lab\"")),
		element_finding(KIND_GROUP, GROUP("1"), "members", USER("9"),
			VALUE(QUOTED(USER("9"))), NOTHING),
		element_finding(KIND_GROUP, GROUP("1"), "owners", USER("9"),
			VALUE(QUOTED(USER("9"))), NOTHING),
		object_finding(KIND_USER, USER("9"), CHANGE_DELETED),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 5);
	const struct plan_step *restore = step_on(plan, GRAPH_RESTORE, USER("9"));

	(void)state;
	assert_int_equal(restore->number, 1);
	assert_int_equal(restore->after_count, 0);
	for (size_t i = 1; i < plan->step_count; i++) {
		assert_int_equal(plan->steps[i].number, i + 1);
		assert_int_equal(plan->steps[i].after_count, 1);
		assert_true(waits_for(&plan->steps[i], restore));
	}
}

static void references_go_before_the_object_they_lead_to(void **state)
{
	struct directory directory = { { "{\"department\":\"Lab\",\"id\":" QUOTED(
						 USER("0")) ",\"kind\":\"user\"}\n",
		"{\"id\":" QUOTED(USER("1")) ",\"kind\":\"user\",\"manager\":" QUOTED(
			USER("0")) "}\n",
		"{\"id\":" QUOTED(GROUP("1")) ",\"kind\":\"group\"}\n" } };
	struct finding findings[] = {
		object_finding(KIND_USER, USER("0"), CHANGE_CREATED),
		value_finding(
			KIND_USER, USER("0"), "department", VALUE("\"Sales\""), VALUE("\"Lab\"")),
		value_finding(KIND_USER, USER("1"), "manager", NOTHING, VALUE(QUOTED(USER("0")))),
		element_finding(KIND_GROUP, GROUP("1"), "members", USER("0"), NOTHING,
			VALUE(QUOTED(USER("0")))),
		element_finding(KIND_GROUP, GROUP("1"), "owners", USER("0"), NOTHING,
			VALUE(QUOTED(USER("0")))),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 5);
	const struct plan_step *removal = step_on(plan, GRAPH_REMOVE, USER("0"));

	(void)state;
	assert_int_equal(removal->number, 5);
	assert_int_equal(removal->after_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(removal->after[i], i + 1);
}

static void address_is_let_go_before_it_is_taken(void **state)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"),
		NAMED(USER("2"), "A@X.org") } };
	struct finding findings[] = {
		renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		renamed(USER("2"), VALUE("\"c@x.org\""), VALUE("\"A@X.org\"")),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	(void)state;
	assert_true(waits_for(
		step_on(plan, GRAPH_SET, USER("1")), step_on(plan, GRAPH_SET, USER("2"))));
	assert_int_equal(plan->by_door[DOOR_GRAPH], 2);
}

static void address_of_an_object_to_be_deleted_is_waited_for(void **state)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"),
		NAMED(USER("2"), "twin@x.org"),
		"{\"id\":" QUOTED(USER(
			"3")) ",\"kind\":\"user\",\"mail\":\"other@x.org\","
			      "\"proxyAddresses\":[\"SMTP:other@x.org\",\"smtp:a@x.org\"]}\n" } };
	struct finding findings[] = {
		renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		object_finding(KIND_USER, USER("3"), CHANGE_CREATED),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	(void)state;
	assert_true(waits_for(
		step_on(plan, GRAPH_SET, USER("1")), step_on(plan, GRAPH_REMOVE, USER("3"))));
}

static void restored_object_waits_for_its_address(void **state)
{
	/* The service put the id before the name of the deleted user. */
	struct directory directory = {
		{ "{\"deleted\":true,\"id\":" QUOTED(
			  USER("1")) ",\"kind\":\"user\",\"userPrincipalName\":"
				     "\"a0000000000040008000000000000001a@x.org\"}\n",
			NAMED(USER("2"), "a@x.org") }
	};
	struct finding findings[] = {
		object_finding(KIND_USER, USER("1"), CHANGE_DELETED),
		renamed(USER("2"), VALUE("\"b@x.org\""), VALUE("\"a@x.org\"")),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	(void)state;
	assert_true(waits_for(
		step_on(plan, GRAPH_RESTORE, USER("1")), step_on(plan, GRAPH_SET, USER("2"))));
}

static void address_that_a_mailbox_must_let_go_is_waited_for(void **state)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"),
		"{\"id\":" QUOTED(USER(
			"2")) ",\"kind\":\"user\",\"proxyAddresses\":[\"smtp:a@x.org\"]}\n" } };
	struct finding findings[] = {
		renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		element_finding(KIND_USER, USER("2"), "proxyAddresses", "smtp:a@x.org", NOTHING,
			VALUE("\"smtp:a@x.org\"")),
	};

	(void)state;
	findings[1].door = DOOR_EXCHANGE;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);
	const struct plan_step *mailbox = step_on(plan, GRAPH_SET, USER("2"));

	assert_int_equal(mailbox->door, DOOR_MANUAL);
	assert_true(waits_for(step_on(plan, GRAPH_SET, USER("1")), mailbox));
}

static void two_who_swapped_names_go_to_a_person_and_others_do_not(void **state)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"), NAMED(USER("2"), "a@x.org"),
		NAMED(USER("3"), "d@x.org") } };
	struct finding findings[] = {
		renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		renamed(USER("2"), VALUE("\"b@x.org\""), VALUE("\"a@x.org\"")),
		renamed(USER("3"), VALUE("\"c@x.org\""), VALUE("\"d@x.org\"")),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 3);

	(void)state;
	assert_int_equal(plan->step_count, 3);
	assert_int_equal(step_on(plan, GRAPH_SET, USER("1"))->door, DOOR_MANUAL);
	assert_int_equal(step_on(plan, GRAPH_SET, USER("2"))->door, DOOR_MANUAL);
	assert_int_equal(step_on(plan, GRAPH_SET, USER("3"))->door, DOOR_GRAPH);
	assert_non_null(strstr(step_on(plan, GRAPH_SET, USER("1"))->manual, "spare address"));
	assert_int_equal(step_on(plan, GRAPH_SET, USER("1"))->after_count, 0);
	assert_int_equal(plan->by_door[DOOR_MANUAL], 2);
}

static void rename_to_a_free_name_waits_for_nobody(void **state)
{
	struct directory directory = { { NAMED(USER("1"), "a@x.org") } };
	struct finding finding = renamed(USER("1"), VALUE("\"z@x.org\""), VALUE("\"a@x.org\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	(void)state;
	assert_int_equal(plan->step_count, 1);
	assert_int_equal(plan->steps[0].after_count, 0);
	assert_int_equal(plan->steps[0].door, DOOR_GRAPH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_is_put_in_order_from_any_direction),
		cmocka_unit_test(circle_is_broken_and_what_hangs_on_it_keeps_its_place),
		cmocka_unit_test(nothing_to_order_is_fine),
		cmocka_unit_test(long_chain_needs_no_stack),
		cmocka_unit_test(object_is_restored_before_anything_refers_to_it),
		cmocka_unit_test(references_go_before_the_object_they_lead_to),
		cmocka_unit_test(address_is_let_go_before_it_is_taken),
		cmocka_unit_test(address_of_an_object_to_be_deleted_is_waited_for),
		cmocka_unit_test(restored_object_waits_for_its_address),
		cmocka_unit_test(address_that_a_mailbox_must_let_go_is_waited_for),
		cmocka_unit_test(two_who_swapped_names_go_to_a_person_and_others_do_not),
		cmocka_unit_test(rename_to_a_free_name_waits_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
