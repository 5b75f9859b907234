/*
 * A Bloom filter of three bits a text, in one word, so that one look at memory tells. Nearly every text is ASCII, whose letters differ by one bit in their
 * cases: with that bit set everywhere, texts that are equal without regard to case have the same hash, and
 * so have a few others ('@' and '`'). Texts beyond ASCII are not hashed, since folding them takes more
 * than looking them up; none of them is equal to one in ASCII.
 *
 * Whoever chooses texts to collide makes looking slow, not wrong.
 */
#include "base/filter.h"

#include "base/memory.h"

enum {
	WORD = sizeof(uint64_t),
	WORD_BITS = 64,
	BITS_OF_ONE = 16, /* of a hundred others, one is let through */
	WORDS_LEAST = 16,
};

#define SMALL_LETTERS UINT64_C(0x2020202020202020)
#define HIGH_BITS     UINT64_C(0x8080808080808080)

void filter_init(struct filter *filter, size_t count)
{
	size_t words = WORDS_LEAST;

	while (words * (WORD_BITS / BITS_OF_ONE) < count)
		words *= 2;
	*filter = (struct filter){ .words = memory_array(words, sizeof(uint64_t)),
		.mask = words - 1 };
}

void filter_release(struct filter *filter)
{
	memory_free(filter->words);
	*filter = (struct filter){ 0 };
}

/* ---- hashing ------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static uint64_t load(const char *at, size_t length)
{
	uint64_t word = 0;

	memcpy(&word, at, length);
	return word;
}

/* False for a text beyond ASCII. */
static bool hash_of(struct span text, uint64_t *hash)
{
	const char *at = text.data, *end = text.data + text.length;
	uint64_t seen = 0;

	*hash = text.length;
	for (; end - at >= WORD; at += WORD) {
		uint64_t word = load(at, WORD);

		seen |= word;
		*hash = mix(*hash, word | SMALL_LETTERS);
	}
	if (at < end) {
		/* The last eight bytes, some of them once more, cost less than the few that are left. */
		uint64_t word = text.length >= WORD ? load(end - WORD, WORD)
						    : load(at, text.length);

		seen |= word;
		*hash = mix(*hash, word | SMALL_LETTERS);
	}
	*hash = mix(*hash, *hash >> 29);
	return !(seen & HIGH_BITS);
}

/* The word is chosen by the low half of the hash, its bits by the high one. */
static uint64_t bits_of(uint64_t hash)
{
	return UINT64_C(1) << (hash >> 32) % WORD_BITS | UINT64_C(1) << (hash >> 40) % WORD_BITS |
		UINT64_C(1) << (hash >> 48) % WORD_BITS;
}

void filter_add(struct filter *filter, struct span text)
{
	uint64_t hash;

	if (hash_of(text, &hash))
		filter->words[(uint32_t)hash & filter->mask] |= bits_of(hash);
	else
		filter->beyond_ascii = true;
}

bool filter_may_have(const struct filter *filter, struct span text)
{
	uint64_t hash;

	if (!hash_of(text, &hash))
		return filter->beyond_ascii;
	return !(bits_of(hash) & ~filter->words[(uint32_t)hash & filter->mask]);
}
