/*
 * Run history and step results (facts 1.4), as Windows PowerShell 5.1's ConvertTo-Json writes what
 * Get-ADSyncRunProfileResult and Get-ADSyncRunStepResult return, and as the XML of RunDetails().
 */
#include "simulator/runs_show.h"

#include "base/memory.h"

#define NEWLINE "\r\n"

enum { ERRORS_MAX = 1 << 20, TEXT_MAX = 2 << 20 };

static const char *const profile_names[] = {
	[STEP_DELTA_IMPORT] = "Delta Import",
	[STEP_DELTA_SYNCHRONISATION] = "Delta Synchronization",
	[STEP_EXPORT] = "Export",
};

static const char *const step_types[] = {
	[STEP_DELTA_IMPORT] = "<step-type type=\"delta-import\"><import-subtype>to-cs"
			      "</import-subtype></step-type>",
	[STEP_DELTA_SYNCHRONISATION] = "<step-type type=\"apply-rules\"><apply-rules-subtype>"
				       "apply-pending</apply-rules-subtype></step-type>",
	[STEP_EXPORT] = "<step-type type=\"export\"></step-type>",
};

/* ---- which counters a step fills ---------------------------------------------------------- */

struct counter {
	const char *property, *element; /* as JSON and as XML */
	enum run_step step;
	size_t offset; /* in struct space_counts */
	bool filled;
};

#define EMPTY(property, element)                                                                   \
	{                                                                                          \
		property, element, STEP_EXPORT, 0, false                                           \
	}
#define FILLED(property, element, step, member)                                                    \
	{                                                                                          \
		property, element, step, offsetof(struct space_counts, member), true               \
	}

static const struct counter staging_counters[] = {
	EMPTY("StageNoChange", "stage-no-change"),
	FILLED("StageAdd", "stage-add", STEP_DELTA_IMPORT, adds),
	FILLED("StageUpdate", "stage-update", STEP_DELTA_IMPORT, updates),
	EMPTY("StageRename", "stage-rename"),
	FILLED("StageDelete", "stage-delete", STEP_DELTA_IMPORT, deletes),
	EMPTY("StageDeleteAdd", "stage-delete-add"),
	EMPTY("StageFailure", "stage-failure"),
};
static const struct counter flow_counters[] = {
	EMPTY("DisconnectorFiltered", "disconnector-filtered"),
	EMPTY("DisconnectorJoinedNoFlow", "disconnector-joined-no-flow"),
	EMPTY("DisconnectorJoinedFlow", "disconnector-joined-flow"),
	EMPTY("DisconnectorJoinedRemoveMv", "disconnector-joined-remove-mv"),
	EMPTY("DisconnectorProjectedNoFlow", "disconnector-projected-no-flow"),
	EMPTY("DisconnectorProjectedFlow", "disconnector-projected-flow"),
	EMPTY("DisconnectorProjectedRemoveMv", "disconnector-projected-remove-mv"),
	FILLED("DisconnectorRemains", "disconnector-remains", STEP_DELTA_SYNCHRONISATION, adds),
	EMPTY("ConnectorFilteredRemoveMv", "connector-filtered-remove-mv"),
	EMPTY("ConnectorFilteredLeaveMv", "connector-filtered-leave-mv"),
	FILLED("ConnectorFlow", "connector-flow", STEP_DELTA_SYNCHRONISATION, updates),
	EMPTY("ConnectorFlowRemoveMv", "connector-flow-remove-mv"),
	EMPTY("ConnectorNoFlow", "connector-no-flow"),
	EMPTY("ConnectorDeleteRemoveMv", "connector-delete-remove-mv"),
	FILLED("ConnectorDeleteLeaveMv", "connector-delete-leave-mv", STEP_DELTA_SYNCHRONISATION,
		deletes),
	EMPTY("ConnectorDeleteAddProcessed", "connector-delete-add-processed"),
	EMPTY("FlowFailure", "flow-failure"),
};
static const struct counter export_counters[] = {
	FILLED("ExportAdd", "export-add", STEP_EXPORT, adds),
	FILLED("ExportUpdate", "export-update", STEP_EXPORT, updates),
	EMPTY("ExportRename", "export-rename"),
	FILLED("ExportDelete", "export-delete", STEP_EXPORT, deletes),
	EMPTY("ExportDeleteAdd", "export-delete-add"),
	FILLED("ExportFailure", "export-failure", STEP_EXPORT, failures),
};

static unsigned count_of(const struct counter *counter, const struct run *run)
{
	if (!counter->filled || counter->step != run->step)
		return 0;
	return *(const unsigned *)(const void *)((const char *)&run->counts + counter->offset);
}

/* ---- what a run is called ------------------------------------------------------------------- */

struct run_names {
	char history[GUID_TEXT_BYTES], step[GUID_TEXT_BYTES], profile[GUID_TEXT_BYTES];
	char connector[BRACED_GUID_BYTES], partition[BRACED_GUID_BYTES];
	const char *connector_name, *partition_name;
};

/* {GUID} as the cmdlets write it: no braces, lower case. */
static void plain_guid(char text[static BRACED_GUID_BYTES])
{
	size_t length = strlen(text);

	memmove(text, text + 1, length - 2);
	text[length - 2] = '\0';
	for (char *at = text; *at; at++)
		*at = text_lower(*at);
}

static void name_run(
	const struct simulator *simulator, const struct run *run, struct run_names *names)
{
	bool cloud = run->connector == RUN_CLOUD;
	char purpose[96];

	snprintf(purpose, sizeof(purpose), "%s run %d %u", run->server, (int)run->connector,
		run->number);
	simulator_fixed_guid(simulator, purpose, names->history);
	snprintf(purpose, sizeof(purpose), "%s step %d %u", run->server, (int)run->connector,
		run->number);
	simulator_fixed_guid(simulator, purpose, names->step);
	snprintf(purpose, sizeof(purpose), "%s profile %d %d", run->server, (int)run->connector,
		(int)run->step);
	simulator_fixed_guid(simulator, purpose, names->profile);
	names->connector_name = cloud ? CLOUD_CONNECTOR_NAME : DIRECTORY_NAME;
	names->partition_name = cloud ? CLOUD_PARTITION_NAME : DIRECTORY_PARTITION;
	snprintf(names->connector, sizeof(names->connector), "%s", CLOUD_CONNECTOR_ID);
	snprintf(names->partition, sizeof(names->partition), "%s", CLOUD_PARTITION_ID);
	if (!cloud) {
		server_guid(simulator, run->server, DIRECTORY_CONNECTOR_ID, names->connector);
		server_guid(simulator, run->server, DIRECTORY_PARTITION_ID, names->partition);
	}
}

/* ---- export errors --------------------------------------------------------------------------- */

struct error_walk {
	const struct simulator *simulator;
	const struct run *run;
	struct buf *out;
};

static bool add_export_error(void *context, const struct space_object *object, struct error *err)
{
	struct error_walk *walk = context;
	CLEANUP(buf_release) struct buf dn = BUF_UP_TO(1024);
	char id[BRACED_GUID_BYTES], when[ENGINE_TIME_BYTES];
	int64_t at = json_integer_value(json_object_get(object->refusal, "at"));

	(void)err;
	if (!object->refusal || at < walk->run->start_ms || at > walk->run->end_ms)
		return true;
	csexport_cloud_dn(&dn, object->anchor);
	server_guid(walk->simulator, walk->run->server, buf_text(&dn), id);
	engine_time(at, when);
	buf_addf(walk->out,
		"<export-error cs-guid=\"%s\" dn=\"%s\"><date-occurred>%s</date-occurred>"
		"<first-occurred>%s</first-occurred><retry-count>0</retry-count>"
		"<error-type>%s</error-type>",
		id, buf_text(&dn), when, when, json_text_or_null(object->refusal, "error"));
	csexport_refusal(walk->out, object->refusal);
	buf_add_text(walk->out, "</export-error>");
	return true;
}

/* <synchronization-errors> of a run; empty where it has none. */
static bool add_errors(
	struct simulator *simulator, const struct run *run, struct buf *out, struct error *err)
{
	struct error_walk walk = { .simulator = simulator, .run = run, .out = out };

	if (!run->counts.failures || run->step != STEP_EXPORT)
		return true;
	buf_add_text(out, "<synchronization-errors>");
	if (!space_each(simulator, run->server, add_export_error, &walk, err))
		return false;
	buf_add_text(out, "</synchronization-errors>");
	return true;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

/* ConvertTo-Json of 5.1 aligns what is nested under the value that holds it. */
struct shell {
	struct buf *out;
	unsigned indent;
	bool iso, first;
};

static void add_name(struct shell *shell, const char *name)
{
	buf_addf(shell->out, "%s" NEWLINE "%*s\"%s\":  ", shell->first ? "" : ",",
		(int)shell->indent, "", name);
	shell->first = false;
}

static void add_text(struct shell *shell, const char *name, const char *text)
{
	add_name(shell, name);
	if (text)
		shell_text(shell->out, text);
	else
		buf_add_text(shell->out, "null");
}

static void add_number(struct shell *shell, const char *name, unsigned number)
{
	add_name(shell, name);
	buf_addf(shell->out, "%u", number);
}

static void add_date(struct shell *shell, const char *name, int64_t ms)
{
	char when[ENGINE_TIME_BYTES];

	add_name(shell, name);
	if (!shell->iso) {
		buf_addf(shell->out, "\"\\/Date(%lld)\\/\"", (long long)ms);
		return;
	}
	engine_time(ms, when);
	when[10] = 'T';
	buf_addf(shell->out, "\"%s0000Z\"", when);
}

static void add_counters(
	struct shell *shell, const struct counter *counters, size_t count, const struct run *run)
{
	for (size_t i = 0; i < count; i++)
		add_number(shell, counters[i].property, count_of(&counters[i], run));
}

static void add_step(struct shell *shell, const struct run *run, const struct run_names *names,
	const char *errors)
{
	CLEANUP(buf_release) struct buf step = BUF_UP_TO(4096);
	bool exported = run->step == STEP_EXPORT &&
		strcmp(run->result, "completed-no-objects") != 0;

	add_text(shell, "RunHistoryId", names->history);
	add_text(shell, "StepHistoryId", names->step);
	add_number(shell, "StepNumber", 1);
	add_text(shell, "StepResult", run->result);
	add_date(shell, "StartDate", run->start_ms);
	add_date(shell, "EndDate", run->end_ms);
	add_counters(shell, staging_counters, COUNT_OF(staging_counters), run);
	add_counters(shell, flow_counters, COUNT_OF(flow_counters), run);
	add_counters(shell, export_counters, COUNT_OF(export_counters), run);
	add_number(shell, "CurrentExportBatchNumber", exported);
	add_number(shell, "LastSuccessfulExportBatchNumber",
		exported && strcmp(run->result, RUN_DIED) != 0);
	add_text(shell, "StepFileName", "");
	add_text(shell, "ConnectorConnectionInformationXml",
		"<connection-result>success</connection-result>");
	add_text(shell, "ConnectorDiscoveryErrors", NULL);
	add_text(shell, "ConnectorCountersXml", "");
	if (errors[0]) {
		add_name(shell, "SyncErrors");
		buf_addf(shell->out, "{" NEWLINE "%*s\"SyncErrorsXml\":  ", (int)shell->indent + 20,
			"");
		shell_text(shell->out, errors);
		buf_addf(shell->out, NEWLINE "%*s}", (int)shell->indent + 16, "");
	} else {
		add_text(shell, "SyncErrors", NULL);
	}
	buf_addf(&step,
		"%s" NEWLINE "<partition>%s</partition>" NEWLINE "<custom-data>"
		"<adma-step-data><batch-size>30</batch-size><page-size>500</page-size>"
		"<time-limit>120</time-limit></adma-step-data></custom-data>",
		step_types[run->step], names->partition_name);
	add_text(shell, "StepXml", buf_text(&step));
	add_text(shell, "MvRetryErrors", NULL);
	add_text(shell, "FlowCountersXml", "");
}

static void add_run(struct shell *shell, const struct run *run, const struct run_names *names,
	const char *errors, bool nested)
{
	char connector[BRACED_GUID_BYTES];

	snprintf(connector, sizeof(connector), "%s", names->connector);
	plain_guid(connector);
	add_text(shell, "RunHistoryId", names->history);
	add_text(shell, "ConnectorId", connector);
	add_text(shell, "ConnectorName", names->connector_name);
	add_text(shell, "RunProfileId", names->profile);
	add_text(shell, "RunProfileName", profile_names[run->step]);
	add_number(shell, "RunNumber", run->number);
	add_text(shell, "Username", run->who);
	add_name(shell, "IsRunComplete");
	buf_add_text(shell->out, "true");
	add_text(shell, "Result", run->result);
	add_number(shell, "CurrentStepNumber", 1);
	add_number(shell, "TotalSteps", 1);
	add_date(shell, "StartDate", run->start_ms);
	add_date(shell, "EndDate", run->end_ms);
	if (!nested) {
		add_text(shell, "RunStepResults", NULL);
		return;
	}
	add_name(shell, "RunStepResults");
	{
		struct shell inner = {
			.out = shell->out,
			.indent = shell->indent + 28,
			.iso = shell->iso,
			.first = true,
		};

		buf_addf(shell->out, "[" NEWLINE "%*s{", (int)shell->indent + 24, "");
		add_step(&inner, run, names, errors);
		buf_addf(shell->out, NEWLINE "%*s}" NEWLINE "%*s]", (int)shell->indent + 24, "",
			(int)shell->indent + 20, "");
	}
}

/* ---- XML ------------------------------------------------------------------------------------ */

static void add_elements(struct buf *out, const char *group, const struct counter *counters,
	size_t count, const struct run *run)
{
	buf_addf(out, "   <%s>" NEWLINE, group);
	for (size_t i = 0; i < count; i++)
		buf_addf(out, "    <%s detail=\"true\">%u</%s>" NEWLINE, counters[i].element,
			count_of(&counters[i], run), counters[i].element);
	buf_addf(out, "   </%s>" NEWLINE, group);
}

static void add_details(struct buf *out, const struct simulator *simulator, const struct run *run,
	const struct run_names *names, const char *errors)
{
	char when[ENGINE_TIME_BYTES], step[BRACED_GUID_BYTES];

	(void)simulator;
	buf_add_text(out, " <run-details>" NEWLINE);
	markup_line(out, 2, "ma-id", names->connector);
	markup_line(out, 2, "ma-name", names->connector_name);
	buf_addf(out, "  <run-number>%u</run-number>" NEWLINE, run->number);
	markup_line(out, 2, "run-profile-name", profile_names[run->step]);
	markup_line(out, 2, "security-id", run->who);
	buf_addf(out, "  <step-details step-number=\"1\" step-id=\"%s\">" NEWLINE,
		braced_guid(names->step, step));
	markup_line(out, 3, "start-date", engine_time(run->start_ms, when));
	markup_line(out, 3, "end-date", engine_time(run->end_ms, when));
	markup_line(out, 3, "step-result", run->result);
	buf_addf(out, "   <step-description>" NEWLINE "    %s" NEWLINE, step_types[run->step]);
	markup_line(out, 4, "partition", names->partition_name);
	buf_add_text(out,
		"    <custom-data>" NEWLINE "    </custom-data>" NEWLINE
		"   </step-description>" NEWLINE
		"   <current-export-step-counter>0</current-export-step-counter>" NEWLINE
		"   <last-successful-export-step-counter>0"
		"</last-successful-export-step-counter>" NEWLINE "   <ma-connection>" NEWLINE
		"    <connection-result>success</connection-result>" NEWLINE
		"   </ma-connection>" NEWLINE "   <ma-discovery-errors/>" NEWLINE
		"   <ma-discovery-counters/>" NEWLINE);
	buf_addf(out, "   %s" NEWLINE "   <mv-retry-errors/>" NEWLINE,
		errors[0] ? errors : "<synchronization-errors/>");
	add_elements(out, "staging-counters", staging_counters, COUNT_OF(staging_counters), run);
	add_elements(out, "inbound-flow-counters", flow_counters, COUNT_OF(flow_counters), run);
	add_elements(out, "export-counters", export_counters, COUNT_OF(export_counters), run);
	buf_add_text(out, "  </step-details>" NEWLINE " </run-details>" NEWLINE);
}

/* ---- the files ------------------------------------------------------------------------------- */

struct runs_walk {
	struct runs_file *file;
	bool first;
	bool died; /* the newest export by hand has been told as one that died */
};

/* An export that died: those that wait for an answer are not counted. */
static bool let_die(struct runs_walk *walk, struct run *run, struct error *err)
{
	struct space_counts waiting = { 0 };

	if (!walk->file->files->died_midway || walk->died || run->step != STEP_EXPORT ||
		run->connector != RUN_CLOUD || strcmp(run->who, RUN_BY_PERSON) != 0)
		return true;
	walk->died = true;
	if (!csexport_escrowed(walk->file->simulator, run->server, &waiting, err))
		return false;
	run->counts.adds -= waiting.adds;
	run->counts.updates -= waiting.updates;
	run->counts.deletes -= waiting.deletes;
	snprintf(run->result, sizeof(run->result), "%s", RUN_DIED);
	return true;
}

static bool visit(void *context, const struct run *recorded, struct error *err)
{
	struct runs_walk *walk = context;
	struct runs_file *file = walk->file;
	CLEANUP(buf_release) struct buf errors = BUF_UP_TO(ERRORS_MAX);
	struct run run = *recorded;
	struct run_names names;
	struct shell shell = {
		.out = &file->sheet->text,
		.indent = 8,
		.iso = file->files->iso_dates,
		.first = true,
	};

	if (!let_die(walk, &run, err) || !add_errors(file->simulator, &run, &errors, err))
		return false;
	name_run(file->simulator, &run, &names);
	if (file->form == RUNS_XML) {
		add_details(&file->sheet->text, file->simulator, &run, &names, buf_text(&errors));
		return sheet_pass(file->sheet, err);
	}
	buf_addf(&file->sheet->text, "%s" NEWLINE "    {", walk->first ? "" : ",");
	walk->first = false;
	if (file->form == RUNS_STEPS)
		add_step(&shell, &run, &names, buf_text(&errors));
	else
		add_run(&shell, &run, &names, buf_text(&errors), file->files->nested);
	buf_add_text(&file->sheet->text, NEWLINE "    }");
	return sheet_pass(file->sheet, err);
}

bool runs_show(struct runs_file *file, struct error *err)
{
	struct runs_walk walk = { .file = file, .first = true };
	bool xml = file->form == RUNS_XML;

	if (xml)
		buf_addf(&file->sheet->text,
			"<?xml version=\"1.0\" encoding=\"%s\"?>" NEWLINE "<run-history>" NEWLINE,
			file->sheet->wide ? "UTF-16" : "UTF-8");
	else
		buf_add_text(&file->sheet->text, "[");
	if (!schedule_each(file->simulator, file->server, visit, &walk, err))
		return false;
	buf_add_text(&file->sheet->text, xml ? "</run-history>" NEWLINE : NEWLINE "]" NEWLINE);
	return true;
}
