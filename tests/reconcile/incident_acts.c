/* What people and servers do in a generated incident. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/reconcile/incident_internal.h"

enum { FIELD_PERCENT = 30, SPLIT_PERCENT = 15, HEALED_PERCENT = 40, PURGE_PERCENT = 25 };

/* One record being written about one thing. */
struct act {
	struct incident *incident;
	struct thing *thing;
	struct doing deed;
	struct record *record;
	const char *activity;
};

/* "Update user" */
static const char *activity_of(char text[static 64], const char *verb, const struct thing *thing)
{
	snprintf(text, 64, "%s %s", verb, thing->sort->word);
	return text;
}

static struct act act_begin(
	struct incident *incident, enum who who, struct thing *thing, const char *activity)
{
	struct act act = { .incident = incident, .thing = thing, .activity = activity };

	act.record = record_begin(incident, who, activity, &act.deed);
	record_target(act.record, thing);
	return act;
}

/* A server's one change of an object may stand in several records. */
static void act_split(struct act *act)
{
	if (incident_chance(act->incident, SPLIT_PERCENT))
		act->record = record_split(
			act->incident, act->record, act->activity, act->thing, &act->deed);
}

/* ---- values --------------------------------------------------------------------------------- */

static int any_value(struct incident *incident, const struct field *field)
{
	uint64_t choices = field->form == FORM_SWITCH ? 2 : CHOICES - 1;

	return field->always ? 1 + (int)incident_random(incident, choices)
			     : (int)incident_random(incident, choices + 1);
}

/* What a directory takes: a sign-in name that another one has is none. */
static int fitting_value(
	struct incident *incident, const struct thing *thing, const struct field *field)
{
	int value = any_value(incident, field);

	return field->form == FORM_SIGN_IN_NAME && !name_is_free(incident, thing, value) ? 1
											 : value;
}

static void write_field(struct act *act, size_t number, int value)
{
	const struct field *field = &act->thing->sort->fields[number];
	struct unit *unit = &act->thing->fields[number];
	char old_value[VALUE_TEXT_MAX], new_value[VALUE_TEXT_MAX];

	act->deed.telling = record_telling(act->incident);
	field_json(old_value, act->thing, field, unit->now);
	field_json(new_value, act->thing, field, value);
	record_value(act->record, field->audit, act->deed.telling, old_value, new_value);
	unit_write(act->thing, unit, act->deed, value);
}

static void write_mailbox(struct act *act, const struct mailbox *is)
{
	CLEANUP(buf_release) struct buf old_value = BUF_UP_TO(INCIDENT_TEXT_MAX);
	CLEANUP(buf_release) struct buf new_value = BUF_UP_TO(INCIDENT_TEXT_MAX);
	struct mailbox was = mailbox_of(act->thing);

	act->deed.telling = record_telling(act->incident);
	mailbox_add(&old_value, act->thing, &was);
	mailbox_add(&new_value, act->thing, is);
	record_value(act->record, "ProxyAddresses", act->deed.telling, buf_text(&old_value),
		buf_text(&new_value));
	mailbox_write(act->thing, act->deed, is);
}

static void set_of(const struct thing *thing, size_t set, bool there[static ELEMENTS])
{
	for (size_t i = 0; i < ELEMENTS; i++)
		there[i] = thing->sets[set][i].now;
}

static void write_set(struct act *act, size_t number, const bool is[static ELEMENTS])
{
	CLEANUP(buf_release) struct buf old_value = BUF_UP_TO(INCIDENT_TEXT_MAX);
	CLEANUP(buf_release) struct buf new_value = BUF_UP_TO(INCIDENT_TEXT_MAX);
	const struct field_set *set = &act->thing->sort->sets[number];
	bool was[ELEMENTS];

	act->deed.telling = record_telling(act->incident);
	set_of(act->thing, number, was);
	set_add(&old_value, act->thing, set, was);
	set_add(&new_value, act->thing, set, is);
	record_value(act->record, set->audit, act->deed.telling, buf_text(&old_value),
		buf_text(&new_value));
	set_write(act->thing, number, act->deed, is);
}

static void change_set(struct act *act, size_t number)
{
	bool there[ELEMENTS];
	size_t element = incident_random(act->incident, ELEMENTS);

	set_of(act->thing, number, there);
	there[element] = !there[element];
	write_set(act, number, there);
}

static void update(struct incident *incident, enum who who, struct thing *thing)
{
	char activity[64];
	struct act act;

	if (thing->where != THERE)
		return;
	act = act_begin(incident, who, thing, activity_of(activity, "Update", thing));
	thing_touch(thing, act.deed);
	for (size_t i = 0; i < thing->sort->field_count; i++)
		if (incident_chance(incident, FIELD_PERCENT)) {
			act_split(&act);
			write_field(
				&act, i, fitting_value(incident, thing, &thing->sort->fields[i]));
		}
	if (incident_chance(incident, 50)) {
		struct mailbox is = mailbox_changed(incident, mailbox_of(thing));

		mailbox_fit(incident, thing, &is);
		act_split(&act);
		write_mailbox(&act, &is);
	}
	for (size_t i = 0; i < thing->sort->set_count; i++)
		if (thing->sort->sets[i].audit && incident_chance(incident, FIELD_PERCENT))
			change_set(&act, i);
	record_end(act.record);
}

/* One record that makes this of somebody's addresses. */
static void readdress(
	struct incident *incident, enum who who, struct thing *thing, struct mailbox is)
{
	char activity[64];
	struct act act = act_begin(incident, who, thing, activity_of(activity, "Update", thing));

	if (is.primary == NO_PRIMARY || !is.there[is.primary])
		mailbox_choose_primary(incident, &is);
	thing_touch(thing, act.deed);
	write_mailbox(&act, &is);
	record_end(act.record);
}

/* Each of some who sit beside each other gets the first address of the next one. */
static void pass_first_on(struct incident *incident, enum who who)
{
	size_t count = 2 + incident_random(incident, 3),
	       first = incident_random(incident, USERS - 4);

	for (size_t i = first + count; i-- > first;) {
		struct thing *thing = &incident->things[i];
		struct mailbox is = mailbox_of(thing);

		if (thing->where != THERE)
			continue;
		is.there[0] = is.there[0] && incident_chance(incident, 30);
		is.there[NEXT_ADDRESS] = true;
		is.primary = NEXT_ADDRESS;
		mailbox_fit(incident, thing, &is);
		readdress(incident, who, thing, is);
	}
}

/* An address that anybody may have goes from who holds it to `next`, primary or not as it was. */
static void pass_shared_on(
	struct incident *incident, enum who who, struct thing *next, size_t address, bool primary)
{
	struct mailbox is = mailbox_of(next);

	is.there[address] = true;
	if (primary)
		is.primary = (int)address;
	mailbox_fit(incident, next, &is);
	readdress(incident, who, next, is);
}

/* All let theirs go, and then each takes the one of the next: no two ever hold the same. */
static void turn_addresses(struct incident *incident, enum who who)
{
	enum { SHARED = ADDRESSES - SHARED_ADDRESS };
	struct thing *holders[SHARED];
	size_t addresses[SHARED], count = 0;
	bool primary[SHARED];

	for (size_t i = SHARED_ADDRESS; i < ADDRESSES; i++) {
		struct thing *holder = shared_holder(incident, i);

		if (!holder || !holder->addresses[i].now)
			continue;
		holders[count] = holder;
		primary[count] = holder->primary.now == (int)i;
		addresses[count++] = i;
	}
	for (size_t i = 0; i < count && count > 1; i++) {
		struct mailbox is = mailbox_of(holders[i]);

		is.there[addresses[i]] = false;
		readdress(incident, who, holders[i], is);
	}
	for (size_t i = 0; i < count && count > 1; i++)
		pass_shared_on(incident, who, holders[i], addresses[(i + 1) % count], primary[i]);
}

static size_t name_field(const struct thing *thing)
{
	size_t i = 0;

	while (thing->sort->fields[i].form != FORM_SIGN_IN_NAME)
		i++;
	return i;
}

static void rename_user(struct incident *incident, enum who who, struct thing *thing, int name)
{
	struct act act = act_begin(incident, who, thing, "Update user");

	thing_touch(thing, act.deed);
	write_field(&act, name_field(thing), name);
	record_end(act.record);
}

/* The first one steps aside to his own, the others move up, and he takes what is left. */
static void turn_names(struct incident *incident, enum who who)
{
	struct thing *first =
		&incident->things[NAME_SHARERS * incident_random(incident, USERS / NAME_SHARERS)];
	struct thing *ring[NAME_SHARERS];
	size_t field = name_field(first), count = 0;
	int free_name;

	for (size_t i = 0; i < NAME_SHARERS; i++)
		if (first[i].where == THERE && first[i].fields[field].now > 1)
			ring[count++] = &first[i];
	if (count < 2)
		return;
	free_name = ring[0]->fields[field].now;
	rename_user(incident, who, ring[0], 1);
	for (size_t i = count; i-- > 1;) {
		int name = ring[i]->fields[field].now;

		rename_user(incident, who, ring[i], free_name);
		free_name = name;
	}
	rename_user(incident, who, ring[0], free_name);
}

/* Addresses and sign-in names change hands, in chains and in rings. */
static void pass_on(struct incident *incident, enum who who)
{
	switch (incident_random(incident, 4)) {
	case 0:
		pass_first_on(incident, who);
		break;
	case 1:
		turn_names(incident, who);
		break;
	default:
		turn_addresses(incident, who);
	}
}

/* ---- production puts back what it knows: all of staging's last writes to this thing ---------- */

static void heal_mailbox(struct act *act)
{
	struct thing *thing = act->thing;
	struct mailbox is = mailbox_of(thing);

	for (size_t i = 0; i < ADDRESSES; i++)
		if (thing->addresses[i].by_staging)
			is.there[i] = thing->addresses[i].before;
	if (thing->primary.by_staging)
		is.primary = thing->primary.before;
	if (is.primary != NO_PRIMARY && !is.there[is.primary])
		mailbox_choose_primary(act->incident, &is);
	mailbox_fit(act->incident, thing, &is);
	write_mailbox(act, &is);
}

static bool heals(const struct incident *incident, const struct thing *thing, size_t field)
{
	const struct unit *unit = &thing->fields[field];

	return unit->by_staging &&
		(thing->sort->fields[field].form != FORM_SIGN_IN_NAME ||
			name_is_free(incident, thing, unit->before));
}

static void heal(struct incident *incident, struct thing *thing)
{
	char activity[64];
	struct act act;

	if (thing->where != THERE || !thing->known_ms || thing->cloud)
		return;
	act = act_begin(incident, PRODUCTION, thing, activity_of(activity, "Update", thing));
	thing_touch(thing, act.deed);
	for (size_t i = 0; i < thing->sort->field_count; i++)
		if (heals(incident, thing, i))
			write_field(&act, i, thing->fields[i].before);
	heal_mailbox(&act);
	record_end(act.record);
}

void incident_cycle(struct incident *incident)
{
	for (size_t i = 0; i < THINGS; i++)
		if (incident_chance(incident, HEALED_PERCENT))
			heal(incident, &incident->things[i]);
}

/* ---- whole things --------------------------------------------------------------------------- */

static void create(struct incident *incident, enum who who, struct thing *thing)
{
	char activity[64], value[VALUE_TEXT_MAX];
	struct mailbox is = mailbox_changed(incident, (struct mailbox){ .primary = NO_PRIMARY });
	CLEANUP(buf_release) struct buf addresses = BUF_UP_TO(INCIDENT_TEXT_MAX);
	struct act act = act_begin(incident, who, thing, activity_of(activity, "Add", thing));

	thing->cloud = who == HELP_DESK;
	thing->switched = false;
	thing_move(thing, act.deed, THERE);
	for (size_t i = 0; i < thing->sort->field_count; i++) {
		const struct field *field = &thing->sort->fields[i];
		CLEANUP(buf_release) struct buf listed = BUF_UP_TO(INCIDENT_TEXT_MAX);
		int is_now = fitting_value(incident, thing, field);

		if (!field->always && incident_chance(incident, 50))
			continue;
		field_json(value, thing, field, is_now);
		buf_addf(&listed, "[%s]", value);
		record_property(act.record, field->audit, NULL, buf_text(&listed));
		unit_write(thing, &thing->fields[i], act.deed, is_now);
	}
	mailbox_fit(incident, thing, &is);
	mailbox_add(&addresses, thing, &is);
	record_property(act.record, "ProxyAddresses", NULL, buf_text(&addresses));
	mailbox_write(thing, act.deed, &is);
	record_end(act.record);
}

static void move(struct incident *incident, enum who who, struct thing *thing)
{
	bool purge = incident_chance(incident, PURGE_PERCENT);
	bool there = thing->where == THERE;
	const char *verb = there ? "Delete" : purge ? "Hard Delete" : "Restore";
	char activity[64];
	struct act act;

	if (thing->where == GONE)
		return;
	if (thing->where == NOWHERE) {
		create(incident, who, thing);
		return;
	}
	if (!there && !purge && !thing_fits(incident, thing))
		return; /* somebody has what it had */
	act = act_begin(incident, who, thing, activity_of(activity, verb, thing));
	record_end(act.record);
	if (there)
		thing_move(thing, act.deed, thing->sort->has_bin ? IN_DELETED_ITEMS : GONE);
	else
		thing_move(thing, act.deed, purge ? GONE : THERE);
}

/* ---- what only touches it -------------------------------------------------------------------- */

/* A licence, or a place in a group that nobody looks at here. */
static void use(struct incident *incident, enum who who, struct thing *thing)
{
	bool member = incident_chance(incident, 30);
	struct act act;

	if (thing->where != THERE || thing->sort->kind != KIND_USER)
		return;
	act = act_begin(
		incident, who, thing, member ? "Add member to group" : "Change user license");
	if (member)
		record_property(act.record, "Group.ObjectID", NULL,
			"\"a4b8f0c1-77aa-4d2e-9c11-ffffffffffff\"");
	record_end(act.record);
	thing_touch(thing, act.deed);
}

/* ---- members and owners ----------------------------------------------------------------------- */

static void change_member(
	struct incident *incident, enum who who, struct thing *group, size_t set, size_t element)
{
	const struct field_set *relation = &group->sort->sets[set];
	struct unit *unit = &group->sets[set][element];
	char quoted[ID_BYTES + 3];
	struct act act = act_begin(incident, who, &incident->things[element],
		unit->now ? relation->removes : relation->adds);

	snprintf(quoted, sizeof(quoted), "\"%s\"", group->id);
	record_property(
		act.record, "Group.ObjectID", unit->now ? quoted : NULL, unit->now ? NULL : quoted);
	record_end(act.record);
	thing_touch(group, act.deed);
	unit_write(group, unit, act.deed, !unit->now);
}

static void change_some_member(struct incident *incident, enum who who)
{
	struct thing *group = &incident->things[USERS + incident_random(incident, GROUPS)];
	size_t set = incident_chance(incident, 30), element = incident_random(incident, ELEMENTS);

	if (group->where == THERE)
		change_member(incident, who, group, set, element);
}

static void empty_group(struct incident *incident, enum who who)
{
	struct thing *group = &incident->things[USERS + incident_random(incident, GROUPS)];

	for (size_t i = 0; i < ELEMENTS && group->where == THERE; i++)
		if (group->sets[0][i].now)
			change_member(incident, who, group, 0, i);
}

/* ---- anything ---------------------------------------------------------------------------------- */

static struct thing *anything(struct incident *incident)
{
	return &incident->things[incident_random(incident, THINGS)];
}

/* One that is created and deleted: not a member of anything. */
static struct thing *mover(struct incident *incident)
{
	struct thing *thing = anything(incident);

	while ((thing->sort->kind == KIND_USER && thing->number < STEADY) ||
		(thing->sort->kind == KIND_GROUP && thing->number < STEADY_GROUPS))
		thing = anything(incident);
	return thing;
}

/* People may write what the cloud masters, always. */
static void act_of_people(struct incident *incident, struct thing *thing)
{
	if (thing->cloud)
		update(incident, HELP_DESK, thing);
	else
		use(incident, HELP_DESK, thing);
}

void incident_act(struct incident *incident, enum who who, bool moves_too)
{
	if (incident->manner.servers_only && who == HELP_DESK) {
		act_of_people(incident, anything(incident));
		return;
	}
	switch (incident_random(incident, 14)) {
	case 0:
	case 1:
	case 2:
		change_some_member(incident, who);
		break;
	case 3:
	case 4:
	case 5:
		if (moves_too)
			move(incident, who, mover(incident));
		break;
	case 6:
		if (who == PRODUCTION)
			heal(incident, anything(incident));
		else
			use(incident, who, mover(incident));
		break;
	case 7:
		if (incident_chance(incident, 10))
			empty_group(incident, who);
		else
			pass_on(incident, who);
		break;
	default:
		update(incident, who, anything(incident));
	}
}
