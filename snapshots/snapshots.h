/*
 * A snapshot is what one tenant's directory was at one moment: every object we follow, in id
 * order, as canonical lines (directory.h). It never changes once written.
 *
 * The file is `unstage-snapshot/1` (docs/FORMAT-snapshot.md): zstd frames that `zstdcat FILE | jq`
 * reads: a header line, a frame per bucket of objects, and a skippable frame with the index.
 * Its identity is the BLAKE2b-256 of its index, which covers every line.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "directory/directory.h"

enum {
	SNAPSHOT_ID_TEXT = 65,
	SNAPSHOT_BUCKET_MAX = 64
		<< 20, /* plain bytes of one bucket's frame when read; a writer splits above 1 MiB */
};

struct snapshot_header {
	char *tenant, *cloud;                  /* GUID; "global" … */
	char *source;                          /* "graph" */
	int64_t taken_from_ms, taken_until_ms; /* the service's clock: audit records use the same */
	uint64_t objects[KIND_COUNT];          /* live ones */
	uint64_t deleted;
	uint64_t bytes; /* of plain lines */
};

/* ---- writing ------------------------------------------------------------------------ */

struct snapshot_writer;

/*
 * Starts a snapshot that appears at `path` with snapshot_writer_finish(). Lines are kept in an
 * unnamed temporary file beside it, so memory does not grow with the number of objects.
 */
MUST_CHECK struct snapshot_writer *snapshot_writer_open(
	const char *path, const struct snapshot_header *header, struct error *err);
void snapshot_writer_close(struct snapshot_writer *writer); /* drops what is not finished */
DEFINE_CLEANUP(struct snapshot_writer *, snapshot_writer_close);

/*
 * Threads that may compress, to be said before the first object comes. None unless this is
 * called: a process that holds secrets has one thread. The file is the same.
 */
void snapshot_writer_use_workers(struct snapshot_writer *writer, unsigned workers);

/*
 * Adds the lines of one object (its line, then its part lines, each ended by a newline). Objects
 * come in any order; when an id comes twice, the last one wins (contract 2.7).
 */
MUST_CHECK bool snapshot_writer_add(
	struct snapshot_writer *writer, struct span lines, struct error *err);

/* What was added of this object until now is not to be in the snapshot. ERROR_FORMAT: no id. */
MUST_CHECK bool snapshot_writer_remove(
	struct snapshot_writer *writer, const char *id, struct error *err);

/* Sorts, writes, reads everything back, renames. `until_ms`: when the last page came. Frees the writer. */
MUST_CHECK bool snapshot_writer_finish(
	struct snapshot_writer *writer, int64_t until_ms, struct error *err);

/* ---- reading ------------------------------------------------------------------------ */

struct snapshot;

/*
 * Opens the file and checks footer, index, and the header line.
 *   ERROR_SYSTEM  the file can't be read
 *   ERROR_FORMAT  digest or layout is wrong: file, what, offset; also a newer format
 */
MUST_CHECK struct snapshot *snapshot_open(const char *path, struct error *err);
void snapshot_close(struct snapshot *snapshot);
DEFINE_CLEANUP(struct snapshot *, snapshot_close);

/*
 * Threads that snapshot_compare() and snapshot_check() may start for this snapshot. None unless this
 * is called: a process that holds secrets has one thread.
 */
void snapshot_use_workers(struct snapshot *snapshot, unsigned workers);
/* How many are worth it on this machine; 0 where one core has to do everything. */
unsigned snapshot_workers(void);

const struct snapshot_header *snapshot_header(const struct snapshot *snapshot);
const char *snapshot_path(const struct snapshot *snapshot);
const char *snapshot_identity(const struct snapshot *snapshot); /* 64 hex digits */

/* Ids (sorted) of objects with onPremisesProvisioningErrors; the writer noted them in the index. */
const char *const *snapshot_quarantined(const struct snapshot *snapshot, size_t *count);

/* Lines of one object into `lines` (emptied first); empty when it is not there. Reads one bucket. */
MUST_CHECK bool snapshot_object(
	struct snapshot *snapshot, struct span id, struct buf *lines, struct error *err);

/* Every object in id order: its lines, borrowed during the call. False from `each` ends it. */
typedef bool snapshot_each_function(void *context, struct span lines, struct error *err);
MUST_CHECK bool snapshot_each(
	struct snapshot *snapshot, snapshot_each_function *each, void *context, struct error *err);

/*
 * Every object whose lines differ, in id order; absent where a side has none. Buckets with
 * equal digests are not unpacked: the cost is what changed.
 * ERROR_REFUSED when the two are of different tenants.
 */
typedef bool snapshot_pair_function(
	void *context, struct span base, struct span live, struct error *err);
MUST_CHECK bool snapshot_compare(struct snapshot *base, struct snapshot *live,
	snapshot_pair_function *pair, void *context, struct error *err);

/* Reads every bucket and checks both digests. ERROR_FORMAT names file, bucket and offset. */
MUST_CHECK bool snapshot_check(
	struct snapshot *snapshot, const struct progress *progress, struct error *err);

/* Calls `each` for every object whose lines hold `text` as it stands in JSON; for finding an address's holders. */
MUST_CHECK bool snapshot_search(struct snapshot *snapshot, struct span text,
	snapshot_each_function *each, void *context, struct error *err);
