/*
 * A decisions file: refused with a place, or read; and whatever it says, a finding that it meets has a verdict
 * that the table allows.
 */
#include <assert.h>
#include <stdint.h>

#include "base/time.h"
#include "reconcile/reconcile_internal.h"

#define TENANT "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct finding sample(enum verdict verdict)
{
	const struct kind *kind = kind_get(KIND_USER);

	return (struct finding){
		.verdict = verdict,
		.change = CHANGE_VALUE,
		.kind = kind,
		.id = SPAN_LITERAL("c1d7e7a2-3b55-4a8e-b7be-000000000001"),
		.attribute = attribute_find(kind, SPAN_LITERAL("department")),
		.base = { true, SPAN_LITERAL("\"A\"") },
		.staging = { true, SPAN_LITERAL("\"X\"") },
		.live = { true, SPAN_LITERAL("\"X\"") },
		.reason = "seen",
		.way = DOOR_SYNC,
	};
}

static void meet(const struct decisions *decisions, enum verdict verdict)
{
	CLEANUP(findings_freep) struct findings *findings = findings_empty_new();
	struct finding finding = sample(verdict);
	struct error err = { 0 };

	findings->tenant = TENANT;
	findings->decisions = decisions;
	findings->deciding = deciding_new(decisions, INT64_C(1772626200000));
	finding_mark(&finding, TENANT);
	finding_decide(findings, &finding);
	assert(finding.decision ? decision_allows(finding.decision->kind, verdict, finding.verdict)
				: finding.verdict == verdict);
	assert(!finding.decision || findings_check_decisions(findings, &err) ||
		err.kind == ERROR_REFUSED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { size ? (const char *)data : "", size };
	struct error err = { 0 };
	CLEANUP(decisions_freep) struct decisions *decisions = decisions_parse(bytes, "file", &err);

	if (!decisions) {
		assert(err.kind == ERROR_FORMAT || err.kind == ERROR_REFUSED);
		return 0;
	}
	for (size_t i = 0; i < decisions_count(decisions); i++)
		assert(decisions_get(decisions, i)->because[0]);
	for (enum verdict verdict = 0; verdict < VERDICT_KEPT; verdict++)
		meet(decisions, verdict);
	return 0;
}
