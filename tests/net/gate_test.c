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
#include "net/net.h"

static struct net_origins *table_of_the_vectors(void)
{
	static const struct {
		const char *url;
		enum net_secret secret;
		const char *root;
	} rows[] = {
		{ "https://graph.microsoft.com", NET_SECRET_TOKEN, "/v1.0/" },
		{ "https://graph.example:8443", NET_SECRET_TOKEN, "/v1.0/" },
		{ "https://login.microsoftonline.com", NET_SECRET_CREDENTIAL, "/" },
		{ "http://127.0.0.1:8080", NET_SECRET_TOKEN, "/v1.0/" },
		{ "http://[::1]:8081", NET_SECRET_TOKEN, "/v1.0/" },
	};
	struct net_origins *origins = net_origins_new();

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct error err = { 0 };

		assert_true(
			net_origins_add(origins, rows[i].url, rows[i].secret, rows[i].root, &err));
	}
	return origins;
}

static bool passes(const struct net_origins *origins, const char *url, enum net_secret secret)
{
	struct error err = { 0 };

	if (net_gate(origins, url, secret, &err))
		return true;
	assert_int_equal(err.kind, ERROR_REFUSED);
	return false;
}

/* Undoes \xNN in place. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		unsigned byte;

		if (sscanf(text, "\\x%2x", &byte) == 1) {
			*to++ = (char)byte;
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

static void every_vector_gets_its_verdict(void **state)
{
	CLEANUP(net_origins_freep) struct net_origins *origins = table_of_the_vectors();
	FILE *file = fopen(TEST_DATA "/net/urls.txt", "r");
	char line[512], shown[512];
	size_t count = 0, wrong = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *url = strchr(line, '\t');

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			continue;
		assert_non_null(url);
		*url++ = '\0';
		snprintf(shown, sizeof(shown), "%s", url);
		unescape(url);
		count++;
		if (passes(origins, url, NET_SECRET_TOKEN) != (strcmp(line, "allow") == 0)) {
			print_error("should %s: %s\n", line, shown);
			wrong++;
		}
	}
	fclose(file);
	assert_true(count > 120);
	assert_int_equal(wrong, 0);
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
	CLEANUP(net_origins_freep) struct net_origins *origins = table_of_the_vectors();
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
	CLEANUP(net_origins_freep) struct net_origins *origins = table_of_the_vectors();
	CLEANUP(memory_freep) char *longest = url_of_length(NET_URL_MAX);
	CLEANUP(memory_freep) char *longer = url_of_length(NET_URL_MAX + 1);

	(void)state;
	assert_true(passes(origins, longest, NET_SECRET_TOKEN));
	assert_false(passes(origins, longer, NET_SECRET_TOKEN));
}

static void a_refusal_names_host_and_rule_but_no_password(void **state)
{
	CLEANUP(net_origins_freep) struct net_origins *origins = table_of_the_vectors();
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
		cmocka_unit_test(every_vector_gets_its_verdict),
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
