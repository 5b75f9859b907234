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
#include "cli/plan_file.h"

struct show_arguments {
	struct common common;
};

enum { NAME_COLUMNS = 70, STEP_INDENT = 8, WORD_COLUMNS = 12 };

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
	const struct common *common, struct error *err)
{
	CLEANUP(snapshot_closep)
	struct snapshot *snapshot = names_open(operands[0], common->profile, err);
	bool json = common->json;

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

static void add_labelled(
	struct screen *screen, const char *label, enum style style, struct span value)
{
	screen_addf(screen, STYLE_DIM, "%*s%-6s", STEP_INDENT, "", label);
	screen_paragraph(
		screen, style, value.data ? value : SPAN_LITERAL("nothing"), STEP_INDENT + 6);
}

/* In full: who signs has to see what differs, wherever in the value it stands. */
static void add_step(struct screen *screen, const struct plan_step *step)
{
	screen_addf(screen, STYLE_BOLD, "%6zu  ", step->number);
	screen_text(screen, STYLE_BOLD, span_of(step->name), NAME_COLUMNS, false);
	screen_addf(screen, STYLE_PLAIN, "\n%*s%s", STEP_INDENT, "",
		graph_operation_name(step->operation));
	if (step->attribute)
		screen_addf(screen, STYLE_PLAIN, " %s", step->attribute->name);
	screen_addf(screen, STYLE_CYAN, "  by %s", door_name(step->door));
	screen_addf(screen, STYLE_DIM, "\n%*s%s %s\n", STEP_INDENT, "", step->kind->name, step->id);
	if (step->from.data || step->to.data) {
		add_labelled(screen, "from", STYLE_RED, step->from);
		add_labelled(screen, "to", STYLE_GREEN, step->to);
	}
	add_labelled(screen, "why", STYLE_DIM, span_of(step->why));
}

static void add_blocked(struct screen *screen, const struct plan_blocked *blocked)
{
	screen_addf(screen, STYLE_RED, "%*s", STEP_INDENT, "");
	screen_text(screen, STYLE_RED, span_of(blocked->name), NAME_COLUMNS, false);
	screen_addf(screen, STYLE_PLAIN, "\n%*sno step puts back %s\n%*s%s %s\n", STEP_INDENT, "",
		blocked->attribute ? blocked->attribute->name : "it", STEP_INDENT, "",
		blocked->kind->name, blocked->id);
	add_labelled(screen, "why", STYLE_PLAIN, span_of(blocked->why));
}

static bool add_plan_header(
	struct screen *screen, const struct plan *plan, const char *profile_name, struct error *err)
{
	char created[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_BOLD, "plan %s", plan->id);
	screen_addf(screen, STYLE_PLAIN, "\n  for tenant %s, made %s UTC\n", plan->tenant,
		screen_time(plan->created_ms, created));
	plan_add_counts(screen, plan);
	if (!plan_add_forecast(screen, plan, profile_name, err))
		return false;
	if (!plan->base_signed)
		screen_addf(screen, STYLE_YELLOW,
			"  rests on a production snapshot that nobody signed\n");
	if (plan->decisions)
		screen_addf(screen, STYLE_PLAIN,
			"  by decisions of people, BLAKE2b-256 of the file (b2sum -l 256):\n    %s\n",
			plan->decisions);
	screen_addf(screen, STYLE_DIM,
		"  shown without looking at its signature; unstage verify does that\n\n");
	return true;
}

static bool show_plan(struct screen *screen, const char *const *operands,
	const struct common *common, struct error *err)
{
	CLEANUP(plan_file_close) struct plan_file file = { 0 };

	if (operands[1])
		return error_set(err, ERROR_USAGE,
			"show: ID is for an object of a snapshot, and %s is a plan", operands[0]);
	/* For looking at it; apply and verify are the ones who judge the signature. */
	if (!plan_file_open(&file, operands[0], NULL, NULL, false, err))
		return false;
	if (common->json) {
		plan_add_json(&screen->text, file.plan);
		return true;
	}
	if (!add_plan_header(screen, file.plan, common->profile, err))
		return false;
	for (size_t i = 0; i < file.plan->blocked_count; i++)
		add_blocked(screen, &file.plan->blocked[i]);
	for (size_t i = 0; i < file.plan->step_count; i++)
		add_step(screen, &file.plan->steps[i]);
	return true;
}

static bool show_kept(struct screen *screen, const char *const *operands,
	const struct common *common, struct error *err)
{
	if (operands[1])
		return error_set(err, ERROR_USAGE, "show: ID is for an object of one snapshot");
	return show_snapshots(screen, common, err);
}

static bool show_configuration(struct screen *screen, const char *const *operands,
	const struct common *common, struct error *err)
{
	return configuration_show(screen, operands, common->json, err);
}

static bool show_decisions(struct screen *screen, const char *const *operands,
	const struct common *common, struct error *err)
{
	if (operands[1])
		return error_set(err, ERROR_USAGE,
			"show: ID is for an object of a snapshot, and %s has decisions",
			operands[0]);
	return decisions_show(screen, operands[0], common->json, err);
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
	bool (*add)(struct screen *, const char *const *, const struct common *,
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
		add = show_plan;
	return add(&screen, operands, &show->common, err) &&
			screen_give(&screen, &show->common, err)
		? 0
		: -1;
}

static const struct option options[] = {
	OPTION_OUTPUT(struct show_arguments),
	OPTIONS_COMMON(struct show_arguments),
	{ 0 },
};

const struct command command_show = {
	.name = "show",
	.operands = "WHAT [ID] | FOLDER [FOLDER]",
	.operands_least = 1,
	.operands_most = 2,
	.summary = "what is in a snapshot, plan, decisions, configuration",
	.details =
		"WHAT is a file (snapshot, plan, decisions), the name of a kept snapshot\n"
		"(production, latest, @WHEN), or the word snapshots: a line for each that the\n"
		"profile's state folder keeps. ID is an object's; its lines are shown. FOLDER is\n"
		"what Get-ADSyncServerConfiguration wrote; of two, what only one server flows.\n",
	.options = options,
	.arguments_size = sizeof(struct show_arguments),
	.run = run,
};
