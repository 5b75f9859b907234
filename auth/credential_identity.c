/*
 * Managed identity (contract 1.5): this machine's own endpoint hands out tokens, to whoever can
 * reach it. There is no credential of ours but, on App Service, a header that proves that
 * we run in the app. Two forms, a row each; the platform's variables choose.
 *
 * The endpoint is plain http on a literal address of this machine by the platform's design, so
 * nothing else is accepted, wherever the variables point [T20]; and no proxy is asked.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/auth_internal.h"
#include "base/memory.h"
#include "base/text.h"

#define IMDS_ORIGIN       "http://169.254.169.254"
#define IMDS_PATH         "/metadata/identity/oauth2/token"
#define VARIABLE_ENDPOINT "IDENTITY_ENDPOINT"
#define VARIABLE_HEADER   "IDENTITY_HEADER"
#define VARIABLE_IMDS     "IMDS_ENDPOINT"
#define OBJECT_ID_PREFIX  "object_id:"

enum { ENDPOINT_MAX = 1024, RESOURCE_ID_MAX = 1024 };

struct identity_form {
	const char *version;      /* api-version */
	const char *resource_id;  /* the parameter for an identity named by its resource id */
	struct net_header header; /* its value NULL: the secret one */
};

static const struct identity_form imds = { "2018-02-01", "msi_res_id", { "metadata", "true" } };
static const struct identity_form app_service = { "2019-08-01", "mi_res_id",
	{ "x-identity-header", NULL } };

struct identity_state {
	const struct identity_form *form;
	char *endpoint;            /* without query */
	const char *parameter;     /* NULL: the system's identity */
	char *identity;            /* its value */
	struct locked_text header; /* of App Service */
	char *url;                 /* of the request in hand */
};

static const char *named(const struct auth_options *options)
{
	return options->managed_identity ? "managed_identity" : NULL;
}

/* The address of the metadata service is never asked unasked: elsewhere, anybody may answer. */
static bool offered(const struct credential_source *source)
{
	return variable_of(source->options, VARIABLE_ENDPOINT) && source->identity_header.length;
}

static void close_identity(void *context)
{
	struct identity_state *state = context;

	locked_text_release(&state->header);
	memory_free(state->endpoint);
	memory_free(state->identity);
	memory_free(state->url);
	memory_free(state);
}

/* ---- which endpoint ------------------------------------------------------------------------ */

static size_t origin_length(const char *url)
{
	const char *host = strstr(url, "://");

	return host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/") : strlen(url);
}

/*
 * Container Apps writes http://localhost:PORT. A name may be resolved to anything, so the address
 * that it stands for is put in its place.
 */
static char *without_name(const char *url)
{
	static const char name[] = "http://localhost";
	size_t length = sizeof(name) - 1;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(ENDPOINT_MAX);

	if (strncmp(url, name, length) == 0 && (url[length] == ':' || url[length] == '/'))
		buf_addf(&text, "http://127.0.0.1%s", url + length);
	else
		buf_add_text(&text, url);
	return buf_detach(&text);
}

static bool use_app_service(
	struct identity_state *state, struct credential_source *source, struct error *err)
{
	const char *endpoint = variable_of(source->options, VARIABLE_ENDPOINT);

	if (!source->identity_header.length)
		return error_set(err, ERROR_AUTH,
			VARIABLE_ENDPOINT " is set without " VARIABLE_HEADER
					  ", as on Azure Arc, whose managed identity is not "
					  "supported. Use a certificate there");
	if (strlen(endpoint) >= ENDPOINT_MAX || strpbrk(endpoint, "?#"))
		return error_set(err, ERROR_USAGE,
			VARIABLE_ENDPOINT " is no address of App Service: %.100s", endpoint);
	state->form = &app_service;
	state->endpoint = without_name(endpoint);
	return locked_text_init_copy(&state->header, locked_text_span(&source->identity_header),
		"managed identity's header", err);
}

/* The fixed address; another one is for tests, and on this machine only. */
static bool use_imds(
	struct identity_state *state, const struct auth_options *options, struct error *err)
{
	static const char *const test_hosts[] = { "http://127.0.0.1:", "http://[::1]:" };
	const char *other = variable_of(options, VARIABLE_IMDS);
	CLEANUP(buf_release) struct buf endpoint = BUF_UP_TO(ENDPOINT_MAX);
	bool near = !other;

	for (size_t i = 0; other && i < COUNT_OF(test_hosts); i++)
		near = near || strncmp(other, test_hosts[i], strlen(test_hosts[i])) == 0;
	if (other && (!near || strlen(other) > ENDPOINT_MAX / 2 || other[origin_length(other)]))
		return error_set(err, ERROR_USAGE,
			VARIABLE_IMDS " is '%.100s'; the metadata service is at " IMDS_ORIGIN
				      ", and only a literal loopback address may stand in for it",
			other);
	state->form = &imds;
	buf_addf(&endpoint, "%s" IMDS_PATH, other ? other : IMDS_ORIGIN);
	state->endpoint = buf_detach(&endpoint);
	return true;
}

/* ---- which identity ------------------------------------------------------------------------- */

static void use_identity(struct identity_state *state, const char *parameter, const char *identity)
{
	state->parameter = parameter;
	state->identity = memory_text(identity);
}

static bool choose_identity(
	struct identity_state *state, const struct auth_options *options, struct error *err)
{
	const char *wanted = options->managed_identity;
	size_t prefix = strlen(OBJECT_ID_PREFIX);

	/* Chosen by the variables, AZURE_CLIENT_ID names it, as in the SDKs. */
	if (!wanted && options->client_id && *options->client_id)
		wanted = options->client_id;
	if (!wanted || strcmp(wanted, "system") == 0)
		return true;
	if (text_is_guid(span_of(wanted)))
		use_identity(state, "client_id", wanted);
	else if (strncmp(wanted, OBJECT_ID_PREFIX, prefix) == 0 &&
		text_is_guid(span_of(wanted + prefix)))
		use_identity(state, "object_id", wanted + prefix);
	else if (strncmp(wanted, "/subscriptions/", strlen("/subscriptions/")) == 0 &&
		strlen(wanted) <= RESOURCE_ID_MAX)
		use_identity(state, state->form->resource_id, wanted);
	else
		return error_set(err, ERROR_USAGE,
			"managed_identity = %.100s: it can be system, a client id, " OBJECT_ID_PREFIX
			"ID, or the resource id of a user-assigned identity",
			wanted);
	return true;
}

/* The row of the table of origins: this endpoint, and nothing beside it. */
static bool enter_origin(
	const struct identity_state *state, const struct auth_options *options, struct error *err)
{
	size_t length = origin_length(state->endpoint);
	const char *slash = strrchr(state->endpoint + length, '/');
	CLEANUP(memory_freep) char *origin = memory_text_span(state->endpoint, length);
	CLEANUP(memory_freep) char *root = NULL;

	if (!slash)
		return error_set(
			err, ERROR_USAGE, "managed identity: %s has no path", state->endpoint);
	root = memory_text_span(
		state->endpoint + length, (size_t)(slash - state->endpoint) - length + 1);
	return !options->origins ||
		net_origins_add(options->origins, origin, NET_SECRET_IDENTITY, root, err) ||
		error_prefix(err, "managed identity");
}

static void *open_identity(struct credential_source *source, struct error *err)
{
	const struct auth_options *options = source->options;
	struct identity_state *state = memory_new(sizeof(*state));
	bool good = variable_of(options, VARIABLE_ENDPOINT) ? use_app_service(state, source, err)
							    : use_imds(state, options, err);

	if (!good || !choose_identity(state, options, err) || !enter_origin(state, options, err)) {
		close_identity(state);
		return NULL;
	}
	/* An address that no document fixes is said aloud. */
	if (strcmp(state->endpoint, IMDS_ORIGIN IMDS_PATH) != 0)
		progress_warn(source->progress, "the token is asked for at %s (%s)",
			state->endpoint, state->form == &imds ? VARIABLE_IMDS : VARIABLE_ENDPOINT);
	return state;
}

/* ---- asking --------------------------------------------------------------------------------- */

static bool add_parameter(
	struct locked_text *query, const char *name, const char *value, struct error *err)
{
	locked_text_add(query, SPAN_LITERAL("&"));
	locked_text_add(query, span_of(name));
	locked_text_add(query, SPAN_LITERAL("="));
	return locked_text_add_encoded(query, span_of(value), err);
}

static bool make_url(
	struct identity_state *state, const struct token_target *target, struct error *err)
{
	CLEANUP(locked_text_release) struct locked_text query = { 0 };
	CLEANUP(buf_release) struct buf url = BUF_UP_TO(NET_URL_MAX);
	size_t room = 64 +
		locked_text_encoded_max(
			strlen(target->graph) + (state->identity ? strlen(state->identity) : 0));

	/* No secret; but there is one way here to encode text, and this is where it goes. */
	if (!locked_text_init(&query, room, "request for a token", err) ||
		!add_parameter(&query, "resource", target->graph, err) ||
		(state->identity && !add_parameter(&query, state->parameter, state->identity, err)))
		return false;
	buf_addf(&url, "%s?api-version=%s%s", state->endpoint, state->form->version, query.data);
	memory_free(state->url);
	state->url = buf_detach(&url);
	return true;
}

static bool request_identity(void *context, const struct token_target *target,
	struct token_request *request, struct error *err)
{
	struct identity_state *state = context;
	struct net_header header = state->form->header;

	if (!make_url(state, target, err))
		return false;
	if (!header.value)
		header.value = state->header.data;
	request->method = "GET";
	request->url = state->url;
	request->secret = NET_SECRET_IDENTITY;
	request->headers[request->header_count++] = header;
	request->proof.plain = locked_text_span(&state->header);
	return true;
}

/* Tries at 0, 2, 6, 14 and 30 s; while the endpoint is being updated (410), for up to 70 s. */
static int64_t pause_ms(long status, unsigned tries, int64_t waited_ms)
{
	enum { FIRST_MS = 2000, DOUBLINGS = 4, LONGEST_MS = 10000, UPDATE_MS = 70000 };
	int64_t pause = FIRST_MS;

	for (unsigned i = 1; i < tries && i < DOUBLINGS; i++)
		pause *= 2;
	if (status == 410) {
		pause = pause < LONGEST_MS ? pause : LONGEST_MS;
		return waited_ms + pause <= UPDATE_MS ? pause : -1;
	}
	if (status != 404 && status != 429 && status < 500)
		return -1;
	return tries <= DOUBLINGS ? pause : -1;
}

const struct credential_kind credential_identity = {
	.name = "managed identity",
	.choices = "managed_identity = system in the profile on an Azure VM, or " VARIABLE_ENDPOINT
		   " with " VARIABLE_HEADER ", which App Service sets",
	.check =
		"Check that this machine has the managed identity, and that managed_identity names "
		"it: system, or the client id of a user-assigned one",
	.service = "the managed identity endpoint",
	.named = named,
	.offered = offered,
	.open = open_identity,
	.close = close_identity,
	.request = request_identity,
	.pause_ms = pause_ms,
};
