/*
 * What a step may be. One table for whoever makes a plan and for whoever reads one, so that
 * a plan we write is a plan we take.
 */
#include "base/scan.h"
#include "rollback/plan_internal.h"

#define USERS    (1U << KIND_USER)
#define GROUPS   (1U << KIND_GROUP)
#define CONTACTS (1U << KIND_CONTACT)

/* Graph can't write contacts at all (contract 5.4); other doors can. */
static const struct step_rule rules[GRAPH_OPERATION_COUNT] = {
	[GRAPH_SET] = { .value = true,
		.by_graph = USERS | GROUPS,
		.by_others = USERS | GROUPS | CONTACTS },
	[GRAPH_RESTORE] = { .by_graph = USERS | GROUPS, .by_others = USERS | GROUPS | CONTACTS },
	[GRAPH_REMOVE] = { .by_graph = USERS | GROUPS, .by_others = USERS | GROUPS | CONTACTS },
	[GRAPH_ADD_MEMBER] = { .value = true,
		.target = true,
		.attribute = "members",
		.by_graph = GROUPS,
		.by_others = GROUPS },
	[GRAPH_REMOVE_MEMBER] = { .value = true,
		.target = true,
		.attribute = "members",
		.by_graph = GROUPS,
		.by_others = GROUPS },
	[GRAPH_ADD_OWNER] = { .value = true,
		.target = true,
		.attribute = "owners",
		.by_graph = GROUPS,
		.by_others = GROUPS },
	[GRAPH_REMOVE_OWNER] = { .value = true,
		.target = true,
		.attribute = "owners",
		.by_graph = GROUPS,
		.by_others = GROUPS },
	[GRAPH_SET_MANAGER] = { .value = true,
		.target = true,
		.attribute = "manager",
		.by_graph = USERS,
		.by_others = USERS | CONTACTS },
	[GRAPH_CLEAR_MANAGER] = { .value = true,
		.attribute = "manager",
		.by_graph = USERS,
		.by_others = USERS | CONTACTS },
};

static const struct reference_rule references[] = {
	{ "members", GRAPH_ADD_MEMBER, GRAPH_REMOVE_MEMBER },
	{ "owners", GRAPH_ADD_OWNER, GRAPH_REMOVE_OWNER },
	{ "manager", GRAPH_SET_MANAGER, GRAPH_CLEAR_MANAGER },
};

const struct step_rule *step_rule(enum graph_operation operation)
{
	return &rules[operation];
}

const struct reference_rule *reference_rule(const struct attribute *attribute)
{
	for (size_t i = 0; i < COUNT_OF(references); i++) {
		if (strcmp(references[i].attribute, attribute->name) == 0)
			return &references[i];
	}
	return NULL;
}

static size_t count_primaries(struct span addresses)
{
	struct scan scan = scan_open(addresses);
	struct span element;
	size_t count = 0;

	while (addresses.data && scan_element(&scan, &element)) {
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);

		value_add_text(&text, element);
		count += address_parse(buf_span(&text)).primary;
	}
	return count;
}

const char *addresses_refusal(const struct plan_step *step)
{
	size_t primaries;

	if (step->operation != GRAPH_SET || step->attribute->compare != COMPARE_ADDRESSES)
		return NULL;
	primaries = count_primaries(step->to);
	if (primaries > 1)
		return "more than one address would be the primary one, so a person must choose.";
	if (!primaries && step->to.data && count_primaries(step->from))
		return "no address would be the primary one any more, so a person must choose.";
	if (!primaries && step->door == DOOR_EXCHANGE)
		return "Exchange Online takes addresses only with exactly one primary one among them, and "
		       "none was: a person must choose one, or make it no mail recipient any more.";
	return NULL;
}

static bool has_second_element(struct span set)
{
	struct scan scan = scan_open(set);
	struct span element;

	return set.data && scan_element(&scan, &element) && scan_element(&scan, &element);
}

/* A plain value that a PATCH can set. */
static const char *patch_refusal(const struct plan_step *step)
{
	const struct attribute *attribute = step->attribute;

	if (attribute->source != SOURCE_SELECT ||
		(attribute->when_synced != MASTER_CLOUD && attribute->when_cloud != MASTER_CLOUD))
		return "Graph can't write this attribute.";
	if (!step->to.data && !attribute->clearable)
		return "Graph can't clear this attribute, and it was empty before.";
	if (strcmp(attribute->name, "businessPhones") == 0 && has_second_element(step->to))
		return "Graph takes one business phone only.";
	return NULL;
}

bool source_anchor_is_plain(struct span anchor)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_.-@";

	for (size_t i = 0; i < anchor.length; i++) {
		/* strchr() would find the NUL of the list. */
		if (!anchor.data[i] || !strchr(plain, anchor.data[i]))
			return false;
	}
	/*
	 * A base64 anchor may begin with "+": a spreadsheet would take it for a sum of cells,
	 * and can't be made to do more by these characters. An apostrophe before it would make
	 * the tool delete nothing, so it stays as it is; other beginnings have no such excuse.
	 */
	return anchor.length && !strchr("=-@", anchor.data[0]);
}

static const char *adsync_refusal(const struct plan_step *step)
{
	if (step->operation != GRAPH_REMOVE)
		return "Remove-ADSyncToolsAadObject can only delete.";
	if (!step->source_anchor || !source_anchor_is_plain(span_of(step->source_anchor)))
		return "Remove-ADSyncToolsAadObject deletes by SourceAnchor, and Graph does not "
		       "show one for this object that a CSV file can carry.";
	return NULL;
}

const char *step_refusal(const struct plan_step *step)
{
	const struct step_rule *rule = step_rule(step->operation);
	unsigned kinds = step->door == DOOR_GRAPH ? rule->by_graph : rule->by_others;

	if (!(kinds & 1U << step->kind->id))
		return step->door == DOOR_GRAPH
			? "Graph has no such operation for objects of this kind."
			: "There is no such operation for objects of this kind.";
	if (step->door != DOOR_MANUAL && addresses_refusal(step))
		return addresses_refusal(step);
	if (step->door == DOOR_GRAPH && step->operation == GRAPH_SET)
		return patch_refusal(step);
	switch (step->door) {
	case DOOR_ADSYNC:
		return adsync_refusal(step);
	case DOOR_DIRECTORY:
		return directory_refusal(step);
	case DOOR_EXCHANGE:
		return exchange_refusal(step);
	default:
		return NULL;
	}
}

bool plan_has_door(enum door door)
{
	return door > DOOR_NONE && door < DOOR_COUNT;
}

void value_add_text(struct buf *out, struct span value)
{
	if (value.data && scan_type(value) == SCAN_STRING)
		scan_text(value, out);
}
