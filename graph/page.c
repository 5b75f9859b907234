/*
 * Reads one page of a list as it comes from the network, in pieces of any size:
 *
 *	{"@odata.context":"…","value":[{…},{…}],"@odata.nextLink":"…"}
 *
 * The elements of "value" are split by counting brackets outside of strings, and each is
 * checked strictly (base/scan) and handed on. The rest, with an empty array in place, is the
 * envelope: small, and parsed strictly at the end. Items and envelope together are strict JSON
 * exactly when the page is, so that splitting needs no grammar of its own. "value" may stand
 * before or after the link. At no time is more held than one item and the envelope.
 */
#include "graph/graph_internal.h"

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

/* Checks and hands on what stood between two commas; `last`: between a comma and the bracket. */
static bool end_item(struct page *page, struct span text, bool last, struct error *err)
{
	struct span item = scan_trim(text);

	if (!item.length && last && !page->separated)
		return true;
	if (++page->items > GRAPH_PAGE_ITEMS_MAX)
		return error_set(
			err, ERROR_FORMAT, "a page of more than %d items", GRAPH_PAGE_ITEMS_MAX);
	if (!scan_check(item, err))
		return error_prefix(err, "item %zu of the page", page->items);
	if (scan_type(item) != SCAN_OBJECT)
		return error_set(
			err, ERROR_FORMAT, "item %zu of the page is no object", page->items);
	return page->item(page->context, item, err);
}

/* The item's text: borrowed from this piece where all of it is here. */
static bool close_item(struct page *page, struct span here, bool last, struct error *err)
{
	struct span text = here;
	bool done;

	if (page->text.length || page->text.overflowed || here.length > GRAPH_ITEM_MAX) {
		buf_add_span(&page->text, here);
		if (!buf_check(&page->text, "an item of the page", err))
			return false;
		text = buf_span(&page->text);
	}
	done = end_item(page, text, last, err);
	buf_cut(&page->text, 0);
	page->separated = !last;
	return done;
}

/* True at a byte that ends an item: a comma or the closing bracket, outside of all others. */
static bool step_item(struct page *page, char byte)
{
	if (page->in_string) {
		step_string(page, byte);
		return false;
	}
	switch (byte) {
	case '"':
		page->in_string = true;
		return false;
	case '{':
	case '[':
		page->depth++;
		return false;
	case '}':
	case ']':
		if (page->depth) {
			page->depth--;
			return false;
		}
		return byte == ']';
	case ',':
		return page->depth == 0;
	default:
		return false;
	}
}

/* Takes items from the front of `piece`; returns how many bytes, or 0 with an error. */
static size_t take_items(struct page *page, struct span piece, struct error *err)
{
	size_t from = 0;

	for (size_t i = 0; i < piece.length; i++) {
		struct span here = { piece.data + from, i - from };
		bool last = piece.data[i] == ']';

		if (!step_item(page, piece.data[i]))
			continue;
		if (!close_item(page, here, last, err))
			return 0;
		from = i + 1;
		if (last) {
			page->in_items = false;
			page->depth = 1;
			buf_add_byte(&page->envelope, ']');
			return from;
		}
	}
	buf_add(&page->text, piece.data + from, piece.length - from);
	return buf_check(&page->text, "an item of the page", err) ? piece.length : 0;
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
	page->value_seen = page->in_items = true;
	page->value_next = false;
	page->depth = 0;
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

	while (taken < piece.length && !page->in_items) {
		if (!step_envelope(page, piece.data[taken++], err))
			return 0;
	}
	buf_add(&page->envelope, piece.data, taken);
	if (!buf_check(&page->envelope, "the page without its items", err))
		return 0;
	return !page->in_items || !page->linked || tell_link(page, err) ? taken : 0;
}

/* ---- the whole ----------------------------------------------------------------------- */

bool page_feed(void *context, struct span piece, struct error *err)
{
	struct page *page = context;

	assert(!page->failed);
	while (piece.length) {
		size_t taken = page->in_items ? take_items(page, piece, err)
					      : take_envelope(page, piece, err);

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

bool page_end(struct page *page, struct page_links *links, struct error *err)
{
	CLEANUP(json_freep) json_t *envelope = NULL;
	CLEANUP(page_links_release) struct page_links found = { 0 };

	assert(!page->failed);
	if (page->in_items || page->in_string || page->depth)
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
