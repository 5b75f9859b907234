/*
 * What the files of the story share. Two sync servers stand around the tenant, SYNC01
 * (production) and SYNC02 (staging). Each has its own picture of what the cloud should be, its
 * connector space: a row per object with the properties it flows, and the references. A change
 * in Active Directory reaches SYNC01's picture, and SYNC02's only as long as its import works.
 * An export brings the cloud to the picture, as that server's identity.
 */
#pragma once

#include "base/time.h"
#include "simulator/simulator_internal.h"

#define SERVER_PRODUCTION "SYNC01"
#define SERVER_STAGING    "SYNC02"

/* The directory extension that this company's servers flow. */
#define STORY_EXTENSION "extension_5e1c0a7d93b24f6ea8d10c4b7f2e9a63_costCentre"

/* The identities: classic connector accounts for both (contract 4.4). */
struct actor story_server(const char *server);
struct actor story_admin(void);     /* a person in the portal */
struct actor story_help_desk(void); /* a person in Exchange Online */
struct actor story_service(void);   /* the directory itself */

/* ---- connector spaces ------------------------------------------------------------------- */

MUST_CHECK bool connector_prepare(struct simulator *simulator, struct error *err);

/*
 * A new row in one server's picture. `cloud_id` NULL: the export will create the object.
 * `wanted` holds exactly the properties the server flows; a JSON null means "clear it".
 */
MUST_CHECK bool connector_add(struct simulator *simulator, const char *server, const char *anchor,
	const char *cloud_id, enum object_kind kind, const json_t *wanted, struct error *err);
/* The object is no longer in the server's scope: its export deletes it. */
MUST_CHECK bool connector_drop(
	struct simulator *simulator, const char *server, const char *cloud_id, struct error *err);
/* One property of the picture; "outer/inner" is followed. */
MUST_CHECK bool connector_set(struct simulator *simulator, const char *server, const char *cloud_id,
	const char *property, const json_t *value, struct error *err);
/* The picture of one object, a new reference; NULL when the server does not have it. */
json_t *connector_wanted(struct simulator *simulator, const char *server, const char *cloud_id);
/*
 * The references that the server flows for one relation of an object; before the first call for
 * that relation it flows none, and the export leaves the cloud's alone.
 */
MUST_CHECK bool connector_link(struct simulator *simulator, const char *server,
	const char *cloud_id, enum relation relation, const char *target, bool there,
	struct error *err);

/* A property of an object; "outer/inner" is followed. Borrowed; NULL when it is not there. */
json_t *story_property(const json_t *object, const char *name);

/* Active Directory changed: production's picture, and staging's too where its import still works. */
MUST_CHECK bool directory_set(struct simulator *simulator, const char *cloud_id,
	const char *property, const json_t *value, bool staging_sees, struct error *err);
MUST_CHECK bool directory_link(struct simulator *simulator, const char *cloud_id,
	enum relation relation, const char *target, bool there, bool staging_sees,
	struct error *err);

/*
 * The server's export: deletes, updates, creates; values that somebody else holds are
 * quarantined on the object (facts 4.1). The clock moves on with each object written.
 */
MUST_CHECK bool connector_export(
	struct simulator *simulator, const char *server, struct error *err);

/* ---- quarantine (facts 4.1) ------------------------------------------------------------------ */

/* True when no live object but `id` (NULL: at all) holds the address or sign-in name. */
bool quarantine_is_free(struct simulator *simulator, const char *address, const char *id);
/* Is the value noted in the object's onPremisesProvisioningErrors? */
bool quarantine_has(struct simulator *simulator, const char *id, const char *value);
/* Notes a value that could not be written in the object's onPremisesProvisioningErrors, once. */
MUST_CHECK bool quarantine_note(struct simulator *simulator, const struct actor *actor,
	const char *id, const char *property, const char *value, struct error *err);
/* What was written is not in quarantine any more. */
MUST_CHECK bool quarantine_end(struct simulator *simulator, const struct actor *actor,
	const char *id, const json_t *written, struct error *err);
/*
 * The addresses that may be written, a new array; the others are noted on the object, unless `id` is
 * empty because it is not born yet. NULL: the note failed.
 */
json_t *quarantine_without_taken(struct simulator *simulator, const struct actor *actor,
	const char *id, const json_t *wanted, struct error *err);
/* {prefix}+{4 digits}@{initial domain}: what stands where a sign-in name is taken (contract 5.3). */
json_t *quarantine_replacement_upn(struct simulator *simulator, const char *upn);

/* The hourly task: quarantined values are tested again and applied where they are free. */
MUST_CHECK bool story_heal_quarantine(struct simulator *simulator, struct error *err);

/* ---- the cast: who the story happens to -------------------------------------------------- */

enum cast_role {
	CAST_PERSON,       /* synced, in nobody's way */
	CAST_CLOUD_PERSON, /* born in the cloud */
	CAST_SWITCHED,     /* was synced, switched to the cloud before the base */
	CAST_SYNCED_GROUP, /* a security group from AD */
	CAST_CLOUD_GROUP,  /* a security group of the cloud */
	CAST_CONTACT,
	CAST_LIST,    /* a distribution list from AD */
	CAST_CREATED, /* made by the staging server in its wider scope */
};

MUST_CHECK bool cast_add(
	struct simulator *simulator, enum cast_role role, const char *id, struct error *err);
/* Member `index` of a role, in the order of joining. False past the end. */
bool cast_get(struct simulator *simulator, enum cast_role role, size_t index,
	char id[static GUID_TEXT_BYTES]);
size_t cast_count(struct simulator *simulator, enum cast_role role);

/*
 * Who is who among CAST_PERSON and CAST_SYNCED_GROUP: the acts take people by these first
 * indexes, so that day, incident and morning speak of the same ones.
 */
enum {
	/* legitimate B during the day, unseen by staging: its stale A comes over it */
	PEOPLE_STALE = 0,
	PEOPLE_STALE_COUNT = 60,
	/* legitimate B, and staging's edited rule writes a third value C */
	PEOPLE_THIRD = 60,
	PEOPLE_THIRD_COUNT = 20,
	/* legitimate change that staging saw too: no damage */
	PEOPLE_SEEN = 80,
	PEOPLE_SEEN_COUNT = 30,
	/* the suffix rule takes every one of this department */
	PEOPLE_SUFFIX = 110,
	PEOPLE_SUFFIX_COUNT = 31,
	/* an alias removed; primary address swapped; an alias moved to the next person */
	PEOPLE_ALIAS = 141,
	PEOPLE_ALIAS_COUNT = 14,
	PEOPLE_PRIMARY = 155,
	PEOPLE_PRIMARY_COUNT = 10,
	PEOPLE_MOVED = 165,
	PEOPLE_MOVED_COUNT = 8, /* pairs: from the even to the odd */
	PEOPLE_DISABLED = 173,
	PEOPLE_DISABLED_COUNT = 12,
	PEOPLE_DELETED = 185,
	PEOPLE_DELETED_COUNT = 8,
	/* damaged, and since switched to the cloud: these come back over Graph */
	PEOPLE_SWITCHED = 193,
	PEOPLE_SWITCHED_COUNT = 12,
	/* damaged alias, switched: Exchange Online masters it, a person puts it back */
	PEOPLE_EXCHANGE = 205,
	PEOPLE_EXCHANGE_COUNT = 2,
	/* damaged, switched, then corrected by hand to a third value; then one set to staging's own */
	PEOPLE_CORRECTED = 207,
	PEOPLE_CORRECTED_COUNT = 2,
	PEOPLE_AGREED = 209,
	PEOPLE_NEEDED = 210,

	GROUPS_STALE = 0,
	GROUPS_STALE_COUNT = 10,
	GROUPS_SWITCHED = 10,
	GROUPS_SWITCHED_COUNT = 4,
	GROUPS_NEEDED = 14,

	/* damaged, and switched: Exchange Online masters them */
	LISTS_SWITCHED_COUNT = 1,
	CONTACTS_SWITCHED_COUNT = 1,

	CREATED_COUNT = 6,
};

/* What befalls PEOPLE_SWITCHED, in turns: every write that the graph door knows for a person. */
enum switched_fate {
	FATE_DEPARTMENT,
	FATE_DISABLED,
	FATE_OTHER_MANAGER,
	FATE_NEW_MANAGER, /* had none: the staging server gives them one */
	FATE_SIGN_IN_NAME,
	FATE_TITLE_CLEARED,
	FATE_COUNT,
};

static inline bool person_without_manager(size_t person)
{
	return person >= PEOPLE_SWITCHED && person < PEOPLE_SWITCHED + PEOPLE_SWITCHED_COUNT &&
		(person - PEOPLE_SWITCHED) % FATE_COUNT == FATE_NEW_MANAGER;
}

/* A change of one member of the cast; `index` counts from the range's first. */
typedef bool change_function(
	struct simulator *simulator, const char *id, size_t index, struct error *err);

struct cast_change {
	enum cast_role role;
	size_t first, count;
	change_function *change;
};
MUST_CHECK bool story_for_cast(struct simulator *simulator, enum cast_role role, size_t first,
	size_t count, change_function *change, struct error *err);
MUST_CHECK bool story_change_cast(struct simulator *simulator, const struct cast_change *changes,
	size_t count, struct error *err);

/* What befalls a person who moves during the day; the same index is the same move. */
struct story_move {
	const char *property, *text;
};
const struct story_move *story_move(size_t index);

MUST_CHECK bool story_incident(struct simulator *simulator, struct error *err);

/* Sign-in names and addresses that staging passes on in circles (incident_rings.c). */
enum {
	/* Among CAST_PERSON: two who swap, three in a ring. A company of some hundred has none. */
	RING_SWAPPED = PEOPLE_NEEDED + 300,
	RING_SWAPPED_COUNT = 2,
	RING_OF_THREE = RING_SWAPPED + RING_SWAPPED_COUNT,
	RING_OF_THREE_COUNT = 3,
	/* A ring over the kinds: this person's alias, a list's address, a contact's. */
	RING_MIXED = RING_OF_THREE + RING_OF_THREE_COUNT,
	RING_LIST = 1,
	RING_CONTACT = 5,
};
MUST_CHECK bool stage_rings(struct simulator *simulator, struct error *err);
/* In the morning all of them are switched to the cloud. */
MUST_CHECK bool switch_rings(
	struct simulator *simulator, change_function *switch_to_cloud, struct error *err);

/* Where the book stood, for the proof: the base, and the end of the story's people. */
enum story_mark { MARK_BASE, MARK_MORNING, MARK_DAY, MARK_INCIDENT };
MUST_CHECK bool story_set_mark(
	struct simulator *simulator, enum story_mark mark, struct error *err);
int64_t story_mark(struct simulator *simulator, enum story_mark mark); /* 0: not yet */
/* What a story has once: sets the mark, or ERROR_USAGE with `again`, the way to what is meant. */
MUST_CHECK bool story_mark_once(
	struct simulator *simulator, enum story_mark mark, const char *again, struct error *err);

/* The clock, forward. */
void story_wait_ms(struct simulator *simulator, int64_t duration_ms);
