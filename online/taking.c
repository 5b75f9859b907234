/* From the audit log to a file of evidence: its window, what can be claimed of it, warnings. */
#include "online/taking.h"
#include "online/holders.h"

#include <string.h>

enum { DEFAULT_DAYS = 7, LEAST_KEPT_DAYS = 7 };

bool evidence_take_record(void *evidence, struct span record, struct error *err)
{
	return evidence_add_audit(evidence, record, err);
}

/*
 * The log trails what happened by some minutes (contract 4.2): what is younger is kept and not
 * claimed to be all.
 */
static void narrow_to_what_has_come(struct evidence *evidence)
{
	const struct evidence_header *header = evidence_header(evidence);
	int64_t read_ms = header->until_ms > header->collected_ms ? header->until_ms
								  : header->collected_ms;
	int64_t come_ms = read_ms - AUDIT_TRAILS_MS;
	char until[TIME_TEXT_BYTES];

	if (header->until_ms <= come_ms)
		return;
	evidence_cover_no_later(evidence, come_ms);
	progress_warn(talk(),
		"the log trails by ten minutes: what was written after %s UTC is not covered; to put "
		"back what a snapshot shows, collect again ten minutes after it",
		screen_time(come_ms, until));
}

/*
 * The log keeps 7 days at least and 30 at most, by licence (contract 4.2). What is older than its
 * least is covered only as far back as a record shows that it was kept.
 */
static void narrow_to_what_was_kept(
	struct evidence *evidence, const struct evidence_header *asked, int64_t now_ms)
{
	int64_t kept_ms = now_ms - (int64_t)LEAST_KEPT_DAYS * 86400000;
	char from[TIME_TEXT_BYTES];

	if (asked->from_ms >= kept_ms)
		return;
	if (evidence_count(evidence) && evidence_fact(evidence, 0)->when_ms < kept_ms)
		kept_ms = evidence_fact(evidence, 0)->when_ms;
	if (kept_ms > asked->until_ms)
		kept_ms = asked->until_ms;
	evidence_cover_from(evidence, kept_ms);
	progress_warn(talk(),
		"the log shows nothing before %s UTC; what was written before that is not covered",
		screen_time(kept_ms, from));
}

struct evidence *evidence_begin(struct graph *graph, const char *tenant, const char *from,
	const char *until, struct error *err)
{
	CLEANUP(evidence_freep) struct evidence *evidence = NULL;
	int64_t now = graph_service_time_ms(graph);
	struct evidence_header header = {
		.collected_ms = now,
		.from_ms = now - (int64_t)DEFAULT_DAYS * 86400000,
		.until_ms = now,
	};

	snprintf(header.tenant, sizeof(header.tenant), "%s", tenant);
	if (from && !moment_parse(from, now, &header.from_ms, err)) {
		error_prefix(err, "--from");
		return NULL;
	}
	if (until && !moment_parse(until, now, &header.until_ms, err)) {
		error_prefix(err, "--until");
		return NULL;
	}
	if (header.from_ms >= header.until_ms) {
		error_set(err, ERROR_USAGE,
			"evidence: the window is empty: --from is not before --until");
		return NULL;
	}
	if (header.until_ms > now)
		header.until_ms = now;
	evidence = evidence_new(&header);
	return holders_collect(graph, evidence, err) ? TAKE(evidence) : NULL;
}

bool evidence_end(struct evidence *evidence, const char *path, struct error *err)
{
	struct evidence_header asked = *evidence_header(evidence);

	narrow_to_what_was_kept(evidence, &asked, asked.collected_ms);
	narrow_to_what_has_come(evidence);
	evidence_tell_limits(evidence);
	return evidence_save(evidence, path, err);
}
