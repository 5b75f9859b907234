/*
 * A small tenant with a history made from a seed: legitimate writes before, between and after
 * those of a staging server, production healing some of it, records of all of it. The history
 * itself knows what must go back, so that what reconcile says can be judged.
 */
#pragma once

#include "reconcile/reconcile.h"

enum {
	PEOPLE = 12,
	STEADY = 8, /* the first of them are never deleted, and members of groups */
	GROUPS = 3,
	VALUES = 2, /* department, jobTitle */
	TEXTS = 4,  /* of a value; 0: nothing */
	ADDRESSES = 5,
	NO_PRIMARY = -1,
	RECORDS_MAX = 512,
};

enum where { NOWHERE, IN_DELETED_ITEMS, THERE };

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

/* The addresses of a person as a whole. */
struct mailbox {
	bool there[ADDRESSES];
	int primary;
};

/* What somebody can write by itself: a value, that an element is there, who is primary. */
struct unit {
	int now, before;   /* before: what stood there before staging's last run of writes */
	bool by_staging;   /* the last write is staging's */
	bool others_wrote; /* somebody else ever did */
	bool proved;       /* with full evidence it can be told whose `before` was */
	/* What the servers' own files know of it. */
	struct sent staging, production;
	struct sight shown; /* of the production server */
};

struct person {
	enum where where;
	struct unit values[VALUES], addresses[ADDRESSES], primary;
	bool known; /* in the base, or created by somebody else since */
	bool made,
		run_made; /* any event of the object since the base; the run began with a creation */
	bool staging_ever;           /* staging created, deleted or restored it */
	bool staging_last;           /* and nobody else did after it */
	bool touched;                /* somebody else wrote anything about it since */
	enum where run_from, run_to; /* staging's last run of such events */
	/* What the servers' own files know of the addresses: staging's last write, production's. */
	struct mailbox was, is, shown, sent;
	int64_t sent_ms, production_ms, shown_ms;
	int64_t moved_ms; /* staging's last event of the object */
};

struct group {
	struct unit description, members[STEADY];
};

struct record {
	int64_t when_ms;
	bool staging;
	struct buf text;
};

struct incident {
	uint64_t random;
	bool servers_only; /* nobody but sync servers writes what they flow */
	int64_t began_ms, now_ms;
	struct person people[PEOPLE];
	struct group groups[GROUPS];
	struct record records[RECORDS_MAX];
	size_t record_count;
	struct snapshot *base, *live;
};

uint64_t incident_random(struct incident *incident, uint64_t below);
/*
 * Lives through the history of a seed; snapshots are written below `folder`. `servers_only`: nobody
 * but sync servers writes what they flow.
 */
void incident_live_through(
	struct incident *incident, uint64_t seed, bool servers_only, const char *folder);
void incident_release(struct incident *incident);

/* The records from `from_ms` on, in any order; without each of staging's by chance, in percent. */
struct evidence *incident_evidence(
	struct incident *incident, int64_t from_ms, unsigned dropped_percent);

/* Without any record. */
struct evidence *incident_no_evidence(const struct incident *incident);
/* Adds what the connector spaces of both servers tell, exported now. */
void incident_add_files(struct incident *incident, struct evidence *evidence);

/* Must it go back to `before`? Of an object: to what it was before staging's run. */
bool unit_must_go_back(const struct unit *unit);
bool person_must_go_back(const struct person *person, enum change *change);
/* Are its values looked at, or is the object the finding? */
bool person_is_examined(const struct person *person);

void person_id(char id[static ID_BYTES + 1], size_t number);
void group_id(char id[static ID_BYTES + 1], size_t number);
/* "T3", or NULL for nothing; "p3.a1@contoso.com". */
const char *value_text(int value);
void address_text(char text[static 32], size_t person, size_t address);
