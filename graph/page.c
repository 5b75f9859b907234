/*
 * Reads one page of a list as it comes from the network, in pieces of any size:
 *
 *	{"@odata.context":"…","value":[{…},{…}],"@odata.nextLink":"…"}
 *
 * Each element of "value" is checked strictly (base/scan) where it arrives, and handed on; one that
 * goes on in the next piece is kept until it is whole. The rest, with an empty array in place, is
 * the envelope: small, and parsed strictly at the end. Items, commas and envelope together are
 * strict JSON exactly when the page is. "value" may stand before or after the links. At no time is
 * more held than one item and the envelope.
 */
#include "graph/list.h"

#include <assert.h>

#include "base/json.h"
#include "base/scan.h"

static const char value_key[] = "value", next_key[] = "@odata.nextLink",
		  delta_key[] = "@odata.deltaLink";

void page_init(struct page *page, graph_item_function *item, void *context)
{
	*page = (struct page){
		.item = item,
		.context = context,
		.envelope = BUF_UP_TO(GRAPH_ENVELOPE_MAX),
		.text = BUF_UP_TO(GRAPH_ITEM_MAX),
	};
}

void page_release(struct page *page)
{
	buf_release(&page->envelope);
	buf_release(&page->text);
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Moves over one byte of a string. */
static void step_string(struct page *page, char byte)
{
	if (page->escaped)
		page->escaped = false;
	else if (byte == '\\')
		page->escaped = true;
	else if (byte == '"')
		page->in_string = false;
}

/* ---- items --------------------------------------------------------------------------- */

enum {
	STRADDLING_MORE = 4096
}; /* of the next piece, to finish an item that began in the last one */

/* The default: one strictly checked object, for the item's function. */
static bool take_checked(void *context, struct span text, size_t *taken, struct error *err)
{
	struct page *page = context;

	if (!scan_prefix(text, NULL, NULL, taken, err))
		return false;
	return !*taken ||
		page->item(page->context, scan_trim((struct span){ text.data, *taken }), err);
}

/* `*taken` is 0 where the item goes on behind `text`. */
static bool take_item(struct page *page, struct span text, size_t *taken, struct error *err)
{
	bool good = page->take ? page->take(page->context, text, taken, err)
			       : take_checked(page, text, taken, err);

	if (!good)
		return error_prefix(err, "item %zu of the page", page->items);
	if (*taken)
		page->place = PLACE_BEHIND_ITEM;
	return true;
}

static bool begin_item(struct page *page, char byte, struct error *err)
{
	if (++page->items > GRAPH_PAGE_ITEMS_MAX)
		return error_set(
			err, ERROR_FORMAT, "a page of more than %d items", GRAPH_PAGE_ITEMS_MAX);
	if (byte != '{')
		return error_set(
			err, ERROR_FORMAT, "item %zu of the page is no object", page->items);
	page->place = PLACE_IN_ITEM;
	return true;
}

/* The item ended in a piece that was not looked at when it came: what lies behind it is read now. */
static bool go_on_behind_item(struct page *page, size_t taken, struct error *err)
{
	CLEANUP(buf_release) struct buf behind = BUF_UP_TO(GRAPH_ITEM_MAX);

	buf_add(&behind, page->text.data + taken, page->text.length - taken);
	buf_cut(&page->text, 0);
	page->text_next = 0;
	return page_feed(page, buf_span(&behind), err);
}

/*
 * More of an item that began in an earlier piece. It is looked at again only when there is twice
 * as much of it, so that a large item costs no more than twice its length.
 */
static bool go_on_with_item(struct page *page, struct span piece, size_t *used, struct error *err)
{
	size_t before = page->text.length, taken;
	size_t more = before > STRADDLING_MORE ? before : STRADDLING_MORE;

	if (page->text_next > before)
		more = page->text_next - before;
	*used = more < piece.length ? more : piece.length;
	buf_add(&page->text, piece.data, *used);
	if (!buf_check(&page->text, "an item of the page", err))
		return false;
	/* A short piece may well hold the end of a short item. */
	if (page->text.length < page->text_next && page->text.length > STRADDLING_MORE)
		return true;
	if (!take_item(page, buf_span(&page->text), &taken, err))
		return false;
	if (!taken) {
		page->text_next = 2 * page->text.length;
		return true;
	}
	if (taken <= before)
		return go_on_behind_item(page, taken, err);
	*used = taken - before;
	buf_cut(&page->text, 0);
	page->text_next = 0;
	return true;
}

/* What stands between items. `*used` is 0 where an item begins. */
static bool step_between(struct page *page, char byte, size_t *used, struct error *err)
{
	*used = 1;
	if (is_blank(byte))
		return true;
	if (byte == ']' && page->place != PLACE_BEFORE_ITEM) {
		page->place = PLACE_ENVELOPE;
		page->depth = 1;
		buf_add_byte(&page->envelope, ']');
		return true;
	}
	if (page->place == PLACE_BEHIND_ITEM) {
		page->place = PLACE_BEFORE_ITEM;
		return byte == ',' ||
			error_set(err, ERROR_FORMAT,
				"a comma or a bracket belongs behind item %zu of the page",
				page->items);
	}
	*used = 0;
	return begin_item(page, byte, err);
}

/* Takes items from the front of `piece`; returns how many bytes, or 0 with an error. */
static size_t take_items(struct page *page, struct span piece, struct error *err)
{
	size_t at = 0, used, taken;

	while (at < piece.length && page->place != PLACE_ENVELOPE) {
		struct span rest = { piece.data + at, piece.length - at };

		if (page->text.length) {
			if (!go_on_with_item(page, rest, &used, err))
				return 0;
			at += used;
			continue;
		}
		if (!step_between(page, *rest.data, &used, err))
			return 0;
		at += used;
		if (used)
			continue;
		if (!take_item(page, rest, &taken, err))
			return 0;
		if (!taken)
			buf_add_span(&page->text, rest);
		at += taken ? taken : rest.length;
	}
	return at;
}

/* ---- envelope ------------------------------------------------------------------------ */

static void step_key(struct page *page, char byte)
{
	if (!page->in_string)
		page->in_key = page->key_next = false;
	else if (page->key_length < sizeof(page->key))
		page->key[page->key_length++] = byte;
}

static bool begin_value(struct page *page, char byte, struct error *err)
{
	if (page->value_seen)
		return error_set(err, ERROR_FORMAT, "the page has \"value\" twice");
	if (byte != '[')
		return error_set(err, ERROR_FORMAT, "the page's \"value\" is no array");
	page->value_seen = true;
	page->place = PLACE_FIRST_ITEM;
	page->value_next = false;
	return true;
}

static bool key_is_value(const struct page *page)
{
	return page->key_length == sizeof(value_key) - 1 &&
		memcmp(page->key, value_key, sizeof(value_key) - 1) == 0;
}

/* Only members of the outermost object count: "value" inside another object is not ours. */
static bool step_envelope(struct page *page, char byte, struct error *err)
{
	if (page->in_string) {
		step_string(page, byte);
		if (page->in_key)
			step_key(page, byte);
		return true;
	}
	if (is_blank(byte))
		return true;
	if (page->value_next)
		return begin_value(page, byte, err);
	if (page->depth == 0 && byte != '{')
		return error_set(err, ERROR_FORMAT, "the page is not one JSON object");
	switch (byte) {
	case '"':
		page->in_string = true;
		page->in_key = page->depth == 1 && page->key_next;
		if (page->in_key)
			page->key_length = 0;
		break;
	case '{':
	case '[':
		page->key_next = page->depth++ == 0;
		break;
	case '}':
	case ']':
		page->depth--;
		break;
	case ',':
		page->key_next = page->depth == 1;
		break;
	case ':':
		page->value_next = page->depth == 1 && key_is_value(page);
		break;
	default:
		break;
	}
	return true;
}

/* What stands before the items names the page behind, as a rule: told before they come. */
static bool tell_link(struct page *page, struct error *err)
{
	CLEANUP(buf_release) struct buf head = BUF_UP_TO(GRAPH_ENVELOPE_MAX + 2);
	CLEANUP(json_freep) json_t *envelope = NULL;
	const char *link;

	buf_add_span(&head, buf_span(&page->envelope));
	buf_add_text(&head, "]}");
	envelope = json_parse(buf_span(&head), GRAPH_ENVELOPE_MAX + 2, err);
	if (!envelope)
		return error_prefix(err, "the page");
	link = json_text_or_null(envelope, next_key);
	return !link || page->linked(page->context, link, err);
}

static size_t take_envelope(struct page *page, struct span piece, struct error *err)
{
	size_t taken = 0;

	while (taken < piece.length && page->place == PLACE_ENVELOPE) {
		if (!step_envelope(page, piece.data[taken++], err))
			return 0;
	}
	buf_add(&page->envelope, piece.data, taken);
	if (!buf_check(&page->envelope, "the page without its items", err))
		return 0;
	return page->place == PLACE_ENVELOPE || !page->linked || tell_link(page, err) ? taken : 0;
}

/* ---- the whole ----------------------------------------------------------------------- */

bool page_feed(void *context, struct span piece, struct error *err)
{
	struct page *page = context;

	assert(!page->failed);
	while (piece.length) {
		size_t taken = page->place == PLACE_ENVELOPE ? take_envelope(page, piece, err)
							     : take_items(page, piece, err);

		if (!taken) {
			page->failed = true;
			return false;
		}
		piece = (struct span){ piece.data + taken, piece.length - taken };
	}
	return true;
}

static bool take_link(const json_t *envelope, const char *key, char **link, struct error *err)
{
	const json_t *value = json_object_get(envelope, key);

	if (value && !json_is_string(value))
		return error_set(err, ERROR_FORMAT, "the page's %s is no text", key);
	*link = value ? memory_text(json_string_value(value)) : NULL;
	return true;
}

/* The last pieces of a page may have been kept to be looked at when there are more of them. */
static bool settle(struct page *page, struct error *err)
{
	size_t taken;

	if (!page->text_next)
		return true;
	return take_item(page, buf_span(&page->text), &taken, err) &&
		(!taken || go_on_behind_item(page, taken, err));
}

bool page_end(struct page *page, struct page_links *links, struct error *err)
{
	CLEANUP(json_freep) json_t *envelope = NULL;
	CLEANUP(page_links_release) struct page_links found = { 0 };

	assert(!page->failed);
	if (!settle(page, err))
		return false;
	if (!page->envelope.length)
		return error_set(err, ERROR_FORMAT, "the answer is empty, and no list");
	if (page->place != PLACE_ENVELOPE || page->in_string || page->depth)
		return error_set(err, ERROR_FORMAT, "the page ends in its middle");
	envelope = json_parse(buf_span(&page->envelope), GRAPH_ENVELOPE_MAX, err);
	if (!envelope)
		return error_prefix(err, "the page");
	if (!page->value_seen)
		return error_set(err, ERROR_FORMAT, "the answer has no \"value\": it is no list");
	if (!take_link(envelope, next_key, &found.next, err) ||
		!take_link(envelope, delta_key, &found.delta, err))
		return false;
	if (found.next && found.delta)
		return error_set(
			err, ERROR_FORMAT, "the page has both %s and %s", next_key, delta_key);
	*links = (struct page_links){ TAKE(found.next), TAKE(found.delta) };
	return true;
}

void page_links_release(struct page_links *links)
{
	memory_free(links->next);
	memory_free(links->delta);
	*links = (struct page_links){ 0 };
}
