/*
 * Whole objects: created, deleted, restored, purged.
 *
 * The same questions as for a value, with other words: what did staging do to it last, what
 * was it before, what is it now, and did anybody touch it since? An object that staging made
 * or unmade is one finding; its values are not listed beside it.
 */
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

enum presence { PRESENCE_NONE, PRESENCE_DELETED, PRESENCE_LIVE };

/* The object's own story: what staging did last, and who came before and after. */
struct story {
	const struct fact *staging; /* its last event about the whole object */
	const struct fact *first;   /* the first event of the unbroken run that ends there */
	const struct fact *prior;   /* somebody else's, the last before that run */
	const struct fact *after;   /* somebody else's, later; of the whole object */
	const struct fact *last;    /* whoever's */
	const struct fact *touched; /* somebody else's of anything about it, later */
};

static enum presence presence_of(const struct object *object)
{
	if (!object)
		return PRESENCE_NONE;
	return object_deleted(object) ? PRESENCE_DELETED : PRESENCE_LIVE;
}

static bool is_of_object(const struct fact *fact)
{
	return fact->operation >= FACT_CREATE;
}

static int64_t earliest_of(const struct fact *fact)
{
	return fact->when_ms - fact->within_ms;
}

static bool is_by_staging(const struct reconciling *reconciling, const struct fact *fact)
{
	return fact_class(reconciling, fact) == WRITER_STAGING;
}

/* The audit log tells of the same deed with its exact time. */
static bool is_told_by_log(const struct reconciling *reconciling, const struct subject *subject,
	const struct fact *fact)
{
	if (fact->source == FROM_AUDIT)
		return false;
	for (size_t i = 0; i < subject->fact_count; i++)
		if (subject->facts[i]->source == FROM_AUDIT &&
			subject->facts[i]->operation == fact->operation &&
			is_by_staging(reconciling, subject->facts[i]) ==
				is_by_staging(reconciling, fact)) {
			reconciling->doubles[fact - reconciling->first_fact] = true;
			return true;
		}
	return false;
}

static void story_read(
	const struct reconciling *reconciling, const struct subject *subject, struct story *story)
{
	const struct fact *others = NULL;
	bool run = false;

	*story = (struct story){ 0 };
	for (size_t i = 0; i < subject->fact_count; i++) {
		const struct fact *fact = subject->facts[i];

		if (!is_of_object(fact) || is_told_by_log(reconciling, subject, fact))
			continue;
		story->last = fact;
		if (is_by_staging(reconciling, fact)) {
			story->first = run ? story->first : fact;
			story->prior = others;
			story->staging = fact;
			story->after = NULL;
			run = true;
		} else {
			story->after = story->staging ? fact : NULL;
			others = fact;
			run = false;
		}
	}
}

/*
 * Since staging made it first: who used it then goes on using what staging deleted and restored later.
 * What comes so close that the order is not certain counts as later: who came last is not proved.
 */
static void story_find_touch(
	const struct reconciling *reconciling, const struct subject *subject, struct story *story)
{
	int64_t since_ms = earliest_of(story->first) - reconciling->times.order_ms;

	for (size_t i = 0; i < subject->fact_count; i++)
		if (subject->facts[i]->when_ms >= since_ms && fact_is_write(subject->facts[i]) &&
			!is_by_staging(reconciling, subject->facts[i]))
			story->touched = subject->facts[i];
	if (!story->touched)
		story->touched = link_after(reconciling, subject->id, since_ms);
}

/* ---- what it was before, and whether that is proved ----------------------------------- */

/* Where an event finds an object, and where it leaves it. */
static const struct {
	enum presence from, to;
} effects[] = {
	[FACT_CREATE] = { PRESENCE_NONE, PRESENCE_LIVE },
	[FACT_DELETE] = { PRESENCE_LIVE, PRESENCE_DELETED },
	[FACT_PURGE] = { PRESENCE_DELETED, PRESENCE_NONE },
	[FACT_RESTORE] = { PRESENCE_DELETED, PRESENCE_LIVE },
};

/* Somebody else wrote to it, before the run and after what is told of the object: it was there. */
static bool was_written_to(const struct reconciling *reconciling, const struct subject *subject,
	const struct story *story)
{
	int64_t since_ms = story->prior ? story->prior->when_ms : reconciling->times.base_until;

	for (size_t i = 0; i < subject->fact_count; i++) {
		const struct fact *fact = subject->facts[i];

		if (fact_is_write(fact) && !is_of_object(fact) && fact->when_ms > since_ms &&
			fact->when_ms < earliest_of(story->first) &&
			!is_by_staging(reconciling, fact))
			return true;
	}
	return false;
}

/*
 * What the run found was somebody else's doing: his record says so, or the base does and all
 * the time since is covered. It may be staging's own doing, in a record that nobody has.
 */
static bool was_proved(const struct reconciling *reconciling, const struct subject *subject,
	const struct story *story)
{
	const struct times *times = &reconciling->times;
	enum presence found = effects[story->first->operation].from;

	if (found == PRESENCE_DELETED && was_written_to(reconciling, subject, story))
		return false;
	if (story->prior)
		return story->prior->when_ms >= times->evidence_from &&
			story->prior->when_ms + reconciling->times.order_ms <
			earliest_of(story->first) &&
			fact_class(reconciling, story->prior) == WRITER_OTHER &&
			effects[story->prior->operation].to == found;
	if (story->first->operation == FACT_CREATE) /* the id is new; did nobody come since? */
		return presence_of(subject->base) != PRESENCE_LIVE &&
			times->evidence_from <= earliest_of(story->first);
	if (times->rebuilt && !rebuilt_is_quiet(times))
		return false;
	return presence_of(subject->base) == found && times->evidence_from <= times->base_until &&
		earliest_of(story->first) > times->base_until;
}

/* The line that says what the base can't prove alone: that nobody came in the time without evidence. */
static const struct decision *line_for_base(const struct reconciling *reconciling,
	const struct subject *subject, const struct story *story)
{
	const struct times *times = &reconciling->times;

	if (story->prior || times->rebuilt || earliest_of(story->first) <= times->base_until ||
		presence_of(subject->base) != effects[story->first->operation].from)
		return NULL;
	return decisions_vouching(reconciling->options->decisions, subject, NULL, times->base_until,
		times->evidence_from);
}

static void rests_on(struct findings *findings, const struct decision *decision)
{
	struct finding *last = &findings->items[findings->count - 1];

	last->decision = decision;
	last->undecided = VERDICT_SUSPECT;
}

/* Staging made and unmade it, or unmade and made it. What it made may stay in deleted items. */
static bool changed_nothing(const struct story *story)
{
	enum presence left = effects[story->staging->operation].to;

	return effects[story->first->operation].from == left ||
		(story->first->operation == FACT_CREATE && left != PRESENCE_LIVE);
}

/* ---- findings of objects -------------------------------------------------------------------- */

/* In deleted items names are changed, so the base's is better, if it has one. */
static struct span name_of_gone(const struct subject *subject)
{
	struct span name = object_name(subject->base);

	return subject->live && span_equal(name, subject->id) ? object_name(subject->live) : name;
}

static void add_finding(struct reconciling *reconciling, const struct subject *subject,
	const struct story *story, enum change change, enum verdict verdict, const char *reason)
{
	const struct object *object = subject->live ? subject->live : subject->base;
	const struct fact *last = story->touched ? story->touched : story->last;
	const struct event events[] = { { .fact = story->staging }, { .fact = last } };
	const struct event *const deciding[] = { &events[story->staging ? 0 : 1], &events[1] };
	struct finding finding = {
		.verdict = verdict,
		.change = change,
		.kind = subject->kind,
		.id = subject->id,
		.mastery = object ? object_mastery(object) : MASTERY_UNKNOWN,
		.last_writer = last ? last->who : NULL,
		.last_write_ms = last ? last->when_ms : TIME_NONE,
		.staging_write_ms = story->staging ? story->staging->when_ms : TIME_NONE,
		.reason = reason,
	};

	if (subject->base && (!subject->live || object_deleted(subject->live)))
		finding.name = name_of_gone(subject);
	else
		finding.name = object ? object_name(object) : subject->id;
	if (verdict == VERDICT_REVERT)
		finding.door = door_of_object(subject->live, subject->base, change);
	else if (verdict == VERDICT_BLOCKED)
		finding.door = DOOR_MANUAL;
	/* The only thing that a line may undo of a whole object: it harms nobody that it is back. */
	if (verdict == VERDICT_SUSPECT && change == CHANGE_DELETED &&
		presence_of(subject->live) == PRESENCE_DELETED)
		finding.way = door_of_object(subject->live, subject->base, change);
	findings_add(reconciling->findings, &finding, deciding,
		!last ? 0 : (story->staging && story->staging != last ? 2 : 1));
}

/* All the time from what staging did to the live snapshot: nobody can have come unseen. */
static bool covered_until_live(const struct reconciling *reconciling, const struct story *story)
{
	return reconciling->times.evidence_from <= earliest_of(story->staging) &&
		reconciling->times.evidence_until >= reconciling->times.live_until;
}

static void add_sentence(struct reconciling *reconciling, const struct subject *subject,
	const struct story *story, enum change change, enum verdict verdict, const char *text,
	const struct fact *fact, const char *rest)
{
	CLEANUP(buf_release) struct buf reason = BUF_UP_TO(REASON_MAX);

	buf_add_text(&reason, text);
	if (fact)
		reason_add_write(&reason, fact);
	buf_add_text(&reason, rest);
	add_finding(reconciling, subject, story, change, verdict, buf_text(&reason));
}

/*
 * What staging made is there, and is to go; unless somebody touched it since. Then it stays for
 * now, and what staging wrote over others' values is to be looked at.
 */
static enum examine decide_made(struct reconciling *reconciling, const struct subject *subject,
	struct story *story, enum change change)
{
	bool quarantined = subject->live &&
		object_get_named(subject->live, "onPremisesProvisioningErrors").data;

	story_find_touch(reconciling, subject, story);
	if (presence_of(subject->live) != PRESENCE_LIVE &&
		story->staging->when_ms >= reconciling->times.live_from)
		add_finding(reconciling, subject, story, change, VERDICT_SUSPECT,
			"the staging server made it after the live snapshot was begun: take a new one");
	else if (presence_of(subject->live) != PRESENCE_LIVE)
		add_finding(reconciling, subject, story, change, VERDICT_HEALED,
			"what the staging server made is not there any more");
	else if (story->touched)
		add_sentence(reconciling, subject, story, change, VERDICT_CONTESTED,
			"written after the staging server", story->touched, "");
	else if (!was_proved(reconciling, subject, story))
		add_finding(reconciling, subject, story, change, VERDICT_SUSPECT,
			presence_of(subject->base) == PRESENCE_LIVE
				? "the base snapshot has it: it was not made by the staging server first"
				: "it is not proved that somebody else had deleted it before");
	else if (!covered_until_live(reconciling, story))
		add_finding(reconciling, subject, story, change, VERDICT_SUSPECT,
			"the evidence ends before the live snapshot was taken: somebody may have "
			"written since");
	else
		add_sentence(reconciling, subject, story, change, VERDICT_REVERT,
			change == CHANGE_CREATED ? "created" : "restored", story->staging,
			quarantined ? ", and by nobody written since; it holds quarantined values"
				    : ", and by nobody written since");
	if (presence_of(subject->live) != PRESENCE_LIVE || !story->touched)
		return EXAMINE_NOTHING;
	return change == CHANGE_CREATED ? EXAMINE_SHARED : EXAMINE_ALL;
}

static const char *why_blocked(const struct subject *subject)
{
	switch (subject->kind->id) {
	case KIND_CONTACT:
		return ": a contact is gone for good. Production will create it again under a new "
		       "id with its next full synchronisation; memberships that named the old id must be set again";
	case KIND_GROUP:
		return ": it does not lie in deleted items. Production will create it again under a "
		       "new id, without the roles, licences and assignments of the old one";
	default:
		return ": it does not lie in deleted items. Production will create it again under a "
		       "new id, without the mailbox, licences and memberships of the old one";
	}
}

/* In deleted items values can't be looked at: what staging wrote to it comes back with it. */
static const char *what_comes_back(
	const struct reconciling *reconciling, const struct subject *subject)
{
	for (size_t i = 0; i < subject->fact_count; i++)
		if (subject->facts[i]->attribute && is_by_staging(reconciling, subject->facts[i]))
			return ", and it lies in deleted items; the staging server had written values of "
			       "it before, which come back with it: compare again then";
	return ", and it lies in deleted items";
}

/* What staging deleted lies in deleted items, or is gone, or is back. */
static void decide_deleted(
	struct reconciling *reconciling, const struct subject *subject, struct story *story)
{
	enum presence now = presence_of(subject->live);
	enum change change = story->staging->operation == FACT_PURGE ? CHANGE_PURGED
								     : CHANGE_DELETED;
	bool late = story->staging->when_ms >= reconciling->times.live_from;
	const struct decision *vouching = NULL;

	if (now == PRESENCE_LIVE)
		add_finding(reconciling, subject, story, change,
			late ? VERDICT_SUSPECT : VERDICT_HEALED,
			late ? "the staging server deleted it after the live snapshot was begun: take a new one"
			     : "it is there again");
	else if (now == PRESENCE_NONE)
		add_sentence(reconciling, subject, story, change, VERDICT_BLOCKED, "deleted",
			story->staging, why_blocked(subject));
	else if (change == CHANGE_PURGED)
		add_finding(reconciling, subject, story, change, VERDICT_SUSPECT,
			"the staging server deleted it for good, and the live snapshot still has it in "
			"deleted items: take a new one");
	else if (story->after)
		add_sentence(reconciling, subject, story, change, VERDICT_CONTESTED,
			"after the staging server deleted it, something was done to it",
			story->after, "");
	else if (!covered_until_live(reconciling, story))
		add_finding(reconciling, subject, story, change, VERDICT_SUSPECT,
			"the evidence ends before the live snapshot was taken: somebody may have "
			"deleted it again since");
	else if (!was_proved(reconciling, subject, story) &&
		!(vouching = line_for_base(reconciling, subject, story)))
		add_finding(reconciling, subject, story, change, VERDICT_SUSPECT,
			"it is not proved that it was there before by somebody else's doing");
	else
		add_sentence(reconciling, subject, story, change, VERDICT_REVERT, "deleted",
			story->staging, what_comes_back(reconciling, subject));
	if (vouching)
		rests_on(reconciling->findings, vouching);
}

/* What the two snapshots say when nothing points to staging: [base][live]. */
static const struct {
	bool differs;
	enum change change;
} drifts[3][3] = {
	[PRESENCE_NONE] = { [PRESENCE_DELETED] = { true, CHANGE_DELETED },
		[PRESENCE_LIVE] = { true, CHANGE_CREATED } },
	[PRESENCE_DELETED] = { [PRESENCE_NONE] = { true, CHANGE_PURGED },
		[PRESENCE_LIVE] = { true, CHANGE_RESTORED } },
	[PRESENCE_LIVE] = { [PRESENCE_NONE] = { true, CHANGE_DELETED },
		[PRESENCE_DELETED] = { true, CHANGE_DELETED } },
};

/* In the end nothing is staging's doing; what differs from the base is somebody else's. */
static void decide_unchanged(
	struct reconciling *reconciling, const struct subject *subject, const struct story *story)
{
	enum presence was = presence_of(subject->base), now = presence_of(subject->live);
	enum presence left = effects[story->staging->operation].to;
	bool unseen = !story->after && (now == PRESENCE_LIVE) != (left == PRESENCE_LIVE);

	if (!drifts[was][now].differs ||
		(story->first->operation == FACT_CREATE && was != PRESENCE_LIVE &&
			now != PRESENCE_LIVE))
		return;
	add_sentence(reconciling, subject, story, drifts[was][now].change,
		unseen ? VERDICT_CONTESTED : VERDICT_DRIFT,
		unseen ? "the staging server changed nothing in the end, and somebody unseen did since"
		       : "the staging server changed nothing in the end; done",
		unseen ? NULL : (story->after ? story->after : story->prior), "");
}

static enum examine decide_staging(
	struct reconciling *reconciling, const struct subject *subject, struct story *story)
{
	enum change made = story->first->operation == FACT_CREATE ? CHANGE_CREATED
								  : CHANGE_RESTORED;
	enum presence now = presence_of(subject->live);

	if (changed_nothing(story))
		decide_unchanged(reconciling, subject, story);
	else if (effects[story->staging->operation].to == PRESENCE_LIVE)
		return decide_made(reconciling, subject, story, made);
	else
		decide_deleted(reconciling, subject, story);
	return now == PRESENCE_LIVE ? EXAMINE_ALL : EXAMINE_NOTHING;
}

/* ---- without staging ------------------------------------------------------------------------ */

/*
 * A base made of evidence has what a record speaks of, and nothing else is missing from it.
 * A connector space has what sync flows: who is not synced is not missing from it, but unseen.
 */
static bool base_is_blind(const struct subject *subject)
{
	if (!subject->base && is_rebuilt(subject->base_from))
		return true;
	return !subject->base && subject->live && !snapshot_sees_cloud(subject->base_from) &&
		object_mastery(subject->live) != MASTERY_SYNCED;
}

/* Nobody is known to have done it: then what the object shows of itself may tell. */
static void decide_without_staging(
	struct reconciling *reconciling, const struct subject *subject, const struct story *story)
{
	enum change change = drifts[presence_of(subject->base)][presence_of(subject->live)].change;
	enum touch touch = story->last ? TOUCH_NONE : touch_explains(reconciling, subject, NULL);

	if (touch_is_suspect(touch))
		add_finding(
			reconciling, subject, story, change, VERDICT_SUSPECT, touch_text(touch));
	else
		add_sentence(reconciling, subject, story, change, VERDICT_DRIFT,
			story->last ? REASON_DRIFT "; done" : REASON_DRIFT, story->last, "");
}

enum examine objects_decide(struct reconciling *reconciling, const struct subject *subject)
{
	enum presence was = presence_of(subject->base), now = presence_of(subject->live);
	enum examine examine = now == PRESENCE_LIVE ? EXAMINE_ALL : EXAMINE_NOTHING;
	size_t before = reconciling->findings->count;
	struct story story;
	bool told;

	story_read(reconciling, subject, &story);
	if (story.staging)
		examine = decide_staging(reconciling, subject, &story);
	else if (drifts[was][now].differs && !base_is_blind(subject))
		decide_without_staging(reconciling, subject, &story);
	told = story.staging || reconciling->findings->count > before;
	for (size_t i = 0; i < subject->fact_count; i++)
		if (is_of_object(subject->facts[i]) ||
			(told && examine != EXAMINE_ALL && subject->facts[i]->attribute))
			explain(reconciling, subject->facts[i]);
	return examine;
}
