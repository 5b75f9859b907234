/*
 * Why Entra said no, in words that help at two in the morning (contract 1.6). `error` alone
 * decides anything; AADSTS numbers may change at any time and only choose the advice. What is
 * quoted comes from a server: it is cut, made printable, and checked for the secret first.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/auth_internal.h"
#include "base/json.h"
#include "base/text.h"

enum { REFUSAL_CODES_MAX = 4, QUOTE_COLUMNS = 240, NAME_COLUMNS = 60 };

#define SET_SECRET                                                                                   \
	"Set the value of a valid secret: AZURE_CLIENT_SECRET, or the file that client_secret_file " \
	"names"
#define CHECK_CLIENT                                                                                 \
	"Check AZURE_CLIENT_ID (client_id) and AZURE_TENANT_ID (tenant), and that an administrator " \
	"added the application to this tenant"
#define CHECK_CLOUD                                                                                \
	"Check AZURE_TENANT_ID (tenant) and the profile's cloud: global, usgov, dod or china"
#define CHECK_REGISTRATION "Look at the application's registration in the Entra admin centre"
#define CHECK_CLOCK        "Check this machine's clock"
#define NEW_ASSERTION                                                                              \
	"Check that the certificate or federated credential of this machine is the one registered"
#define TRY_LATER "Try again in a few minutes"

struct advice {
	const char *meaning, *action;
};

static const struct code_advice {
	long code;
	struct advice advice;
} code_table[] = {
	{ 700016, { "the application is not known in this tenant", CHECK_CLIENT } },
	{ 700011, { "the application is not installed in this tenant", CHECK_CLIENT } },
	{ 70001, { "the application is disabled or not installed in this tenant", CHECK_CLIENT } },
	{ 7000215,
		{ "the client secret is wrong; often its id was pasted instead of its value",
			SET_SECRET } },
	{ 7000222,
		{ "the client secret has expired",
			"Make a new one for the application. " SET_SECRET } },
	{ 700025,
		{ "the application is a public client and must not send a secret",
			CHECK_REGISTRATION } },
	{ 700027, { "the certificate is not registered on the application", NEW_ASSERTION } },
	{ 700030, { "the certificate's subject name is not authorised", NEW_ASSERTION } },
	{ 50012, { "the assertion is invalid", NEW_ASSERTION ". " CHECK_CLOCK } },
	{ 50013, { "the assertion is invalid", NEW_ASSERTION ". " CHECK_CLOCK } },
	{ 700021,
		{ "the assertion does not name this client",
			"Check AZURE_CLIENT_ID (client_id)" } },
	{ 700023, { "the assertion is meant for another audience", CHECK_CLOUD } },
	{ 700024, { "the assertion is outside its time of validity", CHECK_CLOCK } },
	{ 500133, { "the assertion is outside its time of validity", CHECK_CLOCK } },
	{ 70021, { "no federated credential matches", NEW_ASSERTION } },
	{ 700211, { "no federated credential has this issuer", NEW_ASSERTION } },
	{ 700212, { "no federated credential has this audience", NEW_ASSERTION } },
	{ 700213, { "no federated credential has this subject", NEW_ASSERTION } },
	{ 70011, { "the scope is not valid", CHECK_CLOUD } },
	{ 500011,
		{ "Graph's host is not known in this tenant, as in a wrong cloud", CHECK_CLOUD } },
	{ 65001,
		{ "nobody consented to the application's permissions",
			"Let an administrator grant consent in the Entra admin centre" } },
	{ 650056, { "the application's registration is incomplete", CHECK_REGISTRATION } },
	{ 65005, { "the application's registration is incomplete", CHECK_REGISTRATION } },
	{ 90002, { "there is no such tenant in this cloud", CHECK_CLOUD } },
	{ 90038, { "the tenant lives in another national cloud", CHECK_CLOUD } },
	{ 900382, { "the tenant lives in another national cloud", CHECK_CLOUD } },
	{ 900432, { "the application may not be used across clouds", CHECK_CLOUD } },
	{ 9001023,
		{ "a real tenant is needed, not \"common\" or \"organizations\"",
			"Set AZURE_TENANT_ID (tenant) to the tenant's id" } },
	{ 53003,
		{ "Conditional Access blocks this application",
			"Let an administrator look at the workload identity policies" } },
	{ 90033, { "the service has a passing trouble", TRY_LATER } },
	{ 90006, { "the service has a passing trouble", TRY_LATER } },
	{ 90012, { "the service took too long", TRY_LATER } },
	{ 90024, { "the service has a passing trouble", TRY_LATER } },
	{ 90055, { "the tenant is throttled", TRY_LATER } },
};

static const struct error_advice {
	const char *error;
	struct advice advice;
} error_table[] = {
	{ "invalid_client", { "the client's proof was not accepted", SET_SECRET } },
	{ "unauthorized_client", { "the application may not ask for such a token", CHECK_CLIENT } },
	{ "invalid_request", { "the request is not one this tenant takes", CHECK_CLIENT } },
	{ "invalid_grant", { "the grant was not accepted", CHECK_REGISTRATION } },
	{ "unsupported_grant_type", { "client credentials are not supported here", CHECK_CLOUD } },
	{ "invalid_resource", { "Graph is not known in this tenant", CHECK_CLOUD } },
	{ "invalid_scope", { "the scope is not valid", CHECK_CLOUD } },
	{ "access_denied", { "access was denied", CHECK_REGISTRATION } },
	{ "interaction_required",
		{ "Conditional Access or a claims challenge stands in the way",
			"Let an administrator look at the policies" } },
};

static const struct advice no_advice = { "no reason that is known here",
	"Look up Entra's code and words" };

bool refusal_is_temporary(const json_t *answer)
{
	const char *error = json_text_or_null(answer, "error");

	return error && strcmp(error, "temporarily_unavailable") == 0;
}

/* Numbers from error_codes; else the one at the head of the description. */
static size_t read_codes(const json_t *answer, long codes[static REFUSAL_CODES_MAX])
{
	const json_t *listed = json_object_get(answer, "error_codes");
	const char *text = json_text_or_null(answer, "error_description");
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(listed) && count < REFUSAL_CODES_MAX; i++) {
		const json_t *code = json_array_get(listed, i);

		if (json_is_integer(code) && json_integer_value(code) > 0)
			codes[count++] = (long)json_integer_value(code);
	}
	if (count || !text || strncmp(text, "AADSTS", 6) != 0)
		return count;
	codes[0] = strtol(text + 6, NULL, 10);
	return codes[0] > 0 ? 1 : 0;
}

static const struct advice *find_advice(const char *error, const long *codes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t row = 0; row < COUNT_OF(code_table); row++)
			if (code_table[row].code == codes[i])
				return &code_table[row].advice;
	for (size_t row = 0; row < COUNT_OF(error_table); row++)
		if (strcmp(error_table[row].error, error) == 0)
			return &error_table[row].advice;
	return &no_advice;
}

static bool holds(struct span text, struct span secret)
{
	return secret.length && memmem(text.data, text.length, secret.data, secret.length);
}

/* The first line of what a server said, fit to be shown. */
static void add_quote(
	struct buf *out, const char *text, unsigned columns, struct refusal_secret secret)
{
	struct span line = { text, strcspn(text, "\r\n") };

	if (holds(span_of(text), secret.plain) || holds(span_of(text), secret.encoded))
		buf_add_text(out, "(not shown: it repeats the secret)");
	else
		text_fit(out, line, columns, false);
}

static void add_id(
	struct buf *out, const json_t *answer, const char *key, struct refusal_secret secret)
{
	const char *id = json_text_or_null(answer, key);

	if (!id)
		return;
	buf_addf(out, ", %s ", key);
	add_quote(out, id, NAME_COLUMNS, secret);
}

bool refusal_explain(
	const json_t *answer, long status, struct refusal_secret secret, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(sizeof(err->text) * 4);
	const char *error = json_text_or_null(answer, "error");
	const char *words = json_text_or_null(answer, "error_description");
	long codes[REFUSAL_CODES_MAX];
	size_t count = read_codes(answer, codes);
	const struct advice *advice = find_advice(error ? error : "", codes, count);

	buf_addf(&text, "Entra refused: %ld ", status);
	add_quote(&text, error ? error : "without a reason", NAME_COLUMNS, secret);
	for (size_t i = 0; i < count; i++)
		buf_addf(&text, ", AADSTS%ld", codes[i]);
	buf_addf(&text, ": %s. %s", advice->meaning, advice->action);
	add_id(&text, answer, "trace_id", secret);
	add_id(&text, answer, "correlation_id", secret);
	if (words) {
		buf_add_text(&text, ". Entra's words: ");
		add_quote(&text, words, QUOTE_COLUMNS, secret);
	}
	return error_set(err, ERROR_AUTH, "%s", buf_text(&text));
}
