#include "tests/graph/script.h"

static bool see(void *context, struct span item, struct error *err)
{
	size_t *count = context;

	(void)item;
	(void)err;
	++*count;
	return true;
}

static void audit_records_are_asked_for_by_both_ends_of_their_time(void **state)
{
	WORLD(world,
		{ 200,
			"{\"value\":[{\"id\":\"a\"}],\"@odata.nextLink\":\"" ROOT
			"/auditLogs/directoryAudits?$skiptoken=1\"}" },
		{ 200, "{\"value\":[{\"id\":\"b\"}]}" });
	struct error err = { 0 };
	size_t count = 0;

	(void)state;
	assert_true(graph_audits(
		world.graph, INT64_C(1772590661551), INT64_C(1772591000000), see, &count, &err));
	assert_int_equal(count, 2);
	/* The last millisecond is included to its end. */
	assert_string_equal(world.script.asked[0].url,
		ROOT "/auditLogs/directoryAudits?$filter="
		     "activityDateTime%20ge%202026-03-04T02:17:41.5510000Z%20and%20"
		     "activityDateTime%20le%202026-03-04T02:23:20.0009999Z&$top=999");
	world_is_used_up(&world);
}

static void a_denied_audit_log_names_both_permissions(void **state)
{
	WORLD(world, { 403, "{\"error\":{\"code\":\"Authorization_RequestDenied\"}}" });
	struct error err = { 0 };
	size_t count = 0;

	(void)state;
	assert_false(graph_audits(world.graph, 0, 1, see, &count, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	assert_contains(err.text, "AuditLog.Read.All");
	assert_contains(err.text, "Directory.Read.All");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(audit_records_are_asked_for_by_both_ends_of_their_time),
		cmocka_unit_test(a_denied_audit_log_names_both_permissions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
