/* unstage verify: is this file what it says it is? */
#include <limits.h>
#include <unistd.h>

#include "cli/plan_file.h"

struct verify_arguments {
	struct common common;
	const char *key;
};

/* A plan, or what has a signature beside it (its first byte may be the damaged one); all else is to
 * be a snapshot. */
static bool is_plan(const char *path)
{
	CLEANUP(buf_release) struct buf signature = BUF_UP_TO(PATH_MAX);

	buf_addf(&signature, "%s.minisig", path);
	return plan_file_is_plan(path) || access(buf_text(&signature), F_OK) == 0;
}

static bool verify_snapshot(struct screen *screen, const char *path, bool json, struct error *err)
{
	CLEANUP(snapshot_closep) struct snapshot *snapshot = snapshot_open(path, err);

	if (!snapshot)
		return false;
	snapshot_use_workers(snapshot, snapshot_workers());
	if (!snapshot_check(snapshot, talk(), err))
		return false;
	talk_end();
	if (json)
		screen_addf(screen, STYLE_PLAIN,
			"{\"format\":\"unstage-verified/1\",\"identity\":\"%s\",\"what\":\"snapshot\"}\n",
			snapshot_identity(snapshot));
	else
		screen_addf(screen, STYLE_GREEN,
			"whole: every bucket has its digest\n  identity  %s\n",
			snapshot_identity(snapshot));
	return true;
}

static bool verify_plan(struct screen *screen, const char *path,
	const struct verify_arguments *arguments, struct error *err)
{
	CLEANUP(plan_file_close) struct plan_file file = { 0 };

	if (!plan_file_open(&file, path, arguments->key, arguments->common.profile, true, err))
		return false;
	if (arguments->common.json) {
		screen_addf(screen, STYLE_PLAIN,
			"{\"format\":\"unstage-verified/1\",\"key\":\"%s\",\"plan\":\"%s\",\"what\":\"plan\"}\n",
			file.signature.key_id, file.plan->id);
		return true;
	}
	screen_addf(screen, STYLE_GREEN, "signed by key %s\n", file.signature.key_id);
	screen_addf(screen, STYLE_PLAIN, "  ");
	screen_paragraph(screen, STYLE_PLAIN, span_of(file.signature.comment), 2);
	return true;
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct verify_arguments *verify = arguments;
	CLEANUP(screen_release) struct screen screen;
	bool good;

	(void)operand_count;
	screen_init(&screen, &verify->common);
	good = is_plan(operands[0])
		? verify_plan(&screen, operands[0], verify, err)
		: verify_snapshot(&screen, operands[0], verify->common.json, err);
	return good && screen_give(&screen, &verify->common, err) ? 0 : -1;
}

static const struct option options[] = {
	{ "key", 'k', OPTION_TEXT, "FILE", "public key; the profile's unless said",
		offsetof(struct verify_arguments, key) },
	OPTIONS_COMMON(struct verify_arguments),
	{ 0 },
};

const struct command command_verify = {
	.name = "verify",
	.operands = "FILE",
	.operands_least = 1,
	.operands_most = 1,
	.summary = "verify a plan's signature, or every digest of a snapshot",
	.options = options,
	.arguments_size = sizeof(struct verify_arguments),
	.run = run,
};
