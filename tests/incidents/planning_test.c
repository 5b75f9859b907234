/*
 * Incidents from the generator, planned: `incidents_planning_test [FIRST COUNT]` tries these seeds. The
 * findings of each, made from all records, are right (judged against the history); a plan comes of
 * them that the independent checker walks to its end in two orders, with no name held twice; and it has a
 * step or a named obstacle wherever something goes back, and no step about anything else.
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
#include "base/text.h"
#include "rollback/rollback.h"
#include "tests/reconcile/incident_judge.h"

enum {
	SEEDS = 500,
	SEEDS_TELL = 200, /* so many seeds say whether anything is planned at all */
};

/* In memory where there is such a folder: a snapshot is synced before it appears. */
#define MEMORY_FOLDER "/dev/shm"

struct range {
	uint64_t first, count;
	char folder[64];
};

struct totals {
	size_t back, steps, parked, blocked, by_door[DOOR_COUNT];
};

static bool staging_wrote(const struct incident *incident)
{
	for (size_t i = 0; i < incident->record_count; i++)
		if (incident->records[i].staging)
			return true;
	return false;
}

static struct plan *plan_of(uint64_t seed, const struct incident *incident,
	struct evidence *evidence, const struct findings *findings)
{
	struct error err = { 0 };
	struct plan_options options = {
		.findings = findings,
		.base = incident->base,
		.live = incident->live,
		.evidence = evidence,
		.now_ms = incident->now_ms,
		.tenant_name = "Contoso",
	};
	struct plan *plan = plan_new(&options, &err);

	if (!plan)
		fail_msg("seed %zu: %s", (size_t)seed, err.text);
	return plan;
}

/* Is there a finding about the object that goes back? */
static bool goes_back(const struct findings *findings, const char *id)
{
	for (size_t i = 0; i < findings_count(findings); i++) {
		const struct finding *finding = findings_get(findings, i);

		if (finding->verdict == VERDICT_REVERT &&
			text_compare_caseless(finding->id, span_of(id)) == 0)
			return true;
	}
	return false;
}

static bool is_planned(const struct plan *plan, struct span id)
{
	for (size_t i = 0; i < plan->step_count; i++)
		if (text_compare_caseless(span_of(plan->steps[i].id), id) == 0)
			return true;
	for (size_t i = 0; i < plan->blocked_count; i++)
		if (text_compare_caseless(span_of(plan->blocked[i].id), id) == 0)
			return true;
	return false;
}

static void expect_it_all(uint64_t seed, const struct findings *findings, const struct plan *plan)
{
	for (size_t i = 0; i < plan->step_count; i++)
		if (!goes_back(findings, plan->steps[i].id))
			fail_msg("seed %zu: step %zu is about %s, of which nothing goes back",
				(size_t)seed, i + 1, plan->steps[i].id);
	for (size_t i = 0; i < findings_count(findings); i++) {
		const struct finding *finding = findings_get(findings, i);

		if (finding->verdict == VERDICT_REVERT && !is_planned(plan, finding->id))
			fail_msg("seed %zu: %.*s goes back, and the plan says nothing of it",
				(size_t)seed, SPAN_FORMAT(finding->id));
	}
}

static void try_seed(uint64_t seed, const char *folder, struct totals *totals)
{
	CLEANUP(memory_freep) struct incident *incident = memory_new(sizeof(*incident));
	struct manner manner = { .taciturn = seed % 3 == 2, .production_named = seed % 5 < 2 };
	struct given given = { .name = "all records", .window_count = 1 };
	struct reconcile_options options = { .staging = "SYNC02" };
	struct error err = { 0 };

	incident_live_through(incident, seed, manner, folder);
	given.windows[0] = (struct window){ incident->began_ms, incident->now_ms };
	if (staging_wrote(incident)) {
		CLEANUP(evidence_freep)
		struct evidence *evidence = given_evidence(incident, &given);
		CLEANUP(findings_freep) struct findings *findings = NULL;
		CLEANUP(plan_freep) struct plan *plan = NULL;

		options.base = incident->base;
		options.live = incident->live;
		options.evidence = evidence;
		options.production = manner.production_named ? "SYNC01" : NULL;
		findings = findings_new(&options, &err);
		if (!findings)
			fail_msg("seed %zu: %s", (size_t)seed, err.text);
		totals->back += judge_findings(seed, incident, &given, findings);
		plan = plan_of(seed, incident, evidence, findings);
		expect_it_all(seed, findings, plan);
		totals->steps += plan->step_count;
		totals->blocked += plan->blocked_count;
		for (size_t i = 0; i < plan->step_count; i++) {
			totals->parked += plan->steps[i].until != 0;
			totals->by_door[plan->steps[i].door]++;
		}
	}
	incident_release(incident);
}

static void every_incident_has_a_plan_that_the_checker_walks(void **state)
{
	const struct range *range = *state;
	struct totals totals = { 0 };

	for (uint64_t seed = range->first; seed - range->first < range->count; seed++)
		try_seed(seed, range->folder, &totals);
	print_message("%zu seeds: %zu go back in %zu steps (%zu parked), %zu blocked; by door:",
		(size_t)range->count, totals.back, totals.steps, totals.parked, totals.blocked);
	for (size_t i = 0; i < DOOR_COUNT; i++)
		print_message(" %zu", totals.by_door[i]);
	print_message("\n");
	if (range->count >= SEEDS_TELL)
		assert_true(totals.steps > range->count);
}

int main(int argc, char **argv)
{
	struct range range = { 0, SEEDS, "" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(every_incident_has_a_plan_that_the_checker_walks, &range),
	};
	int failed;

	if (argc == 3) {
		range.first = strtoull(argv[1], NULL, 10);
		range.count = strtoull(argv[2], NULL, 10);
	}
	snprintf(range.folder, sizeof(range.folder), "%s/unstage-planning-XXXXXX",
		access(MEMORY_FOLDER, W_OK) == 0 ? MEMORY_FOLDER : "/tmp");
	if (!mkdtemp(range.folder))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(range.folder);
	return failed;
}
