/*
 * The decision: from base, live and a timeline to a verdict, and the sentence that says why.
 *
 * Pure: it looks at values and times and at nothing else. What would put a value back has to be
 * proved at every step, because a wrong value put back harms more than damage that is left for
 * a person: the staging server's value, what stood there before, that nothing happened to it
 * since. Where a step has no proof the verdict is `suspect` and the reason names the step.
 */
#include <stdlib.h>

#include "base/time.h"
#include "reconcile/reconcile_internal.h"

/*
 * The unbroken run of staging's writes that ends in its last one, and what surrounds it. Events
 * that only show a value take no part in the run.
 */
struct run {
	size_t first, last; /* places of writes by staging */
	/* Each may be NULL. */
	const struct event *nearest; /* what is known just before the run: a write or a sight */
	const struct event *writer;  /* the write just before the run, by somebody else */
	const struct event *after;   /* a write by somebody else after the run, the last */
	const struct event *tied;    /* one in the same millisecond as a write of the run */
	const struct event *sight;   /* after the run: another value than staging wrote */
	const struct event *shown;   /* before the run: what production's own file shows */
};

static bool is_write(const struct event *event)
{
	return !event->seen;
}

static bool is_staging(const struct event *event)
{
	return is_write(event) && event->writer == WRITER_STAGING;
}

static bool same(const struct question *question, struct span a, struct span b)
{
	return question->same(question->attribute, a, b);
}

/* Its time as far as it is known meets the run's, or comes so close that the order is not certain. */
static bool is_tied(
	const struct run *run, const struct question *question, const struct event *event)
{
	const struct timeline *timeline = question->timeline;
	int64_t order_ms = question->times->order_ms;

	return event->when_ms + order_ms >= event_earliest(&timeline->events[run->first]) &&
		event_earliest(event) <= timeline->events[run->last].when_ms + order_ms;
}

/* Both known, and not the same. */
static bool contradict(const struct question *question, struct known_value a, struct known_value b)
{
	return a.known && b.known && !same(question, a.value, b.value);
}

static bool known_same(const struct question *question, struct known_value a, struct known_value b)
{
	return a.known && b.known && same(question, a.value, b.value);
}

void reason_add_write(struct buf *reason, const struct fact *fact)
{
	char when[TIME_TEXT_BYTES];

	buf_addf(reason, " by %s on %s", fact->who->name, time_text(fact->when_ms, when));
}

static void add_deciding(struct answer *answer, const struct event *event)
{
	for (size_t i = 0; i < answer->deciding_count; i++)
		if (!event || answer->deciding[i]->fact == event->fact)
			return;
	if (event && answer->deciding_count < COUNT_OF(answer->deciding))
		answer->deciding[answer->deciding_count++] = event;
}

/* ---- the run ------------------------------------------------------------------------ */

static void run_look_back(struct run *run, const struct timeline *timeline)
{
	run->first = run->last;
	for (size_t i = run->last; i > 0; i--) {
		const struct event *event = &timeline->events[i - 1];

		if (is_staging(event)) {
			run->first = i - 1;
			run->nearest = NULL;
		} else {
			if (!run->nearest)
				run->nearest = event;
			if (is_write(event)) {
				run->writer = event;
				return;
			}
		}
	}
}

static bool is_of_production(const struct event *event)
{
	return event->shown && event->writer == WRITER_OTHER &&
		event->fact->source == FROM_PRODUCTION_SPACE;
}

/* One that follows at once has perhaps come before: whoever wrote it, decided, and that is all. */
static void run_look_at_write(
	struct run *run, const struct question *question, const struct event *event)
{
	if (is_tied(run, question, event))
		run->tied = event;
	if (event_earliest(event) > question->timeline->events[run->last].when_ms)
		run->after = event;
}

static void run_look_around(struct run *run, const struct question *question)
{
	const struct timeline *timeline = question->timeline;
	const struct event *last = &timeline->events[run->last];

	for (size_t i = 0; i < timeline->count; i++) {
		const struct event *event = &timeline->events[i];

		if (is_staging(event))
			continue;
		if (is_write(event))
			run_look_at_write(run, question, event);
		else if (is_of_production(event) && i < run->first)
			run->shown = event;
		else if (!event->shown && i > run->last &&
			contradict(question, event->new_value, last->new_value))
			run->sight = event;
	}
}

static bool run_find(struct run *run, const struct question *question)
{
	const struct timeline *timeline = question->timeline;
	bool found = false;

	*run = (struct run){ 0 };
	for (size_t i = 0; i < timeline->count; i++)
		if (is_staging(&timeline->events[i])) {
			run->last = i;
			found = true;
		}
	if (found) {
		run_look_back(run, timeline);
		run_look_around(run, question);
	}
	return found;
}

/* ---- what stood there before -------------------------------------------------------- */

static bool not_proved(struct answer *answer, const char *why)
{
	buf_addf(&answer->reason, "what stood there before is not proved: %s", why);
	return false;
}

static bool not_proved_by(struct answer *answer, const char *why, const struct event *event)
{
	add_deciding(answer, event);
	not_proved(answer, why);
	reason_add_write(&answer->reason, event->fact);
	return false;
}

/* What a file shows stood there at the earliest of its times; of the others nobody knows. */
static int64_t witness_ms(const struct event *event)
{
	return event->shown ? event_earliest(event) : event->when_ms;
}

/* Is the base a later witness of the value than the last write by somebody else? */
static bool base_is_newest(const struct question *question, const struct run *run)
{
	const struct event *first = &question->timeline->events[run->first];

	return question->base.known && event_earliest(first) > question->times->base_until &&
		(!run->writer || run->writer->when_ms < question->times->base_from) &&
		(!run->shown || witness_ms(run->shown) < question->times->base_from);
}

static bool before_from_base(
	const struct question *question, struct known_value *before, struct answer *answer)
{
	if (!question->base.known)
		return not_proved(answer, "no record tells it and the base does not know it");
	*before = question->base;
	return true;
}

/* Another write so close to the nearest left something else: who came last? */
static bool nearest_is_tied(const struct question *question, const struct run *run)
{
	const struct timeline *timeline = question->timeline;

	for (size_t i = 0; i < timeline->count; i++) {
		const struct event *event = &timeline->events[i];

		if (event != run->nearest && is_write(event) && !is_staging(event) &&
			llabs(event->when_ms - run->nearest->when_ms) <=
				question->times->order_ms &&
			contradict(question, event->new_value, run->nearest->new_value))
			return true;
	}
	return false;
}

static bool before_from_records(const struct question *question, const struct run *run,
	struct known_value *before, struct answer *answer)
{
	const struct event *first = &question->timeline->events[run->first];

	if (first->old_value.known) {
		*before = first->old_value;
		return true;
	}
	if (!run->nearest->new_value.known)
		return not_proved_by(answer, "no value is recorded of the write", run->nearest);
	if (nearest_is_tied(question, run))
		return not_proved_by(
			answer, "two wrote at nearly the same time, one of them", run->nearest);
	*before = run->nearest->new_value;
	return true;
}

/* What production showed, where nobody is known to have written since, and no later base tells. */
static const struct event *last_shown(const struct question *question, const struct run *run)
{
	if (!run->shown || (run->writer && run->writer > run->shown) ||
		(question->base.known && witness_ms(run->shown) < question->times->base_from))
		return NULL;
	return run->shown;
}

/* What else is known of the time before the run must not say otherwise. */
static bool before_is_undisputed(const struct question *question, const struct run *run,
	struct known_value before, struct answer *answer)
{
	const struct event *const witnesses[] = { run->nearest, run->writer,
		last_shown(question, run) };

	for (size_t i = 0; i < COUNT_OF(witnesses); i++)
		if (witnesses[i] && contradict(question, witnesses[i]->new_value, before))
			return not_proved_by(answer,
				"something unseen happened between the staging server's write and "
				"the one",
				witnesses[i]);
	if (base_is_newest(question, run) && contradict(question, question->base, before))
		return not_proved(answer,
			"the base snapshot differs, and no record tells who changed it since");
	if (question->origin.made_since && !run->writer && !run->shown && before.value.data)
		return not_proved(answer,
			"the object was made without it, and no record tells who wrote it since");
	return true;
}

/*
 * A value that staging found may be one that it wrote itself, unseen. It is somebody else's
 * when all the time is covered since somebody else wrote it, or since the object is known.
 */
static bool before_is_vouched_for(const struct question *question, const struct run *run,
	struct known_value before, struct answer *answer)
{
	const struct times *times = question->times;
	const struct event *first = &question->timeline->events[run->first];

	if (run->writer && event_earliest(run->writer) >= times->evidence_from)
		return true;
	if (run->shown && event_earliest(run->shown) >= times->evidence_from)
		return true;
	if (question->origin.not_quiet)
		return not_proved(answer,
			"the evidence covers less than a day before the staging server's first write: "
			"what it found there may be its own");
	if (question->origin.since_ms == TIME_NONE)
		return not_proved(answer,
			"the base snapshot does not have the object, and no record tells who made it");
	if (event_earliest(first) <= question->origin.since_ms)
		return not_proved(
			answer, "the staging server wrote before the base snapshot was complete");
	if (times->not_logged && !times->by_servers)
		return not_proved(answer, "the audit log never tells who writes it");
	if (times->evidence_from <= question->origin.since_ms)
		return true;
	/* A person can say that nobody wrote in that time: then the base is it, and nothing else. */
	answer->base_would_do = !question->origin.made_since && !times->rebuilt &&
		known_same(question, question->base, before);
	if (!answer->base_would_do || !question->base_is_before)
		return not_proved(answer,
			"the evidence does not cover all the time from the base snapshot to the staging "
			"server's write");
	return true;
}

/* Each write of the run must find what the one before left, or what stood there before them all. */
static bool run_is_whole(const struct question *question, const struct run *run,
	struct known_value before, struct answer *answer)
{
	struct known_value stands = question->timeline->events[run->first].new_value;

	for (size_t i = run->first + 1; i <= run->last; i++) {
		const struct event *event = &question->timeline->events[i];

		if (event->shown)
			continue;
		if (contradict(question, event->old_value, stands) &&
			contradict(question, event->old_value, before))
			return not_proved_by(
				answer, "something unseen happened before the write", event);
		stands = is_write(event) || event->new_value.known ? event->new_value : stands;
	}
	return true;
}

static bool before_prove(const struct question *question, const struct run *run,
	struct known_value *before, struct answer *answer)
{
	const struct event *first = &question->timeline->events[run->first];
	bool older = run->nearest && question->base.known &&
		witness_ms(run->nearest) < question->times->base_from;
	bool told;

	if (run->tied)
		return not_proved_by(answer,
			"at the same time as the staging server's, as far as times are known, there is a "
			"write",
			run->tied);
	if (run->writer && run->writer->writer == WRITER_DOUBTFUL)
		return not_proved_by(answer,
			"it was written by a sync server that is neither production nor staging,",
			run->writer);
	if (first->old_value.known || (run->nearest && !older))
		told = before_from_records(question, run, before, answer);
	else
		told = before_from_base(question, before, answer);
	if (told) {
		add_deciding(answer, run->writer);
		add_deciding(answer, run->shown);
	}
	return told && before_is_undisputed(question, run, *before, answer) &&
		before_is_vouched_for(question, run, *before, answer) &&
		run_is_whole(question, run, *before, answer);
}

/* ---- verdicts ------------------------------------------------------------------------------- */

static void say(struct answer *answer, enum verdict verdict, const char *text)
{
	answer->found = true;
	answer->verdict = verdict;
	buf_cut(&answer->reason, 0);
	buf_add_text(&answer->reason, text);
}

static void say_write(
	struct answer *answer, enum verdict verdict, const char *text, const struct event *event)
{
	say(answer, verdict, text);
	reason_add_write(&answer->reason, event->fact);
	add_deciding(answer, event);
}

static void decide_without_staging(const struct question *question, struct answer *answer)
{
	if (!contradict(question, question->base, question->live))
		return;
	say(answer, VERDICT_DRIFT, REASON_DRIFT);
	if (answer->last) {
		buf_add_text(&answer->reason, "; last written");
		reason_add_write(&answer->reason, answer->last->fact);
		add_deciding(answer, answer->last);
	}
}

/* Staging wrote what stood there anyway, and now something else stands there. */
static void decide_no_change(
	const struct question *question, const struct run *run, struct answer *answer)
{
	if (!run->after) {
		say(answer, VERDICT_CONTESTED,
			"the staging server wrote the value that stood there already, and somebody "
			"unseen changed it since");
		return;
	}
	if (contradict(question, question->base, question->live))
		say_write(answer, VERDICT_DRIFT,
			"the staging server wrote the value that stood there already; it was changed "
			"since",
			run->after);
}

static void decide_revert(const struct question *question, struct answer *answer)
{
	const struct times *times = question->times;

	if (times->not_logged && !times->by_servers) {
		say(answer, VERDICT_SUSPECT,
			"the audit log never tells who writes it: somebody may have written since");
		return;
	}
	if (times->evidence_from > event_earliest(answer->last_staging)) {
		say(answer, VERDICT_SUSPECT,
			"the evidence does not cover the time of the staging server's write: somebody "
			"may have written since");
		return;
	}
	if (times->evidence_until < times->live_until) {
		say(answer, VERDICT_SUSPECT,
			times->by_servers
				? "the production server's connector space was exported before the "
				  "live snapshot was taken: that server may have written since; "
				  "export it again"
				: "the evidence ends before the live snapshot was taken: somebody "
				  "may have written since");
		return;
	}
	say(answer, VERDICT_REVERT, "written");
	reason_add_write(&answer->reason, answer->last_staging->fact);
	buf_add_text(&answer->reason, ", and by nobody since");
}

/* The value before is proved: what does live say? True when that decides. */
static bool decide_with_before(
	const struct question *question, const struct run *run, bool late, struct answer *answer)
{
	bool no_change = known_same(question, answer->staging, answer->before);

	if (known_same(question, question->live, answer->before)) {
		if (no_change)
			return true;
		if (late)
			say(answer, VERDICT_SUSPECT,
				"the staging server wrote it after the live snapshot was begun: take "
				"a new one");
		else
			say(answer, VERDICT_HEALED, "what stood there before stands there again");
		return true;
	}
	if (no_change) {
		decide_no_change(question, run, answer);
		return true;
	}
	return false;
}

/* It may never have been written; live, which has something else, does not tell. */
static void decide_perhaps(const struct question *question, struct answer *answer)
{
	if (known_same(question, question->live, answer->before))
		say(answer, VERDICT_HEALED,
			"the staging server's run died while it sent this: perhaps it was never "
			"written, and what stood there before stands there");
	else
		say(answer, VERDICT_SUSPECT,
			"the staging server's run died while it sent this, and live has something "
			"else: perhaps it was written");
}

static void decide_with_staging(
	const struct question *question, const struct run *run, struct answer *answer)
{
	const struct event *last = &question->timeline->events[run->last];
	bool late = last->when_ms >= question->times->live_from;
	bool live_is_staging;

	add_deciding(answer, last);
	add_deciding(answer, &question->timeline->events[run->first]);
	answer->staging = last->new_value;
	answer->verdict = VERDICT_SUSPECT;
	if (!before_prove(question, run, &answer->before, answer))
		answer->before = (struct known_value){ 0 };
	live_is_staging = known_same(question, question->live, answer->staging);
	if (last->perhaps && !live_is_staging) {
		decide_perhaps(question, answer);
		return;
	}
	if (answer->before.known && decide_with_before(question, run, late, answer))
		return;
	if (run->after)
		say_write(
			answer, VERDICT_CONTESTED, "written after the staging server", run->after);
	else if (run->sight)
		say_write(answer, VERDICT_CONTESTED,
			"changed by somebody unseen after the staging server, as the record shows that was made",
			run->sight);
	else if (!answer->staging.known)
		say(answer, VERDICT_SUSPECT,
			"the staging server touched it, and what it wrote is not recorded");
	else if (late && !live_is_staging)
		say(answer, VERDICT_SUSPECT,
			"the staging server wrote it after the live snapshot was begun: take a new one");
	else if (!answer->before.known)
		answer->found = true; /* the proof that failed left its sentence */
	else if (live_is_staging)
		decide_revert(question, answer);
	else
		say(answer, VERDICT_CONTESTED,
			"neither what the staging server wrote nor what stood there before");
}

/* Records that name a whole set tell nothing of an element that stands where it stood. */
static bool only_touched(const struct question *question)
{
	if (!question->element || !known_same(question, question->base, question->live))
		return false;
	for (size_t i = 0; i < question->timeline->count; i++)
		if (is_staging(&question->timeline->events[i]) &&
			question->timeline->events[i].new_value.known)
			return false;
	return true;
}

void verdict_decide(const struct question *question, struct answer *answer)
{
	struct run run;

	*answer = (struct answer){ .reason = BUF_UP_TO(REASON_MAX) };
	for (size_t i = 0; i < question->timeline->count; i++)
		if (is_write(&question->timeline->events[i]))
			answer->last = &question->timeline->events[i];
	if (!question->live.known)
		return;
	if (!run_find(&run, question)) {
		decide_without_staging(question, answer);
		return;
	}
	answer->last_staging = &question->timeline->events[run.last];
	if (!only_touched(question))
		decide_with_staging(question, &run, answer);
}

void answer_release(struct answer *answer)
{
	buf_release(&answer->reason);
}
