/*
 * What a step can't do by itself, and what it has to know of its object besides its value: where it
 * stands in Active Directory, and whether its mail address follows from its addresses.
 */
#include "base/scan.h"
#include "base/text.h"
#include "rollback/plan_internal.h"

/* ---- Active Directory ------------------------------------------------------------------------ */

static const char *text_of(struct plan *plan, const struct object *object, const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);

	value_add_text(&text, object_get_named(object, name));
	/* A NUL would end the text too early: then it is not known. */
	if (!text.length || text.overflowed || memchr(text.data, '\0', text.length))
		return NULL;
	return plan_keep_span(plan, buf_span(&text));
}

void plan_name_in_directory(struct plan *plan, struct plan_step *step, const struct object *object)
{
	if (!object)
		return;
	step->distinguished_name = text_of(plan, object, "onPremisesDistinguishedName");
	step->security_identifier = text_of(plan, object, "onPremisesSecurityIdentifier");
}

/* ---- Exchange Online ------------------------------------------------------------------------- */

static bool is_for_exchange(const struct draft *draft, const char *attribute)
{
	return draft->step.door == DOOR_EXCHANGE && draft->step.operation == GRAPH_SET &&
		!draft->cause && strcmp(draft->step.attribute->name, attribute) == 0;
}

/* True when the address becomes the primary one by the other draft. */
static bool makes_primary(const struct draft *draft, struct span address)
{
	struct span addresses = draft->step.to, element;
	struct scan scan = scan_open(addresses);

	while (addresses.data && scan_element(&scan, &element)) {
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
		struct address found;

		value_add_text(&text, element);
		found = address_parse(buf_span(&text));
		if (found.primary && text_compare_caseless(found.value, address) == 0)
			return true;
	}
	return false;
}

static bool follows(const struct draft *drafts, size_t count, size_t index)
{
	const struct draft *draft = &drafts[index];
	CLEANUP(buf_release) struct buf mail = BUF_UP_TO(DIRECTORY_LINE_MAX);

	value_add_text(&mail, draft->step.to);
	/* The drafts of one object lie together. */
	while (index && strcmp(drafts[index - 1].step.id, draft->step.id) == 0)
		index--;
	for (; index < count && strcmp(drafts[index].step.id, draft->step.id) == 0; index++) {
		if (is_for_exchange(&drafts[index], "proxyAddresses") &&
			makes_primary(&drafts[index], buf_span(&mail)))
			return true;
	}
	return false;
}

void drafts_follow_addresses(struct draft *drafts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_for_exchange(&drafts[i], "mail") || follows(drafts, count, i))
			continue;
		drafts[i].cause = "Exchange Online masters it: it follows from the primary "
				  "address, which no step of this plan makes so.";
		drafts[i].by_hand = true;
	}
}
