/*
 * Many tangles, each from a seed, planned and walked:
 *
 *	the walk is good, by number and in other orders, and ends exactly as wanted
 *	no step can be left out, and no parking
 *	nobody's own change is in a step's way, or undone by one
 *
 * tangles_test [COUNT [FIRST]]
 */
#include <stdio.h>
#include <stdlib.h>

#include "rollback/check.h"
#include "tests/rollback/tangle.h"

/* The sanitizers make each seed some ten times dearer. */
#if defined(__SANITIZE_ADDRESS__)
enum { SEEDS = 1500 };
#else
enum { SEEDS = 20000 };
#endif

enum { ORDERS = 3 };

static size_t seeds = SEEDS, first_seed;

struct tally {
	size_t steps, parked, parked_by_exchange, mixed, left, tangled, longest,
		by_door[DOOR_COUNT];
};

struct trial {
	uint64_t seed;
	struct tangle tangle;
	struct plan *plan;
	struct check *check;
	struct tally *tally;
};

static void print_step(const struct plan_step *step)
{
	fprintf(stderr, "%3zu %-8s %-13s ..%s %s %.*s -> %.*s%s after", step->number,
		door_name(step->door), graph_operation_name(step->operation), step->id + 34,
		step->attribute ? step->attribute->name : step->kind->name, SPAN_FORMAT(step->from),
		SPAN_FORMAT(step->to), step->until ? " (parked)" : "");
	for (size_t i = 0; i < step->after_count; i++)
		fprintf(stderr, " %zu", step->after[i]);
	fprintf(stderr, "%s\n", step->manual ? strstr(step->manual, "Why by hand") : "");
}

static void fail_trial(
	const struct trial *trial, const char *what, const struct check_result *result)
{
	for (size_t i = 0; i < TANGLE_OBJECTS; i++)
		fprintf(stderr, "%s", trial->tangle.lines[i]);
	for (size_t i = 0; i < trial->plan->step_count; i++)
		print_step(&trial->plan->steps[i]);
	fail_msg("seed %zu: %s: step %zu: %s", (size_t)trial->seed, what, result ? result->step : 0,
		result ? result->text : "");
}

/* Where a paragraph stands for a door's own file, the step is that door's: it promises as much. */
static void promise(struct plan *plan)
{
	struct plan_step *steps = (struct plan_step *)plan->steps;

	for (size_t i = 0; i < plan->step_count; i++) {
		if (steps[i].door != DOOR_MANUAL)
			continue;
		if (strstr(steps[i].manual, "Exchange Online masters it"))
			steps[i].door = DOOR_EXCHANGE;
		else if (strstr(steps[i].manual, "Active Directory is wrong"))
			steps[i].door = DOOR_DIRECTORY;
	}
}

static void file_reads_back(const struct trial *trial)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	struct error err = { 0 };

	assert_true(plan_seal_files(trial->plan, &err));
	plan_add_json(&text, trial->plan);
	CLEANUP(plan_freep) struct plan *again = plan_parse(buf_span(&text), &err);

	if (!again)
		fail_msg("seed %zu: %s\n%s", (size_t)trial->seed, err.text, buf_text(&text));
}

static void walks_are_good(const struct trial *trial)
{
	for (size_t i = 0; i < ORDERS; i++) {
		struct check_walk walk = { .seed = i ? trial->seed * ORDERS + i : 0 };
		struct check_result result;

		if (!check_walk(trial->check, &walk, &result))
			fail_trial(trial, i ? "another order" : "by number", &result);
		if (result.left && !trial->tangle.taken_since)
			fail_trial(trial, "steps are left though nobody is in the way", &result);
		trial->tally->left += i ? 0 : result.left;
	}
}

static void no_step_can_be_left_out(const struct trial *trial)
{
	for (size_t i = 1; i <= trial->plan->step_count; i++) {
		struct check_walk walk = { .without = i };
		struct check_result result;

		if (!check_walk(trial->check, &walk, &result))
			continue;
		result.step = i;
		fail_trial(trial, "it ends well without", &result);
	}
}

/* Does the step come after the other one by way of a step of another value? */
static bool comes_after(const struct plan *plan, size_t step, size_t other, bool *met)
{
	const struct plan_step *at = &plan->steps[step - 1];

	if (met[step])
		return false;
	met[step] = true;
	for (size_t i = 0; i < at->after_count; i++)
		if (at->after[i] == other ||
			(at->after[i] > other && comes_after(plan, at->after[i], other, met)))
			return true;
	return false;
}

/* In one step instead of two halves there would be a circle: who waits for it, it waits for. */
static void no_parking_is_needless(const struct trial *trial)
{
	const struct plan *plan = trial->plan;

	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];
		CLEANUP(memory_freep) bool *met = memory_array(plan->step_count + 2, sizeof(*met));
		bool needed = false;

		if (!step->until)
			continue;
		for (size_t j = 0; j < plan->steps[step->until - 1].after_count; j++) {
			size_t before = plan->steps[step->until - 1].after[j];

			needed |= before > step->number &&
				comes_after(plan, before, step->number, met);
		}
		if (!needed)
			fail_trial(trial, "a parking is needless",
				&(struct check_result){ .step = step->number });
	}
}

static size_t object_of(const struct plan_step *step)
{
	for (size_t i = 0; i < TANGLE_OBJECTS; i++)
		if (strcmp(step->id, tangle_id(i)) == 0)
			return i;
	fail_msg("a step about %s, which is nobody", step->id);
	return 0;
}

/* Whole values: what people added since is in them, and nothing else. */
static void ends_as_wanted(const struct trial *trial)
{
	for (size_t i = 0; i < trial->plan->step_count; i++) {
		const struct plan_step *step = &trial->plan->steps[i];
		CLEANUP(buf_release) struct buf wanted = BUF_UP_TO(TANGLE_LINE);

		if (step->operation != GRAPH_SET || step->until)
			continue;
		tangle_add_wanted(&wanted, &trial->tangle, object_of(step), step->attribute);
		if (!attribute_equal(step->attribute, step->to,
			    wanted.length ? buf_span(&wanted) : SPAN_NONE))
			fail_trial(trial, buf_text(&wanted),
				&(struct check_result){
					.step = step->number, .text = "is not what was wanted" });
	}
}

static bool has_step(const struct plan *plan, const struct finding *finding)
{
	for (size_t i = 0; i < plan->step_count; i++)
		if (span_is(finding->id, plan->steps[i].id) &&
			finding->attribute == plan->steps[i].attribute)
			return true;
	return false;
}

static void every_finding_has_its_step(const struct trial *trial)
{
	for (size_t i = 0; i < trial->tangle.finding_count; i++)
		if (!has_step(trial->plan, &trial->tangle.findings[i]))
			fail_trial(trial, "a finding without a step", NULL);
}

static void count(const struct trial *trial)
{
	struct tally *tally = trial->tally;

	tally->steps += trial->plan->step_count;
	tally->tangled += trial->tangle.taken_since;
	if (trial->tangle.longest > tally->longest)
		tally->longest = trial->tangle.longest;
	for (size_t i = 0; i < trial->plan->step_count; i++) {
		const struct plan_step *step = &trial->plan->steps[i];

		tally->by_door[step->door]++;
		tally->parked += step->until != 0;
		tally->parked_by_exchange += step->until && step->door == DOOR_EXCHANGE;
		for (size_t j = 0; j < step->after_count; j++)
			tally->mixed += step->door != trial->plan->steps[step->after[j] - 1].door;
	}
}

static void try_seed(uint64_t seed, struct tally *tally)
{
	struct trial *trial = memory_new(sizeof(*trial));
	struct check_live live = { tangle_visit, &trial->tangle };
	struct error err = { 0 };

	trial->seed = seed;
	trial->tally = tally;
	tangle_live_through(&trial->tangle, seed);
	trial->plan = tangle_plan(&trial->tangle);
	file_reads_back(trial);
	promise(trial->plan);
	trial->check = check_new(trial->plan, &live, &err);
	assert_non_null(trial->check);
	walks_are_good(trial);
	every_finding_has_its_step(trial);
	no_parking_is_needless(trial);
	if (!trial->tangle.taken_since) {
		ends_as_wanted(trial);
		no_step_can_be_left_out(trial);
	}
	count(trial);
	check_free(trial->check);
	plan_free(trial->plan);
	tangle_release(&trial->tangle);
	memory_free(trial);
}

static void tangles_come_undone_and_nothing_else_is_touched(void **state UNUSED)
{
	struct tally tally = { 0 };

	for (size_t i = 0; i < seeds; i++)
		try_seed(first_seed + i, &tally);
	printf("%zu tangles from seed %zu: %zu steps, %zu parked (%zu by Exchange), rings up to %zu; "
	       "%zu waits between doors; %zu where somebody was in the way, %zu steps left to people\n",
		seeds, first_seed, tally.steps, tally.parked, tally.parked_by_exchange,
		tally.longest, tally.mixed, tally.tangled, tally.left);
	if (seeds < 1000)
		return;
	/* What was never met was not tested. */
	assert_true(tally.parked > seeds / 10 && tally.parked_by_exchange > seeds / 20);
	assert_true(tally.mixed > seeds / 10 && tally.tangled && tally.longest > 5);
	for (enum door door = DOOR_GRAPH; door <= DOOR_ADSYNC; door++)
		assert_true(tally.by_door[door] > seeds / 50);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tangles_come_undone_and_nothing_else_is_touched),
	};

	if (argc > 1)
		seeds = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		first_seed = strtoul(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
