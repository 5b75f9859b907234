/*
 * Objects in the order in which they come, handed back in id order, in memory that does not grow
 * with their number. What comes is collected up to a limit, sorted, and put into an unnamed file
 * in the target's folder (a crash leaves nothing behind) as a run: records of a head and lines. The
 * runs are merged while they are read; where there are too many for that, neighbours are merged to
 * longer ones first. Of an id that comes twice the last one counts: later runs win.
 *
 * The last run stays in memory, so that few objects never see the file.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "snapshots/runs_internal.h"

/* ---- the run in memory --------------------------------------------------------------------- */

/* By id; of equal ids the one that came first is first. */
static int held_order(const void *left, const void *right)
{
	const struct record *a = &((const struct held *)left)->record;
	const struct record *b = &((const struct held *)right)->record;
	int order = memcmp(a->id, b->id, ID_BINARY_BYTES);

	return order ? order : (a->number > b->number) - (a->number < b->number);
}

void runs_sort_held(struct runs *runs)
{
	struct held *held = runs->held;
	size_t kept = 0;

	if (runs->in_order || !runs->held_count)
		return;
	qsort(held, runs->held_count, sizeof(*held), held_order);
	for (size_t i = 0; i < runs->held_count; i++) {
		bool again = i + 1 < runs->held_count &&
			memcmp(held[i].record.id, held[i + 1].record.id, ID_BINARY_BYTES) == 0;

		if (!again)
			held[kept++] = held[i];
	}
	runs->record_count -= runs->held_count - kept;
	runs->held_count = kept;
}

static void forget_held(struct runs *runs)
{
	runs->held_count = 0;
	buf_cut(&runs->lines, 0);
}

static bool spill(struct runs *runs, struct error *err)
{
	uint64_t begin = runs->file_end;

	if (!runs->held_count)
		return true;
	runs_sort_held(runs);
	for (size_t i = 0; i < runs->held_count; i++)
		if (!runs_write_record(runs, &runs->held[i].record,
			    buf_text(&runs->lines) + runs->held[i].offset, err))
			return false;
	forget_held(runs);
	return runs_end_run(runs, begin, err);
}

static void note_order(struct runs *runs, const struct change *change)
{
	if (runs->record_count && memcmp(runs->last, change->id, ID_BINARY_BYTES) >= 0)
		runs->in_order = false;
	if (!change->lines.length)
		runs->in_order = false;
	memcpy(runs->last, change->id, ID_BINARY_BYTES);
}

static struct record record_of(const struct change *change)
{
	struct record record = { .length = (uint32_t)change->lines.length };

	memcpy(record.id, change->id, ID_BINARY_BYTES);
	if (!record.length)
		return record;
	record.kind = (uint8_t)change->facts.kind->id;
	record.deleted = change->facts.deleted;
	record.quarantined = change->facts.quarantined;
	return record;
}

bool runs_full(const struct runs *runs, const struct change *change)
{
	return runs->held_count == runs->limits.records ||
		(runs->held_count &&
			runs->lines.length + change->lines.length > runs->limits.bytes);
}

bool runs_add(struct runs *runs, const struct change *change, struct error *err)
{
	struct held held = { .record = record_of(change) };

	if (runs_full(runs, change) && !spill(runs, err))
		return false;
	note_order(runs, change);
	held.record.number = runs->next_number++;
	held.offset = (uint32_t)runs->lines.length;
	buf_add_span(&runs->lines, change->lines);
	MEMORY_GROW(runs->held, runs->held_count, runs->held_capacity);
	runs->held[runs->held_count++] = held;
	runs->record_count++;
	return true;
}

bool runs_in_order(const struct runs *runs)
{
	return runs->in_order;
}

bool runs_all_held(const struct runs *runs)
{
	return !runs->run_count;
}

void runs_last(const struct runs *runs, uint8_t id[static ID_BINARY_BYTES])
{
	memcpy(id, runs->last, ID_BINARY_BYTES);
}

uint64_t runs_count(const struct runs *runs)
{
	return runs->record_count;
}

/* ---- a life --------------------------------------------------------------------------------- */

struct runs *runs_open(const char *path, const struct runs_limits *limits, struct error *err)
{
	CLEANUP(runs_closep) struct runs *runs = memory_new(sizeof(*runs));

	runs->path = memory_text(path);
	runs->limits = *limits;
	runs->pending.limit = RUNS_WRITE_BYTES;
	runs->lines.limit = SNAPSHOT_OBJECT_MAX;
	runs->in_order = true;
	runs->file = runs_file_open(path);
	if (runs->file < 0) {
		error_errno(err, "%s: can't create a temporary file beside it", path);
		return NULL;
	}
	return TAKE(runs);
}

void runs_clear(struct runs *runs)
{
	runs_sources_release(runs);
	forget_held(runs);
	runs->record_count = 0;
	runs->run_count = 0;
}

void runs_close(struct runs *runs)
{
	if (!runs)
		return;
	runs_sources_release(runs);
	if (runs->file >= 0)
		close(runs->file);
	buf_release(&runs->pending);
	buf_release(&runs->lines);
	memory_free(runs->held);
	memory_free(runs->runs);
	memory_free(runs->path);
	memory_free(runs);
}
