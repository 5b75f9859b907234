/*
 * Instants are milliseconds since 1970 UTC; the wall clock is read once per run by
 * whoever needs it (T12) and handed on. Waiting is measured with the monotonic clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/span.h"

enum { TIME_TEXT_BYTES = 32 };

#define TIME_NONE INT64_MIN

int64_t time_now_ms(void);               /* the wall clock */
int64_t time_monotonic_ms(void);         /* only differences mean something */
void time_sleep_ms(int64_t duration_ms); /* returns early on a signal */

/*
 * ISO 8601 as Graph writes it: YYYY-MM-DDThh:mm[:ss[.fraction]](Z|±hh:mm), or the date alone
 * (midnight UTC). Digits beyond milliseconds are dropped. False when it is not an instant.
 */
MUST_CHECK bool time_parse(struct span text, int64_t *ms);

/*
 * The same with all seven decimals Graph may send, for comparing: 100 ns units since 1970.
 * Two texts are the same instant exactly when these are equal.
 */
MUST_CHECK bool time_parse_ticks(struct span text, int64_t *ticks);

/* "Wed, 04 Mar 2026 02:17:41 GMT" (RFC 9110 IMF-fixdate, as in Date and Retry-After). */
MUST_CHECK bool time_parse_http(const char *text, int64_t *ms);

/* "2026-03-04T02:17:41Z", with ".551" when there are milliseconds. Returns `text`. */
char *time_text(int64_t ms, char text[static TIME_TEXT_BYTES]);

/* The IMF-fixdate of the same. Returns `text`. */
char *time_text_http(int64_t ms, char text[static TIME_TEXT_BYTES]);
