#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char cut_mark[] = "…";

/* A text that does not fit ends with a mark, behind a whole character. */
static void PRINTF_LIKE(3, 0)
	write_text(char *text, size_t size, const char *format, va_list arguments)
{
	int length = vsnprintf(text, size, format, arguments);
	size_t kept;

	if (length < 0) {
		text[0] = '\0';
	} else if ((size_t)length >= size) {
		kept = text_whole((struct span){ text, size - 1 }, size - sizeof(cut_mark));
		memcpy(text + kept, cut_mark, sizeof(cut_mark));
	}
}

void error_set_v(struct error *err, enum error_kind kind, const char *format, va_list arguments)
{
	write_text(err->text, sizeof(err->text), format, arguments);
	err->kind = kind;
}

void error_set_text(struct error *err, enum error_kind kind, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	error_set_v(err, kind, format, arguments);
	va_end(arguments);
}

void error_prefix_text(struct error *err, const char *format, ...)
{
	struct error inner = *err;
	char context[512];
	va_list arguments;

	va_start(arguments, format);
	write_text(context, sizeof(context), format, arguments);
	va_end(arguments);
	error_set_text(err, inner.kind, "%s: %s", context, inner.text);
}

void error_errno_text(struct error *err, const char *format, ...)
{
	int number = errno;
	char context[512];
	va_list arguments;

	va_start(arguments, format);
	write_text(context, sizeof(context), format, arguments);
	va_end(arguments);
	error_set_text(err, ERROR_SYSTEM, "%s: %s", context, strerror(number));
}

const char *error_kind_name(enum error_kind kind)
{
	switch (kind) {
	case ERROR_NONE:
		return "none";
	case ERROR_USAGE:
		return "usage";
	case ERROR_AUTH:
		return "authentication";
	case ERROR_DENIED:
		return "denied";
	case ERROR_STALE:
		return "stale";
	case ERROR_NETWORK:
		return "network";
	case ERROR_FORMAT:
		return "format";
	case ERROR_REFUSED:
		return "refused";
	case ERROR_SYSTEM:
		return "system";
	}
	return "unknown";
}
