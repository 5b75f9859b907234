/* unstage sign: signs a plan as it lies on disk. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/plan_file.h"

enum { PASSWORD_MAX = 1024 };

struct sign_arguments {
	struct common common;
	const char *secret_key;
};

/* Facts for people; they decide nothing. */
static void add_comment(struct buf *comment, const struct plan *plan)
{
	char expires[TIME_TEXT_BYTES];

	buf_addf(comment, "unstage-plan/1 tenant %s plan %s steps %zu deletes %zu expires %s",
		plan->tenant, plan->id, plan->step_count, plan->limits.deletes,
		time_text(plan->expires_ms, expires));
}

static bool sign(const struct sign_arguments *arguments, const char *path, struct error *err)
{
	const char *secret_key = arguments->secret_key ? arguments->secret_key : "unstage.key";
	CLEANUP(plan_file_close) struct plan_file file = { 0 };
	CLEANUP(buf_wipe) struct buf password = BUF_UP_TO(PASSWORD_MAX);
	CLEANUP(buf_release) struct buf comment = BUF_UP_TO(512);
	struct span given = SPAN_NONE;
	bool wants;

	/* A plan that would not be applied is not worth a signature. */
	if (!plan_file_open(&file, path, NULL, NULL, false, err) ||
		!key_wants_password(secret_key, &wants, err))
		return false;
	if (wants && !password_ask("password of the secret key", false, &password, err))
		return false;
	if (wants)
		given = buf_span(&password);
	add_comment(&comment, file.plan);
	/* These very bytes, and not what lies there by now. */
	return signature_make(path, buf_span(&file.bytes), SIGNATURE_PLAN, secret_key, given,
		buf_text(&comment), err);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct sign_arguments *sign_arguments = arguments;

	(void)operand_count;
	if (!sign(sign_arguments, operands[0], err))
		return -1;
	if (sign_arguments->common.json)
		puts("{\"format\":\"unstage-signed/1\"}");
	else
		text_line(stdout, "%s.minisig", operands[0]);
	return 0;
}

static const struct option options[] = {
	{ "secret-key", 's', OPTION_TEXT, "FILE", "unstage.key unless said",
		offsetof(struct sign_arguments, secret_key) },
	OPTIONS_COMMON(struct sign_arguments),
	{ 0 },
};

const struct command command_sign = {
	.name = "sign",
	.operands = "PLAN",
	.operands_least = 1,
	.operands_most = 1,
	.summary = "sign a plan",
	.details =
		"Writes PLAN.minisig; `minisign -Vm PLAN -p unstage.pub` verifies it too. Needs\n"
		"no network and no tenant credential: keep the secret key on another machine than\n"
		"the one that applies.\n",
	.options = options,
	.arguments_size = sizeof(struct sign_arguments),
	.run = run,
};
