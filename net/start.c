/*
 * What must be so before any library starts [T21, T24]: a short environment, standard
 * descriptors that are open, no core files, no debugger of the same user, memory that is wiped
 * when it is freed, random numbers that work, an OpenSSL that reads no configuration file.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/net_internal.h"

/* ---- memory that libraries hold secrets in ------------------------------------------- */

static void wiping_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

/* realloc() may leave the old bytes behind, so it is never asked. */
static void *wiping_realloc(void *memory, size_t size)
{
	size_t old = memory ? malloc_usable_size(memory) : 0;
	void *moved;

	if (memory && !size) {
		wiping_free(memory);
		return NULL;
	}
	moved = malloc(size);
	if (moved && memory) {
		memcpy(moved, memory, old < size ? old : size);
		wiping_free(memory);
	}
	return moved;
}

/* OpenSSL's hooks also say where they were called from. */
static void *openssl_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return size ? malloc(size) : NULL;
}

static void *openssl_realloc(void *memory, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return wiping_realloc(memory, size);
}

static void openssl_free(void *memory, const char *file, int line)
{
	(void)file, (void)line;
	wiping_free(memory);
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

/* ---- the process --------------------------------------------------------------------- */

/* A file opened as descriptor 2 would receive our messages. */
static bool open_standard_descriptors(struct error *err)
{
	for (int wanted = 0; wanted <= 2; wanted++) {
		if (fcntl(wanted, F_GETFD) != -1)
			continue;
		/* The lowest free number is taken, and all below are in use. */
		if (open("/dev/null", O_RDWR) != wanted)
			return error_errno(err, "/dev/null as descriptor %d", wanted);
	}
	return true;
}

static bool restrict_process(struct error *err)
{
	const struct rlimit no_core = { 0, 0 };

	if (getauxval(AT_SECURE))
		return error_set(err, ERROR_SYSTEM,
			"unstage is installed set-uid or with capabilities. It refuses to run so");
	umask(077);
	if (setrlimit(RLIMIT_CORE, &no_core) != 0)
		return error_errno(err, "forbidding core files");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_errno(err, "giving up new privileges");
		/* The leak sanitizer looks at its own process as a debugger does. */
#if !defined(__SANITIZE_ADDRESS__)
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return error_errno(err, "forbidding debuggers");
#endif
	return open_standard_descriptors(err);
}

/* ---- the libraries ------------------------------------------------------------------- */

/* First of all: a generator that fails later, for lack of memory, takes its library down. */
static bool start_random(struct error *err)
{
	unsigned char bytes[32];
	bool good = sodium_init() >= 0;

	if (good) {
		randombytes_buf(bytes, sizeof(bytes));
		good = RAND_bytes(bytes, sizeof(bytes)) == 1;
	}
	explicit_bzero(bytes, sizeof(bytes));
	return good || error_set(err, ERROR_SYSTEM, "no random numbers from this machine");
}

static bool start_openssl(struct error *err)
{
	const uint64_t options = OPENSSL_INIT_NO_LOAD_CONFIG;

	if (OPENSSL_init_crypto(options, NULL) != 1 || OPENSSL_init_ssl(options, NULL) != 1)
		return error_set(err, ERROR_SYSTEM, "OpenSSL does not start");
	return true;
}

bool net_start(struct error *err)
{
	CURLcode code;

	environment_restrict();
	if (!restrict_process(err))
		return false;
	/* Hooks before the first allocation of each library. */
	json_set_alloc_funcs(malloc, wiping_free);
	if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
		return error_set(err, ERROR_SYSTEM, "OpenSSL was in use before the program began");
	/* The configuration file is ruled out before anything, also the generator, loads it. */
	if (!start_openssl(err) || !start_random(err))
		return false;
	code = curl_global_init_mem(
		CURL_GLOBAL_ALL, malloc, wiping_free, wiping_realloc, strdup, calloc);
	if (code != CURLE_OK)
		return error_set(
			err, ERROR_SYSTEM, "libcurl does not start: %s", curl_easy_strerror(code));
	return true;
}
