/*
 * What everybody but Graph does in a rehearsal: the production server that holds what the plan says, an
 * administrator with the CSV, a person with the paragraphs.
 */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/rehearse.h"

/* ---- sync: what the production server is to bring the cloud to ------------------------------------ */

static bool production_holds(
	struct simulator *simulator, const struct plan_step *step, struct error *err)
{
	switch (step->operation) {
	case GRAPH_SET:
		return simulator_production_holds(
			simulator, step->id, step->attribute->name, step->to, err);
	case GRAPH_ADD_MEMBER:
	case GRAPH_ADD_OWNER:
	case GRAPH_SET_MANAGER:
		return simulator_production_refers(
			simulator, step->id, step->attribute->name, step->target, true, err);
	case GRAPH_REMOVE_MEMBER:
	case GRAPH_REMOVE_OWNER:
		return simulator_production_refers(
			simulator, step->id, step->attribute->name, step->target, false, err);
	case GRAPH_CLEAR_MANAGER: {
		char manager[ID_BYTES + 1];

		snprintf(manager, sizeof(manager), "%.*s", ID_BYTES, step->from.data + 1);
		return simulator_production_refers(
			simulator, step->id, step->attribute->name, manager, false, err);
	}
	default:
		return true; /* objects come and go by other doors */
	}
}

bool rehearse_production(
	const struct rehearsal *rehearsal, const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->step_count; i++)
		if (plan->steps[i].door == DOOR_SYNC &&
			!production_holds(rehearsal->simulator, &plan->steps[i], err))
			return error_prefix(err, "step %zu", plan->steps[i].number);
	return !plan->by_door[DOOR_SYNC] ||
		simulator_play_production_cycle(rehearsal->simulator, err);
}

/* ---- adsync: the file is made again from the plan --------------------------------------------------- */

static void written(void *context, const char *path)
{
	char **csv = context;
	const char *ending = "-adsync.csv";
	size_t length = strlen(path);

	if (length > strlen(ending) && strcmp(path + length - strlen(ending), ending) == 0) {
		memory_free(*csv);
		*csv = memory_text(path);
	}
}

bool rehearse_adsync(const struct rehearsal *rehearsal, const struct plan *plan, struct error *err)
{
	CLEANUP(memory_freep) char *beside = file_path(rehearsal->folder, "plan.json");
	CLEANUP(memory_freep) char *csv = NULL;

	return plan_write_hand_offs(plan, beside, written, &csv, err) &&
		(!csv || simulator_play_adsync(rehearsal->simulator, csv, err));
}

/* ---- manual ----------------------------------------------------------------------------------------- */

/* What a person does with a paragraph. The names are the relation's and whether it is to be there. */
static bool follow_paragraph(
	struct simulator *simulator, const struct plan_step *step, struct error *err)
{
	const char *relation = step->attribute ? step->attribute->name : NULL;

	switch (step->operation) {
	case GRAPH_SET:
		return simulator_play_manual(simulator, step->id, relation, step->to, err);
	case GRAPH_RESTORE:
		return simulator_hand_restore(simulator, step->id, err);
	case GRAPH_REMOVE:
		return simulator_hand_delete(simulator, step->id, err);
	case GRAPH_ADD_MEMBER:
	case GRAPH_ADD_OWNER:
	case GRAPH_SET_MANAGER:
		return simulator_hand_link(simulator, step->id, relation, step->target, true, err);
	case GRAPH_REMOVE_MEMBER:
	case GRAPH_REMOVE_OWNER:
		return simulator_hand_link(simulator, step->id, relation, step->target, false, err);
	case GRAPH_CLEAR_MANAGER: {
		char manager[ID_BYTES + 1];

		snprintf(manager, sizeof(manager), "%.*s", ID_BYTES, step->from.data + 1);
		return simulator_hand_link(simulator, step->id, relation, manager, false, err);
	}
	case GRAPH_OPERATION_COUNT:
		break;
	}
	return true;
}

/* Doors that have no file yet are a person's work. */
static bool is_for_a_person(enum door door)
{
	return door == DOOR_MANUAL || door == DOOR_EXCHANGE || door == DOOR_DIRECTORY;
}

bool rehearse_paragraphs(const struct rehearsal *rehearsal, const struct plan *plan, bool *followed,
	rehearse_refused_function *refused, void *context, struct error *err)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];
		struct error refusal = { 0 };

		if (!is_for_a_person(step->door) || followed[i])
			continue;
		followed[i] = follow_paragraph(rehearsal->simulator, step, &refusal);
		if (followed[i])
			continue;
		if (refusal.kind == ERROR_SYSTEM) {
			*err = refusal;
			return false;
		}
		refused(context, step, refusal.text);
	}
	return true;
}
