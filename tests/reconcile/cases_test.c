/*
 * Every folder below tests/data/reconcile is one case and its name is what it shows:
 *
 *	case.json       {"staging":…, "production":…, "from":…, "until":…, "marker":…,
 *	                "markerValue":…}, or {"evidence":false}
 *	                or {"base":"audit", …}: there is no base.jsonl, the base is made of the evidence
 *	base.jsonl      {"tenant":…,"takenFrom":…,"takenUntil":…}, then objects as Graph gives
 *	                them, with "kind", and where needed "deleted", "unknown", "members"
 *	                and "owners"
 *	live.jsonl      the same
 *	audits.jsonl    records of the directory audit log
 *	files.jsonl     may be missing: what servers' files told, lines of facts and runs as in
 *	                evidence; the files themselves are "sources" of case.json, as in a header.
 *	                Without "from" and "until" there was no audit log
 *	decisions.jsonl may be missing: what people decided. "effects" of case.json: what became of
 *	                each line
 *	expected.jsonl  the findings, all of them and in order; a key that is not there is
 *	                not compared
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

enum { CASE_FILE_MAX = 1 << 20, LINES_MAX = 64, CASES_MIN = 180 };

static const char cases_folder[] = TEST_DATA "/reconcile";

/* A file of JSON lines, taken apart. */
struct lines {
	struct buf text;
	struct span at[LINES_MAX];
	size_t count;
};

struct scene {
	struct lines base, live, audits, files, expected;
	struct buf settings;
	json_t *options;
	struct decisions *decisions; /* NULL: there are none */
	struct snapshot *base_snapshot, *live_snapshot;
};

static char work_folder[] = "/tmp/unstage-cases-XXXXXX";

static void lines_read(struct lines *lines, const char *folder, const char *name)
{
	struct error err = { 0 };
	CLEANUP(memory_freep) char *path = file_path(folder, name);
	const char *at, *end;

	*lines = (struct lines){ .text = BUF_UP_TO(CASE_FILE_MAX) };
	if (!file_load(path, CASE_FILE_MAX, &lines->text, &err))
		fail_msg("%s", err.text);
	at = buf_text(&lines->text);
	end = at + lines->text.length;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		assert_non_null(newline);
		assert_true(lines->count < LINES_MAX);
		lines->at[lines->count++] = (struct span){ at, (size_t)(newline - at) };
		at = newline + 1;
	}
}

static void lines_read_where_there(struct lines *lines, const char *folder, const char *name)
{
	CLEANUP(memory_freep) char *path = file_path(folder, name);

	*lines = (struct lines){ 0 };
	if (access(path, F_OK) == 0)
		lines_read(lines, folder, name);
}

static json_t *parsed(struct span line)
{
	struct error err = { 0 };
	json_t *json = json_parse(line, CASE_FILE_MAX, &err);

	if (!json)
		fail_msg("%.*s: %s", SPAN_FORMAT(line), err.text);
	return json;
}

static int64_t instant(const json_t *object, const char *key)
{
	int64_t ms = 0;

	if (!time_parse(span_of(json_text_or_null(object, key)), &ms))
		fail_msg("%s: not an instant", key);
	return ms;
}

/* ---- snapshots of a case -------------------------------------------------------------------- */

static void add_relation(struct buf *lines, struct span id, const char *name, json_t *ids)
{
	struct error err = { 0 };
	struct span spans[LINES_MAX];
	size_t i, count = 0;
	json_t *member;

	json_array_foreach(ids, i, member) spans[count++] = span_of(json_string_value(member));
	if (count && !line_add_parts(lines, id, name, spans, count, &err))
		fail_msg("%s: %s", name, err.text);
}

static void add_object(struct snapshot_writer *writer, struct span line)
{
	struct error err = { 0 };
	CLEANUP(json_freep) json_t *json = parsed(line);
	CLEANUP(json_freep) json_t *members = json_incref(json_object_get(json, "members"));
	CLEANUP(json_freep) json_t *owners = json_incref(json_object_get(json, "owners"));
	CLEANUP(json_freep) json_t *unknown = json_incref(json_object_get(json, "unknown"));
	CLEANUP(json_freep) json_t *deleted = json_incref(json_object_get(json, "deleted"));
	CLEANUP(buf_release) struct buf graph = BUF_UP_TO(CASE_FILE_MAX);
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(CASE_FILE_MAX);
	const struct kind *kind = kind_find(span_of(json_text_or_null(json, "kind")));
	struct span id = span_of(json_text_or_null(json, "id")), names[LINES_MAX];
	size_t i, count = 0;
	json_t *name;

	assert_non_null(kind);
	json_array_foreach(unknown, i, name) names[count++] = span_of(json_string_value(name));
	json_object_del(json, "members");
	json_object_del(json, "owners");
	json_object_del(json, "unknown");
	json_object_del(json, "deleted");
	json_object_del(json, "kind");
	json_add(&graph, json);
	if (!line_add_object(
		    &lines, kind, buf_span(&graph), json_is_true(deleted), names, count, &err))
		fail_msg("%.*s: %s", SPAN_FORMAT(line), err.text);
	buf_add_byte(&lines, '\n');
	add_relation(&lines, id, "members", members);
	add_relation(&lines, id, "owners", owners);
	if (!snapshot_writer_add(writer, buf_span(&lines), &err))
		fail_msg("%s", err.text);
}

/* "extensions" of a snapshot's first line: those of users that were asked for. */
static void follow_extensions(struct snapshot_writer *writer, const json_t *names)
{
	const struct attribute *asked[LINES_MAX];
	struct error err = { 0 };
	size_t i, count = 0;
	const json_t *name;

	json_array_foreach(names, i, name) asked[count++] = attribute_find(
		kind_get(KIND_USER), span_of(json_string_value(name)));
	if (!snapshot_writer_set_extensions(writer, KIND_USER, asked, count, &err))
		fail_msg("%s", err.text);
}

static struct snapshot *snapshot_of(const struct lines *lines, const char *name)
{
	struct error err = { 0 };
	CLEANUP(json_freep) json_t *first = parsed(lines->at[0]);
	CLEANUP(memory_freep) char *path = file_path(work_folder, name);
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = NULL;
	char tenant[64], cloud[] = "global", graph[] = "graph", csexport[] = SNAPSHOT_CSEXPORT;
	const char *source = json_text_or_null(first, "source");
	struct snapshot_header header = { .tenant = tenant,
		.cloud = cloud,
		.source = source && strcmp(source, csexport) == 0 ? csexport : graph };
	struct snapshot *snapshot;

	snprintf(tenant, sizeof(tenant), "%s", json_text_or_null(first, "tenant"));
	header.taken_from_ms = instant(first, "takenFrom");
	unlink(path);
	writer = snapshot_writer_open(path, &header, &err);
	if (!writer)
		fail_msg("%s", err.text);
	follow_extensions(writer, json_object_get(first, "extensions"));
	for (size_t i = 1; i < lines->count; i++)
		add_object(writer, lines->at[i]);
	if (!snapshot_writer_finish(TAKE(writer), instant(first, "takenUntil"), &err))
		fail_msg("%s", err.text);
	snapshot = snapshot_open(path, &err);
	if (!snapshot)
		fail_msg("%s", err.text);
	return snapshot;
}

/* ---- one case ------------------------------------------------------------------------------- */

static struct decisions *decisions_of(const char *folder)
{
	struct error err = { 0 };
	CLEANUP(memory_freep) char *path = file_path(folder, "decisions.jsonl");
	struct decisions *decisions = access(path, F_OK) == 0 ? decisions_load(path, &err) : NULL;

	if (err.kind)
		fail_msg("%s", err.text);
	return decisions;
}

static void scene_open(struct scene *scene, const char *folder)
{
	struct error err = { 0 };
	CLEANUP(memory_freep) char *settings = file_path(folder, "case.json");

	*scene = (struct scene){ .settings = BUF_UP_TO(CASE_FILE_MAX) };
	if (!file_load(settings, CASE_FILE_MAX, &scene->settings, &err))
		fail_msg("%s", err.text);
	scene->options = parsed(buf_span(&scene->settings));
	lines_read_where_there(&scene->base, folder, "base.jsonl");
	lines_read(&scene->live, folder, "live.jsonl");
	lines_read_where_there(&scene->audits, folder, "audits.jsonl");
	lines_read_where_there(&scene->files, folder, "files.jsonl");
	lines_read(&scene->expected, folder, "expected.jsonl");
	scene->decisions = decisions_of(folder);
	if (!json_object_get(scene->options, "base"))
		scene->base_snapshot = snapshot_of(&scene->base, "base");
	scene->live_snapshot = snapshot_of(&scene->live, "live");
}

static void scene_release(struct scene *scene)
{
	snapshot_close(scene->base_snapshot);
	snapshot_close(scene->live_snapshot);
	json_decref(scene->options);
	decisions_free(scene->decisions);
	buf_release(&scene->settings);
	buf_release(&scene->base.text);
	buf_release(&scene->live.text);
	buf_release(&scene->audits.text);
	buf_release(&scene->files.text);
	buf_release(&scene->expected.text);
}

/* What the servers' files told; in an order that follows from that of the records. */
static void add_files(struct evidence *evidence, const struct scene *scene, const size_t *order)
{
	struct error err = { 0 };

	if (json_object_get(scene->options, "sources") &&
		!evidence_read_sources(evidence, scene->options, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < scene->files.count; i++) {
		CLEANUP(json_freep)
		json_t *line = parsed(scene->files.at[(i + order[0]) % scene->files.count]);

		if (!evidence_read_line(evidence, line, &err))
			fail_msg("%s", err.text);
	}
}

/* The case's evidence; its records in the order that `order` gives. NULL: it has none. */
static struct evidence *evidence_of_scene(const struct scene *scene, const size_t *order)
{
	struct error err = { 0 };
	CLEANUP(json_freep) json_t *first = parsed(scene->live.at[0]);
	struct evidence_header header = { .collected_ms = instant(first, "takenUntil") };
	struct evidence *evidence;

	if (json_is_false(json_object_get(scene->options, "evidence")))
		return NULL;
	snprintf(header.tenant, sizeof(header.tenant), "%s", json_text_or_null(first, "tenant"));
	if (json_object_get(scene->options, "from")) {
		header.from_ms = instant(scene->options, "from");
		header.until_ms = instant(scene->options, "until");
	}
	evidence = evidence_new(&header);
	for (size_t i = 0; i < scene->audits.count; i++)
		if (!evidence_add_audit(evidence, scene->audits.at[order[i]], &err))
			fail_msg("%s", err.text);
	add_files(evidence, scene, order);
	return evidence;
}

static struct findings *findings_of_scene(const struct scene *scene, const size_t *order)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_of_scene(scene, order);
	struct reconcile_options options = {
		.base = scene->base_snapshot,
		.live = scene->live_snapshot,
		.evidence = evidence,
		.staging = json_text_or_null(scene->options, "staging"),
		.production = json_text_or_null(scene->options, "production"),
		.decisions = scene->decisions,
		.marker_name = json_text_or_null(scene->options, "marker"),
		.marker_value = json_text_or_null(scene->options, "markerValue"),
	};
	CLEANUP(snapshot_closep)
	struct snapshot *rebuilt = options.base ? NULL : base_rebuild(&options, &err);
	struct findings *findings;

	if (rebuilt)
		options.base = rebuilt;
	if (!options.base)
		fail_msg("%s", err.text);
	findings = findings_new(&options, &err);
	if (!findings)
		fail_msg("%s", err.text);
	return findings;
}

static bool same_member(const json_t *a, const json_t *b, const char *key)
{
	const json_t *left = json_object_get(a, key), *right = json_object_get(b, key);

	return !left == !right && (!left || json_equal(left, right));
}

/* All that is expected is there; what a finding is about is compared in any case. */
static bool is_expected(const json_t *finding, json_t *expected)
{
	const char *key;
	json_t *value;

	json_object_foreach(expected, key,
		value) if (!json_equal(json_object_get(finding, key), value)) return false;
	return same_member(finding, expected, "attribute") &&
		same_member(finding, expected, "element") && same_member(finding, expected, "next");
}

static size_t compare_with_expected(
	const char *name, const struct findings *findings, const struct lines *expected)
{
	size_t count = findings_count(findings), wrong = count != expected->count;

	if (wrong)
		print_error("%s: %zu findings, %zu expected\n", name, count, expected->count);
	for (size_t i = 0; i < count; i++) {
		CLEANUP(buf_release) struct buf line = BUF_UP_TO(CASE_FILE_MAX);
		CLEANUP(json_freep) json_t *finding = NULL;
		CLEANUP(json_freep)
		json_t *wanted = i < expected->count ? parsed(expected->at[i]) : NULL;

		finding_add_json(&line, findings_get(findings, i));
		finding = parsed(buf_span(&line));
		if (wanted && is_expected(finding, wanted))
			continue;
		print_error("%s: finding %zu is\n  %s\nexpected\n  %.*s\n", name, i,
			buf_text(&line),
			SPAN_FORMAT(wanted ? expected->at[i] : SPAN_LITERAL("nothing")));
		wrong++;
	}
	return wrong;
}

static size_t compare_effects(const char *name, const struct findings *findings, json_t *expected)
{
	size_t count, wrong;
	const struct decision_result *results = findings_decisions(findings, &count);

	wrong = count != json_array_size(expected);
	for (size_t i = 0; i < count && !wrong; i++) {
		const char *effect = decision_effect_name(results[i].effect);
		const char *wanted = json_string_value(json_array_get(expected, i));

		if (wanted && strcmp(effect, wanted) == 0)
			continue;
		print_error("%s: line %zu is %s (%s)\n", name, results[i].decision->line, effect,
			results[i].text ? results[i].text : "");
		wrong++;
	}
	return wrong;
}

/* ---- all cases ------------------------------------------------------------------------------ */

static int is_case(const struct dirent *entry)
{
	return !strchr(entry->d_name, '.'); /* nor is the README */
}

/* Calls `each` for every folder, in order of name, and adds up what it returns. */
static size_t each_case(size_t (*each)(const char *name, struct scene *scene), int *count)
{
	struct dirent **entries;
	size_t wrong = 0;

	*count = scandir(cases_folder, &entries, is_case, alphasort);
	assert_true(*count > 0);
	for (int i = 0; i < *count; i++) {
		CLEANUP(memory_freep) char *folder = file_path(cases_folder, entries[i]->d_name);
		CLEANUP(scene_release) struct scene scene;

		scene_open(&scene, folder);
		wrong += each(entries[i]->d_name, &scene);
		free(entries[i]);
	}
	free(entries);
	return wrong;
}

static void in_order(size_t order[static LINES_MAX])
{
	for (size_t i = 0; i < LINES_MAX; i++)
		order[i] = i;
}

static size_t check_findings(const char *name, struct scene *scene)
{
	size_t order[LINES_MAX];
	CLEANUP(findings_freep) struct findings *findings = NULL;

	in_order(order);
	findings = findings_of_scene(scene, order);
	return compare_with_expected(name, findings, &scene->expected) +
		compare_effects(name, findings, json_object_get(scene->options, "effects"));
}

static void every_case_gives_its_findings(void **state UNUSED)
{
	int count;

	assert_int_equal(each_case(check_findings, &count), 0);
	assert_true(count >= CASES_MIN);
}

/* A small generator, so that a failure repeats. */
static void shuffle(size_t *order, size_t count, uint64_t seed)
{
	for (size_t i = count; i > 1; i--) {
		size_t other;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		other = (size_t)(seed >> 33) % i;
		size_t kept = order[i - 1];
		order[i - 1] = order[other];
		order[other] = kept;
	}
}

static size_t check_shuffled(const char *name, struct scene *scene)
{
	CLEANUP(buf_release) struct buf first = BUF_UP_TO(CASE_FILE_MAX);
	size_t order[LINES_MAX], wrong = 0;

	in_order(order);
	for (uint64_t seed = 0; seed < 5; seed++) {
		CLEANUP(buf_release) struct buf again = BUF_UP_TO(CASE_FILE_MAX);
		CLEANUP(findings_freep) struct findings *findings = findings_of_scene(scene, order);

		findings_add_json(seed ? &again : &first, findings);
		if (seed && !span_equal(buf_span(&first), buf_span(&again))) {
			print_error("%s: seed %zu gives other findings\n", name, (size_t)seed);
			wrong++;
		}
		shuffle(order, scene->audits.count, seed);
	}
	return wrong;
}

static void the_order_of_records_changes_no_byte(void **state UNUSED)
{
	int count;

	assert_int_equal(each_case(check_shuffled, &count), 0);
}

/* ---- the findings as a whole, and what is refused ------------------------------------------- */

static void open_case(struct scene *scene, const char *name)
{
	CLEANUP(memory_freep) char *folder = file_path(cases_folder, name);

	scene_open(scene, folder);
}

static void the_summary_counts_what_staging_did(void **state UNUSED)
{
	CLEANUP(scene_release) struct scene scene;
	CLEANUP(findings_freep) struct findings *findings = NULL;
	const struct findings_summary *summary;
	size_t order[LINES_MAX];

	open_case(&scene, "an-added-primary-goes-and-the-old-one-is-primary-again");
	in_order(order);
	findings = findings_of_scene(&scene, order);
	summary = findings_summary(findings);
	assert_int_equal(summary->by_verdict[VERDICT_REVERT], 2);
	assert_int_equal(summary->by_door[DOOR_SYNC], 2);
	assert_int_equal(summary->objects, 1);
	assert_int_equal(summary->primary_changed, 1);
	assert_int_equal(summary->staging_facts, 1);
	assert_int_equal(summary->explained_facts, 1);
	assert_string_equal(summary->staging.server, "SYNC02");
}

static void an_export_run_is_explained_object_by_object(void **state UNUSED)
{
	CLEANUP(scene_release) struct scene scene;
	CLEANUP(findings_freep) struct findings *findings = NULL;
	const struct export_account *exports;
	size_t order[LINES_MAX], count;

	open_case(&scene, "an-export-that-says-more-than-is-known-of-it");
	in_order(order);
	findings = findings_of_scene(&scene, order);
	exports = findings_exports(findings, &count);
	assert_int_equal(count, 2); /* not AD's, not production's, none that sent nothing */
	assert_int_equal(exports[0].number, 17);
	assert_int_equal(exports[0].sent[ACCOUNT_UPDATES], 3);
	assert_int_equal(exports[0].found[ACCOUNT_UPDATES], 1);
	assert_int_equal(exports[0].sent[ACCOUNT_DELETES], 1);
	assert_int_equal(exports[0].found[ACCOUNT_DELETES], 0);
	assert_int_equal(exports[0].failures, 2);
	assert_int_equal(exports[1].number, 19); /* half a minute late by the service's clock */
	assert_int_equal(exports[1].found[ACCOUNT_UPDATES], 1);
	/* Two records tell of three values; the space tells one of them again. */
	assert_int_equal(findings_summary(findings)->staging_facts, 3);
}

static void what_only_its_stamp_explains_is_counted_beside_the_run(void **state UNUSED)
{
	CLEANUP(scene_release) struct scene scene;
	CLEANUP(findings_freep) struct findings *findings = NULL;
	CLEANUP(buf_release) struct buf end = BUF_UP_TO(CASE_FILE_MAX);
	const struct export_account *exports;
	size_t order[LINES_MAX], count;

	open_case(&scene, "stamped-while-production-is-known-to-have-sent-nothing-says-so");
	in_order(order);
	findings = findings_of_scene(&scene, order);
	exports = findings_exports(findings, &count);
	assert_int_equal(count, 1);
	assert_int_equal(exports[0].sent[ACCOUNT_UPDATES], 2);
	assert_int_equal(exports[0].found[ACCOUNT_UPDATES], 1);
	assert_int_equal(exports[0].object_only, 1);
	assert_int_equal(findings_summary(findings)->object_only, 1);
	findings_end_json(&end, findings);
	assert_non_null(strstr(buf_text(&end), "\"objectOnly\":1,\"run\":17"));
	assert_non_null(strstr(buf_text(&end), "],\"objectOnly\":1"));
}

static void a_forecast_is_counted_and_told_by_weight(void **state UNUSED)
{
	CLEANUP(scene_release) struct scene scene;
	CLEANUP(findings_freep) struct findings *findings = NULL;
	const struct findings_summary *summary;
	size_t order[LINES_MAX];

	open_case(&scene, "an-export-that-says-more-than-is-known-of-it");
	in_order(order);
	findings = findings_of_scene(&scene, order);
	summary = findings_summary(findings);
	assert_int_equal(summary->forecast_facts, 3);
	assert_int_equal(summary->forecast_listed, 3);
	assert_int_equal(summary->forecasts[0].operation, FACT_DELETE);
	assert_string_equal(summary->forecasts[1].attribute->name, "userPrincipalName");
	assert_true(span_is(summary->forecasts[2].value, "\"Clerk\""));
	assert_int_equal(summary->by_verdict[VERDICT_REVERT], 3);
}

static void a_write_to_an_object_that_nobody_knows_is_not_explained(void **state UNUSED)
{
	CLEANUP(scene_release) struct scene scene;
	CLEANUP(findings_freep) struct findings *findings = NULL;
	size_t order[LINES_MAX];

	open_case(&scene, "drift-without-staging");
	in_order(order);
	findings = findings_of_scene(&scene, order);
	assert_int_equal(findings_summary(findings)->staging_facts, 1);
	assert_int_equal(findings_summary(findings)->explained_facts, 0);
}

static void findings_are_lines_with_a_header_and_a_counting_trailer(void **state UNUSED)
{
	CLEANUP(scene_release) struct scene scene;
	CLEANUP(findings_freep) struct findings *findings = NULL;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(CASE_FILE_MAX);
	CLEANUP(json_freep) json_t *first = NULL;
	CLEANUP(json_freep) json_t *last = NULL;
	const char *line, *end;
	size_t order[LINES_MAX];

	open_case(&scene, "a-value-written-by-staging-goes-back");
	in_order(order);
	findings = findings_of_scene(&scene, order);
	findings_add_json(&text, findings);
	line = buf_text(&text);
	end = strchr(line, '\n');
	first = parsed((struct span){ line, (size_t)(end - line) });
	assert_string_equal(json_text_or_null(first, "format"), "unstage-findings/1");
	assert_string_equal(
		json_text_or_null(first, "base"), snapshot_identity(scene.base_snapshot));
	line = strchr(end + 1, '\n') + 1;
	last = parsed((struct span){ line, strlen(line) - 1 });
	assert_true(json_is_true(json_object_get(last, "end")));
	assert_int_equal(json_integer_value(json_object_get(last, "findings")), 1);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(last, "verdicts"), "revert")),
		1);
}

/* Reconciles the case with another `staging` or tenant and expects a refusal. */
static void expect_refusal(const char *staging, const char *production, const char *tenant,
	enum error_kind kind, const char *part)
{
	struct error err = { 0 };
	CLEANUP(scene_release) struct scene scene;
	CLEANUP(evidence_freep) struct evidence *evidence = NULL;
	CLEANUP(findings_freep) struct findings *findings = NULL;
	struct evidence_header header;
	struct reconcile_options options;

	open_case(&scene, "a-value-written-by-staging-goes-back");
	header = (struct evidence_header){ .from_ms = 0, .until_ms = INT64_MAX };
	snprintf(header.tenant, sizeof(header.tenant), "%s", tenant);
	evidence = evidence_new(&header);
	assert_true(evidence_add_audit(evidence, scene.audits.at[0], &err));
	options = (struct reconcile_options){ .base = scene.base_snapshot,
		.live = scene.live_snapshot,
		.evidence = evidence,
		.staging = staging,
		.production = production };
	findings = findings_new(&options, &err);
	assert_null(findings);
	assert_int_equal(err.kind, kind);
	assert_non_null(strstr(err.text, part));
}

#define TENANT "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"

static void a_staging_server_that_wrote_nothing_is_a_usage_error_that_lists_those_that_did(
	void **state UNUSED)
{
	expect_refusal("SYNC09", NULL, TENANT, ERROR_USAGE, "SYNC02 (Sync_SYNC02_7be1c04d9a31@");
	expect_refusal("", NULL, TENANT, ERROR_USAGE, "SYNC02");
}

static void production_and_staging_can_not_be_the_same(void **state UNUSED)
{
	expect_refusal("SYNC02", "sync02", TENANT, ERROR_USAGE, "as production and as staging");
}

static void evidence_of_another_tenant_is_refused(void **state UNUSED)
{
	expect_refusal("SYNC02", NULL, "00000000-4a0d-4f3e-9b61-2f8d5c6a1e30", ERROR_REFUSED,
		"of tenant 00000000");
}

static int make_work_folder(void **state UNUSED)
{
	return mkdtemp(work_folder) ? 0 : -1;
}

static int remove_work_folder(void **state UNUSED)
{
	CLEANUP(memory_freep) char *base = file_path(work_folder, "base");
	CLEANUP(memory_freep) char *live = file_path(work_folder, "live");

	unlink(base);
	unlink(live);
	return rmdir(work_folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_gives_its_findings),
		cmocka_unit_test(the_order_of_records_changes_no_byte),
		cmocka_unit_test(the_summary_counts_what_staging_did),
		cmocka_unit_test(an_export_run_is_explained_object_by_object),
		cmocka_unit_test(what_only_its_stamp_explains_is_counted_beside_the_run),
		cmocka_unit_test(a_forecast_is_counted_and_told_by_weight),
		cmocka_unit_test(a_write_to_an_object_that_nobody_knows_is_not_explained),
		cmocka_unit_test(findings_are_lines_with_a_header_and_a_counting_trailer),
		cmocka_unit_test(
			a_staging_server_that_wrote_nothing_is_a_usage_error_that_lists_those_that_did),
		cmocka_unit_test(production_and_staging_can_not_be_the_same),
		cmocka_unit_test(evidence_of_another_tenant_is_refused),
	};

	return cmocka_run_group_tests(tests, make_work_folder, remove_work_folder);
}
