/*
 * The smallest Graph that applying needs: a token endpoint, /organization, $batch, the audit
 * log, and users and groups in memory. Small but strict: what it does not know is a 400, and
 * an unknown path fails the test. Faults are switched on by the number of a request.
 */
#pragma once

#include <jansson.h>

#include "graph/graph.h"

#define TINY_TENANT "aaaaaaaa-0000-4000-8000-000000000001"

enum { TINY_ID_BYTES = 37, TINY_IDS = 400, TINY_BESIDE_MAX = 32, TINY_WRITES_MAX = 64 };

enum tiny_fault {
	TINY_NO_FAULT,
	TINY_LOST_BEFORE, /* the request never arrives */
	TINY_LOST_AFTER,  /* it takes effect, and the answer is lost */
	TINY_KILL_BEFORE, /* the process dies instead of sending */
	TINY_KILL_AFTER,  /* it dies once the request took effect */
};

enum { TINY_KILLED = 77 };

struct tiny_graph {
	json_t *objects; /* by id: kind, deleted, properties, manager, members, owners */
	json_t *behind;  /* what a lagging replica still shows */
	json_t *effects; /* texts: every write that took effect, in order */
	json_t *audits;
	const char *organization;
	const char *last_sync; /* of the organization; NULL: never */
	int64_t date_ms;       /* the service's clock when the virtual clock says 0 */
	bool no_date;
	size_t requests, writes; /* requests to Graph; write items that arrived */
	size_t fault_at;         /* the request that meets the fault; 0: none */
	enum tiny_fault fault;
	const char *dump_path; /* where a kill leaves the state */
	unsigned lag_reads;    /* read batches after a write that show the state before it */
	unsigned lag_left;
	unsigned throttle; /* this many write items are answered 429 */
	void (*throttled)(
		struct tiny_graph *tiny); /* what happens at each of them; NULL: nothing */
	const char *refuse_id;            /* writes to this object are answered so: */
	long refuse_status;
	const char *refuse_code;
	bool audits_denied;
	size_t audit_reads;
	struct tiny_beside
		*beside; /* requests beside each other (tiny_beside.c); NULL: one by one */

	struct transport transport;
	struct auth *auth;
	struct net_origins *origins;
	struct graph *graph;
};

const char *tiny_id(size_t number); /* up to TINY_IDS; users and groups share the numbers */

void tiny_open(struct tiny_graph *tiny);
void tiny_close(struct tiny_graph *tiny);

/* Adds an object with these properties (JSON). */
void tiny_add(struct tiny_graph *tiny, const char *kind, size_t number, const char *properties);
void tiny_delete(struct tiny_graph *tiny, size_t number);
void tiny_set(struct tiny_graph *tiny, size_t number, const char *property, const char *value);
void tiny_set_manager(struct tiny_graph *tiny, size_t number, size_t manager);
void tiny_add_reference(struct tiny_graph *tiny, size_t group, const char *relation, size_t id);

bool tiny_is_deleted(const struct tiny_graph *tiny, size_t number);
/* Whether a property is this JSON; the canonical "null" also where it is missing. */
bool tiny_property_is(
	const struct tiny_graph *tiny, size_t number, const char *property, const char *value);
bool tiny_has_manager(const struct tiny_graph *tiny, size_t number, size_t manager);
bool tiny_has_reference(
	const struct tiny_graph *tiny, size_t group, const char *relation, size_t id);

/* The state as a file, so that a parent goes on where its killed child was. */
void tiny_dump(const struct tiny_graph *tiny);
void tiny_load(struct tiny_graph *tiny);

/* Shared by the two halves of this directory. */
json_t *tiny_find(const json_t *objects, const char *id);
size_t tiny_reference_index(const json_t *references, const char *id);

/* What one request does and gets; false where no answer comes. */
bool tiny_serve(struct tiny_graph *tiny, const struct net_request *request,
	struct net_response *response, struct error *err);

/* ---- requests beside each other (tiny_beside.c) ---------------------------------------- */

/*
 * Requests wait, arrive and are answered in an order that the seed decides; each of these takes a while on
 * the virtual clock. Two batches under way whose writes may not go beside each other fail the test.
 */
struct tiny_beside {
	uint32_t seed;
	struct net_exchange *exchanges[TINY_BESIDE_MAX]; /* that have no answer yet */
	bool arrived[TINY_BESIDE_MAX];
	size_t count;
	size_t most_writes; /* batches of writes that were under way together */
	/* for each batch of writes as it left: how many others were under way */
	size_t others[TINY_WRITES_MAX];
	size_t write_count;
	int64_t answer_takes_ms; /* 0: a little */
	size_t slow_answer;      /* the one with this number takes `slow_ms` longer; 0: none */
	size_t answers;
	int64_t slow_ms;
	void (*meanwhile)(struct tiny_graph *tiny); /* what happens while that one is awaited */
};
void tiny_go_beside(struct tiny_graph *tiny, struct tiny_beside *beside, uint32_t seed);

/* The virtual clock: sleeping moves it. */
int64_t tiny_clock_ms(void);
void tiny_sleep_ms(int64_t duration_ms);
