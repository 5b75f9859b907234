/* A delta being told as facts: what space_facts.c and space_facts_mail.c share. */
#pragma once

#include "imports/space_internal.h"

/* A delta and what it stands between. */
struct step {
	struct space *space;
	const struct space_object *object;
	const struct space_part *delta;
	enum space_part_id id;
	enum space_part_id below, above; /* holograms; SPACE_PARTS: none is printed */
	bool created;                    /* there was nothing below */
	struct fact fact;
	struct buf reference, old_json, new_json;
	struct space_set old_set, new_set, changed;
};

/* ---- space_facts.c -------------------------------------------------------------------- */

void step_copy_set(struct space_set *to, const struct space_set *from);
/*
 * The values after it, into `new_set`. `*known` is false where an update stands on nothing that is
 * printed.
 */
MUST_CHECK bool step_load_after(struct step *step, const struct space_attribute *attribute,
	bool below_known, bool *known, struct error *err);
/* The attribute became what `new_set` holds, from what `old_set` holds. `name`: where there is no row. */
MUST_CHECK bool step_add_set_fact(struct step *step, const struct attribute *row, const char *name,
	bool old_known, struct error *err);
MUST_CHECK bool step_add_elements(
	struct step *step, const struct space_attribute *attribute, struct error *err);

/* ---- space_facts_mail.c --------------------------------------------------------------- */

/*
 * Mail and addresses are computed from one another (facts 4.5), so that writing either can change
 * both. `mail` is as given; what Graph shows is the primary address where there is one.
 */
struct mail_change {
	const struct attribute *mail_row, *addresses_row;
	const struct space_attribute *mail, *addresses; /* in the delta, or NULL */
	struct span old_mail, new_mail;
	bool old_known, new_known;
};

MUST_CHECK bool step_add_mail_and_addresses(
	struct step *step, struct mail_change *change, struct error *err);
