/* The book of a generated incident: who wrote what, and so what must go back. */
#include <stdlib.h>

#include "tests/reconcile/incident_internal.h"

/* ---- values ------------------------------------------------------------------------------- */

/* Of two records that are no further apart nobody can tell which came first. */
static bool is_close(int64_t a_ms, int64_t b_ms)
{
	return a_ms && llabs(a_ms - b_ms) <= AUDIT_ORDER_MS;
}

static bool is_tied(const struct thing *thing, const struct unit *unit, const struct doing *deed)
{
	return is_close(unit->last_ms, deed->when_ms) || is_close(thing->known_ms, deed->when_ms);
}

/* What stood there before is told by the record, or by the last one before it, or by the base. */
static bool tells_before(
	const struct thing *thing, const struct unit *unit, const struct doing *deed)
{
	if (deed->telling.old_value)
		return true;
	if (unit->others_ms && unit->others_ms >= thing->known_ms)
		return unit->others_told;
	return thing->in_base;
}

static void run_begin(const struct thing *thing, struct unit *unit, const struct doing *deed)
{
	unit->before = unit->now;
	unit->proved = unit->others_ms ? !unit->others_doubted : thing->known_ms != 0;
	unit->before_told = tells_before(thing, unit, deed);
	unit->run_lost = false;
	unit->run_ms = deed->when_ms;
}

/* What the cloud masters is in no production server's files. */
static bool is_productions(const struct thing *thing, const struct doing *deed)
{
	return deed->who == PRODUCTION && !thing->cloud;
}

static void unit_send(
	const struct thing *thing, struct unit *unit, const struct doing *deed, int value)
{
	const struct sent sent = { value, deed->when_ms };

	if (deed->who == STAGING)
		unit->staging = sent;
	else if (is_productions(thing, deed))
		unit->production = sent;
}

void unit_write(const struct thing *thing, struct unit *unit, struct doing deed, int value)
{
	if (deed.who == STAGING) {
		if (!unit->by_staging)
			run_begin(thing, unit, &deed);
		unit->murky = unit->murky || is_tied(thing, unit, &deed);
		unit->now_told = deed.telling.new_value;
		unit->run_lost = unit->run_lost || deed.lost;
	} else {
		unit->murky = is_tied(thing, unit, &deed);
		unit->others_ms = deed.when_ms;
		unit->others_told = deed.telling.new_value;
		unit->others_doubted = deed.doubted;
	}
	unit->by_staging = deed.who == STAGING;
	unit->last_ms = deed.when_ms;
	unit->now = value;
	unit_send(thing, unit, &deed, value);
}

bool unit_must_go_back(const struct unit *unit)
{
	return unit->by_staging && unit->proved && !unit->silent && unit->now != unit->before;
}

int unit_ideal(const struct unit *unit)
{
	return unit_must_go_back(unit) ? unit->before : unit->now;
}

bool unit_is_provable(
	const struct thing *thing, const struct unit *unit, int64_t from_ms, bool lossy)
{
	return unit_must_go_back(unit) && unit->before_told && unit->now_told && !unit->murky &&
		!unit->silent && !thing->murky_ever &&
		!(lossy && (unit->run_lost || thing->lost_ever)) &&
		(unit->others_ms >= from_ms || thing->known_ms >= from_ms);
}

/* ---- sets ----------------------------------------------------------------------------------- */

/* Two records of the whole set close to each other: they show all of its elements. */
static bool set_is_tied(struct thing *thing, size_t set, const struct doing *deed)
{
	bool tied = is_close(thing->set_ms[set], deed->when_ms);

	thing->set_ms[set] = deed->when_ms;
	return tied;
}

static bool is_whole(const struct doing *deed)
{
	return deed->telling.old_value && deed->telling.new_value;
}

/* A record that does not say both sides may have written every element. */
void set_write(
	struct thing *thing, size_t set, struct doing deed, const bool there[static ELEMENTS])
{
	bool tied = set_is_tied(thing, set, &deed);

	for (size_t i = 0; i < ELEMENTS; i++) {
		struct unit *unit = &thing->sets[set][i];

		if (unit->now != there[i] || !is_whole(&deed))
			unit_write(thing, unit, deed, there[i]);
		unit->murky = unit->murky || tied;
	}
}

struct mailbox mailbox_of(const struct thing *thing)
{
	struct mailbox mailbox = { .primary = thing->primary.now };

	for (size_t i = 0; i < ADDRESSES; i++)
		mailbox.there[i] = thing->addresses[i].now;
	return mailbox;
}

static void mailbox_send(
	struct thing *thing, const struct doing *deed, const struct mailbox *mailbox)
{
	if (deed->who == STAGING) {
		thing->was = mailbox_of(thing);
		thing->is = *mailbox;
		thing->sent_ms = deed->when_ms;
	}
	if (is_productions(thing, deed)) {
		thing->sent = *mailbox;
		thing->production_ms = deed->when_ms;
	}
}

void mailbox_write(struct thing *thing, struct doing deed, const struct mailbox *mailbox)
{
	bool tied = set_is_tied(thing, SETS_MAX, &deed);

	mailbox_send(thing, &deed, mailbox);
	for (int i = 0; i < ADDRESSES; i++) {
		struct unit *unit = &thing->addresses[i];
		bool promoted = unit->now && mailbox->there[i] &&
			(thing->primary.now == i) != (mailbox->primary == i);

		if (unit->now != mailbox->there[i] || (promoted && deed.who != STAGING) ||
			!is_whole(&deed))
			unit_write(thing, unit, deed, mailbox->there[i]);
		unit->murky = unit->murky || tied;
	}
	if (thing->primary.now != mailbox->primary || !is_whole(&deed))
		unit_write(thing, &thing->primary, deed, mailbox->primary);
	thing->primary.murky = thing->primary.murky || tied;
}

struct mailbox mailbox_ideal(const struct thing *thing)
{
	struct mailbox ideal = { .primary = thing->primary.now };
	int before = thing->primary.before;

	for (size_t i = 0; i < ADDRESSES; i++)
		ideal.there[i] = unit_ideal(&thing->addresses[i]);
	if (unit_must_go_back(&thing->primary) && before != NO_PRIMARY && ideal.there[before])
		ideal.primary = before;
	if (ideal.primary != NO_PRIMARY && !ideal.there[ideal.primary])
		ideal.primary = NO_PRIMARY;
	return ideal;
}

/* ---- the things themselves -------------------------------------------------------------------- */

static bool run_changed_nothing(const struct thing *thing)
{
	return thing->run_from == thing->run_to || (thing->run_made && thing->run_to != THERE);
}

bool thing_must_go_back(const struct thing *thing, enum change *change)
{
	if (!thing->staging_last || run_changed_nothing(thing) || thing->where == GONE ||
		(thing->others_moved_ms && thing->others_doubted))
		return false;
	if (thing->run_to == THERE)
		*change = thing->run_made ? CHANGE_CREATED : CHANGE_RESTORED;
	else
		*change = CHANGE_DELETED;
	return thing->run_to != THERE || !thing->touched;
}

bool thing_is_examined(const struct thing *thing)
{
	if (thing->where != THERE)
		return false;
	return !thing->staging_ever || run_changed_nothing(thing) || thing->run_to != THERE ||
		thing->touched;
}

bool thing_is_provable(const struct thing *thing, int64_t from_ms, int64_t base_ms, bool lossy)
{
	enum change change;

	if (!thing_must_go_back(thing, &change) || thing->run_murky || thing->run_ms < from_ms ||
		(lossy && thing->run_lost))
		return false;
	if (thing->others_moved_ms)
		return thing->others_moved_ms >= from_ms;
	return thing->run_made || from_ms <= base_ms;
}

static void move_run_begin(struct thing *thing, const struct doing *deed)
{
	thing->run_from = thing->where;
	thing->run_made = thing->where == NOWHERE;
	thing->run_ms = deed->when_ms;
	thing->run_lost = false;
	thing->run_murky = thing->others_murky;
	thing->touched = false;
}

static void move_by_staging(struct thing *thing, const struct doing *deed, enum where to)
{
	if (!thing->staging_last)
		move_run_begin(thing, deed);
	thing->run_murky = thing->run_murky || is_close(thing->touched_ms, deed->when_ms) ||
		is_close(thing->last_ms, deed->when_ms);
	thing->run_lost = thing->run_lost || deed->lost;
	thing->lost_ever = thing->lost_ever || deed->lost;
	thing->run_to = to;
	thing->moved_ms = deed->when_ms;
	thing->staging_ever = true;
}

static void move_by_others(struct thing *thing, const struct doing *deed)
{
	if (thing->where == NOWHERE && !deed->doubted)
		thing->known_ms = deed->when_ms;
	thing->others_moved_ms = deed->when_ms;
	thing->others_doubted = deed->doubted;
	thing->others_murky = is_close(thing->last_ms, deed->when_ms) ||
		is_close(thing->touched_ms, deed->when_ms);
}

void thing_touch(struct thing *thing, struct doing deed)
{
	if (deed.who == STAGING)
		return;
	thing->touched = true;
	thing->touched_ms = deed.when_ms;
}

void thing_move(struct thing *thing, struct doing deed, enum where to)
{
	thing->murky_ever = thing->murky_ever || is_close(thing->last_ms, deed.when_ms);
	if (deed.who == STAGING)
		move_by_staging(thing, &deed, to);
	else
		move_by_others(thing, &deed);
	thing_touch(thing, deed);
	thing->staging_last = deed.who == STAGING;
	thing->last_ms = deed.when_ms;
	thing->where = to;
}
