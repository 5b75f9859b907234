/* The gate against tests/data/net/urls.txt, and the rules that need a table of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/net/vectors.h"

/* What a refusal by this rule says: one of these. libcurl's own words are among them. */
static const struct vector_rule {
	const char *name;
	const char *words[6];
} vector_rules[] = {
	{ "origin", { "no configured origin" } },
	{ "schemes",
		{ "no configured origin", "Unsupported URL scheme", "Bad scheme", "Bad file:// URL",
			"scheme, host, port or path is missing" } },
	{ "form", { "does not begin with scheme://host" } },
	{ "malformed",
		{ "not written plainly", "Malformed input", "Port number was not", "Bad hostname",
			"Bad IPv6", "No host part" } },
	{ "host", { "names no host" } },
	{ "user", { "has a user part" } },
	{ "encoded", { "the host is percent-encoded" } },
	{ "spelling", { "not written plainly" } },
	{ "dot", { "the host ends with a dot" } },
	{ "bytes", { "a blank, a control or a byte outside ASCII" } },
	{ "backslash", { "holds a backslash" } },
	{ "fragment", { "has a fragment" } },
	{ "root", { "leaves the part of that server" } },
	{ "segment", { "has a dot segment" } },
	{ "escape",
		{ "an escaped dot, slash, backslash or percent sign", "an escaped control",
			"a broken escape" } },
	{ "secret", { "this secret may not go there" } },
};

static bool vector_rule_says(const struct vector *vector, const char *text)
{
	for (size_t i = 0; i < COUNT_OF(vector_rules); i++) {
		if (strcmp(vector_rules[i].name, vector->rule) != 0)
			continue;
		for (size_t k = 0; k < COUNT_OF(vector_rules[i].words); k++)
			if (vector_rules[i].words[k] && strstr(text, vector_rules[i].words[k]))
				return true;
	}
	return false;
}

static bool passes(const struct net_origins *origins, const char *url, enum net_secret secret)
{
	struct error err = { 0 };

	if (net_gate(origins, url, secret, &err))
		return true;
	assert_int_equal(err.kind, ERROR_REFUSED);
	return false;
}

static void every_vector_gets_its_verdict_by_its_rule(void **state)
{
	CLEANUP(net_origins_freep) struct net_origins *origins = vector_origins();
	struct vector *vectors;
	size_t count = vectors_load(&vectors), hostile = 0, wrong = 0;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const struct vector *vector = &vectors[i];
		struct error err = { 0 };
		bool passed = net_gate(origins, vector->url, NET_SECRET_TOKEN, &err);

		hostile += !vector->allowed;
		if (passed == vector->allowed &&
			(passed ||
				(err.kind == ERROR_REFUSED && vector_rule_says(vector, err.text))))
			continue;
		print_error("should %s (%s): %s\n  %s\n", vector->allowed ? "allow" : "refuse",
			vector->rule, vector->shown, passed ? "allowed" : err.text);
		wrong++;
	}
	free(vectors);
	assert_true(hostile >= VECTORS_HOSTILE);
	assert_int_equal(wrong, 0);
}

static void every_rule_has_its_vectors(void **state)
{
	struct vector *vectors;
	size_t count = vectors_load(&vectors);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vector_rules); i++) {
		size_t found = 0;

		for (size_t k = 0; k < count; k++)
			found += strcmp(vectors[k].rule, vector_rules[i].name) == 0;
		if (found < 8)
			fail_msg("%s has only %zu", vector_rules[i].name, found);
	}
	free(vectors);
}

static void an_empty_table_allows_nothing(void **state)
{
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();

	(void)state;
	assert_false(passes(origins, "https://graph.microsoft.com/v1.0/users", NET_SECRET_TOKEN));
	assert_false(passes(origins, "https://graph.microsoft.com/v1.0/users", NET_SECRET_NONE));
}

static void a_secret_goes_to_its_own_origins_only(void **state)
{
	CLEANUP(net_origins_freep) struct net_origins *origins = vector_origins();
	const char *graph = "https://graph.microsoft.com/v1.0/users";
	const char *login = "https://login.microsoftonline.com/t/oauth2/v2.0/token";

	(void)state;
	assert_true(passes(origins, graph, NET_SECRET_TOKEN));
	assert_false(passes(origins, graph, NET_SECRET_CREDENTIAL));
	assert_true(passes(origins, login, NET_SECRET_CREDENTIAL));
	assert_false(passes(origins, login, NET_SECRET_TOKEN));
	assert_true(passes(origins, graph, NET_SECRET_NONE));
	assert_true(passes(origins, login, NET_SECRET_NONE));
}

static void two_rows_of_one_origin_keep_their_secrets_apart(void **state)
{
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();
	struct error err = { 0 };

	(void)state;
	assert_true(net_origins_add(
		origins, "http://127.0.0.1:8080", NET_SECRET_TOKEN, "/v1.0/", &err));
	assert_true(net_origins_add(
		origins, "http://127.0.0.1:8080", NET_SECRET_CREDENTIAL, "/login/", &err));
	assert_true(passes(origins, "http://127.0.0.1:8080/v1.0/users", NET_SECRET_TOKEN));
	assert_true(passes(origins, "http://127.0.0.1:8080/login/token", NET_SECRET_CREDENTIAL));
	assert_false(passes(origins, "http://127.0.0.1:8080/login/token", NET_SECRET_TOKEN));
	assert_false(passes(origins, "http://127.0.0.1:8080/v1.0/users", NET_SECRET_CREDENTIAL));
}

static char *url_of_length(size_t length)
{
	static const char begin[] = "https://graph.microsoft.com/v1.0/users?$skiptoken=";
	char *url = memory_new(length + 1);

	memset(url, 'a', length);
	memcpy(url, begin, sizeof(begin) - 1);
	return url;
}

static void a_url_may_be_16_kib_and_no_longer(void **state)
{
	CLEANUP(net_origins_freep) struct net_origins *origins = vector_origins();
	CLEANUP(memory_freep) char *longest = url_of_length(NET_URL_MAX);
	CLEANUP(memory_freep) char *longer = url_of_length(NET_URL_MAX + 1);

	(void)state;
	assert_true(passes(origins, longest, NET_SECRET_TOKEN));
	assert_false(passes(origins, longer, NET_SECRET_TOKEN));
}

static void a_refusal_names_host_and_rule_but_no_password(void **state)
{
	CLEANUP(net_origins_freep) struct net_origins *origins = vector_origins();
	struct error err = { 0 };

	(void)state;
	assert_false(net_gate(origins, "https://bob:hunter2@evil.example/v1.0/?q=hunter2",
		NET_SECRET_TOKEN, &err));
	assert_non_null(strstr(err.text, "\"evil.example\""));
	assert_non_null(strstr(err.text, "user part"));
	assert_null(strstr(err.text, "hunter2"));

	assert_false(net_gate(origins, "https://evil\x1b[2J.example/", NET_SECRET_TOKEN, &err));
	assert_null(strchr(err.text, '\x1b'));
}

static void the_table_takes_origins_and_nothing_else(void **state)
{
	static const char *const wrong[] = {
		"graph.microsoft.com",
		"http://graph.microsoft.com",
		"http://localhost:8080",
		"http://127.1:8080",
		"http://127.0.0.2:8080",
		"https://user@graph.microsoft.com",
		"https://graph.microsoft.com/v1.0",
		"https://graph.microsoft.com?x",
		"https://graph.microsoft.com#x",
		"https://graph.microsoft.com.",
		"https://graph.microsoft.com:",
		"https://graph.microsoft.com:0",
		"https://graph.microsoft.com:99999",
		"ftp://graph.microsoft.com",
		"https://",
		"",
		"https://gr\xc3\xa4ph.example",
		"https://0x7f.1",
	};
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct error err = { 0 };

		if (net_origins_add(origins, wrong[i], NET_SECRET_TOKEN, "/", &err))
			fail_msg("taken: %s", wrong[i]);
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

static void an_origin_may_end_with_its_slash_and_be_in_capitals(void **state)
{
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();
	struct error err = { 0 };

	(void)state;
	assert_true(net_origins_add(
		origins, "HTTPS://Login.Example/", NET_SECRET_CREDENTIAL, "/", &err));
	assert_true(passes(origins, "https://login.example/token", NET_SECRET_CREDENTIAL));
}

static void a_root_is_a_folder(void **state)
{
	static const char *const wrong[] = { "", "v1.0/", "/v1.0", "/v1.0/../", "/%2e%2e/" };
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct error err = { 0 };

		assert_false(net_origins_add(
			origins, "https://graph.example", NET_SECRET_TOKEN, wrong[i], &err));
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_gets_its_verdict_by_its_rule),
		cmocka_unit_test(every_rule_has_its_vectors),
		cmocka_unit_test(an_empty_table_allows_nothing),
		cmocka_unit_test(a_secret_goes_to_its_own_origins_only),
		cmocka_unit_test(two_rows_of_one_origin_keep_their_secrets_apart),
		cmocka_unit_test(a_url_may_be_16_kib_and_no_longer),
		cmocka_unit_test(a_refusal_names_host_and_rule_but_no_password),
		cmocka_unit_test(the_table_takes_origins_and_nothing_else),
		cmocka_unit_test(an_origin_may_end_with_its_slash_and_be_in_capitals),
		cmocka_unit_test(a_root_is_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
