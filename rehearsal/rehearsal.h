/*
 * A copy of a directory that the real engine works on: a snapshot in the simulator, behind a transport
 * that opens no socket. What happens to it happens to nobody. Everybody whom a plan needs plays his
 * part: `apply`, the production server, administrators with the hand-off files, people with paragraphs.
 */
#pragma once

#include "rollback/rollback.h"
#include "simulator/simulator.h"

struct rehearsal;

struct rehearsal_options {
	struct snapshot *live; /* the whole of it is loaded */
	int64_t now_ms;        /* what the copy's clock says */
	const struct progress *progress;
};

/* Errors as snapshot_each() and simulator_load_object(). */
MUST_CHECK struct rehearsal *rehearsal_open(
	const struct rehearsal_options *options, struct error *err);
/* Its folder goes, too. */
void rehearsal_close(struct rehearsal *rehearsal);
DEFINE_CLEANUP(struct rehearsal *, rehearsal_close);

struct simulator *rehearsal_simulator(struct rehearsal *rehearsal); /* borrowed */
struct graph *rehearsal_graph(struct rehearsal *rehearsal);         /* borrowed */

/* ---- the play ---------------------------------------------------------------------------------- */

struct rehearsal_play {
	const struct plan *plan;
	struct span plan_bytes;
	const struct signature_facts *signature;
	int64_t now_ms;
	/*
	 * What becomes of each step, as apply and status tell it, and, as STEP_REFUSED, of a
	 * paragraph that could not be followed; the last word on a step counts.
	 */
	void (*told)(void *context, const struct plan_step *step, enum step_state state,
		const char *text);
	void *told_context;
};

/* What others than `apply` met. */
struct rehearsal_others {
	size_t refused;            /* items of the files, in all rounds: not for being stale */
	char first_refusal[256];   /* the first of them */
	size_t paragraphs_refused; /* in the last round */
};

/*
 * Graph's steps, then everybody else's, round after round, until nobody writes anything more. A journal stays:
 * what is played again goes on there. `result` is apply's last.
 */
MUST_CHECK bool rehearsal_play(struct rehearsal *rehearsal, const struct rehearsal_play *play,
	struct apply_result *result, struct rehearsal_others *others, struct error *err);
/* What `unstage status` says then. */
MUST_CHECK bool rehearsal_status(struct rehearsal *rehearsal, const struct rehearsal_play *play,
	struct apply_result *result, struct error *err);

/* What stands there now, read as a snapshot is. */
MUST_CHECK struct snapshot *rehearsal_snapshot(
	struct rehearsal *rehearsal, const char *cloud, struct error *err);

/* ---- the end: is it what the plan wants, and nothing else? -------------------------------------- */

/* One value that is not as it should be. */
struct end_trouble {
	const struct kind *kind;
	char *id, *name;
	const struct attribute *attribute; /* NULL: the object */
	const struct plan_step *step;      /* NULL: no step is about it */
};

struct end_state {
	size_t wanted;  /* steps whose state stands there */
	size_t follows; /* values that changed with them, as the directory's own rules have it */
	struct end_trouble *troubles;
	size_t trouble_count, trouble_capacity;
};
void end_state_release(struct end_state *end);

/* Compares what was, what is and what the plan says. */
MUST_CHECK bool end_state_judge(struct end_state *end, const struct plan *plan,
	struct snapshot *before, struct snapshot *after, struct error *err);

/* ---- a simulated tenant behind a transport ------------------------------------------------------ */

/* The address that it answers at: nobody listens there. */
#define REHEARSAL_ORIGIN "http://127.0.0.1:1"

/* Each request is answered before it could leave the process. */
struct transport rehearsal_transport(struct simulator *simulator);
/* One of them. ERROR_NETWORK: the tenant cut the connection. */
MUST_CHECK bool rehearsal_answer(struct simulator *simulator, const struct net_request *request,
	struct net_response *response, struct error *err);

/* A client of it, with the application's own credentials. */
struct rehearsal_client {
	struct net_origins *origins;
	struct auth *auth;
	struct graph *graph;
};
/* `graph`: transport, quota, clock and progress; the rest is filled in. */
MUST_CHECK bool rehearsal_client_open(struct rehearsal_client *client, struct simulator *simulator,
	const struct graph_options *graph, struct error *err);
void rehearsal_client_close(struct rehearsal_client *client);
