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
#include "tests/reconcile/incident_judge.h"

/* The sanitizers make each seed some ten times dearer. */
#if defined(__SANITIZE_ADDRESS__)
enum { SEEDS = 500 };
#else
enum { SEEDS = 2000 };
#endif

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

static char work_folder[] = "/tmp/unstage-rebuilt-XXXXXX";

/* ---- the trials --------------------------------------------------------------------------- */

static size_t try_base(struct incident *incident, uint64_t seed, struct given given)
{
	CLEANUP(evidence_freep) struct evidence *evidence = given_evidence(incident, &given);
	CLEANUP(snapshot_closep) struct snapshot *rebuilt = NULL;
	CLEANUP(findings_freep) struct findings *findings = NULL;
	struct error err = { 0 };
	struct reconcile_options options = {
		.base = incident->base,
		.live = incident->live,
		.evidence = evidence,
		.staging = "SYNC02",
	};

	if (given.rebuilt) {
		options.base = NULL;
		options.base = rebuilt = base_rebuild(&options, &err);
	}
	if (options.base)
		findings = findings_new(&options, &err);
	/* All that staging wrote is older than the log. */
	if (!findings && err.kind == ERROR_USAGE)
		return 0;
	if (!findings)
		fail_msg("seed %zu: %s", (size_t)seed, err.text);
	return judge_findings(seed, incident, &given, findings);
}

struct totals {
	size_t snapshot, whole, late;
};

static void try_seed(uint64_t seed, struct totals *totals)
{
	CLEANUP(memory_freep) struct incident *incident = memory_new(sizeof(*incident));
	struct given given = { .name = "a snapshot", .window_count = 1 };
	int64_t base_ms, live_ms;

	incident_live_through(incident, seed, (struct manner){ 0 }, work_folder);
	base_ms = snapshot_header(incident->base)->taken_until_ms;
	live_ms = snapshot_header(incident->live)->taken_from_ms;
	given.windows[0] = (struct window){ incident->began_ms, incident->now_ms };
	totals->snapshot += try_base(incident, seed, given);
	given.name = "evidence from days before";
	given.rebuilt = true;
	given.windows[0].from_ms = incident->began_ms - 2 * DAY_MS;
	totals->whole += try_base(incident, seed, given);
	given.name = "evidence that begins late";
	given.windows[0].from_ms = base_ms + 1 +
		(int64_t)incident_random(incident, (uint64_t)(live_ms - base_ms));
	totals->late += try_base(incident, seed, given);
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
