/*
 * Part lines: members and owners of a group, split by the first digits of their ids. A list that
 * is too long for one part is split into sixteen by its next digit, and each of these again, so
 * that one more member changes one part, and a part that splits leaves the others as they are.
 */
#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "directory/directory_internal.h"

struct parts {
	struct buf *out;
	struct span group_id;
	const char *relation;
};

static void add_part(
	const struct parts *parts, const struct span *ids, size_t count, size_t prefix_length)
{
	struct buf *out = parts->out;

	buf_addf(out, "{\"id\":\"%.*s\",\"kind\":\"group\",\"%s\":", SPAN_FORMAT(parts->group_id),
		parts->relation);
	for (size_t i = 0; i < count; i++) {
		buf_add_text(out, i ? ",\"" : "[\"");
		buf_add_span(out, ids[i]);
		buf_add_byte(out, '"');
	}
	buf_addf(
		out, "],\"part\":\"%s:%.*s\"}\n", parts->relation, (int)prefix_length, ids[0].data);
}

/* The ids are sorted, without doubles, and share their first `shared` characters. */
static void add_parts(
	const struct parts *parts, const struct span *ids, size_t count, size_t shared)
{
	size_t begin = 0;

	if (!count)
		return;
	/* Different ids differ somewhere, so that the recursion ends within ID_BYTES steps. */
	if (count <= DIRECTORY_PART_IDS) {
		add_part(parts, ids, count, shared);
		return;
	}
	assert(shared < ID_BYTES);
	for (size_t i = 1; i <= count; i++) {
		if (i < count && ids[i].data[shared] == ids[begin].data[shared])
			continue;
		add_parts(parts, ids + begin, i - begin, shared + 1);
		begin = i;
	}
}

static bool lower_id(struct span id, char *lower, const char *what, struct error *err)
{
	if (!text_is_guid(id))
		return error_set(err, ERROR_FORMAT, "%s: not an object id", what);
	for (size_t i = 0; i < ID_BYTES; i++)
		lower[i] = text_lower(id.data[i]);
	return true;
}

bool line_add_parts(struct buf *out, struct span group_id, const char *relation, struct span *ids,
	size_t count, struct error *err)
{
	const struct attribute *row = attribute_find(kind_get(KIND_GROUP), span_of(relation));
	CLEANUP(memory_freep) struct span *sorted = memory_array(count, sizeof(*sorted));
	CLEANUP(memory_freep) char *lower = memory_array(count, ID_BYTES);
	char group[ID_BYTES];
	struct parts parts = { out, { group, ID_BYTES }, relation };

	assert(row && row->source == SOURCE_RELATION);
	if (!lower_id(group_id, group, "group", err))
		return false;
	for (size_t i = 0; i < count; i++) {
		sorted[i] = (struct span){ lower + i * ID_BYTES, ID_BYTES };
		if (!lower_id(ids[i], lower + i * ID_BYTES, relation, err))
			return error_prefix(err, "group %.*s", ID_BYTES, group);
	}
	add_parts(&parts, sorted, spans_sort(sorted, count), 0);
	return buf_check(out, "the text that part lines are added to", err);
}
