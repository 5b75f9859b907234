/*
 * The elements of a set by key: two spellings of one address, or of one id, are one element.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "reconcile/sets_internal.h"

enum { ELEMENT_KEYS_MAX = 1 << 30 };

static int compare_elements(const void *left, const void *right)
{
	const struct element *a = left, *b = right;
	int order = span_compare(a->key, b->key);

	/* Facts lie in order of time. */
	return order ? order : (a->fact > b->fact) - (a->fact < b->fact);
}

/* Of two spellings of one address the primary one comes first: capitals do. */
static int compare_spellings(const void *left, const void *right)
{
	const struct element *a = left, *b = right;
	int order = compare_elements(left, right);

	return order ? order : span_compare(a->value, b->value);
}

void elements_add(struct elements *elements, const struct attribute *attribute, struct span value,
	const struct fact *fact)
{
	struct element element = { .key_at = elements->keys.length, .value = value, .fact = fact };

	element_add_key(&elements->keys, attribute, value);
	element.key_length = elements->keys.length - element.key_at;
	MEMORY_GROW(elements->items, elements->count, elements->capacity);
	elements->items[elements->count++] = element;
}

void elements_sort(struct elements *elements)
{
	for (size_t i = 0; i < elements->count; i++) {
		struct element *element = &elements->items[i];

		element->key = (struct span){ buf_text(&elements->keys) + element->key_at,
			element->key_length };
	}
	if (elements->count)
		qsort(elements->items, elements->count, sizeof(*elements->items),
			compare_spellings);
}

/* Sorts, and drops all but one of those with the same key. */
void elements_finish(struct elements *elements)
{
	size_t kept = 0;

	elements_sort(elements);
	for (size_t i = 0; i < elements->count; i++)
		if (!kept || !span_equal(elements->items[kept - 1].key, elements->items[i].key))
			elements->items[kept++] = elements->items[i];
	elements->count = kept;
}

static void elements_add_set(
	struct elements *elements, const struct attribute *attribute, struct span set)
{
	struct scan scan;
	struct span value;

	if (!set.data || scan_type(set) != SCAN_ARRAY)
		return;
	scan = scan_open(set);
	while (scan_element(&scan, &value))
		elements_add(elements, attribute, value, NULL);
}

void elements_begin(struct elements *elements)
{
	*elements = (struct elements){ .keys = BUF_UP_TO(ELEMENT_KEYS_MAX) };
}

void elements_init(struct elements *elements, const struct attribute *attribute, struct span set)
{
	elements_begin(elements);
	elements_add_set(elements, attribute, set);
	elements_finish(elements);
}

void elements_release(struct elements *elements)
{
	buf_release(&elements->keys);
	memory_free(elements->items);
}

struct span elements_find(const struct elements *elements, struct span key)
{
	struct element wanted = { .key = key };
	const struct element *found = elements->count
		? bsearch(&wanted, elements->items, elements->count, sizeof(wanted),
			  compare_elements)
		: NULL;

	return found ? found->value : SPAN_NONE;
}
