/*
 * What must be done before what:
 *
 *	an object is restored    before anything is done to it, or refers to it
 *	a reference is removed   before the object it leads to is deleted
 *	an object is changed     before it is deleted
 *	an owner is added        before another one goes: the last owner of a group can't leave
 *	an address is let go     before another object takes it, since the directory refuses an
 *	                         address that is held
 *	addresses are set        before mail, which follows the primary one
 *
 * Only addresses can be passed on in a circle: users who swap their names. There one value is
 * parked (plan_parking.c): the first half of its step lets the addresses go, the second half
 * takes those that are wanted.
 *
 * A circle that lies within the production server's steps needs nothing from us. Its export writes one
 * object after the other; where an address is still held, the service leaves it out, notes
 * it on the object, and applies it by itself within the hour after the holder has let go (facts 4.1),
 * and what was refused is sent again with the next cycle (facts 7.4). So its steps wait for ours, and
 * ours for them, but not for each other.
 */
#include <stdlib.h>

#include "base/scan.h"
#include "base/text.h"
#include "rollback/plan_internal.h"

static const char doubted_cause[] =
	"steps of this plan pass these addresses on in a circle, and one of them may never come true, since "
	"somebody else holds or wants what it takes: parked in between, this value might stay so. First see "
	"to that step.";
static const char circle_cause[] =
	"steps of this plan pass these addresses on in a circle in which nothing can be parked by "
	"itself, and the directory refuses an address that another object still holds. First give the "
	"holder of the wanted address a spare one, then set this, then what the holder should have.";

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
	struct drafts *drafts;
	size_t count; /* before any is parked */
	struct places restores, removes, releases, new_owners, objects;
	struct order order;
	struct order unordered; /* what production takes after itself, in any order */
	bool *doubted;          /* it may never come true */
};

static void ordering_release(struct ordering *ordering)
{
	memory_free(ordering->restores.items);
	memory_free(ordering->removes.items);
	memory_free(ordering->releases.items);
	memory_free(ordering->new_owners.items);
	memory_free(ordering->objects.items);
	order_release(&ordering->order);
	order_release(&ordering->unordered);
	memory_free(ordering->doubted);
}

static void collect_places(struct ordering *ordering)
{
	for (size_t i = 0; i < ordering->count; i++) {
		const struct draft *draft = &ordering->drafts->items[i];

		add_place(&ordering->objects, span_of(draft->step.id), i);
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
	sort_places(&ordering->objects);
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
	const struct plan_step *step = &ordering->drafts->items[index].step;

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

/* Production reads what others changed, and tries again by itself: it needs no turn. */
static bool takes_turns(const struct draft *draft)
{
	return draft->step.door != DOOR_SYNC && draft->step.door != DOOR_DIRECTORY;
}

/*
 * Whoever takes an address waits for all who let it go. An object may hold one address in several
 * attributes at a time, so its own steps need not wait for each other. Nor do steps that production
 * does in one run (facts 4.1, 7.4).
 */
static bool waits_for_release(const struct draft *holder, const struct draft *taker)
{
	return takes_turns(holder) || takes_turns(taker);
}

static bool same_object(const struct draft *holder, const struct draft *taker)
{
	return strcmp(holder->step.id, taker->step.id) == 0;
}

static void add_claims(struct ordering *ordering, size_t index)
{
	const struct draft *draft = &ordering->drafts->items[index];
	const struct places *releases = &ordering->releases;

	/* A person decides about it first. */
	if (draft->cause && !draft->by_hand)
		return;
	for (size_t i = 0; i < draft->claim_count; i++) {
		size_t at = find_place(releases, draft->claims[i]);

		for (; at_place(releases, at, draft->claims[i]); at++) {
			size_t holder = releases->items[at].draft;
			const struct draft *lets_go = &ordering->drafts->items[holder];

			if (same_object(lets_go, draft))
				continue;
			order_add(waits_for_release(lets_go, draft) ? &ordering->order
								    : &ordering->unordered,
				holder, index, true);
		}
	}
}

/* Exchange lets mail follow the primary address, so the address comes first. */
static void after_addresses(struct ordering *ordering, size_t index)
{
	const struct plan_step *step = &ordering->drafts->items[index].step;
	struct span id = span_of(step->id);

	if (step->operation != GRAPH_SET || strcmp(step->attribute->name, "mail") != 0)
		return;
	for (size_t at = find_place(&ordering->objects, id); at_place(&ordering->objects, at, id);
		at++) {
		size_t other = ordering->objects.items[at].draft;
		const struct plan_step *first = &ordering->drafts->items[other].step;

		if (first->operation == GRAPH_SET &&
			first->attribute->compare == COMPARE_ADDRESSES &&
			takes_turns(&ordering->drafts->items[other]))
			order_add(&ordering->order, other, index, false);
	}
}

/* Steps of one object lie together where they are sorted by id; the first one stands for it. */
static void rank_things(struct ordering *ordering)
{
	ordering->order.things = memory_array(ordering->count + 1, sizeof(struct order_thing));
	for (size_t i = 0; i < ordering->count; i++) {
		const struct draft *draft = &ordering->drafts->items[i];
		size_t at = find_place(&ordering->objects, span_of(draft->step.id));

		ordering->order.things[i] = (struct order_thing){
			.rank = draft_parking_rank(draft),
			.owner = ordering->objects.items[at].draft,
		};
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

static void write_step(
	struct plan *plan, const struct draft *draft, const size_t *numbers, struct plan_step *step)
{
	if (draft->until)
		step->until = numbers[draft->until - 1];
	if (!draft->cause)
		return;
	step->manual = manual_paragraph(plan, step, draft->cause);
	step->door = DOOR_MANUAL;
	step->source_anchor = NULL;
}

static void number_steps(struct plan *plan, const struct drafts *drafts, const struct order *order)
{
	CLEANUP(memory_freep) size_t *numbers = memory_array(drafts->count + 1, sizeof(*numbers));
	struct plan_step *steps = plan_room(plan, drafts->count, sizeof(*steps));
	size_t edge = 0;

	for (size_t i = 0; i < drafts->count; i++)
		numbers[order->sequence[i]] = i + 1;
	for (size_t i = 0; i < drafts->count; i++) {
		struct plan_step *step = &steps[numbers[i] - 1];

		*step = drafts->items[i].step;
		step->number = numbers[i];
		fill_after(plan, order, &edge, numbers, i, step);
		write_step(plan, &drafts->items[i], numbers, step);
	}
	for (size_t i = 0; i < drafts->count; i++)
		if (steps[i].until)
			steps[steps[i].until - 1].parked_by = steps[i].number;
	plan->steps = steps;
	plan->step_count = drafts->count;
}

static void find_order(struct ordering *ordering)
{
	order_release(&ordering->order);
	order_release(&ordering->unordered);
	ordering->order.count = ordering->count;
	for (size_t i = 0; i < ordering->count; i++) {
		add_references(ordering, i);
		add_claims(ordering, i);
		after_addresses(ordering, i);
	}
	drafts_doubt(ordering->drafts->items, ordering->count, &ordering->order,
		&ordering->unordered, ordering->doubted);
	rank_things(ordering);
	order_solve(&ordering->order);
}

/* True when there was any: without it there may be another order. */
static bool hand_over_doubted(struct ordering *ordering)
{
	const struct order *order = &ordering->order;
	bool any = false;

	for (size_t i = 0; i < order->parked_count; i++) {
		struct draft *draft = &ordering->drafts->items[order->parked[i]];

		if (!ordering->doubted[order->parked[i]])
			continue;
		draft->cause = doubted_cause;
		draft->by_hand = false;
		any = true;
	}
	return any;
}

static void park_or_hand_over(
	struct plan *plan, struct ordering *ordering, struct parkings *parkings)
{
	const struct order *order = &ordering->order;

	for (size_t i = 0; i < ordering->count; i++)
		if (order->broken[i] && draft_is_ours(&ordering->drafts->items[i])) {
			ordering->drafts->items[i].cause = circle_cause;
			ordering->drafts->items[i].by_hand = false;
		}
	for (size_t i = 0; i < order->parked_count; i++)
		plan_park(plan, ordering->drafts, order->parked[i], parkings);
}

void plan_order_drafts(struct plan *plan, struct drafts *drafts, struct parkings *parkings)
{
	CLEANUP(ordering_release)
	struct ordering ordering = {
		.drafts = drafts,
		.count = drafts->count,
		.doubted = memory_array(drafts->count + 1, sizeof(bool)),
	};

	collect_places(&ordering);
	do {
		find_order(&ordering);
	} while (hand_over_doubted(&ordering));
	park_or_hand_over(plan, &ordering, parkings);
	number_steps(plan, drafts, &ordering.order);
}
