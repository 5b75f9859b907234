/* A plan for people: `unstage show plan.json` (show_plan.c, show_plan_text.c, show_plan_json.c). */
#pragma once

#include "cli/plan_file.h"
#include "report/report.h"

struct show_plan_options {
	bool whole;  /* --long: no value is cut */
	size_t step; /* --step: this one alone, whole; 0: all */
};

MUST_CHECK bool show_plan(struct screen *screen, const char *path, const struct common *common,
	const struct show_plan_options *options, struct error *err);

/* `unstage-review/1`: header, a line for each step and what is blocked, trailer. */
MUST_CHECK bool show_plan_json(struct screen *screen, const struct plan_file *file,
	const struct marks *marks, const char *profile_name, struct error *err);

/* As screen_fill(); beyond `most` bytes (0: none) cut, with a mark: how much is missing, and a hash of all. */
void screen_block(
	struct screen *screen, enum style style, struct span text, unsigned indent, size_t most);
