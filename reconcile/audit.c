/*
 * A record of the directory audit log, turned into facts (contract 4.3 to 4.5).
 *
 * One table of activities says which records speak of objects that we follow. A record of such
 * an activity that can't be read is an error and never "nothing happened"; a value in it that
 * can't be read is a value not known.
 */
#include "base/scan.h"
#include "base/text.h"
#include "reconcile/reconcile_internal.h"

#define NAME_NOT_RECORDED "(not recorded)"
#define GROUP_ID_PROPERTY "Group.ObjectID"
#define INCLUDED_PROPERTY "Included Updated Properties"

enum does {
	DOES_UPDATE,
	DOES_CREATE,
	DOES_DELETE,
	DOES_PURGE,
	DOES_RESTORE,
	DOES_ADD,    /* to a relation of a group */
	DOES_REMOVE, /* from it */
};

struct activity {
	const char *name;
	enum kind_id kind; /* of the object that changes */
	enum does does;
	const char *relation;
};

static const struct activity activities[] = {
	{ "Add user", KIND_USER, DOES_CREATE, NULL },
	{ "Update user", KIND_USER, DOES_UPDATE, NULL },
	{ "Delete user", KIND_USER, DOES_DELETE, NULL },
	{ "Hard Delete user", KIND_USER, DOES_PURGE, NULL },
	{ "Restore user", KIND_USER, DOES_RESTORE, NULL },
	{ "Enable account", KIND_USER, DOES_UPDATE, NULL },
	{ "Disable account", KIND_USER, DOES_UPDATE, NULL },
	{ "Set user manager", KIND_USER, DOES_UPDATE, NULL },
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

/* Properties that describe the record and not the object. */
static const char *const pseudo_properties[] = {
	INCLUDED_PROPERTY,
	"Action Client Name",
	"TargetId.UserType",
};

struct record {
	struct evidence *evidence;
	const struct activity *activity;
	const json_t *targets;
	struct fact fact; /* what all its facts have in common */
};

static bool same_name(const char *a, const char *b)
{
	return text_compare_caseless(span_of(a), span_of(b)) == 0;
}

static const struct activity *activity_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(activities); i++)
		if (same_name(activities[i].name, name))
			return &activities[i];
	return NULL;
}

static bool is_pseudo(struct span name)
{
	for (size_t i = 0; i < COUNT_OF(pseudo_properties); i++)
		if (text_compare_caseless(name, span_of(pseudo_properties[i])) == 0)
			return true;
	return false;
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

/* ---- properties of one object ------------------------------------------------------- */

static struct fact fact_about(
	const struct record *record, const struct attribute *attribute, struct span name)
{
	struct fact fact = record->fact;

	fact.attribute = attribute;
	fact.attribute_name = evidence_keep(record->evidence, name).data;
	fact.operation = FACT_NAMED;
	return fact;
}

static struct span keep_value(const struct record *record, const struct buf *value)
{
	return value->length ? evidence_keep(record->evidence, buf_span(value)) : SPAN_NONE;
}

static void add_property(
	const struct record *record, const struct attribute *attribute, const json_t *property)
{
	CLEANUP(buf_release) struct buf old_value = BUF_UP_TO(AUDIT_RECORD_MAX);
	CLEANUP(buf_release) struct buf new_value = BUF_UP_TO(AUDIT_RECORD_MAX);
	struct fact fact = fact_about(
		record, attribute, span_of(json_text_or_null(property, "displayName")));

	fact.old_known = audit_value_add(
		&old_value, attribute, json_object_get(property, "oldValue"));
	fact.new_known = audit_value_add(
		&new_value, attribute, json_object_get(property, "newValue"));
	fact.old_value = fact.old_known ? keep_value(record, &old_value) : SPAN_NONE;
	fact.new_value = fact.new_known ? keep_value(record, &new_value) : SPAN_NONE;
	if (record->activity->does == DOES_CREATE) {
		if (!fact.new_known)
			return;
		fact.old_known = true; /* there was no object */
		fact.old_value = SPAN_NONE;
	}
	if (fact.old_known || fact.new_known)
		fact.operation = FACT_SET;
	evidence_add_fact(record->evidence, &fact);
}

static const struct attribute *attribute_of(const struct record *record, struct span name)
{
	const struct attribute *attribute = attribute_find_audit(record->fact.kind, name);

	if (!attribute && text_compare_caseless(name, SPAN_LITERAL("Manager")) == 0)
		attribute = attribute_find(record->fact.kind, SPAN_LITERAL("manager"));
	return attribute;
}

static bool changes_by_itself(const struct attribute *attribute)
{
	return attribute && attribute->compare == COMPARE_VOLATILE;
}

static bool has_property(const json_t *properties, struct span name)
{
	const json_t *property;
	size_t i;

	json_array_foreach(properties, i, property)
	{
		const char *other = json_text_or_null(property, "displayName");

		if (other && text_compare_caseless(span_of(other), name) == 0)
			return true;
	}
	return false;
}

static struct span trim(struct span text)
{
	while (text.length && text.data[0] == ' ') {
		text.data++;
		text.length--;
	}
	while (text.length && text.data[text.length - 1] == ' ')
		text.length--;
	return text;
}

/* "DisplayName, Mail": what changed, where the properties themselves may be missing. */
static void add_included(
	const struct record *record, const json_t *properties, const json_t *property)
{
	CLEANUP(buf_release) struct buf quoted = BUF_UP_TO(AUDIT_RECORD_MAX);
	CLEANUP(buf_release) struct buf names = BUF_UP_TO(AUDIT_RECORD_MAX);
	struct span rest;

	if (!audit_value_add(&quoted, NULL, json_object_get(property, "newValue")) ||
		scan_type(buf_span(&quoted)) != SCAN_STRING)
		return;
	scan_text(buf_span(&quoted), &names);
	rest = buf_span(&names);
	while (rest.length) {
		const char *comma = memchr(rest.data, ',', rest.length);
		size_t length = comma ? (size_t)(comma - rest.data) : rest.length;
		struct span name = trim((struct span){ rest.data, length });
		const struct attribute *attribute = attribute_of(record, name);

		rest.data += comma ? length + 1 : length;
		rest.length -= comma ? length + 1 : length;
		if (name.length && !is_pseudo(name) && !changes_by_itself(attribute) &&
			!memchr(name.data, '\0', name.length) && !has_property(properties, name)) {
			struct fact fact = fact_about(record, attribute, name);

			evidence_add_fact(record->evidence, &fact);
		}
	}
}

static void add_properties(const struct record *record, const json_t *target)
{
	const json_t *properties = json_object_get(target, "modifiedProperties"), *property;
	size_t i;

	json_array_foreach(properties, i, property)
	{
		const char *name = json_text_or_null(property, "displayName");
		const struct attribute *attribute;

		if (!name)
			continue;
		if (same_name(name, INCLUDED_PROPERTY))
			add_included(record, properties, property);
		if (is_pseudo(span_of(name)))
			continue;
		attribute = attribute_of(record, span_of(name));
		if (!changes_by_itself(attribute))
			add_property(record, attribute, property);
	}
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
		evidence_add_fact(record->evidence, &fact);
	}
	if (does == DOES_UPDATE || does == DOES_CREATE)
		add_properties(record, target);
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
	const char *relation = record->activity->relation, *group = NULL, *member;
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
	evidence_add_fact(record->evidence, &fact);
	return true;
}

/* ---- the record --------------------------------------------------------------------- */

/* Finds the activity of a record that tells of something that happened to what we follow. */
static bool record_find_activity(
	const json_t *root, const struct activity **found, struct error *err)
{
	const json_t *service = json_object_get(root, "loggedByService");
	const char *result = json_text(root, "result", err);
	const char *activity = result ? json_text(root, "activityDisplayName", err) : NULL;

	if (!activity)
		return false;
	*found = same_name(result, "success") ? activity_find(activity) : NULL;
	if (json_is_string(service) && !same_name(json_string_value(service), "Core Directory"))
		*found = NULL;
	return true;
}

static bool record_add_facts(struct record *record, const json_t *root, struct error *err)
{
	const char *when = json_text(root, "activityDateTime", err);

	if (!when)
		return false;
	if (!evidence_instant(when, &record->fact.when_ms))
		return error_set(err, ERROR_FORMAT, "activityDateTime: not an instant");
	record->targets = json_array_of(root, "targetResources", err);
	if (!record->targets)
		return false;
	record->fact.kind = kind_get(record->activity->kind);
	record->fact.source = SOURCE_AUDIT;
	record->fact.who = record_writer(record->evidence, root);
	return record->activity->relation ? add_membership(record, err) : add_object(record, err);
}

bool evidence_add_audit(struct evidence *evidence, struct span record_text, struct error *err)
{
	CLEANUP(json_freep) json_t *root = json_parse(record_text, AUDIT_RECORD_MAX, err);
	struct record record = { .evidence = evidence };
	const char *id;

	if (!root)
		return error_prefix(err, "audit record");
	id = json_text(root, "id", err);
	if (!id)
		return error_prefix(err, "audit record");
	if (!*id)
		return error_set(err, ERROR_FORMAT, "audit record: its id is empty");
	if (!record_find_activity(root, &record.activity, err))
		return error_prefix(err, "audit record %s", id);
	if (!record.activity)
		return true;
	record.fact.reference = evidence_keep(evidence, span_of(id)).data;
	if (!record_add_facts(&record, root, err))
		return error_prefix(err, "audit record %s", id);
	return true;
}
