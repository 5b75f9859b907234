/*
 * Rows: the claims of the few lines that matter, exactly, each with the object that makes it.
 */
#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/claimants_internal.h"

void claim_rows_init(struct claim_rows *rows)
{
	*rows = (struct claim_rows){ .texts = texts_new() };
	claim_hasher_init(&rows->hasher);
}

void claim_rows_release(struct claim_rows *rows)
{
	for (size_t i = 0; i < rows->object_count; i++)
		memory_free(rows->objects[i]);
	memory_free(rows->objects);
	memory_free(rows->items);
	memory_free(rows->changed);
	hash_set_release(&rows->wanted);
	texts_free(rows->texts);
}

/* What in the kinds table a place is. */
static const char *const place_attributes[CLAIM_PLACES] = {
	[CLAIM_PRIMARY] = "proxyAddresses",
	[CLAIM_PROXY] = "proxyAddresses",
	[CLAIM_MAIL] = "mail",
	[CLAIM_SIGN_IN] = "userPrincipalName",
	[CLAIM_IM] = "imAddresses",
	[CLAIM_OTHER_MAIL] = "otherMails",
	[CLAIM_QUARANTINED_PROXY] = "proxyAddresses",
	[CLAIM_QUARANTINED_SIGN_IN] = "userPrincipalName",
};

const char *claim_place_attribute(enum claim_place place)
{
	return place_attributes[place];
}

static void find_doors(
	struct claim_object *kept, const struct object *object, const struct server_flows *flows)
{
	for (int i = 0; i < CLAIM_PLACES; i++) {
		const struct attribute *attribute = place_attributes[i]
			? attribute_find(kept->kind, span_of(place_attributes[i]))
			: NULL;

		kept->doors[i] = DOOR_MANUAL;
		/* Another value stands there afterwards, so nothing has to be cleared. */
		if (attribute)
			kept->doors[i] = door_of_value(object, attribute,
				(struct known_value){ true, SPAN_LITERAL("\"\"") }, flows);
	}
}

const struct claim_object *claim_rows_keep_object(
	struct claim_rows *rows, const struct object *object)
{
	struct claim_object *kept = memory_new(sizeof(*kept));

	kept->kind = object_kind(object);
	kept->id = texts_keep(rows->texts, object_id(object));
	kept->name = texts_keep(rows->texts, object_name(object));
	kept->mastery = object_mastery(object);
	kept->deleted = object_deleted(object);
	find_doors(kept, object, rows->flows);
	MEMORY_GROW(rows->objects, rows->object_count, rows->object_capacity);
	rows->objects[rows->object_count++] = kept;
	return kept;
}

struct adding {
	struct claim_rows *rows;
	const struct object *object;
	const struct claim_object *kept; /* NULL until the first row needs it */
	bool of_base;
};

static void add_row(void *context, enum claim_place place, struct span key)
{
	struct adding *adding = context;
	struct claim_rows *rows = adding->rows;

	if (!hash_set_has(&rows->wanted, claim_hash(&rows->hasher, key)))
		return;
	if (!adding->kept)
		adding->kept = claim_rows_keep_object(rows, adding->object);
	MEMORY_GROW(rows->items, rows->count, rows->capacity);
	rows->items[rows->count++] = (struct claim_row){
		.key = texts_keep(rows->texts, key),
		.object = adding->kept,
		.place = place,
		.of_base = adding->of_base,
		.since_ms = TIME_NONE,
	};
}

/* Since when the values of this object are in quarantine: told beside them. */
static void add_times(struct adding *adding, size_t first)
{
	struct span errors = object_get_named(adding->object, "onPremisesProvisioningErrors"),
		    entry;
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(CLAIM_KEY_MAX);
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct scan scan;

	if (!errors.data || scan_type(errors) != SCAN_ARRAY)
		return;
	for (scan = scan_open(errors); scan_element(&scan, &entry);) {
		struct span value, when;
		int64_t ms;

		if (scan_type(entry) != SCAN_OBJECT)
			continue;
		value = scan_find(entry, "value");
		when = scan_find(entry, "occurredDateTime");
		if (!value.data || scan_type(value) != SCAN_STRING || !when.data ||
			scan_type(when) != SCAN_STRING || !time_parse(scan_text_direct(when), &ms))
			continue;
		buf_cut(&text, 0);
		buf_cut(&key, 0);
		scan_text(value, &text);
		claim_add_key(&key, buf_span(&text), true);
		for (size_t i = first; i < adding->rows->count; i++)
			if (BIT(adding->rows->items[i].place) & PLACES_WAITING &&
				span_equal(adding->rows->items[i].key, buf_span(&key)))
				adding->rows->items[i].since_ms = ms;
	}
}

bool claim_rows_add_line(struct claim_rows *rows, struct claim_room *room, struct span line,
	bool of_base, struct error *err)
{
	CLEANUP(object_freep) struct object *object = object_parse(line, err);
	struct adding adding = { .rows = rows, .object = object, .of_base = of_base };
	size_t first = rows->count;

	if (!object || !claims_of_line(room, line, add_row, &adding, err))
		return false;
	if (adding.kept)
		add_times(&adding, first);
	return true;
}
