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
#include <string.h>
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

/* ---- nothing goes back but what must, and to nothing but what stood there ------------------- */

/* A base of a later moment proves more than one that was taken days before. */
static void check_unit(const struct trial *trial, const struct unit *unit)
{
	if (!unit->by_staging || unit->silent || unit->now == unit->before ||
		!trial->finding->before.known)
		fail_trial(trial, "this must not go back");
}

static bool check_fields(const struct trial *trial, const struct thing *thing)
{
	const struct finding *finding = trial->finding;
	char json[VALUE_TEXT_MAX];

	for (size_t i = 0; i < thing->sort->field_count; i++) {
		const struct field *field = &thing->sort->fields[i];

		if (strcmp(finding->attribute->name, field->name) != 0)
			continue;
		check_unit(trial, &thing->fields[i]);
		field_json(json, thing, field, thing->fields[i].before);
		if (json[0] ? !span_is(finding->before.value, json)
			    : finding->before.value.data != NULL)
			fail_trial(trial, "another value stood there before");
		return true;
	}
	return false;
}

static bool check_sets(const struct trial *trial, const struct thing *thing)
{
	const struct finding *finding = trial->finding;
	char text[VALUE_TEXT_MAX];

	for (size_t i = 0; i < thing->sort->set_count; i++)
		for (size_t j = 0; j < ELEMENTS; j++) {
			const struct field_set *set = &thing->sort->sets[i];

			element_text(text, thing, set, j);
			if (strcmp(finding->attribute->name, set->name) != 0 ||
				!span_is(finding->element, text))
				continue;
			check_unit(trial, &thing->sets[i][j]);
			if (!finding->before.value.data != !thing->sets[i][j].before)
				fail_trial(trial, "it was the other way round before");
			return true;
		}
	return false;
}

static int address_number(const struct thing *thing, struct span text)
{
	char address[VALUE_TEXT_MAX];

	for (int i = 0; i < ADDRESSES; i++) {
		address_text(address, thing, (size_t)i);
		if (memmem(text.data, text.length, address, strlen(address)))
			return i;
	}
	return NO_PRIMARY;
}

static void check_address(const struct trial *trial, const struct thing *thing)
{
	const struct finding *finding = trial->finding;
	int number = address_number(thing, finding->element);
	struct span before = finding->before.value;
	bool primary = before.length > 6 && memcmp(before.data, "\"SMTP:", 6) == 0;

	if (number == NO_PRIMARY || strcmp(finding->attribute->name, "proxyAddresses") != 0)
		fail_trial(trial, "nobody wrote this");
	if (!before.data || !thing->addresses[number].now)
		check_unit(trial, &thing->addresses[number]);
	if (primary)
		check_unit(trial, &thing->primary);
	if (primary && thing->primary.before != number)
		fail_trial(trial, "it must not be primary again");
}

static void check_revert(const struct trial *trial)
{
	const struct thing *thing = thing_of_id(trial->incident, trial->finding->id);
	enum change change = CHANGE_VALUE;

	if (!thing)
		fail_trial(trial, "nobody knows this object");
	else if (trial->finding->attribute) {
		if (!check_fields(trial, thing) && !check_sets(trial, thing))
			check_address(trial, thing);
	} else if (!thing_must_go_back(thing, &change) || trial->finding->change != change) {
		fail_trial(trial, "the object must not go back so");
	}
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
		check_revert(&trial);
	}
	return reverts;
}

/* ---- the trials --------------------------------------------------------------------------- */

/* `base` NULL: of the evidence. */
static size_t try_base(
	struct incident *incident, uint64_t seed, struct snapshot *base, int64_t from_ms)
{
	CLEANUP(evidence_freep)
	struct evidence *evidence = incident_evidence(
		incident, &(struct window){ from_ms, incident->now_ms }, 1, false);
	CLEANUP(snapshot_closep) struct snapshot *rebuilt = NULL;
	CLEANUP(findings_freep) struct findings *findings = NULL;
	struct error err = { 0 };
	struct reconcile_options options = {
		.base = base,
		.live = incident->live,
		.evidence = evidence,
		.staging = "SYNC02",
		.production = incident->manner.production_named ? "SYNC01" : NULL,
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

	incident_live_through(incident, seed,
		(struct manner){ false, seed % 3 == 0, seed % 2 == 0 }, work_folder);
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
