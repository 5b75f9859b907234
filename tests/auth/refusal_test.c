/*
 * Every refusal that contract 1.6 lists, from a list of its own: what a row says, which status the
 * program ends with, and whether it is tried again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "auth/auth_internal.h"
#include "base/json.h"
#include "base/memory.h"

enum again { NEVER, LATER };

/* Words are what a person must be able to read in the message. */
static const struct {
	long code;
	enum again again;
	const char *meaning, *action;
} codes[] = {
	{ 700016, NEVER, "not known in this tenant", "AZURE_CLIENT_ID" },
	{ 700011, NEVER, "not installed", "AZURE_TENANT_ID" },
	{ 70001, NEVER, "disabled", "administrator" },
	{ 7000215, NEVER, "its id was pasted instead of its value", "client_secret_file" },
	{ 7000222, NEVER, "expired", "new one" },
	{ 700027, NEVER, "not registered on the application", "this very certificate" },
	{ 50012, NEVER, "assertion is invalid", "clock" },
	{ 50013, NEVER, "assertion is invalid", "clock" },
	{ 700021, NEVER, "does not name this client", "client_id" },
	{ 700023, NEVER, "audience", "cloud" },
	{ 700024, NEVER, "outside its time", "clock" },
	{ 500133, NEVER, "outside its time", "clock" },
	{ 700030, NEVER, "subject name", "send_certificate_chain" },
	{ 700025, NEVER, "public client", "registration" },
	{ 70021, NEVER, "no federated credential", "letter by letter" },
	{ 700211, NEVER, "issuer", "letter by letter" },
	{ 700212, NEVER, "audience", "letter by letter" },
	{ 700213, NEVER, "subject", "letter by letter" },
	{ 70011, NEVER, "scope", "cloud" },
	{ 500011, NEVER, "wrong cloud", "cloud" },
	{ 65001, NEVER, "consented", "grant consent" },
	{ 650056, NEVER, "incomplete", "registration" },
	{ 65005, NEVER, "incomplete", "registration" },
	{ 90002, NEVER, "no such tenant", "AZURE_TENANT_ID" },
	{ 90038, NEVER, "national cloud", "usgov" },
	{ 900382, NEVER, "national cloud", "usgov" },
	{ 900432, NEVER, "across clouds", "usgov" },
	{ 9001023, NEVER, "real tenant", "tenant's id" },
	{ 53003, NEVER, "Conditional Access", "policies" },
	{ 90033, LATER, "passing trouble", "few minutes" },
	{ 90006, LATER, "passing trouble", "few minutes" },
	{ 90012, LATER, "took too long", "few minutes" },
	{ 90024, LATER, "passing trouble", "few minutes" },
	{ 90055, LATER, "throttled", "few minutes" },
};

static const struct {
	const char *error;
	enum again again;
	const char *action;
} errors[] = {
	{ "invalid_request", NEVER, "AZURE_CLIENT_ID" },
	{ "unauthorized_client", NEVER, "AZURE_CLIENT_ID" },
	{ "unsupported_grant_type", NEVER, "cloud" },
	{ "invalid_resource", NEVER, "cloud" },
	{ "invalid_scope", NEVER, "cloud" },
	{ "invalid_grant", NEVER, "registration" },
	{ "invalid_client", NEVER, "this very certificate" },
	{ "interaction_required", NEVER, "Conditional Access" },
	{ "temporarily_unavailable", LATER, "few minutes" },
};

static void assert_said(const struct error *err, const char *words)
{
	if (!strstr(err->text, words))
		fail_msg("\"%s\" is not in: %s", words, err->text);
}

static void explain(const json_t *answer, const int64_t *skew_ms, struct error *err)
{
	const struct refusal_context context = {
		.kind = &credential_certificate,
		.skew_ms = skew_ms,
	};

	*err = (struct error){ 0 };
	refusal_explain(answer, 400, &context, err);
}

static void assert_again(const json_t *answer, enum again again, const struct error *err)
{
	const struct refusal *row = refusal_find(answer);

	assert_int_equal((row->flags & REFUSAL_LATER) != 0, again == LATER);
	assert_int_equal(err->kind, again == LATER ? ERROR_NETWORK : ERROR_AUTH);
}

static void every_number_has_its_row(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		CLEANUP(json_freep)
		json_t *listed = json_pack(
			"{s:s, s:[I]}", "error", "x", "error_codes", (json_int_t)codes[i].code);
		/* A service that leaves the list out still says the number. */
		CLEANUP(json_freep)
		json_t *told = json_pack("{s:s, s:o}", "error", "x", "error_description",
			json_sprintf("AADSTS%ld: some words.", codes[i].code));
		char number[32];
		struct error err;

		snprintf(number, sizeof(number), "AADSTS%ld: ", codes[i].code);
		assert_non_null(refusal_by_code(codes[i].code));
		assert_ptr_equal(refusal_find(listed), refusal_by_code(codes[i].code));
		assert_ptr_equal(refusal_find(told), refusal_by_code(codes[i].code));
		explain(listed, NULL, &err);
		assert_said(&err, number);
		assert_said(&err, codes[i].meaning);
		assert_said(&err, codes[i].action);
		assert_again(listed, codes[i].again, &err);
	}
}

static void every_error_has_its_row(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(errors); i++) {
		CLEANUP(json_freep)
		json_t *answer = json_pack(
			"{s:s, s:[i]}", "error", errors[i].error, "error_codes", 1);
		struct error err;

		assert_ptr_equal(refusal_find(answer), refusal_by_error(errors[i].error));
		explain(answer, NULL, &err);
		assert_said(&err, errors[i].error);
		assert_said(&err, errors[i].action);
		assert_again(answer, errors[i].again, &err);
	}
}

static void what_has_no_row_is_final_and_says_so(void **state UNUSED)
{
	CLEANUP(json_freep)
	json_t *answer = json_pack("{s:s, s:[i]}", "error", "brand_new", "error_codes", 999999);
	struct error err;

	assert_null(refusal_by_code(999999));
	assert_null(refusal_by_error("brand_new"));
	explain(answer, NULL, &err);
	assert_said(&err, "AADSTS999999: no reason that is known here");
	assert_again(answer, NEVER, &err);
}

static void a_matter_of_time_tells_what_the_clocks_say(void **state UNUSED)
{
	static const long timed[] = { 700024, 500133, 50012, 50013 };
	const int64_t ahead = 312345, behind = -7 * 60 * 1000, even = 900;

	for (size_t i = 0; i < COUNT_OF(timed); i++) {
		CLEANUP(json_freep)
		json_t *answer = json_pack("{s:s, s:[I]}", "error", "invalid_client", "error_codes",
			(json_int_t)timed[i]);
		struct error err;

		explain(answer, &ahead, &err);
		assert_said(&err, "(this machine's clock is 312 s ahead of Entra's)");
		explain(answer, &behind, &err);
		assert_said(&err, "(this machine's clock is 420 s behind Entra's)");
		explain(answer, &even, &err);
		assert_said(&err, "(this machine's clock agrees with Entra's)");
		explain(answer, NULL, &err);
		assert_null(strstr(err.text, "Entra's)"));
	}
	{
		CLEANUP(json_freep)
		json_t *answer = json_pack(
			"{s:s, s:[i]}", "error", "invalid_client", "error_codes", 700027);
		struct error err;

		explain(answer, &ahead, &err);
		assert_null(strstr(err.text, "312 s"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_has_its_row),
		cmocka_unit_test(every_error_has_its_row),
		cmocka_unit_test(what_has_no_row_is_final_and_says_so),
		cmocka_unit_test(a_matter_of_time_tells_what_the_clocks_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
