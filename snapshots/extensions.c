/* Which directory extensions a snapshot's objects were asked for: short sorted lists. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "snapshots/snapshots_internal.h"

static int compare_names(const void *left, const void *right)
{
	const struct attribute *const *a = left, *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

void extensions_sort(struct snapshot_extensions *extensions)
{
	size_t kept = 0;

	if (extensions->count)
		qsort(extensions->at, extensions->count, sizeof(*extensions->at), compare_names);
	for (size_t i = 0; i < extensions->count; i++)
		if (!kept || extensions->at[kept - 1] != extensions->at[i])
			extensions->at[kept++] = extensions->at[i];
	extensions->count = kept;
}

struct snapshot_extensions extensions_of(const struct attribute *const *list, size_t count)
{
	struct snapshot_extensions extensions = { .count = count };

	extensions.at = memory_array(count, sizeof(*extensions.at));
	if (count)
		memcpy(extensions.at, list, count * sizeof(*list));
	extensions_sort(&extensions);
	return extensions;
}

bool extensions_equal(const struct snapshot_extensions *a, const struct snapshot_extensions *b)
{
	return a->count == b->count &&
		(!a->count || memcmp(a->at, b->at, a->count * sizeof(*a->at)) == 0);
}

bool snapshot_asked_for_extension(
	const struct snapshot *snapshot, enum kind_id kind, const struct attribute *extension)
{
	const struct snapshot_extensions *extensions = &snapshot->header.extensions[kind];

	for (size_t i = 0; i < extensions->count; i++)
		if (extensions->at[i] == extension)
			return true;
	return false;
}

bool snapshot_asked_for_extensions(const struct snapshot *snapshot, enum kind_id kind,
	const struct attribute *const *list, size_t count)
{
	struct snapshot_extensions extensions = extensions_of(list, count);
	bool equal = extensions_equal(&extensions, &snapshot->header.extensions[kind]);

	memory_free(extensions.at);
	return equal;
}
