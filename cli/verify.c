/* unstage verify: is this file what it says it is? */
#include <limits.h>
#include <unistd.h>

#include "cli/chain.h"
#include "cli/names.h"
#include "cli/plan_file.h"
#include "report/report.h"

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

struct verified {
	struct snapshot *snapshot;
	struct statement statement;
	enum chain_state chain;
};

static void verified_release(struct verified *verified)
{
	snapshot_close(verified->snapshot);
}

static void add_verified(struct screen *screen, const struct verified *verified)
{
	screen_addf(screen, STYLE_GREEN, "whole: every bucket has its digest\n");
	screen_addf(screen, STYLE_PLAIN, "  identity  %s\n  signed    ",
		snapshot_identity(verified->snapshot));
	statement_add(screen, &verified->statement);
	if (verified->statement.state == STATEMENT_SIGNED) {
		screen_addf(screen, STYLE_PLAIN, "\n%12s", "");
		screen_paragraph(
			screen, STYLE_PLAIN, span_of(verified->statement.signature.comment), 12);
	} else {
		screen_addf(screen, STYLE_PLAIN, "\n");
	}
	screen_addf(screen, STYLE_PLAIN, "  chain     ");
	chain_add(screen, verified->chain, verified->snapshot);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_verified_json(struct screen *screen, const struct verified *verified)
{
	const struct statement *statement = &verified->statement;

	screen_addf(screen, STYLE_PLAIN, "{\"format\":\"unstage-verified/1\",\"chain\":\"%s\",",
		chain_state_name(verified->chain));
	if (statement->state == STATEMENT_SIGNED)
		screen_addf(screen, STYLE_PLAIN, "\"key\":\"%s\",", statement->signature.key_id);
	screen_addf(screen, STYLE_PLAIN,
		"\"identity\":\"%s\",\"sequence\":%llu,\"signature\":\"%s\",\"what\":\"snapshot\"}\n",
		snapshot_identity(verified->snapshot),
		(unsigned long long)snapshot_header(verified->snapshot)->sequence,
		statement_state_name(statement->state));
}

/* With --key somebody asked for a signature, and none is not one. */
static bool verify_statement(
	struct verified *verified, const struct verify_arguments *arguments, struct error *err)
{
	CLEANUP(profile_freep) struct profile *profile = NULL;
	const char *key = arguments->key;

	if (!key && !profile_load_if_any(&profile, arguments->common.profile, err))
		return false;
	if (profile)
		key = profile->key;
	if (!statement_verify(&verified->statement, verified->snapshot, key, true, err))
		return false;
	return !arguments->key || verified->statement.state == STATEMENT_SIGNED ||
		error_set(err, ERROR_REFUSED,
			"%s: no signature: " STATEMENT_ENDING " and " STATEMENT_SIGNATURE_ENDING
			" are to lie beside it; whoever vouches for it runs: unstage sign",
			snapshot_path(verified->snapshot));
}

static bool check_content(struct snapshot *snapshot, struct error *err)
{
	snapshot_use_workers(snapshot, snapshot_workers());
	return snapshot_check(snapshot, talk(), err);
}

static bool verify_snapshot(struct screen *screen, const char *word,
	const struct verify_arguments *arguments, struct error *err)
{
	const char *profile_name = arguments->common.profile;
	CLEANUP(verified_release)
	struct verified verified = { .snapshot = names_open(word, profile_name, err) };

	if (!verified.snapshot || !verify_statement(&verified, arguments, err) ||
		!chain_verify(&verified.chain, verified.snapshot, profile_name, err) ||
		!check_content(verified.snapshot, err))
		return false;
	talk_end();
	(arguments->common.json ? add_verified_json : add_verified)(screen, &verified);
	return true;
}

static bool verify_plan(struct screen *screen, const char *path,
	const struct verify_arguments *arguments, struct error *err)
{
	CLEANUP(plan_file_close) struct plan_file file = { 0 };
	char fingerprint[PLAN_FINGERPRINT_BYTES];
	const char *decisions;

	if (!plan_file_open(&file, path, arguments->key, arguments->common.profile, true, err) ||
		!plan_check_hand_offs(file.plan, path, err))
		return false;
	decisions = file.plan->decisions;
	if (arguments->common.json) {
		screen_addf(screen, STYLE_PLAIN,
			"{\"format\":\"unstage-verified/1\",%s%s%s\"fingerprint\":\"%s\",\"key\":\"%s\",\"plan\":\"%s\",\"what\":\"plan\"}\n",
			decisions ? "\"decisions\":\"" : "", decisions ? decisions : "",
			decisions ? "\"," : "",
			plan_fingerprint(buf_span(&file.bytes), fingerprint), file.signature.key_id,
			file.plan->id);
		return true;
	}
	screen_addf(screen, STYLE_GREEN, "signed by key %s\n", file.signature.key_id);
	screen_addf(screen, STYLE_PLAIN, "  ");
	screen_paragraph(screen, STYLE_PLAIN, span_of(file.signature.comment), 2);
	plan_add_fingerprint(screen, buf_span(&file.bytes));
	if (decisions)
		screen_addf(screen, STYLE_PLAIN, "  decisions %s\n", decisions);
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
	good = !names_is_name(operands[0]) && is_plan(operands[0])
		? verify_plan(&screen, operands[0], verify, err)
		: verify_snapshot(&screen, operands[0], verify, err);
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
	.details =
		"Of a plan: its signature, and that the hand-off files lie beside it as they\n"
		"were signed. Of a snapshot, by its file or its name: every digest\n"
		"of every bucket; the statement and the signature beside it; and that it follows\n"
		"the snapshot it was made from, where that one is kept or lies beside it. It\n"
		"says when nobody signed a snapshot; with --key that is refused.\n",
	.options = options,
	.arguments_size = sizeof(struct verify_arguments),
	.run = run,
};
