/*
 * Faults by number: reads that are refused, and pages that are not what they should be. What is
 * wrong with a page is either in its JSON, or in the bytes that it was written as.
 */
#include <stdio.h>

#include "base/memory.h"
#include "simulator/endpoint.h"

enum {
	STATUS_LEAST = 400,
	STATUS_MOST = 599,
	HUGE_BYTES = (64 << 20) + 1,
	EMPTY_ITEMS_BYTES = 30000000,
	FAULT_BYTES_MAX = 1 << 30,
	FAULT_BYTES_OVER = 64 << 20, /* beyond what was wished: the last item, and the rest */
	LATENCY_MAX_MS = 60000,
};

const char *const simulator_page_fault_names[] = { "good", "html", "empty", "cut", "short",
	"no-value", "value-object", "value-null", "value-text", "item-text", "huge", "empty-items",
	"link-self", "link-back", "content-type", "expired", NULL };

bool faults_check(const struct simulator_options *options, struct error *err)
{
	if (options->fail_status &&
		(options->fail_status < STATUS_LEAST || options->fail_status > STATUS_MOST))
		return error_set(err, ERROR_USAGE, "simulator: a read fails with %d to %d, not %d",
			STATUS_LEAST, STATUS_MOST, options->fail_status);
	if (options->page_fault_bytes < 0 || options->page_fault_bytes > FAULT_BYTES_MAX)
		return error_set(err, ERROR_USAGE, "simulator: a page has at most %d bytes",
			FAULT_BYTES_MAX);
	if (options->latency_ms < 0 || options->latency_ms > LATENCY_MAX_MS)
		return error_set(err, ERROR_USAGE, "simulator: an answer takes at most %d ms",
			LATENCY_MAX_MS);
	if (options->delta_empty_every == 1)
		return error_set(err, ERROR_USAGE,
			"simulator: delta would never end with nothing but empty pages");
	return true;
}

/* Whether `number` is among the `count` (0: one) from `first` (0: the first) on. */
static bool is_due(unsigned number, unsigned first, unsigned count)
{
	if (!first)
		first = 1;
	return number >= first && number - first < (count ? count : 1);
}

/* ---- reads ----------------------------------------------------------------------------------- */

/* Contract 5.8; a status that has no code there has the one Graph uses when it knows no better. */
static const struct failure {
	int status;
	const char *code, *message;
} failures[] = {
	{ 400, "Request_BadRequest", "The request is malformed or incorrect." },
	{ 401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid." },
	{ 403, "Authorization_RequestDenied",
		"Insufficient privileges to complete the operation." },
	{ 404, "Request_ResourceNotFound", "The resource does not exist." },
	{ 409, "Request_MultipleObjectsWithSameKeyValue",
		"A conflicting object with one or more of the specified property values is present in the directory." },
	{ 410, "syncStateNotFound", "The sync state generation is not found." },
	{ 424, "FailedDependency", "A request that this one depends on has failed." },
	{ 429, "TooManyRequests", "Too many requests." },
	{ 500, "InternalServerError", "An internal server error occurred." },
	{ 503, "Directory_ReplicaUnavailable", "The directory replica is not available." },
	{ 504, "GatewayTimeout", "The request timed out." },
};

static const struct failure *failure_of(int status)
{
	static const struct failure other = { 0, "UnknownError", "The request has failed." };

	for (size_t i = 0; i < COUNT_OF(failures); i++)
		if (failures[i].status == status)
			return &failures[i];
	return &other;
}

static bool fail_read(struct exchange *exchange)
{
	const struct simulator_options *options = &exchange->simulator->options;
	int status = options->fail_status ? options->fail_status : 503;
	const struct failure *failure = failure_of(status);

	if (status == 429)
		exchange_throttle(exchange, FAULT_WAIT_MS);
	else if (status == 503 || status == 504)
		exchange_add_retry_after(exchange, FAULT_WAIT_MS);
	return exchange_refuse(exchange, status,
		options->fail_code ? options->fail_code : failure->code, "%s", failure->message);
}

bool fault_passes_read(struct exchange *exchange)
{
	const struct simulator_options *options = &exchange->simulator->options;
	unsigned number = ++exchange->simulator->faults.reads;

	if (options->fail_at && is_due(number, options->fail_at, options->fail_count))
		return !fail_read(exchange);
	if (options->fail_every && number % options->fail_every == 0)
		return !exchange_refuse(exchange, 503, "Directory_ReplicaUnavailable",
			"The directory replica is not available.");
	return true;
}

/* ---- pages: which ---------------------------------------------------------------------------- */

static bool is_link_fault(enum simulator_page_fault fault)
{
	return fault == SIMULATOR_PAGE_LINK_SELF || fault == SIMULATOR_PAGE_LINK_BACK;
}

static bool is_counted(const struct exchange *exchange)
{
	const char *list = exchange->simulator->options.page_fault_list;

	return !exchange->is_item &&
		(!list || strcmp(list, exchange->segments[exchange->segment_count - 1]) == 0);
}

void fault_next_page(struct exchange *exchange)
{
	const struct simulator_options *options = &exchange->simulator->options;
	struct fault_counters *counters = &exchange->simulator->faults;
	unsigned first = options->page_fault_at ? options->page_fault_at : 1;
	unsigned count = options->page_fault_count ? options->page_fault_count : 1;

	if (!options->page_fault || !is_counted(exchange))
		return;
	/* A loop once made stays: its pages are told by their addresses. */
	if (is_link_fault(options->page_fault) && counters->loop[0]) {
		exchange->page_fault = options->page_fault;
		return;
	}
	if (++counters->pages < first || counters->bad_pages == count)
		return;
	/* Only a token can expire. */
	if (options->page_fault == SIMULATOR_PAGE_EXPIRED &&
		!exchange_option(exchange, "$skiptoken"))
		return;
	counters->bad_pages++;
	exchange->page_fault = options->page_fault;
}

/* ---- pages: their JSON ----------------------------------------------------------------------- */

static const char *page_url(const struct simulator *simulator)
{
	return simulator->options.graph_url ? simulator->options.graph_url
					    : "https://graph.microsoft.com";
}

/* The address that the list began at: a page token is always last. */
static char *first_target(const char *target)
{
	const char *token = strstr(target, "$skiptoken=");

	return token && token > target ? memory_text_span(target, (size_t)(token - target) - 1)
				       : memory_text(target);
}

static void make_loop(struct exchange *exchange, const json_t *body)
{
	char **loop = exchange->simulator->faults.loop;
	const char *next = json_text_or_null(body, "@odata.nextLink");
	const char *url = page_url(exchange->simulator);

	loop[1] = memory_text(exchange->target);
	if (exchange->page_fault == SIMULATOR_PAGE_LINK_SELF)
		loop[0] = memory_text(exchange->target);
	else if (exchange_option(exchange, "$skiptoken") || !next)
		loop[0] = first_target(exchange->target);
	else
		loop[0] = memory_text(next + strlen(url));
}

static void link_back(struct exchange *exchange, json_t *body)
{
	char **loop = exchange->simulator->faults.loop;
	size_t here = 0;

	if (!loop[0])
		make_loop(exchange, body);
	while (here < 2 && strcmp(loop[here], exchange->target) != 0)
		here++;
	if (here < 2)
		json_object_set_new(body, "@odata.nextLink",
			json_sprintf("%s%s", page_url(exchange->simulator), loop[1 - here]));
}

void fault_change_page(struct exchange *exchange, json_t *body)
{
	static const char *const values[] = {
		[SIMULATOR_PAGE_VALUE_OBJECT] = "{}",
		[SIMULATOR_PAGE_VALUE_NULL] = "null",
		[SIMULATOR_PAGE_VALUE_TEXT] = "\"[]\"",
		[SIMULATOR_PAGE_ITEM_TEXT] = "[\"{}\"]",
	};
	enum simulator_page_fault fault = exchange->page_fault;

	if (fault == SIMULATOR_PAGE_NO_VALUE)
		json_object_del(body, "value");
	else if (fault < COUNT_OF(values) && values[fault])
		json_object_set_new(
			body, "value", json_loads(values[fault], JSON_DECODE_ANY, NULL));
	else if (is_link_fault(fault))
		link_back(exchange, body);
}

/* ---- pages: their bytes ---------------------------------------------------------------------- */

/* "{…,"value":[item,item,…]}", the items again and again until there are that many bytes. */
static void write_many(struct buf *out, const json_t *page, struct span items, size_t bytes)
{
	CLEANUP(json_freep) json_t *rest = json_copy((json_t *)page);

	json_object_del(rest, "value");
	buf_cut(out, 0);
	out->limit = bytes + FAULT_BYTES_OVER;
	json_dump_to(out, rest);
	buf_cut(out, out->length - 1);
	buf_add_text(out, ",\"value\":[");
	buf_add_span(out, items);
	while (out->length < bytes) {
		buf_add_byte(out, ',');
		buf_add_span(out, items);
	}
	buf_add_text(out, "]}");
}

/* The items of the page without the brackets around them. */
static void write_huge(struct buf *out, const json_t *page, size_t bytes)
{
	CLEANUP(buf_release) struct buf items = BUF_UP_TO(ANSWER_MAX_BYTES);
	const json_t *value = json_object_get(page, "value");
	struct span inside;

	json_dump_to(&items, value);
	inside = buf_span(&items);
	inside = json_array_size(value) > 0 ? (struct span){ inside.data + 1, inside.length - 2 }
					    : span_of("{}");
	write_many(out, page, inside, bytes);
}

void fault_change_bytes(struct exchange *exchange, struct simulator_response *response)
{
	struct buf *body = &response->body;
	size_t wished = (size_t)exchange->simulator->options.page_fault_bytes;
	size_t kept = wished ? wished : body->length / 2;

	if (exchange->answer.status != 200)
		return;
	switch (exchange->page_fault) {
	case SIMULATOR_PAGE_HTML:
		buf_cut(body, 0);
		buf_add_text(body,
			"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in to use this network.</body></html>\n");
		return;
	case SIMULATOR_PAGE_EMPTY:
		buf_cut(body, 0);
		return;
	case SIMULATOR_PAGE_CUT:
		response->announced = body->length;
		buf_cut(body, kept < body->length ? kept : body->length - 1);
		return;
	case SIMULATOR_PAGE_SHORT:
		buf_cut(body, kept < body->length ? kept : body->length - 1);
		return;
	case SIMULATOR_PAGE_HUGE:
		write_huge(body, exchange->answer.body, wished ? wished : HUGE_BYTES);
		return;
	case SIMULATOR_PAGE_EMPTY_ITEMS:
		write_many(body, exchange->answer.body, span_of("{}"),
			wished ? wished : EMPTY_ITEMS_BYTES);
		return;
	default:
		return;
	}
}

const char *fault_content_type(const struct exchange *exchange)
{
	if (exchange->answer.status != 200)
		return NULL;
	switch (exchange->page_fault) {
	case SIMULATOR_PAGE_HTML:
		return "text/html; charset=utf-8";
	case SIMULATOR_PAGE_CONTENT_TYPE:
		return "text/plain; charset=utf-8";
	default:
		return NULL;
	}
}
