/* A snapshot made from the one before it, against one that was written whole. */
#include "snapshots/snapshots_internal.h"
#include "snapshots_testing.h"

/* Objects by number; the version of each says what its lines are, and 0 that there is none. */
struct world {
	unsigned *versions;
	size_t count;
};

enum { VERSIONS = 5 };

/* Groups of many sizes, people in quarantine, and people in deleted items. */
static void add_object(struct buf *lines, uint64_t number, unsigned version)
{
	char name[32], id[ID_BYTES + 1];

	snprintf(name, sizeof(name), "%u", version);
	if (number % 50 == 7)
		add_group(lines, number, name, version * 20, 300, number);
	else if (number % 11 == 3)
		buf_addf(lines,
			"{\"deleted\":true,\"displayName\":\"%u\",\"id\":\"%s\",\"kind\":\"user\"}\n",
			version, test_id(number, id));
	else if (number % 13 == 5 && version % 2)
		buf_addf(lines,
			"{\"displayName\":\"%u\",\"id\":\"%s\",\"kind\":\"user\","
			"\"onPremisesProvisioningErrors\":[{\"category\":\"PropertyConflict\"}]}\n",
			version, test_id(number, id));
	else
		add_user(lines, number, name);
}

static void add_number(struct snapshot_writer *writer, uint64_t number, unsigned version)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(64 << 20);

	add_object(&lines, number, version);
	writer_add(writer, buf_span(&lines));
}

static void write_whole(const struct world *world, const char *path)
{
	struct snapshot_writer *writer = writer_open(path);

	for (size_t i = 0; i < world->count; i++)
		if (world->versions[i])
			add_number(writer, i, world->versions[i]);
	writer_finish(writer);
}

static void follow(struct snapshot_writer *writer, struct snapshot *previous)
{
	struct error err = { 0 };

	assert_true(snapshot_writer_follow(writer, previous, true, &err));
}

/* Changes the world, and writes only what changed, some of it twice, some of it in vain. */
static void change(
	struct world *world, struct random *random, size_t changes, struct snapshot_writer *writer)
{
	struct error err = { 0 };
	char id[ID_BYTES + 1];

	for (size_t i = 0; i < changes; i++) {
		size_t number = random_next(random) % world->count;
		unsigned version = random_next(random) % 3 ? random_next(random) % VERSIONS
							   : world->versions[number];

		if (random_next(random) % 4 == 0)
			add_number(writer, number, VERSIONS);
		world->versions[number] = version;
		if (version)
			add_number(writer, number, version);
		else
			assert_true(snapshot_writer_remove(writer, test_id(number, id), &err));
	}
}

/* The same lines in the same frames, the same counts, and the same ids in quarantine. */
static void expect_same(const char *one, const char *other)
{
	CLEANUP(snapshot_closep) struct snapshot *a = opened(one);
	CLEANUP(snapshot_closep) struct snapshot *b = opened(other);
	const struct snapshot_header *left = snapshot_header(a), *right = snapshot_header(b);

	assert_int_equal(a->bits, b->bits);
	assert_int_equal(a->entry_count, b->entry_count);
	for (uint32_t i = 0; i < a->entry_count; i++) {
		struct entry of_a = snapshot_entry(a, i), of_b = snapshot_entry(b, i);

		assert_memory_equal(&of_a, &of_b, sizeof(of_a));
	}
	assert_memory_equal(left->objects, right->objects, sizeof(left->objects));
	assert_int_equal(left->deleted, right->deleted);
	assert_int_equal(left->bytes, right->bytes);
	assert_int_equal(a->quarantined_count, b->quarantined_count);
	for (size_t i = 0; i < a->quarantined_count; i++)
		assert_string_equal(a->quarantined[i], b->quarantined[i]);
}

static void expect_whole(const char *path)
{
	struct error err = { 0 };

	if (!open_and_check(path, &err))
		fail_msg("%s", err.text);
}

static void check_world(const char *folder, uint64_t seed, size_t objects, size_t changes)
{
	CLEANUP(memory_freep) char *before = file_path(folder, "before.jsonl.zst");
	CLEANUP(memory_freep) char *updated = file_path(folder, "updated.jsonl.zst");
	CLEANUP(memory_freep) char *whole = file_path(folder, "whole.jsonl.zst");
	CLEANUP(memory_freep) unsigned *versions = memory_array(objects, sizeof(*versions));
	struct world world = { versions, objects };
	struct random random = { seed };

	for (size_t i = 0; i < objects; i++)
		versions[i] = random_next(&random) % VERSIONS;
	write_whole(&world, before);
	for (unsigned round = 0; round < 3; round++) {
		struct snapshot *previous = opened(before);
		struct snapshot_writer *writer = writer_open(updated);

		follow(writer, previous);
		change(&world, &random, changes, writer);
		writer_finish(writer);
		snapshot_close(previous);
		write_whole(&world, whole);
		expect_same(updated, whole);
		expect_whole(updated);
		assert_int_equal(rename(updated, before), 0);
	}
}

static void an_update_has_the_frames_of_a_snapshot_that_was_written_whole(void **state)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		check_world(*state, seed, 3000, seed * 10);
		check_world(*state, seed, 60, seed);
	}
}

static void more_buckets_are_made_where_a_whole_snapshot_has_more(void **state)
{
	/* 90 objects are one bucket and 91 are two: 4 of 5 numbers are there at first. */
	for (uint64_t seed = 1; seed <= 10; seed++)
		check_world(*state, seed, 113, 20);
}

static void nothing_that_changed_is_a_copy_of_every_frame(void **state)
{
	CLEANUP(memory_freep) char *before = file_path(*state, "before.jsonl.zst");
	CLEANUP(memory_freep) char *updated = file_path(*state, "updated.jsonl.zst");
	CLEANUP(memory_freep) unsigned *versions = memory_array(500, sizeof(*versions));
	CLEANUP(snapshot_closep) struct snapshot *previous = NULL;
	struct world world = { versions, 500 };
	struct snapshot_writer *writer;

	for (size_t i = 0; i < world.count; i++)
		versions[i] = 1;
	write_whole(&world, before);
	previous = opened(before);
	writer = writer_open(updated);
	follow(writer, previous);
	for (size_t i = 0; i < world.count; i += 3)
		add_number(writer, i, 1); /* as it was */
	writer_finish(writer);
	expect_same(before, updated);
}

static void it_says_what_it_follows_and_where_changes_are_told(void **state)
{
	CLEANUP(memory_freep) char *before = file_path(*state, "before.jsonl.zst");
	CLEANUP(memory_freep) char *updated = file_path(*state, "updated.jsonl.zst");
	CLEANUP(snapshot_closep) struct snapshot *previous = NULL;
	CLEANUP(snapshot_closep) struct snapshot *snapshot = NULL;
	char users[] = "https://graph.example/users/delta?$deltatoken=1";
	char *links[KIND_COUNT] = { [KIND_USER] = users };
	struct snapshot_writer *writer = writer_open(before);
	struct error err = { 0 };

	writer_finish(writer);
	previous = opened(before);
	assert_string_equal(snapshot_header(previous)->previous, "");
	assert_int_equal(snapshot_header(previous)->sequence, 0);
	assert_int_equal(snapshot_header(previous)->relations_ms, 0);
	writer = writer_open(updated);
	follow(writer, previous);
	assert_true(snapshot_writer_set_links(writer, links, &err));
	snapshot_writer_set_relations(writer, INT64_C(1772590661000));
	writer_finish(writer);
	snapshot = opened(updated);
	assert_string_equal(snapshot_header(snapshot)->previous, snapshot_identity(previous));
	assert_int_equal(snapshot_header(snapshot)->sequence, 1);
	assert_string_equal(snapshot_header(snapshot)->links[KIND_USER], users);
	assert_null(snapshot_header(snapshot)->links[KIND_GROUP]);
	assert_int_equal(snapshot_header(snapshot)->relations_ms, INT64_C(1772590661000));
	assert_true(snapshot_asked_for_all(snapshot));
}

#define APP "extension_7be1c04d9a314c60b9a1e0d4b6f2e8c1_"

static void it_says_which_directory_extensions_were_asked_for(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "extended.jsonl.zst");
	const struct kind *user = kind_get(KIND_USER);
	const struct attribute *site = attribute_find(user, SPAN_LITERAL(APP "site"));
	const struct attribute *cost = attribute_find(user, SPAN_LITERAL(APP "cost"));
	const struct attribute *asked[] = { site, cost, site };
	struct snapshot_writer *writer = writer_open(path);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = NULL;
	struct error err = { 0 };

	assert_true(snapshot_writer_set_extensions(writer, KIND_USER, asked, 3, &err));
	writer_finish(writer);
	snapshot = opened(path);
	assert_true(snapshot_asked_for_all(snapshot));
	assert_int_equal(snapshot_header(snapshot)->extensions[KIND_USER].count, 2);
	assert_true(snapshot_asked_for_extension(snapshot, KIND_USER, cost));
	assert_false(snapshot_asked_for_extension(snapshot, KIND_GROUP, cost));
	assert_true(snapshot_asked_for_extensions(snapshot, KIND_USER, asked, 2));
	assert_false(snapshot_asked_for_extensions(snapshot, KIND_USER, asked, 1));
	assert_true(snapshot_asked_for_extensions(snapshot, KIND_GROUP, NULL, 0));
}

static void a_link_longer_than_any_is_refused(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "it.jsonl.zst");
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = writer_open(path);
	CLEANUP(memory_freep) char *link = memory_array(SNAPSHOT_LINK_MAX + 2, 1);
	char *links[KIND_COUNT] = { [KIND_USER] = link };
	struct error err = { 0 };

	memset(link, 'x', SNAPSHOT_LINK_MAX + 1);
	assert_false(snapshot_writer_set_links(writer, links, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

static void another_tenant_is_not_followed(void **state)
{
	CLEANUP(memory_freep) char *before = file_path(*state, "before.jsonl.zst");
	CLEANUP(memory_freep) char *updated = file_path(*state, "updated.jsonl.zst");
	CLEANUP(snapshot_closep) struct snapshot *previous = NULL;
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = NULL;
	struct snapshot_header header = test_header;
	struct error err = { 0 };

	writer_finish(writer_open(before));
	previous = opened(before);
	header.tenant = (char[]){ "99999999-2222-4333-8444-555555555555" };
	writer = snapshot_writer_open(updated, &header, &err);
	assert_false(snapshot_writer_follow(writer, previous, true, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
}

/* Every frame is read or copied, so every flipped byte is found, and nothing is written. */
static void a_damaged_one_is_followed_by_nothing(void **state)
{
	CLEANUP(memory_freep) char *before = file_path(*state, "before.jsonl.zst");
	CLEANUP(memory_freep) char *updated = file_path(*state, "nothing.jsonl.zst");
	CLEANUP(memory_freep) unsigned *versions = memory_array(300, sizeof(*versions));
	struct world world = { versions, 300 };
	struct random random = { 9 };
	uint64_t end;

	for (size_t i = 0; i < world.count; i++)
		versions[i] = 1;
	write_whole(&world, before);
	{
		CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(before);
		struct entry last = snapshot_entry(snapshot, snapshot->entry_count - 1);

		end = last.offset + last.packed;
	}
	for (unsigned round = 0; round < 60; round++) {
		CLEANUP(snapshot_closep) struct snapshot *previous = NULL;
		struct snapshot_writer *writer;
		struct error err = { 0 };
		FILE *file = fopen(before, "r+");
		long at = (long)(random_next(&random) % end);
		int byte;

		fseek(file, at, SEEK_SET);
		byte = fgetc(file);
		fseek(file, at, SEEK_SET);
		fputc(byte ^ 0x10, file);
		fflush(file);
		previous = snapshot_open(before, &err);
		if (previous) {
			writer = writer_open(updated);
			follow(writer, previous);
			add_number(writer, 40, 2);
			assert_false(snapshot_writer_finish(writer, TEST_UNTIL_MS, &err));
		}
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_int_not_equal(access(updated, F_OK), 0);
		fseek(file, at, SEEK_SET);
		fputc(byte, file);
		fclose(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_update_has_the_frames_of_a_snapshot_that_was_written_whole),
		cmocka_unit_test(more_buckets_are_made_where_a_whole_snapshot_has_more),
		cmocka_unit_test(nothing_that_changed_is_a_copy_of_every_frame),
		cmocka_unit_test(it_says_what_it_follows_and_where_changes_are_told),
		cmocka_unit_test(it_says_which_directory_extensions_were_asked_for),
		cmocka_unit_test(a_link_longer_than_any_is_refused),
		cmocka_unit_test(another_tenant_is_not_followed),
		cmocka_unit_test(a_damaged_one_is_followed_by_nothing),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
