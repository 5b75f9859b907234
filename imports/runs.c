/* Run history: what was read, and looking at what was made of it. */
#include <string.h>

#include "base/memory.h"
#include "base/time.h"
#include "imports/runs_internal.h"

const struct run run_unknown = { .number = -1, .start_ms = TIME_NONE, .end_ms = TIME_NONE };
const struct step step_unknown = { .number = -1, .start_ms = TIME_NONE, .end_ms = TIME_NONE };

struct run_history *run_history_new(void)
{
	return memory_new(sizeof(struct run_history));
}

void run_history_free(struct run_history *history)
{
	if (!history)
		return;
	memory_free(history->files);
	memory_free(history->runs);
	memory_free(history->steps);
	memory_free(history->listed);
	memory_free(history->exports);
	memory_free(history->gaps);
	memory_free(history->errors);
	kept_release(&history->kept);
	memory_free(history);
}

bool run_history_begin_file(struct run_history *history, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	struct run_file file = { 0 };

	if (!import_digest(path, file.digest, err))
		return false;
	file.name = kept_add(&history->kept, span_of(slash ? slash + 1 : path));
	MEMORY_GROW(history->files, history->file_count, history->file_capacity);
	history->files[history->file_count++] = file;
	return true;
}

struct run *run_history_new_run(struct run_history *history, struct error *err)
{
	struct run *run;

	if (history->run_count == RUNS_MAX) {
		error_set(err, ERROR_FORMAT, "more than %d runs", RUNS_MAX);
		return NULL;
	}
	MEMORY_GROW(history->runs, history->run_count, history->run_capacity);
	run = &history->runs[history->run_count++];
	*run = run_unknown;
	return run;
}

struct step *run_history_new_step(struct run_history *history, struct error *err)
{
	struct step *step;

	if (history->step_count == RUNS_MAX) {
		error_set(err, ERROR_FORMAT, "more than %d steps of runs", RUNS_MAX);
		return NULL;
	}
	MEMORY_GROW(history->steps, history->step_count, history->step_capacity);
	step = &history->steps[history->step_count++];
	*step = step_unknown;
	return step;
}

/* ---- looking -------------------------------------------------------------------------------- */

static uint64_t counted(const struct export_run *export)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < RUN_COUNTERS; i++)
		sum += export->counters[i];
	return sum;
}

bool export_may_have_written(const struct export_run *export)
{
	static const char no_start[] = "no-start-";

	if (export->result && strncmp(export->result, no_start, strlen(no_start)) == 0)
		return false;
	return !export->counted || counted(export);
}

const struct export_run *run_history_exports(const struct run_history *history, size_t *count)
{
	*count = history->export_count;
	return history->exports;
}

const struct run_gap *run_history_gaps(const struct run_history *history, size_t *count)
{
	*count = history->gap_count;
	return history->gaps;
}

const struct run_error *run_history_errors(const struct run_history *history, size_t *count)
{
	*count = history->error_count;
	return history->errors;
}

const struct run_history_summary *run_history_summary(const struct run_history *history)
{
	return &history->summary;
}
