/* unstage evidence: who wrote what in a window of time, all writers, into a file. */
#include <string.h>

#include "cli/cli.h"

struct evidence_arguments {
	struct common common;
	const char *from, *until;
};

enum { DEFAULT_DAYS = 7, LEAST_KEPT_DAYS = 7, LOG_TRAILS_MS = 10 * 60 * 1000 };

static bool add_record(void *context, struct span record, struct error *err)
{
	return evidence_add_audit(context, record, err);
}

static bool tell(struct evidence *evidence, const struct common *common, struct error *err)
{
	struct common to_screen = { .json = common->json };
	CLEANUP(screen_release) struct screen screen;
	size_t count;
	const struct sync_identity *identities = evidence_identities(evidence, &count);
	char first[TIME_TEXT_BYTES], last[TIME_TEXT_BYTES];

	screen_init(&screen, &to_screen);
	if (common->json) {
		screen_addf(&screen, STYLE_PLAIN,
			"{\"format\":\"unstage-evidence-taken/1\",\"facts\":%zu,\"identity\":\"%s\","
			"\"records\":%zu}\n",
			evidence_count(evidence), evidence_identity(evidence),
			evidence_records(evidence));
		return screen_give(&screen, &to_screen, err);
	}
	screen_text(&screen, STYLE_BOLD, span_of(common->output), 0, false);
	screen_addf(&screen, STYLE_PLAIN, "\n  %zu facts from %zu audit records\n",
		evidence_count(evidence), evidence_records(evidence));
	for (size_t i = 0; i < count; i++) {
		screen_addf(&screen, STYLE_PLAIN, "  ");
		screen_text(&screen, STYLE_CYAN, span_of(identities[i].writer.server), 15, true);
		screen_addf(&screen, STYLE_PLAIN, " %6llu facts, %5llu objects, %s to %.8s\n",
			(unsigned long long)identities[i].facts,
			(unsigned long long)identities[i].objects,
			screen_time(identities[i].first_ms, first),
			screen_time(identities[i].last_ms, last) + 11);
	}
	return screen_give(&screen, &to_screen, err);
}

/* The log trails what happened by some minutes (contract 4.2): what is younger may lack its end. */
static void warn_of_fresh_writes(struct evidence *evidence, int64_t now_ms)
{
	size_t count;
	const struct sync_identity *identities = evidence_identities(evidence, &count);

	for (size_t i = 0; i < count; i++) {
		if (identities[i].last_ms > now_ms - LOG_TRAILS_MS)
			progress_warn(talk(),
				"%s wrote less than ten minutes ago; the log may not hold all of it yet: "
				"collect again later",
				identities[i].writer.server);
	}
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

static bool collect(
	const struct evidence_arguments *arguments, struct session *session, struct error *err)
{
	struct graph_organization organization;
	struct evidence_header header = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = NULL;
	int64_t now;

	if (!graph_organization(session->graph, &organization, err))
		return false;
	now = graph_service_time_ms(session->graph);
	memcpy(header.tenant, organization.id, sizeof(header.tenant));
	header.collected_ms = now;
	header.until_ms = now;
	header.from_ms = now - (int64_t)DEFAULT_DAYS * 86400000;
	if (arguments->from && !moment_parse(arguments->from, now, &header.from_ms, err))
		return error_prefix(err, "--from");
	if (arguments->until && !moment_parse(arguments->until, now, &header.until_ms, err))
		return error_prefix(err, "--until");
	if (header.from_ms >= header.until_ms)
		return error_set(err, ERROR_USAGE,
			"evidence: the window is empty: --from is not before --until");
	/* What the log will still receive about that time can't be claimed as covered (contract 4.2). */
	if (header.until_ms > now)
		header.until_ms = now;
	evidence = evidence_new(&header);
	if (!graph_audits(
		    session->graph, header.from_ms, header.until_ms, add_record, evidence, err))
		return false;
	talk_end();
	narrow_to_what_was_kept(evidence, &header, now);
	warn_of_fresh_writes(evidence, now);
	return evidence_save(evidence, arguments->common.output, err) &&
		tell(evidence, &arguments->common, err);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct evidence_arguments *evidence = arguments;
	CLEANUP(session_closep) struct session *session = NULL;

	(void)operands;
	(void)operand_count;
	if (!evidence->common.output) {
		error_set(err, ERROR_USAGE, "evidence: say where it goes: --output FILE.jsonl");
		return -1;
	}
	session = session_open(evidence->common.profile, err);
	return session && collect(evidence, session, err) ? 0 : -1;
}

static const struct option options[] = {
	{ "from", 'f', OPTION_TEXT, "WHEN", "begin of the window; 7 days ago unless said",
		offsetof(struct evidence_arguments, from) },
	{ "until", 'u', OPTION_TEXT, "WHEN", "its end; now unless said",
		offsetof(struct evidence_arguments, until) },
	OPTION_OUTPUT(struct evidence_arguments),
	OPTIONS_COMMON(struct evidence_arguments),
	{ 0 },
};

const struct command command_evidence = {
	.name = "evidence",
	.summary = "collect who wrote what from the audit log",
	.details =
		"The window should begin when the production snapshot was taken and end after the\n"
		"live one: a value is only put back where the evidence leaves no time uncovered.\n"
		"The log is complete about ten minutes behind; collect again if the export is\n"
		"younger than that. WHEN is 2026-03-04, 2026-03-04T02:00:00Z, or 36h, 7d before\n"
		"now.\n",
	.options = options,
	.arguments_size = sizeof(struct evidence_arguments),
	.run = run,
};
