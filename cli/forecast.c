/* What applying a plan will take, as plan and show tell it. */
#include "cli/plan_file.h"

static bool forecast_of(const struct plan *plan, const char *profile_name,
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

static void add_duration(struct screen *screen, int64_t ms)
{
	int64_t s = (ms + 999) / 1000;

	if (s < 120)
		screen_addf(screen, STYLE_PLAIN, "%lld s", (long long)s);
	else
		screen_addf(screen, STYLE_PLAIN, "%lld min", (long long)((s + 59) / 60));
}

bool plan_add_forecast(
	struct screen *screen, const struct plan *plan, const char *profile_name, struct error *err)
{
	struct plan_forecast forecast;

	if (!forecast_of(plan, profile_name, &forecast, err))
		return false;
	screen_addf(screen, STYLE_PLAIN,
		"  forecast: %llu heal at production's next cycle; unstage apply writes %llu",
		(unsigned long long)forecast.by_door[DOOR_SYNC],
		(unsigned long long)forecast.writes);
	if (!forecast.writes) {
		screen_addf(screen, STYLE_PLAIN, "\n");
		return true;
	}
	screen_addf(screen, STYLE_PLAIN,
		"\n    and reads %llu times, %llu batches in %llu requests: about ",
		(unsigned long long)forecast.reads, (unsigned long long)forecast.batches,
		(unsigned long long)forecast.requests);
	add_duration(screen, forecast.lasts_ms);
	screen_addf(screen, STYLE_PLAIN, ",\n    using %.0f %% of the tenant's write quota\n",
		100 * forecast.share);
	return true;
}

bool plan_add_forecast_json(
	struct screen *screen, const struct plan *plan, const char *profile_name, struct error *err)
{
	struct plan_forecast forecast;
	const char *comma = "";

	if (!forecast_of(plan, profile_name, &forecast, err))
		return false;
	screen_addf(screen, STYLE_PLAIN, "{\"batches\":%llu,\"doors\":{",
		(unsigned long long)forecast.batches);
	for (int door = DOOR_NONE + 1; door < DOOR_COUNT; door++) {
		screen_addf(screen, STYLE_PLAIN, "%s\"%s\":%llu", comma, door_name((enum door)door),
			(unsigned long long)forecast.by_door[door]);
		comma = ",";
	}
	screen_addf(screen, STYLE_PLAIN,
		"},\"lastsMs\":%lld,\"reads\":%llu,\"requests\":%llu,\"share\":%.2f,"
		"\"writes\":%llu}",
		(long long)forecast.lasts_ms, (unsigned long long)forecast.reads,
		(unsigned long long)forecast.requests, forecast.share,
		(unsigned long long)forecast.writes);
	return true;
}
