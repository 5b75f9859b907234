/* The libraries that talk, as net_start() starts them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "net/net.h"

/* Runs `check` in a child of its own, and gives what it returns: 0 is good. */
static int in_child(int (*check)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct error err = { 0 };

		_exit(process_start(&err) ? check() : 99);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int libraries_work(void)
{
	struct error err = { 0 };
	unsigned char digest[EVP_MAX_MD_SIZE];
	bool started = net_start(&err);
	json_t *json = json_loads("{\"a\":[1,2,3]}", 0, NULL);
	CURL *curl = curl_easy_init();
	char *text = json_dumps(json, 0);
	bool good = started && json && curl && text &&
		EVP_Digest("x", 1, digest, NULL, EVP_sha256(), NULL) == 1 &&
		curl_easy_setopt(curl, CURLOPT_URL, "https://graph.example/") == CURLE_OK;

	curl_easy_cleanup(curl);
	json_decref(json);
	return good ? 0 : 1;
}

static void the_libraries_work_with_memory_that_is_wiped(void **state)
{
	(void)state;
	assert_int_equal(in_child(libraries_work), 0);
}

static int refused_where_openssl_has_memory(void)
{
	struct error err = { 0 };
	void *memory = OPENSSL_malloc(16);
	bool started = net_start(&err);

	OPENSSL_free(memory);
	return !started && err.kind == ERROR_SYSTEM ? 0 : 1;
}

static void what_openssl_took_before_would_not_be_wiped(void **state)
{
	(void)state;
	assert_int_equal(in_child(refused_where_openssl_has_memory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_libraries_work_with_memory_that_is_wiped),
		cmocka_unit_test(what_openssl_took_before_would_not_be_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
