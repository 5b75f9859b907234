/*
 * Graph, played from a list of replies. Token requests are answered by themselves ("token-1",
 * "token-2", …); every other request takes the next reply and is kept for the test to look at.
 * Clock and sleep are the script's own, so that no test waits.
 */
#pragma once

/* A reply says what matters to its test; the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "graph/graph.h"
#include "graph/list.h"

#define ROOT  "https://graph.microsoft.com/v1.0"
#define BATCH ROOT "/$batch"

enum { SCRIPT_REQUESTS = 64 };

enum reply_fault { REPLY_COMES, REPLY_LOST, REPLY_UNREACHABLE, REPLY_TOO_LARGE, REPLY_CUT };

struct reply {
	long status;
	const char *body;
	const char *headers; /* "name: value\n" lines */
	enum reply_fault fault;
	const char *url; /* must occur in the request's URL; NULL: any */
};

struct asked {
	char *method, *url, *body, *bearer;
	struct buf headers;
};

struct script {
	const struct reply *replies;
	size_t reply_count, used;
	struct asked asked[SCRIPT_REQUESTS];
	unsigned tokens;
	bool refuse_tokens; /* after the first */
	/* Replies are found by their `url`, each used once, since requests run beside each other. */
	bool by_url;
	bool taken[SCRIPT_REQUESTS];
};

/* Only what struct retry's function pointers, which have no context, must reach. */
static int64_t script_now_ms, script_longest_sleep_ms;
static unsigned script_sleeps;

static int64_t script_clock(void)
{
	return script_now_ms;
}

static void script_sleep(int64_t ms)
{
	script_now_ms += ms;
	script_sleeps++;
	if (ms > script_longest_sleep_ms)
		script_longest_sleep_ms = ms;
}

static bool script_token(struct script *script, struct net_response *response)
{
	response->sent = true;
	if (script->tokens++ && script->refuse_tokens) {
		response->status = 401;
		buf_add_text(&response->body, "{\"error\":\"invalid_client\"}");
		return true;
	}
	response->status = 200;
	buf_addf(&response->body,
		"{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"token-%u\"}",
		script->tokens);
	return true;
}

static void script_keep(struct asked *asked, const struct net_request *request)
{
	asked->method = memory_text(request->method);
	asked->url = memory_text(request->url);
	asked->bearer = memory_text(request->bearer);
	asked->body = request->body.data
		? memory_text_span(request->body.data, request->body.length)
		: NULL;
	asked->headers = (struct buf)BUF_UP_TO(1 << 16);
	for (size_t i = 0; i < request->header_count; i++)
		buf_addf(&asked->headers, "%s: %s\n", request->headers[i].name,
			request->headers[i].value);
}

static bool script_feed(const struct net_request *request, const char *body, struct error *err)
{
	size_t length = strlen(body);

	for (size_t at = 0; at < length; at += 7) {
		struct span piece = { body + at, length - at < 7 ? length - at : 7 };

		if (!request->sink(request->sink_context, piece, err))
			return false;
	}
	return true;
}

static bool script_answer(const struct reply *reply, const struct net_request *request,
	struct net_response *response, struct error *err)
{
	response->sent = reply->fault != REPLY_UNREACHABLE;
	if (reply->fault == REPLY_TOO_LARGE)
		return error_set(err, ERROR_FORMAT, "the answer is too large");
	if (reply->fault == REPLY_CUT && !script_feed(request, reply->body, err))
		return false;
	if (reply->fault != REPLY_COMES)
		return error_set(err, ERROR_NETWORK, "the connection broke");
	response->status = reply->status;
	if (reply->headers)
		buf_add_text(&response->headers, reply->headers);
	if (request->sink && reply->status / 100 == 2)
		return script_feed(request, reply->body ? reply->body : "", err);
	if (reply->body)
		buf_add_text(&response->body, reply->body);
	return true;
}

/* The next reply in order; or, by URL, the first that is left and fits. */
static const struct reply *script_next(struct script *script, const struct net_request *request)
{
	for (size_t i = script->by_url ? 0 : script->used; i < script->reply_count; i++) {
		const struct reply *reply = &script->replies[i];

		if (script->by_url && (script->taken[i] || !strstr(request->url, reply->url)))
			continue;
		script->taken[i] = true;
		return reply;
	}
	fail_msg("no reply for %s %s", request->method, request->url);
	return NULL;
}

static bool script_send(void *context, const struct net_request *request,
	struct net_response *response, struct error *err)
{
	struct script *script = context;
	const struct reply *reply;

	if (strstr(request->url, "login.microsoftonline.com"))
		return script_token(script, response);
	reply = script_next(script, request);
	if (reply->url && !strstr(request->url, reply->url))
		fail_msg("request %zu: %s does not have %s", script->used + 1, request->url,
			reply->url);
	assert_true(script->used < SCRIPT_REQUESTS);
	script_keep(&script->asked[script->used++], request);
	return script_answer(reply, request, response, err);
}

/* ---- everything between a test and its script ---------------------------------------- */

struct world {
	struct script script;
	struct transport transport;
	struct net_origins *origins;
	struct auth *auth;
	struct graph *graph;
};

static UNUSED void world_release(struct world *world)
{
	graph_close(world->graph);
	auth_close(world->auth);
	net_origins_free(world->origins);
	for (size_t i = 0; i < world->script.used; i++) {
		struct asked *asked = &world->script.asked[i];

		memory_free(asked->method);
		memory_free(asked->url);
		memory_free(asked->body);
		memory_free(asked->bearer);
		buf_release(&asked->headers);
	}
}

static UNUSED void world_init(struct world *world, const struct reply *replies, size_t count)
{
	struct error err = { 0 };
	struct auth_options auth = {
		.tenant = "11111111-2222-3333-4444-555555555555",
		.client_id = "66666666-7777-8888-9999-aaaaaaaaaaaa",
		.authority = "https://login.microsoftonline.com",
		.graph = "https://graph.microsoft.com",
		.secret = SPAN_LITERAL("not-a-secret"),
	};
	struct graph_options graph = {
		.url = "https://graph.microsoft.com",
		.clock_ms = script_clock,
		.sleep_ms = script_sleep,
	};

	*world = (struct world){ .script = { .replies = replies, .reply_count = count } };
	script_now_ms = 1000;
	script_longest_sleep_ms = script_sleeps = 0;
	world->transport = (struct transport){ .send = script_send, .context = &world->script };
	world->origins = net_origins_new();
	assert_true(net_origins_add(world->origins, "https://login.microsoftonline.com",
		NET_SECRET_CREDENTIAL, "/", &err));
	assert_true(net_origins_add(
		world->origins, "https://graph.microsoft.com", NET_SECRET_TOKEN, "/v1.0/", &err));
	world->auth = auth_open(&auth, &world->transport, NULL, &err);
	if (!world->auth)
		fail_msg("%s", err.text);
	graph.transport = &world->transport;
	graph.auth = world->auth;
	graph.origins = world->origins;
	world->graph = graph_open(&graph, &err);
	assert_non_null(world->graph);
}

/* The request whose URL has this. */
static UNUSED const struct asked *world_asked(const struct world *world, const char *url)
{
	for (size_t i = 0; i < world->script.used; i++)
		if (strstr(world->script.asked[i].url, url))
			return &world->script.asked[i];
	fail_msg("nobody asked for %s", url);
	return NULL;
}

/* Every reply was used: the conversation went to its end. */
static UNUSED void world_is_used_up(const struct world *world)
{
	assert_int_equal(world->script.used, world->script.reply_count);
}

#define WORLD(name, ...)                                                                           \
	static const struct reply name##_replies[] = { __VA_ARGS__ };                              \
	CLEANUP(world_release) struct world name;                                                  \
	world_init(&name, name##_replies, COUNT_OF(name##_replies))

#define assert_contains(text, part)                                                                \
	do {                                                                                       \
		if (!strstr((text), (part)))                                                       \
			fail_msg("\"%s\" does not have \"%s\"", (text), (part));                   \
	} while (0)
