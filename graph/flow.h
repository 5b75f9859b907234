/* Requests beside each other (flow.c). What every request is made of is in graph_internal.h. */
#pragma once

#include "graph/graph_internal.h"

struct call;

enum { FLOW_WAIT_MOST_MS = 1000 }; /* with requests under way; a signal must not wait longer */

/* What the one who asks does with what comes. All are called by flow_run(), none inside of a transfer. */
struct call_owner {
	/* The answer is a 2xx and whole. False ends the flow. */
	bool (*taken)(struct call *call, struct error *err);
	/* It is asked for again: forget what half an answer brought. NULL: nothing to forget. */
	void (*again)(struct call *call);
	/*
	 * An answer that is final and no success, told in `err`. True: the flow goes on without it.
	 * NULL: it ends the flow.
	 */
	bool (*refused)(struct call *call, const struct failure *failure, struct error *err);
	/*
	 * A write: it leaves at once and is not repeated, but for a 401. Whatever came, or that nothing
	 * did (call->exchange), is its owner's to judge; the other functions are not asked. False ends
	 * the flow.
	 */
	bool (*answered)(struct call *call, struct error *err);
	/* The call goes, for whatever reason. NULL: nothing is bound to it. */
	void (*freed)(struct call *call);
};

enum call_state { CALL_READY, CALL_UNDER_WAY, CALL_OVER };

/* One request on its way through its tries. The flow owns it. */
struct call {
	const struct call_owner *owner;
	void *context; /* the owner's */
	char *what;    /* for errors: "GET /users: page 3" */
	char *url;
	struct buf body;
	struct graph_request request; /* its texts are the call's */
	/* the flow's */
	struct call *next;
	struct flow *flow;
	enum call_state state;
	bool dropped, renewed, sink_failed;
	unsigned token_number; /* it was sent with */
	int64_t not_before_ms;
	struct attempt attempt;
	char attempt_id[GUID_TEXT_BYTES];
	struct net_exchange exchange;
};

/* Requests that are under way at once. What is added while it runs is part of it. */
struct flow {
	struct graph *graph;
	struct call *first, *last;
	size_t under_way;
	struct buf why; /* what is waited for */
	int64_t told_until_ms;
};

void flow_init(struct flow *flow, struct graph *graph);
void flow_release(struct flow *flow); /* what is still under way is forgotten */

/*
 * A request to be added; `url` is copied. `what` (printf) names it in errors. The owner may set
 * more of call->request before it adds it.
 */
struct call *call_new(const struct graph *graph, const char *method, const char *url,
	const struct call_owner *owner, void *context, const char *what, ...) PRINTF_LIKE(6, 7);
void flow_add(struct flow *flow, struct call *call);
/* Forgets a call that is no longer wanted. */
void flow_drop(struct call *call);

/*
 * Begins what may leave, and settles what came back (then `any`); never waits. `next_ms`: when the next
 * call may leave, INT64_MAX where none waits.
 */
MUST_CHECK bool flow_turn(struct flow *flow, int64_t *next_ms, bool *any, struct error *err);

/*
 * Runs until nothing is left: each call waits for the quota and for what the service asked, is
 * repeated where its ruling says so, and goes to its owner. Ends at the deadline of the run, and
 * after a signal as soon as it would have to wait: an apply must still read what it wrote.
 *   what the first failure was, with the name of its call
 */
MUST_CHECK bool flow_run(struct flow *flow, struct error *err);
