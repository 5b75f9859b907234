/* The log of a generated incident as evidence: all of it, or what a declared gap leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/reconcile/incident_internal.h"

/* As a stride it has no factor in common with any number of records. */
enum { STRIDE = 9973, TWICE_PERCENT = 3 };

struct evidence *incident_no_evidence(const struct incident *incident)
{
	struct evidence_header header = { .tenant = INCIDENT_TENANT,
		.collected_ms = incident->now_ms };

	return evidence_new(&header);
}

static bool is_covered(
	const struct record *record, const struct window *windows, size_t window_count)
{
	for (size_t i = 0; i < window_count; i++)
		if (record->when_ms >= windows[i].from_ms && record->when_ms <= windows[i].until_ms)
			return true;
	return false;
}

static void add_record(struct evidence *evidence, const struct record *record)
{
	struct error err = { 0 };

	if (!evidence_add_audit(evidence, buf_span(&record->text), &err))
		fail_msg("%s", err.text);
}

struct evidence *incident_evidence(
	struct incident *incident, const struct window *windows, size_t window_count, bool lossy)
{
	struct evidence_header header = { .tenant = INCIDENT_TENANT,
		.collected_ms = incident->now_ms };
	struct evidence *evidence = evidence_new(&header);
	size_t first = incident_random(incident, incident->record_count);

	for (size_t i = 0; i < window_count; i++)
		evidence_add_source(evidence,
			&(struct evidence_source){ .source = FROM_AUDIT,
				.from_ms = windows[i].from_ms,
				.until_ms = windows[i].until_ms });
	for (size_t i = 0; i < incident->record_count; i++) {
		const struct record
			*record = &incident->records[(first + i * STRIDE) % incident->record_count];

		if (!is_covered(record, windows, window_count) || (lossy && record->loses))
			continue;
		add_record(evidence, record);
		if (incident_chance(incident, TWICE_PERCENT))
			add_record(evidence, record);
	}
	return evidence;
}
