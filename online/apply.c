/* unstage apply: the only command that writes to a directory, with a plan that verifies. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/plan_file.h"
#include "online/online.h"
#include "report/report.h"

enum { ANSWER_BYTES = 128 };

struct apply_arguments {
	struct common common;
	const char *key, *journal, *receipt, *fingerprint;
	int64_t canary;
};

/* What became of it. */
struct outcome {
	struct step_notes notes;
	struct apply_result result;
	char *receipt; /* its path */
};

static void outcome_release(struct outcome *outcome)
{
	step_notes_release(&outcome->notes);
	memory_free(outcome->receipt);
}

/* <state>/<plan id><ending> */
static char *beside_state(
	const struct session *session, const struct plan *plan, const char *ending)
{
	CLEANUP(buf_release) struct buf name = BUF_UP_TO(256);

	buf_addf(&name, "%s%s", plan->id, ending);
	return file_path(session->profile->state, buf_text(&name));
}

/* Only a receipt may be replaced by one: everything else that lies there is kept. */
static bool check_receipt(const char *receipt, const char *journal, struct error *err)
{
	static const char start[] = "{\"format\":\"unstage-receipt/";
	char found[sizeof(start) - 1];
	int descriptor = open(receipt, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool is_receipt;

	if (strcmp(receipt, journal) == 0)
		return error_set(
			err, ERROR_USAGE, "journal and receipt are both to be %s", receipt);
	if (descriptor < 0)
		return errno == ENOENT || error_errno(err, "receipt %s", receipt);
	is_receipt = read(descriptor, found, sizeof(found)) == (ssize_t)sizeof(found) &&
		memcmp(found, start, sizeof(found)) == 0;
	close(descriptor);
	return is_receipt ||
		error_set(err, ERROR_USAGE,
			"%s is there and is no receipt, so none is written in its place: name another "
			"file",
			receipt);
}

static bool run_plan(const struct apply_arguments *arguments, const struct plan_file *file,
	struct session *session, struct outcome *outcome, struct error *err)
{
	CLEANUP(memory_freep) char *journal = NULL;
	struct apply_options options = {
		.graph = session->graph,
		.plan_bytes = buf_span(&file->bytes),
		.cloud = session->profile->cloud,
		.signature = &file->signature,
		.state_folder = session->profile->state,
		.canary = arguments->canary > 0 ? (size_t)arguments->canary : 1,
		.now_ms = time_now_ms(),
		.progress = talk(),
		.told = step_notes_told,
		.told_context = &outcome->notes,
	};

	journal = arguments->journal ? memory_text(arguments->journal)
				     : beside_state(session, file->plan, ".journal.sqlite");
	outcome->receipt = arguments->receipt ? memory_text(arguments->receipt)
					      : beside_state(session, file->plan, ".receipt.json");
	if (!check_receipt(outcome->receipt, journal, err))
		return false;
	/* Now, so that the tenant it names can be compared before anything else is sent [T1]. */
	if (!auth_token(session->auth, false, err))
		return false;
	options.token_tenant = auth_token_tenant(session->auth);
	options.journal_path = journal;
	options.receipt_path = outcome->receipt;
	return apply_run(file->plan, &options, &outcome->result, err);
}

static bool apply(const struct apply_arguments *arguments, const struct plan_file *file,
	struct outcome *outcome, struct error *err)
{
	CLEANUP(session_closep)
	struct session *session = session_open(arguments->common.profile, err);

	return session && file_make_folder(session->profile->state, err) &&
		run_plan(arguments, file, session, outcome, err);
}

/* Past the preflight every step has a state; before it nothing was begun. */
static bool was_begun(const struct apply_result *result, const struct plan *plan)
{
	size_t told = 0;

	for (int state = 0; state < STEP_STATE_COUNT; state++)
		told += result->by_state[state];
	return told && told == plan->step_count;
}

static bool tell(const struct apply_arguments *arguments, const struct plan *plan,
	const struct outcome *outcome, struct error *err)
{
	CLEANUP(screen_release) struct screen screen;

	screen_init(&screen, &arguments->common);
	if (arguments->common.json) {
		plan_add_states_json(&screen, plan, &outcome->notes, &outcome->result);
	} else {
		plan_add_states(&screen, plan, outcome->notes.states, outcome->notes.texts,
			&outcome->result);
		screen_addf(&screen, STYLE_PLAIN, "  receipt   ");
		screen_text(&screen, STYLE_PLAIN, span_of(outcome->receipt), 0, false);
		screen_addf(&screen, STYLE_PLAIN, "\n");
	}
	return screen_give(&screen, &arguments->common, err);
}

/* 0 when every step is done, 1 when some are left, waiting or stale. */
static int status_of(const struct apply_result *result, const struct plan *plan)
{
	return apply_result_good(result) == plan->step_count && !result->interrupted &&
			!result->stopped
		? 0
		: 1;
}

/* ---- which plan the person means ------------------------------------------------------------ */

/* Enough to see that it is the wrong file; not the code, which comes from whoever read the plan. */
static void ask(const struct plan_file *file)
{
	text_line(stderr, "plan %s for tenant %s", file->plan->id, file->plan->tenant);
	text_line(stderr, "  %zu steps on %zu objects, %zu deletions at most; signed by key %s",
		file->plan->step_count, file->plan->limits.objects, file->plan->limits.deletes,
		file->signature.key_id);
	fputs("Its fingerprint, as unstage show printed it: ", stderr);
	fflush(stderr);
}

static bool check_code(const struct plan_file *file, const char *code, struct error *err)
{
	char fingerprint[PLAN_FINGERPRINT_BYTES];

	plan_fingerprint(buf_span(&file->bytes), fingerprint);
	return plan_fingerprint_is(fingerprint, code) ||
		error_set(err, ERROR_REFUSED,
			"that is not the fingerprint of this plan, so nothing was sent: look at it "
			"with unstage show, and compare with what was approved");
}

/*
 * Who sits at a terminal may have taken the wrong file: the code says which one was looked at. A
 * script took its file where it was told to; what authorises either is the signature.
 */
static bool check_fingerprint(const struct plan_file *file, const char *given, struct error *err)
{
	char typed[ANSWER_BYTES];

	if (given)
		return check_code(file, given, err);
	if (isatty(STDIN_FILENO) != 1)
		return true;
	ask(file);
	if (!fgets(typed, sizeof(typed), stdin))
		return error_set(err, ERROR_REFUSED,
			"no fingerprint was typed, so nothing was sent; a script says --fingerprint CODE");
	return check_code(file, typed, err);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct apply_arguments *apply_arguments = arguments;
	CLEANUP(plan_file_close) struct plan_file file = { 0 };
	CLEANUP(outcome_release) struct outcome outcome = { 0 };
	struct error ignored = { 0 };

	(void)operand_count;
	if (!plan_file_open(&file, operands[0], apply_arguments->key,
		    apply_arguments->common.profile, true, err) ||
		!check_fingerprint(&file, apply_arguments->fingerprint, err))
		return -1;
	step_notes_init(&outcome.notes, file.plan);
	if (apply(apply_arguments, &file, &outcome, err)) {
		talk_end();
		return tell(apply_arguments, file.plan, &outcome, err)
			? status_of(&outcome.result, file.plan)
			: -1;
	}
	talk_end();
	/* What was done until it failed; why it failed is said once, by the error. */
	outcome.result.why[0] = '\0';
	if (was_begun(&outcome.result, file.plan) &&
		!tell(apply_arguments, file.plan, &outcome, &ignored))
		error_prefix(err, "%s; before that", ignored.text);
	return -1;
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
	{ "fingerprint", 'f', OPTION_TEXT, "CODE",
		"of the plan that is meant, instead of being asked",
		offsetof(struct apply_arguments, fingerprint) },
	OPTIONS_COMMON(struct apply_arguments),
	{ 0 },
};

const struct command command_apply = {
	.name = "apply",
	.operands = "PLAN",
	.operands_least = 1,
	.operands_most = 1,
	.details = "Each step's value is read, compared with what the plan saw, written, and read\n"
		   "again. What changed since is skipped and listed. Exit status: 0 every step is\n"
		   "done; 1 some are left (other doors, stale); 5 nothing was applied, all stale;\n"
		   "8 refused, nothing sent.\n"
		   "On a terminal it asks for the fingerprint that show printed.\n",
	.options = options,
	.arguments_size = sizeof(struct apply_arguments),
	.run = run,
};
