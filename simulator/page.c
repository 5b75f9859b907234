/*
 * Pages. A $skiptoken is sealed: it names the list it belongs to (path and options) and the
 * position to go on from, and nobody but this simulator can read or make one. Used with another
 * list, damaged or old, it is what the service calls an expired page token.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "simulator/endpoint.h"

enum { PAGE_TOKEN_MS = 60 * 60 * 1000 };

struct page_claim {
	uint8_t list[16];
	int64_t issued_ms;
	char position[64];
};

/* The same list: same path, same options but the token itself. */
static void list_digest(const struct exchange *exchange, uint8_t digest[static 16])
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(2 * PATH_MAX_BYTES);

	for (size_t i = 0; i < exchange->segment_count; i++)
		buf_addf(&text, "/%s", exchange->segments[i]);
	for (size_t i = 0; i < exchange->option_count; i++)
		if (strcmp(exchange->options[i].name, "$skiptoken") != 0)
			buf_addf(&text, "\n%s=%s", exchange->options[i].name,
				exchange->options[i].value);
	crypto_generichash(
		digest, 16, (const unsigned char *)buf_text(&text), text.length, NULL, 0);
}

static void seal(struct exchange *exchange, const char *position, char text[static SEALED_MAX])
{
	struct page_claim claim;

	memset(&claim, 0, sizeof(claim));
	list_digest(exchange, claim.list);
	claim.issued_ms = exchange->simulator->now_ms;
	snprintf(claim.position, sizeof(claim.position), "%s", position);
	claim_seal(exchange->simulator, &claim, sizeof(claim), text);
}

static bool unseal(struct exchange *exchange, const char *text, char position[static 64])
{
	struct page_claim claim;
	uint8_t list[16];

	if (!claim_unseal(exchange->simulator, text, &claim, sizeof(claim)))
		return false;
	list_digest(exchange, list);
	if (memcmp(list, claim.list, sizeof(list)) != 0 ||
		exchange->simulator->now_ms - claim.issued_ms > PAGE_TOKEN_MS)
		return false;
	memcpy(position, claim.position, sizeof(claim.position));
	return true;
}

static bool parse_top(struct exchange *exchange, size_t max_size, size_t *size)
{
	const char *text = exchange_option(exchange, "$top");
	unsigned long number;

	if (!text)
		return true;
	number = text[0] && strlen(text) <= 6 && text[strspn(text, "0123456789")] == '\0'
		? strtoul(text, NULL, 10)
		: 0;
	if (number < 1 || number > max_size)
		return !exchange_refuse(exchange, 400, "Request_UnsupportedQuery",
			"Invalid page size specified: '%s'. Must be between 1 and %zu inclusive.",
			text, max_size);
	*size = number;
	return true;
}

bool query_page_init(
	struct page *page, struct exchange *exchange, size_t default_size, size_t max_size)
{
	const char *token = exchange_option(exchange, "$skiptoken");
	unsigned smaller = exchange->simulator->options.page_max;

	page->exchange = exchange;
	page->size = default_size;
	page->items = json_array();
	if (!parse_top(exchange, max_size, &page->size))
		return false;
	if (smaller && smaller < page->size)
		page->size = smaller;
	fault_next_page(exchange);
	if (exchange->page_fault == SIMULATOR_PAGE_EXPIRED ||
		(token && !unseal(exchange, token, page->position)))
		return !exchange_refuse(exchange, 400, "Directory_ExpiredPageToken",
			"The specified page token value has expired and can no longer be included in your request.");
	return true;
}

void query_page_release(struct page *page)
{
	json_decref(page->items);
	page->items = NULL;
}

bool page_take(struct page *page, json_t *item, const char *position)
{
	if (json_array_size(page->items) >= page->size) {
		json_decref(item);
		page->has_next = true;
		return false;
	}
	json_array_append_new(page->items, item);
	snprintf(page->last, sizeof(page->last), "%s", position);
	return true;
}

const char *page_link_url(struct simulator *simulator)
{
	unsigned number = ++simulator->faults.links;

	if (simulator->options.foreign_link_at && number == simulator->options.foreign_link_at)
		return "https://graph.example.net";
	return simulator->options.graph_url ? simulator->options.graph_url
					    : "https://graph.microsoft.com";
}

/* The request as it came, with the new token in place of the old one. */
static json_t *next_link(struct page *page)
{
	struct exchange *exchange = page->exchange;
	CLEANUP(buf_release) struct buf link = BUF_UP_TO(2 * PATH_MAX_BYTES);
	const char *query = strchr(exchange->target, '?');
	size_t path = strcspn(exchange->target, "?");
	char token[SEALED_MAX];

	seal(exchange, page->last, token);
	buf_add_text(&link, page_link_url(exchange->simulator));
	if (exchange->is_item)
		buf_add_text(&link, "/v1.0");
	buf_add(&link, exchange->target, path);
	buf_add_byte(&link, '?');
	for (query = query ? query + 1 : ""; *query;) {
		size_t length = strcspn(query, "&");

		if (strncmp(query, "$skiptoken=", 11) != 0 &&
			strncmp(query, "%24skiptoken=", 13) != 0) {
			buf_add(&link, query, length);
			buf_add_byte(&link, '&');
		}
		query += length + (query[length] == '&');
	}
	buf_addf(&link, "$skiptoken=%s", token);
	return json_stringn(buf_text(&link), link.length);
}

bool page_answer(struct page *page, const char *context, int64_t count)
{
	struct simulator *simulator = page->exchange->simulator;
	json_t *body = json_object();
	const char *url = simulator->options.graph_url;

	json_object_set_new(body, "@odata.context",
		json_sprintf("%s/v1.0/$metadata#%s", url ? url : "https://graph.microsoft.com",
			context));
	/* Only on the first page (contract 2.6). */
	if (count >= 0 && !page->position[0])
		json_object_set_new(body, "@odata.count", json_integer(count));
	if (page->has_next)
		json_object_set_new(body, "@odata.nextLink", next_link(page));
	json_object_set(body, "value", page->items);
	fault_change_page(page->exchange, body);
	return exchange_answer_take(page->exchange, 200, body);
}
