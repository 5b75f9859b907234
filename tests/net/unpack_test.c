/* Packed answers come out as they went in, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "net/net_internal.h"

DEFINE_CLEANUP(struct unpack *, unpack_free);

enum { PACKED_MAX = 1 << 20, PIECE_MAX = 64 << 10 };

static bool append(void *context, struct span piece, struct error *err)
{
	(void)err;
	assert_in_range(piece.length, 1, PIECE_MAX);
	buf_add_span(context, piece);
	return true;
}

static void load(const char *name, struct buf *packed)
{
	struct error err = { 0 };
	char path[512];

	snprintf(path, sizeof(path), TEST_DATA "/net/%s", name);
	assert_true(file_load(path, PACKED_MAX, packed, &err));
}

/* True when all of it was unpacked to its end, `piece` bytes at a time. */
static bool unpack_all(struct span packed, size_t piece, struct buf *out, struct error *err)
{
	CLEANUP(unpack_freep) struct unpack *unpack = unpack_new();

	while (packed.length) {
		struct span next = { packed.data, packed.length < piece ? packed.length : piece };

		if (!unpack_take(unpack, next, append, out, err))
			return false;
		packed.data += next.length;
		packed.length -= next.length;
	}
	return unpack_is_whole(unpack);
}

static void the_size_of_the_pieces_makes_no_difference(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 64, 1000, 16384, PACKED_MAX };
	CLEANUP(buf_release) struct buf packed = BUF_UP_TO(PACKED_MAX);
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(PACKED_MAX);

	(void)state;
	load("counting.txt.gz", &packed);
	for (unsigned number = 0; number <= 20000; number++)
		buf_addf(&expected, "%u\n", number);
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		CLEANUP(buf_release) struct buf out = BUF_UP_TO(PACKED_MAX);
		struct error err = { 0 };

		assert_true(unpack_all(buf_span(&packed), pieces[i], &out, &err));
		assert_true(span_equal(buf_span(&out), buf_span(&expected)));
	}
}

static void what_is_cut_anywhere_is_not_whole(void **state)
{
	CLEANUP(buf_release) struct buf packed = BUF_UP_TO(PACKED_MAX);

	(void)state;
	load("answer.json.gz", &packed);
	for (size_t length = 0; length < packed.length; length++) {
		CLEANUP(buf_release) struct buf out = BUF_UP_TO(PACKED_MAX);
		struct error err = { 0 };

		assert_false(
			unpack_all((struct span){ packed.data, length }, PACKED_MAX, &out, &err));
	}
}

static void a_flipped_bit_never_changes_what_comes_out(void **state)
{
	CLEANUP(buf_release) struct buf packed = BUF_UP_TO(PACKED_MAX);
	size_t refused = 0;

	(void)state;
	load("answer.json.gz", &packed);
	for (size_t bit = 0; bit < packed.length * 8; bit++) {
		CLEANUP(buf_release) struct buf out = BUF_UP_TO(PACKED_MAX);
		struct error err = { 0 };

		packed.data[bit / 8] ^= (char)(1 << bit % 8);
		if (!unpack_all(buf_span(&packed), PACKED_MAX, &out, &err))
			refused++;
		else /* in what gzip's header says of the file */
			assert_string_equal(buf_text(&out), "{\"value\":[{\"id\":\"1\"}]}");
		packed.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_in_range(refused, packed.length * 8 - 8 * 10, packed.length * 8);
}

static void nothing_may_follow_the_end(void **state)
{
	static const char *const tails[] = { "x", "\n", "\x1f\x8b\x08" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(tails); i++) {
		for (size_t piece = 1; piece <= PACKED_MAX; piece *= PACKED_MAX) {
			CLEANUP(buf_release) struct buf packed = BUF_UP_TO(PACKED_MAX);
			CLEANUP(buf_release) struct buf out = BUF_UP_TO(PACKED_MAX);
			struct error err = { 0 };

			load("answer.json.gz", &packed);
			buf_add_text(&packed, tails[i]);
			assert_false(unpack_all(buf_span(&packed), piece, &out, &err));
			assert_int_equal(err.kind, ERROR_FORMAT);
			assert_non_null(strstr(err.text, "more follows its end"));
		}
	}
}

static void what_is_not_gzip_is_said_to_be_none(void **state)
{
	const char *page = "<html><body>Please sign in</body></html>";
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(PACKED_MAX);
	struct error err = { 0 };

	(void)state;
	assert_false(unpack_all(span_of(page), 1, &out, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "does not begin like gzip"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_size_of_the_pieces_makes_no_difference),
		cmocka_unit_test(what_is_cut_anywhere_is_not_whole),
		cmocka_unit_test(a_flipped_bit_never_changes_what_comes_out),
		cmocka_unit_test(nothing_may_follow_the_end),
		cmocka_unit_test(what_is_not_gzip_is_said_to_be_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
