/*
 * Hostile text: every scalar value, every way to spell none, and the cuts. What may be printed is
 * said here a second time, by T33's words, and Unicode's table 3-7 stands here as a table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/base/base_testing.h"

enum { SCALAR_END = 0x110000, TEXT_MAX = 4096 };

static struct span span_at(const void *data, size_t length)
{
	return (struct span){ data, length };
}

static void assert_printed(struct span text, const char *expected)
{
	CLEANUP(buf_release) struct buf shown = BUF_UP_TO(TEXT_MAX);

	text_printable(&shown, text);
	assert_string_equal(buf_text(&shown), expected);
}

static void assert_fitted(const char *text, unsigned columns, bool pad, const char *expected)
{
	CLEANUP(buf_release) struct buf shown = BUF_UP_TO(TEXT_MAX);

	text_fit(&shown, span_of(text), columns, pad);
	assert_string_equal(buf_text(&shown), expected);
}

/* The generator of these tests: the same numbers on every machine. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

/* ---- what is printed ------------------------------------------------------------------ */

/* Whether T33 lets it reach a terminal. */
static bool may_be_seen(uint32_t scalar)
{
	static const struct {
		uint32_t first, last;
	} never[] = {
		{ 0x00, 0x1f },   /* C0 */
		{ 0x7f, 0x9f },   /* DEL and C1 */
		{ 0xad, 0xad },   /* soft hyphen: seen or not, as it pleases the terminal */
		{ 0x61c, 0x61c }, /* bidi controls */
		{ 0x200e, 0x200f },
		{ 0x202a, 0x202e },
		{ 0x2066, 0x2069 },
		{ 0x180e, 0x180e }, /* zero-width */
		{ 0x200b, 0x200d },
		{ 0x2060, 0x2064 },
		{ 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff },
		{ 0x2028, 0x2029 },   /* separators of lines and paragraphs */
		{ 0xfff9, 0xfffb },   /* interlinear annotation */
		{ 0xe0000, 0xe0fff }, /* tags and further variation selectors */
		{ 0xe000, 0xf8ff },   /* private use */
		{ 0xf0000, 0x10ffff },
	};

	for (size_t i = 0; i < COUNT_OF(never); i++)
		if (scalar >= never[i].first && scalar <= never[i].last)
			return false;
	return (scalar & 0xfffe) != 0xfffe && (scalar < 0xfdd0 || scalar > 0xfdef);
}

/* Plain as it is, or an escape in ASCII that names it. */
static void check_shown(uint32_t scalar, struct span plain, struct span shown)
{
	char named[16];

	if (span_equal(plain, shown)) {
		if (!may_be_seen(scalar))
			fail_msg("U+%04x is printed as it is", scalar);
		return;
	}
	if (scalar == '\n' || scalar == '\r' || scalar == '\t')
		snprintf(named, sizeof(named), "\\%c",
			scalar == '\n' ? 'n' : (scalar == '\r' ? 'r' : 't'));
	else
		snprintf(named, sizeof(named), scalar < 0x80 ? "\\x%02x" : "\\u{%x}", scalar);
	assert_string_equal(shown.data, named);
	assert_int_equal(text_columns(plain), strlen(named));
}

static void every_scalar_is_printed_as_something_printable(void **state)
{
	CLEANUP(buf_release) struct buf shown = BUF_UP_TO(TEXT_MAX);
	size_t escaped = 0;
	char plain[4];

	(void)state;
	for (uint32_t scalar = 0; scalar < SCALAR_END; scalar++) {
		struct span text = span_at(plain, encode_utf8(scalar, plain));

		if (scalar >= 0xd800 && scalar <= 0xdfff)
			continue;
		buf_cut(&shown, 0);
		text_printable(&shown, text);
		assert_true(text_is_utf8(buf_span(&shown)));
		check_shown(scalar, text, buf_span(&shown));
		escaped += !span_equal(text, buf_span(&shown));
	}
	/* Letters stay letters: what is escaped is private use, planes nobody uses, and controls. */
	assert_in_range(escaped, 6400 + 13 * 0x10000, 6400 + 13 * 0x10000 + 300);
}

static void printable_text_stays_as_it_is(void **state)
{
	static const char text[] = "Zoë \"Zed\" Ångström <zoe@contoso.com> \\ 日本 Ω ґ 🙂";

	(void)state;
	assert_printed(span_of(text), text);
}

static void a_terminal_escape_arrives_as_text(void **state)
{
	(void)state;
	assert_printed(span_of("\033]0;owned\a\r\n\tZo\xc3\xab"), "\\x1b]0;owned\\x07\\r\\n\\tZoë");
	assert_printed(span_of("abc\u202egpj.exe"), "abc\\u{202e}gpj.exe");
	assert_printed(span_of("\u2028\xc2\x85\U000e0041"), "\\u{2028}\\u{85}\\u{e0041}");
	assert_printed(SPAN_LITERAL("a\0b"), "a\\x00b");
	assert_printed(SPAN_NONE, "");
}

/* ---- what is no UTF-8 ------------------------------------------------------------------ */

/* Unicode's table 3-7, "Well-Formed UTF-8 Byte Sequences". */
static const struct well_formed {
	uint8_t first_least, first_most, second_least, second_most;
	size_t length;
} well_formed[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 1 },
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* The length of the well-formed sequence at the start of `bytes`; 0 when there is none. */
static size_t sequence_at(const uint8_t *bytes, size_t length)
{
	const struct well_formed *row = well_formed;

	while (row < well_formed + COUNT_OF(well_formed) &&
		(bytes[0] < row->first_least || bytes[0] > row->first_most))
		row++;
	if (row == well_formed + COUNT_OF(well_formed) || row->length > length)
		return 0;
	if (row->length > 1 && (bytes[1] < row->second_least || bytes[1] > row->second_most))
		return 0;
	for (size_t i = 2; i < row->length; i++)
		if (bytes[i] < 0x80 || bytes[i] > 0xbf)
			return 0;
	return row->length;
}

/* Walks the bytes with table and program at once. */
static void check_sequences(const uint8_t *bytes, size_t length)
{
	struct span text = span_at(bytes, length);
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(TEXT_MAX);
	CLEANUP(buf_release) struct buf shown = BUF_UP_TO(TEXT_MAX);
	bool all_valid = true;
	size_t step;

	for (size_t at = 0, next = 0; at < length; at = next) {
		uint32_t scalar;
		bool valid = text_scalar(text, &next, &scalar);

		step = sequence_at(bytes + at, length - at);
		assert_int_equal(valid, step > 0);
		assert_int_equal(next - at, step ? step : 1);
		if (valid)
			text_printable(&expected, span_at(bytes + at, step));
		else
			buf_addf(&expected, "\\x%02x", bytes[at]);
		all_valid &= valid;
	}
	text_printable(&shown, text);
	assert_string_equal(buf_text(&shown), buf_text(&expected));
	assert_int_equal(text_is_utf8(text), all_valid);
	assert_true(text_is_utf8(buf_span(&shown)));
}

static void every_pair_of_bytes_is_judged_by_table_3_7(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 0x10000; i++)
		check_sequences((uint8_t[]){ (uint8_t)(i >> 8), (uint8_t)i }, 2);
}

static void every_four_bytes_at_the_table_s_borders_are_judged_by_it(void **state)
{
	static const uint8_t border[] = { 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
		0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff };
	const size_t count = COUNT_OF(border);

	(void)state;
	for (size_t i = 0; i < count * count * count * count; i++) {
		uint8_t bytes[] = { border[i / count / count / count],
			border[i / count / count % count], border[i / count % count],
			border[i % count] };

		check_sequences(bytes, sizeof(bytes));
	}
}

static void what_is_no_utf8_is_escaped_byte_by_byte(void **state)
{
	(void)state;
	assert_printed(span_of("/\xc0\xaf/"), "/\\xc0\\xaf/"); /* overlong */
	assert_printed(span_of("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");
	assert_printed(span_of("\xf0\x82\x82\xac"), "\\xf0\\x82\\x82\\xac");
	assert_printed(span_of("\xed\xa0\x80"), "\\xed\\xa0\\x80");          /* a surrogate */
	assert_printed(span_of("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); /* above 10ffff */
	assert_printed(span_of("a\xe6\x97"), "a\\xe6\\x97");                 /* ends too early */
	assert_printed(span_of("\xe6\x97z"), "\\xe6\\x97z");
	assert_printed(span_of("\x9b"
			       "31m"),
		"\\x9b"
		"31m"); /* C1's CSI, bare */
}

/* ---- columns --------------------------------------------------------------------------- */

static void nothing_is_wider_on_a_terminal_than_we_count(void **state)
{
	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		print_message("skipped: there is no locale C.UTF-8\n");
		skip();
	}
	for (uint32_t scalar = 0x20; scalar < SCALAR_END; scalar++) {
		char bytes[4];
		struct span text = span_at(bytes, encode_utf8(scalar, bytes));
		int columns = wcwidth((wchar_t)scalar);

		if ((scalar >= 0xd800 && scalar <= 0xdfff) || columns < 0)
			continue;
		if (text_columns(text) < (unsigned)columns)
			fail_msg("U+%04x takes %d columns", scalar, columns);
		if (text_columns(text) == 0 && columns != 0)
			fail_msg("U+%04x is no combining mark", scalar);
	}
}

static void wide_characters_take_two_columns_and_combining_marks_none(void **state)
{
	(void)state;
	assert_int_equal(text_columns(span_of("日本語")), 6);
	assert_int_equal(text_columns(span_of("e\u0301a\u0308")), 2);
	assert_int_equal(text_columns(span_of("🙂")), 2);
	assert_int_equal(text_columns(span_of("a\nb")), 4);
	assert_int_equal(text_columns(SPAN_NONE), 0);
}

static void a_text_that_fits_is_not_cut(void **state)
{
	(void)state;
	assert_fitted("Zoë", 3, false, "Zoë");
	assert_fitted("Zoë", 5, true, "Zoë  ");
	assert_fitted("", 2, true, "  ");
	assert_fitted("日本", 4, true, "日本");
}

static void a_text_that_does_not_fit_is_cut_with_a_mark(void **state)
{
	(void)state;
	assert_fitted("Ångström", 5, false, "Ångs…");
	assert_fitted("Ångström", 1, false, "…");
	assert_fitted("Ångström", 0, false, "");
	/* No half of a wide character: the mark stands a column earlier. */
	assert_fitted("日本語", 4, false, "日…");
	assert_fitted("日本語", 4, true, "日… ");
	/* A mark that belongs to the last letter stays with it. */
	assert_fitted("ae\u0301xy", 3, false, "ae\u0301…");
	/* An escape is shown whole or not at all. */
	assert_fitted("a\033[31m", 4, false, "a…");
	assert_fitted("a\033[31m", 6, false, "a\\x1b…");
	/* No column, no combining marks either: they would stand on what is there already. */
	assert_fitted("\u0301\u0301", 0, false, "");
}

static void add_random_pieces(struct buf *text, uint64_t *state)
{
	static const char *const pieces[] = { "a", "B", "ß", "日", "🙂", "e\u0301", "\n", "\033",
		"\xff", "\u202e", "\xe6\x97", " ", "\u0308", "ﬁ" };

	for (uint32_t left = next_random(state) % 20; left; left--)
		buf_add_text(text, pieces[next_random(state) % COUNT_OF(pieces)]);
}

static void fitted_text_never_takes_more_columns_than_it_may(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX), whole = BUF_UP_TO(TEXT_MAX);
	CLEANUP(buf_release) struct buf loose = BUF_UP_TO(TEXT_MAX), padded = BUF_UP_TO(TEXT_MAX);
	uint64_t random = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		unsigned columns = next_random(&random) % 40;

		buf_cut(&text, 0);
		buf_cut(&whole, 0);
		buf_cut(&loose, 0);
		buf_cut(&padded, 0);
		add_random_pieces(&text, &random);
		text_printable(&whole, buf_span(&text));
		text_fit(&loose, buf_span(&text), columns, false);
		text_fit(&padded, buf_span(&text), columns, true);
		assert_true(text_is_utf8(buf_span(&padded)));
		assert_int_equal(text_columns(buf_span(&padded)), columns);
		assert_in_range(text_columns(buf_span(&loose)), 0, columns);
		if (text_columns(buf_span(&text)) > columns)
			assert_int_equal(strstr(buf_text(&loose), "…") != NULL, columns > 0);
		else if (columns)
			assert_string_equal(buf_text(&loose), buf_text(&whole));
	}
}

/* ---- cutting --------------------------------------------------------------------------- */

static void a_cut_leaves_whole_characters(void **state)
{
	const struct span text = SPAN_LITERAL("aß日🙂z€e\u0301");

	(void)state;
	for (size_t most = 0; most <= text.length + 2; most++) {
		size_t whole = text_whole(text, most);

		assert_true(whole <= most && whole <= text.length);
		assert_true(most - whole <= 3 || most > text.length);
		assert_true(text_is_utf8(span_at(text.data, whole)));
	}
	assert_int_equal(text_whole(text, 1), 1);
	assert_int_equal(text_whole(text, 2), 1);
	assert_int_equal(text_whole(text, 3), 3);
	assert_int_equal(text_whole(text, SIZE_MAX), text.length);
	assert_int_equal(text_whole(SPAN_NONE, 7), 0);
}

static void bytes_that_are_no_characters_are_cut_anywhere(void **state)
{
	char bytes[64];

	(void)state;
	memset(bytes, 0x80, sizeof(bytes));
	assert_int_equal(text_whole(span_at(bytes, sizeof(bytes)), 40), 40);
	assert_int_equal(text_whole(span_at(bytes, sizeof(bytes)), 2), 2);
}

static char *line_of(const char *text)
{
	char *line = NULL;
	size_t length;
	FILE *file = open_memstream(&line, &length);

	assert_non_null(file);
	text_line(file, "%s", text);
	fclose(file);
	return line;
}

static void a_line_stays_one_line(void **state)
{
	char *line = line_of("unstage: \"a\nb\033[2J\"");

	(void)state;
	assert_string_equal(line, "unstage: \"a\\nb\\x1b[2J\"\n");
	free(line);
}

static void a_line_without_end_is_cut_with_a_mark_between_characters(void **state)
{
	enum { CHARACTERS = 100000 };
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(4 * CHARACTERS);
	char *line;
	size_t length;

	(void)state;
	for (unsigned i = 0; i < CHARACTERS; i++)
		buf_add_text(&text, "日");
	line = line_of(buf_text(&text));
	length = strlen(line);
	assert_in_range(length, 60000, 70000);
	assert_true(text_is_utf8(span_at(line, length)));
	assert_string_equal(line + length - 4, "…\n");
	free(line);
}

static void a_line_of_nothing_but_escapes_is_printed_whole(void **state)
{
	char bytes[64 << 10], *line;

	(void)state;
	memset(bytes, 0x80, sizeof(bytes) - 1);
	bytes[sizeof(bytes) - 1] = '\0';
	line = line_of(bytes);
	assert_int_equal(strlen(line), 4 * (sizeof(bytes) - 1) + 1);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scalar_is_printed_as_something_printable),
		cmocka_unit_test(printable_text_stays_as_it_is),
		cmocka_unit_test(a_terminal_escape_arrives_as_text),
		cmocka_unit_test(every_pair_of_bytes_is_judged_by_table_3_7),
		cmocka_unit_test(every_four_bytes_at_the_table_s_borders_are_judged_by_it),
		cmocka_unit_test(what_is_no_utf8_is_escaped_byte_by_byte),
		cmocka_unit_test(nothing_is_wider_on_a_terminal_than_we_count),
		cmocka_unit_test(wide_characters_take_two_columns_and_combining_marks_none),
		cmocka_unit_test(a_text_that_fits_is_not_cut),
		cmocka_unit_test(a_text_that_does_not_fit_is_cut_with_a_mark),
		cmocka_unit_test(fitted_text_never_takes_more_columns_than_it_may),
		cmocka_unit_test(a_cut_leaves_whole_characters),
		cmocka_unit_test(bytes_that_are_no_characters_are_cut_anywhere),
		cmocka_unit_test(a_line_stays_one_line),
		cmocka_unit_test(a_line_without_end_is_cut_with_a_mark_between_characters),
		cmocka_unit_test(a_line_of_nothing_but_escapes_is_printed_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
