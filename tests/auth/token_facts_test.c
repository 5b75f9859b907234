/* What a readable token tells about itself; one that is not readable tells nothing. */
#include "tests/auth/bench.h"

#include <sodium.h>

/* "x.<claims>.x", as a file to paste from. */
static const char *token_file(const char *claims)
{
	char text[2048] = "x.";
	size_t length = strlen(text);

	sodium_bin2base64(text + length, sizeof(text) - length - 3, (const uint8_t *)claims,
		strlen(claims), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	strcat(text, ".x");
	return proof_file("token", span_of(text));
}

static void expect_permissions(const char *claims, const char *expected)
{
	struct auth_options options = base_options();
	struct bench bench;
	CLEANUP(memory_freep) char *found = NULL;

	options.access_token_file = token_file(claims);
	bench_must_open(&bench, &options, "");
	assert_non_null(ask(&bench, false));
	found = auth_token_permissions(bench.auth);
	if (expected)
		assert_string_equal(found, expected);
	else
		assert_null(found);
	bench_close(&bench);
}

static void the_roles_of_an_application_are_its_permissions(void **state UNUSED)
{
	expect_permissions("{\"roles\":[\"User.Read.All\",\"Group-X.ReadWrite.All\"]}",
		"User.Read.All Group-X.ReadWrite.All");
	expect_permissions(
		"{\"scp\":\"User.Read  AuditLog.Read.All\"}", "User.Read AuditLog.Read.All");
	expect_permissions("{}", "");
}

static void what_is_no_name_is_left_out(void **state UNUSED)
{
	expect_permissions(
		"{\"roles\":[\"A B\",\"\",7,\"\\u001b[31m\",null,\"Good.One\"]}", "Good.One");
	expect_permissions("{\"roles\":\"User.Read.All\"}", "");
}

static void a_token_that_is_no_jwt_says_nothing(void **state UNUSED)
{
	expect_permissions("no claims", NULL);
	expect_permissions("[]", "");
}

static void without_a_token_there_is_nothing_to_read(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;

	options.secret = SPAN_LITERAL("not-a-secret");
	bench_must_open(&bench, &options, "");
	assert_null(auth_token_permissions(bench.auth));
	assert_true(auth_token_left_ms(bench.auth) == TIME_NONE);
	bench_close(&bench);
}

static void a_token_that_was_asked_for_lasts_as_long_as_was_said(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;

	options.secret = SPAN_LITERAL("not-a-secret");
	bench_must_open(&bench, &options, ASKS GIVES("opaque"));
	assert_non_null(ask(&bench, false));
	now_ms += 600 * 1000;
	assert_int_equal(auth_token_left_ms(bench.auth), 3000 * 1000);
	assert_null(auth_token_permissions(bench.auth));
	bench_close(&bench);
}

static void a_pasted_one_until_its_own_end(void **state UNUSED)
{
	struct auth_options options = base_options();
	struct bench bench;
	char claims[64];

	snprintf(
		claims, sizeof(claims), "{\"exp\":%lld}", (long long)(time_now_ms() / 1000 + 1800));
	options.access_token_file = token_file(claims);
	bench_must_open(&bench, &options, "");
	assert_in_range(auth_token_left_ms(bench.auth), 1790 * 1000, 1800 * 1000);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_roles_of_an_application_are_its_permissions),
		TEST(what_is_no_name_is_left_out),
		TEST(a_token_that_is_no_jwt_says_nothing),
		TEST(without_a_token_there_is_nothing_to_read),
		TEST(a_token_that_was_asked_for_lasts_as_long_as_was_said),
		TEST(a_pasted_one_until_its_own_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
