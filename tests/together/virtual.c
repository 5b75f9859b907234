#include "tests/together/virtual.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/time.h"

enum { START_MS = 1000, FLIGHTS_MAX = 64 };

/* Only what clocks, which have no context, must reach. */
static int64_t now_ms;

/* A request that is on its way to the tenant, or its answer on the way back. */
struct flight {
	struct net_exchange *exchange;
	int64_t arrives_ms, returns_ms;
	bool answered;
};

struct virtual
{
	struct simulator *simulator;
	struct transport transport;
	struct net_origins *origins;
	struct auth *auth;
	struct graph *graph;
	int64_t latency_ms, story_ms;
	struct flight flights[FLIGHTS_MAX];
	size_t count, most, throttled;
	struct buf bodies; /* of all batches */
};

static int64_t clock_ms(void)
{
	return now_ms;
}

static int64_t quota_clock(void *context)
{
	(void)context;
	return now_ms;
}

/* The tenant's time passes with ours. */
static void pass_until(struct virtual *world, int64_t then_ms)
{
	if (then_ms <= now_ms)
		return;
	now_ms = then_ms;
	simulator_set_now_ms(world->simulator, world->story_ms + now_ms);
}

void virtual_sleep_ms(int64_t duration_ms)
{
	now_ms += duration_ms;
}

/* ---- one exchange ---------------------------------------------------------------------- */

static struct span header_of(const struct net_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (strcmp(request->headers[i].name, name) == 0)
			return span_of(request->headers[i].value);
	return SPAN_NONE;
}

static void take_headers(struct net_response *response, const struct buf *headers)
{
	const char *at = buf_text(headers);

	while (*at) {
		const char *end = strstr(at, "\r\n");
		const char *colon = memchr(at, ':', (size_t)(end - at));

		for (const char *name = at; name < colon; name++)
			buf_add_byte(&response->headers,
				(char)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name));
		buf_add_span(&response->headers, (struct span){ colon, (size_t)(end - colon) });
		buf_add_byte(&response->headers, '\n');
		at = end + 2;
	}
}

static void answer(struct virtual *world, struct net_exchange *exchange)
{
	const struct net_request *request = &exchange->request;
	struct net_response *response = &exchange->response;
	CLEANUP(buf_release) struct buf bearer = BUF_UP_TO(64 << 10);
	CLEANUP(simulator_response_release) struct simulator_response got = { 0 };
	struct simulator_request asked = {
		.method = request->method,
		.path = request->url + strlen(VIRTUAL_ORIGIN),
		.content_type = header_of(request, "content-type"),
		.consistency_level = header_of(request, "consistencylevel"),
		.client_request_id = header_of(request, "client-request-id"),
		.prefer = header_of(request, "prefer"),
		.body = request->body,
	};

	if (request->bearer) {
		buf_addf(&bearer, "Bearer %s", request->bearer);
		asked.authorization = buf_span(&bearer);
	}
	got.headers.limit = got.body.limit = 64 << 20;
	buf_add_span(&world->bodies, request->bearer ? request->body : SPAN_NONE);
	simulator_set_now_ms(world->simulator, world->story_ms + now_ms);
	simulator_handle(world->simulator, &asked, &got);
	response->sent = true;
	exchange->good = !got.cut;
	if (got.cut) {
		error_set(&exchange->error, ERROR_NETWORK, "the connection broke");
		return;
	}
	response->status = got.status;
	world->throttled += got.status == 429;
	take_headers(response, &got.headers);
	if (request->sink && got.status / 100 == 2)
		exchange->good = request->sink(
			request->sink_context, buf_span(&got.body), &exchange->error);
	else
		buf_add_span(&response->body, buf_span(&got.body));
}

static bool send(void *context, const struct net_request *request, struct net_response *response,
	struct error *err)
{
	struct virtual *world = context;
	struct net_exchange exchange = { .request = *request, .response = *response };

	pass_until(world, now_ms + world->latency_ms);
	answer(world, &exchange);
	*response = exchange.response;
	*err = exchange.error;
	return exchange.good;
}

/* ---- several at once ------------------------------------------------------------------- */

static void begin(void *context, struct net_exchange *exchange)
{
	struct virtual *world = context;

	assert_true(world->count < FLIGHTS_MAX);
	world->flights[world->count++] = (struct flight){
		.exchange = exchange,
		.arrives_ms = now_ms + world->latency_ms / 2,
		.returns_ms = now_ms + world->latency_ms,
	};
	if (world->count > world->most)
		world->most = world->count;
}

static int64_t next_event_ms(const struct virtual *world)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < world->count; i++) {
		const struct flight *flight = &world->flights[i];
		int64_t at = flight->answered ? flight->returns_ms : flight->arrives_ms;

		next = at < next ? at : next;
	}
	return next;
}

static void remove_flight(struct virtual *world, size_t at)
{
	world->count--;
	memmove(&world->flights[at], &world->flights[at + 1],
		(world->count - at) * sizeof(*world->flights));
}

/* The tenant answers what has arrived; what has returned is done. */
static bool step(struct virtual *world)
{
	bool returned = false;

	for (size_t i = 0; i < world->count; i++) {
		struct flight *flight = &world->flights[i];

		if (!flight->answered && flight->arrives_ms <= now_ms) {
			answer(world, flight->exchange);
			flight->answered = true;
		}
		if (!flight->answered || flight->returns_ms > now_ms)
			continue;
		flight->exchange->done = returned = true;
		remove_flight(world, i--);
	}
	return returned;
}

static void wait(void *context, int64_t timeout_ms)
{
	struct virtual *world = context;
	int64_t until_ms = now_ms + timeout_ms;

	while (world->count && !step(world)) {
		int64_t next_ms = next_event_ms(world);

		if (next_ms > until_ms) {
			pass_until(world, until_ms);
			return;
		}
		pass_until(world, next_ms);
	}
}

static void cancel(void *context, struct net_exchange *exchange)
{
	struct virtual *world = context;

	for (size_t i = 0; i < world->count; i++)
		if (world->flights[i].exchange == exchange)
			remove_flight(world, i--);
}

/* ---- life ------------------------------------------------------------------------------ */

struct virtual *virtual_open(const struct simulator_options *options,
	const struct simulator_size *size, int64_t latency_ms, double quota_share)
{
	struct virtual *world = memory_new(sizeof(*world));
	struct simulator_options simulated = *options;
	struct auth_options auth = { .authority = VIRTUAL_ORIGIN, .graph = VIRTUAL_ORIGIN };
	struct graph_options graph = {
		.url = VIRTUAL_ORIGIN,
		.clock_ms = clock_ms,
		.sleep_ms = virtual_sleep_ms,
		.quota_share = quota_share,
	};
	struct error err = { 0 };

	now_ms = START_MS;
	world->bodies.limit = 64 << 20;
	world->latency_ms = latency_ms;
	simulated.graph_url = VIRTUAL_ORIGIN;
	simulated.quota_clock_ms = quota_clock;
	world->simulator = simulator_open(&simulated, &err);
	if (!world->simulator || !simulator_populate(world->simulator, size, &err))
		fail_msg("%s", err.text);
	world->story_ms = simulator_now_ms(world->simulator);
	world->transport = (struct transport){
		.send = send,
		.begin = begin,
		.wait = wait,
		.cancel = cancel,
		.context = world,
	};
	world->origins = net_origins_new();
	assert_true(
		net_origins_add(world->origins, VIRTUAL_ORIGIN, NET_SECRET_TOKEN, "/v1.0/", &err));
	auth.tenant = simulator_tenant(world->simulator);
	auth.client_id = simulator_client_id(world->simulator);
	auth.secret = span_of(simulator_client_secret(world->simulator));
	world->auth = auth_open(&auth, &world->transport, NULL, &err);
	graph.transport = &world->transport;
	graph.auth = world->auth;
	graph.origins = world->origins;
	world->graph = world->auth ? graph_open(&graph, &err) : NULL;
	if (!world->graph)
		fail_msg("%s", err.text);
	return world;
}

void virtual_close(struct virtual *world)
{
	graph_close(world->graph);
	auth_close(world->auth);
	net_origins_free(world->origins);
	simulator_close(world->simulator);
	buf_release(&world->bodies);
	memory_free(world);
}

struct graph *virtual_graph(struct virtual *world)
{
	return world->graph;
}

struct simulator *virtual_simulator(struct virtual *world)
{
	return world->simulator;
}

int64_t virtual_now_ms(void)
{
	return now_ms - START_MS;
}

size_t virtual_most_at_once(const struct virtual *world)
{
	return world->most;
}

size_t virtual_throttled(const struct virtual *world)
{
	return world->throttled;
}

size_t virtual_asked(const struct virtual *world, const char *part)
{
	size_t count = 0;

	for (const char *at = strstr(buf_text(&world->bodies), part); at; at = strstr(at + 1, part))
		count++;
	return count;
}

size_t virtual_live(struct virtual *world, const char *collection)
{
	char kind[16], id[64];
	size_t count = 0;

	snprintf(kind, sizeof(kind), "%.*s", (int)strlen(collection) - 1, collection);
	while (simulator_hand_pick(world->simulator, kind, count, id))
		count++;
	return count;
}
