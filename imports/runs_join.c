/*
 * Run history, put together. Each file says what it knows: runs, or steps, or both. A run that two
 * files tell is one run; what one leaves out, the other fills in. Only then it can be said whose
 * step an export is.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "imports/runs_internal.h"

static int compare_texts(const char *a, const char *b)
{
	return span_compare(span_of(a), span_of(b));
}

static int compare_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* ---- the same run in several files ------------------------------------------------------- */

static int compare_run_ids(const void *left, const void *right)
{
	const struct run *a = left, *b = right;

	return compare_texts(a->id, b->id);
}

#define FILL(into, from, member, unknown)                                                          \
	do {                                                                                       \
		if ((into)->member == (unknown))                                                   \
			(into)->member = (from)->member;                                           \
	} while (0)

static void fill_run(struct run *run, const struct run *other)
{
	FILL(run, other, connector_id, NULL);
	FILL(run, other, connector, NULL);
	FILL(run, other, profile, NULL);
	FILL(run, other, by, NULL);
	FILL(run, other, result, NULL);
	FILL(run, other, number, -1);
	FILL(run, other, start_ms, TIME_NONE);
	FILL(run, other, end_ms, TIME_NONE);
}

static void join_runs(struct run_history *history)
{
	size_t kept = 0;

	if (!history->run_count)
		return;
	qsort(history->runs, history->run_count, sizeof(*history->runs), compare_run_ids);
	for (size_t i = 1; i < history->run_count; i++) {
		if (compare_run_ids(&history->runs[kept], &history->runs[i]) == 0)
			fill_run(&history->runs[kept], &history->runs[i]);
		else
			history->runs[++kept] = history->runs[i];
	}
	history->run_count = kept + 1;
}

static struct run *find_run(const struct run_history *history, const char *id)
{
	struct run key = { .id = id };

	if (!id || !history->run_count)
		return NULL;
	return bsearch(&key, history->runs, history->run_count, sizeof(key), compare_run_ids);
}

/* ---- the same run with an id, and in XML without one ----------------------------------------- */

static int compare_places(const void *left, const void *right)
{
	const struct run *a = *(struct run *const *)left, *b = *(struct run *const *)right;
	int order = compare_texts(a->connector_id, b->connector_id);

	if (!order)
		order = compare_numbers(a->number, b->number);
	/* Of XML last: '#' is in no GUID, but it may be less than one. */
	if (!order)
		order = (strchr(a->id, '#') != NULL) - (strchr(b->id, '#') != NULL);
	return order ? order : compare_texts(a->id, b->id);
}

static bool same_place(const struct run *a, const struct run *b)
{
	return a->connector_id && b->connector_id && a->number >= 0 && a->number == b->number &&
		strcmp(a->connector_id, b->connector_id) == 0;
}

static bool refuse_two_servers(const struct run *a, const struct run *b, struct error *err)
{
	return error_set(err, ERROR_FORMAT,
		"run %lld of connector %s is there twice, as %s and as %s: these are files of two "
		"servers; import those of each by themselves",
		(long long)a->number, a->connector ? a->connector : a->connector_id, a->id, b->id);
}

static bool join_places(struct run_history *history, struct run **by_place, struct error *err)
{
	for (size_t i = 0; i < history->run_count; i++) {
		struct run *run = by_place[i], *first = i ? by_place[i - 1] : NULL;

		run->same = run->id;
		if (!first || !same_place(first, run))
			continue;
		if (!strchr(run->id, '#'))
			return refuse_two_servers(first, run, err);
		run->same = first->same;
		fill_run(find_run(history, first->same), run);
	}
	return true;
}

static struct run **runs_by_place(const struct run_history *history)
{
	struct run **by_place = memory_array(history->run_count + 1, sizeof(struct run *));

	for (size_t i = 0; i < history->run_count; i++)
		by_place[i] = &history->runs[i];
	qsort(by_place, history->run_count, sizeof(struct run *), compare_places);
	return by_place;
}

/* ---- steps ---------------------------------------------------------------------------------- */

static int compare_steps(const void *left, const void *right)
{
	const struct step *a = left, *b = right;
	int order = compare_texts(a->run_id, b->run_id);

	return order ? order : compare_numbers(a->number, b->number);
}

static void fill_step(struct step *step, const struct step *other)
{
	FILL(step, other, result, NULL);
	FILL(step, other, start_ms, TIME_NONE);
	FILL(step, other, end_ms, TIME_NONE);
	FILL(step, other, type, NULL);
	if (step->counters_seen == COUNTERS_ALL)
		return;
	step->counters_seen = other->counters_seen;
	memcpy(step->counters, other->counters, sizeof(step->counters));
}

static void join_steps(struct run_history *history)
{
	size_t kept = 0;

	for (size_t i = 0; i < history->step_count; i++) {
		const struct run *run = find_run(history, history->steps[i].run_id);

		if (run)
			history->steps[i].run_id = run->same;
	}
	if (!history->step_count)
		return;
	qsort(history->steps, history->step_count, sizeof(*history->steps), compare_steps);
	for (size_t i = 1; i < history->step_count; i++) {
		struct step *last = &history->steps[kept], *step = &history->steps[i];

		if (step->run_id && step->number >= 0 && compare_steps(last, step) == 0)
			fill_step(last, step);
		else
			history->steps[++kept] = *step;
	}
	history->step_count = kept + 1;
}

/* ---- errors --------------------------------------------------------------------------------- */

static bool is_entra(const struct run *run)
{
	static const char tail[] = " - AAD"; /* "contoso.onmicrosoft.com - AAD" */
	size_t length = run && run->connector ? strlen(run->connector) : 0;

	if (run && run->connector_id)
		return strcmp(run->connector_id, ENTRA_CONNECTOR) == 0;
	return length >= strlen(tail) && strcmp(run->connector + length - strlen(tail), tail) == 0;
}

static int compare_errors(const void *left, const void *right)
{
	const struct run_error *a = left, *b = right;
	int order = compare_numbers(a->when_ms, b->when_ms);

	if (!order)
		order = compare_numbers(a->number, b->number);
	if (!order)
		order = compare_numbers(a->step, b->step);
	if (!order)
		order = compare_numbers(a->kind, b->kind);
	if (!order)
		order = compare_texts(a->dn, b->dn);
	if (!order)
		order = compare_texts(a->cs_id, b->cs_id);
	return order ? order : compare_texts(a->type, b->type);
}

static void join_errors(struct run_history *history)
{
	size_t kept = 0;

	memory_free(history->errors);
	history->errors = memory_array(history->listed_count + 1, sizeof(*history->errors));
	for (size_t i = 0; i < history->listed_count; i++) {
		const struct run *run = find_run(history, history->listed[i].run_id);

		history->errors[i] = history->listed[i].error;
		history->errors[i].entra = is_entra(run);
		history->errors[i].number = run ? run->number : -1;
	}
	qsort(history->errors, history->listed_count, sizeof(*history->errors), compare_errors);
	for (size_t i = 0; i < history->listed_count; i++)
		if (!kept || compare_errors(&history->errors[kept - 1], &history->errors[i]) != 0)
			history->errors[kept++] = history->errors[i];
	history->error_count = kept;
}

/* ---- exports -------------------------------------------------------------------------------- */

static bool starts_caseless(const char *text, const char *start)
{
	struct span head = { text, strlen(start) };

	return strlen(text) >= head.length && text_compare_caseless(head, span_of(start)) == 0;
}

/*
 * The scheduler runs as the service does: a virtual account, a managed one ("CONTOSO\svc$"), or
 * one that the installer made ("AAD_1f2e3d4c5b6a", facts 1.6). Whoever else did it by hand.
 */
static bool is_by_hand(const char *by)
{
	const char *separator = by ? strrchr(by, '\\') : NULL;
	const char *name = separator ? separator + 1 : by;
	size_t length = name ? strlen(name) : 0;

	return length && !starts_caseless(by, "NT SERVICE\\") && name[length - 1] != '$' &&
		!starts_caseless(name, "AAD_");
}

static void add_export(struct run_history *history, const struct run *run, const struct step *step)
{
	struct run in = run ? *run : run_unknown;
	struct step told = step ? *step : step_unknown;
	struct export_run *export;

	FILL(&told, &in, result, NULL);
	FILL(&told, &in, start_ms, TIME_NONE);
	FILL(&told, &in, end_ms, TIME_NONE);
	MEMORY_GROW(history->exports, history->export_count, history->export_capacity);
	export = &history->exports[history->export_count++];
	*export = (struct export_run){ .connector_id = in.connector_id,
		.connector = in.connector,
		.entra = is_entra(&in),
		.number = in.number,
		.step = told.number,
		.type = told.type,
		.start_ms = told.start_ms,
		.end_ms = told.end_ms,
		.result = told.result,
		.by = in.by,
		.by_hand = is_by_hand(in.by),
		.counted = told.counters_seen == COUNTERS_ALL };
	if (export->counted)
		memcpy(export->counters, told.counters, sizeof(export->counters));
}

/* A profile can have any name, so it is asked only where no step tells its type. */
static bool is_export_profile(const struct run *run)
{
	return run && run->profile &&
		text_compare_caseless(span_of(run->profile), SPAN_LITERAL("Export")) == 0;
}

static bool is_export(const struct step *step, const struct run *run)
{
	uint64_t sum = 0;

	if (step->type)
		return strcmp(step->type, "export") == 0;
	for (size_t i = 0; i < RUN_COUNTERS; i++)
		sum += step->counters[i];
	return sum || is_export_profile(run);
}

/* Whether a step of the run is known. */
static bool has_steps(const struct run_history *history, const struct run *run)
{
	size_t low = 0, high = history->step_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_texts(history->steps[middle].run_id, run->same) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < history->step_count &&
		compare_texts(history->steps[low].run_id, run->same) == 0;
}

static int compare_exports(const void *left, const void *right)
{
	const struct export_run *a = left, *b = right;
	int order = compare_numbers(a->start_ms, b->start_ms);

	if (!order)
		order = compare_texts(a->connector_id, b->connector_id);
	if (!order)
		order = compare_numbers(a->number, b->number);
	return order ? order : compare_numbers(a->step, b->step);
}

static void find_exports(struct run_history *history)
{
	history->export_count = 0;
	for (size_t i = 0; i < history->step_count; i++) {
		const struct run *run = find_run(history, history->steps[i].run_id);

		if (is_export(&history->steps[i], run))
			add_export(history, run, &history->steps[i]);
	}
	for (size_t i = 0; i < history->run_count; i++) {
		const struct run *run = &history->runs[i];

		if (run->same == run->id && is_export_profile(run) && !has_steps(history, run))
			add_export(history, run, NULL);
	}
	if (history->export_count)
		qsort(history->exports, history->export_count, sizeof(*history->exports),
			compare_exports);
}

/* ---- what is missing, and the sum ---------------------------------------------------------- */

static void find_gaps(struct run_history *history, struct run *const *by_place)
{
	const struct run *last = NULL;

	history->gap_count = 0;
	for (size_t i = 0; i < history->run_count; i++) {
		const struct run *run = by_place[i];

		if (!is_entra(run) || run->number < 0)
			continue;
		if (last && run->number > last->number + 1) {
			MEMORY_GROW(history->gaps, history->gap_count, history->gap_capacity);
			history->gaps[history->gap_count++] = (struct run_gap){ last->number + 1,
				run->number - 1 };
		}
		last = run;
	}
}

static void widen(int64_t *from, int64_t *until, int64_t start, int64_t end)
{
	if (start != TIME_NONE && (*from == TIME_NONE || start < *from))
		*from = start;
	if (end != TIME_NONE && (*until == TIME_NONE || end > *until))
		*until = end;
}

static void sum_export(struct run_history_summary *summary, const struct export_run *export)
{
	summary->uncounted += !export->counted && export_may_have_written(export);
	summary->strays += export->number < 0 && !export->connector_id;
	if (!export_may_have_written(export))
		return;
	summary->exports++;
	if (!export->entra)
		return;
	summary->entra_exports++;
	for (size_t i = 0; i < RUN_COUNTERS; i++)
		summary->counters[i] += export->counters[i];
	widen(&summary->window_from_ms, &summary->window_until_ms, export->start_ms,
		export->end_ms != TIME_NONE ? export->end_ms : export->start_ms);
}

static void sum(struct run_history *history)
{
	history->summary = (struct run_history_summary){
		.steps = history->step_count,
		.cut_lists = history->cut_lists,
		.more_errors = history->more_errors,
		.first_ms = TIME_NONE,
		.last_ms = TIME_NONE,
		.window_from_ms = TIME_NONE,
		.window_until_ms = TIME_NONE,
	};
	for (size_t i = 0; i < history->run_count; i++) {
		const struct run *run = &history->runs[i];

		history->summary.runs += run->same == run->id;
		widen(&history->summary.first_ms, &history->summary.last_ms, run->start_ms,
			run->end_ms != TIME_NONE ? run->end_ms : run->start_ms);
	}
	for (size_t i = 0; i < history->export_count; i++)
		sum_export(&history->summary, &history->exports[i]);
}

bool run_history_join(struct run_history *history, struct error *err)
{
	CLEANUP(memory_freep) struct run **by_place = NULL;

	join_runs(history);
	by_place = runs_by_place(history);
	if (!join_places(history, by_place, err))
		return false;
	join_steps(history);
	join_errors(history);
	find_exports(history);
	find_gaps(history, by_place);
	sum(history);
	return true;
}
