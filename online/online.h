/*
 * The commands that talk to a tenant, or are one; and what they share, a profile that is connected.
 */
#pragma once

#include "cli/cli.h"
#include "graph/graph.h"

struct session {
	struct profile *profile;
	struct net_origins *origins;
	struct transport transport;
	struct auth *auth;
	struct graph *graph;
};

MUST_CHECK struct session *session_open(const char *profile_name, struct error *err);
/* Closes all connections and wipes the credential and the token: only the profile is left. */
void session_hang_up(struct session *session);
void session_close(struct session *session);
DEFINE_CLEANUP(struct session *, session_close);
