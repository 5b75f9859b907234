/* What collecting is made of: the lists (collect.c), and what changed meanwhile (quiet.c). */
#pragma once

#include "graph/delta.h"

struct collector;
struct pending;
struct update;

/* One list of objects on its way. */
struct object_list {
	struct collector *collector;
	const struct kind *kind;
	bool deleted;
	struct line_reader *reader;
	struct buf line, path;
	struct list_job job;
	struct list list;
	uint64_t count;
};

/*
 * Who has this manager. Half of the manager's id is enough to know who may be meant: whoever is read
 * again in vain costs a request. 24 bytes for each who has one.
 */
struct report {
	uint8_t manager[8];
	struct id who;
};
struct reports {
	struct report *rows;
	size_t count, capacity;
};
/* `manager`: the id's text, without quotes; absent where there is none. */
void reports_add(struct reports *reports, struct id who, struct span manager);

struct collector {
	struct graph *graph;
	const struct graph_taker *taker;
	struct flow flow;
	struct object_list lists[KIND_COUNT], deleted_lists[KIND_COUNT];
	uint64_t count;

	struct pending *filling, *asked;

	struct buf audit_path;
	struct list_job audit_job;
	struct list audit_list;

	/* Members as delta tells them, those in deleted items too. */
	struct members members;
	struct reports reports[KIND_COUNT];
	struct members owners; /* as the lists tell them; only to know whose groups are whose */
	struct list_job members_job;
	struct list members_list;
	bool members_usable;
	struct id_index deleted; /* users and groups in deleted items */
	unsigned awaited;        /* lists that groups wait for */
	struct found *held;      /* groups that wait */
	size_t held_count, held_capacity, held_bytes;

	struct update *update; /* what was read before is updated; NULL: all is read */
};

/* ---- collect.c ----------------------------------------------------------------------- */

void collector_init(
	struct collector *collector, struct graph *graph, const struct graph_taker *taker);
void collector_release(struct collector *collector);
/* Begins deleted items, the kinds that are `wanted`, and, with groups, the members of all groups. */
MUST_CHECK bool collector_begin(
	struct collector *collector, const bool wanted[static KIND_COUNT], struct error *err);
/* Begins the audit log; NULL: none. */
MUST_CHECK bool collector_begin_audits(
	struct collector *collector, const struct graph_audit_window *audits, struct error *err);

/* ---- quiet.c ------------------------------------------------------------------------- */

/* Objects to be read again, each once. */
struct again {
	struct collector *collector;
	struct id_index ids;
	const struct kind **kinds; /* by number */
	size_t kind_capacity;
	bool kept; /* the links to ask are from an earlier run */
};
void again_release(struct again *again);
void again_add(struct again *again, const struct kind *kind, struct id id);

/*
 * What changed since `links`, which are new then. `*lost`: the link of this kind is not known, and
 * none is new; or NULL.
 */
MUST_CHECK bool again_ask(struct again *again, struct graph_links *links, const struct kind **lost,
	struct error *err);
/* Reads them, wherever they are now. */
MUST_CHECK bool again_read(struct again *again, struct error *err);

/* Reads again what changed since `links` were given, until nothing does; then they are new. */
MUST_CHECK bool collect_until_quiet(
	struct collector *collector, struct graph_links *links, struct error *err);

/* ---- update.c ------------------------------------------------------------------------ */

/* What mentions this object may be shown otherwise now. */
void update_note(struct update *update, const struct graph_change *change);
/* Adds what mentions those that were noted; none is noted then. */
MUST_CHECK bool update_add_mentions(struct update *update, struct again *again, struct error *err);
