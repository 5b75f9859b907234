/* Reading back: everything, one object, those that hold a text; objects over several frames. */
#include "snapshots_testing.h"

#include "snapshots/snapshots_internal.h"

enum { USERS = 700, HUGE_GROUP = 1000001 };

/* Users, and a group of `parts` part lines in the midst of them. */
static char *write_users_and_group(void **state, unsigned parts)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);
	char *path = file_path(*state, "a.jsonl.zst");
	struct snapshot_writer *writer = writer_open(path);

	for (uint64_t i = 0; i < USERS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "User %d", (int)i);
		buf_cut(&lines, 0);
		add_user(&lines, i, name);
		writer_add(writer, buf_span(&lines));
	}
	buf_cut(&lines, 0);
	add_group(&lines, HUGE_GROUP, "All", parts, 512, 5);
	writer_add(writer, buf_span(&lines));
	writer_finish(writer);
	return path;
}

static void every_object_can_be_read_alone(void **state)
{
	CLEANUP(memory_freep) char *path = write_users_and_group(state, 1);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(path);
	CLEANUP(buf_release) struct buf found = BUF_UP_TO(FILE_MAX);

	for (uint64_t i = 0; i < USERS; i++) {
		CLEANUP(buf_release) struct buf expected = BUF_UP_TO(FILE_MAX);
		char id[ID_BYTES + 1], name[32];
		struct error err = { 0 };

		snprintf(name, sizeof(name), "User %d", (int)i);
		add_user(&expected, i, name);
		assert_true(snapshot_object(snapshot, span_of(test_id(i, id)), &found, &err));
		assert_string_equal(buf_text(&found), buf_text(&expected));
	}
}

static void expect_picked(
	struct snapshot *snapshot, struct snapshot_picker *picker, uint64_t number)
{
	CLEANUP(buf_release) struct buf alone = BUF_UP_TO(FILE_MAX);
	char id[ID_BYTES + 1];
	struct span picked;
	struct error err = { 0 };

	assert_true(snapshot_object(snapshot, span_of(test_id(number, id)), &alone, &err));
	assert_true(snapshot_pick(picker, span_of(id), &picked, &err));
	assert_int_equal(picked.length, alone.length);
	if (alone.length)
		assert_memory_equal(picked.data, alone.data, alone.length);
	else
		assert_null(picked.data);
}

/* In every order, some twice, with some between them that are not there. */
static void many_objects_are_picked_as_each_is_read_alone(void **state)
{
	CLEANUP(memory_freep) char *path = write_users_and_group(state, 200);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(path);
	CLEANUP(snapshot_picker_freep)
	struct snapshot_picker *picker = snapshot_picker_new(snapshot);

	for (uint64_t i = 0; i < USERS + 20; i++)
		expect_picked(snapshot, picker, i);
	for (uint64_t i = USERS + 20; i--;)
		expect_picked(snapshot, picker, i);
	for (uint64_t i = 0; i < USERS; i += 7) {
		expect_picked(snapshot, picker, i);
		expect_picked(snapshot, picker, i);
		if (i % 70 == 0)
			expect_picked(snapshot, picker, HUGE_GROUP);
	}
}

static void an_object_that_is_not_there_is_no_error(void **state)
{
	static const char *const ids[] = {
		"00000000-0000-4000-8000-000000000000",
		"ffffffff-ffff-4fff-bfff-ffffffffffff",
		"ABCDEF00-0000-4000-8000-000000000000",
		"../../etc/passwd",
		"",
	};
	CLEANUP(memory_freep) char *path = write_users_and_group(state, 1);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(path);
	CLEANUP(buf_release) struct buf found = BUF_UP_TO(FILE_MAX);

	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		struct error err = { 0 };

		buf_add_text(&found, "what was there before");
		assert_true(snapshot_object(snapshot, span_of(ids[i]), &found, &err));
		assert_int_equal(found.length, 0);
	}
}

struct spans {
	size_t objects, longest;
	bool stop;
};

static bool measure(void *context, struct span lines, struct error *err)
{
	struct spans *spans = context;

	spans->objects++;
	spans->longest = lines.length > spans->longest ? lines.length : spans->longest;
	return !spans->stop || error_set(err, ERROR_REFUSED, "enough");
}

static void a_group_over_several_frames_is_one_object(void **state)
{
	CLEANUP(memory_freep) char *path = write_users_and_group(state, 200);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(path);
	CLEANUP(buf_release) struct buf found = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(FILE_MAX);
	struct spans spans = { 0 };
	char id[ID_BYTES + 1];
	struct error err = { 0 };

	add_group(&expected, HUGE_GROUP, "All", 200, 512, 5);
	assert_true(expected.length > 3 * SPLIT_BYTES);
	assert_true(snapshot_object(snapshot, span_of(test_id(HUGE_GROUP, id)), &found, &err));
	assert_int_equal(found.length, expected.length);
	assert_memory_equal(found.data, expected.data, expected.length);
	assert_true(snapshot_each(snapshot, measure, &spans, &err));
	assert_int_equal(spans.objects, USERS + 1);
	assert_int_equal(spans.longest, expected.length);
	assert_true(snapshot_check(snapshot, NULL, &err));
}

static void no_frame_holds_more_than_it_should(void **state)
{
	CLEANUP(memory_freep) char *path = write_users_and_group(state, 200);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(path);
	uint64_t bytes = 0;

	assert_int_equal(snapshot->bits, 3);
	assert_true(snapshot->entry_count > 1 + 8 + 3);
	for (uint32_t i = 1; i < snapshot->entry_count; i++) {
		assert_true(snapshot_entry(snapshot, i).plain <= SPLIT_BYTES);
		bytes += snapshot_entry(snapshot, i).plain;
	}
	assert_int_equal(bytes, snapshot_header(snapshot)->bytes);
}

static void a_failing_visitor_ends_the_walk(void **state)
{
	CLEANUP(memory_freep) char *path = write_users_and_group(state, 1);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(path);
	struct spans spans = { .stop = true };
	struct error err = { 0 };

	assert_false(snapshot_each(snapshot, measure, &spans, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_int_equal(spans.objects, 1);
}

static void searching_hands_out_the_objects_that_hold_the_text(void **state)
{
	CLEANUP(memory_freep) char *path = write_users_and_group(state, 200);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(path);
	CLEANUP(buf_release) struct buf found = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(FILE_MAX);
	struct spans spans = { 0 };
	char member[ID_BYTES + 1];
	struct error err = { 0 };

	add_user(&expected, 412, "User 412");
	assert_true(snapshot_search(snapshot, SPAN_LITERAL("\"User 412\""), collect, &found, &err));
	assert_string_equal(buf_text(&found), buf_text(&expected));
	/* A member named only in the last part line of the group. */
	test_id(5 + 200 * 512 - 1, member);
	assert_true(snapshot_search(snapshot, span_of(member), measure, &spans, &err));
	assert_int_equal(spans.objects, 1);
	assert_true(spans.longest > 3 * SPLIT_BYTES);
	spans = (struct spans){ 0 };
	assert_true(snapshot_search(snapshot, SPAN_LITERAL("nobody"), measure, &spans, &err));
	assert_int_equal(spans.objects, 0);
}

static void a_visitor_may_read_other_objects(void **state)
{
	CLEANUP(memory_freep) char *path = write_users_and_group(state, 200);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(path);
	CLEANUP(buf_release) struct buf other = BUF_UP_TO(FILE_MAX);
	CLEANUP(cursor_release) struct cursor cursor;
	struct span lines;
	size_t count = 0;

	cursor_init(&cursor, snapshot);
	cursor_seek(&cursor, 1, snapshot->entry_count);
	for (;; count++) {
		CLEANUP(buf_release) struct buf before = BUF_UP_TO(FILE_MAX);
		char id[ID_BYTES + 1];
		struct error err = { 0 };

		assert_true(cursor_next(&cursor, &lines, &err));
		if (!lines.data)
			break;
		buf_add_span(&before, lines);
		assert_true(snapshot_object(snapshot, span_of(test_id(count, id)), &other, &err));
		assert_memory_equal(lines.data, before.data, before.length);
	}
	assert_int_equal(count, USERS + 1);
}

static void an_empty_snapshot_is_a_snapshot(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "empty.jsonl.zst");
	CLEANUP(snapshot_closep) struct snapshot *snapshot = NULL;
	CLEANUP(buf_release) struct buf found = BUF_UP_TO(FILE_MAX);
	struct spans spans = { 0 };
	struct error err = { 0 };
	char id[ID_BYTES + 1];
	size_t count = 1;

	writer_finish(writer_open(path));
	snapshot = opened(path);
	assert_true(snapshot_check(snapshot, NULL, &err));
	assert_true(snapshot_each(snapshot, measure, &spans, &err));
	assert_true(snapshot_search(snapshot, SPAN_LITERAL("a"), measure, &spans, &err));
	assert_true(snapshot_object(snapshot, span_of(test_id(1, id)), &found, &err));
	assert_int_equal(spans.objects + found.length, 0);
	snapshot_quarantined(snapshot, &count);
	assert_int_equal(count, 0);
	assert_int_equal(snapshot_header(snapshot)->bytes, 0);
}

static void the_header_says_what_was_written(void **state)
{
	CLEANUP(memory_freep) char *path = write_users_and_group(state, 1);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(path);
	const struct snapshot_header *header = snapshot_header(snapshot);

	assert_string_equal(header->tenant, test_header.tenant);
	assert_string_equal(header->cloud, "global");
	assert_string_equal(header->source, "graph");
	assert_int_equal(header->taken_from_ms, test_header.taken_from_ms);
	assert_int_equal(header->taken_until_ms, TEST_UNTIL_MS);
	assert_int_equal(header->objects[KIND_USER], USERS);
	assert_string_equal(snapshot_path(snapshot), path);
}

static void what_is_no_file_is_an_error_of_this_machine(void **state)
{
	CLEANUP(memory_freep) char *missing = file_path(*state, "missing");
	struct error err = { 0 };

	assert_null(snapshot_open(missing, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, missing));
	err = (struct error){ 0 };
	assert_null(snapshot_open(*state, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
}

struct seen {
	uint64_t calls, done, total;
};

static void see(void *context, const char *what, uint64_t done, uint64_t total)
{
	struct seen *seen = context;

	assert_string_equal(what, "frames");
	seen->calls++;
	seen->done = done;
	seen->total = total;
}

static size_t bucket_count(const struct snapshot *snapshot)
{
	size_t count = 0;

	for (uint32_t i = 1; i < snapshot->entry_count; count++)
		i = bucket_end(snapshot, i, snapshot->bits);
	return count;
}

static void checking_tells_how_far_it_is(void **state)
{
	CLEANUP(memory_freep) char *path = write_users_and_group(state, 1);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened(path);
	struct seen seen = { 0 };
	const struct progress progress = { .context = &seen, .step = see };
	struct error err = { 0 };

	assert_true(snapshot_check(snapshot, &progress, &err));
	assert_int_equal(seen.calls, bucket_count(snapshot));
	assert_int_equal(seen.done, seen.total);
	assert_int_equal(seen.total, snapshot->entry_count - 1);
}

static void the_number_of_buckets_follows_the_number_of_objects(void **state)
{
	static const struct {
		uint64_t count;
		unsigned bits;
	} rows[] = {
		{ 0, 0 },
		{ 64, 0 },
		{ 90, 0 },
		{ 91, 1 },
		{ 128, 1 },
		{ 181, 1 },
		{ 182, 2 },
		{ 256, 2 },
		{ 1000000, 14 },
		{ 4194304, 16 },
		{ UINT64_C(1) << 40, 16 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(bits_for(rows[i].count), rows[i].bits);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(every_object_can_be_read_alone),
		IN_FOLDER(many_objects_are_picked_as_each_is_read_alone),
		IN_FOLDER(an_object_that_is_not_there_is_no_error),
		IN_FOLDER(a_group_over_several_frames_is_one_object),
		IN_FOLDER(no_frame_holds_more_than_it_should),
		IN_FOLDER(a_failing_visitor_ends_the_walk),
		IN_FOLDER(searching_hands_out_the_objects_that_hold_the_text),
		IN_FOLDER(a_visitor_may_read_other_objects),
		IN_FOLDER(an_empty_snapshot_is_a_snapshot),
		IN_FOLDER(the_header_says_what_was_written),
		IN_FOLDER(what_is_no_file_is_an_error_of_this_machine),
		IN_FOLDER(checking_tells_how_far_it_is),
		cmocka_unit_test(the_number_of_buckets_follows_the_number_of_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
