/*
 * Which object of the directory an object of a connector space is, and which it refers to. Its anchor
 * says it; where there is none yet, or no more, its DN, its source anchor, its security identifier and
 * its addresses are asked, in this order (facts 3.5).
 */
#include "base/text.h"
#include "imports/space_internal.h"

/* One way after the other, until one says something. */
struct search {
	struct space_ids *ids;
	struct space_object *object;
	enum space_match match;
	uint8_t id[ID_BINARY_BYTES];
};

static void found(struct search *search)
{
	search->object->has_id = search->match == MATCH_ONE;
	if (!search->object->has_id)
		return;
	memcpy(search->object->id, search->id, ID_BINARY_BYTES);
	id_text(search->id, search->object->id_text);
}

/* The lowest part that has one: of an object that was deleted and made anew, the old one. */
static const struct space_anchor_of *anchor_of(const struct space_object *object)
{
	for (size_t i = 0; i < SPACE_PARTS; i++)
		if (object->parts[i].anchor.has_id)
			return &object->parts[i].anchor;
	return &object->anchor;
}

void space_learn(struct space *space, const struct space_object *object)
{
	const struct space_anchor_of *anchor = anchor_of(object);

	if (anchor->has_id && !space->waiting_next)
		space_ids_learn(space->import->ids, space_text(object, object->dn), anchor->id);
}

static bool by_anchor(struct search *search, UNUSED struct error *err)
{
	const struct space_anchor_of *anchor = anchor_of(search->object);

	if (!anchor->has_id)
		return true;
	memcpy(search->id, anchor->id, ID_BINARY_BYTES);
	search->match = MATCH_ONE;
	return true;
}

static bool by_dn(struct search *search, struct error *err)
{
	return space_ids_find_dn(search->ids, space_text(search->object, search->object->dn),
		&search->match, search->id, err);
}

/* The only value of an attribute, as it stands in any hologram. */
static bool one_text(
	const struct search *search, const char *name, struct buf *out, struct error *err)
{
	const struct attribute *row = attribute_find(search->object->kind, span_of(name));
	const struct space_attribute *attribute = NULL;

	for (size_t i = 0; row && i < SPACE_HOLOGRAMS && !attribute; i++)
		attribute = space_find(search->object, (enum space_part_id)i, row);
	return !attribute || attribute->count != 1 || attribute->type == SPACE_REFERENCE ||
		space_add_text(out, search->object, attribute,
			&search->object->values[attribute->first], err);
}

static bool by_source_anchor(struct search *search, struct error *err)
{
	const struct space_attribute *attribute = NULL;

	for (size_t i = 0; i < SPACE_PARTS && !attribute; i++)
		attribute = space_find_special(
			search->object, (enum space_part_id)i, SPECIAL_SOURCE_ANCHOR);
	if (!attribute || attribute->count != 1 || attribute->type != SPACE_STRING)
		return true;
	return space_ids_find_source_anchor(search->ids,
		space_text(search->object, search->object->values[attribute->first].text),
		&search->match, search->id, err);
}

static bool by_sid(struct search *search, struct error *err)
{
	CLEANUP(buf_release) struct buf sid = BUF_UP_TO(SPACE_VALUE_MAX);

	if (search->object->kind->id != KIND_GROUP)
		return true;
	if (!one_text(search, "onPremisesSecurityIdentifier", &sid, err))
		return false;
	return !sid.length ||
		space_ids_find_sid(search->ids, buf_span(&sid), &search->match, search->id, err);
}

/* Different addresses may stand at different objects: then it is none of them. */
static bool by_one_address(struct search *search, struct span address, struct error *err)
{
	enum space_match match;
	uint8_t id[ID_BINARY_BYTES];

	if (!space_ids_find_address(search->ids, search->object->kind, address, &match, id, err))
		return false;
	if (match == MATCH_SEVERAL ||
		(match == MATCH_ONE && search->match == MATCH_ONE &&
			memcmp(id, search->id, sizeof(id)) != 0))
		search->match = MATCH_SEVERAL;
	if (match == MATCH_ONE && search->match == MATCH_NONE) {
		search->match = MATCH_ONE;
		memcpy(search->id, id, sizeof(id));
	}
	return true;
}

static bool by_addresses_of(struct search *search, const char *name, struct error *err)
{
	const struct attribute *row = attribute_find(search->object->kind, span_of(name));
	const struct space_attribute *attribute = NULL;
	CLEANUP(space_set_release) struct space_set set = SPACE_SET;

	for (size_t i = 0; row && i < SPACE_HOLOGRAMS && !attribute; i++)
		attribute = space_find(search->object, (enum space_part_id)i, row);
	if (attribute && !space_set_load(&set, search->object, attribute, VALUES_STANDING, err))
		return false;
	for (size_t i = 0; i < set.count; i++) {
		struct address address = address_parse(space_set_get(&set, i));

		if ((!address.scheme.data || address.smtp) &&
			!by_one_address(search, address.value, err))
			return false;
	}
	return true;
}

static bool by_addresses(struct search *search, struct error *err)
{
	return search->object->kind->id == KIND_USER ||
		(by_addresses_of(search, "mail", err) &&
			by_addresses_of(search, "proxyAddresses", err));
}

static bool identify(struct space *space, struct space_object *object, enum space_match *match,
	struct error *err)
{
	static bool (*const ways[])(struct search * search, struct error * err) = { by_anchor,
		by_dn, by_source_anchor, by_sid, by_addresses };
	struct search search = { .ids = space->import->ids, .object = object };

	for (size_t i = 0; i < COUNT_OF(ways) && search.match == MATCH_NONE; i++)
		if (!ways[i](&search, err))
			return false;
	found(&search);
	*match = search.match;
	return true;
}

static bool resolve_value(struct space *space, struct space_object *object,
	struct space_value *value, bool *complete, struct error *err)
{
	enum space_match match;
	uint8_t id[ID_BINARY_BYTES];

	if (value->has_id)
		return true;
	if (!space_ids_find_dn(
		    space->import->ids, space_text(object, value->text), &match, id, err))
		return false;
	if (match == MATCH_ONE) {
		memcpy(value->id, id, sizeof(id));
		value->has_id = true;
	}
	*complete &= value->has_id;
	return true;
}

bool space_resolve(
	struct space *space, struct space_object *object, bool *complete, struct error *err)
{
	enum space_match match;

	if (!identify(space, object, &match, err))
		return false;
	*complete = match != MATCH_NONE;
	if (match != MATCH_ONE && (space->last_pass || match == MATCH_SEVERAL))
		space_note(space, match == MATCH_NONE ? SPACE_NO_ID : SPACE_AMBIGUOUS, object,
			span_of(object->type));
	/* Whoever it is, it is not told: what it refers to doesn't matter. */
	if (match == MATCH_SEVERAL)
		return true;
	for (size_t i = 0; i < object->attribute_count; i++) {
		const struct space_attribute *attribute = &object->attributes[i];

		for (uint32_t j = 0; attribute->type == SPACE_REFERENCE && j < attribute->count;
			j++)
			if (!resolve_value(space, object, &object->values[attribute->first + j],
				    complete, err))
				return false;
	}
	return true;
}
