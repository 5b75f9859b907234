/*
 * The whole value of a set as a step will leave it: as it stands now, with the elements that the
 * findings are about put back, so that what others added since stays [T2].
 */
#include "base/scan.h"
#include "rollback/plan_internal.h"

bool plan_another_live(const struct attribute *attribute, struct error *err)
{
	return error_set(err, ERROR_FORMAT,
		"%s: the live snapshot is not the one that the findings "
		"were made from",
		attribute->name);
}

/* The finding about this element; the group is sorted by element. */
static size_t find_element(struct finding_group group, struct span key)
{
	size_t low = 0, high = group.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_compare(group.items[middle]->element, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < group.count && span_equal(group.items[low]->element, key) ? low : group.count;
}

static void add_element(struct buf *set, struct span element)
{
	if (!element.data)
		return;
	buf_add_byte(set, set->length ? ',' : '[');
	buf_add_span(set, element);
}

static bool is_primary(const struct attribute *attribute, struct span element)
{
	static const char opening[] = "\"SMTP:";

	return attribute->compare == COMPARE_ADDRESSES && element.data &&
		element.length >= sizeof(opening) - 1 &&
		memcmp(element.data, opening, sizeof(opening) - 1) == 0;
}

/* A finding of who is primary names the one that should be; whoever is now must step back. */
static bool brings_primary(struct finding_group group, const struct attribute *attribute)
{
	for (size_t i = 0; i < group.count; i++) {
		if (is_primary(attribute, group.items[i]->before.value))
			return true;
	}
	return false;
}

static void add_as_secondary(struct buf *set, struct span element)
{
	size_t scheme = set->length + 2; /* behind the comma or bracket, and the quote */

	add_element(set, element);
	if (!set->overflowed)
		memcpy(set->data + scheme, "smtp", 4);
}

/*
 * What a finding says of live is what stands there. One of who is primary names the address that
 * should be, which is there, while its live is the address that is primary: none, perhaps.
 */
static bool is_as_found(
	const struct finding *finding, const struct attribute *attribute, bool there)
{
	return there == (finding->live.value.data != NULL) ||
		(there && is_primary(attribute, finding->before.value));
}

bool plan_merge_set(struct buf *merged, struct finding_group group,
	const struct attribute *attribute, struct span live, struct error *err)
{
	CLEANUP(memory_freep) bool *met = memory_array(group.count, sizeof(*met));
	CLEANUP(buf_release) struct buf set = BUF_UP_TO(DIRECTORY_LINE_MAX);
	bool one_steps_back = brings_primary(group, attribute);
	struct scan scan = scan_open(live);
	struct span element;

	while (live.data && scan_element(&scan, &element)) {
		CLEANUP(buf_release) struct buf key = BUF_UP_TO(DIRECTORY_LINE_MAX);
		size_t at;

		element_add_key(&key, attribute, element);
		at = find_element(group, buf_span(&key));
		if (at < group.count)
			met[at] = true;
		if (at == group.count && one_steps_back && is_primary(attribute, element))
			add_as_secondary(&set, element);
		else
			add_element(
				&set, at < group.count ? group.items[at]->before.value : element);
	}
	for (size_t i = 0; i < group.count; i++) {
		if (!is_as_found(group.items[i], attribute, met[i]))
			return plan_another_live(attribute, err);
		if (!met[i])
			add_element(&set, group.items[i]->before.value);
	}
	if (set.length)
		buf_add_byte(&set, ']');
	return buf_check(&set, attribute->name, err) &&
		(!set.length || value_add_canonical(merged, attribute, buf_span(&set), err));
}
