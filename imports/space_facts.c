/*
 * Facts of a delta: what a server sent, or would send, on top of what it had read. The value before is
 * what the hologram below shows; the value after is in the delta, or in the hologram above it,
 * which is believed more than arithmetic (facts 3.2).
 *
 * Members are told one by one, and so are the elements of a set whose other elements nothing shows.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/time.h"
#include "imports/space_step.h"

static void step_release(struct step *step)
{
	buf_release(&step->reference);
	buf_release(&step->old_json);
	buf_release(&step->new_json);
	space_set_release(&step->old_set);
	space_set_release(&step->new_set);
	space_set_release(&step->changed);
}

/* ---- the tower ---------------------------------------------------------------------- */

static bool is_there(const struct space_object *object, enum space_part_id part)
{
	return object->parts[part].present && object->parts[part].read;
}

/* A hologram that no delta in between has changed. */
static enum space_part_id part_below(const struct space_object *object, enum space_part_id delta)
{
	static const struct {
		enum space_part_id delta, hologram;
	} tower[] = {
		{ ESCROWED_EXPORT, ESCROWED_EXPORT_HOLOGRAM },
		{ UNCONFIRMED_EXPORT, UNCONFIRMED_EXPORT_HOLOGRAM },
		{ SPACE_PARTS, SYNCHRONIZED_HOLOGRAM },
	};
	size_t i = delta == UNAPPLIED_EXPORT ? 0 : delta == ESCROWED_EXPORT ? 1 : 2;

	for (; i < COUNT_OF(tower); i++) {
		if (is_there(object, tower[i].hologram))
			return tower[i].hologram;
		if (tower[i].delta != SPACE_PARTS && is_there(object, tower[i].delta))
			return SPACE_PARTS;
	}
	return SPACE_PARTS;
}

static enum space_part_id part_above(const struct space_object *object, enum space_part_id delta)
{
	enum space_part_id above = delta == UNCONFIRMED_EXPORT ? UNCONFIRMED_EXPORT_HOLOGRAM
		: delta == ESCROWED_EXPORT                     ? ESCROWED_EXPORT_HOLOGRAM
							       : UNAPPLIED_EXPORT_HOLOGRAM;

	return is_there(object, above) ? above : SPACE_PARTS;
}

/* Nothing shows what an import that is not synchronised yet left of the value below. */
static bool is_below_known(const struct step *step, const struct space_attribute *attribute)
{
	const struct space_object *object = step->object;
	const struct space_part *import = &object->parts[PENDING_IMPORT];

	if (step->created)
		return true;
	if (step->below == SPACE_PARTS)
		return false;
	for (uint32_t i = import->first; i < import->first + import->count; i++)
		if (span_equal(space_text(object, object->attributes[i].name),
			    space_text(object, attribute->name)))
			return false;
	return true;
}

/* The same attribute in another part. */
static const struct space_attribute *same_in(
	const struct step *step, enum space_part_id id, const struct space_attribute *attribute)
{
	const struct space_object *object = step->object;
	const struct space_part *part;

	if (id == SPACE_PARTS)
		return NULL;
	if (attribute->row)
		return space_find(object, id, attribute->row);
	part = &object->parts[id];
	for (uint32_t i = part->first; i < part->first + part->count; i++)
		if (span_equal(space_text(object, object->attributes[i].name),
			    space_text(object, attribute->name)))
			return &object->attributes[i];
	return NULL;
}

/* ---- adding ------------------------------------------------------------------------- */

static bool add_fact(struct step *step, struct error *err)
{
	struct space_report *report = step->space->report;

	if (step->fact.source == FROM_FORECAST)
		report->forecast++;
	else
		report->facts++;
	return !step->space->import->evidence ||
		evidence_add_fact(step->space->import->evidence, &step->fact, err);
}

static void set_fact(struct step *step, enum fact_operation operation)
{
	step->fact.operation = operation;
	step->fact.attribute = NULL;
	step->fact.attribute_name = NULL;
	step->fact.old_known = step->fact.new_known = false;
	step->fact.old_value = step->fact.new_value = SPAN_NONE;
}

static bool add_object_fact(struct step *step, enum fact_operation operation, struct error *err)
{
	set_fact(step, operation);
	return add_fact(step, err);
}

/* ---- one element -------------------------------------------------------------------- */

static bool add_element(struct step *step, const struct space_attribute *attribute,
	struct span text, bool removed, struct error *err)
{
	struct buf *json = removed ? &step->old_json : &step->new_json;

	buf_cut(json, 0);
	if (!space_add_json(json, text, attribute->row, err))
		return false;
	set_fact(step, removed ? FACT_REMOVE : FACT_ADD);
	step->fact.attribute = attribute->row;
	step->fact.old_known = removed;
	step->fact.new_known = !removed;
	step->fact.old_value = removed ? buf_span(json) : SPAN_NONE;
	step->fact.new_value = removed ? SPAN_NONE : buf_span(json);
	return add_fact(step, err);
}

static bool add_reference(struct step *step, const struct space_attribute *attribute,
	const struct space_value *value, bool removed, struct error *err)
{
	char id[ID_BYTES + 1];

	if (!value->has_id) {
		space_note(step->space, SPACE_NO_REFERENCE, step->object,
			space_text(step->object, value->text));
		return true;
	}
	id_text(value->id, id);
	return add_element(step, attribute, (struct span){ id, ID_BYTES }, removed, err);
}

static int id_order(const void *left, const void *right)
{
	return memcmp(((const struct space_value *)left)->id,
		((const struct space_value *)right)->id, ID_BINARY_BYTES);
}

/* Those that are in one of the two and not in the other. Both have ids. */
static bool add_those_not_in(struct step *step, const struct space_attribute *attribute,
	const struct space_attribute *other, bool removed, struct error *err)
{
	size_t count = other ? other->count : 0;
	CLEANUP(memory_freep)
	struct space_value *sorted = memory_array(count + 1, sizeof(*sorted));
	const struct space_value *values = step->object->values;

	if (count)
		memcpy(sorted, values + other->first, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), id_order);
	for (uint32_t i = 0; i < attribute->count; i++) {
		const struct space_value *value = &values[attribute->first + i];

		if (value->has_id && bsearch(value, sorted, count, sizeof(*sorted), id_order))
			continue;
		if (!add_reference(step, attribute, value, removed, err))
			return false;
	}
	return true;
}

/* A relation: members, one by one. */
static bool add_relation(
	struct step *step, const struct space_attribute *attribute, struct error *err)
{
	const struct space_attribute *below = same_in(step, step->below, attribute);
	const struct space_value *values = step->object->values;

	if (attribute->operation == OPERATION_DELETE)
		return !below || add_those_not_in(step, below, NULL, true, err);
	if (attribute->operation != OPERATION_UPDATE)
		return add_those_not_in(step, attribute, below, false, err) &&
			(!below || add_those_not_in(step, below, attribute, true, err));
	for (uint32_t i = attribute->first; i < attribute->first + attribute->count; i++)
		if (!add_reference(step, attribute, &values[i], values[i].deleted, err))
			return false;
	return true;
}

/* ---- one attribute ------------------------------------------------------------------ */

static bool load_below(
	struct step *step, const struct space_attribute *attribute, struct error *err)
{
	const struct space_attribute *below = same_in(step, step->below, attribute);

	space_set_clear(&step->old_set);
	return !below || space_set_load(&step->old_set, step->object, below, VALUES_STANDING, err);
}

void step_copy_set(struct space_set *to, const struct space_set *from)
{
	for (size_t i = 0; i < from->count; i++)
		space_set_add(to, space_set_get(from, i));
}

/* The values after an update: those below, with what the delta takes away and adds. */
static bool merge(struct step *step, const struct space_attribute *attribute, struct error *err)
{
	step_copy_set(&step->new_set, &step->old_set);
	space_set_clear(&step->changed);
	if (!space_set_load(&step->changed, step->object, attribute, VALUES_DELETED, err))
		return false;
	for (size_t i = 0; i < step->changed.count; i++)
		space_set_remove(&step->new_set, space_set_get(&step->changed, i));
	space_set_clear(&step->changed);
	if (!space_set_load(&step->changed, step->object, attribute, VALUES_STANDING, err))
		return false;
	step_copy_set(&step->new_set, &step->changed);
	return true;
}

bool step_load_after(struct step *step, const struct space_attribute *attribute, bool below_known,
	bool *known, struct error *err)
{
	const struct space_attribute *above = same_in(step, step->above, attribute);
	bool one = attribute->row && attribute->row->shape == SHAPE_ONE;

	*known = true;
	space_set_clear(&step->new_set);
	if (attribute->operation == OPERATION_DELETE)
		return true;
	if (above)
		return space_set_load(&step->new_set, step->object, above, VALUES_STANDING, err);
	if (attribute->operation != OPERATION_UPDATE || one)
		return space_set_load(
			&step->new_set, step->object, attribute, VALUES_STANDING, err);
	*known = below_known;
	return !below_known || merge(step, attribute, err);
}

bool step_add_set_fact(struct step *step, const struct attribute *row, const char *name,
	bool old_known, struct error *err)
{
	buf_cut(&step->old_json, 0);
	buf_cut(&step->new_json, 0);
	if (!space_set_add_json(&step->new_json, &step->new_set, row, err) ||
		(old_known && !space_set_add_json(&step->old_json, &step->old_set, row, err)))
		return false;
	set_fact(step, FACT_SET);
	step->fact.attribute = row;
	step->fact.attribute_name = name;
	step->fact.old_known = old_known;
	step->fact.new_known = true;
	step->fact.old_value = old_known ? buf_span(&step->old_json) : SPAN_NONE;
	step->fact.new_value = buf_span(&step->new_json);
	return add_fact(step, err);
}

/* It was written, and nothing tells what it became. */
static bool add_named_fact(
	struct step *step, const struct attribute *row, const char *name, struct error *err)
{
	set_fact(step, FACT_NAMED);
	step->fact.attribute = row;
	step->fact.attribute_name = name;
	return add_fact(step, err);
}

static bool add_elements_of(struct step *step, const struct space_attribute *attribute,
	enum space_which which, struct error *err)
{
	space_set_clear(&step->changed);
	if (!space_set_load(&step->changed, step->object, attribute, which, err))
		return false;
	for (size_t i = 0; i < step->changed.count; i++) {
		struct span text = space_set_get(&step->changed, i);

		if (attribute->row->compare == COMPARE_ADDRESSES && !space_address_is_taken(text))
			continue;
		if (!add_element(step, attribute, text, which == VALUES_DELETED, err))
			return false;
	}
	return true;
}

/* An update on unknown ground: each element that it takes away and adds. */
bool step_add_elements(
	struct step *step, const struct space_attribute *attribute, struct error *err)
{
	return add_elements_of(step, attribute, VALUES_DELETED, err) &&
		add_elements_of(step, attribute, VALUES_STANDING, err);
}

static bool has_unresolved(const struct step *step, const struct space_attribute *attribute)
{
	for (uint32_t i = 0; attribute->type == SPACE_REFERENCE && i < attribute->count; i++) {
		const struct space_value *value = &step->object->values[attribute->first + i];

		if (value->has_id)
			continue;
		space_note(step->space, SPACE_NO_REFERENCE, step->object,
			space_text(step->object, value->text));
		return true;
	}
	return false;
}

static bool add_values(
	struct step *step, const struct space_attribute *attribute, struct error *err)
{
	struct span text = space_text(step->object, attribute->name);
	CLEANUP(memory_freep) char *recorded = memory_text_span(text.data, text.length);
	const char *name = attribute->row ? NULL : recorded;
	bool below_known = is_below_known(step, attribute), known;

	if (!attribute->row && step->fact.source != FROM_DIRECTORY_SPACE)
		space_note(step->space, SPACE_OTHER_NAME, step->object, text);
	if (has_unresolved(step, attribute))
		return add_named_fact(step, attribute->row, name, err);
	if (!load_below(step, attribute, err) ||
		!step_load_after(step, attribute, below_known, &known, err))
		return false;
	if (known)
		return step_add_set_fact(step, attribute->row, name, below_known, err);
	if (attribute->row)
		return step_add_elements(step, attribute, err);
	return add_named_fact(step, NULL, name, err);
}

/* ---- a delta ------------------------------------------------------------------------ */

static bool is_relation(const struct attribute *row)
{
	return row && row->type == TYPE_REFERENCE && row->shape == SHAPE_SET;
}

static bool add_attributes(struct step *step, struct error *err)
{
	const struct space_object *object = step->object;
	struct mail_change change = {
		.mail_row = attribute_find(object->kind, SPAN_LITERAL("mail")),
		.addresses_row = attribute_find(object->kind, SPAN_LITERAL("proxyAddresses")),
	};

	for (uint32_t i = 0; i < step->delta->count; i++) {
		const struct space_attribute
			*attribute = &object->attributes[step->delta->first + i];

		if (attribute->row && attribute->row == change.mail_row)
			change.mail = attribute;
		else if (attribute->row && attribute->row == change.addresses_row)
			change.addresses = attribute;
		else if (!(is_relation(attribute->row) ? add_relation(step, attribute, err)
						       : add_values(step, attribute, err)))
			return error_prefix(
				err, "%.*s", SPAN_FORMAT(space_text(object, attribute->name)));
	}
	if (!change.mail && !change.addresses)
		return true;
	return step_add_mail_and_addresses(step, &change, err) ||
		error_prefix(err, "proxyAddresses");
}

static bool add_facts(struct step *step, struct error *err)
{
	enum space_operation operation = step->delta->operation;
	bool deleted = operation == OPERATION_DELETE || operation == OPERATION_DELETE_ADD;

	step->created = operation == OPERATION_ADD || operation == OPERATION_DELETE_ADD;
	if (deleted && !add_object_fact(step, FACT_DELETE, err))
		return false;
	if (step->created && !add_object_fact(step, FACT_CREATE, err))
		return false;
	return operation == OPERATION_DELETE || add_attributes(step, err);
}

/* A forecast has no time of its own: it was true when the object was last touched. */
static int64_t time_of(
	const struct space *space, const struct space_object *object, enum fact_source source)
{
	int64_t when_ms = object->exported_ms;

	if (source == FROM_FORECAST && object->imported_ms > when_ms)
		when_ms = object->imported_ms;
	return when_ms == TIME_NONE ? space->import->written_ms : when_ms;
}

static void note_time(struct space_report *report, int64_t when_ms)
{
	if (report->first_export_ms == TIME_NONE || when_ms < report->first_export_ms)
		report->first_export_ms = when_ms;
	if (when_ms > report->last_export_ms)
		report->last_export_ms = when_ms;
}

static bool add_delta(struct space *space, const struct space_object *object, enum space_part_id id,
	enum fact_source source, struct error *err)
{
	static const struct writer nobody = { .name = NULL };
	CLEANUP(step_release)
	struct step step = {
		.space = space,
		.object = object,
		.delta = &object->parts[id],
		.below = part_below(object, id),
		.above = part_above(object, id),
		.reference = BUF_UP_TO(SPACE_TEXT_MAX),
		.old_json = BUF_UP_TO(SPACE_VALUE_MAX),
		.new_json = BUF_UP_TO(SPACE_VALUE_MAX),
		.old_set = SPACE_SET,
		.new_set = SPACE_SET,
		.changed = SPACE_SET,
	};
	int64_t when_ms = time_of(space, object, source);

	if (when_ms == TIME_NONE) {
		space_note(space, SPACE_NO_TIME, object, SPAN_NONE);
		return true;
	}
	if (source != FROM_FORECAST)
		note_time(space->report, when_ms);
	buf_addf(&step.reference, "%s ", space->file);
	buf_add_span(&step.reference, space_text(object, object->dn));
	step.fact = (struct fact){
		.when_ms = when_ms,
		.source = source,
		.who = space->import->who ? space->import->who : &nobody,
		.kind = object->kind,
		.id = object->id_text,
		.reference = buf_text(&step.reference),
	};
	return add_facts(&step, err);
}

bool space_add_delta(struct space *space, const struct space_object *object, enum space_part_id id,
	enum fact_source source, struct error *err)
{
	return !is_there(object, id) || object->parts[id].operation == OPERATION_NONE ||
		add_delta(space, object, id, source, err);
}
