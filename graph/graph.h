/*
 * Requests to Microsoft Graph v1.0: lists read item by item, reads by id, writes in batches,
 * the audit log, and the table that says what every answer means (contract 5.8).
 *
 * Reads are retried here. Writes are never repeated blindly: a write whose answer did not
 * come, or came as 5xx, is GRAPH_UNKNOWN and settled by its owner, who reads. Nor is one repeated
 * that was throttled: what stands there may be another value after the wait.
 */
#pragma once

#include "auth/auth.h"
#include "directory/directory.h"
#include "net/net.h"

enum {
	GRAPH_BATCH_MAX = 20,
	GRAPH_ITEM_MAX = 8 << 20,       /* one item of a list */
	GRAPH_ENVELOPE_MAX = 256 << 10, /* a page without its items */
	GRAPH_PAGES_MAX = 1 << 20,
};

/* Others use the same application, too (contract 7.1). */
#define GRAPH_QUOTA_SHARE 0.5

struct graph_options {
	const struct transport *transport; /* borrowed */
	struct auth *auth;                 /* borrowed */
	const struct net_origins *origins; /* borrowed: the gate for nextLink [T19] */
	const char *url; /* "https://graph.microsoft.com": version root is url/v1.0 */
	const struct progress *progress;
	int64_t run_limit_ms;      /* the whole run; 0: six hours */
	double quota_share;        /* of the tenant's limits, up to 1; 0: half, as is advised */
	int64_t (*clock_ms)(void); /* as in struct retry */
	void (*sleep_ms)(int64_t);
};

struct graph;
MUST_CHECK struct graph *graph_open(const struct graph_options *options, struct error *err);
void graph_close(struct graph *graph);
DEFINE_CLEANUP(struct graph *, graph_close);

/* What the service's Date header said last, in ms; TIME_NONE before the first answer. */
int64_t graph_service_time_ms(const struct graph *graph);

struct graph_organization {
	char id[ID_BYTES + 1];
	char name[256];
	int64_t last_sync_ms; /* when a sync server was last there; TIME_NONE: never, or not told */
};
/* GET /organization: decides which tenant this is [T1]. */
MUST_CHECK bool graph_organization(
	struct graph *graph, struct graph_organization *out, struct error *err);

/* ---- reading --------------------------------------------------------------------- */

/*
 * One item of a list: an object of strictly checked JSON, borrowed during the call. Items of a
 * page come when the page is complete, so that a page that broke off is not seen twice and the
 * function may itself ask Graph. False ends the list.
 */
typedef bool graph_item_function(void *context, struct span item, struct error *err);

/*
 * Reads a list to its end: `path` below the version root, with its query, encoded; where it has
 * "$count=true" it is read in advanced mode (ConsistencyLevel: eventual, contract 2.6). nextLink
 * passes the gate each time and may not repeat. An answer without `value`, or one that
 * breaks a limit, is ERROR_FORMAT; an expired page token starts the list again once, only
 * where `restart` (NULL: never) was called first to forget what came.
 *   ERROR_AUTH 401 twice · ERROR_DENIED 403, with the permission that is missing ·
 *   ERROR_NETWORK after all tries · ERROR_REFUSED a nextLink that the gate refuses
 */
MUST_CHECK bool graph_list(struct graph *graph, const char *path, graph_item_function *item,
	void (*restart)(void *context), void *context, struct error *err);

/*
 * Appends `text` as a literal for a $filter: in single quotes, inner ones doubled, and
 * percent-encoded. Every text from outside goes into a filter this way [T7].
 */
void graph_add_filter_text(struct buf *out, struct span text);

/* ---- directory extensions ------------------------------------------------------------ */

/*
 * Learns which directory extensions sync fills (contract 3); what is read after that has them. A
 * refusal is a warning: without the names an object's extensions are unknown (UNKNOWN_EXTENSIONS).
 * Asks once, whatever comes. graph_collect() does this itself. Errors as graph_list().
 */
MUST_CHECK bool graph_find_extensions(struct graph *graph, struct error *err);

/* Those that were found for objects of a kind; their number. */
size_t graph_extensions(const struct graph *graph, enum kind_id kind,
	const struct attribute *attributes[static OBJECT_EXTENSIONS_MAX]);

/* ---- changes ------------------------------------------------------------------------ */

/* Where the changes of each kind will be told; NULL where the service does not tell them. */
struct graph_links {
	char *of[KIND_COUNT]; /* to be freed by graph_links_release() */
};
void graph_links_release(struct graph_links *links);

/* Links that tell what changes from now on: no object is read for them. */
MUST_CHECK bool graph_delta_now(struct graph *graph, struct graph_links *links, struct error *err);

enum graph_change_sort {
	GRAPH_CHANGED, /* created, changed, restored, or a member more or less */
	GRAPH_DELETED, /* to deleted items */
	GRAPH_GONE,    /* for good */
};

/* That, not what: the object is to be read again. Changes come twice and out of order. */
struct graph_change {
	const struct kind *kind;
	char id[ID_BYTES + 1]; /* in lower case */
	enum graph_change_sort sort;
	bool anew; /* changed, and told as new: created or restored (perhaps only told so) */
};
typedef bool graph_change_function(
	void *context, const struct graph_change *change, struct error *err);

enum graph_delta {
	GRAPH_DELTA_FAILED, /* `err` says why; as graph_list() */
	GRAPH_DELTA_TOLD, /* all of it; the next link is in *next_link, to be freed by memory_free() */
	GRAPH_DELTA_LOST, /* the link is too old or unknown: everything must be read again */
};

/* What changed since `link` was given. `next_link` may be where `link` is kept. */
MUST_CHECK enum graph_delta graph_delta(struct graph *graph, const struct kind *kind,
	const char *link, graph_change_function *change, void *context, char **next_link,
	struct error *err);

/* ---- everything --------------------------------------------------------------------- */

/*
 * Who takes what is read: an object's lines (directory.h), each ended by a newline, in one call.
 * An object may come again; what comes last counts. `gone`: it was read and is there no more.
 */
struct graph_taker {
	bool (*lines)(void *context, struct span lines, struct error *err);
	bool (*gone)(void *context, const char *id, struct error *err);
	void *context;
};

/* Audit records to be read beside the lists, whose quota is another (contract 7.1). */
struct graph_audit_window {
	int64_t from_ms, until_ms; /* both included */
	graph_item_function *record;
	void *context;
};

/*
 * Reads everything directory sync can touch: users with manager, groups with members and owners,
 * contacts, deleted users and groups, and isCloudManaged of every object where it matters (not
 * synced now, but with a source anchor or an on-premises SID). What the credentials may not read of
 * an object is listed in its "unknown".
 *
 * It is one state of the directory: delta links are taken first, then all lists are read beside
 * each other, then what changed meanwhile is read again until nothing changes any more, or
 * GRAPH_QUIET_ROUNDS rounds have passed and a warning was given. `links` (to be released) tell what
 * changes after that. With `audits` (or NULL) the audit log is read beside the lists.
 *
 * An empty list of users is an error: a tenant has at least one (rule 8). ERROR_SYSTEM after a signal.
 */
enum { GRAPH_QUIET_ROUNDS = 6 };
MUST_CHECK bool graph_collect(struct graph *graph, const struct graph_taker *taker,
	const struct graph_audit_window *audits, struct graph_links *links, struct error *err);

/*
 * What was read before, to be updated: the functions look into it. Nothing of it is believed: what
 * is found there is read again from Graph.
 */
struct graph_previous {
	/* Whether the object was there, live or deleted. */
	bool (*has)(void *context, const char *id, bool *is_there, struct error *err);
	/* All of its lines, some at a time, whole lines each ended by a newline. */
	bool (*each)(void *context, bool (*take)(void *taker, struct span lines, struct error *err),
		void *taker, struct error *err);
	void *context;
	uint64_t users, objects; /* how many there were */
	bool relations_due;      /* what no change tells of is to be read again, too */
};

/*
 * Reads only what changed since `links` were given, which are then new ones; with what was read
 * before, that is what graph_collect() would read now. An object that changed is read again by its
 * id; so is everything that mentions one that was deleted or restored, since no change tells
 * that: the former by what was read before, the latter by asking Graph. Deleted items are listed
 * each time. Owners, isCloudManaged, and memberships of objects that we do not follow change
 * untold; with `relations_due` they are read again: groups as graph_collect() reads them, and
 * isCloudManaged of every object that had it.
 *
 * GRAPH_DELTA_LOST, and a warning that says why: a link is missing or not known any more, or more
 * than a tenth of everything changed. Nothing was handed to `taker` then, and all is to be read.
 */
enum { GRAPH_UPDATE_SHARE = 10, GRAPH_UPDATE_FEW = 1000 /* changes that are never too many */ };
MUST_CHECK enum graph_delta graph_update(struct graph *graph, const struct graph_previous *previous,
	const struct graph_taker *taker, const struct graph_audit_window *audits,
	struct graph_links *links, struct error *err);

/* What to read of one object again; relations cost a list each. */
enum graph_read_flags { GRAPH_READ_MEMBERS = 1, GRAPH_READ_OWNERS = 2, GRAPH_READ_BEHAVIOR = 4 };

struct graph_read {
	const struct kind *kind;
	char id[ID_BYTES + 1];
	unsigned flags;
	/* the answer: lines to free with memory_free(); NULL where the object is nowhere */
	char *lines;
};

/*
 * Reads objects by id, 20 to a batch, live ones first and then deleted items (a contact has
 * none). Every read gets its answer, or the call fails.
 */
MUST_CHECK bool graph_read_objects(
	struct graph *graph, struct graph_read *reads, size_t count, struct error *err);

/*
 * The same and graph_write_batch() (below), beside others of their sort: they begin here and go on in
 * graph_wait(). The arrays must live until the task is finished or dropped.
 */
struct graph_task;
MUST_CHECK struct graph_task *graph_begin_reading(
	struct graph *graph, struct graph_read *reads, size_t count);
bool graph_task_is_done(const struct graph_task *task);
/* Waits until it is done, and frees it: true or false as the function would have been that waits. */
MUST_CHECK bool graph_task_finish(struct graph_task *task, struct error *err);
/* Forgets it, whatever the service makes of what it sent. NULL is fine. */
void graph_task_drop(struct graph_task *task);
/* Lets all of them go on until one is done, or the time is over. */
void graph_wait(struct graph *graph, int64_t timeout_ms);

/*
 * Audit records (contract 4) from `from_ms` to `until_ms`, both included, every writer, in the
 * service's order.
 */
MUST_CHECK bool graph_audits(struct graph *graph, int64_t from_ms, int64_t until_ms,
	graph_item_function *record, void *context, struct error *err);

/* ---- asking what may be asked ------------------------------------------------------- */

/*
 * One GET, to see what comes. A refusal is an answer and no error; it is asked a second time at
 * most, and only where the service says "later" and means soon.
 */
struct graph_probe {
	const char *path; /* below the version root, with its query, encoded; borrowed */
	/* the answer */
	long status;          /* 0: none came */
	enum error_kind kind; /* ERROR_NONE: a 2xx that is an object of strict JSON, in `body` */
	unsigned http;        /* version that was spoken: 11, 20; 0: unknown */
	char code[64], request_id[64], retry_after[48];
	char text[512]; /* Graph's words, or why no answer came; printable */
	struct buf body;
};
void graph_probe_init(struct graph_probe *probe, const char *path);
void graph_probe_release(struct graph_probe *probe);
/* False when no answer came. */
bool graph_probe(struct graph *graph, struct graph_probe *probe);
/* The elements of its "value"; absent where there is none. */
struct span graph_probe_value(const struct graph_probe *probe);

/* The permission that a request needs, the least one first, as a part of a sentence; or NULL. */
const char *graph_permission(const char *method, const char *path);

/* What is believed of one of the tenant's limits for this application (contract 7.1). */
struct graph_quota_state {
	const char *name; /* "resource units" */
	int64_t window_ms;
	double published, limit; /* a window */
	double share;            /* what we use of it at most: limit times the configured share */
	double spent;            /* in the window that ends now */
	double used;  /* of the limit, by everybody, as the service said; 0: it did not say */
	bool learned; /* `limit` comes from an answer, and is not only published */
};
enum { GRAPH_QUOTA_COUNT = 3 };
void graph_quota_state(struct graph *graph, struct graph_quota_state states[GRAPH_QUOTA_COUNT]);
/* `quota_share` of the options as it is used: 0 is the default. */
double graph_quota_share(double quota_share);
/* How long so many writes take in batches at a share of the published quota, if nothing was spent before. */
int64_t graph_writes_take_ms(uint64_t writes, double share);
/* Resource units that were spent since graph_open(). */
double graph_units_spent(const struct graph *graph);

/* ---- writing ---------------------------------------------------------------------- */

/*
 * Only operations that set a state [T3]. Method and path of each come from one table [T6]; a
 * DELETE that matches none of its templates can't be sent.
 */
enum graph_operation {
	GRAPH_SET,           /* PATCH /{users|groups}/{id}, body */
	GRAPH_RESTORE,       /* POST /directory/deletedItems/{id}/restore */
	GRAPH_REMOVE,        /* DELETE /{users|groups}/{id}: soft */
	GRAPH_ADD_MEMBER,    /* POST /groups/{id}/members/$ref */
	GRAPH_REMOVE_MEMBER, /* DELETE /groups/{id}/members/{target}/$ref */
	GRAPH_ADD_OWNER,
	GRAPH_REMOVE_OWNER,
	GRAPH_SET_MANAGER,   /* PUT /users/{id}/manager/$ref */
	GRAPH_CLEAR_MANAGER, /* DELETE /users/{id}/manager/$ref */
	GRAPH_OPERATION_COUNT,
};

const char *graph_operation_name(enum graph_operation operation); /* "add-member" */

enum graph_outcome {
	GRAPH_NOT_SENT = 0, /* it did not leave this machine */
	GRAPH_DONE,         /* 2xx */
	GRAPH_ALREADY,      /* 400 "already exist" / 404 of a reference: success after a re-read */
	GRAPH_THROTTLED,    /* 429: not done; pause, read, and send again */
	GRAPH_CONFLICT,     /* 409, or 400 with ObjectConflict: who holds it is in `text` */
	GRAPH_REFUSED,      /* other 4xx: mastered elsewhere, read-only, malformed */
	GRAPH_DENIED,       /* 403 */
	GRAPH_ABSENT,       /* 404 */
	GRAPH_UNKNOWN,      /* no answer, 5xx, or an answer that does not match: read to know */
};

struct graph_write {
	enum graph_operation operation;
	const struct kind *kind;
	char id[ID_BYTES + 1];
	char target[ID_BYTES + 1]; /* member, owner, manager */
	struct span body;          /* GRAPH_SET, GRAPH_RESTORE: JSON; absent: none */
	/* the answer */
	enum graph_outcome outcome;
	long status;
	char code[64], request_id[64];
	char text[512]; /* Graph's words and what to do next */
};

/*
 * Waits until Graph takes writes again: the time that a 429 asked for is over, and the rate stays
 * at half of what a tenant is given (contract 7.1) [T8]. To be called before the objects are read,
 * so that nothing waits between reading and writing [T2].
 *   ERROR_NETWORK  no write got through for as many tries as the retry table has; or a signal came
 */
MUST_CHECK bool graph_write_pause(struct graph *graph, struct error *err);

/*
 * Sends up to 20 writes of different targets in one $batch. True when every write has its
 * outcome. Nothing is sent twice but what Graph answered with 401, at once and with a new token:
 * GRAPH_THROTTLED and GRAPH_NOT_SENT were not done, and their owner reads before it sends them again.
 * False only where nothing was sent (ERROR_AUTH, ERROR_REFUSED …); a lost answer is true with
 * GRAPH_UNKNOWN.
 */
MUST_CHECK bool graph_write_batch(
	struct graph *graph, struct graph_write *writes, size_t count, struct error *err);

MUST_CHECK struct graph_task *graph_begin_writing(
	struct graph *graph, struct graph_write *writes, size_t count);

/*
 * For several batches beside each other: how long graph_write_pause() would wait for the quota, and
 * room in it for one full batch that is sent later; to be given back when it is, or is not.
 */
int64_t graph_write_wait_ms(struct graph *graph);
void graph_write_reserve(struct graph *graph);
void graph_write_give_back(struct graph *graph);
/* How often since graph_open() a reading met no answer, a 5xx or a 429, and was repeated. */
unsigned graph_troubles(const struct graph *graph);

const char *graph_outcome_name(enum graph_outcome outcome);
