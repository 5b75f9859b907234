/* unstage snapshot: what the directory is now, into a file or the state folder; and which is good. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/names.h"
#include "online/since.h"
#include "online/taking.h"

/* The one pin there is. */
#define PIN "production"

struct snapshot_arguments {
	struct common common;
	const char *evidence, *from, *pin, *since, *owners_every;
};

/* What was taken, or pinned, from the file as it lies on disk now; `folder`: where a copy is. */
static bool tell(const struct snapshot *snapshot, const struct snapshot_arguments *arguments,
	const char *folder, struct error *err)
{
	struct common to_screen = { .json = arguments->common.json };
	CLEANUP(screen_release) struct screen screen;
	const struct snapshot_header *header = snapshot_header(snapshot);
	const char *path = snapshot_path(snapshot);
	char from[TIME_TEXT_BYTES];

	screen_init(&screen, &to_screen);
	if (to_screen.json) {
		screen_addf(&screen, STYLE_PLAIN,
			"{\"format\":\"unstage-snapshot-taken/1\",\"identity\":\"%s\",\"users\":%llu,"
			"\"groups\":%llu,\"contacts\":%llu,\"deleted\":%llu,\"pinned\":%s}\n",
			snapshot_identity(snapshot), (unsigned long long)header->objects[KIND_USER],
			(unsigned long long)header->objects[KIND_GROUP],
			(unsigned long long)header->objects[KIND_CONTACT],
			(unsigned long long)header->deleted, arguments->pin ? "true" : "false");
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
	if (arguments->pin)
		screen_addf(&screen, STYLE_CYAN, "  pinned as %s%s", PIN,
			folder ? ", a copy of it in " : "\n");
	if (folder) {
		screen_text(&screen, STYLE_CYAN, span_of(folder), 0, false);
		screen_addf(&screen, STYLE_PLAIN, "\n");
	}
	return screen_give(&screen, &to_screen, err);
}

/*
 * Reads the directory and, where wanted, the audit log beside it; then what the log received
 * meanwhile, so that evidence and snapshot end together.
 */
static bool read_all(const struct since *since, struct session *session,
	struct snapshot_writer *writer, struct evidence *evidence, struct error *err)
{
	struct graph_audit_window window = { .record = evidence_take_record, .context = evidence };
	int64_t until_ms;

	if (!evidence)
		return since_read(since, session, writer, NULL, err);
	window.from_ms = evidence_header(evidence)->from_ms;
	window.until_ms = evidence_header(evidence)->until_ms;
	if (!since_read(since, session, writer, &window, err))
		return false;
	until_ms = graph_service_time_ms(session->graph);
	if (!graph_audits(
		    session->graph, window.until_ms, until_ms, evidence_take_record, evidence, err))
		return false;
	evidence_cover_until(evidence, until_ms);
	return true;
}

static bool take(struct session *session, const struct snapshot_arguments *arguments,
	const char *path, struct since *since, struct error *err)
{
	struct graph_organization organization;
	char source[] = "graph";
	struct snapshot_header header = { .source = source };
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = NULL;
	CLEANUP(evidence_freep) struct evidence *evidence = NULL;
	int64_t until_ms;

	if (!graph_organization(session->graph, &organization, err))
		return false;
	header.tenant = organization.id;
	header.cloud = session->profile->cloud;
	header.taken_from_ms = since->now_ms = graph_service_time_ms(session->graph);
	if (arguments->evidence)
		evidence = evidence_begin(
			session->graph, organization.id, arguments->from, NULL, err);
	if (arguments->evidence && !evidence)
		return false;
	writer = snapshot_writer_open(path, &header, err);
	if (!writer || !since_follow_extensions(session, writer, err) ||
		!read_all(since, session, writer, evidence, err))
		return false;
	until_ms = graph_service_time_ms(session->graph);
	/* Nobody is asked any more; and where no secret is left, threads may pack. */
	session_hang_up(session);
	snapshot_writer_use_workers(writer, snapshot_workers());
	if (!snapshot_writer_finish(TAKE(writer), until_ms, err))
		return false;
	talk_end();
	return !evidence || evidence_end(evidence, arguments->evidence, err);
}

/* What was written to `room` gets its name. */
static struct snapshot *keep(struct shelf *shelf, const char *room, struct error *err)
{
	const struct stored *stored = shelf_add(shelf, room, err);

	return stored ? shelf_open_snapshot(shelf, stored, err) : NULL;
}

static const char *owners_every(
	const struct snapshot_arguments *arguments, const struct session *session)
{
	return arguments->owners_every ? arguments->owners_every : session->profile->owners_every;
}

/* Into the file that was named, or into the state folder. */
static struct snapshot *take_anew(const struct snapshot_arguments *arguments, struct error *err)
{
	CLEANUP(session_closep)
	struct session *session = session_open(arguments->common.profile, err);
	const char *output = arguments->common.output;
	CLEANUP(shelf_closep) struct shelf *shelf = NULL;
	CLEANUP(memory_freep) char *room = NULL;
	CLEANUP(snapshot_closep) struct snapshot *previous = NULL;
	struct since since;

	if (!session)
		return NULL;
	if (arguments->since)
		previous = names_open(arguments->since, arguments->common.profile, err);
	if ((arguments->since && !previous) ||
		!since_init(&since, previous, owners_every(arguments, session), err))
		return NULL;
	if (output)
		return take(session, arguments, output, &since, err) ? snapshot_open(output, err)
								     : NULL;
	shelf = shelf_open(session->profile, true, err);
	room = shelf ? shelf_room(shelf) : NULL;
	return shelf && take(session, arguments, room, &since, err) ? keep(shelf, room, err) : NULL;
}

struct snapshot *take_live(const char *word, const char *profile_name, struct error *err)
{
	const struct snapshot_arguments arguments = { .common.profile = profile_name };
	struct snapshot *snapshot = take_anew(&arguments, err);

	talk_end();
	if (!snapshot)
		error_prefix(err, "%s", word);
	return snapshot;
}

static bool check_tenant(
	const struct profile *profile, const struct snapshot *snapshot, struct error *err)
{
	const char *tenant = snapshot_header(snapshot)->tenant;

	/* A profile may name its tenant by a domain, too. */
	return !profile->tenant || !text_is_guid(span_of(profile->tenant)) ||
		text_compare_caseless(span_of(profile->tenant), span_of(tenant)) == 0 ||
		error_set(err, ERROR_REFUSED,
			"%s is of the tenant %s, and [%s] is of %s: name its profile with --profile",
			snapshot_path(snapshot), tenant, profile->name, profile->tenant);
}

/* `folder` receives where the pinned copy is, or NULL when the snapshot is kept itself. */
static bool pin(const struct snapshot_arguments *arguments, const struct snapshot *snapshot,
	char **folder, struct error *err)
{
	CLEANUP(profile_freep)
	struct profile *profile = profile_load(arguments->common.profile, err);
	CLEANUP(shelf_closep) struct shelf *shelf = NULL;
	CLEANUP(memory_freep) char *path = NULL;
	const struct stored *stored;

	if (!profile || !check_tenant(profile, snapshot, err))
		return false;
	shelf = shelf_open(profile, true, err);
	stored = shelf ? shelf_adopt(shelf, snapshot, err) : NULL;
	talk_end();
	if (!stored)
		return false;
	path = shelf_path(shelf, stored);
	if (!shelf_pin(shelf, stored, err))
		return false;
	if (strcmp(path, snapshot_path(snapshot)) != 0)
		*folder = memory_text(shelf_folder(shelf));
	return true;
}

static bool check_arguments(
	const struct snapshot_arguments *snapshot, const char *operand, struct error *err)
{
	if (snapshot->from && !snapshot->evidence)
		return error_set(err, ERROR_USAGE,
			"snapshot: --from is for the audit log; add --evidence FILE");
	if (snapshot->pin && strcmp(snapshot->pin, PIN) != 0)
		return error_set(err, ERROR_USAGE, "snapshot: --pin %s: there is one pin: %s",
			snapshot->pin, PIN);
	if (snapshot->owners_every && !snapshot->since)
		return error_set(err, ERROR_USAGE,
			"snapshot: --owners-every is for --since; without it all is read");
	if (!operand)
		return true;
	if (!snapshot->pin)
		return error_set(err, ERROR_USAGE,
			"snapshot: a SNAPSHOT is named to be pinned: add --pin %s; to take one into a file: "
			"--output FILE.jsonl.zst",
			PIN);
	return (!snapshot->common.output && !snapshot->evidence && !snapshot->since) ||
		error_set(err, ERROR_USAGE,
			"snapshot: with a SNAPSHOT to pin nothing is taken: leave --output, --evidence "
			"and --since out");
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct snapshot_arguments *snapshot_arguments = arguments;
	CLEANUP(snapshot_closep) struct snapshot *snapshot = NULL;
	CLEANUP(memory_freep) char *folder = NULL;

	(void)operand_count;
	if (!check_arguments(snapshot_arguments, operands[0], err))
		return -1;
	snapshot = operands[0] ? names_open(operands[0], snapshot_arguments->common.profile, err)
			       : take_anew(snapshot_arguments, err);
	talk_end();
	if (!snapshot ||
		(snapshot_arguments->pin && !pin(snapshot_arguments, snapshot, &folder, err)))
		return -1;
	return tell(snapshot, snapshot_arguments, folder, err) ? 0 : -1;
}

static const struct option options[] = {
	{ "evidence", 'e', OPTION_TEXT, "FILE", "collect the audit log beside it, into this file",
		offsetof(struct snapshot_arguments, evidence) },
	{ "from", 'f', OPTION_TEXT, "WHEN", "begin of its window; 7 days ago unless said",
		offsetof(struct snapshot_arguments, from) },
	{ "since", 's', OPTION_TEXT, "SNAPSHOT", "read only what changed since this one",
		offsetof(struct snapshot_arguments, since) },
	{ "owners-every", 0, OPTION_TEXT, "TIME",
		"read owners again after it; " RELATIONS_EVERY " unless said",
		offsetof(struct snapshot_arguments, owners_every) },
	{ "pin", 0, OPTION_TEXT, "NAME", "it is the good one now; NAME is production",
		offsetof(struct snapshot_arguments, pin) },
	{ "output", 'o', OPTION_TEXT, "FILE", "write it there, whole or not at all",
		offsetof(struct snapshot_arguments, common.output) },
	OPTIONS_COMMON(struct snapshot_arguments),
	{ 0 },
};

const struct command command_snapshot = {
	.name = "snapshot",
	.operands = "[SNAPSHOT]",
	.operands_most = 1,
	.details =
		"Reads users, groups, contacts, memberships and deleted items over Microsoft\n"
		"Graph into one file, which `zstdcat FILE | jq` reads too. It appears whole or\n"
		"not at all: in the profile's state folder, named by time and identity, or where\n"
		"--output says. What the state folder keeps has names for other commands:\n"
		"production, latest, @WHEN (see unstage find --help). unstage show snapshots\n"
		"lists it, unstage forget thins it out.\n"
		"\n"
		"--pin production makes it the one that `production` stands for, until another is\n"
		"pinned; it is never forgotten. With SNAPSHOT, a file or a name, nothing is taken\n"
		"and that one is pinned; a file from elsewhere is copied into the state folder.\n"
		"\n"
		"With --since only what changed since that snapshot, a file or a name, is read;\n"
		"the result is what a whole read gives. Changes of owners and of isCloudManaged\n"
		"are told by nobody: they are read whole when they are older than\n"
		"--owners-every says (owners_every in the profile). Where Graph has forgotten\n"
		"what changed, after seven days, everything is read.\n"
		"\n"
		"With --evidence the audit log is read at the same time, up to the moment when\n"
		"the snapshot is done: what `unstage evidence` would collect after it.\n",
	.options = options,
	.arguments_size = sizeof(struct snapshot_arguments),
	.run = run,
};
