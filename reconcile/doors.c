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

/* What decides whether Graph can write to it, and could not be seen: no guess is made. */
static bool is_opaque(const struct object *object)
{
	static const char *const deciding[] = { "groupTypes", "mailEnabled", "isAssignableToRole",
		"isManagementRestricted" };

	for (size_t i = 0; i < COUNT_OF(deciding); i++) {
		const struct attribute *attribute = attribute_find(
			object_kind(object), span_of(deciding[i]));

		if (attribute && object_unknown(object, attribute))
			return true;
	}
	return false;
}

/* Graph refuses, or asks for a role in that administrative unit (contract 9.2). */
static bool is_out_of_reach(const struct object *object)
{
	return is_opaque(object) || is_true(object, "isManagementRestricted");
}

/* What makes a group of one sort or another: Graph takes it when a group is made (contract 5.4). */
static bool is_nature_of_group(const struct object *object, const struct attribute *attribute)
{
	static const char *const nature[] = { "groupTypes", "mailEnabled", "securityEnabled" };

	for (size_t i = 0; i < COUNT_OF(nature); i++)
		if (strcmp(attribute->name, nature[i]) == 0)
			return true;
	return strcmp(attribute->name, "visibility") == 0 && !has_group_type(object, "Unified");
}

static bool is_membership(const struct attribute *attribute)
{
	return attribute->source == SOURCE_RELATION;
}

static bool is_extension(const struct attribute *attribute)
{
	return strncmp(attribute->name, EXTENSION_ATTRIBUTES, strlen(EXTENSION_ATTRIBUTES)) == 0;
}

static enum door door_through_graph(
	const struct object *object, const struct attribute *attribute, struct known_value before)
{
	if (is_out_of_reach(object) || is_nature_of_group(object, attribute))
		return DOOR_MANUAL;
	return before.value.data || attribute->clearable || attribute->shape == SHAPE_SET
		? DOOR_GRAPH
		: DOOR_MANUAL;
}

static enum door door_when_synced(const struct object *object, const struct attribute *attribute,
	struct known_value before, const struct server_flows *flows)
{
	enum flowing flowing = flows_attribute(flows, object_kind(object), attribute);

	if (flowing == FLOWING)
		return DOOR_SYNC;
	/* Graph refuses it as synced, and no cycle writes it (facts 7.4). */
	if (flowing == FLOWING_NOT && attribute->when_synced == MASTER_DIRECTORY)
		return DOOR_MANUAL;
	switch (attribute->when_synced) {
	case MASTER_DIRECTORY:
		return attribute->sync_name ? DOOR_SYNC : DOOR_MANUAL;
	case MASTER_CLOUD:
		return door_through_graph(object, attribute, before);
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
	if (is_opaque(object) ||
		(is_membership(attribute) && has_group_type(object, "DynamicMembership")))
		return DOOR_MANUAL;
	if (is_exchange_recipient(object) || (is_extension(attribute) && object_was_synced(object)))
		return DOOR_EXCHANGE;
	switch (attribute->when_cloud) {
	case MASTER_CLOUD:
		return door_through_graph(object, attribute, before);
	case MASTER_EXCHANGE:
		return DOOR_EXCHANGE;
	case MASTER_DIRECTORY:
	case MASTER_SERVICE:
		return DOOR_MANUAL;
	}
	return DOOR_MANUAL;
}

enum door door_of_value(const struct object *object, const struct attribute *attribute,
	struct known_value before, const struct server_flows *flows)
{
	/* Who masters an object is never switched without an explicit wish (contract 5.6). */
	if (is_protected(object) || attribute->source == SOURCE_BEHAVIOR)
		return DOOR_MANUAL;
	switch (object_mastery(object)) {
	case MASTERY_SYNCED:
		return door_when_synced(object, attribute, before, flows);
	case MASTERY_CLOUD:
		return door_when_cloud(object, attribute, before);
	case MASTERY_UNKNOWN:
		return DOOR_MANUAL;
	}
	return DOOR_MANUAL;
}

/*
 * What others can write although the object is synced (facts 7.1, 7.4): in an emergency, by
 * overrides, by older modules.
 */
static const char *const writable_though_synced[] = {
	"accountEnabled",
	"mobilePhone",
	"onPremisesImmutableId",
	"usageLocation",
	"userPrincipalName",
};

bool is_written_by_servers_only(const struct object *object, const struct attribute *attribute)
{
	if (object_mastery(object) != MASTERY_SYNCED || !attribute->sync_name ||
		attribute->when_synced != MASTER_DIRECTORY)
		return false;
	for (size_t i = 0; i < COUNT_OF(writable_though_synced); i++)
		if (strcmp(attribute->name, writable_though_synced[i]) == 0)
			return false;
	return true;
}

static bool is_same_write(const struct fact *fact, const struct attribute *attribute,
	struct span element, struct known_value staging)
{
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (fact->operation == FACT_ADD || fact->operation == FACT_REMOVE) {
		element_add_key(&key, attribute,
			fact->operation == FACT_ADD ? fact->new_value : fact->old_value);
		return span_equal(buf_span(&key), element) &&
			(fact->operation == FACT_ADD) == (staging.value.data != NULL);
	}
	/* Of a whole set, or of a value that nobody tells, it is better to look once too often. */
	return element.data || !fact->new_known ||
		(staging.known && attribute_equal(attribute, fact->new_value, staging.value));
}

const struct fact *written_to_directory(const struct reconciling *reconciling,
	const struct subject *subject, const struct attribute *attribute, struct span element,
	struct known_value staging)
{
	size_t count = 0;
	const struct fact *const *facts = reconciling->has_files
		? evidence_of(reconciling->options->evidence, subject->id, &count)
		: NULL;

	for (size_t i = 0; i < count; i++)
		if (facts[i]->source == FROM_DIRECTORY_SPACE && facts[i]->attribute == attribute &&
			fact_class(reconciling, facts[i]) == WRITER_STAGING &&
			is_same_write(facts[i], attribute, element, staging))
			return facts[i];
	return NULL;
}

enum door door_of_object(const struct object *object, const struct object *base, enum change change)
{
	if (is_protected(object) || (base && is_protected(base)))
		return DOOR_MANUAL;
	if (change == CHANGE_DELETED) /* it lies in deleted items; synced ones are restored too */
		return is_out_of_reach(object) ? DOOR_MANUAL : DOOR_GRAPH;
	switch (object_mastery(object)) {
	case MASTERY_SYNCED:
		return DOOR_ADSYNC;
	case MASTERY_CLOUD:
		if (is_out_of_reach(object))
			return DOOR_MANUAL;
		return is_exchange_recipient(object) ? DOOR_EXCHANGE : DOOR_GRAPH;
	case MASTERY_UNKNOWN:
		return DOOR_MANUAL;
	}
	return DOOR_MANUAL;
}
