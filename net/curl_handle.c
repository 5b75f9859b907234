/*
 * What every handle is set to before it carries anything, from the threat model [T19, T23, T25]. A test
 * looks these options up in the sources of this folder.
 */
#include <string.h>

#include "net/net_internal.h"

static const struct {
	CURLoption option;
	long value;
} fixed_options[] = {
	{ CURLOPT_NOSIGNAL, 1 },
	{ CURLOPT_BUFFERSIZE,
		128 << 10 }, /* an HTTP/2 frame that does not fit is put aside first */
	{ CURLOPT_CONNECTTIMEOUT_MS, NET_CONNECT_MS },
	{ CURLOPT_TIMEOUT_MS, NET_TOTAL_MS },
	{ CURLOPT_LOW_SPEED_LIMIT, 1 },
	{ CURLOPT_LOW_SPEED_TIME, NET_STALL_MS / 1000 },
	{ CURLOPT_SSL_VERIFYPEER, 1 },
	{ CURLOPT_SSL_VERIFYHOST, 2 },
	{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	{ CURLOPT_PROXY_SSL_VERIFYPEER, 1 },
	{ CURLOPT_PROXY_SSL_VERIFYHOST, 2 },
	{ CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	{ CURLOPT_DISALLOW_USERNAME_IN_URL, 1 },
	{ CURLOPT_PATH_AS_IS, 1 },
	{ CURLOPT_HTTP_CONTENT_DECODING, 0 }, /* unpack.c does it */
	{ CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
};

struct text_option {
	CURLoption option;
	const char *value; /* NULL: libcurl's own */
};

static CURLcode set_texts(CURL *curl, const struct text_option *options, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CURLcode code = curl_easy_setopt(curl, options[i].option, options[i].value);

		if (code != CURLE_OK)
			return code;
	}
	return CURLE_OK;
}

static CURLcode set_fixed(CURL *curl)
{
	for (size_t i = 0; i < COUNT_OF(fixed_options); i++) {
		CURLcode code = curl_easy_setopt(
			curl, fixed_options[i].option, fixed_options[i].value);

		if (code != CURLE_OK)
			return code;
	}
	return CURLE_OK;
}

CURLcode handle_configure(
	CURL *curl, const struct net_origin *origin, const char *proxy, const char *ca_file)
{
	/* The simulator on this machine is no business of a proxy. */
	const struct text_option texts[] = {
		{ CURLOPT_PROTOCOLS_STR, origin->scheme },
		{ CURLOPT_PROXY, origin_is_direct(origin) ? "" : proxy },
		{ CURLOPT_NOPROXY, "" },
		{ CURLOPT_ACCEPT_ENCODING, "gzip" },
		{ CURLOPT_USERAGENT, "unstage/" UNSTAGE_VERSION },
	};
	const struct text_option ca_files[] = {
		{ CURLOPT_CAINFO, ca_file },
		{ CURLOPT_PROXY_CAINFO, ca_file },
	};
	CURLcode code = set_fixed(curl);

	/* An exchange waits to see whether a connection that is being made will take it along; over
	 * plain http none does. */
	if (code == CURLE_OK && strcmp(origin->scheme, "https") == 0)
		code = curl_easy_setopt(curl, CURLOPT_PIPEWAIT, 1L);
	if (code == CURLE_OK)
		code = set_texts(curl, texts, COUNT_OF(texts));
	if (code == CURLE_OK && ca_file)
		code = set_texts(curl, ca_files, COUNT_OF(ca_files));
	return code;
}
