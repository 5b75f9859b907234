/*
 * Where facts come from, the time that is covered, the runs of the sync servers; and how two
 * collections become one.
 *
 * Only the audit log tells of all writers, so only its windows promise that nobody else wrote.
 * Two windows that touch are one; of two with a gap between them neither says anything of the gap.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "reconcile/evidence_internal.h"

/* ---- what is covered ----------------------------------------------------------------- */

/* The header tells the last window: the one that reaches the present. */
static void tell_in_header(struct evidence *evidence)
{
	struct covered last = { 0 };

	if (evidence->covered_count)
		last = evidence->covered[evidence->covered_count - 1];
	evidence->header.from_ms = last.from_ms;
	evidence->header.until_ms = last.until_ms;
	evidence->settled = false;
}

static int compare_covered(const void *left, const void *right)
{
	const struct covered *a = left, *b = right;
	int order = evidence_compare_numbers(a->from_ms, b->from_ms);

	return order ? order : evidence_compare_numbers(a->until_ms, b->until_ms);
}

void evidence_cover(struct evidence *evidence, struct covered window)
{
	struct covered *covered;
	size_t kept = 0;

	if (window.until_ms < window.from_ms)
		return;
	MEMORY_GROW(evidence->covered, evidence->covered_count, evidence->covered_capacity);
	covered = evidence->covered;
	covered[evidence->covered_count++] = window;
	qsort(covered, evidence->covered_count, sizeof(*covered), compare_covered);
	for (size_t i = 0; i < evidence->covered_count; i++)
		if (!kept || covered[i].from_ms > covered[kept - 1].until_ms)
			covered[kept++] = covered[i];
		else if (covered[i].until_ms > covered[kept - 1].until_ms)
			covered[kept - 1].until_ms = covered[i].until_ms;
	evidence->covered_count = kept;
	tell_in_header(evidence);
}

void evidence_cover_from(struct evidence *evidence, int64_t from_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < evidence->covered_count; i++) {
		struct covered window = evidence->covered[i];

		if (window.until_ms < from_ms && i + 1 < evidence->covered_count)
			continue;
		if (window.from_ms < from_ms)
			window.from_ms = from_ms < window.until_ms ? from_ms : window.until_ms;
		evidence->covered[kept++] = window;
	}
	evidence->covered_count = kept;
	tell_in_header(evidence);
}

void evidence_cover_until(struct evidence *evidence, int64_t until_ms)
{
	struct covered last;

	if (!evidence->covered_count)
		return;
	last = evidence->covered[evidence->covered_count - 1];
	if (until_ms > last.until_ms)
		evidence_cover(evidence, (struct covered){ last.from_ms, until_ms });
}

void evidence_cover_no_later(struct evidence *evidence, int64_t until_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < evidence->covered_count; i++) {
		struct covered window = evidence->covered[i];

		/* One window stays, if it is an empty one: the log was read. */
		if (window.from_ms > until_ms && kept)
			continue;
		if (window.until_ms > until_ms)
			window.until_ms = until_ms > window.from_ms ? until_ms : window.from_ms;
		evidence->covered[kept++] = window;
	}
	evidence->covered_count = kept;
	tell_in_header(evidence);
}

const struct covered *evidence_covered(const struct evidence *evidence, size_t *count)
{
	*count = evidence->covered_count;
	return evidence->covered;
}

void evidence_add_not_logged(struct evidence *evidence, const char *name)
{
	size_t place = evidence->not_logged_count;

	for (size_t i = 0; i < evidence->not_logged_count; i++)
		if (strcmp(evidence->not_logged[i], name) == 0)
			return;
	MEMORY_GROW(
		evidence->not_logged, evidence->not_logged_count, evidence->not_logged_capacity);
	for (; place > 0 && strcmp(evidence->not_logged[place - 1], name) > 0; place--)
		evidence->not_logged[place] = evidence->not_logged[place - 1];
	evidence->not_logged[place] = evidence_keep(evidence, span_of(name)).data;
	evidence->not_logged_count++;
	evidence->settled = false;
}

const char *const *evidence_not_logged(const struct evidence *evidence, size_t *count)
{
	*count = evidence->not_logged_count;
	return evidence->not_logged;
}

/* ---- sources ------------------------------------------------------------------------- */

void evidence_add_source(struct evidence *evidence, const struct evidence_source *source)
{
	struct evidence_source kept = *source;

	if (source->source == FROM_AUDIT) {
		evidence_cover(evidence, (struct covered){ source->from_ms, source->until_ms });
		return;
	}
	if (!source->pending_known) {
		kept.pending_deletes = 0;
		kept.pending_ms = 0;
	}
	kept.server = evidence_keep(evidence, span_of(source->server)).data;
	kept.file = evidence_keep(evidence, span_of(source->file)).data;
	kept.digest = evidence_keep(evidence, span_of(source->digest)).data;
	MEMORY_GROW(evidence->sources, evidence->source_count, evidence->source_capacity);
	evidence->sources[evidence->source_count++] = kept;
	evidence->settled = false;
}

static int compare_pending(const struct evidence_source *a, const struct evidence_source *b)
{
	int order = (int)a->pending_known - (int)b->pending_known;

	if (!order)
		order = evidence_compare_numbers(a->pending_ms, b->pending_ms);
	return order ? order
		     : (a->pending_deletes > b->pending_deletes) -
			(a->pending_deletes < b->pending_deletes);
}

static int compare_sources(const void *left, const void *right)
{
	const struct evidence_source *a = left, *b = right;
	int order = evidence_compare_numbers(a->source, b->source);

	if (!order)
		order = evidence_compare_texts(a->server, b->server);
	if (!order)
		order = evidence_compare_texts(a->file, b->file);
	if (!order)
		order = evidence_compare_texts(a->digest, b->digest);
	if (!order)
		order = evidence_compare_numbers(a->from_ms, b->from_ms);
	if (!order)
		order = evidence_compare_numbers(a->until_ms, b->until_ms);
	return order ? order : compare_pending(a, b);
}

const struct evidence_source *evidence_sources(struct evidence *evidence, size_t *count)
{
	evidence_settle(evidence);
	*count = evidence->source_count;
	return evidence->sources;
}

/* ---- runs ---------------------------------------------------------------------------- */

void evidence_add_run(struct evidence *evidence, const struct evidence_run *run)
{
	struct evidence_run kept = *run;

	kept.server = evidence_keep(evidence, span_of(run->server)).data;
	kept.connector = evidence_keep(evidence, span_of(run->connector)).data;
	kept.type = evidence_keep(evidence, span_of(run->type)).data;
	kept.by = evidence_keep(evidence, span_of(run->by)).data;
	kept.result = evidence_keep(evidence, span_of(run->result)).data;
	MEMORY_GROW(evidence->runs, evidence->run_count, evidence->run_capacity);
	evidence->runs[evidence->run_count++] = kept;
	evidence->settled = false;
}

static int compare_run_texts(const struct evidence_run *a, const struct evidence_run *b)
{
	int order = evidence_compare_texts(a->type, b->type);

	if (!order)
		order = evidence_compare_texts(a->by, b->by);
	return order ? order : evidence_compare_texts(a->result, b->result);
}

static int compare_run_counters(const struct evidence_run *a, const struct evidence_run *b)
{
	for (size_t i = 0; i < RUN_COUNTERS; i++)
		if (a->counters[i] != b->counters[i])
			return a->counters[i] < b->counters[i] ? -1 : 1;
	return 0;
}

static int compare_runs(const void *left, const void *right)
{
	const struct evidence_run *a = left, *b = right;
	int order = evidence_compare_numbers(a->start_ms, b->start_ms);

	if (!order)
		order = evidence_compare_texts(a->server, b->server);
	if (!order)
		order = evidence_compare_texts(a->connector, b->connector);
	if (!order)
		order = evidence_compare_numbers(a->number, b->number);
	if (!order)
		order = evidence_compare_numbers(a->step, b->step);
	if (!order)
		order = evidence_compare_numbers(a->end_ms, b->end_ms);
	if (!order)
		order = (int)a->cloud - (int)b->cloud;
	if (!order)
		order = compare_run_texts(a, b);
	return order ? order : compare_run_counters(a, b);
}

const struct evidence_run *evidence_runs(struct evidence *evidence, size_t *count)
{
	evidence_settle(evidence);
	*count = evidence->run_count;
	return evidence->runs;
}

/* ---- settling, merging --------------------------------------------------------------- */

void evidence_settle_sources(struct evidence *evidence)
{
	size_t kept = 0;

	if (evidence->source_count)
		qsort(evidence->sources, evidence->source_count, sizeof(*evidence->sources),
			compare_sources);
	for (size_t i = 0; i < evidence->source_count; i++)
		if (!kept || compare_sources(&evidence->sources[kept - 1], &evidence->sources[i]))
			evidence->sources[kept++] = evidence->sources[i];
	evidence->source_count = kept;
	kept = 0;
	if (evidence->run_count)
		qsort(evidence->runs, evidence->run_count, sizeof(*evidence->runs), compare_runs);
	for (size_t i = 0; i < evidence->run_count; i++)
		if (!kept || compare_runs(&evidence->runs[kept - 1], &evidence->runs[i]))
			evidence->runs[kept++] = evidence->runs[i];
	evidence->run_count = kept;
}

static void merge_sources(struct evidence *into, struct evidence *from)
{
	size_t count;
	const struct evidence_source *sources = evidence_sources(from, &count);
	const struct evidence_run *runs;

	for (size_t i = 0; i < count; i++)
		evidence_add_source(into, &sources[i]);
	for (size_t i = 0; i < from->covered_count; i++)
		evidence_cover(into, from->covered[i]);
	for (size_t i = 0; i < from->not_logged_count; i++)
		evidence_add_not_logged(into, from->not_logged[i]);
	runs = evidence_runs(from, &count);
	for (size_t i = 0; i < count; i++)
		evidence_add_run(into, &runs[i]);
}

bool evidence_merge(struct evidence *into, struct evidence *from, struct error *err)
{
	size_t count = evidence_count(from);

	if (text_compare_caseless(span_of(into->header.tenant), span_of(from->header.tenant)) != 0)
		return error_set(err, ERROR_REFUSED,
			"evidence of tenant %s can't be added to evidence of tenant %s",
			from->header.tenant, into->header.tenant);
	merge_sources(into, from);
	holders_merge(into, from);
	if (!flows_merge(into, from, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!evidence_add_fact(into, evidence_fact(from, i), err))
			return false;
	if (from->header.collected_ms > into->header.collected_ms)
		into->header.collected_ms = from->header.collected_ms;
	return true;
}
