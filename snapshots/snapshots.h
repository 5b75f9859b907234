/*
 * A snapshot is what one tenant's directory was at one moment: every object we follow, in id
 * order, as canonical lines (directory.h). It never changes once written.
 *
 * The file is `unstage-snapshot/1` (docs/FORMAT-snapshot.md): zstd frames that `zstdcat FILE | jq`
 * reads: a header line, a frame per bucket of objects, and a skippable frame with the index.
 * Its identity is the BLAKE3 of its index, which covers every line.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "directory/directory.h"

enum {
	SNAPSHOT_ID_TEXT = 65,
	SNAPSHOT_OBJECT_MAX = 256
		<< 20,                /* all lines of one object: a group of six million members */
	SNAPSHOT_LINK_MAX = 16 << 10, /* bytes of a stored delta link */
	SNAPSHOT_BUCKET_MAX = 64
		<< 20, /* plain bytes of one bucket's frame when read; a writer splits above 1 MiB */
};

/* Attributes, in byte order of their names, each once; they are not the list's own. */
struct snapshot_extensions {
	const struct attribute **at;
	size_t count;
};

#define SNAPSHOT_CSEXPORT "csexport" /* made of a connector space */
#define SNAPSHOT_AUDIT    "audit"    /* made of evidence alone: it knows little of few objects */

struct snapshot_header {
	char *tenant, *cloud;                  /* GUID; "global" … */
	char *source;                          /* "graph", SNAPSHOT_CSEXPORT, SNAPSHOT_AUDIT */
	int64_t taken_from_ms, taken_until_ms; /* the service's clock: audit records use the same */
	uint64_t objects[KIND_COUNT];          /* live ones */
	uint64_t deleted;
	uint64_t bytes;                                    /* of plain lines */
	struct snapshot_extensions extensions[KIND_COUNT]; /* those that were asked for */

	/* How it came to be; what a writer is told by its own functions. */
	char previous[SNAPSHOT_ID_TEXT]; /* identity of the one it was made from; "": of none */
	uint64_t sequence;               /* one more than that one's; 0: the first */
	char *links[KIND_COUNT];         /* where what changed since is told; NULL: nowhere */
	int64_t relations_ms; /* when what no change tells of was last read whole; 0: not known */
};

/* ---- writing ------------------------------------------------------------------------ */

struct snapshot_writer;
struct snapshot;

/*
 * Starts a snapshot that appears at `path` with snapshot_writer_finish(). Lines are kept in an
 * unnamed temporary file beside it, so memory does not grow with the number of objects.
 */
MUST_CHECK struct snapshot_writer *snapshot_writer_open(
	const char *path, const struct snapshot_header *header, struct error *err);
void snapshot_writer_close(struct snapshot_writer *writer); /* drops what is not finished */
DEFINE_CLEANUP(struct snapshot_writer *, snapshot_writer_close);

/*
 * Threads that may compress, to be said before the writer is finished; what came in id order and was written as it
 * came keeps those that were there when the first object came. None unless this is called: a process that
 * holds secrets has one thread. The file is the same.
 */
void snapshot_writer_use_workers(struct snapshot_writer *writer, unsigned workers);

/* Says late when it was taken: where only the last object tells it. */
MUST_CHECK bool snapshot_writer_taken_from(
	struct snapshot_writer *writer, int64_t from_ms, struct error *err);

/*
 * Adds the lines of one object (its line, then its part lines, each ended by a newline). Objects
 * come in any order; when an id comes twice, the last one wins (contract 2.7).
 */
MUST_CHECK bool snapshot_writer_add(
	struct snapshot_writer *writer, struct span lines, struct error *err);

/* What was added of this object until now is not to be in the snapshot. ERROR_FORMAT: no id. */
MUST_CHECK bool snapshot_writer_remove(
	struct snapshot_writer *writer, const char *id, struct error *err);

/*
 * What is written follows `previous`: its identity, and one more than its sequence. With `update`
 * it is also made from it: what was added replaces what `previous` has of these objects, and
 * frames that nothing touches are copied byte for byte. `previous` must live until the writer ends.
 *   ERROR_REFUSED  it is of another tenant or cloud, or of another source
 */
MUST_CHECK bool snapshot_writer_follow(
	struct snapshot_writer *writer, struct snapshot *previous, bool update, struct error *err);

/* Where what changes from now on is told (copied; NULL: nowhere). ERROR_FORMAT: too long. */
MUST_CHECK bool snapshot_writer_set_links(
	struct snapshot_writer *writer, char *const links[static KIND_COUNT], struct error *err);

/*
 * The directory extensions that objects of a kind were asked for, in any order: one that is not among
 * them is not known of any. Costs least before the first object.
 */
MUST_CHECK bool snapshot_writer_set_extensions(struct snapshot_writer *writer, enum kind_id kind,
	const struct attribute *const *extensions, size_t count, struct error *err);

/* When owners, and what else no change tells of, were last read whole. */
void snapshot_writer_set_relations(struct snapshot_writer *writer, int64_t when_ms);

/* Sorts, writes, reads what is new back, renames. `until_ms`: when the last page came. Frees the writer. */
MUST_CHECK bool snapshot_writer_finish(
	struct snapshot_writer *writer, int64_t until_ms, struct error *err);

/* ---- reading ------------------------------------------------------------------------ */

/*
 * Opens the file and checks footer, index, and the header line.
 *   ERROR_SYSTEM  the file can't be read
 *   ERROR_FORMAT  digest or layout is wrong: file, what, offset; also a newer format
 */
MUST_CHECK struct snapshot *snapshot_open(const char *path, struct error *err);
/*
 * As snapshot_open(), of an open descriptor, which is the snapshot's from now on, also when
 * this fails. `path` is for messages.
 */
MUST_CHECK struct snapshot *snapshot_open_descriptor_take(
	int descriptor, const char *path, struct error *err);

/* One of several that are opened at once, each in a thread of its own. */
struct snapshot_opening {
	const char *path;
	struct snapshot *snapshot; /* NULL: `err` says why */
	struct error err;
};

/* A few. `workers`: as many threads at most; 0: one after the other in this one. */
void snapshot_open_all(struct snapshot_opening *openings, size_t count, unsigned workers);

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
/* Whether a text can be one. */
bool snapshot_is_identity(const char *text);
uint64_t snapshot_size(const struct snapshot *snapshot); /* of the file, in bytes */

/* Ids (sorted) of objects with onPremisesProvisioningErrors; the writer noted them in the index. */
const char *const *snapshot_quarantined(const struct snapshot *snapshot, size_t *count);

/* Whether it was asked for the same attributes as this program asks for. */
bool snapshot_asked_for_all(const struct snapshot *snapshot);

/* Whether objects that no directory sync masters are in it: in a base made of a connector space not. */
bool snapshot_sees_cloud(const struct snapshot *snapshot);

/* Whether objects of this kind were asked for a directory extension. */
bool snapshot_asked_for_extension(
	const struct snapshot *snapshot, enum kind_id kind, const struct attribute *extension);
/* Whether they were asked for these, in any order, and no others. */
bool snapshot_asked_for_extensions(const struct snapshot *snapshot, enum kind_id kind,
	const struct attribute *const *extensions, size_t count);

/* Lines of one object into `lines` (emptied first); empty when it is not there. Reads one bucket. */
MUST_CHECK bool snapshot_object(
	struct snapshot *snapshot, struct span id, struct buf *lines, struct error *err);

/*
 * The same for who looks for many objects: where their ids ascend, those of one bucket are found with one
 * read of it, and nothing is copied.
 */
struct snapshot_picker;
struct snapshot_picker *snapshot_picker_new(struct snapshot *snapshot);
void snapshot_picker_free(struct snapshot_picker *picker);
DEFINE_CLEANUP(struct snapshot_picker *, snapshot_picker_free);
/* `lines` are borrowed until the next call; absent: it is not there. */
MUST_CHECK bool snapshot_pick(
	struct snapshot_picker *picker, struct span id, struct span *lines, struct error *err);

/* Every object in id order: its lines, borrowed during the call. False from `each` ends it. */
typedef bool snapshot_each_function(void *context, struct span lines, struct error *err);
MUST_CHECK bool snapshot_each(
	struct snapshot *snapshot, snapshot_each_function *each, void *context, struct error *err);

/* The same text, some hundred objects at a time: for who looks for something in all of it. */
MUST_CHECK bool snapshot_texts(
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

/*
 * The same for who has much to do with each pair, in the threads that snapshot_use_workers() allows:
 * the pairs of a bucket are looked at in one of them, those of several buckets at once, and
 * what they came to is handed out in the caller's thread, in id order.
 */
struct snapshot_looker {
	size_t size;                 /* of what the pairs of a bucket come to; zeroed once */
	void (*begin)(void *looked); /* empties it */
	/* In any thread. The lines are there until hand_out() returns. */
	bool (*look)(
		void *context, void *looked, struct span base, struct span live, struct error *err);
	bool (*hand_out)(void *context, void *looked, struct error *err);
	void (*release)(void *looked);
	void *context;
};
MUST_CHECK bool snapshot_look(struct snapshot *base, struct snapshot *live,
	const struct snapshot_looker *looker, struct error *err);

/*
 * All of the text, a frame at a time, for who looks for something without parsing: `look` is called in the
 * threads that snapshot_use_workers() allows, `hand_out` in the caller's, in the order of the frames.
 * A frame holds whole lines, some hundred as a rule; an object of very many lines lies in several.
 */
struct snapshot_scanner {
	size_t size;                 /* of what a frame comes to; zeroed once */
	void (*begin)(void *looked); /* empties it */
	/* In any thread. The lines are there until hand_out() returns. */
	bool (*look)(
		void *context, void *looked, uint32_t frame, struct span lines, struct error *err);
	bool (*hand_out)(void *context, void *looked, struct error *err);
	void (*release)(void *looked);
	const bool *only; /* by number, below snapshot_frames(): which to look at; NULL: all */
	void *context;
};
MUST_CHECK bool snapshot_scan(
	struct snapshot *snapshot, const struct snapshot_scanner *scanner, struct error *err);
/* More than any number of a frame. */
uint32_t snapshot_frames(const struct snapshot *snapshot);

/*
 * Every object, or some, for who has much to do with each: `look` is called in the threads that
 * snapshot_use_workers() allows, `hand_out` in the caller's, with what the objects of some ids in a row
 * came to, in the order of the ids.
 */
struct snapshot_visitor {
	size_t size;                 /* of what they come to; zeroed once */
	void (*begin)(void *looked); /* empties it */
	/* In any thread. The lines are there during the call. */
	bool (*look)(void *context, void *looked, struct span lines, struct error *err);
	bool (*hand_out)(void *context, void *looked, struct error *err);
	void (*release)(void *looked);
	const struct span *only; /* the ids of those to look at, in any order; NULL: all */
	size_t only_count;
	void *context;
};
MUST_CHECK bool snapshot_visit(
	struct snapshot *snapshot, const struct snapshot_visitor *visitor, struct error *err);

/* Reads every bucket and checks both digests. ERROR_FORMAT names file, bucket and offset. */
MUST_CHECK bool snapshot_check(
	struct snapshot *snapshot, const struct progress *progress, struct error *err);

/* Calls `each` for every object whose lines hold `text` as it stands in JSON; for finding an address's holders. */
MUST_CHECK bool snapshot_search(struct snapshot *snapshot, struct span text,
	snapshot_each_function *each, void *context, struct error *err);

/* ---- statement and chain ------------------------------------------------------------- */

enum { SNAPSHOT_STATEMENT_MAX = 64 << 10 };

/*
 * Appends the statement that a signature over this snapshot covers: which tenant, when, its
 * identity, its place in the chain, and the BLAKE2b-512 of the whole file, which is read for it. The
 * same snapshot has the same statement always.
 */
MUST_CHECK bool snapshot_statement_add(
	struct buf *out, const struct snapshot *snapshot, struct error *err);

/*
 * Whether `statement`, whose signature the caller has verified, is this snapshot's. `whole_file`: its
 * hash too, by reading all of it; without, the identity is compared, which covers what is read of a
 * snapshot. ERROR_REFUSED names the line that differs.
 */
MUST_CHECK bool snapshot_statement_check(
	const struct snapshot *snapshot, struct span statement, bool whole_file, struct error *err);

/* Whether `snapshot` is the one that was made from `previous` [T13]. ERROR_REFUSED: what is against it. */
MUST_CHECK bool snapshot_follows(
	const struct snapshot *snapshot, const struct snapshot *previous, struct error *err);

/* ---- which snapshots to keep: restic's rules ------------------------------------------- */

enum keep_rule {
	KEEP_LAST,
	KEEP_HOURLY,
	KEEP_DAILY,
	KEEP_WEEKLY,
	KEEP_MONTHLY,
	KEEP_YEARLY,
	KEEP_RULES
};

/* "daily". */
const char *keep_rule_name(enum keep_rule rule);

struct keep_span {
	int years, months, days, hours;
};

/* "1y6m", "30d", "2d12h", larger units first, above 0. False when it is none. */
MUST_CHECK bool keep_span_parse(const char *text, struct keep_span *span);

enum { KEEP_ALL = -1 };

struct keep_policy {
	int64_t counts[KEEP_RULES]; /* 0: the rule is not used; KEEP_ALL: of every period */
	struct keep_span within;    /* of the newest one; nothing: not used */
};

bool keep_policy_is_empty(const struct keep_policy *policy);

/* Why one is kept. */
struct keep_reasons {
	bool rules[KEEP_RULES];  /* the newest of its period */
	bool oldest[KEEP_RULES]; /* the rule had some left, and there was no older one */
	bool within;
};

bool keep_reasons_any(const struct keep_reasons *reasons);

/* `taken_ms` descends. One that lies behind `now_ms` is not what `within` counts from. */
void snapshots_keep(const struct keep_policy *policy, const int64_t *taken_ms, size_t count,
	int64_t now_ms, struct keep_reasons *reasons);
