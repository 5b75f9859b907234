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
	bool identities_whole; /* their records and objects are counted */
	struct flip_flop *flips;
	size_t flip_count;
	struct holders *holders; /* holders.c; NULL: nobody asked */
	struct flows *flows;     /* flows.c; NULL: no configuration was imported */
	struct covered *covered; /* always in order */
	size_t covered_count, covered_capacity;
	const char **not_logged; /* in order */
	size_t not_logged_count, not_logged_capacity;
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

/* What evidence_identity() is, of evidence that was loaded. */
void evidence_set_identity(struct evidence *evidence, const uint8_t digest[static IDENTITY_BYTES]);

/* By time, then reference, then all the rest: 0 only where both say the same. */
int evidence_compare_facts(const void *left, const void *right);

/* ---- evidence_file.c: the parts of the file ---------------------------------------------- */

/* Header and runs; a fact; what counts them. */
void evidence_add_head(struct buf *out, struct evidence *evidence);
void evidence_add_fact_line(struct buf *out, const struct fact *fact);
void evidence_add_trailer(struct buf *out, struct evidence *evidence);
/* Without its sources. */
MUST_CHECK struct evidence *evidence_read_header(const json_t *line, struct error *err);

/* ---- evidence_fact.c ------------------------------------------------------------------ */

/* Checks the fact, and puts copies of its values in canonical form; the rest stays as it is. */
MUST_CHECK bool evidence_keep_values(
	struct evidence *evidence, struct fact *fact, struct error *err);

/* ---- evidence_glance.c ------------------------------------------------------------------ */

/* Reads fact lines that look like others: a tenth of what evidence_read_line() costs. */
struct glance_reader;
struct glance_reader *glance_reader_new(struct evidence *evidence);
void glance_reader_free(struct glance_reader *reader);

/* Adds the fact of the line. False: it is not one that can be read at a glance; nothing was added. */
bool glance_reader_take(struct glance_reader *reader, struct span line);

/* ---- order ------------------------------------------------------------------------------ */

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

/* ---- flows.c --------------------------------------------------------------------------- */

struct flows;

void flows_free(struct flows *flows);
MUST_CHECK bool flows_merge(struct evidence *into, const struct evidence *from, struct error *err);

/* ---- identities.c ----------------------------------------------------------------------- */

/* As evidence_identities(), perhaps without the numbers of records and objects, which take sorting. */
const struct sync_identity *identities_in_brief(struct evidence *evidence, size_t *count);

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

/* identities.c: do both name the same, whatever their case? NULL and "" name nothing. */
bool same_name(const char *a, const char *b);
