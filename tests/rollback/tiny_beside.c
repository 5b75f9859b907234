/* Requests beside each other: what arrives next, and what is answered next, is drawn by lot. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rollback/tiny_graph.h"

enum { EVENT_MS = 20 };

static size_t draw(struct tiny_beside *beside, size_t below)
{
	beside->seed = beside->seed * 1664525 + 1013904223;
	return (beside->seed >> 8) % below;
}

/* ---- what may not be under way together ------------------------------------------------- */

static json_t *requests_of(const struct net_request *request)
{
	json_t *envelope = request->body.data
		? json_loadb(request->body.data, request->body.length, 0, NULL)
		: NULL;
	json_t *requests = json_incref(json_object_get(envelope, "requests"));

	json_decref(envelope);
	return requests;
}

static bool is_write(const struct net_request *request)
{
	json_t *requests = requests_of(request);
	const char *method = json_string_value(
		json_object_get(json_array_get(requests, 0), "method"));
	bool write = method && strcmp(method, "GET") != 0;

	json_decref(requests);
	return write;
}

/* The object that a write is about: the first id in its path. */
static void id_of_write(const json_t *item, char id[static TINY_ID_BYTES])
{
	const char *path = json_string_value(json_object_get(item, "url"));
	const char *at = strstr(path, "00000000-");

	assert(at);
	snprintf(id, TINY_ID_BYTES, "%.36s", at);
}

/* No write is about an object that the other batch names anywhere. */
static void check_apart(const struct net_request *one, const struct net_request *other)
{
	json_t *requests = requests_of(one), *item;
	char *text = strndup(other->body.data, other->body.length);
	size_t i;

	json_array_foreach(requests, i, item)
	{
		char id[TINY_ID_BYTES];

		id_of_write(item, id);
		if (strstr(text, id)) {
			fprintf(stderr, "two batches under way name %s\n", id);
			abort();
		}
	}
	free(text);
	json_decref(requests);
}

static void note_write(struct tiny_beside *beside, const struct net_exchange *exchange)
{
	size_t writes = 1;

	for (size_t i = 0; i < beside->count; i++) {
		const struct net_request *other = &beside->exchanges[i]->request;

		if (!is_write(other))
			continue;
		writes++;
		check_apart(&exchange->request, other);
		check_apart(other, &exchange->request);
	}
	if (writes > beside->most_writes)
		beside->most_writes = writes;
	assert(beside->write_count < TINY_WRITES_MAX);
	beside->others[beside->write_count++] = beside->count;
}

/* ---- the transport ------------------------------------------------------------------------ */

static void beside_begin(void *context, struct net_exchange *exchange)
{
	struct tiny_beside *beside = ((struct tiny_graph *)context)->beside;

	if (is_write(&exchange->request))
		note_write(beside, exchange);
	assert(beside->count < TINY_BESIDE_MAX);
	beside->arrived[beside->count] = false;
	beside->exchanges[beside->count++] = exchange;
}

static void take_out(struct tiny_beside *beside, size_t at)
{
	beside->count--;
	for (size_t i = at; i < beside->count; i++) {
		beside->exchanges[i] = beside->exchanges[i + 1];
		beside->arrived[i] = beside->arrived[i + 1];
	}
}

static void arrive(struct tiny_graph *tiny, struct net_exchange *exchange)
{
	exchange->good = tiny_serve(
		tiny, &exchange->request, &exchange->response, &exchange->error);
}

static void answer(struct tiny_graph *tiny, size_t at)
{
	struct tiny_beside *beside = tiny->beside;

	tiny_sleep_ms(beside->answer_takes_ms);
	if (++beside->answers == beside->slow_answer) {
		tiny_sleep_ms(beside->slow_ms);
		if (beside->meanwhile)
			beside->meanwhile(tiny);
	}
	beside->exchanges[at]->done = true;
	take_out(beside, at);
}

static void beside_wait(void *context, int64_t timeout_ms)
{
	struct tiny_graph *tiny = context;
	struct tiny_beside *beside = tiny->beside;
	size_t at;

	if (!beside->count)
		return;
	tiny_sleep_ms(timeout_ms < EVENT_MS ? timeout_ms : EVENT_MS);
	at = draw(beside, beside->count);
	if (beside->arrived[at]) {
		answer(tiny, at);
		return;
	}
	beside->arrived[at] = true;
	arrive(tiny, beside->exchanges[at]);
}

static void beside_cancel(void *context, struct net_exchange *exchange)
{
	struct tiny_beside *beside = ((struct tiny_graph *)context)->beside;

	for (size_t i = 0; i < beside->count; i++)
		if (beside->exchanges[i] == exchange)
			take_out(beside, i--);
}

void tiny_go_beside(struct tiny_graph *tiny, struct tiny_beside *beside, uint32_t seed)
{
	*beside = (struct tiny_beside){ .seed = seed };
	tiny->beside = beside;
	tiny->transport.begin = beside_begin;
	tiny->transport.wait = beside_wait;
	tiny->transport.cancel = beside_cancel;
}
