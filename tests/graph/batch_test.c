#include "tests/graph/script.h"

#include "graph/flow.h"

#define READS 3

struct reads {
	struct batch_item items[READS];
};

static void reads_init(struct reads *reads)
{
	static const char *const paths[READS] = { "/users/a", "/users/b", "/users/c" };

	for (size_t i = 0; i < READS; i++)
		batch_item_init(&reads->items[i], "GET", paths[i], SPAN_NONE);
}

static void reads_release(struct reads *reads)
{
	for (size_t i = 0; i < READS; i++)
		batch_item_release(&reads->items[i]);
}

#define ITEM(id, status) "{\"id\":\"" id "\",\"status\":" status ",\"body\":{\"n\":" id "}}"
#define ENVELOPE(items)  "{\"responses\":[" items "]}"

static void answers_in_any_order_find_their_requests(void **state)
{
	WORLD(world, { 200, ENVELOPE(ITEM("3", "200") "," ITEM("1", "404") "," ITEM("2", "200")) });
	CLEANUP(reads_release) struct reads reads;
	struct error err = { 0 };

	(void)state;
	reads_init(&reads);
	assert_true(batch_read(world.graph, reads.items, READS, false, &err));
	assert_string_equal(world.script.asked[0].method, "POST");
	assert_string_equal(world.script.asked[0].url, BATCH);
	assert_string_equal(world.script.asked[0].body,
		"{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users/a\"},"
		"{\"id\":\"2\",\"method\":\"GET\",\"url\":\"/users/b\"},"
		"{\"id\":\"3\",\"method\":\"GET\",\"url\":\"/users/c\"}]}");
	assert_int_equal(reads.items[0].status, 404);
	assert_int_equal(reads.items[1].status, 200);
	assert_string_equal(buf_text(&reads.items[1].answer), "{\"n\":2}");
	assert_string_equal(buf_text(&reads.items[2].answer), "{\"n\":3}");
}

static void a_read_without_its_answer_is_asked_for_again_alone(void **state)
{
	WORLD(world, { 200, ENVELOPE(ITEM("3", "200") "," ITEM("1", "200")) },
		{ 200, ENVELOPE(ITEM("1", "200")) });
	CLEANUP(reads_release) struct reads reads;
	struct error err = { 0 };

	(void)state;
	reads_init(&reads);
	assert_true(batch_read(world.graph, reads.items, READS, false, &err));
	assert_string_equal(world.script.asked[1].body,
		"{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users/b\"}]}");
	assert_int_equal(reads.items[1].status, 200);
}

/* One post of them, of which nothing is asked again. */
struct post {
	struct batch_item *const *items;
	size_t count;
	bool good;
};

static bool take_post(struct call *call, struct error *err)
{
	struct post *post = call->context;

	post->good = batch_take(call, post->items, post->count, err);
	return post->good;
}

static bool post_once(
	struct graph *graph, struct batch_item *const *items, size_t count, struct error *err)
{
	static const struct call_owner owner = { .answered = take_post };
	struct post post = { items, count, false };
	CLEANUP(flow_release) struct flow flow;

	flow_init(&flow, graph);
	return batch_call(&flow, items, count, &owner, &post, err) && flow_run(&flow, err) &&
		post.good;
}

static void an_answer_that_comes_twice_is_none(void **state)
{
	WORLD(world,
		{ 200,
			ENVELOPE(ITEM("1", "200") "," ITEM("2", "200") "," ITEM(
				"3", "200") "," ITEM("2", "404")) });
	CLEANUP(reads_release) struct reads reads;
	struct batch_item *items[READS];
	struct error err = { 0 };

	(void)state;
	reads_init(&reads);
	for (size_t i = 0; i < READS; i++)
		items[i] = &reads.items[i];
	assert_true(post_once(world.graph, items, READS, &err));
	assert_int_equal(reads.items[0].status, 200);
	assert_int_equal(reads.items[1].status, 0);
	assert_int_equal(reads.items[2].status, 200);
}

static void an_odd_status_is_no_answer(void **state)
{
	static const char *const statuses[] = { "\"200\"", "20", "2000", "-20", "2e2", "20.", "999",
		"null", "{}" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		char body[128];
		struct reply reply = { .status = 200, .body = body };
		CLEANUP(world_release) struct world world;
		struct batch_item item, *items[] = { &item };
		struct error err = { 0 };

		snprintf(body, sizeof(body), "{\"responses\":[{\"id\":\"1\",\"status\":%s}]}",
			statuses[i]);
		world_init(&world, &reply, 1);
		batch_item_init(&item, "GET", "/users/a", SPAN_NONE);
		/* "20." is no JSON at all. */
		if (post_once(world.graph, items, 1, &err))
			assert_int_equal(item.status, 0);
		else
			assert_int_equal(err.kind, ERROR_FORMAT);
		batch_item_release(&item);
	}
}

static void an_envelope_that_is_not_ours_is_refused(void **state)
{
	static const char *const envelopes[] = {
		"{}",
		"[]",
		"{\"responses\":{}}",
		"{\"responses\":null}",
		"{\"responses\":[1]}",
		"{\"responses\":[{\"status\":200}]}",
		"{\"responses\":[{\"id\":1,\"status\":200}]}",
		"{\"responses\":[{\"id\":\"4\",\"status\":200}]}",
		"{\"responses\":[{\"id\":\"01\",\"status\":200}]}",
		"{\"responses\":[{\"id\":\"1\",\"status\":200}",
		"<html>",
		"",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(envelopes); i++) {
		struct reply reply = { .status = 200, .body = envelopes[i] };
		CLEANUP(world_release) struct world world;
		CLEANUP(reads_release) struct reads reads;
		struct error err = { 0 };

		world_init(&world, &reply, 1);
		reads_init(&reads);
		assert_false(batch_read(world.graph, reads.items, READS, false, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
	}
}

static void throttled_items_wait_the_longest_time_and_go_alone(void **state)
{
	WORLD(world,
		{ 200,
			ENVELOPE(
				"{\"id\":\"1\",\"status\":429,\"headers\":{\"Retry-After\":\"5\"}},"
				"{\"id\":\"3\",\"status\":429,\"headers\":{\"retry-after\":\"23.5\"}}," ITEM(
					"2", "200")) },
		{ 200, ENVELOPE(ITEM("2", "200") "," ITEM("1", "200")) });
	CLEANUP(reads_release) struct reads reads;
	struct error err = { 0 };

	(void)state;
	reads_init(&reads);
	assert_true(batch_read(world.graph, reads.items, READS, false, &err));
	assert_int_equal(script_sleeps, 1);
	assert_true(script_longest_sleep_ms >= 23500);
	assert_string_equal(world.script.asked[1].body,
		"{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users/a\"},"
		"{\"id\":\"2\",\"method\":\"GET\",\"url\":\"/users/c\"}]}");
	assert_string_equal(buf_text(&reads.items[2].answer), "{\"n\":2}");
}

static void a_date_counts_from_the_services_own_clock(void **state)
{
	WORLD(world,
		{ 200, ENVELOPE(ITEM("1", "200") "," ITEM("2", "200") "," ITEM("3", "200")),
			"date: Wed, 04 Mar 2026 02:17:41 GMT\n" });
	CLEANUP(reads_release) struct reads reads;
	struct error err = { 0 };
	const char *date = "Wed, 04 Mar 2026 02:18:11 GMT"; /* in 30 s */

	(void)state;
	reads_init(&reads);
	assert_true(batch_read(world.graph, reads.items, READS, false, &err));
	assert_string_equal(batch_longer_wait(world.graph, date, "29"), date);
	assert_string_equal(batch_longer_wait(world.graph, date, "31"), "31");
	assert_string_equal(batch_longer_wait(world.graph, "nonsense", "1"), "1");
	assert_string_equal(batch_longer_wait(world.graph, "", "1"), "1");
}

static void a_denied_item_gets_one_new_token(void **state)
{
	WORLD(world, { 200, ENVELOPE(ITEM("1", "200") "," ITEM("2", "401") "," ITEM("3", "401")) },
		{ 200, ENVELOPE(ITEM("1", "200") "," ITEM("2", "401")) });
	CLEANUP(reads_release) struct reads reads;
	struct error err = { 0 };

	(void)state;
	reads_init(&reads);
	assert_true(batch_read(world.graph, reads.items, READS, false, &err));
	assert_int_equal(world.script.tokens, 2);
	assert_string_equal(world.script.asked[1].bearer, "token-2");
	assert_int_equal(reads.items[1].status, 200);
	assert_int_equal(reads.items[2].status, 401);
	world_is_used_up(&world);
}

static void a_faulty_item_is_tried_a_few_times(void **state)
{
	WORLD(world, { 200, ENVELOPE(ITEM("1", "500") "," ITEM("2", "200") "," ITEM("3", "200")) },
		{ 200, ENVELOPE(ITEM("1", "502")) }, { 200, ENVELOPE(ITEM("1", "500")) });
	CLEANUP(reads_release) struct reads reads;
	struct error err = { 0 };

	(void)state;
	reads_init(&reads);
	assert_true(batch_read(world.graph, reads.items, READS, false, &err));
	assert_int_equal(reads.items[0].status, 500);
	world_is_used_up(&world);
}

static void a_read_batch_that_is_lost_is_posted_again(void **state)
{
	WORLD(world, { 0, NULL, .fault = REPLY_LOST }, { 429, "", "retry-after: 4\n" },
		{ 0, NULL, .fault = REPLY_UNREACHABLE }, { 502, "<html>" },
		{ 200, ENVELOPE(ITEM("1", "200") "," ITEM("2", "200") "," ITEM("3", "200")) });
	CLEANUP(reads_release) struct reads reads;
	struct error err = { 0 };

	(void)state;
	reads_init(&reads);
	assert_true(batch_read(world.graph, reads.items, READS, false, &err));
	world_is_used_up(&world);
}

static void a_read_batch_that_is_refused_is_an_error(void **state)
{
	WORLD(world, { 403, "{\"error\":{\"code\":\"Authorization_RequestDenied\"}}" });
	CLEANUP(reads_release) struct reads reads;
	struct error err = { 0 };

	(void)state;
	reads_init(&reads);
	assert_false(batch_read(world.graph, reads.items, READS, false, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
}

static void more_than_twenty_reads_go_in_several_batches(void **state)
{
	char bodies[3][2048];
	struct reply replies[3] = { { 0 } };
	struct batch_item items[45];
	CLEANUP(world_release) struct world world;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		size_t count = i < 2 ? 20 : 5, at = 0;

		at += (size_t)snprintf(bodies[i], sizeof(bodies[i]), "{\"responses\":[");
		for (size_t n = count; n; n--)
			at += (size_t)snprintf(bodies[i] + at, sizeof(bodies[i]) - at,
				"{\"id\":\"%zu\",\"status\":204}%s", n, n > 1 ? "," : "]}");
		replies[i] = (struct reply){ .status = 200, .body = bodies[i] };
	}
	for (size_t i = 0; i < 45; i++)
		batch_item_init(&items[i], "GET", "/users/a", SPAN_NONE);
	world_init(&world, replies, 3);
	assert_true(batch_read(world.graph, items, 45, true, &err));
	for (size_t i = 0; i < 45; i++) {
		assert_int_equal(items[i].status, 204);
		batch_item_release(&items[i]);
	}
	assert_contains(buf_text(&world.script.asked[0].headers), "x-ms-throttle-priority: low\n");
	assert_contains(
		buf_text(&world.script.asked[0].headers), "content-type: application/json\n");
	world_is_used_up(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_in_any_order_find_their_requests),
		cmocka_unit_test(a_read_without_its_answer_is_asked_for_again_alone),
		cmocka_unit_test(an_answer_that_comes_twice_is_none),
		cmocka_unit_test(an_odd_status_is_no_answer),
		cmocka_unit_test(an_envelope_that_is_not_ours_is_refused),
		cmocka_unit_test(throttled_items_wait_the_longest_time_and_go_alone),
		cmocka_unit_test(a_date_counts_from_the_services_own_clock),
		cmocka_unit_test(a_denied_item_gets_one_new_token),
		cmocka_unit_test(a_faulty_item_is_tried_a_few_times),
		cmocka_unit_test(a_read_batch_that_is_lost_is_posted_again),
		cmocka_unit_test(a_read_batch_that_is_refused_is_an_error),
		cmocka_unit_test(more_than_twenty_reads_go_in_several_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
