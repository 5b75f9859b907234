/* Who counts as a sync identity, what is told of two that use one account, or overwrite each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "reconcile/evidence_internal.h"

#define TENANT "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"
#define ADA    "c1d7e7a2-3b55-4a8e-b7be-0d9b0f4c2f66"
#define SALES  "a4b8f0c1-77aa-4d2e-9c11-0d9b0f4c2f01"
#define APP    "9d0c1e2f-0001-4000-8000-00000000a001"
#define APP_ID "9d0c1e2f-0001-4000-8000-00000000a0ff"

enum { FILE_MAX = 1 << 20, MINUTE_MS = 60 * 1000 };

static const struct writer sync01 = { "9d0c1e2f-0001-4000-8000-000000000001",
	"Sync_SYNC01_e3c03195e061@contoso.onmicrosoft.com", "SYNC01" };
static const struct writer sync02 = { "9d0c1e2f-0001-4000-8000-000000000002",
	"Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com", "SYNC02" };

static struct evidence *empty(void)
{
	const struct evidence_header header = { .tenant = TENANT, .until_ms = 1000 };

	return evidence_new(&header);
}

static void set_at(
	struct evidence *evidence, const struct writer *who, int64_t minutes, const char *attribute)
{
	struct error err = { 0 };
	char reference[64];
	struct fact fact = {
		.when_ms = minutes * MINUTE_MS,
		.source = FROM_AUDIT,
		.who = who,
		.kind = kind_get(KIND_USER),
		.id = ADA,
		.operation = FACT_SET,
		.new_known = true,
		.new_value = SPAN_LITERAL("\"Lab\""),
		.reference = reference,
	};

	snprintf(reference, sizeof(reference), "Directory_%s_%d", who->name, (int)minutes);
	fact.attribute = attribute_find(fact.kind, span_of(attribute));
	assert_non_null(fact.attribute);
	if (!evidence_add_fact(evidence, &fact, &err))
		fail_msg("%s", err.text);
}

/* ---- holders ------------------------------------------------------------------------- */

static void an_application_of_any_name_that_may_synchronise_is_an_identity(void **state UNUSED)
{
	static const struct writer contoso = { APP_ID, "Contoso directory bridge", NULL };
	static const struct writer other = { SALES, "Contoso portal", NULL };
	static const struct evidence_holder holder = { HOLDING_SYNC_APPLICATION, APP, "role",
		APP_ID, "Contoso directory bridge" };
	CLEANUP(evidence_freep) struct evidence *evidence = empty();
	const struct sync_identity *identities;
	size_t count;

	set_at(evidence, &contoso, 1, "department");
	set_at(evidence, &other, 2, "department");
	evidence_identities(evidence, &count);
	assert_int_equal(count, 0);
	evidence_add_holder(evidence, &holder);
	identities = evidence_identities(evidence, &count);
	assert_int_equal(count, 1);
	assert_string_equal(identities[0].writer.name, contoso.name);
	assert_null(identities[0].writer.server);
	assert_int_equal(identities[0].known_by, KNOWN_BY_ROLE);
	assert_string_equal(holder_app_id(evidence, APP), APP_ID);
	assert_string_equal(holder_app_id(evidence, SALES), SALES);
}

static void a_holder_of_another_role_is_no_sync_identity(void **state UNUSED)
{
	static const struct writer admin = { SALES, "admin@contoso.com", NULL };
	static const struct evidence_holder holder = { HOLDING_ROLE, SALES, "role", NULL, NULL };
	CLEANUP(evidence_freep) struct evidence *evidence = empty();
	size_t count;

	set_at(evidence, &admin, 1, "department");
	evidence_add_holder(evidence, &holder);
	evidence_identities(evidence, &count);
	assert_int_equal(count, 0);
	assert_true(evidence_holds(evidence, HOLDING_ROLE, SPAN_LITERAL(SALES)));
	assert_false(evidence_holds(evidence, HOLDING_SYNC_ROLE, SPAN_LITERAL(SALES)));
	assert_false(evidence_holds(evidence, HOLDING_ROLE, SPAN_LITERAL(ADA)));
}

static void holders_are_read_as_they_were_written(void **state UNUSED)
{
	static const struct evidence_holder holders[] = {
		{ HOLDING_ROLE, SALES, "admin-role", NULL, NULL },
		{ HOLDING_SYNC_APPLICATION, APP, "app-role", APP_ID, "a \"name\"" },
		{ HOLDING_ROLE, SALES, "admin-role", NULL, NULL },
	};
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty();
	CLEANUP(evidence_freep) struct evidence *again = NULL;
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	const struct evidence_holder *read;
	const char *why;
	size_t count;

	for (size_t i = 0; i < COUNT_OF(holders); i++)
		evidence_add_holder(evidence, &holders[i]);
	evidence_set_list(evidence, HOLDERS_OF_SYNC, LIST_NOT_READ, "denied");
	evidence_add_file(&file, evidence);
	again = evidence_parse(buf_span(&file), "again", &err);
	if (!again)
		fail_msg("%s", err.text);
	read = evidence_holders(again, &count);
	assert_int_equal(count, 2);
	assert_int_equal(read[0].holding, HOLDING_SYNC_APPLICATION);
	assert_string_equal(read[0].name, "a \"name\"");
	assert_int_equal(evidence_list(again, HOLDERS_OF_ROLES, NULL), LIST_NOT_ASKED);
	assert_int_equal(evidence_list(again, HOLDERS_OF_SYNC, &why), LIST_NOT_READ);
	assert_string_equal(why, "denied");
	assert_string_equal(evidence_identity(again), evidence_identity(evidence));
}

static void a_file_that_lost_a_holder_is_refused(void **state UNUSED)
{
	static const struct evidence_holder holder = { HOLDING_ROLE, SALES, "role", NULL, NULL };
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty();
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf cut = BUF_UP_TO(FILE_MAX);
	const char *line, *end;

	evidence_add_holder(evidence, &holder);
	evidence_add_file(&file, evidence);
	line = strstr(buf_text(&file), "{\"holder\"");
	assert_non_null(line);
	end = strchr(line, '\n') + 1;
	buf_add(&cut, buf_text(&file), (size_t)(line - buf_text(&file)));
	buf_add_text(&cut, end);
	assert_null(evidence_parse(buf_span(&cut), "cut", &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

static void what_one_collection_read_is_known_when_both_are_merged(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *denied = empty();
	CLEANUP(evidence_freep) struct evidence *read = empty();

	evidence_set_list(denied, HOLDERS_OF_ROLES, LIST_NOT_READ, "denied");
	evidence_set_list(read, HOLDERS_OF_ROLES, LIST_READ, NULL);
	assert_true(evidence_merge(denied, read, &err));
	assert_int_equal(evidence_list(denied, HOLDERS_OF_ROLES, NULL), LIST_READ);
	evidence_set_list(denied, HOLDERS_OF_ROLES, LIST_NOT_READ, "denied");
	assert_true(evidence_merge(read, denied, &err));
	assert_int_equal(evidence_list(read, HOLDERS_OF_ROLES, NULL), LIST_READ);
}

/* ---- what production's rules flow ---------------------------------------------------------- */

static void flow(struct evidence *evidence, const char *server, int64_t when_ms, const char *name)
{
	struct error err = { 0 };
	const struct evidence_flow flow = { server, when_ms, KIND_USER, name };

	if (!evidence_add_flow(evidence, &flow, &err))
		fail_msg("%s", err.text);
}

static const char flow_lines[] =
	"{\"flows\":\"user\",\"server\":\"SYNC01\",\"exported\":\"1970-01-01T00:00:02Z\","
	"\"names\":[\"department\",\"title\"]}\n"
	"{\"flows\":\"user\",\"server\":\"SYNC02\",\"names\":[\"city\"]}\n";

static void flows_are_read_as_they_were_written(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty();
	CLEANUP(evidence_freep) struct evidence *again = NULL;
	CLEANUP(evidence_freep) struct evidence *merged = empty();
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);

	flow(evidence, "SYNC02", TIME_NONE, "city");
	flow(evidence, "SYNC01", 1000, "of an earlier configuration");
	flow(evidence, "SYNC01", 2000, "title");
	flow(evidence, "SYNC01", 2000, "department");
	flow(evidence, "SYNC01", 2000, "title");
	flow(evidence, "SYNC01", 1500, "of an earlier configuration, told later");
	evidence_add_file(&file, evidence);
	assert_non_null(strstr(buf_text(&file), flow_lines));
	assert_non_null(strstr(buf_text(&file), "\"flows\":2}"));
	again = evidence_parse(buf_span(&file), "again", &err);
	if (!again)
		fail_msg("%s", err.text);
	flow(merged, "SYNC01", 1000, "of an earlier configuration");
	assert_true(evidence_merge(merged, again, &err));
	assert_string_equal(evidence_identity(merged), evidence_identity(evidence));
}

static void flow_lines_of_another_form_are_refused(void **state UNUSED)
{
	static const char *const refused[] = {
		"{\"flows\":\"user\",\"server\":\"SYNC01\",\"names\":[\"title\",\"department\"]}\n",
		"{\"flows\":\"user\",\"server\":\"SYNC01\",\"names\":[\"title\",\"title\"]}\n",
		"{\"flows\":\"user\",\"server\":\"SYNC01\",\"names\":[]}\n",
		"{\"flows\":\"user\",\"server\":\"SYNC01\",\"names\":[7]}\n",
		"{\"flows\":\"user\",\"server\":\"SYNC01\"}\n",
		"{\"flows\":\"user\",\"names\":[\"title\"]}\n",
		"{\"flows\":\"device\",\"server\":\"SYNC01\",\"names\":[\"title\"]}\n",
		"{\"flows\":\"user\",\"server\":\"SYNC01\",\"exported\":\"today\",\"names\":[\"title\"]}\n",
		"", /* lost, and the trailer counts it */
	};
	static const char taken[] =
		"{\"flows\":\"user\",\"server\":\"SYNC01\",\"names\":[\"title\"]}\n";
	CLEANUP(evidence_freep) struct evidence *evidence = empty();
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	const char *line;

	flow(evidence, "SYNC01", TIME_NONE, "title");
	evidence_add_file(&file, evidence);
	line = strstr(buf_text(&file), taken);
	assert_non_null(line);
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		CLEANUP(buf_release) struct buf other = BUF_UP_TO(FILE_MAX);
		struct error err = { 0 };

		buf_add(&other, buf_text(&file), (size_t)(line - buf_text(&file)));
		buf_add_text(&other, refused[i]);
		buf_add_text(&other, line + strlen(taken));
		assert_null(evidence_parse(buf_span(&other), "other", &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
	}
}

static void more_names_than_anybody_has_are_refused(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty();
	char name[32];
	struct evidence_flow one = { "SYNC01", TIME_NONE, KIND_USER, name };

	for (int i = 0; i < FLOW_NAMES_MAX; i++) {
		snprintf(name, sizeof(name), "name%d", i);
		assert_true(evidence_add_flow(evidence, &one, &err));
	}
	snprintf(name, sizeof(name), "one more");
	assert_false(evidence_add_flow(evidence, &one, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

/* ---- two servers ------------------------------------------------------------------------ */

static void two_servers_that_overwrite_each_other_are_a_flip_flop(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = empty();
	const struct flip_flop *flips;
	size_t count;

	for (int i = 0; i < 2; i++) {
		set_at(evidence, &sync01, 60 * i, "department");
		set_at(evidence, &sync02, 60 * i + 15, "department");
	}
	evidence_flip_flops(evidence, &count);
	assert_int_equal(count, 0); /* SYNC01 wrote over SYNC02 once */
	set_at(evidence, &sync01, 120, "department");
	flips = evidence_flip_flops(evidence, &count);
	assert_int_equal(count, 1);
	assert_string_equal(flips[0].one->writer.server, "SYNC01");
	assert_string_equal(flips[0].other->writer.server, "SYNC02");
	assert_int_equal(flips[0].values, 1);
	assert_int_equal(flips[0].turns, 4);
	assert_int_equal(flips[0].last->when_ms, INT64_C(120) * MINUTE_MS);
}

static void writes_of_different_values_are_no_flip_flop(void **state UNUSED)
{
	static const char *const names[] = { "department", "jobTitle", "city", "country", "state" };
	CLEANUP(evidence_freep) struct evidence *evidence = empty();
	size_t count;

	for (int i = 0; i < 5; i++)
		set_at(evidence, i % 2 ? &sync02 : &sync01, i, names[i]);
	evidence_flip_flops(evidence, &count);
	assert_int_equal(count, 0);
}

static void an_account_in_the_files_of_two_servers_is_shared(void **state UNUSED)
{
	const struct writer here = { "", sync01.name, "SYNC01" };
	const struct writer there = { "", sync01.name, "SYNC02" };
	CLEANUP(evidence_freep) struct evidence *evidence = empty();
	const struct sync_identity *identities;
	size_t count;

	set_at(evidence, &sync01, 1, "department");
	set_at(evidence, &here, 2, "department");
	identities = evidence_identities(evidence, &count);
	assert_int_equal(identities[0].shared, SHARED_NOT);
	set_at(evidence, &there, 3, "department");
	identities = evidence_identities(evidence, &count);
	assert_int_equal(identities[0].shared, SHARED_FILES);
	assert_string_equal(identities[0].other_server, "SYNC02");
}

static void an_account_that_another_server_uses_is_shared(void **state UNUSED)
{
	const struct writer there = { "", sync01.name, "SYNC02" };
	CLEANUP(evidence_freep) struct evidence *evidence = empty();
	const struct sync_identity *identities;
	size_t count;

	set_at(evidence, &there, 3, "department");
	identities = evidence_identities(evidence, &count);
	assert_int_equal(count, 1);
	assert_int_equal(identities[0].shared, SHARED_NAME);
	assert_string_equal(identities[0].other_server, "SYNC02");
}

static void an_account_that_writes_in_two_rhythms_may_be_shared(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = empty();
	const struct sync_identity *identities;
	size_t count;

	for (int i = 0; i < 8; i++)
		set_at(evidence, &sync01, 30 * i, "department");
	identities = evidence_identities(evidence, &count);
	assert_int_equal(identities[0].shared, SHARED_NOT);
	set_at(evidence, &sync01, 100, "department");
	identities = evidence_identities(evidence, &count);
	assert_int_equal(identities[0].shared, SHARED_RHYTHM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_application_of_any_name_that_may_synchronise_is_an_identity),
		cmocka_unit_test(a_holder_of_another_role_is_no_sync_identity),
		cmocka_unit_test(holders_are_read_as_they_were_written),
		cmocka_unit_test(a_file_that_lost_a_holder_is_refused),
		cmocka_unit_test(what_one_collection_read_is_known_when_both_are_merged),
		cmocka_unit_test(flows_are_read_as_they_were_written),
		cmocka_unit_test(flow_lines_of_another_form_are_refused),
		cmocka_unit_test(more_names_than_anybody_has_are_refused),
		cmocka_unit_test(two_servers_that_overwrite_each_other_are_a_flip_flop),
		cmocka_unit_test(writes_of_different_values_are_no_flip_flop),
		cmocka_unit_test(an_account_in_the_files_of_two_servers_is_shared),
		cmocka_unit_test(an_account_that_another_server_uses_is_shared),
		cmocka_unit_test(an_account_that_writes_in_two_rhythms_may_be_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
