/* What the files of graph/ share. The way down: list and batch -> client -> transport. */
#pragma once

#include "base/memory.h"
#include "base/text.h"
#include "graph/idset.h"
#include "graph/quota.h"

enum {
	GRAPH_RUN_LIMIT_MS = 6 * 3600 * 1000,
	GRAPH_PAGE_TOP = 999,           /* objects a page, the most Graph gives */
	GRAPH_PAGE_ITEMS_MAX = 1 << 16, /* items of one page; Graph sends 999 */
	GRAPH_FEW_TRIES = 3,            /* for faults that rarely go away by themselves */
	GRAPH_WRITE_BODY_MAX = 1 << 20,
	GRAPH_BATCH_BODY_MAX = 3 << 20,   /* Graph refuses requests of about 4 MB */
	GRAPH_ERROR_BODY_MAX = 256 << 10, /* beyond it, the body of an error is not read */
	GRAPH_PAGES_AHEAD = 4,            /* of one list, under way at once */
	GRAPH_CALLS_MAX = 16,             /* of one flow, under way at once */
	GRAPH_LINES_MAX = 256 << 20,      /* lines of one object, with all its members */
	GRAPH_EXPANDED_MAX = 20,  /* items $expand gives, and no link to more (contract 2.8) */
	GRAPH_HELD_MAX = 8 << 20, /* bytes of groups that wait for their members */
	GRAPH_CODE_BYTES = 64,
	GRAPH_REQUEST_ID_BYTES = 64,
};

struct flow; /* flow.h */
struct call;
struct call_owner;

/* Repetitions of one read, or of writes in a row that did not get through. */
struct attempt {
	struct retry retry;
	unsigned few, unanswered;
	const char *why; /* the last try failed, for progress; NULL: there was none */
};

/* Why writes do not get through, for graph_write_pause(). */
struct write_pace {
	struct attempt attempt;
	const struct ruling *held_by; /* why the last writes did not get through; NULL: they did */
	char retry_after[48];
	struct error trouble; /* the last failure of `held_by`, for when tries are used up */
	unsigned holds;       /* so many times */
};

/* A directory extension, and a bit for each kind that has it. */
struct followed {
	const struct attribute *attribute;
	unsigned kinds;
};

struct extensions {
	struct followed *followed;
	size_t count, capacity;
	bool asked, known; /* not known: an object may have any */
};

struct graph {
	const struct transport *transport;
	struct auth *auth;
	const struct net_origins *origins;
	const struct progress *progress;
	char *root; /* "https://graph.microsoft.com/v1.0" */
	int64_t deadline_ms;
	int64_t service_time_ms;
	int64_t (*clock_ms)(void);
	void (*sleep_ms)(int64_t);
	struct write_pace pace;
	struct quota quota;
	struct extensions extensions;
	unsigned
		token_number; /* counts renewals: of requests that met a 401 together, one renews */
	unsigned troubles;    /* answers that were none, or asked for patience */
	struct graph_task *tasks; /* a list, the oldest first */
};

/* ---- outcome.c: what every answer means ---------------------------------------------- */

/* What a reader does next. */
enum reading {
	READING_DONE,
	READING_AGAIN,     /* after Retry-After or backoff */
	READING_AGAIN_FEW, /* the same, GRAPH_FEW_TRIES times at most */
	READING_RESTART,   /* the place in the list is lost: from the beginning, once */
	READING_TOKEN,     /* once more with a new token */
	READING_STOP,
};

struct ruling {
	long status;      /* 0: any */
	const char *code; /* NULL: any */
	enum reading read;
	enum graph_outcome write;
	enum error_kind kind; /* of a read that ends here */
	const char *meaning;  /* short, for progress: "throttled by Graph" */
	const char *advice;   /* what the user does next */
};

/*
 * The row for this answer, never NULL: by status and code, else by code, else by status, else by
 * the status's hundred. Status 0 stands for an answer that did not come.
 */
const struct ruling *ruling_find(long status, const char *code);

/* What a refusal's words hint at, or NULL: words choose a hint and never decide (contract 5.1). */
const char *ruling_hint(const char *message);

/* ---- failure.c: what Graph says about a request it did not fulfil -------------------- */

struct failure {
	long status;
	char code[GRAPH_CODE_BYTES];             /* printable, "" when there is none */
	char request_id[GRAPH_REQUEST_ID_BYTES]; /* printable, "" when there is none */
	char message[256];                       /* Graph's words, printable */
	char holders[160]; /* who holds a value that conflicts: "User_<id>, …" */
	const struct ruling *ruling;
};

/* Reads an error body of any form, also an empty or foreign one. `request_id`: from a header. */
void failure_read(struct failure *failure, long status, struct span body, struct span request_id);

/*
 * "403 Authorization_RequestDenied (request-id …): Graph's words – what to do"; the request names
 * the permission that a 403 lacks. Returns false.
 */
bool failure_set(
	const struct failure *failure, const char *method, const char *path, struct error *err);

/* Appends Graph's words and what to do. */
void failure_describe(
	const struct failure *failure, const char *method, const char *path, struct buf *out);

/* Copies what fits, whole characters only. */
void copy_printable(char *out, size_t size, struct span text);

/* ---- permission.c -------------------------------------------------------------------- */

/* The application permission that this request needs at least, or NULL (contract 9.1). */
const char *permission_for(const char *method, const char *path);

/* ---- path.c: templates, queries ------------------------------------------------------ */

/*
 * True when `path` is the pattern with a GUID in each place of "{id}" and "{target}". With
 * `prefix`, more segments or a query may follow.
 */
bool path_matches(const char *pattern, const char *path, bool prefix);

/* Appends `text` percent-encoded for a query's value: RFC 3986's unreserved and !$'()*,:;@/ stay.
 */
void path_add_encoded(struct buf *out, struct span text);

/* What stands behind the version root in a URL of ours; the URL itself where that is not at its head. */
const char *graph_path_of(const struct graph *graph, const char *url);

/* The path without its query, for people. */
struct span path_without_query(const char *path);

/* ---- client.c: one request ----------------------------------------------------------- */

struct graph_request {
	const char *method, *url;
	struct span body;
	struct cost cost;
	bool bulk;     /* gives way to others when the tenant is throttled */
	bool advanced; /* ConsistencyLevel: eventual (contract 2.6) */
	bool minimal;  /* Prefer: return=minimal (contract 2.9) */
	bool (*sink)(void *context, struct span piece, struct error *err);
	void *sink_context;
};

/*
 * One exchange with a token, repeated once with a new token after a 401. True when a status
 * came. `response` was initialised by the caller; when false its status is 0, or 401 where no
 * new token could be had, and `sent` tells whether Graph may have seen the request.
 * Only GET and POST /$batch pass. It does not wait for the quota, and spends of it.
 */
MUST_CHECK bool graph_send(struct graph *graph, struct graph_request *request,
	struct net_response *response, struct error *err);

/* The guard, the gate and the deadline, for every request that leaves [T6, T19]. */
MUST_CHECK bool graph_check_request(
	const struct graph *graph, const struct graph_request *request, struct error *err);

/* Fills in what goes over the wire; `attempt_id` and `request` must live as long as `wire`. */
MUST_CHECK bool graph_make_wire(struct graph *graph, const struct graph_request *request,
	bool renew, char attempt_id[static GUID_TEXT_BYTES], struct net_request *wire,
	struct error *err);

/* What every answer tells: the service's clock, and the quota. */
void graph_note_answer(
	struct graph *graph, const struct cost *cost, const struct net_response *response);

/* ERROR_FORMAT when the answer says that it is something else than JSON [T31]. */
MUST_CHECK bool graph_check_json(const struct net_response *response, struct error *err);

/* Sleeps, having said why; a signal ends it early. */
void graph_sleep(const struct graph *graph, int64_t duration_ms, const char *why);

void attempt_init(struct attempt *attempt, const struct graph *graph);

/*
 * After a try that ended with `err`: true when it is to be repeated after `pause_ms`; else false,
 * with the error of the last try in `err`, or what ended the repetitions before it.
 */
MUST_CHECK bool attempt_pause(struct attempt *attempt, const struct graph *graph,
	const struct ruling *ruling, struct span retry_after, int64_t *pause_ms, struct error *err);
/* The same, and waits. False also when a signal came. */
MUST_CHECK bool attempt_again(struct attempt *attempt, const struct graph *graph,
	const struct ruling *ruling, struct span retry_after, struct error *err);

/* ---- audit.c ------------------------------------------------------------------------- */

MUST_CHECK bool audit_path(
	const struct graph_audit_window *window, struct buf *path, struct error *err);

/* ---- batch.c ------------------------------------------------------------------------- */

/* One request inside a $batch, and its answer. */
struct batch_item {
	const char *method;
	const char *path; /* below the version root; borrowed */
	struct span body; /* JSON, borrowed; absent: none */
	long status;      /* 0: no answer, or not exactly one [T18] */
	struct buf answer;
	char retry_after[48];
	char request_id[GRAPH_REQUEST_ID_BYTES];
	struct quota_report report;
};

void batch_item_init(
	struct batch_item *item, const char *method, const char *path, struct span body);
void batch_item_release(struct batch_item *item);

/*
 * Adds a post of up to GRAPH_BATCH_MAX items to the flow; its owner has batch_take() say what came of
 * them. NULL: they can't be sent (ERROR_REFUSED).
 */
MUST_CHECK struct call *batch_call(struct flow *flow, struct batch_item *const *items, size_t count,
	const struct call_owner *owner, void *context, struct error *err);
/*
 * True when Graph's envelope came; each item then has its answer or status 0. False otherwise: the
 * call's response tells how far it came, and holds another status than 2xx where one came; a 2xx
 * status with false is an envelope that can't be believed.
 */
MUST_CHECK bool batch_take(
	struct call *call, struct batch_item *const *items, size_t count, struct error *err);

/* What the item's answer says, where it is an error. */
void batch_item_failure(const struct batch_item *item, struct failure *failure);

/* The longer of two Retry-After values; either may be "". */
const char *batch_longer_wait(const struct graph *graph, const char *a, const char *b);

/*
 * Reads up to GRAPH_BATCH_MAX items in the flow, until each has an answer that is final; then
 * `done` is called, if any, from flow_run(). The items must live as long as the flow.
 */
typedef bool batch_done_function(void *context, struct error *err);
MUST_CHECK bool batch_begin(struct flow *flow, struct batch_item *items, size_t count, bool bulk,
	batch_done_function *done, void *context, struct error *err);

/*
 * Reads any number of items, 20 to a batch, until each has an answer that is final: what a
 * 404 or 403 means is the caller's to say. ERROR_NETWORK when tries are used up.
 */
MUST_CHECK bool batch_read(
	struct graph *graph, struct batch_item *items, size_t count, bool bulk, struct error *err);

/* ---- pace.c: when writes may leave --------------------------------------------------- */

/*
 * Writes got through that left when so many holds were known: what held others since is not over.
 * Or none of these did, for this reason, and graph_write_pause() is to wait.
 */
void pace_free(struct graph *graph, unsigned holds);
void pace_hold(struct graph *graph, const struct ruling *ruling, struct span retry_after,
	const struct error *trouble);

/* ---- operations.c: the writes there are ----------------------------------------------------- */

/*
 * The guard of the one place that puts requests into a batch [T6]: a GET passes, and what
 * matches a row of the operation table to the letter. ERROR_REFUSED.
 */
MUST_CHECK bool write_guard(const char *method, const char *path, struct error *err);

/* Operation and kind fit, ids are GUIDs [T7], the body is JSON, none stands twice. ERROR_REFUSED.
 */
MUST_CHECK bool write_check(const struct graph_write *writes, size_t count, struct error *err);

const char *write_method(const struct graph_write *write);
/* Appends path and body (nothing: none) of a checked write. */
void write_add_request(const struct graph_write *write, const struct graph *graph, struct buf *path,
	struct buf *body);

/* Whether a refusal says that the wanted state was there before (contract 5.5). */
bool write_was_so(const struct graph_write *write, const struct failure *failure);

/* ---- extensions.c -------------------------------------------------------------------- */

/* A read whose words are in its body, though it is a POST. */
#define EXTENSIONS_PATH "/directoryObjects/getAvailableExtensionProperties"

void extensions_release(struct extensions *extensions);
/* Whether objects of this kind may have others than graph_extensions() gives. */
bool extensions_unknown(const struct graph *graph, const struct kind *kind);
/* Appends ",extension_…" for each that objects of this kind have. */
void extensions_add_select(const struct graph *graph, const struct kind *kind, struct buf *out);

/* ---- objects.c: from what Graph sends to lines --------------------------------------- */

enum { UNKNOWN_MAX = 8 }; /* attributes of a kind that its list can't tell; a test looks */

/*
 * Appends "$select=…" and, for live objects, what one request may expand: the manager, or, where
 * they are asked for, a group's owners (GRAPH_EXPANDED_MAX of them at most).
 */
void objects_add_query(const struct graph *graph, const struct kind *kind, bool deleted,
	bool owners, struct buf *path);

/* A reader for a list that was asked for so; what it can't tell is unknown in its lines. */
struct line_reader *objects_reader(
	const struct graph *graph, const struct kind *kind, bool deleted);

/* The id of an item, in lower case. ERROR_FORMAT. */
MUST_CHECK bool item_id(struct span item, char id[static ID_BYTES + 1], struct error *err);

/* An object on its way to its lines. */
struct found {
	const struct kind *kind;
	char id[ID_BYTES + 1];
	bool deleted;
	bool behavior_matters; /* isCloudManaged decides who masters it */
	bool hidden_members;   /* a group that shows its members to few */
	struct buf line;       /* as its list told it */
	unsigned wanted;       /* graph_read_flags to ask for */
	unsigned known;        /* graph_read_flags that were answered */
	struct member_list members, owners;
	bool cloud_managed;
};

/* `line`, copied, and `said`: from an objects_reader(). */
void found_init(struct found *found, const struct kind *kind, bool deleted, struct span line,
	const struct line_object *said);
void found_release(struct found *found);

/*
 * Asks in the flow for what is `wanted` of all of them, 20 requests to a batch; then `done` is
 * called, if any, from flow_run(). Where nothing is wanted nothing happens. Objects and asking must
 * live as long as the flow.
 */
struct asking {
	bool bulk;
	batch_done_function *done;
	void *context;
	/* its own */
	struct graph *graph;
	struct part_request *requests;
	struct batch_item *items;
	size_t count, batches_left;
};
MUST_CHECK bool asking_begin(struct asking *asking, struct flow *flow, struct found *found,
	size_t count, struct error *err);
void asking_release(struct asking *asking);

/* The same, and waits. */
MUST_CHECK bool found_ask(
	struct graph *graph, struct found *found, size_t count, bool bulk, struct error *err);

/* Appends the object's line and its part lines, each ended by a newline. */
MUST_CHECK bool found_add_lines(const struct found *found, struct buf *out, struct error *err);
