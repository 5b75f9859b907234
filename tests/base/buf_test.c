/* Buffers: exactly at the limit, one byte past it, and what stays in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/memory.h"

enum { LIMIT = 8 };

static void an_empty_buffer_is_an_empty_text(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_UP_TO(LIMIT);
	struct error err = { 0 };

	(void)state;
	assert_string_equal(buf_text(&buf), "");
	assert_non_null(buf_span(&buf).data);
	assert_int_equal(buf_span(&buf).length, 0);
	assert_true(buf_check(&buf, "it", &err));
}

static void a_limit_holds_exactly_as_much_as_it_says(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_UP_TO(LIMIT);
	struct error err = { 0 };

	(void)state;
	buf_add_text(&buf, "1234567");
	buf_add_byte(&buf, '8');
	assert_string_equal(buf_text(&buf), "12345678");
	assert_true(buf_check(&buf, "it", &err));
	buf_add(&buf, NULL, 0);
	buf_add_text(&buf, "");
	assert_true(buf_check(&buf, "it", &err));
	buf_add_byte(&buf, '9');
	assert_false(buf_check(&buf, "the line", &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_string_equal(err.text, "the line is larger than 8 bytes");
}

static void one_byte_too_many_is_too_many_however_it_is_added(void **state)
{
	CLEANUP(buf_release) struct buf add = BUF_UP_TO(LIMIT), text = BUF_UP_TO(LIMIT);
	CLEANUP(buf_release) struct buf format = BUF_UP_TO(LIMIT), hex = BUF_UP_TO(LIMIT);
	CLEANUP(buf_release) struct buf span = BUF_UP_TO(LIMIT), room = BUF_UP_TO(LIMIT);

	(void)state;
	buf_add(&add, "123456789", 9);
	assert_true(add.overflowed);
	buf_add_text(&text, "123456789");
	assert_true(text.overflowed);
	buf_addf(&format, "%d", 123456789);
	assert_true(format.overflowed);
	buf_add_hex(&hex, (const uint8_t *)"\1\2\3\4\5", 5);
	assert_true(hex.overflowed);
	buf_add_span(&span, SPAN_LITERAL("123456789"));
	assert_true(span.overflowed);
	assert_null(buf_room(&room, 9));
	assert_true(room.overflowed);
}

static void what_does_not_fit_is_dropped_whole(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_UP_TO(LIMIT);

	(void)state;
	buf_add_text(&buf, "12345");
	buf_addf(&buf, "%s", "日本"); /* six bytes: no half of them stays */
	assert_string_equal(buf_text(&buf), "12345");
}

static void an_overflow_is_sticky(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_UP_TO(LIMIT);

	(void)state;
	buf_add_text(&buf, "12345");
	buf_add_text(&buf, "6789");
	buf_add_text(&buf, "6"); /* would fit, and would hide what was lost */
	buf_addf(&buf, "%s", "");
	assert_string_equal(buf_text(&buf), "12345");
	assert_null(buf_room(&buf, 0));
	buf_cut(&buf, 3);
	assert_true(buf.overflowed);
	assert_string_equal(buf_text(&buf), "123");
}

static void a_buffer_cut_to_nothing_begins_anew(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_UP_TO(LIMIT);

	(void)state;
	buf_add_text(&buf, "123456789");
	assert_true(buf.overflowed);
	buf_cut(&buf, 0);
	assert_false(buf.overflowed);
	buf_add_text(&buf, "12345678");
	assert_string_equal(buf_text(&buf), "12345678");
	buf_cut(&buf, 100);
	assert_string_equal(buf_text(&buf), "12345678");
}

static void a_size_that_would_wrap_around_does_not_fit(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_UP_TO(PTRDIFF_MAX);

	(void)state;
	buf_add_text(&buf, "1");
	assert_null(buf_room(&buf, SIZE_MAX));
	assert_true(buf.overflowed);
	assert_string_equal(buf_text(&buf), "1");
}

static void a_limit_of_nothing_takes_nothing(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_UP_TO(0);

	(void)state;
	buf_add_text(&buf, "");
	assert_false(buf.overflowed);
	buf_add_byte(&buf, '1');
	assert_true(buf.overflowed);
	assert_string_equal(buf_text(&buf), "");
}

static void it_grows_byte_by_byte_and_keeps_all_of_them(void **state)
{
	enum { MANY = 3 << 20 }; /* past the size where moving it is left to the C library */
	CLEANUP(buf_release) struct buf buf = BUF_UP_TO(MANY);

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		buf_add_byte(&buf, (char)(i % 251));
	assert_false(buf.overflowed);
	assert_int_equal(buf.length, MANY);
	for (size_t i = 0; i < MANY; i++)
		if (buf.data[i] != (char)(i % 251))
			fail_msg("byte %zu is another", i);
	assert_int_equal(buf.data[MANY], 0);
}

static void bytes_may_be_any_and_end_with_a_nul_that_does_not_count(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_UP_TO(LIMIT);

	(void)state;
	buf_add(&buf, "a\0b", 3);
	assert_int_equal(buf_span(&buf).length, 3);
	assert_memory_equal(buf.data, "a\0b", 4);
}

static void room_is_claimed_as_far_as_it_was_used(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_UP_TO(LIMIT);
	char *room = buf_room(&buf, 8);

	(void)state;
	assert_non_null(room);
	memcpy(room, "12345678", 8);
	buf_grew(&buf, 3);
	assert_string_equal(buf_text(&buf), "123");
	assert_non_null(buf_room(&buf, 5));
	assert_null(buf_room(&buf, 6));
}

static void hex_is_lower_case_and_two_digits_a_byte(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_UP_TO(64);

	(void)state;
	buf_add_hex(&buf, (const uint8_t *)"\0\x0f\xa0\xff", 4);
	assert_string_equal(buf_text(&buf), "000fa0ff");
}

static void a_detached_text_is_the_caller_s_and_the_limit_stays(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_UP_TO(LIMIT);
	CLEANUP(memory_freep) char *text = NULL, *empty = NULL;

	(void)state;
	buf_add_text(&buf, "1234");
	text = buf_detach(&buf);
	assert_string_equal(text, "1234");
	assert_int_equal(buf.length, 0);
	assert_int_equal(buf.limit, LIMIT);
	empty = buf_detach(&buf);
	assert_string_equal(empty, "");
	buf_add_text(&buf, "12345678");
	assert_string_equal(buf_text(&buf), "12345678");
	assert_string_equal(text, "1234");
}

static void a_released_buffer_can_be_used_again(void **state)
{
	struct buf buf = BUF_UP_TO(LIMIT);

	(void)state;
	buf_add_text(&buf, "123456789");
	buf_release(&buf);
	assert_null(buf.data);
	assert_false(buf.overflowed);
	buf_add_text(&buf, "1");
	assert_string_equal(buf_text(&buf), "1");
	buf_release(&buf);
	buf_release(&buf);
	buf_wipe(&buf);
}

/* ---- secrets --------------------------------------------------------------------------- */

static const char secret[] = "correct horse battery staple";
UNUSED static const char secret_end[] = "battery staple";

/* What was wiped since the test began: freed memory can't be looked at, so its wiper is. */
static struct {
	const char *volatile last; /* volatile: the compiler believes that a wiper only writes */
	size_t calls, bytes, secrets;
} wiped;

static bool has_secret(const char *memory, size_t size)
{
	return memmem(memory, size, secret_end, sizeof(secret_end) - 1) != NULL;
}

/* A hardened build brings a wiper of its own, which nobody can replace. */
#if defined(_FORTIFY_SOURCE) && _FORTIFY_SOURCE > 0
#define HARDENED true
#else
#define HARDENED false

/* Stands in for the C library's. */
void explicit_bzero(void *memory, size_t size)
{
	wiped.calls++;
	wiped.bytes += size;
	wiped.last = memory;
	wiped.secrets += has_secret(wiped.last, size);
	memset(memory, 0, size);
}
#endif

static void watch_the_wiping(void)
{
	wiped.calls = wiped.bytes = wiped.secrets = 0;
	if (HARDENED) {
		print_message("skipped: a hardened build calls another function to wipe\n");
		skip();
	}
}

static void wiping_overwrites_all_of_it(void **state)
{
	struct buf buf = BUF_UP_TO(4096);

	(void)state;
	watch_the_wiping();
	buf_add_text(&buf, secret);
	buf_cut(&buf, 3); /* what lies behind the end counts too */
	buf_wipe(&buf);
	assert_int_equal(wiped.calls, 1);
	assert_int_equal(wiped.secrets, 1);
	assert_true(wiped.bytes >= sizeof(secret));
	assert_null(buf.data);
	assert_int_equal(buf.limit, 4096);
}

static void a_secret_that_grows_leaves_nothing_behind(void **state)
{
	struct buf buf = BUF_UP_TO(64 << 10);
	size_t moves = 0;

	(void)state;
	watch_the_wiping();
	buf_add_text(&buf, secret);
	for (size_t i = 0; i < 60000; i++) {
		const char *before = buf.data;

		buf_add_byte(&buf, 'x');
		moves += buf.data != before;
		assert_int_equal(wiped.secrets, moves);
	}
	assert_true(moves > 3);
	assert_true(has_secret(buf.data, buf.length));
	buf_wipe(&buf);
	assert_int_equal(wiped.secrets, moves + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_an_empty_text),
		cmocka_unit_test(a_limit_holds_exactly_as_much_as_it_says),
		cmocka_unit_test(one_byte_too_many_is_too_many_however_it_is_added),
		cmocka_unit_test(what_does_not_fit_is_dropped_whole),
		cmocka_unit_test(an_overflow_is_sticky),
		cmocka_unit_test(a_buffer_cut_to_nothing_begins_anew),
		cmocka_unit_test(a_size_that_would_wrap_around_does_not_fit),
		cmocka_unit_test(a_limit_of_nothing_takes_nothing),
		cmocka_unit_test(it_grows_byte_by_byte_and_keeps_all_of_them),
		cmocka_unit_test(bytes_may_be_any_and_end_with_a_nul_that_does_not_count),
		cmocka_unit_test(room_is_claimed_as_far_as_it_was_used),
		cmocka_unit_test(hex_is_lower_case_and_two_digits_a_byte),
		cmocka_unit_test(a_detached_text_is_the_caller_s_and_the_limit_stays),
		cmocka_unit_test(a_released_buffer_can_be_used_again),
		cmocka_unit_test(wiping_overwrites_all_of_it),
		cmocka_unit_test(a_secret_that_grows_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
