/* A filter of texts lets a few through that nobody added, and none go that somebody did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/filter.h"
#include "base/memory.h"
#include "base/text.h"

enum { TEXTS = 20000, TEXT_MAX = 64, SCALARS = 0x110000 };

/* The generator of these tests: the same numbers on every machine. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

/* Of what addresses are made of, and of what folds in an odd way. */
static struct span random_text(uint64_t *state, char text[static TEXT_MAX])
{
	static const char *const pieces[] = { "a", "Z", "@", "`", ".", "-", "0", "/O=", "[", "{",
		"K", "\u212a", "s", "\u017f", "\u00c0", "\u00e0", "\u03a3", "\u03c2", "\u0416",
		"\u0436", "\xff", "smtp:", "x.org" };
	size_t length = 0, count = next_random(state) % 9;

	while (count-- > 0) {
		const char *piece = pieces[next_random(state) % COUNT_OF(pieces)];

		memcpy(text + length, piece, strlen(piece));
		length += strlen(piece);
	}
	return (struct span){ text, length };
}

static bool folds_to_ascii(uint32_t scalar, struct span text)
{
	CLEANUP(buf_release) struct buf folded = BUF_UP_TO(TEXT_MAX);

	(void)scalar;
	text_add_folded(&folded, text);
	for (size_t i = 0; i < folded.length; i++)
		if ((unsigned char)folded.data[i] >= 0x80)
			return false;
	return true;
}

static size_t encode(uint32_t scalar, char out[static 4])
{
	if (scalar < 0x800) {
		out[0] = (char)(0xc0 | scalar >> 6);
		out[1] = (char)(0x80 | (scalar & 0x3f));
		return 2;
	}
	if (scalar < 0x10000) {
		out[0] = (char)(0xe0 | scalar >> 12);
		out[1] = (char)(0x80 | (scalar >> 6 & 0x3f));
		out[2] = (char)(0x80 | (scalar & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | scalar >> 18);
	out[1] = (char)(0x80 | (scalar >> 12 & 0x3f));
	out[2] = (char)(0x80 | (scalar >> 6 & 0x3f));
	out[3] = (char)(0x80 | (scalar & 0x3f));
	return 4;
}

/* The filter rests on it. */
static void nothing_beyond_ascii_is_equal_to_ascii(void **state UNUSED)
{
	for (uint32_t scalar = 0x80; scalar < SCALARS; scalar++) {
		char text[4];
		size_t length = encode(scalar, text);

		if (folds_to_ascii(scalar, (struct span){ text, length }))
			fail_msg("U+%04X folds to ASCII", (unsigned)scalar);
	}
}

static void what_was_added_is_found_in_any_case(void **state UNUSED)
{
	static const char *const pairs[][2] = { { "Anna@X.org", "aNNA@x.ORG" }, { "", "" },
		{ "a", "A" }, { "1234567", "1234567" }, { "12345678", "12345678" },
		{ "ABCDEFGHI", "abcdefghi" },
		{ "x500:/o=Org/ou=First/cn=Anna", "X500:/O=ORG/OU=FIRST/CN=ANNA" },
		{ "\u00c0nne@x.org", "\u00e0nne@x.org" },
		{ "\u039f\u0394\u039f\u03a3@x.org", "\u03bf\u03b4\u03bf\u03c2@x.org" },
		{ "\xff@x.org", "\xff@X.org" } };

	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		CLEANUP(filter_release) struct filter filter;

		filter_init(&filter, 1);
		assert_int_equal(
			text_compare_caseless(span_of(pairs[i][0]), span_of(pairs[i][1])), 0);
		filter_add(&filter, span_of(pairs[i][0]));
		assert_true(filter_may_have(&filter, span_of(pairs[i][0])));
		assert_true(filter_may_have(&filter, span_of(pairs[i][1])));
	}
}

/* Whatever the bytes: equal without regard to case, and let through. */
static void no_equal_text_is_overlooked(void **state UNUSED)
{
	uint64_t random = 7;
	size_t equal = 0;

	for (size_t round = 0; round < TEXTS; round++) {
		CLEANUP(filter_release) struct filter filter;
		char one[TEXT_MAX], other[TEXT_MAX];
		struct span added = random_text(&random, one), asked;

		filter_init(&filter, 1);
		filter_add(&filter, added);
		memcpy(other, one, added.length);
		for (size_t i = 0; i < added.length; i++)
			if (next_random(&random) % 2)
				other[i] = (char)((other[i] >= 'a' && other[i] <= 'z') ||
							(other[i] >= 'A' && other[i] <= 'Z')
						? other[i] ^ 0x20
						: other[i]);
		asked = (struct span){ other, added.length };
		assert_int_equal(text_compare_caseless(added, asked), 0);
		assert_true(filter_may_have(&filter, asked));
		asked = random_text(&random, other);
		if (text_compare_caseless(added, asked) != 0)
			continue;
		equal++;
		assert_true(filter_may_have(&filter, asked));
	}
	assert_true(equal > TEXTS / 1000);
}

/* More than it was made for makes it worse, not wrong. */
static void few_others_are_let_through(void **state UNUSED)
{
	CLEANUP(filter_release) struct filter filter;
	size_t others = 0;
	char text[TEXT_MAX];

	filter_init(&filter, TEXTS);
	for (size_t i = 0; i < TEXTS; i++) {
		snprintf(text, sizeof(text), "user%zu@contoso.com", i);
		filter_add(&filter, span_of(text));
	}
	for (size_t i = 0; i < TEXTS; i++) {
		snprintf(text, sizeof(text), "USER%zu@Contoso.com", i);
		assert_true(filter_may_have(&filter, span_of(text)));
		snprintf(text, sizeof(text), "user%zu@fabrikam.com", i);
		others += filter_may_have(&filter, span_of(text));
		snprintf(text, sizeof(text), "\u00e9%zu@contoso.com", i);
		assert_false(filter_may_have(&filter, span_of(text)));
	}
	assert_true(others < TEXTS / 50);
	filter_release(&filter);
	filter_init(&filter, 0);
	for (size_t i = 0; i < TEXTS; i++) {
		snprintf(text, sizeof(text), "user%zu@contoso.com", i);
		filter_add(&filter, span_of(text));
	}
	for (size_t i = 0; i < TEXTS; i++) {
		snprintf(text, sizeof(text), "User%zu@contoso.com", i);
		assert_true(filter_may_have(&filter, span_of(text)));
	}
}

static void empty_filter_lets_nothing_through(void **state UNUSED)
{
	CLEANUP(filter_release) struct filter filter;

	filter_init(&filter, 0);
	assert_false(filter_may_have(&filter, SPAN_LITERAL("a@x.org")));
	assert_false(filter_may_have(&filter, SPAN_LITERAL("\u00e0@x.org")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_beyond_ascii_is_equal_to_ascii),
		cmocka_unit_test(what_was_added_is_found_in_any_case),
		cmocka_unit_test(no_equal_text_is_overlooked),
		cmocka_unit_test(few_others_are_let_through),
		cmocka_unit_test(empty_filter_lets_nothing_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
