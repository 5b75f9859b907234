/* Credentials to token, against written conversations and a clock that only moves when told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/auth_internal.h"

#define TENANT         "8a1b2c3d-0000-4000-8000-000000000001"
#define CLIENT         "11111111-2222-3333-4444-555555555555"
#define SECRET         "s3cr~t&va=lue+%/"
#define SECRET_ENCODED "s3cr~t%26va%3Dlue%2B%25%2F"
#define TOKEN_URL      "https://login.microsoftonline.com/" TENANT "/oauth2/v2.0/token"
#define ASKS           "> POST " TOKEN_URL "\n"
#define GIVES(token, seconds)                                                                      \
	ASKS "< 200\n<\n{\"token_type\":\"Bearer\",\"expires_in\":" seconds                        \
	     ",\"access_token\":\"" token "\"}\n\n"

static int64_t now_ms;
static size_t sleeps;

static int64_t clock_of_test(void)
{
	return now_ms;
}

static void sleep_of_test(int64_t duration_ms)
{
	now_ms += duration_ms;
	sleeps++;
}

static struct auth_options good_options(void)
{
	return (struct auth_options){
		.tenant = TENANT,
		.client_id = CLIENT,
		.authority = "https://login.microsoftonline.com",
		.graph = "https://graph.microsoft.com",
		.secret = SPAN_LITERAL(SECRET),
	};
}

struct bench {
	struct replay *replay;
	struct transport transport;
	struct auth *auth;
	struct error err;
	size_t warnings;
};

static void bench_open(struct bench *bench, const char *script, const struct progress *progress)
{
	const struct auth_options options = good_options();

	now_ms = 1000000;
	sleeps = 0;
	*bench = (struct bench){ .replay = replay_new(script) };
	bench->transport = replay_transport(bench->replay);
	bench->auth = auth_open(&options, &bench->transport, progress, &bench->err);
	assert_non_null(bench->auth);
	auth_use_clock(bench->auth, clock_of_test, sleep_of_test);
}

/* Every exchange must have been used, and no text may hold the secret. */
static void bench_close(struct bench *bench)
{
	if (replay_trouble(bench->replay))
		fail_msg("%s", replay_trouble(bench->replay));
	assert_null(strstr(bench->err.text, SECRET));
	assert_null(strstr(bench->err.text, SECRET_ENCODED));
	auth_close(bench->auth);
	replay_free(bench->replay);
}

static const char *ask(struct bench *bench, bool renew)
{
	bench->err = (struct error){ 0 };
	return auth_token(bench->auth, renew, &bench->err);
}

/* ---- good answers -------------------------------------------------------------------- */

static void the_request_is_what_the_contract_says(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench,
		ASKS "> content-type: application/x-www-form-urlencoded\n"
		     "< 200\n<\n"
		     "{\"token_type\":\"bearer\",\"expires_in\":\"3599\","
		     "\"ext_expires_in\":3599,\"access_token\":\"one\"}\n",
		NULL);
	assert_string_equal(ask(&bench, false), "one");
	assert_string_equal(replay_sent_body(bench.replay, 0),
		"grant_type=client_credentials&client_id=" CLIENT
		"&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_secret=" SECRET_ENCODED);
	bench_close(&bench);
}

static void a_token_is_used_until_five_minutes_before_its_end(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, GIVES("one", "3000") GIVES("two", "3000"), NULL);
	assert_string_equal(ask(&bench, false), "one");
	now_ms += (3000 - 301) * 1000;
	assert_string_equal(ask(&bench, false), "one");
	now_ms += 2000;
	assert_string_equal(ask(&bench, false), "two");
	bench_close(&bench);
}

static void a_long_token_is_renewed_when_a_tenth_is_left(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, GIVES("one", "36000") GIVES("two", "36000"), NULL);
	assert_string_equal(ask(&bench, false), "one");
	now_ms += (36000 - 3601) * 1000;
	assert_string_equal(ask(&bench, false), "one");
	now_ms += 2000;
	assert_string_equal(ask(&bench, false), "two");
	bench_close(&bench);
}

static void a_short_token_serves_half_its_life(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, GIVES("one", "240") GIVES("two", "240"), NULL);
	assert_string_equal(ask(&bench, false), "one");
	now_ms += 119 * 1000;
	assert_string_equal(ask(&bench, false), "one");
	now_ms += 2000;
	assert_string_equal(ask(&bench, false), "two");
	bench_close(&bench);
}

static void a_refused_token_is_replaced_at_once(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, GIVES("one", "3600") GIVES("two", "3600"), NULL);
	assert_string_equal(ask(&bench, false), "one");
	assert_string_equal(ask(&bench, true), "two");
	assert_string_equal(ask(&bench, false), "two");
	bench_close(&bench);
}

static void count_warning(void *context, const char *text)
{
	(void)text;
	++*(size_t *)context;
}

static void a_renewal_that_fails_can_wait_while_the_token_is_good(void **state)
{
	size_t warnings = 0;
	const struct progress progress = { .context = &warnings, .warn = count_warning };
	struct bench bench;

	(void)state;
	bench_open(&bench,
		GIVES("one", "3600") ASKS "< unreachable\n\n" ASKS "< 503\n\n" GIVES("two", "3600"),
		&progress);
	assert_string_equal(ask(&bench, false), "one");
	now_ms += 3400 * 1000;
	assert_string_equal(ask(&bench, false), "one");
	assert_int_equal(bench.err.kind, ERROR_NONE);
	assert_int_equal(warnings, 1);
	/* Not asked again for half a minute. */
	assert_string_equal(ask(&bench, false), "one");
	now_ms += 31 * 1000;
	assert_string_equal(ask(&bench, false), "one");
	assert_int_equal(sleeps, 0);
	now_ms += 31 * 1000;
	assert_string_equal(ask(&bench, false), "two");
	bench_close(&bench);
}

static void a_renewal_that_fails_at_the_end_is_an_error(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, GIVES("one", "3600") ASKS "< unreachable\n", NULL);
	assert_string_equal(ask(&bench, false), "one");
	now_ms += 3541 * 1000;
	assert_null(ask(&bench, false));
	assert_int_equal(bench.err.kind, ERROR_NETWORK);
	bench_close(&bench);
}

/* ---- later --------------------------------------------------------------------------- */

static void later_is_waited_for(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench,
		ASKS "< 503\n< retry-after: 20\n<\n<html>busy</html>\n\n" ASKS
		     "< 429\n< retry-after: 1\n\n" ASKS
		     "< 400\n<\n{\"error\":\"temporarily_unavailable\"}\n\n" GIVES("one", "3600"),
		NULL);
	assert_string_equal(ask(&bench, false), "one");
	assert_int_equal(sleeps, 3);
	assert_true(now_ms >= 1000000 + 20000 + 1000 + 3000);
	bench_close(&bench);
}

static void later_does_not_go_on_for_ever(void **state)
{
	char script[NET_TRIES_MAX * 200] = "";
	struct bench bench;

	(void)state;
	for (int i = 0; i < NET_TRIES_MAX; i++)
		strcat(script, ASKS "< 503\n\n");
	bench_open(&bench, script, NULL);
	assert_null(ask(&bench, false));
	assert_int_equal(bench.err.kind, ERROR_NETWORK);
	assert_non_null(strstr(bench.err.text, "(503): given up after try 10"));
	bench_close(&bench);
}

/* ---- refusals ------------------------------------------------------------------------ */

/* One refusal; the text must hold all of `words`. */
static void expect_refusal(const char *answer, enum error_kind kind, const char *const *words)
{
	CLEANUP(buf_release) struct buf script = BUF_UP_TO(1 << 16);
	struct bench bench;

	buf_addf(&script, ASKS "%s", answer);
	bench_open(&bench, buf_text(&script), NULL);
	assert_null(ask(&bench, false));
	assert_int_equal(bench.err.kind, kind);
	for (; *words; words++)
		if (!strstr(bench.err.text, *words))
			fail_msg("\"%s\" is not in: %s", *words, bench.err.text);
	assert_null(strchr(bench.err.text, '\x1b'));
	assert_null(strchr(bench.err.text, '\n'));
	assert_int_equal(sleeps, 0);
	bench_close(&bench);
}

static void a_wrong_secret_is_explained(void **state)
{
	static const char *const words[] = { "POST " TOKEN_URL ": ", "401 invalid_client",
		"AADSTS7000215", "often its id was pasted", "AZURE_CLIENT_SECRET",
		"client_secret_file", "trace_id 11-22", "correlation_id 33-44",
		"Invalid client secret provided.", NULL };

	(void)state;
	expect_refusal(
		"< 401\n<\n{\"error\":\"invalid_client\",\"error_description\":"
		"\"AADSTS7000215: Invalid client secret provided.\\r\\nTrace ID: 11-22\","
		"\"error_codes\":[7000215],\"trace_id\":\"11-22\",\"correlation_id\":\"33-44\"}\n",
		ERROR_AUTH, words);
}

static void codes_and_errors_have_their_advice(void **state)
{
	static const struct {
		const char *answer;
		const char *words[4];
	} cases[] = {
		{ "{\"error\":\"unauthorized_client\",\"error_codes\":[700016]}",
			{ "AADSTS700016", "not known in this tenant", "AZURE_CLIENT_ID" } },
		{ "{\"error\":\"invalid_client\",\"error_codes\":[7000222]}",
			{ "has expired", "client_secret_file" } },
		{ "{\"error\":\"invalid_request\",\"error_codes\":[1,90002]}",
			{ "AADSTS1, AADSTS90002", "no such tenant", "profile's cloud" } },
		{ "{\"error\":\"invalid_request\",\"error_description\":\"AADSTS900382: x\"}",
			{ "AADSTS900382", "another national cloud" } },
		{ "{\"error\":\"invalid_resource\",\"error_codes\":[500011]}", { "wrong cloud" } },
		{ "{\"error\":\"unauthorized_client\",\"error_codes\":[65001]}", { "consent" } },
		{ "{\"error\":\"access_denied\",\"error_codes\":[53003]}",
			{ "Conditional Access" } },
		{ "{\"error\":\"invalid_scope\"}",
			{ "400 invalid_scope: the scope is not valid" } },
		{ "{\"error\":\"interaction_required\"}", { "policies" } },
		{ "{\"error\":\"invalid_grant\",\"error_codes\":\"x\"}",
			{ "grant was not accepted" } },
		{ "{\"error\":\"something_new\",\"error_codes\":[null,-3,\"7\"]}",
			{ "something_new: no reason that is known here" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char answer[512];

		snprintf(answer, sizeof(answer), "< 400\n<\n%s\n", cases[i].answer);
		expect_refusal(answer, ERROR_AUTH, cases[i].words);
	}
}

static void words_of_the_server_are_made_printable_and_short(void **state)
{
	static const char *const words[] = { "\\x1b[2J", "\\u{202e}", NULL };

	(void)state;
	expect_refusal(
		"< 400\n<\n{\"error\":\"\\u001b[2J\",\"error_description\":\"\\u202egnitset\"}\n",
		ERROR_AUTH, words);
}

static void an_echo_of_the_secret_is_not_shown(void **state)
{
	static const char *const words[] = { "it repeats the secret", NULL };

	(void)state;
	expect_refusal("< 401\n<\n{\"error\":\"invalid_client\",\"error_description\":"
		       "\"no: s3cr~t&va=lue+%\\/ is wrong\"}\n",
		ERROR_AUTH, words);
	expect_refusal("< 401\n<\n{\"error\":\"invalid_client\",\"trace_id\":"
		       "\"" SECRET_ENCODED "\"}\n",
		ERROR_AUTH, words);
	expect_refusal("< 401\n<\n{\"error\":\"" SECRET "\"}\n", ERROR_AUTH, words);
}

static void an_answer_of_somebody_else_is_a_network_matter(void **state)
{
	static const char *const words[] = { "captive portal or proxy", NULL };
	static const char *const answers[] = { "< 404\n<\n<html></html>\n", "< 302\n",
		"< 400\n<\n[1]\n", "< 400\n<\n{\"error\":7}\n", "< 200\n<\n<html>Sign in</html>\n",
		"< 200\n", "< 200\n<\n[]\n",
		"< 200\n<\n{\"token_type\":\"Bearer\",\"token_type\":\"Bearer\"}\n" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++)
		expect_refusal(answers[i], ERROR_NETWORK, words);
}

static void a_token_that_is_not_as_promised_is_refused(void **state)
{
	static const char *const words[] = { "no token that can be used", NULL };
	static const char *const answers[] = {
		"{\"token_type\":\"pop\",\"expires_in\":3600,\"access_token\":\"a\"}",
		"{\"token_type\":7,\"expires_in\":3600,\"access_token\":\"a\"}",
		"{\"expires_in\":3600,\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":0,\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":-5,\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":36.5,\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":\"\",\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":\"1h\",\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":null,\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":3600}",
		"{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":null}",
		"{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"a b\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"a\\r\\nx: y\"}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		char answer[512];

		snprintf(answer, sizeof(answer), "< 200\n<\n%s\n", answers[i]);
		expect_refusal(answer, ERROR_AUTH, words);
	}
}

static void a_broken_connection_is_not_tried_again(void **state)
{
	static const char *const words[] = { TOKEN_URL, NULL };

	(void)state;
	expect_refusal("< reset\n", ERROR_NETWORK, words);
	expect_refusal("< unreachable\n", ERROR_NETWORK, words);
}

/* ---- configuration ------------------------------------------------------------------- */

static void expect_unopened(struct auth_options options, const char *words)
{
	CLEANUP(auth_closep) struct auth *auth = NULL;
	const struct transport transport = { 0 };
	struct error err = { 0 };

	auth = auth_open(&options, &transport, NULL, &err);
	assert_null(auth);
	assert_int_equal(err.kind, ERROR_AUTH);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in: %s", words, err.text);
}

static void what_is_missing_is_named_with_its_variable(void **state)
{
	struct auth_options options = good_options();

	(void)state;
	options.tenant = NULL;
	expect_unopened(options, "AZURE_TENANT_ID, or tenant in");
	options = good_options();
	options.client_id = "";
	expect_unopened(options, "AZURE_CLIENT_ID, or client_id in");
	options = good_options();
	options.secret = SPAN_NONE;
	expect_unopened(options, "AZURE_CLIENT_SECRET, or client_secret_file");
	options.secret = SPAN_LITERAL("");
	expect_unopened(options, "AZURE_CLIENT_SECRET, or client_secret_file");
	options = good_options();
	options.authority = NULL;
	expect_unopened(options, "AZURE_AUTHORITY_HOST");
}

static void a_tenant_is_one_tenant(void **state)
{
	static const char *const wrong[] = { "common", "Organizations", "CONSUMERS", "a/b", "..",
		"a?b", "a b", "../x", ".x", "a%2fb", "t\xc3\xa4nt.example", "a\\b", "a@b" };
	struct auth_options options = good_options();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		options.tenant = wrong[i];
		expect_unopened(options, "AZURE_TENANT_ID");
	}
	options.tenant = "common";
	expect_unopened(options, "AADSTS9001023");
}

static void what_is_far_too_long_is_no_secret(void **state)
{
	static char text[64 << 10];
	struct auth_options options = good_options();

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	options.secret = (struct span){ text, sizeof(text) };
	expect_unopened(options, "client secret is longer than");
	options = good_options();
	options.client_id = text;
	expect_unopened(options, "longer than");
}

static void a_slash_behind_an_origin_changes_nothing(void **state)
{
	CLEANUP(auth_closep) struct auth *auth = NULL;
	struct auth_options options = good_options();
	struct bench bench = { .replay = replay_new(GIVES("one", "3600")) };

	(void)state;
	options.authority = "https://login.microsoftonline.com/";
	options.graph = "https://graph.microsoft.com/";
	bench.transport = replay_transport(bench.replay);
	auth = auth_open(&options, &bench.transport, NULL, &bench.err);
	assert_non_null(auth);
	assert_string_equal(auth_token(auth, false, &bench.err), "one");
	assert_non_null(strstr(replay_sent_body(bench.replay, 0), "com%2F.default&"));
	replay_free(bench.replay);
}

#if !defined(__SANITIZE_ADDRESS__)
/* Exit status of a child that may lock no memory: the kind of error it met. */
static int open_without_lockable_memory(void)
{
	const struct rlimit none = { 0, 0 };
	const struct auth_options options = good_options();
	const struct transport transport = { 0 };
	struct error err = { 0 };

	/* Root may lock whatever the limit, so it steps down first. */
	if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setuid(65534) != 0))
		return 77;
	if (auth_open(&options, &transport, NULL, &err))
		return 0;
	return strstr(err.text, "ulimit -l") && strstr(err.text, "LimitMEMLOCK") ? (int)err.kind
										 : 78;
}
#endif

static void memory_that_can_not_be_locked_is_told(void **state)
{
#if defined(__SANITIZE_ADDRESS__)
	(void)state;
	print_message("skipped: the address sanitizer lets every mlock() succeed\n");
	skip();
#else
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(open_without_lockable_memory());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ERROR_SYSTEM);
#endif
}

/* ---- the tenant a token names -------------------------------------------------------- */

/* {"typ":"JWT"} . {"aud":"x","tid":"8a1b2c3d-…-000000000001"} . signature */
#define JWT                                                                                        \
	"eyJ0eXAiOiJKV1QifQ."                                                                      \
	"eyJhdWQiOiJ4IiwidGlkIjoiOGExYjJjM2QtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAxIn0."             \
	"c2ln"

static void a_readable_token_names_its_tenant(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, GIVES(JWT, "3600") GIVES("opaque", "3600"), NULL);
	assert_null(auth_token_tenant(bench.auth));
	assert_string_equal(ask(&bench, false), JWT);
	assert_string_equal(auth_token_tenant(bench.auth), TENANT);
	assert_string_equal(ask(&bench, true), "opaque");
	assert_null(auth_token_tenant(bench.auth));
	bench_close(&bench);
}

static void what_is_no_readable_token_names_nobody(void **state)
{
	/* No dots, too many, no base64, no JSON, no object, no tid, a tid that is no GUID. */
	static const char *const odd[] = { "", "opaque", ".", "..", "...", "a.b.c.d", "a.=.c",
		"a..c", "a.e30.c", "a.W10.c", "a.bm90anNvbg.c", "a.eyJ0aWQiOjd9.c",
		"a.eyJ0aWQiOiJ4In0.c", "a.eyJ0aWQiOiJ4In0=.c" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(odd); i++)
		assert_null(token_tenant(span_of(odd[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_is_what_the_contract_says),
		cmocka_unit_test(a_token_is_used_until_five_minutes_before_its_end),
		cmocka_unit_test(a_long_token_is_renewed_when_a_tenth_is_left),
		cmocka_unit_test(a_short_token_serves_half_its_life),
		cmocka_unit_test(a_refused_token_is_replaced_at_once),
		cmocka_unit_test(a_renewal_that_fails_can_wait_while_the_token_is_good),
		cmocka_unit_test(a_renewal_that_fails_at_the_end_is_an_error),
		cmocka_unit_test(later_is_waited_for),
		cmocka_unit_test(later_does_not_go_on_for_ever),
		cmocka_unit_test(a_wrong_secret_is_explained),
		cmocka_unit_test(codes_and_errors_have_their_advice),
		cmocka_unit_test(words_of_the_server_are_made_printable_and_short),
		cmocka_unit_test(an_echo_of_the_secret_is_not_shown),
		cmocka_unit_test(an_answer_of_somebody_else_is_a_network_matter),
		cmocka_unit_test(a_token_that_is_not_as_promised_is_refused),
		cmocka_unit_test(a_broken_connection_is_not_tried_again),
		cmocka_unit_test(what_is_missing_is_named_with_its_variable),
		cmocka_unit_test(a_tenant_is_one_tenant),
		cmocka_unit_test(what_is_far_too_long_is_no_secret),
		cmocka_unit_test(a_slash_behind_an_origin_changes_nothing),
		cmocka_unit_test(memory_that_can_not_be_locked_is_told),
		cmocka_unit_test(a_readable_token_names_its_tenant),
		cmocka_unit_test(what_is_no_readable_token_names_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
