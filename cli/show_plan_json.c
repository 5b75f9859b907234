/* The review as JSON lines: dangers and marks; the values are in the plan, which is JSON itself. */
#include "base/json.h"
#include "base/text.h"
#include "cli/show_plan.h"

static json_t *mark_json(const struct mark *mark)
{
	json_t *document = json_pack("{s:s, s:s}", "mark", mark_kind_name(mark->kind), "of",
		mark_place_name(mark->place));

	if (mark->text)
		json_object_set_new(document, mark->kind == MARK_SCRIPTS ? "scripts" : "other_text",
			json_string(mark->text));
	if (mark->other.step)
		json_object_set_new(
			document, "other_step", json_integer((json_int_t)mark->other.step->number));
	if (mark->other.step || mark->other.blocked) {
		json_object_set_new(document, "other_id",
			json_string(
				mark->other.step ? mark->other.step->id : mark->other.blocked->id));
		json_object_set_new(
			document, "other_of", json_string(mark_place_name(mark->other_place)));
	}
	return document;
}

static json_t *marks_json(const struct marks *marks, size_t item)
{
	json_t *list = json_array();
	size_t count;
	const struct mark *found = marks_of(marks, item, &count);

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, mark_json(&found[i]));
	return list;
}

/* Takes the line. */
static void add_line(struct screen *screen, json_t *line)
{
	if (line)
		json_add(&screen->text, line);
	json_decref(line);
	buf_add_byte(&screen->text, '\n');
}

bool show_plan_json(struct screen *screen, const struct plan_file *file, const struct marks *marks,
	const char *profile_name, struct error *err)
{
	const struct plan *plan = file->plan;
	char fingerprint[PLAN_FINGERPRINT_BYTES];

	screen_addf(screen, STYLE_PLAIN,
		"{\"format\":\"unstage-review/1\",\"fingerprint\":\"%s\",\"plan\":\"%s\","
		"\"forecast\":",
		plan_fingerprint(buf_span(&file->bytes), fingerprint), plan->id);
	if (!plan_add_forecast_json(screen, plan, profile_name, err))
		return false;
	screen_addf(screen, STYLE_PLAIN, "}\n");
	for (size_t i = 0; i < plan->step_count; i++)
		add_line(screen,
			json_pack("{s:I, s:s, s:s, s:s, s:o}", "step",
				(json_int_t)plan->steps[i].number, "danger",
				danger_name(plan_step_danger(&plan->steps[i])), "door",
				door_name(plan->steps[i].door), "id", plan->steps[i].id, "marks",
				marks_json(marks, i)));
	for (size_t i = 0; i < plan->blocked_count; i++)
		add_line(screen,
			json_pack("{s:b, s:s, s:o}", "blocked", 1, "id", plan->blocked[i].id,
				"marks", marks_json(marks, plan->step_count + i)));
	screen_addf(screen, STYLE_PLAIN, "{\"end\":true,\"marks\":%zu,\"steps\":%zu}\n",
		marks->count, plan->step_count);
	return true;
}
