/*
 * Keys that no shape settles. A key is new when its bit in the object's small filter is still free,
 * and is compared with the object's earlier keys only when the bit is taken; an object of more
 * than KEYS_COMPARED_ONE_BY_ONE members, or with escapes in a key, which cannot be compared as
 * bytes, has its keys sorted when it ends: equal ones are neighbours. So the cost stays n log n
 * whatever comes.
 */
#include "base/scan_check.h"

void scan_keys_grow(struct check *check)
{
	check->key_capacity *= 2;
	if (check->keys == check->near) {
		check->keys = memory_array(check->key_capacity, sizeof(*check->keys));
		memcpy(check->keys, check->near, KEYS_NEAR * sizeof(*check->keys));
	} else {
		check->keys = memory_resize(check->keys, check->key_capacity, sizeof(*check->keys));
	}
}

/* ---- one by one ---------------------------------------------------------------------- */

/* Cheap on purpose: a wrong guess costs a few comparisons. Keys differ by length, head or tail. */
static unsigned key_bit(struct span key)
{
	uint64_t head = 0, tail = 0;
	uint32_t half;

	if (key.length >= 8) {
		memcpy(&head, key.data, sizeof(head));
		memcpy(&tail, key.data + key.length - sizeof(tail), sizeof(tail));
	} else if (key.length >= 4) {
		memcpy(&half, key.data, sizeof(half));
		head = half;
		memcpy(&half, key.data + key.length - 4, sizeof(half));
		tail = half;
	} else if (key.length) {
		head = (unsigned char)key.data[0];
		tail = (unsigned char)key.data[key.length - 1];
	}
	head = (head ^ key.length) * UINT64_C(0x9e3779b97f4a7c15);
	tail = (tail ^ head >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return (unsigned)(tail >> 32) % (64 * FILTER_WORDS);
}

/* Takes the bit of a key; false where it was taken before. */
static bool take_bit(struct key_filter *filter, struct span key)
{
	unsigned bit = key_bit(key);
	uint64_t *word = &filter->words[bit / 64], mask = UINT64_C(1) << bit % 64;
	bool free = !(*word & mask);

	*word |= mask;
	return free;
}

static bool is_among(const struct span *keys, size_t count, struct span key)
{
	for (size_t i = 0; i < count; i++)
		if (keys[i].length == key.length && memcmp(keys[i].data, key.data, key.length) == 0)
			return true;
	return false;
}

/*
 * From here on the object's keys are judged here. Those that it has are all different; they are in
 * the shape, and only now taken from it.
 */
static void leave_shape(struct check *check, struct members *members, struct key_filter *filter)
{
	struct shape_node *nodes = members->settled ? check->shape->nodes : NULL;

	*filter = (struct key_filter){ 0 };
	for (unsigned at = nodes ? members->list->first : 0; at; at = nodes[at].next) {
		struct span key = { nodes[at].text + 1, nodes[at].length - strlen("\"\":") };

		if (!(members->seen >> nodes[at].ordinal & 1))
			continue;
		take_bit(filter, key);
		scan_push_key(check, key);
		members->count++;
	}
	members->settled = false;
}

static bool sorts_keys(const struct members *members)
{
	return members->escaped || members->count > KEYS_COMPARED_ONE_BY_ONE;
}

bool scan_add_key(struct check *check, struct members *members, struct span key, bool escaped)
{
	struct key_filter *filter = &check->filters[check->depth - 1];

	if (members->settled || members->count == 0)
		leave_shape(check, members, filter);
	members->escaped |= escaped;
	if (!take_bit(filter, key) && !sorts_keys(members) &&
		is_among(check->keys + members->first_key, members->count, key))
		return false;
	scan_push_key(check, key);
	members->count++;
	return true;
}

/* ---- all at once --------------------------------------------------------------------- */

static int compare_keys(const struct span *a, const struct span *b)
{
	/* By length first: most pairs are decided by it. Escapes make lengths meaningless. */
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return a->length ? memcmp(a->data, b->data, a->length) : 0;
}

static int compare_escaped_keys(const struct span *a, const struct span *b)
{
	return scan_compare(*a, *b);
}

typedef int key_order(const struct span *a, const struct span *b);

static void sink(struct span *keys, size_t at, size_t count, key_order *order)
{
	struct span sinking = keys[at];
	size_t child;

	for (; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && order(&keys[child], &keys[child + 1]) < 0)
			child++;
		if (order(&sinking, &keys[child]) >= 0)
			break;
		keys[at] = keys[child];
	}
	keys[at] = sinking;
}

/* Heap sort: n log n for every input, and in place. */
static void sort_keys(struct span *keys, size_t count, key_order *order)
{
	struct span last;

	for (size_t i = count / 2; i > 0; i--)
		sink(keys, i - 1, count, order);
	for (size_t i = count; i > 1; i--) {
		last = keys[i - 1];
		keys[i - 1] = keys[0];
		keys[0] = last;
		sink(keys, 0, i - 1, order);
	}
}

/* Where a key stands in the text; 0: before all that do, since it was taken from the shape. */
static size_t position(const struct check *check, struct span key)
{
	uintptr_t at = (uintptr_t)key.data, begin = (uintptr_t)check->begin;

	return at >= begin && at <= (uintptr_t)check->end ? at - begin + 1 : 0;
}

/* Of keys that are the same, and stand first among those sorted: the one that is second in the text. */
static const char *second_of(
	const struct check *check, const struct span *keys, size_t count, key_order *order)
{
	const struct span *first = &keys[0], *second = &keys[1];

	for (size_t i = 1; i < count && order(&keys[0], &keys[i]) == 0; i++) {
		if (position(check, keys[i]) < position(check, *first)) {
			second = first;
			first = &keys[i];
		} else if (i == 1 || position(check, keys[i]) < position(check, *second)) {
			second = &keys[i];
		}
	}
	return second->data;
}

const char *scan_repeated_key(struct check *check, const struct members *members)
{
	key_order *order = members->escaped ? compare_escaped_keys : compare_keys;
	struct span *keys = check->keys + members->first_key;

	if (members->settled || !sorts_keys(members))
		return NULL;
	sort_keys(keys, members->count, order);
	for (size_t i = 1; i < members->count; i++)
		if (order(&keys[i - 1], &keys[i]) == 0)
			return second_of(check, &keys[i - 1], members->count - i + 1, order);
	return NULL;
}
