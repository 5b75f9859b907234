/* The history of a seed: see incident.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/reconcile/incident_internal.h"

/* Events of each part of the history, at most; of a hundred, how many are the staging server's. */
enum {
	EARLY = 8,
	BETWEEN = 14,
	DAMAGE = 50,
	LATER = 14,
	STAGING_PERCENT = 65,
	TRAILING_PERCENT = 5,
	IMPORT_PERCENT = 12,
	STALE_PERCENT = 10,
	SWITCHED_PERCENT = 40,
	CYCLE_PERCENT = 30,
	SECOND_BURST_PERCENT = 30,
	MEANWHILE = 3,
	BUSY_PERCENT = 10,
};

#define BEGIN_MS INT64_C(1772323200000)

/* ---- chance ------------------------------------------------------------------------------- */

uint64_t incident_random(struct incident *incident, uint64_t below)
{
	uint64_t mixed = incident->random += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return (mixed ^ mixed >> 31) % below;
}

bool incident_chance(struct incident *incident, unsigned percent)
{
	return incident_random(incident, 100) < percent;
}

/* The primary address is one that is there; nearly always there is one. */
void mailbox_choose_primary(struct incident *incident, struct mailbox *mailbox)
{
	size_t first = incident_random(incident, ADDRESSES);

	mailbox->primary = NO_PRIMARY;
	for (size_t i = 0; i < ADDRESSES && mailbox->primary == NO_PRIMARY; i++)
		if (mailbox->there[(first + i) % ADDRESSES] && !incident_chance(incident, 3))
			mailbox->primary = (int)((first + i) % ADDRESSES);
}

struct mailbox mailbox_changed(struct incident *incident, struct mailbox mailbox)
{
	for (size_t flips = incident_random(incident, 3); flips; flips--) {
		size_t address = incident_random(incident, ADDRESSES);

		mailbox.there[address] = !mailbox.there[address];
	}
	if (mailbox.primary == NO_PRIMARY || !mailbox.there[mailbox.primary] ||
		incident_chance(incident, 30))
		mailbox_choose_primary(incident, &mailbox);
	return mailbox;
}

/* ---- the history -------------------------------------------------------------------------- */

static int begin_name(struct incident *incident, const struct thing *thing)
{
	int name = 1 + (int)incident_random(incident, CHOICES - 1);

	return name_is_free(incident, thing, name) ? name : 1;
}

static void begin_values(struct incident *incident, struct thing *thing)
{
	struct mailbox mailbox = { .primary = NO_PRIMARY };

	mailbox = mailbox_changed(incident, mailbox_changed(incident, mailbox));
	mailbox_fit(incident, thing, &mailbox);
	thing->primary.now = mailbox.primary;
	for (size_t i = 0; i < ADDRESSES; i++)
		thing->addresses[i].now = mailbox.there[i];
	for (size_t i = 0; i < thing->sort->field_count; i++) {
		const struct field *field = &thing->sort->fields[i];

		thing->fields[i].now = field->always ? 1 + (int)incident_random(incident, 2)
						     : (int)incident_random(incident, CHOICES);
		if (field->form == FORM_SIGN_IN_NAME)
			thing->fields[i].now = begin_name(incident, thing);
	}
	for (size_t i = 0; i < thing->sort->set_count; i++)
		for (size_t j = 0; j < ELEMENTS; j++)
			thing->sets[i][j].now = incident_chance(incident, 50);
}

/* Of some companies nearly nothing is the cloud's, of others half of it. */
static void begin_mastery(struct incident *incident, struct thing *thing, unsigned cloud_percent)
{
	thing->cloud = thing->cloud || incident_chance(incident, cloud_percent);
	thing->switched = thing->cloud && thing->sort->kind != KIND_CONTACT &&
		incident_chance(incident, SWITCHED_PERCENT);
}

/* What anybody may have, somebody has; often as the primary address. */
static void begin_shared(struct incident *incident)
{
	for (size_t i = SHARED_ADDRESS; i < ADDRESSES; i++) {
		struct thing *thing = &incident->things[incident_random(incident, THINGS)];
		struct mailbox mailbox = mailbox_of(thing);

		if (thing->where != THERE || shared_holder(incident, i))
			continue;
		mailbox.there[i] = true;
		mailbox_fit(incident, thing, &mailbox);
		thing->addresses[i].now = mailbox.there[i];
		if (mailbox.there[i] && incident_chance(incident, 60))
			thing->primary.now = (int)i;
	}
}

static void begin(struct incident *incident)
{
	unsigned cloud_percent = 25 * (unsigned)incident_random(incident, 3);

	for (size_t i = 0; i < THINGS; i++) {
		struct thing *thing = &incident->things[i];
		enum kind_id kind;

		thing_init(thing, i);
		begin_mastery(incident, thing, cloud_percent);
		kind = thing->sort->kind;
		if ((kind == KIND_USER && thing->number < STEADY) ||
			(kind == KIND_GROUP && thing->number < STEADY_GROUPS))
			thing->where = THERE;
		else if (thing->sort->has_bin)
			thing->where = (enum where)incident_random(incident, THERE + 1);
		else
			thing->where = incident_chance(incident, 70) ? THERE : NOWHERE;
		if (thing->where != NOWHERE)
			begin_values(incident, thing);
	}
	begin_shared(incident);
}

static enum who somebody_else(struct incident *incident, bool stale_too)
{
	if (stale_too && !incident->manner.servers_only && incident_chance(incident, STALE_PERCENT))
		return STALE;
	return incident_chance(incident, 50) ? PRODUCTION : HELP_DESK;
}

static void some_days(
	struct incident *incident, uint64_t events, unsigned staging_percent, bool base_is_taken)
{
	for (uint64_t count = incident_random(incident, events) + 1; count; count--) {
		enum who other = somebody_else(incident, base_is_taken);

		incident_act(incident, incident_chance(incident, staging_percent) ? STAGING : other,
			base_is_taken);
		if (incident_chance(incident, IMPORT_PERCENT))
			incident_import(incident);
	}
}

void incident_go_on(struct incident *incident)
{
	incident->now_ms += 1 + AUDIT_ORDER_MS; /* no record of it may look earlier than it was */
	if (incident_chance(incident, BUSY_PERCENT))
		some_days(incident, MEANWHILE, STAGING_PERCENT / 2, true);
}

static void take_base(struct incident *incident, const char *folder)
{
	incident->base = incident_snapshot(incident, folder, "base", false);
	for (size_t i = 0; i < THINGS; i++) {
		struct thing *thing = &incident->things[i];

		thing->in_base = thing->where == THERE;
		if (thing->in_base)
			thing->known_ms = snapshot_header(incident->base)->taken_until_ms;
	}
}

static void live_through_damage(struct incident *incident)
{
	some_days(incident, DAMAGE, STAGING_PERCENT, true);
	some_days(incident, LATER, TRAILING_PERCENT, true);
	if (incident_chance(incident, CYCLE_PERCENT))
		incident_cycle(incident);
}

void incident_live_through(
	struct incident *incident, uint64_t seed, struct manner manner, const char *folder)
{
	*incident = (struct incident){
		.random = seed, .manner = manner, .began_ms = BEGIN_MS, .now_ms = BEGIN_MS
	};
	begin(incident);
	some_days(incident, EARLY, 0, false);
	take_base(incident, folder);
	some_days(incident, BETWEEN, 0, true);
	live_through_damage(incident);
	if (incident_chance(incident, SECOND_BURST_PERCENT)) {
		some_days(incident, BETWEEN, 0, true);
		live_through_damage(incident);
	}
	incident->live = incident_snapshot(incident, folder, "live", true);
}

void incident_release(struct incident *incident)
{
	snapshot_close(incident->base);
	snapshot_close(incident->live);
	for (size_t i = 0; i < incident->record_count; i++)
		buf_release(&incident->records[i].text);
}
