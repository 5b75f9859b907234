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
#include "reconcile/reconcile_internal.h"

/* One quarantined value of one object. */
struct claim {
	struct span id, name;
	const struct kind *kind;
	enum mastery mastery;
	const struct attribute *attribute; /* that the value is missing from */
	struct span address;               /* lower case, without "smtp:" */
	struct span element;               /* its key; absent where the attribute has one value */
	struct known_value live;
	struct buf claimants;
	size_t claimant_count;
	bool staging; /* staging gave the address to somebody */
	struct event events[REFERENCES_MAX];
	size_t event_count;
};

struct claims {
	struct reconciling *reconciling;
	struct claim *items; /* in order of address, when found */
	size_t count, capacity;
};

static void claims_release(struct claims *claims)
{
	for (size_t i = 0; i < claims->count; i++)
		buf_release(&claims->items[i].claimants);
	memory_free(claims->items);
}

/* "SMTP:Ada@Contoso.com" and "ada@contoso.com" claim the same; other schemes stay with theirs. */
static void add_address(struct buf *out, struct span text)
{
	struct address address = address_parse(text);
	struct span value = address.smtp ? address.value : text;

	for (size_t i = 0; i < value.length; i++)
		buf_add_byte(out, text_lower(value.data[i]));
}

/* ---- what is in quarantine
 * ------------------------------------------------------------------------ */

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
	add_address(&address, buf_span(&text));
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
	if (claims->count)
		qsort(claims->items, claims->count, sizeof(*claims->items), compare_claims);
	return true;
}

/* ---- who claims it, and how it came by it
 * ---------------------------------------------------------- */

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

/* Calls `each` for every claim to what `value`, a text or a set of texts, holds. */
static void claims_each(
	const struct claims *claims, struct span value, claim_function *each, void *context)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
	CLEANUP(buf_release) struct buf address = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct claim *claim, *end = claims->items + claims->count;

	if (scan_type(value) == SCAN_ARRAY) {
		struct scan scan = scan_open(value);
		struct span element;

		while (scan_element(&scan, &element))
			if (scan_type(element) == SCAN_STRING)
				claims_each(claims, element, each, context);
		return;
	}
	if (scan_type(value) != SCAN_STRING)
		return;
	scan_text(value, &text);
	add_address(&address, buf_span(&text));
	claim = claims_find(claims, buf_span(&address));
	for (; claim && claim < end && span_equal(claim->address, buf_span(&address)); claim++)
		each(context, claim);
}

static const char *const claiming[] = {
	"proxyAddresses",
	"mail",
	"userPrincipalName",
	"otherMails",
	"imAddresses",
};

struct holder {
	const struct object *object;
	const char *attribute;
};

static void add_holder(void *context, struct claim *claim)
{
	const struct holder *holder = context;
	const struct object *object = holder->object;

	if (span_equal(object_id(object), claim->id) ||
		claim->claimant_count++ >= CLAIMANTS_NAMED_MAX)
		return;
	buf_addf(&claim->claimants, "; held by %s %.*s (%.*s) in %s%s", object_kind(object)->name,
		SPAN_FORMAT(object_name(object)), SPAN_FORMAT(object_id(object)), holder->attribute,
		object_deleted(object) ? ", deleted" : "");
}

static bool find_holders(void *context, struct span lines, struct error *err)
{
	const struct claims *claims = context;
	CLEANUP(object_freep) struct object *object = object_parse(lines, err);

	if (!object)
		return false;
	for (size_t i = 0; i < COUNT_OF(claiming); i++) {
		struct holder holder = { object, claiming[i] };
		struct span value = object_get_named(object, claiming[i]);

		if (value.data)
			claims_each(claims, value, add_holder, &holder);
	}
	return true;
}

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

static void add_gift(void *context, struct claim *claim)
{
	struct gift *gift = context;
	const struct fact *fact = gift->fact;

	gift->looked_for = claim;
	gift->had = false;
	if (fact->old_value.data)
		claims_each(gift->claims, fact->old_value, had_it, gift);
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

static bool is_claiming(const struct fact *fact)
{
	for (size_t i = 0; fact_is_write(fact) && fact->attribute && i < COUNT_OF(claiming); i++)
		if (strcmp(fact->attribute->name, claiming[i]) == 0)
			return true;
	return false;
}

/* Facts that brought an address to an object that did not have it in that attribute. */
static void find_gifts(const struct claims *claims)
{
	struct reconciling *reconciling = claims->reconciling;

	for (size_t i = 0; i < reconciling->fact_count; i++) {
		struct gift gift = { .claims = claims, .fact = &reconciling->first_fact[i] };

		if (is_claiming(gift.fact) && gift.fact->new_value.data)
			claims_each(claims, gift.fact->new_value, add_gift, &gift);
	}
}

/* ---- findings
 * -------------------------------------------------------------------------------------------- */

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

static void add_conflict(struct reconciling *reconciling, struct claim *claim, const char *reason)
{
	const struct event *deciding[REFERENCES_MAX];
	const struct fact *last = claim->event_count ? claim->events[claim->event_count - 1].fact
						     : NULL;
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
	findings_add(reconciling, &finding, deciding, claim->event_count);
}

static void report_claim(struct reconciling *reconciling, struct claim *claim)
{
	CLEANUP(buf_release) struct buf reason = BUF_UP_TO(2 * REASON_MAX);
	struct finding *finding = find_finding(reconciling->findings, claim);

	buf_addf(&reason, "%.*s is in quarantine here", SPAN_FORMAT(claim->address));
	buf_add_span(&reason, buf_span(&claim->claimants));
	if (claim->claimant_count > CLAIMANTS_NAMED_MAX)
		buf_addf(&reason, "; and %zu more", claim->claimant_count - CLAIMANTS_NAMED_MAX);
	if (!claim->claimant_count)
		buf_add_text(&reason, "; nobody in the snapshot holds it");
	if (finding)
		mark_finding(reconciling->findings, finding, &reason);
	else
		add_conflict(reconciling, claim, buf_text(&reason));
}

bool conflicts_find(struct reconciling *reconciling, struct error *err)
{
	CLEANUP(claims_release) struct claims claims = { .reconciling = reconciling };

	if (!claims_collect(&claims, err))
		return false;
	if (!claims.count)
		return true;
	if (!snapshot_each(reconciling->options->live, find_holders, &claims, err))
		return false;
	find_gifts(&claims);
	for (size_t i = 0; i < claims.count; i++)
		report_claim(reconciling, &claims.items[i]);
	return true;
}
