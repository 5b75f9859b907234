/*
 * The simulator's own body, and its tables. Only the store's files (simulator.c, tenant*.c,
 * audit*.c, book.c, changes.c, token.c) touch SQL.
 */
#pragma once

#include <pthread.h>
#include <sqlite3.h>

#include "simulator/simulator_internal.h"

enum {
	SIMULATOR_KEY_BYTES = 32,
	SIMULATOR_SECRET_CHARACTERS = 40,
	SIMULATOR_POOL_BYTES = 512,
	SIMULATOR_OBJECT_MAX = 8 << 20, /* the JSON of one object */
	AUDIT_RETENTION_DAYS = 30,      /* contract 4.2: P1/P2 */
};

enum statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_SETTING_GET,
	STATEMENT_SETTING_PUT,
	STATEMENT_SETTING_EXTENSIONS,
	STATEMENT_OBJECT_INSERT,
	STATEMENT_OBJECT_UPDATE,
	STATEMENT_OBJECT_GET,
	STATEMENT_OBJECT_PAGE,
	STATEMENT_OBJECT_IDS,
	STATEMENT_OBJECT_COUNT,
	STATEMENT_ADDRESS_INSERT,
	STATEMENT_ADDRESS_CLEAR,
	STATEMENT_ADDRESS_FIND,
	STATEMENT_UPN_FIND,
	STATEMENT_LINK_PUT,
	STATEMENT_LINK_GET,
	STATEMENT_LINK_TARGETS,
	STATEMENT_LINK_PAGE,
	STATEMENT_LINK_SOURCES,
	STATEMENT_WRITE_INSERT,
	STATEMENT_WRITE_EACH,
	STATEMENT_WRITE_LAST,
	STATEMENT_WRITE_OBJECTS,
	STATEMENT_CHANGE_INSERT,
	STATEMENT_CHANGE_LEAVE,
	STATEMENT_CHANGE_LAST,
	STATEMENT_CHANGE_HIDDEN,
	STATEMENT_CHANGE_OBJECTS,
	STATEMENT_CHANGE_NAMES,
	STATEMENT_CHANGE_TARGETS,
	STATEMENT_CHANGE_LINKS,
	STATEMENT_CHANGE_ALL,
	STATEMENT_REQUEST_INSERT,
	STATEMENT_REQUEST_EACH,
	STATEMENT_AUDIT_INSERT,
	STATEMENT_AUDIT_NEWEST_FIRST,
	STATEMENT_AUDIT_OLDEST_FIRST,
	STATEMENT_TOKEN_INSERT,
	STATEMENT_TOKEN_GET,
	STATEMENT_COUNT,
};

/* One record of the audit log while it is being collected. */
struct audit {
	unsigned depth;
	char activity[96]; /* of the group; empty: derived */
	char correlation[GUID_TEXT_BYTES];
	json_t *targets,
		*properties; /* NULL: no record is open; `properties` belongs to targets[0] */
	char target[GUID_TEXT_BYTES];
	char record_activity[96];
	char user_type[32]; /* empty: no user */
	enum object_kind kind;
	bool by_sync;
	json_t *initiated_by;
	const char *operation; /* "Add", "Update", "Delete", … */
	int64_t last_ms;
	unsigned last_ticks;
};

/* What the faults of the options count. */
struct fault_counters {
	unsigned requests, items, reads, writes, attempts, links, pages, bad_pages, delta_pages,
		delta_tokens;
	char *loop[2]; /* two pages (targets) that link to each other; NULL: none yet */
};

enum quota_limit { QUOTA_UNITS, QUOTA_WRITES, QUOTA_AUDITS, QUOTA_LIMITS };

struct quota {
	struct quota_meter {
		int64_t used;  /* times the length of its window in milliseconds */
		int64_t since; /* the number of the window, or when the bucket was looked at */
	} meters[QUOTA_LIMITS];
	unsigned tenant_units; /* the limit by its size, 0: not yet counted */
	int64_t counted_ms;
	struct simulator_usage usage;
};

/* Statements of the story that were run once are kept for the next time, by their text. */
enum { STATEMENTS_KEPT = 256 };

struct simulator {
	struct simulator_options options; /* its texts are our own copies */
	sqlite3 *database;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	sqlite3_stmt *kept[STATEMENTS_KEPT];
	pthread_mutex_t lock;
	unsigned transaction_depth;
	_Atomic int64_t now_ms; /* read without the lock by who only asks the time */
	int64_t set_at_ms;      /* the monotonic clock when now_ms was set */

	uint8_t key[SIMULATOR_KEY_BYTES];
	uint64_t pool_number;
	uint8_t page_key[SIMULATOR_KEY_BYTES]; /* seals page and delta tokens */
	uint8_t pool[SIMULATOR_POOL_BYTES];
	size_t pool_used;

	char tenant_id[GUID_TEXT_BYTES], client_id[GUID_TEXT_BYTES], principal_id[GUID_TEXT_BYTES];
	char secret[SIMULATOR_SECRET_CHARACTERS + 1];
	char identity_header[GUID_TEXT_BYTES];
	struct trust *trust; /* what else proves who the client is (token.h) */

	struct audit audit;
	struct fault_counters faults;
	uint64_t request_number;
	struct quota quota;
	bool cut; /* the answer to the request in hand is lost */
};

/* ---- SQL ------------------------------------------------------------------------------------ */

/* The prepared statement, reset and with nothing bound. */
sqlite3_stmt *store_statement(struct simulator *simulator, enum statement which);
void store_bind_text(sqlite3_stmt *statement, int position, const char *text); /* NULL binds NULL */
/* Steps a statement without rows to its end. ERROR_SYSTEM: "simulator: WHAT: …". */
MUST_CHECK bool store_run(
	struct simulator *simulator, sqlite3_stmt *statement, const char *what, struct error *err);
/* True while there is a row; false at the end, or with err->kind set. */
bool store_row(
	struct simulator *simulator, sqlite3_stmt *statement, const char *what, struct error *err);
const char *store_text(sqlite3_stmt *statement, int column); /* NULL for NULL */

MUST_CHECK bool store_open(struct simulator *simulator, struct error *err);
void store_close(struct simulator *simulator);

/* A setting kept in the database: a copy, or NULL. */
char *store_setting(struct simulator *simulator, const char *name);
MUST_CHECK bool store_set_setting(
	struct simulator *simulator, const char *name, const char *value, struct error *err);

/* ---- between the store's files --------------------------------------------------------------- */

struct object_row {
	char id[GUID_TEXT_BYTES];
	enum object_kind kind;
	enum object_state state;
	json_t *json;
};
void object_row_release(struct object_row *row);

/* Loads as it is now. False without err where no such object ever was; a gone one is found too. */
bool object_load(struct simulator *simulator, const char *id, struct object_row *row);
/* As it is, with nothing booked; its addresses are the caller's. */
MUST_CHECK bool object_insert(struct simulator *simulator, const struct actor *actor,
	const struct object_row *row, struct error *err);
MUST_CHECK bool object_store(struct simulator *simulator, const struct actor *actor,
	const struct object_row *row, struct error *err);

/* What a read over Graph sees: writes of the client only after options.lag_ms. */
bool object_load_visible(struct simulator *simulator, const char *id, struct object_row *row);
/* The next `limit` visible objects of this kind and state after the id `after` ("": all). */
MUST_CHECK bool object_page(struct simulator *simulator, enum object_kind kind,
	enum object_state state, const char *after,
	bool (*visit)(void *context, struct object_row *row, bool *more, struct error *err),
	void *context, struct error *err);
/* How many live objects of the kind there are, or `enough` when there are more. */
int64_t object_count(struct simulator *simulator, enum object_kind kind, int64_t enough);
/* Visible targets after the id `after`, in id order. */
MUST_CHECK bool links_visible(struct simulator *simulator, const char *id, enum relation relation,
	const char *after, struct id_list *list, struct error *err);
/* The other way: who has this relation to `id`. */
MUST_CHECK bool links_visible_to(struct simulator *simulator, const char *id,
	enum relation relation, const char *after, struct id_list *list, struct error *err);

/*
 * Restores; `new_upn` (may be NULL) replaces the userPrincipalName, `strip_conflicts` leaves out
 * the addresses that a live object holds now. Otherwise as tenant_restore().
 */
MUST_CHECK bool object_restore(struct simulator *simulator, const struct actor *actor,
	const char *id, const char *new_upn, bool strip_conflicts, struct error *err);
/* Whether deletion puts it into deleted items (contract 2.10). */
bool object_is_recoverable(const struct object_row *row);
bool object_is_synced(const struct object_row *row);          /* onPremisesSyncEnabled is true */
bool json_array_holds(const json_t *array, const char *text); /* exactly; NULL array: no */

/* The moments that writes are compared with: visible when changed at or before it. */
int64_t store_horizon_ms(const struct simulator *simulator);
/* When a write of this actor counts as made, on the same clock. */
int64_t store_change_ms(const struct simulator *simulator, const struct actor *actor);

/* Rewrites the address rows of an object; none for one that is gone. */
MUST_CHECK bool addresses_update(
	struct simulator *simulator, const struct object_row *row, struct error *err);
/* ERROR_REFUSED when a live object other than `row` holds one of its addresses or its UPN. */
MUST_CHECK bool addresses_free(
	struct simulator *simulator, const struct object_row *row, struct error *err);
/* Appends "a@b" for smtp addresses, the whole value for other schemes, in lower case. */
void address_key(struct buf *out, const char *address);

struct write_entry {
	const struct actor *actor;
	const char *id;
	enum object_kind kind;
	const char *operation, *attribute;
	const json_t *old_value, *new_value; /* NULL: none */
};
MUST_CHECK bool book_write(
	struct simulator *simulator, const struct write_entry *entry, struct error *err);
/* How many objects were written after one moment, up to and with another. */
int64_t book_objects_between(struct simulator *simulator, int64_t after_ms, int64_t until_ms);
MUST_CHECK bool book_request(struct simulator *simulator, const char *method, const char *path,
	int status, bool is_write, bool is_batch_item, struct error *err);

/* ---- the log of changes (changes.c), for delta ------------------------------------------------ */

/* One row for a write that has been made; several where an object goes for good. */
MUST_CHECK bool changes_note(
	struct simulator *simulator, const struct write_entry *entry, struct error *err);

/* The changes after `since`, up to and with `until`. */
struct change_span {
	int64_t since, until;
};

/* The newest change that reads show already, and all before it: nothing before it is hidden. */
int64_t changes_until(struct simulator *simulator);

/* An object and the number of its last change in the span; 0 in a round over all objects. */
struct change_place {
	char id[GUID_TEXT_BYTES];
	int64_t sequence;
};
/*
 * The next objects of a kind behind a place (`with_it`: from it on), at most `limit`: by their
 * last change in the span, or, without a span, all there ever were in id order.
 */
MUST_CHECK bool changes_objects(struct simulator *simulator, enum object_kind kind,
	const struct change_span *span, const struct change_place *place, bool with_it,
	size_t limit, struct change_place *places, size_t *count, struct error *err);

/* What happened to one object in the span. */
struct change_summary {
	bool is_new;   /* created, restored: all of it is told */
	json_t *names; /* of its properties and relations, as keys; "outer/inner" as outer */
};
void change_summary_release(struct change_summary *summary);
MUST_CHECK bool changes_summary(struct simulator *simulator, const char *id,
	const struct change_span *span, struct change_summary *summary, struct error *err);

/*
 * The targets of a relation behind the target `after`, at most `limit`, in id order: what changed
 * in the span, and, with `whole` or without a span, all that there is.
 */
MUST_CHECK bool changes_targets(struct simulator *simulator, const char *id, enum relation relation,
	const struct change_span *span, bool whole, const char *after, size_t limit,
	bool (*visit)(void *context, const char *target, enum object_kind kind, bool present),
	void *context, struct error *err);

/* One change for the audit log: `row` is the object as it is after the change. */
MUST_CHECK bool audit_change(struct simulator *simulator, const struct actor *actor,
	const struct object_row *row, const char *attribute, const json_t *old_value,
	const json_t *new_value, struct error *err);
enum audit_event { AUDIT_ADD, AUDIT_DELETE, AUDIT_HARD_DELETE, AUDIT_RESTORE };
MUST_CHECK bool audit_object(struct simulator *simulator, const struct actor *actor,
	const struct object_row *row, enum audit_event event, struct error *err);
MUST_CHECK bool audit_reference(struct simulator *simulator, const struct actor *actor,
	const struct object_row *source, enum relation relation, const struct object_row *target,
	bool added, struct error *err);

/* Drops what was collected: its writes were rolled back. */
void audit_forget(struct simulator *simulator);

/* audit_names.c: how the directory calls a property inside. NULL: it is never logged. */
const char *audit_property_name(const char *attribute, char room[static 64]);

/* Visits records by time; `from` is the sequence to go on behind (0: the beginning). */
MUST_CHECK bool audit_each(struct simulator *simulator, bool newest_first, int64_t behind,
	bool (*visit)(
		void *context, int64_t sequence, json_t *record, bool *more, struct error *err),
	void *context, struct error *err);
