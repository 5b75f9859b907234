/*
 * What the evidence tells of addresses: which writes gave one to an object or took it away, and what a
 * sync server was refused, which never came into quarantine and is known from its own files only.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/claimants_internal.h"

/* ---- writers --------------------------------------------------------------------------------- */

enum writer_class claim_fact_class(const struct contests *contests, const struct fact *fact)
{
	const struct reconciling *reconciling = &contests->reconciling;

	if (contests->options.staging)
		return fact_class(reconciling, fact);
	/* Any of them may be the staging server: what they wrote proves nothing. */
	return fact->source != FROM_AUDIT || fact->who->server ? WRITER_DOUBTFUL : WRITER_OTHER;
}

/* ---- what was refused -------------------------------------------------------------------------- */

bool claim_is_refusal(const struct fact *fact)
{
	return fact->source == FROM_EXPORT_ERROR && fact->attribute && fact->new_value.data &&
		attribute_claims(fact->attribute);
}

static void want(void *context, enum claim_place place, struct span key)
{
	struct claim_rows *rows = context;

	(void)place;
	hash_set_add(&rows->wanted, claim_hash(&rows->hasher, key));
}

static void want_refused(struct contests *contests)
{
	CLEANUP(claim_room_release) struct claim_room room;

	claim_room_init(&room);
	for (size_t i = 0; i < contests->reconciling.fact_count; i++) {
		const struct fact *fact = &contests->reconciling.first_fact[i];

		if (claim_is_refusal(fact))
			claims_of_value(
				&room, fact->attribute, fact->new_value, want, &contests->rows);
	}
}

bool claim_facts_begin(struct contests *contests, struct error *err)
{
	contests->reconcile_options = (struct reconcile_options){
		.base = contests->options.base,
		.live = contests->options.live,
		.evidence = contests->options.evidence,
		.staging = contests->options.staging,
		.production = contests->options.production,
	};
	contests->reconciling.options = &contests->reconcile_options;
	if (!writers_classify(&contests->reconciling, err))
		return false;
	contests->rows.flows = flows_of_production(&contests->reconciling);
	want_refused(contests);
	return true;
}

struct refusing {
	struct claim_rows *rows;
	const struct claim_object *object;
	int64_t when_ms;
};

static void add_refused(void *context, enum claim_place place, struct span key)
{
	const struct refusing *refusing = context;
	struct claim_rows *rows = refusing->rows;

	(void)place;
	if (!hash_set_has(&rows->wanted, claim_hash(&rows->hasher, key)))
		return;
	MEMORY_GROW(rows->items, rows->count, rows->capacity);
	rows->items[rows->count++] = (struct claim_row){
		.key = texts_keep(rows->texts, key),
		.object = refusing->object,
		.place = CLAIM_REFUSED,
		.since_ms = refusing->when_ms,
	};
}

bool claim_facts_refused(struct contests *contests, struct error *err)
{
	CLEANUP(claim_room_release) struct claim_room room;
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(SNAPSHOT_BUCKET_MAX);

	claim_room_init(&room);
	for (size_t i = 0; i < contests->reconciling.fact_count; i++) {
		const struct fact *fact = &contests->reconciling.first_fact[i];
		CLEANUP(object_freep) struct object *object = NULL;
		struct refusing refusing = { .rows = &contests->rows, .when_ms = fact->when_ms };

		if (!claim_is_refusal(fact))
			continue;
		if (!snapshot_object(contests->options.live, span_of(fact->id), &lines, err))
			return false;
		if (!lines.length)
			continue;
		object = object_parse(buf_span(&lines), err);
		if (!object)
			return error_prefix(err, "%s", snapshot_path(contests->options.live));
		if (object_deleted(object) || object_kind(object) != fact->kind)
			continue;
		refusing.object = claim_rows_keep_object(&contests->rows, object);
		claims_of_value(&room, fact->attribute, fact->new_value, add_refused, &refusing);
	}
	return true;
}

/* ---- writes ------------------------------------------------------------------------------------ */

struct gathering {
	struct contests *contests;
	const struct fact *fact;
	bool has;
};

static void add_told(void *context, enum claim_place place, struct span key)
{
	const struct gathering *gathering = context;
	struct contests *contests = gathering->contests;
	struct claim_rows *rows = &contests->rows;

	(void)place;
	if (!hash_set_has(&rows->wanted, claim_hash(&rows->hasher, key)))
		return;
	MEMORY_GROW(contests->told, contests->told_count, contests->told_capacity);
	contests->told[contests->told_count++] = (struct told){ texts_keep(rows->texts, key),
		gathering->fact, gathering->has };
}

static int compare_told(const void *left, const void *right)
{
	const struct told *a = left, *b = right;
	int order = span_compare(a->key, b->key);

	/* Facts lie in order of time. */
	if (!order)
		order = (a->fact > b->fact) - (a->fact < b->fact);
	return order ? order : a->has - b->has;
}

/* A write, what was refused, or what staging wrote to Active Directory, for production to spread. */
static bool tells(const struct fact *fact)
{
	return fact_is_write(fact) || claim_is_refusal(fact) ||
		fact->source == FROM_DIRECTORY_SPACE;
}

void claim_facts_gather(struct contests *contests)
{
	CLEANUP(claim_room_release) struct claim_room room;

	claim_room_init(&room);
	for (size_t i = 0; i < contests->reconciling.fact_count; i++) {
		const struct fact *fact = &contests->reconciling.first_fact[i];
		struct gathering gathering = { contests, fact, false };

		if (!fact->attribute || !attribute_claims(fact->attribute) || !tells(fact))
			continue;
		if (fact->old_known && fact->old_value.data)
			claims_of_value(
				&room, fact->attribute, fact->old_value, add_told, &gathering);
		gathering.has = true;
		if (fact->new_known && fact->new_value.data)
			claims_of_value(
				&room, fact->attribute, fact->new_value, add_told, &gathering);
	}
	if (contests->told_count)
		qsort(contests->told, contests->told_count, sizeof(*contests->told), compare_told);
}

const struct told *claim_facts_of(const struct contests *contests, struct span key, size_t *count)
{
	size_t low = 0, high = contests->told_count, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_compare(contests->told[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < contests->told_count && span_equal(contests->told[end].key, key);)
		end++;
	*count = end - low;
	return contests->told + low;
}

void claim_facts_sides(const struct contests *contests, struct span key, const struct fact *fact,
	bool *had, bool *has)
{
	size_t count, low = 0, high;
	const struct told *told = claim_facts_of(contests, key, &count);

	*had = *has = false;
	for (high = count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (told[middle].fact < fact)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < count && told[low].fact == fact; low++) {
		*had = *had || !told[low].has;
		*has = *has || told[low].has;
	}
}

/* ---- who had it at some time ----------------------------------------------------------------------- */

/* Facts about one address by the same object come once. */
static bool is_repeated(const struct contests *contests, size_t place)
{
	const struct told *told = &contests->told[place];

	for (size_t i = place; i > 0 && span_equal(contests->told[i - 1].key, told->key); i--)
		if (fact_is_write(contests->told[i - 1].fact) &&
			strcmp(contests->told[i - 1].fact->id, told->fact->id) == 0)
			return true;
	return false;
}

static bool add_holder(
	struct contests *contests, const struct told *told, struct buf *lines, struct error *err)
{
	struct claim_rows *rows = &contests->rows;
	CLEANUP(object_freep) struct object *object = NULL;

	if (!snapshot_object(contests->options.live, span_of(told->fact->id), lines, err))
		return false;
	if (!lines->length)
		return true;
	object = object_parse(buf_span(lines), err);
	if (!object)
		return error_prefix(err, "%s", snapshot_path(contests->options.live));
	MEMORY_GROW(rows->items, rows->count, rows->capacity);
	rows->items[rows->count++] = (struct claim_row){
		.key = told->key,
		.object = claim_rows_keep_object(rows, object),
		.place = CLAIM_FORMERLY,
		.since_ms = TIME_NONE,
	};
	return true;
}

bool claim_facts_holders(struct contests *contests, struct error *err)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(SNAPSHOT_OBJECT_MAX);

	for (size_t i = 0; i < contests->told_count; i++)
		if (fact_is_write(contests->told[i].fact) && !is_repeated(contests, i) &&
			!add_holder(contests, &contests->told[i], &lines, err))
			return false;
	return true;
}
