/*
 * Who is who. One table of 24 bytes a row: what is asked for, hashed, and the id that answers. Rows
 * come in any order and are sorted by space_ids_settle(). Rows with one hash and different ids are
 * an ambiguity, and never a guess. The hash has a random key: no hostile file can name an object so
 * that it is taken for another.
 *
 * A live snapshot is read when the files themselves first fail to tell an id.
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "imports/space_internal.h"

/* What a row answers to; the kind of the object where it matters. */
struct key {
	char type; /* 'n' DN, 'a' source anchor, 's' security identifier, 'm' address */
	const struct kind *kind;
};

struct ids_row {
	uint64_t hash; /* its last bit: of an object in deleted items, which is worth less */
	uint8_t id[ID_BINARY_BYTES];
};

struct space_ids {
	struct snapshot *live;
	bool live_read;
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct ids_row *rows;
	size_t count, capacity, sorted;
	struct buf text, folded;
};

struct space_ids *space_ids_new(struct snapshot *live)
{
	struct space_ids *ids = memory_new(sizeof(*ids));

	ids->live = live;
	ids->live_read = !live;
	ids->text.limit = ids->folded.limit = SPACE_TEXT_MAX;
	randombytes_buf(ids->key, sizeof(ids->key));
	return ids;
}

void space_ids_free(struct space_ids *ids)
{
	if (!ids)
		return;
	buf_release(&ids->text);
	buf_release(&ids->folded);
	memory_free(ids->rows);
	memory_free(ids);
}

/* ---- rows --------------------------------------------------------------------------- */

static uint64_t hash_of(struct space_ids *ids, struct key key, struct span text)
{
	uint64_t hash;

	buf_cut(&ids->folded, 0);
	buf_add_byte(&ids->folded, key.type);
	buf_add_text(&ids->folded, key.kind ? key.kind->name : "-");
	/* A source anchor is base64, and its letters are two alphabets. */
	if (key.type == 'a')
		buf_add_span(&ids->folded, text);
	else
		text_add_folded(&ids->folded, text);
	crypto_shorthash(
		(uint8_t *)&hash, (const uint8_t *)ids->folded.data, ids->folded.length, ids->key);
	return hash & ~UINT64_C(1);
}

static void add_row(struct space_ids *ids, struct key key, struct span text, bool deleted,
	const uint8_t id[static ID_BINARY_BYTES])
{
	struct ids_row row = { .hash = hash_of(ids, key, text) | deleted };

	memcpy(row.id, id, ID_BINARY_BYTES);
	MEMORY_GROW(ids->rows, ids->count, ids->capacity);
	ids->rows[ids->count++] = row;
}

static int row_order(const void *left, const void *right)
{
	const struct ids_row *a = left, *b = right;
	int order = (a->hash > b->hash) - (a->hash < b->hash);

	return order ? order : memcmp(a->id, b->id, ID_BINARY_BYTES);
}

void space_ids_settle(struct space_ids *ids)
{
	size_t kept = 0;

	if (ids->sorted == ids->count)
		return;
	qsort(ids->rows, ids->count, sizeof(*ids->rows), row_order);
	for (size_t i = 0; i < ids->count; i++)
		if (!kept || row_order(&ids->rows[kept - 1], &ids->rows[i]) != 0)
			ids->rows[kept++] = ids->rows[i];
	ids->count = ids->sorted = kept;
}

static size_t first_row(const struct space_ids *ids, uint64_t hash)
{
	size_t low = 0, high = ids->sorted;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ids->rows[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum space_match find_row(
	struct space_ids *ids, uint64_t hash, uint8_t id[static ID_BINARY_BYTES])
{
	size_t at = first_row(ids, hash);

	/* Those that live come first; when there is none, those in deleted items. */
	if (at == ids->sorted || (ids->rows[at].hash | 1) != (hash | 1))
		return MATCH_NONE;
	if (at + 1 < ids->sorted && ids->rows[at + 1].hash == ids->rows[at].hash)
		return MATCH_SEVERAL;
	memcpy(id, ids->rows[at].id, ID_BINARY_BYTES);
	return MATCH_ONE;
}

/* ---- the live snapshot --------------------------------------------------------------- */

static void add_address(struct space_ids *ids, const struct object *object, struct span text,
	const uint8_t id[static ID_BINARY_BYTES])
{
	struct address address = address_parse(text);

	if (!address.scheme.data || address.smtp)
		add_row(ids, (struct key){ 'm', object_kind(object) }, address.value,
			object_deleted(object), id);
}

static void add_addresses(struct space_ids *ids, const struct object *object, const char *name,
	const uint8_t id[static ID_BINARY_BYTES])
{
	struct span value = object_get_named(object, name), element = value;
	struct scan scan;

	if (scan_type(value) == SCAN_STRING) {
		buf_cut(&ids->text, 0);
		scan_text(value, &ids->text);
		add_address(ids, object, buf_span(&ids->text), id);
	}
	if (scan_type(value) != SCAN_ARRAY)
		return;
	scan = scan_open(value);
	while (scan_element(&scan, &element)) {
		buf_cut(&ids->text, 0);
		scan_text(element, &ids->text);
		add_address(ids, object, buf_span(&ids->text), id);
	}
}

static void add_named(struct space_ids *ids, const struct object *object, const char *name,
	char type, const uint8_t id[static ID_BINARY_BYTES])
{
	struct span value = object_get_named(object, name);

	if (scan_type(value) != SCAN_STRING)
		return;
	buf_cut(&ids->text, 0);
	scan_text(value, &ids->text);
	add_row(ids, (struct key){ type, NULL }, buf_span(&ids->text), object_deleted(object), id);
}

/* Users have their source anchor. Groups and contacts have none in Graph (facts 3.5). */
static bool add_live(void *context, struct span lines, struct error *err)
{
	struct space_ids *ids = context;
	CLEANUP(object_freep) struct object *object = object_parse(lines, err);
	uint8_t id[ID_BINARY_BYTES];

	if (!object || !id_parse(object_id(object), id))
		return false;
	if (object_kind(object)->id == KIND_USER) {
		add_named(ids, object, "onPremisesImmutableId", 'a', id);
		return true;
	}
	if (object_kind(object)->id == KIND_GROUP)
		add_named(ids, object, "onPremisesSecurityIdentifier", 's', id);
	add_addresses(ids, object, "mail", id);
	add_addresses(ids, object, "proxyAddresses", id);
	return true;
}

static bool read_live(struct space_ids *ids, struct error *err)
{
	if (ids->live_read)
		return true;
	ids->live_read = true;
	if (!snapshot_each(ids->live, add_live, ids, err))
		return error_prefix(err, "%s", snapshot_path(ids->live));
	space_ids_settle(ids);
	return true;
}

/* ---- asking ------------------------------------------------------------------------- */

static bool find(struct space_ids *ids, struct key key, struct span text, enum space_match *match,
	uint8_t id[static ID_BINARY_BYTES], struct error *err)
{
	uint64_t hash = hash_of(ids, key, text);

	*match = find_row(ids, hash, id);
	if (*match == MATCH_NONE && !ids->live_read) {
		if (!read_live(ids, err))
			return false;
		*match = find_row(ids, hash, id);
	}
	return true;
}

/* A DN that holds a source anchor is that source anchor; any other is a name like any text. */
static struct key key_of_dn(struct space_ids *ids, struct span *dn)
{
	buf_cut(&ids->text, 0);
	if (!space_dn_source_anchor(*dn, &ids->text))
		return (struct key){ 'n', NULL };
	*dn = buf_span(&ids->text);
	return (struct key){ 'a', NULL };
}

void space_ids_learn(
	struct space_ids *ids, struct span dn, const uint8_t id[static ID_BINARY_BYTES])
{
	struct key key = key_of_dn(ids, &dn);

	add_row(ids, key, dn, false, id);
}

bool space_ids_find_dn(struct space_ids *ids, struct span dn, enum space_match *match,
	uint8_t id[static ID_BINARY_BYTES], struct error *err)
{
	struct key key = key_of_dn(ids, &dn);

	return find(ids, key, dn, match, id, err);
}

bool space_ids_find_source_anchor(struct space_ids *ids, struct span anchor,
	enum space_match *match, uint8_t id[static ID_BINARY_BYTES], struct error *err)
{
	return find(ids, (struct key){ 'a', NULL }, anchor, match, id, err);
}

bool space_ids_find_address(struct space_ids *ids, const struct kind *kind, struct span address,
	enum space_match *match, uint8_t id[static ID_BINARY_BYTES], struct error *err)
{
	return find(ids, (struct key){ 'm', kind }, address, match, id, err);
}

bool space_ids_find_sid(struct space_ids *ids, struct span sid, enum space_match *match,
	uint8_t id[static ID_BINARY_BYTES], struct error *err)
{
	return find(ids, (struct key){ 's', NULL }, sid, match, id, err);
}
