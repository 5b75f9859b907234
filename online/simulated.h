/* A simulated tenant, served on loopback, with a profile that reaches it: for demo and simulate. */
#pragma once

#include "online/online.h"
#include "simulator/simulator.h"

#define SIMULATED_STAGING    "SYNC02"
#define SIMULATED_PRODUCTION "SYNC01"

struct simulated {
	struct simulator *simulator;
	struct simulator_server *server;
	char *folder, *config; /* absolute */
};

/*
 * Opens, populates unless the database is a kept one, and serves; writes <folder>/config and
 * <folder>/client.secret (0600). `port` 0 picks one. ERROR_SYSTEM.
 */
MUST_CHECK bool simulated_open(struct simulated *simulated, const struct simulator_options *options,
	const struct simulator_size *size, unsigned port, const char *folder, struct error *err);
void simulated_close(struct simulated *simulated);

/* What both servers hold: FOLDER/SYNC01 and FOLDER/SYNC02. */
MUST_CHECK bool simulated_write_files(struct simulator *simulator, const char *folder,
	const struct simulator_files *files, struct error *err);

/* Two days of virtual time: the base was taken at their begin, the story ends at their end. */
enum { SIMULATED_STORY_MS = 26 * 3600 * 1000 };

/* The proof on the screen; true when nothing is left damaged and nothing legitimate was lost. */
bool simulated_tell_proof(struct screen *screen, const struct simulator_proof *proof);
