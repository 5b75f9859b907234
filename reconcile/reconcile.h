/*
 * What changed, who wrote it, what stood there before, and whether it must go back.
 *
 * A tool that restores a backup destroys every legitimate change made since. So for each
 * attribute, and each element of a set, five things are looked at: base, before, staging,
 * live, last writer (design, section 2). The first case that fits gives the verdict:
 *
 *	live = staging's value ≠ before, nobody wrote it after staging         revert
 *	staging wrote it, live = before (somebody put it back)                 healed
 *	staging wrote it, somebody wrote it afterwards (even the same value),
 *	or live is neither                                                     contested
 *	staging touched it, but its value, or before, is not proved            suspect
 *	live ≠ base, nothing points to the staging server                      drift
 *	must be put back, and nobody can put back what it was                  blocked
 *
 * People may decide otherwise, in a file that is reviewed (below); what they keep is `kept`.
 *
 * Unknown is never a difference and never rolled back. The same inputs give the same bytes.
 */
#pragma once

#include "base/json.h"
#include "directory/directory.h"
#include "snapshots/snapshots.h"

/* ---- evidence: who wrote what, when (docs/FORMAT-evidence.md) ----------------------- */

/* Where a fact comes from decides what it proves. */
enum fact_source {
	FROM_AUDIT, /* the directory's audit log: writes of all writers */
	/* Connector spaces of the cloud connector, each by the server's file. */
	FROM_STAGING_SPACE,    /* the staging server sent it, and has not read it back yet */
	FROM_STAGING_ESCROW,   /* it was sending it when its run died: perhaps written */
	FROM_PRODUCTION_SPACE, /* FACT_SHOWN: the production server holds this for the state;
				  other operations: it sent it, and has not read it back yet */
	/* No writes to this directory; listed, never put back. */
	FROM_DIRECTORY_SPACE,     /* the staging server sent it to Active Directory itself */
	FROM_FORECAST,            /* what the staging server would write next */
	FROM_EXPORT_ERROR,        /* a server was refused: FACT_NAMED, `new_value` what it wanted to
				 write, `attribute_name` the error */
	FROM_RUNS,                /* run history: no facts, only runs */
	FROM_PRODUCTION_FORECAST, /* FACT_SHOWN: what production's next export leaves there;
				     FACT_DELETE: it would delete the object */
	FACT_SOURCE_COUNT,
};

/* "audit", "staging-space", … as in files. */
const char *fact_source_name(enum fact_source source);

enum fact_operation {
	FACT_SET,    /* the attribute became `new` (a set: the whole set) */
	FACT_ADD,    /* `new` was added to a relation or set */
	FACT_REMOVE, /* `old` was removed from it */
	FACT_NAMED,  /* the record names the attribute, no values */
	FACT_SHOWN,  /* nobody wrote: `new` stood there (a set: the whole set); without an
			attribute: the object was there */
	FACT_CREATE,
	FACT_DELETE,
	FACT_PURGE,
	FACT_RESTORE, /* the object; no attribute */
};

struct writer {
	const char *id;   /* object id or app id */
	const char *name; /* UPN, or the app's display name; of a server's file: its name */
	const char *
		server; /* "SYNC02" where the name is a sync server's identity (contract 4.4); else NULL */
};

struct fact {
	int64_t when_ms;
	int64_t within_ms; /* it may have been this much earlier; 0: `when_ms` is exact */
	enum fact_source source;
	const struct writer *who;
	const struct kind *kind;
	const char *id;
	const struct attribute
		*attribute;         /* NULL: of the object, or a name the kinds table lacks */
	const char *attribute_name; /* as recorded; NULL: of the object */
	enum fact_operation operation;
	bool old_known, new_known;
	struct span old_value, new_value; /* canonical; absent = nothing */
	const char *reference;            /* audit id; of a server's file: file and DN */
};

struct evidence;

enum {
	/* The log trails what happened by so much (contract 4.2): what is younger may be missing. */
	AUDIT_TRAILS_MS = 10 * 60 * 1000,
	/* Two records that are no further apart may have happened the other way round. */
	AUDIT_ORDER_MS = 1000,
};

struct evidence_header {
	char tenant[ID_BYTES + 1];
	/* Covered, all writers: the last such window. Both 0: none is. */
	int64_t from_ms, until_ms;
	int64_t collected_ms;
};

/*
 * An empty collection for what follows; facts are added in any order. With `until_ms` it has a
 * source already: the audit log of that window.
 */
struct evidence *evidence_new(const struct evidence_header *header);
void evidence_free(struct evidence *evidence);
DEFINE_CLEANUP(struct evidence *, evidence_free);

/*
 * Adds the facts of one directoryAudits record (contract 4.3): JSON in strings, values missing or
 * bare, the directory's inner names, memberships recorded at the member. Records of failed
 * operations and of other services add nothing. The same record twice adds nothing twice.
 * ERROR_FORMAT: not a record (its id, where there is one).
 */
MUST_CHECK bool evidence_add_audit(
	struct evidence *evidence, struct span record, struct error *err);

/*
 * Adds a fact from a server's file; all that it points to is copied. Values may be JSON of any form
 * (of FACT_ADD and FACT_REMOVE: the one element). `who->id` and `who->name` may be NULL: the name is
 * then the server's. The same fact twice is there once. ERROR_FORMAT: what can't be of this attribute.
 */
MUST_CHECK bool evidence_add_fact(
	struct evidence *evidence, const struct fact *fact, struct error *err);

/* Where facts come from. */
struct evidence_source {
	enum fact_source source;
	const char *server; /* whose file it is; NULL: nobody's, or not known */
	const char *file;   /* its name, for people */
	const char *digest; /* its BLAKE2b-256, 64 hex digits; NULL: none */
	/*
	 * Of the audit log: the time for which the records of all writers were read; only this is
	 * such a promise, and all such windows together are what is covered. Of a connector space:
	 * `until_ms` is when it was exported, and what that server had sent last until then is in it.
	 * Of run history: its first and last run. 0: not known.
	 */
	int64_t from_ms, until_ms;
	/*
	 * Of production's connector space: how many objects its next export would delete, as of its
	 * last import or export.
	 */
	bool pending_known;
	uint64_t pending_deletes;
	int64_t pending_ms;
};

void evidence_add_source(struct evidence *evidence, const struct evidence_source *source);
/* Those of files, sorted, each once; the audit log is told by evidence_covered(). */
const struct evidence_source *evidence_sources(struct evidence *evidence, size_t *count);

/* The times covered: sorted, none touching another. */
struct covered {
	int64_t from_ms, until_ms;
};
const struct covered *evidence_covered(const struct evidence *evidence, size_t *count);

enum run_counter { /* of an export step */
	RUN_ADDS,
	RUN_UPDATES,
	RUN_RENAMES,
	RUN_DELETES,
	RUN_DELETE_ADDS,
	RUN_FAILURES,
	RUN_COUNTERS,
};

/* One step of one run of a sync server (facts 1.4). Texts may be NULL. */
struct evidence_run {
	const char *server;    /* "SYNC02" */
	const char *connector; /* "contoso.onmicrosoft.com - AAD" */
	bool cloud;            /* the connector to this directory, not one to Active Directory */
	const char *type;      /* of the step: "export", "delta-import", … */
	const char *by;        /* the account; "NT SERVICE\ADSync": the scheduler */
	const char *result;    /* "success", … */
	int64_t number, step;
	int64_t start_ms, end_ms; /* end 0: not ended */
	uint64_t counters[RUN_COUNTERS];
};

void evidence_add_run(struct evidence *evidence, const struct evidence_run *run);
/* In order of start; each once. */
const struct evidence_run *evidence_runs(struct evidence *evidence, size_t *count);

/* Adds all of `from`. ERROR_REFUSED: of another tenant. */
MUST_CHECK bool evidence_merge(struct evidence *into, struct evidence *from, struct error *err);

/*
 * Says that nothing before `from_ms` is covered after all: the log did not reach back that far.
 * Call before saving; an earlier instant than the header's changes nothing.
 */
void evidence_cover_from(struct evidence *evidence, int64_t from_ms);

/*
 * The attributes of which the log tells nothing at all, by their names: of them it proves nothing,
 * whatever is covered. Call where the log was read; what a file says is kept beside.
 */
void evidence_tell_limits(struct evidence *evidence);
void evidence_add_not_logged(struct evidence *evidence, const char *name);
/* Sorted, each once. */
const char *const *evidence_not_logged(const struct evidence *evidence, size_t *count);

/* More was collected: all up to `until_ms` is covered. An earlier instant changes nothing. */
void evidence_cover_until(struct evidence *evidence, int64_t until_ms);

/* Says that nothing after `until_ms` is covered after all: the log may still receive it. */
void evidence_cover_no_later(struct evidence *evidence, int64_t until_ms);

/* Whole or not at all: header line, runs, a fact a line in order of time, trailer with counts. */
MUST_CHECK bool evidence_save(struct evidence *evidence, const char *path, struct error *err);
/* ERROR_FORMAT: file, line, byte; also a missing trailer ("incomplete"). */
MUST_CHECK struct evidence *evidence_load(const char *path, struct error *err);

const struct evidence_header *evidence_header(const struct evidence *evidence);
size_t evidence_count(const struct evidence *evidence);
size_t evidence_records(const struct evidence *evidence); /* audit records behind the facts */
const struct fact *evidence_fact(
	struct evidence *evidence, size_t index); /* in order of time, then reference */
/* The BLAKE2b-256 of the saved form, 64 hex digits: what a plan names. */
const char *evidence_identity(struct evidence *evidence);

/* The facts about one object, in order of time: a borrowed array. */
const struct fact *const *evidence_of(struct evidence *evidence, struct span id, size_t *count);

/* "Sync_SYNC02_7be1c04d9a31@…" or "ConnectSyncProvisioning_SYNC02_7be1c04d9a31": the server, or false. */
bool sync_identity_server(const char *name, char server[static 64]);

/* ---- who may synchronise, and who holds a role: what the directory says of itself ----------- */

enum holding {
	HOLDING_SYNC_ROLE, /* an account or application with one of the two roles of sync (facts 2) */
	HOLDING_SYNC_APPLICATION, /* an application with the app role ADSynchronization.ReadWrite.All */
	HOLDING_ROLE,             /* any other role of the directory */
	HOLDING_COUNT,
};

struct evidence_holder {
	enum holding holding;
	const char *id;            /* of the account, or of the service principal */
	const char *role;          /* the id of what it holds */
	const char *app_id, *name; /* of an application; NULL: not known */
};

/* The two lists they come from; each may be refused. */
enum holder_list { HOLDERS_OF_ROLES, HOLDERS_OF_SYNC, HOLDER_LISTS };

enum list_state { LIST_NOT_ASKED, LIST_READ, LIST_NOT_READ };

void evidence_add_holder(struct evidence *evidence, const struct evidence_holder *holder);
/* Nobody in a list that was read is "none"; in one that was not read it is "unknown", and `why` says why. */
void evidence_set_list(
	struct evidence *evidence, enum holder_list list, enum list_state state, const char *why);
enum list_state evidence_list(
	const struct evidence *evidence, enum holder_list list, const char **why);
/* Sorted, each once. */
const struct evidence_holder *evidence_holders(struct evidence *evidence, size_t *count);
/* Has `id` this? */
bool evidence_holds(struct evidence *evidence, enum holding holding, struct span id);

/* ---- what production's rules flow (facts 7.4) ---------------------------------------------- */

enum { FLOW_SERVERS_MAX = 64, FLOW_NAMES_MAX = 1 << 14 /* of one kind of one server */ };

/* An attribute that a server's outbound rules flow into the directory. */
struct evidence_flow {
	const char *server;
	int64_t exported_ms; /* when its configuration was; TIME_NONE: not known */
	enum kind_id kind;
	const char *name; /* in the connector space */
};

/*
 * Of a server's two configurations the later one stays. ERROR_FORMAT: too many.
 */
MUST_CHECK bool evidence_add_flow(
	struct evidence *evidence, const struct evidence_flow *flow, struct error *err);

/* One server's, as its configuration has it. */
struct server_flows;
const char *flows_server(const struct server_flows *flows);
int64_t flows_exported_ms(const struct server_flows *flows); /* TIME_NONE: not known */

/* ---- how far back the log reached ---------------------------------------------------------- */

enum reach {
	REACH_NO_LOG,
	REACH_CERTAIN,    /* whatever the licence */
	REACH_BY_LICENCE, /* between 7 and 30 days before it was collected */
	REACH_NOT_YET,    /* the window is younger than what the log trails by */
	REACH_GONE,       /* nothing of the window can have been there */
};

/* Of the window that is covered. */
enum reach evidence_reach(const struct evidence *evidence);
/* "the log reaches back that far: …" */
const char *reach_text(enum reach reach);

/* ---- sync identities ------------------------------------------------------------------- */

/* When somebody writes: production in a cycle, an accidental export in one burst. */
enum rhythm_sort {
	RHYTHM_UNKNOWN, /* no write has an exact time */
	RHYTHM_BURST,   /* once */
	RHYTHM_BURSTS,  /* several times, not in a cycle */
	RHYTHM_CYCLE,   /* again and again, some multiple of `cycle_ms` apart */
	RHYTHM_BOTH,    /* in a cycle, and besides it */
};

struct rhythm {
	enum rhythm_sort sort;
	size_t bursts;     /* writes with less than RHYTHM_PAUSE_MS between them are one */
	int64_t cycle_ms;  /* 0: none */
	size_t beside;     /* bursts besides the cycle */
	int64_t beside_ms; /* the first of them */
	/* The burst with the most facts. */
	uint64_t densest_facts;
	int64_t densest_from_ms, densest_until_ms;
};

enum { RHYTHM_PAUSE_MS = 5 * 60 * 1000 };

/* Why somebody counts as a sync identity. */
enum known_by { KNOWN_BY_NAME, KNOWN_BY_ROLE, KNOWN_BY_FILE, KNOWN_BY_COUNT };

/* Why one identity's writes can't be told apart by the log: two servers use it (facts 2). */
enum shared_by {
	SHARED_NOT,
	SHARED_NAME,   /* its name has one server, and the file that tells of it is another's */
	SHARED_FILES,  /* the files of two servers have it */
	SHARED_RHYTHM, /* it writes in a cycle, and besides it */
};

/* The sync identities seen, with what they wrote; sorted by server. */
struct sync_identity {
	struct writer writer;
	enum known_by known_by;
	enum shared_by shared;
	const char *other_server; /* of SHARED_NAME and SHARED_FILES */
	uint64_t facts, records, objects;
	int64_t first_ms, last_ms;
	struct rhythm rhythm;
};
const struct sync_identity *evidence_identities(struct evidence *evidence, size_t *count);

/* Two identities that write over each other in turns: each at least FLIP_LEAST times over the other. */
struct flip_flop {
	const struct sync_identity *one, *other;
	uint64_t values;         /* of how many values that is true */
	const struct fact *last; /* an example: the last write of one of them */
	uint64_t turns;          /* of that value */
};
enum { FLIP_LEAST = 2 };
const struct flip_flop *evidence_flip_flops(struct evidence *evidence, size_t *count);

/* ---- findings ----------------------------------------------------------------------- */

enum verdict {
	VERDICT_REVERT,
	VERDICT_HEALED,
	VERDICT_CONTESTED,
	VERDICT_SUSPECT,
	VERDICT_DRIFT,
	VERDICT_BLOCKED,
	VERDICT_KEPT, /* as it is: a line of the decisions file says so */
	VERDICT_COUNT,
};

enum door {
	DOOR_NONE,
	DOOR_GRAPH,
	DOOR_SYNC,
	DOOR_DIRECTORY,
	DOOR_EXCHANGE,
	DOOR_ADSYNC,
	DOOR_MANUAL,
	DOOR_COUNT
};

enum change {
	CHANGE_VALUE, /* an attribute with one value, or a list */
	CHANGE_ELEMENT, /* one element of a set: in base/before/… it is there (its canonical value) or absent */
	CHANGE_CREATED,
	CHANGE_DELETED,
	CHANGE_RESTORED,
	CHANGE_PURGED, /* the object; values absent */
};

enum { FINGERPRINT_BYTES = 16 };

/* One of the five values. Not known: nothing proves it; known and absent: it was empty. */
struct known_value {
	bool known;
	struct span value;
};

/* What production's next export makes of a value that must go back through it. */
enum foreseen {
	FORESEEN_UNKNOWN, /* its connector space was not imported, or does not tell: facts 7.4 */
	FORESEEN_BEFORE,  /* it writes what stood there before: heals, exactly */
	FORESEEN_OTHER,   /* it writes something else: Active Directory moved on */
	FORESEEN_NOTHING, /* it holds what staging wrote for right */
	FORESEEN_DELETE,  /* it deletes the object */
	FORESEEN_COUNT,
};
const char *foreseen_name(enum foreseen foreseen); /* "before"; NULL: unknown */
/* False: no such name. */
MUST_CHECK bool foreseen_find(const char *name, enum foreseen *foreseen);

struct finding {
	/*
	 * The same for the same difference (tenant, kind, id, attribute, element, change, base, live), whatever
	 * is thought of it and whenever it is looked at; another one for another live value.
	 */
	uint8_t fingerprint[FINGERPRINT_BYTES];
	enum verdict verdict;
	enum change change;
	enum door door; /* the way back; DOOR_NONE where nothing is to be put back */
	const struct kind *kind;
	struct span id, name;              /* name: for people, unescaped */
	enum mastery mastery;              /* now */
	const struct attribute *attribute; /* NULL: the object */
	struct span element;               /* CHANGE_ELEMENT: the element's key, unescaped */
	struct known_value base, before, staging, live;
	const struct writer *last_writer;        /* NULL: not in evidence */
	int64_t last_write_ms, staging_write_ms; /* TIME_NONE: none */
	const char *reason;                      /* a sentence: why this verdict */
	const char *const *references;           /* evidence references, the deciding ones */
	size_t reference_count;
	/* addresses and sign-in names quarantined by the service: claimants are in `reason` */
	bool conflict;
	/* The line of the decisions file that gave it this verdict, and the one that it had; NULL: none. */
	const struct decision *decision;
	enum verdict undecided;
	enum door way;      /* the door by which a line can put it back; DOOR_NONE: no line can */
	enum foreseen next; /* where a door is, or would be, DOOR_SYNC */
	struct known_value next_value; /* of FORESEEN_OTHER: what it writes (a set: all of it) */
};

/* ---- decisions: what people decided, reviewed like code (docs/FORMAT-decisions.md) ------- */

/*
 * Nothing else makes a verdict stronger than its proof, and this is all that a line may do:
 *
 *			revert  healed  contested  suspect         drift   blocked
 *	base-is-before  -       -       -          revert, healed  -       -
 *	revert          -       -       revert     revert          revert  -
 *	keep            kept    -       kept       kept            kept    kept
 *
 * base-is-before  takes the base's value as what stood there before, where it is what the records tell, if
 *                 they tell any, and nothing else is missing than evidence of the time from the base on,
 *                 which the line's window holds whole
 * revert          names the live value that it was decided about and the value that is to come back:
 *                 what is proved to have stood there before, else the base's. A suspect value must be
 *                 what the staging server wrote, where that is known. No line makes an address the
 *                 primary one; of objects, only a suspect deletion is undone, out of deleted items
 * keep            until its date, by the live snapshot's time, not by the clock: the same files give the
 *                 same findings
 *
 * A line that does nothing stops nothing: it is listed. Who plans on it is refused, except where its
 * time is over or the verdict is that anyway.
 */
enum decision_kind { DECISION_BASE_IS_BEFORE, DECISION_REVERT, DECISION_KEEP, DECISION_KIND_COUNT };

struct decision {
	enum decision_kind kind;
	size_t line, byte;   /* where it stands in its file */
	const char *because; /* never empty */
	const char *by, *on; /* NULL: not said */
	/* What revert and keep are about: a fingerprint, or id, attribute and element as in findings. */
	bool by_fingerprint;
	uint8_t fingerprint[FINGERPRINT_BYTES];
	struct span id, attribute, element, change; /* change: where there is no attribute */
	struct known_value live, before;            /* of revert */
	int64_t until_ms;                           /* of keep */
	/* Of base-is-before: a window, and what it is about; 0 names: everything. */
	int64_t from_ms, to_ms;
	const char *const *kinds, *const *attributes, *const *ids;
	size_t kind_count, attribute_count, id_count;
};

struct decisions;

/*
 * Errors name file, line and byte:
 *   ERROR_SYSTEM   it can't be read
 *   ERROR_FORMAT   a line that is not one, is not known, or decides what another one decides
 *   ERROR_REFUSED  of another version
 */
MUST_CHECK struct decisions *decisions_load(const char *path, struct error *err);
void decisions_free(struct decisions *decisions);
DEFINE_CLEANUP(struct decisions *, decisions_free);

const char *decisions_path(const struct decisions *decisions);
const char *decisions_tenant(const struct decisions *decisions);
/* The BLAKE2b-256 of the file, 64 hex digits: what a plan names. */
const char *decisions_digest(const struct decisions *decisions);
size_t decisions_count(const struct decisions *decisions);
const struct decision *decisions_get(const struct decisions *decisions, size_t index);
/* "base-is-before", … as in files. */
const char *decision_kind_name(enum decision_kind kind);
/* The table above. */
bool decision_allows(enum decision_kind kind, enum verdict from, enum verdict to);

/* What became of a line; a later one of these says more than one before it. */
enum decision_effect {
	EFFECT_UNMATCHED,  /* no finding is what it names */
	EFFECT_MISMATCHED, /* a finding is, and live, or what can come back, is other than it says */
	EFFECT_POWERLESS,  /* its verdict is none that such a line may touch */
	EFFECT_NEEDLESS,   /* its verdict is that anyway */
	EFFECT_APPLIED,    /* findings were decided by it */
	EFFECT_CONTRADICTED, /* another line decides the same finding: none does */
	EFFECT_EXPIRED,
	EFFECT_COUNT,
};

struct decision_result {
	const struct decision *decision;
	enum decision_effect effect;
	size_t findings;  /* that have their verdict from it */
	const char *text; /* why it had no effect: a sentence; NULL where it had */
};

const char *decision_effect_name(enum decision_effect effect);

/* ---- reconciling --------------------------------------------------------------------- */

struct reconcile_options {
	struct snapshot *base, *live; /* borrowed; read while reconciling */
	struct evidence *evidence;    /* borrowed; NULL: two-way comparison, all drift */
	const char *staging;          /* server name, UPN or app id; NULL with evidence NULL */
	const char *production; /* server name, or NULL: every other sync identity is production */
	const struct decisions *decisions; /* borrowed; must outlive the findings; NULL: none */
	/*
	 * A directory extension and the value that the staging server's rules flow into it: an object
	 * that has it was touched by that server. NULL, NULL: there is none.
	 */
	const char *marker_name, *marker_value;
	const struct progress *progress;
};

/*
 * The base where there is no snapshot, `options->base` aside: what the evidence knows of the moment just
 * before the staging server's first write. What it does not know is unknown, and it has only objects that
 * the staging server wrote to: what others changed is no finding. ERROR_USAGE: staging wrote nothing in
 * the evidence. ERROR_REFUSED: evidence of another tenant.
 */
MUST_CHECK struct snapshot *base_rebuild(
	const struct reconcile_options *options, struct error *err);

struct findings;

/*
 * ERROR_REFUSED: different tenants, also of the decisions. ERROR_USAGE: `staging` names no writer in the evidence (lists
 * the sync identities that are there).
 */
MUST_CHECK struct findings *findings_new(
	const struct reconcile_options *options, struct error *err);
void findings_free(struct findings *findings);
DEFINE_CLEANUP(struct findings *, findings_free);

/* Who is told of findings one by one, in order. False ends it. */
struct findings_listener {
	/* Before the first of them: findings_begin_json() can be called. */
	bool (*begin)(void *context, const struct findings *findings, struct error *err);
	bool (*each)(void *context, const struct finding *finding, struct error *err);
	void *context;
};

/*
 * As findings_new(), for who needs each finding only once. Without evidence, where no object depends on
 * another, they are told as they are found and not kept, so memory does not grow with their number:
 * the result has their count and summary, and findings_get() nothing.
 */
MUST_CHECK struct findings *findings_tell(const struct reconcile_options *options,
	const struct findings_listener *listener, struct error *err);

/* The identities of the snapshots that they were made of; borrowed. */
const char *findings_base(const struct findings *findings);
const char *findings_live(const struct findings *findings);

size_t findings_count(const struct findings *findings);
const struct finding *findings_get(
	const struct findings *findings, size_t index); /* by id, attribute, element */

/* What the staging server would write next, one value of one object. */
struct forecast {
	const struct kind *kind;
	struct span id;
	const struct attribute *attribute; /* NULL: the object, or a name that the table lacks */
	enum fact_operation operation;
	bool known;        /* is the value? */
	struct span value; /* that it would write, add or remove */
};

enum { FORECASTS_LISTED = 5 };

enum account { ACCOUNT_ADDS, ACCOUNT_UPDATES, ACCOUNT_DELETES, ACCOUNT_COUNT };

/*
 * One export run of the staging server into this directory that sent something: how many objects it
 * says that it added, changed, deleted, and of how many the evidence tells that.
 */
struct export_account {
	const char *server, *by; /* NULL: not known */
	int64_t number, start_ms, end_ms;
	uint64_t sent[ACCOUNT_COUNT], found[ACCOUNT_COUNT];
	uint64_t failures; /* refused, not sent */
	/* Objects that differ, and whose last synchronisation in its time is all that explains it. */
	uint64_t object_only;
	int64_t skew_ms; /* how far the writes lie outside the run at most: two clocks */
};

/* What the staging identity wrote, and how much of it stands in findings ("accounts for the writes"). */
struct findings_summary {
	uint64_t by_verdict[VERDICT_COUNT];
	uint64_t by_door[DOOR_COUNT]; /* of VERDICT_REVERT */
	uint64_t objects, staging_facts, explained_facts;
	uint64_t upn_changed, primary_changed, disabled, deleted, created, members_changed,
		conflicts;
	int64_t staging_first_ms, staging_last_ms;
	struct writer staging;
	uint64_t object_only;    /* objects of which only a marker or a stamp tells */
	uint64_t forecast_facts; /* what it would write next; the first of them by weight: */
	struct forecast forecasts[FORECASTS_LISTED];
	size_t forecast_listed;
	/* The staging identity is another server's, too: nothing of it is proved. */
	enum shared_by shared;
	const char *other_server; /* NULL: not known */
	/* Whose configuration tells what production flows, and of when; NULL: the default rules do. */
	const char *flows_server;
	int64_t flows_ms; /* TIME_NONE: not known */
	/* Production's connector space was imported: of when, and how many objects it would delete. */
	bool production_space;
	int64_t production_ms;
	uint64_t pending_deletes;
};
const struct findings_summary *findings_summary(const struct findings *findings);

/* ---- the blast radius -------------------------------------------------------------------- */

enum deed { DEED_CREATED, DEED_CHANGED, DEED_DELETED, DEED_RESTORED, DEED_MEMBERS, DEED_COUNT };

/* Why production's next cycle does not put it back (facts 7.4). */
enum stays {
	STAYS_CLOUD,     /* the cloud masters it: ours to write */
	STAYS_DELETED,   /* in deleted items, and what comes by itself is another object */
	STAYS_MADE,      /* made in the staging server's wider scope: production never deletes it */
	STAYS_DIRECTORY, /* Active Directory has it, too: production would spread it */
	STAYS_EXCHANGE,  /* Exchange Online masters it */
	STAYS_GONE,      /* nobody can put back what it was */
	STAYS_MANUAL,    /* protected, restricted, or no rule is known that flows it */
	STAYS_COUNT,
};

enum privilege {
	PRIVILEGE_ROLE_GROUP, /* a group that roles can be given to */
	PRIVILEGE_ROLE,       /* who holds a role, where the evidence knows */
	PRIVILEGE_RESTRICTED, /* in a restricted management administrative unit */
	PRIVILEGE_COUNT,
};

/* A write of the staging server that no finding and no look at the value explains. */
struct unexplained {
	const struct kind *kind;
	struct span id, name; /* name: the attribute; absent: the object */
	enum deed deed;
	int64_t when_ms;
	const char *why;
};

enum { UNEXPLAINED_LISTED = 5, PRIVILEGED_NAMED = 3 };

struct blast {
	uint64_t objects[KIND_COUNT][DEED_COUNT]; /* each once for each deed */
	/* Its writes, each told by however many sources once; and how many of them are explained. */
	uint64_t writes[KIND_COUNT][DEED_COUNT], explained[KIND_COUNT][DEED_COUNT];
	struct unexplained unexplained[UNEXPLAINED_LISTED];
	size_t unexplained_listed;
	uint64_t addresses;                   /* mail addresses changed, given, taken away */
	uint64_t privileged[PRIVILEGE_COUNT]; /* objects, each in the first that fits */
	struct span privileged_names[PRIVILEGED_NAMED];
	size_t privileged_named;
	/* Of what is proved and stands: at production's next cycle it heals, or never. */
	uint64_t heals;
	uint64_t heals_sign_in; /* of these: only where synchronizeUpnForManagedUsers is on */
	uint64_t heals_people;  /* of these: people who come out of deleted items */
	uint64_t
		foreseen[FORESEEN_COUNT]; /* of these: by what production's connector space shows */
	uint64_t stays[STAYS_COUNT];
};
const struct blast *findings_blast(const struct findings *findings);
const char *deed_name(enum deed deed);                /* "created" */
const char *stays_name(enum stays stays);             /* "cloud" */
const char *privilege_name(enum privilege privilege); /* "role-assignable-group" */

/* In order of start. */
const struct export_account *findings_exports(const struct findings *findings, size_t *count);
/* "adds", "updates", "deletes" */
const char *account_name(enum account account);

/* What became of each line of the decisions, in their order; none: there were no decisions. */
const struct decision_result *findings_decisions(const struct findings *findings, size_t *count);
/* ERROR_REFUSED: a line rests on what is not so; the text says which. For who acts on findings. */
MUST_CHECK bool findings_check_decisions(const struct findings *findings, struct error *err);

const char *verdict_name(enum verdict verdict);
const char *door_name(enum door door);
const char *change_name(enum change change);
const char *mastery_name(enum mastery mastery); /* "synced", "cloud", "unknown" */

/* Appends one finding as a JSON line (no newline), as in docs and --json. */
void finding_add_json(struct buf *out, const struct finding *finding);
/* Whole `unstage-findings/1`: header line, findings, counting trailer. */
void findings_add_json(struct buf *out, const struct findings *findings);
/* Its first line, and its last. */
void findings_begin_json(struct buf *out, const struct findings *findings);
void findings_end_json(struct buf *out, const struct findings *findings);

/* ---- contests: one address, several who claim it (facts 4, contract 5.3) ---------------- */

/*
 * Addresses are equal whatever the case of their letters and of "SMTP:"; SMTP and SIP addresses are
 * apart from each other, and so are those of every other scheme. proxyAddresses, mail, sign-in names
 * and what is quarantined share one space. No contest are: what one object says of itself in several
 * places; otherMails, which need not be unique; sign-in names in deleted items, which are set aside.
 */
enum claim_place {
	CLAIM_PRIMARY, /* proxyAddresses, "SMTP:" */
	CLAIM_PROXY,   /* proxyAddresses, of any other scheme too */
	CLAIM_MAIL,
	CLAIM_SIGN_IN,
	CLAIM_IM,
	CLAIM_OTHER_MAIL,        /* tells of it, and is in nobody's way */
	CLAIM_FORMER_SIGN_IN,    /* of a deleted user: comes back when the user does */
	CLAIM_QUARANTINED_PROXY, /* waits for it: the service keeps it back */
	CLAIM_QUARANTINED_SIGN_IN,
	CLAIM_REFUSED,  /* a sync server was refused it (in the evidence) */
	CLAIM_FORMERLY, /* neither base nor live has it there, but the evidence tells that it was */
	CLAIM_PLACES
};

/* "proxyAddresses (primary)", … for people and for files. */
const char *claim_place_name(enum claim_place place);

enum claim_standing {
	STANDING_HOLDS,
	STANDING_WAITS, /* quarantined, or refused */
	STANDING_TELLS, /* otherMails; a sign-in name that was set aside */
	STANDING_HELD,  /* in the base, or by the evidence, and no more */
	STANDING_COUNT
};

const char *claim_standing_name(enum claim_standing standing);

struct claimant {
	const struct kind *kind;
	struct span id, name; /* name: for people, unescaped */
	enum mastery mastery;
	bool deleted; /* lies in deleted items */
	enum claim_standing standing;
	unsigned places, base_places; /* bits, 1 << claim_place */
	bool in_base;                 /* held it there; false too where there is no base */
	bool by_staging;              /* what it holds, the staging server gave it */
	/* Since when it holds it, or waits for it: TIME_NONE: not known. */
	int64_t since_ms;
	bool since_before; /* it did so already then: when the base was taken */
	const struct fact
		*fact;  /* the write that gave it, or asked for it; NULL: not in evidence */
	enum door door; /* by which it would be taken from it */
};

enum contest_state {
	CONTEST_NONE,    /* one claimant at most: only contests_of() tells of it */
	CONTEST_WAITING, /* somebody waits for it: quarantined, or refused */
	CONTEST_TWICE,   /* several hold it */
	CONTEST_RESTORE, /* one in deleted items could not come back with it */
	CONTEST_STATES
};

const char *contest_state_name(enum contest_state state);

/* What frees it soonest. */
enum freeing {
	FREED_BY_NOTHING, /* who should have it has it, and nothing stands in the way */
	FREED_BY_RETRY,   /* nobody holds it any more: the service tests again every hour */
	FREED_BY_PRODUCTION,
	FREED_BY_PLAN,
	FREED_BY_DELETION, /* its holder is in deleted items */
	FREED_BY_PERSON,
	FREEING_COUNT
};

const char *freeing_name(enum freeing freeing);

struct contest {
	struct span address; /* folded, with its scheme: "smtp:ada@contoso.com" */
	enum contest_state state;
	struct claimant *claimants; /* who holds it, who waits, who tells, who held; each by id */
	size_t count;
	size_t waiting;                  /* of them */
	const struct claimant *rightful; /* NULL: not proved */
	char *proof;                     /* a sentence: why, or why not */
	enum freeing freed_by;
	char *freed; /* a sentence */
};

struct contests_options {
	struct snapshot *live;
	struct snapshot *base; /* NULL: none */
	struct evidence
		*evidence; /* NULL: none. All three are borrowed, as long as the contests live */
	const char *staging, *production; /* as in reconcile_options; `staging` may be NULL */
	const struct progress *progress;
};

struct contests;

/*
 * All of them, in order of the address. A pass over live that hashes every address, in the threads that
 * snapshot_use_workers() allows, and another over what comes twice.
 *   ERROR_REFUSED  base, live, evidence are of different tenants
 *   ERROR_USAGE    `staging` names nobody
 */
MUST_CHECK struct contests *contests_find(
	const struct contests_options *options, struct error *err);
/*
 * One address, as people write it ("ada@contoso.com", "SMTP:Ada@contoso.com", "sip:…"): one contest, also where
 * nobody contests it, or nobody is there. ERROR_USAGE: it is empty.
 */
MUST_CHECK struct contests *contests_of(
	const struct contests_options *options, const char *address, struct error *err);
void contests_free(struct contests *contests);
DEFINE_CLEANUP(struct contests *, contests_free);

size_t contests_count(const struct contests *contests);
const struct contest *contests_get(const struct contests *contests, size_t index);

/* `unstage-conflicts/1` (docs/FORMAT-conflicts.md): header line, a contest a line, counting trailer. */
void contests_begin_json(struct buf *out, const struct contests *contests);
void contest_add_json(struct buf *out, const struct contest *contest); /* no newline */
void contests_end_json(struct buf *out, const struct contests *contests);
