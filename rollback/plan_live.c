/*
 * The live objects that findings are about. A plan may be about objects all over the directory, so they
 * are read and parsed in the snapshot's threads, and come here in the order of the findings: kind by
 * kind, and of a kind in the order of their ids.
 */
#include "base/memory.h"
#include "rollback/plan_internal.h"

struct giving {
	const struct finding *const *findings; /* those of one kind */
	size_t count, given;
	plan_group_function *each;
	void *context;
};

struct parsed {
	struct object **objects;
	size_t count, capacity;
};

static void parsed_empty(void *emptied)
{
	struct parsed *parsed = emptied;

	while (parsed->count)
		object_free(parsed->objects[--parsed->count]);
}

static void parsed_release(void *released)
{
	struct parsed *parsed = released;

	parsed_empty(parsed);
	memory_free(parsed->objects);
}

static bool parse(void *context, void *looked, struct span lines, struct error *err)
{
	struct parsed *parsed = looked;
	struct object *object = object_parse(lines, err);

	(void)context;
	if (!object)
		return false;
	MEMORY_GROW(parsed->objects, parsed->count, parsed->capacity);
	parsed->objects[parsed->count++] = object;
	return true;
}

/* The next findings, as many as are about one object. */
static struct finding_group next_group(const struct giving *giving)
{
	struct finding_group group = { giving->findings + giving->given, 0 };
	size_t left = giving->count - giving->given;

	while (group.count < left && span_equal(group.items[group.count]->id, group.items[0]->id))
		group.count++;
	return group;
}

static bool give(struct giving *giving, const struct object *object, struct error *err)
{
	struct finding_group group = next_group(giving);

	giving->given += group.count;
	return giving->each(giving->context, group, object, err);
}

/* Those before this id, or all that are left, are nowhere in live. */
static bool give_absent(struct giving *giving, struct span id, struct error *err)
{
	while (giving->given < giving->count &&
		(!id.data || span_compare(giving->findings[giving->given]->id, id) < 0))
		if (!give(giving, NULL, err))
			return false;
	return true;
}

static bool is_next(const struct giving *giving, struct span id)
{
	return giving->given < giving->count && span_equal(giving->findings[giving->given]->id, id);
}

static bool give_parsed(void *context, void *looked, struct error *err)
{
	struct giving *giving = context;
	const struct parsed *parsed = looked;

	for (size_t i = 0; i < parsed->count; i++) {
		struct span id = object_id(parsed->objects[i]);

		if (!give_absent(giving, id, err) ||
			(is_next(giving, id) && !give(giving, parsed->objects[i], err)))
			return false;
	}
	parsed_empty(looked);
	return true;
}

static bool give_kind(const struct plan_input *input, struct giving *giving, struct error *err)
{
	CLEANUP(memory_freep) struct span *ids = memory_array(giving->count + 1, sizeof(*ids));
	struct snapshot_visitor visitor = { .size = sizeof(struct parsed),
		.begin = parsed_empty,
		.look = parse,
		.hand_out = give_parsed,
		.release = parsed_release,
		.only = ids,
		.context = giving };

	for (size_t i = 0; i < giving->count; i++)
		if (!i || !span_equal(ids[visitor.only_count - 1], giving->findings[i]->id))
			ids[visitor.only_count++] = giving->findings[i]->id;
	return input->visit(input->context, &visitor, err) && give_absent(giving, SPAN_NONE, err);
}

bool plan_each_group(const struct plan_input *input, struct finding_group findings,
	plan_group_function *each, void *context, struct error *err)
{
	for (size_t first = 0, end = 0; first < findings.count; first = end) {
		struct giving giving = {
			.findings = findings.items + first, .each = each, .context = context
		};

		while (end < findings.count &&
			findings.items[end]->kind == findings.items[first]->kind)
			end++;
		giving.count = end - first;
		if (!give_kind(input, &giving, err))
			return false;
	}
	return true;
}
