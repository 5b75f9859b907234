/* What an object of a connector space proves, by whose space it is. */
#include "imports/space_internal.h"

static bool is_there(const struct space_object *object, enum space_part_id part)
{
	return object->parts[part].present && object->parts[part].read;
}

/*
 * What stood in the directory: what was read back; of an object that was sent and not read back yet, what
 * was sent. What was only computed stands nowhere, and what an import brought that is not
 * synchronised yet may be the incident itself (facts 3.2).
 */
static enum space_part_id standing(const struct space_object *object)
{
	static const enum space_part_id parts[] = { SYNCHRONIZED_HOLOGRAM, ESCROWED_EXPORT_HOLOGRAM,
		UNCONFIRMED_EXPORT_HOLOGRAM };

	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (is_there(object, parts[i]))
			return parts[i];
	if (is_there(object, UNCONFIRMED_EXPORT) &&
		object->parts[UNCONFIRMED_EXPORT].operation == OPERATION_ADD)
		return UNCONFIRMED_EXPORT;
	return SPACE_PARTS;
}

bool space_take_production(struct space *space, struct space_object *object, struct error *err)
{
	enum space_part_id part = standing(object);

	if (is_there(object, PENDING_IMPORT))
		space_note(space, SPACE_PENDING_IMPORT, object, SPAN_NONE);
	if (part != SPACE_PARTS && !space_base_add(space, object, part, err))
		return false;
	return space_add_delta(space, object, UNCONFIRMED_EXPORT, FROM_PRODUCTION_SPACE, err) &&
		space_add_delta(space, object, ESCROWED_EXPORT, FROM_PRODUCTION_SPACE, err);
}

bool space_take_staging(struct space *space, struct space_object *object, struct error *err)
{
	return space_add_delta(space, object, UNCONFIRMED_EXPORT, FROM_STAGING_SPACE, err) &&
		space_add_delta(space, object, ESCROWED_EXPORT, FROM_STAGING_ESCROW, err) &&
		space_add_delta(space, object, UNAPPLIED_EXPORT, FROM_FORECAST, err);
}
