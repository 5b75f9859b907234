/*
 * What live has of what the plan is about: the values that steps start from, and every holder of an
 * address that a step takes, whatever kind it is, in deleted items too.
 *
 * Every object of the directory passes here, and nearly none has to do with the plan. So each line is
 * checked and its members are found in one walk, in any thread; a filter that never overlooks one says
 * of most ids and addresses that they are not the plan's. What is left is looked up exactly. The model is
 * only written in the caller's thread, and what looking reads of it, names of ids and addresses, only
 * when all has been looked at.
 */
#include "base/filter.h"
#include "base/members.h"
#include "rollback/check_internal.h"

enum member { MEMBER_ID, MEMBER_NAME, MEMBER_ADDRESSES, MEMBER_DELETED, MEMBER_PART, MEMBER_COUNT };

static const char *const member_names[MEMBER_COUNT] = {
	[MEMBER_ID] = "id",
	[MEMBER_NAME] = "userPrincipalName",
	[MEMBER_ADDRESSES] = "proxyAddresses",
	[MEMBER_DELETED] = "deleted",
	[MEMBER_PART] = "part",
};

/* An object that is the plan's, or holds an address of the plan's. */
struct sight {
	char id[ID_BYTES];
	bool deleted;
	uint32_t address; /* CHECK_NONE: only the object itself is of interest */
	enum check_place place;
	struct object *object; /* where its values are; owned until it is handed out */
};

struct sights {
	struct sight *items;
	size_t count, capacity;
};

struct reading {
	struct check *check;
	struct filter ids, addresses; /* of the plan */
	struct sights holders;        /* for when all has been looked at */
};

static void reading_release(struct reading *reading)
{
	filter_release(&reading->ids);
	filter_release(&reading->addresses);
	memory_free(reading->holders.items);
}

static void sights_add(struct sights *sights, const struct sight *sight)
{
	MEMORY_GROW(sights->items, sights->count, sights->capacity);
	sights->items[sights->count++] = *sight;
}

/* What a thread has at hand, and what it has seen. */
struct looked {
	struct members *members;
	struct buf text;
	struct sights sights;
};

static void begin(void *begun)
{
	struct looked *looked = begun;

	if (!looked->members) {
		looked->members = members_new(member_names, MEMBER_COUNT);
		looked->text = (struct buf)BUF_UP_TO(DIRECTORY_LINE_MAX);
	}
	looked->sights.count = 0;
}

static void release(void *released)
{
	struct looked *looked = released;

	for (size_t i = 0; i < looked->sights.count; i++)
		object_free(looked->sights.items[i].object);
	memory_free(looked->sights.items);
	members_free(looked->members);
	buf_release(&looked->text);
}

/* ---- one line ----------------------------------------------------------------------------- */

struct glimpse {
	struct span id, name, addresses;
	bool deleted;
};

/* The object's own line, among its part lines. */
static bool look_at(
	struct members *members, struct span lines, struct glimpse *glimpse, struct error *err)
{
	const char *end = lines.data + lines.length;

	for (const char *at = lines.data, *newline; at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		newline = newline ? newline : end;
		if (!members_read(members, (struct span){ at, (size_t)(newline - at) }, err))
			return false;
		if (!members_came(members, MEMBER_PART))
			break;
	}
	*glimpse = (struct glimpse){
		.id = scan_text_direct(members_value(members, MEMBER_ID)),
		.name = members_value(members, MEMBER_NAME),
		.addresses = members_value(members, MEMBER_ADDRESSES),
		.deleted = scan_type(members_value(members, MEMBER_DELETED)) == SCAN_TRUE,
	};
	return (!members_came(members, MEMBER_PART) && glimpse->id.length == ID_BYTES) ||
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

/* ---- values of the plan's objects --------------------------------------------------------- */

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

/* ---- what will be restored ---------------------------------------------------------------- */

static bool see_restored(void *context, void *seen, struct span lines, struct error *err)
{
	struct looked *looked = seen;
	struct sight sight = { .object = object_parse(lines, err) };

	(void)context;
	if (!sight.object)
		return false;
	sights_add(&looked->sights, &sight);
	return true;
}

/* What it will claim when it comes back must be known before holders are looked for. */
static void note_restored(struct check *check, const struct object *object)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct span name = object_get_named(object, "userPrincipalName");
	size_t count;

	if (scan_type(name) == SCAN_STRING)
		scan_text(name, &text);
	if (text.length)
		check_name_add(&check->addresses, freed_name(buf_span(&text), object_id(object)));
	memory_free(check_addresses(
		check, object_get_named(object, "proxyAddresses"), CHECK_ADDRESSES, &count));
}

static bool note_all_restored(void *context, void *seen, struct error *err)
{
	const struct reading *reading = context;
	struct looked *looked = seen;

	(void)err;
	for (size_t i = 0; i < looked->sights.count; i++) {
		note_restored(reading->check, looked->sights.items[i].object);
		object_free(TAKE(looked->sights.items[i].object));
	}
	return true;
}

static bool read_restored(struct reading *reading, const struct check_live *live, struct error *err)
{
	const struct plan *plan = reading->check->plan;
	CLEANUP(memory_freep) struct span *ids = memory_array(plan->step_count + 1, sizeof(*ids));
	struct snapshot_visitor visitor = { .size = sizeof(struct looked),
		.begin = begin,
		.look = see_restored,
		.hand_out = note_all_restored,
		.release = release,
		.only = ids,
		.context = reading };

	for (size_t i = 0; i < plan->step_count; i++)
		if (plan->steps[i].operation == GRAPH_RESTORE)
			ids[visitor.only_count++] = span_of(plan->steps[i].id);
	return !visitor.only_count || live->visit(live->context, &visitor, err);
}

/* ---- everything --------------------------------------------------------------------------- */

static void see_address(const struct reading *reading, struct looked *looked, struct sight *sight,
	struct span address)
{
	if (!address.length || !filter_may_have(&reading->addresses, address))
		return;
	sight->address = check_name_find(&reading->check->addresses, address);
	if (sight->address != CHECK_NONE)
		sights_add(&looked->sights, sight);
}

static void see_text(const struct reading *reading, struct looked *looked, struct sight *sight,
	struct span value)
{
	struct span text = scan_type(value) == SCAN_STRING ? scan_text_direct(value) : SPAN_NONE;

	if (!text.data && scan_type(value) == SCAN_STRING) {
		buf_cut(&looked->text, 0);
		scan_text(value, &looked->text);
		text = buf_span(&looked->text);
	}
	text = check_address(text, sight->place);
	if (sight->place == CHECK_SIGN_IN_NAME && sight->deleted)
		text = freed_name(text, (struct span){ sight->id, ID_BYTES });
	see_address(reading, looked, sight, text);
}

static void see_addresses(const struct reading *reading, struct looked *looked, struct sight *sight,
	const struct glimpse *glimpse)
{
	struct scan scan = scan_open(glimpse->addresses);
	struct span element;

	sight->place = CHECK_SIGN_IN_NAME;
	see_text(reading, looked, sight, glimpse->name);
	if (scan_type(glimpse->addresses) != SCAN_ARRAY)
		return;
	sight->place = CHECK_ADDRESSES;
	while (scan_element(&scan, &element))
		see_text(reading, looked, sight, element);
}

static bool see(void *context, void *seen, struct span lines, struct error *err)
{
	const struct reading *reading = context;
	const struct check *check = reading->check;
	struct looked *looked = seen;
	struct glimpse glimpse;
	struct sight sight = { .address = CHECK_NONE };
	uint32_t number;

	if (!look_at(looked->members, lines, &glimpse, err))
		return false;
	memcpy(sight.id, glimpse.id.data, ID_BYTES);
	sight.deleted = glimpse.deleted;
	see_addresses(reading, looked, &sight, &glimpse);
	if (!filter_may_have(&reading->ids, glimpse.id))
		return true;
	number = check_name_find(&check->ids, glimpse.id);
	if (number == CHECK_NONE)
		return true;
	sight.address = CHECK_NONE;
	if (number < check->object_steps && !(sight.object = object_parse(lines, err)))
		return false;
	sights_add(&looked->sights, &sight);
	return true;
}

static enum check_state state_of(const struct sight *sight)
{
	return sight->deleted ? CHECK_DELETED : CHECK_LIVE;
}

static bool take_sights(void *context, void *seen, struct error *err)
{
	struct reading *reading = context;
	struct check *check = reading->check;
	struct looked *looked = seen;

	(void)err;
	for (size_t i = 0; i < looked->sights.count; i++) {
		struct sight *sight = &looked->sights.items[i];
		uint32_t number;

		if (sight->address != CHECK_NONE) {
			sights_add(&reading->holders, sight);
			continue;
		}
		number = check_name_find(&check->ids, (struct span){ sight->id, ID_BYTES });
		check->objects[number].before = state_of(sight);
		if (sight->object)
			read_values(check, number, sight->object);
		object_free(TAKE(sight->object));
	}
	return true;
}

/* A holder that the plan is not about becomes known by holding. */
static void add_holds(struct reading *reading)
{
	struct check *check = reading->check;

	for (size_t i = 0; i < reading->holders.count; i++) {
		const struct sight *sight = &reading->holders.items[i];
		uint32_t number = check_add_object(check, (struct span){ sight->id, ID_BYTES });

		check->objects[number].before = state_of(sight);
		MEMORY_GROW(check->holds, check->hold_count, check->hold_capacity);
		check->holds[check->hold_count++] = (struct check_hold){
			.address = sight->address, .object = number, .place = sight->place
		};
	}
}

static void fill(struct filter *filter, const struct check_names *names)
{
	filter_init(filter, names->count);
	for (size_t i = 0; i < names->count; i++)
		filter_add(filter, names->texts[i]);
}

bool check_read_live(struct check *check, const struct check_live *live, struct error *err)
{
	CLEANUP(reading_release) struct reading reading = { .check = check };
	struct snapshot_visitor visitor = { .size = sizeof(struct looked),
		.begin = begin,
		.look = see,
		.hand_out = take_sights,
		.release = release,
		.context = &reading };

	if (!check->ids.count)
		return true;
	if (!read_restored(&reading, live, err))
		return false;
	/* Where the plan moves no address, who holds one does not matter. */
	if (!check->addresses.count) {
		visitor.only = check->ids.texts;
		visitor.only_count = check->ids.count;
	}
	fill(&reading.ids, &check->ids);
	fill(&reading.addresses, &check->addresses);
	if (!live->visit(live->context, &visitor, err))
		return false;
	add_holds(&reading);
	return true;
}
