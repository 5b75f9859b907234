/*
 * unstage show: what is in a snapshot, a plan, a decisions file or a server's configuration, and which
 * snapshots are kept.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/import.h"
#include "cli/names.h"
#include "cli/show_plan.h"

struct show_arguments {
	struct common common;
	int64_t step;
	bool whole;
};

enum { WORD_COLUMNS = 12 };

static void add_header(struct screen *screen, struct snapshot *snapshot)
{
	const struct snapshot_header *header = snapshot_header(snapshot);
	char from[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_BOLD, "tenant %s", header->tenant);
	screen_addf(screen, STYLE_PLAIN, ", cloud ");
	screen_text(screen, STYLE_PLAIN, span_of(header->cloud), WORD_COLUMNS, false);
	screen_addf(screen, STYLE_PLAIN, ", from ");
	screen_text(screen, STYLE_PLAIN, span_of(header->source), WORD_COLUMNS, false);
	screen_addf(screen, STYLE_PLAIN,
		"\n  taken     %s to %.8s UTC\n"
		"  objects   %llu users, %llu groups, %llu contacts, %llu deleted\n"
		"  lines     %llu bytes\n  identity  %s\n",
		screen_time(header->taken_from_ms, from),
		screen_time(header->taken_until_ms, until) + 11,
		(unsigned long long)header->objects[KIND_USER],
		(unsigned long long)header->objects[KIND_GROUP],
		(unsigned long long)header->objects[KIND_CONTACT],
		(unsigned long long)header->deleted, (unsigned long long)header->bytes,
		snapshot_identity(snapshot));
}

static void add_header_json(struct screen *screen, struct snapshot *snapshot)
{
	const struct snapshot_header *header = snapshot_header(snapshot);
	char from[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];
	json_t *document = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}",
		"format", "unstage-show/1", "tenant", header->tenant, "cloud", header->cloud,
		"source", header->source, "taken_from", time_text(header->taken_from_ms, from),
		"taken_until", time_text(header->taken_until_ms, until), "identity",
		snapshot_identity(snapshot), "users", (json_int_t)header->objects[KIND_USER],
		"groups", (json_int_t)header->objects[KIND_GROUP], "contacts",
		(json_int_t)header->objects[KIND_CONTACT], "deleted", (json_int_t)header->deleted,
		"bytes", (json_int_t)header->bytes);

	if (document)
		json_add(&screen->text, document);
	json_decref(document);
	buf_add_byte(&screen->text, '\n');
}

static void add_lines_json(struct screen *screen, struct span lines)
{
	size_t count = 0;

	for (size_t i = 0; i < lines.length; i++)
		count += lines.data[i] == '\n';
	screen_addf(screen, STYLE_PLAIN, "{\"format\":\"unstage-object/1\"}\n");
	buf_add_span(&screen->text, lines);
	screen_addf(screen, STYLE_PLAIN, "{\"end\":true,\"lines\":%zu}\n", count);
}

static void add_lines(struct screen *screen, struct span lines)
{
	for (const char *at = lines.data; *at;) {
		size_t length = strcspn(at, "\n");

		screen_text(screen, STYLE_PLAIN, (struct span){ at, length }, 0, false);
		screen_addf(screen, STYLE_PLAIN, "\n");
		at += length + (at[length] == '\n');
	}
}

static bool show_object(struct screen *screen, struct snapshot *snapshot, const char *id, bool json,
	struct error *err)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(SNAPSHOT_BUCKET_MAX);

	if (!snapshot_object(snapshot, span_of(id), &lines, err))
		return false;
	if (!lines.length)
		return error_set(
			err, ERROR_USAGE, "%s has no object %s", snapshot_path(snapshot), id);
	if (json)
		add_lines_json(screen, buf_span(&lines));
	else
		add_lines(screen, buf_span(&lines));
	return true;
}

static bool show_snapshot(struct screen *screen, const char *const *operands,
	const struct show_arguments *show, struct error *err)
{
	CLEANUP(snapshot_closep)
	struct snapshot *snapshot = names_open(operands[0], show->common.profile, err);
	bool json = show->common.json;

	if (!snapshot)
		return false;
	if (operands[1])
		return show_object(screen, snapshot, operands[1], json, err);
	if (json)
		add_header_json(screen, snapshot);
	else
		add_header(screen, snapshot);
	return true;
}

static bool show_one_plan(struct screen *screen, const char *const *operands,
	const struct show_arguments *show, struct error *err)
{
	struct show_plan_options options = { .whole = show->whole, .step = (size_t)show->step };

	if (operands[1])
		return error_set(err, ERROR_USAGE,
			"show: ID is for an object of a snapshot, and %s is a plan", operands[0]);
	return show_plan(screen, operands[0], &show->common, &options, err);
}

static bool show_kept(struct screen *screen, const char *const *operands,
	const struct show_arguments *show, struct error *err)
{
	if (operands[1])
		return error_set(err, ERROR_USAGE, "show: ID is for an object of one snapshot");
	return show_snapshots(screen, &show->common, err);
}

static bool show_configuration(struct screen *screen, const char *const *operands,
	const struct show_arguments *show, struct error *err)
{
	return configuration_show(screen, operands, show->common.json, err);
}

static bool show_decisions(struct screen *screen, const char *const *operands,
	const struct show_arguments *show, struct error *err)
{
	if (operands[1])
		return error_set(err, ERROR_USAGE,
			"show: ID is for an object of a snapshot, and %s has decisions",
			operands[0]);
	return decisions_show(screen, operands[0], show->common.json, err);
}

static bool is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct show_arguments *show = arguments;
	CLEANUP(screen_release) struct screen screen;
	bool (*add)(struct screen *, const char *const *, const struct show_arguments *,
		struct error *) = show_snapshot;

	(void)operand_count;
	screen_init(&screen, &show->common);
	if (is_folder(operands[0]))
		add = show_configuration;
	else if (strcmp(operands[0], "snapshots") == 0)
		add = show_kept;
	else if (!names_is_name(operands[0]) && decisions_file_is_one(operands[0]))
		add = show_decisions;
	else if (!names_is_name(operands[0]) && plan_file_is_plan(operands[0]))
		add = show_one_plan;
	if ((show->step || show->whole) && add != show_one_plan) {
		error_set(err, ERROR_USAGE, "show: --long and --step are for a plan");
		return -1;
	}
	return add(&screen, operands, show, err) && screen_give(&screen, &show->common, err) ? 0
											     : -1;
}

static const struct option options[] = {
	{ "long", 'l', OPTION_FLAG, NULL, "of a plan: every value whole",
		offsetof(struct show_arguments, whole) },
	{ "step", 'n', OPTION_NUMBER, "N", "of a plan: this step alone, whole",
		offsetof(struct show_arguments, step) },
	OPTION_OUTPUT(struct show_arguments),
	OPTIONS_COMMON(struct show_arguments),
	{ 0 },
};

const struct command command_show = {
	.name = "show",
	.operands = "WHAT [ID] | FOLDER [FOLDER]",
	.operands_least = 1,
	.operands_most = 2,
	.details =
		"WHAT is a file (snapshot, plan, decisions), the name of a kept snapshot\n"
		"(production, latest, @WHEN), or the word snapshots: a line for each that the\n"
		"profile's state folder keeps. ID is an object's; its lines are shown. FOLDER is\n"
		"what Get-ADSyncServerConfiguration wrote; of two, what only one server flows.\n"
		"A plan comes with the most dangerous steps first, marks (!) on what looks like\n"
		"something else, and the fingerprint that apply asks for. Long values are cut,\n"
		"and say so.\n",
	.options = options,
	.arguments_size = sizeof(struct show_arguments),
	.run = run,
};
