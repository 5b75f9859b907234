/* unstage sign: signs a plan as it lies on disk, or a snapshot by its statement. */
#include <limits.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/names.h"
#include "cli/plan_file.h"
#include "cli/statement.h"

enum { PASSWORD_MAX = 1024 };

struct sign_arguments {
	struct common common;
	const char *secret_key;
};

/* Facts for people; they decide nothing. */
static void add_plan_comment(struct buf *comment, const struct plan *plan)
{
	char expires[TIME_TEXT_BYTES];

	buf_addf(comment, "unstage-plan/1 tenant %s plan %s steps %zu deletes %zu expires %s",
		plan->tenant, plan->id, plan->step_count, plan->limits.deletes,
		time_text(plan->expires_ms, expires));
}

/* Asks for the key's password where it has one, and signs these very bytes, not what lies there by now. */
static bool sign_bytes(const struct sign_arguments *arguments, const char *path, struct span bytes,
	enum signature_purpose purpose, const char *comment, struct error *err)
{
	const char *secret_key = arguments->secret_key ? arguments->secret_key : "unstage.key";
	CLEANUP(buf_wipe) struct buf password = BUF_UP_TO(PASSWORD_MAX);
	bool wants;

	if (!key_wants_password(secret_key, &wants, err) ||
		(wants && !password_ask("password of the secret key", false, &password, err)))
		return false;
	return signature_make(path, bytes, purpose, secret_key,
		wants ? buf_span(&password) : SPAN_NONE, comment, err);
}

static bool tell(const struct sign_arguments *arguments, const char *path, const char *ending)
{
	if (arguments->common.json)
		puts("{\"format\":\"unstage-signed/1\"}");
	else
		text_line(stdout, "%s%s", path, ending);
	return true;
}

static bool sign_plan(const struct sign_arguments *arguments, const char *path, struct error *err)
{
	CLEANUP(plan_file_close) struct plan_file file = { 0 };
	CLEANUP(buf_release) struct buf comment = BUF_UP_TO(512);

	/* A plan that would not be applied is not worth a signature. */
	if (!plan_file_open(&file, path, NULL, NULL, false, err))
		return false;
	if (!plan_check_sealed(file.plan, err))
		return error_prefix(err, "%s", path);
	add_plan_comment(&comment, file.plan);
	return sign_bytes(arguments, path, buf_span(&file.bytes), SIGNATURE_PLAN,
		       buf_text(&comment), err) &&
		tell(arguments, path, ".minisig");
}

static void add_snapshot_comment(struct buf *comment, const struct snapshot *snapshot)
{
	const struct snapshot_header *header = snapshot_header(snapshot);
	char from[TIME_TEXT_BYTES];

	buf_addf(comment, "unstage-snapshot-statement/1 tenant %s taken %s identity %s",
		header->tenant, time_text(header->taken_from_ms, from),
		snapshot_identity(snapshot));
}

/* The signature first: without its statement it means nothing, and a wrong password leaves nothing. */
static bool sign_snapshot(
	const struct sign_arguments *arguments, const char *word, struct error *err)
{
	CLEANUP(snapshot_closep)
	struct snapshot *snapshot = names_open(word, arguments->common.profile, err);
	CLEANUP(buf_release) struct buf statement = BUF_UP_TO(SNAPSHOT_STATEMENT_MAX);
	CLEANUP(buf_release) struct buf path = BUF_UP_TO(PATH_MAX);
	CLEANUP(buf_release) struct buf comment = BUF_UP_TO(512);

	if (!snapshot || !snapshot_check(snapshot, talk(), err))
		return false;
	talk_end();
	buf_addf(&path, "%s" STATEMENT_ENDING, snapshot_path(snapshot));
	add_snapshot_comment(&comment, snapshot);
	return buf_check(&path, "the path", err) &&
		snapshot_statement_add(&statement, snapshot, err) &&
		sign_bytes(arguments, buf_text(&path), buf_span(&statement),
			SIGNATURE_SNAPSHOT_STATEMENT, buf_text(&comment), err) &&
		file_save(buf_text(&path), buf_span(&statement), err) &&
		tell(arguments, snapshot_path(snapshot), STATEMENT_SIGNATURE_ENDING);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	bool plan = !names_is_name(operands[0]) && plan_file_is_plan(operands[0]);

	(void)operand_count;
	return (plan ? sign_plan : sign_snapshot)(arguments, operands[0], err) ? 0 : -1;
}

static const struct option options[] = {
	{ "secret-key", 's', OPTION_TEXT, "FILE", "unstage.key unless said",
		offsetof(struct sign_arguments, secret_key) },
	OPTIONS_COMMON(struct sign_arguments),
	{ 0 },
};

const struct command command_sign = {
	.name = "sign",
	.operands = "FILE",
	.operands_least = 1,
	.operands_most = 1,
	.details =
		"FILE is a plan, a snapshot, or a snapshot's name (production, latest, @WHEN).\n"
		"Of a plan PLAN.minisig is written, and `minisign -Vm PLAN -p unstage.pub`\n"
		"verifies it too; refused where a hand-off file is not what its steps make.\n"
		"Of a snapshot FILE.statement, which says what it is and has\n"
		"its b2sum, and FILE.statement.minisig: a plan says whether somebody signed the\n"
		"snapshot it rests on. Needs no network and no tenant credential: keep the\n"
		"secret key on another machine than the one that applies.\n",
	.options = options,
	.arguments_size = sizeof(struct sign_arguments),
	.run = run,
};
