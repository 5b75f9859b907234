/*
 * What would make Graph refuse a step, and no step of the plan removes: an address that another
 * object holds by now, two steps that want the same address, a reference to an object that lies
 * in deleted items. Such steps go to a person, who decides whose address it is.
 *
 * One walk over the live objects answers all of it, and only where a step takes an address or a
 * reference by Graph.
 */
#include <stdlib.h>

#include "base/text.h"
#include "rollback/plan_internal.h"

static const char taken_cause[] =
	"another object holds this address by now, and the directory refuses an address that another "
	"one holds. First find out whose it is.";
static const char wanted_twice_cause[] =
	"another step of this plan puts the same address back on another object: it changed hands, and "
	"then was taken from both. First find out whose it is.";
static const char hidden_cause[] =
	"the service keeps this address back because something holds it, and no object that Graph shows "
	"does: perhaps a mail-enabled public folder. First find it in Exchange (Get-MailPublicFolder, "
	"Get-EXORecipient).";
static const char deleted_cause[] =
	"the object that it refers to lies in deleted items, and this plan does not restore it: somebody "
	"else deleted it.";

/* An address or an id, and a draft that wants it or lets it go. */
struct want {
	struct span key;
	size_t draft;
	bool held,
		refused; /* of an address: an object shows it; the service keeps it from somebody */
};

struct wants {
	struct want *items;
	size_t count, capacity;
};

struct obstacles {
	struct draft *drafts;
	size_t count;
	struct wants addresses; /* taken by any door, sorted */
	struct wants releases;  /* let go by any door, sorted */
	struct wants targets;   /* of references that Graph adds, sorted */
	bool takes;             /* some draft of ours takes an address */
};

static void obstacles_release(struct obstacles *obstacles)
{
	memory_free(obstacles->addresses.items);
	memory_free(obstacles->releases.items);
	memory_free(obstacles->targets.items);
}

static void wants_add(struct wants *wants, struct span key, size_t draft)
{
	MEMORY_GROW(wants->items, wants->count, wants->capacity);
	wants->items[wants->count++] = (struct want){ .key = key, .draft = draft };
}

static int by_key(const void *a, const void *b)
{
	const struct want *left = a, *right = b;
	int order = text_compare_caseless(left->key, right->key);

	return order ? order : (left->draft > right->draft) - (left->draft < right->draft);
}

static void wants_sort(struct wants *wants)
{
	if (wants->count)
		qsort(wants->items, wants->count, sizeof(*wants->items), by_key);
}

/* The first place of this key, or the count; those with the same key follow it. */
static size_t wants_find(const struct wants *wants, struct span key)
{
	size_t low = 0, high = wants->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (text_compare_caseless(wants->items[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool wants_at(const struct wants *wants, size_t at, struct span key)
{
	return at < wants->count && text_compare_caseless(wants->items[at].key, key) == 0;
}

static void collect(struct obstacles *obstacles)
{
	for (size_t i = 0; i < obstacles->count; i++) {
		const struct draft *draft = &obstacles->drafts[i];

		for (size_t j = 0; j < draft->claim_count; j++)
			wants_add(&obstacles->addresses, draft->claims[j], i);
		for (size_t j = 0; j < draft->release_count; j++)
			wants_add(&obstacles->releases, draft->releases[j], i);
		if (draft->step.target && draft->step.to.data && draft_is_ours(draft))
			wants_add(&obstacles->targets, span_of(draft->step.target), i);
		obstacles->takes |= draft->claim_count && draft_is_ours(draft);
	}
	wants_sort(&obstacles->addresses);
	wants_sort(&obstacles->releases);
	wants_sort(&obstacles->targets);
}

static void obstruct(struct draft *draft, const char *cause)
{
	draft->cause = cause;
	draft->by_hand = false;
}

static bool same_object(const struct draft *a, const struct draft *b)
{
	return strcmp(a->step.id, b->step.id) == 0;
}

static void want_twice(struct draft *draft, const struct draft *other)
{
	if (same_object(draft, other))
		return;
	if (draft_is_ours(draft))
		obstruct(draft, wanted_twice_cause);
	else
		draft->doubtful = true;
}

static void find_wanted_twice(struct obstacles *obstacles)
{
	const struct wants *wants = &obstacles->addresses;

	for (size_t i = 0; i < wants->count; i++) {
		struct draft *draft = &obstacles->drafts[wants->items[i].draft];
		size_t at = wants_find(wants, wants->items[i].key);

		for (; !draft->doubtful && wants_at(wants, at, wants->items[i].key); at++)
			want_twice(draft, &obstacles->drafts[wants->items[at].draft]);
	}
}

/* ---- what live holds ---------------------------------------------------------------------- */

/*
 * Does the plan itself take the address from this place, where one that an object has in both is let go
 * when both are? What it deletes lets its addresses go, but
 * Graph takes none for mail that lies in deleted items.
 */
static bool lets_go(
	const struct draft *holder, const struct draft *taker, enum plan_sight_kind place)
{
	const struct plan_step *step = &holder->step;

	if (step->operation == GRAPH_REMOVE)
		return place == SIGHT_NAME || !step->kind->soft_deleted ||
			taker->step.operation != GRAPH_SET ||
			strcmp(taker->step.attribute->name, "mail") != 0;
	return step->operation == GRAPH_SET &&
		is_sign_in_name(step->attribute) == (place == SIGHT_NAME);
}

static bool is_let_go(const struct obstacles *obstacles, struct span id, struct span address,
	enum plan_sight_kind place, const struct draft *taker)
{
	size_t at = wants_find(&obstacles->releases, address);

	for (; wants_at(&obstacles->releases, at, address); at++) {
		const struct draft *draft = &obstacles->drafts[obstacles->releases.items[at].draft];

		if (span_is(id, draft->step.id) && lets_go(draft, taker, place))
			return true;
	}
	return false;
}

static void meet_holder(struct obstacles *obstacles, struct span id, struct span address,
	enum plan_sight_kind place)
{
	size_t at = wants_find(&obstacles->addresses, address);

	for (; wants_at(&obstacles->addresses, at, address); at++) {
		struct draft *draft = &obstacles->drafts[obstacles->addresses.items[at].draft];

		obstacles->addresses.items[at].held = true;
		if (span_is(id, draft->step.id) || is_let_go(obstacles, id, address, place, draft))
			continue;
		if (draft_is_ours(draft))
			obstruct(draft, taken_cause);
		else
			draft->doubtful = true;
	}
}

static void meet_refused(struct obstacles *obstacles, struct span address)
{
	size_t at = wants_find(&obstacles->addresses, address);

	for (; wants_at(&obstacles->addresses, at, address); at++)
		obstacles->addresses.items[at].refused = true;
}

/* Refused by the service for a holder that nobody shows: what it would do with ours can't be foreseen. */
static void meet_hidden(struct obstacles *obstacles)
{
	for (size_t i = 0; i < obstacles->addresses.count; i++) {
		const struct want *want = &obstacles->addresses.items[i];
		struct draft *draft = &obstacles->drafts[want->draft];

		if (want->refused && !want->held && draft_is_ours(draft))
			obstruct(draft, hidden_cause);
	}
}

static bool is_restored(const struct obstacles *obstacles, struct span id)
{
	for (size_t i = 0; i < obstacles->count; i++)
		if (obstacles->drafts[i].step.operation == GRAPH_RESTORE &&
			span_is(id, obstacles->drafts[i].step.id))
			return true;
	return false;
}

static void meet_deleted(struct obstacles *obstacles, struct span id)
{
	size_t at = wants_find(&obstacles->targets, id);

	if (!wants_at(&obstacles->targets, at, id) || is_restored(obstacles, id))
		return;
	for (; wants_at(&obstacles->targets, at, id); at++)
		obstruct(&obstacles->drafts[obstacles->targets.items[at].draft], deleted_cause);
}

static void meet(void *context, const struct plan_sight *sight)
{
	struct obstacles *obstacles = context;

	switch (sight->kind) {
	case SIGHT_NAME:
	case SIGHT_ADDRESS:
		meet_holder(obstacles, sight->id, sight->text, sight->kind);
		break;
	case SIGHT_REFUSED:
		meet_refused(obstacles, sight->text);
		break;
	case SIGHT_DELETED:
		meet_deleted(obstacles, sight->id);
		break;
	}
}

static void fill(struct filter *filter, const struct wants *wants)
{
	filter_init(filter, wants->count);
	for (size_t i = 0; i < wants->count; i++)
		filter_add(filter, wants->items[i].key);
}

static void wanted_release(struct plan_wanted *wanted)
{
	filter_release(&wanted->addresses);
	filter_release(&wanted->targets);
}

bool drafts_meet_obstacles(const struct plan_input *input, struct draft *drafts, size_t count,
	struct parkings *parkings, struct error *err)
{
	CLEANUP(wanted_release) struct plan_wanted wanted = { .parkings = parkings };
	CLEANUP(obstacles_release)
	struct obstacles obstacles = { .drafts = drafts, .count = count };

	collect(&obstacles);
	find_wanted_twice(&obstacles);
	if (!obstacles.takes && !obstacles.targets.count)
		return true;
	wanted.has_addresses = obstacles.takes;
	fill(&wanted.addresses, &obstacles.addresses);
	fill(&wanted.targets, &obstacles.targets);
	if (!plan_look_through(input, &wanted, meet, &obstacles, err))
		return false;
	meet_hidden(&obstacles);
	return true;
}
