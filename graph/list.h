/* Lists: one page as it comes (page.c), and page after page (list.c). */
#pragma once

#include "graph/flow.h"

/* ---- page.c: one page of a list, as it comes ----------------------------------------- */

/* Where in a page its next byte stands. */
enum page_place {
	PLACE_ENVELOPE,
	PLACE_FIRST_ITEM, /* behind the bracket that opens "value" */
	PLACE_BEFORE_ITEM,
	PLACE_IN_ITEM,
	PLACE_BEHIND_ITEM,
};

struct page {
	graph_item_function *item;
	/* Instead of `item`: checks and takes one item at the beginning of `text`, as scan_prefix(). */
	bool (*take)(void *context, struct span text, size_t *taken, struct error *err);
	/* Told once, as soon as the page names the page behind it; false ends the page. NULL: nobody asks. */
	bool (*linked)(void *context, const char *next_link, struct error *err);
	void *context;
	struct buf envelope; /* the page, with an empty "value" */
	struct buf text;     /* the item that is not complete yet */
	size_t text_next;    /* how long it must be to be looked at again */
	enum page_place place;
	size_t depth; /* of the envelope's brackets */
	size_t items;
	char key[8]; /* of the envelope's present member, cut */
	size_t key_length;
	bool in_string, escaped, in_key, key_next, value_next, value_seen, failed;
};

void page_init(struct page *page, graph_item_function *item, void *context);
void page_release(struct page *page);

/* A sink for net_request. ERROR_FORMAT, or what the item's function set. */
MUST_CHECK bool page_feed(void *page, struct span piece, struct error *err);

/* Where a list goes on, and where its changes will be told; of the last page one is NULL, or both. */
struct page_links {
	char *next, *delta;
};
void page_links_release(struct page_links *links);

/* Ends the page. ERROR_FORMAT: it is not whole, no list, or has links of a wrong type. */
MUST_CHECK bool page_end(struct page *page, struct page_links *links, struct error *err);

/* ---- list.c -------------------------------------------------------------------------- */

struct list_job {
	const char *path; /* below the version root: names the list, and starts it */
	const char *link; /* a nextLink or deltaLink to begin at instead, or NULL */
	const char *what; /* "users", for progress; NULL: say nothing */
	bool bulk;
	bool minimal; /* Prefer: return=minimal */
	/*
	 * Items are handed on while their page still arrives, from inside of the transfer, so that
	 * the function may add calls and nothing else; a page that breaks off brings its items
	 * twice. Otherwise they come in order, when their page is whole.
	 */
	bool streaming;
	graph_item_function *item;
	/* Instead of `item`, where streaming: see struct page. */
	bool (*take)(void *context, struct span text, size_t *taken, struct error *err);
	void (*restart)(void *context);
	void *context;
	/* An answer that ends the list and no restart mends; true: the list ends without an error. */
	bool (*refused)(void *context, const struct failure *failure, struct error *err);
	/* The list has ended well; `delta_link` may be taken. */
	bool (*ended)(void *context, char **delta_link, struct error *err);
};

struct list_page;

/* Links that were followed, by their hashes. */
struct links {
	uint64_t *hashes; /* 0: a free place */
	size_t count, places;
};

/* A list on its way; its members are list.c's. `job` is borrowed. */
struct list {
	struct flow *flow;
	const struct list_job *job;
	struct links links;
	struct list_page *first, *last; /* that are not handed on yet */
	size_t ahead;                   /* how many these are */
	size_t pages, items;
	char *waiting; /* a link that is not followed yet */
	bool held;     /* list_hold() */
	bool restarted;
};

void list_init(struct list *list, struct flow *flow, const struct list_job *job);
void list_release(struct list *list);
/* Begins in the list's flow; flow_run() does the rest. */
MUST_CHECK bool list_begin(struct list *list, struct error *err);
/* Held, it finishes the pages under way and follows no link; then it goes on. */
MUST_CHECK bool list_hold(struct list *list, bool hold, struct error *err);

/* A flow with nothing but this list. */
MUST_CHECK bool list_run(struct graph *graph, const struct list_job *job, struct error *err);
/* The same for a list whose first page has come by another way. */
MUST_CHECK bool list_go_on(
	struct graph *graph, const struct list_job *job, struct span first_page, struct error *err);
