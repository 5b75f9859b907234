/*
 * What a delta made of mail and addresses: writing either can change both, so they are told together.
 */
#include "imports/space_step.h"

static struct span one_text(const struct step *step, const struct space_attribute *attribute)
{
	if (!attribute || !attribute->count || attribute->type != SPACE_STRING)
		return SPAN_NONE;
	/* Of an update with a value taken away and one added, what is added comes last. */
	return space_text(
		step->object, step->object->values[attribute->first + attribute->count - 1].text);
}

static struct span mail_below(const struct step *step, const struct mail_change *change)
{
	return step->below == SPACE_PARTS
		? SPAN_NONE
		: one_text(step, space_find(step->object, step->below, change->mail_row));
}

static bool is_row_below_known(const struct step *step, const struct attribute *row)
{
	const struct space_attribute *import = space_find(step->object, PENDING_IMPORT, row);

	return step->created || (step->below != SPACE_PARTS && !import);
}

static bool load_addresses(struct step *step, struct mail_change *change, struct error *err)
{
	const struct space_attribute *below = step->below == SPACE_PARTS || step->created
		? NULL
		: space_find(step->object, step->below, change->addresses_row);

	space_set_clear(&step->old_set);
	space_set_clear(&step->new_set);
	change->old_mail = step->created ? SPAN_NONE : mail_below(step, change);
	change->new_mail = change->old_mail;
	if (change->mail)
		change->new_mail = change->mail->operation == OPERATION_DELETE
			? SPAN_NONE
			: one_text(step, change->mail);
	change->old_known = is_row_below_known(step, change->addresses_row) &&
		is_row_below_known(step, change->mail_row);
	change->new_known = change->old_known;
	if (below && !space_set_load(&step->old_set, step->object, below, VALUES_STANDING, err))
		return false;
	if (change->addresses)
		return step_load_after(
			step, change->addresses, change->old_known, &change->new_known, err);
	step_copy_set(&step->new_set, &step->old_set);
	return true;
}

static bool same_sets(const struct space_set *a, const struct space_set *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!space_set_has(b, space_set_get(a, i)))
			return false;
	return true;
}

static struct span shown_mail(const struct space_set *addresses, struct span mail)
{
	struct span primary = space_addresses_primary(addresses);

	return primary.data ? primary : mail;
}

static void replace_by(struct space_set *set, struct span text)
{
	CLEANUP(buf_release) struct buf kept = BUF_UP_TO(SPACE_VALUE_MAX);

	buf_add_span(&kept, text);
	space_set_clear(set);
	if (text.data)
		space_set_add(set, buf_span(&kept));
}

static bool add_mail_fact(struct step *step, const struct mail_change *change, struct error *err)
{
	struct span old_mail = shown_mail(&step->old_set, change->old_mail);
	struct span new_mail = shown_mail(&step->new_set, change->new_mail);

	if (!change->mail &&
		(!change->old_known || !change->new_known || span_equal(old_mail, new_mail)))
		return true;
	replace_by(&step->old_set, old_mail);
	replace_by(&step->new_set, new_mail);
	return step_add_set_fact(step, change->mail_row, NULL, change->old_known, err);
}

bool step_add_mail_and_addresses(struct step *step, struct mail_change *change, struct error *err)
{
	bool changed;

	if (!load_addresses(step, change, err))
		return false;
	if (change->addresses && !change->new_known)
		return step_add_elements(step, change->addresses, err) &&
			(!change->mail || add_mail_fact(step, change, err));
	space_addresses_compute(&step->old_set, change->old_mail);
	space_addresses_compute(&step->new_set, change->new_mail);
	changed = change->addresses ||
		(change->old_known && !same_sets(&step->old_set, &step->new_set));
	if (changed &&
		!step_add_set_fact(step, change->addresses_row, NULL, change->old_known, err))
		return false;
	return add_mail_fact(step, change, err);
}
