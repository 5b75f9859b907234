/*
 * What this application may use of the tenant's quota, and when the next request may leave
 * (contract 7). Limits are published, may change, and are shared with whoever else uses the same
 * application; so they are believed only until an answer says more:
 *
 *	x-ms-resource-unit              what a request really cost
 *	x-ms-throttle-limit-percentage  how much of the limit is used, told from 80 % on: what we
 *	                                spent, divided by it, is the limit
 *	429                             what was spent until then was too much
 *
 * In any window no more is spent than our share of what is believed. Until something was learned,
 * requests leave as fast as they can; from then on evenly, since a limit that is kept as a bucket
 * and one that is kept by windows both take an even flow. Where the limit is nearly used up the
 * flow thins out, which finds the true limit from above without being refused.
 */
#include "graph/graph_internal.h"

#include <stdlib.h>

#include "base/text.h"

/* Published limits of one application in one tenant. */
static const struct {
	const char *name;
	int64_t window_ms;
	double limit;
	double burst; /* part of a window's share that may leave at once in an even flow */
	bool even;    /* from the beginning, and not only once something was learned */
} meters[METER_COUNT] = {
	[METER_UNITS] = { "resource units", 10 * 1000, 3500, 0.02, false },
	/* Small plans are not to be slowed down. */
	[METER_WRITES] = { "writes", 150 * 1000, 3000, 0.2, true },
	[METER_AUDITS] = { "requests to the audit log", 10 * 1000, 5, 0.2, false },
};

/* Resource units by how many users a tenant has. */
static const struct {
	uint64_t users;
	double units;
} sizes[] = { { 50, 5000 }, { 500, 8000 } };

static const double margin = 0.99;      /* of the share: clocks differ */
static const double floor_share = 0.01; /* of what is published, however little seems left */
static const double noise = 0.985;
static const double thin_from = 0.97;  /* of the limit; from here on the flow thins out … */
static const double thin_until = 1.03; /* … to the least, here */
static const double thin_least = 0.25;
static const double refused_most = 0.7; /* one 429 takes no more than down to this */
static const double growth = 1.1;       /* when nothing was learned for GROWTH_MS */
enum { GROWTH_MS = 600 * 1000 };
/*
 * Before our first window is over, what is used may have been used by others: where we would believe
 * in less than this of what is published, it is waited out instead.
 */
static const double first_share = 0.1;

void quota_init(struct quota *quota, double share)
{
	*quota = (struct quota){ .share = share };
	for (size_t i = 0; i < METER_COUNT; i++)
		quota->meters[i] = (struct meter){
			.limit = meters[i].limit,
			.published = meters[i].limit,
			.even = meters[i].even,
		};
}

void quota_tenant_has(struct quota *quota, uint64_t users)
{
	struct meter *meter = &quota->meters[METER_UNITS];

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		if (users < sizes[i].users || sizes[i].units <= meter->published)
			continue;
		meter->published = sizes[i].units;
		if (!meter->learned)
			meter->limit = meter->published;
	}
}

/* ---- what was spent ------------------------------------------------------------------ */

static int64_t slot_ms(enum meter_id id)
{
	return meters[id].window_ms / (METER_SLOTS - 1);
}

/* Slots older than the window are emptied. */
static void move_to(struct quota *quota, enum meter_id id, int64_t now_ms)
{
	struct meter *meter = &quota->meters[id];
	int64_t now = now_ms / slot_ms(id);

	if (now - meter->newest >= METER_SLOTS)
		meter->newest = now - METER_SLOTS;
	while (meter->newest < now)
		meter->slots[++meter->newest % METER_SLOTS] = 0;
}

static double spent(const struct meter *meter)
{
	double sum = 0;

	for (size_t i = 0; i < METER_SLOTS; i++)
		sum += meter->slots[i];
	return sum;
}

static double share_of(const struct quota *quota, const struct meter *meter)
{
	return meter->limit * quota->share * margin;
}

/* How much thinner the flow is than even, for what is used of the limit. */
static double thinness(double used)
{
	if (used <= thin_from)
		return 1;
	if (used >= thin_until)
		return thin_least;
	return 1 - (1 - thin_least) * (used - thin_from) / (thin_until - thin_from);
}

/* Milliseconds that one unit takes in an even flow. */
static double even_ms(const struct quota *quota, enum meter_id id)
{
	const struct meter *meter = &quota->meters[id];

	return (double)meters[id].window_ms / (share_of(quota, meter) * thinness(meter->used));
}

void quota_spend(struct quota *quota, struct cost *cost, int64_t now_ms)
{
	if (!quota->began_ms)
		quota->began_ms = now_ms;
	for (int id = 0; id < METER_COUNT; id++) {
		struct meter *meter = &quota->meters[id];

		move_to(quota, id, now_ms);
		meter->slots[meter->newest % METER_SLOTS] += cost->needs[id];
		cost->spent_by_then[id] = spent(meter);
		cost->refusals = quota->refusals;
		if (meter->even_at_ms < (double)now_ms)
			meter->even_at_ms = (double)now_ms;
		meter->even_at_ms += cost->needs[id] * even_ms(quota, id);
	}
	quota->units_spent += cost->needs[METER_UNITS];
}

void quota_reserve(struct quota *quota, const struct cost *cost)
{
	for (int id = 0; id < METER_COUNT; id++)
		quota->meters[id].reserved += cost->needs[id];
}

void quota_give_back(struct quota *quota, const struct cost *cost)
{
	for (int id = 0; id < METER_COUNT; id++)
		quota->meters[id].reserved -= cost->needs[id];
}

/* ---- when the next may leave ---------------------------------------------------------- */

/* When enough of the window's spending is old enough. */
static int64_t window_opens_ms(
	const struct quota *quota, enum meter_id id, double needs, int64_t now_ms)
{
	const struct meter *meter = &quota->meters[id];
	double most = share_of(quota, meter), sum = spent(meter) + meter->reserved;

	for (int64_t slot = meter->newest - METER_SLOTS + 1; slot <= meter->newest; slot++) {
		/* One request that is larger than the share goes when nothing else was spent. */
		if (sum + needs <= most || sum <= 0)
			return slot <= meter->newest - METER_SLOTS + 1
				? now_ms
				: (slot - 1 + METER_SLOTS) * slot_ms(id);
		sum -= meter->slots[((slot % METER_SLOTS) + METER_SLOTS) % METER_SLOTS];
	}
	return (meter->newest + METER_SLOTS) * slot_ms(id);
}

static int64_t even_opens_ms(const struct quota *quota, enum meter_id id, int64_t now_ms)
{
	const struct meter *meter = &quota->meters[id];
	double ahead = share_of(quota, meter) * meters[id].burst;
	double spent_ms = meter->even_at_ms;

	if (!meter->even)
		return 0;
	/* A batch of writes leaves as one. */
	if (ahead < GRAPH_BATCH_MAX && id == METER_WRITES)
		ahead = GRAPH_BATCH_MAX;
	if (spent_ms < (double)now_ms)
		spent_ms = (double)now_ms;
	return (int64_t)(spent_ms + (meter->reserved - ahead) * even_ms(quota, id));
}

int64_t quota_opens_ms(
	struct quota *quota, const struct cost *cost, int64_t now_ms, struct buf *why)
{
	int64_t opens_ms = now_ms, at_ms, even;

	buf_cut(why, 0);
	if (quota->held_until_ms > now_ms) {
		opens_ms = quota->held_until_ms;
		buf_add_text(why, quota->held_by);
	}
	for (int id = 0; id < METER_COUNT; id++) {
		if (cost->needs[id] <= 0)
			continue;
		move_to(quota, id, now_ms);
		at_ms = window_opens_ms(quota, id, cost->needs[id], now_ms);
		even = even_opens_ms(quota, id, now_ms);
		if (even > at_ms)
			at_ms = even;
		if (at_ms <= opens_ms)
			continue;
		opens_ms = at_ms;
		buf_cut(why, 0);
		buf_addf(why, "our share of the tenant's %s is used (%.0f of %.0f in %d s)",
			meters[id].name, share_of(quota, &quota->meters[id]),
			quota->meters[id].limit, (int)(meters[id].window_ms / 1000));
	}
	return opens_ms;
}

double graph_quota_share(double quota_share)
{
	return quota_share > 0 ? quota_share : GRAPH_QUOTA_SHARE;
}

/*
 * A window's share leaves as quota_opens_ms() lets it: first what may leave at once, then evenly; and the
 * same again in the next window. The last batch ends it when it leaves.
 */
int64_t graph_writes_take_ms(uint64_t writes, double share)
{
	double window = meters[METER_WRITES].limit * share * margin;
	double ahead = window * meters[METER_WRITES].burst;
	double each_ms = (double)meters[METER_WRITES].window_ms / window;
	uint64_t full, last;

	if (ahead < GRAPH_BATCH_MAX)
		ahead = GRAPH_BATCH_MAX;
	if (writes <= GRAPH_BATCH_MAX)
		return 0;
	full = (uint64_t)((double)(writes - GRAPH_BATCH_MAX) / window);
	last = writes - GRAPH_BATCH_MAX - (uint64_t)((double)full * window);
	return (int64_t)full * meters[METER_WRITES].window_ms +
		((double)last > ahead ? (int64_t)(((double)last - ahead) * each_ms) : 0);
}

/* ---- learning ------------------------------------------------------------------------- */

/* A decimal number above 0, or 0. */
static double number_in(struct span value)
{
	char text[32], *end;
	double number;

	if (!value.length || value.length >= sizeof(text))
		return 0;
	memcpy(text, value.data, value.length);
	text[value.length] = '\0';
	number = strtod(text, &end);
	return *end || !(number > 0) || number > 1e9 ? 0 : number;
}

void quota_report_header(struct quota_report *report, struct span name, struct span value)
{
	if (span_is(name, "x-ms-resource-unit"))
		report->units = number_in(value);
	else if (span_is(name, "x-ms-throttle-limit-percentage"))
		report->used = number_in(value);
	else if (span_is(name, "x-ms-throttle-information"))
		copy_printable(report->information, sizeof(report->information), value);
}

struct quota_report quota_report_of(const struct net_response *response)
{
	static const char *const names[] = { "x-ms-resource-unit", "x-ms-throttle-limit-percentage",
		"x-ms-throttle-information" };
	struct quota_report report = { .throttled = response->status == 429 };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		quota_report_header(
			&report, span_of(names[i]), net_response_header(response, names[i]));
	return report;
}

static void believe(struct meter *meter, double limit, int64_t now_ms)
{
	double least = meter->published * floor_share;

	meter->learned = meter->even = true;
	meter->learned_ms = now_ms;
	/* Percentages come rounded: the lowest of many would be too low. */
	if (limit < meter->limit * noise)
		meter->limit = limit > least ? limit : least;
}

/* Others may have stopped, or the service may have more to give than a while ago. */
static void grow(struct meter *meter, int64_t now_ms)
{
	if (!meter->learned || now_ms - meter->learned_ms < GROWTH_MS)
		return;
	meter->learned_ms = now_ms;
	meter->limit *= growth;
	if (meter->limit > meter->published)
		meter->limit = meter->published;
}

static void learn_cost(struct quota *quota, const struct cost *cost, double really)
{
	struct meter *meter = &quota->meters[METER_UNITS];
	double more = really - cost->needs[METER_UNITS];

	if (really <= 0 || cost->needs[METER_UNITS] <= 0)
		return;
	meter->slots[meter->newest % METER_SLOTS] += more;
	meter->even_at_ms += more * even_ms(quota, METER_UNITS);
	quota->units_spent += more;
}

/* Which limit a refusal is about; METER_COUNT: none of ours, the service has trouble. */
static enum meter_id meter_refused(const struct cost *cost, const struct quota_report *report)
{
	if (strcmp(report->information, "CPULimitExceeded") == 0)
		return METER_COUNT;
	if (cost->needs[METER_AUDITS] > 0)
		return METER_AUDITS;
	if (strcmp(report->information, "WriteLimitExceeded") == 0)
		return METER_WRITES;
	return METER_UNITS;
}

static void learn_refusal(struct quota *quota, const struct cost *cost,
	const struct quota_report *report, int64_t now_ms)
{
	enum meter_id id = meter_refused(cost, report);
	struct meter *meter;
	double accepted, least;

	/* Requests that were under way together are refused together: once is enough. */
	if (id == METER_COUNT || quota->held_until_ms > now_ms || cost->refusals != quota->refusals)
		return;
	quota->refusals++;
	meter = &quota->meters[id];
	accepted = cost->spent_by_then[id] - cost->needs[id];
	least = meter->limit * refused_most;
	believe(meter, accepted > least ? accepted : least, now_ms);
}

static bool is_of_others(const struct quota *quota, const struct cost *cost, int64_t now_ms)
{
	const struct meter *meter = &quota->meters[METER_UNITS];

	return meter->used > 0 && now_ms - quota->began_ms < meters[METER_UNITS].window_ms &&
		cost->spent_by_then[METER_UNITS] / meter->used < meter->published * first_share;
}

void quota_learn(struct quota *quota, const struct cost *cost, const struct quota_report *report,
	int64_t now_ms)
{
	struct meter *meter = &quota->meters[METER_UNITS];

	for (int id = 0; id < METER_COUNT; id++)
		move_to(quota, id, now_ms);
	learn_cost(quota, cost, report->units);
	if (report->throttled) {
		learn_refusal(quota, cost, report, now_ms);
		return;
	}
	meter->used = report->used;
	if (is_of_others(quota, cost, now_ms))
		quota_hold(quota, quota->began_ms + meters[METER_UNITS].window_ms,
			"others use the tenant's resource units");
	else if (meter->used > 0)
		believe(meter, cost->spent_by_then[METER_UNITS] / meter->used, now_ms);
	else
		grow(meter, now_ms);
}

void quota_hold(struct quota *quota, int64_t until_ms, const char *why)
{
	if (until_ms <= quota->held_until_ms)
		return;
	quota->held_until_ms = until_ms;
	quota->held_by = why;
}

/* ---- what is believed, for people ------------------------------------------------------ */

_Static_assert((int)GRAPH_QUOTA_COUNT == (int)METER_COUNT, "one state for each meter");

void graph_quota_state(struct graph *graph, struct graph_quota_state states[GRAPH_QUOTA_COUNT])
{
	struct quota *quota = &graph->quota;

	for (int id = 0; id < METER_COUNT; id++) {
		const struct meter *meter = &quota->meters[id];

		move_to(quota, id, graph->clock_ms());
		states[id] = (struct graph_quota_state){
			.name = meters[id].name,
			.window_ms = meters[id].window_ms,
			.published = meter->published,
			.limit = meter->limit,
			.share = meter->limit * quota->share,
			.spent = spent(meter),
			.used = meter->used,
			.learned = meter->learned,
		};
	}
}

double graph_units_spent(const struct graph *graph)
{
	return graph->quota.units_spent;
}
