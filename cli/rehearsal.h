/*
 * A copy of a directory that the real engine works on: a snapshot in the simulator, behind a transport
 * that opens no socket. What happens to it happens to nobody.
 */
#pragma once

#include "cli/cli.h"
#include "simulator/simulator.h"

struct rehearsal {
	char *folder; /* for journal, receipt and the end state; goes with it */
	struct simulator *simulator;
	struct transport transport;
	struct net_origins *origins;
	struct auth *auth;
	struct graph *graph;
};

/* Loads the whole of LIVE. Errors as snapshot_each() and simulator_load_object(). */
MUST_CHECK bool rehearsal_open(
	struct rehearsal *rehearsal, struct snapshot *live, struct error *err);
void rehearsal_close(struct rehearsal *rehearsal);

/* What stands there now, read as a snapshot is: a file in the folder. */
MUST_CHECK struct snapshot *rehearsal_snapshot(
	struct rehearsal *rehearsal, const char *cloud, struct error *err);

/* rehearsal_transport.c */
struct transport rehearsal_transport(struct simulator *simulator);
/* The address that it answers at: nobody listens there. */
#define REHEARSAL_ORIGIN "http://127.0.0.1:1"
