/* The run of the production server, and what must have changed afterwards: "<stem>-sync.txt". */
#include "base/text.h"
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
}

void handoff_add_sync(struct buf *out, const struct plan *plan)
{
	const char *last = NULL;

	handoff_add_title(out, plan, "The run of the production server");
	buf_add_text(out, sync_run);
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->door != DOOR_SYNC)
			continue;
		add_sync_step(out, step, !last || strcmp(last, step->id) != 0);
		last = step->id;
	}
}
