/*
 * What a line makes of a verdict: the whole table, and everything that takes away from it. Findings are made
 * by hand here; whole comparisons with decisions are cases (tests/data/reconcile/decided-…).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/memory.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

enum { FILE_MAX = 1 << 16 };

#define NOW_MS INT64_C(1772626200000) /* 2026-03-04T12:10:00Z */
#define ADA    "c1d7e7a2-3b55-4a8e-b7be-000000000001"
#define HEADER                                                                                     \
	"{\"format\":\"unstage-decisions/1\",\"tenant\":\"7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30\"}\n"
#define PLACE "\"id\":\"" ADA "\",\"attribute\":\"department\""
#define LINE(decision, rest)                                                                       \
	"{\"decision\":\"" decision "\"," rest ",\"because\":\"x\",\"by\":\"ada\"}\n"
#define REVERT(live, before) LINE("revert", PLACE ",\"live\":" live ",\"before\":" before)
#define KEEP(until)          LINE("keep", PLACE ",\"until\":\"" until "\"")

/* ---- the table ---------------------------------------------------------------------------- */

/* As reconcile.h and the page say it: rows are decisions, a column for each verdict. */
static const char *const table[DECISION_KIND_COUNT][VERDICT_COUNT] = {
	[DECISION_BASE_IS_BEFORE] = { [VERDICT_SUSPECT] = "revert healed" },
	[DECISION_REVERT] = { [VERDICT_CONTESTED] = "revert",
		[VERDICT_SUSPECT] = "revert",
		[VERDICT_DRIFT] = "revert" },
	[DECISION_KEEP] = { [VERDICT_REVERT] = "kept",
		[VERDICT_CONTESTED] = "kept",
		[VERDICT_SUSPECT] = "kept",
		[VERDICT_DRIFT] = "kept",
		[VERDICT_BLOCKED] = "kept" },
};

static void a_line_may_do_what_the_table_says_and_nothing_else(void **state UNUSED)
{
	size_t may = 0;

	for (enum decision_kind kind = 0; kind < DECISION_KIND_COUNT; kind++)
		for (enum verdict from = 0; from < VERDICT_COUNT; from++)
			for (enum verdict to = 0; to < VERDICT_COUNT; to++) {
				const char *cell = table[kind][from];
				bool expected = cell && strstr(cell, verdict_name(to));

				assert_int_equal(decision_allows(kind, from, to), expected);
				may += expected;
			}
	assert_int_equal(may, 10);
}

/* ---- one finding and the lines of one file -------------------------------------------------- */

struct scene {
	struct decisions *decisions;
	struct findings *findings;
	struct finding finding;
};

#define KNOWN(text) ((struct known_value){ true, SPAN_LITERAL(text) })

static struct finding sample(enum verdict verdict)
{
	const struct kind *kind = kind_get(KIND_USER);

	return (struct finding){
		.verdict = verdict,
		.change = CHANGE_VALUE,
		.kind = kind,
		.id = SPAN_LITERAL(ADA),
		.attribute = attribute_find(kind, SPAN_LITERAL("department")),
		.base = KNOWN("\"A\""),
		.staging = KNOWN("\"X\""),
		.live = KNOWN("\"X\""),
		.last_write_ms = TIME_NONE,
		.staging_write_ms = TIME_NONE,
		.reason = "seen",
		.way = DOOR_SYNC,
	};
}

static void scene_open(struct scene *scene, struct finding finding, const char *lines)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	struct error err = { 0 };

	buf_addf(&file, "%s%s", HEADER, lines);
	*scene = (struct scene){ .finding = finding };
	scene->decisions = decisions_parse(buf_span(&file), "decisions.jsonl", &err);
	if (!scene->decisions)
		fail_msg("%s", err.text);
	scene->findings = findings_empty_new();
	scene->findings->tenant = "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30";
	scene->findings->decisions = scene->decisions;
	scene->findings->deciding = deciding_new(scene->decisions, NOW_MS);
	finding_mark(&scene->finding, scene->findings->tenant);
	finding_decide(scene->findings, &scene->finding);
}

static void scene_release(struct scene *scene)
{
	findings_free(scene->findings);
	decisions_free(scene->decisions);
}

static const struct decision_result *result_of(const struct scene *scene, size_t line)
{
	size_t count;

	return &findings_decisions(scene->findings, &count)[line - 2];
}

/* The line has no effect, and nothing of the finding has changed. */
static void expect_untouched(struct finding finding, const char *lines, const char *effect)
{
	CLEANUP(scene_release) struct scene scene;
	struct error err = { 0 };
	bool stops = strcmp(effect, "needless") != 0 && strcmp(effect, "expired") != 0;

	scene_open(&scene, finding, lines);
	assert_string_equal(decision_effect_name(result_of(&scene, 2)->effect), effect);
	assert_non_null(result_of(&scene, 2)->text);
	assert_int_equal(result_of(&scene, 2)->findings, 0);
	assert_int_equal(scene.finding.verdict, finding.verdict);
	assert_int_equal(scene.finding.door, finding.door);
	assert_int_equal(scene.finding.before.known, finding.before.known);
	assert_null(scene.finding.decision);
	assert_string_equal(scene.finding.reason, finding.reason);
	/* Who plans is refused, unless the line is only over, or not needed. */
	assert_int_equal(findings_check_decisions(scene.findings, &err), !stops);
	assert_int_equal(err.kind, stops ? ERROR_REFUSED : ERROR_NONE);
	if (stops)
		assert_non_null(strstr(err.text, result_of(&scene, 2)->text));
}

static void expect_decided(struct finding finding, const char *lines, enum verdict verdict)
{
	CLEANUP(scene_release) struct scene scene;
	struct error err = { 0 };

	scene_open(&scene, finding, lines);
	if (scene.finding.verdict != verdict)
		fail_msg("%s: %s", verdict_name(scene.finding.verdict), result_of(&scene, 2)->text);
	assert_int_equal(scene.finding.undecided, finding.verdict);
	assert_int_equal(scene.finding.decision->line, 2);
	assert_int_equal(scene.finding.door, verdict == VERDICT_REVERT ? finding.way : DOOR_NONE);
	assert_non_null(strstr(scene.finding.reason, "seen; line 2 of the decisions (ada) "));
	assert_non_null(strstr(scene.finding.reason, ": x"));
	assert_string_equal(decision_effect_name(result_of(&scene, 2)->effect), "applied");
	assert_true(findings_check_decisions(scene.findings, &err));
}

/* Every verdict meets every decision that names a finding: as the table says. */
static void each_verdict_meets_each_decision(void **state UNUSED)
{
	for (enum verdict verdict = 0; verdict < VERDICT_KEPT; verdict++) {
		if (table[DECISION_KEEP][verdict])
			expect_decided(sample(verdict), KEEP("2026-06-01"), VERDICT_KEPT);
		else
			expect_untouched(sample(verdict), KEEP("2026-06-01"), "needless");
		if (table[DECISION_REVERT][verdict])
			expect_decided(sample(verdict), REVERT("\"X\"", "\"A\""), VERDICT_REVERT);
		else
			expect_untouched(sample(verdict), REVERT("\"X\"", "\"A\""),
				verdict == VERDICT_REVERT ? "mismatched" : "powerless");
	}
}

static void what_comes_back_is_what_is_proved_or_else_the_base(void **state UNUSED)
{
	struct finding finding = sample(VERDICT_CONTESTED);

	finding.before = KNOWN("\"B\"");
	expect_decided(finding, REVERT("\"X\"", "\"B\""), VERDICT_REVERT);
	expect_untouched(finding, REVERT("\"X\"", "\"A\""), "mismatched");
	expect_untouched(sample(VERDICT_CONTESTED), REVERT("\"X\"", "\"B\""), "mismatched");
	expect_untouched(sample(VERDICT_CONTESTED), REVERT("\"X\"", "null"), "mismatched");
	finding = sample(VERDICT_DRIFT);
	finding.base = (struct known_value){ .known = true };
	expect_decided(finding, REVERT("\"X\"", "null"), VERDICT_REVERT);
}

static void what_is_not_known_does_not_come_back(void **state UNUSED)
{
	struct finding finding = sample(VERDICT_DRIFT);

	finding.base = (struct known_value){ 0 };
	expect_untouched(finding, REVERT("\"X\"", "\"A\""), "mismatched");
	expect_untouched(finding, REVERT("\"X\"", "null"), "mismatched");
}

static void a_line_is_about_the_live_value_that_it_names(void **state UNUSED)
{
	struct finding finding = sample(VERDICT_SUSPECT);

	expect_untouched(finding, REVERT("\"x\"", "\"A\""), "mismatched");
	expect_untouched(finding, REVERT("null", "\"A\""), "mismatched");
	finding.live = (struct known_value){ .known = true };
	finding.staging = finding.live;
	expect_decided(finding, REVERT("null", "\"A\""), VERDICT_REVERT);
	finding.live = (struct known_value){ 0 };
	expect_untouched(finding, REVERT("null", "\"A\""), "mismatched");
}

static void a_suspect_value_that_staging_did_not_write_stays(void **state UNUSED)
{
	struct finding finding = sample(VERDICT_SUSPECT);

	finding.staging = KNOWN("\"Y\"");
	expect_untouched(finding, REVERT("\"X\"", "\"A\""), "powerless");
	finding.staging = (struct known_value){ 0 };
	expect_decided(finding, REVERT("\"X\"", "\"A\""), VERDICT_REVERT);
}

static void without_a_way_back_no_line_finds_one(void **state UNUSED)
{
	struct finding finding = sample(VERDICT_SUSPECT);

	finding.way = DOOR_NONE;
	expect_untouched(finding, REVERT("\"X\"", "\"A\""), "powerless");
	expect_decided(finding, KEEP("2026-06-01"), VERDICT_KEPT);
}

static void a_keep_holds_until_the_live_snapshot_is_as_late_as_its_date(void **state UNUSED)
{
	expect_decided(sample(VERDICT_REVERT), KEEP("2026-03-04T12:10:00.001Z"), VERDICT_KEPT);
	expect_untouched(sample(VERDICT_REVERT), KEEP("2026-03-04T12:10:00Z"), "expired");
	expect_untouched(sample(VERDICT_DRIFT), KEEP("2026-03-04"), "expired");
}

static struct finding sample_address(const char *base)
{
	struct finding finding = sample(VERDICT_SUSPECT);

	finding.change = CHANGE_ELEMENT;
	finding.attribute = attribute_find(finding.kind, SPAN_LITERAL("proxyAddresses"));
	finding.element = SPAN_LITERAL("smtp:a@contoso.com");
	finding.base = (struct known_value){ true, span_of(base) };
	finding.live = finding.staging = (struct known_value){ .known = true };
	return finding;
}

#define REVERT_ADDRESS(before)                                                                     \
	LINE("revert",                                                                             \
		"\"id\":\"" ADA "\",\"attribute\":\"proxyAddresses\",\"element\":"                 \
		"\"smtp:a@contoso.com\",\"live\":null,\"before\":" before)

static void no_line_makes_an_address_the_primary_one(void **state UNUSED)
{
	expect_decided(sample_address("\"SMTP:a@contoso.com\""),
		REVERT_ADDRESS("\"smtp:a@contoso.com\""), VERDICT_REVERT);
	expect_untouched(sample_address("\"SMTP:a@contoso.com\""),
		REVERT_ADDRESS("\"SMTP:a@contoso.com\""), "mismatched");
	expect_decided(sample_address("\"smtp:A@contoso.com\""),
		REVERT_ADDRESS("\"smtp:A@contoso.com\""), VERDICT_REVERT);
}

static void a_line_with_values_is_not_about_an_object(void **state UNUSED)
{
	struct finding finding = sample(VERDICT_SUSPECT);
	char line[512], digits[2 * FINGERPRINT_BYTES + 1];
	CLEANUP(buf_release) struct buf hex = BUF_UP_TO(sizeof(digits));

	finding.change = CHANGE_DELETED;
	finding.attribute = NULL;
	finding.base = finding.live = finding.staging = (struct known_value){ 0 };
	expect_decided(finding, LINE("revert", "\"id\":\"" ADA "\",\"change\":\"deleted\""),
		VERDICT_REVERT);
	finding_mark(&finding, "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30");
	buf_add_hex(&hex, finding.fingerprint, FINGERPRINT_BYTES);
	snprintf(line, sizeof(line),
		LINE("revert", "\"fingerprint\":\"%s\",\"live\":null,\"before\":1"),
		buf_text(&hex));
	expect_untouched(finding, line, "mismatched");
}

/* ---- several lines ---------------------------------------------------------------------------- */

static void by_fingerprint_it_is_the_same_finding(void **state UNUSED)
{
	struct finding finding = sample(VERDICT_CONTESTED);
	CLEANUP(buf_release) struct buf hex = BUF_UP_TO(2 * FINGERPRINT_BYTES);
	CLEANUP(scene_release) struct scene scene;
	char lines[1024];

	finding_mark(&finding, "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30");
	buf_add_hex(&hex, finding.fingerprint, FINGERPRINT_BYTES);
	snprintf(lines, sizeof(lines),
		LINE("revert", "\"fingerprint\":\"%s\",\"live\":\"X\",\"before\":\"A\""),
		buf_text(&hex));
	expect_decided(finding, lines, VERDICT_REVERT);
	/* That alone does not say what it was decided about, for who reviews it. */
	snprintf(lines, sizeof(lines), LINE("revert", "\"fingerprint\":\"%s\""), buf_text(&hex));
	expect_untouched(finding, lines, "mismatched");
	/* Said twice, by both names: neither is followed. */
	snprintf(lines, sizeof(lines),
		LINE("keep", "\"fingerprint\":\"%s\",\"until\":\"2026-06-01\"")
			REVERT("\"X\"", "\"A\""),
		buf_text(&hex));
	expect_untouched(finding, lines, "contradicted");
	/* One that is over contradicts nothing. */
	snprintf(lines, sizeof(lines),
		REVERT("\"X\"", "\"A\"")
			LINE("keep", "\"fingerprint\":\"%s\",\"until\":\"2026-03-01\""),
		buf_text(&hex));
	expect_decided(finding, lines, VERDICT_REVERT);
	finding.live = KNOWN("\"Z\"");
	scene_open(&scene, finding, lines);
	assert_int_equal(scene.finding.verdict, VERDICT_CONTESTED);
}

static void a_finding_that_no_line_names_is_left_alone(void **state UNUSED)
{
	struct finding finding = sample(VERDICT_SUSPECT);

	finding.id = SPAN_LITERAL("c1d7e7a2-3b55-4a8e-b7be-000000000002");
	expect_untouched(finding, REVERT("\"X\"", "\"A\""), "unmatched");
	finding = sample(VERDICT_SUSPECT);
	finding.attribute = attribute_find(finding.kind, SPAN_LITERAL("jobTitle"));
	expect_untouched(finding, KEEP("2026-06-01"), "unmatched");
	finding = sample_address("\"smtp:a@contoso.com\"");
	finding.element = SPAN_LITERAL("smtp:b@contoso.com");
	expect_untouched(finding, REVERT_ADDRESS("\"smtp:a@contoso.com\""), "unmatched");
}

static void a_finding_says_in_json_what_decided_it(void **state UNUSED)
{
	CLEANUP(scene_release) struct scene scene;
	CLEANUP(buf_release) struct buf json = BUF_UP_TO(FILE_MAX);

	scene_open(&scene, sample(VERDICT_REVERT), KEEP("2026-06-01"));
	finding_add_json(&json, &scene.finding);
	assert_non_null(strstr(buf_text(&json),
		",\"decided\":{\"because\":\"x\",\"by\":\"ada\",\"decision\":\"keep\",\"line\":2,"
		"\"until\":\"2026-06-01T00:00:00Z\",\"was\":\"revert\"},\"door\":\"none\","));
	assert_non_null(strstr(buf_text(&json), "\"verdict\":\"kept\"}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_may_do_what_the_table_says_and_nothing_else),
		cmocka_unit_test(each_verdict_meets_each_decision),
		cmocka_unit_test(what_comes_back_is_what_is_proved_or_else_the_base),
		cmocka_unit_test(what_is_not_known_does_not_come_back),
		cmocka_unit_test(a_line_is_about_the_live_value_that_it_names),
		cmocka_unit_test(a_suspect_value_that_staging_did_not_write_stays),
		cmocka_unit_test(without_a_way_back_no_line_finds_one),
		cmocka_unit_test(a_keep_holds_until_the_live_snapshot_is_as_late_as_its_date),
		cmocka_unit_test(no_line_makes_an_address_the_primary_one),
		cmocka_unit_test(a_line_with_values_is_not_about_an_object),
		cmocka_unit_test(by_fingerprint_it_is_the_same_finding),
		cmocka_unit_test(a_finding_that_no_line_names_is_left_alone),
		cmocka_unit_test(a_finding_says_in_json_what_decided_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
