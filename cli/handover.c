/*
 * From `unstage` to `unstage-online`. Both are of one build: the version goes with it in a variable, and
 * another one is refused, since what one of them understood the other might read differently. A variable,
 * because arguments are what the user typed; it is none that environment.c keeps, and ends there.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/program.h"

#define PROGRAM  "unstage-online"
#define VARIABLE "UNSTAGE_HANDOVER"

enum { PATH_BYTES = 4096 };

/* As seen from the folder that this program is in. */
static const char *const places[] = { PROGRAM, "../libexec/unstage/" PROGRAM };

/* Of the file itself, wherever a link to it stands. */
static bool own_folder(char path[static PATH_BYTES], struct error *err)
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_BYTES - 1);

	if (length < 0)
		return error_errno(err, "/proc/self/exe");
	path[length] = '\0';
	*strrchr(path, '/') = '\0';
	return true;
}

bool handover(char **argv, struct error *err)
{
	char folder[PATH_BYTES];

	/* What talks has nobody to hand over to. */
	assert(!program.commands);
	if (!own_folder(folder, err))
		return false;
	if (setenv(VARIABLE, UNSTAGE_VERSION, 1) != 0)
		return error_errno(err, VARIABLE);
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		CLEANUP(memory_freep) char *path = file_path(folder, places[i]);

		execv(path, argv);
		if (errno != ENOENT && errno != ENOTDIR)
			return error_errno(err, "%s: can't run it", path);
	}
	return error_set(err, ERROR_SYSTEM,
		"unstage %s needs the program %s, which is neither in %s nor in %s/../libexec/unstage; "
		"install it there, from the build that unstage is of",
		argv[1], PROGRAM, folder, folder);
}

bool handover_check(struct error *err)
{
	const char *version = getenv(VARIABLE);

	if (version && !program.commands)
		return error_set(err, ERROR_SYSTEM,
			"the %s that was found is unstage itself; install both from one build",
			PROGRAM);
	return !version || strcmp(version, UNSTAGE_VERSION) == 0 ||
		error_set(err, ERROR_SYSTEM,
			"unstage is version %.32s, and the %s that it found is " UNSTAGE_VERSION
			"; install both from one build",
			version, PROGRAM);
}
