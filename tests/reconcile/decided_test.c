/*
 * Random decisions about random incidents. Whatever a file says, right or wrong: no verdict becomes another
 * one than the table of reconcile.h allows, nothing comes back that was neither proved nor the base's, and
 * what no line names is as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"
#include "tests/reconcile/incident.h"

/* The sanitizers make each seed some ten times dearer. */
#if defined(__SANITIZE_ADDRESS__)
enum { SEEDS = 60 };
#else
enum { SEEDS = 400 };
#endif

enum { TEXT_MAX = 16 << 20, TENTH = 10 };

static char work_folder[] = "/tmp/unstage-decided-XXXXXX";

struct tally {
	size_t findings, lines, true_lines, touched[DECISION_KIND_COUNT], effects[EFFECT_COUNT];
};

struct trial {
	uint64_t seed;
	struct incident *incident;
	struct evidence *evidence; /* NULL: two-way */
	const struct findings *without, *with;
	struct tally *tally;
};

static void fail_trial(const struct trial *trial, const char *what, const struct finding *finding)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(TEXT_MAX);

	if (finding)
		finding_add_json(&line, finding);
	fail_msg("seed %zu: %s\n%s", (size_t)trial->seed, what, buf_text(&line));
}

/* ---- a file of decisions, right and wrong ---------------------------------------------------- */

static void add_value(struct buf *file, const char *key, struct known_value value)
{
	buf_addf(file, ",\"%s\":", key);
	buf_add_span(file, value.value.data ? value.value : SPAN_LITERAL("null"));
}

static void add_place(struct buf *file, const struct finding *finding)
{
	buf_addf(file, ",\"id\":\"%.*s\"", SPAN_FORMAT(finding->id));
	if (!finding->attribute) {
		buf_addf(file, ",\"change\":\"%s\"", change_name(finding->change));
		return;
	}
	buf_addf(file, ",\"attribute\":\"%s\"", finding->attribute->name);
	if (finding->element.data)
		buf_addf(file, ",\"element\":\"%.*s\"", SPAN_FORMAT(finding->element));
}

static void add_target(struct buf *file, const struct finding *finding, bool by_place)
{
	if (by_place) {
		add_place(file, finding);
		return;
	}
	buf_add_text(file, ",\"fingerprint\":\"");
	buf_add_hex(file, finding->fingerprint, FINGERPRINT_BYTES);
	buf_add_byte(file, '"');
}

/* Mostly what is so; sometimes another of the finding's values, or nothing. */
static struct known_value some_value(
	struct incident *incident, const struct finding *finding, struct known_value right)
{
	const struct known_value others[] = { finding->base, finding->before, finding->staging,
		finding->live, { .known = true } };

	return incident_random(incident, 4) ? right
					    : others[incident_random(incident, COUNT_OF(others))];
}

static void add_line(
	struct incident *incident, struct buf *file, const struct finding *finding, bool by_place)
{
	bool keeps = !incident_random(incident, 3);

	buf_addf(file, "{\"decision\":\"%s\",\"because\":\"x\"", keeps ? "keep" : "revert");
	add_target(file, finding, by_place);
	if (keeps)
		buf_addf(file, ",\"until\":\"%s\"",
			incident_random(incident, 5) ? "2100-01-01" : "2001-01-01");
	else if (finding->attribute) {
		add_value(file, "live", some_value(incident, finding, finding->live));
		add_value(file, "before",
			some_value(incident, finding,
				finding->before.known ? finding->before : finding->base));
	}
	buf_add_text(file, "}\n");
}

static void add_window(struct incident *incident, struct buf *file)
{
	static const char *const about[] = { "", ",\"attributes\":[\"department\",\"members\"]",
		",\"kinds\":[\"user\"]",
		",\"attributes\":[\"proxyAddresses\"],\"kinds\":[\"user\"]",
		",\"kinds\":[\"group\"]" };
	char from[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];
	int64_t base_ms = snapshot_header(incident->base)->taken_until_ms;
	int64_t live_ms = snapshot_header(incident->live)->taken_until_ms;
	int64_t from_ms = base_ms - 1000 + (int64_t)incident_random(incident, 3) * 1000;
	int64_t until_ms = live_ms -
		(int64_t)incident_random(incident, (uint64_t)(live_ms - base_ms) / 2);

	buf_addf(file,
		"{\"decision\":\"base-is-before\",\"because\":\"x\",\"window\":{\"from\":\"%s\","
		"\"until\":\"%s\"}%s}\n",
		time_text(from_ms, from), time_text(until_ms, until),
		about[incident_random(incident, COUNT_OF(about))]);
}

/* NULL: two lines came out the same. */
static struct decisions *some_decisions(const struct trial *trial)
{
	struct incident *incident = trial->incident;
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(TEXT_MAX);
	struct error err = { 0 };
	struct decisions *decisions;

	buf_addf(&file, "{\"format\":\"unstage-decisions/1\",\"tenant\":\"%s\"}\n",
		snapshot_header(incident->live)->tenant);
	for (uint64_t i = incident_random(incident, 3); i; i--)
		add_window(incident, &file);
	for (size_t i = 0; i < findings_count(trial->without); i++) {
		bool by_place = incident_random(incident, 2);

		if (incident_random(incident, TENTH) < TENTH / 2)
			add_line(incident, &file, findings_get(trial->without, i), by_place);
		if (!incident_random(incident, 2 * TENTH))
			add_line(incident, &file, findings_get(trial->without, i), !by_place);
	}
	decisions = decisions_parse(buf_span(&file), "decisions.jsonl", &err);
	if (!decisions && !strstr(err.text, "decides what line"))
		fail_msg("seed %zu: %s\n%s", (size_t)trial->seed, err.text, buf_text(&file));
	return decisions;
}

/* ---- what it may have done -------------------------------------------------------------------- */

static const struct finding *without_decisions(
	const struct trial *trial, const struct finding *finding)
{
	for (size_t i = 0; i < findings_count(trial->without); i++) {
		const struct finding *other = findings_get(trial->without, i);

		if (memcmp(other->fingerprint, finding->fingerprint, FINGERPRINT_BYTES) == 0)
			return other;
	}
	return NULL;
}

static bool same_value(struct known_value a, struct known_value b)
{
	return a.known == b.known && span_equal(a.value, b.value);
}

static bool is_named(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (name && strcmp(names[i], name) == 0)
			return true;
	return !count;
}

static bool vouches_for(const struct trial *trial, const struct finding *finding)
{
	const struct decision *decision = finding->decision;

	return decision->from_ms <= snapshot_header(trial->incident->base)->taken_until_ms &&
		decision->to_ms >= evidence_header(trial->evidence)->from_ms &&
		is_named(decision->kinds, decision->kind_count, finding->kind->name) &&
		is_named(decision->attributes, decision->attribute_count,
			finding->attribute ? finding->attribute->name : NULL);
}

static bool names(const struct decision *decision, const struct finding *finding)
{
	struct span attribute = span_of(finding->attribute ? finding->attribute->name : NULL);

	if (decision->by_fingerprint)
		return memcmp(decision->fingerprint, finding->fingerprint, FINGERPRINT_BYTES) == 0;
	return span_equal(decision->id, finding->id) &&
		span_equal(decision->attribute, attribute) &&
		span_equal(decision->element, finding->element);
}

/* The same address, whether it is the primary one or not. */
static bool same_but_primary(struct known_value a, struct known_value b)
{
	return a.known && b.known && a.value.length == b.value.length && a.value.length > 5 &&
		memcmp(a.value.data + 5, b.value.data + 5, a.value.length - 5) == 0;
}

/* Where nobody else ever wrote, the line is true: then what comes back is what stood there. */
static void check_truth(const struct trial *trial, const struct finding *finding)
{
	const struct thing *thing = thing_of_id(trial->incident, finding->id);
	const struct field *field = NULL;
	const struct unit *unit;
	char json[VALUE_TEXT_MAX];

	for (size_t i = 0; i < thing->sort->field_count; i++)
		if (strcmp(thing->sort->fields[i].name, finding->attribute->name) == 0)
			field = &thing->sort->fields[i];
	if (!field)
		return;
	unit = &thing->fields[field - thing->sort->fields];
	if (unit->others_ms || unit->silent || unit->murky ||
		unit->run_ms <= snapshot_header(trial->incident->base)->taken_until_ms)
		return;
	field_json(json, thing, field, unit->before);
	trial->tally->true_lines++;
	if (json[0] ? !span_is(finding->before.value, json) : finding->before.value.data != NULL)
		fail_trial(trial, "a line that is true puts back what is not", finding);
}

static void check_vouched(
	const struct trial *trial, const struct finding *was, const struct finding *finding)
{
	if (!vouches_for(trial, finding))
		fail_trial(trial, "the line does not vouch for it", finding);
	if (!finding->attribute)
		return;
	/* Which address is primary may be another finding only now that it is proved. */
	if (was && was->verdict != VERDICT_SUSPECT)
		fail_trial(trial, "base-is-before touched it", was);
	if (!same_value(finding->before, finding->base) &&
		!same_but_primary(finding->before, finding->base))
		fail_trial(trial, "it is not the base that comes back", finding);
	check_truth(trial, finding);
}

static void check_put_back(
	const struct trial *trial, const struct finding *was, const struct finding *finding)
{
	const struct decision *decision = finding->decision;
	struct known_value back = was->before.known ? was->before : was->base;

	if (!finding->attribute)
		return;
	if (!same_value(decision->live, finding->live) ||
		!same_value(decision->before, finding->before))
		fail_trial(trial, "the line says other values", finding);
	if (!same_value(back, finding->before) &&
		(finding->attribute->compare != COMPARE_ADDRESSES ||
			!same_but_primary(back, finding->before)))
		fail_trial(trial, "what comes back is neither proved nor the base's", finding);
}

static void check_decided(
	const struct trial *trial, const struct finding *was, const struct finding *finding)
{
	const struct decision *decision = finding->decision;

	trial->tally->touched[decision->kind]++;
	if (!decision_allows(decision->kind, finding->undecided, finding->verdict))
		fail_trial(trial, "the table does not allow that", finding);
	if (decision->kind == DECISION_BASE_IS_BEFORE) {
		check_vouched(trial, was, finding);
		return;
	}
	if (!was || !names(decision, finding))
		fail_trial(trial, "the line does not name it", finding);
	if (was->verdict != finding->undecided &&
		!decision_allows(DECISION_BASE_IS_BEFORE, was->verdict, finding->undecided))
		fail_trial(trial, "it had another verdict before", was);
	if (decision->kind == DECISION_REVERT)
		check_put_back(trial, was, finding);
	else if (finding->door != DOOR_NONE || decision->until_ms < trial->incident->now_ms)
		fail_trial(trial, "kept, and yet it has a way back", finding);
}

static void check_untouched(
	const struct trial *trial, const struct finding *was, const struct finding *finding)
{
	if (!was)
		fail_trial(trial, "no line speaks of it, and it was not there", finding);
	if (was->verdict != finding->verdict || was->door != finding->door ||
		!same_value(was->before, finding->before))
		fail_trial(trial, "no line speaks of it, and it is another", finding);
}

static void check_findings(const struct trial *trial)
{
	for (size_t i = 0; i < findings_count(trial->with); i++) {
		const struct finding *finding = findings_get(trial->with, i);
		const struct finding *was = without_decisions(trial, finding);

		(finding->decision ? check_decided : check_untouched)(trial, was, finding);
	}
	if (findings_count(trial->with) < findings_count(trial->without))
		fail_trial(trial, "findings went away", NULL);
	trial->tally->findings += findings_count(trial->with);
}

static void check_results(const struct trial *trial)
{
	struct error err = { 0 };
	size_t count, wrong = 0;
	const struct decision_result *results = findings_decisions(trial->with, &count);

	for (size_t i = 0; i < count; i++) {
		trial->tally->lines++;
		trial->tally->effects[results[i].effect]++;
		wrong += results[i].effect < EFFECT_NEEDLESS ||
			results[i].effect == EFFECT_CONTRADICTED;
		if ((results[i].text == NULL) != (results[i].effect == EFFECT_APPLIED))
			fail_trial(trial, "a line without effect has no reason", NULL);
	}
	assert_int_equal(findings_check_decisions(trial->with, &err), !wrong);
}

/* ---- the trials --------------------------------------------------------------------------------- */

static bool hear(void *context, const struct finding *finding, struct error *err UNUSED)
{
	finding_add_json(context, finding);
	buf_add_byte(context, '\n');
	return true;
}

static bool hear_begin(void *context, const struct findings *findings, struct error *err UNUSED)
{
	findings_begin_json(context, findings);
	return true;
}

/* Told one by one it is the same, to the byte, with what became of each line behind it. */
static void check_told(const struct trial *trial, const struct reconcile_options *options)
{
	CLEANUP(buf_release) struct buf kept = BUF_UP_TO(TEXT_MAX);
	CLEANUP(buf_release) struct buf told = BUF_UP_TO(TEXT_MAX);
	struct findings_listener listener = { hear_begin, hear, &told };
	struct error err = { 0 };
	CLEANUP(findings_freep) struct findings *findings = findings_tell(options, &listener, &err);

	assert_non_null(findings);
	findings_end_json(&told, findings);
	findings_add_json(&kept, trial->with);
	if (!span_equal(buf_span(&kept), buf_span(&told)))
		fail_msg("seed %zu\n%s\n%s", (size_t)trial->seed, buf_text(&kept), buf_text(&told));
}

static void try_evidence(
	struct incident *incident, uint64_t seed, struct evidence *evidence, struct tally *tally)
{
	struct error err = { 0 };
	struct reconcile_options options = { .base = incident->base,
		.live = incident->live,
		.evidence = evidence,
		.staging = evidence ? "SYNC02" : NULL };
	CLEANUP(findings_freep) struct findings *without = findings_new(&options, &err);
	CLEANUP(decisions_freep) struct decisions *decisions = NULL;
	CLEANUP(findings_freep) struct findings *with = NULL;
	struct trial trial = { seed, incident, evidence, without, NULL, tally };

	/* Nothing of staging's is left in the evidence. */
	if (!without && err.kind == ERROR_USAGE)
		return;
	assert_non_null(without);
	decisions = some_decisions(&trial);
	if (!decisions)
		return;
	options.decisions = decisions;
	trial.with = with = findings_new(&options, &err);
	if (!with)
		fail_msg("seed %zu: %s", (size_t)seed, err.text);
	check_findings(&trial);
	check_results(&trial);
	check_told(&trial, &options);
	findings_free(TAKE(with)); /* before the decisions that it points into */
}

static void try_seed(uint64_t seed, struct tally *tally)
{
	CLEANUP(memory_freep) struct incident *incident = memory_new(sizeof(*incident));
	CLEANUP(evidence_freep) struct evidence *late = NULL;
	CLEANUP(evidence_freep) struct evidence *dropped = NULL;
	struct window windows[2];
	int64_t base_ms, live_ms;

	incident_live_through(incident, seed, (struct manner){ 0 }, work_folder);
	base_ms = snapshot_header(incident->base)->taken_until_ms;
	live_ms = snapshot_header(incident->live)->taken_from_ms;
	windows[0] = windows[1] = (struct window){ base_ms, incident->now_ms };
	windows[1].from_ms = base_ms + 1 +
		(int64_t)incident_random(incident, (uint64_t)(live_ms - base_ms));
	late = incident_evidence(incident, &windows[1], 1, false);
	dropped = incident_evidence(incident, &windows[0], 1, true);
	try_evidence(incident, seed, late, tally);
	try_evidence(incident, seed, dropped, tally);
	try_evidence(incident, seed, NULL, tally);
	incident_add_files(incident, late);
	try_evidence(incident, seed, late, tally);
	incident_release(incident);
}

static void no_line_does_more_than_the_table_allows_nor_to_what_it_does_not_name(
	void **state UNUSED)
{
	struct tally tally = { 0 };

	for (uint64_t seed = 0; seed < SEEDS; seed++)
		try_seed(seed, &tally);
	print_message(
		"%d seeds: %zu lines about %zu findings; ", SEEDS, tally.lines, tally.findings);
	for (enum decision_kind kind = 0; kind < DECISION_KIND_COUNT; kind++)
		print_message("%s decided %zu, ", decision_kind_name(kind), tally.touched[kind]);
	for (enum decision_effect effect = 0; effect < EFFECT_COUNT; effect++)
		print_message("%s%zu %s", effect ? ", " : "", tally.effects[effect],
			decision_effect_name(effect));
	print_message("\n");
	/* Each of them happened, or it proves nothing. */
	for (enum decision_kind kind = 0; kind < DECISION_KIND_COUNT; kind++)
		assert_true(tally.touched[kind] > SEEDS / 10);
	assert_true(tally.true_lines > 0);
	for (enum decision_effect effect = 0; effect < EFFECT_COUNT; effect++)
		assert_true(tally.effects[effect] > 0);
}

static int make_work_folder(void **state UNUSED)
{
	return mkdtemp(work_folder) ? 0 : -1;
}

static int remove_work_folder(void **state UNUSED)
{
	return rmdir(work_folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			no_line_does_more_than_the_table_allows_nor_to_what_it_does_not_name),
	};

	return cmocka_run_group_tests(tests, make_work_folder, remove_work_folder);
}
