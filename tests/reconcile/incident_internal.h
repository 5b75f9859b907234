/* What the files of the generated incidents share: see incident.h. */
#pragma once

#include "tests/reconcile/incident.h"

#define INCIDENT_TENANT    "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"
#define INCIDENT_EXTENSION "extension_7be1c04d9a314c60b9a1e0d4b6f2e8c1_staging"

enum { INCIDENT_TEXT_MAX = 64 << 10 };

enum who { STAGING, PRODUCTION, HELP_DESK, STALE, WHO_COUNT };

/* What a record says of a property. */
struct telling {
	bool old_value, new_value;
};

#define TELLS_ALL ((struct telling){ true, true })

/* A write as the book keeps it. */
struct doing {
	enum who who;
	int64_t when_ms;
	struct telling telling;
	bool lost, doubted;
};

/* ---- incident_tables.c -------------------------------------------------------------------- */

void thing_init(struct thing *thing, size_t place);

/* ---- incident.c ------------------------------------------------------------------------- */

bool incident_chance(struct incident *incident, unsigned percent);
/* With one or two addresses more or less, and by chance another primary. */
struct mailbox mailbox_changed(struct incident *incident, struct mailbox mailbox);
void mailbox_choose_primary(struct incident *incident, struct mailbox *mailbox);

/* ---- incident_book.c: who wrote what -------------------------------------------------------- */

void unit_write(const struct thing *thing, struct unit *unit, struct doing deed, int value);
void mailbox_write(struct thing *thing, struct doing deed, const struct mailbox *mailbox);
/* A record of the whole set. */
void set_write(
	struct thing *thing, size_t set, struct doing deed, const bool there[static ELEMENTS]);
void thing_move(struct thing *thing, struct doing deed, enum where to);
/* Somebody's record is about it. */
void thing_touch(struct thing *thing, struct doing deed);

/* ---- incident_records.c: the log ------------------------------------------------------------- */

/* Begins the record that `deed` is told by, at the next moment, or, rarely, at the same. */
struct record *record_begin(
	struct incident *incident, enum who who, const char *activity, struct doing *deed);
/* What follows is told by another record of the same moment. */
struct record *record_split(struct incident *incident, struct record *record, const char *activity,
	const struct thing *thing, struct doing *deed);
void record_target(struct record *record, const struct thing *thing);
void record_end(struct record *record);
/* Old and new are JSON; NULL: the record does not say. */
void record_property(
	struct record *record, const char *name, const char *old_value, const char *new_value);
/* Draws what the record says of the next property. */
struct telling record_telling(struct incident *incident);
/* Both as the log has them: in an array, or nothing in it. What is not told is left out, or cut. */
void record_value(struct record *record, const char *name, struct telling telling,
	const char *old_json, const char *new_json);

/* Appends the JSON array. */
void mailbox_add(struct buf *out, const struct thing *thing, const struct mailbox *mailbox);
void set_add(struct buf *out, const struct thing *thing, const struct field_set *set,
	const bool there[static ELEMENTS]);

/* ---- incident_acts.c: what people and servers do ---------------------------------------------- */

void incident_act(struct incident *incident, enum who who, bool moves_too);
/* The production server puts back much of what it can. */
void incident_cycle(struct incident *incident);

/* ---- incident_unique.c: nobody holds what another one holds ---------------------------------- */

/* Can the thing take this sign-in name, besides what it has? */
bool name_is_free(const struct incident *incident, const struct thing *thing, int value);
/* Without what others hold. */
void mailbox_fit(struct incident *incident, const struct thing *thing, struct mailbox *mailbox);
/* Can the thing come back with all that it had? */
bool thing_fits(const struct incident *incident, const struct thing *thing);
/* Who holds it; NULL: nobody. */
struct thing *shared_holder(struct incident *incident, size_t address);

/* ---- incident_files.c: what the servers' connector spaces know -------------------------------- */

/* The production server imports: what it reads it takes in, or has not yet, or objects to. */
void incident_import(struct incident *incident);

/* ---- incident_snapshot.c -------------------------------------------------------------------- */

/* The tenant as it stands; the clock goes on meanwhile, and with `busy` so does everybody. */
struct snapshot *incident_snapshot(
	struct incident *incident, const char *folder, const char *name, bool busy);

/* ---- incident.c again: what happens while a snapshot is taken ---------------------------------- */

void incident_go_on(struct incident *incident);
