/* Where in a document a reader is: "run-history/run-details/ma-id". */
#pragma once

#include <string.h>

#include "base/buf.h"
#include "imports/xml.h"

enum { XML_PATH_MAX = XML_DEPTH_MAX * (XML_NAME_MAX + 1) }; /* whole, however deep */

static inline void xml_path_down(struct buf *path, const char *name)
{
	if (path->length)
		buf_add_byte(path, '/');
	buf_add_text(path, name);
}

static inline void xml_path_up(struct buf *path, const char *name)
{
	size_t last = strlen(name);

	buf_cut(path, path->length > last ? path->length - last - 1 : 0);
}

/* What stands in `path` behind `start`, or NULL. */
static inline const char *xml_path_behind(const char *path, const char *start)
{
	size_t length = strlen(start);

	return strncmp(path, start, length) == 0 ? path + length : NULL;
}
