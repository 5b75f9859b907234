/*
 * Evidence: facts in the order in which they happened, whatever the order in which they came.
 *
 * Facts are collected as they come and settled when somebody looks: sorted by time, then by
 * everything else that they say, doubles dropped, indexed by object. So the same records give
 * the same evidence, byte for byte, and a record that two pages brought counts once.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

#include <sodium.h>

enum { IDENTITY_BYTES = 32, INSTALLATION_DIGITS = 12, SERVER_NAME_MAX = 63 };

struct evidence {
	struct evidence_header header;
	struct texts *texts;
	struct fact *facts;
	size_t count, capacity;
	bool settled;
	const struct fact **by_id;
	size_t records;
	struct kept_writer **writers; /* by number */
	struct kept_writer **sorted_writers;
	size_t writer_count, writer_capacity, sorted_capacity;
	struct sync_identity *identities;
	size_t identity_count;
	char identity[2 * IDENTITY_BYTES + 1];
};

struct evidence *evidence_new(const struct evidence_header *header)
{
	struct evidence *evidence = memory_new(sizeof(*evidence));

	evidence->header = *header;
	evidence->texts = texts_new();
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
	memory_free(evidence->by_id);
	memory_free(evidence->facts);
	texts_free(evidence->texts);
	memory_free(evidence);
}

/* ---- what facts are made of --------------------------------------------------------- */

struct span evidence_keep(struct evidence *evidence, struct span text)
{
	return texts_keep(evidence->texts, text);
}

static int compare_texts(const char *a, const char *b)
{
	return span_compare(span_of(a), span_of(b));
}

static int compare_writers(const struct writer *a, const struct writer *b)
{
	int order = compare_texts(a->server, b->server);

	if (!order)
		order = compare_texts(a->name, b->name);
	return order ? order : compare_texts(a->id, b->id);
}

/* Where `writer` stands, or belongs, among the sorted ones. */
static size_t writer_place(
	const struct evidence *evidence, const struct writer *writer, bool *there)
{
	size_t low = 0, high = evidence->writer_count;

	*there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_writers(&evidence->sorted_writers[middle]->writer, writer);

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

void evidence_add_fact(struct evidence *evidence, const struct fact *fact)
{
	MEMORY_GROW(evidence->facts, evidence->count, evidence->capacity);
	evidence->facts[evidence->count++] = *fact;
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

static int compare_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_values(bool a_known, struct span a, bool b_known, struct span b)
{
	return a_known != b_known ? (int)a_known - (int)b_known : span_compare(a, b);
}

/* By time, then reference, then all the rest: two facts are equal only when they say the same. */
static int compare_facts(const void *left, const void *right)
{
	const struct fact *a = left, *b = right;
	int order = compare_numbers(a->when_ms, b->when_ms);

	if (!order)
		order = compare_texts(a->reference, b->reference);
	if (!order)
		order = compare_texts(a->id, b->id);
	if (!order)
		order = compare_numbers(a->kind->id, b->kind->id);
	if (!order)
		order = compare_texts(a->attribute ? a->attribute->name : NULL,
			b->attribute ? b->attribute->name : NULL);
	if (!order)
		order = compare_texts(a->attribute_name, b->attribute_name);
	if (!order)
		order = compare_numbers(a->operation, b->operation);
	if (!order)
		order = compare_values(a->old_known, a->old_value, b->old_known, b->old_value);
	if (!order)
		order = compare_values(a->new_known, a->new_value, b->new_known, b->new_value);
	if (!order)
		order = compare_texts(a->source, b->source);
	return order ? order : compare_writers(a->who, b->who);
}

/* The facts lie in order of time already, and their places follow it. */
static int compare_by_id(const void *left, const void *right)
{
	const struct fact *a = *(const struct fact *const *)left;
	const struct fact *b = *(const struct fact *const *)right;
	int order = compare_texts(a->id, b->id);

	return order ? order : (a > b) - (a < b);
}

static int compare_by_reference(const void *left, const void *right)
{
	const struct fact *a = *(const struct fact *const *)left;
	const struct fact *b = *(const struct fact *const *)right;

	return compare_texts(a->reference, b->reference);
}

static void drop_doubles(struct evidence *evidence)
{
	size_t kept = 0;

	for (size_t i = 0; i < evidence->count; i++)
		if (!kept || compare_facts(&evidence->facts[kept - 1], &evidence->facts[i]) != 0)
			evidence->facts[kept++] = evidence->facts[i];
	evidence->count = kept;
}

/* Uses the array of `by_id` before it gets its order. */
static void count_records(struct evidence *evidence)
{
	evidence->records = 0;
	qsort(evidence->by_id, evidence->count, sizeof(*evidence->by_id), compare_by_reference);
	for (size_t i = 0; i < evidence->count; i++)
		if (!i || compare_by_reference(&evidence->by_id[i - 1], &evidence->by_id[i]) != 0)
			evidence->records++;
}

static void settle(struct evidence *evidence)
{
	if (evidence->settled)
		return;
	evidence->settled = true;
	memory_free(evidence->by_id);
	memory_free(evidence->identities);
	evidence->by_id = NULL;
	evidence->identities = NULL;
	evidence->records = 0;
	evidence->identity[0] = '\0';
	if (!evidence->count)
		return;
	qsort(evidence->facts, evidence->count, sizeof(*evidence->facts), compare_facts);
	drop_doubles(evidence);
	evidence->by_id = memory_array(evidence->count, sizeof(*evidence->by_id));
	for (size_t i = 0; i < evidence->count; i++)
		evidence->by_id[i] = &evidence->facts[i];
	count_records(evidence);
	qsort(evidence->by_id, evidence->count, sizeof(*evidence->by_id), compare_by_id);
}

/* ---- looking ------------------------------------------------------------------------ */

void evidence_cover_from(struct evidence *evidence, int64_t from_ms)
{
	if (from_ms > evidence->header.from_ms)
		evidence->header.from_ms = from_ms;
}

void evidence_cover_until(struct evidence *evidence, int64_t until_ms)
{
	if (until_ms > evidence->header.until_ms)
		evidence->header.until_ms = until_ms;
}

const struct evidence_header *evidence_header(const struct evidence *evidence)
{
	return &evidence->header;
}

/* Settling is remembering what was known already, so a const evidence may be settled. */
size_t evidence_count(const struct evidence *evidence)
{
	settle((struct evidence *)(uintptr_t)evidence);
	return evidence->count;
}

size_t evidence_records(const struct evidence *evidence)
{
	settle((struct evidence *)(uintptr_t)evidence);
	return evidence->records;
}

const struct fact *evidence_fact(struct evidence *evidence, size_t index)
{
	settle(evidence);
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

	settle(evidence);
	first = place_of_id(evidence, id, false);
	*count = place_of_id(evidence, id, true) - first;
	return *count ? evidence->by_id + first : NULL;
}

const char *evidence_identity(struct evidence *evidence)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(EVIDENCE_FILE_MAX);
	uint8_t digest[IDENTITY_BYTES];

	settle(evidence);
	if (evidence->identity[0])
		return evidence->identity;
	evidence_add_file(&file, evidence);
	crypto_generichash(
		digest, sizeof(digest), (const uint8_t *)buf_text(&file), file.length, NULL, 0);
	sodium_bin2hex(evidence->identity, sizeof(evidence->identity), digest, sizeof(digest));
	return evidence->identity;
}

/* ---- sync identities ---------------------------------------------------------------- */

static bool starts_caseless(struct span text, const char *start)
{
	struct span head = span_of(start);

	if (text.length < head.length)
		return false;
	return text_compare_caseless((struct span){ text.data, head.length }, head) == 0;
}

static bool is_hexadecimal(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		char digit = text_lower(text.data[i]);

		if (!(digit >= '0' && digit <= '9') && !(digit >= 'a' && digit <= 'f'))
			return false;
	}
	return text.length > 0;
}

/*
 * "Sync_" server "_" 12 digits "@" domain, or "ConnectSyncProvisioning_" server "_" 12 digits.
 * The server's name may itself hold an underscore (facts 2): the digits are behind the last.
 */
static bool sync_identity_parts(struct span name, struct span *server, struct span *installation)
{
	struct span rest;
	const char *at = name.data ? memchr(name.data, '@', name.length) : NULL;
	size_t skip, tail = INSTALLATION_DIGITS + 1;

	if (!name.data)
		return false;
	if (at && starts_caseless(name, "Sync_"))
		skip = strlen("Sync_");
	else if (!at && starts_caseless(name, "ConnectSyncProvisioning_"))
		skip = strlen("ConnectSyncProvisioning_");
	else
		return false;
	rest = (struct span){ name.data + skip,
		(at ? (size_t)(at - name.data) : name.length) - skip };
	if (rest.length <= tail || rest.length - tail > SERVER_NAME_MAX)
		return false;
	*server = (struct span){ rest.data, rest.length - tail };
	*installation = (struct span){ rest.data + rest.length - INSTALLATION_DIGITS,
		INSTALLATION_DIGITS };
	return rest.data[rest.length - tail] == '_' && is_hexadecimal(*installation);
}

bool sync_identity_server(const char *name, char server[static 64])
{
	struct span part, installation;

	if (!sync_identity_parts(span_of(name), &part, &installation))
		return false;
	memcpy(server, part.data, part.length);
	server[part.length] = '\0';
	return true;
}

struct span sync_identity_installation(const char *name)
{
	struct span server, installation;

	return sync_identity_parts(span_of(name), &server, &installation) ? installation
									  : SPAN_NONE;
}

static int compare_identities(const void *left, const void *right)
{
	const struct sync_identity *a = left, *b = right;

	return compare_writers(&a->writer, &b->writer);
}

static int compare_by_writer_and_reference(const void *left, const void *right)
{
	const struct fact *a = *(const struct fact *const *)left;
	const struct fact *b = *(const struct fact *const *)right;
	int order = compare_numbers((int64_t)writer_number(a->who), (int64_t)writer_number(b->who));

	return order ? order : compare_texts(a->reference, b->reference);
}

static void identity_count_fact(struct sync_identity *identity, const struct fact *fact)
{
	identity->writer = *fact->who;
	if (!identity->facts || fact->when_ms < identity->first_ms)
		identity->first_ms = fact->when_ms;
	if (!identity->facts || fact->when_ms > identity->last_ms)
		identity->last_ms = fact->when_ms;
	identity->facts++;
}

/* By writer: what each wrote. `last_id` remembers the object each touched last, in order of id. */
static void identities_count(struct evidence *evidence, struct sync_identity *by_writer)
{
	CLEANUP(memory_freep)
	const char **last_id = memory_array(evidence->writer_count, sizeof(*last_id));
	CLEANUP(memory_freep)
	const struct fact **by_record = memory_array(evidence->count, sizeof(*by_record));

	for (size_t i = 0; i < evidence->count; i++) {
		const struct fact *fact = evidence->by_id[i];
		size_t number = writer_number(fact->who);

		identity_count_fact(&by_writer[number], fact);
		if (!last_id[number] || strcmp(last_id[number], fact->id) != 0)
			by_writer[number].objects++;
		last_id[number] = fact->id;
		by_record[i] = fact;
	}
	qsort(by_record, evidence->count, sizeof(*by_record), compare_by_writer_and_reference);
	for (size_t i = 0; i < evidence->count; i++)
		if (!i || compare_by_writer_and_reference(&by_record[i - 1], &by_record[i]) != 0)
			by_writer[writer_number(by_record[i]->who)].records++;
}

const struct sync_identity *evidence_identities(struct evidence *evidence, size_t *count)
{
	settle(evidence);
	if (!evidence->identities && evidence->count) {
		size_t kept = 0;

		evidence->identities = memory_array(
			evidence->writer_count, sizeof(*evidence->identities));
		identities_count(evidence, evidence->identities);
		for (size_t i = 0; i < evidence->writer_count; i++)
			if (evidence->identities[i].facts && evidence->identities[i].writer.server)
				evidence->identities[kept++] = evidence->identities[i];
		evidence->identity_count = kept;
		qsort(evidence->identities, kept, sizeof(*evidence->identities),
			compare_identities);
	}
	*count = evidence->count ? evidence->identity_count : 0;
	return evidence->identities;
}
