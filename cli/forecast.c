/* What applying a plan will take, as plan and show tell it. */
#include "base/scan.h"
#include "base/time.h"
#include "cli/plan_file.h"

bool plan_forecast_of(const struct plan *plan, const char *profile_name,
	struct plan_forecast *forecast, struct error *err)
{
	CLEANUP(profile_freep) struct profile *profile = NULL;
	double share = 0;
	int64_t run_ms;

	if (!profile_load_if_any(&profile, profile_name, err) ||
		(profile && !profile_limits(profile, &share, &run_ms, err)))
		return false;
	*forecast = plan_forecast(plan, share);
	return true;
}

void screen_forecast_duration(struct screen *screen, int64_t ms)
{
	int64_t s = (ms + 999) / 1000;

	if (s < 120)
		screen_addf(screen, STYLE_PLAIN, "%lld s", (long long)s);
	else
		screen_addf(screen, STYLE_PLAIN, "%lld min", (long long)((s + 59) / 60));
}

void plan_add_basis(struct screen *screen, const struct plan *plan)
{
	char when[TIME_TEXT_BYTES];

	if (plan->rules_server) {
		screen_addf(screen, STYLE_PLAIN, "  doors: by the configuration of ");
		screen_text(screen, STYLE_PLAIN, span_of(plan->rules_server), 0, false);
		if (plan->rules_ms != TIME_NONE)
			screen_addf(screen, STYLE_PLAIN, ", exported %s UTC",
				screen_time(plan->rules_ms, when));
		screen_addf(screen, STYLE_PLAIN, "\n");
	} else {
		screen_addf(screen, STYLE_PLAIN,
			"  doors: by the default rules; production's configuration was not imported\n");
	}
	if (!plan->has_production)
		return;
	screen_addf(screen, STYLE_PLAIN, "  production's connector space of %s UTC:\n    ",
		screen_time(plan->production_ms, when));
	screen_addf(screen, plan->production_deletes > DELETION_THRESHOLD ? STYLE_RED : STYLE_PLAIN,
		"%zu deletes pending%s\n", plan->production_deletes,
		plan->production_deletes > DELETION_THRESHOLD
			? ", more than 500: unless the threshold was raised, it exports nothing"
			: "");
}

/* How sure that is: what production's own connector space shows, or the facts about what it does. */
static void add_next(
	struct screen *screen, const struct plan *plan, const struct plan_forecast *forecast)
{
	static const struct {
		const char *text;
		enum style style;
	} rows[FORESEEN_COUNT] = {
		[FORESEEN_BEFORE] = { "written again, exactly as before", STYLE_GREEN },
		[FORESEEN_OTHER] = { "written as another value: Active Directory moved on",
			STYLE_YELLOW },
		[FORESEEN_DELETE] = { "not: production deletes the object", STYLE_RED },
		[FORESEEN_UNKNOWN] = { "not told: as production does by the facts known of it",
			STYLE_PLAIN },
	};

	if (!plan->has_production || !forecast->by_door[DOOR_SYNC])
		return;
	screen_addf(screen, STYLE_PLAIN, "    of what heals, that space shows:\n");
	for (size_t i = 0; i < FORESEEN_COUNT; i++)
		if (forecast->next[i] && rows[i].text)
			screen_addf(screen, rows[i].style, "    %6llu %s\n",
				(unsigned long long)forecast->next[i], rows[i].text);
}

bool plan_add_forecast(
	struct screen *screen, const struct plan *plan, const char *profile_name, struct error *err)
{
	struct plan_forecast forecast;

	if (!plan_forecast_of(plan, profile_name, &forecast, err))
		return false;
	screen_addf(screen, STYLE_PLAIN,
		"  forecast: %llu heal at production's next cycle; unstage apply writes %llu",
		(unsigned long long)forecast.by_door[DOOR_SYNC],
		(unsigned long long)forecast.writes);
	if (!forecast.writes) {
		screen_addf(screen, STYLE_PLAIN, "\n");
		add_next(screen, plan, &forecast);
		return true;
	}
	screen_addf(screen, STYLE_PLAIN,
		"\n    and reads %llu times, %llu batches in %llu requests: about ",
		(unsigned long long)forecast.reads, (unsigned long long)forecast.batches,
		(unsigned long long)forecast.requests);
	screen_forecast_duration(screen, forecast.lasts_ms);
	screen_addf(screen, STYLE_PLAIN, ",\n    using %.0f %% of the tenant's write quota\n",
		100 * forecast.share);
	add_next(screen, plan, &forecast);
	return true;
}

void screen_requests_json(struct screen *screen, const struct plan_forecast *forecast)
{
	screen_addf(screen, STYLE_PLAIN,
		"\"reads\":%llu,\"requests\":%llu,\"share\":%.2f,\"writes\":%llu",
		(unsigned long long)forecast->reads, (unsigned long long)forecast->requests,
		forecast->share, (unsigned long long)forecast->writes);
}

static void add_basis_json(
	struct screen *screen, const struct plan *plan, const struct plan_forecast *forecast)
{
	char when[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_PLAIN, "\"production\":");
	if (plan->has_production)
		screen_addf(screen, STYLE_PLAIN,
			"{\"at\":\"%s\",\"deletes\":%zu,\"next\":{\"before\":%llu,\"delete\":%llu,"
			"\"other\":%llu,\"unknown\":%llu}}",
			time_text(plan->production_ms, when), plan->production_deletes,
			(unsigned long long)forecast->next[FORESEEN_BEFORE],
			(unsigned long long)forecast->next[FORESEEN_DELETE],
			(unsigned long long)forecast->next[FORESEEN_OTHER],
			(unsigned long long)forecast->next[FORESEEN_UNKNOWN]);
	else
		screen_addf(screen, STYLE_PLAIN, "null");
	screen_addf(screen, STYLE_PLAIN, ",\"rules\":");
	if (!plan->rules_server) {
		screen_addf(screen, STYLE_PLAIN, "null");
		return;
	}
	screen_addf(screen, STYLE_PLAIN, "{\"server\":");
	scan_quote(span_of(plan->rules_server), &screen->text);
	if (plan->rules_ms != TIME_NONE)
		screen_addf(screen, STYLE_PLAIN, ",\"exported\":\"%s\"",
			time_text(plan->rules_ms, when));
	screen_addf(screen, STYLE_PLAIN, "}");
}

bool plan_add_forecast_json(
	struct screen *screen, const struct plan *plan, const char *profile_name, struct error *err)
{
	struct plan_forecast forecast;
	const char *comma = "";

	if (!plan_forecast_of(plan, profile_name, &forecast, err))
		return false;
	screen_addf(screen, STYLE_PLAIN, "{\"batches\":%llu,\"doors\":{",
		(unsigned long long)forecast.batches);
	for (int door = DOOR_NONE + 1; door < DOOR_COUNT; door++) {
		screen_addf(screen, STYLE_PLAIN, "%s\"%s\":%llu", comma, door_name((enum door)door),
			(unsigned long long)forecast.by_door[door]);
		comma = ",";
	}
	screen_addf(screen, STYLE_PLAIN, "},\"lastsMs\":%lld,", (long long)forecast.lasts_ms);
	add_basis_json(screen, plan, &forecast);
	screen_addf(screen, STYLE_PLAIN, ",");
	screen_requests_json(screen, &forecast);
	screen_addf(screen, STYLE_PLAIN, "}");
	return true;
}
