/*
 * Lists, page by page. A page is asked for again where reading may be repeated; its items are
 * kept until it has ended and then handed on, so that a page that broke off leaves nothing
 * behind, and nobody runs inside of a transfer. One page is held, never the list.
 *
 * nextLink is input: every one passes the gate, and one that was followed before would make
 * the list endless [T19].
 */
#include "graph/graph_internal.h"

#include "base/scan.h"
#include "base/text.h"

/* ---- links that were followed: a set of hashes, half empty at most ------------------- */

struct links {
	uint64_t *hashes; /* 0: a free place */
	size_t count, places;
};

static void links_release(struct links *links)
{
	memory_free(links->hashes);
	*links = (struct links){ 0 };
}

/* FNV-1a. A collision can only end a list with an error, never hide a page. */
static uint64_t hash_of(const char *link)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *link; link++)
		hash = (hash ^ (unsigned char)*link) * 0x100000001b3u;
	return hash ? hash : 1;
}

static bool links_insert(struct links *links, uint64_t hash)
{
	size_t at = hash & (links->places - 1);

	while (links->hashes[at]) {
		if (links->hashes[at] == hash)
			return false;
		at = (at + 1) & (links->places - 1);
	}
	links->hashes[at] = hash;
	links->count++;
	return true;
}

/* False where the link is there already. */
static bool links_add(struct links *links, const char *link)
{
	if (links->count * 2 >= links->places) {
		struct links grown = { .places = links->places ? links->places * 2 : 64 };

		grown.hashes = memory_array(grown.places, sizeof(*grown.hashes));
		for (size_t i = 0; i < links->places; i++) {
			if (links->hashes[i])
				(void)links_insert(&grown, links->hashes[i]);
		}
		links_release(links);
		*links = grown;
	}
	return links_insert(links, hash_of(link));
}

/* ---- one page ------------------------------------------------------------------------ */

struct list {
	struct graph *graph;
	const struct list_job *job;
	struct links links;
	struct buf items; /* of the page at hand, one behind the other */
	size_t *lengths;
	size_t item_count, item_capacity;
	size_t pages, total;
	bool expired; /* the page token; the list may start again */
	bool restarted;
};

static void list_release(struct list *list)
{
	links_release(&list->links);
	buf_release(&list->items);
	memory_free(list->lengths);
}

static bool keep_item(void *context, struct span item, struct error *err)
{
	struct list *list = context;

	MEMORY_GROW(list->lengths, list->item_count, list->item_capacity);
	list->lengths[list->item_count++] = item.length;
	buf_add_span(&list->items, item);
	return buf_check(&list->items, "a page", err);
}

static bool hand_on(struct list *list, struct error *err)
{
	const char *at = buf_text(&list->items);

	for (size_t i = 0; i < list->item_count; i++) {
		struct span item = { at, list->lengths[i] };

		if (!list->job->item(list->job->context, item, err))
			return false;
		at += item.length;
	}
	list->total += list->item_count;
	if (list->job->what)
		progress_step(list->graph->progress, list->job->what, list->total, 0);
	return true;
}

/* One try. False with `*ruling` set where the answer itself, and not we, ended it. */
static bool try_page(struct list *list, const char *url, char **next, struct net_response *response,
	const struct ruling **ruling, struct error *err)
{
	CLEANUP(page_release) struct page page;
	struct failure failure;
	struct graph_request request = {
		.method = "GET",
		.url = url,
		.bulk = list->job->bulk,
		.advanced = strstr(list->job->path, "$count=true") != NULL,
		.sink = page_feed,
		.sink_context = &page,
	};

	list->item_count = 0;
	buf_cut(&list->items, 0);
	page_init(&page, keep_item, list);
	*ruling = NULL;
	if (!graph_send(list->graph, &request, response, err)) {
		if (!page.failed && response->status == 0 && err->kind == ERROR_NETWORK)
			*ruling = ruling_find(0, NULL);
		return false;
	}
	if (response->status / 100 == 2)
		return graph_check_json(response, err) && page_end(&page, next, err);
	failure_read(&failure, response->status, buf_span(&response->body),
		net_response_header(response, "request-id"));
	*ruling = failure.ruling;
	return failure_set(&failure, "GET", list->job->path, err);
}

static bool read_page(struct list *list, const char *url, char **next, struct error *err)
{
	CLEANUP(net_response_release) struct net_response response;
	struct attempt attempt;
	const struct ruling *ruling;

	net_response_init(&response);
	attempt_init(&attempt, list->graph);
	while (!try_page(list, url, next, &response, &ruling, err)) {
		list->expired = ruling && ruling->read == READING_RESTART;
		if (!ruling ||
			!attempt_again(&attempt, list->graph, ruling,
				net_response_header(&response, "retry-after"), err))
			return false;
	}
	return hand_on(list, err);
}

/* ---- the whole list
 * ------------------------------------------------------------------------------ */

static bool follow(struct list *list, const char *link, struct error *err)
{
	if (list->pages >= GRAPH_PAGES_MAX)
		return error_set(err, ERROR_FORMAT, "more than %d pages", GRAPH_PAGES_MAX);
	if (!net_gate(list->graph->origins, link, NET_SECRET_TOKEN, err))
		return error_prefix(err, "the link to the next page");
	if (!links_add(&list->links, link))
		return error_set(err, ERROR_FORMAT,
			"the link to the next page was followed before: the list has no end");
	return true;
}

/* Reads from `url` to the end; takes `url`. */
static bool read_pages(struct list *list, char *first, struct error *err)
{
	CLEANUP(memory_freep) char *url = first;

	while (url) {
		CLEANUP(memory_freep) char *next = NULL;

		if (!follow(list, url, err) || !read_page(list, url, &next, err))
			return false;
		list->pages++;
		memory_free(url);
		url = TAKE(next);
	}
	return true;
}

static char *first_url(const struct graph *graph, const char *path)
{
	struct buf url = BUF_UP_TO(NET_URL_MAX + GRAPH_ENVELOPE_MAX);

	buf_addf(&url, "%s%s", graph->root, path);
	return buf_detach(&url);
}

bool list_run(struct graph *graph, const struct list_job *job, struct error *err)
{
	CLEANUP(list_release)
	struct list list = { .graph = graph, .job = job, .items = BUF_UP_TO(NET_BODY_MAX) };
	char *url = job->link ? memory_text(job->link) : first_url(graph, job->path);

	while (!read_pages(&list, url, err)) {
		if (!list.expired || list.restarted || !job->restart)
			return error_prefix(err, "GET %.*s: page %zu",
				SPAN_FORMAT(path_without_query(job->path)), list.pages + 1);
		list.restarted = true;
		list.expired = false;
		list.pages = list.total = 0;
		links_release(&list.links);
		job->restart(job->context);
		progress_warn(graph->progress, "GET %.*s: the page token expired; starting again",
			SPAN_FORMAT(path_without_query(job->path)));
		url = first_url(graph, job->path);
	}
	return true;
}

bool graph_list(struct graph *graph, const char *path, graph_item_function *item,
	void (*restart)(void *context), void *context, struct error *err)
{
	struct list_job job = {
		.path = path,
		.bulk = true,
		.item = item,
		.restart = restart,
		.context = context,
	};

	return list_run(graph, &job, err);
}

/* ---- the organization
 * ------------------------------------------------------------------------------ */

struct organization {
	struct graph_organization found;
	size_t count;
};

static bool take_organization(void *context, struct span item, struct error *err)
{
	struct organization *organization = context;
	struct span id = scan_text_direct(scan_find(item, "id"));
	struct span name = scan_find(item, "displayName");
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(64 << 10);

	if (!text_is_guid(id))
		return error_set(err, ERROR_FORMAT, "the organization's id is no GUID");
	for (size_t i = 0; i < ID_BYTES; i++)
		organization->found.id[i] = text_lower(id.data[i]);
	organization->found.id[ID_BYTES] = '\0';
	if (scan_type(name) == SCAN_STRING)
		scan_text(name, &text);
	copy_printable(organization->found.name, sizeof(organization->found.name), buf_span(&text));
	organization->count++;
	return true;
}

bool graph_organization(struct graph *graph, struct graph_organization *out, struct error *err)
{
	struct organization organization = { 0 };
	struct list_job job = {
		.path = "/organization?$select=id,displayName",
		.item = take_organization,
		.context = &organization,
	};

	if (!list_run(graph, &job, err))
		return false;
	if (organization.count != 1)
		return error_set(err, ERROR_FORMAT,
			"GET /organization: %zu organizations where one belongs; which tenant this "
			"is cannot be told",
			organization.count);
	*out = organization.found;
	return true;
}
