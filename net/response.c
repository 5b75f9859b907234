/* A response is filled by whichever transport; this is what all of them share. */
#include <assert.h>
#include <string.h>

#include "net/net_internal.h"

void net_response_init(struct net_response *response)
{
	*response = (struct net_response){
		.headers = BUF_UP_TO(NET_HEADERS_MAX),
		.body = BUF_UP_TO(NET_BODY_MAX),
	};
}

void net_response_release(struct net_response *response)
{
	buf_release(&response->headers);
	buf_release(&response->body);
}

struct span net_response_header(const struct net_response *response, const char *name)
{
	size_t length = strlen(name);
	const char *line = buf_text(&response->headers);
	const char *end;

	for (; *line; line = end + 1) {
		end = strchrnul(line, '\n');
		if ((size_t)(end - line) >= length + 2 && memcmp(line, name, length) == 0 &&
			memcmp(line + length, ": ", 2) == 0)
			return (struct span){ line + length + 2,
				(size_t)(end - line) - length - 2 };
		if (!*end)
			break;
	}
	return SPAN_NONE;
}

static void check_request(const struct net_request *request)
{
	assert(request->method && request->url && request->header_count <= NET_REQUEST_HEADERS);
	/* A token is for token origins; carrying it elsewhere is a broken promise of ours. */
	assert(!request->bearer || request->secret == NET_SECRET_TOKEN);
}

/* A response can be used again; what it held is forgotten, its memory kept. */
static void response_forget(struct net_response *response)
{
	buf_cut(&response->headers, 0);
	buf_cut(&response->body, 0);
	response->status = 0;
	response->version = 0;
	response->took_ms = 0;
	response->sent = false;
}

bool transport_send(const struct transport *transport, const struct net_request *request,
	struct net_response *response, struct error *err)
{
	check_request(request);
	response_forget(response);
	return transport->send(transport->context, request, response, err);
}

void transport_begin(const struct transport *transport, struct net_exchange *exchange)
{
	check_request(&exchange->request);
	response_forget(&exchange->response);
	exchange->done = exchange->good = false;
	exchange->error = (struct error){ 0 };
	exchange->own = NULL;
	if (transport->begin) {
		transport->begin(transport->context, exchange);
		return;
	}
	exchange->good = transport->send(
		transport->context, &exchange->request, &exchange->response, &exchange->error);
	exchange->done = true;
}

void transport_wait(const struct transport *transport, int64_t timeout_ms)
{
	if (transport->wait)
		transport->wait(transport->context, timeout_ms);
}

void transport_cancel(const struct transport *transport, struct net_exchange *exchange)
{
	if (!exchange->done && transport->cancel)
		transport->cancel(transport->context, exchange);
	exchange->done = true;
}

void transport_close(struct transport *transport)
{
	if (transport->close)
		transport->close(transport->context);
	*transport = (struct transport){ 0 };
}
