/*
 * unstage rehearse: the plan on a copy of LIVE. The engine is the one that applies it, the tenant is
 * the simulator, and the end is read and compared, value by value.
 */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/names.h"
#include "cli/rehearse.h"
#include "cli/simulated.h"

struct rehearse_arguments {
	struct common common;
	const char *key;
};

/* As often as steps of one door can wait for those of another, and one for good measure. */
enum { ROUNDS_MAX = 8 };

struct performance {
	const struct plan_file *file;
	struct snapshot *live;
	struct rehearsal rehearsal;
	struct step_notes notes;
	struct apply_result result;
	struct end_state end;
};

static void performance_release(struct performance *performance)
{
	rehearsal_close(&performance->rehearsal);
	step_notes_release(&performance->notes);
	end_state_release(&performance->end);
	snapshot_close(performance->live);
}

static void refused(void *context, const struct plan_step *step, const char *text)
{
	step_notes_told(context, step, STEP_REFUSED, text);
}

/* ---- the play ---------------------------------------------------------------------------------- */

static bool apply_once(struct performance *performance, struct error *err)
{
	const struct plan *plan = performance->file->plan;
	struct rehearsal *rehearsal = &performance->rehearsal;
	CLEANUP(memory_freep) char *journal = file_path(rehearsal->folder, "journal.sqlite");
	CLEANUP(memory_freep) char *receipt = file_path(rehearsal->folder, "receipt.json");
	CLEANUP(memory_freep) char *state = file_path(rehearsal->folder, "state");
	const struct apply_options options = {
		.graph = rehearsal->graph,
		.journal_path = journal,
		.receipt_path = receipt,
		.state_folder = state,
		.plan_bytes = buf_span(&performance->file->bytes),
		.cloud = plan->cloud,
		.signature = &performance->file->signature,
		.canary = 1,
		.now_ms = time_now_ms(),
		.progress = talk(),
		.told = step_notes_told,
		.told_context = &performance->notes,
	};

	/* What the other doors did took its time there. */
	simulator_set_now_ms(rehearsal->simulator, options.now_ms);
	if (apply_run(plan, &options, &performance->result, err))
		return true;
	if (err->kind != ERROR_STALE)
		return false;
	*err = (struct error){ 0 }; /* that nothing is left to do here is said by the states */
	return true;
}

/* Graph's steps, then everybody else's, until nothing more gets done by going on. */
static bool play(struct performance *performance, struct error *err)
{
	const struct plan *plan = performance->file->plan;
	struct rehearsal *rehearsal = &performance->rehearsal;
	CLEANUP(memory_freep) bool *followed = memory_array(plan->step_count + 1, sizeof(bool));

	if (!rehearse_write_files(rehearsal, plan, err))
		return false;
	for (size_t round = 0, before = 0; round < ROUNDS_MAX; round++) {
		if (!apply_once(performance, err))
			return false;
		if ((round && apply_result_good(&performance->result) <= before) ||
			performance->result.stopped)
			break;
		before = apply_result_good(&performance->result);
		if (!rehearse_production(rehearsal, plan, err) ||
			!rehearse_files(rehearsal, plan, err) ||
			!rehearse_paragraphs(
				rehearsal, plan, followed, refused, &performance->notes, err))
			return false;
	}
	return true;
}

static bool look(struct performance *performance, struct error *err)
{
	const struct plan *plan = performance->file->plan;
	struct rehearsal *rehearsal = &performance->rehearsal;
	CLEANUP(memory_freep) char *journal = file_path(rehearsal->folder, "journal.sqlite");
	CLEANUP(snapshot_closep) struct snapshot *after = NULL;
	const struct status_options options = {
		.graph = rehearsal->graph,
		.production = SIMULATED_PRODUCTION,
		.journal_path = journal,
		.told = step_notes_told,
		.told_context = &performance->notes,
	};

	if (!status_run(plan, &options, &performance->result, err))
		return false;
	after = rehearsal_snapshot(rehearsal, plan->cloud, err);
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
	if (!performance.live || !check_tenant(&performance, err) ||
		!rehearsal_open(&performance.rehearsal, performance.live, err) ||
		!play(&performance, err) || !look(&performance, err))
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
	.summary = "run a plan on a simulated copy of LIVE and show the end",
	.details =
		"The engine that applies plans works on LIVE in a simulated tenant: nothing is\n"
		"sent anywhere. Production's cycle, the hand-off files and the paragraphs are\n"
		"played, too.\n"
		"Exit status: 0 the end is what the plan wants and nothing else changed; 1 not.\n",
	.options = options,
	.arguments_size = sizeof(struct rehearse_arguments),
	.run = run,
};
