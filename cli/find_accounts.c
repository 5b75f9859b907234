/*
 * What find says beside the damage: the exports of the staging server, its own count beside what the
 * evidence tells, and what it would write next.
 */
#include "cli/find.h"

enum { RUNS_LISTED = 2, FORECASTS_SHOWN = 2 };

static uint64_t explained_of(const struct export_account *account, enum account which)
{
	uint64_t sent = account->sent[which], found = account->found[which];

	return found < sent ? found : sent;
}

/* What was sent and nobody has seen yet: the damage that is in no finding. */
static void add_missing(struct screen *screen, const struct export_account *account)
{
	for (int which = 0; which < ACCOUNT_COUNT; which++) {
		uint64_t sent = account->sent[which];
		uint64_t explained = explained_of(account, (enum account)which);

		if (sent > explained)
			screen_addf(screen, STYLE_YELLOW,
				"    %llu %s sent, %llu explained, %llu not found in any evidence\n",
				(unsigned long long)sent, account_name((enum account)which),
				(unsigned long long)explained,
				(unsigned long long)(sent - explained));
	}
}

static void add_run(struct screen *screen, const struct export_account *account)
{
	char start[TIME_TEXT_BYTES];
	uint64_t sent = 0, explained = 0;

	for (int which = 0; which < ACCOUNT_COUNT; which++) {
		sent += account->sent[which];
		explained += explained_of(account, (enum account)which);
	}
	screen_addf(screen, STYLE_BOLD, "Export run");
	screen_addf(screen, STYLE_PLAIN, " %lld  %.16s", (long long)account->number,
		screen_time(account->start_ms, start));
	if (account->by) {
		screen_addf(screen, STYLE_PLAIN, " by ");
		screen_text(screen, STYLE_PLAIN, span_of(account->by), 16, false);
	}
	screen_addf(screen, STYLE_PLAIN, ": %llu sent", (unsigned long long)sent);
	if (sent == explained)
		screen_addf(screen, STYLE_PLAIN, ", all explained");
	screen_addf(screen, STYLE_PLAIN, "\n");
	if (account->failures)
		screen_addf(screen, STYLE_YELLOW, "    %llu refused by the directory\n",
			(unsigned long long)account->failures);
	add_missing(screen, account);
	if (account->object_only)
		screen_addf(screen, STYLE_YELLOW,
			"         %llu more objects were stamped then, and no record tells why\n",
			(unsigned long long)account->object_only);
}

static bool has_missing(const struct export_account *account)
{
	for (int which = 0; which < ACCOUNT_COUNT; which++)
		if (account->sent[which] > explained_of(account, (enum account)which))
			return true;
	return false;
}

/*
 * The server's own count of what it sent, beside what the evidence tells of it: the runs of which
 * something is missing first.
 */
void screen_accounts(struct screen *screen, const struct findings *findings)
{
	size_t count, shown = 0;
	const struct export_account *exports = findings_exports(findings, &count);

	if (count)
		screen_addf(screen, STYLE_PLAIN, "\n");
	for (int missing = 1; missing >= 0; missing--)
		for (size_t i = 0; i < count && shown < RUNS_LISTED; i++)
			if (has_missing(&exports[i]) == (missing == 1)) {
				add_run(screen, &exports[i]);
				shown++;
			}
	if (count > shown)
		screen_addf(screen, STYLE_PLAIN, "  and %zu more: --json has them all\n",
			count - shown);
}

static const char *const forecast_words[] = {
	[FACT_SET] = "would become",
	[FACT_ADD] = "would gain",
	[FACT_REMOVE] = "would lose",
	[FACT_NAMED] = "would change",
	[FACT_SHOWN] = "would stay",
	[FACT_CREATE] = "would be created",
	[FACT_DELETE] = "would be deleted",
	[FACT_PURGE] = "would be purged",
	[FACT_RESTORE] = "would be restored",
};

static void add_forecast(struct screen *screen, const struct forecast *forecast)
{
	screen_addf(screen, STYLE_PLAIN, "    %s ", forecast->kind->name);
	screen_text(screen, STYLE_PLAIN, forecast->id, 9, false);
	if (forecast->attribute)
		screen_addf(screen, STYLE_PLAIN, ": %s", forecast->attribute->name);
	screen_addf(screen, STYLE_PLAIN, " %s ", forecast_words[forecast->operation]);
	if (forecast->known)
		screen_text(screen, STYLE_PLAIN,
			forecast->value.data ? forecast->value : SPAN_LITERAL("nothing"), 24,
			false);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

/* What the next accident would be: nothing of it is written, or in any plan. */
void screen_forecast(struct screen *screen, const struct findings_summary *summary)
{
	const struct writer *staging = &summary->staging;

	if (!summary->forecast_facts)
		return;
	screen_addf(screen, STYLE_BOLD, "\nThe forecast\n");
	screen_addf(screen, STYLE_PLAIN, "  ");
	screen_text(screen, STYLE_YELLOW,
		span_of(staging->server         ? staging->server
				: staging->name ? staging->name
						: "the staging server"),
		30, false);
	screen_addf(screen, STYLE_YELLOW, " would write %llu more value%s next, among them\n",
		(unsigned long long)summary->forecast_facts, plural(summary->forecast_facts));
	for (size_t i = 0; i < summary->forecast_listed && i < FORECASTS_SHOWN; i++)
		add_forecast(screen, &summary->forecasts[i]);
}

static void add_json_account(struct screen *screen, const struct export_account *account)
{
	screen_addf(screen, STYLE_PLAIN, "{\"run\":%lld,\"failures\":%llu",
		(long long)account->number, (unsigned long long)account->failures);
	for (int i = 0; i < ACCOUNT_COUNT; i++) {
		uint64_t sent = account->sent[i], found = account->found[i];
		uint64_t explained = found < sent ? found : sent;

		screen_addf(screen, STYLE_PLAIN,
			",\"%s\":{\"sent\":%llu,\"explained\":%llu,\"not_found\":%llu}",
			account_name((enum account)i), (unsigned long long)sent,
			(unsigned long long)explained, (unsigned long long)(sent - explained));
	}
	screen_addf(screen, STYLE_PLAIN, "}");
}

void screen_accounts_json(struct screen *screen, const struct findings *findings)
{
	size_t count;
	const struct export_account *exports = findings_exports(findings, &count);

	screen_addf(screen, STYLE_PLAIN, ",\"exports\":[");
	for (size_t i = 0; i < count; i++) {
		screen_addf(screen, STYLE_PLAIN, i ? "," : "");
		add_json_account(screen, &exports[i]);
	}
	screen_addf(screen, STYLE_PLAIN, "],\"object_only\":%llu",
		(unsigned long long)findings_summary(findings)->object_only);
	screen_addf(screen, STYLE_PLAIN, ",\"forecast\":%llu",
		(unsigned long long)findings_summary(findings)->forecast_facts);
}
