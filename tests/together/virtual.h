/*
 * Our client and the simulated tenant in one process, with time that passes only when somebody
 * waits: requests under way take their latency beside each other, and hours of throttling pass in
 * milliseconds. What one test measures so is the same on every machine.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph/graph.h"
#include "simulator/simulator.h"

struct virtual;

/* `options` as for the simulator; clock, address and quota clock are set here. */
struct virtual *virtual_open(const struct simulator_options *options,
	const struct simulator_size *size, int64_t latency_ms, double quota_share);
void virtual_close(struct virtual *world);
DEFINE_CLEANUP(struct virtual *, virtual_close);

struct graph *virtual_graph(struct virtual *world);
struct simulator *virtual_simulator(struct virtual *world);
int64_t virtual_now_ms(void); /* since the beginning */
void virtual_sleep_ms(int64_t duration_ms);
/* How many requests were under way at once, at most; how many met a 429. */
size_t virtual_most_at_once(const struct virtual *world);
size_t virtual_throttled(const struct virtual *world);
/* How many items of batches had this in their path. */
size_t virtual_asked(const struct virtual *world, const char *part);
/* How many live objects of a collection the tenant has. */
size_t virtual_live(struct virtual *world, const char *collection);
