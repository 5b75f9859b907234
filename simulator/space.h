/*
 * What the files of a connector space share: what one sync server knows of the cloud. Production
 * and staging each have their own picture (story.h, "wanted"); beside it stands what they last
 * imported, and what they sent since. As the cloud hands back to sync what sync wrote and not what
 * it made of it (facts 0.7), a third table keeps that: the shadow of each object.
 *
 * A state is one JSON object: the properties a server flows, by their Graph names, references as
 * arrays of object ids below "members", "owners" and "manager"; what is null or empty is left out.
 */
#pragma once

#include "simulator/story.h"

#define SPACE_BLOCKED "blockOnPremisesSync" /* of a state: the object is the cloud's now */

enum space_operation { SPACE_NONE, SPACE_ADD, SPACE_UPDATE, SPACE_DELETE };

/* How many objects an import brought, or an export wrote. */
struct space_counts {
	unsigned adds, updates, deletes, failures;
};
void space_count(struct space_counts *counts, enum space_operation operation);

MUST_CHECK bool space_prepare(struct simulator *simulator, struct error *err);

/* Nothing, null and the empty set are one; sets have no order. */
bool space_same_value(const json_t *a, const json_t *b);
/* Two states, value by value; NULL is nothing there. */
bool space_same(const json_t *a, const json_t *b);
/* What becomes of `from` when it is to be `to`. */
enum space_operation space_change(const json_t *from, const json_t *to);

/*
 * The picture of a server's object is about to change: what it has imported of it is kept as it
 * was. Before the base both are one, and nothing is kept.
 */
MUST_CHECK bool space_freeze(
	struct simulator *simulator, const char *server, const char *cloud_id, struct error *err);
/* The same for what a server knows of Active Directory, whose import from there hangs. */
MUST_CHECK bool space_freeze_directory(
	struct simulator *simulator, const char *server, const char *cloud_id, struct error *err);

/* The server's export wrote an object: sent, and not yet read back. */
MUST_CHECK bool space_sent(struct simulator *simulator, const char *server, const char *anchor,
	enum space_operation operation, struct error *err);
/* The cloud refused it: NULL for none of it any more. */
MUST_CHECK bool space_refused(struct simulator *simulator, const char *server, const char *anchor,
	const json_t *refusal, struct error *err);
/* Authority over an object moved to the cloud; or it was removed by the sync tools. */
MUST_CHECK bool space_blocked(struct simulator *simulator, const char *cloud_id, struct error *err);
MUST_CHECK bool space_removed(struct simulator *simulator, const char *cloud_id, struct error *err);

/* Delta import: what the cloud holds since the last one, up to `until_ms`. It confirms what was sent. */
MUST_CHECK bool space_receive(struct simulator *simulator, const char *server, int64_t until_ms,
	struct space_counts *counts, struct error *err);
/* What was imported is taken over. */
MUST_CHECK bool space_synchronise(
	struct simulator *simulator, const char *server, struct error *err);

/* An object of a server's connector space in its layers (facts 3.2); NULL: there is none. */
struct space_object {
	const char *anchor, *cloud_id; /* cloud_id "": never exported */
	enum object_kind kind;
	bool joined;     /* a connector; else nothing in the metaverse owns it */
	json_t *seen;    /* imported and synchronised */
	json_t *arrived; /* imported since */
	json_t *sent;    /* exported since the last import */
	json_t *wanted;  /* what the rules make of it now */
	json_t *refusal; /* why the last export of it failed */
	enum space_operation arrived_as, sent_as, wanted_as;
	int64_t seen_ms, sent_ms;
};
/* Visits all of them; what is in hand is valid during the visit. False stops with err. */
MUST_CHECK bool space_each(struct simulator *simulator, const char *server,
	bool (*visit)(void *context, const struct space_object *object, struct error *err),
	void *context, struct error *err);

/* When the server's last export wrote its last object; 0: nothing waits to be read back. */
int64_t space_last_sent_ms(struct simulator *simulator, const char *server);

/* An object of a server's Active Directory connector: as it last imported it. */
struct directory_object {
	const char *anchor, *cloud_id;
	enum object_kind kind;
	bool only_of_staging; /* production's filter leaves its unit out */
	json_t *seen;
};
MUST_CHECK bool space_each_in_directory(struct simulator *simulator, const char *server,
	bool (*visit)(void *context, const struct directory_object *object, struct error *err),
	void *context, struct error *err);

/*
 * What staging wrote into Active Directory itself (on_premises.c): what it sent, by property, a new
 * reference; then production's import from there, and a person's correction of one value.
 */
MUST_CHECK bool on_premises_prepare(struct simulator *simulator, struct error *err);
json_t *on_premises_sent(struct simulator *simulator, const char *cloud_id);
MUST_CHECK bool on_premises_take_over(struct simulator *simulator, struct error *err);
MUST_CHECK bool on_premises_corrected(
	struct simulator *simulator, const char *cloud_id, const char *property, struct error *err);

/* The anchor of an object that the server's space holds; "" where it holds none. */
enum { SPACE_ANCHOR_BYTES = 64 };
bool space_anchor(struct simulator *simulator, const char *server, const char *cloud_id,
	char anchor[static SPACE_ANCHOR_BYTES], enum object_kind *kind);

/* ---- the scheduler, and what it ran (schedule.c) ----------------------------------------- */

enum run_step { STEP_DELTA_IMPORT, STEP_DELTA_SYNCHRONISATION, STEP_EXPORT, RUN_STEPS };
enum run_connector { RUN_CLOUD, RUN_DIRECTORY, RUN_CONNECTORS };

struct run {
	char server[16];
	enum run_connector connector;
	enum run_step step;
	unsigned number;
	int64_t start_ms, end_ms;
	char who[64], result[48];
	struct space_counts counts;
};

#define RUN_BY_SERVICE "NT SERVICE\\ADSync"
#define RUN_BY_PERSON                                                                              \
	"CONTOSO\\adm.kurt" /* who pressed Run in SYNC02's Synchronization Service Manager */

/* Both schedulers run, and their runs are recorded, since then. */
MUST_CHECK bool schedule_prepare(struct simulator *simulator, int64_t since_ms, struct error *err);
/* What the server's scheduler did until then: every half hour an import and a synchronisation. */
MUST_CHECK bool schedule_until(
	struct simulator *simulator, const char *server, int64_t until_ms, struct error *err);
/* Somebody suspended it, or lets it go on from now. */
MUST_CHECK bool schedule_set(
	struct simulator *simulator, const char *server, bool runs, struct error *err);
bool schedule_runs(struct simulator *simulator, const char *server);

/* An export in hand: what comes before it in its cycle is done; then what it wrote is recorded. */
struct schedule_export {
	const char *server;
	int64_t start_ms;
	bool by_hand;
	struct space_counts imported;
};
MUST_CHECK bool schedule_export_begin(
	struct simulator *simulator, struct schedule_export *export, struct error *err);
MUST_CHECK bool schedule_export_end(struct simulator *simulator,
	const struct schedule_export *export, const struct space_counts *counts, struct error *err);

/* By hand: a delta import from the cloud, a synchronisation of what is pending. */
MUST_CHECK bool schedule_import(struct simulator *simulator, const char *server, struct error *err);
MUST_CHECK bool schedule_synchronise(
	struct simulator *simulator, const char *server, struct error *err);

/* The runs of a server, newest first; only those of one step of one connector with `only`. */
MUST_CHECK bool schedule_each(struct simulator *simulator, const char *server,
	bool (*visit)(void *context, const struct run *run, struct error *err), void *context,
	struct error *err);
