/* unstage find: what did the staging server do? One screen, worst first, and what to type next. */
#include <string.h>

#include "cli/find.h"

#include "base/text.h"

static void add_rhythm(
	struct screen *screen, struct evidence *evidence, const struct writer *staging)
{
	size_t count;
	const struct sync_identity *identities = evidence_identities(evidence, &count);

	for (size_t i = 0; i < count; i++) {
		if (!staging->name || strcmp(identities[i].writer.name, staging->name) != 0)
			continue;
		screen_addf(screen, STYLE_PLAIN,
			identities[i].rhythm.sort == RHYTHM_BURST ? ", " : "\n  ");
		screen_rhythm(screen, &identities[i]);
		break;
	}
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_base(struct screen *screen, const struct comparison *comparison)
{
	const struct snapshot_header *base = snapshot_header(comparison->base);
	char taken[TIME_TEXT_BYTES];

	if (strcmp(base->source, SNAPSHOT_AUDIT) == 0) {
		screen_addf(screen, STYLE_YELLOW,
			"  no snapshot: compared with what the evidence knows of %s UTC;\n"
			"  what others changed can't be told\n",
			screen_time(base->taken_from_ms, taken));
		return;
	}
	screen_addf(screen, STYLE_PLAIN,
		"  compared with a snapshot of %s UTC: ", screen_time(base->taken_from_ms, taken));
	statement_add(screen, &comparison->base_statement);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

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
	screen_addf(screen, STYLE_PLAIN, "\n  from %s to %s UTC",
		screen_time(summary->staging_first_ms, first),
		screen_time(summary->staging_last_ms, last));
	add_rhythm(screen, comparison->evidence, staging);
	add_base(screen, comparison);
	screen_addf(screen, STYLE_PLAIN, "  %llu write%s on %llu object%s, ",
		(unsigned long long)summary->staging_facts, plural(summary->staging_facts),
		(unsigned long long)summary->objects, plural(summary->objects));
	if (summary->explained_facts < summary->staging_facts)
		screen_addf(screen, STYLE_YELLOW, "%llu explained by what follows\n",
			(unsigned long long)summary->explained_facts);
	else
		screen_addf(screen, STYLE_PLAIN, "all explained by what follows\n");
}

/* Three commands; who has conflicts looks at them before anything is signed. */
static void add_next(struct screen *screen, const struct find_typed *typed,
	const struct findings_summary *summary)
{
	bool conflicts = summary->conflicts;

	screen_addf(screen, STYLE_BOLD, "\nNext\n");
	screen_command(screen, "diff", typed, NULL, NULL);
	if (conflicts)
		screen_command(screen, "conflicts", typed, NULL, NULL);
	screen_command(screen, "plan", typed, NULL, "plan.json");
	if (!conflicts)
		screen_addf(
			screen, STYLE_CYAN, "  unstage sign plan.json --secret-key unstage.key\n");
}

static void add_json(struct screen *screen, const struct comparison *comparison,
	const struct findings_summary *summary, const char *profile_name)
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
	screen_blast_json(screen, comparison);
	screen_apply_json(screen, comparison, profile_name);
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
		add_json(&screen, comparison, summary, common->profile);
	} else {
		add_heading(&screen, comparison, summary);
		screen_blast(&screen, comparison, common->profile);
		add_next(&screen, typed, summary);
	}
	return screen_give(&screen, common, err);
}

/* ---- what was asked ------------------------------------------------------------------------ */

static bool check_arguments(
	const struct find_arguments *find, size_t operand_count, struct error *err)
{
	if (!find->comparison.evidence)
		return error_set(err, ERROR_USAGE,
			"find: say who wrote what: --evidence FILE; it comes from: "
			"unstage evidence --from 7d --output evidence.jsonl");
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
	.takes_live = true,
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
		"  audit       as BASE, without any snapshot: what the evidence knows\n"
		"Where there is a file of that name, too: ./latest is the file, @latest the name.\n",
	.options = options,
	.arguments_size = sizeof(struct find_arguments),
	.run = run,
};
