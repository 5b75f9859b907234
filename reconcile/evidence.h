/*
 * Evidence: who wrote what, when, and what is known of those who may write (docs/FORMAT-evidence.md).
 * What it proves is decided in reconcile.h; here nothing is judged.
 */
#pragma once

#include "base/json.h"
#include "directory/directory.h"

/* ---- facts --------------------------------------------------------------------------- */

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
