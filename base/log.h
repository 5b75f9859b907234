/*
 * The talk on stderr: warnings and progress. stdout is the answer and never passes here.
 * Everything is made printable. Folders report through `struct progress`; only cli/ decides
 * how it looks (a bar on a terminal, a line every ten seconds elsewhere).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"

/* Who listens to a long task. All members may be NULL; `context` is handed back. */
struct progress {
	void *context;
	/* `done` of `total` (0 = unknown) `what` ("users"). Cheap to call for every page. */
	void (*step)(void *context, const char *what, uint64_t done, uint64_t total);
	/* Waiting for `why` ("throttled by Graph") for this long. */
	void (*wait)(void *context, const char *why, int64_t duration_ms);
	/* Something a person should know that stops nothing. */
	void (*warn)(void *context, const char *text);
};

void progress_step(
	const struct progress *progress, const char *what, uint64_t done, uint64_t total);
void progress_wait(const struct progress *progress, const char *why, int64_t duration_ms);
void progress_warn(const struct progress *progress, const char *format, ...) PRINTF_LIKE(2, 3);

/* True once SIGINT or SIGTERM came: finish what is in flight, send nothing new. */
bool interrupted(void);
/* Installs the handlers; the only state of the process they touch is one flag. */
void interrupted_listen(void);
