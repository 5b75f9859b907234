/*
 * The endpoints that hand out tokens to a machine (contract 1.5), as an Azure VM and App Service
 * have them. The machine has a system-assigned identity, and a user-assigned one whose ids are
 * the client's.
 */
#include <stdio.h>

#include "base/memory.h"
#include "simulator/token.h"

#define IMDS_PATH        "/metadata/identity/oauth2/token"
#define APP_SERVICE_PATH "/msi/token"
#define RESOURCE_ID      "/subscriptions/0/resourceGroups/simulated/providers/identity"

static bool path_is(const char *target, const char *path)
{
	size_t length = strcspn(target, "?");

	return length == strlen(path) && memcmp(target, path, length) == 0;
}

bool is_identity_path(const char *target)
{
	return path_is(target, IMDS_PATH) || path_is(target, APP_SERVICE_PATH);
}

/* The two endpoints word their refusals differently. */
static bool refuse(struct exchange *exchange, int status, const char *error, const char *text)
{
	if (path_is(exchange->target, IMDS_PATH))
		return exchange_answer_take(exchange, status,
			json_pack("{s:s, s:s}", "error", error, "error_description", text));
	return exchange_answer_take(exchange, status,
		json_pack("{s:i, s:s, s:s}", "statusCode", status, "message", text, "correlationId",
			exchange->request_id));
}

static bool header_accepted(struct exchange *exchange)
{
	const char *secret = exchange->simulator->identity_header;

	if (path_is(exchange->target, IMDS_PATH)) {
		if (span_is(exchange->metadata, "true"))
			return true;
		return !refuse(
			exchange, 400, "bad_request_102", "Required metadata header not specified");
	}
	if (span_is(exchange->identity_header, secret))
		return true;
	return !refuse(exchange, 401, NULL, "Invalid X-IDENTITY-HEADER header.");
}

/* A parameter that is not there names nobody. */
static bool names(const char *value, const char *identity)
{
	return !value || text_compare_caseless(span_of(value), span_of(identity)) == 0;
}

static bool identity_accepted(struct exchange *exchange)
{
	const struct simulator *simulator = exchange->simulator;
	bool imds = path_is(exchange->target, IMDS_PATH);
	const char *resource_id = exchange_option(exchange, imds ? "msi_res_id" : "mi_res_id");

	if (names(exchange_option(exchange, "client_id"), simulator->client_id) &&
		names(exchange_option(exchange, "object_id"), simulator->principal_id) &&
		names(resource_id, RESOURCE_ID))
		return true;
	return !refuse(exchange, 400, "invalid_request", "Identity not found");
}

static bool query_accepted(struct exchange *exchange)
{
	const char *version = exchange_option(exchange, "api-version");
	const char *resource = exchange_option(exchange, "resource");
	const char *wanted = path_is(exchange->target, IMDS_PATH) ? "2018-02-01" : "2019-08-01";

	if (!version || strcmp(version, wanted) != 0)
		return !refuse(exchange, 400, "invalid_request",
			"The api-version is missing or not supported.");
	if (!resource || !token_scope_is_ours(exchange->simulator, resource, ""))
		return !refuse(exchange, 400, "invalid_resource",
			"AADSTS500011: The resource principal was not found in the tenant.");
	return identity_accepted(exchange);
}

/* All of it is text, numbers too. */
static json_t *token_json(struct exchange *exchange, const struct buf *token, int64_t lifetime_s)
{
	long long now_s = (long long)(signin_now_ms(exchange->simulator) / 1000);
	json_t *json = json_pack("{s:s, s:o, s:s, s:s, s:s}", "access_token", buf_text(token),
		"expires_on", json_sprintf("%lld", now_s + (long long)lifetime_s), "resource",
		exchange_option(exchange, "resource"), "token_type", "Bearer", "client_id",
		exchange->simulator->client_id);

	if (!path_is(exchange->target, IMDS_PATH))
		return json;
	json_object_set_new(json, "expires_in", json_sprintf("%lld", (long long)lifetime_s));
	json_object_set_new(json, "ext_expires_in", json_sprintf("%lld", (long long)lifetime_s));
	json_object_set_new(json, "not_before", json_sprintf("%lld", now_s));
	json_object_set_new(json, "refresh_token", json_string(""));
	return json;
}

bool answer_identity(struct exchange *exchange, struct error *err)
{
	CLEANUP(buf_release) struct buf token = BUF_UP_TO(TOKEN_MAX_BYTES);
	int64_t lifetime_s;

	if (strcmp(exchange->method, "GET") != 0)
		return refuse(exchange, 405, "invalid_request", "Only GET is answered.");
	if (!header_accepted(exchange) || !query_accepted(exchange))
		return true;
	return token_issue(exchange->simulator, &token, &lifetime_s, err) &&
		exchange_answer_take(exchange, 200, token_json(exchange, &token, lifetime_s));
}
