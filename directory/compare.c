/*
 * Comparison: when are two values the same for Entra? Equal bytes are always the same; the rest is
 * decided by the attribute's row. Sets are the same when their elements' marks are: the mark is
 * the key, and for addresses also whether the element is the primary one.
 */
#include <string.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "directory/directory_internal.h"

/* A canonical value is never null or empty, but a value made by hand might be. */
static struct span empty_is_nothing(struct span value)
{
	static const char *const empty[] = { "", "null", "[]", "{}" };

	for (size_t i = 0; i < COUNT_OF(empty); i++)
		if (span_is(value, empty[i]))
			return SPAN_NONE;
	return value;
}

/* ---- single values ------------------------------------------------------------------- */

static bool equal_caseless(struct span a, struct span b)
{
	CLEANUP(buf_release) struct buf text_a = BUF_UP_TO(a.length), text_b = BUF_UP_TO(b.length);

	scan_text(a, &text_a);
	scan_text(b, &text_b);
	return text_compare_caseless(buf_span(&text_a), buf_span(&text_b)) == 0;
}

/* Texts that are no instants are compared as texts, and those differ here. */
static bool equal_instants(struct span a, struct span b)
{
	struct span text_a = scan_text_direct(a), text_b = scan_text_direct(b);
	int64_t ticks_a, ticks_b;

	return text_a.data && text_b.data && time_parse_ticks(text_a, &ticks_a) &&
		time_parse_ticks(text_b, &ticks_b) && ticks_a == ticks_b;
}

/* Both are there, and their bytes differ. */
static bool equal_single(const struct attribute *attribute, struct span a, struct span b)
{
	switch (attribute->compare) {
	case COMPARE_CASELESS:
	case COMPARE_REFERENCE:
		return equal_caseless(a, b);
	case COMPARE_INSTANT:
		return equal_instants(a, b);
	default:
		return false;
	}
}

/* ---- elements of sets ----------------------------------------------------------------- */

/*
 * SMTP and SIP addresses mean the same in any case; of the other schemes (X500, EUM, …) only the
 * scheme does.
 */
static void add_address_key(struct buf *out, struct span text)
{
	struct address address = address_parse(text);

	if (address.scheme.data) {
		text_add_folded(out, address.scheme);
		buf_add_byte(out, ':');
	}
	if (address.smtp || text_compare_caseless(address.scheme, SPAN_LITERAL("sip")) == 0)
		text_add_folded(out, address.value);
	else
		buf_add_span(out, address.value);
}

void element_add_key(struct buf *out, const struct attribute *attribute, struct span element)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(element.length);
	bool folded = attribute->compare == COMPARE_CASELESS ||
		attribute->compare == COMPARE_REFERENCE;

	if (!folded && attribute->compare != COMPARE_ADDRESSES) {
		buf_add_span(out, element);
		return;
	}
	scan_text(element, &text);
	if (folded)
		text_add_folded(out, buf_span(&text));
	else
		add_address_key(out, buf_span(&text));
}

struct span set_find(const struct attribute *attribute, struct span set, struct span key)
{
	CLEANUP(buf_release) struct buf found = BUF_UP_TO(set.length * 2);
	struct scan scan = scan_open(set);
	struct span element;

	while (scan_element(&scan, &element)) {
		buf_cut(&found, 0);
		element_add_key(&found, attribute, element);
		if (span_equal(buf_span(&found), key))
			return element;
	}
	return SPAN_NONE;
}

/* ---- sets ------------------------------------------------------------------------------ */

struct marks {
	struct buf text;
	struct span *at;
	size_t count;
};

static void marks_release(struct marks *marks)
{
	buf_release(&marks->text);
	memory_free(marks->at);
}

static void add_mark(struct buf *out, const struct attribute *attribute, struct span element)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(element.length);
	bool primary = false;

	if (attribute->compare == COMPARE_ADDRESSES) {
		scan_text(element, &text);
		primary = address_parse(buf_span(&text)).primary;
	}
	buf_add_byte(out, primary ? 'P' : '-');
	element_add_key(out, attribute, element);
}

static size_t count_elements(struct span set)
{
	struct scan scan = scan_open(set);
	struct span element;
	size_t count = 0;

	while (scan_element(&scan, &element))
		count++;
	return count;
}

static void marks_read(struct marks *marks, const struct attribute *attribute, struct span set)
{
	size_t count = count_elements(set), begin, *ends;
	CLEANUP(memory_freep) size_t *owned = memory_array(count, sizeof(*owned));
	struct scan scan = scan_open(set);
	struct span element;

	ends = owned;
	/* A mark is at most one byte longer than its element; folding never lengthens UTF-8 here.
	 */
	marks->text = (struct buf)BUF_UP_TO(set.length * 2 + count);
	for (size_t i = 0; scan_element(&scan, &element); i++) {
		add_mark(&marks->text, attribute, element);
		ends[i] = marks->text.length;
	}
	marks->at = memory_array(count, sizeof(*marks->at));
	begin = 0;
	for (size_t i = 0; i < count; begin = ends[i++])
		marks->at[i] = (struct span){ buf_text(&marks->text) + begin, ends[i] - begin };
	marks->count = spans_sort(marks->at, count);
}

static bool equal_sets(const struct attribute *attribute, struct span a, struct span b)
{
	CLEANUP(marks_release) struct marks marks_a = { 0 }, marks_b = { 0 };

	marks_read(&marks_a, attribute, a);
	marks_read(&marks_b, attribute, b);
	if (marks_a.count != marks_b.count)
		return false;
	for (size_t i = 0; i < marks_a.count; i++)
		if (!span_equal(marks_a.at[i], marks_b.at[i]))
			return false;
	return true;
}

/* The elements of an array, or the one value that stands alone. */
struct values {
	struct scan scan;
	struct span alone;
};

static struct values values_open(struct span value)
{
	bool array = scan_type(value) == SCAN_ARRAY;

	return (struct values){ scan_open(array ? value : SPAN_NONE), array ? SPAN_NONE : value };
}

static bool values_next(struct values *values, struct span *value)
{
	*value = values->alone;
	values->alone = SPAN_NONE;
	return value->data || scan_element(&values->scan, value);
}

static bool has_value(struct span all, struct span wanted)
{
	struct values values = values_open(all);
	struct span value;

	while (values_next(&values, &value))
		if (scan_compare(value, wanted) == 0)
			return true;
	return false;
}

static bool has_all_values(struct span all, struct span wanted)
{
	struct values values = values_open(wanted);
	struct span value;

	while (values_next(&values, &value))
		if (!has_value(all, value))
			return false;
	return true;
}

/*
 * The same whether it is written as a text or as a number, alone or as the only one of a set: a
 * LargeInteger is a text for Graph and a number in a connector space, which does not tell the
 * type of an extension.
 */
static bool equal_extensions(struct span a, struct span b)
{
	return has_all_values(a, b) && has_all_values(b, a);
}

bool attribute_equal(const struct attribute *attribute, struct span a, struct span b)
{
	a = empty_is_nothing(a);
	b = empty_is_nothing(b);
	if (attribute->compare == COMPARE_VOLATILE || span_equal(a, b))
		return true;
	if (!a.data || !b.data)
		return false;
	if (attribute_is_extension(attribute))
		return equal_extensions(a, b);
	if (attribute->shape == SHAPE_SET)
		return equal_sets(attribute, a, b);
	return attribute->shape == SHAPE_ONE && equal_single(attribute, a, b);
}
