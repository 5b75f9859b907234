/* unstage snapshot: what the directory is now, into a file. */
#include "base/memory.h"
#include "cli/taking.h"

struct snapshot_arguments {
	struct common common;
	const char *evidence, *from;
};

static bool add_lines(void *context, struct span lines, struct error *err)
{
	return snapshot_writer_add(context, lines, err);
}

static bool remove_object(void *context, const char *id, struct error *err)
{
	return snapshot_writer_remove(context, id, err);
}

/* What was taken, from the file as it lies on disk now. */
static bool tell(const char *path, const struct common *common, struct error *err)
{
	struct common to_screen = { .json = common->json };
	CLEANUP(snapshot_closep) struct snapshot *snapshot = snapshot_open(path, err);
	CLEANUP(screen_release) struct screen screen;
	const struct snapshot_header *header;
	char from[TIME_TEXT_BYTES];

	screen_init(&screen, &to_screen);
	if (!snapshot)
		return false;
	header = snapshot_header(snapshot);
	if (common->json) {
		screen_addf(&screen, STYLE_PLAIN,
			"{\"format\":\"unstage-snapshot-taken/1\",\"identity\":\"%s\",\"users\":%llu,"
			"\"groups\":%llu,\"contacts\":%llu,\"deleted\":%llu}\n",
			snapshot_identity(snapshot), (unsigned long long)header->objects[KIND_USER],
			(unsigned long long)header->objects[KIND_GROUP],
			(unsigned long long)header->objects[KIND_CONTACT],
			(unsigned long long)header->deleted);
		return screen_give(&screen, &to_screen, err);
	}
	screen_text(&screen, STYLE_BOLD, span_of(path), 0, false);
	screen_addf(&screen, STYLE_PLAIN,
		"\n  %llu users, %llu groups, %llu contacts, %llu deleted; taken %s UTC\n"
		"  identity %.16s…\n",
		(unsigned long long)header->objects[KIND_USER],
		(unsigned long long)header->objects[KIND_GROUP],
		(unsigned long long)header->objects[KIND_CONTACT],
		(unsigned long long)header->deleted, screen_time(header->taken_from_ms, from),
		snapshot_identity(snapshot));
	return screen_give(&screen, &to_screen, err);
}

/*
 * Reads the directory and, where wanted, the audit log beside it; then what the log received
 * meanwhile, so that evidence and snapshot end together.
 */
static bool read_all(struct session *session, struct snapshot_writer *writer,
	struct evidence *evidence, struct error *err)
{
	CLEANUP(graph_links_release) struct graph_links links = { { NULL } };
	const struct graph_taker taker = { add_lines, remove_object, writer };
	struct graph_audit_window window = { .record = evidence_take_record, .context = evidence };
	int64_t until_ms;

	if (!evidence)
		return graph_collect(session->graph, &taker, NULL, &links, err);
	window.from_ms = evidence_header(evidence)->from_ms;
	window.until_ms = evidence_header(evidence)->until_ms;
	if (!graph_collect(session->graph, &taker, &window, &links, err))
		return false;
	until_ms = graph_service_time_ms(session->graph);
	if (!graph_audits(
		    session->graph, window.until_ms, until_ms, evidence_take_record, evidence, err))
		return false;
	evidence_cover_until(evidence, until_ms);
	return true;
}

static bool take(
	struct session *session, const struct snapshot_arguments *arguments, struct error *err)
{
	struct graph_organization organization;
	char source[] = "graph";
	struct snapshot_header header = { .source = source };
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = NULL;
	CLEANUP(evidence_freep) struct evidence *evidence = NULL;

	if (!graph_organization(session->graph, &organization, err))
		return false;
	header.tenant = organization.id;
	header.cloud = session->profile->cloud;
	header.taken_from_ms = graph_service_time_ms(session->graph);
	if (arguments->evidence)
		evidence = evidence_begin(
			session->graph, organization.id, arguments->from, NULL, err);
	if (arguments->evidence && !evidence)
		return false;
	writer = snapshot_writer_open(arguments->common.output, &header, err);
	if (!writer || !read_all(session, writer, evidence, err) ||
		!snapshot_writer_finish(TAKE(writer), graph_service_time_ms(session->graph), err))
		return false;
	talk_end();
	return !evidence || evidence_end(evidence, arguments->evidence, err);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct snapshot_arguments *snapshot = arguments;
	CLEANUP(session_closep) struct session *session = NULL;

	(void)operands;
	(void)operand_count;
	if (!snapshot->common.output) {
		error_set(err, ERROR_USAGE, "snapshot: say where it goes: --output FILE.jsonl.zst");
		return -1;
	}
	if (snapshot->from && !snapshot->evidence) {
		error_set(err, ERROR_USAGE,
			"snapshot: --from is for the audit log; add --evidence FILE");
		return -1;
	}
	session = session_open(snapshot->common.profile, err);
	if (!session || !take(session, snapshot, err))
		return -1;
	talk_end();
	return tell(snapshot->common.output, &snapshot->common, err) ? 0 : -1;
}

static const struct option options[] = {
	{ "evidence", 'e', OPTION_TEXT, "FILE", "collect the audit log beside it, into this file",
		offsetof(struct snapshot_arguments, evidence) },
	{ "from", 'f', OPTION_TEXT, "WHEN", "begin of its window; 7 days ago unless said",
		offsetof(struct snapshot_arguments, from) },
	OPTION_OUTPUT(struct snapshot_arguments),
	OPTIONS_COMMON(struct snapshot_arguments),
	{ 0 },
};

const struct command command_snapshot = {
	.name = "snapshot",
	.summary = "take a snapshot of the directory",
	.details = "Reads users, groups, contacts, memberships and deleted items over Microsoft\n"
		   "Graph into one file, which `zstdcat FILE | jq` reads too. It appears whole or\n"
		   "not at all.\n"
		   "\n"
		   "With --evidence the audit log is read at the same time, up to the moment when\n"
		   "the snapshot is done: what `unstage evidence` would collect after it.\n",
	.options = options,
	.arguments_size = sizeof(struct snapshot_arguments),
	.run = run,
};
