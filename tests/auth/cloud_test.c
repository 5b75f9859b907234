/* The table of clouds, against contract 1.1, and against the gate's idea of an origin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "auth/auth.h"

static void every_cloud_is_found_by_its_name(void **state)
{
	static const char *const hosts[][3] = {
		{ "global", "https://login.microsoftonline.com", "https://graph.microsoft.com" },
		{ "usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us" },
		{ "dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us" },
		{ "china", "https://login.partner.microsoftonline.cn",
			"https://microsoftgraph.chinacloudapi.cn" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		const struct cloud *cloud = cloud_find(hosts[i][0]);

		assert_non_null(cloud);
		assert_string_equal(cloud->authority, hosts[i][1]);
		assert_string_equal(cloud->graph, hosts[i][2]);
	}
	assert_string_equal(cloud_find("china")->authority_too, "https://login.chinacloudapi.cn");
	assert_null(cloud_find("global")->authority_too);
}

static void there_is_no_other_cloud(void **state)
{
	size_t count;

	(void)state;
	cloud_table(&count);
	assert_int_equal(count, 4);
	assert_null(cloud_find("germany"));
	assert_null(cloud_find("Global"));
	assert_null(cloud_find(""));
}

static void every_address_is_an_origin_that_the_gate_takes(void **state)
{
	CLEANUP(net_origins_freep) struct net_origins *origins = net_origins_new();
	size_t count;
	const struct cloud *clouds = cloud_table(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct error err = { 0 };

		assert_true(net_origins_add(
			origins, clouds[i].authority, NET_SECRET_CREDENTIAL, "/", &err));
		assert_true(net_origins_add(
			origins, clouds[i].graph, NET_SECRET_TOKEN, "/v1.0/", &err));
		if (clouds[i].authority_too)
			assert_true(net_origins_add(origins, clouds[i].authority_too,
				NET_SECRET_CREDENTIAL, "/", &err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cloud_is_found_by_its_name),
		cmocka_unit_test(there_is_no_other_cloud),
		cmocka_unit_test(every_address_is_an_origin_that_the_gate_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
