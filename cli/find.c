/* unstage find: what did the staging server do? One screen, worst first, and what to type next. */
#include "cli/find.h"

#include "base/text.h"

/* A number, and what it counts, only where there is something to count. */
struct blast_row {
	size_t offset;
	enum style style;
	const char *text;
};

#define ROW(member, style, text)                                                                   \
	{                                                                                          \
		offsetof(struct findings_summary, member), style, text                             \
	}

/* Mail flow and sign-in first: these are the people who can't work now. */
static const struct blast_row blast_rows[] = {
	ROW(deleted, STYLE_RED, "people, groups or contacts deleted"),
	ROW(upn_changed, STYLE_RED, "sign-in names changed"),
	ROW(primary_changed, STYLE_RED, "primary mail addresses changed"),
	ROW(disabled, STYLE_RED, "people disabled"),
	ROW(conflicts, STYLE_YELLOW, "addresses or sign-in names in conflict"),
	ROW(created, STYLE_YELLOW, "objects created in its wider scope"),
	ROW(members_changed, STYLE_YELLOW, "memberships and ownerships changed"),
};

static const struct {
	enum verdict verdict;
	enum style style;
	const char *text;
} verdict_rows[] = {
	{ VERDICT_REVERT, STYLE_BOLD, "to put back: proved, and untouched since" },
	{ VERDICT_HEALED, STYLE_GREEN, "back already" },
	{ VERDICT_CONTESTED, STYLE_YELLOW, "somebody decided since: listed, never overwritten" },
	{ VERDICT_SUSPECT, STYLE_YELLOW, "not proved: a person must look" },
	{ VERDICT_BLOCKED, STYLE_RED, "nobody can put back what it was: a paragraph for a person" },
	{ VERDICT_DRIFT, STYLE_DIM, "changed by others since the snapshot: kept" },
};

static const char *const door_texts[DOOR_COUNT] = {
	[DOOR_NONE] = NULL,
	[DOOR_GRAPH] = "unstage apply writes it",
	[DOOR_SYNC] = "the production server's next run puts it back",
	[DOOR_DIRECTORY] = "Active Directory is wrong: a paragraph for a person",
	[DOOR_EXCHANGE] = "Exchange Online masters it: a paragraph for a person",
	[DOOR_ADSYNC] = "Remove-ADSyncToolsAadObject with our CSV",
	[DOOR_MANUAL] = "a person, by our paragraph",
};

static void add_heading(struct screen *screen, const struct comparison *comparison,
	const struct findings_summary *summary)
{
	char first[TIME_TEXT_BYTES], last[TIME_TEXT_BYTES];
	const struct writer *staging = &summary->staging;

	screen_addf(screen, STYLE_BOLD, "What ");
	screen_text(screen, STYLE_BOLD, span_of(staging->server ? staging->server : staging->name),
		30, false);
	screen_addf(screen, STYLE_BOLD, " did");
	screen_addf(screen, STYLE_PLAIN, "  to tenant %s\n  as ",
		snapshot_header(comparison->live)->tenant);
	screen_text(screen, STYLE_PLAIN, span_of(staging->name), 74, false);
	screen_addf(screen, STYLE_PLAIN, "\n  from %s to %s UTC\n",
		screen_time(summary->staging_first_ms, first),
		screen_time(summary->staging_last_ms, last));
	screen_addf(screen, STYLE_PLAIN, "  compared with a snapshot of %s UTC: ",
		screen_time(snapshot_header(comparison->base)->taken_from_ms, first));
	statement_add(screen, &comparison->base_statement);
	screen_addf(screen, STYLE_PLAIN, "\n");
	screen_addf(screen, STYLE_PLAIN,
		"  %llu writes on %llu objects; %llu explained by what follows, ",
		(unsigned long long)summary->staging_facts, (unsigned long long)summary->objects,
		(unsigned long long)summary->explained_facts);
	screen_addf(screen,
		summary->staging_facts > summary->explained_facts ? STYLE_YELLOW : STYLE_PLAIN,
		"%llu left no difference\n",
		(unsigned long long)(summary->staging_facts - summary->explained_facts));
}

static void add_numbers(struct screen *screen, const struct findings_summary *summary)
{
	screen_addf(screen, STYLE_BOLD, "\nThe damage\n");
	for (size_t i = 0; i < COUNT_OF(blast_rows); i++) {
		const uint64_t *number = (const void *)((const char *)summary +
			blast_rows[i].offset);

		if (*number)
			screen_addf(screen, blast_rows[i].style, "  %6llu  %s\n",
				(unsigned long long)*number, blast_rows[i].text);
	}
	screen_addf(screen, STYLE_BOLD, "\nThe verdicts\n");
	for (size_t i = 0; i < COUNT_OF(verdict_rows); i++) {
		uint64_t number = summary->by_verdict[verdict_rows[i].verdict];

		if (number)
			screen_addf(screen, verdict_rows[i].style, "  %6llu  %-9s  %s\n",
				(unsigned long long)number, verdict_name(verdict_rows[i].verdict),
				verdict_rows[i].text);
	}
	screen_addf(screen, STYLE_BOLD, "\nThe way back\n");
	for (int door = 0; door < DOOR_COUNT; door++) {
		if (door_texts[door] && summary->by_door[door])
			screen_addf(screen, STYLE_PLAIN, "  %6llu  %-9s  %s\n",
				(unsigned long long)summary->by_door[door], door_name(door),
				door_texts[door]);
	}
}

static void add_next(struct screen *screen, const struct find_typed *typed)
{
	screen_addf(screen, STYLE_BOLD, "\nNext\n");
	screen_command(screen, "diff", typed, NULL, NULL);
	screen_command(screen, "plan", typed, NULL, "plan.json");
	screen_addf(screen, STYLE_CYAN, "  unstage sign plan.json --secret-key unstage.key\n");
}

static void add_json(struct screen *screen, const struct comparison *comparison,
	const struct findings_summary *summary)
{
	screen_addf(screen, STYLE_PLAIN, "{\"format\":\"unstage-find/1\",\"base\":\"%s\"",
		statement_state_name(comparison->base_statement.state));
	screen_addf(screen, STYLE_PLAIN,
		",\"conflicts\":%llu,\"created\":%llu,\"deleted\":%llu,\"disabled\":%llu",
		(unsigned long long)summary->conflicts, (unsigned long long)summary->created,
		(unsigned long long)summary->deleted, (unsigned long long)summary->disabled);
	screen_addf(screen, STYLE_PLAIN,
		",\"explained\":%llu,\"members_changed\":%llu,\"objects\":%llu,\"primary_changed\":%llu"
		",\"upn_changed\":%llu,\"writes\":%llu,\"verdicts\":{",
		(unsigned long long)summary->explained_facts,
		(unsigned long long)summary->members_changed, (unsigned long long)summary->objects,
		(unsigned long long)summary->primary_changed,
		(unsigned long long)summary->upn_changed,
		(unsigned long long)summary->staging_facts);
	for (int i = 0; i < VERDICT_COUNT; i++)
		screen_addf(screen, STYLE_PLAIN, "%s\"%s\":%llu", i ? "," : "", verdict_name(i),
			(unsigned long long)summary->by_verdict[i]);
	screen_addf(screen, STYLE_PLAIN, "},\"doors\":{");
	for (int i = DOOR_NONE + 1; i < DOOR_COUNT; i++)
		screen_addf(screen, STYLE_PLAIN, "%s\"%s\":%llu", i > DOOR_NONE + 1 ? "," : "",
			door_name(i), (unsigned long long)summary->by_door[i]);
	screen_addf(screen, STYLE_PLAIN, "}");
	screen_accounts_json(screen, comparison->findings);
	screen_addf(screen, STYLE_PLAIN, "}\n");
}

static bool tell(
	const struct comparison *comparison, const struct find_typed *typed, struct error *err)
{
	const struct findings_summary *summary = findings_summary(comparison->findings);
	const struct common *common = &typed->find->common;
	CLEANUP(screen_release) struct screen screen;

	screen_init(&screen, common);
	if (common->json) {
		add_json(&screen, comparison, summary);
	} else {
		add_heading(&screen, comparison, summary);
		screen_accounts(&screen, comparison->findings);
		add_numbers(&screen, summary);
		screen_forecast(&screen, summary);
		add_next(&screen, typed);
	}
	return screen_give(&screen, common, err);
}

/* ---- what was asked ------------------------------------------------------------------------ */

static bool check_arguments(
	const struct find_arguments *find, size_t operand_count, struct error *err)
{
	if (!find->comparison.evidence)
		return error_set(err, ERROR_USAGE,
			"find: say who wrote what: --evidence FILE (from: unstage evidence)");
	return operand_count != 1 ||
		error_set(err, ERROR_USAGE,
			"find: BASE and LIVE, or neither of them: then it lists who synchronises");
}

static bool check_tenant(
	const struct evidence *evidence, const struct profile *profile, struct error *err)
{
	struct span mine = span_of(profile ? profile->tenant : NULL);
	struct span its = span_of(evidence_header(evidence)->tenant);

	return !text_is_guid(mine) || text_compare_caseless(mine, its) == 0 ||
		error_set(err, ERROR_REFUSED, "the evidence is of tenant %.*s, the profile of %.*s",
			SPAN_FORMAT(its), SPAN_FORMAT(mine));
}

static int list_candidates(
	const struct find_typed *typed, const struct profile *profile, struct error *err)
{
	const struct comparison_arguments *given = &typed->find->comparison;
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_load(given->evidence, err);
	const char *production = given->production, *staging = given->staging;

	if (!evidence || !check_tenant(evidence, profile, err))
		return -1;
	if (!production && profile)
		production = profile->production;
	if (!staging && profile)
		staging = profile->staging;
	return find_candidates(typed, evidence, staging, production, err);
}

static int compare(struct find_typed *typed, struct error *err)
{
	CLEANUP(comparison_close) struct comparison comparison = { 0 };

	if (!comparison_open(&comparison, &typed->find->comparison, typed->find->common.profile,
		    typed->operands, NULL, err))
		return -1;
	typed->taken = true;
	if (!tell(&comparison, typed, err))
		return -1;
	return findings_summary(comparison.findings)->staging_facts ? 1 : 0;
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct find_arguments *find = arguments;
	CLEANUP(profile_freep) struct profile *profile = NULL;
	struct find_typed typed = {
		.find = find, .operands = operands, .operand_count = operand_count
	};

	if (!check_arguments(find, operand_count, err) ||
		!profile_load_if_any(&profile, find->common.profile, err))
		return -1;
	if (operand_count && (find->comparison.staging || (profile && profile->staging)))
		return compare(&typed, err);
	return list_candidates(&typed, profile, err);
}

static const struct option options[] = {
	OPTIONS_COMPARISON(struct find_arguments),
	OPTION_OUTPUT(struct find_arguments),
	OPTIONS_COMMON(struct find_arguments),
	{ 0 },
};

const struct command command_find = {
	.name = "find",
	.operands = "[BASE LIVE]",
	.operands_least = 0,
	.operands_most = 2,
	.summary = "what did the staging server do? the blast radius",
	.details =
		"Without BASE and LIVE it lists who synchronises: every sync server that wrote,\n"
		"when, how much, once or in a cycle. Which of them is the staging server is said\n"
		"by --staging (its name, account, app id or object id) or by the configuration;\n"
		"where neither says it, nothing is guessed: the list comes, and exit status 2.\n"
		"\n"
		"Exit status 1 when the staging server wrote anything.\n"
		"\n"
		"BASE and LIVE are files, or names of snapshots that `unstage snapshot` keeps in\n"
		"the profile's state folder:\n"
		"  production  the one that was pinned: unstage snapshot --pin production\n"
		"  latest      the newest\n"
		"  @WHEN       the newest that was complete then: @2026-03-04,\n"
		"              @2026-03-04T02:00:00Z, or @36h, @7d before now\n"
		"  live        one that is taken now, and kept\n"
		"Where there is a file of that name, too: ./latest is the file, @latest the name.\n",
	.options = options,
	.arguments_size = sizeof(struct find_arguments),
	.run = run,
};
