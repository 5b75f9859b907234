#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph/list.h"

struct seen {
	struct buf items; /* one a line */
	size_t count;
};

static bool see(void *context, struct span item, struct error *err)
{
	struct seen *seen = context;

	(void)err;
	buf_addf(&seen->items, "%.*s\n", SPAN_FORMAT(item));
	seen->count++;
	return true;
}

/* Reads `text` in pieces of `size` bytes. */
static bool read_in_pieces(const char *text, size_t length, size_t size, struct seen *seen,
	struct page_links *links, struct error *err)
{
	CLEANUP(page_release) struct page page;

	page_init(&page, see, seen);
	for (size_t at = 0; at < length; at += size) {
		struct span piece = { text + at, length - at < size ? length - at : size };

		if (!page_feed(&page, piece, err))
			return false;
	}
	return page_end(&page, links, err);
}

static void refuse(const char *text, const char *why)
{
	for (size_t size = 1; size <= strlen(text); size++) {
		struct seen seen = { .items = BUF_UP_TO(1 << 20) };
		struct error err = { 0 };
		CLEANUP(page_links_release) struct page_links links = { 0 };
		bool read = read_in_pieces(text, strlen(text), size, &seen, &links, &err);

		buf_release(&seen.items);
		if (read)
			fail_msg("%s was read in pieces of %zu", text, size);
		assert_int_equal(err.kind, ERROR_FORMAT);
		if (!strstr(err.text, why))
			fail_msg("%s: \"%s\" does not have \"%s\"", text, err.text, why);
	}
}

static void accept(const char *text, const char *items, const char *link)
{
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		struct seen seen = { .items = BUF_UP_TO(1 << 20) };
		CLEANUP(page_release) struct page page;
		CLEANUP(page_links_release) struct page_links links = { 0 };
		struct error err = { 0 };

		page_init(&page, see, &seen);
		if (!page_feed(&page, (struct span){ text, cut }, &err) ||
			!page_feed(&page, (struct span){ text + cut, strlen(text) - cut }, &err) ||
			!page_end(&page, &links, &err))
			fail_msg("cut at %zu: %s", cut, err.text);
		assert_string_equal(buf_text(&seen.items), items);
		if (link)
			assert_string_equal(links.next, link);
		else
			assert_null(links.next);
		buf_release(&seen.items);
	}
}

static void a_page_gives_the_same_items_wherever_it_is_cut(void **state)
{
	(void)state;
	accept("{\"@odata.context\":\"x\",\"value\":[{\"id\":\"1\"} , {\"a\":[1,{\"b\":2}]},"
	       "{\"t\":\"],}\\\"{[\"}],\"@odata.nextLink\":\"https://g/next\"}",
		"{\"id\":\"1\"}\n{\"a\":[1,{\"b\":2}]}\n{\"t\":\"],}\\\"{[\"}\n", "https://g/next");
}

static void the_link_may_stand_before_the_items(void **state)
{
	(void)state;
	accept("{\"@odata.nextLink\":\"https://g/n?a=\\u0031\",\"value\":[{\"id\":\"1\"}]}",
		"{\"id\":\"1\"}\n", "https://g/n?a=1");
}

static void a_page_without_next_link_is_the_last(void **state)
{
	(void)state;
	accept("{\"value\":[]}", "", NULL);
	accept(" {\r\n \"value\" : [ \t] }\n ", "", NULL);
}

static void value_inside_of_items_or_other_members_is_not_the_list(void **state)
{
	(void)state;
	accept("{\"other\":{\"value\":[1,2]},\"names\":[\"value\"],\"text\":\"value\","
	       "\"value\":[{\"value\":[{\"value\":3}]}]}",
		"{\"value\":[{\"value\":3}]}\n", NULL);
}

static void a_page_without_a_list_is_an_error_and_not_empty(void **state)
{
	(void)state;
	refuse("{}", "no \"value\"");
	refuse("{\"values\":[]}", "no \"value\"");
	refuse("{\"x\":{\"value\":[]}}", "no \"value\"");
	refuse("{\"\\u0076alue\":[]}", "no \"value\"");
	refuse("{\"value\":null}", "no array");
	refuse("{\"value\":{}}", "no array");
	refuse("{\"value\":\"[]\"}", "no array");
	refuse("[{\"value\":[]}]", "not one JSON object");
	refuse("<html></html>", "not one JSON object");
	refuse("null", "not one JSON object");
}

static void a_page_with_two_lists_is_refused(void **state)
{
	(void)state;
	refuse("{\"value\":[],\"value\":[]}", "twice");
	refuse("{\"value\":[],\"\\u0076alue\":[]}", "the page");
	refuse("{\"@odata.nextLink\":\"a\",\"value\":[],\"@odata.nextLink\":\"b\"}", "the page");
}

static void hostile_pages_are_refused(void **state)
{
	(void)state;
	refuse("{\"value\":[{}", "middle");
	refuse("{\"value\":[{}]", "middle");
	refuse("{\"value\":[{\"a", "middle");
	refuse("{\"value\":[{}]}x", "not one JSON object");
	refuse("{\"value\":[{}]}{}", "the page");
	refuse("{\"value\":[{},]}", "item 2");
	refuse("{\"value\":[,{}]}", "item 1");
	refuse("{\"value\":[,]}", "item 1");
	refuse("{\"value\":[{}{}]}", "item 1");
	refuse("{\"value\":[{]}]}", "item 1");
	refuse("{\"value\":[{\"a\":1,\"a\":2}]}", "item 1");
	refuse("{\"value\":[{\"a\":\"\\ud800\"}]}", "item 1");
	refuse("{\"value\":[1]}", "no object");
	refuse("{\"value\":[null]}", "no object");
	refuse("{\"value\":[[]]}", "no object");
	refuse("{\"value\" \"x\":[]}", "the page");
	refuse("{\"value\"::[]}", "no array");
	refuse("{\"value\":[]]}", "the page");
	refuse("{,\"value\":[]}", "the page");
	refuse("{\"value\":[],\"@odata.nextLink\":7}", "no text");
	refuse("{\"value\":[],\"@odata.nextLink\":null}", "no text");
	refuse("{\"value\":[],\"@odata.nextLink\":\"a\\u0000b\"}", "");
}

static void an_empty_answer_is_refused(void **state)
{
	struct seen seen = { .items = BUF_UP_TO(16) };
	struct error err = { 0 };
	struct page_links next = { 0 };

	(void)state;
	assert_false(read_in_pieces("", 0, 1, &seen, &next, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

static void a_large_envelope_is_refused_while_it_comes(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	struct seen seen = { .items = BUF_UP_TO(16) };
	struct error err = { 0 };
	struct page_links next = { 0 };

	(void)state;
	buf_add_text(&text, "{\"x\":\"");
	while (text.length <= GRAPH_ENVELOPE_MAX)
		buf_add_text(&text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	assert_false(read_in_pieces(text.data, text.length, 1000, &seen, &next, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "without its items"));
}

static void a_large_item_is_refused_while_it_comes(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(GRAPH_ITEM_MAX + 4096);
	struct seen seen = { .items = BUF_UP_TO(16) };
	struct error err = { 0 };
	struct page_links next = { 0 };

	(void)state;
	buf_add_text(&text, "{\"value\":[{\"x\":\"");
	while (text.length <= GRAPH_ITEM_MAX + 100)
		buf_add_text(&text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	assert_false(read_in_pieces(text.data, text.length, 5000, &seen, &next, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "an item of the page"));
}

static void too_many_items_are_refused(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	struct seen seen = { .items = BUF_UP_TO(16) };
	struct error err = { 0 };
	struct page_links next = { 0 };

	(void)state;
	buf_add_text(&text, "{\"value\":[{}");
	for (size_t i = 0; i < GRAPH_PAGE_ITEMS_MAX; i++)
		buf_add_text(&text, ",{}");
	buf_add_text(&text, "]}");
	assert_false(read_in_pieces(text.data, text.length, 5000, &seen, &next, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_int_equal(seen.count, GRAPH_PAGE_ITEMS_MAX);
	buf_release(&seen.items);
}

/* What of a large item is not looked at when it comes holds the items behind it, or the page's end. */
static void large_items_give_the_same_in_pieces_of_any_size(void **state)
{
	static const size_t lengths[] = { 3000, 9000, 70000, 140000 };
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	CLEANUP(buf_release) struct buf items = BUF_UP_TO(1 << 20);

	(void)state;
	buf_add_text(&text, "{\"value\":[");
	for (size_t i = 0; i < 12; i++) {
		CLEANUP(buf_release) struct buf item = BUF_UP_TO(1 << 20);

		buf_addf(&item, "{\"id\":\"%zu\",\"mail\":\"", i);
		for (size_t j = 0; i % 3 && j < lengths[i % 4]; j++)
			buf_add_byte(&item, 'a');
		buf_add_text(&item, "\"}");
		buf_addf(&text, "%s%s", i ? "," : "", buf_text(&item));
		buf_addf(&items, "%s\n", buf_text(&item));
	}
	buf_add_text(&text, "]}");
	for (size_t size = 997; size < text.length; size += size / 3) {
		struct seen seen = { .items = BUF_UP_TO(1 << 20) };
		CLEANUP(page_links_release) struct page_links links = { 0 };
		struct error err = { 0 };

		if (!read_in_pieces(text.data, text.length, size, &seen, &links, &err))
			fail_msg("pieces of %zu: %s", size, err.text);
		assert_string_equal(buf_text(&seen.items), buf_text(&items));
		buf_release(&seen.items);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_gives_the_same_items_wherever_it_is_cut),
		cmocka_unit_test(the_link_may_stand_before_the_items),
		cmocka_unit_test(a_page_without_next_link_is_the_last),
		cmocka_unit_test(value_inside_of_items_or_other_members_is_not_the_list),
		cmocka_unit_test(a_page_without_a_list_is_an_error_and_not_empty),
		cmocka_unit_test(a_page_with_two_lists_is_refused),
		cmocka_unit_test(hostile_pages_are_refused),
		cmocka_unit_test(an_empty_answer_is_refused),
		cmocka_unit_test(a_large_envelope_is_refused_while_it_comes),
		cmocka_unit_test(a_large_item_is_refused_while_it_comes),
		cmocka_unit_test(too_many_items_are_refused),
		cmocka_unit_test(large_items_give_the_same_in_pieces_of_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
