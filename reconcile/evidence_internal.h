/*
 * What the files of evidence share: the collection itself and the order of its parts.
 */
#pragma once

#include "reconcile/reconcile_internal.h"

enum { IDENTITY_BYTES = 32 };

struct evidence {
	struct evidence_header header;
	struct texts *texts;
	struct fact *facts;
	size_t count, capacity;
	bool settled; /* sorted, without doubles; facts, sources and runs */
	const struct fact **by_id;
	size_t records;
	struct kept_writer **writers; /* by number */
	struct kept_writer **sorted_writers;
	size_t writer_count, writer_capacity, sorted_capacity;
	struct sync_identity *identities;
	size_t identity_count;
	struct flip_flop *flips;
	size_t flip_count;
	struct holders *holders; /* holders.c; NULL: nobody asked */
	struct covered *covered; /* always in order */
	size_t covered_count, covered_capacity;
	struct evidence_source *sources;
	size_t source_count, source_capacity;
	struct evidence_run *runs;
	size_t run_count, run_capacity;
	char identity[2 * IDENTITY_BYTES + 1];
};

/* Sorts, drops doubles, finds places; does nothing where nothing was added. */
void evidence_settle(struct evidence *evidence);
/* evidence_sources.c: the part of it that is about sources and runs. */
void evidence_settle_sources(struct evidence *evidence);

/* Adds a window to what is covered. */
void evidence_cover(struct evidence *evidence, struct covered window);

/* NULL comes first. */
int evidence_compare_texts(const char *a, const char *b);
int evidence_compare_numbers(int64_t a, int64_t b);
int evidence_compare_writers(const struct writer *a, const struct writer *b);

/* ---- holders.c ------------------------------------------------------------------------- */

struct holders;

void holders_free(struct holders *holders);
/* Given the object id of an application, its app id, by which the log names it; else `given`. */
const char *holder_app_id(struct evidence *evidence, const char *given);
void holders_merge(struct evidence *into, struct evidence *from);

/* ---- identities.c ----------------------------------------------------------------------- */

/* It holds a role of sync, whatever its name is. */
bool writer_may_sync(struct evidence *evidence, const struct writer *writer);

/* ---- rhythm.c --------------------------------------------------------------------------- */

/* Writes close to each other. */
struct burst {
	int64_t from_ms, until_ms;
	uint64_t facts;
};

/* From bursts in order of time. */
struct rhythm rhythm_of(const struct burst *bursts, size_t count);
