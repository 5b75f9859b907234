/*
 * unstage rehearse: the plan on a copy of LIVE. The engine is the one that applies it, the tenant is
 * the simulator, and the end is read and compared, value by value.
 */
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "cli/names.h"
#include "cli/plan_file.h"
#include "rehearsal/rehearsal.h"

struct rehearse_arguments {
	struct common common;
	const char *key;
};

struct performance {
	const struct plan_file *file;
	struct snapshot *live;
	struct rehearsal *rehearsal;
	struct step_notes notes;
	struct apply_result result;
	struct end_state end;
};

static void performance_release(struct performance *performance)
{
	rehearsal_close(performance->rehearsal);
	step_notes_release(&performance->notes);
	end_state_release(&performance->end);
	snapshot_close(performance->live);
}

static bool prepare(struct performance *performance, struct error *err)
{
	const struct rehearsal_options options = {
		.live = performance->live,
		.now_ms = time_now_ms(),
		.progress = talk(),
	};

	performance->rehearsal = rehearsal_open(&options, err);
	return performance->rehearsal;
}

static bool play(struct performance *performance, struct error *err)
{
	const struct plan *plan = performance->file->plan;
	const struct rehearsal_play play = {
		.plan = plan,
		.plan_bytes = buf_span(&performance->file->bytes),
		.signature = &performance->file->signature,
		.now_ms = time_now_ms(),
		.told = step_notes_told,
		.told_context = &performance->notes,
	};
	CLEANUP(snapshot_closep) struct snapshot *after = NULL;
	struct rehearsal_others others; /* what is left open is seen in the end */

	if (!rehearsal_play(performance->rehearsal, &play, &performance->result, &others, err) ||
		!rehearsal_status(performance->rehearsal, &play, &performance->result, err))
		return false;
	after = rehearsal_snapshot(performance->rehearsal, plan->cloud, err);
	return after && end_state_judge(&performance->end, plan, performance->live, after, err);
}

/* ---- what is said ------------------------------------------------------------------------------ */

static bool is_its_own(const struct performance *performance)
{
	return strcmp(snapshot_identity(performance->live), performance->file->plan->live) == 0;
}

static void add_heading(struct screen *screen, const struct performance *performance)
{
	const struct snapshot_header *header = snapshot_header(performance->live);
	char taken[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_BOLD, "Rehearsed");
	screen_addf(screen, STYLE_PLAIN, " on a copy of tenant %s\n  as of %s UTC, ",
		header->tenant, screen_time(header->taken_from_ms, taken));
	screen_addf(screen, is_its_own(performance) ? STYLE_PLAIN : STYLE_YELLOW, "%s\n",
		is_its_own(performance) ? "the snapshot that the plan was made from"
					: "not the snapshot that the plan was made from");
	screen_addf(screen, STYLE_PLAIN, "  nothing was sent anywhere\n");
}

static void add_trouble(struct screen *screen, const struct end_trouble *trouble)
{
	screen_addf(screen, STYLE_RED, "  %-7s ", trouble->kind->name);
	screen_text(screen, STYLE_PLAIN, span_of(trouble->name), 66, false);
	screen_addf(screen, STYLE_PLAIN, "\n          %s  ", trouble->id);
	if (trouble->step)
		screen_addf(screen, STYLE_PLAIN, "step %zu: ", trouble->step->number);
	screen_addf(screen, STYLE_PLAIN, "%s\n",
		trouble->attribute ? trouble->attribute->name : "the object itself");
}

static void add_troubles(
	struct screen *screen, const struct end_state *end, bool of_steps, const char *title)
{
	size_t count = 0;

	for (size_t i = 0; i < end->trouble_count; i++) {
		if ((end->troubles[i].step != NULL) != of_steps)
			continue;
		if (!count++)
			screen_addf(screen, STYLE_BOLD, "\n%s\n", title);
		add_trouble(screen, &end->troubles[i]);
	}
}

static size_t count_troubles(const struct end_state *end, bool of_steps)
{
	size_t count = 0;

	for (size_t i = 0; i < end->trouble_count; i++)
		count += (end->troubles[i].step != NULL) == of_steps;
	return count;
}

static void add_number(struct screen *screen, bool good, size_t count, const char *text)
{
	screen_addf(screen, good ? STYLE_GREEN : STYLE_RED, "  %6zu  %s\n", count, text);
}

static void add_answer(struct screen *screen, const struct performance *performance)
{
	const struct plan *plan = performance->file->plan;
	const struct end_state *end = &performance->end;
	size_t missed = count_troubles(end, true), strange = count_troubles(end, false);

	add_heading(screen, performance);
	plan_add_fingerprint(screen, buf_span(&performance->file->bytes));
	screen_addf(screen, STYLE_PLAIN, "\n");
	plan_add_states(screen, plan, performance->notes.states, performance->notes.texts,
		&performance->result);
	screen_addf(screen, STYLE_BOLD, "\nThe end");
	screen_addf(screen, STYLE_PLAIN, ", read again and compared with the snapshot\n");
	add_number(screen, true, end->wanted, "steps stand as the plan wants them");
	add_number(screen, !missed, missed, "do not");
	add_number(screen, true, end->follows, "values followed by themselves");
	add_number(screen, !strange, strange, "other values changed");
	add_troubles(screen, end, true, "Not as the plan wants it");
	add_troubles(screen, end, false, "Changed, and no step is about it");
}

static json_t *trouble_json(const struct end_trouble *trouble)
{
	return json_pack("{s:s, s:s, s:s?, s:o}", "kind", trouble->kind->name, "id", trouble->id,
		"attribute", trouble->attribute ? trouble->attribute->name : NULL, "step",
		trouble->step ? json_integer((json_int_t)trouble->step->number) : json_null());
}

/* The steps as `status` has them; then what of the end is not as it should be; then the counts. */
static void add_json(struct screen *screen, const struct performance *performance)
{
	const struct end_state *end = &performance->end;
	CLEANUP(json_freep) json_t *last = NULL;

	plan_add_states_json(
		screen, performance->file->plan, &performance->notes, &performance->result);
	for (size_t i = 0; i < end->trouble_count; i++) {
		CLEANUP(json_freep) json_t *line = trouble_json(&end->troubles[i]);

		json_add(&screen->text, line);
		buf_add_byte(&screen->text, '\n');
	}
	last = json_pack("{s:b, s:I, s:I, s:I, s:I, s:s}", "its_snapshot", is_its_own(performance),
		"as_wanted", (json_int_t)end->wanted, "not_as_wanted",
		(json_int_t)count_troubles(end, true), "followed", (json_int_t)end->follows,
		"changed_besides", (json_int_t)count_troubles(end, false), "format",
		"unstage-rehearsal/1");
	json_add(&screen->text, last);
	buf_add_byte(&screen->text, '\n');
}

static bool check_tenant(const struct performance *performance, struct error *err)
{
	const char *tenant = snapshot_header(performance->live)->tenant;

	return strcmp(tenant, performance->file->plan->tenant) == 0 ||
		error_set(err, ERROR_REFUSED, "%s is of the tenant %s, the plan is for %s",
			snapshot_path(performance->live), tenant, performance->file->plan->tenant);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct rehearse_arguments *rehearse = arguments;
	CLEANUP(plan_file_close) struct plan_file file = { 0 };
	CLEANUP(performance_release) struct performance performance = { .file = &file };
	CLEANUP(screen_release) struct screen screen;

	(void)operand_count;
	screen_init(&screen, &rehearse->common);
	/* Before it is signed: that is when a rehearsal helps to decide. */
	if (!plan_file_open(&file, operands[0], rehearse->key, rehearse->common.profile,
		    rehearse->key != NULL, err))
		return -1;
	step_notes_init(&performance.notes, file.plan);
	performance.live = names_open(operands[1], rehearse->common.profile, err);
	if (!performance.live || !check_tenant(&performance, err) || !prepare(&performance, err) ||
		!play(&performance, err))
		return -1;
	talk_end();
	if (rehearse->common.json)
		add_json(&screen, &performance);
	else
		add_answer(&screen, &performance);
	if (!screen_give(&screen, &rehearse->common, err))
		return -1;
	return performance.end.trouble_count ? 1 : 0;
}

static const struct option options[] = {
	{ "key", 'k', OPTION_TEXT, "FILE", "verify the plan's signature with it, too",
		offsetof(struct rehearse_arguments, key) },
	OPTION_OUTPUT(struct rehearse_arguments),
	OPTIONS_COMMON(struct rehearse_arguments),
	{ 0 },
};

const struct command command_rehearse = {
	.name = "rehearse",
	.operands = "PLAN LIVE",
	.operands_least = 2,
	.operands_most = 2,
	.details =
		"The engine that applies plans works on LIVE in a simulated tenant: nothing is\n"
		"sent anywhere. Production's cycle, the hand-off files and the paragraphs are\n"
		"played, too.\n"
		"Exit status: 0 the end is what the plan wants and nothing else changed; 1 not.\n",
	.options = options,
	.arguments_size = sizeof(struct rehearse_arguments),
	.run = run,
};
