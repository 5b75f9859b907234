/*
 * What the files of applying share: the record of a step, the journal, the ledger, what stands
 * in the directory, and the run itself. Planning and signing know nothing of it.
 */
#pragma once

#include <sqlite3.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "rollback/rollback.h"

enum {
	APPLY_CLOCK_SLACK_MS = 5 * 60 * 1000, /* [T12], and a plan made "in the future" */
	APPLY_LAG_LIMIT_MS = 120 * 1000,      /* default of apply_options.lag_limit_ms */
	APPLY_SENDS_MAX = 2,     /* of one step in one run: once, and once after settling */
	APPLY_LOOK_AHEAD = 4096, /* steps looked at to fill one batch */
	APPLY_BATCHES_MAX = 16,  /* under way at once, with a request each */
	APPLY_FRESH_MS = 30 *
		1000, /* what was read longer ago is read again before it is overwritten */
	APPLY_READINGS_MAX = 3, /* in a row that took so long that nothing could be sent */
	APPLY_HASH_TEXT = 65,   /* BLAKE2b-256, hexadecimal */
	APPLY_VALUE_MAX = DIRECTORY_LINE_MAX, /* one value */
	APPLY_BODY_MAX = 128 << 10,           /* one PATCH; twenty of them fit in a batch */
	VALUE_SHOWN_MAX = 200, /* bytes of a value, or of a reason, within a sentence */
};

/* What is known of a step. Texts are owned; a value not read is NULL, one read and empty "null". */
struct step_record {
	enum step_state state;
	unsigned attempts; /* INTENTs in the journal */
	unsigned
		settled; /* the last attempt whose effect is known; less than attempts: in flight */
	unsigned sent_now; /* INTENTs of this run that may have left */
	bool under_way;    /* in a batch of this run */
	bool doubtful;     /* an attempt before the last may have worked, and be seen only now */
	enum graph_outcome outcome; /* of the last attempt; GRAPH_UNKNOWN where none came */
	int64_t begun_ms;           /* the last INTENT */
	bool told;
	char *text, *before, *after;
};

struct step_record *step_records_new(const struct plan *plan);
void step_records_free(struct step_record *records, size_t count);
void step_record_set_text(char **text, struct span value); /* replaces an owned text */
bool step_state_find(const char *name, enum step_state *state);
/* done, by us or before us or by another door: what depends on it may go on */
bool step_is_done(enum step_state state);
bool step_in_flight(const struct step_record *record);
/* A new attempt begins: what the last one may have done is remembered. */
void step_record_begin_attempt(struct step_record *record, int64_t begun_ms);
/* Whether any attempt may have had an effect. */
bool step_may_be_our_work(const struct step_record *record);
/* Denied by 401 or 403: it may go again once somebody has granted what was missing. */
bool step_was_denied(const struct step_record *record);

/* ---- SQLite, as journal and ledger use it -------------------------------------------- */

enum database_access { DATABASE_READ, DATABASE_WRITE };

/*
 * Opens the file (never through a link; created 0600), fully synchronised. ERROR_FORMAT when
 * it is no sound database, ERROR_REFUSED when a newer program wrote it, ERROR_SYSTEM.
 */
MUST_CHECK sqlite3 *database_open(
	const char *path, enum database_access access, int version, struct error *err);
void database_close(sqlite3 *database);
DEFINE_CLEANUP(sqlite3 *, database_close);

MUST_CHECK bool database_run(sqlite3 *database, const char *sql, struct error *err);
MUST_CHECK bool database_begin(sqlite3 *database, struct error *err);
/* Commits when `good`, else rolls back and keeps the error. True only when it is durable. */
MUST_CHECK bool database_end(sqlite3 *database, bool good, struct error *err);
MUST_CHECK sqlite3_stmt *database_prepare(sqlite3 *database, const char *sql, struct error *err);
void database_finalize(sqlite3_stmt *statement);
DEFINE_CLEANUP(sqlite3_stmt *, database_finalize);
/* The next row. At the end, and for statements without rows, `*row` is false. */
MUST_CHECK bool database_row(sqlite3_stmt *statement, bool *row, struct error *err);
/* Runs a statement without rows and makes it ready for the next values. */
MUST_CHECK bool database_step(sqlite3_stmt *statement, struct error *err);
/* Binds a text (NULL: null), borrowed until the next step. */
void database_bind_text(sqlite3_stmt *statement, int index, const char *text);
void database_bind_number(sqlite3_stmt *statement, int index, int64_t number);
/* Borrowed until the next row; NULL for null. */
const char *database_text(sqlite3_stmt *statement, int column);
/* Sets the error from what SQLite said last: damage is ERROR_FORMAT, the rest ERROR_SYSTEM. */
bool database_failed(sqlite3 *database, const char *tried, struct error *err);

/* ---- the journal (docs/FORMAT-journal.md) ---------------------------------------------- */

struct journal;

/* What a journal knows a plan's bytes by. */
void plan_hash_text(struct span plan_bytes, char hash[static APPLY_HASH_TEXT]);

/*
 * Opens or creates the journal of this plan and checks it: whole, ours, and naming this hash.
 *   ERROR_FORMAT   damaged · ERROR_REFUSED  of another plan, or newer · ERROR_SYSTEM
 */
MUST_CHECK struct journal *journal_open(const char *path, const struct plan *plan, const char *hash,
	int64_t now_ms, struct error *err);
/* The same for looking only; the hash is compared by journal_check_bytes(). */
MUST_CHECK struct journal *journal_open_to_read(
	const char *path, const struct plan *plan, struct error *err);
/* ERROR_REFUSED: it is of other bytes than these, though their plan has the same id. */
MUST_CHECK bool journal_check_bytes(
	struct journal *journal, struct span plan_bytes, struct error *err);
void journal_close(struct journal *journal);
DEFINE_CLEANUP(struct journal *, journal_close);

/* Fills the records with what the journal knows of the plan's steps. */
MUST_CHECK bool journal_load(struct journal *journal, const struct plan *plan,
	struct step_record *records, struct error *err);

/* One line of a journal's transaction: a step and the attempt, or what came back of it. */
struct journal_entry {
	size_t number;
	unsigned attempt;
	const struct graph_write *write;  /* journal_add_outcomes() only */
	const struct step_record *record; /* journal_set_states() only */
};

/* Durable when they return true, each call in one transaction [T4], but for journal_together(). */
MUST_CHECK bool journal_add_intents(struct journal *journal, const struct journal_entry *entries,
	size_t count, int64_t now_ms, struct error *err);
MUST_CHECK bool journal_add_outcomes(struct journal *journal, const struct journal_entry *entries,
	size_t count, int64_t now_ms, struct error *err);
MUST_CHECK bool journal_set_states(struct journal *journal, const struct journal_entry *entries,
	size_t count, int64_t now_ms, struct error *err);

/*
 * From here on what is added is one transaction, until journal_commit() makes it durable. A failure
 * takes back all of it.
 */
void journal_together(struct journal *journal);
MUST_CHECK bool journal_commit(struct journal *journal, struct error *err);

MUST_CHECK bool journal_begin_run(struct journal *journal, int64_t now_ms, struct error *err);
/* Ends the run and folds the log into the file, which stands alone afterwards. */
MUST_CHECK bool journal_end_run(
	struct journal *journal, int64_t now_ms, const char *why, struct error *err);
/* The times of the first begin and the last end; TIME_NONE where there is none. */
MUST_CHECK bool journal_times(
	struct journal *journal, int64_t *begun_ms, int64_t *ended_ms, struct error *err);

/* Every attempt in order of step and attempt, for the receipt. */
struct journal_attempt {
	size_t number;
	unsigned attempt;
	int64_t begun_ms, answered_ms;                  /* TIME_NONE: no answer */
	const char *outcome, *code, *request_id, *text; /* NULL: no answer */
	long status;
};
typedef bool journal_attempt_function(
	void *context, const struct journal_attempt *attempt, struct error *err);
MUST_CHECK bool journal_attempts(
	struct journal *journal, journal_attempt_function *each, void *context, struct error *err);

/* ---- the ledger [T11] -------------------------------------------------------------------- */

struct ledger;

struct ledger_entry {
	bool known;    /* this plan id was begun before */
	bool finished; /* and nothing is left to do */
};

MUST_CHECK struct ledger *ledger_open(const char *state_folder, struct error *err);
void ledger_close(struct ledger *ledger);
DEFINE_CLEANUP(struct ledger *, ledger_close);
/* ERROR_REFUSED: the id was used with another hash, or `now_ms` lies before what the ledger saw
 * [T12]. */
MUST_CHECK bool ledger_look(struct ledger *ledger, const struct plan *plan, const char *hash,
	int64_t now_ms, struct ledger_entry *entry, struct error *err);
MUST_CHECK bool ledger_enter(struct ledger *ledger, const struct plan *plan, const char *hash,
	int64_t now_ms, struct error *err);
MUST_CHECK bool ledger_leave(struct ledger *ledger, const struct plan *plan, bool finished,
	int64_t now_ms, struct error *err);

/* ---- what stands in the directory ---------------------------------------------------------- */

enum standing {
	STANDING_FROM, /* what the plan saw */
	STANDING_TO,   /* what the plan wants */
	STANDING_NEITHER,
	STANDING_UNREADABLE, /* the credentials don't show it: never compared, never written */
};

/* The attribute a step is about, where the operation itself names it too; NULL: the object. */
const struct attribute *step_attribute(const struct plan_step *step);
/* It puts one element into a set or takes it out, whatever else is in it. */
bool step_sets_element(const struct plan_step *step);
/* What to read of a step's object; `before_writing`: also who masters it. */
void step_read_init(const struct plan_step *step, bool before_writing, struct graph_read *read);
/* The objects that were read, in order; NULL: nowhere. To be freed each. `good`: the reading was. */
MUST_CHECK bool objects_take(struct graph_read *reads, size_t count, bool good,
	struct object **objects, struct error *err);
/* Reads them first, and waits. */
MUST_CHECK bool objects_read(struct graph *graph, struct graph_read *reads, size_t count,
	struct object **objects, struct error *err);
/*
 * Compares the object (NULL: nowhere) with the step. `value`: emptied, then what stands there
 * as JSON ("null", "live", "deleted", "absent" for whole objects, true or false for
 * memberships).
 */
enum standing step_standing(
	const struct plan_step *step, const struct object *object, struct buf *value);
/* A step that restores: was the object deleted once more since the plan was made, by whomever? */
bool step_deleted_again(
	const struct plan *plan, const struct plan_step *step, const struct object *object);
/* Why the object as it is now may not be written at all; NULL: it may. */
const char *step_forbidden(const struct plan_step *step, const struct object *object);
/* Appends the body of a PATCH. ERROR_REFUSED: a sibling that must be sent along can't be read. */
MUST_CHECK bool step_add_body(struct buf *out, const struct plan_step *step,
	const struct object *object, struct error *err);

/* ---- objects by number ------------------------------------------------------------------- */

/* Which objects the steps of a plan name, and which of them are named by steps under way. */
struct step_objects {
	size_t *ids, *targets; /* by step; 0: none */
	unsigned *as_id, *as_target;
};
void step_objects_init(struct step_objects *objects, const struct plan *plan);
void step_objects_release(struct step_objects *objects);
/* Items of a batch run in any order, so none may touch an object that another one names. */
bool step_objects_free(const struct step_objects *objects, size_t index);
void step_objects_take(struct step_objects *objects, size_t index);
void step_objects_let_go(struct step_objects *objects, size_t index);

/* ---- the run -------------------------------------------------------------------------------- */

struct apply {
	const struct plan *plan;
	const struct apply_options *options;
	struct apply_result *result;
	struct journal *journal;
	struct step_record *records; /* one per step of the plan */
	size_t *changed;             /* indices decided since the last apply_save() */
	size_t changed_count, changed_capacity;
	size_t first_open; /* nothing before it is open */
	size_t open;       /* steps that are */
	struct step_objects objects;
	size_t under_way;                     /* steps in batches */
	size_t let_go;                        /* steps that ever left a batch */
	size_t proven[GRAPH_OPERATION_COUNT]; /* canaries that held */
	size_t canary;
	int64_t clock_start_ms;
};

int64_t apply_now_ms(const struct apply *apply); /* the wall clock, moved on by the monotonic one */
int64_t apply_clock_ms(const struct apply *apply); /* monotonic */
void apply_sleep(const struct apply *apply, int64_t duration_ms, const char *why);
/* False from Ctrl-C, expiry or a stop on: nothing new is sent. */
bool apply_may_send(struct apply *apply);
void apply_stop(struct apply *apply, const char *format, ...) PRINTF_LIKE(2, 3);
/* Decides a step in memory; apply_save() makes the journal know, and then tells. */
void apply_decide(struct apply *apply, size_t index, enum step_state state, const char *format, ...)
	PRINTF_LIKE(4, 5);
MUST_CHECK bool apply_save(struct apply *apply, struct error *err);
/* Its two halves, for what becomes durable with more: nobody is told before. */
MUST_CHECK bool apply_record(struct apply *apply, struct error *err);
void apply_tell_recorded(struct apply *apply);

/* One step in a batch. */
struct flight {
	size_t index;
	const struct plan_step *step;
	struct step_record *record;
	struct object *object; /* as read before sending; owned */
	struct buf body;
	bool canary;
};

enum batch_stage {
	BATCH_READING,  /* what stands there */
	BATCH_READY,    /* was read a moment ago, and may be sent */
	BATCH_INTENDED, /* its INTENT is recorded, and leaves once it is durable */
	BATCH_WRITING,  /* between INTENT and OUTCOME */
	BATCH_SETTLING, /* is read again, or waits for replicas before that */
};

/* Up to 20 steps that go together, in the order of the plan, until each is decided. */
struct batch {
	struct flight flights[GRAPH_BATCH_MAX];
	size_t count;
	enum batch_stage stage;
	struct graph_task *task; /* NULL: none is under way */
	struct graph_read reads[GRAPH_BATCH_MAX];
	struct graph_write writes[GRAPH_BATCH_MAX];
	bool reserved;     /* room in the quota is kept for it */
	bool unplanned;    /* a step came out otherwise than the plan wants */
	bool troubled;     /* and it is no matter of what was found by reading */
	unsigned setbacks; /* of the fleet, when it began */
	int64_t read_ms;   /* when its reading began */
	/* settling: until when and how long replicas are waited for, and when it is read again */
	int64_t deadline_ms, wait_ms, again_ms;
	bool patient;
};
struct batch *batch_new(void);
void batch_free(struct apply *apply, struct batch *batch); /* its steps are as they were */
/* The same of one that never began to read. */
void batch_forget(struct apply *apply, struct batch *batch);
void batch_add(struct apply *apply, struct batch *batch, size_t index, bool canary);
/* Takes out the flights for which this is false. */
void batch_keep(struct apply *apply, struct batch *batch,
	bool (*keep)(struct apply *apply, struct batch *batch, struct flight *flight));

enum readiness { READY, NOT_YET, NEVER };
/* Whether what the step waits for is done; else `blocker` is a step that is not, or won't be. */
enum readiness step_readiness(
	const struct apply *apply, const struct plan_step *step, size_t *blocker);
/*
 * Picks steps that may go beside what is under way; those whose condition can't come true any more
 * are held back. Empty: none left, or none before something that is under way is settled.
 */
void batch_pick(struct apply *apply, struct batch *batch);
void batch_look(struct apply *apply, struct batch *batch);
/* The reading is done: compares, and keeps only the steps to be sent. */
MUST_CHECK bool batch_compare(struct apply *apply, struct batch *batch, struct error *err);
/* INTENT of all of them in one transaction; they leave once that is durable. */
MUST_CHECK bool batches_intend(
	struct apply *apply, struct batch *const *batches, size_t count, struct error *err);
void batch_leave(struct apply *apply, struct batch *batch);
/*
 * The writing is done: OUTCOME of all of them in one transaction. `unsent` is set where a batch could
 * not be sent, for a reason that the next one would meet as well.
 */
MUST_CHECK bool batches_note(struct apply *apply, struct batch *const *batches, size_t count,
	struct error *unsent, struct error *err);

/*
 * What became of what was sent (settle.c): decides what needs no reading; the rest is to be read at
 * again_ms. The reading is done: decides what it shows, and says when the rest is read again.
 */
void batch_settle(struct apply *apply, struct batch *batch);
void batch_look_again(struct apply *apply, struct batch *batch);
MUST_CHECK bool batch_judge(struct apply *apply, struct batch *batch, struct error *err);

/* All steps that are open, or what an earlier run left in flight (apply_fleet.c). */
MUST_CHECK bool fleet_apply(struct apply *apply, struct error *err);
MUST_CHECK bool fleet_settle(struct apply *apply, struct error *err);

/* ---- before and after ----------------------------------------------------------------------- */

/* The plan by itself: cloud, ids, numbers, limits, times. */
MUST_CHECK bool preflight_plan(
	const struct plan *plan, const struct apply_options *options, struct error *err);
MUST_CHECK bool preflight_expiry(const struct plan *plan, int64_t now_ms, struct error *err);
/*
 * Which tenant the directory says it is; ERROR_REFUSED when it is not the plan's [T1]. Then what
 * reading its steps' objects takes is learned.
 */
MUST_CHECK bool preflight_tenant(
	const struct plan *plan, struct graph *graph, int64_t *last_sync_ms, struct error *err);
/* The service: which tenant, and what time it is there. */
MUST_CHECK bool preflight_service(const struct apply *apply, struct error *err);
/* A descriptor to close, or -1. */
MUST_CHECK int preflight_lock(const struct plan *plan, const char *state_folder, struct error *err);

MUST_CHECK bool receipt_write(const struct apply *apply, const char *hash, struct error *err);
