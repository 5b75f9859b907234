#include "tests/together/virtual.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/time.h"
#include "rehearsal/rehearsal.h"

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
	struct rehearsal_client client;
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

static bool answer(struct virtual *world, const struct net_request *request,
	struct net_response *response, struct error *err)
{
	bool good;

	buf_add_span(&world->bodies, request->bearer ? request->body : SPAN_NONE);
	simulator_set_now_ms(world->simulator, world->story_ms + now_ms);
	good = rehearsal_answer(world->simulator, request, response, err);
	world->throttled += response->status == 429;
	return good;
}

static bool send(void *context, const struct net_request *request, struct net_response *response,
	struct error *err)
{
	struct virtual *world = context;

	pass_until(world, now_ms + world->latency_ms);
	return answer(world, request, response, err);
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
			struct net_exchange *exchange = flight->exchange;

			exchange->good = answer(
				world, &exchange->request, &exchange->response, &exchange->error);
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
	const struct graph_options graph = {
		.transport = &world->transport,
		.clock_ms = clock_ms,
		.sleep_ms = virtual_sleep_ms,
		.quota_share = quota_share,
	};
	struct error err = { 0 };

	now_ms = START_MS;
	world->bodies.limit = 64 << 20;
	world->latency_ms = latency_ms;
	simulated.graph_url = REHEARSAL_ORIGIN;
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
	if (!rehearsal_client_open(&world->client, world->simulator, &graph, &err))
		fail_msg("%s", err.text);
	return world;
}

void virtual_close(struct virtual *world)
{
	rehearsal_client_close(&world->client);
	simulator_close(world->simulator);
	buf_release(&world->bodies);
	memory_free(world);
}

struct graph *virtual_graph(struct virtual *world)
{
	return world->client.graph;
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
