/*
 * What talks, started: an OpenSSL that reads no configuration file, random numbers that work in it,
 * libcurl, and memory of both that is wiped when it is freed [T21, T24].
 */
#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "net/net.h"

/* OpenSSL's hooks also say where they were called from. */
static void *openssl_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return size ? malloc(size) : NULL;
}

static void *openssl_realloc(void *memory, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return memory_resize_wiped(memory, size);
}

static void openssl_free(void *memory, const char *file, int line)
{
	(void)file, (void)line;
	memory_free_wiped(memory);
}

/* A few RSA keys of the largest size; OpenSSL's allocator halves it down to such pieces. */
enum { SECURE_HEAP_BYTES = 128 << 10, SECURE_PIECE_BYTES = 32 };

bool net_secure_heap(struct error *err)
{
	const char *reason;

	if (CRYPTO_secure_malloc_initialized())
		return true;
	/* 2: there is a heap, but it could not be locked or fenced, and so it is none. */
	if (CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, SECURE_PIECE_BYTES) == 1)
		return true;
	reason = strerror(errno);
	CRYPTO_secure_malloc_done();
	return error_set(err, ERROR_SYSTEM,
		"can't lock %d bytes of memory for the private key, so that it never reaches a disk: "
		"%s. Allow more locked memory: ulimit -l 1024, or LimitMEMLOCK=1M in a service unit",
		SECURE_HEAP_BYTES, reason);
}

static bool start_openssl(struct error *err)
{
	const uint64_t options = OPENSSL_INIT_NO_LOAD_CONFIG;

	if (OPENSSL_init_crypto(options, NULL) != 1 || OPENSSL_init_ssl(options, NULL) != 1)
		return error_set(err, ERROR_SYSTEM, "OpenSSL does not start");
	return true;
}

/* First of all: a generator that fails later, for lack of memory, takes its library down. */
static bool start_random(struct error *err)
{
	unsigned char bytes[32];
	bool good = RAND_bytes(bytes, sizeof(bytes)) == 1;

	explicit_bzero(bytes, sizeof(bytes));
	return good || error_set(err, ERROR_SYSTEM, "no random numbers from this machine");
}

bool net_start(struct error *err)
{
	CURLcode code;

	/* Hooks before the first allocation of each library. */
	if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
		return error_set(err, ERROR_SYSTEM, "OpenSSL was in use before the program began");
	/* The configuration file is ruled out before anything, also the generator, loads it. */
	if (!start_openssl(err) || !start_random(err))
		return false;
	code = curl_global_init_mem(
		CURL_GLOBAL_ALL, malloc, memory_free_wiped, memory_resize_wiped, strdup, calloc);
	if (code != CURLE_OK)
		return error_set(
			err, ERROR_SYSTEM, "libcurl does not start: %s", curl_easy_strerror(code));
	return true;
}
