/*
 * A trace tells which requests were made and how they ended, and nothing that is secret or
 * personal: header names from a list, never a body, no query of a token request [T22].
 */
#include <string.h>

#include "base/text.h"
#include "net/net_internal.h"

/* An entry that ends with "-" stands for every name that begins so. */
static const char *const traced_headers[] = {
	"client-request-id",
	"content-type",
	"date",
	"request-id",
	"retry-after",
	"x-ms-ags-diagnostic",
	"x-ms-resource-unit",
	"x-ms-throttle-",
};

static bool is_traced(struct span name)
{
	for (size_t i = 0; i < COUNT_OF(traced_headers); i++) {
		size_t length = strlen(traced_headers[i]);
		bool prefix = traced_headers[i][length - 1] == '-';

		if ((prefix ? name.length > length : name.length == length) &&
			memcmp(name.data, traced_headers[i], length) == 0)
			return true;
	}
	return false;
}

int url_shown_length(const char *url)
{
	return (int)strcspn(url, "?");
}

static void add_headers(struct buf *line, const struct buf *headers)
{
	const char *at = buf_text(headers);

	while (*at) {
		const char *end = strchrnul(at, '\n');
		const char *colon = memchr(at, ':', (size_t)(end - at));

		if (colon && is_traced((struct span){ at, (size_t)(colon - at) }))
			buf_addf(line, "; %.*s", (int)(end - at), at);
		at = *end ? end + 1 : end;
	}
}

void trace_exchange(FILE *trace, const struct net_request *request, const char *url,
	const struct net_response *response, const char *trouble)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(NET_HEADERS_MAX + NET_URL_MAX + 2048);
	int shown = request->secret == NET_SECRET_CREDENTIAL ? url_shown_length(url)
							     : (int)strlen(url);

	if (!trace)
		return;
	buf_addf(&line, "%s %.*s: ", request->method, shown, url);
	if (trouble)
		buf_addf(&line, "%s (%s)", trouble,
			response->sent ? "it may have arrived" : "it did not leave");
	else
		buf_addf(&line, "%ld", response->status);
	buf_addf(&line, " after %lld ms", (long long)response->took_ms);
	add_headers(&line, &response->headers);
	text_line(trace, "%s", buf_text(&line));
}
