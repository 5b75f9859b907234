/*
 * Conflicts: a value that the service keeps in quarantine because somebody else holds it
 * (contract 5.3, facts 4.1). Each is a finding, with all who claim the value and what the
 * evidence knows of how they came by it. No step follows from it: the service tests it again every
 * hour, and it heals when the wrong claimant's value has gone back.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/claimants_internal.h"
#include "reconcile/sets_internal.h"

/* One quarantined value of one object. */
struct claim {
	struct span id, name;
	const struct kind *kind;
	enum mastery mastery;
	const struct attribute *attribute; /* that the value is missing from */
	struct span address;               /* its key */
	struct span element;               /* its key; absent where the attribute has one value */
	struct known_value live;
	struct buf claimants;
	size_t claimant_count;
	bool staging; /* staging gave the address to somebody */
	bool refused; /* not in quarantine: a server was refused it */
	struct event events[REFERENCES_MAX];
	size_t event_count;
};

struct claims {
	struct reconciling *reconciling;
	struct claim *items; /* in order of address, when found */
	size_t count, capacity;
	const struct claim **by_id; /* made when it is asked for by object */
	size_t next;
};

void claims_free(struct claims *claims)
{
	if (!claims)
		return;
	for (size_t i = 0; i < claims->count; i++)
		buf_release(&claims->items[i].claimants);
	memory_free(claims->by_id);
	memory_free(claims->items);
	memory_free(claims);
}

/* ---- what is in quarantine ------------------------------------------------------------------ */

static const struct attribute *quarantined_attribute(const struct kind *kind, struct span property)
{
	if (span_is(property, "UserPrincipalName"))
		return attribute_find(kind, SPAN_LITERAL("userPrincipalName"));
	return attribute_find(kind, SPAN_LITERAL("proxyAddresses"));
}

static void claim_name_element(struct claim *claim, struct texts *texts, struct span text)
{
	CLEANUP(buf_release) struct buf full = BUF_UP_TO(DIRECTORY_LINE_MAX);
	CLEANUP(buf_release) struct buf element = BUF_UP_TO(DIRECTORY_LINE_MAX);
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (claim->attribute->shape != SHAPE_SET)
		return;
	if (!address_parse(text).scheme.data)
		buf_add_text(&full, "smtp:");
	buf_add_span(&full, text);
	scan_quote(buf_span(&full), &element);
	element_add_key(&key, claim->attribute, buf_span(&element));
	claim->element = texts_keep(texts, buf_span(&key));
}

static void claims_add(struct claims *claims, const struct object *object, struct span entry)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
	CLEANUP(buf_release) struct buf address = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct texts *texts = claims->reconciling->findings->texts;
	struct span value = scan_type(entry) == SCAN_OBJECT ? scan_find(entry, "value") : SPAN_NONE;
	struct span property = value.data ? scan_find(entry, "propertyCausingError") : SPAN_NONE;
	struct claim claim = { .claimants = BUF_UP_TO(REASON_MAX) };

	if (scan_type(value) != SCAN_STRING)
		return;
	scan_text(value, &text);
	claim_add_key(&address, buf_span(&text), true);
	claim.kind = object_kind(object);
	claim.attribute = quarantined_attribute(claim.kind,
		scan_type(property) == SCAN_STRING ? scan_text_direct(property) : SPAN_NONE);
	if (!claim.attribute || !address.length)
		return;
	claim.id = texts_keep(texts, object_id(object));
	claim.name = texts_keep(texts, object_name(object));
	claim.mastery = object_mastery(object);
	claim.address = texts_keep(texts, buf_span(&address));
	claim_name_element(&claim, texts, buf_span(&text));
	if (claim.attribute->shape != SHAPE_SET && !object_unknown(object, claim.attribute)) {
		claim.live.known = true;
		claim.live.value = texts_keep(texts, object_get(object, claim.attribute));
	}
	MEMORY_GROW(claims->items, claims->count, claims->capacity);
	claims->items[claims->count++] = claim;
}

static int compare_claims(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;
	int order = span_compare(a->address, b->address);

	if (!order)
		order = span_compare(a->id, b->id);
	return order ? order : strcmp(a->attribute->name, b->attribute->name);
}

static bool claims_collect(struct claims *claims, struct error *err)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(SNAPSHOT_BUCKET_MAX);
	struct snapshot *live = claims->reconciling->options->live;
	size_t count;
	const char *const *ids = snapshot_quarantined(live, &count);

	for (size_t i = 0; i < count; i++) {
		CLEANUP(object_freep) struct object *object = NULL;
		struct span errors, entry;
		struct scan scan;

		if (!snapshot_object(live, span_of(ids[i]), &lines, err))
			return false;
		object = object_parse(buf_span(&lines), err);
		if (!object)
			return error_prefix(err, "%s", snapshot_path(live));
		errors = object_get_named(object, "onPremisesProvisioningErrors");
		if (object_deleted(object) || scan_type(errors) != SCAN_ARRAY)
			continue;
		scan = scan_open(errors);
		while (scan_element(&scan, &entry))
			claims_add(claims, object, entry);
	}
	return true;
}

/* ---- what a server was refused -------------------------------------------------------------- */

/* The texts of a value that is one, or a set of them. */
typedef void text_function(void *context, struct span text);

static void each_text(struct span value, text_function *each, void *context)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct scan scan;
	struct span element;

	if (scan_type(value) == SCAN_STRING) {
		scan_text(value, &text);
		each(context, buf_span(&text));
	} else if (scan_type(value) == SCAN_ARRAY) {
		scan = scan_open(value);
		while (scan_element(&scan, &element))
			if (scan_type(element) == SCAN_STRING)
				each_text(element, each, context);
	}
}

/* The object has it by now: who was refused once got it later. */
static bool is_held(const struct object *object, const struct claim *claim)
{
	struct span value = object_get(object, claim->attribute);
	CLEANUP(elements_release) struct elements elements = { 0 };

	if (claim->attribute->shape != SHAPE_SET)
		return value.data && scan_type(value) == SCAN_STRING &&
			text_compare_caseless(
				scan_text_direct(value), claim_key_plain(claim->address)) == 0;
	elements_init(&elements, claim->attribute, value);
	return elements_find(&elements, claim->element).data != NULL;
}

struct refusal {
	struct claims *claims;
	const struct object *object;
	const struct fact *fact;
};

static void claims_add_refused(void *context, struct span text)
{
	const struct refusal *refusal = context;
	struct claims *claims = refusal->claims;
	struct texts *texts = claims->reconciling->findings->texts;
	CLEANUP(buf_release) struct buf address = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct claim claim = { .claimants = BUF_UP_TO(REASON_MAX), .refused = true };

	claim_add_key(&address, text, true);
	claim.kind = object_kind(refusal->object);
	claim.attribute = refusal->fact->attribute;
	claim.id = texts_keep(texts, object_id(refusal->object));
	claim.name = texts_keep(texts, object_name(refusal->object));
	claim.mastery = object_mastery(refusal->object);
	claim.address = texts_keep(texts, buf_span(&address));
	claim_name_element(&claim, texts, text);
	for (size_t i = 0; i < claims->count; i++)
		if (span_equal(claims->items[i].address, claim.address) &&
			span_equal(claims->items[i].id, claim.id) &&
			claims->items[i].attribute == claim.attribute)
			return;
	if (is_held(refusal->object, &claim))
		return;
	if (claim.attribute->shape != SHAPE_SET &&
		!object_unknown(refusal->object, claim.attribute))
		claim.live = (struct known_value){ true,
			texts_keep(texts, object_get(refusal->object, claim.attribute)) };
	MEMORY_GROW(claims->items, claims->count, claims->capacity);
	claims->items[claims->count++] = claim;
}

/* What the service refused at once never came into quarantine: only the server knows of it. */
static bool claims_collect_refused(struct claims *claims, struct error *err)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(SNAPSHOT_BUCKET_MAX);
	struct reconciling *reconciling = claims->reconciling;

	for (size_t i = 0; reconciling->has_files && i < reconciling->fact_count; i++) {
		const struct fact *fact = &reconciling->first_fact[i];
		CLEANUP(object_freep) struct object *object = NULL;
		struct refusal refusal = { .claims = claims, .fact = fact };

		if (!claim_is_refusal(fact))
			continue;
		if (!snapshot_object(reconciling->options->live, span_of(fact->id), &lines, err))
			return false;
		if (!lines.length)
			continue;
		refusal.object = object = object_parse(buf_span(&lines), err);
		if (!object)
			return error_prefix(err, "%s", snapshot_path(reconciling->options->live));
		if (!object_deleted(object) && object_kind(object) == fact->kind)
			each_text(fact->new_value, claims_add_refused, &refusal);
	}
	return true;
}

/* ---- who claims it, and how it came by it --------------------------------------------------- */

/* The first claim to this address; those to the same follow it. NULL: none. */
static struct claim *claims_find(const struct claims *claims, struct span address)
{
	size_t low = 0, high = claims->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_compare(claims->items[middle].address, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < claims->count && span_equal(claims->items[low].address, address)
		? &claims->items[low]
		: NULL;
}

typedef void claim_function(void *context, struct claim *claim);

/* Calls `each` for every claim to the address with this key. */
static void claims_each(
	const struct claims *claims, struct span key, claim_function *each, void *context)
{
	struct claim *claim = claims_find(claims, key), *end = claims->items + claims->count;

	for (; claim && claim < end && span_equal(claim->address, key); claim++)
		each(context, claim);
}

static void add_holder(void *context, struct claim *claim)
{
	const struct claim_row *row = context;
	const struct claim_object *object = row->object;

	if (span_equal(object->id, claim->id) || claim->claimant_count++ >= CLAIMANTS_NAMED_MAX)
		return;
	buf_addf(&claim->claimants, "; held by %s %.*s (%.*s) in %s%s", object->kind->name,
		SPAN_FORMAT(object->name), SPAN_FORMAT(object->id),
		claim_place_attribute(row->place), object->deleted ? ", deleted" : "");
}

/* Others who wait for it, too, are findings of their own. */
static bool is_holder(const struct claim_row *row)
{
	return BIT(row->place) & (PLACES_HELD | BIT(CLAIM_OTHER_MAIL));
}

static bool find_holders(const struct claims *claims, struct error *err)
{
	CLEANUP(claim_rows_release) struct claim_rows rows;

	claim_rows_init(&rows);
	for (size_t i = 0; i < claims->count; i++)
		hash_set_add(&rows.wanted, claim_hash(&rows.hasher, claims->items[i].address));
	if (!claim_rows_collect(&rows, claims->reconciling->options->live, NULL, SPAN_NONE, err))
		return false;
	for (size_t i = 0; i < rows.count; i++)
		if (is_holder(&rows.items[i]))
			claims_each(claims, rows.items[i].key, add_holder, &rows.items[i]);
	return true;
}

/* Which claims the two sides of a fact are about. */
struct gift {
	const struct claims *claims;
	const struct fact *fact;
	const struct claim *looked_for;
	bool had;
};

static void had_it(void *context, struct claim *claim)
{
	struct gift *gift = context;

	gift->had = gift->had || claim == gift->looked_for;
}

static void had_key(void *context, enum claim_place place, struct span key)
{
	struct gift *gift = context;

	(void)place;
	claims_each(gift->claims, key, had_it, gift);
}

static void add_gift(void *context, struct claim *claim)
{
	struct gift *gift = context;
	const struct fact *fact = gift->fact;
	CLEANUP(claim_room_release) struct claim_room room;

	gift->looked_for = claim;
	gift->had = false;
	claim_room_init(&room);
	if (fact->old_value.data)
		claims_of_value(&room, fact->attribute, fact->old_value, had_key, gift);
	if (gift->had)
		return;
	if (fact_class(gift->claims->reconciling, fact) == WRITER_STAGING)
		claim->staging = true;
	if (claim->event_count == REFERENCES_MAX)
		return;
	claim->events[claim->event_count++] = (struct event){ .fact = fact };
	buf_addf(&claim->claimants, "; given to %s", fact->id);
	reason_add_write(&claim->claimants, fact);
}

/* The sync server's own words for it. */
static void add_refusal(void *context, struct claim *claim)
{
	const struct fact *fact = ((const struct gift *)context)->fact;

	if (claim->event_count == REFERENCES_MAX)
		return;
	claim->events[claim->event_count++] = (struct event){ .fact = fact };
	buf_addf(&claim->claimants, "; asked for %s", fact->id);
	reason_add_write(&claim->claimants, fact);
	buf_addf(&claim->claimants, " and refused: %s",
		fact->attribute_name ? fact->attribute_name : "no error is named");
}

static void gave_key(void *context, enum claim_place place, struct span key)
{
	struct gift *gift = context;

	(void)place;
	claims_each(gift->claims, key, claim_is_refusal(gift->fact) ? add_refusal : add_gift, gift);
}

/* Facts that brought an address to an object that did not have it in that attribute. */
static void find_gifts(const struct claims *claims)
{
	CLEANUP(claim_room_release) struct claim_room room;
	const struct reconciling *reconciling = claims->reconciling;

	claim_room_init(&room);
	for (size_t i = 0; i < reconciling->fact_count; i++) {
		const struct fact *fact = &reconciling->first_fact[i];
		struct gift gift = { .claims = claims, .fact = fact };

		if (fact->attribute && fact->new_value.data &&
			(fact_is_write(fact) || claim_is_refusal(fact)))
			claims_of_value(&room, fact->attribute, fact->new_value, gave_key, &gift);
	}
}

/* ---- findings ------------------------------------------------------------------------------- */

static struct finding *find_finding(struct findings *findings, const struct claim *claim)
{
	for (size_t i = 0; i < findings->count; i++) {
		struct finding *finding = &findings->items[i];

		if (finding->attribute == claim->attribute && span_equal(finding->id, claim->id) &&
			span_equal(finding->element, claim->element))
			return finding;
	}
	return NULL;
}

static void mark_finding(struct findings *findings, struct finding *finding, const struct buf *text)
{
	CLEANUP(buf_release) struct buf reason = BUF_UP_TO(2 * REASON_MAX);

	finding->conflict = true;
	buf_addf(&reason, "%s; %s", finding->reason, buf_text(text));
	finding->reason = texts_keep(findings->texts, buf_span(&reason)).data;
}

/* A refusal is evidence and no write. */
static const struct fact *last_write(const struct claim *claim)
{
	for (size_t i = claim->event_count; i > 0; i--)
		if (fact_is_write(claim->events[i - 1].fact))
			return claim->events[i - 1].fact;
	return NULL;
}

static void add_conflict(struct findings *findings, const struct claim *claim, const char *reason)
{
	const struct event *deciding[REFERENCES_MAX];
	const struct fact *last = last_write(claim);
	struct finding finding = {
		.verdict = claim->staging ? VERDICT_SUSPECT : VERDICT_DRIFT,
		.change = claim->element.data ? CHANGE_ELEMENT : CHANGE_VALUE,
		.kind = claim->kind,
		.id = claim->id,
		.name = claim->name,
		.mastery = claim->mastery,
		.attribute = claim->attribute,
		.element = claim->element,
		.live = claim->live,
		.last_writer = last ? last->who : NULL,
		.last_write_ms = last ? last->when_ms : TIME_NONE,
		.staging_write_ms = TIME_NONE,
		.reason = reason,
		.conflict = true,
	};

	if (claim->element.data)
		finding.live = (struct known_value){ true, SPAN_NONE };
	for (size_t i = 0; i < claim->event_count; i++)
		deciding[i] = &claim->events[i];
	findings_add(findings, &finding, deciding, claim->event_count);
}

static void report_claim(struct findings *findings, const struct claim *claim)
{
	CLEANUP(buf_release) struct buf reason = BUF_UP_TO(2 * REASON_MAX);
	struct finding *finding = find_finding(findings, claim);

	buf_addf(&reason, "%.*s %s here", SPAN_FORMAT(claim_key_plain(claim->address)),
		claim->refused ? "was refused" : "is in quarantine");
	buf_add_span(&reason, buf_span(&claim->claimants));
	if (claim->claimant_count > CLAIMANTS_NAMED_MAX)
		buf_addf(&reason, "; and %zu more", claim->claimant_count - CLAIMANTS_NAMED_MAX);
	if (!claim->claimant_count)
		buf_add_text(&reason, "; nobody in the snapshot holds it");
	if (finding)
		mark_finding(findings, finding, &reason);
	else
		add_conflict(findings, claim, buf_text(&reason));
}

/* Who holds what is claimed, and how they came by it. */
static bool claims_fill(struct claims *claims, struct error *err)
{
	if (!claims->count)
		return true;
	qsort(claims->items, claims->count, sizeof(*claims->items), compare_claims);
	if (!find_holders(claims, err))
		return false;
	find_gifts(claims);
	return true;
}

struct claims *claims_find_all(struct reconciling *reconciling, struct error *err)
{
	CLEANUP(claims_freep) struct claims *claims = memory_new(sizeof(*claims));

	claims->reconciling = reconciling;
	if (!claims_collect(claims, err) || !claims_collect_refused(claims, err) ||
		!claims_fill(claims, err))
		return NULL;
	return TAKE(claims);
}

void claims_report(const struct claims *claims, struct findings *findings)
{
	for (size_t i = 0; i < claims->count; i++)
		report_claim(findings, &claims->items[i]);
}

/* ---- by object ------------------------------------------------------------------------- */

/* Those of one object stay in the order in which all are reported. */
static int compare_by_id(const void *left, const void *right)
{
	const struct claim *a = *(const struct claim *const *)left;
	const struct claim *b = *(const struct claim *const *)right;
	int order = span_compare(a->id, b->id);

	return order ? order : (a > b) - (a < b);
}

void claims_sort_by_id(struct claims *claims)
{
	claims->by_id = memory_array(claims->count + 1, sizeof(struct claim *));
	for (size_t i = 0; i < claims->count; i++)
		claims->by_id[i] = &claims->items[i];
	if (claims->count)
		qsort(claims->by_id, claims->count, sizeof(struct claim *), compare_by_id);
}

struct span claims_next(const struct claims *claims)
{
	return claims->next < claims->count ? claims->by_id[claims->next]->id : SPAN_NONE;
}

void claims_report_next(struct claims *claims, struct findings *findings)
{
	struct span id = claims_next(claims);

	while (claims->next < claims->count && span_equal(claims_next(claims), id))
		report_claim(findings, claims->by_id[claims->next++]);
}
