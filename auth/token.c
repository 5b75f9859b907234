/*
 * Reading what the token endpoint gave, in place: no copy of the token is made here. The token
 * is opaque (contract 1.2); its `tid` is looked at for comparison only, and may be missing.
 */
#include <jansson.h>
#include <sodium.h>
#include <string.h>

#include "auth/auth_internal.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"

enum {
	TOKEN_MAX = 32 << 10,
	LIFETIME_MAX_S = 28 * 3600, /* the longest that Entra gives; more is not believed */
	MOMENT_MAX_S = INT32_MAX,
};

static bool unusable(struct error *err, const char *why)
{
	return error_set(err, ERROR_AUTH, "the answer holds no token that can be used: %s", why);
}

/* Digits, as a number or as a text, at most `max`; anything else is 0. */
static int64_t read_seconds(struct span value, int64_t max)
{
	int64_t seconds = 0;

	if (scan_type(value) == SCAN_STRING)
		value = scan_text_direct(value);
	for (size_t i = 0; i < value.length; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return 0;
		seconds = seconds * 10 + (value.data[i] - '0');
		if (seconds > max)
			seconds = max;
	}
	return seconds;
}

/* The bytes of RFC 6750's b64token: nothing that could end a header line. */
bool token_is_bearer(struct span text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-._~+/=";

	if (!text.length || text.length > TOKEN_MAX)
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (!memchr(allowed, text.data[i], sizeof(allowed) - 1))
			return false;
	return true;
}

static struct span text_at(struct span object, const char *key)
{
	struct span value = scan_find(object, key);

	return scan_type(value) == SCAN_STRING ? scan_text_direct(value) : SPAN_NONE;
}

/* App Service gives the moment of the end alone, IMDS both (contract 1.5). */
static int64_t read_lifetime_s(struct span body, int64_t now_ms)
{
	struct span lifetime = scan_find(body, "expires_in");
	int64_t left_s;

	if (scan_type(lifetime) != SCAN_NOTHING)
		return read_seconds(lifetime, LIFETIME_MAX_S);
	left_s = read_seconds(scan_find(body, "expires_on"), MOMENT_MAX_S) - now_ms / 1000;
	return left_s < LIFETIME_MAX_S ? left_s : LIFETIME_MAX_S;
}

bool token_answer_read(
	struct span body, int64_t now_ms, struct token_answer *answer, struct error *err)
{
	struct token_answer read = { 0 };

	body = scan_trim(body);
	if (!scan_check(body, err) || scan_type(body) != SCAN_OBJECT)
		return error_set(err, ERROR_NETWORK,
			"the answer is not a JSON object. Is a captive portal or proxy in between?");
	if (text_compare_caseless(text_at(body, "token_type"), SPAN_LITERAL("Bearer")) != 0)
		return unusable(err, "token_type is not Bearer");
	read.lifetime_ms = read_lifetime_s(body, now_ms) * 1000;
	if (read.lifetime_ms <= 0)
		return unusable(err, "expires_in is not a number of seconds above 0");
	read.refresh_ms = read_seconds(scan_find(body, "refresh_in"), LIFETIME_MAX_S) * 1000;
	read.text = text_at(body, "access_token");
	if (!token_is_bearer(read.text))
		return unusable(err, "access_token is missing or no bearer token");
	*answer = read;
	return true;
}

/* The payload of header.payload.signature; absent when the token does not look so. */
static struct span payload_of(struct span token)
{
	const char *end = token.data + token.length;
	const char *first = memchr(token.data, '.', token.length);
	const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;

	if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
		return SPAN_NONE;
	return (struct span){ first + 1, (size_t)(second - first - 1) };
}

json_t *token_claims(struct span token)
{
	CLEANUP(buf_wipe) struct buf plain = BUF_UP_TO(TOKEN_MAX);
	struct span payload = payload_of(token);
	struct error ignored = { 0 };
	size_t length;
	char *room;

	room = payload.length ? buf_room(&plain, payload.length) : NULL;
	if (!room ||
		sodium_base642bin((unsigned char *)room, payload.length, payload.data,
			payload.length, NULL, &length, NULL,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return NULL;
	buf_grew(&plain, length);
	return json_parse(buf_span(&plain), TOKEN_MAX, &ignored);
}

char *token_tenant(struct span token)
{
	CLEANUP(json_freep) json_t *claims = token_claims(token);
	const char *tenant = claims ? json_text_or_null(claims, "tid") : NULL;

	if (!tenant || !text_is_guid(span_of(tenant)))
		return NULL;
	return memory_text(tenant);
}

int64_t token_ends_ms(struct span token)
{
	CLEANUP(json_freep) json_t *claims = token_claims(token);
	const json_t *end = json_object_get(claims, "exp");

	/* What no clock will ever show is no moment. */
	if (!json_is_integer(end) || json_integer_value(end) <= 0 ||
		json_integer_value(end) > MOMENT_MAX_S)
		return TIME_NONE;
	return (int64_t)json_integer_value(end) * 1000;
}
