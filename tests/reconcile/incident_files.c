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

/* Of the values that staging wrote last, how many it wrote into Active Directory, too. */
enum { DIRECTORY_PERCENT = 25 };

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

static bool mailbox_by_staging(const struct thing *thing)
{
	bool by_staging = thing->primary.by_staging;

	for (size_t i = 0; i < ADDRESSES; i++)
		by_staging = by_staging || thing->addresses[i].by_staging;
	return by_staging;
}

static void thing_import(struct incident *incident, struct thing *thing)
{
	for (size_t i = 0; i < thing->sort->field_count; i++)
		if (thing->sort->fields[i].flows)
			unit_import(incident, &thing->fields[i]);
	for (size_t i = 0; i < thing->sort->set_count; i++)
		for (size_t j = 0; thing->sort->sets[i].flows && j < ELEMENTS; j++)
			unit_import(incident, &thing->sets[i][j]);
	thing->shown_ms = mailbox_by_staging(thing) ? 0 : incident->now_ms;
	thing->shown = mailbox_of(thing);
	thing->production_ms = 0;
}

void incident_import(struct incident *incident)
{
	incident->now_ms++;
	for (size_t i = 0; i < THINGS; i++)
		if (incident->things[i].where == THERE && !incident->things[i].cloud)
			thing_import(incident, &incident->things[i]);
	incident->now_ms += 1 + AUDIT_ORDER_MS; /* no later record may look earlier */
}

/* ---- facts ------------------------------------------------------------------------------- */

/* What is written down about one thing. */
struct page {
	struct incident *incident;
	struct evidence *evidence;
	struct thing *thing;
	const struct kind *kind;
	char reference[64];
};

static const struct writer sync01 = { .name = "SYNC01", .server = "SYNC01" };
static const struct writer sync02 = { .name = "SYNC02", .server = "SYNC02" };

static void page_open(struct page *page, struct incident *incident, struct evidence *evidence,
	struct thing *thing)
{
	*page = (struct page){ incident, evidence, thing, kind_get(thing->sort->kind), { 0 } };
	snprintf(page->reference, sizeof(page->reference), "%s CN=%zu", page->kind->name,
		thing->number);
}

static void add_fact(const struct page *page, struct fact fact, const char *attribute)
{
	struct error err = { 0 };

	fact.kind = page->kind;
	fact.id = page->thing->id;
	fact.reference = page->reference;
	if (attribute)
		fact.attribute = attribute_find(page->kind, span_of(attribute));
	if (!evidence_add_fact(page->evidence, &fact, &err))
		fail_msg("%s", err.text);
}

/* A write of staging's to it, some minutes off; perhaps as being sent still. */
static struct fact staging_fact(const struct page *page, int64_t at_ms, struct unit *unit)
{
	int64_t late = (int64_t)incident_random(page->incident, TRAILS_MS);
	int64_t early = (int64_t)incident_random(page->incident, BEFORE_MS);
	bool sending = incident_chance(page->incident, SENDING_PERCENT);

	unit->perhaps = sending;
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

static void add_value(
	const struct page *page, struct fact fact, const struct field *field, int value)
{
	char json[VALUE_TEXT_MAX];

	field_json(json, page->thing, field, value);
	fact.new_known = true;
	if (json[0])
		fact.new_value = span_of(json);
	add_fact(page, fact, field->name);
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

static void tell_value(const struct page *page, size_t number)
{
	struct incident *incident = page->incident;
	const struct field *field = &page->thing->sort->fields[number];
	struct unit *unit = &page->thing->fields[number];
	struct fact sent;

	if (unit->staging.at_ms)
		add_value(page, staging_fact(page, unit->staging.at_ms, unit), field,
			unit->staging.value);
	if (incident_chance(incident, NEVER_PERCENT)) {
		struct fact never = staging_fact(page, incident->now_ms - TRAILS_MS, unit);

		unit->perhaps = true;
		never.source = FROM_STAGING_ESCROW;
		add_value(page, never, field, 1 + (int)incident_random(incident, 2));
	}
	if (unit->shown.at_ms)
		add_value(page, production_fact(unit->shown.at_ms, unit->shown.pending_ms), field,
			unit->shown.value);
	if (unit->production.at_ms) {
		sent = production_fact(unit->production.at_ms, 0);
		sent.operation = FACT_SET;
		add_value(page, sent, field, unit->production.value);
	}
}

/* ---- addresses --------------------------------------------------------------------------- */

static void spell(char text[static VALUE_TEXT_MAX + 8], const struct thing *thing, size_t address,
	bool primary)
{
	char plain[VALUE_TEXT_MAX];

	address_text(plain, thing, address);
	snprintf(text, VALUE_TEXT_MAX + 8, "%s:%s", primary ? "SMTP" : "smtp", plain);
}

/* Whether it was written is asked of all its addresses at once. */
static void tell_delta(const struct page *page)
{
	const struct thing *thing = page->thing;
	struct fact fact = staging_fact(page, thing->sent_ms, &page->thing->primary);

	for (int i = 0; i < ADDRESSES; i++) {
		bool was_primary = thing->was.primary == i, is_primary = thing->is.primary == i;
		char was[VALUE_TEXT_MAX + 8], is[VALUE_TEXT_MAX + 8];

		spell(was, thing, (size_t)i, was_primary);
		spell(is, thing, (size_t)i, is_primary);
		if (thing->was.there[i] == thing->is.there[i] && was_primary == is_primary)
			continue;
		if (thing->is.there[i])
			add_element(page, fact, "proxyAddresses", true, is);
		if (thing->was.there[i])
			add_element(page, fact, "proxyAddresses", false, was);
	}
}

static void tell_mailbox(const struct page *page, struct fact fact, enum fact_operation operation,
	const struct mailbox *mailbox)
{
	CLEANUP(buf_release) struct buf set = BUF_UP_TO(INCIDENT_TEXT_MAX);

	mailbox_add(&set, page->thing, mailbox);
	fact.operation = operation;
	fact.new_known = true;
	fact.new_value = buf_span(&set);
	add_fact(page, fact, "proxyAddresses");
}

static void tell_addresses(const struct page *page)
{
	const struct thing *thing = page->thing;

	if (thing->sent_ms)
		tell_delta(page);
	if (thing->shown_ms)
		tell_mailbox(page, production_fact(thing->shown_ms, 0), FACT_SHOWN, &thing->shown);
	if (thing->production_ms)
		tell_mailbox(
			page, production_fact(thing->production_ms, 0), FACT_SET, &thing->sent);
}

/* ---- members ------------------------------------------------------------------------------ */

/* The set as a whole is shown where nothing in it is production's to change. */
static void tell_set_shown(const struct page *page, size_t number)
{
	CLEANUP(buf_release) struct buf set = BUF_UP_TO(INCIDENT_TEXT_MAX);
	const struct unit *units = page->thing->sets[number];
	int64_t at_ms = units[0].shown.at_ms;
	struct fact fact = production_fact(at_ms, 0);
	bool there[ELEMENTS];

	for (size_t i = 0; i < ELEMENTS; i++) {
		if (!at_ms || units[i].shown.at_ms != at_ms || units[i].shown.pending_ms)
			return;
		there[i] = units[i].shown.value;
	}
	set_add(&set, page->thing, &page->thing->sort->sets[number], there);
	fact.new_known = true;
	fact.new_value = buf_span(&set);
	add_fact(page, fact, page->thing->sort->sets[number].name);
}

static void tell_element(const struct page *page, size_t number, size_t element)
{
	const struct field_set *set = &page->thing->sort->sets[number];
	struct unit *unit = &page->thing->sets[number][element];
	char text[VALUE_TEXT_MAX];

	element_text(text, page->thing, set, element);
	if (unit->staging.at_ms)
		add_element(page, staging_fact(page, unit->staging.at_ms, unit), set->name,
			unit->staging.value, text);
	if (unit->production.at_ms)
		add_element(page, production_fact(unit->production.at_ms, 0), set->name,
			unit->production.value, text);
}

/* ---- things --------------------------------------------------------------------------------- */

/* A restore is no delta of a connector space, nor is what empties deleted items. */
static void tell_moves(const struct page *page)
{
	const struct thing *thing = page->thing;
	struct unit move = { 0 };
	struct fact fact = staging_fact(page, thing->moved_ms, &move);
	bool created = thing->run_made && thing->run_ms == thing->moved_ms;

	if (thing->run_to == THERE ? !created : (thing->run_to == GONE && thing->sort->has_bin))
		return;
	fact.operation = thing->run_to == THERE ? FACT_CREATE : FACT_DELETE;
	add_fact(page, fact, NULL);
}

static void forget_perhaps(struct thing *thing)
{
	for (size_t i = 0; i < FIELDS_MAX; i++)
		thing->fields[i].perhaps = false;
	for (size_t i = 0; i < SETS_MAX * ELEMENTS; i++)
		thing->sets[i / ELEMENTS][i % ELEMENTS].perhaps = false;
	thing->primary.perhaps = false;
}

static void tell_thing(struct incident *incident, struct evidence *evidence, struct thing *thing)
{
	struct page page;

	forget_perhaps(thing);
	page_open(&page, incident, evidence, thing);
	for (size_t i = 0; i < thing->sort->field_count; i++)
		if (thing->sort->fields[i].flows)
			tell_value(&page, i);
	if (thing->moved_ms)
		tell_moves(&page);
	tell_addresses(&page);
	for (size_t i = 0; i < thing->sort->set_count; i++) {
		if (!thing->sort->sets[i].flows)
			continue;
		for (size_t j = 0; j < ELEMENTS; j++)
			tell_element(&page, i, j);
		tell_set_shown(&page, i);
	}
}

void incident_add_files(struct incident *incident, struct evidence *evidence)
{
	for (size_t i = 0; i < THINGS; i++)
		tell_thing(incident, evidence, &incident->things[i]);
	evidence_add_source(evidence,
		&(struct evidence_source){ .source = FROM_STAGING_SPACE,
			.server = "SYNC02",
			.until_ms = incident->now_ms });
	evidence_add_source(evidence,
		&(struct evidence_source){ .source = FROM_PRODUCTION_SPACE,
			.server = "SYNC01",
			.until_ms = incident->now_ms });
}

/* ---- Active Directory ------------------------------------------------------------------------ */

static void tell_directory(const struct page *page, size_t number)
{
	const struct unit *unit = &page->thing->fields[number];
	struct fact fact = { .when_ms = unit->staging.at_ms,
		.source = FROM_DIRECTORY_SPACE,
		.operation = FACT_SET,
		.who = &sync02 };

	if (unit->by_staging && unit->staging.at_ms &&
		incident_chance(page->incident, DIRECTORY_PERCENT))
		add_value(page, fact, &page->thing->sort->fields[number], unit->now);
}

void incident_add_directory(struct incident *incident, struct evidence *evidence)
{
	for (size_t i = 0; i < USERS; i++) {
		struct thing *thing = &incident->things[i];
		struct page page;

		page_open(&page, incident, evidence, thing);
		for (size_t j = 0; j < thing->sort->field_count && !thing->cloud; j++)
			if (thing->sort->fields[j].flows)
				tell_directory(&page, j);
	}
}
