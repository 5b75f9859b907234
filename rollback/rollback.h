/*
 * The way back: a plan of exact steps, its signature, its application, its proof.
 *
 * Nothing is decided at apply time that the plan does not say. The journal knows before the
 * network does; what is unknown is read, never repeated.
 */
#pragma once

#include "graph/graph.h"
#include "reconcile/reconcile.h"

enum {
	PLAN_FILE_MAX = 256 << 20,
	PLAN_STEPS_MAX = 1 << 20,
	PLAN_EXPIRES_S = 24 * 3600, /* default */
	PLAN_EXPIRES_MAX_S = 7 * 24 * 3600,
	PLAN_DIGEST_TEXT = 65, /* BLAKE2b-256, hexadecimal */
};

/* ---- the plan (docs/FORMAT-plan.md) ----------------------------------------------------- */

struct plan_step {
	size_t number;                  /* from 1, in an order that `after` allows */
	enum graph_operation operation; /* what is done, by whichever door */
	enum door door;
	const struct kind *kind;
	const char *id, *name;
	const struct attribute
		*attribute;   /* GRAPH_SET, members, owners, manager; NULL: the object */
	const char *target;   /* member, owner or manager id; NULL */
	struct span from, to; /* whole canonical values; absent = nothing */
	const char *why;      /* the finding's reason */
	const char *const *references;
	size_t reference_count;
	const size_t *after; /* step numbers that must be done first */
	size_t after_count;
	const char *manual;        /* DOOR_MANUAL: a paragraph; else NULL */
	const char *source_anchor; /* DOOR_ADSYNC: the key by which the tool deletes; else NULL */
	/* DOOR_DIRECTORY: where it stands in Active Directory, and its SID there (NULL: not known). */
	const char *distinguished_name, *security_identifier;
	/*
	 * This step parks a value, so that others can take what it lets go: the number of the later
	 * step on the same value, whose `from` is this `to`; 0: it does not. And the way back.
	 */
	size_t until, parked_by;
	/* DOOR_SYNC: what production's next export does, and of FORESEEN_OTHER what it writes. */
	enum foreseen next;
	struct span next_value;
	/* GRAPH_RESTORE: who masters what comes back, as it lay in deleted items. */
	enum mastery mastery;
};

/* What must be put back and nobody can: no step, but whoever approves the plan must know. */
struct plan_blocked {
	const struct kind *kind;
	const char *id, *name;
	const struct attribute *attribute; /* NULL: the object */
	const char *why;
};

/* A hand-off file: its name is "<stem of the plan's>-<name>". */
struct plan_handoff {
	const char *name; /* "exchange.ps1" */
	char digest[PLAN_DIGEST_TEXT];
};

struct plan {
	const char *tenant, *tenant_name, *cloud, *id, *tool;
	const char *staging; /* the identity's name */
	int64_t created_ms, expires_ms;
	const char *base, *live, *evidence, *decisions; /* identities; the last two may be NULL */
	bool base_signed;
	/* By whose configuration doors were chosen; NULL: by the default rules. */
	const char *rules_server;
	int64_t rules_ms; /* when it was exported; TIME_NONE: not known */
	/* Production's connector space: as of when, and how many objects its next export deletes. */
	bool has_production;
	int64_t production_ms;
	size_t production_deletes;
	struct {
		size_t steps, deletes, member_removals, objects;
	} limits; /* in force */
	size_t by_door[DOOR_COUNT];
	const struct plan_handoff *files;
	size_t file_count;
	const struct plan_blocked *blocked;
	size_t blocked_count;
	const struct plan_step *steps;
	size_t step_count;
};

struct plan_options {
	const struct findings *findings;
	struct snapshot *base, *live;
	struct evidence *evidence;
	const struct decisions *decisions; /* NULL: none */
	bool base_signed;                  /* its statement was verified */
	int64_t now_ms;
	int64_t expires_s; /* 0: default */
	const char *tenant_name;
};

/*
 * ERROR_USAGE: expires_s out of range. ERROR_REFUSED: two tenants; findings of other snapshots; evidence that ends before live was begun, and no
 * decisions; an object of another kind in live than in the findings. A plan without steps is a plan.
 */
MUST_CHECK struct plan *plan_new(const struct plan_options *options, struct error *err);
void plan_free(struct plan *plan);
DEFINE_CLEANUP(struct plan *, plan_free);

/* The file's bytes: JSON, one step a line, purpose and version first. */
void plan_add_json(struct buf *out, const struct plan *plan);
/*
 * Strict: every key known, every value of its type, ids GUIDs, operations allowed on their kind,
 * `after` before its step, counts right, limits not passed. ERROR_FORMAT says where; a newer
 * version is ERROR_REFUSED.
 */
MUST_CHECK struct plan *plan_parse(struct span bytes, struct error *err);

/*
 * Writes the hand-off files beside the plan, those that its doors want: "<stem>-adsync.csv",
 * "<stem>-directory.ps1" and ".ldif", "<stem>-exchange.ps1", "<stem>-sync.txt" (the production
 * server's run), "<stem>-manual.txt". Names of those written are handed to `written`. Before anything
 * is written: ERROR_REFUSED names a file of another plan that would pass for one of this plan's; those of the
 * plan at `plan_path`, whose place this one takes, go with it. The plan itself is written after them, so that none is there whose files are not.
 */
MUST_CHECK bool plan_write_hand_offs(const struct plan *plan, const char *plan_path,
	void (*written)(void *context, const char *path), void *context, struct error *err);
/*
 * Whether the digests are those of the files that the steps make: whoever reviewed the steps has reviewed
 * the files, and no other one gets a signature. ERROR_REFUSED names the first that is not.
 */
MUST_CHECK bool plan_check_sealed(const struct plan *plan, struct error *err);
/*
 * Compares the hand-off files beside the plan with the digests it carries: ERROR_REFUSED names the
 * first that is missing, altered, or another plan's.
 */
MUST_CHECK bool plan_check_hand_offs(
	const struct plan *plan, const char *plan_path, struct error *err);

/* ---- keys and signatures: minisign's formats, prehashed kind only ------------------------- */

enum signature_purpose { SIGNATURE_PLAN, SIGNATURE_SNAPSHOT_STATEMENT };

/* Writes both files (secret 0600). `password` absent: not encrypted. ERROR_SYSTEM; never overwrites (ERROR_USAGE). */
MUST_CHECK bool key_generate(
	const char *public_path, const char *secret_path, struct span password, struct error *err);

/* Reads a public key, and its id (16 hex digits). ERROR_SYSTEM, or ERROR_FORMAT: it is none. */
enum { KEY_ID_BYTES = 17 };
MUST_CHECK bool key_read_public(
	const char *path, char key_id[static KEY_ID_BYTES], struct error *err);

/*
 * Signs `bytes`, which were read from `path` once and looked at, into `path`.minisig. Refuses what
 * does not begin with its purpose (ERROR_FORMAT), a secret key whose public half does not match
 * (ERROR_REFUSED), a wrong password (ERROR_AUTH). `trusted_comment` repeats facts for people.
 */
MUST_CHECK bool signature_make(const char *path, struct span bytes, enum signature_purpose purpose,
	const char *secret_key_path, struct span password, const char *trusted_comment,
	struct error *err);

/* Whether a secret key file wants a password. */
MUST_CHECK bool key_wants_password(const char *secret_key_path, bool *wants, struct error *err);

/*
 * Verifies `bytes` (read once; parse these very bytes) against the signature file.
 * ERROR_REFUSED: no signature, wrong key, wrong purpose, legacy kind, altered, odd comment.
 * On success copies the key id (16 hex digits) and the trusted comment.
 */
struct signature_facts {
	char key_id[17];
	char comment[512];
};
MUST_CHECK bool signature_verify(struct span bytes, enum signature_purpose purpose,
	const char *signature_path, const char *public_key_path, struct signature_facts *facts,
	struct error *err);

/* ---- apply ---------------------------------------------------------------------------------- */

enum step_state {
	STEP_OPEN,        /* not begun */
	STEP_DONE,        /* applied by us and read back */
	STEP_ALREADY,     /* `to` stood there before we came */
	STEP_STALE,       /* neither from nor to: skipped */
	STEP_HELD_BACK,   /* a step it depends on is not done */
	STEP_REFUSED,     /* Graph said no; text says what */
	STEP_UNKNOWN,     /* sent, and what stands there is neither; a person must look */
	STEP_WAITING,     /* another door: production, an administrator */
	STEP_SETTLED,     /* another door did it, or decided otherwise since */
	STEP_HELD,        /* it is done, and was not undone by the sync cycle after it */
	STEP_OVERWRITTEN, /* it was done, and is not any more */
	STEP_STATE_COUNT,
};
const char *step_state_name(enum step_state state);

struct apply_options {
	struct graph *graph;
	const char *journal_path; /* SQLite, one per plan id */
	const char *state_folder; /* lock and ledger; ours, 0700 */
	const char *receipt_path;
	struct span plan_bytes; /* verified already; hashed into the journal */
	const char *cloud;      /* that is talked to */
	const struct signature_facts *signature;
	const char *token_tenant; /* the readable tid of the token [T1]; NULL: unknown */
	size_t canary;            /* of each kind of operation first; at least 1 */
	int64_t now_ms;
	int64_t lag_limit_ms;      /* how long an old-looking read waits out replicas; 0: default */
	int64_t (*clock_ms)(void); /* monotonic; NULL: time_monotonic_ms */
	void (*sleep_ms)(int64_t); /* NULL: time_sleep_ms */
	const struct progress *progress;
	/*
	 * Each step once: when it is decided; what earlier runs decided, what waits for another
	 * door and what is still open, at the end.
	 */
	void (*told)(void *context, const struct plan_step *step, enum step_state state,
		const char *text);
	void *told_context;
};

struct apply_result {
	size_t by_state[STEP_STATE_COUNT];
	bool interrupted; /* by a signal, or the plan expired in mid-run: apply again, or plan again */
	bool stopped;     /* by an outcome nobody can explain, a failed canary, or 403 [T8] */
	char why[512];    /* why it ended early; empty otherwise */
};

/* How many steps stand as the plan wants them: by us, by somebody else, before us. */
size_t apply_result_good(const struct apply_result *result);

/*
 * Applies a verified plan, or goes on where it stopped; steps that were denied for a permission go
 * again. Before the first write: cloud of the plan, tenant of /organization = tenant of the plan,
 * token's tid where readable, expiry, clock within five minutes of the service (T12), limits,
 * a state folder that is ours alone, lock, ledger: else ERROR_REFUSED and nothing is sent.
 * A plan that the ledger knows and that has expired since is settled, and nothing new is sent.
 *   ERROR_STALE    nothing was applied because every step was stale
 *   ERROR_DENIED   nothing was applied because Graph answered 403
 *   ERROR_NETWORK  the directory could not be reached, or throttled beyond the limit: run again
 *   ERROR_FORMAT   the journal is damaged; ERROR_REFUSED also: it belongs to another plan
 * Otherwise true. Past the preflight `result` is filled also on failure; the receipt is
 * written in any case once a write was sent.
 */
MUST_CHECK bool apply_run(const struct plan *plan, const struct apply_options *options,
	struct apply_result *result, struct error *err);

/* A tenant's, unless it was changed (facts 8): above it production's whole export stops. */
enum { DELETION_THRESHOLD = 500 };

/* ---- forecast ------------------------------------------------------------------------------ */

enum { FORECAST_REQUEST_MS = 200 /* a batch there and back, where nothing makes it wait */ };

/* What applying a plan takes, if every step comes out as planned and no other door makes it wait. */
struct plan_forecast {
	double share;                  /* of the tenant's quota, as it is used */
	uint64_t by_door[DOOR_COUNT];  /* steps; DOOR_SYNC: they heal by themselves */
	uint64_t next[FORESEEN_COUNT]; /* of DOOR_SYNC: what production's next export does */
	uint64_t reads, writes;        /* of objects */
	uint64_t batches;              /* of at most GRAPH_BATCH_MAX steps, as apply picks them */
	uint64_t requests;             /* that carry them: read, write, read again */
	int64_t lasts_ms;
};

/* `quota_share`: as in graph_options. The published quota is believed, and that nobody else uses it. */
struct plan_forecast plan_forecast(const struct plan *plan, double quota_share);

/* ---- undo ---------------------------------------------------------------------------------- */

struct undo_options {
	const char *journal_path;
	struct span plan_bytes; /* as they were verified: the journal is theirs */
	int64_t now_ms;
	int64_t expires_s; /* 0: default */
};

/*
 * The inverse plan: what the journal knows that we did, in the opposite order, back to what was
 * really read before each write. A step that its door can't take back is a paragraph for a person.
 *   ERROR_USAGE    expires_s out of range
 *   ERROR_REFUSED  the effect of a step is not known (apply again first); a journal of another plan
 *   ERROR_FORMAT   the journal is damaged · ERROR_SYSTEM it can't be read
 */
MUST_CHECK struct plan *plan_undo(
	const struct plan *done, const struct undo_options *options, struct error *err);

/* ---- status ------------------------------------------------------------------------------- */

struct status_options {
	struct graph *graph;
	const char *production;   /* server name or NULL, as in reconcile */
	const char *journal_path; /* may not exist yet */
	struct span plan_bytes;   /* as they were verified: the journal is theirs */
	void (*told)(void *context, const struct plan_step *step, enum step_state state,
		const char *text);
	void *told_context;
};

/*
 * Re-reads every step's object, in the plan's tenant (else ERROR_REFUSED). A sync step is settled
 * when live is `to`, or live is not what staging wrote and production wrote it last (audit log).
 * Also what other doors did.
 */
MUST_CHECK bool status_run(const struct plan *plan, const struct status_options *options,
	struct apply_result *result, struct error *err);
