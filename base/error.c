#include "base/error.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char cut_mark[] = "…";

/* Marks a text that did not fit, at the start of a character. */
static void mark_cut(char *text, size_t size)
{
	size_t at = size - sizeof(cut_mark);

	while (at > 0 && ((uint8_t)text[at] & 0xc0) == 0x80)
		at--;
	memcpy(text + at, cut_mark, sizeof(cut_mark));
}

bool error_set_v(struct error *err, enum error_kind kind, const char *format, va_list arguments)
{
	int length = vsnprintf(err->text, sizeof(err->text), format, arguments);

	err->kind = kind;
	if (length < 0)
		err->text[0] = '\0';
	else if ((size_t)length >= sizeof(err->text))
		mark_cut(err->text, sizeof(err->text));
	return false;
}

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	error_set_v(err, kind, format, arguments);
	va_end(arguments);
	return false;
}

bool error_prefix(struct error *err, const char *format, ...)
{
	struct error inner = *err;
	char context[512];
	va_list arguments;

	va_start(arguments, format);
	if (vsnprintf(context, sizeof(context), format, arguments) >= (int)sizeof(context))
		mark_cut(context, sizeof(context));
	va_end(arguments);
	return error_set(err, inner.kind, "%s: %s", context, inner.text);
}

bool error_errno(struct error *err, const char *format, ...)
{
	int number = errno;
	char context[512];
	va_list arguments;

	va_start(arguments, format);
	if (vsnprintf(context, sizeof(context), format, arguments) >= (int)sizeof(context))
		mark_cut(context, sizeof(context));
	va_end(arguments);
	return error_set(err, ERROR_SYSTEM, "%s: %s", context, strerror(number));
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
