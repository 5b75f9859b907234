/*
 * What the files of this folder share: kept texts, who is who, one value's timeline, the
 * question about it and the answer.
 */
#pragma once

#include "reconcile/reconcile.h"

enum {
	AUDIT_RECORD_MAX = 8 << 20,   /* one directoryAudits record */
	AUDIT_NAMES_MAX = 4096,       /* properties of one target, and names that one lists */
	EVIDENCE_FILE_MAX = 1 << 30,  /* a saved file, as read and as written */
	EVIDENCE_LINE_MAX = 32 << 20, /* one of its lines */
	REASON_MAX = 4096,            /* one finding's sentence */
	REFERENCES_MAX = 8,           /* deciding references of one finding */
	CLAIMANTS_NAMED_MAX = 8,      /* claimants that a reason names; the others are counted */
};

/* The last instant that four digits of a year can write. */
#define INSTANT_LAST_MS INT64_C(253402300799999)

#define EVIDENCE_FORMAT  "unstage-evidence/1"
#define FINDINGS_FORMAT  "unstage-findings/1"
#define DECISIONS_FORMAT "unstage-decisions/1"

#define REASON_DRIFT "nothing points to the staging server"

#define NAME_NOT_RECORDED "(not recorded)" /* of a writer */

/* ---- texts.c: texts that live as long as the collection that holds them ------------- */

struct texts;

struct texts *texts_new(void);
void texts_free(struct texts *texts);
void texts_empty(struct texts *texts);
/* A copy with a NUL behind it; absent stays absent. */
struct span texts_keep(struct texts *texts, struct span text);

/* ---- evidence.c --------------------------------------------------------------------- */

/* A writer with its place in the evidence, so that tables beside it need no search. */
struct kept_writer {
	struct writer writer; /* first: a fact's `who` points here */
	size_t number;
};

static inline size_t writer_number(const struct writer *writer)
{
	return ((const struct kept_writer *)(const void *)writer)->number;
}

size_t evidence_writer_count(const struct evidence *evidence);
const struct writer *evidence_writer(const struct evidence *evidence, size_t number);

/* The evidence's own copies: what a fact that is added as it is must be made of. */
struct span evidence_keep(struct evidence *evidence, struct span text);
const struct writer *evidence_keep_writer(struct evidence *evidence, const struct writer *writer);
void evidence_add_kept(struct evidence *evidence, const struct fact *fact);

/* ---- evidence_fact.c ----------------------------------------------------------------- */

/* Does this source tell writes to the directory, and is the fact one? */
bool fact_is_write(const struct fact *fact);
/* False: no source has this name. */
MUST_CHECK bool fact_source_find(const char *name, enum fact_source *source);
const char *fact_operation_name(enum fact_operation operation);
MUST_CHECK bool fact_operation_find(const char *name, enum fact_operation *operation);

/* The hexadecimal tail of a sync identity's name, which tells installations apart; or absent. */
struct span sync_identity_installation(const char *name);

/* ---- holders.c: their lines in the file ------------------------------------------------- */

/* Between the runs and the facts. */
void holders_add_lines(struct buf *out, struct evidence *evidence);
bool is_holder_line(const json_t *line);
MUST_CHECK bool holders_read_line(struct evidence *evidence, const json_t *line, struct error *err);

/* ---- flows.c: their lines in the file, and whose they are --------------------------------- */

/* Behind the holders; `out` NULL: only counts them. */
size_t flows_add_lines(struct buf *out, const struct evidence *evidence);
bool is_flows_line(const json_t *line);
MUST_CHECK bool flows_read_line(struct evidence *evidence, const json_t *line, struct error *err);

enum flowing { FLOWING_UNKNOWN, FLOWING, FLOWING_NOT };

/* `flows` may be NULL. A kind without rules is not known. */
enum flowing flows_attribute(const struct server_flows *flows, const struct kind *kind,
	const struct attribute *attribute);

struct reconciling;
/* Once the writers are classified. NULL: nothing tells, the default rules are assumed. */
const struct server_flows *flows_of_production(const struct reconciling *reconciling);

/* ---- evidence_file.c ---------------------------------------------------------------- */

/* The saved form, whole. */
void evidence_add_file(struct buf *out, struct evidence *evidence);
/* evidence_load() behind the reading; `name` stands in errors. */
MUST_CHECK struct evidence *evidence_parse(struct span bytes, const char *name, struct error *err);

/* The sources of a header line, and one line between header and trailer: a fact or a run. */
MUST_CHECK bool evidence_read_sources(
	struct evidence *evidence, const json_t *line, struct error *err);
MUST_CHECK bool evidence_read_line(
	struct evidence *evidence, const json_t *line, struct error *err);

/* An instant that is written again as it was read: from 1970 to the end of the year 9999. */
MUST_CHECK bool evidence_instant(const char *text, int64_t *ms);

/* ---- audit_limits.c ----------------------------------------------------------------- */

/* Would the log tell of a write to it? */
bool audit_log_carries(const struct evidence *evidence, const struct attribute *attribute);

/* ---- audit_value.c ------------------------------------------------------------------ */

/*
 * What one side of a modified property says (contract 4.3), in canonical form appended to
 * `out` (nothing appended: the value nothing). False: it can't be known from this text.
 */
MUST_CHECK bool audit_value_add(
	struct buf *out, const struct attribute *attribute, const json_t *text);

/* ---- timeline.c: what is known to have happened to one value, in order of time ------ */

enum writer_class {
	WRITER_OTHER, /* a person, an application, the production server */
	WRITER_STAGING,
	WRITER_DOUBTFUL, /* a sync server that is neither: its values are no proof of what was right
			  */
};

struct event {
	int64_t when_ms;
	int64_t within_ms; /* it happened so much earlier at most; 0: at `when_ms` */
	const struct fact *fact;
	const struct fact *also; /* tells of the same write; NULL: none */
	enum writer_class writer;
	/*
	 * The value stood there and nobody wrote it: an element of a set that stayed, or what a
	 * server's file shows.
	 */
	bool seen;
	bool shown;   /* by a server's file: it may trail behind what happened */
	bool perhaps; /* it was being sent when the run died */
	struct known_value old_value, new_value;
};

static inline int64_t event_earliest(const struct event *event)
{
	return event->when_ms - event->within_ms;
}

struct timeline {
	struct event *events;
	size_t count, capacity;
};

void timeline_add(struct timeline *timeline, const struct event *event);
void timeline_release(struct timeline *timeline);

struct reconciling;
struct subject;

/* The event that a fact about the whole value is. */
struct event event_of(const struct reconciling *reconciling, const struct fact *fact);

/* ---- verdict.c: the decision, from values and times alone --------------------------- */

struct times {
	int64_t base_from, base_until, live_from, live_until;
	/* All who can write the value are known from then until then; from > until: at no time. */
	int64_t evidence_from, evidence_until;
	bool by_servers; /* because only sync servers can, and the production server's file tells */
	int64_t order_ms; /* events no further apart may have happened the other way round */
	bool not_logged;  /* the log never tells of this attribute: nothing of it is covered */
	bool rebuilt;     /* the base is made of the evidence (rebuild.c) */
};

/* Are `a` and `b` the same, as far as this question goes? */
typedef bool same_function(const struct attribute *attribute, struct span a, struct span b);

/* The times of one value: of what only sync servers write, their files may tell all. */
struct times times_of_value(const struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute, const struct timeline *timeline);

/*
 * Since when nothing can happen to the object unseen: the base has it, or somebody else made it
 * since. TIME_NONE: neither.
 */
struct origin {
	int64_t since_ms;
	bool made_since; /* a value that no record tells was not there then */
	bool not_quiet;  /* a rebuilt base has it, and the log does not reach back far enough */
};

/* foresee.c: what production's next export leaves of a value, or whether it deletes the object. */
struct foresight {
	const struct fact *fact; /* that tells it; NULL: nothing does */
	bool deletes;
	struct known_value value; /* of one element: there or absent */
};

struct question {
	const struct attribute *attribute;
	same_function *same;
	struct known_value base, live;
	const struct timeline *timeline;
	const struct times *times;
	struct origin origin;
	bool element; /* of a set: a value that nobody is known to have changed is no finding */
	bool base_is_before;           /* somebody vouches for the time that no evidence covers */
	struct foresight next;         /* decides nothing about who wrote what */
	struct known_value next_whole; /* of a set, all of it */
};

struct answer {
	bool found; /* false: nothing to say */
	enum verdict verdict;
	struct known_value before, staging;
	const struct event *last, *last_staging; /* NULL: none */
	const struct event *deciding[4];
	size_t deciding_count;
	struct buf reason;
	bool base_would_do;              /* if somebody vouched so */
	const struct decision *decision; /* the line that does; NULL: none */
};

/*
 * Brings what several sources tell into one order: a write that two of them tell of is one event,
 * what a server's file shows stands where it stood at the earliest, and what was perhaps written
 * goes where the log would tell of it.
 */
void timeline_settle(struct reconciling *reconciling, struct timeline *timeline,
	const struct question *question);

void verdict_decide(const struct question *question, struct answer *answer);
void answer_release(struct answer *answer);

/* " by ada@contoso.com on 2026-03-04T02:17:41Z" */
void reason_add_write(struct buf *reason, const struct fact *fact);

/* ---- one object under examination --------------------------------------------------- */

struct subject {
	const struct kind *kind;
	struct span id;
	const struct object *base, *live; /* NULL: not there */
	const struct snapshot *base_from, *live_from;
	const struct fact *const *facts;
	size_t fact_count;
	struct origin origin;
};

/* What an attribute was and is: not known where an object is missing, deleted, or did not show it.
 */
struct known_value subject_base(const struct subject *subject, const struct attribute *attribute);
struct known_value subject_live(const struct subject *subject, const struct attribute *attribute);

/* The object itself, then what objects_decide() leaves to be looked at. */
void subject_decide(struct reconciling *reconciling, const struct subject *subject);

/* Times in which a server sent something: sorted, none touching another. */
struct busy {
	struct covered *at;
	size_t count, capacity;
};

/* Objects that are explained by what they show of themselves alone: when they were stamped, or TIME_NONE. */
struct object_only {
	char last_id[ID_BYTES + 1];
	int64_t *stamps_ms;
	size_t count, capacity;
};

struct reconciling {
	const struct reconcile_options *options;
	struct findings *findings;
	enum writer_class *writers; /* by writer_number() */
	bool *explained;            /* by place of the fact in the evidence */
	bool *doubles;              /* likewise: tells of a write that another fact tells, too */
	struct times times;
	struct link *links; /* ids that others put into relations, sorted */
	size_t link_count, link_capacity;
	const struct fact *first_fact;
	size_t fact_count;
	const struct fact **told; /* room for the facts about one object */
	bool has_files;           /* facts of other sources than the audit log take part */
	struct busy staging_busy, others_busy; /* when sync servers sent something */
	struct object_only object_only;
	const struct server_flows *flows; /* production's; NULL: the default rules */
	struct touched *touched;          /* in order of id */
	size_t touched_count, touched_capacity;
};

/* An object that staging wrote to, and whether it was decided. */
struct touched {
	const char *id;
	bool visited;
};

/* Somebody other than staging made `id` a member, owner or manager of something. */
struct link {
	struct span id; /* unquoted */
	const struct fact *fact;
};

void reconciling_release(struct reconciling *reconciling);

/* ---- touches.c: what points to the staging server and tells no value -------------------- */

enum touch { TOUCH_NONE, TOUCH_MARKER, TOUCH_BY_STAGING, TOUCH_PERHAPS, TOUCH_BY_EITHER };

/* Once the writers are classified. */
void touches_prepare(struct reconciling *reconciling);
/*
 * What points to staging where live differs from base (`attribute` NULL: in that the object is there) and no
 * record tells who wrote it. touch_is_suspect(): then it is no drift; the object is counted once.
 */
enum touch touch_explains(struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute);
bool touch_is_suspect(enum touch touch);
const char *touch_text(enum touch touch); /* NULL of TOUCH_NONE */

/* accounts.c: a server of which nobody knows the name is the one that is meant. */
bool server_is_staging(const struct reconciling *reconciling, const char *server);

/* ---- foresee.c: what production's next export will do ----------------------------------- */

/* Once the writers are classified: which file tells it. */
void foresee_begin(struct reconciling *reconciling);
/* Of a set: all of it. */
struct foresight foresee(const struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute);
enum foreseen foreseen_of(const struct question *question, const struct answer *answer);

/* ---- rebuild.c: a base made of evidence ------------------------------------------------ */

bool is_rebuilt(const struct snapshot *base);
/* Did staging write nothing for so long before that what it found then is somebody else's? */
bool rebuilt_is_quiet(const struct times *times);
/* The fact that tells what stood there at that moment, and what that is; NULL: none does. */
const struct fact *rebuilt_from(const struct fact *const *facts, size_t count,
	const struct attribute *attribute, int64_t when_ms, struct span *value);

/* A write to this directory, or what stood there: other facts decide nothing. */
bool fact_takes_part(const struct fact *fact);
enum writer_class fact_class(const struct reconciling *reconciling, const struct fact *fact);
void explain(struct reconciling *reconciling, const struct fact *fact);

/* The latest such fact after `after_ms`, or NULL. */
const struct fact *link_after(
	const struct reconciling *reconciling, struct span id, int64_t after_ms);

/* sets.c */
void sets_decide(struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute);

/* Which values of an object are to be looked at, one by one. */
enum examine {
	EXAMINE_NOTHING,
	EXAMINE_SHARED, /* staging made the object: those that somebody else wrote too */
	EXAMINE_ALL,
};

/* objects.c: decides the object itself. */
MUST_CHECK enum examine objects_decide(
	struct reconciling *reconciling, const struct subject *subject);

/* doors.c */
/* Of this object nobody but a sync server can write it (facts 7.1). */
bool is_written_by_servers_only(const struct object *object, const struct attribute *attribute);
/* `flows`: what production's rules flow; NULL: the default rules do. */
enum door door_of_value(const struct object *object, const struct attribute *attribute,
	struct known_value before, const struct server_flows *flows);
/*
 * The fact that tells that the staging server sent the same to Active Directory itself: production
 * would take it for the truth and spread it. NULL: none.
 */
const struct fact *written_to_directory(const struct reconciling *reconciling,
	const struct subject *subject, const struct attribute *attribute, struct span element,
	struct known_value staging);
/* `base` may be NULL: in deleted items an object does not show all that it is. */
enum door door_of_object(
	const struct object *object, const struct object *base, enum change change);

/* conflicts.c: quarantined values and their claimants. */
struct claims;

/* All of them; they may use texts of the findings of `reconciling`. */
MUST_CHECK struct claims *claims_find_all(struct reconciling *reconciling, struct error *err);
void claims_free(struct claims *claims);
DEFINE_CLEANUP(struct claims *, claims_free);
/* Marks findings, or adds them. */
void claims_report(const struct claims *claims, struct findings *findings);

/* The same by object. Call this once; then: whose claims are the next; absent behind the last one. */
void claims_sort_by_id(struct claims *claims);
struct span claims_next(const struct claims *claims);
/* Reports those to the findings of that object. */
void claims_report_next(struct claims *claims, struct findings *findings);

/*
 * shared.c: two servers use one account (facts 2). What others wrote with it proves nothing; what the
 * staging server is said to have written with it may be production's, and nothing goes back.
 */
void shared_classify(struct reconciling *reconciling);
void shared_doubt(struct findings *findings);

/* writers.c: ERROR_USAGE where `staging` names nobody. */
MUST_CHECK bool writers_classify(struct reconciling *reconciling, struct error *err);

/* ---- findings.c --------------------------------------------------------------------- */

struct findings {
	struct texts *texts;
	struct finding *items;
	size_t count, capacity;
	size_t told;             /* how many there are in the end, kept here or not */
	struct writer **writers; /* copies, by number */
	size_t writer_count;
	struct findings_summary summary;
	struct blast blast;
	struct export_account *exports;
	size_t export_count, export_capacity;
	const char *tenant, *base, *live, *evidence; /* identities; evidence may be NULL */
	const struct decisions *decisions;           /* NULL: none */
	struct deciding *deciding;                   /* likewise */
	struct times times;
};

/* Keeps copies of all that `finding` points to; its references are `deciding`. */
void findings_add(struct findings *findings, const struct finding *finding,
	const struct event *const *deciding, size_t deciding_count);
/* answers.c: as findings_add(), filled from the answer. */
void findings_add_answer(struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute, struct span element, const struct question *question,
	const struct answer *answer);
/* A writer of the evidence, as the findings keep it. */
const struct writer *findings_keep_writer(struct findings *findings, const struct writer *writer);

/* A place for findings_add() to add to. */
struct findings *findings_empty_new(void);
void findings_empty(struct findings *findings);

/* What there is before anything is found: of which snapshots they are. */
struct findings *findings_prepare(const struct reconcile_options *options);
/* ERROR_REFUSED where it is not. */
MUST_CHECK bool evidence_is_of_tenant(
	const struct evidence *evidence, const struct snapshot *live, struct error *err);
MUST_CHECK bool findings_check_tenants(const struct reconcile_options *options, struct error *err);

/*
 * Adds all findings about one object: absent lines where it is not there. `id` is for one that is in
 * neither snapshot.
 */
MUST_CHECK bool findings_decide(struct reconciling *reconciling, struct span id,
	struct span base_lines, struct span live_lines, struct error *err);

/* ---- decide.c: what decisions make of verdicts ------------------------------------------- */

/* verdict_decide(), and once more with a line that vouches for the base, where that is all it lacks. */
void verdict_decide_reviewed(const struct reconciling *reconciling, const struct subject *subject,
	const struct question *question, struct answer *answer);

struct deciding;

/* NULL without decisions. `now_ms`: for what is over by then. */
struct deciding *deciding_new(const struct decisions *decisions, int64_t now_ms);
void deciding_free(struct deciding *deciding);
/* Gives a finding, which has its fingerprint, the verdict that a line says; texts are kept in `findings`. */
void finding_decide(struct findings *findings, struct finding *finding);
void findings_decide_all(struct findings *findings);

/* ---- decisions.c ----------------------------------------------------------------------- */

/* decisions_load() behind the reading; `name` stands in errors. */
MUST_CHECK struct decisions *decisions_parse(
	struct span bytes, const char *name, struct error *err);
/* The lines that name this finding, by its fingerprint and by its place; NULL: none. */
const struct decision *decisions_by_fingerprint(
	const struct decisions *decisions, const struct finding *finding);
const struct decision *decisions_by_place(
	const struct decisions *decisions, const struct finding *finding);
/*
 * The first line that vouches for all the time from `from_ms` to `to_ms` for this attribute (NULL: for
 * the object itself); NULL: none. `decisions` may be NULL.
 */
const struct decision *decisions_vouching(const struct decisions *decisions,
	const struct subject *subject, const struct attribute *attribute, int64_t from_ms,
	int64_t to_ms);

/* ---- fingerprint.c -------------------------------------------------------------------- */

void finding_mark(struct finding *finding, const char *tenant);
void findings_mark(struct findings *findings);

/* ---- summary.c ------------------------------------------------------------------------ */

void summary_make(struct reconciling *reconciling);

/* For qsort(): as findings are sorted. */
int finding_compare(const void *left, const void *right);
/* It says that an object is there no more. */
bool finding_is_gone(const struct finding *finding);
/* What a reference led to that nobody is known to have removed: if that is gone, so is it. Or absent. */
struct span finding_follows(const struct finding *finding);
void summary_count(struct findings_summary *summary, const struct finding *finding);

/* ---- blast.c ---------------------------------------------------------------------------- */

/* An object that was decided. */
void blast_note(struct reconciling *reconciling, const struct subject *subject);
void blast_count(struct blast *blast, const struct finding *finding);

/* accounts.c: the runs and how far the evidence explains them; forecasts. */
void accounts_make(struct reconciling *reconciling);
