/* Several exchanges of the program's transport at once, against a server that answers out of order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net.h"

enum { CLIENTS = 3, WAIT_MS = 5000 };

/* Reads a request from each of CLIENTS connections before it answers any, the last one first. */
struct server {
	int listener;
	unsigned port;
	pthread_t thread;
};

static void read_head(int connection, char *head, size_t size)
{
	size_t length = 0;
	ssize_t got;

	do {
		got = recv(connection, head + length, size - 1 - length, 0);
		length += got > 0 ? (size_t)got : 0;
		head[length] = '\0';
	} while (got > 0 && !strstr(head, "\r\n\r\n"));
}

/* The body is the request's line. */
static void answer(int connection, const char *head)
{
	char text[512];
	int line = (int)strcspn(head, "\r");
	int length = snprintf(text, sizeof(text),
		"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: text/plain\r\n\r\n%.*s",
		line, line, head);

	(void)!send(connection, text, (size_t)length, MSG_NOSIGNAL);
}

static void *serve(void *context)
{
	struct server *server = context;
	int connections[CLIENTS];
	char heads[CLIENTS][4096];

	for (int i = 0; i < CLIENTS; i++) {
		connections[i] = accept(server->listener, NULL, NULL);
		if (connections[i] < 0)
			return NULL;
		read_head(connections[i], heads[i], sizeof(heads[i]));
	}
	for (int i = CLIENTS - 1; i >= 0; i--) {
		answer(connections[i], heads[i]);
		close(connections[i]);
	}
	return NULL;
}

static void server_start(struct server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(listen(server->listener, CLIENTS), 0);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}

/* A transport to it, and exchanges that are begun. */
struct bench {
	struct server server;
	struct net_origins *origins;
	struct transport transport;
	struct net_exchange exchanges[CLIENTS];
	char urls[CLIENTS][96];
};

static void bench_open(struct bench *bench)
{
	const struct net_options options = { 0 };
	struct error err = { 0 };
	char origin[64];

	*bench = (struct bench){ .origins = net_origins_new() };
	server_start(&bench->server);
	snprintf(origin, sizeof(origin), "http://127.0.0.1:%u", bench->server.port);
	assert_true(net_origins_add(bench->origins, origin, NET_SECRET_TOKEN, "/v1.0/", &err));
	assert_true(transport_curl(&bench->transport, bench->origins, &options, &err));
	for (int i = 0; i < CLIENTS; i++) {
		struct net_exchange *exchange = &bench->exchanges[i];

		snprintf(
			bench->urls[i], sizeof(bench->urls[i]), "%s/v1.0/users?page=%d", origin, i);
		exchange->request = (struct net_request){ .method = "GET",
			.url = bench->urls[i],
			.secret = NET_SECRET_TOKEN,
			.bearer = "t" };
		net_response_init(&exchange->response);
		transport_begin(&bench->transport, exchange);
	}
}

static void bench_close(struct bench *bench)
{
	transport_close(&bench->transport);
	server_stop(&bench->server);
	for (int i = 0; i < CLIENTS; i++)
		net_response_release(&bench->exchanges[i].response);
	net_origins_free(bench->origins);
}

static void exchanges_are_under_way_at_once_and_each_gets_its_own_answer(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench);
	for (int i = 0; i < CLIENTS; i++)
		while (!bench.exchanges[i].done)
			transport_wait(&bench.transport, WAIT_MS);
	for (int i = 0; i < CLIENTS; i++) {
		char line[64];

		snprintf(line, sizeof(line), "GET /v1.0/users?page=%d HTTP/1.1", i);
		assert_true(bench.exchanges[i].good);
		assert_int_equal(bench.exchanges[i].response.status, 200);
		assert_string_equal(buf_text(&bench.exchanges[i].response.body), line);
	}
	bench_close(&bench);
}

static void what_is_cancelled_is_forgotten_and_the_others_go_on(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench);
	/* All requests must have left before one of them is forgotten, or the server would wait. */
	for (int i = 0; i < CLIENTS; i++)
		while (!bench.exchanges[i].response.sent)
			transport_wait(&bench.transport, 10);
	if (!bench.exchanges[1].done)
		transport_cancel(&bench.transport, &bench.exchanges[1]);
	for (int i = 0; i < CLIENTS; i += 2)
		while (!bench.exchanges[i].done)
			transport_wait(&bench.transport, WAIT_MS);
	assert_true(bench.exchanges[0].good && bench.exchanges[2].good);
	bench_close(&bench);
}

static void with_nothing_under_way_nobody_waits(void **state)
{
	const struct net_options options = { 0 };
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();
	struct transport transport;
	struct error err = { 0 };

	(void)state;
	assert_true(transport_curl(&transport, origins, &options, &err));
	transport_wait(&transport, 3600 * 1000); /* the test's own time-out would tell */
	transport_close(&transport);
}

static void what_the_gate_refuses_is_over_at_once(void **state)
{
	const struct net_options options = { 0 };
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();
	struct net_exchange exchange = { .request = { .method = "GET",
						 .url = "https://evil.example/v1.0/users",
						 .secret = NET_SECRET_TOKEN,
						 .bearer = "t" } };
	struct transport transport;
	struct error err = { 0 };

	(void)state;
	net_response_init(&exchange.response);
	assert_true(transport_curl(&transport, origins, &options, &err));
	transport_begin(&transport, &exchange);
	assert_true(exchange.done);
	assert_false(exchange.good);
	assert_int_equal(exchange.error.kind, ERROR_REFUSED);
	transport_close(&transport);
	net_response_release(&exchange.response);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchanges_are_under_way_at_once_and_each_gets_its_own_answer),
		cmocka_unit_test(what_is_cancelled_is_forgotten_and_the_others_go_on),
		cmocka_unit_test(with_nothing_under_way_nobody_waits),
		cmocka_unit_test(what_the_gate_refuses_is_over_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
