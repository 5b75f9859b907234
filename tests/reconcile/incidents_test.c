/*
 * Many small incidents, each from a seed: `reconcile_incidents_test [FIRST COUNT]` tries these seeds.
 * The history knows what must go back:
 *
 *	with full evidence      exactly that goes back, to the value that stood there before
 *	with evidence missing   less may go back, and never anything else
 *	with files of servers   beside a whole log at least that, and never anything else
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

enum {
	SEEDS = 2000,
	SEEDS_TELL = 200, /* so many seeds say whether anything goes back at all */
	DROPPED_PERCENT = 30,
};

/* In memory where there is such a folder: a snapshot is synced before it appears. */
#define MEMORY_FOLDER "/dev/shm"

struct range {
	uint64_t first, count;
	char folder[64];
};

/* What one seed's findings are judged by. */
struct trial {
	uint64_t seed;
	const char *evidence; /* which */
	struct incident *incident;
	struct findings *findings;
	bool whole; /* the evidence is: everything must be found */
	bool files; /* the servers' own tell of values that no record tells */
};

static void fail_trial(const struct trial *trial, const char *what, const struct finding *finding)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(1 << 20);

	if (finding)
		finding_add_json(&line, finding);
	fail_msg("seed %zu, %s evidence: %s\n%s", (size_t)trial->seed, trial->evidence, what,
		buf_text(&line));
}

/* ---- finding what a finding is about ---------------------------------------------------- */

static size_t number_of(struct span id)
{
	char digits[13] = { 0 };

	memcpy(digits, id.data + ID_BYTES - 12, 12);
	return strtoul(digits, NULL, 10);
}

static bool is_about(const struct finding *finding, const char *attribute)
{
	return strcmp(finding->attribute->name, attribute) == 0;
}

static bool is_value(struct span value, int expected)
{
	char text[8];

	if (!expected)
		return !value.data;
	snprintf(text, sizeof(text), "\"%s\"", value_text(expected));
	return span_is(value, text);
}

/* "smtp:p3.a1@contoso.com", with or without a quote before it: the 1. */
static int address_number(struct span text)
{
	const char *at = text.data ? memchr(text.data, '@', text.length) : NULL;

	assert_non_null(at);
	return at[-1] - '0';
}

static bool is_primary(struct span element)
{
	return element.length > 6 && memcmp(element.data, "\"SMTP:", 6) == 0;
}

/* ---- precision: nothing else goes back -------------------------------------------------- */

static bool may_go_back(const struct trial *trial, const struct unit *unit)
{
	if (trial->files)
		return unit->by_staging && unit->now != unit->before;
	return unit_must_go_back(unit);
}

static void check_value(
	const struct trial *trial, const struct finding *finding, const struct unit *unit)
{
	if (!may_go_back(trial, unit) || !finding->before.known)
		fail_trial(trial, "this must not go back", finding);
	if (!is_value(finding->before.value, unit->before))
		fail_trial(trial, "another value stood there before", finding);
}

static void check_element(
	const struct trial *trial, const struct finding *finding, const struct unit *unit)
{
	if (!may_go_back(trial, unit) || !finding->before.known)
		fail_trial(trial, "this must not go back", finding);
	if (!finding->before.value.data != !unit->before)
		fail_trial(trial, "it was the other way round before", finding);
}

static void check_address(
	const struct trial *trial, const struct finding *finding, const struct person *person)
{
	const struct unit *unit = &person->addresses[address_number(finding->element)];
	bool stays = finding->before.value.data && unit->now;
	const struct unit *primary = &person->primary;

	if (!stays)
		check_element(trial, finding, unit);
	else if (!is_primary(finding->before.value))
		fail_trial(trial, "it is there, and is not made primary either", finding);
	if (!is_primary(finding->before.value))
		return;
	if (!may_go_back(trial, primary) ||
		primary->before != address_number(finding->before.value))
		fail_trial(trial, "it must not be primary again", finding);
}

static void check_person(const struct trial *trial, const struct finding *finding)
{
	const struct person *person = &trial->incident->people[number_of(finding->id)];
	enum change change = CHANGE_VALUE;

	if (!finding->attribute) {
		if (!person_must_go_back(person, &change) || finding->change != change)
			fail_trial(trial, "the object must not go back so", finding);
		return;
	}
	/* What staging did to the object may be in no record; its values are what they are. */
	if (trial->whole && !person_is_examined(person))
		fail_trial(trial, "its object is the finding", finding);
	if (is_about(finding, "department"))
		check_value(trial, finding, &person->values[0]);
	else if (is_about(finding, "jobTitle"))
		check_value(trial, finding, &person->values[1]);
	else if (is_about(finding, "proxyAddresses"))
		check_address(trial, finding, person);
	else
		fail_trial(trial, "nobody wrote this attribute", finding);
}

static void check_group(const struct trial *trial, const struct finding *finding)
{
	const struct group *group = &trial->incident->groups[number_of(finding->id)];

	if (!finding->attribute)
		fail_trial(trial, "groups stay", finding);
	else if (is_about(finding, "members"))
		check_element(trial, finding, &group->members[number_of(finding->element)]);
	else
		check_value(trial, finding, &group->description);
}

/* ---- recall: all of it goes back -------------------------------------------------------- */

/* The addresses as they will be: live, and the findings put into it. */
struct outcome {
	bool there[ADDRESSES];
	int primary;
	size_t reverts;
};

static struct outcome outcome_of(const struct trial *trial, size_t number)
{
	const struct person *person = &trial->incident->people[number];
	struct outcome outcome = { .primary = person->primary.now };
	size_t primaries = 0;

	for (size_t i = 0; i < ADDRESSES; i++)
		outcome.there[i] = person->addresses[i].now;
	for (size_t i = 0; i < findings_count(trial->findings); i++) {
		const struct finding *finding = findings_get(trial->findings, i);
		bool back = finding->before.value.data != NULL;

		if (finding->verdict != VERDICT_REVERT || finding->kind->id != KIND_USER ||
			!finding->attribute || !is_about(finding, "proxyAddresses") ||
			number_of(finding->id) != number)
			continue;
		outcome.reverts++;
		outcome.there[address_number(finding->element)] = back;
		if (!is_primary(finding->before.value))
			continue;
		outcome.primary = address_number(finding->before.value);
		if (++primaries > 1)
			fail_trial(trial, "a second primary address", finding);
	}
	if (outcome.primary != NO_PRIMARY && !outcome.there[outcome.primary])
		outcome.primary = NO_PRIMARY;
	return outcome;
}

/* Files prove more than a log does: of a person whom nobody is known to have made, for one. */
static void expect_these_at_least(
	const struct trial *trial, const struct person *person, const struct outcome *outcome)
{
	for (size_t i = 0; i < ADDRESSES; i++)
		if (unit_must_go_back(&person->addresses[i]) &&
			outcome->there[i] != person->addresses[i].before)
			fail_trial(trial, "an address does not go back", NULL);
}

static size_t expect_addresses(const struct trial *trial, size_t number)
{
	const struct person *person = &trial->incident->people[number];
	struct outcome outcome = outcome_of(trial, number);
	int primary = person->primary.now;
	bool there[ADDRESSES];

	if (!trial->whole)
		return outcome.reverts;
	if (trial->files) {
		expect_these_at_least(trial, person, &outcome);
		return outcome.reverts;
	}
	for (size_t i = 0; i < ADDRESSES; i++) {
		const struct unit *unit = &person->addresses[i];

		there[i] = unit_must_go_back(unit) ? unit->before : unit->now;
	}
	if (unit_must_go_back(&person->primary) && person->primary.before != NO_PRIMARY &&
		there[person->primary.before])
		primary = person->primary.before;
	if (primary != NO_PRIMARY && !there[primary])
		primary = NO_PRIMARY;
	if (memcmp(there, outcome.there, sizeof(there)) != 0)
		fail_trial(trial, "not all addresses go back", NULL);
	if (primary != outcome.primary)
		fail_trial(trial, "another address must be primary", NULL);
	return outcome.reverts;
}

/* How many findings must be there for what this person's own history says. */
static size_t expect_person(const struct trial *trial, size_t number)
{
	const struct person *person = &trial->incident->people[number];
	enum change change;
	size_t expected = person_must_go_back(person, &change);

	if (!person_is_examined(person))
		return expected;
	for (size_t i = 0; i < VALUES; i++)
		expected += unit_must_go_back(&person->values[i]);
	return expected + expect_addresses(trial, number);
}

static size_t expect_group(const struct group *group)
{
	size_t expected = unit_must_go_back(&group->description);

	for (size_t i = 0; i < STEADY; i++)
		expected += unit_must_go_back(&group->members[i]);
	return expected;
}

static size_t check_findings(const struct trial *trial)
{
	size_t reverts = 0, expected = 0;

	for (size_t i = 0; i < findings_count(trial->findings); i++) {
		const struct finding *finding = findings_get(trial->findings, i);

		if (finding->verdict != VERDICT_REVERT)
			continue;
		reverts++;
		if (finding->kind->id == KIND_USER)
			check_person(trial, finding);
		else
			check_group(trial, finding);
	}
	for (size_t i = 0; i < PEOPLE; i++)
		expected += expect_person(trial, i);
	for (size_t i = 0; i < GROUPS; i++)
		expected += expect_group(&trial->incident->groups[i]);
	if (trial->whole && (trial->files ? reverts < expected : reverts != expected))
		fail_trial(trial, "not all goes back that must", NULL);
	return reverts;
}

/* ---- the trials ------------------------------------------------------------------------- */

struct totals {
	size_t whole, dropped, gap, files_beside, files_dropped, files_gap, files_alone;
};

/* What there is to go by. */
struct given {
	const char *name;
	int64_t from_ms; /* of the log; 0: there is none */
	unsigned dropped_percent;
	bool whole, files;
};

static struct evidence *evidence_given(struct incident *incident, const struct given *given)
{
	struct evidence *evidence = given->from_ms
		? incident_evidence(incident, given->from_ms, given->dropped_percent)
		: incident_no_evidence(incident);

	if (given->files)
		incident_add_files(incident, evidence);
	return evidence;
}

static size_t try_evidence(struct incident *incident, uint64_t seed, struct given given)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_given(incident, &given);
	struct error err = { 0 };
	struct reconcile_options options = {
		.base = incident->base,
		.live = incident->live,
		.evidence = evidence,
		.staging = "SYNC02",
	};
	CLEANUP(findings_freep) struct findings *findings = findings_new(&options, &err);
	struct trial trial = { seed, given.name, incident, findings, given.whole, given.files };

	/* Nothing of staging's is left in the evidence: then there is nothing to undo. */
	if (!findings && err.kind == ERROR_USAGE && !given.whole)
		return 0;
	if (!findings)
		fail_msg("seed %zu: %s", (size_t)seed, err.text);
	return check_findings(&trial);
}

static bool staging_wrote(const struct incident *incident)
{
	for (size_t i = 0; i < incident->record_count; i++)
		if (incident->records[i].staging)
			return true;
	return false;
}

static void try_seed(uint64_t seed, const char *folder, struct totals *totals)
{
	CLEANUP(memory_freep) struct incident *incident = memory_new(sizeof(*incident));
	int64_t base_ms, live_ms, begin_ms, gap_ms;

	incident_live_through(incident, seed, false, folder);
	base_ms = snapshot_header(incident->base)->taken_until_ms;
	live_ms = snapshot_header(incident->live)->taken_from_ms;
	/* From before all of it, or just from when the base was complete: either is enough. */
	begin_ms = seed % 2 ? base_ms : incident->began_ms;
	gap_ms = base_ms + 1 + (int64_t)incident_random(incident, (uint64_t)(live_ms - base_ms));
	if (staging_wrote(incident)) {
		unsigned some = seed % 3 ? 0 : DROPPED_PERCENT;

		totals->whole += try_evidence(
			incident, seed, (struct given){ "whole", begin_ms, 0, true, false });
		totals->dropped += try_evidence(incident, seed,
			(struct given){ "dropped", begin_ms, DROPPED_PERCENT, false, false });
		totals->gap += try_evidence(
			incident, seed, (struct given){ "late", gap_ms, some, false, false });
		totals->files_beside += try_evidence(incident, seed,
			(struct given){ "whole and files", begin_ms, 0, true, true });
		totals->files_dropped += try_evidence(incident, seed,
			(struct given){
				"dropped and files", begin_ms, DROPPED_PERCENT, false, true });
	}
	incident_release(incident);
}

/* Where nobody but sync servers writes, their files may do without a log. */
static void try_seed_of_servers(uint64_t seed, const char *folder, struct totals *totals)
{
	CLEANUP(memory_freep) struct incident *incident = memory_new(sizeof(*incident));
	int64_t base_ms, live_ms, gap_ms;

	incident_live_through(incident, seed, true, folder);
	base_ms = snapshot_header(incident->base)->taken_until_ms;
	live_ms = snapshot_header(incident->live)->taken_from_ms;
	gap_ms = base_ms + 1 + (int64_t)incident_random(incident, (uint64_t)(live_ms - base_ms));
	if (staging_wrote(incident)) {
		totals->files_gap += try_evidence(incident, seed,
			(struct given){ "late and files", gap_ms, DROPPED_PERCENT, false, true });
		totals->files_alone += try_evidence(
			incident, seed, (struct given){ "files alone", 0, 0, false, true });
	}
	incident_release(incident);
}

/* A program that puts nothing back would be precise, too. */
static void expect_plenty(const struct totals *totals, size_t seeds)
{
	assert_true(totals->whole > seeds);
	assert_true(totals->dropped > seeds / 10);
	assert_true(totals->gap > seeds / 10);
	assert_true(totals->files_beside >= totals->whole);
	assert_true(totals->files_dropped > totals->dropped);
	assert_true(totals->files_gap > seeds / 10);
	assert_true(totals->files_alone > seeds / 10);
}

static void what_must_go_back_does_and_nothing_else(void **state)
{
	const struct range *range = *state;
	struct totals totals = { 0 };

	for (uint64_t seed = range->first; seed - range->first < range->count; seed++) {
		try_seed(seed, range->folder, &totals);
		try_seed_of_servers(seed, range->folder, &totals);
	}
	print_message(
		"%zu seeds: %zu go back with whole evidence, %zu with records dropped, %zu with "
		"evidence that begins late\n",
		(size_t)range->count, totals.whole, totals.dropped, totals.gap);
	print_message(
		"with the servers' files: %zu beside whole evidence, %zu with records dropped, %zu "
		"with evidence that begins late, %zu without a log\n",
		totals.files_beside, totals.files_dropped, totals.files_gap, totals.files_alone);
	if (range->count >= SEEDS_TELL)
		expect_plenty(&totals, range->count);
}

static bool make_folder(struct range *range)
{
	snprintf(range->folder, sizeof(range->folder), "%s/unstage-incidents-XXXXXX",
		access(MEMORY_FOLDER, W_OK) == 0 ? MEMORY_FOLDER : "/tmp");
	return mkdtemp(range->folder) != NULL;
}

int main(int argc, char **argv)
{
	struct range range = { 0, SEEDS, "" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(what_must_go_back_does_and_nothing_else, &range),
	};
	int failed;

	if (argc == 3) {
		range.first = strtoull(argv[1], NULL, 10);
		range.count = strtoull(argv[2], NULL, 10);
	}
	if (!make_folder(&range))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(range.folder);
	return failed;
}
