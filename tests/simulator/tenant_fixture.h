/*
 * A small tenant and a client for tests of the endpoint: every test gets a fresh one with a token
 * in hand, and speaks to it in method, path and body.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/time.h"
#include "simulator/simulator_internal.h"

#define TEST_GRAPH "http://127.0.0.1:8080"
#define NOBODY     "00000000-0000-4000-8000-000000000000"
#define NOW_MS     INT64_C(1772590661551) /* 2026-03-04T02:17:41.551Z */

struct tenant {
	struct simulator *simulator;
	char *authorization; /* "Bearer …" */
};

struct reply {
	int status;
	json_t *body; /* NULL: none */
	struct buf headers;
	bool cut;
};

static inline void reply_release(struct reply *reply)
{
	json_decref(reply->body);
	buf_release(&reply->headers);
}

static inline struct reply exchange_with(
	struct tenant *tenant, const struct simulator_request *request)
{
	struct simulator_response response;
	struct reply reply = { 0 };

	simulator_handle(tenant->simulator, request, &response);
	reply.status = response.status;
	reply.headers = response.headers;
	reply.cut = response.cut;
	if (response.body.length > 0)
		reply.body = json_loadb(
			response.body.data, response.body.length, JSON_DECODE_ANY, NULL);
	buf_release(&response.body);
	return reply;
}

static inline struct reply call(
	struct tenant *tenant, const char *method, const char *path, const char *body)
{
	return exchange_with(tenant,
		&(struct simulator_request){
			.method = method,
			.path = path,
			.authorization = span_of(tenant->authorization),
			.content_type = span_of(body ? "application/json" : NULL),
			.body = span_of(body),
		});
}

static inline struct reply get(struct tenant *tenant, const char *path)
{
	return call(tenant, "GET", path, NULL);
}

/* GET in advanced mode. */
static inline struct reply get_eventual(struct tenant *tenant, const char *path)
{
	return exchange_with(tenant,
		&(struct simulator_request){
			.method = "GET",
			.path = path,
			.authorization = span_of(tenant->authorization),
			.consistency_level = SPAN_LITERAL("eventual"),
		});
}

/* "/v1.0/users/ID/manager" from a format with one id. The text lives until the next call. */
static inline const char *at(char room[static 512], const char *format, const char *id)
{
	const char *mark = strstr(format, "{}");

	snprintf(room, 512, "%.*s%s%s", (int)(mark - format), format, id, mark + 2);
	return room;
}

static inline struct reply ask_token(struct tenant *tenant, const char *tenant_id, const char *form)
{
	char path[256];

	snprintf(path, sizeof(path), "/%s/oauth2/v2.0/token", tenant_id);
	return exchange_with(tenant,
		&(struct simulator_request){
			.method = "POST",
			.path = path,
			.content_type = SPAN_LITERAL("application/x-www-form-urlencoded"),
			.body = span_of(form),
		});
}

/* The form of a request that is granted. */
static inline const char *good_form(const struct tenant *tenant, char room[static 1024])
{
	snprintf(room, 1024, "grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s",
		simulator_client_id(tenant->simulator), simulator_client_secret(tenant->simulator),
		"http%3A%2F%2F127.0.0.1%3A8080%2F.default");
	return room;
}

static inline void sign_in(struct tenant *tenant)
{
	char form[1024];
	CLEANUP(reply_release)
	struct reply reply = ask_token(
		tenant, simulator_tenant(tenant->simulator), good_form(tenant, form));
	const char *token = json_text_or_null(reply.body, "access_token");

	assert_int_equal(reply.status, 200);
	assert_non_null(token);
	memory_free(tenant->authorization);
	tenant->authorization = memory_new(strlen(token) + sizeof("Bearer "));
	snprintf(tenant->authorization, strlen(token) + sizeof("Bearer "), "Bearer %s", token);
}

static inline struct tenant *tenant_with(struct simulator_options options)
{
	struct tenant *tenant = memory_new(sizeof(*tenant));
	struct error err = { 0 };

	if (!options.now_ms)
		options.now_ms = NOW_MS;
	options.graph_url = TEST_GRAPH;
	options.seed = 7;
	tenant->simulator = simulator_open(&options, &err);
	assert_non_null(tenant->simulator);
	if (!options.refuse_token)
		sign_in(tenant);
	return tenant;
}

static inline void tenant_free(struct tenant *tenant)
{
	if (!tenant)
		return;
	simulator_close(tenant->simulator);
	memory_free(tenant->authorization);
	memory_free(tenant);
}
DEFINE_CLEANUP(struct tenant *, tenant_free);

static inline int tenant_setup(void **state)
{
	*state = tenant_with((struct simulator_options){ 0 });
	return 0;
}

static inline int tenant_teardown(void **state)
{
	tenant_free(*state);
	return 0;
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, tenant_setup, tenant_teardown)

/* ---- people and things ---------------------------------------------------------------------- */

static inline struct actor an_admin(void)
{
	return (struct actor){ .role = ACTOR_ADMIN,
		.id = "11111111-1111-4111-8111-111111111111",
		.name = "admin@contoso.com",
		.display_name = "Admin",
		.door = "graph" };
}

static inline struct actor the_staging_server(void)
{
	return (struct actor){ .role = ACTOR_STAGING,
		.id = "0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10",
		.name = "Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com",
		.display_name = "On-Premises Directory Synchronization Service Account",
		.ip_address = "203.0.113.24",
		.door = "sync" };
}

/* Creates an object from JSON text; its id goes to `id`. */
static inline void make(struct tenant *tenant, enum object_kind kind, const char *properties,
	char id[static GUID_TEXT_BYTES])
{
	struct error err = { 0 };
	struct actor admin = an_admin();
	CLEANUP(json_freep) json_t *json = json_loads(properties, 0, NULL);

	assert_non_null(json);
	if (!tenant_create(tenant->simulator, &admin, kind, json, id, &err))
		fail_msg("%s", err.text);
}

static inline void make_user(
	struct tenant *tenant, const char *name, char id[static GUID_TEXT_BYTES])
{
	char text[512];

	snprintf(text, sizeof(text),
		"{\"displayName\":\"%s\",\"userPrincipalName\":\"%s@contoso.com\",\"accountEnabled\":true,"
		"\"mail\":\"%s@contoso.com\",\"proxyAddresses\":[\"SMTP:%s@contoso.com\"],\"userType\":\"Member\"}",
		name, name, name, name);
	make(tenant, OBJECT_USER, text, id);
}

static inline void make_synced_user(
	struct tenant *tenant, const char *name, char id[static GUID_TEXT_BYTES])
{
	char text[512];

	snprintf(text, sizeof(text),
		"{\"displayName\":\"%s\",\"userPrincipalName\":\"%s@contoso.com\",\"onPremisesSyncEnabled\":true,"
		"\"onPremisesImmutableId\":\"AAECAw==\",\"onPremisesSecurityIdentifier\":\"S-1-5-21-1-2-3-1104\"}",
		name, name);
	make(tenant, OBJECT_USER, text, id);
}

static inline void make_security_group(
	struct tenant *tenant, const char *name, char id[static GUID_TEXT_BYTES])
{
	char text[512];

	snprintf(text, sizeof(text),
		"{\"displayName\":\"%s\",\"mailEnabled\":false,\"securityEnabled\":true,\"mailNickname\":\"%s\"}",
		name, name);
	make(tenant, OBJECT_GROUP, text, id);
}

static inline void set_as_admin(
	struct tenant *tenant, const char *id, const char *name, const char *value)
{
	struct error err = { 0 };
	struct actor admin = an_admin();
	CLEANUP(json_freep) json_t *json = json_loads(value, JSON_DECODE_ANY, NULL);

	if (!tenant_set(tenant->simulator, &admin, id, name, json, &err))
		fail_msg("%s", err.text);
}

static inline void link_as_admin(
	struct tenant *tenant, const char *id, enum relation relation, const char *target)
{
	struct error err = { 0 };
	struct actor admin = an_admin();

	if (!tenant_add_reference(tenant->simulator, &admin, id, relation, target, &err))
		fail_msg("%s", err.text);
}

/* ---- looking at answers --------------------------------------------------------------------- */

static inline const char *error_code(const struct reply *reply)
{
	return json_text_or_null(json_object_get(reply->body, "error"), "code");
}

static inline const char *error_message(const struct reply *reply)
{
	return json_text_or_null(json_object_get(reply->body, "error"), "message");
}

#define assert_refused(reply, wanted_status, wanted_code)                                          \
	do {                                                                                       \
		assert_int_equal((reply).status, (wanted_status));                                 \
		assert_non_null(error_code(&(reply)));                                             \
		assert_string_equal(error_code(&(reply)), (wanted_code));                          \
	} while (0)

static inline size_t value_count(const struct reply *reply)
{
	return json_array_size(json_object_get(reply->body, "value"));
}

static inline const char *next_path(const struct reply *reply)
{
	const char *link = json_text_or_null(reply->body, "@odata.nextLink");

	return link && strncmp(link, TEST_GRAPH, strlen(TEST_GRAPH)) == 0
		? link + strlen(TEST_GRAPH)
		: NULL;
}

/* The stored value as JSON text, to be freed with free(); "null" where there is none. */
static inline void assert_stored(
	struct tenant *tenant, const char *id, const char *name, const char *wanted)
{
	CLEANUP(json_freep) json_t *object = tenant_get(tenant->simulator, id, NULL, NULL);
	CLEANUP(json_freep) json_t *value = json_loads(wanted, JSON_DECODE_ANY, NULL);
	const json_t *found = json_object_get(object, name);

	assert_non_null(object);
	if (json_is_null(value))
		assert_null(found);
	else
		assert_true(json_equal(found, value));
}
