/* unstage status: where a plan stands now, by reading every object again. */
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/plan_file.h"

struct status_arguments {
	struct common common;
	const char *key, *journal, *production;
};

static bool read_status(const struct status_arguments *arguments, const struct plan *plan,
	struct step_notes *notes, struct apply_result *result, struct error *err)
{
	CLEANUP(session_closep)
	struct session *session = session_open(arguments->common.profile, err);
	CLEANUP(buf_release) struct buf journal = BUF_UP_TO(64 << 10);
	struct status_options options = { .told = step_notes_told, .told_context = notes };

	if (!session)
		return false;
	/* The default one may not be there yet; a name that was typed is meant. */
	if (arguments->journal && access(arguments->journal, F_OK) != 0)
		return error_errno(err, "--journal %s", arguments->journal);
	if (arguments->journal)
		buf_add_text(&journal, arguments->journal);
	else
		buf_addf(&journal, "%s/%s.journal.sqlite", session->profile->state, plan->id);
	options.graph = session->graph;
	options.journal_path = buf_text(&journal);
	options.production = arguments->production ? arguments->production
						   : session->profile->production;
	return status_run(plan, &options, result, err);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct status_arguments *status = arguments;
	CLEANUP(plan_file_close) struct plan_file file = { 0 };
	CLEANUP(step_notes_release) struct step_notes notes = { 0 };
	CLEANUP(screen_release) struct screen screen;
	struct apply_result result = { 0 };
	size_t good;

	(void)operand_count;
	screen_init(&screen, &status->common);
	if (!plan_file_open(&file, operands[0], status->key, status->common.profile, true, err))
		return -1;
	step_notes_init(&notes, file.plan);
	if (!read_status(status, file.plan, &notes, &result, err))
		return -1;
	talk_end();
	if (status->common.json)
		plan_add_states_json(&screen, file.plan, &notes, &result);
	else
		plan_add_states(&screen, file.plan, notes.states, notes.texts, &result);
	if (!screen_give(&screen, &status->common, err))
		return -1;
	good = result.by_state[STEP_DONE] + result.by_state[STEP_ALREADY] +
		result.by_state[STEP_SETTLED];
	return good == file.plan->step_count ? 0 : 1;
}

static const struct option options[] = {
	{ "key", 'k', OPTION_TEXT, "FILE", "public key; the profile's unless said",
		offsetof(struct status_arguments, key) },
	{ "journal", 'J', OPTION_TEXT, "FILE", "as given to apply",
		offsetof(struct status_arguments, journal) },
	{ "production", 'p', OPTION_TEXT, "SERVER",
		"the production server; the profile's unless said",
		offsetof(struct status_arguments, production) },
	OPTIONS_COMMON(struct status_arguments),
	{ 0 },
};

const struct command command_status = {
	.name = "status",
	.operands = "PLAN",
	.operands_least = 1,
	.operands_most = 1,
	.summary = "where a plan stands now: applied, waiting, overwritten",
	.details = "Exit status 0 when every step is done or settled, 1 when some are not.\n",
	.options = options,
	.arguments_size = sizeof(struct status_arguments),
	.run = run,
};
