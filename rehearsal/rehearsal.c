#include <ftw.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"
#include "rehearsal/rehearsal_internal.h"

enum { FOLDER_DEPTH = 8 };

static bool load_object(void *context, struct span lines, struct error *err)
{
	return simulator_load_object(context, lines, err);
}

static bool load(struct rehearsal *rehearsal, struct snapshot *live, struct error *err)
{
	return simulator_load_begin(rehearsal->simulator, err) &&
		(snapshot_each(live, load_object, rehearsal->simulator, err) ||
			error_prefix(err, "%s", snapshot_path(live))) &&
		simulator_load_end(rehearsal->simulator, err);
}

static bool connect(struct rehearsal *rehearsal, struct error *err)
{
	const struct graph_options graph = {
		.transport = &rehearsal->transport,
		.quota_share = 1,
		.progress = rehearsal->progress,
	};

	rehearsal->transport = rehearsal_transport(rehearsal->simulator);
	return rehearsal_client_open(&rehearsal->client, rehearsal->simulator, &graph, err);
}

struct rehearsal *rehearsal_open(const struct rehearsal_options *options, struct error *err)
{
	CLEANUP(rehearsal_closep) struct rehearsal *rehearsal = memory_new(sizeof(*rehearsal));
	const struct simulator_options simulated = {
		.tenant_id = snapshot_header(options->live)->tenant,
		.graph_url = REHEARSAL_ORIGIN,
		.now_ms = options->now_ms,
	};

	rehearsal->progress = options->progress;
	rehearsal->folder = file_make_scratch("rehearsal", err);
	if (!rehearsal->folder)
		return NULL;
	rehearsal->simulator = simulator_open(&simulated, err);
	if (!rehearsal->simulator || !load(rehearsal, options->live, err) ||
		!connect(rehearsal, err))
		return NULL;
	return TAKE(rehearsal);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

void rehearsal_close(struct rehearsal *rehearsal)
{
	if (!rehearsal)
		return;
	rehearsal_client_close(&rehearsal->client);
	simulator_close(rehearsal->simulator);
	if (rehearsal->folder &&
		nftw(rehearsal->folder, remove_one, FOLDER_DEPTH,
			FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		progress_warn(rehearsal->progress, "%s could not be removed", rehearsal->folder);
	memory_free(rehearsal->folder);
	memory_free(rehearsal);
}

struct simulator *rehearsal_simulator(struct rehearsal *rehearsal)
{
	return rehearsal->simulator;
}

struct graph *rehearsal_graph(struct rehearsal *rehearsal)
{
	return rehearsal->client.graph;
}

/* ---- what stands there now --------------------------------------------------------------------- */

static bool add_lines(void *writer, struct span lines, struct error *err)
{
	return snapshot_writer_add(writer, lines, err);
}

static bool remove_object(void *writer, const char *id, struct error *err)
{
	return snapshot_writer_remove(writer, id, err);
}

static bool follow_extensions(
	struct graph *graph, struct snapshot_writer *writer, struct error *err)
{
	const struct attribute *extensions[OBJECT_EXTENSIONS_MAX];

	if (!graph_find_extensions(graph, err))
		return false;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		size_t count = graph_extensions(graph, (enum kind_id)kind, extensions);

		if (!snapshot_writer_set_extensions(
			    writer, (enum kind_id)kind, extensions, count, err))
			return false;
	}
	return true;
}

static bool read_everything(struct graph *graph, struct snapshot_writer *writer, struct error *err)
{
	CLEANUP(graph_links_release) struct graph_links links = { { NULL } };
	const struct graph_taker taker = { add_lines, remove_object, writer };

	return follow_extensions(graph, writer, err) &&
		graph_collect(graph, &taker, NULL, &links, err);
}

struct snapshot *rehearsal_snapshot(
	struct rehearsal *rehearsal, const char *cloud, struct error *err)
{
	CLEANUP(memory_freep) char *path = file_path(rehearsal->folder, "end.jsonl.zst");
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = NULL;
	CLEANUP(memory_freep) char *tenant = memory_text(simulator_tenant(rehearsal->simulator));
	CLEANUP(memory_freep) char *kept_cloud = memory_text(cloud);
	char source[] = "graph";
	int64_t now_ms = simulator_now_ms(rehearsal->simulator);
	struct snapshot_header header = {
		.tenant = tenant,
		.cloud = kept_cloud,
		.source = source,
		.taken_from_ms = now_ms,
	};

	writer = snapshot_writer_open(path, &header, err);
	if (!writer || !read_everything(rehearsal->client.graph, writer, err) ||
		!snapshot_writer_finish(TAKE(writer), now_ms, err))
		return NULL;
	return snapshot_open(path, err);
}
