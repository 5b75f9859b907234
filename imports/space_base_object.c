/*
 * Lines of a base snapshot from the production server's connector space. Each object is written as Graph
 * would have sent it and read by the reader of Graph's lists, so that lines can't differ in form.
 * What was asked for and did not come is unknown there: so a value that is nothing is written as
 * null, and one that the connector space can't know is left out.
 */
#include "base/memory.h"
#include "base/scan.h"
#include "imports/space_base.h"

/* Where a value of an object comes from. */
struct source {
	struct space *space;
	struct space_base *base;
	struct base_kind *kind;
	const struct space_object *object;
	bool after_incident;
};

static void add_key(struct buf *json, struct span name)
{
	if (json->data[json->length - 1] != '{')
		buf_add_byte(json, ',');
	buf_add_byte(json, '"');
	buf_add_span(json, name);
	buf_add_text(json, "\":");
}

static struct span name_of(const struct attribute *row)
{
	size_t from = row->outer_length ? row->outer_length + 1 : 0;

	return (struct span){ row->name + from, row->name_length - from };
}

static const struct space_attribute *value_of(
	const struct source *source, const struct attribute *row)
{
	return row ? source->kind->values[base_row_of(source->kind->kind, row)] : NULL;
}

/* It isn't there: nothing, where the server would have written it. Else it is not mentioned. */
static void add_absent(const struct source *source, const struct attribute *row)
{
	size_t index = base_row_of(source->kind->kind, row);

	if (!source->kind->flowed[index] || source->kind->filled[index] || source->after_incident)
		return;
	add_key(&source->base->json, name_of(row));
	buf_add_text(&source->base->json, "null");
}

/* A reference that nobody knows makes the whole unknown, as a part of it would be a lie. */
static bool is_resolved(const struct source *source, const struct space_attribute *attribute)
{
	for (uint32_t i = 0; attribute->type == SPACE_REFERENCE && i < attribute->count; i++) {
		const struct space_value *value = &source->object->values[attribute->first + i];

		if (value->has_id)
			continue;
		space_note(source->space, SPACE_NO_REFERENCE, source->object,
			space_text(source->object, value->text));
		return false;
	}
	return true;
}

static bool is_plain(const struct attribute *row, const struct source *source,
	const struct space_attribute *attribute)
{
	return row->type == TYPE_TEXT && row->shape == SHAPE_ONE &&
		attribute->type == SPACE_STRING && attribute->count == 1 &&
		!source->object->values[attribute->first].base64;
}

static bool add_value(const struct source *source, const struct attribute *row,
	const struct space_attribute *attribute, struct error *err)
{
	struct space_set *values = &source->base->values;
	struct buf *json = &source->base->json;

	if (!is_resolved(source, attribute))
		return true;
	add_key(json, name_of(row));
	if (is_plain(row, source, attribute)) {
		scan_quote(
			space_text(source->object, source->object->values[attribute->first].text),
			json);
		return true;
	}
	space_set_clear(values);
	return space_set_load(values, source->object, attribute, VALUES_STANDING, err) &&
		space_set_add_json(json, values, row, err);
}

/* ---- addresses ---------------------------------------------------------------------- */

static struct span plain_text(const struct source *source, const struct space_attribute *attribute)
{
	if (!attribute || attribute->count != 1 || attribute->type != SPACE_STRING)
		return SPAN_NONE;
	return space_text(source->object, source->object->values[attribute->first].text);
}

/* As the directory computed them: mail is the primary address (facts 4.5). */
static bool add_addresses(
	const struct source *source, const struct attribute *row, struct error *err)
{
	const struct space_attribute *attribute = value_of(source, source->kind->addresses);
	struct span mail = plain_text(source, value_of(source, source->kind->mail)), primary;
	struct space_set *values = &source->base->values;
	struct buf *json = &source->base->json;

	space_set_clear(values);
	if (attribute && !space_set_load(values, source->object, attribute, VALUES_STANDING, err))
		return false;
	space_addresses_compute(values, mail);
	if (row == source->kind->addresses) {
		if (!values->count)
			return true;
		add_key(json, name_of(row));
		return space_set_add_json(json, values, row, err);
	}
	primary = space_addresses_primary(values);
	if (!primary.data && !mail.data)
		return true;
	add_key(json, name_of(row));
	return space_add_json(json, primary.data ? primary : mail, row, err);
}

/* ---- members ------------------------------------------------------------------------ */

static bool add_members(const struct source *source, struct error *err)
{
	const struct space_attribute *attribute = value_of(source, source->kind->members);
	size_t count = attribute ? attribute->count : 0;
	CLEANUP(memory_freep) struct span *ids = memory_array(count + 1, sizeof(*ids));
	CLEANUP(memory_freep) char *texts = memory_array(count + 1, ID_BYTES + 1);

	for (size_t i = 0; i < count; i++) {
		const struct space_value *value = &source->object->values[attribute->first + i];

		id_text(value->id, texts + i * (ID_BYTES + 1));
		ids[i] = (struct span){ texts + i * (ID_BYTES + 1), ID_BYTES };
	}
	return line_add_parts(&source->base->lines,
		(struct span){ source->object->id_text, ID_BYTES }, "members", ids, count, err);
}

/* ---- the whole ---------------------------------------------------------------------- */

static bool is_true(
	const struct source *source, enum space_part_id part, enum space_special special)
{
	const struct space_attribute *attribute = space_find_special(source->object, part, special);

	return attribute && attribute->count == 1 &&
		(attribute->type == SPACE_STRING || attribute->type == SPACE_BOOLEAN) &&
		span_is(space_text(source->object, source->object->values[attribute->first].text),
			"true");
}

/* Switched to the cloud: production knows it still and writes it no more. */
static bool is_cloud_mastered(const struct source *source, enum space_part_id part)
{
	return is_true(source, part, SPECIAL_CLOUD_MASTERED) ||
		is_true(source, part, SPECIAL_SYNC_BLOCKED);
}

/* Members have lines of their own; here only that they are known. */
static void add_members_known(struct source *source, bool *known)
{
	const struct space_attribute *attribute = value_of(source, source->kind->members);
	size_t index = base_row_of(source->kind->kind, source->kind->members);

	*known = attribute ? is_resolved(source, attribute)
			   : source->kind->flowed[index] && !source->after_incident;
	if (!*known)
		return;
	add_key(&source->base->json, name_of(source->kind->members));
	buf_add_text(&source->base->json, "null");
}

/* The inner rows of one complex value; `*row` moves behind them. */
static bool add_complex(struct source *source, size_t *row, struct error *err)
{
	const struct kind *kind = source->kind->kind;
	const struct attribute *first = &kind->attributes[*row];
	struct span outer = { first->name, first->outer_length };
	struct buf *json = &source->base->json;
	size_t before = json->length;
	bool any = false;

	add_key(json, outer);
	buf_add_byte(json, '{');
	for (; *row < kind->attribute_count &&
		kind->attributes[*row].outer_length == outer.length &&
		memcmp(kind->attributes[*row].name, outer.data, outer.length) == 0;
		++*row) {
		const struct attribute *inner = &kind->attributes[*row];

		any |= source->kind->flowed[*row] && !source->after_incident;
		if (!value_of(source, inner))
			continue;
		any = true;
		if (!add_value(source, inner, value_of(source, inner), err))
			return false;
	}
	buf_add_byte(json, '}');
	if (!any)
		buf_cut(json, before);
	return true;
}

static bool add_row(struct source *source, const struct attribute *row, bool cloud_mastered,
	bool *members_known, struct error *err)
{
	const struct base_kind *kind = source->kind;

	if (row == kind->members) {
		add_members_known(source, members_known);
		return true;
	}
	if (row == kind->sync_enabled) {
		/* What a connector space holds is synced. */
		if (!cloud_mastered) {
			add_key(&source->base->json, name_of(row));
			buf_add_text(&source->base->json, "true");
		}
		return true;
	}
	if ((row == kind->mail || row == kind->addresses) && !source->after_incident)
		return add_addresses(source, row, err);
	if (value_of(source, row))
		return add_value(source, row, value_of(source, row), err);
	add_absent(source, row);
	return true;
}

static bool add_json(
	struct source *source, enum space_part_id part, bool *members_known, struct error *err)
{
	const struct kind *kind = source->kind->kind;
	struct buf *json = &source->base->json;
	bool cloud_mastered = is_cloud_mastered(source, part);
	size_t row = 0;

	buf_cut(json, 0);
	buf_addf(json, "{\"id\":\"%s\"", source->object->id_text);
	for (size_t i = 0; i < source->kind->extension_value_count; i++) {
		const struct space_attribute *value = source->kind->extension_values[i];

		if (!add_value(source, value->row, value, err))
			return false;
	}
	while (row < kind->attribute_count) {
		const struct attribute *attribute = &kind->attributes[row];

		if (attribute->outer_length) {
			if (!add_complex(source, &row, err))
				return false;
			continue;
		}
		if (!add_row(source, attribute, cloud_mastered, members_known, err))
			return false;
		row++;
	}
	buf_add_byte(json, '}');
	return buf_check(json, "an object", err);
}

static bool place_extension(
	struct source *source, const struct space_attribute *attribute, struct error *err)
{
	struct base_kind *kind = source->kind;

	for (size_t i = 0; i < kind->extension_value_count; i++)
		if (kind->extension_values[i]->row == attribute->row)
			return error_set(
				err, ERROR_FORMAT, "%s stands there twice", attribute->row->name);
	if (kind->extension_value_count == OBJECT_EXTENSIONS_MAX)
		return error_set(err, ERROR_FORMAT, "more than %d directory extensions",
			OBJECT_EXTENSIONS_MAX);
	kind->extension_values[kind->extension_value_count++] = attribute;
	return true;
}

static bool place_values(struct source *source, enum space_part_id id, struct error *err)
{
	const struct space_part *part = &source->object->parts[id];
	struct base_kind *kind = source->kind;

	memset(kind->values, 0, kind->kind->attribute_count * sizeof(*kind->values));
	kind->extension_value_count = 0;
	if (source->after_incident)
		return true;
	for (uint32_t i = part->first; i < part->first + part->count; i++) {
		const struct space_attribute *attribute = &source->object->attributes[i];
		size_t row;

		if (!attribute->row)
			continue;
		if (attribute_is_extension(attribute->row)) {
			if (!place_extension(source, attribute, err))
				return false;
			continue;
		}
		row = base_row_of(kind->kind, attribute->row);
		if (kind->values[row])
			return error_set(err, ERROR_FORMAT, "%.*s stands there twice",
				SPAN_FORMAT(space_text(source->object, attribute->name)));
		kind->values[row] = attribute;
	}
	return true;
}

static bool make_lines(struct source *source, enum space_part_id part, struct error *err)
{
	struct space_base *base = source->base;
	bool members_known = false;
	size_t taken;

	if (!place_values(source, part, err) || !add_json(source, part, &members_known, err))
		return false;
	buf_cut(&base->lines, 0);
	if (!line_take_object(
		    source->kind->reader, &base->lines, buf_span(&base->json), &taken, err))
		return false;
	buf_add_byte(&base->lines, '\n');
	return (!members_known || add_members(source, err)) &&
		buf_check(&base->lines, "an object's lines", err);
}

static struct source source_of(struct space *space, const struct space_object *object)
{
	return (struct source){
		.space = space,
		.base = space->base,
		.kind = &space->base->kinds[object->kind->id],
		.object = object,
	};
}

bool space_base_lines(struct space *space, const struct space_object *object,
	enum space_part_id part, struct span *lines, struct error *err)
{
	struct source source = source_of(space, object);

	if (!make_lines(&source, part, err))
		return false;
	*lines = buf_span(&space->base->lines);
	return true;
}

bool space_base_add(struct space *space, const struct space_object *object, enum space_part_id part,
	struct error *err)
{
	struct source source = source_of(space, object);
	struct span lines;

	source.after_incident = space->import->incident_ms != TIME_NONE &&
		object->imported_ms >= space->import->incident_ms;
	if (source.after_incident)
		space_note(space, SPACE_AFTER_INCIDENT, object, SPAN_NONE);
	if (!make_lines(&source, part, err))
		return false;
	lines = buf_span(&space->base->lines);
	if ((space->shown && !space_shown_add(space, object, lines, FROM_PRODUCTION_SPACE, err)) ||
		(space->import->base && !snapshot_writer_add(space->import->base, lines, err)))
		return false;
	space->report->lines += space->import->base != NULL;
	return true;
}
