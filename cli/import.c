/*
 * unstage import: one sync server's own files, into evidence and a base snapshot. Which file is which
 * is seen by what is in it; which server they are of is said by its configuration, or by --server.
 *
 * All files are read before anything is written, so a file that is refused leaves nothing behind.
 */
#include "cli/import.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/names.h"

static const char *const role_names[] = {
	[ROLE_UNKNOWN] = "unknown",
	[ROLE_PRODUCTION] = "production",
	[ROLE_STAGING] = "staging",
	[ROLE_DIRECTORY] = "ad",
};

const char *import_role_name(enum import_role role)
{
	return role_names[role];
}

static void import_release(struct import *import)
{
	for (size_t i = 0; i < import->file_count; i++)
		space_report_free(import->files[i].space);
	configuration_free(import->configuration);
	run_history_free(import->runs);
	evidence_free(import->evidence);
	space_ids_free(import->ids);
	snapshot_close(import->live);
	profile_free(import->profile);
}

/* ---- what was given ------------------------------------------------------------------------- */

static bool read_configuration(struct import *import, struct imported_file *file, struct error *err)
{
	if (import->configuration)
		return error_set(err, ERROR_USAGE,
			"%s: a second server configuration; import one server's files at a time, and "
			"compare two with: unstage show FOLDER FOLDER",
			file->path);
	import->configuration = configuration_load(file->path, err);
	return import->configuration != NULL;
}

static bool read_runs_json(struct import *import, struct imported_file *file, struct error *err)
{
	return run_history_add_json(import->runs, file->path, err);
}

static bool read_runs_xml(struct import *import, struct imported_file *file, struct error *err)
{
	return run_history_add_xml(import->runs, file->path, err);
}

/* Spaces come last: what the other files say is needed to read them. */
static bool (*const readers[])(
	struct import *import, struct imported_file *file, struct error *err) = {
	[IMPORT_CONFIGURATION] = read_configuration,
	[IMPORT_RUNS_JSON] = read_runs_json,
	[IMPORT_RUNS_XML] = read_runs_xml,
	[IMPORT_SPACE] = NULL,
};

static bool recognise(
	struct import *import, const char *const *operands, size_t operand_count, struct error *err)
{
	for (size_t i = 0; i < operand_count; i++) {
		import->files[i].path = operands[i];
		if (!import_recognise(operands[i], &import->files[i].type, err))
			return false;
		import->file_count++;
	}
	return true;
}

static bool read_small_files(struct import *import, struct error *err)
{
	import->runs = run_history_new();
	for (size_t i = 0; i < import->file_count; i++) {
		struct imported_file *file = &import->files[i];

		if (readers[file->type] && !readers[file->type](import, file, err))
			return false;
	}
	return run_history_join(import->runs, err);
}

/* ---- whose files these are ------------------------------------------------------------------ */

static bool is_server(const char *name, const char *server)
{
	return name && server && text_compare_caseless(span_of(name), span_of(server)) == 0;
}

static bool settle_server(struct import *import, struct error *err)
{
	const struct configuration_summary *summary = import->configuration
		? configuration_summary(import->configuration)
		: NULL;
	const char *said = import->arguments->server;

	import->server = said;
	if (!summary)
		return true;
	import->account = summary->account;
	if (said && summary->server && !is_server(said, summary->server))
		return error_set(err, ERROR_USAGE,
			"--server says %s, and the configuration is %s's: import one server's files "
			"at a time",
			said, summary->server);
	if (!said)
		import->server = summary->server;
	return true;
}

static bool role_of(const char *word, enum import_role *role, struct error *err)
{
	for (size_t i = ROLE_PRODUCTION; i < COUNT_OF(role_names); i++) {
		if (strcmp(word, role_names[i]) != 0)
			continue;
		*role = (enum import_role)i;
		return true;
	}
	return error_set(
		err, ERROR_USAGE, "--role is production, staging or ad, and not '%s'", word);
}

/*
 * The staging flag comes last: on a server that exported by accident it may be off since.
 */
static bool settle_role(struct import *import, struct error *err)
{
	const struct profile *profile = import->profile;
	enum setting staging = import->configuration
		? configuration_summary(import->configuration)->staging
		: SETTING_UNKNOWN;

	if (import->arguments->role)
		return role_of(import->arguments->role, &import->role, err);
	if (profile && is_server(profile->staging, import->server))
		import->role = ROLE_STAGING;
	else if (profile && is_server(profile->production, import->server))
		import->role = ROLE_PRODUCTION;
	else if (staging != SETTING_UNKNOWN)
		import->role = staging == SETTING_ON ? ROLE_STAGING : ROLE_PRODUCTION;
	return true;
}

/* ---- whose tenant it is --------------------------------------------------------------------- */

static bool agree(struct import *import, const char *tenant, const char *from, struct error *err)
{
	if (!tenant)
		return true;
	if (import->tenant && text_compare_caseless(span_of(import->tenant), span_of(tenant)) != 0)
		return error_set(err, ERROR_REFUSED, "%s is of tenant %s, and not of %s", from,
			tenant, import->tenant);
	if (!import->tenant)
		import->tenant = tenant;
	return true;
}

/* No file of a sync server names its tenant; the live snapshot, evidence and the profile do. */
static bool settle_tenant(struct import *import, const struct evidence *before, struct error *err)
{
	const struct import_arguments *arguments = import->arguments;

	if (import->live &&
		!agree(import, snapshot_header(import->live)->tenant, arguments->live, err))
		return false;
	if (before && !agree(import, evidence_header(before)->tenant, arguments->evidence, err))
		return false;
	if (!import->tenant && import->profile)
		import->tenant = import->profile->tenant;
	if (!import->tenant && (arguments->common.output || arguments->base))
		return error_set(err, ERROR_USAGE,
			"import: no file of a sync server says whose tenant it is of; give --live or "
			"--evidence, or put tenant into the configuration");
	return true;
}

/* Neither runs nor connector spaces name their server, and evidence is of somebody's writes. */
static bool check_server(const struct import *import, struct error *err)
{
	return import->server || (!import->arguments->common.output && !import->arguments->base) ||
		error_set(err, ERROR_USAGE,
			"import: say whose files these are: add the folder of "
			"Get-ADSyncServerConfiguration, or --server NAME");
}

static bool open_evidence(struct import *import, struct error *err)
{
	CLEANUP(evidence_freep) struct evidence *before = NULL;
	struct evidence_header header = { .collected_ms = time_now_ms() };

	if (import->arguments->evidence &&
		!(before = evidence_load(import->arguments->evidence, err)))
		return false;
	if (!settle_tenant(import, before, err))
		return false;
	/* Of nobody's tenant is what is only shown. */
	snprintf(header.tenant, sizeof(header.tenant), "%s",
		import->tenant ? import->tenant : "00000000-0000-0000-0000-000000000000");
	import->evidence = evidence_new(&header);
	if (before && !evidence_merge(import->evidence, before, err))
		return false;
	import->tenant = import->tenant ? evidence_header(import->evidence)->tenant : NULL;
	import->facts_before = evidence_count(import->evidence);
	return true;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static bool has_runs(const struct import *import)
{
	for (size_t i = 0; i < import->file_count; i++)
		if (import->files[i].type == IMPORT_RUNS_JSON ||
			import->files[i].type == IMPORT_RUNS_XML)
			return true;
	return false;
}

static bool add_runs(struct import *import, struct error *err)
{
	const struct run_import whose = {
		.server = import->server,
		.identity = import->account,
		.ids = import->ids,
		.live = import->live,
	};

	return !has_runs(import) ||
		run_history_add_to(import->runs, import->evidence, &whose, &import->refusals, err);
}

/* What the production server flows decides what heals by itself; a staging server's rules heal nothing. */
static bool add_flows(struct import *import, struct error *err)
{
	return !import->configuration || import->role != ROLE_PRODUCTION ||
		configuration_add_to(import->configuration, import->server, import->evidence, err);
}

static bool read_all(
	struct import *import, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct import_arguments *arguments = import->arguments;

	if (!recognise(import, operands, operand_count, err))
		return false;
	if (arguments->live &&
		!(import->live = names_open(arguments->live, arguments->common.profile, err)))
		return false;
	import->ids = space_ids_new(import->live);
	return read_small_files(import, err) && settle_server(import, err) &&
		settle_role(import, err) && check_server(import, err) &&
		open_evidence(import, err) && import_spaces(import, err) && add_runs(import, err) &&
		add_flows(import, err);
}

static bool tell(const struct import *import, struct error *err)
{
	struct common to_screen = { .json = import->arguments->common.json };
	CLEANUP(screen_release) struct screen screen;

	screen_init(&screen, &to_screen);
	if (to_screen.json)
		import_add_json(&screen, import);
	else
		import_show(&screen, import);
	return screen_give(&screen, &to_screen, err);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	CLEANUP(import_release)
	struct import import = { .arguments = arguments };
	const struct common *common = &import.arguments->common;

	if (!profile_load_if_any(&import.profile, common->profile, err) ||
		!read_all(&import, operands, operand_count, err))
		return -1;
	if (common->output && !evidence_save(import.evidence, common->output, err))
		return -1;
	return tell(&import, err) ? 0 : -1;
}

static const struct option options[] = {
	{ "role", 'r', OPTION_TEXT, "ROLE", "production, staging, or ad (of an AD connector)",
		offsetof(struct import_arguments, role) },
	{ "server", 's', OPTION_TEXT, "NAME", "whose files these are; else its configuration says",
		offsetof(struct import_arguments, server) },
	{ "live", 'l', OPTION_TEXT, "LIVE", "snapshot that tells who is who and whose it is",
		offsetof(struct import_arguments, live) },
	{ "evidence", 'e', OPTION_TEXT, "EVIDENCE", "evidence to which this is added",
		offsetof(struct import_arguments, evidence) },
	{ "output", 'o', OPTION_TEXT, "FILE", "write all evidence there, whole or not at all",
		offsetof(struct import_arguments, common.output) },
	{ "base", 'b', OPTION_TEXT, "FILE", "write production's space as a snapshot there",
		offsetof(struct import_arguments, base) },
	{ "taken", 't', OPTION_TEXT, "WHEN", "of that snapshot; else the space's last import",
		offsetof(struct import_arguments, taken) },
	{ "incident", 'i', OPTION_TEXT, "WHEN",
		"when it began; else the other server's first export",
		offsetof(struct import_arguments, incident) },
	{ "at", 'a', OPTION_TEXT, "WHEN", "when undated writes left; else the last export",
		offsetof(struct import_arguments, at) },
	{ "all-pending", 0, OPTION_FLAG, NULL, "the space is whole, though all of it is pending",
		offsetof(struct import_arguments, all_pending) },
	OPTIONS_COMMON(struct import_arguments),
	{ 0 },
};

const struct command command_import = {
	.name = "import",
	.operands = "FILE|FOLDER...",
	.operands_least = 1,
	.operands_most = OPERANDS_MAX,
	.details = "The files of ONE server, recognised by what is in them:\n"
		   "  connector space  csexport's XML, of all objects: no /f:, no /o:\n"
		   "  run history      ConvertTo-Json of Get-ADSyncRunProfileResult and of\n"
		   "                   Get-ADSyncRunStepResult, or WMI's XML\n"
		   "  configuration    the folder of Get-ADSyncServerConfiguration\n"
		   "docs/IMPORTS.md has the lines to make them with. Without --output nothing\n"
		   "is written and what was found is told.\n",
	.options = options,
	.arguments_size = sizeof(struct import_arguments),
	.run = run,
};
