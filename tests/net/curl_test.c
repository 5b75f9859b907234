/* The transport of the program against a server of a few lines on 127.0.0.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "net/net.h"

/* ---- the server ---------------------------------------------------------------------- */

enum ending { ENDS_NOT, ENDS_CLOSED, ENDS_RESET };

/* What one request gets. */
struct reply {
	const char *text;
	const char *file; /* below tests/data/net, sent after the text */
	size_t filler;    /* then so many blanks */
	enum ending ending;
};

enum { REQUESTS_MAX = 4, REQUEST_BYTES = 8192 };

struct server {
	const struct reply *replies;
	size_t reply_count;
	int listener;
	unsigned port;
	pthread_t thread;
	size_t request_count, connection_count;
	char requests[REQUESTS_MAX][REQUEST_BYTES];
};

static bool send_all(int connection, const char *data, size_t length)
{
	while (length) {
		ssize_t sent = send(connection, data, length, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data += sent;
		length -= (size_t)sent;
	}
	return true;
}

static void send_file(int connection, const char *name)
{
	CLEANUP(buf_release) struct buf content = BUF_UP_TO(1 << 20);
	struct error err = { 0 };
	char path[512];

	snprintf(path, sizeof(path), TEST_DATA "/net/%s", name);
	if (file_load(path, 1 << 20, &content, &err))
		send_all(connection, content.data, content.length);
}

static void send_reply(int connection, const struct reply *reply)
{
	char blanks[65536];
	size_t left = reply->filler;

	memset(blanks, ' ', sizeof(blanks));
	if (reply->text && !send_all(connection, reply->text, strlen(reply->text)))
		return;
	if (reply->file)
		send_file(connection, reply->file);
	while (left) {
		size_t piece = left < sizeof(blanks) ? left : sizeof(blanks);

		if (!send_all(connection, blanks, piece))
			return;
		left -= piece;
	}
}

static size_t body_length(const char *request)
{
	const char *header = strcasestr(request, "\r\ncontent-length: ");

	return header ? strtoul(header + 18, NULL, 10) : 0;
}

/* One whole request; false when the client closed instead. */
static bool read_request(int connection, char request[static REQUEST_BYTES])
{
	size_t length = 0;

	for (;;) {
		ssize_t got = recv(connection, request + length, REQUEST_BYTES - 1 - length, 0);
		const char *end;

		if (got <= 0)
			return false;
		length += (size_t)got;
		request[length] = '\0';
		end = strstr(request, "\r\n\r\n");
		if (end && length >= (size_t)(end + 4 - request) + body_length(request))
			return true;
	}
}

static int end_connection(int connection, enum ending ending)
{
	const struct linger now = { .l_onoff = 1 };

	if (ending == ENDS_NOT)
		return connection;
	if (ending == ENDS_RESET)
		setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(connection);
	return -1;
}

/* The connection that has something to say; a new one takes the place of the one before. */
static int next_connection(struct server *server, int connection)
{
	struct pollfd waiting[] = { { .fd = connection, .events = POLLIN },
		{ .fd = server->listener, .events = POLLIN } };

	if (poll(waiting, COUNT_OF(waiting), -1) < 0 || waiting[0].revents)
		return connection;
	end_connection(connection, connection < 0 ? ENDS_NOT : ENDS_CLOSED);
	server->connection_count++;
	return accept(server->listener, NULL, NULL);
}

static void *serve(void *context)
{
	struct server *server = context;
	int connection = -1;

	while (server->request_count < server->reply_count) {
		const struct reply *reply = &server->replies[server->request_count];

		connection = next_connection(server, connection);
		if (connection < 0)
			return NULL;
		if (!read_request(connection, server->requests[server->request_count])) {
			connection = end_connection(connection, ENDS_CLOSED);
			continue;
		}
		server->request_count++;
		send_reply(connection, reply);
		connection = end_connection(connection, reply->ending);
	}
	end_connection(connection, connection < 0 ? ENDS_NOT : ENDS_CLOSED);
	return NULL;
}

static int listen_somewhere(unsigned *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(listen(listener, 4), 0);
	*port = ntohs(address.sin_port);
	return listener;
}

/* ---- a client and its server --------------------------------------------------------- */

struct bench {
	struct server server;
	struct net_origins *origins;
	struct transport transport;
	struct net_response response;
	struct error err;
	char url[128];
};

static void bench_origin(struct bench *bench)
{
	char origin[64];

	snprintf(origin, sizeof(origin), "http://127.0.0.1:%u", bench->server.port);
	snprintf(bench->url, sizeof(bench->url), "%s/v1.0/users?$top=5", origin);
	bench->origins = net_origins_new();
	assert_true(
		net_origins_add(bench->origins, origin, NET_SECRET_TOKEN, "/v1.0/", &bench->err));
	assert_true(
		net_origins_add(bench->origins, origin, NET_SECRET_CREDENTIAL, "/t/", &bench->err));
	net_response_init(&bench->response);
}

static void bench_open(struct bench *bench, const struct reply *replies, size_t count, FILE *trace)
{
	/* A proxy that is not there: the simulator on this machine must not be asked through it. */
	const struct net_options options = { .trace = trace, .proxy = "http://u:pw@127.0.0.1:9" };

	*bench = (struct bench){ .server = { .replies = replies, .reply_count = count } };
	bench->server.listener = listen_somewhere(&bench->server.port);
	bench_origin(bench);
	assert_true(transport_curl(&bench->transport, bench->origins, &options, &bench->err));
	assert_int_equal(pthread_create(&bench->server.thread, NULL, serve, &bench->server), 0);
}

static void bench_close(struct bench *bench)
{
	transport_close(&bench->transport);
	shutdown(bench->server.listener, SHUT_RDWR);
	pthread_join(bench->server.thread, NULL);
	close(bench->server.listener);
	net_response_release(&bench->response);
	net_origins_free(bench->origins);
}

static struct net_request get(const struct bench *bench)
{
	return (struct net_request){ .method = "GET",
		.url = bench->url,
		.secret = NET_SECRET_TOKEN,
		.bearer = "Token-To-Guard" };
}

static bool bench_send(struct bench *bench, struct net_request request)
{
	bench->err = (struct error){ 0 };
	return transport_send(&bench->transport, &request, &bench->response, &bench->err);
}

/* One GET that gets `reply` and must fail so. */
static void expect_failure(struct reply reply, enum error_kind kind, const char *words)
{
	struct bench bench;

	bench_open(&bench, &reply, 1, NULL);
	assert_false(bench_send(&bench, get(&bench)));
	assert_int_equal(bench.err.kind, kind);
	if (!strstr(bench.err.text, words))
		fail_msg("%s", bench.err.text);
	assert_true(bench.response.sent);
	assert_null(strstr(bench.err.text, "Token-To-Guard"));
	bench_close(&bench);
}

/* ---- what is sent -------------------------------------------------------------------- */

static void a_request_says_what_it_must_and_no_more(void **state)
{
	static const struct reply replies[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\n{}" },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" },
	};
	struct bench bench;
	const char *sent;

	(void)state;
	bench_open(&bench, replies, 2, NULL);
	assert_true(bench_send(&bench, get(&bench)));
	assert_true(bench_send(&bench, get(&bench)));
	sent = bench.server.requests[1];
	assert_non_null(strstr(sent, "GET /v1.0/users?$top=5 HTTP/1.1\r\n"));
	assert_non_null(strstr(sent, "\r\nauthorization: Bearer Token-To-Guard\r\n"));
	assert_non_null(strcasestr(sent, "\r\naccept-encoding: gzip\r\n"));
	assert_non_null(strcasestr(sent, "\r\nuser-agent: unstage/"));
	assert_null(strcasestr(sent, "\r\nexpect:"));
	assert_null(strcasestr(sent, "\r\ncookie:"));
	assert_null(strcasestr(sent, "proxy"));
	bench_close(&bench);
}

static void a_body_goes_with_its_method(void **state)
{
	static const struct reply replies[] = {
		{ .text = "HTTP/1.1 204 No Content\r\n\r\n" },
		{ .text = "HTTP/1.1 204 No Content\r\n\r\n" },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
	};
	struct bench bench;
	struct net_request request;

	(void)state;
	bench_open(&bench, replies, 3, NULL);
	request = get(&bench);
	request.method = "PATCH";
	request.headers[request.header_count++] = (struct net_header){ "content-type",
		"application/json" };
	request.body = SPAN_LITERAL("{\"mail\":null}");
	assert_true(bench_send(&bench, request));
	request = get(&bench);
	request.method = "DELETE";
	assert_true(bench_send(&bench, request));
	assert_true(bench_send(&bench, get(&bench)));
	assert_int_equal(strncmp(bench.server.requests[0], "PATCH /v1.0/", 12), 0);
	assert_non_null(strstr(bench.server.requests[0], "\r\n\r\n{\"mail\":null}"));
	assert_non_null(strstr(bench.server.requests[0], "\r\ncontent-type: application/json\r\n"));
	assert_int_equal(strncmp(bench.server.requests[1], "DELETE /v1.0/", 13), 0);
	assert_int_equal(strncmp(bench.server.requests[2], "GET /v1.0/", 10), 0);
	bench_close(&bench);
}

static void the_gate_stands_before_the_network(void **state)
{
	static const struct reply replies[] = { { .text = "HTTP/1.1 200 OK\r\n\r\n" } };
	struct bench bench;
	struct net_request request;

	(void)state;
	bench_open(&bench, replies, 1, NULL);
	request = get(&bench);
	request.url = "https://evil.example/v1.0/users";
	assert_false(bench_send(&bench, request));
	assert_int_equal(bench.err.kind, ERROR_REFUSED);
	assert_false(bench.response.sent);
	request = get(&bench);
	request.bearer = NULL;
	request.secret = NET_SECRET_CREDENTIAL;
	assert_false(bench_send(&bench, request));
	assert_int_equal(bench.err.kind, ERROR_REFUSED);
	bench_close(&bench);
	assert_int_equal(bench.server.request_count, 0);
}

static void a_header_value_can_not_bring_another_header(void **state)
{
	static const struct reply replies[] = { { .text = "HTTP/1.1 200 OK\r\n\r\n" } };
	struct bench bench;
	struct net_request request;

	(void)state;
	bench_open(&bench, replies, 1, NULL);
	request = get(&bench);
	request.headers[request.header_count++] = (struct net_header){ "prefer", "a\r\nx-evil: b" };
	assert_false(bench_send(&bench, request));
	assert_int_equal(bench.err.kind, ERROR_REFUSED);
	bench_close(&bench);
	assert_int_equal(bench.server.request_count, 0);
}

/* ---- what comes back ----------------------------------------------------------------- */

static void headers_come_in_lower_case_and_interim_ones_are_dropped(void **state)
{
	static const struct reply replies[] = { {
		.text = "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
			"HTTP/1.1 429 Too Many\r\nRetry-After:  7 \r\nREQUEST-ID: 1\r\n"
			"Content-Length: 4\r\n\r\nslow",
	} };
	struct bench bench;

	(void)state;
	bench_open(&bench, replies, 1, NULL);
	assert_true(bench_send(&bench, get(&bench)));
	assert_int_equal(bench.response.status, 429);
	assert_true(span_is(net_response_header(&bench.response, "retry-after"), "7"));
	assert_true(span_is(net_response_header(&bench.response, "request-id"), "1"));
	assert_null(net_response_header(&bench.response, "x-early").data);
	assert_string_equal(buf_text(&bench.response.body), "slow");
	assert_true(bench.response.sent);
	bench_close(&bench);
}

static void a_packed_answer_is_unpacked(void **state)
{
	static const struct reply replies[] = { {
		.text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n",
		.file = "answer.json.gz",
		.ending = ENDS_CLOSED,
	} };
	struct bench bench;

	(void)state;
	bench_open(&bench, replies, 1, NULL);
	assert_true(bench_send(&bench, get(&bench)));
	assert_string_equal(buf_text(&bench.response.body), "{\"value\":[{\"id\":\"1\"}]}");
	bench_close(&bench);
}

static void an_answer_packed_as_nobody_asked_for_is_refused(void **state)
{
	static const struct {
		const char *coding, *words;
	} codings[] = {
		{ "br", "packed as 'br', and gzip was offered" },
		{ "gzip, gzip", "packed as 'gzip, gzip', and gzip was offered" },
		{ "GZIP", "does not begin like gzip" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codings); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: 19\r\n\r\nnothing of a member",
			codings[i].coding);
		expect_failure((struct reply){ .text = text }, ERROR_FORMAT, codings[i].words);
	}
}

static void an_answer_whose_packing_has_no_end_is_refused(void **state)
{
	(void)state;
	expect_failure((struct reply){ .text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
					       "Content-Length: 3\r\n\r\n\x1f\x8b\x08" },
		ERROR_FORMAT, "ends before its end");
}

static void a_redirect_is_an_answer_and_not_an_order(void **state)
{
	static const struct reply replies[] = {
		{ .text = "HTTP/1.1 302 Found\r\nLocation: /v1.0/other\r\nContent-Length: 0\r\n\r\n" },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
	};
	struct bench bench;

	(void)state;
	bench_open(&bench, replies, 2, NULL);
	assert_true(bench_send(&bench, get(&bench)));
	assert_int_equal(bench.response.status, 302);
	bench_close(&bench);
	assert_int_equal(bench.server.request_count, 1);
}

static bool append(void *context, struct span piece, struct error *err)
{
	(void)err;
	buf_add_span(context, piece);
	return true;
}

static bool dislike(void *context, struct span piece, struct error *err)
{
	(void)context;
	return error_set(err, ERROR_STALE, "%.*s is not liked", SPAN_FORMAT(piece));
}

static void a_sink_gets_success_and_the_response_the_rest(void **state)
{
	static const struct reply replies[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood" },
		{ .text = "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nbad" },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood" },
	};
	CLEANUP(buf_release) struct buf sunk = BUF_UP_TO(100);
	struct bench bench;
	struct net_request request;

	(void)state;
	bench_open(&bench, replies, 3, NULL);
	request = get(&bench);
	request.sink = append;
	request.sink_context = &sunk;
	assert_true(bench_send(&bench, request));
	assert_int_equal(bench.response.body.length, 0);
	assert_true(bench_send(&bench, request));
	assert_string_equal(buf_text(&bench.response.body), "bad");
	assert_string_equal(buf_text(&sunk), "good");
	request.sink = dislike;
	assert_false(bench_send(&bench, request));
	assert_int_equal(bench.err.kind, ERROR_STALE);
	assert_non_null(strstr(bench.err.text, "good is not liked"));
	bench_close(&bench);
}

/* The server's next connection takes the place of the one before: so a request that came over its
 * own says so by being there at all. */
static void what_may_write_shares_no_connection_with_what_reads(void **state)
{
	static const struct reply replies[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" },
	};
	struct bench bench;
	struct net_request post;

	(void)state;
	bench_open(&bench, replies, 3, NULL);
	assert_true(bench_send(&bench, get(&bench)));
	assert_true(bench_send(&bench, get(&bench)));
	assert_int_equal(bench.server.connection_count, 1);
	post = get(&bench);
	post.method = "POST";
	post.body = SPAN_LITERAL("{}");
	assert_true(bench_send(&bench, post));
	assert_int_equal(bench.server.connection_count, 2);
	bench_close(&bench);
}

/* ---- limits and failures ------------------------------------------------------------- */

static void a_body_that_swells_too_far_is_refused(void **state)
{
	/* The large one is stopped on its way, the small one at its end. */
	static const char *const files[] = { "zeros-8m.gz", "zeros-2m.gz" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(files); i++)
		expect_failure(
			(struct reply){ .text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
						"Connection: close\r\n\r\n",
				.file = files[i],
				.ending = ENDS_CLOSED },
			ERROR_FORMAT, "more than 200 times");
}

static void a_body_above_the_limit_is_refused(void **state)
{
	(void)state;
	expect_failure((struct reply){ .text = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
			       .filler = (size_t)NET_BODY_MAX + 1,
			       .ending = ENDS_CLOSED },
		ERROR_FORMAT, "larger than 67108864 bytes");
}

static void a_header_without_end_is_refused(void **state)
{
	static char text[NET_HEADERS_MAX + 4096];
	size_t length = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\n");

	(void)state;
	while (length < NET_HEADERS_MAX + 100)
		length += (size_t)sprintf(text + length, "X-Long: %0*d\r\n", 900, 0);
	sprintf(text + length, "Content-Length: 0\r\n\r\n");
	expect_failure((struct reply){ .text = text }, ERROR_FORMAT, "header");
}

static void a_reset_connection_may_have_delivered(void **state)
{
	(void)state;
	expect_failure(
		(struct reply){ .ending = ENDS_RESET }, ERROR_NETWORK, "the connection broke");
}

static void silence_is_no_answer(void **state)
{
	(void)state;
	expect_failure((struct reply){ .ending = ENDS_CLOSED }, ERROR_NETWORK, "without an answer");
}

static void an_answer_that_breaks_off_is_no_answer(void **state)
{
	(void)state;
	expect_failure((struct reply){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
			       .ending = ENDS_CLOSED },
		ERROR_NETWORK, "broke off");
}

static void what_is_not_http_is_no_answer(void **state)
{
	(void)state;
	expect_failure((struct reply){ .text = "SSH-2.0-OpenSSH\r\n", .ending = ENDS_CLOSED },
		ERROR_NETWORK, "GET http://127.0.0.1:");
}

static void nobody_there_means_nothing_was_sent(void **state)
{
	const struct net_options options = { 0 };
	struct bench bench = { 0 };

	(void)state;
	close(listen_somewhere(&bench.server.port));
	bench_origin(&bench);
	assert_true(transport_curl(&bench.transport, bench.origins, &options, &bench.err));
	assert_false(bench_send(&bench, get(&bench)));
	assert_int_equal(bench.err.kind, ERROR_NETWORK);
	assert_false(bench.response.sent);
	assert_non_null(strstr(bench.err.text, "/v1.0/users: could not connect to host: "));
	assert_non_null(strstr(bench.err.text, "(proxy = none)"));
	assert_null(strstr(bench.err.text, "$top"));
	transport_close(&bench.transport);
	net_response_release(&bench.response);
	net_origins_free(bench.origins);
}

/* A kept connection dies under `request`: it must not be sent again behind our back. */
static void expect_sent_once(const char *method, struct span body)
{
	static const struct reply replies[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
		{ .ending = ENDS_CLOSED },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
	};
	struct bench bench;
	struct net_request request;

	bench_open(&bench, replies, 3, NULL);
	assert_true(bench_send(&bench, get(&bench)));
	request = get(&bench);
	request.method = method;
	request.body = body;
	assert_false(bench_send(&bench, request));
	assert_int_equal(bench.err.kind, ERROR_NETWORK);
	assert_true(bench.response.sent);
	bench_close(&bench);
	assert_int_equal(bench.server.request_count, 2);
}

static void a_write_is_never_sent_twice(void **state)
{
	(void)state;
	expect_sent_once("POST", SPAN_LITERAL("{\"requests\":[]}"));
	expect_sent_once("PATCH", SPAN_LITERAL("{\"mail\":null}"));
	expect_sent_once("POST", SPAN_NONE);
	expect_sent_once("DELETE", SPAN_NONE);
}

static void reading_keeps_its_connection_and_a_bare_write_gets_its_own(void **state)
{
	static const struct reply replies[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
		{ .text = "HTTP/1.1 204 No Content\r\n\r\n" },
	};
	struct bench bench;
	struct net_request request;

	(void)state;
	bench_open(&bench, replies, 3, NULL);
	assert_true(bench_send(&bench, get(&bench)));
	assert_true(bench_send(&bench, get(&bench)));
	request = get(&bench);
	request.method = "DELETE";
	assert_true(bench_send(&bench, request));
	bench_close(&bench);
	assert_int_equal(bench.server.connection_count, 2);
}

/* ---- options and trace --------------------------------------------------------------- */

static void a_proxy_that_is_no_url_is_refused_early(void **state)
{
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();
	const struct net_options options = { .proxy = "http://" };
	struct transport transport;
	struct error err = { 0 };

	(void)state;
	assert_false(transport_curl(&transport, origins, &options, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
}

static void a_ca_file_that_is_missing_is_told_early(void **state)
{
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();
	const struct net_options options = { .ca_file = TEST_DATA "/net/no-such-file.pem" };
	struct transport transport;
	struct error err = { 0 };

	(void)state;
	assert_false(transport_curl(&transport, origins, &options, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, "no-such-file.pem"));
}

static void a_trace_holds_no_secret_and_no_body(void **state)
{
	static const struct reply replies[] = {
		{ .text = "HTTP/1.1 200 OK\r\nRequest-Id: r1\r\nX-Ms-Throttle-Scope: s\r\n"
			  "X-Secret: hidden\r\nContent-Length: 19\r\n\r\nnothing of a member",
			.ending = ENDS_CLOSED },
		{ .text = "HTTP/1.1 400 Bad\r\nContent-Length: 19\r\n\r\nnothing of a member",
			.ending = ENDS_CLOSED },
	};
	struct bench bench;
	struct net_request request;
	char *traced = NULL;
	size_t size;
	FILE *trace = open_memstream(&traced, &size);
	char url[128];

	(void)state;
	bench_open(&bench, replies, 2, trace);
	assert_true(bench_send(&bench, get(&bench)));
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/t/token?code=hidden", bench.server.port);
	request = (struct net_request){ .method = "POST",
		.url = url,
		.secret = NET_SECRET_CREDENTIAL,
		.body = SPAN_LITERAL("client_secret=hidden") };
	assert_true(bench_send(&bench, request));
	bench_close(&bench);
	fclose(trace);
	assert_non_null(strstr(traced, "/v1.0/users?$top=5: 200 after "));
	assert_non_null(strstr(traced, "; request-id: r1; x-ms-throttle-scope: s"));
	assert_non_null(strstr(traced, "/t/token: 400 after "));
	assert_null(strstr(traced, "hidden"));
	assert_null(strstr(traced, "body"));
	assert_null(strstr(traced, "Token-To-Guard"));
	free(traced);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_says_what_it_must_and_no_more),
		cmocka_unit_test(a_body_goes_with_its_method),
		cmocka_unit_test(the_gate_stands_before_the_network),
		cmocka_unit_test(a_header_value_can_not_bring_another_header),
		cmocka_unit_test(headers_come_in_lower_case_and_interim_ones_are_dropped),
		cmocka_unit_test(what_may_write_shares_no_connection_with_what_reads),
		cmocka_unit_test(a_packed_answer_is_unpacked),
		cmocka_unit_test(an_answer_packed_as_nobody_asked_for_is_refused),
		cmocka_unit_test(an_answer_whose_packing_has_no_end_is_refused),
		cmocka_unit_test(a_redirect_is_an_answer_and_not_an_order),
		cmocka_unit_test(a_sink_gets_success_and_the_response_the_rest),
		cmocka_unit_test(a_body_that_swells_too_far_is_refused),
		cmocka_unit_test(a_body_above_the_limit_is_refused),
		cmocka_unit_test(a_header_without_end_is_refused),
		cmocka_unit_test(a_reset_connection_may_have_delivered),
		cmocka_unit_test(silence_is_no_answer),
		cmocka_unit_test(an_answer_that_breaks_off_is_no_answer),
		cmocka_unit_test(what_is_not_http_is_no_answer),
		cmocka_unit_test(nobody_there_means_nothing_was_sent),
		cmocka_unit_test(a_write_is_never_sent_twice),
		cmocka_unit_test(reading_keeps_its_connection_and_a_bare_write_gets_its_own),
		cmocka_unit_test(a_proxy_that_is_no_url_is_refused_early),
		cmocka_unit_test(a_ca_file_that_is_missing_is_told_early),
		cmocka_unit_test(a_trace_holds_no_secret_and_no_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
