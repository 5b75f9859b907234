/*
 * What must be done before what:
 *
 *	an object is restored    before anything is done to it, or refers to it
 *	a reference is removed   before the object it leads to is deleted
 *	an object is changed     before it is deleted
 *	an owner is added        before another one goes: the last owner of a group can't leave
 *	an address is let go     before another object takes it, since the directory refuses an
 *	                         address that is held, also by a deleted object
 *
 * Only the last can form a circle: two users who swap their names. Until parking addresses
 * exist, such steps go to a person.
 */
#include <stdlib.h>

#include "base/scan.h"
#include "base/text.h"
#include "rollback/plan_internal.h"

static const char swap_cause[] =
	"steps of this plan pass these addresses on in a circle, and the directory refuses an address "
	"that another object still holds. First give one of the objects a spare address, then set "
	"each of the others, and that one last.";

/* ---- addresses -------------------------------------------------------------------------- */

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

/* The smtp addresses of the set `value` that are not in `kept`. */
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
		if (address.smtp && !set_find(attribute, kept, buf_span(&key)).data)
			add_address(plan, list, address.value);
	}
}

/* The service puts the id before the name of a deleted user, so that the name is free. */
static struct span without_deleted_prefix(struct span name, struct span id)
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
	add_single(plan, list, object_get_named(object, "mail"));
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

static bool is_name(const struct attribute *attribute)
{
	return strcmp(attribute->name, "userPrincipalName") == 0 ||
		strcmp(attribute->name, "mail") == 0;
}

void draft_add_addresses(struct plan *plan, struct draft *draft, const struct object *object)
{
	const struct plan_step *step = &draft->step;
	struct addresses releases = { 0 }, claims = { 0 };

	if (step->operation == GRAPH_SET && is_name(step->attribute)) {
		add_single(plan, &releases, step->from);
		add_single(plan, &claims, step->to);
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

/* ---- who has to wait for whom ----------------------------------------------------------- */

/* Where something is done: the draft that restores or removes an id, or lets an address go. */
struct place {
	struct span key;
	size_t draft;
};

struct places {
	struct place *items;
	size_t count, capacity;
};

static void add_place(struct places *places, struct span key, size_t draft)
{
	MEMORY_GROW(places->items, places->count, places->capacity);
	places->items[places->count++] = (struct place){ key, draft };
}

static int by_key(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = text_compare_caseless(left->key, right->key);

	return order ? order : (left->draft > right->draft) - (left->draft < right->draft);
}

static void sort_places(struct places *places)
{
	if (places->count)
		qsort(places->items, places->count, sizeof(*places->items), by_key);
}

/* The first place with this key, or the count. */
static size_t find_place(const struct places *places, struct span key)
{
	size_t low = 0, high = places->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (text_compare_caseless(places->items[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool at_place(const struct places *places, size_t at, struct span key)
{
	return at < places->count && text_compare_caseless(places->items[at].key, key) == 0;
}

struct ordering {
	const struct draft *drafts;
	size_t count;
	struct places restores, removes, releases, new_owners;
	struct order order;
};

static void ordering_release(struct ordering *ordering)
{
	memory_free(ordering->restores.items);
	memory_free(ordering->removes.items);
	memory_free(ordering->releases.items);
	memory_free(ordering->new_owners.items);
	order_release(&ordering->order);
}

static void collect_places(struct ordering *ordering)
{
	for (size_t i = 0; i < ordering->count; i++) {
		const struct draft *draft = &ordering->drafts[i];

		if (draft->step.operation == GRAPH_RESTORE)
			add_place(&ordering->restores, span_of(draft->step.id), i);
		if (draft->step.operation == GRAPH_REMOVE)
			add_place(&ordering->removes, span_of(draft->step.id), i);
		if (draft->step.operation == GRAPH_ADD_OWNER)
			add_place(&ordering->new_owners, span_of(draft->step.id), i);
		for (size_t j = 0; j < draft->release_count; j++)
			add_place(&ordering->releases, draft->releases[j], i);
	}
	sort_places(&ordering->restores);
	sort_places(&ordering->removes);
	sort_places(&ordering->releases);
	sort_places(&ordering->new_owners);
}

static void after_restore(struct ordering *ordering, struct span id, size_t draft)
{
	size_t at = find_place(&ordering->restores, id);

	if (at_place(&ordering->restores, at, id) && ordering->restores.items[at].draft != draft)
		order_add(&ordering->order, ordering->restores.items[at].draft, draft, false);
}

static void before_remove(struct ordering *ordering, struct span id, size_t draft)
{
	size_t at = find_place(&ordering->removes, id);

	if (at_place(&ordering->removes, at, id) && ordering->removes.items[at].draft != draft)
		order_add(&ordering->order, draft, ordering->removes.items[at].draft, false);
}

static void after_new_owners(struct ordering *ordering, struct span group, size_t draft)
{
	const struct places *owners = &ordering->new_owners;

	for (size_t at = find_place(owners, group); at_place(owners, at, group); at++)
		order_add(&ordering->order, owners->items[at].draft, draft, false);
}

/* The id in a canonical reference: without its quotes. */
static struct span reference_id(struct span value)
{
	return value.length > 2 ? (struct span){ value.data + 1, value.length - 2 } : SPAN_NONE;
}

static void add_references(struct ordering *ordering, size_t index)
{
	const struct plan_step *step = &ordering->drafts[index].step;

	after_restore(ordering, span_of(step->id), index);
	before_remove(ordering, span_of(step->id), index);
	if (step->operation == GRAPH_REMOVE_OWNER)
		after_new_owners(ordering, span_of(step->id), index);
	if (!step_rule(step->operation)->attribute)
		return;
	if (step->to.data)
		after_restore(ordering, reference_id(step->to), index);
	if (step->from.data)
		before_remove(ordering, reference_id(step->from), index);
}

/*
 * An object may hold one address in several attributes at a time, so its own steps need not
 * wait for each other; only its names do, where one takes what the other lets go.
 */
static bool stands_in_the_way(const struct plan_step *holder, const struct plan_step *taker)
{
	return strcmp(holder->id, taker->id) != 0 ||
		(holder->operation == GRAPH_SET && taker->operation == GRAPH_SET &&
			is_name(holder->attribute) && is_name(taker->attribute));
}

static void add_claims(struct ordering *ordering, size_t index)
{
	const struct draft *draft = &ordering->drafts[index];
	const struct places *releases = &ordering->releases;

	/* Other doors see to it themselves: production's export, a person. */
	if (draft->step.door != DOOR_GRAPH || draft->cause)
		return;
	for (size_t i = 0; i < draft->claim_count; i++) {
		size_t at = find_place(releases, draft->claims[i]);

		for (; at_place(releases, at, draft->claims[i]); at++) {
			size_t holder = releases->items[at].draft;

			if (holder != index &&
				stands_in_the_way(&ordering->drafts[holder].step, &draft->step))
				order_add(&ordering->order, holder, index, true);
		}
	}
}

/* ---- numbering -------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	size_t left = *(const size_t *)a, right = *(const size_t *)b;

	return (left > right) - (left < right);
}

/* The edges are sorted by `then`: those of one draft lie together. */
static void fill_after(struct plan *plan, const struct order *order, size_t *edge,
	const size_t *numbers, size_t draft, struct plan_step *step)
{
	size_t end = *edge;
	size_t *after;

	while (end < order->edge_count && order->edges[end].then == draft)
		end++;
	after = plan_room(plan, end - *edge, sizeof(*after));
	step->after = after;
	step->after_count = end - *edge;
	for (size_t i = 0; i < step->after_count; i++)
		after[i] = numbers[order->edges[*edge + i].first];
	if (step->after_count)
		qsort(after, step->after_count, sizeof(*after), by_number);
	*edge = end;
}

static void number_steps(struct plan *plan, const struct ordering *ordering, const size_t *sequence)
{
	CLEANUP(memory_freep) size_t *numbers = memory_array(ordering->count + 1, sizeof(*numbers));
	struct plan_step *steps = plan_room(plan, ordering->count, sizeof(*steps));
	size_t edge = 0;

	for (size_t i = 0; i < ordering->count; i++)
		numbers[sequence[i]] = i + 1;
	for (size_t i = 0; i < ordering->count; i++) {
		const struct draft *draft = &ordering->drafts[i];
		struct plan_step *step = &steps[numbers[i] - 1];

		*step = draft->step;
		step->number = numbers[i];
		fill_after(plan, &ordering->order, &edge, numbers, i, step);
		if (!draft->cause)
			continue;
		step->manual = manual_paragraph(plan, step, draft->cause);
		step->door = DOOR_MANUAL;
		step->source_anchor = NULL;
	}
	plan->steps = steps;
	plan->step_count = ordering->count;
}

void plan_order_drafts(struct plan *plan, struct draft *drafts, size_t count)
{
	CLEANUP(ordering_release)
	struct ordering ordering = {
		.drafts = drafts, .count = count, .order = { .count = count }
	};
	CLEANUP(memory_freep) size_t *sequence = memory_array(count + 1, sizeof(*sequence));
	CLEANUP(memory_freep) bool *broken = memory_array(count + 1, sizeof(*broken));

	collect_places(&ordering);
	for (size_t i = 0; i < count; i++) {
		add_references(&ordering, i);
		add_claims(&ordering, i);
	}
	order_solve(&ordering.order, sequence, broken);
	for (size_t i = 0; i < count; i++) {
		if (broken[i] && drafts[i].step.door == DOOR_GRAPH)
			drafts[i].cause = swap_cause;
	}
	number_steps(plan, &ordering, sequence);
}
