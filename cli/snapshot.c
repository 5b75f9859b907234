/* unstage snapshot: what the directory is now, into a file. */
#include "base/memory.h"
#include "cli/cli.h"

struct snapshot_arguments {
	struct common common;
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

static bool take(struct session *session, const char *path, struct error *err)
{
	struct graph_organization organization;
	char source[] = "graph";
	struct snapshot_header header = { .source = source };
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = NULL;
	CLEANUP(graph_links_release) struct graph_links links = { { NULL } };
	struct graph_taker taker = { add_lines, remove_object, NULL };

	if (!graph_organization(session->graph, &organization, err))
		return false;
	header.tenant = organization.id;
	header.cloud = session->profile->cloud;
	header.taken_from_ms = graph_service_time_ms(session->graph);
	writer = snapshot_writer_open(path, &header, err);
	taker.context = writer;
	if (!writer || !graph_collect(session->graph, &taker, &links, err))
		return false;
	return snapshot_writer_finish(TAKE(writer), graph_service_time_ms(session->graph), err);
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
	session = session_open(snapshot->common.profile, err);
	if (!session || !take(session, snapshot->common.output, err))
		return -1;
	talk_end();
	return tell(snapshot->common.output, &snapshot->common, err) ? 0 : -1;
}

static const struct option options[] = {
	OPTION_OUTPUT(struct snapshot_arguments),
	OPTIONS_COMMON(struct snapshot_arguments),
	{ 0 },
};

const struct command command_snapshot = {
	.name = "snapshot",
	.summary = "take a snapshot of the directory",
	.details = "Reads users, groups, contacts, memberships and deleted items over Microsoft\n"
		   "Graph into one file, which `zstdcat FILE | jq` reads too. It appears whole or\n"
		   "not at all.\n",
	.options = options,
	.arguments_size = sizeof(struct snapshot_arguments),
	.run = run,
};
