/*
 * A page of a list, in pieces. The first byte is their size. The page reader must agree with
 * the strict scanner about the whole: what it takes is one strict JSON object.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/scan.h"
#include "graph/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool see(void *context, struct span item, struct error *err)
{
	size_t *items = context;

	(void)err;
	assert(scan_type(item) == SCAN_OBJECT);
	++*items;
	return true;
}

static bool feed(struct page *page, struct span text, size_t piece_size, struct error *err)
{
	while (text.length) {
		struct span piece = { text.data,
			text.length < piece_size ? text.length : piece_size };

		if (!page_feed(page, piece, err))
			return false;
		text.data += piece.length;
		text.length -= piece.length;
	}
	return true;
}

static void read_page(struct span text, size_t piece_size)
{
	CLEANUP(page_release) struct page page;
	CLEANUP(page_links_release) struct page_links links = { 0 };
	struct error err = { 0 }, ignored = { 0 };
	size_t items = 0;

	page_init(&page, see, &items);
	if (!feed(&page, text, piece_size, &err) || !page_end(&page, &links, &err))
		assert(err.kind == ERROR_FORMAT);
	else if (!scan_check(text, &ignored))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1)
		read_page(
			(struct span){ (const char *)data + 1, size - 1 }, data[0] ? data[0] : 256);
	return 0;
}
