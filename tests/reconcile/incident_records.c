/* Records of a generated incident, as the directory's audit log has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/scan.h"
#include "base/time.h"
#include "tests/reconcile/incident_internal.h"

enum {
	STEP_MS_MAX = 120 * 1000,
	LOST_PERCENT = 30,
	SAME_MOMENT_PERCENT = 4,
	APP_PERCENT = 30,
	UNTOLD_PERCENT = 12,
};

static const char *const identities[WHO_COUNT] = {
	[STAGING] = "Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com",
	[PRODUCTION] = "Sync_SYNC01_1111c04d9a31@contoso.onmicrosoft.com",
	[HELP_DESK] = "helpdesk@contoso.com",
	[STALE] = "Sync_SYNC03_2222c04d9a31@contoso.onmicrosoft.com",
};

static void add_writer(struct buf *text, enum who who, bool app)
{
	if (app)
		buf_add_text(text,
			"\"initiatedBy\":{\"user\":null,\"app\":{\"appId\":\"aaaa\",\"displayName\":"
			"\"ConnectSyncProvisioning_SYNC02_7be1c04d9a31\"}},");
	else
		buf_addf(text,
			"\"initiatedBy\":{\"app\":null,\"user\":{\"id\":\"%d\",\"userPrincipalName\":"
			"\"%s\"}},",
			(int)who, identities[who]);
}

/* The ids of records say nothing about which came first. */
static struct record *record_new(
	struct incident *incident, enum who who, const char *activity, int64_t when_ms, bool loses)
{
	struct record *record = &incident->records[incident->record_count];
	char when[TIME_TEXT_BYTES];

	assert_true(incident->record_count < RECORDS_MAX);
	*record = (struct record){ .when_ms = when_ms,
		.staging = who == STAGING,
		.loses = loses,
		.text = BUF_UP_TO(INCIDENT_TEXT_MAX) };
	buf_addf(&record->text,
		"{\"id\":\"Directory_%04x_%04zu\",\"category\":\"UserManagement\",\"result\":"
		"\"success\",\"activityDisplayName\":\"%s\",\"activityDateTime\":\"%s\","
		"\"loggedByService\":\"Core Directory\",",
		(unsigned)incident_random(incident, 1 << 16), incident->record_count++, activity,
		time_text(when_ms, when));
	add_writer(&record->text, who, who == STAGING && incident_chance(incident, APP_PERCENT));
	return record;
}

/* Rarely at nearly the same time as the one before, and then the log may have them in either order. */
static int64_t next_moment(struct incident *incident)
{
	if (!incident->record_count || !incident_chance(incident, SAME_MOMENT_PERCENT))
		return incident->now_ms += 1 + AUDIT_ORDER_MS +
			(int64_t)incident_random(incident, STEP_MS_MAX);
	return incident_chance(incident, 50)
		? incident->now_ms
		: incident->now_ms - (int64_t)incident_random(incident, AUDIT_ORDER_MS + 1);
}

struct record *record_begin(
	struct incident *incident, enum who who, const char *activity, struct doing *deed)
{
	*deed = (struct doing){ .who = who,
		.when_ms = next_moment(incident),
		.telling = TELLS_ALL,
		.lost = who == STAGING && incident_chance(incident, LOST_PERCENT),
		.doubted = who == STALE && incident->manner.production_named };
	return record_new(incident, who, activity, deed->when_ms, deed->lost);
}

struct record *record_split(struct incident *incident, struct record *record, const char *activity,
	const struct thing *thing, struct doing *deed)
{
	record_end(record);
	deed->lost = deed->who == STAGING && incident_chance(incident, LOST_PERCENT);
	record = record_new(incident, deed->who, activity, deed->when_ms, deed->lost);
	record_target(record, thing);
	return record;
}

void record_target(struct record *record, const struct thing *thing)
{
	buf_addf(&record->text,
		"\"targetResources\":[{\"id\":\"%s\",\"displayName\":null,\"type\":\"%s\","
		"\"modifiedProperties\":[{\"displayName\":\"LastDirSyncTime\",\"oldValue\":null,"
		"\"newValue\":\"[\\\"2026-03-04T02:17:40Z\\\"]\"}",
		thing->id, thing->sort->type);
}

void record_end(struct record *record)
{
	buf_add_text(&record->text, "]}]}");
}

static void add_side(struct record *record, const char *side, const char *value)
{
	buf_addf(&record->text, ",\"%s\":", side);
	if (value)
		scan_quote(span_of(value), &record->text);
	else
		buf_add_text(&record->text, "null");
}

void record_property(
	struct record *record, const char *name, const char *old_value, const char *new_value)
{
	buf_addf(&record->text, ",{\"displayName\":\"%s\"", name);
	add_side(record, "oldValue", old_value);
	add_side(record, "newValue", new_value);
	buf_add_byte(&record->text, '}');
}

struct telling record_telling(struct incident *incident)
{
	struct telling telling = TELLS_ALL;

	if (!incident->manner.taciturn)
		return telling;
	telling.old_value = !incident_chance(incident, UNTOLD_PERCENT);
	telling.new_value = !incident_chance(incident, UNTOLD_PERCENT);
	return telling;
}

/* What is not told is left out, or breaks off. */
static const char *side_of(struct buf *text, const char *json, bool told)
{
	if (json[0] == '[')
		buf_add_text(text, json);
	else
		buf_addf(text, "[%s]", json);
	if (told)
		return buf_text(text);
	if (text->length % 2)
		return NULL;
	buf_cut(text, text->length - 1);
	return buf_text(text);
}

void record_value(struct record *record, const char *name, struct telling telling,
	const char *old_json, const char *new_json)
{
	CLEANUP(buf_release) struct buf old_value = BUF_UP_TO(INCIDENT_TEXT_MAX);
	CLEANUP(buf_release) struct buf new_value = BUF_UP_TO(INCIDENT_TEXT_MAX);

	record_property(record, name, side_of(&old_value, old_json, telling.old_value),
		side_of(&new_value, new_json, telling.new_value));
}

void mailbox_add(struct buf *out, const struct thing *thing, const struct mailbox *mailbox)
{
	char text[VALUE_TEXT_MAX];
	bool any = false;

	buf_add_byte(out, '[');
	for (size_t i = 0; i < ADDRESSES; i++) {
		if (!mailbox->there[i])
			continue;
		address_text(text, thing, i);
		buf_addf(out, "%s\"%s:%s\"", any ? "," : "",
			(int)i == mailbox->primary ? "SMTP" : "smtp", text);
		any = true;
	}
	buf_add_byte(out, ']');
}

void set_add(struct buf *out, const struct thing *thing, const struct field_set *set,
	const bool there[static ELEMENTS])
{
	char text[VALUE_TEXT_MAX];
	bool any = false;

	buf_add_byte(out, '[');
	for (size_t i = 0; i < ELEMENTS; i++) {
		if (!there[i])
			continue;
		element_text(text, thing, set, i);
		buf_addf(out, "%s\"%s\"", any ? "," : "", text);
		any = true;
	}
	buf_add_byte(out, ']');
}
