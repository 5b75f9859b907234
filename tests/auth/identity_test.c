/* Managed identity (contract 1.5): what is asked where, how long it is waited for, and by whom. */
#include "tests/auth/bench.h"

/* ---- managed identity --------------------------------------------------------------------------- */

static void the_metadata_service_is_asked_as_the_contract_says(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;

	options.managed_identity = "system";
	bench_must_open(&bench, &options,
		"> GET " IMDS "\n> metadata: true\n"
		"< 200\n<\n{\"access_token\":\"one\",\"client_id\":\"x\",\"expires_in\":\"3000\","
		"\"expires_on\":\"1\",\"ext_expires_in\":\"3000\",\"not_before\":\"1\","
		"\"refresh_token\":\"\",\"resource\":\"r\",\"token_type\":\"Bearer\"}\n\n"
		"> GET " IMDS "\n< 200\n<\n{\"access_token\":\"two\",\"expires_in\":\"3000\","
		"\"token_type\":\"Bearer\"}\n\n");
	assert_string_equal(ask(&bench, false), "one");
	assert_false(auth_signs_in(bench.auth));
	now_ms += 2701 * 1000;
	assert_string_equal(ask(&bench, false), "two");
	bench_close(&bench);
}

static void a_user_assigned_identity_is_named(void **state UNUSED)
{
	static const struct {
		const char *wanted, *query;
	} cases[] = {
		{ CLIENT, "&client_id=" CLIENT },
		{ "object_id:" CLIENT, "&object_id=" CLIENT },
		{ "/subscriptions/s/x", "&msi_res_id=%2Fsubscriptions%2Fs%2Fx" },
	};
	struct auth_options options = base_options();

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct bench bench;
		char script[1024];

		snprintf(script, sizeof(script), "> GET %s%s\n%s", IMDS, cases[i].query,
			GIVES("one"));
		options.managed_identity = cases[i].wanted;
		bench_must_open(&bench, &options, script);
		assert_string_equal(ask(&bench, false), "one");
		bench_close(&bench);
	}
	options.managed_identity = "mine";
	expect_unopened(&options, ERROR_USAGE, "it can be system");
}

static void app_service_is_asked_with_its_header(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;
	char script[1024];

	/* The moment of the end, as text, and nothing else. */
	snprintf(script, sizeof(script),
		"> GET http://127.0.0.1:42356/msi/token?api-version=2019-08-01&"
		"resource=https%%3A%%2F%%2Fgraph.microsoft.com&client_id=" CLIENT
		"\n> x-identity-header: proof of the app\n"
		"< 200\n<\n{\"access_token\":\"one\",\"expires_on\":\"%lld\","
		"\"token_type\":\"Bearer\"}\n\n"
		"> GET http://127.0.0.1:42356/msi/token?api-version=2019-08-01&"
		"resource=https%%3A%%2F%%2Fgraph.microsoft.com&client_id=" CLIENT
		"\n< 400\n<\n{\"statusCode\":400,\"message\":\"not: proof of the app\"}\n\n",
		(long long)(time_now_ms() / 1000 + 3000));
	setenv("IDENTITY_ENDPOINT", "http://localhost:42356/msi/token", 1);
	setenv("IDENTITY_HEADER", "proof of the app", 1);
	bench_must_open(&bench, &options, script);
	assert_string_equal(ask(&bench, false), "one");
	now_ms += 2600 * 1000;
	assert_string_equal(ask(&bench, false), "one");
	now_ms += 200 * 1000;
	assert_null(ask(&bench, false));
	assert_int_equal(bench.err.kind, ERROR_AUTH);
	assert_said(&bench, "the managed identity endpoint refused: 400");
	assert_null(strstr(bench.err.text, "proof of the app"));
	bench_close(&bench);
}

static void the_metadata_service_is_waited_for_by_its_timetable(void **state UNUSED)
{
	static const int64_t waits[] = { 2000, 4000, 8000, 16000 };
	static const int statuses[] = { 404, 429, 500, 503 };
	struct auth_options options = base_options();

	options.managed_identity = "system";
	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		char script[4096] = "";
		struct bench bench;

		for (unsigned k = 0; k < 5; k++)
			snprintf(script + strlen(script), sizeof(script) - strlen(script),
				"%s\n< %d\n\n", "> GET " IMDS, statuses[i]);
		bench_must_open(&bench, &options, script);
		assert_null(ask(&bench, false));
		assert_int_equal(bench.err.kind, ERROR_NETWORK);
		assert_said(&bench, "given up after try 5");
		assert_int_equal(pause_count, COUNT_OF(waits));
		assert_memory_equal(pauses, waits, sizeof(waits));
		bench_close(&bench);
	}
}

static void an_endpoint_that_is_updated_gets_seventy_seconds(void **state UNUSED)
{
	struct auth_options options = base_options();
	char script[4096] = "";
	struct bench bench;
	int64_t waited = 0;

	options.managed_identity = "system";
	for (unsigned k = 0; k < 9; k++)
		strcat(script, "> GET " IMDS "\n< 410\n\n");
	bench_must_open(&bench, &options, script);
	assert_null(ask(&bench, false));
	for (size_t i = 0; i < pause_count; i++)
		waited += pauses[i];
	assert_in_range(waited, 60000, 70000);
	bench_close(&bench);
}

static void a_missing_identity_is_explained(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;

	options.managed_identity = "system";
	bench_must_open(&bench, &options,
		"> GET " IMDS "\n< 400\n<\n{\"error\":\"invalid_request\","
		"\"error_description\":\"Identity not found\"}\n\n");
	assert_null(ask(&bench, false));
	assert_int_equal(bench.err.kind, ERROR_AUTH);
	assert_said(&bench, "Identity not found");
	assert_said(&bench, "managed_identity names it");
	assert_int_equal(pause_count, 0);
	bench_close(&bench);
}

static void an_endpoint_that_is_not_there_is_named(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;

	options.managed_identity = "system";
	bench_must_open(&bench, &options, "> GET " IMDS "\n< unreachable\n\n");
	assert_null(ask(&bench, false));
	assert_int_equal(bench.err.kind, ERROR_NETWORK);
	assert_said(&bench, "the managed identity endpoint: GET http://169.254.169.254/");
	bench_close(&bench);
}

static void only_this_machine_may_stand_in_for_the_endpoint(void **state UNUSED)
{
	static const char *const wrong[] = { "http://example.com", "http://localhost:1",
		"http://127.0.0.1.example.com:1", "https://169.254.169.254", "http://10.0.0.1:1",
		"http://127.0.0.1:1/path" };
	static const char *const endpoints[] = { "http://example.com/msi/token",
		"http://169.254.1.1.example.com/msi/token", "http://169.254.999.1/msi/token",
		"http://10.0.0.1/msi/token", "https://example.com/msi/token",
		"http://localhost.example.com/msi/token", "http://0x7f.1/msi/token" };
	struct auth_options options = base_options();

	options.managed_identity = "system";
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		setenv("IMDS_ENDPOINT", wrong[i], 1);
		expect_unopened(&options, ERROR_USAGE, "IMDS_ENDPOINT");
	}
	unsetenv("IMDS_ENDPOINT");
	options.origins = net_origins_new();
	for (size_t i = 0; i < COUNT_OF(endpoints); i++) {
		setenv("IDENTITY_ENDPOINT", endpoints[i], 1);
		setenv("IDENTITY_HEADER", "h", 1);
		expect_unopened(&options, ERROR_USAGE, "managed identity");
	}
	setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/msi/token", 1);
	unsetenv("IDENTITY_HEADER");
	expect_unopened(&options, ERROR_AUTH, "Azure Arc");
	net_origins_free(options.origins);
}

static void the_table_of_origins_gets_the_one_row_that_is_needed(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct error err = { 0 };

	options.managed_identity = "system";
	options.origins = net_origins_new();
	assert_string_equal(chosen(&options), "managed identity");
	assert_true(net_gate(options.origins, IMDS, NET_SECRET_IDENTITY, &err));
	assert_false(net_gate(options.origins, IMDS, NET_SECRET_TOKEN, &err));
	assert_false(net_gate(options.origins, IMDS, NET_SECRET_CREDENTIAL, &err));
	assert_false(net_gate(options.origins, "http://169.254.169.254/metadata/instance",
		NET_SECRET_IDENTITY, &err));
	assert_false(net_gate(options.origins, TOKEN_URL, NET_SECRET_CREDENTIAL, &err));
	net_origins_free(options.origins);

	options.managed_identity = NULL;
	options.secret = SPAN_LITERAL("s");
	options.origins = net_origins_new();
	assert_string_equal(chosen(&options), "client secret");
	assert_true(net_gate(options.origins, TOKEN_URL, NET_SECRET_CREDENTIAL, &err));
	assert_false(net_gate(options.origins, TOKEN_URL, NET_SECRET_IDENTITY, &err));
	assert_false(net_gate(options.origins, IMDS, NET_SECRET_IDENTITY, &err));
	net_origins_free(options.origins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_metadata_service_is_asked_as_the_contract_says),
		TEST(a_user_assigned_identity_is_named),
		TEST(app_service_is_asked_with_its_header),
		TEST(the_metadata_service_is_waited_for_by_its_timetable),
		TEST(an_endpoint_that_is_updated_gets_seventy_seconds),
		TEST(a_missing_identity_is_explained),
		TEST(an_endpoint_that_is_not_there_is_named),
		TEST(only_this_machine_may_stand_in_for_the_endpoint),
		TEST(the_table_of_origins_gets_the_one_row_that_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
