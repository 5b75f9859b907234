/*
 * Changes or reads in batches of twenty with the program's own engine, for ./dev bench: against
 * bench/batchd.mjs, which does nothing but wait. Objects are read with as many batches under way as a flow
 * has; changes are sent one batch after another, as apply does. The token is got beforehand.
 *
 *	bench_batch ORIGIN CA_FILE read|write COUNT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "base/time.h"
#include "graph/graph.h"

#define TENANT "7a6f0f3e-51c8-4d0a-8a51-0f7d3d1b6c11"

enum { COUNT_MAX = 1000000 };

struct work {
	const char *origin, *ca_file;
	bool write;
	size_t count;
};

static void make_id(size_t number, char id[static ID_BYTES + 1])
{
	snprintf(id, ID_BYTES + 1, "00000000-0000-4000-8000-%012zu", number % 1000000000000);
}

static bool read_all(struct graph *graph, size_t count, struct error *err)
{
	CLEANUP(memory_freep) struct graph_read *reads = memory_array(count, sizeof(*reads));
	bool good;

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
	return good;
}

static bool write_batch(struct graph *graph, size_t from, size_t count, struct error *err)
{
	struct graph_write writes[GRAPH_BATCH_MAX];

	for (size_t i = 0; i < count; i++) {
		writes[i] = (struct graph_write){
			.operation = GRAPH_SET,
			.kind = kind_get(KIND_USER),
			.body = SPAN_LITERAL(
				"{\"displayName\":\"Name\",\"department\":\"Sales EMEA\","
				"\"onPremisesExtensionAttributes\":"
				"{\"extensionAttribute1\":\"CC00001\"}}"),
		};
		make_id(from + i, writes[i].id);
	}
	if (!graph_write_pause(graph, err) || !graph_write_batch(graph, writes, count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (writes[i].outcome != GRAPH_DONE)
			return error_set(err, ERROR_FORMAT, "%s: %s", writes[i].id, writes[i].text);
	return true;
}

static bool write_all(struct graph *graph, size_t count, struct error *err)
{
	for (size_t from = 0; from < count; from += GRAPH_BATCH_MAX) {
		size_t left = count - from;

		if (!write_batch(graph, from, left < GRAPH_BATCH_MAX ? left : GRAPH_BATCH_MAX, err))
			return false;
	}
	return true;
}

static double processor_seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static bool measure(struct graph *graph, const struct work *work, struct error *err)
{
	int64_t began_ms = time_monotonic_ms();
	double began = processor_seconds();

	if (!(work->write ? write_all : read_all)(graph, work->count, err))
		return false;
	printf("{\"done\":%zu,\"seconds\":%.3f,\"processor\":%.4f}\n", work->count,
		(double)(time_monotonic_ms() - began_ms) / 1000, processor_seconds() - began);
	return true;
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
	struct graph_options graph = { .url = origin, .quota_share = 1 };
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

	if (argc != 5 || !net_start(&err))
		return 2;
	work.origin = argv[1];
	work.ca_file = argv[2];
	work.write = strcmp(argv[3], "write") == 0;
	work.count = strtoul(argv[4], NULL, 10);
	if (!work.count || work.count > COUNT_MAX)
		return 2;
	if (run(&work, &err))
		return 0;
	fprintf(stderr, "bench_batch: %s\n", err.text);
	return (int)err.kind;
}
