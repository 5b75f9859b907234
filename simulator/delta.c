/*
 * GET /users/delta, /groups/delta, /contacts/delta (contract 2.9): rounds of pages, each page
 * with exactly one link, before `value`. A chain is a query and a place in the log of changes.
 * What a client must bear, the options bring about: empty pages, groups that go on over pages,
 * replays out of order, tokens that nobody knows any more.
 */
#include <stdio.h>

#include "base/memory.h"
#include "simulator/delta.h"

static const char token_option[] = "$deltatoken", skip_option[] = "$skiptoken";

/* ---- what is asked ----------------------------------------------------------------------------- */

static bool prefers_minimal(const struct exchange *exchange)
{
	static const char minimal[] = "return=minimal";
	struct span prefer = exchange->prefer;

	for (size_t i = 0; i + sizeof(minimal) - 1 <= prefer.length; i++)
		if (strncasecmp(prefer.data + i, minimal, sizeof(minimal) - 1) == 0)
			return true;
	return false;
}

static void add_option(struct buf *url, const char *name, const char *value)
{
	if (!value)
		return;
	buf_addf(url, "&%s=", name);
	/* What passed as names and ids needs nothing else. */
	for (; *value; value++)
		buf_add_text(url, *value == ' ' ? "%20" : (char[]){ *value, '\0' });
}

/* Full synchronisation from the first call again: its URL, with an empty token. */
static void add_location(struct exchange *exchange, const struct delta_query *query)
{
	CLEANUP(buf_release) struct buf url = BUF_UP_TO(4 * PATH_MAX_BYTES);
	const char *graph = exchange->simulator->options.graph_url;

	buf_addf(&url, "%s/v1.0/%s/delta?%s=", graph ? graph : "https://graph.microsoft.com",
		query->schema->collection, token_option);
	add_option(&url, "$select", query->select);
	add_option(&url, "$filter", query->filter);
	exchange_add_header(exchange, "Location", "%s", buf_text(&url));
}

static bool refuse_lost(struct exchange *exchange, const struct delta_query *query)
{
	if (exchange->simulator->options.delta_lost_as_400)
		return exchange_refuse(exchange, 400, "resyncRequired",
			"The delta token is no longer valid, and the application must reset the sync state.");
	add_location(exchange, query);
	return exchange_refuse(exchange, 410, "syncStateNotFound",
		"The sync state generation is not found; the application must restart with a full synchronization.");
}

static bool is_lost(const struct exchange *exchange, const struct delta_claim *claim)
{
	struct simulator *simulator = exchange->simulator;
	unsigned at = simulator->options.delta_lost_at;

	if (exchange->page_fault == SIMULATOR_PAGE_EXPIRED)
		return true;

	if (at && ++simulator->faults.delta_tokens == at)
		return true;
	return simulator->now_ms - claim->issued_ms >= DELTA_TOKEN_MS;
}

/* From the token in the request to where the round stands. False with the answer. */
static bool resume(
	struct delta_page *page, struct delta_query *query, const char *token, bool from_delta_link)
{
	struct exchange *exchange = page->exchange;
	struct delta_claim *claim = &page->claim;

	if (exchange->option_count > 1)
		return !exchange_refuse(exchange, 400, "Request_UnsupportedQuery",
			"Query options can't be combined with a token: they are encoded in it.");
	if (!claim_unseal(exchange->simulator, token, claim, sizeof(*claim)) ||
		claim->is_end != from_delta_link)
		return !exchange_refuse(exchange, 400, "Request_BadRequest", "Badly formed token.");
	if (!delta_query_find(query, exchange, claim->query))
		return false;
	if (is_lost(exchange, claim))
		return !refuse_lost(exchange, query);
	if (claim->is_end) {
		claim->is_end = false;
		claim->until = changes_until(exchange->simulator);
	}
	return true;
}

static void begin(struct delta_page *page, const struct delta_query *query)
{
	struct delta_claim *claim = &page->claim;

	memset(claim, 0, sizeof(*claim));
	memcpy(claim->query, query->digest, sizeof(claim->query));
	claim->is_first = true;
	claim->until = changes_until(page->exchange->simulator);
}

/* ---- links ------------------------------------------------------------------------------------- */

static json_t *link_to(struct delta_page *page)
{
	struct exchange *exchange = page->exchange;
	char token[SEALED_MAX];

	page->claim.issued_ms = exchange->simulator->now_ms;
	claim_seal(exchange->simulator, &page->claim, sizeof(page->claim), token);
	return json_sprintf("%s/v1.0/%s/delta?%s=%s", page_link_url(exchange->simulator),
		page->query->schema->collection, page->claim.is_end ? token_option : skip_option,
		token);
}

/* The round is over: the next one begins where this one began to look. */
static void end_round(struct delta_page *page, bool replays)
{
	struct delta_claim *claim = &page->claim;
	int64_t span = claim->until - claim->since, back = 0;

	/* Never as much as there was: rounds end by falling silent. */
	if (replays && span > 0)
		back = (int64_t)simulator_random_below(
			page->exchange->simulator, (uint64_t)(span < 8 ? span : 8));
	claim->since = claim->until - back;
	claim->until = 0;
	claim->is_first = false;
	claim->is_end = true;
	memset(&claim->place, 0, sizeof(claim->place));
	memset(claim->member, 0, sizeof(claim->member));
}

static bool answer_page(struct delta_page *page)
{
	struct exchange *exchange = page->exchange;
	const char *url = exchange->simulator->options.graph_url;
	const char *select = page->query->select;
	json_t *body = json_object();

	json_object_set_new(body, "@odata.context",
		json_sprintf("%s/v1.0/$metadata#%s%s%s%s",
			url ? url : "https://graph.microsoft.com", page->query->schema->collection,
			select ? "(" : "", select ? select : "", select ? ")" : ""));
	json_object_set_new(
		body, page->claim.is_end ? "@odata.deltaLink" : "@odata.nextLink", link_to(page));
	json_object_set(body, "value", page->items);
	if (page->minimal)
		exchange_add_header(exchange, "Preference-Applied", "return=minimal");
	fault_change_page(exchange, body);
	return exchange_answer_take(exchange, 200, body);
}

/* ---- replays ----------------------------------------------------------------------------------- */

static void replay_items(struct delta_page *page)
{
	struct simulator *simulator = page->exchange->simulator;
	size_t count = json_array_size(page->items);

	if (count == 0)
		return;
	json_array_append(page->items,
		json_array_get(page->items, (size_t)simulator_random_below(simulator, count)));
	simulator_shuffle(simulator, page->items);
}

/* The next page begins somewhere on this one, though never at its first object again. */
static void replay_from(struct delta_page *page, const struct change_place *places, size_t count)
{
	struct simulator *simulator = page->exchange->simulator;

	if (count < 2)
		return;
	page->claim.place = places[simulator_random_below(simulator, count)];
	memset(page->claim.member, 0, sizeof(page->claim.member));
}

/* ---- pages ------------------------------------------------------------------------------------- */

static bool is_due(unsigned every, unsigned number)
{
	return every && number % every == 0;
}

static size_t limited(unsigned option, size_t standard)
{
	size_t size = option ? option : standard;

	return size < DELTA_PAGE_MAX ? size : DELTA_PAGE_MAX;
}

/* Takes objects while there is room for them and their members; `taken` are those told whole. */
static bool fill(struct delta_page *page, const struct change_place *places, size_t count,
	size_t *taken, struct error *err)
{
	for (*taken = 0; *taken < count; ++*taken) {
		if (page->members_left == 0)
			return true;
		if (!delta_take(page, &places[*taken], err))
			return false;
		if (page->claim.member[0])
			return true;
	}
	return true;
}

static bool fill_and_answer(struct delta_page *page, bool replays, struct error *err)
{
	struct simulator *simulator = page->exchange->simulator;
	size_t size = limited(simulator->options.delta_page, DELTA_PAGE);
	CLEANUP(memory_freep)
	struct change_place *places = memory_new((size + 1) * sizeof(*places));
	struct change_span room;
	size_t found, taken;

	if (!changes_objects(simulator, page->query->schema->kind, delta_span(page, &room),
		    &page->claim.place, page->claim.member[0] != '\0', size + 1, places, &found,
		    err) ||
		!fill(page, places, found < size ? found : size, &taken, err))
		return false;
	if (replays)
		replay_items(page);
	if (taken == found)
		end_round(page, replays);
	else if (replays)
		replay_from(page, places, taken);
	return answer_page(page);
}

static bool answer_round(struct delta_page *page, struct error *err)
{
	struct simulator *simulator = page->exchange->simulator;
	unsigned number = ++simulator->faults.delta_pages;

	page->minimal = prefers_minimal(page->exchange);
	page->members_left = limited(simulator->options.delta_members, DELTA_MEMBERS);
	if (is_due(simulator->options.delta_empty_every, number))
		return answer_page(page);
	return fill_and_answer(page, is_due(simulator->options.delta_replay_every, number), err);
}

static void delta_page_release(struct delta_page *page)
{
	json_decref(page->items);
}

bool answer_delta(struct exchange *exchange, struct error *err)
{
	static const char *const options[] = { "$select", "$filter", token_option, skip_option,
		NULL };
	CLEANUP(delta_query_release) struct delta_query query = { 0 };
	CLEANUP(delta_page_release)
	struct delta_page page = { .exchange = exchange, .query = &query, .items = json_array() };
	const char *token = exchange_option(exchange, token_option);
	const char *skip = exchange_option(exchange, skip_option);
	bool is_latest = token && strcmp(token, "latest") == 0;

	if (!exchange_allows(exchange, options))
		return true;
	fault_next_page(exchange);
	if (skip || (token && token[0] && !is_latest))
		return !resume(&page, &query, skip ? skip : token, !skip) ||
			answer_round(&page, err);
	if (!delta_query_parse(&query, exchange))
		return true;
	if (!delta_query_keep(&query, exchange->simulator, err))
		return false;
	begin(&page, &query);
	if (!is_latest)
		return answer_round(&page, err);
	end_round(&page, false);
	return answer_page(&page);
}
