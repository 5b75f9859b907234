/* What the elements of a cs-object were, once all of them is read: values, anchors, state. */
#include "base/memory.h"
#include "base/text.h"
#include "imports/space_object.h"
#include "imports/xml.h"

#define CLOUD_CONNECTOR                                                                            \
	"{b891884f-051e-4a83-95af-2544101c9083}" /* of all installations (facts 1.4) */

/* ---- anchors and values ------------------------------------------------------------- */

static bool unpack(struct reading *reading, struct span text, struct error *err)
{
	buf_cut(&reading->bytes, 0);
	return (space_base64(text, &reading->bytes) && !reading->bytes.overflowed) ||
		error_set(err, ERROR_FORMAT, "an anchor that is no base64");
}

/* An anchor of the Entra connector says the object's type, and must say it right. */
static bool unpack_anchor(
	struct reading *reading, struct span text, struct space_anchor_of *of, struct error *err)
{
	struct space_object *object = &reading->object;
	struct space_anchor anchor;

	if (!unpack(reading, text, err))
		return false;
	if (reading->bytes.length == ID_BINARY_BYTES) {
		memcpy(of->guid, reading->bytes.data, ID_BINARY_BYTES);
		of->has_guid = true;
		return true;
	}
	if (!space_anchor_parse(buf_span(&reading->bytes), &anchor))
		return true;
	if (text_compare_caseless(span_of(anchor.type), span_of(object->type)) != 0)
		return error_set(err, ERROR_FORMAT, "a %s with the anchor of a %s", object->type,
			anchor.type);
	memcpy(of->id, anchor.id, ID_BINARY_BYTES);
	of->has_id = true;
	return true;
}

/* An object has the same one several times: in its parts, and in its state. */
static bool read_anchor(
	struct reading *reading, struct span text, struct space_anchor_of *of, struct error *err)
{
	struct space_object *object = &reading->object;

	if (object->anchor_text.length &&
		span_equal(space_text(object, object->anchor_text), text)) {
		*of = reading->anchor;
		return true;
	}
	*of = (struct space_anchor_of){ .has_id = false };
	if (!unpack_anchor(reading, text, of, err) ||
		!reading_keep_text(object, text, &object->anchor_text, err))
		return false;
	reading->anchor = *of;
	return true;
}

static bool read_reference_anchor(struct reading *reading, struct span text, struct error *err)
{
	struct space_anchor anchor;

	if (!unpack(reading, text, err))
		return false;
	if (!space_anchor_parse(buf_span(&reading->bytes), &anchor))
		return true;
	/* The id says more than the DN, and groups have many. */
	if (reading->value.text.length)
		buf_cut(&reading->object.text, reading->value.text.at);
	memcpy(reading->value.id, anchor.id, ID_BINARY_BYTES);
	reading->value.has_id = true;
	return true;
}

bool reading_end_name(
	struct reading *reading, const char *name, struct span text, struct error *err)
{
	if (!reading->attribute || reading->attribute->type != SPACE_REFERENCE)
		return true;
	if (strcmp(name, "anchor") == 0)
		return read_reference_anchor(reading, text, err);
	if (strcmp(name, "dn") == 0 && !reading->value.has_id)
		return reading_keep_text(&reading->object, text, &reading->value.text, err);
	return true;
}

static bool keep_value(struct reading *reading, struct error *err)
{
	struct space_object *object = &reading->object;

	if (object->value_count == SPACE_VALUES_MAX)
		return error_set(
			err, ERROR_FORMAT, "an object with more than %d values", SPACE_VALUES_MAX);
	MEMORY_GROW(object->values, object->value_count, object->value_capacity);
	object->values[object->value_count++] = reading->value;
	reading->attribute->count++;
	return true;
}

bool reading_end_value(struct reading *reading, struct span text, struct error *err)
{
	struct reading *r = reading;

	if (!r->attribute)
		return true;
	if (r->attribute->type == SPACE_REFERENCE)
		return r->value.has_id || r->value.text.length
			? keep_value(reading, err)
			: error_set(err, ERROR_FORMAT, "a dn-value without dn and anchor");
	return reading_keep_text(&r->object, text, &r->value.text, err) && keep_value(reading, err);
}

bool reading_end_attribute(
	struct reading *reading, const char *name, struct span text, struct error *err)
{
	reading->attribute = NULL;
	if (strcmp(name, "anchor") == 0)
		return read_anchor(
			reading, text, &reading->object.parts[reading->part].anchor, err);
	return true;
}

/* ---- state -------------------------------------------------------------------------- */

static bool state_anchor(struct reading *reading, struct span text, struct error *err)
{
	return read_anchor(reading, text, &reading->object.anchor, err);
}

static bool state_connector(struct reading *reading, struct span text, struct error *err)
{
	(void)err;
	reading->object.has_connector = true;
	reading->object.is_cloud = text_compare_caseless(text, SPAN_LITERAL(CLOUD_CONNECTOR)) == 0;
	return true;
}

static bool state_connector_name(struct reading *reading, struct span text, struct error *err)
{
	return reading_keep_text(&reading->object, text, &reading->object.connector, err);
}

static bool read_time(struct span text, int64_t *ms, struct error *err)
{
	/* Zero-length and the year 1601 mean never. */
	if (!text.length)
		return true;
	if (!space_time(text, ms))
		return error_set(err, ERROR_FORMAT, "\"%.*s\" is no time (2026-03-02 06:31:07.410)",
			(int)text_whole(text, TIME_TEXT_BYTES), text.data);
	if (*ms < 0)
		*ms = TIME_NONE;
	return true;
}

static bool state_imported(struct reading *reading, struct span text, struct error *err)
{
	return read_time(text, &reading->object.imported_ms, err);
}

static bool state_exported(struct reading *reading, struct span text, struct error *err)
{
	return read_time(text, &reading->object.exported_ms, err);
}

/* Elements of state that are read; all others only say that there is a state. */
static const struct {
	const char *name;
	bool (*read)(struct reading *reading, struct span text, struct error *err);
} states[] = {
	{ "anchor", state_anchor },
	{ "ma-id", state_connector },
	{ "ma-name", state_connector_name },
	{ "last-import-delta-time", state_imported },
	{ "last-export-delta-time", state_exported },
};

bool reading_end_part(
	struct reading *reading, const char *name, struct span text, struct error *err)
{
	struct space_object *object = &reading->object;

	if (reading->part != SPACE_PARTS)
		return true;
	for (size_t i = 0; i < COUNT_OF(states); i++)
		if (states[i].name[0] == name[0] && strcmp(states[i].name, name) == 0) {
			object->has_state |= i > 0;
			return states[i].read(reading, text, err);
		}
	object->has_state = object->has_state || !strstr(name, "hologram");
	return true;
}

bool reading_end_object(struct reading *reading, struct error *err)
{
	struct space_object *object = &reading->object;
	bool more = reading->each(reading->context, object, err);

	if (!more && err->kind != ERROR_NONE) {
		struct span dn = space_text(object, object->dn);

		error_prefix(err, "%.*s", (int)text_whole(dn, SPACE_DN_SHOWN), dn.data);
	}
	object->number++;
	return more;
}
