/*
 * What the files of the simulator share: the store, where every write has an actor, is recorded
 * in the simulator's own book (table `writes`) and collected into the tenant's audit log; the
 * clock; the seeded randomness. The endpoint (endpoint.h) and the story both stand on this.
 *
 * Nobody here is synchronised: whoever calls holds simulator_lock().
 */
#pragma once

#include "base/json.h"
#include "base/text.h"
#include "simulator/simulator.h"

/* ---- clock, lock, randomness, transactions ------------------------------------------------- */

#define TENANT_NAME           "Contoso"
#define TENANT_DOMAIN         "contoso.com"
#define TENANT_INITIAL_DOMAIN "contoso.onmicrosoft.com"

/* Recursive: a function of the story may call another one. */
void simulator_lock(struct simulator *simulator);
void simulator_unlock(struct simulator *simulator);

/* The same seed and the same calls give the same values. */
uint64_t simulator_random(struct simulator *simulator);
uint64_t simulator_random_below(
	struct simulator *simulator, uint64_t limit); /* 0 when limit is 0 */
void simulator_shuffle(struct simulator *simulator, json_t *array);
char *simulator_guid(struct simulator *simulator, char text[static GUID_TEXT_BYTES]);
/* Always the same for this tenant and this purpose; draws no randomness. */
char *simulator_fixed_guid(
	const struct simulator *simulator, const char *purpose, char text[static GUID_TEXT_BYTES]);
const struct simulator_options *simulator_settings(const struct simulator *simulator);

/* Writes go much faster inside one; they nest, the outermost commits. ERROR_SYSTEM. */
MUST_CHECK bool simulator_begin(struct simulator *simulator, struct error *err);
MUST_CHECK bool simulator_commit(struct simulator *simulator, struct error *err);
void simulator_rollback(struct simulator *simulator); /* all of it, the outermost included */

/* ---- who writes ---------------------------------------------------------------------------- */

enum actor_role {
	ACTOR_APP_US,     /* the client: our application over Graph */
	ACTOR_ADMIN,      /* a person */
	ACTOR_EXCHANGE,   /* Exchange Online, for a person */
	ACTOR_PRODUCTION, /* the production sync server's identity */
	ACTOR_STAGING,    /* the staging sync server's identity */
	ACTOR_SERVICE,    /* the directory itself: healing, computed values */
};
const char *actor_role_name(
	enum actor_role role); /* "app", "admin", "exchange", … as in `writes` */

struct actor {
	enum actor_role role;
	bool is_app;
	const char *id;           /* object id of the user, or of the service principal */
	const char *app_id;       /* apps only */
	const char *name;         /* UPN, or the app's display name */
	const char *display_name; /* users only; may be NULL */
	const char *ip_address;   /* may be NULL */
	const char
		*door; /* goes into `writes`: "graph", "sync", "exchange", "adsync", "manual", … */
};

/* The client registration as it appears in the audit log; door "graph". */
struct actor simulator_actor_us(const struct simulator *simulator);

/* ---- what there is ------------------------------------------------------------------------- */

enum object_kind { OBJECT_USER, OBJECT_GROUP, OBJECT_CONTACT, OBJECT_KINDS };
enum object_state { OBJECT_LIVE, OBJECT_DELETED /* in deleted items */, OBJECT_GONE };
enum relation { RELATION_MEMBERS, RELATION_OWNERS, RELATION_MANAGER };

const char *object_kind_name(enum object_kind kind); /* "user", "group", "contact" */
const char *relation_name(enum relation relation);   /* "members", "owners", "manager" */

/*
 * An object is a JSON object in the shape that Graph shows, without what is null or an empty
 * set, with `id`, and with `isCloudManaged` where it was ever switched (Graph shows that one
 * elsewhere, onPremisesSyncBehavior). References are kept apart.
 */

/* A list of ids; init with { 0 }. */
struct id_list {
	char (*ids)[GUID_TEXT_BYTES];
	size_t count, capacity;
};
void id_list_add(struct id_list *list, const char *id);
void id_list_release(struct id_list *list);

/*
 * A new live object. `id` and `createdDateTime` (users, groups) come from the seed and the clock
 * unless `properties` has them. `id_out` receives the id. ERROR_REFUSED: an address or
 * userPrincipalName is held by another live object; ERROR_SYSTEM.
 */
MUST_CHECK bool tenant_create(struct simulator *simulator, const struct actor *actor,
	enum object_kind kind, const json_t *properties, char id_out[static GUID_TEXT_BYTES],
	struct error *err);

/*
 * The object with this id, live or in deleted items, as it is now (no replication lag): a new
 * reference. NULL when there is none. `kind` and `state` may be NULL.
 */
json_t *tenant_get(struct simulator *simulator, const char *id, enum object_kind *kind,
	enum object_state *state);

/*
 * Sets one property; JSON null or an empty array clears it. "outer/inner" sets a member of a
 * complex value. Equal values are no write. `value` is borrowed.
 *   ERROR_STALE    there is no live object with this id
 *   ERROR_REFUSED  an address or userPrincipalName is held by another live object
 */
MUST_CHECK bool tenant_set(struct simulator *simulator, const struct actor *actor, const char *id,
	const char *name, const json_t *value, struct error *err);

/* isCloudManaged; onPremisesSyncEnabled becomes null with either value (facts 7.1). */
MUST_CHECK bool tenant_set_cloud_managed(struct simulator *simulator, const struct actor *actor,
	const char *id, bool cloud_managed, struct error *err);

/*
 * To deleted items (users, Microsoft 365 groups, security groups born in the cloud) or gone at
 * once (mail-enabled groups, synced security groups, contacts): contract 2.10.
 */
MUST_CHECK bool tenant_delete(
	struct simulator *simulator, const struct actor *actor, const char *id, struct error *err);
/* From deleted items, memberships included. ERROR_REFUSED: an address or UPN is taken. */
MUST_CHECK bool tenant_restore(
	struct simulator *simulator, const struct actor *actor, const char *id, struct error *err);
/* For good, live or deleted ("Hard Delete user"). */
MUST_CHECK bool tenant_purge(
	struct simulator *simulator, const struct actor *actor, const char *id, struct error *err);

/* All ids of a kind in this state, in id order. */
MUST_CHECK bool tenant_list(struct simulator *simulator, enum object_kind kind,
	enum object_state state, struct id_list *list, struct error *err);

/*
 * Who holds an address: "smtp:a@b", "SMTP:a@b" and "a@b" mean the same, other schemes are
 * compared whole; without regard to case, over proxyAddresses and userPrincipalName of live
 * objects and deleted items, live ones first. `except` (may be NULL) is left out. False: nobody.
 */
bool tenant_find_address(struct simulator *simulator, const char *address, const char *except,
	char holder[static GUID_TEXT_BYTES], enum object_state *state);

/* A live user by userPrincipalName. */
bool tenant_find_upn(struct simulator *simulator, const char *upn, char id[static GUID_TEXT_BYTES]);

/* ---- references ---------------------------------------------------------------------------- */

/* Already there, or not there, is no write and no failure. A second manager replaces the first. */
MUST_CHECK bool tenant_add_reference(struct simulator *simulator, const struct actor *actor,
	const char *id, enum relation relation, const char *target, struct error *err);
MUST_CHECK bool tenant_remove_reference(struct simulator *simulator, const struct actor *actor,
	const char *id, enum relation relation, const char *target, struct error *err);
bool tenant_has_reference(
	struct simulator *simulator, const char *id, enum relation relation, const char *target);
/* Targets in id order, also those in deleted items; never those gone. */
MUST_CHECK bool tenant_references(struct simulator *simulator, const char *id,
	enum relation relation, struct id_list *list, struct error *err);

/* ---- the organisation ---------------------------------------------------------------------- */

/* onPremisesLastSyncDateTime of /organization. */
MUST_CHECK bool tenant_set_last_sync_ms(struct simulator *simulator, int64_t ms, struct error *err);

/*
 * Makes a directory extension ("extension_<32 hex>_stagingServer") known to Graph: a property
 * that was never registered can't be selected or filtered (contract 3).
 */
MUST_CHECK bool tenant_register_extension(
	struct simulator *simulator, const char *name, struct error *err);
bool tenant_has_extension(struct simulator *simulator, const char *name);

/* Gives a person or an application a directory role over the whole tenant. */
MUST_CHECK bool tenant_assign_role(struct simulator *simulator, const struct actor *principal,
	const char *role_definition, struct error *err);
/* A sync server gets an application identity beside its account (facts 2). */
MUST_CHECK bool tenant_add_sync_application(
	struct simulator *simulator, const char *server, struct error *err);
/* Both as JSON arrays, in the order of the calls; new references. */
json_t *tenant_role_assignments(struct simulator *simulator);
json_t *tenant_sync_applications(struct simulator *simulator);
/* The names of all registered extensions, as a JSON array. */
MUST_CHECK json_t *tenant_extensions(struct simulator *simulator, struct error *err);

#define ROLE_GLOBAL_ADMINISTRATOR     "62e90394-69f5-4237-9190-012177145e10"
#define ROLE_PRIVILEGED_ADMINISTRATOR "e8611ab8-c189-46e8-94e1-60213ab1f814"
#define ROLE_SYNCHRONIZATION_ACCOUNTS "d29b2b05-8046-44ba-8758-1e26182fcf32"
#define ROLE_ON_PREMISES_SYNC_ACCOUNT "a92aed5d-d78a-4d16-b381-09adb37eb3b0"

/* ---- the audit log ------------------------------------------------------------------------- */

/*
 * Writes between the two on one target become one record of this activity ("Update user"), all
 * of them with one correlation id; a write on another target begins the next record. Changes of
 * references, deletions and restores are records of their own. `activity` NULL, and writes
 * outside: the activity follows from the write ("Add user", "Update group", "Enable account").
 * They nest; the inner one only counts when it stands alone. Records are readable for 30 days
 * of virtual time.
 */
void audit_begin(struct simulator *simulator, const char *activity);
MUST_CHECK bool audit_end(struct simulator *simulator, struct error *err);

/* ---- the book ------------------------------------------------------------------------------ */

/*
 * Table `writes` for the proof, oldest first:
 *	sequence, at_ms, role, actor, door, object, kind, operation, attribute, old, new
 * Operations: "create" (new = whole object), "set", "add" and "remove" (attribute = relation, new
 * or old = the target's id as JSON text), "delete", "restore", "purge" (old = whole object).
 * Set-valued properties are written whole ("set").
 */
struct write_row {
	int64_t sequence, at_ms;
	const char *role, *actor, *door, *object, *kind, *operation;
	const char *attribute;           /* NULL where it has none */
	const char *old_json, *new_json; /* NULL: nothing was, is there */
};
/* Visits the rows after `after` (0: all); texts are valid during the visit. False stops with err.
 */
MUST_CHECK bool writes_each(struct simulator *simulator, int64_t after,
	bool (*visit)(void *context, const struct write_row *row, struct error *err), void *context,
	struct error *err);
int64_t writes_last(struct simulator *simulator); /* the newest row's sequence, or 0 */

/* ---- the requests, for tests ---------------------------------------------------------------- */

struct request_row {
	int64_t sequence, at_ms;
	const char *method, *path;
	int status;
	bool is_write, is_batch_item;
};
MUST_CHECK bool requests_each(struct simulator *simulator, int64_t after,
	bool (*visit)(void *context, const struct request_row *row, struct error *err),
	void *context, struct error *err);

/* The database itself, for tables of the story's own; prepared by the caller. */
struct sqlite3;
struct sqlite3 *simulator_database(struct simulator *simulator);
