/*
 * Objects: the lines of one object, parsed. The text is copied once; values point into the copy,
 * one slot a row of the kinds table. Only a list of members or owners that came in several parts
 * is written anew, as one sorted array.
 */
#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "directory/directory_internal.h"

struct extension {
	const struct attribute *attribute;
	struct span value;
};

struct object {
	const struct kind *kind; /* NULL until its first line was read */
	char id[ID_BYTES];
	bool deleted, complete; /* complete: its line was there, not only parts */
	struct span unknown;
	struct span values[KIND_ATTRIBUTES_MAX];
	struct extension *extensions; /* in order of their names */
	size_t extension_count;
	struct span name;
	char *text, *name_text;               /* the lines; the name, where it had escapes */
	char *relations[KIND_ATTRIBUTES_MAX]; /* arrays written anew */
};

/* The elements of the parts of one relation. */
struct elements {
	struct span *at;
	size_t count, capacity;
};

struct parse {
	struct object *object;
	struct elements relations[KIND_ATTRIBUTES_MAX];
};

static void parse_release(struct parse *parse)
{
	for (size_t i = 0; i < KIND_ATTRIBUTES_MAX; i++)
		memory_free(parse->relations[i].at);
}

void object_free(struct object *object)
{
	if (!object)
		return;
	for (size_t i = 0; i < KIND_ATTRIBUTES_MAX; i++)
		memory_free(object->relations[i]);
	memory_free(object->extensions);
	memory_free(object->name_text);
	memory_free(object->text);
	memory_free(object);
}

/* ---- parsing ------------------------------------------------------------------------ */

static bool check_values(const struct rows *rows, struct error *err)
{
	for (size_t i = 0; i < rows->kind->attribute_count; i++)
		if (!value_check(&rows->kind->attributes[i], rows_value(rows, (unsigned)i), err))
			return false;
	for (unsigned i = 0; i < rows->extension_count; i++)
		if (!value_check(rows->extensions[i], rows_value(rows, SLOT_EXTENSION + i), err))
			return false;
	return true;
}

/* All lines are of one object; the first one says of which. */
static bool same_object(struct object *object, const struct rows *rows, struct error *err)
{
	char id[ID_BYTES];

	if (!id_read(rows_value(rows, SLOT_ID), id, err))
		return false;
	if (!object->kind) {
		object->kind = rows->kind;
		memcpy(object->id, id, ID_BYTES);
	}
	if (object->kind != rows->kind || memcmp(object->id, id, ID_BYTES) != 0)
		return error_set(err, ERROR_FORMAT, "%s %.*s among the lines of %s %.*s",
			rows->kind->name, ID_BYTES, id, object->kind->name, ID_BYTES, object->id);
	return true;
}

static void take_extensions(struct object *object, const struct rows *rows)
{
	uint8_t slots[OBJECT_EXTENSIONS_MAX];
	unsigned count = rows_extensions(rows, slots);

	if (count)
		object->extensions = memory_array(count, sizeof(*object->extensions));
	for (unsigned i = 0; i < count; i++)
		object->extensions[object->extension_count++] = (struct extension){
			rows->extensions[slots[i] - SLOT_EXTENSION], rows_value(rows, slots[i])
		};
}

static bool take_line(struct object *object, const struct rows *rows, struct error *err)
{
	struct span unknown = rows_value(rows, SLOT_UNKNOWN), name;
	struct scan scan = scan_open(unknown);

	if (object->complete)
		return error_set(err, ERROR_FORMAT, "a second line of the same object");
	if (unknown.data && scan_type(unknown) != SCAN_ARRAY)
		return error_set(err, ERROR_FORMAT, "unknown: not an array");
	while (scan_element(&scan, &name))
		if (scan_type(name) != SCAN_STRING)
			return error_set(err, ERROR_FORMAT, "unknown: not a text");
	object->complete = true;
	object->deleted = scan_type(rows_value(rows, SLOT_DELETED)) == SCAN_TRUE;
	object->unknown = unknown;
	for (unsigned i = 0; i < rows->kind->attribute_count; i++)
		object->values[i] = rows_value(rows, i);
	take_extensions(object, rows);
	return true;
}

static void take_part(struct parse *parse, const struct rows *rows)
{
	for (size_t i = 0; i < rows->kind->attribute_count; i++) {
		struct elements *elements = &parse->relations[i];
		struct scan scan = scan_open(rows_value(rows, (unsigned)i));
		struct span element;

		if (rows->kind->attributes[i].source != SOURCE_RELATION)
			continue;
		while (scan_element(&scan, &element)) {
			MEMORY_GROW(elements->at, elements->count, elements->capacity);
			elements->at[elements->count++] = element;
		}
	}
}

static bool parse_line(struct parse *parse, struct span line, struct error *err)
{
	UNINITIALIZED struct rows rows;

	if (!rows_read_line(&rows, line, err) || !check_values(&rows, err) ||
		!same_object(parse->object, &rows, err))
		return false;
	if (!rows_value(&rows, SLOT_PART).data)
		return take_line(parse->object, &rows, err);
	take_part(parse, &rows);
	return true;
}

/* The parts of a relation become one sorted array. */
static void join_parts(struct object *object, size_t row, struct elements *elements)
{
	size_t length = 2, at = 0;
	char *array;

	if (!elements->count)
		return;
	elements->count = spans_sort(elements->at, elements->count);
	for (size_t i = 0; i < elements->count; i++)
		length += elements->at[i].length + 1;
	object->relations[row] = array = memory_new(length);
	for (size_t i = 0; i < elements->count; i++) {
		array[at++] = i ? ',' : '[';
		memcpy(array + at, elements->at[i].data, elements->at[i].length);
		at += elements->at[i].length;
	}
	array[at++] = ']';
	object->values[row] = (struct span){ array, at };
}

static void find_name(struct object *object)
{
	static const char *const names[] = { "userPrincipalName", "displayName", "mail" };
	struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct span value = SPAN_NONE;

	for (size_t i = 0; i < COUNT_OF(names) && !value.data; i++)
		value = object_get_named(object, names[i]);
	if (!value.data) {
		object->name = (struct span){ object->id, ID_BYTES };
		return;
	}
	object->name = scan_text_direct(value);
	if (object->name.data)
		return;
	scan_text(value, &text);
	object->name.length = text.length;
	object->name.data = object->name_text = buf_detach(&text);
}

static bool parse_lines(struct parse *parse, struct span lines, struct error *err)
{
	const char *at = parse->object->text, *end = at + lines.length, *newline;
	struct span line;

	for (size_t number = 1; at < end; number++, at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			newline = end;
		line = (struct span){ at, (size_t)(newline - at) };
		if (line.length && !parse_line(parse, line, err))
			return error_prefix(err, "line %zu", number);
	}
	if (!parse->object->complete)
		return error_set(err, ERROR_FORMAT, "the object has no line of its own");
	return true;
}

struct object *object_parse(struct span lines, struct error *err)
{
	CLEANUP(object_freep) struct object *object = memory_new(sizeof(*object));
	CLEANUP(parse_release) struct parse parse = { .object = object };

	object->text = memory_text_span(lines.data, lines.length);
	if (!parse_lines(&parse, lines, err))
		return NULL;
	for (size_t row = 0; row < object->kind->attribute_count; row++)
		join_parts(object, row, &parse.relations[row]);
	find_name(object);
	return TAKE(object);
}

/* ---- asking ------------------------------------------------------------------------- */

const struct kind *object_kind(const struct object *object)
{
	return object->kind;
}

struct span object_id(const struct object *object)
{
	return (struct span){ object->id, ID_BYTES };
}

bool object_deleted(const struct object *object)
{
	return object->deleted;
}

/* The object's own row: a caller may hold the row of the same name of another kind. */
static const struct attribute *own_row(
	const struct object *object, const struct attribute *attribute)
{
	const struct kind *kind = object->kind;

	if (attribute >= kind->attributes && attribute < kind->attributes + kind->attribute_count)
		return attribute;
	return attribute_find(kind, span_of(attribute->name));
}

static struct span extension_value(const struct object *object, const struct attribute *attribute)
{
	for (size_t i = 0; i < object->extension_count; i++)
		if (object->extensions[i].attribute == attribute)
			return object->extensions[i].value;
	return SPAN_NONE;
}

struct span object_get(const struct object *object, const struct attribute *attribute)
{
	const struct attribute *row;

	if (attribute_is_extension(attribute))
		return extension_value(object, attribute);
	row = own_row(object, attribute);
	return row ? object->values[row - object->kind->attributes] : SPAN_NONE;
}

struct span object_get_named(const struct object *object, const char *name)
{
	const struct attribute *row = attribute_find(object->kind, span_of(name));

	return row ? object_get(object, row) : SPAN_NONE;
}

size_t object_extension_count(const struct object *object)
{
	return object->extension_count;
}

const struct attribute *object_extension(const struct object *object, size_t index)
{
	return object->extensions[index].attribute;
}

bool names_hold(struct span names, const struct attribute *attribute)
{
	struct span whole = { attribute->name, attribute->name_length }, element;
	struct span outer = { attribute->name,
		attribute_is_extension(attribute) ? strlen(UNKNOWN_EXTENSIONS)
						  : attribute->outer_length };
	struct scan scan = scan_open(names);

	while (scan_element(&scan, &element))
		if (scan_compare(element, whole) == 0 ||
			(outer.length && scan_compare(element, outer) == 0))
			return true;
	return false;
}

bool object_unknown(const struct object *object, const struct attribute *attribute)
{
	return names_hold(object->unknown, attribute);
}

struct span object_name(const struct object *object)
{
	return object->name;
}

/* ---- who masters it ------------------------------------------------------------------ */

static enum answer answer_of(const struct object *object, const char *name)
{
	const struct attribute *row = attribute_find(object->kind, span_of(name));

	assert(row);
	if (object_unknown(object, row))
		return ANSWER_UNKNOWN;
	switch (scan_type(object_get(object, row))) {
	case SCAN_TRUE:
		return ANSWER_TRUE;
	case SCAN_FALSE:
		return ANSWER_FALSE;
	default:
		return ANSWER_NOTHING;
	}
}

/* What could not be seen may be there: whoever was synced is handled with more care. */
bool object_was_synced(const struct object *object)
{
	static const char *const marks[] = { "onPremisesSyncEnabled", "onPremisesImmutableId",
		"onPremisesSecurityIdentifier" };

	for (size_t i = 0; i < COUNT_OF(marks); i++) {
		const struct attribute *row = attribute_find(object->kind, span_of(marks[i]));

		if (row && (object_get(object, row).data || object_unknown(object, row)))
			return true;
	}
	return false;
}

enum mastery mastery_of(enum answer synced, enum answer switched, bool was_synced)
{
	if (synced == ANSWER_UNKNOWN)
		return MASTERY_UNKNOWN;
	if (switched == ANSWER_TRUE)
		return MASTERY_CLOUD;
	if (synced == ANSWER_TRUE)
		return MASTERY_SYNCED;
	if (!was_synced)
		return MASTERY_CLOUD;
	/* Switched back, it stays editable until the sync client takes over: cloud until then. */
	return switched == ANSWER_FALSE ? MASTERY_CLOUD : MASTERY_UNKNOWN;
}

enum mastery object_mastery(const struct object *object)
{
	enum answer synced = answer_of(object, "onPremisesSyncEnabled");

	return mastery_of(synced, answer_of(object, "isCloudManaged"),
		synced == ANSWER_TRUE || object_was_synced(object));
}
