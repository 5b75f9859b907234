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

#include "reconcile/evidence.h"
#include "snapshots/snapshots.h"

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
