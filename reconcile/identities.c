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

static int compare_identities(const void *left, const void *right)
{
	const struct sync_identity *a = left, *b = right;

	return evidence_compare_writers(&a->writer, &b->writer);
}

static int compare_by_writer_and_reference(const void *left, const void *right)
{
	const struct fact *a = *(const struct fact *const *)left;
	const struct fact *b = *(const struct fact *const *)right;
	int order = evidence_compare_numbers(
		(int64_t)writer_number(a->who), (int64_t)writer_number(b->who));

	return order ? order : evidence_compare_texts(a->reference, b->reference);
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
	size_t count = 0;

	for (size_t i = 0; i < evidence->count; i++) {
		const struct fact *fact = evidence->by_id[i];
		size_t number = writer_number(fact->who);

		if (!fact_is_write(fact))
			continue;
		identity_count_fact(&by_writer[number], fact);
		if (!last_id[number] || strcmp(last_id[number], fact->id) != 0)
			by_writer[number].objects++;
		last_id[number] = fact->id;
		by_record[count++] = fact;
	}
	if (!count)
		return;
	qsort(by_record, count, sizeof(*by_record), compare_by_writer_and_reference);
	for (size_t i = 0; i < count; i++)
		if (!i || compare_by_writer_and_reference(&by_record[i - 1], &by_record[i]) != 0)
			by_writer[writer_number(by_record[i]->who)].records++;
}

const struct sync_identity *evidence_identities(struct evidence *evidence, size_t *count)
{
	evidence_settle(evidence);
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
