/*
 * Duplicates among many keys, or among keys spelled with escapes, which cannot be compared as bytes:
 * sorted, equal ones are neighbours. scan_check.c settles the few and plain keys of ordinary
 * objects as they come.
 */
#include "base/scan_internal.h"

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

const char *scan_repeated_key(struct span *keys, size_t count, bool escaped)
{
	key_order *order = escaped ? compare_escaped_keys : compare_keys;

	sort_keys(keys, count, order);
	for (size_t i = 1; i < count; i++)
		if (order(&keys[i - 1], &keys[i]) == 0)
			return keys[i].data > keys[i - 1].data ? keys[i].data : keys[i - 1].data;
	return NULL;
}
