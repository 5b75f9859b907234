/*
 * Lists, page by page. The link to the next page stands before the items, and is followed as soon
 * as it is seen, while its page still arrives; so a list takes one latency a page, and the
 * connection is never idle. A few pages are under way at once, never the list.
 *
 * A page is asked for again where reading may be repeated. Its second answer may be another one:
 * when it names another next page than the one that is followed already, what came behind it
 * is dropped and the list goes on from there. Items that come twice so are the same objects.
 *
 * nextLink is input: every one passes the gate, and one that was followed before would make
 * the list endless [T19].
 */
#include "graph/list.h"

#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"

/* ---- links that were followed: a set of hashes, half empty at most ------------------- */

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

/* The link was not followed after all. Those that stand behind its place may belong into it. */
static void links_forget(struct links *links, const char *link)
{
	uint64_t hash = hash_of(link), moved;
	size_t mask = links->places - 1, at = hash & mask;

	while (links->hashes[at] && links->hashes[at] != hash)
		at = (at + 1) & mask;
	while (links->hashes[at]) {
		moved = links->hashes[at];
		links->hashes[at] = 0;
		links->count--;
		if (moved != hash)
			(void)links_insert(links, moved);
		at = (at + 1) & mask;
	}
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

struct list_page {
	struct list_page *next;
	struct list *list;
	struct call *call; /* NULL: it has come */
	char *url;
	struct page page;
	char *followed;   /* the link to the page behind, where it is followed */
	bool refollow;    /* a later answer named another one */
	struct buf items; /* one behind the other, where they wait for their page */
	size_t *lengths;
	size_t item_count, item_capacity;
};

static void list_page_free(struct list_page *at)
{
	if (at->call)
		flow_drop(at->call);
	page_release(&at->page);
	buf_release(&at->items);
	memory_free(at->url);
	memory_free(at->followed);
	memory_free(at->lengths);
	memory_free(at);
}

/* Pages behind `at`; all of them when it is NULL. */
static void drop_behind(struct list *list, struct list_page *at)
{
	struct list_page *page = at ? at->next : list->first;

	while (page) {
		struct list_page *next = page->next;

		links_forget(&list->links, page->url);
		list_page_free(page);
		list->ahead--;
		page = next;
	}
	*(at ? &at->next : &list->first) = NULL;
	list->last = at;
	memory_free(TAKE(list->waiting));
}

static bool keep_item(void *context, struct span item, struct error *err)
{
	struct list_page *at = context;

	MEMORY_GROW(at->lengths, at->item_count, at->item_capacity);
	at->lengths[at->item_count++] = item.length;
	buf_add_span(&at->items, item);
	return buf_check(&at->items, "a page", err);
}

static bool stream_item(void *context, struct span item, struct error *err)
{
	struct list_page *at = context;

	at->item_count++;
	return at->list->job->item(at->list->job->context, item, err);
}

static bool stream_take(void *context, struct span text, size_t *taken, struct error *err)
{
	struct list_page *at = context;

	if (!at->list->job->take(at->list->job->context, text, taken, err))
		return false;
	at->item_count += *taken > 0;
	return true;
}

static bool hand_on(struct list_page *at, struct error *err)
{
	struct list *list = at->list;
	const char *text = buf_text(&at->items);

	for (size_t i = 0; !list->job->streaming && i < at->item_count; i++) {
		struct span item = { text, at->lengths[i] };

		if (!list->job->item(list->job->context, item, err))
			return false;
		text += item.length;
	}
	list->items += at->item_count;
	if (list->job->what)
		progress_step(list->flow->graph->progress, list->job->what, list->items, 0);
	return true;
}

/* ---- following ------------------------------------------------------------------------ */

static bool page_linked(void *context, const char *link, struct error *err);

static void page_prepare(struct list_page *at)
{
	page_release(&at->page);
	page_init(&at->page, at->list->job->streaming ? stream_item : keep_item, at);
	at->page.take = at->list->job->take ? stream_take : NULL;
	at->page.linked = page_linked;
	at->item_count = 0;
	buf_cut(&at->items, 0);
}

static bool page_taken(struct call *call, struct error *err);
static void page_again(struct call *call);
static bool page_refused(struct call *call, const struct failure *failure, struct error *err);

static const struct call_owner page_owner = {
	.taken = page_taken,
	.again = page_again,
	.refused = page_refused,
};

static bool check_link(struct list *list, const char *link, struct error *err)
{
	if (list->pages >= GRAPH_PAGES_MAX)
		return error_set(err, ERROR_FORMAT, "more than %d pages", GRAPH_PAGES_MAX);
	if (!net_gate(list->flow->graph->origins, link, NET_SECRET_TOKEN, err))
		return error_prefix(err, "the link to the next page");
	if (!links_add(&list->links, link))
		return error_set(err, ERROR_FORMAT,
			"the link to the next page was followed before: the list has no end");
	return true;
}

static void begin_page(struct list *list, const char *url)
{
	struct graph *graph = list->flow->graph;
	struct list_page *at = memory_new(sizeof(*at));
	struct span path = path_without_query(list->job->path);

	*at = (struct list_page){
		.list = list,
		.url = memory_text(url),
		.items = BUF_UP_TO(NET_BODY_MAX),
	};
	page_prepare(at);
	at->call = call_new(graph, "GET", url, &page_owner, at, "GET %.*s: page %zu",
		SPAN_FORMAT(path), ++list->pages);
	at->call->request.bulk = list->job->bulk;
	at->call->request.minimal = list->job->minimal;
	at->call->request.advanced = strstr(list->job->path, "$count=true") != NULL;
	at->call->request.sink = page_feed;
	at->call->request.sink_context = &at->page;
	/* A nextLink is opaque; what it costs is told by the path that began the list. */
	at->call->request.cost = cost_of("GET", list->job->path);
	*(list->first ? &list->last->next : &list->first) = at;
	list->last = at;
	list->ahead++;
	flow_add(list->flow, at->call);
}

/* Begins the page, or keeps its link while enough are under way. */
static bool follow(struct list *list, const char *link, struct error *err)
{
	if (list->held || list->ahead >= GRAPH_PAGES_AHEAD) {
		memory_free(list->waiting);
		list->waiting = memory_text(link);
		return true;
	}
	if (!check_link(list, link, err))
		return false;
	begin_page(list, link);
	return true;
}

static bool follow_waiting(struct list *list, struct error *err)
{
	CLEANUP(memory_freep) char *link = NULL;

	if (!list->waiting || list->held || list->ahead >= GRAPH_PAGES_AHEAD)
		return true;
	link = TAKE(list->waiting);
	return follow(list, link, err);
}

static bool page_linked(void *context, const char *link, struct error *err)
{
	struct list_page *at = context;

	if (at->followed) {
		at->refollow = strcmp(at->followed, link) != 0;
		return true;
	}
	at->followed = memory_text(link);
	return follow(at->list, link, err);
}

/* ---- coming back ---------------------------------------------------------------------- */

static bool end_list(struct list *list, char **delta_link, struct error *err)
{
	return !list->job->ended || list->job->ended(list->job->context, delta_link, err);
}

/* Hands on, in order, the pages that have come. */
static bool deliver(struct list *list, struct page_links *links, struct error *err)
{
	bool last = false;

	while (list->first && !list->first->call) {
		struct list_page *at = list->first;

		if (!hand_on(at, err))
			return false;
		last = !at->followed;
		list->first = at->next;
		if (!list->first)
			list->last = NULL;
		list->ahead--;
		list_page_free(at);
	}
	return last ? end_list(list, &links->delta, err) : follow_waiting(list, err);
}

static bool page_taken(struct call *call, struct error *err)
{
	struct list_page *at = call->context;
	struct list *list = at->list;
	CLEANUP(page_links_release) struct page_links links = { 0 };

	if (!page_end(&at->page, &links, err))
		return false;
	if (!links.next && at->followed) {
		/* The first answer named a page behind, and this one is the last page. */
		drop_behind(list, at);
		memory_free(TAKE(at->followed));
	} else if (links.next && at->refollow) {
		drop_behind(list, at);
		memory_free(TAKE(at->followed));
		at->refollow = false;
	}
	if (links.next && !at->followed && !page_linked(at, links.next, err))
		return false;
	at->call = NULL;
	page_release(&at->page);
	return deliver(list, &links, err);
}

static void page_again(struct call *call)
{
	page_prepare(call->context);
}

static char *first_url(const struct graph *graph, const char *path)
{
	struct buf url = BUF_UP_TO(NET_URL_MAX + GRAPH_ENVELOPE_MAX);

	buf_addf(&url, "%s%s", graph->root, path);
	return buf_detach(&url);
}

static void begin_again(struct list *list)
{
	const struct list_job *job = list->job;
	CLEANUP(memory_freep) char *url = first_url(list->flow->graph, job->path);

	list->restarted = true;
	drop_behind(list, NULL);
	links_release(&list->links);
	list->pages = list->items = 0;
	job->restart(job->context);
	progress_warn(list->flow->graph->progress,
		"GET %.*s: the page token expired; starting again",
		SPAN_FORMAT(path_without_query(job->path)));
	(void)links_add(&list->links, url);
	begin_page(list, url);
}

static bool page_refused(struct call *call, const struct failure *failure, struct error *err)
{
	struct list_page *at = call->context;
	struct list *list = at->list;

	if (failure->ruling->read == READING_RESTART && list->job->restart && !list->restarted) {
		at->call = NULL; /* the flow ends it */
		begin_again(list);
		return true;
	}
	if (!list->job->refused)
		return false;
	at->call = NULL;
	drop_behind(list, NULL);
	return list->job->refused(list->job->context, failure, err);
}

/* ---- the whole list ------------------------------------------------------------------- */

void list_init(struct list *list, struct flow *flow, const struct list_job *job)
{
	*list = (struct list){ .flow = flow, .job = job };
}

void list_release(struct list *list)
{
	drop_behind(list, NULL);
	links_release(&list->links);
}

bool list_begin(struct list *list, struct error *err)
{
	CLEANUP(memory_freep)
	char *url = list->job->link ? memory_text(list->job->link)
				    : first_url(list->flow->graph, list->job->path);

	return follow(list, url, err) ||
		error_prefix(err, "GET %.*s", SPAN_FORMAT(path_without_query(list->job->path)));
}

bool list_hold(struct list *list, bool hold, struct error *err)
{
	list->held = hold;
	return follow_waiting(list, err);
}

bool list_run(struct graph *graph, const struct list_job *job, struct error *err)
{
	CLEANUP(flow_release) struct flow flow;
	CLEANUP(list_release) struct list list = { 0 };

	flow_init(&flow, graph);
	list_init(&list, &flow, job);
	return list_begin(&list, err) && flow_run(&flow, err);
}

bool list_go_on(
	struct graph *graph, const struct list_job *job, struct span first_page, struct error *err)
{
	CLEANUP(page_release) struct page page;
	CLEANUP(page_links_release) struct page_links links = { 0 };
	struct list_job rest = *job;

	page_init(&page, job->item, job->context);
	if (!page_feed(&page, first_page, err) || !page_end(&page, &links, err))
		return false;
	rest.link = links.next;
	return !links.next || list_run(graph, &rest, err);
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

/* ---- the organization ----------------------------------------------------------------- */

struct organization {
	struct graph_organization found;
	size_t count;
};

static bool take_organization(void *context, struct span item, struct error *err)
{
	struct organization *organization = context;
	struct span id = scan_text_direct(scan_find(item, "id"));
	struct span name = scan_find(item, "displayName");
	struct span last_sync = scan_find(item, "onPremisesLastSyncDateTime");
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(64 << 10);

	if (!text_is_guid(id))
		return error_set(err, ERROR_FORMAT, "the organization's id is no GUID");
	for (size_t i = 0; i < ID_BYTES; i++)
		organization->found.id[i] = text_lower(id.data[i]);
	organization->found.id[ID_BYTES] = '\0';
	if (scan_type(name) == SCAN_STRING)
		scan_text(name, &text);
	copy_printable(organization->found.name, sizeof(organization->found.name), buf_span(&text));
	if (scan_type(last_sync) != SCAN_STRING ||
		!time_parse(scan_text_direct(last_sync), &organization->found.last_sync_ms))
		organization->found.last_sync_ms = TIME_NONE;
	organization->count++;
	return true;
}

bool graph_organization(struct graph *graph, struct graph_organization *out, struct error *err)
{
	struct organization organization = { 0 };
	struct list_job job = {
		.path = "/organization?$select=id,displayName,onPremisesLastSyncDateTime",
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
