/* A snapshot made from the one before it and what changed, against one that was read whole. */
#include "tests/together/people.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "snapshots/snapshots_internal.h"

enum { LATENCY_MS = 20 };

static const struct snapshot_header header = {
	.tenant = (char[]){ "11111111-2222-4333-8444-555555555555" },
	.cloud = (char[]){ "global" },
	.source = (char[]){ "graph" },
	.taken_from_ms = INT64_C(1772590661551),
};

static int folder_make(void **state)
{
	char *folder = memory_text("/tmp/unstage-updating-XXXXXX");

	*state = mkdtemp(folder);
	return *state ? 0 : -1;
}

static int folder_remove(void **state)
{
	static const char *const names[] = { "0", "1", "2", "3", "whole" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		CLEANUP(memory_freep) char *path = file_path(*state, names[i]);

		unlink(path);
	}
	rmdir(*state);
	memory_free(*state);
	return 0;
}

/* ---- taking ---------------------------------------------------------------------------- */

static bool add_lines(void *writer, struct span lines, struct error *err)
{
	return snapshot_writer_add(writer, lines, err);
}

static bool remove_object(void *writer, const char *id, struct error *err)
{
	return snapshot_writer_remove(writer, id, err);
}

static struct snapshot_writer *writer_open(const char *path)
{
	struct error err = { 0 };
	struct snapshot_writer *writer = snapshot_writer_open(path, &header, &err);

	assert_string_equal(err.text, "");
	return writer;
}

static void finish(struct snapshot_writer *writer, struct graph_links *links)
{
	struct error err = { 0 };

	if (!snapshot_writer_set_links(writer, links->of, &err) ||
		!snapshot_writer_finish(writer, header.taken_from_ms, &err))
		fail_msg("%s", err.text);
}

static void take_whole(struct virtual *world, const char *path)
{
	struct snapshot_writer *writer = writer_open(path);
	const struct graph_taker taker = { add_lines, remove_object, writer };
	CLEANUP(graph_links_release) struct graph_links links = { { NULL } };
	struct error err = { 0 };

	if (!graph_collect(virtual_graph(world), &taker, NULL, &links, &err))
		fail_msg("%s", err.text);
	finish(writer, &links);
}

static bool has(void *snapshot, const char *id, bool *is_there, struct error *err)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(64 << 20);

	if (!snapshot_object(snapshot, span_of(id), &lines, err))
		return false;
	*is_there = lines.length != 0;
	return true;
}

static bool each(void *snapshot, bool (*take)(void *, struct span, struct error *), void *taker,
	struct error *err)
{
	return snapshot_texts(snapshot, take, taker, err);
}

static struct graph_previous previous_of(struct snapshot *snapshot, bool relations_due)
{
	struct graph_previous previous = {
		.has = has, .each = each, .context = snapshot, .relations_due = relations_due
	};
	const struct snapshot_header *before = snapshot_header(snapshot);

	previous.users = before->objects[KIND_USER];
	previous.objects = before->deleted;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		previous.objects += before->objects[kind];
	return previous;
}

static void take_links(const struct snapshot *snapshot, struct graph_links *links)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		links->of[kind] = memory_text(snapshot_header(snapshot)->links[kind]);
}

static void take_update(
	struct virtual *world, const char *before, const char *path, bool relations_due)
{
	struct error err = { 0 };
	CLEANUP(snapshot_closep) struct snapshot *snapshot = snapshot_open(before, &err);
	struct snapshot_writer *writer = writer_open(path);
	const struct graph_taker taker = { add_lines, remove_object, writer };
	CLEANUP(graph_links_release) struct graph_links links = { { NULL } };
	struct graph_previous previous;

	assert_non_null(snapshot);
	previous = previous_of(snapshot, relations_due);
	take_links(snapshot, &links);
	if (!snapshot_writer_follow(writer, snapshot, true, &err) ||
		graph_update(virtual_graph(world), &previous, &taker, NULL, &links, &err) !=
			GRAPH_DELTA_TOLD)
		fail_msg("%s", err.text);
	finish(writer, &links);
}

/* ---- comparing ------------------------------------------------------------------------- */

static bool tell_difference(void *context, struct span one, struct span other, struct error *err)
{
	(void)err;
	fail_msg("seed %llu: updated to\n%.*s\nand there is\n%.*s", *(unsigned long long *)context,
		SPAN_FORMAT(one), SPAN_FORMAT(other));
	return false;
}

static void expect_same(unsigned long long seed, const char *updated, const char *whole)
{
	struct error err = { 0 };
	CLEANUP(snapshot_closep) struct snapshot *a = snapshot_open(updated, &err);
	CLEANUP(snapshot_closep) struct snapshot *b = snapshot_open(whole, &err);

	assert_string_equal(err.text, "");
	assert_true(snapshot_compare(a, b, tell_difference, &seed, &err));
	assert_true(snapshot_check(a, NULL, &err));
	assert_int_equal(a->bits, b->bits);
	assert_int_equal(a->entry_count, b->entry_count);
	for (uint32_t i = 0; i < a->entry_count; i++)
		assert_true(snapshot_entry_equal(a, i, b, i));
	assert_int_equal(a->header.deleted, b->header.deleted);
	assert_int_equal(a->quarantined_count, b->quarantined_count);
}

/* ---- stories --------------------------------------------------------------------------- */

/* Whole, then three updates with people at work between, each against a whole one. */
static void check_story(
	const char *folder, uint64_t seed, struct people *people, unsigned acts, bool relations_due)
{
	const struct simulator_options options = { .seed = seed,
		.now_ms = 1772600000000,
		.page_max = 50,
		.delta_page = 7,
		.delta_members = 3,
		.delta_replay_every = seed % 3 ? 0 : 2 };
	const struct simulator_size size = { 300, 40, 10 };
	CLEANUP(virtual_closep)
	struct virtual *world = virtual_open(&options, &size, LATENCY_MS, 1);
	CLEANUP(memory_freep) char *whole = file_path(folder, "whole");
	CLEANUP(memory_freep) char *before = file_path(folder, "0");

	take_whole(world, before);
	for (unsigned round = 1; round <= 3; round++) {
		char name[2] = { (char)('0' + round), '\0' };
		char *path = file_path(folder, name);

		for (unsigned i = 0; i < acts; i++)
			people_act(people, virtual_simulator(world));
		take_update(world, before, path, relations_due);
		take_whole(world, whole);
		expect_same(seed, path, whole);
		memory_free(before);
		before = path;
	}
}

static void an_update_is_what_a_whole_read_gives(void **state)
{
	enum { SEEDS = 12 };
	unsigned acts = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct people people = { .random = seed };

		check_story(*state, seed, &people, 1 + 4 * (unsigned)seed, false);
		acts += people.acts;
	}
	assert_true(acts > SEEDS * 15);
}

static void what_no_change_tells_of_is_read_where_it_is_due(void **state)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct people people = { .random = seed, .untold = true };

		check_story(*state, seed, &people, 30, true);
	}
}

struct office {
	struct people people;
	bool open;
};

static void work(void *context, struct simulator *simulator, uint64_t number)
{
	struct office *office = context;

	if (office->open && number % 3 == 0)
		people_act(&office->people, simulator);
}

static void people_who_work_during_an_update_are_caught_up_with(void **state)
{
	CLEANUP(memory_freep) char *before = file_path(*state, "0");
	CLEANUP(memory_freep) char *updated = file_path(*state, "1");
	CLEANUP(memory_freep) char *whole = file_path(*state, "whole");

	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct office office = { .people = { .random = seed } };
		const struct simulator_options options = { .seed = seed,
			.now_ms = 1772600000000,
			.page_max = 50,
			.delta_page = 7,
			.on_request = work,
			.on_request_context = &office };
		const struct simulator_size size = { 300, 40, 10 };
		CLEANUP(virtual_closep)
		struct virtual *world = virtual_open(&options, &size, LATENCY_MS, 1);

		take_whole(world, before);
		for (unsigned i = 0; i < 20; i++)
			people_act(&office.people, virtual_simulator(world));
		office.open = true;
		take_update(world, before, updated, false);
		office.open = false;
		/* In an office that never rests the rounds end; then the next update tells. */
		take_update(world, updated, before, false);
		take_whole(world, whole);
		expect_same(seed, before, whole);
	}
}

/* ---- cost ------------------------------------------------------------------------------ */

static uint64_t requests_of_update(struct virtual *world, const char *before, const char *path)
{
	uint64_t requests = simulator_usage(virtual_simulator(world)).requests;

	take_update(world, before, path, false);
	return simulator_usage(virtual_simulator(world)).requests - requests;
}

static void an_update_asks_as_much_as_changed(void **state)
{
	enum { CHANGES = 100 };
	const struct simulator_options options = {
		.seed = 4, .now_ms = 1772600000000, .page_max = 5, .quota = SIMULATOR_QUOTA_BUCKET
	};
	const struct simulator_size size = { 3000, 40, 10 };
	CLEANUP(virtual_closep) struct virtual *world = virtual_open(&options, &size, 1, 1);
	CLEANUP(memory_freep) char *before = file_path(*state, "0");
	CLEANUP(memory_freep) char *updated = file_path(*state, "1");
	uint64_t whole, nothing, some;
	struct error err = { 0 };
	char id[64];

	take_whole(world, before);
	whole = simulator_usage(virtual_simulator(world)).requests;
	nothing = requests_of_update(world, before, updated);
	for (unsigned i = 0; i < CHANGES; i++) {
		assert_true(simulator_hand_pick(virtual_simulator(world), "user", 7 * i, id));
		assert_true(simulator_hand_set(virtual_simulator(world), id, "department",
			SPAN_LITERAL("\"Moved\""), &err));
	}
	some = requests_of_update(world, before, updated);
	print_message("%llu requests for all, %llu for nothing, %llu for %d changes\n",
		(unsigned long long)whole, (unsigned long long)nothing, (unsigned long long)some,
		CHANGES);
	/* Each object once, in batches; what comes beside is the same as for nothing, twice at most. */
	assert_true(some <= CHANGES + 2 * nothing);
	assert_true(nothing * 20 < whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_update_is_what_a_whole_read_gives),
		cmocka_unit_test(what_no_change_tells_of_is_read_where_it_is_due),
		cmocka_unit_test(people_who_work_during_an_update_are_caught_up_with),
		cmocka_unit_test(an_update_asks_as_much_as_changed),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
