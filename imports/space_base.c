/*
 * What a base snapshot from the production server's connector space is made with.
 *
 * Nothing and unknown look the same in a connector space: the attribute is absent. It is nothing where
 * the server flows the attribute and the directory does not fill it by itself. Which attributes are
 * flowed is said by the server's rules, or shown by the first objects of the file.
 */
#include "imports/space_base.h"

#include "base/memory.h"

enum { LEARN_OBJECTS = 20000 }; /* the first of the file, which tell what is flowed */

/* Absent in a connector space they are still something: given by the directory, or by its people. */
static const char *const never_nothing[] = { "accountEnabled", "displayName", "mail",
	"mailNickname", "mobilePhone", "onPremisesImmutableId", "proxyAddresses", "securityEnabled",
	"usageLocation", "userPrincipalName" };

static const char *const behavior[] = { "isCloudManaged", NULL };

/* ---- opening ------------------------------------------------------------------------ */

/* All but what only matters once an object is no longer synced. */
static void select_all(struct base_kind *base)
{
	size_t count = 0;

	for (size_t i = 0; i < base->kind->attribute_count; i++) {
		const struct attribute *row = &base->kind->attributes[i];

		if (row->source != SOURCE_BEHAVIOR && !row->outer_length)
			base->selected[count++] = row->name;
	}
	if (base->kind->id == KIND_USER)
		base->selected[count++] = "onPremisesExtensionAttributes";
}

static void kind_init(struct base_kind *base, enum kind_id id)
{
	base->kind = kind_get(id);
	select_all(base);
	for (size_t i = 0; i < COUNT_OF(never_nothing); i++) {
		const struct attribute *row = attribute_find(base->kind, span_of(never_nothing[i]));

		if (row)
			base->filled[base_row_of(base->kind, row)] = true;
	}
	base->sync_enabled = attribute_find(base->kind, SPAN_LITERAL("onPremisesSyncEnabled"));
	base->mail = attribute_find(base->kind, SPAN_LITERAL("mail"));
	base->addresses = attribute_find(base->kind, SPAN_LITERAL("proxyAddresses"));
	base->members = attribute_find(base->kind, SPAN_LITERAL("members"));
	base->reader = line_reader_new(&(struct line_list){
		.kind = base->kind, .selected = base->selected, .unknown = behavior });
}

static void flow_extension(struct base_kind *base, const struct attribute *extension)
{
	for (size_t i = 0; i < base->extension_count; i++)
		if (base->extensions[i] == extension)
			return;
	/* One more than Entra allows stays unknown where it is not shown. */
	if (base->extension_count < OBJECT_EXTENSIONS_MAX)
		base->extensions[base->extension_count++] = extension;
}

static void flow(struct base_kind *base, const struct attribute *row)
{
	if (attribute_is_extension(row)) {
		flow_extension(base, row);
		return;
	}
	base->flowed[base_row_of(base->kind, row)] = true;
}

static void flow_named(struct base_kind *base, const char *const *names)
{
	const struct attribute *row;

	for (; names && *names; names++) {
		row = attribute_find_sync(base->kind, span_of(*names));
		if (row)
			flow(base, row);
	}
}

struct space_base *space_base_new(const struct space_import *import)
{
	struct space_base *base = memory_new(sizeof(*base));

	*base = (struct space_base){
		.json = BUF_UP_TO(DIRECTORY_LINE_MAX),
		.lines = BUF_UP_TO(4 * DIRECTORY_LINE_MAX),
		.text = BUF_UP_TO(SPACE_VALUE_MAX),
		.values = SPACE_SET,
	};
	for (size_t i = 0; i < KIND_COUNT; i++) {
		kind_init(&base->kinds[i], (enum kind_id)i);
		if (import->flows)
			flow_named(&base->kinds[i], import->flows->names[i]);
	}
	return base;
}

void space_base_free(struct space_base *base)
{
	if (!base)
		return;
	for (size_t i = 0; i < KIND_COUNT; i++)
		line_reader_free(base->kinds[i].reader);
	buf_release(&base->json);
	buf_release(&base->lines);
	buf_release(&base->text);
	space_set_release(&base->values);
	memory_free(base);
}

/* ---- learning ----------------------------------------------------------------------- */

static bool learn(void *context, struct space_object *object, UNUSED struct error *err)
{
	struct space_base *base = context;
	const struct space_part *part = &object->parts[SYNCHRONIZED_HOLOGRAM];

	for (uint32_t i = part->first; object->kind && i < part->first + part->count; i++)
		if (object->attributes[i].row)
			flow(&base->kinds[object->kind->id], object->attributes[i].row);
	return ++base->learned < LEARN_OBJECTS;
}

bool space_base_learn(struct space_base *base, int descriptor, const char *name, struct error *err)
{
	return space_read(descriptor, name, false, learn, base, err);
}

bool space_base_follow(
	const struct space_base *base, struct snapshot_writer *writer, struct error *err)
{
	for (int i = 0; i < KIND_COUNT; i++)
		if (!snapshot_writer_set_extensions(writer, (enum kind_id)i,
			    base->kinds[i].extensions, base->kinds[i].extension_count, err))
			return false;
	return true;
}
