/* What people and servers do in a generated incident, and the records that the log has of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/scan.h"
#include "base/time.h"
#include "tests/reconcile/incident_internal.h"

enum { STEP_MS_MAX = 120 * 1000 };

static const char *const identities[WHO_COUNT] = {
	[STAGING] = "Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com",
	[PRODUCTION] = "Sync_SYNC01_1111c04d9a31@contoso.onmicrosoft.com",
	[HELP_DESK] = "helpdesk@contoso.com",
};

/* ---- records ------------------------------------------------------------------------------ */

static struct record *record_begin(struct incident *incident, enum who who, const char *activity)
{
	struct record *record;
	char when[TIME_TEXT_BYTES];
	bool app = who == STAGING && incident_chance(incident, 30);

	assert_true(incident->record_count < RECORDS_MAX);
	incident->now_ms += AUDIT_ORDER_MS + 1 + (int64_t)incident_random(incident, STEP_MS_MAX);
	record = &incident->records[incident->record_count];
	*record = (struct record){ .when_ms = incident->now_ms,
		.staging = who == STAGING,
		.text = BUF_UP_TO(INCIDENT_TEXT_MAX) };
	buf_addf(&record->text,
		"{\"id\":\"Directory_%04zu\",\"category\":\"UserManagement\",\"result\":\"success\","
		"\"activityDisplayName\":\"%s\",\"activityDateTime\":\"%s\","
		"\"loggedByService\":\"Core Directory\",",
		incident->record_count++, activity, time_text(incident->now_ms, when));
	if (app)
		buf_add_text(&record->text,
			"\"initiatedBy\":{\"user\":null,\"app\":{\"appId\":\"aaaa\",\"displayName\":"
			"\"ConnectSyncProvisioning_SYNC02_7be1c04d9a31\"}},");
	else
		buf_addf(&record->text,
			"\"initiatedBy\":{\"app\":null,\"user\":{\"id\":\"%d\",\"userPrincipalName\":"
			"\"%s\"}},",
			(int)who, identities[who]);
	return record;
}

static void record_target(struct record *record, const char *id, const char *type)
{
	buf_addf(&record->text,
		"\"targetResources\":[{\"id\":\"%s\",\"displayName\":null,\"type\":\"%s\","
		"\"modifiedProperties\":[{\"displayName\":\"LastDirSyncTime\",\"oldValue\":null,"
		"\"newValue\":\"[\\\"2026-03-04T02:17:40Z\\\"]\"}",
		id, type);
}

static void record_end(struct record *record)
{
	buf_add_text(&record->text, "]}]}");
}

/* Old and new are JSON; NULL: the record does not say. */
static void record_property(
	struct record *record, const char *name, const char *old_value, const char *new_value)
{
	buf_addf(&record->text, ",{\"displayName\":\"%s\",\"oldValue\":", name);
	if (old_value)
		scan_quote(span_of(old_value), &record->text);
	else
		buf_add_text(&record->text, "null");
	buf_add_text(&record->text, ",\"newValue\":");
	if (new_value)
		scan_quote(span_of(new_value), &record->text);
	else
		buf_add_text(&record->text, "null");
	buf_add_byte(&record->text, '}');
}

static const char *logged_value(char text[static 8], int value)
{
	snprintf(text, 8, value ? "[\"%s\"]" : "[]", value ? value_text(value) : "");
	return text;
}

/* ---- what people and servers do ------------------------------------------------------------- */

static void record_mailbox(
	struct record *record, size_t number, const struct mailbox *was, const struct mailbox *is)
{
	CLEANUP(buf_release) struct buf old_value = BUF_UP_TO(INCIDENT_TEXT_MAX);
	CLEANUP(buf_release) struct buf new_value = BUF_UP_TO(INCIDENT_TEXT_MAX);

	mailbox_add(&new_value, number, is);
	if (was)
		mailbox_add(&old_value, number, was);
	record_property(
		record, "ProxyAddresses", was ? buf_text(&old_value) : NULL, buf_text(&new_value));
}

static const char *const value_names[VALUES] = { "Department", "JobTitle" };

/* `creation`: there is nothing old to tell. */
static void write_value(struct incident *incident, struct record *record, struct person *person,
	size_t number, enum who who, bool creation)
{
	struct unit *unit = &person->values[number];
	int value = (int)incident_random(incident, TEXTS);
	char old_value[8], new_value[8];

	record_property(record, value_names[number],
		creation ? NULL : logged_value(old_value, unit->now),
		logged_value(new_value, value));
	unit_write(incident, unit, who, person->known, value);
}

static void update_person(struct incident *incident, enum who who, size_t number)
{
	struct person *person = &incident->people[number];
	struct record *record;
	char id[ID_BYTES + 1];
	bool mail = incident_chance(incident, 50);

	if (person->where != THERE)
		return;
	person_id(id, number);
	record = record_begin(incident, who, "Update user");
	record_target(record, id, "User");
	person->touched = person->touched || who != STAGING;
	for (size_t i = 0; i < VALUES; i++)
		if (incident_chance(incident, 50))
			write_value(incident, record, person, i, who, false);
	if (mail) {
		struct mailbox was = mailbox_of(person), is = mailbox_changed(incident, was);

		record_mailbox(record, number, &was, &is);
		mailbox_write(incident, person, who, &is);
	}
	record_end(record);
}

/* Production puts back what it knows: all of staging's last writes to this person. */
static void heal_person(struct incident *incident, size_t number)
{
	struct person *person = &incident->people[number];
	struct mailbox was = mailbox_of(person), is = was;
	struct record *record;
	char id[ID_BYTES + 1], old_value[8], new_value[8];

	if (person->where != THERE || !person->known)
		return;
	person_id(id, number);
	record = record_begin(incident, PRODUCTION, "Update user");
	record_target(record, id, "User");
	person->touched = true;
	for (size_t i = 0; i < VALUES; i++) {
		struct unit *unit = &person->values[i];

		if (!unit->by_staging)
			continue;
		record_property(record, value_names[i], logged_value(old_value, unit->now),
			logged_value(new_value, unit->before));
		unit_write(incident, unit, PRODUCTION, true, unit->before);
	}
	for (size_t i = 0; i < ADDRESSES; i++)
		if (person->addresses[i].by_staging)
			is.there[i] = person->addresses[i].before;
	if (person->primary.by_staging)
		is.primary = person->primary.before;
	if (is.primary != NO_PRIMARY && !is.there[is.primary])
		mailbox_choose_primary(incident, &is);
	record_mailbox(record, number, &was, &is);
	mailbox_write(incident, person, PRODUCTION, &is);
	record_end(record);
}

static void create_person(struct incident *incident, enum who who, size_t number)
{
	struct person *person = &incident->people[number];
	struct mailbox is = { .primary = NO_PRIMARY };
	struct record *record = record_begin(incident, who, "Add user");
	char id[ID_BYTES + 1];

	person_id(id, number);
	record_target(record, id, "User");
	person_move(incident, person, who, THERE);
	person->primary.now = NO_PRIMARY;
	for (size_t i = 0; i < VALUES; i++)
		write_value(incident, record, person, i, who, true);
	is = mailbox_changed(incident, is);
	record_mailbox(record, number, NULL, &is);
	mailbox_write(incident, person, who, &is);
	record_end(record);
}

static void move_person(struct incident *incident, enum who who, size_t number)
{
	struct person *person = &incident->people[number];
	bool there = person->where == THERE;
	struct record *record;
	char id[ID_BYTES + 1];

	if (person->where == NOWHERE) {
		create_person(incident, who, number);
		return;
	}
	person_id(id, number);
	record = record_begin(incident, who, there ? "Delete user" : "Restore user");
	record_target(record, id, "User");
	record_end(record);
	person_move(incident, person, who, there ? IN_DELETED_ITEMS : THERE);
}

static void license_person(struct incident *incident, enum who who, size_t number)
{
	struct person *person = &incident->people[number];
	struct record *record;
	char id[ID_BYTES + 1];

	if (person->where != THERE)
		return;
	person_id(id, number);
	record = record_begin(incident, who, "Change user license");
	record_target(record, id, "User");
	record_end(record);
	person->touched = person->touched || who != STAGING;
}

static void change_member(struct incident *incident, enum who who)
{
	size_t group = incident_random(incident, GROUPS),
	       member = incident_random(incident, STEADY);
	struct unit *unit = &incident->groups[group].members[member];
	struct record *record = record_begin(
		incident, who, unit->now ? "Remove member from group" : "Add member to group");
	char of[ID_BYTES + 1], id[ID_BYTES + 1], quoted[ID_BYTES + 3];

	group_id(of, group);
	person_id(id, member);
	snprintf(quoted, sizeof(quoted), "\"%s\"", of);
	record_target(record, id, "User");
	record_property(
		record, "Group.ObjectID", unit->now ? quoted : NULL, unit->now ? NULL : quoted);
	record_end(record);
	unit_write(incident, unit, who, true, !unit->now);
}

static void describe_group(struct incident *incident, enum who who)
{
	size_t number = incident_random(incident, GROUPS);
	struct unit *unit = &incident->groups[number].description;
	struct record *record = record_begin(incident, who, "Update group");
	int value = (int)incident_random(incident, TEXTS);
	char id[ID_BYTES + 1], old_value[8], new_value[8];

	group_id(id, number);
	record_target(record, id, "Group");
	record_property(record, "Description", logged_value(old_value, unit->now),
		logged_value(new_value, value));
	record_end(record);
	unit_write(incident, unit, who, true, value);
}

void incident_act(struct incident *incident, enum who who, bool objects_too)
{
	size_t anybody = incident_random(incident, PEOPLE);
	size_t mover = STEADY + incident_random(incident, PEOPLE - STEADY);

	if (incident->servers_only && who == HELP_DESK) {
		license_person(incident, who, mover);
		return;
	}
	switch (incident_random(incident, 10)) {
	case 0:
	case 1:
		change_member(incident, who);
		break;
	case 2:
		describe_group(incident, who);
		break;
	case 3:
	case 4:
		if (objects_too)
			move_person(incident, who, mover);
		break;
	case 5:
		if (who == PRODUCTION)
			heal_person(incident, anybody);
		else
			license_person(incident, who, mover);
		break;
	default:
		update_person(incident, who, anybody);
	}
}
