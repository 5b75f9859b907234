/* unstage undo: the inverse of what was applied, as a plan to review and sign like any other. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/plan_file.h"

enum { BY_HAND_SHOWN = 3 };

struct undo_arguments {
	struct common common;
	const char *key, *journal;
	int64_t expires_h;
};

static struct plan *make(
	const struct undo_arguments *arguments, const struct plan_file *file, struct error *err)
{
	const struct plan *done = file->plan;
	CLEANUP(profile_freep) struct profile *profile = NULL;
	CLEANUP(buf_release) struct buf journal = BUF_UP_TO(64 << 10);
	struct undo_options options = {
		.plan_bytes = buf_span(&file->bytes),
		.now_ms = time_now_ms(),
		.expires_s = arguments->expires_h * 3600,
	};

	if (arguments->journal) {
		buf_add_text(&journal, arguments->journal);
	} else {
		profile = profile_load(arguments->common.profile, err);
		if (!profile)
			return NULL;
		buf_addf(&journal, "%s/%s.journal.sqlite", profile->state, done->id);
	}
	options.journal_path = buf_text(&journal);
	if (access(options.journal_path, F_OK) != 0) {
		error_errno(err, "%s, the journal of what was applied", options.journal_path);
		return NULL;
	}
	return plan_undo(done, &options, err);
}

/* Named now, and not when apply meets them. */
static void add_by_hand(struct screen *screen, const struct plan *plan)
{
	for (size_t i = 0, said = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->door != DOOR_MANUAL)
			continue;
		if (said++ == BY_HAND_SHOWN) {
			screen_addf(screen, STYLE_YELLOW,
				"  and %zu more: unstage show, or the paragraphs beside the plan\n",
				plan->by_door[DOOR_MANUAL] - BY_HAND_SHOWN);
			return;
		}
		screen_addf(screen, STYLE_YELLOW, "  by hand  step %zu: ", step->number);
		screen_text(screen, STYLE_YELLOW, span_of(step->name), 40, false);
		screen_addf(screen, STYLE_YELLOW, "\n           ");
		screen_paragraph(screen, STYLE_DIM, span_of(step->manual), 11);
	}
}

static bool save(const struct undo_arguments *arguments, const struct plan *plan,
	const struct plan *done, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(PLAN_FILE_MAX);
	struct common to_screen = { .json = arguments->common.json };
	CLEANUP(screen_release) struct screen screen;

	screen_init(&screen, &to_screen);
	plan_add_json(&text, plan);
	if (!buf_check(&text, "the plan", err) ||
		!plan_write_hand_offs(plan, arguments->common.output, NULL, NULL, err) ||
		!file_save(arguments->common.output, buf_span(&text), err))
		return false;
	if (arguments->common.json) {
		screen_addf(&screen, STYLE_PLAIN,
			"{\"format\":\"unstage-undo-made/1\",\"id\":\"%s\",\"of\":\"%s\",\"steps\":%zu}\n",
			plan->id, done->id, plan->step_count);
		return screen_give(&screen, &to_screen, err);
	}
	screen_text(&screen, STYLE_BOLD, span_of(arguments->common.output), 0, false);
	screen_addf(&screen, STYLE_PLAIN, "  undoes the plan %s\n", done->id);
	plan_add_counts(&screen, plan);
	plan_add_fingerprint(&screen, buf_span(&text));
	add_by_hand(&screen, plan);
	screen_addf(&screen, STYLE_PLAIN,
		"  %zu of its %zu steps were not done by unstage apply, and are not undone\n",
		done->step_count - plan->step_count, done->step_count);
	return screen_give(&screen, &to_screen, err);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct undo_arguments *undo = arguments;
	CLEANUP(plan_file_close) struct plan_file file = { 0 };
	CLEANUP(plan_freep) struct plan *plan = NULL;

	(void)operand_count;
	if (!undo->common.output) {
		error_set(err, ERROR_USAGE, "undo: wants --output undo.json");
		return -1;
	}
	if (!plan_file_open(&file, operands[0], undo->key, undo->common.profile, true, err))
		return -1;
	plan = make(undo, &file, err);
	return plan && save(undo, plan, file.plan, err) ? 0 : -1;
}

static const struct option options[] = {
	{ "key", 'k', OPTION_TEXT, "FILE", "public key; the profile's unless said",
		offsetof(struct undo_arguments, key) },
	{ "journal", 'J', OPTION_TEXT, "FILE", "as given to apply",
		offsetof(struct undo_arguments, journal) },
	{ "expires", 'x', OPTION_NUMBER, "HOURS", "how long it holds: 24 unless said, 168 at most",
		offsetof(struct undo_arguments, expires_h) },
	OPTION_OUTPUT(struct undo_arguments),
	OPTIONS_COMMON(struct undo_arguments),
	{ 0 },
};

const struct command command_undo = {
	.name = "undo",
	.operands = "PLAN",
	.operands_least = 1,
	.operands_most = 1,
	.details = "Made from the journal: the steps that `unstage apply` did, in the opposite\n"
		   "order, back to the values that it read before it wrote. Sign it and apply it\n"
		   "like any plan: what changed since is stale, and left alone. People whom it\n"
		   "restored and whom directory sync masters Graph does not delete again: these\n"
		   "steps are paragraphs for a person, and named at once.\n",
	.options = options,
	.arguments_size = sizeof(struct undo_arguments),
	.run = run,
};
