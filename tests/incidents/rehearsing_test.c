/*
 * Incidents from the generator, played to their end: `incidents_rehearsing_test [FIRST COUNT]` tries these
 * seeds. Findings, plan and checker as in planning_test.c; then the engine that applies plans works on
 * the simulated tenant that live is loaded into, with everybody whom the plan needs. What stands there
 * then is held against the history's own book (rehearsing.h): what must go back has, nothing else
 * was touched, and the directory, which lets nobody hold what another one holds, never had to refuse
 * a step of ours.
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
#include "rehearsal/rehearsal.h"
#include "rollback/check.h"
#include "tests/incidents/rehearsing.h"
#include "tests/incidents/shortened.h"

/* The sanitizers make each seed some ten times dearer. */
#if defined(__SANITIZE_ADDRESS__)
enum { SEEDS = 300 };
#else
enum { SEEDS = 2000 };
#endif

enum {
	DIRECTORY_ONE_IN = 3,
	LEFT_OUT_ONE_IN = 8, /* of so many seeds, one step is really left out */
	SEEDS_TELL = 200,    /* so many seeds say whether anything is played at all */
	PLAN_TEXT_MAX = 16 << 20,
};

/* In memory where there is such a folder: a journal is synced before each request. */
#define MEMORY_FOLDER "/dev/shm"

struct range {
	uint64_t first, count;
	char folder[64];
};

struct totals {
	struct verdicts verdicts;
	size_t steps, parked, needed, left_out, early, paragraphs_refused, by_door[DOOR_COUNT];
};

static bool staging_wrote(const struct incident *incident)
{
	for (size_t i = 0; i < incident->record_count; i++)
		if (incident->records[i].staging)
			return true;
	return false;
}

/* ---- one rehearsal ----------------------------------------------------------------------------- */

struct notes {
	uint64_t seed;
	const struct plan *plan;
	enum step_state *states;
	bool whole;
};

/* The directory's own word on a step of ours: there is none that it may refuse. */
static void told(
	void *context, const struct plan_step *step, enum step_state state, const char *text)
{
	const struct notes *notes = context;

	notes->states[step->number - 1] = state;
	if (notes->whole && step->door != DOOR_MANUAL &&
		(state == STEP_REFUSED || state == STEP_UNKNOWN)) {
		print_plan(notes->plan, notes->states);
		fail_msg("seed %zu: step %zu: %s", (size_t)notes->seed, step->number, text);
	}
}

/*
 * A file minds the order of its own steps. What waits for other doors is refused while somebody still holds
 * what it wants, does no harm, and goes with the next run.
 */
static bool files_wait_for_others(const struct plan *plan)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->door != DOOR_EXCHANGE && step->door != DOOR_DIRECTORY)
			continue;
		for (size_t j = 0; j < step->after_count; j++)
			if (plan->steps[step->after[j] - 1].door != step->door)
				return true;
	}
	return false;
}

static void expect_no_conflict(const struct notes *notes, const struct rehearsal_others *others,
	struct rehearsal *rehearsal, struct totals *totals)
{
	size_t conflicts = simulator_usage(rehearsal_simulator(rehearsal)).conflicts;

	totals->early += others->refused;
	totals->paragraphs_refused += others->paragraphs_refused;
	if (!conflicts && (!others->refused || files_wait_for_others(notes->plan)))
		return;
	print_plan(notes->plan, notes->states);
	fail_msg("seed %zu: somebody held what a step of ours wrote: %s", (size_t)notes->seed,
		others->first_refusal);
}

/* `totals` NULL: a plan that is not whole, which may be refused. */
static void play(uint64_t seed, const struct incident *incident, const struct plan *plan,
	struct rehearsal *rehearsal, enum step_state *states, struct totals *totals)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(PLAN_TEXT_MAX);
	const struct signature_facts signature = { .key_id = "0123456789ABCDEF" };
	struct notes notes = { seed, plan, states, totals != NULL };
	struct rehearsal_play play = {
		.plan = plan,
		.signature = &signature,
		.now_ms = incident->now_ms,
		.told = told,
		.told_context = &notes,
	};
	struct rehearsal_others others;
	struct apply_result result;
	struct error err = { 0 };

	plan_add_json(&bytes, plan);
	play.plan_bytes = buf_span(&bytes);
	if (!rehearsal_play(rehearsal, &play, &result, &others, &err) ||
		!rehearsal_status(rehearsal, &play, &result, &err))
		fail_msg("seed %zu: %s", (size_t)seed, err.text);
	if (totals)
		expect_no_conflict(&notes, &others, rehearsal, totals);
}

static struct snapshot *end_of(uint64_t seed, const struct incident *incident,
	const struct plan *plan, enum step_state *states, struct totals *totals)
{
	const struct rehearsal_options options = { .live = incident->live,
		.now_ms = incident->now_ms };
	struct error err = { 0 };
	CLEANUP(rehearsal_closep) struct rehearsal *rehearsal = rehearsal_open(&options, &err);
	struct snapshot *end = NULL;

	if (rehearsal) {
		play(seed, incident, plan, rehearsal, states, totals);
		end = rehearsal_snapshot(rehearsal, "global", &err);
	}
	if (!end)
		fail_msg("seed %zu: %s", (size_t)seed, err.text);
	return end;
}

/* ---- no step is too many ----------------------------------------------------------------------- */

static bool visit_live(void *live, const struct snapshot_visitor *visitor, struct error *err)
{
	return snapshot_visit(live, visitor, err);
}

/* Without any one of them the checker's model of live does not end as the plan says. */
static void expect_all_needed(struct rehearsed *rehearsed, struct totals *totals)
{
	const struct plan *plan = rehearsed->plan;
	const struct check_live live = { visit_live, rehearsed->incident->live };
	struct error err = { 0 };
	CLEANUP(check_freep) struct check *check = check_new(plan, &live, &err);
	struct check_result result = { 0 };

	if (!check || !check_walk(check, &(struct check_walk){ 0 }, &result))
		fail_msg("seed %zu: %s%s", (size_t)rehearsed->seed, err.text, result.text);
	/* Where somebody is in the way nothing is promised, be it with a step or without. */
	rehearsed->left = result.left;
	if (result.left)
		return;
	for (size_t i = 1; i <= plan->step_count; i++) {
		if (!check_walk(check, &(struct check_walk){ .without = i }, &result))
			continue;
		print_plan(plan, rehearsed->states);
		fail_msg("seed %zu: it ends well without step %zu", (size_t)rehearsed->seed, i);
	}
	totals->needed += plan->step_count;
}

static bool misses(const struct end_state *end, const struct plan_step *step)
{
	for (size_t i = 0; i < end->trouble_count; i++)
		if (end->troubles[i].step == step)
			return true;
	return false;
}

/* Really left out, one that stood in the end is missed: nobody else sees to it, nor the service itself. */
static void leave_one_out(const struct rehearsed *rehearsed, struct totals *totals)
{
	const struct plan *plan = rehearsed->plan;
	const struct plan_step
		*step = &plan->steps[incident_random(rehearsed->incident, plan->step_count)];
	CLEANUP(shortened_release) struct shortened shortened = { 0 };
	CLEANUP(memory_freep)
	enum step_state *states = memory_array(plan->step_count + 1, sizeof(*states));
	CLEANUP(snapshot_closep) struct snapshot *end = NULL;
	CLEANUP(end_state_release) struct end_state state = { 0 };
	struct error err = { 0 };

	if (!step_stands(rehearsed->states[step->number - 1]) || step->until || step->parked_by)
		return;
	shorten(&shortened, plan, step->number);
	end = end_of(rehearsed->seed, rehearsed->incident, &shortened.plan, states, NULL);
	if (!end_state_judge(&state, plan, rehearsed->incident->live, end, &err))
		fail_msg("seed %zu: %s", (size_t)rehearsed->seed, err.text);
	if (!misses(&state, step)) {
		print_plan(plan, rehearsed->states);
		fail_msg("seed %zu: it comes true without step %zu", (size_t)rehearsed->seed,
			step->number);
	}
	totals->left_out++;
}

/* ---- one incident ------------------------------------------------------------------------------- */

static void rehearse(
	uint64_t seed, struct incident *incident, const struct plan *plan, struct totals *totals)
{
	CLEANUP(memory_freep)
	enum step_state *states = memory_array(plan->step_count + 1, sizeof(*states));
	CLEANUP(snapshot_closep)
	struct snapshot *end = end_of(seed, incident, plan, states, totals);
	struct rehearsed rehearsed = { seed, incident, plan, states, end, 0 };

	expect_all_needed(&rehearsed, totals);
	judge_end(&rehearsed, &totals->verdicts);
	if (seed % LEFT_OUT_ONE_IN == 0)
		leave_one_out(&rehearsed, totals);
}

/* ---- seeds ------------------------------------------------------------------------------------ */

static void count(const struct plan *plan, struct totals *totals)
{
	totals->steps += plan->step_count;
	for (size_t i = 0; i < plan->step_count; i++) {
		totals->parked += plan->steps[i].until != 0;
		totals->by_door[plan->steps[i].door]++;
	}
}

/* Of a staging server's own connector to Active Directory, some incidents have files. */
static struct evidence *what_is_known(struct incident *incident, const struct given *given)
{
	struct evidence *evidence = given_evidence(incident, given);

	if (incident_random(incident, DIRECTORY_ONE_IN) == 0)
		incident_add_directory(incident, evidence);
	return evidence;
}

static void plan_and_rehearse(uint64_t seed, struct incident *incident, struct totals *totals)
{
	struct given given = { .name = "all records",
		.windows = { { incident->began_ms, incident->now_ms } },
		.window_count = 1 };
	CLEANUP(evidence_freep) struct evidence *evidence = what_is_known(incident, &given);
	const struct reconcile_options options = {
		.base = incident->base,
		.live = incident->live,
		.evidence = evidence,
		.staging = "SYNC02",
		.production = incident->manner.production_named ? "SYNC01" : NULL,
	};
	struct error err = { 0 };
	CLEANUP(findings_freep) struct findings *findings = findings_new(&options, &err);
	const struct plan_options planned = {
		.findings = findings,
		.base = incident->base,
		.live = incident->live,
		.evidence = evidence,
		.now_ms = incident->now_ms,
		.tenant_name = "Contoso",
	};
	CLEANUP(plan_freep) struct plan *plan = findings ? plan_new(&planned, &err) : NULL;

	if (!plan)
		fail_msg("seed %zu: %s", (size_t)seed, err.text);
	judge_findings(seed, incident, &given, findings);
	count(plan, totals);
	if (plan->step_count)
		rehearse(seed, incident, plan, totals);
}

static void try_seed(uint64_t seed, const char *folder, struct totals *totals)
{
	CLEANUP(memory_freep) struct incident *incident = memory_new(sizeof(*incident));
	struct manner manner = { .taciturn = seed % 3 == 2, .production_named = seed % 5 < 2 };

	incident_live_through(incident, seed, manner, folder);
	if (staging_wrote(incident))
		plan_and_rehearse(seed, incident, totals);
	incident_release(incident);
}

static void print_totals(const struct range *range, const struct totals *totals)
{
	print_message("%zu seeds, %zu steps (%zu parked); by door:", (size_t)range->count,
		totals->steps, totals->parked);
	for (size_t i = 0; i < DOOR_COUNT; i++)
		if (totals->by_door[i])
			print_message(" %s %zu", door_name((enum door)i), totals->by_door[i]);
	print_message("\nneeded: %zu by the checker, %zu left out and missed", totals->needed,
		totals->left_out);
	print_message(
		"\nin the end: %zu back, %zu left to people, %zu that others have, %zu that nothing proves, %zu "
		"untouched; refused before their time: %zu paragraphs, %zu items of files\n",
		totals->verdicts.put_back, totals->verdicts.left, totals->verdicts.taken,
		totals->verdicts.unproved, totals->verdicts.untouched, totals->paragraphs_refused,
		totals->early);
}

static void every_plan_ends_as_the_history_wants_and_touches_nothing_else(void **state)
{
	const struct range *range = *state;
	struct totals totals = { 0 };

	for (uint64_t seed = range->first; seed - range->first < range->count; seed++)
		try_seed(seed, range->folder, &totals);
	print_totals(range, &totals);
	if (range->count >= SEEDS_TELL)
		assert_true(totals.verdicts.put_back > range->count);
}

int main(int argc, char **argv)
{
	struct range range = { 0, SEEDS, "" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(
			every_plan_ends_as_the_history_wants_and_touches_nothing_else, &range),
	};
	int failed;

	if (argc == 3) {
		range.first = strtoull(argv[1], NULL, 10);
		range.count = strtoull(argv[2], NULL, 10);
	}
	snprintf(range.folder, sizeof(range.folder), "%s/unstage-rehearsing-XXXXXX",
		access(MEMORY_FOLDER, W_OK) == 0 ? MEMORY_FOLDER : "/tmp");
	if (!mkdtemp(range.folder) || setenv("XDG_CACHE_HOME", range.folder, 1) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(range.folder);
	return failed;
}
