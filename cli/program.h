/*
 * Two programs are made of one source, because a process that loads an HTTP library takes longer to begin
 * than most commands take to end. `unstage` is what people call: it has every command that works on files,
 * and nothing that could talk. `unstage-online` has these and the folder online/; `unstage` becomes it
 * (exec) for a command that talks.
 */
#pragma once

#include "cli/command.h"

struct snapshot;

/* What a program has that talks; in `unstage` all of it is NULL. */
struct program {
	/* Its libraries, after process_start(). */
	bool (*start)(struct error *err);
	const struct command *const *commands; /* ended by NULL */
	/* The snapshot that `live` stands for: taken now, kept in the state folder, opened. */
	struct snapshot *(*take_live)(
		const char *word, const char *profile_name, struct error *err);
};

extern const struct program program;

/*
 * Runs the command that `argv` names, or hands it over. Its exit status, 0 or 1; ERROR_USAGE where no command was named,
 * which is then told; or -1 with the error set.
 */
MUST_CHECK int command_dispatch(int argc, char **argv, struct error *err);

/*
 * Becomes `unstage-online`, with the same arguments: beside this program, or in ../libexec/unstage. What
 * was set up for this process stays so. Returns only when that can't be (false, ERROR_SYSTEM).
 */
MUST_CHECK bool handover(char **argv, struct error *err);
/* Whether whoever handed over to this program, if anybody did, is the other one, of its version. ERROR_SYSTEM. */
MUST_CHECK bool handover_check(struct error *err);
