/* What requests cost, and when they may leave (quota.c, cost.c). */
#pragma once

#include "graph/graph.h"

enum meter_id { METER_UNITS, METER_WRITES, METER_AUDITS, METER_COUNT };

enum { METER_SLOTS = 201 }; /* two hundred in a window, and one that is being left */

/* One of the tenant's limits for this application. */
struct meter {
	double published; /* what it is said to be, a window */
	double limit;     /* what is believed: all of it, not only our share */
	double used;      /* of it, as the service said last; 0: it said nothing */
	bool learned;     /* `limit` comes from an answer */
	bool even;        /* requests leave evenly, and not as fast as they can */
	int64_t learned_ms;
	double even_at_ms; /* up to when an even flow is spent */
	double reserved;   /* what will be spent soon, by those that were let go */
	double slots[METER_SLOTS];
	int64_t newest; /* number of the slot that is being filled */
};

struct quota {
	double share; /* that we may use of each limit */
	struct meter meters[METER_COUNT];
	int64_t held_until_ms; /* the service asked all of us to wait */
	const char *held_by;
	double units_spent; /* since the beginning */
	int64_t began_ms;   /* the first request left */
	unsigned refusals;  /* that something was learned from */
};

/* What a request needs of each meter, and what was spent of a window when it left. */
struct cost {
	double needs[METER_COUNT];
	double spent_by_then[METER_COUNT];
	unsigned refusals; /* so many were known then */
};

/* What an answer says about its cost. */
struct quota_report {
	double units; /* 0: it did not say */
	double used;  /* share of the limit, 0: below 80 %, or it did not say */
	bool throttled;
	char information[32]; /* of a throttled one */
};

void quota_init(struct quota *quota, double share);
/* The limits depend on the size of the tenant: it has at least so many users. */
void quota_tenant_has(struct quota *quota, uint64_t users);
/* When the request may leave; `why` says what it waits for, and is empty when it is not to wait. */
int64_t quota_opens_ms(
	struct quota *quota, const struct cost *cost, int64_t now_ms, struct buf *why);
void quota_spend(struct quota *quota, struct cost *cost, int64_t now_ms); /* it leaves */
/* Counts as spent, until it is given back: what leaves later is let go now. */
void quota_reserve(struct quota *quota, const struct cost *cost);
void quota_give_back(struct quota *quota, const struct cost *cost);
void quota_learn(struct quota *quota, const struct cost *cost, const struct quota_report *report,
	int64_t now_ms);
/* Nothing leaves before `until_ms`; `why` is a constant text. */
void quota_hold(struct quota *quota, int64_t until_ms, const char *why);

struct quota_report quota_report_of(const struct net_response *response);
/* The same, header by header (name in lower case), for the items of a batch. */
void quota_report_header(struct quota_report *report, struct span name, struct span value);

/* `path`: below the version root, with its query. */
struct cost cost_of(const char *method, const char *path);
void cost_add(struct cost *cost, struct cost more);
