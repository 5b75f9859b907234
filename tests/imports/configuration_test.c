/* The folder of Get-ADSyncServerConfiguration. */
#include "imports/imports.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"
#include "tests/shared.h"

#define OURS      TEST_DATA "/imports/configuration/SYNC02"
#define MICROSOFT TEST_SHARED "/samples/server-configuration"

static struct configuration *load(const char *folder)
{
	struct error err = { 0 };
	struct configuration *configuration = configuration_load(folder, &err);

	assert_string_equal(err.text, "");
	assert_non_null(configuration);
	return configuration;
}

static const struct flow *flow_of(
	const struct configuration *configuration, enum kind_id kind, const char *name)
{
	const struct attribute *attribute = attribute_find(kind_get(kind), span_of(name));

	assert_non_null(attribute);
	return configuration_flow(configuration, kind, attribute);
}

/* ---- a folder of our own -------------------------------------------------------------------- */

static void server_role_and_account_are_read(void **state)
{
	CLEANUP(configuration_freep) struct configuration *configuration = load(OURS);
	const struct configuration_summary *summary = configuration_summary(configuration);
	int64_t exported_ms;

	(void)state;
	assert_true(time_parse(SPAN_LITERAL("2026-11-23T03:28:09.784Z"), &exported_ms));
	assert_string_equal(summary->server, "SYNC02");
	assert_int_equal(summary->exported_ms, exported_ms);
	assert_int_equal(summary->staging, SETTING_ON);
	assert_int_equal(summary->scheduled, SETTING_OFF);
	assert_string_equal(summary->version, "2.4.131.0");
	assert_string_equal(summary->anchor, "mS-DS-ConsistencyGuid");
	assert_string_equal(summary->connector, "contoso.onmicrosoft.com - AAD");
	assert_string_equal(summary->account, "Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com");
}

static void rules_are_counted_by_what_they_are_to_the_entra_connector(void **state)
{
	CLEANUP(configuration_freep) struct configuration *configuration = load(OURS);
	const struct configuration_summary *summary = configuration_summary(configuration);

	(void)state;
	assert_int_equal(summary->rules, 7);
	assert_int_equal(summary->outbound, 4);
	assert_int_equal(summary->disabled, 1);
}

static void the_rule_of_the_lowest_precedence_is_the_flow(void **state)
{
	CLEANUP(configuration_freep) struct configuration *configuration = load(OURS);
	const struct flow *flow = flow_of(configuration, KIND_USER, "department");

	(void)state;
	assert_string_equal(flow->rule, "Out to AAD - User Department of yesterday");
	assert_int_equal(flow->precedence, 90);
	assert_int_equal(flow->type, FLOW_EXPRESSION);
	assert_string_equal(flow->from, "\"Department of yesterday\"");
	assert_string_equal(flow[1].rule, "Out to AAD - User Common");
	assert_int_equal(flow[1].type, FLOW_DIRECT);
	assert_string_equal(flow[1].from, "department");
}

static void names_of_the_connector_are_found_as_graphs(void **state)
{
	CLEANUP(configuration_freep) struct configuration *configuration = load(OURS);

	(void)state;
	assert_string_equal(flow_of(configuration, KIND_USER, "state")->name, "state");
	assert_string_equal(flow_of(configuration, KIND_GROUP, "members")->name, "member");
}

static void what_no_enabled_rule_of_the_kind_flows_is_not_flowed(void **state)
{
	CLEANUP(configuration_freep) struct configuration *configuration = load(OURS);

	(void)state;
	assert_null(flow_of(configuration, KIND_USER, "mobilePhone"));    /* disabled */
	assert_null(flow_of(configuration, KIND_USER, "city"));           /* inbound */
	assert_null(flow_of(configuration, KIND_USER, "proxyAddresses")); /* to AD */
	assert_null(flow_of(configuration, KIND_GROUP, "description"));   /* of users only */
	assert_null(flow_of(configuration, KIND_CONTACT, "displayName"));
}

static void a_constant_is_a_flow_of_its_text(void **state)
{
	CLEANUP(configuration_freep) struct configuration *configuration = load(OURS);
	size_t count;
	const struct flow *flows = configuration_flows(configuration, &count);
	const struct flow *constant = NULL;

	(void)state;
	for (size_t i = 0; i < count; i++)
		if (strcmp(flows[i].name, "sourceObjectType") == 0)
			constant = &flows[i];
	assert_non_null(constant);
	assert_int_equal(constant->type, FLOW_CONSTANT);
	assert_string_equal(constant->from, "User");
	assert_null(constant->attribute);
}

static void a_connector_space_is_told_what_is_flowed_by_kind(void **state)
{
	CLEANUP(configuration_freep) struct configuration *configuration = load(OURS);
	struct space_flows flows = configuration_space_flows(configuration);
	static const char *const users[] = { "countryCode", "department", "displayName",
		"sourceObjectType", "state", NULL };

	(void)state;
	for (size_t i = 0; users[i]; i++)
		assert_string_equal(flows.names[KIND_USER][i], users[i]);
	assert_null(flows.names[KIND_USER][5]);
	assert_string_equal(flows.names[KIND_GROUP][0], "displayName");
	assert_string_equal(flows.names[KIND_GROUP][1], "member");
	assert_null(flows.names[KIND_GROUP][2]);
	assert_null(flows.names[KIND_CONTACT]);
}

/* ---- one of Microsoft's --------------------------------------------------------------------- */

static void a_servers_own_folder_is_understood(void **state)
{
	CLEANUP(configuration_freep) struct configuration *configuration = NULL;
	const struct configuration_summary *summary;
	size_t count;

	(void)state;
	if (access(MICROSOFT, R_OK) != 0) {
		print_message("no %s: skipped\n", MICROSOFT);
		skip();
	}
	configuration = load(MICROSOFT);
	summary = configuration_summary(configuration);
	assert_string_equal(summary->server, "CONTOSO-SYNC01");
	assert_int_equal(summary->staging, SETTING_OFF);
	assert_int_equal(summary->scheduled, SETTING_ON);
	assert_string_equal(summary->version, "1.1.130.0");
	assert_string_equal(summary->anchor, "objectGUID");
	assert_string_equal(summary->connector, "contoso.onmicrosoft.com - AAD");
	assert_string_equal(
		summary->account, "Sync_CONTOSO-SYNC01_e3c03195e061@contoso.onmicrosoft.com");
	assert_int_equal(summary->rules, 3);
	assert_int_equal(summary->outbound, 1);
	configuration_flows(configuration, &count);
	assert_int_equal(count, 106);
	assert_string_equal(
		flow_of(configuration, KIND_USER, "mailNickname")->from, "mailNickname");
	assert_null(flow_of(configuration, KIND_GROUP, "displayName"));
}

/* ---- parts, and damage ------------------------------------------------------------------------ */

/* A folder with one file in it. */
struct scratch {
	char folder[32];
	char *part, *file;
};

static void scratch_remove(struct scratch *scratch)
{
	unlink(scratch->file);
	rmdir(scratch->part);
	rmdir(scratch->folder);
	memory_free(scratch->file);
	memory_free(scratch->part);
}

static struct scratch scratch_of(const char *part, const char *name, const char *content)
{
	struct scratch scratch = { .folder = "/tmp/unstage-folder-XXXXXX" };
	struct error err = { 0 };

	assert_non_null(mkdtemp(scratch.folder));
	scratch.part = file_path(scratch.folder, part);
	assert_int_equal(mkdir(scratch.part, 0700), 0);
	scratch.file = file_path(scratch.part, name);
	assert_true(file_save(scratch.file, span_of(content), &err));
	return scratch;
}

static void assert_refused(
	const char *part, const char *name, const char *content, const char *wanted)
{
	CLEANUP(scratch_remove) struct scratch scratch = scratch_of(part, name, content);
	CLEANUP(configuration_freep) struct configuration *configuration = NULL;
	struct error err = { 0 };

	configuration = configuration_load(scratch.folder, &err);
	assert_null(configuration);
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_memory_equal(err.text, scratch.file, strlen(scratch.file));
	assert_string_equal(err.text + strlen(scratch.file), wanted);
}

static void a_part_is_enough_and_says_what_it_knows(void **state)
{
	CLEANUP(scratch_remove)
	struct scratch scratch = scratch_of(
		"globalsettings", "mv.xml", "<saved-mv-configuration server='SYNC02'/>");
	CLEANUP(configuration_freep) struct configuration *configuration = load(scratch.folder);
	const struct configuration_summary *summary = configuration_summary(configuration);
	struct space_flows flows = configuration_space_flows(configuration);

	(void)state;
	assert_true(configuration_is_there(scratch.folder));
	assert_string_equal(summary->server, "SYNC02");
	assert_int_equal(summary->staging, SETTING_UNKNOWN);
	assert_int_equal(summary->exported_ms, TIME_NONE);
	assert_null(summary->account);
	assert_int_equal(summary->rules, 0);
	for (size_t kind = 0; kind < KIND_COUNT; kind++)
		assert_null(flows.names[kind]);
}

static void damage_is_named_with_file_line_and_byte(void **state)
{
	(void)state;
	assert_refused("GlobalSettings", "MV.xml", "<saved-mv-configuration>\n<mv-data>",
		": line 2, byte 34: the file is incomplete");
	assert_refused("GlobalSettings", "MV.xml", "<ma-data/>",
		": line 1, byte 0: 'ma-data' where 'saved-mv-configuration' belongs");
	assert_refused("GlobalSettings", "MV.xml",
		"<saved-mv-configuration>\n"
		"<parameter name='Microsoft.Synchronize.StagingMode'>maybe</parameter>",
		": line 2, byte 82: Microsoft.Synchronize.StagingMode: 'maybe' is neither True nor "
		"False");
	assert_refused("GlobalSettings", "MV.xml", "<saved-mv-configuration export-date='soon'/>",
		": line 1, byte 0: export-date: 'soon' is not what belongs there");
	assert_refused("SynchronizationRules", "SynchronizationRule_{1}.xml",
		"<synchronizationRule><precedence>first</precedence></synchronizationRule>",
		": line 1, byte 38: precedence: 'first' is not what belongs there");
	assert_refused("SynchronizationRules", "SynchronizationRule_{1}.xml",
		"<synchronizationRule><attribute-mappings><mapping><src>x</src></mapping>",
		": line 1, byte 62: a flow to nothing: dest is missing");
	assert_refused("Connectors", "Connector_{1}.xml", "<!DOCTYPE ma-data><ma-data/>",
		": line 1, byte 17: a document type declaration; these files have none, and none is "
		"read");
}

static void a_folder_without_any_of_it_is_refused_with_what_to_do(void **state)
{
	CLEANUP(scratch_remove) struct scratch scratch = scratch_of("Other", "MV.xml", "<a/>");
	struct error err = { 0 };
	struct configuration *configuration = configuration_load(scratch.folder, &err);

	(void)state;
	assert_null(configuration);
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "Get-ADSyncServerConfiguration -Path"));
	assert_false(configuration_is_there(scratch.folder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_role_and_account_are_read),
		cmocka_unit_test(rules_are_counted_by_what_they_are_to_the_entra_connector),
		cmocka_unit_test(the_rule_of_the_lowest_precedence_is_the_flow),
		cmocka_unit_test(names_of_the_connector_are_found_as_graphs),
		cmocka_unit_test(what_no_enabled_rule_of_the_kind_flows_is_not_flowed),
		cmocka_unit_test(a_constant_is_a_flow_of_its_text),
		cmocka_unit_test(a_connector_space_is_told_what_is_flowed_by_kind),
		cmocka_unit_test(a_servers_own_folder_is_understood),
		cmocka_unit_test(a_part_is_enough_and_says_what_it_knows),
		cmocka_unit_test(damage_is_named_with_file_line_and_byte),
		cmocka_unit_test(a_folder_without_any_of_it_is_refused_with_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
