/*
 * The walk: every object that differs between base and live, and every object that staging
 * touched although it does not differ; object by object, attribute by attribute.
 *
 * Findings hold copies: snapshots and evidence may be closed while findings are still read.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

struct walk {
	struct reconciling reconciling;
	uint64_t done;
};

void reconciling_release(struct reconciling *reconciling)
{
	memory_free(reconciling->writers);
	memory_free(reconciling->explained);
	memory_free(reconciling->doubles);
	memory_free(reconciling->told);
	memory_free(reconciling->links);
	memory_free(reconciling->touched);
	memory_free(reconciling->staging_busy.at);
	memory_free(reconciling->others_busy.at);
	memory_free(reconciling->object_only.stamps_ms);
}

static void walk_release(struct walk *walk)
{
	reconciling_release(&walk->reconciling);
}

struct findings *findings_empty_new(void)
{
	struct findings *findings = memory_new(sizeof(*findings));

	findings->texts = texts_new();
	return findings;
}

void findings_empty(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		memory_free((void *)(uintptr_t)findings->items[i].references);
	findings->count = 0;
	texts_empty(findings->texts);
}

void findings_free(struct findings *findings)
{
	if (!findings)
		return;
	findings_empty(findings);
	for (size_t i = 0; i < findings->writer_count; i++)
		memory_free(findings->writers[i]);
	memory_free(findings->writers);
	memory_free(findings->exports);
	deciding_free(findings->deciding);
	memory_free(findings->items);
	texts_free(findings->texts);
	memory_free(findings);
}

const char *findings_base(const struct findings *findings)
{
	return findings->base;
}

const char *findings_live(const struct findings *findings)
{
	return findings->live;
}

size_t findings_count(const struct findings *findings)
{
	return findings->told;
}

const struct finding *findings_get(const struct findings *findings, size_t index)
{
	return &findings->items[index];
}

const struct findings_summary *findings_summary(const struct findings *findings)
{
	return &findings->summary;
}

/* ---- adding --------------------------------------------------------------------------------- */

const struct writer *findings_keep_writer(struct findings *findings, const struct writer *writer)
{
	size_t number = writer_number(writer);
	struct writer *copy = findings->writers[number];

	if (copy)
		return copy;
	copy = memory_new(sizeof(*copy));
	copy->id = texts_keep(findings->texts, span_of(writer->id)).data;
	copy->name = texts_keep(findings->texts, span_of(writer->name)).data;
	copy->server = texts_keep(findings->texts, span_of(writer->server)).data;
	findings->writers[number] = copy;
	return copy;
}

static void keep_value(struct findings *findings, struct known_value *value)
{
	value->value = value->known ? texts_keep(findings->texts, value->value) : SPAN_NONE;
}

static size_t keep_reference(
	struct findings *findings, const char **references, size_t kept, const struct fact *fact)
{
	for (size_t i = 0; fact && i < kept; i++)
		if (strcmp(references[i], fact->reference) == 0)
			return kept;
	if (fact)
		references[kept++] = texts_keep(findings->texts, span_of(fact->reference)).data;
	return kept;
}

/* The references of the deciding events, each once; first the one that keeps the exact time. */
static void keep_references(struct findings *findings, struct finding *finding,
	const struct event *const *deciding, size_t count)
{
	const char **references = memory_array(2 * count + 1, sizeof(*references));
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		kept = keep_reference(findings, references, kept, deciding[i]->fact);
		kept = keep_reference(findings, references, kept, deciding[i]->also);
	}
	finding->references = references;
	finding->reference_count = kept;
}

void findings_add(struct findings *findings, const struct finding *finding,
	const struct event *const *deciding, size_t deciding_count)
{
	struct finding kept = *finding;

	kept.id = texts_keep(findings->texts, finding->id);
	kept.name = texts_keep(findings->texts, finding->name);
	kept.element = texts_keep(findings->texts, finding->element);
	kept.reason = texts_keep(findings->texts, span_of(finding->reason)).data;
	keep_value(findings, &kept.base);
	keep_value(findings, &kept.before);
	keep_value(findings, &kept.staging);
	keep_value(findings, &kept.live);
	keep_value(findings, &kept.next_value);
	keep_references(findings, &kept, deciding, deciding_count);
	if (kept.last_writer)
		kept.last_writer = findings_keep_writer(findings, kept.last_writer);
	MEMORY_GROW(findings->items, findings->count, findings->capacity);
	findings->items[findings->count++] = kept;
}

/* ---- the walk ------------------------------------------------------------------------------- */

static int compare_touched(const void *left, const void *right)
{
	const struct touched *a = left, *b = right;

	return strcmp(a->id, b->id);
}

static void mark_visited(struct reconciling *reconciling, struct span id)
{
	char text[ID_BYTES + 1] = { 0 };
	struct touched wanted = { .id = text }, *found;

	if (id.length != ID_BYTES || !reconciling->touched_count)
		return;
	memcpy(text, id.data, ID_BYTES);
	found = bsearch(&wanted, reconciling->touched, reconciling->touched_count, sizeof(wanted),
		compare_touched);
	if (found)
		found->visited = true;
}

/* What a restored object came back with is in no record: only a creation will do. */
static struct origin origin_of(const struct reconciling *reconciling, const struct subject *subject)
{
	if (subject->base && !object_deleted(subject->base) && reconciling->times.rebuilt &&
		!rebuilt_is_quiet(&reconciling->times))
		return (struct origin){ TIME_NONE, false, true };
	if (subject->base && !object_deleted(subject->base))
		return (struct origin){ reconciling->times.base_until, false, false };
	for (size_t i = 0; i < subject->fact_count; i++) {
		const struct fact *fact = subject->facts[i];

		if (fact->operation < FACT_CREATE)
			continue;
		if (fact->operation == FACT_CREATE && fact_class(reconciling, fact) == WRITER_OTHER)
			return (struct origin){ fact->when_ms, true, false };
		break;
	}
	return (struct origin){ TIME_NONE, false, false };
}

/* The facts about an object that decide anything; borrowed until the next call. */
static const struct fact *const *facts_of(
	struct reconciling *reconciling, struct span id, size_t *count)
{
	const struct fact *const *facts = evidence_of(reconciling->options->evidence, id, count);
	size_t kept = 0;

	if (!reconciling->has_files)
		return facts;
	reconciling->told = memory_resize(
		reconciling->told, *count + 1, sizeof(*reconciling->told));
	for (size_t i = 0; i < *count; i++)
		if (fact_takes_part(facts[i]))
			reconciling->told[kept++] = facts[i];
	*count = kept;
	return reconciling->told;
}

bool findings_decide(struct reconciling *reconciling, struct span id, struct span base_lines,
	struct span live_lines, struct error *err)
{
	CLEANUP(object_freep) struct object *base = NULL;
	CLEANUP(object_freep) struct object *live = NULL;
	struct subject subject = { .base_from = reconciling->options->base,
		.live_from = reconciling->options->live };

	if (base_lines.length && !(base = object_parse(base_lines, err)))
		return error_prefix(err, "%s", snapshot_path(reconciling->options->base));
	if (live_lines.length && !(live = object_parse(live_lines, err)))
		return error_prefix(err, "%s", snapshot_path(reconciling->options->live));
	subject.base = base;
	subject.live = live;
	subject.id = live ? object_id(live) : base ? object_id(base) : id;
	if (reconciling->options->evidence)
		subject.facts = facts_of(reconciling, subject.id, &subject.fact_count);
	if (live || base)
		subject.kind = object_kind(live ? live : base);
	else if (subject.fact_count)
		subject.kind = subject.facts[0]->kind;
	else
		return true;
	if (base && live && object_kind(base) != object_kind(live))
		subject.base = NULL; /* another object: ids of different kinds are not compared */
	subject.origin = origin_of(reconciling, &subject);
	mark_visited(reconciling, subject.id);
	subject_decide(reconciling, &subject);
	blast_note(reconciling, &subject);
	return true;
}

static bool walk_object(
	struct walk *walk, struct span id, struct span base, struct span live, struct error *err)
{
	if (!findings_decide(&walk->reconciling, id, base, live, err))
		return false;
	progress_step(walk->reconciling.options->progress, "objects", ++walk->done, 0);
	return true;
}

static void find_touched(struct reconciling *reconciling)
{
	size_t kept = 0;

	for (size_t i = 0; i < reconciling->fact_count; i++) {
		const struct fact *fact = &reconciling->first_fact[i];

		if (!fact_is_write(fact) || fact_class(reconciling, fact) != WRITER_STAGING)
			continue;
		MEMORY_GROW(reconciling->touched, reconciling->touched_count,
			reconciling->touched_capacity);
		reconciling->touched[reconciling->touched_count++] = (struct touched){
			.id = fact->id
		};
	}
	if (reconciling->touched_count)
		qsort(reconciling->touched, reconciling->touched_count,
			sizeof(*reconciling->touched), compare_touched);
	for (size_t i = 0; i < reconciling->touched_count; i++)
		if (!kept ||
			strcmp(reconciling->touched[kept - 1].id, reconciling->touched[i].id) != 0)
			reconciling->touched[kept++] = reconciling->touched[i];
	reconciling->touched_count = kept;
	reconciling->findings->summary.objects = kept;
}

static bool walk_pair(void *context, struct span base, struct span live, struct error *err)
{
	struct walk *walk = context;

	return walk_object(walk, SPAN_NONE, base, live, err);
}

/* What staging touched and the comparison did not bring: equal lines, or in neither snapshot. */
static bool walk_touched(struct walk *walk, struct error *err)
{
	const struct reconciling *reconciling = &walk->reconciling;
	const struct reconcile_options *options = reconciling->options;
	CLEANUP(snapshot_picker_freep)
	struct snapshot_picker *in_base = snapshot_picker_new(options->base);
	CLEANUP(snapshot_picker_freep)
	struct snapshot_picker *in_live = snapshot_picker_new(options->live);

	for (size_t i = 0; i < reconciling->touched_count; i++) {
		struct span id = span_of(reconciling->touched[i].id), base, live;

		if (reconciling->touched[i].visited)
			continue;
		if (!snapshot_pick(in_base, id, &base, err) ||
			!snapshot_pick(in_live, id, &live, err) ||
			!walk_object(walk, id, base, live, err))
			return false;
	}
	return true;
}

bool evidence_is_of_tenant(
	const struct evidence *evidence, const struct snapshot *live, struct error *err)
{
	const char *tenant = snapshot_header(live)->tenant;

	return text_compare_caseless(span_of(tenant), span_of(evidence_header(evidence)->tenant)) ==
		0 ||
		error_set(err, ERROR_REFUSED,
			"the evidence is of tenant %s, the snapshots are of tenant %s",
			evidence_header(evidence)->tenant, tenant);
}

bool findings_check_tenants(const struct reconcile_options *options, struct error *err)
{
	struct span base = span_of(snapshot_header(options->base)->tenant);
	struct span live = span_of(snapshot_header(options->live)->tenant);

	if (text_compare_caseless(base, live) != 0)
		return error_set(err, ERROR_REFUSED, "%s is of tenant %.*s, %s of tenant %.*s",
			snapshot_path(options->base), SPAN_FORMAT(base),
			snapshot_path(options->live), SPAN_FORMAT(live));
	if (options->decisions &&
		text_compare_caseless(live, span_of(decisions_tenant(options->decisions))) != 0)
		return error_set(err, ERROR_REFUSED,
			"%s: line 1: decisions for tenant %s; the snapshots are of tenant %.*s",
			decisions_path(options->decisions), decisions_tenant(options->decisions),
			SPAN_FORMAT(live));
	return !options->evidence || evidence_is_of_tenant(options->evidence, options->live, err);
}

/*
 * A proof needs all the time from some moment to the live snapshot: the last window that begins
 * before live was complete is the only one that can hold it.
 */
static void take_covered(struct times *times, const struct evidence *evidence)
{
	size_t count;
	const struct covered *covered = evidence_covered(evidence, &count);

	for (size_t i = 0; i < count; i++)
		if (!i || covered[i].from_ms <= times->live_until) {
			times->evidence_from = covered[i].from_ms;
			times->evidence_until = covered[i].until_ms;
		}
}

struct findings *findings_prepare(const struct reconcile_options *options)
{
	const struct snapshot_header *base = snapshot_header(options->base);
	const struct snapshot_header *live = snapshot_header(options->live);
	struct findings *findings = findings_empty_new();

	findings->tenant = texts_keep(findings->texts, span_of(live->tenant)).data;
	findings->base = texts_keep(findings->texts, span_of(snapshot_identity(options->base)))
				 .data;
	findings->live = texts_keep(findings->texts, span_of(snapshot_identity(options->live)))
				 .data;
	findings->times = (struct times){ base->taken_from_ms, base->taken_until_ms,
		live->taken_from_ms, live->taken_until_ms, INT64_MAX, INT64_MIN, false,
		AUDIT_ORDER_MS, false, is_rebuilt(options->base) };
	findings->decisions = options->decisions;
	findings->deciding = deciding_new(options->decisions, live->taken_until_ms);
	if (options->evidence) {
		findings->evidence = texts_keep(
			findings->texts, span_of(evidence_identity(options->evidence)))
					     .data;
		take_covered(&findings->times, options->evidence);
		findings->writer_count = evidence_writer_count(options->evidence);
		findings->writers = memory_array(
			findings->writer_count + 1, sizeof(*findings->writers));
	}
	return findings;
}

/* The findings may outlive the evidence. */
static void tell_flows(struct findings *findings, const struct server_flows *flows)
{
	if (!flows)
		return;
	findings->summary.flows_server = texts_keep(findings->texts, span_of(flows_server(flows)))
						 .data;
	findings->summary.flows_ms = flows_exported_ms(flows);
}

struct findings *findings_new(const struct reconcile_options *options, struct error *err)
{
	CLEANUP(findings_freep) struct findings *findings = NULL;
	CLEANUP(claims_freep) struct claims *claims = NULL;
	CLEANUP(walk_release) struct walk walk = { 0 };

	if (!findings_check_tenants(options, err))
		return NULL;
	findings = findings_prepare(options);
	walk.reconciling.options = options;
	walk.reconciling.findings = findings;
	walk.reconciling.times = findings->times;
	if (!writers_classify(&walk.reconciling, err))
		return NULL;
	walk.reconciling.flows = flows_of_production(&walk.reconciling);
	tell_flows(findings, walk.reconciling.flows);
	foresee_begin(&walk.reconciling);
	find_touched(&walk.reconciling);
	touches_prepare(&walk.reconciling);
	/* What a rebuilt base does not have, it does not know: only what staging touched is compared. */
	if (!walk.reconciling.times.rebuilt &&
		!snapshot_compare(options->base, options->live, walk_pair, &walk, err))
		return NULL;
	if (!walk_touched(&walk, err))
		return NULL;
	claims = claims_find_all(&walk.reconciling, err);
	if (!claims)
		return NULL;
	claims_report(claims, findings);
	summary_make(&walk.reconciling);
	return TAKE(findings);
}
