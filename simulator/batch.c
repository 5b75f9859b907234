/*
 * POST /$batch (contract 6). Each item is an exchange of its own, with its own headers, quota and
 * outcome; the answers come back in an order that nobody may rely on.
 */
#include <stdio.h>

#include "base/memory.h"
#include "simulator/endpoint.h"

struct batch_item {
	const char *id, *method, *url;
	const json_t *headers, *body, *parents;
};

static bool refuse_batch(struct exchange *exchange, const char *why)
{
	return exchange_refuse(
		exchange, 400, "BadRequest", "Invalid batch payload format: %s", why);
}

static const char *header_of(const struct batch_item *item, const char *wanted)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)item->headers, name,
		value) if (strcasecmp(name, wanted) == 0) return json_string_value(value);
	return NULL;
}

static bool id_seen(const json_t *requests, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++) {
		const char *other = json_text_or_null(json_array_get(requests, i), "id");

		if (other && strcmp(other, id) == 0)
			return true;
	}
	return false;
}

/* What is wrong with the item, or NULL. */
static const char *read_item(const json_t *requests, size_t index, struct batch_item *item)
{
	const json_t *json = json_array_get(requests, index);

	item->id = json_text_or_null(json, "id");
	item->method = json_text_or_null(json, "method");
	item->url = json_text_or_null(json, "url");
	item->headers = json_object_get(json, "headers");
	item->body = json_object_get(json, "body");
	item->parents = json_object_get(json, "dependsOn");
	if (!item->id || !item->id[0] || !item->method || !item->url)
		return "an item needs id, method and url";
	if (id_seen(requests, index, item->id))
		return "the ids of the items must be unique";
	if (item->url[0] != '/' || strncmp(item->url, "/v1.0", 5) == 0 ||
		strncmp(item->url, "/$batch", 7) == 0)
		return "a url is relative to the version root and no batch";
	if (item->headers && !json_is_object(item->headers))
		return "headers must be an object";
	if (item->parents && !json_is_array(item->parents))
		return "dependsOn must be an array";
	for (size_t i = 0; i < json_array_size(item->parents); i++) {
		const char *parent = json_string_value(json_array_get(item->parents, i));

		if (!parent || !id_seen(requests, index, parent))
			return "dependsOn must name items that came before";
	}
	return NULL;
}

/* Whether an item that this one waits for has failed. */
static bool parent_failed(const json_t *responses, const struct batch_item *item)
{
	for (size_t i = 0; i < json_array_size(responses); i++) {
		const json_t *response = json_array_get(responses, i);

		if (json_integer_value(json_object_get(response, "status")) >= 400 &&
			json_array_holds(item->parents, json_text_or_null(response, "id")))
			return true;
	}
	return false;
}

static bool is_throttled(struct simulator *simulator)
{
	unsigned every = simulator->options.throttle_items;

	return every && ++simulator->faults.items % every == 0;
}

static bool answer_item(struct exchange *part, const struct batch_item *item,
	const json_t *responses, struct error *err)
{
	if (parent_failed(responses, item))
		return exchange_refuse(part, 424, "FailedDependency",
			"An item that this one depends on has failed.");
	if (is_throttled(part->simulator))
		return exchange_throttle(part, FAULT_WAIT_MS);
	if (!exchange_parse_target(part, item->url))
		return exchange_refuse(
			part, 400, "BadRequest", "The url of the item is malformed.");
	return exchange_route(part, err);
}

static bool run_item(struct exchange *envelope, const struct batch_item *item, json_t *responses,
	struct error *err)
{
	CLEANUP(buf_release) struct buf body = BUF_UP_TO(BODY_MAX_BYTES);
	struct simulator *simulator = envelope->simulator;
	const char *consistency = header_of(item, "ConsistencyLevel");
	CLEANUP(exchange_release)
	struct exchange part = {
		.simulator = simulator,
		.method = item->method,
		.target = item->url,
		.content_type = span_of(header_of(item, "Content-Type")),
		.client_request_id = span_of(header_of(item, "client-request-id")),
		.prefer = span_of(header_of(item, "Prefer")),
		.eventual = consistency && strcasecmp(consistency, "eventual") == 0,
		.is_item = true,
	};
	json_t *response;

	if (item->body)
		json_dump_to(&body, item->body);
	part.body = buf_span(&body);
	simulator_guid(simulator, part.request_id);
	if (!answer_item(&part, item, responses, err) ||
		!book_request(simulator, part.method, part.target, part.answer.status,
			part.is_write, true, err))
		return false;
	response = json_object();
	json_object_set_new(response, "id", json_string(item->id));
	exchange_item_response(&part, response);
	json_array_append_new(responses, response);
	return true;
}

bool answer_batch(struct exchange *exchange, struct error *err)
{
	CLEANUP(json_freep) json_t *body = exchange_body(exchange);
	CLEANUP(json_freep) json_t *responses = json_array();
	struct batch_item items[BATCH_ITEMS_MAX];
	const json_t *requests = json_object_get(body, "requests");
	size_t count = json_array_size(requests);

	if (!body)
		return true;
	if (count == 0)
		return refuse_batch(exchange, "there are no requests");
	if (count > BATCH_ITEMS_MAX)
		return refuse_batch(exchange, "the number of requests exceeds the limit of 20");
	for (size_t i = 0; i < count; i++) {
		const char *wrong = read_item(requests, i, &items[i]);

		if (wrong)
			return refuse_batch(exchange, wrong);
	}
	for (size_t i = 0; i < count; i++)
		if (!run_item(exchange, &items[i], responses, err))
			return false;
	simulator_shuffle(exchange->simulator, responses);
	return exchange_answer_take(exchange, 200, json_pack("{s:O}", "responses", responses));
}
