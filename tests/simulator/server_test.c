/* The HTTP shell: real exchanges over a socket. */
#include "tests/simulator/tenant_fixture.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20 };

static int dial(unsigned port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(socket_fd >= 0);
	assert_int_equal(connect(socket_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return socket_fd;
}

/* Sends the text, reads until the server closes. */
static void converse(unsigned port, const char *request, struct buf *answer)
{
	int socket_fd = dial(port);
	ssize_t length;
	char piece[4096];

	assert_int_equal(
		send(socket_fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
	while ((length = recv(socket_fd, piece, sizeof(piece), 0)) > 0)
		buf_add(answer, piece, (size_t)length);
	close(socket_fd);
}

static void a_request_over_a_socket_is_answered(void **state)
{
	struct tenant *tenant = *state;
	struct error err = { 0 };
	CLEANUP(simulator_server_stopp)
	struct simulator_server *server = simulator_server_start(tenant->simulator, 0, &err);
	CLEANUP(buf_release) struct buf answer = BUF_UP_TO(ANSWER_MAX);
	char request[8192], id[GUID_TEXT_BYTES];

	assert_non_null(server);
	simulator_lock(tenant->simulator);
	make_user(tenant, "ada", id);
	simulator_unlock(tenant->simulator);
	snprintf(request, sizeof(request),
		"GET /v1.0/users?$select=userPrincipalName&$filter=startsWith(displayName%%2C%%27ada%%27) HTTP/1.1\r\n"
		"Host: 127.0.0.1\r\nAuthorization: %s\r\nConnection: close\r\n\r\n",
		tenant->authorization);
	converse(simulator_server_port(server), request, &answer);
	assert_memory_equal(buf_text(&answer), "HTTP/1.1 200 ", 13);
	assert_non_null(strstr(buf_text(&answer), "Date: Wed, 04 Mar 2026 02:1"));
	assert_non_null(strstr(buf_text(&answer), "[{\"userPrincipalName\":\"ada@contoso.com\"}]"));
}

static void a_preference_arrives(void **state)
{
	struct tenant *tenant = *state;
	struct error err = { 0 };
	CLEANUP(simulator_server_stopp)
	struct simulator_server *server = simulator_server_start(tenant->simulator, 0, &err);
	CLEANUP(buf_release) struct buf answer = BUF_UP_TO(ANSWER_MAX);
	char request[8192];

	assert_non_null(server);
	snprintf(request, sizeof(request),
		"GET /v1.0/users/delta HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n"
		"Prefer: return=minimal\r\nConnection: close\r\n\r\n",
		tenant->authorization);
	converse(simulator_server_port(server), request, &answer);
	assert_memory_equal(buf_text(&answer), "HTTP/1.1 200 ", 13);
	assert_non_null(strstr(buf_text(&answer), "Preference-Applied: return=minimal\r\n"));
}

static void a_body_arrives(void **state)
{
	struct tenant *tenant = *state;
	struct error err = { 0 };
	CLEANUP(simulator_server_stopp)
	struct simulator_server *server = simulator_server_start(tenant->simulator, 0, &err);
	CLEANUP(buf_release) struct buf answer = BUF_UP_TO(ANSWER_MAX);
	char request[8192], form[1024];

	assert_non_null(server);
	good_form(tenant, form);
	snprintf(request, sizeof(request),
		"POST /%s/oauth2/v2.0/token HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s",
		simulator_tenant(tenant->simulator), strlen(form), form);
	converse(simulator_server_port(server), request, &answer);
	assert_memory_equal(buf_text(&answer), "HTTP/1.1 200 ", 13);
	assert_non_null(strstr(buf_text(&answer), "\"access_token\":\""));
}

static void a_lost_answer_is_a_closed_connection(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .drop_answer_at = 1 });
	struct error err = { 0 };
	CLEANUP(simulator_server_stopp)
	struct simulator_server *server = simulator_server_start(tenant->simulator, 0, &err);
	CLEANUP(buf_release) struct buf answer = BUF_UP_TO(ANSWER_MAX);
	char request[8192], id[GUID_TEXT_BYTES];

	assert_non_null(server);
	simulator_lock(tenant->simulator);
	make_user(tenant, "ada", id);
	simulator_unlock(tenant->simulator);
	snprintf(request, sizeof(request),
		"DELETE /v1.0/users/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n\r\n",
		id, tenant->authorization);
	converse(simulator_server_port(server), request, &answer);
	assert_int_equal(answer.length, 0);
	simulator_lock(tenant->simulator);
	{
		enum object_state where = OBJECT_LIVE;
		CLEANUP(json_freep) json_t *user = tenant_get(tenant->simulator, id, NULL, &where);

		assert_non_null(user);
		assert_int_equal(where, OBJECT_DELETED);
	}
	simulator_unlock(tenant->simulator);
}

static void a_taken_port_is_an_error(void **state)
{
	struct tenant *tenant = *state;
	struct error err = { 0 };
	CLEANUP(simulator_server_stopp)
	struct simulator_server *server = simulator_server_start(tenant->simulator, 0, &err);

	assert_non_null(server);
	assert_null(simulator_server_start(tenant->simulator, simulator_server_port(server), &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
}

static void links_lead_to_the_port_it_listens_on(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(simulator_closep)
	struct simulator *simulator = simulator_open(
		&(struct simulator_options){ .seed = 1 }, &err);
	CLEANUP(simulator_server_stopp)
	struct simulator_server *server = simulator_server_start(simulator, 0, &err);
	char url[64];

	assert_non_null(server);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", simulator_server_port(server));
	assert_string_equal(simulator_settings(simulator)->graph_url, url);
}

/* ---- pages with something wrong, on the wire --------------------------------------------------- */

static void ask_for_users(struct tenant *tenant, unsigned port, struct buf *answer)
{
	char request[8192];

	snprintf(request, sizeof(request),
		"GET /v1.0/users HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n"
		"Connection: close\r\n\r\n",
		tenant->authorization);
	converse(port, request, answer);
}

static size_t told_length(const struct buf *answer)
{
	const char *line = strstr(buf_text(answer), "\r\nContent-Length: ");

	assert_non_null(line);
	return strtoul(line + strlen("\r\nContent-Length: "), NULL, 10);
}

static size_t body_length(const struct buf *answer)
{
	const char *end = strstr(buf_text(answer), "\r\n\r\n");

	assert_non_null(end);
	return answer->length - (size_t)(end + 4 - answer->data);
}

static void a_page_that_breaks_off_was_announced_whole(void **state UNUSED)
{
	static const struct {
		enum simulator_page_fault fault;
		size_t missing;
	} cases[] = { { SIMULATOR_PAGE_CUT, 1 }, { SIMULATOR_PAGE_SHORT, 0 },
		{ SIMULATOR_PAGE_EMPTY, 0 }, { SIMULATOR_PAGE_GOOD, 0 } };

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_with((struct simulator_options){
			.page_fault = cases[i].fault, .page_fault_bytes = 1 << 20 });
		struct error err = { 0 };
		CLEANUP(simulator_server_stopp)
		struct simulator_server *server = simulator_server_start(
			tenant->simulator, 0, &err);
		CLEANUP(buf_release) struct buf answer = BUF_UP_TO(ANSWER_MAX);

		assert_non_null(server);
		ask_for_users(tenant, simulator_server_port(server), &answer);
		assert_memory_equal(buf_text(&answer), "HTTP/1.1 200 ", 13);
		assert_int_equal(told_length(&answer) - body_length(&answer), cases[i].missing);
		assert_int_equal(body_length(&answer) == 0, cases[i].fault == SIMULATOR_PAGE_EMPTY);
	}
}

static void a_page_of_64_mib_goes_over_the_wire(void **state UNUSED)
{
	enum { MOST = (64 << 20) + (1 << 16) };
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with(
		(struct simulator_options){ .page_fault = SIMULATOR_PAGE_HUGE });
	struct error err = { 0 };
	CLEANUP(simulator_server_stopp)
	struct simulator_server *server = simulator_server_start(tenant->simulator, 0, &err);
	CLEANUP(buf_release) struct buf answer = BUF_UP_TO(MOST);

	assert_non_null(server);
	ask_for_users(tenant, simulator_server_port(server), &answer);
	assert_false(answer.overflowed);
	assert_in_range(told_length(&answer), (64 << 20) + 1, MOST);
	assert_int_equal(body_length(&answer), told_length(&answer));
}

static void a_retry_after_without_a_value_is_sent_as_one(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){
		.throttle_every = 1, .retry_after = SIMULATOR_RETRY_EMPTY });
	struct error err = { 0 };
	CLEANUP(simulator_server_stopp)
	struct simulator_server *server = simulator_server_start(tenant->simulator, 0, &err);
	CLEANUP(buf_release) struct buf answer = BUF_UP_TO(ANSWER_MAX);
	const char *value;

	assert_non_null(server);
	ask_for_users(tenant, simulator_server_port(server), &answer);
	assert_memory_equal(buf_text(&answer), "HTTP/1.1 429 ", 13);
	value = strstr(buf_text(&answer), "\r\nRetry-After:");
	assert_non_null(value);
	value += strlen("\r\nRetry-After:");
	assert_memory_equal(value + strspn(value, " "), "\r\n", 2);
}

/* ---- latency ----------------------------------------------------------------------------------- */

enum { LATENCY_MS = 500, CALLERS = 8 };

static void answers_take_their_time_beside_each_other(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .latency_ms = LATENCY_MS });
	struct error err = { 0 };
	CLEANUP(simulator_server_stopp)
	struct simulator_server *server = simulator_server_start(tenant->simulator, 0, &err);
	char request[8192], piece[4096];
	int64_t begin_ms = time_monotonic_ms(), took_ms;
	int sockets[CALLERS];

	assert_non_null(server);
	snprintf(request, sizeof(request),
		"GET /v1.0/users HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n"
		"Connection: close\r\n\r\n",
		tenant->authorization);
	for (size_t i = 0; i < CALLERS; i++) {
		sockets[i] = dial(simulator_server_port(server));
		assert_int_equal(send(sockets[i], request, strlen(request), MSG_NOSIGNAL),
			(ssize_t)strlen(request));
	}
	/* Whoever waits does not hold the lock. */
	simulator_lock(tenant->simulator);
	simulator_unlock(tenant->simulator);
	assert_true(time_monotonic_ms() - begin_ms < LATENCY_MS);
	for (size_t i = 0; i < CALLERS; i++) {
		assert_true(recv(sockets[i], piece, sizeof(piece), 0) > 13);
		assert_memory_equal(piece, "HTTP/1.1 200 ", 13);
		close(sockets[i]);
	}
	took_ms = time_monotonic_ms() - begin_ms;
	assert_in_range(took_ms, LATENCY_MS, 3 * LATENCY_MS);
}

static void requests_on_one_connection_wait_one_after_the_other(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .latency_ms = LATENCY_MS });
	struct error err = { 0 };
	CLEANUP(simulator_server_stopp)
	struct simulator_server *server = simulator_server_start(tenant->simulator, 0, &err);
	CLEANUP(buf_release) struct buf answer = BUF_UP_TO(ANSWER_MAX);
	char requests[16384];
	int64_t begin_ms = time_monotonic_ms(), took_ms;

	assert_non_null(server);
	snprintf(requests, sizeof(requests),
		"GET /v1.0/users HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n\r\n"
		"GET /v1.0/groups HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n"
		"Connection: close\r\n\r\n",
		tenant->authorization, tenant->authorization);
	converse(simulator_server_port(server), requests, &answer);
	took_ms = time_monotonic_ms() - begin_ms;
	assert_non_null(strstr(buf_text(&answer), "$metadata#users"));
	assert_non_null(strstr(buf_text(&answer), "$metadata#groups"));
	assert_true(took_ms >= 2 * LATENCY_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_request_over_a_socket_is_answered),
		FRESH(a_body_arrives),
		FRESH(a_preference_arrives),
		cmocka_unit_test(a_lost_answer_is_a_closed_connection),
		FRESH(a_taken_port_is_an_error),
		cmocka_unit_test(links_lead_to_the_port_it_listens_on),
		cmocka_unit_test(a_page_that_breaks_off_was_announced_whole),
		cmocka_unit_test(a_page_of_64_mib_goes_over_the_wire),
		cmocka_unit_test(a_retry_after_without_a_value_is_sent_as_one),
		cmocka_unit_test(answers_take_their_time_beside_each_other),
		cmocka_unit_test(requests_on_one_connection_wait_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
