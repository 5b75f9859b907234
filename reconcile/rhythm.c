/*
 * When somebody writes. A sync server that works exports once in a cycle, wherever there is something
 * to export: its bursts lie multiples of one interval apart. An accidental export is one burst at no
 * particular time.
 *
 * It is a hint for people, who choose; and where one identity writes in both ways, a reason to trust
 * the log less. Nothing is proved by it.
 */
#include "base/time.h"
#include "reconcile/evidence_internal.h"

enum {
	USUAL_CYCLE_MS = 30 * 60 * 1000, /* and the shortest that the service allows (facts 1.2) */
	MINUTE_MS = 60 * 1000,
	CYCLE_MOST_MS = 24 * 60 * MINUTE_MS,
	FITTING_LEAST = 5, /* of fewer it is not said that they are regular */
	FITTING_USUAL =
		3, /* nor of fewer, where it is the usual interval and nothing came besides */
	GAPS_TRIED_MAX = 64, /* as intervals; a cycle shows in any of them */
	OFF_SHARE = 10,      /* an export may begin a tenth of the interval early or late */
	IRREGULAR_SHARE = 3, /* a third of the bursts may come besides at most */
};

static int64_t gap_before(const struct burst *bursts, size_t i)
{
	return bursts[i].from_ms - bursts[i - 1].from_ms;
}

/* Is `gap_ms` one or more intervals long? */
static bool fits(int64_t gap_ms, int64_t interval_ms)
{
	int64_t times = (gap_ms + interval_ms / 2) / interval_ms;
	int64_t off_ms = gap_ms - times * interval_ms;

	return times > 0 && (off_ms < 0 ? -off_ms : off_ms) <= interval_ms / OFF_SHARE;
}

/* How well bursts fit an interval: how many follow the one before, and which came besides. */
struct fit {
	size_t fitting, beside;
	int64_t beside_ms; /* the first of them */
};

static void count_beside(struct fit *fit, const struct burst *burst)
{
	if (!fit->beside++)
		fit->beside_ms = burst->from_ms;
}

/*
 * Each burst is compared with the last one that fitted, so that what came besides, however often,
 * does not disturb what follows. Two that fit each other and not what was before have begun a cycle of
 * their own: a server that was started again.
 */
static struct fit fit_to(const struct burst *bursts, size_t count, int64_t interval_ms)
{
	struct fit fit = { .beside_ms = TIME_NONE };
	size_t anchor = 0, length = 1;

	for (size_t i = 1; i < count; i++) {
		bool fits_anchor = fits(bursts[i].from_ms - bursts[anchor].from_ms, interval_ms);
		bool begins = !fits_anchor && i - 1 != anchor &&
			fits(bursts[i].from_ms - bursts[i - 1].from_ms, interval_ms);

		if (!fits_anchor && !begins) {
			count_beside(&fit, &bursts[i]);
			continue;
		}
		if (begins && --fit.beside == 0)
			fit.beside_ms = TIME_NONE;
		if (begins && length == 1)
			count_beside(&fit, &bursts[anchor]);
		length = begins ? 2 : length + 1;
		fit.fitting++;
		anchor = i;
	}
	return fit;
}

/* By chance a burst in five fits any interval, so a few that do say little. */
static bool is_cycle(const struct fit *fit, size_t count, int64_t interval_ms)
{
	size_t least = interval_ms == USUAL_CYCLE_MS && !fit->beside ? FITTING_USUAL
								     : FITTING_LEAST;

	return fit->fitting >= least && fit->beside * IRREGULAR_SHARE <= count;
}

/* Intervals are whole minutes; of those that fit equally well the longest. */
static int64_t interval_of(const struct burst *bursts, size_t count, struct fit *best)
{
	int64_t best_ms = 0;

	for (size_t i = 0; i < count && i <= GAPS_TRIED_MAX; i++) {
		int64_t tried_ms = i
			? (gap_before(bursts, i) + MINUTE_MS / 2) / MINUTE_MS * MINUTE_MS
			: USUAL_CYCLE_MS;
		struct fit fit;

		if (tried_ms < USUAL_CYCLE_MS || tried_ms > CYCLE_MOST_MS)
			continue;
		fit = fit_to(bursts, count, tried_ms);
		if (!is_cycle(&fit, count, tried_ms) || fit.fitting < best->fitting ||
			(fit.fitting == best->fitting && tried_ms <= best_ms))
			continue;
		*best = fit;
		best_ms = tried_ms;
	}
	return best_ms;
}

struct rhythm rhythm_of(const struct burst *bursts, size_t count)
{
	struct fit fit = { .beside_ms = TIME_NONE };
	struct rhythm rhythm = { .bursts = count };

	for (size_t i = 0; i < count; i++)
		if (bursts[i].facts > rhythm.densest_facts) {
			rhythm.densest_facts = bursts[i].facts;
			rhythm.densest_from_ms = bursts[i].from_ms;
			rhythm.densest_until_ms = bursts[i].until_ms;
		}
	rhythm.cycle_ms = interval_of(bursts, count, &fit);
	rhythm.beside = fit.beside;
	rhythm.beside_ms = fit.beside_ms;
	if (!count)
		rhythm.sort = RHYTHM_UNKNOWN;
	else if (rhythm.cycle_ms)
		rhythm.sort = rhythm.beside ? RHYTHM_BOTH : RHYTHM_CYCLE;
	else
		rhythm.sort = count == 1 ? RHYTHM_BURST : RHYTHM_BURSTS;
	return rhythm;
}
