/*
 * One address, several who claim it: rows become claimants, claimants of one address a contest. What is
 * no contest is dropped here, and by what rule.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/claimants_internal.h"

const char *claim_place_name(enum claim_place place)
{
	static const char *const names[CLAIM_PLACES] = {
		[CLAIM_PRIMARY] = "primary",
		[CLAIM_PROXY] = "proxyAddresses",
		[CLAIM_MAIL] = "mail",
		[CLAIM_SIGN_IN] = "userPrincipalName",
		[CLAIM_IM] = "imAddresses",
		[CLAIM_OTHER_MAIL] = "otherMails",
		[CLAIM_FORMER_SIGN_IN] = "former userPrincipalName",
		[CLAIM_QUARANTINED_PROXY] = "quarantined proxyAddresses",
		[CLAIM_QUARANTINED_SIGN_IN] = "quarantined userPrincipalName",
		[CLAIM_REFUSED] = "refused",
		[CLAIM_FORMERLY] = "formerly",
	};

	return names[place];
}

const char *claim_standing_name(enum claim_standing standing)
{
	static const char *const names[STANDING_COUNT] = {
		[STANDING_HOLDS] = "holds",
		[STANDING_WAITS] = "waits",
		[STANDING_TELLS] = "tells",
		[STANDING_HELD] = "held",
	};

	return names[standing];
}

const char *contest_state_name(enum contest_state state)
{
	static const char *const names[CONTEST_STATES] = {
		[CONTEST_NONE] = "none",
		[CONTEST_WAITING] = "waiting",
		[CONTEST_TWICE] = "twice",
		[CONTEST_RESTORE] = "restore",
	};

	return names[state];
}

const char *freeing_name(enum freeing freeing)
{
	static const char *const names[FREEING_COUNT] = {
		[FREED_BY_NOTHING] = "nothing",
		[FREED_BY_RETRY] = "retry",
		[FREED_BY_PRODUCTION] = "production",
		[FREED_BY_PLAN] = "plan",
		[FREED_BY_DELETION] = "deletion",
		[FREED_BY_PERSON] = "person",
	};

	return names[freeing];
}

void contests_free(struct contests *contests)
{
	if (!contests)
		return;
	for (size_t i = 0; i < contests->count; i++) {
		memory_free(contests->items[i].claimants);
		memory_free(contests->items[i].proof);
		memory_free(contests->items[i].freed);
	}
	memory_free(contests->items);
	memory_free(contests->told);
	claim_rows_release(&contests->rows);
	memory_free(contests->reconciling.writers);
	memory_free(contests->reconciling.explained);
	memory_free(contests->reconciling.doubles);
	memory_free(contests->reconciling.links);
	memory_free(contests);
}

size_t contests_count(const struct contests *contests)
{
	return contests->count;
}

const struct contest *contests_get(const struct contests *contests, size_t index)
{
	return &contests->items[index];
}

/* ---- claimants of one address ------------------------------------------------------------------ */

static int compare_rows(const void *left, const void *right)
{
	const struct claim_row *a = left, *b = right;
	int order = span_compare(a->key, b->key);

	if (!order)
		order = span_compare(a->object->id, b->object->id);
	if (!order)
		order = a->of_base - b->of_base;
	return order ? order : (int)a->place - (int)b->place;
}

static int compare_spans(const void *left, const void *right)
{
	return span_compare(*(const struct span *)left, *(const struct span *)right);
}

/* The base says something else of it than live does. */
static bool is_changed(const struct claim_rows *rows, struct span id)
{
	return rows->changed_count &&
		bsearch(&id, rows->changed, rows->changed_count, sizeof(id), compare_spans);
}

static void claimant_name(struct claimant *claimant, const struct claim_object *object)
{
	claimant->kind = object->kind;
	claimant->id = object->id;
	claimant->name = object->name;
	claimant->mastery = object->mastery;
	claimant->deleted = object->deleted;
	claimant->since_ms = TIME_NONE;
	claimant->door = DOOR_NONE;
}

static void claimant_add_row(struct claimant *claimant, const struct claim_row *row)
{
	/* Live comes first; what only the base has is named as it was there. */
	if (!claimant->kind)
		claimant_name(claimant, row->object);
	if (row->of_base) {
		claimant->base_places |= row->object->deleted ? 0 : BIT(row->place);
		return;
	}
	claimant->places |= BIT(row->place);
	if (row->since_ms != TIME_NONE)
		claimant->since_ms = row->since_ms;
	if (BIT(row->place) & PLACES_HELD && claimant->door == DOOR_NONE)
		claimant->door = row->object->doors[row->place];
}

static enum claim_standing standing_of(const struct claimant *claimant)
{
	if (claimant->places & PLACES_WAITING)
		return STANDING_WAITS;
	if (claimant->places & PLACES_HELD)
		return STANDING_HOLDS;
	return claimant->places & ~BIT(CLAIM_FORMERLY) ? STANDING_TELLS : STANDING_HELD;
}

static void claimant_finish(struct claimant *claimant, const struct contests *contests)
{
	const struct snapshot *base = contests->options.base;

	/* What it was refused once it has by now. */
	if (claimant->places & PLACES_HELD)
		claimant->places &= ~BIT(CLAIM_REFUSED);
	if (claimant->base_places || claimant->places & ~BIT(CLAIM_FORMERLY))
		claimant->places &= ~BIT(CLAIM_FORMERLY);
	claimant->standing = standing_of(claimant);
	if (base && !is_changed(&contests->rows, claimant->id))
		claimant->base_places = claimant->deleted ? 0 : claimant->places;
	claimant->in_base = claimant->base_places & PLACES_HELD;
	if (claimant->in_base && claimant->standing == STANDING_HOLDS) {
		claimant->since_ms = snapshot_header(base)->taken_from_ms;
		claimant->since_before = true;
	}
}

/* ---- contests --------------------------------------------------------------------------------------- */

static int compare_claimants(const void *left, const void *right)
{
	const struct claimant *a = left, *b = right;
	int order = (int)a->standing - (int)b->standing;

	return order ? order : span_compare(a->id, b->id);
}

static enum contest_state state_of(const struct contest *contest)
{
	size_t live = 0, deleted = 0;

	for (size_t i = 0; i < contest->count; i++) {
		const struct claimant *claimant = &contest->claimants[i];

		live += claimant->standing == STANDING_HOLDS && !claimant->deleted;
		deleted += claimant->standing == STANDING_HOLDS && claimant->deleted;
	}
	if (contest->waiting)
		return CONTEST_WAITING;
	if (live > 1)
		return CONTEST_TWICE;
	return live && deleted ? CONTEST_RESTORE : CONTEST_NONE;
}

/* Rows of one key: of each object those of live come before those of the base. */
static void contest_make(const struct contests *contests, struct contest *contest,
	const struct claim_row *rows, size_t count)
{
	contest->claimants = memory_array(count + 1, sizeof(*contest->claimants));
	for (size_t i = 0; i < count; i++) {
		if (!i || !span_equal(rows[i].object->id, rows[i - 1].object->id))
			contest->count++;
		claimant_add_row(&contest->claimants[contest->count - 1], &rows[i]);
	}
	for (size_t i = 0; i < contest->count; i++) {
		claimant_finish(&contest->claimants[i], contests);
		contest->waiting += contest->claimants[i].standing == STANDING_WAITS;
	}
	if (contest->count)
		qsort(contest->claimants, contest->count, sizeof(*contest->claimants),
			compare_claimants);
	contest->state = state_of(contest);
}

static void contests_add(struct contests *contests, struct span key, const struct claim_row *rows,
	size_t count, bool all)
{
	struct contest contest = { .address = key };

	contest_make(contests, &contest, rows, count);
	if (contest.state == CONTEST_NONE && !all) {
		memory_free(contest.claimants);
		return;
	}
	contest_decide(contests, &contest);
	MEMORY_GROW(contests->items, contests->count, contests->capacity);
	contests->items[contests->count++] = contest;
}

static void sort_rows(struct contests *contests)
{
	struct claim_rows *rows = &contests->rows;

	if (rows->count)
		qsort(rows->items, rows->count, sizeof(*rows->items), compare_rows);
	if (rows->changed_count)
		qsort(rows->changed, rows->changed_count, sizeof(*rows->changed), compare_spans);
}

static void make_all(struct contests *contests)
{
	const struct claim_rows *rows = &contests->rows;
	size_t end;

	sort_rows(contests);
	for (size_t i = 0; i < rows->count; i = end) {
		for (end = i + 1;
			end < rows->count && span_equal(rows->items[end].key, rows->items[i].key);)
			end++;
		contests_add(contests, rows->items[i].key, &rows->items[i], end - i, false);
	}
}

/* Of what is equal by its hash alone, only the one. */
static void make_one(struct contests *contests, struct span key)
{
	const struct claim_rows *rows = &contests->rows;
	size_t first = 0, end;

	sort_rows(contests);
	while (first < rows->count && !span_equal(rows->items[first].key, key))
		first++;
	for (end = first; end < rows->count && span_equal(rows->items[end].key, key);)
		end++;
	contests_add(contests, key, rows->items + first, end - first, true);
}

/* ---- finding them --------------------------------------------------------------------------------- */

static bool check_tenants(const struct contests_options *options, struct error *err)
{
	const char *tenant = snapshot_header(options->live)->tenant;

	if (options->base && strcasecmp(snapshot_header(options->base)->tenant, tenant) != 0)
		return error_set(err, ERROR_REFUSED,
			"%s is of tenant %s, %s of tenant %s: name two snapshots of one tenant",
			snapshot_path(options->base), snapshot_header(options->base)->tenant,
			snapshot_path(options->live), tenant);
	if (options->evidence &&
		strcasecmp(evidence_header(options->evidence)->tenant, tenant) != 0)
		return error_set(err, ERROR_REFUSED,
			"the evidence is of tenant %s, %s of tenant %s: name evidence of that tenant",
			evidence_header(options->evidence)->tenant, snapshot_path(options->live),
			tenant);
	return true;
}

static struct contests *contests_new(const struct contests_options *options)
{
	struct contests *contests = memory_new(sizeof(*contests));

	contests->options = *options;
	claim_rows_init(&contests->rows);
	return contests;
}

static bool collect(
	struct contests *contests, const bool *frames, struct span needle, struct error *err)
{
	const struct contests_options *options = &contests->options;

	if (!claim_rows_collect(&contests->rows, options->live, frames, needle, err) ||
		!claim_facts_refused(contests, err))
		return false;
	claim_facts_gather(contests);
	if (!claim_facts_holders(contests, err))
		return false;
	return !options->base ||
		claim_rows_collect_base(&contests->rows, options->base, options->live, err);
}

struct contests *contests_find_hashed(
	const struct contests_options *options, uint64_t mask, struct error *err)
{
	CLEANUP(contests_freep) struct contests *contests = contests_new(options);
	CLEANUP(memory_freep)
	bool *frames = memory_array(snapshot_frames(options->live) + 1, sizeof(*frames));

	contests->rows.hasher.mask = mask;
	if (!check_tenants(options, err) || !claim_facts_begin(contests, err) ||
		!claim_rows_search(
			&contests->rows, options->live, frames, options->progress, err) ||
		!collect(contests, frames, SPAN_NONE, err))
		return NULL;
	make_all(contests);
	return TAKE(contests);
}

struct contests *contests_find(const struct contests_options *options, struct error *err)
{
	return contests_find_hashed(options, UINT64_MAX, err);
}

/*
 * The longest piece of the address that stands in a line as it is, but for the case of ASCII letters:
 * without what JSON escapes, and without letters that may be folded.
 */
static struct span needle_of(struct span key)
{
	struct span best = SPAN_NONE, piece = { key.data, 0 };

	for (size_t i = 0; i <= key.length; i++) {
		unsigned char byte = i < key.length ? (unsigned char)key.data[i] : '"';

		if (byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\') {
			piece.length++;
			continue;
		}
		if (piece.length > best.length)
			best = piece;
		piece = (struct span){ key.data + i + 1, 0 };
	}
	return best;
}

static bool add_key(
	struct contests *contests, const char *address, struct span *key, struct error *err)
{
	CLEANUP(buf_release) struct buf folded = BUF_UP_TO(CLAIM_KEY_MAX);

	if (!text_is_utf8(span_of(address)))
		return error_set(err, ERROR_USAGE, "the address is not UTF-8");
	claim_add_key(&folded, span_of(address), true);
	if (!folded.length)
		return error_set(err, ERROR_USAGE,
			"\"%s\" is no address; one looks like ada@contoso.com, or sip:ada@contoso.com",
			address);
	*key = texts_keep(contests->rows.texts, buf_span(&folded));
	hash_set_add(&contests->rows.wanted, claim_hash(&contests->rows.hasher, *key));
	return true;
}

struct contests *contests_of(
	const struct contests_options *options, const char *address, struct error *err)
{
	CLEANUP(contests_freep) struct contests *contests = contests_new(options);
	const char *colon;
	struct span key;

	if (!check_tenants(options, err) || !add_key(contests, address, &key, err) ||
		!claim_facts_begin(contests, err))
		return NULL;
	/* Behind the scheme: not every place has one. */
	colon = memchr(key.data, ':', key.length);
	if (!collect(contests, NULL,
		    needle_of((struct span){
			    colon + 1, key.length - (size_t)(colon + 1 - key.data) }),
		    err))
		return NULL;
	make_one(contests, key);
	return TAKE(contests);
}
