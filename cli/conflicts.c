/* unstage conflicts: addresses and sign-in names with more than one claimant. */
#include "cli/contest.h"

struct conflicts_arguments {
	struct common common;
	struct comparison_arguments comparison;
};

static const char *const state_texts[CONTEST_STATES] = {
	[CONTEST_NONE] = "",
	[CONTEST_WAITING] = "somebody waits for it",
	[CONTEST_TWICE] = "held by several",
	[CONTEST_RESTORE] = "a deleted object could not come back with it",
};

static bool add_contests(struct screen *screen, const struct conflicts_arguments *conflicts,
	const struct contests *contests, struct error *err)
{
	for (size_t i = 0; i < contests_count(contests); i++) {
		const struct contest *contest = contests_get(contests, i);

		if (conflicts->common.json) {
			contest_add_json(&screen->text, contest);
			buf_add_byte(&screen->text, '\n');
		} else {
			screen_text(
				screen, STYLE_BOLD, contest_plain(contest), SCREEN_COLUMNS, false);
			screen_addf(screen, STYLE_PLAIN, "\n  %s\n", state_texts[contest->state]);
			contest_show(screen, contest);
			screen_addf(screen, STYLE_PLAIN, "\n");
		}
		if (!screen_give_piece(screen, &conflicts->common, err))
			return false;
	}
	return true;
}

static void add_summary(struct screen *screen, const struct contests *contests)
{
	size_t states[CONTEST_STATES] = { 0 }, rightful = 0;

	for (size_t i = 0; i < contests_count(contests); i++) {
		states[contests_get(contests, i)->state]++;
		rightful += contests_get(contests, i)->rightful != NULL;
	}
	screen_addf(screen, STYLE_PLAIN, "%zu addresses are claimed more than once",
		contests_count(contests));
	if (contests_count(contests))
		screen_addf(screen, STYLE_PLAIN,
			":\n  %zu that somebody waits for, %zu held by several, %zu that bar a "
			"restore;\n  of %zu it is proved who is rightful",
			states[CONTEST_WAITING], states[CONTEST_TWICE], states[CONTEST_RESTORE],
			rightful);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct conflicts_arguments *conflicts = arguments;
	CLEANUP(contesting_close) struct contesting contesting = { 0 };
	CLEANUP(contests_freep) struct contests *contests = NULL;
	CLEANUP(screen_release) struct screen screen;
	struct contests_options options;

	screen_init(&screen, &conflicts->common);
	if (!contesting_open(&contesting, &conflicts->comparison, conflicts->common.profile,
		    operands, operand_count, err))
		return -1;
	options = contesting_options(&contesting);
	contests = contests_find(&options, err);
	if (!contests)
		return -1;
	if (conflicts->common.json)
		contests_begin_json(&screen.text, contests);
	if (!add_contests(&screen, conflicts, contests, err))
		return -1;
	if (conflicts->common.json) {
		contests_end_json(&screen.text, contests);
	} else {
		add_summary(&screen, contests);
		contest_show_sources(&screen, &contesting);
	}
	return !screen_give(&screen, &conflicts->common, err) ? -1
		: contests_count(contests)                    ? 1
							      : 0;
}

static const struct option options[] = {
	OPTIONS_COMPARISON(struct conflicts_arguments),
	OPTION_OUTPUT(struct conflicts_arguments),
	OPTIONS_COMMON(struct conflicts_arguments),
	{ 0 },
};

const struct command command_conflicts = {
	.name = "conflicts",
	.operands = "[BASE] LIVE",
	.operands_least = 1,
	.operands_most = 2,
	.takes_live = true,
	.details = "Looks through proxyAddresses, mail, userPrincipalName and imAddresses of\n"
		   "users, groups, contacts and deleted items, and at what the service keeps in\n"
		   "quarantine; otherMails are told where they touch it. For each address: who\n"
		   "holds it, who waits for it, who is rightful and by what proof, and what frees\n"
		   "it soonest. Whoever held it before the staging server wrote is rightful; that\n"
		   "takes BASE or --evidence, and where nothing proves it, nothing is decided.\n"
		   "Exit status 1 when there are any. BASE and LIVE are files, or names: see\n"
		   "unstage find --help.\n",
	.options = options,
	.arguments_size = sizeof(struct conflicts_arguments),
	.run = run,
};
