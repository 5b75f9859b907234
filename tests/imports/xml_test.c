/* The XML reader: what it tells, and what it refuses and where. */
#include "imports/xml.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/memory.h"

enum { TOLD_MAX = 1 << 20, PIPE_BYTES = 1 << 16 };

struct told {
	struct buf text;
	const char *stop_at; /* the element that is enough */
	const char *wrong;   /* the element that is an error */
};

static bool told_start(void *context, unsigned depth, const char *name,
	const char *const *attributes, struct error *err)
{
	struct told *told = context;

	buf_addf(&told->text, "<%u:%s", depth, name);
	for (; *attributes; attributes += 2)
		buf_addf(&told->text, " %s=%s", attributes[0], attributes[1]);
	buf_add_text(&told->text, ">");
	if (told->wrong && strcmp(told->wrong, name) == 0)
		return error_set(err, ERROR_REFUSED, "not this one");
	return !told->stop_at || strcmp(told->stop_at, name) != 0;
}

static bool told_end(
	void *context, unsigned depth, const char *name, struct span text, struct error *err)
{
	struct told *told = context;

	(void)err;
	buf_addf(&told->text, "[%.*s]</%u:%s>", SPAN_FORMAT(text), depth, name);
	return true;
}

static const struct xml_events events = { .start = told_start, .end = told_end };

#define TOLD                                                                                       \
	{                                                                                          \
		.text = BUF_UP_TO(TOLD_MAX)                                                        \
	}

static void told_release(struct told *told)
{
	buf_release(&told->text);
}

static bool read_text(struct span text, struct told *told, struct error *err)
{
	return xml_read_text(text, "file.xml", &events, told, err);
}

static void assert_told(struct span text, const char *wanted)
{
	struct error err = { 0 };
	CLEANUP(told_release) struct told told = TOLD;
	bool read = read_text(text, &told, &err);

	assert_string_equal(err.text, "");
	assert_true(read);
	assert_string_equal(buf_text(&told.text), wanted);
}

static void assert_refused(struct span text, const char *wanted)
{
	struct error err = { 0 };
	CLEANUP(told_release) struct told told = TOLD;

	assert_false(read_text(text, &told, &err));
	assert_string_equal(err.text, wanted);
	assert_int_equal(err.kind, ERROR_FORMAT);
}

/* ---- what it tells ------------------------------------------------------------------ */

static void elements_attributes_and_text_arrive_in_order(void **state)
{
	(void)state;
	assert_told(
		SPAN_LITERAL(
			"<?xml version=\"1.0\"?>\n<a x='1' y='&lt;2'><b>t&amp;u<![CDATA[<v>]]></b><c/></a>\n"),
		"<1:a x=1 y=<2><2:b>[t&u<v>]</2:b><2:c>[]</2:c>[]</1:a>");
}

static void text_of_a_leaf_is_whole_wherever_it_is_cut(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TOLD_MAX);
	CLEANUP(buf_release) struct buf wanted = BUF_UP_TO(TOLD_MAX);

	(void)state;
	buf_add_text(&text, "<a>");
	buf_add_text(&wanted, "<1:a>[");
	for (unsigned i = 0; i < 20000; i++) {
		buf_addf(&text, "%u\n&#xe4;", i);
		buf_addf(&wanted, "%u\n\xc3\xa4", i);
	}
	buf_add_text(&text, "</a>");
	buf_add_text(&wanted, "]</1:a>");
	assert_told(buf_span(&text), buf_text(&wanted));
}

static void utf_16_with_a_mark_of_order_arrives_as_utf_8(void **state)
{
	static const char text[] = "<a>\xc3\xa4</a>";
	static const uint16_t units[] = { 0xfeff, '<', 'a', '>', 0xe4, '<', '/', 'a', '>' };
	char little[sizeof(units)], big[sizeof(units)];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		little[2 * i] = big[2 * i + 1] = (char)(units[i] & 0xff);
		little[2 * i + 1] = big[2 * i] = (char)(units[i] >> 8);
	}
	assert_told((struct span){ little, sizeof(little) }, "<1:a>[\xc3\xa4]</1:a>");
	assert_told((struct span){ big, sizeof(big) }, "<1:a>[\xc3\xa4]</1:a>");
	assert_told(SPAN_LITERAL("\xef\xbb\xbf<a>\xc3\xa4</a>"), "<1:a>[\xc3\xa4]</1:a>");
	assert_told(span_of(text), "<1:a>[\xc3\xa4]</1:a>");
}

static void a_declared_encoding_is_not_believed(void **state)
{
	(void)state;
	assert_told(SPAN_LITERAL("<?xml version='1.0' encoding='utf-16'?><a>\xc3\xa4</a>"),
		"<1:a>[\xc3\xa4]</1:a>");
	assert_told(SPAN_LITERAL("\xef\xbb\xbf<?xml version='1.0' encoding='utf-16'?><a/>"),
		"<1:a>[]</1:a>");
	assert_refused(SPAN_LITERAL("<?xml version='1.0' encoding='iso-8859-1'?><a>\xe4</a>"),
		"file.xml: line 1, byte 46: not well-formed (invalid token)");
}

static void a_reader_may_have_seen_enough(void **state)
{
	struct error err = { 0 };
	CLEANUP(told_release) struct told told = TOLD;

	(void)state;
	told.stop_at = "b";
	assert_true(read_text(SPAN_LITERAL("<a><b/><c/></a> and no XML"), &told, &err));
	assert_string_equal(buf_text(&told.text), "<1:a><2:b>");
}

static void an_error_of_the_reader_gets_its_place_and_keeps_its_kind(void **state)
{
	struct error err = { 0 };
	CLEANUP(told_release) struct told told = TOLD;

	(void)state;
	told.wrong = "c";
	assert_false(read_text(SPAN_LITERAL("<a>\n<b/>\n<c/></a>"), &told, &err));
	assert_string_equal(err.text, "file.xml: line 3, byte 9: not this one");
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static void attributes_are_found_by_name(void **state)
{
	static const char *const attributes[] = { "a", "1", "bc", "2", NULL };

	(void)state;
	assert_string_equal(xml_attribute(attributes, "bc"), "2");
	assert_null(xml_attribute(attributes, "b"));
}

/* ---- what it refuses ---------------------------------------------------------------- */

static void a_document_type_is_refused_whatever_is_in_it(void **state)
{
	(void)state;
	assert_refused(SPAN_LITERAL("<!DOCTYPE a><a/>"),
		"file.xml: line 1, byte 11: a document type declaration; these files have none, and "
		"none is read");
	assert_refused(
		SPAN_LITERAL("<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"),
		"file.xml: line 2, byte 34: a document type declaration; these files have none, and "
		"none is read");
	assert_refused(SPAN_LITERAL("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"),
		"file.xml: line 1, byte 39: a document type declaration; these files have none, and "
		"none is read");
	assert_refused(SPAN_LITERAL("<a>&x;</a>"), "file.xml: line 1, byte 3: undefined entity");
}

static void elements_300_deep_are_refused_at_the_limit(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TOLD_MAX);

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		buf_add_text(&text, "<a>");
	for (unsigned i = 0; i < 300; i++)
		buf_add_text(&text, "</a>");
	assert_refused(buf_span(&text),
		"file.xml: line 1, byte 192: elements lie too deep in one another");
}

static void names_have_a_limit_in_length_and_in_number(void **state)
{
	CLEANUP(buf_release) struct buf longest = BUF_UP_TO(TOLD_MAX);
	CLEANUP(buf_release) struct buf many = BUF_UP_TO(TOLD_MAX);

	(void)state;
	buf_addf(&longest, "<%0*d/>", XML_NAME_MAX + 1, 0);
	longest.data[1] = 'a';
	assert_refused(
		buf_span(&longest), "file.xml: line 1, byte 0: a name of more than 256 bytes");
	buf_add_text(&many, "<a>");
	for (unsigned i = 0; i < XML_NAMES_MAX; i++)
		buf_addf(&many, "<b%04u/>", i);
	assert_refused(buf_span(&many),
		"file.xml: line 1, byte 8187: too many different names of elements and attributes");
}

/* A parent writes `count` times `repeated` between `before` and `after` into a pipe. */
static void assert_pipe_refused(
	const char *before, const char *repeated, uint64_t count, const char *wanted)
{
	struct error err = { 0 };
	struct rusage usage;
	int ends[2];
	pid_t child;
	long memory;

	assert_int_equal(pipe(ends), 0);
	getrusage(RUSAGE_SELF, &usage);
	memory = usage.ru_maxrss;
	child = fork();
	if (child == 0) {
		FILE *out = fdopen(ends[1], "w");

		close(ends[0]);
		(void)fputs(before, out);
		for (uint64_t i = 0; i < count; i++)
			if (fputs(repeated, out) == EOF)
				break;
		_exit(0);
	}
	close(ends[1]);
	{
		CLEANUP(told_release) struct told told = TOLD;

		assert_false(xml_read_descriptor(ends[0], "pipe", &events, &told, &err));
	}
	close(ends[0]);
	waitpid(child, NULL, 0);
	assert_string_equal(err.text, wanted);
	assert_int_equal(err.kind, ERROR_FORMAT);
	getrusage(RUSAGE_SELF, &usage);
	assert_true(usage.ru_maxrss - memory < 128 << 10);
}

static void a_gigabyte_in_one_place_is_refused_in_little_memory(void **state)
{
	static const char kilobyte[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_pipe_refused("<a>\n<b x='", kilobyte, 1 << 20,
		"pipe: line 2, byte 4: a tag or comment of more than 1048576 bytes");
	assert_pipe_refused("<a><!-- ", kilobyte, 1 << 20,
		"pipe: line 1, byte 3: a tag or comment of more than 1048576 bytes");
	assert_pipe_refused(
		"<a><", kilobyte, 1 << 20, "pipe: line 1, byte 4: not well-formed (invalid token)");
	assert_pipe_refused("<a><a", kilobyte, 1 << 20,
		"pipe: line 1, byte 3: a tag or comment of more than 1048576 bytes");
}

/* The root, blanks up to `from`, and a tag of `length` bytes. */
static void read_long_tag(size_t from, size_t length, struct told *told, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(8 << 20);
	size_t begun;

	buf_add_text(&text, "<a>");
	while (text.length < from)
		buf_add_byte(&text, ' ');
	begun = text.length;
	buf_add_text(&text, "<b x='");
	while (text.length - begun < length - 3)
		buf_add_byte(&text, 'v');
	buf_add_text(&text, "'/></a>");
	(void)!read_text(buf_span(&text), told, err);
}

static void a_tag_up_to_the_limit_is_read_wherever_it_stands(void **state)
{
	static const size_t places[] = { 3, 1000, 131072, 1500000, 3000007 };
	static const size_t lengths[] = { 100, 70000, 140000, 300000, 700000, XML_TOKEN_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(places) * COUNT_OF(lengths); i++) {
		CLEANUP(told_release) struct told told = TOLD;
		struct error err = { 0 };

		read_long_tag(
			places[i / COUNT_OF(lengths)], lengths[i % COUNT_OF(lengths)], &told, &err);
		assert_string_equal(err.text, "");
	}
}

static void a_tag_above_the_limit_is_refused_wherever_it_stands(void **state)
{
	static const size_t places[] = { 3, 1000, 131072, 1500000, 3000007 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		CLEANUP(told_release) struct told told = TOLD;
		struct error err = { 0 };
		char wanted[100];

		read_long_tag(places[i], XML_TOKEN_MAX + 1, &told, &err);
		snprintf(wanted, sizeof(wanted),
			"file.xml: line 1, byte %zu: a tag of more than 1048576 bytes", places[i]);
		assert_string_equal(err.text, wanted);
	}
}

static void what_is_cut_off_anywhere_is_refused(void **state)
{
	static const char text[] =
		"<?xml version=\"1.0\"?><a x='1'><!-- c --><b>t&amp;u<![CDATA[v]]></b><?p i?><c/></a>";

	(void)state;
	for (size_t length = 0; length < sizeof(text) - 1; length++) {
		struct error err = { 0 };
		CLEANUP(told_release) struct told told = TOLD;

		assert_false(read_text((struct span){ text, length }, &told, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_non_null(strstr(err.text, "file.xml: line 1, byte "));
	}
}

static void what_is_no_xml_is_refused_with_its_place(void **state)
{
	(void)state;
	assert_refused(SPAN_LITERAL("<a>\n\xff</a>"),
		"file.xml: line 2, byte 4: not well-formed (invalid token)");
	assert_refused(SPAN_LITERAL("<a></b>"), "file.xml: line 1, byte 5: mismatched tag");
	assert_refused(
		SPAN_LITERAL("<a/><b/>"), "file.xml: line 1, byte 4: junk after document element");
}

static void a_file_that_is_not_there_is_an_error_of_the_system(void **state)
{
	struct error err = { 0 };
	CLEANUP(told_release) struct told told = TOLD;

	(void)state;
	assert_false(xml_read("/nowhere/file.xml", &events, &told, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_string_equal(err.text, "/nowhere/file.xml: can't open: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_attributes_and_text_arrive_in_order),
		cmocka_unit_test(text_of_a_leaf_is_whole_wherever_it_is_cut),
		cmocka_unit_test(utf_16_with_a_mark_of_order_arrives_as_utf_8),
		cmocka_unit_test(a_declared_encoding_is_not_believed),
		cmocka_unit_test(a_reader_may_have_seen_enough),
		cmocka_unit_test(an_error_of_the_reader_gets_its_place_and_keeps_its_kind),
		cmocka_unit_test(attributes_are_found_by_name),
		cmocka_unit_test(a_document_type_is_refused_whatever_is_in_it),
		cmocka_unit_test(elements_300_deep_are_refused_at_the_limit),
		cmocka_unit_test(names_have_a_limit_in_length_and_in_number),
		cmocka_unit_test(a_gigabyte_in_one_place_is_refused_in_little_memory),
		cmocka_unit_test(a_tag_up_to_the_limit_is_read_wherever_it_stands),
		cmocka_unit_test(a_tag_above_the_limit_is_refused_wherever_it_stands),
		cmocka_unit_test(what_is_cut_off_anywhere_is_refused),
		cmocka_unit_test(what_is_no_xml_is_refused_with_its_place),
		cmocka_unit_test(a_file_that_is_not_there_is_an_error_of_the_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
