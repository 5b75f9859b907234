#include "base/log.h"

#include <signal.h>
#include <stdarg.h>

#include "base/error.h"

void progress_step(const struct progress *progress, const char *what, uint64_t done, uint64_t total)
{
	if (progress && progress->step)
		progress->step(progress->context, what, done, total);
}

void progress_wait(const struct progress *progress, const char *why, int64_t duration_ms)
{
	if (progress && progress->wait)
		progress->wait(progress->context, why, duration_ms);
}

void progress_warn(const struct progress *progress, const char *format, ...)
{
	struct error text; /* for its way of cutting what is too long */
	va_list arguments;

	if (!progress || !progress->warn)
		return;
	va_start(arguments, format);
	error_set_v(&text, ERROR_NONE, format, arguments);
	va_end(arguments);
	progress->warn(progress->context, text.text);
}

/* The one mutable thing of the process: a handler can reach nothing else. */
static volatile sig_atomic_t interrupt_came;

static void note_interrupt(int number)
{
	(void)number;
	interrupt_came = 1;
}

bool interrupted(void)
{
	return interrupt_came != 0;
}

void interrupted_listen(void)
{
	struct sigaction action = { .sa_handler = note_interrupt };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}
