/*
 * The HTTP shell: libmicrohttpd on 127.0.0.1, one request at a time under the simulator's lock. It
 * adds nothing to what simulator_handle() says, and can do three things that a function can't:
 * close a connection instead of answering or half way, take its time, and let the virtual clock
 * run, so that a tenant served for hours still agrees with the clocks of its clients.
 *
 * One thread polls for all connections. With latency each connection has a thread of its own
 * instead, which waits after the answer is made and without the lock.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/time.h"
#include "simulator/endpoint.h"

enum { CONNECTIONS_MAX = 64, IDLE_TIMEOUT_S = 120, PART_BLOCK_BYTES = 64 << 10 };

struct simulator_server {
	struct simulator *simulator;
	struct MHD_Daemon *daemon;
	unsigned port;
	char *own_url; /* what we told the simulator to put into links; NULL: it had its own */
};

/* One request on its way in. */
struct incoming {
	char *target; /* as on the wire: libmicrohttpd would decode it */
	struct buf body;
	int64_t arrived_ms; /* monotonic */
	bool begun;
};

static void *note_target(
	void *server UNUSED, const char *target, struct MHD_Connection *connection UNUSED)
{
	struct incoming *incoming = memory_new(sizeof(*incoming));

	incoming->target = memory_text(target);
	incoming->arrived_ms = time_monotonic_ms();
	/* One byte more than is allowed: enough to know, and to refuse it properly. */
	incoming->body = (struct buf)BUF_UP_TO(BODY_MAX_BYTES + 1);
	return incoming;
}

static void forget(void *server UNUSED, struct MHD_Connection *connection UNUSED, void **state,
	enum MHD_RequestTerminationCode code UNUSED)
{
	struct incoming *incoming = *state;

	if (!incoming)
		return;
	memory_free(incoming->target);
	buf_release(&incoming->body);
	memory_free(incoming);
	*state = NULL;
}

static struct span header_of(struct MHD_Connection *connection, const char *name)
{
	return span_of(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

static void add_headers(struct MHD_Response *reply, const struct buf *headers)
{
	CLEANUP(memory_freep) char *lines = memory_text(buf_text(headers));
	char *at = lines, *line;

	while ((line = strsep(&at, "\n")) != NULL) {
		char *colon = strchr(line, ':');

		line[strcspn(line, "\r")] = '\0';
		if (!colon)
			continue;
		*colon++ = '\0';
		/* The one way libmicrohttpd takes an empty value is a blank, which nobody reads. */
		MHD_add_response_header(
			reply, line, strcmp(colon, " ") == 0 ? colon : colon + strspn(colon, " "));
	}
}

/* What there is of a body that is announced longer; at its end libmicrohttpd closes. */
static ssize_t give_part(void *context, uint64_t position, char *out, size_t room)
{
	const struct buf *part = context;
	size_t left = part->length - (size_t)position;

	if (!left)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	memcpy(out, part->data + position, left < room ? left : room);
	return (ssize_t)(left < room ? left : room);
}

static void forget_part(void *context)
{
	struct buf *part = context;

	buf_release(part);
	memory_free(part);
}

static struct MHD_Response *make_part(const struct simulator_response *response)
{
	struct buf *part = memory_new(sizeof(*part));

	*part = (struct buf)BUF_UP_TO(response->body.length);
	buf_add_span(part, buf_span(&response->body));
	return MHD_create_response_from_callback(
		response->announced, PART_BLOCK_BYTES, give_part, part, forget_part);
}

static struct MHD_Response *make_reply(const struct simulator_response *response)
{
	struct span body = buf_span(&response->body);

	return response->announced ? make_part(response)
				   : MHD_create_response_from_buffer(
					     body.length, (void *)body.data, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result send_reply(
	struct MHD_Connection *connection, const struct simulator_response *response)
{
	struct MHD_Response *reply;
	enum MHD_Result sent;

	if (response->cut || response->body.overflowed || response->headers.overflowed)
		return MHD_NO;
	reply = make_reply(response);
	if (!reply)
		return MHD_NO;
	add_headers(reply, &response->headers);
	sent = MHD_queue_response(connection, (unsigned)response->status, reply);
	MHD_destroy_response(reply);
	return sent;
}

static void tick(struct simulator *simulator)
{
	int64_t now_ms = time_monotonic_ms();

	simulator_set_now_ms(simulator, simulator->now_ms + now_ms - simulator->set_at_ms);
}

static void wait_until(int64_t due_ms)
{
	int64_t left_ms;

	/* A signal ends a sleep early. */
	while ((left_ms = due_ms - time_monotonic_ms()) > 0)
		time_sleep_ms(left_ms);
}

static enum MHD_Result serve(void *context, struct MHD_Connection *connection,
	const char *decoded_path UNUSED, const char *method, const char *version UNUSED,
	const char *data, size_t *length, void **state)
{
	struct simulator_server *server = context;
	struct incoming *incoming = *state;
	struct simulator_request request;
	struct simulator_response response;
	enum MHD_Result sent;

	if (!incoming->begun) {
		incoming->begun = true;
		return MHD_YES;
	}
	if (*length > 0) {
		size_t room = BODY_MAX_BYTES + 1 - incoming->body.length;

		buf_add(&incoming->body, data, *length < room ? *length : room);
		*length = 0;
		return MHD_YES;
	}
	request = (struct simulator_request){
		.method = method,
		.path = incoming->target,
		.authorization = header_of(connection, "Authorization"),
		.content_type = header_of(connection, "Content-Type"),
		.consistency_level = header_of(connection, "ConsistencyLevel"),
		.client_request_id = header_of(connection, "client-request-id"),
		.prefer = header_of(connection, "Prefer"),
		.metadata = header_of(connection, "Metadata"),
		.identity_header = header_of(connection, "X-IDENTITY-HEADER"),
		.body = buf_span(&incoming->body),
	};
	simulator_lock(server->simulator);
	tick(server->simulator);
	simulator_handle(server->simulator, &request, &response);
	simulator_unlock(server->simulator);
	wait_until(incoming->arrived_ms + server->simulator->options.latency_ms);
	sent = send_reply(connection, &response);
	simulator_response_release(&response);
	return sent;
}

static bool listen_on(struct simulator_server *server, unsigned port, struct error *err)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	/* Its own Date would be the wall clock's. */
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_SUPPRESS_DATE_NO_CLOCK |
		(server->simulator->options.latency_ms ? MHD_USE_THREAD_PER_CONNECTION : 0);
	const union MHD_DaemonInfo *info;

	server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, serve, server, MHD_OPTION_SOCK_ADDR,
		(struct sockaddr *)&address, MHD_OPTION_URI_LOG_CALLBACK, note_target, server,
		MHD_OPTION_NOTIFY_COMPLETED, forget, server, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)2 * PATH_MAX_BYTES, MHD_OPTION_END);
	if (!server->daemon)
		return error_errno(err, "simulator: listen on 127.0.0.1:%u", port);
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
	if (!info)
		return error_set(err, ERROR_SYSTEM, "simulator: no port for 127.0.0.1:%u", port);
	server->port = info->port;
	return true;
}

struct simulator_server *simulator_server_start(
	struct simulator *simulator, unsigned port, struct error *err)
{
	CLEANUP(simulator_server_stopp)
	struct simulator_server *server = memory_new(sizeof(*server));
	char url[64];

	server->simulator = simulator;
	if (port > UINT16_MAX) {
		error_set(err, ERROR_USAGE, "simulator: %u is no port", port);
		return NULL;
	}
	if (!listen_on(server, port, err))
		return NULL;
	simulator_lock(simulator);
	/* The clock stood still until somebody could look at it. */
	simulator_set_now_ms(simulator, simulator->now_ms);
	if (!simulator->options.graph_url) {
		snprintf(url, sizeof(url), "http://127.0.0.1:%u", server->port);
		server->own_url = memory_text(url);
		simulator->options.graph_url = server->own_url;
	}
	simulator_unlock(simulator);
	return TAKE(server);
}

unsigned simulator_server_port(const struct simulator_server *server)
{
	return server->port;
}

void simulator_server_stop(struct simulator_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	if (server->own_url)
		server->simulator->options.graph_url = NULL;
	memory_free(server->own_url);
	memory_free(server);
}
