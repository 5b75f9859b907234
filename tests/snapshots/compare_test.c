/* Comparing, against a comparison so simple that it can only be right. */
#include "snapshots_testing.h"

#include "snapshots/snapshots_internal.h"

enum { OBJECTS_MAX = 1500 };

/* A directory in memory: what object `number` looks like, or NULL. */
struct directory {
	char *lines[OBJECTS_MAX];
};

static void directory_release(struct directory *directory)
{
	for (size_t i = 0; i < OBJECTS_MAX; i++)
		memory_free(directory->lines[i]);
}

static void put_user(struct directory *directory, size_t number, const char *name)
{
	struct buf lines = BUF_UP_TO(FILE_MAX);

	add_user(&lines, number, name);
	memory_free(directory->lines[number]);
	directory->lines[number] = buf_detach(&lines);
}

static void put_group(struct directory *directory, size_t number, const char *name, unsigned parts,
	unsigned members, uint64_t seed)
{
	struct buf lines = BUF_UP_TO(FILE_MAX);

	add_group(&lines, number, name, parts, members, seed);
	memory_free(directory->lines[number]);
	directory->lines[number] = buf_detach(&lines);
}

static void put_random(struct directory *directory, size_t number, struct random *random)
{
	char name[32];

	snprintf(name, sizeof(name), "Name %d", (int)(random_next(random) % 5));
	if (random_next(random) % 4)
		put_user(directory, number, name);
	else
		put_group(directory, number, name, random_next(random) % 6,
			1 + random_next(random) % 3, random_next(random) % 3);
}

static struct snapshot *written(const char *path, const struct directory *directory)
{
	struct snapshot_writer *writer = writer_open(path);

	for (size_t i = 0; i < OBJECTS_MAX; i++)
		if (directory->lines[i])
			writer_add(writer, span_of(directory->lines[i]));
	writer_finish(writer);
	return opened(path);
}

static void add_pair(struct buf *out, struct span base, struct span live)
{
	buf_addf(out, "BASE %d\n", base.data != NULL);
	buf_add_span(out, base);
	buf_addf(out, "LIVE %d\n", live.data != NULL);
	buf_add_span(out, live);
}

static bool note_pair(void *context, struct span base, struct span live, struct error *err)
{
	(void)err;
	add_pair(context, base, live);
	return true;
}

struct numbered {
	char id[ID_BYTES + 1];
	size_t number;
};

static int numbered_order(const void *a, const void *b)
{
	return strcmp(((const struct numbered *)a)->id, ((const struct numbered *)b)->id);
}

static void simple_comparison(
	const struct directory *base, const struct directory *live, struct buf *out)
{
	struct numbered order[OBJECTS_MAX];

	for (size_t i = 0; i < OBJECTS_MAX; i++) {
		test_id(i, order[i].id);
		order[i].number = i;
	}
	qsort(order, OBJECTS_MAX, sizeof(*order), numbered_order);
	for (size_t i = 0; i < OBJECTS_MAX; i++) {
		const char *before = base->lines[order[i].number];
		const char *after = live->lines[order[i].number];

		if (!span_equal(span_of(before), span_of(after)))
			add_pair(out, span_of(before), span_of(after));
	}
}

static void expect_as_simple(
	void **state, const struct directory *base, const struct directory *live)
{
	CLEANUP(memory_freep) char *base_path = file_path(*state, "base");
	CLEANUP(memory_freep) char *live_path = file_path(*state, "live");
	CLEANUP(snapshot_closep) struct snapshot *a = written(base_path, base);
	CLEANUP(snapshot_closep) struct snapshot *b = written(live_path, live);
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(FILE_MAX);
	struct error err = { 0 };

	simple_comparison(base, live, &expected);
	for (unsigned workers = 0; workers <= 2; workers += 2) {
		CLEANUP(buf_release) struct buf found = BUF_UP_TO(FILE_MAX);

		snapshot_use_workers(a, workers);
		snapshot_use_workers(b, workers);
		assert_true(snapshot_compare(a, b, note_pair, &found, &err));
		assert_string_equal(buf_text(&found), buf_text(&expected));
	}
}

static void random_directories_compare_as_the_simple_way_says(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 30, 95, 190, 400, 1500 };

	for (uint64_t seed = 0; seed < 64; seed++) {
		CLEANUP(directory_release) struct directory base = { 0 };
		CLEANUP(directory_release) struct directory live = { 0 };
		struct random random = { seed };
		size_t base_size = sizes[random_next(&random) % COUNT_OF(sizes)];
		size_t live_size = seed % 2 ? base_size
					    : sizes[random_next(&random) % COUNT_OF(sizes)];
		uint64_t calm = 1 + random_next(&random) % 100; /* one in so many changes */

		for (size_t i = 0; i < base_size; i++)
			put_random(&base, i, &random);
		for (size_t i = 0; i < live_size; i++)
			if (base.lines[i])
				live.lines[i] = memory_text(base.lines[i]);
			else
				put_random(&live, i, &random);
		for (size_t i = 0; i < live_size; i++) {
			if (random_next(&random) % calm)
				continue;
			if (random_next(&random) % 3)
				put_random(&live, i, &random);
			else
				memory_free(TAKE(live.lines[i]));
		}
		expect_as_simple(state, &base, &live);
	}
}

static void groups_differ_in_one_part_line_and_are_handed_out_whole(void **state)
{
	static const struct {
		unsigned base_parts, live_parts;
	} rows[] = { { 3, 4 }, { 4, 3 }, { 0, 1 }, { 1, 0 }, { 0, 5 } };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(directory_release) struct directory base = { 0 };
		CLEANUP(directory_release) struct directory live = { 0 };

		for (size_t number = 0; number < 20; number++) {
			put_group(&base, number, "Same", rows[i].base_parts, 3, 1);
			put_group(&live, number, "Same", rows[i].live_parts, 3, 1);
		}
		for (size_t number = 20; number < 60; number++) {
			put_user(&base, number, "Anna");
			put_user(&live, number, "Anna");
		}
		expect_as_simple(state, &base, &live);
	}
}

static void a_group_over_several_frames_compares_as_one_object(void **state)
{
	CLEANUP(directory_release) struct directory base = { 0 };
	CLEANUP(directory_release) struct directory live = { 0 };

	for (size_t number = 0; number < 80; number++) {
		put_user(&base, number, "Anna");
		put_user(&live, number, number == 40 ? "Bert" : "Anna");
	}
	put_group(&base, 80, "Large", 150, 512, 1);
	put_group(&live, 80, "Large", 151, 512, 1); /* one more part line, in the last frame */
	put_group(&base, 81, "Large and equal", 120, 512, 1);
	put_group(&live, 81, "Large and equal", 120, 512, 1);
	expect_as_simple(state, &base, &live);
}

static void snapshots_with_other_bucket_widths_compare(void **state)
{
	CLEANUP(directory_release) struct directory base = { 0 };
	CLEANUP(directory_release) struct directory live = { 0 };
	CLEANUP(directory_release) struct directory empty = { 0 };

	for (size_t number = 0; number < 1000; number++)
		put_user(&base, number, "Anna");
	for (size_t number = 960; number < 1000; number++)
		put_user(&live, number, "Anna");
	put_user(&live, 1001, "New");
	put_user(&live, 970, "Other");
	expect_as_simple(state, &base, &live);
	expect_as_simple(state, &live, &base);
	expect_as_simple(state, &base, &empty);
	expect_as_simple(state, &empty, &base);
	expect_as_simple(state, &empty, &empty);
}

static void a_snapshot_compared_with_itself_has_no_differences(void **state)
{
	CLEANUP(directory_release) struct directory base = { 0 };
	CLEANUP(memory_freep) char *path = file_path(*state, "base");
	CLEANUP(buf_release) struct buf found = BUF_UP_TO(FILE_MAX);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = NULL;
	struct error err = { 0 };

	put_user(&base, 1, "Anna");
	snapshot = written(path, &base);
	assert_true(snapshot_compare(snapshot, snapshot, note_pair, &found, &err));
	assert_int_equal(found.length, 0);
}

static void break_byte(const char *path, uint64_t offset)
{
	FILE *file = fopen(path, "r+");
	int byte;

	assert_non_null(file);
	assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
	byte = fgetc(file);
	assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
	fputc(byte ^ 1, file);
	assert_int_equal(fclose(file), 0);
}

/* The bucket that holds object `number`. */
static uint32_t frame_of(struct snapshot *snapshot, size_t number)
{
	char text[ID_BYTES + 1];
	uint8_t id[ID_BINARY_BYTES];
	uint32_t frame = 1;

	assert_true(id_parse(span_of(test_id(number, text)), id));
	while (snapshot_entry(snapshot, frame).bucket != bucket_of(id, snapshot->bits))
		frame++;
	return frame;
}

/* Both snapshots are broken in every bucket but one: whoever looks at an equal one fails. */
static void buckets_that_are_equal_are_not_read(void **state)
{
	enum { CHANGED = 123 };
	CLEANUP(directory_release) struct directory base = { 0 };
	CLEANUP(directory_release) struct directory live = { 0 };
	CLEANUP(memory_freep) char *base_path = file_path(*state, "base");
	CLEANUP(memory_freep) char *live_path = file_path(*state, "live");
	CLEANUP(snapshot_closep) struct snapshot *a = NULL;
	CLEANUP(snapshot_closep) struct snapshot *b = NULL;
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf found = BUF_UP_TO(FILE_MAX);
	struct error err = { 0 };

	for (size_t number = 0; number < 1000; number++) {
		put_user(&base, number, "Anna");
		put_user(&live, number, number == CHANGED ? "Bert" : "Anna");
	}
	a = written(base_path, &base);
	b = written(live_path, &live);
	for (uint32_t i = 1; i < a->entry_count; i++)
		if (i != frame_of(a, CHANGED))
			break_byte(base_path, snapshot_entry(a, i).offset + 20);
	simple_comparison(&base, &live, &expected);
	assert_true(snapshot_compare(a, b, note_pair, &found, &err));
	assert_string_equal(buf_text(&found), buf_text(&expected));

	break_byte(base_path, snapshot_entry(a, frame_of(a, CHANGED)).offset + 20);
	assert_false(snapshot_compare(a, b, note_pair, &found, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

/* Of many damaged buckets the first is told, and what lies before it is handed out first. */
static void damage_is_told_in_order_whoever_worked_on_it(void **state)
{
	CLEANUP(directory_release) struct directory base = { 0 };
	CLEANUP(directory_release) struct directory live = { 0 };
	CLEANUP(memory_freep) char *base_path = file_path(*state, "base");
	CLEANUP(memory_freep) char *live_path = file_path(*state, "live");
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(FILE_MAX);
	CLEANUP(snapshot_closep) struct snapshot *a = NULL;
	CLEANUP(snapshot_closep) struct snapshot *b = NULL;
	struct error expected_err = { 0 };

	for (size_t number = 0; number < 1000; number++) {
		put_user(&base, number, "Anna");
		put_user(&live, number, "Bert");
	}
	a = written(base_path, &base);
	b = written(live_path, &live);
	for (uint32_t i = 5; i < a->entry_count; i++)
		break_byte(live_path, snapshot_entry(b, i).offset + 20);
	assert_false(snapshot_compare(a, b, note_pair, &expected, &expected_err));
	assert_true(expected.length > 0);
	for (unsigned workers = 1; workers <= CREW_MAX; workers++) {
		CLEANUP(buf_release) struct buf found = BUF_UP_TO(FILE_MAX);
		struct error err = { 0 };

		snapshot_use_workers(a, workers);
		snapshot_use_workers(b, workers);
		assert_false(snapshot_compare(a, b, note_pair, &found, &err));
		assert_string_equal(err.text, expected_err.text);
		assert_string_equal(buf_text(&found), buf_text(&expected));
	}
}

static void snapshots_of_two_tenants_are_not_compared(void **state)
{
	CLEANUP(memory_freep) char *ours = file_path(*state, "ours");
	CLEANUP(memory_freep) char *theirs = file_path(*state, "theirs");
	CLEANUP(snapshot_closep) struct snapshot *a = NULL;
	CLEANUP(snapshot_closep) struct snapshot *b = NULL;
	struct snapshot_header header = test_header;
	struct snapshot_writer *writer;
	struct error err = { 0 };

	writer_finish(writer_open(ours));
	header.tenant = (char[]){ "99999999-2222-4333-8444-555555555555" };
	writer = snapshot_writer_open(theirs, &header, &err);
	assert_non_null(writer);
	writer_finish(writer);
	a = opened(ours);
	b = opened(theirs);
	assert_false(snapshot_compare(a, b, note_pair, NULL, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.text, "99999999-"));
}

static bool refuse_pair(void *context, struct span base, struct span live, struct error *err)
{
	(void)base;
	(void)live;
	++*(size_t *)context;
	return error_set(err, ERROR_STALE, "enough");
}

static void a_failing_visitor_ends_the_comparison(void **state)
{
	CLEANUP(directory_release) struct directory base = { 0 };
	CLEANUP(directory_release) struct directory live = { 0 };
	CLEANUP(memory_freep) char *base_path = file_path(*state, "base");
	CLEANUP(memory_freep) char *live_path = file_path(*state, "live");
	CLEANUP(snapshot_closep) struct snapshot *a = NULL;
	CLEANUP(snapshot_closep) struct snapshot *b = NULL;
	struct error err = { 0 };
	size_t calls = 0;

	for (size_t number = 0; number < 300; number++)
		put_user(&live, number, "Anna");
	a = written(base_path, &base);
	b = written(live_path, &live);
	for (unsigned workers = 0; workers <= 2; workers++) {
		snapshot_use_workers(a, workers);
		snapshot_use_workers(b, workers);
		assert_false(snapshot_compare(a, b, refuse_pair, &calls, &err));
		assert_int_equal(err.kind, ERROR_STALE);
		assert_int_equal(calls, 1 + workers);
	}
}

static bool find_fault(void *context, struct span base, struct span live, struct error *err)
{
	(void)context;
	(void)base;
	(void)live;
	return error_set(err, ERROR_FORMAT, "line 1: byte 7: no JSON");
}

static void what_a_visitor_finds_in_the_lines_is_placed(void **state)
{
	CLEANUP(directory_release) struct directory base = { 0 };
	CLEANUP(directory_release) struct directory live = { 0 };
	CLEANUP(memory_freep) char *base_path = file_path(*state, "base");
	CLEANUP(memory_freep) char *live_path = file_path(*state, "live");
	CLEANUP(snapshot_closep) struct snapshot *a = NULL;
	CLEANUP(snapshot_closep) struct snapshot *b = NULL;
	CLEANUP(buf_release) struct buf place = BUF_UP_TO(FILE_MAX);
	struct error err = { 0 };

	put_user(&live, 1, "Anna");
	a = written(base_path, &base);
	b = written(live_path, &live);
	assert_false(snapshot_compare(a, b, find_fault, NULL, &err));
	buf_addf(&place, "offset %llu of %s: line 1: byte 7: no JSON",
		(unsigned long long)snapshot_entry(b, 1).offset, live_path);
	assert_non_null(strstr(err.text, buf_text(&place)));
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(random_directories_compare_as_the_simple_way_says),
		IN_FOLDER(groups_differ_in_one_part_line_and_are_handed_out_whole),
		IN_FOLDER(a_group_over_several_frames_compares_as_one_object),
		IN_FOLDER(snapshots_with_other_bucket_widths_compare),
		IN_FOLDER(a_snapshot_compared_with_itself_has_no_differences),
		IN_FOLDER(buckets_that_are_equal_are_not_read),
		IN_FOLDER(damage_is_told_in_order_whoever_worked_on_it),
		IN_FOLDER(snapshots_of_two_tenants_are_not_compared),
		IN_FOLDER(a_failing_visitor_ends_the_comparison),
		IN_FOLDER(what_a_visitor_finds_in_the_lines_is_placed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
