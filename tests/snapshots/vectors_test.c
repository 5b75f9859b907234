/*
 * The vectors of docs/FORMAT-snapshot.md: one frozen file. It is taken apart here by the page's
 * words, with libzstd and BLAKE3 alone, and read by our reader; both must say the same.
 */
#include <blake3.h>
#include <endian.h>
#include <sodium.h>
#include <zstd.h>

#include "snapshots_testing.h"

enum { HEADER_FRAME, BUCKET_FRAME, FRAMES };

static const char identity[] = "7ea37c56059a0578ea2294ade008912c2d1fc00ef7fbbd187f16a6da985c6fc1";

static const struct {
	uint64_t offset;
	uint32_t bucket, packed, plain, lines;
	const char *plain_digest, *packed_digest;
} frames[FRAMES] = {
	[HEADER_FRAME] = { 0, 0, 930, 2986, 1,
		"f42e20c3d89b18c4ae60a72a936b2cc06e35e08bacc6f383e4c796a692ff72ca",
		"51056e76067767a0210ecc26c9ba7cf90d8a7fe3c7802a57ced9c7f94ce54edb" },
	[BUCKET_FRAME] = { 930, 0, 422, 1033, 6,
		"09d00fcfde502b748f0f2219e68b8eeecab205da219bb60340f6e4e544a52a81",
		"48fe6dc69cb42af10573231e5a4875c8304673fa72d3891aab87a5652277ba71" },
};

static const char meta[] =
	"{\"bits\":0,\"bytes\":1033,\"deleted\":1,\"deltaLinks\":{},\"objects\":{\"contact\":1,"
	"\"group\":1,\"user\":1},\"previous\":null,\"sequence\":0,"
	"\"takenUntil\":\"2026-03-04T02:18:09Z\"}";

static void load(const char *path, struct buf *bytes)
{
	struct error err = { 0 };

	assert_true(file_load(path, FILE_MAX, bytes, &err));
}

static uint64_t number_at(const char *at, size_t width)
{
	uint64_t number = 0;

	memcpy(&number, at, width);
	return le64toh(number);
}

static void expect_digest(const void *data, size_t length, const char *expected)
{
	blake3_hasher hasher;
	uint8_t digest[32];
	char hex[65];

	blake3_hasher_init(&hasher);
	blake3_hasher_update(&hasher, data, length);
	blake3_hasher_finalize(&hasher, digest, sizeof(digest));
	assert_string_equal(sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest)), expected);
}

static void the_footer_leads_to_the_index_whose_digest_is_the_identity(void **state)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	const char *footer;
	uint64_t offset, length;
	char hex[65];

	(void)state;
	load(TINY, &file);
	footer = file.data + file.length - 56;
	offset = number_at(footer, 8);
	length = number_at(footer + 8, 8);
	assert_int_equal(offset + length + 56, file.length);
	assert_memory_equal(footer + 48, "unstgix\n", 8);
	assert_int_equal(number_at(file.data + offset - 8, 4), 0x184D2A5E);
	assert_int_equal(number_at(file.data + offset - 4, 4), length + 56);
	expect_digest(file.data + offset, length, identity);
	sodium_bin2hex(hex, sizeof(hex), (const uint8_t *)footer + 16, 32);
	assert_string_equal(hex, identity);
}

static void the_index_has_its_parts_in_order(void **state)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	static const uint8_t quarantined[] = { 0xf0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0,
		0x01 };
	const char *at;

	(void)state;
	load(TINY, &file);
	at = file.data + number_at(file.data + file.length - 56, 8);
	assert_memory_equal(at, "unstage-index/1\n", 16);
	assert_int_equal(number_at(at + 16, 4), strlen(meta));
	assert_memory_equal(at + 20, meta, strlen(meta));
	at += 20 + strlen(meta);
	assert_int_equal(number_at(at, 4), FRAMES);
	at += 4 + FRAMES * 88;
	assert_int_equal(number_at(at, 4), 1);
	assert_memory_equal(at + 4, quarantined, sizeof(quarantined));
	assert_int_equal(at + 20 - file.data, file.length - 56);
}

static void entries_describe_the_frames(void **state)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	const char *at;

	(void)state;
	load(TINY, &file);
	at = file.data + number_at(file.data + file.length - 56, 8) + 20 + strlen(meta) + 4;
	for (size_t i = 0; i < FRAMES; i++, at += 88) {
		char hex[65];

		assert_int_equal(number_at(at, 4), frames[i].bucket);
		assert_int_equal(number_at(at + 4, 8), frames[i].offset);
		assert_int_equal(number_at(at + 12, 4), frames[i].packed);
		assert_int_equal(number_at(at + 16, 4), frames[i].plain);
		assert_int_equal(number_at(at + 20, 4), frames[i].lines);
		sodium_bin2hex(hex, sizeof(hex), (const uint8_t *)at + 24, 32);
		assert_string_equal(hex, frames[i].plain_digest);
		sodium_bin2hex(hex, sizeof(hex), (const uint8_t *)at + 56, 32);
		assert_string_equal(hex, frames[i].packed_digest);
		expect_digest(file.data + frames[i].offset, frames[i].packed, hex);
	}
}

static void the_frames_unpack_to_the_lines(void **state)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);
	char plain[8192];

	(void)state;
	load(TINY, &file);
	load(TEST_DATA "/snapshots/tiny.jsonl", &lines);
	for (size_t i = 0; i < FRAMES; i++) {
		size_t length = ZSTD_decompress(
			plain, sizeof(plain), file.data + frames[i].offset, frames[i].packed);

		assert_int_equal(length, frames[i].plain);
		expect_digest(plain, length, frames[i].plain_digest);
	}
	/* The last one unpacked is the only bucket. */
	assert_int_equal(lines.length, frames[BUCKET_FRAME].plain);
	assert_memory_equal(plain, lines.data, lines.length);
}

static void our_reader_says_the_same(void **state)
{
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(TINY);
	CLEANUP(buf_release) struct buf all = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);
	const struct snapshot_header *header = snapshot_header(snapshot);
	const char *const *quarantined;
	struct error err = { 0 };
	size_t count;

	(void)state;
	load(TEST_DATA "/snapshots/tiny.jsonl", &lines);
	assert_string_equal(snapshot_identity(snapshot), identity);
	assert_true(snapshot_check(snapshot, NULL, &err));
	assert_true(snapshot_each(snapshot, collect, &all, &err));
	assert_string_equal(buf_text(&all), buf_text(&lines));
	assert_int_equal(header->taken_from_ms, test_header.taken_from_ms);
	assert_int_equal(header->taken_until_ms, INT64_C(1772590689000));
	quarantined = snapshot_quarantined(snapshot, &count);
	assert_int_equal(count, 1);
	assert_string_equal(quarantined[0], "f0000000-0000-4000-8000-000000000001");
}

/* The header line names what this program asked for, so only the bucket is the same for ever. */
static void our_writer_makes_the_same_lines(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "again");
	CLEANUP(snapshot_closep) struct snapshot *tiny = opened(TINY);
	CLEANUP(snapshot_closep) struct snapshot *again = NULL;
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf all = BUF_UP_TO(FILE_MAX);
	static const char *const ids[] = { "f0000000-0000-4000-8000-000000000001",
		"80000000-0000-4000-8000-000000000002", "0a000000-0000-4000-8000-000000000003",
		"7fffffff-0000-4000-8000-000000000004" };
	struct snapshot_writer *writer = writer_open(path);
	struct error err = { 0 };

	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		assert_true(snapshot_object(tiny, span_of(ids[i]), &lines, &err));
		assert_true(lines.length > 0);
		writer_add(writer, buf_span(&lines));
	}
	writer_finish(writer);
	again = opened(path);
	assert_true(snapshot_each(again, collect, &all, &err));
	expect_digest(all.data, all.length, frames[BUCKET_FRAME].plain_digest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_footer_leads_to_the_index_whose_digest_is_the_identity),
		cmocka_unit_test(the_index_has_its_parts_in_order),
		cmocka_unit_test(entries_describe_the_frames),
		cmocka_unit_test(the_frames_unpack_to_the_lines),
		cmocka_unit_test(our_reader_says_the_same),
		cmocka_unit_test_setup_teardown(
			our_writer_makes_the_same_lines, folder_make, folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
