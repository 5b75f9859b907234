/*
 * What the files of this folder share: the byte layout (layout.c), frames (frame.c), walking
 * objects over frames (cursor.c), and the inside of an open snapshot (open.c).
 *
 * docs/FORMAT-snapshot.md is the format; names here are its names.
 */
#pragma once

#include <endian.h>
#include <string.h>
#include <zstd.h>

#include "base/json.h"
#include "snapshots/snapshots.h"

enum {
	DIGEST_BYTES = 32,       /* BLAKE3 */
	ENTRY_BYTES = 88,        /* of one frame in the index */
	ENTRY_PLAIN_DIGEST = 24, /* where in it that digest is */
	ENTRY_PACKED_DIGEST = 56,
	FOOTER_BYTES = 56,   /* the last bytes of the file */
	SKIPPABLE_BYTES = 8, /* magic and size in front of the index */
	INDEX_MAGIC_BYTES = 16,
	BITS_MAX = 16,
	SPLIT_BYTES = 1 << 20, /* plain bytes of a frame, where lines allow it */
	HEADER_MAX = 1 << 20,  /* the header line */
	META_MAX = 1 << 20,    /* the JSON in the index */
	INDEX_MAX = 256 << 20, /* the whole index */
	PACKED_MAX = 65 << 20, /* one frame of SNAPSHOT_BUCKET_MAX that does not compress */
};

#define SNAPSHOT_FORMAT "unstage-snapshot/1"
#define INDEX_FAMILY    "unstage-index/"
#define INDEX_MAGIC     INDEX_FAMILY "1\n"
#define FOOTER_MAGIC    "unstgix\n"
#define SKIPPABLE_MAGIC 0x184D2A5Eu

/* ---- layout.c ------------------------------------------------------------------------ */

/* One frame, as the index describes it. Entry 0 is the header line. */
struct entry {
	uint32_t bucket;
	uint64_t offset;
	uint32_t packed, plain, lines; /* bytes in the file, bytes unpacked, newlines */
	uint8_t plain_digest[DIGEST_BYTES], packed_digest[DIGEST_BYTES];
};

struct footer {
	uint64_t offset, length; /* of the index */
	uint8_t digest[DIGEST_BYTES];
};

void put_u32(struct buf *out, uint32_t number);
void put_u64(struct buf *out, uint64_t number);

static inline uint32_t get_u32(const uint8_t *at)
{
	uint32_t little;

	memcpy(&little, at, sizeof(little));
	return le32toh(little);
}

static inline uint64_t get_u64(const uint8_t *at)
{
	uint64_t little;

	memcpy(&little, at, sizeof(little));
	return le64toh(little);
}

void put_entry(struct buf *out, const struct entry *entry);

/* Here, so that who looks at thousands of entries for one number does not copy their digests. */
static inline struct entry get_entry(const uint8_t at[static ENTRY_BYTES])
{
	struct entry entry = {
		.bucket = get_u32(at),
		.offset = get_u64(at + 4),
		.packed = get_u32(at + 12),
		.plain = get_u32(at + 16),
		.lines = get_u32(at + 20),
	};

	memcpy(entry.plain_digest, at + ENTRY_PLAIN_DIGEST, DIGEST_BYTES);
	memcpy(entry.packed_digest, at + ENTRY_PACKED_DIGEST, DIGEST_BYTES);
	return entry;
}

void put_footer(struct buf *out, const struct footer *footer);
/* False where the bytes do not end like a snapshot. */
bool get_footer(const uint8_t at[static FOOTER_BYTES], struct footer *footer);

/* How many leading bits of an id choose its bucket in a snapshot of `count` objects. */
unsigned bits_for(uint64_t count);
uint32_t bucket_of(const uint8_t id[static ID_BINARY_BYTES], unsigned bits);

void digest_of(uint8_t digest[static DIGEST_BYTES], const void *data, size_t length);

/* ---- line.c -------------------------------------------------------------------------- */

struct line_facts {
	struct span id;
	const struct kind *kind;
	bool deleted, quarantined;
};

/* The line at the start of `text`, without its newline. */
struct span line_first(struct span text);
/* What is behind that line and its newline. */
struct span line_rest(struct span text);
/* The same, for who has line_first(text) at hand. */
struct span line_behind(struct span text, struct span line);
uint32_t line_count(struct span text); /* one that does not end is one, too */
/* The id, or absent. Any bytes may be handed in: a snapshot nobody signed is hostile. */
struct span line_id(struct span line);
/* True where the line holds a part of an object's members or owners. */
bool line_is_part(struct span line);
/* False without an id or with an unknown kind. */
bool line_read(struct span line, struct line_facts *facts);

/* ---- crew.c -------------------------------------------------------------------------- */

enum {
	CREW_MAX = 4,  /* threads: more would wait for the one that hands out */
	CREW_JOBS = 8, /* in flight: each holds what it unpacked */
};

struct crew;

/*
 * Works on one job; for several jobs at once, in several threads. `worker`, below CREW_MAX, is the
 * thread's number: tools that are kept by it stay in its processor's cache.
 */
typedef void crew_work_function(void *context, unsigned worker, void *job);
typedef void crew_release_function(void *job);

/* Jobs of `job_size` bytes, zeroed; without `workers` the caller's thread does the work. */
struct crew *crew_new(unsigned workers, size_t job_size, crew_work_function *work, void *context);
/* What is being worked on is waited for, what waits is left; `release` is called for every job. */
void crew_free(struct crew *crew, crew_release_function *release);
/* A job to fill, as it was left after its last turn; NULL when all are in flight. */
void *crew_vacant(struct crew *crew);
/* Gives out the job that crew_vacant() returned. */
void crew_give(struct crew *crew);
/* The job that was given first, once it is done; NULL when none is in flight. */
void *crew_oldest(struct crew *crew);
/* That job is vacant again. */
void crew_drop(struct crew *crew);

/* ---- open.c -------------------------------------------------------------------------- */

/* What unpacking needs; one for each thread that does it. */
struct unpacker {
	ZSTD_DCtx *zstd;
	struct buf packed;
};

struct snapshot {
	char *path;
	int descriptor;
	struct snapshot_header header;
	char identity[SNAPSHOT_ID_TEXT];
	struct buf index;       /* as in the file; entries are decoded when looked at */
	const uint8_t *entries; /* in it */
	uint32_t entry_count;
	unsigned bits;
	bool asked_for_all; /* the attributes that this program follows, and no others */
	char **quarantined;
	size_t quarantined_count;
	unsigned workers;
	struct unpacker unpacker; /* of the thread that opened it */
};

struct entry snapshot_entry(const struct snapshot *snapshot, uint32_t number);
/* The entry's bucket alone, for the loops that pass over thousands of them. */
uint32_t snapshot_entry_bucket(const struct snapshot *snapshot, uint32_t number);
/* True when both frames hold the same lines. */
bool snapshot_entry_equal(
	const struct snapshot *a, uint32_t a_number, const struct snapshot *b, uint32_t b_number);
void snapshot_header_release(struct snapshot_header *header);

/* ---- description.c ------------------------------------------------------------------- */

/* {"contact":["displayName",…],…}: what this program asks for, so that a later one knows. */
json_t *description_attributes(const struct snapshot_header *header);
MUST_CHECK bool instant_of(const json_t *object, const char *key, int64_t *ms, struct error *err);
/* The description in the index, to and from JSON. */
void description_add(struct buf *out, const struct snapshot_header *header, unsigned bits);
MUST_CHECK bool description_read(
	struct span text, struct snapshot_header *header, unsigned *bits, struct error *err);

/* ---- frame.c ------------------------------------------------------------------------- */

/* All `length` bytes at `offset`. ERROR_SYSTEM, or ERROR_FORMAT where the file is shorter. */
MUST_CHECK bool read_at(int descriptor, const char *path, uint64_t offset, void *data,
	size_t length, struct error *err);

/* ERROR_SYSTEM when libzstd can't. */
MUST_CHECK bool unpacker_init(struct unpacker *unpacker, struct error *err);
void unpacker_release(struct unpacker *unpacker);

/* Frames from `first` on that are worth one call, one at least: up to, without, the result. */
uint32_t frames_piece(const struct snapshot *snapshot, uint32_t first, uint32_t end, size_t *bytes);
/*
 * Frames from `first` up to, without, `end` as they lie in the file, `bytes` of them, into `packed`
 * (emptied first). Their digests are checked.
 */
MUST_CHECK bool frames_load(const struct snapshot *snapshot, uint32_t first, uint32_t end,
	size_t bytes, struct buf *packed, struct error *err);

/* Unpacks frame `number` into `plain` (emptied first); the frame's digest is checked. */
MUST_CHECK bool frame_read(const struct snapshot *snapshot, struct unpacker *unpacker,
	uint32_t number, struct buf *plain, struct error *err);

/* Whether what frame_read() gave has the digest that the index names. */
MUST_CHECK bool frame_check_lines(
	const struct snapshot *snapshot, uint32_t number, struct span plain, struct error *err);

/* ERROR_FORMAT with the place: "FILE: bucket 7 at offset 4711: <what>". Returns false. */
bool frame_damaged(
	const struct snapshot *snapshot, uint32_t number, struct error *err, const char *what);

/* ---- cursor.c ------------------------------------------------------------------------ */

/* Walks the objects of a range of frames in id order; holds one frame at a time. */
struct cursor {
	const struct snapshot *snapshot;
	struct unpacker *unpacker;
	uint32_t loaded, next, end;  /* frames: in `plain`, not read yet, behind the range */
	struct buf plain, carried;   /* `carried`: an object that goes over several frames */
	size_t at;                   /* in plain: the first line not handed out */
	struct span line_at, id_at;  /* that line and its id, where they are known already */
	uint8_t id[ID_BINARY_BYTES]; /* of the last object handed out */
	bool started;
	bool thorough; /* checks the digest of the lines, too */
};

/* With the snapshot's own unpacker: for the thread that opened it. */
void cursor_init(struct cursor *cursor, struct snapshot *snapshot);
void cursor_release(struct cursor *cursor);
/* Goes on with the frames from `first` up to, without, `end`. */
void cursor_seek(struct cursor *cursor, uint32_t first, uint32_t end);
/* The next object's lines, borrowed until the next call; absent at the end of the range. */
MUST_CHECK bool cursor_next(struct cursor *cursor, struct span *lines, struct error *err);
/* Makes sure that something of the range is in `plain`, if anything is left of it. */
MUST_CHECK bool cursor_fill(struct cursor *cursor, struct error *err);
/* Passes over the objects that both cursors have next and that are equal byte for byte. */
void cursor_skip_equal(struct cursor *a, struct cursor *b);

/* The first frame behind those whose bucket begins with the same bits as that of `first`. */
uint32_t bucket_end(const struct snapshot *snapshot, uint32_t first, unsigned bits);

/* ---- check.c ------------------------------------------------------------------------- */

/* Reads frames from `first` up to, without, `end` and checks the digests of their bytes. */
MUST_CHECK bool snapshot_check_bytes(
	struct snapshot *snapshot, uint32_t first, uint32_t end, struct error *err);

/* ---- pack.c -------------------------------------------------------------------------- */

/* Writes frames, then the index, to the file that becomes the snapshot. */
struct packer;

/* Compresses in up to `workers` threads; the file is the same with any number of them. */
MUST_CHECK struct packer *packer_new(const char *path, const struct snapshot_header *header,
	unsigned bits, unsigned workers, struct error *err);
void packer_free(struct packer *packer); /* drops the file when it is not committed */
DEFINE_CLEANUP(struct packer *, packer_free);
/* Objects come in id order. */
MUST_CHECK bool packer_add(struct packer *packer, const uint8_t id[static ID_BINARY_BYTES],
	struct span lines, const struct line_facts *facts, struct error *err);
uint64_t packer_count(const struct packer *packer); /* objects */
unsigned packer_bits(const struct packer *packer);
/* Index, reading back, renaming. */
MUST_CHECK bool packer_finish(struct packer *packer, int64_t until_ms, struct error *err);
/* What was packed, to be read and packed again otherwise; nothing can be added any more. */
MUST_CHECK struct snapshot *packer_reopen(struct packer *packer, struct error *err);

/* The same in parts, for who takes over what another snapshot counted. */
void packer_take_counts(struct packer *packer, const struct snapshot_header *counts);
void packer_tally(struct packer *packer, const struct line_facts *facts, int by);
void packer_add_quarantined(struct packer *packer, const uint8_t id[static ID_BINARY_BYTES]);
MUST_CHECK bool packer_add_lines(struct packer *packer, const uint8_t id[static ID_BINARY_BYTES],
	struct span lines, struct error *err);
/* Whole buckets, byte for byte: frames from `first` up to, without, `end`. Same bits. */
MUST_CHECK bool packer_copy(struct packer *packer, struct snapshot *from, uint32_t first,
	uint32_t end, struct error *err);

/* ---- runs.c -------------------------------------------------------------------------- */

/* What was added or removed of one object at last. */
struct change {
	uint8_t id[ID_BINARY_BYTES];
	struct span lines;       /* borrowed until the next one; absent: it is not to be there */
	struct line_facts facts; /* of the lines; without the id */
};

/* Objects that come in any order and are read in id order; of an id that came twice the last. */
struct runs;

/* What is in memory at once. */
struct runs_limits {
	size_t bytes, records; /* of the run that is collected: lines, objects */
	size_t fan_in;         /* runs that are merged at once */
};

/* `path` is the snapshot's: a temporary file without a name is made beside it. */
MUST_CHECK struct runs *runs_open(
	const char *path, const struct runs_limits *limits, struct error *err);
void runs_close(struct runs *runs);
DEFINE_CLEANUP(struct runs *, runs_close);
MUST_CHECK bool runs_add(struct runs *runs, const struct change *change, struct error *err);
/* True where runs_add() would have to write to the file. */
bool runs_full(const struct runs *runs, const struct change *change);
/* True while everything came in id order and nothing was removed. */
bool runs_in_order(const struct runs *runs);
/* True while nothing is in the file. */
bool runs_all_held(const struct runs *runs);
/* The id that was added last. */
void runs_last(const struct runs *runs, uint8_t id[static ID_BINARY_BYTES]);
/* At least as many as there are: what came twice may be counted twice. */
uint64_t runs_count(const struct runs *runs);
/* Begins to read; what is added afterwards is not read. */
MUST_CHECK bool runs_rewind(struct runs *runs, struct error *err);
/* The next one; not `there` at the end. */
MUST_CHECK bool runs_next(struct runs *runs, struct change *change, bool *there, struct error *err);
void runs_clear(struct runs *runs);

/* ---- extensions.c -------------------------------------------------------------------- */

void extensions_sort(struct snapshot_extensions *extensions); /* doubles go */
/* Sorted; `at` is to be freed. */
struct snapshot_extensions extensions_of(const struct attribute *const *list, size_t count);
bool extensions_equal(const struct snapshot_extensions *a, const struct snapshot_extensions *b);

/* ---- update.c ------------------------------------------------------------------------ */

/* Writes to `path` what `previous` has, with the changes of `runs`. */
MUST_CHECK bool update_write(struct runs *runs, struct snapshot *previous, const char *path,
	const struct snapshot_header *header, unsigned workers, int64_t until_ms,
	struct error *err);
