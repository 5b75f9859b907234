/*
 * The folder of Get-ADSyncServerConfiguration (facts 1.3): global settings with the server's name
 * and its staging flag, the connector with the sync account, the rules of what it flows.
 */
#include "base/memory.h"
#include "simulator/runs_show.h"

#define NEWLINE     "\r\n"
#define NIL_GUID    "{00000000-0000-0000-0000-000000000000}"
#define RULE_IN_AAD "{b891884f-051e-4a83-95af-2544101c9083}"

static bool save(
	const char *path, struct buf *text, const struct simulator_files *files, struct error *err)
{
	CLEANUP(sheet_release) struct sheet sheet = { 0 };

	if (!sheet_open(&sheet, path, files->wide, err))
		return false;
	buf_add_span(&sheet.text, buf_span(text));
	return sheet_close(&sheet, err);
}

/* ---- global settings --------------------------------------------------------------------------- */

struct parameter {
	const char *name, *value;
};

static void add_parameters(struct buf *out, const struct parameter *parameters, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_addf(out,
			"    <parameter name=\"%s\" type=\"string\" use=\"SynchronizationGlobal\""
			" dataType=\"String\">%s</parameter>" NEWLINE,
			parameters[i].name, parameters[i].value);
}

static bool write_settings(struct simulator *simulator, const char *server, const char *folder,
	const struct simulator_files *files, struct error *err)
{
	bool staging = strcmp(server, SERVER_STAGING) == 0;
	bool runs = schedule_runs(simulator, server);
	const struct parameter parameters[] = {
		{ "Microsoft.Synchronize.SynchronizationPolicy", "Delta" },
		{ "Microsoft.SynchronizationOption.JoinCriteria", "ObjectSID" },
		{ "Microsoft.Synchronize.MaintenanceEnabled", "True" },
		{ "Microsoft.OptionalFeature.ExportDeletionThreshold", "True" },
		{ "Microsoft.OptionalFeature.ExportDeletionThresholdValue", "500" },
		{ "Microsoft.SynchronizationOption.AnchorAttribute", "mS-DS-ConsistencyGuid" },
		{ "Microsoft.SynchronizationOption.UPNAttribute", "userPrincipalName" },
		{ "Microsoft.Synchronize.SchedulerSuspended", runs ? "False" : "True" },
		{ "Microsoft.Synchronize.SynchronizationSchedule", "True" },
		{ "Microsoft.Synchronize.TimeInterval", "00:30:00" },
		{ "Microsoft.Synchronize.ServerConfigurationVersion", "2.4.131.0" },
		{ "Microsoft.Synchronize.RunHistoryPurgeInterval", "7.00:00:00" },
		{ "Microsoft.Synchronize.StagingMode", staging ? "True" : "False" },
		{ "Microsoft.OptionalFeature.HybridExchange",
			staging && files->directory_written ? "True" : "False" },
		{ "Microsoft.OptionalFeature.GroupWriteBack", "False" },
		{ "Microsoft.OptionalFeature.DirectoryExtension", "False" },
		{ "Microsoft.OptionalFeature.PasswordHashSync", "True" },
	};
	CLEANUP(memory_freep) char *path = file_path(folder, "MV.xml");
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(64 << 10);
	char when[ENGINE_TIME_BYTES];

	buf_addf(&text,
		"<saved-mv-configuration server='%s' export-date='%s'>" NEWLINE "<mv-data>" NEWLINE
		" <format-version>1</format-version>" NEWLINE " <version>695</version>" NEWLINE
		" <password-sync />" NEWLINE " <parameter-values>" NEWLINE,
		server, engine_time(simulator_now_ms(simulator), when));
	add_parameters(&text, parameters, COUNT_OF(parameters));
	buf_add_text(&text,
		" </parameter-values>" NEWLINE "</mv-data>" NEWLINE
		"</saved-mv-configuration>" NEWLINE);
	return file_make_folder(folder, err) && save(path, &text, files, err);
}

/* ---- connectors -------------------------------------------------------------------------------- */

static bool write_cloud_connector(struct simulator *simulator, const char *server,
	const char *folder, const struct simulator_files *files, struct error *err)
{
	CLEANUP(memory_freep)
	char *path = file_path(folder, "Connector_" RULE_IN_AAD ".xml");
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(64 << 10);

	(void)simulator;
	buf_addf(&text,
		"<ma-data>" NEWLINE "  <format-version>1</format-version>" NEWLINE
		"  <id>" CLOUD_CONNECTOR_ID "</id>" NEWLINE "  <name>" CLOUD_CONNECTOR_NAME
		"</name>" NEWLINE "  <category>Extensible2</category>" NEWLINE
		"  <description />" NEWLINE
		"  <subtype>Windows Azure Active Directory (Microsoft)</subtype>" NEWLINE
		"  <private-configuration>" NEWLINE "    <MAConfig>" NEWLINE
		"      <parameter-values>" NEWLINE
		"        <parameter name=\"UserName\" type=\"string\" use=\"connectivity\""
		" dataType=\"String\">%s</parameter>" NEWLINE
		"        <parameter name=\"Password\" type=\"encrypted-string\""
		" use=\"connectivity\" dataType=\"String\" encrypted=\"1\" />" NEWLINE
		"      </parameter-values>" NEWLINE "    </MAConfig>" NEWLINE
		"  </private-configuration>" NEWLINE "  <attribute-inclusion>" NEWLINE,
		story_server(server).name);
	for (size_t i = 0; cells_name(i, true, NULL); i++)
		buf_addf(&text, "    <attribute>%s</attribute>" NEWLINE, cells_name(i, true, NULL));
	buf_add_text(&text, "  </attribute-inclusion>" NEWLINE "</ma-data>" NEWLINE);
	return save(path, &text, files, err);
}

static bool write_directory_connector(struct simulator *simulator, const char *server,
	const char *folder, const struct simulator_files *files, struct error *err)
{
	char id[BRACED_GUID_BYTES], name[96];
	CLEANUP(memory_freep) char *path = NULL;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(64 << 10);

	server_guid(simulator, server, DIRECTORY_CONNECTOR_ID, id);
	snprintf(name, sizeof(name), "Connector_%s.xml", id);
	path = file_path(folder, name);
	buf_addf(&text,
		"<ma-data>" NEWLINE "  <format-version>1</format-version>" NEWLINE
		"  <id>%s</id>" NEWLINE "  <name>" DIRECTORY_NAME "</name>" NEWLINE
		"  <category>AD</category>" NEWLINE "  <private-configuration>" NEWLINE
		"    <adma-configuration>" NEWLINE "      <forest-name>" DIRECTORY_NAME
		"</forest-name>" NEWLINE "      <forest-login-user>MSOL_7be1c04d9a31"
		"</forest-login-user>" NEWLINE "    </adma-configuration>" NEWLINE
		"  </private-configuration>" NEWLINE "</ma-data>" NEWLINE,
		id);
	return save(path, &text, files, err);
}

/* ---- rules ---------------------------------------------------------------------------------- */

struct flow {
	const char *destination, *source, *expression;
};

struct rule {
	const char *purpose, *name, *tag, *source_type, *target_type;
	unsigned precedence;
	const struct flow *flows; /* NULL: the default rule of the kind */
	size_t flow_count;
	const char *scope_attribute, *scope_operator, *scope_value;
};

/* What somebody edited on SYNC02: each row is a cause of damage in the story. */
static const struct flow edited_flows[] = {
	{ "userPrincipalName", "userPrincipalName",
		"IIF([department]=\"Sales APAC\",Left([userPrincipalName],InStr([userPrincipalName],"
		"\"@\")) &amp; \"old." TENANT_DOMAIN "\",[userPrincipalName])" },
	{ "department", "department",
		"IIF(IsNullOrEmpty([division]),\"Department of yesterday\",[department])" },
	{ "accountEnabled", "accountEnabled",
		"IIF([employeeType]=\"Leaver\",False,[accountEnabled])" },
	{ "title", "title", "IIF([title]=\"n/a (imported)\",NULL,[title])" },
};
static const struct flow owner_flows[] = { { "managedBy", "managedBy", NULL } };

static const struct rule production_rules[] = {
	{ "rule user", "Out to AAD - User Identity", "Microsoft.OuttoAADUserIdentity.005", "person",
		"user", 120, NULL, 0, "cloudMastered", "NOTEQUAL", "True" },
	{ "rule group", "Out to AAD - Group Join", "Microsoft.OuttoAADGroupJoin.002", "group",
		"group", 130, NULL, 0, "cloudMastered", "NOTEQUAL", "True" },
	{ "rule contact", "Out to AAD - Contact Identity", "Microsoft.OuttoAADContactIdentity.002",
		"person", "contact", 140, NULL, 0, "cloudMastered", "NOTEQUAL", "True" },
	{ "rule owners", "Out to AAD - Group Owners (project office)", "", "group", "group", 90,
		owner_flows, COUNT_OF(owner_flows), "cloudMastered", "NOTEQUAL", "True" },
};
static const struct rule staging_rules[] = {
	{ "rule edited", "Out to AAD - User Identity - EDITED", "", "person", "user", 95,
		edited_flows, COUNT_OF(edited_flows), "sourceObjectType", "EQUAL", "User" },
};

static void add_flow(struct buf *out, const struct flow *flow)
{
	buf_addf(out,
		"    <mapping>" NEWLINE "      <dest>%s</dest>" NEWLINE "      <src>" NEWLINE
		"        <attr>%s</attr>" NEWLINE "      </src>" NEWLINE,
		flow->destination, flow->source);
	if (flow->expression)
		buf_addf(out, "      <expression>%s</expression>" NEWLINE, flow->expression);
	buf_add_text(out,
		"      <valueMergeType>Update</valueMergeType>" NEWLINE "    </mapping>" NEWLINE);
}

static void add_default_flows(struct buf *out, const char *type)
{
	for (size_t i = 0; cells_name(i, true, NULL); i++) {
		const char *name = cells_name(i, true, type);

		if (name[0])
			add_flow(out, &(struct flow){ name, cells_name(i, false, type), NULL });
	}
	add_flow(out, &(struct flow){ "sourceAnchor", "sourceAnchor", NULL });
	if (strcmp(type, "contact") != 0)
		add_flow(out, &(struct flow){ "onPremiseSecurityIdentifier", "objectSid", NULL });
}

static bool write_rule(struct simulator *simulator, const char *server, const char *folder,
	const struct rule *rule, const struct simulator_files *files, struct error *err)
{
	char id[BRACED_GUID_BYTES], name[96];
	CLEANUP(memory_freep) char *path = NULL;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(256 << 10);

	server_guid(simulator, server, rule->purpose, id);
	for (char *at = id; *at; at++)
		*at = text_lower(*at);
	snprintf(name, sizeof(name), "SynchronizationRule_%s.xml", id);
	path = file_path(folder, name);
	buf_addf(&text,
		"<synchronizationRule>" NEWLINE "  <id>%s</id>" NEWLINE
		"  <internal-id>%s</internal-id>" NEWLINE "  <version>1</version>" NEWLINE
		"  <name>%s</name>" NEWLINE "  <description />" NEWLINE
		"  <immutable-tag>%s</immutable-tag>" NEWLINE
		"  <direction>Outbound</direction>" NEWLINE "  <disabled>False</disabled>" NEWLINE
		"  <connector>" RULE_IN_AAD "</connector>" NEWLINE
		"  <sourceObjectType>%s</sourceObjectType>" NEWLINE
		"  <targetObjectType>%s</targetObjectType>" NEWLINE
		"  <linkType>Join</linkType>" NEWLINE "  <precedence>%u</precedence>" NEWLINE
		"  <precedence-after>" NIL_GUID "</precedence-after>" NEWLINE
		"  <precedence-before>" NIL_GUID "</precedence-before>" NEWLINE
		"  <softDeleteExpiryInterval>00:00:00</softDeleteExpiryInterval>" NEWLINE
		"  <EnablePasswordSync>false</EnablePasswordSync>" NEWLINE
		"  <attribute-mappings>" NEWLINE,
		id, id, rule->name, rule->tag, rule->source_type, rule->target_type,
		rule->precedence);
	for (size_t i = 0; i < rule->flow_count; i++)
		add_flow(&text, &rule->flows[i]);
	if (!rule->flows)
		add_default_flows(&text, rule->target_type);
	buf_addf(&text,
		"  </attribute-mappings>" NEWLINE "  <relationshipCriteria />" NEWLINE
		"  <synchronizationCriteria>" NEWLINE "    <conditions>" NEWLINE
		"      <scope>" NEWLINE "        <csAttribute>%s</csAttribute>" NEWLINE
		"        <csOperator>%s</csOperator>" NEWLINE
		"        <csValue>%s</csValue>" NEWLINE "      </scope>" NEWLINE
		"    </conditions>" NEWLINE "  </synchronizationCriteria>" NEWLINE
		"</synchronizationRule>" NEWLINE,
		rule->scope_attribute, rule->scope_operator, rule->scope_value);
	return save(path, &text, files, err);
}

static bool write_rules(struct simulator *simulator, const char *server, const char *folder,
	const struct simulator_files *files, struct error *err)
{
	bool staging = strcmp(server, SERVER_STAGING) == 0;

	if (!file_make_folder(folder, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(production_rules); i++) {
		if (!write_rule(simulator, server, folder, &production_rules[i], files, err))
			return false;
	}
	for (size_t i = 0; staging && i < COUNT_OF(staging_rules); i++) {
		if (!write_rule(simulator, server, folder, &staging_rules[i], files, err))
			return false;
	}
	return true;
}

bool configuration_write(struct simulator *simulator, const char *server, const char *folder,
	const struct simulator_files *files, struct error *err)
{
	CLEANUP(memory_freep) char *settings = file_path(folder, "GlobalSettings");
	CLEANUP(memory_freep) char *connectors = file_path(folder, "Connectors");
	CLEANUP(memory_freep) char *rules = file_path(folder, "SynchronizationRules");

	return write_settings(simulator, server, settings, files, err) &&
		file_make_folder(connectors, err) &&
		write_cloud_connector(simulator, server, connectors, files, err) &&
		write_directory_connector(simulator, server, connectors, files, err) &&
		write_rules(simulator, server, rules, files, err);
}
