/*
 * One side of a modified property of an audit record. It is text that holds, in most cases,
 * JSON: an array (also around a single value), a quoted text, true in brackets; sometimes bare
 * text; sometimes nothing (contract 4.3). What can't be told for sure is not known: a value
 * guessed here would be written into a directory later.
 */
#include "base/scan.h"
#include "base/text.h"
#include "reconcile/reconcile_internal.h"

static bool ends_with(struct span text, struct span end)
{
	return text.length >= end.length &&
		memcmp(text.data + text.length - end.length, end.data, end.length) == 0;
}

/*
 * Long values may be cut, and say so by dots at their end. A text that always ended so is taken for
 * a cut one: then a person looks at it.
 */
static bool is_cut(struct span string)
{
	static const char *const ends[] = { "\xe2\x80\xa6\"", "\\u2026\"", "...\"" };

	for (size_t i = 0; i < COUNT_OF(ends); i++)
		if (ends_with(string, span_of(ends[i])))
			return true;
	return false;
}

/* A bare number or word that stands where a text belongs: `12345` for a postal code. */
static bool add_as_text(struct buf *out, struct span value)
{
	switch (scan_type(value)) {
	case SCAN_STRING:
		if (is_cut(value))
			return false;
		buf_add_span(out, value);
		return true;
	case SCAN_NUMBER:
	case SCAN_TRUE:
	case SCAN_FALSE:
		scan_quote(value, out);
		return true;
	default:
		return false;
	}
}

/* `"True"` and `true` are the same to the audit log. */
static bool add_as_boolean(struct buf *out, struct span value)
{
	struct span text = scan_type(value) == SCAN_STRING ? scan_text_direct(value) : value;

	if (!text.data)
		return false;
	if (text_compare_caseless(text, SPAN_LITERAL("true")) == 0)
		buf_add_text(out, "true");
	else if (text_compare_caseless(text, SPAN_LITERAL("false")) == 0)
		buf_add_text(out, "false");
	else
		return false;
	return true;
}

static bool add_as_reference(struct buf *out, struct span value)
{
	struct span id = scan_type(value) == SCAN_STRING ? scan_text_direct(value) : SPAN_NONE;

	if (!id.data || !text_is_guid(id))
		return false;
	buf_add_span(out, value);
	return true;
}

/* One value, trimmed, as JSON of the attribute's type. Null and empty text add nothing. */
static bool add_single(struct buf *out, const struct attribute *attribute, struct span value)
{
	value = scan_trim(value);
	if (scan_type(value) == SCAN_NULL || span_is(value, "\"\""))
		return true;
	switch (attribute->type) {
	case TYPE_TEXT:
	case TYPE_INSTANT:
		return add_as_text(out, value);
	case TYPE_BOOLEAN:
		return add_as_boolean(out, value);
	case TYPE_REFERENCE:
		return add_as_reference(out, value);
	case TYPE_COMPLEX:
	case TYPE_EXTENSION:
		buf_add_span(out, value);
		return true;
	}
	return false;
}

static bool add_only_element(struct buf *out, const struct attribute *attribute, struct span array)
{
	struct scan scan = scan_open(array);
	struct span element, second;

	if (!scan_element(&scan, &element))
		return true;
	if (scan_element(&scan, &second))
		return false;
	return add_single(out, attribute, element);
}

static bool add_elements(struct buf *out, const struct attribute *attribute, struct span value)
{
	struct scan scan;
	struct span element;
	bool alone = scan_type(value) != SCAN_ARRAY;

	buf_add_byte(out, '[');
	if (alone) {
		if (!add_single(out, attribute, value))
			return false;
		buf_add_byte(out, ']');
		return true;
	}
	scan = scan_open(value);
	while (scan_element(&scan, &element)) {
		size_t before = out->length;

		if (before > 1)
			buf_add_byte(out, ',');
		if (!add_single(out, attribute, element))
			return false;
		if (out->length == before + (before > 1))
			buf_cut(out, before);
	}
	buf_add_byte(out, ']');
	return true;
}

static bool has_several(struct span value)
{
	struct scan scan = scan_open(value);
	struct span element;

	return scan_type(value) == SCAN_ARRAY && scan_element(&scan, &element) &&
		scan_element(&scan, &element);
}

static bool add_shaped(struct buf *out, const struct attribute *attribute, struct span value)
{
	if (!attribute || scan_type(value) == SCAN_NULL) {
		buf_add_span(out, value);
		return true;
	}
	/* Whether an extension has several values is seen from how many there are. */
	if (attribute->shape != SHAPE_ONE ||
		(attribute_is_extension(attribute) && has_several(value)))
		return add_elements(out, attribute, value);
	if (scan_type(value) == SCAN_ARRAY)
		return add_only_element(out, attribute, value);
	return add_single(out, attribute, value);
}

/* JSON that breaks off is a value that was cut on its way, and not a bare text. */
static bool looks_cut(struct span text)
{
	struct span trimmed = scan_trim(text);

	return !trimmed.length || strchr("[{\"", trimmed.data[0]) != NULL;
}

bool audit_value_add(struct buf *out, const struct attribute *attribute, const json_t *text)
{
	CLEANUP(buf_release) struct buf bare = BUF_UP_TO(AUDIT_RECORD_MAX * 2);
	CLEANUP(buf_release) struct buf shaped = BUF_UP_TO(AUDIT_RECORD_MAX * 2);
	struct error ignored = { 0 };
	struct span value;

	if (!json_is_string(text) || !json_string_length(text))
		return false;
	value = (struct span){ json_string_value(text), json_string_length(text) };
	if (!scan_check(value, &ignored)) {
		if (looks_cut(value))
			return false;
		scan_quote(value, &bare);
		value = buf_span(&bare);
	}
	if (!add_shaped(&shaped, attribute, scan_trim(value)) ||
		!buf_check(&shaped, "value", &ignored))
		return false;
	return !shaped.length || value_add_canonical(out, attribute, buf_span(&shaped), &ignored);
}
