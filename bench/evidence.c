/*
 * Writes evidence for two snapshots, by the way that `unstage evidence` takes: records of the directory's
 * audit log, one by one, and saved. The staging server wrote all that differs, in one burst between
 * the two, and touched some objects that production has put back since; among its records are those of all
 * others, about objects of which nothing differs.
 *
 *	bench_evidence BASE LIVE RECORDS FILE
 *
 * Prints how many records there are, and of how many objects the staging server's.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/time.h"
#include "reconcile/reconcile.h"

enum {
	RECORD_MAX = 64 << 10,
	BURST_STEP_MS = 450,        /* between two records of the staging server */
	HEALED = 100,               /* objects that were put back */
	HEAL_AFTER_MS = 30 * 60000, /* production's next cycle */
	DAYS_BEFORE = 6,            /* for which the log was read before the base was taken */
	DAY_MS = 86400000,
};

enum author { STAGING, PRODUCTION, HELP_DESK, PORTAL };

static const char *const initiators[] = {
	[STAGING] =
		"\"app\":null,\"user\":{\"id\":\"0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10\",\"displayName\":"
		"\"On-Premises Directory Synchronization Service Account\",\"userPrincipalName\":"
		"\"Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com\",\"ipAddress\":\"203.0.113.24\"}",
	[PRODUCTION] =
		"\"app\":null,\"user\":{\"id\":\"3b0e4d17-90ab-4d55-a1de-6f2c8e0b7a41\",\"displayName\":"
		"\"On-Premises Directory Synchronization Service Account\",\"userPrincipalName\":"
		"\"Sync_SYNC01_51aa90c77f02@contoso.onmicrosoft.com\",\"ipAddress\":\"203.0.113.21\"}",
	[HELP_DESK] =
		"\"app\":null,\"user\":{\"id\":\"b7a1f8d2-5c44-4e0f-8a0e-2d9c71e6f503\",\"displayName\":\"Help "
		"Desk\",\"userPrincipalName\":\"helpdesk@contoso.com\",\"ipAddress\":\"198.51.100.7\"}",
	[PORTAL] =
		"\"user\":null,\"app\":{\"appId\":\"5ed8ae4c-1f0b-4ff1-9e55-c3a10b7f1d20\",\"displayName\":\"Contoso HR "
		"portal\",\"servicePrincipalId\":\"e0c1d5a7-2b3f-4a6e-9c8d-1f2e3d4c5b6a\",\"servicePrincipalName\":null}",
};

/* What others write all day. */
static const struct {
	enum author author;
	const char *attribute, *other; /* the value there was, or is */
} habits[] = {
	{ PRODUCTION, "department", "\"Sales EMEA\"" },
	{ PRODUCTION, "jobTitle", "\"Analyst\"" },
	{ HELP_DESK, "businessPhones", "[\"+49 30 1234567\"]" },
	{ HELP_DESK, "otherMails", "[\"private.person@example.com\"]" },
	{ PORTAL, "officeLocation", "\"B3/2.017\"" },
};

struct making {
	struct snapshot *base, *live;
	struct evidence *evidence;
	uint64_t records, made, touched;
	uint64_t step, passed; /* every so manieth object has a record; objects so far */
	int64_t from_ms, until_ms, burst_ms;
};

/* splitmix64: every run has the same records. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* ---- one record, as the contract shows it (4.3) -------------------------------------------- */

struct record {
	enum author author;
	const char *activity;
	const struct object *object;
	int64_t when_ms;
	struct buf properties;
};

/* JSON in a text, an array also around a single value. */
static void add_side(struct buf *out, const char *side, struct span value)
{
	CLEANUP(buf_release) struct buf inner = BUF_UP_TO(RECORD_MAX);

	if (scan_type(value) != SCAN_ARRAY)
		buf_add_byte(&inner, '[');
	buf_add_span(&inner, value);
	if (scan_type(value) != SCAN_ARRAY)
		buf_add_byte(&inner, ']');
	buf_addf(out, ",\"%s\":", side);
	scan_quote(buf_span(&inner), out);
}

static void add_property(
	struct record *record, const char *name, struct span old_value, struct span new_value)
{
	buf_addf(&record->properties, "{\"displayName\":\"%s\"", name);
	add_side(&record->properties, "oldValue", old_value);
	add_side(&record->properties, "newValue", new_value);
	buf_add_text(&record->properties, "},");
}

/* What sync adds to each of its own. */
static void add_last_sync(struct record *record, const char *when)
{
	char quoted[TIME_TEXT_BYTES + 2];

	snprintf(quoted, sizeof(quoted), "\"%s\"", when);
	add_property(record, "LastDirSyncTime", SPAN_LITERAL("\"2026-03-03T22:01:07Z\""),
		span_of(quoted));
}

static bool finish_record(struct making *making, struct record *record, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(RECORD_MAX);
	uint64_t serial = making->made++, random = mix(serial), more = mix(random);
	char correlation[ID_BYTES + 1], when[TIME_TEXT_BYTES];
	struct span id = object_id(record->object);

	time_text(record->when_ms, when);
	if (record->author == STAGING || record->author == PRODUCTION)
		add_last_sync(record, when);
	snprintf(correlation, sizeof(correlation), "%08x-%04x-4%03x-8%03x-%012llx",
		(unsigned)(random >> 32), (unsigned)(random >> 16 & 0xffff),
		(unsigned)(random & 0xfff), (unsigned)(more & 0xfff),
		(unsigned long long)(more >> 16));
	buf_addf(&text,
		"{\"id\":\"Directory_%s_%05X_%llu\",\"category\":\"UserManagement\",\"correlationId\":\"%s\","
		"\"result\":\"success\",\"resultReason\":\"\",\"activityDisplayName\":\"%s\",\"activityDateTime\":\"%s\","
		"\"loggedByService\":\"Core Directory\",\"operationType\":\"Update\",\"initiatedBy\":{%s},",
		correlation, (unsigned)(random & 0xfffff), (unsigned long long)(48213377 + serial),
		correlation, record->activity, when, initiators[record->author]);
	buf_addf(&text,
		"\"targetResources\":[{\"id\":\"%.*s\",\"displayName\":null,\"type\":\"User\",\"userPrincipalName\":"
		"null,\"groupType\":null,\"modifiedProperties\":[%s{\"displayName\":\"TargetId.UserType\","
		"\"oldValue\":null,\"newValue\":\"\\\"Member\\\"\"}]}],"
		"\"additionalDetails\":[{\"key\":\"UserType\",\"value\":\"Member\"}]}",
		SPAN_FORMAT(id), buf_text(&record->properties));
	buf_release(&record->properties);
	return buf_check(&text, "a record", err) &&
		evidence_add_audit(making->evidence, buf_span(&text), err);
}

static struct record record_of(
	enum author author, const char *activity, const struct object *object, int64_t when_ms)
{
	return (struct record){ author, activity, object, when_ms, BUF_UP_TO(RECORD_MAX) };
}

/* ---- the staging server ---------------------------------------------------------------------- */

static struct record burst_record(
	struct making *making, const char *activity, const struct object *object)
{
	making->touched++;
	making->burst_ms += BURST_STEP_MS;
	return record_of(STAGING, activity, object, making->burst_ms);
}

static bool add_difference(
	void *context, struct span base_lines, struct span live_lines, struct error *err)
{
	struct making *making = context;
	CLEANUP(object_freep) struct object *base = NULL;
	CLEANUP(object_freep) struct object *live = NULL;
	const struct kind *kind = kind_get(KIND_USER);
	struct record record;

	if ((base_lines.length && !(base = object_parse(base_lines, err))) ||
		(live_lines.length && !(live = object_parse(live_lines, err))))
		return false;
	record = burst_record(making,
		!live          ? "Delete user"
			: base ? "Update user"
			       : "Add user",
		live ? live : base);
	for (size_t i = 0; live && i < kind->attribute_count; i++) {
		const struct attribute *attribute = &kind->attributes[i];
		struct span before = base ? object_get(base, attribute) : SPAN_NONE;
		struct span after = object_get(live, attribute);

		if (attribute->audit_name && !span_equal(before, after))
			add_property(&record, attribute->audit_name, before, after);
	}
	return finish_record(making, &record, err);
}

/* ---- everybody else -------------------------------------------------------------------------- */

static bool is_same_in_base(struct making *making, struct span lines, struct error *err)
{
	CLEANUP(buf_release) struct buf base = BUF_UP_TO(SNAPSHOT_OBJECT_MAX);
	CLEANUP(object_freep) struct object *object = object_parse(lines, err);

	return object && snapshot_object(making->base, object_id(object), &base, err) &&
		span_equal(buf_span(&base), lines);
}

/* The staging server wrote it, and production what was there before. */
static bool add_healed(struct making *making, const struct object *object, struct error *err)
{
	struct span name = object_get_named(object, "displayName");
	struct span wrong = SPAN_LITERAL("\"(none)\"");
	struct record record = burst_record(making, "Update user", object);

	add_property(&record, "DisplayName", name, wrong);
	if (!finish_record(making, &record, err))
		return false;
	record = record_of(PRODUCTION, "Update user", object, making->burst_ms + HEAL_AFTER_MS);
	add_property(&record, "DisplayName", wrong, name);
	return finish_record(making, &record, err);
}

static bool add_habit(struct making *making, const struct object *object, struct error *err)
{
	uint64_t random = mix(making->made ^ 0x07e5);
	size_t i = random % COUNT_OF(habits);
	const struct attribute *attribute = attribute_find(
		kind_get(KIND_USER), span_of(habits[i].attribute));
	uint64_t window = (uint64_t)(making->until_ms - making->from_ms);
	struct record record = record_of(habits[i].author, "Update user", object,
		making->from_ms + (int64_t)(mix(random) % window));

	add_property(&record, attribute->audit_name, span_of(habits[i].other),
		object_get(object, attribute));
	return finish_record(making, &record, err);
}

static bool add_other(void *context, struct span lines, struct error *err)
{
	struct making *making = context;
	CLEANUP(object_freep) struct object *object = NULL;
	uint64_t nth = making->passed++ / making->step;

	if ((making->passed - 1) % making->step || making->made >= making->records)
		return true;
	object = object_parse(lines, err);
	if (!object)
		return false;
	if (nth < HEALED && making->records - making->made > 1)
		return is_same_in_base(making, lines, err) ? add_healed(making, object, err)
							   : err->kind == ERROR_NONE;
	return add_habit(making, object, err);
}

/* ---- all of it --------------------------------------------------------------------------------- */

static bool make(struct making *making, struct error *err)
{
	uint64_t objects = snapshot_header(making->live)->objects[KIND_USER], left;

	if (!snapshot_compare(making->base, making->live, add_difference, making, err))
		return false;
	if (making->made + 2 * (uint64_t)HEALED > making->records || objects < making->records)
		return error_set(err, ERROR_USAGE, "RECORDS: %llu differ of %llu objects",
			(unsigned long long)making->made, (unsigned long long)objects);
	left = making->records - making->made;
	making->step = objects / left;
	return snapshot_each(making->live, add_other, making, err);
}

int main(int argc, char **argv)
{
	struct evidence_header header = { 0 };
	struct making making = { 0 };
	struct error err = { 0 };
	CLEANUP(snapshot_closep) struct snapshot *base = NULL, *live = NULL;
	CLEANUP(evidence_freep) struct evidence *evidence = NULL;

	if (argc < 5)
		return 2;
	base = making.base = snapshot_open(argv[1], &err);
	live = making.live = base ? snapshot_open(argv[2], &err) : NULL;
	making.records = strtoull(argv[3], NULL, 10);
	if (live) {
		int64_t base_ms = snapshot_header(base)->taken_until_ms;

		making.from_ms = header.from_ms = base_ms - DAYS_BEFORE * (int64_t)DAY_MS;
		making.until_ms = snapshot_header(live)->taken_from_ms;
		header.until_ms = header.collected_ms = snapshot_header(live)->taken_until_ms;
		making.burst_ms = base_ms + (making.until_ms - base_ms) / 3;
		snprintf(header.tenant, sizeof(header.tenant), "%s", snapshot_header(live)->tenant);
		evidence = making.evidence = evidence_new(&header);
	}
	if (!live || !make(&making, &err) || !evidence_save(evidence, argv[4], &err)) {
		fprintf(stderr, "bench_evidence: %s\n", err.text);
		return (int)err.kind;
	}
	printf("{\"records\":%zu,\"facts\":%zu,\"touched\":%llu}\n", evidence_records(evidence),
		evidence_count(evidence), (unsigned long long)making.touched);
	return 0;
}
