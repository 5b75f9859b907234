/*
 * What the sync servers' own files say, for those who have no snapshot of ours from before, and as
 * evidence: connector spaces (csexport), run histories, server configurations.
 *
 * All files are streamed: memory does not grow with them. Nothing is taken from a file that is
 * refused: what was added to evidence or to a snapshot by then must be thrown away.
 */
#pragma once

#include "reconcile/evidence.h"
#include "snapshots/snapshots.h"

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
	int64_t made_ms;  /* for the evidence's list of sources; TIME_NONE: not known */
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
	/* Facts that were added, by their use; foreseen: what production's next export leaves. */
	uint64_t facts, shown, forecast, foreseen;
	uint64_t pending_deletes; /* objects of any type that the next export would delete */
	uint64_t lines;           /* objects of the base */
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

/* ---- run history: what a server sent and when (facts 1.4, 1.5) -------------------------- */

/*
 * The runs of ONE server, collected from any number of files in any order: Get-ADSyncRunProfileResult
 * knows who started which run of which connector, Get-ADSyncRunStepResult what its steps wrote,
 * and both are needed. What several files say of the same run is put together.
 */
struct run_history;

enum {
	RUNS_MAX = 1 << 18,     /* a year of half-hourly cycles over four connectors */
	RUN_ERRORS_MAX = 20000, /* of all lists (a run stops at 5,000); further ones are counted */
	RUN_DETAIL_MAX = 1024,  /* bytes of one text of an error that are kept */
};

struct run_history *run_history_new(void);
void run_history_free(struct run_history *history);
DEFINE_CLEANUP(struct run_history *, run_history_free);

/*
 * Adds what ConvertTo-Json wrote of these cmdlets, with -RunStepDetails or without; or the XML of
 * WMI's MIIS_RunHistory (run-history), and of SyncErrors.SyncErrorsXml (synchronization-errors).
 *   ERROR_SYSTEM  can't be read
 *   ERROR_FORMAT  file, line, byte
 */
MUST_CHECK bool run_history_add_json(
	struct run_history *history, const char *path, struct error *err);
MUST_CHECK bool run_history_add_xml(
	struct run_history *history, const char *path, struct error *err);

/* The Entra connector has the same id on every server. */
#define ENTRA_CONNECTOR "b891884f-051e-4a83-95af-2544101c9083"

/* What is known of an export step, or of an export whose steps no file tells. */
struct export_run {
	const char *connector_id; /* lower case; NULL: no file tells whose step it is */
	const char *connector;    /* its name, or NULL */
	bool entra;               /* of the Entra connector */
	int64_t number, step;     /* RunNumber, StepNumber; -1: not known */
	int64_t start_ms, end_ms; /* TIME_NONE: not known */
	const char *type;         /* of the step: "export"; NULL: told by the counters alone */
	const char *result;       /* "success", "no-start-ma", …; NULL: not known */
	const char *by;           /* "NT SERVICE\ADSync", "CONTOSO\anna"; NULL: not known */
	bool by_hand;             /* not the service's own account, so started by a person */
	bool counted;             /* a step result was found: the counters are its */
	uint64_t counters[RUN_COUNTERS];
};

/*
 * Joins what the files said: to be called behind the last one, before what follows. ERROR_FORMAT:
 * two runs of one connector have the same number, so these are files of two servers.
 */
MUST_CHECK bool run_history_join(struct run_history *history, struct error *err);

/* The exports, in order of time. */
const struct export_run *run_history_exports(const struct run_history *history, size_t *count);

/* False where it certainly sent nothing: "no-start-…", or all counters 0. */
bool export_may_have_written(const struct export_run *export);

/* Numbers of the Entra connector's runs that no file has: purged, or not asked for. */
struct run_gap {
	int64_t from, until;
};
const struct run_gap *run_history_gaps(const struct run_history *history, size_t *count);

enum run_error_kind { RUN_ERROR_EXPORT, RUN_ERROR_IMPORT, RUN_ERROR_SYNC };

/*
 * A line of a step's list of errors (SyncErrors). `type` "exported-change-not-reimported": what this
 * server wrote did not come back, so somebody else wrote over it.
 */
struct run_error {
	enum run_error_kind kind;
	const char *file;     /* that has it, without its folder */
	int64_t number, step; /* of the run; -1: not known */
	bool entra;
	int64_t when_ms, first_ms; /* date-occurred, first-occurred; TIME_NONE: not known */
	int64_t retries;           /* -1: not known */
	const char *type, *name;   /* "AttributeValueMustBeUnique"; or NULL */
	const char *dn, *cs_id;    /* connector space: DN, and id in lower case; or NULL */
	/* Of the connected directory; or NULL. */
	const char *code, *literal, *detail, *extra;
	/* The two parties of a conflict, where its details name them (facts 4.2); or NULL. */
	const char *object, *other; /* object ids, lower case */
	/* "ProxyAddresses", as the service calls it; of a change that did not come back, as the
	 * connector does. */
	const char *attribute;
	const char *value; /* the first one that both want */
};
const struct run_error *run_history_errors(const struct run_history *history, size_t *count);
const char *run_error_kind_name(enum run_error_kind kind);

struct run_history_summary {
	size_t runs, steps;
	int64_t first_ms, last_ms;       /* of the runs; TIME_NONE: there are none */
	size_t exports, entra_exports;   /* that may have written */
	uint64_t counters[RUN_COUNTERS]; /* of the Entra connector's exports */
	int64_t window_from_ms,
		window_until_ms; /* of those that may have written; TIME_NONE: none */
	size_t uncounted;        /* exports whose step results no file has */
	size_t strays; /* export steps whose run no file has: whose connector they are of is not told */
	size_t cut_lists;   /* error lists that ConvertTo-Json cut off (-Depth) */
	size_t more_errors; /* beyond RUN_ERRORS_MAX */
};
const struct run_history_summary *run_history_summary(const struct run_history *history);

struct run_import {
	const char *server;   /* whose runs these are: "SYNC02"; NULL: not known */
	const char *identity; /* of the server, as the audit log has it; NULL: its name does */
	/* Tell which objects the server was refused, and of which kind they are; each may be NULL. */
	struct space_ids *ids;
	struct snapshot *live;
};

/*
 * Adds the files as sources; the exports that may have written and were counted, of Active
 * Directory's connectors too; and what the server was refused: the conflicts of objects that are known (FROM_EXPORT_ERROR).
 * Whose kind `live` does not tell is left out.
 */
MUST_CHECK bool run_history_add_to(const struct run_history *history, struct evidence *evidence,
	const struct run_import *import, size_t *refusals, struct error *err);

/* ---- server configuration: the folder of Get-ADSyncServerConfiguration (facts 1.3) --------- */

struct configuration;

/*
 * Reads GlobalSettings/MV.xml, the Entra connector of Connectors/ and the rules of
 * SynchronizationRules/. Whichever of them is missing is told by configuration_summary().
 *   ERROR_SYSTEM  the folder or a file can't be read
 *   ERROR_FORMAT  damage (file, line, byte); none of the three is there; too many rules
 */
MUST_CHECK struct configuration *configuration_load(const char *folder, struct error *err);
void configuration_free(struct configuration *configuration);
DEFINE_CLEANUP(struct configuration *, configuration_free);

/* Whether `folder` is such a folder: by what is in it. */
bool configuration_is_there(const char *folder);

enum setting { SETTING_UNKNOWN, SETTING_OFF, SETTING_ON };

struct configuration_summary {
	/* NULL, TIME_NONE, SETTING_UNKNOWN: not in the folder. */
	const char *server; /* "SYNC02" */
	int64_t exported_ms;
	enum setting staging, scheduled; /* StagingMode; SynchronizationSchedule */
	const char *version;             /* of the product: "2.4.131.0" */
	const char *anchor;              /* the source anchor's attribute, in Active Directory */
	const char *connector;           /* "contoso.onmicrosoft.com - AAD" */
	const char *account;             /* of the Entra connector: "Sync_SYNC02_…@…" */
	size_t rules;                    /* of all kinds; 0: there is no rule in the folder */
	size_t outbound;                 /* to the Entra connector, and enabled */
	size_t disabled;                 /* to the Entra connector, and not */
};
const struct configuration_summary *configuration_summary(
	const struct configuration *configuration);

enum flow_type { FLOW_DIRECT, FLOW_EXPRESSION, FLOW_CONSTANT };

/* What one rule does to one attribute of the Entra connector's space. */
struct flow {
	enum kind_id kind;
	const char *name;                  /* in the connector space */
	const struct attribute *attribute; /* NULL: Graph does not show it */
	enum flow_type type;
	const char *from; /* attribute, expression or constant; "" where it says nothing */
	const char *rule; /* its name */
	int64_t precedence;
};

/*
 * The flows of the enabled outbound rules to the Entra connector, by kind, name, precedence: the first
 * of a name wins where its rule is in scope.
 */
const struct flow *configuration_flows(const struct configuration *configuration, size_t *count);

/* The first flow to the attribute, or NULL: this server never writes it. */
const struct flow *configuration_flow(const struct configuration *configuration, enum kind_id kind,
	const struct attribute *attribute);

/* What it flows, for space_import(); borrowed. Kinds without any rule are not known. */
struct space_flows configuration_space_flows(const struct configuration *configuration);

/* Adds what it flows to the evidence, as `server`'s. ERROR_FORMAT: too many names. */
MUST_CHECK bool configuration_add_to(const struct configuration *configuration, const char *server,
	struct evidence *evidence, struct error *err);

enum { RULES_MAX = 4096, FLOWS_MAX = 1 << 18 };

const char *setting_name(enum setting setting); /* "unknown", "off", "on" */
const char *flow_type_name(enum flow_type type);

/* ---- which of them a file is --------------------------------------------------------------- */

enum import_type { IMPORT_SPACE, IMPORT_RUNS_JSON, IMPORT_RUNS_XML, IMPORT_CONFIGURATION };

/*
 * By what is in it, whatever its name.
 *   ERROR_SYSTEM  can't be read
 *   ERROR_FORMAT  none of them; says what it is, where that is known, and what to give instead
 */
MUST_CHECK bool import_recognise(const char *path, enum import_type *type, struct error *err);

enum { IMPORT_DIGEST_TEXT = 65 };

/* The BLAKE2b-256 of a file, as evidence names its sources. ERROR_SYSTEM. */
MUST_CHECK bool import_digest(
	const char *path, char text[static IMPORT_DIGEST_TEXT], struct error *err);
