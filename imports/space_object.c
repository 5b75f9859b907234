/*
 * A csexport file, one cs-object at a time:
 *
 *	1 cs-objects
 *	2   cs-object[@cs-dn @object-type]
 *	3     unconfirmed-export …          synchronized-hologram …        anchor, ma-id, … (state)
 *	4       delta[@operation]             entry
 *	5         anchor, attr[@name @type @operation], dn-attr
 *	6           value[@operation @encoding], dn-value
 *	7             dn, anchor
 *
 * The depth decides what an element can be. What is not known is left out with all that is in it: other
 * builds of the server write more. What is known must be what it should be.
 */
#include "imports/space_object.h"
#include "base/memory.h"
#include "base/text.h"
#include "imports/xml.h"

enum {
	DEPTH_ROOT = 1,
	DEPTH_OBJECT,
	DEPTH_PART,
	DEPTH_DELTA,
	DEPTH_ATTRIBUTE,
	DEPTH_VALUE,
	DEPTH_NAME
};

static void reading_release(struct reading *reading)
{
	buf_release(&reading->object.text);
	buf_release(&reading->bytes);
	memory_free(reading->object.values);
	memory_free(reading->object.attributes);
	space_names_free(reading->names);
}

/* ---- words -------------------------------------------------------------------------- */

static const char *const part_names[SPACE_PARTS] = {
	[SYNCHRONIZED_HOLOGRAM] = "synchronized-hologram",
	[UNCONFIRMED_EXPORT_HOLOGRAM] = "unconfirmed-export-hologram",
	[ESCROWED_EXPORT_HOLOGRAM] = "escrowed-export-hologram",
	[UNAPPLIED_EXPORT_HOLOGRAM] = "unapplied-export-hologram",
	[UNCONFIRMED_EXPORT] = "unconfirmed-export",
	[ESCROWED_EXPORT] = "escrowed-export",
	[UNAPPLIED_EXPORT] = "unapplied-export",
	[PENDING_IMPORT] = "pending-import",
};

static const char *const operation_names[SPACE_OPERATIONS] = {
	[OPERATION_ABSENT] = "",
	[OPERATION_NONE] = "none",
	[OPERATION_ADD] = "add",
	[OPERATION_REPLACE] = "replace",
	[OPERATION_UPDATE] = "update",
	[OPERATION_DELETE] = "delete",
	[OPERATION_OBSOLETE] = "obsolete",
	[OPERATION_DELETE_ADD] = "delete-add",
};

static const char *const type_names[] = {
	[SPACE_STRING] = "string",
	[SPACE_BINARY] = "binary",
	[SPACE_INTEGER] = "integer",
	[SPACE_BOOLEAN] = "boolean",
};

/* The place of a word in a table, or `count`. */
static size_t word_find(const char *const *words, size_t count, const char *word)
{
	size_t i = 0;

	while (i < count && (words[i][0] != word[0] || strcmp(words[i], word) != 0))
		i++;
	return i;
}

static bool read_operation(
	const char *const *attributes, enum space_operation *operation, struct error *err)
{
	const char *word = xml_attribute(attributes, "operation");
	size_t found = word ? word_find(operation_names, SPACE_OPERATIONS, word) : OPERATION_ABSENT;

	if (found == SPACE_OPERATIONS)
		return error_set(err, ERROR_FORMAT, "operation \"%.*s\" is unknown",
			TEXT_UP_TO(XML_NAME_MAX, word));
	*operation = (enum space_operation)found;
	return true;
}

static bool is_delta(enum space_part_id part)
{
	return part >= SPACE_HOLOGRAMS;
}

/* ---- starts ------------------------------------------------------------------------- */

static bool keep_attribute(
	struct reading *reading, const struct space_attribute *attribute, struct error *err)
{
	struct space_object *object = &reading->object;

	if (object->attribute_count == SPACE_ATTRIBUTES_MAX)
		return error_set(err, ERROR_FORMAT, "an object with more than %d attributes",
			SPACE_ATTRIBUTES_MAX);
	MEMORY_GROW(object->attributes, object->attribute_count, object->attribute_capacity);
	object->attributes[object->attribute_count] = *attribute;
	reading->attribute = &object->attributes[object->attribute_count++];
	object->parts[reading->part].count++;
	return true;
}

static bool start_root(const char *name, struct error *err)
{
	return strcmp(name, "cs-objects") == 0 ||
		error_set(err, ERROR_FORMAT,
			"<%s> begins no connector space; csexport writes <cs-objects>", name);
}

/* Everything but what can be used again. */
static void object_clear(struct space_object *object)
{
	struct space_object kept = *object;

	*object = (struct space_object){
		.text = kept.text,
		.values = kept.values,
		.value_capacity = kept.value_capacity,
		.attributes = kept.attributes,
		.attribute_capacity = kept.attribute_capacity,
		.number = kept.number,
		.imported_ms = TIME_NONE,
		.exported_ms = TIME_NONE,
	};
	buf_cut(&object->text, 0);
}

static bool start_object(struct reading *reading, const char *const *attributes, struct error *err)
{
	struct space_object *object = &reading->object;
	const char *dn = xml_attribute(attributes, "cs-dn");
	const char *type = xml_attribute(attributes, "object-type");

	object_clear(object);
	if (!dn || !type)
		return error_set(err, ERROR_FORMAT, "a cs-object without cs-dn or object-type");
	if (strlen(type) >= sizeof(object->type))
		return error_set(err, ERROR_FORMAT, "an object-type of more than %zu bytes",
			sizeof(object->type) - 1);
	memcpy(object->type, type, strlen(type) + 1);
	object->kind = kind_find(span_of(type));
	return reading_keep_text(object, span_of(dn), &object->dn, err);
}

static bool start_part(struct reading *reading, const char *name, struct error *err)
{
	size_t found = word_find(part_names, SPACE_PARTS, name);
	struct space_part *part = &reading->object.parts[found % SPACE_PARTS];

	reading->part = (enum space_part_id)found;
	if (found == SPACE_PARTS)
		return true;
	if (part->present)
		return error_set(err, ERROR_FORMAT, "a second <%s> of one object", name);
	part->present = true;
	part->first = (uint32_t)reading->object.attribute_count;
	return true;
}

/* What stands in <synchronized-hologram> is <entry>, in <unconfirmed-export> <delta>. */
static bool start_delta(
	struct reading *reading, const char *name, const char *const *attributes, struct error *err)
{
	struct space_part *part;

	if (reading->part == SPACE_PARTS ||
		strcmp(name, is_delta(reading->part) ? "delta" : "entry") != 0) {
		reading->skip = DEPTH_DELTA;
		return true;
	}
	part = &reading->object.parts[reading->part];
	if (part->read)
		return error_set(err, ERROR_FORMAT, "a second <%s> in one part", name);
	part->read = true;
	return read_operation(attributes, &part->operation, err) &&
		(!is_delta(reading->part) || part->operation != OPERATION_ABSENT ||
			error_set(err, ERROR_FORMAT, "a delta without an operation"));
}

static bool read_type(const char *const *attributes, enum space_type *type, struct error *err)
{
	const char *word = xml_attribute(attributes, "type");
	size_t found = word_find(type_names, COUNT_OF(type_names), word ? word : "string");

	if (found == COUNT_OF(type_names))
		return error_set(err, ERROR_FORMAT, "type \"%.*s\" is unknown",
			TEXT_UP_TO(XML_NAME_MAX, word));
	*type = (enum space_type)found;
	return true;
}

static bool start_attribute(
	struct reading *reading, const char *name, const char *const *attributes, struct error *err)
{
	struct space_attribute attribute = {
		.type = SPACE_REFERENCE,
		.first = (uint32_t)reading->object.value_count,
	};
	const char *called = xml_attribute(attributes, "name");
	bool reference = strcmp(name, "dn-attr") == 0;
	struct span span;

	reading->attribute = NULL;
	if (!reference && strcmp(name, "attr") != 0)
		return true;
	span = span_of(called ? called : "");
	if (!span.length || span.length > XML_NAME_MAX)
		return error_set(
			err, ERROR_FORMAT, "<%s> without a name, or with a long one", name);
	attribute.row = space_names_find(
		reading->names, reading->object.kind, span, &attribute.special);
	if (!attribute.row && !attribute.special && !reading->all && !is_delta(reading->part)) {
		reading->skip = DEPTH_ATTRIBUTE;
		return true;
	}
	if (attribute.row && (attribute.row->type == TYPE_REFERENCE) != reference)
		return error_set(
			err, ERROR_FORMAT, "%s: not the kind of value that it has", called);
	return (reference || read_type(attributes, &attribute.type, err)) &&
		read_operation(attributes, &attribute.operation, err) &&
		reading_keep_text(&reading->object, span, &attribute.name, err) &&
		keep_attribute(reading, &attribute, err);
}

static bool read_encoding(const char *const *attributes, bool *base64, struct error *err)
{
	const char *word = xml_attribute(attributes, "encoding");

	*base64 = word != NULL;
	return !word || strcmp(word, "base64") == 0 ||
		error_set(err, ERROR_FORMAT, "encoding \"%.*s\" is unknown",
			TEXT_UP_TO(XML_NAME_MAX, word));
}

static bool start_value(
	struct reading *reading, const char *name, const char *const *attributes, struct error *err)
{
	enum space_operation operation;

	reading->value = (struct space_value){ .deleted = false };
	if (!reading->attribute)
		return true;
	if (strcmp(name, reading->attribute->type == SPACE_REFERENCE ? "dn-value" : "value") != 0)
		return error_set(
			err, ERROR_FORMAT, "<%s> where another kind of value belongs", name);
	if (!read_operation(attributes, &operation, err) ||
		!read_encoding(attributes, &reading->value.base64, err))
		return false;
	if (operation > OPERATION_ADD && operation != OPERATION_DELETE)
		return error_set(err, ERROR_FORMAT, "operation \"%s\" of a value",
			operation_names[operation]);
	reading->value.deleted = operation == OPERATION_DELETE;
	return true;
}

static bool on_start(void *context, unsigned depth, const char *name, const char *const *attributes,
	struct error *err)
{
	struct reading *reading = context;

	if (reading->skip || depth > DEPTH_NAME)
		return true;
	switch (depth) {
	case DEPTH_ROOT:
		return start_root(name, err);
	case DEPTH_OBJECT:
		if (strcmp(name, "cs-object") == 0)
			return start_object(reading, attributes, err);
		reading->skip = DEPTH_OBJECT;
		return true;
	case DEPTH_PART:
		return start_part(reading, name, err);
	case DEPTH_DELTA:
		return start_delta(reading, name, attributes, err);
	case DEPTH_ATTRIBUTE:
		return start_attribute(reading, name, attributes, err);
	case DEPTH_VALUE:
		return start_value(reading, name, attributes, err);
	default:
		return true;
	}
}

/* ---- ends ------------------------------------------------------------------------------ */

static bool on_end(
	void *context, unsigned depth, const char *name, struct span text, struct error *err)
{
	struct reading *reading = context;

	if (reading->skip) {
		if (depth == reading->skip)
			reading->skip = 0;
		return true;
	}
	switch (depth) {
	case DEPTH_NAME:
		return reading_end_name(reading, name, text, err);
	case DEPTH_VALUE:
		return reading_end_value(reading, text, err);
	case DEPTH_ATTRIBUTE:
		return reading_end_attribute(reading, name, text, err);
	case DEPTH_PART:
		return reading_end_part(reading, name, text, err);
	case DEPTH_OBJECT:
		return reading_end_object(reading, err);
	default:
		return true;
	}
}

bool space_read(int descriptor, const char *name, bool all, space_object_function *each,
	void *context, struct error *err)
{
	static const struct xml_events events = { .start = on_start, .end = on_end };
	CLEANUP(reading_release)
	struct reading reading = {
		.object = { .text = BUF_UP_TO(SPACE_TEXT_MAX) },
		.names = space_names_new(),
		.all = all,
		.each = each,
		.context = context,
		.bytes = BUF_UP_TO(XML_TEXT_MAX),
	};

	return xml_read_descriptor(descriptor, name, &events, &reading, err);
}

/* ---- asking ------------------------------------------------------------------------- */

const struct space_attribute *space_find(
	const struct space_object *object, enum space_part_id id, const struct attribute *row)
{
	const struct space_part *part = &object->parts[id];

	for (uint32_t i = part->first; i < part->first + part->count; i++)
		if (object->attributes[i].row == row)
			return &object->attributes[i];
	return NULL;
}

const struct space_attribute *space_find_special(
	const struct space_object *object, enum space_part_id id, enum space_special special)
{
	const struct space_part *part = &object->parts[id];

	for (uint32_t i = part->first; i < part->first + part->count; i++)
		if (object->attributes[i].special == special)
			return &object->attributes[i];
	return NULL;
}
