/* The transport of written conversations keeps its own promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "net/net.h"

static const char conversation[] = "> GET https://graph.example/v1.0/users\n"
				   "> authorization: Bearer one\n"
				   "> consistencylevel: eventual\n"
				   "< 200\n"
				   "< content-type: application/json\n"
				   "< request-id: 42\n"
				   "<\n"
				   "{\"value\":[\n"
				   "]}\n"
				   "\n"
				   "> POST https://graph.example/v1.0/$batch\n"
				   "> \"requests\"\n"
				   "< 503\n"
				   "< retry-after: 2\n"
				   "\n"
				   "> DELETE https://graph.example/v1.0/users/1\n"
				   "< reset\n"
				   "\n"
				   "> DELETE https://graph.example/v1.0/users/1\n"
				   "< unreachable\n";

static const struct net_request list = {
	.method = "GET",
	.url = "https://graph.example/v1.0/users",
	.headers = { { "consistencylevel", "eventual" } },
	.header_count = 1,
	.secret = NET_SECRET_TOKEN,
	.bearer = "one",
};

static const struct net_request batch = {
	.method = "POST",
	.url = "https://graph.example/v1.0/$batch",
	.body = { "{\"requests\":[]}", 15 },
};

static const struct net_request removal = {
	.method = "DELETE",
	.url = "https://graph.example/v1.0/users/1",
};

static void replay_close(struct replay **replay)
{
	replay_free(*replay);
}

static void a_conversation_is_played_in_order(void **state)
{
	CLEANUP(replay_close) struct replay *replay = replay_new(conversation);
	CLEANUP(net_response_release) struct net_response response;
	struct transport transport = replay_transport(replay);
	struct error err = { 0 };

	(void)state;
	net_response_init(&response);
	assert_true(transport_send(&transport, &list, &response, &err));
	assert_int_equal(response.status, 200);
	assert_true(response.sent);
	assert_string_equal(buf_text(&response.body), "{\"value\":[\n]}");
	assert_true(span_is(net_response_header(&response, "request-id"), "42"));
	assert_null(net_response_header(&response, "request").data);
	assert_non_null(strstr(replay_trouble(replay), "3 of 4 exchanges were not used"));

	assert_true(transport_send(&transport, &batch, &response, &err));
	assert_int_equal(response.status, 503);
	assert_int_equal(response.body.length, 0);
	assert_true(span_is(net_response_header(&response, "retry-after"), "2"));
	assert_null(net_response_header(&response, "request-id").data);
	assert_string_equal(replay_sent_body(replay, 1), "{\"requests\":[]}");

	assert_false(transport_send(&transport, &removal, &response, &err));
	assert_int_equal(err.kind, ERROR_NETWORK);
	assert_true(response.sent);
	assert_false(transport_send(&transport, &removal, &response, &err));
	assert_int_equal(err.kind, ERROR_NETWORK);
	assert_false(response.sent);

	assert_null(replay_trouble(replay));
	assert_null(replay_sent_body(replay, 0));
	assert_false(transport_send(&transport, &removal, &response, &err));
	assert_non_null(strstr(replay_trouble(replay), "after the last exchange"));
	transport_close(&transport);
}

/* Sends `request` to the conversation's beginning, which must not like it. */
static void expect_trouble(const struct net_request *request, const char *words)
{
	CLEANUP(replay_close) struct replay *replay = replay_new(conversation);
	CLEANUP(net_response_release) struct net_response response;
	struct transport transport = replay_transport(replay);
	struct error err = { 0 };

	net_response_init(&response);
	assert_false(transport_send(&transport, request, &response, &err));
	assert_non_null(strstr(replay_trouble(replay), words));
	/* And nothing after it is played. */
	assert_false(transport_send(&transport, &list, &response, &err));
}

static void a_request_that_is_not_as_written_is_trouble(void **state)
{
	struct net_request wrong = list;

	(void)state;
	expect_trouble(&batch, "wanted GET https://graph.example/v1.0/users, got POST");
	wrong.bearer = "two";
	expect_trouble(&wrong, "lacks: authorization: Bearer one");
	wrong = list;
	wrong.header_count = 0;
	expect_trouble(&wrong, "lacks: consistencylevel: eventual");
}

static void a_body_that_lacks_what_is_wanted_is_trouble(void **state)
{
	CLEANUP(replay_close)
	struct replay *replay = replay_new("> POST https://a.example/\n> grant_type=x\n< 200\n");
	CLEANUP(net_response_release) struct net_response response;
	struct transport transport = replay_transport(replay);
	const struct net_request request = {
		.method = "POST", .url = "https://a.example/", .body = SPAN_LITERAL("grant_type=y")
	};
	struct error err = { 0 };

	(void)state;
	net_response_init(&response);
	assert_false(transport_send(&transport, &request, &response, &err));
	assert_non_null(strstr(replay_trouble(replay), "lacks: grant_type=x"));
}

struct collected {
	struct buf text;
	size_t pieces, stop_after;
};

static bool collect(void *context, struct span piece, struct error *err)
{
	struct collected *collected = context;

	buf_add_span(&collected->text, piece);
	collected->pieces++;
	if (collected->pieces == collected->stop_after)
		return error_set(err, ERROR_FORMAT, "enough");
	return true;
}

static const char long_answer[] =
	"> GET https://a.example/\n< 200\n<\n"
	"0123456789012345678901234567890123456789012345678901234567890123456789\n";

static void a_sink_gets_the_body_in_pieces(void **state)
{
	CLEANUP(replay_close) struct replay *replay = replay_new(long_answer);
	CLEANUP(net_response_release) struct net_response response;
	struct collected collected = { .text = BUF_UP_TO(1000) };
	struct transport transport = replay_transport(replay);
	const struct net_request request = { .method = "GET",
		.url = "https://a.example/",
		.sink = collect,
		.sink_context = &collected };
	struct error err = { 0 };

	(void)state;
	net_response_init(&response);
	assert_true(transport_send(&transport, &request, &response, &err));
	assert_int_equal(collected.text.length, 70);
	assert_true(collected.pieces > 1);
	assert_int_equal(response.body.length, 0);
	buf_release(&collected.text);
}

static void a_sink_can_end_the_exchange(void **state)
{
	CLEANUP(replay_close) struct replay *replay = replay_new(long_answer);
	CLEANUP(net_response_release) struct net_response response;
	struct collected collected = { .text = BUF_UP_TO(1000), .stop_after = 1 };
	struct transport transport = replay_transport(replay);
	const struct net_request request = { .method = "GET",
		.url = "https://a.example/",
		.sink = collect,
		.sink_context = &collected };
	struct error err = { 0 };

	(void)state;
	net_response_init(&response);
	assert_false(transport_send(&transport, &request, &response, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_string_equal(err.text, "enough");
	buf_release(&collected.text);
}

static void a_script_that_makes_no_sense_is_trouble_at_once(void **state)
{
	static const char *const wrong[] = { "GET /\n", "> GET\n< 200\n", "> GET /\n",
		"> GET /\n< 99\n", "> GET /\n< 200 OK\n", "> GET /\n\n< 200\n" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		CLEANUP(replay_close) struct replay *replay = replay_new(wrong[i]);

		assert_non_null(strstr(replay_trouble(replay), "exchange 1 can't be read"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_conversation_is_played_in_order),
		cmocka_unit_test(a_request_that_is_not_as_written_is_trouble),
		cmocka_unit_test(a_body_that_lacks_what_is_wanted_is_trouble),
		cmocka_unit_test(a_sink_gets_the_body_in_pieces),
		cmocka_unit_test(a_sink_can_end_the_exchange),
		cmocka_unit_test(a_script_that_makes_no_sense_is_trouble_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
