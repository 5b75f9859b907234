/*
 * An Active Directory connector's space: what its server wrote to AD itself, which production would then
 * take for the truth. Objects are named by their DN there; which object of Entra ID that is, says the
 * source anchor: ms-DS-ConsistencyGuid where it is set, else objectGUID (facts 1.3, 7.3).
 */
#include "base/memory.h"
#include "base/scan.h"
#include "base/time.h"
#include "imports/space_internal.h"

/* ---- who it is ---------------------------------------------------------------------- */

static bool guid_of(const struct space_object *object, enum space_special special, struct buf *out)
{
	const struct space_attribute *attribute = NULL;
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(SPACE_VALUE_MAX);

	for (size_t i = 0; i < SPACE_HOLOGRAMS && !attribute; i++)
		attribute = space_find_special(object, (enum space_part_id)i, special);
	if (!attribute || attribute->count != 1 || attribute->type != SPACE_BINARY ||
		!space_base64(space_text(object, object->values[attribute->first].text), &bytes) ||
		bytes.length != ID_BINARY_BYTES)
		return false;
	space_add_base64(out, buf_span(&bytes));
	return true;
}

static bool anchor_guid(const struct space_object *object, struct buf *out)
{
	const struct space_anchor_of *anchor = &object->anchor;

	for (size_t i = 0; i < SPACE_PARTS && !anchor->has_guid; i++)
		anchor = &object->parts[i].anchor;
	if (anchor->has_guid)
		space_add_base64(out, (struct span){ anchor->guid, sizeof(anchor->guid) });
	return anchor->has_guid;
}

bool space_resolve_directory(struct space *space, struct space_object *object, struct error *err)
{
	CLEANUP(buf_release) struct buf anchor = BUF_UP_TO(SPACE_VALUE_MAX);
	enum space_match match;

	if (!guid_of(object, SPECIAL_CONSISTENCY_GUID, &anchor) &&
		!guid_of(object, SPECIAL_OBJECT_GUID, &anchor) && !anchor_guid(object, &anchor))
		return true;
	if (!space_ids_find_source_anchor(
		    space->import->ids, buf_span(&anchor), &match, object->id, err))
		return false;
	object->has_id = match == MATCH_ONE;
	if (object->has_id)
		id_text(object->id, object->id_text);
	return true;
}

/* ---- what was written ---------------------------------------------------------------- */

/* Values for people: JSON, references as the DN they have in AD. */
static bool add_values(struct buf *out, const struct space_object *object,
	const struct space_attribute *attribute, enum space_which which, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(SPACE_VALUE_MAX);

	for (uint32_t i = attribute->first; i < attribute->first + attribute->count; i++) {
		const struct space_value *value = &object->values[i];

		if (value->deleted != (which == VALUES_DELETED))
			continue;
		buf_cut(&text, 0);
		if (attribute->type == SPACE_REFERENCE && !value->has_id)
			buf_add_span(&text, space_text(object, value->text));
		else if (!space_add_text(&text, object, attribute, value, err))
			return false;
		buf_add_text(out, out->length ? ", " : "");
		scan_quote(buf_span(&text), out);
	}
	return buf_check(out, "an attribute", err);
}

static bool add_change(struct space *space, const struct space_object *object,
	const struct space_attribute *attribute, struct space_write *write, struct error *err)
{
	CLEANUP(buf_release) struct buf added = BUF_UP_TO(SPACE_VALUE_MAX);
	CLEANUP(buf_release) struct buf removed = BUF_UP_TO(SPACE_VALUE_MAX);

	if (!add_values(&added, object, attribute, VALUES_STANDING, err) ||
		!add_values(&removed, object, attribute, VALUES_DELETED, err))
		return false;
	write->operation = attribute->operation != OPERATION_UPDATE ? FACT_SET
		: added.length                                      ? FACT_ADD
								    : FACT_REMOVE;
	write->old_value = removed.length ? buf_text(&removed) : NULL;
	write->new_value = added.length ? buf_text(&added) : NULL;
	space_report_add_write(space->report, write);
	return true;
}

static bool add_writes(struct space *space, const struct space_object *object,
	enum space_part_id id, struct error *err)
{
	const struct space_part *part = &object->parts[id];
	struct span dn = space_text(object, object->dn);
	CLEANUP(memory_freep) char *dn_text = memory_text_span(dn.data, dn.length);
	struct space_write write = {
		.dn = dn_text,
		.id = object->has_id ? object->id_text : NULL,
		.when_ms = object->exported_ms,
		.escrowed = id == ESCROWED_EXPORT,
	};

	if (part->operation == OPERATION_DELETE || part->operation == OPERATION_DELETE_ADD ||
		part->operation == OPERATION_ADD) {
		write.operation = part->operation == OPERATION_ADD ? FACT_CREATE : FACT_DELETE;
		space_report_add_write(space->report, &write);
	}
	for (uint32_t i = part->first; i < part->first + part->count; i++) {
		const struct space_attribute *attribute = &object->attributes[i];
		struct span name = space_text(object, attribute->name);
		CLEANUP(memory_freep) char *called = memory_text_span(name.data, name.length);

		write.attribute = called;
		if (!add_change(space, object, attribute, &write, err))
			return false;
	}
	return true;
}

bool space_take_directory(struct space *space, struct space_object *object, struct error *err)
{
	static const enum space_part_id sent[] = { UNCONFIRMED_EXPORT, ESCROWED_EXPORT };

	for (size_t i = 0; i < COUNT_OF(sent); i++) {
		if (!object->parts[sent[i]].present || !object->parts[sent[i]].read)
			continue;
		if (!add_writes(space, object, sent[i], err))
			return false;
		if (object->has_id && object->kind &&
			!space_add_delta(space, object, sent[i], FROM_DIRECTORY_SPACE, err))
			return false;
	}
	return true;
}
