/*
 * Reads a directory with the program's own engine (token, gate, transport, lists beside each other,
 * strict check, canonical lines) and writes the lines, for ./dev bench: from a server that does
 * nothing but send.
 *
 *	bench_read ORIGIN CA_FILE OUT
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "base/time.h"
#include "graph/graph.h"

#define TENANT "7a6f0f3e-51c8-4d0a-8a51-0f7d3d1b6c11"

enum { OUT_BUFFER = 64 << 10 }; /* stays in the cache */

struct totals {
	FILE *out;
	size_t objects, bytes;
};

static bool take_lines(void *context, struct span lines, struct error *err)
{
	struct totals *totals = context;

	totals->objects++;
	totals->bytes += lines.length;
	if (fwrite(lines.data, 1, lines.length, totals->out) == lines.length)
		return true;
	return error_errno(err, "writing lines");
}

static bool forget(void *context, const char *id, struct error *err)
{
	(void)context, (void)id, (void)err;
	return true;
}

static bool read_all(
	const char *origin, const char *ca_file, struct totals *totals, struct error *err)
{
	struct net_options net = { .ca_file = ca_file };
	struct auth_options auth = {
		.tenant = TENANT,
		.client_id = "66666666-7777-8888-9999-000000000000",
		.authority = origin,
		.graph = origin,
		.secret = SPAN_LITERAL("not-a-secret"),
	};
	struct graph_options graph = { .url = origin, .quota_share = 1 };
	const struct graph_taker taker = { take_lines, forget, totals };
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();
	CLEANUP(auth_closep) struct auth *token = NULL;
	CLEANUP(graph_closep) struct graph *reader = NULL;
	CLEANUP(graph_links_release) struct graph_links links = { { NULL } };
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
	reader = token ? graph_open(&graph, err) : NULL;
	good = reader && graph_collect(reader, &taker, NULL, &links, err);
	graph_close(TAKE(reader));
	auth_close(TAKE(token));
	transport_close(&transport);
	return good;
}

int main(int argc, char **argv)
{
	struct error err = { 0 };
	struct totals totals = { 0 };
	char room[OUT_BUFFER];
	int64_t began_ms;

	if (argc != 4 || !process_start(&err) || !net_start(&err))
		return 2;
	totals.out = fopen(argv[3], "we");
	if (!totals.out) {
		perror(argv[3]);
		return 9;
	}
	setvbuf(totals.out, room, _IOFBF, sizeof(room)); /* glibc ignores a size without room */
	began_ms = time_monotonic_ms();
	if (!read_all(argv[1], argv[2], &totals, &err)) {
		fprintf(stderr, "bench_read: %s\n", err.text);
		return (int)err.kind;
	}
	printf("{\"objects\":%zu,\"lineBytes\":%zu,\"seconds\":%.3f}\n", totals.objects,
		totals.bytes, (double)(time_monotonic_ms() - began_ms) / 1000);
	return fclose(totals.out) == 0 ? 0 : 9;
}
