/*
 * A tenant on this machine: Microsoft Graph and the token endpoint as one function, request in,
 * response out, as unforgiving as the real one; and the people and servers around it, who play a
 * story. SQLite holds it. Its rules are its own, written from the contract, never from our
 * client: it does not know the kinds table. Time is virtual.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "base/text.h"

struct simulator;

/*
 * What an application may ask of a tenant (contract 7.1): resource units in 10 s, writes in 150 s,
 * reads of the audit log in 10 s. A window is one of a row of equal ones from the clock's 0 on, and
 * what was used is forgotten when it ends; a bucket holds one window's worth and fills steadily.
 * What is refused counts all the same, so who asks again at once waits the longer.
 */
enum simulator_quota { SIMULATOR_QUOTA_OFF, SIMULATOR_QUOTA_WINDOW, SIMULATOR_QUOTA_BUCKET };

/* The forms of Retry-After that are seen in the wild. */
enum simulator_retry_after {
	SIMULATOR_RETRY_INTEGER, /* "3": seconds, rounded up */
	SIMULATOR_RETRY_DECIMAL, /* "2.128" */
	SIMULATOR_RETRY_DATE, /* "Wed, 04 Mar 2026 02:17:44 GMT", by the clock of the Date header */
	SIMULATOR_RETRY_EMPTY, /* the header without a value */
	SIMULATOR_RETRY_ABSENT,
	SIMULATOR_RETRY_NEGATIVE, /* "-120" */
	SIMULATOR_RETRY_ABSURD,   /* ten years */
};

/* What can be wrong with the page of a list that answers 200. */
enum simulator_page_fault {
	SIMULATOR_PAGE_GOOD,
	SIMULATOR_PAGE_HTML,         /* somebody's sign-in page */
	SIMULATOR_PAGE_EMPTY,        /* no byte of body */
	SIMULATOR_PAGE_CUT,          /* ends early, before its Content-Length */
	SIMULATOR_PAGE_SHORT,        /* ends early, with the right Content-Length */
	SIMULATOR_PAGE_NO_VALUE,     /* JSON without `value` */
	SIMULATOR_PAGE_VALUE_OBJECT, /* `value` is of a wrong type */
	SIMULATOR_PAGE_VALUE_NULL,
	SIMULATOR_PAGE_VALUE_TEXT,
	SIMULATOR_PAGE_ITEM_TEXT,   /* `value` holds something that is no object */
	SIMULATOR_PAGE_HUGE,        /* its items again and again: 64 MiB and one byte at least */
	SIMULATOR_PAGE_EMPTY_ITEMS, /* `{}` again and again: 30 MB */
	SIMULATOR_PAGE_LINK_SELF,   /* its nextLink is its own address, whenever it is read */
	SIMULATOR_PAGE_LINK_BACK, /* its nextLink is the list's first page, and that one's is this */
	SIMULATOR_PAGE_CONTENT_TYPE, /* good JSON that says it is text */
	SIMULATOR_PAGE_EXPIRED, /* no page: 400 Directory_ExpiredPageToken for its $skiptoken */
};

/* What stands in the body of a request that the options make fail. */
enum simulator_fail_body {
	SIMULATOR_FAIL_JSON,  /* Graph's error */
	SIMULATOR_FAIL_OTHER, /* the same with "innererror", as some of its services spell it */
	SIMULATOR_FAIL_EMPTY, /* nothing: answered at the edge */
	SIMULATOR_FAIL_HTML,  /* a gateway's page */
};

/* What people call these; NULL-ended, at the places of the enumerators. */
extern const char *const simulator_quota_names[];       /* "off", "window", "bucket" */
extern const char *const simulator_retry_after_names[]; /* "integer", … "absurd" */
extern const char *const simulator_page_fault_names[];  /* "good", "html", … "expired" */
extern const char *const simulator_fail_body_names[];   /* "json", "other", "empty", "html" */

struct simulator_options {
	const char *database; /* file, or NULL: memory */
	uint64_t seed;
	int64_t now_ms;        /* the virtual clock's start */
	const char *tenant_id; /* NULL: from the seed */
	const char *
		graph_url; /* how clients reach it, for nextLink: set again when the port is known */
	/* quota */
	enum simulator_quota quota;
	unsigned units_per_10s;   /* 0: 3,500, 5,000 or 8,000 by the number of users there are */
	unsigned writes_per_150s; /* 0: 3,000 */
	/* Its clock, in milliseconds from 0 on; NULL: the monotonic one, from some moment on. */
	int64_t (*quota_clock_ms)(void *context);
	void *quota_clock_context;
	enum simulator_retry_after retry_after; /* of every 429, 503 and 504 that bears one */
	/* faults, by number: 0 = never */
	unsigned throttle_every; /* each Nth request is 429 with Retry-After */
	unsigned throttle_items; /* each Nth item of a batch is 429 */
	unsigned fail_every;     /* each Nth read is 503 */
	/*
	 * The `fail_at`th read and those after it, `fail_count` in all (0: one), are refused with a
	 * status from 400 to 599 (0: 503) and a code (NULL: the first that contract 5.8 has for it).
	 * With `fail_writes` they are writes instead, which are not made; or, with `fail_made`, were
	 * made all the same, so that only a look tells.
	 */
	unsigned fail_at, fail_count;
	int fail_status;
	const char *fail_code;
	enum simulator_fail_body fail_body;
	bool fail_writes, fail_made;
	/*
	 * The `page_fault_at`th page of a list (0: the first) and those after it, `page_fault_count`
	 * in all (0: one), are not what they should be. Pages in a batch don't count; with
	 * `page_fault_list` only those of a list do whose path ends so: "users", "members",
	 * "microsoft.graph.user" (deleted ones), "directoryAudits".
	 */
	enum simulator_page_fault page_fault;
	unsigned page_fault_at, page_fault_count;
	const char *page_fault_list;
	/* Where a page is CUT or SHORT (0: half way), at the latest before its last byte; and how
	 * large one with HUGE or EMPTY_ITEMS is at least (0: as said there), up to 1 GiB. */
	int64_t page_fault_bytes;
	unsigned drop_answer_at;  /* the Nth write is done, and its answer lost (connection cut) */
	unsigned foreign_link_at; /* the Nth nextLink points to another host */
	unsigned refuse_token;    /* 1: invalid_client 7000215, 2: unauthorized_client 700016 */
	const char *deny;         /* a permission that is not consented: "AuditLog.Read.All" */
	const char *grant;        /* what is consented besides the usual: "EntraBackup.Read.All" */
	unsigned page_max;        /* a smaller page than asked for, 0: as asked */
	/*
	 * Delta (contract 2.9). Pages hold `delta_page` objects (0: 200) and, of groups, at
	 * most `delta_members` members (0: 1000); what does not fit goes on on the next page.
	 * Each Nth page is empty, and not the last (N from 2). Each Nth page replays: it is out of
	 * order, holds one object twice, and what follows tells some of it again; a first round
	 * tells of those in deleted items, too. The Nth token that is used is lost, as all are
	 * after 7 days of the virtual clock: 410 syncStateNotFound, or 400 resyncRequired.
	 */
	unsigned delta_page, delta_members;
	unsigned delta_empty_every, delta_replay_every, delta_lost_at;
	bool delta_lost_as_400;
	/*
	 * Called before request number N (from 1, of all, the token's too) is handled: the moment
	 * to play by hand between two pages. Any function but simulator_handle() may be called.
	 */
	void (*on_request)(void *context, struct simulator *simulator, uint64_t number);
	void *on_request_context;
	/*
	 * The sign-in service's clock, which judges assertions and stands in its Date: NULL is the
	 * story's; and by how much it is ahead.
	 */
	int64_t (*signin_clock_ms)(void);
	int64_t signin_ahead_ms;
	int64_t lag_ms; /* reads show writes only after this long (wall clock of the caller) */
	/*
	 * A server answers this long after a request's arrival, up to a minute. Requests on several
	 * connections wait beside each other; those on one come one after the other (HTTP/1.1).
	 */
	int64_t latency_ms;
};

/* ERROR_USAGE for options that make no sense, ERROR_SYSTEM. */
MUST_CHECK struct simulator *simulator_open(
	const struct simulator_options *options, struct error *err);
void simulator_close(struct simulator *simulator);
DEFINE_CLEANUP(struct simulator *, simulator_close);

struct simulator_request {
	const char *method;
	const char *path; /* with query, as on the wire: "/v1.0/users?$top=999" */
	struct span authorization, content_type, consistency_level, client_request_id, prefer;
	struct span metadata, identity_header; /* "Metadata", "X-IDENTITY-HEADER" */
	struct span body;
};

struct simulator_response {
	int status;
	struct buf headers; /* "Name: value\r\n" lines */
	struct buf body;
	bool cut;         /* close the connection without an answer */
	size_t announced; /* above 0: say this Content-Length, then close behind a shorter body */
};

/* Answers one request. Not for several threads at once: the caller locks. */
void simulator_handle(struct simulator *simulator, const struct simulator_request *request,
	struct simulator_response *response);
void simulator_response_release(struct simulator_response *response);

/*
 * What was asked of Graph since the simulator was opened, whether the quota is on or off. A request
 * in a batch counts by itself, the batch around it does not; one without a token, or to nowhere
 * below /v1.0, does neither.
 */
struct simulator_usage {
	uint64_t requests;
	uint64_t units, writes; /* of those that were not refused for them */
	uint64_t throttled;     /* answered 429, faults among them */
	uint64_t conflicts;     /* writes refused because another object holds the value */
};
struct simulator_usage simulator_usage(struct simulator *simulator);

/* Serves on 127.0.0.1 with libmicrohttpd; `port` 0 picks one. Requests are handled one by one. */
struct simulator_server;
MUST_CHECK struct simulator_server *simulator_server_start(
	struct simulator *simulator, unsigned port, struct error *err);
unsigned simulator_server_port(const struct simulator_server *server);
void simulator_server_stop(struct simulator_server *server);
DEFINE_CLEANUP(struct simulator_server *, simulator_server_stop);
/* The story's functions below take this lock themselves. */

/* What a client needs; borrowed. */
const char *simulator_tenant(const struct simulator *simulator);
const char *simulator_client_id(const struct simulator *simulator);
const char *simulator_client_secret(const struct simulator *simulator);
/* What proves to /msi/token that a caller runs on App Service: IDENTITY_HEADER. */
const char *simulator_identity_header(const struct simulator *simulator);

/* A certificate (the first in PEM, RSA) is registered on the application. ERROR_USAGE. */
MUST_CHECK bool simulator_trust_certificate(
	struct simulator *simulator, struct span pem, struct error *err);

/* A federated credential of the application: whose tokens prove that a client is it. */
struct simulator_issuer {
	const char *issuer, *subject, *audience; /* compared letter by letter */
	struct span key_pem;                     /* the RSA public key that verifies them */
};
MUST_CHECK bool simulator_trust_issuer(
	struct simulator *simulator, const struct simulator_issuer *issuer, struct error *err);

int64_t simulator_now_ms(const struct simulator *simulator);
void simulator_set_now_ms(struct simulator *simulator, int64_t now_ms);

/* How many values anybody has written so far: it stands still when nothing happens any more. */
int64_t simulator_writes(struct simulator *simulator);

/* ---- the story ------------------------------------------------------------------------------ */

struct simulator_size {
	unsigned users, groups, contacts;
};

/* People, groups and contacts, in AD and in the cloud; both sync servers in step. */
MUST_CHECK bool simulator_populate(
	struct simulator *simulator, const struct simulator_size *size, struct error *err);
/* A database that is opened again has its company already. */
bool simulator_is_populated(struct simulator *simulator);
/* A day of legitimate changes, made where they must be made. SYNC02 sees none of them. */
MUST_CHECK bool simulator_play_day(struct simulator *simulator, struct error *err);
/* The export of the stale staging server SYNC02. */
MUST_CHECK bool simulator_play_incident(struct simulator *simulator, struct error *err);
/*
 * SYNC02 writes some of it into Active Directory, too: from now on production would spread that. Its
 * own files tell of it (sync02-ad.xml), the tenant's book does not.
 */
MUST_CHECK bool simulator_play_directory_export(struct simulator *simulator, struct error *err);
/* The morning after: two hand corrections, one value set to staging's own, objects switched to the cloud. */
MUST_CHECK bool simulator_play_morning(struct simulator *simulator, struct error *err);
/* Production's import, synchronisation, export; then the hourly task that heals quarantine. */
MUST_CHECK bool simulator_play_production_cycle(struct simulator *simulator, struct error *err);
/* An administrator runs Remove-ADSyncToolsAadObject with this CSV. */
MUST_CHECK bool simulator_play_adsync(
	struct simulator *simulator, const char *csv_path, struct error *err);
/*
 * An administrator runs a hand-off script with -Apply: exchange.ps1 in Exchange Online PowerShell.
 * Only what the plan saw is changed; the rest is counted.
 *   ERROR_FORMAT   no such script · ERROR_REFUSED  of another tenant, or expired
 */
struct simulator_played {
	size_t changed, already, stale, failed;
	char first_trouble[256]; /* why the first was stale or failed, for people */
};
MUST_CHECK bool simulator_play_exchange(struct simulator *simulator, const char *script_path,
	struct simulator_played *played, struct error *err);
/*
 * ldapmodify -c with directory.ldif: what stands in Active Directory is changed, a record whole or not
 * at all; production brings it to the cloud. `stale`: what was to be removed did not stand there.
 */
MUST_CHECK bool simulator_play_ldif(struct simulator *simulator, const char *path,
	struct simulator_played *played, struct error *err);
/* An administrator follows a manual paragraph: sets an attribute where its master is. Value is JSON. */
MUST_CHECK bool simulator_play_manual(struct simulator *simulator, const char *id,
	const char *attribute, struct span value, struct error *err);

/*
 * The servers' own part in it. The schedulers import and synchronise every half hour of the clock,
 * by themselves; from the incident on both are suspended, production's until its cycle. An import
 * alone leaves what it brought pending; staging's destroys the evidence of its export (facts 0.4).
 */
MUST_CHECK bool simulator_play_import(
	struct simulator *simulator, const char *server, struct error *err);
/* Somebody presses Run: what this server holds is written, once more. */
MUST_CHECK bool simulator_play_export(
	struct simulator *simulator, const char *server, struct error *err);
MUST_CHECK bool simulator_play_synchronisation(
	struct simulator *simulator, const char *server, struct error *err);

/*
 * Writes what an administrator collects on a server, "SYNC01" or "SYNC02", into `folder`, which is
 * made: sync02-all.xml (csexport of the connector to the cloud), sync02-pending.xml (the same with
 * /f:x), sync02-ad.xml (the one to Active Directory), sync02-runs.json (Get-ADSyncRunProfileResult),
 * sync02-steps.json (Get-ADSyncRunStepResult), sync02-runs.xml (RunDetails() of WMI), and
 * configuration/ (Get-ADSyncServerConfiguration). One object at a time is in memory.
 * ERROR_USAGE: no such server, or no company; ERROR_SYSTEM.
 */
struct simulator_files {
	bool wide;              /* UTF-16LE with a byte order mark, as Out-File writes */
	bool iso_dates;         /* in JSON, instead of "\/Date(…)\/" */
	bool nested;            /* the run history holds its steps (-RunStepDetails) */
	bool died_midway;       /* the export by hand died: its last objects are escrowed */
	bool directory_written; /* SYNC02 wrote into Active Directory, too (not in the book) */
};
MUST_CHECK bool simulator_write_server_files(struct simulator *simulator, const char *server,
	const char *folder, const struct simulator_files *files, struct error *err);

/* ---- a tenant that is known from a snapshot ------------------------------------------------- */

/*
 * Adds one object: its canonical lines (docs/FORMAT-snapshot.md), taken as they are: no rule is
 * asked, and nobody's write is booked. For a tenant without a company, before its first request.
 * Between simulator_load_begin() and simulator_load_end(), in one go. ERROR_FORMAT, ERROR_SYSTEM.
 */
MUST_CHECK bool simulator_load_begin(struct simulator *simulator, struct error *err);
MUST_CHECK bool simulator_load_object(
	struct simulator *simulator, struct span lines, struct error *err);
MUST_CHECK bool simulator_load_end(struct simulator *simulator, struct error *err);

/*
 * What the production server holds of a loaded object, beside nothing: what its cycle will bring the
 * cloud to. Values are JSON, absent for none; "outer/inner" is followed. A relation is held whole: as
 * it stands, but for what is said here. ERROR_STALE: no such object; ERROR_USAGE: no such relation.
 */
MUST_CHECK bool simulator_production_holds(struct simulator *simulator, const char *id,
	const char *property, struct span value, struct error *err);
MUST_CHECK bool simulator_production_refers(struct simulator *simulator, const char *id,
	const char *relation, const char *target, bool there, struct error *err);

/* ---- playing by hand ------------------------------------------------------------------------ */

/*
 * Single writes by an administrator in the portal, for tests that change the tenant between two
 * requests (on_request). They count as legitimate; rules of the Graph door don't hold for them.
 * `kind` is "user", "group", "contact"; `relation` "members", "owners", "manager"; values and
 * properties are JSON, with Graph's names. Each is one transaction and takes the lock.
 *   ERROR_USAGE    no such kind or relation; no JSON
 *   ERROR_STALE    there is no such object, or it is not in the state for this
 *   ERROR_REFUSED  an address or userPrincipalName is held by another live object
 */
MUST_CHECK bool simulator_hand_create(struct simulator *simulator, const char *kind,
	struct span properties, char id_out[static GUID_TEXT_BYTES], struct error *err);
/* null clears; "outer/inner" is followed. */
MUST_CHECK bool simulator_hand_set(struct simulator *simulator, const char *id,
	const char *property, struct span value, struct error *err);
/* A second manager replaces the first. */
MUST_CHECK bool simulator_hand_link(struct simulator *simulator, const char *id,
	const char *relation, const char *target, bool there, struct error *err);
/* To deleted items, or gone at once, as contract 2.10 says. */
MUST_CHECK bool simulator_hand_delete(
	struct simulator *simulator, const char *id, struct error *err);
MUST_CHECK bool simulator_hand_restore(
	struct simulator *simulator, const char *id, struct error *err);
MUST_CHECK bool simulator_hand_purge(
	struct simulator *simulator, const char *id, struct error *err);
/* A sync server gets an application identity beside its account, as recent versions have. */
MUST_CHECK bool simulator_hand_add_sync_application(
	struct simulator *simulator, const char *server, struct error *err);
/* The live object number `index` of a kind, in id order. False past the end. */
bool simulator_hand_pick(struct simulator *simulator, const char *kind, size_t index,
	char id[static GUID_TEXT_BYTES]);

/*
 * The proof, from the simulator's own record of every write: the tenant as it is, against the
 * tenant as it would be had the staging server written nothing.
 */
struct simulator_proof {
	uint64_t damaged; /* values that staging wrote wrongly, at the incident */
	uint64_t put_back_graph, put_back_sync, put_back_adsync, put_back_exchange, put_back_manual,
		put_back_people;
	uint64_t still_damaged;
	uint64_t legitimate; /* legitimate writes since the base */
	uint64_t legitimate_lost;
	char first_trouble[256]; /* one value still damaged or lost, for people */
};
MUST_CHECK bool simulator_prove(
	struct simulator *simulator, struct simulator_proof *proof, struct error *err);
