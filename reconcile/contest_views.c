/*
 * What the evidence makes of each claimant of one address: where it would hold it if the staging server
 * had written nothing, where that server gave it, and what leaves it open. The facts about an object are
 * gone through in order of time.
 */
#include "base/memory.h"
#include "base/time.h"
#include "reconcile/claimants_internal.h"

static unsigned bit_of(const struct attribute *attribute)
{
	static const struct {
		const char *name;
		enum claim_place place;
	} bits[] = {
		{ "proxyAddresses", CLAIM_PRIMARY },
		{ "mail", CLAIM_MAIL },
		{ "userPrincipalName", CLAIM_SIGN_IN },
		{ "imAddresses", CLAIM_IM },
	};

	for (size_t i = 0; i < COUNT_OF(bits); i++)
		if (strcmp(attribute->name, bits[i].name) == 0)
			return BIT(bits[i].place);
	return 0;
}

/* Primary or not: it is one attribute. */
static unsigned held_bits(unsigned places)
{
	if (places & BIT(CLAIM_PROXY))
		places |= BIT(CLAIM_PRIMARY);
	return places & PLACES_HELD & ~BIT(CLAIM_PROXY);
}

bool claimant_holds(const struct claimant *claimant)
{
	return claimant->standing == STANDING_HOLDS;
}

/* What happened before the base was taken is in it. */
static bool is_in_base(const struct trial *at, const struct fact *fact)
{
	const struct snapshot *base = at->contests->options.base;

	return base && fact->when_ms < snapshot_header(base)->taken_from_ms;
}

static bool is_behind_live(const struct trial *at, const struct fact *fact)
{
	return fact->when_ms > snapshot_header(at->contests->options.live)->taken_until_ms;
}

/* ---- events, in order of time --------------------------------------------------------------- */

struct happened {
	const struct fact *fact;
	unsigned bit;
	bool had, has; /* on its two sides */
};

static void by_staging(struct view *view, const struct happened *happened)
{
	const struct fact *fact = happened->fact;

	/* Of its first write: later ones only show what it had made of it. */
	if (fact->source == FROM_AUDIT && fact->old_known && !(view->touched & happened->bit)) {
		/* If the base is wrong in one place, it is not believed in another. */
		if (!happened->had && view->rightly & happened->bit && view->proof == PROOF_BASE)
			view->rightly = 0;
		view->rightly &= ~happened->bit;
		if (happened->had) {
			view->rightly |= happened->bit;
			view->proof = PROOF_RECORD;
			view->fact = fact;
		}
	}
	if (!view->touch)
		view->touch = fact;
	view->touched |= happened->bit;
	if (happened->has)
		view->staged |= happened->bit;
	else
		view->staged &= ~happened->bit;
}

static void by_other(struct view *view, const struct happened *happened)
{
	const struct fact *fact = happened->fact;
	bool gave = happened->has && !(fact->old_known && happened->had);
	bool took = !happened->has && (happened->had || !fact->old_known);

	/* It was gone when they wrote, and staging had not been there. */
	if (!happened->has && !happened->had && fact->old_known && !(view->touched & happened->bit))
		view->rightly &= ~happened->bit;
	if (!gave && !took)
		return; /* it stood there, and they wrote something else beside it */
	view->touched &= ~happened->bit;
	view->staged &= ~happened->bit;
	if (took) {
		view->rightly &= ~happened->bit;
		return;
	}
	view->rightly |= happened->bit;
	view->proof = PROOF_WRITE;
	view->fact = fact;
}

static void happen(struct view *view, const struct happened *happened, enum writer_class class)
{
	switch (class) {
	case WRITER_STAGING:
		by_staging(view, happened);
		break;
	case WRITER_OTHER:
		by_other(view, happened);
		break;
	case WRITER_DOUBTFUL:
		if (happened->has || happened->had)
			view->doubt = happened->fact;
		break;
	}
}

/* ---- the object as a whole ------------------------------------------------------------------- */

static void object_happened(struct view *view, const struct fact *fact, enum writer_class class)
{
	bool gone = fact->operation == FACT_DELETE || fact->operation == FACT_PURGE;

	if (class == WRITER_DOUBTFUL) {
		view->doubt = fact;
	} else if (class == WRITER_OTHER) {
		view->taken = gone;
	} else if (gone || fact->operation == FACT_CREATE) {
		if (!view->touch)
			view->touch = fact;
		view->touched = PLACES_HELD;
		if (fact->operation == FACT_CREATE)
			view->staged = held_bits(view->claimant->places);
	}
}

/* A write without its values, or of a value that the log cuts: what stood there stays open. */
static bool leaves_open(const struct fact *fact)
{
	return fact->operation == FACT_NAMED || (fact->operation == FACT_SET && !fact->new_known);
}

static void left_open(struct view *view, const struct happened *happened, enum writer_class class)
{
	if (class != WRITER_STAGING) {
		view->doubt = happened->fact;
		return;
	}
	/* What its later writes found there, it may have put there itself. */
	view->touched |= happened->bit;
	if (!view->touch)
		view->touch = happened->fact;
}

/* What is kept in quarantine came with a write that does not name it: the last one there. */
static bool asks(const struct claimant *claimant, const struct fact *fact)
{
	static const unsigned sign_in = BIT(CLAIM_QUARANTINED_SIGN_IN);

	if (!(claimant->places & PLACES_WAITING))
		return false;
	if (fact->operation == FACT_CREATE)
		return true;
	return fact->attribute &&
		bit_of(fact->attribute) ==
		BIT(claimant->places & sign_in ? CLAIM_SIGN_IN : CLAIM_PRIMARY);
}

/* ---- all of it, in order of time ------------------------------------------------------------------ */

static void take_claim(struct claimant *claimant, const struct happened *happened, bool by_staging)
{
	const struct fact *fact = happened->fact;

	bool took = happened->had && !happened->has;

	if (asks(claimant, fact) && !took) {
		claimant->fact = fact;
		claimant->by_staging = by_staging;
	} else if (happened->has && claimant_holds(claimant)) {
		claimant->fact = fact;
		claimant->since_ms = fact->when_ms;
		claimant->since_before = false;
	}
}

/* What somebody decided after live was taken is known, though not what came of it. */
static void decide_later(
	struct view *view, const struct happened *happened, enum writer_class class)
{
	if (class != WRITER_STAGING && happened->had != happened->has)
		view->doubt = happened->fact;
}

static void take_fact(struct trial *at, struct view *view, const struct fact *fact)
{
	enum writer_class class = claim_fact_class(at->contests, fact);
	struct happened happened = { .fact = fact };

	claim_facts_sides(at->contests, at->contest->address, fact, &happened.had, &happened.has);
	if (fact->source == FROM_EXPORT_ERROR && happened.has &&
		view->claimant->standing == STANDING_WAITS)
		view->claimant->fact = fact;
	/* Production takes it for the truth now: its next run takes nothing from anybody. */
	if (fact->source == FROM_DIRECTORY_SPACE && happened.has)
		view->claimant->door = DOOR_DIRECTORY;
	if (!fact_is_write(fact))
		return;
	if (fact->attribute)
		happened.bit = bit_of(fact->attribute);
	if (is_behind_live(at, fact)) {
		decide_later(view, &happened, class);
		return;
	}
	take_claim(view->claimant, &happened, class == WRITER_STAGING);
	if (is_in_base(at, fact))
		return;
	if (!fact->attribute && !fact->attribute_name)
		object_happened(view, fact, class);
	else if (happened.bit && leaves_open(fact))
		left_open(view, &happened, class);
	else if (happened.bit && (fact->operation == FACT_SET || happened.had || happened.has))
		happen(view, &happened, class);
}

static void view_make(struct trial *at, struct view *view)
{
	struct claimant *claimant = view->claimant;
	size_t count = 0;
	const struct fact *const *facts = at->contests->options.evidence
		? evidence_of(at->contests->options.evidence, claimant->id, &count)
		: NULL;

	if (claimant->in_base) {
		view->rightly = held_bits(claimant->base_places);
		view->proof = PROOF_BASE;
	}
	for (size_t i = 0; i < count; i++)
		take_fact(at, view, facts[i]);
	if (claimant_holds(claimant))
		claimant->by_staging = !(held_bits(claimant->places) & ~view->staged);
}

static bool is_claimant(const struct contest *contest, const char *id)
{
	for (size_t i = 0; i < contest->count; i++)
		if (span_is(contest->claimants[i].id, id))
			return true;
	return false;
}

/* Gone without a trace; if it was not staging's, somebody meant it to have the address. */
static void look_for_others(struct trial *at)
{
	size_t count;
	const struct told *told = claim_facts_of(at->contests, at->contest->address, &count);

	for (size_t i = 0; i < count; i++)
		if (told[i].has && fact_is_write(told[i].fact) && !is_in_base(at, told[i].fact) &&
			claim_fact_class(at->contests, told[i].fact) != WRITER_STAGING &&
			!is_claimant(at->contest, told[i].fact->id))
			at->doubt = told[i].fact;
}

void trial_init(struct trial *at, const struct contests *contests, struct contest *contest)
{
	*at = (struct trial){ .contests = contests, .contest = contest };
	at->views = memory_array(contest->count + 1, sizeof(*at->views));
	for (size_t i = 0; i < contest->count; i++) {
		at->views[i].claimant = &contest->claimants[i];
		view_make(at, &at->views[i]);
	}
	look_for_others(at);
}

void trial_release(struct trial *at)
{
	memory_free(at->views);
}
