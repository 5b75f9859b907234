/*
 * A small tenant with a history made from a seed: legitimate writes before, between and after
 * those of a staging server, production healing some of it, another stale server, records of all
 * of it. The history itself knows what must go back, so that what reconcile says can be judged, and
 * what a plan leaves behind: unit_ideal(), mailbox_ideal(), thing_must_go_back().
 */
#pragma once

#include "reconcile/reconcile.h"

enum {
	USERS = 12,
	GROUPS = 4,
	CONTACTS = 3,
	THINGS = USERS + GROUPS + CONTACTS, /* in this order */
	NAME_SHARERS = 3,  /* users who sit beside each other, and pass sign-in names on */
	STEADY = 6,        /* the first users are never deleted: members, owners, managers */
	STEADY_GROUPS = 2, /* the first groups likewise */
	FIELDS_MAX = 9,
	CHOICES = 5, /* of a field; 0: nothing */
	ADDRESSES = 8,
	NEXT_ADDRESS = 4,   /* it is also the first of the thing beside it */
	SHARED_ADDRESS = 5, /* from here on, anybody may have them */
	NO_PRIMARY = -1,
	SETS_MAX = 2,
	ELEMENTS = STEADY, /* of a set */
	RECORDS_MAX = 2048,
	VALUE_TEXT_MAX = 80,
};

/* ---- what a kind of thing has: incident_tables.c ------------------------------------------- */

enum form { FORM_TEXT, FORM_SIGN_IN_NAME, FORM_SWITCH, FORM_LINK };

struct field {
	const char *name, *audit;
	enum form form;
	bool always; /* never nothing */
	bool flows;  /* a sync server's files tell of it */
	bool silent; /* the log does not promise to tell who writes it */
};

struct field_set {
	const char *name, *audit; /* audit NULL: a record for each element, at the element */
	const char *adds, *removes;
	bool flows;
};

struct sort {
	enum kind_id kind;
	const char *type; /* in records: "User"; in activities: "user" */
	const char *word;
	struct field fields[FIELDS_MAX];
	size_t field_count;
	struct field_set sets[SETS_MAX];
	size_t set_count;
	bool has_bin; /* what is deleted lies in deleted items */
};

enum where { NOWHERE, IN_DELETED_ITEMS, THERE, GONE };

/* What a server sent last; at 0: nothing. */
struct sent {
	int value;
	int64_t at_ms;
};

/* What the production server took in: what stood there then. */
struct sight {
	int value;
	int64_t at_ms;      /* 0: nothing that it does not want to change itself */
	int64_t pending_ms; /* later it read something else that it has not taken in yet; or 0 */
};

/* The addresses of a thing as a whole. */
struct mailbox {
	bool there[ADDRESSES];
	int primary;
};

/* What somebody can write by itself: a value, that an element is there, who is primary. */
struct unit {
	int now, before; /* before: what stood there before staging's last run of writes */
	bool by_staging; /* the last write is staging's */
	bool silent;     /* its field is: nobody can prove that nobody wrote since */
	bool proved;     /* with full evidence it can be told whose `before` was */
	/* The last write of somebody else, before that run; at 0: none. */
	int64_t others_ms;
	bool others_told;    /* its record says what was written */
	bool others_doubted; /* by a sync server that is neither production nor staging */
	/* The run, and what its records say. */
	int64_t run_ms, last_ms; /* its first write, and whoever's last */
	bool before_told, now_told;
	bool run_lost; /* some of its records are among those that may get lost */
	bool murky; /* somebody else wrote in the same millisecond: nobody can tell who was later */
	/* What the servers' own files know of it. */
	bool perhaps; /* staging's says that it was being sent when the run died */
	struct sent staging, production;
	struct sight shown; /* of the production server */
};

struct thing {
	const struct sort *sort;
	size_t number;         /* among its kind */
	char id[ID_BYTES + 1]; /* of the object */
	bool cloud;            /* no sync server flows it */
	bool switched;         /* that was not always so */
	enum where where;
	struct unit fields[FIELDS_MAX], addresses[ADDRESSES], primary;
	struct unit sets[SETS_MAX][ELEMENTS];
	/* Since when its values can be followed: it is in the base, or somebody else made it since. */
	int64_t known_ms; /* 0: they can't */
	bool in_base;
	/* Creations, deletions, restores: staging's last run of them. */
	bool run_made, run_lost, run_murky;
	enum where run_from, run_to;
	int64_t run_ms, moved_ms; /* its first, its last */
	int64_t last_ms;          /* whoever's last */
	/* Somebody else's last before it; at 0: none. */
	int64_t others_moved_ms;
	bool others_doubted, others_murky;
	bool staging_ever, staging_last, lost_ever, murky_ever;
	bool touched; /* somebody else wrote anything about it since */
	int64_t touched_ms;
	int64_t set_ms[SETS_MAX + 1]; /* the last record of a whole set; last, of the addresses */
	/* What the servers' own files know of the addresses: staging's last write, production's. */
	struct mailbox was, is, shown, sent;
	int64_t sent_ms, production_ms, shown_ms;
};

struct record {
	int64_t when_ms;
	bool staging;
	bool loses; /* drawn by lot: where records of staging get lost, this is one of them */
	struct buf text;
};

/* How a seed's history is told. */
struct manner {
	bool servers_only;     /* nobody but sync servers writes what they flow */
	bool taciturn;         /* records leave out values, or cut them */
	bool production_named; /* who runs reconcile says which server is production */
};

struct incident {
	uint64_t random;
	struct manner manner;
	int64_t began_ms, now_ms;
	struct thing things[THINGS];
	struct record records[RECORDS_MAX];
	size_t record_count;
	struct snapshot *base, *live;
};

uint64_t incident_random(struct incident *incident, uint64_t below);
/* Lives through the history of a seed; snapshots are written below `folder`. */
void incident_live_through(
	struct incident *incident, uint64_t seed, struct manner manner, const char *folder);
void incident_release(struct incident *incident);

/* The same tenant with many things in it that nobody touched: files of more than one bucket. */
struct snapshot *incident_snapshot_again(
	struct incident *incident, struct snapshot *snapshot, const char *folder);

/* ---- evidence: incident_evidence.c ---------------------------------------------------------- */

/* Times for which the records of all writers are there. */
struct window {
	int64_t from_ms, until_ms;
};

/* The records of these windows in any order, some twice; `lossy`: without those that get lost. */
struct evidence *incident_evidence(
	struct incident *incident, const struct window *windows, size_t window_count, bool lossy);
/* Without any record. */
struct evidence *incident_no_evidence(const struct incident *incident);
/* Adds what the connector spaces of both servers tell, exported now. */
void incident_add_files(struct incident *incident, struct evidence *evidence);
/* Adds that staging wrote some of its values into Active Directory, too: production would spread them. */
void incident_add_directory(struct incident *incident, struct evidence *evidence);

/* ---- the truth: incident_book.c ------------------------------------------------------------- */

/* Staging wrote it, and what stood there before is somebody else's: it must go back to `before`. */
bool unit_must_go_back(const struct unit *unit);
/* What it is when everything is put back that must. */
int unit_ideal(const struct unit *unit);
struct mailbox mailbox_ideal(const struct thing *thing);
/* Must the thing itself go back, to what it was before staging's run? */
bool thing_must_go_back(const struct thing *thing, enum change *change);
/* Are its values looked at, or is the thing itself the finding? */
bool thing_is_examined(const struct thing *thing);

/* Can the log tell that, which has all records from `from_ms` to the live snapshot, or all but lost ones? */
bool unit_is_provable(
	const struct thing *thing, const struct unit *unit, int64_t from_ms, bool lossy);
bool thing_is_provable(const struct thing *thing, int64_t from_ms, int64_t base_ms, bool lossy);

struct mailbox mailbox_of(const struct thing *thing);

/* ---- names -------------------------------------------------------------------------------- */

/* Whose id it is; NULL: nobody's. */
struct thing *thing_of_id(struct incident *incident, struct span id);
/* As JSON; empty for nothing. */
void field_json(char text[static VALUE_TEXT_MAX], const struct thing *thing,
	const struct field *field, int value);
void element_text(char text[static VALUE_TEXT_MAX], const struct thing *thing,
	const struct field_set *set, size_t element);
/* "user3.a1@contoso.com", "shared0@contoso.com" */
void address_text(char text[static VALUE_TEXT_MAX], const struct thing *thing, size_t address);
