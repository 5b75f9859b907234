/*
 * Sync identities: which accounts and applications are a sync server's, by their names, and what
 * each of them wrote.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "reconcile/evidence_internal.h"

enum { INSTALLATION_DIGITS = 12, SERVER_NAME_MAX = 63 };

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

/* ---- who is one ---------------------------------------------------------------------- */

bool same_name(const char *a, const char *b)
{
	return a && b && *a && text_compare_caseless(span_of(a), span_of(b)) == 0;
}

/* Records name an application by its app id, and the directory's lists by its principal's. */
bool writer_may_sync(struct evidence *evidence, const struct writer *writer)
{
	size_t count;
	const struct evidence_holder *holders = evidence_holders(evidence, &count);

	for (size_t i = 0; i < count && holders[i].holding != HOLDING_ROLE; i++)
		if (same_name(holders[i].id, writer->id) ||
			same_name(holders[i].app_id, writer->id) ||
			same_name(holders[i].name, writer->name))
			return true;
	return false;
}

/* Of a server's file, which names the account at most, and never its id. */
static bool is_of_file(const struct writer *writer)
{
	return !*writer->id && writer->server;
}

/* ---- what each wrote ----------------------------------------------------------------- */

/* While facts are counted. */
struct tally {
	struct sync_identity identity;
	const char *last_id; /* the object it touched last, in order of id */
	struct burst *bursts;
	size_t count, capacity;
};

static void tally_burst(struct tally *tally, const struct fact *fact)
{
	struct burst *last = tally->count ? &tally->bursts[tally->count - 1] : NULL;

	if (!last || fact->when_ms - last->until_ms > RHYTHM_PAUSE_MS) {
		MEMORY_GROW(tally->bursts, tally->count, tally->capacity);
		last = &tally->bursts[tally->count++];
		*last = (struct burst){ .from_ms = fact->when_ms };
	}
	last->until_ms = fact->when_ms;
	last->facts++;
}

/* In order of time. */
static void tally_fact(struct tally *tally, const struct fact *fact)
{
	struct sync_identity *identity = &tally->identity;

	if (!identity->facts++)
		identity->first_ms = fact->when_ms;
	identity->last_ms = fact->when_ms;
	if (!fact->within_ms)
		tally_burst(tally, fact);
}

/* Of each writer its place among the tallies, or `count`: names of one account are one identity. */
struct places {
	size_t *of;
	size_t count;
};

static void places_release(struct places *places)
{
	memory_free(places->of);
}

static bool is_identity(struct evidence *evidence, const struct writer *writer)
{
	return writer->server || writer_may_sync(evidence, writer);
}

static void find_places(struct evidence *evidence, struct places *places, struct tally *tallies)
{
	places->of = memory_array(evidence->writer_count + 1, sizeof(*places->of));
	for (size_t i = 0; i < evidence->writer_count; i++) {
		const struct writer *writer = &evidence->sorted_writers[i]->writer;
		struct tally *tally = &tallies[places->count];

		if (!is_identity(evidence, writer))
			continue;
		places->of[writer_number(writer)] = ++places->count;
		tally->identity.writer = *writer;
		tally->identity.known_by = is_of_file(writer) ? KNOWN_BY_FILE
			: writer->server                      ? KNOWN_BY_NAME
							      : KNOWN_BY_ROLE;
	}
	for (size_t i = 0; i < evidence->writer_count; i++)
		for (size_t k = 0; !places->of[i] && k < places->count; k++)
			if (same_name(
				    evidence->writers[i]->writer.id, tallies[k].identity.writer.id))
				places->of[i] = k + 1;
}

/* One more than the place of the tally that counts it; 0: none does. */
static size_t place_of(const struct places *places, const struct fact *fact)
{
	return fact_is_write(fact) ? places->of[writer_number(fact->who)] : 0;
}

static int compare_by_writer_and_reference(const void *left, const void *right)
{
	const struct fact *a = *(const struct fact *const *)left;
	const struct fact *b = *(const struct fact *const *)right;
	int order = evidence_compare_numbers(
		(int64_t)writer_number(a->who), (int64_t)writer_number(b->who));

	return order ? order : evidence_compare_texts(a->reference, b->reference);
}

static void count_records(
	struct evidence *evidence, const struct places *places, struct tally *tallies)
{
	CLEANUP(memory_freep)
	const struct fact **by_record = memory_array(evidence->count + 1, sizeof(*by_record));
	size_t count = 0;

	for (size_t i = 0; i < evidence->count; i++)
		if (place_of(places, &evidence->facts[i]))
			by_record[count++] = &evidence->facts[i];
	if (count)
		qsort(by_record, count, sizeof(*by_record), compare_by_writer_and_reference);
	for (size_t i = 0; i < count; i++)
		if (!i || compare_by_writer_and_reference(&by_record[i - 1], &by_record[i]) != 0)
			tallies[place_of(places, by_record[i]) - 1].identity.records++;
}

static void count_objects(
	const struct evidence *evidence, const struct places *places, struct tally *tallies)
{
	for (size_t i = 0; i < evidence->count; i++) {
		const struct fact *fact = evidence->by_id[i];
		size_t place = place_of(places, fact);
		struct tally *tally = &tallies[place ? place - 1 : 0];

		if (!place)
			continue;
		tally->identity.objects += !tally->last_id || strcmp(tally->last_id, fact->id) != 0;
		tally->last_id = fact->id;
	}
}

/* ---- two servers with one account (facts 2) --------------------------------------------- */

/* Another server's file has the same account. */
static const char *other_server_of(const struct evidence *evidence, const struct writer *writer)
{
	for (size_t i = 0; i < evidence->writer_count; i++) {
		const struct writer *other = &evidence->writers[i]->writer;

		if (other->server && writer->server && same_name(other->name, writer->name) &&
			!same_name(other->server, writer->server))
			return other->server;
	}
	return NULL;
}

static void find_shared(const struct evidence *evidence, struct sync_identity *identity)
{
	char server[64];

	identity->other_server = other_server_of(evidence, &identity->writer);
	if (identity->other_server) {
		identity->shared = SHARED_FILES;
	} else if (identity->writer.server && sync_identity_server(identity->writer.name, server) &&
		!same_name(server, identity->writer.server)) {
		identity->shared = SHARED_NAME;
		identity->other_server = identity->writer.server;
	} else if (identity->rhythm.sort == RHYTHM_BOTH) {
		identity->shared = SHARED_RHYTHM;
	}
}

static int compare_identities(const void *left, const void *right)
{
	const struct sync_identity *a = left, *b = right;

	return evidence_compare_writers(&a->writer, &b->writer);
}

static void keep_identities(struct evidence *evidence, struct tally *tallies, size_t count)
{
	evidence->identities = memory_array(count + 1, sizeof(*evidence->identities));
	evidence->identity_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct sync_identity *identity = &tallies[i].identity;

		identity->rhythm = rhythm_of(tallies[i].bursts, tallies[i].count);
		memory_free(tallies[i].bursts);
		if (!identity->facts)
			continue;
		find_shared(evidence, identity);
		evidence->identities[evidence->identity_count++] = *identity;
	}
	if (evidence->identity_count)
		qsort(evidence->identities, evidence->identity_count, sizeof(*evidence->identities),
			compare_identities);
}

static void identities_make(struct evidence *evidence, bool whole)
{
	CLEANUP(memory_freep)
	struct tally *tallies = memory_array(evidence->writer_count + 1, sizeof(*tallies));
	CLEANUP(places_release) struct places places = { 0 };

	find_places(evidence, &places, tallies);
	for (size_t i = 0; i < evidence->count; i++) {
		size_t place = place_of(&places, &evidence->facts[i]);

		if (place)
			tally_fact(&tallies[place - 1], &evidence->facts[i]);
	}
	if (whole) {
		count_records(evidence, &places, tallies);
		count_objects(evidence, &places, tallies);
	}
	memory_free(evidence->identities);
	keep_identities(evidence, tallies, places.count);
	evidence->identities_whole = whole;
}

static const struct sync_identity *identities_of(
	struct evidence *evidence, bool whole, size_t *count)
{
	*count = 0;
	evidence_settle(evidence);
	if (!evidence->count)
		return NULL;
	if (!evidence->identities || (whole && !evidence->identities_whole))
		identities_make(evidence, whole);
	*count = evidence->identity_count;
	return evidence->identities;
}

const struct sync_identity *evidence_identities(struct evidence *evidence, size_t *count)
{
	return identities_of(evidence, true, count);
}

const struct sync_identity *identities_in_brief(struct evidence *evidence, size_t *count)
{
	return identities_of(evidence, false, count);
}
