/*
 * What everybody but Graph does in a rehearsal: an administrator with the LDIF file for Active Directory;
 * the production server, which holds what stands there and else what the plan says; administrators
 * with the CSV and the script for Exchange Online; a person with the paragraphs.
 */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "rehearsal/rehearsal_internal.h"

/* ---- references ------------------------------------------------------------------------------------- */

/* What an operation makes of a reference; operations without a row are about none. */
static const struct {
	bool is, there;
} references[GRAPH_OPERATION_COUNT] = {
	[GRAPH_ADD_MEMBER] = { true, true },
	[GRAPH_REMOVE_MEMBER] = { true, false },
	[GRAPH_ADD_OWNER] = { true, true },
	[GRAPH_REMOVE_OWNER] = { true, false },
	[GRAPH_SET_MANAGER] = { true, true },
	[GRAPH_CLEAR_MANAGER] = { true, false },
};

/* Whom it leads to: of a manager that goes, who stood there. */
static const char *target_of(const struct plan_step *step, char room[static ID_BYTES + 1])
{
	if (step->target)
		return step->target;
	snprintf(room, ID_BYTES + 1, "%.*s", ID_BYTES, step->from.data + 1);
	return room;
}

/* ---- sync: what the production server is to bring the cloud to ------------------------------------ */

static bool production_holds(
	struct simulator *simulator, const struct plan_step *step, struct error *err)
{
	char room[ID_BYTES + 1];

	if (references[step->operation].is)
		return simulator_production_refers(simulator, step->id, step->attribute->name,
			target_of(step, room), references[step->operation].there, err);
	/* Objects come and go by other doors. */
	return step->operation != GRAPH_SET ||
		simulator_production_holds(
			simulator, step->id, step->attribute->name, step->to, err);
}

/*
 * Active Directory is as wrong as the cloud until somebody plays the LDIF file there. The one bit that
 * LDIF can't change is the script's: it is taken as run.
 */
static bool directory_holds(
	struct simulator *simulator, const struct plan_step *step, struct error *err)
{
	const char *attribute = step->attribute->name;
	bool by_script = strcmp(attribute, "accountEnabled") == 0;

	return simulator_production_holds(
		simulator, step->id, attribute, by_script ? step->to : step->from, err);
}

static bool servers_hold(
	struct simulator *simulator, const struct plan_step *step, struct error *err)
{
	if (step->door == DOOR_SYNC)
		return production_holds(simulator, step, err);
	return step->door != DOOR_DIRECTORY || directory_holds(simulator, step, err);
}

static void add_refused(struct rehearsal_others *others, const struct simulator_played *played)
{
	if (played->failed && !others->refused)
		snprintf(others->first_refusal, sizeof(others->first_refusal), "%s",
			played->first_trouble);
	others->refused += played->failed;
}

bool doors_play_production(const struct rehearsal *rehearsal, const struct plan *plan,
	struct rehearsal_others *others, struct error *err)
{
	CLEANUP(memory_freep) char *ldif = file_path(rehearsal->folder, "plan-directory.ldif");
	struct simulator_played played = { 0 };

	for (size_t i = 0; i < plan->step_count; i++)
		if (!servers_hold(rehearsal->simulator, &plan->steps[i], err))
			return error_prefix(err, "step %zu", plan->steps[i].number);
	if (plan->by_door[DOOR_DIRECTORY] &&
		!simulator_play_ldif(rehearsal->simulator, ldif, &played, err))
		return false;
	add_refused(others, &played);
	return (!plan->by_door[DOOR_SYNC] && !plan->by_door[DOOR_DIRECTORY]) ||
		simulator_play_production_cycle(rehearsal->simulator, err);
}

/* ---- the files, made again from the plan ------------------------------------------------------------ */

bool doors_write_files(
	const struct rehearsal *rehearsal, const struct plan *plan, struct error *err)
{
	CLEANUP(memory_freep) char *beside = file_path(rehearsal->folder, "plan.json");

	return plan_write_hand_offs(plan, beside, NULL, NULL, err);
}

bool doors_play_files(const struct rehearsal *rehearsal, const struct plan *plan,
	struct rehearsal_others *others, struct error *err)
{
	CLEANUP(memory_freep) char *csv = file_path(rehearsal->folder, "plan-adsync.csv");
	CLEANUP(memory_freep) char *script = file_path(rehearsal->folder, "plan-exchange.ps1");
	struct simulator_played played = { 0 };

	if (plan->by_door[DOOR_ADSYNC] && !simulator_play_adsync(rehearsal->simulator, csv, err))
		return false;
	if (plan->by_door[DOOR_EXCHANGE] &&
		!simulator_play_exchange(rehearsal->simulator, script, &played, err))
		return false;
	add_refused(others, &played);
	return true;
}

/* ---- manual ----------------------------------------------------------------------------------------- */

/* What a person does with a paragraph. */
static bool follow_paragraph(
	struct simulator *simulator, const struct plan_step *step, struct error *err)
{
	char room[ID_BYTES + 1];

	if (references[step->operation].is)
		return simulator_hand_link(simulator, step->id, step->attribute->name,
			target_of(step, room), references[step->operation].there, err);
	if (step->operation == GRAPH_RESTORE)
		return simulator_hand_restore(simulator, step->id, err);
	if (step->operation == GRAPH_REMOVE)
		return simulator_hand_delete(simulator, step->id, err);
	return simulator_play_manual(simulator, step->id, step->attribute->name, step->to, err);
}

bool doors_follow_paragraphs(const struct rehearsal *rehearsal, const struct rehearsal_play *play,
	bool *followed, struct rehearsal_others *others, struct error *err)
{
	for (size_t i = 0; i < play->plan->step_count; i++) {
		const struct plan_step *step = &play->plan->steps[i];
		struct error refusal = { 0 };

		if (step->door != DOOR_MANUAL || followed[i])
			continue;
		followed[i] = follow_paragraph(rehearsal->simulator, step, &refusal);
		if (followed[i])
			continue;
		if (refusal.kind == ERROR_SYSTEM) {
			*err = refusal;
			return false;
		}
		others->paragraphs_refused++;
		if (play->told)
			play->told(play->told_context, step, STEP_REFUSED, refusal.text);
	}
	return true;
}
