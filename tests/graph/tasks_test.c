/* Readings and writings beside each other, where the test says whose answer comes next. */
#include "tests/graph/script.h"

enum { BEGUN_MAX = 8 };

static struct net_exchange *begun[BEGUN_MAX];
static size_t begun_count;

/* Which of those begun is answered next, and with what. */
struct next {
	size_t exchange;
	struct reply reply;
};
static const struct next *next, *next_end;

static void begin(void *context, struct net_exchange *exchange)
{
	(void)context;
	assert_true(begun_count < BEGUN_MAX);
	begun[begun_count++] = exchange;
}

static void wait(void *context, int64_t timeout_ms)
{
	struct net_exchange *exchange;

	(void)context, (void)timeout_ms;
	if (next == next_end)
		fail_msg("nothing more happens, and the client waits");
	exchange = begun[next->exchange];
	assert_non_null(exchange);
	script_now_ms += 10;
	exchange->good = script_answer(
		&next->reply, &exchange->request, &exchange->response, &exchange->error);
	exchange->done = true;
	begun[next++->exchange] = NULL;
}

static void cancel(void *context, struct net_exchange *exchange)
{
	(void)context;
	for (size_t i = 0; i < begun_count; i++)
		if (begun[i] == exchange)
			begun[i] = NULL;
}

static void beside_init(struct world *world, const struct next *acts, size_t count)
{
	world_init(world, NULL, 0);
	world->transport.begin = begin;
	world->transport.wait = wait;
	world->transport.cancel = cancel;
	begun_count = 0;
	next = acts;
	next_end = acts + count;
}

#define BESIDE(name, ...)                                                                          \
	static const struct next name##_acts[] = { __VA_ARGS__ };                                  \
	CLEANUP(world_release) struct world name;                                                  \
	beside_init(&name, name##_acts, COUNT_OF(name##_acts))

static struct graph_write write_of(size_t number)
{
	struct graph_write write = {
		.operation = GRAPH_SET,
		.kind = kind_get(KIND_USER),
		.body = SPAN_LITERAL("{\"department\":\"Sales\"}"),
	};

	snprintf(write.id, sizeof(write.id), "aaaaaaaa-0000-4000-8000-%012zu", number % 1000);
	return write;
}

#define ONE(status, headers)                                                                       \
	{                                                                                          \
		200,                                                                               \
			"{\"responses\":[{\"id\":\"1\",\"status\":" status                         \
			",\"headers\":{" headers "}}]}"                                            \
	}

static void answers_may_come_in_any_order(void **state)
{
	BESIDE(world, { 1, ONE("204", "") }, { 2, ONE("400", "") }, { 0, ONE("204", "") });
	struct graph_write writes[] = { write_of(1), write_of(2), write_of(3) };
	struct graph_task *tasks[3];
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		tasks[i] = graph_begin_writing(world.graph, &writes[i], 1);
	assert_int_equal(begun_count, 3);
	graph_wait(world.graph, 1000);
	assert_false(graph_task_is_done(tasks[0]));
	assert_true(graph_task_is_done(tasks[1]));
	for (size_t i = 0; i < 3; i++)
		assert_true(graph_task_finish(tasks[i], &err));
	assert_int_equal(writes[0].outcome, GRAPH_DONE);
	assert_int_equal(writes[1].outcome, GRAPH_DONE);
	assert_int_equal(writes[2].outcome, GRAPH_REFUSED);
}

static void what_ends_one_of_them_ends_no_other(void **state)
{
	BESIDE(world, { 0, { 403, "{\"error\":{\"code\":\"Authorization_RequestDenied\"}}" } },
		{ 1, ONE("204", "") });
	struct graph_read read = { .kind = kind_get(KIND_USER),
		.id = "aaaaaaaa-0000-4000-8000-000000000001" };
	struct graph_write write = write_of(2);
	struct graph_task *reading = graph_begin_reading(world.graph, &read, 1);
	struct graph_task *writing = graph_begin_writing(world.graph, &write, 1);
	struct error err = { 0 };

	(void)state;
	assert_false(graph_task_finish(reading, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	err = (struct error){ 0 };
	assert_true(graph_task_finish(writing, &err));
	assert_int_equal(write.outcome, GRAPH_DONE);
}

static void a_dropped_one_is_forgotten(void **state)
{
	BESIDE(world, { 1, ONE("204", "") });
	struct graph_write writes[] = { write_of(1), write_of(2) };
	struct graph_task *dropped = graph_begin_writing(world.graph, &writes[0], 1);
	struct graph_task *kept = graph_begin_writing(world.graph, &writes[1], 1);
	struct error err = { 0 };

	(void)state;
	graph_task_drop(dropped);
	assert_true(graph_task_finish(kept, &err));
	assert_null(begun[0]);
	graph_task_drop(NULL);
}

/* What left before the refusal says nothing about whether the wait is over. */
static void success_of_one_that_left_before_does_not_end_the_wait_of_another(void **state)
{
	BESIDE(world, { 0, ONE("429", "\"Retry-After\":\"40\"") }, { 1, ONE("204", "") });
	struct graph_write writes[] = { write_of(1), write_of(2) };
	struct graph_task *first = graph_begin_writing(world.graph, &writes[0], 1);
	struct graph_task *second = graph_begin_writing(world.graph, &writes[1], 1);
	struct error err = { 0 };

	(void)state;
	assert_true(graph_task_finish(first, &err));
	assert_int_equal(writes[0].outcome, GRAPH_THROTTLED);
	assert_true(graph_task_finish(second, &err));
	assert_int_equal(writes[1].outcome, GRAPH_DONE);
	assert_true(graph_write_pause(world.graph, &err));
	assert_true(script_longest_sleep_ms >= 40000);
}

static void of_several_waits_the_longest_counts(void **state)
{
	BESIDE(world, { 0, ONE("429", "\"Retry-After\":\"40\"") },
		{ 1, ONE("429", "\"Retry-After\":\"5\"") });
	struct graph_write writes[] = { write_of(1), write_of(2) };
	struct graph_task *tasks[] = { graph_begin_writing(world.graph, &writes[0], 1),
		graph_begin_writing(world.graph, &writes[1], 1) };
	struct error err = { 0 };

	(void)state;
	assert_true(graph_task_finish(tasks[0], &err) && graph_task_finish(tasks[1], &err));
	assert_true(graph_write_pause(world.graph, &err));
	assert_true(script_longest_sleep_ms >= 40000);
}

static double writes_limit(struct graph *graph)
{
	struct graph_quota_state states[GRAPH_QUOTA_COUNT];

	graph_quota_state(graph, states);
	return states[METER_WRITES].limit;
}

static void refused_together_the_limit_is_learned_once(void **state)
{
#define REFUSED ONE("429", "\"x-ms-throttle-information\":\"WriteLimitExceeded\"")
	BESIDE(world, { 0, REFUSED }, { 1, REFUSED }, { 2, REFUSED });
	struct graph_write writes[] = { write_of(1), write_of(2), write_of(3) };
	struct graph_task *tasks[3];
	struct error err = { 0 };
	double before = writes_limit(world.graph);

	(void)state;
	for (size_t i = 0; i < 3; i++)
		tasks[i] = graph_begin_writing(world.graph, &writes[i], 1);
	for (size_t i = 0; i < 3; i++)
		assert_true(graph_task_finish(tasks[i], &err));
	assert_true(writes_limit(world.graph) < before);
	assert_true(writes_limit(world.graph) >= before * 0.69);
}

/* The share of a burst is let go once, whether it left already or will. */
static void what_is_reserved_counts_as_spent(void **state)
{
	CLEANUP(world_release) struct world world;
	size_t batches = 0;

	(void)state;
	world_init(&world, NULL, 0);
	while (!graph_write_wait_ms(world.graph)) {
		graph_write_reserve(world.graph);
		batches++;
	}
	/* A fifth of half of 3,000, and the one that goes beyond it. */
	assert_in_range(batches, 15, 16);
	graph_write_give_back(world.graph);
	assert_int_equal(graph_write_wait_ms(world.graph), 0);
}

static void a_reading_that_had_to_be_repeated_is_a_trouble(void **state)
{
	BESIDE(world, { 0, { 503, "" } }, { 1, ONE("404", "") }, { 2, ONE("404", "") });
	struct graph_read read = { .kind = kind_get(KIND_USER),
		.id = "aaaaaaaa-0000-4000-8000-000000000001" };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(graph_troubles(world.graph), 0);
	if (!graph_task_finish(graph_begin_reading(world.graph, &read, 1), &err))
		fail_msg("%s", err.text);
	assert_null(read.lines);
	assert_int_equal(graph_troubles(world.graph), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_may_come_in_any_order),
		cmocka_unit_test(what_ends_one_of_them_ends_no_other),
		cmocka_unit_test(a_dropped_one_is_forgotten),
		cmocka_unit_test(success_of_one_that_left_before_does_not_end_the_wait_of_another),
		cmocka_unit_test(of_several_waits_the_longest_counts),
		cmocka_unit_test(refused_together_the_limit_is_learned_once),
		cmocka_unit_test(what_is_reserved_counts_as_spent),
		cmocka_unit_test(a_reading_that_had_to_be_repeated_is_a_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
