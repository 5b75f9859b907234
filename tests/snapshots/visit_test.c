/* Visiting: what every object or some come to, in the order of the ids, whoever looked at them. */
#include "snapshots_testing.h"

#include "snapshots/snapshots_internal.h"

enum { USERS = 3000, HUGE_GROUP = 1000001 };

/* Users, and a group that lies in several frames. */
static char *write_directory(void **state)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);
	char *path = file_path(*state, "a.jsonl.zst");
	struct snapshot_writer *writer = writer_open(path);

	for (uint64_t i = 0; i < USERS; i++) {
		buf_cut(&lines, 0);
		add_user(&lines, i, "Somebody");
		writer_add(writer, buf_span(&lines));
	}
	buf_cut(&lines, 0);
	add_group(&lines, HUGE_GROUP, "All", 200, 512, 5);
	writer_add(writer, buf_span(&lines));
	writer_finish(writer);
	return path;
}

static struct snapshot *opened_with(const char *path, unsigned workers)
{
	struct snapshot *snapshot = opened(path);

	snapshot_use_workers(snapshot, workers);
	return snapshot;
}

/* The lines as they came, of one call of hand_out() and of all. */
struct kept {
	struct buf lines;
};

struct keeping {
	struct buf all;
	size_t looked, handed_out;
	const char *refuse; /* the object with this id */
	bool stop;
};

static void keep_begin(void *looked)
{
	struct kept *kept = looked;

	kept->lines.limit = FILE_MAX;
	buf_cut(&kept->lines, 0);
}

static bool keep_look(void *context, void *looked, struct span lines, struct error *err)
{
	const struct keeping *keeping = context;
	struct kept *kept = looked;

	if (keeping->refuse && memmem(lines.data, lines.length, keeping->refuse, ID_BYTES))
		return error_set(err, ERROR_FORMAT, "I don't like it");
	buf_add_span(&kept->lines, lines);
	return true;
}

static bool keep_hand_out(void *context, void *looked, struct error *err)
{
	struct keeping *keeping = context;
	const struct kept *kept = looked;

	buf_add_span(&keeping->all, buf_span(&kept->lines));
	keeping->handed_out++;
	return !keeping->stop || error_set(err, ERROR_REFUSED, "enough");
}

static void keep_release(void *looked)
{
	buf_release(&((struct kept *)looked)->lines);
}

static struct snapshot_visitor visitor_of(struct keeping *keeping)
{
	*keeping = (struct keeping){ .all = BUF_UP_TO(FILE_MAX) };
	return (struct snapshot_visitor){ .size = sizeof(struct kept),
		.begin = keep_begin,
		.look = keep_look,
		.hand_out = keep_hand_out,
		.release = keep_release,
		.context = keeping };
}

static bool append(void *context, struct span lines, struct error *err UNUSED)
{
	buf_add_span(context, lines);
	return true;
}

static void all_objects_come_as_they_do_one_by_one(void **state)
{
	CLEANUP(memory_freep) char *path = write_directory(state);

	for (unsigned workers = 0; workers < 4; workers++) {
		CLEANUP(snapshot_closep) struct snapshot *snapshot = opened_with(path, workers);
		CLEANUP(buf_release) struct buf expected = BUF_UP_TO(FILE_MAX);
		struct keeping keeping;
		struct snapshot_visitor visitor = visitor_of(&keeping);
		struct error err = { 0 };

		assert_true(snapshot_each(snapshot, append, &expected, &err));
		assert_true(snapshot_visit(snapshot, &visitor, &err));
		assert_int_equal(keeping.all.length, expected.length);
		assert_memory_equal(keeping.all.data, expected.data, expected.length);
		buf_release(&keeping.all);
	}
}

static int by_id(const void *a, const void *b)
{
	return span_compare(*(const struct span *)a, *(const struct span *)b);
}

/* In any order, some twice, some that are nowhere, or no ids at all. */
static void some_objects_come_alone(void **state)
{
	enum { WANTED = 40 };
	CLEANUP(memory_freep) char *path = write_directory(state);
	char ids[WANTED][ID_BYTES + 1];
	struct span only[WANTED + 3];

	for (size_t i = 0; i < WANTED; i++)
		only[i] = span_of(test_id(i ? (i * 977) % (2 * USERS) : HUGE_GROUP, ids[i]));
	only[WANTED] = only[3];
	only[WANTED + 1] = SPAN_LITERAL("nobody");
	only[WANTED + 2] = SPAN_NONE;
	for (unsigned workers = 0; workers < 3; workers++) {
		CLEANUP(snapshot_closep) struct snapshot *snapshot = opened_with(path, workers);
		CLEANUP(buf_release) struct buf expected = BUF_UP_TO(FILE_MAX);
		struct keeping keeping;
		struct snapshot_visitor visitor = visitor_of(&keeping);
		struct span sorted[WANTED];
		struct error err = { 0 };

		memcpy(sorted, only, sizeof(sorted));
		qsort(sorted, WANTED, sizeof(*sorted), by_id);
		for (size_t i = 0; i < WANTED; i++) {
			CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);

			assert_true(snapshot_object(snapshot, sorted[i], &lines, &err));
			buf_add_span(&expected, buf_span(&lines));
		}
		visitor.only = only;
		visitor.only_count = COUNT_OF(only);
		assert_true(snapshot_visit(snapshot, &visitor, &err));
		assert_int_equal(keeping.all.length, expected.length);
		assert_memory_equal(keeping.all.data, expected.data, expected.length);
		buf_release(&keeping.all);
	}
}

static void nothing_wanted_reads_nothing(void **state)
{
	CLEANUP(memory_freep) char *path = write_directory(state);
	CLEANUP(snapshot_closep) struct snapshot *snapshot = opened_with(path, 2);
	struct span none = SPAN_NONE;
	struct keeping keeping;
	struct snapshot_visitor visitor = visitor_of(&keeping);
	struct error err = { 0 };

	visitor.only = &none;
	assert_true(snapshot_visit(snapshot, &visitor, &err));
	assert_int_equal(keeping.handed_out, 0);
}

static void fault_of_who_looks_names_the_place_and_ends_it(void **state)
{
	CLEANUP(memory_freep) char *path = write_directory(state);

	for (unsigned workers = 0; workers < 3; workers++) {
		CLEANUP(snapshot_closep) struct snapshot *snapshot = opened_with(path, workers);
		struct keeping keeping;
		struct snapshot_visitor visitor = visitor_of(&keeping);
		struct error err = { 0 };
		char id[ID_BYTES + 1];

		keeping.refuse = test_id(7, id);
		assert_false(snapshot_visit(snapshot, &visitor, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_non_null(strstr(err.text, "a bucket at offset"));
		assert_non_null(strstr(err.text, "I don't like it"));
		buf_release(&keeping.all);

		visitor = visitor_of(&keeping);
		keeping.stop = true;
		assert_false(snapshot_visit(snapshot, &visitor, &err));
		assert_int_equal(err.kind, ERROR_REFUSED);
		assert_int_equal(keeping.handed_out, 1);
		buf_release(&keeping.all);
	}
}

static void damaged_frame_ends_it(void **state)
{
	CLEANUP(memory_freep) char *path = write_directory(state);

	for (unsigned workers = 0; workers < 3; workers++) {
		CLEANUP(snapshot_closep) struct snapshot *snapshot = opened_with(path, workers);
		struct entry entry = snapshot_entry(snapshot, snapshot->entry_count / 2);
		struct keeping keeping;
		struct snapshot_visitor visitor = visitor_of(&keeping);
		struct error err = { 0 };
		FILE *file = fopen(path, "r+");
		int byte;

		assert_non_null(file);
		assert_int_equal(fseek(file, (long)entry.offset + 20, SEEK_SET), 0);
		byte = fgetc(file);
		assert_int_equal(fseek(file, (long)entry.offset + 20, SEEK_SET), 0);
		fputc(byte ^ 1, file);
		fclose(file);
		assert_false(snapshot_visit(snapshot, &visitor, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_non_null(strstr(err.text, "damaged"));
		buf_release(&keeping.all);
		file = fopen(path, "r+");
		assert_int_equal(fseek(file, (long)entry.offset + 20, SEEK_SET), 0);
		fputc(byte, file);
		fclose(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			all_objects_come_as_they_do_one_by_one, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(
			some_objects_come_alone, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(
			nothing_wanted_reads_nothing, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(
			fault_of_who_looks_names_the_place_and_ends_it, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(damaged_frame_ends_it, folder_make, folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
