#include "tests/incidents/rehearsing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"

enum { FOREIGN = -2 /* nobody in the history wrote it */ };

struct judging {
	const struct rehearsed *rehearsed;
	struct verdicts *verdicts;
	struct thing *thing;
	const struct object *live, *end; /* NULL: not there */
};

bool step_stands(enum step_state state)
{
	return state == STEP_DONE || state == STEP_ALREADY || state == STEP_SETTLED ||
		state == STEP_HELD;
}

/* ---- failing --------------------------------------------------------------------------------- */

void print_plan(const struct plan *plan, const enum step_state *states)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		fprintf(stderr, "%3zu %-9s %-8s %-13s %s %s %.*s -> %.*s%s after", step->number,
			step_state_name(states[i]), door_name(step->door),
			graph_operation_name(step->operation), step->id,
			step->attribute ? step->attribute->name : step->kind->name,
			SPAN_FORMAT(step->from), SPAN_FORMAT(step->to),
			step->until ? " (parked)" : "");
		for (size_t j = 0; j < step->after_count; j++)
			fprintf(stderr, " %zu", step->after[j]);
		fprintf(stderr, "%s\n", step->manual ? strstr(step->manual, "Why by hand") : "");
	}
	for (size_t i = 0; i < plan->blocked_count; i++)
		fprintf(stderr, "blocked %s %s: %s\n", plan->blocked[i].id,
			plan->blocked[i].attribute ? plan->blocked[i].attribute->name : "",
			plan->blocked[i].why);
}

static void print_object(const char *which, struct snapshot *snapshot, const char *id)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(SNAPSHOT_OBJECT_MAX);
	struct error err = { 0 };

	if (snapshot_object(snapshot, span_of(id), &lines, &err))
		fprintf(stderr, "%s: %s\n", which, buf_text(&lines));
}

static void fail_end(const struct judging *judging, const char *attribute, const char *what)
{
	const struct rehearsed *rehearsed = judging->rehearsed;

	print_plan(rehearsed->plan, rehearsed->states);
	print_object("live", rehearsed->incident->live, judging->thing->id);
	print_object("end", rehearsed->end, judging->thing->id);
	fail_msg("seed %zu: %s %s: %s", (size_t)rehearsed->seed, judging->thing->id, attribute,
		what);
}

/* ---- what stands there ----------------------------------------------------------------------- */

static struct object *object_of(
	const struct rehearsed *rehearsed, struct snapshot *snapshot, const char *id)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(SNAPSHOT_OBJECT_MAX);
	struct error err = { 0 };
	struct object *object = NULL;

	if (!snapshot_object(snapshot, span_of(id), &lines, &err) ||
		(lines.length && !(object = object_parse(buf_span(&lines), &err))))
		fail_msg("seed %zu: %s", (size_t)rehearsed->seed, err.text);
	return object;
}

static int field_seen(
	const struct thing *thing, const struct field *field, const struct object *object)
{
	struct span value = object_get_named(object, field->name);
	int choices = field->form == FORM_SWITCH ? 3 : CHOICES;
	char json[VALUE_TEXT_MAX];

	if (!value.data)
		return 0;
	for (int i = 1; i < choices; i++) {
		field_json(json, thing, field, i);
		if (span_is(value, json))
			return i;
	}
	return FOREIGN;
}

/* False: somebody is in it who is none of the history's. */
static bool set_seen(const struct thing *thing, const struct field_set *set,
	const struct object *object, bool there[static ELEMENTS])
{
	struct span value = object_get_named(object, set->name), element;
	struct scan scan = scan_open(value);
	bool known = true;

	memset(there, 0, ELEMENTS * sizeof(*there));
	while (value.data && scan_element(&scan, &element)) {
		size_t found = ELEMENTS;
		char text[VALUE_TEXT_MAX];

		for (size_t i = 0; i < ELEMENTS; i++) {
			element_text(text, thing, set, i);
			if (span_is(scan_text_direct(element), text))
				found = i;
		}
		known = known && found < ELEMENTS;
		if (found < ELEMENTS)
			there[found] = true;
	}
	return known;
}

static bool mailbox_seen(
	const struct thing *thing, const struct object *object, struct mailbox *mailbox)
{
	struct span value = object_get_named(object, "proxyAddresses"), element;
	struct scan scan = scan_open(value);
	bool known = true;

	*mailbox = (struct mailbox){ .primary = NO_PRIMARY };
	while (value.data && scan_element(&scan, &element)) {
		struct address address = address_parse(scan_text_direct(element));
		size_t found = ADDRESSES;
		char text[VALUE_TEXT_MAX];

		for (size_t i = 0; i < ADDRESSES; i++) {
			address_text(text, thing, i);
			if (span_is(address.value, text))
				found = i;
		}
		known = known && found < ADDRESSES;
		if (found == ADDRESSES)
			continue;
		mailbox->there[found] = true;
		if (address.primary)
			mailbox->primary = (int)found;
	}
	return known;
}

/* ---- what may be left to people --------------------------------------------------------------- */

/*
 * Production's step, too, may have ended otherwise, because somebody rightly holds what it wants; whoever
 * waits for it waits.
 */
static bool waits_for_people(const struct rehearsed *rehearsed, const struct plan_step *step)
{
	if (rehearsed->left && rehearsed->states[step->number - 1] == STEP_HELD_BACK)
		return true;
	if (step_stands(rehearsed->states[step->number - 1]))
		return false;
	if (step->door == DOOR_MANUAL)
		return true;
	for (size_t i = 0; i < step->after_count; i++)
		if (waits_for_people(rehearsed, &rehearsed->plan->steps[step->after[i] - 1]))
			return true;
	return false;
}

static bool is_about(
	const struct attribute *attribute, const char *name, const char *target, const char *text)
{
	if (!name || !attribute)
		return !name && !attribute;
	return strcmp(attribute->name, name) == 0 &&
		(!text || !target || strcmp(target, text) == 0);
}

/* The plan names it as what a person must do first, or as what nobody can do. */
static bool is_left(const struct judging *judging, const char *attribute, const char *target)
{
	const struct plan *plan = judging->rehearsed->plan;

	for (size_t i = 0; i < plan->step_count; i++)
		if (strcmp(plan->steps[i].id, judging->thing->id) == 0 &&
			is_about(plan->steps[i].attribute, attribute, plan->steps[i].target,
				target) &&
			waits_for_people(judging->rehearsed, &plan->steps[i]))
			return true;
	for (size_t i = 0; i < plan->blocked_count; i++)
		if (strcmp(plan->blocked[i].id, judging->thing->id) == 0 &&
			is_about(plan->blocked[i].attribute, attribute, NULL, NULL))
			return true;
	return false;
}

static bool shows(const struct object *object, const char *attribute, const char *text)
{
	struct span value = object_get_named(object, attribute);

	return value.data && memmem(value.data, value.length, text, strlen(text));
}

/* Somebody who is there has it in the end: whether rightly, is judged where he is. */
static bool is_held(const struct judging *judging, const char *text)
{
	const struct rehearsed *rehearsed = judging->rehearsed;
	bool held = false;

	for (size_t i = 0; i < THINGS && !held; i++) {
		const struct thing *thing = &rehearsed->incident->things[i];
		CLEANUP(object_freep)
		struct object *object = thing == judging->thing
			? NULL
			: object_of(rehearsed, rehearsed->end, thing->id);

		held = object && !object_deleted(object) &&
			(shows(object, "proxyAddresses", text) ||
				shows(object, "userPrincipalName", text));
	}
	return held;
}

/* ---- one unit ---------------------------------------------------------------------------------- */

/* Written while live was taken: whether it shows that, nobody can tell. */
static bool is_late(const struct judging *judging, int64_t when_ms)
{
	return when_ms >= snapshot_header(judging->rehearsed->incident->live)->taken_from_ms;
}

static bool is_provable(const struct judging *judging, const struct unit *unit)
{
	return unit_is_provable(
		judging->thing, unit, judging->rehearsed->incident->began_ms, false);
}

/* `text`: who or what it is, where that matters; an address or a sign-in name with `@` in it. */
static void judge_unit(const struct judging *judging, const struct unit *unit, int was, int is,
	const char *attribute, const char *text)
{
	bool may = unit_must_go_back(unit),
	     must = may && thing_is_examined(judging->thing) && !is_late(judging, unit->last_ms) &&
		!is_late(judging, judging->thing->last_ms) &&
		!is_late(judging, judging->thing->touched_ms);

	/* The cycle notes the name that it wants, and puts one of the service's own in its place. */
	if (may && is == FOREIGN && text && is_held(judging, text)) {
		judging->verdicts->taken++;
		return;
	}
	if (is != was && (!may || is != unit->before))
		fail_end(judging, attribute, "this must not change, or not to that");
	if (must && was != unit->before && is == was) {
		if (!is_provable(judging, unit))
			judging->verdicts->unproved++;
		else if (is_left(judging, attribute, text))
			judging->verdicts->left++;
		else if (text && strchr(text, '@') && is_held(judging, text))
			judging->verdicts->taken++;
		else
			fail_end(judging, attribute, "this must go back, and has not");
	}
	judging->verdicts->put_back += is != was;
	judging->verdicts->untouched += !may;
}

/* ---- values of a thing that is there, before and after ------------------------------------------ */

static void judge_fields(const struct judging *judging)
{
	const struct thing *thing = judging->thing;

	for (size_t i = 0; i < thing->sort->field_count; i++) {
		const struct field *field = &thing->sort->fields[i];
		int was = field_seen(thing, field, judging->live);
		int is = field_seen(thing, field, judging->end);
		char json[VALUE_TEXT_MAX];

		field_json(json, thing, field, thing->fields[i].before);
		/* Without its quotes: another one may hold a name as an address. */
		json[json[0] ? strlen(json) - 1 : 0] = '\0';
		judge_unit(judging, &thing->fields[i], was, is, field->name,
			json[0] ? json + 1 : NULL);
	}
}

static void judge_sets(const struct judging *judging)
{
	const struct thing *thing = judging->thing;

	for (size_t i = 0; i < thing->sort->set_count; i++) {
		const struct field_set *set = &thing->sort->sets[i];
		bool was[ELEMENTS], is[ELEMENTS];
		char text[VALUE_TEXT_MAX];

		if (!set_seen(thing, set, judging->live, was) ||
			!set_seen(thing, set, judging->end, is))
			fail_end(judging, set->name, "somebody is in it who never was");
		for (size_t j = 0; j < ELEMENTS; j++) {
			element_text(text, thing, set, j);
			judge_unit(judging, &thing->sets[i][j], was[j], is[j], set->name, text);
		}
	}
}

static bool is_wanted_elsewhere(const struct judging *judging, int address)
{
	char text[VALUE_TEXT_MAX];

	if (address == NO_PRIMARY)
		return false;
	address_text(text, judging->thing, (size_t)address);
	return is_held(judging, text);
}

/* Who is primary must stand where all that it depends on is known; else where it was, or before. */
static void judge_primary(
	const struct judging *judging, const struct mailbox *was, const struct mailbox *is)
{
	const struct thing *thing = judging->thing;
	const struct unit *primary = &thing->primary;
	struct mailbox ideal = mailbox_ideal(thing);

	if (is->primary == was->primary || is->primary == ideal.primary)
		return;
	/* The one that was primary has gone, and nobody knows which comes instead. */
	if (was->primary != NO_PRIMARY && !is->there[was->primary] && is->primary == NO_PRIMARY)
		return;
	if (is->primary == NO_PRIMARY && is_wanted_elsewhere(judging, primary->before))
		return;
	if (!unit_must_go_back(primary) || is->primary != primary->before)
		fail_end(judging, "proxyAddresses", "another address is primary");
}

static void judge_addresses(const struct judging *judging)
{
	const struct thing *thing = judging->thing;
	struct mailbox was, is;

	if (!mailbox_seen(thing, judging->live, &was) || !mailbox_seen(thing, judging->end, &is))
		fail_end(judging, "proxyAddresses", "an address that nobody wrote");
	for (size_t i = 0; i < ADDRESSES; i++) {
		char text[VALUE_TEXT_MAX];

		address_text(text, thing, i);
		judge_unit(judging, &thing->addresses[i], was.there[i], is.there[i],
			"proxyAddresses", text);
	}
	judge_primary(judging, &was, &is);
}

/* ---- what the history does not know -------------------------------------------------------------- */

/* What the directory keeps in step by itself. */
static const char *const followers[] = { "mail", "onPremisesLastSyncDateTime" };

static bool is_judged(const struct thing *thing, const char *name)
{
	for (size_t i = 0; i < thing->sort->field_count; i++)
		if (strcmp(thing->sort->fields[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < thing->sort->set_count; i++)
		if (strcmp(thing->sort->sets[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < COUNT_OF(followers); i++)
		if (strcmp(followers[i], name) == 0)
			return true;
	return strcmp(name, "proxyAddresses") == 0;
}

static void judge_others(const struct judging *judging)
{
	const struct kind *kind = object_kind(judging->live);

	for (size_t i = 0; i < kind->attribute_count; i++) {
		const struct attribute *attribute = &kind->attributes[i];

		if (!is_judged(judging->thing, attribute->name) &&
			!attribute_equal(attribute, object_get(judging->live, attribute),
				object_get(judging->end, attribute)))
			fail_end(judging, attribute->name, "no step is about this");
	}
}

/* ---- a thing ------------------------------------------------------------------------------------- */

static bool is_there(const struct object *object)
{
	return object && !object_deleted(object);
}

/* True: it is there, and was. */
static bool judge_object(const struct judging *judging)
{
	const struct thing *thing = judging->thing;
	bool was = is_there(judging->live), is = is_there(judging->end);
	enum change change = CHANGE_VALUE;
	bool late = is_late(judging, thing->last_ms) || is_late(judging, thing->touched_ms);
	bool may = thing_must_go_back(thing, &change), must = may && !late;
	const struct incident *incident = judging->rehearsed->incident;

	if (was != is && (!may || is != (change == CHANGE_DELETED)))
		fail_end(judging, "the object", "it must not come or go");
	if (must && was == is) {
		if (!thing_is_provable(thing, incident->began_ms,
			    snapshot_header(incident->base)->taken_until_ms, false))
			judging->verdicts->unproved++;
		else if (is_left(judging, NULL, NULL))
			judging->verdicts->left++;
		else
			fail_end(judging, "the object", "it must go back, and has not");
	}
	judging->verdicts->put_back += was != is;
	return was && is;
}

/* The id's digits before a sign-in name go; what it is then stood behind them. */
static bool same_name(struct span deleted, struct span restored)
{
	/* Both without their first quote. */
	return deleted.length >= restored.length && restored.length &&
		memcmp(deleted.data + deleted.length - restored.length + 1, restored.data + 1,
			restored.length - 1) == 0;
}

/* It comes back, or lies there still, as it went: with all that it had. */
static void judge_from_deleted_items(const struct judging *judging)
{
	const struct kind *kind = object_kind(judging->live);

	for (size_t i = 0; i < kind->attribute_count; i++) {
		const struct attribute *attribute = &kind->attributes[i];
		struct span was = object_get(judging->live, attribute);
		struct span is = object_get(judging->end, attribute);
		bool same = strcmp(attribute->name, "userPrincipalName") == 0
			? same_name(was, is)
			: attribute_equal(attribute, was, is);

		/* Graph shows no manager of who lies there. */
		if (!same && (attribute->source == SOURCE_SELECT || is_there(judging->end)))
			fail_end(judging, attribute->name, "it is not as it went");
	}
}

static void judge_thing(const struct judging *judging)
{
	bool stays = judge_object(judging);

	if (judging->live && judging->end && !is_there(judging->live))
		judge_from_deleted_items(judging);
	if (!stays)
		return;
	judge_fields(judging);
	judge_sets(judging);
	judge_addresses(judging);
	judge_others(judging);
}

static bool is_known(void *context, struct span lines, struct error *err)
{
	const struct rehearsed *rehearsed = context;
	CLEANUP(object_freep) struct object *object = object_parse(lines, err);

	if (object && !thing_of_id(rehearsed->incident, object_id(object)))
		return error_set(err, ERROR_FORMAT, "an object that nobody made");
	return object;
}

void judge_end(const struct rehearsed *rehearsed, struct verdicts *verdicts)
{
	struct error err = { 0 };

	if (!snapshot_each(rehearsed->end, is_known, (void *)rehearsed, &err))
		fail_msg("seed %zu: %s", (size_t)rehearsed->seed, err.text);
	for (size_t i = 0; i < THINGS; i++) {
		struct thing *thing = &rehearsed->incident->things[i];
		CLEANUP(object_freep)
		struct object *live = object_of(rehearsed, rehearsed->incident->live, thing->id);
		CLEANUP(object_freep)
		struct object *end = object_of(rehearsed, rehearsed->end, thing->id);
		const struct judging judging = { rehearsed, verdicts, thing, live, end };

		judge_thing(&judging);
	}
}
