/*
 * unstage undoes what an Entra Connect staging server did to a directory by accident.
 * This file begins the process, and ends it with the status of the command that ran.
 */
#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/program.h"

/* Whether errors are to be JSON: known also when the options could not be understood. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0)
			return true;
	}
	return false;
}

/*
 * A file that is opened where stdout is missing would get what is meant for stdout. What is missing
 * is held open the wrong way round, so that using it still fails.
 */
static bool hold_standard_files(struct error *err)
{
	for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
		int flags = descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", flags) != descriptor)
			return error_errno(err, "/dev/null: can't open");
	}
	return true;
}

/*
 * Whoever read the answer has had enough (`unstage diff … | head`): that is no error to tell, and ends
 * this program as it ends others, by the signal. Only here, where everything is written and closed.
 */
static void end_where_nobody_reads(void)
{
	struct pollfd answer = { .fd = STDOUT_FILENO, .events = POLLOUT };

	if (!ferror(stdout) || poll(&answer, 1, 0) < 1 || !(answer.revents & POLLERR))
		return;
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

int main(int argc, char **argv)
{
	struct error err = { 0 };
	int status = hold_standard_files(&err) ? 0 : -1;

	/* Who reads no further is found out where it is written, and what is open ends well. */
	signal(SIGPIPE, SIG_IGN);
	if (status == 0)
		status = command_dispatch(argc, argv, &err);
	talk_end();
	if (status >= 0 && (fflush(stdout) != 0 || ferror(stdout))) {
		error_set(&err, ERROR_SYSTEM, "can't write to stdout");
		status = -1;
	}
	if (status >= 0)
		return status;
	end_where_nobody_reads();
	assert(err.kind != ERROR_NONE);
	screen_error(&err, wants_json(argc, argv));
	return (int)err.kind;
}
