/*
 * What the connector spaces of both servers know of a generated incident. Staging's: the last that
 * it sent of each value, at a time that is only about right; some of it as being sent still, and now
 * and then something that it never sent. Production's: what it took in, what it has sent since.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/scan.h"
#include "tests/reconcile/incident_internal.h"

enum { BEFORE_MS = 600 * 1000, TRAILS_MS = 900 * 1000, SENDING_PERCENT = 10, NEVER_PERCENT = 3 };

/* ---- the production server imports ------------------------------------------------------ */

/*
 * What staging wrote it either has not taken in (the old sight stays), or has, and wants its own
 * value back: then the file has a pending export, and what it shows is not told.
 */
static void sight_take(
	struct incident *incident, struct sight *sight, bool by_staging, bool unconfirmed, int now)
{
	if (!by_staging)
		*sight = (struct sight){ now, incident->now_ms, 0 };
	else if (unconfirmed || incident_chance(incident, 50))
		*sight = (struct sight){ 0 };
	else if (sight->at_ms)
		sight->pending_ms = incident->now_ms;
}

static void unit_import(struct incident *incident, struct unit *unit)
{
	bool unconfirmed = unit->production.at_ms != 0;

	sight_take(incident, &unit->shown, unit->by_staging, unconfirmed, unit->now);
	unit->production.at_ms = 0; /* confirmed, or to be sent again */
}

static bool mailbox_by_staging(const struct person *person)
{
	bool by_staging = person->primary.by_staging;

	for (size_t i = 0; i < ADDRESSES; i++)
		by_staging = by_staging || person->addresses[i].by_staging;
	return by_staging;
}

static void person_import(struct incident *incident, struct person *person)
{
	for (size_t i = 0; i < VALUES; i++)
		unit_import(incident, &person->values[i]);
	person->shown_ms = mailbox_by_staging(person) ? 0 : incident->now_ms;
	person->shown = mailbox_of(person);
	person->production_ms = 0;
}

static void group_import(struct incident *incident, struct group *group)
{
	unit_import(incident, &group->description);
	for (size_t i = 0; i < STEADY; i++)
		unit_import(incident, &group->members[i]);
}

void incident_import(struct incident *incident)
{
	incident->now_ms++;
	for (size_t i = 0; i < PEOPLE; i++)
		if (incident->people[i].where == THERE)
			person_import(incident, &incident->people[i]);
	for (size_t i = 0; i < GROUPS; i++)
		group_import(incident, &incident->groups[i]);
}

/* ---- facts ------------------------------------------------------------------------------- */

/* What is written down about one object. */
struct page {
	struct incident *incident;
	struct evidence *evidence;
	const struct kind *kind;
	char id[ID_BYTES + 1];
	char reference[64];
};

static const struct writer sync01 = { .name = "SYNC01", .server = "SYNC01" };
static const struct writer sync02 = { .name = "SYNC02", .server = "SYNC02" };

static void page_open(struct page *page, struct incident *incident, struct evidence *evidence,
	enum kind_id kind, size_t number)
{
	*page = (struct page){ incident, evidence, kind_get(kind), { 0 }, { 0 } };
	if (kind == KIND_USER)
		person_id(page->id, number);
	else
		group_id(page->id, number);
	snprintf(page->reference, sizeof(page->reference), "%s CN=%zu", page->kind->name, number);
}

static void add_fact(const struct page *page, struct fact fact, const char *attribute)
{
	struct error err = { 0 };

	fact.kind = page->kind;
	fact.id = page->id;
	fact.reference = page->reference;
	if (attribute)
		fact.attribute = attribute_find(page->kind, span_of(attribute));
	if (!evidence_add_fact(page->evidence, &fact, &err))
		fail_msg("%s", err.text);
}

/* A write of staging's, some minutes off; perhaps as being sent still. */
static struct fact staging_fact(const struct page *page, int64_t at_ms)
{
	int64_t late = (int64_t)incident_random(page->incident, TRAILS_MS);
	int64_t early = (int64_t)incident_random(page->incident, BEFORE_MS);
	bool sending = incident_chance(page->incident, SENDING_PERCENT);

	return (struct fact){
		.when_ms = at_ms + late,
		.within_ms = late + early,
		.source = sending ? FROM_STAGING_ESCROW : FROM_STAGING_SPACE,
		.who = &sync02,
	};
}

static struct fact production_fact(int64_t at_ms, int64_t pending_ms)
{
	return (struct fact){
		.when_ms = pending_ms ? pending_ms : at_ms,
		.within_ms = pending_ms ? pending_ms - at_ms : 0,
		.source = FROM_PRODUCTION_SPACE,
		.operation = FACT_SHOWN,
		.who = &sync01,
	};
}

static void add_set(const struct page *page, struct fact fact, const char *attribute, int value)
{
	CLEANUP(buf_release) struct buf quoted = BUF_UP_TO(INCIDENT_TEXT_MAX);

	fact.new_known = true;
	if (value) {
		scan_quote(span_of(value_text(value)), &quoted);
		fact.new_value = buf_span(&quoted);
	}
	add_fact(page, fact, attribute);
}

static void add_element(const struct page *page, struct fact fact, const char *attribute,
	bool there, const char *text)
{
	CLEANUP(buf_release) struct buf quoted = BUF_UP_TO(INCIDENT_TEXT_MAX);

	scan_quote(span_of(text), &quoted);
	fact.operation = there ? FACT_ADD : FACT_REMOVE;
	fact.new_known = there;
	fact.old_known = !there;
	*(there ? &fact.new_value : &fact.old_value) = buf_span(&quoted);
	add_fact(page, fact, attribute);
}

/* ---- values ------------------------------------------------------------------------------ */

static void tell_value(const struct page *page, const char *attribute, const struct unit *unit)
{
	struct incident *incident = page->incident;
	struct fact sent = { .operation = FACT_SET };

	if (unit->staging.at_ms)
		add_set(page, staging_fact(page, unit->staging.at_ms), attribute,
			unit->staging.value);
	if (incident_chance(incident, NEVER_PERCENT)) {
		struct fact never = staging_fact(page, incident->now_ms - TRAILS_MS);

		never.source = FROM_STAGING_ESCROW;
		add_set(page, never, attribute, (int)incident_random(incident, TEXTS));
	}
	if (unit->shown.at_ms)
		add_set(page, production_fact(unit->shown.at_ms, unit->shown.pending_ms), attribute,
			unit->shown.value);
	if (unit->production.at_ms) {
		sent = production_fact(unit->production.at_ms, 0);
		sent.operation = FACT_SET;
		add_set(page, sent, attribute, unit->production.value);
	}
}

/* ---- addresses --------------------------------------------------------------------------- */

static void spell(char text[static 40], size_t person, size_t address, bool primary)
{
	char plain[32];

	address_text(plain, person, address);
	snprintf(text, 40, "%s:%s", primary ? "SMTP" : "smtp", plain);
}

static void tell_delta(const struct page *page, size_t number, const struct person *person)
{
	struct fact fact = staging_fact(page, person->sent_ms);

	for (int i = 0; i < ADDRESSES; i++) {
		bool was_primary = person->was.primary == i, is_primary = person->is.primary == i;
		char was[40], is[40];

		spell(was, number, (size_t)i, was_primary);
		spell(is, number, (size_t)i, is_primary);
		if (person->was.there[i] == person->is.there[i] && was_primary == is_primary)
			continue;
		if (person->is.there[i])
			add_element(page, fact, "proxyAddresses", true, is);
		if (person->was.there[i])
			add_element(page, fact, "proxyAddresses", false, was);
	}
}

static void tell_mailbox(const struct page *page, size_t number, struct fact fact,
	enum fact_operation operation, const struct mailbox *mailbox)
{
	CLEANUP(buf_release) struct buf set = BUF_UP_TO(INCIDENT_TEXT_MAX);

	mailbox_add(&set, number, mailbox);
	fact.operation = operation;
	fact.new_known = true;
	fact.new_value = buf_span(&set);
	add_fact(page, fact, "proxyAddresses");
}

static void tell_object(const struct page *page, const struct person *person)
{
	struct fact fact = staging_fact(page, person->moved_ms);

	if (person->run_to == THERE && !person->run_made)
		return; /* a restore is no delta of a connector space */
	fact.operation = person->run_to == THERE ? FACT_CREATE : FACT_DELETE;
	add_fact(page, fact, NULL);
}

static void tell_person(struct incident *incident, struct evidence *evidence, size_t number)
{
	const struct person *person = &incident->people[number];
	struct page page;

	page_open(&page, incident, evidence, KIND_USER, number);
	tell_value(&page, "department", &person->values[0]);
	tell_value(&page, "jobTitle", &person->values[1]);
	if (person->moved_ms)
		tell_object(&page, person);
	if (person->sent_ms)
		tell_delta(&page, number, person);
	if (person->shown_ms)
		tell_mailbox(&page, number, production_fact(person->shown_ms, 0), FACT_SHOWN,
			&person->shown);
	if (person->production_ms)
		tell_mailbox(&page, number, production_fact(person->production_ms, 0), FACT_SET,
			&person->sent);
}

/* ---- groups ------------------------------------------------------------------------------ */

/* The set as a whole is shown where nothing in it is production's to change. */
static void tell_members_shown(const struct page *page, const struct group *group)
{
	CLEANUP(buf_release) struct buf set = BUF_UP_TO(INCIDENT_TEXT_MAX);
	int64_t at_ms = group->members[0].shown.at_ms;
	struct fact fact = production_fact(at_ms, 0);
	char id[ID_BYTES + 1];

	buf_add_byte(&set, '[');
	for (size_t i = 0; i < STEADY; i++) {
		const struct sight *shown = &group->members[i].shown;

		if (!shown->at_ms || shown->at_ms != at_ms || shown->pending_ms)
			return;
		person_id(id, i);
		if (shown->value)
			buf_addf(&set, "%s\"%s\"", set.length > 1 ? "," : "", id);
	}
	buf_add_byte(&set, ']');
	fact.new_known = true;
	fact.new_value = buf_span(&set);
	add_fact(page, fact, "members");
}

static void tell_member(const struct page *page, size_t number, const struct unit *unit)
{
	struct fact sent = { .operation = FACT_SET };
	char id[ID_BYTES + 1];

	person_id(id, number);
	if (unit->staging.at_ms)
		add_element(page, staging_fact(page, unit->staging.at_ms), "members",
			unit->staging.value, id);
	if (!unit->production.at_ms)
		return;
	sent = production_fact(unit->production.at_ms, 0);
	add_element(page, sent, "members", unit->production.value, id);
}

static void tell_group(struct incident *incident, struct evidence *evidence, size_t number)
{
	const struct group *group = &incident->groups[number];
	struct page page;

	page_open(&page, incident, evidence, KIND_GROUP, number);
	tell_value(&page, "description", &group->description);
	for (size_t i = 0; i < STEADY; i++)
		tell_member(&page, i, &group->members[i]);
	tell_members_shown(&page, group);
}

void incident_add_files(struct incident *incident, struct evidence *evidence)
{
	for (size_t i = 0; i < PEOPLE; i++)
		tell_person(incident, evidence, i);
	for (size_t i = 0; i < GROUPS; i++)
		tell_group(incident, evidence, i);
	evidence_add_source(evidence,
		&(struct evidence_source){ .source = FROM_STAGING_SPACE,
			.server = "SYNC02",
			.until_ms = incident->now_ms });
	evidence_add_source(evidence,
		&(struct evidence_source){ .source = FROM_PRODUCTION_SPACE,
			.server = "SYNC01",
			.until_ms = incident->now_ms });
}
