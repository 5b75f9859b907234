/* unstage show plan.json: what it does, the most dangerous first, and what in it is not what it seems. */
#include "cli/show_plan.h"

#include "base/memory.h"
#include "base/text.h"

enum {
	STEP_INDENT = 8,
	LABEL_COLUMNS = 7,
	VALUE_INDENT = STEP_INDENT + LABEL_COLUMNS,
	DOORS_INDENT = 50,
	VALUE_SHOWN = 640, /* bytes: about ten lines */
	NAME_SHOWN = 256,
	MARK_SHOWN = 160,
};

struct review {
	struct screen *screen;
	const struct plan *plan;
	const struct marks *marks;
	bool whole;
};

static size_t most(const struct review *review, size_t bytes)
{
	return review->whole ? 0 : bytes;
}

/* ---- marks ---------------------------------------------------------------------------- */

static const char *const mark_words[MARK_KIND_COUNT] = {
	[MARK_LOOKS_LIKE] = "looks like",
	[MARK_SAME_NAME] = "is, but for case, the name of another object:",
	[MARK_ONLY_CASE] = "differs from what stands there by case alone",
	[MARK_SCRIPTS] = "mixes scripts:",
	[MARK_HIDDEN] = "has invisible or control characters, shown as escapes",
	[MARK_TOO_LONG] = "is too long to be compared with others",
};

static void add_other(const struct review *review, const struct mark *mark)
{
	struct mark_item other = mark->other;
	CLEANUP(buf_release) struct buf where = BUF_UP_TO(256);

	if (other.step)
		buf_addf(&where, "= %s of step %zu, %s %s", mark_place_name(mark->other_place),
			other.step->number, other.step->kind->name, other.step->id);
	else
		buf_addf(&where, "= of what is blocked, %s %s", other.blocked->kind->name,
			other.blocked->id);
	screen_addf(review->screen, STYLE_YELLOW, "%*s", VALUE_INDENT, "");
	screen_block(review->screen, STYLE_YELLOW, buf_span(&where), VALUE_INDENT, 0);
}

static void add_mark(const struct review *review, const struct mark *mark)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(64 << 10);

	buf_addf(&text, "%s %s", mark_place_name(mark->place), mark_words[mark->kind]);
	if (mark->text)
		buf_addf(&text, " %s", mark->text);
	screen_addf(review->screen, STYLE_YELLOW, "%*s%-*s", STEP_INDENT, "", LABEL_COLUMNS, "!");
	screen_block(review->screen, STYLE_YELLOW, buf_span(&text), VALUE_INDENT,
		most(review, MARK_SHOWN));
	if (mark->other.step || mark->other.blocked)
		add_other(review, mark);
}

static void add_marks(const struct review *review, size_t item)
{
	size_t count;
	const struct mark *marks = marks_of(review->marks, item, &count);

	for (size_t i = 0; i < count; i++)
		add_mark(review, &marks[i]);
}

/* ---- a step ----------------------------------------------------------------------------- */

static void add_labelled(const struct review *review, const char *label, enum style style,
	struct span value, size_t shown)
{
	screen_addf(review->screen, STYLE_DIM, "%*s%-*s", STEP_INDENT, "", LABEL_COLUMNS, label);
	screen_block(review->screen, style, value.data ? value : SPAN_LITERAL("nothing"),
		VALUE_INDENT, most(review, shown));
}

static void add_name(const struct review *review, const char *name)
{
	screen_block(review->screen, STYLE_BOLD, *name ? span_of(name) : SPAN_LITERAL("(no name)"),
		STEP_INDENT, most(review, NAME_SHOWN));
}

/* What production's own connector space shows that it will do. */
static void add_next(const struct review *review, const struct plan_step *step)
{
	if (step->next == FORESEEN_BEFORE)
		add_labelled(review, "next", STYLE_GREEN,
			SPAN_LITERAL("production writes it again"), VALUE_SHOWN);
	else if (step->next == FORESEEN_DELETE)
		add_labelled(review, "next", STYLE_RED,
			SPAN_LITERAL("production deletes the object"), VALUE_SHOWN);
	else if (step->next == FORESEEN_OTHER)
		add_labelled(review, "next", STYLE_YELLOW, step->next_value, VALUE_SHOWN);
}

/* What follows from other steps, and what only the door of this one needs. */
static void add_ties(const struct review *review, const struct plan_step *step)
{
	CLEANUP(buf_release) struct buf after = BUF_UP_TO(1 << 20);

	for (size_t i = 0; i < step->after_count; i++)
		buf_addf(&after, "%s%zu", i ? ", " : "", step->after[i]);
	if (step->after_count)
		add_labelled(review, "after", STYLE_DIM, buf_span(&after), VALUE_SHOWN);
	if (step->until)
		screen_addf(review->screen, STYLE_DIM, "%*sparked until step %zu\n", STEP_INDENT,
			"", step->until);
	if (step->source_anchor)
		add_labelled(
			review, "anchor", STYLE_PLAIN, span_of(step->source_anchor), VALUE_SHOWN);
	if (step->distinguished_name)
		add_labelled(
			review, "at", STYLE_PLAIN, span_of(step->distinguished_name), VALUE_SHOWN);
	if (step->security_identifier)
		add_labelled(review, "sid", STYLE_PLAIN, span_of(step->security_identifier),
			VALUE_SHOWN);
	if (step->manual)
		add_labelled(review, "hand", STYLE_PLAIN, span_of(step->manual), VALUE_SHOWN);
}

static void add_references(const struct review *review, const struct plan_step *step)
{
	for (size_t i = 0; review->whole && i < step->reference_count; i++)
		add_labelled(review, i ? "" : "audit", STYLE_DIM, span_of(step->references[i]), 0);
}

static void add_step(const struct review *review, const struct plan_step *step)
{
	struct screen *screen = review->screen;

	screen_addf(screen, STYLE_BOLD, "%6zu  ", step->number);
	add_name(review, step->name);
	screen_addf(screen, STYLE_PLAIN, "%*s%s", STEP_INDENT, "",
		graph_operation_name(step->operation));
	if (step->attribute)
		screen_addf(screen, STYLE_PLAIN, " %s", step->attribute->name);
	screen_addf(screen, STYLE_CYAN, "  by %s", door_name(step->door));
	screen_addf(screen, STYLE_DIM, "\n%*s%s %s\n", STEP_INDENT, "", step->kind->name, step->id);
	add_marks(review, step->number - 1);
	if (step->from.data || step->to.data) {
		add_labelled(review, "from", STYLE_RED, step->from, VALUE_SHOWN);
		add_labelled(review, "to", STYLE_GREEN, step->to, VALUE_SHOWN);
	}
	add_next(review, step);
	add_labelled(review, "why", STYLE_DIM, span_of(step->why), VALUE_SHOWN);
	add_ties(review, step);
	add_references(review, step);
}

static void add_blocked(const struct review *review, size_t index)
{
	const struct plan_blocked *blocked = &review->plan->blocked[index];

	screen_addf(review->screen, STYLE_RED, "%*s", STEP_INDENT, "");
	add_name(review, blocked->name);
	screen_addf(review->screen, STYLE_PLAIN, "%*sno step puts back %s\n%*s%s %s\n", STEP_INDENT,
		"", blocked->attribute ? blocked->attribute->name : "it", STEP_INDENT, "",
		blocked->kind->name, blocked->id);
	add_marks(review, review->plan->step_count + index);
	add_labelled(review, "why", STYLE_PLAIN, span_of(blocked->why), VALUE_SHOWN);
}

/* ---- the whole -------------------------------------------------------------------------- */

static bool add_header(const struct review *review, const struct plan_file *file,
	const char *profile_name, struct error *err)
{
	struct screen *screen = review->screen;
	const struct plan *plan = review->plan;
	char created[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_BOLD, "plan %s", plan->id);
	screen_addf(screen, STYLE_PLAIN, "\n  for tenant %s, made %s UTC\n", plan->tenant,
		screen_time(plan->created_ms, created));
	plan_add_counts(screen, plan);
	plan_add_basis(screen, plan);
	if (!plan_add_forecast(screen, plan, profile_name, err))
		return false;
	plan_add_fingerprint(screen, buf_span(&file->bytes));
	for (size_t i = 0; i < plan->file_count; i++)
		screen_addf(screen, STYLE_PLAIN, "  hand-off %s, BLAKE2b-256:\n    %s\n",
			plan->files[i].name, plan->files[i].digest);
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

/* Steps of a danger by each door. */
struct danger_counts {
	size_t all[DANGER_COUNT], by_door[DANGER_COUNT][DOOR_COUNT];
};

static struct danger_counts count_dangers(const struct plan *plan)
{
	struct danger_counts counts = { 0 };

	for (size_t i = 0; i < plan->step_count; i++) {
		enum danger danger = plan_step_danger(&plan->steps[i]);

		counts.all[danger]++;
		counts.by_door[danger][plan->steps[i].door]++;
	}
	return counts;
}

static void add_danger_count(
	const struct review *review, const struct danger_counts *counts, enum danger danger)
{
	CLEANUP(buf_release) struct buf doors = BUF_UP_TO(1024);

	screen_addf(review->screen, STYLE_BOLD, "%6zu  ", counts->all[danger]);
	screen_addf(review->screen, STYLE_PLAIN, "%-*s", DOORS_INDENT - STEP_INDENT,
		danger_title(danger));
	for (int door = DOOR_NONE + 1; door < DOOR_COUNT; door++)
		if (counts->by_door[danger][door])
			buf_addf(&doors, "%s%zu %s", doors.length ? ", " : "",
				counts->by_door[danger][door], door_name((enum door)door));
	screen_fill(review->screen, STYLE_CYAN, buf_span(&doors), DOORS_INDENT);
}

static void add_summary(const struct review *review, const struct danger_counts *counts)
{
	struct screen *screen = review->screen;

	for (int danger = 0; danger < DANGER_COUNT; danger++)
		if (counts->all[danger])
			add_danger_count(review, counts, (enum danger)danger);
	if (review->plan->blocked_count)
		screen_addf(screen, STYLE_RED, "%6zu  must go back, and no step can\n",
			review->plan->blocked_count);
	if (review->marks->count)
		screen_addf(screen, STYLE_YELLOW, "%6zu  marks (!): look again at what they name\n",
			review->marks->count);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static bool add_danger(const struct review *review, const struct common *common, enum danger danger,
	struct error *err)
{
	screen_addf(review->screen, STYLE_BOLD, "%s\n", danger_title(danger));
	for (size_t i = 0; i < review->plan->step_count; i++) {
		if (plan_step_danger(&review->plan->steps[i]) != danger)
			continue;
		add_step(review, &review->plan->steps[i]);
		if (!screen_give_piece(review->screen, common, err))
			return false;
	}
	screen_addf(review->screen, STYLE_PLAIN, "\n");
	return true;
}

static bool add_all(const struct review *review, const struct common *common, struct error *err)
{
	struct danger_counts counts = count_dangers(review->plan);

	add_summary(review, &counts);
	if (review->plan->blocked_count)
		screen_addf(review->screen, STYLE_BOLD, "what no step puts back\n");
	for (size_t i = 0; i < review->plan->blocked_count; i++)
		add_blocked(review, i);
	for (int danger = 0; danger < DANGER_COUNT; danger++)
		if (counts.all[danger] && !add_danger(review, common, (enum danger)danger, err))
			return false;
	return true;
}

static bool add_one(const struct review *review, size_t number, struct error *err)
{
	if (number > review->plan->step_count)
		return error_set(err, ERROR_USAGE, "show: --step %zu, and the plan has %zu steps",
			number, review->plan->step_count);
	add_step(review, &review->plan->steps[number - 1]);
	return true;
}

bool show_plan(struct screen *screen, const char *path, const struct common *common,
	const struct show_plan_options *options, struct error *err)
{
	CLEANUP(plan_file_close) struct plan_file file = { 0 };
	CLEANUP(marks_freep) struct marks *marks = NULL;
	struct review review = { .screen = screen, .whole = options->whole || options->step };

	/* For looking at it; apply and verify are the ones who judge the signature. */
	if (!plan_file_open(&file, path, NULL, NULL, false, err))
		return false;
	marks = marks_new(file.plan, err);
	if (!marks)
		return false;
	review.plan = file.plan;
	review.marks = marks;
	if (common->json) {
		return show_plan_json(screen, &file, marks, common->profile, err);
	}
	if (options->step)
		return add_one(&review, options->step, err);
	return add_header(&review, &file, common->profile, err) && add_all(&review, common, err);
}
