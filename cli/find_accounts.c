/*
 * What find says beside the damage: the exports of the staging server, its own count beside what the
 * evidence tells, and what it would write next.
 */
#include "cli/find.h"

static void add_account(
	struct screen *screen, const struct export_account *account, enum account which)
{
	uint64_t sent = account->sent[which], found = account->found[which];
	uint64_t explained = found < sent ? found : sent;

	if (!sent)
		return;
	screen_addf(screen, STYLE_PLAIN, "         %llu %s sent, %llu explained, ",
		(unsigned long long)sent, account_name(which), (unsigned long long)explained);
	screen_addf(screen, sent > explained ? STYLE_YELLOW : STYLE_PLAIN,
		"%llu not found in any evidence\n", (unsigned long long)(sent - explained));
}

/* The server's own count of what it sent, beside what the evidence tells of it. */
void screen_accounts(struct screen *screen, const struct findings *findings)
{
	size_t count;
	const struct export_account *exports = findings_exports(findings, &count);
	char start[TIME_TEXT_BYTES];

	if (count)
		screen_addf(screen, STYLE_BOLD, "\nIts exports\n");
	for (size_t i = 0; i < count; i++) {
		screen_addf(screen, STYLE_PLAIN, "  run %lld  %s UTC", (long long)exports[i].number,
			screen_time(exports[i].start_ms, start));
		if (exports[i].by) {
			screen_addf(screen, STYLE_PLAIN, ", started by ");
			screen_text(screen, STYLE_PLAIN, span_of(exports[i].by), 30, false);
		}
		screen_addf(screen, STYLE_PLAIN, "\n");
		for (int which = 0; which < ACCOUNT_COUNT; which++)
			add_account(screen, &exports[i], (enum account)which);
		if (exports[i].object_only)
			screen_addf(screen, STYLE_YELLOW,
				"         %llu more objects were stamped then, and no record tells why\n",
				(unsigned long long)exports[i].object_only);
		if (exports[i].failures)
			screen_addf(screen, STYLE_YELLOW,
				"         %llu refused by the directory\n",
				(unsigned long long)exports[i].failures);
	}
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
	screen_addf(screen, STYLE_PLAIN, "         %s ", forecast->kind->name);
	screen_text(screen, STYLE_PLAIN, forecast->id, 36, false);
	if (forecast->attribute)
		screen_addf(screen, STYLE_PLAIN, ": %s", forecast->attribute->name);
	screen_addf(screen, STYLE_PLAIN, " %s ", forecast_words[forecast->operation]);
	if (forecast->known)
		screen_text(screen, STYLE_PLAIN,
			forecast->value.data ? forecast->value : SPAN_LITERAL("nothing"), 40,
			false);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

/* What the next accident would be: nothing of it is written, or in any plan. */
void screen_forecast(struct screen *screen, const struct findings_summary *summary)
{
	const struct writer *staging = &summary->staging;

	if (!summary->forecast_facts)
		return;
	screen_addf(screen, STYLE_BOLD, "\nThe forecast\n  ");
	screen_text(screen, STYLE_YELLOW,
		span_of(staging->server         ? staging->server
				: staging->name ? staging->name
						: "the staging server"),
		30, false);
	screen_addf(screen, STYLE_YELLOW, " would write %llu more value%s next, among them\n",
		(unsigned long long)summary->forecast_facts,
		summary->forecast_facts == 1 ? "" : "s");
	for (size_t i = 0; i < summary->forecast_listed; i++)
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
