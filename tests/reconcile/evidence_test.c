/* Records of the audit log turned into facts; the file of evidence, whole and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

enum { TEXT_MAX = 1 << 20 };

#define TENANT "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"
#define ADA    "c1d7e7a2-3b55-4a8e-b7be-0d9b0f4c2f66"
#define BEN    "c1d7e7a2-3b55-4a8e-b7be-0d9b0f4c2f67"
#define SALES  "a4b8f0c1-77aa-4d2e-9c11-0d9b0f4c2f01"

/* Contract 4.3, as it stands there. */
static const char sample_record[] =
	"{\"id\":\"Directory_5a1e6c1e-0d2b-4f43-9a5b-3f0f4a0e7711_B7Q2M_48213377\","
	"\"category\":\"UserManagement\",\"correlationId\":\"5a1e6c1e-0d2b-4f43-9a5b-3f0f4a0e7711\","
	"\"result\":\"success\",\"resultReason\":\"\",\"activityDisplayName\":\"Update user\","
	"\"activityDateTime\":\"2026-03-04T02:17:41.5512345Z\",\"loggedByService\":\"Core "
	"Directory\",\"operationType\":\"Update\",\"initiatedBy\":{\"app\":null,\"user\":{"
	"\"id\":\"0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10\","
	"\"displayName\":\"On-Premises Directory Synchronization Service Account\","
	"\"userPrincipalName\":\"Sync_STAGE02_7be1c04d9a31@contoso.onmicrosoft.com\","
	"\"ipAddress\":\"203.0.113.24\"}},\"targetResources\":[{\"id\":\"" ADA "\","
	"\"displayName\":null,\"type\":\"User\",\"userPrincipalName\":\"ada@contoso.com\","
	"\"groupType\":null,\"modifiedProperties\":[{\"displayName\":\"ProxyAddresses\","
	"\"oldValue\":\"[\\\"SMTP:ada@contoso.com\\\",\\\"smtp:a.l@contoso.com\\\"]\","
	"\"newValue\":\"[\\\"SMTP:ada@contoso.com\\\",\\\"smtp:sales@contoso.com\\\"]\"},"
	"{\"displayName\":\"LastDirSyncTime\",\"oldValue\":\"[\\\"2026-03-03T22:01:07Z\\\"]\","
	"\"newValue\":\"[\\\"2026-03-04T02:17:40Z\\\"]\"},"
	"{\"displayName\":\"Included Updated Properties\",\"oldValue\":null,"
	"\"newValue\":\"\\\"ProxyAddresses, LastDirSyncTime\\\"\"},"
	"{\"displayName\":\"Action Client Name\",\"oldValue\":null,\"newValue\":\"DirectorySync\"},"
	"{\"displayName\":\"TargetId.UserType\",\"oldValue\":null,\"newValue\":\"\\\"Member\\\"\"}]}],"
	"\"additionalDetails\":[{\"key\":\"UserType\",\"value\":\"Member\"}]}";

static struct evidence *empty_evidence(void)
{
	struct evidence_header header = { .tenant = TENANT,
		.from_ms = 1772323200000,
		.until_ms = 1772625600000,
		.collected_ms = 1772625600000 };

	return evidence_new(&header);
}

/* A record with one modified property; `old_value` and `new_value` as they stand in JSON. */
static void record_text(struct buf *out, const char *id, const char *activity, const char *name,
	const char *old_value, const char *new_value)
{
	buf_addf(out,
		"{\"id\":\"%s\",\"result\":\"success\",\"activityDisplayName\":\"%s\","
		"\"activityDateTime\":\"2026-03-04T02:17:41Z\",\"initiatedBy\":{\"user\":{"
		"\"id\":\"9d0c1e2f-0001-4000-8000-000000000001\","
		"\"userPrincipalName\":\"help@contoso.com\"},\"app\":null},"
		"\"targetResources\":[{\"id\":\"" ADA "\",\"type\":\"User\","
		"\"modifiedProperties\":[{\"displayName\":\"%s\",\"oldValue\":%s,\"newValue\":%s}]}]}",
		id, activity, name, old_value, new_value);
}

static void add_record(struct evidence *evidence, const char *activity, const char *name,
	const char *old_value, const char *new_value)
{
	struct error err = { 0 };
	CLEANUP(buf_release) struct buf record = BUF_UP_TO(TEXT_MAX);

	record_text(&record, "r1", activity, name, old_value, new_value);
	if (!evidence_add_audit(evidence, buf_span(&record), &err))
		fail_msg("%s", err.text);
}

static void expect_known(bool known, struct span value, const char *expected)
{
	assert_true(known);
	if (!expected)
		assert_null(value.data);
	else
		assert_string_equal(value.data, expected);
}

static void the_sample_record_is_one_fact(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();
	const struct fact *fact;

	assert_true(evidence_add_audit(evidence, span_of(sample_record), &err));
	assert_int_equal(evidence_count(evidence), 1);
	assert_int_equal(evidence_records(evidence), 1);
	fact = evidence_fact(evidence, 0);
	assert_string_equal(fact->attribute->name, "proxyAddresses");
	assert_string_equal(fact->id, ADA);
	assert_int_equal(fact->operation, FACT_SET);
	expect_known(fact->old_known, fact->old_value,
		"[\"SMTP:ada@contoso.com\",\"smtp:a.l@contoso.com\"]");
	expect_known(fact->new_known, fact->new_value,
		"[\"SMTP:ada@contoso.com\",\"smtp:sales@contoso.com\"]");
	assert_string_equal(fact->who->server, "STAGE02");
	assert_string_equal(
		fact->reference, "Directory_5a1e6c1e-0d2b-4f43-9a5b-3f0f4a0e7711_B7Q2M_48213377");
	assert_int_equal(fact->when_ms % 1000, 551);
}

static void the_same_record_twice_counts_once(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();

	assert_true(evidence_add_audit(evidence, span_of(sample_record), &err));
	assert_int_equal(evidence_count(evidence), 1);
	assert_true(evidence_add_audit(evidence, span_of(sample_record), &err));
	assert_int_equal(evidence_count(evidence), 1);
	assert_int_equal(evidence_records(evidence), 1);
}

static void values_come_in_every_wrapping(void **state UNUSED)
{
	static const struct {
		const char *name, *written, *expected; /* expected NULL: nothing */
		bool known;
	} values[] = {
		{ "Department", "\"[\\\"Sales\\\"]\"", "\"Sales\"", true },
		{ "Department", "\"\\\"Sales\\\"\"", "\"Sales\"", true },
		{ "Department", "\"Sales\"", "\"Sales\"", true },
		{ "Department", "\"[]\"", NULL, true },
		{ "Department", "\"[\\\"\\\"]\"", NULL, true },
		{ "Department", "\"null\"", NULL, true },
		{ "Department", "null", NULL, false },
		{ "Department", "\"\"", NULL, false },
		{ "Department", "7", NULL, false },
		{ "Department", "\"[\\\"Sales\\\",\\\"Works\\\"]\"", NULL, false },
		{ "Department", "\"[\\\"Sal\"", NULL, false },
		{ "Department", "\"{}\"", NULL, false },
		{ "PostalCode", "\"10115\"", "\"10115\"", true },
		{ "PostalCode", "\"[10115]\"", "\"10115\"", true },
		{ "AccountEnabled", "\"[true]\"", "true", true },
		{ "AccountEnabled", "\"[\\\"False\\\"]\"", "false", true },
		{ "AccountEnabled", "\"perhaps\"", NULL, false },
		{ "TelephoneNumber", "\"[\\\"2\\\",\\\"1\\\"]\"", "[\"1\",\"2\"]", true },
		{ "TelephoneNumber", "\"+49 30\"", "[\"+49 30\"]", true },
		{ "TelephoneNumber", "\"[null,\\\"1\\\",\\\"\\\"]\"", "[\"1\"]", true },
		{ "Manager", "\"[\\\"" BEN "\\\"]\"", "\"" BEN "\"", true },
		{ "Manager", "\"Ben\"", NULL, false },
	};

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();
		const struct fact *fact;

		add_record(evidence, "Update user", values[i].name, "null", values[i].written);
		assert_int_equal(evidence_count(evidence), 1);
		fact = evidence_fact(evidence, 0);
		assert_non_null(fact->attribute);
		assert_false(fact->old_known);
		assert_int_equal(fact->operation, values[i].known ? FACT_SET : FACT_NAMED);
		if (values[i].known)
			expect_known(fact->new_known, fact->new_value, values[i].expected);
		else
			assert_false(fact->new_known);
	}
}

static void an_unknown_name_is_kept_as_it_is(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();

	add_record(
		evidence, "Update user", "StsRefreshTokensValidFrom", "\"[]\"", "\"[\\\"x\\\"]\"");
	assert_int_equal(evidence_count(evidence), 1);
	assert_null(evidence_fact(evidence, 0)->attribute);
	assert_string_equal(
		evidence_fact(evidence, 0)->attribute_name, "StsRefreshTokensValidFrom");
}

static void a_name_that_is_only_listed_is_a_named_fact(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();

	add_record(evidence, "Update user", "Included Updated Properties", "null",
		"\"\\\"Department,  LastDirSyncTime , Oddity\\\"\"");
	assert_int_equal(evidence_count(evidence), 2);
	assert_int_equal(evidence_fact(evidence, 0)->operation, FACT_NAMED);
	assert_string_equal(evidence_fact(evidence, 0)->attribute_name, "Oddity");
	assert_string_equal(evidence_fact(evidence, 1)->attribute->name, "department");
}

static void activities_are_found_in_any_case(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();

	add_record(evidence, "UPDATE USER", "Department", "\"a\"", "\"b\"");
	assert_int_equal(evidence_count(evidence), 1);
	assert_int_equal(evidence_fact(evidence, 0)->operation, FACT_SET);
}

/* Whoever gives a licence or sets a password uses the object, whatever staging did to it. */
static void another_activity_tells_only_who_touched_the_object(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();
	const struct fact *fact;

	add_record(evidence, "Reset user password", "Department", "\"a\"", "\"b\"");
	assert_int_equal(evidence_count(evidence), 1);
	fact = evidence_fact(evidence, 0);
	assert_int_equal(fact->operation, FACT_NAMED);
	assert_null(fact->attribute);
	assert_string_equal(fact->attribute_name, "Reset user password");
	assert_string_equal(fact->id, ADA);
	assert_false(fact->old_known || fact->new_known);
}

static void what_says_nothing_of_the_use_of_an_object_adds_nothing(void **state UNUSED)
{
	static const char *const records[] = {
		"{\"id\":\"x\",\"result\":\"success\",\"activityDisplayName\":\"Update device\","
		"\"activityDateTime\":\"2026-03-04T02:17:41Z\",\"targetResources\":[{\"id\":\"" ADA
		"\",\"type\":\"Device\"},{\"id\":\"7\",\"type\":\"User\"},{\"id\":\"" BEN "\"}]}",
		"{\"id\":\"x\",\"result\":\"failure\",\"activityDisplayName\":\"Change user license\","
		"\"activityDateTime\":\"2026-03-04T02:17:41Z\",\"targetResources\":[{\"id\":\"" ADA
		"\",\"type\":\"User\"}]}",
		"{\"id\":\"x\",\"result\":\"success\",\"activityDisplayName\":\"Change Source of "
		"Authority from AD to cloud\",\"activityDateTime\":\"2026-03-04T02:17:41Z\","
		"\"targetResources\":[{\"id\":\"" ADA "\",\"type\":\"User\"}]}",
		("{\"id\":\"x\",\"result\":\"success\",\"activityDisplayName\":\"Set policy\","
		 "\"activityDateTime\":\"2026-03-04T02:17:41Z\",\"targetResources\":null}"),
	};
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();
	struct error err = { 0 };

	for (size_t i = 0; i < COUNT_OF(records); i++)
		if (!evidence_add_audit(evidence, span_of(records[i]), &err))
			fail_msg("%s", err.text);
	assert_int_equal(evidence_count(evidence), 0);
}

static void an_update_that_names_nothing_tells_only_who_touched_the_object(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();

	add_record(evidence, "Update user", "LastDirSyncTime", "null", "\"[]\"");
	assert_int_equal(evidence_count(evidence), 1);
	assert_null(evidence_fact(evidence, 0)->attribute);
	assert_int_equal(evidence_fact(evidence, 0)->operation, FACT_NAMED);
}

static void a_record_about_one_property_names_it_even_if_it_does_not_show_it(void **state UNUSED)
{
	static const char *const about[][2] = { { "Set user manager", "manager" },
		{ "Enable account", "accountEnabled" }, { "Disable account", "accountEnabled" } };

	for (size_t i = 0; i < COUNT_OF(about); i++) {
		CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();

		add_record(evidence, about[i][0], "Action Client Name", "null", "\"x\"");
		assert_int_equal(evidence_count(evidence), 1);
		assert_string_equal(evidence_fact(evidence, 0)->attribute->name, about[i][1]);
		assert_int_equal(evidence_fact(evidence, 0)->operation, FACT_NAMED);
	}
}

static void a_creation_has_nothing_before(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();
	const struct fact *fact;

	add_record(evidence, "Add user", "Department", "null", "\"[\\\"Lab\\\"]\"");
	assert_int_equal(evidence_count(evidence), 2);
	assert_int_equal(evidence_fact(evidence, 0)->operation, FACT_CREATE);
	fact = evidence_fact(evidence, 1);
	expect_known(fact->old_known, fact->old_value, NULL);
	expect_known(fact->new_known, fact->new_value, "\"Lab\"");
}

/* ---- memberships ---------------------------------------------------------------------------- */

/* `property` and `second` stand as they are in JSON. */
static bool add_membership(struct evidence *evidence, const char *activity, const char *property,
	const char *second, struct error *err)
{
	CLEANUP(buf_release) struct buf record = BUF_UP_TO(TEXT_MAX);

	buf_addf(&record,
		"{\"id\":\"r2\",\"result\":\"success\",\"activityDisplayName\":\"%s\","
		"\"activityDateTime\":\"2026-03-04T02:17:41Z\",\"initiatedBy\":{\"app\":{"
		"\"appId\":\"5d0c1e2f-0001-4000-8000-00000000a001\",\"displayName\":"
		"\"ConnectSyncProvisioning_SYNC_02_7be1c04d9a31\"}},\"targetResources\":[{\"id\":"
		"\"" ADA "\",\"type\":\"User\",\"modifiedProperties\":[%s]}%s]}",
		activity, property, second);
	return evidence_add_audit(evidence, buf_span(&record), err);
}

static void expect_membership(
	struct evidence *evidence, enum fact_operation operation, const char *relation)
{
	const struct fact *fact;

	assert_int_equal(evidence_count(evidence), 1);
	fact = evidence_fact(evidence, 0);
	assert_int_equal(fact->operation, operation);
	assert_string_equal(fact->id, SALES);
	assert_int_equal(fact->kind->id, KIND_GROUP);
	assert_string_equal(fact->attribute->name, relation);
	assert_string_equal(
		operation == FACT_ADD ? fact->new_value.data : fact->old_value.data, "\"" ADA "\"");
	assert_string_equal(fact->who->server, "SYNC_02");
}

static void a_member_added_is_a_fact_of_the_group(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();

	assert_true(add_membership(evidence, "Add member to group",
		"{\"displayName\":\"Group.ObjectID\",\"oldValue\":null,\"newValue\":\"\\\"" SALES
		"\\\"\"}",
		"", &err));
	expect_membership(evidence, FACT_ADD, "members");
}

static void a_member_removed_names_the_group_in_the_old_value(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();

	assert_true(add_membership(evidence, "Remove member from group",
		"{\"displayName\":\"Group.ObjectID\",\"oldValue\":\"\\\"" SALES
		"\\\"\",\"newValue\":null}",
		"", &err));
	expect_membership(evidence, FACT_REMOVE, "members");
}

static void the_second_target_may_be_the_group(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();

	assert_true(add_membership(evidence, "Add owner to group", "",
		",{\"id\":\"" SALES "\",\"type\":\"Group\",\"modifiedProperties\":[]}", &err));
	expect_membership(evidence, FACT_ADD, "owners");
}

static void a_membership_without_its_group_is_an_error(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();

	assert_false(add_membership(evidence, "Add member to group", "", "", &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "r2"));
	assert_non_null(strstr(err.text, "no group"));
}

static void what_is_no_record_is_an_error(void **state UNUSED)
{
	static const char *const records[] = {
		"",
		"[]",
		"{}",
		"{\"id\":7}",
		"{\"id\":\"\"}",
		"{\"id\":\"x\"}",
		"{\"id\":\"x\",\"result\":\"success\"}",
		"{\"id\":\"x\",\"result\":\"success\",\"activityDisplayName\":\"Update user\"}",
		"{\"id\":\"x\",\"result\":\"success\",\"activityDisplayName\":\"Update user\","
		"\"activityDateTime\":\"yesterday\",\"targetResources\":[]}",
		"{\"id\":\"x\",\"result\":\"success\",\"activityDisplayName\":\"Update user\","
		"\"activityDateTime\":\"2026-03-04T02:17:41Z\",\"targetResources\":[]}",
		"{\"id\":\"x\",\"result\":\"success\",\"activityDisplayName\":\"Update user\","
		"\"activityDateTime\":\"2026-03-04T02:17:41Z\",\"targetResources\":[{\"id\":\"../x\"}]}",
	};

	for (size_t i = 0; i < COUNT_OF(records); i++) {
		struct error err = { 0 };
		CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();

		assert_false(evidence_add_audit(evidence, span_of(records[i]), &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_int_equal(evidence_count(evidence), 0);
	}
}

/* ---- identities ----------------------------------------------------------------------------- */

static void sync_identities_name_their_server(void **state UNUSED)
{
	static const struct {
		const char *name, *server; /* NULL: none */
	} names[] = {
		{ "Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com", "SYNC02" },
		{ "ConnectSyncProvisioning_SYNC02_7be1c04d9a31", "SYNC02" },
		{ "Sync_EU_SYNC-2_7BE1C04D9A31@contoso.onmicrosoft.com", "EU_SYNC-2" },
		{ "Sync_SYNC02_7be1c04d9a3@contoso.onmicrosoft.com", NULL },
		{ "Sync_SYNC02_7be1c04d9axx@contoso.onmicrosoft.com", NULL },
		{ "Sync__7be1c04d9a31@contoso.onmicrosoft.com", NULL },
		{ "Sync_SYNC02_7be1c04d9a31", NULL },
		{ "ada@contoso.com", NULL },
		{ "", NULL },
		{ NULL, NULL },
	};
	char server[64];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_int_equal(
			sync_identity_server(names[i].name, server), names[i].server != NULL);
		if (names[i].server)
			assert_string_equal(server, names[i].server);
	}
}

static void identities_are_counted(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();
	const struct sync_identity *identities;
	size_t count;

	assert_null(evidence_identities(evidence, &count));
	assert_int_equal(count, 0);
	assert_true(evidence_add_audit(evidence, span_of(sample_record), &err));
	add_record(evidence, "Update user", "Department", "\"a\"", "\"b\"");
	identities = evidence_identities(evidence, &count);
	assert_int_equal(count, 1);
	assert_string_equal(identities[0].writer.server, "STAGE02");
	assert_int_equal(identities[0].facts, 1);
	assert_int_equal(identities[0].records, 1);
	assert_int_equal(identities[0].objects, 1);
}

static void the_facts_of_an_object_are_found_by_its_id(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();
	size_t count;

	assert_true(evidence_add_audit(evidence, span_of(sample_record), &err));
	assert_true(add_membership(evidence, "Add owner to group", "",
		",{\"id\":\"" SALES "\",\"type\":\"Group\"}", &err));
	assert_non_null(evidence_of(evidence, span_of(ADA), &count));
	assert_int_equal(count, 1);
	assert_null(evidence_of(evidence, span_of(BEN), &count));
	assert_int_equal(count, 0);
}

/* ---- the file ------------------------------------------------------------------------------- */

static struct evidence *full_evidence(void)
{
	struct error err = { 0 };
	struct evidence *evidence = empty_evidence();

	assert_true(evidence_add_audit(evidence, span_of(sample_record), &err));
	add_record(evidence, "Update user", "Department", "null", "\"[]\"");
	add_record(evidence, "Update user", "Strange \\\"name\\\"", "\"{\\\"b\\\":1,\\\"a\\\":2}\"",
		"null");
	add_record(evidence, "Delete user", "Department", "null", "null");
	assert_true(add_membership(evidence, "Add owner to group", "",
		",{\"id\":\"" SALES "\",\"type\":\"Group\"}", &err));
	add_record(evidence, "Change user license", "AssignedLicense", "null", "\"x\"");
	return evidence;
}

static void a_file_is_read_as_it_was_written(void **state UNUSED)
{
	struct error err = { 0 };
	char folder[] = "/tmp/unstage-evidence-XXXXXX";
	CLEANUP(evidence_freep) struct evidence *evidence = full_evidence();
	CLEANUP(evidence_freep) struct evidence *again = NULL;
	CLEANUP(memory_freep) char *path = NULL;

	assert_non_null(mkdtemp(folder));
	path = file_path(folder, "evidence.jsonl");
	assert_true(evidence_save(evidence, path, &err));
	again = evidence_load(path, &err);
	unlink(path);
	rmdir(folder);
	if (!again)
		fail_msg("%s", err.text);
	assert_int_equal(evidence_count(again), evidence_count(evidence));
	assert_int_equal(evidence_records(again), evidence_records(evidence));
	assert_string_equal(evidence_identity(again), evidence_identity(evidence));
	assert_string_equal(evidence_header(again)->tenant, TENANT);
	assert_int_equal(evidence_header(again)->until_ms, evidence_header(evidence)->until_ms);
}

static void a_fact_line_is_as_documented(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(TEXT_MAX);

	add_record(evidence, "Update user", "Department", "\"[]\"", "\"[\\\"Lab\\\"]\"");
	evidence_add_file(&file, evidence);
	assert_string_equal(buf_text(&file),
		"{\"format\":\"unstage-evidence/1\",\"tenant\":\"" TENANT "\","
		"\"collected\":\"2026-03-04T12:00:00Z\",\"sources\":[{\"source\":\"audit\","
		"\"covered\":[{\"from\":\"2026-03-01T00:00:00Z\",\"until\":\"2026-03-04T12:00:00Z\"}]}]}\n"
		"{\"attribute\":\"department\",\"id\":\"" ADA
		"\",\"kind\":\"user\",\"new\":\"Lab\","
		"\"old\":null,\"operation\":\"set\",\"reference\":\"r1\",\"source\":\"audit\","
		"\"when\":\"2026-03-04T02:17:41Z\",\"who\":{\"id\":"
		"\"9d0c1e2f-0001-4000-8000-000000000001\",\"name\":\"help@contoso.com\"}}\n"
		"{\"end\":true,\"facts\":1,\"records\":1}\n");
}

/* docs/FORMAT-evidence.md shows a whole file: what it shows is what is read. */
static void the_documented_file_is_read(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(buf_release) struct buf page = BUF_UP_TO(TEXT_MAX);
	CLEANUP(evidence_freep) struct evidence *evidence = NULL;
	const char *start, *end;

	if (!file_load(TEST_DATA "/../../docs/FORMAT-evidence.md", TEXT_MAX, &page, &err))
		fail_msg("%s", err.text);
	start = strstr(buf_text(&page), "```\n{\"format\":\"unstage-evidence/1\"") + 4;
	end = strstr(start, "```");
	assert_non_null(end);
	evidence = evidence_parse(
		(struct span){ start, (size_t)(end - start) }, "FORMAT-evidence.md", &err);
	if (!evidence)
		fail_msg("%s", err.text);
	assert_int_equal(evidence_count(evidence), 3);
}

static void a_file_cut_anywhere_is_refused(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = full_evidence();
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(TEXT_MAX);

	evidence_add_file(&file, evidence);
	for (size_t length = 0; length < file.length; length++) {
		struct error err = { 0 };

		assert_null(evidence_parse((struct span){ file.data, length }, "cut", &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_non_null(strstr(err.text, "cut"));
	}
}

static void a_file_without_trailer_is_incomplete(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = full_evidence();
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(TEXT_MAX);

	evidence_add_file(&file, evidence);
	buf_cut(&file, (size_t)(strstr(buf_text(&file), "{\"end\"") - buf_text(&file)));
	assert_null(evidence_parse(buf_span(&file), "cut", &err));
	assert_non_null(strstr(err.text, "incomplete"));
}

static void a_changed_byte_is_refused_or_other_evidence(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = full_evidence();
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(TEXT_MAX);

	evidence_add_file(&file, evidence);
	for (size_t at = 0; at < file.length; at++) {
		struct error err = { 0 };
		CLEANUP(evidence_freep) struct evidence *again = NULL;

		file.data[at] ^= 1;
		again = evidence_parse(buf_span(&file), "altered", &err);
		file.data[at] ^= 1;
		if (again)
			assert_string_not_equal(
				evidence_identity(again), evidence_identity(evidence));
		else
			assert_int_equal(err.kind, ERROR_FORMAT);
	}
}

static void what_follows_the_trailer_is_refused_with_its_place(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = empty_evidence();
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(TEXT_MAX);

	evidence_add_file(&file, evidence);
	buf_add_text(&file, "{}\n");
	assert_null(evidence_parse(buf_span(&file), "longer", &err));
	assert_non_null(strstr(err.text, "longer: line 3 (byte"));
}

static void a_bad_line_is_named(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = full_evidence();
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(TEXT_MAX);
	char *kind;

	evidence_add_file(&file, evidence);
	kind = strstr(file.data, "\"kind\":\"user\"");
	memcpy(kind, "\"kind\":\"usel\"", strlen("\"kind\":\"usel\""));
	assert_null(evidence_parse(buf_span(&file), "odd", &err));
	assert_non_null(strstr(err.text, "odd: line 2"));
	assert_non_null(strstr(err.text, "usel"));
}

static void a_file_that_is_not_there_is_a_system_error(void **state UNUSED)
{
	struct error err = { 0 };

	assert_null(evidence_load("/nowhere/evidence.jsonl", &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_record_is_one_fact),
		cmocka_unit_test(the_same_record_twice_counts_once),
		cmocka_unit_test(values_come_in_every_wrapping),
		cmocka_unit_test(an_unknown_name_is_kept_as_it_is),
		cmocka_unit_test(a_name_that_is_only_listed_is_a_named_fact),
		cmocka_unit_test(activities_are_found_in_any_case),
		cmocka_unit_test(another_activity_tells_only_who_touched_the_object),
		cmocka_unit_test(what_says_nothing_of_the_use_of_an_object_adds_nothing),
		cmocka_unit_test(an_update_that_names_nothing_tells_only_who_touched_the_object),
		cmocka_unit_test(a_record_about_one_property_names_it_even_if_it_does_not_show_it),
		cmocka_unit_test(a_creation_has_nothing_before),
		cmocka_unit_test(a_member_added_is_a_fact_of_the_group),
		cmocka_unit_test(a_member_removed_names_the_group_in_the_old_value),
		cmocka_unit_test(the_second_target_may_be_the_group),
		cmocka_unit_test(a_membership_without_its_group_is_an_error),
		cmocka_unit_test(what_is_no_record_is_an_error),
		cmocka_unit_test(sync_identities_name_their_server),
		cmocka_unit_test(identities_are_counted),
		cmocka_unit_test(the_facts_of_an_object_are_found_by_its_id),
		cmocka_unit_test(a_file_is_read_as_it_was_written),
		cmocka_unit_test(a_fact_line_is_as_documented),
		cmocka_unit_test(the_documented_file_is_read),
		cmocka_unit_test(a_file_cut_anywhere_is_refused),
		cmocka_unit_test(a_file_without_trailer_is_incomplete),
		cmocka_unit_test(a_changed_byte_is_refused_or_other_evidence),
		cmocka_unit_test(what_follows_the_trailer_is_refused_with_its_place),
		cmocka_unit_test(a_bad_line_is_named),
		cmocka_unit_test(a_file_that_is_not_there_is_a_system_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
