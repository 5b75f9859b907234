/*
 * From findings to steps.
 *
 * Only VERDICT_REVERT becomes a step. Findings about the elements of one set become one step,
 * merged into the set as it stands now, so that what others added since stays [T2]. Members,
 * owners and managers are references: each is a step of its own, because Graph writes them one
 * by one.
 *
 * The same findings and the same live objects give the same bytes.
 */
#include <stdlib.h>

#include "base/scan.h"
#include "base/text.h"
#include "rollback/plan_internal.h"

enum { WHY_MAX = 16 << 10 };

struct planner {
	struct plan *plan;
	const struct plan_input *input;
	const struct finding **findings; /* to be put back, sorted */
	size_t finding_count;
	struct draft *drafts;
	size_t draft_count, draft_capacity;
};

static void planner_release(struct planner *planner)
{
	memory_free(planner->findings);
	memory_free(planner->drafts);
}

/* Findings that lie together: of one object, or of one attribute of it. */
struct group {
	const struct finding *const *items;
	size_t count;
};

/* ---- choosing and sorting --------------------------------------------------------------- */

static int compare_attributes(const struct attribute *a, const struct attribute *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return a == b ? 0 : strcmp(a->name, b->name);
}

static int by_place(const void *a, const void *b)
{
	const struct finding *left = *(const struct finding *const *)a;
	const struct finding *right = *(const struct finding *const *)b;
	int order = (left->kind->id > right->kind->id) - (left->kind->id < right->kind->id);

	if (!order)
		order = span_compare(left->id, right->id);
	if (!order)
		order = compare_attributes(left->attribute, right->attribute);
	if (!order)
		order = span_compare(left->element, right->element);
	return order ? order : (left->change > right->change) - (left->change < right->change);
}

/* A purged object can't come back, whoever says so. */
static bool is_blocked(const struct finding *finding)
{
	return finding->verdict == VERDICT_BLOCKED ||
		(finding->verdict == VERDICT_REVERT && finding->change == CHANGE_PURGED);
}

static void choose(struct planner *planner, const struct finding **blocked, size_t *blocked_count)
{
	for (size_t i = 0; i < planner->input->count; i++) {
		const struct finding *finding = planner->input->findings[i];

		if (is_blocked(finding))
			blocked[(*blocked_count)++] = finding;
		else if (finding->verdict == VERDICT_REVERT)
			planner->findings[planner->finding_count++] = finding;
	}
	qsort(blocked, *blocked_count, sizeof(*blocked), by_place);
	qsort(planner->findings, planner->finding_count, sizeof(*planner->findings), by_place);
}

static void list_blocked(struct plan *plan, const struct finding *const *findings, size_t count)
{
	struct plan_blocked *blocked = plan_room(plan, count, sizeof(*blocked));

	for (size_t i = 0; i < count; i++)
		blocked[i] = (struct plan_blocked){
			.kind = findings[i]->kind,
			.id = plan_keep_span(plan, findings[i]->id),
			.name = plan_keep_span(plan, findings[i]->name),
			.attribute = findings[i]->attribute,
			.why = plan_keep_text(plan, findings[i]->reason ? findings[i]->reason : ""),
		};
	plan->blocked = blocked;
	plan->blocked_count = count;
}

/* ---- one draft -------------------------------------------------------------------------- */

/* The reasons of a group, each once. */
static const char *join_reasons(struct plan *plan, struct group group)
{
	CLEANUP(buf_release) struct buf why = BUF_UP_TO(WHY_MAX);

	for (size_t i = 0; i < group.count; i++) {
		const char *reason = group.items[i]->reason ? group.items[i]->reason : "";

		if (why.length && strstr(buf_text(&why), reason))
			continue;
		if (why.length + strlen(reason) + 4 > WHY_MAX)
			break; /* the references are all there */
		buf_addf(&why, "%s%s", why.length ? "; " : "", reason);
	}
	return plan_keep_span(plan, buf_span(&why));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The references of a group, each once, in byte order. */
static void join_references(struct plan *plan, struct group group, struct plan_step *step)
{
	size_t count = 0, kept = 0;
	const char **references;

	for (size_t i = 0; i < group.count; i++)
		count += group.items[i]->reference_count;
	references = plan_room(plan, count, sizeof(*references));
	step->references = references;
	count = 0;
	for (size_t i = 0; i < group.count; i++) {
		for (size_t j = 0; j < group.items[i]->reference_count; j++)
			references[count++] = group.items[i]->references[j];
	}
	if (count)
		qsort(references, count, sizeof(*references), by_text);
	for (size_t i = 0; i < count; i++) {
		if (!kept || strcmp(references[kept - 1], references[i]) != 0)
			references[kept++] = references[i];
	}
	for (size_t i = 0; i < kept; i++)
		references[i] = plan_keep_text(plan, references[i]);
	step->reference_count = kept;
}

/* Doors that differ within one value can't both be taken: a person decides. */
static enum door common_door(struct group group)
{
	enum door door = group.items[0]->door;

	for (size_t i = 1; i < group.count; i++) {
		if (group.items[i]->door != door)
			return DOOR_MANUAL;
	}
	return door;
}

/* Why a person must do it, for doors that write no file in this release; NULL for others. */
static const char *door_cause(enum door door)
{
	switch (door) {
	case DOOR_DIRECTORY:
		return "the value in on-premises Active Directory is wrong, and the production server "
		       "would spread it again.";
	case DOOR_EXCHANGE:
		return "Exchange Online masters it, and Graph refuses to write it.";
	case DOOR_MANUAL:
		return "neither Graph nor a run of the production server can put it back.";
	default:
		return NULL;
	}
}

static struct plan_step step_for(
	struct plan *plan, struct group group, enum graph_operation operation)
{
	const struct finding *finding = group.items[0];
	struct plan_step step = {
		.operation = operation,
		.door = common_door(group),
		.kind = finding->kind,
		.id = plan_keep_span(plan, finding->id),
		.name = plan_keep_span(plan, finding->name),
		.attribute = finding->attribute,
		.why = join_reasons(plan, group),
	};

	join_references(plan, group, &step);
	return step;
}

static void add_draft(struct planner *planner, struct plan_step step, const struct object *object)
{
	struct draft draft = { .step = step, .cause = door_cause(step.door) };

	/* Nobody writes it: it follows by itself from what other steps put back. */
	if (step.door == DOOR_NONE)
		return;
	if (!draft.cause)
		draft.cause = step_refusal(&step);
	draft_add_addresses(planner->plan, &draft, object);
	MEMORY_GROW(planner->drafts, planner->draft_count, planner->draft_capacity);
	planner->drafts[planner->draft_count++] = draft;
}

/* ---- whole objects ---------------------------------------------------------------------- */

static const char *source_anchor_of(struct plan *plan, const struct object *object)
{
	CLEANUP(buf_release) struct buf anchor = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (object)
		value_add_text(&anchor, object_get_named(object, "onPremisesImmutableId"));
	return anchor.length ? plan_keep_span(plan, buf_span(&anchor)) : NULL;
}

static void draft_object(
	struct planner *planner, const struct finding *const *finding, const struct object *object)
{
	struct group group = { finding, 1 };
	enum graph_operation operation = (*finding)->change == CHANGE_DELETED ? GRAPH_RESTORE
									      : GRAPH_REMOVE;
	struct plan_step step = step_for(planner->plan, group, operation);

	if (step.door == DOOR_ADSYNC)
		step.source_anchor = source_anchor_of(planner->plan, object);
	add_draft(planner, step, object);
}

/* ---- references ------------------------------------------------------------------------- */

static bool draft_reference(struct planner *planner, const struct finding *const *finding,
	const struct reference_rule *rule, const struct object *object, struct error *err)
{
	struct span before = (*finding)->before.value, live = (*finding)->live.value;
	struct plan_step step;

	if (span_equal(before, live))
		return true;
	step = step_for(planner->plan, (struct group){ finding, 1 },
		before.data ? rule->add : rule->remove);
	step.from = plan_keep_value(planner->plan, live);
	step.to = plan_keep_value(planner->plan, before);
	if (step_rule(step.operation)->target) {
		CLEANUP(buf_release) struct buf target = BUF_UP_TO(ID_BYTES);

		value_add_text(&target, before.data ? before : live);
		if (target.overflowed || !text_is_guid(buf_span(&target)))
			return error_set(err, ERROR_FORMAT, "%s: a reference that is no id",
				rule->attribute);
		step.target = plan_keep_span(planner->plan, buf_span(&target));
	}
	add_draft(planner, step, object);
	return true;
}

/* Its members follow from its rule: who puts one back puts nothing back. */
static bool has_computed_members(const struct object *object)
{
	struct span types = object ? object_get_named(object, "groupTypes") : SPAN_NONE, type;
	struct scan scan = scan_open(types);

	while (types.data && scan_element(&scan, &type)) {
		if (text_compare_caseless(
			    scan_text_direct(type), SPAN_LITERAL("DynamicMembership")) == 0)
			return true;
	}
	return false;
}

static bool draft_references(struct planner *planner, struct group group,
	const struct reference_rule *rule, const struct object *object, struct error *err)
{
	if (rule->add == GRAPH_ADD_MEMBER && has_computed_members(object))
		return true;
	for (size_t i = 0; i < group.count; i++) {
		if (!draft_reference(planner, group.items + i, rule, object, err))
			return false;
	}
	return true;
}

/* ---- values ----------------------------------------------------------------------------- */

static bool another_live(const struct attribute *attribute, struct error *err)
{
	return error_set(err, ERROR_FORMAT,
		"%s: the live snapshot is not the one that the findings "
		"were made from",
		attribute->name);
}

/* The finding about this element; the group is sorted by element. */
static size_t find_element(struct group group, struct span key)
{
	size_t low = 0, high = group.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_compare(group.items[middle]->element, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < group.count && span_equal(group.items[low]->element, key) ? low : group.count;
}

static void add_element(struct buf *set, struct span element)
{
	if (!element.data)
		return;
	buf_add_byte(set, set->length ? ',' : '[');
	buf_add_span(set, element);
}

static bool is_primary(const struct attribute *attribute, struct span element)
{
	static const char opening[] = "\"SMTP:";

	return attribute->compare == COMPARE_ADDRESSES && element.data &&
		element.length >= sizeof(opening) - 1 &&
		memcmp(element.data, opening, sizeof(opening) - 1) == 0;
}

/* A finding of who is primary names the one that should be; whoever is now must step back. */
static bool brings_primary(struct group group, const struct attribute *attribute)
{
	for (size_t i = 0; i < group.count; i++) {
		if (is_primary(attribute, group.items[i]->before.value))
			return true;
	}
	return false;
}

static void add_as_secondary(struct buf *set, struct span element)
{
	size_t scheme = set->length + 2; /* behind the comma or bracket, and the quote */

	add_element(set, element);
	if (!set->overflowed)
		memcpy(set->data + scheme, "smtp", 4);
}

/* The set as it stands, with the elements of the group put back. */
static bool merge_set(struct buf *merged, struct group group, const struct attribute *attribute,
	struct span live, struct error *err)
{
	CLEANUP(memory_freep) bool *met = memory_array(group.count, sizeof(*met));
	CLEANUP(buf_release) struct buf set = BUF_UP_TO(DIRECTORY_LINE_MAX);
	bool one_steps_back = brings_primary(group, attribute);
	struct scan scan = scan_open(live);
	struct span element;

	while (live.data && scan_element(&scan, &element)) {
		CLEANUP(buf_release) struct buf key = BUF_UP_TO(DIRECTORY_LINE_MAX);
		size_t at;

		element_add_key(&key, attribute, element);
		at = find_element(group, buf_span(&key));
		if (at < group.count)
			met[at] = true;
		if (at == group.count && one_steps_back && is_primary(attribute, element))
			add_as_secondary(&set, element);
		else
			add_element(
				&set, at < group.count ? group.items[at]->before.value : element);
	}
	for (size_t i = 0; i < group.count; i++) {
		if (met[i] != (group.items[i]->live.value.data != NULL))
			return another_live(attribute, err);
		if (!met[i])
			add_element(&set, group.items[i]->before.value);
	}
	if (set.length)
		buf_add_byte(&set, ']');
	return buf_check(&set, attribute->name, err) &&
		(!set.length || value_add_canonical(merged, attribute, buf_span(&set), err));
}

static bool draft_value(
	struct planner *planner, struct group group, const struct object *object, struct error *err)
{
	const struct finding *finding = group.items[0];
	const struct attribute *attribute = finding->attribute;
	CLEANUP(buf_release) struct buf merged = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct span live, to;
	struct plan_step step;

	if (!object || object_unknown(object, attribute))
		return another_live(attribute, err);
	live = object_get(object, attribute);
	if (finding->change == CHANGE_ELEMENT) {
		if (!merge_set(&merged, group, attribute, live, err))
			return false;
		to = merged.length ? buf_span(&merged) : SPAN_NONE;
	} else {
		if (!attribute_equal(attribute, live, finding->live.value))
			return another_live(attribute, err);
		to = finding->before.value;
	}
	if (attribute_equal(attribute, live, to))
		return true;
	step = step_for(planner->plan, group, GRAPH_SET);
	step.from = plan_keep_value(planner->plan, live);
	step.to = plan_keep_value(planner->plan, to);
	add_draft(planner, step, object);
	return true;
}

/* ---- one object ------------------------------------------------------------------------- */

static bool draft_attribute(struct planner *planner, struct group group,
	const struct object *object, bool restored, struct error *err)
{
	const struct attribute *attribute = group.items[0]->attribute;
	const struct reference_rule *rule = attribute ? reference_rule(attribute) : NULL;

	if (!attribute) {
		draft_object(planner, group.items, object);
		return true;
	}
	/* Members and owners of a restored object return with it. */
	if (restored && attribute->source == SOURCE_RELATION)
		return true;
	if (rule)
		return draft_references(planner, group, rule, object, err);
	return draft_value(planner, group, object, err);
}

static bool draft_all_of(struct planner *planner, struct group group, struct error *err)
{
	CLEANUP(object_freep) struct object *object = NULL;
	bool restored = false;

	if (!planner->input->object(planner->input->context, group.items[0]->id, &object, err))
		return false;
	for (size_t i = 0; i < group.count; i++)
		restored |= group.items[i]->change == CHANGE_DELETED;
	for (size_t i = 0, end; i < group.count; i = end) {
		struct group one = { group.items + i, 0 };

		for (end = i; end < group.count &&
			!compare_attributes(group.items[i]->attribute, group.items[end]->attribute);
			end++)
			one.count++;
		if (!draft_attribute(planner, one, object, restored, err))
			return false;
	}
	return true;
}

static bool draft_everything(struct planner *planner, struct error *err)
{
	for (size_t i = 0, end; i < planner->finding_count; i = end) {
		const struct finding *first = planner->findings[i];
		struct group group = { planner->findings + i, 0 };

		for (end = i; end < planner->finding_count &&
			planner->findings[end]->kind == first->kind &&
			span_equal(planner->findings[end]->id, first->id);
			end++)
			group.count++;
		if (!draft_all_of(planner, group, err))
			return error_prefix(err, "planning for the %s %.*s", first->kind->name,
				SPAN_FORMAT(first->id));
	}
	if (planner->draft_count > PLAN_STEPS_MAX)
		return error_set(err, ERROR_REFUSED, "%zu steps; a plan has at most %d",
			planner->draft_count, PLAN_STEPS_MAX);
	return true;
}

bool plan_add_steps(struct plan *plan, const struct plan_input *input, struct error *err)
{
	CLEANUP(planner_release)
	struct planner planner = { .plan = plan,
		.input = input,
		.findings = memory_array(input->count + 1, sizeof(*planner.findings)) };
	CLEANUP(memory_freep)
	const struct finding **blocked = memory_array(input->count + 1, sizeof(*blocked));
	size_t blocked_count = 0;
	struct plan_counts counts;

	choose(&planner, blocked, &blocked_count);
	list_blocked(plan, blocked, blocked_count);
	if (!draft_everything(&planner, err))
		return false;
	plan_order_drafts(plan, planner.drafts, planner.draft_count);
	counts = plan_count(plan->steps, plan->step_count);
	plan->limits.steps = counts.steps;
	plan->limits.deletes = counts.deletes;
	plan->limits.member_removals = counts.member_removals;
	plan->limits.objects = counts.objects;
	memcpy(plan->by_door, counts.by_door, sizeof(plan->by_door));
	return true;
}
