/*
 * The tenant's audit log, in the shape of contract 4.3. Changes of one object between
 * audit_begin() and audit_end() are one record, as an export of a sync server or a PATCH is;
 * references, deletions and restores are records of their own. Values are JSON inside strings,
 * always as an array, which is what the service does for directory properties.
 */
#include <assert.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/time.h"
#include "simulator/store.h"

enum { TICKS_PER_MS = 10000, DAY_MS = 24 * 60 * 60 * 1000, AUDIT_NAMES_MAX = 16 << 10 };

/* What each kind is called in a record. */
static const struct {
	const char *type, *category, *noun;
} kinds[OBJECT_KINDS] = {
	[OBJECT_USER] = { "User", "UserManagement", "user" },
	[OBJECT_GROUP] = { "Group", "GroupManagement", "group" },
	[OBJECT_CONTACT] = { "Contact", "Contact", "contact" },
};

/* "2026-03-04T02:17:41.5512345Z": records of one millisecond keep their order. */
static void put_time(struct simulator *simulator, json_t *record)
{
	struct audit *audit = &simulator->audit;
	char seconds[TIME_TEXT_BYTES], text[TIME_TEXT_BYTES + 16];
	int64_t whole = simulator->now_ms / 1000;
	unsigned fraction;

	if (simulator->now_ms != audit->last_ms) {
		audit->last_ms = simulator->now_ms;
		audit->last_ticks = (unsigned)simulator_random_below(simulator, TICKS_PER_MS / 2);
	} else if (audit->last_ticks < TICKS_PER_MS - 1) {
		audit->last_ticks++;
	}
	time_text(whole * 1000, seconds);
	fraction = (unsigned)(simulator->now_ms - whole * 1000) * TICKS_PER_MS + audit->last_ticks;
	snprintf(text, sizeof(text), "%.19s.%07uZ", seconds, fraction % 10000000U);
	json_object_set_new(record, "activityDateTime", json_string(text));
}

static void put_id(struct simulator *simulator, json_t *record, const char *correlation)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	char mark[6] = "", id[128];

	for (size_t i = 0; i < 5; i++)
		mark[i] = alphabet[simulator_random_below(simulator, sizeof(alphabet) - 1)];
	snprintf(id, sizeof(id), "Directory_%s_%s_%u", correlation, mark,
		10000000U + (unsigned)simulator_random_below(simulator, 90000000));
	json_object_set_new(record, "id", json_string(id));
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *initiator(const struct actor *actor)
{
	if (actor->is_app)
		return json_pack("{s:n, s:{s:o, s:s, s:s, s:n}}", "user", "app", "appId",
			text_or_null(actor->app_id), "displayName", actor->name,
			"servicePrincipalId", actor->id, "servicePrincipalName");
	return json_pack("{s:n, s:{s:s, s:o, s:s, s:o}}", "app", "user", "id", actor->id,
		"displayName", text_or_null(actor->display_name), "userPrincipalName", actor->name,
		"ipAddress", text_or_null(actor->ip_address));
}

static const char *group_type(const struct object_row *row)
{
	return json_array_holds(json_object_get(row->json, "groupTypes"), "Unified")
		? "unifiedGroups"
		: "azureAD";
}

static json_t *target_of(const struct object_row *row)
{
	bool is_user = row->kind == OBJECT_USER;

	return json_pack("{s:s, s:o, s:s, s:o, s:o, s:[]}", "id", row->id, "displayName",
		is_user ? json_null() : text_or_null(json_text_or_null(row->json, "displayName")),
		"type", kinds[row->kind].type, "userPrincipalName",
		text_or_null(json_text_or_null(row->json, "userPrincipalName")), "groupType",
		row->kind == OBJECT_GROUP ? json_string(group_type(row)) : json_null(),
		"modifiedProperties");
}

static void add_property(json_t *properties, const char *name, json_t *old_value, json_t *new_value)
{
	json_array_append_new(properties,
		json_pack("{s:s, s:o, s:o}", "displayName", name, "oldValue", old_value, "newValue",
			new_value));
}

/* JSON in a string: a text with its quotes. */
static json_t *quoted(const char *text)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(SIMULATOR_OBJECT_MAX);
	CLEANUP(json_freep) json_t *value = json_string(text);

	json_add(&line, value);
	return json_stringn(buf_text(&line), line.length);
}

/* A value as the log writes it: JSON in a string, an array also around a single one. */
static json_t *logged(const json_t *value)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(SIMULATOR_OBJECT_MAX);

	if (!value)
		return json_string("[]");
	if (json_is_array(value)) {
		json_add(&text, value);
		return json_stringn(buf_text(&text), text.length);
	}
	buf_add_byte(&text, '[');
	json_add(&text, value);
	buf_add_byte(&text, ']');
	return json_stringn(buf_text(&text), text.length);
}

/* ---- one record ------------------------------------------------------------------------------ */

static void begin_record(struct simulator *simulator, const struct actor *actor,
	const struct object_row *row, const char *operation)
{
	struct audit *audit = &simulator->audit;
	const char *type = json_text_or_null(row->json, "userType");

	audit->targets = json_array();
	json_array_append_new(audit->targets, target_of(row));
	audit->properties = json_incref(
		json_object_get(json_array_get(audit->targets, 0), "modifiedProperties"));
	audit->initiated_by = initiator(actor);
	audit->by_sync = actor->role == ACTOR_PRODUCTION || actor->role == ACTOR_STAGING;
	audit->kind = row->kind;
	audit->operation = operation;
	audit->user_type[0] = '\0';
	if (row->kind == OBJECT_USER)
		snprintf(audit->user_type, sizeof(audit->user_type), "%s", type ? type : "Member");
	snprintf(audit->target, sizeof(audit->target), "%s", row->id);
	snprintf(audit->record_activity, sizeof(audit->record_activity), "%s", audit->activity);
}

static void name_record(struct audit *audit, const char *verb)
{
	snprintf(audit->record_activity, sizeof(audit->record_activity), "%s %s", verb,
		kinds[audit->kind].noun);
}

/* What an update is called when nobody said: switching an account has a name of its own. */
static void derive_activity(struct audit *audit)
{
	const json_t *only = json_array_get(audit->properties, 0);
	const char *name = json_text_or_null(only, "displayName");

	name_record(audit, "Update");
	if (json_array_size(audit->properties) != 1 || !name || strcmp(name, "AccountEnabled") != 0)
		return;
	snprintf(audit->record_activity, sizeof(audit->record_activity), "%s",
		strcmp(json_text_or_null(only, "newValue"), "[true]") == 0 ? "Enable account"
									   : "Disable account");
}

static void add_pseudo_properties(struct audit *audit)
{
	CLEANUP(buf_release) struct buf names = BUF_UP_TO(AUDIT_NAMES_MAX);

	for (size_t i = 0; i < json_array_size(audit->properties); i++)
		buf_addf(&names, "%s%s", i ? ", " : "",
			json_text_or_null(json_array_get(audit->properties, i), "displayName"));
	/* References are not updated properties. */
	if (names.length > 0 && strstr(audit->operation, "ssign") == NULL)
		add_property(audit->properties, "Included Updated Properties", json_null(),
			quoted(buf_text(&names)));
	if (audit->by_sync)
		add_property(audit->properties, "Action Client Name", json_null(),
			json_string("DirectorySync"));
	if (audit->user_type[0])
		add_property(audit->properties, "TargetId.UserType", json_null(),
			quoted(audit->user_type));
}

static json_t *take_record(struct simulator *simulator)
{
	struct audit *audit = &simulator->audit;
	json_t *details = json_array();
	json_t *record = json_object();

	put_id(simulator, record, audit->correlation);
	put_time(simulator, record);
	if (audit->user_type[0])
		json_array_append_new(details,
			json_pack("{s:s, s:s}", "key", "UserType", "value", audit->user_type));
	json_object_update_new(record,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:O, s:o}", "category",
			kinds[audit->kind].category, "correlationId", audit->correlation, "result",
			"success", "resultReason", "", "activityDisplayName",
			audit->record_activity, "loggedByService", "Core Directory",
			"operationType", audit->operation, "initiatedBy", audit->initiated_by,
			"targetResources", audit->targets, "additionalDetails", details));
	return record;
}

void audit_forget(struct simulator *simulator)
{
	struct audit *audit = &simulator->audit;

	json_decref(audit->targets);
	json_decref(audit->properties);
	json_decref(audit->initiated_by);
	audit->targets = audit->properties = audit->initiated_by = NULL;
}

/* Writes the open record down, if there is one. */
static bool flush(struct simulator *simulator, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(2 * SIMULATOR_OBJECT_MAX);
	CLEANUP(json_freep) json_t *record = NULL;
	struct audit *audit = &simulator->audit;
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_AUDIT_INSERT);

	if (!audit->targets)
		return true;
	if (!audit->record_activity[0])
		derive_activity(audit);
	add_pseudo_properties(audit);
	if (!audit->correlation[0])
		simulator_guid(simulator, audit->correlation);
	record = take_record(simulator);
	if (audit->depth == 0)
		audit->correlation[0] = '\0';
	audit_forget(simulator);
	json_add(&text, record);
	sqlite3_bind_int64(statement, 1, simulator->now_ms);
	store_bind_text(statement, 2, buf_text(&text));
	return store_run(simulator, statement, "log an audit record", err);
}

void audit_begin(struct simulator *simulator, const char *activity)
{
	struct audit *audit = &simulator->audit;

	if (audit->depth++ > 0)
		return;
	audit_forget(simulator);
	snprintf(audit->activity, sizeof(audit->activity), "%s", activity ? activity : "");
	simulator_guid(simulator, audit->correlation);
}

bool audit_end(struct simulator *simulator, struct error *err)
{
	struct audit *audit = &simulator->audit;
	bool done;

	assert(audit->depth > 0);
	if (--audit->depth > 0)
		return true;
	done = flush(simulator, err);
	audit->activity[0] = audit->correlation[0] = '\0';
	return done;
}

/* ---- what is logged -------------------------------------------------------------------------- */

bool audit_change(struct simulator *simulator, const struct actor *actor,
	const struct object_row *row, const char *attribute, const json_t *old_value,
	const json_t *new_value, struct error *err)
{
	struct audit *audit = &simulator->audit;
	char room[64];
	const char *name = audit_property_name(attribute, room);

	if (!name)
		return true;
	if (audit->targets && strcmp(audit->target, row->id) != 0 && !flush(simulator, err))
		return false;
	if (!audit->targets)
		begin_record(simulator, actor, row, "Update");
	add_property(audit->properties, name, logged(old_value), logged(new_value));
	return audit->depth > 0 || flush(simulator, err);
}

static const struct {
	const char *verb, *operation;
} events[] = {
	[AUDIT_ADD] = { "Add", "Add" },
	[AUDIT_DELETE] = { "Delete", "Delete" },
	[AUDIT_HARD_DELETE] = { "Hard Delete", "Delete" },
	[AUDIT_RESTORE] = { "Restore", "Update" },
};

bool audit_object(struct simulator *simulator, const struct actor *actor,
	const struct object_row *row, enum audit_event event, struct error *err)
{
	struct audit *audit = &simulator->audit;
	const char *name;
	json_t *value;

	if (!flush(simulator, err))
		return false;
	begin_record(simulator, actor, row, events[event].operation);
	name_record(audit, events[event].verb);
	/* The one name in the list of activities with a capital (contract 4.5). */
	if (event == AUDIT_RESTORE && row->kind == OBJECT_GROUP)
		snprintf(audit->record_activity, sizeof(audit->record_activity), "Restore Group");
	if (event == AUDIT_ADD)
		json_object_foreach(row->json, name, value)
		{
			char room[64];
			const char *inner = audit_property_name(name, room);

			if (inner)
				add_property(audit->properties, inner, logged(NULL), logged(value));
		}
	/* What is created within a group of writes is completed there: one record. */
	if (event == AUDIT_ADD && audit->depth > 0)
		return true;
	return flush(simulator, err);
}

static const struct {
	const char *added, *removed;
} reference_activities[] = {
	[RELATION_MEMBERS] = { "Add member to group", "Remove member from group" },
	[RELATION_OWNERS] = { "Add owner to group", "Remove owner from group" },
	[RELATION_MANAGER] = { "Set user manager", "Set user manager" },
};

/* The member is the target; its group stands in the properties, and as the second target. */
static void describe_group(struct audit *audit, const struct object_row *group, bool added)
{
	const char *name = json_text_or_null(group->json, "displayName");
	const char *const properties[][2] = { { "Group.ObjectID", group->id },
		{ "Group.DisplayName", name ? name : "" } };

	for (size_t i = 0; i < COUNT_OF(properties); i++)
		add_property(audit->properties, properties[i][0],
			added ? json_null() : quoted(properties[i][1]),
			added ? quoted(properties[i][1]) : json_null());
	json_array_append_new(audit->targets, target_of(group));
}

bool audit_reference(struct simulator *simulator, const struct actor *actor,
	const struct object_row *source, enum relation relation, const struct object_row *target,
	bool added, struct error *err)
{
	struct audit *audit = &simulator->audit;
	CLEANUP(json_freep) json_t *id = json_string(target->id);

	if (!flush(simulator, err))
		return false;
	begin_record(simulator, actor, relation == RELATION_MANAGER ? source : target,
		added ? "Assign" : "Unassign");
	if (relation == RELATION_MANAGER) {
		add_property(audit->properties, "Manager", logged(added ? NULL : id),
			logged(added ? id : NULL));
	} else {
		describe_group(audit, source, added);
		audit->kind = OBJECT_GROUP;
	}
	snprintf(audit->record_activity, sizeof(audit->record_activity), "%s",
		added ? reference_activities[relation].added
		      : reference_activities[relation].removed);
	return flush(simulator, err);
}

bool audit_each(struct simulator *simulator, bool newest_first, int64_t behind,
	bool (*visit)(
		void *context, int64_t sequence, json_t *record, bool *more, struct error *err),
	void *context, struct error *err)
{
	sqlite3_stmt *statement = store_statement(simulator,
		newest_first ? STATEMENT_AUDIT_NEWEST_FIRST : STATEMENT_AUDIT_OLDEST_FIRST);
	bool more = true, right = true;

	sqlite3_bind_int64(
		statement, 1, simulator->now_ms - (int64_t)AUDIT_RETENTION_DAYS * DAY_MS);
	sqlite3_bind_int64(statement, 2, behind);
	while (more && right && store_row(simulator, statement, "read the audit log", err)) {
		CLEANUP(json_freep)
		json_t *record = json_loadb(store_text(statement, 1),
			(size_t)sqlite3_column_bytes(statement, 1), 0, NULL);

		right = visit(context, sqlite3_column_int64(statement, 0), record, &more, err);
	}
	sqlite3_reset(statement);
	return right && err->kind == ERROR_NONE;
}
