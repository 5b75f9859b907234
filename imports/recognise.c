/*
 * Which file is which. People give what they have at hand, so the ones that look alike and are of no
 * use are known too, with what to give instead.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/scan.h"
#include "imports/encoding.h"
#include "imports/imports.h"
#include "imports/xml.h"

enum { BEGINNING_MAX = 256 << 10 };

/* By the first element of XML, and by a member of the first object of JSON. */
static const struct mark {
	const char *name;
	enum import_type type;
	const char *instead; /* NULL: it is read */
} elements[] = {
	{ "cs-objects", IMPORT_SPACE, NULL },
	{ "run-history", IMPORT_RUNS_XML, NULL },
	{ "synchronization-errors", IMPORT_RUNS_XML, NULL },
	{ "saved-mv-configuration", IMPORT_CONFIGURATION,
		"a part of a server configuration; give the folder that it came in" },
	{ "ma-data", IMPORT_CONFIGURATION,
		"a part of a server configuration; give the folder that it came in" },
	{ "synchronizationRule", IMPORT_CONFIGURATION,
		"a part of a server configuration; give the folder that it came in" },
	{ "cs-object", IMPORT_SPACE,
		"one object of a connector space; make the whole with: csexport CONNECTOR FILE.xml" },
	{ "Objs", IMPORT_RUNS_JSON,
		"what Export-Clixml writes; write run histories with: ConvertTo-Json -Depth 6" },
}, members[] = {
	{ "RunHistoryId", IMPORT_RUNS_JSON, NULL },
	{ "SerializedXml", IMPORT_SPACE,
		"from Get-ADSyncCSObject; make the whole space with: csexport CONNECTOR FILE.xml" },
	{ "SyncCycleEnabled", IMPORT_CONFIGURATION,
		"from Get-ADSyncScheduler; give the folder of: Get-ADSyncServerConfiguration -Path FOLDER" },
	{ "InstanceId", IMPORT_CONFIGURATION,
		"from Get-ADSyncGlobalSettings; give the folder of: Get-ADSyncServerConfiguration -Path FOLDER" },
	{ "ExportAdds", IMPORT_RUNS_JSON,
		"from Get-ADSyncConnectorStatistics; what was sent is told by Get-ADSyncRunProfileResult "
		"and Get-ADSyncRunStepResult" },
	{ "format", IMPORT_RUNS_JSON,
		"a file of ours; evidence is given with --evidence" },
};

static const char unknown[] =
	"no file of a sync server that is known: a connector space (csexport), a run history "
	"(ConvertTo-Json of Get-ADSyncRunProfileResult or Get-ADSyncRunStepResult, or WMI's XML), or "
	"the folder of Get-ADSyncServerConfiguration";

static bool decide(
	const struct mark *mark, const char *path, enum import_type *type, struct error *err)
{
	if (mark->instead)
		return error_set(err, ERROR_FORMAT, "%s: %s", path, mark->instead);
	*type = mark->type;
	return true;
}

/* ---- XML ---------------------------------------------------------------------------------- */

static bool first_element(void *context, unsigned depth, const char *name,
	const char *const *attributes, struct error *err)
{
	const struct mark **found = context;

	(void)depth, (void)attributes, (void)err;
	for (size_t i = 0; i < COUNT_OF(elements); i++)
		if (strcmp(name, elements[i].name) == 0)
			*found = &elements[i];
	return false; /* seen enough */
}

static bool pass_end(
	void *context, unsigned depth, const char *name, struct span text, struct error *err)
{
	(void)context, (void)depth, (void)name, (void)text, (void)err;
	return true;
}

static bool recognise_xml(const char *path, enum import_type *type, struct error *err)
{
	static const struct xml_events events = { .start = first_element, .end = pass_end };
	const struct mark *found = NULL;

	if (!xml_read(path, &events, &found, err))
		return false;
	return found ? decide(found, path, type, err)
		     : error_set(err, ERROR_FORMAT, "%s: %s", path, unknown);
}

/* ---- JSON --------------------------------------------------------------------------------- */

/*
 * Of a large first object only the beginning is here, and it need not be JSON: it is enough that a
 * name stands in it as a key does.
 */
static bool recognise_json(
	struct span beginning, const char *path, enum import_type *type, struct error *err)
{
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		char key[32];
		int length = snprintf(key, sizeof(key), "\"%s\"", members[i].name);

		if (memmem(beginning.data, beginning.length, key, (size_t)length))
			return decide(&members[i], path, type, err);
	}
	return error_set(err, ERROR_FORMAT, "%s: %s", path, unknown);
}

/* ---- any ---------------------------------------------------------------------------------- */

static const char zstd_magic[] = "\x28\xb5\x2f\xfd";

/* A snapshot is no text, so it is looked at before the text is. */
static bool is_snapshot(const char *path)
{
	char magic[sizeof(zstd_magic) - 1] = "";
	FILE *file = fopen(path, "rbe");
	bool is = file && fread(magic, sizeof(magic), 1, file) == 1 &&
		memcmp(magic, zstd_magic, sizeof(magic)) == 0;

	if (file)
		fclose(file);
	return is;
}

static bool recognise_text(const char *path, enum import_type *type, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(BEGINNING_MAX);
	CLEANUP(text_file_closep) struct text_file *file = text_file_open(path, err);
	struct span beginning;
	bool ended;

	if (!file || !text_file_read(file, &text, &ended, err))
		return false;
	beginning = scan_trim(buf_span(&text));
	if (!beginning.length)
		return error_set(err, ERROR_FORMAT, "%s: is empty", path);
	if (beginning.data[0] == '<')
		return recognise_xml(path, type, err);
	if (beginning.data[0] == '{' || beginning.data[0] == '[')
		return recognise_json(beginning, path, type, err);
	return error_set(err, ERROR_FORMAT, "%s: %s", path, unknown);
}

bool import_recognise(const char *path, enum import_type *type, struct error *err)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return error_errno(err, "%s: can't open", path);
	if (S_ISDIR(status.st_mode)) {
		*type = IMPORT_CONFIGURATION;
		return configuration_is_there(path) ||
			error_set(err, ERROR_FORMAT,
				"%s: a folder, but not that of Get-ADSyncServerConfiguration",
				path);
	}
	if (is_snapshot(path))
		return error_set(
			err, ERROR_FORMAT, "%s: a snapshot; it is given with --live", path);
	return recognise_text(path, type, err);
}
