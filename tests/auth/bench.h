/* A conversation with a token endpoint, and clocks that only move when told. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/auth/proofs.h"

#define TENANT    "8a1b2c3d-0000-4000-8000-000000000001"
#define CLIENT    "11111111-2222-3333-4444-555555555555"
#define TOKEN_URL "https://login.microsoftonline.com/" TENANT "/oauth2/v2.0/token"
#define ASKS      "> POST " TOKEN_URL "\n"
#define GIVES(token)                                                                               \
	"< 200\n<\n{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"" token       \
	"\"}\n\n"
#define IMDS                                                                                       \
	"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource="   \
	"https%3A%2F%2Fgraph.microsoft.com"
#define HEAD                                                                                       \
	"grant_type=client_credentials&client_id=" CLIENT                                          \
	"&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"                                      \
	"&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"  \
	"&client_assertion="

static int64_t now_ms, wall_now_ms;
static int64_t pauses[32];
static size_t pause_count;

static inline int64_t clock_of_test(void)
{
	return now_ms;
}

static inline int64_t wall_of_test(void)
{
	return wall_now_ms;
}

static inline void sleep_of_test(int64_t duration_ms)
{
	now_ms += duration_ms;
	wall_now_ms += duration_ms;
	assert_true(pause_count < COUNT_OF(pauses));
	pauses[pause_count++] = duration_ms;
}

static inline struct auth_options base_options(void)
{
	return (struct auth_options){
		.tenant = TENANT,
		.client_id = CLIENT,
		.authority = "https://login.microsoftonline.com",
		.graph = "https://graph.microsoft.com",
		.environment = true,
	};
}

struct bench {
	struct replay *replay;
	struct transport transport;
	struct auth *auth;
	struct error err;
};

static inline bool bench_open(
	struct bench *bench, const struct auth_options *options, const char *script)
{
	now_ms = 1000000;
	wall_now_ms = time_now_ms();
	pause_count = 0;
	*bench = (struct bench){ .replay = replay_new(script) };
	bench->transport = replay_transport(bench->replay);
	bench->auth = auth_open(options, &bench->transport, NULL, &bench->err);
	if (!bench->auth)
		return false;
	auth_use_clock(bench->auth, clock_of_test, sleep_of_test);
	auth_use_wall_clock(bench->auth, wall_of_test);
	return true;
}

static inline void bench_must_open(
	struct bench *bench, const struct auth_options *options, const char *script)
{
	if (!bench_open(bench, options, script))
		fail_msg("%s", bench->err.text);
}

static inline void bench_close(struct bench *bench)
{
	if (replay_trouble(bench->replay))
		fail_msg("%s", replay_trouble(bench->replay));
	auth_close(bench->auth);
	replay_free(bench->replay);
}

static inline const char *ask(struct bench *bench, bool renew)
{
	bench->err = (struct error){ 0 };
	return auth_token(bench->auth, renew, &bench->err);
}

static inline void assert_said(const struct bench *bench, const char *words)
{
	if (!strstr(bench->err.text, words))
		fail_msg("\"%s\" is not in: %s", words, bench->err.text);
}

static inline void expect_unopened(
	const struct auth_options *options, enum error_kind kind, const char *words)
{
	struct bench bench;

	assert_false(bench_open(&bench, options, ""));
	assert_said(&bench, words);
	assert_int_equal(bench.err.kind, kind);
	bench_close(&bench);
}

static inline int clear_variables(void **state UNUSED)
{
	static const char *const names[] = { "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH",
		"AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
		"AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER",
		"IMDS_ENDPOINT", "CREDENTIALS_DIRECTORY" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		unsetenv(names[i]);
	return 0;
}

static inline int remove_files(void **state UNUSED)
{
	proof_remove_files();
	return 0;
}

static inline const char *chosen(const struct auth_options *options)
{
	static char name[64];
	struct bench bench;

	bench_must_open(&bench, options, "");
	snprintf(name, sizeof(name), "%s", auth_credential_name(bench.auth));
	bench_close(&bench);
	return name;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clear_variables, remove_files)
