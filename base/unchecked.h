/*
 * Walking JSON that nobody has checked, as lines are walked that are only told apart or compared: it
 * finds what there is in lines that our writer made, and in others something or nothing, inside
 * the text.
 */
#pragma once

#include "base/scan_internal.h"
#include "base/span.h"

/* The quote that ends the string whose content begins at `at`; NULL where none does. */
static inline const char *unchecked_string_end(const char *at, const char *end)
{
	while (at < end) {
		at = scan_run_end(at, end, STOP_AT_QUOTE);
		if (at < end && *at == '"')
			return at;
		if (end - at < 2)
			break;
		at += 2;
	}
	return NULL;
}

/* Behind the array or object that begins at `at`; NULL where it does not end. */
static inline const char *unchecked_nested_end(const char *at, const char *end)
{
	size_t depth = 0;

	for (; at < end; at++) {
		if (*at == '"') {
			at = unchecked_string_end(at + 1, end);
			if (!at)
				return NULL;
		} else if (*at == '[' || *at == '{') {
			depth++;
		} else if ((*at == ']' || *at == '}') && --depth == 0) {
			return at + 1;
		}
	}
	return NULL;
}

/* Behind the value that begins at `at`; NULL where it does not end. */
static inline const char *unchecked_value_end(const char *at, const char *end)
{
	if (at < end && *at == '"') {
		at = unchecked_string_end(at + 1, end);
		return at ? at + 1 : NULL;
	}
	if (at < end && (*at == '[' || *at == '{'))
		return unchecked_nested_end(at, end);
	while (at < end && *at != ',' && *at != '}')
		at++;
	return at < end ? at : NULL;
}

/* The members of an object, one after the other. */
struct unchecked_walk {
	const char *at,
		*end; /* at: the brace or comma before a member, or the brace behind the last */
	struct span key, value; /* key: what stands between the quotes; absent: no member is left */
	const char *next;
};

/* Reads the member that begins at `at`. False: the text is no object as we write them. */
static inline bool unchecked_walk_read(struct unchecked_walk *walk)
{
	const char *at = walk->at + 1, *quote, *behind;

	walk->key = SPAN_NONE;
	if (walk->at == walk->end)
		return false;
	if (*walk->at == '{' && at < walk->end && *at == '}')
		return at + 1 == walk->end;
	if (*walk->at == '}')
		return at == walk->end;
	if ((*walk->at != ',' && *walk->at != '{') || at == walk->end || *at != '"')
		return false;
	quote = unchecked_string_end(at + 1, walk->end);
	if (!quote || walk->end - quote < 2 || quote[1] != ':')
		return false;
	behind = unchecked_value_end(quote + 2, walk->end);
	if (!behind || behind == walk->end)
		return false;
	walk->key = (struct span){ at + 1, (size_t)(quote - at - 1) };
	walk->value = (struct span){ quote + 2, (size_t)(behind - quote - 2) };
	walk->next = behind;
	return true;
}
