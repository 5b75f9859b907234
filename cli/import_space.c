/*
 * Connector spaces: the last of an import's files, since reading them needs what the others say: whose
 * they are, when an export left, what the server flows.
 */
#include <string.h>

#include "base/memory.h"
#include "cli/import.h"

static const enum space_role space_roles[] = {
	[ROLE_PRODUCTION] = SPACE_PRODUCTION,
	[ROLE_STAGING] = SPACE_STAGING,
	[ROLE_DIRECTORY] = SPACE_DIRECTORY,
};

/* ---- what was said about times --------------------------------------------------------------- */

static bool moment_of(const char *option, const char *text, int64_t *ms, struct error *err)
{
	return !text || moment_parse(text, time_now_ms(), ms, err) ||
		error_prefix(err, "%s", option);
}

/*
 * When the staging server's exports began, as far as evidence tells: of another server than the one
 * whose files these are.
 */
static int64_t incident_of(const struct import *import)
{
	size_t count;
	const struct evidence_run *runs = evidence_runs(import->evidence, &count);

	for (size_t i = 0; i < count; i++)
		if (runs[i].cloud && runs[i].start_ms && runs[i].server &&
			(!import->server || strcmp(runs[i].server, import->server) != 0))
			return runs[i].start_ms;
	return TIME_NONE;
}

static bool settle_times(const struct import *import, struct space_import *space, int64_t *taken_ms,
	struct error *err)
{
	const struct import_arguments *arguments = import->arguments;

	*taken_ms = TIME_NONE;
	space->written_ms = run_history_summary(import->runs)->window_until_ms;
	space->incident_ms = incident_of(import);
	return moment_of("--taken", arguments->taken, taken_ms, err) &&
		moment_of("--at", arguments->at, &space->written_ms, err) &&
		moment_of("--incident", arguments->incident, &space->incident_ms, err);
}

/* ---- the base snapshot ------------------------------------------------------------------------ */

static struct imported_file *first_space(struct import *import)
{
	for (size_t i = 0; i < import->file_count; i++)
		if (import->files[i].type == IMPORT_SPACE)
			return &import->files[i];
	return NULL;
}

static bool check_base(struct import *import, struct error *err)
{
	size_t spaces = 0;

	if (!import->arguments->base)
		return true;
	for (size_t i = 0; i < import->file_count; i++)
		spaces += import->files[i].type == IMPORT_SPACE;
	if (import->role != ROLE_PRODUCTION || spaces != 1)
		return error_set(err, ERROR_USAGE,
			"--base is made of one connector space of the production server; here %zu of "
			"role %s",
			spaces, import_role_name(import->role));
	return true;
}

static struct snapshot_writer *open_base(const struct import *import, struct error *err)
{
	struct snapshot_writer *base;
	char source[] = SNAPSHOT_CSEXPORT, global[] = "global";
	CLEANUP(memory_freep) char *tenant = memory_text(import->tenant);
	char *cloud = import->live                          ? snapshot_header(import->live)->cloud
		: import->profile && import->profile->cloud ? import->profile->cloud
							    : global;
	const struct snapshot_header header = {
		.tenant = tenant,
		.cloud = cloud,
		.source = source,
	};

	base = snapshot_writer_open(import->arguments->base, &header, err);
	/* No secret is in this process. */
	if (base)
		snapshot_writer_use_workers(base, snapshot_workers());
	return base;
}

/* A base is as old as the last import that its file tells of, unless --taken says it. */
static bool settle_taken(struct import *import, int64_t taken_ms, struct error *err)
{
	const struct imported_file *file = first_space(import);

	import->taken_ms = taken_ms == TIME_NONE ? file->space->imported_ms : taken_ms;
	return import->taken_ms != TIME_NONE ||
		error_set(err, ERROR_USAGE,
			"%s: no object says when it was imported; say it: --taken WHEN",
			file->path);
}

/* ---- all of them ------------------------------------------------------------------------------ */

static bool import_file(struct imported_file *file, struct space_import *space, struct error *err)
{
	space->path = file->path;
	file->space = space_import(space, err);
	return file->space != NULL;
}

static bool import_all(struct import *import, struct space_import *space, struct error *err)
{
	for (size_t i = 0; i < import->file_count; i++)
		if (import->files[i].type == IMPORT_SPACE &&
			!import_file(&import->files[i], space, err))
			return false;
	return true;
}

static bool import_with_base(
	struct import *import, struct space_import *space, int64_t taken_ms, struct error *err)
{
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *base = NULL;

	base = open_base(import, err);
	if (!base)
		return false;
	space->base = base;
	return import_all(import, space, err) && settle_taken(import, taken_ms, err) &&
		snapshot_writer_taken_from(base, import->taken_ms, err) &&
		snapshot_writer_finish(TAKE(base), import->taken_ms, err);
}

bool import_spaces(struct import *import, struct error *err)
{
	struct space_flows flows = { { NULL } };
	const struct writer who = { .name = import->account, .server = import->server };
	struct space_import space = { .evidence = import->evidence,
		.who = &who,
		.made_ms = TIME_NONE,
		.all_pending = import->arguments->all_pending };
	int64_t taken_ms;

	if (!check_base(import, err))
		return false;
	if (!first_space(import))
		return true;
	if (import->role == ROLE_UNKNOWN)
		return error_set(err, ERROR_USAGE,
			"import: say what the server is, to read its connector space: --role "
			"production or staging, or ad for the space of an Active Directory connector");
	if (!settle_times(import, &space, &taken_ms, err))
		return false;
	space.role = space_roles[import->role];
	space.ids = import->ids;
	if (import->configuration && configuration_summary(import->configuration)->rules) {
		flows = configuration_space_flows(import->configuration);
		space.flows = &flows;
	}
	return import->arguments->base ? import_with_base(import, &space, taken_ms, err)
				       : import_all(import, &space, err);
}
