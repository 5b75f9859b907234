#include "tests/rollback/tiny_graph.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"

#define GRAPH_URL "https://graph.microsoft.com"
#define LOGIN_URL "https://login.microsoftonline.com"

static int64_t clock_now_ms;

int64_t tiny_clock_ms(void)
{
	return clock_now_ms;
}

void tiny_sleep_ms(int64_t duration_ms)
{
	clock_now_ms += duration_ms;
}

/* ---- answers --------------------------------------------------------------------------- */

struct answer {
	long status;
	json_t *body; /* owned; NULL: none */
};

static struct answer answer_error(long status, const char *code, const char *message)
{
	return (struct answer){ status,
		json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message) };
}

static struct answer not_found(void)
{
	return answer_error(404, "Request_ResourceNotFound", "Resource does not exist.");
}

static struct answer not_understood(void)
{
	return answer_error(
		400, "Request_BadRequest", "The tiny graph does not know this request.");
}

/* A path of segments, cut off its query: "users", "<id>", "manager", "$ref". */
struct path {
	char text[1024];
	const char *segments[8];
	size_t count;
	const char *query;
};

static void path_split(struct path *path, const char *url)
{
	char *save = NULL, *query;

	*path = (struct path){ .query = "" };
	snprintf(path->text, sizeof(path->text), "%s", url);
	query = strchr(path->text, '?');
	if (query) {
		*query = '\0';
		path->query = url + (query - path->text) + 1;
	}
	for (char *part = strtok_r(path->text, "/", &save); part && path->count < 8;
		part = strtok_r(NULL, "/", &save))
		path->segments[path->count++] = part;
}

static bool path_is(const struct path *path, size_t index, const char *segment)
{
	return index < path->count && strcmp(path->segments[index], segment) == 0;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Every selected property comes, null where it is not set, as Graph does. */
static json_t *selected(const json_t *object, const char *id, const char *query)
{
	const json_t *properties = json_object_get(object, "properties");
	const char *list = strstr(query, "$select=");
	json_t *body = json_pack("{s:s}", "id", id);
	char names[4096], *save = NULL;

	assert(list);
	snprintf(names, sizeof(names), "%.*s", (int)strcspn(list + 8, "&"), list + 8);
	for (char *name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		json_t *value = json_object_get(properties, name);

		if (strcmp(name, "id") != 0)
			json_object_set_new(
				body, name, value ? json_deep_copy(value) : json_null());
	}
	if (strstr(query, "$expand=manager") && json_is_string(json_object_get(object, "manager")))
		json_object_set_new(body, "manager",
			json_pack("{s:O}", "id", json_object_get(object, "manager")));
	return body;
}

static struct answer get_references(const json_t *references)
{
	json_t *list = json_array();
	size_t i;
	json_t *id;

	json_array_foreach(references, i, id)
		json_array_append_new(list, json_pack("{s:O}", "id", id));
	return (struct answer){ 200, json_pack("{s:o}", "value", list) };
}

static struct answer get(const json_t *objects, const struct path *path)
{
	bool deleted = path_is(path, 0, "directory") && path_is(path, 1, "deletedItems");
	const char *id = path->count > 1 ? path->segments[deleted ? 2 : 1] : "";
	const json_t *object = tiny_find(objects, id);
	const char *kind = json_string_value(json_object_get(object, "kind"));
	struct answer answer = { 200, NULL };

	if (!object || json_is_true(json_object_get(object, "deleted")) != deleted ||
		(!deleted && strcmp(kind, path->segments[0]) != 0))
		return not_found();
	if (path_is(path, 2, "members") || path_is(path, 2, "owners"))
		return get_references(json_object_get(object, path->segments[2]));
	if (path_is(path, 2, "onPremisesSyncBehavior")) {
		answer.body = json_pack("{s:b}", "isCloudManaged", 0);
		return answer;
	}
	if (path->count != (deleted ? 3 : 2))
		return not_understood();
	answer.body = selected(object, id, path->query);
	if (deleted)
		json_object_set_new(answer.body, "@odata.type",
			json_string(strcmp(kind, "users") == 0 ? "#microsoft.graph.user"
							       : "#microsoft.graph.group"));
	return answer;
}

/* ---- writing ------------------------------------------------------------------------------ */

static const struct answer no_content = { 204, NULL };

static struct answer patch(json_t *object, const json_t *body)
{
	json_t *properties = json_object_get(object, "properties");
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)body, name, value)
	{
		json_t *old = json_object_get(properties, name);

		/* The one complex value that PATCH merges; employeeOrgData is replaced whole. */
		if (strcmp(name, "onPremisesExtensionAttributes") == 0 && json_is_object(old))
			json_object_update(old, value);
		else
			json_object_set_new(properties, name, json_deep_copy(value));
	}
	return no_content;
}

static const char *reference_of(const json_t *body)
{
	const char *url = json_string_value(json_object_get(body, "@odata.id"));
	const char *slash = url ? strrchr(url, '/') : NULL;

	return slash ? slash + 1 : "";
}

static struct answer change_reference(struct tiny_graph *tiny, json_t *object,
	const struct path *path, const char *method, const json_t *body)
{
	json_t *references = json_object_get(object, path->segments[2]);
	bool add = strcmp(method, "POST") == 0;
	const char *id = add ? reference_of(body) : path->segments[3];
	size_t index = tiny_reference_index(references, id);
	bool there = index < json_array_size(references);

	if (!path_is(path, add ? 3 : 4, "$ref") || path->count != (add ? 4u : 5u))
		return not_understood();
	if (add && there)
		return answer_error(400, "Request_BadRequest",
			"One or more added object references already exist for the following modified "
			"properties: 'members'.");
	if (add &&
		(!tiny_find(tiny->objects, id) ||
			json_is_true(json_object_get(tiny_find(tiny->objects, id), "deleted"))))
		return not_found();
	if (!add && !there)
		return not_found();
	if (add)
		json_array_append_new(references, json_string(id));
	else
		json_array_remove(references, index);
	return no_content;
}

static struct answer change_manager(
	struct tiny_graph *tiny, json_t *object, const char *method, const json_t *body)
{
	bool put = strcmp(method, "PUT") == 0;

	if (put && !tiny_find(tiny->objects, reference_of(body)))
		return not_found();
	if (!put && json_is_null(json_object_get(object, "manager")))
		return not_found();
	json_object_set_new(object, "manager", put ? json_string(reference_of(body)) : json_null());
	return no_content;
}

static struct answer restore(struct tiny_graph *tiny, const struct path *path)
{
	json_t *object = path->count == 4 ? tiny_find(tiny->objects, path->segments[2]) : NULL;

	if (!object || !path_is(path, 3, "restore") ||
		!json_is_true(json_object_get(object, "deleted")))
		return not_found();
	json_object_set_new(object, "deleted", json_false());
	return (struct answer){ 200, json_pack("{s:s}", "id", path->segments[2]) };
}

/* No default rule of a sync server flows otherMails. */
static bool is_mastered_elsewhere(const json_t *object, const json_t *body)
{
	return !json_object_get(body, "otherMails") &&
		json_is_true(json_object_get(
			json_object_get(object, "properties"), "onPremisesSyncEnabled"));
}

static struct answer change(
	struct tiny_graph *tiny, const struct path *path, const char *method, const json_t *body)
{
	json_t *object = path->count > 1 ? tiny_find(tiny->objects, path->segments[1]) : NULL;

	if (path_is(path, 0, "directory") && strcmp(method, "POST") == 0)
		return restore(tiny, path);
	if (!object || json_is_true(json_object_get(object, "deleted")))
		return not_found();
	if (is_mastered_elsewhere(object, body))
		return answer_error(400, "Request_BadRequest",
			"Unable to update the specified properties for on-premises mastered Directory "
			"Sync objects or objects currently undergoing migration.");
	if (path_is(path, 2, "members") || path_is(path, 2, "owners"))
		return change_reference(tiny, object, path, method, body);
	if (path_is(path, 2, "manager") && path_is(path, 3, "$ref"))
		return change_manager(tiny, object, method, body);
	if (path->count == 2 && strcmp(method, "PATCH") == 0)
		return patch(object, body);
	if (path->count == 2 && strcmp(method, "DELETE") == 0) {
		json_object_set_new(object, "deleted", json_true());
		return no_content;
	}
	return not_understood();
}

static struct answer write_item(struct tiny_graph *tiny, const struct path *path,
	const char *method, const char *url, const json_t *body)
{
	struct answer answer;

	tiny->writes++;
	if (tiny->throttle) {
		tiny->throttle--;
		if (tiny->throttled)
			tiny->throttled(tiny);
		return answer_error(429, "TooManyRequests", "slow down");
	}
	if (tiny->refuse_id && strstr(url, tiny->refuse_id))
		return answer_error(tiny->refuse_status, tiny->refuse_code, "refused by the test");
	answer = change(tiny, path, method, body);
	if (answer.status / 100 == 2) {
		char *text = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

		json_array_append_new(
			tiny->effects, json_sprintf("%s %s %s", method, url, text ? text : ""));
		free(text);
	}
	return answer;
}

/* ---- $batch --------------------------------------------------------------------------------- */

static json_t *batch_item(struct tiny_graph *tiny, const json_t *objects, const json_t *item)
{
	const char *method = json_string_value(json_object_get(item, "method"));
	const char *url = json_string_value(json_object_get(item, "url"));
	struct answer answer;
	struct path path;
	json_t *headers;

	path_split(&path, url);
	answer = strcmp(method, "GET") == 0
		? get(objects, &path)
		: write_item(tiny, &path, method, url, json_object_get(item, "body"));
	headers = json_pack("{s:s}", "request-id", "11111111-2222-4333-8444-555555555555");
	if (answer.status == 429)
		json_object_set_new(headers, "Retry-After", json_string("1"));
	return json_pack("{s:O, s:i, s:o, s:o*}", "id", json_object_get(item, "id"), "status",
		(int)answer.status, "headers", headers, "body", answer.body);
}

static bool has_write(const json_t *requests)
{
	size_t i;
	json_t *item;

	json_array_foreach(requests, i,
		item) if (strcmp(json_string_value(json_object_get(item, "method")), "GET") !=
		0) return true;
	return false;
}

static json_t *batch(struct tiny_graph *tiny, struct span body)
{
	json_t *envelope = json_loadb(body.data, body.length, JSON_REJECT_DUPLICATES, NULL);
	json_t *requests = json_object_get(envelope, "requests"), *item;
	json_t *objects = tiny->objects, *responses = json_array();
	size_t i;

	assert(json_array_size(requests) >= 1 && json_array_size(requests) <= 20);
	if (has_write(requests) && tiny->lag_reads) {
		json_decref(tiny->behind);
		tiny->behind = json_deep_copy(tiny->objects);
		tiny->lag_left = tiny->lag_reads;
	} else if (tiny->lag_left) {
		tiny->lag_left--;
		objects = tiny->behind;
	}
	/* Any order is allowed, so the last one comes first. */
	json_array_foreach(requests, i, item)
		json_array_insert_new(responses, 0, batch_item(tiny, objects, item));
	json_decref(envelope);
	return json_pack("{s:o}", "responses", responses);
}

/* ---- the transport -------------------------------------------------------------------------- */

static struct answer serve_graph(struct tiny_graph *tiny, const struct net_request *request)
{
	const char *path = request->url + strlen(GRAPH_URL "/v1.0");

	assert(request->bearer && strcmp(request->bearer, "tiny-token") == 0);
	if (strcmp(path, "/$batch") == 0)
		return (struct answer){ 200, batch(tiny, request->body) };
	if (strncmp(path, "/organization", 13) == 0)
		return (struct answer){ 200,
			json_pack("{s:[{s:s, s:s, s:s?}]}", "value", "id", tiny->organization,
				"displayName", "Contoso", "onPremisesLastSyncDateTime",
				tiny->last_sync) };
	if (strncmp(path, "/auditLogs/directoryAudits?", 27) == 0) {
		tiny->audit_reads++;
		return tiny->audits_denied
			? answer_error(403, "Authorization_RequestDenied", "no")
			: (struct answer){ 200, json_pack("{s:O}", "value", tiny->audits) };
	}
	return not_understood();
}

static bool finish(struct tiny_graph *tiny, const struct net_request *request, struct answer answer,
	struct net_response *response, struct error *err)
{
	char *text = json_dumps(answer.body, JSON_COMPACT);
	char date[TIME_TEXT_BYTES];
	bool good = true;

	json_decref(answer.body);
	response->status = answer.status;
	response->sent = true;
	buf_add_text(&response->headers, "content-type: application/json\n");
	if (!tiny->no_date)
		buf_addf(&response->headers, "date: %s\n",
			time_text_http(tiny->date_ms + clock_now_ms, date));
	if (request->sink && answer.status / 100 == 2)
		good = request->sink(request->sink_context, span_of(text), err);
	else
		buf_add_text(&response->body, text);
	free(text);
	return good;
}

static void meet_kill(const struct tiny_graph *tiny, enum tiny_fault fault)
{
	if (tiny->requests != tiny->fault_at || tiny->fault != fault)
		return;
	tiny_dump(tiny);
	_exit(TINY_KILLED);
}

static bool meet_loss(const struct tiny_graph *tiny, enum tiny_fault fault,
	struct net_response *response, struct error *err)
{
	if (tiny->requests != tiny->fault_at || tiny->fault != fault)
		return false;
	response->sent = true;
	error_set(err, ERROR_NETWORK, "connection reset by the test");
	return true;
}

bool tiny_serve(struct tiny_graph *tiny, const struct net_request *request,
	struct net_response *response, struct error *err)
{
	struct answer answer;

	if (strncmp(request->url, LOGIN_URL, strlen(LOGIN_URL)) == 0) {
		answer.status = 200;
		answer.body = json_pack("{s:s, s:i, s:s}", "token_type", "Bearer", "expires_in",
			3600, "access_token", "tiny-token");
		return finish(tiny, request, answer, response, err);
	}
	tiny->requests++;
	meet_kill(tiny, TINY_KILL_BEFORE);
	if (meet_loss(tiny, TINY_LOST_BEFORE, response, err))
		return false;
	answer = serve_graph(tiny, request);
	meet_kill(tiny, TINY_KILL_AFTER);
	if (meet_loss(tiny, TINY_LOST_AFTER, response, err)) {
		json_decref(answer.body);
		return false;
	}
	return finish(tiny, request, answer, response, err);
}

static bool tiny_send(void *context, const struct net_request *request,
	struct net_response *response, struct error *err)
{
	return tiny_serve(context, request, response, err);
}

void tiny_open(struct tiny_graph *tiny)
{
	struct auth_options credentials = {
		.tenant = TINY_TENANT,
		.client_id = "bbbbbbbb-0000-4000-8000-000000000001",
		.authority = LOGIN_URL,
		.graph = GRAPH_URL,
		.secret = SPAN_LITERAL("a secret"),
	};
	struct graph_options options = { .url = GRAPH_URL };
	struct error err = { 0 };

	*tiny = (struct tiny_graph){
		.objects = json_object(),
		.effects = json_array(),
		.audits = json_array(),
		.organization = TINY_TENANT,
		.transport = { .send = tiny_send, .context = tiny },
		.origins = net_origins_new(),
	};
	clock_now_ms = 0;
	if (sodium_init() < 0)
		abort();
	if (!net_origins_add(tiny->origins, LOGIN_URL, NET_SECRET_CREDENTIAL, "/", &err) ||
		!net_origins_add(tiny->origins, GRAPH_URL, NET_SECRET_TOKEN, "/v1.0/", &err))
		abort();
	tiny->auth = auth_open(&credentials, &tiny->transport, NULL, &err);
	options.transport = &tiny->transport;
	options.auth = tiny->auth;
	options.origins = tiny->origins;
	options.clock_ms = tiny_clock_ms;
	options.sleep_ms = tiny_sleep_ms;
	tiny->graph = tiny->auth ? graph_open(&options, &err) : NULL;
	if (!tiny->graph) {
		fprintf(stderr, "tiny graph: %s\n", err.text);
		abort();
	}
}

void tiny_close(struct tiny_graph *tiny)
{
	graph_close(tiny->graph);
	auth_close(tiny->auth);
	net_origins_free(tiny->origins);
	json_decref(tiny->objects);
	json_decref(tiny->behind);
	json_decref(tiny->effects);
	json_decref(tiny->audits);
}
