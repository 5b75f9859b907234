/* The statement of a snapshot, by the vector of docs/FORMAT-snapshot.md; and one link of the chain. */
#include <sodium.h>
#include <sys/stat.h>

#include "snapshots_testing.h"

static void load(const char *path, struct buf *out)
{
	struct error err = { 0 };

	if (!file_load(path, FILE_MAX, out, &err))
		fail_msg("%s", err.text);
}

static void expect_refused(
	const struct snapshot *snapshot, struct span statement, bool whole_file, const char *says)
{
	struct error err = { 0 };

	assert_false(snapshot_statement_check(snapshot, statement, whole_file, &err));
	if (err.kind != ERROR_REFUSED && err.kind != ERROR_FORMAT)
		fail_msg("another kind: %s", err.text);
	if (!strstr(err.text, says))
		fail_msg("\"%s\" does not say %s", err.text, says);
}

static void the_frozen_statement_is_what_we_write(void **state)
{
	CLEANUP(snapshot_closep) struct snapshot *tiny = opened(TINY);
	CLEANUP(buf_release) struct buf frozen = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf written = BUF_UP_TO(SNAPSHOT_STATEMENT_MAX);
	struct error err = { 0 };

	(void)state;
	load(TINY ".statement", &frozen);
	assert_true(snapshot_statement_add(&written, tiny, &err));
	assert_string_equal(buf_text(&written), buf_text(&frozen));
	assert_true(snapshot_statement_check(tiny, buf_span(&frozen), true, &err));
	assert_true(snapshot_statement_check(tiny, buf_span(&frozen), false, &err));
}

static void size_and_hash_are_those_of_the_file(void **state)
{
	CLEANUP(snapshot_closep) struct snapshot *tiny = opened(TINY);
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf written = BUF_UP_TO(SNAPSHOT_STATEMENT_MAX);
	uint8_t digest[64];
	char hex[129];
	struct error err = { 0 };

	(void)state;
	load(TINY, &file);
	assert_int_equal(snapshot_size(tiny), file.length);
	crypto_generichash(
		digest, sizeof(digest), (const uint8_t *)file.data, file.length, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	assert_true(snapshot_statement_add(&written, tiny, &err));
	assert_non_null(strstr(buf_text(&written), hex));
}

static void every_flipped_bit_is_refused(void **state)
{
	CLEANUP(snapshot_closep) struct snapshot *tiny = opened(TINY);
	CLEANUP(buf_release) struct buf frozen = BUF_UP_TO(FILE_MAX);

	(void)state;
	load(TINY ".statement", &frozen);
	for (size_t i = 0; i < 8 * frozen.length; i++) {
		frozen.data[i / 8] ^= (char)(1 << i % 8);
		expect_refused(tiny, buf_span(&frozen), true, "its statement");
		frozen.data[i / 8] ^= (char)(1 << i % 8);
	}
}

static void every_truncation_and_appended_byte_is_refused(void **state)
{
	CLEANUP(snapshot_closep) struct snapshot *tiny = opened(TINY);
	CLEANUP(buf_release) struct buf frozen = BUF_UP_TO(FILE_MAX);

	(void)state;
	load(TINY ".statement", &frozen);
	for (size_t i = 0; i < frozen.length; i++) {
		expect_refused(tiny, (struct span){ frozen.data, i }, true, "its statement");
		expect_refused(tiny, (struct span){ frozen.data, i }, false, "its statement");
	}
	buf_add_byte(&frozen, ' ');
	for (int byte = 0; byte < 256; byte++) {
		frozen.data[frozen.length - 1] = (char)byte;
		expect_refused(tiny, buf_span(&frozen), true, "its statement");
		expect_refused(tiny, buf_span(&frozen), false, "its statement");
	}
}

/* Writes a snapshot of one user with that name. */
static struct snapshot *make(const char *folder, const char *name, const char *display_name)
{
	CLEANUP(memory_freep) char *path = file_path(folder, name);
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);
	struct snapshot_writer *writer = writer_open(path);

	add_user(&lines, 1, display_name);
	writer_add(writer, buf_span(&lines));
	writer_finish(writer);
	return opened(path);
}

static void a_statement_of_another_snapshot_is_refused_by_the_line_that_differs(void **state)
{
	CLEANUP(snapshot_closep) struct snapshot *anna = make(*state, "anna", "Anna");
	CLEANUP(snapshot_closep) struct snapshot *bert = make(*state, "bert", "Bert");
	CLEANUP(buf_release) struct buf statement = BUF_UP_TO(SNAPSHOT_STATEMENT_MAX);
	struct error err = { 0 };

	assert_true(snapshot_statement_add(&statement, anna, &err));
	assert_true(snapshot_statement_check(anna, buf_span(&statement), true, &err));
	expect_refused(bert, buf_span(&statement), false, "line 4: it says \"identity\":");
	expect_refused(bert, buf_span(&statement), true, "line 4: it says \"identity\":");
}

static void another_version_is_refused_by_name(void **state)
{
	static const struct {
		const char *text, *says;
	} odd[] = {
		{ "{\"format\":\"unstage-snapshot-statement/2\",\n\"tenant\":\"x\"}\n",
			"version is not 1" },
		{ "{\"format\":\"unstage-snapshot-statement/11\",", "version is not 1" },
		{ "{\"format\":\"unstage-plan/1\",\n", "no statement" },
		{ "", "no statement" },
		{ "{\"format\":\"unstage-snapshot-statement/1\",\"b2sum\":1}", "no hash" },
		{ "{\"format\":\"unstage-snapshot-statement/1\",\"b2sum\":\"00\"}", "no hash" },
	};
	CLEANUP(snapshot_closep) struct snapshot *tiny = opened(TINY);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(odd); i++)
		expect_refused(tiny, span_of(odd[i].text), false, odd[i].says);
}

/* ---- the chain ---------------------------------------------------------------------------------- */

/* The same directory once more, made from `previous`. */
static struct snapshot *next(const char *folder, const char *name, struct snapshot *previous)
{
	CLEANUP(memory_freep) char *path = file_path(folder, name);
	struct error err = { 0 };
	struct snapshot_header header = test_header;
	struct snapshot_writer *writer;

	header.taken_from_ms += 1800000;
	writer = snapshot_writer_open(path, &header, &err);
	assert_non_null(writer);
	if (!snapshot_writer_follow(writer, previous, true, &err))
		fail_msg("%s", err.text);
	writer_finish(writer);
	return opened(path);
}

static void expect_astray(
	const struct snapshot *snapshot, const struct snapshot *previous, const char *says)
{
	struct error err = { 0 };

	assert_false(snapshot_follows(snapshot, previous, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	if (!strstr(err.text, says))
		fail_msg("\"%s\" does not say %s", err.text, says);
}

static void a_snapshot_follows_the_one_it_was_made_from_and_no_other(void **state)
{
	CLEANUP(snapshot_closep) struct snapshot *first = make(*state, "first", "Anna");
	CLEANUP(snapshot_closep) struct snapshot *second = next(*state, "second", first);
	CLEANUP(snapshot_closep) struct snapshot *third = next(*state, "third", second);
	CLEANUP(buf_release) struct buf statement = BUF_UP_TO(SNAPSHOT_STATEMENT_MAX);
	struct error err = { 0 };

	assert_true(snapshot_follows(second, first, &err));
	assert_true(snapshot_follows(third, second, &err));
	expect_astray(third, first, "not made from that one");
	expect_astray(first, second, "not made from that one");
	expect_astray(second, second, "not made from that one");
	assert_true(snapshot_statement_add(&statement, third, &err));
	assert_non_null(strstr(buf_text(&statement), "\n\"sequence\":2,\n\"previous\":\""));
	assert_non_null(strstr(buf_text(&statement), snapshot_identity(second)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_frozen_statement_is_what_we_write),
		cmocka_unit_test(size_and_hash_are_those_of_the_file),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(every_truncation_and_appended_byte_is_refused),
		cmocka_unit_test_setup_teardown(
			a_statement_of_another_snapshot_is_refused_by_the_line_that_differs,
			folder_make, folder_remove),
		cmocka_unit_test(another_version_is_refused_by_name),
		cmocka_unit_test_setup_teardown(
			a_snapshot_follows_the_one_it_was_made_from_and_no_other, folder_make,
			folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
