/* The origin of a managed identity: on this machine, reached without a proxy, and nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/net_internal.h"

static bool add(struct net_origins *origins, const char *url, enum net_secret secret)
{
	struct error err = { 0 };
	bool added = net_origins_add(origins, url, secret, "/x/", &err);

	assert_int_equal(err.kind, added ? ERROR_NONE : ERROR_USAGE);
	return added;
}

static void an_identity_endpoint_is_a_literal_address_of_this_machine(void **state UNUSED)
{
	static const char *const good[] = { "http://169.254.169.254", "http://169.254.130.2:8081",
		"http://127.0.0.1:41741", "http://[::1]:80" };
	static const char *const bad[] = { "http://localhost:80", "http://169.254.169.254.example",
		"http://169.254.1", "http://169.254.256.1", "http://169.254.01.1",
		"http://0xa9.254.1.1", "http://2852039166", "http://169.253.1.1", "http://10.0.0.1",
		"https://login.microsoftonline.com", "https://graph.microsoft.com",
		"http://[fe80::1]", "http://127.0.0.2", "ftp://127.0.0.1" };
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();

	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(add(origins, good[i], NET_SECRET_IDENTITY));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (add(origins, bad[i], NET_SECRET_IDENTITY))
			fail_msg("taken: %s", bad[i]);
}

static void no_other_secret_goes_to_the_metadata_service(void **state UNUSED)
{
	static const enum net_secret others[] = { NET_SECRET_NONE, NET_SECRET_CREDENTIAL,
		NET_SECRET_TOKEN };
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();
	struct error err = { 0 };

	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(add(origins, "http://169.254.169.254", others[i]));
	assert_true(add(origins, "http://169.254.169.254", NET_SECRET_IDENTITY));
	assert_true(net_gate(origins, "http://169.254.169.254/x/y", NET_SECRET_IDENTITY, &err));
	assert_false(net_gate(origins, "http://169.254.169.254/x/y", NET_SECRET_TOKEN, &err));
	assert_false(net_gate(origins, "http://169.254.169.254/x/y", NET_SECRET_CREDENTIAL, &err));
	assert_false(net_gate(origins, "http://169.254.169.254/y", NET_SECRET_IDENTITY, &err));
	assert_false(net_gate(origins, "http://0xa9fea9fe/x/y", NET_SECRET_IDENTITY, &err));
}

static void it_is_no_business_of_a_proxy(void **state UNUSED)
{
	static const struct {
		const char *url;
		enum net_secret secret;
		bool near;
	} cases[] = {
		{ "http://169.254.169.254", NET_SECRET_IDENTITY, true },
		{ "http://127.0.0.1:1", NET_SECRET_IDENTITY, true },
		{ "http://127.0.0.1:1", NET_SECRET_TOKEN, true },
		{ "https://graph.microsoft.com", NET_SECRET_TOKEN, false },
		{ "https://169.254.169.254", NET_SECRET_TOKEN, false },
	};
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_true(add(origins, cases[i].url, cases[i].secret));
		assert_int_equal(origin_is_loopback(origins_row(origins, i)), cases[i].near);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_identity_endpoint_is_a_literal_address_of_this_machine),
		cmocka_unit_test(no_other_secret_goes_to_the_metadata_service),
		cmocka_unit_test(it_is_no_business_of_a_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
