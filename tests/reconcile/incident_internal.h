/* What the files of the generated incidents share: see incident.h. */
#pragma once

#include "tests/reconcile/incident.h"

#define INCIDENT_TENANT "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"

enum { INCIDENT_TEXT_MAX = 64 << 10 };

enum who { STAGING, PRODUCTION, HELP_DESK, WHO_COUNT };

/* ---- incident.c ------------------------------------------------------------------------- */

bool incident_chance(struct incident *incident, unsigned percent);
struct mailbox mailbox_of(const struct person *person);
/* With one or two addresses more or less, and by chance another primary. */
struct mailbox mailbox_changed(struct incident *incident, struct mailbox mailbox);
void mailbox_choose_primary(struct incident *incident, struct mailbox *mailbox);
/* Appends the JSON array. */
void mailbox_add(struct buf *out, size_t person, const struct mailbox *mailbox);

/* The history's own book of who wrote what. */
void unit_write(struct incident *incident, struct unit *unit, enum who who, bool known, int value);
void mailbox_write(struct incident *incident, struct person *person, enum who who,
	const struct mailbox *mailbox);
void person_move(struct incident *incident, struct person *person, enum who who, enum where to);

/* ---- incident_acts.c: what people and servers do, and the records of it -------------------- */

void incident_act(struct incident *incident, enum who who, bool objects_too);

/* ---- incident_files.c: what the servers' connector spaces know -------------------------------- */

/* The production server imports: what it reads it takes in, or has not yet, or objects to. */
void incident_import(struct incident *incident);

/* ---- incident_snapshot.c -------------------------------------------------------------------- */

/* The tenant as it stands; the clock goes on meanwhile. */
struct snapshot *incident_snapshot(struct incident *incident, const char *folder, const char *name);
