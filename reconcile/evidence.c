/*
 * Evidence: facts in the order in which they happened, whatever the order in which they came.
 *
 * Facts are collected as they come and settled when somebody looks: sorted by time, then by
 * everything else that they say, doubles dropped, indexed by object. So the same records give
 * the same evidence, byte for byte, and a record that two pages brought counts once.
 */
#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/evidence_internal.h"

#include <sodium.h>

struct evidence *evidence_new(const struct evidence_header *header)
{
	struct evidence *evidence = memory_new(sizeof(*evidence));

	evidence->header = *header;
	evidence->texts = texts_new();
	if (header->until_ms)
		evidence_cover(evidence, (struct covered){ header->from_ms, header->until_ms });
	return evidence;
}

void evidence_free(struct evidence *evidence)
{
	if (!evidence)
		return;
	for (size_t i = 0; i < evidence->writer_count; i++)
		memory_free(evidence->writers[i]);
	memory_free(evidence->writers);
	memory_free(evidence->sorted_writers);
	memory_free(evidence->identities);
	memory_free(evidence->flips);
	holders_free(evidence->holders);
	flows_free(evidence->flows);
	memory_free(evidence->by_id);
	memory_free(evidence->facts);
	memory_free(evidence->covered);
	memory_free(evidence->not_logged);
	memory_free(evidence->sources);
	memory_free(evidence->runs);
	texts_free(evidence->texts);
	memory_free(evidence);
}

/* ---- what facts are made of --------------------------------------------------------- */

struct span evidence_keep(struct evidence *evidence, struct span text)
{
	return texts_keep(evidence->texts, text);
}

int evidence_compare_texts(const char *a, const char *b)
{
	return span_compare(span_of(a), span_of(b));
}

int evidence_compare_writers(const struct writer *a, const struct writer *b)
{
	int order = evidence_compare_texts(a->server, b->server);

	if (!order)
		order = evidence_compare_texts(a->name, b->name);
	return order ? order : evidence_compare_texts(a->id, b->id);
}

/* Where `writer` stands, or belongs, among the sorted ones. */
static size_t writer_place(
	const struct evidence *evidence, const struct writer *writer, bool *there)
{
	size_t low = 0, high = evidence->writer_count;

	*there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = evidence_compare_writers(
			&evidence->sorted_writers[middle]->writer, writer);

		if (order == 0) {
			*there = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct writer *evidence_keep_writer(struct evidence *evidence, const struct writer *writer)
{
	struct kept_writer *kept;
	bool there;
	size_t place = writer_place(evidence, writer, &there);

	if (there)
		return &evidence->sorted_writers[place]->writer;
	kept = memory_new(sizeof(*kept));
	kept->writer.id = evidence_keep(evidence, span_of(writer->id)).data;
	kept->writer.name = evidence_keep(evidence, span_of(writer->name)).data;
	kept->writer.server = evidence_keep(evidence, span_of(writer->server)).data;
	kept->number = evidence->writer_count;
	MEMORY_GROW(evidence->writers, evidence->writer_count, evidence->writer_capacity);
	MEMORY_GROW(evidence->sorted_writers, evidence->writer_count, evidence->sorted_capacity);
	memmove(evidence->sorted_writers + place + 1, evidence->sorted_writers + place,
		(evidence->writer_count - place) * sizeof(struct kept_writer *));
	evidence->writers[evidence->writer_count] = kept;
	evidence->sorted_writers[place] = kept;
	evidence->writer_count++;
	return &kept->writer;
}

void evidence_add_kept(struct evidence *evidence, const struct fact *fact)
{
	struct fact *kept;

	MEMORY_GROW(evidence->facts, evidence->count, evidence->capacity);
	kept = &evidence->facts[evidence->count++];
	*kept = *fact;
	if (kept->attribute && !kept->attribute_name)
		kept->attribute_name = kept->attribute->audit_name;
	evidence->settled = false;
}

size_t evidence_writer_count(const struct evidence *evidence)
{
	return evidence->writer_count;
}

const struct writer *evidence_writer(const struct evidence *evidence, size_t number)
{
	assert(number < evidence->writer_count);
	return &evidence->writers[number]->writer;
}

/* ---- settling ----------------------------------------------------------------------- */

int evidence_compare_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_values(bool a_known, struct span a, bool b_known, struct span b)
{
	return a_known != b_known ? (int)a_known - (int)b_known : span_compare(a, b);
}

int evidence_compare_facts(const void *left, const void *right)
{
	const struct fact *a = left, *b = right;
	int order = evidence_compare_numbers(a->when_ms, b->when_ms);

	if (!order)
		order = evidence_compare_texts(a->reference, b->reference);
	if (!order)
		order = evidence_compare_texts(a->id, b->id);
	if (!order)
		order = evidence_compare_numbers(a->kind->id, b->kind->id);
	if (!order)
		order = evidence_compare_texts(a->attribute ? a->attribute->name : NULL,
			b->attribute ? b->attribute->name : NULL);
	if (!order)
		order = evidence_compare_texts(a->attribute_name, b->attribute_name);
	if (!order)
		order = evidence_compare_numbers(a->operation, b->operation);
	if (!order)
		order = compare_values(a->old_known, a->old_value, b->old_known, b->old_value);
	if (!order)
		order = compare_values(a->new_known, a->new_value, b->new_known, b->new_value);
	if (!order)
		order = evidence_compare_numbers(a->source, b->source);
	if (!order)
		order = evidence_compare_numbers(a->within_ms, b->within_ms);
	return order ? order : evidence_compare_writers(a->who, b->who);
}

/* Of a file, or of a log that was read in order, they are. */
static bool is_sorted(const struct evidence *evidence)
{
	for (size_t i = 1; i < evidence->count; i++)
		if (evidence_compare_facts(&evidence->facts[i - 1], &evidence->facts[i]) >= 0)
			return false;
	return true;
}

static void sort_facts(struct evidence *evidence)
{
	size_t kept = 0;

	if (is_sorted(evidence))
		return;
	qsort(evidence->facts, evidence->count, sizeof(*evidence->facts), evidence_compare_facts);
	for (size_t i = 0; i < evidence->count; i++)
		if (!kept ||
			evidence_compare_facts(&evidence->facts[kept - 1], &evidence->facts[i]) !=
				0)
			evidence->facts[kept++] = evidence->facts[i];
	evidence->count = kept;
}

/* ---- places by id --------------------------------------------------------------------- */

/* A fact and the beginning of its id, which nearly always decides: no look at the fact. */
struct place {
	uint64_t beginning;
	const struct fact *fact;
};

static struct place place_of(const struct fact *fact)
{
	struct place place = { .fact = fact };

	memcpy(&place.beginning, fact->id, strnlen(fact->id, sizeof(place.beginning)));
	place.beginning = be64toh(place.beginning);
	return place;
}

/* The facts lie in order of time already, and their places follow it. */
static int compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	int order = (a->beginning > b->beginning) - (a->beginning < b->beginning);

	if (!order)
		order = strcmp(a->fact->id, b->fact->id);
	return order ? order : (a->fact > b->fact) - (a->fact < b->fact);
}

static void index_by_id(struct evidence *evidence)
{
	CLEANUP(memory_freep)
	struct place *places = memory_array(evidence->count, sizeof(*places));

	for (size_t i = 0; i < evidence->count; i++)
		places[i] = place_of(&evidence->facts[i]);
	qsort(places, evidence->count, sizeof(*places), compare_places);
	evidence->by_id = memory_array(evidence->count, sizeof(*evidence->by_id));
	for (size_t i = 0; i < evidence->count; i++)
		evidence->by_id[i] = places[i].fact;
}

/* ---- records ---------------------------------------------------------------------------- */

/* References that were met. With a key that nobody knows: whoever writes a file can't choose who collides. */
struct meetings {
	const char **at;
	size_t slots; /* a power of two, at least twice as many as there are facts */
	uint8_t key[crypto_shorthash_KEYBYTES];
};

static size_t slot_of(const struct meetings *meetings, const char *reference)
{
	uint64_t hash;

	crypto_shorthash(
		(uint8_t *)&hash, (const uint8_t *)reference, strlen(reference), meetings->key);
	return (size_t)hash & (meetings->slots - 1);
}

/* True where `reference` was not met before. */
static bool meet(struct meetings *meetings, const char *reference)
{
	size_t slot = slot_of(meetings, reference);

	for (; meetings->at[slot]; slot = (slot + 1) & (meetings->slots - 1))
		if (strcmp(meetings->at[slot], reference) == 0)
			return false;
	meetings->at[slot] = reference;
	return true;
}

/* How many different references there are. */
static size_t count_records(const struct evidence *evidence)
{
	struct meetings meetings = { .slots = 16 };
	size_t records = 0;

	while (meetings.slots < 2 * evidence->count)
		meetings.slots *= 2;
	meetings.at = memory_array(meetings.slots, sizeof(*meetings.at));
	crypto_shorthash_keygen(meetings.key);
	for (size_t i = 0; i < evidence->count; i++)
		records += meet(&meetings, evidence->facts[i].reference);
	memory_free(meetings.at);
	return records;
}

void evidence_settle(struct evidence *evidence)
{
	if (evidence->settled)
		return;
	evidence->settled = true;
	evidence_settle_sources(evidence);
	memory_free(evidence->by_id);
	memory_free(evidence->identities);
	memory_free(evidence->flips);
	evidence->by_id = NULL;
	evidence->identities = NULL;
	evidence->flips = NULL;
	evidence->records = 0;
	evidence->identity[0] = '\0';
	if (!evidence->count)
		return;
	sort_facts(evidence);
	evidence->records = count_records(evidence);
	index_by_id(evidence);
}

/* ---- looking ------------------------------------------------------------------------ */

const struct evidence_header *evidence_header(const struct evidence *evidence)
{
	return &evidence->header;
}

/* Settling is remembering what was known already, so a const evidence may be settled. */
size_t evidence_count(const struct evidence *evidence)
{
	evidence_settle((struct evidence *)(uintptr_t)evidence);
	return evidence->count;
}

size_t evidence_records(const struct evidence *evidence)
{
	evidence_settle((struct evidence *)(uintptr_t)evidence);
	return evidence->records;
}

const struct fact *evidence_fact(struct evidence *evidence, size_t index)
{
	evidence_settle(evidence);
	assert(index < evidence->count);
	return &evidence->facts[index];
}

/* The first place in `by_id` whose id is not below `id`, or with `behind`, above it. */
static size_t place_of_id(const struct evidence *evidence, struct span id, bool behind)
{
	size_t low = 0, high = evidence->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = span_compare(span_of(evidence->by_id[middle]->id), id);

		if (order < 0 || (behind && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct fact *const *evidence_of(struct evidence *evidence, struct span id, size_t *count)
{
	size_t first;

	evidence_settle(evidence);
	first = place_of_id(evidence, id, false);
	*count = place_of_id(evidence, id, true) - first;
	return *count ? evidence->by_id + first : NULL;
}

void evidence_set_identity(struct evidence *evidence, const uint8_t digest[static IDENTITY_BYTES])
{
	evidence_settle(evidence);
	sodium_bin2hex(evidence->identity, sizeof(evidence->identity), digest, IDENTITY_BYTES);
}

const char *evidence_identity(struct evidence *evidence)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(EVIDENCE_FILE_MAX);
	uint8_t digest[IDENTITY_BYTES];

	evidence_settle(evidence);
	if (evidence->identity[0])
		return evidence->identity;
	evidence_add_file(&file, evidence);
	crypto_generichash(
		digest, sizeof(digest), (const uint8_t *)buf_text(&file), file.length, NULL, 0);
	evidence_set_identity(evidence, digest);
	return evidence->identity;
}
