#include "cli/plan_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "report/report.h"

enum { STEP_NAME_COLUMNS = 58 };

bool plan_file_is_plan(const char *path)
{
	/* Without waiting for the other end of a pipe. */
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char first = '\0';
	bool is_plan = descriptor >= 0 && read(descriptor, &first, 1) == 1 && first == '{';

	if (descriptor >= 0)
		close(descriptor);
	return is_plan;
}

static bool verify_bytes(struct plan_file *file, const char *path, const char *key,
	const char *profile_name, struct error *err)
{
	CLEANUP(buf_release) struct buf signature = BUF_UP_TO(4096);
	CLEANUP(profile_freep) struct profile *profile = NULL;

	if (!key) {
		profile = profile_load(profile_name, err);
		if (!profile)
			return false;
		key = profile->key;
	}
	if (!key)
		return error_set(err, ERROR_REFUSED,
			"%s: no public key to verify it with; say --key unstage.pub, or key = … in the profile",
			path);
	buf_addf(&signature, "%s.minisig", path);
	return buf_check(&signature, "the path", err) &&
		signature_verify(buf_span(&file->bytes), SIGNATURE_PLAN, buf_text(&signature), key,
			&file->signature, err);
}

bool plan_file_open(struct plan_file *file, const char *path, const char *key,
	const char *profile_name, bool verify, struct error *err)
{
	*file = (struct plan_file){ .bytes = BUF_UP_TO(PLAN_FILE_MAX) };
	if (!file_load(path, PLAN_FILE_MAX, &file->bytes, err))
		return false;
	if (verify && !verify_bytes(file, path, key, profile_name, err))
		return false;
	file->plan = plan_parse(buf_span(&file->bytes), err);
	return file->plan || error_prefix(err, "%s", path);
}

void plan_file_close(struct plan_file *file)
{
	plan_free(file->plan);
	buf_release(&file->bytes);
}

void step_notes_init(struct step_notes *notes, const struct plan *plan)
{
	notes->count = plan->step_count;
	notes->states = memory_array(plan->step_count, sizeof(*notes->states));
	notes->texts = memory_array(plan->step_count, sizeof(*notes->texts));
}

void step_notes_release(struct step_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		memory_free(notes->texts[i]);
	memory_free(notes->texts);
	memory_free(notes->states);
}

void step_notes_told(
	void *context, const struct plan_step *step, enum step_state state, const char *text)
{
	struct step_notes *notes = context;
	size_t index = step->number - 1;

	notes->states[index] = state;
	memory_free(notes->texts[index]);
	notes->texts[index] = memory_text(text);
}

void plan_add_counts(struct screen *screen, const struct plan *plan)
{
	CLEANUP(buf_release) struct buf doors = BUF_UP_TO(1024);
	char expires[TIME_TEXT_BYTES];

	buf_addf(&doors, "%zu steps on %zu objects", plan->step_count, plan->limits.objects);
	for (int door = DOOR_NONE + 1; door < DOOR_COUNT; door++) {
		if (plan->by_door[door])
			buf_addf(&doors, ", %zu by %s", plan->by_door[door], door_name(door));
	}
	screen_addf(screen, STYLE_PLAIN, "  ");
	screen_paragraph(screen, STYLE_PLAIN, buf_span(&doors), 2);
	screen_addf(screen, STYLE_PLAIN,
		"  %zu deletions, %zu memberships removed; expires %s UTC\n", plan->limits.deletes,
		plan->limits.member_removals, screen_time(plan->expires_ms, expires));
}

void plan_add_fingerprint(struct screen *screen, struct span bytes)
{
	char text[PLAN_FINGERPRINT_BYTES];

	screen_addf(screen, STYLE_PLAIN, "  fingerprint  ");
	screen_addf(screen, STYLE_BOLD, "%s\n", plan_fingerprint(bytes, text));
}

/* What worked is a number; what did not is a line each. */
static bool wants_line(enum step_state state)
{
	return state != STEP_DONE && state != STEP_ALREADY && state != STEP_SETTLED &&
		state != STEP_HELD && state != STEP_WAITING;
}

static void add_step(struct screen *screen, const struct plan_step *step, enum step_state state,
	const char *text)
{
	CLEANUP(buf_release) struct buf what = BUF_UP_TO(64 << 10);

	screen_addf(screen, STYLE_YELLOW, "  %5zu  %-11s ", step->number, step_state_name(state));
	screen_text(screen, STYLE_PLAIN, span_of(step->name), STEP_NAME_COLUMNS, false);
	buf_add_text(&what, graph_operation_name(step->operation));
	if (step->attribute)
		buf_addf(&what, " %s", step->attribute->name);
	if (text && *text)
		buf_addf(&what, ": %s", text);
	screen_addf(screen, STYLE_PLAIN, "\n         ");
	screen_paragraph(screen, STYLE_DIM, buf_span(&what), 9);
}

/* What each door is waited for. */
static const char *const waiting_words[DOOR_COUNT] = {
	[DOOR_SYNC] = " for the production server's run",
	[DOOR_DIRECTORY] = " for our script in Active Directory",
	[DOOR_EXCHANGE] = " for our script in Exchange Online",
	[DOOR_ADSYNC] = " for Remove-ADSyncToolsAadObject with our CSV",
	[DOOR_MANUAL] = " for a person, by our paragraph",
};

/* How many steps a door has in each state: the table that says where the work stands. */
static void add_door_table(
	struct screen *screen, const struct plan *plan, const enum step_state *states)
{
	for (int door = DOOR_NONE + 1; door < DOOR_COUNT; door++) {
		size_t counts[STEP_STATE_COUNT] = { 0 };

		if (!plan->by_door[door])
			continue;
		for (size_t i = 0; i < plan->step_count; i++)
			counts[states[i]] += (int)plan->steps[i].door == door;
		screen_addf(screen, STYLE_BOLD, "  %-9s", door_name(door));
		screen_addf(screen, STYLE_PLAIN, " %5zu steps: ", plan->by_door[door]);
		for (int state = 0, first = 1; state < STEP_STATE_COUNT; state++) {
			if (!counts[state])
				continue;
			screen_addf(screen, wants_line(state) ? STYLE_YELLOW : STYLE_GREEN,
				"%s%zu %s%s", first ? "" : ", ", counts[state],
				step_state_name(state),
				state == STEP_WAITING && waiting_words[door] ? waiting_words[door]
									     : "");
			first = 0;
		}
		screen_addf(screen, STYLE_PLAIN, "\n");
	}
}

void plan_add_states(struct screen *screen, const struct plan *plan, const enum step_state *states,
	char *const *texts, const struct apply_result *result)
{
	add_door_table(screen, plan, states);
	for (size_t i = 0; i < plan->step_count; i++) {
		if (wants_line(states[i]))
			add_step(screen, &plan->steps[i], states[i], texts[i]);
	}
	if (result->why[0]) {
		screen_addf(screen, STYLE_YELLOW, "  stopped: ");
		screen_paragraph(screen, STYLE_YELLOW, span_of(result->why), 11);
	}
	if (result->interrupted || result->stopped)
		screen_addf(screen, STYLE_YELLOW,
			"  nothing new was sent after that; the same command goes on where it stopped\n");
}

void plan_add_states_json(struct screen *screen, const struct plan *plan,
	const struct step_notes *notes, const struct apply_result *result)
{
	screen_addf(screen, STYLE_PLAIN, "{\"format\":\"unstage-steps/1\",\"plan\":\"%s\"}\n",
		plan->id);
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(64 << 10);
		CLEANUP(json_freep) json_t *line = NULL;

		/* It is for people, and may quote what is no UTF-8. */
		text_printable(&text, span_of(notes->texts[i]));
		line = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "step", (int)step->number, "id",
			step->id, "operation", graph_operation_name(step->operation), "door",
			door_name(step->door), "state", step_state_name(notes->states[i]), "text",
			buf_text(&text));
		json_add(&screen->text, line);
		buf_add_byte(&screen->text, '\n');
	}
	screen_addf(screen, STYLE_PLAIN,
		"{\"end\":true,\"interrupted\":%s,\"steps\":%zu,\"stopped\":%s}\n",
		result->interrupted ? "true" : "false", plan->step_count,
		result->stopped ? "true" : "false");
}
