/* What collecting (runs.c), the file (runs_file.c) and merging (runs_merge.c) share. */
#pragma once

#include "snapshots/snapshots_internal.h"

/* Of records that are merged: collected before they are written. */
enum { RUNS_WRITE_BYTES = 256 << 10 };

/* As in the file, which no other program reads. No length: the object is not to be there. */
struct record {
	uint32_t length, number; /* number: in the order of coming, within the run */
	uint8_t id[ID_BINARY_BYTES];
	uint8_t kind;
	bool deleted, quarantined;
	uint8_t unused;
};

/* One object of the run in memory. */
struct held {
	struct record record;
	uint32_t offset; /* of its lines */
};

struct run {
	uint64_t begin, end; /* in the file */
};

/* A run being read: one in the file, or the one in memory. */
struct source {
	uint64_t at, end; /* in the file: what is not in `buffer` yet */
	struct buf buffer;
	size_t used; /* of the buffer: the records handed out */
	const struct held *held, *held_end;
	const char *held_lines;
	struct record record;
	const char *lines;
};

struct runs {
	char *path; /* of the snapshot, for messages */
	struct runs_limits limits;
	int file;
	uint64_t file_end;
	struct buf pending; /* comes behind file_end */
	struct run *runs;
	size_t run_count, run_capacity;
	uint64_t record_count;
	/* the run in memory */
	struct buf lines;
	struct held *held;
	size_t held_count, held_capacity;
	uint32_t next_number;
	bool in_order; /* everything since the start came in id order, each once */
	uint8_t last[ID_BINARY_BYTES];
	/* reading */
	struct source *sources;
	size_t source_count;
	size_t *heap, heap_count; /* of sources: the least record first */
	struct source *handed_out;
};

/* ---- runs_file.c ----------------------------------------------------------------------- */

/* A file without a name in the folder of `path`, or -1 with errno. */
int runs_file_open(const char *path);
MUST_CHECK bool runs_write_record(
	struct runs *runs, const struct record *record, const char *lines, struct error *err);
/* The run that began at `begin` and ends here. */
MUST_CHECK bool runs_end_run(struct runs *runs, uint64_t begin, struct error *err);

/* ---- runs.c ---------------------------------------------------------------------------- */

void runs_sort_held(struct runs *runs);

/* ---- runs_merge.c ---------------------------------------------------------------------- */

void runs_sources_release(struct runs *runs);
