/*
 * The model of a check: which object, which value and which addresses each step is about, and
 * what stands there in live. Built once, walked as often as wanted (check_walk.c).
 */
#include <stdlib.h>

#include "rollback/check_internal.h"

void check_free(struct check *check)
{
	if (!check)
		return;
	for (size_t i = 0; check->steps && i < check->plan->step_count; i++) {
		memory_free(check->steps[i].drops);
		memory_free(check->steps[i].takes);
	}
	for (size_t i = 0; i < check->object_count; i++)
		memory_free(check->objects[i].leading);
	for (size_t i = 0; i < check->value_count; i++)
		memory_free((char *)check->values[i].before.data);
	check_names_release(&check->ids);
	check_names_release(&check->addresses);
	memory_free(check->objects);
	memory_free(check->steps);
	memory_free(check->values);
	memory_free(check->holds);
	memory_free(check->by_object);
	memory_free(check->owned_steps);
	memory_free(check);
}

uint32_t check_add_object(struct check *check, struct span id)
{
	uint32_t number = check_name_add(&check->ids, id);

	if (number < check->object_count)
		return number;
	MEMORY_GROW(check->objects, check->object_count, check->object_capacity);
	check->objects[check->object_count++] = (struct check_object){ 0 };
	return number;
}

struct span check_address(struct span text, enum check_place place)
{
	struct address address = address_parse(text);

	return place == CHECK_ADDRESSES && address.smtp ? address.value : text;
}

static void add_number(struct check *check, struct span value, enum check_place place,
	uint32_t **numbers, size_t *count, size_t *capacity)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (scan_type(value) != SCAN_STRING)
		return;
	scan_text(value, &text);
	if (!text.length)
		return;
	MEMORY_GROW(*numbers, *count, *capacity);
	(*numbers)[(*count)++] = check_name_add(
		&check->addresses, check_address(buf_span(&text), place));
}

uint32_t *check_addresses(
	struct check *check, struct span value, enum check_place place, size_t *count)
{
	size_t capacity = 0;
	uint32_t *numbers = NULL;
	struct scan scan;
	struct span element;

	*count = 0;
	if (!value.data)
		return NULL;
	if (scan_type(value) != SCAN_ARRAY) {
		add_number(check, value, place, &numbers, count, &capacity);
		return numbers;
	}
	scan = scan_open(value);
	while (scan_element(&scan, &element))
		add_number(check, element, place, &numbers, count, &capacity);
	return numbers;
}

/* ---- what steps are about ----------------------------------------------------------------- */

static bool is_name(const struct attribute *attribute, const char *name)
{
	return attribute && strcmp(attribute->name, name) == 0;
}

static void read_addresses(struct check *check, const struct plan_step *step, struct check_step *at)
{
	bool name = is_name(step->attribute, "userPrincipalName");

	if (step->operation != GRAPH_SET)
		return;
	if (name || is_name(step->attribute, "proxyAddresses")) {
		at->moves_addresses = true;
		at->place = name ? CHECK_SIGN_IN_NAME : CHECK_ADDRESSES;
		at->drops = check_addresses(check, step->from, at->place, &at->drop_count);
		at->takes = check_addresses(check, step->to, at->place, &at->take_count);
	} else if (is_name(step->attribute, "mail") && step->door == DOOR_GRAPH) {
		/* Graph makes it one of the addresses (contract 5.3); it lets none go. */
		at->moves_addresses = true;
		at->place = CHECK_ADDRESSES;
		at->takes = check_addresses(check, step->to, at->place, &at->take_count);
	}
}

static uint32_t reference_in(struct check *check, struct span value)
{
	struct span id = value.data ? scan_text_direct(value) : SPAN_NONE;

	return id.data ? check_add_object(check, id) : CHECK_NONE;
}

static bool is_reference(enum graph_operation operation)
{
	return operation >= GRAPH_ADD_MEMBER && operation <= GRAPH_CLEAR_MANAGER;
}

static void read_step(struct check *check, size_t index)
{
	const struct plan_step *step = &check->plan->steps[index];
	struct check_step *at = &check->steps[index];

	at->target = at->from_target = CHECK_NONE;
	at->value = SIZE_MAX;
	read_addresses(check, step, at);
	if (!is_reference(step->operation))
		return;
	at->target = reference_in(check, step->to);
	at->from_target = reference_in(check, step->from);
}

static void add_leading(struct check *check, size_t index)
{
	struct check_object *object;

	if (check->steps[index].from_target == CHECK_NONE)
		return;
	object = &check->objects[check->steps[index].from_target];
	MEMORY_GROW(object->leading, object->leading_count, object->leading_capacity);
	object->leading[object->leading_count++] = index;
}

/* ---- values, each once -------------------------------------------------------------------- */

struct about {
	uint32_t object, target;
	const struct attribute *attribute;
	size_t index;
};

static int by_value(const void *a, const void *b)
{
	const struct about *left = a, *right = b;

	if (left->object != right->object)
		return left->object < right->object ? -1 : 1;
	if (left->attribute != right->attribute)
		return strcmp(left->attribute->name, right->attribute->name);
	return (left->target > right->target) - (left->target < right->target);
}

/* Members and owners are a value each; a manager is one of its object. */
static uint32_t value_target(const struct plan_step *step, const struct check_step *at)
{
	if (!is_reference(step->operation) || step->attribute->source != SOURCE_RELATION)
		return CHECK_NONE;
	return at->target != CHECK_NONE ? at->target : at->from_target;
}

static void number_values(struct check *check)
{
	size_t count = check->plan->step_count, found = 0;
	CLEANUP(memory_freep) struct about *about = memory_array(count + 1, sizeof(*about));

	for (size_t i = 0; i < count; i++) {
		const struct plan_step *step = &check->plan->steps[i];

		if (step->attribute)
			about[found++] = (struct about){ check->steps[i].object,
				value_target(step, &check->steps[i]), step->attribute, i };
	}
	if (found)
		qsort(about, found, sizeof(*about), by_value);
	check->values = memory_array(found + 1, sizeof(*check->values));
	for (size_t i = 0; i < found; i++) {
		if (!i || by_value(&about[i - 1], &about[i]) != 0)
			check->value_count++;
		check->steps[about[i].index].value = check->value_count - 1;
	}
}

/* Objects with steps have the first numbers; their steps lie together, by a counting sort. */
static void sort_by_object(struct check *check)
{
	size_t count = check->plan->step_count;

	check->owned_steps = memory_array(check->object_steps + 2, sizeof(size_t));
	check->by_object = memory_array(count + 1, sizeof(size_t));
	for (size_t i = 0; i < count; i++)
		check->owned_steps[check->steps[i].object + 1]++;
	for (size_t i = 0; i < check->object_steps; i++)
		check->owned_steps[i + 1] += check->owned_steps[i];
	for (size_t i = 0; i < count; i++)
		check->by_object[check->owned_steps[check->steps[i].object]++] = i;
	memmove(check->owned_steps + 1, check->owned_steps, check->object_steps * sizeof(size_t));
	check->owned_steps[0] = 0;
}

struct check *check_new(const struct plan *plan, const struct check_live *live, struct error *err)
{
	CLEANUP(check_freep) struct check *check = memory_new(sizeof(*check));

	check->plan = plan;
	check->steps = memory_array(plan->step_count + 1, sizeof(*check->steps));
	for (size_t i = 0; i < plan->step_count; i++)
		check->steps[i].object = check_add_object(check, span_of(plan->steps[i].id));
	check->object_steps = check->object_count;
	for (size_t i = 0; i < plan->step_count; i++)
		read_step(check, i);
	for (size_t i = 0; i < plan->step_count; i++)
		add_leading(check, i);
	number_values(check);
	sort_by_object(check);
	if (!check_read_live(check, live, err)) {
		error_prefix(err, "checking the plan");
		return NULL;
	}
	return TAKE(check);
}

bool plan_check(const struct plan *plan, const struct check_live *live, struct error *err)
{
	static const struct check_walk walks[] = { { .seed = 0 }, { .seed = 1 } };
	CLEANUP(check_freep) struct check *check = check_new(plan, live, err);
	struct check_result result;

	if (!check)
		return false;
	for (size_t i = 0; i < COUNT_OF(walks); i++) {
		if (check_walk(check, &walks[i], &result))
			continue;
		return error_set(err, ERROR_REFUSED,
			"the plan does not pass its check and is not written: step %zu%s: %s. "
			"This is a fault of unstage: please report it, with the version",
			result.step, walks[i].seed ? " (in another order)" : "", result.text);
	}
	return true;
}
