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

/* Outside of strings nothing of checked text but a blank is that small. */
static inline const char *skip_small(const char *at, const char *end)
{
	while (at < end && (unsigned char)*at <= ' ')
		at++;
	return at;
}

/* `at` is behind the opening quote; returns the closing one. */
static inline const char *string_end(const char *at, const char *end)
{
	for (;;) {
		at = scan_run_end(at, end, STOP_AT_QUOTE);
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

/* A value, without the blanks behind it. */
static inline struct span take_value(struct scan *scan)
{
	const char *begin = scan->at, *at = begin, *end = scan->end;

	if (at == end)
		return (struct span){ at, 0 };
	if (*at == '"') {
		at = string_end(at + 1, end);
		at += at < end;
	} else if (*at == '{' || *at == '[') {
		at = skip_nested(at, end);
	} else {
		while (at < end && *at != ',' && (unsigned char)*at > ' ')
			at++;
	}
	scan->at = at;
	return (struct span){ begin, (size_t)(at - begin) };
}

/* Moves to the next member or element; false at the end. */
static inline bool next_item(struct scan *scan)
{
	const char *at = skip_small(scan->at, scan->end);

	if (at < scan->end && *at == ',')
		at = skip_small(at + 1, scan->end);
	scan->at = at;
	return at < scan->end;
}

bool scan_element(struct scan *scan, struct span *value)
{
	if (!next_item(scan))
		return false;
	*value = take_value(scan);
	return true;
}

size_t scan_texts(struct span array, struct span *texts, size_t most)
{
	const char *at = array.data + 1, *end = array.data + array.length, *begin;

	for (size_t count = 0; count < most && at < end && *at == '"'; at++) {
		begin = at;
		at = string_end(at + 1, end) + 1;
		texts[count++] = (struct span){ begin, (size_t)(at - begin) };
		if (*at == ']')
			return count;
		if (*at != ',')
			return 0;
	}
	return 0;
}

bool scan_member(struct scan *scan, struct span *key, struct span *value)
{
	const char *begin, *at, *end = scan->end;

	if (!next_item(scan))
		return false;
	begin = scan->at + 1;
	at = string_end(begin, end);
	*key = (struct span){ begin, (size_t)(at - begin) };

	at = skip_small(at + (at < end), end);
	scan->at = skip_small(at + (at < end), end); /* the colon */
	*value = take_value(scan);
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
				scan_compare(found, wanted) == 0))
			return value;
	return SPAN_NONE;
}
