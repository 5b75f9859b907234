/*
 * Doors: who may write a value, read from the kinds table and from what the object is now
 * (design 2, contract 5.1 to 5.9). Graph is named only where Graph will really do it.
 */
#include "base/scan.h"
#include "base/text.h"
#include "reconcile/reconcile_internal.h"

#define EXTENSION_ATTRIBUTES "onPremisesExtensionAttributes/"

static bool is_true(const struct object *object, const char *name)
{
	return span_is(object_get_named(object, name), "true");
}

static bool has_group_type(const struct object *object, const char *type)
{
	struct span types = object_get_named(object, "groupTypes"), element;
	struct scan scan;

	if (!types.data || scan_type(types) != SCAN_ARRAY)
		return false;
	scan = scan_open(types);
	while (scan_element(&scan, &element))
		if (scan_type(element) == SCAN_STRING &&
			text_compare_caseless(scan_text_direct(element), span_of(type)) == 0)
			return true;
	return false;
}

/* Distribution groups, mail-enabled security groups, contacts: Exchange Online alone
 * (contract 5.4). */
static bool is_exchange_recipient(const struct object *object)
{
	switch (object_kind(object)->id) {
	case KIND_CONTACT:
		return true;
	case KIND_GROUP:
		return is_true(object, "mailEnabled") && !has_group_type(object, "Unified");
	default:
		return false;
	}
}

/* Whoever is a member of it holds a role: protected [T9], a person decides. */
static bool is_protected(const struct object *object)
{
	return is_true(object, "isAssignableToRole");
}

static bool is_membership(const struct attribute *attribute)
{
	return attribute->source == SOURCE_RELATION;
}

static bool is_extension(const struct attribute *attribute)
{
	return strncmp(attribute->name, EXTENSION_ATTRIBUTES, strlen(EXTENSION_ATTRIBUTES)) == 0;
}

static enum door door_through_graph(const struct attribute *attribute, struct known_value before)
{
	return before.value.data || attribute->clearable || attribute->shape == SHAPE_SET
		? DOOR_GRAPH
		: DOOR_MANUAL;
}

static enum door door_when_synced(const struct attribute *attribute, struct known_value before)
{
	if (is_membership(attribute))
		return DOOR_SYNC;
	switch (attribute->when_synced) {
	case MASTER_DIRECTORY:
		return attribute->sync_name ? DOOR_SYNC : DOOR_MANUAL;
	case MASTER_CLOUD:
		return door_through_graph(attribute, before);
	case MASTER_EXCHANGE:
		return DOOR_EXCHANGE;
	case MASTER_SERVICE:
		return DOOR_MANUAL;
	}
	return DOOR_MANUAL;
}

static enum door door_when_cloud(
	const struct object *object, const struct attribute *attribute, struct known_value before)
{
	if (is_membership(attribute) && has_group_type(object, "DynamicMembership"))
		return DOOR_MANUAL;
	if (is_exchange_recipient(object) || (is_extension(attribute) && object_was_synced(object)))
		return DOOR_EXCHANGE;
	switch (attribute->when_cloud) {
	case MASTER_CLOUD:
		return door_through_graph(attribute, before);
	case MASTER_EXCHANGE:
		return DOOR_EXCHANGE;
	case MASTER_DIRECTORY:
	case MASTER_SERVICE:
		return DOOR_MANUAL;
	}
	return DOOR_MANUAL;
}

enum door door_of_value(
	const struct object *object, const struct attribute *attribute, struct known_value before)
{
	/* Who masters an object is never switched without an explicit wish (contract 5.6). */
	if (is_protected(object) || attribute->source == SOURCE_BEHAVIOR)
		return DOOR_MANUAL;
	switch (object_mastery(object)) {
	case MASTERY_SYNCED:
		return door_when_synced(attribute, before);
	case MASTERY_CLOUD:
		return door_when_cloud(object, attribute, before);
	case MASTERY_UNKNOWN:
		return DOOR_MANUAL;
	}
	return DOOR_MANUAL;
}

enum door door_of_object(const struct object *object, enum change change)
{
	if (is_protected(object))
		return DOOR_MANUAL;
	if (change == CHANGE_DELETED) /* it lies in deleted items; synced ones are restored too */
		return DOOR_GRAPH;
	switch (object_mastery(object)) {
	case MASTERY_SYNCED:
		return DOOR_ADSYNC;
	case MASTERY_CLOUD:
		return is_exchange_recipient(object) ? DOOR_EXCHANGE : DOOR_GRAPH;
	case MASTERY_UNKNOWN:
		return DOOR_MANUAL;
	}
	return DOOR_MANUAL;
}
