/* unstage forget: thins out the kept snapshots, by the words and the rules of restic. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/names.h"

struct forget_arguments {
	struct common common;
	const char *keep[KEEP_RULES], *within;
	bool dry_run;
};

/* The state folder, and what is to become of each snapshot in it. */
struct forgetting {
	const struct forget_arguments *arguments;
	struct keep_policy policy;
	struct shelf *shelf;
	struct keep_reasons *reasons; /* for each of the shelf's snapshots */
	size_t kept, removed;
};

static void forgetting_release(struct forgetting *forgetting)
{
	memory_free(forgetting->reasons);
	shelf_close(forgetting->shelf);
}

/* ---- the policy ---------------------------------------------------------------------------------- */

static bool read_count(enum keep_rule rule, const char *text, int64_t *count, struct error *err)
{
	char *end;

	/* restic takes both. */
	if (strcmp(text, "unlimited") == 0 || strcmp(text, "-1") == 0) {
		*count = KEEP_ALL;
		return true;
	}
	*count = strtol(text, &end, 10);
	return (strspn(text, "0123456789") == strlen(text) && *text && *count < INT_MAX) ||
		error_set(err, ERROR_USAGE,
			"forget: --keep-%s takes a whole number, not '%s'; or: unlimited",
			keep_rule_name(rule), text);
}

static bool read_policy(struct forgetting *forgetting, struct error *err)
{
	const struct forget_arguments *arguments = forgetting->arguments;
	struct keep_policy *policy = &forgetting->policy;

	for (enum keep_rule rule = 0; rule < KEEP_RULES; rule++) {
		if (arguments->keep[rule] &&
			!read_count(rule, arguments->keep[rule], &policy->counts[rule], err))
			return false;
	}
	if (arguments->within && !keep_span_parse(arguments->within, &policy->within))
		return error_set(err, ERROR_USAGE,
			"forget: --keep-within takes a length of time such as 1y6m, 30d or 2d12h (years, "
			"months, days, hours), not '%s'",
			arguments->within);
	return !keep_policy_is_empty(policy) ||
		error_set(err, ERROR_USAGE,
			"forget: say what to keep, as in: unstage forget --keep-daily 30 --keep-weekly 12; "
			"--dry-run shows what would go");
}

/* ---- deciding ------------------------------------------------------------------------------------ */

/* Whatever the policy says: the pinned one is the way back, and the newest is what stands there. */
static bool is_kept(const struct forgetting *forgetting, size_t number)
{
	return !number || shelf_get(forgetting->shelf, number)->pinned ||
		keep_reasons_any(&forgetting->reasons[number]);
}

static void decide(struct forgetting *forgetting)
{
	size_t count = shelf_count(forgetting->shelf);
	CLEANUP(memory_freep) int64_t *taken_ms = memory_array(count + 1, sizeof(*taken_ms));

	forgetting->reasons = memory_array(count + 1, sizeof(*forgetting->reasons));
	for (size_t i = 0; i < count; i++)
		taken_ms[i] = shelf_get(forgetting->shelf, i)->taken_ms;
	snapshots_keep(&forgetting->policy, taken_ms, count, time_now_ms(), forgetting->reasons);
	for (size_t i = 0; i < count; i++)
		forgetting->kept += is_kept(forgetting, i);
}

static bool remove_all(struct forgetting *forgetting, struct error *err)
{
	for (size_t i = shelf_count(forgetting->shelf); i-- > 0;) {
		if (is_kept(forgetting, i))
			continue;
		if (!forgetting->arguments->dry_run &&
			!shelf_remove(forgetting->shelf, shelf_get(forgetting->shelf, i), err))
			return error_prefix(
				err, "forget: after %zu were removed", forgetting->removed);
		forgetting->removed++;
	}
	return true;
}

/* ---- telling -------------------------------------------------------------------------------------- */

/* Each reason as one of a list. */
static json_t *reasons_json(const struct forgetting *forgetting, size_t number)
{
	const struct keep_reasons *reasons = &forgetting->reasons[number];
	json_t *list = json_array();

	if (shelf_get(forgetting->shelf, number)->pinned)
		json_array_append_new(list, json_string("pinned as production"));
	if (!number)
		json_array_append_new(list, json_string("the newest"));
	if (reasons->within)
		json_array_append_new(
			list, json_sprintf("within %s", forgetting->arguments->within));
	for (enum keep_rule rule = 0; rule < KEEP_RULES; rule++) {
		if (reasons->rules[rule] || reasons->oldest[rule])
			json_array_append_new(list,
				json_sprintf("%s%s snapshot",
					reasons->oldest[rule] ? "oldest " : "",
					keep_rule_name(rule)));
	}
	return list;
}

static void add_line(struct screen *screen, const struct forgetting *forgetting, size_t number)
{
	CLEANUP(json_freep) json_t *reasons = reasons_json(forgetting, number);
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(4096);
	bool kept = is_kept(forgetting, number);
	char when[TIME_TEXT_BYTES];

	for (size_t i = 0; i < json_array_size(reasons); i++)
		buf_addf(&text, "%s%s", i ? ", " : "",
			json_string_value(json_array_get(reasons, i)));
	screen_addf(screen, kept ? STYLE_GREEN : STYLE_RED, "%-8s", kept ? "keep" : "remove");
	screen_addf(screen, STYLE_PLAIN, "%s  ",
		screen_time(shelf_get(forgetting->shelf, number)->taken_ms, when));
	screen_paragraph(screen, STYLE_DIM, buf_span(&text), 29);
}

static void add_line_json(struct screen *screen, const struct forgetting *forgetting, size_t number)
{
	const struct stored *stored = shelf_get(forgetting->shelf, number);
	char when[TIME_TEXT_BYTES];
	CLEANUP(json_freep)
	json_t *line = json_pack("{s:s, s:s, s:b, s:o}", "file", stored->name, "taken_until",
		time_text(stored->taken_ms, when), "kept", (int)is_kept(forgetting, number),
		"reasons", reasons_json(forgetting, number));

	json_add(&screen->text, line);
	buf_add_byte(&screen->text, '\n');
}

static bool tell(const struct forgetting *forgetting, struct error *err)
{
	const struct common *common = &forgetting->arguments->common;
	bool dry_run = forgetting->arguments->dry_run;
	CLEANUP(screen_release) struct screen screen;

	screen_init(&screen, common);
	if (common->json)
		screen_addf(&screen, STYLE_PLAIN,
			"{\"format\":\"unstage-forgotten/1\",\"dry_run\":%s}\n",
			dry_run ? "true" : "false");
	for (size_t i = 0; i < shelf_count(forgetting->shelf); i++)
		(common->json ? add_line_json : add_line)(&screen, forgetting, i);
	if (common->json)
		screen_addf(&screen, STYLE_PLAIN, "{\"end\":true,\"kept\":%zu,\"removed\":%zu}\n",
			forgetting->kept, forgetting->removed);
	else
		screen_addf(&screen, STYLE_BOLD, "%zu kept, %zu %sremoved\n", forgetting->kept,
			forgetting->removed, dry_run ? "would be " : "");
	return screen_give(&screen, common, err);
}

/* Nobody pins while we decide and delete. */
static bool forget(struct forgetting *forgetting, const struct profile *profile, struct error *err)
{
	CLEANUP(shelf_closep) struct shelf *found = shelf_open(profile, false, err);
	int lock;
	bool done;

	if (!found)
		return false;
	if (!shelf_count(found)) {
		forgetting->shelf = TAKE(found);
		return true;
	}
	lock = shelf_lock(found, err);
	if (lock < 0)
		return false;
	forgetting->shelf = shelf_open(profile, false, err);
	done = forgetting->shelf != NULL;
	if (done)
		decide(forgetting);
	done = done && remove_all(forgetting, err);
	close(lock);
	return done;
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	CLEANUP(forgetting_release) struct forgetting forgetting = { .arguments = arguments };
	CLEANUP(profile_freep) struct profile *profile = NULL;

	(void)operands;
	(void)operand_count;
	if (!read_policy(&forgetting, err))
		return -1;
	profile = profile_load(forgetting.arguments->common.profile, err);
	return profile && forget(&forgetting, profile, err) && tell(&forgetting, err) ? 0 : -1;
}

static const struct option options[] = {
	{ "keep-last", 'l', OPTION_TEXT, "N", "the N newest",
		offsetof(struct forget_arguments, keep[KEEP_LAST]) },
	{ "keep-hourly", 'H', OPTION_TEXT, "N", "the newest of each of the last N hours",
		offsetof(struct forget_arguments, keep[KEEP_HOURLY]) },
	{ "keep-daily", 'd', OPTION_TEXT, "N", "of the last N days that have one",
		offsetof(struct forget_arguments, keep[KEEP_DAILY]) },
	{ "keep-weekly", 'w', OPTION_TEXT, "N", "of the last N weeks",
		offsetof(struct forget_arguments, keep[KEEP_WEEKLY]) },
	{ "keep-monthly", 'm', OPTION_TEXT, "N", "of the last N months",
		offsetof(struct forget_arguments, keep[KEEP_MONTHLY]) },
	{ "keep-yearly", 'y', OPTION_TEXT, "N", "of the last N years",
		offsetof(struct forget_arguments, keep[KEEP_YEARLY]) },
	{ "keep-within", 0, OPTION_TEXT, "SPAN", "all that are that much older than the newest",
		offsetof(struct forget_arguments, within) },
	{ "dry-run", 'n', OPTION_FLAG, NULL, "say what would go, and remove nothing",
		offsetof(struct forget_arguments, dry_run) },
	OPTIONS_COMMON(struct forget_arguments),
	{ 0 },
};

const struct command command_forget = {
	.name = "forget",
	.details =
		"Of the snapshots in the profile's state folder those are removed, with their\n"
		"statement and signature, that no --keep option keeps. Each rule keeps the newest\n"
		"of each of the last N periods that have one; what it has left at the end of the\n"
		"list keeps the oldest. N may be unlimited. Periods are those of UTC, weeks begin\n"
		"on Mondays. SPAN is 1y6m, 30d, 2d12h: years, months, days, hours, counted from\n"
		"the newest. The pinned snapshot and the newest are never removed.\n",
	.options = options,
	.arguments_size = sizeof(struct forget_arguments),
	.run = run,
};
