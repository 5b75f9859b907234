/*
 * A span is a piece of somebody else's text: a pointer and a length, not ended by
 * NUL. `data` NULL means there is nothing (absent), which is not the empty text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *data;
	size_t length;
};

#define SPAN_NONE          ((struct span){ NULL, 0 })
#define SPAN_LITERAL(text) ((struct span){ "" text, sizeof(text) - 1 })
/* For "%.*s". */
#define SPAN_FORMAT(span) (int)(span).length, (span).data ? (span).data : ""

static inline struct span span_of(const char *text)
{
	return (struct span){ text, text ? strlen(text) : 0 };
}

static inline bool span_equal(struct span a, struct span b)
{
	return !a.data == !b.data && a.length == b.length &&
		(!a.data || !b.data || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool span_is(struct span span, const char *text)
{
	return span_equal(span, span_of(text));
}

/* Byte order, as memcmp; the shorter first; absent before everything. */
static inline int span_compare(struct span a, struct span b)
{
	size_t shorter = a.length < b.length ? a.length : b.length;
	int order = a.data && b.data ? memcmp(a.data, b.data, shorter) : 0;

	return order ? order : (a.length > b.length) - (a.length < b.length);
}
