/*
 * The files beside a plan for those who can do what Graph refuses: a CSV for
 * Remove-ADSyncToolsAadObject, the run of the production server, paragraphs for people.
 *
 * Values of the directory are data in all of them: printable text, or a quoted cell.
 */
#include "base/file.h"
#include "base/text.h"
#include "rollback/plan_internal.h"

enum { HANDOFF_MAX = PLAN_FILE_MAX, LINE_COLUMNS = 80 };

/* ---- printable lines -------------------------------------------------------------------- */

static void add_printable(struct buf *out, const char *text)
{
	text_printable(out, span_of(text));
}

static void add_title(struct buf *out, const struct plan *plan, const char *title)
{
	buf_addf(out, "%s\n\nPlan ", title);
	add_printable(out, plan->id);
	buf_add_text(out, ", tenant ");
	add_printable(out, plan->tenant);
	if (plan->tenant_name && *plan->tenant_name) {
		buf_add_text(out, " (");
		add_printable(out, plan->tenant_name);
		buf_add_text(out, ")");
	}
	buf_add_byte(out, '\n');
}

/* ---- <stem>-adsync.csv ------------------------------------------------------------------------
 */

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

	add_printable(&shown, text);
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

static void add_adsync(struct buf *out, const struct plan *plan)
{
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		buf_addf(out, "%s\"%s\"", i ? "," : "", columns[i]);
	buf_add_text(out, "\r\n");
	for (size_t i = 0; i < plan->step_count; i++) {
		if (plan->steps[i].door == DOOR_ADSYNC)
			add_adsync_row(out, &plan->steps[i]);
	}
}

/* ---- <stem>-sync.txt ----------------------------------------------------------------------------
 */

/* The order of recovery (facts 7.5). Connector names are the reader's: we never saw them. */
static const char *const sync_run =
	"\n"
	"On the staging server\n"
	"\n"
	" 1. Stop it, and do not let it import: an import eats the evidence of what it exported.\n"
	"      Stop-ADSyncSyncCycle\n"
	"      Set-ADSyncScheduler -SyncCycleEnabled $false\n"
	"      Stop-ADSyncRunProfile\n"
	"    Do not uninstall it. If it is out of reach, block the sign-in of its Sync_ account.\n"
	" 2. Keep what it knows, without a filter, for its Entra and its AD connectors:\n"
	"      csexport \"<tenant> - AAD\" C:\\evidence\\staging-all.xml\n"
	" 3. Put it back in staging mode with the wizard, with \"start the synchronization process when\n"
	"    configuration completes\" not ticked.\n"
	"\n"
	"On the production server\n"
	"\n"
	" 4. Keep what it knows now: it still remembers what stood there before.\n"
	"      csexport \"<tenant> - AAD\" C:\\evidence\\production-all.xml\n"
	"    If the staging server also wrote into Active Directory, repair that first: production would\n"
	"    spread it.\n"
	" 5. Import and synchronise, without exporting yet.\n"
	"      Set-ADSyncScheduler -SyncCycleEnabled $false\n"
	"      Invoke-ADSyncRunProfile -ConnectorName \"<tenant> - AAD\" -RunProfileName \"Delta Import\"\n"
	"      Invoke-ADSyncRunProfile -ConnectorName \"<forest>\" -RunProfileName \"Delta Import\"\n"
	"      Invoke-ADSyncRunProfile -ConnectorName \"<forest>\" -RunProfileName \"Delta Synchronization\"\n"
	"      Invoke-ADSyncRunProfile -ConnectorName \"<tenant> - AAD\" -RunProfileName \"Delta Synchronization\"\n"
	"    When its last import is more than seven days old, or in doubt, use \"Full Import\" and \"Full\n"
	"    Synchronization\" for these.\n"
	" 6. Look at what it would export, and compare it with the list below. Deletes that you don't\n"
	"    expect: stop here.\n"
	"      csexport \"<tenant> - AAD\" C:\\evidence\\production-pending.xml /f:x\n"
	" 7. Export, and import again to confirm. Look at the export errors.\n"
	"      Invoke-ADSyncRunProfile -ConnectorName \"<tenant> - AAD\" -RunProfileName \"Export\"\n"
	"      Invoke-ADSyncRunProfile -ConnectorName \"<tenant> - AAD\" -RunProfileName \"Delta Import\"\n"
	"      Set-ADSyncScheduler -SyncCycleEnabled $true\n"
	" 8. Wait an hour for addresses in quarantine, then ask `unstage status` with this plan what is left.\n"
	"\n"
	"Never turn off directory synchronisation of the tenant for this, and never put both servers in\n"
	"staging mode.\n"
	"\n"
	"What must change\n"
	"\n"
	"The values below are those of before the accident. Production exports what Active Directory says\n"
	"today, which may rightly be newer.\n";

static void add_sync_value(struct buf *out, const char *label, struct span value)
{
	buf_addf(out, "        %s ", label);
	if (value.data)
		text_printable(out, value);
	else
		buf_add_text(out, "nothing");
	buf_add_byte(out, '\n');
}

static void add_sync_step(struct buf *out, const struct plan_step *step, bool new_object)
{
	if (new_object) {
		buf_addf(out, "\n  %s %s ", step->kind->name, step->id);
		add_printable(out, step->name);
		buf_add_byte(out, '\n');
	}
	buf_addf(out, "    step %zu: %s", step->number, graph_operation_name(step->operation));
	if (step->attribute)
		buf_addf(out, " %s", step->attribute->name);
	if (step->target)
		buf_addf(out, " %s", step->target);
	buf_add_byte(out, '\n');
	if (step->operation == GRAPH_SET) {
		add_sync_value(out, "is ", step->from);
		add_sync_value(out, "was", step->to);
	}
}

static void add_sync(struct buf *out, const struct plan *plan)
{
	const char *last = NULL;

	add_title(out, plan, "The run of the production server");
	buf_add_text(out, sync_run);
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->door != DOOR_SYNC)
			continue;
		add_sync_step(out, step, !last || strcmp(last, step->id) != 0);
		last = step->id;
	}
}

/* ---- <stem>-manual.txt -------------------------------------------------------------------------
 */

static void add_blocked(struct buf *out, const struct plan *plan)
{
	if (!plan->blocked_count)
		return;
	buf_addf(out,
		"\nLost, %zu in all: what nobody can put back as it was. These are no steps of the "
		"plan.\n",
		plan->blocked_count);
	for (size_t i = 0; i < plan->blocked_count; i++) {
		const struct plan_blocked *blocked = &plan->blocked[i];
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(HANDOFF_MAX);

		buf_addf(&text, "%s %s ", blocked->kind->name, blocked->id);
		add_printable(&text, blocked->name);
		buf_addf(&text, "%s%s: ", blocked->attribute ? ", " : "",
			blocked->attribute ? blocked->attribute->name : "");
		add_printable(&text, blocked->why);
		buf_add_byte(out, '\n');
		text_wrap(out, buf_span(&text), 0, LINE_COLUMNS);
	}
}

static void add_manual(struct buf *out, const struct plan *plan)
{
	add_title(out, plan, "What only a person can put back");
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->door != DOOR_MANUAL)
			continue;
		buf_addf(out, "\nStep %zu", step->number);
		for (size_t j = 0; j < step->after_count; j++)
			buf_addf(out, "%s%zu", j ? ", " : ", after step ", step->after[j]);
		buf_add_byte(out, '\n');
		text_wrap(out, span_of(step->manual), 0, LINE_COLUMNS);
	}
	add_blocked(out, plan);
}

/* ---- writing them ----------------------------------------------------------------------- */

static const struct handoff {
	const char *suffix;
	enum door door;
	bool with_blocked; /* written for these alone, too */
	void (*add)(struct buf *out, const struct plan *plan);
} handoffs[] = {
	{ "-adsync.csv", DOOR_ADSYNC, false, add_adsync },
	{ "-sync.txt", DOOR_SYNC, false, add_sync },
	{ "-manual.txt", DOOR_MANUAL, true, add_manual },
};

static struct span stem_of(const char *plan_path)
{
	struct span path = span_of(plan_path), ending = SPAN_LITERAL(".json");

	if (path.length > ending.length &&
		memcmp(path.data + path.length - ending.length, ending.data, ending.length) == 0)
		path.length -= ending.length;
	return path;
}

static bool save(
	const struct handoff *handoff, const struct plan *plan, const char *path, struct error *err)
{
	CLEANUP(buf_release) struct buf content = BUF_UP_TO(HANDOFF_MAX);

	handoff->add(&content, plan);
	return buf_check(&content, path, err) && file_save(path, buf_span(&content), err);
}

bool plan_write_hand_offs(const struct plan *plan, const char *plan_path,
	void (*written)(void *context, const char *path), void *context, struct error *err)
{
	struct span stem = stem_of(plan_path);

	for (size_t i = 0; i < COUNT_OF(handoffs); i++) {
		const struct handoff *handoff = &handoffs[i];
		CLEANUP(buf_release) struct buf path = BUF_UP_TO(64 << 10);

		if (!plan->by_door[handoff->door] &&
			!(handoff->with_blocked && plan->blocked_count))
			continue;
		buf_addf(&path, "%.*s%s", SPAN_FORMAT(stem), handoff->suffix);
		if (!buf_check(&path, "file name", err) ||
			!save(handoff, plan, buf_text(&path), err))
			return error_prefix(err, "hand-off file");
		if (written)
			written(context, buf_text(&path));
	}
	return true;
}
