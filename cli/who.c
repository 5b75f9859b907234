/* unstage who: one address on one screen. */
#include "cli/contest.h"

struct who_arguments {
	struct common common;
	struct comparison_arguments comparison;
};

static const char *const state_texts[CONTEST_STATES] = {
	[CONTEST_NONE] = "nobody contests it",
	[CONTEST_WAITING] = "somebody waits for it",
	[CONTEST_TWICE] = "several hold it",
	[CONTEST_RESTORE] = "a deleted object could not come back with it",
};

static void show(
	struct screen *screen, const struct contest *contest, const struct contesting *contesting)
{
	char when[TIME_TEXT_BYTES];

	screen_text(screen, STYLE_BOLD, contest_plain(contest), SCREEN_COLUMNS, false);
	screen_addf(screen, STYLE_PLAIN, "\n  %s, in a snapshot of %s UTC\n",
		contest->count ? state_texts[contest->state] : "nobody claims it",
		screen_time(snapshot_header(contesting->live)->taken_from_ms, when));
	contest_show(screen, contest);
	contest_show_sources(screen, contesting);
}

static void show_json(
	struct screen *screen, const struct contest *contest, const struct contests *contests)
{
	contests_begin_json(&screen->text, contests);
	contest_add_json(&screen->text, contest);
	buf_add_byte(&screen->text, '\n');
	contests_end_json(&screen->text, contests);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct who_arguments *who = arguments;
	CLEANUP(contesting_close) struct contesting contesting = { 0 };
	CLEANUP(contests_freep) struct contests *contests = NULL;
	CLEANUP(screen_release) struct screen screen;
	struct contests_options options;
	const struct contest *contest;

	screen_init(&screen, &who->common);
	if (!contesting_open(&contesting, &who->comparison, who->common.profile, operands + 1,
		    operand_count - 1, err))
		return -1;
	options = contesting_options(&contesting);
	contests = contests_of(&options, operands[0], err);
	if (!contests)
		return -1;
	contest = contests_get(contests, 0);
	if (who->common.json)
		show_json(&screen, contest, contests);
	else
		show(&screen, contest, &contesting);
	return !screen_give(&screen, &who->common, err) ? -1 : contest->state != CONTEST_NONE;
}

static const struct option options[] = {
	OPTIONS_COMPARISON(struct who_arguments),
	OPTION_OUTPUT(struct who_arguments),
	OPTIONS_COMMON(struct who_arguments),
	{ 0 },
};

const struct command command_who = {
	.name = "who",
	.operands = "ADDRESS [BASE] LIVE",
	.operands_least = 2,
	.operands_most = 3,
	.takes_live = true,
	.details =
		"ADDRESS is a mail address, a sign-in name, or any value of proxyAddresses:\n"
		"\"smtp:\" may be left out, case means nothing, \"sip:\" addresses are apart. Tells\n"
		"who holds it, who waits for it, who held it in BASE, who is rightful, and what\n"
		"frees it; with --evidence also who wrote it and when. Exit status 1 when it is\n"
		"contested. BASE and LIVE are files, or names: see unstage find --help.\n",
	.options = options,
	.arguments_size = sizeof(struct who_arguments),
	.run = run,
};
