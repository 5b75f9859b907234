/*
 * Which directory extensions sync fills in this tenant (contract 3). An extension comes only when it
 * is selected by name, so their names are asked for first. Where they may not be read, or a cloud
 * does not offer them, each object says that its extensions are unknown.
 */
#include "graph/graph_internal.h"

#include "base/scan.h"

/* As "targetObjects" has them; a contact has no extensions (contract 2.5). */
static const char *const targets[KIND_COUNT] = {
	[KIND_USER] = "User",
	[KIND_GROUP] = "Group",
};

void extensions_release(struct extensions *extensions)
{
	memory_free(extensions->followed);
	*extensions = (struct extensions){ 0 };
}

static bool targets_kind(struct span target_objects, enum kind_id kind)
{
	struct scan scan = scan_open(target_objects);
	struct span target;

	while (targets[kind] && scan_element(&scan, &target))
		if (scan_compare(target, span_of(targets[kind])) == 0)
			return true;
	return false;
}

static void follow(struct extensions *extensions, const struct attribute *attribute, unsigned kinds)
{
	for (size_t i = 0; i < extensions->count; i++) {
		if (extensions->followed[i].attribute == attribute) {
			extensions->followed[i].kinds |= kinds;
			return;
		}
	}
	MEMORY_GROW(extensions->followed, extensions->count, extensions->capacity);
	extensions->followed[extensions->count++] = (struct followed){ attribute, kinds };
}

static bool take_property(struct extensions *extensions, struct span property, struct error *err)
{
	struct span name = scan_find(property, "name");
	struct span target_objects = scan_find(property, "targetObjects");
	const struct attribute *attribute;
	unsigned kinds = 0;

	if (scan_type(name) != SCAN_STRING || scan_type(target_objects) != SCAN_ARRAY)
		return error_set(err, ERROR_FORMAT, "an extension without a name or targets");
	name = scan_text_direct(name);
	attribute = attribute_find(kind_get(KIND_USER), name);
	if (!attribute || !attribute_is_extension(attribute))
		return error_set(err, ERROR_FORMAT, "\"%.*s\" is no name of a directory extension",
			SPAN_FORMAT(name));
	for (int kind = 0; kind < KIND_COUNT; kind++)
		kinds |= targets_kind(target_objects, (enum kind_id)kind) << kind;
	if (kinds)
		follow(extensions, attribute, kinds);
	return extensions->count <= OBJECT_EXTENSIONS_MAX ||
		error_set(err, ERROR_FORMAT, "more than %d directory extensions",
			OBJECT_EXTENSIONS_MAX);
}

static bool take_answer(struct extensions *extensions, struct span answer, struct error *err)
{
	struct span value = scan_find(answer, "value"), property;
	struct scan scan = scan_open(value);

	if (scan_type(value) != SCAN_ARRAY)
		return error_set(err, ERROR_FORMAT, "the answer has no \"value\": it is no list");
	if (scan_find(answer, "@odata.nextLink").data)
		return error_set(err, ERROR_FORMAT,
			"they come on more than one page, which is not documented");
	while (scan_element(&scan, &property))
		if (scan_type(property) != SCAN_OBJECT || !take_property(extensions, property, err))
			return err->kind ? false
					 : error_set(err, ERROR_FORMAT, "an item is no object");
	extensions->known = true;
	return true;
}

/* No permission, or a cloud without them: not known, and said so. */
static bool take_refusal(const struct graph *graph, const struct batch_item *item,
	const struct failure *failure, struct error *err)
{
	if (failure->status / 100 != 4 && failure->status != 501)
		return failure_set(failure, item->method, item->path, err);
	(void)failure_set(failure, item->method, item->path, err);
	progress_warn(graph->progress,
		"directory extensions can't be seen, and count as unknown: %s", err->text);
	*err = (struct error){ 0 };
	return true;
}

bool graph_find_extensions(struct graph *graph, struct error *err)
{
	CLEANUP(batch_item_release) struct batch_item item;
	struct failure failure;

	batch_item_init(
		&item, "POST", EXTENSIONS_PATH, SPAN_LITERAL("{\"isSyncedFromOnPremises\":true}"));
	if (graph->extensions.asked)
		return true;
	if (!batch_read(graph, &item, 1, false, err))
		return error_prefix(err, "which directory extensions there are");
	graph->extensions.asked = true;
	if (item.status / 100 == 2)
		return take_answer(&graph->extensions, scan_trim(buf_span(&item.answer)), err) ||
			error_prefix(err, "POST " EXTENSIONS_PATH);
	batch_item_failure(&item, &failure);
	return take_refusal(graph, &item, &failure, err);
}

bool extensions_unknown(const struct graph *graph, const struct kind *kind)
{
	return targets[kind->id] && !graph->extensions.known;
}

size_t graph_extensions(const struct graph *graph, enum kind_id kind,
	const struct attribute *attributes[static OBJECT_EXTENSIONS_MAX])
{
	const struct extensions *extensions = &graph->extensions;
	size_t count = 0;

	for (size_t i = 0; i < extensions->count; i++)
		if (extensions->followed[i].kinds >> kind & 1)
			attributes[count++] = extensions->followed[i].attribute;
	return count;
}

void extensions_add_select(const struct graph *graph, const struct kind *kind, struct buf *out)
{
	const struct attribute *attributes[OBJECT_EXTENSIONS_MAX];
	size_t count = graph_extensions(graph, kind->id, attributes);

	for (size_t i = 0; i < count; i++)
		buf_addf(out, ",%s", attributes[i]->name);
}
