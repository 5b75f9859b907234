/* What a base's lines are made with: opened by space_base.c, used by space_base_object.c. */
#pragma once

#include "imports/space_internal.h"

enum { BASE_ROWS_MAX = 256 }; /* of one kind */

struct base_kind {
	const struct kind *kind;
	struct line_reader *reader;
	const char *selected[BASE_ROWS_MAX + 1];
	bool flowed[BASE_ROWS_MAX], filled[BASE_ROWS_MAX]; /* by row; `filled`: never nothing */
	const struct space_attribute *values[BASE_ROWS_MAX];
	/* Directory extensions: those that flow, and what the object has of them. */
	const struct attribute *extensions[OBJECT_EXTENSIONS_MAX];
	size_t extension_count;
	const struct space_attribute *extension_values[OBJECT_EXTENSIONS_MAX];
	size_t extension_value_count;
	const struct attribute *sync_enabled, *mail, *addresses, *members;
};

struct space_base {
	struct base_kind kinds[KIND_COUNT];
	uint64_t learned; /* objects */
	struct buf json, lines, text;
	struct space_set values;
};

static inline size_t base_row_of(const struct kind *kind, const struct attribute *row)
{
	return (size_t)(row - kind->attributes);
}
