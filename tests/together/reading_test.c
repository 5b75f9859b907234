/* How long a reading takes, what it costs, and that it is one state of the directory. */
#include "tests/together/virtual.h"

#include <stdlib.h>

#include "base/memory.h"

/* ---- what was read --------------------------------------------------------------------- */

struct taken {
	struct object **objects;
	char **lines;
	size_t count, capacity;
};

static void taken_release(struct taken *taken)
{
	for (size_t i = 0; i < taken->count; i++) {
		object_free(taken->objects[i]);
		memory_free(taken->lines[i]);
	}
	memory_free(taken->objects);
	memory_free(taken->lines);
}

static size_t place_of(const struct taken *taken, struct span id)
{
	size_t i = 0;

	while (i < taken->count && !span_equal(object_id(taken->objects[i]), id))
		i++;
	return i;
}

static bool take(void *context, struct span lines, struct error *err)
{
	struct taken *taken = context;
	struct object *object = object_parse(lines, err);
	size_t at;

	if (!object)
		return false;
	at = place_of(taken, object_id(object));
	if (at < taken->count) {
		object_free(taken->objects[at]);
		memory_free(taken->lines[at]);
	} else {
		size_t capacity = taken->capacity;

		MEMORY_GROW(taken->objects, taken->count, capacity);
		MEMORY_GROW(taken->lines, taken->count, taken->capacity);
		taken->count++;
	}
	taken->objects[at] = object;
	taken->lines[at] = memory_text_span(lines.data, lines.length);
	return true;
}

static bool forget(void *context, const char *id, struct error *err)
{
	struct taken *taken = context;
	size_t at = place_of(taken, span_of(id));

	(void)err;
	if (at == taken->count)
		return true;
	object_free(taken->objects[at]);
	memory_free(taken->lines[at]);
	taken->count--;
	taken->objects[at] = taken->objects[taken->count];
	taken->lines[at] = taken->lines[taken->count];
	return true;
}

static bool count_only(void *context, struct span lines, struct error *err)
{
	size_t *count = context;

	(void)lines, (void)err;
	(*count)++;
	return true;
}

static bool nobody_is_gone(void *context, const char *id, struct error *err)
{
	(void)context, (void)id, (void)err;
	return true;
}

static size_t read_count(struct virtual *world)
{
	size_t count = 0;
	const struct graph_taker taker = { count_only, nobody_is_gone, &count };
	CLEANUP(graph_links_release) struct graph_links links = { { NULL } };
	struct error err = { 0 };

	if (!graph_collect(virtual_graph(world), &taker, NULL, &links, &err))
		fail_msg("%s", err.text);
	return count;
}

static void read_into(struct virtual *world, struct taken *taken)
{
	const struct graph_taker taker = { take, forget, taken };
	CLEANUP(graph_links_release) struct graph_links links = { { NULL } };
	struct error err = { 0 };

	if (!graph_collect(virtual_graph(world), &taker, NULL, &links, &err))
		fail_msg("%s", err.text);
}

/* ---- time and cost --------------------------------------------------------------------- */

static size_t pages_of(size_t objects, size_t page)
{
	return (objects + page - 1) / page;
}

static void a_reading_takes_one_latency_a_page_of_its_longest_list(void **state)
{
	enum { LATENCY_MS = 100, USERS = 3000, PAGE = 20 };
	const struct simulator_options options = {
		.seed = 7, .now_ms = 1772600000000, .page_max = PAGE
	};
	const struct simulator_size size = { USERS, 200, 50 };
	CLEANUP(virtual_closep)
	struct virtual *world = virtual_open(&options, &size, LATENCY_MS, 0.5);
	size_t pages;

	(void)state;
	read_count(world);
	pages = pages_of(virtual_live(world, "users"), PAGE);
	assert_true(pages >= USERS / PAGE);
	assert_true(virtual_now_ms() >= (int64_t)pages * LATENCY_MS);
	/* 5 % above it, and the connection: here the token's request. */
	assert_in_range(virtual_now_ms(), 0, pages * LATENCY_MS * 105 / 100 + LATENCY_MS);
	assert_true(virtual_most_at_once(world) >= 5);
}

/* By contract 7.1: what nobody can do without. */
static void a_full_read_costs_no_more_than_it_must(void **state)
{
	enum { USERS = 3000, PAGE = 6 };
	const struct simulator_options options = { .seed = 7,
		.now_ms = 1772600000000,
		.page_max = PAGE,
		.delta_page = 200,
		.quota = SIMULATOR_QUOTA_BUCKET };
	const struct simulator_size size = { USERS, 200, 50 };
	CLEANUP(virtual_closep) struct virtual *world = virtual_open(&options, &size, 1, 1);
	size_t least;

	(void)state;
	read_count(world);
	/* Users cost 2 a page with their managers beside; the others 1, with owners or managers. */
	least = 2 * pages_of(virtual_live(world, "users"), PAGE) +
		pages_of(virtual_live(world, "groups"), PAGE) +
		pages_of(virtual_live(world, "contacts"), PAGE) +
		pages_of(virtual_live(world, "groups"), 200) + /* members, by delta */
		2 +                                            /* deleted users, deleted groups */
		2 + /* which directory extensions there are */
		virtual_asked(world, "/onPremisesSyncBehavior") + virtual_asked(world, "/owners?");
	assert_in_range(simulator_usage(virtual_simulator(world)).units, least, least * 101 / 100);
}

/* ---- quota ----------------------------------------------------------------------------- */

/*
 * A quota that is a tenth of what could be asked for: the tenant gives 200 units in 10 s, and a
 * list alone could spend 2,000. At full share, so the service's own limit is what counts.
 */
static void check_quota(enum simulator_quota quota)
{
	enum { UNITS = 200, WINDOW_MS = 10000, LATENCY_MS = 10, USERS = 4500 };
	const struct simulator_options options = { .seed = 3,
		.now_ms = 1772600000000,
		.page_max = 1,
		.quota = quota,
		.units_per_10s = UNITS };
	const struct simulator_size size = { USERS, 40, 10 };
	CLEANUP(virtual_closep)
	struct virtual *world = virtual_open(&options, &size, LATENCY_MS, 1);
	struct simulator_usage usage;
	double least_ms;

	read_count(world);
	usage = simulator_usage(virtual_simulator(world));
	assert_true(usage.units >= 40 * UNITS);
	/* A first window's worth at once, then as it comes back. */
	least_ms = ((double)usage.units / UNITS - 1) * WINDOW_MS;
	if ((double)virtual_now_ms() > least_ms * 1.05)
		fail_msg("%.0f s, and %.0f s would do (%llu units, %llu throttled)",
			(double)virtual_now_ms() / 1000, least_ms / 1000,
			(unsigned long long)usage.units, (unsigned long long)usage.throttled);
	if (usage.throttled * 100 > usage.requests)
		fail_msg("%llu of %llu requests were throttled",
			(unsigned long long)usage.throttled, (unsigned long long)usage.requests);
}

static void a_quota_by_windows_is_used_to_the_full_and_hardly_ever_met(void **state)
{
	(void)state;
	check_quota(SIMULATOR_QUOTA_WINDOW);
}

static void a_quota_as_a_bucket_is_used_to_the_full_and_hardly_ever_met(void **state)
{
	(void)state;
	check_quota(SIMULATOR_QUOTA_BUCKET);
}

static void half_of_the_quota_is_left_to_others(void **state)
{
	enum { UNITS = 200, USERS = 1500 };
	const struct simulator_options options = { .seed = 3,
		.now_ms = 1772600000000,
		.page_max = 1,
		.quota = SIMULATOR_QUOTA_WINDOW,
		.units_per_10s = UNITS };
	const struct simulator_size size = { USERS, 40, 10 };
	CLEANUP(virtual_closep) struct virtual *world = virtual_open(&options, &size, 10, 0.5);
	struct simulator_usage usage;

	(void)state;
	read_count(world);
	usage = simulator_usage(virtual_simulator(world));
	/* The first window teaches; from then on 100 units in 10 s. */
	assert_true(
		(double)virtual_now_ms() >= ((double)usage.units - UNITS) / (UNITS / 2.) * 10000);
	assert_true(usage.throttled * 100 <= usage.requests);
}

/* ---- it ends --------------------------------------------------------------------------- */

static void every_form_of_retry_after_comes_to_an_end(void **state)
{
	(void)state;
	for (int form = SIMULATOR_RETRY_INTEGER; form <= SIMULATOR_RETRY_ABSURD; form++) {
		const struct simulator_options options = { .seed = 5,
			.now_ms = 1772600000000,
			.page_max = 20,
			.throttle_every = 9,
			.retry_after = form };
		const struct simulator_size size = { 300, 40, 5 };
		CLEANUP(virtual_closep)
		struct virtual *world = virtual_open(&options, &size, 20, 0.5);

		assert_true(read_count(world) > 300);
		assert_true(virtual_throttled(world) > 0);
	}
}

static void a_service_that_only_throttles_ends_the_run_with_a_statement(void **state)
{
	const struct simulator_options options = {
		.seed = 5, .now_ms = 1772600000000, .throttle_every = 1
	};
	const struct simulator_size size = { 300, 40, 5 };
	CLEANUP(virtual_closep) struct virtual *world = virtual_open(&options, &size, 20, 0.5);
	size_t count = 0;
	const struct graph_taker taker = { count_only, nobody_is_gone, &count };
	CLEANUP(graph_links_release) struct graph_links links = { { NULL } };
	struct error err = { 0 };

	(void)state;
	assert_false(graph_collect(virtual_graph(world), &taker, NULL, &links, &err));
	assert_int_equal(err.kind, ERROR_NETWORK);
	assert_non_null(strstr(err.text, "throttled by Graph: given up after try"));
	assert_non_null(strstr(err.text, "run again later"));
	assert_true(virtual_now_ms() < 6 * 3600 * 1000);
}

/* ---- one state ------------------------------------------------------------------------- */

/* Somebody works in the tenant while it is read; seeded. */
struct busy {
	uint64_t random;
	uint64_t until; /* requests, then it rests */
	uint64_t seen;  /* requests */
	unsigned acts;
	char victim[64]; /* somebody deleted, to be restored or purged */
};

static uint64_t next_random(struct busy *busy)
{
	busy->random = busy->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return busy->random >> 33;
}

static bool pick(
	struct busy *busy, struct simulator *simulator, const char *kind, char id[static 37])
{
	return simulator_hand_pick(simulator, kind, next_random(busy) % 40, id);
}

static void create(struct busy *busy, struct simulator *simulator)
{
	char text[512], id[64];
	struct error err = { 0 };

	snprintf(text, sizeof(text),
		"{\"displayName\":\"New %llu\",\"userPrincipalName\":\"new%llu@contoso.com\","
		"\"mailNickname\":\"new%llu\",\"accountEnabled\":true}",
		(unsigned long long)next_random(busy), (unsigned long long)busy->random,
		(unsigned long long)busy->random);
	if (!simulator_hand_create(simulator, "user", span_of(text), id, &err))
		fail_msg("%s", err.text);
}

static void act(struct busy *busy, struct simulator *simulator)
{
	char user[64], group[64];
	struct error err = { 0 };
	bool good = true;

	if (!pick(busy, simulator, "user", user) || !pick(busy, simulator, "group", group))
		return;
	switch (next_random(busy) % 8) {
	case 0:
		create(busy, simulator);
		break;
	case 1:
	case 2:
		good = simulator_hand_set(
			simulator, user, "department", SPAN_LITERAL("\"Moved\""), &err);
		break;
	case 3:
		good = simulator_hand_link(simulator, group, "members", user, true, &err);
		break;
	case 4:
		good = simulator_hand_link(simulator, group, "members", user, false, &err);
		break;
	case 5:
		good = simulator_hand_delete(simulator, user, &err);
		snprintf(busy->victim, sizeof(busy->victim), "%s", user);
		break;
	case 6:
		good = !*busy->victim || simulator_hand_restore(simulator, busy->victim, &err);
		busy->victim[0] = '\0';
		break;
	default:
		good = !*busy->victim || simulator_hand_purge(simulator, busy->victim, &err);
		busy->victim[0] = '\0';
		break;
	}
	/* An act that makes no sense just now (already a member …) is no act. */
	busy->acts += good;
}

static void work(void *context, struct simulator *simulator, uint64_t number)
{
	struct busy *busy = context;

	busy->seen = number;
	if (number < busy->until && next_random(busy) % 3 == 0)
		act(busy, simulator);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void what_is_read_while_people_work_is_what_is_there_afterwards(void **state)
{
	enum { SEEDS = 25, ACTS_UNTIL = 75 };
	unsigned acts = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct busy busy = { .random = seed, .until = ACTS_UNTIL };
		const struct simulator_options options = { .seed = seed,
			.now_ms = 1772600000000,
			.page_max = 7,
			.delta_page = 5,
			.on_request = work,
			.on_request_context = &busy };
		const struct simulator_size size = { 300, 40, 10 };
		CLEANUP(virtual_closep)
		struct virtual *world = virtual_open(&options, &size, 20, 1);
		CLEANUP(taken_release) struct taken during = { 0 }, after = { 0 };

		read_into(world, &during);
		/* What happens during the last look, at another kind, belongs to the time after it. */
		assert_true(busy.seen >= ACTS_UNTIL + KIND_COUNT);
		busy.until = 0;
		read_into(world, &after);
		acts += busy.acts;
		qsort(during.lines, during.count, sizeof(*during.lines), compare_texts);
		qsort(after.lines, after.count, sizeof(*after.lines), compare_texts);
		for (size_t i = 0; i < during.count && i < after.count; i++)
			if (strcmp(during.lines[i], after.lines[i]) != 0)
				fail_msg("seed %llu: read as\n%s and there is\n%s",
					(unsigned long long)seed, during.lines[i], after.lines[i]);
		assert_int_equal(during.count, after.count);
	}
	assert_true(acts > 5 * SEEDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reading_takes_one_latency_a_page_of_its_longest_list),
		cmocka_unit_test(a_full_read_costs_no_more_than_it_must),
		cmocka_unit_test(a_quota_by_windows_is_used_to_the_full_and_hardly_ever_met),
		cmocka_unit_test(a_quota_as_a_bucket_is_used_to_the_full_and_hardly_ever_met),
		cmocka_unit_test(half_of_the_quota_is_left_to_others),
		cmocka_unit_test(every_form_of_retry_after_comes_to_an_end),
		cmocka_unit_test(a_service_that_only_throttles_ends_the_run_with_a_statement),
		cmocka_unit_test(what_is_read_while_people_work_is_what_is_there_afterwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
