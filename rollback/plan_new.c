/*
 * The head of a plan: what it was made from, for which tenant, until when. Its steps are
 * planner.c's.
 */
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "rollback/check.h"
#include "rollback/plan_internal.h"

/* Of an older reading, or another tenant's: what they say of live is not so here. */
static bool check_findings(
	const char *what, const char *theirs, struct snapshot *snapshot, struct error *err)
{
	return strcmp(theirs, snapshot_identity(snapshot)) == 0 ||
		error_set(err, ERROR_REFUSED,
			"%s is not the %s snapshot that the findings were made of: theirs is %s, "
			"this one %s; make them again",
			snapshot_path(snapshot), what, theirs, snapshot_identity(snapshot));
}

static bool check_options(const struct plan_options *options, struct error *err)
{
	const struct snapshot_header *base = snapshot_header(options->base);
	const struct snapshot_header *live = snapshot_header(options->live);

	if (options->expires_s < 0 || options->expires_s > PLAN_EXPIRES_MAX_S)
		return error_set(err, ERROR_USAGE,
			"a plan can't live %lld seconds: 7 days (%d seconds) "
			"at most, and not less than one",
			(long long)options->expires_s, PLAN_EXPIRES_MAX_S);
	if (text_compare_caseless(span_of(base->tenant), span_of(live->tenant)) != 0)
		return error_set(err, ERROR_REFUSED, "%s is of the tenant %s, %s of %s",
			snapshot_path(options->base), base->tenant, snapshot_path(options->live),
			live->tenant);
	return check_findings("base", findings_base(options->findings), options->base, err) &&
		check_findings("live", findings_live(options->findings), options->live, err);
}

/*
 * What was written after the evidence ends is not known: without a person's word it proves nothing about
 * a snapshot that was begun later, and a plan from it would say that there is nothing to do.
 */
static bool check_evidence(const struct plan_options *options, struct error *err)
{
	const struct snapshot_header *live = snapshot_header(options->live);
	int64_t until_ms = options->evidence ? evidence_header(options->evidence)->until_ms : 0;
	char until[TIME_TEXT_BYTES], begun[TIME_TEXT_BYTES];

	return !until_ms || options->decisions || until_ms >= live->taken_from_ms ||
		error_set(err, ERROR_REFUSED,
			"the evidence ends at %s, and %s was begun at %s: nobody knows what was "
			"written in between; collect it again, ten minutes after the snapshot",
			time_text(until_ms, until), snapshot_path(options->live),
			time_text(live->taken_from_ms, begun));
}

static struct plan *head_new(const struct plan_options *options)
{
	int64_t expires_s = options->expires_s ? options->expires_s : PLAN_EXPIRES_S;
	const struct snapshot_header *live = snapshot_header(options->live);
	const struct findings_summary *summary = findings_summary(options->findings);
	const struct writer *staging = &summary->staging;
	struct plan *plan = plan_begin();
	char id[GUID_TEXT_BYTES];

	plan->tenant = plan_keep_text(plan, live->tenant);
	plan->tenant_name = plan_keep_text(plan, options->tenant_name);
	plan->cloud = plan_keep_text(plan, live->cloud);
	plan->id = plan_keep_text(plan, text_new_guid(id));
	plan->tool = plan_keep_text(plan, "unstage " UNSTAGE_VERSION);
	plan->staging = plan_keep_text(plan, staging->name ? staging->name : staging->id);
	plan->created_ms = options->now_ms;
	plan->expires_ms = options->now_ms + expires_s * 1000;
	plan->base = plan_keep_text(plan, snapshot_identity(options->base));
	plan->base_signed = options->base_signed;
	plan->live = plan_keep_text(plan, snapshot_identity(options->live));
	if (options->evidence)
		plan->evidence = plan_keep_text(plan, evidence_identity(options->evidence));
	if (options->decisions)
		plan->decisions = plan_keep_text(plan, decisions_digest(options->decisions));
	plan->rules_server = plan_keep_text(plan, summary->flows_server);
	plan->rules_ms = summary->flows_server ? summary->flows_ms : TIME_NONE;
	plan->has_production = summary->production_space;
	plan->production_ms = summary->production_ms;
	plan->production_deletes = summary->pending_deletes;
	return plan;
}

static bool visit_live(void *context, const struct snapshot_visitor *visitor, struct error *err)
{
	return snapshot_visit(context, visitor, err);
}

struct plan *plan_new(const struct plan_options *options, struct error *err)
{
	CLEANUP(plan_freep) struct plan *plan = NULL;
	CLEANUP(memory_freep) const struct finding **findings = NULL;
	size_t count = findings_count(options->findings);
	struct plan_input input = { .count = count, .visit = visit_live, .context = options->live };
	struct check_live check = { .visit = visit_live, .context = options->live };

	if (!check_options(options, err) || !check_evidence(options, err))
		return NULL;
	findings = memory_array(count + 1, sizeof(*findings));
	for (size_t i = 0; i < count; i++)
		findings[i] = findings_get(options->findings, i);
	input.findings = findings;
	plan = head_new(options);
	if (!plan_add_steps(plan, &input, err) || !plan_check(plan, &check, err) ||
		!plan_seal_files(plan, err)) {
		error_prefix(err, "%s", snapshot_path(options->live));
		return NULL;
	}
	return TAKE(plan);
}
