/* Writing: any order in, id order out; whole or not at all. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "snapshots_testing.h"

static void expect_content(const char *path, struct span expected)
{
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(path);
	CLEANUP(buf_release) struct buf all = BUF_UP_TO(FILE_MAX);
	struct error err = { 0 };

	assert_true(snapshot_each(snapshot, collect, &all, &err));
	assert_int_equal(all.length, expected.length);
	assert_memory_equal(buf_text(&all), expected.data, expected.length);
}

static void add_numbered(struct snapshot_writer *writer, uint64_t number, const char *name)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);

	add_user(&lines, number, name);
	writer_add(writer, buf_span(&lines));
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(strstr(*(char *const *)a, "\"id\":"), strstr(*(char *const *)b, "\"id\":"));
}

static void objects_come_out_in_id_order(void **state)
{
	enum { COUNT = 500 };
	CLEANUP(memory_freep) char *path = file_path(*state, "a.jsonl.zst");
	CLEANUP(buf_release) struct buf sorted = BUF_UP_TO(FILE_MAX);
	struct snapshot_writer *writer = writer_open(path);
	char *lines[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		struct buf line = BUF_UP_TO(FILE_MAX);

		add_user(&line, i, "Anna");
		writer_add(writer, buf_span(&line));
		lines[i] = buf_detach(&line);
	}
	writer_finish(writer);
	qsort(lines, COUNT, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < COUNT; i++) {
		buf_add_text(&sorted, lines[i]);
		memory_free(lines[i]);
	}
	expect_content(path, buf_span(&sorted));
}

static void of_an_id_that_comes_twice_the_last_one_stays(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "a.jsonl.zst");
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(FILE_MAX);
	struct snapshot_writer *writer = writer_open(path);

	add_numbered(writer, 7, "first");
	add_numbered(writer, 7, "second, and longer than the first");
	add_numbered(writer, 7, "third");
	writer_finish(writer);
	add_user(&expected, 7, "third");
	expect_content(path, buf_span(&expected));
}

static char *identity_of(const char *path)
{
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(path);

	return memory_text(snapshot_identity(snapshot));
}

static void remove_numbered(struct snapshot_writer *writer, uint64_t number)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);
	struct error err = { 0 };
	char id[ID_BYTES + 1];

	add_user(&lines, number, "Anna");
	snprintf(id, sizeof(id), "%.36s", strstr(buf_text(&lines), "\"id\":\"") + 6);
	assert_true(snapshot_writer_remove(writer, id, &err));
}

static void what_is_removed_is_not_there_unless_it_comes_again(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "a.jsonl.zst");
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(FILE_MAX);
	struct snapshot_writer *writer = writer_open(path);
	struct error err = { 0 };

	remove_numbered(writer, 1); /* it was never there */
	add_numbered(writer, 2, "Bea");
	add_numbered(writer, 3, "Cleo");
	remove_numbered(writer, 2);
	remove_numbered(writer, 3);
	add_numbered(writer, 3, "Cleopatra");
	assert_false(snapshot_writer_remove(writer, "nobody", &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	writer_finish(writer);
	add_user(&expected, 3, "Cleopatra");
	expect_content(path, buf_span(&expected));
}

static void the_order_of_arrival_does_not_change_the_identity(void **state)
{
	CLEANUP(memory_freep) char *up = file_path(*state, "up");
	CLEANUP(memory_freep) char *down = file_path(*state, "down");
	CLEANUP(memory_freep) char *up_identity = NULL;
	CLEANUP(memory_freep) char *down_identity = NULL;
	struct snapshot_writer *ascending = writer_open(up), *descending = writer_open(down);

	for (uint64_t i = 0; i < 300; i++) {
		add_numbered(ascending, i, "Max");
		add_numbered(descending, 299 - i, "Max");
	}
	writer_finish(ascending);
	writer_finish(descending);
	up_identity = identity_of(up);
	down_identity = identity_of(down);
	assert_int_equal(strlen(up_identity), SNAPSHOT_ID_TEXT - 1);
	assert_string_equal(up_identity, down_identity);
}

/* More than memory holds before it packs or spills, in steps of `step` through the numbers. */
static char *identity_written(
	void **state, const char *name, uint64_t step, unsigned workers, bool late, uint64_t spread)
{
	enum { MANY = 150000, MODULUS = MANY + 1 };
	CLEANUP(memory_freep) char *path = file_path(*state, name);
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);
	struct snapshot_writer *writer = writer_open(path);

	snapshot_writer_use_workers(writer, workers);
	for (uint64_t i = 0, number = step; i < MANY; i++, number = (number + step) % MODULUS) {
		buf_cut(&lines, 0);
		buf_addf(&lines,
			"{\"accountEnabled\":true,\"displayName\":\"Max %llu\",\"id\":\"%08llx-0000-4000-"
			"8000-000000000000\",\"kind\":\"user\"}\n",
			(unsigned long long)number, (unsigned long long)(number * spread));
		writer_add(writer, buf_span(&lines));
	}
	/* The last object once more: too late for what is packed already. */
	if (late)
		writer_add(writer, buf_span(&lines));
	writer_finish(writer);
	return identity_of(path);
}

enum {
	EVEN = 28633, /* the ids of these many objects fill nearly all there are */
	DENSE = 1,    /* they all lie at the beginning */
	SHUFFLED = 77777,
};

static void the_file_is_the_same_however_it_came_to_be(void **state)
{
	static const uint64_t spreads[] = { EVEN, DENSE };

	for (size_t i = 0; i < COUNT_OF(spreads); i++) {
		CLEANUP(memory_freep)
		char *shuffled = identity_written(
			state, "shuffled", SHUFFLED, 0, false, spreads[i]);
		CLEANUP(memory_freep)
		char *in_order = identity_written(state, "in-order", 1, 0, false, spreads[i]);
		CLEANUP(memory_freep)
		char *in_threads = identity_written(state, "in-threads", 1, 2, false, spreads[i]);
		CLEANUP(memory_freep)
		char *late = identity_written(state, "late", 1, 2, true, spreads[i]);

		assert_string_equal(in_order, shuffled);
		assert_string_equal(in_threads, shuffled);
		assert_string_equal(late, shuffled);
	}
}

static void what_is_not_finished_leaves_nothing_behind(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "a.jsonl.zst");
	struct snapshot_writer *writer = writer_open(path);

	for (uint64_t i = 0; i < 20000; i++) /* more than is collected in memory */
		add_numbered(writer, i, "Sofia");
	assert_int_equal(folder_count(*state), 0);
	snapshot_writer_close(writer);
	assert_int_equal(folder_count(*state), 0);
}

static void an_older_snapshot_stays_until_the_new_one_is_whole(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "a.jsonl.zst");
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(FILE_MAX);
	struct snapshot_writer *writer = writer_open(path);

	add_numbered(writer, 1, "old");
	writer_finish(writer);
	writer = writer_open(path);
	add_numbered(writer, 1, "new");
	snapshot_writer_close(writer);
	add_user(&expected, 1, "old");
	expect_content(path, buf_span(&expected));
	assert_int_equal(folder_count(*state), 1);
}

static void a_full_disk_is_an_error_and_leaves_nothing_behind(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "a.jsonl.zst");
	struct snapshot_writer *writer = writer_open(path);
	struct rlimit before, small;
	struct error err = { 0 };
	bool finished;

	add_numbered(writer, 1, "Lukas");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = (struct rlimit){ 150, before.rlim_max }; /* enough for the line, not for the file */
	setrlimit(RLIMIT_FSIZE, &small);
	finished = snapshot_writer_finish(writer, TEST_UNTIL_MS, &err);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_false(finished);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(folder_count(*state), 0);
}

static void a_target_that_cannot_be_replaced_is_an_error(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "folder");
	struct snapshot_writer *writer = writer_open(path);
	struct error err = { 0 };

	assert_int_equal(mkdir(path, 0700), 0);
	add_numbered(writer, 1, "Emma");
	assert_false(snapshot_writer_finish(writer, TEST_UNTIL_MS, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_int_equal(folder_count(*state), 1);
}

static void a_folder_that_is_missing_is_an_error_at_the_start(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "missing/a.jsonl.zst");
	struct error err = { 0 };

	assert_null(snapshot_writer_open(path, &test_header, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
}

static void a_tenant_that_is_no_guid_is_refused_at_the_start(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "a.jsonl.zst");
	struct snapshot_header header = test_header;
	struct error err = { 0 };

	header.tenant = (char[]){ "contoso" };
	assert_null(snapshot_writer_open(path, &header, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

#define ID_A "aaaaaaaa-1111-4111-8111-111111111111"
#define ID_B "bbbbbbbb-1111-4111-8111-111111111111"

static void lines_that_are_no_object_are_refused(void **state)
{
	static const char *const wrong[][2] = {
		{ "", "do not end" },
		{ "{\"id\":\"" ID_A "\",\"kind\":\"user\"}", "do not end" },
		{ "{\"kind\":\"user\"}\n", "without id" },
		{ "{\"id\":\"" ID_A "\",\"kind\":\"printer\"}\n", "unknown kind" },
		{ "{\"id\":17,\"kind\":\"user\"}\n", "without id" },
		{ "{\"id\":\"AAAAAAAA-1111-4111-8111-111111111111\",\"kind\":\"user\"}\n",
			"no GUID" },
		{ "{\"id\":\"aaaaaaaa111114111181111111111111111x\",\"kind\":\"user\"}\n",
			"no GUID" },
		{ "{\"id\":\"" ID_A "\",\"kind\":\"group\"}\n{\"id\":\"" ID_B
		  "\",\"kind\":\"group\",\"members\":[],\"part\":\"members:\"}\n",
			"another object" },
	};
	CLEANUP(memory_freep) char *path = file_path(*state, "a.jsonl.zst");
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = writer_open(path);

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct error err = { 0 };

		assert_false(snapshot_writer_add(writer, span_of(wrong[i][0]), &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_non_null(strstr(err.text, wrong[i][1]));
	}
}

static void the_index_counts_kinds_deleted_ones_and_bytes(void **state)
{
	static const char *const lines[] = {
		"{\"id\":\"" ID_A "\",\"kind\":\"contact\"}\n",
		"{\"deleted\":true,\"id\":\"" ID_B "\",\"kind\":\"user\"}\n",
		"{\"id\":\"cccccccc-1111-4111-8111-111111111111\",\"kind\":\"group\"}\n",
		"{\"id\":\"dddddddd-1111-4111-8111-111111111111\",\"kind\":\"group\"}\n",
	};
	CLEANUP(memory_freep) char *path = file_path(*state, "a.jsonl.zst");
	CLEANUP(snapshot_closep) struct snapshot *snapshot = NULL;
	struct snapshot_writer *writer = writer_open(path);
	const struct snapshot_header *header;
	size_t bytes = 0;

	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		writer_add(writer, span_of(lines[i]));
		bytes += strlen(lines[i]);
	}
	writer_finish(writer);
	snapshot = opened(path);
	header = snapshot_header(snapshot);
	assert_int_equal(header->objects[KIND_USER], 0);
	assert_int_equal(header->objects[KIND_GROUP], 2);
	assert_int_equal(header->objects[KIND_CONTACT], 1);
	assert_int_equal(header->deleted, 1);
	assert_int_equal(header->bytes, bytes);
}

static void quarantined_objects_are_noted_in_id_order(void **state)
{
	static const char format[] =
		"{\"id\":\"%s\",\"kind\":\"user\",\"onPremisesProvisioningErrors\":"
		"[{\"value\":\"a@b\"}]}\n";
	CLEANUP(memory_freep) char *path = file_path(*state, "a.jsonl.zst");
	CLEANUP(snapshot_closep) struct snapshot *snapshot = NULL;
	struct snapshot_writer *writer = writer_open(path);
	static const char *const ids[] = { ID_B, ID_A };
	const char *const *quarantined;
	size_t count;

	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		CLEANUP(buf_release) struct buf line = BUF_UP_TO(FILE_MAX);

		buf_addf(&line, format, ids[i]);
		writer_add(writer, buf_span(&line));
	}
	add_numbered(writer, 3, "onPremisesProvisioningErrors");
	writer_finish(writer);
	snapshot = opened(path);
	quarantined = snapshot_quarantined(snapshot, &count);
	assert_int_equal(count, 2);
	assert_string_equal(quarantined[0], ID_A);
	assert_string_equal(quarantined[1], ID_B);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(objects_come_out_in_id_order),
		IN_FOLDER(of_an_id_that_comes_twice_the_last_one_stays),
		IN_FOLDER(what_is_removed_is_not_there_unless_it_comes_again),
		IN_FOLDER(the_order_of_arrival_does_not_change_the_identity),
		IN_FOLDER(the_file_is_the_same_however_it_came_to_be),
		IN_FOLDER(what_is_not_finished_leaves_nothing_behind),
		IN_FOLDER(an_older_snapshot_stays_until_the_new_one_is_whole),
		IN_FOLDER(a_full_disk_is_an_error_and_leaves_nothing_behind),
		IN_FOLDER(a_target_that_cannot_be_replaced_is_an_error),
		IN_FOLDER(a_folder_that_is_missing_is_an_error_at_the_start),
		IN_FOLDER(a_tenant_that_is_no_guid_is_refused_at_the_start),
		IN_FOLDER(lines_that_are_no_object_are_refused),
		IN_FOLDER(the_index_counts_kinds_deleted_ones_and_bytes),
		IN_FOLDER(quarantined_objects_are_noted_in_id_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
