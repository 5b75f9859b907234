/*
 * Parking: a value in a circle first becomes one that nobody holds, so that the others can move, and
 * becomes what is wanted in the end. A parking address is
 *
 *	unstage-parking-<8 hexadecimal digits>@<domain>
 *
 * The digits are a hash of the object's id and the attribute, and of a counter where they stand
 * anywhere in live already, or in this plan. The domain is that of the value which the
 * object holds now, so the tenant has verified it, and a federated name stays in its domain.
 */
#include <sodium.h>
#include <stdio.h>

#include "base/scan.h"
#include "base/text.h"
#include "rollback/plan_internal.h"

enum { DIGITS = 8, WHY_BYTES = 512 };

void parkings_release(struct parkings *parkings)
{
	memory_free(parkings->items);
	*parkings = (struct parkings){ 0 };
}

void parkings_add(struct parkings *parkings, uint32_t number)
{
	MEMORY_GROW(parkings->items, parkings->count, parkings->capacity);
	parkings->items[parkings->count++] = number;
}

/* ---- those that stand in live ------------------------------------------------------------- */

static bool parse_digits(struct span text, uint32_t *number)
{
	static const char digits[] = "0123456789abcdef";

	*number = 0;
	for (size_t i = 0; i < DIGITS; i++) {
		int digit = i < text.length ? text_lower(text.data[i]) : '\0';
		const char *at = digit ? strchr(digits, digit) : NULL;

		if (!at)
			return false;
		*number = *number << 4 | (uint32_t)(at - digits);
	}
	return true;
}

/* By its hyphens: few bytes of a line are one, and of these few follow such a word. */
void parkings_note(struct parkings *parkings, struct span lines)
{
	static const char word[] = "unstage", prefix[] = PARKING_PREFIX;
	const size_t before = sizeof(word) - 1, length = sizeof(prefix) - 1;
	const char *end = lines.data + lines.length, *at = lines.data;

	while (at < end && (at = memchr(at, '-', (size_t)(end - at)))) {
		const char *start = at++ - before;
		struct span text = { start, (size_t)(end - start) };
		uint32_t number;

		if (start < lines.data || text.length < length + DIGITS ||
			text_compare_caseless((struct span){ start, length },
				(struct span){ prefix, length }) != 0)
			continue;
		if (parse_digits((struct span){ start + length, text.length - length }, &number))
			parkings_add(parkings, number);
	}
}

static bool stands(const struct parkings *parkings, uint32_t number)
{
	for (size_t i = 0; i < parkings->count; i++)
		if (parkings->items[i] == number)
			return true;
	return false;
}

/* ---- a value to park at ------------------------------------------------------------------- */

static uint32_t hash_of(const struct plan_step *step, unsigned counter)
{
	char text[256];
	unsigned char digest[crypto_generichash_BYTES];

	snprintf(text, sizeof(text), "%s %s %u", step->id, step->attribute->name, counter);
	crypto_generichash(
		digest, sizeof(digest), (const unsigned char *)text, strlen(text), NULL, 0);
	return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
		digest[3];
}

static struct span domain_of(struct span address)
{
	const char *at = address.length ? memrchr(address.data, '@', address.length) : NULL;

	return at ? (struct span){ at, (size_t)(address.data + address.length - at) } : SPAN_NONE;
}

static void add_address(struct buf *out, const struct plan_step *step, struct span beside,
	struct parkings *parkings)
{
	uint32_t number;

	for (unsigned counter = 0;; counter++) {
		number = hash_of(step, counter);
		if (!stands(parkings, number))
			break;
	}
	parkings_add(parkings, number);
	buf_addf(out, PARKING_PREFIX "%08x%.*s", number, SPAN_FORMAT(domain_of(beside)));
}

/* The first smtp address of a set, appended without its scheme. */
static void add_first_smtp(struct buf *out, struct span set)
{
	struct scan scan = scan_open(set);
	struct span element;

	while (set.data && !out->length && scan_element(&scan, &element)) {
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
		struct address address;

		value_add_text(&text, element);
		address = address_parse(buf_span(&text));
		if (address.smtp && domain_of(address.value).data)
			buf_add_span(out, address.value);
	}
}

/* An address that the step's object holds, to park beside it. */
static void add_beside(struct buf *out, const struct plan_step *step)
{
	if (is_sign_in_name(step->attribute))
		value_add_text(out, step->from);
	else
		add_first_smtp(out, step->from);
}

unsigned draft_parking_rank(const struct draft *draft)
{
	const struct plan_step *step = &draft->step;
	CLEANUP(buf_release) struct buf beside = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (!draft_is_ours(draft) || step->operation != GRAPH_SET || !draft->release_count ||
		(!is_sign_in_name(step->attribute) &&
			step->attribute->compare != COMPARE_ADDRESSES))
		return 0;
	add_beside(&beside, step);
	if (!domain_of(buf_span(&beside)).data)
		return 0;
	return step->door == DOOR_GRAPH ? 2 : 1;
}

static void add_parked_name(struct buf *out, const struct plan_step *step, struct span beside,
	struct parkings *parkings)
{
	CLEANUP(buf_release) struct buf address = BUF_UP_TO(DIRECTORY_LINE_MAX);

	add_address(&address, step, beside, parkings);
	scan_quote(buf_span(&address), out);
}

/* What both sets have stays as it is; a set that had a primary address gets one again. */
static void add_parked_set(struct buf *out, const struct plan_step *step, struct span beside,
	struct parkings *parkings)
{
	CLEANUP(buf_release) struct buf set = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct scan scan = scan_open(step->from);
	struct span element;
	bool had = false, has = false;

	while (scan_element(&scan, &element)) {
		CLEANUP(buf_release) struct buf key = BUF_UP_TO(DIRECTORY_LINE_MAX);
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
		bool primary;

		element_add_key(&key, step->attribute, element);
		value_add_text(&text, element);
		primary = address_parse(buf_span(&text)).primary;
		had |= primary;
		if (!set_find(step->attribute, step->to, buf_span(&key)).data)
			continue;
		has |= primary;
		buf_add_byte(&set, set.length ? ',' : '[');
		buf_add_span(&set, element);
	}
	if (had && !has) {
		buf_addf(&set, "%c\"SMTP:", set.length ? ',' : '[');
		add_address(&set, step, beside, parkings);
		buf_add_byte(&set, '"');
	}
	if (set.length)
		buf_add_byte(&set, ']');
	buf_add_span(out, buf_span(&set));
}

static struct span parked_value(
	struct plan *plan, const struct plan_step *step, struct parkings *parkings)
{
	CLEANUP(buf_release) struct buf beside = BUF_UP_TO(DIRECTORY_LINE_MAX);
	CLEANUP(buf_release) struct buf value = BUF_UP_TO(DIRECTORY_LINE_MAX);
	CLEANUP(buf_release) struct buf canonical = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct error err = { 0 };

	add_beside(&beside, step);
	if (is_sign_in_name(step->attribute))
		add_parked_name(&value, step, buf_span(&beside), parkings);
	else
		add_parked_set(&value, step, buf_span(&beside), parkings);
	/* Made of canonical elements: only their order can be wrong. */
	if (!value.length ||
		!value_add_canonical(&canonical, step->attribute, buf_span(&value), &err))
		return SPAN_NONE;
	return canonical.length ? plan_keep_value(plan, buf_span(&canonical)) : SPAN_NONE;
}

/* ---- the step ----------------------------------------------------------------------------- */

static const char *parking_reason(struct plan *plan, const struct draft *draft)
{
	CLEANUP(buf_release) struct buf why = BUF_UP_TO(DIRECTORY_LINE_MAX);

	buf_addf(&why,
		"parked for a while: steps of this plan pass addresses on in a circle, and the "
		"others can move only once this object has let go of ");
	for (size_t i = 0; i < draft->release_count; i++) {
		if (why.length > WHY_BYTES) {
			buf_addf(&why, ", and %zu more", draft->release_count - i);
			break;
		}
		buf_addf(&why, "%s%.*s", i ? ", " : "", SPAN_FORMAT(draft->releases[i]));
	}
	return plan_keep_span(plan, buf_span(&why));
}

void plan_park(struct plan *plan, struct drafts *drafts, size_t index, struct parkings *parkings)
{
	struct draft parking = drafts->items[index];

	parking.step.to = parked_value(plan, &parking.step, parkings);
	parking.step.why = parking_reason(plan, &parking);
	parking.until = index + 1;
	MEMORY_GROW(drafts->items, drafts->count, drafts->capacity);
	drafts->items[drafts->count++] = parking;
	drafts->items[index].step.from = parking.step.to;
}
