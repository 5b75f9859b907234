/*
 * Who holds an address, however a directory spells it: planner and checker look with their own eyes,
 * and have to see the same.
 */
#include "rollback/check.h"
#include "tests/rollback/planning.h"

enum says { FREE, HELD, REFUSED };

/* Somebody else's line has these members; user 1 wants the address. */
static const struct {
	const char *members, *wants; /* `wants`: a sign-in name, or an element with its scheme */
	enum says says;
} cases[] = {
	{ "\"userPrincipalName\":\"A@X.Org\"", "a@x.org", HELD },
	{ "\"userPrincipalName\":\"\\u0041@x.org\"", "a@x.org", HELD },
	{ "\"userPrincipalName\":\"a\\u0040x.org\"", "A@x.org", HELD },
	{ "\"userPrincipalName\":\"a\\/b@x.org\"", "a/b@x.org", HELD },
	{ "\"userPrincipalName\":\"a@x.org.uk\"", "a@x.org", FREE },
	{ "\"userPrincipalName\":\"a`x.org\"", "a@x.org", FREE },
	{ "\"userPrincipalName\":\"\u00c0nne@x.org\"", "\u00e0nne@x.org", HELD },
	{ "\"userPrincipalName\":\"\\u00c0nne@x.org\"", "\u00e0nne@x.org", HELD },
	{ "\"userPrincipalName\":\"\u03bf\u03b4\u03bf\u03c2@x.org\"",
		"\u039f\u0394\u039f\u03a3@x.org", HELD },
	{ "\"userPrincipalName\":\"\u017f@x.org\"", "s@x.org", FREE },
	{ "\"proxyAddresses\":[\"SMTP:c@x.org\",\"smtp:A@X.ORG\"]", "a@x.org", HELD },
	{ "\"proxyAddresses\":[\"sMtP:\\u0061@x.org\"]", "a@x.org", HELD },
	{ "\"proxyAddresses\":[\"smtp\\u003aa@x.org\"]", "a@x.org", HELD },
	{ "\"proxyAddresses\":[\"a@x.org\"]", "a@x.org", HELD },
	{ "\"proxyAddresses\":[\"smtp:\u0416@x.org\"]", "\u0436@x.org", HELD },
	{ "\"proxyAddresses\":[\"sip:a@x.org\"]", "a@x.org", FREE },
	{ "\"proxyAddresses\":[\"sip:A@x.org\"]", "SIP:a@x.org", HELD },
	{ "\"proxyAddresses\":[\"smtp:a@x.org\"]", "SIP:a@x.org", FREE },
	{ "\"proxyAddresses\":[\"X500:/O=ORG/OU=X/CN=ANNA\"]", "x500:/o=Org/ou=x/cn=Anna", HELD },
	{ "\"proxyAddresses\":[\"x500:/o=Org/ou=x/cn=\\u00c4\"]", "X500:/o=Org/ou=x/cn=\u00e4",
		HELD },
	{ "\"proxyAddresses\":[\"x500:/o=Org/ou=x/cn=Bert\"]", "x500:/o=Org/ou=x/cn=Anna", FREE },
	{ "\"deleted\":true,\"proxyAddresses\":[\"smtp:A@x.org\"]", "a@x.org", HELD },
	{ "\"deleted\":true,\"userPrincipalName\":\"a0000000000040008000000000000002a@x.org\"",
		"a@x.org", FREE },
	{ "\"mail\":\"a@x.org\",\"otherMails\":[\"a@x.org\"]", "a@x.org", FREE },
	{ "\"otherMails\":[\"smtp:a@x.org\"]", "a@x.org", FREE },
	{ "\"onPremisesProvisioningErrors\":[{\"value\":\"smtp:\\u0041@x.org\"}]", "a@x.org",
		REFUSED },
	{ "\"onPremisesProvisioningErrors\":[{\"value\":\"b@x.org\"},{\"value\":\"A@X.org\"}]",
		"a@x.org", REFUSED },
	{ "\"onPremisesProvisioningErrors\":[{\"value\":\"sip:a@x.org\"}]", "a@x.org", FREE },
	{ "\"deleted\":true,\"onPremisesProvisioningErrors\":[{\"value\":\"a@x.org\"}]", "a@x.org",
		FREE },
	{ "\"onPremisesProvisioningErrors\":[{\"value\":null},{\"other\":\"a@x.org\"}]", "a@x.org",
		FREE },
};

struct trial {
	char other[512], from[256], to[256], key[256];
	struct directory directory;
	struct finding finding;
	bool is_name;
};

static const char ours[] = "{\"id\":" QUOTED(
	USER("1")) ",\"kind\":\"user\",\"proxyAddresses\":[\"SMTP:own@x.org\"],"
		   "\"userPrincipalName\":\"b@x.org\"}\n";

static void add_sorted(char *line, size_t size, const char *members)
{
	bool deleted = strstr(members, "\"deleted\"") != NULL;
	const char *rest = deleted ? strchr(members, ',') : members - 1;

	snprintf(line, size, "{%s\"id\":" QUOTED(USER("2")) ",\"kind\":\"user\",%s}\n",
		deleted ? "\"deleted\":true," : "", rest + 1);
}

static void trial_init(struct trial *trial, size_t number)
{
	const char *wants = cases[number].wants;

	add_sorted(trial->other, sizeof(trial->other), cases[number].members);
	trial->is_name = !strchr(wants, ':');
	trial->directory = (struct directory){ { ours, trial->other } };
	snprintf(trial->to, sizeof(trial->to), "\"%s\"", wants);
	snprintf(trial->from, sizeof(trial->from), "\"b@x.org\"");
	if (trial->is_name) {
		trial->finding = value_finding(KIND_USER, USER("1"), "userPrincipalName",
			span_of(trial->to), span_of(trial->from));
		return;
	}
	trial->finding = element_finding(
		KIND_USER, USER("1"), "proxyAddresses", NULL, span_of(trial->to), NOTHING);
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(sizeof(trial->key));

	element_add_key(&key, trial->finding.attribute, span_of(trial->to));
	snprintf(trial->key, sizeof(trial->key), "%s", buf_text(&key));
	trial->finding.element = span_of(trial->key);
	trial->finding.door = DOOR_EXCHANGE;
}

static const char *planner_says(enum says says)
{
	static const char *const texts[] = { [FREE] = NULL,
		[HELD] = "another object holds this address by now",
		[REFUSED] = "no object that Graph shows" };

	return texts[says];
}

static void planner_sees_who_holds_it(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct trial trial = { 0 };
		const char *says = planner_says(cases[i].says), *said;

		trial_init(&trial, i);
		CLEANUP(plan_freep)
		struct plan *plan = make_plan(&trial.directory, &trial.finding, 1);

		assert_int_equal(plan->step_count, 1);
		said = plan->steps[0].manual ? plan->steps[0].manual : "nothing";
		if (says ? !strstr(said, says)
			 : strstr(said, planner_says(HELD)) || strstr(said, planner_says(REFUSED)))
			fail_msg("%s wanted, %s there: %s", cases[i].wants, cases[i].members, said);
	}
}

static void checker_sees_who_holds_it(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct trial trial = { 0 };
		struct plan plan = { .step_count = 1 };
		struct plan_step step = { .number = 1,
			.operation = GRAPH_SET,
			.door = DOOR_GRAPH,
			.kind = kind_get(KIND_USER),
			.id = USER("1"),
			.name = "somebody",
			.why = "" };
		struct check_live live = { directory_visit, &trial.directory };
		struct check_walk walk = { 0 };
		struct check_result result;
		struct error err = { 0 };
		char to[512];
		bool good;

		trial_init(&trial, i);
		step.attribute = trial.finding.attribute;
		step.from = span_of("[\"SMTP:own@x.org\"]");
		snprintf(to, sizeof(to), "[\"SMTP:own@x.org\",%s]", trial.to);
		step.to = span_of(to);
		if (trial.is_name) {
			step.from = span_of(trial.from);
			step.to = span_of(trial.to);
		}
		plan.steps = &step;
		CLEANUP(check_freep) struct check *check = check_new(&plan, &live, &err);

		assert_non_null(check);
		good = check_walk(check, &walk, &result);
		if (good != (cases[i].says != HELD) || (!good && !strstr(result.text, "hold")))
			fail_msg("%s wanted, %s there: %s", cases[i].wants, cases[i].members,
				good ? "good" : result.text);
	}
}

/* A line that is none, or has a member twice, ends both: nobody knows who holds what. */
static void broken_line_is_refused_by_both(void **state UNUSED)
{
	static const char *const broken[] = {
		"{\"id\":" QUOTED(USER("2")) ",\"kind\":\"user\",\"mail\":[[}]}\n",
		"{\"id\":" QUOTED(USER("2")) ",\"kind\":\"user\",\"mail\":\"a\",\"mail\":\"b\"}\n",
		"{\"id\":" QUOTED(USER("2")) ",\"kind\":\"user\",\"mail\":\"\xff\"}\n",
		"{\"kind\":\"user\"}\n",
		"{\"id\":\"2\",\"kind\":\"user\"}\n",
		"[]\n",
	};

	for (size_t i = 0; i < COUNT_OF(broken); i++) {
		struct trial trial = { 0 };

		trial_init(&trial, 0);
		trial.directory.lines[1] = broken[i];
		struct plan_step step = { .number = 1,
			.operation = GRAPH_SET,
			.kind = kind_get(KIND_USER),
			.id = USER("1"),
			.name = "somebody",
			.why = "",
			.attribute = trial.finding.attribute,
			.from = span_of(trial.from),
			.to = span_of(trial.to) };
		struct plan plan = { .step_count = 1, .steps = &step };
		struct check_live live = { directory_visit, &trial.directory };
		struct error err = { 0 };

		assert_null(try_plan(&trial.directory, &trial.finding, 1, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
		err = (struct error){ 0 };
		assert_null(check_new(&plan, &live, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(planner_sees_who_holds_it),
		cmocka_unit_test(checker_sees_who_holds_it),
		cmocka_unit_test(broken_line_is_refused_by_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
