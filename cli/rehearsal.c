#include "cli/rehearsal.h"

#include <ftw.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/since.h"

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
	struct auth_options auth = {
		.authority = REHEARSAL_ORIGIN,
		.graph = REHEARSAL_ORIGIN,
		.tenant = simulator_tenant(rehearsal->simulator),
		.client_id = simulator_client_id(rehearsal->simulator),
		.secret = span_of(simulator_client_secret(rehearsal->simulator)),
	};
	struct graph_options graph = {
		.url = REHEARSAL_ORIGIN,
		.transport = &rehearsal->transport,
		.quota_share = 1,
		.progress = talk(),
	};

	rehearsal->transport = rehearsal_transport(rehearsal->simulator);
	rehearsal->origins = net_origins_new();
	if (!net_origins_add(rehearsal->origins, REHEARSAL_ORIGIN, NET_SECRET_TOKEN, "/v1.0/", err))
		return false;
	rehearsal->auth = auth_open(&auth, &rehearsal->transport, talk(), err);
	graph.auth = rehearsal->auth;
	graph.origins = rehearsal->origins;
	rehearsal->graph = rehearsal->auth ? graph_open(&graph, err) : NULL;
	return rehearsal->graph;
}

bool rehearsal_open(struct rehearsal *rehearsal, struct snapshot *live, struct error *err)
{
	const struct simulator_options options = {
		.tenant_id = snapshot_header(live)->tenant,
		.graph_url = REHEARSAL_ORIGIN,
		.now_ms = time_now_ms(),
	};

	*rehearsal = (struct rehearsal){ 0 };
	rehearsal->folder = file_make_scratch("rehearsal", err);
	if (!rehearsal->folder)
		return false;
	rehearsal->simulator = simulator_open(&options, err);
	return rehearsal->simulator && load(rehearsal, live, err) && connect(rehearsal, err);
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
	graph_close(rehearsal->graph);
	auth_close(rehearsal->auth);
	net_origins_free(rehearsal->origins);
	simulator_close(rehearsal->simulator);
	if (rehearsal->folder &&
		nftw(rehearsal->folder, remove_one, FOLDER_DEPTH,
			FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		progress_warn(talk(), "%s could not be removed", rehearsal->folder);
	memory_free(rehearsal->folder);
	*rehearsal = (struct rehearsal){ 0 };
}

struct snapshot *rehearsal_snapshot(
	struct rehearsal *rehearsal, const char *cloud, struct error *err)
{
	CLEANUP(memory_freep) char *path = file_path(rehearsal->folder, "end.jsonl.zst");
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = NULL;
	CLEANUP(memory_freep) char *tenant = memory_text(simulator_tenant(rehearsal->simulator));
	CLEANUP(memory_freep) char *kept_cloud = memory_text(cloud);
	CLEANUP(memory_freep) char *source = memory_text("graph");
	struct session session = { .graph = rehearsal->graph };
	struct since since = { 0 };
	struct snapshot_header header = {
		.tenant = tenant,
		.cloud = kept_cloud,
		.source = source,
		.taken_from_ms = time_now_ms(),
	};

	writer = snapshot_writer_open(path, &header, err);
	if (!writer || !since_follow_extensions(&session, writer, err) ||
		!since_read(&since, &session, writer, NULL, err) ||
		!snapshot_writer_finish(TAKE(writer), time_now_ms(), err))
		return NULL;
	talk_end();
	return snapshot_open(path, err);
}
