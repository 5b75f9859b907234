/*
 * Which addresses of a directory come more than once. There are millions, and nearly all come once,
 * so only a hash of each is kept, and where it was: twelve bytes. Hashes lie in shards, by their first
 * bits, each with a table small enough for a processor's cache.
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/memory.h"
#include "reconcile/claimants_internal.h"

enum { SHARD_BITS = 8, SHARDS = 1 << SHARD_BITS };

_Static_assert(
	crypto_shorthash_KEYBYTES == sizeof((struct claim_hasher){ 0 }.key), "a key's bytes");

void claim_hasher_init(struct claim_hasher *hasher)
{
	crypto_shorthash_keygen(hasher->key);
	hasher->mask = UINT64_MAX;
}

uint64_t claim_hash(const struct claim_hasher *hasher, struct span key)
{
	uint8_t bytes[crypto_shorthash_BYTES];
	uint64_t hash;

	crypto_shorthash(bytes, (const uint8_t *)key.data, key.length, hasher->key);
	memcpy(&hash, bytes, sizeof(hash));
	hash &= hasher->mask;
	return hash ? hash : 1; /* 0 is a vacant slot */
}

/* ---- a set ----------------------------------------------------------------------------------- */

/* Hashes are as good as random in all their bits, unless a test masks them. */
static uint64_t *hash_slot(uint64_t *slots, size_t capacity, uint64_t hash)
{
	size_t at = (size_t)hash & (capacity - 1);

	while (slots[at] && slots[at] != hash)
		at = (at + 1) & (capacity - 1);
	return &slots[at];
}

static void hash_set_grow(struct hash_set *set)
{
	size_t capacity = set->capacity ? set->capacity * 2 : 64;
	uint64_t *slots = memory_array(capacity, sizeof(*slots));

	for (size_t i = 0; i < set->capacity; i++)
		if (set->slots[i])
			*hash_slot(slots, capacity, set->slots[i]) = set->slots[i];
	memory_free(set->slots);
	set->slots = slots;
	set->capacity = capacity;
}

void hash_set_add(struct hash_set *set, uint64_t hash)
{
	uint64_t *slot;

	if (set->count * 2 >= set->capacity)
		hash_set_grow(set);
	slot = hash_slot(set->slots, set->capacity, hash);
	set->count += !*slot;
	*slot = hash;
}

bool hash_set_has(const struct hash_set *set, uint64_t hash)
{
	return set->count && *hash_slot(set->slots, set->capacity, hash);
}

void hash_set_release(struct hash_set *set)
{
	memory_free(set->slots);
	*set = (struct hash_set){ 0 };
}

/* ---- shards ----------------------------------------------------------------------------------- */

/* Side by side, so that an entry has no padding. */
struct shard {
	uint64_t *hashes;
	uint32_t *places; /* frame * HASH_WEIGHTS + weight */
	size_t count, capacity;
};

struct hashes {
	struct shard shards[SHARDS];
};

struct hashes *hashes_new(void)
{
	return memory_new(sizeof(struct hashes));
}

void hashes_free(struct hashes *hashes)
{
	for (size_t i = 0; hashes && i < SHARDS; i++) {
		memory_free(hashes->shards[i].hashes);
		memory_free(hashes->shards[i].places);
	}
	memory_free(hashes);
}

/* By half and not to twice as much: what is not used yet counts, too. */
static void shard_grow(struct shard *shard)
{
	shard->capacity = shard->capacity ? shard->capacity + shard->capacity / 2 : 64;
	shard->hashes = memory_resize(shard->hashes, shard->capacity, sizeof(*shard->hashes));
	shard->places = memory_resize(shard->places, shard->capacity, sizeof(*shard->places));
}

void hashes_add(struct hashes *hashes, const struct hashed_claim *claim)
{
	struct shard *shard = &hashes->shards[claim->hash >> (64 - SHARD_BITS)];

	if (shard->count == shard->capacity)
		shard_grow(shard);
	shard->hashes[shard->count] = claim->hash;
	shard->places[shard->count++] = claim->frame * HASH_WEIGHTS + (uint32_t)claim->weight;
}

/* Those of the shard that come twice, or are wanted anyhow. */
static void shard_find(const struct shard *shard, struct hash_set *wanted)
{
	CLEANUP(hash_set_release) struct hash_set once = { 0 };

	for (size_t i = 0; i < shard->count; i++) {
		enum hash_weight weight = (enum hash_weight)(shard->places[i] % HASH_WEIGHTS);
		size_t before = once.count;

		if (weight == HASH_WANTED)
			hash_set_add(wanted, shard->hashes[i]);
		if (weight != HASH_HELD)
			continue;
		hash_set_add(&once, shard->hashes[i]);
		if (once.count == before)
			hash_set_add(wanted, shard->hashes[i]);
	}
}

void hashes_find(struct hashes *hashes, struct hash_set *wanted, bool *frames)
{
	for (size_t i = 0; i < SHARDS; i++)
		shard_find(&hashes->shards[i], wanted);
	for (size_t i = 0; wanted->count && i < SHARDS; i++) {
		const struct shard *shard = &hashes->shards[i];

		for (size_t j = 0; j < shard->count; j++)
			if (hash_set_has(wanted, shard->hashes[j]))
				frames[shard->places[j] / HASH_WEIGHTS] = true;
	}
}
