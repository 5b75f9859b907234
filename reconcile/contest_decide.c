/*
 * Who is rightful: whoever held the address before the staging server wrote, if that is proved. What
 * the staging server gave is nobody's by right, what somebody else gave or took since is a decision, and
 * where anything stays open, nothing is decided: all claimants are told, and what is known of them.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/claimants_internal.h"

/* Names may be as long as somebody likes; a sentence is for people, and the whole name stands elsewhere. */
void claimant_add(struct buf *out, const struct claimant *claimant)
{
	enum { NAME_COLUMNS = 60 };

	buf_addf(out, "%s ", claimant->kind->name);
	text_fit(out, claimant->name, NAME_COLUMNS, false);
}

/* "… by ada@contoso.com on 2026-03-04T02:17:41Z (audit 5c1d…)" */
static void add_write(struct buf *out, const struct fact *fact)
{
	reason_add_write(out, fact);
	if (fact->reference)
		buf_addf(out, " (%s)", fact->reference);
}

/*
 * Does the evidence tell everybody's writes, from when the base was complete (without one: from the first
 * that it tells of this address) until live was? If not, somebody may have moved the address in between, and
 * the staging server moved it back: then even what the base and live agree on is wrong.
 */
static bool is_covered(const struct trial *at)
{
	const struct contests_options *options = &at->contests->options;
	size_t count, told_count;
	const struct covered *covered = options->evidence
		? evidence_covered(options->evidence, &count)
		: NULL;
	const struct told *told = claim_facts_of(at->contests, at->contest->address, &told_count);
	int64_t from_ms = options->base ? snapshot_header(options->base)->taken_until_ms
		: told_count            ? told->fact->when_ms
					: INT64_MIN;

	for (size_t i = 0; covered && i < count; i++)
		if (covered[i].from_ms <= from_ms &&
			covered[i].until_ms >= snapshot_header(options->live)->taken_until_ms)
			return true;
	return false;
}

static const struct fact *find_doubt(const struct trial *at)
{
	const struct fact *doubt = at->doubt;

	for (size_t i = 0; i < at->contest->count; i++)
		if (at->views[i].doubt)
			doubt = at->views[i].doubt;
	return doubt;
}

static bool is_candidate(const struct view *view)
{
	return view->rightly && !view->taken;
}

/* The only one who would hold it; NULL with a sentence where there is none, or several. */
static const struct view *find_candidate(const struct trial *at, struct buf *why)
{
	const struct view *only = NULL;
	size_t count = 0;

	for (size_t i = 0; i < at->contest->count; i++)
		if (is_candidate(&at->views[i])) {
			only = &at->views[i];
			count++;
		}
	if (count == 1)
		return only;
	if (count)
		buf_addf(why, "%zu objects held it rightly, as far as is known", count);
	else
		buf_addf(why, "nothing proves who held it before%s%s",
			at->contests->options.base ? "" : ": there is no base",
			at->contests->options.evidence ? "" : " and no evidence");
	return NULL;
}

/* In the base alone, and neither staging nor anybody else is known to have taken it. */
static bool is_lost(const struct view *view)
{
	const struct claimant *claimant = view->claimant;

	return view->proof == PROOF_BASE && !view->touch &&
		(!claimant_holds(claimant) || claimant->deleted);
}

/* Somebody holds it and nobody knows by whom: perhaps a person meant it. */
static const struct claimant *find_unexplained(const struct trial *at, const struct view *rightful)
{
	if (claimant_holds(rightful->claimant) && !rightful->claimant->deleted)
		return NULL;
	for (size_t i = 0; i < at->contest->count; i++) {
		const struct claimant *claimant = at->views[i].claimant;

		if (&at->views[i] != rightful && claimant_holds(claimant) && !claimant->deleted &&
			!claimant->by_staging)
			return claimant;
	}
	return NULL;
}

static void tell_proof(const struct view *view, struct buf *why)
{
	switch (view->proof) {
	case PROOF_RECORD:
		buf_add_text(why,
			"had it when the staging server wrote: the old value of what was "
			"written");
		add_write(why, view->fact);
		break;
	case PROOF_WRITE:
		buf_add_text(why, "was given it");
		add_write(why, view->fact);
		break;
	default:
		buf_add_text(why, "held it in the base");
		if (view->touch) {
			buf_add_text(why, ", until the staging server wrote");
			add_write(why, view->touch);
		} else if (!is_lost(view)) {
			buf_add_text(why, ", and holds it still");
		}
	}
}

static void tell_too_little(const struct view *view, struct buf *why)
{
	claimant_add(why, view->claimant);
	buf_add_byte(why, ' ');
	tell_proof(view, why);
	buf_add_text(why,
		is_lost(view)
			? "; no evidence tells who took it"
			: "; that is no proof while the evidence does not cover all the time until the "
			  "live snapshot");
}

static void decide_rightful(struct trial *at, struct buf *why)
{
	const struct fact *doubt = find_doubt(at);
	const struct view *view;
	const struct claimant *unexplained;

	if (doubt) {
		buf_add_text(why, "a write leaves open who should have it:");
		add_write(why, doubt);
		if (at->contests->options.evidence && !at->contests->options.staging)
			buf_add_text(
				why, "; --staging says which sync server is not to be believed");
		return;
	}
	view = find_candidate(at, why);
	if (!view)
		return;
	if (!is_covered(at) || is_lost(view)) {
		tell_too_little(view, why);
		return;
	}
	unexplained = find_unexplained(at, view);
	if (unexplained) {
		claimant_add(why, unexplained);
		buf_add_text(why, " holds it now, and nothing says by whom it came");
		return;
	}
	tell_proof(view, why);
	at->contest->rightful = view->claimant;
}

void contest_decide(const struct contests *contests, struct contest *contest)
{
	CLEANUP(trial_release) struct trial at;
	struct buf why = BUF_UP_TO(SENTENCE_MAX), text = BUF_UP_TO(SENTENCE_MAX);

	trial_init(&at, contests, contest);
	decide_rightful(&at, &why);
	contest_decide_freeing(contest, &text);
	contest->proof = buf_detach(&why);
	contest->freed = buf_detach(&text);
}
