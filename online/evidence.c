/* unstage evidence: who wrote what in a window of time, all writers, into a file. */
#include <string.h>

#include "online/taking.h"

struct evidence_arguments {
	struct common common;
	const char *from, *until;
};

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
		screen_text(&screen, STYLE_CYAN,
			span_of(identities[i].writer.server ? identities[i].writer.server
							    : identities[i].writer.name),
			15, true);
		screen_addf(&screen, STYLE_PLAIN, " %6llu facts, %5llu objects, %s to %.8s\n",
			(unsigned long long)identities[i].facts,
			(unsigned long long)identities[i].objects,
			screen_time(identities[i].first_ms, first),
			screen_time(identities[i].last_ms, last) + 11);
	}
	return screen_give(&screen, &to_screen, err);
}

static bool collect(
	const struct evidence_arguments *arguments, struct session *session, struct error *err)
{
	struct graph_organization organization;
	CLEANUP(evidence_freep) struct evidence *evidence = NULL;
	const struct evidence_header *header;

	if (!graph_organization(session->graph, &organization, err))
		return false;
	evidence = evidence_begin(
		session->graph, organization.id, arguments->from, arguments->until, err);
	if (!evidence)
		return false;
	header = evidence_header(evidence);
	if (!graph_audits(session->graph, header->from_ms, header->until_ms, evidence_take_record,
		    evidence, err))
		return false;
	talk_end();
	return evidence_end(evidence, arguments->common.output, err) &&
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
	.details =
		"The window should begin when the production snapshot was taken and end after the\n"
		"live one: a value is only put back where the evidence leaves no time uncovered.\n"
		"The log trails by ten minutes, so the last ten are not claimed as covered:\n"
		"collect ten minutes after the live snapshot. WHEN is 2026-03-04,\n"
		"2026-03-04T02:00:00Z, or 36h, 7d before now.\n",
	.options = options,
	.arguments_size = sizeof(struct evidence_arguments),
	.run = run,
};
