/* What comes before what, and circles. */
#include "tests/rollback/planning.h"

/* ---- the order of things -------------------------------------------------------------------- */

static void assert_order(const struct order *order)
{
	size_t places[32] = { 0 };

	for (size_t i = 0; i < order->count; i++)
		places[order->sequence[i]] = i;
	for (size_t i = 0; i < order->edge_count; i++)
		assert_true(places[order->edges[i].first] < places[order->edges[i].then]);
}

/* All can be parked, and nobody has two. */
static void let_park(struct order *order)
{
	order->things = memory_array(order->count, sizeof(*order->things));
	for (size_t i = 0; i < order->count; i++)
		order->things[i] = (struct order_thing){ .rank = 1, .owner = i };
}

static void chain_is_put_in_order_from_any_direction(void **state)
{
	CLEANUP(order_release) struct order order = { .count = 4 };

	(void)state;
	order_add(&order, 2, 1, false);
	order_add(&order, 3, 2, true);
	order_add(&order, 1, 0, false);
	order_add(&order, 1, 0, true);
	let_park(&order);
	order_solve(&order);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(order.sequence[i], 3 - i);
		assert_false(order.broken[i]);
	}
	assert_int_equal(order.edge_count, 3);
	assert_int_equal(order.parked_count, 0);
}

static void add_circle_with_tails(struct order *order)
{
	order->count = 5;
	order_add(order, 1, 2, true);
	order_add(order, 2, 3, true);
	order_add(order, 3, 1, true);
	order_add(order, 4, 1, true); /* before the circle */
	order_add(order, 2, 0, true); /* behind it */
}

static void one_in_a_circle_is_parked_and_what_hangs_on_it_keeps_its_place(void **state)
{
	CLEANUP(order_release) struct order order = { 0 };

	(void)state;
	add_circle_with_tails(&order);
	let_park(&order);
	order_solve(&order);
	assert_int_equal(order.parked_count, 1);
	assert_int_equal(order.count, 6);
	assert_int_equal(order.edge_count, 6); /* the five, and from the front to the rest */
	assert_order(&order);
}

static void circle_in_which_nothing_can_be_parked_loses_one_edge(void **state)
{
	CLEANUP(order_release) struct order order = { 0 };

	(void)state;
	add_circle_with_tails(&order);
	order_solve(&order);
	assert_int_equal(order.parked_count, 0);
	assert_int_equal(order.broken[0] + order.broken[1] + order.broken[2] + order.broken[3] +
			order.broken[4],
		1);
	assert_int_equal(order.edge_count, 4);
	assert_order(&order);
}

static void parking_in_two_circles_at_once_is_enough(void **state)
{
	CLEANUP(order_release) struct order order = { .count = 5 };

	(void)state;
	/* 0 ↔ 2 and 1 ↔ 2 and 2 → 3 → 4 → 2: the second one is in all of them. */
	order_add(&order, 0, 2, true);
	order_add(&order, 2, 0, true);
	order_add(&order, 1, 2, true);
	order_add(&order, 2, 1, true);
	order_add(&order, 2, 3, true);
	order_add(&order, 3, 4, true);
	order_add(&order, 4, 2, true);
	let_park(&order);
	order_solve(&order);
	assert_int_equal(order.parked_count, 1);
	assert_int_equal(order.parked[0], 2);
	assert_order(&order);
}

/* What must come before the thing must come before its front too. */
static void front_waits_for_what_can_not_be_broken(void **state)
{
	CLEANUP(order_release) struct order order = { .count = 3 };

	(void)state;
	order_add(&order, 0, 1, true);
	order_add(&order, 1, 0, true);
	order_add(&order, 2, 0, false);
	order_add(&order, 2, 1, false);
	let_park(&order);
	order_solve(&order);
	assert_int_equal(order.parked_count, 1);
	assert_int_equal(order.sequence[0], 2);
	assert_order(&order);
}

static void nothing_to_order_is_fine(void **state)
{
	CLEANUP(order_release) struct order order = { 0 };

	(void)state;
	order_solve(&order);
	assert_int_equal(order.edge_count, 0);
}

static void long_chain_needs_no_stack(void **state)
{
	enum { LENGTH = 200000 };
	CLEANUP(order_release) struct order order = { .count = LENGTH };

	(void)state;
	for (size_t i = 1; i < LENGTH; i++)
		order_add(&order, i, i - 1, true);
	order_solve(&order);
	assert_int_equal(order.sequence[0], LENGTH - 1);
	assert_int_equal(order.sequence[LENGTH - 1], 0);
}

static void one_ring_of_all_needs_one_parking(void **state)
{
	enum { LENGTH = 100000 };
	CLEANUP(order_release) struct order order = { .count = LENGTH };

	(void)state;
	for (size_t i = 0; i < LENGTH; i++)
		order_add(&order, i, (i + 1) % LENGTH, true);
	let_park(&order);
	order_solve(&order);
	assert_int_equal(order.parked_count, 1);
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
		"{\"id\":" QUOTED(USER("2")) ",\"kind\":\"user\",\"proxyAddresses\":"
					     "[\"SMTP:c@x.org\",\"smtp:a@x.org\"]}\n" } };
	struct finding findings[] = {
		renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		element_finding(KIND_USER, USER("2"), "proxyAddresses", "smtp:a@x.org", NOTHING,
			VALUE("\"smtp:a@x.org\"")),
	};

	(void)state;
	findings[1].door = DOOR_EXCHANGE;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);
	const struct plan_step *mailbox = step_on(plan, GRAPH_SET, USER("2"));

	assert_int_equal(mailbox->door, DOOR_EXCHANGE);
	assert_true(waits_for(step_on(plan, GRAPH_SET, USER("1")), mailbox));
}

static const struct plan_step *parking_on(const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->step_count; i++)
		if (plan->steps[i].until && strcmp(plan->steps[i].id, id) == 0)
			return &plan->steps[i];
	fail_msg("nothing of %s is parked", id);
	return NULL;
}

static bool starts_with_parking(struct span value)
{
	return value.length > sizeof("\"" PARKING_PREFIX) &&
		memcmp(value.data, "\"" PARKING_PREFIX, sizeof("\"" PARKING_PREFIX) - 1) == 0;
}

static void of_two_who_swapped_names_one_is_parked_and_others_are_not(void **state)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"), NAMED(USER("2"), "a@x.org"),
		NAMED(USER("3"), "d@x.org") } };
	struct finding findings[] = {
		renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		renamed(USER("2"), VALUE("\"b@x.org\""), VALUE("\"a@x.org\"")),
		renamed(USER("3"), VALUE("\"c@x.org\""), VALUE("\"d@x.org\"")),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 3);
	const struct plan_step *parking = parking_on(plan, USER("1"));
	const struct plan_step *last = &plan->steps[parking->until - 1];
	const struct plan_step *other = step_on(plan, GRAPH_SET, USER("2"));

	(void)state;
	assert_int_equal(plan->step_count, 4);
	assert_int_equal(plan->by_door[DOOR_GRAPH], 4);
	assert_value(parking->from, "\"b@x.org\"");
	assert_true(starts_with_parking(parking->to));
	assert_non_null(memmem(parking->to.data, parking->to.length, "@x.org\"", 7));
	assert_true(span_equal(last->from, parking->to));
	assert_value(last->to, "\"a@x.org\"");
	assert_true(
		waits_for(other, parking) && waits_for(last, other) && waits_for(last, parking));
	assert_non_null(strstr(parking->why, "b@x.org"));
}

static void nothing_is_parked_for_a_step_that_may_never_come_true(void **state)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"), NAMED(USER("2"), "a@x.org"),
		NAMED(USER("3"), "c@x.org") } };
	struct finding findings[] = {
		renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		renamed(USER("2"), VALUE("\"b@x.org\""), VALUE("\"a@x.org\"")),
		renamed(USER("3"), VALUE("\"b@x.org\""), VALUE("\"c@x.org\"")),
	};

	(void)state;
	findings[1].door = findings[2].door = DOOR_SYNC; /* both want the same name */
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 3);
	const struct plan_step *step = step_on(plan, GRAPH_SET, USER("1"));

	assert_int_equal(plan->step_count, 3);
	assert_int_equal(step->door, DOOR_MANUAL);
	assert_non_null(strstr(step->manual, "might stay so"));
}

static void parking_address_that_stands_anywhere_is_not_used(void **state)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"), NAMED(USER("2"), "a@x.org"),
		NULL } };
	struct finding findings[] = {
		renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		renamed(USER("2"), VALUE("\"b@x.org\""), VALUE("\"a@x.org\"")),
	};
	CLEANUP(plan_freep) struct plan *first = make_plan(&directory, findings, 2);
	struct span taken = parking_on(first, USER("1"))->to;
	char line[512];

	(void)state;
	/* In deleted items, in another case, of another domain, in quarantine: whatever it is. */
	snprintf(line, sizeof(line),
		"{\"deleted\":true,\"id\":" QUOTED(USER("9")) ",\"kind\":\"user\",\"otherMails\":["
							      "\"UN%.*s@y.org\"]}\n",
		(int)(sizeof(PARKING_PREFIX) - 3 + 8), taken.data + 3);
	directory.lines[2] = line;
	CLEANUP(plan_freep) struct plan *second = make_plan(&directory, findings, 2);

	assert_true(starts_with_parking(parking_on(second, USER("1"))->to));
	assert_false(span_equal(parking_on(second, USER("1"))->to, taken));
}

#define MAILED(id, list) "{\"id\":" QUOTED(id) ",\"kind\":\"user\",\"proxyAddresses\":[" list "]}\n"

static struct finding address_finding(
	const char *id, const char *key, struct span before, struct span live, enum door door)
{
	struct finding finding = element_finding(
		KIND_USER, id, "proxyAddresses", key, before, live);

	finding.door = door;
	return finding;
}

static void parked_set_keeps_what_is_not_moved_and_has_one_primary(void **state)
{
	struct directory directory = { { MAILED(USER("1"), "\"SMTP:b@x.org\",\"smtp:one@x.org\""),
		MAILED(USER("2"), "\"SMTP:a@x.org\",\"smtp:two@x.org\"") } };
	struct finding findings[] = {
		address_finding(USER("1"), "smtp:a@x.org", VALUE("\"SMTP:a@x.org\""), NOTHING,
			DOOR_EXCHANGE),
		address_finding(USER("1"), "smtp:b@x.org", NOTHING, VALUE("\"SMTP:b@x.org\""),
			DOOR_EXCHANGE),
		address_finding(USER("2"), "smtp:a@x.org", NOTHING, VALUE("\"SMTP:a@x.org\""),
			DOOR_EXCHANGE),
		address_finding(USER("2"), "smtp:b@x.org", VALUE("\"SMTP:b@x.org\""), NOTHING,
			DOOR_EXCHANGE),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 4);
	const struct plan_step *parking = parking_on(plan, USER("1"));
	const char start[] = "[\"SMTP:" PARKING_PREFIX, end[] = "@x.org\",\"smtp:one@x.org\"]";

	(void)state;
	assert_int_equal(plan->step_count, 3);
	assert_memory_equal(parking->to.data, start, sizeof(start) - 1);
	assert_memory_equal(
		parking->to.data + parking->to.length - (sizeof(end) - 1), end, sizeof(end) - 1);
	assert_value(plan->steps[parking->until - 1].to, "[\"SMTP:a@x.org\",\"smtp:one@x.org\"]");
}

static void circle_within_productions_steps_is_left_to_production(void **state)
{
	struct directory directory = { { MAILED(USER("1"), "\"smtp:b@x.org\""),
		MAILED(USER("2"), "\"smtp:a@x.org\"") } };
	struct finding findings[] = {
		address_finding(
			USER("1"), "smtp:a@x.org", VALUE("\"smtp:a@x.org\""), NOTHING, DOOR_SYNC),
		address_finding(
			USER("1"), "smtp:b@x.org", NOTHING, VALUE("\"smtp:b@x.org\""), DOOR_SYNC),
		address_finding(
			USER("2"), "smtp:a@x.org", NOTHING, VALUE("\"smtp:a@x.org\""), DOOR_SYNC),
		address_finding(
			USER("2"), "smtp:b@x.org", VALUE("\"smtp:b@x.org\""), NOTHING, DOOR_SYNC),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 4);

	(void)state;
	assert_int_equal(plan->step_count, 2);
	assert_int_equal(plan->by_door[DOOR_SYNC], 2);
	assert_int_equal(plan->steps[0].after_count + plan->steps[1].after_count, 0);
}

static void circle_with_production_in_it_is_broken_at_our_step(void **state)
{
	struct directory directory = { { NAMED(USER("1"), "b@x.org"),
		MAILED(USER("2"), "\"smtp:a@x.org\"") } };
	struct finding findings[] = {
		renamed(USER("1"), VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		address_finding(
			USER("2"), "smtp:a@x.org", NOTHING, VALUE("\"smtp:a@x.org\""), DOOR_SYNC),
		address_finding(
			USER("2"), "smtp:b@x.org", VALUE("\"smtp:b@x.org\""), NOTHING, DOOR_SYNC),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 3);
	const struct plan_step *parking = parking_on(plan, USER("1"));
	const struct plan_step *theirs = step_on(plan, GRAPH_SET, USER("2"));

	(void)state;
	assert_int_equal(plan->step_count, 3);
	assert_int_equal(theirs->door, DOOR_SYNC);
	assert_true(waits_for(theirs, parking));
	assert_true(waits_for(&plan->steps[parking->until - 1], theirs));
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
		cmocka_unit_test(one_in_a_circle_is_parked_and_what_hangs_on_it_keeps_its_place),
		cmocka_unit_test(circle_in_which_nothing_can_be_parked_loses_one_edge),
		cmocka_unit_test(parking_in_two_circles_at_once_is_enough),
		cmocka_unit_test(front_waits_for_what_can_not_be_broken),
		cmocka_unit_test(one_ring_of_all_needs_one_parking),
		cmocka_unit_test(nothing_to_order_is_fine),
		cmocka_unit_test(long_chain_needs_no_stack),
		cmocka_unit_test(object_is_restored_before_anything_refers_to_it),
		cmocka_unit_test(references_go_before_the_object_they_lead_to),
		cmocka_unit_test(address_is_let_go_before_it_is_taken),
		cmocka_unit_test(address_of_an_object_to_be_deleted_is_waited_for),
		cmocka_unit_test(restored_object_waits_for_its_address),
		cmocka_unit_test(address_that_a_mailbox_must_let_go_is_waited_for),
		cmocka_unit_test(of_two_who_swapped_names_one_is_parked_and_others_are_not),
		cmocka_unit_test(nothing_is_parked_for_a_step_that_may_never_come_true),
		cmocka_unit_test(parking_address_that_stands_anywhere_is_not_used),
		cmocka_unit_test(parked_set_keeps_what_is_not_moved_and_has_one_primary),
		cmocka_unit_test(circle_within_productions_steps_is_left_to_production),
		cmocka_unit_test(circle_with_production_in_it_is_broken_at_our_step),
		cmocka_unit_test(rename_to_a_free_name_waits_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
