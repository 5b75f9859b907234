/*
 * The token endpoint (contract 1.2, 1.6) and the check of bearer tokens. Tokens look like the
 * real ones (three base64url parts; tid, appid and roles readable in the middle), but what makes
 * one valid is its row in the database, never its content.
 */
#include <assert.h>
#include <sodium.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/time.h"
#include "simulator/token.h"

enum {
	TOKEN_BASE_S = 3600, /* plus up to half an hour: lifetimes are drawn (contract 1.2) */
	TOKEN_SPREAD_S = 1800,
};

const char *const permission_names[] = { "User.Read.All", "GroupMember.Read.All",
	"OrgContact.Read.All", "Organization.Read.All", "AuditLog.Read.All", "Directory.Read.All",
	"User.ReadWrite.All", "User.DeleteRestore.All", "User.EnableDisableAccount.All",
	"User-LifeCycleInfo.ReadWrite.All", "Group.ReadWrite.All", "GroupMember.ReadWrite.All",
	"User-OnPremisesSyncBehavior.ReadWrite.All", "Group-OnPremisesSyncBehavior.ReadWrite.All",
	"Contacts-OnPremisesSyncBehavior.ReadWrite.All", NULL };

/* True when `name` is one of the words of `list`, which commas or blanks divide. */
static bool list_holds(const char *list, const char *name, size_t length)
{
	while (list && *list) {
		size_t word = strcspn(list, ", ");

		if (word == length && memcmp(list, name, word) == 0)
			return true;
		list += word + strspn(list + word, ", ");
	}
	return false;
}

static bool granted(const struct simulator *simulator, const char *name, size_t length)
{
	if (list_holds(simulator->options.deny, name, length))
		return false;
	if (list_holds(simulator->options.grant, name, length))
		return true;
	for (size_t i = 0; permission_names[i]; i++)
		if (strlen(permission_names[i]) == length &&
			memcmp(permission_names[i], name, length) == 0)
			return true;
	return false;
}

bool permission_granted(const struct simulator *simulator, const char *permission)
{
	return granted(simulator, permission, strlen(permission));
}

bool permission_any(const struct simulator *simulator, const char *permissions)
{
	while (*permissions) {
		size_t word = strcspn(permissions, " ");

		if (granted(simulator, permissions, word))
			return true;
		permissions += word + strspn(permissions + word, " ");
	}
	return false;
}

/* ---- refusals ------------------------------------------------------------------------------- */

static const struct token_error tenant_unknown = { 400, "invalid_request", 90002 };
static const struct token_error tenant_common = { 400, "invalid_request", 9001023 };
static const struct token_error parameter_missing = { 400, "invalid_request", 900144 };
static const struct token_error grant_unsupported = { 400, "unsupported_grant_type", 70003 };
static const struct token_error application_unknown = { 400, "unauthorized_client", 700016 };
static const struct token_error scope_invalid = { 400, "invalid_scope", 70011 };
static const struct token_error secret_wrong = { 401, "invalid_client", 7000215 };
static const struct token_error credential_missing = { 401, "invalid_client", 7000218 };

/* ---- the request ----------------------------------------------------------------------------- */

struct credentials {
	char *grant_type, *client_id, *client_secret, *scope, *assertion_type, *assertion;
};

static void credentials_release(struct credentials *credentials)
{
	memory_free(credentials->grant_type);
	memory_free(credentials->client_id);
	memory_free(credentials->client_secret);
	memory_free(credentials->scope);
	memory_free(credentials->assertion_type);
	memory_free(credentials->assertion);
}

static char **credential_named(struct credentials *credentials, const char *name, size_t length)
{
	const struct {
		const char *name;
		char **value;
	} fields[] = { { "grant_type", &credentials->grant_type },
		{ "client_id", &credentials->client_id },
		{ "client_secret", &credentials->client_secret }, { "scope", &credentials->scope },
		{ "client_assertion_type", &credentials->assertion_type },
		{ "client_assertion", &credentials->assertion } };

	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (strlen(fields[i].name) == length && memcmp(fields[i].name, name, length) == 0)
			return fields[i].value;
	return NULL;
}

static bool parse_form(struct span body, struct credentials *credentials)
{
	CLEANUP(memory_freep)
	char *form = memory_text_span(body.data ? body.data : "", body.length);
	const char *at = form;

	if (strlen(form) != body.length)
		return false;
	while (*at) {
		size_t length = strcspn(at, "&");
		const char *equals = memchr(at, '=', length);
		char **value = equals ? credential_named(credentials, at, (size_t)(equals - at))
				      : NULL;

		if (value) {
			if (*value)
				return false;
			*value = memory_text_span(equals + 1, length - (size_t)(equals - at) - 1);
			if (!percent_decode(*value, true))
				return false;
		}
		at += length + (at[length] == '&');
	}
	return true;
}

/* HTTP Basic carries id and secret, each percent-encoded (contract 1.2). */
static bool parse_basic(struct span authorization, struct credentials *credentials)
{
	char plain[TOKEN_MAX_BYTES];
	size_t length;
	char *colon;

	if (authorization.length < 6 || strncasecmp(authorization.data, "Basic ", 6) != 0)
		return true;
	if (sodium_base642bin((unsigned char *)plain, sizeof(plain) - 1, authorization.data + 6,
		    authorization.length - 6, NULL, &length, NULL,
		    sodium_base64_VARIANT_ORIGINAL) != 0)
		return false;
	plain[length] = '\0';
	colon = strchr(plain, ':');
	if (!colon || credentials->client_secret)
		return false;
	*colon = '\0';
	memory_free(credentials->client_id);
	credentials->client_id = memory_text(plain);
	credentials->client_secret = memory_text(colon + 1);
	return percent_decode(credentials->client_id, true) &&
		percent_decode(credentials->client_secret, true);
}

static bool tenant_is_ours(const struct simulator *simulator, const char *tenant)
{
	return strcasecmp(tenant, simulator->tenant_id) == 0 ||
		strcasecmp(tenant, TENANT_DOMAIN) == 0 ||
		strcasecmp(tenant, TENANT_INITIAL_DOMAIN) == 0;
}

bool token_scope_is_ours(const struct simulator *simulator, const char *scope, const char *suffix)
{
	const char *const hosts[] = { simulator->options.graph_url, "https://graph.microsoft.com" };

	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		size_t length = hosts[i] ? strlen(hosts[i]) : 0;

		if (length > 0 && strncmp(scope, hosts[i], length) == 0 &&
			strcmp(scope + length, suffix) == 0)
			return true;
	}
	return false;
}

static bool proof_accepted(struct exchange *exchange, const struct credentials *given)
{
	static const char bearer[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
	const struct simulator *simulator = exchange->simulator;

	if (given->assertion) {
		if (!given->assertion_type || strcmp(given->assertion_type, bearer) != 0)
			return !token_refuse(exchange, &parameter_missing,
				"The request body must contain the following parameter: 'client_assertion_type'.");
		return assertion_accepted(exchange, given->client_id, given->assertion);
	}
	if (!given->client_secret)
		return !token_refuse(exchange, &credential_missing,
			"The request body must contain the following parameter: 'client_assertion' or 'client_secret'.");
	if (simulator->options.refuse_token == 1 ||
		strcmp(given->client_secret, simulator->secret) != 0)
		return !token_refuse(exchange, &secret_wrong,
			"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.",
			simulator->client_id);
	return true;
}

/* False, with the answer, unless everything is as it must be. */
static bool accepted(struct exchange *exchange, const struct credentials *given)
{
	const struct simulator *simulator = exchange->simulator;

	if (!given->grant_type || !given->client_id || !given->scope)
		return !token_refuse(exchange, &parameter_missing,
			"The request body must contain the following parameter: '%s'.",
			!given->grant_type          ? "grant_type"
				: !given->client_id ? "client_id"
						    : "scope");
	if (strcmp(given->grant_type, "client_credentials") != 0)
		return !token_refuse(exchange, &grant_unsupported,
			"The app requested an unsupported grant type '%s'.", given->grant_type);
	if (simulator->options.refuse_token == 2 ||
		strcasecmp(given->client_id, simulator->client_id) != 0)
		return !token_refuse(exchange, &application_unknown,
			"Application with identifier '%s' was not found in the directory '%s'.",
			given->client_id, TENANT_NAME);
	if (!token_scope_is_ours(simulator, given->scope, "/.default"))
		return !token_refuse(exchange, &scope_invalid,
			"The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope %s is not valid.",
			given->scope);
	return proof_accepted(exchange, given);
}

/* ---- the token ------------------------------------------------------------------------------- */

static void add_part(struct buf *token, const void *data, size_t length)
{
	char encoded[TOKEN_MAX_BYTES];

	assert(length < sizeof(encoded) / 2);
	sodium_bin2base64(
		encoded, sizeof(encoded), data, length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	if (token->length > 0)
		buf_add_byte(token, '.');
	buf_add_text(token, encoded);
}

static void add_json_part(struct buf *token, json_t *json)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TOKEN_MAX_BYTES);

	json_dump_to(&text, json);
	add_part(token, text.data, text.length);
	json_decref(json);
}

/* What is consented besides the usual. */
static void add_granted(const struct simulator *simulator, json_t *roles)
{
	const char *at = simulator->options.grant;

	while (at && *at) {
		size_t word = strcspn(at, ", ");

		if (granted(simulator, at, word))
			json_array_append_new(roles, json_stringn(at, word));
		at += word + strspn(at + word, ", ");
	}
}

static void build_token(struct simulator *simulator, int64_t lifetime_s, struct buf *token)
{
	json_int_t now_s = (json_int_t)(signin_now_ms(simulator) / 1000);
	json_t *roles = json_array();
	uint64_t mark[8];

	for (size_t i = 0; permission_names[i]; i++)
		if (permission_granted(simulator, permission_names[i]))
			json_array_append_new(roles, json_string(permission_names[i]));
	add_granted(simulator, roles);
	for (size_t i = 0; i < COUNT_OF(mark); i++)
		mark[i] = simulator_random(simulator);
	add_json_part(token, json_pack("{s:s, s:s}", "typ", "JWT", "alg", "RS256"));
	add_json_part(token,
		json_pack("{s:s, s:o, s:I, s:I, s:I, s:s, s:s, s:o, s:s, s:s}", "aud",
			"https://graph.microsoft.com", "iss",
			json_sprintf("https://sts.windows.net/%s/", simulator->tenant_id), "iat",
			now_s, "nbf", now_s, "exp", now_s + (json_int_t)lifetime_s, "appid",
			simulator->client_id, "oid", simulator->principal_id, "roles", roles, "tid",
			simulator->tenant_id, "ver", "1.0"));
	add_part(token, mark, sizeof(mark));
}

bool token_issue(
	struct simulator *simulator, struct buf *token, int64_t *lifetime_s, struct error *err)
{
	int64_t lasts_s = TOKEN_BASE_S + (int64_t)simulator_random_below(simulator, TOKEN_SPREAD_S);
	sqlite3_stmt *statement;

	build_token(simulator, lasts_s, token);
	statement = store_statement(simulator, STATEMENT_TOKEN_INSERT);
	store_bind_text(statement, 1, buf_text(token));
	sqlite3_bind_int64(statement, 2, simulator->now_ms + lasts_s * 1000);
	sqlite3_bind_int64(statement, 3, time_monotonic_ms() + lasts_s * 1000);
	*lifetime_s = lasts_s;
	return store_run(simulator, statement, "issue a token", err);
}

static bool issue(struct exchange *exchange, struct error *err)
{
	CLEANUP(buf_release) struct buf token = BUF_UP_TO(TOKEN_MAX_BYTES);
	int64_t lifetime_s;

	if (!token_issue(exchange->simulator, &token, &lifetime_s, err))
		return false;
	return exchange_answer_take(exchange, 200,
		json_pack("{s:s, s:I, s:I, s:s}", "token_type", "Bearer", "expires_in",
			(json_int_t)lifetime_s, "ext_expires_in", (json_int_t)lifetime_s,
			"access_token", buf_text(&token)));
}

int64_t signin_now_ms(const struct simulator *simulator)
{
	const struct simulator_options *options = &simulator->options;
	int64_t now_ms = options->signin_clock_ms ? options->signin_clock_ms() : simulator->now_ms;

	return now_ms + options->signin_ahead_ms;
}

bool answer_token(struct exchange *exchange, struct span authorization, struct error *err)
{
	CLEANUP(credentials_release) struct credentials given = { 0 };
	const char *tenant = exchange->segments[0];

	if (strcmp(exchange->method, "POST") != 0)
		return token_refuse(exchange, &parameter_missing,
			"The endpoint only accepts POST requests. Received a %s request.",
			exchange->method);
	if (strcmp(tenant, "common") == 0 || strcmp(tenant, "organizations") == 0)
		return token_refuse(exchange, &tenant_common,
			"The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.");
	if (!tenant_is_ours(exchange->simulator, tenant))
		return token_refuse(exchange, &tenant_unknown,
			"Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
			tenant);
	if (!parse_form(exchange->body, &given) || !parse_basic(authorization, &given))
		return token_refuse(exchange, &parameter_missing,
			"The request body is malformed, or names a parameter twice.");
	return !accepted(exchange, &given) || issue(exchange, err);
}

bool exchange_is_authorised(struct exchange *exchange, struct span authorization)
{
	struct simulator *simulator = exchange->simulator;
	CLEANUP(memory_freep) char *token = NULL;
	sqlite3_stmt *statement;
	bool found, valid;

	if (authorization.length < 8 || strncasecmp(authorization.data, "Bearer ", 7) != 0)
		return !exchange_refuse(
			exchange, 401, "InvalidAuthenticationToken", "Access token is empty.");
	token = memory_text_span(authorization.data + 7, authorization.length - 7);
	statement = store_statement(simulator, STATEMENT_TOKEN_GET);
	store_bind_text(statement, 1, token);
	found = sqlite3_step(statement) == SQLITE_ROW;
	/* Whichever clock says so: the story's, or the one on the wall of who runs it. */
	valid = found && simulator->now_ms < sqlite3_column_int64(statement, 0) &&
		time_monotonic_ms() < sqlite3_column_int64(statement, 1);
	sqlite3_reset(statement);
	if (valid)
		return true;
	return !exchange_refuse(exchange, 401, "InvalidAuthenticationToken",
		found ? "Lifetime validation failed, the token is expired."
		      : "CompactToken parsing failed with error code: 80049217");
}
