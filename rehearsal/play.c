/*
 * A plan on the copy: the engine is the one that applies it, and everybody else plays his part between its
 * runs, as they would.
 */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "rehearsal/rehearsal_internal.h"

/* The simulated company's production server. */
#define PRODUCTION "SYNC01"

/* As often as steps of one door wait for those of another; of what is longer, the end is told as it is. */
enum { ROUNDS_MAX = 32 };

static bool apply_once(struct rehearsal *rehearsal, const struct rehearsal_play *play,
	struct apply_result *result, struct error *err)
{
	CLEANUP(memory_freep) char *journal = file_path(rehearsal->folder, "journal.sqlite");
	CLEANUP(memory_freep) char *receipt = file_path(rehearsal->folder, "receipt.json");
	CLEANUP(memory_freep) char *state = file_path(rehearsal->folder, "state");
	const struct apply_options options = {
		.graph = rehearsal->client.graph,
		.journal_path = journal,
		.receipt_path = receipt,
		.state_folder = state,
		.plan_bytes = play->plan_bytes,
		.cloud = play->plan->cloud,
		.signature = play->signature,
		.canary = 1,
		.now_ms = play->now_ms,
		.progress = rehearsal->progress,
		.told = play->told,
		.told_context = play->told_context,
	};

	/* What the other doors did took its time there. */
	simulator_set_now_ms(rehearsal->simulator, play->now_ms);
	if (apply_run(play->plan, &options, result, err))
		return true;
	if (err->kind != ERROR_STALE)
		return false;
	*err = (struct error){ 0 }; /* that nothing is left to do here is said by the states */
	return true;
}

static bool play_once(struct rehearsal *rehearsal, const struct rehearsal_play *play,
	bool *followed, struct rehearsal_others *others, struct error *err)
{
	others->paragraphs_refused = 0;
	return doors_play_production(rehearsal, play->plan, others, err) &&
		doors_play_files(rehearsal, play->plan, others, err) &&
		doors_follow_paragraphs(rehearsal, play, followed, others, err);
}

/* What somebody lets go, production's next cycle may take: no step of it is told to wait for that. */
static bool may_move_addresses(const struct plan_step *step)
{
	static const char *const attributes[] = { "proxyAddresses", "userPrincipalName", "mail" };

	if (!step->attribute)
		return true;
	for (size_t i = 0; i < COUNT_OF(attributes); i++)
		if (strcmp(step->attribute->name, attributes[i]) == 0)
			return true;
	return false;
}

static bool waits_for_another_door(const struct plan *plan, const struct plan_step *step)
{
	for (size_t i = 0; i < step->after_count; i++)
		if (plan->steps[step->after[i] - 1].door != step->door)
			return true;
	return false;
}

/* Who waits: steps of ours for others; others for anybody, as is told or may be. */
struct waits {
	bool ours, others;
};

static struct waits waits_of(const struct plan *plan)
{
	struct waits waits = { 0 };
	bool several = false, moves = false;

	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];
		bool is_waiting = waits_for_another_door(plan, step);

		waits.ours = waits.ours || (is_waiting && step->door == DOOR_GRAPH);
		waits.others = waits.others || (is_waiting && step->door != DOOR_GRAPH);
		several = several || step->door != plan->steps[0].door;
		moves = moves || may_move_addresses(step);
	}
	waits.others = waits.others || (several && moves);
	return waits;
}

/* One after the other, until a turn of all of them changes nothing; `wrote`: they changed anything. */
static bool play_others(struct rehearsal *rehearsal, const struct rehearsal_play *play,
	const struct waits *waits, bool *followed, bool *wrote, struct rehearsal_others *others,
	struct error *err)
{
	int64_t first = simulator_writes(rehearsal->simulator), before = first, now = first;

	for (size_t turn = 0; turn < ROUNDS_MAX; turn++) {
		if (!play_once(rehearsal, play, followed, others, err))
			return false;
		now = simulator_writes(rehearsal->simulator);
		if (!waits->others || now == before)
			break;
		before = now;
	}
	*wrote = now != first;
	return true;
}

bool rehearsal_play(struct rehearsal *rehearsal, const struct rehearsal_play *play,
	struct apply_result *result, struct rehearsal_others *others, struct error *err)
{
	CLEANUP(memory_freep)
	bool *followed = memory_array(play->plan->step_count + 1, sizeof(bool));
	const struct waits waits = waits_of(play->plan);
	bool wrote = true;

	*others = (struct rehearsal_others){ 0 };
	if (!doors_write_files(rehearsal, play->plan, err))
		return false;
	for (size_t round = 0; round < ROUNDS_MAX && wrote; round++) {
		if (!apply_once(rehearsal, play, result, err))
			return false;
		if (result->stopped)
			break;
		if (!play_others(rehearsal, play, &waits, followed, &wrote, others, err))
			return false;
		wrote = wrote && waits.ours;
	}
	return true;
}

bool rehearsal_status(struct rehearsal *rehearsal, const struct rehearsal_play *play,
	struct apply_result *result, struct error *err)
{
	CLEANUP(memory_freep) char *journal = file_path(rehearsal->folder, "journal.sqlite");
	const struct status_options options = {
		.graph = rehearsal->client.graph,
		.production = PRODUCTION,
		.journal_path = journal,
		.plan_bytes = play->plan_bytes,
		.told = play->told,
		.told_context = play->told_context,
	};

	return status_run(play->plan, &options, result, err);
}
