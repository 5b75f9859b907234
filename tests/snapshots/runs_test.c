/* Objects that are sorted in many small runs come out as from one sort. */
#include "snapshots/snapshots_internal.h"
#include "snapshots_testing.h"

enum { OBJECTS = 500, STEPS = 4000 };

static const struct runs_limits small_limits[] = {
	{ .bytes = 400, .records = 1000, .fan_in = 2 },
	{ .bytes = 2000, .records = 3, .fan_in = 3 },
	{ .bytes = 1000, .records = 1000, .fan_in = 1000 },
	{ .bytes = 16 << 20, .records = 128 << 10, .fan_in = 128 },
};

/* What the objects are at last; NULL: not there. */
struct model {
	char *lines[OBJECTS];
	bool named[OBJECTS]; /* added or removed at least once */
};

static void model_release(struct model *model)
{
	for (size_t i = 0; i < OBJECTS; i++)
		memory_free(model->lines[i]);
}

/* Ids ascend with their number. */
static struct change change_of(size_t number, const char *lines)
{
	struct change change = { .id = { (uint8_t)(number >> 8), (uint8_t)number } };

	if (!lines)
		return change;
	change.lines = span_of(lines);
	change.facts = (struct line_facts){
		.kind = kind_get((int)(number % KIND_COUNT)),
		.deleted = number % 2,
		.quarantined = number % 3 == 0,
	};
	return change;
}

static void add(struct runs *runs, struct model *model, size_t number, const char *lines)
{
	struct change change = change_of(number, lines);
	struct error err = { 0 };

	assert_true(runs_add(runs, &change, &err));
	memory_free(model->lines[number]);
	model->lines[number] = memory_text(lines);
	model->named[number] = true;
}

static void add_at_random(struct runs *runs, struct model *model, struct random *random)
{
	size_t number = random_next(random) % OBJECTS;
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);

	if (random_next(random) % 8 == 0) {
		add(runs, model, number, NULL);
		return;
	}
	for (uint64_t left = 1 + random_next(random) % 60; left; left--)
		buf_add_byte(&lines, (char)('a' + random_next(random) % 26));
	/* Now and then one that fits no run and no buffer. */
	if (random_next(random) % 500 == 0)
		for (size_t left = 100000; left; left--)
			buf_add_byte(&lines, 'x');
	add(runs, model, number, buf_text(&lines));
}

static void expect(struct runs *runs, const struct model *model)
{
	struct error err = { 0 };
	struct change change;
	bool there;

	assert_true(runs_rewind(runs, &err));
	for (size_t i = 0; i < OBJECTS; i++) {
		struct change expected = change_of(i, model->lines[i]);

		if (!model->named[i])
			continue;
		assert_true(runs_next(runs, &change, &there, &err));
		assert_true(there);
		assert_memory_equal(change.id, expected.id, sizeof(change.id));
		assert_true(!change.lines.data == !expected.lines.data);
		assert_true(span_equal(change.lines, expected.lines));
		assert_ptr_equal(change.facts.kind, expected.facts.kind);
		assert_int_equal(change.facts.deleted, expected.facts.deleted);
		assert_int_equal(change.facts.quarantined, expected.facts.quarantined);
	}
	assert_true(runs_next(runs, &change, &there, &err));
	assert_false(there);
}

static void of_every_object_the_last_change_comes_out_in_order(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "target");

	for (size_t i = 0; i < COUNT_OF(small_limits); i++) {
		CLEANUP(model_release) struct model model = { 0 };
		struct random random = { i };
		struct error err = { 0 };
		CLEANUP(runs_closep) struct runs *runs = runs_open(path, &small_limits[i], &err);

		assert_non_null(runs);
		for (size_t step = 0; step < STEPS; step++)
			add_at_random(runs, &model, &random);
		expect(runs, &model);
		expect(runs, &model); /* and once more */
		assert_int_equal(folder_count(*state), 0);
	}
}

static void order_is_noticed(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "target");
	CLEANUP(model_release) struct model model = { 0 };
	struct error err = { 0 };
	CLEANUP(runs_closep) struct runs *runs = runs_open(path, &small_limits[0], &err);

	assert_true(runs_all_held(runs));
	for (size_t i = 0; i < 100; i++)
		add(runs, &model, i, "lines");
	assert_true(runs_in_order(runs));
	assert_false(runs_all_held(runs));
	add(runs, &model, 99, "the same again");
	assert_false(runs_in_order(runs));
	expect(runs, &model);
}

static void a_removal_is_not_in_order(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "target");
	CLEANUP(model_release) struct model model = { 0 };
	struct error err = { 0 };
	CLEANUP(runs_closep) struct runs *runs = runs_open(path, &small_limits[0], &err);

	add(runs, &model, 1, "lines");
	add(runs, &model, 2, NULL);
	assert_false(runs_in_order(runs));
	expect(runs, &model);
}

static void nothing_is_left_after_clearing(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "target");
	CLEANUP(model_release) struct model model = { 0 }, empty = { 0 };
	struct error err = { 0 };
	CLEANUP(runs_closep) struct runs *runs = runs_open(path, &small_limits[0], &err);

	for (size_t i = 0; i < 100; i++)
		add(runs, &model, i, "lines");
	runs_clear(runs);
	assert_int_equal(runs_count(runs), 0);
	expect(runs, &empty);
	add(runs, &empty, 7, "another");
	expect(runs, &empty);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(of_every_object_the_last_change_comes_out_in_order),
		IN_FOLDER(order_is_noticed),
		IN_FOLDER(a_removal_is_not_in_order),
		IN_FOLDER(nothing_is_left_after_clearing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
