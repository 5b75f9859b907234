/* A plan built by hand, a folder of its own in memory where there is one, and runs of it. */
#pragma once

#include "rollback/apply_internal.h"
#include "tests/rollback/tiny_graph.h"

enum { FIXTURE_STEPS = 256, FIXTURE_AFTER = 4 };

#define FIXTURE_NOW_MS  INT64_C(1772590000000)
#define FIXTURE_PLAN_ID "cccccccc-0000-4000-8000-000000000001"

struct fixture {
	struct tiny_graph tiny;
	struct plan plan;
	struct plan_step steps[FIXTURE_STEPS];
	size_t after[FIXTURE_STEPS][FIXTURE_AFTER];
	const char *plan_bytes;
	char folder[64];
	char *journal, *receipt, *dump;
	struct apply_options options;
	struct apply_result result;
	struct error err;
	/* what was told, by step number */
	enum step_state told[FIXTURE_STEPS + 1];
	char text[FIXTURE_STEPS + 1][512];
	unsigned told_times[FIXTURE_STEPS + 1];
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* The same directory, plan and folder again, as if nothing had happened. */
void fixture_reset(struct fixture *fixture);

/* Adds a step; the functions return it for the rest to be filled in. */
struct plan_step *fixture_step(
	struct fixture *fixture, enum graph_operation operation, enum kind_id kind, size_t id);
struct plan_step *fixture_set(struct fixture *fixture, size_t id, const char *attribute,
	const char *from, const char *to); /* of a user; NULL: nothing */
struct plan_step *fixture_relate(
	struct fixture *fixture, enum graph_operation operation, size_t id, size_t target);
void fixture_after(struct fixture *fixture, struct plan_step *step, size_t number);

/* One run; the error is in the fixture. */
bool fixture_apply(struct fixture *fixture);
bool fixture_status(struct fixture *fixture, const char *production);
bool fixture_error_says(const struct fixture *fixture, enum error_kind kind, const char *words);
size_t fixture_effects(const struct fixture *fixture);
/* No effect happened twice. */
bool fixture_effects_differ(const struct fixture *fixture);
/* The state of a step as the journal has it now. */
enum step_state fixture_journal_state(const struct fixture *fixture, size_t number);
