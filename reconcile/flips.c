/*
 * Two servers that write over each other in turns: what one writes the other undoes, at its next cycle,
 * for as long as both export (facts 7.4). Whoever puts values back while that goes on works for nothing.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "reconcile/evidence_internal.h"

/* One write of one value by a sync identity. */
struct turn {
	const struct fact *fact;
	size_t identity;
};

struct turns {
	struct turn *at;
	size_t count, capacity;
};

static void turns_release(struct turns *turns)
{
	memory_free(turns->at);
}

/* Of a relation or set each element is a value of its own; of the object, whether it is there. */
static struct span element_of(const struct fact *fact)
{
	if (fact->operation == FACT_ADD)
		return fact->new_value;
	return fact->operation == FACT_REMOVE ? fact->old_value : SPAN_NONE;
}

static int compare_values(const struct fact *a, const struct fact *b)
{
	int order = evidence_compare_texts(a->id, b->id);

	if (!order)
		order = evidence_compare_texts(a->attribute ? a->attribute->name : NULL,
			b->attribute ? b->attribute->name : NULL);
	return order ? order : span_compare(element_of(a), element_of(b));
}

/* Facts lie in order of time, and so do their places. */
static int compare_turns(const void *left, const void *right)
{
	const struct turn *a = left, *b = right;
	int order = compare_values(a->fact, b->fact);

	return order ? order : (a->fact > b->fact) - (a->fact < b->fact);
}

static bool is_one_account(const struct writer *a, const struct writer *b)
{
	return (*a->id && evidence_compare_texts(a->id, b->id) == 0) ||
		(a->server && evidence_compare_texts(a->server, b->server) == 0);
}

/* The identity that wrote it; `count` where nobody of them did. A server's accounts are one. */
static size_t identity_of(
	const struct sync_identity *identities, size_t count, const struct fact *fact)
{
	size_t place = 0;

	while (place < count && !is_one_account(&identities[place].writer, fact->who))
		place++;
	return place;
}

/* What is only named tells of no value in particular, unless it is of an attribute. */
static bool is_turn(const struct fact *fact)
{
	return fact_is_write(fact) && fact->source == FROM_AUDIT &&
		(fact->attribute || fact->operation >= FACT_CREATE);
}

static void collect(struct evidence *evidence, struct turns *turns)
{
	for (size_t i = 0; i < evidence->count; i++) {
		const struct fact *fact = &evidence->facts[i];
		size_t identity = is_turn(fact)
			? identity_of(evidence->identities, evidence->identity_count, fact)
			: evidence->identity_count;

		if (identity == evidence->identity_count)
			continue;
		MEMORY_GROW(turns->at, turns->count, turns->capacity);
		turns->at[turns->count++] = (struct turn){ fact, identity };
	}
	if (turns->count)
		qsort(turns->at, turns->count, sizeof(*turns->at), compare_turns);
}

static struct flip_flop *flip_between(struct evidence *evidence, size_t a, size_t b)
{
	const struct sync_identity *one = &evidence->identities[a < b ? a : b];
	const struct sync_identity *other = &evidence->identities[a < b ? b : a];
	struct flip_flop *flip;

	for (size_t i = 0; i < evidence->flip_count; i++)
		if (evidence->flips[i].one == one && evidence->flips[i].other == other)
			return &evidence->flips[i];
	evidence->flips = memory_resize(
		evidence->flips, evidence->flip_count + 1, sizeof(*evidence->flips));
	flip = &evidence->flips[evidence->flip_count++];
	*flip = (struct flip_flop){ .one = one, .other = other };
	return flip;
}

/* The turns of one value: how often its last two writers wrote over each other, each over the other. */
static void look_at_value(struct evidence *evidence, const struct turn *turns, size_t count)
{
	size_t a = turns[count - 1].identity, b = a, over[2] = { 0 };
	struct flip_flop *flip;

	for (size_t i = count - 1; i > 0 && b == a; i--)
		b = turns[i - 1].identity;
	for (size_t i = 1; i < count && b != a; i++)
		if (turns[i - 1].identity == a && turns[i].identity == b)
			over[0]++;
		else if (turns[i - 1].identity == b && turns[i].identity == a)
			over[1]++;
	if (over[0] < FLIP_LEAST || over[1] < FLIP_LEAST)
		return;
	flip = flip_between(evidence, a, b);
	flip->values++;
	if (!flip->last || flip->last < turns[count - 1].fact) {
		flip->last = turns[count - 1].fact;
		flip->turns = over[0] + over[1];
	}
}

static void flips_find(struct evidence *evidence)
{
	CLEANUP(turns_release) struct turns turns = { 0 };
	size_t first = 0;

	collect(evidence, &turns);
	for (size_t i = 1; i <= turns.count; i++)
		if (i == turns.count || compare_values(turns.at[first].fact, turns.at[i].fact)) {
			look_at_value(evidence, turns.at + first, i - first);
			first = i;
		}
}

const struct flip_flop *evidence_flip_flops(struct evidence *evidence, size_t *count)
{
	size_t identities;

	*count = 0;
	if (!evidence_identities(evidence, &identities) || identities < 2)
		return NULL;
	if (!evidence->flips) {
		evidence->flip_count = 0;
		evidence->flips = memory_new(sizeof(*evidence->flips));
		flips_find(evidence);
	}
	*count = evidence->flip_count;
	return evidence->flips;
}
