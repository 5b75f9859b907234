/*
 * Which addresses a step lets go and which it takes. Sign-in names and the elements of
 * proxyAddresses share one namespace over users, groups and contacts (contract 5.3). `mail` alone
 * holds nothing: a second account may name the mailbox of the first; but Graph makes what it
 * writes there one of the addresses.
 */
#include "base/scan.h"
#include "base/text.h"
#include "rollback/plan_internal.h"

struct addresses {
	struct span *items;
	size_t count, capacity;
};

static void add_address(struct plan *plan, struct addresses *list, struct span address)
{
	if (!address.length)
		return;
	MEMORY_GROW(list->items, list->count, list->capacity);
	list->items[list->count++] = plan_keep_value(plan, address);
}

static void add_single(struct plan *plan, struct addresses *list, struct span value)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);

	value_add_text(&text, value);
	add_address(plan, list, buf_span(&text));
}

/* The addresses of the set `value` that are not in `kept`; those of other schemes with it. */
static void add_set(struct plan *plan, struct addresses *list, const struct attribute *attribute,
	struct span value, struct span kept)
{
	struct scan scan = scan_open(value);
	struct span element;

	while (value.data && scan_element(&scan, &element)) {
		CLEANUP(buf_release) struct buf key = BUF_UP_TO(DIRECTORY_LINE_MAX);
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
		struct address address;

		element_add_key(&key, attribute, element);
		value_add_text(&text, element);
		address = address_parse(buf_span(&text));
		if (!set_find(attribute, kept, buf_span(&key)).data)
			add_address(plan, list, address.smtp ? address.value : buf_span(&text));
	}
}

struct span without_deleted_prefix(struct span name, struct span id)
{
	size_t at = 0;

	for (size_t i = 0; i < id.length; i++) {
		if (id.data[i] == '-')
			continue;
		if (at == name.length || text_lower(name.data[at]) != id.data[i])
			return name;
		at++;
	}
	return (struct span){ name.data + at, name.length - at };
}

static void add_held(struct plan *plan, struct addresses *list, const struct object *object)
{
	const struct attribute *proxies = attribute_find(
		object_kind(object), SPAN_LITERAL("proxyAddresses"));
	CLEANUP(buf_release) struct buf name = BUF_UP_TO(DIRECTORY_LINE_MAX);

	value_add_text(&name, object_get_named(object, "userPrincipalName"));
	add_address(plan, list,
		object_deleted(object) ? without_deleted_prefix(buf_span(&name), object_id(object))
				       : buf_span(&name));
	if (proxies)
		add_set(plan, list, proxies, object_get(object, proxies), SPAN_NONE);
}

static void keep(struct plan *plan, struct addresses *list, struct span **items, size_t *count)
{
	*items = plan_room(plan, list->count, sizeof(**items));
	*count = list->count;
	if (list->count)
		memcpy(*items, list->items, list->count * sizeof(**items));
	memory_free(list->items);
}

bool is_sign_in_name(const struct attribute *attribute)
{
	return strcmp(attribute->name, "userPrincipalName") == 0;
}

bool draft_is_ours(const struct draft *draft)
{
	return (draft->step.door == DOOR_GRAPH || draft->step.door == DOOR_EXCHANGE) &&
		(!draft->cause || draft->by_hand);
}

/* Graph makes a mail address one of the addresses, where it is none yet. */
static void add_mail(struct plan *plan, struct addresses *claims, const struct plan_step *step,
	const struct object *object)
{
	const struct attribute *proxies = attribute_find(
		step->kind, SPAN_LITERAL("proxyAddresses"));
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
	CLEANUP(buf_release) struct buf element = BUF_UP_TO(DIRECTORY_LINE_MAX);
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (step->door != DOOR_GRAPH || !object || !proxies)
		return;
	buf_add_text(&text, "smtp:");
	value_add_text(&text, step->to);
	scan_quote(buf_span(&text), &element);
	element_add_key(&key, proxies, buf_span(&element));
	if (!set_find(proxies, object_get(object, proxies), buf_span(&key)).data)
		add_single(plan, claims, step->to);
}

void draft_add_addresses(struct plan *plan, struct draft *draft, const struct object *object)
{
	const struct plan_step *step = &draft->step;
	struct addresses releases = { 0 }, claims = { 0 };

	if (step->operation == GRAPH_SET && is_sign_in_name(step->attribute)) {
		add_single(plan, &releases, step->from);
		add_single(plan, &claims, step->to);
	} else if (step->operation == GRAPH_SET && strcmp(step->attribute->name, "mail") == 0) {
		add_mail(plan, &claims, step, object);
	} else if (step->operation == GRAPH_SET && step->attribute->compare == COMPARE_ADDRESSES) {
		add_set(plan, &releases, step->attribute, step->from, step->to);
		add_set(plan, &claims, step->attribute, step->to, step->from);
	} else if (step->operation == GRAPH_REMOVE && object) {
		add_held(plan, &releases, object);
	} else if (step->operation == GRAPH_RESTORE && object) {
		add_held(plan, &claims, object);
	}
	keep(plan, &releases, &draft->releases, &draft->release_count);
	keep(plan, &claims, &draft->claims, &draft->claim_count);
}
