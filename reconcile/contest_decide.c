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

/* ---- one claimant, without what the staging server did ------------------------------------- */

enum proof {
	PROOF_NONE,
	PROOF_BASE,   /* held it there */
	PROOF_RECORD, /* the record of staging's own write says that it stood there */
	PROOF_WRITE,  /* somebody gave it since */
};

/* Masks have a bit for each attribute that claims: claim_place of its first place. */
struct view {
	struct claimant *claimant;
	unsigned rightly; /* would hold it there */
	unsigned touched; /* staging wrote there, and nobody since */
	unsigned staged;  /* staging gave it there */
	enum proof proof;
	const struct fact *fact;  /* the proof, but of PROOF_BASE */
	const struct fact *touch; /* staging's first write that may have taken it */
	const struct fact *doubt; /* a write that leaves open what stood there */
	bool taken;               /* somebody else deleted the object */
};

struct trial {
	const struct contests *contests;
	struct contest *contest;
	struct view *views;
	const struct fact *doubt; /* of somebody who is no claimant any more */
};

static void trial_release(struct trial *at)
{
	memory_free(at->views);
}

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

static bool holds(const struct claimant *claimant)
{
	return claimant->standing == STANDING_HOLDS;
}

static struct view *view_of(const struct trial *at, const char *id)
{
	for (size_t i = 0; i < at->contest->count; i++)
		if (span_is(at->contest->claimants[i].id, id))
			return &at->views[i];
	return NULL;
}

/* What happened before the base was taken is in it. */
static bool is_in_base(const struct trial *at, const struct fact *fact)
{
	const struct snapshot *base = at->contests->options.base;

	return base && fact->when_ms < snapshot_header(base)->taken_from_ms;
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
	bool took = !happened->has &&
		(happened->had || (fact->operation == FACT_SET && !fact->old_known));

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

static void happen(struct trial *at, const struct happened *happened)
{
	const struct fact *fact = happened->fact;
	struct view *view = view_of(at, fact->id);
	enum writer_class class = claim_fact_class(at->contests, fact);

	if (!view) {
		/* Gone without a trace; if it was not staging's, somebody meant it to have it. */
		if (class != WRITER_STAGING && happened->has && !is_in_base(at, fact))
			at->doubt = fact;
		return;
	}
	if (happened->has && holds(view->claimant)) {
		view->claimant->fact = fact;
		view->claimant->since_ms = fact->when_ms;
		view->claimant->since_before = false;
	}
	if (is_in_base(at, fact))
		return;
	switch (class) {
	case WRITER_STAGING:
		by_staging(view, happened);
		break;
	case WRITER_OTHER:
		by_other(view, happened);
		break;
	case WRITER_DOUBTFUL:
		view->doubt = fact;
		break;
	}
}

static void ask_for(struct trial *at, const struct fact *fact)
{
	struct view *view = view_of(at, fact->id);

	if (view && view->claimant->standing == STANDING_WAITS)
		view->claimant->fact = fact;
}

static void walk_told(struct trial *at)
{
	size_t count, i = 0;
	const struct told *told = claim_facts_of(at->contests, at->contest->address, &count);

	while (i < count) {
		struct happened happened = { .fact = told[i].fact };

		for (; i < count && told[i].fact == happened.fact; i++) {
			happened.had = happened.had || !told[i].has;
			happened.has = happened.has || told[i].has;
		}
		happened.bit = bit_of(happened.fact->attribute);
		if (happened.fact->source == FROM_EXPORT_ERROR)
			ask_for(at, happened.fact);
		else if (happened.bit)
			happen(at, &happened);
	}
}

/* ---- what is told of the objects, and not of the address --------------------------------------- */

static void object_happened(struct trial *at, struct view *view, const struct fact *fact)
{
	enum writer_class class = claim_fact_class(at->contests, fact);
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
	return fact_is_write(fact) && fact->attribute && bit_of(fact->attribute) &&
		(fact->operation == FACT_NAMED ||
			(fact->operation == FACT_SET && !fact->new_known));
}

/* What is kept in quarantine came with a write that does not name it: the last one there. */
static bool asks(const struct claimant *claimant, const struct fact *fact)
{
	static const unsigned sign_in = BIT(CLAIM_QUARANTINED_SIGN_IN);

	if (!(claimant->places & PLACES_WAITING) || !fact_is_write(fact))
		return false;
	if (fact->operation == FACT_CREATE)
		return true;
	return fact->attribute &&
		bit_of(fact->attribute) ==
		BIT(claimant->places & sign_in ? CLAIM_SIGN_IN : CLAIM_PRIMARY);
}

static void look_at_object(struct trial *at, struct view *view)
{
	size_t count = 0;
	const struct fact *const *facts = at->contests->options.evidence
		? evidence_of(at->contests->options.evidence, view->claimant->id, &count)
		: NULL;

	for (size_t i = 0; i < count; i++) {
		const struct fact *fact = facts[i];
		enum writer_class class = claim_fact_class(at->contests, fact);

		if (asks(view->claimant, fact)) {
			view->claimant->fact = fact;
			view->claimant->by_staging = class == WRITER_STAGING;
		}
		if (is_in_base(at, fact))
			continue;
		if (!fact->attribute && !fact->attribute_name && fact_is_write(fact))
			object_happened(at, view, fact);
		else if (leaves_open(fact) && class != WRITER_STAGING)
			view->doubt = fact;
		else if (leaves_open(fact) && !view->touch)
			view->touch = fact;
	}
}

static void views_make(struct trial *at)
{
	struct contest *contest = at->contest;

	at->views = memory_array(contest->count + 1, sizeof(*at->views));
	for (size_t i = 0; i < contest->count; i++) {
		struct view *view = &at->views[i];

		view->claimant = &contest->claimants[i];
		if (view->claimant->in_base) {
			/* Which place it was does not matter: staging's records say of each. */
			view->rightly = held_bits(view->claimant->base_places);
			view->proof = PROOF_BASE;
		}
	}
	walk_told(at);
	for (size_t i = 0; i < contest->count; i++) {
		struct view *view = &at->views[i];

		look_at_object(at, view);
		if (holds(view->claimant))
			view->claimant->by_staging = !(
				held_bits(view->claimant->places) & ~view->staged);
	}
}

/* ---- who is rightful ----------------------------------------------------------------------------- */

#define SENTENCE_MAX 4096

static void add_claimant(struct buf *out, const struct claimant *claimant)
{
	buf_addf(out, "%s %.*s", claimant->kind->name, SPAN_FORMAT(claimant->name));
}

/* "… by ada@contoso.com on 2026-03-04T02:17:41Z (audit 5c1d…)" */
static void add_write(struct buf *out, const struct fact *fact)
{
	reason_add_write(out, fact);
	if (fact->reference)
		buf_addf(out, " (%s)", fact->reference);
}

static bool is_covered(const struct trial *at, int64_t until_ms)
{
	size_t count;
	const struct covered *covered = evidence_covered(at->contests->options.evidence, &count);
	int64_t from_ms = snapshot_header(at->contests->options.base)->taken_from_ms;

	for (size_t i = 0; i < count; i++)
		if (covered[i].from_ms <= from_ms && covered[i].until_ms >= until_ms)
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

/* A sentence why that is not proof enough; or none. */
static bool is_base_enough(const struct trial *at, const struct view *view, struct buf *why)
{
	if (holds(view->claimant) && !view->claimant->deleted && !view->claimant->by_staging)
		return true;
	if (!view->touch)
		buf_add_text(why, "held it in the base, and no evidence tells who took it");
	else if (!is_covered(at, view->touch->when_ms))
		buf_add_text(why,
			"held it in the base, and the evidence does not cover all the time until "
			"the staging server wrote");
	else
		return true;
	return false;
}

/* Somebody holds it and nobody knows by whom: perhaps a person meant it. */
static const struct claimant *find_unexplained(const struct trial *at, const struct view *rightful)
{
	if (holds(rightful->claimant) && !rightful->claimant->deleted)
		return NULL;
	for (size_t i = 0; i < at->contest->count; i++) {
		const struct claimant *claimant = at->views[i].claimant;

		if (&at->views[i] != rightful && holds(claimant) && !claimant->deleted &&
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
		} else {
			buf_add_text(why, ", and holds it still");
		}
	}
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
	if (view->proof == PROOF_BASE && !is_base_enough(at, view, why))
		return;
	unexplained = find_unexplained(at, view);
	if (unexplained) {
		add_claimant(why, unexplained);
		buf_add_text(why, " holds it now, and nothing says by whom it came");
		return;
	}
	tell_proof(view, why);
	at->contest->rightful = view->claimant;
}

/* ---- what frees it -------------------------------------------------------------------------------- */

struct way {
	enum freeing by;
	const struct claimant *holder; /* from whom it goes */
};

static enum freeing way_of(const struct claimant *holder)
{
	if (holder->deleted)
		return FREED_BY_DELETION;
	if (!holder->by_staging)
		return FREED_BY_PERSON;
	switch (holder->door) {
	case DOOR_SYNC:
		return FREED_BY_PRODUCTION;
	case DOOR_GRAPH:
	case DOOR_EXCHANGE:
	case DOOR_ADSYNC:
		return FREED_BY_PLAN;
	default:
		return FREED_BY_PERSON;
	}
}

/* All who stand in the way have to let go, so the last of the ways counts. */
static struct way find_way(const struct contest *contest)
{
	struct way way = { FREED_BY_RETRY, NULL };

	for (size_t i = 0; i < contest->count; i++) {
		const struct claimant *claimant = &contest->claimants[i];
		enum freeing by;

		if (!holds(claimant) || claimant == contest->rightful)
			continue;
		by = way_of(claimant);
		if (!way.holder || by > way.by)
			way = (struct way){ by, claimant };
	}
	return way;
}

static bool rightful_has_it(const struct contest *contest)
{
	return contest->rightful && holds(contest->rightful) && !contest->rightful->deleted;
}

/* "… and the service, which tests again every hour, gives it back" */
static void add_retry(struct buf *text, const struct contest *contest)
{
	if (contest->waiting && !rightful_has_it(contest))
		buf_add_text(text,
			"; then the service, which tests again every hour, gives it to who "
			"waits");
}

static void tell_undecided(const struct way *way, struct buf *text)
{
	buf_add_text(text,
		way->by == FREED_BY_DELETION
			? "nobody is proved rightful: a person restores "
			: "nobody is proved rightful: a person decides, and takes it from ");
	add_claimant(text, way->holder);
	buf_add_text(text,
		way->by == FREED_BY_DELETION
			? ", or deletes it from deleted items for good"
			: " or from the others, where their values are mastered");
}

static void tell_way(const struct way *way, struct buf *text)
{
	static const char *const texts[FREEING_COUNT] = {
		[FREED_BY_PRODUCTION] = "the production server's next run takes it from ",
		[FREED_BY_PLAN] = "a step of the rollback plan takes it from ",
		[FREED_BY_DELETION] = "a person deletes for good, from deleted items, ",
		[FREED_BY_PERSON] = "a person takes it, where the value is mastered, from ",
	};

	buf_add_text(text, texts[way->by]);
	add_claimant(text, way->holder);
	if (way->by == FREED_BY_PLAN)
		buf_addf(text, ", by %s", door_name(way->holder->door));
}

static void tell_nothing(struct contest *contest, struct buf *text)
{
	if (contest->waiting && !rightful_has_it(contest)) {
		contest->freed_by = FREED_BY_RETRY;
		buf_add_text(text,
			"nobody holds it: the service, which tests again every hour, gives "
			"it to who waits");
		return;
	}
	contest->freed_by = FREED_BY_NOTHING;
	buf_add_text(text, "nothing stands in the way of who should have it");
	if (contest->waiting)
		buf_add_text(text,
			"; who waits for it asks for what is another's, and that goes "
			"where the value is mastered");
}

static void decide_freeing(struct contest *contest, struct buf *text)
{
	struct way way = find_way(contest);

	if (contest->state == CONTEST_NONE || !way.holder) {
		tell_nothing(contest, text);
		return;
	}
	contest->freed_by = way.by;
	if (contest->rightful) {
		tell_way(&way, text);
		add_retry(text, contest);
		return;
	}
	if (way.by != FREED_BY_DELETION)
		contest->freed_by = FREED_BY_PERSON;
	tell_undecided(&way, text);
	add_retry(text, contest);
}

void contest_decide(const struct contests *contests, struct contest *contest)
{
	CLEANUP(trial_release) struct trial at = { .contests = contests, .contest = contest };
	struct buf why = BUF_UP_TO(SENTENCE_MAX), text = BUF_UP_TO(SENTENCE_MAX);

	views_make(&at);
	decide_rightful(&at, &why);
	decide_freeing(contest, &text);
	contest->proof = buf_detach(&why);
	contest->freed = buf_detach(&text);
}
