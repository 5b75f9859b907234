/* unstage apply: the only command that writes to a directory, with a plan that verifies. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/plan_file.h"

struct apply_arguments {
	struct common common;
	const char *key, *journal, *receipt;
	int64_t canary;
};

/* <state>/<plan id><ending> */
static char *beside_state(
	const struct session *session, const struct plan *plan, const char *ending)
{
	CLEANUP(buf_release) struct buf name = BUF_UP_TO(256);

	buf_addf(&name, "%s%s", plan->id, ending);
	return file_path(session->profile->state, buf_text(&name));
}

static bool apply(const struct apply_arguments *arguments, const struct plan_file *file,
	struct step_notes *notes, struct apply_result *result, struct error *err)
{
	CLEANUP(session_closep)
	struct session *session = session_open(arguments->common.profile, err);
	CLEANUP(memory_freep) char *journal = NULL;
	CLEANUP(memory_freep) char *receipt = NULL;
	struct apply_options options = {
		.plan_bytes = buf_span(&file->bytes),
		.signature = &file->signature,
		.canary = arguments->canary > 0 ? (size_t)arguments->canary : 1,
		.now_ms = time_now_ms(),
		.progress = talk(),
		.told = step_notes_told,
		.told_context = notes,
	};

	if (!session || !file_make_folder(session->profile->state, err))
		return false;
	/* Now, so that the tenant it names can be compared before anything else is sent [T1]. */
	if (!auth_token(session->auth, false, err))
		return false;
	journal = arguments->journal ? memory_text(arguments->journal)
				     : beside_state(session, file->plan, ".journal.sqlite");
	receipt = arguments->receipt ? memory_text(arguments->receipt)
				     : beside_state(session, file->plan, ".receipt.json");
	options.graph = session->graph;
	options.token_tenant = auth_token_tenant(session->auth);
	options.journal_path = journal;
	options.receipt_path = receipt;
	options.state_folder = session->profile->state;
	return apply_run(file->plan, &options, result, err);
}

/* 0 when every step is done, 1 when some are left, waiting or stale. */
static int status_of(const struct apply_result *result, const struct plan *plan)
{
	size_t good = result->by_state[STEP_DONE] + result->by_state[STEP_ALREADY] +
		result->by_state[STEP_SETTLED];

	return good == plan->step_count && !result->interrupted && !result->stopped ? 0 : 1;
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct apply_arguments *apply_arguments = arguments;
	CLEANUP(plan_file_close) struct plan_file file = { 0 };
	CLEANUP(step_notes_release) struct step_notes notes = { 0 };
	CLEANUP(screen_release) struct screen screen;
	struct apply_result result = { 0 };

	(void)operand_count;
	screen_init(&screen, &apply_arguments->common);
	if (!plan_file_open(&file, operands[0], apply_arguments->key,
		    apply_arguments->common.profile, true, err))
		return -1;
	step_notes_init(&notes, file.plan);
	if (!apply(apply_arguments, &file, &notes, &result, err))
		return -1;
	talk_end();
	if (apply_arguments->common.json)
		plan_add_states_json(&screen, file.plan, &notes, &result);
	else
		plan_add_states(&screen, file.plan, notes.states, notes.texts, &result);
	if (!screen_give(&screen, &apply_arguments->common, err))
		return -1;
	return status_of(&result, file.plan);
}

static const struct option options[] = {
	{ "key", 'k', OPTION_TEXT, "FILE", "public key of its signer; the profile's unless said",
		offsetof(struct apply_arguments, key) },
	{ "journal", 'J', OPTION_TEXT, "FILE", "SQLite journal; in the state folder unless said",
		offsetof(struct apply_arguments, journal) },
	{ "receipt", 'R', OPTION_TEXT, "FILE", "receipt; in the state folder unless said",
		offsetof(struct apply_arguments, receipt) },
	{ "canary", 'c', OPTION_NUMBER, "N", "N of each operation go first alone: 1 unless said",
		offsetof(struct apply_arguments, canary) },
	OPTIONS_COMMON(struct apply_arguments),
	{ 0 },
};

const struct command command_apply = {
	.name = "apply",
	.operands = "PLAN",
	.operands_least = 1,
	.operands_most = 1,
	.summary = "apply a signed plan, or go on where it stopped",
	.details = "Each step's value is read, compared with what the plan saw, written, and read\n"
		   "again. What changed since is skipped and listed. Exit status: 0 every step is\n"
		   "done; 1 some are left (other doors, stale); 5 nothing was applied, all stale;\n"
		   "8 refused, nothing sent.\n",
	.options = options,
	.arguments_size = sizeof(struct apply_arguments),
	.run = run,
};
