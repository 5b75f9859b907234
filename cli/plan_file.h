/* A plan as `verify`, `apply`, `status` and `show` meet it: bytes, then signature, then plan. */
#pragma once

#include "cli/cli.h"

struct plan_file {
	struct buf bytes;
	struct signature_facts signature;
	struct plan *plan;
};

/* Whether the file opens with a brace, as a plan does and a snapshot does not. */
bool plan_file_is_plan(const char *path);

/*
 * Reads the file once; verifies these bytes against `path`.minisig with `key` (else the
 * profile's) and only then parses them (rule 2). `verify` false: for looking at it only.
 */
MUST_CHECK bool plan_file_open(struct plan_file *file, const char *path, const char *key,
	const char *profile_name, bool verify, struct error *err);
void plan_file_close(struct plan_file *file);

/* How many steps, by which doors, how many deletions, until when: two lines. */
void plan_add_counts(struct screen *screen, const struct plan *plan);
/* By whose rules the doors were chosen, and what is known of production's next export. */
void plan_add_basis(struct screen *screen, const struct plan *plan);
/* A line with the code that an interactive `apply` asks for. */
void plan_add_fingerprint(struct screen *screen, struct span bytes);

/* With the profile's share of the tenant's quota. */
MUST_CHECK bool plan_forecast_of(const struct plan *plan, const char *profile_name,
	struct plan_forecast *forecast, struct error *err);
/* "2 s", "11 min" */
void screen_forecast_duration(struct screen *screen, int64_t ms);
/* "reads":…,"requests":…,"share":…,"writes":… */
void screen_requests_json(struct screen *screen, const struct plan_forecast *forecast);
/*
 * What heals by itself, and what is ours: how many requests and how long, at the profile's share of the
 * tenant's quota.
 */
MUST_CHECK bool plan_add_forecast(struct screen *screen, const struct plan *plan,
	const char *profile_name, struct error *err);
/* The same as an object. */
MUST_CHECK bool plan_add_forecast_json(struct screen *screen, const struct plan *plan,
	const char *profile_name, struct error *err);

/* The table of what became of the steps, and one line of counts. */
void plan_add_states(struct screen *screen, const struct plan *plan, const enum step_state *states,
	char *const *texts, const struct apply_result *result);

/* Collects what apply and status tell about each step. */
struct step_notes {
	enum step_state *states;
	char **texts;
	size_t count;
};
void step_notes_init(struct step_notes *notes, const struct plan *plan);
void step_notes_release(struct step_notes *notes);
void step_notes_told(
	void *context, const struct plan_step *step, enum step_state state, const char *text);

/* `unstage-steps/1`: header, a line a step, trailer. */
void plan_add_states_json(struct screen *screen, const struct plan *plan,
	const struct step_notes *notes, const struct apply_result *result);
