/*
 * Paragraphs for what only a person can do: what, why, from what to what, how, how to check.
 *
 * One line of printable text each, names and values included, so that whoever shows it can't
 * be harmed by it and wraps it as he likes.
 */
#include "base/text.h"
#include "rollback/plan_internal.h"

enum { VALUE_SHOWN_MAX = 8 << 10, PARAGRAPH_MAX = 1 << 20 };

/* "Put back proxyAddresses of" …, by operation. */
static const char *const what_to_do[GRAPH_OPERATION_COUNT] = {
	[GRAPH_SET] = "Put back a value of",
	[GRAPH_RESTORE] = "Restore",
	[GRAPH_REMOVE] = "Delete",
	[GRAPH_ADD_MEMBER] = "Add a member to",
	[GRAPH_REMOVE_MEMBER] = "Remove a member from",
	[GRAPH_ADD_OWNER] = "Add an owner to",
	[GRAPH_REMOVE_OWNER] = "Remove an owner from",
	[GRAPH_SET_MANAGER] = "Put back the manager of",
	[GRAPH_CLEAR_MANAGER] = "Clear the manager of",
};

/* How, for what Exchange Online masters (facts 7.1), by kind. */
static const char *const by_exchange[KIND_COUNT] = {
	[KIND_USER] =
		"In Exchange Online PowerShell use Set-Mailbox (Set-MailUser for a mail user) with "
		"this id as -Identity;",
	[KIND_GROUP] =
		"In Exchange Online PowerShell use Set-UnifiedGroup for a Microsoft 365 group, or "
		"Set-DistributionGroup for another, with this id as -Identity;",
	[KIND_CONTACT] =
		"In Exchange Online PowerShell use Set-MailContact with this id as -Identity;",
};

/* Printable, and cut where it is long: the step has the whole value. */
static void add_shown(struct buf *out, struct span text)
{
	size_t shown = text.length;

	if (!text.data) {
		buf_add_text(out, "nothing");
		return;
	}
	if (shown > VALUE_SHOWN_MAX) {
		/* Not inside a character: those bytes begin with 10. */
		for (shown = VALUE_SHOWN_MAX; shown && ((uint8_t)text.data[shown] & 0xc0) == 0x80;)
			shown--;
	}
	text_printable(out, (struct span){ text.data, shown });
	if (shown < text.length)
		buf_addf(out, " … (%zu bytes more, whole in the plan's step)", text.length - shown);
}

static void add_what(struct buf *out, const struct plan_step *step)
{
	buf_addf(out, "%s the %s ", what_to_do[step->operation], step->kind->name);
	add_shown(out, span_of(step->name));
	buf_addf(out, " (%s)", step->id);
	if (step->target)
		buf_addf(out, "; whom: %s", step->target);
	if (step->operation == GRAPH_SET) {
		buf_addf(out, ": %s is ", step->attribute->name);
		add_shown(out, step->from);
		buf_add_text(out, " and should be ");
		add_shown(out, step->to);
	} else if (step->operation == GRAPH_CLEAR_MANAGER) {
		buf_add_text(out, ": it is ");
		add_shown(out, step->from);
	}
	buf_add_text(out, ".");
}

static void add_exchange(struct buf *out, const struct plan_step *step)
{
	bool addresses = step->attribute &&
		(step->attribute->compare == COMPARE_ADDRESSES ||
			strcmp(step->attribute->name, "mail") == 0);

	buf_addf(out, " How: %s ", by_exchange[step->kind->id]);
	buf_add_text(out,
		addresses
			? "-EmailAddresses takes the whole list, one value an address, \"SMTP:\" in capitals "
			  "for the one primary address and \"smtp:\" for the others; mail follows the primary "
			  "address."
			: "the parameter is named like the attribute (-CustomAttribute1 for "
			  "extensionAttribute1).");
}

static void add_directory(struct buf *out, const struct plan_step *step)
{
	const char *name = step->attribute ? step->attribute->sync_name : NULL;

	buf_add_text(out, " How: correct it in on-premises Active Directory");
	if (name)
		buf_addf(out, " (the sync engine calls the attribute %s)", name);
	buf_add_text(out,
		", with the tools your organisation uses there, and let the production "
		"server run a delta cycle (Start-ADSyncSyncCycle -PolicyType Delta).");
}

static void add_anchor(struct buf *out, const struct plan_step *step)
{
	buf_addf(out,
		" How: on the production server, Export-ADSyncToolsAadDisconnectors lists it "
		"with the CloudAnchor %c%s_%s; hand that row, and no other, to "
		"Remove-ADSyncToolsAadObject -InputCsvFilename, first with -WhatIf.",
		step->kind->name[0] - 'a' + 'A', step->kind->name + 1, step->id);
}

static void add_how(struct buf *out, const struct plan_step *step, enum door door)
{
	switch (door) {
	case DOOR_EXCHANGE:
		add_exchange(out, step);
		break;
	case DOOR_DIRECTORY:
		add_directory(out, step);
		break;
	case DOOR_ADSYNC:
		add_anchor(out, step);
		break;
	default:
		buf_add_text(out,
			" How: an administrator of this object puts it back where it is "
			"mastered; for a synced object that is Active Directory or a rule of the "
			"production server, for others the Entra admin center.");
	}
}

/* Whoever comes too early is refused, or finds a value that others still change. */
static void add_first(struct buf *out, const struct plan_step *step)
{
	for (size_t i = 0; i < step->after_count; i++)
		buf_addf(out, "%s%zu",
			!i ? step->after_count > 1 ? " First: steps " : " First: step "
				: i + 1 < step->after_count ? ", "
							    : " and ",
			step->after[i]);
	if (step->after_count)
		buf_addf(out, " must be done; `unstage status` tells.");
}

const char *manual_paragraph(struct plan *plan, const struct plan_step *step, const char *cause)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(PARAGRAPH_MAX);

	add_what(&text, step);
	buf_add_text(&text, " Why: ");
	add_shown(&text, span_of(step->why));
	if (text.length && text.data[text.length - 1] != '.')
		buf_add_byte(&text, '.');
	buf_addf(&text, " Why by hand: %s", cause);
	add_first(&text, step);
	add_how(&text, step, step->door);
	buf_add_text(&text,
		" Check: `unstage status` with this plan reads the object again and says "
		"whether this stands there.");
	return plan_keep_span(plan, buf_span(&text));
}
