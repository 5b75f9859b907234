/*
 * The file for Remove-ADSyncToolsAadObject: "<stem>-adsync.csv", with the columns of
 * Export-ADSyncToolsAadDisconnectors.
 */
#include "base/text.h"
#include "rollback/handoff_internal.h"

/* As Export-ADSyncToolsAadDisconnectors writes them. */
static const char *const columns[] = { "UserPrincipalName", "Mail", "SourceAnchor",
	"DistinguishedName", "CsObjectId", "ObjectType", "ConnectorId", "CloudAnchor" };

/* Cells that the tool reads: their bytes are harmless (plan_rules.c), and must stay as they are. */
static void add_machine_cell(struct buf *out, const char *text)
{
	buf_addf(out, "\"%s\"", text);
}

/* A spreadsheet takes these beginnings for a formula, also the full-width twins [T35]. */
static bool is_dangerous(struct span text)
{
	static const char *const beginnings[] = { "=", "+", "-", "@", "\t", "\r", "\n",
		"\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0" };

	for (size_t i = 0; i < COUNT_OF(beginnings); i++) {
		size_t length = strlen(beginnings[i]);

		if (text.length >= length && memcmp(text.data, beginnings[i], length) == 0)
			return true;
	}
	return false;
}

/* Cells for reading: no row can be broken by them, no formula begins in them. */
static void add_reading_cell(struct buf *out, const char *text)
{
	CLEANUP(buf_release) struct buf shown = BUF_UP_TO(HANDOFF_MAX);

	handoff_add_printable(&shown, text);
	buf_add_byte(out, '"');
	if (is_dangerous(span_of(text)))
		buf_add_byte(out, '\'');
	for (size_t i = 0; i < shown.length; i++) {
		if (shown.data[i] == '"')
			buf_add_byte(out, '"');
		buf_add_byte(out, shown.data[i]);
	}
	buf_add_byte(out, '"');
}

static void add_adsync_row(struct buf *out, const struct plan_step *step)
{
	CLEANUP(buf_release) struct buf type = BUF_UP_TO(64);
	CLEANUP(buf_release) struct buf anchor = BUF_UP_TO(128);

	/* "User", "Group", "Contact". */
	buf_addf(&type, "%c%s", step->kind->name[0] - 'a' + 'A', step->kind->name + 1);
	buf_addf(&anchor, "%s_%s", buf_text(&type), step->id);
	add_reading_cell(out, step->kind->id == KIND_USER ? step->name : "");
	buf_add_text(out, ",\"\",");
	add_machine_cell(out, step->source_anchor);
	buf_add_text(out, ",\"\",\"\",");
	add_machine_cell(out, buf_text(&type));
	buf_add_text(out, ",\"\",");
	add_machine_cell(out, buf_text(&anchor));
	buf_add_text(out, "\r\n");
}

void handoff_add_adsync(struct buf *out, const struct plan *plan)
{
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		buf_addf(out, "%s\"%s\"", i ? "," : "", columns[i]);
	buf_add_text(out, "\r\n");
	for (size_t i = 0; i < plan->step_count; i++) {
		if (plan->steps[i].door == DOOR_ADSYNC)
			add_adsync_row(out, &plan->steps[i]);
	}
}
