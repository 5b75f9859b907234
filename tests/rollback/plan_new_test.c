/* The whole way: two snapshots, the audit log, findings, a plan, its file. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/rollback/planning.h"

#include "base/text.h"
#include "base/time.h"

#define TENANT "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"
#define ADA    "c1d7e7a2-3b55-4a8e-b7be-000000000001"

enum { PLAN_TEXT_MAX = 1 << 20 };

static const char ada_before[] =
	"{\"accountEnabled\":true,\"displayName\":\"Ada\",\"id\":\"" ADA "\",\"kind\":\"user\","
	"\"onPremisesImmutableId\":\"aW1tdXRhYmxl\",\"onPremisesSyncEnabled\":true,"
	"\"proxyAddresses\":[\"SMTP:ada.l@contoso.com\",\"smtp:a@contoso.com\"],"
	"\"userPrincipalName\":\"ada@contoso.com\"}\n";
static const char ada_now[] =
	"{\"accountEnabled\":true,\"displayName\":\"Ada\",\"id\":\"" ADA "\",\"kind\":\"user\","
	"\"onPremisesImmutableId\":\"aW1tdXRhYmxl\",\"onPremisesSyncEnabled\":true,"
	"\"proxyAddresses\":[\"SMTP:ada.l@contoso.com\",\"smtp:sales@contoso.com\"],"
	"\"userPrincipalName\":\"ada@contoso.com\"}\n";
static const char record[] =
	"{\"id\":\"Directory_1\",\"category\":\"UserManagement\",\"result\":\"success\","
	"\"activityDisplayName\":\"Update user\",\"activityDateTime\":\"2026-03-04T02:17:41.5512345Z\","
	"\"loggedByService\":\"Core Directory\",\"initiatedBy\":{\"app\":null,\"user\":{"
	"\"id\":\"0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10\",\"userPrincipalName\":"
	"\"Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com\"}},\"targetResources\":[{\"id\":\"" ADA
	"\","
	"\"type\":\"User\",\"modifiedProperties\":[{\"displayName\":\"ProxyAddresses\","
	"\"oldValue\":\"[\\\"SMTP:ada.l@contoso.com\\\",\\\"smtp:a@contoso.com\\\"]\","
	"\"newValue\":\"[\\\"SMTP:ada.l@contoso.com\\\",\\\"smtp:sales@contoso.com\\\"]\"}]}]}";

struct incident {
	char folder[64];
	struct snapshot *base, *live, *foreign;
	struct evidence *evidence;
	struct findings *findings;
	struct plan_options options;
};

static int64_t at(const char *instant)
{
	int64_t ms = 0;

	assert_true(time_parse(span_of(instant), &ms));
	return ms;
}

static struct snapshot *snapshot_of(const struct incident *incident, const char *name,
	const char *tenant, const char *taken, const char *lines)
{
	struct error err = { 0 };
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = NULL;
	struct snapshot_header header = { .tenant = (char *)tenant,
		.cloud = (char *)"global",
		.source = (char *)"graph",
		.taken_from_ms = at(taken) };
	struct snapshot *snapshot;
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", incident->folder, name);
	writer = snapshot_writer_open(path, &header, &err);
	if (!writer || !snapshot_writer_add(writer, span_of(lines), &err) ||
		!snapshot_writer_finish(TAKE(writer), at(taken) + 1000, &err))
		fail_msg("%s", err.text);
	snapshot = snapshot_open(path, &err);
	if (!snapshot)
		fail_msg("%s", err.text);
	unlink(path);
	return snapshot;
}

static struct evidence *evidence_until(const char *until)
{
	struct error err = { 0 };
	struct evidence_header header = { .tenant = TENANT,
		.from_ms = at("2026-03-01T00:00:00Z"),
		.until_ms = at(until),
		.collected_ms = at("2026-03-04T12:20:00Z") };
	struct evidence *evidence = evidence_new(&header);

	if (!evidence_add_audit(evidence, span_of(record), &err))
		fail_msg("%s", err.text);
	return evidence;
}

static int set_up(void **state)
{
	struct incident *incident = memory_new(sizeof(*incident));
	struct error err = { 0 };

	strcpy(incident->folder, "/tmp/unstage-plan-XXXXXX");
	assert_non_null(mkdtemp(incident->folder));
	incident->base = snapshot_of(incident, "base", TENANT, "2026-03-01T00:05:00Z", ada_before);
	incident->live = snapshot_of(incident, "live", TENANT, "2026-03-04T12:00:00Z", ada_now);
	incident->foreign = snapshot_of(incident, "foreign", ADA, "2026-03-04T12:00:00Z", ada_now);
	rmdir(incident->folder);
	incident->evidence = evidence_until("2026-03-04T12:20:00Z");
	incident->findings = findings_new(&(struct reconcile_options){ .base = incident->base,
						  .live = incident->live,
						  .evidence = incident->evidence,
						  .staging = "SYNC02" },
		&err);
	if (!incident->findings)
		fail_msg("%s", err.text);
	incident->options = (struct plan_options){ .findings = incident->findings,
		.base = incident->base,
		.live = incident->live,
		.evidence = incident->evidence,
		.now_ms = at("2026-03-04T12:30:00Z"),
		.tenant_name = "Contoso" };
	*state = incident;
	return 0;
}

static int tear_down(void **state)
{
	struct incident *incident = *state;

	findings_free(incident->findings);
	evidence_free(incident->evidence);
	snapshot_close(incident->base);
	snapshot_close(incident->live);
	snapshot_close(incident->foreign);
	memory_free(incident);
	return 0;
}

static void incident_becomes_a_plan_that_reads_back(void **state)
{
	struct incident *incident = *state;
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(PLAN_TEXT_MAX);
	CLEANUP(plan_freep) struct plan *plan = NULL, *read = NULL;
	struct error err = { 0 };

	plan = plan_new(&incident->options, &err);
	if (!plan)
		fail_msg("%s", err.text);
	assert_int_equal(plan->step_count, 1);
	assert_int_equal(plan->steps[0].door, DOOR_SYNC);
	assert_value(
		plan->steps[0].from, "[\"SMTP:ada.l@contoso.com\",\"smtp:sales@contoso.com\"]");
	assert_value(plan->steps[0].to, "[\"SMTP:ada.l@contoso.com\",\"smtp:a@contoso.com\"]");
	assert_string_equal(plan->steps[0].references[0], "Directory_1");
	plan_add_json(&bytes, plan);
	read = plan_parse(buf_span(&bytes), &err);
	if (!read)
		fail_msg("%s", err.text);
}

static void head_says_what_the_plan_was_made_from(void **state)
{
	struct incident *incident = *state;
	struct error err = { 0 };
	CLEANUP(plan_freep) struct plan *plan = plan_new(&incident->options, &err);

	assert_non_null(plan);
	assert_string_equal(plan->tenant, TENANT);
	assert_string_equal(plan->tenant_name, "Contoso");
	assert_string_equal(plan->cloud, "global");
	assert_string_equal(plan->staging, "Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com");
	assert_string_equal(plan->base, snapshot_identity(incident->base));
	assert_string_equal(plan->live, snapshot_identity(incident->live));
	assert_string_equal(plan->evidence, evidence_identity(incident->evidence));
	assert_true(text_is_guid(span_of(plan->id)));
	assert_false(plan->base_signed);
	assert_int_equal(plan->expires_ms - plan->created_ms, PLAN_EXPIRES_S * INT64_C(1000));
}

static void plan_lives_a_week_at_most(void **state)
{
	static const struct {
		int64_t expires_s;
		bool good;
	} cases[] = { { 1, true }, { PLAN_EXPIRES_MAX_S, true }, { PLAN_EXPIRES_MAX_S + 1, false },
		{ -1, false }, { INT64_MIN, false }, { INT64_MAX, false } };
	struct incident *incident = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(plan_freep) struct plan *plan = NULL;
		struct error err = { 0 };

		incident->options.expires_s = cases[i].expires_s;
		plan = plan_new(&incident->options, &err);
		assert_int_equal(plan != NULL, cases[i].good);
		assert_int_equal(err.kind, cases[i].good ? ERROR_NONE : ERROR_USAGE);
	}
}

static void snapshots_of_two_tenants_make_no_plan(void **state)
{
	struct incident *incident = *state;
	struct error err = { 0 };

	incident->options.base = incident->foreign;
	assert_null(plan_new(&incident->options, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static void live_snapshot_that_the_findings_never_saw_makes_no_plan(void **state)
{
	struct incident *incident = *state;
	struct error err = { 0 };

	incident->options.live = incident->base;
	assert_null(plan_new(&incident->options, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.text, "not the live snapshot"));
	assert_non_null(strstr(err.text, snapshot_identity(incident->live)));
	assert_non_null(strstr(err.text, snapshot_identity(incident->base)));
}

/* The files name the plan that they belong to. */
static void two_plans_differ_in_their_ids_alone(void **state)
{
	struct incident *incident = *state;
	struct error err = { 0 };
	CLEANUP(plan_freep) struct plan *one = plan_new(&incident->options, &err);
	CLEANUP(plan_freep) struct plan *other = plan_new(&incident->options, &err);
	CLEANUP(buf_release)
	struct buf first = BUF_UP_TO(PLAN_TEXT_MAX), second = BUF_UP_TO(PLAN_TEXT_MAX);

	assert_non_null(one);
	assert_non_null(other);
	assert_string_not_equal(one->id, other->id);
	other->id = one->id;
	assert_true(plan_seal_files(other, &err));
	plan_add_json(&first, one);
	plan_add_json(&second, other);
	assert_string_equal(buf_text(&first), buf_text(&second));
}

/* Live was begun at noon. What happened in between, nobody can tell. */
static void evidence_that_ends_before_live_was_begun_is_refused_by_both_times(void **state)
{
	const struct incident *incident = *state;
	struct plan_options options = incident->options;
	CLEANUP(evidence_freep) struct evidence *early = evidence_until("2026-03-04T11:59:59Z");
	CLEANUP(evidence_freep) struct evidence *enough = evidence_until("2026-03-04T12:00:00Z");
	CLEANUP(plan_freep) struct plan *plan = NULL;
	struct error err = { 0 };

	options.evidence = early;
	assert_null(plan_new(&options, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.text, "ends at 2026-03-04T11:59:59"));
	assert_non_null(strstr(err.text, "begun at 2026-03-04T12:00:00"));
	options.evidence = enough;
	err = (struct error){ 0 };
	plan = plan_new(&options, &err);
	assert_string_equal(err.text, "");
	assert_non_null(plan);
}

#define WITH_INCIDENT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_INCIDENT(incident_becomes_a_plan_that_reads_back),
		WITH_INCIDENT(head_says_what_the_plan_was_made_from),
		WITH_INCIDENT(plan_lives_a_week_at_most),
		WITH_INCIDENT(snapshots_of_two_tenants_make_no_plan),
		WITH_INCIDENT(evidence_that_ends_before_live_was_begun_is_refused_by_both_times),
		WITH_INCIDENT(live_snapshot_that_the_findings_never_saw_makes_no_plan),
		WITH_INCIDENT(two_plans_differ_in_their_ids_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
