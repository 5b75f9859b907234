/*
 * The gate: may this request go to this URL [T19]? Links in answers (nextLink, deltaLink) are
 * input, so every URL passes here.
 *
 * libcurl's own parser decides what the URL says, since libcurl will dial it. But it is
 * generous: it decodes escapes in a host, turns 0x7f.1 into 127.0.0.1 and takes three slashes
 * for two. So the text must also *spell* the host and port exactly as libcurl read them; a URL
 * on which two readers could differ does not pass.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "net/net_internal.h"

void url_parts_release(struct url_parts *parts)
{
	curl_free(parts->scheme);
	curl_free(parts->host);
	curl_free(parts->path);
	curl_url_cleanup(parts->url);
	*parts = (struct url_parts){ 0 };
}

/* The text between "://" and the path, which the parser must agree with; absent without "://". */
static struct span raw_authority(const char *text)
{
	const char *from = strstr(text, "://");

	if (!from)
		return SPAN_NONE;
	from += 3;
	return (struct span){ from, strcspn(from, "/?#") };
}

static const char *raw_trouble(const char *text)
{
	static const char scheme_bytes[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
	struct span authority;

	if (strnlen(text, NET_URL_MAX + 1) > NET_URL_MAX)
		return "the URL is too long";
	for (const char *at = text; *at; at++) {
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
			return "the URL holds a blank, a control or a byte outside ASCII";
		if (*at == '\\')
			return "the URL holds a backslash";
		if (*at == '#')
			return "the URL has a fragment";
	}
	if (strncmp(text + strspn(text, scheme_bytes), "://", 3) != 0)
		return "the URL does not begin with scheme://host";
	authority = raw_authority(text);
	if (!authority.length)
		return "the URL names no host";
	if (memchr(authority.data, '@', authority.length))
		return "the URL has a user part";
	if (memchr(authority.data, '%', authority.length))
		return "the host is percent-encoded";
	return NULL;
}

/* "host" or "host:port", where nothing may differ from what libcurl read but case. */
static bool spelled_as_read(struct span authority, const struct url_parts *parts)
{
	size_t length;
	char port[16];

	assert(parts->host); /* libcurl read one, or we would not be here */
	length = strlen(parts->host);
	if (!authority.data || authority.length < length ||
		strncasecmp(authority.data, parts->host, length) != 0)
		return false;
	if (authority.length == length)
		return true;
	snprintf(port, sizeof(port), ":%u", parts->port);
	return span_equal(
		(struct span){ authority.data + length, authority.length - length }, span_of(port));
}

static bool part_absent(const struct url_parts *parts, CURLUPart what)
{
	char *part = NULL;
	bool absent = curl_url_get(parts->url, what, &part, 0) != CURLUE_OK || !part;

	curl_free(part);
	return absent;
}

static const char *read_with_libcurl(struct url_parts *parts, const char *text)
{
	char *port = NULL;
	CURLUcode code;

	parts->url = curl_url();
	/* PATH_AS_IS: dot segments must be seen, not quietly resolved. */
	code = curl_url_set(
		parts->url, CURLUPART_URL, text, CURLU_PATH_AS_IS | CURLU_DISALLOW_USER);
	if (code != CURLUE_OK)
		return curl_url_strerror(code);
	if (curl_url_get(parts->url, CURLUPART_SCHEME, &parts->scheme, 0) != CURLUE_OK ||
		curl_url_get(parts->url, CURLUPART_HOST, &parts->host, 0) != CURLUE_OK ||
		curl_url_get(parts->url, CURLUPART_PATH, &parts->path, 0) != CURLUE_OK ||
		curl_url_get(parts->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return "scheme, host, port or path is missing";
	parts->port = (unsigned)strtoul(port, NULL, 10);
	curl_free(port);
	parts->has_query = !part_absent(parts, CURLUPART_QUERY);
	return NULL;
}

const char *url_parts_read(struct url_parts *parts, const char *text)
{
	const char *trouble = raw_trouble(text);

	if (!trouble)
		trouble = read_with_libcurl(parts, text);
	if (trouble)
		return trouble;
	if (!part_absent(parts, CURLUPART_USER) || !part_absent(parts, CURLUPART_PASSWORD) ||
		!part_absent(parts, CURLUPART_OPTIONS))
		return "the URL has a user part";
	if (!part_absent(parts, CURLUPART_FRAGMENT))
		return "the URL has a fragment";
	assert(parts->host);
	if (parts->host[strlen(parts->host) - 1] == '.')
		return "the host ends with a dot";
	if (!spelled_as_read(raw_authority(text), parts))
		return "host and port are not written plainly";
	return NULL;
}

static int hex_value(char digit)
{
	const char *digits = "0123456789abcdef";
	const char *at = digit ? strchr(digits, text_lower(digit)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/*
 * No path that is ours hides structure behind an escape: dots, separators, another escape, a
 * control. Refusing all of them leaves no spelling of a dot segment to be clever about.
 */
static const char *escape_trouble(const char *escape)
{
	int high = hex_value(escape[1]);
	int low = high < 0 ? -1 : hex_value(escape[2]);
	int byte = high * 16 + low;

	if (low < 0)
		return "the path holds a broken escape";
	if (byte < ' ' || byte == 0x7f)
		return "the path holds an escaped control";
	if (strchr("./\\%", byte))
		return "the path holds an escaped dot, slash, backslash or percent sign";
	return NULL;
}

/* "." or "..", also with parameters behind it ("..;x"), which some servers cut off. */
static bool is_dot_segment(const char *segment, size_t length)
{
	size_t dots = strspn(segment, ".");

	return dots >= 1 && dots <= 2 && (dots == length || segment[dots] == ';');
}

const char *url_path_trouble(const char *path)
{
	const char *trouble;

	for (const char *at = strchr(path, '%'); at; at = strchr(at + 1, '%')) {
		trouble = escape_trouble(at);
		if (trouble)
			return trouble;
	}
	for (const char *at = path; *at; at++) {
		if (*at == '/' && is_dot_segment(at + 1, strcspn(at + 1, "/")))
			return "the path has a dot segment";
	}
	return NULL;
}

void url_add_host_shown(struct buf *out, const char *text)
{
	struct span host = raw_authority(text);
	const char *user_end;

	if (!host.data)
		host = (struct span){ text, strnlen(text, NET_URL_MAX) };
	/* A user part may be a password. */
	user_end = memrchr(host.data, '@', host.length);
	if (user_end)
		host = (struct span){ user_end + 1,
			host.length - (size_t)(user_end + 1 - host.data) };
	text_fit(out, host, 80, false);
}

/* How far a URL gets along a row; the furthest row names the rule to tell. */
enum gate_reach { REACH_NOTHING, REACH_ORIGIN, REACH_SECRET, REACH_ALL };

static const char *const gate_rules[] = {
	[REACH_NOTHING] = "no configured origin has this scheme, host and port",
	[REACH_ORIGIN] = "this secret may not go there",
	[REACH_SECRET] = "the path leaves the part of that server we talk to",
	[REACH_ALL] = NULL,
};

static enum gate_reach row_reach(
	const struct net_origin *row, const struct url_parts *parts, enum net_secret secret)
{
	if (strcmp(row->scheme, parts->scheme) != 0 || strcasecmp(row->host, parts->host) != 0 ||
		row->port != parts->port)
		return REACH_NOTHING;
	if (secret != NET_SECRET_NONE && secret != row->secret)
		return REACH_ORIGIN;
	if (strncmp(parts->path, row->root, strlen(row->root)) != 0)
		return REACH_SECRET;
	return REACH_ALL;
}

static const char *table_trouble(const struct net_origins *origins, const struct url_parts *parts,
	enum net_secret secret, size_t *row)
{
	enum gate_reach furthest = REACH_NOTHING;

	for (size_t i = 0; i < origins_count(origins); i++) {
		enum gate_reach reach = row_reach(origins_row(origins, i), parts, secret);

		if (reach == REACH_ALL) {
			*row = i;
			return NULL;
		}
		if (reach > furthest)
			furthest = reach;
	}
	return gate_rules[furthest];
}

bool gate_open(const struct net_origins *origins, const char *url, enum net_secret secret,
	struct gate_pass *pass, struct error *err)
{
	CLEANUP(url_parts_release) struct url_parts parts = { 0 };
	const char *trouble = url_parts_read(&parts, url);
	size_t row = 0;

	if (!trouble)
		trouble = url_path_trouble(parts.path);
	if (!trouble)
		trouble = table_trouble(origins, &parts, secret, &row);
	if (!trouble && curl_url_get(parts.url, CURLUPART_URL, &pass->url, 0) != CURLUE_OK)
		trouble = "libcurl can't write it down again";
	if (trouble) {
		CLEANUP(buf_release) struct buf host = BUF_UP_TO(512);

		url_add_host_shown(&host, url);
		return error_set(err, ERROR_REFUSED,
			"refused to send a request to \"%s\": %s. Nothing was sent",
			buf_text(&host), trouble);
	}
	pass->row = row;
	return true;
}

void gate_pass_release(struct gate_pass *pass)
{
	curl_free(pass->url);
	*pass = (struct gate_pass){ 0 };
}

bool net_gate(const struct net_origins *origins, const char *url, enum net_secret secret,
	struct error *err)
{
	CLEANUP(gate_pass_release) struct gate_pass pass = { 0 };

	return gate_open(origins, url, secret, &pass, err);
}
