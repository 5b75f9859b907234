/*
 * The statement of a snapshot: the few facts that a signature over a snapshot covers, in a text of
 * its own, since the file itself may be large. It has one spelling (docs/FORMAT-snapshot.md), so
 * whoever checks one writes it again from the snapshot and compares the bytes: nothing of it is
 * believed, and nothing can be added to it.
 *
 * The identity covers every line by way of the index, so comparing it is enough for reading; the
 * hash of the whole file is for those who check with b2sum, and for `unstage verify`.
 */
#include <sodium.h>

#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "snapshots/snapshots_internal.h"

enum {
	HASH_BYTES = crypto_generichash_BYTES_MAX,
	HASH_TEXT = 2 * HASH_BYTES + 1,
	PIECE_BYTES = 256 << 10,
	QUOTED_MAX = 120, /* of a line that differs */
};

_Static_assert(HASH_BYTES == 64, "BLAKE2b-512, as b2sum prints it");

#define STATEMENT_FAMILY "{\"format\":\"unstage-snapshot-statement/"
#define STATEMENT_FORMAT STATEMENT_FAMILY "1\","

/* The parts stand one behind the other, and opening found them so. */
uint64_t snapshot_size(const struct snapshot *snapshot)
{
	struct entry last = snapshot_entry(snapshot, snapshot->entry_count - 1);

	return last.offset + last.packed + SKIPPABLE_BYTES + snapshot->index.length + FOOTER_BYTES;
}

static bool hash_file(
	const struct snapshot *snapshot, char hash[static HASH_TEXT], struct error *err)
{
	CLEANUP(buf_release) struct buf piece = BUF_UP_TO(PIECE_BYTES);
	char *room = buf_room(&piece, PIECE_BYTES);
	crypto_generichash_state state;
	uint64_t size = snapshot_size(snapshot);
	uint8_t digest[HASH_BYTES];

	crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
	for (uint64_t at = 0; at < size;) {
		size_t length = size - at < PIECE_BYTES ? (size_t)(size - at) : PIECE_BYTES;

		if (!read_at(snapshot->descriptor, snapshot->path, at, room, length, err))
			return false;
		crypto_generichash_update(&state, (const uint8_t *)room, length);
		at += length;
	}
	crypto_generichash_final(&state, digest, HASH_BYTES);
	sodium_bin2hex(hash, HASH_TEXT, digest, HASH_BYTES);
	return true;
}

static void add_text(struct buf *out, const char *key, const char *value)
{
	buf_addf(out, "\n\"%s\":", key);
	if (value)
		scan_quote(span_of(value), out);
	else
		buf_add_text(out, "null");
	buf_add_byte(out, ',');
}

static bool add_statement(
	struct buf *out, const struct snapshot *snapshot, const char *hash, struct error *err)
{
	const struct snapshot_header *header = &snapshot->header;
	char from[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];

	buf_add_text(out, STATEMENT_FORMAT);
	add_text(out, "tenant", header->tenant);
	add_text(out, "cloud", header->cloud);
	add_text(out, "identity", snapshot->identity);
	add_text(out, "source", header->source);
	add_text(out, "takenFrom", time_text(header->taken_from_ms, from));
	add_text(out, "takenUntil", time_text(header->taken_until_ms, until));
	buf_addf(out, "\n\"sequence\":%llu,", (unsigned long long)header->sequence);
	add_text(out, "previous", header->previous[0] ? header->previous : NULL);
	buf_addf(out, "\n\"bytes\":%llu,\n\"b2sum\":\"%s\"}\n",
		(unsigned long long)snapshot_size(snapshot), hash);
	return buf_check(out, "the statement", err);
}

bool snapshot_statement_add(struct buf *out, const struct snapshot *snapshot, struct error *err)
{
	char hash[HASH_TEXT];

	return hash_file(snapshot, hash, err) && add_statement(out, snapshot, hash, err);
}

/* ---- checking -------------------------------------------------------------------------------- */

/* The hash that a statement names, for comparing all the rest of it. */
static bool take_hash(struct span statement, char hash[static HASH_TEXT], struct error *err)
{
	struct span value;

	if (!scan_check(statement, err))
		return false;
	value = scan_type(statement) == SCAN_OBJECT ? scan_find(statement, "b2sum") : SPAN_NONE;
	value = value.data && scan_type(value) == SCAN_STRING ? scan_text_direct(value) : SPAN_NONE;
	if (value.length != HASH_TEXT - 1)
		return error_set(err, ERROR_REFUSED, "it names no hash of the file");
	memcpy(hash, value.data, value.length);
	hash[value.length] = '\0';
	return true;
}

static bool tell_difference(struct span said, struct span found, struct error *err)
{
	size_t number = 1;

	while (said.length && found.length && span_equal(line_first(said), line_first(found))) {
		said = line_rest(said);
		found = line_rest(found);
		number++;
	}
	said = line_first(said);
	found = line_first(found);
	return error_set(err, ERROR_REFUSED,
		"line %zu: it says %.*s, and the snapshot says %.*s: the statement is another "
		"snapshot's, or one of the two was exchanged",
		number, (int)text_whole(said, QUOTED_MAX), said.data ? said.data : "",
		(int)text_whole(found, QUOTED_MAX), found.data ? found.data : "");
}

static bool check_format(struct span statement, struct error *err)
{
	struct span format = SPAN_LITERAL(STATEMENT_FORMAT),
		    family = SPAN_LITERAL(STATEMENT_FAMILY);

	if (statement.length >= format.length &&
		memcmp(statement.data, format.data, format.length) == 0)
		return true;
	if (statement.length >= family.length &&
		memcmp(statement.data, family.data, family.length) == 0)
		return error_set(err, ERROR_REFUSED,
			"its version is not 1: another unstage wrote it; check it with that one");
	return error_set(err, ERROR_REFUSED, "it begins like no statement of a snapshot");
}

static bool check(
	const struct snapshot *snapshot, struct span statement, bool whole_file, struct error *err)
{
	CLEANUP(buf_release) struct buf again = BUF_UP_TO(SNAPSHOT_STATEMENT_MAX);
	char hash[HASH_TEXT];

	if (!check_format(statement, err) ||
		!(whole_file ? hash_file(snapshot, hash, err) : take_hash(statement, hash, err)) ||
		!add_statement(&again, snapshot, hash, err))
		return false;
	return span_equal(statement, buf_span(&again)) ||
		tell_difference(statement, buf_span(&again), err);
}

bool snapshot_statement_check(
	const struct snapshot *snapshot, struct span statement, bool whole_file, struct error *err)
{
	return check(snapshot, statement, whole_file, err) ||
		error_prefix(err, "%s: its statement", snapshot->path);
}

/* ---- the chain [T13] -------------------------------------------------------------------------- */

bool snapshot_follows(
	const struct snapshot *snapshot, const struct snapshot *previous, struct error *err)
{
	const struct snapshot_header *now = &snapshot->header, *then = &previous->header;
	const char *fault = NULL;

	if (strcmp(now->previous, previous->identity) != 0)
		fault = "it was not made from that one";
	else if (now->sequence != then->sequence + 1)
		fault = "its number is not one more";
	else if (strcmp(now->tenant, then->tenant) != 0 || strcmp(now->cloud, then->cloud) != 0)
		fault = "that one is of another tenant";
	else if (now->taken_from_ms < then->taken_from_ms)
		fault = "it was taken before that one";
	return !fault ||
		error_set(err, ERROR_REFUSED, "%s does not follow %s in the chain: %s",
			snapshot->path, previous->path, fault);
}
