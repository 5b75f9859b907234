/* The plan file: one spelling, and nothing in it that is not understood. */
#include "base/file.h"
#include "tests/rollback/planning.h"

enum { FILE_MAX = 1 << 20 };

/* A plan with every kind of step. */
static struct plan *full_plan(void)
{
	static const char *const references[] = { "audit-1", "audit \"2\"\x1b" };
	struct plan *plan;
	struct directory directory = { { "{\"department\":\"Lab\\n\u202e\",\"id\":" QUOTED(USER(
						 "1")) ",\"kind\":\"user\","
						       "\"otherMails\":[\"b@x.org\",\"c@x.org\"]}\n",
		"{\"deleted\":true,\"id\":" QUOTED(USER("2")) ",\"kind\":\"user\"}\n",
		"{\"id\":" QUOTED(
			USER("3")) ",\"kind\":\"user\",\"onPremisesImmutableId\":\"+iocP31==\"}\n",
		"{\"id\":" QUOTED(USER("4")) ",\"jobTitle\":\"X\",\"kind\":\"user\",\"manager\":" QUOTED(
			USER("1")) "}\n",
		"{\"id\":" QUOTED(USER("5")) ",\"kind\":\"user\",\"manager\":" QUOTED(
			USER("1")) "}\n",
		"{\"id\":" QUOTED(GROUP("1")) ",\"kind\":\"group\"}\n",
		"{\"id\":" QUOTED(GROUP("2")) ",\"kind\":\"group\"}\n",
		"{\"id\":" QUOTED(CONTACT("1")) ",\"kind\":\"contact\",\"proxyAddresses\":"
						"[\"SMTP:a@x.org\"]}\n" } };
	struct finding findings[] = {
		value_finding(
			KIND_USER, USER("1"), "department", NOTHING, VALUE("\"Lab\\n\u202e\"")),
		element_finding(KIND_USER, USER("1"), "otherMails", "c@x.org", NOTHING,
			VALUE("\"c@x.org\"")),
		object_finding(KIND_USER, USER("2"), CHANGE_DELETED),
		object_finding(KIND_USER, USER("3"), CHANGE_CREATED),
		value_finding(KIND_USER, USER("4"), "jobTitle", VALUE("\"Y\""), VALUE("\"X\"")),
		value_finding(KIND_USER, USER("4"), "manager", VALUE(QUOTED(USER("2"))),
			VALUE(QUOTED(USER("1")))),
		value_finding(KIND_USER, USER("5"), "manager", NOTHING, VALUE(QUOTED(USER("1")))),
		element_finding(KIND_GROUP, GROUP("1"), "members", USER("2"),
			VALUE(QUOTED(USER("2"))), NOTHING),
		element_finding(KIND_GROUP, GROUP("1"), "members", USER("1"), NOTHING,
			VALUE(QUOTED(USER("1")))),
		element_finding(KIND_GROUP, GROUP("1"), "owners", USER("1"), NOTHING,
			VALUE(QUOTED(USER("1")))),
		element_finding(KIND_GROUP, GROUP("1"), "owners", USER("2"),
			VALUE(QUOTED(USER("2"))), NOTHING),
		object_finding(KIND_GROUP, GROUP("2"), CHANGE_CREATED),
		element_finding(KIND_CONTACT, CONTACT("1"), "proxyAddresses", "smtp:a@x.org",
			NOTHING, VALUE("\"SMTP:a@x.org\"")),
		object_finding(KIND_CONTACT, CONTACT("2"), CHANGE_DELETED),
	};

	findings[0].references = references;
	findings[0].reference_count = 2;
	findings[3].door = DOOR_ADSYNC;
	findings[4].door = DOOR_SYNC;
	findings[12].door = DOOR_MANUAL;
	findings[13].verdict = VERDICT_BLOCKED;
	findings[4].next = FORESEEN_OTHER;
	findings[4].next_value = (struct known_value){ true, VALUE("\"Z\"") };
	plan = make_plan(&directory, findings, COUNT_OF(findings));
	plan->rules_server = "SYNC01";
	plan->rules_ms = 1772528400000;
	plan->has_production = true;
	plan->production_ms = 1772528400000;
	plan->production_deletes = 7;
	return plan;
}

static void write_full(struct buf *out)
{
	CLEANUP(plan_freep) struct plan *plan = full_plan();

	plan_add_json(out, plan);
	assert_false(out->overflowed);
}

static void written_plan_reads_back_as_the_same_bytes(void **state)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX), again = BUF_UP_TO(FILE_MAX);
	struct error err = { 0 };

	(void)state;
	write_full(&bytes);
	CLEANUP(plan_freep) struct plan *plan = plan_parse(buf_span(&bytes), &err);

	if (!plan)
		fail_msg("%s", err.text);
	assert_int_equal(plan->step_count, 13);
	assert_int_equal(plan->blocked_count, 1);
	assert_int_equal(plan->by_door[DOOR_ADSYNC], 1);
	assert_string_equal(step_on(plan, GRAPH_SET, USER("1"))->references[0], "audit \"2\"\x1b");
	assert_true(waits_for(step_on(plan, GRAPH_ADD_MEMBER, GROUP("1")),
		step_on(plan, GRAPH_RESTORE, USER("2"))));
	plan_add_json(&again, plan);
	assert_string_equal(buf_text(&bytes), buf_text(&again));
	assert_string_equal(plan->rules_server, "SYNC01");
	assert_int_equal(plan->production_deletes, 7);
	assert_int_equal(step_on(plan, GRAPH_SET, USER("4"))->next, FORESEEN_OTHER);
}

/* A seed that is refused at its first key teaches the fuzzer nothing. */
static void the_seeds_of_its_fuzzer_are_plans_of_today(void **state)
{
	static const char *const seeds[] = { "every-operation", "no-steps" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(seeds); i++) {
		CLEANUP(buf_release) struct buf path = BUF_UP_TO(4096), bytes = BUF_UP_TO(FILE_MAX);
		struct error err = { 0 };

		buf_addf(&path, TEST_DATA "/../../fuzz/corpus/rollback_plan/%s", seeds[i]);
		if (!file_load(buf_text(&path), FILE_MAX, &bytes, &err))
			fail_msg("%s", err.text);
		CLEANUP(plan_freep) struct plan *plan = plan_parse(buf_span(&bytes), &err);

		if (!plan)
			fail_msg("%s: %s", seeds[i], err.text);
	}
}

static void purpose_stands_in_the_first_bytes_and_each_step_on_its_line(void **state)
{
	static const char start[] = "{\"format\":\"unstage-plan/1\",\"tenant\":\"";
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX);
	size_t lines = 0;

	(void)state;
	write_full(&bytes);
	assert_memory_equal(bytes.data, start, sizeof(start) - 1);
	assert_string_equal(bytes.data + bytes.length - 4, "\n]}\n");
	for (const char *at = bytes.data; (at = strstr(at, "\n{\"number\":")); at++)
		lines++;
	assert_int_equal(lines, 13);
}

static void plan_without_steps_is_a_plan(void **state)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX);
	struct directory directory = { { NULL } };
	struct error err = { 0 };

	(void)state;
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, NULL, 0);

	plan->evidence = plan->decisions = plan->staging = plan->tenant_name = NULL;
	plan_add_json(&bytes, plan);
	CLEANUP(plan_freep) struct plan *read = plan_parse(buf_span(&bytes), &err);

	if (!read)
		fail_msg("%s", err.text);
	assert_null(read->evidence);
	assert_null(read->decisions);
	assert_int_equal(read->step_count, 0);
}

/* ---- strictness ------------------------------------------------------------------------- */

/* The bytes with the first `old` replaced. */
static void replace(struct buf *out, const struct buf *bytes, const char *old, const char *new)
{
	const char *at = strstr(buf_text(bytes), old);

	if (!at)
		fail_msg("%s does not stand in the plan", old);
	buf_add(out, bytes->data, (size_t)(at - bytes->data));
	buf_add_text(out, new);
	buf_add_text(out, at + strlen(old));
}

static const struct {
	const char *old, *new, *says;
} alterations[] = {
	/* the head */
	{ "\"tenant\":\"d", "\"tenant\":\"D", "GUID" },
	{ "\"tenant\":\"d", "\"tenant\":\"x", "GUID" },
	{ "\"cloud\":\"global\"", "\"cloud\":1", "\"cloud\" is not a text" },
	{ "\"cloud\":\"global\",", "", "\"cloud\" is missing" },
	{ "\"cloud\":\"global\"", "\"cloud\":\"glo\\u0000bal\"", "NUL" },
	{ "\"cloud\":\"global\"", "\"cloud\":\"global\",\"extra\":1", "no such key" },
	{ "\"cloud\":\"global\"", "\"cloud\":\"global\",\"cloud\":\"global\"", "duplicate" },
	{ "\"cloud\":\"global\"", "\"cloud\":\"gl\\u006fbal\"", "not spelled" },
	{ "\"cloud\":", "\"cloud\": ", "not spelled" },
	{ "\"created\":\"2026-", "\"created\":\"year-", "\"created\" is not an instant" },
	{ "\"expires\":\"2026-03-05", "\"expires\":\"2026-03-12", "7 days" },
	{ "\"expires\":\"2026-03-05", "\"expires\":\"2026-03-04", "after \"created\"" },
	{ "\"expires\":\"2026-03-05", "\"expires\":\"1000-03-05", "after \"created\"" },
	{ "\"base\":\"11", "\"base\":\"1", "64 hexadecimal" },
	{ "\"base\":\"11", "\"base\":\"1G", "64 hexadecimal" },
	{ "\"evidence\":\"33", "\"evidence\":\"3", "64 hexadecimal" },
	{ "\"decisions\":\"44", "\"decisions\":\"4G", "64 hexadecimal" },
	{ "\"decisions\":\"44", "\"decisions\":false,\"x\":\"44", "no such key" },
	{ "\"base_signed\":false", "\"base_signed\":0", "neither true nor false" },
	/* whose rules, and what production does */
	{ "\"rules\":{", "\"rules\":[{", "" },
	{ "\"rules\":{\"server\":\"SYNC01\",\"exported\":\"2026-03-03T09:00:00Z\"}",
		"\"rules\":\"SYNC01\"", "\"rules\" is not an object" },
	{ "\"server\":\"SYNC01\"", "\"server\":1", "\"server\" is not a text" },
	{ "\"server\":\"SYNC01\",", "", "\"server\" is missing" },
	{ "\"server\":\"SYNC01\"", "\"server\":\"SYNC01\",\"by\":1", "no such key" },
	{ "\"exported\":\"2026-", "\"exported\":\"year-", "\"exported\" is not an instant" },
	{ "\"pending_deletes\":7", "\"pending_deletes\":\"7\"", "not a number" },
	{ "\"pending_deletes\":7", "\"pending_deletes\":-7", "whole number" },
	{ "\"pending_deletes\":7,", "", "\"pending_deletes\" is missing" },
	{ "\"at\":\"2026-", "\"at\":\"year-", "\"at\" is not an instant" },
	{ ",\"next\":\"other\"", "", "no place" },
	{ ",\"next_value\":\"Z\"", "", "\"next_value\" is missing" },
	{ "\"next\":\"other\"", "\"next\":\"before\"", "no place" },
	{ "\"next\":\"other\"", "\"next\":\"nothing\"", "can't be nothing" },
	{ "\"next\":\"other\"", "\"next\":\"never\"", "can't be never" },
	{ "\"next_value\":\"Z\"", "\"next_value\":true", "no value of" },
	{ "\"after\":[]}", "\"after\":[],\"next\":\"before\"}", "no place in this door" },
	/* who masters what comes back */
	{ ",\"mastery\":\"synced\"", "", "\"mastery\" is missing" },
	{ ",\"mastery\":\"synced\"", ",\"mastery\":\"mine\"", "no such mastery" },
	{ "\"after\":[]}", "\"after\":[],\"mastery\":\"cloud\"}", "no place" },
	/* counts and limits */
	{ "\"limits\":{\"steps\":13", "\"limits\":{\"steps\":12", "limits: 12 steps" },
	{ "\"deletes\":2", "\"deletes\":1", "limits: 1 deletes" },
	{ "\"member_removals\":1", "\"member_removals\":0", "limits: 0 removals" },
	{ "\"objects\":8", "\"objects\":7", "limits: 7 objects" },
	{ "\"objects\":8", "\"objects\":1234567890", "whole number" },
	{ "\"objects\":8", "\"objects\":-8", "whole number" },
	{ "\"objects\":8", "\"objects\":8.0", "whole number" },
	{ "\"objects\":8", "\"objects\":8,\"share\":1", "no such key" },
	{ "\"counts\":{\"steps\":13", "\"counts\":{\"steps\":14", "counts: 14 steps" },
	{ "\"blocked\":1", "\"blocked\":0", "counts: 0 blocked" },
	{ "\"adsync\":1", "\"adsync\":2", "counts: 2 adsync" },
	{ "\"adsync\":1", "\"adsync\":1,\"window\":0", "no such door" },
	/* blocked */
	{ "\n{\"kind\":\"contact\"", "\n{\"kind\":\"device\"", "no such kind" },
	{ "\"attribute\":null", "\"attribute\":\"colour\"", "no such attribute" },
	/* steps */
	{ "{\"number\":2,", "{\"number\":3,", "step 2: \"number\" is 3" },
	{ "{\"number\":2,", "{\"number\":2,\"note\":1,", "step 2: no such key" },
	{ "{\"number\":2,", "{", "step 2: \"number\" is missing" },
	{ "\"operation\":\"set\"", "\"operation\":\"purge\"", "no such operation" },
	{ "\"door\":\"graph\"", "\"door\":\"none\"", "no such door" },
	{ "\"door\":\"graph\"", "\"door\":\"exchange\"", "no standard parameter" },
	{ "\"door\":\"manual\"", "\"door\":\"graph\"", "no place" },
	{ "\"door\":\"sync\"", "\"door\":\"manual\"", "\"manual\" is missing" },
	{ "\"kind\":\"user\"", "\"kind\":\"device\"", "no such kind" },
	{ "\"id\":\"a0000000", "\"id\":\"A0000000", "GUID in lower case" },
	{ "\"id\":\"a0000000-", "\"id\":\"a0000000", "GUID" },
	{ "\"attribute\":\"department\"", "\"attribute\":\"colour\"", "no such attribute" },
	{ "\"attribute\":\"department\"", "\"attribute\":\"creationType\"", "can't write" },
	{ "\"attribute\":\"department\"", "\"attribute\":\"isCloudManaged\"", "no value of" },
	{ "\"attribute\":\"department\"", "\"attribute\":\"proxyAddresses\"", "no value of" },
	{ "\"attribute\":\"department\"", "\"attribute\":\"manager\"", "set is not for manager" },
	{ "\"attribute\":\"department\"", "\"attribute\":\"displayName\"", "can't clear" },
	{ "\"attribute\":\"members\"", "\"attribute\":\"owners\"", "is not for" },
	{ "\"attribute\":\"manager\"", "\"attribute\":\"department\"", "is not for" },
	{ "\"from\":\"Lab\\n\u202e\"", "\"from\":\"Lab\\u000a\u202e\"", "canonical" },
	{ "\"from\":\"Lab\\n\u202e\"", "\"from\":true", "no value of" },
	{ "\"from\":\"Lab\\n\u202e\"", "\"from\":[\"Lab\"]", "no value of" },
	{ "\"from\":\"Lab\\n\u202e\"", "\"from\":null", "the same" },
	{ "\"from\":\"Lab\\n\u202e\",", "", "\"from\" is missing" },
	{ "\"from\":[\"b@x.org\",\"c@x.org\"]", "\"from\":[\"c@x.org\",\"b@x.org\"]", "canonical" },
	{ "\"from\":[\"b@x.org\",\"c@x.org\"]", "\"from\":[\"b@x.org\",7]", "no value of" },
	{ "\"to\":[\"b@x.org\"]", "\"to\":[]", "canonical" },
	{ "\"operation\":\"add-member\"", "\"operation\":\"remove-member\"", "do not say what" },
	{ "\"operation\":\"remove-member\"", "\"operation\":\"add-member\"", "do not say what" },
	{ "\"operation\":\"clear-manager\"", "\"operation\":\"set-manager\"",
		"\"target\" is missing" },
	{ "\"operation\":\"set-manager\"", "\"operation\":\"clear-manager\"", "no place" },
	{ "\"operation\":\"restore\"", "\"operation\":\"set\"", "\"attribute\" is missing" },
	{ "\"operation\":\"set\"", "\"operation\":\"restore\"", "no place" },
	{ "\"target\":\"a0000000-0000-4000-8000-000000000001\"",
		"\"target\":\"a0000000-0000-4000-8000-000000000007\"", "do not say what" },
	{ ",\"audit-1\"]", ",1]", "no text" },
	{ ",\"audit-1\"]", ",\"a\\u0000\"]", "NUL" },
	{ "\"references\":[]", "\"references\":null", "not a list" },
	{ "\"after\":[]", "\"after\":[1]", "does not come before" },
	{ "\"after\":[]", "\"after\":[9]", "does not come before" },
	{ "\"after\":[]", "\"after\":[0]", "rising" },
	{ "\"after\":[]", "\"after\":[\"1\"]", "no step number" },
	{ "\"source_anchor\":\"+", "\"source_anchor\":\"=", "SourceAnchor" },
	{ "\"source_anchor\":\"+", "\"source_anchor\":\"\\\"", "SourceAnchor" },
	/* the end */
	{ "\n]}\n", "\n]}", "not spelled" },
	{ "\n]}\n", "\n]}\n\n", "not spelled" },
	{ "\n]}\n", "\n]}\n{}", "" },
	{ "\n]}\n", "\r\n]}\n", "not spelled" },
};

static void what_is_not_exactly_a_plan_is_refused_with_its_place(void **state)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX);

	(void)state;
	write_full(&bytes);
	for (size_t i = 0; i < COUNT_OF(alterations); i++) {
		CLEANUP(buf_release) struct buf altered = BUF_UP_TO(FILE_MAX);
		CLEANUP(plan_freep) struct plan *plan = NULL;
		struct error err = { 0 };

		replace(&altered, &bytes, alterations[i].old, alterations[i].new);
		plan = plan_parse(buf_span(&altered), &err);
		if (plan)
			fail_msg("%s for %s was taken", alterations[i].new, alterations[i].old);
		assert_int_equal(err.kind, ERROR_FORMAT);
		if (!strstr(err.text, alterations[i].says))
			fail_msg("%s for %s: %s", alterations[i].new, alterations[i].old, err.text);
	}
}

static void error_in_a_step_names_its_line(void **state)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX), altered = BUF_UP_TO(FILE_MAX);
	struct error err = { 0 };

	(void)state;
	write_full(&bytes);
	replace(&altered, &bytes, "{\"number\":3,", "{\"number\":33,");
	assert_null(plan_parse(buf_span(&altered), &err));
	/* Before the steps: head, rules, limits, counts, five lines of files, three of what is blocked,
	 * and their own. */
	assert_string_equal(err.text, "plan: line 16: step 3: \"number\" is 33");
}

static void contact_has_no_step_at_graph(void **state)
{
	static const char manual[] = "\"door\":\"manual\",\"kind\":\"contact\"";
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX), altered = BUF_UP_TO(FILE_MAX);
	struct error err = { 0 };
	const char *key, *end;

	(void)state;
	write_full(&bytes);
	replace(&altered, &bytes, manual, "\"door\":\"graph\",\"kind\":\"contact\"");
	buf_release(&bytes);
	key = strstr(buf_text(&altered), ",\"manual\":\"");
	assert_non_null(key);
	end = strstr(key, "\"}");
	buf_add(&bytes, altered.data, (size_t)(key - altered.data));
	buf_add_text(&bytes, end + 1);
	assert_null(plan_parse(buf_span(&bytes), &err));
	assert_non_null(strstr(err.text, "no such operation for objects of this kind"));
}

static void same_value_twice_is_refused(void **state)
{
	static const char *const step_of[] = { "\"operation\":\"set\"",
		"\"operation\":\"add-member\"", "\"operation\":\"restore\"" };
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX);

	(void)state;
	write_full(&bytes);
	for (size_t i = 0; i < COUNT_OF(step_of); i++) {
		CLEANUP(buf_release) struct buf altered = BUF_UP_TO(FILE_MAX);
		const char *step = strstr(buf_text(&bytes), step_of[i]);
		size_t length = strcspn(step, "\n");
		struct error err = { 0 };

		/* The same step once more at the end, under the next number. */
		buf_add(&altered, bytes.data, bytes.length - strlen("\n]}\n"));
		buf_add_text(&altered, ",\n{\"number\":14,");
		buf_add(&altered, step, length - (step[length - 1] == ','));
		buf_add_text(&altered, "\n]}\n");
		assert_null(plan_parse(buf_span(&altered), &err));
		assert_non_null(strstr(err.text, "and 14 are about the same value"));
	}
}

/* ---- parking ---------------------------------------------------------------------------- */

static void write_swap(struct buf *out)
{
	struct directory directory = { { "{\"id\":" QUOTED(
						 USER("1")) ",\"kind\":\"user\","
							    "\"userPrincipalName\":\"b@x.org\"}\n",
		"{\"id\":" QUOTED(
			USER("2")) ",\"kind\":\"user\",\"userPrincipalName\":\"a@x.org\"}\n" } };
	struct finding findings[] = {
		value_finding(KIND_USER, USER("1"), "userPrincipalName", VALUE("\"a@x.org\""),
			VALUE("\"b@x.org\"")),
		value_finding(KIND_USER, USER("2"), "userPrincipalName", VALUE("\"b@x.org\""),
			VALUE("\"a@x.org\"")),
	};
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, findings, 2);

	plan_add_json(out, plan);
}

static void parking_reads_back_with_both_of_its_halves(void **state)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX);
	struct error err = { 0 };

	(void)state;
	write_swap(&bytes);
	CLEANUP(plan_freep) struct plan *plan = plan_parse(buf_span(&bytes), &err);

	if (!plan)
		fail_msg("%s", err.text);
	assert_int_equal(plan->step_count, 3);
	assert_int_equal(plan->steps[0].until, 3);
	assert_int_equal(plan->steps[2].parked_by, 1);
}

static void parking_that_does_not_end_where_it_says_is_refused(void **state)
{
	static const struct {
		const char *old, *new;
	} cases[] = {
		{ "\"until\":3", "\"until\":1" },
		{ "\"until\":3", "\"until\":2" },
		{ "\"until\":3", "\"until\":4" },
		{ "\"until\":3", "\"until\":\"3\"" },
		{ ",\"until\":3", "" },
		{ "\"after\":[1,2]", "\"after\":[2]" },
		{ "\"from\":\"unstage-parking-", "\"from\":\"unstage-parkinG-" },
	};
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX);

	(void)state;
	write_swap(&bytes);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf altered = BUF_UP_TO(FILE_MAX);
		struct error err = { 0 };

		replace(&altered, &bytes, cases[i].old, cases[i].new);
		if (plan_parse(buf_span(&altered), &err))
			fail_msg("%s for %s was taken", cases[i].new, cases[i].old);
		assert_int_equal(err.kind, ERROR_FORMAT);
	}
}

static void newer_version_is_refused_and_not_called_damaged(void **state)
{
	static const struct {
		const char *version;
		enum error_kind kind;
	} cases[] = { { "2", ERROR_REFUSED }, { "11", ERROR_REFUSED }, { "0", ERROR_REFUSED },
		{ "999999999", ERROR_REFUSED }, { "9999999999", ERROR_FORMAT },
		{ "", ERROR_FORMAT }, { "1.1", ERROR_FORMAT }, { "x", ERROR_FORMAT },
		{ "-1", ERROR_FORMAT } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(256);
		struct error err = { 0 };

		buf_addf(&text, "{\"format\":\"unstage-plan/%s\",\"news\":true}\n",
			cases[i].version);
		assert_null(plan_parse(buf_span(&text), &err));
		assert_int_equal(err.kind, cases[i].kind);
	}
}

static void other_documents_are_no_plans(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "{\"format\":\"unstage-plan/1",
		"{\"format\":\"unstage-plan/1\"", "{\"format\":\"unstage-plan/1\"}",
		"{\"format\":\"unstage-snapshot-statement/1\"}",
		" {\"format\":\"unstage-plan/1\"}" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct error err = { 0 };

		assert_null(plan_parse(span_of(texts[i]), &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
	}
}

/*
 * Some bytes carry no meaning that can be checked: a letter of a name may be missing and the
 * plan is still one. But then it is a plan that is written with these very bytes.
 */
static void assert_refused_or_faithful(struct span bytes)
{
	CLEANUP(buf_release) struct buf again = BUF_UP_TO(FILE_MAX);
	struct error err = { 0 };
	CLEANUP(plan_freep) struct plan *plan = plan_parse(bytes, &err);

	if (!plan) {
		assert_true(err.kind == ERROR_FORMAT || err.kind == ERROR_REFUSED);
		return;
	}
	plan_add_json(&again, plan);
	assert_true(span_equal(buf_span(&again), bytes));
}

static void every_byte_may_be_missing_or_twice(void **state)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX);

	(void)state;
	write_full(&bytes);
	for (size_t i = 0; i < bytes.length; i++) {
		/* Exactly as long as it is, so that a read behind its end is seen. */
		CLEANUP(memory_freep) char *less = memory_array(bytes.length - 1, 1);
		CLEANUP(memory_freep) char *more = memory_array(bytes.length + 1, 1);

		memcpy(less, bytes.data, i);
		memcpy(less + i, bytes.data + i + 1, bytes.length - i - 1);
		assert_refused_or_faithful((struct span){ less, bytes.length - 1 });
		memcpy(more, bytes.data, i + 1);
		memcpy(more + i + 1, bytes.data + i, bytes.length - i);
		assert_refused_or_faithful((struct span){ more, bytes.length + 1 });
	}
}

static void every_truncation_is_refused(void **state)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX);

	(void)state;
	write_full(&bytes);
	for (size_t i = 0; i < bytes.length; i++) {
		CLEANUP(memory_freep) char *less = memory_copy(bytes.data, i ? i : 1);
		struct error err = { 0 };

		assert_null(plan_parse((struct span){ less, i }, &err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_plan_reads_back_as_the_same_bytes),
		cmocka_unit_test(the_seeds_of_its_fuzzer_are_plans_of_today),
		cmocka_unit_test(purpose_stands_in_the_first_bytes_and_each_step_on_its_line),
		cmocka_unit_test(plan_without_steps_is_a_plan),
		cmocka_unit_test(what_is_not_exactly_a_plan_is_refused_with_its_place),
		cmocka_unit_test(error_in_a_step_names_its_line),
		cmocka_unit_test(contact_has_no_step_at_graph),
		cmocka_unit_test(same_value_twice_is_refused),
		cmocka_unit_test(parking_reads_back_with_both_of_its_halves),
		cmocka_unit_test(parking_that_does_not_end_where_it_says_is_refused),
		cmocka_unit_test(newer_version_is_refused_and_not_called_damaged),
		cmocka_unit_test(other_documents_are_no_plans),
		cmocka_unit_test(every_byte_may_be_missing_or_twice),
		cmocka_unit_test(every_truncation_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
