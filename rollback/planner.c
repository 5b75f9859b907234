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
	struct drafts drafts;
	struct parkings parkings;
	struct plan_blocked *blocked;
	size_t blocked_count, blocked_capacity;
};

static void planner_release(struct planner *planner)
{
	memory_free(planner->findings);
	memory_free(planner->drafts.items);
	parkings_release(&planner->parkings);
	memory_free(planner->blocked);
}

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

static void add_blocked(struct planner *planner, const struct finding *finding, const char *why)
{
	struct plan *plan = planner->plan;

	MEMORY_GROW(planner->blocked, planner->blocked_count, planner->blocked_capacity);
	planner->blocked[planner->blocked_count++] = (struct plan_blocked){
		.kind = finding->kind,
		.id = plan_keep_span(plan, finding->id),
		.name = plan_keep_span(plan, finding->name),
		.attribute = finding->attribute,
		.why = plan_keep_text(plan, why),
	};
}

static void choose(struct planner *planner)
{
	const struct finding *const *all = planner->input->findings;

	for (size_t i = 0; i < planner->input->count; i++)
		if (all[i]->verdict == VERDICT_REVERT || is_blocked(all[i]))
			planner->findings[planner->finding_count++] = all[i];
	qsort(planner->findings, planner->finding_count, sizeof(*planner->findings), by_place);
}

/* Takes what is blocked out of the findings. */
static void list_blocked(struct planner *planner)
{
	size_t kept = 0;

	for (size_t i = 0; i < planner->finding_count; i++) {
		const struct finding *finding = planner->findings[i];

		if (is_blocked(finding))
			add_blocked(planner, finding, finding->reason ? finding->reason : "");
		else
			planner->findings[kept++] = finding;
	}
	planner->finding_count = kept;
}

static void keep_blocked(struct plan *plan, const struct planner *planner)
{
	struct plan_blocked *blocked = plan_room(plan, planner->blocked_count, sizeof(*blocked));

	if (planner->blocked_count)
		memcpy(blocked, planner->blocked, planner->blocked_count * sizeof(*blocked));
	plan->blocked = blocked;
	plan->blocked_count = planner->blocked_count;
}

/* ---- one draft -------------------------------------------------------------------------- */

/* The reasons of a group, each once. */
static const char *join_reasons(struct plan *plan, struct finding_group group)
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
static void join_references(struct plan *plan, struct finding_group group, struct plan_step *step)
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
static enum door common_door(struct finding_group group)
{
	enum door door = group.items[0]->door;

	for (size_t i = 1; i < group.count; i++) {
		if (group.items[i]->door != door)
			return DOOR_MANUAL;
	}
	return door;
}

/* What can be said of all of them: each exactly as before, or one of them not. */
static const struct finding *foresees(struct finding_group group)
{
	static const int weights[FORESEEN_COUNT] = {
		[FORESEEN_BEFORE] = 0,
		[FORESEEN_UNKNOWN] = 1,
		[FORESEEN_NOTHING] = 1,
		[FORESEEN_OTHER] = 2,
		[FORESEEN_DELETE] = 3,
	};
	const struct finding *heaviest = group.items[0];

	for (size_t i = 1; i < group.count; i++)
		if (weights[group.items[i]->next] > weights[heaviest->next])
			heaviest = group.items[i];
	return heaviest;
}

static void foresee_step(struct plan *plan, struct finding_group group, struct plan_step *step)
{
	const struct finding *finding = foresees(group);

	if (step->door != DOOR_SYNC || finding->next == FORESEEN_NOTHING)
		return;
	step->next = finding->next;
	if (step->next == FORESEEN_OTHER)
		step->next_value = plan_keep_value(plan, finding->next_value.value);
}

static struct plan_step step_for(
	struct plan *plan, struct finding_group group, enum graph_operation operation)
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

	foresee_step(plan, group, &step);
	join_references(plan, group, &step);
	return step;
}

/* Why none of our files can do what a person can; NULL: one does, or none is needed. */
static const char *file_refusal(const struct plan_step *step)
{
	switch (step->door) {
	case DOOR_DIRECTORY:
		return directory_refusal(step);
	case DOOR_EXCHANGE:
		return exchange_refusal(step);
	case DOOR_MANUAL:
		return "neither Graph nor a run of the production server can put it back.";
	default:
		return NULL;
	}
}

/* `cause`: why a person must do it in any case; NULL: none. */
static void add_draft(struct planner *planner, struct plan_step step, const struct object *object,
	const char *cause)
{
	struct draft draft = { .step = step, .cause = cause };

	if (step.door == DOOR_DIRECTORY)
		plan_name_in_directory(planner->plan, &draft.step, object);
	/* Nobody writes it: it follows by itself from what other steps put back. */
	if (step.door == DOOR_NONE)
		return;
	if (!draft.cause)
		draft.cause = addresses_refusal(&step);
	if (!draft.cause) {
		draft.cause = file_refusal(&draft.step);
		draft.by_hand = draft.cause != NULL;
	}
	if (!draft.cause)
		draft.cause = step_refusal(&draft.step);
	draft_add_addresses(planner->plan, &draft, object);
	MEMORY_GROW(planner->drafts.items, planner->drafts.count, planner->drafts.capacity);
	planner->drafts.items[planner->drafts.count++] = draft;
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
	struct finding_group group = { finding, 1 };
	enum graph_operation operation = (*finding)->change == CHANGE_DELETED ? GRAPH_RESTORE
									      : GRAPH_REMOVE;
	struct plan_step step = step_for(planner->plan, group, operation);

	if (operation == GRAPH_RESTORE)
		step.mastery = (*finding)->mastery;
	if (step.door == DOOR_ADSYNC)
		step.source_anchor = source_anchor_of(planner->plan, object);
	add_draft(planner, step, object, NULL);
}

/* ---- references ------------------------------------------------------------------------- */

static bool draft_reference(struct planner *planner, const struct finding *const *finding,
	const struct reference_rule *rule, const struct object *object, const char *removal_cause,
	struct error *err)
{
	struct span before = (*finding)->before.value, live = (*finding)->live.value;
	struct plan_step step;

	if (span_equal(before, live))
		return true;
	step = step_for(planner->plan, (struct finding_group){ finding, 1 },
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
	add_draft(planner, step, object, step.to.data ? NULL : removal_cause);
	return true;
}

static const char computed_members[] =
	"the group is a dynamic one by now: who is a member follows from its rule, and nobody can put one "
	"back. Look at the rule, and at the values that it asks for.";

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

static const char last_owner[] =
	"Graph does not let the last owner of a group go, and nobody else owned it before.";

static bool leaves_no_owner(struct finding_group group, const struct object *object)
{
	struct span owners = object ? object_get(object, group.items[0]->attribute) : SPAN_NONE;
	struct scan scan = scan_open(owners);
	struct span owner;
	size_t before = 0, going = 0;

	while (owners.data && scan_element(&scan, &owner))
		before++;
	for (size_t i = 0; i < group.count; i++) {
		before += group.items[i]->before.value.data != NULL;
		going += group.items[i]->before.value.data == NULL;
	}
	return going >= before;
}

static bool draft_references(struct planner *planner, struct finding_group group,
	const struct reference_rule *rule, const struct object *object, struct error *err)
{
	const char *removal_cause = NULL;

	if (rule->add == GRAPH_ADD_MEMBER && has_computed_members(object)) {
		add_blocked(planner, group.items[0], computed_members);
		return true;
	}
	if (rule->add == GRAPH_ADD_OWNER && leaves_no_owner(group, object))
		removal_cause = last_owner;
	for (size_t i = 0; i < group.count; i++) {
		if (!draft_reference(planner, group.items + i, rule, object, removal_cause, err))
			return false;
	}
	return true;
}

/* ---- values ----------------------------------------------------------------------------- */

/* Graph makes a mail address the primary one too, which a step must not do unsaid. */
static bool changes_primary(const struct plan_step *step, const struct object *object)
{
	struct span proxies = object_get_named(object, "proxyAddresses"), element;
	struct scan scan = scan_open(proxies);
	CLEANUP(buf_release) struct buf mail = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (step->door != DOOR_GRAPH || strcmp(step->attribute->name, "mail") != 0)
		return false;
	if (object_unknown(object, attribute_find(step->kind, SPAN_LITERAL("proxyAddresses"))))
		return true;
	value_add_text(&mail, step->to);
	while (proxies.data && scan_element(&scan, &element)) {
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
		struct address address;

		value_add_text(&text, element);
		address = address_parse(buf_span(&text));
		if (address.primary)
			return text_compare_caseless(address.value, buf_span(&mail)) != 0;
	}
	return false;
}

static bool draft_value(struct planner *planner, struct finding_group group,
	const struct object *object, struct error *err)
{
	const struct finding *finding = group.items[0];
	const struct attribute *attribute = finding->attribute;
	CLEANUP(buf_release) struct buf merged = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct span live, to;
	struct plan_step step;

	if (!object || object_unknown(object, attribute))
		return plan_another_live(attribute, err);
	live = object_get(object, attribute);
	if (finding->change == CHANGE_ELEMENT) {
		if (!plan_merge_set(&merged, group, attribute, live, err))
			return false;
		to = merged.length ? buf_span(&merged) : SPAN_NONE;
	} else {
		if (!attribute_equal(attribute, live, finding->live.value))
			return plan_another_live(attribute, err);
		to = finding->before.value;
	}
	if (attribute_equal(attribute, live, to))
		return true;
	step = step_for(planner->plan, group, GRAPH_SET);
	step.from = plan_keep_value(planner->plan, live);
	step.to = plan_keep_value(planner->plan, to);
	if (changes_primary(&step, object))
		step.door = DOOR_EXCHANGE;
	add_draft(planner, step, object, NULL);
	return true;
}

/* ---- one object ------------------------------------------------------------------------- */

static bool draft_attribute(struct planner *planner, struct finding_group group,
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

static bool draft_all_of(struct planner *planner, struct finding_group group,
	const struct object *object, struct error *err)
{
	bool restored = false;

	/* Ids are one namespace: an object that changed its kind is another one, and nothing of it is known. */
	if (object && object_kind(object) != group.items[0]->kind)
		return error_set(err, ERROR_REFUSED, "in the live snapshot this is a %s",
			object_kind(object)->name);
	for (size_t i = 0; i < group.count; i++)
		restored |= group.items[i]->change == CHANGE_DELETED;
	for (size_t i = 0, end; i < group.count; i = end) {
		struct finding_group one = { group.items + i, 0 };

		for (end = i; end < group.count &&
			!compare_attributes(group.items[i]->attribute, group.items[end]->attribute);
			end++)
			one.count++;
		if (!draft_attribute(planner, one, object, restored, err))
			return false;
	}
	return true;
}

static bool draft_group(
	void *context, struct finding_group group, const struct object *object, struct error *err)
{
	return draft_all_of(context, group, object, err) ||
		error_prefix(err, "planning for the %s %.*s", group.items[0]->kind->name,
			SPAN_FORMAT(group.items[0]->id));
}

static bool draft_everything(struct planner *planner, struct error *err)
{
	struct finding_group all = { planner->findings, planner->finding_count };

	if (!plan_each_group(planner->input, all, draft_group, planner, err))
		return false;
	if (planner->drafts.count > PLAN_STEPS_MAX)
		return error_set(err, ERROR_REFUSED, "%zu steps; a plan has at most %d",
			planner->drafts.count, PLAN_STEPS_MAX);
	return true;
}

bool plan_add_steps(struct plan *plan, const struct plan_input *input, struct error *err)
{
	CLEANUP(planner_release)
	struct planner planner = { .plan = plan,
		.input = input,
		.findings = memory_array(input->count + 1, sizeof(*planner.findings)) };
	struct plan_counts counts;

	choose(&planner);
	list_blocked(&planner);
	if (!draft_everything(&planner, err))
		return false;
	drafts_follow_addresses(planner.drafts.items, planner.drafts.count);
	if (!drafts_meet_obstacles(
		    input, planner.drafts.items, planner.drafts.count, &planner.parkings, err))
		return false;
	keep_blocked(plan, &planner);
	plan_order_drafts(plan, &planner.drafts, &planner.parkings);
	counts = plan_count(plan->steps, plan->step_count);
	plan->limits.steps = counts.steps;
	plan->limits.deletes = counts.deletes;
	plan->limits.member_removals = counts.member_removals;
	plan->limits.objects = counts.objects;
	memcpy(plan->by_door, counts.by_door, sizeof(plan->by_door));
	return true;
}
