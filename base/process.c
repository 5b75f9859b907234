/*
 * What must be so in every process [T21, T24]: a short environment, standard descriptors that are
 * open, no core files, no debugger of the same user, memory that is wiped when it is freed, random
 * numbers that work. The libraries that talk start in net/start.c, where somebody talks.
 */
#include "base/process.h"

#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

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

/* First of all: a generator that fails later, for lack of memory, takes its library down. */
static bool start_random(struct error *err)
{
	unsigned char bytes[32];
	bool good = sodium_init() >= 0;

	if (good)
		randombytes_buf(bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	return good || error_set(err, ERROR_SYSTEM, "no random numbers from this machine");
}

bool process_start(struct error *err)
{
	environment_restrict();
	if (!restrict_process(err))
		return false;
	/* Before its first allocation. */
	json_set_alloc_funcs(malloc, memory_free_wiped);
	return start_random(err);
}
