/* Paths: templates that a request must match to the letter, and text inside queries [T6, T7]. */
#include "graph/graph_internal.h"

#include "base/text.h"

/* Length of the placeholder at `at`, or 0. */
static size_t placeholder(const char *at)
{
	static const char *const names[] = { "{id}", "{target}" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strncmp(at, names[i], strlen(names[i])) == 0)
			return strlen(names[i]);
	}
	return 0;
}

bool path_matches(const char *pattern, const char *path, bool prefix)
{
	while (*pattern) {
		size_t length = placeholder(pattern);

		if (length) {
			if (strnlen(path, ID_BYTES) < ID_BYTES ||
				!text_is_guid((struct span){ path, ID_BYTES }))
				return false;
			pattern += length;
			path += ID_BYTES;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return !*path || (prefix && (*path == '/' || *path == '?'));
}

void path_add_encoded(struct buf *out, struct span text)
{
	static const char plain[] = "-._~!$'()*,:;@/";
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
			(byte >= '0' && byte <= '9');

		if (letter || (byte && strchr(plain, byte))) {
			buf_add_byte(out, (char)byte);
		} else {
			buf_add_byte(out, '%');
			buf_add_byte(out, digits[byte >> 4]);
			buf_add_byte(out, digits[byte & 15]);
		}
	}
}

void graph_add_filter_text(struct buf *out, struct span text)
{
	buf_add_byte(out, '\'');
	for (size_t i = 0; i < text.length; i++) {
		/* An inner quote is doubled: it must not end the text. */
		if (text.data[i] == '\'')
			buf_add_byte(out, '\'');
		path_add_encoded(out, (struct span){ text.data + i, 1 });
	}
	buf_add_byte(out, '\'');
}

const char *graph_path_of(const struct graph *graph, const char *url)
{
	size_t length = strlen(graph->root);

	return strncmp(url, graph->root, length) == 0 ? url + length : url;
}

struct span path_without_query(const char *path)
{
	return (struct span){ path, strcspn(path, "?") };
}
