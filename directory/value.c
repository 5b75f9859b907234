/*
 * Canonical values: keys in byte order, no blanks, the fewest escapes, sets sorted and without
 * doubles, nothing where there is nothing.
 *
 * The pen writes into room reserved beforehand. That room is as long as the source, because each
 * step can only shorten: an escape becomes the byte it stands for or a shorter escape, bytes that
 * stood unescaped need none, blanks and doubles go.
 */
#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "directory/directory_internal.h"

enum { SMALL = 24 }; /* members or elements that need no memory from the heap */

struct member {
	struct span key, value;
};

/* ---- sorting ------------------------------------------------------------------------ */

/* span_compare(); of most texts the first bytes decide, which is no call of memcmp() then. */
static inline int compare(struct span a, struct span b)
{
	uint64_t a_word, b_word;

	if (a.length >= sizeof(a_word) && b.length >= sizeof(b_word)) {
		memcpy(&a_word, a.data, sizeof(a_word));
		memcpy(&b_word, b.data, sizeof(b_word));
		if (a_word != b_word)
			return be64toh(a_word) < be64toh(b_word) ? -1 : 1;
	}
	return span_compare(a, b);
}

static int compare_spans(const void *a, const void *b)
{
	return compare(*(const struct span *)a, *(const struct span *)b);
}

static int compare_members(const void *a, const void *b)
{
	return scan_compare(((const struct member *)a)->key, ((const struct member *)b)->key);
}

/* For the few addresses of one object: a call of qsort() costs more than all of this. */
static void sort_few(struct span *spans, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct span span = spans[i];
		size_t at = i;

		for (; at && compare(spans[at - 1], span) > 0; at--)
			spans[at] = spans[at - 1];
		spans[at] = span;
	}
}

size_t spans_sort(struct span *spans, size_t count)
{
	size_t kept = 0;
	bool sorted = true;

	for (size_t i = 1; i < count && sorted; i++)
		sorted = compare(spans[i - 1], spans[i]) < 0;
	if (sorted)
		return count;
	if (count <= SMALL)
		sort_few(spans, count);
	else
		qsort(spans, count, sizeof(*spans), compare_spans);
	for (size_t i = 0; i < count; i++)
		if (!kept || !span_equal(spans[kept - 1], spans[i]))
			spans[kept++] = spans[i];
	return kept;
}

/* ---- values of any form ------------------------------------------------------------- */

static void pen_add_rewritten(struct pen *pen, struct span string)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(string.length);
	CLEANUP(buf_release) struct buf quoted = BUF_UP_TO(string.length + 2);

	scan_text(string, &text);
	scan_quote(buf_span(&text), &quoted);
	pen_add(pen, buf_text(&quoted), quoted.length);
}

static void pen_add_string(struct pen *pen, struct span string)
{
	if (scan_is_canonical_string(string))
		pen_add(pen, string.data, string.length);
	else
		pen_add_rewritten(pen, string);
}

static void pen_add_key(struct pen *pen, struct span key)
{
	/* The quotes around a key are not in its span, but they are in the text around it. */
	pen_add_string(pen, (struct span){ key.data - 1, key.length + 2 });
	pen_add_byte(pen, ':');
}

static size_t count_members(struct span object)
{
	struct scan scan = scan_open(object);
	struct span key, value;
	size_t count = 0;

	while (scan_member(&scan, &key, &value))
		count++;
	return count;
}

static bool pen_add_any(struct pen *pen, struct span value);

/* @odata.type and its like tell how the value was sent, not what it is. */
static bool is_annotation(struct span key)
{
	CLEANUP(buf_release) struct buf said = BUF_UP_TO(key.length);

	if (memchr(key.data, '\\', key.length)) {
		scan_text(key, &said);
		key = buf_span(&said);
	}
	return memmem(key.data, key.length, "@odata.", strlen("@odata.")) != NULL;
}

static size_t members_of(struct span object, struct member *members)
{
	struct scan scan = scan_open(object);
	struct member member;
	size_t count = 0;

	while (scan_member(&scan, &member.key, &member.value))
		if (!is_annotation(member.key))
			members[count++] = member;
	qsort(members, count, sizeof(*members), compare_members);
	return count;
}

static bool pen_add_object(struct pen *pen, struct span object)
{
	UNINITIALIZED struct member near[SMALL];
	struct member *members = near;
	CLEANUP(memory_freep) struct member *far = NULL;
	size_t count = count_members(object);
	char *start = pen->at, *before;
	bool first = true;

	if (count > SMALL) {
		far = memory_array(count, sizeof(*far));
		members = far;
	}
	count = members_of(object, members);
	for (size_t i = 0; i < count; i++) {
		before = pen->at;
		pen_add_byte(pen, first ? '{' : ',');
		pen_add_key(pen, members[i].key);
		if (pen_add_any(pen, members[i].value))
			first = false;
		else
			pen->at = before;
	}
	if (!first)
		pen_add_byte(pen, '}');
	return pen->at != start;
}

static bool pen_add_array(struct pen *pen, struct span array)
{
	struct scan scan = scan_open(array);
	char *start = pen->at, *before;
	struct span element;
	bool first = true;

	while (scan_element(&scan, &element)) {
		before = pen->at;
		pen_add_byte(pen, first ? '[' : ',');
		if (pen_add_any(pen, element))
			first = false;
		else
			pen->at = before;
	}
	if (!first)
		pen_add_byte(pen, ']');
	return pen->at != start;
}

/* True when something was written. The depth of the value bounds the recursion: SCAN_DEPTH_MAX. */
static bool pen_add_any(struct pen *pen, struct span value)
{
	switch (scan_type(value)) {
	case SCAN_NOTHING:
	case SCAN_NULL:
		return false;
	case SCAN_OBJECT:
		return pen_add_object(pen, value);
	case SCAN_ARRAY:
		return pen_add_array(pen, value);
	case SCAN_STRING:
		pen_add_string(pen, value);
		return true;
	default:
		pen_add(pen, value.data, value.length);
		return true;
	}
}

/* ---- values of an attribute ---------------------------------------------------------- */

static const char *type_word(enum scan_type type)
{
	static const char *const words[] = {
		[SCAN_NOTHING] = "nothing",
		[SCAN_OBJECT] = "an object",
		[SCAN_ARRAY] = "an array",
		[SCAN_STRING] = "a text",
		[SCAN_NUMBER] = "a number",
		[SCAN_TRUE] = "true",
		[SCAN_FALSE] = "false",
		[SCAN_NULL] = "null",
	};

	return words[type];
}

static bool wrong_type(
	const struct attribute *attribute, struct span value, const char *wanted, struct error *err)
{
	return error_set(err, ERROR_FORMAT, "%s: %s where %s belongs", attribute->name,
		type_word(scan_type(value)), wanted);
}

static bool is_guid_string(struct span value)
{
	struct span text = scan_type(value) == SCAN_STRING ? scan_text_direct(value) : SPAN_NONE;

	return text.data && text_is_guid(text);
}

/* Whether one value, or one element, which is not null, is what the attribute holds. */
static bool check_one(const struct attribute *attribute, struct span value, struct error *err)
{
	enum scan_type type = scan_type(value);

	switch (attribute->type) {
	case TYPE_TEXT:
	case TYPE_INSTANT:
		return type == SCAN_STRING || wrong_type(attribute, value, "a text", err);
	case TYPE_BOOLEAN:
		return type == SCAN_TRUE || type == SCAN_FALSE ||
			wrong_type(attribute, value, "true or false", err);
	case TYPE_COMPLEX:
		return type == SCAN_OBJECT || wrong_type(attribute, value, "an object", err);
	case TYPE_REFERENCE:
		return is_guid_string(value) ||
			error_set(err, ERROR_FORMAT, "%s: %s that is no object id", attribute->name,
				type_word(type));
	case TYPE_EXTENSION:
		return type == SCAN_STRING || type == SCAN_NUMBER || type == SCAN_TRUE ||
			type == SCAN_FALSE || wrong_type(attribute, value, "one value", err);
	}
	return false;
}

/* Whether a directory extension has several values is not known from its name. */
static bool holds_one(const struct attribute *attribute, struct span value)
{
	if (attribute_is_extension(attribute))
		return scan_type(value) != SCAN_ARRAY;
	return attribute->shape == SHAPE_ONE;
}

static bool is_unordered(const struct attribute *attribute)
{
	return attribute->shape == SHAPE_SET || attribute_is_extension(attribute);
}

bool value_check(const struct attribute *attribute, struct span value, struct error *err)
{
	struct scan scan;
	struct span element;

	if (!value.data)
		return true;
	if (holds_one(attribute, value))
		return check_one(attribute, value, err);
	if (scan_type(value) != SCAN_ARRAY)
		return wrong_type(attribute, value, "an array", err);
	for (scan = scan_open(value); scan_element(&scan, &element);)
		if (!check_one(attribute, element, err))
			return false;
	return true;
}

static void pen_add_lower(struct pen *pen, struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		pen_add_byte(pen, text_lower(text.data[i]));
}

/* One value, or one element; null writes nothing. */
static bool pen_add_one(
	struct pen *pen, const struct attribute *attribute, struct span value, struct error *err)
{
	enum scan_type type = scan_type(value);

	/* $expand brings an object with the id in it. */
	if (attribute->type == TYPE_REFERENCE && type == SCAN_OBJECT)
		value = scan_find(value, "id");
	if (type == SCAN_NULL || type == SCAN_NOTHING)
		return true;
	if (!check_one(attribute, value, err))
		return false;
	if (attribute->type == TYPE_REFERENCE)
		pen_add_lower(pen, value);
	else
		pen_add_any(pen, value);
	return true;
}

/*
 * Where elements in canonical form are before they are sorted: in their source where they stand
 * so already, else in `scratch`.
 */
struct elements {
	struct span near[SMALL], *at, *far;
	size_t count, capacity;
	char *scratch;
	struct pen pen; /* in scratch */
	bool texts;     /* texts, none with an escape: all stand so already */
};

static void elements_release(struct elements *elements)
{
	memory_free(elements->far);
	memory_free(elements->scratch);
}

static void elements_init(
	struct elements *elements, const struct attribute *attribute, struct span array)
{
	elements->at = elements->near;
	elements->far = NULL;
	elements->count = 0;
	elements->capacity = SMALL;
	elements->scratch = NULL;
	elements->pen = (struct pen){ 0 };
	elements->texts = attribute->type == TYPE_TEXT && !memchr(array.data, '\\', array.length);
	if (elements->texts)
		return;
	elements->scratch = memory_new(array.length);
	elements->pen = (struct pen){ elements->scratch, elements->scratch + array.length };
}

static void elements_push(struct elements *elements, struct span element)
{
	if (!element.length)
		return;
	if (elements->count == elements->capacity) {
		elements->capacity *= 4;
		elements->far = memory_resize(
			elements->far, elements->capacity, sizeof(*elements->far));
		if (elements->at == elements->near)
			memcpy(elements->far, elements->near, sizeof(elements->near));
		elements->at = elements->far;
	}
	elements->at[elements->count++] = element;
}

static bool elements_add(struct elements *elements, const struct attribute *attribute,
	struct span element, struct error *err)
{
	const char *start = elements->pen.at;

	if (elements->texts && scan_type(element) == SCAN_STRING) {
		elements_push(elements, element);
		return true;
	}
	/* A text's list may hold nulls, or what does not belong: neither is written. */
	if (elements->texts)
		return scan_type(element) == SCAN_NULL || check_one(attribute, element, err);
	if (!pen_add_one(&elements->pen, attribute, element, err))
		return false;
	elements_push(elements, (struct span){ start, (size_t)(elements->pen.at - start) });
	return true;
}

static void pen_add_elements(struct pen *pen, const struct span *elements, size_t count)
{
	if (!count)
		return;
	for (size_t i = 0; i < count; i++) {
		pen_add_byte(pen, i ? ',' : '[');
		pen_add(pen, elements[i].data, elements[i].length);
	}
	pen_add_byte(pen, ']');
}

static bool pen_add_several(
	struct pen *pen, const struct attribute *attribute, struct span array, struct error *err)
{
	CLEANUP(elements_release) UNINITIALIZED struct elements elements;
	struct scan scan = scan_open(array);
	struct span element;

	elements_init(&elements, attribute, array);
	while (scan_element(&scan, &element))
		if (!elements_add(&elements, attribute, element, err))
			return false;
	if (is_unordered(attribute))
		elements.count = spans_sort(elements.at, elements.count);
	pen_add_elements(pen, elements.at, elements.count);
	return true;
}

/* ---- sets of few texts --------------------------------------------------------------- */

bool texts_read(struct texts *texts, struct span array)
{
	texts->count = scan_texts(array, texts->at, TEXTS_MAX);
	texts->canonical = true;
	for (size_t i = 1; i < texts->count && texts->canonical; i++)
		texts->canonical = compare(texts->at[i - 1], texts->at[i]) < 0;
	if (!texts->canonical)
		texts->count = spans_sort(texts->at, texts->count);
	return texts->count;
}

void pen_add_texts(struct pen *pen, const struct texts *texts, const char *end)
{
	for (size_t i = 0; i < texts->count; i++) {
		pen_add_byte(pen, i ? ',' : '[');
		pen_add_near(pen, texts->at[i].data, texts->at[i].length, end);
	}
	pen_add_byte(pen, ']');
}

/* ---- any attribute ------------------------------------------------------------------- */

bool pen_add_value(
	struct pen *pen, const struct attribute *attribute, struct span value, struct error *err)
{
	enum scan_type type;

	type = scan_type(value);
	if (type == SCAN_NULL || type == SCAN_NOTHING)
		return true;
	if (!attribute) {
		pen_add_any(pen, value);
		return true;
	}
	if (holds_one(attribute, value))
		return pen_add_one(pen, attribute, value, err);
	if (type != SCAN_ARRAY)
		return wrong_type(attribute, value, "an array", err);
	return pen_add_several(pen, attribute, value, err);
}

bool value_add_canonical(
	struct buf *out, const struct attribute *attribute, struct span value, struct error *err)
{
	CLEANUP(memory_freep) char *room = NULL;
	struct span trimmed = scan_trim(value);
	struct pen pen;

	if (!value.data)
		return true;
	if (!scan_check(value, err))
		return false;
	room = memory_new(trimmed.length);
	pen = (struct pen){ room, room + trimmed.length };
	if (!pen_add_value(&pen, attribute, trimmed, err))
		return false;
	buf_add(out, room, (size_t)(pen.at - room));
	return true;
}
