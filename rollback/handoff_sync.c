/* The run of the production server, and what must have changed afterwards: "<stem>-sync.txt". */
#include "base/text.h"
#include "base/time.h"
#include "rollback/handoff_internal.h"

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
	"    spread it. Files named directory.ps1 and directory.ldif beside this plan do, where there are.\n"
	" 5. Import and synchronise, without exporting yet.\n"
	"      Set-ADSyncScheduler -SyncCycleEnabled $false\n"
	"      Invoke-ADSyncRunProfile -ConnectorName \"<tenant> - AAD\" -RunProfileName \"Delta Import\"\n"
	"      Invoke-ADSyncRunProfile -ConnectorName \"<forest>\" -RunProfileName \"Delta Import\"\n"
	"      Invoke-ADSyncRunProfile -ConnectorName \"<forest>\" -RunProfileName \"Delta Synchronization\"\n"
	"      Invoke-ADSyncRunProfile -ConnectorName \"<tenant> - AAD\" -RunProfileName \"Delta Synchronization\"\n"
	"    A delta brings what the cloud was changed to since its last one, and this is enough, unless\n"
	"    - its last import is more than seven days old, or its watermark is lost, or you doubt it;\n"
	"    - its rules were changed meanwhile.\n"
	"    Then use \"Full Import\" and \"Full Synchronization\" for these.\n"
	" 6. Look at what it would export, and compare it with the list below. Deletes that you don't\n"
	"    expect: stop here.\n"
	"      csexport \"<tenant> - AAD\" C:\\evidence\\production-pending.xml /f:x\n"
	"    Count them, and look up the threshold: above it the whole export stops before its first\n"
	"    delete, \"stopped-deletion-threshold-exceeded\", and writes nothing. It is the tenant's, 500\n"
	"    unless somebody changed it, and counts deletes alone: no wiped value, no disabled account.\n"
	"      Get-ADSyncExportDeletionThreshold\n";

static const char *const sync_export =
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

static const struct {
	const char *count, *step;
} next_words[FORESEEN_COUNT] = {
	[FORESEEN_UNKNOWN] = { "not told", "(not told by its connector space)" },
	[FORESEEN_BEFORE] = { "exactly what was", "production writes what was" },
	[FORESEEN_OTHER] = { "another value", "production writes" },
	[FORESEEN_DELETE] = { "lost with their object, which it deletes",
		"production deletes the object" },
};

/* What its own connector space shows that production's next export does. */
static void add_foreseen(struct buf *out, const struct plan *plan)
{
	size_t counts[FORESEEN_COUNT] = { 0 };
	char when[TIME_TEXT_BYTES];

	if (!plan->has_production)
		return;
	for (size_t i = 0; i < plan->step_count; i++)
		if (plan->steps[i].door == DOOR_SYNC)
			counts[plan->steps[i].next]++;
	buf_addf(out,
		"Beside each stands what its next export makes of it, as its connector space of\n"
		"%s shows:",
		time_text(plan->production_ms, when));
	for (size_t i = 0, said = 0; i < FORESEEN_COUNT; i++)
		if (counts[i])
			buf_addf(out, "%s %zu %s", said++ ? "," : "", counts[i],
				next_words[i].count);
	buf_add_text(out, ".\n");
}

/* By whose word a value goes through production at all. */
static void add_rules(struct buf *out, const struct plan *plan)
{
	char when[TIME_TEXT_BYTES];

	buf_add_text(out, "That production flows these values is said by ");
	if (!plan->rules_server) {
		buf_add_text(out, "the default rules: its configuration was\nnot imported.\n");
		return;
	}
	buf_add_text(out, "the configuration of ");
	handoff_add_printable(out, plan->rules_server);
	if (plan->rules_ms != TIME_NONE)
		buf_addf(out, ",\nexported %s", time_text(plan->rules_ms, when));
	buf_add_text(out, ".\n");
}

/* What counts against the threshold (facts 8): deletes that an export makes, ours or not. */
static void add_deletes(struct buf *out, const struct plan *plan)
{
	size_t deletes = 0, all;
	char when[TIME_TEXT_BYTES];

	for (size_t i = 0; i < plan->step_count; i++)
		deletes += plan->steps[i].door == DOOR_SYNC &&
			plan->steps[i].operation == GRAPH_REMOVE;
	all = deletes + plan->production_deletes;
	if (plan->has_production)
		buf_addf(out,
			"    Its connector space of %s has %zu deletes pending, whatever\n"
			"    this plan wants.\n",
			time_text(plan->production_ms, when), plan->production_deletes);
	buf_addf(out, "    Of this plan %zu deletes are the export's%s.\n", deletes,
		all > DELETION_THRESHOLD ? plan->has_production
				? ": in all more than 500, so the export will stop"
				: ": more than 500, so the export will stop"
					 : "");
	if (plan->by_door[DOOR_ADSYNC])
		buf_addf(out,
			"    Another %zu are not: production never deletes what only the staging server made.\n"
			"    Read what it would do first; run without -WhatIf it can't be undone but for users:\n"
			"      Remove-ADSyncToolsAadObject -InputCsvFilename <plan>-adsync.csv -WhatIf\n",
			plan->by_door[DOOR_ADSYNC]);
}

static void add_sync_value(struct buf *out, const char *label, struct span value)
{
	buf_addf(out, "        %s ", label);
	if (value.data)
		text_printable(out, value);
	else
		buf_add_text(out, "nothing");
	buf_add_byte(out, '\n');
}

static void add_next(struct buf *out, const struct plan_step *step)
{
	const char *words = next_words[step->next].step;

	if (step->next == FORESEEN_OTHER)
		add_sync_value(out, words, step->next_value);
	else
		buf_addf(out, "        %s\n", words);
}

static void add_sync_step(
	struct buf *out, const struct plan *plan, const struct plan_step *step, bool new_object)
{
	if (new_object) {
		buf_addf(out, "\n  %s %s ", step->kind->name, step->id);
		handoff_add_printable(out, step->name);
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
	if (plan->has_production)
		add_next(out, step);
}

void handoff_add_sync(struct buf *out, const struct plan *plan)
{
	const char *last = NULL;

	handoff_add_title(out, plan, "The run of the production server");
	buf_add_text(out, sync_run);
	add_deletes(out, plan);
	buf_add_text(out, sync_export);
	add_rules(out, plan);
	add_foreseen(out, plan);
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->door != DOOR_SYNC)
			continue;
		add_sync_step(out, plan, step, !last || strcmp(last, step->id) != 0);
		last = step->id;
	}
}
