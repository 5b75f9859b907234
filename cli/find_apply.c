/*
 * What putting it back takes, before anything is planned: the same plan is made as `unstage plan` makes,
 * forecast, and thrown away. What stops a plan from being made stops nothing here; it is said.
 */
#include "cli/find.h"
#include "cli/plan_file.h"

#include "base/scan.h"
#include "base/text.h"

/* Only what Graph writes takes requests: where all that goes back goes by other doors, there are none. */
static bool foretell(const struct comparison *comparison, const char *profile_name,
	struct plan_forecast *forecast, struct error *err)
{
	const struct plan_options options = {
		.findings = comparison->findings,
		.base = comparison->base,
		.live = comparison->live,
		.evidence = comparison->evidence,
		.decisions = comparison->decisions,
		.now_ms = time_now_ms(),
		.tenant_name = "",
	};
	const struct findings_summary *summary = findings_summary(comparison->findings);
	CLEANUP(plan_freep) struct plan *plan = NULL;

	*forecast = (struct plan_forecast){ 0 };
	if (summary->by_verdict[VERDICT_REVERT] && !summary->by_door[DOOR_GRAPH])
		return true;
	if (!findings_check_decisions(comparison->findings, err))
		return false;
	plan = plan_new(&options, err);
	return plan && plan_forecast_of(plan, profile_name, forecast, err);
}

void screen_apply(
	struct screen *screen, const struct comparison *comparison, const char *profile_name)
{
	struct plan_forecast forecast;
	struct error err = { 0 };

	screen_addf(screen, STYLE_BOLD, "  apply:  ");
	if (!foretell(comparison, profile_name, &forecast, &err)) {
		screen_addf(screen, STYLE_YELLOW, "how long it takes is not known:\n          ");
		screen_paragraph(screen, STYLE_YELLOW, span_of(err.text), 10);
		return;
	}
	if (!forecast.writes) {
		screen_addf(screen, STYLE_PLAIN, "nothing for unstage to write\n");
		return;
	}
	screen_addf(screen, STYLE_PLAIN, "%llu writes in %llu requests, about ",
		(unsigned long long)forecast.writes, (unsigned long long)forecast.requests);
	screen_forecast_duration(screen, forecast.lasts_ms);
	screen_addf(screen, STYLE_PLAIN, " at %.0f %% of the write quota\n", 100 * forecast.share);
}

void screen_apply_json(
	struct screen *screen, const struct comparison *comparison, const char *profile_name)
{
	struct plan_forecast forecast;
	struct error err = { 0 };

	screen_addf(screen, STYLE_PLAIN, ",\"apply\":{");
	if (foretell(comparison, profile_name, &forecast, &err)) {
		screen_addf(screen, STYLE_PLAIN, "\"batches\":%llu,\"lastsMs\":%lld,",
			(unsigned long long)forecast.batches, (long long)forecast.lasts_ms);
		screen_requests_json(screen, &forecast);
	} else {
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(2 * sizeof(err.text));

		text_printable(&text, span_of(err.text));
		screen_addf(screen, STYLE_PLAIN, "\"unknown\":");
		scan_quote(buf_span(&text), &screen->text);
	}
	screen_addf(screen, STYLE_PLAIN, "}");
}
