/* The decision alone: values and times in, a verdict out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "reconcile/reconcile_internal.h"

/* Base is taken from 100 to 200, live from 1000 to 1100; the evidence covers 150 to 1200. */
static const struct times plain_times = { 100, 200, 1000, 1100, 150, 1200, false, 0, false, false };

static const struct writer staging_writer = { "1", "staging", "SYNC02" };
static const struct writer other_writer = { "2", "other", NULL };

#define EVENTS_MAX 8

struct trial {
	struct fact facts[EVENTS_MAX];
	struct timeline timeline;
	struct times times;
	struct question question;
	struct answer answer;
};

static struct known_value known(const char *text)
{
	return (struct known_value){ true, span_of(text) };
}

static const struct known_value not_known = { 0 };

static bool same_bytes(const struct attribute *attribute UNUSED, struct span a, struct span b)
{
	return span_equal(a, b);
}

static void trial_start(struct trial *trial, struct known_value base, struct known_value live)
{
	*trial = (struct trial){ .times = plain_times };
	trial->question = (struct question){ .same = same_bytes,
		.base = base,
		.live = live,
		.timeline = &trial->timeline,
		.times = &trial->times,
		.origin = { plain_times.base_until, false, false } };
}

static struct event *add(struct trial *trial, int64_t when_ms, enum writer_class writer,
	struct known_value old_value, struct known_value new_value)
{
	size_t place = trial->timeline.count;
	struct event event = { .when_ms = when_ms,
		.fact = &trial->facts[place],
		.writer = writer,
		.old_value = old_value,
		.new_value = new_value };

	assert_true(place < EVENTS_MAX);
	trial->facts[place].when_ms = when_ms;
	trial->facts[place].who = writer == WRITER_STAGING ? &staging_writer : &other_writer;
	timeline_add(&trial->timeline, &event);
	return &trial->timeline.events[place];
}

static void decide(struct trial *trial)
{
	answer_release(&trial->answer);
	verdict_decide(&trial->question, &trial->answer);
}

static void expect(struct trial *trial, enum verdict verdict)
{
	decide(trial);
	assert_true(trial->answer.found);
	assert_string_equal(verdict_name(trial->answer.verdict), verdict_name(verdict));
	assert_true(trial->answer.reason.length > 0);
}

static void trial_release(struct trial *trial)
{
	timeline_release(&trial->timeline);
	answer_release(&trial->answer);
}

static void nothing_written_and_nothing_changed_is_nothing(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("a"));
	decide(&trial);
	assert_false(trial.answer.found);
}

static void an_unknown_live_value_is_never_a_finding(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), not_known);
	add(&trial, 500, WRITER_STAGING, known("a"), known("x"));
	decide(&trial);
	assert_false(trial.answer.found);
}

static void an_unknown_base_without_evidence_is_never_a_finding(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, not_known, known("b"));
	decide(&trial);
	assert_false(trial.answer.found);
}

static void base_is_before_when_all_the_time_is_covered(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("x"));
	add(&trial, 500, WRITER_STAGING, not_known, known("x"));
	expect(&trial, VERDICT_REVERT);
	assert_true(span_is(trial.answer.before.value, "a"));
}

static void coverage_that_begins_with_the_base_is_enough_and_later_is_not(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("x"));
	add(&trial, 500, WRITER_STAGING, not_known, known("x"));
	trial.times.evidence_from = 200;
	expect(&trial, VERDICT_REVERT);
	trial.times.evidence_from = 201;
	expect(&trial, VERDICT_SUSPECT);
	assert_false(trial.answer.before.known);
}

static void coverage_must_reach_the_end_of_live(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("x"));
	add(&trial, 500, WRITER_STAGING, known("a"), known("x"));
	trial.times.evidence_until = 1100;
	expect(&trial, VERDICT_REVERT);
	trial.times.evidence_until = 1099;
	expect(&trial, VERDICT_SUSPECT);
}

static void coverage_must_hold_the_write_itself(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("x"));
	add(&trial, 500, WRITER_STAGING, known("a"), known("x"));
	trial.times.evidence_from = 501;
	expect(&trial, VERDICT_SUSPECT);
}

static void a_base_taken_after_stagings_write_proves_nothing(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("x"), known("x"));
	add(&trial, 200, WRITER_STAGING, not_known, known("x"));
	expect(&trial, VERDICT_SUSPECT);
}

static void a_write_seen_before_the_base_was_taken_must_agree_with_it(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("x"));
	trial.times.evidence_from = 0;
	add(&trial, 50, WRITER_OTHER, not_known, known("b"));
	add(&trial, 500, WRITER_STAGING, not_known, known("x"));
	expect(&trial, VERDICT_SUSPECT);
	trial.timeline.events[0].new_value = known("a");
	expect(&trial, VERDICT_REVERT);
}

static void the_old_value_of_the_first_write_of_a_run_is_before(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("z"));
	add(&trial, 250, WRITER_OTHER, known("a"), not_known);
	add(&trial, 300, WRITER_STAGING, known("b"), known("x"));
	add(&trial, 500, WRITER_STAGING, known("x"), known("z"));
	expect(&trial, VERDICT_REVERT);
	assert_true(span_is(trial.answer.before.value, "b"));
}

/* What staging found may be what staging itself wrote, in a record that nobody has. */
static void an_old_value_that_the_base_contradicts_is_no_proof(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("z"));
	add(&trial, 500, WRITER_STAGING, known("x"), known("z"));
	expect(&trial, VERDICT_SUSPECT);
	assert_false(trial.answer.before.known);
	trial.timeline.events[0].old_value = known("a");
	expect(&trial, VERDICT_REVERT);
}

static void a_sight_that_the_base_contradicts_is_no_proof(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("z"));
	add(&trial, 400, WRITER_OTHER, known("x"), known("x"))->seen = true;
	add(&trial, 500, WRITER_STAGING, known("x"), known("z"));
	expect(&trial, VERDICT_SUSPECT);
}

static void a_sight_that_the_last_writer_contradicts_is_no_proof(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("x"), known("z"));
	add(&trial, 300, WRITER_OTHER, known("x"), known("a"));
	add(&trial, 400, WRITER_OTHER, known("x"), known("x"))->seen = true;
	add(&trial, 500, WRITER_STAGING, known("x"), known("z"));
	expect(&trial, VERDICT_SUSPECT);
}

static void a_base_after_the_last_writer_contradicts_him(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("z"));
	trial.times.evidence_from = 0;
	add(&trial, 50, WRITER_OTHER, known("a"), not_known);
	add(&trial, 500, WRITER_STAGING, known("b"), known("z"));
	expect(&trial, VERDICT_SUSPECT);
}

/* Base a, b by a person, a by staging, all of it in the gap: the old value a is staging's. */
static void an_old_value_behind_a_gap_is_no_proof_even_if_the_base_agrees(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("z"));
	trial.times.evidence_from = 450;
	add(&trial, 500, WRITER_STAGING, known("a"), known("z"));
	expect(&trial, VERDICT_SUSPECT);
	assert_false(trial.answer.before.known);
	add(&trial, 500, WRITER_STAGING, known("a"), known("z"));
	trial.timeline.events[0].writer = WRITER_OTHER;
	trial.timeline.events[0].new_value = known("a");
	trial.timeline.events[0].when_ms = 460;
	expect(&trial, VERDICT_REVERT);
	trial.timeline.events[0].when_ms = 449; /* and a writer from before the gap's end is none */
	expect(&trial, VERDICT_SUSPECT);
}

static void a_run_that_spans_a_gap_is_no_proof(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("z"));
	trial.times.evidence_from = 400;
	add(&trial, 300, WRITER_STAGING, known("a"), known("x"));
	add(&trial, 500, WRITER_STAGING, not_known, known("z"));
	expect(&trial, VERDICT_SUSPECT);
}

static void a_value_of_an_object_that_nobody_is_known_to_have_made_is_no_proof(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, not_known, known("z"));
	add(&trial, 500, WRITER_STAGING, known("x"), known("z"));
	trial.question.origin.since_ms = 400;
	expect(&trial, VERDICT_REVERT);
	trial.question.origin.since_ms = TIME_NONE;
	expect(&trial, VERDICT_SUSPECT);
}

static void an_object_made_since_had_only_what_a_record_tells(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, not_known, known("z"));
	trial.question.origin = (struct origin){ 400, true, false };
	add(&trial, 500, WRITER_STAGING, known("x"), known("z"));
	expect(&trial, VERDICT_SUSPECT);
	trial.timeline.events[0].old_value = known(NULL);
	expect(&trial, VERDICT_REVERT);
}

static void a_run_is_broken_by_somebody_else(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("z"));
	add(&trial, 300, WRITER_STAGING, known("a"), known("x"));
	add(&trial, 400, WRITER_OTHER, not_known, known("y"));
	add(&trial, 500, WRITER_STAGING, not_known, known("z"));
	expect(&trial, VERDICT_REVERT);
	assert_true(span_is(trial.answer.before.value, "y"));
}

static void a_doubtful_writers_value_is_no_proof(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("x"));
	add(&trial, 300, WRITER_DOUBTFUL, known("a"), known("b"));
	add(&trial, 500, WRITER_STAGING, known("b"), known("x"));
	expect(&trial, VERDICT_SUSPECT);
}

static void a_doubtful_writer_afterwards_still_makes_it_contested(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("x"));
	add(&trial, 500, WRITER_STAGING, known("a"), known("x"));
	add(&trial, 600, WRITER_DOUBTFUL, known("x"), known("x"));
	expect(&trial, VERDICT_CONTESTED);
}

static void what_is_seen_later_and_differs_was_changed_by_somebody(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("x"));
	add(&trial, 500, WRITER_STAGING, known("a"), known("x"));
	add(&trial, 600, WRITER_OTHER, known("q"), known("q"))->seen = true;
	expect(&trial, VERDICT_CONTESTED);
	trial.timeline.events[1].old_value = trial.timeline.events[1].new_value = known("x");
	expect(&trial, VERDICT_REVERT);
}

static void what_was_seen_just_before_is_before(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, not_known, known("x"));
	add(&trial, 400, WRITER_OTHER, known("b"), known("b"))->seen = true;
	add(&trial, 500, WRITER_STAGING, not_known, known("x"));
	expect(&trial, VERDICT_REVERT);
	assert_true(span_is(trial.answer.before.value, "b"));
}

static void healed_needs_a_live_snapshot_begun_after_the_write(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("a"));
	add(&trial, 999, WRITER_STAGING, known("a"), known("x"));
	expect(&trial, VERDICT_HEALED);
	trial.timeline.events[0].when_ms = 1000;
	expect(&trial, VERDICT_SUSPECT);
}

static void a_live_value_read_after_a_late_write_goes_back(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("x"));
	add(&trial, 1050, WRITER_STAGING, known("a"), known("x"));
	expect(&trial, VERDICT_REVERT);
}

static void a_late_write_that_live_does_not_show_is_suspect(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("b"));
	add(&trial, 1050, WRITER_STAGING, known("a"), known("x"));
	expect(&trial, VERDICT_SUSPECT);
}

static void staging_clearing_what_was_empty_is_nothing(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known(NULL), known(NULL));
	add(&trial, 500, WRITER_STAGING, known(NULL), known(NULL));
	decide(&trial);
	assert_false(trial.answer.found);
}

static void an_element_that_is_only_named_and_stands_as_before_is_nothing(void **state UNUSED)
{
	CLEANUP(trial_release) struct trial trial;

	trial_start(&trial, known("a"), known("a"));
	trial.question.element = true;
	trial.times.evidence_from = 300;
	add(&trial, 500, WRITER_STAGING, not_known, not_known);
	decide(&trial);
	assert_false(trial.answer.found);
	trial.question.element = false;
	expect(&trial, VERDICT_SUSPECT);
}

/*
 * All short histories of two writers and two values: whatever happens, a value goes back only
 * when live is what staging wrote last, nobody wrote later, and it goes back to the value that
 * really stood before the last unbroken run of staging's writes.
 */
static void every_short_history_reverts_only_what_it_must(void **state UNUSED)
{
	static const char *const values[] = { "a", "b", "c" };
	enum { STEPS = 4, CHOICES = 6 };
	size_t reverted = 0;

	for (size_t history = 0; history < 6 * 6 * 6 * 6; history++) {
		CLEANUP(trial_release) struct trial trial;
		const char *now = "a", *before = NULL;
		bool by_staging = false;
		size_t rest = history;

		trial_start(&trial, known("a"), not_known);
		for (int64_t step = 0; step < STEPS; step++, rest /= CHOICES) {
			bool staging = rest % CHOICES < 3;
			const char *next = values[rest % 3];

			if (staging && !by_staging)
				before = now;
			by_staging = staging;
			add(&trial, 300 + step, staging ? WRITER_STAGING : WRITER_OTHER, known(now),
				known(next));
			now = next;
		}
		trial.question.live = known(now);
		decide(&trial);
		if (trial.answer.found && trial.answer.verdict == VERDICT_REVERT) {
			reverted++;
			assert_true(by_staging);
			assert_string_not_equal(now, before);
			assert_true(span_is(trial.answer.before.value, before));
		} else {
			assert_true(!by_staging || strcmp(now, before) == 0);
		}
	}
	assert_true(reverted > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_written_and_nothing_changed_is_nothing),
		cmocka_unit_test(an_unknown_live_value_is_never_a_finding),
		cmocka_unit_test(an_unknown_base_without_evidence_is_never_a_finding),
		cmocka_unit_test(base_is_before_when_all_the_time_is_covered),
		cmocka_unit_test(coverage_that_begins_with_the_base_is_enough_and_later_is_not),
		cmocka_unit_test(coverage_must_reach_the_end_of_live),
		cmocka_unit_test(coverage_must_hold_the_write_itself),
		cmocka_unit_test(a_base_taken_after_stagings_write_proves_nothing),
		cmocka_unit_test(a_write_seen_before_the_base_was_taken_must_agree_with_it),
		cmocka_unit_test(the_old_value_of_the_first_write_of_a_run_is_before),
		cmocka_unit_test(an_old_value_that_the_base_contradicts_is_no_proof),
		cmocka_unit_test(a_sight_that_the_base_contradicts_is_no_proof),
		cmocka_unit_test(a_sight_that_the_last_writer_contradicts_is_no_proof),
		cmocka_unit_test(a_base_after_the_last_writer_contradicts_him),
		cmocka_unit_test(an_old_value_behind_a_gap_is_no_proof_even_if_the_base_agrees),
		cmocka_unit_test(a_run_that_spans_a_gap_is_no_proof),
		cmocka_unit_test(
			a_value_of_an_object_that_nobody_is_known_to_have_made_is_no_proof),
		cmocka_unit_test(an_object_made_since_had_only_what_a_record_tells),
		cmocka_unit_test(a_run_is_broken_by_somebody_else),
		cmocka_unit_test(a_doubtful_writers_value_is_no_proof),
		cmocka_unit_test(a_doubtful_writer_afterwards_still_makes_it_contested),
		cmocka_unit_test(what_is_seen_later_and_differs_was_changed_by_somebody),
		cmocka_unit_test(what_was_seen_just_before_is_before),
		cmocka_unit_test(healed_needs_a_live_snapshot_begun_after_the_write),
		cmocka_unit_test(a_live_value_read_after_a_late_write_goes_back),
		cmocka_unit_test(a_late_write_that_live_does_not_show_is_suspect),
		cmocka_unit_test(staging_clearing_what_was_empty_is_nothing),
		cmocka_unit_test(an_element_that_is_only_named_and_stands_as_before_is_nothing),
		cmocka_unit_test(every_short_history_reverts_only_what_it_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
