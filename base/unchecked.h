/*
 * Walking JSON that nobody has checked, as lines are walked that are only told apart or compared: it
 * finds what there is in lines that our writer made, and in others something or nothing, inside
 * the text.
 */
#pragma once

#include "base/scan_internal.h"

/* The quote that ends the string whose content begins at `at`; NULL where none does. */
static inline const char *unchecked_string_end(const char *at, const char *end)
{
	while (at < end) {
		at = scan_run_end(at, end, STOP_AT_QUOTE);
		if (at < end && *at == '"')
			return at;
		if (end - at < 2)
			break;
		at += 2;
	}
	return NULL;
}
