/* What an administrator collects on a sync server, as files in one folder. */
#include <ctype.h>

#include "base/memory.h"
#include "simulator/runs_show.h"

char *server_guid(const struct simulator *simulator, const char *server, const char *purpose,
	char text[static BRACED_GUID_BYTES])
{
	CLEANUP(buf_release) struct buf whole = BUF_UP_TO(4096);
	char guid[GUID_TEXT_BYTES];

	buf_addf(&whole, "%s %s", server, purpose);
	return braced_guid(simulator_fixed_guid(simulator, buf_text(&whole), guid), text);
}

struct collection {
	struct simulator *simulator;
	const char *server, *folder;
	const struct simulator_files *files;
};

static bool write_space(const struct collection *collection, struct sheet *sheet,
	bool (*write)(struct space_file *file, struct error *err), bool pending_only,
	struct error *err)
{
	struct space_file file = {
		.simulator = collection->simulator,
		.server = collection->server,
		.files = collection->files,
		.sheet = sheet,
		.pending_only = pending_only,
	};

	return write(&file, err);
}

static bool write_all(const struct collection *collection, struct sheet *sheet, struct error *err)
{
	return write_space(collection, sheet, csexport_cloud, false, err);
}

static bool write_pending(
	const struct collection *collection, struct sheet *sheet, struct error *err)
{
	return write_space(collection, sheet, csexport_cloud, true, err);
}

static bool write_directory(
	const struct collection *collection, struct sheet *sheet, struct error *err)
{
	return write_space(collection, sheet, csexport_directory, false, err);
}

static bool write_runs(const struct collection *collection, struct sheet *sheet,
	enum runs_form form, struct error *err)
{
	struct runs_file file = {
		.simulator = collection->simulator,
		.server = collection->server,
		.files = collection->files,
		.sheet = sheet,
		.form = form,
	};

	return runs_show(&file, err);
}

static bool write_history(
	const struct collection *collection, struct sheet *sheet, struct error *err)
{
	return write_runs(collection, sheet, RUNS_HISTORY, err);
}

static bool write_steps(const struct collection *collection, struct sheet *sheet, struct error *err)
{
	return write_runs(collection, sheet, RUNS_STEPS, err);
}

static bool write_details(
	const struct collection *collection, struct sheet *sheet, struct error *err)
{
	return write_runs(collection, sheet, RUNS_XML, err);
}

/* Behind the server's name in lower case: "sync02-all.xml". */
static const struct collected {
	const char *name;
	bool (*write)(const struct collection *collection, struct sheet *sheet, struct error *err);
} all_collected[] = {
	{ "all.xml", write_all },
	{ "pending.xml", write_pending },
	{ "ad.xml", write_directory },
	{ "runs.json", write_history },
	{ "steps.json", write_steps },
	{ "runs.xml", write_details },
};

static bool write_file(
	const struct collection *collection, const struct collected *collected, struct error *err)
{
	CLEANUP(sheet_release) struct sheet sheet = { 0 };
	CLEANUP(memory_freep) char *path = NULL;
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", collection->server, collected->name);
	for (char *at = name; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	path = file_path(collection->folder, name);
	return (sheet_open(&sheet, path, collection->files->wide, err) &&
		       collected->write(collection, &sheet, err) && sheet_close(&sheet, err)) ||
		error_prefix(err, "%s", path);
}

static bool write_files(const struct collection *collection, struct error *err)
{
	CLEANUP(memory_freep) char *configuration = file_path(collection->folder, "configuration");

	/* What the scheduler did meanwhile, it has done when somebody looks. */
	if (!schedule_until(collection->simulator, collection->server,
		    simulator_now_ms(collection->simulator), err) ||
		!file_make_folder(collection->folder, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(all_collected); i++) {
		if (!write_file(collection, &all_collected[i], err))
			return false;
	}
	return configuration_write(
		collection->simulator, collection->server, configuration, collection->files, err);
}

bool simulator_write_server_files(struct simulator *simulator, const char *server,
	const char *folder, const struct simulator_files *files, struct error *err)
{
	static const struct simulator_files usual = { 0 };
	const struct collection collection = {
		.simulator = simulator,
		.server = server,
		.folder = folder,
		.files = files ? files : &usual,
	};
	bool done;

	simulator_lock(simulator);
	done = simulator_begin(simulator, err) && write_files(&collection, err) &&
		simulator_commit(simulator, err);
	if (!done)
		simulator_rollback(simulator);
	simulator_unlock(simulator);
	return done;
}
