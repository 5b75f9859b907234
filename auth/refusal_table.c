/*
 * What Entra's refusals mean (contract 1.6), a row each: its `error`, which decides, and the AADSTS
 * numbers, which may change at any time and choose the advice. Numbers that say "later" are
 * believed as well: a try more does no harm.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/auth_internal.h"
#include "base/json.h"

#define SET_SECRET                                                                                   \
	"Set the value of a valid secret: AZURE_CLIENT_SECRET, or the file that client_secret_file " \
	"names"
#define CHECK_CLIENT                                                                                 \
	"Check AZURE_CLIENT_ID (client_id) and AZURE_TENANT_ID (tenant), and that an administrator " \
	"added the application to this tenant"
#define CHECK_CLOUD                                                                                \
	"Check AZURE_TENANT_ID (tenant) and the profile's cloud: global, usgov, dod or china"
#define CHECK_REGISTRATION "Look at the application's registration in the Entra admin centre"
#define CHECK_CLOCK                                                                                \
	"Check this machine's clock, and that a federated token is fresh: its platform must renew it"
#define CHECK_POLICIES                                                                             \
	"Let an administrator look at the Conditional Access policies for workload identities"
#define CONSENT "Let an administrator grant consent in the Entra admin centre"
#define TRUST_CERTIFICATE                                                                          \
	"Register the certificate itself, or allow its subject name and issuer and set "           \
	"send_certificate_chain = yes"
#define TRUST_TOKEN                                                                                 \
	"Compare issuer, subject and audience of the federated credential on the application with " \
	"those of the token, letter by letter"
#define TRY_LATER "Try again in a few minutes"

/* A row of an AADSTS number that is final, and one that passes by itself. */
#define FINAL(number, what, advice)                                                                \
	{                                                                                          \
		.code = (number), .meaning = (what), .action = (advice), .kind = ERROR_AUTH        \
	}
#define TIMED(number, what)                                                                        \
	{                                                                                          \
		.code = (number), .meaning = (what), .action = CHECK_CLOCK, .kind = ERROR_AUTH,    \
		.flags = REFUSAL_CLOCK                                                             \
	}
#define PASSING(number, what)                                                                      \
	{                                                                                          \
		.code = (number), .meaning = (what), .action = TRY_LATER, .kind = ERROR_NETWORK,   \
		.flags = REFUSAL_LATER                                                             \
	}
#define ERROR_ROW(name, what, advice)                                                              \
	{                                                                                          \
		.error = (name), .meaning = (what), .action = (advice), .kind = ERROR_AUTH         \
	}

static const struct refusal code_rows[] = {
	FINAL(700016, "the application is not known in this tenant", CHECK_CLIENT),
	FINAL(700011, "the application is not installed in this tenant", CHECK_CLIENT),
	FINAL(70001, "the application is disabled or not installed in this tenant", CHECK_CLIENT),
	FINAL(7000215, "the client secret is wrong; often its id was pasted instead of its value",
		SET_SECRET),
	FINAL(7000222, "the client secret has expired",
		"Make a new one for the application. " SET_SECRET),
	FINAL(700025, "the application is a public client and must not send a proof",
		CHECK_REGISTRATION),
	FINAL(700027,
		"the assertion's signature is not accepted, or its certificate is not "
		"registered on the application",
		NULL),
	FINAL(700030, "the certificate's subject name is not authorised", TRUST_CERTIFICATE),
	TIMED(50012, "the assertion is invalid or not authorised"),
	TIMED(50013, "the assertion is invalid or not authorised"),
	FINAL(700021, "the assertion does not name this client",
		"Check AZURE_CLIENT_ID (client_id)"),
	FINAL(700023, "the assertion is meant for another audience", CHECK_CLOUD),
	TIMED(700024, "the assertion is outside its time of validity"),
	TIMED(500133, "the assertion is outside its time of validity"),
	FINAL(70021, "no federated credential of the application matches the token", TRUST_TOKEN),
	FINAL(700211, "no federated credential has the token's issuer", TRUST_TOKEN),
	FINAL(700212, "no federated credential has the token's audience", TRUST_TOKEN),
	FINAL(700213, "no federated credential has the token's subject", TRUST_TOKEN),
	FINAL(70011, "the scope is not valid", CHECK_CLOUD),
	FINAL(500011, "Graph's host is not known in this tenant, as in a wrong cloud", CHECK_CLOUD),
	FINAL(65001, "nobody consented to the application's permissions", CONSENT),
	FINAL(650056, "the application's registration is incomplete", CHECK_REGISTRATION),
	FINAL(65005, "the application's registration is incomplete", CHECK_REGISTRATION),
	FINAL(90002, "there is no such tenant in this cloud", CHECK_CLOUD),
	FINAL(90038, "the tenant lives in another national cloud", CHECK_CLOUD),
	FINAL(900382, "the tenant lives in another national cloud", CHECK_CLOUD),
	FINAL(900432, "the application may not be used across clouds", CHECK_CLOUD),
	FINAL(9001023, "a real tenant is needed, not \"common\" or \"organizations\"",
		"Set AZURE_TENANT_ID (tenant) to the tenant's id"),
	FINAL(53003, "Conditional Access blocks this application", CHECK_POLICIES),
	PASSING(90033, "the service has a passing trouble"),
	PASSING(90006, "the service has a passing trouble"),
	PASSING(90012, "the service took too long"),
	PASSING(90024, "the service has a passing trouble"),
	PASSING(90055, "the tenant is throttled"),
};

static const struct refusal error_rows[] = {
	ERROR_ROW("invalid_client", "the client's proof was not accepted", NULL),
	ERROR_ROW("unauthorized_client", "the application may not ask for such a token",
		CHECK_CLIENT),
	ERROR_ROW("invalid_request", "the request is not one this tenant takes", CHECK_CLIENT),
	ERROR_ROW("invalid_grant", "the grant was not accepted", CHECK_REGISTRATION),
	ERROR_ROW(
		"unsupported_grant_type", "client credentials are not supported here", CHECK_CLOUD),
	ERROR_ROW("invalid_resource", "Graph is not known in this tenant", CHECK_CLOUD),
	ERROR_ROW("invalid_scope", "the scope is not valid", CHECK_CLOUD),
	ERROR_ROW("access_denied", "access was denied", CHECK_REGISTRATION),
	ERROR_ROW("interaction_required",
		"Conditional Access or a claims challenge stands in the way, and nobody is here to "
		"answer it",
		CHECK_POLICIES),
	ERROR_ROW("bad_request_102", "the header that a managed identity needs is missing",
		"Is something between this program and the endpoint that drops headers?"),
	{
		.error = "temporarily_unavailable",
		.meaning = "the service has a passing trouble",
		.action = TRY_LATER,
		.kind = ERROR_NETWORK,
		.flags = REFUSAL_LATER,
	},
};

static const struct refusal unknown = {
	.meaning = "no reason that is known here",
	.action = "Look up the code and the words",
	.kind = ERROR_AUTH,
};

const struct refusal *refusal_by_code(long code)
{
	for (size_t i = 0; i < COUNT_OF(code_rows); i++)
		if (code_rows[i].code == code)
			return &code_rows[i];
	return NULL;
}

const struct refusal *refusal_by_error(const char *error)
{
	for (size_t i = 0; i < COUNT_OF(error_rows); i++)
		if (strcmp(error_rows[i].error, error) == 0)
			return &error_rows[i];
	return NULL;
}

const struct refusal *refusal_find(const json_t *answer)
{
	const char *error = json_text_or_null(answer, "error");
	const struct refusal *row = NULL;
	long codes[REFUSAL_CODES_MAX];
	size_t count = refusal_codes(answer, codes);

	for (size_t i = 0; i < count && !row; i++)
		row = refusal_by_code(codes[i]);
	if (!row && error)
		row = refusal_by_error(error);
	return row ? row : &unknown;
}

/* Numbers from error_codes; else the one at the head of the description. */
size_t refusal_codes(const json_t *answer, long codes[static REFUSAL_CODES_MAX])
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
