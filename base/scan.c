/*
 * Walking checked text: members, elements, values, without a tree. What a walker hands out points
 * into the text. Depth costs nothing here, brackets are only counted.
 */
#include "base/scan.h"

#include "base/scan_internal.h"

enum scan_type scan_type(struct span value)
{
	if (!value.length)
		return SCAN_NOTHING;
	switch (value.data[0]) {
	case '{':
		return SCAN_OBJECT;
	case '[':
		return SCAN_ARRAY;
	case '"':
		return SCAN_STRING;
	case 't':
		return SCAN_TRUE;
	case 'f':
		return SCAN_FALSE;
	case 'n':
		return SCAN_NULL;
	default:
		return SCAN_NUMBER;
	}
}

struct span scan_trim(struct span value)
{
	while (value.length && scan_is_blank(value.data[value.length - 1]))
		value.length--;
	while (value.length && scan_is_blank(value.data[0])) {
		value.data++;
		value.length--;
	}
	return value;
}

struct scan scan_open(struct span object_or_array)
{
	struct span value = scan_trim(object_or_array);

	if (value.length < 2)
		return (struct scan){ 0 };
	return (struct scan){ value.data + 1, value.data + value.length - 1 };
}

/* `at` is behind the opening quote; returns the closing one. */
static const char *string_end(const char *at, const char *end)
{
	for (;;) {
		at = scan_plain_end(at, end);
		if (at == end || *at == '"')
			return at;
		at = end - at > 2 ? at + 2 : end;
	}
}

/* `at` is an opening bracket; returns what follows its closing one. */
static const char *skip_nested(const char *at, const char *end)
{
	size_t depth = 0;

	while (at < end) {
		switch (*at++) {
		case '"':
			at = string_end(at, end);
			at += at < end;
			break;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (!--depth)
				return at;
			break;
		default:
			break;
		}
	}
	return at;
}

static const char *skip_value(const char *at, const char *end)
{
	if (at == end)
		return end;
	if (*at == '"') {
		at = string_end(at + 1, end);
		return at + (at < end);
	}
	if (*at == '{' || *at == '[')
		return skip_nested(at, end);
	while (at < end && *at != ',' && !scan_is_blank(*at))
		at++;
	return at;
}

/* Moves to the next member or element; false at the end. */
static bool next_item(struct scan *scan)
{
	scan->at = scan_skip_blanks(scan->at, scan->end);
	if (scan->at < scan->end && *scan->at == ',')
		scan->at = scan_skip_blanks(scan->at + 1, scan->end);
	return scan->at < scan->end;
}

bool scan_element(struct scan *scan, struct span *value)
{
	const char *begin;

	if (!next_item(scan))
		return false;
	begin = scan->at;
	scan->at = skip_value(begin, scan->end);
	*value = (struct span){ begin, (size_t)(scan->at - begin) };
	return true;
}

bool scan_member(struct scan *scan, struct span *key, struct span *value)
{
	const char *begin, *end;

	if (!next_item(scan))
		return false;
	begin = scan->at + 1;
	end = string_end(begin, scan->end);
	*key = (struct span){ begin, (size_t)(end - begin) };

	scan->at = scan_skip_blanks(end + (end < scan->end), scan->end);
	if (scan->at < scan->end)
		scan->at = scan_skip_blanks(scan->at + 1, scan->end); /* the colon */
	begin = scan->at;
	scan->at = skip_value(begin, scan->end);
	*value = (struct span){ begin, (size_t)(scan->at - begin) };
	return true;
}

struct span scan_find(struct span object, const char *key)
{
	struct span wanted = span_of(key), found, value;
	struct scan scan;

	if (scan_type(scan_trim(object)) != SCAN_OBJECT)
		return SPAN_NONE;
	scan = scan_open(object);
	while (scan_member(&scan, &found, &value))
		if (span_equal(found, wanted) ||
			(memchr(found.data, '\\', found.length) &&
				scan_compare_said(found, wanted) == 0))
			return value;
	return SPAN_NONE;
}
