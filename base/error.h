/*
 * The one error type. A failure is set once, where it happens, and prefixed where
 * it gains meaning, so that the text reads from the outermost attempt inwards:
 *
 *	apply: step 4: PATCH /groups/7…: 403 Authorization_RequestDenied (request-id …)
 *
 * The kind is what a caller can act on, and the exit status of the program.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include "base/attributes.h"

enum error_kind {
	ERROR_NONE = 0,
	ERROR_USAGE = 2,   /* the command line or the configuration is wrong */
	ERROR_AUTH = 3,    /* no token, or the token was not accepted */
	ERROR_DENIED = 4,  /* authenticated, but not allowed */
	ERROR_STALE = 5,   /* the directory is not what the plan saw */
	ERROR_NETWORK = 6, /* unreachable, or throttled beyond the limit */
	ERROR_FORMAT = 7,  /* unreadable or damaged input */
	ERROR_REFUSED = 8, /* signature, trust, tenant, expiry, guard limit */
	ERROR_SYSTEM = 9,  /* this machine: disk, memory, permissions */
};

struct error {
	enum error_kind kind;
	char text[1024]; /* UTF-8, cut at a character; printable text is the printer's task */
};

/*
 * Sets the error; a text too long is cut with a mark. Always false, and so that compilers and
 * analyzers see it: `return error_set(…)` is how a function fails.
 */
#define error_set(err, kind, ...) (error_set_text(err, kind, __VA_ARGS__), error_is_false())
void error_set_text(struct error *err, enum error_kind kind, const char *format, ...)
	PRINTF_LIKE(3, 4);
void error_set_v(struct error *err, enum error_kind kind, const char *format, va_list arguments)
	PRINTF_LIKE(3, 0);

/* Puts "context: " before the text; the kind stays. Always false. */
#define error_prefix(err, ...) (error_prefix_text(err, __VA_ARGS__), error_is_false())
void error_prefix_text(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* ERROR_SYSTEM with errno's text behind the given one. Always false. */
#define error_errno(err, ...) (error_errno_text(err, __VA_ARGS__), error_is_false())
void error_errno_text(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

static inline bool error_is_false(void)
{
	return false;
}

/* "network", "refused", …: the word for --json and for tables. */
const char *error_kind_name(enum error_kind kind);
