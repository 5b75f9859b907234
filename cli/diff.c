/* unstage diff: every difference with its verdict, the five values, the proof and the door. */
#include <string.h>

#include "cli/cli.h"

struct diff_arguments {
	struct common common;
	struct comparison_arguments comparison;
	const char *verdict;
};

enum { VALUE_COLUMNS = 66 };

static const enum style verdict_styles[VERDICT_COUNT] = {
	[VERDICT_REVERT] = STYLE_RED,
	[VERDICT_HEALED] = STYLE_GREEN,
	[VERDICT_CONTESTED] = STYLE_YELLOW,
	[VERDICT_SUSPECT] = STYLE_YELLOW,
	[VERDICT_DRIFT] = STYLE_DIM,
	[VERDICT_BLOCKED] = STYLE_RED,
	[VERDICT_KEPT] = STYLE_DIM,
};

static void add_value(struct screen *screen, const char *label, const struct known_value *value)
{
	screen_addf(screen, STYLE_DIM, "      %-8s", label);
	if (!value->known)
		screen_addf(screen, STYLE_DIM, "not known");
	else if (!value->value.data)
		screen_addf(screen, STYLE_DIM, "nothing");
	else
		screen_text(screen, STYLE_PLAIN, value->value, VALUE_COLUMNS, false);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_object_line(struct screen *screen, const struct finding *finding)
{
	static const char *const masteries[] = {
		[MASTERY_SYNCED] = "synced",
		[MASTERY_CLOUD] = "cloud",
		[MASTERY_UNKNOWN] = "mastery unknown",
	};

	screen_addf(screen, STYLE_PLAIN, "\n%-8s", finding->kind->name);
	screen_text(screen, STYLE_BOLD, finding->name, 56, true);
	screen_addf(screen, STYLE_DIM, " %s\n        %.*s\n", masteries[finding->mastery],
		SPAN_FORMAT(finding->id));
}

static void add_writer(struct screen *screen, const struct finding *finding)
{
	char when[TIME_TEXT_BYTES];

	if (!finding->last_writer)
		return;
	screen_addf(screen, STYLE_DIM, "      %-8s%s  ", "last",
		screen_time(finding->last_write_ms, when));
	screen_text(screen, STYLE_PLAIN, span_of(finding->last_writer->name), VALUE_COLUMNS - 21,
		false);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_references(struct screen *screen, const struct finding *finding)
{
	if (!finding->reference_count)
		return;
	screen_addf(screen, STYLE_DIM, "      %-8s", "proof");
	screen_text(screen, STYLE_DIM, span_of(finding->references[0]), VALUE_COLUMNS - 12, false);
	if (finding->reference_count > 1)
		screen_addf(screen, STYLE_DIM, " and %zu more", finding->reference_count - 1);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_decision(struct screen *screen, const struct finding *finding)
{
	const struct decision *decision = finding->decision;

	if (!decision)
		return;
	screen_addf(screen, STYLE_DIM, "      %-8s", "decided");
	screen_addf(screen, STYLE_PLAIN, "line %zu: %s, else %s\n", decision->line,
		decision_kind_name(decision->kind), verdict_name(finding->undecided));
}

/* By it a line of a decisions file names the finding; it is to be copied, so it stays whole. */
static void add_fingerprint(struct screen *screen, const struct finding *finding)
{
	screen_addf(screen, STYLE_DIM, "      %-8s", "finding");
	buf_add_hex(&screen->text, finding->fingerprint, FINGERPRINT_BYTES);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_finding(struct screen *screen, const struct finding *finding)
{
	bool of_object = finding->change >= CHANGE_CREATED;

	screen_addf(screen, verdict_styles[finding->verdict], "    %-10s",
		verdict_name(finding->verdict));
	screen_addf(screen, STYLE_BOLD, "%s",
		finding->attribute ? finding->attribute->name : change_name(finding->change));
	if (finding->change == CHANGE_ELEMENT) {
		screen_addf(screen, STYLE_PLAIN, "  ");
		screen_text(screen, STYLE_PLAIN, finding->element, 34, false);
	}
	if (finding->door != DOOR_NONE)
		screen_addf(screen, STYLE_CYAN, "  by %s", door_name(finding->door));
	screen_addf(screen, STYLE_PLAIN, "\n");
	if (!of_object) {
		add_value(screen, "base", &finding->base);
		add_value(screen, "before", &finding->before);
		add_value(screen, "staging", &finding->staging);
		add_value(screen, "live", &finding->live);
	}
	add_writer(screen, finding);
	screen_addf(screen, STYLE_DIM, "      %-8s", "why");
	screen_paragraph(screen, STYLE_PLAIN, span_of(finding->reason), 14);
	add_decision(screen, finding);
	add_references(screen, finding);
	add_fingerprint(screen, finding);
}

static bool wanted(const struct diff_arguments *diff, const struct finding *finding)
{
	return !diff->verdict || strcmp(diff->verdict, verdict_name(finding->verdict)) == 0;
}

/* ---- the answer, as findings are told ------------------------------------------------- */

struct telling {
	const struct diff_arguments *diff;
	struct screen screen;
	char last_id[ID_BYTES + 1]; /* of the finding that was shown last */
};

static void telling_release(struct telling *telling)
{
	screen_release(&telling->screen);
}

static bool tell_begin(void *context, const struct findings *findings, struct error *err)
{
	struct telling *telling = context;

	(void)err;
	if (telling->diff->common.json)
		findings_begin_json(&telling->screen.text, findings);
	return true;
}

static void show_finding(struct telling *telling, const struct finding *finding)
{
	if (!wanted(telling->diff, finding))
		return;
	if (!span_is(finding->id, telling->last_id)) {
		add_object_line(&telling->screen, finding);
		snprintf(telling->last_id, sizeof(telling->last_id), "%.*s",
			SPAN_FORMAT(finding->id));
	}
	add_finding(&telling->screen, finding);
}

static bool tell_finding(void *context, const struct finding *finding, struct error *err)
{
	struct telling *telling = context;

	if (telling->diff->common.json) {
		finding_add_json(&telling->screen.text, finding);
		buf_add_byte(&telling->screen.text, '\n');
	} else {
		show_finding(telling, finding);
	}
	return screen_give_piece(&telling->screen, &telling->diff->common, err);
}

static void add_summary(struct screen *screen, const struct comparison *comparison)
{
	const struct findings *findings = comparison->findings;
	const struct findings_summary *summary = findings_summary(findings);

	screen_addf(screen, STYLE_PLAIN, "\n%zu findings%s", findings_count(findings),
		findings_count(findings) ? ":" : "");
	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (summary->by_verdict[i])
			screen_addf(screen, verdict_styles[i], "  %llu %s",
				(unsigned long long)summary->by_verdict[i], verdict_name(i));
	}
	screen_addf(screen, STYLE_PLAIN, "\nbase: ");
	statement_add(screen, &comparison->base_statement);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static bool check_verdict(const char *verdict, struct error *err)
{
	for (int i = 0; verdict && i < VERDICT_COUNT; i++) {
		if (strcmp(verdict, verdict_name(i)) == 0)
			return true;
	}
	return !verdict ||
		error_set(err, ERROR_USAGE,
			"diff: there is no verdict '%s'; there are revert, healed, contested, suspect, drift, "
			"blocked, kept",
			verdict);
}

static bool tell_end(
	struct telling *telling, const struct comparison *comparison, struct error *err)
{
	if (telling->diff->common.json)
		findings_end_json(&telling->screen.text, comparison->findings);
	else
		add_summary(&telling->screen, comparison);
	return screen_give(&telling->screen, &telling->diff->common, err);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct diff_arguments *diff = arguments;
	CLEANUP(comparison_close) struct comparison comparison = { 0 };
	CLEANUP(telling_release) struct telling telling = { .diff = diff };
	struct findings_listener listener = { tell_begin, tell_finding, &telling };

	(void)operand_count;
	screen_init(&telling.screen, &diff->common);
	if (diff->verdict && diff->common.json) {
		error_set(err, ERROR_USAGE,
			"diff: the JSON has every finding and counts them; leave --verdict out, and: "
			"| jq 'select(.verdict == \"%s\")'",
			diff->verdict);
		return -1;
	}
	if (!check_verdict(diff->verdict, err) ||
		!comparison_open(&comparison, &diff->comparison, diff->common.profile, operands,
			&listener, err) ||
		!tell_end(&telling, &comparison, err))
		return -1;
	return findings_count(comparison.findings) ? 1 : 0;
}

static const struct option options[] = {
	OPTIONS_COMPARISON(struct diff_arguments),
	{ "verdict", 'v', OPTION_TEXT, "VERDICT", "only findings of this verdict",
		offsetof(struct diff_arguments, verdict) },
	OPTION_OUTPUT(struct diff_arguments),
	OPTIONS_COMMON(struct diff_arguments),
	{ 0 },
};

const struct command command_diff = {
	.name = "diff",
	.operands = "BASE LIVE",
	.operands_least = 2,
	.operands_most = 2,
	.takes_live = true,
	.details =
		"Without --evidence it is a plain comparison: everything is drift. With it, each\n"
		"value is judged by five: base, before, staging, live, and who wrote last. Exit\n"
		"status 1 when there are findings. Verdicts are revert, healed, contested,\n"
		"suspect, drift, blocked and kept (a line of --decisions says so). BASE and LIVE\n"
		"are files, or names: see unstage find --help.\n",
	.options = options,
	.arguments_size = sizeof(struct diff_arguments),
	.run = run,
};
