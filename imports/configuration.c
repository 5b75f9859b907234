/*
 * A server's configuration as a folder of XML files: found, read one by one, and turned into one
 * question: does this server flow that attribute? What it does not flow it never heals (facts 7.4).
 */
#include "imports/configuration_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"

/* What lies in the folder. Windows does not care about capitals, and an archive may change them. */
static const struct part {
	const char *folder, *start; /* of the names that are read */
	bool (*read)(struct configuration *configuration, const char *path, struct error *err);
} parts[] = {
	{ "GlobalSettings", "MV.xml", configuration_read_settings },
	{ "Connectors", "Connector_", configuration_read_connector },
	{ "SynchronizationRules", "SynchronizationRule_", configuration_read_rule },
};

void configuration_free(struct configuration *configuration)
{
	if (!configuration)
		return;
	memory_free(configuration->flows);
	memory_free(configuration->names);
	kept_release(&configuration->kept);
	memory_free(configuration);
}

/* ---- the folder --------------------------------------------------------------------------- */

struct names {
	char **names;
	size_t count, capacity;
};

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		memory_free(names->names[i]);
	memory_free(names->names);
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool starts(const char *name, const char *start)
{
	return strncasecmp(name, start, strlen(start)) == 0;
}

/* Of a folder, sorted: those that begin like `start`. A folder that is not there has none. */
static bool list_names(
	struct names *names, const char *folder, const char *start, struct error *err)
{
	DIR *listing = opendir(folder);
	struct dirent *entry;

	if (!listing)
		return (errno == ENOENT || errno == ENOTDIR) ||
			error_errno(err, "%s: can't open", folder);
	while ((entry = readdir(listing)) && names->count <= RULES_MAX) {
		if (!starts(entry->d_name, start))
			continue;
		MEMORY_GROW(names->names, names->count, names->capacity);
		names->names[names->count++] = memory_text(entry->d_name);
	}
	closedir(listing);
	if (names->count > RULES_MAX)
		return error_set(err, ERROR_FORMAT, "%s: more than %d files", folder, RULES_MAX);
	if (names->count)
		qsort(names->names, names->count, sizeof(*names->names), compare_names);
	return true;
}

/* "folder/Connectors", however it is spelled; NULL: there is none. */
static bool find_part(const char *folder, const struct part *part, char **path, struct error *err)
{
	CLEANUP(names_release) struct names names = { 0 };

	*path = NULL;
	if (!list_names(&names, folder, part->folder, err))
		return false;
	for (size_t i = 0; i < names.count && !*path; i++)
		if (strcasecmp(names.names[i], part->folder) == 0)
			*path = file_path(folder, names.names[i]);
	return true;
}

static bool read_part(struct configuration *configuration, const char *folder,
	const struct part *part, size_t *found, struct error *err)
{
	CLEANUP(memory_freep) char *path = NULL;
	CLEANUP(names_release) struct names names = { 0 };

	if (!find_part(folder, part, &path, err))
		return false;
	if (!path)
		return true;
	if (!list_names(&names, path, part->start, err))
		return false;
	for (size_t i = 0; i < names.count; i++) {
		CLEANUP(memory_freep) char *file = file_path(path, names.names[i]);

		if (!part->read(configuration, file, err))
			return false;
	}
	*found += names.count;
	return true;
}

bool configuration_is_there(const char *folder)
{
	struct error ignored = { 0 };

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		CLEANUP(memory_freep) char *path = NULL;

		if (find_part(folder, &parts[i], &path, &ignored) && path)
			return true;
	}
	return false;
}

/* ---- flows -------------------------------------------------------------------------------- */

static int compare_flows(const void *left, const void *right)
{
	const struct flow *a = left, *b = right;
	int order = (int)a->kind - (int)b->kind;

	if (!order)
		order = strcmp(a->name, b->name);
	if (!order)
		order = (a->precedence > b->precedence) - (a->precedence < b->precedence);
	return order ? order : strcmp(a->rule, b->rule);
}

/* Each name of a kind once; the flows are sorted. */
static void list_flow_names(struct configuration *configuration)
{
	size_t count = 0, at = 0;

	configuration->names = memory_array(
		configuration->flow_count + KIND_COUNT, sizeof(const char *));
	for (size_t kind = 0; kind < KIND_COUNT; kind++) {
		configuration->first_name[kind] = count;
		for (; at < configuration->flow_count &&
			configuration->flows[at].kind == (enum kind_id)kind;
			at++) {
			const char *name = configuration->flows[at].name;

			if (count > configuration->first_name[kind] &&
				strcmp(configuration->names[count - 1], name) == 0)
				continue;
			configuration->names[count++] = name;
		}
		configuration->kind_known[kind] = count > configuration->first_name[kind];
		configuration->names[count++] = NULL;
	}
}

void configuration_settle(struct configuration *configuration)
{
	if (configuration->flow_count)
		qsort(configuration->flows, configuration->flow_count,
			sizeof(*configuration->flows), compare_flows);
	list_flow_names(configuration);
}

struct configuration *configuration_load(const char *folder, struct error *err)
{
	CLEANUP(configuration_freep)
	struct configuration *configuration = memory_new(sizeof(*configuration));
	size_t found = 0;

	configuration->summary.exported_ms = TIME_NONE;
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (!read_part(configuration, folder, &parts[i], &found, err))
			return NULL;
	if (!found) {
		error_set(err, ERROR_FORMAT,
			"%s: no server configuration: it has no GlobalSettings/MV.xml, no "
			"Connectors/Connector_*.xml and no SynchronizationRules; make it with: "
			"Get-ADSyncServerConfiguration -Path FOLDER",
			folder);
		return NULL;
	}
	configuration_settle(configuration);
	return TAKE(configuration);
}

/* ---- looking ------------------------------------------------------------------------------ */

const struct configuration_summary *configuration_summary(const struct configuration *configuration)
{
	return &configuration->summary;
}

const struct flow *configuration_flows(const struct configuration *configuration, size_t *count)
{
	*count = configuration->flow_count;
	return configuration->flows;
}

const struct flow *configuration_flow(const struct configuration *configuration, enum kind_id kind,
	const struct attribute *attribute)
{
	for (size_t i = 0; i < configuration->flow_count; i++)
		if (configuration->flows[i].kind == kind &&
			configuration->flows[i].attribute == attribute)
			return &configuration->flows[i];
	return NULL;
}

struct space_flows configuration_space_flows(const struct configuration *configuration)
{
	struct space_flows flows = { 0 };

	for (size_t kind = 0; kind < KIND_COUNT; kind++)
		if (configuration->kind_known[kind])
			flows.names[kind] = configuration->names + configuration->first_name[kind];
	return flows;
}

bool configuration_add_to(const struct configuration *configuration, const char *server,
	struct evidence *evidence, struct error *err)
{
	for (size_t i = 0; i < configuration->flow_count; i++) {
		const struct evidence_flow flow = {
			.server = server,
			.exported_ms = configuration->summary.exported_ms,
			.kind = configuration->flows[i].kind,
			.name = configuration->flows[i].name,
		};

		if (!evidence_add_flow(evidence, &flow, err))
			return false;
	}
	return true;
}

const char *setting_name(enum setting setting)
{
	static const char *const names[] = {
		[SETTING_UNKNOWN] = "unknown",
		[SETTING_OFF] = "off",
		[SETTING_ON] = "on",
	};

	return names[setting];
}

const char *flow_type_name(enum flow_type type)
{
	static const char *const names[] = {
		[FLOW_DIRECT] = "direct",
		[FLOW_EXPRESSION] = "expression",
		[FLOW_CONSTANT] = "constant",
	};

	return names[type];
}
