/*
 * Changes, reads or a whole apply in batches of twenty with the program's own engine, for ./dev bench:
 * against bench/batchd.mjs, which does nothing but wait. Changes go AT_ONCE batches beside each other, as
 * bench/sdkbatch.mjs sends them; reads as many as a flow has, an apply as many as it lets go. The token is
 * got beforehand, and no quota is kept: the service has none.
 *
 *	bench_batch ORIGIN CA_FILE read|write|apply COUNT AT_ONCE [FOLDER]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/time.h"
#include "rollback/rollback.h"

#define TENANT "7a6f0f3e-51c8-4d0a-8a51-0f7d3d1b6c11"

enum {
	COUNT_MAX = 1000000,
	AT_ONCE_MAX = 64,
	WAIT_MS = 1000,
	START_PARTS = 4, /* of an apply: one of so many is the start, which is not measured */
	PLAN_LIVES_MS = 60 * 60 * 1000,
	NO_QUOTA = 1000000, /* as a share of the published one */
};

struct work {
	const char *origin, *ca_file, *what, *folder;
	size_t count, at_once;
};

/* What is measured: from a beginning to an end, wall clock and processor. */
struct stopwatch {
	size_t done;
	int64_t began_ms;
	double began;
};

static double processor_seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void stopwatch_start(struct stopwatch *watch)
{
	watch->began_ms = time_monotonic_ms();
	watch->began = processor_seconds();
}

static void stopwatch_tell(const struct stopwatch *watch, size_t count)
{
	printf("{\"done\":%zu,\"seconds\":%.3f,\"processor\":%.4f}\n", count,
		(double)(time_monotonic_ms() - watch->began_ms) / 1000,
		processor_seconds() - watch->began);
}

static void make_id(size_t number, char id[static ID_BYTES + 1])
{
	snprintf(id, ID_BYTES + 1, "00000000-0000-4000-8000-%012zu", number % 1000000000000);
}

static bool read_all(struct graph *graph, const struct work *work, struct error *err)
{
	size_t count = work->count;
	CLEANUP(memory_freep) struct graph_read *reads = memory_array(count, sizeof(*reads));
	struct stopwatch watch = { 0 };
	bool good;

	stopwatch_start(&watch);
	for (size_t i = 0; i < count; i++) {
		reads[i] = (struct graph_read){ .kind = kind_get(KIND_USER) };
		make_id(i, reads[i].id);
	}
	good = graph_read_objects(graph, reads, count, err);
	for (size_t i = 0; i < count; i++) {
		if (good && !reads[i].lines)
			good = error_set(err, ERROR_FORMAT, "%s was not found", reads[i].id);
		memory_free(reads[i].lines);
	}
	if (good)
		stopwatch_tell(&watch, count);
	return good;
}

/* ---- changes --------------------------------------------------------------------------- */

struct sending {
	struct graph_task *task; /* NULL: none */
	struct graph_write writes[GRAPH_BATCH_MAX];
	size_t count;
};

static void begin(
	struct graph *graph, struct sending *sending, const struct work *work, size_t *next)
{
	sending->count = 0;
	while (sending->count < GRAPH_BATCH_MAX && *next < work->count) {
		struct graph_write *write = &sending->writes[sending->count++];

		*write = (struct graph_write){
			.operation = GRAPH_SET,
			.kind = kind_get(KIND_USER),
			.body = SPAN_LITERAL(
				"{\"displayName\":\"Name\",\"department\":\"Sales EMEA\","
				"\"onPremisesExtensionAttributes\":"
				"{\"extensionAttribute1\":\"CC00001\"}}"),
		};
		make_id((*next)++, write->id);
	}
	if (sending->count)
		sending->task = graph_begin_writing(graph, sending->writes, sending->count);
}

static bool finish(struct sending *sending, struct error *err)
{
	if (!graph_task_finish(TAKE(sending->task), err))
		return false;
	for (size_t i = 0; i < sending->count; i++)
		if (sending->writes[i].outcome != GRAPH_DONE)
			return error_set(err, ERROR_FORMAT, "%s: %s", sending->writes[i].id,
				sending->writes[i].text);
	return true;
}

static bool write_all(struct graph *graph, const struct work *work, struct error *err)
{
	CLEANUP(memory_freep)
	struct sending *sendings = memory_array(work->at_once, sizeof(*sendings));
	struct stopwatch watch = { 0 };
	size_t next = 0, under_way = 0;
	bool good = true;

	stopwatch_start(&watch);
	do {
		for (size_t i = 0; good && i < work->at_once; i++) {
			struct sending *sending = &sendings[i];

			if (sending->task && !graph_task_is_done(sending->task))
				continue;
			if (sending->task) {
				under_way--;
				good = finish(sending, err);
			}
			if (good && next < work->count) {
				begin(graph, sending, work, &next);
				under_way++;
			}
		}
		if (good && under_way)
			graph_wait(graph, WAIT_MS);
	} while (good && under_way);
	for (size_t i = 0; i < work->at_once; i++)
		graph_task_drop(sendings[i].task);
	if (good)
		stopwatch_tell(&watch, work->count);
	return good;
}

/* ---- a whole apply ------------------------------------------------------------------------ */

static void make_steps(struct plan_step *steps, char (*ids)[ID_BYTES + 1], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		make_id(i, ids[i]);
		steps[i] = (struct plan_step){
			.number = i + 1,
			.operation = GRAPH_SET,
			.door = DOOR_GRAPH,
			.kind = kind_get(KIND_USER),
			.id = ids[i],
			.name = "Name",
			.attribute = attribute_find(
				kind_get(KIND_USER), SPAN_LITERAL("department")),
			.to = SPAN_LITERAL("\"Sales EMEA\""),
			.why = "of the bench",
		};
	}
}

/* The start is over: from here on it is measured. */
static void told(void *context, const struct plan_step *step UNUSED, enum step_state state,
	const char *text UNUSED)
{
	struct stopwatch *watch = context;

	if (state == STEP_DONE && watch->done-- == 1)
		stopwatch_start(watch);
}

static bool apply_all(struct graph *graph, const struct work *work, struct error *err)
{
	CLEANUP(memory_freep)
	struct plan_step *steps = memory_array(work->count, sizeof(*steps));
	CLEANUP(memory_freep) char(*ids)[ID_BYTES + 1] = memory_array(work->count, sizeof(*ids));
	CLEANUP(memory_freep) char *journal = file_path(work->folder, "journal.sqlite");
	CLEANUP(memory_freep) char *receipt = file_path(work->folder, "receipt.json");
	struct stopwatch watch = { .done = work->count / START_PARTS };
	struct plan plan = {
		.tenant = TENANT,
		.tenant_name = "Contoso",
		.cloud = "global",
		.id = "c1d7e7a2-3b55-4a8e-b7be-0d9b0f4c2f66",
		.tool = "unstage bench",
		.staging = "Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com",
		.created_ms = time_now_ms(),
		.limits = { work->count, 0, 0, work->count },
		.steps = steps,
		.step_count = work->count,
	};
	const struct apply_options options = {
		.graph = graph,
		.journal_path = journal,
		.state_folder = work->folder,
		.receipt_path = receipt,
		.plan_bytes = SPAN_LITERAL("unstage-plan/1 of the bench"),
		.cloud = "global",
		.canary = 1,
		.now_ms = plan.created_ms,
		.told = told,
		.told_context = &watch,
	};
	struct apply_result result;

	make_steps(steps, ids, work->count);
	plan.by_door[DOOR_GRAPH] = work->count;
	plan.expires_ms = plan.created_ms + PLAN_LIVES_MS;
	stopwatch_start(&watch);
	if (!apply_run(&plan, &options, &result, err))
		return false;
	if (result.by_state[STEP_DONE] != work->count)
		return error_set(err, ERROR_FORMAT, "%zu of %zu steps are done: %s",
			result.by_state[STEP_DONE], work->count, result.why);
	stopwatch_tell(&watch, work->count - work->count / START_PARTS);
	return true;
}

static bool measure(struct graph *graph, const struct work *work, struct error *err)
{
	static const struct {
		const char *what;
		bool (*function)(struct graph *graph, const struct work *work, struct error *err);
	} rows[] = { { "read", read_all }, { "write", write_all }, { "apply", apply_all } };

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strcmp(rows[i].what, work->what) == 0)
			return rows[i].function(graph, work, err);
	return error_set(err, ERROR_USAGE, "%s is nothing to measure", work->what);
}

static bool run(const struct work *work, struct error *err)
{
	const char *origin = work->origin;
	struct net_options net = { .ca_file = work->ca_file };
	struct auth_options auth = {
		.tenant = TENANT,
		.client_id = "66666666-7777-8888-9999-000000000000",
		.authority = origin,
		.graph = origin,
		.secret = SPAN_LITERAL("not-a-secret"),
	};
	struct graph_options graph = { .url = origin, .quota_share = NO_QUOTA };
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();
	CLEANUP(auth_closep) struct auth *token = NULL;
	CLEANUP(graph_closep) struct graph *opened = NULL;
	struct transport transport;
	bool good;

	if (!net_origins_add(origins, origin, NET_SECRET_TOKEN, "/v1.0/", err) ||
		!net_origins_add(origins, origin, NET_SECRET_CREDENTIAL, "/" TENANT "/", err) ||
		!transport_curl(&transport, origins, &net, err))
		return false;
	token = auth_open(&auth, &transport, NULL, err);
	graph.transport = &transport;
	graph.auth = token;
	graph.origins = origins;
	opened = token && auth_token(token, false, err) ? graph_open(&graph, err) : NULL;
	good = opened && measure(opened, work, err);
	graph_close(TAKE(opened));
	auth_close(TAKE(token));
	transport_close(&transport);
	return good;
}

int main(int argc, char **argv)
{
	struct error err = { 0 };
	struct work work = { 0 };

	if (argc < 6 || argc > 7 || !process_start(&err) || !net_start(&err))
		return 2;
	work.origin = argv[1];
	work.ca_file = argv[2];
	work.what = argv[3];
	work.count = strtoul(argv[4], NULL, 10);
	work.at_once = strtoul(argv[5], NULL, 10);
	work.folder = argc == 7 ? argv[6] : ".";
	if (!work.count || work.count > COUNT_MAX || !work.at_once || work.at_once > AT_ONCE_MAX)
		return 2;
	if (run(&work, &err))
		return 0;
	fprintf(stderr, "bench_batch: %s\n", err.text);
	return (int)err.kind;
}
