/* unstage plan: the exact steps back, in a file to review and sign. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/plan_file.h"
#include "report/report.h"

struct plan_arguments {
	struct common common;
	struct comparison_arguments comparison;
	int64_t expires_h;
};

static void add_hand_off(void *context, const char *path)
{
	screen_addf(context, STYLE_PLAIN, "  hand-off  ");
	screen_text(context, STYLE_PLAIN, span_of(path), 0, false);
	screen_addf(context, STYLE_PLAIN, "\n");
}

static bool save(const struct plan *plan, const struct statement *base,
	const struct plan_arguments *arguments, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(PLAN_FILE_MAX);
	struct common to_screen = { .json = arguments->common.json };
	CLEANUP(screen_release) struct screen screen;
	char fingerprint[PLAN_FINGERPRINT_BYTES];

	screen_init(&screen, &to_screen);
	plan_add_json(&text, plan);
	if (!buf_check(&text, "the plan", err))
		return false;
	if (arguments->common.json) {
		screen_addf(&screen, STYLE_PLAIN,
			"{\"format\":\"unstage-plan-made/1\",\"base\":\"%s\",\"fingerprint\":\"%s\",\"id\":\"%s\","
			"\"steps\":%zu,\"forecast\":",
			statement_state_name(base->state),
			plan_fingerprint(buf_span(&text), fingerprint), plan->id, plan->step_count);
		if (!plan_add_forecast_json(&screen, plan, arguments->common.profile, err))
			return false;
		screen_addf(&screen, STYLE_PLAIN, "}\n");
		return plan_write_hand_offs(plan, arguments->common.output, NULL, NULL, err) &&
			file_save(arguments->common.output, buf_span(&text), err) &&
			screen_give(&screen, &to_screen, err);
	}
	screen_text(&screen, STYLE_BOLD, span_of(arguments->common.output), 0, false);
	screen_addf(&screen, STYLE_PLAIN, "\n");
	plan_add_counts(&screen, plan);
	plan_add_basis(&screen, plan);
	if (!plan_add_forecast(&screen, plan, arguments->common.profile, err))
		return false;
	plan_add_fingerprint(&screen, buf_span(&text));
	screen_addf(&screen, STYLE_PLAIN, "  base: ");
	statement_add(&screen, base);
	screen_addf(&screen, STYLE_PLAIN, "\n");
	return plan_write_hand_offs(plan, arguments->common.output, add_hand_off, &screen, err) &&
		file_save(arguments->common.output, buf_span(&text), err) &&
		screen_give(&screen, &to_screen, err);
}

/* The log trails what happened (contract 4.2): what came last is covered only some minutes later. */
static void warn_of_early_evidence(const struct comparison *comparison)
{
	int64_t live_ms = snapshot_header(comparison->live)->taken_until_ms;
	int64_t until_ms = evidence_header(comparison->evidence)->until_ms;

	if (until_ms && until_ms < live_ms)
		progress_warn(talk(),
			"the evidence ends before the live snapshot does: collect it again, ten minutes after");
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct plan_arguments *plan_arguments = arguments;
	CLEANUP(comparison_close) struct comparison comparison = { 0 };
	CLEANUP(plan_freep) struct plan *plan = NULL;
	struct plan_options options = { .now_ms = time_now_ms(), .tenant_name = "" };

	(void)operand_count;
	if (!plan_arguments->common.output || !plan_arguments->comparison.evidence) {
		error_set(err, ERROR_USAGE, "plan: wants --evidence FILE and --output plan.json");
		return -1;
	}
	if (!comparison_open(&comparison, &plan_arguments->comparison,
		    plan_arguments->common.profile, operands, NULL, err) ||
		!findings_check_decisions(comparison.findings, err))
		return -1;
	options.findings = comparison.findings;
	options.base = comparison.base;
	options.live = comparison.live;
	options.base_signed = comparison.base_statement.state == STATEMENT_SIGNED;
	options.evidence = comparison.evidence;
	options.decisions = comparison.decisions;
	options.expires_s = plan_arguments->expires_h * 3600;
	warn_of_early_evidence(&comparison);
	plan = plan_new(&options, err);
	return plan && save(plan, &comparison.base_statement, plan_arguments, err) ? 0 : -1;
}

static const struct option options[] = {
	OPTIONS_COMPARISON(struct plan_arguments),
	{ "expires", 'x', OPTION_NUMBER, "HOURS", "how long it holds: 24 unless said, 168 at most",
		offsetof(struct plan_arguments, expires_h) },
	OPTION_OUTPUT(struct plan_arguments),
	OPTIONS_COMMON(struct plan_arguments),
	{ 0 },
};

const struct command command_plan = {
	.name = "plan",
	.operands = "BASE LIVE",
	.operands_least = 2,
	.operands_most = 2,
	.takes_live = true,
	.details =
		"Only what the verdict `revert` says becomes a step; each goes by the door that\n"
		"may write it. Only reviewed --decisions say otherwise; the plan has the file's\n"
		"digest, and a line that rests on what is not so is refused. Beside the plan lie\n"
		"the files for the production server, for ADSyncTools, and for people. Nothing is\n"
		"written to the directory. The plan says whether somebody signed the snapshot\n"
		"BASE (unstage sign BASE). BASE and LIVE are files, or names: see unstage find\n"
		"--help.\n",
	.options = options,
	.arguments_size = sizeof(struct plan_arguments),
	.run = run,
};
