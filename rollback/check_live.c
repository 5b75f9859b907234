/*
 * What live has of what the plan is about: the values that steps start from, and every holder of an
 * address that a step takes, whatever kind it is, in deleted items too.
 */
#include "rollback/check_internal.h"

struct reading {
	struct check *check;
	bool restored_only; /* the first round: the addresses of what will be restored */
};

struct glimpse {
	struct span id, name, addresses;
	bool deleted;
};

/* False for a part line, and at something that is no line. */
static bool look_at_line(struct span line, struct glimpse *glimpse, struct error *err)
{
	struct scan scan = scan_open(line);
	struct span key, value;

	*glimpse = (struct glimpse){ 0 };
	if (!scan_check(line, err))
		return false;
	if (scan_type(line) != SCAN_OBJECT)
		return error_set(err, ERROR_FORMAT, "a line that is no object");
	while (scan_member(&scan, &key, &value)) {
		if (span_is(key, "id"))
			glimpse->id = scan_text_direct(value);
		else if (span_is(key, "userPrincipalName"))
			glimpse->name = value;
		else if (span_is(key, "proxyAddresses"))
			glimpse->addresses = scan_type(value) == SCAN_ARRAY ? value : SPAN_NONE;
		else if (span_is(key, "deleted"))
			glimpse->deleted = scan_type(value) == SCAN_TRUE;
		else if (span_is(key, "part"))
			return false;
	}
	return true;
}

static bool look_at(struct span lines, struct glimpse *glimpse, struct error *err)
{
	const char *at = lines.data, *end = lines.data + lines.length;
	bool found = false;

	while (at < end && !found && err->kind == ERROR_NONE) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		found = look_at_line((struct span){ at, (size_t)((newline ? newline : end) - at) },
			glimpse, err);
		at = newline ? newline + 1 : end;
	}
	if (err->kind != ERROR_NONE)
		return false;
	return (found && glimpse->id.data) ||
		error_set(err, ERROR_FORMAT, "an object without an id");
}

/* The service puts the id's digits before the sign-in name of a deleted user (contract 2.10). */
static struct span freed_name(struct span name, struct span id)
{
	size_t at = 0;

	for (size_t i = 0; i < id.length; i++) {
		if (id.data[i] == '-')
			continue;
		if (at >= name.length || text_lower(name.data[at]) != text_lower(id.data[i]))
			return name;
		at++;
	}
	return (struct span){ name.data + at, name.length - at };
}

/* ---- holders ------------------------------------------------------------------------------ */

static void add_hold(
	struct check *check, struct span id, struct span address, enum check_place place)
{
	uint32_t number = address.length ? check_name_find(&check->addresses, address) : CHECK_NONE;

	if (number == CHECK_NONE)
		return;
	MEMORY_GROW(check->holds, check->hold_count, check->hold_capacity);
	check->holds[check->hold_count++] = (struct check_hold){
		.address = number, .object = check_add_object(check, id), .place = place
	};
}

static void add_text_hold(struct check *check, const struct glimpse *glimpse, struct span value,
	enum check_place place)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct span address;

	if (scan_type(value) != SCAN_STRING)
		return;
	scan_text(value, &text);
	address = check_address(buf_span(&text), place);
	if (place == CHECK_SIGN_IN_NAME && glimpse->deleted)
		address = freed_name(address, glimpse->id);
	add_hold(check, glimpse->id, address, place);
}

static void add_holds(struct check *check, const struct glimpse *glimpse)
{
	struct scan scan;
	struct span element;

	if (glimpse->name.data)
		add_text_hold(check, glimpse, glimpse->name, CHECK_SIGN_IN_NAME);
	if (!glimpse->addresses.data)
		return;
	scan = scan_open(glimpse->addresses);
	while (scan_element(&scan, &element))
		add_text_hold(check, glimpse, element, CHECK_ADDRESSES);
}

/* ---- values of the plan's objects --------------------------------------------------------- */

static bool is_restored(const struct check *check, uint32_t number)
{
	for (size_t i = check->owned_steps[number]; i < check->owned_steps[number + 1]; i++)
		if (check->plan->steps[check->by_object[i]].operation == GRAPH_RESTORE)
			return true;
	return false;
}

/* What it will claim when it comes back must be known before holders are looked for. */
static void note_restored(struct check *check, const struct glimpse *glimpse)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
	size_t count;

	if (glimpse->name.data)
		scan_text(glimpse->name, &text);
	if (text.length)
		check_name_add(&check->addresses, freed_name(buf_span(&text), glimpse->id));
	memory_free(check_addresses(check, glimpse->addresses, CHECK_ADDRESSES, &count));
}

static void copy_before(struct check_value *value, struct span span)
{
	value->known = true;
	memory_free((char *)value->before.data);
	value->before = span.data
		? (struct span){ memory_text_span(span.data, span.length), span.length }
		: SPAN_NONE;
}

static size_t count_elements(struct span set)
{
	struct scan scan = scan_open(set);
	struct span element;
	size_t count = 0;

	while (set.data && scan_element(&scan, &element))
		count++;
	return count;
}

/* A member is there as its id, or is not; other values are whole. */
static struct span standing(const struct plan_step *step, const struct object *object)
{
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct span element = step->to.data ? step->to : step->from;

	if (step->attribute->source != SOURCE_RELATION)
		return object_get(object, step->attribute);
	element_add_key(&key, step->attribute, element);
	return set_find(step->attribute, object_get(object, step->attribute), buf_span(&key));
}

static void read_values(struct check *check, uint32_t number, const struct object *object)
{
	for (size_t i = check->owned_steps[number]; i < check->owned_steps[number + 1]; i++) {
		size_t index = check->by_object[i];
		const struct plan_step *step = &check->plan->steps[index];

		if (check->steps[index].value == SIZE_MAX ||
			object_unknown(object, step->attribute))
			continue;
		copy_before(&check->values[check->steps[index].value], standing(step, object));
		if (strcmp(step->attribute->name, "owners") == 0) {
			check->objects[number].owners_known = true;
			check->objects[number].owners = count_elements(
				object_get(object, step->attribute));
		}
	}
}

/* ---- the rounds --------------------------------------------------------------------------- */

static bool visit(void *context, struct span lines, struct error *err)
{
	const struct reading *reading = context;
	struct check *check = reading->check;
	CLEANUP(object_freep) struct object *object = NULL;
	struct glimpse glimpse;
	uint32_t number;
	bool ours;

	if (!look_at(lines, &glimpse, err))
		return false;
	number = check_name_find(&check->ids, glimpse.id);
	ours = number != CHECK_NONE && number < check->object_steps;

	if (reading->restored_only) {
		if (ours && is_restored(check, number))
			note_restored(check, &glimpse);
		return true;
	}
	add_holds(check, &glimpse);
	number = check_name_find(&check->ids, glimpse.id); /* a holder has become known by now */
	if (number != CHECK_NONE)
		check->objects[number].before = glimpse.deleted ? CHECK_DELETED : CHECK_LIVE;
	if (!ours)
		return true;
	object = object_parse(lines, err);
	if (!object)
		return false;
	read_values(check, number, object);
	return true;
}

bool check_read_live(struct check *check, const struct check_live *live, struct error *err)
{
	struct reading reading = { .check = check };

	for (size_t i = 0; i < check->plan->step_count; i++)
		reading.restored_only |= check->plan->steps[i].operation == GRAPH_RESTORE;
	if (reading.restored_only && !live->each(live->context, visit, &reading, err))
		return false;
	reading.restored_only = false;
	return live->each(live->context, visit, &reading, err);
}
