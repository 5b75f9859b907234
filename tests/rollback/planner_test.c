/* From findings to steps: what is put back, what stays, who does it. */
#include "tests/rollback/planning.h"

#include "base/text.h"

#define PROXIES(list)                                                                              \
	"{\"id\":" QUOTED(USER("1")) ",\"kind\":\"user\",\"proxyAddresses\":[" list "]}\n"

/* ---- sets ------------------------------------------------------------------------------- */

static void alias_that_others_added_stays_when_the_wrong_one_goes(void **state)
{
	struct directory directory = { { "{\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\","
			   "\"otherMails\":[\"helpdesk@x.org\",\"stale@x.org\"]}\n" } };
	struct finding finding = element_finding(KIND_USER, USER("1"), "otherMails", "stale@x.org",
		NOTHING, VALUE("\"stale@x.org\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	(void)state;
	assert_int_equal(plan->step_count, 1);
	assert_int_equal(plan->steps[0].operation, GRAPH_SET);
	assert_int_equal(plan->steps[0].door, DOOR_GRAPH);
	assert_value(plan->steps[0].from, "[\"helpdesk@x.org\",\"stale@x.org\"]");
	assert_value(plan->steps[0].to, "[\"helpdesk@x.org\"]");
}

static void alias_that_staging_took_comes_back_beside_what_stands_there(void **state)
{
	struct directory directory = { { "{\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\",\"otherMails\":[\"b@x.org\"]}\n" } };
	struct finding findings[] = {
		element_finding(KIND_USER, USER("1"), "otherMails", "c@x.org", VALUE("\"C@x.org\""),
			NOTHING),
		element_finding(KIND_USER, USER("1"), "otherMails", "a@x.org", VALUE("\"a@x.org\""),
			NOTHING),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	(void)state;
	assert_int_equal(plan->step_count, 1);
	assert_value(plan->steps[0].from, "[\"b@x.org\"]");
	assert_true(attribute_equal(plan->steps[0].attribute, plan->steps[0].to,
		VALUE("[\"a@x.org\",\"b@x.org\",\"c@x.org\"]")));
}

static void set_that_was_empty_becomes_nothing(void **state)
{
	struct directory directory = { { "{\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\",\"otherMails\":[\"b@x.org\"]}\n" } };
	struct finding finding = element_finding(
		KIND_USER, USER("1"), "otherMails", "b@x.org", NOTHING, VALUE("\"b@x.org\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	(void)state;
	assert_null(plan->steps[0].to.data);
}

static void swapped_primary_is_one_step_with_one_primary(void **state)
{
	struct directory directory = { { PROXIES(
		"\"SMTP:new@x.org\",\"smtp:legit@x.org\",\"smtp:old@x.org\"") } };
	struct finding findings[] = {
		element_finding(KIND_USER, USER("1"), "proxyAddresses", "smtp:new@x.org",
			VALUE("\"smtp:new@x.org\""), VALUE("\"SMTP:new@x.org\"")),
		element_finding(KIND_USER, USER("1"), "proxyAddresses", "smtp:old@x.org",
			VALUE("\"SMTP:old@x.org\""), VALUE("\"smtp:old@x.org\"")),
	};

	(void)state;
	findings[0].door = findings[1].door = DOOR_SYNC;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	assert_int_equal(plan->step_count, 1);
	assert_int_equal(plan->steps[0].door, DOOR_SYNC);
	assert_value(
		plan->steps[0].to, "[\"SMTP:old@x.org\",\"smtp:legit@x.org\",\"smtp:new@x.org\"]");
}

/* As reconcile reports a swap: one finding, about the address that should be primary. */
static void primary_that_comes_back_makes_the_other_one_step_back(void **state)
{
	struct directory directory = { { PROXIES(
		"\"SMTP:new@x.org\",\"smtp:legit@x.org\",\"smtp:old@x.org\"") } };
	struct finding finding = element_finding(KIND_USER, USER("1"), "proxyAddresses",
		"smtp:old@x.org", VALUE("\"SMTP:old@x.org\""), VALUE("\"SMTP:new@x.org\""));

	(void)state;
	finding.door = DOOR_SYNC;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_int_equal(plan->step_count, 1);
	assert_value(
		plan->steps[0].to, "[\"SMTP:old@x.org\",\"smtp:legit@x.org\",\"smtp:new@x.org\"]");
}

static void removed_primary_that_comes_back_is_the_only_one(void **state)
{
	struct directory directory = { { PROXIES("\"SMTP:new@x.org\"") } };
	struct finding finding = element_finding(KIND_USER, USER("1"), "proxyAddresses",
		"smtp:old@x.org", VALUE("\"SMTP:old@x.org\""), NOTHING);

	(void)state;
	finding.door = DOOR_SYNC;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_value(plan->steps[0].to, "[\"SMTP:old@x.org\",\"smtp:new@x.org\"]");
}

static void elements_with_different_doors_go_to_a_person(void **state)
{
	struct directory directory = { { "{\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\",\"otherMails\":[\"b@x.org\",\"c@x.org\"]}\n" } };
	struct finding findings[] = {
		element_finding(KIND_USER, USER("1"), "otherMails", "b@x.org", NOTHING,
			VALUE("\"b@x.org\"")),
		element_finding(KIND_USER, USER("1"), "otherMails", "c@x.org", NOTHING,
			VALUE("\"c@x.org\"")),
	};

	(void)state;
	findings[1].door = DOOR_SYNC;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	assert_int_equal(plan->step_count, 1);
	assert_int_equal(plan->steps[0].door, DOOR_MANUAL);
}

static void reasons_and_references_of_a_set_are_joined_once(void **state)
{
	static const char *const one[] = { "audit-2", "audit-1" }, *const two[] = { "audit-2" };
	struct directory directory = { { "{\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\",\"otherMails\":[\"b@x.org\",\"c@x.org\"]}\n" } };
	struct finding findings[] = {
		element_finding(KIND_USER, USER("1"), "otherMails", "b@x.org", NOTHING,
			VALUE("\"b@x.org\"")),
		element_finding(KIND_USER, USER("1"), "otherMails", "c@x.org", NOTHING,
			VALUE("\"c@x.org\"")),
	};

	(void)state;
	findings[0].references = one;
	findings[0].reference_count = 2;
	findings[1].references = two;
	findings[1].reference_count = 1;
	findings[1].reason = "and another";
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	assert_string_equal(plan->steps[0].why, "the staging server wrote it last; and another");
	assert_int_equal(plan->steps[0].reference_count, 2);
	assert_string_equal(plan->steps[0].references[0], "audit-1");
	assert_string_equal(plan->steps[0].references[1], "audit-2");
}

/* ---- single values -------------------------------------------------------------------------- */

static void value_goes_from_what_stands_there_to_what_stood_before(void **state)
{
	struct directory directory = { { "{\"department\":\"Lab\",\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\"}\n" } };
	struct finding finding = value_finding(
		KIND_USER, USER("1"), "department", VALUE("\"Sales\""), VALUE("\"Lab\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	(void)state;
	assert_int_equal(plan->step_count, 1);
	assert_int_equal(plan->steps[0].number, 1);
	assert_string_equal(plan->steps[0].id, USER("1"));
	assert_string_equal(plan->steps[0].name, "anna@example.com");
	assert_string_equal(plan->steps[0].attribute->name, "department");
	assert_value(plan->steps[0].from, "\"Lab\"");
	assert_value(plan->steps[0].to, "\"Sales\"");
	assert_null(plan->steps[0].manual);
}

static void value_that_was_empty_is_cleared(void **state)
{
	struct directory directory = { { "{\"department\":\"Lab\",\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\"}\n" } };
	struct finding finding = value_finding(
		KIND_USER, USER("1"), "department", NOTHING, VALUE("\"Lab\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	(void)state;
	assert_int_equal(plan->steps[0].door, DOOR_GRAPH);
	assert_null(plan->steps[0].to.data);
}

static void name_that_graph_cannot_clear_goes_to_a_person(void **state)
{
	struct directory directory = { { "{\"displayName\":\"X\",\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\"}\n" } };
	struct finding finding = value_finding(
		KIND_USER, USER("1"), "displayName", NOTHING, VALUE("\"X\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	(void)state;
	assert_int_equal(plan->steps[0].door, DOOR_MANUAL);
	assert_non_null(strstr(plan->steps[0].manual, "can't clear"));
}

static void live_snapshot_of_another_moment_is_refused(void **state)
{
	struct directory directory = { { "{\"department\":\"Elsewhere\",\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\","
			   "\"otherMails\":[\"b@x.org\"]}\n" } };
	struct finding findings[] = {
		value_finding(
			KIND_USER, USER("1"), "department", VALUE("\"Sales\""), VALUE("\"Lab\"")),
		element_finding(KIND_USER, USER("1"), "otherMails", "gone@x.org", NOTHING,
			VALUE("\"gone@x.org\"")),
		value_finding(
			KIND_USER, USER("9"), "department", VALUE("\"Sales\""), VALUE("\"Lab\"")),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(findings); i++) {
		struct error err = { 0 };

		assert_null(try_plan(&directory, &findings[i], 1, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_non_null(strstr(err.text, "live snapshot"));
	}
}

static void other_verdicts_and_values_nobody_writes_are_no_steps(void **state)
{
	struct directory directory = { { "{\"department\":\"Lab\",\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\"}\n" } };

	(void)state;
	for (enum verdict verdict = 0; verdict < VERDICT_COUNT; verdict++) {
		struct finding finding = value_finding(
			KIND_USER, USER("1"), "department", VALUE("\"Sales\""), VALUE("\"Lab\""));

		finding.verdict = verdict;
		finding.door = verdict == VERDICT_REVERT ? DOOR_NONE : DOOR_GRAPH;
		CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

		assert_int_equal(plan->step_count, 0);
		assert_int_equal(plan->blocked_count, verdict == VERDICT_BLOCKED);
	}
}

static void blocked_findings_are_named(void **state)
{
	struct directory directory = { { NULL } };
	struct finding findings[] = { object_finding(KIND_CONTACT, CONTACT("1"), CHANGE_DELETED),
		object_finding(KIND_USER, USER("1"), CHANGE_PURGED) };

	(void)state;
	findings[0].verdict = VERDICT_BLOCKED;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	assert_int_equal(plan->step_count, 0);
	assert_int_equal(plan->blocked_count, 2);
	assert_string_equal(plan->blocked[0].id, USER("1"));
	assert_string_equal(plan->blocked[1].id, CONTACT("1"));
	assert_null(plan->blocked[1].attribute);
}

/* ---- references ------------------------------------------------------------------------- */

static const char group_line[] = "{\"id\":" QUOTED(GROUP("1")) ",\"kind\":\"group\"}\n";

static void each_member_is_a_step_of_its_own(void **state)
{
	struct directory directory = { { group_line } };
	struct finding findings[] = {
		element_finding(KIND_GROUP, GROUP("1"), "members", USER("1"), NOTHING,
			VALUE(QUOTED(USER("1")))),
		element_finding(KIND_GROUP, GROUP("1"), "members", USER("2"),
			VALUE(QUOTED(USER("2"))), NOTHING),
		element_finding(KIND_GROUP, GROUP("1"), "owners", USER("3"), NOTHING,
			VALUE(QUOTED(USER("3")))),
		element_finding(KIND_GROUP, GROUP("1"), "owners", USER("4"),
			VALUE(QUOTED(USER("4"))), NOTHING),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 4);
	const struct plan_step *step = step_on(plan, GRAPH_REMOVE_MEMBER, GROUP("1"));

	(void)state;
	assert_int_equal(plan->step_count, 4);
	assert_string_equal(step->target, USER("1"));
	assert_value(step->from, QUOTED(USER("1")));
	assert_null(step->to.data);
	step = step_on(plan, GRAPH_ADD_MEMBER, GROUP("1"));
	assert_string_equal(step->target, USER("2"));
	assert_null(step->from.data);
	assert_value(step->to, QUOTED(USER("2")));
	assert_string_equal(step_on(plan, GRAPH_REMOVE_OWNER, GROUP("1"))->target, USER("3"));
	assert_string_equal(step_on(plan, GRAPH_ADD_OWNER, GROUP("1"))->target, USER("4"));
	assert_int_equal(plan->limits.member_removals, 1);
	assert_int_equal(plan->limits.objects, 1);
}

static void manager_is_put_back_or_cleared(void **state)
{
	struct directory directory = {
		{ "{\"id\":" QUOTED(USER("1")) ",\"kind\":\"user\",\"manager\":" QUOTED(
			  USER("3")) "}\n",
			"{\"id\":" QUOTED(USER("2")) ",\"kind\":\"user\",\"manager\":" QUOTED(
				USER("3")) "}\n" }
	};
	struct finding findings[] = {
		value_finding(KIND_USER, USER("1"), "manager", VALUE(QUOTED(USER("4"))),
			VALUE(QUOTED(USER("3")))),
		value_finding(KIND_USER, USER("2"), "manager", NOTHING, VALUE(QUOTED(USER("3")))),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);
	const struct plan_step *set = step_on(plan, GRAPH_SET_MANAGER, USER("1"));
	const struct plan_step *clear = step_on(plan, GRAPH_CLEAR_MANAGER, USER("2"));

	(void)state;
	assert_string_equal(set->target, USER("4"));
	assert_value(set->from, QUOTED(USER("3")));
	assert_value(set->to, QUOTED(USER("4")));
	assert_null(clear->target);
	assert_value(clear->from, QUOTED(USER("3")));
	assert_null(clear->to.data);
}

static void members_of_a_restored_group_are_no_steps(void **state)
{
	struct directory directory = { { "{\"deleted\":true,\"id\":" QUOTED(
		GROUP("1")) ",\"kind\":\"group\"}\n" } };
	struct finding findings[] = {
		element_finding(KIND_GROUP, GROUP("1"), "members", USER("2"),
			VALUE(QUOTED(USER("2"))), NOTHING),
		object_finding(KIND_GROUP, GROUP("1"), CHANGE_DELETED),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	(void)state;
	assert_int_equal(plan->step_count, 1);
	assert_int_equal(plan->steps[0].operation, GRAPH_RESTORE);
	assert_null(plan->steps[0].attribute);
}

static void members_of_a_dynamic_group_are_no_steps(void **state)
{
	struct directory directory = {
		{ "{\"groupTypes\":[\"DynamicMembership\",\"Unified\"],\"id\":" QUOTED(
			GROUP("1")) ",\"kind\":\"group\"}\n" }
	};
	struct finding findings[] = {
		element_finding(KIND_GROUP, GROUP("1"), "members", USER("2"),
			VALUE(QUOTED(USER("2"))), NOTHING),
		element_finding(KIND_GROUP, GROUP("1"), "owners", USER("2"),
			VALUE(QUOTED(USER("2"))), NOTHING),
	};

	(void)state;
	findings[0].door = DOOR_MANUAL;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	assert_int_equal(plan->step_count, 1);
	assert_int_equal(plan->steps[0].operation, GRAPH_ADD_OWNER);
}

static void reference_that_is_no_id_is_refused(void **state)
{
	struct directory directory = { { group_line } };
	struct finding finding = element_finding(
		KIND_GROUP, GROUP("1"), "members", "x", VALUE("\"x\""), NOTHING);
	struct error err = { 0 };

	(void)state;
	assert_null(try_plan(&directory, &finding, 1, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "no id"));
}

/* ---- whole objects, other doors --------------------------------------------------------- */

static void created_is_deleted_and_deleted_is_restored(void **state)
{
	struct directory directory = { { "{\"id\":" QUOTED(USER("1")) ",\"kind\":\"user\"}\n",
		"{\"deleted\":true,\"id\":" QUOTED(USER("2")) ",\"kind\":\"user\"}\n",
		"{\"id\":" QUOTED(USER("3")) ",\"kind\":\"user\"}\n" } };
	struct finding findings[] = { object_finding(KIND_USER, USER("1"), CHANGE_CREATED),
		object_finding(KIND_USER, USER("2"), CHANGE_DELETED),
		object_finding(KIND_USER, USER("3"), CHANGE_RESTORED) };
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 3);

	(void)state;
	assert_int_equal(step_on(plan, GRAPH_REMOVE, USER("1"))->door, DOOR_GRAPH);
	assert_int_equal(step_on(plan, GRAPH_RESTORE, USER("2"))->door, DOOR_GRAPH);
	assert_int_equal(step_on(plan, GRAPH_REMOVE, USER("3"))->door, DOOR_GRAPH);
	assert_int_equal(plan->limits.deletes, 2);
	assert_int_equal(plan->by_door[DOOR_GRAPH], 3);
}

static void synced_object_carries_the_anchor_it_is_deleted_by(void **state)
{
	struct directory directory = {
		{ "{\"id\":" QUOTED(
			  USER("1")) ",\"kind\":\"user\","
				     "\"onPremisesImmutableId\":\"niocP31bYEyaHg1Lby6MEQ==\"}\n",
			"{\"id\":" QUOTED(GROUP("1")) ",\"kind\":\"group\"}\n",
			"{\"id\":" QUOTED(USER(
				"2")) ",\"kind\":\"user\",\"onPremisesImmutableId\":\"=cmd|calc\"}\n" }
	};
	struct finding findings[] = { object_finding(KIND_USER, USER("1"), CHANGE_CREATED),
		object_finding(KIND_GROUP, GROUP("1"), CHANGE_CREATED),
		object_finding(KIND_USER, USER("2"), CHANGE_CREATED) };

	(void)state;
	findings[0].door = findings[1].door = findings[2].door = DOOR_ADSYNC;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 3);
	const struct plan_step *group = step_on(plan, GRAPH_REMOVE, GROUP("1"));

	assert_string_equal(
		step_on(plan, GRAPH_REMOVE, USER("1"))->source_anchor, "niocP31bYEyaHg1Lby6MEQ==");
	assert_int_equal(group->door, DOOR_MANUAL);
	assert_non_null(strstr(group->manual, "Group_" GROUP("1")));
	assert_int_equal(step_on(plan, GRAPH_REMOVE, USER("2"))->door, DOOR_MANUAL);
	assert_null(step_on(plan, GRAPH_REMOVE, USER("2"))->source_anchor);
}

static void addresses_of_a_mailbox_are_a_step_of_its_own_door(void **state)
{
	struct directory directory = { { PROXIES("\"SMTP:a@x.org\",\"smtp:b@x.org\"") } };
	struct finding finding = element_finding(KIND_USER, USER("1"), "proxyAddresses",
		"smtp:b@x.org", NOTHING, VALUE("\"smtp:b@x.org\""));

	(void)state;
	finding.door = DOOR_EXCHANGE;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_int_equal(plan->steps[0].door, DOOR_EXCHANGE);
	assert_int_equal(plan->file_count, 1);
	assert_string_equal(plan->files[0].name, "exchange.ps1");
}

static void mailbox_without_a_primary_address_is_not_asked_of_exchange(void **state)
{
	struct directory directory = { { PROXIES("\"SMTP:a@x.org\"") } };
	struct finding finding = element_finding(KIND_USER, USER("1"), "proxyAddresses",
		"smtp:a@x.org", NOTHING, VALUE("\"SMTP:a@x.org\""));

	(void)state;
	finding.door = DOOR_EXCHANGE;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_int_equal(plan->steps[0].door, DOOR_MANUAL);
	assert_non_null(strstr(plan->steps[0].manual, "exactly one primary"));
	assert_int_equal(plan->file_count, 1);
	assert_string_equal(plan->files[0].name, "manual.txt");
}

static void mail_is_a_step_for_exchange_only_where_it_follows(void **state)
{
	struct directory directory = { { "{\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\",\"mail\":\"b@x.org\",\"proxyAddresses\":"
			   "[\"SMTP:b@x.org\",\"smtp:a@x.org\"]}\n" } };
	struct finding findings[] = {
		value_finding(
			KIND_USER, USER("1"), "mail", VALUE("\"a@x.org\""), VALUE("\"b@x.org\"")),
		element_finding(KIND_USER, USER("1"), "proxyAddresses", "smtp:a@x.org",
			VALUE("\"SMTP:a@x.org\""), VALUE("\"smtp:a@x.org\"")),
		element_finding(KIND_USER, USER("1"), "proxyAddresses", "smtp:b@x.org",
			VALUE("\"smtp:b@x.org\""), VALUE("\"SMTP:b@x.org\"")),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(findings); i++)
		findings[i].door = DOOR_EXCHANGE;
	CLEANUP(plan_freep) struct plan *with = make_plan(&directory, findings, 3);
	CLEANUP(plan_freep) struct plan *alone = make_plan(&directory, findings, 1);

	assert_int_equal(with->by_door[DOOR_EXCHANGE], 2);
	assert_int_equal(alone->by_door[DOOR_EXCHANGE], 0);
	assert_int_equal(alone->by_door[DOOR_MANUAL], 1);
}

static void place_in_active_directory_is_in_the_step_or_a_person_does_it(void **state)
{
	struct directory directory = {
		{ "{\"department\":\"Lab\",\"id\":" QUOTED(
			  USER("1")) ",\"kind\":\"user\",\"onPremisesDistinguishedName\":"
				     "\"CN=A\\\\, B,OU=People,DC=corp,DC=contoso,DC=com\","
				     "\"onPremisesSecurityIdentifier\":\"S-1-5-21-1-2-3-1105\"}\n",
			"{\"department\":\"Lab\",\"id\":" QUOTED(USER("2")) ",\"kind\":\"user\"}\n",
			"{\"department\":\"Lab\",\"id\":" QUOTED(
				USER("3")) ",\"kind\":\"user\",\"onPremisesDistinguishedName\":"
					   "\"CN=A,DC=x,OU=People\"}\n" }
	};
	struct finding findings[] = {
		value_finding(
			KIND_USER, USER("1"), "department", VALUE("\"Sales\""), VALUE("\"Lab\"")),
		value_finding(
			KIND_USER, USER("2"), "department", VALUE("\"Sales\""), VALUE("\"Lab\"")),
		value_finding(
			KIND_USER, USER("3"), "department", VALUE("\"Sales\""), VALUE("\"Lab\"")),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(findings); i++)
		findings[i].door = DOOR_DIRECTORY;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 3);
	const struct plan_step *step = step_on(plan, GRAPH_SET, USER("1"));

	assert_int_equal(step->door, DOOR_DIRECTORY);
	assert_string_equal(
		step->distinguished_name, "CN=A\\, B,OU=People,DC=corp,DC=contoso,DC=com");
	assert_string_equal(step->security_identifier, "S-1-5-21-1-2-3-1105");
	assert_int_equal(step_on(plan, GRAPH_SET, USER("2"))->door, DOOR_MANUAL);
	assert_int_equal(step_on(plan, GRAPH_SET, USER("3"))->door, DOOR_MANUAL);
	assert_null(step_on(plan, GRAPH_SET, USER("2"))->distinguished_name);
}

static void addresses_left_to_a_person_become_a_paragraph_that_can_harm_nobody(void **state)
{
	struct directory directory = { { PROXIES(
		"\"SMTP:a@x.org\",\"SMTP:\\u001b[2J\u202e@x.org\",\"smtp:c@x.org\"") } };
	struct finding finding = element_finding(KIND_USER, USER("1"), "proxyAddresses",
		"smtp:c@x.org", NOTHING, VALUE("\"smtp:c@x.org\""));

	(void)state;
	finding.door = DOOR_EXCHANGE;
	finding.name = SPAN_LITERAL("Eve\n\x1b]0;owned\x07");
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);
	CLEANUP(buf_release) struct buf printable = BUF_UP_TO(1 << 20);
	const struct plan_step *step = &plan->steps[0];

	assert_int_equal(step->door, DOOR_MANUAL);
	text_printable(&printable, span_of(step->manual));
	assert_string_equal(buf_text(&printable), step->manual);
	assert_non_null(strstr(step->manual, "Set-Mailbox"));
	assert_non_null(strstr(step->manual, "-EmailAddresses"));
	assert_non_null(strstr(step->manual, "SMTP:a@x.org"));
	assert_non_null(strstr(step->manual, USER("1")));
	assert_non_null(strstr(step->manual, "the staging server wrote it last"));
}

static void doors_without_a_file_become_paragraphs(void **state)
{
	static const struct {
		enum door door;
		const char *says;
	} cases[] = { { DOOR_DIRECTORY, "Active Directory" }, { DOOR_EXCHANGE, "Exchange Online" },
		{ DOOR_MANUAL, "administrator" } };
	struct directory directory = { { "{\"department\":\"Lab\",\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\"}\n" } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct finding finding = value_finding(
			KIND_USER, USER("1"), "department", VALUE("\"Sales\""), VALUE("\"Lab\""));

		finding.door = cases[i].door;
		CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

		assert_int_equal(plan->steps[0].door, DOOR_MANUAL);
		assert_int_equal(plan->by_door[DOOR_MANUAL], 1);
		assert_non_null(strstr(plan->steps[0].manual, cases[i].says));
		assert_non_null(
			strstr(plan->steps[0].manual, "is \"Lab\" and should be \"Sales\""));
	}
}

static void contact_is_never_a_step_for_graph(void **state)
{
	struct directory directory = { { "{\"department\":\"Lab\",\"id\":" QUOTED(
		CONTACT("1")) ",\"kind\":\"contact\"}\n" } };
	struct finding finding = value_finding(
		KIND_CONTACT, CONTACT("1"), "department", VALUE("\"Sales\""), VALUE("\"Lab\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	(void)state;
	assert_int_equal(plan->steps[0].door, DOOR_MANUAL);
}

static void long_value_is_cut_in_a_paragraph_and_whole_in_the_step(void **state)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(1 << 20);
	struct directory directory = { { NULL } };
	struct finding finding;

	(void)state;
	buf_add_text(&line, "{\"department\":\"");
	for (size_t i = 0; i < 20000; i++)
		buf_add_text(&line, "ä");
	buf_add_text(&line, "\",\"id\":" QUOTED(USER("1")) ",\"kind\":\"user\"}\n");
	directory.lines[0] = buf_text(&line);
	finding = value_finding(KIND_USER, USER("1"), "department", VALUE("\"Sales\""),
		(struct span){ line.data + 14, 40002 });
	finding.door = DOOR_MANUAL;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	assert_int_equal(plan->steps[0].from.length, 40002);
	assert_true(strlen(plan->steps[0].manual) < 20000);
	assert_non_null(strstr(plan->steps[0].manual, "bytes more"));
	assert_true(text_is_utf8(span_of(plan->steps[0].manual)));
}

static void order_of_the_findings_does_not_matter(void **state)
{
	struct directory directory = { { "{\"department\":\"Lab\",\"id\":" QUOTED(USER(
						 "1")) ",\"jobTitle\":\"X\",\"kind\":\"user\"}\n",
		"{\"id\":" QUOTED(GROUP("1")) ",\"kind\":\"group\"}\n",
		"{\"deleted\":true,\"id\":" QUOTED(USER("2")) ",\"kind\":\"user\"}\n" } };
	struct finding findings[] = {
		element_finding(KIND_GROUP, GROUP("1"), "members", USER("2"),
			VALUE(QUOTED(USER("2"))), NOTHING),
		value_finding(
			KIND_USER, USER("1"), "department", VALUE("\"Sales\""), VALUE("\"Lab\"")),
		object_finding(KIND_USER, USER("2"), CHANGE_DELETED),
		value_finding(KIND_USER, USER("1"), "jobTitle", NOTHING, VALUE("\"X\"")),
	};
	CLEANUP(plan_freep) struct plan *first = make_plan(&directory, findings, 4);
	CLEANUP(buf_release) struct buf one = BUF_UP_TO(1 << 20), other = BUF_UP_TO(1 << 20);

	(void)state;
	plan_add_json(&one, first);
	for (size_t turn = 0; turn < 3; turn++) {
		struct finding kept = findings[0];

		memmove(findings, findings + 1, 3 * sizeof(*findings));
		findings[3] = kept;
		CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 4);

		buf_release(&other);
		plan_add_json(&other, plan);
		assert_string_equal(buf_text(&one), buf_text(&other));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alias_that_others_added_stays_when_the_wrong_one_goes),
		cmocka_unit_test(alias_that_staging_took_comes_back_beside_what_stands_there),
		cmocka_unit_test(set_that_was_empty_becomes_nothing),
		cmocka_unit_test(swapped_primary_is_one_step_with_one_primary),
		cmocka_unit_test(primary_that_comes_back_makes_the_other_one_step_back),
		cmocka_unit_test(removed_primary_that_comes_back_is_the_only_one),
		cmocka_unit_test(elements_with_different_doors_go_to_a_person),
		cmocka_unit_test(reasons_and_references_of_a_set_are_joined_once),
		cmocka_unit_test(value_goes_from_what_stands_there_to_what_stood_before),
		cmocka_unit_test(value_that_was_empty_is_cleared),
		cmocka_unit_test(name_that_graph_cannot_clear_goes_to_a_person),
		cmocka_unit_test(live_snapshot_of_another_moment_is_refused),
		cmocka_unit_test(other_verdicts_and_values_nobody_writes_are_no_steps),
		cmocka_unit_test(blocked_findings_are_named),
		cmocka_unit_test(each_member_is_a_step_of_its_own),
		cmocka_unit_test(manager_is_put_back_or_cleared),
		cmocka_unit_test(members_of_a_restored_group_are_no_steps),
		cmocka_unit_test(members_of_a_dynamic_group_are_no_steps),
		cmocka_unit_test(reference_that_is_no_id_is_refused),
		cmocka_unit_test(created_is_deleted_and_deleted_is_restored),
		cmocka_unit_test(synced_object_carries_the_anchor_it_is_deleted_by),
		cmocka_unit_test(addresses_of_a_mailbox_are_a_step_of_its_own_door),
		cmocka_unit_test(mailbox_without_a_primary_address_is_not_asked_of_exchange),
		cmocka_unit_test(mail_is_a_step_for_exchange_only_where_it_follows),
		cmocka_unit_test(place_in_active_directory_is_in_the_step_or_a_person_does_it),
		cmocka_unit_test(
			addresses_left_to_a_person_become_a_paragraph_that_can_harm_nobody),
		cmocka_unit_test(doors_without_a_file_become_paragraphs),
		cmocka_unit_test(contact_is_never_a_step_for_graph),
		cmocka_unit_test(long_value_is_cut_in_a_paragraph_and_whole_in_the_step),
		cmocka_unit_test(order_of_the_findings_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
