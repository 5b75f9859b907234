/*
 * Opens two snapshots and compares them, without judging what differs; prints the processor time
 * of both steps, in this thread, and how many objects differ.
 *
 *	bench_compare BASE LIVE [WORKERS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "snapshots/snapshots.h"

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool count(void *context, struct span base, struct span live, struct error *err)
{
	(void)base;
	(void)live;
	(void)err;
	++*(size_t *)context;
	return true;
}

int main(int argc, char **argv)
{
	CLEANUP(snapshot_closep) struct snapshot *base = NULL, *live = NULL;
	struct error err = { 0 };
	size_t different = 0;
	double began = now_s(), opened;

	if (argc < 3)
		return 2;
	base = snapshot_open(argv[1], &err);
	live = base ? snapshot_open(argv[2], &err) : NULL;
	opened = now_s();
	if (live && argc > 3) {
		snapshot_use_workers(base, (unsigned)strtoul(argv[3], NULL, 10));
		snapshot_use_workers(live, (unsigned)strtoul(argv[3], NULL, 10));
	}
	if (!live || !snapshot_compare(base, live, count, &different, &err)) {
		fprintf(stderr, "bench_compare: %s\n", err.text);
		return (int)err.kind;
	}
	printf("{\"open\":%.6f,\"compare\":%.6f,\"different\":%zu}\n", opened - began,
		now_s() - opened, different);
	return 0;
}
