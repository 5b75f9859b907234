/* Requests beside each other, on a stage where the test says what arrives next. */
#include "tests/graph/script.h"

enum { STAGE_EXCHANGES = 16 };

/* What happens when the client waits. */
struct act {
	size_t begun;      /* requests that must have left by now */
	size_t exchange;   /* which of them gets it */
	const char *piece; /* of its body, or NULL */
	long status;       /* it ends with this; 0: it goes on; -1: its connection breaks */
};

struct stage {
	const struct act *acts;
	size_t act_count, next;
	struct net_exchange *begun[STAGE_EXCHANGES];
	char *urls[STAGE_EXCHANGES];
	size_t count, cancelled;
};

static struct world world;

static bool stage_send(void *context, const struct net_request *request,
	struct net_response *response, struct error *err)
{
	(void)context, (void)err;
	assert_non_null(strstr(request->url, "login.microsoftonline.com"));
	return script_token(&world.script, response);
}

static void stage_begin(void *context, struct net_exchange *exchange)
{
	struct stage *stage = context;

	assert_true(stage->count < STAGE_EXCHANGES);
	stage->urls[stage->count] = memory_text(exchange->request.url);
	stage->begun[stage->count++] = exchange;
}

static void stage_wait(void *context, int64_t timeout_ms)
{
	struct stage *stage = context;
	const struct act *act;
	struct net_exchange *exchange;

	(void)timeout_ms;
	if (stage->next == stage->act_count)
		fail_msg("nothing more happens, and the client waits");
	act = &stage->acts[stage->next++];
	assert_int_equal(stage->count, act->begun);
	exchange = stage->begun[act->exchange];
	exchange->response.sent = true;
	if (act->piece &&
		!exchange->request.sink(
			exchange->request.sink_context, span_of(act->piece), &exchange->error)) {
		exchange->done = true;
		return;
	}
	if (!act->status)
		return;
	exchange->done = true;
	exchange->good = act->status > 0;
	exchange->response.status = act->status;
	if (!exchange->good)
		error_set(&exchange->error, ERROR_NETWORK, "the connection broke");
}

static void stage_cancel(void *context, struct net_exchange *exchange)
{
	struct stage *stage = context;

	(void)exchange;
	stage->cancelled++;
}

static void stage_open(struct stage *stage, const struct act *acts, size_t count)
{
	world_init(&world, NULL, 0);
	*stage = (struct stage){ .acts = acts, .act_count = count };
	world.transport = (struct transport){
		.send = stage_send,
		.begin = stage_begin,
		.wait = stage_wait,
		.cancel = stage_cancel,
		.context = stage,
	};
}

static void stage_release(struct stage *stage)
{
	for (size_t i = 0; i < stage->count; i++)
		memory_free(stage->urls[i]);
	world_release(&world);
}

static bool see(void *context, struct span item, struct error *err)
{
	(void)err;
	buf_add_span(context, item);
	return true;
}

#define HEAD(next) "{\"@odata.nextLink\":\"" ROOT "/users?" next "\",\"value\":["

#define STAGE(name, ...)                                                                           \
	static const struct act name##_acts[] = { __VA_ARGS__ };                                   \
	CLEANUP(stage_release) struct stage name;                                                  \
	stage_open(&name, name##_acts, COUNT_OF(name##_acts))

static bool read_users(struct buf *seen, struct error *err)
{
	return graph_list(world.graph, "/users", see, NULL, seen, err);
}

static void the_next_page_is_asked_for_while_this_one_arrives(void **state)
{
	STAGE(stage, { 1, 0, HEAD("2"), 0 }, /* the link is seen, and no item yet */
		{ 2, 0, "{\"n\":1}", 0 }, { 2, 1, "{\"value\":[{\"n\":3}]}", 200 },
		{ 2, 0, ",{\"n\":2}]}", 200 });
	CLEANUP(buf_release) struct buf seen = BUF_UP_TO(1 << 16);
	struct error err = { 0 };

	(void)state;
	if (!read_users(&seen, &err))
		fail_msg("%s", err.text);
	/* In order, though the second page was whole first. */
	assert_string_equal(buf_text(&seen), "{\"n\":1}{\"n\":2}{\"n\":3}");
	assert_int_equal(stage.next, stage.act_count);
}

static void no_more_than_a_few_pages_are_under_way(void **state)
{
	STAGE(stage, { 1, 0, HEAD("2"), 0 }, { 2, 1, HEAD("3"), 0 }, { 3, 2, HEAD("4"), 0 },
		{ 4, 3, HEAD("5"), 0 }, { 4, 0, "]}", 200 }, { 5, 4, "{\"value\":[]}", 200 },
		{ 5, 1, "]}", 200 }, { 5, 2, "]}", 200 }, { 5, 3, "]}", 200 });
	CLEANUP(buf_release) struct buf seen = BUF_UP_TO(1 << 16);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(GRAPH_PAGES_AHEAD, 4);
	if (!read_users(&seen, &err))
		fail_msg("%s", err.text);
	assert_int_equal(stage.next, stage.act_count);
}

/* The page breaks off, and the next one goes on undisturbed. */
static void a_page_that_breaks_off_is_asked_for_again_by_itself(void **state)
{
	STAGE(stage, { 1, 0, HEAD("2") "{\"n\":1}", -1 }, { 2, 1, "{\"value\":[{\"n\":3}]}", 200 },
		{ 3, 2, HEAD("2") "{\"n\":1},{\"n\":2}]}", 200 });
	CLEANUP(buf_release) struct buf seen = BUF_UP_TO(1 << 16);
	struct error err = { 0 };

	(void)state;
	if (!read_users(&seen, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&seen), "{\"n\":1}{\"n\":2}{\"n\":3}");
	assert_string_equal(stage.urls[0], stage.urls[2]);
}

/*
 * The second answer ends sooner than the first one did and names another next page: what lies
 * between would be missing if the list went on behind the first.
 */
static void a_repeated_page_that_goes_on_elsewhere_is_followed_there(void **state)
{
	STAGE(stage, { 1, 0, HEAD("2") "{\"n\":1}", -1 }, { 2, 1, "{\"value\":[{\"n\":9}]}", 200 },
		{ 3, 2, HEAD("2b") "{\"n\":1}]}", 200 },
		{ 4, 3, HEAD("2") "{\"n\":2}]}",
			200 }, /* the link that was dropped may come again */
		{ 5, 4, "{\"value\":[{\"n\":9}]}", 200 });
	CLEANUP(buf_release) struct buf seen = BUF_UP_TO(1 << 16);
	struct error err = { 0 };

	(void)state;
	if (!read_users(&seen, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&seen), "{\"n\":1}{\"n\":2}{\"n\":9}");
	assert_string_equal(stage.urls[3], ROOT "/users?2b");
}

/* The second answer is the last page, and the first was not. */
static void a_repeated_page_that_is_the_last_ends_the_list(void **state)
{
	STAGE(stage, { 1, 0, HEAD("2") "{\"n\":1}", -1 }, { 2, 1, "{\"value\":[{\"n\":9}]}", 200 },
		{ 3, 2, "{\"value\":[{\"n\":1}]}", 200 });
	CLEANUP(buf_release) struct buf seen = BUF_UP_TO(1 << 16);
	struct error err = { 0 };

	(void)state;
	if (!read_users(&seen, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&seen), "{\"n\":1}");
}

static void a_failure_forgets_what_is_under_way(void **state)
{
	STAGE(stage, { 1, 0, HEAD("2"), 0 }, { 2, 1, "<html>", 200 });
	CLEANUP(buf_release) struct buf seen = BUF_UP_TO(1 << 16);
	struct error err = { 0 };

	(void)state;
	assert_false(read_users(&seen, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_contains(err.text, "GET /users: page 2");
	assert_int_equal(stage.cancelled, 1);
	assert_int_equal(seen.length, 0);
}

/* Two pages met the same expired token: one renewal serves both. */
static void requests_that_meet_a_401_together_renew_once(void **state)
{
	STAGE(stage, { 1, 0, HEAD("2"), 0 }, { 2, 1, NULL, 401 }, { 3, 0, NULL, 401 },
		{ 4, 2, "{\"value\":[]}", 200 }, { 4, 3, HEAD("2") "]}", 200 });
	CLEANUP(buf_release) struct buf seen = BUF_UP_TO(1 << 16);
	struct error err = { 0 };

	(void)state;
	if (!read_users(&seen, &err))
		fail_msg("%s", err.text);
	assert_int_equal(world.script.tokens, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_page_is_asked_for_while_this_one_arrives),
		cmocka_unit_test(no_more_than_a_few_pages_are_under_way),
		cmocka_unit_test(a_page_that_breaks_off_is_asked_for_again_by_itself),
		cmocka_unit_test(a_repeated_page_that_goes_on_elsewhere_is_followed_there),
		cmocka_unit_test(a_repeated_page_that_is_the_last_ends_the_list),
		cmocka_unit_test(a_failure_forgets_what_is_under_way),
		cmocka_unit_test(requests_that_meet_a_401_together_renew_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
