/* unstage show: what is in a snapshot or a plan. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/plan_file.h"

struct show_arguments {
	struct common common;
};

enum { NAME_COLUMNS = 34, VALUE_COLUMNS = 30 };

static void add_header(struct screen *screen, struct snapshot *snapshot)
{
	const struct snapshot_header *header = snapshot_header(snapshot);
	char from[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_BOLD, "tenant %s", header->tenant);
	screen_addf(screen, STYLE_PLAIN,
		", cloud %s, from %s\n  taken     %s to %.8s UTC\n"
		"  objects   %llu users, %llu groups, %llu contacts, %llu deleted\n"
		"  lines     %llu bytes\n  identity  %s\n",
		header->cloud, header->source, screen_time(header->taken_from_ms, from),
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
		buf_add_span(&screen->text, buf_span(&lines));
	for (const char *at = buf_text(&lines); !json && *at;) {
		size_t length = strcspn(at, "\n");

		screen_text(screen, STYLE_PLAIN, (struct span){ at, length }, 0, false);
		screen_addf(screen, STYLE_PLAIN, "\n");
		at += length + (at[length] == '\n');
	}
	return true;
}

static bool show_snapshot(
	struct screen *screen, const char *const *operands, bool json, struct error *err)
{
	CLEANUP(snapshot_closep) struct snapshot *snapshot = snapshot_open(operands[0], err);

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

static void add_change(struct screen *screen, const struct plan_step *step)
{
	struct span nothing = SPAN_LITERAL("nothing");

	screen_addf(screen, STYLE_PLAIN, "         ");
	screen_text(
		screen, STYLE_RED, step->from.data ? step->from : nothing, VALUE_COLUMNS, false);
	screen_addf(screen, STYLE_PLAIN, "  ->  ");
	screen_text(screen, STYLE_GREEN, step->to.data ? step->to : nothing, VALUE_COLUMNS, false);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_steps(struct screen *screen, const struct plan *plan)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		screen_addf(screen, STYLE_BOLD, "%6zu  ", step->number);
		screen_text(screen, STYLE_BOLD, span_of(step->name), NAME_COLUMNS, true);
		screen_addf(screen, STYLE_PLAIN, " %s", graph_operation_name(step->operation));
		if (step->attribute)
			screen_addf(screen, STYLE_PLAIN, " %s", step->attribute->name);
		screen_addf(screen, STYLE_CYAN, "  by %s\n", door_name(step->door));
		screen_addf(screen, STYLE_DIM, "         %s %s\n", step->kind->name, step->id);
		if (step->from.data || step->to.data)
			add_change(screen, step);
		screen_addf(screen, STYLE_PLAIN, "         ");
		screen_paragraph(screen, STYLE_DIM, span_of(step->why), 9);
	}
}

static bool show_plan(struct screen *screen, const char *path, bool json, struct error *err)
{
	CLEANUP(plan_file_close) struct plan_file file = { 0 };
	char created[TIME_TEXT_BYTES], expires[TIME_TEXT_BYTES];

	/* For looking at it; apply and verify are the ones who judge the signature. */
	if (!plan_file_open(&file, path, NULL, NULL, false, err))
		return false;
	if (json) {
		plan_add_json(&screen->text, file.plan);
		return true;
	}
	screen_addf(screen, STYLE_BOLD, "plan %s", file.plan->id);
	screen_addf(screen, STYLE_PLAIN, "\n  for tenant %s\n  made %s, expires %s UTC\n",
		file.plan->tenant, screen_time(file.plan->created_ms, created),
		screen_time(file.plan->expires_ms, expires));
	screen_addf(screen, STYLE_DIM,
		"  shown without looking at its signature; unstage verify does that\n");
	add_steps(screen, file.plan);
	return true;
}

static bool looks_like_plan(const char *path)
{
	FILE *file = fopen(path, "re");
	int first;

	if (!file)
		return false;
	first = fgetc(file);
	fclose(file);
	return first == '{';
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct show_arguments *show = arguments;
	CLEANUP(screen_release) struct screen screen;
	bool shown;

	(void)operand_count;
	screen_init(&screen, &show->common);
	shown = looks_like_plan(operands[0])
		? show_plan(&screen, operands[0], show->common.json, err)
		: show_snapshot(&screen, operands, show->common.json, err);
	return shown && screen_give(&screen, &show->common, err) ? 0 : -1;
}

static const struct option options[] = {
	OPTION_OUTPUT(struct show_arguments),
	OPTIONS_COMMON(struct show_arguments),
	{ 0 },
};

const struct command command_show = {
	.name = "show",
	.operands = "FILE [ID]",
	.operands_least = 1,
	.operands_most = 2,
	.summary = "what is in a snapshot or a plan; one object by its id",
	.options = options,
	.arguments_size = sizeof(struct show_arguments),
	.run = run,
};
