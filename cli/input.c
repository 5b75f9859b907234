/* What people type: moments and passwords. */
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"

enum { PASSWORD_MAX = 1024 };

/* "36h". */
static bool parse_duration(const char *text, int64_t *ms)
{
	static const struct {
		char letter;
		int64_t ms;
	} units[] = { { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
	int64_t number = 0;
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 6 || strlen(text) != digits + 1)
		return false;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (text[i] - '0');
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (units[i].letter == text[digits]) {
			*ms = number * units[i].ms;
			return true;
		}
	}
	return false;
}

bool duration_parse(const char *text, int64_t *duration_ms, struct error *err)
{
	return (parse_duration(text, duration_ms) && *duration_ms > 0) ||
		error_set(err, ERROR_USAGE, "'%s' is no length of time; write 30m, 6h or 2d", text);
}

bool moment_parse(const char *text, int64_t now_ms, int64_t *ms, struct error *err)
{
	int64_t ago;

	if (parse_duration(text, &ago)) {
		*ms = now_ms - ago;
		return true;
	}
	if (time_parse(span_of(text), ms))
		return true;
	return error_set(err, ERROR_USAGE,
		"'%s' is no moment; write 2026-03-04, 2026-03-04T02:00:00Z, or 36h, 7d before now",
		text);
}

static bool read_line(int terminal, struct buf *line, struct error *err)
{
	char byte;
	ssize_t got;

	while ((got = read(terminal, &byte, 1)) == 1 && byte != '\n')
		buf_add_byte(line, byte);
	if (got < 0)
		return error_errno(err, "can't read the password from the terminal");
	return buf_check(line, "the password", err);
}

static bool ask_once(int terminal, const char *prompt, struct buf *password, struct error *err)
{
	struct termios before, silent;
	bool done;

	if (tcgetattr(terminal, &before) < 0)
		return error_errno(err, "can't ask for the password");
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(terminal, TCSAFLUSH, &silent);
	dprintf(terminal, "%s: ", prompt);
	done = read_line(terminal, password, err);
	tcsetattr(terminal, TCSAFLUSH, &before);
	dprintf(terminal, "\n");
	return done;
}

bool password_ask(const char *prompt, bool again, struct buf *password, struct error *err)
{
	CLEANUP(buf_wipe) struct buf second = BUF_UP_TO(PASSWORD_MAX);
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	bool done;

	if (terminal < 0)
		return error_set(err, ERROR_USAGE,
			"there is no terminal to ask for the password; a key for tests needs none: "
			"unstage keygen --no-password");
	done = ask_once(terminal, prompt, password, err) &&
		(!again || ask_once(terminal, "the same again", &second, err));
	close(terminal);
	if (done && again && !span_equal(buf_span(password), buf_span(&second)))
		return error_set(err, ERROR_USAGE, "the two passwords differ");
	if (done && !password->length)
		return error_set(
			err, ERROR_USAGE, "an empty password; a key without one: --no-password");
	return done;
}
