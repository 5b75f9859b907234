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

static bool is_pending_delete(const struct space_object *object)
{
	return is_there(object, UNAPPLIED_EXPORT) &&
		object->parts[UNAPPLIED_EXPORT].operation == OPERATION_DELETE;
}

/*
 * The top of the tower: what the server holds for right, whether it has still to send it, has sent it, or
 * read it back. A delta without the hologram that it makes tells it of nothing (facts 3.2).
 */
static enum space_part_id top(const struct space_object *object)
{
	static const struct {
		enum space_part_id delta, hologram;
	} tower[] = {
		{ UNAPPLIED_EXPORT, UNAPPLIED_EXPORT_HOLOGRAM },
		{ ESCROWED_EXPORT, ESCROWED_EXPORT_HOLOGRAM },
		{ UNCONFIRMED_EXPORT, UNCONFIRMED_EXPORT_HOLOGRAM },
	};

	for (size_t i = 0; i < COUNT_OF(tower); i++) {
		if (is_there(object, tower[i].hologram))
			return tower[i].hologram;
		if (is_there(object, tower[i].delta) &&
			object->parts[tower[i].delta].operation != OPERATION_NONE)
			return SPACE_PARTS;
	}
	return is_there(object, SYNCHRONIZED_HOLOGRAM) ? SYNCHRONIZED_HOLOGRAM : SPACE_PARTS;
}

/* Of what the evidence names alone, as with what stood there. */
static bool foresee(struct space *space, const struct space_object *object, struct error *err)
{
	enum space_part_id part = top(object);
	struct span lines;

	if (!space->shown || !space_shown_wants(space->shown, object))
		return true;
	if (is_pending_delete(object)) {
		space_shown_add_deletion(space, object);
		return true;
	}
	return part == SPACE_PARTS ||
		(space_base_lines(space, object, part, &lines, err) &&
			space_shown_add(space, object, lines, FROM_PRODUCTION_FORECAST, err));
}

bool space_take_production(struct space *space, struct space_object *object, struct error *err)
{
	enum space_part_id part = standing(object);

	if (is_there(object, PENDING_IMPORT))
		space_note(space, SPACE_PENDING_IMPORT, object, SPAN_NONE);
	if (part != SPACE_PARTS && !space_base_add(space, object, part, err))
		return false;
	return space_add_delta(space, object, UNCONFIRMED_EXPORT, FROM_PRODUCTION_SPACE, err) &&
		space_add_delta(space, object, ESCROWED_EXPORT, FROM_PRODUCTION_SPACE, err) &&
		foresee(space, object, err);
}

bool space_take_staging(struct space *space, struct space_object *object, struct error *err)
{
	return space_add_delta(space, object, UNCONFIRMED_EXPORT, FROM_STAGING_SPACE, err) &&
		space_add_delta(space, object, ESCROWED_EXPORT, FROM_STAGING_ESCROW, err) &&
		space_add_delta(space, object, UNAPPLIED_EXPORT, FROM_FORECAST, err);
}
