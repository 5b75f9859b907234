/*
 * Where a secret comes from [T21]: a file that is ours alone, standard input, a credential that
 * systemd hands to a service, or a documented variable. It is read straight into locked memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "auth/auth_internal.h"
#include "base/file.h"
#include "base/memory.h"

static const char service_prefix[] = "credential:";

/* ---- standard input ------------------------------------------------------------------ */

/* One read, in spite of signals that mean nothing. */
static ssize_t read_some(char *room, size_t size)
{
	for (;;) {
		ssize_t got = read(STDIN_FILENO, room, size);

		if (got >= 0 || errno != EINTR || interrupted())
			return got;
	}
}

/* `one_line`: a person types, and Enter is the end. */
static bool read_input(
	const struct secret_place *place, bool one_line, struct locked_text *out, struct error *err)
{
	while (out->length <= place->max) {
		ssize_t got = read_some(
			out->data + out->length, one_line ? 1 : out->capacity - out->length);

		if (got < 0)
			return error_errno(
				err, "the %s can't be read from standard input", place->what);
		if (got == 0 || (one_line && strchr("\r\n", out->data[out->length])))
			return true;
		out->length += (size_t)got;
	}
	return error_set(err, ERROR_FORMAT, "the %s on standard input is larger than %zu bytes",
		place->what, place->max);
}

/* Neither echoed nor cut: a terminal that edits lines keeps 4095 bytes of each. */
static bool read_terminal(
	const struct secret_place *place, struct locked_text *out, struct error *err)
{
	struct termios before, silent;
	bool done;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return error_errno(err, "the terminal can't be asked for the %s", place->what);
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	silent.c_cc[VMIN] = 1;
	silent.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	progress_warn(place->progress, "type or paste the %s, which is not shown, and press Enter",
		place->what);
	done = read_input(place, true, out, err);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	return done;
}

static bool read_standard_input(
	const struct secret_place *place, struct locked_text *out, struct error *err)
{
	if (isatty(STDIN_FILENO))
		return read_terminal(place, out, err);
	return read_input(place, false, out, err);
}

/* ---- files ----------------------------------------------------------------------------- */

static bool read_service_credential(const struct secret_place *place, const char *name,
	struct locked_text *out, struct error *err)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	CLEANUP(memory_freep) char *path = NULL;

	if (!name[0] || strchr(name, '/') || name[0] == '.')
		return error_set(err, ERROR_USAGE, "%s = %s: no name of a credential", place->key,
			place->text);
	if (!folder || folder[0] != '/')
		return error_set(err, ERROR_AUTH,
			"%s = %s, and CREDENTIALS_DIRECTORY is not set. systemd sets it for a service "
			"with LoadCredential=%s:/path/to/file",
			place->key, place->text, name);
	path = file_path(folder, name);
	return file_read_secret(path, FILE_SERVICE, out->data, place->max, &out->length, err) ||
		error_prefix(err, "%s", place->key);
}

static bool read_place(const struct secret_place *place, struct locked_text *out, struct error *err)
{
	size_t prefix = sizeof(service_prefix) - 1;

	if (strcmp(place->text, "-") == 0)
		return read_standard_input(place, out, err);
	if (strncmp(place->text, service_prefix, prefix) == 0)
		return read_service_credential(place, place->text + prefix, out, err);
	return file_read_secret(place->text, FILE_OURS, out->data, place->max, &out->length, err) ||
		error_prefix(err, "%s", place->key);
}

static struct span trimmed(struct span text, enum secret_trim trim)
{
	const char *blanks = trim == TRIM_BLANKS ? " \t\r\n" : "\r\n";

	if (trim == TRIM_NOTHING)
		return text;
	while (text.length && strchr(blanks, text.data[text.length - 1]))
		text.length--;
	while (trim == TRIM_BLANKS && text.length && strchr(blanks, text.data[0])) {
		text.data++;
		text.length--;
	}
	return text;
}

bool secret_read(const struct secret_place *place, struct locked_text *out, struct error *err)
{
	CLEANUP(locked_text_release) struct locked_text read = { 0 };
	struct span kept;

	/* One byte more than is allowed shows that there is more. */
	if (!locked_text_init(&read, place->max + 1, place->what, err) ||
		!read_place(place, &read, err))
		return false;
	kept = trimmed(locked_text_span(&read), place->trim);
	if (!kept.length)
		return error_set(err, ERROR_AUTH, "%s = %s: there is no %s in it", place->key,
			place->text, place->what);
	if (place->trim != TRIM_NOTHING && memchr(kept.data, '\0', kept.length))
		return error_set(err, ERROR_AUTH, "%s = %s: the %s holds a NUL byte", place->key,
			place->text, place->what);
	return locked_text_init_copy(out, kept, place->what, err);
}

/* ---- variables --------------------------------------------------------------------------- */

bool secret_take_variable(
	const char *name, const char *what, struct locked_text *out, struct error *err)
{
	char *value = getenv(name);
	bool done;

	if (!value)
		return true;
	done = !*value || locked_text_init_copy(out, span_of(value), what, err);
	/* The very bytes that /proc/PID/environ shows. */
	explicit_bzero(value, strlen(value));
	unsetenv(name);
	return done;
}

const char *variable_of(const struct auth_options *options, const char *name)
{
	const char *value = options->environment ? getenv(name) : NULL;

	return value && *value ? value : NULL;
}
