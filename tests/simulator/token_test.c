/* The token endpoint and bearer tokens: contract 1.2 and 1.6. */
#include "tests/simulator/tenant_fixture.h"

static void assert_token_error(const struct reply *reply, int status, const char *error, int number)
{
	const json_t *numbers = json_object_get(reply->body, "error_codes");
	char words[64];

	assert_int_equal(reply->status, status);
	assert_string_equal(json_text_or_null(reply->body, "error"), error);
	assert_int_equal(json_integer_value(json_array_get(numbers, 0)), number);
	snprintf(words, sizeof(words), "AADSTS%d: ", number);
	assert_memory_equal(
		json_text_or_null(reply->body, "error_description"), words, strlen(words));
	assert_non_null(json_text_or_null(reply->body, "trace_id"));
	assert_non_null(json_text_or_null(reply->body, "correlation_id"));
	assert_string_equal(json_text_or_null(reply->body, "timestamp"), "2026-03-04 02:17:41Z");
	assert_null(json_object_get(reply->body, "access_token"));
}

/* The good form with one parameter said differently. */
static struct reply ask_with(struct tenant *tenant, const char *name, const char *value)
{
	char form[1024], changed[1024];
	const char *from = strstr(good_form(tenant, form), name);

	assert_non_null(from);
	snprintf(changed, sizeof(changed), "%.*s%s=%s%s", (int)(from - form), form, name, value,
		from + strcspn(from, "&"));
	return ask_token(tenant, simulator_tenant(tenant->simulator), changed);
}

static void right_credentials_get_a_bearer_token(void **state)
{
	struct tenant *tenant = *state;
	char form[1024];
	CLEANUP(reply_release)
	struct reply reply = ask_token(
		tenant, simulator_tenant(tenant->simulator), good_form(tenant, form));
	json_int_t lifetime = json_integer_value(json_object_get(reply.body, "expires_in"));

	assert_int_equal(reply.status, 200);
	assert_string_equal(json_text_or_null(reply.body, "token_type"), "Bearer");
	assert_non_null(json_text_or_null(reply.body, "access_token"));
	assert_null(json_object_get(reply.body, "refresh_token"));
	assert_in_range(lifetime, 60 * 60, 90 * 60);
}

static void a_verified_domain_names_the_tenant_too(void **state)
{
	char form[1024];
	CLEANUP(reply_release)
	struct reply reply = ask_token(*state, TENANT_DOMAIN, good_form(*state, form));

	assert_int_equal(reply.status, 200);
}

static void a_wrong_secret_is_7000215(void **state)
{
	CLEANUP(reply_release) struct reply reply = ask_with(*state, "client_secret", "wrong");

	assert_token_error(&reply, 401, "invalid_client", 7000215);
}

static void an_unknown_application_is_700016(void **state)
{
	CLEANUP(reply_release) struct reply reply = ask_with(*state, "client_id", NOBODY);

	assert_token_error(&reply, 400, "unauthorized_client", 700016);
}

static void another_tenant_is_90002(void **state)
{
	char form[1024];
	CLEANUP(reply_release)
	struct reply reply = ask_token(*state, NOBODY, good_form(*state, form));

	assert_token_error(&reply, 400, "invalid_request", 90002);
}

static void common_is_no_tenant_for_an_application(void **state)
{
	char form[1024];
	CLEANUP(reply_release)
	struct reply reply = ask_token(*state, "common", good_form(*state, form));

	assert_token_error(&reply, 400, "invalid_request", 9001023);
}

static void a_scope_other_than_default_is_70011(void **state)
{
	CLEANUP(reply_release) struct reply reply = ask_with(*state, "scope", "User.Read.All");

	assert_token_error(&reply, 400, "invalid_scope", 70011);
}

static void another_grant_type_is_unsupported(void **state)
{
	CLEANUP(reply_release) struct reply reply = ask_with(*state, "grant_type", "password");

	assert_token_error(&reply, 400, "unsupported_grant_type", 70003);
}

static void a_missing_parameter_is_named(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(reply_release)
	struct reply reply = ask_token(tenant, simulator_tenant(tenant->simulator), "client_id=x");

	assert_token_error(&reply, 400, "invalid_request", 900144);
	assert_non_null(strstr(json_text_or_null(reply.body, "error_description"), "'grant_type'"));
}

static void refusals_can_be_switched_on(void **state UNUSED)
{
	static const struct {
		unsigned option;
		int status, number;
		const char *error;
	} cases[] = { { 1, 401, 7000215, "invalid_client" },
		{ 2, 400, 700016, "unauthorized_client" } };

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_with(
			(struct simulator_options){ .refuse_token = cases[i].option });
		char form[1024];
		CLEANUP(reply_release)
		struct reply reply = ask_token(
			tenant, simulator_tenant(tenant->simulator), good_form(tenant, form));

		assert_token_error(&reply, cases[i].status, cases[i].error, cases[i].number);
	}
}

static void graph_wants_a_token(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(reply_release)
	struct reply none = exchange_with(
		tenant, &(struct simulator_request){ .method = "GET", .path = "/v1.0/users" });
	CLEANUP(reply_release)
	struct reply forged = exchange_with(tenant,
		&(struct simulator_request){ .method = "GET",
			.path = "/v1.0/users",
			.authorization = SPAN_LITERAL("Bearer e30.e30.e30") });

	assert_refused(none, 401, "InvalidAuthenticationToken");
	assert_non_null(strstr(buf_text(&none.headers), "WWW-Authenticate: Bearer"));
	assert_refused(forged, 401, "InvalidAuthenticationToken");
}

static void a_token_ends_with_the_virtual_clock(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(reply_release) struct reply before = get(tenant, "/v1.0/users");

	simulator_set_now_ms(tenant->simulator, NOW_MS + 90 * 60 * 1000);
	{
		CLEANUP(reply_release) struct reply after = get(tenant, "/v1.0/users");

		assert_int_equal(before.status, 200);
		assert_refused(after, 401, "InvalidAuthenticationToken");
	}
}

static void the_seed_decides_who_the_client_is(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(tenant_freep) struct tenant *twin = tenant_with((struct simulator_options){ 0 });
	struct error err = { 0 };
	CLEANUP(simulator_closep)
	struct simulator *other = simulator_open(&(struct simulator_options){ .seed = 8 }, &err);

	assert_string_equal(simulator_client_secret(tenant->simulator),
		simulator_client_secret(twin->simulator));
	assert_string_equal(simulator_tenant(tenant->simulator), simulator_tenant(twin->simulator));
	assert_string_not_equal(
		simulator_client_secret(tenant->simulator), simulator_client_secret(other));
	assert_string_not_equal(simulator_tenant(tenant->simulator), simulator_tenant(other));
	assert_int_equal(strlen(simulator_client_secret(other)), 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(right_credentials_get_a_bearer_token),
		FRESH(a_verified_domain_names_the_tenant_too),
		FRESH(a_wrong_secret_is_7000215),
		FRESH(an_unknown_application_is_700016),
		FRESH(another_tenant_is_90002),
		FRESH(common_is_no_tenant_for_an_application),
		FRESH(a_scope_other_than_default_is_70011),
		FRESH(another_grant_type_is_unsupported),
		FRESH(a_missing_parameter_is_named),
		cmocka_unit_test(refusals_can_be_switched_on),
		FRESH(graph_wants_a_token),
		FRESH(a_token_ends_with_the_virtual_clock),
		FRESH(the_seed_decides_who_the_client_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
