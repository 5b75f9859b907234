/* The ways to sign in: which one is chosen, what it sends, and what becomes of variables. */
#include "tests/auth/bench.h"

#include <sys/stat.h>

static const char *certificate_file(const char *password)
{
	CLEANUP(buf_wipe) struct buf file = BUF_UP_TO(64 << 10);
	EVP_PKEY *key = proof_rsa_key();
	X509 *x509 = proof_certificate(key, "unstage", -86400, 86400);

	proof_add_certificate(&file, x509);
	proof_add_key(&file, key, password);
	X509_free(x509);
	EVP_PKEY_free(key);
	return proof_file("certificate.pem", buf_span(&file));
}

/* ---- which one ------------------------------------------------------------------------- */

static void offer_everything(void)
{
	setenv("AZURE_CLIENT_SECRET", "s", 1);
	setenv("AZURE_CLIENT_CERTIFICATE_PATH", certificate_file(NULL), 1);
	setenv("AZURE_FEDERATED_TOKEN_FILE", proof_file("federated", SPAN_LITERAL("a.b.c\n")), 1);
	setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:41741/msi/token", 1);
	setenv("IDENTITY_HEADER", "proof", 1);
}

static void the_variables_choose_in_the_order_of_the_sdks(void **state UNUSED)
{
	const struct auth_options options = base_options();

	offer_everything();
	assert_string_equal(chosen(&options), "client secret");
	/* It is gone from the environment, and so the next one follows. */
	assert_string_equal(chosen(&options), "certificate");
	unsetenv("AZURE_CLIENT_CERTIFICATE_PATH");
	assert_string_equal(chosen(&options), "federated token");
	unsetenv("AZURE_FEDERATED_TOKEN_FILE");
	setenv("IDENTITY_HEADER", "proof", 1);
	assert_string_equal(chosen(&options), "managed identity");
}

static void the_profile_goes_before_the_variables(void **state UNUSED)
{
	struct auth_options options = base_options();

	offer_everything();
	options.managed_identity = "system";
	assert_string_equal(chosen(&options), "managed identity");
	options.managed_identity = NULL;
	options.access_token_file = proof_file("token", SPAN_LITERAL("a.b.c"));
	assert_string_equal(chosen(&options), "pasted access token");
}

static void variables_count_only_where_they_are_asked(void **state UNUSED)
{
	struct auth_options options = base_options();

	offer_everything();
	options.environment = false;
	expect_unopened(&options, ERROR_AUTH, "no credential is configured");
	assert_string_equal(getenv("AZURE_CLIENT_SECRET"), "s");
}

static void two_ways_in_a_profile_are_one_too_many(void **state UNUSED)
{
	struct auth_options options = base_options();

	options.client_secret_file = "/nonexistent";
	options.managed_identity = "system";
	expect_unopened(&options, ERROR_USAGE, "client_secret_file and managed_identity");
}

static void without_any_every_way_is_named(void **state UNUSED)
{
	static const char *const ways[] = { "AZURE_CLIENT_SECRET", "client_secret_file",
		"AZURE_CLIENT_CERTIFICATE_PATH", "certificate_file", "AZURE_FEDERATED_TOKEN_FILE",
		"federated_token_file", "managed_identity", "IDENTITY_ENDPOINT",
		"access_token_file" };
	const struct auth_options options = base_options();

	for (size_t i = 0; i < COUNT_OF(ways); i++)
		expect_unopened(&options, ERROR_AUTH, ways[i]);
}

static void tenant_and_client_are_needed_only_to_sign_in(void **state UNUSED)
{
	struct auth_options options = base_options();

	options.tenant = options.client_id = NULL;
	options.access_token_file = proof_file("token", SPAN_LITERAL("a.b.c"));
	assert_string_equal(chosen(&options), "pasted access token");
	options.access_token_file = NULL;
	options.managed_identity = "system";
	assert_string_equal(chosen(&options), "managed identity");
	options.managed_identity = NULL;
	options.certificate_file = "/nonexistent";
	expect_unopened(&options, ERROR_AUTH, "AZURE_TENANT_ID");
}

/* ---- what becomes of variables ------------------------------------------------------------ */

static void secrets_in_variables_are_wiped_even_when_another_way_is_taken(void **state UNUSED)
{
	static const char *const names[] = { "AZURE_CLIENT_SECRET",
		"AZURE_CLIENT_CERTIFICATE_PASSWORD", "IDENTITY_HEADER" };
	static char texts[COUNT_OF(names)][64];
	struct auth_options options = base_options();

	options.access_token_file = proof_file("token", SPAN_LITERAL("a.b.c"));
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(texts[i], sizeof(texts[i]), "%s=marked-secret", names[i]);
		putenv(texts[i]);
	}
	assert_string_equal(chosen(&options), "pasted access token");
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_null(getenv(names[i]));
		/* The very bytes. */
		assert_null(memmem(texts[i], sizeof(texts[i]), "marked", 6));
	}
}

/* ---- where a secret may be ----------------------------------------------------------------- */

static void expect_secret_sent(const struct auth_options *options, const char *encoded)
{
	struct bench bench;
	const char *sent;

	bench_must_open(&bench, options, ASKS GIVES("one"));
	assert_string_equal(ask(&bench, false), "one");
	sent = strstr(replay_sent_body(bench.replay, 0), "&client_secret=");
	assert_non_null(sent);
	assert_string_equal(sent + strlen("&client_secret="), encoded);
	bench_close(&bench);
}

static void a_secret_comes_from_a_file_that_is_ours_alone(void **state UNUSED)
{
	struct auth_options options = base_options();

	options.client_secret_file = proof_file("secret", SPAN_LITERAL(" a&b \r\n"));
	expect_secret_sent(&options, "%20a%26b%20");
	assert_int_equal(chmod(options.client_secret_file, 0640), 0);
	expect_unopened(&options, ERROR_REFUSED, "chmod 600");
	options.client_secret_file = proof_file("empty", SPAN_LITERAL("\n"));
	expect_unopened(&options, ERROR_AUTH, "there is no client secret in it");
}

static void a_secret_comes_from_what_systemd_hands_over(void **state UNUSED)
{
	struct auth_options options = base_options();
	const char *path = proof_file("entra", SPAN_LITERAL("handed"));
	CLEANUP(memory_freep)
	char *folder = memory_text_span(path, (size_t)(strrchr(path, '/') - path));

	options.client_secret_file = "credential:entra";
	expect_unopened(&options, ERROR_AUTH, "CREDENTIALS_DIRECTORY is not set");
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	/* As an access list for the service's user makes it look. */
	assert_int_equal(chmod(path, 0440), 0);
	expect_secret_sent(&options, "handed");
	assert_int_equal(chmod(path, 0444), 0);
	expect_unopened(&options, ERROR_REFUSED, "others may read");
	options.client_secret_file = "credential:../entra";
	expect_unopened(&options, ERROR_USAGE, "no name of a credential");
	options.client_secret_file = "credential:";
	expect_unopened(&options, ERROR_USAGE, "no name of a credential");
}

/* Runs with `text` on standard input. */
static void with_input(struct span text, void (*run)(void))
{
	int kept = dup(STDIN_FILENO), ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text.data, text.length), (ssize_t)text.length);
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	run();
	dup2(kept, STDIN_FILENO);
	close(kept);
}

static void send_typed_secret(void)
{
	struct auth_options options = base_options();

	options.client_secret_file = "-";
	expect_secret_sent(&options, "typed%2Bpiped");
}

static void expect_no_typed_secret(void)
{
	struct auth_options options = base_options();

	options.client_secret_file = "-";
	expect_unopened(&options, ERROR_AUTH, "there is no client secret in it");
}

static void expect_too_large(void)
{
	struct auth_options options = base_options();

	options.client_secret_file = "-";
	expect_unopened(&options, ERROR_FORMAT, "larger than 16384 bytes");
}

static void a_secret_comes_from_standard_input(void **state UNUSED)
{
	static char large[20000];

	memset(large, 'a', sizeof(large));
	with_input(SPAN_LITERAL("typed+piped\n"), send_typed_secret);
	with_input(SPAN_LITERAL("\n"), expect_no_typed_secret);
	with_input((struct span){ large, sizeof(large) }, expect_too_large);
}

/* ---- certificate ------------------------------------------------------------------------------ */

static struct span assertion_sent(const struct bench *bench, size_t exchange)
{
	const char *body = replay_sent_body(bench->replay, exchange);

	assert_memory_equal(body, HEAD, strlen(HEAD));
	return span_of(body + strlen(HEAD));
}

static void a_certificate_proves_the_client_with_a_fresh_assertion_each_time(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;
	CLEANUP(json_freep) json_t *first = NULL;
	CLEANUP(json_freep) json_t *second = NULL;
	EVP_PKEY *key = proof_rsa_key();

	options.certificate_file = certificate_file(NULL);
	bench_must_open(&bench, &options, ASKS GIVES("one") ASKS GIVES("two"));
	assert_string_equal(ask(&bench, false), "one");
	assert_string_equal(ask(&bench, true), "two");
	first = proof_jwt_part(assertion_sent(&bench, 0), 1);
	second = proof_jwt_part(assertion_sent(&bench, 1), 1);
	assert_string_equal(json_text_or_null(first, "aud"), TOKEN_URL);
	assert_string_not_equal(json_text_or_null(first, "jti"), json_text_or_null(second, "jti"));
	assert_true(proof_jwt_fits(assertion_sent(&bench, 0), key, 6 /* PSS */));
	assert_int_equal(auth_credential_ends_ms(bench.auth) / 86400000,
		(time_now_ms() + 86400000) / 86400000);
	bench_close(&bench);
	EVP_PKEY_free(key);
}

static void the_password_comes_from_its_file_or_its_variable(void **state UNUSED)
{
	struct auth_options options = base_options();

	options.certificate_file = certificate_file("op&n");
	expect_unopened(&options, ERROR_AUTH, "AZURE_CLIENT_CERTIFICATE_PASSWORD");
	setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", "op&n", 1);
	assert_string_equal(chosen(&options), "certificate");
	options.certificate_password_file = proof_file("password", SPAN_LITERAL("op&n\n"));
	assert_string_equal(chosen(&options), "certificate");
	options.certificate_password_file = options.certificate_file = "-";
	expect_unopened(&options, ERROR_USAGE, "standard input is one");
}

static void the_chain_is_a_switch(void **state UNUSED)
{
	struct auth_options options = base_options();

	options.certificate_file = certificate_file(NULL);
	options.send_certificate_chain = "perhaps";
	expect_unopened(&options, ERROR_USAGE, "it can be yes or no");
	options.send_certificate_chain = NULL;
	setenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "True", 1);
	{
		struct bench bench;
		CLEANUP(json_freep) json_t *header = NULL;

		bench_must_open(&bench, &options, ASKS GIVES("one"));
		assert_string_equal(ask(&bench, false), "one");
		header = proof_jwt_part(assertion_sent(&bench, 0), 0);
		assert_int_equal(json_array_size(json_object_get(header, "x5c")), 1);
		bench_close(&bench);
	}
}

#define NO_CLIENT "< 401\n<\n{\"error\":\"invalid_client\",\"error_codes\":[700027]}\n\n"

static void a_refused_assertion_is_made_anew_once(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;

	options.certificate_file = certificate_file(NULL);
	bench_must_open(&bench, &options, ASKS NO_CLIENT ASKS GIVES("one"));
	assert_string_equal(ask(&bench, false), "one");
	assert_string_not_equal(
		replay_sent_body(bench.replay, 0), replay_sent_body(bench.replay, 1));
	assert_int_equal(pause_count, 0);
	bench_close(&bench);

	bench_must_open(&bench, &options, ASKS NO_CLIENT ASKS NO_CLIENT);
	assert_null(ask(&bench, false));
	assert_int_equal(bench.err.kind, ERROR_AUTH);
	assert_said(&bench, "AADSTS700027");
	assert_said(&bench, "openssl x509 -fingerprint -sha256");
	bench_close(&bench);
}

static void an_echo_of_the_assertion_is_not_shown(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;

	options.federated_token_file = proof_file("federated", SPAN_LITERAL("marked.token.text"));
	bench_must_open(&bench, &options,
		ASKS "< 400\n<\n{\"error\":\"invalid_request\",\"error_description\":"
		     "\"no: marked.token.text\"}\n\n");
	assert_null(ask(&bench, false));
	assert_null(strstr(bench.err.text, "marked.token.text"));
	assert_said(&bench, "it repeats the secret");
	bench_close(&bench);
}

/* ---- federated token ---------------------------------------------------------------------------- */

static void a_federated_token_is_read_again_for_each_request(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;
	const char *path = proof_file("federated", SPAN_LITERAL("\n first.token.x \r\n"));

	options.federated_token_file = path;
	bench_must_open(&bench, &options, ASKS GIVES("one") ASKS GIVES("two"));
	assert_string_equal(ask(&bench, false), "one");
	proof_file("federated", SPAN_LITERAL("second.token.x"));
	assert_string_equal(ask(&bench, true), "two");
	assert_string_equal(replay_sent_body(bench.replay, 0), HEAD "first.token.x");
	assert_string_equal(replay_sent_body(bench.replay, 1), HEAD "second.token.x");
	unlink(path);
	assert_null(ask(&bench, true));
	assert_said(&bench, "federated token");
	bench_close(&bench);
}

static void a_federated_token_may_be_mounted_as_a_link(void **state UNUSED)
{
	struct auth_options options = base_options();
	const char *path = proof_file("mounted", SPAN_LITERAL("a.b.c"));
	char link_path[256];

	snprintf(link_path, sizeof(link_path), "%s.link", path);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(symlink(path, link_path), 0);
	setenv("AZURE_FEDERATED_TOKEN_FILE", link_path, 1);
	assert_string_equal(chosen(&options), "federated token");
	assert_int_equal(chmod(path, 0666), 0);
	expect_unopened(&options, ERROR_REFUSED, "others may write it");
	unlink(link_path);
	expect_unopened(&options, ERROR_SYSTEM, "can't open");
	options.federated_token_file = proof_file("odd", SPAN_LITERAL("two words"));
	expect_unopened(&options, ERROR_AUTH, "holds no token");
}

/* ---- a pasted token -------------------------------------------------------------------------------- */

/* {"typ":"JWT"} . {"exp":1772590661,"tid":"8a1b2c3d-…-000000000001"} . signature */
#define JWT                                                                                        \
	"eyJ0eXAiOiJKV1QifQ."                                                                      \
	"eyJleHAiOjE3NzI1OTA2NjEsInRpZCI6IjhhMWIyYzNkLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMSJ9."    \
	"c2ln"

static void a_pasted_token_is_used_until_it_is_refused(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;

	options.access_token_file = proof_file("token", SPAN_LITERAL(" \n" JWT "\n\n"));
	bench_must_open(&bench, &options, "");
	/* Its end is long gone, and that decides nothing: the token is opaque. */
	assert_string_equal(ask(&bench, false), JWT);
	assert_string_equal(auth_token_tenant(bench.auth), TENANT);
	assert_int_equal(auth_credential_ends_ms(bench.auth), INT64_C(1772590661000));
	assert_string_equal(ask(&bench, false), JWT);
	for (unsigned i = 0; i < 2; i++) {
		assert_null(ask(&bench, i == 0));
		assert_int_equal(bench.err.kind, ERROR_AUTH);
		assert_said(&bench, "get a new one");
		assert_said(&bench, "2026-03-04T02:17:41Z");
	}
	bench_close(&bench);
}

static void what_is_no_token_is_not_pasted(void **state UNUSED)
{
	static const char *const odd[] = { "Bearer a.b.c", "\"a.b.c\"", "a.b\nc", "<html>" };
	struct auth_options options = base_options();

	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		options.access_token_file = proof_file("token", span_of(odd[i]));
		expect_unopened(&options, ERROR_AUTH, "this is no access token");
	}
}

/* ---- clocks ------------------------------------------------------------------------------------------ */

static void the_clock_is_compared_with_the_date_of_the_answer(void **state UNUSED)
{
	struct auth_options options = base_options();
	int64_t skew_ms = 0;
	struct bench bench;

	options.secret = SPAN_LITERAL("s");
	bench_must_open(&bench, &options,
		ASKS
		"< 200\n< date: Wed, 04 Mar 2026 02:17:41 GMT\n<\n"
		"{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"one\"}\n\n" ASKS
		"< 401\n< date: nonsense\n<\n"
		"{\"error\":\"invalid_client\",\"error_codes\":[700024]}\n\n");
	assert_false(auth_clock_skew_ms(bench.auth, &skew_ms));
	wall_now_ms = INT64_C(1772590661500) + 400 * 1000;
	assert_string_equal(ask(&bench, false), "one");
	assert_true(auth_clock_skew_ms(bench.auth, &skew_ms));
	assert_int_equal(skew_ms, 400 * 1000);
	assert_null(ask(&bench, true));
	assert_said(&bench, "this machine's clock is 400 s ahead of Entra's");
	bench_close(&bench);
}

static void the_service_may_wish_for_an_earlier_renewal(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;

	options.secret = SPAN_LITERAL("s");
	bench_must_open(&bench, &options,
		ASKS "< 200\n<\n{\"token_type\":\"Bearer\",\"expires_in\":86400,"
		     "\"refresh_in\":43200,\"access_token\":\"one\"}\n\n" ASKS GIVES("two"));
	assert_string_equal(ask(&bench, false), "one");
	now_ms += 43199 * 1000;
	assert_string_equal(ask(&bench, false), "one");
	now_ms += 2000;
	assert_string_equal(ask(&bench, false), "two");
	bench_close(&bench);
}

static void passing_troubles_are_waited_for_by_their_numbers(void **state UNUSED)
{
	static const int numbers[] = { 90033, 90006, 90012, 90024, 90055 };
	struct auth_options options = base_options();

	options.secret = SPAN_LITERAL("s");
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct bench bench;
		char script[1024];

		snprintf(script, sizeof(script),
			"%s< 400\n<\n{\"error\":\"invalid_request\",\"error_codes\":[%d]}\n\n%s%s",
			ASKS, numbers[i], ASKS, GIVES("one"));
		bench_must_open(&bench, &options, script);
		assert_string_equal(ask(&bench, false), "one");
		assert_int_equal(pause_count, 1);
		bench_close(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_variables_choose_in_the_order_of_the_sdks),
		TEST(the_profile_goes_before_the_variables),
		TEST(variables_count_only_where_they_are_asked),
		TEST(two_ways_in_a_profile_are_one_too_many),
		TEST(without_any_every_way_is_named),
		TEST(tenant_and_client_are_needed_only_to_sign_in),
		TEST(secrets_in_variables_are_wiped_even_when_another_way_is_taken),
		TEST(a_secret_comes_from_a_file_that_is_ours_alone),
		TEST(a_secret_comes_from_what_systemd_hands_over),
		TEST(a_secret_comes_from_standard_input),
		TEST(a_certificate_proves_the_client_with_a_fresh_assertion_each_time),
		TEST(the_password_comes_from_its_file_or_its_variable),
		TEST(the_chain_is_a_switch),
		TEST(a_refused_assertion_is_made_anew_once),
		TEST(an_echo_of_the_assertion_is_not_shown),
		TEST(a_federated_token_is_read_again_for_each_request),
		TEST(a_federated_token_may_be_mounted_as_a_link),
		TEST(a_pasted_token_is_used_until_it_is_refused),
		TEST(what_is_no_token_is_not_pasted),
		TEST(the_clock_is_compared_with_the_date_of_the_answer),
		TEST(the_service_may_wish_for_an_earlier_renewal),
		TEST(passing_troubles_are_waited_for_by_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
