/* What the files about run history share: runs and steps as the files have them, to be joined. */
#pragma once

#include "imports/imports.h"
#include "imports/kept.h"
#include "imports/xml_path.h"

/* NULL, -1 and TIME_NONE are: this file doesn't say. */
struct run {
	const char *id; /* RunHistoryId; of XML, which has none, "<connector>#<number>" */
	const char *connector_id, *connector, *profile, *by, *result;
	int64_t number, start_ms, end_ms;
	const char *same; /* joined: the id under which all files' steps of this run stand */
};

struct step {
	const char *run_id, *type, *result;
	int64_t number, start_ms, end_ms;
	unsigned counters_seen; /* a bit each */
	uint64_t counters[RUN_COUNTERS];
};

enum { COUNTERS_ALL = (1 << RUN_COUNTERS) - 1 };

struct listed_error {
	const char *run_id;
	struct run_error error;
};

struct run_file {
	const char *name; /* without its folder */
	char digest[IMPORT_DIGEST_TEXT];
};

struct run_history {
	struct kept kept;
	struct run_file *files;
	size_t file_count, file_capacity;
	struct run *runs;
	size_t run_count, run_capacity;
	struct step *steps;
	size_t step_count, step_capacity;
	struct listed_error *listed;
	size_t listed_count, listed_capacity;
	size_t cut_lists, more_errors; /* as in the summary */
	/* What run_history_join() makes of them. */
	struct export_run *exports;
	size_t export_count, export_capacity;
	struct run_gap *gaps;
	size_t gap_count, gap_capacity;
	struct run_error *errors;
	size_t error_count;
	struct run_history_summary summary;
};

/* ---- runs.c ----------------------------------------------------------------------------- */

/* What is read from now on is of this file. */
MUST_CHECK bool run_history_begin_file(
	struct run_history *history, const char *path, struct error *err);

extern const struct run run_unknown;
extern const struct step step_unknown;

/* A run or step of which nothing is known yet. NULL with ERROR_FORMAT at RUNS_MAX. */
MUST_CHECK struct run *run_history_new_run(struct run_history *history, struct error *err);
MUST_CHECK struct step *run_history_new_step(struct run_history *history, struct error *err);

/* ---- runs_member.c: members of records and elements, by table ------------------------------ */

enum member_type { MEMBER_TEXT, MEMBER_GUID, MEMBER_NUMBER, MEMBER_INSTANT };

struct member {
	const char *name;
	enum member_type type;
	size_t offset; /* const char *, const char *, int64_t, int64_t */
};

/*
 * Reads what `text` says into the struct. Instants in each form that the servers' files have:
 * "/Date(1649391053843)/", "2022-04-08T04:10:53.843Z", and UTC without saying so:
 * "2022-04-08T04:10:53.843", "2022-04-08 04:10:53.843"; .NET's least date is TIME_NONE. GUIDs
 * lose their braces and capitals. ERROR_FORMAT names the member.
 */
MUST_CHECK bool member_read(struct kept *kept, const struct member *member, void *into,
	struct span text, struct error *err);

/* ---- runs_error.c: lists of errors -------------------------------------------------------- */

/*
 * synchronization-errors, fed by whoever reads the document around it. `path` is that of the element
 * below it: "export-error/cd-error/error-code".
 */
struct error_list {
	struct run_history *history;
	const char *run_id;
	int64_t step;
	struct run_error at; /* being read */
};

void error_list_start(struct error_list *list, const char *path, const char *const *attributes);
MUST_CHECK bool error_list_end(
	struct error_list *list, const char *path, struct span text, struct error *err);

/* The same of a whole document. */
MUST_CHECK bool error_list_read(struct error_list *list, struct span xml, struct error *err);
