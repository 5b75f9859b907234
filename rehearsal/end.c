/*
 * The end of a rehearsal: every step's state stands there, and every other value is as it was. Both are
 * read from two snapshots and the plan; what the engine said of itself is not asked.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rehearsal/rehearsal.h"

static void add_trouble(struct end_state *end, const struct kind *kind, struct span id,
	struct span name, const struct attribute *attribute, const struct plan_step *step)
{
	MEMORY_GROW(end->troubles, end->trouble_count, end->trouble_capacity);
	end->troubles[end->trouble_count++] = (struct end_trouble){
		.kind = kind,
		.id = memory_text_span(id.data, id.length),
		.name = memory_text_span(name.data, name.length),
		.attribute = attribute,
		.step = step,
	};
}

void end_state_release(struct end_state *end)
{
	for (size_t i = 0; i < end->trouble_count; i++) {
		memory_free(end->troubles[i].id);
		memory_free(end->troubles[i].name);
	}
	memory_free(end->troubles);
}

/* ---- each step --------------------------------------------------------------------------------- */

static bool holds_reference(
	const struct object *object, const struct attribute *attribute, const char *target)
{
	struct span value = object_get(object, attribute);

	return value.data && target && memmem(value.data, value.length, target, strlen(target));
}

static bool is_there(const struct object *object)
{
	return object && !object_deleted(object);
}

/* Of a parked value, the second half is what must stand. */
static const struct plan_step *last_half(const struct plan_step *step)
{
	return step->until ? step + (step->until - step->number) : step;
}

static bool stands(const struct plan_step *step, const struct object *object)
{
	switch (step->operation) {
	case GRAPH_SET:
		return is_there(object) &&
			attribute_equal(step->attribute, object_get(object, step->attribute),
				last_half(step)->to);
	case GRAPH_RESTORE:
		return is_there(object);
	case GRAPH_REMOVE:
		return !is_there(object);
	case GRAPH_ADD_MEMBER:
	case GRAPH_ADD_OWNER:
	case GRAPH_SET_MANAGER:
		return is_there(object) && holds_reference(object, step->attribute, step->target);
	case GRAPH_REMOVE_MEMBER:
	case GRAPH_REMOVE_OWNER:
		return !is_there(object) || !holds_reference(object, step->attribute, step->target);
	case GRAPH_CLEAR_MANAGER:
		return is_there(object) && !object_get(object, step->attribute).data;
	case GRAPH_OPERATION_COUNT:
		break;
	}
	return false;
}

static bool judge_step(struct end_state *end, const struct plan_step *step, struct snapshot *after,
	struct error *err)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(SNAPSHOT_OBJECT_MAX);
	CLEANUP(object_freep) struct object *object = NULL;

	if (!snapshot_object(after, span_of(step->id), &lines, err))
		return false;
	if (lines.length) {
		object = object_parse(buf_span(&lines), err);
		if (!object)
			return false;
	}
	if (stands(step, object))
		end->wanted++;
	else
		add_trouble(end, step->kind, span_of(step->id), span_of(step->name),
			step->attribute, step);
	return true;
}

/* ---- everything else --------------------------------------------------------------------------- */

/* The steps about one object lie together. */
static int by_object(const void *left, const void *right)
{
	const struct plan_step *const *a = left, *const *b = right;

	return strcmp((*a)->id, (*b)->id);
}

struct judging {
	struct end_state *end;
	const struct plan_step **steps; /* by object */
	size_t count;
};

/* What the service keeps in step by itself: `mail` is the primary address, quarantine empties. */
static const struct {
	const char *follower, *leader; /* leader NULL: any step */
} followers[] = {
	{ "mail", "proxyAddresses" },
	{ "proxyAddresses", "mail" },
	{ "proxyAddresses", "userPrincipalName" },
	{ "onPremisesProvisioningErrors", NULL },
	{ "onPremisesSyncEnabled", NULL },
};

static bool is_of_the_object(enum graph_operation operation)
{
	return operation == GRAPH_RESTORE || operation == GRAPH_REMOVE;
}

static bool follows(const struct finding *finding, const struct plan_step *step)
{
	if (!finding->attribute)
		return false;
	for (size_t i = 0; i < COUNT_OF(followers); i++)
		if (strcmp(followers[i].follower, finding->attribute->name) == 0 &&
			(!followers[i].leader ||
				(step->attribute &&
					strcmp(step->attribute->name, followers[i].leader) == 0)))
			return true;
	return false;
}

/* Is it what the step does? All that comes and goes with an object is the object's. */
static bool is_about(const struct finding *finding, const struct plan_step *step)
{
	return is_of_the_object(step->operation) || finding->attribute == step->attribute;
}

/* Whoever is removed is a member of nothing any more, and who is restored is again. */
static bool goes_with_target(const struct judging *judging, const struct finding *finding)
{
	struct span target = finding->base.value.data ? finding->base.value : finding->live.value;
	char text[ID_BYTES + 1];
	const struct plan_step key = { .id = text }, *wanted = &key;
	const struct plan_step **found;

	if (!finding->attribute || finding->attribute->source != SOURCE_RELATION ||
		target.length != ID_BYTES + 2)
		return false;
	snprintf(text, sizeof(text), "%.*s", ID_BYTES, target.data + 1);
	found = bsearch(
		&wanted, judging->steps, judging->count, sizeof(*judging->steps), by_object);
	return found && is_of_the_object((*found)->operation);
}

static bool judge_begin(void *context, const struct findings *findings, struct error *err)
{
	(void)context;
	(void)findings;
	(void)err;
	return true;
}

static bool judge_difference(void *context, const struct finding *finding, struct error *err)
{
	struct judging *judging = context;
	size_t low = 0, high = judging->count;
	bool follower = goes_with_target(judging, finding);

	(void)err;
	/* What is in quarantine now as it was before is no difference. */
	if (finding->conflict && !finding->base.known)
		return true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_compare(span_of(judging->steps[middle]->id), finding->id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < judging->count && span_is(finding->id, judging->steps[low]->id); low++) {
		if (is_about(finding, judging->steps[low]))
			return true;
		follower |= follows(finding, judging->steps[low]);
	}
	if (follower)
		judging->end->follows++;
	else
		add_trouble(judging->end, finding->kind, finding->id, finding->name,
			finding->attribute, NULL);
	return true;
}

bool end_state_judge(struct end_state *end, const struct plan *plan, struct snapshot *before,
	struct snapshot *after, struct error *err)
{
	CLEANUP(memory_freep)
	const struct plan_step **steps = memory_array(plan->step_count + 1, sizeof(*steps));
	struct judging judging = { .end = end, .steps = steps, .count = plan->step_count };
	const struct findings_listener listener = {
		.begin = judge_begin, .each = judge_difference, .context = &judging
	};
	const struct reconcile_options options = { .base = before, .live = after };
	CLEANUP(findings_freep) struct findings *findings = NULL;

	*end = (struct end_state){ 0 };
	for (size_t i = 0; i < plan->step_count; i++) {
		steps[i] = &plan->steps[i];
		if (!judge_step(end, &plan->steps[i], after, err))
			return false;
	}
	qsort(steps, plan->step_count, sizeof(*steps), by_object);
	findings = findings_tell(&options, &listener, err);
	return findings != NULL;
}
