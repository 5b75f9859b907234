/*
 * What frees an address soonest: everybody who stands in the way has to let go, so the slowest of the
 * ways counts; and behind it comes the service's own test, every hour, or a restore.
 */
#include "reconcile/claimants_internal.h"

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

static bool rightful_has_it(const struct contest *contest)
{
	return contest->rightful && claimant_holds(contest->rightful) &&
		!contest->rightful->deleted;
}

/* All who stand in the way have to let go, so the last of the ways counts. */
static struct way find_way(const struct contest *contest)
{
	struct way way = { FREED_BY_RETRY, NULL };

	for (size_t i = 0; i < contest->count; i++) {
		const struct claimant *claimant = &contest->claimants[i];
		enum freeing by;

		if (!claimant_holds(claimant) || claimant == contest->rightful)
			continue;
		/* It is in the way of its own return alone. */
		if (claimant->deleted && rightful_has_it(contest))
			continue;
		by = way_of(claimant);
		if (!way.holder || by > way.by)
			way = (struct way){ by, claimant };
	}
	return way;
}

static bool rightful_is_deleted(const struct contest *contest)
{
	return contest->rightful && contest->rightful->deleted;
}

/* What comes after the way is free. */
static void add_retry(struct buf *text, const struct contest *contest)
{
	if (rightful_is_deleted(contest))
		buf_add_text(text, "; then a restore brings the rightful one back with it");
	else if (contest->waiting && !rightful_has_it(contest))
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
	claimant_add(text, way->holder);
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
	claimant_add(text, way->holder);
	if (way->by == FREED_BY_PLAN)
		buf_addf(text, ", by %s", door_name(way->holder->door));
}

static bool asked_by_staging(const struct contest *contest)
{
	for (size_t i = 0; i < contest->count; i++)
		if (contest->claimants[i].standing == STANDING_WAITS &&
			!contest->claimants[i].by_staging)
			return false;
	return true;
}

static void tell_nothing(struct contest *contest, struct buf *text)
{
	if (rightful_is_deleted(contest)) {
		contest->freed_by = FREED_BY_PLAN;
		buf_add_text(text,
			"a restore from deleted items, which a rollback plan can do, brings "
			"the rightful one back with it");
		return;
	}
	if (contest->waiting && !rightful_has_it(contest)) {
		contest->freed_by = FREED_BY_RETRY;
		buf_add_text(text,
			"nobody holds it: the service, which tests again every hour, gives "
			"it to who waits");
		return;
	}
	contest->freed_by = FREED_BY_NOTHING;
	buf_add_text(text, "nothing stands in the way of who should have it");
	if (contest->state == CONTEST_RESTORE)
		buf_add_text(text, "; a restore of the other would have to do without it");
	if (!contest->waiting)
		return;
	buf_add_text(text,
		asked_by_staging(contest)
			? "; what the staging server asked for besides goes with the rollback"
			: "; who waits asks for what is another's, and that goes where the value "
			  "is mastered");
}

void contest_decide_freeing(struct contest *contest, struct buf *text)
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
