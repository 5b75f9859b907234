/* Run history: what the files of the cmdlets and of WMI say, put together. */
#include "imports/imports.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"

enum { FILE_MAX = 8 << 20 };

/* ---- files ------------------------------------------------------------------------------ */

#define RUN_ID(number) "0c5b7d1e-0000-4000-8000-0000000000" number

#define ENTRA "B891884F-051E-4A83-95AF-2544101C9083"

/* As Windows PowerShell 5.1 writes it. */
#define EXPORT_RUN                                                                                            \
	"{\"RunHistoryId\":\"" RUN_ID(                                                                        \
		"17") "\",\"ConnectorId\":\"" ENTRA                                                           \
		      "\",\"ConnectorName\":\"contoso.onmicrosoft.com - AAD\",\"RunProfileName\":\"Upload\"," \
		      "\"RunNumber\":17,\"Username\":\"CONTOSO\\\\anna\",\"IsRunComplete\":true,"             \
		      "\"Result\":\"completed-export-errors\",\"StartDate\":\"\\/Date(1772432104551)\\/\","   \
		      "\"EndDate\":\"\\/Date(1772432324000)\\/\",\"RunStepResults\":null}"

#define EXPORT_STEP                                                                                           \
	"{\"RunHistoryId\":\"" RUN_ID("17") "\",\"StepHistoryId\":\"" RUN_ID(                                 \
		"99") "\",\"StepNumber\":1,\"StepResult\":\"completed-export-errors\","                       \
		      "\"StartDate\":\"2026-03-02T06:15:05.000Z\",\"EndDate\":\"2026-03-02T06:18:44\","       \
		      "\"ExportAdd\":6,\"ExportUpdate\":412,\"ExportRename\":0,\"ExportDelete\":8,"           \
		      "\"ExportDeleteAdd\":1,\"ExportFailure\":3,"                                            \
		      "\"StepXml\":\"\\u003cstep-type type=\\u0027export\\u0027/\\u003e\\r\\n<partition/>\"," \
		      "\"SyncErrors\":{\"SyncErrorsXml\":\"" CONFLICT "\",\"SyncErrorsList\":[]}}"

#define CONFLICT                                                                                                    \
	"<synchronization-errors><export-error cs-guid='{5B0E6C21-93AD-4E7F-8D15-2F60A7C4B9E8}' "                   \
	"dn='CN={6E69}'><date-occurred>2026-03-02 06:16:00.100</date-occurred>"                                     \
	"<first-occurred>2026-03-01 06:16:00.100</first-occurred><retry-count>2</retry-count>"                      \
	"<error-type>extension-dll-exception</error-type><cd-error>"                                                \
	"<error-name>AttributeValueMustBeUnique</error-name><error-code>0x8023134a</error-code>"                    \
	"<error-literal>Unable to update this object</error-literal><extra-error-details>"                          \
	"[{&quot;Key&quot;:&quot;ObjectId&quot;,&quot;Value&quot;:"                                                 \
	"[&quot;7F3A1C52-8e0b-4d9e-b6a4-2c9f10d7e835&quot;]},"                                                      \
	"{&quot;Key&quot;:&quot;ObjectIdInConflict&quot;,&quot;Value&quot;:"                                        \
	"[&quot;0c5de9b1-63f4-4a27-9d18-e47b02a6c9f0&quot;]},"                                                      \
	"{&quot;Key&quot;:&quot;AttributeConflictName&quot;,&quot;Value&quot;:[&quot;ProxyAddresses&quot;]},"       \
	"{&quot;Key&quot;:&quot;AttributeConflictValues&quot;,&quot;Value&quot;:[&quot;SMTP:a@contoso.com&quot;]}]" \
	"</extra-error-details></cd-error></export-error></synchronization-errors>"

#define STEP_OF(id, number, type, counters)                                                        \
	"{\"RunHistoryId\":\"" id "\",\"StepNumber\":" number ",\"StepResult\":\"success\","       \
	"\"StepXml\":\"<step-type type='" type "'/>\"," counters "}"

#define NO_COUNTERS                                                                                \
	"\"ExportAdd\":0,\"ExportUpdate\":0,\"ExportRename\":0,\"ExportDelete\":0,"                \
	"\"ExportDeleteAdd\":0,\"ExportFailure\":0"

#define RUN_OF(id, connector, number, profile, result)                                             \
	"{\"RunHistoryId\":\"" id "\",\"ConnectorId\":\"" connector "\",\"RunNumber\":" number     \
	",\"RunProfileName\":\"" profile "\",\"Result\":\"" result "\","                           \
	"\"Username\":\"NT SERVICE\\\\ADSync\",\"StartDate\":\"2026-03-02T06:00:00Z\"}"

static const char run_xml[] =
	"<?xml version=\"1.0\" encoding=\"utf-16\"?>\n"
	"<run-history>\n"
	" <run-details>\n"
	"  <ma-id>{" ENTRA "}</ma-id>\n"
	"  <ma-name>contoso.onmicrosoft.com - AAD</ma-name>\n"
	"  <run-number>17</run-number>\n"
	"  <run-profile-name>Upload</run-profile-name>\n"
	"  <security-id>CONTOSO\\anna</security-id>\n"
	"  <step-details step-number=\"2\" step-id=\"{0D16BE50-FB6A-4CDC-B528-59B41D3F41A3}\">\n"
	"   <start-date>2026-03-02 06:18:44.000</start-date>\n"
	"   <end-date>2026-03-02 06:19:00.000</end-date>\n"
	"   <step-result>success</step-result>\n"
	"   <step-description><step-type type=\"delta-import\"><import-subtype>to-cs</import-subtype>"
	"</step-type></step-description>\n"
	"   <synchronization-errors/>\n"
	"   <export-counters><export-add detail=\"true\">0</export-add></export-counters>\n"
	"  </step-details>\n"
	"  <step-details step-number=\"1\" step-id=\"{1D16BE50-FB6A-4CDC-B528-59B41D3F41A3}\">\n"
	"   <start-date>2026-03-02 06:15:05.000</start-date>\n"
	"   <end-date>2026-03-02 06:18:44.000</end-date>\n"
	"   <step-result>completed-export-errors</step-result>\n"
	"   <step-description><step-type type=\"export\"/></step-description>\n" CONFLICT
	"   <export-counters>\n"
	"    <export-add detail=\"true\">6</export-add>\n"
	"    <export-update detail=\"true\">412</export-update>\n"
	"    <export-rename detail=\"true\">0</export-rename>\n"
	"    <export-delete detail=\"true\">8</export-delete>\n"
	"    <export-delete-add detail=\"true\">1</export-delete-add>\n"
	"    <export-failure detail=\"true\">3</export-failure>\n"
	"   </export-counters>\n"
	"  </step-details>\n"
	" </run-details>\n"
	"</run-history>\n";

/* A file that is gone with its name. */
struct scratch {
	char path[32];
};

static struct scratch scratch_of(struct span content)
{
	struct scratch scratch = { "/tmp/unstage-runs-XXXXXX" };
	int descriptor = mkstemp(scratch.path);

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, content.data, content.length), content.length);
	close(descriptor);
	return scratch;
}

static void scratch_remove(struct scratch *scratch)
{
	unlink(scratch->path);
}

typedef bool add_function(struct run_history *history, const char *path, struct error *err);

static void add(struct run_history *history, add_function *function, struct span content)
{
	CLEANUP(scratch_remove) struct scratch scratch = scratch_of(content);
	struct error err = { 0 };
	bool added = function(history, scratch.path, &err);

	assert_string_equal(err.text, "");
	assert_true(added);
}

static void add_json(struct run_history *history, const char *text)
{
	add(history, run_history_add_json, span_of(text));
}

static void join(struct run_history *history)
{
	struct error err = { 0 };
	bool joined = run_history_join(history, &err);

	assert_string_equal(err.text, "");
	assert_true(joined);
}

/* The error without the scratch file's name. */
static void assert_refused(add_function *function, struct span content, const char *wanted)
{
	CLEANUP(scratch_remove) struct scratch scratch = scratch_of(content);
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	struct error err = { 0 };

	assert_false(function(history, scratch.path, &err));
	assert_memory_equal(err.text, scratch.path, strlen(scratch.path));
	assert_string_equal(err.text + strlen(scratch.path), wanted);
	assert_int_equal(err.kind, ERROR_FORMAT);
}

static void assert_json_refused(const char *text, const char *wanted)
{
	assert_refused(run_history_add_json, span_of(text), wanted);
}

static void add_utf16(struct buf *out, const char *text, bool big)
{
	buf_add(out, big ? "\xfe\xff" : "\xff\xfe", 2);
	for (; *text; text++) {
		char pair[2] = { big ? 0 : *text, big ? *text : 0 };

		buf_add(out, pair, sizeof(pair));
	}
}

/* ---- what is expected of the export above, wherever it was read ---------------------------- */

static void assert_the_export(const struct run_history *history)
{
	static const uint64_t wanted[RUN_COUNTERS] = { 6, 412, 0, 8, 1, 3 };
	size_t count;
	const struct export_run *export = run_history_exports(history, &count);
	int64_t start_ms, end_ms;

	assert_int_equal(count, 1);
	assert_true(time_parse(SPAN_LITERAL("2026-03-02T06:15:05Z"), &start_ms));
	assert_true(time_parse(SPAN_LITERAL("2026-03-02T06:18:44Z"), &end_ms));
	assert_string_equal(export->connector_id, ENTRA_CONNECTOR);
	assert_string_equal(export->connector, "contoso.onmicrosoft.com - AAD");
	assert_true(export->entra);
	assert_int_equal(export->number, 17);
	assert_int_equal(export->step, 1);
	assert_int_equal(export->start_ms, start_ms);
	assert_int_equal(export->end_ms, end_ms);
	assert_string_equal(export->result, "completed-export-errors");
	assert_string_equal(export->by, "CONTOSO\\anna");
	assert_true(export->by_hand);
	assert_true(export->counted);
	assert_memory_equal(export->counters, wanted, sizeof(wanted));
	assert_true(export_may_have_written(export));
}

static void assert_the_error(const struct run_history *history)
{
	size_t count;
	const struct run_error *error = run_history_errors(history, &count);
	int64_t when_ms;

	assert_int_equal(count, 1);
	assert_true(time_parse(SPAN_LITERAL("2026-03-02T06:16:00.100Z"), &when_ms));
	assert_int_equal(error->kind, RUN_ERROR_EXPORT);
	assert_int_equal(error->when_ms, when_ms);
	assert_int_equal(error->first_ms, when_ms - 86400000);
	assert_int_equal(error->retries, 2);
	assert_string_equal(error->type, "extension-dll-exception");
	assert_string_equal(error->name, "AttributeValueMustBeUnique");
	assert_string_equal(error->code, "0x8023134a");
	assert_string_equal(error->dn, "CN={6E69}");
	assert_string_equal(error->cs_id, "5b0e6c21-93ad-4e7f-8d15-2f60a7c4b9e8");
	assert_string_equal(error->object, "7f3a1c52-8e0b-4d9e-b6a4-2c9f10d7e835");
	assert_string_equal(error->other, "0c5de9b1-63f4-4a27-9d18-e47b02a6c9f0");
	assert_string_equal(error->attribute, "ProxyAddresses");
	assert_string_equal(error->value, "SMTP:a@contoso.com");
}

/* ---- what is understood -------------------------------------------------------------------- */

static void runs_and_their_steps_are_joined_whichever_file_comes_first(void **state)
{
	(void)state;
	for (int steps_first = 0; steps_first < 2; steps_first++) {
		CLEANUP(run_history_freep) struct run_history *history = run_history_new();

		add_json(history, steps_first ? EXPORT_STEP : "[" EXPORT_RUN "]");
		add_json(history, steps_first ? "[" EXPORT_RUN "]" : EXPORT_STEP);
		join(history);
		assert_the_export(history);
		assert_the_error(history);
		assert_int_equal(run_history_errors(history, &(size_t){ 0 })->number, 17);
		assert_true(run_history_errors(history, &(size_t){ 0 })->entra);
	}
}

static void steps_inside_of_their_run_are_the_same(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(FILE_MAX);
	size_t head = strlen(EXPORT_RUN) - strlen("null}");

	(void)state;
	buf_addf(&text, "[%.*s[%s]}]", (int)head, EXPORT_RUN, EXPORT_STEP);
	add_json(history, buf_text(&text));
	/* Twice the same file says nothing twice. */
	add_json(history, buf_text(&text));
	join(history);
	assert_the_export(history);
	assert_the_error(history);
	assert_int_equal(run_history_summary(history)->runs, 1);
	assert_int_equal(run_history_summary(history)->steps, 1);
}

static void wmis_xml_says_the_same_also_beside_the_json(void **state)
{
	(void)state;
	for (int with_json = 0; with_json < 2; with_json++) {
		CLEANUP(run_history_freep) struct run_history *history = run_history_new();

		add(history, run_history_add_xml, span_of(run_xml));
		if (with_json)
			add_json(history, "[" EXPORT_RUN "," EXPORT_STEP "]");
		join(history);
		assert_the_export(history);
		assert_the_error(history);
		assert_int_equal(run_history_summary(history)->runs, 1);
		assert_int_equal(run_history_summary(history)->steps, 2);
	}
}

static void out_files_utf_16_is_read_in_either_order(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		CLEANUP(run_history_freep) struct run_history *history = run_history_new();
		CLEANUP(buf_release) struct buf json = BUF_UP_TO(FILE_MAX);
		CLEANUP(buf_release) struct buf xml = BUF_UP_TO(FILE_MAX);

		add_utf16(&json, "[\r\n" EXPORT_RUN ",\r\n" EXPORT_STEP "\r\n]\r\n", big);
		add_utf16(&xml, run_xml, big);
		add(history, run_history_add_json, buf_span(&json));
		add(history, run_history_add_xml, buf_span(&xml));
		join(history);
		assert_the_export(history);
		assert_the_error(history);
	}
}

static void one_object_several_and_powershells_wrapped_list_are_records(void **state)
{
	static const char *const forms[] = {
		EXPORT_RUN "\n" EXPORT_STEP,
		"[" EXPORT_RUN "]\n[" EXPORT_STEP "]\n",
		"{\"value\":[" EXPORT_RUN "," EXPORT_STEP "],\"Count\":2}",
		"\xef\xbb\xbf[\r\n    " EXPORT_RUN ",\r\n    " EXPORT_STEP "\r\n]\r\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		CLEANUP(run_history_freep) struct run_history *history = run_history_new();

		add_json(history, forms[i]);
		join(history);
		assert_the_export(history);
	}
}

static void a_date_with_notes_tied_to_it_is_a_date(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();

	(void)state;
	add_json(history,
		"{\"RunHistoryId\":\"" RUN_ID(
			"01") "\",\"RunNumber\":1,\"RunProfileName\":\"export\","
			      "\"StartDate\":{\"value\":\"\\/Date(1772432104551+0100)\\/\",\"DisplayHint\":2,"
			      "\"DateTime\":\"Monday, March 2, 2026\"},\"EndDate\":\"\\/Date(-62135596800000)\\/\"}");
	join(history);
	assert_int_equal(run_history_exports(history, &(size_t){ 0 })->start_ms, 1772432104551);
	assert_int_equal(run_history_exports(history, &(size_t){ 0 })->end_ms, TIME_NONE);
}

static void what_did_not_start_and_what_sent_nothing_wrote_nothing(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	size_t count;
	const struct export_run *exports;

	(void)state;
	add_json(history,
		"[" RUN_OF(RUN_ID("01"), ENTRA_CONNECTOR, "1", "Export", "no-start-ma") "," RUN_OF(
			RUN_ID("02"), ENTRA_CONNECTOR, "2", "Anything",
			"success") "," RUN_OF(RUN_ID("03"), ENTRA_CONNECTOR, "3", "Export",
			"success") "," STEP_OF(RUN_ID("02"), "1", "export",
			NO_COUNTERS) "," STEP_OF(RUN_ID("03"), "1", "delta-import",
			NO_COUNTERS) "]");
	join(history);
	exports = run_history_exports(history, &count);
	assert_int_equal(count, 2);
	assert_string_equal(exports[0].result, "no-start-ma");
	assert_false(export_may_have_written(&exports[0]));
	assert_false(exports[0].by_hand);
	assert_int_equal(exports[1].number, 2);
	assert_false(export_may_have_written(&exports[1]));
	assert_int_equal(run_history_summary(history)->entra_exports, 0);
	assert_int_equal(run_history_summary(history)->window_from_ms, TIME_NONE);
}

static void an_export_whose_steps_are_missing_may_have_written_anything(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	const struct run_history_summary *summary = run_history_summary(history);

	(void)state;
	add_json(history, RUN_OF(RUN_ID("01"), ENTRA_CONNECTOR, "1", "Export", "success"));
	add_json(history,
		STEP_OF(RUN_ID("44"), "1", "export",
			"\"ExportAdd\":1,\"ExportUpdate\":0,\"ExportRename\":0,"
			"\"ExportDelete\":0,\"ExportDeleteAdd\":0,\"ExportFailure\":0"));
	join(history);
	assert_int_equal(summary->exports, 2);
	assert_int_equal(summary->entra_exports, 1);
	assert_int_equal(summary->uncounted, 1);
	assert_int_equal(summary->strays, 1);
	assert_int_equal(summary->counters[RUN_ADDS], 0);
}

static void counters_that_are_not_all_there_count_nothing(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();

	(void)state;
	add_json(history, STEP_OF(RUN_ID("01"), "1", "export", "\"ExportAdd\":0"));
	join(history);
	assert_false(run_history_exports(history, &(size_t){ 0 })->counted);
	assert_true(export_may_have_written(run_history_exports(history, &(size_t){ 0 })));
}

static void an_export_to_active_directory_is_not_one_to_entra(void **state)
{
	static const char ad[] = "9d0f1c52-8e0b-4d9e-b6a4-2c9f10d7e835";
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(FILE_MAX);

	(void)state;
	buf_addf(&text,
		"{\"RunHistoryId\":\"" RUN_ID(
			"17") "\",\"ConnectorId\":\"%s\",\"ConnectorName\":\"contoso.com\",\"RunNumber\":3}",
		ad);
	add_json(history, buf_text(&text));
	add_json(history, EXPORT_STEP);
	join(history);
	assert_int_equal(run_history_summary(history)->exports, 1);
	assert_int_equal(run_history_summary(history)->entra_exports, 0);
	assert_false(run_history_exports(history, &(size_t){ 0 })->entra);
}

static void numbers_that_no_file_has_are_told(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	size_t count;
	const struct run_gap *gaps;

	(void)state;
	add_json(history,
		"[" RUN_OF(RUN_ID("09"), ENTRA_CONNECTOR, "9", "Export", "success") "," RUN_OF(
			RUN_ID("08"), ENTRA_CONNECTOR, "8", "Delta Import",
			"success") "," RUN_OF(RUN_ID("03"), ENTRA_CONNECTOR, "3", "Export",
			"success") "," RUN_OF(RUN_ID("50"), "9d0f1c52-8e0b-4d9e-b6a4-2c9f10d7e835",
			"5", "x", "success") "]");
	join(history);
	gaps = run_history_gaps(history, &count);
	assert_int_equal(count, 1);
	assert_int_equal(gaps[0].from, 4);
	assert_int_equal(gaps[0].until, 7);
}

static void what_convertto_json_cut_off_is_counted(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();

	(void)state;
	add_json(history,
		"[{\"RunHistoryId\":\"" RUN_ID(
			"01") "\",\"RunStepResults\":\"\"},"
			      "{\"RunHistoryId\":\"" RUN_ID(
				      "02") "\",\"RunStepResults\":"
					    "[\"Microsoft.IdentityManagement.PowerShell.ObjectModel.RunStepResult\"]},"
					    "{\"RunHistoryId\":\"" RUN_ID(
						    "03") "\",\"StepNumber\":1,\"SyncErrors\":"
							  "\"Microsoft.IdentityManagement.PowerShell.ObjectModel.SyncErrors\"}]");
	join(history);
	assert_int_equal(run_history_summary(history)->cut_lists, 2);
}

static void a_change_that_did_not_come_back_names_its_attribute(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	size_t count;
	const struct run_error *errors;

	(void)state;
	add(history, run_history_add_xml,
		SPAN_LITERAL(
			"<synchronization-errors><import-error cs-guid='no guid' dn='CN={6E69}'>"
			"<error-type>exported-change-not-reimported</error-type>"
			"<algorithm-step>staging</algorithm-step><change-not-reimported>"
			"<delta operation='update'><attr name='department' operation='replace'>"
			"<value>Sales</value></attr></delta><entry dn='CN={6E69}'><attr name='x'/>"
			"</entry></change-not-reimported></import-error></synchronization-errors>"));
	join(history);
	errors = run_history_errors(history, &count);
	assert_int_equal(count, 1);
	assert_int_equal(errors->kind, RUN_ERROR_IMPORT);
	assert_string_equal(errors->type, "exported-change-not-reimported");
	assert_string_equal(errors->attribute, "department");
	assert_null(errors->cs_id);
	assert_int_equal(errors->number, -1);
}

static void elements_that_are_only_alike_are_passed_over(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();

	(void)state;
	add(history, run_history_add_xml,
		SPAN_LITERAL(
			"<run-history><run-details-of-old><ma-id>x</ma-id></run-details-of-old>"
			"<run-details><ma-id>{" ENTRA "}</ma-id><run-number>1</run-number>"
			"<step-details-of-old><step-result>x</step-result>"
			"</step-details-of-old></run-details></run-history>"));
	join(history);
	assert_int_equal(run_history_summary(history)->runs, 1);
	assert_int_equal(run_history_summary(history)->steps, 0);
}

static void of_a_long_text_the_beginning_is_kept_and_the_conflict_found(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	CLEANUP(buf_release) struct buf xml = BUF_UP_TO(FILE_MAX);
	const struct run_error *error;
	size_t count;

	(void)state;
	buf_addf(&xml,
		"<synchronization-errors><export-error dn='CN={6E69}'><cd-error><error-literal>"
		"%04000d [{\"Key\":\"ObjectIdInConflict\",\"Value\":"
		"[\"0c5de9b1-63f4-4a27-9d18-e47b02a6c9f0\"]}] and more"
		"</error-literal></cd-error></export-error></synchronization-errors>",
		0);
	add(history, run_history_add_xml, buf_span(&xml));
	join(history);
	error = run_history_errors(history, &count);
	assert_int_equal(count, 1);
	assert_int_equal(strlen(error->literal), RUN_DETAIL_MAX);
	assert_string_equal(error->other, "0c5de9b1-63f4-4a27-9d18-e47b02a6c9f0");
}

/* ---- what becomes evidence ----------------------------------------------------------------------- */

static const struct evidence_header header = { .tenant = "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30" };

static void what_has_to_be_explained_becomes_evidence(void **state)
{
	static const uint64_t wanted[RUN_COUNTERS] = { 6, 412, 0, 8, 1, 3 };
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_new(&header);
	const struct run_import whose = { .server = "SYNC02" };
	struct error err = { 0 };
	const struct evidence_run *runs;
	const struct evidence_source *sources;
	size_t refusals, count;

	(void)state;
	add_json(history,
		"[" EXPORT_RUN "," EXPORT_STEP ","
		/* Nothing of these three is a number that somebody could explain. */
		RUN_OF(RUN_ID("02"), ENTRA_CONNECTOR, "2", "Export", "no-start-ma") "," RUN_OF(
			RUN_ID("03"), ENTRA_CONNECTOR, "3", "Export",
			"success") "," STEP_OF(RUN_ID("44"), "1", "export", NO_COUNTERS) "]");
	join(history);
	assert_true(run_history_add_to(history, evidence, &whose, &refusals, &err));
	runs = evidence_runs(evidence, &count);
	assert_int_equal(count, 1);
	assert_string_equal(runs->server, "SYNC02");
	assert_string_equal(runs->connector, "contoso.onmicrosoft.com - AAD");
	assert_true(runs->cloud);
	assert_string_equal(runs->type, "export");
	assert_string_equal(runs->by, "CONTOSO\\anna");
	assert_int_equal(runs->number, 17);
	assert_memory_equal(runs->counters, wanted, sizeof(wanted));
	sources = evidence_sources(evidence, &count);
	assert_int_equal(count, 1);
	assert_int_equal(sources->source, FROM_RUNS);
	assert_int_equal(strlen(sources->digest), 64);
	assert_int_equal(evidence_count(evidence), 0);
	assert_int_equal(refusals, 0);
}

/* A live snapshot with the one user that the service refused to change. */
static struct snapshot *live_of(struct scratch *scratch)
{
	static const char line[] =
		"{\"displayName\":\"A\",\"id\":\"7f3a1c52-8e0b-4d9e-b6a4-2c9f10d7e835\","
		"\"kind\":\"user\",\"onPremisesImmutableId\":\"niocP31bYEyaHg1Lby6MEQ==\"}\n";
	char tenant[] = "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30", cloud[] = "global",
	     source[] = "graph";
	const struct snapshot_header head = {
		.tenant = tenant, .cloud = cloud, .source = source, .taken_from_ms = 1772440000000
	};
	struct error err = { 0 };
	struct snapshot_writer *writer = snapshot_writer_open(scratch->path, &head, &err);

	assert_non_null(writer);
	assert_true(snapshot_writer_add(writer, span_of(line), &err));
	assert_true(snapshot_writer_finish(writer, 1772440000000, &err));
	return snapshot_open(scratch->path, &err);
}

static void a_refusal_of_an_object_that_is_known_is_a_fact(void **state)
{
	CLEANUP(scratch_remove) struct scratch scratch = scratch_of(SPAN_LITERAL("x"));
	CLEANUP(snapshot_closep) struct snapshot *live = live_of(&scratch);
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_new(&header);
	const struct run_import whose = { .server = "SYNC02", .live = live };
	struct error err = { 0 };
	const struct fact *fact;
	size_t refusals;

	(void)state;
	add_json(history, "[" EXPORT_RUN "," EXPORT_STEP "]");
	join(history);
	assert_true(run_history_add_to(history, evidence, &whose, &refusals, &err));
	assert_int_equal(refusals, 1);
	assert_int_equal(evidence_count(evidence), 1);
	fact = evidence_fact(evidence, 0);
	assert_int_equal(fact->source, FROM_EXPORT_ERROR);
	assert_int_equal(fact->operation, FACT_NAMED);
	assert_string_equal(fact->attribute->name, "proxyAddresses");
	assert_string_equal(fact->attribute_name, "AttributeValueMustBeUnique");
	assert_true(fact->new_known);
	assert_true(span_is(fact->new_value, "\"SMTP:a@contoso.com\"") ||
		span_is(fact->new_value, "[\"SMTP:a@contoso.com\"]"));
	assert_string_equal(fact->who->server, "SYNC02");
	assert_non_null(strstr(fact->reference, "CN={6E69}"));
}

/* Its DN in the connector space holds its source anchor, which the live snapshot has. */
static void a_refused_object_is_found_by_its_name_in_the_connector_space(void **state)
{
	CLEANUP(scratch_remove) struct scratch scratch = scratch_of(SPAN_LITERAL("x"));
	CLEANUP(snapshot_closep) struct snapshot *live = live_of(&scratch);
	CLEANUP(space_ids_freep) struct space_ids *ids = space_ids_new(live);
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_new(&header);
	const struct run_import whose = { .server = "SYNC02", .live = live, .ids = ids };
	struct error err = { 0 };
	size_t refusals;

	(void)state;
	add_json(history,
		"[" EXPORT_RUN ",{\"RunHistoryId\":\"" RUN_ID(
			"17") "\",\"StepNumber\":1,"
			      "\"SyncErrors\":{\"SyncErrorsXml\":\"<synchronization-errors><export-error "
			      "dn='CN={6E696F6350333162594579614867314C6279364D45513D3D}'>"
			      "<date-occurred>2026-03-02 06:16:00.100</date-occurred>"
			      "<error-type>InvalidSoftMatch</error-type></export-error>"
			      "<export-error dn='CN={6E69}'><date-occurred>2026-03-02 06:16:00.100"
			      "</date-occurred></export-error></synchronization-errors>\"}}]");
	join(history);
	assert_true(run_history_add_to(history, evidence, &whose, &refusals, &err));
	assert_int_equal(refusals, 1);
	assert_string_equal(evidence_fact(evidence, 0)->id, "7f3a1c52-8e0b-4d9e-b6a4-2c9f10d7e835");
	assert_string_equal(evidence_fact(evidence, 0)->attribute_name, "InvalidSoftMatch");
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void files_of_two_servers_are_not_mixed(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	struct error err = { 0 };

	(void)state;
	add_json(history,
		"[" RUN_OF(RUN_ID("01"), ENTRA_CONNECTOR, "1", "Export", "success") "," RUN_OF(
			RUN_ID("02"), ENTRA_CONNECTOR, "1", "Export", "success") "]");
	assert_false(run_history_join(history, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "files of two servers"));
}

static void what_is_no_history_is_refused_with_its_place(void **state)
{
	(void)state;
	assert_json_refused("[\n {\"SyncCycleEnabled\":true}]",
		": line 2, byte 3: no RunHistoryId: this is not from Get-ADSyncRunProfileResult, nor "
		"from Get-ADSyncRunStepResult");
	assert_json_refused("[\n{\"RunHistoryId\":\"x\"}]",
		": line 2, byte 2: RunHistoryId: 'x' is not what belongs there");
	assert_json_refused("{\"RunHistoryId\":\"" RUN_ID("01") "\",\"RunNumber\":\"1\"}",
		": line 1, byte 0: RunNumber: a value of the wrong type");
	assert_json_refused("{\"RunHistoryId\":\"" RUN_ID("01") "\",\"StartDate\":\"03/02/2026\"}",
		": line 1, byte 0: StartDate: '03/02/2026' is not what belongs there");
	assert_json_refused("{\"RunHistoryId\":\"" RUN_ID("01") "\",\"RunNumber\":-1}",
		": line 1, byte 0: RunNumber: '-1' is not what belongs there");
	assert_json_refused(
		"{\"RunHistoryId\":\"" RUN_ID("01") "\",\"StepNumber\":1,\"StepXml\":\"<a\"}",
		": line 1, byte 0: <step>StepXml</step>: line 1, byte 8: not well-formed (invalid token)");
	assert_refused(run_history_add_xml, SPAN_LITERAL("<Objs/>"),
		": line 1, byte 0: 'Objs': no run history (run-history) and no list of errors "
		"(synchronization-errors)");
	assert_refused(run_history_add_xml,
		SPAN_LITERAL("<run-history>\n<run-details></run-details></run-history>"),
		": line 2, byte 27: a run without ma-id or without run-number");
}

static void brackets_and_commas_are_where_they_belong(void **state)
{
	(void)state;
	assert_json_refused("[{\"RunHistoryId\":\"" RUN_ID("01") "\"}\n,]",
		": line 2, byte 58: this is not what ConvertTo-Json writes here");
	assert_json_refused("[{\"RunHistoryId\":\"" RUN_ID("01") "\"} {}]",
		": line 1, byte 57: this is not what ConvertTo-Json writes here");
	assert_json_refused("[{\"RunHistoryId\":\"" RUN_ID("01") "\"}",
		": line 1, byte 56: the file ends before its list does; copy it again");
	assert_json_refused("[{\"RunHistoryId\":\"" RUN_ID("01"),
		": line 1, byte 1: the file ends in the middle of this record; copy it again");
	assert_json_refused("RunHistoryId : 1",
		": line 1, byte 0: this is not what ConvertTo-Json writes here");
	assert_json_refused("{\"value\":[1],\"Count\":1}",
		": line 1, byte 23: \"value\" has something that is no record");
}

static void half_a_character_is_refused_with_its_byte(void **state)
{
	(void)state;
	assert_json_refused("[\n\xff]", ": byte 2: not UTF-8; is the file complete?");
	assert_refused(run_history_add_json, (struct span){ "\xff\xfe[\0]", 5 },
		": byte 4: half a unit of UTF-16; is the file complete?");
	assert_refused(run_history_add_json, (struct span){ "\xff\xfe[\0\x3d\xd8", 6 },
		": byte 4: half a character of UTF-16; is the file complete?");
}

static void what_is_cut_off_anywhere_is_refused(void **state)
{
	static const char json[] = "[" EXPORT_RUN "," EXPORT_STEP "]";

	(void)state;
	for (size_t length = 1; length < sizeof(json) - 1; length += 7) {
		CLEANUP(scratch_remove)
		struct scratch scratch = scratch_of((struct span){ json, length });
		CLEANUP(run_history_freep) struct run_history *history = run_history_new();
		struct error err = { 0 };

		assert_false(run_history_add_json(history, scratch.path, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
	}
}

static void a_file_that_is_not_there_is_an_error_of_the_system(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	struct error err = { 0 };

	(void)state;
	assert_false(run_history_add_json(history, "/nowhere/runs.json", &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	err = (struct error){ 0 };
	assert_false(run_history_add_json(history, "/dev/null", &err));
	assert_string_equal(err.text, "/dev/null: is no regular file");
}

static void a_history_of_many_runs_is_read(void **state)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(FILE_MAX);

	(void)state;
	buf_add_text(&text, "[");
	for (unsigned i = 1; i <= 4000; i++)
		buf_addf(&text,
			"%s\r\n{\"RunHistoryId\":\"0c5b7d1e-0000-4000-8000-%012u\",\"ConnectorId\":"
			"\"" ENTRA "\",\"RunNumber\":%u,\"RunProfileName\":\"Export\"}",
			i > 1 ? "," : "", i, i);
	buf_add_text(&text, "]");
	add(history, run_history_add_json, buf_span(&text));
	join(history);
	assert_int_equal(run_history_summary(history)->runs, 4000);
	assert_int_equal(run_history_summary(history)->uncounted, 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_and_their_steps_are_joined_whichever_file_comes_first),
		cmocka_unit_test(steps_inside_of_their_run_are_the_same),
		cmocka_unit_test(wmis_xml_says_the_same_also_beside_the_json),
		cmocka_unit_test(out_files_utf_16_is_read_in_either_order),
		cmocka_unit_test(one_object_several_and_powershells_wrapped_list_are_records),
		cmocka_unit_test(a_date_with_notes_tied_to_it_is_a_date),
		cmocka_unit_test(what_did_not_start_and_what_sent_nothing_wrote_nothing),
		cmocka_unit_test(an_export_whose_steps_are_missing_may_have_written_anything),
		cmocka_unit_test(counters_that_are_not_all_there_count_nothing),
		cmocka_unit_test(an_export_to_active_directory_is_not_one_to_entra),
		cmocka_unit_test(numbers_that_no_file_has_are_told),
		cmocka_unit_test(what_convertto_json_cut_off_is_counted),
		cmocka_unit_test(a_change_that_did_not_come_back_names_its_attribute),
		cmocka_unit_test(of_a_long_text_the_beginning_is_kept_and_the_conflict_found),
		cmocka_unit_test(what_has_to_be_explained_becomes_evidence),
		cmocka_unit_test(a_refusal_of_an_object_that_is_known_is_a_fact),
		cmocka_unit_test(a_refused_object_is_found_by_its_name_in_the_connector_space),
		cmocka_unit_test(elements_that_are_only_alike_are_passed_over),
		cmocka_unit_test(files_of_two_servers_are_not_mixed),
		cmocka_unit_test(what_is_no_history_is_refused_with_its_place),
		cmocka_unit_test(brackets_and_commas_are_where_they_belong),
		cmocka_unit_test(half_a_character_is_refused_with_its_byte),
		cmocka_unit_test(what_is_cut_off_anywhere_is_refused),
		cmocka_unit_test(a_file_that_is_not_there_is_an_error_of_the_system),
		cmocka_unit_test(a_history_of_many_runs_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
