/*
 * How far back the log reached when it was read (contract 4.2): the difference between "nobody wrote"
 * and "nobody can say any more".
 */
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

enum { LEAST_DAYS = 7, MOST_DAYS = 30 };
static const int64_t day_ms = INT64_C(24) * 3600 * 1000;

enum reach evidence_reach(const struct evidence *evidence)
{
	const struct evidence_header *header = evidence_header(evidence);
	int64_t back_ms = header->collected_ms - header->from_ms;

	if (!header->until_ms)
		return REACH_NO_LOG;
	if (header->from_ms >= header->until_ms)
		return header->collected_ms - header->until_ms <= AUDIT_TRAILS_MS ? REACH_NOT_YET
										  : REACH_GONE;
	if (back_ms <= LEAST_DAYS * day_ms)
		return REACH_CERTAIN;
	return back_ms <= MOST_DAYS * day_ms ? REACH_BY_LICENCE : REACH_GONE;
}

const char *reach_text(enum reach reach)
{
	static const char *const texts[] = {
		[REACH_NO_LOG] = "there is no audit log in it, only what servers' own files tell",
		[REACH_CERTAIN] = "the log reaches back that far: it is kept for 7 days at least",
		[REACH_BY_LICENCE] =
			"the log reaches back that far only with Entra ID P1 or P2, which "
			"keep it for 30 days; else for 7",
		[REACH_NOT_YET] = "nothing of the window is covered yet: the log trails by ten "
				  "minutes, so collect it again later",
		[REACH_GONE] = "the log did not reach back that far: it is kept for 7 days, with "
			       "Entra ID P1 or P2 for 30",
	};

	return texts[reach];
}
