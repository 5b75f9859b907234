/*
 * Quota (contract 7.1, 7.2): what a request costs, what an application may spend in one tenant,
 * and the headers that tell. What is used is kept as a number times the length of the window in
 * milliseconds, so that a bucket drains by its limit each millisecond without a fraction. What is
 * refused is added like everything else, up to the most that the percentage can say: it makes the
 * wait of who does not wait longer in a bucket, and a window's worse until it ends.
 */
#include <stdio.h>

#include "base/memory.h"
#include "base/time.h"
#include "simulator/endpoint.h"

enum {
	SMALL_TOP = 20,    /* $top below it is cheaper */
	TOLD_FROM = 80,    /* percent of a limit from which on the percentage is told … */
	TOLD_MOST = 180,   /* … and where it ends */
	MEDIUM_FROM = 50,  /* users of a tenant that is no longer S … */
	LARGE_ABOVE = 500, /* … and above which it is L */
	COUNT_EVERY_MS = 10000,
	ABSURD_WAIT_S = 10 * 365 * 24 * 3600,
	NEGATIVE_WAIT_S = -120,
};

const char *const simulator_quota_names[] = { "off", "window", "bucket", NULL };
const char *const simulator_retry_after_names[] = { "integer", "decimal", "date", "empty", "absent",
	"negative", "absurd", NULL };

/* ---- what a request costs -------------------------------------------------------------------- */

struct cost {
	const char *method, *pattern;
	unsigned units, writes;
};

static const struct cost costs[] = {
	{ "POST", "$batch", 0, 0 }, /* its requests are charged one by one */
	{ "GET", "users", 2, 0 },
	{ "GET", "*/*/memberOf", 2, 0 },
	{ "GET", "*/*/transitiveMemberOf", 2, 0 },
	{ "GET", "groups/*/members", 3, 0 },
	{ "GET", "groups/*/transitiveMembers", 5, 0 },
	{ "GET", "applications", 2, 0 },
	{ "GET", "applications/*/extensionProperties", 2, 0 },
	{ "GET", "subscribedSkus", 3, 0 },
	{ "POST", "directoryObjects/getByIds", 5, 0 },
	{ "POST", "*/*/checkMemberGroups", 4, 0 },
	{ "POST", "*/*/checkMemberObjects", 4, 0 },
	{ "POST", "*/*/getMemberGroups", 2, 0 },
	{ "POST", "*/*/getMemberObjects", 2, 0 },
};

static struct cost base_cost(const struct exchange *exchange)
{
	bool is_read = strcmp(exchange->method, "GET") == 0;

	for (size_t i = 0; i < COUNT_OF(costs); i++)
		if (strcmp(costs[i].method, exchange->method) == 0 &&
			exchange_fits(exchange, costs[i].pattern))
			return costs[i];
	return (struct cost){ .units = 1, .writes = is_read ? 0 : 1 };
}

static bool has_option(const struct exchange *exchange, const char *name)
{
	const char *value = exchange_option(exchange, name);

	return value && value[0];
}

static struct cost cost_of(const struct exchange *exchange)
{
	struct cost cost = base_cost(exchange);
	int units = (int)cost.units;

	if (!units)
		return cost;
	if (has_option(exchange, "$select"))
		units--;
	if (has_option(exchange, "$expand"))
		units++;
	if (has_option(exchange, "$top") &&
		strtoul(exchange_option(exchange, "$top"), NULL, 10) < SMALL_TOP)
		units--;
	cost.units = units > 1 ? (unsigned)units : 1;
	return cost;
}

/* ---- meters ---------------------------------------------------------------------------------- */

struct limit {
	int64_t window_ms;
	const char *scope, *information; /* as the headers of a 429 say */
};

static const struct limit limits[QUOTA_LIMITS] = {
	[QUOTA_UNITS] = { 10000, "ReadWrite", "ResourceUnitLimitExceeded" },
	[QUOTA_WRITES] = { 150000, "Write", "WriteLimitExceeded" },
	/* Another service, whose limit counts requests and has no name in 7.2. */
	[QUOTA_AUDITS] = { 10000, "Read", NULL },
};

static int64_t clock_ms(const struct simulator *simulator)
{
	const struct simulator_options *options = &simulator->options;

	return options->quota_clock_ms ? options->quota_clock_ms(options->quota_clock_context)
				       : time_monotonic_ms();
}

static unsigned units_of_tenant(struct simulator *simulator, int64_t now_ms)
{
	struct quota *quota = &simulator->quota;
	int64_t users;

	if (quota->tenant_units && now_ms - quota->counted_ms < COUNT_EVERY_MS)
		return quota->tenant_units;
	users = object_count(simulator, OBJECT_USER, LARGE_ABOVE + 1);
	quota->counted_ms = now_ms;
	quota->tenant_units = users < MEDIUM_FROM ? 3500 : users <= LARGE_ABOVE ? 5000 : 8000;
	return quota->tenant_units;
}

static int64_t allowed(struct simulator *simulator, enum quota_limit which, int64_t now_ms)
{
	const struct simulator_options *options = &simulator->options;

	switch (which) {
	case QUOTA_UNITS:
		return options->units_per_10s ? options->units_per_10s
					      : units_of_tenant(simulator, now_ms);
	case QUOTA_WRITES:
		return options->writes_per_150s ? options->writes_per_150s : 3000;
	case QUOTA_AUDITS:
	case QUOTA_LIMITS:
		break;
	}
	return 5;
}

/* What time has given back since the meter was read last. */
static void meter_pass(struct quota_meter *meter, enum simulator_quota model, int64_t window_ms,
	int64_t limit, int64_t now_ms)
{
	int64_t window = now_ms / window_ms, passed = now_ms - meter->since;

	if (model == SIMULATOR_QUOTA_WINDOW) {
		if (window != meter->since)
			meter->used = 0;
		meter->since = window;
		return;
	}
	/* Two windows drain the fullest bucket. */
	if (passed < 0 || passed > 2 * window_ms)
		passed = 2 * window_ms;
	meter->used = meter->used > passed * limit ? meter->used - passed * limit : 0;
	meter->since = now_ms;
}

/* How long a request of this charge, counted already, would have to wait for its like to pass. */
static int64_t meter_wait_ms(const struct quota_meter *meter, enum simulator_quota model,
	int64_t window_ms, int64_t limit, int64_t charge, int64_t now_ms)
{
	if (model == SIMULATOR_QUOTA_WINDOW)
		return window_ms - now_ms % window_ms;
	return (meter->used + (charge - limit) * window_ms + limit - 1) / limit;
}

struct verdict {
	int64_t wait_ms;           /* 0: it may pass */
	int64_t percent;           /* of the limit that is used most */
	const struct limit *limit; /* the one that makes it wait longest */
};

static void charge(
	struct simulator *simulator, enum quota_limit which, unsigned cost, struct verdict *verdict)
{
	enum simulator_quota model = simulator->options.quota;
	struct quota_meter *meter = &simulator->quota.meters[which];
	int64_t window_ms = limits[which].window_ms, now_ms = clock_ms(simulator);
	int64_t limit = allowed(simulator, which, now_ms), most, wait_ms, percent;
	bool passes;

	meter_pass(meter, model, window_ms, limit, now_ms);
	most = limit * window_ms * TOLD_MOST / 100;
	passes = meter->used + cost * window_ms <= limit * window_ms;
	meter->used += cost * window_ms;
	if (meter->used > most)
		meter->used = most;
	percent = meter->used * 100 / (limit * window_ms);
	if (percent > verdict->percent)
		verdict->percent = percent;
	if (passes)
		return;
	wait_ms = meter_wait_ms(meter, model, window_ms, limit, cost, now_ms);
	if (wait_ms <= verdict->wait_ms)
		return;
	verdict->wait_ms = wait_ms;
	verdict->limit = &limits[which];
}

/* ---- answers --------------------------------------------------------------------------------- */

void exchange_add_retry_after(struct exchange *exchange, int64_t wait_ms)
{
	static const char name[] = "Retry-After";
	struct simulator *simulator = exchange->simulator;
	char date[TIME_TEXT_BYTES];

	switch (simulator->options.retry_after) {
	case SIMULATOR_RETRY_INTEGER:
		exchange_add_header(exchange, name, "%lld", (long long)(wait_ms + 999) / 1000);
		return;
	case SIMULATOR_RETRY_DECIMAL:
		exchange_add_header(exchange, name, "%lld.%03d", (long long)wait_ms / 1000,
			(int)(wait_ms % 1000));
		return;
	case SIMULATOR_RETRY_DATE:
		exchange_add_header(exchange, name, "%s",
			time_text_http((simulator->now_ms + wait_ms + 999) / 1000 * 1000, date));
		return;
	case SIMULATOR_RETRY_EMPTY:
		exchange_add_header(exchange, name, "%s", "");
		return;
	case SIMULATOR_RETRY_ABSENT:
		return;
	case SIMULATOR_RETRY_NEGATIVE:
		exchange_add_header(exchange, name, "%d", NEGATIVE_WAIT_S);
		return;
	case SIMULATOR_RETRY_ABSURD:
		exchange_add_header(exchange, name, "%d", ABSURD_WAIT_S);
		return;
	}
}

bool exchange_throttle(struct exchange *exchange, int64_t wait_ms)
{
	exchange->simulator->quota.usage.throttled++;
	exchange_add_retry_after(exchange, wait_ms);
	return exchange_refuse(exchange, 429, "TooManyRequests", "Too many requests.");
}

static bool refuse(struct exchange *exchange, const struct verdict *verdict)
{
	const struct simulator *simulator = exchange->simulator;

	exchange_add_header(exchange, "x-ms-throttle-scope", "Tenant_Application/%s/%s/%s",
		verdict->limit->scope, simulator->client_id, simulator->tenant_id);
	if (verdict->limit->information)
		exchange_add_header(
			exchange, "x-ms-throttle-information", "%s", verdict->limit->information);
	return !exchange_throttle(exchange, verdict->wait_ms);
}

bool quota_admit(struct exchange *exchange)
{
	struct simulator *simulator = exchange->simulator;
	struct simulator_usage *usage = &simulator->quota.usage;
	struct cost cost = cost_of(exchange);
	struct verdict verdict = { 0 };

	if (!cost.units)
		return true;
	usage->requests++;
	exchange_add_header(exchange, "x-ms-resource-unit", "%u", cost.units);
	if (simulator->options.quota != SIMULATOR_QUOTA_OFF) {
		charge(simulator, QUOTA_UNITS, cost.units, &verdict);
		if (cost.writes)
			charge(simulator, QUOTA_WRITES, cost.writes, &verdict);
		if (exchange_fits(exchange, "auditLogs/directoryAudits"))
			charge(simulator, QUOTA_AUDITS, 1, &verdict);
	}
	if (verdict.percent >= TOLD_FROM)
		exchange_add_header(exchange, "x-ms-throttle-limit-percentage", "%d.%02d",
			(int)(verdict.percent / 100), (int)(verdict.percent % 100));
	if (verdict.wait_ms > 0)
		return refuse(exchange, &verdict);
	usage->units += cost.units;
	usage->writes += cost.writes;
	return true;
}

struct simulator_usage simulator_usage(struct simulator *simulator)
{
	struct simulator_usage usage;

	simulator_lock(simulator);
	usage = simulator->quota.usage;
	simulator_unlock(simulator);
	return usage;
}
