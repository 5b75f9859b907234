/*
 * Putting findings in order and counting them: what `find` says on one screen.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

/* ---- what only follows from something else ------------------------------------------ */

/* An object that is not there any more, and whether it can come back as what it was. */
struct gone {
	struct span id;
	bool for_good;
};

static int compare_gone(const void *left, const void *right)
{
	const struct gone *a = left, *b = right;

	return span_compare(a->id, b->id);
}

bool finding_is_gone(const struct finding *finding)
{
	return !finding->attribute && finding->verdict != VERDICT_HEALED &&
		(finding->change == CHANGE_DELETED || finding->change == CHANGE_PURGED);
}

struct span finding_follows(const struct finding *finding)
{
	if (finding->verdict != VERDICT_DRIFT || !finding->attribute || finding->last_writer ||
		finding->attribute->compare != COMPARE_REFERENCE || finding->live.value.data ||
		!finding->base.value.data || scan_type(finding->base.value) != SCAN_STRING)
		return SPAN_NONE;
	return scan_text_direct(finding->base.value);
}

static const struct gone *follows_from(
	const struct finding *finding, const struct gone *gone, size_t count)
{
	struct gone wanted = { .id = finding_follows(finding) };

	return wanted.id.data && count ? bsearch(&wanted, gone, count, sizeof(wanted), compare_gone)
				       : NULL;
}

/* Whoever comes back under another id has none of the places of the old one. */
static void block_reference(struct finding *finding)
{
	finding->verdict = VERDICT_BLOCKED;
	finding->door = DOOR_MANUAL;
	finding->reason =
		"what it refers to was deleted by the staging server and is gone for good: "
		"whatever takes its place has a new id and must be put here again";
}

/*
 * Whoever is deleted leaves all groups and has no reports any more, and comes back with all of
 * it: the deleted object is the finding, and not each of its places; unless it can't come back.
 */
static void drop_consequences(struct findings *findings)
{
	CLEANUP(memory_freep) struct gone *gone = memory_array(findings->count + 1, sizeof(*gone));
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < findings->count; i++)
		if (finding_is_gone(&findings->items[i]))
			gone[count++] = (struct gone){ findings->items[i].id,
				findings->items[i].verdict == VERDICT_BLOCKED };
	if (count)
		qsort(gone, count, sizeof(*gone), compare_gone);
	for (size_t i = 0; i < findings->count; i++) {
		struct finding *finding = &findings->items[i];
		const struct gone *from = follows_from(finding, gone, count);

		if (from && from->for_good)
			block_reference(finding);
		if (from && !from->for_good)
			memory_free((void *)(uintptr_t)finding->references);
		else
			findings->items[kept++] = *finding;
	}
	findings->count = kept;
}

static struct span attribute_key(const struct finding *finding)
{
	return span_of(finding->attribute ? finding->attribute->name : NULL);
}

int finding_compare(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;
	int order = span_compare(a->id, b->id);

	if (!order)
		order = span_compare(attribute_key(a), attribute_key(b));
	if (!order)
		order = span_compare(a->element, b->element);
	/* An address may be a finding twice: that it is there, and that it is the primary one. */
	if (!order)
		order = (int)a->verdict - (int)b->verdict;
	return order ? order : span_compare(a->live.value, b->live.value);
}

/* ---- counting ------------------------------------------------------------------------------- */

static bool is_primary(struct known_value value)
{
	return value.known && value.value.length > 6 && memcmp(value.value.data, "\"SMTP:", 6) == 0;
}

static bool is_primary_change(const struct finding *finding)
{
	return finding->attribute && finding->attribute->compare == COMPARE_ADDRESSES &&
		(is_primary(finding->before) || is_primary(finding->staging));
}

static bool is_attribute(const struct finding *finding, const char *name)
{
	return finding->attribute && strcmp(finding->attribute->name, name) == 0;
}

static void count_damage(struct findings_summary *summary, const struct finding *finding)
{
	summary->upn_changed += is_attribute(finding, "userPrincipalName");
	summary->disabled += is_attribute(finding, "accountEnabled") && finding->staging.known &&
		span_is(finding->staging.value, "false");
	summary->members_changed += is_attribute(finding, "members");
	summary->deleted += !finding->attribute &&
		(finding->change == CHANGE_DELETED || finding->change == CHANGE_PURGED);
	summary->created += !finding->attribute && finding->change == CHANGE_CREATED;
}

void summary_count(struct findings_summary *summary, const struct finding *finding)
{
	summary->by_verdict[finding->verdict]++;
	summary->conflicts += finding->conflict;
	if (finding->verdict == VERDICT_REVERT)
		summary->by_door[finding->door]++;
	if (finding->staging_write_ms != TIME_NONE)
		count_damage(summary, finding);
}

static void count_findings(struct findings *findings)
{
	struct findings_summary *summary = &findings->summary;
	struct span last_primary = SPAN_NONE;

	findings->told = findings->count;
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		summary_count(summary, finding);
		blast_count(&findings->blast, finding);
		if (finding->staging_write_ms != TIME_NONE && is_primary_change(finding) &&
			!span_equal(last_primary, finding->id)) {
			summary->primary_changed++;
			last_primary = finding->id;
		}
	}
}

static void count_facts(struct reconciling *reconciling)
{
	struct findings_summary *summary = &reconciling->findings->summary;

	summary->staging_first_ms = summary->staging_last_ms = TIME_NONE;
	for (size_t i = 0; i < reconciling->fact_count; i++) {
		const struct fact *fact = &reconciling->first_fact[i];

		if (!fact_is_write(fact) || reconciling->doubles[i] ||
			fact_class(reconciling, fact) != WRITER_STAGING)
			continue;
		if (!summary->staging_facts++)
			summary->staging_first_ms = fact->when_ms;
		summary->staging_last_ms = fact->when_ms;
		summary->explained_facts += reconciling->explained[i];
		summary->staging = *findings_keep_writer(reconciling->findings, fact->who);
	}
}

void summary_make(struct reconciling *reconciling)
{
	struct findings *findings = reconciling->findings;

	shared_doubt(findings);
	drop_consequences(findings);
	if (findings->count)
		qsort(findings->items, findings->count, sizeof(*findings->items), finding_compare);
	findings_mark(findings);
	findings_decide_all(findings);
	count_findings(findings);
	count_facts(reconciling);
	accounts_make(reconciling);
}
