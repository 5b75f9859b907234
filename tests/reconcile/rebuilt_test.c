/*
 * A base made of evidence alone. Generated incidents, whose history knows what must go back:
 *
 *	the log covers days before it     all goes back that goes back with a snapshot, and nothing else
 *	it begins somewhere in between    less, and never anything else
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
#include "tests/reconcile/incident.h"

/* The sanitizers make each seed some ten times dearer. */
#if defined(__SANITIZE_ADDRESS__)
enum { SEEDS = 500 };
#else
enum { SEEDS = 2000 };
#endif

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

static char work_folder[] = "/tmp/unstage-rebuilt-XXXXXX";

struct trial {
	uint64_t seed;
	struct incident *incident;
	const struct finding *finding;
};

static void fail_trial(const struct trial *trial, const char *what)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(1 << 20);

	if (trial->finding)
		finding_add_json(&line, trial->finding);
	fail_msg("seed %zu: %s\n%s", (size_t)trial->seed, what, buf_text(&line));
}

static size_t number_of(struct span id)
{
	char digits[13] = { 0 };

	memcpy(digits, id.data + ID_BYTES - 12, 12);
	return strtoul(digits, NULL, 10);
}

/* "smtp:p3.a1@contoso.com": the 1. */
static size_t address_number(struct span key)
{
	const char *at = memchr(key.data, '@', key.length);

	assert_non_null(at);
	return (size_t)(at[-1] - '0');
}

/* ---- nothing goes back but what must, and to nothing but what stood there ------------------- */

/* A base of a later moment proves more than one that was taken days before. */
static bool may_go_back(const struct unit *unit)
{
	return unit->by_staging && unit->now != unit->before;
}

static void check_value(const struct trial *trial, const struct unit *unit)
{
	char text[8] = "";

	if (unit->before)
		snprintf(text, sizeof(text), "\"%s\"", value_text(unit->before));
	if (!may_go_back(unit) || !trial->finding->before.known)
		fail_trial(trial, "this must not go back");
	if (unit->before ? !span_is(trial->finding->before.value, text)
			 : trial->finding->before.value.data != NULL)
		fail_trial(trial, "another value stood there before");
}

static void check_element(const struct trial *trial, const struct unit *unit)
{
	if (!may_go_back(unit) || !trial->finding->before.known)
		fail_trial(trial, "this must not go back");
	if (!trial->finding->before.value.data != !unit->before)
		fail_trial(trial, "it was the other way round before");
}

static void check_address(const struct trial *trial, const struct person *person)
{
	const struct finding *finding = trial->finding;
	size_t number = address_number(finding->element);
	const struct unit *unit = &person->addresses[number];
	struct span before = finding->before.value;
	bool primary = before.length > 6 && memcmp(before.data, "\"SMTP:", 6) == 0;

	if (!before.data || !unit->now)
		check_element(trial, unit);
	if (primary && (!may_go_back(&person->primary) || person->primary.before != (int)number))
		fail_trial(trial, "it must not be primary again");
}

static void check_person(const struct trial *trial)
{
	const struct finding *finding = trial->finding;
	const struct person *person = &trial->incident->people[number_of(finding->id)];
	enum change change = CHANGE_VALUE;

	if (!finding->attribute) {
		if (!person_must_go_back(person, &change) || finding->change != change)
			fail_trial(trial, "the object must not go back so");
	} else if (strcmp(finding->attribute->name, "department") == 0) {
		check_value(trial, &person->values[0]);
	} else if (strcmp(finding->attribute->name, "jobTitle") == 0) {
		check_value(trial, &person->values[1]);
	} else if (strcmp(finding->attribute->name, "proxyAddresses") == 0) {
		check_address(trial, person);
	} else {
		fail_trial(trial, "nobody wrote this attribute");
	}
}

static void check_group(const struct trial *trial)
{
	const struct finding *finding = trial->finding;
	const struct group *group = &trial->incident->groups[number_of(finding->id)];

	if (!finding->attribute)
		fail_trial(trial, "groups stay");
	else if (strcmp(finding->attribute->name, "members") == 0)
		check_element(trial, &group->members[number_of(finding->element)]);
	else
		check_value(trial, &group->description);
}

/* How many go back. */
static size_t check_findings(
	uint64_t seed, struct incident *incident, const struct findings *findings)
{
	size_t reverts = 0;

	for (size_t i = 0; i < findings_count(findings); i++) {
		struct trial trial = { seed, incident, findings_get(findings, i) };

		if (trial.finding->verdict != VERDICT_REVERT)
			continue;
		reverts++;
		if (trial.finding->kind->id == KIND_USER)
			check_person(&trial);
		else
			check_group(&trial);
	}
	return reverts;
}

/* ---- the trials --------------------------------------------------------------------------- */

/* `base` NULL: of the evidence. */
static size_t try_base(
	struct incident *incident, uint64_t seed, struct snapshot *base, int64_t from_ms)
{
	CLEANUP(evidence_freep)
	struct evidence *evidence = incident_evidence(incident, from_ms, 0);
	CLEANUP(snapshot_closep) struct snapshot *rebuilt = NULL;
	CLEANUP(findings_freep) struct findings *findings = NULL;
	struct error err = { 0 };
	struct reconcile_options options = {
		.base = base,
		.live = incident->live,
		.evidence = evidence,
		.staging = "SYNC02",
	};

	if (!base)
		options.base = rebuilt = base_rebuild(&options, &err);
	if (options.base)
		findings = findings_new(&options, &err);
	/* All that staging wrote is older than the log. */
	if (!findings && err.kind == ERROR_USAGE)
		return 0;
	if (!findings)
		fail_msg("seed %zu: %s", (size_t)seed, err.text);
	return check_findings(seed, incident, findings);
}

struct totals {
	size_t snapshot, whole, late;
};

static void try_seed(uint64_t seed, struct totals *totals)
{
	CLEANUP(memory_freep) struct incident *incident = memory_new(sizeof(*incident));
	int64_t base_ms, live_ms, gap_ms;

	incident_live_through(incident, seed, false, work_folder);
	base_ms = snapshot_header(incident->base)->taken_until_ms;
	live_ms = snapshot_header(incident->live)->taken_from_ms;
	gap_ms = base_ms + 1 + (int64_t)incident_random(incident, (uint64_t)(live_ms - base_ms));
	totals->snapshot += try_base(incident, seed, incident->base, incident->began_ms);
	totals->whole += try_base(incident, seed, NULL, incident->began_ms - 2 * DAY_MS);
	totals->late += try_base(incident, seed, NULL, gap_ms);
	incident_release(incident);
}

static void without_a_snapshot_goes_back_what_the_evidence_proves_and_nothing_else(
	void **state UNUSED)
{
	struct totals totals = { 0 };

	for (uint64_t seed = 0; seed < SEEDS; seed++)
		try_seed(seed, &totals);
	print_message(
		"%d seeds: %zu go back with a snapshot, %zu with a base made of the evidence, "
		"%zu where it begins late\n",
		SEEDS, totals.snapshot, totals.whole, totals.late);
	/* A program that puts nothing back would be precise, too. */
	assert_true(totals.whole > totals.snapshot / 10 * 9);
	assert_true(totals.late > SEEDS / 10);
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
			without_a_snapshot_goes_back_what_the_evidence_proves_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, make_work_folder, remove_work_folder);
}
