/* unstage status: where a plan stands now, by reading every object again. */
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/plan_file.h"
#include "online/online.h"

struct status_arguments {
	struct common common;
	const char *key, *journal, *production, *wait;
	bool held;
};

enum { LOOK_EVERY_MS = 30 * 1000 };

struct looking {
	const struct status_arguments *arguments;
	const struct plan *plan;
	struct span plan_bytes;
	struct session *session;
	struct step_notes notes;
	struct apply_result result;
};

static void looking_release(struct looking *looking)
{
	step_notes_release(&looking->notes);
	session_close(looking->session);
}

static bool look(struct looking *looking, const char *journal, struct error *err)
{
	const struct profile *profile = looking->session->profile;
	struct status_options options = {
		.graph = looking->session->graph,
		.journal_path = journal,
		.plan_bytes = looking->plan_bytes,
		.production = looking->arguments->production ? looking->arguments->production
							     : profile->production,
		.told = step_notes_told,
		.told_context = &looking->notes,
	};

	return status_run(looking->plan, &options, &looking->result, err);
}

/* How many steps may still come to where they are waited for, by themselves. */
static size_t pending(const struct looking *looking)
{
	const size_t *by_state = looking->result.by_state;

	return by_state[STEP_WAITING] +
		(looking->arguments->held ? by_state[STEP_DONE] + by_state[STEP_SETTLED] : 0);
}

/* What was lost while waiting is worth knowing at once. */
static bool is_lost(const struct looking *looking)
{
	return looking->result.by_state[STEP_OVERWRITTEN] || looking->result.by_state[STEP_STALE];
}

static bool look_until(
	struct looking *looking, const char *journal, int64_t limit_ms, struct error *err)
{
	int64_t end_ms = time_monotonic_ms() + limit_ms;

	if (!look(looking, journal, err))
		return false;
	while (pending(looking) && !is_lost(looking) && !interrupted() &&
		time_monotonic_ms() + LOOK_EVERY_MS < end_ms) {
		char why[64];

		snprintf(why, sizeof(why), "%zu of %zu steps", pending(looking),
			looking->plan->step_count);
		progress_wait(talk(), why, LOOK_EVERY_MS);
		net_sleep_ms(LOOK_EVERY_MS);
		if (!interrupted() && !look(looking, journal, err))
			return false;
	}
	return true;
}

static bool read_status(struct looking *looking, struct error *err)
{
	const struct status_arguments *arguments = looking->arguments;
	CLEANUP(buf_release) struct buf journal = BUF_UP_TO(64 << 10);
	int64_t limit_ms = 0;

	if (arguments->wait && !duration_parse(arguments->wait, &limit_ms, err))
		return error_prefix(err, "--wait");
	looking->session = session_open(arguments->common.profile, err);
	if (!looking->session)
		return false;
	/* The default one may not be there yet; a name that was typed is meant. */
	if (arguments->journal && access(arguments->journal, F_OK) != 0)
		return error_errno(err, "--journal %s", arguments->journal);
	if (arguments->journal)
		buf_add_text(&journal, arguments->journal);
	else
		buf_addf(&journal, "%s/%s.journal.sqlite", looking->session->profile->state,
			looking->plan->id);
	return look_until(looking, buf_text(&journal), limit_ms, err);
}

static void add_states(struct screen *screen, const struct looking *looking, struct span bytes)
{
	plan_add_states(screen, looking->plan, looking->notes.states, looking->notes.texts,
		&looking->result);
	plan_add_fingerprint(screen, bytes);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct status_arguments *status = arguments;
	CLEANUP(plan_file_close) struct plan_file file = { 0 };
	CLEANUP(looking_release) struct looking looking = { .arguments = status };
	CLEANUP(screen_release) struct screen screen;

	(void)operand_count;
	screen_init(&screen, &status->common);
	if (!plan_file_open(&file, operands[0], status->key, status->common.profile, true, err))
		return -1;
	looking.plan = file.plan;
	looking.plan_bytes = buf_span(&file.bytes);
	step_notes_init(&looking.notes, file.plan);
	if (!read_status(&looking, err))
		return -1;
	talk_end();
	if (status->common.json)
		plan_add_states_json(&screen, file.plan, &looking.notes, &looking.result);
	else
		add_states(&screen, &looking, buf_span(&file.bytes));
	if (!screen_give(&screen, &status->common, err))
		return -1;
	return apply_result_good(&looking.result) == file.plan->step_count ? 0 : 1;
}

static const struct option options[] = {
	{ "key", 'k', OPTION_TEXT, "FILE", "public key; the profile's unless said",
		offsetof(struct status_arguments, key) },
	{ "journal", 'J', OPTION_TEXT, "FILE", "as given to apply",
		offsetof(struct status_arguments, journal) },
	{ "production", 'p', OPTION_TEXT, "SERVER",
		"the production server; the profile's unless said",
		offsetof(struct status_arguments, production) },
	{ "wait", 'w', OPTION_TEXT, "TIME", "look again until nothing waits, so long: 2h",
		offsetof(struct status_arguments, wait) },
	{ "held", 0, OPTION_FLAG, NULL, "with --wait: until a sync cycle left it alone",
		offsetof(struct status_arguments, held) },
	OPTIONS_COMMON(struct status_arguments),
	{ 0 },
};

const struct command command_status = {
	.name = "status",
	.operands = "PLAN",
	.operands_least = 1,
	.operands_most = 1,
	.details =
		"Every object is read again. `held`: a sync cycle came after it and left it\n"
		"alone. `overwritten`: it was done, and somebody wrote since; the audit log says\n"
		"who.\n"
		"Exit status 0 when every step is done, settled or held, 1 when some are not.\n",
	.options = options,
	.arguments_size = sizeof(struct status_arguments),
	.run = run,
};
