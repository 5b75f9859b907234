/* How the process begins [T21, T24], seen from a child that does so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <jansson.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/process.h"

/* Runs `check` in a child after `prepare`, and gives what it returns: 0 is good. */
static int in_child(void (*prepare)(void), int (*check)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct error err = { 0 };

		if (prepare)
			prepare();
		_exit(process_start(&err) ? check() : 99);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static const char *const kept[] = { "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "IDENTITY_ENDPOINT",
	"IMDS_ENDPOINT", "XDG_STATE_HOME", "HOME", "PATH", "TERM", "COLUMNS", "TZ", "LANG",
	"LC_ALL", "NO_COLOR", "CLICOLOR_FORCE", "CREDENTIALS_DIRECTORY", "UNSTAGE_CONFIG" };

static const char *const dropped[] = { "SSLKEYLOGFILE", "OPENSSL_CONF", "OPENSSL_MODULES",
	"OPENSSL_ENGINES", "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy",
	"HTTPS_PROXY", "ALL_PROXY", "no_proxy", "CURL_HOME", "CURL_CA_BUNDLE", "NETRC",
	"LD_PRELOAD", "LD_LIBRARY_PATH", "GCONV_PATH", "LOCPATH", "MALLOC_CHECK_", "SODIUM_X",
	"HOSTALIASES", "RES_OPTIONS", "TMPDIR", "AZURE", "AZURE_", "XDG_", "azure_client_id",
	"HOMEX", "XHOME", "PATHS", "LANGUAGE", "LC_", "TZDIR", "UNSTAGE_CONFIG_X", "IDENTITY",
	"IMDS_ENDPOINT_X" };

static void set_all_variables(void)
{
	for (size_t i = 0; i < COUNT_OF(kept); i++)
		setenv(kept[i], "kept", 1);
	for (size_t i = 0; i < COUNT_OF(dropped); i++)
		setenv(dropped[i], "/nonexistent", 1);
}

static int variables_are_as_listed(void)
{
	for (size_t i = 0; i < COUNT_OF(kept); i++)
		if (!getenv(kept[i]))
			return 1;
	for (size_t i = 0; i < COUNT_OF(dropped); i++)
		if (getenv(dropped[i]))
			return 2;
	return 0;
}

static void only_the_listed_variables_stay(void **state)
{
	(void)state;
	assert_int_equal(in_child(set_all_variables, variables_are_as_listed), 0);
}

static void set_odd_variables(void)
{
	static char no_sign[] = "HOME_WITHOUT_SIGN", empty_name[] = "=x";
	static char twice_a[] = "SSLKEYLOGFILE=a", twice_b[] = "SSLKEYLOGFILE=b";
	static char *odd[] = { no_sign, empty_name, twice_a, twice_b, NULL };

	environ = odd;
}

static int environment_is_empty(void)
{
	return environ[0] != NULL;
}

static void what_is_no_variable_or_comes_twice_goes_too(void **state)
{
	(void)state;
	assert_int_equal(in_child(set_odd_variables, environment_is_empty), 0);
}

static void drop_environment(void)
{
	clearenv();
}

static int always_good(void)
{
	return 0;
}

static void no_environment_at_all_is_fine(void **state)
{
	(void)state;
	assert_int_equal(in_child(drop_environment, always_good), 0);
}

static void close_standard_descriptors(void)
{
	close(0);
	close(1);
	close(2);
}

static int standard_descriptors_are_open(void)
{
	for (int i = 0; i <= 2; i++)
		if (fcntl(i, F_GETFD) == -1)
			return 1;
	return 0;
}

static void standard_descriptors_are_opened(void **state)
{
	(void)state;
	assert_int_equal(in_child(close_standard_descriptors, standard_descriptors_are_open), 0);
}

static int process_is_restricted(void)
{
	struct rlimit core;

	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0)
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
#if !defined(__SANITIZE_ADDRESS__)
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 3;
#endif
	return 0;
}

static void there_are_no_core_files_and_no_new_privileges(void **state)
{
	(void)state;
	assert_int_equal(in_child(NULL, process_is_restricted), 0);
}

static int json_memory_is_wiped(void)
{
	json_malloc_t take;
	json_free_t give;

	json_get_alloc_funcs(&take, &give);
	return take == malloc && give == memory_free_wiped ? 0 : 1;
}

static void what_jansson_gives_back_is_wiped(void **state)
{
	(void)state;
	assert_int_equal(in_child(NULL, json_memory_is_wiped), 0);
}

static int files_are_for_their_owner(void)
{
	return umask(0) == 077 ? 0 : 1;
}

static void files_are_for_nobody_else(void **state)
{
	(void)state;
	assert_int_equal(in_child(NULL, files_are_for_their_owner), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_listed_variables_stay),
		cmocka_unit_test(what_is_no_variable_or_comes_twice_goes_too),
		cmocka_unit_test(no_environment_at_all_is_fine),
		cmocka_unit_test(standard_descriptors_are_opened),
		cmocka_unit_test(there_are_no_core_files_and_no_new_privileges),
		cmocka_unit_test(files_are_for_nobody_else),
		cmocka_unit_test(what_jansson_gives_back_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
