/* An object being read from csexport's XML: what space_object.c and space_object_ends.c share. */
#pragma once

#include "imports/space_internal.h"

struct reading {
	struct space_object object;
	struct space_names *names;
	bool all;
	space_object_function *each;
	void *context;
	unsigned skip; /* all below this depth is left out; 0: nothing is */
	enum space_part_id part;
	struct space_attribute *attribute; /* open */
	struct space_value value;          /* open */
	struct space_anchor_of anchor;     /* what the object's anchor_text says */
	struct buf bytes;
};

/* Into the object's own text. */
static inline bool reading_keep_text(
	struct space_object *object, struct span text, struct space_text *kept, struct error *err)
{
	*kept = (struct space_text){ (uint32_t)object->text.length, (uint32_t)text.length };
	buf_add_span(&object->text, text);
	return !object->text.overflowed ||
		error_set(err, ERROR_FORMAT, "an object with more than %d bytes of text",
			SPACE_TEXT_MAX);
}

/* ---- space_object_ends.c: what an element was, once all of it is read --------------------- */

MUST_CHECK bool reading_end_name(
	struct reading *reading, const char *name, struct span text, struct error *err);
MUST_CHECK bool reading_end_value(struct reading *reading, struct span text, struct error *err);
MUST_CHECK bool reading_end_attribute(
	struct reading *reading, const char *name, struct span text, struct error *err);
MUST_CHECK bool reading_end_part(
	struct reading *reading, const char *name, struct span text, struct error *err);
/* Hands the object out. */
MUST_CHECK bool reading_end_object(struct reading *reading, struct error *err);
