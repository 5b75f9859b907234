/* The history of a seed, and what it knows of who wrote what: see incident.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/reconcile/incident_internal.h"

/* Events of each part of the history, at most. */
enum { EARLY = 8, BETWEEN = 14, DAMAGE = 60, LATER = 14, IMPORT_PERCENT = 15 };

#define BEGIN_MS INT64_C(1772323200000)

/* ---- chance, and names -------------------------------------------------------------------- */

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

void person_id(char id[static ID_BYTES + 1], size_t number)
{
	snprintf(id, ID_BYTES + 1, "c1d7e7a2-3b55-4a8e-b7be-%012zu", number);
}

void group_id(char id[static ID_BYTES + 1], size_t number)
{
	snprintf(id, ID_BYTES + 1, "a4b8f0c1-77aa-4d2e-9c11-%012zu", number);
}

const char *value_text(int value)
{
	static const char *const texts[TEXTS] = { NULL, "T1", "T2", "T3" };

	return texts[value];
}

void address_text(char text[static 32], size_t person, size_t address)
{
	snprintf(text, 32, "p%zu.a%zu@contoso.com", person, address);
}

/* ---- what the history knows --------------------------------------------------------------- */

static void unit_send(struct incident *incident, struct unit *unit, enum who who, int value)
{
	const struct sent sent = { value, incident->now_ms };

	if (who == STAGING)
		unit->staging = sent;
	else if (who == PRODUCTION)
		unit->production = sent;
}

void unit_write(struct incident *incident, struct unit *unit, enum who who, bool known, int value)
{
	if (who == STAGING && !unit->by_staging) {
		unit->before = unit->now;
		unit->proved = known || unit->others_wrote;
	}
	unit->by_staging = who == STAGING;
	unit->others_wrote = unit->others_wrote || who != STAGING;
	unit->now = value;
	unit_send(incident, unit, who, value);
}

bool unit_must_go_back(const struct unit *unit)
{
	return unit->by_staging && unit->proved && unit->now != unit->before;
}

static bool run_changed_nothing(const struct person *person)
{
	return person->run_from == person->run_to || (person->run_made && person->run_to != THERE);
}

bool person_must_go_back(const struct person *person, enum change *change)
{
	if (!person->staging_last || run_changed_nothing(person))
		return false;
	if (person->run_to == THERE)
		*change = person->run_made ? CHANGE_CREATED : CHANGE_RESTORED;
	else
		*change = CHANGE_DELETED;
	return person->run_to != THERE || !person->touched;
}

bool person_is_examined(const struct person *person)
{
	if (person->where != THERE)
		return false;
	return !person->staging_ever || run_changed_nothing(person) || person->run_to != THERE ||
		person->touched;
}

void person_move(struct incident *incident, struct person *person, enum who who, enum where to)
{
	bool creation = person->where == NOWHERE;

	if (!person->made && who != STAGING && creation)
		person->known = true;
	person->made = true;
	if (who == STAGING) {
		if (!person->staging_last) {
			person->run_from = person->where;
			person->run_made = creation;
		}
		person->run_to = to;
		person->moved_ms = incident->now_ms;
		person->staging_ever = true;
		person->touched = false;
	}
	person->staging_last = who == STAGING;
	person->touched = person->touched || who != STAGING;
	person->where = to;
}

/* ---- addresses as a whole ------------------------------------------------------------------ */

struct mailbox mailbox_of(const struct person *person)
{
	struct mailbox mailbox = { .primary = person->primary.now };

	for (size_t i = 0; i < ADDRESSES; i++)
		mailbox.there[i] = person->addresses[i].now;
	return mailbox;
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

void mailbox_write(struct incident *incident, struct person *person, enum who who,
	const struct mailbox *mailbox)
{
	if (who == STAGING) {
		person->was = mailbox_of(person);
		person->is = *mailbox;
		person->sent_ms = incident->now_ms;
	}
	if (who == PRODUCTION) {
		person->sent = *mailbox;
		person->production_ms = incident->now_ms;
	}

	for (int i = 0; i < ADDRESSES; i++) {
		struct unit *unit = &person->addresses[i];
		bool promoted = unit->now && mailbox->there[i] &&
			(person->primary.now == i) != (mailbox->primary == i);

		if (unit->now != mailbox->there[i] || (promoted && who != STAGING))
			unit_write(incident, unit, who, person->known, mailbox->there[i]);
	}
	if (person->primary.now != mailbox->primary)
		unit_write(incident, &person->primary, who, person->known, mailbox->primary);
}

void mailbox_add(struct buf *out, size_t person, const struct mailbox *mailbox)
{
	char text[32];
	bool any = false;

	buf_add_byte(out, '[');
	for (size_t i = 0; i < ADDRESSES; i++) {
		if (!mailbox->there[i])
			continue;
		address_text(text, person, i);
		buf_addf(out, "%s\"%s:%s\"", any ? "," : "",
			(int)i == mailbox->primary ? "SMTP" : "smtp", text);
		any = true;
	}
	buf_add_byte(out, ']');
}

/* ---- the history -------------------------------------------------------------------------- */

static void begin(struct incident *incident)
{
	for (size_t i = 0; i < PEOPLE; i++) {
		struct person *person = &incident->people[i];
		struct mailbox mailbox = { .primary = NO_PRIMARY };

		person->where = i < STEADY ? THERE : (enum where)incident_random(incident, 3);
		person->known = person->where == THERE;
		mailbox = mailbox_changed(incident, mailbox_changed(incident, mailbox));
		person->primary.now = mailbox.primary;
		for (size_t j = 0; j < ADDRESSES && person->where != NOWHERE; j++)
			person->addresses[j].now = mailbox.there[j];
		for (size_t j = 0; j < VALUES && person->where != NOWHERE; j++)
			person->values[j].now = (int)incident_random(incident, TEXTS);
	}
	for (size_t i = 0; i < GROUPS; i++)
		for (size_t j = 0; j < STEADY; j++)
			incident->groups[i].members[j].now = incident_chance(incident, 50);
}

static void some_days(
	struct incident *incident, uint64_t events, unsigned staging_percent, bool objects_too)
{
	for (uint64_t count = incident_random(incident, events) + 1; count; count--) {
		enum who other = incident_chance(incident, 50) ? PRODUCTION : HELP_DESK;

		incident_act(incident, incident_chance(incident, staging_percent) ? STAGING : other,
			objects_too);
		if (incident_chance(incident, IMPORT_PERCENT))
			incident_import(incident);
	}
}

void incident_live_through(
	struct incident *incident, uint64_t seed, bool servers_only, const char *folder)
{
	*incident = (struct incident){ .random = seed,
		.servers_only = servers_only,
		.began_ms = BEGIN_MS,
		.now_ms = BEGIN_MS };
	begin(incident);
	some_days(incident, EARLY, 0, false);
	incident->base = incident_snapshot(incident, folder, "base");
	some_days(incident, BETWEEN, 0, true);
	some_days(incident, DAMAGE, 65, true);
	some_days(incident, LATER, 5, true);
	incident->live = incident_snapshot(incident, folder, "live");
}

void incident_release(struct incident *incident)
{
	snapshot_close(incident->base);
	snapshot_close(incident->live);
	for (size_t i = 0; i < incident->record_count; i++)
		buf_release(&incident->records[i].text);
}

struct evidence *incident_no_evidence(const struct incident *incident)
{
	struct evidence_header header = { .tenant = INCIDENT_TENANT,
		.collected_ms = incident->now_ms };

	return evidence_new(&header);
}

struct evidence *incident_evidence(
	struct incident *incident, int64_t from_ms, unsigned dropped_percent)
{
	struct evidence_header header = { .tenant = INCIDENT_TENANT,
		.from_ms = from_ms,
		.until_ms = incident->now_ms,
		.collected_ms = incident->now_ms };
	struct evidence *evidence = evidence_new(&header);
	size_t first = incident_random(incident, incident->record_count);
	struct error err = { 0 };

	for (size_t i = 0; i < incident->record_count; i++) {
		/* Any stride that has no factor in common would do; a prime has none. */
		size_t place = (first + i * 997) % incident->record_count;
		const struct record *record = &incident->records[place];

		if (record->when_ms < from_ms ||
			(record->staging && incident_chance(incident, dropped_percent)))
			continue;
		if (!evidence_add_audit(evidence, buf_span(&record->text), &err))
			fail_msg("%s", err.text);
	}
	return evidence;
}
