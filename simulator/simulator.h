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

struct simulator_options {
	const char *database; /* file, or NULL: memory */
	uint64_t seed;
	int64_t now_ms;        /* the virtual clock's start */
	const char *tenant_id; /* NULL: from the seed */
	const char *
		graph_url; /* how clients reach it, for nextLink: set again when the port is known */
	/* faults, by number: 0 = never */
	unsigned throttle_every;  /* each Nth request is 429 with Retry-After */
	unsigned throttle_items;  /* each Nth item of a batch is 429 */
	unsigned fail_every;      /* each Nth read is 503 */
	unsigned drop_answer_at;  /* the Nth write is done, and its answer lost (connection cut) */
	unsigned foreign_link_at; /* the Nth nextLink points to another host */
	unsigned refuse_token;    /* 1: invalid_client 7000215, 2: unauthorized_client 700016 */
	const char *deny;         /* a permission that is not consented: "AuditLog.Read.All" */
	const char *grant;        /* what is consented besides the usual: "EntraBackup.Read.All" */
	unsigned page_max;        /* a smaller page than asked for, 0: as asked */
	unsigned delta_page;      /* objects on a page of delta at most; 0: 200 */
	unsigned delta_members;   /* members on a page of /groups/delta at most; 0: 1000 */
	unsigned delta_empty_every;  /* each Nth page of delta is empty, and not the last; from 2 */
	unsigned delta_replay_every; /* each Nth page of delta is out of order, holds an object
					twice, and what follows tells some of it again */
	unsigned delta_lost_at; /* the Nth delta token that is used is one nobody knows any more */
	bool delta_lost_as_400; /* lost tokens are 400 resyncRequired, not 410 syncStateNotFound */
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
};

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
	bool cut; /* close the connection without an answer */
};

/* Answers one request. Not for several threads at once: the caller locks. */
void simulator_handle(struct simulator *simulator, const struct simulator_request *request,
	struct simulator_response *response);
void simulator_response_release(struct simulator_response *response);

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
/* The morning after: two hand corrections, one value set to staging's own, objects switched to the cloud. */
MUST_CHECK bool simulator_play_morning(struct simulator *simulator, struct error *err);
/* Production's import, synchronisation, export; then the hourly task that heals quarantine. */
MUST_CHECK bool simulator_play_production_cycle(struct simulator *simulator, struct error *err);
/* An administrator runs Remove-ADSyncToolsAadObject with this CSV. */
MUST_CHECK bool simulator_play_adsync(
	struct simulator *simulator, const char *csv_path, struct error *err);
/* An administrator follows a manual paragraph: sets an attribute where its master is. Value is JSON. */
MUST_CHECK bool simulator_play_manual(struct simulator *simulator, const char *id,
	const char *attribute, struct span value, struct error *err);

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
	uint64_t put_back_graph, put_back_sync, put_back_adsync, put_back_manual, put_back_people;
	uint64_t still_damaged;
	uint64_t legitimate; /* legitimate writes since the base */
	uint64_t legitimate_lost;
	char first_trouble[256]; /* one value still damaged or lost, for people */
};
MUST_CHECK bool simulator_prove(
	struct simulator *simulator, struct simulator_proof *proof, struct error *err);
