/*
 * A record of the directory audit log, turned into facts (contract 4.3 to 4.5).
 *
 * One table of activities says which records speak of objects that we follow. A record of such
 * an activity that can't be read is an error and never "nothing happened"; a value in it that
 * can't be read is a value not known.
 */
#include "base/scan.h"
#include "base/text.h"
#include "reconcile/audit_internal.h"

#define GROUP_ID_PROPERTY "Group.ObjectID"

static const struct activity activities[] = {
	{ "Add user", KIND_USER, DOES_CREATE, NULL },
	{ "Update user", KIND_USER, DOES_UPDATE, NULL },
	{ "Delete user", KIND_USER, DOES_DELETE, NULL },
	{ "Hard Delete user", KIND_USER, DOES_PURGE, NULL },
	{ "Restore user", KIND_USER, DOES_RESTORE, NULL },
	{ "Enable account", KIND_USER, DOES_UPDATE, "accountEnabled" },
	{ "Disable account", KIND_USER, DOES_UPDATE, "accountEnabled" },
	{ "Set user manager", KIND_USER, DOES_UPDATE, "manager" },
	{ "Add group", KIND_GROUP, DOES_CREATE, NULL },
	{ "Update group", KIND_GROUP, DOES_UPDATE, NULL },
	{ "Delete group", KIND_GROUP, DOES_DELETE, NULL },
	{ "Hard Delete group", KIND_GROUP, DOES_PURGE, NULL },
	{ "Restore group", KIND_GROUP, DOES_RESTORE, NULL },
	{ "Add member to group", KIND_GROUP, DOES_ADD, "members" },
	{ "Remove member from group", KIND_GROUP, DOES_REMOVE, "members" },
	{ "Add owner to group", KIND_GROUP, DOES_ADD, "owners" },
	{ "Remove owner from group", KIND_GROUP, DOES_REMOVE, "owners" },
	{ "Add contact", KIND_CONTACT, DOES_CREATE, NULL },
	{ "Update contact", KIND_CONTACT, DOES_UPDATE, NULL },
	{ "Delete contact", KIND_CONTACT, DOES_DELETE, NULL },
	{ "Hard Delete contact", KIND_CONTACT, DOES_PURGE, NULL },
	{ "Restore contact", KIND_CONTACT, DOES_RESTORE, NULL },
};

/* Who masters an object is switched to get at it (contract 5.6): nobody uses it because of that. */
#define SWITCH_OF_MASTER "Change Source of Authority"

static const struct activity *activity_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(activities); i++)
		if (same_name(activities[i].name, name))
			return &activities[i];
	return NULL;
}

/* The id in lower case, kept; NULL where the target has none. */
static const char *target_id(struct record *record, const json_t *target)
{
	const char *id = json_text_or_null(target, "id");
	char lower[ID_BYTES + 1] = { 0 };

	if (!id || !text_is_guid(span_of(id)))
		return NULL;
	for (size_t i = 0; i < ID_BYTES; i++)
		lower[i] = text_lower(id[i]);
	return evidence_keep(record->evidence, span_of(lower)).data;
}

static const struct writer *record_writer(struct evidence *evidence, const json_t *root)
{
	const json_t *by = json_object_get(root, "initiatedBy");
	const json_t *user = json_object_get(by, "user"), *app = json_object_get(by, "app");
	char server[64];
	struct writer writer = { 0 };

	if (json_is_object(user)) {
		writer.id = json_text_or_null(user, "id");
		writer.name = json_text_or_null(user, "userPrincipalName");
		if (!writer.name)
			writer.name = json_text_or_null(user, "displayName");
	} else if (json_is_object(app)) {
		writer.id = json_text_or_null(app, "appId");
		if (!writer.id)
			writer.id = json_text_or_null(app, "servicePrincipalId");
		writer.name = json_text_or_null(app, "displayName");
		if (!writer.name)
			writer.name = json_text_or_null(app, "servicePrincipalName");
	}
	writer.id = writer.id ? writer.id : "";
	writer.name = writer.name ? writer.name : NAME_NOT_RECORDED;
	if (sync_identity_server(writer.name, server))
		writer.server = server;
	return evidence_keep_writer(evidence, &writer);
}

void record_add(struct record *record, const struct fact *fact)
{
	struct fact added = *fact;

	if (record->perhaps) {
		added.operation = FACT_NAMED;
		added.old_known = added.new_known = false;
		added.old_value = added.new_value = SPAN_NONE;
		if (!added.attribute_name)
			added.attribute_name = evidence_keep(
				record->evidence, span_of(record->activity->name))
						       .data;
	}
	evidence_add_kept(record->evidence, &added);
	record->facts++;
}

/* ---- whole objects, and memberships ------------------------------------------------- */

static bool add_object(struct record *record, struct error *err)
{
	static const enum fact_operation operations[] = {
		[DOES_CREATE] = FACT_CREATE,
		[DOES_DELETE] = FACT_DELETE,
		[DOES_PURGE] = FACT_PURGE,
		[DOES_RESTORE] = FACT_RESTORE,
	};
	enum does does = record->activity->does;
	const json_t *target = json_array_get(record->targets, 0);
	struct fact fact;

	record->fact.id = target_id(record, target);
	if (!record->fact.id)
		return error_set(err, ERROR_FORMAT, "targetResources: no object id");
	if (does != DOES_UPDATE) {
		fact = record->fact;
		fact.operation = operations[does];
		record_add(record, &fact);
	}
	if ((does == DOES_UPDATE || does == DOES_CREATE) &&
		!record_add_properties(record, target, err))
		return false;
	if (record->activity->attribute)
		record_add_implied(record, target);
	/* What names nothing that it changed still tells who touched the object. */
	if (!record->facts) {
		fact = record_fact_about(record, NULL, span_of(record->activity->name));
		record_add(record, &fact);
	}
	return true;
}

/* The id that a target's Group.ObjectID says, kept; NULL where it says none. */
static const char *group_property(struct record *record, const json_t *target)
{
	static const char *const sides[2][2] = { { "newValue", "oldValue" },
		{ "oldValue", "newValue" } };
	const json_t *property;
	size_t i;

	json_array_foreach(json_object_get(target, "modifiedProperties"), i, property)
	{
		const char *name = json_text_or_null(property, "displayName");
		const struct attribute *reference = attribute_find(
			kind_get(KIND_USER), SPAN_LITERAL("manager"));

		if (!name || !same_name(name, GROUP_ID_PROPERTY))
			continue;
		for (size_t side = 0; side < 2; side++) {
			CLEANUP(buf_release) struct buf id = BUF_UP_TO(AUDIT_RECORD_MAX);
			const char *key = sides[record->activity->does == DOES_REMOVE][side];

			if (audit_value_add(&id, reference, json_object_get(property, key)) &&
				id.length == ID_BYTES + 2)
				return evidence_keep(
					record->evidence, (struct span){ id.data + 1, ID_BYTES })
					.data;
		}
	}
	return NULL;
}

static bool is_group(const json_t *target)
{
	const char *type = json_text_or_null(target, "type");

	return type && same_name(type, "Group");
}

/* The group without Group.ObjectID: the only target that is one, else the second. */
static const char *group_among_targets(struct record *record)
{
	const json_t *first = json_array_get(record->targets, 0);
	const json_t *second = json_array_get(record->targets, 1);

	if (is_group(second))
		return target_id(record, second);
	return second && is_group(first) ? target_id(record, first) : NULL;
}

/* The first target that is not the group. */
static const char *member_among_targets(struct record *record, const char *group)
{
	const json_t *target;
	size_t i;

	json_array_foreach(record->targets, i, target)
	{
		const char *id = target_id(record, target);

		if (id && strcmp(id, group) != 0)
			return id;
	}
	return NULL;
}

static bool add_membership(struct record *record, struct error *err)
{
	const char *relation = record->activity->attribute, *group = NULL, *member;
	const json_t *target;
	char quoted[ID_BYTES + 3];
	struct fact fact = record->fact;
	size_t i;

	json_array_foreach(record->targets, i, target) if (!group)
		group = group_property(record, target);
	if (!group)
		group = group_among_targets(record);
	member = group ? member_among_targets(record, group) : NULL;
	if (!group || !member)
		return error_set(
			err, ERROR_FORMAT, "targetResources: no %s", group ? "member" : "group");
	snprintf(quoted, sizeof(quoted), "\"%s\"", member);
	fact.id = group;
	fact.attribute = attribute_find(fact.kind, span_of(relation));
	fact.attribute_name = evidence_keep(record->evidence, span_of(relation)).data;
	fact.operation = record->activity->does == DOES_ADD ? FACT_ADD : FACT_REMOVE;
	fact.new_known = fact.operation == FACT_ADD;
	fact.old_known = fact.operation == FACT_REMOVE;
	*(fact.new_known ? &fact.new_value : &fact.old_value) = evidence_keep(
		record->evidence, span_of(quoted));
	record_add(record, &fact);
	return true;
}

/* ---- the record --------------------------------------------------------------------- */

/* Something that happened, or perhaps did: it did not fail. */
static bool record_counts(const json_t *root, bool *counts, bool *perhaps, struct error *err)
{
	const char *result = json_text(root, "result", err);

	if (!result || !json_text(root, "activityDisplayName", err))
		return false;
	*perhaps = !same_name(result, "success");
	*counts = !same_name(result, "failure");
	return true;
}

/* In the directory itself. What other services write there, it tells, too, and with its values. */
static bool is_of_directory(const json_t *root)
{
	const json_t *service = json_object_get(root, "loggedByService");

	return !json_is_string(service) || same_name(json_string_value(service), "Core Directory");
}

static const struct kind *target_kind(const json_t *target)
{
	const char *type = json_text_or_null(target, "type");

	for (enum kind_id id = 0; type && id < KIND_COUNT; id++)
		if (same_name(type, kind_get(id)->name))
			return kind_get(id);
	return NULL;
}

/*
 * What is none of the activities above (a licence given, a password set, a second factor registered with
 * another service) changes nothing that we follow, but whoever did it uses the object: staging's making it
 * is not all there is to it.
 */
static void add_touches(struct record *record, const char *activity)
{
	struct span switched = SPAN_LITERAL(SWITCH_OF_MASTER);
	const json_t *target;
	size_t i;

	if (strlen(activity) >= switched.length &&
		text_compare_caseless((struct span){ activity, switched.length }, switched) == 0)
		return;

	json_array_foreach(record->targets, i, target)
	{
		struct fact fact;

		record->fact.kind = target_kind(target);
		record->fact.id = record->fact.kind ? target_id(record, target) : NULL;
		if (!record->fact.id)
			continue;
		fact = record_fact_about(record, NULL, span_of(activity));
		record_add(record, &fact);
	}
}

static bool record_add_facts(struct record *record, const json_t *root, struct error *err)
{
	const char *when = json_text(root, "activityDateTime", err);

	if (!when)
		return false;
	if (!evidence_instant(when, &record->fact.when_ms))
		return error_set(err, ERROR_FORMAT, "activityDateTime: not an instant");
	record->fact.source = FROM_AUDIT;
	record->fact.who = record_writer(record->evidence, root);
	if (!record->activity) {
		record->targets = json_object_get(root, "targetResources");
		add_touches(record, json_text_or_null(root, "activityDisplayName"));
		return true;
	}
	record->targets = json_array_of(root, "targetResources", err);
	if (!record->targets)
		return false;
	record->fact.kind = kind_get(record->activity->kind);
	return record->activity->does >= DOES_ADD ? add_membership(record, err)
						  : add_object(record, err);
}

bool evidence_add_audit(struct evidence *evidence, struct span record_text, struct error *err)
{
	CLEANUP(json_freep) json_t *root = json_parse(record_text, AUDIT_RECORD_MAX, err);
	struct record record = { .evidence = evidence };
	bool counts = false;
	const char *id;

	if (!root)
		return error_prefix(err, "audit record");
	id = json_text(root, "id", err);
	if (!id)
		return error_prefix(err, "audit record");
	if (!*id)
		return error_set(err, ERROR_FORMAT, "audit record: its id is empty");
	if (!record_counts(root, &counts, &record.perhaps, err))
		return error_prefix(err, "audit record %s", id);
	if (!counts)
		return true;
	if (is_of_directory(root))
		record.activity = activity_find(json_text_or_null(root, "activityDisplayName"));
	record.fact.reference = evidence_keep(evidence, span_of(id)).data;
	if (!record_add_facts(&record, root, err))
		return error_prefix(err, "audit record %s", id);
	return true;
}
