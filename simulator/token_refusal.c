/* How Entra says no: contract 1.6. */
#include <stdio.h>

#include "base/memory.h"
#include "base/time.h"
#include "simulator/token.h"

bool token_refuse(struct exchange *exchange, const struct token_error *why, const char *format, ...)
{
	struct simulator *simulator = exchange->simulator;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TOKEN_MAX_BYTES);
	char piece[1024], at[TIME_TEXT_BYTES], stamp[TIME_TEXT_BYTES], correlation[GUID_TEXT_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(piece, sizeof(piece), format, arguments);
	va_end(arguments);
	time_text(signin_now_ms(simulator) / 1000 * 1000, at);
	snprintf(stamp, sizeof(stamp), "%.10s %.8sZ", at, at + 11);
	simulator_guid(simulator, correlation);
	buf_addf(&text, "AADSTS%u: ", why->number);
	text_printable(&text, span_of(piece));
	buf_addf(&text, " Trace ID: %s Correlation ID: %s Timestamp: %s", exchange->request_id,
		correlation, stamp);
	return exchange_answer_take(exchange, why->status,
		json_pack("{s:s, s:s, s:[i], s:s, s:s, s:s, s:o}", "error", why->error,
			"error_description", buf_text(&text), "error_codes", (int)why->number,
			"timestamp", stamp, "trace_id", exchange->request_id, "correlation_id",
			correlation, "error_uri",
			json_sprintf(
				"https://login.microsoftonline.com/error?code=%u", why->number)));
}
