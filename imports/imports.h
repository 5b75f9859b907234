/*
 * What the sync servers' own files say, for those who have no snapshot of ours from before, and as
 * evidence: connector spaces (csexport), run histories, server configurations.
 *
 * All files are streamed: memory does not grow with them. Nothing is taken from a file that is
 * refused: what was added to evidence or to a snapshot by then must be thrown away.
 */
#pragma once

#include "reconcile/reconcile.h"

/* ---- connector spaces (csexport; docs/IMPORTS.md) ------------------------------------ */

enum space_role {
	/*
	 * The production server's space of the Entra connector: what stood in the directory at its last
	 * import. Lines of a base snapshot, and FACT_SHOWN for what the evidence already names.
	 */
	SPACE_PRODUCTION,
	/* The staging server's: what it wrote there, and what it would write next. */
	SPACE_STAGING,
	/* An Active Directory connector's, of any server: what that server wrote to AD. */
	SPACE_DIRECTORY,
	SPACE_ROLES
};

/*
 * Who is who: source anchors, names in connector spaces and addresses, to object ids. It learns from a
 * snapshot and from each file that is imported with it; one for all the files of an import.
 */
struct space_ids;

/*
 * `live` is borrowed, and read once when a file first leaves an id open. NULL: only the files themselves
 * tell ids.
 */
struct space_ids *space_ids_new(struct snapshot *live);
void space_ids_free(struct space_ids *ids);
DEFINE_CLEANUP(struct space_ids *, space_ids_free);

/* The attributes that a server's outbound rules flow, by their names in its connector space. */
struct space_flows {
	const char *const *names[KIND_COUNT]; /* ended by NULL; NULL: not known for this kind */
};

struct space_import {
	const char *path;
	enum space_role role;
	struct space_ids *ids;
	struct evidence *evidence;    /* gets the facts; NULL: only the base is wanted */
	const struct writer *who;     /* whose writes those are: the server's identity */
	struct snapshot_writer *base; /* of SPACE_PRODUCTION: gets the lines; or NULL */
	/*
	 * What is absent in an object of the base is nothing where the server flows the attribute, and
	 * unknown otherwise. NULL: it flows what the first objects of the file show.
	 */
	const struct space_flows *flows;
	/* When a staging server's writes left, where an object does not say; TIME_NONE: not known. */
	int64_t written_ms;
	/* SPACE_PRODUCTION: what was imported from then on is no "before"; TIME_NONE: no incident. */
	int64_t incident_ms;
	bool all_pending; /* the file is whole although every object in it has a pending export */
};

/* What could not be used, or only with care. All are counted, the first of each listed. */
enum space_note_kind {
	SPACE_NO_ID,     /* an object: nothing tells its id */
	SPACE_AMBIGUOUS, /* an object: its address stands at several objects of the snapshot */
	SPACE_NO_REFERENCE, /* an object that refers to something without id: the relation is unknown */
	SPACE_OTHER_TYPE,     /* an object of a type that is not followed: device, publicFolder */
	SPACE_OTHER_NAME,     /* a written attribute that Graph does not show */
	SPACE_NO_TIME,        /* an object that does not say when it was written */
	SPACE_PENDING_IMPORT, /* an object: what was imported and not synchronised yet was left out */
	SPACE_AFTER_INCIDENT, /* an object that was imported since: all of it is unknown */
	SPACE_NOTE_KINDS
};

enum { SPACE_NOTES_MAX = 100 }; /* of each kind */

struct space_note {
	enum space_note_kind kind;
	const char *dn;     /* in the connector space */
	const char *detail; /* what it was about, or NULL */
};

/* One attribute of one object that a server wrote to Active Directory. */
struct space_write {
	const char *dn, *id;   /* id: of the object in Entra ID, or NULL */
	const char *attribute; /* NULL: the object */
	enum fact_operation operation;
	const char *old_value, *new_value; /* text for people, or NULL: nothing, or not known */
	int64_t when_ms;
	bool escrowed; /* being sent when the run ended: perhaps it was not written */
};

enum { SPACE_WRITES_MAX = 10000 }; /* that are listed */

struct space_report {
	enum space_role role;
	char connector
		[128]; /* its name ("contoso.onmicrosoft.com - AAD"), "" where the file has none */
	uint64_t objects, by_kind[KIND_COUNT];
	uint64_t exported, escrowed, pending; /* objects with such a delta */
	uint64_t facts, shown, forecast;      /* facts that were added, by their use */
	uint64_t lines;                       /* objects of the base */
	uint64_t noted[SPACE_NOTE_KINDS];
	struct space_note *notes;
	size_t note_count;
	uint64_t written; /* to Active Directory: attributes and objects */
	struct space_write *writes;
	size_t write_count;
	int64_t imported_ms; /* the latest import that the file tells of; TIME_NONE: none */
	int64_t first_export_ms, last_export_ms; /* of what was written; TIME_NONE: none */
};

/*
 * Imports one file.
 *   ERROR_SYSTEM  it can't be read
 *   ERROR_FORMAT  damage (file, line, byte); no connector space; made with /f:x or /o: (says how to make
 *                 it); another connector's than `role` says
 */
MUST_CHECK struct space_report *space_import(const struct space_import *import, struct error *err);
void space_report_free(struct space_report *report);
DEFINE_CLEANUP(struct space_report *, space_report_free);

/* "no id", "ambiguous", …: for tables. */
const char *space_note_name(enum space_note_kind kind);
/* What it means and what to do about it: a sentence. */
const char *space_note_text(enum space_note_kind kind);
