/* What requests cost, and when they may leave. */
#include "tests/graph/script.h"

#include <math.h>

#define GUID "aaaaaaaa-0000-4000-8000-000000000001"

/* ---- cost ------------------------------------------------------------------------------ */

static void requests_cost_what_is_published(void **state)
{
	static const struct {
		const char *method, *path;
		double units, writes, audits;
	} rows[] = {
		{ "GET", "/users", 2, 0, 0 },
		{ "GET", "/users?$select=id&$top=999", 1, 0, 0 },
		{ "GET", "/users?$select=id&$expand=manager($select=id)&$top=999", 2, 0, 0 },
		{ "GET", "/groups?$select=id&$expand=owners($select=id)", 1, 0, 0 },
		{ "GET", "/groups/" GUID "/members?$select=id&$top=999", 2, 0, 0 },
		{ "GET", "/groups/" GUID "/members?$top=5", 2, 0, 0 },
		{ "GET", "/groups/" GUID "/transitiveMembers", 5, 0, 0 },
		{ "GET", "/users/" GUID "/memberOf", 2, 0, 0 },
		{ "GET", "/groups/delta?$select=members", 1, 0, 0 },
		{ "GET", "/directory/deletedItems/microsoft.graph.user?$select=id", 1, 0, 0 },
		{ "GET", "/auditLogs/directoryAudits?$top=999", 1, 0, 1 },
		{ "PATCH", "/users/" GUID, 1, 1, 0 },
		{ "DELETE", "/groups/" GUID "/members/" GUID "/$ref", 1, 1, 0 },
		{ "POST", "/directoryObjects/getByIds", 3, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct cost cost = cost_of(rows[i].method, rows[i].path);

		if (cost.needs[METER_UNITS] != rows[i].units ||
			cost.needs[METER_WRITES] != rows[i].writes ||
			cost.needs[METER_AUDITS] != rows[i].audits)
			fail_msg("%s %s: %.0f units, %.0f writes, %.0f audits", rows[i].method,
				rows[i].path, cost.needs[METER_UNITS], cost.needs[METER_WRITES],
				cost.needs[METER_AUDITS]);
	}
}

/* ---- waiting --------------------------------------------------------------------------- */

static int64_t opens(struct quota *quota, struct cost cost, int64_t now_ms, const char *because)
{
	CLEANUP(buf_release) struct buf why = BUF_UP_TO(256);
	int64_t at_ms = quota_opens_ms(quota, &cost, now_ms, &why);

	assert_int_equal(why.length == 0, because == NULL);
	if (because)
		assert_contains(buf_text(&why), because);
	return at_ms;
}

static const struct cost one_unit = { .needs = { [METER_UNITS] = 1 } };
static const struct cost one_audit = { .needs = { [METER_UNITS] = 1, [METER_AUDITS] = 1 } };

static void spend(struct quota *quota, struct cost cost, unsigned times, int64_t now_ms)
{
	for (unsigned i = 0; i < times; i++)
		quota_spend(quota, &cost, now_ms);
}

static void no_more_than_our_share_leaves_in_any_window(void **state)
{
	struct quota quota;

	(void)state;
	quota_init(&quota, 0.5);
	/* 3,500 units in 10 s are published for the smallest tenant; a hundredth is left out. */
	spend(&quota, one_unit, 1731, 20000);
	assert_int_equal(opens(&quota, one_unit, 20000, NULL), 20000);
	spend(&quota, one_unit, 1, 20000);
	assert_in_range(opens(&quota, one_unit, 20001, "our share of the tenant's resource units"),
		30000, 30100);
	assert_int_equal(opens(&quota, one_unit, 30100, NULL), 30100);
}

static void the_audit_log_waits_for_itself_alone(void **state)
{
	struct quota quota;

	(void)state;
	quota_init(&quota, 1);
	spend(&quota, one_audit, 4, 50000);
	assert_true(opens(&quota, one_audit, 50000, "requests to the audit log") >= 60000);
	assert_int_equal(opens(&quota, one_unit, 50000, NULL), 50000);
}

static void a_larger_tenant_has_more_to_give(void **state)
{
	struct quota quota;

	(void)state;
	quota_init(&quota, 1);
	quota_tenant_has(&quota, 49);
	assert_true(quota.meters[METER_UNITS].limit == 3500);
	quota_tenant_has(&quota, 50);
	assert_true(quota.meters[METER_UNITS].limit == 5000);
	quota_tenant_has(&quota, 100000);
	assert_true(quota.meters[METER_UNITS].limit == 8000);
}

/* ---- learning -------------------------------------------------------------------------- */

static void what_was_spent_over_the_share_that_is_used_is_the_limit(void **state)
{
	struct quota quota;
	struct cost cost = one_unit;
	struct quota_report report = { .units = 1, .used = 0.8 };

	(void)state;
	quota_init(&quota, 1);
	spend(&quota, one_unit, 1, 1000);
	spend(&quota, one_unit, 159, 21000);
	quota_spend(&quota, &cost, 21000);
	quota_learn(&quota, &cost, &report, 21010);
	assert_true(fabs(quota.meters[METER_UNITS].limit - 200) < 1);
	/* From then on evenly: a burst of a fiftieth, then one every 50 ms. */
	assert_true(opens(&quota, one_unit, 32000, NULL) == 32000);
	spend(&quota, one_unit, 5, 32000);
	assert_in_range(opens(&quota, one_unit, 32000, "our share"), 32040, 32130);
}

static void what_others_used_before_our_first_window_ended_is_waited_out(void **state)
{
	struct quota quota;
	struct cost cost = one_unit;
	struct quota_report report = { .units = 1, .used = 0.9 };

	(void)state;
	quota_init(&quota, 0.5);
	quota_spend(&quota, &cost, 1000);
	quota_learn(&quota, &cost, &report, 1010);
	assert_true(quota.meters[METER_UNITS].limit == 3500);
	assert_int_equal(opens(&quota, one_unit, 1010, "others use"), 11000);
}

static void what_a_request_really_cost_is_what_counts(void **state)
{
	struct quota quota;
	struct cost cost = one_unit;
	const struct quota_report report = { .units = 7 };

	(void)state;
	quota_init(&quota, 1);
	quota_spend(&quota, &cost, 1000);
	quota_learn(&quota, &cost, &report, 1010);
	assert_true(quota.units_spent == 7);
}

static void a_refusal_takes_the_limit_down_once_for_all_that_met_it(void **state)
{
	struct quota quota;
	struct cost cost = one_unit;
	const struct quota_report report = { .throttled = true };

	(void)state;
	quota_init(&quota, 1);
	spend(&quota, one_unit, 3000, 1000);
	quota_spend(&quota, &cost, 1000);
	quota_learn(&quota, &cost, &report, 1010);
	assert_true(quota.meters[METER_UNITS].limit == 3000);
	quota_hold(&quota, 15000, "throttled by Graph");
	quota_learn(&quota, &cost, &report, 1020);
	assert_true(quota.meters[METER_UNITS].limit == 3000);
	assert_int_equal(opens(&quota, one_unit, 12000, "throttled by Graph"), 15000);
}

static void a_refusal_for_the_services_own_trouble_teaches_nothing(void **state)
{
	struct quota quota;
	struct cost cost = one_unit;
	const struct quota_report report = { .throttled = true, .information = "CPULimitExceeded" };

	(void)state;
	quota_init(&quota, 1);
	quota_spend(&quota, &cost, 1000);
	quota_learn(&quota, &cost, &report, 1010);
	assert_true(quota.meters[METER_UNITS].limit == 3500);
}

static void a_refusal_of_writes_slows_writes(void **state)
{
	struct quota quota;
	struct cost cost = { .needs = { [METER_UNITS] = 1, [METER_WRITES] = 1 } };
	const struct quota_report report = { .throttled = true,
		.information = "WriteLimitExceeded" };

	(void)state;
	quota_init(&quota, 1);
	quota_spend(&quota, &cost, 1000);
	quota_learn(&quota, &cost, &report, 1010);
	assert_true(quota.meters[METER_UNITS].limit == 3500);
	assert_true(quota.meters[METER_WRITES].limit < 3000);
}

static void headers_that_make_no_sense_are_no_headers(void **state)
{
	static const char *const values[] = { "", "nan", "inf", "-1", "0", "1e99", "0.8x", "0,8" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		struct quota_report report = { 0 };

		quota_report_header(
			&report, span_of("x-ms-throttle-limit-percentage"), span_of(values[i]));
		quota_report_header(&report, span_of("x-ms-resource-unit"), span_of(values[i]));
		assert_true(report.used == 0 && report.units == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_cost_what_is_published),
		cmocka_unit_test(no_more_than_our_share_leaves_in_any_window),
		cmocka_unit_test(the_audit_log_waits_for_itself_alone),
		cmocka_unit_test(a_larger_tenant_has_more_to_give),
		cmocka_unit_test(what_was_spent_over_the_share_that_is_used_is_the_limit),
		cmocka_unit_test(what_others_used_before_our_first_window_ended_is_waited_out),
		cmocka_unit_test(what_a_request_really_cost_is_what_counts),
		cmocka_unit_test(a_refusal_takes_the_limit_down_once_for_all_that_met_it),
		cmocka_unit_test(a_refusal_for_the_services_own_trouble_teaches_nothing),
		cmocka_unit_test(a_refusal_of_writes_slows_writes),
		cmocka_unit_test(headers_that_make_no_sense_are_no_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
